"""Fine-tuning the last blocks of VGG16 on cached outputs of the block before: the frozen part is computed once."""

from collections.abc import Callable

import numpy as np

from pneumonia.backend import keras, tf
from pneumonia.training import inference

BLOCKS = (4, 5)  # that may be fine-tuned; each has three convolutions with 512 filters


def convolutions(first: int = 5) -> list[str]:
    """The names of the convolutions from block `first` on."""
    return [f"block{block}_conv{i}" for block in BLOCKS if block >= first for i in (1, 2, 3)]


def tail(base: keras.Model, shape: tuple[int, int, int], kernel=None, bias: float = 0.0, first: int = 5) -> keras.Model:
    """VGG16 from block `first` on with the weights of `base`, a mean over all places, and one log-odds: (None, *shape)
    to (None, 1).

    shape: of the output of the block before `first`
    kernel: of the last layer, (512,), where a head has been trained before; else random
    first: 4 or 5
    """
    if first not in BLOCKS:
        raise ValueError(f"first: expected one of {BLOCKS}, got {first!r}")
    x = inputs = keras.Input(shape)
    for block in range(first, 6):
        for i in (1, 2, 3):
            x = keras.layers.Conv2D(512, 3, padding="same", activation="relu", name=f"block{block}_conv{i}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    model = keras.Model(inputs, keras.layers.Dense(1, name="log_odds")(x), name="tail")
    for name in convolutions(first):
        model.get_layer(name).set_weights(base.get_layer(name).get_weights())
    if kernel is not None:
        model.get_layer("log_odds").set_weights([np.reshape(kernel, (512, 1)), np.array([bias])])
    return model


def fine_tune(
    model: keras.Model,
    maps: Callable[[np.ndarray], np.ndarray],
    labels: np.ndarray,
    training: np.ndarray,
    *,
    weights: dict[int, float],
    epochs: float = 1.0,
    learning_rate: float = 2e-5,
    batch: int = 32,
    seed: int = 0,
) -> list[float]:
    """Train all of `model` in place with Adam and a rate that falls to zero; returns the loss of each step.

    maps: row numbers to what the model takes, (n, h, w, c)
    weights: of a case of each class
    epochs: passes over the rows `training`; a fraction is allowed
    """
    rng = np.random.default_rng(seed)
    steps = max(1, round(epochs * len(training) / batch))
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps))
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)
    def step(values, target, weight):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                weight * tf.nn.sigmoid_cross_entropy_with_logits(target, model(values, training=True))
            )
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return loss

    order = np.concatenate([rng.permutation(training) for _ in range(int(np.ceil(epochs)))])
    losses = []
    for i in range(steps):
        rows = np.sort(order[i * batch : (i + 1) * batch])
        target = labels[rows].astype(np.float32)[:, None]
        case_weights = np.where(target == 1, weights[1], weights[0]).astype("f4")
        losses.append(float(step(tf.constant(maps(rows), tf.float32), target, case_weights)))
    return losses


def log_odds(model: keras.Model, maps: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Log-odds of PNEUMONIA of `rows`, float64 (n,)."""
    run = inference(model)
    parts = [run(maps(rows[i : i + 64])).numpy()[:, 0] for i in range(0, len(rows), 64)]
    return np.concatenate(parts).astype(float)
