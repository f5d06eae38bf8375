"""Grades for the gradebooks of Canvas and Moodle, as the CSV files that their importers take.

Canvas: the first columns are Student, ID, SIS User ID, SIS Login ID and Section, in this order; a learner is found by
ID, else SIS User ID, else SIS Login ID, else name; an assignment's column is headed `Name (id)`, or by the name alone,
which makes a new one where there is none. Source: `GradebookImporter` of instructure/canvas-lms, and "How do I import
grades in the Gradebook?", Canvas Instructor Guide.

Moodle: a header, one column that identifies the user (email address, ID number or username), one for each grade; which
column is which is chosen at import. Source: Grade import, docs.moodle.org/en/Grade_import.

Only who has a score is written: an empty cell leaves the gradebook as it is, and nobody is given 0 by our mistake.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autograder.reporting.reports import harmless_cell
from pneumonia.settings import CourseError

CANVAS_COLUMNS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
CANVAS_KEYS = ("ID", "SIS User ID", "SIS Login ID", "Student")
# Not learners: the row of what an assignment is worth, and the one that says which grades are posted by hand.
CANVAS_OTHER_ROWS = re.compile(r"\s*(points possible|muted|manual posting.*)?\s*", re.IGNORECASE)
# Moodle's identifiers, and how its exports in English head them; the first is what is written.
MOODLE_HEADINGS = {
    "username": ("Username", "username"),
    "idnumber": ("ID number", "idnumber"),
    "email": ("Email address", "email"),
}
NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?%?")


@dataclass(frozen=True)
class Score:
    """What a learner is to have in a gradebook: `score` less `penalty`."""

    score: float
    max_score: float
    penalty: float = 0.0

    @property
    def final(self) -> float:
        return round(max(0.0, self.score - self.penalty), 2)


Scores = Mapping[str, Mapping[str, Score]]  # assignment -> student -> score


@dataclass(frozen=True)
class Exported:
    """A file's text, how many scores are in it, and the learners who were left out, each with the reason."""

    text: str
    scores: int
    left_out: tuple[str, ...]


def read_scores(graded: Path, assignment: str | None = None) -> dict[str, dict[str, Score]]:
    """The scores that `course grade` wrote into `graded/grades.json`; learners without a score are not among them.

    Raises CourseError where there is no such file, it is damaged, or it holds nothing of `assignment`.
    """
    path = graded / "grades.json"
    scores: dict[str, dict[str, Score]] = {}
    try:
        for row in json.loads(path.read_bytes())["grades"]:
            if row["score"] is not None:
                penalty = float(row.get("late_submission_penalty") or 0)
                score = Score(float(row["score"]), float(row["max_score"]), penalty)
                scores.setdefault(row["assignment"], {})[row["student"]] = score
    except OSError:
        raise CourseError(f"There is no {path}: name the folder that `course grade` wrote.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{path} is damaged ({error!r}): grade again.") from None
    if assignment is not None:
        scores = {name: students for name, students in scores.items() if name == assignment}
    if not scores:
        raise CourseError(f"{path} holds no score{f' of {assignment}' if assignment else ''}.")
    return scores


def canvas_csv(scores: Scores, roster: str | None = None) -> Exported:
    """A gradebook CSV for Canvas.

    `roster` is the text of the CSV that Canvas exported: its learners, its ids and its assignments' headings are used,
    and nothing else of it comes back. Without one, a learner's folder name stands as SIS Login ID.
    Raises CourseError where the roster is no gradebook of Canvas, or an assignment is in it twice.
    """
    heads, rows = list(CANVAS_COLUMNS), []
    if roster is None:
        names = sorted({student for students in scores.values() for student in students})
        people = {name: [name, "", "", name, ""] for name in names}
        headings, matched = {name: name for name in scores}, {name: name for name in names}
    else:
        table = _read_table(roster, "Canvas exported")
        heads, people = _canvas_people(table)
        headings = {name: _canvas_heading(table[0], name) for name in scores}
        matched = _match_canvas(heads, people, scores)
    worth = {name: f"{next(iter(students.values())).max_score:g}" for name, students in scores.items()}
    if roster is not None:
        worth |= _canvas_worth(table, headings)
    rows.append(["    Points Possible", *[""] * (len(heads) - 1), *worth.values()])
    by_person: dict[str, dict[str, Score]] = {}
    for name, students in scores.items():
        for student, score in students.items():
            if student in matched:
                by_person.setdefault(matched[student], {})[name] = score
    for key, row in people.items():
        if key in by_person:
            rows.append([*row, *[_cell(by_person[key].get(name)) for name in scores]])
    left_out = _left_out(scores, matched, "is not in Canvas's file, or more than one there could be meant")
    return Exported(
        _write_table([*heads, *headings.values()], rows), sum(map(len, by_person.values())), tuple(left_out)
    )


def moodle_csv(scores: Scores, identifier: str, roster: str | None = None) -> Exported:
    """A CSV for Moodle's grade import, with the learners' `identifier` (one of MOODLE_HEADINGS) in front.

    Without `roster`, folder names are taken for that identifier. `roster` is the text of a CSV that Moodle exported
    (participants, grades, a grading worksheet) and that has the identifier; a learner is found in it by any of its
    identifiers or by full name. Raises CourseError where it has no such column.
    """
    heading = MOODLE_HEADINGS[identifier][0]
    students = sorted({student for rows in scores.values() for student in rows})
    if roster is None:
        matched = {student: student for student in students}
    else:
        matched = _match_moodle(_read_table(roster, "Moodle exported"), identifier, students)
    rows, count = [], 0
    for student in students:
        if student in matched:
            cells = [rows_of.get(student) for rows_of in scores.values()]
            count += sum(score is not None for score in cells)
            rows.append([matched[student], *map(_cell, cells)])
    left_out = _left_out(scores, matched, "is not in Moodle's file, or more than one there could be meant")
    return Exported(_write_table([heading, *scores], rows), count, tuple(left_out))


def _canvas_people(table: list[list[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """The columns that say who is who, and (row number -> their cells) of each learner."""
    heads = table[0]
    if heads[:2] != ["Student", "ID"] or "Section" not in heads:
        raise CourseError(
            "The roster is no gradebook of Canvas: expected a CSV that begins with Student, ID, ... Section, as "
            "Grades, Export gives it."
        )
    width = heads.index("Section") + 1
    people = {}
    for place, row in enumerate(table[1:], 1):
        row = row + [""] * (len(heads) - len(row))
        if not (CANVAS_OTHER_ROWS.fullmatch(row[0]) and not row[1].strip()):
            people[str(place)] = row[:width]
    return heads[:width], people


def _canvas_heading(heads: list[str], name: str) -> str:
    """The heading of an assignment in Canvas's file, `02-metrics (1234)`; the name alone where it has none yet."""
    found = [head for head in heads if head == name or re.fullmatch(rf"{re.escape(name)}\s*\(\d+\)", head)]
    if len(found) > 1:
        raise CourseError(f"The roster has {len(found)} assignments named {name}: {', '.join(found)}. Rename one.")
    return found[0] if found else name


def _canvas_worth(table: list[list[str]], headings: Mapping[str, str]) -> dict[str, str]:
    """What Canvas's own file says the assignments are worth, of those that it has: that is not for us to change."""
    row = next((row for row in table[1:] if "points possible" in row[0].lower()), None)
    places = {name: table[0].index(heading) for name, heading in headings.items() if heading in table[0]}
    return {name: row[place] for name, place in places.items() if row is not None and place < len(row)}


def _match_canvas(heads: list[str], people: Mapping[str, list[str]], scores: Scores) -> dict[str, str]:
    """Learner's folder -> key in `people`: by an identifier, or by the ID at the end of a collected name."""
    columns = [heads.index(key) for key in CANVAS_KEYS if key in heads]
    index: dict[str, set[str]] = {}
    numbers = {row[heads.index("ID")].strip(): key for key, row in people.items()}
    for key, row in people.items():
        for column in columns:
            if value := _folded(row[column]):
                index.setdefault(value, set()).add(key)
    matched = {}
    for student in {student for students in scores.values() for student in students}:
        number = re.search(r"_(\d+)$", student)
        found = index.get(_folded(student), set())
        if not found and number and number[1] in numbers:
            found = {numbers[number[1]]}
        if len(found) == 1:
            (matched[student],) = found
    return _without_doubles(matched)


def _match_moodle(table: list[list[str]], identifier: str, students: Iterable[str]) -> dict[str, str]:
    """Learner's folder -> identifier in Moodle: by any identifier of the file, or by full name."""
    heads = [head.strip().lower() for head in table[0]]
    columns = {key: _column(heads, names) for key, names in MOODLE_HEADINGS.items()}
    if columns[identifier] is None:
        there = ", ".join(head for head in table[0] if head)
        raise CourseError(f"The roster has no column {MOODLE_HEADINGS[identifier][0]!r}; it has {there}.")
    names = [heads.index(name) for name in ("first name", "last name") if name in heads]
    full_name = _column(heads, ("full name",))
    index: dict[str, set[str]] = {}
    for row in table[1:]:
        row = row + [""] * (len(heads) - len(row))
        known = [row[column] for column in columns.values() if column is not None]
        known += [" ".join(row[column].strip() for column in names), "" if full_name is None else row[full_name]]
        for value in filter(None, map(_folded, known)):
            index.setdefault(value, set()).add(row[columns[identifier]].strip())
    matched = {}
    for student in students:
        found = index.get(_folded(student), set()) - {""}
        if len(found) == 1:
            (matched[student],) = found
    return _without_doubles(matched)


def _without_doubles(matched: dict[str, str]) -> dict[str, str]:
    """The matches, those left out where two folders would be one person: which score is theirs cannot be known."""
    folders = Counter(matched.values())
    return {student: key for student, key in matched.items() if folders[key] == 1}


def _column(heads: list[str], names: Iterable[str]) -> int | None:
    """The place of the first of these headings that is there, in small letters."""
    return next((heads.index(name.lower()) for name in names if name.lower() in heads), None)


def _left_out(scores: Scores, matched: Mapping[str, str], reason: str) -> list[str]:
    students = sorted({student for rows in scores.values() for student in rows})
    return [f"{student} {reason}" for student in students if student not in matched]


def _folded(text: str) -> str:
    """A name as it is compared: without the apostrophe of a neutralised cell, case and spaces at its ends."""
    return " ".join(text.strip().removeprefix("'").casefold().split())


def _cell(score: Score | None) -> str:
    return "" if score is None else f"{score.final:g}"


def _read_table(text: str, what: str) -> list[list[str]]:
    """The rows of a CSV, its separator a comma, a semicolon or a tab. Raises CourseError where it is none."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        table = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if row]
    except csv.Error as error:
        raise CourseError(f"The roster is no CSV that {what}: {error}.") from None
    if len(table) < 2:
        raise CourseError(f"The roster is no CSV that {what}: it has no rows below its header.")
    return table


def _write_table(heads: list[str], rows: list[list[str]]) -> str:
    """A CSV, every cell harmless in a spreadsheet; a number may begin with a sign."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in [heads, *rows]:
        writer.writerow([cell if NUMBER.fullmatch(cell) else harmless_cell(cell) for cell in row])
    return text.getvalue()
