"""The recipe that this course began from, with and without augmentation, and each other change to it alone.

Frozen VGG16 at 150 x 150, pixels divided by 255, Flatten, Dense 128, SGD, a random fifth for validation, and class
weight 2.88 on the healthy. Stochastic gradient descent has Keras's learning rate, and gradients are clipped to norm 1,
since with VGG16's own preprocessing features, and so the steps, are far larger.

Augmentation turns, moves, enlarges and mirrors the training images, by as much as notebooks on these images commonly
do; the original's own amounts are not known to us. It should draw anew in every epoch, which would send every image
through the base every time, for hours. Here every training image has two changed copies, and epochs take
turns with them. The other rows are without it, so that each differs from the second row in one thing.
"""

import math
from functools import reduce

import numpy as np
from sklearn.model_selection import train_test_split

from pneumonia.backend import keras, tf
from pneumonia.experiments.lab import Lab
from pneumonia.training import batches, logits
from pneumonia.variants import AUGMENTED

HEALTHY_WEIGHT = 2.88
CHANGES = {
    "the recipe": {"augmented": True},
    "the recipe, without augmentation": {},
    "VGG16's own preprocessing": {"preprocessing": "vgg16"},
    "pooling for flattening": {"pooling": True},
    "split by patient": {"by_patient": True},
    "no class weight": {"weight": 1.0},
    "Adam for SGD": {"adam": True},
}


def run(lab: Lab) -> dict:
    """One setting for each change."""
    return {
        "settings": [
            lab.stage(name.replace(" ", "-").replace("'", ""), lambda name=name: one(lab, name, **CHANGES[name]))
            for name in CHANGES
        ]
    }


def one(
    lab: Lab,
    name: str,
    *,
    preprocessing: str = "rescale",
    pooling: bool = False,
    by_patient: bool = False,
    weight: float = HEALTHY_WEIGHT,
    adam: bool = False,
    augmented: bool = False,
) -> dict:
    """The recipe with one change, over the seeds."""
    features = lab.features("block5 map", preprocessing=preprocessing)
    features = features.mean(axis=(1, 2)) if pooling else np.asarray(features)
    copies = [
        lab.features("block5 map", preprocessing=preprocessing, variant=variant, rows=lab.pool)
        for variant in (AUGMENTED if augmented else ())
    ]

    def train(seed):
        if by_patient:
            training, validation = lab.split(seed)
        else:
            training, validation = train_test_split(
                lab.pool, test_size=0.2, random_state=seed, stratify=lab.labels[lab.pool]
            )
        head = train_head(
            features, lab.labels, training, validation, weight, adam, lab.scale.epochs, seed, copies or [features]
        )
        parts = {"training": training, "validation": validation, "test": lab.test}
        return {part: (rows, logits(head, features[rows])) for part, rows in parts.items()}

    return lab.setting(name, train, keep_scores=True)


def train_head(features, labels, training, validation, weight: float, adam: bool, epochs: int, seed: int, seen):
    """Flatten, Dense 128, ReLU, Dense 1, sigmoid; at most 15 epochs, stopped by the validation loss.

    seen: features of the images as training sees them; a list, with which epochs take turns
    """
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    head = keras.Sequential(
        [
            keras.Input(features.shape[1:]),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    optimizer = keras.optimizers.Adam(1e-4) if adam else keras.optimizers.SGD(clipnorm=1.0)
    head.compile(optimizer=optimizer, loss="binary_crossentropy")
    turns = [
        batches(each, labels, training, 32, weights={0: weight, 1: 1.0}, seed=seed + 1000 * i)
        for i, each in enumerate(seen)
    ]
    head.fit(
        reduce(tf.data.Dataset.concatenate, turns).repeat(),
        steps_per_epoch=math.ceil(len(training) / 32),
        validation_data=batches(features, labels, validation, 256),
        epochs=min(epochs, 15),
        shuffle=False,  # the batches shuffle themselves
        callbacks=[keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)],
        verbose=0,
    )
    return head
