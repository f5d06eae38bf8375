"""Partly right: the first functions are written, the last three are not; a note to oneself goes to stderr."""

import sys

import numpy as np


def confusion_counts(y_true, y_prob, threshold=0.5):
    y_true, y_prob = np.asarray(y_true), np.asarray(y_prob)
    if y_true.shape != y_prob.shape:
        raise ValueError(f"y_prob {y_prob.shape} does not fit y_true {y_true.shape}")
    if set(y_true.tolist()) - {0, 1}:
        raise ValueError("y_true: only 0 and 1")
    print("counting", len(y_true), "cases", file=sys.stderr)
    return tuple(int(count) for count in np.bincount(2 * y_true + (y_prob >= threshold), minlength=4))


def precision(tp, fp):
    return 0.0 if tp == 0 else tp / (tp + fp)


def recall(tp, fn):
    return 0.0 if tp == 0 else tp / (tp + fn)


def specificity(tn, fp):
    return 0.0 if tn == 0 else tn / (tn + fp)
