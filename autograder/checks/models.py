"""What the checks of the exercises on Keras share: small bases, and how to look at a model that came back.

Keras is imported where it is needed: checks that have nothing to do with it are done in a blink.
"""

from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING

import numpy as np

from autograder.checking import Wrong, WrongType, expect_refusal, kind_of, require_answer

if TYPE_CHECKING:
    from autograder.judging.keras_models import About, ModelLearner


@cache
def small_base(filters: tuple[int, ...] = (4, 6), side: int = 32, blocks: tuple[int, ...] = (1, 2, 3, 4, 5)):
    """A base with VGG16's names for layers and blocks, two convolutions and a pooling each, and few filters.

    `blocks` are the numbers in the blocks' names, in the order in which the blocks come.
    The same one each time: its weights and what is trainable are set before it is used (`ModelLearner.build`).
    """
    from pneumonia.backend import keras

    inputs = outputs = keras.layers.Input((side, side, 3), name="images")
    for block, width in zip(blocks, filters, strict=False):
        for conv in (1, 2):
            name = f"block{block}_conv{conv}"
            outputs = keras.layers.Conv2D(width + conv, 3, padding="same", activation="relu", name=name)(outputs)
        outputs = keras.layers.MaxPooling2D(name=f"block{block}_pool")(outputs)
    return keras.Model(inputs, outputs, name="base")


def fairly(check: Callable[..., None]) -> Callable[..., None]:
    """A check, begun anew on copies that nobody has had where it finds a fault on some that others have.

    Its first argument is the ModelLearner. Another function may have changed a copy, or ended the process that it was
    in.
    """

    @wraps(check)
    def checked(models: "ModelLearner", *args, **kwargs) -> None:
        try:
            check(models, *args, **kwargs)
        except Wrong:
            if not models.begin_anew():
                raise
            check(models, *args, **kwargs)

    return checked


@fairly
def expect_refusal_of_layer(models: "ModelLearner", function: str, layer_name: str) -> None:
    """The learner's function refuses, in a small base, a layer that it does not have."""
    base, because = models.build(small_base()), f"the base has no layer {layer_name}"
    naming, showing = ("layer_name",), (layer_name,)
    expect_refusal(models, function, base, layer_name, naming=naming, because=because, showing=showing)


def require_model(came) -> "About":
    """What the Keras model that came is like. Raises WrongType where none came."""
    from autograder.judging.keras_models import Held

    require_answer(came)
    if not isinstance(came, Held):
        raise WrongType(f"A Keras model was asked for, and {kind_of(came)} came.")
    about = came.about()
    if not about.is_model:
        raise WrongType(f"A Keras model was asked for, and a layer ({about.class_name}) came: make a `keras.Model`.")
    return about


def close(came: np.ndarray, expected: np.ndarray, tolerance: float = 1e-4) -> bool:
    """Whether two outputs are the same but for float32 rounding, relative to the largest."""
    if came.shape != expected.shape:
        return False
    return bool(np.all(np.abs(came - expected) <= tolerance * max(1e-6, np.abs(expected).max())))


def output_at(base, layer_name: str, images: np.ndarray) -> np.ndarray:
    """What a layer of our own base gives."""
    from pneumonia.backend import keras

    return np.asarray(keras.Model(base.input, base.get_layer(layer_name).output)(images))
