"""What checks are written with: expect a value, expect a refusal, and name the likely mistake.

A failed check says what was expected, what came from which call, and what was probably done wrong. The mistake is
found by comparison: each known wrong program is run on the same input, and the one whose answer came is named.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.reasons import why_not_a_refusal, why_raised

SHOWN = 60  # elements of an array that are shown in full, so that a short call can be pasted and tried
WIDE = 1000  # characters of so many elements in a message
WIDTH = 300  # characters of any other value
MESSAGE = 200  # characters of an exception's message


class Wrong(AssertionError):
    """A check's verdict: `call` gave `came` where `expected` was due; `mistake` is the likely reason, one sentence."""

    share = 0.0  # of the function's points that it earns all the same

    def __init__(self, *, expected: str = "", came: str = "", mistake: str = "", call: str = "", lines=()):
        super().__init__(mistake)
        self.call, self.expected, self.came, self.mistake, self.lines = call, expected, came, mistake, tuple(lines)


class Partly(Wrong):
    """A verdict that leaves the learner `share` of the function's points: above 0, below 1."""

    def __init__(self, share: float, **texts):
        super().__init__(**texts)
        if not 0 < share < 1:
            raise ValueError(f"share: expected a number between 0 and 1, got {share}")
        self.share = share


class Raised(Wrong):
    """The learner's function raised: `type`, its `bases` by name, its `message`, and the learner's own lines.

    `own` and `call` say what raised it, as in `reasons.why_raised`.
    """

    def __init__(
        self, type: str, bases: tuple[str, ...], message: str, lines: tuple[str, ...], own: bool = False, call: str = ""
    ):
        came = f"{type}: {shortened(message)}" if message else type
        super().__init__(came=came, mistake=why_raised(type, bases, message, lines, own, call), lines=lines)
        self.type, self.bases, self.message, self.own = type, bases, message, own


class WrongType(Exception):
    """An answer of a type that can be no answer; the message is the likely mistake."""


@dataclass(frozen=True)
class Mistake:
    """A mistake that learners make: `program` takes the call's arguments and gives what it would have answered."""

    sentence: str
    program: Callable[..., Any]


def expect(
    learner,
    function: str,
    *args,
    expected,
    same: Callable[[Any, Any], bool],
    mistakes: Iterable[Mistake] = (),
    otherwise: str,
    **kwargs,
) -> None:
    """Call the learner's `function`; raise Wrong unless `same(came, expected)`.

    `same` raises WrongType for an answer of an impossible type. `otherwise` is the hint where no known mistake fits.
    """
    call = show_call(function, args, kwargs)
    try:
        came = getattr(learner, function)(*args, **kwargs)
        if same(came, expected):
            return
        mistake = _diagnose(came, same, mistakes, args, kwargs) or _usual_mistake(came, expected) or otherwise
    except WrongType as problem:
        mistake = str(problem)
    except Wrong as wrong:
        wrong.expected = wrong.expected or show(expected)
        raise
    shown = show_apart(expected, came)
    raise Wrong(call=call, expected=shown[0], came=shown[1], mistake=mistake) from None


def expect_such(learner, function: str, *args, expected: str, mistake: Callable[[Any], str], **kwargs) -> Any:
    """Call the learner's `function`, which has many right answers; raise Wrong where `mistake(came)` is a sentence.

    `expected` says in words what holds of every right answer. Gives back what came.
    """
    call = show_call(function, args, kwargs)
    try:
        came = getattr(learner, function)(*args, **kwargs)
        sentence = mistake(came)
    except WrongType as problem:
        sentence = str(problem)
    except Wrong as wrong:
        wrong.call, wrong.expected = wrong.call or call, wrong.expected or expected
        raise
    if sentence:
        raise Wrong(call=call, expected=expected, came=show(came), mistake=sentence) from None
    return came


def expect_refusal(
    learner, function: str, *args, naming: tuple[str, ...], because: str, showing: tuple[str, ...] = (), **kwargs
) -> None:
    """Call the learner's `function` on bad input; raise Wrong unless it raises a ValueError naming one of `naming`.

    `showing` holds texts of the bad value itself: one of them in the message says as well which argument is meant.
    """
    names = " or ".join(f"`{name}`" for name in naming)
    shown = f" (or shows {showing[0]!r})" if showing else ""
    expected = f"a ValueError whose message names {names}{shown}, because {because}"
    call = show_call(function, args, kwargs)
    try:
        came = getattr(learner, function)(*args, **kwargs)
    except Raised as raised:
        if "ValueError" in raised.bases and names_argument(raised.message, naming, showing):
            return
        raised.expected = expected
        raised.mistake = why_not_a_refusal(raised.type, raised.bases, raised.own, raised.mistake, names, because)
        raise
    except Wrong as wrong:
        wrong.expected = expected
        raise
    mistake = f"Bad input went through ({because}): test for it first, and `raise ValueError(...)` naming {names}."
    raise Wrong(call=call, expected=expected, came=show(came), mistake=mistake)


def names_argument(message: str, naming: tuple[str, ...], showing: tuple[str, ...] = ()) -> bool:
    """Whether an error's message names one of the arguments, as `y_true`, "Y_true" or "y true", or shows the value."""
    spoken = message.casefold().replace("_", " ")
    named = any(name.casefold().replace("_", " ") in spoken for name in naming)
    return named or any(value in message for value in showing)


def require_answer(came) -> None:
    """Raise WrongType where nothing came."""
    if came is None:
        raise WrongType("Nothing came back: a `return` is missing, or one path through the function has none.")


def same_number(came, expected: float, tolerance: float = 1e-9) -> bool:
    """Whether one real number came that equals `expected`. Raises WrongType where something else came."""
    require_answer(came)
    if isinstance(came, np.ndarray) and came.ndim == 0:
        came = came[()]
    if isinstance(came, (bool, np.bool_)) or not isinstance(came, (int, float, np.integer, np.floating)):
        raise WrongType(f"One number was asked for, and {kind_of(came)} came.")
    if isinstance(came, int):  # which NumPy may have no room for
        return abs(came - expected) <= tolerance * max(1.0, abs(expected))
    return bool(np.isfinite(came)) and abs(float(came) - expected) <= tolerance * max(1.0, abs(expected))


def same_whole_number(came, expected: int) -> bool:
    """Whether the same whole number came, as int or NumPy integer. Raises WrongType where something else came."""
    same = same_number(came, expected, tolerance=0)
    if not np.issubdtype(np.asarray(came).dtype, np.integer):
        if float(came).is_integer():
            mend = "give back `int(...)` of it, since `float(...)` and `/` make floats."
        else:
            mend = "`//` divides and rounds down at once."
        raise WrongType(f"A whole number (int) was asked for, and {kind_of(came)} came: {mend}")
    return same


def same_array(came, expected, tolerance: float = 1e-9) -> bool:
    """Whether an array (or list) of the same shape and numbers came, whatever its numeric type.

    Numbers may differ by `tolerance` times the largest one. Raises WrongType where something else came.
    """
    require_answer(came)
    numbers = as_numbers(came)
    if numbers is None:
        raise WrongType(f"An array of numbers was asked for, and {kind_of(came)} came.")
    if numbers.shape != np.shape(expected):
        return False
    difference = np.abs(numbers.astype(float) - np.asarray(expected, float))
    return bool(np.all(difference <= tolerance * max(1.0, np.max(np.abs(expected), initial=0.0))))


def as_numbers(came) -> np.ndarray | None:
    """An array or (nested) list of real numbers as an array; None for anything else."""
    if not isinstance(came, (np.ndarray, list, tuple)):
        return None
    try:
        numbers = np.asarray(came)
    except ValueError:  # rows of different lengths
        return None
    return numbers if numbers.dtype.kind in "iuf" else None


def same_counts(came, expected: tuple[int, ...]) -> bool:
    """Whether the same whole numbers came, as a tuple, list or array. Raises WrongType where something else came."""
    require_answer(came)
    if isinstance(came, np.ndarray) and came.shape != (len(expected),):
        raise WrongType(f"An array of shape {came.shape} came; put the {len(expected)} counts into one tuple.")
    if not isinstance(came, (tuple, list, np.ndarray)) or len(came) != len(expected):
        raise WrongType(f"A tuple of {len(expected)} counts was asked for, and {kind_of(came)} came.")
    for item in came:
        if isinstance(item, (bool, np.bool_)) or not isinstance(item, (int, np.integer)):
            raise WrongType(f"Counts are whole numbers (int), and {kind_of(item)} is among them.")
    return [int(item) for item in came] == list(expected)


def kind_of(value) -> str:
    """The type of a value in words: `a tuple of 2`, `an array of shape (3,)`, `a float`."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, (tuple, list, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def shortened(message: str) -> str:
    """An exception's message in a few words, without what a terminal would obey."""
    text = " ".join(re.sub(r"\x1b\[\d*m", "", message).split())
    text = "".join(character for character in text if character.isprintable())
    return text if len(text) <= MESSAGE else f"{text[: MESSAGE - 3]}..."


def show(value) -> str:
    """A value as it stands in a message: short arrays in full, long ones by their ends and shape."""
    text = _show(value)
    limit = WIDE if isinstance(value, (np.ndarray, list, tuple)) else WIDTH
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def show_apart(expected, came) -> tuple[str, str]:
    """Both as they stand in a message; of arrays that are too long for one, also where they differ first."""
    texts, place = (show(expected), show(came)), _first_difference(expected, came)
    if place is None:
        return texts
    values = (_show(as_numbers(array)[place]) for array in (expected, came))
    where = f"[{', '.join(map(str, place))}]"
    return tuple(f"{text}, at {where}: {value}" for text, value in zip(texts, values, strict=True))


def _first_difference(expected, came) -> tuple[int, ...] | None:
    """The place of the first number that differs by more than rounding; None where not all of them are compared."""
    wanted, numbers = as_numbers(expected), as_numbers(came)
    if wanted is None or numbers is None or wanted.shape != numbers.shape or wanted.size <= SHOWN:
        return None
    tolerance = 1e-9 * max(1.0, np.max(np.abs(wanted)))
    differs = ~(np.abs(numbers.astype(float) - wanted.astype(float)) <= tolerance)
    return tuple(np.argwhere(differs)[0].tolist()) if differs.any() else None


def show_call(function: str, args: tuple, kwargs: dict) -> str:
    """The call, as it would be written: a short one can be pasted into a cell."""
    shown = [show(value) for value in args] + [f"{name}={show(value)}" for name, value in kwargs.items()]
    return f"{function}({', '.join(shown)})"


def _show(value) -> str:
    if isinstance(value, np.ndarray):
        if value.size <= SHOWN:
            return _show_array(value)
        flat = value.ravel()
        ends = ", ".join(_show(item) for item in flat[:3]), ", ".join(_show(item) for item in flat[-2:])
        return f"array([{ends[0]}, ..., {ends[1]}], shape={value.shape}, dtype={value.dtype})"
    if isinstance(value, np.random.Generator):
        return _show_generator(value)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (tuple, list)):
        shown = [*value[:3], ..., *value[-2:]] if len(value) > SHOWN else value
        inside = ", ".join("..." if item is ... else _show(item) for item in shown)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_show(key)}: {_show(item)}' for key, item in value.items())}}}"
    if isinstance(value, float):
        # 12 digits: enough to tell two answers apart, without the tail of binary fractions.
        return repr(float(f"{value:.12g}"))
    return repr(value)


def _show_array(array: np.ndarray) -> str:
    """How to make this array, its type of numbers where NumPy would choose another one."""
    dtype = f"np.{array.dtype}"
    if not array.size:
        return f"np.zeros({array.shape}{'' if array.dtype == float else f', {dtype}'})"
    same = array.dtype.kind == "U" or np.asarray(array.tolist()).dtype == array.dtype
    return f"np.array({_show(array.tolist())}{'' if same else f', {dtype}'})"


def _show_generator(generator: np.random.Generator) -> str:
    """How to make a generator of this state: checks draw a seed, make a new one of it, and pass that on."""
    seed = getattr(generator.bit_generator.seed_seq, "entropy", None)
    fresh = isinstance(seed, int) and np.random.default_rng(seed).bit_generator.state == generator.bit_generator.state
    return f"np.random.default_rng({seed})" if fresh else "a random generator that has been drawn from"


def _diagnose(came, same, mistakes: Iterable[Mistake], args: tuple, kwargs: dict) -> str:
    """The sentence of the first mistake whose program gives what came, or nothing."""
    for mistake in mistakes:
        try:
            with np.errstate(all="ignore"):
                if same(came, mistake.program(*args, **kwargs)):
                    return mistake.sentence
        except WrongType:  # none was raised for the right numbers: these are the mistake's, and of another type as well
            return mistake.sentence
        except (ArithmeticError, ValueError, LookupError):
            continue  # this wrong program has no answer to this input
    return ""


def _usual_mistake(came, expected) -> str:
    """The mistakes that are no function's own."""
    if isinstance(expected, np.ndarray):
        return _usual_mistake_in_array(as_numbers(came), expected)
    if not isinstance(came, (int, float, np.number)):
        return ""
    value = float(came)
    if np.isnan(value):
        return "nan comes from 0 / 0: test whether the denominator is 0 before dividing."
    if np.isinf(value):
        return "inf comes from a division by 0: test the denominator before dividing."
    if expected and abs(value - 100 * expected) < 1e-6:
        return "That is a percentage: give the share, between 0 and 1."
    if abs(value - expected) <= 0.05 and any(value == round(expected, digits) for digits in range(1, 6)):
        return "That is rounded: give the number in full, and round only where you print it."
    if abs(value - expected) <= 1e-4 * max(1.0, abs(expected)):
        return (
            "That is nearly the number: did you add something small, to a denominator perhaps, or compute in float32? "
            "Where a denominator can be 0, test for that instead."
        )
    return ""


def _usual_mistake_in_array(came: np.ndarray, expected: np.ndarray) -> str:
    if came.shape != expected.shape:
        return f"The shape is {came.shape}, and {expected.shape} was asked for: look at how the result is made."
    if not np.isfinite(came).all():
        return "nan or inf is among the numbers: it comes from a division by 0, or from numbers never set."
    return ""
