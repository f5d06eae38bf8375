"""Hidden checks of exercise 02-metrics: inputs drawn afresh for each grading, so that no answer can be learnt by heart.

They ask for nothing that the public checks and the notebook's text do not ask for.
"""

import numpy as np

from autograder.checking import expect_refusal
from autograder.checks import function
from autograder.checks.metrics import (
    clear_target,
    draw_cases,
    expect_auc,
    expect_counts,
    expect_f_beta,
    expect_ratio,
    expect_threshold,
)


@function("confusion_counts")
def test_counts_of_many_cases(learner, rng):
    """Many drawn cases: ties, imbalance, float32."""
    for steps, dtype in ((4, np.float64), (64, np.float32), (2**20, np.float64)):
        n = int(rng.integers(150, 300))
        y_true, y_prob = draw_cases(rng, n, positives=int(rng.integers(1, n // 6)), steps=steps, dtype=dtype)
        expect_counts(learner, y_true, y_prob, float(rng.choice(y_prob)))
        expect_counts(learner, 1 - y_true, y_prob, float(rng.choice(y_prob)))
        expect_counts(learner, y_true, y_prob)


@function("confusion_counts")
def test_counts_with_a_missing_class(learner, rng):
    """Drawn cases of one class only."""
    _, y_prob = draw_cases(rng, 30, steps=8)
    for label in (0, 1):
        expect_counts(learner, np.full(30, label), y_prob, float(rng.choice(y_prob)))


@function("confusion_counts")
def test_counts_refuse_drawn_bad_input(learner, rng):
    """A wrong label or a wrong length somewhere."""
    y_true, y_prob = draw_cases(rng, 30)
    broken = y_true.astype(float)
    broken[rng.integers(30)] = rng.choice([-3, -2, 2, 3, 7, 0.5, 0.25])
    expect_refusal(
        learner, "confusion_counts", broken, y_prob, naming=("y_true",), because="one label is neither 0 nor 1"
    )
    for labels, probabilities in ((y_true[:-1], y_prob), (y_true, y_prob[:-1])):
        expect_refusal(
            learner,
            "confusion_counts",
            labels,
            probabilities,
            naming=("y_true", "y_prob"),
            because=f"y_true has {len(labels)} elements and y_prob has {len(probabilities)}",
        )


def _draw_ratios(rng):
    """Pairs of counts, and the corners."""
    return [(int(a), int(b)) for a, b in rng.integers(1, 2000, size=(12, 2))] + [(0, int(rng.integers(1, 99))), (0, 0)]


@function("precision")
def test_precision_of_drawn_counts(learner, rng):
    """Drawn counts."""
    for tp, fp in _draw_ratios(rng):
        expect_ratio(learner, "precision", tp, fp)


@function("recall")
def test_recall_of_drawn_counts(learner, rng):
    """Drawn counts."""
    for tp, fn in _draw_ratios(rng):
        expect_ratio(learner, "recall", tp, fn)


@function("specificity")
def test_specificity_of_drawn_counts(learner, rng):
    """Drawn counts."""
    for tn, fp in _draw_ratios(rng):
        expect_ratio(learner, "specificity", tn, fp)


@function("f_beta")
def test_f_beta_of_drawn_counts(learner, rng):
    """Drawn counts and betas."""
    for tp, fp, fn in rng.integers(1, 500, size=(10, 3)).tolist():
        expect_f_beta(learner, tp, fp, fn)
        expect_f_beta(learner, tp, fp, fn, float(rng.choice([0.25, 0.5, 1.5, 2.0, 4.0])))


@function("f_beta")
def test_f_beta_without_true_positives(learner, rng):
    """0.0 without a true positive."""
    fp, fn = rng.integers(1, 500, size=2).tolist()
    for counts in ((0, 0, 0), (0, fp, 0), (0, 0, fn), (0, fp, fn)):
        expect_f_beta(learner, *counts)


@function("roc_auc")
def test_auc_of_many_cases(learner, rng):
    """Many drawn cases: ties, imbalance, float32, worse than chance."""
    for steps, dtype in ((4, np.float64), (64, np.float32), (2**20, np.float64)):
        n = int(rng.integers(100, 250))
        y_true, y_prob = draw_cases(rng, n, positives=int(rng.integers(1, n // 6)), steps=steps, dtype=dtype)
        expect_auc(learner, y_true, y_prob)
        expect_auc(learner, 1 - y_true, y_prob)


@function("roc_auc")
def test_auc_refuses_one_class_of_drawn_cases(learner, rng):
    """A ValueError that names y_true where one class is missing."""
    _, y_prob = draw_cases(rng, 20)
    label = int(rng.integers(2))
    expect_refusal(
        learner, "roc_auc", np.full(20, label), y_prob, naming=("y_true",), because=f"no label is {1 - label}"
    )


@function("threshold_for_recall")
def test_threshold_of_many_cases(learner, rng):
    """Many drawn cases: ties, imbalance, float32."""
    for steps, dtype in ((8, np.float64), (64, np.float32), (2**20, np.float64)):
        n = int(rng.integers(100, 250))
        y_true, y_prob = draw_cases(rng, n, positives=int(rng.integers(n // 8, n // 2)), steps=steps, dtype=dtype)
        for target in (clear_target(rng, y_true), clear_target(rng, y_true), 1.0):
            expect_threshold(learner, y_true, y_prob, target)


@function("threshold_for_recall")
def test_threshold_exactly_at_drawn_targets(learner, rng):
    """Recall exactly at the target is enough."""
    y_true, y_prob = draw_cases(rng, 80, positives=32, steps=2**20)
    for target in rng.choice([1, 2, 3, 5, 7], size=3, replace=False) / 8:
        expect_threshold(learner, y_true, y_prob, float(target))


@function("threshold_for_recall")
def test_threshold_refuses_drawn_bad_input(learner, rng):
    """A ValueError for a target outside (0, 1], and where there is no positive."""
    y_true, y_prob = draw_cases(rng, 20)
    for target in (0.0, -float(rng.uniform(0.1, 3)), 1 + float(rng.uniform(0.1, 3))):
        expect_refusal(
            learner,
            "threshold_for_recall",
            y_true,
            y_prob,
            target,
            naming=("target",),
            because=f"{target:.3g} is not in (0, 1]",
        )
    expect_refusal(
        learner,
        "threshold_for_recall",
        np.zeros(20, int),
        y_prob,
        0.5,
        naming=("y_true",),
        because="no label is 1",
    )
