"""Every exercise: its checks accept each right answer and refuse each wrong one, its notebook is what was agreed."""

import json
import re
from collections import Counter

import pytest
import submissions
import submissions.capstone
import submissions.convolution
import submissions.imbalance
import submissions.metrics

from autograder import plain
from autograder.exercises import exercise, grade_cell, points
from autograder.judge import Limits, Submission
from autograder.learner import Learner, in_place
from autograder.notebooks import CodeCell, grading_metadata, learner_cells, source_of
from autograder.release import generate
from autograder.running import run_checks

# Exercise -> its answers, and the contract's points.
CATALOGUES = {
    "01-convolution": submissions.convolution,
    "02-metrics": submissions.metrics,
    "04-class-imbalance": submissions.imbalance,
    "06-capstone": submissions.capstone,
}
POINTS = {
    "01-convolution": {"conv_output_size": 3, "conv2d": 7, "max_pool2d": 4, "conv_parameters": 2, "receptive_field": 4},
    "02-metrics": {
        "confusion_counts": 4,
        "precision": 1,
        "recall": 1,
        "specificity": 1,
        "f_beta": 3,
        "roc_auc": 6,
        "threshold_for_recall": 4,
    },
    "04-class-imbalance": {
        "class_weights": 4,
        "initial_bias": 2,
        "weighted_binary_crossentropy": 4,
        "oversample": 3,
        "adjust_to_prior": 2,
    },
    "06-capstone": {"train_classifier": 10},
}
ANSWERS = {name: submissions.answers(module) for name, module in CATALOGUES.items()}
ALL = [(name, answer) for name, answers in ANSWERS.items() for answer in answers]

# Wrong answers make NumPy and scikit-learn warn.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
each_exercise = pytest.mark.parametrize("name", CATALOGUES)
each_answer = pytest.mark.parametrize(
    ("name", "answer"), ALL, ids=[f"{answer.function}-{answer.name}" for _, answer in ALL]
)


def source_notebook(name: str) -> dict:
    return json.loads(exercise(name).source.read_bytes())


@pytest.fixture(scope="module")
def all_answers_in_one_worker():
    cells = [CodeCell("imports", "import numpy as np")]
    cells += [CodeCell(answer.name, answer.source) for _, answer in ALL]
    with Submission(cells, Limits(submission=600)) as running:
        running.start()
        assert running.notes == []
        yield running


@each_exercise
def test_catalogue_has_enough_of_each(name):
    rights = Counter(answer.function for answer in ANSWERS[name] if answer.says is None)
    wrongs = Counter(answer.function for answer in ANSWERS[name] if answer.says is not None)
    assert min(rights[function] for function in POINTS[name]) >= 3
    assert min(wrongs[function] for function in POINTS[name]) >= 6
    said = [(answer.function, answer.says) for answer in ANSWERS[name] if answer.says]
    assert len(said) == len(set(said)), "two mistakes in one function with the same words"


@each_answer
def test_public_checks_in_place(name, answer):
    learner = in_place({answer.function: answer.program})
    assert_verdict(answer, run_checks(exercise(name), learner, functions=(answer.function,)))


@each_answer
def test_public_and_hidden_checks_apart(name, answer, all_answers_in_one_worker):
    learner = Learner(all_answers_in_one_worker.exchange, {answer.function: answer.name})
    outcomes = run_checks(exercise(name), learner, functions=(answer.function,), hidden=True, seed=20)
    assert_verdict(answer, outcomes)


def assert_verdict(answer, outcomes):
    failure = outcomes[answer.function].failure
    if answer.says is None:
        assert failure is None, failure.text()
    else:
        assert failure is not None, "a wrong answer was accepted"
        assert answer.says in failure.mistake, failure.text()
        assert failure.came
        assert failure.expected
        assert failure.call.startswith(f"{answer.function}(")


@each_exercise
def test_answers_learnt_by_heart_do_not_pass(name):
    """A program that knows each public answer passes the public checks, and none of its functions the hidden ones."""
    rights = {answer.function: answer.program for answer in ANSWERS[name] if answer.says is None}
    memory = {}

    def learn(function):
        def program(*args, **kwargs):
            key = function, plain.dumps([args, kwargs])
            try:
                memory[key] = rights[function](*args, **kwargs)
            except ValueError as error:
                memory[key] = error
                raise
            return memory[key]

        return program

    def recite(function):
        def program(*args, **kwargs):
            known = memory.get((function, plain.dumps([args, kwargs])), 0)
            if isinstance(known, ValueError):
                raise known
            return known

        return program

    run_checks(exercise(name), in_place({function: learn(function) for function in POINTS[name]}))
    learner = in_place({function: recite(function) for function in POINTS[name]})
    assert all(outcome.passed for outcome in run_checks(exercise(name), learner).values())
    hidden = run_checks(exercise(name), learner, public=False, hidden=True, seed=3)
    assert not any(outcome.passed for outcome in hidden.values())


@pytest.mark.parametrize("seed", range(3))
@each_exercise
def test_right_answers_pass_whatever_is_drawn(name, seed):
    """Each function's first and last right answer, on other inputs."""
    rights = {}
    for answer in ANSWERS[name]:
        if answer.says is None:
            rights.setdefault(answer.function, []).append(answer.program)
    for place in (0, -1):
        learner = in_place({function: programs[place] for function, programs in rights.items()})
        outcomes = run_checks(exercise(name), learner, hidden=True, seed=seed)
        assert {function: outcome.failure for function, outcome in outcomes.items()} == dict.fromkeys(POINTS[name])


@each_exercise
def test_points_are_those_of_the_contract(name):
    source = source_notebook(name)
    assert points(source, exercise(name)) == POINTS[name]
    assert f"{sum(POINTS[name].values())} points" in source_of(source["cells"][0])


@each_exercise
def test_points_in_the_text_are_those_of_the_cells(name):
    """Each heading names the points that the cells below it are worth."""
    headings, worth = [], []
    for cell in source_notebook(name)["cells"]:
        for value in re.findall(r"^## .*?\((\d+) points?(?: each)?\)$", source_of(cell), re.M):
            headings.append(int(value))
            worth.append([])
        if grading_metadata(cell).get("grade"):
            worth[-1].append(grading_metadata(cell)["points"])
    assert headings
    assert [{value} for value in headings] == [set(values) for values in worth]


@each_exercise
def test_each_function_has_its_two_cells(name):
    cells = [cell for cell in source_notebook(name)["cells"] if grading_metadata(cell)]
    ids = [grading_metadata(cell)["grade_id"] for cell in cells]
    assert ids == [cell_id for function in exercise(name).functions for cell_id in (function, grade_cell(function))]
    for metadata in map(grading_metadata, cells):
        assert metadata["schema_version"] == 3
        assert metadata["grade"] == metadata["locked"] == (not metadata["solution"])


@each_exercise
def test_a_release_holds_signatures_and_docstrings_only(name):
    for content in generate(exercise(name)).values():
        text = content.decode()
        assert "SOLUTION" not in text
        assert "hidden" not in text.lower()
        cells = json.loads(text)["cells"]
        written = {grading_metadata(cell).get("grade_id"): source_of(cell) for cell in cells}
        for function in POINTS[name]:
            assert re.fullmatch(
                rf'def {function}\(.*\):\n    """(.|\n)+"""\n    raise NotImplementedError', written[function]
            )
        assert not any(cell.get("outputs") for cell in cells)


@each_exercise
def test_solution_passes_all_checks_and_every_cell_runs(name):
    with Submission(learner_cells(source_notebook(name), exercise(name)), Limits()) as running:
        outcomes = run_checks(exercise(name), Learner(running.exchange), hidden=True, seed=8)
    assert running.notes == []
    assert {function: outcome.failure for function, outcome in outcomes.items()} == dict.fromkeys(POINTS[name])


@each_exercise
def test_code_that_learners_read_is_short(name):
    """A median of at most 5 lines would be a lesson; 10 is the most here."""
    lengths = [
        len(source_of(cell).splitlines())
        for cell in source_notebook(name)["cells"]
        if cell["cell_type"] == "code" and not grading_metadata(cell)
    ]
    assert max(lengths) <= 10
