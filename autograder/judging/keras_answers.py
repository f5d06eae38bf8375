"""Keras models where the learner's code runs: what the judge may ask about them, and the answers.

A model stays here, under a number (`plain.Handle`); what crosses is numbers, texts and arrays. The judge's side of this
is `autograder.judging.keras_models`. Imported only where an exercise asks for models: it imports TensorFlow.
"""

import contextlib
import ctypes
import hashlib
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import numpy as np

from autograder.judging import calls, handles, plain
from pneumonia.backend import keras

_stock: dict[str, list[keras.Model]] = {}  # configuration -> models without weights


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
    known = {question["call"]: function} if callable(learners) else namespace
    return calls.answer(known, {name: question[name] for name in ("call", "args", "kwargs")})


def _prepare(question: dict) -> plain.Handle:
    """Have a model ready in this state, the one that is there or one that is made now."""
    model = build(question["config"]) if question["model"] is None else handles.behind(question["model"])
    if question["seed"] is not None:
        draw_weights(model, question["seed"])
    set_trainable(model, question["flags"])
    return handles.hold(model)


def _output(question: dict) -> np.ndarray:
    for drawn, seed in question["draw"]:
        draw_weights(handles.behind(drawn), seed)
    model, settings = handles.behind(question["model"]), {"training": True} if question["training"] else {}
    inputs = np.repeat(question["inputs"], question["repeat"], axis=0)
    with warnings.catch_warnings():
        # A model made of a list of one input is right, too; Keras warns where it is called on the input itself.
        warnings.filterwarnings("ignore", message="The structure of `inputs`")
        # Called, because Keras's own `predict` stalls with TensorFlow 2.21.
        outputs = model(inputs, **settings)
        if isinstance(outputs, (list, tuple)) and len(outputs) > 1:
            raise ValueError("the model has several outputs")
        return np.asarray(outputs)


def _losses(question: dict) -> list[float]:
    return [float(loss) for loss in handles.behind(question["model"]).losses]


def _about(question: dict) -> dict:
    model = handles.behind(question["model"])
    learned = {id(weight) for weight in model.trainable_weights}
    return {
        "model": isinstance(model, keras.Model),
        "class": type(model).__name__,
        "shapes": [list(weight.shape) for weight in model.weights],
        "weights": digest(map(np.asarray, model.weights)) if question["weights"] else "",
        "learned": [id(weight) in learned for weight in model.weights],
        "layers": [[layer.name, type(layer).__name__, bool(layer.trainable)] for layer in layers_below(model)],
    }


_ANSWERS = {
    "prepare": _prepare,
    "output": _output,
    "losses": _losses,
    "about": _about,
}

# --- both sides ------------------------------------------------------------------------------------------------------


def prepare_to_fork() -> None:
    """Do what TensorFlow's first operation would do in each process anew, as far as that can be done without one.

    It registers what its compiler, XLA, knows of each operation: here, because this asks for it.
    """
    with contextlib.suppress(ImportError):  # it is no part of TensorFlow's interface, and may not be there some day
        from tensorflow.python.util import pywrap_xla_ops

        pywrap_xla_ops.get_cpu_kernel_names()


@cache
def run_operations_directly() -> None:
    """Have this process run TensorFlow's operations as they are, as far as that can be had.

    TensorFlow 2.21 makes a function of each operation that it meets for the first time, and for each new shape, and
    sends it through all passes of its compiler: 0.4 ms, of which a process that lives for less than a second never
    sees the use. The results are the same. Called after a fork, since it begins TensorFlow's threads, and after the
    learner's cells: some settings (`tf.config.threading`) are refused after that.
    """
    from tensorflow.python.eager import context

    with contextlib.suppress(AttributeError, ValueError):  # no part of TensorFlow's interface either
        set_it = ctypes.CDLL(None).TFE_ContextSetRunEagerOpAsFunction
        new_status, in_capsule = ctypes.CDLL(None).TF_NewStatus, ctypes.pythonapi.PyCapsule_GetPointer
        context.ensure_initialized()
        in_capsule.argtypes, in_capsule.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_void_p
        set_it.argtypes, set_it.restype = [ctypes.c_void_p, ctypes.c_ubyte, ctypes.c_void_p], None
        new_status.restype = ctypes.c_void_p
        set_it(in_capsule(context.context()._handle, None), False, new_status())


def put_in_stock(config: str, count: int) -> None:
    """Have so many models ready before a fork, for each child to take: all but their weights, which are not made yet.

    To make weights is an operation of TensorFlow's, and after one of those a process cannot be forked any more.
    """
    with without_weights():
        stock = _stock.setdefault(config, [])
        stock += [keras.models.model_from_json(config) for _ in range(count - len(stock))]


@contextlib.contextmanager
def without_weights() -> Iterator[None]:
    """The models that are made herein have no weights until these are drawn, so that no operation has run."""
    from keras.src.backend.common import global_state  # below, so that it is our backend that imports Keras

    with keras.StatelessScope(initialize_variables=False):
        yield
    # Else the next scope that ends would make the weights of all these models, wanted or not.
    global_state.set_global_attribute("uninitialized_variables", [])


def build(config: str) -> keras.Model:
    """The model of a configuration that the judge wrote, its weights 0.

    Those of a model in stock are made when they are drawn; until then, Keras gives 0 for each that is looked at.
    """
    return _stock[config].pop() if _stock.get(config) else keras.models.model_from_json(config)


def draw_weights(model: keras.Model, seed: int) -> None:
    """Set all weights to those that are `drawn` with a seed."""
    for weight, values in zip(model.weights, drawn([weight.shape for weight in model.weights], seed), strict=True):
        if weight._value is None:
            weight._initializer = lambda *_, values=values, **__: values
            weight._deferred_initialize()
        else:
            weight.assign(values)


def drawn(shapes: Iterable[tuple[int, ...]], seed: int) -> list[np.ndarray]:
    """Weights of these shapes: kernels with the scale that keeps a ReLU network's activations alike, biases near 0."""
    rng = np.random.default_rng(seed)
    scales = [np.sqrt(2 / np.prod(shape[:-1])) if len(shape) > 1 else 0.1 for shape in shapes]
    return [
        np.float32(scale) * rng.standard_normal(tuple(shape), np.float32)
        for shape, scale in zip(shapes, scales, strict=True)
    ]


def digest(weights: Iterable[np.ndarray]) -> str:
    """One text for the values of all weights."""
    return hashlib.sha256(b"".join(weight.tobytes() for weight in weights)).hexdigest()


def is_large(model: keras.Model) -> bool:
    """Whether a model, VGG16 itself, has more weights than the checks look at."""
    return sum(math.prod(weight.shape) for weight in model.weights) > 100_000


def layers_below(model: keras.layers.Layer) -> list:
    """All layers inside a model, models inside it and what they hold included."""
    return list(model._flatten_layers(include_self=False))


def set_trainable(model: keras.Model, flags: list[bool]) -> None:
    """Set the flags of the model itself and then of each layer below it."""
    model.trainable = flags[0]  # of all that it holds, too
    for layer, flag in zip(layers_below(model), flags[1:], strict=True):
        layer.trainable = flag
