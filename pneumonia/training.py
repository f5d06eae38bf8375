"""The reference head on cached features: built, trained, judged, and put back on its base."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pneumonia.backend import keras, tf
from pneumonia.vgg16 import IMAGENET_MEANS_BGR


@dataclass(frozen=True)
class Training:
    """How the head is trained. The defaults are the reference; they were set without looking at test images."""

    hidden: int = 128
    dropout: float = 0.2
    l2: float = 1e-4
    learning_rate: float = 1e-4
    batch: int = 32
    epochs: int = 30
    patience: int = 5
    class_weights: bool = True


REFERENCE = Training()


def class_weights(labels: np.ndarray) -> dict[int, float]:
    """`{class: n / (k * n_class)}`: each of the k classes weighs the same in total, and the mean weight is 1."""
    classes, counts = np.unique(labels, return_counts=True)
    return {int(c): len(labels) / (len(classes) * int(n)) for c, n in zip(classes, counts, strict=True)}


def build_head(feature_shape: tuple[int, int, int], how: Training = REFERENCE) -> keras.Model:
    """(h, w, c) features to the probability of PNEUMONIA, output (None, 1): Flatten, Dense ReLU L2, Dropout, Dense."""
    return keras.Sequential(
        [
            keras.layers.Input(feature_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(how.hidden, activation="relu", kernel_regularizer=keras.regularizers.L2(how.l2)),
            keras.layers.Dropout(how.dropout),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name="head",
    )


def train_head(
    features: np.ndarray,
    labels: np.ndarray,
    training: np.ndarray,
    validation: np.ndarray,
    *,
    seed: int = 0,
    how: Training = REFERENCE,
    verbose: bool = False,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Train a new head on the rows `training` of features (n, h, w, c), stop early by the loss on rows `validation`.

    Returns the head with the weights of its best epoch, and the history by epoch: "loss", "accuracy", "auc", and the
    same with "val_" before. The loss of training includes class weights and the L2 penalty.
    """
    keras.utils.set_random_seed(seed)
    head = build_head(features.shape[1:], how)
    head.compile(
        optimizer=keras.optimizers.Adam(how.learning_rate),
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.AUC(name="auc", num_thresholds=1000)],
    )
    weights = class_weights(labels[training]) if how.class_weights else {0: 1.0, 1: 1.0}
    history = head.fit(
        batches(features, labels, training, how.batch, weights=weights, seed=seed),
        validation_data=batches(features, labels, validation, 256),
        epochs=how.epochs,
        shuffle=False,  # the batches shuffle themselves
        callbacks=[keras.callbacks.EarlyStopping(monitor="val_loss", patience=how.patience, restore_best_weights=True)],
        verbose=2 if verbose else 0,
    )
    return head, {name: [float(v) for v in values] for name, values in history.history.items()}


def batches(features, labels, rows, batch: int, *, weights=None, seed: int | None = None) -> tf.data.Dataset:
    """Batches of (features, labels) or, with class `weights`, (features, labels, case weights); shuffled with a seed.

    Rows are gathered a batch at a time, so that features larger than memory stay on disk. Autotuning is off: with it,
    TensorFlow 2.21 lets `fit` sit idle for up to 20 seconds after it has finished computing.
    """
    rows = np.asarray(rows)
    order = tf.data.Dataset.from_tensor_slices(rows)
    if seed is not None:
        order = order.shuffle(len(rows), seed=seed, reshuffle_each_iteration=True)

    def gather(index):
        taken = (features[index].astype(np.float32), labels[index].astype(np.float32)[:, None])
        return taken if weights is None else (*taken, case_weights[index])

    case_weights = np.array([1.0 if weights is None else weights[int(c)] for c in labels], np.float32)
    types = [tf.float32, tf.float32] if weights is None else [tf.float32, tf.float32, tf.float32]
    shapes = [(None, *features.shape[1:]), (None, 1), (None,)]

    def gather_in_graph(index):
        tensors = tf.numpy_function(gather, [index], types, stateful=False)
        for tensor, shape in zip(tensors, shapes, strict=False):
            tensor.set_shape(shape)
        return tuple(tensors)

    options = tf.data.Options()
    options.autotune.enabled = False
    return order.batch(batch).map(gather_in_graph).prefetch(2).with_options(options)


def predict(model: keras.Model, inputs: np.ndarray, batch: int = 256) -> np.ndarray:
    """Probabilities, float64 (n,). Called directly, because Keras's own `predict` stalls with TensorFlow 2.21."""
    return _outputs(model, inputs, batch)[:, 0]


def logits(head: keras.Model, features: np.ndarray, batch: int = 256) -> np.ndarray:
    """Log-odds of PNEUMONIA, float64 (n,): the head's last layer before its sigmoid.

    In float32 a sigmoid is exactly 1 from a log-odds of about 17 on, which would tie the surest cases and cost AUC.
    """
    last = head.layers[-1]
    hidden = _outputs(keras.Model(head.inputs[0], last.input), features, batch)
    kernel, bias = last.get_weights()
    return (hidden @ kernel.astype(np.float64) + bias)[:, 0]


def _outputs(model: keras.Model, inputs: np.ndarray, batch: int) -> np.ndarray:
    if len(inputs) == 0:
        return np.empty((0, model.output_shape[-1]))
    parts = (inputs[start : start + batch] for start in range(0, len(inputs), batch))
    return np.concatenate(
        [np.asarray(model(np.ascontiguousarray(part), training=False)) for part in parts], dtype=float
    )


def inference(model: keras.Model) -> Callable[[np.ndarray], object]:
    """The model's outputs, as tensors, for batches of any length, in one graph: traced once, the last batch too."""
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)]
    run = tf.function(lambda batch: model(batch, training=False), input_signature=signature)
    return lambda batch: run(tf.constant(batch, tf.float32))


def complete_model(base: keras.Model, head: keras.Model, preprocessing: str = "vgg16") -> keras.Model:
    """One Keras model from RGB images in 0..255, (None, h, w, 3), to the probability: preprocessing, base and head.

    Made of stock layers only, so that it can be loaded in Keras's safe mode, without this course's code.
    """
    images = keras.Input(base.input_shape[1:], name="images")
    if preprocessing == "vgg16":
        prepared = keras.layers.Normalization(mean=IMAGENET_MEANS_BGR, variance=[1.0] * 3)(images[..., ::-1])
    else:
        prepared = keras.layers.Rescaling(1 / 255)(images)
    return keras.Model(images, head(base(prepared)), name="pneumonia_classifier")


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self):
        self.start = time.perf_counter()

    @property
    def seconds(self) -> float:
        return round(time.perf_counter() - self.start, 1)
