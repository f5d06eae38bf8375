"""Small heads in Keras on pooled features, for what a logistic regression cannot show: dropout, stopping, losses."""

from collections.abc import Callable

import numpy as np

from pneumonia.backend import keras, tf


def small_head(
    features: np.ndarray,
    labels: np.ndarray,
    validation: tuple[np.ndarray, np.ndarray],
    *,
    seed: int = 0,
    hidden: int = 128,
    dropout: float = 0.0,
    l2: float = 0.0,
    patience: int | None = None,
    epochs: int = 30,
    weights: dict[int, float] | None = None,
    loss="binary_crossentropy",
    bias: float = 0.0,
    learning_rate: float = 1e-3,
    batch: int = 128,
) -> Callable[[np.ndarray], np.ndarray]:
    """Train Dense(hidden, ReLU), Dropout, Dense(1) on features (n, d); returns a function from features to log-odds.

    weights: weight of a case of each class; None weighs all cases alike
    loss: of log-odds, as Keras takes it; "binary_crossentropy" is taken from log-odds
    bias: the output's log-odds before training
    patience: epochs without a lower validation loss before it stops; None trains all epochs
    """
    keras.utils.set_random_seed(seed)
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6

    def scale(values):
        return ((values - mean) / deviation).astype(np.float32)

    inputs = keras.Input(features.shape[1:])
    x = keras.layers.Dense(hidden, "relu", kernel_regularizer=keras.regularizers.L2(l2) if l2 else None)(inputs)
    outputs = keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(bias))(
        keras.layers.Dropout(dropout)(x)
    )
    model = keras.Model(inputs, outputs)
    if loss == "binary_crossentropy":
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss)
    case_weights = np.array([1.0 if weights is None else weights[int(c)] for c in labels], np.float32)
    callbacks = []
    if patience is not None:
        callbacks.append(keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True))
    model.fit(
        _batches(scale(features), labels, case_weights, batch, seed),
        validation_data=_batches(scale(validation[0]), validation[1], np.ones(len(validation[1])), 1024)
        if patience is not None
        else None,
        epochs=epochs,
        shuffle=False,  # the batches shuffle themselves
        callbacks=callbacks,
        verbose=0,
    )
    kernel, offset, last_kernel, last_offset = (weight.numpy() for weight in model.weights)
    return lambda values: (np.maximum(scale(values) @ kernel + offset, 0) @ last_kernel + last_offset)[:, 0]


def _batches(features, labels, case_weights, batch: int, seed: int | None = None) -> tf.data.Dataset:
    """Batches gathered from memory by shuffled row numbers, many times faster than shuffling the rows themselves.

    Autotuning is off: with it, `fit` sits idle after it has finished computing (see pneumonia/training.py).
    """
    features, case_weights = tf.constant(features), tf.constant(case_weights, tf.float32)
    targets = tf.constant(labels.astype(np.float32)[:, None])
    rows = tf.data.Dataset.range(len(labels))
    if seed is not None:
        rows = rows.shuffle(len(labels), seed=seed, reshuffle_each_iteration=True)
    options = tf.data.Options()
    options.autotune.enabled = False
    return (
        rows.batch(batch)
        .map(lambda index: (tf.gather(features, index), tf.gather(targets, index), tf.gather(case_weights, index)))
        .prefetch(2)
        .with_options(options)
    )
