"""Exercise 04-class-imbalance: what is true (scikit-learn, SciPy and counting) and what learners get wrong.

Nothing here is the course's own solution: scikit-learn weighs and scores, SciPy's log-odds shift, and of an oversampled
set, which has many right answers, what must hold is counted.
"""

import numpy as np
from scipy.special import expit, logit
from sklearn.metrics import log_loss
from sklearn.utils.class_weight import compute_class_weight

from autograder.checking import (
    Mistake,
    WrongType,
    as_numbers,
    expect,
    expect_refusal,
    expect_such,
    kind_of,
    require_answer,
    same_array,
    same_number,
)


def expect_labels_refused(learner, function: str, labels, because: str) -> None:
    """These labels, the function's only argument, are refused by name or by what they hold."""
    showing = (str(labels), str(labels.tolist()))
    expect_refusal(learner, function, labels, naming=("labels",), because=because, showing=showing)


def draw_labels(rng, sizes: dict[int, int]) -> np.ndarray:
    """Labels in drawn order, `sizes[label]` of each."""
    return rng.permutation(np.repeat(list(sizes), list(sizes.values())))


# --- class_weights ---------------------------------------------------------------------------------------------------


def expect_class_weights(learner, labels: np.ndarray) -> None:
    """The learner's weights equal scikit-learn's "balanced" ones."""
    classes = np.unique(labels)
    weights = compute_class_weight("balanced", classes=classes, y=labels)
    expect(
        learner,
        "class_weights",
        labels,
        expected={int(label): float(weight) for label, weight in zip(classes, weights, strict=True)},
        same=_same_weights,
        mistakes=WEIGHT_MISTAKES,
        otherwise="Compare with the formula, class by class: all cases / (number of classes * cases of this class).",
    )


def _same_weights(came, expected: dict[int, float]) -> bool:
    require_answer(came)
    if not isinstance(came, dict):
        raise WrongType(f"A dict was asked for, {{class: weight}}, and {kind_of(came)} came.")
    for label in came:
        if not isinstance(label, (int, np.integer)):
            raise WrongType(f"The keys are the classes as they stand in `labels` (int), and {kind_of(label)} is a key.")
    for weight in came.values():
        if isinstance(weight, (float, np.floating)) and not np.isfinite(weight):
            raise WrongType(
                "A class was counted 0 times: one that does not occur has no weight and no key. Take the classes from "
                "`np.unique(labels)`."
            )
    return set(came) == set(expected) and all(same_number(came[label], expected[label]) for label in expected)


def _weights(weigh):
    """A program that gives `weigh(n, k, counts)`, an array (k,), to the classes present."""

    def program(labels):
        classes, counts = np.unique(labels, return_counts=True)
        weights = weigh(len(labels), len(classes), counts)
        return {int(label): float(weight) for label, weight in zip(classes, weights, strict=True)}

    return program


def _balanced(labels) -> dict[int, float]:
    return _weights(lambda n, k, counts: n / (k * counts))(labels)


def _of_two_classes(labels) -> dict[int, float]:
    counts = {label: int(np.sum(np.asarray(labels) == label)) for label in (0, 1)}
    return {label: len(labels) / (2 * count) for label, count in counts.items()}


WEIGHT_MISTAKES = [
    Mistake("That is 1 / n_class: n and k are missing, n / (k * n_class).", _weights(lambda n, k, counts: 1 / counts)),
    Mistake("The number of classes is missing: n / (k * n_class).", _weights(lambda n, k, counts: n / counts)),
    Mistake(
        "The weights are upside down: the rarer a class, the larger its weight.",
        _weights(lambda n, k, counts: k * counts / n),
    ),
    Mistake(
        "Those are the classes' shares: the rarer a class, the larger its weight, so divide by the share.",
        _weights(lambda n, k, counts: counts / n),
    ),
    Mistake(
        "The weights were made to sum to one (of two classes, each then has the other's share): they are "
        "n / (k * n_class), so that the mean weight of a case is one.",
        _weights(lambda n, k, counts: (1 / counts) / np.sum(1 / counts)),
    ),
    Mistake(
        "The weights were made to sum to the number of classes: they are n / (k * n_class), so that the mean weight of "
        "a case is one.",
        _weights(lambda n, k, counts: k * (1 / counts) / np.sum(1 / counts)),
    ),
    Mistake(
        "The most frequent class was given 1: that keeps the ratios, and makes the loss larger than without weights.",
        _weights(lambda n, k, counts: counts.max() / counts),
    ),
    Mistake(
        "Two classes were assumed, whatever `labels` holds: k is the number of classes that occur.",
        _weights(lambda n, k, counts: n / (2 * counts)),
    ),
    Mistake(
        "Only the classes 0 and 1 have a weight: take the classes that occur, `np.unique(labels)`.", _of_two_classes
    ),
    Mistake(
        "The keys count the classes: they are the classes themselves, as they stand in `labels`.",
        lambda labels: dict(enumerate(_balanced(labels).values())),
    ),
    Mistake(
        "k counts the numbers from 0 to the largest label: count the classes that occur.",
        lambda labels: _weights(lambda n, k, counts: n / ((np.max(labels) + 1) * counts))(labels),
    ),
    Mistake("`//` cuts the fraction off: divide with `/`.", _weights(lambda n, k, counts: n // (k * counts))),
    Mistake(
        "Parentheses are missing: `n / k * n_class` multiplies by n_class; write n / (k * n_class).",
        _weights(lambda n, k, counts: n / k * counts),
    ),
]

# --- initial_bias ----------------------------------------------------------------------------------------------------


def expect_bias(learner, labels) -> None:
    """The learner's bias is the log-odds of the share of positives."""
    expect(
        learner,
        "initial_bias",
        labels,
        expected=float(logit(np.mean(labels))),
        same=same_number,
        mistakes=BIAS_MISTAKES,
        otherwise="Compare with the formula: the natural logarithm of n_positive / n_negative.",
    )


def _of_counts(program):
    """A wrong program of the numbers of positives and negatives, as one of labels."""
    return lambda labels: float(program(np.sum(labels == 1), np.sum(labels == 0)))


BIAS_MISTAKES = [
    Mistake(
        "The sign is wrong: positives belong on top, so that many of them give a bias above 0.",
        _of_counts(lambda positives, negatives: np.log(negatives / positives)),
    ),
    Mistake(
        "That is the logarithm of the share of positives: take it of n_positive / n_negative, the odds.",
        _of_counts(lambda positives, negatives: np.log(positives / (positives + negatives))),
    ),
    Mistake(
        "That is the share of positives: the bias comes before the sigmoid, so undo the sigmoid.",
        _of_counts(lambda positives, negatives: positives / (positives + negatives)),
    ),
    Mistake(
        "Those are the odds: the logarithm is missing.",
        _of_counts(lambda positives, negatives: positives / negatives),
    ),
    Mistake(
        "That is the logarithm to base 10: the sigmoid needs the natural one, `np.log`.",
        _of_counts(lambda positives, negatives: np.log10(positives / negatives)),
    ),
    Mistake(
        "That is the logarithm to base 2: the sigmoid needs the natural one, `np.log`.",
        _of_counts(lambda positives, negatives: np.log2(positives / negatives)),
    ),
    Mistake(
        "That is log(1 + n_positive / n_negative), as `np.log1p` gives it, or all cases divided by the negatives: take "
        "the logarithm of n_positive / n_negative itself.",
        _of_counts(lambda positives, negatives: np.log1p(positives / negatives)),
    ),
    Mistake(
        "The sigmoid was applied: the bias is what goes into it, log(n_positive / n_negative).",
        _of_counts(lambda positives, negatives: expit(positives / (positives + negatives))),
    ),
]

# --- weighted_binary_crossentropy ------------------------------------------------------------------------------------

CLIP = 1e-7


def expect_loss(learner, y_true, y_prob, weights: dict[int, float]) -> None:
    """The learner's loss is scikit-learn's sum of weighted losses by the number of cases."""
    by_case = np.where(y_true == 1, weights[1], weights[0])
    clipped = np.clip(y_prob, CLIP, 1 - CLIP)
    total = log_loss(y_true, clipped, sample_weight=by_case, normalize=False, labels=[0, 1])
    expect(
        learner,
        "weighted_binary_crossentropy",
        y_true,
        y_prob,
        weights,
        expected=float(total) / len(y_true),
        same=_same_loss,
        mistakes=LOSS_MISTAKES,
        otherwise="Take one case at a time: weights[label] * -log(probability of that label), and then the mean.",
    )


def _same_loss(came, expected: float) -> bool:
    if isinstance(came, (float, np.floating)) and not np.isfinite(came):
        raise WrongType(f"log(0) is -inf: clip the probabilities to [{CLIP:g}, 1 - {CLIP:g}] first, on both sides.")
    return same_number(came, expected)


def _losses(y_true, y_prob, low: float = CLIP, high: float = 1 - CLIP, added: float = 0.0):
    """The cases' cross-entropies; `added` stands inside the logarithm."""
    p = np.clip(y_prob, low, high)
    return -np.where(y_true == 1, np.log(p + added), np.log(1 - p + added))


def _by_case(y_true, weights):
    return np.where(y_true == 1, weights[1], weights[0])


def _clipped_at(low: float, high: float):
    return lambda y, p, weights: float(np.mean(_by_case(y, weights) * _losses(y, p, low, high)))


# Clips that other libraries use, and round numbers.
OTHER_CLIPS = (0.0, 1e-16, np.finfo(float).eps, 1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3)
LOSS_MISTAKES = [
    Mistake(
        "The sum was divided by the sum of the weights (as np.average does): divide by the number of cases.",
        lambda y, p, weights: float(np.average(_losses(y, p), weights=_by_case(y, weights))),
    ),
    Mistake(
        "The losses were added up: their mean was asked for.",
        lambda y, p, w: float(np.sum(_by_case(y, w) * _losses(y, p))),
    ),
    Mistake("`weights` is not used.", lambda y, p, weights: float(np.mean(_losses(y, p)))),
    Mistake(
        "The weights were taken in the order in which the dict holds them: ask for `weights[0]` and `weights[1]`.",
        lambda y, p, weights: float(np.mean(_by_case(y, list(weights.values())) * _losses(y, p))),
    ),
    Mistake(
        "The weights of the two classes are swapped: weights[1] belongs to the cases with label 1.",
        lambda y, p, weights: float(np.mean(_by_case(1 - y, weights) * _losses(y, p))),
    ),
    Mistake(
        "The losses were divided by the weights: a case with twice the weight counts twice.",
        lambda y, p, weights: float(np.mean(_losses(y, p) / _by_case(y, weights))),
    ),
    Mistake(
        "The minus sign is missing: a loss is not below 0.",
        lambda y, p, w: -float(np.mean(_by_case(y, w) * _losses(y, p))),
    ),
    Mistake(
        "The two terms are swapped: a case with label 1 counts -log(y_prob).",
        lambda y, p, weights: float(np.mean(_by_case(y, weights) * _losses(1 - y, p))),
    ),
    Mistake(
        "Only the cases with label 1 count: those with label 0 count -log(1 - y_prob).",
        lambda y, p, weights: float(np.mean(_by_case(y, weights) * _losses(y, p) * (y == 1))),
    ),
    Mistake(
        "The mean weight was multiplied with the mean loss: multiply case by case, then take the mean.",
        lambda y, p, weights: float(np.mean(_by_case(y, weights)) * np.mean(_losses(y, p))),
    ),
    Mistake(
        "The mean of each class was taken first: the mean is over all cases at once.",
        lambda y, p, weights: float(sum(weights[label] * np.mean(_losses(y, p)[y == label]) for label in (0, 1)) / 2),
    ),
    Mistake(
        "The logarithm has the wrong base: `np.log` is the natural one.",
        lambda y, p, weights: float(np.mean(_by_case(y, weights) * _losses(y, p)) / np.log(2)),
    ),
    Mistake(
        "The logarithm has the wrong base: `np.log` is the natural one.",
        lambda y, p, weights: float(np.mean(_by_case(y, weights) * _losses(y, p)) / np.log(10)),
    ),
    Mistake(
        "The weights stand inside the logarithm: they multiply the case's loss.",
        lambda y, p, weights: float(np.mean(_losses(y, p) - np.log(_by_case(y, weights)))),
    ),
    Mistake(
        "That is the squared error: the cross-entropy is -log of the probability of the case's label.",
        lambda y, p, weights: float(np.mean(_by_case(y, weights) * (y - p) ** 2)),
    ),
    Mistake(
        f"{CLIP:g} was added to the probabilities: clip them instead, `np.clip`, which leaves most as they are.",
        lambda y, p, weights: float(np.mean(_by_case(y, weights) * _losses(y, p, 0.0, 1.0, added=CLIP))),
    ),
    Mistake(
        "The probabilities were clipped below only: they are clipped above, too.",
        _clipped_at(CLIP, 1.0),
    ),
    *(
        Mistake(
            f"The probabilities were clipped elsewhere, or not at all: clip them to [{CLIP:g}, 1 - {CLIP:g}].",
            _clipped_at(clip, 1 - clip),
        )
        for clip in OTHER_CLIPS
    ),
]

# --- oversample ------------------------------------------------------------------------------------------------------

EXPECTED = "indices that hold each case at least once, and each class {} times"
MANY = 1e9  # as unlikely as one in this many: what no right program is refused for


def expect_oversampling(learner, labels, seed: int) -> None:
    """The learner's indices hold every case, and every class as often as the most frequent one."""
    expect_such(
        learner,
        "oversample",
        labels,
        np.random.default_rng(seed),
        expected=EXPECTED.format(np.unique(labels, return_counts=True)[1].max()),
        mistake=lambda came: _oversampling_mistake(labels, _indices(came)),
    )


def expect_draws(learner, labels, seeds: tuple[int, ...]) -> None:
    """Equal states of the generator give equal indices, and other states other repeats."""
    drawn = []

    def draw(seed: int, expected: str, mistake) -> None:
        came = expect_such(
            learner,
            "oversample",
            labels,
            np.random.default_rng(seed),
            expected=expected,
            mistake=lambda came: _oversampling_mistake(labels, _indices(came)) or mistake(_indices(came)),
        )
        drawn.append(_indices(came).tolist())

    draw(seeds[0], EXPECTED.format("equally many"), lambda came: "")
    draw(
        seeds[0],
        "the indices of the call before, which had a generator of the same state",
        lambda came: "" if came.tolist() == drawn[0] else STATE_NOT_KEPT,
    )
    for seed in seeds[1:-1]:
        draw(seed, EXPECTED.format("equally many"), lambda came: "")
    draw(
        seeds[-1],
        f"other repeats than from {', '.join(f'np.random.default_rng({seed})' for seed in seeds[:-1])}",
        lambda came: _why_always_the_same(labels, [*drawn, came.tolist()]),
    )


def _indices(came) -> np.ndarray:
    """What came, as an array of whole numbers (n,). Raises WrongType where it can be no array of indices."""
    require_answer(came)
    if isinstance(came, np.ndarray) and came.dtype == bool:
        raise WrongType("A mask of True and False cannot repeat a case: give indices, for instance of np.flatnonzero.")
    numbers = as_numbers(came)
    if numbers is None:
        raise WrongType(f"An array of indices was asked for, and {kind_of(came)} came.")
    if numbers.ndim != 1:
        raise WrongType(f"One row of indices was asked for, shape (n,), and shape {numbers.shape} came.")
    if numbers.dtype.kind == "f":
        raise WrongType(
            "Indices are whole numbers, and floats came: joining with an empty list does that, because `np.array([])` "
            "is of floats."
        )
    return numbers.astype(np.int64)


def _oversampling_mistake(labels, came) -> str:
    """What is wrong with these indices, in a sentence, or nothing."""
    classes, sizes = np.unique(labels, return_counts=True)
    most = sizes.max()
    filled_up = [most] * len(classes)
    if _class_sizes(came, classes) == filled_up and len(set(came.tolist())) < len(labels):
        return "Those are labels: give the indices of cases, by which images and labels can both be taken."
    if len(came) and (came.min() < 0 or came.max() >= len(labels)):
        return f"An index is outside 0 to {len(labels) - 1}: indices count the cases as they stand in `labels`."
    times = np.bincount(came, minlength=len(labels))
    by_class = _class_sizes(labels[came], classes)
    if (times == 0).any():
        return _why_missing(labels, came, by_class, classes, sizes)
    if by_class != filled_up:
        return _why_uneven(labels, times, by_class, classes, sizes)
    for label, size in zip(classes, sizes, strict=True):
        repeats = times[labels == label] - 1
        if size > 1 and repeats.max() == most - size and float(size) ** (most - size - 1) > MANY:
            return f"One case of class {label} makes up all of its repeats: draw each of the {most - size} anew."
    return ""


def _class_sizes(labels, classes) -> list[int]:
    return [int(np.sum(labels == label)) for label in classes]


def _why_missing(labels, came, by_class, classes, sizes) -> str:
    lacking = sizes.max() - sizes
    if by_class == lacking.tolist():
        return "Only the repeats came: the cases themselves belong there, too, each at least once."
    if by_class == [sizes.min()] * len(classes):
        return (
            "Cases of the frequent class were thrown away: that is undersampling. Keep all, and repeat the rare ones."
        )
    if by_class == [sizes.max()] * len(classes):
        return (
            "Each class was drawn anew, so that some cases are missing: keep every case once, and draw only what is "
            "lacking."
        )
    gone = [int(label) for label, size in zip(classes, by_class, strict=True) if size == 0]
    if gone:
        return f"Class {gone[0]} is missing altogether: go through the classes that occur, `np.unique(labels)`."
    first = int(np.setdiff1d(np.arange(len(labels)), came)[0])
    return f"Case {first} is missing: each case belongs there at least once."


def _why_uneven(labels, times, by_class, classes, sizes) -> str:
    most = sizes.max()
    repeats = np.flatnonzero(times > 1)
    if by_class == (sizes + most).tolist() or by_class == np.where(sizes < most, sizes + most, most).tolist():
        return "A class needs as many repeats as it lacks, the largest size minus its own, not the largest size."
    if by_class == sizes.tolist():
        return "Nothing was repeated: a class that lacks cases needs repeats up to the size of the largest."
    if sum(by_class) == most * len(classes):
        if repeats.max() < sizes.min():
            return (
                "The repeats are places within their class, taken for places in `labels`: draw from "
                "`np.flatnonzero(labels == c)`."
            )
        return "The repeats were drawn from all cases: draw those of a class from the class itself."
    if all(len(set(times[labels == label].tolist())) == 1 for label in classes):
        return (
            "Each case of a class was repeated equally often, and nothing was drawn: what a class lacks need not be a "
            "multiple of its size. Draw so many cases with `rng`."
        )
    unfilled = {label for label, size in zip(classes, by_class, strict=True) if size < most}
    if unfilled and not unfilled & {0, 1} and by_class == np.where(np.isin(classes, [0, 1]), most, sizes).tolist():
        return "Not every class was filled up: go through the classes that occur, `np.unique(labels)`, not 0 and 1."
    wrong = next(place for place, size in enumerate(by_class) if size != most)
    return f"Class {classes[wrong]} occurs {by_class[wrong]} times, and the most frequent class {most} times."


STATE_NOT_KEPT = (
    "The draws do not come from `rng` alone: call `rng.choice`, not `np.random.choice`, and make no generator yourself."
)


def _why_always_the_same(labels, drawn: list[list[int]]) -> str:
    """Why the same cases were repeated from several states of the generator, or nothing where they were not."""
    repeats = [np.bincount(indices, minlength=len(labels)) - 1 for indices in drawn]
    if any((repeat != repeats[0]).any() for repeat in repeats):
        return ""
    in_turn = all((np.diff(repeats[0][labels == label]) <= 0).all() for label in np.unique(labels))
    if in_turn:
        return (
            "The same cases are repeated whatever `rng` is, the first ones of the class in turn: draw them with `rng`."
        )
    return "`rng` makes no difference to what is repeated: draw with it, not with a generator or seed of your own."


# --- adjust_to_prior -------------------------------------------------------------------------------------------------


def expect_adjusted(learner, y_prob, train_prior: float, target_prior: float) -> None:
    """The learner's probabilities are those whose log-odds moved by the difference of the priors' log-odds."""
    expect(
        learner,
        "adjust_to_prior",
        y_prob,
        train_prior,
        target_prior,
        expected=expit(logit(y_prob) + logit(target_prior) - logit(train_prior)),
        same=same_array,
        mistakes=PRIOR_MISTAKES,
        otherwise="Turn each probability into odds, p / (1 - p); multiply by the odds of target_prior and divide by "
        "those of train_prior; turn the odds back, odds / (1 + odds).",
    )


def expect_priors_refused(learner, y_prob, priors) -> None:
    """Each of these numbers is refused as either prior."""
    for prior in priors:
        because = f"{prior:.3g} is not in (0, 1)"
        expect_refusal(learner, "adjust_to_prior", y_prob, prior, 0.5, naming=("train_prior",), because=because)
        expect_refusal(learner, "adjust_to_prior", y_prob, 0.5, prior, naming=("target_prior",), because=because)


def _odds(p):
    return p / (1 - p)


def _probability(odds):
    return odds / (1 + odds)


def _clipped(before: float, after: float):
    """A program that clips the probabilities before they are adjusted, afterwards, or both."""

    def program(p, train, target):
        clipped = np.clip(p, before, 1 - before)
        return np.clip(expit(logit(clipped) + logit(target) - logit(train)), after, 1 - after)

    return program


PRIOR_MISTAKES = [
    Mistake(
        "The two priors are swapped: divide by the odds of train_prior, multiply by those of target_prior.",
        lambda p, train, target: _probability(_odds(p) * _odds(train) / _odds(target)),
    ),
    Mistake(
        "The probabilities were multiplied by the ratio of the priors: that can exceed 1; multiply the odds.",
        lambda p, train, target: p * target / train,
    ),
    Mistake(
        "The probabilities were multiplied by the ratio of the priors and cut off at 1: multiply the odds.",
        lambda p, train, target: np.minimum(p * target / train, 1),
    ),
    Mistake(
        "Those are the odds: turn them back into probabilities, odds / (1 + odds).",
        lambda p, train, target: _odds(p) * _odds(target) / _odds(train),
    ),
    Mistake(
        "Those are the log-odds: turn them back into probabilities with a sigmoid.",
        lambda p, train, target: logit(p) + logit(target) - logit(train),
    ),
    Mistake(
        "The odds were multiplied by the ratio of the priors: take the ratio of the priors' odds.",
        lambda p, train, target: _probability(_odds(p) * target / train),
    ),
    Mistake(
        "The difference of the priors was added: a probability can leave 0..1 that way; multiply the odds.",
        lambda p, train, target: p + target - train,
    ),
    Mistake(
        "train_prior is not used: the network's odds hold the training set's share, which has to be divided out.",
        lambda p, train, target: _probability(_odds(p) * _odds(target)),
    ),
    Mistake(
        "target_prior is not used: without it, the probabilities are those for as many ill as healthy.",
        lambda p, train, target: _probability(_odds(p) / _odds(train)),
    ),
    Mistake(
        "That is one minus the answer: y_prob is the probability of 1.",
        lambda p, train, target: 1 - expit(logit(p) + logit(target) - logit(train)),
    ),
    *(
        Mistake(
            "Probabilities near 0 or 1 were clipped: they lie above 0 and below 1 already, and stay what they are.",
            _clipped(before, after),
        )
        for limit in (1e-4, 1e-3, 0.01, 0.05)
        for before, after in ((limit, 0.0), (0.0, limit), (limit, limit))
    ),
    Mistake("The probabilities came back as they were.", lambda p, train, target: p),
]
