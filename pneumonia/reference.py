"""The reference protocol: frozen VGG16, the reference head, five seeds, one look at the test images.

For each seed: split the pool (train and val; the 16 images of val are too few to choose by) by patient, train the head,
stop early by the validation loss, judge at threshold 0.5 on validation and on test.
"""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy.special import expit

from pneumonia import results, splitting, vgg16
from pneumonia.data import Dataset
from pneumonia.evaluation import spread, summarise
from pneumonia.features import extract
from pneumonia.settings import CourseError, write_json
from pneumonia.training import REFERENCE, Stopwatch, Training, complete_model, logits, train_head

NAME = "reference-head"
SIZE = 150
LAYER = "block5_pool"
VALIDATION_FRACTION = 0.2
SEEDS = (0, 1, 2, 3, 4)


def run(dataset: Dataset, seeds=SEEDS, how: Training = REFERENCE, *, size: int = SIZE, progress: bool = True):
    """The protocol on a data set. Returns (result ready for JSON, complete Keras model of the first seed).

    size: side of the images in pixels
    """
    watch = Stopwatch()
    base = vgg16.load_base((size, size, 3))
    features = extract(dataset, base, LAYER, size, progress=progress)
    seconds_features = watch.seconds
    pool_rows = np.flatnonzero(dataset.splits != "test")
    test_rows = np.flatnonzero(dataset.splits == "test")
    pool = dataset.take(pool_rows)
    runs, first_head = [], None
    for seed in seeds:
        training, validation = (pool_rows[i] for i in splitting.split(pool, VALIDATION_FRACTION, seed))
        head, history = train_head(features, dataset.labels, training, validation, seed=seed, how=how)
        first_head = first_head or head
        runs.append(
            {
                "seed": seed,
                "epochs": len(history["loss"]),
                "history": {name: [round(v, 5) for v in values] for name, values in history.items()},
                "validation": judge(head, features, dataset, validation, seed),
                "test": judge(head, features, dataset, test_rows, seed),
            }
        )
        if progress:
            print(_line(runs[-1]), flush=True)
    result = {
        "protocol": NAME,
        "command": "course train",
        "data": dataset.card(),
        "settings": {
            "base": "VGG16, ImageNet weights, frozen",
            "weights_sha256": vgg16.weights_digest(base),
            "size": size,
            "layer": LAYER,
            "preprocessing": "vgg16",
            "validation": f"{VALIDATION_FRACTION:.0%} of train and val together, "
            + ("by patient" if dataset.has_patients else "by image: the data names no patients"),
            **asdict(how),
        },
        "environment": results.environment(),
        "seconds": {"features": seconds_features, "total": watch.seconds},
        "validation": spread([r["validation"] for r in runs]),
        "test": spread([r["test"] for r in runs]),
        "runs": runs,
    }
    return result, complete_model(base, first_head)


def judge(head, features: np.ndarray, dataset: Dataset, rows: np.ndarray, seed: int) -> dict:
    """Metrics with intervals on some rows, recall by kind of pneumonia, and the log-odds they follow from."""
    labels, kinds = dataset.labels[rows], dataset.kinds[rows]
    scores = logits(head, features[rows]).round(4)
    probabilities = expit(scores)
    groups = dataset.patients[rows] if dataset.has_patients else None
    summary = summarise(labels, probabilities, groups=groups, seed=seed)
    ill = sorted(set(kinds[labels == 1].tolist()))
    summary["recall_by_kind"] = {kind: float(np.mean(probabilities[kinds == kind] >= 0.5)) for kind in ill}
    return summary | {"labels": labels.tolist(), "logits": scores.tolist()}


def _line(run: dict) -> str:
    def part(name):
        shown = ("auc", "accuracy", "recall", "specificity")
        return f"{name} " + ", ".join(f"{metric} {run[name][metric]:.3f}" for metric in shown)

    return f"seed {run['seed']}, {run['epochs']} epochs: {part('validation')}; {part('test')}"


def write(result: dict, model, folder: Path) -> None:
    """Into `folder`: metrics.json, model.keras, and the four figures as PNG."""
    from pneumonia import plots

    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "metrics.json", result)
        part = folder / "model.part.keras"
        model.save(part)
        part.replace(folder / "model.keras")
        for name, figure in plots.result_figures(result).items():
            figure.savefig(folder / f"{name}.png", dpi=150)
    except OSError as error:
        raise CourseError(f"{folder}: the results could not be written there ({error.strerror})") from None
