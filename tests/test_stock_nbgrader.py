"""Stock nbgrader on every exercise: an instructor's commands in their order, on the whole catalogue of answers."""

import contextlib
import csv
import html
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from subprocess import DEVNULL

import pytest
import submissions
import warm_kernel
from playwright.sync_api import sync_playwright
from submissions.capstone import PARTS

from autograder.exercises import CLONE, exercise, exercises, grade_cell, points
from autograder.learner import in_place
from autograder.notebooks import grading_metadata, source_of
from autograder.running import run_checks

# What a grade cell imports, besides what the exercise's checks do.
IMPORTED = ("autograder.running", "scipy.special", "sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection")
TOKEN = "for-this-test"  # of Jupyter's server
SCORES_ARE_THERE = (
    "() => { const all = [...document.querySelectorAll('.score')];"
    " return all.length && all.every(one => one.placeholder); }"
)
PATIENTLY = "--Execute.timeout=300"  # seconds a cell; nbgrader's 30 can be too few on a busy machine


@dataclass(frozen=True)
class Course:
    """An instructor's course folder, of one exercise."""

    folder: Path
    name: str

    @property
    def task(self):
        return exercise(self.name)

    @property
    def released(self) -> dict:
        return json.loads((self.folder / "exercises" / self.name / f"{self.name}.ipynb").read_bytes())

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


def prepared(folder: Path, name: str) -> Course:
    """A course folder into which an instructor has put an exercise's source, and released it."""
    shutil.copy(CLONE / "nbgrader_config.py", folder)
    shutil.copytree(exercise(name).source.parent, folder / "solutions" / name)
    made = Course(folder, name)
    made.run("generate_assignment", name)
    return made


@pytest.fixture
def course(name, tmp_path) -> Course:
    return prepared(tmp_path, name)


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
        course.run("autograde", name, PATIENTLY, environment=kernels)

    worth = points(course.released, course.task)
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
    assert "Success! Your notebook passes all the tests." in course.run("validate", path.name, PATIENTLY)


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Course:
    """A course with one learner, goran, whose `recall` never ends and whose `precision` does not think of 0 / 0."""
    made = prepared(tmp_path_factory.mktemp("course"), "02-metrics")
    notebook = graded_cells(made.task.source)
    cells = {grading_metadata(cell).get("grade_id"): cell for cell in notebook["cells"]}
    cells["precision"]["source"] = "def precision(tp, fp):\n    return tp / (tp + fp)"
    cells["recall"]["source"] = "def recall(tp, fn):\n    while True:\n        pass"
    made.hand_in("goran", notebook)
    made.run("autograde", made.name)
    return made


def test_an_endless_answer_costs_its_own_points_only(graded):
    """nbgrader interrupts the cell; the functions after it are graded."""
    scores = {function: score for function, (score, _) in graded.marks("goran").items()}
    assert scores == points(graded.released, graded.task) | {"precision": 0, "recall": 0}


@pytest.fixture
def formgrader(graded, tmp_path):
    """The address of nbgrader's formgrader on the graded course."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
    command += [f"--port={port}", f"--IdentityProvider.token={TOKEN}"]
    environment = os.environ | {f"JUPYTER_{kind}_DIR": str(tmp_path / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    server = subprocess.Popen(command, cwd=graded.folder, env=environment, stdout=DEVNULL, stderr=DEVNULL)
    try:
        for _ in range(240):
            assert server.poll() is None, "Jupyter's server does not start"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.25)
        yield f"http://127.0.0.1:{port}/formgrader"
    finally:
        server.kill()
        server.wait()


def test_formgrader_shows_scores_and_messages(formgrader, graded):
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert program, "the browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(extra_http_headers={"Authorization": f"token {TOKEN}"})
        page.route(lambda url: "127.0.0.1" not in url, lambda route: route.abort())  # MathJax, from a CDN
        page.goto(f"{formgrader}/gradebook/{graded.name}/{graded.name}")
        row = page.locator("tr", has_text="Submission #1")
        assert "18 / 20" in row.inner_text()
        row.get_by_text("Submission #1").click()
        page.wait_for_function(SCORES_ARE_THERE)
        marks = page.locator("input.score").evaluate_all("all => all.map(one => [one.id, one.placeholder])")
        assert {name: float(score) for name, score in marks} == {
            grade_cell(function): score for function, (score, _) in graded.marks("goran").items()
        }
        assert "A denominator is 0 here: test for that before dividing." in page.locator("body").inner_text()
        browser.close()
