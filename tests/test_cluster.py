"""Grading on a cluster: a real Dask scheduler and real worker processes on this machine, some of which are killed.

Slurm itself is not here. The job that would be handed to it is read, and its script is run by two small programs that
stand in the place of `sbatch` and `scancel`.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask.config
import pytest
from distributed import Client

from autograder.engine import cluster, cluster_worker
from autograder.engine.grading import Class, grade_class
from autograder.engine.journal import NAME, Journal
from autograder.exercises import CLONE, exercise
from autograder.hand_ins.notebooks import grading_metadata
from pneumonia.settings import CourseError

EXERCISE = exercise("02-metrics")
COURSE = Path(sys.executable).with_name("course")
RIGHT = "def precision(tp, fp):\n    return tp / (tp + fp) if tp + fp else 0.0"
WRONG = "def precision(tp, fp):\n    return tp / (tp + fp + 1)"
SLOW = "import time\ntime.sleep(60)"
# Kills the Dask worker whose judge runs this, as a machine does that goes down: judge, bench, worker.
DEADLY = """
import os, signal
pid = os.getppid()
for _ in range(2):
    pid = int(open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[1])
os.kill(pid, signal.SIGKILL)
"""
# Like the real one, it has its own copy of the script before it returns: dask-jobqueue then deletes the file.
SBATCH = """#!/bin/sh
job=$(mktemp {folder}/job-XXXXXX)
cp "$1" "$job"
setsid bash "$job" >>{folder}/said 2>&1 &
echo $! >>{folder}/begun
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
for job in "$@"; do echo $job >>{folder}/cancelled; kill -9 -- -$job; done
"""


def hand_in(submitted: Path, student: str, precision: str) -> None:
    """The exercise's notebook without its figures, with one function written."""
    notebook = json.loads(EXERCISE.release.read_bytes())
    notebook["cells"] = [cell for cell in notebook["cells"] if grading_metadata(cell)]
    for cell in notebook["cells"]:
        if grading_metadata(cell)["grade_id"] == "precision":
            cell["source"] = f"# {student}\n{precision}"
    path = submitted / student / EXERCISE.name / f"{EXERCISE.name}.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook))


def scores(grading) -> dict[str, int | None]:
    return {grade.student: grade.score for grade in grading.grades}


def in_the_journal(output: Path) -> list[str]:
    """The students of its entries; none before it is there."""
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(output / NAME)) as journal:
        return sorted(student for (student,) in journal.execute("SELECT student FROM grades"))
    return []


def descendants(pid: int) -> list[int]:
    """The processes that a process began, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *descendants(child)]
    return found


def command_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def until(what, seconds: float = 60):
    """Wait until `what()` is true, and give it."""
    end = time.monotonic() + seconds
    while not (result := what()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)
    return result


class Cluster:
    """A Dask scheduler, and workers that are added to it."""

    def __init__(self, folder: Path):
        self.folder, self.file, self._processes = folder, folder / "scheduler.json", []

    def begin(self, allowed_failures: int = 3) -> "Cluster":
        settings = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(allowed_failures)}
        self._begin([sys.executable, "-m", "dask", "scheduler", "--port", "0"], settings)
        until(self.file.is_file)
        return self

    def add_worker(self, *options: str, threads: int = 1, python: str = sys.executable) -> subprocess.Popen:
        """A worker with its nanny, which begins it anew where it dies, or with the option --no-nanny by itself."""
        command = [python, "-m", "dask", "worker", "--nthreads", str(threads), "--local-directory", str(self.folder)]
        return self._begin([*command, *options], {})

    def wait_for_workers(self, number: int) -> None:
        with Client(scheduler_file=str(self.file), set_as_default=False) as client:
            client.wait_for_workers(number, timeout=60)

    def grades(self, graded: Class, say=print):
        """The grades of a class, by this cluster."""
        with cluster.ClusterTeam(str(self.file), say=say) as team:
            graded.prepare(team)
            yield from graded.grade(team)

    def kill(self, process: subprocess.Popen) -> None:
        """Nanny, worker, and what they began, at once: the machine is gone."""
        for pid in (process.pid, *descendants(process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for process in reversed(self._processes):
            self.kill(process)

    def _begin(self, command: list[str], settings: dict[str, str]) -> subprocess.Popen:
        common = ["--scheduler-file", str(self.file), "--host", "127.0.0.1", "--no-dashboard"]
        with open(self.folder / "said", "ab") as said:
            process = subprocess.Popen([*command, *common], env=os.environ | settings, stdout=said, stderr=said)
        self._processes.append(process)
        return process


@pytest.fixture
def dask_cluster(tmp_path):
    """A cluster that is not begun yet; ended with all of its processes."""
    running = Cluster(tmp_path)
    yield running
    running.end()


def test_a_worker_that_is_killed_costs_nothing(tmp_path, dask_cluster):
    students = [f"student-{number:02}" for number in range(12)]
    for number, student in enumerate(students):
        hand_in(tmp_path / "submitted", student, RIGHT if number % 3 else WRONG)
    dask_cluster.begin()
    doomed, _ = dask_cluster.add_worker(), dask_cluster.add_worker()
    dask_cluster.wait_for_workers(2)
    with Journal(tmp_path / "graded") as journal:
        graded = Class(tmp_path / "submitted", journal, seed=7)
        for number, _ in enumerate(dask_cluster.grades(graded)):
            if number == 1:
                dask_cluster.kill(doomed)
        there = graded.result()
    here = grade_class(tmp_path / "submitted", tmp_path / "here", seed=7, workers=1)
    assert scores(there) == scores(here) == {student: int(n % 3 > 0) for n, student in enumerate(students)}
    assert in_the_journal(tmp_path / "graded") == students


def test_a_notebook_that_kills_workers_costs_itself_alone(tmp_path, dask_cluster):
    """Without a sandbox a notebook can: those that were near it each time are tried again, and have their points."""
    for number in range(6):
        hand_in(tmp_path / "submitted", f"student-{number}", RIGHT)
    hand_in(tmp_path / "submitted", "deadly", DEADLY)
    dask_cluster.begin(allowed_failures=0).add_worker(threads=2)
    with Journal(tmp_path / "graded") as journal:
        graded = Class(tmp_path / "submitted", journal, seed=7, held_by="none")
        grades = {grade.student: grade for grade in dask_cluster.grades(graded)}
    assert grades["deadly"].error == "Each worker of the cluster that had this notebook died."
    assert {name: grade.score for name, grade in grades.items()} == {
        "deadly": None,
        **{f"student-{number}": 1 for number in range(6)},
    }


@pytest.fixture
def outside_tmp():
    """A folder for another course: what lies in /tmp is refused before anybody asks which course it is."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def test_a_worker_with_another_course_is_given_nothing(tmp_path, outside_tmp, dask_cluster):
    for student in ("ada", "bruno"):
        hand_in(tmp_path / "submitted", student, RIGHT)
    dask_cluster.begin().add_worker("--no-nanny", python=python_with_another_course(outside_tmp))
    with Journal(tmp_path / "graded") as journal:
        graded = Class(tmp_path / "submitted", journal, seed=7)
        with pytest.raises(CourseError, match="No worker .* Its checks of 02-metrics are not the ones here: check out"):
            list(dask_cluster.grades(graded))
        assert len(graded.todo) == 2
        dask_cluster.add_worker("--no-nanny")
        dask_cluster.wait_for_workers(2)
        said = []
        assert {grade.score for grade in dask_cluster.grades(graded, said.append)} == {1}
    assert [line for line in said if "is given nothing. Its checks of 02-metrics" in line] == said != []


def python_with_another_course(folder: Path) -> str:
    """A Python with all that this one has, and a copy of the course in which one check was changed."""
    copy = folder / "clone"
    shutil.copytree(CLONE / "autograder", copy / "autograder", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pneumonia", "exercises", "solutions"):
        (copy / name).symlink_to(CLONE / name)
    with open(copy / "autograder" / "checks" / "test_02_metrics.py", "a") as checks:
        checks.write("\n# changed\n")
    venv.create(folder / "venv", symlinks=True)
    packages = next(folder.glob("venv/lib/python*/site-packages"))
    (packages / "others.pth").write_text(f"{copy}\n{Path(dask.__file__).parent.parent}\n")
    return str(folder / "venv" / "bin" / "python")


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (lambda course: {"course": course}, ""),
        (lambda course: {"refused": "There is no bwrap."}, "There is no bwrap."),
        (lambda course: {"course": {}}, "Its checks of 01-convolution are not the ones here"),
        (
            lambda course: {"course": course | {"02-metrics": [course["02-metrics"][0], "python 3.11.7, numpy 1.0"]}},
            "numpy 1.0 there",
        ),
    ],
)
def test_a_worker_is_refused_for_what_it_tells(told, says):
    course = cluster_worker.course()
    answer = cluster.refusal(course, told(course))
    assert says in answer
    assert bool(answer) == bool(says)


def test_a_worker_without_a_sandbox_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    def told(held_by):
        # In a thread of its own: while a browser test's Playwright is open, its event loop runs in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, cluster_worker.describe(held_by)).result()

    assert "apt-get install bubblewrap" in told("bubblewrap")["refused"]
    assert told("none") == {"course": cluster_worker.course()}


def test_ctrl_c_leaves_nothing_on_the_cluster(tmp_path, dask_cluster):
    for number in range(8):
        hand_in(tmp_path / "submitted", f"student-{number:02}", RIGHT if number < 3 else SLOW)
    worker = dask_cluster.begin().add_worker("--no-nanny")
    command = [COURSE, "grade", tmp_path / "submitted", "--cluster", dask_cluster.file]
    # A shell's background jobs ignore SIGINT, and so would what they start.
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    grading = subprocess.Popen(list(map(str, command)), **pipes, **heard)
    until(lambda: len(in_the_journal(tmp_path / "graded")) >= 3, 120)
    assert judges_of(worker)
    grading.send_signal(signal.SIGINT)
    _, said = grading.communicate(timeout=60)
    assert grading.returncode == 130
    assert "Interrupted: 5 are left" in said
    assert "Traceback" not in said
    until(lambda: not judges_of(worker), 5)
    with Client(scheduler_file=str(dask_cluster.file), set_as_default=False) as client:
        assert client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)) == 0


def judges_of(worker: subprocess.Popen) -> list[int]:
    return [pid for pid in descendants(worker.pid) if "autograder.engine.judges" in command_of(pid)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--cluster", "nowhere"], "nowhere is no cluster: expected tcp://HOST:PORT"),
        (["--cluster", "slurm"], "There is no sbatch here"),
        (["--cluster", "tcp://h:1", "--workers", "2"], "--workers is for this machine"),
        (["--jobs", "2"], "--jobs belongs to --cluster slurm"),
    ],
)
def test_a_cluster_that_is_none_is_refused_in_a_sentence(tmp_path, options, says):
    hand_in(tmp_path / "submitted", "ada", RIGHT)
    command = [str(COURSE), "grade", str(tmp_path / "submitted"), *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2
    assert says in result.stderr
    assert "Traceback" not in result.stderr


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Two programs in Slurm's place, and a description of its jobs in Dask's configuration."""
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text.format(folder=tmp_path))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(CourseError, match=r"jobqueue\.yaml"):  # nothing describes a job yet
        cluster.slurm_cluster()
    assert signal.getsignal(signal.SIGINT) is before, "Ctrl-C would no longer end a grading in order"
    settings = {"cores": 2, "memory": "4 GiB", "walltime": "01:00:00", "queue": "teaching"}
    with dask.config.set({f"jobqueue.slurm.{name}": value for name, value in settings.items()}):
        yield tmp_path


def test_slurms_job_starts_a_worker_that_grades(slurm):
    with cluster.slurm_cluster() as made:
        script = made.job_script()
    for line in ("#SBATCH -p teaching", "#SBATCH --cpus-per-task=2", "#SBATCH --mem=4G", "#SBATCH -t 01:00:00"):
        assert line in script
    assert f"{sys.executable} -m distributed.cli.dask_worker tcp://" in script
    hand_in(slurm / "submitted", "ada", RIGHT)
    with Journal(slurm / "graded") as journal:
        graded = Class(slurm / "submitted", journal, seed=7)
        with cluster.ClusterTeam("slurm") as team:
            graded.prepare(team)
            assert [grade.score for grade in graded.grade(team)] == [1]
    begun, cancelled = (sorted((slurm / name).read_text().split()) for name in ("begun", "cancelled"))
    assert begun == cancelled != []
