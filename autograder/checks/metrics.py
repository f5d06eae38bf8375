"""Exercise 02-metrics: what is true (scikit-learn and bare definitions) and what learners get wrong.

Nothing here is the course's own solution: scikit-learn and definitions spelled out pair by pair are the judges, so that
a mistake in the solution cannot hide in its own test.
"""

from fractions import Fraction

import numpy as np
from sklearn.metrics import confusion_matrix, roc_auc_score

from autograder.checking import Mistake, Wrong, WrongType, expect, same_counts, same_number


def draw_cases(rng, n: int, positives: int | None = None, steps: int = 64, dtype=np.float64):
    """Labels `(n,)` int and probabilities `(n,)` with ties: multiples of 1/steps, higher on the whole for positives.

    With `steps` a power of two the probabilities are exact in every float dtype, so that no right program differs
    from another by rounding. Both classes occur, `positives` of them 1 (about a half where not given).
    """
    positives = int(rng.integers(1, n)) if positives is None else positives
    labels = rng.permutation(np.repeat([0, 1], [n - positives, positives]))
    scores = rng.normal(loc=labels, scale=1.0)
    probabilities = np.round(steps / (1 + np.exp(-1.5 * (scores - 0.5)))) / steps
    return labels, probabilities.astype(dtype)


# --- confusion_counts ------------------------------------------------------------------------------------------------


def expect_counts(learner, y_true, y_prob, *threshold) -> None:
    """The learner's counts equal scikit-learn's confusion matrix, for labels 0 and 1."""
    limit = threshold[0] if threshold else 0.5
    matrix = confusion_matrix(y_true, y_prob >= limit, labels=[0, 1])
    expect(
        learner,
        "confusion_counts",
        y_true,
        y_prob,
        *threshold,
        expected=tuple(int(count) for count in matrix.ravel()),
        same=same_counts,
        mistakes=COUNT_MISTAKES,
        otherwise="Count one cell of the table at a time: for instance true positives, `(y_prob >= threshold) & "
        "(y_true == 1)`.",
    )


def _counts(y_true, called) -> tuple[int, int, int, int]:
    """`(tn, fp, fn, tp)` of labels and calls, for the wrong programs below."""
    cells = [np.sum((y_true == label) & (called == call)) for label in (0, 1) for call in (False, True)]
    return tuple(int(count) for count in cells)


def _reordered(*order: int):
    """A program that counts rightly and gives the counts in another order, by their places in (tn, fp, fn, tp)."""

    def program(y_true, y_prob, threshold=0.5):
        counts = _counts(y_true, y_prob >= threshold)
        return tuple(counts[place] for place in order)

    return program


ORDER = "The counts are right, in another order: {} was given; (tn, fp, fn, tp) was asked for."
COUNT_MISTAKES = [
    Mistake(
        "The threshold itself was left out: a case is positive where `y_prob >= threshold`, not only `>`.",
        lambda y_true, y_prob, threshold=0.5: _counts(y_true, y_prob > threshold),
    ),
    Mistake(ORDER.format("(tp, fp, fn, tn)"), _reordered(3, 1, 2, 0)),
    Mistake(
        "False positives and false negatives are swapped: a false positive is a healthy case (label 0) that was called "
        "positive.",
        _reordered(0, 2, 1, 3),
    ),
    Mistake(ORDER.format("(tp, tn, fp, fn)"), _reordered(3, 0, 1, 2)),
    Mistake(ORDER.format("(tp, fn, fp, tn)"), _reordered(3, 2, 1, 0)),
    Mistake(
        "`threshold` is not used: the cut stands at 0.5 whatever the caller asks for.",
        lambda y_true, y_prob, threshold=0.5: _counts(y_true, y_prob >= 0.5),
    ),
    Mistake(
        "The probabilities were rounded: compare them with `threshold` instead.",
        lambda y_true, y_prob, threshold=0.5: _counts(y_true, np.round(y_prob) == 1),
    ),
    Mistake(
        "The calls are upside down: a probability at or above the threshold means PNEUMONIA (1).",
        lambda y_true, y_prob, threshold=0.5: _counts(y_true, y_prob < threshold),
    ),
]

# --- precision, recall, specificity ----------------------------------------------------------------------------------

# Function -> (its formula, what its complement is called). The first argument is the numerator of each.
RATIOS = {
    "precision": ("tp / (tp + fp)", "the share of false alarms among the positive calls"),
    "recall": ("tp / (tp + fn)", "the share of the ill that was missed"),
    "specificity": ("tn / (tn + fp)", "the false positive rate"),
}


def expect_ratio(learner, function: str, part: int, rest: int) -> None:
    """The learner's precision, recall or specificity equals part / (part + rest), 0.0 where both are 0."""
    formula, complement = RATIOS[function]
    expect(
        learner,
        function,
        part,
        rest,
        expected=float(Fraction(part, part + rest)) if part + rest else 0.0,
        same=same_number,
        mistakes=_ratio_mistakes(formula, complement),
        otherwise=f"Compare with the formula: {formula}.",
    )


def _ratio_mistakes(formula: str, complement: str) -> list[Mistake]:
    part, rest = formula[:2], formula[-3:-1]
    return [
        Mistake(
            "1.0 came for 0 / 0: where the denominator is 0, this course says 0.0.",
            lambda a, b: 1.0 if a + b == 0 else np.nan,
        ),
        Mistake(f"That is {part} / {rest}: divide by the sum, {formula}.", lambda a, b: a / b),
        Mistake(
            f"Parentheses are missing: `{part} / {part} + {rest}` divides first; write {formula}.",
            lambda a, b: a / a + b,
        ),
        Mistake(f"That is one minus the answer, {complement}: {part} belongs on top.", lambda a, b: b / (a + b)),
        Mistake("`//` cuts the fraction off: divide with `/`.", lambda a, b: a // (a + b)),
        Mistake(
            "The sum in the denominator is one too many: nothing is added to it, only 0 is a special case.",
            lambda a, b: a / (a + b + 1),
        ),
    ]


# --- f_beta ----------------------------------------------------------------------------------------------------------


def expect_f_beta(learner, tp: int, fp: int, fn: int, *beta) -> None:
    """The learner's F-beta equals the definition by counts, in exact fractions; 0.0 where undefined."""
    weight = Fraction(beta[0] if beta else 1.0) ** 2
    below = (1 + weight) * tp + weight * fn + fp
    answers = []

    def same(came, expected) -> bool:
        answers.append(came)
        return same_number(came, expected)

    try:
        expect(
            learner,
            "f_beta",
            tp,
            fp,
            fn,
            *beta,
            expected=float((1 + weight) * tp / below) if below else 0.0,
            same=same,
            mistakes=F_BETA_MISTAKES,
            otherwise="Compare with the formula: (1 + beta²) · precision · recall / (beta² · precision + recall).",
        )
    except Wrong as wrong:
        wrong.mistake = _wrong_rate(learner, (tp, fp, fn), float(weight), wrong, answers) + wrong.mistake
        raise


def _wrong_rate(learner, counts, weight: float, wrong: Wrong, answers: list) -> str:
    """A sentence where f_beta's answer is what comes of the learner's own precision and recall, one of them wrong."""
    tp, fp, fn = counts
    found, rates = "", []
    for function, rest in (("precision", fp), ("recall", fn)):
        try:
            rates.append(getattr(learner, function)(tp, rest))
            expect_ratio(learner, function, tp, rest)
        except Wrong as fault:
            if fault.came == "no function of that name":
                return ""
            found = found or f"`{fault.call}` is wrong itself: if `f_beta` calls it, mend it first. "
    if answers and found:
        try:
            return found if same_number(answers[0], _f(*rates, 1 + weight, weight)) else ""
        except (ArithmeticError, TypeError, ValueError, WrongType):
            return ""
    return found if any("in precision" in line or "in recall" in line for line in wrong.lines) else ""


def _f(precision: float, recall: float, front: float, inside: float) -> float:
    return front * precision * recall / (inside * precision + recall)


def _from_rates(program):
    """A wrong program of precision, recall and beta, as one of counts."""
    return lambda tp, fp, fn, beta=1.0: program(tp / (tp + fp), tp / (tp + fn), beta)


F_BETA_MISTAKES = [
    Mistake("`beta` is not used: that is F1 for every beta.", _from_rates(lambda p, r, beta: _f(p, r, 2, 1))),
    Mistake("beta must be squared, in both places.", _from_rates(lambda p, r, beta: _f(p, r, 1 + beta, beta))),
    Mistake(
        "beta must be squared in front, too: (1 + beta²).",
        _from_rates(lambda p, r, beta: _f(p, r, 1 + beta, beta**2)),
    ),
    Mistake(
        "beta must be squared in the denominator, too: beta² · precision + recall.",
        _from_rates(lambda p, r, beta: _f(p, r, 1 + beta**2, beta)),
    ),
    Mistake(
        "Precision and recall have changed places: beta² weighs precision in the denominator, so that a large beta "
        "favours recall (check fp and fn, too).",
        _from_rates(lambda p, r, beta: _f(r, p, 1 + beta**2, beta**2)),
    ),
    Mistake("The factor (1 + beta²) in front is missing.", _from_rates(lambda p, r, beta: _f(p, r, 1, beta**2))),
    Mistake(
        "The factor in front is 1 + beta², not 2: that is right for F1 only.",
        _from_rates(lambda p, r, beta: _f(p, r, 2, beta**2)),
    ),
    Mistake(
        "That is the plain mean of precision and recall: F-beta is their weighted harmonic mean.",
        _from_rates(lambda p, r, beta: (p + r) / 2),
    ),
    Mistake(
        "1.0 came where nothing is defined: without a single true positive F-beta is 0.0.",
        lambda tp, fp, fn, beta=1.0: np.nan if tp else 1.0,
    ),
]

# --- roc_auc ---------------------------------------------------------------------------------------------------------


def expect_auc(learner, y_true, y_prob) -> None:
    """The learner's area equals scikit-learn's."""
    expect(
        learner,
        "roc_auc",
        y_true,
        y_prob,
        expected=float(roc_auc_score(y_true, y_prob)),
        same=same_number,
        mistakes=AUC_MISTAKES,
        otherwise="Try it on four cases and count the pairs by hand: of all (positive, negative) pairs, in how many is "
        "the positive's probability higher?",
    )


def _pairs(y_true, y_prob, tie: float) -> float:
    """Share of (positive, negative) pairs in which the positive is higher; a tie counts `tie`."""
    above = y_prob[y_true == 1][:, None].astype(float) - y_prob[y_true == 0][None, :]
    return float(np.mean((above > 0) + tie * (above == 0)))


def _trapezoids(y_true, y_prob, order) -> float:
    """Area under a curve that takes one case after the other, in the given order: wrong where cases tie."""
    hits = y_true[order] == 1
    tpr = np.concatenate([[0.0], np.cumsum(hits) / np.sum(hits)])
    fpr = np.concatenate([[0.0], np.cumsum(~hits) / np.sum(~hits)])
    return float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2))


def _area(y_true, y_prob, above, thresholds) -> float:
    """Area below the points of a curve, one for each of the thresholds; `above` says which cases one calls positive."""
    called = above(y_prob[None, :], np.asarray(thresholds)[:, None])
    recall, alarms = (called[:, y_true == label].mean(axis=1) for label in (1, 0))
    return float(np.sum(np.diff(alarms) * (recall[1:] + recall[:-1]) / 2))


def _falling(y_prob) -> np.ndarray:
    return np.unique(y_prob)[::-1]


TIES = "the curve must move past all cases of one probability at once, or count a tied pair as one half."
AUC_MISTAKES = [
    Mistake(
        "Tied pairs count 0 in your sum, or are taken one by one, negatives first: a positive and a negative that tie "
        "count one half.",
        lambda y_true, y_prob: _pairs(y_true, y_prob, tie=0.0),
    ),
    Mistake(
        "Tied pairs count 1 in your sum, or are taken one by one, positives first: a positive and a negative that tie "
        "count one half.",
        lambda y_true, y_prob: _pairs(y_true, y_prob, tie=1.0),
    ),
    Mistake(
        "That is one minus the area: the order, the two classes or the axes are exchanged. Recall stands upright, over "
        "the false positive rate, `np.trapezoid(recall, false_positive_rate)`; the curve begins with the highest.",
        lambda y_true, y_prob: 1 - _pairs(y_true, y_prob, tie=0.5),
    ),
    Mistake(
        "The curve does not begin at (0, 0): put that point first, or a threshold above all probabilities.",
        lambda y_true, y_prob: _area(y_true, y_prob, np.greater_equal, _falling(y_prob)),
    ),
    Mistake(
        "The curve does not end at (1, 1): call a case positive where `y_prob >= threshold`, or put that point last.",
        lambda y_true, y_prob: _area(y_true, y_prob, np.greater, _falling(y_prob)),
    ),
    Mistake(
        "That is minus the area: the thresholds rise, so that the curve runs from right to left. Begin with the "
        "highest threshold.",
        lambda y_true, y_prob: -_pairs(y_true, y_prob, tie=0.5),
    ),
    Mistake(
        "That is minus the area, and without the piece to (0, 0): begin with a threshold above all probabilities.",
        lambda y_true, y_prob: -_area(y_true, y_prob, np.greater_equal, _falling(y_prob)),
    ),
    *(
        Mistake(
            "The thresholds lie on a grid of round numbers, which ties cases between two of them: take the values that "
            "occur in `y_prob`.",
            lambda y_true, y_prob, steps=steps, above=above: _area(
                y_true, y_prob, above, [2.0, *np.linspace(1, 0, steps + 1), -1.0]
            ),
        )
        for steps in (100, 10, 20, 50, 200, 1000, 99, 199, 999)
        for above in (np.greater_equal, np.greater)
    ),
    Mistake(
        "The area belongs to the calls at 0.5, not to the probabilities: do not apply a threshold first.",
        lambda y_true, y_prob: _pairs(y_true, (y_prob >= 0.5).astype(float), tie=0.5),
    ),
    Mistake(
        "That is the accuracy at threshold 0.5: the area needs no threshold.",
        lambda y_true, y_prob: float(np.mean((y_prob >= 0.5) == y_true)),
    ),
    Mistake(
        f"Ties depend on the cases' order: {TIES}",
        lambda y_true, y_prob: _trapezoids(y_true, y_prob, np.argsort(-y_prob, kind="stable")),
    ),
    Mistake(
        f"Ties depend on the cases' order: {TIES}",
        lambda y_true, y_prob: _trapezoids(y_true, y_prob, np.argsort(y_prob, kind="stable")[::-1]),
    ),
    Mistake(
        f"Ties depend on the cases' order: {TIES}",
        lambda y_true, y_prob: _trapezoids(y_true, y_prob, np.argsort(y_prob)[::-1]),
    ),
    Mistake(
        "The cases were sorted by rising probability: the curve begins with the highest.",
        lambda y_true, y_prob: _trapezoids(y_true, y_prob, np.argsort(y_prob)),
    ),
    Mistake(
        "The cases were not sorted: the curve takes them from the highest probability to the lowest.",
        lambda y_true, y_prob: _trapezoids(y_true, y_prob, np.arange(len(y_true))),
    ),
    Mistake(
        "The pairs were counted and not divided: divide by the number of (positive, negative) pairs.",
        lambda y_true, y_prob: _pairs(y_true, y_prob, tie=0.5) * np.sum(y_true == 1) * np.sum(y_true == 0),
    ),
    Mistake(
        "Divide by the number of (positive, negative) pairs, not by the number of all pairs of cases.",
        lambda y_true, y_prob: (
            _pairs(y_true, y_prob, tie=0.5)
            * np.sum(y_true == 1)
            * np.sum(y_true == 0)
            / (len(y_true) * (len(y_true) - 1) / 2)
        ),
    ),
]

# --- threshold_for_recall --------------------------------------------------------------------------------------------


def expect_threshold(learner, y_true, y_prob, target: float) -> None:
    """The learner's threshold is the largest of the values in `y_prob` at which recall reaches `target`."""
    expect(
        learner,
        "threshold_for_recall",
        y_true,
        y_prob,
        target,
        expected=_largest_threshold(y_prob, lambda threshold: _recall(y_true, y_prob, threshold) >= target),
        same=same_number,
        mistakes=THRESHOLD_MISTAKES,
        otherwise="Go through the values of `y_prob` from the largest down, and stop at the first at which recall "
        "(with `y_prob >= value`) is at least `target`.",
    )


def clear_target(rng, y_true) -> float:
    """A target in (0.05, 1), 1e-6 or more from each recall that can occur: no right program can round wrongly."""
    positives = int(np.sum(y_true))
    while True:
        target = float(rng.uniform(0.05, 0.999))
        if abs(target * positives - round(target * positives)) > 1e-6 * positives:
            return target


def _recall(y_true, y_prob, threshold) -> float:
    return float(np.mean(y_prob[y_true == 1] >= threshold))


def _largest_threshold(y_prob, good) -> float:
    return max(float(value) for value in np.unique(y_prob) if good(value))


def _precision(y_true, y_prob, threshold) -> float:
    return float(np.mean(y_true[y_prob >= threshold]))


def _kth(values, k: int) -> float:
    """The k-th largest value, counted from 0."""
    return float(np.sort(values)[::-1][k])


def _on_a_grid(steps: int):
    grid = np.linspace(0, 1, steps + 1)
    return lambda y_true, y_prob, target: max(value for value in grid if _recall(y_true, y_prob, value) >= target)


THRESHOLD_MISTAKES = [
    Mistake(
        "That is the smallest value that reaches the target: the largest was asked for.",
        lambda y_true, y_prob, target: float(np.min(y_prob)),
    ),
    Mistake(
        "Recall is above the target where exactly at it is enough: compare recall with `>=`. Where positives are "
        "counted from the highest, ceil(target * n) of them are needed, and the last of these has the index one less.",
        lambda y_true, y_prob, target: _largest_threshold(
            y_prob, lambda value: _recall(y_true, y_prob, value) > target
        ),
    ),
    *(
        Mistake(
            "A quantile of the positives counts the steps between them, of which there is one less than positives: "
            "count the positives, of which at least target * n must lie at or above the threshold.",
            lambda y_true, y_prob, target, method=method: float(
                np.quantile(y_prob[y_true == 1], 1 - target, method=method)
            ),
        )
        for method in ("lower", "nearest")
    ),
    Mistake(
        "Recall was counted with `y_prob > threshold`: a case is positive where `y_prob >= threshold`.",
        lambda y_true, y_prob, target: _largest_threshold(
            y_prob, lambda value: np.mean(y_prob[y_true == 1] > value) >= target
        ),
    ),
    Mistake(
        "Precision was brought to the target, not recall.",
        lambda y_true, y_prob, target: _largest_threshold(
            y_prob, lambda value: _precision(y_true, y_prob, value) >= target
        ),
    ),
    Mistake(
        "Recall was computed over all cases: it is a share of the positives (label 1) only.",
        lambda y_true, y_prob, target: _largest_threshold(y_prob, lambda value: np.mean(y_prob >= value) >= target),
    ),
    Mistake(
        "That quantile lies between two probabilities: the answer must be a value that occurs in `y_prob`.",
        lambda y_true, y_prob, target: float(np.quantile(y_prob[y_true == 1], 1 - target)),
    ),
    Mistake(
        "One positive too few is at or above that threshold: round the number of positives needed up.",
        lambda y_true, y_prob, target: _kth(
            y_prob[y_true == 1], max(int(np.floor(target * np.sum(y_true == 1))) - 1, 0)
        ),
    ),
    Mistake(
        "One positive too many is below: counting from 0, the k-th largest has index k - 1.",
        lambda y_true, y_prob, target: _kth(y_prob[y_true == 1], int(np.ceil(target * np.sum(y_true == 1)))),
    ),
    Mistake(
        "The target itself came back: recall depends on the cases, the threshold has to be searched for.",
        lambda y_true, y_prob, target: target,
    ),
    *(
        Mistake(
            "The threshold was searched on a grid of round numbers: only values of `y_prob` can be the answer.",
            _on_a_grid(steps),
        )
        for steps in (100, 10, 20, 50, 200, 1000)
    ),
    Mistake(
        "The negatives were used: recall is about the positives, label 1.",
        lambda y_true, y_prob, target: _largest_threshold(
            y_prob, lambda value: np.mean(y_prob[y_true == 0] >= value) >= target
        ),
    ),
]
