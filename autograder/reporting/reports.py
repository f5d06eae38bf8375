"""What grading leaves behind: grades.csv, grades.json, junit.xml, a feedback page for each learner, a report."""

import csv
import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from autograder.engine.grades import WAITING, Grade, Grading
from autograder.engine.lateness import Lateness
from autograder.reporting.class_page import Late, class_page
from autograder.reporting.junit import junit_xml
from autograder.reporting.pages import bullets, definitions, note, page, safe, table
from autograder.running import Outcome
from pneumonia.settings import write_atomically

LONGEST_NAME = 255  # bytes of a file's name, on most file systems
COLUMNS = ("student", "assignment", "score", "max_score")
LATE_COLUMNS = ("submitted", "days_late", "late_submission_penalty")  # where the grading had a due date
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full-width ones count in some Excels
SANDBOX_NOTES = {
    "bubblewrap": "Each submission ran in a bubblewrap sandbox of its own.",
    "docker": "Each submission ran in a Docker container of its own.",
    "podman": "Each submission ran in a Podman container of its own.",
    "none": "No sandbox: learners' code ran as the user who graded, with that user's files and network. "
    "Trust these grades only where you trust the learners.",
}


def write_reports(grading: Grading, output: Path, late: Late | None = None) -> None:
    """Write all reports below `output`, each file whole or not at all. `late` is from `lateness_of_class`."""
    late = late or {}
    write_atomically(output / "grades.csv", grades_csv(grading, late))
    write_atomically(output / "grades.json", grades_json(grading, late))
    write_atomically(output / "junit.xml", junit_xml(grading))
    for grade in grading.grades:
        write_feedback(grade, output, late)
    write_atomically(output / "report.html", report_page(grading, late))


def write_feedback(grade: Grade, output: Path, late: Late | None = None) -> None:
    """Write a learner's feedback page below `output`, where it is not there as it is to be.

    A grade that is still to come takes an older page's place, and makes no new one.
    """
    path, text = output / feedback_path(grade), feedback_page(grade, (late or {}).get(_key(grade)))
    written = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
    if text != written and not (grade.error == WAITING and written is None):
        write_atomically(path, text)


def feedback_path(grade: Grade) -> Path:
    """Where a learner's page lies below the output folder.

    The learner's name is a folder's name already, but where its bytes were no text it may have become too long for one.
    """
    name = grade.student
    if len(name.encode()) > LONGEST_NAME:
        name = f"{name[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return Path("feedback", name, f"{grade.assignment}.html")


def grades_csv(grading: Grading, late: Late | None = None) -> Iterator[str]:
    """One row for each grade, in nbgrader's terms; the score is empty where the grader failed.

    The score is as earned: where there is a due date, `late_submission_penalty` says what comes off it.
    """
    late = late or {}
    writer = csv.writer(_Line(), lineterminator="\n")
    yield writer.writerow([*COLUMNS, *(LATE_COLUMNS if late else ())])
    for grade in grading.grades:
        score = "" if grade.score is None else grade.score
        row = [harmless_cell(grade.student), grade.assignment, score, grade.max_score]
        yield writer.writerow(row + (list(_lateness(grade, late).values()) if late else []))


def harmless_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe before it."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def grades_json(grading: Grading, late: Late | None = None) -> Iterator[str]:
    """All that is known, for the instructor: hidden checks with their inputs and expected values, too. In pieces."""
    late = late or {}
    about = _dumps(about_grading(grading) | {"ignored": grading.ignored})
    yield about.removesuffix("\n}") + ',\n "grades": ['
    for place, grade in enumerate(grading.grades):
        row = asdict(grade) | {"score": grade.score, "max_score": grade.max_score}
        yield ("," if place else "") + "\n" + _dumps(row | (_lateness(grade, late) if late else {}))
    yield "\n ]\n}\n"


def feedback_page(grade: Grade, late: Lateness | None = None) -> str:
    """A learner's page: points for each function and, for what failed, the message that `course check` gives.

    Of a hidden check it shows what is wrong, not the input or its answer (autograder.discretion).
    """
    title = f"{grade.assignment}: feedback for {grade.student}"
    parts = [f"<h1>{safe(grade.assignment)}</h1>", f"<p>Feedback for <strong>{safe(grade.student)}</strong></p>"]
    score = "No score yet" if grade.score is None else f"{grade.score} of {grade.max_score} points"
    parts.append(f"<p><strong>{score}</strong></p>")
    if late is not None and late.days:
        parts.append(note(_late_sentence(grade, late)))
    if grade.problem:
        parts.append(note(grade.problem))
    if grade.error:
        parts.append(note("The grader failed at this notebook. That is not your doing; it will be graded again."))
    if grade.outcomes:
        rows = [_feedback_row(grade, row) for row in grade.outcomes]
        parts.append(table(["function", "points", "checks"], rows))
    for outcome in grade.outcomes:
        if outcome.failure:
            parts.append(f"<h2><code>{safe(outcome.function)}</code></h2>")
            parts.append(definitions(outcome.failure.rows()))
    if grade.notes:
        parts.append("<h2>Notes on your notebook</h2>" + bullets(grade.notes))
    return page(title, parts)


def report_page(grading: Grading, late: Late | None = None) -> str:
    """The instructor's page: everyone's points, what the class found hard, and how it was graded."""
    return class_page(
        grading.grades,
        about_grading(grading),
        SANDBOX_NOTES[grading.sandbox],
        grading.ignored,
        link=lambda grade: quote(feedback_path(grade).as_posix()),
        late=late or {},
    )


def about_grading(grading: Grading) -> dict:
    """How a class was graded, as plain data."""
    return {
        "graded_at": grading.started.isoformat(timespec="seconds"),
        "seconds": round(grading.seconds, 1),
        "sandbox": grading.sandbox,
        "seed": grading.seed,
        "course": version("pneumonia-course"),
        "nbgrader": version("nbgrader"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
    }


class _Line:
    """A file for csv.writer that gives each line back, so that a table can be written in pieces."""

    def write(self, line: str) -> str:
        return line


def _key(grade: Grade) -> tuple[str, str]:
    return grade.student, grade.assignment


def _lateness(grade: Grade, late: Mapping) -> dict:
    """The values of LATE_COLUMNS; empty where nothing was handed in, or the exercise has no due date."""
    entry = late.get(_key(grade))
    if entry is None:
        return dict.fromkeys(LATE_COLUMNS, "")
    submitted = "" if entry.submitted is None else entry.submitted.isoformat(timespec="seconds")
    return dict(zip(LATE_COLUMNS, (submitted, entry.days, entry.penalty(grade.score, grade.max_score)), strict=True))


def _late_sentence(grade: Grade, late: Lateness) -> str:
    days = "1 day" if late.days == 1 else f"{late.days} days"
    moment = late.submitted.isoformat(sep=" ", timespec="minutes")
    lost = late.penalty(grade.score, grade.max_score)
    left = "" if grade.score is None else f": {lost:g} less, so that {grade.score - lost:g} of {grade.max_score} remain"
    return f"Handed in {moment}, {days} late (a day begun counts){left}."


def _feedback_row(grade: Grade, outcome: Outcome) -> list[str]:
    points = f"{grade.earned[outcome.function]} of {grade.worth[outcome.function]}"
    verdict = "right in part" if outcome.part else "not right yet"
    verdict = f"all {outcome.checks} passed" if outcome.passed else verdict
    return [f"<code>{safe(outcome.function)}</code>", points, verdict]


def _dumps(value: Mapping) -> str:
    """JSON that every file takes: half a surrogate pair, which a learner's message may hold, as its escape."""
    return json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
