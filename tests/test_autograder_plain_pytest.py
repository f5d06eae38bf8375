"""Plain `pytest` on an exercise's public checks gives the verdicts and the messages of `course check`."""

import subprocess
import sys

import pytest

from autograder.exercises import exercise
from tests.conftest import ROOT, run_environment


def plain_pytest(*arguments):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "autograder/checks/test_02_metrics.py"]
    return subprocess.run([*command, *arguments], cwd=ROOT, env=run_environment(), capture_output=True, text=True)


def test_the_solution_passes():
    run = plain_pytest("--notebook", str(exercise("02-metrics").source))
    assert run.returncode == 0, run.stdout
    assert "passed" in run.stdout


def test_a_mistake_is_told_without_a_traceback(tmp_path):
    source = exercise("02-metrics").source.read_text(encoding="utf-8")
    wrong = tmp_path / "02-metrics.ipynb"
    assert source.count("tp / (tp + fn)") >= 1
    wrong.write_text(source.replace("tp / (tp + fn)", "tp / (tp + fn + 1)"), encoding="utf-8")
    run = plain_pytest("--notebook", str(wrong), "-k", "recall")
    assert run.returncode == 1
    assert "likely" in run.stdout
    assert "checks/metrics.py" not in run.stdout
    assert "Traceback" not in run.stdout


@pytest.mark.parametrize("content", [None, "{}"])
def test_what_is_no_notebook_is_named(tmp_path, content):
    path = tmp_path / "x.ipynb"
    if content is not None:
        path.write_text(content)
    run = plain_pytest("--notebook", str(path))
    assert run.returncode == 1
    assert "The file" in run.stdout
    assert "Traceback" not in run.stdout
