"""What grading leaves behind for people: grades.csv, grades.json, a feedback page for each learner, a report."""

import csv
import hashlib
import io
import json
import platform
from dataclasses import asdict
from html import escape
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from autograder.grades import Grade, Grading
from autograder.running import Outcome
from pneumonia.settings import write_atomically

LONGEST_NAME = 255  # bytes of a file's name, on most file systems
COLUMNS = ("student", "assignment", "score", "max_score")
SANDBOX_NOTES = {
    "bubblewrap": "Each submission ran in a bubblewrap sandbox of its own.",
    "docker": "Each submission ran in a Docker container of its own.",
    "podman": "Each submission ran in a Podman container of its own.",
    "none": "No sandbox: learners' code ran as the user who graded, with that user's files and network. "
    "Trust these grades only where you trust the learners.",
}
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid #8888; padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; }
.wide { overflow-x: auto; }
code, pre { font: 14px/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
h2 code { font-size: inherit; }
.note { border-left: .3rem solid #d55e00; padding-left: .8rem; }
"""


def write_reports(grading: Grading, output: Path) -> None:
    """Write all reports below `output`, each file whole or not at all."""
    write_atomically(output / "grades.csv", grades_csv(grading))
    write_atomically(output / "grades.json", grades_json(grading))
    for grade in grading.grades:
        write_feedback(grade, output)
    write_atomically(output / "report.html", report_page(grading))


def write_feedback(grade: Grade, output: Path) -> None:
    """Write a learner's feedback page below `output`."""
    write_atomically(output / feedback_path(grade), feedback_page(grade))


def feedback_path(grade: Grade) -> Path:
    """Where a learner's page lies below the output folder.

    The learner's name is a folder's name already, but where its bytes were no text it may have become too long for one.
    """
    name = grade.student
    if len(name.encode()) > LONGEST_NAME:
        name = f"{name[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return Path("feedback", name, f"{grade.assignment}.html")


def grades_csv(grading: Grading) -> str:
    """One row for each grade, in nbgrader's terms; the score is empty where the grader failed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for grade in grading.grades:
        score = "" if grade.score is None else grade.score
        writer.writerow([harmless_cell(grade.student), grade.assignment, score, grade.max_score])
    return text.getvalue()


def harmless_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe before it."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def grades_json(grading: Grading) -> str:
    """All that is known, for the instructor: hidden checks with their inputs and expected values, too."""
    rows = [asdict(grade) | {"score": grade.score, "max_score": grade.max_score} for grade in grading.grades]
    about = _about(grading) | {"ignored": grading.ignored}
    return json.dumps(about | {"grades": rows}, indent=1, ensure_ascii=False) + "\n"


def feedback_page(grade: Grade) -> str:
    """A learner's page: points for each function and, for what failed, the message that `course check` gives.

    Of a hidden check it shows what is wrong, not the input or its answer.
    """
    title = f"{grade.assignment}: feedback for {grade.student}"
    parts = [f"<h1>{escape(grade.assignment)}</h1>", f"<p>Feedback for <strong>{escape(grade.student)}</strong></p>"]
    score = "No score yet" if grade.score is None else f"{grade.score} of {grade.max_score} points"
    parts.append(f"<p><strong>{score}</strong></p>")
    if grade.problem:
        parts.append(_note(grade.problem))
    if grade.error:
        parts.append(_note("The grader failed at this notebook. That is not your doing; it will be graded again."))
    if grade.outcomes:
        parts.append(_table(["function", "points", "checks"], [_feedback_row(grade, row) for row in grade.outcomes]))
    for outcome in grade.outcomes:
        if outcome.failure:
            parts.append(f"<h2><code>{escape(outcome.function)}</code></h2>")
            parts.append(_definitions(outcome.failure.rows()))
    if grade.notes:
        parts.append("<h2>Notes on your notebook</h2>" + _list(grade.notes))
    return _page(title, parts)


def report_page(grading: Grading) -> str:
    """The instructor's page: everyone's points for each function, and how they were graded."""
    parts = ["<h1>Grading report</h1>", _note(SANDBOX_NOTES[grading.sandbox])]
    for assignment in dict.fromkeys(grade.assignment for grade in grading.grades):
        grades = [grade for grade in grading.grades if grade.assignment == assignment]
        worth = [f"{function} ({points})" for function, points in grades[0].worth.items()]
        heads = ["student", f"points of {grades[0].max_score}", *worth, "seconds"]
        parts.append(f"<h2>{escape(assignment)}</h2>")
        parts.append(_table(heads, [_report_row(grade) for grade in grades]))
        remarks = [f"{grade.student}: {remark}" for grade in grades for remark in _remarks(grade)]
        if remarks:
            parts.append("<h3>Remarks</h3>" + _list(remarks))
    parts.append("<h2>How this was graded</h2>")
    parts.append(_definitions([(key.replace("_", " "), str(value)) for key, value in _about(grading).items()]))
    if grading.ignored:
        parts.append("<h2>Ignored</h2>" + _list(grading.ignored))
    return _page("Grading report", parts)


def _about(grading: Grading) -> dict:
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


def _feedback_row(grade: Grade, outcome: Outcome) -> list[str]:
    points = f"{grade.earned[outcome.function]} of {grade.worth[outcome.function]}"
    verdict = "right in part" if outcome.part else "not right yet"
    verdict = f"all {outcome.checks} passed" if outcome.passed else verdict
    return [f"<code>{escape(outcome.function)}</code>", points, verdict]


def _report_row(grade: Grade) -> list[str]:
    link = f'<a href="{quote(feedback_path(grade).as_posix())}">{escape(grade.student)}</a>'
    score = "no score" if grade.score is None else str(grade.score)
    marks = [str(grade.earned[function]) if grade.outcomes else "" for function in grade.worth]
    return [link, score, *marks, f"{grade.seconds:.1f}"]


def _remarks(grade: Grade) -> list[str]:
    error = f"grader error: {grade.error}" if grade.error else ""
    return [text for text in (error, grade.problem, *grade.notes) if text]


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def _list(texts) -> str:
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def _definitions(rows: list[tuple[str, str]]) -> str:
    cells = [[escape(label), f"<code>{escape(text)}</code>"] for label, text in rows]
    body = "".join(f'<tr><th scope="row">{label}</th><td>{text}</td></tr>\n' for label, text in cells)
    return f'<div class="wide"><table><tbody>{body}</tbody></table></div>'


def _page(title: str, parts: list[str]) -> str:
    """A page that fetches nothing and runs nothing: the policy in its head forbids both."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            *parts,
            "</body></html>",
            "",
        ]
    )
