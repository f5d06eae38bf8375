"""The likely mistake behind an exception: whether the learner's own `raise` raised it, or which call, and why."""

import builtins

# These say nothing of the input.
OF_THE_CODE = ("NotImplementedError", "NameError", "SystemExit", "EOFError", "ModuleNotFoundError")


def why_raised(
    type: str, bases: tuple[str, ...], message: str, lines: tuple[str, ...], own: bool = False, call: str = ""
) -> str:
    """The likely mistake behind an exception that a learner's function should not have raised.

    `own` says that a `raise` of the learner's raised it; `call` is what else raised it, on the learner's last line.
    """
    if call and not lines:
        return f"Your notebook imports `{call}` under this name, and that is another function: write it yourself."
    if type == "TypeError" and not lines and "argument" in message:  # raised by the call itself
        return (
            "The function does not take the arguments that it is called with: keep the `def` line as it was released."
        )
    if type == "AttributeError" and message.startswith("'NoneType'"):
        return (
            "None is used as if it were something: a call before it gave nothing back, as `re.match` does where the "
            "pattern does not fit."
        )
    if own and type not in OF_THE_CODE:
        return "Valid input was refused: check the condition in front of your `raise`."
    known = _known(message, lines)
    if "ValueError" in bases:
        return f"Valid input was refused{known and ': '}{known or _by(call, lines)}"
    return known[:1].upper() + known[1:] or _usual(type, bases, call)


def why_not_a_refusal(type: str, bases: tuple[str, ...], own: bool, reason: str, names: str, because: str) -> str:
    """The likely mistake where bad input led to an exception, but not to the one that was asked for.

    `reason` is the likely mistake in general, `names` the arguments of which one is to be named.
    """
    if type in OF_THE_CODE:
        return reason
    if "ValueError" in bases:
        return f"The ValueError does not say which argument is wrong: raise your own, first, and name {names} in it."
    if type == "AssertionError":
        return f"`assert` is for your own errors: for the caller's, `raise ValueError(...)` naming {names}."
    if own:
        came = _named(type)
        came = f"{came[0].upper()}{came[1:]}"
        return f"{came} is another type of error: for bad input, `raise ValueError(...)` naming {names}."
    came = _named(type)
    came = f"{came[0].upper()}{came[1:]} came by accident ({because})"
    return f"{came}: test for it first, and `raise ValueError(...)` naming {names}."


def _named(type: str) -> str:
    """An exception's type; not the name of one that a learner made, which could spell out a hidden check's inputs."""
    return type if hasattr(builtins, type) or type in _LIBRARIES else "an error of your own"


def _known(message: str, lines: tuple[str, ...]) -> str:
    """What is known of a library's message, on a line of the learner's; empty where nothing is."""
    code = lines[-1] if lines else ""
    return next((hint for said, on, hint in _MESSAGES if said in message and on in code), "")


def _by(call: str, lines: tuple[str, ...]) -> str:
    """By what valid input was refused, where that was no `raise` of the learner's."""
    if call:
        return f" by `{call}`: look at what this call is given on the line that is named."
    if lines:
        return ": the values on the line that is named do not fit together; print them, or their shapes."
    return " by a library, which was given what your function gave back: read its message."


def _usual(type: str, bases: tuple[str, ...], call: str) -> str:
    for base in bases:
        if base in _REASONS:
            return _REASONS[base]
    what = f"`{call}`" if call else "Your code"
    return (
        f"{what} stopped with {_named(type)} on valid input: "
        "read the line that is named, with this call's values in mind."
    )


# Exceptions that are not Python's own and that tell a learner something.
_LIBRARIES = (
    *("AxisError", "ConvergenceWarning", "DTypePromotionError", "InvalidArgumentError", "InvalidIndexError"),
    *("InvalidParameterError", "JSONDecodeError", "LinAlgError", "NotFittedError", "ResourceExhaustedError"),
    *("UFuncTypeError", "UnidentifiedImageError", "UnimplementedError", "_ArrayMemoryError", "_UFuncNoLoopError"),
)

_REASONS = {
    "NotImplementedError": "Not written yet: put your code where `raise NotImplementedError` stands, and run the cell.",
    "ZeroDivisionError": "A denominator is 0 here: test for that before dividing.",
    "NameError": "A name is used that nothing defines: a typing error, an import or a cell that was not run.",
    "AttributeError": "There is no such attribute: print the object's type, or look the name up for this version.",
    "IndexError": "An index is beyond the end: check where your loop or slice stops.",
    "UnboundLocalError": "A variable is used on a path on which it was never set.",
    "RecursionError": "The function calls itself without an end.",
    "ModuleNotFoundError": "A module is imported that is not installed here; NumPy is enough for this function.",
    "AssertionError": "An `assert` of yours refused valid input.",
    "SystemExit": "`exit()` ends the program: use `return` to leave a function.",
    "EOFError": "`input()` cannot be answered here: the function gets all that it needs as arguments.",
    "TypeError": "A value of one type is used as another: compare the arguments' types with what the line does.",
}

_GROUPS = "the folds are not told who the patients are; pass `groups=patients`, by its name, on the line that is named."
_TENSORS = "a layer stands where a tensor was asked for; take the layer's own, `layer.output`."
_AXIS = "Keras adds the axis of the cases itself; give `keras.Input` the shape of one case, with no `None` before it."
_SHAPES = "two arrays meet whose shapes do not fit; print both shapes for this call."

# (what a library's message says, what the learner's line holds, what that means). The first that fits counts.
_MESSAGES = (
    ("the number of groups: 1.", "", _GROUPS),
    ("'groups' parameter should not be None", "", _GROUPS),
    ("Expected 2D array, got 1D array", "fit(", "the features, one row a case, come first; `fit(features, labels)`."),
    ("inconsistent numbers of samples", "", "the arguments have different numbers of cases; print both lengths."),
    ("values must be KerasTensors", "", _TENSORS),
    ("has never been called and thus has no", "", "a model has no `.output` until it is called; `head(base.output)`."),
    ("found shape=(None, None", "", _AXIS),
    ("must be fully-defined (no `None`", "", _AXIS),
    ("Exception encountered when calling", "", "one layer's output is not what the next one takes; check their order."),
    ("the model has several outputs", "", "give the model one output, a tensor and no list of them."),
    ("not enough values to unpack", "confusion_matrix", "a class that is missing has no row; set `labels=[0, 1]`."),
    ("values to unpack", "", "the line has more or fewer names than there are values for this input."),
    ("truth value of an array", "max(", "`max` compares the rows of an array; `np.max` takes all of its elements."),
    ("truth value of an array", "min(", "`min` compares the rows of an array; `np.min` takes all of its elements."),
    ("truth value of an array", "", "one True or False is needed, and an array of them came; `.any()` or `.all()`."),
    ("into shape (0", "", "a slice is empty; `x[p:-p]` takes nothing where `p` is 0."),
    ("could not broadcast", "", _SHAPES),
    ("could not be broadcast", "", _SHAPES),
    ("mismatch in its core dimension", "", _SHAPES),
    ("cannot reshape array", "", "the new shape holds another number of elements; cut off first what does not fit."),
    ("negative dimensions are not allowed", "", "a size is negative for this input; look at what is subtracted."),
    ("larger sample than population", "", "more is drawn than there is; `replace=False` draws each only once."),
)
