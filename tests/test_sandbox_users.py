"""The sandbox as root and as a user without any rights: the same cases of the bench come to the same points."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from bench import catalogue

from autograder.exercises import CLONE

NAMES = (
    "helper_cells",
    "descriptors_inherited",
    "exits_at_once",
    "kills_all",
    "namespaces_again",
    "other_peoples_files",
    "priorities",
    "system_calls_of_the_sly",
    "writes_everywhere",
)
NOBODY = "65534"
GRADE = """
import json, sys, tempfile
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from autograder.judging import sandbox, workers
from autograder.exercises import exercise
from autograder.judging.judge import Limits, judge
from autograder.hand_ins.notebooks import learner_cells, read_notebook
from bench import catalogue

sandbox.require("bubblewrap")
points = {}
for case in catalogue():
    if case.name in sys.argv[2:]:
        with tempfile.TemporaryDirectory() as folder:
            case.hand_in(Path(folder))
            task = exercise(case.exercise)
            notebook = read_notebook(Path(folder, case.student, task.name, f"{task.name}.ipynb"))
        cells = learner_cells(notebook, task, task.released)
        limits = Limits(call=5, cell=10, submission=60)
        outcomes = judge(cells, task, hidden=True, seed=1, limits=limits, sandbox="bubblewrap").outcomes
        points[case.name] = [outcome.function for outcome in outcomes if outcome.passed]
workers.close()
print(json.dumps(points))
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")


def as_nobody() -> list[str]:
    """What runs a command as a user without rights, who sees this Python though it may lie in root's home."""
    closed = {
        parent
        for path in (sys.base_prefix, sys.prefix, str(CLONE))
        for parent in Path(path).parents
        if not parent.stat().st_mode & stat.S_IXOTH
    }
    command = ["bwrap", "--cap-add", "ALL", "--dev-bind", "/", "/"]
    for parent in sorted(closed):
        command += ["--perms", "0755", "--tmpfs", str(parent)]
    for path in (sys.base_prefix, sys.prefix, str(CLONE)):
        inside = [folder for folder in Path(path).parents if any(folder.is_relative_to(parent) for parent in closed)]
        for folder in sorted(inside):
            command += ["--perms", "0755", "--dir", str(folder)]
        command += ["--ro-bind", path, path]
    return [*command, "--", "setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "env", "HOME=/tmp"]


@pytest.mark.parametrize("user", ["this user", "nobody"])
def test_the_sandbox_holds_for_every_user(user):
    if user == "nobody" and os.getuid():
        pytest.skip("only root can become another user")
    command = [*(as_nobody() if user == "nobody" else []), sys.executable, "-c", GRADE, str(CLONE / "tests"), *NAMES]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd="/")
    assert run.returncode == 0, run.stderr
    cases = {case.name: case for case in catalogue()}
    assert {name: set(functions) for name, functions in json.loads(run.stdout).items()} == {
        name: set(cases[name].earned) for name in NAMES
    }
