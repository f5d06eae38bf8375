"""Judges: processes that grade one submission after the other, and the team of them that a machine runs.

    python -I -m autograder.judges DESCRIPTOR

Judge and team are both the course's own code and talk over `multiprocessing`'s connections. A judge that dies or stalls
costs the submission that it had in hand its score, and no other: the team knows who had which, and begins a new judge.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait

from autograder import sandbox
from autograder.exercises import exercise, points_of
from autograder.grades import Grade
from autograder.judge import Limits, judge
from autograder.matching import current_format
from autograder.notebooks import NotebookError, duplicates, learner_cells, parse_json, require_cells
from autograder.workers import PATIENCE

JOBS = 2000  # that a judge does before a new one takes its place: what pytest keeps in memory is bounded
SLACK = 120  # seconds more than a submission's limit that a judge may take, TensorFlow's import included


@dataclass(frozen=True)
class Job:
    """One submission to be graded: the notebook's bytes, or the problem that there is with them; and how."""

    student: str
    exercise: str
    content: bytes
    problem: str
    key: str
    seed: int
    sandbox: str
    limits: Limits
    note: str = ""  # on the file, for who hands it in

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
    try:
        notebook = current_format(parse_json(job.content))
        require_cells(notebook)
        cells = learner_cells(notebook, task, task.released)
        judgement = judge(cells, task, hidden=True, seed=job.seed, limits=job.limits, sandbox=job.sandbox)
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


class Judge:
    """One judge, as the team holds it."""

    def __init__(self):
        self._connection, theirs = Pipe()
        with theirs:
            # -I: nothing of the folder in which the instructor stands, or of the environment, is imported.
            command = [sys.executable, "-I", "-m", "autograder.judges", str(theirs.fileno())]
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | sandbox.ONE_THREAD,
            )
        self.job: Job | None = None
        self.done = 0
        self._until = 0.0

    def __enter__(self) -> "Judge":
        return self

    def __exit__(self, *_) -> None:
        self.end()

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
        """End it, and the sandbox that it holds."""
        self._connection.close()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _lost(self, how: str) -> Grade:
        self.end()
        return failed(self.job, f"The process that graded this notebook {how}.")


def grade_all(jobs: Iterator[Job], judges: int) -> Iterator[Grade]:
    """The grades of all jobs, as they are finished, by so many judges at a time. Jobs are taken when one is free."""
    team: list[Judge] = []
    jobs = iter(jobs)
    try:
        while True:
            team = _filled(team, jobs, judges)
            if not team:
                return
            wait([member.waits_on for member in team], timeout=1)
            for member in team:
                if (grade := member.grade()) is not None:
                    yield grade
    finally:
        for member in team:
            member.end()


def _filled(team: list[Judge], jobs: Iterator[Job], judges: int) -> list[Judge]:
    """The team, each member with a job in hand; those without one are let go."""
    places = [*team, *[None] * (judges - len(team))]
    busy = []
    for member in places:
        if member is not None and member.job is not None:
            busy.append(member)
            continue
        job = next(jobs, None)
        if member is not None and (job is None or member.is_spent):
            member.end()
            member = None
        if job is None:
            continue
        member = member or Judge()
        member.begin(job)
        busy.append(member)
    return busy


def main() -> None:
    """Grade what comes over the connection until it is closed, or the team is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the team that an interrupt is meant for
    connection = Connection(int(sys.argv[1]))
    os.set_inheritable(connection.fileno(), False)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send(do(connection.recv()))


def _end_with(parent: int) -> None:
    """End this process when its parent is gone, however that went."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    main()
