"""Objects that stay where the learner's code runs: the judge knows each by a number, `plain.Handle`, and asks about it.

A Keras model or a trained classifier cannot cross as plain data, and must not cross as code.
"""

import itertools
import secrets
from typing import Any

from autograder.judging.plain import Handle

_held: dict[int, Any] = {}  # the objects, by number
# Begun anywhere, and no number twice, so that a handle from a process that is gone means nothing in the next one.
_numbers = None


def hold(value: Any) -> Handle:
    """The handle of an object: the one that it has, where it has one, so that the judge knows it again."""
    global _numbers
    for number, known in _held.items():
        if known is value:
            return Handle(number)
    _numbers = _numbers or itertools.count(secrets.randbits(30))  # here: after a fork, so that no two forks agree
    number = next(_numbers)
    _held[number] = value
    return Handle(number)


def behind(value: Any) -> Any:
    """What a handle stands for, None where it stands for nothing any more; anything else as it is."""
    if type(value) is not Handle:
        return value
    return _held.get(value.number)


def forget() -> None:
    """Let go of all objects; the handles given so far mean nothing any more."""
    _held.clear()
