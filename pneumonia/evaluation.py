"""How good a classifier is: counts, rates, areas under curves, calibration, and how sure we can be of each.

Labels are 0 (NORMAL) and 1 (PNEUMONIA), a probability is that of 1, and a case is called positive where its probability
is at least the threshold.
"""

import numpy as np
from sklearn.metrics import confusion_matrix

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
    if set(np.unique(labels[weights > 0])) != {0, 1}:
        raise ValueError("labels: expected both classes, 0 and 1, among the cases")
    return {
        name: float(values[0])
        for name, values in _metrics_of_draws(labels, probabilities, threshold, weights[None]).items()
    }


def _metrics_of_draws(labels, probabilities, threshold: float, weights: np.ndarray) -> dict[str, np.ndarray]:
    """METRICS for each row of `weights` (draws, n), all draws at once: each value (draws,).

    The same as scikit-learn's with `sample_weight` (a test compares), 100 times faster over a bootstrap's draws.
    """
    order = np.argsort(-probabilities, kind="stable")
    labels, probabilities, weights = labels[order], probabilities[order], weights[:, order]
    positive, negative = weights * (labels == 1), weights * (labels == 0)
    # Cases of equal probability enter a curve together: one step for each distinct value, from the highest down.
    starts = np.flatnonzero(np.diff(probabilities, prepend=np.inf))
    p, n = np.add.reduceat(positive, starts, axis=1), np.add.reduceat(negative, starts, axis=1)
    tp, fp = p.cumsum(axis=1), n.cumsum(axis=1)
    n_positive, n_negative = tp[:, -1], fp[:, -1]
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp + fp > 0)

    called = probabilities >= threshold
    recall, specificity = positive[:, called].sum(axis=1) / n_positive, negative[:, ~called].sum(axis=1) / n_negative
    true, every = recall * n_positive, weights[:, called].sum(axis=1)
    return {
        "accuracy": (true + specificity * n_negative) / (n_positive + n_negative),
        "balanced_accuracy": (recall + specificity) / 2,
        "precision": np.divide(true, every, out=np.zeros_like(true), where=every > 0),
        "recall": recall,
        "specificity": specificity,
        "auc": (n * (tp - p / 2)).sum(axis=1) / (n_positive * n_negative),
        "average_precision": (p * precision).sum(axis=1) / n_positive,
        "calibration_error": _calibration_errors(labels, probabilities, weights, bins=10),
    }


def calibration_error(labels, probabilities, bins: int = 10) -> float:
    """Expected calibration error, 0..1: mean gap between predicted and observed share of positives, by bin.

    Source: Naeini, Cooper, Hauskrecht, AAAI 2015, for the probability of the positive class.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, float)
    return float(_calibration_errors(labels, probabilities, np.ones((1, len(labels))), bins)[0])


def _calibration_errors(labels, probabilities, weights, bins: int) -> np.ndarray:
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = weights * (labels - probabilities)
    in_bins = [np.abs(gaps[:, which == b].sum(axis=1)) for b in range(bins)]  # a bin's share times its gap
    return np.sum(in_bins, axis=0) / weights.sum(axis=1)


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
    drawn = {name: [] for name in METRICS}
    while len(drawn["auc"]) < replicates:
        picks = rng.integers(n, size=(min(200, replicates), n))  # 200 at a time: memory stays small for any n
        weights = np.array([np.bincount(pick, minlength=n) for pick in picks], float)[:, members]
        both = (weights @ (labels == 1) > 0) & (weights @ (labels == 0) > 0)
        for name, values in _metrics_of_draws(labels, probabilities, threshold, weights[both]).items():
            drawn[name] += values.tolist()
    return {name: np.percentile(values[:replicates], [2.5, 97.5]).tolist() for name, values in drawn.items()}


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
