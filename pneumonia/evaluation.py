"""How good a classifier is: counts, rates, areas under curves, calibration, and how sure we can be of each.

Labels are 0 (NORMAL) and 1 (PNEUMONIA), a probability is that of 1, and a case is called positive where its probability
is at least the threshold.
"""

import numpy as np
from sklearn.metrics import average_precision_score, confusion_matrix, roc_auc_score, roc_curve

METRICS = (
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "specificity",
    "auc",
    "average_precision",
    "calibration_error",
)


def confusion_counts(labels, probabilities, threshold: float = 0.5) -> dict[str, int]:
    """`{"tn": ..., "fp": ..., "fn": ..., "tp": ...}` at a threshold."""
    predicted = np.asarray(probabilities) >= threshold
    tn, fp, fn, tp = confusion_matrix(labels, predicted, labels=[0, 1]).ravel()
    return {"tn": int(tn), "fp": int(fp), "fn": int(fn), "tp": int(tp)}


def metrics(labels, probabilities, threshold: float = 0.5, weights=None) -> dict[str, float]:
    """All of METRICS, each in 0..1. `weights` (n,) counts a case several times, or not at all.

    ValueError where lengths differ or a class is missing: recall, specificity and AUC would have no meaning.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, float)
    if labels.shape != probabilities.shape or labels.ndim != 1:
        raise ValueError(f"probabilities: expected shape {labels.shape} like the labels, got {probabilities.shape}")
    weights = np.ones(len(labels)) if weights is None else np.asarray(weights, float)
    used = weights > 0
    if set(np.unique(labels[used])) != {0, 1}:
        raise ValueError("labels: expected both classes, 0 and 1, among the cases")
    predicted = probabilities >= threshold
    tn, fp, fn, tp = confusion_matrix(labels, predicted, labels=[0, 1], sample_weight=weights).ravel()
    recall, specificity = tp / (tp + fn), tn / (tn + fp)
    return {
        "accuracy": float((tp + tn) / weights.sum()),
        "balanced_accuracy": float((recall + specificity) / 2),
        "precision": float(tp / (tp + fp)) if tp + fp else 0.0,
        "recall": float(recall),
        "specificity": float(specificity),
        "auc": float(roc_auc_score(labels, probabilities, sample_weight=weights)),
        "average_precision": float(average_precision_score(labels, probabilities, sample_weight=weights)),
        "calibration_error": calibration_error(labels, probabilities, weights=weights),
    }


def calibration_error(labels, probabilities, bins: int = 10, weights=None) -> float:
    """Expected calibration error, 0..1: mean gap between predicted and observed share of positives, by bin.

    Source: Naeini, Cooper, Hauskrecht, AAAI 2015, for the probability of the positive class.
    """
    labels, probabilities = np.asarray(labels, float), np.asarray(probabilities, float)
    weights = np.ones(len(labels)) if weights is None else np.asarray(weights, float)
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    gap = np.bincount(which, weights * (labels - probabilities), minlength=bins)  # per bin: share times its gap
    return float(np.abs(gap).sum() / weights.sum())


def bootstrap(
    labels, probabilities, threshold: float = 0.5, groups=None, *, replicates: int = 1000, seed: int = 0
) -> dict[str, list[float]]:
    """95% percentile intervals of METRICS, `{"auc": [low, high], ...}`.

    Patients are drawn with replacement, not images, where `groups` (n,) names them: images of one patient are alike,
    so drawing them one by one would promise more certainty than there is. Draws that miss a class are drawn again.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, float)
    members = np.arange(len(labels)) if groups is None else np.unique(groups, return_inverse=True)[1]
    n = members.max() + 1
    rng = np.random.default_rng(seed)
    drawn = []
    while len(drawn) < replicates:
        weights = np.bincount(rng.integers(n, size=n), minlength=n)[members]
        if len(set(labels[weights > 0].tolist())) == 2:
            drawn.append(metrics(labels, probabilities, threshold, weights))
    return {name: np.percentile([d[name] for d in drawn], [2.5, 97.5]).tolist() for name in METRICS}


def summarise(labels, probabilities, threshold: float = 0.5, groups=None, *, seed: int = 0) -> dict:
    """One classifier on one set of cases: counts, metrics, and their bootstrap intervals; plain values for JSON."""
    return {
        "cases": len(labels),
        "threshold": threshold,
        "confusion": confusion_counts(labels, probabilities, threshold),
        **metrics(labels, probabilities, threshold),
        "interval_95": bootstrap(labels, probabilities, threshold, groups, seed=seed),
    }


def spread(summaries: list[dict]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation (n - 1) of METRICS over runs that differ in their seed."""
    columns = {name: np.array([summary[name] for summary in summaries]) for name in METRICS}
    return {
        name: {
            "mean": float(values.mean()),
            "sd": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
            "min": float(values.min()),
            "max": float(values.max()),
        }
        for name, values in columns.items()
    }


def roc_points(labels, probabilities) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False positive rate, true positive rate, threshold: the corners of the ROC curve."""
    return roc_curve(labels, probabilities)
