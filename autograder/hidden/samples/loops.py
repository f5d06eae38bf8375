"""Right, in plain Python: loops and lists, no NumPy."""


def confusion_counts(y_true, y_prob, threshold=0.5):
    if len(y_true) != len(y_prob):
        raise ValueError("y_true and y_prob must be of the same length")
    table = {(0, False): 0, (0, True): 0, (1, False): 0, (1, True): 0}
    for label, probability in zip(y_true, y_prob, strict=True):
        if label not in (0, 1):
            raise ValueError(f"y_true must hold 0 and 1 only, not {label}")
        table[int(label), bool(probability >= threshold)] += 1
    return tuple(table.values())


def precision(tp, fp):
    return tp / (tp + fp) if tp + fp > 0 else 0.0


def recall(tp, fn):
    try:
        return tp / (tp + fn)
    except ZeroDivisionError:
        return 0.0


def specificity(tn, fp):
    healthy = tn + fp
    if healthy:
        return tn / healthy
    return 0.0


def f_beta(tp, fp, fn, beta=1.0):
    top = (1 + beta * beta) * tp
    bottom = top + beta * beta * fn + fp
    return top / bottom if bottom else 0.0


def roc_auc(y_true, y_prob):
    ill = [p for label, p in zip(y_true, y_prob, strict=True) if label == 1]
    healthy = [p for label, p in zip(y_true, y_prob, strict=True) if label == 0]
    if not ill or not healthy:
        raise ValueError("y_true must hold both classes")
    won = 0.0
    for p in ill:
        for q in healthy:
            if p > q:
                won += 1
            elif p == q:
                won += 0.5
    return won / (len(ill) * len(healthy))


def threshold_for_recall(y_true, y_prob, target):
    if target <= 0 or target > 1:
        raise ValueError("target must be above 0 and at most 1")
    ill = [p for label, p in zip(y_true, y_prob, strict=True) if label == 1]
    if not ill:
        raise ValueError("y_true has no positive case")
    return max(value for value in y_prob if sum(p >= value for p in ill) / len(ill) >= target)
