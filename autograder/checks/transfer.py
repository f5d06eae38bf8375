"""Exercise 03-transfer-head: what is true (Keras's own preprocessing, bare formulas, our own copy) and what goes wrong.

Heads and classifiers are judged by what they compute with weights that the judge sets, so that it does not matter how a
model is written: Sequential, functional or subclassed.
"""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np

from autograder.checking import (
    Mistake,
    Raised,
    WrongType,
    expect,
    expect_such,
    kind_of,
    require_answer,
    same_whole_number,
)
from autograder.checks.models import close, fairly, require_model
from autograder.judging.keras_answers import draw_weights, drawn, is_large, layers_below, set_trainable
from autograder.judging.keras_models import About, Held, ModelLearner, digest_of
from pneumonia.backend import keras

# --- preprocess ------------------------------------------------------------------------------------------------------

BLUE_GREEN_RED = np.array([103.939, 116.779, 123.68])


def expect_preprocessed(models: ModelLearner, images: np.ndarray) -> None:
    """The learner's images equal Keras's own preprocessing of VGG16, float32."""
    try:
        expect(
            models,
            "preprocess",
            images,
            expected=keras.applications.vgg16.preprocess_input(images.astype(np.float32)),
            same=_same_float32,
            mistakes=PREPROCESS_MISTAKES,
            otherwise="Look at one pixel (r, g, b): it becomes (b - 103.939, g - 116.779, r - 123.68).",
        )
    except Raised as raised:
        if "Cannot cast ufunc" in raised.message:
            raised.mistake = (
                "`-=` keeps the array's type, and whole numbers cannot hold the result: turn the images to float32 "
                "first, which is also a copy of them."
            )
        raise


def _same_float32(came, expected: np.ndarray) -> bool:
    require_answer(came)
    if not isinstance(came, np.ndarray):
        raise WrongType(f"An array of shape {expected.shape} was asked for, and {kind_of(came)} came.")
    if came.shape != expected.shape:
        return False
    same = bool(np.all(np.abs(came.astype(float) - expected) <= 1e-3))
    if same and came.dtype != np.float32:
        raise WrongType(f"The numbers are right, their type is {came.dtype}: float32 was asked for.")
    return same


def _wrapped(images, means) -> np.ndarray:
    """What comes of whole means in the images' own type, where that is uint8."""
    if images.dtype != np.uint8:
        raise LookupError("these numbers do not wrap round")
    return images[..., ::-1] - means.astype(np.uint8)


PREPROCESS_MISTAKES = [
    Mistake(
        "The channels are still RGB: VGG16 was trained on BGR; `images[..., ::-1]` turns the last axis round.",
        lambda images: images - BLUE_GREEN_RED,
    ),
    Mistake(
        "The channels are still RGB, with the means in that order: VGG16 was trained on BGR; `images[..., ::-1]` "
        "turns the last axis round.",
        lambda images: images - BLUE_GREEN_RED[::-1],
    ),
    Mistake(
        "The means belong to the other order: after the turn to BGR, 103.939 is taken from blue, the first channel.",
        lambda images: images[..., ::-1] - BLUE_GREEN_RED[::-1],
    ),
    Mistake("The means are not subtracted.", lambda images: images[..., ::-1].astype(float)),
    Mistake("The means were added: subtract them.", lambda images: images[..., ::-1] + BLUE_GREEN_RED),
    Mistake(
        "The images were divided by 255: VGG16 was trained on 0..255, minus the means.",
        lambda images: images[..., ::-1] / 255 - BLUE_GREEN_RED,
    ),
    Mistake(
        "The images were divided by 255: VGG16 was trained on 0..255, minus the means.",
        lambda images: images[..., ::-1] / 255 - BLUE_GREEN_RED / 255,
    ),
    Mistake(
        "The images were divided by 255: VGG16 was trained on 0..255, minus the means.", lambda images: images / 255
    ),
    Mistake(
        "The images were scaled to -1..1: that is another network's preprocessing.", lambda images: images / 127.5 - 1
    ),
    Mistake(
        "The width was turned round, not the channels: the images are mirrored. The channels are the last axis.",
        lambda images: images[:, :, ::-1] - BLUE_GREEN_RED,
    ),
    Mistake(
        "The images themselves were turned round: `images[::-1]` is the first axis, the channels are the last one.",
        lambda images: images[::-1] - BLUE_GREEN_RED,
    ),
    *(
        Mistake(
            "Below 0 the numbers wrapped round: uint8 knows no negative ones. Turn to float32 before you subtract.",
            lambda images, means=means: _wrapped(images, means),
        )
        for means in (np.round(BLUE_GREEN_RED), np.trunc(BLUE_GREEN_RED))
    ),
    *(
        Mistake(
            "The means were cut or rounded to whole numbers: they are 103.939, 116.779 and 123.68.",
            lambda images, means=means: images[..., ::-1].astype(float) - means,
        )
        for means in (np.trunc(BLUE_GREEN_RED), np.round(BLUE_GREEN_RED))
    ),
    Mistake(
        "The numbers were cut to whole ones: turn to float32 before you subtract.",
        lambda images: (images[..., ::-1] - BLUE_GREEN_RED).astype(int),
    ),
    Mistake(
        "The mean of these images was subtracted: the means are those of the images that VGG16 was trained on.",
        lambda images: images[..., ::-1] - images[..., ::-1].mean(axis=(0, 1, 2)),
    ),
]


def draw_images(rng, dtype, n: int = 2, side: int = 6) -> np.ndarray:
    """RGB images `(n, side, side + 1, 3)` in 0..255; whole numbers, which every numeric dtype holds."""
    return rng.integers(0, 256, (n, side, side + 1, 3)).astype(dtype)


# --- bases -----------------------------------------------------------------------------------------------------------


@cache
def vgg16():
    """VGG16 itself, for images of 32 x 32; its weights play no part."""
    return keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))


@cache
def nested_base():
    """A small base of which one layer is itself a model of two convolutions, and which ends with a convolution."""
    layers = keras.layers
    inside = keras.Sequential(
        [
            layers.Input((16, 16, 4), name="inputs"),
            layers.Conv2D(5, 3, padding="same", activation="relu", name="block2_conv1"),
            layers.Conv2D(5, 3, padding="same", activation="relu", name="block2_conv2"),
        ],
        name="block2",
    )
    images = layers.Input((32, 32, 3), name="images")
    outputs = layers.Conv2D(4, 3, padding="same", activation="relu", name="block1_conv1")(images)
    outputs = inside(layers.MaxPooling2D(name="block1_pool")(outputs))
    outputs = layers.Conv2D(6, 3, padding="same", activation="relu", name="block3_conv1")(outputs)
    return keras.Model(images, outputs, name="base")


STATES = ("trainable", "layers frozen", "frozen")


def prepared(models: ModelLearner, base, state: str) -> Held:
    """A base where the learner's functions can be called on it, in one of STATES.

    The weights of VGG16 itself, 15 million, are left at 0.
    """
    flags = [state != "frozen"] + [state == "trainable"] * len(layers_below(base))
    return models.build(base, flags, drawn=not is_large(base))


def _same_base(came, held: Held, function: str) -> str:
    """A sentence where it is not the very base that was passed that came back."""
    require_answer(came)
    if came is held:
        return ""
    if isinstance(came, Held):
        return "Another model came back: change `base` itself, and return it."
    return f"The base itself was asked for (`return base`), and {kind_of(came)} came."


def _watches_weights(held: Held, state: str) -> bool:
    """Whether a base's weights are looked at: where it begins in the first state, which each function is asked for."""
    return held.seed is not None and state == STATES[0]


def _same_weights(base, held: Held, about: About) -> str:
    """A sentence where the weights were looked at, and are not those that were set."""
    if not about.weights or about.weights == digest_of(base, held.seed):
        return ""
    return "The weights were changed: freezing leaves the numbers as they are, and only stops learning."


# --- freeze ----------------------------------------------------------------------------------------------------------


@fairly
def expect_frozen(models: ModelLearner, base, state: str = "trainable") -> None:
    """The learner's function freezes all of the base, returns it, and leaves the weights alone."""
    held = prepared(models, base, state)

    def mistake(came) -> str:
        about = held.about(weights=_watches_weights(held, state))
        not_frozen = _whats_not_frozen(about)
        if not_frozen and came is None:
            return not_frozen + " And nothing came back: `return base`."
        found = _same_base(came, held, "freeze") or not_frozen or _layers_not_frozen(base, about)
        return found or _same_weights(base, held, about)

    expected = "the same base, none of its weights trainable, their values as they were"
    expect_such(models, "freeze", held, expected=expected, mistake=mistake)


def _whats_not_frozen(about: About) -> str:
    """A sentence where weights would still learn."""
    if not any(about.learned):
        return ""
    left = [name for name, kind, flag in about.layers if flag and kind in ("Conv2D", "Dense")]
    if all(about.learned):
        return "Nothing is frozen: a layer learns until its `trainable` is set to False."
    return f"{sum(about.learned)} of {len(about.learned)} weights would still learn, those of {', '.join(left[:3])}."


def _layers_not_frozen(base, about: About) -> str:
    """A sentence where the weights do not learn, and layers that hold some are trainable all the same."""
    inside = zip(layers_below(base), about.layers, strict=False)
    left = [name for layer, (name, _, flag) in inside if flag and layer.weights and not hasattr(layer, "layers")]
    if not left:
        return ""
    return (
        f"The weights were frozen one by one, and the layers, {left[0]} for one, are not: one of BatchNormalization "
        "would go on to change its statistics. Set `trainable` of each layer, or of `base`, to False."
    )


# --- build_head ------------------------------------------------------------------------------------------------------


# How often one case is asked about in training, to see Dropout at work. Its variance, off by 30 % at most where all is
# right, is then known to 7 %, and where that says that something is wrong, it is asked for anew, to 2 %.
# Of many features, fewer times: what is sent back and forth would take longer than all other checks.
TIMES, TIMES_TO_BE_SURE = 400, 4000
NUMBERS, NUMBERS_TO_BE_SURE = 2**20, 2**24  # in all that is sent
CASES = 8
# Few hidden units can all be 0, whatever the case, three of them in one draw of eight. Where there is nothing to drop,
# Dropout shows in nothing: weights are drawn again.
DRAWS, LEAST = 30, 1e-3


@dataclass(frozen=True)
class _Head:
    """What was asked for; and the weights of a head that came, by their part in it."""

    shape: tuple[int, int, int]
    hidden: int
    dropout: float
    l2: float


def expect_head(models: ModelLearner, feature_shape: tuple[int, int, int], seed: int, **settings) -> None:
    """The learner's head has the layers that were asked for, as far as any input can tell."""
    asked = _Head(feature_shape, **({"hidden": 128, "dropout": 0.2, "l2": 1e-4} | settings))
    expected = (
        f"a Keras model from (n, {', '.join(map(str, feature_shape))}) to (n, 1) in 0..1: Flatten or pooling, "
        f"Dense({asked.hidden}, ReLU, L2({asked.l2:g}) on its kernel), Dropout({asked.dropout:g}), Dense(1, sigmoid)"
    )
    expect_such(
        models,
        "build_head",
        feature_shape,
        expected=expected,
        mistake=lambda came: _head_mistake(came, asked, seed),
        **settings,
    )


def _head_mistake(came, asked: _Head, seed: int) -> str:
    about = require_model(came)
    rng = np.random.default_rng(seed)
    features = np.abs(rng.normal(size=(CASES, *asked.shape))).astype(np.float32)
    if _shapes_mistake(about.shapes, asked):
        # A subclassed model has its weights from its first call on; of a wrong one, the output says most.
        outputs = came.output(features)
        if outputs.shape != (CASES, 1):
            return _output_shape_mistake(outputs.shape, asked)
        about = came.about()
        if sentence := _shapes_mistake(about.shapes, asked):
            return sentence
    if not all(about.learned):
        return "Some of the head's weights are frozen: the head is the part that learns."
    for draw in range(seed, seed + DRAWS):
        outputs, weights = came.output(features, draw={came: draw}), drawn(about.shapes, draw)
        if outputs.shape != (CASES, 1):
            return _output_shape_mistake(outputs.shape, asked)
        found = [
            (parts, flat)
            for parts in _parts(weights, asked)
            for flat in _flattened(features, parts[0].shape[0])
            if close(outputs, _sigmoid(_logits(np.maximum, flat, parts)))
        ]
        if not found:
            return _formula_mistake(outputs, features, weights, asked)
        parts, flat = found[0]
        if np.any(_squares(_units(flat, parts)) > LEAST):
            break
    penalty = came.losses()
    if sentence := _penalty_mistake(penalty, parts, asked):
        came.output(2 * features)
        if abs(came.losses() - penalty) > 1e-3 * abs(penalty):
            return (
                "The penalty changes with the features: `activity_regularizer` is on what a layer gives, and L2 was "
                "asked for on its kernel, `kernel_regularizer`."
            )
        return sentence
    # By chance, now and then, a few times vary unlike many: only many can say that something is wrong.
    for most, numbers in ((TIMES, NUMBERS), (TIMES_TO_BE_SURE, NUMBERS_TO_BE_SURE)):
        times = min(most, numbers // features[0].size)
        if not (sentence := _dropout_mistake(came, features, flat, parts, asked, times)):
            break
    return sentence


def _output_shape_mistake(shape: tuple[int, ...], asked: _Head) -> str:
    if len(shape) == 4:
        return "The output still has height and width: put a Flatten or a pooling layer before the first Dense."
    if len(shape) == 2:
        return f"The output has {shape[1]} units, and one was asked for: the probability of PNEUMONIA, Dense(1)."
    return f"The output's shape is {shape} for {CASES} cases, and ({CASES}, 1) was asked for."


def _shapes_mistake(shapes: list[tuple[int, ...]], asked: _Head) -> str:
    kernels = [shape for shape in shapes if len(shape) == 2]
    units = [shape[1] for shape in kernels]
    if len(kernels) == 1:
        return f"There is one Dense layer only: one of {asked.hidden} units comes before the last one."
    if len(kernels) == 2 and asked.hidden not in units:
        other = next((unit for unit in units if unit != 1), 1)
        return f"`hidden` is not used: the first Dense layer has {other} units, and {asked.hidden} were asked for."
    if len(kernels) != 2 or len(shapes) != 4:
        return (
            f"There are {len(shapes)} arrays of weights, and four were asked for: kernel and bias of each of the two "
            "Dense layers, and nothing else that learns."
        )
    return ""


def _parts(weights: list[np.ndarray], asked: _Head) -> list[tuple[np.ndarray, ...]]:
    """Ways to read four arrays as (kernel, bias) of the hidden layer and (kernel, bias) of the last one.

    A subclassed model may have them in any order; with one hidden unit the shapes alone do not tell.
    """
    kernels = [weight for weight in weights if weight.ndim == 2]
    biases = [weight for weight in weights if weight.ndim == 1]
    if (len(kernels), len(biases)) != (2, 2):  # a worker can say one thing of the shapes and another of the values
        return []
    return [
        (first, b1, last, b2)
        for first, last in (kernels, kernels[::-1])
        for b1, b2 in (biases, biases[::-1])
        if first.shape[1] == asked.hidden == last.shape[0] == len(b1) and last.shape[1] == len(b2) == 1
    ]


def _flattened(features: np.ndarray, d: int) -> list[np.ndarray]:
    """Ways to make `d` numbers of each case: all of them, or pooled, by the mean or the largest."""
    n, h, w, c = features.shape
    ways = [features.reshape(n, -1), features.mean(axis=(1, 2)), features.max(axis=(1, 2))]
    for size in (2, 3):
        if min(h, w) >= size:
            windows = features[:, : h // size * size, : w // size * size]
            windows = windows.reshape(n, h // size, size, w // size, size, c)
            ways += [windows.mean(axis=(2, 4)).reshape(n, -1), windows.max(axis=(2, 4)).reshape(n, -1)]
    return [way.astype(float) for way in ways if way.shape[1] == d]


def _logits(activation, flat: np.ndarray, parts) -> np.ndarray:
    kernel, bias, last, last_bias = parts
    return activation(flat @ kernel + bias, 0) @ last + last_bias


def _units(flat: np.ndarray, parts) -> np.ndarray:
    """Each hidden unit's part in each case's log-odds, (n, hidden)."""
    kernel, bias, last, _ = parts
    return np.maximum(flat @ kernel + bias, 0) * last[:, 0]


def _squares(units: np.ndarray) -> np.ndarray:
    """The sum of the squares of the units' parts, (n,)."""
    return np.sum(units**2, axis=1)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _formula_mistake(outputs, features, weights, asked: _Head) -> str:
    """What a head computes that is not the one asked for, by what else it could be."""
    last_of = {
        "The last layer has no sigmoid: its output is not between 0 and 1, and cannot be a probability.": lambda x: x,
        "Softmax over one unit is 1, whatever the image: the last layer's activation is sigmoid.": np.ones_like,
        "The last layer's activation is tanh: sigmoid gives a probability.": np.tanh,
        "The last layer's activation is ReLU: sigmoid gives a probability.": lambda x: np.maximum(x, 0),
    }
    hidden_of = {
        "The hidden Dense layer has no ReLU: without one, two Dense layers are no more than one.": lambda x, _: x,
        "The hidden layer's activation is sigmoid: ReLU was asked for.": lambda x, _: _sigmoid(x),
        "The hidden layer's activation is tanh: ReLU was asked for.": lambda x, _: np.tanh(x),
    }
    for parts in _parts(weights, asked):
        ways = _flattened(features, parts[0].shape[0])
        if not ways:
            return (
                f"The first Dense layer takes {parts[0].shape[0]} numbers of each case: flatten the features, or pool "
                "them over height and width."
            )
        for flat in ways:
            for sentence, end in last_of.items():
                if close(outputs, end(_logits(np.maximum, flat, parts))):
                    return sentence
            for sentence, middle in hidden_of.items():
                if close(outputs, _sigmoid(_logits(middle, flat, parts))):
                    return sentence
    return (
        "The output is not that of Flatten or pooling, Dense with ReLU, Dense with sigmoid: look at the layers' order "
        "and at `head.summary()`."
    )


def _penalty_mistake(penalty: float, parts, asked: _Head) -> str:
    squares = [float(np.sum(np.square(part, dtype=float))) for part in parts]

    def near(value: float) -> bool:
        return abs(penalty - value) <= 1e-3 * abs(value)

    if near(asked.l2 * squares[0]) or penalty == asked.l2 == 0:
        return ""
    if penalty == 0:
        return "There is no penalty: `kernel_regularizer=keras.regularizers.L2(l2)` belongs to the hidden Dense layer."
    if near(1e-4 * squares[0]) or near(0.01 * squares[0]):
        return f"`l2` is not used: the penalty's factor is {penalty / squares[0]:.2g}, and {asked.l2:g} was asked for."
    if near(asked.l2 * (squares[0] + squares[2])):
        return "The last layer's kernel is penalised, too: L2 was asked for on the hidden layer's alone."
    if near(asked.l2 * squares[2]):
        return "The last layer's kernel is penalised, and not the hidden layer's."
    if near(asked.l2 * squares[1]):
        return "The bias is penalised: L2 was asked for on the kernel (`kernel_regularizer`)."
    if near(asked.l2 * (squares[0] + squares[1])):
        return "The bias is penalised, too: L2 was asked for on the kernel alone."
    if near(asked.l2 * float(np.sum(np.abs(parts[0])))):
        return "That is an L1 penalty, the sum of absolute values: L2 is the sum of squares."
    wanted = asked.l2 * squares[0]
    return f"The penalty is {penalty:.4g}, and {asked.l2:g} times the sum of the kernel's squares is {wanted:.4g}."


def _dropout_mistake(came: Held, features, flat, parts, asked: _Head, times: int) -> str:
    """Compare what one case gives many `times` in training with what Dropout before the last layer would give.

    There the hidden units are dropped at `dropout`, the others scaled up: the log-odds then vary with the variance
    dropout / (1 - dropout) times the sum of the squares of the units' parts in them.
    """
    last_bias, hidden = parts[3], _units(flat, parts)
    squares = _squares(hidden)
    place = int(np.argmin(np.where(squares > LEAST, np.abs(hidden.sum(axis=1) + last_bias), np.inf)))
    case = features[place : place + 1]
    outputs = came.output(case, training=True, repeat=times).astype(float).ravel()
    if np.ptp(outputs) < 1e-6:
        if asked.dropout == 0:
            return ""
        return "There is no Dropout: in training, the same features always give the same probability."
    if np.min(outputs) == 0:
        return "Dropout comes after the last layer and sets probabilities to 0: it belongs between the Dense layers."
    log_odds = np.log(outputs) - np.log1p(-np.minimum(outputs, 1 - 1e-7))
    spread = np.var(log_odds) / squares[place]
    rate = spread / (1 + spread)
    allowed = asked.dropout / (1 - asked.dropout)
    if abs(spread - allowed) <= 0.3 * allowed:
        if _drops_units(log_odds - last_bias, hidden[place] / (1 - asked.dropout)):
            return ""
        return "Dropout is not between the two Dense layers: it is the hidden units that are dropped."
    for other in (0.2, 1 - asked.dropout, 0.5):
        if abs(rate - other) < 0.04:
            return f"The rate of Dropout is about {other:g}, and {asked.dropout:g} was asked for: is `dropout` used?"
    return (
        f"In training the output does not vary as with Dropout({asked.dropout:g}) between the two Dense layers: look "
        "at its place and its rate."
    )


def _drops_units(log_odds: np.ndarray, units: np.ndarray) -> bool:
    """Whether each of the log-odds is the sum of some of the units' parts; with many units nearly any number is."""
    if len(units) > 4:
        return True
    kept = np.array(np.meshgrid(*[[0, 1]] * len(units))).reshape(len(units), -1).T
    return bool(np.abs(log_odds[:, None] - (kept @ units)[None, :]).min(axis=1).max() < 0.01)


# --- build_classifier ------------------------------------------------------------------------------------------------


@cache
def small_head(feature_shape, hidden: int = 16):
    """A head of our own, pooled."""
    layers = keras.layers
    stack = [
        layers.Input(feature_shape, name="features"),
        layers.GlobalAveragePooling2D(name="pool"),
        layers.Dense(hidden, activation="relu", name="hidden"),
        layers.Dropout(0.2, name="dropout"),
        layers.Dense(1, activation="sigmoid", name="probability"),
    ]
    return keras.Sequential(stack, name="head")


@fairly
def expect_classifier(models: ModelLearner, base, seed: int, state: str = "trainable") -> None:
    """The learner's classifier equals head(base(x)), with whatever weights these have; only the head learns."""
    head = small_head(base.output_shape[1:])
    held_head = models.build(head, label="head")
    held = prepared(models, base, state)
    first = held.seed, held_head.seed
    # Small numbers, so that the probabilities are not all 0 or 1.
    images = _small_images(base, seed)
    expected = f"a Keras model from {base.input_shape} to (None, 1) that equals head(base(x)); only the head learns"

    def differs(came, base_seed: int, head_seed: int) -> bool:
        """Whether the model gives something else than ours, once base and head have weights of these seeds."""
        outputs = came.output(images, draw={held: base_seed, held_head: head_seed})
        return not close(outputs, _classifier_outputs(base, head, base_seed, head_seed, seed))

    def mistake(came) -> str:
        require_model(came)
        # Right with new weights of base and head: right, and with no copy of either.
        if not differs(came, seed + 2, seed + 3):
            return _learns_mistake(came.about(), base, head)
        if differs(came, *first):
            draw_weights(base, first[0])
            draw_weights(head, first[1])
            return _classifier_mistake(came.output(images), base, head, images)
        part = "base" if differs(came, seed + 2, first[1]) else "head"
        return f"The classifier has a copy of the {part}: use `{part}` itself, so that both share their weights."

    try:
        expect_such(models, "build_classifier", held, held_head, expected=expected, mistake=mistake)
    except Raised as raised:
        if "has never been called" in raised.message or "not connected" in raised.message:
            raised.mistake = (
                "`head.output` belongs to an input of the head's own: call the head on what the base gives, "
                "`head(base.output)`, and end the model with the result."
            )
        raise


@lru_cache(maxsize=100)
def _classifier_outputs(base, head, base_seed: int, head_seed: int, seed: int) -> np.ndarray:
    """What head(base(x)) gives with weights of these seeds; in a class, each learner is asked about the same ones."""
    draw_weights(base, base_seed)
    draw_weights(head, head_seed)
    return np.asarray(head(base(_small_images(base, seed))))


def _small_images(base, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-2, 2, (6, *base.input_shape[1:])).astype(np.float32)


def _classifier_mistake(outputs, base, head, images) -> str:
    features = np.asarray(base(images))
    if close(outputs, features):
        return "The model ends with the base's features: the head comes after them, `head(base(x))`."
    if outputs.shape != (len(images), 1):
        return (
            f"The output's shape is {outputs.shape}, and {(len(images), 1)} was asked for: the head's output is last."
        )
    for scale, what in ((1 / 255, "divided by 255"), (-1, "preprocessed")):
        changed = images * scale if scale > 0 else images[..., ::-1] - BLUE_GREEN_RED.astype(np.float32)
        if close(outputs, np.asarray(head(base(changed)))):
            return f"The images were {what} on the way: the classifier is head(base(x)), and nothing else."
    return (
        "The numbers are not those of head(base(x)): use `base` and `head` as they are, with their weights, and "
        "nothing between them."
    )


def _learns_mistake(about, base, head) -> str:
    learned = sorted(shape for shape, flag in zip(about.shapes, about.learned, strict=False) if flag)
    shapes = [sorted(tuple(weight.shape) for weight in part.weights) for part in (base, head)]
    if learned == shapes[1] and sorted(about.shapes) == sorted(shapes[0] + shapes[1]):
        return ""
    if learned == sorted(shapes[0] + shapes[1]):
        return "The base learns, too: freeze it (`base.trainable = False`)."
    if not learned:
        return "Nothing learns: the head must stay trainable, only the base is frozen."
    if learned == shapes[0]:
        return "The base learns and the head does not: it is the other way round."
    if sorted(about.shapes) != sorted(shapes[0] + shapes[1]):
        return "The model holds weights that are neither the base's nor the head's."
    return f"{len(learned)} arrays of weights learn, and the head has {len(shapes[1])}: part of the base still learns."


# --- trainable_parameters --------------------------------------------------------------------------------------------


@cache
def batch_normalized(channels: int):
    """A model of which a layer holds statistics that never learn."""
    layers = keras.layers
    stack = [
        layers.Input((8, 8, 3), name="images"),
        layers.Conv2D(channels, 3, name="conv"),
        layers.BatchNormalization(name="norm"),
    ]
    return keras.Sequential(stack, name="normalized")


@fairly
def expect_parameters(models: ModelLearner, model, flags: list[bool] | None = None, label: str = "model") -> None:
    """The learner's number is that of our own copy, in the same state."""
    flags = flags or [True] * (1 + len(layers_below(model)))
    held = models.build(model, flags, drawn=False, label=label)
    set_trainable(model, flags)
    expect(
        models,
        "trainable_parameters",
        held,
        expected=sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        same=same_whole_number,
        mistakes=_parameter_mistakes(model),
        otherwise="Add up the sizes of `model.trainable_weights`, kernels and biases alike.",
    )


def _parameter_mistakes(model) -> list[Mistake]:
    def sizes(weights) -> int:
        return sum(int(np.prod(weight.shape)) for weight in weights)

    learned = model.trainable_weights
    answers = {
        "All weights were counted, those that are frozen, too: `model.trainable_weights` has those that learn.": sizes(
            model.weights
        ),
        "The frozen ones were counted: `model.trainable_weights` has those that learn.": sizes(
            model.non_trainable_weights
        ),
        "The arrays of weights were counted: add up how many numbers each of them holds.": len(learned),
        "The biases were left out.": sizes(weight for weight in learned if len(weight.shape) > 1),
        "The kernels were left out.": sizes(weight for weight in learned if len(weight.shape) == 1),
        "All weights of the layers that are trainable were counted, but a layer can hold some that never learn (the "
        "statistics of BatchNormalization), and a model inside the model frozen ones: count "
        "`model.trainable_weights`.": sum(layer.count_params() for layer in model.layers if layer.trainable),
        "Only the first axis of each array was counted: a kernel holds the product of all its axes.": sum(
            weight.shape[0] for weight in learned
        ),
        "Only the last axis of each array was counted: a kernel holds the product of all its axes.": sum(
            weight.shape[-1] for weight in learned
        ),
        "The layers were counted: add up how many numbers their weights hold.": len(model.layers),
    }
    return [Mistake(sentence, lambda _, answer=answer: answer) for sentence, answer in answers.items()]


# --- unfreeze_from ---------------------------------------------------------------------------------------------------


@fairly
def expect_unfrozen(models: ModelLearner, base, layer_name: str, state: str) -> None:
    """The learner's function trains the layers from `layer_name` on and freezes those before, whatever was before."""
    held = prepared(models, base, state)
    names = [layer.name for layer in base.layers]
    place = names.index(layer_name)
    expected = f"the same base; {layer_name} and the layers after it learn, those before it do not"

    def flags(learns) -> list[bool]:
        """For each weight, whether a layer at its place would learn."""
        return [learns(place) for place, layer in enumerate(base.layers) for _ in layer.weights]

    def wrong(about: About, learned, wanted) -> str:
        if learned == flags(lambda at: names[at] >= layer_name):
            return "The layers were compared by their names, as in a dictionary: go by their order in `base.layers`."
        return _unfrozen_mistake(about, learned, wanted, flags, place)

    def mistake(came) -> str:
        about = held.about(weights=_watches_weights(held, state))
        learned, wanted = about.learned, flags(lambda at: at >= place)
        if learned != wanted and came is None:
            return wrong(about, learned, wanted) + " And nothing came back: `return base`."
        return (
            _same_base(came, held, "unfreeze_from")
            or (learned != wanted and wrong(about, learned, wanted))
            or _same_weights(base, held, about)
        )

    expect_such(models, "unfreeze_from", held, layer_name, expected=expected, mistake=mistake)


def _unfrozen_mistake(about: About, learned, wanted, flags, place: int) -> str:
    if not any(learned):
        if any(flag for _, kind, flag in about.layers if kind in ("Conv2D", "Dense")):
            return (
                "Nothing learns: the base itself is still frozen, whatever its layers say. `base.trainable = True` "
                "comes first, then the layers one by one."
            )
        return (
            "Nothing learns: set `trainable` to True for each layer from `layer_name` on. (Where the base's own is "
            "True already, `base.trainable = True` does not reach its layers.)"
        )
    if learned == flags(lambda at: at > place):
        return "`layer_name` itself is still frozen: training begins with it."
    if learned == flags(lambda at: at >= place - 1):
        return "The layer before `layer_name` learns, too."
    if learned == flags(lambda at: at == place):
        return "Only `layer_name` itself learns: all layers after it do, too."
    if learned == flags(lambda at: at < place) or learned == flags(lambda at: at <= place):
        return "It is the other way round: the layers before `layer_name` learn, and those from it on are frozen."
    if all(learned):
        return "All layers learn: those before `layer_name` must be frozen (also after `base.trainable = True`)."
    return f"{sum(learned)} of {len(learned)} arrays of weights learn, and {sum(wanted)} should: from `layer_name` on."
