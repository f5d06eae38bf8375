"""Exercise 02-metrics: its checks accept every right answer and refuse every wrong one with the right words."""

import json
import re
from collections import Counter

import pytest
import submissions
import submissions.metrics

from autograder.exercises import exercise, grade_cell, points
from autograder.judge import Limits, Submission
from autograder.learner import Learner, in_place
from autograder.notebooks import CodeCell, grading_metadata, learner_cells, source_of
from autograder.running import run_checks

EXERCISE = exercise("02-metrics")
ANSWERS = submissions.answers(submissions.metrics)
# The contract, as it was agreed.
POINTS = {
    "confusion_counts": 4,
    "precision": 1,
    "recall": 1,
    "specificity": 1,
    "f_beta": 3,
    "roc_auc": 6,
    "threshold_for_recall": 4,
}

# Wrong answers make NumPy and scikit-learn warn.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
each_answer = pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: f"{answer.function}-{answer.name}")


@pytest.fixture(scope="module")
def source():
    return json.loads(EXERCISE.source.read_bytes())


@pytest.fixture(scope="module")
def all_answers_in_one_worker():
    cells = [CodeCell("imports", "import numpy as np")]
    cells += [CodeCell(answer.name, answer.source) for answer in ANSWERS]
    with Submission(cells, Limits(submission=600)) as running:
        running.start()
        assert running.notes == []
        yield running


def test_catalogue_has_enough_of_each():
    rights = Counter(answer.function for answer in ANSWERS if answer.says is None)
    wrongs = Counter(answer.function for answer in ANSWERS if answer.says is not None)
    assert min(rights[function] for function in POINTS) >= 3
    assert min(wrongs[function] for function in POINTS) >= 6
    said = [(answer.function, answer.says) for answer in ANSWERS if answer.says]
    assert len(said) == len(set(said)), "two mistakes in one function with the same words"


@each_answer
def test_public_checks_in_place(answer):
    learner = in_place({answer.function: answer.program})
    assert_verdict(answer, run_checks(EXERCISE, learner, functions=(answer.function,)))


@each_answer
def test_public_and_hidden_checks_apart(answer, all_answers_in_one_worker):
    learner = Learner(all_answers_in_one_worker.exchange, {answer.function: answer.name})
    outcomes = run_checks(EXERCISE, learner, functions=(answer.function,), hidden=True, seed=20)
    assert_verdict(answer, outcomes)


def assert_verdict(answer, outcomes):
    failure = outcomes[answer.function].failure
    if answer.says is None:
        assert failure is None, failure.text()
    else:
        assert failure is not None, "a wrong answer was accepted"
        assert answer.says in failure.mistake
        assert failure.came
        assert failure.expected
        assert failure.call.startswith(f"{answer.function}(")


def test_answers_learnt_by_heart_do_not_pass():
    """A program that knows each public answer passes the public checks, and none of its functions the hidden ones."""
    rights = {answer.function: answer.program for answer in ANSWERS if answer.says is None}
    memory = {}

    def learn(function):
        def program(*args):
            key = (function, repr(args))
            try:
                memory[key] = rights[function](*args)
            except ValueError as error:
                memory[key] = error
                raise
            return memory[key]

        return program

    def recite(function):
        def program(*args):
            known = memory.get((function, repr(args)), 0.0)
            if isinstance(known, ValueError):
                raise known
            return known

        return program

    run_checks(EXERCISE, in_place({function: learn(function) for function in POINTS}))
    learner = in_place({function: recite(function) for function in POINTS})
    assert all(outcome.passed for outcome in run_checks(EXERCISE, learner).values())
    hidden = run_checks(EXERCISE, learner, public=False, hidden=True, seed=3)
    assert not any(outcome.passed for outcome in hidden.values())


@pytest.mark.parametrize("seed", range(2))
def test_right_answers_pass_whatever_is_drawn(seed):
    for style in ("by_loop", "by_lists", "with_try", "by_counts", "by_trapezoids", "by_sorting"):
        for answer in ANSWERS:
            if answer.says is None and answer.name.endswith(style):
                learner = in_place({answer.function: answer.program})
                outcomes = run_checks(EXERCISE, learner, functions=(answer.function,), hidden=True, seed=seed)
                assert outcomes[answer.function].passed, (answer.name, outcomes[answer.function].failure)


def test_points_are_those_of_the_contract(source):
    assert points(source, EXERCISE) == POINTS
    assert sum(POINTS.values()) == 20


def test_points_in_the_text_are_those_of_the_cells(source):
    """The title and each heading name the points that the cells below them are worth."""
    text = source_of(source["cells"][0])
    assert "20 points" in text
    headings, worth = [], []
    for cell in source["cells"]:
        for heading in re.findall(r"^## .*?\((\d+) points?( each)?\)$", source_of(cell), re.M):
            headings.append((int(heading[0]), bool(heading[1])))
            worth.append([])
        if grading_metadata(cell).get("grade"):
            worth[-1].append(grading_metadata(cell)["points"])
    assert len(headings) == 5
    for (value, _), values in zip(headings, worth, strict=True):
        assert set(values) == {value}


def test_each_function_has_its_two_cells(source):
    ids = [grading_metadata(cell)["grade_id"] for cell in source["cells"] if grading_metadata(cell)]
    assert ids == [name for function in EXERCISE.functions for name in (function, grade_cell(function))]
    for cell in source["cells"]:
        metadata = grading_metadata(cell)
        if metadata:
            assert metadata["schema_version"] == 3
            assert metadata["grade"] == metadata["locked"] == (not metadata["solution"])


def test_solution_passes_all_checks_and_every_cell_runs(source):
    cells = learner_cells(source, EXERCISE)
    with Submission(cells, Limits()) as running:
        outcomes = run_checks(EXERCISE, Learner(running.exchange), hidden=True, seed=8)
    assert running.notes == []
    assert {function: outcome.failure for function, outcome in outcomes.items()} == dict.fromkeys(POINTS)


def test_lesson_code_is_short(source):
    """Cells that learners read, not write: a median of at most 5 lines would be a lesson; 10 is the most here."""
    lengths = [
        len(source_of(cell).splitlines())
        for cell in source["cells"]
        if cell["cell_type"] == "code" and not grading_metadata(cell)
    ]
    assert max(lengths) <= 10
