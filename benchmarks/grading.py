"""What grading a class costs, in one run on this machine: against stock nbgrader, in memory, and as the class grows.

    python benchmarks/grading.py                          all parts, which takes an hour or more
    python benchmarks/grading.py --part speed --exercise 02-metrics --submissions 40
    python benchmarks/grading.py --part size --sizes 100,1000

The classes are generated: honest submissions, each function answered in one of the styles of the tests' catalogue, no
two alike. `speed` grades the same notebooks with `course grade`, with stock `nbgrader autograde`, and with `course
grade` again, whole commands with reports and gradebook; `memory` watches all processes of `course grade`; `size` grades
ever larger classes. Each part writes its figures into results/grading-speed.json, and leaves those of the others.
"""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))  # for the catalogue of answers

import submissions  # noqa: E402

from autograder.engine.journal import NAME  # noqa: E402
from autograder.exercises import Exercise, exercise  # noqa: E402
from autograder.hand_ins.notebooks import grading_metadata  # noqa: E402
from pneumonia import results  # noqa: E402
from pneumonia.settings import write_json  # noqa: E402

RESULT = "grading-speed"
EXERCISES = ("02-metrics", "03-transfer-head")
WORKERS = 2
BIN = Path(sys.executable).parent
ENVIRONMENT = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}  # nbgrader runs alembic from it


@click.command()
@click.option("--part", "parts", type=click.Choice(["speed", "memory", "size"]), multiple=True, help="Default: all.")
@click.option("--exercise", "names", type=click.Choice(EXERCISES), multiple=True, help="For speed and memory.")
@click.option("--submissions", "number", default=40, show_default=True, help="For speed and memory.")
@click.option("--sizes", default="100,1000,10000", show_default=True, help="For size, of 02-metrics.")
@click.option("--result", type=click.Path(path_type=Path), default=results.FOLDER / f"{RESULT}.json", help="Where to.")
def main(parts, names, number, sizes, result):
    """Measure what grading costs."""
    names = names or EXERCISES
    for part in parts or ("speed", "memory", "size"):
        record = json.loads(result.read_text()) if result.is_file() else {}
        if part == "size":
            measured = [class_size(int(size)) for size in sizes.split(",")]
        else:
            measure = {"speed": speed, "memory": memory}[part]
            measured = record.get(part, {}) | {name: measure(exercise(name), number) for name in names}
        record |= {"protocol": RESULT, "command": "python benchmarks/grading.py", part: measured}
        record["environment"] = results.environment() | {"cores": os.cpu_count(), "workers": WORKERS}
        write_json(result, record)


# --- the parts --------------------------------------------------------------------------------------------------------


def speed(task: Exercise, number: int) -> dict:
    """Submissions a minute of `course grade`, sandbox on, and of stock nbgrader, on the same notebooks."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_class(root / "submitted", task, number)
        before = grade(root / "submitted", root / "before")
        stock = grade_with_nbgrader(root, task)
        after = grade(root / "submitted", root / "after")
        measured = {
            "date": today(),
            "submissions": number,
            "full_marks": full_marks(root / "before", number),
            "full_marks_nbgrader": full_marks(root, number),
            "seconds": [round(before, 2), round(after, 2)],
            "seconds_nbgrader": round(stock, 2),
            "seconds_judging": round(judging(root / "before"), 3),
            "ratio": round(stock / ((before + after) / 2), 1),
        }
    click.echo(f"{task.name}: {measured}")
    return measured


def memory(task: Exercise, number: int) -> dict:
    """The most memory that all processes of `course grade` have at a time: PSS, so that what is shared counts once."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_class(root / "submitted", task, number)
        watch = Watch()
        grade(root / "submitted", root / "graded", watch)
        measured = {"date": today(), "submissions": number, "peak_bytes": watch.peak, "looks": watch.looks}
    click.echo(f"{task.name}: {measured['peak_bytes'] / 2**30:.2f} GiB at most, of {watch.looks} looks")
    return measured


def class_size(number: int) -> dict:
    """What a class of this many submissions costs: its grading, and its grading again with nothing changed."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_class(root / "submitted", exercise("02-metrics"), number)
        watch = Watch()
        seconds = grade(root / "submitted", root / "graded", watch)
        again = grade(root / "submitted", root / "graded")
        measured = {
            "date": today(),
            "submissions": number,
            "seconds": round(seconds, 1),
            "seconds_each": round(seconds / number, 4),
            "seconds_judging_each": round(judging(root / "graded"), 4),
            "processor_seconds_of_main_process_each": round(watch.processor / number, 4),
            "seconds_again": round(again, 1),
            "peak_bytes": watch.peak,
            "bytes_submitted": size_of(root / "submitted"),
            "bytes_graded": size_of(root / "graded"),
        }
    click.echo(f"{number}: {measured}")
    return measured


# --- the class --------------------------------------------------------------------------------------------------------


def write_class(submitted: Path, task: Exercise, number: int) -> None:
    """Write so many honest submissions, no two alike, the same ones each time."""
    styles = right_answers(task)
    released = task.released
    for place in range(number):
        student, draw = f"student-{place:05}", random.Random(place)
        cells = []
        for cell in released["cells"]:
            function = grading_metadata(cell).get("grade_id")
            if function in styles:
                cell = cell | {"source": f"# {student}\n{draw.choice(styles[function])}"}
            cells.append(cell)
        path = submitted / student / task.name / f"{task.name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(released | {"cells": cells}, indent=1))


def right_answers(task: Exercise) -> dict[str, list[str]]:
    """Function -> its right answers in the catalogue, under the function's own name."""
    found = {function: [] for function in task.functions}
    for answer in submissions.answers(task.name):
        if answer.says is None:
            found[answer.function].append(answer.source.replace(f"def {answer.name}(", f"def {answer.function}(", 1))
    return found


# --- the graders ------------------------------------------------------------------------------------------------------


def grade(submitted: Path, output: Path, watch: "Watch | None" = None) -> float:
    """Seconds of `course grade`, the whole command."""
    command = [BIN / "course", "grade", submitted, "--output", output, "--workers", str(WORKERS), "--seed", "1"]
    start = time.perf_counter()
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as process:
        if watch is not None:
            watch.follow(process)
    if process.returncode:
        raise click.ClickException(f"course grade ended with exit status {process.returncode}")
    return time.perf_counter() - start


def grade_with_nbgrader(root: Path, task: Exercise) -> float:
    """Seconds of stock `nbgrader autograde` for the notebooks below `root`/submitted."""
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copytree(task.source.parent, root / "solutions" / task.name)
    _nbgrader(root, "generate_assignment", task.name)
    start = time.perf_counter()
    _nbgrader(root, "autograde", task.name)
    return time.perf_counter() - start


def _nbgrader(root: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=root, env=ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"nbgrader {arguments[0]}: {done.stderr[-2000:]}")


# --- what is measured -------------------------------------------------------------------------------------------------


class Watch:
    """Follows a process and all that it begins: the largest sum of their memory, the processor time of itself alone."""

    def __init__(self, seconds: float = 0.5):
        self.peak, self.looks, self.processor, self._seconds = 0, 0, 0.0, seconds

    def follow(self, process: subprocess.Popen) -> None:
        """Look every so often until the process ends."""
        ended = threading.Event()
        looking = threading.Thread(target=self._look_until, args=(process.pid, ended))
        looking.start()
        process.wait()
        ended.set()
        looking.join()

    def _look_until(self, pid: int, ended: threading.Event) -> None:
        while not ended.wait(self._seconds):
            self.peak = max(self.peak, sum(map(pss, [pid, *descendants(pid)])))
            self.looks += 1
            self.processor = max(self.processor, processor_seconds(pid))


def pss(pid: int) -> int:
    """A process's proportional set size in bytes; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used, without its children; 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> list[int]:
    """The processes that a process began, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def judging(output: Path) -> float:
    """Mean seconds that a judge had a submission in hand, as the journal has it."""
    with closing(sqlite3.connect(output / NAME)) as journal:
        (mean,) = journal.execute("SELECT avg(json_extract(grade, '$.seconds')) FROM grades").fetchone()
    return mean


def full_marks(folder: Path, number: int) -> int:
    """How many of the class have all points in the gradebook of this folder; the class is honest, so all should."""
    from nbgrader.api import Gradebook

    from autograder.release import nbgrader_tools

    with nbgrader_tools(), Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "pneumonia") as gradebook:
        (assignment,) = gradebook.assignments
        return sum(entry.score == assignment.max_score for entry in gradebook.assignment_submissions(assignment.name))


def size_of(folder: Path) -> int:
    """Bytes on the disk, in whole blocks."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def today() -> str:
    return datetime.now(UTC).date().isoformat()


if __name__ == "__main__":
    main()
