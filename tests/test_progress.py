"""`course progress`: points, the next step, and a memory that never tells what is no longer so."""

import json
import os
import shutil

import pytest
from click.testing import CliRunner

import course.progress
from autograder.exercises import exercise, exercises
from autograder.hand_ins.notebooks import grading_metadata
from course.cli import main
from course.progress import next_step

TASK = exercise("02-metrics")


@pytest.fixture(autouse=True)
def memory(own_cache):
    return own_cache


@pytest.fixture
def folder(tmp_path):
    """A folder with one exercise, as released."""
    (tmp_path / "work" / TASK.name).mkdir(parents=True)
    shutil.copy(TASK.release, tmp_path / "work" / TASK.name)
    return tmp_path / "work"


@pytest.fixture
def runs(monkeypatch):
    """How often notebooks were run."""
    made, real = [], course.progress.run_checks

    def counted(notebook, task, released):
        made.append(task.name)
        return real(notebook, task, released)

    monkeypatch.setattr(course.progress, "run_checks", counted)
    return made


@pytest.fixture
def pretended(monkeypatch):
    """How often notebooks would have been run; all their functions are right."""
    made = []

    def run(notebook, task, released):
        made.append(task.name)
        row = {"function": "recall", "points": 1, "max_points": 1, "passed": True, "seconds": 0.0, "failure": None}
        return {"functions": [row], "notes": []}

    monkeypatch.setattr(course.progress, "run_checks", run)
    return made


def progress(*arguments, code=0) -> str:
    result = CliRunner().invoke(main, ["progress", *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


def write(folder, function, source):
    path = folder / TASK.name / f"{TASK.name}.ipynb"
    notebook = json.loads(path.read_bytes())
    for cell in notebook["cells"]:
        if grading_metadata(cell).get("grade_id") == function:
            cell["source"] = source
    path.write_text(json.dumps(notebook))
    return path


def metrics(printed) -> dict:
    return next(row for row in json.loads(printed)["exercises"] if row["exercise"] == TASK.name)


def test_each_exercise_has_a_row_and_the_next_step_is_named_also_as_json(folder):
    write(folder, "confusion_counts", "def confusion_counts(y_true, y_prob, threshold=0.5):\n    return 1")
    write(folder, "recall", "def recall(tp, fn):\n    return tp / (tp + fn) if tp + fn else 0.0")
    printed = progress(folder)
    lines = printed.splitlines()
    assert [line.split()[0] for line in lines[: len(exercises())]] == list(exercises())
    row = next(line for line in lines if line.startswith(TASK.name))
    assert "1 / 20" in row
    assert "[#..................." in row
    assert "2 of 7 written, 1 right" in row
    assert all("not here" in line for line in lines[: len(exercises())] if not line.startswith(TASK.name))
    assert lines[-1].startswith(f"Next: `confusion_counts` of {TASK.name}")
    assert "not written yet" not in lines[-1]

    found = json.loads(progress(folder, "--json"))
    row = metrics(json.dumps(found))
    assert (row["points"], row["max_points"], row["written"], row["right"]) == (1, 20, 2, 1)
    assert row["path"] == str(folder / TASK.name / f"{TASK.name}.ipynb")
    assert (found["next"]["exercise"], found["next"]["function"]) == (TASK.name, "confusion_counts")


def test_an_unchanged_notebook_is_not_run_again_and_a_changed_one_is(folder, runs, monkeypatch):
    first = metrics(progress(folder, "--json"))
    again = metrics(progress(folder, "--json"))
    assert (first.pop("remembered"), again.pop("remembered")) == (False, True)
    assert first == again
    assert len(runs) == 1
    # Another output is not another answer; other code is.
    path = folder / TASK.name / f"{TASK.name}.ipynb"
    notebook = json.loads(path.read_bytes())
    notebook["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "1"}]
    path.write_text(json.dumps(notebook))
    progress(folder)
    assert len(runs) == 1
    write(folder, "recall", "def recall(tp, fn):\n    return tp / (tp + fn) if tp + fn else 0.0")
    assert metrics(progress(folder, "--json"))["points"] == 1
    assert len(runs) == 2
    monkeypatch.setattr(course.progress, "CODE", ("autograder",))  # as if the course's code had changed
    progress(folder)
    assert len(runs) == 3


def test_a_newly_installed_package_runs_it_again(folder, pretended, tmp_path, monkeypatch):
    progress(folder)
    (tmp_path / "site" / "pandas-9.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    progress(folder)
    assert len(pretended) == 2
    progress(folder)
    assert len(pretended) == 2


def test_what_did_not_answer_in_time_is_not_remembered(folder, memory, monkeypatch):
    function = {"function": "recall", "points": 0, "max_points": 1, "passed": False, "seconds": 10}
    failure = {"came": "no answer", "expected": "", "mistake": "There was no answer within 10 seconds."}
    slow = {"functions": [function | {"failure": failure}], "notes": []}
    monkeypatch.setattr(course.progress, "run_checks", lambda *_: slow)
    assert "no answer within 10 seconds" in progress(folder)
    assert list((memory / "progress").iterdir()) == []


def test_the_memory_does_not_grow(folder, memory, pretended):
    (memory / "progress").mkdir(parents=True)
    for number in range(70):
        old = memory / "progress" / f"{number}.json"
        old.write_text("{}")
        os.utime(old, (number, number))
    progress(folder)
    kept = {path.name for path in (memory / "progress").iterdir()}
    assert len(kept) == course.progress.KEPT
    assert "0.json" not in kept
    assert "69.json" in kept


def test_a_damaged_memory_is_not_believed(folder, memory, pretended):
    progress(folder)
    (stored,) = (memory / "progress").iterdir()
    stored.write_text("{")
    progress(folder)
    assert len(pretended) == 2


def test_of_two_notebooks_the_one_with_the_exercises_name_counts(folder):
    right = write(folder, "recall", "def recall(tp, fn):\n    return tp / (tp + fn) if tp + fn else 0.0")
    other = right.with_name("copy.ipynb")
    shutil.copy(TASK.release, other)
    os.utime(other, (2**31, 2**31))
    row = metrics(progress(folder, "--json"))
    assert (row["path"], row["points"]) == (str(right), 1)


def test_the_clones_exercises_where_none_are_here(tmp_path, monkeypatch, pretended):
    monkeypatch.chdir(tmp_path)
    paths = [row["path"] for row in json.loads(progress("--json"))["exercises"]]
    assert paths == [str(task.release) for task in exercises().values()]


@pytest.mark.parametrize(
    ("content", "says"), [(None, "no exercise's notebook"), ("", "mine.ipynb: The file is not a notebook")]
)
def test_nothing_to_show_is_status_2(tmp_path, content, says):
    (tmp_path / "empty").mkdir()
    if content is not None:
        (tmp_path / "empty" / "mine.ipynb").write_text(content)
    assert says in progress(tmp_path / "empty", code=2)


def test_the_next_step():
    right = {"function": "a", "passed": True, "failure": None}
    wrong = {"function": "b", "passed": False, "failure": {"mistake": "", "expected": "1", "came": "2"}}
    here, there = {"exercise": "x", "path": "x.ipynb"}, {"exercise": "y", "path": None, "functions": []}
    new = {"function": "c", "passed": False, "failure": {"mistake": "Not written yet: put ..."}}
    assert next_step([here | {"functions": [new, wrong]}])["text"] == "`c` of x (x.ipynb): not written yet."
    assert "`b` of x (x.ipynb): expected 1, 2 came." in next_step([there, here | {"functions": [right, wrong]}])["text"]
    assert next_step([here | {"functions": [right]}, there])["exercise"] == "y"
    assert "all functions are right" in next_step([here | {"functions": [right]}])["text"]
