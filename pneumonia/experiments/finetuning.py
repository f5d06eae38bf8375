"""Fine-tuned from block 5 on, and from block 4 on, from cached outputs of the block before: what it adds to the same
network, frozen.

Before the convolutions move, a linear head is fitted on block 5 as it was, so that they start from a good answer. One
pass over the training images of the reserve; nothing is chosen on validation.
"""

import numpy as np

from pneumonia.experiments.lab import Lab, as_one_layer, linear
from pneumonia.finetune import BLOCKS, fine_tune, log_odds, tail
from pneumonia.training import class_weights

EPOCHS = 1.0
LEARNING_RATE = 5e-5
JUDGED = 300  # training images: what the network has learned by heart shows on a sample as well
PARTS = 20  # of the training, for which the loss is kept


def run(lab: Lab) -> dict:
    """Settings: frozen; fine-tuned from block 5 and from block 4 on, each with the mean over its seeds; and losses."""
    # All in one pass over the images.
    maps = [f"block{first - 1} map" for first in BLOCKS]
    lab.stage("features", lambda: len(lab.compute((*maps, "block5"), rows=rows_with_features(lab))))
    runs = {
        first: [
            lab.stage(f"block{first}-training-{seed}", lambda first=first, seed=seed: one(lab, first, seed))
            for seed in lab.scale.seeds
        ]
        for first in sorted(BLOCKS, reverse=True)
    }
    settings = [lab.setting("frozen", _stored(lab, runs[5], "before"))]
    for first, of_block in runs.items():
        name, mean = f"fine-tuned from block {first} on", np.mean([run["after"]["test"] for run in of_block], axis=0)
        settings += [
            lab.setting(name, _stored(lab, of_block, "after")),
            lab.setting(
                f"{name}, mean of the seeds",
                lambda _, mean=mean: {"test": (lab.test, mean)},
                seeds=lab.scale.seeds[:1],
            ),
        ]
    return {
        "settings": settings,
        "losses": {
            f"block{first}": [
                {"seed": seed, "loss": run["losses"]} for seed, run in zip(lab.scale.seeds, of_block, strict=True)
            ]
            for first, of_block in runs.items()
        },
        "steps": runs[5][0]["steps"],
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


def one(lab: Lab, first: int, seed: int) -> dict:
    """One training from block `first` on: log-odds of what it judges, before and after; and how the loss fell."""
    maps, pooled = (lab.features(name, rows=rows_with_features(lab)) for name in (f"block{first - 1} map", "block5"))
    training, _ = lab.split_reserve(seed)
    head = linear(C=1e-2).fit(pooled[training], lab.labels[training])
    model = tail(lab.base(), maps.shape[1:], *as_one_layer(head), first)
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
