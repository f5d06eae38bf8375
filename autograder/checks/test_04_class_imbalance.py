"""Public checks of exercise 04-class-imbalance: small inputs that can be followed by hand, then drawn ones."""

import numpy as np

from autograder.checks import function
from autograder.checks.imbalance import (
    draw_labels,
    expect_adjusted,
    expect_bias,
    expect_class_weights,
    expect_draws,
    expect_labels_refused,
    expect_loss,
    expect_oversampling,
    expect_priors_refused,
)

# The inputs of the first checks are chosen so that each known mistake gives an answer of its own, and is named.
LABELS = np.array([1, 0, 1, 1, 1, 0, 1, 1, 1, 1])
# Of each kind one case, and one more: ill and called ill, ill and missed, healthy and alarmed, healthy and left alone.
Y_TRUE = np.array([1, 1, 0, 0, 1])
Y_PROB = np.array([0.9, 0.2, 0.7, 0.1, 0.6])
WEIGHTS = {0: 2.5, 1: 0.5}


@function("class_weights")
def test_weights_of_ten_cases(learner):
    """Ten cases, eight of them 1."""
    expect_class_weights(learner, LABELS)


@function("class_weights")
def test_weights_of_three_classes(learner):
    """Three classes; the weights go to the classes that occur, whatever their numbers are."""
    expect_class_weights(learner, np.array([2, 0, 1, 1, 0, 1, 1, 1, 0, 1]))
    expect_class_weights(learner, np.array([3, 1, 1, 1, 3, 1]))


@function("class_weights")
def test_weights_of_one_class(learner):
    """Where only one class occurs, it alone has a weight."""
    expect_class_weights(learner, np.array([1, 1, 1]))
    expect_class_weights(learner, np.array([0]))


@function("class_weights")
def test_weights_of_drawn_labels(learner, rng):
    """Drawn labels."""
    for classes in (2, 4):
        sizes = rng.integers(1, 40, size=classes).tolist()
        expect_class_weights(learner, draw_labels(rng, dict(enumerate(sizes))))


@function("class_weights")
def test_weights_refuse_nothing(learner):
    """A ValueError that names labels where there is none."""
    expect_labels_refused(learner, "class_weights", np.array([], int), "labels is empty")


@function("initial_bias")
def test_bias_of_ten_cases(learner):
    """Eight of ten cases are positive."""
    expect_bias(learner, LABELS)


@function("initial_bias")
def test_bias_of_few_positives(learner):
    """Below 0 where positives are rare, 0 where there are as many of each."""
    expect_bias(learner, np.array([0, 0, 1, 0, 0, 0]))
    expect_bias(learner, np.array([0, 1, 1, 0]))


@function("initial_bias")
def test_bias_of_drawn_labels(learner, rng):
    """Drawn labels."""
    for negatives, positives in rng.integers(1, 60, size=(4, 2)).tolist():
        expect_bias(learner, draw_labels(rng, {0: negatives, 1: positives}))


@function("initial_bias")
def test_bias_refuses_a_missing_class(learner):
    """A ValueError that names labels where a class is missing."""
    for label in (0, 1):
        expect_labels_refused(learner, "initial_bias", np.full(4, label), f"no label is {1 - label}")


@function("weighted_binary_crossentropy")
def test_loss_of_five_cases(learner):
    """Five cases, one class with five times the weight of the other."""
    expect_loss(learner, Y_TRUE, Y_PROB, WEIGHTS)
    expect_loss(learner, Y_TRUE, Y_PROB, {1: 0.5, 0: 2.5})


@function("weighted_binary_crossentropy")
def test_loss_with_equal_weights(learner):
    """Weights of one give the plain cross-entropy, weights of three three times as much."""
    for weight in (1.0, 3.0):
        expect_loss(learner, Y_TRUE, Y_PROB, {0: weight, 1: weight})


@function("weighted_binary_crossentropy")
def test_loss_of_certain_answers(learner):
    """Probabilities of 0 and 1, and others so near that they are clipped, or just not."""
    expect_loss(learner, np.array([1, 0, 1]), np.array([0.0, 0.3, 0.8]), WEIGHTS)
    expect_loss(learner, np.array([0, 1, 0]), np.array([1.0, 0.3, 0.8]), WEIGHTS)
    expect_loss(learner, np.array([1, 0, 1, 0]), np.array([1.0, 0.0, 1.0, 0.0]), WEIGHTS)
    expect_loss(learner, np.array([1, 0, 1, 0]), np.array([3e-8, 1 - 3e-8, 3e-7, 1 - 3e-7]), WEIGHTS)


@function("weighted_binary_crossentropy")
def test_loss_of_one_class(learner):
    """Cases of one class only."""
    for label in (0, 1):
        expect_loss(learner, np.full(3, label), np.array([0.2, 0.5, 0.7]), WEIGHTS)


@function("weighted_binary_crossentropy")
def test_loss_of_drawn_cases(learner, rng):
    """Drawn cases and weights."""
    for negatives, positives in rng.integers(1, 30, size=(3, 2)).tolist():
        labels = draw_labels(rng, {0: negatives, 1: positives})
        weights = {label: float(rng.uniform(0.2, 4)) for label in (0, 1)}
        expect_loss(learner, labels, rng.uniform(0.01, 0.99, size=len(labels)), weights)


@function("oversample")
def test_oversampling_of_ten_cases(learner):
    """Two cases of class 0 and eight of class 1; then the other way round."""
    expect_oversampling(learner, LABELS, 1)
    expect_oversampling(learner, 1 - LABELS, 1)


@function("oversample")
def test_oversampling_of_a_balanced_set(learner):
    """Where the classes are equally large, each case occurs once."""
    expect_oversampling(learner, np.array([0, 1, 1, 0, 0, 1]), 2)


@function("oversample")
def test_oversampling_of_other_classes(learner, rng):
    """Three classes, of any numbers."""
    expect_oversampling(learner, draw_labels(rng, {0: 3, 1: 7, 2: 5}), 3)
    expect_oversampling(learner, draw_labels(rng, {3: 9, 7: 4}), 4)
    expect_oversampling(learner, draw_labels(rng, {2: 6, 5: 30}), 5)


@function("oversample")
def test_oversampling_draws_with_rng(learner, rng):
    """The same state of `rng` gives the same indices, another state other repeats."""
    expect_draws(learner, draw_labels(rng, {0: 12, 1: 41}), (6, 7, 8, 9))


@function("adjust_to_prior")
def test_adjusting_three_probabilities(learner):
    """From 1 of 5 ill to 3 of 4, and back."""
    y_prob = np.array([0.1, 0.5, 0.9])
    expect_adjusted(learner, y_prob, 0.2, 0.75)
    expect_adjusted(learner, y_prob, 0.75, 0.2)


@function("adjust_to_prior")
def test_adjusting_to_the_same_prior(learner):
    """Nothing changes where the priors are equal."""
    for prior in (0.5, 0.1):
        expect_adjusted(learner, np.array([0.05, 0.3, 0.6, 0.99]), prior, prior)


@function("adjust_to_prior")
def test_adjusting_probabilities_near_the_ends(learner):
    """Probabilities near 0 and near 1."""
    expect_adjusted(learner, np.array([1e-5, 0.02, 0.98, 1 - 1e-5]), 0.6, 0.3)


@function("adjust_to_prior")
def test_adjusting_drawn_probabilities(learner, rng):
    """Drawn probabilities and priors."""
    for train_prior, target_prior in rng.uniform(0.02, 0.98, size=(4, 2)).tolist():
        expect_adjusted(learner, rng.uniform(0.01, 0.99, size=8), train_prior, target_prior)


@function("adjust_to_prior")
def test_adjusting_refuses_bad_priors(learner):
    """A ValueError that names the prior which is not in (0, 1)."""
    expect_priors_refused(learner, np.array([0.2, 0.7]), (1.5, -0.2, 0.0, 1.0, 0, 1, float("nan")))
