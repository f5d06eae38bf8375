"""Learners' functions that give a function back: it stays where it was made; the judge calls it there by its handle.

`FunctionLearner` is for checks: a call of a learner's function gives `Kept`, which is called like the function itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.checking import Wrong, show_call
from autograder.judging import calls, plain
from autograder.learner import Learner, value_of


class FunctionLearner(Learner):
    """A learner whose functions give functions back. Made anew in each check: it begins without any of them."""

    def __init__(self, learner: Learner):
        super().__init__(learner._exchange, learner._names, learner._stopped)
        self._exchange(plain.dumps({"forget": True}))

    def _call(self, function: str, args: tuple, kwargs: dict) -> Any:
        name, call = self._names.get(function, function), show_call(function, args, kwargs)
        value = self._ask(name, call, args, kwargs, keep=True, stopped=self._stopped.get(function, ""))
        return Kept(self, value, call) if type(value) is plain.Handle else value

    def _ask(self, name: str | plain.Handle, call: str, args: tuple, kwargs: Mapping, keep=False, stopped="") -> Any:
        try:
            answer = calls.read(self._exchange(calls.ask(name, args, kwargs, keep=keep)))
            if answer.kind == "not plain":
                return Other(answer.type)
            return value_of(answer, str(name), stopped)
        except Wrong as wrong:
            wrong.call = call
            raise


@dataclass(frozen=True, eq=False)
class Kept:
    """A function where the learner's code runs; `call` is the call that gave it."""

    learner: FunctionLearner
    handle: plain.Handle
    call: str

    def __call__(self, *args) -> Any:
        """Call it. Raises Wrong where it fails, with `classifier` as the function's name in messages."""
        return self.learner._ask(self.handle, show_call("classifier", args, {}), args, {})

    def __repr__(self) -> str:
        return "a function"


@dataclass(frozen=True)
class Other:
    """What came where it was neither plain data nor a function: the name of its type."""

    type: str

    def __repr__(self) -> str:
        return f"an object of type {self.type}"
