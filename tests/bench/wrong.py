"""Group 3: one function is wrong; it has no points and the message of its mistake, the others keep theirs."""

from bench import EVERY, Draft, case


@case(written=(), says=("Not written yet",))
def nothing_written(draft: Draft):
    """The released notebook as it is."""


@case(written=("precision", "recall"), says=("Not written yet",))
def two_written(draft: Draft):
    """Two functions written, the others not."""


@case(lost=("roc_auc",), says=("IndexError", "beyond the end"))
def raises_on_some_input(draft: Draft):
    """Raises on input that it does not expect."""
    draft.inside("roc_auc", "if len(y_true) > 10:\n    return y_prob[len(y_prob)]")


@case(lost=("confusion_counts",), says=("An array of shape (2, 2) came",))
def wrong_shape(draft: Draft):
    """Gives back a matrix where four counts were asked for."""
    draft.write(
        "confusion_counts",
        """
        def confusion_counts(y_true, y_prob, threshold=0.5):
            from sklearn.metrics import confusion_matrix

            return confusion_matrix(y_true, y_prob >= threshold, labels=[0, 1])
        """,
    )


@case(lost=("precision", "f_beta"), says=("One number was asked for", "a str came", "a list of 1 came"))
def wrong_type(draft: Draft):
    """The right number as text, and in a list."""
    draft.write("precision", "def precision(tp, fp):\n    return str(tp / (tp + fp) if tp + fp else 0.0)")
    draft.inside("f_beta", "return [tp / (tp + fp)] if tp else [0.0]")


@case(lost=("threshold_for_recall",))
def wrong_by_one(draft: Draft):
    """The next threshold, one place too far."""
    draft.write(
        "threshold_for_recall",
        """
        def threshold_for_recall(y_true, y_prob, target):
            if not 0 < target <= 1:
                raise ValueError(f"target: {target} is not in (0, 1]")
            if not np.any(y_true == 1):
                raise ValueError("y_true has no 1")
            values = np.sort(np.unique(y_prob))
            good = [np.mean(y_prob[y_true == 1] >= value) >= target for value in values]
            return float(values[min(sum(good), len(values) - 1)])
        """,
    )


@case(lost=("roc_auc",), says=("Your function changes its arguments",))
def argument_mutated(draft: Draft):
    """Sorts the array that it was given."""
    draft.inside("roc_auc", "y_prob += 0.0\ny_prob *= 2.0")


@case(lost=("f_beta",), says=("hidden check",))
def right_for_the_examples_only(draft: Draft):
    """Right for the inputs of the public checks, learnt by heart, and for no others."""
    draft.write(
        "f_beta",
        """
        def f_beta(tp, fp, fn, beta=1.0):
            known = {(6, 2, 4), (3, 0, 0), (5, 10, 3)}
            if tp and (tp, fp, fn) not in known:
                return 0.123
            return (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp) if tp else 0.0
        """,
    )


@case(lost=("recall",), says=("Nothing came back",))
def printed_not_returned(draft: Draft):
    """Prints the answer."""
    draft.write("recall", "def recall(tp, fn):\n    print(tp / (tp + fn) if tp + fn else 0.0)")


@case(lost=("specificity",), says=("That is a percentage",))
def percent(draft: Draft):
    """A percentage where a share was asked for."""
    draft.write("specificity", "def specificity(tn, fp):\n    return 100 * tn / (tn + fp) if tn + fp else 0.0")


@case(lost=("precision",), says=("test whether the denominator is 0",))
def not_a_number(draft: Draft):
    """NumPy's nan where the denominator is 0."""
    draft.write("precision", "def precision(tp, fp):\n    return float(np.float64(tp) / np.float64(tp + fp))")


@case(lost=("recall",), says=("SyntaxError",))
def does_not_parse(draft: Draft):
    """A colon is missing."""
    draft.write("recall", "def recall(tp, fn)\n    return tp / (tp + fn)")


@case(lost=("recall",), says=("no function of that name",))
def renamed(draft: Draft):
    """The function has another name."""
    draft.write("recall", "def Recall(tp, fn):\n    return tp / (tp + fn) if tp + fn else 0.0")


@case(exercise="03-transfer-head", lost=("build_head", "freeze"), says=("no sigmoid", "Nothing is frozen"))
def keras_wrong(draft: Draft):
    """A head without its sigmoid, a base that is not frozen."""
    source = draft.cell("build_head")["source"]
    draft.write("build_head", source.replace('activation="sigmoid"', "activation=None"))
    draft.write("freeze", "def freeze(base):\n    base.trainabel = False\n    return base")


@case(exercise="06-capstone", written=EVERY, earned=())
def capstone_guesses(draft: Draft):
    """A classifier that says one half for everyone."""
    draft.write(
        "train_classifier",
        """
        def train_classifier(features, labels, patients, seed):
            return lambda features: np.full(len(features), 0.5)
        """,
    )


@case(exercise="06-capstone")
def capstone_solved(draft: Draft):
    """The course's own classifier."""
