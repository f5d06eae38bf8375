"""Splitting cases into training and validation so that no patient is on both sides."""

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from pneumonia.data import Dataset


def folds(dataset: Dataset, n_splits: int = 5, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """`n_splits` pairs of index arrays (training, validation), stratified by class and grouped by patient.

    Where the data has no patients, stratified only, with a warning.
    """
    if dataset.has_patients:
        splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
        return list(splitter.split(dataset.labels, dataset.labels, dataset.patients))
    warnings.warn(
        f"{dataset.source.title}: no patients are known, so images of one patient may be on both sides of the split",
        stacklevel=2,
    )
    splitter = StratifiedKFold(n_splits, shuffle=True, random_state=seed)
    return list(splitter.split(dataset.labels, dataset.labels))


def split(dataset: Dataset, validation_fraction: float = 0.2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Index arrays (training, validation); the validation share is `validation_fraction`, rounded to 1/k."""
    if not 0 < validation_fraction <= 0.5:
        raise ValueError(f"validation_fraction: expected a number in (0, 0.5], got {validation_fraction}")
    return folds(dataset, round(1 / validation_fraction), seed)[0]
