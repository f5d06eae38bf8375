"""Hidden checks of exercise 06-capstone: other phantoms, channels and cases in a drawn order, drawn seeds."""

from autograder.capstone_data import load, reference
from autograder.checks import function
from autograder.checks.capstone import expect_reproducible, expect_score, shuffled
from autograder.hidden.capstone_data import GRADING


def draw(rng):
    """The set for grading, its channels in a drawn order, in which weights learned elsewhere are of no use.

    The training cases stay in their order, so that splitting them gives everyone the same whatever was drawn.
    """
    train, test = load(GRADING)
    columns = rng.permutation(train.features.shape[1])
    rows = range(len(train.labels))
    return shuffled(train, columns, list(rows)), shuffled(test, columns, rng.permutation(len(test.labels)))


@function("train_classifier")
def test_drawn_seed_fixes_it(learner, rng):
    """A function comes back that gives probabilities, the same each time, whatever the seed."""
    expect_reproducible(learner, *draw(rng), int(rng.integers(1, 10**6)), rng)


@function("train_classifier")
def test_score_on_new_cases(learner, rng):
    """The score on cases that nobody has seen."""
    expect_score(learner, *draw(rng), 0, reference(GRADING))
