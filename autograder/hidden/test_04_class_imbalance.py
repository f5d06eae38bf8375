"""Hidden checks of exercise 04-class-imbalance, on inputs drawn afresh: no answer can be learnt by heart.

They ask for nothing that the public checks and the notebook's text do not ask for.
"""

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


def draw_sizes(rng, classes: int, most: int) -> dict[int, int]:
    """Sizes of as many classes, whose numbers are drawn, too."""
    names = rng.choice(10, size=classes, replace=False).tolist()
    return dict(zip(names, rng.integers(1, most, size=classes).tolist(), strict=True))


@function("class_weights")
def test_weights_of_many_labels(learner, rng):
    """Many drawn labels, of one to five classes of any numbers."""
    for classes in (1, 2, 2, 3, 5):
        expect_class_weights(learner, draw_labels(rng, draw_sizes(rng, classes, 300)))


@function("initial_bias")
def test_bias_of_many_labels(learner, rng):
    """Many drawn labels."""
    for negatives, positives in rng.integers(1, 600, size=(6, 2)).tolist():
        expect_bias(learner, draw_labels(rng, {0: negatives, 1: positives}))


@function("initial_bias")
def test_bias_refuses_one_class_of_drawn_size(learner, rng):
    """A ValueError that names labels where a class is missing."""
    label = int(rng.integers(2))
    labels = np.full(int(rng.integers(1, 30)), label)
    expect_labels_refused(learner, "initial_bias", labels, f"no label is {1 - label}")


@function("weighted_binary_crossentropy")
def test_loss_of_many_cases(learner, rng):
    """Many drawn cases and weights, some of them certain."""
    for _ in range(4):
        labels = draw_labels(rng, {0: int(rng.integers(20, 100)), 1: int(rng.integers(20, 100))})
        y_prob = rng.uniform(size=len(labels))
        weights = {int(label): float(rng.uniform(0.1, 5)) for label in rng.permutation(2)}
        expect_loss(learner, labels, np.clip(y_prob, 0.01, 0.99), weights)
        y_prob[rng.choice(len(labels), size=8, replace=False)] = [0, 0, 0, 1, 1, 1, 2e-8, 1 - 4e-7]
        expect_loss(learner, labels, y_prob, weights)


@function("oversample")
def test_oversampling_of_many_sets(learner, rng):
    """Many drawn sets, of one to four classes of any numbers."""
    for classes in (1, 2, 2, 3, 4):
        labels = draw_labels(rng, draw_sizes(rng, classes, 150))
        expect_oversampling(learner, labels, int(rng.integers(2**31)))


@function("oversample")
def test_oversampling_draws_with_a_drawn_rng(learner, rng):
    """The same state of `rng` gives the same indices, another state other repeats."""
    few = int(rng.integers(14, 19))
    # Half a class more than a multiple: a program that repeats all of a class in turn, too, has something to draw.
    labels = draw_labels(rng, {0: few * int(rng.integers(4, 6)) + few // 2, 1: few})
    expect_draws(learner, labels, tuple(rng.choice(2**31, size=4, replace=False).tolist()))


@function("adjust_to_prior")
def test_adjusting_many_probabilities(learner, rng):
    """Many drawn probabilities and priors."""
    for train_prior, target_prior in rng.uniform(0.01, 0.99, size=(10, 2)).tolist():
        y_prob = np.append(rng.uniform(0.001, 0.999, size=20), [1e-5, 1 - 1e-5])
        expect_adjusted(learner, y_prob, train_prior, target_prior)
        expect_adjusted(learner, y_prob, train_prior, train_prior)


@function("adjust_to_prior")
def test_adjusting_refuses_drawn_bad_priors(learner, rng):
    """A ValueError that names the prior which is not in (0, 1)."""
    bad = (0.0, 1.0, -float(rng.uniform(0.1, 3)), 1 + float(rng.uniform(0.1, 3)), float("nan"))
    expect_priors_refused(learner, rng.uniform(0.01, 0.99, size=5), bad)
