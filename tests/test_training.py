"""`pneumonia.training`, `splitting` and `reference`: what is learned, on whom, and what is written down."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumonia import data, evaluation, plots, reference, results, splitting, training
from pneumonia.settings import CourseError


@pytest.fixture(scope="module")
def dataset(phantom_folder):
    return data.read_folder(phantom_folder)


@given(st.integers(0, 1000), st.sampled_from([0.2, 0.25, 0.5]))
@settings(max_examples=20)
def test_no_patient_is_on_both_sides(dataset, seed, fraction):
    train, validation = splitting.split(dataset, fraction, seed)
    assert sorted([*train, *validation]) == list(range(len(dataset)))
    assert not set(dataset.patients[train]) & set(dataset.patients[validation])
    assert set(dataset.labels[validation]) == {0, 1}


def test_without_patients_a_split_says_so(dataset):
    from dataclasses import replace

    anonymous = replace(dataset, patients=np.full(len(dataset), ""))
    with pytest.warns(UserWarning, match="no patients are known"):
        train, validation = splitting.split(anonymous)
    assert sorted([*train, *validation]) == list(range(len(dataset)))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=50))
def test_class_weights_balance_the_classes(labels):
    labels = np.array(labels)
    weights = training.class_weights(labels)
    totals = [weights[c] * np.sum(labels == c) for c in weights]
    assert np.ptp(totals) == pytest.approx(0, abs=1e-9)
    assert sum(totals) == pytest.approx(len(labels))


def separable(n=120):
    """Features of 2x2x3 whose first channel gives the label away."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    features = rng.normal(size=(n, 2, 2, 3)).astype(np.float32)
    features[..., 0] += 3 * labels[:, None, None]
    return features, labels


def test_the_head_learns_stops_early_and_repeats():
    features, labels = separable()
    rows = np.arange(len(labels))
    how = training.Training(learning_rate=1e-2, patience=2, epochs=40)
    runs = [training.train_head(features, labels, rows[:80], rows[80:], seed=s, how=how) for s in (3, 3, 4)]
    scores = [training.predict(head, features) for head, _ in runs]
    assert evaluation.metrics(labels[80:], scores[0][80:])["auc"] > 0.97
    assert np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])
    history = runs[0][1]
    assert len(history["loss"]) < 40
    assert {"loss", "auc", "val_loss", "val_auc"} <= set(history)


def test_logits_are_the_probabilities_before_saturation():
    head = training.build_head((2, 2, 3))
    features = np.random.default_rng(1).normal(size=(50, 2, 2, 3)).astype(np.float32)
    logits = training.logits(head, features)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), training.predict(head, features), atol=1e-6)
    extreme = training.logits(head, features * 1e4)
    assert len(np.unique(extreme)) == 50  # where a float32 sigmoid gives 0 or 1 for nearly all


def test_predicting_nothing_gives_nothing():
    assert training.predict(training.build_head((2, 2, 3)), np.empty((0, 2, 2, 3), np.float32)).shape == (0,)


@pytest.fixture(scope="module")
def run(dataset):
    """The protocol itself, VGG16 and all, on 64 phantoms: two seeds, three epochs."""
    return reference.run(dataset, seeds=(0, 1), how=training.Training(epochs=3), progress=False)


def test_the_result_says_what_it_was_measured_on(run, dataset):
    result, _ = run
    assert result["data"] == dataset.card()
    assert result["data"]["synthetic"]
    assert [r["seed"] for r in result["runs"]] == [0, 1]
    assert result["runs"][0]["test"]["cases"] == 20
    json.dumps(result, allow_nan=False)


def test_the_written_model_predicts_from_pixels_in_safe_mode(run, dataset, tmp_path):
    from pneumonia.backend import keras

    result, model = run
    reference.write(result, model, tmp_path / "out")
    written = {path.name for path in (tmp_path / "out").iterdir()}
    figures = {f"{n}.png" for n in ("learning_curves", "confusion_matrix", "roc", "precision_recall", "scores")}
    assert written == {"metrics.json", "model.keras", *figures}
    loaded = keras.models.load_model(tmp_path / "out" / "model.keras", safe_mode=True)
    test = dataset.split("test")
    probabilities = training.predict(loaded, test.load(reference.SIZE).astype(np.float32), batch=16)
    _, expected = plots.scores_of(result["runs"][0])["test"]
    np.testing.assert_allclose(probabilities, expected, atol=2e-3)


@pytest.fixture(scope="module")
def recorded():
    return results.load(reference.NAME)


def test_recorded_numbers_follow_from_recorded_scores(recorded):
    """No number under results/ can be edited by hand: each follows from the scores beside it."""
    assert not recorded["data"]["synthetic"]
    for run in recorded["runs"]:
        for name, (labels, probabilities) in plots.scores_of(run).items():
            again = evaluation.metrics(labels, probabilities, run[name]["threshold"])
            assert {key: run[name][key] for key in again} == pytest.approx(again, abs=1e-9)
            assert run[name]["confusion"] == evaluation.confusion_counts(labels, probabilities)
            for metric, (low, high) in run[name]["interval_95"].items():
                assert 0 <= low <= high <= 1, metric
    for name in ("validation", "test"):
        again = evaluation.spread([run[name] for run in recorded["runs"]])
        for metric, values in again.items():
            assert recorded[name][metric] == pytest.approx(values)


def test_an_unknown_result_is_named():
    with pytest.raises(CourseError, match=r"no such result; known are: .*reference-head"):
        results.load("nothing")
