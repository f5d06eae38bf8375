"""The judge: runs a notebook's code in a worker process and the checks in this one.

Here alone are worker processes started and ended, so that a sandbox has one place to stand. Now there is none: the
worker is a process of the same user, with the same files and network, in a folder of its own.
"""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder import calls, plain
from autograder.checking import Wrong
from autograder.exercises import Exercise
from autograder.learner import Learner
from autograder.notebooks import CodeCell
from autograder.running import LEARNERS_SEED, Outcome, run_checks
from autograder.worker import PRINTED, read_message, write_message
from pneumonia.settings import CourseError

LOST_CELLS = 3  # cells that may end or stall their worker before the rest of the notebook is given up


@dataclass(frozen=True)
class Limits:
    """Seconds that a worker may take: to start, for one cell, for one call, and for one submission in all."""

    start: float = 60
    cell: float = 30
    call: float = 10
    submission: float = 180

    def of(self, exercise: Exercise) -> "Limits":
        """The limits for an exercise: more on Keras, whose import alone takes 5 to 20 seconds, or where it trains."""
        if not (exercise.keras or exercise.trains):
            return self
        return replace(self, cell=2 * self.cell, call=3 * self.call, submission=2 * self.submission)


class WorkerLost(Exception):
    """The worker ended, stalled, or broke the rules; the message says which, from the learner's side."""


@dataclass(frozen=True)
class Judgement:
    """What the checks say of a notebook: an outcome for each function, and notes on cells that went wrong."""

    outcomes: tuple[Outcome, ...]
    notes: tuple[str, ...]


def judge(
    cells: list[CodeCell],
    exercise: Exercise,
    *,
    hidden: bool,
    seed: int = LEARNERS_SEED,
    limits: Limits | None = None,
) -> Judgement:
    """Run a notebook's code cells in a worker, then the checks of its exercise against that worker."""
    with Submission(cells, (limits or Limits()).of(exercise)) as submission:
        submission.start()
        learner = Learner(submission.exchange, stopped=submission.stopped)
        outcomes = run_checks(exercise, learner, hidden=hidden, seed=seed)
        return Judgement(tuple(outcomes.values()), tuple(submission.notes))


@dataclass
class Submission:
    """A notebook's code, running: its worker, replaced by a new one each time that the code has ended or stalled it."""

    cells: list[CodeCell]
    limits: Limits
    notes: list[str] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)  # cell's name -> the exception that it stopped with
    _worker: "Worker | None" = None
    _lost: set[int] = field(default_factory=set)  # places of the cells that cost a worker
    _noted: set[int] = field(default_factory=set)
    _started: float = 0.0

    def __enter__(self) -> "Submission":
        self._started = time.monotonic()
        return self

    def __exit__(self, *_) -> None:
        self._end_worker()

    def start(self) -> None:
        """Run the cells now, so that their time is no function's; what is lost here is told to each function."""
        with contextlib.suppress(WorkerLost):
            self._ready_worker()

    def exchange(self, question: bytes) -> bytes:
        """Ask the worker. Raises Wrong where the learner's code keeps it from answering."""
        try:
            return self._ready_worker().ask(question, self._seconds(self.limits.call))
        except WorkerLost as lost:
            self._end_worker()
            mistake = str(lost) if self._left() > 0 else self._too_long()
            raise Wrong(came="no answer", mistake=mistake) from None

    def _left(self) -> float:
        return self._started + self.limits.submission - time.monotonic()

    def _seconds(self, limit: float) -> float:
        """The limit, or what the submission has left of its time. Raises WorkerLost where that is nothing."""
        if self._left() <= 0:
            raise WorkerLost(self._too_long())
        return min(limit, self._left())

    def _too_long(self) -> str:
        return (
            f"The notebook as a whole took longer than {self.limits.submission:g} seconds. What comes after is not "
            "run: look for an endless loop."
        )

    def _ready_worker(self) -> "Worker":
        """The worker, with all cells run in it; a cell that costs a worker is left out of the next one."""
        while self._worker is None:
            self._seconds(self.limits.cell)
            if len(self._lost) > LOST_CELLS:
                raise WorkerLost(f"More than {LOST_CELLS} cells ended or stalled the notebook: it is given up.")
            self._worker = Worker(self.limits.start)
            for place, cell in enumerate(self.cells):
                if place not in self._lost and not self._run(place, cell):
                    break
        return self._worker

    def _run(self, place: int, cell: CodeCell) -> bool:
        """Run one cell; False where it cost the worker."""
        try:
            reply = self._worker.ask(plain.dumps({"cell": cell.source}), self._seconds(self.limits.cell))
            answer = calls.read(reply)
        except (WorkerLost, plain.Garbage) as lost:
            self._end_worker()
            self._lost.add(place)
            self._note(place, f"{cell.name}: {lost} It is left out.")
            return False
        # A cell that uses a function not written yet is no news: the function's own result says so.
        if cell.own and answer.kind == "raised" and answer.type != "NotImplementedError":
            where = f" ({answer.lines[-1]})" if answer.lines else ""
            self.stopped[cell.name] = f"{answer.type}: {answer.message[:200]}{where}"
            self._note(place, f"{cell.name} stopped with {self.stopped[cell.name]}")
        return True

    def _note(self, place: int, text: str) -> None:
        if place not in self._noted:
            self._noted.add(place)
            self.notes.append(text)

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.end()
            self._worker = None


class Worker:
    """One worker process, in a folder of its own that ends with it."""

    def __init__(self, seconds: float):
        """Start it; it has `seconds` to be ready. Raises CourseError where it does not start at all."""
        self.folder = Path(tempfile.mkdtemp(prefix="course-worker-"))
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "autograder.worker"],
            cwd=self.folder,
            env=_environment(self.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a process group of its own, ended as a whole
        )
        self._questions: queue.SimpleQueue = queue.SimpleQueue()
        self._replies: queue.SimpleQueue = queue.SimpleQueue()
        # Reading and writing stand in a thread that may be left behind: a process that the learner's code started can
        # hold a stream open for ever.
        threading.Thread(target=self._talk, daemon=True).start()
        try:
            self._next_reply(seconds)
        except WorkerLost:
            said = self._process.stderr.read().decode("utf-8", "replace").strip() if self._ended() else "no answer"
            self.end()
            raise CourseError(f"The worker process does not start: {said[-500:]}") from None

    def ask(self, question: bytes, seconds: float) -> bytes:
        """Send a question and wait for the reply. Raises WorkerLost where none comes in time."""
        self._questions.put(question)
        return self._next_reply(seconds)

    def end(self) -> None:
        """End the worker and all processes of its group, and remove its folder."""
        self._questions.put(None)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()
        self._process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _talk(self) -> None:
        """The thread: a first message says that the worker is ready, then questions and replies take turns."""
        try:
            while True:
                self._replies.put(read_message(self._process.stdout))
                question = self._questions.get()
                if question is None:
                    return
                write_message(self._process.stdin, question)
        except (OSError, EOFError, ValueError) as error:
            self._replies.put(error)
        finally:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._process.stdout.close()

    def _next_reply(self, seconds: float) -> bytes:
        try:
            reply = self._replies.get(timeout=seconds)
        except queue.Empty:
            raise WorkerLost(f"There was no answer within {seconds:.3g} seconds: look for an endless loop.") from None
        if isinstance(reply, plain.Garbage):
            raise WorkerLost(f"The answer could not be read: {reply}.")
        if isinstance(reply, Exception):
            raise WorkerLost(f"The process ended{self._how()} in the middle of this.")
        return reply

    def _ended(self) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        return self._process.returncode is not None

    def _how(self) -> str:
        """How the process ended, and the last that it printed."""
        status = self._process.returncode if self._ended() else None
        how = "" if status is None else f" with exit status {status}"
        if status is not None and status < 0:
            how = f" by signal {-status} ({signal.strsignal(-status)})"
        with contextlib.suppress(OSError):
            printed = (self.folder / PRINTED).read_bytes()[-300:].decode("utf-8", "replace").strip()
            how += f" (it printed last: {printed.splitlines()[-1]})" if printed else ""
        return how


def _environment(folder: Path) -> dict[str, str]:
    """The worker's environment: nothing of ours that it does not need to run."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "LD_LIBRARY_PATH") if name in os.environ}
    here = str(Path(sys.executable).parent)
    return kept | {
        "PATH": os.pathsep.join([here, os.environ.get("PATH", os.defpath)]),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "IPYTHONDIR": str(folder / ".ipython"),
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
