"""The bench: what strangers hand in. Right in odd ways, wrong, tampered with, hostile; and what each must come to.

One module for each group of cases. `@case` enters one: a function that is given a `Draft`, the released notebook with
some functions written, and makes of it what is handed in. Its docstring says what it tries. What it must come to is
what its functions earned, and words that the instructor's report or the learner's feedback must hold.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from textwrap import dedent

from autograder.exercises import CLONE, Exercise, exercise, points_of
from autograder.hand_ins.notebooks import grading_metadata
from autograder.sample import course_solution

GROUPS = ("noisy", "styles", "wrong", "tampering", "cheating", "runaway", "dying", "reaching", "showing")
EVERY = "every function"
MARK = "left-behind-by-the-bench"  # part of the name of every file that a hostile case tries to leave
PORT = "@PORT@"  # stands in a case's code for that of a service on this machine
HERE = "@CLONE@"  # and this for the folder of the course


@dataclass(frozen=True)
class Case:
    """One submission: its learner's name, and what it must come to."""

    name: str
    group: str
    tries: str
    make: Callable[["Draft"], "bytes | dict | None"]
    written: tuple[str, ...]  # functions that the draft begins with
    earned: tuple[str, ...]  # functions that it must have all points for; the others have none
    says: tuple[str, ...]
    exercise: str
    student: str

    @property
    def points(self) -> dict[str, int]:
        """The points that each function must have."""
        worth = points_of(exercise(self.exercise))
        return {name: points if name in self.earned else 0 for name, points in worth.items()}

    def hand_in(self, submitted: Path, port: int = 9) -> None:
        """Write the submission below `submitted`; `port` is that of a service on this machine that nobody may reach."""
        task = exercise(self.exercise)
        draft = Draft(task, self.written)
        made = self.make(draft)
        files = made if isinstance(made, dict) else {f"{task.name}.ipynb": draft.content if made is None else made}
        folder = submitted / self.student / task.name
        folder.mkdir(parents=True)
        for name, content in files.items():
            path = folder / name
            if isinstance(content, Path):
                path.symlink_to(content)
            else:
                path.write_bytes(content.replace(PORT.encode(), str(port).encode()).replace(HERE.encode(), _here()))


class Draft:
    """A hand-in in the making: the released notebook, some functions written as the course has them."""

    def __init__(self, task: Exercise, written: tuple[str, ...]):
        self.task = task
        self.notebook = json.loads(task.release.read_bytes())
        for function in written:
            self.write(function, _solutions(task)[function])

    @property
    def content(self) -> bytes:
        """The notebook as its file has it."""
        return json.dumps(self.notebook, indent=1).encode()

    @property
    def cells(self) -> list[dict]:
        return self.notebook["cells"]

    def cell(self, grade_id: str) -> dict:
        """The solution cell of a function, or its test cell (`test_...`)."""
        return next(cell for cell in self.cells if grading_metadata(cell).get("grade_id") == grade_id)

    def write(self, function: str, code: str) -> None:
        """Put code into a function's cell, in the place of what was there."""
        self.cell(function)["source"] = dedent(code).strip()

    def above(self, function: str, code: str) -> None:
        """Put code above a function, in its cell."""
        self.write(function, f"{dedent(code).strip()}\n\n{self.cell(function)['source']}")

    def inside(self, function: str, code: str) -> None:
        """Put code into the body of a function, before all that it does."""
        source = self.cell(function)["source"]
        end = source.index('"""', source.index('"""') + 3) + 3
        body = "\n".join(f"    {line}" for line in dedent(code).strip().splitlines())
        self.write(function, f"{source[:end]}\n{body}{source[end:]}")

    def first(self, code: str, kind: str = "code") -> None:
        """Add a cell at the top."""
        self.cells.insert(0, new_cell(code, kind))

    def last(self, code: str, kind: str = "code") -> None:
        """Add a cell at the end."""
        self.cells.append(new_cell(code, kind))


def new_cell(code: str, kind: str = "code") -> dict:
    """A cell of a learner's own."""
    cell = {"cell_type": kind, "id": f"own{abs(hash(code)) % 10**8}", "metadata": {}, "source": dedent(code).strip()}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


_catalogue: list[Case] = []


def case(
    *,
    written: tuple[str, ...] | str = EVERY,
    earned: tuple[str, ...] | str | None = None,
    lost: tuple[str, ...] = (),
    says: tuple[str, ...] = (),
    exercise: str = "02-metrics",
    student: str | None = None,
) -> Callable:
    """Enter a case. It earns what is `written`, where `earned` does not say otherwise, without what is `lost`."""

    def enter(make: Callable) -> Callable:
        functions = _task(exercise).functions
        begun = functions if written == EVERY else written
        right = functions if earned == EVERY else begun if earned is None else earned
        assert {*begun, *right, *lost} <= {*functions}, f"{make.__name__} names a function that {exercise} has not"
        _catalogue.append(
            Case(
                make.__name__,
                make.__module__.rpartition(".")[2],
                " ".join(make.__doc__.split()),
                make,
                begun,
                tuple(name for name in right if name not in lost),
                says,
                exercise,
                make.__name__.replace("_", "-") if student is None else student,
            )
        )
        return make

    return enter


@cache
def catalogue() -> tuple[Case, ...]:
    """All cases, group after group."""
    for group in GROUPS:
        import_module(f"bench.{group}")
    return tuple(_catalogue)


def _task(name: str) -> Exercise:
    return exercise(name)


@cache
def _solutions(task: Exercise) -> dict[str, str]:
    return course_solution(task)


def _here() -> bytes:
    return json.dumps(str(CLONE))[1:-1].encode()
