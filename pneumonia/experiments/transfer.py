"""What transfer gives: ImageNet's VGG16, the same network with random weights, and a small CNN from scratch, by size.

All get the same training images, and are judged on the same validation images and test images. For time, all of it is
done on the reserve of the pool. Random weights are drawn anew for each seed. The small CNN sees images of 64 pixels;
what that costs it is told by ImageNet's VGG16 on images as small.

A version before this one drew the random weights once, and had no VGG16 on small images. An earlier version of the
small CNN kept running statistics that lagged behind so few steps, and called every image ill, training images too. Its
four settings had been judged on test as well. All of these count as looks.
"""

import numpy as np

from pneumonia.backend import keras, tf
from pneumonia.experiments.lab import Lab, by_patient, linear
from pneumonia.training import class_weights, inference

SIZES = (50, 200, 500)  # and all there are
SCRATCH_SIZE = 64  # pixels: the small CNN sees less detail, for time
SCRATCH_STEPS = 300  # of 32 images: 6 epochs of all images, and 192 of 50
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
FROZEN = {
    "imagenet": {"weights": "imagenet", "size": None},
    "imagenet, 64 pixels": {"weights": "imagenet", "size": SCRATCH_SIZE},
    "random": {"weights": "random", "size": None},
}


def run(lab: Lab) -> dict:
    """Settings by model and number of training images."""
    sizes = [n for n in SIZES if n < 0.75 * len(lab.reserve)]
    rows = []
    for name, how in FROZEN.items():
        stage = f"frozen-{name}".replace(", ", "-").replace(" ", "-")
        rows += lab.stage(stage, lambda name=name, how=how: frozen(lab, name, how, [*sizes, None]))
    for size in (*sizes, None):
        rows.append(lab.stage(f"scratch-{size or 'all'}", lambda size=size: scratch(lab, size)))
    return {"settings": rows}


def _training(lab: Lab, size: int | None, seed: int):
    """Rows (training, validation) of the reserve, with as many training images as `size` says, or all there are."""
    training, validation = lab.split_reserve(seed)
    return by_patient(lab, training, size or len(training), seed), validation


def _row(lab: Lab, model: str, size: int | None, train) -> dict:
    row = lab.setting(f"{model}, {size or 'all'}", train)
    return row | {"model": model, "images": size or len(lab.split_reserve(0)[0])}


def frozen(lab: Lab, name: str, how: dict, sizes) -> list[dict]:
    """A linear head on block3+4+5; the strength of its penalty is chosen on a fifth of the training patients.

    how: `weights` of VGG16 and `size` of its images
    """
    rows = np.concatenate([lab.reserve, lab.test])

    def train(size):
        def with_seed(seed):
            draw = seed if how["weights"] == "random" else 0
            features = lab.features("block3+4+5", rows=rows, draw=draw, **how)
            training, validation = _training(lab, size, seed)
            C = _choose_penalty(lab, features, training, seed)
            model = linear(C=C).fit(features[training], lab.labels[training])
            parts = {"training": training, "validation": validation, "test": lab.test}
            return {name: (rows, model.decision_function(features[rows])) for name, rows in parts.items()}

        return with_seed

    return [_row(lab, f"frozen VGG16, {name}", size, train(size)) for size in sizes]


def _choose_penalty(lab: Lab, features, training, seed: int) -> float:
    """The penalty with the lowest log loss on a fifth of the training patients."""
    inner = by_patient(lab, training, round(0.8 * len(training)), seed)
    held = training[~np.isin(training, inner)]
    names = lab.dataset.patients
    if lab.dataset.has_patients:
        held = held[~np.isin(names[held], names[inner])]
    if len(set(lab.labels[held].tolist())) < 2:
        return 1e-2
    losses = []
    for C in PENALTIES:
        logits = linear(C=C).fit(features[inner], lab.labels[inner]).decision_function(features[held])
        signs = np.where(lab.labels[held] == 1, 1, -1)
        losses.append(np.mean(np.logaddexp(0, -signs * logits)))
    return PENALTIES[int(np.argmin(losses))]


def small_cnn(size: int = SCRATCH_SIZE) -> keras.Model:
    """Four blocks of convolution, batch normalisation and pooling, 16 to 128 channels, a mean, one log-odds."""
    layers = keras.layers
    x = inputs = keras.Input((size, size, 1))
    for channels in (16, 32, 64, 128):
        x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
        # Keras's momentum of 0.99 would still hold a part of the first step's statistics at the last.
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(1)(x), name="small_cnn")


def scratch(lab: Lab, size: int | None) -> dict:
    """The small CNN, trained for the same number of steps whatever the number of images, mirrored at random."""
    images = pixels(lab)
    steps = SCRATCH_STEPS if lab.scale.epochs > 5 else 5

    def train(seed):
        training, validation = _training(lab, size, seed)
        score = train_cnn(images, lab.labels, training, steps, seed)
        parts = {"training": by_patient(lab, training, 1000, seed), "validation": validation, "test": lab.test}
        return {name: (rows, score(rows)) for name, rows in parts.items()}

    return _row(lab, "small CNN from scratch", size, train)


_PIXELS = {}


def pixels(lab: Lab) -> np.ndarray:
    """All images at SCRATCH_SIZE, uint8 (n, size, size, 1), loaded once."""
    key = lab.dataset.fingerprint
    if key not in _PIXELS:
        _PIXELS[key] = lab.dataset.load(SCRATCH_SIZE)[..., :1].copy()
    return _PIXELS[key]


def train_cnn(images, labels, training, steps: int, seed: int):
    """Train the small CNN with class weights and a falling learning rate; returns a function from rows to log-odds."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = small_cnn(images.shape[1])
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps))
    weights = class_weights(labels[training])
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(batch, target, weight):
        with tf.GradientTape() as tape:
            logits = model(batch, training=True)
            loss = tf.reduce_mean(weight * tf.nn.sigmoid_cross_entropy_with_logits(target, logits))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )

    for _ in range(steps):
        rows = rng.choice(training, 32)
        batch = prepared(images[rows])
        mirrored = rng.random(len(rows)) < 0.5
        batch[mirrored] = batch[mirrored][:, :, ::-1]
        target = labels[rows].astype(np.float32)[:, None]
        step(tf.constant(batch), tf.constant(target), np.where(target == 1, weights[1], weights[0]).astype("f4"))
    run = inference(model)

    def score(rows):
        parts = [run(prepared(images[rows[i : i + 256]])).numpy()[:, 0] for i in range(0, len(rows), 256)]
        return np.concatenate(parts).astype(float)

    return score


def prepared(images: np.ndarray) -> np.ndarray:
    """uint8 to about -1..1."""
    return images.astype(np.float32) / 127.5 - 1
