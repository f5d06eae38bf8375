"""`pneumonia.evaluation`: laws that metrics obey, whatever the scores."""

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import assume, given
from hypothesis import strategies as st

from pneumonia import evaluation


@st.composite
def scored(draw):
    """Labels with both classes, and probabilities with ties."""
    labels = draw(st.lists(st.integers(0, 1), min_size=2, max_size=30).filter(lambda y: 0 < sum(y) < len(y)))
    steps = draw(st.lists(st.integers(0, 10), min_size=len(labels), max_size=len(labels)))
    return np.array(labels), np.array(steps) / 10


@given(scored(), st.integers(0, 10))
def test_metrics_follow_from_counting(case, step):
    labels, probabilities = case
    threshold = step / 10
    m = evaluation.metrics(labels, probabilities, threshold)
    positive = probabilities >= threshold
    tp, fp = np.sum(positive & (labels == 1)), np.sum(positive & (labels == 0))
    fn, tn = np.sum(~positive & (labels == 1)), np.sum(~positive & (labels == 0))
    assert evaluation.confusion_counts(labels, probabilities, threshold) == {"tn": tn, "fp": fp, "fn": fn, "tp": tp}
    assert m["recall"] == pytest.approx(tp / (tp + fn))
    assert m["specificity"] == pytest.approx(tn / (tn + fp))
    assert m["precision"] == pytest.approx(tp / (tp + fp) if tp + fp else 0)
    assert m["accuracy"] == pytest.approx((tp + tn) / len(labels))
    assert m["balanced_accuracy"] == pytest.approx((m["recall"] + m["specificity"]) / 2)
    pairs = [(p > n) + (p == n) / 2 for p in probabilities[labels == 1] for n in probabilities[labels == 0]]
    assert m["auc"] == pytest.approx(np.mean(pairs))
    assert all(0 <= value <= 1 for value in m.values())


@given(scored(), st.data())
def test_weighted_metrics_are_scikit_learns(case, data):
    labels, probabilities = case
    weights = data.draw(st.lists(st.integers(0, 4), min_size=len(labels), max_size=len(labels)))
    assume(set(np.repeat(labels, weights)) == {0, 1})
    got = evaluation.metrics(labels, probabilities, weights=weights)
    predicted, options = probabilities >= 0.5, {"sample_weight": weights}
    assert got["auc"] == pytest.approx(sk.roc_auc_score(labels, probabilities, **options))
    assert got["average_precision"] == pytest.approx(sk.average_precision_score(labels, probabilities, **options))
    assert got["accuracy"] == pytest.approx(sk.accuracy_score(labels, predicted, **options))
    assert got["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(labels, predicted, **options))
    assert got["precision"] == pytest.approx(sk.precision_score(labels, predicted, zero_division=0, **options))
    repeated = evaluation.metrics(np.repeat(labels, weights), np.repeat(probabilities, weights))
    assert got == pytest.approx(repeated)


def test_calibration_error_of_known_cases():
    assert evaluation.calibration_error([0, 1], [0.0, 1.0]) == 0
    assert evaluation.calibration_error([0, 0, 0, 1], [0.25] * 4) == pytest.approx(0)
    assert evaluation.calibration_error([0, 0], [0.9, 0.9]) == pytest.approx(0.9)
    assert evaluation.calibration_error([1, 0, 0, 0], [0.9, 0.1, 0.1, 0.1]) == pytest.approx(0.1)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Binormal scores with a known AUC: 95% intervals hold it in most of 60 draws."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [60, 100])
    truth, hits = 0.8555, 0  # Phi(1.5 / sqrt 2), the AUC of two normals 1.5 deviations apart
    for draw in range(60):
        scores = 1 / (1 + np.exp(-(rng.normal(size=160) + 1.5 * labels)))
        low, high = evaluation.bootstrap(labels, scores, replicates=100, seed=draw)["auc"]
        hits += low <= truth <= high
    assert 50 <= hits <= 60


def test_intervals_are_wider_when_images_of_a_patient_go_together():
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(40), 5)
    labels = (patients % 2).astype(int)
    scores = 1 / (1 + np.exp(-(rng.normal(size=40)[patients] + labels)))

    def width(groups):
        low, high = evaluation.bootstrap(labels, scores, groups=groups, replicates=200)["recall"]
        return high - low

    assert width(patients) > 1.3 * width(None)


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [([0, 0], [0.1, 0.2], "both classes"), ([0, 1], [0.1], "expected shape"), ([0, 2], [0.1, 0.2], "both classes")],
)
def test_senseless_input_is_refused(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        evaluation.metrics(labels, probabilities)
