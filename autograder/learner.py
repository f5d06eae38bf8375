"""`learner`: how a check calls the learner's functions, wherever they live."""

from collections.abc import Callable, Mapping
from typing import Any

from autograder.checking import Raised, Wrong, show_call
from autograder.judging import calls
from autograder.judging.plain import loads


class Learner:
    """Calls a learner's functions as if they were its methods: `learner.precision(3, 1)`.

    A call gives back plain data, or raises Wrong (Raised, where the learner's code raised).
    `exchange` takes a question as bytes and gives the reply as bytes; where the learner's code runs is its affair.
    `names` gives, for a contract's function, the name that it has in the learner's namespace, where that differs.
    `stopped` says of a function's cell how it stopped, where it did, for the message that the function is not there.
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


def in_place(namespace: Mapping, names: Mapping[str, str] | None = None) -> Learner:
    """The learner whose functions live in this process, in `namespace` (a notebook's, a module's)."""
    return Learner(lambda question: calls.answer(namespace, loads(question)), names)


def value_of(answer: calls.Answer, function: str, stopped: str = "") -> Any:
    """The value of an answer. Raises Wrong, with the likely mistake, where there is none or an argument changed."""
    if answer.kind == "raised":
        raise Raised(answer.type, answer.bases, answer.message, answer.lines)
    if answer.kind == "missing" and stopped:
        raise Wrong(
            expected=f"a function named `{function}`",
            came=f"its cell stopped with {stopped}",
            mistake=f"Run the cell that defines `{function}` and mend what it reports; then check again.",
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
            mistake="Give back plain numbers, tuples, lists or NumPy arrays, nothing that wraps them.",
        )
    if answer.changed:
        raise Wrong(
            expected="arguments as they were before the call",
            came=f"{' and '.join(answer.changed)} changed by the call",
            mistake="Your function changes its arguments: work on a copy, for instance `np.sort(x)`, not `x.sort()`.",
        )
    return answer.value
