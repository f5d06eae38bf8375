"""Block 5 fine-tuned from cached outputs of block 4: what it adds to the same network, frozen.

Before the convolutions move, a linear head is fitted on block 5 as it was, so that they start from a good answer. One
pass over the training images of the reserve; nothing is chosen on validation. (A first version of this protocol,
which never ran, had all training images, and a second setting with copies as of other scanners: an hour.)
"""

import numpy as np

from pneumonia.experiments.lab import Lab, linear
from pneumonia.finetune import fine_tune, log_odds, tail
from pneumonia.training import class_weights

EPOCHS = 1.0
LEARNING_RATE = 5e-5
JUDGED = 300  # training images: what the network has learned by heart shows on a sample as well
PARTS = 20  # of the training, for which the loss is kept


def run(lab: Lab) -> dict:
    """Settings: frozen, fine-tuned, and the mean of the fine-tuned over the seeds; and the loss of each training."""
    # Both in one pass over the images.
    lab.stage("features", lambda: len(lab.compute(("block4 map", "block5"), rows=rows_with_features(lab))))
    runs = [lab.stage(f"training-{seed}", lambda seed=seed: one(lab, seed)) for seed in lab.scale.seeds]
    mean = np.mean([run["after"]["test"] for run in runs], axis=0)
    return {
        "settings": [
            lab.setting("frozen", _stored(lab, runs, "before")),
            lab.setting("fine-tuned", _stored(lab, runs, "after")),
            lab.setting(
                "fine-tuned, mean of the seeds", lambda _: {"test": (lab.test, mean)}, seeds=lab.scale.seeds[:1]
            ),
        ],
        "losses": [{"seed": seed, "loss": run["losses"]} for seed, run in zip(lab.scale.seeds, runs, strict=True)],
        "steps": runs[0]["steps"],
        "images": len(lab.split_reserve(lab.scale.seeds[0])[0]),
    }


def rows_with_features(lab: Lab) -> np.ndarray:
    """The reserve and the test images."""
    return np.concatenate([lab.reserve, lab.test])


def rows_of(lab: Lab, seed: int) -> dict[str, np.ndarray]:
    """The images that a run judges: a sample of training, validation, test."""
    training, validation = lab.split_reserve(seed)
    sample = np.sort(np.random.default_rng(seed).permutation(training)[:JUDGED])
    return {"training": sample, "validation": validation, "test": lab.test}


def _stored(lab: Lab, runs: list[dict], when: str):
    def train(seed):
        run = runs[lab.scale.seeds.index(seed)]
        return {split: (rows, run[when][split]) for split, rows in rows_of(lab, seed).items()}

    return train


def one(lab: Lab, seed: int) -> dict:
    """One training: log-odds of what it judges, before and after; and how the loss fell."""
    maps, pooled = (lab.features(name, rows=rows_with_features(lab)) for name in ("block4 map", "block5"))
    training, _ = lab.split_reserve(seed)
    head = linear(C=1e-2).fit(pooled[training], lab.labels[training])
    scaler, regression = head[0], head[1]
    kernel = regression.coef_[0] / scaler.scale_
    model = tail(lab.base(), maps.shape[1:], kernel, float(regression.intercept_[0] - kernel @ scaler.mean_))
    losses = fine_tune(
        model,
        lambda rows: maps[rows],
        lab.labels,
        training,
        weights=class_weights(lab.labels[training]),
        epochs=EPOCHS if lab.scale.epochs > 5 else 0.2,
        learning_rate=LEARNING_RATE,
        seed=seed,
    )
    judged = rows_of(lab, seed)
    return {
        "before": {name: head.decision_function(pooled[rows]).round(3).tolist() for name, rows in judged.items()},
        "after": {name: log_odds(model, lambda r: maps[r], rows).round(3).tolist() for name, rows in judged.items()},
        "losses": [round(float(np.mean(part)), 4) for part in np.array_split(losses, min(PARTS, len(losses)))],
        "steps": len(losses),
    }
