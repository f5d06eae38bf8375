"""`course export`: files that Canvas, Moodle and Gradescope take, by their own rules."""

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from autograder.engine.grades import Grade
from autograder.engine.gradescope import archive, find_notebook, results
from autograder.exercises import exercise, exercises
from autograder.hand_ins.notebooks import grading_metadata
from autograder.reporting.exchange import NUMBER, Score, canvas_csv, moodle_csv, read_scores
from autograder.running import Failure, Outcome
from course.cli import main
from pneumonia.settings import CourseError
from tests.conftest import run_environment

METRICS = exercise("02-metrics")
SCORES = {
    "02-metrics": {"lovelaceada_101": Score(18, 20, 2.5), "bob": Score(7, 20), "=cmd|' C'!A0": Score(0, 20)},
    "01-convolution": {"bob": Score(20, 20)},
}
# As Canvas writes it: a row of the posting policy, one of the points, read-only totals; a name with a comma.
CANVAS = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,02-metrics (9001),Essay (9002),Current Score,Final Score\r\n"
    ",,,,,Manual Posting,,(read only),(read only)\r\n"
    "    Points Possible,,,,,25.00,10,(read only),(read only)\r\n"
    '"Lovelace, Ada",101,S101,ada@example.org,A,1.00,9,12.5,12.5\r\n'
    '"Builder, Bob",102,S102,bob,A,,,,\r\n'
    '"=1+1, Eve",103,S103,eve,A,,,,\r\n'
    '"Student, Test",999,,f00,A,,,,\r\n'
)


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def canvas_reads(text: str) -> dict[str, dict[str, str]]:
    """What Canvas's importer makes of a file: (ID, else login) -> heading -> grade, by `GradebookImporter`'s rules."""
    heads, *rows = rows_of(text)
    assert "Student" in heads[0]
    assert "ID" in heads[1]
    assert re.search(r"SIS\s+User\s+ID", heads[2])
    assert re.search(r"SIS\s+Login\s+ID", heads[3])
    assert "Section" in heads[4]
    students = [row for row in rows if "Points Possible" not in row[0]]
    return {row[1] or row[3]: dict(zip(heads[5:], row[5:], strict=True)) for row in students}


def test_canvas_takes_the_scores_into_the_assignments_that_it_has():
    exported = canvas_csv(SCORES, CANVAS)
    assert canvas_reads(exported.text) == {
        "101": {"02-metrics (9001)": "15.5", "01-convolution": ""},
        "102": {"02-metrics (9001)": "7", "01-convolution": "20"},
    }
    assert exported.scores == 3
    assert [line.partition(" is not")[0] for line in exported.left_out] == ["=cmd|' C'!A0"]
    points = next(row for row in rows_of(exported.text) if "Points Possible" in row[0])
    assert points[5:] == ["25.00", "20"]  # what the assignment is worth there is not ours to change


def test_nothing_else_of_the_roster_goes_back():
    text = canvas_csv(SCORES, CANVAS).text
    assert "Essay" not in text
    assert "Final Score" not in text
    assert "Test" not in text


def test_without_a_roster_the_folder_names_are_logins():
    found = canvas_reads(canvas_csv(SCORES).text)
    assert found["bob"] == {"02-metrics": "7", "01-convolution": "20"}
    assert set(found) == {"bob", "lovelaceada_101", "'=cmd|' C'!A0"}


@pytest.mark.parametrize(
    ("roster", "says"),
    [
        ("a,b\n1,2\n", "no gradebook of Canvas"),
        ("", "no rows below"),
        ("Student,ID,Section\n", "no rows below"),
        ('Student,ID,Section\n"open,1,A\n', "is no CSV"),
        (CANVAS.replace("Essay (9002)", "02-metrics (9002)"), "has 2 assignments named 02-metrics"),
    ],
)
def test_what_is_no_roster_is_refused(roster, says):
    with pytest.raises(CourseError, match=re.escape(says)):
        canvas_csv(SCORES, roster)


def test_two_who_could_be_meant_are_both_left_out():
    twins = CANVAS + '"Builder, Bob",104,S104,bob,B,,,,\r\n'
    assert "102" not in canvas_reads(canvas_csv(SCORES, twins).text)
    both = {"02-metrics": {"bob": Score(1, 20), "S102": Score(2, 20)}}
    exported = canvas_csv(both, CANVAS)
    assert canvas_reads(exported.text) == {}
    assert len(exported.left_out) == 2


MOODLE = (
    "First name,Last name,ID number,Email address,Assignment: 02-metrics (Real)\n"
    "Ada,Lovelace,4711,ada@example.org,-\n"
    "Bob,Builder,4712,+bob@example.org,-\n"
    "Ada,Twin,4713,t1@example.org,-\nAda,Twin,4714,t2@example.org,-\n"
)
MOODLE_SCORES = {
    "02-metrics": {"Ada Lovelace": Score(18, 20, 2.5), "4712": Score(7, 20), "Ada Twin": Score(5, 20)},
    "01-convolution": {"4712": Score(20, 20)},
}


def test_moodle_gets_the_identifier_that_it_knows():
    exported = moodle_csv(MOODLE_SCORES, "idnumber", MOODLE)
    assert rows_of(exported.text) == [
        ["ID number", "02-metrics", "01-convolution"],
        ["4712", "7", "20"],
        ["4711", "15.5", ""],
    ]
    assert [line.partition(" is not")[0] for line in exported.left_out] == ["Ada Twin"]
    assert rows_of(moodle_csv(MOODLE_SCORES, "email", MOODLE).text)[1][0] == "'+bob@example.org"


def test_moodles_separators_and_worksheets_are_read():
    semicolons = MOODLE.replace(",", ";")
    assert moodle_csv(MOODLE_SCORES, "idnumber", semicolons).scores == 3
    worksheet = "Identifier,Full name,Email address,Grade\nParticipant 1,Ada Lovelace,ada@example.org,\n"
    exported = moodle_csv({"02-metrics": {"Ada Lovelace": Score(3, 20)}}, "email", worksheet)
    assert rows_of(exported.text)[1:] == [["ada@example.org", "3"]]


def test_without_a_roster_folder_names_are_the_identifier():
    assert rows_of(moodle_csv({"x": {"ada": Score(3, 20)}}, "username").text) == [["Username", "x"], ["ada", "3"]]
    with pytest.raises(CourseError, match="no column 'Username'; it has First name"):
        moodle_csv(SCORES, "username", MOODLE)


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(st.dictionaries(names, st.integers(0, 20), min_size=1, max_size=5), st.text(max_size=5))
def test_no_cell_is_ever_a_formula(students, heading):
    scores = {f"x{heading}": {name: Score(points, 20) for name, points in students.items()}}
    roster = "Student,ID,SIS User ID,SIS Login ID,Section\n" + "".join(
        f'"{name.replace(chr(34), chr(34) * 2)}",{number},,,A\n' for number, name in enumerate(students)
    )
    for text in (canvas_csv(scores).text, moodle_csv(scores, "email").text, _canvas_or_nothing(scores, roster)):
        for row in rows_of(text):
            for cell in row:
                assert NUMBER.fullmatch(cell) or cell.lstrip(" ")[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")


def _canvas_or_nothing(scores, roster):
    try:
        return canvas_csv(scores, roster).text
    except CourseError:
        return ""


@pytest.fixture
def graded(tmp_path):
    """What `course grade` leaves, as far as it is read here."""
    grades = [
        {"student": "ada", "assignment": "02-metrics", "score": 18, "max_score": 20, "late_submission_penalty": 2},
        {"student": "ben", "assignment": "02-metrics", "score": None, "max_score": 20, "late_submission_penalty": ""},
        {"student": "ada", "assignment": "01-convolution", "score": 5, "max_score": 20},
    ]
    (tmp_path / "grades.json").write_text(json.dumps({"grades": grades}))
    return tmp_path


def test_a_learner_without_a_score_is_nowhere(graded):
    scores = read_scores(graded)
    assert {name: {who: score.final for who, score in rows.items()} for name, rows in scores.items()} == {
        "02-metrics": {"ada": 16},
        "01-convolution": {"ada": 5},
    }
    assert list(read_scores(graded, "01-convolution")) == ["01-convolution"]


def test_the_commands_write_and_say(graded, tmp_path):
    def run(*arguments):
        result = CliRunner().invoke(main, ["export", *map(str, arguments)])
        return result.exit_code, result.output

    status, said = run("canvas", graded, "-o", tmp_path / "c.csv", "--assignment", "02-metrics")
    assert (status, "1 scores, 0 learners left out" in said) == (0, True)
    assert canvas_reads((tmp_path / "c.csv").read_text()) == {"ada": {"02-metrics": "16"}}
    (tmp_path / "roster.csv").write_text("\ufeff" + MOODLE)
    status, said = run("moodle", graded, "-o", tmp_path / "m.csv", "--roster", tmp_path / "roster.csv")
    assert (status, "Left out: ada is not in Moodle's file" in said) == (0, True)
    (tmp_path / "roster.csv").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in run("canvas", graded, "-o", tmp_path / "c.csv", "--roster", tmp_path / "roster.csv")[1]
    assert "holds no score of 05-overfitting" in run("canvas", graded, "-o", "x", "--assignment", "05-overfitting")[1]
    (tmp_path / "empty").mkdir()
    assert "There is no" in run("moodle", tmp_path / "empty", "-o", "x")[1]
    (graded / "grades.json").write_text("{")
    assert "is damaged" in run("moodle", graded, "-o", "x")[1]
    assert "no exercise '09'" in run("gradescope", "09", "-o", "x")[1]


# --- Gradescope ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """The archive of 02-metrics as Gradescope unpacks it, below a root of our own."""
    root = tmp_path_factory.mktemp("autograder")
    with zipfile.ZipFile(io.BytesIO(archive(METRICS, "none"))) as opened:
        opened.extractall(root / "source")
        modes = {info.filename: info.external_attr >> 16 for info in opened.infolist()}
    assert modes["run_autograder"] & 0o111
    assert modes["setup.sh"] & 0o111
    return root


def run_there(root: Path, answers: dict[str, str] | None, sandbox="none") -> subprocess.CompletedProcess:
    """Hand a notebook in and run the archive's own script, its paths turned to below `root` and to this Python."""
    submission = root / "submission"
    for old in submission.glob("*") if submission.is_dir() else ():
        old.unlink()
    submission.mkdir(exist_ok=True)
    if answers is not None:
        notebook = json.loads(METRICS.release.read_bytes())
        for cell in notebook["cells"]:
            name = grading_metadata(cell).get("grade_id")
            cell["source"] = answers.get(name, cell["source"])
        (submission / "my homework.ipynb").write_text(json.dumps(notebook))
    script = (root / "source" / "run_autograder").read_text()
    script = script.replace("/autograder/venv/bin/python", sys.executable).replace("/autograder/", f"{root}/")
    (root / "results" / "results.json").unlink(missing_ok=True)
    return subprocess.run(
        ["bash", "-c", script.replace("--sandbox none", f"--sandbox {sandbox}")],
        capture_output=True,
        text=True,
        env=run_environment(PATH="/usr/bin:/bin"),
        timeout=300,
    )


def results_of(root: Path) -> dict:
    """The results, checked against Gradescope's documented form."""
    found = json.loads((root / "results" / "results.json").read_text())
    for test in found["tests"]:
        assert isinstance(test["score"], (int, float))
        assert 0 <= test["score"] <= test["max_score"]
        assert isinstance(test["name"], str)
        assert isinstance(test["output"], str)
        assert test["visibility"] in ("hidden", "after_due_date", "after_published", "visible")
        assert test["status"] in ("passed", "failed")
    assert found["score"] == sum(test["score"] for test in found["tests"])
    return found


def solution() -> dict[str, str]:
    cells = json.loads(METRICS.source.read_bytes())["cells"]
    sources = {grading_metadata(cell).get("grade_id"): "".join(cell["source"]) for cell in cells}
    return {name: sources[name] for name in METRICS.functions}


def test_a_right_submission_gets_all_points_there(unpacked):
    run = run_there(unpacked, solution())
    assert run.returncode == 0, run.stderr
    found = results_of(unpacked)
    assert found["score"] == 20
    assert all(test["status"] == "passed" for test in found["tests"])


def test_a_wrong_one_gets_what_it_earned_and_hidden_inputs_stay_hidden(unpacked):
    answers = solution() | {
        "recall": "def recall(tp, fn):\n    return tp / (tp + fn) if 0 < tp < 7 else 0.0",
        "precision": "def precision(tp, fp):\n    return 0.123",
    }
    run = run_there(unpacked, answers)
    assert run.returncode == 0, run.stderr
    tests = {test["name"]: test for test in results_of(unpacked)["tests"]}
    assert {name for name, test in tests.items() if test["status"] == "failed"} == {"recall", "precision"}
    assert "0.123" in tests["precision"]["output"]  # a public check: call, expected and came are shown
    assert "hidden check" in tests["recall"]["output"]
    assert "recall(" not in tests["recall"]["output"]
    assert "expected" not in tests["recall"]["output"]


def test_a_grader_that_fails_leaves_no_result(unpacked):
    run = run_there(unpacked, solution(), sandbox="no-such-sandbox")
    assert run.returncode != 0
    assert "The grader failed" in run.stderr
    assert not (unpacked / "results" / "results.json").exists()


def test_nothing_handed_in_is_0_with_the_reason():
    found = results(Grade("submission", METRICS.name, {"recall": 1, "roc_auc": 6}, problem="There is no notebook."))
    assert found["score"] == 0
    assert [(test["score"], test["max_score"], test["output"]) for test in found["tests"]] == [
        (0, 1, "There is no notebook."),
        (0, 6, "There is no notebook."),
    ]


def test_points_in_part_and_notes_are_passed_on():
    part = Outcome("f", 2, 0.1, Failure("c", True, "f(1)", "e", "c", "Wrong.", ("line 1, in f: x",), "L"), 0.5)
    found = results(Grade("submission", METRICS.name, {"f": 10}, (part,), notes=("cell 3 stopped",)))
    (test,) = found["tests"]
    assert (found["score"], test["score"], test["status"]) == (5, 5, "failed")
    assert found["output"] == "cell 3 stopped"
    assert "f(1)" not in test["output"]


def test_the_archive_holds_one_exercise_and_nothing_private():
    with zipfile.ZipFile(io.BytesIO(archive(METRICS))) as opened:
        names = set(opened.namelist())
    others = [task for task in exercises().values() if task is not METRICS]
    for task in others:
        assert f"solutions/{task.name}/{task.name}.ipynb" not in names
        assert f"autograder/hidden/{task.checks.name}" not in names
    assert {"setup.sh", "run_autograder", "solutions/02-metrics/02-metrics.ipynb"} <= names
    assert "autograder/hidden/test_02_metrics.py" in names
    assert not any(name.startswith(("tests/", ".git", ".venv", "results/")) or "samples" in name for name in names)
    assert archive(METRICS) == archive(METRICS)
    with zipfile.ZipFile(io.BytesIO(archive(exercise("06-capstone")))) as opened:
        assert "autograder/hidden/capstone.npz" in opened.namelist()


def test_the_scripts_are_bash_that_parses(unpacked):
    for script in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", unpacked / "source" / script], check=True)


def test_the_notebook_is_found_and_links_are_not_followed(tmp_path):
    assert find_notebook(tmp_path, METRICS) is None
    (tmp_path / "02-metrics.ipynb").symlink_to(METRICS.source)
    assert find_notebook(tmp_path, METRICS) is None
    (tmp_path / "b.ipynb").write_bytes(METRICS.release.read_bytes())
    (tmp_path / "a.ipynb").write_text("{}")
    assert find_notebook(tmp_path, METRICS).name == "b.ipynb"
