"""`course check`: the learner's command, its table, its JSON and its exit status."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.exercises import exercise

EXERCISE = exercise("02-metrics")
COURSE = Path(sys.executable).with_name("course")


def check(*arguments, cwd=None) -> subprocess.CompletedProcess:
    command = [str(COURSE), "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120)


def test_all_right_is_status_0(tmp_path):
    shutil.copy(EXERCISE.source, tmp_path / "02-metrics.ipynb")
    result = check(cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "20 / 20" in result.stdout
    assert result.stderr == ""


def test_some_wrong_is_status_1_with_the_message(tmp_path):
    """The released notebook with one function written, in a folder of folders."""
    notebook = json.loads(EXERCISE.release.read_bytes())
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "recall":
            cell["source"] = "def recall(tp, fn):\n    return fn / (tp + fn) if tp + fn else 0.0"
    folder = tmp_path / "02-metrics"
    folder.mkdir()
    (folder / "02-metrics.ipynb").write_text(json.dumps(notebook))
    result = check(tmp_path)
    assert result.returncode == 1
    assert "0 / 20" in result.stdout
    assert "the share of the ill that was missed" in result.stdout
    assert result.stdout.count("Not written yet") == 6


def test_json_says_the_same(tmp_path):
    shutil.copy(EXERCISE.release, tmp_path / "mine.ipynb")
    result = check(tmp_path / "mine.ipynb", "--json")
    assert result.returncode == 1
    (found,) = json.loads(result.stdout)
    assert found["exercise"] == "02-metrics"
    assert [row["function"] for row in found["functions"]] == list(EXERCISE.functions)
    assert sum(row["max_points"] for row in found["functions"]) == 20
    assert not any(row["passed"] for row in found["functions"])
    assert all(row["failure"]["mistake"].startswith("Not written yet") for row in found["functions"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no exercise's notebook"),
        (b"", "it is empty"),
        (b'{"cells": []}', "no exercise's notebook"),
        (b"{", "not a notebook"),
    ],
    ids=["folder without", "empty", "another", "damaged"],
)
def test_nothing_to_check_is_status_2(tmp_path, content, says):
    if content is not None:
        (tmp_path / "x.ipynb").write_bytes(content)
    result = check(tmp_path)
    assert result.returncode == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_a_path_that_is_not_there_is_status_2(tmp_path):
    result = check(tmp_path / "nowhere")
    assert result.returncode == 2
    assert "does not exist" in result.stderr
