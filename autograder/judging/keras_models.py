"""Keras models as the judge sees them. Imported only where an exercise asks for models: it imports TensorFlow.

A model never crosses. It stays where the learner's code runs, under a number (`plain.Handle`), and the judge asks typed
questions about it: what it gives for these inputs, which weights and layers it has, and again after the judge has set
its weights. What crosses is numbers, texts and arrays, so that a learner's model is never loaded, let alone run, in the
judge's process; a subclassed model is as good an answer as a Sequential one.

A base goes the other way as the configuration of a model that the judge made, and the seed of its weights, which both
sides draw alike: VGG16's 15 million numbers need not be sent.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from autograder.checking import Wrong, show_call
from autograder.judging import calls, plain
from autograder.judging.keras_answers import digest, drawn, layers_below, without_weights
from autograder.learner import Learner, value_of
from pneumonia.backend import keras

FIRST_SEED = 0  # of a copy's weights
LARGER = 32  # times as many numbers may come as were asked about: VGG16's first block makes 64 of 3
MOST_LAYERS = 10_000  # and weights, that a model may say it has
MOST_WEIGHTS = plain.LIMIT // 4  # that a model may say it has: as many as would fit into a message
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
    weights: str  # digest of their values; empty unless it was asked for


def configurations(makers: Iterable[Callable[[], keras.Model]]) -> Counter[str]:
    """Make models of ours, which their makers keep, before a process is forked; their configurations, for the stock."""
    with without_weights():
        return Counter(_configuration(make()) for make in makers)


class ModelLearner(Learner):
    """A learner whose functions take and give Keras models.

    The copies of our models that its functions are called on stay from one check to the next: to make one takes longer
    than all that is asked about it. What a function does to a copy is not to count against another: see
    `checks.models.fairly`.
    """

    def __init__(self, learner: Learner):
        super().__init__(learner._exchange, learner._names, learner._stopped)
        if learner._copies is None:
            learner._copies = {}
            self._exchange(plain.dumps({"forget": True}))
        self._copies: dict[keras.Model, Held] = learner._copies
        self._used = False  # whether this check was given a copy that another one had before

    def build(
        self, model: keras.Model, flags: list[bool] | None = None, *, drawn: bool = True, label: str = "base"
    ) -> "Held":
        """A copy of a model of ours where the learner's functions can be called on it; ours is left as it is.

        drawn: whether its weights must be some that were drawn, with its `seed`; else they may be 0
        flags: which layers are trainable, the model itself first and then each layer below it; all unless given
        """
        flags = flags or [True] * (1 + len(layers_below(model)))
        held = self._copies.get(model)
        if held is None:
            asked[_configuration(model)] += 1
            held = self._copies[model] = Held(self, None)
        else:
            self._used = True
        seed = FIRST_SEED if drawn and held.seed is None else None
        config = "" if held.handle else _configuration(model)
        held.handle = held._ask("prepare", config=config, seed=seed, flags=flags)
        if type(held.handle) is not plain.Handle:
            raise _unreadable()
        held.seed, held.label = held.seed if seed is None else seed, label
        return held

    def begin_anew(self) -> bool:
        """Leave all copies; False where this check has had none but its own."""
        used, self._used = self._used, False
        self._copies.clear()
        return used

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
        return same[0] if same else Held(self, value)

    def _ask(self, question: dict, function: str = "") -> Any:
        reply = calls.read(self._exchange(plain.dumps(question)))
        return value_of(reply, function, self._stopped.get(function, ""), models=True)


@dataclass(eq=False)
class Held:
    """A model where the learner's code runs, and the questions that can be asked about it.

    Of a copy of a model of ours, `seed` is that of the weights that it was given last, None where they are 0.
    """

    learner: ModelLearner
    handle: plain.Handle | None
    label: str = "a Keras model"
    seed: int | None = None

    def __repr__(self) -> str:
        return self.label

    def output(
        self, inputs: np.ndarray, training: bool = False, repeat: int = 1, draw: Mapping["Held", int] | None = None
    ) -> np.ndarray:
        """What the model gives for `inputs`, each `repeat` times over. Raises Raised where it fails.

        draw: models whose weights are set before that, each to those of a seed (`keras_answers.drawn`)
        """
        draw = draw or {}
        for held, seed in draw.items():
            held.seed = seed
        pairs = [[held.handle, seed] for held, seed in draw.items()]
        came = _array(self._ask("output", inputs=inputs, training=training, repeat=repeat, draw=pairs))
        most = max(2**20, LARGER * repeat * inputs.size)
        if not 0 < came.size <= most or (repeat > 1 and len(came) != repeat * len(inputs)):
            raise _unreadable()
        return came

    def losses(self) -> float:
        """The sum of the penalties that the model adds to its loss."""
        return float(sum(_number(value) for value in _list(self._ask("losses"))))

    def about(self, weights: bool = False) -> About:
        """Its class, its weights' shapes and its layers; and of the weights' values, where that is asked for."""
        said = self._ask("about", weights=weights)
        try:
            return About(
                bool(said["model"]),
                calls.named(str(said["class"])[:100]),
                _shapes(said["shapes"]),
                [bool(flag) for flag in _list(said["learned"], len(said["shapes"]))],
                [(str(name)[:100], str(kind)[:100], bool(flag)) for name, kind, flag in _list(said["layers"])],
                str(said["weights"])[:100],
            )
        except (TypeError, KeyError, ValueError):
            raise _unreadable() from None

    def _ask(self, kind: str, **fields) -> Any:
        return self.learner._ask({"keras": kind, "model": self.handle, **fields})


@lru_cache(maxsize=1000)
def digest_of(model: keras.Model, seed: int) -> str:
    """What `About.weights` is for a copy of a model of ours with the weights that are drawn with a seed."""
    return digest(drawn([weight.shape for weight in model.weights], seed))


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
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiub" or not value.shape:
        raise _unreadable()
    return value if value.dtype.kind == "f" else value.astype(np.float64)


def _shapes(said) -> list[tuple[int, ...]]:
    """The shapes of weights. Raises ValueError where these are none, or of more weights than the judge would draw."""
    shapes = [tuple(_list(shape)) for shape in _list(said)]
    for shape in shapes:
        if len(shape) > plain.DEPTH or not all(type(n) is int and 0 <= n <= MOST_WEIGHTS for n in shape):
            raise ValueError(f"no shape: {shape}")
    if sum(map(math.prod, shapes)) > MOST_WEIGHTS:
        raise ValueError("more weights than the judge would draw")
    return shapes


def _list(value, length: int | None = None) -> list:
    if type(value) is not list or len(value) > MOST_LAYERS or length not in (None, len(value)):
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
