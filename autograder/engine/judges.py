"""Judges: processes that grade one submission after the other, and the team of them that a machine runs.

    python -I -m autograder.engine.judges DESCRIPTOR SANDBOX EXERCISE

begins a bench of judges: a process that imports what judges of that exercise need, TensorFlow among it, once, and forks
each judge from itself; all of them share one forker in the sandbox. Judge and team are both the course's own code and
talk over `multiprocessing`'s connections. A judge that dies or stalls costs the submission that it had in hand its
score, and no other: the team knows who had which, and has a new judge take its place.
"""

import contextlib
import gc
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait

from autograder.engine import fingerprints
from autograder.engine.grades import Grade
from autograder.exercises import Exercise, exercise, points_of
from autograder.hand_ins.matching import current_format
from autograder.hand_ins.notebooks import NotebookError, duplicates, learner_cells, parse_json, require_cells
from autograder.judging import sandbox, workers
from autograder.judging.judge import Limits, judge, modules_for
from autograder.judging.workers import PATIENCE
from pneumonia.settings import CourseError

JOBS = 2000  # that a judge does before a new one takes its place: what pytest keeps in memory is bounded
BENCH_SECONDS = 120  # that a bench may take to be ready, and to begin a judge
SLACK = 120  # seconds more than a submission's limit that a judge may take, TensorFlow's import included


@dataclass(frozen=True)
class Job:
    """One submission to be graded: the notebook's bytes, or the problem that there is with them; and how."""

    student: str
    exercise: str
    content: bytes
    problem: str
    key: str
    checks: str  # fingerprint of the checks that the key is made with
    seed: int  # of the grading
    sandbox: str
    limits: Limits
    note: str = ""  # on the file, for who hands it in

    @property
    def own_seed(self) -> int:
        """What draws its inputs: it follows from the grading's seed, the learner and the notebook.

        What a learner has found out about the inputs of one submission is worth nothing in the next one.
        """
        parts = f"{self.seed} {self.exercise} ".encode(), self.student.encode("utf-8", "backslashreplace"), self.content
        return int(fingerprints.of_bytes(*parts)[:16], 16)

    @property
    def seconds(self) -> float:
        """What it may take before its judge is given up."""
        return PATIENCE * self.limits.of(exercise(self.exercise)).submission + self.limits.start + SLACK


def do(job: Job) -> Grade:
    """Grade one submission. Its own faults become the grade's `problem`, ours its `error`; nothing is raised."""
    start = time.monotonic()
    task = exercise(job.exercise)

    def grade(**fields) -> Grade:
        seconds = time.monotonic() - start
        return Grade(job.student, task.name, points_of(task), seconds=seconds, key=job.key, **fields)

    if job.problem:
        return grade(problem=job.problem)
    if fingerprints.of_checks(task) != job.checks:
        return grade(error="The course's files were changed while it graded: run it again.")
    try:
        notebook = current_format(parse_json(job.content))
        require_cells(notebook)
        cells = learner_cells(notebook, task, task.released)
        how = {"limits": job.limits, "sandbox": job.sandbox, "again": True}
        judgement = judge(cells, task, hidden=True, seed=job.own_seed, shared=job.seed, **how)
    except NotebookError as problem:
        return grade(problem=str(problem))
    except Exception as error:
        return grade(error=f"{type(error).__name__}: {error}")
    notes = [job.note] if job.note else []
    twice = [f"{name} has more than one cell: the last one counts." for name in duplicates(cells)]
    return grade(outcomes=judgement.outcomes, notes=(*notes, *twice, *judgement.notes))


def failed(job: Job, why: str) -> Grade:
    """The grade of a submission that the grader failed at: no score."""
    return Grade(job.student, job.exercise, points_of(exercise(job.exercise)), error=why, key=job.key)


class Bench:
    """A bench of judges for one exercise, or another that needs the same, as the team holds it."""

    def __init__(self, held_by: str, task: Exercise):
        self.held_by = held_by
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            # -I: nothing of the folder in which the instructor stands, or of the environment, is imported.
            command = [sys.executable, "-I", "-m", "autograder.engine.judges", str(theirs.fileno()), held_by, task.name]
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | sandbox.LEAN,
            )
        self._socket = ours
        self._socket.settimeout(BENCH_SECONDS)

    def judge(self) -> "Judge":
        """One more judge. Raises CourseError where the bench is gone."""
        ours, theirs = Pipe()
        try:
            with theirs:
                socket.send_fds(self._socket, [b"judge"], [theirs.fileno()])
                pid = int(self._socket.recv(100))
        except (OSError, ValueError) as error:
            self.end()
            raise CourseError(f"The judges' process ended ({error}): run it again; what was graded is kept.") from None
        return Judge(self, ours, pid)

    @property
    def ended(self) -> bool:
        """Whether it can give no more judges."""
        return self._socket.fileno() < 0

    def end(self) -> None:
        """End it, its judges and their sandbox."""
        self._socket.close()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self.held_by in sandbox.ENGINES:
            sandbox.remove_containers(self.held_by, self._process.pid)


class Judge:
    """One judge, as the team holds it."""

    def __init__(self, bench: Bench, connection: Connection, pid: int):
        self.bench, self._connection, self._pid = bench, connection, pid
        self.job: Job | None = None
        self.done = 0
        self._until = 0.0

    def begin(self, job: Job) -> None:
        """Hand it a submission."""
        self.job, self._until = job, time.monotonic() + job.seconds
        with contextlib.suppress(OSError):  # it died in between: the grade will say so
            self._connection.send(job)

    def grade(self) -> Grade | None:
        """The grade of the submission in hand, None while there is none; without a score where the judge is lost."""
        job = self.job
        try:
            if self._connection.poll():
                grade = self._connection.recv()
            elif time.monotonic() > self._until:
                grade = self._lost(f"took longer than {job.seconds:.0f} seconds")
            else:
                return None
        except (EOFError, OSError):
            grade = self._lost("was killed")
        self.job, self.done = None, self.done + 1
        return grade

    @property
    def is_spent(self) -> bool:
        """Whether another one should take its place."""
        return self._connection.closed or self.done >= JOBS

    @property
    def waits_on(self) -> Connection:
        """What is ready when it has something to say."""
        return self._connection

    def end(self) -> None:
        """End it, and what it has in the sandbox."""
        if not self._connection.closed:
            self._connection.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def _lost(self, how: str) -> Grade:
        self.end()
        return failed(self.job, f"The process that graded this notebook {how}.")


class Benches:
    """The benches that a machine needs for the jobs that come, each begun when it is needed first."""

    def __init__(self):
        self._benches: dict[tuple, Bench] = {}

    def of(self, job: Job) -> Bench:
        """The bench whose judges can grade a job."""
        kind = (job.sandbox, modules_for(exercise(job.exercise)))
        if kind not in self._benches or self._benches[kind].ended:
            self._benches[kind] = Bench(job.sandbox, exercise(job.exercise))
        return self._benches[kind]

    def judge(self, job: Job) -> Judge:
        """A new judge for a job. Raises CourseError where none can be had."""
        try:
            return self.of(job).judge()
        except CourseError:  # once is an accident
            return self.of(job).judge()

    def end(self) -> None:
        """End them all, their judges and sandboxes."""
        for bench in self._benches.values():
            bench.end()


class Team:
    """So many judges at a time, and the benches that they come from; a context manager that ends them all."""

    def __init__(self, judges: int):
        self._places = judges
        self._judges: list[Judge] = []
        self._benches = Benches()

    def __enter__(self) -> "Team":
        return self

    def __exit__(self, *_) -> None:
        for member in self._judges:
            member.end()
        self._benches.end()

    def prepare(self, job: Job) -> None:
        """Begin with what takes seconds before a job like this one can be graded; it goes on beside other work.

        Raises CourseError where this machine has not the sandbox that it asks for.
        """
        sandbox.require(job.sandbox)
        self._benches.of(job)

    def grades(self, jobs: Iterator[Job]) -> Iterator[Grade]:
        """The grades of all jobs, as they are finished. Jobs are taken when a judge is free."""
        while True:
            self._fill(jobs)
            if not self._judges:
                return
            wait([member.waits_on for member in self._judges], timeout=1)
            for member in self._judges:
                if (grade := member.grade()) is not None:
                    yield grade

    def _fill(self, jobs: Iterator[Job]) -> None:
        """Give each judge a job; those for whom there is none, or who can do no more, are let go."""
        busy = [member for member in self._judges if member.job]
        free = [member for member in self._judges if not member.job and not member.is_spent]
        while len(busy) < self._places and (job := next(jobs, None)) is not None:
            bench = self._benches.of(job)
            member = next((member for member in free if member.bench is bench), None)
            if member is None:
                member = self._benches.judge(job)
            else:
                free.remove(member)
            member.begin(job)
            busy.append(member)
        for member in set(self._judges) - set(busy):
            member.end()
        self._judges = busy


def main() -> None:
    """Be a bench: import, then fork a judge for each connection that comes, until the team is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the team that an interrupt is meant for
    descriptor, held_by, name = sys.argv[1:]
    team, task = socket.socket(fileno=int(descriptor)), exercise(name)
    os.set_inheritable(team.fileno(), False)
    fingerprints.of_checks(task)  # of the files as they are now, when they are imported
    # Begun first, so that the forker imports while this process does.
    forker = workers.Forker(modules_for(task)) if held_by == "bubblewrap" else None
    gc.disable()  # as in the forker
    if task.keras:
        _import_keras()
    checks, _ = [
        importlib.import_module(f"autograder.{path.parent.name}.{path.stem}")
        for path in (task.checks, task.hidden_checks)
    ]
    models = _make(checks.MODELS) if task.keras else Counter()
    gc.enable()
    gc.freeze()
    children: list[int] = []
    while True:
        message, descriptors, _, _ = socket.recv_fds(team, 100, 1)
        children = [pid for pid in children if not _reap(pid)]
        if not message:
            return
        (connection,) = descriptors
        seat = _seat(forker, models)
        pid = os.fork()
        if pid == 0:
            team.close()
            _be_judge(Connection(connection), seat)
        os.close(connection)
        if seat is not None:
            seat.end()
        children.append(pid)
        team.send(str(pid).encode())


def _import_keras() -> None:
    """Import Keras as judges need it: without what it offers to users of scikit-learn, and its pictures of data.

    They are a third of the import's time, and a class waits for it.
    """
    left_out = dict.fromkeys({"matplotlib", "sklearn"} - set(sys.modules))
    sys.modules |= left_out  # as None: Keras does without what cannot be imported
    try:
        import pneumonia.backend  # noqa: F401
    finally:
        for name in left_out:
            del sys.modules[name]  # a check may use it


def _make(makers) -> Counter[str]:
    """Make the models of a module of checks, for all judges; the configurations of their copies."""
    from autograder.judging.keras_models import configurations

    return configurations(makers)


def _seat(forker: workers.Forker | None, models: Counter[str]) -> workers.Seat | None:
    """A place at the forker for a new judge; None where there is no forker, and a judge must begin its own.

    The forker has copies of `models` ready by then.
    """
    try:
        if forker is None:
            return None
        forker.ready(Limits().start).stock(models)
        return forker.join()
    except CourseError:
        return None


def _reap(pid: int) -> bool:
    return os.waitpid(pid, os.WNOHANG)[0] == pid


def _be_judge(connection: Connection, seat: workers.Seat | None) -> None:
    """Grade what comes over the connection until it is closed. Never returns."""
    os.setsid()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    if seat is not None:
        workers.take(seat)
    if "autograder.judging.keras_answers" in sys.modules:
        sys.modules["autograder.judging.keras_answers"].run_operations_directly()  # as its workers do
    exercise_seen = ""
    with contextlib.suppress(EOFError, OSError):
        while True:
            job = connection.recv()
            connection.send(do(job))
            _prepare_for_the_next(exercise(job.exercise))
            if job.exercise != exercise_seen:  # what its checks imported stays: no need to look through it ever again
                exercise_seen = job.exercise
                gc.collect()
                gc.freeze()
    os._exit(0)


def _prepare_for_the_next(task: Exercise) -> None:
    """Have the models made beforehand that the checks asked for: in a class, they ask everyone for the same."""
    if task.keras:
        from autograder.judging.keras_models import asked

        with contextlib.suppress(CourseError):  # a forker that is gone is begun anew when it is needed
            workers.stock(asked)
        asked.clear()


def _end_with(parent: int) -> None:
    """End this process when its parent is gone, however that went."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    main()
