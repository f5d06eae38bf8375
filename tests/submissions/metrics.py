"""Answers to exercise 02-metrics. Each stands alone: its imports are inside it, as one cell of a notebook."""

import numpy as np

from submissions import right, wrong

# --- confusion_counts ------------------------------------------------------------------------------------------------


@right("confusion_counts")
def counts_by_loop(y_true, y_prob, threshold=0.5):
    if len(y_true) != len(y_prob):
        raise ValueError(f"y_prob has {len(y_prob)} elements, y_true {len(y_true)}")
    tn = fp = fn = tp = 0
    for label, probability in zip(y_true, y_prob, strict=True):
        if label == 1:
            if probability >= threshold:
                tp += 1
            else:
                fn += 1
        elif label == 0:
            if probability >= threshold:
                fp += 1
            else:
                tn += 1
        else:
            raise ValueError("y_true: neither 0 nor 1")
    return tn, fp, fn, tp


@right("confusion_counts")
def counts_by_scikit_learn(y_true, y_prob, threshold=0.5):
    from sklearn.metrics import confusion_matrix

    if len(y_true) != len(y_prob) or set(y_true) - {0, 1}:
        raise ValueError("y_true must hold 0 and 1, as many as y_prob")
    return tuple(confusion_matrix(y_true, y_prob >= threshold, labels=[0, 1]).ravel())


@right("confusion_counts")
def counts_by_lists(y_true, y_prob, threshold=0.5):
    labels, calls = list(y_true), [p >= threshold for p in y_prob]
    if len(labels) != len(calls):
        raise ValueError("y_true and y_prob differ in length")
    if any(label not in (0, 1) for label in labels):
        raise ValueError("y_true has a bad label")
    pairs = list(zip(labels, calls, strict=True))
    return [pairs.count((label, call)) for label in (0, 1) for call in (False, True)]


@right("confusion_counts")
def counts_as_an_integer_array(y_true, y_prob, threshold=0.5):
    if y_true.shape != y_prob.shape or not np.all((y_true == 0) | (y_true == 1)):
        raise ValueError("y_true is not 0 and 1, or does not fit y_prob")
    return np.bincount(2 * y_true + (y_prob >= threshold), minlength=4)


@right("confusion_counts")
def counts_refused_without_underscores(y_true, y_prob, threshold=0.5):
    if len(y_true) != len(y_prob):
        raise ValueError("y prob is longer or shorter than Y true")
    for label in y_true.tolist():
        if label not in (0, 1):
            raise ValueError("Y TRUE must hold 0 and 1")
    called = y_prob >= threshold
    return tuple(int(np.sum((y_true == label) & (called == call))) for label in (0, 1) for call in (False, True))


@wrong("confusion_counts", says="`y_prob >= threshold`, not only `>`")
def counts_strictly_above(y_true, y_prob, threshold=0.5):
    called = y_prob > threshold
    return (
        int(np.sum((y_true == 0) & ~called)),
        int(np.sum((y_true == 0) & called)),
        int(np.sum((y_true == 1) & ~called)),
        int(np.sum((y_true == 1) & called)),
    )


@wrong("confusion_counts", says="in another order: (tp, fp, fn, tn)")
def counts_with_tp_first(y_true, y_prob, threshold=0.5):
    called = y_prob >= threshold
    tp, tn = int(np.sum((y_true == 1) & called)), int(np.sum((y_true == 0) & ~called))
    return tp, int(np.sum((y_true == 0) & called)), int(np.sum((y_true == 1) & ~called)), tn


@wrong("confusion_counts", says="False positives and false negatives are swapped")
def counts_with_fp_and_fn_swapped(y_true, y_prob, threshold=0.5):
    from sklearn.metrics import confusion_matrix

    return tuple(int(count) for count in confusion_matrix(y_prob >= threshold, y_true == 1).ravel())


@wrong("confusion_counts", says="`threshold` is not used")
def counts_at_one_half_always(y_true, y_prob, threshold=0.5):
    called = y_prob >= 0.5
    return tuple(int(np.sum((y_true == label) & (called == call))) for label in (0, 1) for call in (False, True))


@wrong("confusion_counts", says="The probabilities were rounded")
def counts_of_rounded_probabilities(y_true, y_prob, threshold=0.5):
    called = np.round(y_prob)
    return tuple(int(np.sum((y_true == label) & (called == call))) for label in (0, 1) for call in (0, 1))


@wrong("confusion_counts", says="The calls are upside down")
def counts_of_calls_upside_down(y_true, y_prob, threshold=0.5):
    called = np.where(y_prob >= threshold, 0, 1)
    return tuple(int(np.sum((y_true == label) & (called == call))) for label in (0, 1) for call in (0, 1))


@wrong("confusion_counts", says="An array of shape (2, 2) came")
def counts_as_a_matrix(y_true, y_prob, threshold=0.5):
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(y_true, y_prob >= threshold, labels=[0, 1])


@wrong("confusion_counts", says="Counts are whole numbers (int), and a float64 is among them")
def counts_as_floats(y_true, y_prob, threshold=0.5):
    called = (y_prob >= threshold).astype(float)
    tp = np.sum(y_true * called)
    fp = np.sum((1 - y_true) * called)
    return np.sum(1 - y_true) - fp, fp, np.sum(y_true) - tp, tp


@wrong("confusion_counts", says="Nothing came back")
def counts_printed(y_true, y_prob, threshold=0.5):
    print(np.sum((y_true == 0) & (y_prob < threshold)))


@wrong("confusion_counts", says="Valid input was refused")
def counts_unpacked_from_one_class(y_true, y_prob, threshold=0.5):
    from sklearn.metrics import confusion_matrix

    if len(y_true) != len(y_prob) or not np.isin(y_true, [0, 1]).all():
        raise ValueError("y_true and y_prob")
    tn, fp, fn, tp = confusion_matrix(y_true, y_prob >= threshold).ravel()
    return int(tn), int(fp), int(fn), int(tp)


@wrong("confusion_counts", says="Bad input went through (y_true has 3 elements and y_prob has 2)")
def counts_without_a_look_at_the_lengths(y_true, y_prob, threshold=0.5):
    called = [p >= threshold for p in y_prob]
    pairs = list(zip(y_true.tolist(), called))  # noqa: B905  the mistake itself
    return tuple(pairs.count((label, call)) for label in (0, 1) for call in (False, True))


@wrong("confusion_counts", says="Bad input went through (0.5 is neither 0 nor 1)")
def counts_of_labels_between(y_true, y_prob, threshold=0.5):
    if len(y_true) != len(y_prob) or y_true.min() < 0 or y_true.max() > 1:
        raise ValueError("y_true must hold 0 and 1, as many as y_prob")
    called = y_prob >= threshold
    return tuple(int(np.sum((y_true == label) & (called == call))) for label in (0, 1) for call in (False, True))


@wrong("confusion_counts", says="`assert` is for your own errors")
def counts_that_assert(y_true, y_prob, threshold=0.5):
    assert len(y_true) == len(y_prob), "y_true and y_prob"
    called = y_prob >= threshold
    return tuple(int(np.sum((y_true == label) & (called == call))) for label in (0, 1) for call in (False, True))


@wrong("confusion_counts", says="does not say which argument is wrong")
def counts_with_a_silent_error(y_true, y_prob, threshold=0.5):
    if len(y_true) != len(y_prob):
        raise ValueError("bad input")
    called = y_prob >= threshold
    return tuple(int(np.sum((y_true == label) & (called == call))) for label in (0, 1) for call in (False, True))


@wrong("confusion_counts", says="Your function changes its arguments")
def counts_in_place(y_true, y_prob, threshold=0.5):
    y_prob[y_prob >= threshold] = 1
    y_prob[y_prob < threshold] = 0
    return tuple(int(np.sum((y_true == label) & (y_prob == call))) for label in (0, 1) for call in (0, 1))


@wrong("confusion_counts", says="Not written yet")
def counts_not_written(y_true, y_prob, threshold=0.5):
    raise NotImplementedError


@wrong("confusion_counts", says="does not take the arguments that it is called with")
def counts_without_a_threshold(y_true, y_prob):
    called = y_prob >= 0.5
    return tuple(int(np.sum((y_true == label) & (called == call))) for label in (0, 1) for call in (False, True))


# --- precision, recall, specificity ----------------------------------------------------------------------------------


@right("precision")
@right("recall")
@right("specificity")
def share_with_if(part, rest):
    if part + rest == 0:
        return 0.0
    return part / (part + rest)


@right("precision")
@right("recall")
@right("specificity")
def share_with_try(part, rest):
    try:
        return part / (part + rest)
    except ZeroDivisionError:
        return 0


@right("precision")
@right("recall")
@right("specificity")
def share_with_numpy(part, rest):
    return np.divide(part, part + rest) if part + rest else np.float64(0)


@right("precision")
def precision_by_scikit_learn(tp, fp):
    from sklearn.metrics import precision_score

    return precision_score([1] * tp + [0] * fp, [1] * (tp + fp), zero_division=0.0) if tp + fp else 0.0


@right("recall")
def recall_by_scikit_learn(tp, fn):
    from sklearn.metrics import recall_score

    return recall_score([1] * (tp + fn), [1] * tp + [0] * fn, zero_division=0.0) if tp + fn else 0.0


@right("specificity")
def specificity_from_its_complement(tn, fp):
    return 1 - fp / (tn + fp) if tn + fp > 0 else 0.0


@wrong("precision", says="A denominator is 0 here")
@wrong("recall", says="A denominator is 0 here")
@wrong("specificity", says="A denominator is 0 here")
def share_without_a_case_for_zero(part, rest):
    return part / (part + rest)


@wrong("precision", says="nan comes from 0 / 0")
@wrong("recall", says="nan comes from 0 / 0")
@wrong("specificity", says="nan comes from 0 / 0")
def share_that_is_nan(part, rest):
    return np.float64(part) / np.float64(part + rest)


@wrong("precision", says="1.0 came for 0 / 0")
@wrong("recall", says="1.0 came for 0 / 0")
@wrong("specificity", says="1.0 came for 0 / 0")
def share_of_nothing_is_one(part, rest):
    return part / (part + rest) if part + rest else 1.0


@wrong("precision", says="That is tp / fp: divide by the sum, tp / (tp + fp)")
@wrong("recall", says="That is tp / fn: divide by the sum, tp / (tp + fn)")
@wrong("specificity", says="That is tn / fp: divide by the sum, tn / (tn + fp)")
def share_of_the_rest(part, rest):
    return part / rest if rest else 0.0


@wrong("precision", says="Parentheses are missing")
@wrong("recall", says="Parentheses are missing")
@wrong("specificity", says="Parentheses are missing")
def share_without_parentheses(part, rest):
    if part + rest == 0:
        return 0.0
    return part / part + rest


@wrong("precision", says="the share of false alarms among the positive calls")
@wrong("recall", says="the share of the ill that was missed")
@wrong("specificity", says="the false positive rate")
def share_of_the_other_part(part, rest):
    return rest / (part + rest) if part + rest else 0.0


@wrong("precision", says="`//` cuts the fraction off")
@wrong("recall", says="`//` cuts the fraction off")
@wrong("specificity", says="`//` cuts the fraction off")
def share_cut_off(part, rest):
    return part // (part + rest) if part + rest else 0


@wrong("precision", says="one too many")
@wrong("recall", says="one too many")
@wrong("specificity", says="one too many")
def share_with_one_added(part, rest):
    return part / (part + rest + 1)


@wrong("precision", says="That is a percentage")
@wrong("recall", says="That is a percentage")
@wrong("specificity", says="That is a percentage")
def share_in_percent(part, rest):
    return 100 * part / (part + rest) if part + rest else 0.0


@wrong("precision", says="That is nearly the number")
@wrong("recall", says="That is nearly the number")
@wrong("specificity", says="That is nearly the number")
def share_with_something_small_added(part, rest):
    return part / (part + rest + 1e-7)


@wrong("precision", says="That is rounded")
@wrong("recall", says="That is rounded")
@wrong("specificity", says="That is rounded")
def share_rounded(part, rest):
    return round(part / (part + rest), 2) if part + rest else 0.0


@wrong("precision", says="Nothing came back")
@wrong("recall", says="Nothing came back")
@wrong("specificity", says="Nothing came back")
def share_of_nothing_is_none(part, rest):
    return part / (part + rest) if part + rest else None


@wrong("precision", says="One number was asked for, and a str came")
@wrong("recall", says="One number was asked for, and a str came")
@wrong("specificity", says="One number was asked for, and a str came")
def share_as_text(part, rest):
    return f"{part / (part + rest):.2f}"


# --- f_beta ----------------------------------------------------------------------------------------------------------


@right("f_beta")
def f_by_rates(tp, fp, fn, beta=1.0):
    precision = tp / (tp + fp) if tp + fp else 0.0
    recall = tp / (tp + fn) if tp + fn else 0.0
    if precision + recall == 0:
        return 0.0
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


@right("f_beta")
def f_by_counts(tp, fp, fn, beta=1.0):
    weight = np.square(beta)
    return np.float64((1 + weight) * tp / max((1 + weight) * tp + weight * fn + fp, 1))


@right("f_beta")
def f_by_scikit_learn(tp, fp, fn, beta=1.0):
    from sklearn.metrics import fbeta_score

    if tp == 0:
        return 0.0
    return fbeta_score([1] * tp + [0] * fp + [1] * fn, [1] * (tp + fp) + [0] * fn, beta=beta)


@right("f_beta")
def f_as_harmonic_mean(tp, fp, fn, beta=1.0):
    if not tp:
        return 0
    alpha = 1 / (1 + beta**2)
    return 1 / (alpha * (tp + fp) / tp + (1 - alpha) * (tp + fn) / tp)


@wrong("f_beta", says="beta must be squared, in both places")
def f_with_plain_beta(tp, fp, fn, beta=1.0):
    if tp == 0:
        return 0.0
    p, r = tp / (tp + fp), tp / (tp + fn)
    return (1 + beta) * p * r / (beta * p + r)


@wrong("f_beta", says="beta must be squared in front, too")
def f_with_plain_beta_in_front(tp, fp, fn, beta=1.0):
    if tp == 0:
        return 0.0
    p, r = tp / (tp + fp), tp / (tp + fn)
    return (1 + beta) * p * r / (beta**2 * p + r)


@wrong("f_beta", says="beta must be squared in the denominator, too")
def f_with_plain_beta_below(tp, fp, fn, beta=1.0):
    if tp == 0:
        return 0.0
    p, r = tp / (tp + fp), tp / (tp + fn)
    return (1 + beta**2) * p * r / (beta * p + r)


@wrong("f_beta", says="Precision and recall have changed places")
def f_with_fp_and_fn_swapped(tp, fp, fn, beta=1.0):
    if tp == 0:
        return 0.0
    return (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fp + fn)


@wrong("f_beta", says="`beta` is not used")
def f_one_always(tp, fp, fn, beta=1.0):
    return 2 * tp / (2 * tp + fp + fn) if tp else 0.0


@wrong("f_beta", says="The factor (1 + beta²) in front is missing")
def f_without_a_factor(tp, fp, fn, beta=1.0):
    if tp == 0:
        return 0.0
    p, r = tp / (tp + fp), tp / (tp + fn)
    return p * r / (beta**2 * p + r)


@wrong("f_beta", says="The factor in front is 1 + beta², not 2")
def f_with_the_factor_of_f1(tp, fp, fn, beta=1.0):
    if tp == 0:
        return 0.0
    p, r = tp / (tp + fp), tp / (tp + fn)
    return 2 * p * r / (beta**2 * p + r)


@wrong("f_beta", says="the plain mean of precision and recall")
def f_as_a_plain_mean(tp, fp, fn, beta=1.0):
    return (tp / (tp + fp) + tp / (tp + fn)) / 2


@wrong("f_beta", says="A denominator is 0 here")
def f_without_a_case_for_zero(tp, fp, fn, beta=1.0):
    p, r = tp / (tp + fp), tp / (tp + fn)
    return (1 + beta**2) * p * r / (beta**2 * p + r)


@wrong("f_beta", says="without a single true positive F-beta is 0.0")
def f_of_nothing_is_one(tp, fp, fn, beta=1.0):
    below = (1 + beta**2) * tp + beta**2 * fn + fp
    return (1 + beta**2) * tp / below if below else 1.0


@wrong("f_beta", says="nan comes from 0 / 0")
def f_that_is_nan(tp, fp, fn, beta=1.0):
    with np.errstate(all="ignore"):
        p, r = np.float64(tp) / (tp + fp), np.float64(tp) / (tp + fn)
        return (1 + beta**2) * p * r / (beta**2 * p + r)


@wrong("f_beta", says="A name is used that nothing defines")
def f_with_a_typing_error(tp, fp, fn, beta=1.0):
    return (1 + beta**2) * precison * recal / (beta**2 * precison + recal)  # noqa: F821  the mistake itself


# --- roc_auc ---------------------------------------------------------------------------------------------------------


@right("roc_auc")
def auc_by_loops(y_true, y_prob):
    ill = [p for label, p in zip(y_true, y_prob, strict=True) if label]
    healthy = [p for label, p in zip(y_true, y_prob, strict=True) if not label]
    if not ill or not healthy:
        raise ValueError("one class is missing from y_true")
    return sum((p > q) + 0.5 * (p == q) for p in ill for q in healthy) / len(ill) / len(healthy)


@right("roc_auc")
def auc_by_scikit_learn(y_true, y_prob):
    from sklearn.metrics import roc_auc_score

    if len(np.unique(y_true)) < 2:
        raise ValueError("y_true has one class")
    return roc_auc_score(y_true, y_prob)


@right("roc_auc")
def auc_by_ranks(y_true, y_prob):
    from scipy.stats import rankdata

    positives = int(np.sum(y_true))
    negatives = len(y_true) - positives
    if not positives or not negatives:
        raise ValueError(f"y_true: {positives} positives, {negatives} negatives")
    ranks = rankdata(y_prob)
    return (ranks[y_true == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives)


@right("roc_auc")
def auc_by_trapezoids(y_true, y_prob):
    positives, negatives = np.sum(y_true == 1), np.sum(y_true == 0)
    if positives == 0 or negatives == 0:
        raise ValueError("y_true needs both classes")
    area, last_alarms, last_recall = 0.0, 0.0, 0.0
    for threshold in np.unique(y_prob)[::-1]:
        called = y_prob >= threshold
        recall = np.sum(called & (y_true == 1)) / positives
        alarms = np.sum(called & (y_true == 0)) / negatives
        area += (alarms - last_alarms) * (recall + last_recall) / 2
        last_alarms, last_recall = alarms, recall
    return area


@wrong("roc_auc", says="Tied pairs count 0")
def auc_without_ties(y_true, y_prob):
    return float(np.mean(y_prob[y_true == 1][:, None] > y_prob[y_true == 0]))


@wrong("roc_auc", says="Tied pairs count 1")
def auc_with_ties_won(y_true, y_prob):
    return float(np.mean(y_prob[y_true == 1][:, None] >= y_prob[y_true == 0]))


def rates(y_true, y_prob, thresholds, above=np.greater_equal):
    """A helper of the wrong ones: false positive rate and recall at each threshold."""
    called = [above(y_prob, threshold) for threshold in thresholds]
    return [np.mean(call[y_true == 0]) for call in called], [np.mean(call[y_true == 1]) for call in called]


@wrong("roc_auc", says="The curve does not begin at (0, 0)")
def auc_without_a_beginning(y_true, y_prob):
    alarms, recalls = rates(y_true, y_prob, np.unique(y_prob)[::-1])
    return float(np.trapezoid(recalls, alarms))


@wrong("roc_auc", says="The curve does not end at (1, 1)")
def auc_without_an_end(y_true, y_prob):
    alarms, recalls = rates(y_true, y_prob, np.unique(y_prob)[::-1], np.greater)
    return float(np.trapezoid(recalls, alarms))


@wrong("roc_auc", says="the axes are exchanged")
def auc_of_exchanged_axes(y_true, y_prob):
    alarms, recalls = rates(y_true, y_prob, np.unique(y_prob)[::-1])
    return float(np.trapezoid([0, *alarms], [0, *recalls]))


@wrong("roc_auc", says="That is minus the area: the thresholds rise")
def auc_from_right_to_left(y_true, y_prob):
    alarms, recalls = rates(y_true, y_prob, [*np.unique(y_prob), 2.0])
    return float(np.trapezoid(recalls, alarms))


@wrong("roc_auc", says="a grid of round numbers")
def auc_on_a_grid(y_true, y_prob):
    alarms, recalls = rates(y_true, y_prob, [2.0, *np.linspace(0, 1, 101)[::-1]])
    return float(np.trapezoid(recalls, alarms))


@wrong("roc_auc", says="are taken one by one, positives first")
def auc_of_sorted_pairs(y_true, y_prob):
    order = sorted(range(len(y_true)), key=lambda case: (y_prob[case], y_true[case]), reverse=True)
    hits = np.cumsum(y_true[order] == 1) / np.sum(y_true == 1)
    alarms = np.cumsum(y_true[order] == 0) / np.sum(y_true == 0)
    return float(np.trapezoid(hits, alarms))


@wrong("roc_auc", says="one minus the area")
def auc_upside_down(y_true, y_prob):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(1 - y_true, y_prob)


@wrong("roc_auc", says="do not apply a threshold first")
def auc_of_calls(y_true, y_prob):
    from sklearn.metrics import roc_auc_score

    return roc_auc_score(y_true, (y_prob >= 0.5).astype(int))


@wrong("roc_auc", says="That is the accuracy")
def auc_as_accuracy(y_true, y_prob):
    return np.mean((y_prob >= 0.5) == (y_true == 1))


@wrong("roc_auc", says="Ties depend on the cases' order")
def auc_case_by_case(y_true, y_prob):
    order = np.argsort(-y_prob, kind="stable")
    hits = np.cumsum(y_true[order] == 1) / np.sum(y_true == 1)
    alarms = np.cumsum(y_true[order] == 0) / np.sum(y_true == 0)
    return float(np.trapezoid(np.r_[0, hits], np.r_[0, alarms]))


@wrong("roc_auc", says="The cases were not sorted")
def auc_unsorted(y_true, y_prob):
    hits = np.cumsum(y_true == 1) / np.sum(y_true == 1)
    alarms = np.cumsum(y_true == 0) / np.sum(y_true == 0)
    return float(np.trapezoid(np.r_[0, hits], np.r_[0, alarms]))


@wrong("roc_auc", says="sorted by rising probability")
def auc_sorted_the_wrong_way(y_true, y_prob):
    order = np.argsort(y_prob)
    hits = np.cumsum(y_true[order] == 1) / np.sum(y_true == 1)
    alarms = np.cumsum(y_true[order] == 0) / np.sum(y_true == 0)
    return float(np.trapezoid(np.r_[0, hits], np.r_[0, alarms]))


@wrong("roc_auc", says="counted and not divided")
def auc_not_divided(y_true, y_prob):
    ill, healthy = y_prob[y_true == 1][:, None], y_prob[y_true == 0]
    return np.sum(ill > healthy) + 0.5 * np.sum(ill == healthy)


@wrong("roc_auc", says="not by the number of all pairs of cases")
def auc_divided_by_all_pairs(y_true, y_prob):
    ill, healthy = y_prob[y_true == 1][:, None], y_prob[y_true == 0]
    n = len(y_true)
    return (np.sum(ill > healthy) + 0.5 * np.sum(ill == healthy)) / (n * (n - 1) / 2)


@wrong("roc_auc", says="Bad input went through (no label is 1")
def auc_of_one_class_is_one_half(y_true, y_prob):
    ill, healthy = y_prob[y_true == 1][:, None], y_prob[y_true == 0]
    if not ill.size or not healthy.size:
        return 0.5
    return float(np.mean((ill > healthy) + 0.5 * (ill == healthy)))


@wrong("roc_auc", says="ZeroDivisionError came by accident")
def auc_that_divides_by_zero(y_true, y_prob):
    ill = [p for label, p in zip(y_true, y_prob, strict=True) if label]
    healthy = [p for label, p in zip(y_true, y_prob, strict=True) if not label]
    return sum((p > q) + 0.5 * (p == q) for p in ill for q in healthy) / (len(ill) * len(healthy))


@wrong("roc_auc", says="One number was asked for, and a tuple of 3 came")
def auc_as_a_whole_curve(y_true, y_prob):
    from sklearn.metrics import roc_curve

    return roc_curve(y_true, y_prob)


# --- threshold_for_recall --------------------------------------------------------------------------------------------


@right("threshold_for_recall")
def threshold_by_loop(y_true, y_prob, target):
    if not 0 < target <= 1:
        raise ValueError(f"target {target}")
    if 1 not in y_true:
        raise ValueError("y_true has no positive")
    for value in sorted(y_prob.tolist(), reverse=True):
        found = sum(1 for label, p in zip(y_true, y_prob, strict=True) if label == 1 and p >= value)
        if found / sum(y_true) >= target:
            break
    return value


@right("threshold_for_recall")
def threshold_by_sorting(y_true, y_prob, target):
    if target <= 0 or target > 1:
        raise ValueError("target outside (0, 1]")
    ill = np.sort(y_prob[y_true == 1])
    if ill.size == 0:
        raise ValueError("no positives in y_true")
    needed = int(np.ceil(target * ill.size - 1e-9))
    return ill[ill.size - needed]


@right("threshold_for_recall")
def threshold_by_scikit_learn(y_true, y_prob, target):
    from sklearn.metrics import roc_curve

    if not 0 < target <= 1 or y_true.sum() == 0:
        raise ValueError("target must be in (0, 1] and y_true must have a positive")
    if y_true.all():
        y_true, y_prob = np.append(y_true, 0), np.append(y_prob, -1.0)
    _, recalls, thresholds = roc_curve(y_true, y_prob, drop_intermediate=False)
    return float(thresholds[np.argmax(recalls >= target)])


@right("threshold_for_recall")
def threshold_over_unique_values(y_true, y_prob, target):
    if not (target > 0 and target <= 1):
        raise ValueError("target")
    ill = y_prob[y_true == 1]
    if len(ill) == 0:
        raise ValueError("y_true")
    values = np.unique(y_prob)
    recalls = (ill[None, :] >= values[:, None]).mean(axis=1)
    return values[recalls >= target].max()


@wrong("threshold_for_recall", says="That is the smallest value")
def threshold_smallest(y_true, y_prob, target):
    ill = y_prob[y_true == 1]
    return min(value for value in y_prob if np.mean(ill >= value) >= target)


@wrong("threshold_for_recall", says="Recall is above the target where exactly at it is enough")
def threshold_above_the_target(y_true, y_prob, target):
    ill = y_prob[y_true == 1]
    return max((value for value in y_prob if np.mean(ill >= value) > target), default=min(ill))


@wrong("threshold_for_recall", says="Recall was counted with `y_prob > threshold`")
def threshold_strictly_above(y_true, y_prob, target):
    ill = y_prob[y_true == 1]
    return max((value for value in y_prob if np.mean(ill > value) >= target), default=0.0)


@wrong("threshold_for_recall", says="Precision was brought to the target")
def threshold_for_precision(y_true, y_prob, target):
    return max(value for value in y_prob if np.mean(y_true[y_prob >= value]) >= target)


@wrong("threshold_for_recall", says="Recall was computed over all cases")
def threshold_over_all_cases(y_true, y_prob, target):
    return max(value for value in y_prob if np.mean(y_prob >= value) >= target)


@wrong("threshold_for_recall", says="ceil(target * n) of them are needed")
def threshold_by_index(y_true, y_prob, target):
    ill = np.sort(y_prob[y_true == 1])[::-1]
    return ill[min(int(target * len(ill)), len(ill) - 1)]


@wrong("threshold_for_recall", says="A quantile of the positives counts the steps between them")
def threshold_as_a_lower_quantile(y_true, y_prob, target):
    return float(np.quantile(y_prob[y_true == 1], 1 - target, method="lower"))


@wrong("threshold_for_recall", says="That quantile lies between two probabilities")
def threshold_as_a_quantile(y_true, y_prob, target):
    return np.quantile(y_prob[y_true == 1], 1 - target)


@wrong("threshold_for_recall", says="One positive too few")
def threshold_one_too_high(y_true, y_prob, target):
    ill = np.sort(y_prob[y_true == 1])[::-1]
    return ill[max(int(target * len(ill)) - 1, 0)]


@wrong("threshold_for_recall", says="has index k - 1")
def threshold_one_too_low(y_true, y_prob, target):
    ill = np.sort(y_prob[y_true == 1])[::-1]
    return ill[min(int(np.ceil(target * len(ill))), len(ill) - 1)]


@wrong("threshold_for_recall", says="The target itself came back")
def threshold_is_the_target(y_true, y_prob, target):
    return target


@wrong("threshold_for_recall", says="a grid of round numbers")
def threshold_on_a_grid(y_true, y_prob, target):
    ill = y_prob[y_true == 1]
    return max(value for value in np.linspace(0, 1, 101) if np.mean(ill >= value) >= target)


@wrong("threshold_for_recall", says="The negatives were used")
def threshold_of_the_negatives(y_true, y_prob, target):
    healthy = y_prob[y_true == 0]
    return max((value for value in y_prob if np.mean(healthy >= value) >= target), default=0.0)


@wrong("threshold_for_recall", says="work on a copy")
def threshold_by_sorting_in_place(y_true, y_prob, target):
    y_prob.sort()
    return y_prob[0]


@wrong("threshold_for_recall", says="Bad input went through (0.0 is not in (0, 1])")
def threshold_for_any_target(y_true, y_prob, target):
    ill = y_prob[y_true == 1]
    return max(value for value in y_prob if np.mean(ill >= value) >= target)
