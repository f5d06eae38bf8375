"""Grading a class: each learner's notebook judged by public and hidden checks, in a few processes at a time.

Whatever one submission does, the others are graded. A submission that cannot be graded scores 0 with the reason; where
the grader itself fails there is no score at all, so that nobody loses points by our mistake.
"""

import json
import multiprocessing
import os
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from autograder.exercises import Exercise, exercise, exercises, points
from autograder.judge import Limits, judge
from autograder.notebooks import NotebookError, duplicates, learner_cells, read_notebook
from autograder.running import Outcome
from pneumonia.settings import CourseError


@dataclass(frozen=True)
class Handin:
    """What one learner handed in for one exercise: a notebook, or the reason why there is none to grade."""

    student: str
    exercise: str
    path: Path
    problem: str = ""


@dataclass(frozen=True)
class Grade:
    """One row of the result. `problem` says why nothing could be graded (score 0), `error` why there is no score."""

    student: str
    assignment: str
    worth: dict[str, int]  # points of each function
    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    error: str = ""
    seconds: float = 0.0

    @property
    def earned(self) -> dict[str, int]:
        """Points that each function earned."""
        outcomes = {outcome.function: outcome for outcome in self.outcomes}
        return {name: outcomes[name].earned(worth) if name in outcomes else 0 for name, worth in self.worth.items()}

    @property
    def score(self) -> int | None:
        """Points in all; None where the grader itself failed."""
        return None if self.error else sum(self.earned.values())

    @property
    def max_score(self) -> int:
        """Points that can be had."""
        return sum(self.worth.values())


@dataclass(frozen=True)
class Grading:
    """A graded class, with what is needed to grade it again in the same way."""

    grades: tuple[Grade, ...]
    seed: int
    sandbox: str
    started: datetime
    seconds: float
    ignored: tuple[str, ...] = field(default=())


def find_handins(submitted: Path, assignment: str | None = None) -> tuple[list[Handin], list[str]]:
    """What lies in `submitted/<student>/<exercise>/<exercise>.ipynb`, and one line for each thing that is ignored.

    Each learner has a row for each exercise that anyone handed in (or for `assignment` alone).
    Raises CourseError where there is nothing to grade.
    """
    wanted = [exercise(assignment).name] if assignment else list(exercises())
    students, ignored = [], []
    for entry in sorted(submitted.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_symlink() or not entry.is_dir():
            ignored.append(f"{_readable(entry.name)}: not a learner's folder")
            continue
        students.append(entry)
        names = sorted(folder.name for folder in entry.iterdir() if not folder.name.startswith("."))
        unknown = [name for name in names if name not in exercises()]
        ignored += [f"{_readable(entry.name)}/{_readable(name)}: no exercise" for name in unknown]
    handed_in = [name for name in wanted if assignment or any((student / name).exists() for student in students)]
    if not students or not handed_in:
        raise CourseError(
            f"Nothing to grade in {submitted}: expected {submitted}/<student>/<exercise>/<exercise>.ipynb, "
            f"where <exercise> is {' or '.join(exercises())}."
        )
    return [_handin(student, name) for name in handed_in for student in students], ignored


def grade_class(
    submitted: Path,
    *,
    assignment: str | None = None,
    workers: int = 2,
    seed: int | None = None,
    limits: Limits | None = None,
    progress: Callable[[Iterator, int], Iterator] = lambda grades, total: grades,
) -> Grading:
    """Grade all that `find_handins` finds. `seed` draws the checks' inputs; it is drawn where not given.

    `progress` is handed an iterator of the grades and their number, and may show how it advances.
    """
    started, start = datetime.now(UTC), time.monotonic()
    seed = secrets.randbits(32) if seed is None else seed
    handins, ignored = find_handins(submitted, assignment)
    for name in {handin.exercise for handin in handins}:
        _require_source(exercise(name))
    graded = _grade_all(handins, seed, limits or Limits(), min(workers, len(handins)))
    by_place = dict(progress(graded, len(handins)))
    grades = tuple(by_place[place] for place in range(len(handins)))
    return Grading(grades, seed, "none", started, time.monotonic() - start, tuple(ignored))


def grade_one(handin: Handin, seed: int, limits: Limits) -> Grade:
    """Grade one submission. Its own faults become the grade's `problem`, ours its `error`; nothing is raised."""
    start = time.monotonic()
    task = exercise(handin.exercise)
    worth = points(json.loads(task.source.read_bytes()), task)

    def grade(**fields) -> Grade:
        return Grade(handin.student, task.name, worth, seconds=time.monotonic() - start, **fields)

    if handin.problem:
        return grade(problem=handin.problem)
    try:
        cells = learner_cells(read_notebook(handin.path), task, json.loads(task.release.read_bytes()))
        judgement = judge(cells, task, hidden=True, seed=seed, limits=limits)
    except NotebookError as problem:
        return grade(problem=str(problem))
    except Exception as error:
        return grade(error=f"{type(error).__name__}: {error}")
    twice = [f"{name} has more than one cell: the last one counts." for name in duplicates(cells)]
    return grade(outcomes=judgement.outcomes, notes=(*twice, *judgement.notes))


def _readable(name: str) -> str:
    """A file's name as text that can be written anywhere, whatever its bytes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _handin(student: Path, name: str) -> Handin:
    path = student / name / f"{name}.ipynb"
    problem = ""
    if path.parent.is_symlink() or path.is_symlink():
        problem = "The notebook is a symbolic link: hand in the file itself."
    elif not path.is_file():
        there = sorted(_readable(file.name) for file in path.parent.iterdir()) if path.parent.is_dir() else []
        found = f"in its place: {', '.join(there)}" if there else "nothing in its place"
        problem = f"There is no notebook {name}/{name}.ipynb ({found})."
    return Handin(_readable(student.name), name, path, problem)


def _require_source(task: Exercise) -> None:
    """Fail before grading begins, not at each submission. Raises CourseError."""
    if not task.source.is_file() or not task.release.is_file():
        raise CourseError(f"{task.source} or {task.release} is missing: grade in a clone of the course's repository.")
    points(json.loads(task.source.read_bytes()), task)
    _ = task.hidden_checks


def _grade_all(handins: list[Handin], seed: int, limits: Limits, workers: int) -> Iterator[tuple[int, Grade]]:
    """(place, grade) of each hand-in, as they are finished, by `workers` processes.

    Where one of the processes is killed, all that were under way or waiting are graded again, each with a process of
    its own: which of them did it is known then.
    """
    lost = []
    with _pool(workers) as pool:
        waiting = {pool.submit(grade_one, handin, seed, limits): place for place, handin in enumerate(handins)}
        for future in as_completed(waiting):
            try:
                yield waiting[future], future.result()
            except BrokenProcessPool:
                lost.append(waiting[future])
    for place in lost:
        with _pool(1) as pool:
            try:
                yield place, pool.submit(grade_one, handins[place], seed, limits).result()
            except BrokenProcessPool:
                yield place, _killed(handins[place])


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    # spawn: a fresh interpreter, which no thread or open file of this one can disturb
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _killed(handin: Handin) -> Grade:
    task = exercise(handin.exercise)
    worth = points(json.loads(task.source.read_bytes()), task)
    return Grade(handin.student, task.name, worth, error="The process that graded this notebook was killed.")
