"""The exercises on Keras: their checks accept each right answer, refuse each wrong one; models stay where they are."""

import inspect
import json
import os
import re
from collections import Counter

import numpy as np
import pytest
import submissions
import submissions.overfitting
import submissions.transfer

from autograder.exercises import exercise, exercises, grade_cell, points
from autograder.judge import Limits, Submission
from autograder.learner import Learner, in_place
from autograder.notebooks import CodeCell, grading_metadata, learner_cells, source_of
from autograder.release import generate
from autograder.running import run_checks

# Exercise -> its answers, and the contract's points.
CATALOGUES = {"03-transfer-head": submissions.transfer, "05-overfitting": submissions.overfitting}
POINTS = {
    "03-transfer-head": {
        "preprocess": 4,
        "freeze": 2,
        "build_head": 6,
        "build_classifier": 4,
        "trainable_parameters": 2,
        "unfreeze_from": 2,
    },
    "05-overfitting": {"patient_of": 2, "patient_split": 4, "stopping_epoch": 3, "truncate": 3, "diagnose": 3},
}
ANSWERS = {name: submissions.answers(module) for name, module in CATALOGUES.items()}
ALL = [(name, answer) for name, answers in ANSWERS.items() for answer in answers]
IMPORTS = "import re\nimport numpy as np\nfrom pneumonia.backend import keras"

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
each_exercise = pytest.mark.parametrize("name", CATALOGUES)
each_answer = pytest.mark.parametrize(
    ("name", "answer"), ALL, ids=[f"{answer.function}-{answer.name}" for _, answer in ALL]
)


@pytest.fixture(scope="module")
def all_answers_in_one_worker():
    helpers = [inspect.getsource(helper) for helper in (submissions.transfer.head_of, submissions.transfer.l2_dense)]
    cells = [CodeCell("imports", "\n\n".join([IMPORTS, *helpers]))]
    cells += [CodeCell(answer.name, answer.source) for _, answer in ALL]
    with Submission(cells, Limits(cell=120, call=60, submission=600)) as running:
        running.start()
        assert running.notes == []
        yield running


def source_notebook(name: str) -> dict:
    return json.loads(exercise(name).source.read_bytes())


def test_each_keras_exercise_has_a_catalogue():
    assert [name for name, task in exercises().items() if task.keras] == list(CATALOGUES)


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


@pytest.mark.parametrize("seed", range(4))
def test_right_splits_pass_whatever_is_drawn(seed):
    for answer in ANSWERS["05-overfitting"]:
        if answer.says is None and answer.function == "patient_split":
            learner = in_place({answer.function: answer.program})
            outcomes = run_checks(
                exercise("05-overfitting"), learner, functions=("patient_split",), hidden=True, seed=seed
            )
            assert outcomes["patient_split"].passed, (answer.name, outcomes["patient_split"].failure.text())


@pytest.mark.parametrize("seed", range(2))
@each_exercise
def test_right_answers_pass_whatever_is_drawn(name, seed):
    programs = {answer.function: answer.program for answer in ANSWERS[name] if answer.says is None}
    outcomes = run_checks(exercise(name), in_place(programs), hidden=True, seed=seed)
    assert {function: outcome.failure for function, outcome in outcomes.items()} == dict.fromkeys(POINTS[name])


@each_exercise
def test_points_are_those_of_the_contract(name):
    """In the cells, in the title and in the headings."""
    source = source_notebook(name)
    assert points(source, exercise(name)) == POINTS[name]
    assert f"{sum(POINTS[name].values())} points" in source_of(source["cells"][0])
    headings, worth = [], []
    for cell in source["cells"]:
        for value in re.findall(r"^## .*?\((\d+) points?(?: each)?\)$", source_of(cell), re.M):
            headings.append(int(value))
            worth.append([])
        if grading_metadata(cell).get("grade"):
            worth[-1].append(grading_metadata(cell)["points"])
    assert [{value} for value in headings] == [set(values) for values in worth]


@each_exercise
def test_cells_are_what_was_agreed(name):
    cells = source_notebook(name)["cells"]
    graded = [grading_metadata(cell) for cell in cells if grading_metadata(cell)]
    ids = [metadata["grade_id"] for metadata in graded]
    assert ids == [cell_id for function in exercise(name).functions for cell_id in (function, grade_cell(function))]
    for metadata in graded:
        assert metadata["schema_version"] == 3
        assert metadata["grade"] == metadata["locked"] == (not metadata["solution"])
    lengths = [
        len(source_of(cell).splitlines())
        for cell in cells
        if cell["cell_type"] == "code" and not grading_metadata(cell)
    ]
    assert max(lengths) <= 10


@each_exercise
def test_a_release_holds_signatures_and_docstrings_only(name):
    ((path, content),) = generate(exercise(name)).items()
    assert content == exercise(name).release.read_bytes(), f"run `course release`: {path} is out of date"
    text = content.decode()
    assert "SOLUTION" not in text
    assert "HIDDEN" not in text
    assert "hidden=True" not in text
    written = {grading_metadata(cell).get("grade_id"): source_of(cell) for cell in json.loads(text)["cells"]}
    for function in POINTS[name]:
        assert re.fullmatch(
            rf'def {function}\(.*\):\n    """(.|\n)+"""\n    raise NotImplementedError', written[function]
        )


@each_exercise
def test_solution_passes_all_checks_and_every_cell_runs(name):
    task = exercise(name)
    with Submission(learner_cells(source_notebook(name), task), Limits().of(task)) as running:
        outcomes = run_checks(task, Learner(running.exchange), hidden=True, seed=8)
    assert running.notes == []
    assert {function: outcome.failure for function, outcome in outcomes.items()} == dict.fromkeys(POINTS[name])


def test_the_stopping_oracle_is_keras():
    from autograder.checks.overfitting import keras_stop

    assert keras_stop([0.75, 0.5, 0.625, 0.5, 0.375], 1) == (2, 1)
    assert keras_stop([0.75, 0.5, 0.625, 0.5, 0.375], 2) == (3, 1)
    assert keras_stop([0.75, 0.5, 0.625, 0.5, 0.375], 3) == (4, 4)


def test_a_numpy_exercise_does_not_import_tensorflow():
    cells = [CodeCell("cell", "def precision(tp, fp):\n    import sys\n    return float('tensorflow' in sys.modules)")]
    with Submission(cells, Limits()) as running:
        assert Learner(running.exchange).precision(1, 1) == 0.0


def test_arrays_of_text_and_handles_cross():
    from autograder import plain

    names = np.array([["person1", "é"], ["", "IM-0115"]])
    back = plain.loads(plain.dumps(names))
    assert back.tolist() == names.tolist()
    assert plain.loads(plain.dumps(plain.Handle(3))) == plain.Handle(3)
    for garbage in (b'{"texts": [[2], ["a"]]}', b'{"texts": [[1], [1]]}', b'{"handle": -1}', b'{"handle": true}'):
        with pytest.raises(plain.Garbage):
            plain.loads(garbage)


HOSTILE = {
    "a_lambda": "keras.Sequential([keras.layers.Lambda(lambda x: __import__('os').environ.update(SEEN='yes') or x)])",
    "text": "type('Text', (keras.Model,), {'call': lambda self, x: 'text'})()",
    "strange_weights": "type('Strange', (keras.Model,), {'weights': property(lambda self: [object()])})()",
    "endless_answer": "type('Long', (keras.Model,), {'call': lambda self, x: keras.ops.zeros((40, 10**6))})()",
    "an_exit": "type('Exit', (keras.Model,), {'call': lambda self, x: exit()})()",
    "a_kill": "type('Kill', (keras.Model,), {'call': lambda self, x: __import__('os')._exit(1)})()",
    "a_handle": "__import__('autograder.plain').plain.Handle(0)",
    "a_class": "keras.Model",
}


def test_models_that_lie_or_run_code_are_wrong_and_stay_where_they_are():
    cells = [CodeCell("imports", IMPORTS)]
    cells += [CodeCell(name, f"def {name}(*args, **kwargs):\n    return {model}") for name, model in HOSTILE.items()]
    asked = ("build_head", "build_classifier", "freeze", "unfreeze_from")
    with Submission(cells, Limits(cell=120, call=60, submission=600)) as running:
        for name in HOSTILE:
            learner = Learner(running.exchange, dict.fromkeys(asked, name))
            outcomes = run_checks(exercise("03-transfer-head"), learner, functions=asked)
            assert not any(outcome.passed for outcome in outcomes.values()), name
            assert all(outcome.failure.mistake for outcome in outcomes.values())
    assert "SEEN" not in os.environ
