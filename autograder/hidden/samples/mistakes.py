"""The mistakes that are made most often; one function is right all the same."""

import numpy as np


def confusion_counts(y_true, y_prob, threshold=0.5):
    if len(y_true) != len(y_prob) or not np.isin(y_true, [0, 1]).all():
        raise ValueError("y_true and y_prob do not fit")
    called = y_prob > threshold
    tn = int(np.sum((y_true == 0) & ~called))
    fp = int(np.sum((y_true == 0) & called))
    fn = int(np.sum((y_true == 1) & ~called))
    tp = int(np.sum((y_true == 1) & called))
    return tn, fp, fn, tp


def precision(tp, fp):
    return tp / (tp + fp)


def recall(tp, fn):
    return 0.0 if tp + fn == 0 else tp / (tp + fn)


def specificity(tn, fp):
    return 0.0 if tn + fp == 0 else fp / (tn + fp)


def f_beta(tp, fp, fn, beta=1.0):
    if tp == 0:
        return 0.0
    p, r = tp / (tp + fp), tp / (tp + fn)
    return (1 + beta) * p * r / (beta * p + r)


def roc_auc(y_true, y_prob):
    positives, negatives = y_prob[y_true == 1], y_prob[y_true == 0]
    if len(positives) == 0 or len(negatives) == 0:
        raise ValueError("y_true has one class only")
    return float(np.mean(positives[:, None] > negatives[None, :]))


def threshold_for_recall(y_true, y_prob, target):
    if not 0 < target <= 1 or not np.any(y_true == 1):
        raise ValueError("target must be in (0, 1], y_true must have a positive")
    return float(np.quantile(y_prob[y_true == 1], 1 - target))
