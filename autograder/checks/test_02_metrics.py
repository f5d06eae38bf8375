"""Public checks of exercise 02-metrics: small inputs that can be followed by hand, then drawn ones."""

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

# The cases of the first checks are chosen so that each known mistake gives an answer of its own, and is named.
# These, cut at 0.5, give (2, 1, 3, 4).
LABELS = np.array([1, 0, 1, 1, 0, 1, 1, 0, 1, 1])
PROBABILITIES = np.array([0.9, 0.35, 0.75, 0.3, 0.6, 0.8, 0.1, 0.1, 0.4, 0.95])


@function("confusion_counts")
def test_counts_of_ten_cases(learner):
    """Ten cases, cut at 0.5."""
    expect_counts(learner, LABELS, PROBABILITIES)


@function("confusion_counts")
def test_probability_equal_to_the_threshold(learner):
    """A probability equal to the threshold is a positive call."""
    y_true, y_prob = np.array([0, 0, 1, 1, 1, 0, 1]), np.array([0.25, 0.5, 0.25, 0.5, 0.75, 0.1, 0.4])
    expect_counts(learner, y_true, y_prob, 0.25)
    expect_counts(learner, y_true, y_prob)


@function("confusion_counts")
def test_counts_at_other_thresholds(learner):
    """Thresholds other than 0.5, and the two ends."""
    for threshold in (0.25, 0.65, 0.85, 0.0, 1.0):
        expect_counts(learner, LABELS, PROBABILITIES, threshold)


@function("confusion_counts")
def test_counts_where_a_class_is_missing(learner):
    """Only one class among the labels, or among the calls."""
    expect_counts(learner, np.array([1, 1, 1]), np.array([0.2, 0.6, 0.7]))
    expect_counts(learner, np.array([0, 0, 0]), np.array([0.2, 0.6, 0.7]))
    expect_counts(learner, np.array([0, 0]), np.array([0.1, 0.2]))


@function("confusion_counts")
def test_counts_refuse_bad_input(learner):
    """Bad input is refused with a ValueError that names the argument."""
    refuse = "y_true", "y_prob"
    shorter = "y_true has 3 elements and y_prob has 2"
    expect_refusal(
        learner, "confusion_counts", np.array([0, 1, 1]), np.array([0.2, 0.9]), naming=refuse, because=shorter
    )
    for label in (2, -1, 0.5):
        labels = np.array([0, 1, label])
        expect_refusal(
            learner,
            "confusion_counts",
            labels,
            np.array([0.2, 0.9, 0.4]),
            naming=("y_true",),
            because=f"{label} is neither 0 nor 1",
        )


@function("confusion_counts")
def test_counts_of_drawn_cases(learner, rng):
    """Drawn cases with many ties, thresholds that occur among them."""
    for _ in range(3):
        y_true, y_prob = draw_cases(rng, 40, steps=8)
        expect_counts(learner, y_true, y_prob, float(rng.choice(y_prob)))


@function("precision")
def test_precision(learner):
    """True positives among all positive calls."""
    for tp, fp in ((6, 3), (3, 9), (5, 0), (0, 4)):
        expect_ratio(learner, "precision", tp, fp)


@function("precision")
def test_precision_without_positive_calls(learner):
    """0.0 where nothing was called positive."""
    expect_ratio(learner, "precision", 0, 0)


@function("recall")
def test_recall(learner):
    """True positives among all that are ill."""
    for tp, fn in ((6, 3), (3, 9), (5, 0), (0, 4)):
        expect_ratio(learner, "recall", tp, fn)


@function("recall")
def test_recall_without_positives(learner):
    """0.0 where nobody is ill."""
    expect_ratio(learner, "recall", 0, 0)


@function("specificity")
def test_specificity(learner):
    """True negatives among all that are healthy."""
    for tn, fp in ((6, 3), (3, 9), (5, 0), (0, 4)):
        expect_ratio(learner, "specificity", tn, fp)


@function("specificity")
def test_specificity_without_negatives(learner):
    """0.0 where nobody is healthy."""
    expect_ratio(learner, "specificity", 0, 0)


@function("f_beta")
def test_f1(learner):
    """F1, the default."""
    expect_f_beta(learner, 6, 2, 4)
    expect_f_beta(learner, 3, 0, 0)


@function("f_beta")
def test_f_beta_for_other_betas(learner):
    """beta above 1 favours recall, below 1 precision."""
    for beta in (2.0, 0.5, 3):
        expect_f_beta(learner, 6, 2, 4, beta)
        expect_f_beta(learner, 5, 10, 3, beta)


@function("f_beta")
def test_f_beta_where_undefined(learner):
    """0.0 without a true positive, whatever else is 0."""
    for fp, fn in ((0, 0), (3, 0), (0, 3), (3, 3)):
        expect_f_beta(learner, 0, fp, fn, 2.0)


@function("roc_auc")
def test_auc_of_ten_cases(learner):
    """Ten cases, ties between the classes at both ends and in the middle."""
    labels = np.array([0, 1, 0, 1, 0, 1, 1, 1, 1, 0])
    expect_auc(learner, labels, np.array([0.2, 0.8, 0.2, 0.6, 0.8, 0.3, 0.8, 0.2, 0.2, 0.3]))


@function("roc_auc")
def test_auc_of_the_extremes(learner):
    """1 for a perfect order, 0 for a reversed one, one half where all probabilities are equal."""
    labels = np.array([0, 1, 0, 1, 1])
    expect_auc(learner, labels, np.array([0.1, 0.8, 0.2, 0.9, 0.3]))
    expect_auc(learner, labels, np.array([0.9, 0.2, 0.8, 0.1, 0.7]))
    expect_auc(learner, labels, np.full(5, 0.5))


@function("roc_auc")
def test_auc_of_drawn_cases(learner, rng):
    """Drawn cases: few ties, many ties, few positives."""
    expect_auc(learner, *draw_cases(rng, 60, positives=20, steps=2**20))
    expect_auc(learner, *draw_cases(rng, 60, positives=40, steps=8))
    expect_auc(learner, *draw_cases(rng, 60, positives=3, steps=16))


@function("roc_auc")
def test_auc_refuses_a_missing_class(learner):
    """A ValueError that names y_true where one class is missing."""
    for label, other in ((0, 1), (1, 0)):
        expect_refusal(
            learner,
            "roc_auc",
            np.full(4, label),
            np.array([0.1, 0.4, 0.4, 0.9]),
            naming=("y_true",),
            because=f"no label is {other}, and the area compares the two classes",
        )


@function("threshold_for_recall")
def test_threshold_of_ten_cases(learner):
    """Ten cases, targets low and high."""
    labels = np.array([1, 1, 1, 0, 0, 1, 0, 1, 0, 0])
    probabilities = np.array([0.22, 0.86, 0.88, 0.54, 0.38, 0.94, 0.68, 0.82, 0.42, 0.04])
    for target in (0.7, 0.3, 0.9, 0.85):
        expect_threshold(learner, labels, probabilities, target)


@function("threshold_for_recall")
def test_threshold_that_meets_the_target_exactly(learner):
    """Recall exactly at the target is enough."""
    y_true, y_prob = np.array([1, 0, 1, 1, 0, 1, 0]), np.array([0.3, 0.4, 0.9, 0.7, 0.8, 0.1, 0.05])
    for target in (0.75, 0.5, 1.0):
        expect_threshold(learner, y_true, y_prob, target)


@function("threshold_for_recall")
def test_threshold_among_drawn_cases(learner, rng):
    """Drawn cases with ties, drawn targets."""
    for steps in (8, 64, 2**20):
        y_true, y_prob = draw_cases(rng, 50, positives=30, steps=steps)
        expect_threshold(learner, y_true, y_prob, clear_target(rng, y_true))


@function("threshold_for_recall")
def test_threshold_refuses_bad_input(learner):
    """A ValueError for a target outside (0, 1], and where there is no positive."""
    labels, probabilities = np.array([0, 1, 1]), np.array([0.2, 0.9, 0.4])
    for target in (0.0, -0.5, 1.5):
        expect_refusal(
            learner,
            "threshold_for_recall",
            labels,
            probabilities,
            target,
            naming=("target",),
            because=f"{target} is not in (0, 1]",
        )
    expect_refusal(
        learner,
        "threshold_for_recall",
        np.array([0, 0, 0]),
        probabilities,
        0.5,
        naming=("y_true",),
        because="no label is 1, and recall is a share of the positives",
    )
