"""Stock nbgrader: an instructor's commands in their order on every exercise, and the whole catalogue of answers."""

import contextlib
import copy
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
from pathlib import Path
from subprocess import DEVNULL

import pytest
import submissions
from submissions.capstone import PARTS

from autograder.exercises import CLONE, exercise, exercises, grade_cell, points
from autograder.hand_ins.notebooks import grading_metadata
from autograder.learner import in_place
from autograder.running import run_checks

PATIENTLY = "--Execute.timeout=300"  # seconds a cell; nbgrader's 30 can be too few on a busy machine
TOKEN = "for-this-test"  # of Jupyter's server
SCORES_ARE_THERE = (
    "() => { const all = [...document.querySelectorAll('.score')];"
    " return all.length && all.every(one => one.placeholder); }"
)
# Wrong answers make NumPy, scikit-learn and Keras warn.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
each_exercise = pytest.mark.parametrize("name", exercises())


@dataclass(frozen=True)
class Course:
    """An instructor's course folder, of one exercise."""

    folder: Path
    name: str

    def run(self, *command: str) -> str:
        """Run a command of nbgrader's, with the virtual environment on PATH; gives what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *command],
            cwd=self.folder,
            env=os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def notebook(self, step: str, student: str = "") -> Path:
        return self.folder / step / student / self.name / f"{self.name}.ipynb"

    def release(self, source: dict) -> dict:
        """Put a notebook with solutions and hidden tests into the course, and release it; gives what learners get."""
        shutil.copy(CLONE / "nbgrader_config.py", self.folder)
        self.notebook("solutions").parent.mkdir(parents=True)
        self.notebook("solutions").write_text(json.dumps(source))
        self.run("generate_assignment", self.name)
        return json.loads(self.notebook("exercises").read_bytes())

    def grade(self, student: str, notebook: dict, *options: str) -> dict[str, tuple[float, str]]:
        """Hand a notebook in and grade it: grade_id -> points in the gradebook, and what the grade cell shows."""
        path = self.notebook("submitted", student)
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook))
        self.run("autograde", self.name, *options)
        return self.marks(student)

    def marks(self, student: str) -> dict[str, tuple[float, str]]:
        """What `grade` gave."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}", "pneumonia") as gradebook:
            (notebook,) = gradebook.find_submission(self.name, student).notebooks
            scores = {grade.name: grade.auto_score for grade in notebook.grades}
        cells = json.loads(self.notebook("autograded", student).read_bytes())["cells"]
        shown = {grading_metadata(cell).get("grade_id"): shown_by(cell) for cell in cells}
        return {cell: (score, shown[cell]) for cell, score in scores.items()}


def shown_by(cell: dict) -> str:
    """The text that a cell's outputs show."""
    texts = [output.get("text") or output.get("traceback") or [] for output in cell.get("outputs", [])]
    return "\n".join(text if isinstance(text, str) else "\n".join(text) for text in texts)


def code(name: str, source: str) -> dict:
    return {"cell_type": "code", "id": name, "source": source, "metadata": {}, "outputs": [], "execution_count": None}


def graded_cells(path: Path) -> dict:
    """A notebook without the cells that draw pictures, which take time and give no points."""
    notebook = json.loads(path.read_bytes())
    cells = [cell for cell in notebook["cells"] if grading_metadata(cell) or cell["id"] == "setup"]
    return notebook | {"cells": cells}


def catalogue(name: str) -> dict[str, submissions.Answer]:
    """grade_id -> answer, of each answer to an exercise."""
    answers = submissions.answers(name)
    if name == "06-capstone":
        answers += [submissions.Answer("train_classifier", program, says) for program, says in PARTS.items()]
    return {f"{grade_cell(answer.function)}_{answer.name}": answer for answer in answers}


@each_exercise
def test_each_answer_gets_its_points_and_its_message(name, tmp_path):
    """An exercise as it is, but for this: its grade cells stand there again and again, once below each answer."""
    course, task, asked = Course(tmp_path, name), exercise(name), catalogue(name)
    source = json.loads(task.source.read_bytes())
    known = {grading_metadata(cell).get("grade_id"): cell for cell in source["cells"]}
    cells = [code("catalogue", submissions.source(name))]
    for place, (grade_id, answer) in enumerate(asked.items()):
        cell = copy.deepcopy(known[grade_cell(answer.function)])
        cell["id"], cell["metadata"]["nbgrader"]["grade_id"] = f"check-{place}", grade_id
        cells += [code(f"answer-{place}", f"{answer.function} = {answer.name}"), cell]
    marks = course.grade("ada", course.release(source | {"cells": cells}), PATIENTLY)
    assert set(marks) == set(asked)
    worth = points(source, task)
    for grade_id, (score, shown) in marks.items():
        assert_mark(task, asked[grade_id], score, shown, worth[asked[grade_id].function])


def assert_mark(task, answer, score: float, shown: str, worth: int):
    if answer.says is None:
        assert (score, f"{answer.function}: right" in shown) == (worth, True), (answer.name, shown)
        return
    assert answer.says in shown, (answer.name, shown)
    if answer.program not in PARTS:
        assert score == 0, answer.name
        return
    assert 0 < score < worth
    outcome = run_checks(task, in_place({answer.function: answer.program}), hidden=True, seed=1)
    # Each grading draws an order of cases and channels of its own, which a forest's score depends on a little.
    assert abs(score - outcome[answer.function].earned(worth)) <= 1, "what `course grade` gives"


@each_exercise
def test_an_instructors_commands_from_release_to_export(name, tmp_path):
    """Every other function of the one learner is wrong. TensorFlow is imported here, and its log lines cost nothing."""
    course, task = Course(tmp_path, name), exercise(name)
    released = course.release(json.loads(task.source.read_bytes()))
    assert course.notebook("exercises").read_bytes() == task.release.read_bytes()

    solved = course.folder / "solved.ipynb"
    solved.write_text(json.dumps(graded_cells(task.source)))
    assert "Success! Your notebook passes all the tests." in course.run("validate", solved.name, PATIENTLY)

    every_other = task.functions[1::2] or task.functions
    wrongs = [answer for answer in submissions.answers(name) if answer.says and answer.function in every_other]
    wrong = {answer.function: answer for answer in reversed(wrongs)}
    notebook = graded_cells(task.source)
    notebook["cells"].insert(0, code("catalogue", submissions.source(name)))
    for cell in notebook["cells"]:
        if answer := wrong.get(grading_metadata(cell).get("grade_id")):
            cell["source"] = f"{answer.function} = {answer.name}"
    worth = points(released, task)
    expected = {function: 0 if function in wrong else value for function, value in worth.items()}
    marks = course.grade("bea", notebook, PATIENTLY)
    assert {function: marks[grade_cell(function)][0] for function in worth} == expected

    course.run("generate_feedback", name)
    page = html.unescape(course.notebook("feedback", "bea").with_suffix(".html").read_text())
    assert [answer.name for answer in wrong.values() if answer.says not in page] == []
    course.run("export")
    with (course.folder / "grades.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (float(row["score"]), float(row["max_score"])) == (sum(expected.values()), sum(worth.values()))


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Course:
    """A course with one learner, goran, whose `recall` never ends and whose `precision` does not think of 0 / 0."""
    course = Course(tmp_path_factory.mktemp("course"), "02-metrics")
    course.release(json.loads(exercise(course.name).source.read_bytes()))
    notebook = graded_cells(exercise(course.name).source)
    cells = {grading_metadata(cell).get("grade_id"): cell for cell in notebook["cells"]}
    cells["precision"]["source"] = "def precision(tp, fp):\n    return tp / (tp + fp)"
    cells["recall"]["source"] = "def recall(tp, fn):\n    while True:\n        pass"
    course.grade("goran", notebook)
    return course


def test_an_endless_answer_costs_its_own_points_only(graded):
    """nbgrader interrupts the cell after 30 seconds; the functions after it are graded."""
    task = exercise(graded.name)
    worth = points(json.loads(task.source.read_bytes()), task) | {"precision": 0, "recall": 0}
    scores = {cell: score for cell, (score, _) in graded.marks("goran").items()}
    assert scores == {grade_cell(function): value for function, value in worth.items()}


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


def test_formgrader_shows_scores_and_messages(browser, formgrader, graded):
    page = browser.new_page(extra_http_headers={"Authorization": f"token {TOKEN}"})
    page.route(lambda url: "127.0.0.1" not in url, lambda route: route.abort())  # MathJax, from a CDN
    page.goto(f"{formgrader}/gradebook/{graded.name}/{graded.name}")
    row = page.locator("tr", has_text="Submission #1")
    assert "18 / 20" in row.inner_text()
    row.get_by_text("Submission #1").click()
    page.wait_for_function(SCORES_ARE_THERE)
    marks = page.locator("input.score").evaluate_all("all => all.map(one => [one.id, one.placeholder])")
    scores = {cell: score for cell, (score, _) in graded.marks("goran").items()}
    assert {cell: float(score) for cell, score in marks} == scores
    assert "A denominator is 0 here: test for that before dividing." in page.locator("body").inner_text()
    page.close()
