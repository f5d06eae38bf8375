"""Late hand-ins: when a notebook was handed in, how many days after the due date, and what that costs.

A score is never changed: the penalty stands beside it, as nbgrader's `late_submission_penalty` does, and whoever
exports takes it off. The time of a hand-in is that of `timestamp.txt` beside the notebook, nbgrader's convention, else
the file's own date, which copying changes and anyone can set.
"""

import math
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from autograder.engine.grades import Handin
from autograder.exercises import exercise
from pneumonia.settings import CourseError, write_atomically

TIMESTAMP = "timestamp.txt"
DAY = timedelta(days=1)
LONGEST = 100  # bytes of a time that is one


@dataclass(frozen=True)
class Terms:
    """What lateness costs: `percent` of an exercise's points for each day begun after its due date.

    due: exercise -> due date (with a time zone); the key "" stands for all exercises that are not named
    accepted_days: after so many days nothing is left of the score; None where there is no such end
    """

    due: Mapping[str, datetime] = field(default_factory=dict)
    percent: float = 0.0
    accepted_days: int | None = None

    def __post_init__(self):
        if not 0 <= self.percent <= 100:
            raise ValueError(f"percent: expected a number from 0 to 100, got {self.percent}")
        if self.accepted_days is not None and self.accepted_days < 0:
            raise ValueError(f"accepted_days: expected 0 or more, got {self.accepted_days}")
        if naive := [date for date in self.due.values() if date.tzinfo is None]:
            raise ValueError(f"due: expected dates with a time zone, got {naive[0]}")

    def due_of(self, assignment: str) -> datetime | None:
        """The due date of an exercise; None where it has none."""
        return self.due.get(assignment, self.due.get(""))

    def penalty(self, days: int, score: float, max_score: float) -> float:
        """Points that `days` of lateness take off a score: never more than there are, rounded to hundredths."""
        if days <= 0:
            return 0.0
        if self.accepted_days is not None and days > self.accepted_days:
            return float(score)
        return min(float(score), round(days * self.percent / 100 * max_score, 2))


@dataclass(frozen=True)
class Lateness:
    """One hand-in's lateness: when it was `submitted` (None where that is not known), and `days` late by which terms.

    `source` says where the time is from, `note` what an instructor should know about it.
    """

    submitted: datetime | None
    source: str
    days: int
    terms: Terms
    note: str = ""

    def penalty(self, score: float | None, max_score: float) -> float:
        """Points off a score; nothing is taken off where there is no score."""
        return 0.0 if score is None else self.terms.penalty(self.days, score, max_score)


def days_late(submitted: datetime, due: datetime) -> int:
    """Days begun after the due date: 0 up to the very second, 1 from then on to the end of the first day, and so on."""
    # In UTC: between two times of one zone Python counts by the clock on the wall, which daylight saving turns back.
    return max(0, math.ceil((submitted.astimezone(UTC) - due.astimezone(UTC)) / DAY))


def parse_due(values: Iterable[str]) -> dict[str, datetime]:
    """Due dates as they are typed: `2026-11-30T23:59+01:00` for all exercises, `02-metrics=2026-12-07T12:00` for one.

    A date without a time zone is in this machine's. Raises CourseError for what is no date, or no exercise.
    """
    due = {}
    for value in values:
        name, _, date = value.rpartition("=")
        name = exercise(name).name if name else ""
        if name in due:
            raise CourseError(f"There are two due dates for {name or 'all exercises'}: give one.")
        try:
            due[name] = datetime.fromisoformat(date).astimezone()
        except (ValueError, OverflowError):
            raise CourseError(f"{date!r} is no date: expected for instance 2026-11-30T23:59+01:00.") from None
    return due


def parse_timestamp(text: str) -> datetime:
    """The time in nbgrader's `timestamp.txt`: `2026-11-30 22:58:23.948203 UTC`, a zone's name or its offset at the end.

    Without a zone it is UTC, as for nbgrader. Raises ValueError for anything else.
    """
    text = text.strip()
    head, _, zone = text.rpartition(" ")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        numeric = zone[:1] in ("+", "-")
        moment = datetime.fromisoformat(head + zone if numeric else head)
        if not numeric:
            moment = moment.replace(tzinfo=_zone(zone))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def write_timestamp(folder: Path, moment: datetime | None) -> None:
    """Write `timestamp.txt` into a hand-in's folder, in nbgrader's format, UTC.

    An empty one, which nbgrader takes, too, says that the time is not known: the file's date then counts for nothing.
    """
    text = "" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    write_atomically(folder / TIMESTAMP, text)


def submitted_at(notebook: Path) -> tuple[datetime | None, str]:
    """When a notebook was handed in, and where that is from; None where there is no file or its time is no time."""
    stamp = notebook.with_name(TIMESTAMP)
    try:
        if stamp.is_symlink() or stamp.exists():
            return parse_timestamp(_small_text(stamp)), TIMESTAMP
        return datetime.fromtimestamp(notebook.lstat().st_mtime, UTC), "the file's date"
    except FileNotFoundError:
        return None, ""
    except (ValueError, OverflowError, OSError):
        return None, f"{TIMESTAMP} (not readable)"


def lateness(handin: Handin, terms: Terms) -> Lateness | None:
    """How late a hand-in is; None where its exercise has no due date, or nothing was handed in."""
    due = terms.due_of(handin.exercise)
    moment, source = submitted_at(handin.path)
    if due is None or not source:
        return None
    if moment is None:
        return Lateness(None, source, 0, terms, f"{TIMESTAMP} holds no time: whether it is late is for you to say.")
    days = days_late(moment, due)
    note = "The time is that of the file, which copying changes." if days and source != TIMESTAMP else ""
    return Lateness(moment, source, days, terms, note)


def lateness_of_class(handins: Iterable[Handin], terms: Terms) -> dict[tuple[str, str], Lateness]:
    """(student, exercise) -> lateness, of those that have one."""
    found = {(handin.student, handin.exercise): lateness(handin, terms) for handin in handins}
    return {key: late for key, late in found.items() if late is not None}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError):  # it raises each of them, by what is wrong with the name
        raise ValueError(f"{name!r} is no time zone") from None


def _small_text(path: Path) -> str:
    """The text of a regular file that is as short as a time is. Raises ValueError for any other."""
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode) or about.st_size > LONGEST:
        raise ValueError(f"{path} is no small file")
    return path.read_text(encoding="utf-8")
