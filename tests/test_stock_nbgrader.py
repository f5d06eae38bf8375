"""Stock nbgrader on every exercise: an instructor's commands in their order, on the whole catalogue of answers."""

import csv
import html
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest
import submissions
import warm_kernel
from submissions.capstone import PARTS

from autograder.exercises import CLONE, exercise, exercises, grade_cell, points
from autograder.learner import in_place
from autograder.notebooks import grading_metadata, source_of
from autograder.running import run_checks

# What a grade cell imports, besides what the exercise's checks do.
IMPORTED = ("autograder.running", "scipy.special", "sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection")


@dataclass(frozen=True)
class Course:
    """An instructor's course folder, of one exercise."""

    folder: Path
    name: str

    @property
    def task(self):
        return exercise(self.name)

    def run(self, *command: str, environment: dict | None = None) -> str:
        """Run a command of nbgrader's, with the virtual environment on PATH; gives what it says."""
        path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *command],
            cwd=self.folder,
            env=os.environ | path | (environment or {}),
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def notebook(self, step: str, student: str) -> Path:
        return self.folder / step / student / self.name / f"{self.name}.ipynb"

    def hand_in(self, student: str, notebook: dict) -> None:
        path = self.notebook("submitted", student)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook))

    def marks(self, student: str) -> dict[str, tuple[float, str]]:
        """Function -> its points in the gradebook, and what its grade cell shows."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}", "pneumonia") as gradebook:
            (notebook,) = gradebook.find_submission(self.name, student).notebooks
            scores = {grade.name: grade.auto_score for grade in notebook.grades}
        cells = json.loads(self.notebook("autograded", student).read_bytes())["cells"]
        shown = {grading_metadata(cell).get("grade_id"): shown_by(cell) for cell in cells}
        return {f: (scores[grade_cell(f)], shown[grade_cell(f)]) for f in self.task.functions}


def shown_by(cell: dict) -> str:
    """The text that a cell's outputs show."""
    texts = [output.get("text") or output.get("traceback") or [] for output in cell.get("outputs", [])]
    return "\n".join(text if isinstance(text, str) else "\n".join(text) for text in texts)


@pytest.fixture
def course(name, tmp_path) -> Course:
    """A course folder into which an instructor has put the sources, and released them."""
    shutil.copy(CLONE / "nbgrader_config.py", tmp_path)
    shutil.copytree(exercise(name).source.parent, tmp_path / "solutions" / name)
    made = Course(tmp_path, name)
    made.run("generate_assignment", name)
    return made


def classes(name: str) -> dict[str, dict[str, submissions.Answer]]:
    """Student -> function -> answer: of every function, the first student has the first answer, and so on."""
    by_function = {function: [] for function in exercise(name).functions}
    for answer in submissions.answers(name):
        by_function[answer.function].append(answer)
    if name == "06-capstone":
        parts = [submissions.Answer("train_classifier", program, says) for program, says in PARTS.items()]
        by_function["train_classifier"] += parts
    rows = zip_longest(*by_function.values())
    return {f"student{place:02}": dict(zip(by_function, row, strict=True)) for place, row in enumerate(rows)}


def graded_cells(path: Path) -> dict:
    """A notebook without the cells that draw pictures, which take time and give no points."""
    notebook = json.loads(path.read_bytes())
    cells = [cell for cell in notebook["cells"] if grading_metadata(cell) or source_of(cell).startswith("import")]
    return notebook | {"cells": cells}


def answered(name: str, answers: dict) -> dict:
    """The released notebook with the catalogue in its first cell, and an answer's name in the cell of its function."""
    notebook = graded_cells(exercise(name).release)
    cells = {grading_metadata(cell).get("grade_id"): cell for cell in notebook["cells"]}
    for function, answer in answers.items():
        if answer is not None:
            cells[function]["source"] = f"{function} = {answer.name}"
    catalogue = {"cell_type": "code", "id": "catalogue", "source": submissions.source(name)}
    notebook["cells"].insert(0, catalogue | {"metadata": {}, "outputs": [], "execution_count": None})
    return notebook


@pytest.mark.parametrize("name", exercises())
def test_the_catalogue_from_release_to_export(name, course):
    """Each command does its work, and each answer gets its points and its message."""
    assert (course.folder / "exercises" / name / f"{name}.ipynb").read_bytes() == course.task.release.read_bytes()
    handed_in = classes(name)
    for student, answers in handed_in.items():
        course.hand_in(student, answered(name, answers))
    modules = [*IMPORTED, *["autograder.keras_models"] * course.task.keras]
    with warm_kernel.serving(course.folder, modules) as kernels:
        course.run("autograde", name, environment=kernels)

    worth = points(json.loads(course.task.source.read_bytes()), course.task)
    total = {}
    for student, answers in handed_in.items():
        marks = course.marks(student)
        for function, answer in answers.items():
            assert_mark(course.task, answer, *marks[function], worth[function])
        total[student] = sum(score for score, _ in marks.values())

    shown = next(answer for answer in handed_in["student06"].values() if answer and answer.says)
    course.run("generate_feedback", name, "--student=student06")
    page = course.notebook("feedback", "student06").with_suffix(".html").read_text()
    assert shown.says in html.unescape(page)
    course.run("export")
    with (course.folder / "grades.csv").open(newline="") as file:
        exported = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    assert exported == {student: (score, sum(worth.values())) for student, score in total.items()}


def assert_mark(task, answer, score: float, shown: str, worth: int):
    if answer is None:
        assert (score, "Not written yet" in shown) == (0, True), shown
    elif answer.says is None:
        assert (score, f"{answer.function}: right" in shown) == (worth, True), (answer.name, shown)
    else:
        assert answer.says in shown, (answer.name, shown)
        part = answer.program in PARTS
        assert (0 < score < worth) if part else score == 0, answer.name
        if part:  # what `course grade` gives
            outcome = run_checks(task, in_place({answer.function: answer.program}), hidden=True, seed=1)
            assert score == outcome[answer.function].earned(worth)


@pytest.mark.parametrize("name", exercises())
def test_the_solutions_are_valid(name, course):
    """By nbgrader's own word, in a kernel that imports TensorFlow itself: its log lines cost nothing."""
    path = course.folder / f"{name}.ipynb"
    path.write_text(json.dumps(graded_cells(course.task.source)))
    assert "Success! Your notebook passes all the tests." in course.run("validate", path.name)


def test_an_endless_answer_costs_its_own_points_only(tmp_path):
    """nbgrader interrupts the cell; the functions after it are graded."""
    name = "02-metrics"
    course = Course(tmp_path, name)
    shutil.copy(CLONE / "nbgrader_config.py", tmp_path)
    shutil.copytree(exercise(name).source.parent, tmp_path / "solutions" / name)
    course.run("generate_assignment", name)
    notebook = graded_cells(exercise(name).source)
    (cell,) = [cell for cell in notebook["cells"] if grading_metadata(cell).get("grade_id") == "recall"]
    cell["source"] = "def recall(tp, fn):\n    while True:\n        pass"
    course.hand_in("goran", notebook)
    course.run("autograde", name, "--Execute.timeout=10")
    worth = points(notebook, exercise(name))
    assert {f: score for f, (score, _) in course.marks("goran").items()} == worth | {"recall": 0}
