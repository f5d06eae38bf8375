"""Exceptions: a learner's own `raise` is told from a call that raised, and what libraries say is put plainly."""

import linecache
from traceback import FrameSummary

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedGroupKFold

from autograder.checking import Raised, Wrong, expect_refusal
from autograder.exercises import exercise
from autograder.judging import calls, plain
from autograder.learner import in_place
from autograder.running import run_checks
from pneumonia.backend import keras
from pneumonia.evaluation import confusion_counts

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # scikit-learn's, of one class
FEATURES, LABELS = np.arange(80.0).reshape(40, 2), np.arange(40) % 2


def raised_by(function) -> Raised:
    """What comes of a learner's function that raises, whatever it is given."""
    with pytest.raises(Raised) as caught:
        in_place({"function": function}).function(np.arange(7))
    return caught.value


def refuses(x):
    if len(x) < 9:
        raise ValueError(
            "x is too short"
        )  # fmt: skip


def refuses_by_a_helper(x):
    refuses(x)


def asks_an_array(x):
    if x: raise ValueError("x")  # fmt: skip  # noqa: E701


def draws(x):
    rng = np.random.default_rng(1)
    return rng.choice(x, 3, p=[1])


def searches(x, folds):
    search = GridSearchCV(
        LogisticRegression(), {"C": [1]}, cv=folds
    )  # fmt: skip
    return search.fit(
        FEATURES, LABELS
    )  # fmt: skip


@pytest.mark.parametrize("function", [refuses, refuses_by_a_helper])
def test_the_condition_is_named_where_the_learner_raised(function):
    raised = raised_by(function)
    assert raised.mistake == "Valid input was refused: check the condition in front of your `raise`."
    assert raised.lines[-1].endswith("in refuses: raise ValueError(")


def assign_to_an_empty_slice(x):
    image = np.zeros((5, 5))
    image[0:-0] = 1 + image


def unpack_one_class(x):
    tn, fp, fn, tp = confusion_matrix([1, 1], [1, 1]).ravel()


# What a library does not take, and what the learner is told.
LIBRARIES = [
    (asks_an_array, "one True or False is needed"),
    (draws, "was refused by `rng.choice`: look at what this call is given"),
    (lambda x: searches(x, StratifiedGroupKFold(5)), "pass `groups=patients`"),
    (lambda x: searches(x, GroupKFold(5)), "pass `groups=patients`"),
    (lambda x: LogisticRegression().fit(LABELS, FEATURES), "`fit(features, labels)`"),
    (lambda x: LogisticRegression().fit(FEATURES, x), "different numbers of cases"),
    (unpack_one_class, "`labels=[0, 1]`"),
    (lambda x: max(FEATURES), "`np.max` takes all of its elements"),
    (assign_to_an_empty_slice, "takes nothing where `p` is 0"),
    (lambda x: x + x[1:], "two arrays meet whose shapes do not fit"),
    (lambda x: x.reshape(2, 3), "cut off first what does not fit"),
    (lambda x: np.random.default_rng(1).choice(x, -2), "look at what is subtracted"),
    (lambda x: np.random.default_rng(1).choice(x, 9, replace=False), "`replace=False` draws each only once"),
    (lambda x: float("one"), "was refused by `float`"),
]


@pytest.mark.parametrize(("function", "says"), LIBRARIES)
def test_a_library_s_error_is_no_raise_of_the_learner(function, says):
    raised = raised_by(function)
    assert says in raised.mistake
    assert "`raise`" not in raised.mistake
    assert len(raised.came) < 230
    assert raised.lines[-1].startswith("line ")


MODELS = [
    ("truncate", lambda base, _: keras.Model(base.input, base.layers[2]), "`layer.output`"),
    ("truncate", lambda base, _: keras.Model(base.input, [layer.output for layer in base.layers]), "one output"),
    ("build_classifier", lambda base, head: keras.Model(base.input, head.output), "`head(base.output)`"),
    ("build_classifier", lambda base, head: keras.Sequential([head, base]), "check their order"),
    (
        "build_classifier",
        lambda base, head: keras.Sequential([keras.Input(base.input_shape), base, head]),
        "the shape of one case, with no `None` before it",
    ),
    (
        "build_head",
        lambda shape, **_: keras.Sequential(
            [keras.Input((None, *shape)), keras.layers.Flatten(), keras.layers.Dense(1)]
        ),
        "the shape of one case, with no `None` before it",
    ),
]


@pytest.mark.parametrize(("function", "program", "says"), MODELS)
def test_what_keras_says_is_put_into_other_words(function, program, says):
    task = exercise("05-overfitting" if function == "truncate" else "03-transfer-head")
    failure = run_checks(task, in_place({function: program}), functions=(function,))[function].failure
    assert says in failure.mistake
    assert "\x1b" not in failure.came


def raise_a_key_error(x):
    raise KeyError("x")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (raise_a_key_error, "KeyError is another type of error: for bad input, `raise ValueError(...)` naming `x`."),
        (lambda x: {}[0], "KeyError came by accident (it is bad): test for it first"),
        (lambda x: float("one"), "The ValueError does not say which argument is wrong"),
    ],
)
def test_what_is_no_refusal(function, says):
    with pytest.raises(Wrong) as caught:
        expect_refusal(in_place({"function": function}), "function", 1, naming=("x",), because="it is bad")
    assert says in caught.value.mistake


def test_lines_of_the_course_s_library_are_not_the_learner_s():
    (line,) = raised_by(lambda x: confusion_counts(x, x[1:])).lines
    assert "in <lambda>" in line
    with pytest.raises(Raised) as caught:
        in_place({"function": confusion_counts}).function(np.arange(3), np.zeros(4))
    assert caught.value.lines == ()
    assert "imports `pneumonia.evaluation.confusion_counts` under this name" in caught.value.mistake


def test_a_line_is_told_once_and_the_one_that_raised_comes_last():
    def outer(x, depth=0):
        return outer(x, depth + 1) if depth < 3 else [max(FEATURES) for _ in x if [fails(item) for item in x]]

    def fails(item):
        return {}[item]

    first, last = raised_by(outer).lines
    assert "in outer: return outer(x, depth + 1)" in first
    assert "in fails: return {}[item]" in last


def test_code_without_places_is_read_by_lines():
    """As Python runs it where `PYTHONNODEBUGRANGES` is set; and code that stands in no file."""
    line = linecache.getline(refuses.__code__.co_filename, refuses.__code__.co_firstlineno + 2)
    frame = FrameSummary(refuses.__code__.co_filename, refuses.__code__.co_firstlineno + 2, "refuses", line=line)
    assert calls._origin([frame]) == (True, "")
    assert calls._origin([FrameSummary("<string>", None, "f", line="")]) == (False, "")
    assert "do not fit together" in raised_by(lambda x: exec("raise ValueError('x')")).mistake


def test_a_call_that_is_none_is_not_shown():
    """It comes from where the learner's code runs, and stands in a sentence of the course."""
    forged = {"kind": "raised", "type": "ValueError", "bases": ["ValueError"], "lines": ["line 1"], "own": 1}
    for call in ("<b>np.sum</b>", "np.sum\n", "x" * 61):
        answer = calls.read(plain.dumps(forged | {"call": call}))
        assert (answer.own, answer.call) == (False, "")
