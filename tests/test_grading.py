"""A class, graded from the command line: what is written, what it says, and what the instructor does not lose."""

import csv
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from autograder.checking import show
from autograder.engine import fingerprints
from autograder.engine.gradebook import enter_assignment, enter_grades
from autograder.engine.grades import Grade, Grading
from autograder.engine.grading import find_handins, grade_class
from autograder.exercises import exercise
from autograder.hand_ins.notebooks import grading_metadata
from autograder.reporting.reports import feedback_page, harmless_cell, report_page
from autograder.running import Failure, Outcome
from autograder.sample import sample_class, write_sample_class
from pneumonia.settings import CourseError

EXERCISE = exercise("02-metrics")
COURSE = Path(sys.executable).with_name("course")
SAMPLE_SCORES = {
    "ada": 20,
    "bruno": 20,
    "carmen": 7,
    "deniz": 1,
    "emeka": 0,
    "fatima": 0,
    "goran": 2,
    "hana": 0,
}
SCRIPT = "<script>alert(1)<script>"
HOSTILE_NAMES = ("=cmd|' C'!A0", SCRIPT, 'a, "quoted" name', "-line\nbreak")


def course(*arguments, cwd=None) -> subprocess.CompletedProcess:
    """Run the command line as a user does, with a PATH that lacks the virtual environment."""
    environment = os.environ | {"PATH": "/usr/bin:/bin"}
    command = [str(COURSE), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300)


def notebook(**functions: str) -> str:
    """The functions' cells of the released notebook, some of them written; without its figures, which take time."""
    content = json.loads(EXERCISE.release.read_bytes())
    content["cells"] = [cell for cell in content["cells"] if grading_metadata(cell)]
    for cell in content["cells"]:
        cell["source"] = functions.get(grading_metadata(cell)["grade_id"], cell["source"])
    return json.dumps(content)


def hand_in(submitted: Path, student: str, text: str) -> Path:
    path = submitted / student / "02-metrics" / "02-metrics.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    """The sample class and a few hostile learners, graded once, with a seed."""
    root = tmp_path_factory.mktemp("class")
    submitted = root / "submitted"
    write_sample_class(submitted)
    hostile = f"def precision(tp, fp):\n    return '{SCRIPT}'"
    raising = f"def recall(tp, fn):\n    raise TypeError('{SCRIPT}')"
    for name in HOSTILE_NAMES:
        hand_in(submitted, name, notebook(precision=hostile, recall=raising))
    (submitted / "linked" / "02-metrics").mkdir(parents=True)
    (submitted / "linked" / "02-metrics" / "02-metrics.ipynb").symlink_to(EXERCISE.source)
    (submitted / "linked-whole").symlink_to(submitted / "ada")
    (submitted / "ada" / "02-metric").mkdir()
    (submitted / "readme.txt").write_text("a stray file")
    result = course("grade", submitted, "--seed", 5)
    (root / "stdout").write_text(result.stdout)
    (root / "stderr").write_text(result.stderr)
    assert result.returncode == 0, result.stderr
    return root / "graded"


def test_grades_csv_is_exact(graded):
    rows = list(csv.reader((graded / "grades.csv").read_text().splitlines(keepends=True)))
    assert rows[0] == ["student", "assignment", "score", "max_score"]
    names = ["-line\nbreak", *HOSTILE_NAMES[:2], HOSTILE_NAMES[2], *SAMPLE_SCORES, "linked"]
    scores = SAMPLE_SCORES | dict.fromkeys(HOSTILE_NAMES, 0) | {"linked": 0}
    expected = sorted([harmless_cell(name), "02-metrics", str(scores[name]), "20"] for name in names)
    assert sorted(rows[1:]) == expected


def test_no_cell_of_the_csv_is_a_formula(graded):
    for row in csv.reader((graded / "grades.csv").read_text().splitlines(keepends=True)):
        for cell in row:
            assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r")


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs


def test_pages_fetch_nothing_and_only_the_report_has_a_script(graded):
    pages = [*graded.rglob("*.html")]
    assert len(pages) == len(SAMPLE_SCORES) + len(HOSTILE_NAMES) + 1 + 1
    for page in pages:
        found = Tags(page.read_text())
        assert ("script" in found.tags) is (page.name == "report.html")
        assert not found.tags & {"img", "iframe", "link", "object"}
        for name, value in found.attributes:
            assert not name.startswith("on")
            assert "://" not in (value or "")


def test_feedback_shows_what_came_as_text(graded):
    page = (graded / "feedback" / SCRIPT / "02-metrics.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;script&gt;" in page
    assert "a str came" in page
    assert "TypeError" in page


def test_feedback_says_why_nothing_was_graded(graded):
    def text(student):
        return (graded / "feedback" / student / "02-metrics.html").read_text()

    assert "not a notebook" in text("fatima")
    assert "nothing in its place" in text("hana")
    assert "symbolic link" in text("linked")
    assert "no answer within 10 seconds" in text("goran")
    assert "exit status 1" in text("goran")


def test_links_of_the_report_lead_to_the_feedback(graded):
    from urllib.parse import unquote

    found = Tags((graded / "report.html").read_text()).attributes
    links = [value for name, value in found if name == "href" and not value.startswith("#")]
    assert len(links) == len(SAMPLE_SCORES) + len(HOSTILE_NAMES) + 1
    for link in links:
        assert (graded / unquote(link)).is_file()


def test_what_was_ignored_and_which_sandbox_stood_is_said(graded):
    stderr = (graded.parent / "stderr").read_text()
    report = (graded / "report.html").read_text()
    for line in (
        "readme.txt: not a learner's folder",
        "linked-whole: not a learner's folder",
        "ada/02-metric: no exercise",
    ):
        assert line in stderr
        assert line.replace("'", "&#x27;") in report
    assert "No sandbox" not in stderr + report
    assert "bubblewrap sandbox" in report
    about = json.loads((graded / "grades.json").read_text())
    assert (about["sandbox"], about["seed"]) == ("bubblewrap", 5)


def test_the_gradebook_holds_the_scores(graded):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{graded / 'gradebook.db'}", "pneumonia") as gradebook:
        scores = {entry.student_id: entry.score for entry in gradebook.assignment_submissions("02-metrics")}
        assert gradebook.find_assignment("02-metrics").max_score == 20
        cell = gradebook.find_grade("test_recall", "02-metrics", "02-metrics", "deniz")
        assert (cell.auto_score, cell.max_score, cell.needs_manual_grade) == (1, 1, False)
        assert [cell.name for cell in gradebook.find_notebook("02-metrics", "02-metrics").solution_cells] == list(
            EXERCISE.functions
        )
    assert scores == SAMPLE_SCORES | dict.fromkeys(HOSTILE_NAMES, 0) | {"linked": 0}


def test_nbgrader_exports_the_same(graded, tmp_path):
    url = f"sqlite:///{graded / 'gradebook.db'}"
    command = [sys.executable, "-m", "nbgrader", "export", "--db", url, "--to", str(tmp_path / "export.csv")]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    rows = csv.DictReader((tmp_path / "export.csv").read_text().splitlines())
    exported = {row["student_id"]: row["score"] for row in rows if row["student_id"] in SAMPLE_SCORES}
    assert exported == {student: f"{score:.1f}" for student, score in SAMPLE_SCORES.items()}


def test_sample_class_is_the_same_each_time_and_spares_other_folders(tmp_path):
    assert sample_class() == sample_class()
    assert list(sample_class()) == list(SAMPLE_SCORES)
    hand_in(tmp_path, "zoe", "a real learner's work")
    with pytest.raises(CourseError, match="zoe"):
        write_sample_class(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["zoe"]


@pytest.fixture
def gradebook_url(graded, tmp_path) -> str:
    """A copy of the class's gradebook, to write into."""
    shutil.copy(graded / "gradebook.db", tmp_path)
    return f"sqlite:///{tmp_path / 'gradebook.db'}"


def test_a_second_grading_keeps_what_a_person_decided(gradebook_url):
    from nbgrader.api import Gradebook

    url = gradebook_url
    failed = Outcome("recall", 1, 0.0, Failure("", False, "", "", "", "", (), ""))
    grade = Grade("zoe", "02-metrics", {"recall": 1, "precision": 1}, (failed, Outcome("precision", 3, 0.0, None)))
    for _ in range(2):
        enter_assignment(url, EXERCISE)
        assert list(enter_grades(url, [grade])) == [[grade]]
        with Gradebook(url, "pneumonia") as gradebook:
            cell = gradebook.find_grade("test_recall", "02-metrics", "02-metrics", "zoe")
            assert cell.auto_score == 0
            cell.manual_score = 0.5
            gradebook.db.commit()
    with Gradebook(url, "pneumonia") as gradebook:
        cell = gradebook.find_grade("test_recall", "02-metrics", "02-metrics", "zoe")
        assert (cell.score, cell.needs_manual_grade) == (0.5, True)


def test_a_failure_of_the_grader_is_no_score(gradebook_url):
    """Neither 0 points nor a row in the gradebook: nobody loses points by our mistake."""
    from datetime import UTC, datetime

    grade = Grade("zoe", "02-metrics", {"recall": 1}, error="RuntimeError: our own <mistake>")
    grading = Grading((grade,), 1, "none", datetime.now(UTC), 0.1)
    assert grade.score is None
    assert "RuntimeError: our own &lt;mistake&gt;" in report_page(grading)
    assert "RuntimeError" not in feedback_page(grade)
    assert list(enter_grades(gradebook_url, [grade])) == [[grade]]
    from nbgrader.api import Gradebook

    with Gradebook(gradebook_url, "pneumonia") as gradebook:
        assert "zoe" not in [student.id for student in gradebook.students]


def test_a_killed_grading_process_costs_the_others_nothing(tmp_path):
    """Without a sandbox a learner's code can kill the process that grades it: that one has no score, all others do."""
    deadly = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
    submitted, output = tmp_path / "submitted", tmp_path / "graded"
    hand_in(submitted, "anna", notebook(recall=deadly))
    right = "def precision(tp, fp):\n    return tp / (tp + fp) if tp + fp else 0.0"
    for student in ("bert", "cleo", "dora"):
        hand_in(submitted, student, notebook(precision=right))
    grades = {grade.student: grade for grade in grade_class(submitted, output, seed=1, held_by="none").grades}
    assert "was killed" in grades["anna"].error
    assert {student: grade.score for student, grade in grades.items()} == {
        "anna": None,
        "bert": 1,
        "cleo": 1,
        "dora": 1,
    }


def test_hidden_checks_stay_hidden_in_feedback_and_open_to_the_instructor(tmp_path):
    by_heart = (
        "def f_beta(tp, fp, fn, beta=1.0):\n"
        "    if tp and (tp, fp, fn) not in [(6, 2, 4), (3, 0, 0), (5, 10, 3)]:\n"
        "        return 0.123\n"
        "    return (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp) if tp else 0.0"
    )
    hand_in(tmp_path / "submitted", "zoe", notebook(f_beta=by_heart))
    (grade,) = grade_class(tmp_path / "submitted", tmp_path / "graded", seed=1).grades
    (failure,) = [outcome.failure for outcome in grade.outcomes if outcome.function == "f_beta"]
    assert failure.hidden
    assert failure.came == "0.123"
    assert "0.123" not in feedback_page(grade)
    assert failure.expected not in feedback_page(grade)
    assert "Compare with the formula" in feedback_page(grade)
    assert dict(failure.rows(instructor=True))["call"].startswith("f_beta(")


def test_where_there_is_nothing_to_grade_it_says_what_was_expected(tmp_path):
    for path, says in ((tmp_path, "Nothing to grade"), (tmp_path / "nowhere", "does not exist")):
        result = course("grade", path)
        assert result.returncode == 2
        assert says in result.stderr
        assert "Traceback" not in result.stderr
    assert not (tmp_path.parent / "graded").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--assignment", "09-nothing"], "There is no exercise '09-nothing'; there is "),
        (["--sandbox", "sandcastle"], "'sandcastle' is not"),
        (["--call-seconds", "0"], "0.0 is not in the range"),
        (["--output", "/dev/null/x"], "/dev/null"),
        (["--workers", "0"], "0 is not in the range"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(tmp_path, options, says):
    hand_in(tmp_path / "submitted", "zoe", notebook())
    result = course("grade", tmp_path / "submitted", *options)
    assert result.returncode == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "no url", "sqlite:////etc/passwd"])
def test_a_gradebook_that_cannot_be_used_is_named(url):
    with pytest.raises(CourseError, match=f"The gradebook {url} does not take 02-metrics: "):
        enter_assignment(url, EXERCISE)


def test_without_hidden_checks_nothing_is_graded(tmp_path, monkeypatch):
    hand_in(tmp_path / "submitted", "zoe", notebook())
    fingerprints.of_checks.cache_clear()
    monkeypatch.setattr("autograder.exercises.PACKAGE", tmp_path)
    with pytest.raises(CourseError, match="hidden checks"):
        grade_class(tmp_path / "submitted", tmp_path / "graded", seed=1)


def test_a_name_that_is_no_text_is_still_graded(tmp_path):
    os.makedirs(os.fsencode(tmp_path) + b"/\xff\xfe/02-metrics")
    handins, _ = find_handins(tmp_path)
    assert [handin.student for handin in handins] == ["\\xff\\xfe"]
    assert "no notebook" in handins[0].problem


UNREADABLE = """
import os, sys
from pathlib import Path
from autograder.engine.grading import find_handins
from autograder.exercises import exercises
exercises()
if os.getuid() == 0:
    os.setgid(12345)
    os.setuid(12345)
handins, ignored = find_handins(Path(sys.argv[1]))
print([(handin.student, handin.problem) for handin in handins], ignored)
"""


def test_a_folder_that_cannot_be_read_stops_no_other():
    with tempfile.TemporaryDirectory() as folder:  # not pytest's, which nobody else may enter
        os.chmod(folder, 0o755)
        for student in ("ada", "bob"):
            hand_in(Path(folder), student, notebook())
        os.chmod(Path(folder, "ada"), 0)
        result = subprocess.run([sys.executable, "-c", UNREADABLE, folder], capture_output=True, text=True)
        os.chmod(Path(folder, "ada"), 0o700)
    assert result.returncode == 0, result.stderr
    problem = "The folder 02-metrics cannot be read: Permission denied."
    assert result.stdout == f"{[('ada', problem), ('bob', '')]} {['ada: cannot be read, Permission denied']}\n"


def test_long_values_are_cut():
    assert len(show("x" * 10_000)) <= 300
    assert re.fullmatch(r"array\(\[0\.0, .*shape=\(70,\), dtype=float64\)", show(np.zeros(70)))


def test_lateness_stands_beside_the_score_and_in_the_gradebook(tmp_path):
    """Other terms change what lateness costs, and nothing is graded again for that."""
    right = "def precision(tp, fp):\n    return tp / (tp + fp) if tp + fp else 0.0"
    path = hand_in(
        tmp_path / "submitted", "zoe", notebook(precision=right, recall=right.replace("precision", "recall"))
    )
    path.with_name("timestamp.txt").write_text("2026-11-02 13:00:00 UTC")
    for percent, penalty in (("2", "0.8"), ("1", "0.4")):
        terms = ["--due", "2026-11-01T12:00+00:00", "--late-penalty", percent]
        result = course("grade", tmp_path / "submitted", *terms)
        assert result.returncode == 0, result.stderr
        (row,) = csv.DictReader((tmp_path / "graded" / "grades.csv").read_text().splitlines())
        assert (row["score"], row["days_late"], row["late_submission_penalty"]) == ("2", "2", penalty)
        with sqlite3.connect(tmp_path / "graded" / "gradebook.db") as gradebook:
            assert gradebook.execute("SELECT late_submission_penalty FROM submitted_notebook").fetchall() == [
                (float(penalty),)
            ]
    assert result.stdout.startswith("0 graded")
