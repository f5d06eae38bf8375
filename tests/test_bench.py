"""The bench of hostile, broken and honest submissions (`tests/bench`), graded end to end by `course grade`, sandbox on.

What "trusted" means: a wrong or hostile submission has no point that its functions did not earn, a right one loses
none, one submission changes neither another's grade nor the machine, and the instructor reads why.
"""

import contextlib
import html
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from bench import GROUPS, MARK, Case, Draft, catalogue

from autograder.engine.grades import Grade
from autograder.engine.grading import find_handins
from autograder.exercises import CLONE, exercise, points_of
from autograder.reporting.class_page import SCRIPT
from autograder.reporting.reports import feedback_path

COURSE = Path(sys.executable).with_name("course")
EXERCISES = sorted({case.exercise for case in catalogue()})
TOKEN = secrets.token_hex(16).encode()  # known to the graders that are begun here, and to nobody else
APART = 10  # cases between two honest submissions
# Shorter than usual, so that endless loops are not waited for; what is right needs a tenth of it on an idle machine.
SECONDS = ("--call-seconds", "3", "--cell-seconds", "8", "--submission-seconds", "60")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")


class Service:
    """A service on this machine, which notes who connects to it."""

    def __init__(self):
        self.connections: list = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, address = self._socket.accept()
                self.connections.append(address)
                connection.close()


class Class:
    """The bench's submissions to one exercise and honest ones between them, graded."""

    def __init__(self, folder: Path, name: str, service: Service):
        self.submitted, self.output, self.task = folder / "submitted", folder / "graded", exercise(name)
        cases = sorted((case for case in catalogue() if case.exercise == name), key=lambda case: case.student)
        for case in cases:
            case.hand_in(self.submitted, service.port)
        self.honest = ["an-honest-learner-01", *(f"{case.student} and honest" for case in cases[5::APART])]
        right = Draft(self.task, self.task.functions).content
        for student in self.honest:
            place = self.submitted / student / name
            place.mkdir(parents=True)
            (place / f"{name}.ipynb").write_bytes(right)
        command = [str(COURSE), "grade", str(self.submitted), "--assignment", name, *SECONDS]
        secret = {"BENCH_SECRET_TOKEN": TOKEN.decode()}
        self.run = subprocess.run(command, capture_output=True, env=os.environ | secret, timeout=900)
        rows = json.loads((self.output / "grades.json").read_text())["grades"]
        derived = ("score", "max_score")
        self.grades = {
            row["student"]: Grade.from_dict({key: value for key, value in row.items() if key not in derived})
            for row in rows
        }
        self.report = html.unescape((self.output / "report.html").read_text())

    def grade(self, student: str) -> Grade:
        return self.grades[os.fsencode(student).decode("utf-8", "backslashreplace")]

    def told(self, student: str) -> str:
        """What the learner's feedback says, and the report's remarks on the learner."""
        grade = self.grade(student)
        remarks = [line for line in self.report.split("<li>") if line.startswith(f"{grade.student}: ")]
        return html.unescape((self.output / feedback_path(grade)).read_text()) + "\n".join(remarks)


def course_processes() -> set[int]:
    """The processes that bear a case's mark as their name, or our token in their environment."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if MARK[:15] in Path(f"/proc/{pid}/comm").read_text() or TOKEN in Path(f"/proc/{pid}/environ").read_bytes():
                found.add(int(pid))
    return found


@pytest.fixture(scope="module")
def before() -> set[int]:
    return course_processes()


@pytest.fixture(scope="module")
def service() -> Service:
    return Service()


@pytest.fixture(scope="module")
def classes(before, service, tmp_path_factory) -> dict[str, Class]:
    return {name: Class(tmp_path_factory.mktemp("bench") / name, name, service) for name in EXERCISES}


@pytest.mark.parametrize("case", catalogue(), ids=lambda case: f"{case.group}-{case.name}")
def test_submission_has_what_it_earned_and_is_told_why(case: Case, classes):
    graded = classes[case.exercise]
    grade = graded.grade(case.student)
    assert not grade.error
    assert dict(grade.earned) == case.points, [outcome.failure for outcome in grade.outcomes if outcome.failure]
    told = graded.told(case.student)
    for words in case.says:
        assert words in told


@pytest.mark.parametrize("name", EXERCISES)
def test_honest_submissions_between_keep_all_points(name, classes):
    graded = classes[name]
    for student in graded.honest:
        assert dict(graded.grade(student).earned) == dict(points_of(graded.task)), student
        assert not graded.grade(student).notes


@pytest.mark.parametrize("name", EXERCISES)
def test_every_submission_has_a_row_and_the_batch_ends_well(name, classes):
    graded = classes[name]
    handins, _ = find_handins(graded.submitted, name)
    assert graded.run.returncode == 0, graded.run.stderr.decode()
    assert sorted(graded.grades) == sorted(handin.student for handin in handins)
    assert len(handins) == len(graded.honest) + sum(case.exercise == name for case in catalogue())


@pytest.mark.parametrize("name", EXERCISES)
def test_gradebook_has_the_same_points(name, classes):
    from nbgrader.api import Gradebook

    graded = classes[name]
    with Gradebook(f"sqlite:///{graded.output / 'gradebook.db'}", "pneumonia") as gradebook:
        scores = {entry.student_id: entry.score for entry in gradebook.assignment_submissions(name)}
    assert scores == {student: grade.score for student, grade in graded.grades.items()}


def test_nothing_is_left_behind(before, classes):
    """No process, and no file in any place where a case tries to leave one."""
    assert course_processes() <= before
    here = [CLONE, CLONE / "pneumonia", Path(sys.prefix), Path.home(), Path("/"), Path("/tmp"), Path("/dev/shm")]
    for folder in [*here, *(graded.submitted.parent for graded in classes.values())]:
        assert not list(folder.glob(f"*{MARK}*"))
    for graded in classes.values():
        assert not [path for path in graded.submitted.parent.rglob("*") if MARK in path.name]
        strangers = {path.name for path in graded.output.iterdir()} - {"feedback", "gradebook.db", ".published"}
        assert not {name for name in strangers if not re.match(r"(grades|report|journal|junit)\b", name)}


def test_nobody_reached_a_service_of_this_machine(service, classes):
    """The service is there, as the last line shows, and nobody came."""
    assert service.connections == []
    socket.create_connection(("127.0.0.1", service.port)).close()


@pytest.mark.parametrize("name", EXERCISES)
def test_what_is_shown_commands_nobody(name, classes):
    """Neither a terminal nor a browser nor a spreadsheet is told to do anything by what learners wrote."""
    graded = classes[name]
    for said in (graded.run.stdout, graded.run.stderr):
        assert not [character for character in said.decode() if not character.isprintable() and character not in "\n\r"]
    for page in graded.output.rglob("*.html"):
        text, forbidden = page.read_text(), "script|svg"
        if page.name == "report.html":  # it has one script of its own, and draws its charts
            text, forbidden = text.replace(f"<script>{SCRIPT}</script>", "", 1), "script"
        assert not re.search(rf"<({forbidden}|img|iframe|object|link)\b|javascript:|\son\w+=", _tags(text))
    for cell in re.findall(r'^"?(.)', (graded.output / "grades.csv").read_text(), re.MULTILINE):
        assert cell not in "=@"


def _tags(page: str) -> str:
    """A page's tags, without the text between them."""
    return " ".join(re.findall(r"<[^>]*>", page))


def test_the_bench_is_whole():
    """Every group of the requirement is there, each case under a name and a learner of its own."""
    cases = catalogue()
    assert {case.group for case in cases} == {*GROUPS}
    assert len(cases) == len({case.name for case in cases}) == len({case.student for case in cases}) >= 80
    assert all(case.tries for case in cases)
