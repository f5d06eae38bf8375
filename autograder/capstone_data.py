"""The capstone's data: VGG16 features of phantoms that no other part of the course draws, kept as small files.

    python -m autograder.capstone_data

draws and computes the set to practise on again (about two minutes), which learners receive. It then measures what the
course's own solution scores on it: the `reference` that points are given by. The set for grading, and the seed that it
is drawn with, are `autograder.hidden.capstone_data`'s: whoever has the seed can draw the set, labels included.
Phantoms are synthetic: no image behind these numbers shows a real child.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

PACKAGE = Path(__file__).resolve().parent
PRACTICE = PACKAGE / "checks" / "capstone.npz"
SEED = 60_601  # of its phantoms: nobody's default, so that no set that a learner draws holds these patients
# The data set's share of PNEUMONIA in either split: 74 % and 62 %.
COUNTS = {"train": {"NORMAL": 128, "PNEUMONIA": 372}, "test": {"NORMAL": 96, "PNEUMONIA": 154}}
SIZE = 150  # pixels


@dataclass(frozen=True)
class Cases:
    """Some cases: features float32 (n, 512), labels int64 (n,), 0 NORMAL and 1 PNEUMONIA, patients str (n,)."""

    features: np.ndarray
    labels: np.ndarray
    patients: np.ndarray

    def take(self, rows) -> "Cases":
        """The cases of an index array or a boolean mask."""
        return Cases(self.features[rows], self.labels[rows], self.patients[rows])


def load(path: Path = PRACTICE) -> tuple[Cases, Cases]:
    """The training and the test cases of a set."""
    with np.load(path, allow_pickle=False) as arrays:
        every = Cases(arrays["features"].astype(np.float32), arrays["labels"].astype(np.int64), arrays["patients"])
        return every.take(arrays["splits"] == "train"), every.take(arrays["splits"] == "test")


def reference(path: Path = PRACTICE) -> float:
    """What the course's own solution scores on a set, as measured when the set was written."""
    with np.load(path, allow_pickle=False) as arrays:
        return float(arrays["reference"])


def score(labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, float, float]:
    """ROC AUC, balanced accuracy at threshold 0.5, and their mean, the capstone's score (0.5 for guessing)."""
    ill, healthy = probabilities[labels == 1], probabilities[labels == 0]
    pairs = (ill[:, None] > healthy) + 0.5 * (ill[:, None] == healthy)  # (n_ill, n_healthy)
    auc, balanced = np.mean(pairs), (np.mean(ill >= 0.5) + np.mean(healthy < 0.5)) / 2
    return float(auc), float(balanced), float((auc + balanced) / 2)


def features_of(dataset) -> np.ndarray:
    """Mean of each of the 512 channels of VGG16's last layer over the image, float16 (n, 512)."""
    from pneumonia.features import extract
    from pneumonia.vgg16 import load_base

    maps = extract(dataset, load_base((SIZE, SIZE, 3)), "block5_pool", SIZE)  # (n, 4, 4, 512)
    return np.mean(maps, axis=(1, 2)).astype(np.float16)


def write(path: Path, seed: int) -> None:
    """Draw a set of phantoms, compute its features and write them to `path`."""
    from pneumonia import data, phantom

    with tempfile.TemporaryDirectory(prefix="course-capstone-") as folder:
        dataset = data.read_folder(phantom.write(Path(folder, "phantom"), seed=seed, counts=COUNTS))
        # A folder lists one class after the other; mixed, a share of the cases holds both.
        dataset = dataset.take(np.random.default_rng(seed).permutation(len(dataset)))
        np.savez_compressed(
            path,
            features=features_of(dataset),
            labels=dataset.labels.astype(np.int8),
            patients=dataset.patients,
            splits=dataset.splits,
            images=np.array([image.stem for image in dataset.images]),
        )


def course_solution() -> Callable:
    """`train_classifier` as the exercise's source notebook has it."""
    from autograder.exercises import CLONE

    cells = json.loads((CLONE / "solutions/06-capstone/06-capstone.ipynb").read_bytes())["cells"]
    namespace: dict = {}
    for cell in cells:
        if cell["id"] in ("setup", "train-classifier"):
            exec("".join(cell["source"]), namespace)
    return namespace["train_classifier"]


def measured_reference(path: Path) -> float:
    """The mean score of the course's own solution on a set, over seeds 0 to 4."""
    (train, test), train_classifier, scores = load(path), course_solution(), []
    for seed in range(5):
        classifier = train_classifier(train.features, train.labels, train.patients, seed)
        scores.append(score(test.labels, classifier(test.features))[-1])
    return float(np.mean(scores))


def write_reference(path: Path) -> None:
    """Measure the reference and write it into the set's file."""
    with np.load(path, allow_pickle=False) as arrays:
        kept = dict(arrays)
    np.savez_compressed(path, **kept | {"reference": np.float64(measured_reference(path))})


def make(path: Path, seed: int) -> None:
    """Write a set and its reference, and say what came of it."""
    write(path, seed)
    write_reference(path)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB, reference {reference(path):.3f}")


if __name__ == "__main__":
    make(PRACTICE, SEED)
