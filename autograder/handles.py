"""Objects that stay where the learner's code runs: the judge knows each by a number, `plain.Handle`, and asks about it.

A Keras model or a trained classifier cannot cross as plain data, and must not cross as code.
"""

from typing import Any

from autograder.plain import Handle

_held: list = []  # the objects, by number


def hold(value: Any) -> Handle:
    """The handle of an object: the one that it has, where it has one, so that the judge knows it again."""
    for number, known in enumerate(_held):
        if known is value:
            return Handle(number)
    _held.append(value)
    return Handle(len(_held) - 1)


def behind(value: Any) -> Any:
    """What a handle stands for, None where it stands for nothing any more; anything else as it is."""
    if type(value) is not Handle:
        return value
    return _held[value.number] if value.number < len(_held) else None


def forget() -> None:
    """Let go of all objects; the handles given so far mean nothing any more."""
    _held.clear()
