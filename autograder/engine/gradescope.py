"""Gradescope: the autograder archive of an exercise, and what runs in it there.

The archive holds `setup.sh`, `run_autograder` and the course's code with one exercise's hidden checks and source. There

    python -m autograder.engine.gradescope 02-metrics --submission /autograder/submission --results .../results.json

grades one submission by `course grade` and writes the results in Gradescope's form. Source: Autograder Specifications,
gradescope-autograders.readthedocs.io/en/latest/specs/.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from autograder.engine.grades import Grade
from autograder.exercises import CLONE, Exercise, exercise
from autograder.hand_ins.notebooks import NotebookError, exercise_in, read_notebook
from autograder.running import Outcome
from pneumonia.settings import CourseError, write_atomically

FOLDERS = ("autograder", "course", "pneumonia")
FILES = ("pyproject.toml", "requirements.txt", "nbgrader_config.py", "README.md", "LICENSE", "LICENSE-TEXT")
CODE = (".py", ".npz")
STUDENT = "submission"
SETUP = """#!/usr/bin/env bash
# Runs once, when Gradescope builds the image: a Python that the course supports, and what grading needs.
set -euo pipefail
cd /autograder/source
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y bubblewrap
for version in 3.12 3.11 3.13; do
  if apt-get install -y "python$version" "python$version-venv"; then
    "python$version" -m venv /autograder/venv
    break
  fi
done
/autograder/venv/bin/python -m pip install --constraint requirements.txt --editable . {packages}
"""
RUN = """#!/usr/bin/env bash
# Runs for each submission, in a container of its own.
set -euo pipefail
cd /autograder/source
exec /autograder/venv/bin/python -m autograder.engine.gradescope {exercise} \\
  --submission /autograder/submission --results /autograder/results/results.json{sandbox}
"""
PACKAGES = (
    "click filelock ipython keras matplotlib nbformat nbgrader numpy onnx pillow platformdirs pytest scikit-learn"
)
PACKAGES += " scipy tqdm"


def archive(task: Exercise, sandbox: str | None = None) -> bytes:
    """The autograder archive (a zip) of an exercise; the same bytes each time.

    `sandbox` is handed to `course grade`; where it is not given, its default holds. Raises CourseError outside a clone.
    """
    _ = task.hidden_checks
    if not task.source.is_file() or not task.release.is_file():
        raise CourseError(
            f"{task.source} or {task.release} is missing: export from a clone of the course's repository."
        )
    packages = PACKAGES + (" tensorflow-cpu" if task.keras else "")
    scripts = {
        "setup.sh": SETUP.format(packages=packages),
        "run_autograder": RUN.format(exercise=task.name, sandbox=f" --sandbox {sandbox}" if sandbox else ""),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in scripts.items():
            _add(opened, name, text.encode(), 0o755)
        for path in sorted(_course_files(task)):
            _add(opened, path.relative_to(CLONE).as_posix(), path.read_bytes(), 0o644)
    return content.getvalue()


def results(grade: Grade) -> dict:
    """Gradescope's results of one grade: a test for each function.

    A learner sees what `course check` would say and, of hidden checks, neither input nor answer.
    """
    outcomes = {outcome.function: outcome for outcome in grade.outcomes}
    return {
        "score": grade.score,
        "output": "\n".join([grade.problem, *grade.notes]).strip(),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "execution_time": round(grade.seconds),
        "tests": [_test(function, outcomes.get(function), grade) for function in grade.worth],
    }


def grade_submission(task: Exercise, submission: Path, sandbox: str | None = None) -> dict:
    """Grade what lies in Gradescope's submission folder; gives its results.

    Raises CourseError where the grader fails: then there are no results, which Gradescope shows as the autograder's
    failure, and nobody has 0 points by our mistake.
    """
    with tempfile.TemporaryDirectory(prefix="course-gradescope-") as folder:
        place = Path(folder, "submitted", STUDENT, task.name)
        place.mkdir(parents=True)
        notebook = find_notebook(submission.resolve(), task)
        if notebook is not None:
            shutil.copyfile(notebook, place / f"{task.name}.ipynb", follow_symlinks=False)
        graded = Path(folder, "graded")
        command = [sys.executable, "-c", "from course.cli import main; main()", "grade", str(place.parent.parent)]
        command += ["--assignment", task.name, "--output", str(graded), "--workers", "1"]
        command += ["--sandbox", sandbox] if sandbox else []
        run = subprocess.run(command, capture_output=True, text=True, cwd=CLONE)
        try:
            (row,) = json.loads((graded / "grades.json").read_bytes())["grades"]
        except (OSError, ValueError, KeyError):
            raise CourseError(f"The grader failed: {run.stderr.strip() or run.stdout.strip()}") from None
    grade = Grade.from_dict({name.name: row[name.name] for name in fields(Grade)})
    if grade.score is None:
        raise CourseError(f"The grader failed: {grade.error}")
    return results(grade)


def find_notebook(submission: Path, task: Exercise) -> Path | None:
    """The notebook that is graded: the one of the exercise's own name, else the first that is of the exercise.

    None where there is none. Links are not followed.
    """
    found = sorted(path for path in submission.rglob("*.ipynb") if path.is_file() and not path.is_symlink())
    found = [path for path in found if ".ipynb_checkpoints" not in path.parts]
    named = [path for path in found if path.name == f"{task.name}.ipynb"]
    return next(iter(named or [path for path in found if _is_of(path, task)] or found), None)


def main(arguments: list[str] | None = None) -> None:
    """What `run_autograder` calls."""
    parser = argparse.ArgumentParser(prog="python -m autograder.engine.gradescope", description=main.__doc__)
    parser.add_argument("exercise")
    parser.add_argument("--submission", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--sandbox")
    given = parser.parse_args(arguments)
    try:
        found = grade_submission(exercise(given.exercise), given.submission, given.sandbox)
    except CourseError as error:
        sys.exit(str(error))
    write_atomically(given.results, json.dumps(found, indent=1) + "\n")


def _is_of(path: Path, task: Exercise) -> bool:
    try:
        return exercise_in(path, read_notebook(path)) == task
    except NotebookError:
        return False


def _test(function: str, outcome: Outcome | None, grade: Grade) -> dict:
    score, worth = grade.earned[function], grade.worth[function]
    output = grade.problem or "not run"
    if outcome is not None:
        output = outcome.failure.text() if outcome.failure else f"all {outcome.checks} checks passed"
    return {
        "name": function,
        "score": score,
        "max_score": worth,
        "status": "passed" if score == worth else "failed",
        "output": output,
        "visibility": "visible",
    }


def _course_files(task: Exercise) -> Iterator[Path]:
    """The course's code; of the hidden checks and solutions those of one exercise only."""
    for folder in FOLDERS:
        for path in (CLONE / folder).rglob("*"):
            if path.suffix in CODE and not _is_of_another(path.relative_to(CLONE), task):
                yield path
    yield from (CLONE / name for name in FILES)
    yield from (task.source, task.release)


def _is_of_another(path: Path, task: Exercise) -> bool:
    """Whether a file in the hidden folder is for another exercise: its checks, its data, the sample class."""
    if "hidden" not in path.parts or path.name == "__init__.py" and "samples" not in path.parts:
        return False
    return path.name != task.checks.name and path.stem not in task.name


def _add(opened: zipfile.ZipFile, name: str, content: bytes, mode: int) -> None:
    """Add a file with its mode and without a date, so that an archive is the same whenever it is made."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (0o100000 | mode) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    opened.writestr(info, content)


if __name__ == "__main__":
    main()
