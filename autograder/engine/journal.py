"""The journal: every grade that was ever given in a class, appended and never changed, so that nothing is lost.

One SQLite file in the output folder. A grade is written the moment it is known, in a transaction of its own: whatever
is killed, and whenever, what was graded stays graded. A grade belongs to a key (`grading.key_of`): the submission, the
checks and the environment that it came from; with another key it says nothing any more.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from autograder.engine.grades import Grade
from pneumonia.settings import CourseError

NAME = "journal.db"

_TABLES = """
CREATE TABLE IF NOT EXISTS gradings (
    id INTEGER PRIMARY KEY, started TEXT NOT NULL, seed INTEGER NOT NULL, sandbox TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS grades (
    id INTEGER PRIMARY KEY, graded TEXT NOT NULL, assignment TEXT NOT NULL, student TEXT NOT NULL,
    key TEXT NOT NULL, failed INTEGER NOT NULL, grade TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS entered (
    id INTEGER PRIMARY KEY, gradebook TEXT NOT NULL, assignment TEXT NOT NULL, student TEXT NOT NULL,
    grade INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS grades_of ON grades (assignment, student, key);
CREATE INDEX IF NOT EXISTS entered_in ON entered (gradebook, assignment, student);
"""
_KEEP = """
CREATE TRIGGER IF NOT EXISTS {table}_{what} BEFORE {what} ON {table}
BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
"""


class Journal:
    """The journal of one output folder; a context manager that keeps other graders away while it is open."""

    def __init__(self, folder: Path):
        self.path = folder / NAME
        self._lock = FileLock(folder / f"{NAME}.lock", timeout=0)

    def __enter__(self) -> "Journal":
        """Open it. Raises CourseError where another grader has it, or the file is no journal."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout:
            raise CourseError(
                f"Another `course grade` is at work on {self.path.parent}: wait until it is done, or give another "
                "folder with --output."
            ) from None
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_) -> None:
        self._database.close()
        self._lock.release()

    def _open(self) -> None:
        with self._errors():
            self._database = sqlite3.connect(self.path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")  # kept through a power cut, too
            self._database.executescript(_TABLES)
            for table in ("gradings", "grades", "entered"):
                for what in ("UPDATE", "DELETE"):
                    self._database.executescript(_KEEP.format(table=table, what=what))

    def last_seed(self) -> int | None:
        """The seed of the last grading; None where there was none."""
        row = self._one("SELECT seed FROM gradings ORDER BY id DESC LIMIT 1")
        return row and row[0]

    def begin(self, seed: int, sandbox: str) -> None:
        """Note that a grading begins."""
        self._write("INSERT INTO gradings (started, seed, sandbox) VALUES (?, ?, ?)", _now(), seed, sandbox)

    def append(self, grade: Grade) -> int:
        """Keep a grade, under its key; gives the entry's number. One that the grader failed at is kept, too."""
        return self._write(
            "INSERT INTO grades (graded, assignment, student, key, failed, grade) VALUES (?, ?, ?, ?, ?, ?)",
            *(_now(), grade.assignment, grade.student, grade.key, bool(grade.error), json.dumps(asdict(grade))),
        )

    def find(self, assignment: str, student: str, key: str) -> tuple[int, Grade] | None:
        """The entry's number and the grade that was given for this key; None where the grader failed, or never came."""
        row = self._one(
            "SELECT id, grade FROM grades WHERE assignment = ? AND student = ? AND key = ? AND NOT failed "
            "ORDER BY id DESC LIMIT 1",
            *(assignment, student, key),
        )
        return row and (row[0], Grade.from_dict(json.loads(row[1])))

    def entered(self, gradebook: str, grade: Grade) -> int | None:
        """The entry that last went into a gradebook for a grade's submission; None where none ever did."""
        row = self._one(
            "SELECT grade FROM entered WHERE gradebook = ? AND assignment = ? AND student = ? ORDER BY id DESC LIMIT 1",
            *(gradebook, grade.assignment, grade.student),
        )
        return row and row[0]

    def note_entered(self, gradebook: str, entries: Iterable[tuple[Grade, int]]) -> None:
        """Note that entries went into a gradebook: grades, and the numbers of their entries."""
        statement = "INSERT INTO entered (gradebook, assignment, student, grade) VALUES (?, ?, ?, ?)"
        rows = [(gradebook, grade.assignment, grade.student, entry) for grade, entry in entries]
        with self._errors():
            self._database.execute("BEGIN")  # one wait for the disk, not one a row
            try:
                self._database.executemany(statement, rows)
                self._database.execute("COMMIT")
            except BaseException:
                self._database.rollback()
                raise

    def _one(self, statement: str, *values):
        with self._errors():
            return self._database.execute(statement, values).fetchone()

    def _write(self, statement: str, *values) -> int:
        with self._errors():
            return self._database.execute(statement, values).lastrowid

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise CourseError(
                f"The journal {self.path} cannot be used: {error}. What is in it stays; mend that, and run again."
            ) from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
