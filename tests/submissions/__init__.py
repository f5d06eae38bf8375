"""A catalogue of answers to the exercises: right ones in many styles, and the wrong ones that learners really write.

One module for each exercise. `@right` and `@wrong` enter a function; a wrong one says which words its message must
hold. The function's own name is its style or its mistake; `answers(exercise)` gives them all.
"""

import ast
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass

# Exercise -> the module here that holds its answers.
MODULES = {
    "01-convolution": "convolution",
    "02-metrics": "metrics",
    "03-transfer-head": "transfer",
    "04-class-imbalance": "imbalance",
    "05-overfitting": "overfitting",
    "06-capstone": "capstone",
}


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


def answers(exercise: str) -> list[Answer]:
    """The catalogue's answers to an exercise."""
    module = _module(exercise)
    return [answer for answer in _catalogue if answer.program.__module__ == module.__name__]


def source(exercise: str) -> str:
    """All answers to an exercise as one notebook cell, under their names here, with what they import and call."""
    tree = ast.parse(inspect.getsource(_module(exercise)))
    tree.body = [node for node in tree.body if getattr(node, "module", "") != __name__]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            node.decorator_list = []
    return ast.unparse(tree)


def _module(exercise: str):
    return importlib.import_module(f"{__name__}.{MODULES[exercise]}")


def _enter(function: str, says: str | None) -> Callable:
    def enter(program: Callable) -> Callable:
        _catalogue.append(Answer(function, program, says))
        return program

    return enter
