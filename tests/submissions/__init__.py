"""A catalogue of answers to the exercises: right ones in many styles, and the wrong ones that learners really write.

One module for each exercise. `@right` and `@wrong` enter a function; a wrong one says which words its message must
hold. The function's own name is its style or its mistake; `answers(module)` gives them all.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class Answer:
    """One answer to `function`: right, where `says` is None, or wrong, with words that its message must hold."""

    function: str
    program: Callable
    says: str | None

    @property
    def name(self) -> str:
        return self.program.__name__

    @property
    def source(self) -> str:
        """The answer as it stands in a notebook's cell, under the name in the catalogue."""
        lines = inspect.getsource(self.program).splitlines()
        return "\n".join(lines[next(place for place, line in enumerate(lines) if line.startswith("def ")) :])


_catalogue: list[Answer] = []


def right(function: str) -> Callable:
    """Enter a right answer to `function`."""
    return _enter(function, None)


def wrong(function: str, says: str) -> Callable:
    """Enter a wrong answer to `function`, whose message must hold the words `says`."""
    return _enter(function, says)


def answers(module: ModuleType) -> list[Answer]:
    """The catalogue's answers that stand in a module."""
    return [answer for answer in _catalogue if answer.program.__module__ == module.__name__]


def _enter(function: str, says: str | None) -> Callable:
    def enter(program: Callable) -> Callable:
        _catalogue.append(Answer(function, program, says))
        return program

    return enter
