"""Item analysis of a graded class: what classical test theory says of each function that the learners wrote.

An item is a function. Its difficulty is the mean share of its points that was earned (the higher, the easier, as the
field has it); its discrimination is the corrected item-total correlation: Pearson's r between the points of the item
and those of all other items. Source: Crocker and Algina, Introduction to Classical and Modern Test Theory, 1986,
chapter 14.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autograder.discretion import told
from autograder.engine.grades import Grade

FEWEST = 10  # graded notebooks below which a correlation says nothing
COMMONEST = 5  # mistakes that are named


@dataclass(frozen=True)
class Item:
    """One function over the class: how many earned all of its points, some, none; difficulty and discrimination.

    `discrimination` is None where it is not defined: fewer than FEWEST notebooks, one function only, no variance.
    `mistakes` are (sentence, count), the commonest first.
    """

    function: str
    worth: int
    full: int
    part: int
    none: int
    difficulty: float
    discrimination: float | None
    mistakes: tuple[tuple[str, int], ...]


def analysable(grades: Sequence[Grade]) -> list[Grade]:
    """The grades that an item analysis is about: those of notebooks that were run."""
    return [grade for grade in grades if grade.outcomes and grade.score is not None]


def analyse(grades: Sequence[Grade]) -> list[Item]:
    """The items of one exercise, in its order, from the grades of the notebooks that were run; none where none was."""
    grades = analysable(grades)
    if not grades:
        return []
    functions = list(grades[0].worth)
    points = np.array([[grade.earned[function] for function in functions] for grade in grades], float)
    mistakes = _mistakes(grades)
    return [
        _item(function, grades[0].worth[function], points, place, mistakes.get(function, Counter()))
        for place, function in enumerate(functions)
    ]


def distribution(grades: Sequence[Grade], bars: int = 21) -> list[tuple[str, int]]:
    """How many scores fall where: (label, count) for each whole score or, where there are more, for each range."""
    scores = [grade.score for grade in grades if grade.score is not None]
    top = max((grade.max_score for grade in grades), default=0)
    width = -(-(top + 1) // bars)
    counts = Counter(score // width for score in scores)
    return [(_range(low, min(low + width - 1, top)), counts[low // width]) for low in range(0, top + 1, width)]


def _item(function: str, worth: int, points: np.ndarray, place: int, mistakes: Counter) -> Item:
    earned = points[:, place]
    full, none = int(np.sum(earned == worth)), int(np.sum((earned == 0) & (worth > 0)))
    return Item(
        function,
        worth,
        full,
        len(earned) - full - none,
        none,
        difficulty=float(np.mean(earned) / worth) if worth else 0.0,
        discrimination=_correlation(earned, points.sum(axis=1) - earned),
        mistakes=tuple(mistakes.most_common(COMMONEST)),
    )


def _correlation(item: np.ndarray, rest: np.ndarray) -> float | None:
    """Pearson's r; None where there are too few cases, or one of the two does not vary."""
    if len(item) < FEWEST or np.ptp(item) == 0 or np.ptp(rest) == 0:
        return None
    return float(np.corrcoef(item, rest)[0, 1])


def _mistakes(grades: Sequence[Grade]) -> dict[str, Counter]:
    """Function -> how often each mistake was named; drawn values are left out, so that one mistake is one sentence."""
    found: dict[str, Counter] = {}
    for grade in grades:
        for outcome in grade.outcomes:
            if outcome.failure:
                found.setdefault(outcome.function, Counter())[told(outcome.failure.mistake)] += 1
    return found


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"
