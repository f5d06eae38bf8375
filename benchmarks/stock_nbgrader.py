"""What stock `nbgrader autograde` makes of the bench of hostile, broken and honest submissions, beside `course grade`.

    python benchmarks/stock_nbgrader.py [--minutes 12] [--at-a-time 2] [NAME...]

Each submission of `tests/bench` gets a course folder and a gradebook of its own, and stock nbgrader grades it there in
a cage: bubblewrap, no network but a loopback of its own, another user, limits on memory, processes and time. The cage
is for this machine's sake; nbgrader inside is as it comes. Where nbgrader does not end well, it is run once more with
one empty notebook after the submission, to see whether the rest of a class would have been graded.

Writes results/grading-bench.json when all was run. A run that its time has ended is continued by the next one, with
the same versions; `NAME...` are run anew.
"""

import argparse
import ctypes
import hashlib
import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
RESULTS = ROOT / "results" / "grading-bench.json"
BEGUN = Path(tempfile.gettempdir()) / "stock-nbgrader-bench.json"
PACKAGES = ("nbgrader", "nbconvert", "numpy", "keras")
PARTS = ("autograder", "pneumonia", "solutions", "exercises", "benchmarks", "nbgrader_config.py")
NEXT = "zzz-next-learner"
CELL_SECONDS, RUN_SECONDS, KERAS_SECONDS = 20, 180, 300  # of nbgrader's for a cell; of the cage's for a run
MEMORY = 3 * 2**30  # bytes of all processes in a cage
FIRST_UID = 65_200


def main() -> None:
    """Run what is missing, and write what came."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--at-a-time", type=int, default=2)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if arguments.inside:
        inside(arguments.inside)
        return
    from bench import catalogue

    until = time.monotonic() + 60 * arguments.minutes
    versions = {package: version(package) for package in PACKAGES} | {"python": sys.version.split()[0]}
    known = next((json.loads(file.read_text()) for file in (BEGUN, RESULTS) if file.is_file()), {})
    kept = known.get("cases", []) if known.get("versions") == versions else []
    stock = {row["name"]: row["stock"] for row in kept if row["name"] not in arguments.names}
    cases = catalogue()
    with tempfile.TemporaryDirectory(prefix="stock-bench-") as folder:
        template = course_folder(Path(folder) / "template", {case.exercise for case in cases})
        todo = [case for case in cases if case.name not in stock]
        with ThreadPoolExecutor(arguments.at_a_time) as pool:
            ours = pool.submit(course_points, cases, Path(folder) / "ours")
            runs = pool.map(lambda job: stock_outcome(*job, template, until), enumerate(todo))
            for place, (case, outcome) in enumerate(zip(todo, runs, strict=True), 1):
                if outcome is not None:
                    stock[case.name] = outcome
                    rows = [{"name": name, "stock": came} for name, came in stock.items()]
                    BEGUN.write_text(json.dumps({"versions": versions, "cases": rows}))
                    print(f"{place:4} of {len(todo)}  {case.group:<10}{case.name:<42}{outcome['outcome']}", flush=True)
        left = [case.name for case in cases if case.name not in stock]
        if left:
            print(f"{len(left)} are left: run it again to go on.")
            return
        write(cases, ours.result(), stock, versions)
    BEGUN.unlink(missing_ok=True)
    print(f"Wrote {RESULTS.relative_to(ROOT)}.")


def write(cases, ours: dict, stock: dict, versions: dict) -> None:
    """Write results/grading-bench.json, in the catalogue's order."""
    rows = [
        {
            "name": case.name,
            "group": case.group,
            "tries": case.tries,
            "exercise": case.exercise,
            "earned": case.points,
            "course_grade": ours[case.name],
            "stock": stock[case.name],
        }
        for case in cases
    ]
    RESULTS.write_text(json.dumps({"versions": versions, "cases": rows}, indent=1, ensure_ascii=True) + "\n")


def course_points(cases, folder: Path) -> dict[str, dict[str, int]]:
    """The points of each case's functions from `course grade`, by the case's name."""
    points = {}
    for name in sorted({case.exercise for case in cases}):
        submitted = folder / name / "submitted"
        mine = [case for case in cases if case.exercise == name]
        for case in mine:
            case.hand_in(submitted)
        command = [Path(sys.executable).with_name("course"), "grade", submitted, "--assignment", name]
        command += ["--call-seconds", "3", "--cell-seconds", "8", "--submission-seconds", "60"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        points |= _points_by_case(mine, json.loads((folder / name / "graded" / "grades.json").read_text())["grades"])
    return points


def _points_by_case(cases, rows: list[dict]) -> dict[str, dict[str, int]]:
    from autograder.engine.grades import Grade

    derived = ("score", "max_score")
    grades = {row["student"]: Grade.from_dict({k: v for k, v in row.items() if k not in derived}) for row in rows}
    readable = {case.name: os.fsencode(case.student).decode("utf-8", "backslashreplace") for case in cases}
    return {case.name: dict(grades[readable[case.name]].earned) for case in cases}


def course_folder(folder: Path, exercises: set[str]) -> Path:
    """A copy of what a course needs, its gradebook as `nbgrader generate_assignment` leaves it."""
    from autograder.engine.gradebook import enter_assignment
    from autograder.exercises import exercise

    folder.mkdir(parents=True)
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part, **({"symlinks": True} if copy is shutil.copytree else {}))
    for name in sorted(exercises):
        enter_assignment(f"sqlite:///{folder / 'gradebook.db'}", exercise(name))
    return folder


def stock_outcome(place: int, case, template: Path, until: float) -> dict | None:
    """What came of a case; None where there is no time left for it."""
    if time.monotonic() > until:
        return None
    with tempfile.TemporaryDirectory(prefix="stock-case-") as folder:
        said = run_in_cage(place, case, template, Path(folder) / "alone", with_next=False)
        went_on = True
        if said["status"] != 0:
            again = run_in_cage(place, case, template, Path(folder) / "next", with_next=True)
            went_on = again["next"]
        functions = said["submissions"].get(readable(case.student))
        return {
            "functions": functions,
            "points": None if functions is None else sum(functions.values()),
            "batch_stopped": not went_on,
            "outcome": in_words(case, functions, said, went_on),
        }


def readable(student: str) -> str:
    """A learner's name as text that can be written down."""
    return os.fsencode(student).decode("utf-8", "backslashreplace")


def in_words(case, functions: dict | None, said: dict, went_on: bool) -> str:
    """What came, in words: points, the batch, what was reached or left behind."""
    words = []
    if functions is None:
        words.append("no score")
    else:
        gained = sum(max(0, points - case.points[name]) for name, points in functions.items())
        lost = sum(max(0, case.points[name] - points) for name, points in functions.items())
        words += [f"{gained:g} points that were not earned"] if gained else []
        words += [f"{lost:g} of {sum(case.points.values())} earned points lost"] if lost else []
    if not went_on:
        words.append("the batch stopped")
    words += said["damage"]
    return "; ".join(words) or "the earned points"


def run_in_cage(place: int, case, template: Path, folder: Path, with_next: bool) -> dict:
    """Run stock nbgrader on a case; gives `status`, `submissions` (points by function, by learner) and `damage`."""
    shutil.copytree(template, folder / "course", symlinks=True)
    submitted, home = folder / "course" / "submitted", folder / "home"
    home.mkdir()
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)
    with socket.socket() as free:  # a port that nothing uses on this machine is likely to be free in the cage, too
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    case.hand_in(submitted, port)
    if with_next:
        (submitted / NEXT / case.exercise).mkdir(parents=True)
        empty = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (submitted / NEXT / case.exercise / f"{case.exercise}.ipynb").write_text(json.dumps(empty))
    before = digests(folder / "course")
    uid = FIRST_UID + place % 300 if os.getuid() == 0 else None
    if uid is not None:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, uid, uid, follow_symlinks=False)
    order = {"exercise": case.exercise, "uid": uid, "port": port, "student": readable(case.student)}
    seconds = (KERAS_SECONDS if case.exercise == "03-transfer-head" else RUN_SECONDS) * (1 + with_next)
    status, why = _run(cage(folder, json.dumps(order)), seconds)
    noted = folder / "tmp" / "noted.json"
    said = json.loads(noted.read_text()) if noted.is_file() else {"damage": ["everything was killed"], "status": status}
    said["damage"] = [*([why] if why else []), *said["damage"], *left_behind(folder, before)]
    graded = (folder / "course" / "autograded" / NEXT / case.exercise).is_dir()
    return said | {"submissions": submissions(folder / "course" / "gradebook.db", case.exercise), "next": graded}


def cage(folder: Path, order: str) -> list[str]:
    """The command that runs this file's `inside` in the cage."""
    command = ["bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
    command += ["--new-session", "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    command += ["--cap-add", "CAP_KILL", "--clearenv"]
    settings = {"HOME": "/home/teacher", "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    for name, value in (settings | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}).items():
        command += ["--setenv", name, value]
    command += ["--proc", "/proc", "--dev", "/dev", "--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc"]
    for link in ("/bin", "/sbin", "/lib", "/lib64"):
        command += ["--symlink", f"usr{link}", link] if Path(link).is_symlink() else ["--ro-bind-try", link, link]
    prefixes = [prefix for prefix in (sys.base_prefix, sys.prefix) if not prefix.startswith("/usr")]
    for path in sorted({parent for prefix in [*prefixes, str(ROOT)] for parent in Path(prefix).parents} - {Path("/")}):
        command += ["--perms", "0755", "--dir", str(path)]
    command += ["--bind", str(folder / "course"), str(ROOT)]
    for prefix in prefixes:
        command += ["--ro-bind", prefix, prefix]
    command += ["--bind", str(folder / "home"), "/home/teacher", "--bind", str(folder / "tmp"), "/tmp"]
    program = [sys.executable, str(ROOT / "benchmarks" / "stock_nbgrader.py"), "--inside", order]
    return [*command, "--chdir", str(ROOT), "--", *program]


def _run(command: list[str], seconds: float) -> tuple[int, str]:
    """Run the cage; gives its exit status and why it was ended, where it was."""
    from autograder.judging.forker import takes_more_than

    cage_process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    until, why = time.monotonic() + seconds, ""
    while cage_process.poll() is None and not why:
        time.sleep(0.1)
        if time.monotonic() > until:
            why = f"ended by us after {seconds:g} seconds"
        elif takes_more_than(MEMORY, cage_process.pid):
            why = f"ended by us with {MEMORY / 2**30:.0f} GiB of memory taken"
    if why:
        os.killpg(cage_process.pid, signal.SIGKILL)
    return cage_process.wait(), why


def inside(order: str) -> None:
    """In the cage: become another user, with limits; serve a port; run nbgrader; note what came."""
    order = json.loads(order)
    if order["uid"] is not None:
        os.setgroups([])
        os.setresgid(*[order["uid"]] * 3)
        os.setresuid(*[order["uid"]] * 3)
    for kind, most in (
        (resource.RLIMIT_NPROC, 256),
        (resource.RLIMIT_FSIZE, 256 * 2**20),
        (resource.RLIMIT_AS, 12 * 2**30),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    from autograder.judging import system_calls

    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, *[ctypes.c_ulong(value) for value in (1, 0, 0, 0)])  # PR_SET_NO_NEW_PRIVS
    system_calls.refuse(libc)
    came = []
    service = socket.create_server(("127.0.0.1", order["port"]))
    threading.Thread(target=lambda: [came.append(service.accept()) for _ in range(9)], daemon=True).start()
    command = [sys.executable, "-m", "nbgrader", "autograde", order["exercise"], "--force"]
    command.append(f"--ExecutePreprocessor.timeout={CELL_SECONDS}")
    finished = subprocess.run(command, stdin=subprocess.DEVNULL, start_new_session=True)
    others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]
    damage = ["reached a service of this machine"] if came else []
    damage += [f"left {len(others)} processes behind"] if others else []
    Path("/tmp/noted.json").write_text(json.dumps({"status": finished.returncode, "damage": damage}))


def digests(course: Path) -> dict[str, str]:
    """The content of the course's own files, in short."""
    own = [path for part in PARTS for path in [course / part, *(course / part).rglob("*")] if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in own if path.suffix != ".pyc"}


def left_behind(folder: Path, before: dict[str, str]) -> list[str]:
    """What a run changed that was not its own, in words."""
    from bench import MARK

    damage = []
    if digests(folder / "course") != before:
        damage.append("changed the course's files")
    if any(MARK in path.name for path in folder.rglob("*") if "autograded" not in path.parts):
        damage.append("left files behind")
    if list((folder / "home").glob(".ipython/profile_default/startup/*.py")):
        damage.append("left a start-up file for the next learner")
    with sqlite3.connect(folder / "course" / "gradebook.db") as database:
        if database.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone()[0]:
            damage.append("planted a trigger in the gradebook")
    return damage


def submissions(gradebook: Path, name: str) -> dict[str, dict[str, float]]:
    """The points of each function, by learner, as the gradebook has them; learners without a whole score are not in."""
    from nbgrader.api import Gradebook

    from autograder.exercises import exercise, grade_cell

    task, found = exercise(name), {}
    with Gradebook(f"sqlite:///{gradebook}", "pneumonia") as book:
        for submission in book.assignment_submissions(name):
            grades = {grade.name: grade for notebook in submission.notebooks for grade in notebook.grades}
            scores = {function: grades.get(grade_cell(function)) for function in task.functions}
            if all(grade is not None and grade.auto_score is not None for grade in scores.values()):
                found[submission.student_id] = {function: grade.score for function, grade in scores.items()}
    return found


if __name__ == "__main__":
    main()
