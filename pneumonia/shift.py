"""How two sets of images differ: statistics that anyone can name, spectra, and a classifier that tells them apart."""

import numpy as np
from scipy import ndimage
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from pneumonia.data import Dataset

BANDS = ((2, 4), (4, 8), (8, 16), (16, 32), (32, 64), (64, 112))  # cycles per image

STATISTICS = {
    "mean": "mean grey level, 0..255",
    "contrast": "standard deviation of grey levels",
    "black": "5th percentile of grey levels",
    "white": "95th percentile of grey levels",
    "sharpness": "standard deviation of the Laplacian inside the outer tenth",
    "border": "mean grey level of the outermost twentieth",
    "corners": "share of pixels over 200 in the upper corners, where letters and markers stand",
    "symmetry": "correlation of the image with its mirror image",
    **{f"band {low}-{high}": f"log10 of the power between {low} and {high} cycles an image" for low, high in BANDS},
}


def image_statistics(grey: np.ndarray) -> np.ndarray:
    """STATISTICS of one grey image (h, w) in 0..255, float64 (len(STATISTICS),); bands above h / 2 give the lowest."""
    grey = grey.astype(float)
    height, width = grey.shape
    edge, tenth, corner = max(1, height // 20), max(1, height // 10), height // 6
    inner = ndimage.laplace(grey)[tenth:-tenth, tenth:-tenth]
    border = np.concatenate(
        [grey[:edge].ravel(), grey[-edge:].ravel(), grey[:, :edge].ravel(), grey[:, -edge:].ravel()]
    )
    corners = np.concatenate([grey[:corner, :corner].ravel(), grey[:corner, -corner:].ravel()])
    power = spectrum(grey)
    bands = [np.log10(power[low:high].sum() + 1e-6) for low, high in BANDS]
    return np.array(
        [
            grey.mean(),
            grey.std(),
            *np.percentile(grey, [5, 95]),
            inner.std(),
            border.mean(),
            np.mean(corners > 200),
            np.corrcoef(grey.ravel(), grey[:, ::-1].ravel())[0, 1] if grey.std() > 0 else 0.0,
            *bands,
        ]
    )


def spectrum(grey: np.ndarray) -> np.ndarray:
    """Power by spatial frequency of a square grey image: (side // 2 + 1,), entry f for f cycles per image.

    A window that falls to zero at the borders keeps these from being taken for fine detail.
    """
    side = grey.shape[0]
    window = np.hanning(side)
    amplitude = np.abs(np.fft.fft2((grey - grey.mean()) * np.outer(window, window))) / side
    frequencies = np.fft.fftfreq(side) * side
    radius = np.rint(np.hypot(frequencies[:, None], frequencies[None, :])).astype(int)
    return np.bincount(radius.ravel(), np.square(amplitude).ravel())[: side // 2 + 1]


def statistics_of(dataset: Dataset, rows=None, size: int = 224) -> tuple[np.ndarray, np.ndarray]:
    """STATISTICS (n, k) and spectra (n, size // 2 + 1) of images, at `size` pixels; 100 at a time in memory."""
    rows = np.arange(len(dataset)) if rows is None else np.asarray(rows)
    values, spectra = [], []
    for start in range(0, len(rows), 100):
        for image in dataset.load(size, rows[start : start + 100])[..., 0]:
            values.append(image_statistics(image))
            spectra.append(spectrum(image.astype(float)))
    return np.array(values), np.array(spectra)


def adversarial_auc(classifier, features: np.ndarray, first: np.ndarray, patients, seed: int = 0, folds: int = 5):
    """How well a classifier tells two sets apart, cross-validated by patient: (AUC, scores (n,)). 0.5 where alike.

    features: (n, d); first: bool (n,), which images are of the first set; patients: str (n,)

    A patient whose images are in both sets is kept on one side of each fold. Source: adversarial validation, in the
    spirit of the classifier two-sample test of Lopez-Paz and Oquab, ICLR 2017.
    """
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    scores = cross_val_predict(
        classifier, features, first.astype(int), groups=patients, cv=splitter, method="decision_function"
    )
    return float(roc_auc_score(first, scores)), scores


def nearest_neighbours(queries: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of `queries` (n, d) the nearest of `others` (m, d) by cosine: (index (n,), similarity (n,))."""
    a, b = (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12) for x in (queries, others))
    similarity = a @ b.T
    nearest = similarity.argmax(axis=1)
    return nearest, similarity[np.arange(len(a)), nearest]
