"""`learner`: how a check calls the learner's functions, wherever they live."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from autograder.checking import Raised, Wrong, show_call
from autograder.judging import calls
from autograder.judging.plain import loads

OF_KERAS = re.compile(r"\bkeras\.src\.layers\.|\.KerasTensor\b")
LINE_WIDTH = 120  # characters of a cell's line in a message


class Learner:
    """Calls a learner's functions as if they were its methods: `learner.precision(3, 1)`.

    A call gives back plain data, or raises Wrong (Raised, where the learner's code raised).
    `exchange` takes a question as bytes and gives the reply as bytes; where the learner's code runs is its affair.
    `names` gives, for a contract's function, the name that it has in the learner's namespace, where that differs.
    `stopped` says of a function's cell that it `stopped with` an error, where it did, for the message that the function
    is not there.
    """

    def __init__(
        self,
        exchange: Callable[[bytes], bytes],
        names: Mapping[str, str] | None = None,
        stopped: Mapping[str, str] | None = None,
    ):
        self._exchange = exchange
        self._names = names or {}
        self._stopped = stopped or {}
        self._copies = None  # of the checks' Keras models, where the learner's code runs: `keras_models.ModelLearner`

    def __getattr__(self, function: str) -> Callable:
        if function.startswith("_"):
            raise AttributeError(function)

        def call(*args, **kwargs):
            return self._call(function, args, kwargs)

        return call

    def _call(self, function: str, args: tuple, kwargs: dict) -> Any:
        try:
            reply = self._exchange(calls.ask(self._names.get(function, function), args, kwargs))
            return value_of(calls.read(reply), function, self._stopped.get(function, ""))
        except Wrong as wrong:
            wrong.call = show_call(function, args, kwargs)
            raise


def in_place(
    namespace: Mapping, names: Mapping[str, str] | None = None, stopped: Mapping[str, str] | None = None
) -> Learner:
    """The learner whose functions live in this process, in `namespace` (a notebook's, a module's)."""
    return Learner(lambda question: calls.answer(namespace, loads(question)), names, stopped)


def stopped_with(answer: calls.Answer) -> str:
    """How a cell stopped, by the answer of kind `raised`: `stopped with SyntaxError: expected ':', line 1`."""
    where = f" ({answer.lines[-1][:LINE_WIDTH]})" if answer.lines else ""
    return f"stopped with {answer.type}: {answer.message[:200]}{where}"


def value_of(answer: calls.Answer, function: str, stopped: str = "", *, models: bool = False) -> Any:
    """The value of an answer. Raises Wrong, with the likely mistake, where there is none or an argument changed.

    `models`: Keras models may be asked for.
    """
    if answer.kind == "raised":
        raise Raised(answer.type, answer.bases, answer.message, answer.lines, answer.own, answer.call)
    if answer.kind == "missing" and stopped:
        raise Wrong(
            expected=f"a function named `{function}`",
            came=f"its cell {stopped}",
            mistake=_why_stopped(function, stopped),
        )
    if answer.kind == "missing" and answer.message:
        raise Wrong(
            expected=f"a function named `{function}`",
            came=f"no function of that name, but `{answer.message[:100]}`",
            mistake=f"The function has another name: call it `{function}` again, letter for letter, and run its cell.",
        )
    if answer.kind == "missing":
        raise Wrong(
            expected=f"a function named `{function}`",
            came="no function of that name",
            mistake=f"The cell that defines `{function}` was not run, was renamed or removed, or raised an error.",
        )
    if answer.kind == "not plain" and answer.type == "int":
        raise Wrong(
            came=f"{answer.type}: {answer.message}",
            mistake="No number that is asked for is that large: look for a power or a product that grows.",
        )
    if answer.kind == "not plain":
        raise Wrong(
            came=f"{answer.type}: {answer.message}",
            mistake=_why_not_plain(answer, models),
        )
    if answer.changed:
        raise Wrong(
            expected="arguments as they were before the call",
            came=f"{' and '.join(answer.changed)} changed by the call",
            mistake="Your function changes its arguments: work on a copy, for instance `np.sort(x)`, not `x.sort()`.",
        )
    return answer.value


def _why_not_plain(answer: calls.Answer, models: bool) -> str:
    """The likely mistake where an object came that is no answer."""
    model = "give back the model itself, `keras.Model(inputs, outputs)`"
    if answer.type == "KerasTensor":
        return f"A tensor is no model: {model}, where the tensor is the output."
    if answer.type in ("list", "tuple") and OF_KERAS.search(answer.message):
        return f"A {answer.type} of layers or tensors is no model: {model}."
    if answer.type == "method":
        return "A method came, not what it gives: call it, with `()`."
    if models and answer.type == "function":
        return f"A function is no model, whatever it computes: {model}."
    if models:
        return "Give back what the docstring asks for, and nothing that wraps it."
    return "Give back plain numbers, tuples, lists or NumPy arrays, nothing that wraps them."


def _why_stopped(function: str, stopped: str) -> str:
    """The likely mistake in a cell that stopped before it defined its function."""
    for type, mistake in _STOPPED.items():
        if stopped.startswith(f"stopped with {type}:"):
            return mistake
    return f"Run the cell that defines `{function}` and mend what it reports; then check again."


_UNREADABLE = (
    "Python cannot read the cell: mend the line that is named, or the one above it, run the cell and check again."
)
_STOPPED = {
    "SyntaxError": _UNREADABLE,
    "IndentationError": _UNREADABLE,
    "TabError": "Tabs and spaces are mixed: indent each line of the cell with spaces only.",
    "EOFError": "`input()` cannot be answered here: delete it, the function gets all that it needs as arguments.",
    "StdinNotImplementedError": "`input()` cannot be answered here: the function gets all that it needs as arguments.",
    "SystemExit": "`exit()` ends the cell before the function is defined: delete it.",
}
