"""Grading a class: who handed in what, which of it must be graded, and the grades, each kept as soon as it is known.

Whatever one submission does, the others are graded. A submission that cannot be graded scores 0 with the reason; where
the grader itself fails there is no score at all, so that nobody loses points by our mistake.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path

from autograder.engine import fingerprints
from autograder.engine.grades import WAITING, Grade, Grading, Handin
from autograder.engine.journal import Journal
from autograder.engine.judges import Job, Team
from autograder.exercises import Exercise, exercise, exercises, points_of
from autograder.hand_ins.notebooks import NotebookError, TooLarge, read_bytes
from autograder.hand_ins.outputs import read_without_outputs
from autograder.judging.judge import Limits
from pneumonia.settings import CourseError


def find_handins(submitted: Path, assignment: str | None = None) -> tuple[list[Handin], list[str]]:
    """What lies in `submitted/<student>/<exercise>/<exercise>.ipynb`, and one line for each thing that is ignored.

    Each learner has a row for each exercise that anyone handed in (or for `assignment` alone).
    Raises CourseError where there is nothing to grade.
    """
    wanted = [exercise(assignment).name] if assignment else list(exercises())
    students, ignored, known = [], [], set()
    for entry in sorted(submitted.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_symlink() or not entry.is_dir():
            ignored.append(f"{_readable(entry.name)}: not a learner's folder")
            continue
        if _readable(entry.name) in known:
            ignored.append(f"{_readable(entry.name)}: another folder's name reads the same")
            continue
        known.add(_readable(entry.name))
        students.append(entry)
        try:
            names = sorted(folder.name for folder in entry.iterdir() if not folder.name.startswith("."))
        except OSError as error:
            ignored.append(f"{_readable(entry.name)}: cannot be read, {error.strerror}")
            names = []
        unknown = [name for name in names if name not in exercises()]
        ignored += [f"{_readable(entry.name)}/{_readable(name)}: no exercise" for name in unknown]
    handed_in = [name for name in wanted if assignment or any(_is_there(student / name) for student in students)]
    if not students or not handed_in:
        raise CourseError(
            f"Nothing to grade in {submitted}: expected {submitted}/<student>/<exercise>/<exercise>.ipynb, "
            f"where <exercise> is {' or '.join(exercises())}."
        )
    return [_handin(student, name) for name in handed_in for student in students], ignored


class Class:
    """A class to be graded: its hand-ins, and what the journal knows of them. Used while the journal is open."""

    def __init__(
        self,
        submitted: Path,
        journal: Journal,
        *,
        assignment: str | None = None,
        seed: int | None = None,
        fresh: bool = False,
        held_by: str = "bubblewrap",
        limits: Limits | None = None,
    ):
        """Find the hand-ins, and the grades that still hold.

        The checks' inputs are drawn with `seed`: where it is not given, that of the last grading, so that what has not
        changed need not be graded again; with `fresh`, or the first time, a new one.
        Raises CourseError where there is nothing to grade, or nothing to grade with.
        """
        self.started, self._start = datetime.now(UTC), time.monotonic()
        self.journal, self.held_by, self.limits = journal, held_by, limits or Limits()
        last = None if fresh else journal.last_seed()
        self.seed = next(known for known in (seed, last, secrets.randbits(32)) if known is not None)
        self.handins, self.ignored = find_handins(submitted, assignment)
        for name in {handin.exercise for handin in self.handins}:
            _require_source(exercise(name))
        self.grades: list[Grade] = []
        self.done = 0  # graded by now
        self.entries: dict[tuple[str, str], int] = {}  # (assignment, student) -> its entry in the journal
        self.todo: dict[int, None] = {}  # places of the hand-ins that must be graded, in order
        for place, handin in enumerate(self.handins):
            key = self._job(handin).key
            entry, grade = journal.find(handin.exercise, handin.student, key) or (0, _waiting(handin, key))
            self.grades.append(grade)
            if entry:
                self.entries[handin.exercise, handin.student] = entry
            else:
                self.todo[place] = None

    def prepare(self, team: Team) -> None:
        """Have the team begin with what takes long. Raises CourseError where it cannot grade this class."""
        if self.todo:
            team.prepare(self._job(self.handins[next(iter(self.todo))]))

    def grade(self, team: Team) -> Iterator[Grade]:
        """Grade what must be graded, by a prepared team; each is kept in the journal before it is given back."""
        if not self.todo:
            return
        self.journal.begin(self.seed, self.held_by)
        places = {(self.handins[place].exercise, self.handins[place].student): place for place in self.todo}
        for grade in team.grades(self._job(self.handins[place]) for place in tuple(self.todo)):
            place = places[grade.assignment, grade.student]
            self.entries[grade.assignment, grade.student] = self.journal.append(grade)
            self.grades[place] = grade
            del self.todo[place]
            self.done += 1
            yield grade

    def entry_of(self, grade: Grade) -> int:
        """The number of a grade's entry in the journal; 0 where there is none yet."""
        return self.entries.get((grade.assignment, grade.student), 0)

    def result(self) -> Grading:
        """The class as it stands now; what was not graded has no score."""
        seconds = time.monotonic() - self._start
        return Grading(tuple(self.grades), self.seed, self.held_by, self.started, seconds, tuple(self.ignored))

    def _job(self, handin: Handin) -> Job:
        """What is to be graded, as it lies there now: the key is that of the very bytes that are graded."""
        content, problem = b"", handin.problem
        if not problem:
            try:
                content = read_bytes(handin.path)
            except TooLarge:
                content, problem = _without_outputs(handin.path)
            except NotebookError as error:
                problem = str(error)
        key = key_of(exercise(handin.exercise), content, problem + handin.note, self.seed, self.held_by, self.limits)
        how = (self.seed, self.held_by, self.limits)
        checks = fingerprints.of_checks(exercise(handin.exercise))
        return Job(handin.student, handin.exercise, content, problem, key, checks, *how, handin.note)


def _without_outputs(path: Path) -> tuple[bytes, str]:
    """A large notebook's content without its outputs, or the problem with it."""
    try:
        return read_without_outputs(path), ""
    except NotebookError as error:
        return b"", str(error)


def key_of(task: Exercise, content: bytes, problem: str, seed: int, held_by: str, limits: Limits) -> str:
    """The fingerprint of all that a grade comes from: submission, checks, environment, seed, sandbox, limits."""
    how = f"{fingerprints.of_environment(task)}; {seed}; {held_by}; {astuple(limits)}"
    return fingerprints.of_bytes(content, problem.encode(), fingerprints.of_checks(task).encode(), how.encode())


def grade_class(submitted: Path, output: Path, *, workers: int = 2, **settings) -> Grading:
    """Grade a class with its journal in `output`, on this machine; `settings` as for Class."""
    with Journal(output) as journal:
        graded = Class(submitted, journal, **settings)
        with Team(workers) as team:
            graded.prepare(team)
            for _ in graded.grade(team):
                pass
        return graded.result()


def _is_there(path: Path) -> bool:
    """Whether a path leads to something; what cannot be looked into has been named by then."""
    with suppress(OSError):
        return path.exists()
    return False


def _readable(name: str) -> str:
    """A file's name as text that can be written anywhere, whatever its bytes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _handin(student: Path, name: str) -> Handin:
    path = student / name / f"{name}.ipynb"
    problem = note = ""
    try:
        if path.parent.is_symlink() or path.is_symlink():
            problem = "The notebook is a symbolic link: hand in the file itself."
        elif not path.is_file():
            path, problem, note = _other_name(path)
    except OSError as error:
        problem = f"The folder {name} cannot be read: {error.strerror}."
    return Handin(_readable(student.name), name, path, problem, note)


def _other_name(path: Path) -> tuple[Path, str, str]:
    """The notebook in the place of a missing one, the problem and the note: it counts where it is the only one."""
    files = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    notebooks = [file for file in files if file.suffix == ".ipynb" and file.is_file() and not file.is_symlink()]
    if len(notebooks) == 1:
        called = _readable(notebooks[0].name)
        return notebooks[0], "", f"The file is called {called}, not {path.name}. It is graded all the same."
    there = _names_of(files)
    found = f"in its place: {', '.join(there)}" if there else "nothing in its place"
    return path, f"There is no notebook {path.parent.name}/{path.name} ({found}).", ""


def _names_of(files: list[Path]) -> list[str]:
    """The files' names, those of the first few where there are many."""
    names = [_readable(file.name) for file in files]
    return names if len(names) <= 10 else [*names[:10], f"and {len(names) - 10} more"]


def _waiting(handin: Handin, key: str) -> Grade:
    return Grade(handin.student, handin.exercise, points_of(exercise(handin.exercise)), error=WAITING, key=key)


def _require_source(task: Exercise) -> None:
    """Fail before grading begins, not at each submission. Raises CourseError."""
    if not task.source.is_file() or not task.release.is_file():
        raise CourseError(f"{task.source} or {task.release} is missing: grade in a clone of the course's repository.")
    points_of(task)
    fingerprints.of_checks(task)
