"""The grader itself: killed, interrupted, run twice, without disk or sandbox: nothing is lost, or graded twice."""

import contextlib
import csv
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from bench import Draft

from autograder.engine import fingerprints
from autograder.engine.judges import Job, do
from autograder.exercises import CLONE, exercise
from autograder.hand_ins.notebooks import grading_metadata
from autograder.judging.judge import Limits

COURSE = Path(sys.executable).with_name("course")
EXERCISE, OTHER = "02-metrics", "05-overfitting"
WHOLE = {"precision": "def precision(tp, fp):\n    return tp / (tp + fp) if tp + fp else 0.0"}
WRONG = {"precision": "def precision(tp, fp):\n    return tp"}
SLOW = WRONG | {"recall": "import time\ntime.sleep(8)\n\ndef recall(tp, fn):\n    return tp"}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")


def hand_in(submitted: Path, student: str, functions: dict[str, str], name: str = EXERCISE) -> None:
    """A notebook of the functions' cells alone, some of them written."""
    draft = Draft(exercise(name), ())
    draft.notebook["cells"] = [cell for cell in draft.cells if grading_metadata(cell)]
    for function, code in functions.items():
        draft.write(function, code)
    path = submitted / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(draft.content)


class Graded:
    """A class, and what grading has left of it."""

    def __init__(self, folder: Path, students: dict[str, dict]):
        self.submitted, self.output = folder / "submitted", folder / "graded"
        for student, functions in students.items():
            hand_in(self.submitted, student, functions)

    def start(self, *options: str, **environment: str) -> subprocess.Popen:
        """Begin to grade."""
        command = [str(COURSE), "grade", str(self.submitted), "--workers", "1", *options]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        # Where the tests run in the background of a script, an interrupt is ignored, and their children inherit that.
        heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        environment = os.environ | environment
        return subprocess.Popen(command, start_new_session=True, env=environment, preexec_fn=heeded, **pipes)

    def grade(self, *options: str, **environment: str) -> tuple[int, str]:
        """Grade; gives the exit status and what was printed."""
        running = self.start(*options, **environment)
        said, _ = running.communicate(timeout=300)
        return running.returncode, said

    def journal(self) -> list[tuple[str, str, bool]]:
        """(student, key, failed) of every entry in the journal."""
        if not (self.output / "journal.db").is_file():
            return []
        with contextlib.closing(sqlite3.connect(self.output / "journal.db", timeout=60)) as database:
            try:
                return database.execute("SELECT student, key, failed FROM grades ORDER BY id").fetchall()
            except sqlite3.OperationalError:  # it has just been made
                return []

    def graded(self) -> list[str]:
        """The students of the entries, in their order."""
        return [student for student, _, _ in self.journal()]

    def scores(self) -> dict[str, str]:
        """What grades.csv says."""
        if not (self.output / "grades.csv").is_file():
            return {}
        rows = csv.DictReader((self.output / "grades.csv").read_text().splitlines())
        return {row["student"]: row["score"] for row in rows}

    def entered(self) -> dict[str, float | None]:
        """The scores of `precision` in nbgrader's gradebook."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.output / 'gradebook.db'}", "pneumonia") as gradebook:
            cells = {
                entry.student_id: gradebook.find_grade("test_precision", EXERCISE, EXERCISE, entry.student_id)
                for entry in gradebook.assignment_submissions(EXERCISE)
            }
            return {student: cell.auto_score for student, cell in cells.items()}


def wait_for(condition, seconds: float = 300):
    """Wait until a condition holds, and give its value."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)
    return value


def children(pid: int, word: str) -> list[int]:
    """The processes below one whose command holds a word."""
    members = [pid]
    for member in members:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{member}/task"):
                members += map(int, Path(f"/proc/{member}/task/{task}/children").read_text().split())
    return [member for member in members[1:] if word in command_of(member)]


def command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    return ""


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if command_of(pid)]


def content(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time of change and content of all files but the database's own helpers."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and path.suffix not in (".db-wal", ".db-shm", ".lock")
    ]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_killed_at_any_moment_and_begun_again(tmp_path):
    """Nothing is lost, nothing is graded twice, no process stays behind."""
    students = {f"learner-{number}": WHOLE if number % 2 else WRONG for number in range(6)}
    graded, moments = Graded(tmp_path, students), random.Random(0)
    for least in (0, 1, 3, 4):
        running = graded.start()
        wait_for(lambda least=least, running=running: len(graded.journal()) >= least or running.poll() is not None)
        time.sleep(moments.random() / 2)
        below = children(running.pid, "")
        running.kill()
        running.communicate()
        kept = graded.journal()
        wait_for(lambda below=below: not alive(below), 60)
        assert graded.journal() == kept
        assert len({(student, key) for student, key, _ in kept}) == len(kept)
    status, said = graded.grade()
    assert status == 0, said
    assert sorted(graded.graded()) == sorted(students)
    assert not any(failed for _, _, failed in graded.journal())
    expected = {student: "1" if functions is WHOLE else "0" for student, functions in students.items()}
    assert graded.scores() == expected
    assert {student: f"{score:g}" for student, score in graded.entered().items()} == expected


def test_no_stale_grade_stands_as_new(tmp_path):
    """A submission was changed, and the grader killed before it came to it: the old score is nowhere to be seen."""
    graded = Graded(tmp_path, {"ada": WHOLE, "zoe": WHOLE})
    assert graded.grade()[0] == 0
    assert graded.scores() == {"ada": "1", "zoe": "1"}
    hand_in(graded.submitted, "zoe", SLOW)
    running = graded.start()
    wait_for(lambda: graded.scores()["zoe"] == "" and graded.entered()["zoe"] is None)
    running.kill()
    running.communicate()
    assert graded.scores() == {"ada": "1", "zoe": ""}
    assert graded.entered() == {"ada": 1.0, "zoe": None}
    assert "No score yet" in (graded.output / "feedback" / "zoe" / f"{EXERCISE}.html").read_text()
    assert "no score" in (graded.output / "report.html").read_text()
    assert graded.grade()[0] == 0
    assert graded.scores() == {"ada": "1", "zoe": "0"}
    assert graded.entered() == {"ada": 1.0, "zoe": 0.0}
    assert graded.graded() == ["ada", "zoe", "zoe"]


def test_nothing_changed_is_nothing_done_and_what_changed_is_graded_alone(tmp_path):
    graded = Graded(tmp_path, {"ada": WHOLE, "bert": WRONG, "zoe": WHOLE})
    assert graded.grade()[0] == 0
    before = content(graded.output)
    status, said = graded.grade()
    assert status == 0
    assert "0 graded" in said
    assert "3 of 3 have a score" in said
    assert content(graded.output) == before
    hand_in(graded.submitted, "bert", WHOLE)
    assert graded.grade()[0] == 0
    assert graded.graded() == ["ada", "bert", "zoe", "bert"]
    assert graded.scores() == dict.fromkeys(("ada", "bert", "zoe"), "1")
    os.remove(graded.submitted / "zoe" / EXERCISE / f"{EXERCISE}.ipynb")
    assert graded.grade()[0] == 0
    assert graded.scores() == {"ada": "1", "bert": "1", "zoe": "0"}
    assert graded.graded()[4:] == ["zoe"]


PEEPS = (
    "def precision(tp, fp):\n    if tp > 12:\n        raise KeyError(tp)\n    return tp / (tp + fp) if tp + fp else 0.0"
)


def test_who_hands_in_again_is_asked_something_else():
    """What one submission has found out about its inputs is of no use to the next; graded again, it is the same."""

    def asked(student: str, code: str, seed: int = 1) -> str:
        draft = Draft(exercise(EXERCISE), ())
        draft.write("precision", code)
        checks = fingerprints.of_checks(exercise(EXERCISE))
        job = Job(student, EXERCISE, draft.content, "", "key", checks, seed, "none", Limits())
        (outcome,) = [outcome for outcome in do(job).outcomes if outcome.function == "precision"]
        assert outcome.failure.hidden
        return outcome.failure.call

    first = asked("ada", PEEPS)
    assert asked("ada", PEEPS) == first
    others = [asked("ada", f"{PEEPS}  # {place}") for place in range(3)] + [asked("bob", PEEPS), asked("ada", PEEPS, 2)]
    assert len({first, *others}) > 4


def test_changed_checks_regrade_their_exercise_alone(tmp_path):
    """What is to be graded is asked of a copy of the course in which one file was changed."""
    graded = Graded(tmp_path, {"ada": WHOLE})
    hand_in(graded.submitted, "ada", {}, OTHER)
    assert graded.grade()[0] == 0
    copy = tmp_path / "copy"
    for part in ("autograder", "pneumonia", "solutions", "exercises"):
        shutil.copytree(CLONE / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    ask = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from autograder.engine.grading import Class\n"
        "from autograder.engine.journal import Journal\n"
        "with Journal(Path(sys.argv[3])) as journal:\n"
        "    graded = Class(Path(sys.argv[2]), journal)\n"
        "    print(*[graded.handins[place].exercise for place in graded.todo])\n"
    )

    def todo() -> list[str]:
        command = [sys.executable, "-c", ask, str(copy), str(graded.submitted), str(graded.output)]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=copy).stdout.split()

    assert todo() == []
    for file, regraded in (
        ("autograder/hidden/test_02_metrics.py", [EXERCISE]),
        ("autograder/checks/metrics.py", [EXERCISE]),
        ("autograder/checks/overfitting.py", [OTHER]),
        ("autograder/judging/judge.py", [EXERCISE, OTHER]),
        ("autograder/reporting/reports.py", []),
    ):
        text = (copy / file).read_text()
        (copy / file).write_text(f"{text}\n# changed\n")
        assert todo() == regraded, file
        (copy / file).write_text(text)


def test_two_graders_on_one_folder_exclude_each_other(tmp_path):
    graded = Graded(tmp_path, {"ada": SLOW})
    first = graded.start()
    wait_for(lambda: children(first.pid, "autograder.engine.judges"))
    status, said = graded.grade()
    assert status == 2
    assert "Another `course grade` is at work" in said
    assert "Traceback" not in said
    first.communicate(timeout=120)
    assert first.returncode == 0
    assert graded.graded() == ["ada"]


def test_an_interrupt_ends_cleanly(tmp_path):
    graded = Graded(tmp_path, {"ada": WHOLE, "bert": SLOW, "zoe": WHOLE})
    running = graded.start()
    wait_for(lambda: graded.graded() == ["ada"])
    below = children(running.pid, "")
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert "2 are left. Run it again to go on" in said
    wait_for(lambda: not alive(below), 10)
    assert graded.scores() == {"ada": "1", "bert": "", "zoe": ""}
    assert graded.grade()[0] == 0
    assert graded.graded() == ["ada", "bert", "zoe"]


def test_a_killed_judge_costs_one_score_and_no_more(tmp_path):
    graded = Graded(tmp_path, {"ada": WHOLE, "bert": SLOW, "zoe": WHOLE})
    running = graded.start()
    wait_for(lambda: graded.graded() == ["ada"])
    bench, judge = children(running.pid, "autograder.engine.judges")  # the judge is a fork of its bench
    assert judge in children(bench, "")
    os.kill(judge, signal.SIGKILL)
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 1
    assert "The process that graded this notebook was killed" in said
    assert graded.scores() == {"ada": "1", "bert": "", "zoe": "1"}
    assert graded.entered() == {"ada": 1.0, "zoe": 1.0}
    assert graded.grade()[0] == 0
    assert graded.graded() == ["ada", "bert", "zoe", "bert"]
    assert graded.scores() == {"ada": "1", "bert": "0", "zoe": "1"}


def test_a_full_disk_is_an_error_that_loses_nothing(tmp_path):
    """The output lies on a file system of 4 MB, which is filled, and emptied again."""
    graded = Graded(tmp_path, {"ada": WHOLE, "bert": WHOLE})
    others = Graded(tmp_path / "changed", {"ada": WRONG, "bert": WRONG})
    graded.output.mkdir()
    grade = f'"{COURSE}" grade "{graded.submitted}" --workers 1'
    count = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM grades').fetchall())"
    aside = tmp_path / "aside"  # SQLite writes beside what it reads
    aside.mkdir()
    read = f'cp "{graded.output}"/journal.db* "{aside}"; "{sys.executable}" -c "{count}" "{aside}/journal.db"'
    steps = (
        f"{grade}; echo status $?; {read}\n"
        f'cp -r "{others.submitted}"/* "{graded.submitted}"\n'
        f'dd if=/dev/zero of="{graded.output}/filler" bs=4k 2>/dev/null\n'
        f"{grade}; echo status $?; {read}\n"
        f'rm "{graded.output}/filler"\n'
        f'{grade}; echo status $?; {read}; cat "{graded.output}/grades.csv"\n'
    )
    small = [
        "bwrap",
        "--cap-add",
        "ALL",
        "--dev-bind",
        "/",
        "/",
        "--size",
        str(4 * 2**20),
        "--tmpfs",
        str(graded.output),
    ]
    run = subprocess.run([*small, "--", "sh", "-c", steps], capture_output=True, text=True, timeout=300)
    said = run.stdout + run.stderr
    assert "Traceback" not in said
    assert [line for line in run.stdout.splitlines() if line.startswith(("status", "[("))] == [
        *("status 0", "[(2,)]"),
        *("status 2", "[(2,)]"),
        *("status 0", "[(4,)]"),
    ], said
    assert "full" in run.stderr or "No space left" in run.stderr
    assert f"ada,{EXERCISE},0,20\nbert,{EXERCISE},0,20" in run.stdout


def test_without_a_sandbox_nothing_is_graded_unless_it_is_asked_for(tmp_path):
    graded = Graded(tmp_path, {"ada": WHOLE})
    status, said = graded.grade(PATH=str(tmp_path))
    assert status == 2
    assert "apt-get install bubblewrap" in said
    assert "--sandbox none" in said
    assert "Traceback" not in said
    assert graded.journal() == []
    status, said = graded.grade("--sandbox", "none", PATH=str(tmp_path))
    assert status == 0
    assert "No sandbox" in said
    assert "No sandbox" in (graded.output / "report.html").read_text()
    assert json.loads((graded.output / "grades.json").read_text())["sandbox"] == "none"
