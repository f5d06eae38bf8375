"""Whether a probability means what it says, how to mend it, and what a threshold costs.

Log-odds are of PNEUMONIA, float (n,); labels 0 or 1; probabilities in 0..1.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_expit


def log_loss(labels, logits) -> float:
    """Mean negative log-likelihood, in nats; from log-odds, so that a sure and wrong answer is not infinite."""
    labels, logits = np.asarray(labels), np.asarray(logits, float)
    return float(-np.mean(np.where(labels == 1, log_expit(logits), log_expit(-logits))))


def brier_score(labels, probabilities) -> float:
    """Mean squared distance of probability and label, 0..1. Source: Brier 1950."""
    return float(np.mean(np.square(np.asarray(probabilities, float) - np.asarray(labels))))


def fit_temperature(labels, logits) -> float:
    """The number, 0.05 to 20, that log-odds are divided by to lower the log loss most.

    It changes neither the order of the cases nor the calls at 0.5. Source: Guo et al., ICML 2017.
    """
    logits = np.asarray(logits, float)
    found = minimize_scalar(
        lambda t: log_loss(labels, logits / np.exp(t)), bounds=(np.log(0.05), np.log(20)), method="bounded"
    )
    return float(np.exp(found.x))


def reliability(labels, probabilities, bins: int = 10) -> list[dict]:
    """Bins of equal width that hold cases: `{"low", "high", "cases", "predicted", "observed"}`, means in 0..1."""
    labels, probabilities = np.asarray(labels), np.asarray(probabilities, float)
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    return [
        {
            "low": b / bins,
            "high": (b + 1) / bins,
            "cases": int(np.sum(which == b)),
            "predicted": float(probabilities[which == b].mean()),
            "observed": float(labels[which == b].mean()),
        }
        for b in range(bins)
        if np.any(which == b)
    ]


def adjust_prior(logits, prior: float, new_prior: float):
    """Log-odds for a population with another share of PNEUMONIA. Source: Saerens, Latinne, Decaestecker 2002.

    Right where only the shares differ between the two populations, not what the ill and the healthy look like.
    """
    for name, value in (("prior", prior), ("new_prior", new_prior)):
        if not 0 < value < 1:
            raise ValueError(f"{name}: expected a share above 0 and below 1, got {value}")
    return np.asarray(logits, float) + np.log(new_prior / (1 - new_prior)) - np.log(prior / (1 - prior))


def expected_cost(recall: float, specificity: float, prevalence: float, miss: float, alarm: float = 1.0) -> float:
    """Cost of a case on average, where a missed illness costs `miss` and a false alarm `alarm`."""
    return prevalence * (1 - recall) * miss + (1 - prevalence) * (1 - specificity) * alarm


def bayes_threshold(miss: float, alarm: float = 1.0) -> float:
    """The probability above which calling a case ill costs less, for calibrated probabilities. Source: Elkan 2001."""
    return alarm / (alarm + miss)


def threshold_for_recall(labels, logits, recall: float) -> float:
    """The highest threshold, in log-odds, at which at least `recall` of the ill are found."""
    ill = np.sort(np.asarray(logits, float)[np.asarray(labels) == 1])[::-1]
    if len(ill) == 0 or not 0 < recall <= 1:
        raise ValueError(f"expected cases of PNEUMONIA and a recall above 0 and at most 1, got {len(ill)} and {recall}")
    return float(ill[int(np.ceil(recall * len(ill) - 1e-9)) - 1])


def balanced_threshold(labels, logits) -> float:
    """The threshold, in log-odds, with the best balanced accuracy; half-way to the next lower score."""
    labels, logits = np.asarray(labels), np.asarray(logits, float)
    order = np.argsort(-logits, kind="stable")
    recall = np.cumsum(labels[order] == 1) / np.sum(labels == 1)
    alarms = np.cumsum(labels[order] == 0) / np.sum(labels == 0)
    last = np.append(np.diff(logits[order]) != 0, True)  # a threshold lies between two different scores
    best = int(np.argmax(np.where(last, recall - alarms, -np.inf)))
    after = logits[order][best + 1] if best + 1 < len(logits) else logits[order][best] - 2
    return float((logits[order][best] + after) / 2)
