"""Exercise 06-capstone: what a classifier must keep to, what its score is worth, and what learners get wrong."""

import time

import numpy as np

from autograder.capstone_data import Cases, score
from autograder.checking import Partly, Wrong, WrongType, kind_of, require_answer, show, show_call
from autograder.judging.functions import FunctionLearner, Kept, Other

SECONDS = 20  # that one training may take, and one prediction of a whole test set
POINTS = 10  # of the exercise
ENOUGH = 0.95  # of the way from guessing to the course's own solution: all points
GUESSING = 0.5  # the score of a constant, or of chance
QUICK = SECONDS / 2  # who needs no longer to train and to predict is run once more, for a better message
KEPT_BACK = 0.4  # of the training patients, for that message
LEANING = 0.4  # recall above specificity, on patients kept back, that chance and a model too large do not explain
SAME = 1e-3  # how far two probabilities may lie apart and still be the same: sums in another order differ a little

FUNCTION = "a function from features (m, d) to m probabilities of PNEUMONIA"


def needed_score(points: int, reference: float) -> float:
    """The score from which on so many points are given, where the course's own solution scores `reference`."""
    return GUESSING + ENOUGH * (reference - GUESSING) * points / POINTS


def points_for(value: float, reference: float) -> int:
    """The points for a score: whole ones, 0 to POINTS."""
    return sum(value >= needed_score(points, reference) for points in range(1, POINTS + 1))


def scale(reference: float) -> str:
    """The scale as a small table in text."""
    rows = [f"{points:6}   {needed_score(points, reference):.3f}" for points in range(POINTS, 0, -1)]
    return "\n".join(["points   score at least", *rows])


def expect_classifier(learner, cases: Cases, seed: int) -> Kept:
    """Train the learner's classifier. Raises Wrong where no function comes back, or too late."""
    call = show_call("train_classifier", (cases.features, cases.labels, cases.patients, seed), {})
    came = _in_time(
        lambda: learner.train_classifier(cases.features, cases.labels, cases.patients, seed), call, "training"
    )
    try:
        require_answer(came)
        if not isinstance(came, Kept):
            raise WrongType(_no_function(came))
    except WrongType as problem:
        raise Wrong(call=call, expected=FUNCTION, came=show(came), mistake=str(problem)) from None
    return came


def expect_probabilities(classifier: Kept, features: np.ndarray) -> np.ndarray:
    """What the classifier gives for features, float64 (m,). Raises Wrong where these are no probabilities."""
    came = _in_time(lambda: classifier(features), classifier.call, "a prediction")
    try:
        return _probabilities(came, len(features))
    except WrongType as problem:
        expected = f"{len(features)} probabilities for features of shape {features.shape}"
        raise Wrong(call=classifier.call, expected=expected, came=show(came), mistake=str(problem)) from None


def expect_reproducible(learner, train: Cases, test: Cases, seed: int, rng) -> None:
    """Trained twice with one seed, the learner's classifiers agree; and a case's probability is its own."""
    learner = FunctionLearner(learner)
    first = expect_classifier(learner, train, seed)
    before = expect_probabilities(first, test.features)
    rows, others = np.array_split(rng.permutation(len(before)), 2)
    if (difference := np.abs(expect_probabilities(first, test.features[rows]) - before[rows]).max()) > SAME:
        raise Wrong(
            call=first.call,
            expected="the same probability for a case, whichever cases it is asked about with",
            came=f"up to {difference:.2g} of difference when half of the cases were asked about, in another order",
            mistake="The function uses more than the case: scale with the mean and deviation of the training features, "
            "and give back one probability for each row, in the rows' order.",
        )
    # The second one is asked about other cases first: neither may go by those.
    second, again = expect_classifier(learner, train, seed), np.empty_like(before)
    for part in (rows, others):
        again[part] = expect_probabilities(second, test.features[part])
    if (difference := np.abs(again - before).max()) > SAME:
        raise Wrong(
            call=first.call,
            expected="the same probabilities each time, since the seed is the same",
            came=f"up to {difference:.2g} of difference when it was called again",
            mistake="Something is drawn without the seed: draw everything with `np.random.default_rng(seed)`, pass "
            "`random_state=seed` to scikit-learn, or begin with `keras.utils.set_random_seed(seed)`.",
        )


def expect_score(learner, train: Cases, test: Cases, seed: int, reference: float) -> None:
    """The learner's classifier, trained on `train`, scores enough on `test`. Raises Partly where it is worth a part."""
    learner, start = FunctionLearner(learner), time.monotonic()
    classifier = expect_classifier(learner, train, seed)
    probabilities = expect_probabilities(classifier, test.features)
    quick = time.monotonic() - start <= QUICK
    auc, balanced, value = score(test.labels, probabilities)
    points = points_for(value, reference)
    if points == POINTS:
        return
    weakness = _weakness(probabilities, auc) or _choice((quick and _kept_back(learner, train, seed)) or None)
    texts = {
        "call": classifier.call,
        "expected": f"a score of {needed_score(POINTS, reference):.3f} or more for all {POINTS} points",
        "came": f"ROC AUC {auc:.3f}, balanced accuracy {balanced:.3f} at 0.5, so a score of {value:.3f}",
        "mistake": f"{points} of {POINTS} points. {weakness}",
    }
    raise Partly(points / POINTS, **texts) if points else Wrong(**texts)


def expect_to_learn_from_arguments(learner, train: Cases, test: Cases, seed: int) -> None:
    """Of other cases, whose labels are turned round, the learner's classifier learns the opposite."""
    half = train.take(np.arange(0, len(train.labels), 2))
    turned = Cases(half.features, 1 - half.labels, half.patients)
    classifier = expect_classifier(FunctionLearner(learner), turned, seed)
    auc, _, _ = score(test.labels, expect_probabilities(classifier, test.features))
    if auc > 0.6:
        raise Wrong(
            call=classifier.call,
            expected="the opposite of the truth, ROC AUC below 0.5: half of the cases came, with labels turned round",
            came=f"ROC AUC {auc:.3f}, as if the labels were right",
            mistake="It has learned from other cases than those that it was given: use the arguments `features`, "
            "`labels` and `patients`, and neither `train` nor `test` of the notebook.",
        )


def shuffled(cases: Cases, columns: np.ndarray, rows: np.ndarray) -> Cases:
    """The cases in another order, and their features in another order of channels."""
    cases = cases.take(rows)
    return Cases(np.ascontiguousarray(cases.features[:, columns]), cases.labels, cases.patients)


def _in_time(call, shown: str, what: str):
    """What `call` gives. Raises Wrong where it takes longer than SECONDS, stopped by the judge or not."""
    start = time.monotonic()
    try:
        came = call()
    except Wrong as wrong:
        if time.monotonic() - start > SECONDS:
            raise _too_slow(shown, what, start) from None
        wrong.call, wrong.expected = shown, wrong.expected or FUNCTION
        raise
    if time.monotonic() - start > SECONDS:
        raise _too_slow(shown, what, start)
    return came


def _too_slow(shown: str, what: str, start: float) -> Wrong:
    return Wrong(
        call=shown,
        expected=f"{what} in {SECONDS} seconds at most",
        came=f"{time.monotonic() - start:.0f} seconds",
        mistake=f"{what.capitalize()} takes too long: fewer candidates, folds, trees or epochs will do as well.",
    )


def _no_function(came) -> str:
    """The likely mistake where something else than a function came."""
    if isinstance(came, Other):
        return (
            f"The model itself came back ({came.type}): give back a function that asks it, for instance "
            "`return lambda features: model.predict_proba(features)[:, 1]`."
        )
    if isinstance(came, (np.ndarray, list)):
        return (
            "Predictions came back, and a function was asked for: the cases that it will be asked about are not known "
            "yet. Define a function inside `train_classifier`, and `return` it without calling it."
        )
    return f"A function was asked for, and {kind_of(came)} came: define one inside `train_classifier`, and `return` it."


def _probabilities(came, length: int) -> np.ndarray:
    """What came, float64 (length,). Raises WrongType where it is no array of probabilities."""
    require_answer(came)
    if isinstance(came, (Other, Kept)):
        kind = came.type if isinstance(came, Other) else "function"
        raise WrongType(f"An array of numbers was asked for, and a {kind} came: `np.asarray` turns a tensor into one.")
    try:
        values = np.asarray(came)
    except ValueError:  # rows of different lengths
        values = np.array(None)
    if values.dtype.kind not in "iufb":
        raise WrongType(f"An array of numbers was asked for, and {kind_of(came)} came.")
    if values.shape == (length, 2):
        raise WrongType("Two columns came, one for each class: `[:, 1]` is the probability of PNEUMONIA.")
    if values.shape == (length, 1):
        raise WrongType(f"The shape is {values.shape}, and ({length},) was asked for: `[:, 0]` takes the only column.")
    if values.shape != (length,):
        raise WrongType(f"The shape is {values.shape}, and ({length},) was asked for: one probability for each row.")
    values = values.astype(float)
    if not np.isfinite(values).all():
        raise WrongType("nan or inf is among them: look for a division by 0, such as a channel that is always 0.")
    if values.min() < 0 or values.max() > 1:
        raise WrongType(
            "Probabilities lie in 0..1: what came looks like a distance from the border between the classes, which the "
            "sigmoid, 1 / (1 + exp(-distance)), turns into one."
        )
    return values


def _weakness(probabilities: np.ndarray, auc: float) -> str:
    """What is wrong with such probabilities, in one sentence; nothing where it is no mistake, but a choice."""
    if np.ptp(probabilities) < 1e-9:
        return "Every case got the same probability: nothing was learned from the features."
    if auc < 0.4:
        return "The order is turned round: the probability is that of NORMAL, and that of PNEUMONIA (1) is asked for."
    if np.isin(probabilities, [0, 1]).all():
        return "Only 0 and 1 came: these are calls, and a probability says more (`predict_proba`, not `predict`)."
    if auc < 0.55:
        return "The cases are in no order: were the labels used, and is each row's probability that of the same row?"
    return ""


def _choice(kept_back: tuple[float, float, float] | None) -> str:
    """What to choose otherwise, by what training patients show: those that it was `_kept_back` from."""
    simple = (
        "Compare ways to keep the model simple (a penalty, shallower trees, the features as they are) by "
        "cross-validation in which no patient is on both sides."
    )
    if kept_back is None:
        return simple
    found, left_alone, value = kept_back
    if found - left_alone > LEANING:
        return (
            f"Trained without some of the training patients, it finds {found:.2f} of their ill at 0.5, and leaves "
            f"{left_alone:.2f} of their healthy alone: weigh the classes alike, or choose the cut with such cases."
        )
    return (
        f"Of training patients that it was not trained on, the score is {value:.2f}: what is lost from there to here "
        f"is the other scanner's part, and chance; no training case shows it. {simple}"
    )


def _kept_back(learner: FunctionLearner, train: Cases, seed: int) -> tuple[float, float, float] | None:
    """Recall, specificity and score on some training patients, of a classifier trained on the others.

    It says what a learner could have found out, without a look at the test labels. None where it cannot be had.
    """
    names = np.unique(train.patients)
    names = np.random.default_rng(0).permutation(names)[: int(KEPT_BACK * len(names))]
    back = np.isin(train.patients, names)
    cases = train.take(back)
    try:
        classifier = expect_classifier(learner, train.take(~back), seed)
        called = expect_probabilities(classifier, cases.features)
    except Wrong:
        return None
    found, left_alone = np.mean(called[cases.labels == 1] >= 0.5), np.mean(called[cases.labels == 0] < 0.5)
    return float(found), float(left_alone), score(cases.labels, called)[-1]
