"""Keras models between judge and worker. Imported only where an exercise asks for models: it imports TensorFlow.

A model never crosses. It stays where the learner's code runs, under a number (`plain.Handle`), and the judge asks typed
questions about it: what it gives for these inputs, which weights and layers it has, and again after the judge has set
its weights. What crosses is numbers, texts and arrays, so that a learner's model is never loaded, let alone run, in the
judge's process; a subclassed model is as good an answer as a Sequential one.

A base goes the other way as the configuration of a model that the judge made, and the seed of its weights, which both
sides draw alike: VGG16's 15 million numbers need not be sent.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder import calls, handles, plain
from autograder.checking import Wrong, show_call
from autograder.learner import Learner, value_of
from pneumonia.backend import keras

# --- where the learner's code runs -----------------------------------------------------------------------------------


def answer(namespace: Mapping, question: dict) -> bytes:
    """Answer a question about models; whatever the learner's code does short of ending the process is an answer."""
    kind = question["keras"]
    try:
        if kind == "call":
            return _call(namespace, question)
        return plain.dumps({"kind": "value", "value": _ANSWERS[kind](question)})
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too, and what a learner's own layer raises
        return calls.raised(error)


def _call(namespace: Mapping, question: dict) -> bytes:
    """Call the learner's function as `calls.answer` does; models are passed and kept under their handles."""

    def function(*args, **kwargs):
        named = {name: handles.behind(value) for name, value in kwargs.items()}
        value = learners(*map(handles.behind, args), **named)
        if isinstance(value, keras.layers.Layer):  # a Model is one
            return handles.hold(value)
        return np.asarray(value) if keras.ops.is_tensor(value) else value

    learners = namespace.get(question["call"])
    known = {question["call"]: function} if callable(learners) else {}
    return calls.answer(known, {name: question[name] for name in ("call", "args", "kwargs")})


def _build(question: dict) -> plain.Handle:
    return handles.hold(build(question["config"], question["seed"]))


def _draw(question: dict) -> None:
    draw_weights(handles.behind(question["model"]), question["seed"])


def _set_trainable(question: dict) -> None:
    set_trainable(handles.behind(question["model"]), question["flags"])


def _output(question: dict) -> np.ndarray:
    model, settings = handles.behind(question["model"]), {"training": True} if question["training"] else {}
    with warnings.catch_warnings():
        # A model made of a list of one input is right, too; Keras warns where it is called on the input itself.
        warnings.filterwarnings("ignore", message="The structure of `inputs`")
        # Called, because Keras's own `predict` stalls with TensorFlow 2.21.
        return np.asarray(model(question["inputs"], **settings))


def _weights(question: dict) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in handles.behind(question["model"]).weights]


def _losses(question: dict) -> list[float]:
    return [float(loss) for loss in handles.behind(question["model"]).losses]


def _about(question: dict) -> dict:
    model = handles.behind(question["model"])
    learned = {id(weight) for weight in model.trainable_weights}
    return {
        "model": isinstance(model, keras.Model),
        "class": type(model).__name__,
        "shapes": [list(weight.shape) for weight in model.weights],
        "learned": [id(weight) in learned for weight in model.weights],
        "layers": [[layer.name, type(layer).__name__, bool(layer.trainable)] for layer in layers_below(model)],
    }


_ANSWERS = {
    "build": _build,
    "draw": _draw,
    "set trainable": _set_trainable,
    "output": _output,
    "weights": _weights,
    "losses": _losses,
    "about": _about,
}

# --- both sides ------------------------------------------------------------------------------------------------------


def build(config: str, seed: int) -> keras.Model:
    """The model of a configuration that the judge wrote, its weights drawn with `seed`."""
    model = keras.models.model_from_json(config)
    draw_weights(model, seed)
    return model


def draw_weights(model: keras.Model, seed: int) -> None:
    """Set all weights: kernels with the scale that keeps a ReLU network's activations alike, biases around 0."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        shape = tuple(weight.shape)
        scale = np.sqrt(2 / np.prod(shape[:-1])) if len(shape) > 1 else 0.1
        weight.assign(np.float32(scale) * rng.standard_normal(shape, np.float32))


def layers_below(model: keras.layers.Layer) -> list:
    """All layers inside a model, models inside it and what they hold included."""
    return list(model._flatten_layers(include_self=False))


def set_trainable(model: keras.Model, flags: list[bool]) -> None:
    """Set the flags of the model itself and then of each layer below it."""
    model.trainable = flags[0]  # of all that it holds, too
    for layer, flag in zip(layers_below(model), flags[1:], strict=True):
        layer.trainable = flag


# --- where the checks live -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class About:
    """What a worker says of a model; each field has been checked to be what it should be."""

    is_model: bool
    class_name: str
    shapes: list[tuple[int, ...]]  # of the weights
    learned: list[bool]  # whether training changes each weight
    layers: list[tuple[str, str, bool]]  # name, class, trainable, of all layers below


class ModelLearner(Learner):
    """A learner whose functions take and give Keras models. Made anew in each check: it begins without any model."""

    def __init__(self, learner: Learner):
        super().__init__(learner._exchange, learner._names, learner._stopped)
        self._exchange(plain.dumps({"forget": True}))

    def build(self, model: keras.Model, seed: int, label: str = "base") -> "Held":
        """A copy of a model of ours where the learner's functions can be called on it; its weights, and ours, drawn."""
        draw_weights(model, seed)
        handle = self._ask({"keras": "build", "config": model.to_json(), "seed": seed})
        return Held(self, handle, label)

    def _call(self, function: str, args: tuple, kwargs: dict) -> Any:
        question = {
            "keras": "call",
            "call": self._names.get(function, function),
            "args": [_sent(value) for value in args],
            "kwargs": {name: _sent(value) for name, value in kwargs.items()},
        }
        try:
            value = self._ask(question, function)
        except Wrong as wrong:
            wrong.call = show_call(function, args, kwargs)
            raise
        if type(value) is not plain.Handle:
            return value
        # An object that was passed and comes back is the one that was passed.
        same = [held for held in (*args, *kwargs.values()) if isinstance(held, Held) and held.handle == value]
        return same[0] if same else Held(self, value, "a Keras model")

    def _ask(self, question: dict, function: str = "") -> Any:
        reply = calls.read(self._exchange(plain.dumps(question)))
        return value_of(reply, function, self._stopped.get(function, ""))


@dataclass(frozen=True, eq=False)
class Held:
    """A model where the learner's code runs, and the questions that can be asked about it."""

    learner: ModelLearner
    handle: plain.Handle
    label: str

    def __repr__(self) -> str:
        return self.label

    def output(self, inputs: np.ndarray, training: bool = False) -> np.ndarray:
        """What the model gives for `inputs`. Raises Raised where it fails."""
        return _array(self._ask("output", inputs=inputs, training=training))

    def weights(self) -> list[np.ndarray]:
        """The values of all weights, in the model's order."""
        return [_array(value) for value in _list(self._ask("weights"))]

    def losses(self) -> float:
        """The sum of the penalties that the model adds to its loss."""
        return float(sum(_number(value) for value in _list(self._ask("losses"))))

    def draw(self, seed: int) -> None:
        """Set all weights, as `draw_weights` does."""
        self._ask("draw", seed=seed)

    def set_trainable(self, flags: list[bool]) -> None:
        """Set which layers are trainable: the model itself first, then each layer below it."""
        self._ask("set trainable", flags=flags)

    def about(self) -> About:
        """Its class, its weights' shapes and its layers."""
        said = self._ask("about")
        try:
            return About(
                bool(said["model"]),
                str(said["class"])[:100],
                [tuple(int(length) for length in shape) for shape in said["shapes"]],
                [bool(flag) for flag in said["learned"]],
                [(str(name)[:100], str(kind)[:100], bool(flag)) for name, kind, flag in said["layers"]],
            )
        except (TypeError, KeyError, ValueError):
            raise _unreadable() from None

    def _ask(self, kind: str, **fields) -> Any:
        return self.learner._ask({"keras": kind, "model": self.handle, **fields})


def _sent(value):
    return value.handle if isinstance(value, Held) else value


def _array(value) -> np.ndarray:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub":
        raise _unreadable()
    return value


def _list(value) -> list:
    if type(value) is not list:
        raise _unreadable()
    return value


def _number(value) -> float:
    if type(value) not in (int, float):
        raise _unreadable()
    return value


def _unreadable() -> Wrong:
    return Wrong(
        came="an answer that no model gives",
        mistake="The model does not answer as Keras models do: make it of Keras's own layers.",
    )
