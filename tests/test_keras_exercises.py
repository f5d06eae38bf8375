"""The exercises on Keras: models stay where they are, whatever they do; the oracles are Keras's own."""

import os
from contextlib import nullcontext

import numpy as np
import pytest

from autograder.checking import Wrong
from autograder.checks.models import small_base
from autograder.exercises import exercise, exercises
from autograder.hand_ins.notebooks import CodeCell
from autograder.judging import calls, plain
from autograder.judging.judge import Limits, Submission
from autograder.judging.keras_models import ModelLearner, digest_of
from autograder.learner import Learner, in_place
from autograder.running import run_checks
from pneumonia.backend import keras


def test_the_exercises_on_keras_are_known_as_such():
    """Their limits of time are longer, and only they import TensorFlow."""
    assert [name for name, task in exercises().items() if task.keras] == ["03-transfer-head", "05-overfitting"]


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
    names = np.array([["person1", "é"], ["", "IM-0115"]])
    back = plain.loads(plain.dumps(names))
    assert back.tolist() == names.tolist()
    assert plain.loads(plain.dumps(plain.Handle(3))) == plain.Handle(3)
    for garbage in (b'{"texts": [[2], ["a"]]}', b'{"texts": [[1], [1]]}', b'{"handle": -1}', b'{"handle": true}'):
        with pytest.raises(plain.Garbage):
            plain.loads(garbage)


def test_dropout_is_judged_where_the_drawn_weights_leave_nothing_to_drop():
    """Three ReLU units on pooled features are all 0 in one draw of eight."""
    from autograder.checks.transfer import CASES, expect_head
    from autograder.judging.keras_answers import drawn

    def leaves_nothing(seed: int) -> bool:
        features = np.abs(np.random.default_rng(seed).normal(size=(CASES, 3, 3, 5))).astype(np.float32)
        kernel, bias, *_ = drawn([(5, 3), (3,), (3, 1), (1,)], seed)
        return not np.any(np.maximum(features.mean(axis=(1, 2)) @ kernel + bias, 0))

    def build_head(feature_shape, hidden, dropout, l2):
        layers = keras.layers
        dense = layers.Dense(hidden, activation="relu", kernel_regularizer=keras.regularizers.L2(l2))
        pooled = [layers.Input(feature_shape), layers.GlobalAveragePooling2D(), dense]
        return keras.Sequential([*pooled, layers.Dropout(drops * dropout), layers.Dense(1, activation="sigmoid")])

    def exchange(question: bytes) -> bytes:
        return calls.answer({"build_head": build_head}, plain.loads(question, items=np.inf))

    seeds = list(filter(leaves_nothing, range(60)))
    assert len(seeds) > 3
    for seed in seeds[:3]:
        for drops in (True, False):
            with nullcontext() if drops else pytest.raises(Wrong, match="no Dropout"):
                expect_head(ModelLearner(Learner(exchange)), (3, 3, 5), seed, hidden=3, dropout=0.4, l2=0.01)


HOSTILE = {
    "a_lambda": "keras.Sequential([keras.layers.Lambda(lambda x: __import__('os').environ.update(SEEN='yes') or x)])",
    "text": "type('Text', (keras.Model,), {'call': lambda self, x: 'text'})()",
    "strange_weights": "type('Strange', (keras.Model,), {'weights': property(lambda self: [object()])})()",
    "endless_answer": "type('Long', (keras.Model,), {'call': lambda self, x: keras.ops.zeros((40, 10**6))})()",
    "an_exit": "type('Exit', (keras.Model,), {'call': lambda self, x: exit()})()",
    "a_kill": "type('Kill', (keras.Model,), {'call': lambda self, x: __import__('os')._exit(1)})()",
    "a_handle": "__import__('autograder.judging.plain').judging.plain.Handle(0)",
    "a_class": "keras.Model",
}


NO_MODELS = {
    "lambda images: base(images)": "A function is no model, whatever it computes",
    "base.output": "A tensor is no model",
    "[base.output]": "A list of layers or tensors is no model",
    "base.layers": "A list of layers or tensors is no model",
    "base.count_params": "call it, with `()`",
    "keras.Model": "Give back what the docstring asks for",
}


@pytest.mark.parametrize("came", NO_MODELS)
def test_what_is_no_model_is_told_how_to_become_one(came):
    def freeze(base):
        return eval(came, {"base": base, "keras": keras})

    outcome = run_checks(exercise("03-transfer-head"), in_place({"freeze": freeze}), functions=("freeze",))["freeze"]
    assert NO_MODELS[came] in outcome.failure.mistake
    assert "NumPy" not in outcome.failure.mistake


def test_a_model_s_function_under_another_name():
    """What is not a function is no name for it, whatever it is."""
    namespace = {"Freeze": lambda base: base, 3: 4, "freez": 5}
    failure = run_checks(exercise("03-transfer-head"), in_place(namespace), functions=("freeze",))["freeze"].failure
    assert failure.came == "no function of that name, but `Freeze`"


SPOILS = """
import numpy as np
def spoils(base, head):
    for weight in base.weights:
        weight.assign(np.ones(weight.shape))
    base.name = "spoiled"
    base.layers[1].trainable = False
    return base
"""
FREEZES = "def freeze(base):\n    base.trainable = False\n    return base"
TRUNCATES = """
def truncate(base, layer_name):
    if layer_name not in [layer.name for layer in base.layers]:
        raise ValueError("layer_name")
    return keras.Model(base.input, base.get_layer(layer_name).output)
"""


def test_what_one_function_does_to_a_model_counts_against_no_other():
    """The copies of the checks' models stay from one function to the next."""
    cells = [CodeCell("imports", SPOILS), CodeCell("freeze", FREEZES)]
    functions = ("build_classifier", "freeze")
    with Submission(cells, Limits(cell=120, call=60, submission=600)) as running:
        learner = Learner(running.exchange, {"build_classifier": "spoils"})
        models = ModelLearner(learner)
        ours = small_base()
        held = models.build(ours)
        models.build_classifier(held, held)
        assert held.about(weights=True).weights != digest_of(ours, held.seed)
        outcomes = run_checks(exercise("03-transfer-head"), learner, functions=functions, hidden=True)
    assert not outcomes["build_classifier"].passed
    assert outcomes["freeze"].passed


def test_a_function_that_ends_the_process_costs_no_other_its_copies():
    """The copies are gone with it, and the judge still has their handles."""
    cells = [
        CodeCell("imports", "from pneumonia.backend import keras"),
        CodeCell("freeze", FREEZES),
        CodeCell("truncate", TRUNCATES),
        CodeCell("dies", "def dies(*_, **__):\n    import os\n    os._exit(1)"),
    ]
    with Submission(cells, Limits(cell=120, call=60, submission=600)) as running:
        learner = Learner(running.exchange, {"build_head": "dies"})
        models = ModelLearner(learner)
        for name, function in (("03-transfer-head", "freeze"), ("05-overfitting", "truncate")):
            models.build(small_base())
            with pytest.raises(Wrong):
                models.build_head((2, 2, 3))
            assert run_checks(exercise(name), learner, functions=(function,))[function].passed


LIES = """
from autograder.judging import keras_answers
from pneumonia.backend import keras
asked = keras_answers._ANSWERS["about"]
keras_answers._ANSWERS["about"] = lambda question: asked(question) | {"shapes": SHAPES}
def build_head(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    return keras.Sequential([keras.layers.Dense(1)])
"""


@pytest.mark.parametrize("first", [10**9, 10**30, -1])
def test_the_judge_draws_no_more_weights_than_a_model_may_have(first):
    """A worker that says its model has so many weights would fill the judge's memory, and end it or the next one."""
    shapes = [[first, 128], [128], [128, 1], [1]]
    cells = [CodeCell("build_head", LIES.replace("SHAPES", str(shapes)))]
    with Submission(cells, Limits(cell=120, call=60, submission=600)) as running:
        outcomes = run_checks(exercise("03-transfer-head"), Learner(running.exchange), functions=("build_head",))
    failure = outcomes["build_head"].failure
    # More than 64 bits do not get over the pipe at all.
    assert failure is not None
    assert first > 2**63 or "does not answer as Keras models do" in failure.mistake


HEAD = """
from autograder.judging import keras_answers
import numpy as np
from pneumonia.backend import keras
layers = keras.layers
def build_head(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
    dense = layers.Dense(hidden, activation="relu", kernel_regularizer=keras.regularizers.L2(l2))
    stack = [layers.Input(feature_shape), layers.Flatten(), dense, layers.Dropout(dropout)]
    return keras.Sequential([*stack, layers.Dense(1, activation="sigmoid")])
said = dict(keras_answers._ANSWERS)
def answer(kind, change):
    keras_answers._ANSWERS[kind] = lambda question: change(question, said[kind](question))
"""
FALSE = {
    "nothing": 'answer("output", lambda q, came: came[:0] if q["training"] else came)',
    "much": 'answer("output", lambda q, came: np.resize(came, (len(came), 10**4)) if q["training"] else came)',
    "more": 'answer("output", lambda q, came: np.resize(came, 2**23).astype("float16") if q["training"] else came)',
    "one": 'answer("output", lambda q, came: came[0, 0] if q["training"] else came)',
    "flags": 'answer("output", lambda q, came: came > 2 if q["training"] else came)',
    "endless": 'answer("about", lambda q, came: came | {"shapes": [[float("inf")]]})',
    "none": 'answer("about", lambda q, came: came | {"shapes": [[float("nan"), 1]]})',
    "wide": 'answer("about", lambda q, came: came | {"shapes": [[0, 2**62], *came["shapes"]]})',
    "deep": 'answer("about", lambda q, came: came | {"shapes": [[1] * 100, *came["shapes"]]})',
    "few": 'answer("about", lambda q, came: came | {"learned": [True]})',
    "large": 'answer("losses", lambda q, came: [2**1024 - 1])',
    "texts": 'answer("losses", lambda q, came: ["1"])',
}


@pytest.mark.parametrize("lies", FALSE.values(), ids=FALSE)
def test_what_no_model_answers_is_wrong_and_breaks_no_check(lies):
    """Else the notebook would have no score, and the judge no memory."""
    with Submission([CodeCell("build_head", f"{HEAD}{lies}")], Limits(cell=120, call=60, submission=600)) as running:
        functions = ("build_head",)
        outcomes = run_checks(exercise("03-transfer-head"), Learner(running.exchange), functions=functions, hidden=True)
        assert running.notes == []
    mistake = outcomes["build_head"].failure.mistake
    assert "does not answer as Keras models do" in mistake or lies in (FALSE["flags"], FALSE["large"])


def test_models_that_lie_or_run_code_are_wrong_and_stay_where_they_are():
    cells = [CodeCell("imports", "from pneumonia.backend import keras")]
    cells += [CodeCell(name, f"def {name}(*args, **kwargs):\n    return {model}") for name, model in HOSTILE.items()]
    asked = ("build_head", "build_classifier", "freeze", "unfreeze_from")
    with Submission(cells, Limits(cell=120, call=60, submission=600)) as running:
        for name in HOSTILE:
            learner = Learner(running.exchange, dict.fromkeys(asked, name))
            outcomes = run_checks(exercise("03-transfer-head"), learner, functions=asked)
            assert not any(outcome.passed for outcome in outcomes.values()), name
            assert all(outcome.failure.mistake for outcome in outcomes.values())
    assert "SEEN" not in os.environ
