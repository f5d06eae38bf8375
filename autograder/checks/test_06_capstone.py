"""Public checks of exercise 06-capstone, on the practice set. At grading the same is asked on another set."""

from autograder.capstone_data import load, reference
from autograder.checks import function
from autograder.checks.capstone import expect_reproducible, expect_score, expect_to_learn_from_arguments

# A FunctionLearner keeps the classifiers: training takes seconds.


@function("train_classifier")
def test_a_function_comes_back_and_the_seed_fixes_it(learner, rng):
    """A function comes back that gives probabilities, the same each time."""
    expect_reproducible(learner, *load(), 0, rng)


@function("train_classifier")
def test_score_on_the_practice_set(learner):
    """The score on the practice set's test cases."""
    expect_score(learner, *load(), 0, reference())


@function("train_classifier")
def test_it_learns_from_its_arguments(learner):
    """It learns from the cases that it is given, and from no others."""
    expect_to_learn_from_arguments(learner, *load(), 0)
