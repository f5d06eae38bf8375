"""Keras models as the judge sees them. Imported only where an exercise asks for models: it imports TensorFlow.

A model never crosses. It stays where the learner's code runs, under a number (`plain.Handle`), and the judge asks typed
questions about it: what it gives for these inputs, which weights and layers it has, and again after the judge has set
its weights. What crosses is numbers, texts and arrays, so that a learner's model is never loaded, let alone run, in the
judge's process; a subclassed model is as good an answer as a Sequential one.

A base goes the other way as the configuration of a model that the judge made, and the seed of its weights, which both
sides draw alike: VGG16's 15 million numbers need not be sent.
"""

import json
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from autograder import calls, plain
from autograder.checking import Wrong, show_call
from autograder.keras_answers import draw_weights, layers_below
from autograder.learner import Learner, value_of
from pneumonia.backend import keras

# How often each model's configuration was asked for since this was cleared: the next submission will want the same.
asked: Counter[str] = Counter()


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
        self._copies: dict[keras.Model, plain.Handle] = {}
        self._exchange(plain.dumps({"forget": True}))

    def build(self, model: keras.Model, seed: int | None, label: str = "base") -> "Held":
        """A copy of a model of ours where the learner's functions can be called on it; its weights, and ours, drawn.

        Without a seed they are not drawn, which takes a while for 15 million of them, and nobody may compare them.

        Asked for again, the same copy comes, its weights drawn anew and all of it trainable, as ours is then.
        """
        if seed is not None:
            draw_weights(model, seed)
        model.trainable = True
        if model not in self._copies:
            asked[_configuration(model)] += 1
            self._copies[model] = self._ask({"keras": "build", "config": _configuration(model), "seed": seed})
            return Held(self, self._copies[model], label)
        held = Held(self, self._copies[model], label)
        if seed is not None:
            held.draw(seed)
        held.set_trainable([True] * (1 + len(layers_below(model))))
        return held

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

    def output(self, inputs: np.ndarray, training: bool = False, repeat: int = 1) -> np.ndarray:
        """What the model gives for `inputs`, each `repeat` times over. Raises Raised where it fails."""
        return _array(self._ask("output", inputs=inputs, training=training, repeat=repeat))

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


@lru_cache(maxsize=1000)
def _configuration(model: keras.Model) -> str:
    """A model's configuration as JSON; its weights begin as zeros, since they are set in any case."""
    return json.dumps(_with_zeros(json.loads(model.to_json())))


def _with_zeros(tree):
    """A configuration with each kernel's initializer replaced."""
    if isinstance(tree, list):
        return [_with_zeros(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    zeros = {"module": "keras.initializers", "class_name": "Zeros", "config": {}, "registered_name": None}
    return {key: zeros if key == "kernel_initializer" else _with_zeros(item) for key, item in tree.items()}


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
