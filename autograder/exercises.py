"""The exercises: which there are, which functions each asks for, where its files lie, what its functions are worth.

Nothing is listed twice: an exercise exists where its public checks exist, its functions are those that the checks are
marked with, and the points stand in the notebook's nbgrader metadata.
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from autograder.released import released_from
from pneumonia.settings import CourseError

PACKAGE = Path(__file__).resolve().parent
CLONE = PACKAGE.parent  # the course's repository, where the package was installed from a clone


@dataclass(frozen=True)
class Exercise:
    """One exercise, for instance `02-metrics`, and its functions in the order of the checks."""

    name: str
    functions: tuple[str, ...]
    checks: Path
    keras: bool = False  # whether its functions make Keras models
    trains: bool = False  # whether its functions give trained classifiers back, which takes seconds

    @property
    def source(self) -> Path:
        """The notebook with solutions and hidden tests, from which the release is generated."""
        return CLONE / "solutions" / self.name / f"{self.name}.ipynb"

    @property
    def release(self) -> Path:
        """The notebook that learners start from."""
        return CLONE / "exercises" / self.name / f"{self.name}.ipynb"

    @property
    def released(self) -> dict | None:
        """The content of the notebook that learners start from; None where the course was installed without it.

        It is made from the source where that is at hand: in a clone, learners write into `exercises/` itself.
        """
        if self.source.is_file():
            return released_from(json.loads(self.source.read_bytes()))
        return json.loads(self.release.read_bytes()) if self.release.is_file() else None

    @property
    def hidden_checks(self) -> Path:
        """The checks that run at grading only. Raises CourseError where they are not there: grading needs them."""
        path = PACKAGE / "hidden" / self.checks.name
        if not path.is_file():
            raise CourseError(
                f"The hidden checks of {self.name} are not at {path}, and without them a grade would be wrong: "
                "grade from a clone of the course's repository, installed with `pip install -e .`."
            )
        return path


def grade_cell(function: str) -> str:
    """The grade_id of the test cell that belongs to a function; the solution cell's is the function's name itself."""
    return f"test_{function}"


@cache
def exercises() -> Mapping[str, Exercise]:
    """All exercises by name, in order."""
    found = {}
    for path in sorted((PACKAGE / "checks").glob("test_*.py")):
        name = path.stem.removeprefix("test_").replace("_", "-")
        text = path.read_text(encoding="utf-8")
        keras, trains = "keras_models" in text, "FunctionLearner" in text
        found[name] = Exercise(name, _marked_functions(path), path, keras, trains)
    return found


def exercise(name: str) -> Exercise:
    """The exercise of a name. Raises CourseError for a name that the course has not."""
    if name not in exercises():
        raise CourseError(f"There is no exercise {name!r}; there is {', '.join(exercises())}.")
    return exercises()[name]


def exercise_of(function: str) -> Exercise:
    """The exercise that asks for a function. Raises CourseError where none does."""
    for candidate in exercises().values():
        if function in candidate.functions:
            return candidate
    raise CourseError(f"No exercise asks for a function named {function!r}.")


def points(notebook: Mapping, exercise: Exercise) -> dict[str, int]:
    """Points of each function, from the nbgrader metadata of a notebook (as a dict) of that exercise.

    Raises CourseError where a function has no test cell with a whole number of points.
    """
    worth = {}
    for cell in notebook["cells"]:
        metadata = cell["metadata"].get("nbgrader", {})
        if metadata.get("grade"):
            worth[metadata["grade_id"]] = metadata["points"]
    missing = [function for function in exercise.functions if type(worth.get(grade_cell(function))) is not int]
    if missing:
        raise CourseError(f"{exercise.name}: no test cell with points for {', '.join(missing)}.")
    return {function: worth[grade_cell(function)] for function in exercise.functions}


@cache
def points_of(exercise: Exercise) -> Mapping[str, int]:
    """Points of each function of an exercise, from its source."""
    return points(json.loads(exercise.source.read_bytes()), exercise)


def _marked_functions(path: Path) -> tuple[str, ...]:
    """The functions that a module's checks are marked with, in order, read without importing it (or TensorFlow)."""
    marked = {}
    for test in ast.parse(path.read_text(encoding="utf-8")).body:
        for mark in getattr(test, "decorator_list", []):
            if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "function":
                marked[ast.literal_eval(mark.args[0])] = None
    return tuple(marked)
