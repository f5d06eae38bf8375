"""Every exercise: its checks accept each right answer and refuse each wrong one, its notebook is what was agreed."""

import ast
import contextlib
import functools
import json
import re
from collections import Counter

import numpy as np
import pytest
import submissions

from autograder.checks import convolution, imbalance, metrics, overfitting, transfer
from autograder.exercises import exercise, exercises, grade_cell, points
from autograder.hand_ins.notebooks import CodeCell, grading_metadata, learner_cells, source_of
from autograder.judging import plain
from autograder.judging.judge import Limits, Submission
from autograder.judging.keras_models import keras
from autograder.learner import Learner, in_place
from autograder.release import generate
from autograder.running import run_checks

# The contract's points.
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
    "03-transfer-head": {
        "preprocess": 4,
        "freeze": 2,
        "build_head": 6,
        "build_classifier": 4,
        "trainable_parameters": 2,
        "unfreeze_from": 2,
    },
    "04-class-imbalance": {
        "class_weights": 4,
        "initial_bias": 2,
        "weighted_binary_crossentropy": 4,
        "oversample": 3,
        "adjust_to_prior": 2,
    },
    "05-overfitting": {"patient_of": 2, "patient_split": 4, "stopping_epoch": 3, "truncate": 3, "diagnose": 3},
    "06-capstone": {"train_classifier": 10},
}
# The functions that take rows: labels, probabilities, patients.
ROWS = {
    "02-metrics": ("confusion_counts", "roc_auc", "threshold_for_recall"),
    "04-class-imbalance": tuple(POINTS["04-class-imbalance"]),
    "05-overfitting": ("patient_split",),
    "06-capstone": ("train_classifier",),
}
ANSWERS = {name: submissions.answers(name) for name in POINTS}
ALL = [(name, answer) for name, answers in ANSWERS.items() for answer in answers]

# Wrong answers make NumPy, scikit-learn and Keras warn.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
each_exercise = pytest.mark.parametrize("name", POINTS)
each_answer = pytest.mark.parametrize(
    ("name", "answer"), ALL, ids=[f"{answer.function}-{answer.name}" for _, answer in ALL]
)


def source_notebook(name: str) -> dict:
    return json.loads(exercise(name).source.read_bytes())


def solutions(name: str) -> dict:
    """Function -> the course's own solution, from the source notebook, run without its pictures."""
    cells = [cell for cell in source_notebook(name)["cells"] if cell["cell_type"] == "code"]
    trees = [ast.parse(source_of(cell)) for cell in cells if not grading_metadata(cell)]
    imports = [node for tree in trees for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    namespace = {}
    exec(ast.unparse(ast.Module(imports, [])), namespace)
    for cell in cells:
        if grading_metadata(cell).get("solution"):
            exec(source_of(cell), namespace)
    return {function: namespace[function] for function in POINTS[name]}


@pytest.fixture(scope="module")
def worker():
    """Exercise -> a worker that has run all of its answers, started where a test first asks for it."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def running(name):
            cells = [CodeCell("answers", submissions.source(name))]
            submission = stack.enter_context(Submission(cells, Limits(submission=600).of(exercise(name))))
            submission.start()
            assert submission.notes == []
            return submission

        yield running


# --- the catalogue ---------------------------------------------------------------------------------------------------


def test_each_exercise_has_a_catalogue():
    assert list(exercises()) == list(POINTS) == list(submissions.MODULES)
    assert sum(sum(worth.values()) for worth in POINTS.values()) == 100


@each_exercise
def test_catalogue_has_enough_of_each(name):
    rights = Counter(answer.function for answer in ANSWERS[name] if answer.says is None)
    wrongs = Counter(answer.function for answer in ANSWERS[name] if answer.says is not None)
    assert min(rights[function] for function in POINTS[name]) >= 3
    assert min(wrongs[function] for function in POINTS[name]) >= 6
    said = [(answer.function, answer.says) for answer in ANSWERS[name] if answer.says]
    assert len(said) == len(set(said)), "two mistakes in one function with the same words"


def test_a_mistake_is_named_also_where_the_type_is_wrong_as_well():
    """RGB in float64: not "the numbers are right, their type is float64"."""
    learner = in_place({"preprocess": lambda images: images - np.array([123.68, 116.779, 103.939])})
    outcome = run_checks(exercise("03-transfer-head"), learner, functions=("preprocess",))["preprocess"]
    assert "still RGB, with the means in that order" in outcome.failure.mistake


@each_answer
def test_public_checks_in_place(name, answer):
    learner = in_place({answer.function: answer.program})
    assert_verdict(answer, run_checks(exercise(name), learner, functions=(answer.function,)))


@each_answer
def test_public_and_hidden_checks_apart(name, answer, worker):
    learner = Learner(worker(name).exchange, {answer.function: answer.name})
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


# Exercise -> function -> the mistakes that its checks know.
KNOWN = {
    "01-convolution": {
        "conv_output_size": convolution.SIZE_MISTAKES,
        "conv2d": convolution.CONVOLUTION_MISTAKES,
        "max_pool2d": convolution.POOLING_MISTAKES,
        "conv_parameters": convolution.PARAMETER_MISTAKES,
        "receptive_field": convolution.FIELD_MISTAKES,
    },
    "02-metrics": {
        "confusion_counts": metrics.COUNT_MISTAKES,
        "f_beta": metrics.F_BETA_MISTAKES,
        "roc_auc": metrics.AUC_MISTAKES,
        "threshold_for_recall": metrics.THRESHOLD_MISTAKES,
    },
    "03-transfer-head": {"preprocess": transfer.PREPROCESS_MISTAKES},
    "04-class-imbalance": {
        "class_weights": imbalance.WEIGHT_MISTAKES,
        "initial_bias": imbalance.BIAS_MISTAKES,
        "weighted_binary_crossentropy": imbalance.LOSS_MISTAKES,
        "adjust_to_prior": imbalance.PRIOR_MISTAKES,
    },
    "05-overfitting": {
        "patient_of": overfitting.PATIENT_MISTAKES,
        "stopping_epoch": overfitting.STOP_MISTAKES,
        "diagnose": overfitting.DIAGNOSIS_MISTAKES,
    },
}


@pytest.mark.parametrize(
    ("name", "function"), [(name, function) for name, functions in KNOWN.items() for function in functions]
)
def test_no_known_mistake_is_taken_for_another(name, function):
    """The first input on which a mistake shows tells it from the others; a few are named in another, general way."""
    sentences = {mistake.sentence for mistake in KNOWN[name][function]}
    for mistake in KNOWN[name][function]:
        outcome = run_checks(exercise(name), in_place({function: mistake.program}), functions=(function,))[function]
        assert outcome.failure is not None, mistake.sentence
        said = outcome.failure.mistake
        assert said == mistake.sentence or said not in sentences, outcome.failure.text()


def test_a_wrong_helper_is_named_where_its_caller_fails():
    """Only where the caller's answer can come of it."""

    def conv_output_size(size, kernel, stride=1, padding=0):
        return (size + 2 * padding - kernel) // stride

    def conv2d(image, kernel, stride=1, padding=0):
        rows, columns = (
            conv_output_size(n, k, stride, padding) for n, k in zip(image.shape, kernel.shape, strict=True)
        )
        padded, (kh, kw) = np.pad(image.astype(float), padding), kernel.shape
        starts = [[(i * stride, j * stride) for j in range(columns)] for i in range(rows)]
        return np.array([[np.sum(padded[i : i + kh, j : j + kw] * kernel) for i, j in row] for row in starts])

    def precision(tp, fp):
        return tp / fp if fp else 0.0

    def recall(tp, fn):
        return tp / (tp + fn) if tp + fn else 0.0

    def f_beta(tp, fp, fn, beta=1.0):
        p, r = precision(tp, fp), recall(tp, fn)
        return (1 + beta**2) * p * r / (beta**2 * p + r) if p + r else 0.0

    def f_beta_of_its_own(tp, fp, fn, beta=1.0):
        return (1 + beta) * tp / ((1 + beta) * tp + beta * fn + fp) if tp else 0.0

    def mistake(name, function, **namespace) -> str:
        return run_checks(exercise(name), in_place(namespace), functions=(function,))[function].failure.mistake

    helper = {"conv_output_size": conv_output_size}
    assert "conv_output_size(3, 2)` is wrong itself" in mistake("01-convolution", "conv2d", conv2d=conv2d, **helper)
    answers = {answer.name: answer.program for answer in ANSWERS["01-convolution"]}
    for name in ("convolution_averaged", "convolution_not_written"):
        assert "conv_output_size" not in mistake("01-convolution", "conv2d", conv2d=answers[name], **helper)
    unrefused = mistake(
        "01-convolution", "conv2d", conv2d=answers["convolution_that_refuses_no_large_kernel"], **helper
    )
    assert "conv_output_size(3, 4, 1, 0)` does not refuse it either" in unrefused
    rates = {"precision": precision, "recall": recall}
    assert "precision(6, 2)` is wrong itself" in mistake("02-metrics", "f_beta", f_beta=f_beta, **rates)
    assert "precision" not in mistake("02-metrics", "f_beta", f_beta=f_beta_of_its_own, **rates)


# --- what is drawn ---------------------------------------------------------------------------------------------------


@each_exercise
def test_answers_learnt_by_heart_do_not_pass(name):
    """A program that knows each public input passes the public checks, and none of its functions the hidden ones."""
    rights = {answer.function: answer.program for answer in ANSWERS[name] if answer.says is None}
    known = set()

    def learn(function):
        def program(*args, **kwargs):
            known.add(by_heart(function, args, kwargs))
            return rights[function](*args, **kwargs)

        return program

    def recite(function):
        def program(*args, **kwargs):
            return rights[function](*args, **kwargs) if by_heart(function, args, kwargs) in known else 0

        return program

    run_checks(exercise(name), in_place({function: learn(function) for function in POINTS[name]}))
    learner = in_place({function: recite(function) for function in POINTS[name]})
    assert all(outcome.passed for outcome in run_checks(exercise(name), learner).values())
    hidden = run_checks(exercise(name), learner, public=False, hidden=True, seed=3)
    assert not any(outcome.passed for outcome in hidden.values())


def by_heart(function, args, kwargs) -> tuple:
    """What a call can be recognised by; a model, whose name changes from run to run, by its weights."""
    given = [
        [value.get_weights(), [layer.trainable for layer in value.layers]] if isinstance(value, keras.Model) else value
        for value in (*args, *kwargs.values())
    ]
    return function, *kwargs, plain.dumps(given)


@pytest.mark.parametrize("place", [0, 1, -1])
@each_exercise
def test_right_answers_pass_whatever_is_drawn(name, place):
    """Each function's first, second and last right answer, each on other inputs."""
    rights = {}
    for answer in ANSWERS[name]:
        if answer.says is None:
            rights.setdefault(answer.function, []).append(answer.program)
    learner = in_place({function: programs[place] for function, programs in rights.items()})
    assert_all_pass(name, run_checks(exercise(name), learner, hidden=True, seed=place + 1))


@pytest.mark.parametrize("seed", range(4))
def test_right_splits_pass_whatever_is_drawn(seed):
    """A split has shares to keep, which chance can spoil."""
    for answer in ANSWERS["05-overfitting"]:
        if answer.says is None and answer.function == "patient_split":
            learner, functions = in_place({answer.function: answer.program}), (answer.function,)
            outcomes = run_checks(exercise("05-overfitting"), learner, functions=functions, hidden=True, seed=seed)
            assert_verdict(answer, outcomes)


@pytest.mark.parametrize("name", ROWS)
def test_the_course_s_solutions_take_lists_too(name):
    """The checks give rows of numbers or texts as arrays, as is agreed; a caller who has a list need not convert it."""

    def listing(function):
        def program(*args, **kwargs):
            return function(*[value.tolist() if is_row(value) else value for value in args], **kwargs)

        return program

    learner = in_place({function: listing(program) for function, program in solutions(name).items()})
    outcomes = run_checks(exercise(name), learner, functions=ROWS[name], hidden=True, seed=5)
    assert {function: outcome.failure for function, outcome in outcomes.items()} == dict.fromkeys(ROWS[name])


def is_row(value) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 1


def assert_all_pass(name, outcomes):
    assert {function: outcome.failure for function, outcome in outcomes.items()} == dict.fromkeys(POINTS[name])


# --- the notebooks ---------------------------------------------------------------------------------------------------


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
    ((_, content),) = generate(exercise(name)).items()
    text = content.decode()
    assert "SOLUTION" not in text
    assert "HIDDEN" not in text
    assert "hidden=True" not in text
    cells = json.loads(text)["cells"]
    written = {grading_metadata(cell).get("grade_id"): source_of(cell) for cell in cells}
    for function in POINTS[name]:
        assert re.fullmatch(
            rf'def {function}\(.*\):\n    """(.|\n)+"""\n    raise NotImplementedError', written[function]
        )
    assert not any(cell.get("outputs") for cell in cells)


@each_exercise
def test_solution_passes_all_checks_and_every_cell_runs(name):
    task = exercise(name)
    with Submission(learner_cells(source_notebook(name), task), Limits().of(task)) as running:
        outcomes = run_checks(task, Learner(running.exchange), hidden=True, seed=8)
    assert running.notes == []
    assert_all_pass(name, outcomes)


@each_exercise
def test_code_that_learners_read_is_short(name):
    """A median of at most 5 lines would be a lesson; 10 is the most here."""
    lengths = [
        len(source_of(cell).splitlines())
        for cell in source_notebook(name)["cells"]
        if cell["cell_type"] == "code" and not grading_metadata(cell)
    ]
    assert max(lengths) <= 10


@each_exercise
def test_what_was_released_is_known_without_its_file(name):
    """A learner of a clone writes into the file itself."""
    there = json.loads(exercise(name).release.read_bytes())
    assert json.dumps(exercise(name).released) == json.dumps(there), "the order counts, too: it is written to files"
