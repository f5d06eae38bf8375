"""What runs in the workers of a Dask cluster: a description of the course that lies there, and judges of their own.

    python -I -m autograder.engine.cluster_worker SANDBOX

A Dask worker grades nothing itself. It holds a bench of judges (`autograder.engine.judges`), as many as it has threads,
and they hold the sandbox: learners' code never stands in a process that knows the cluster. `autograder.engine.cluster`
calls what is here.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
import time
from multiprocessing.connection import wait

from autograder.engine import fingerprints
from autograder.engine.grades import Grade
from autograder.engine.judges import Benches, Job, Judge
from autograder.exercises import exercises
from autograder.judging import sandbox
from pneumonia.settings import CourseError

IDLE = 300  # seconds without a submission after which judges are let go: their instructor's machine may be gone
DESCRIPTION = 120  # seconds that a worker may take to describe its course


def course() -> dict[str, list[str]]:
    """Exercise -> fingerprint of all that decides on its points, and what is installed that an answer may depend on.

    Raises CourseError where the hidden checks are missing.
    """
    return {
        name: [fingerprints.of_checks(task), fingerprints.of_environment(task)] for name, task in exercises().items()
    }


async def describe(held_by: str) -> dict:
    """The course that judges on this machine would grade by, as `course`, or `refused`: why none can grade here.

    Told by a process begun in the way that judges are, since this one may have imported an older version long ago.
    """
    return await asyncio.to_thread(_describe, held_by)  # meanwhile the worker answers its scheduler


def _describe(held_by: str) -> dict:
    command = [sys.executable, "-I", "-m", "autograder.engine.cluster_worker", held_by]
    told = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DESCRIPTION)
    if told.returncode:
        said = (told.stderr.strip().splitlines() or [f"exit status {told.returncode}"])[-1]
        return {"refused": f"The course does not run there: {said}."}
    return json.loads(told.stdout)


async def accept(grading: str, dask_worker) -> None:
    """Let this worker be given the jobs of a grading: they ask for a resource of that name, one a thread."""
    await dask_worker.set_resources(**{grading: dask_worker.state.nthreads})


async def dismiss(grading: str, dask_worker) -> None:
    """End the judges of a grading, whatever they have in hand, and take no more of its jobs."""
    _judges_of(grading).end()
    await dask_worker.set_resources(**{grading: 0})


def grade(grading: str, job: Job) -> Grade:
    """Grade one submission in a judge of that grading."""
    return _judges_of(grading).grade(job)


class Judges:
    """The judges of one grading on this worker: as many as jobs at a time, kept from one job to the next."""

    def __init__(self):
        self._lock = threading.Lock()
        self._benches = Benches()
        self._free: list[Judge] = []
        self._busy: list[Judge] = []
        self._used, self._over = time.monotonic(), False

    def grade(self, job: Job) -> Grade:
        """Grade one submission, in the thread that calls. Raises CourseError where no judge can be had for it."""
        judge = self._take(job)
        try:
            judge.begin(job)
            while (result := judge.grade()) is None:
                with contextlib.suppress(OSError):  # it was ended in between: the grade will say so
                    wait([judge.waits_on], timeout=1)
            return result
        finally:
            self._give_back(judge)

    def end(self) -> None:
        """End them all, for good."""
        with self._lock:
            self._over = True
            self._let_go()

    def let_go_when_idle(self) -> None:
        """End those that nobody has needed for long, until the grading is over; runs in a thread of its own."""
        while not self._over:
            time.sleep(min(IDLE, 10))
            with self._lock:
                if not self._busy and time.monotonic() - self._used > IDLE:
                    self._let_go()

    def _take(self, job: Job) -> Judge:
        with self._lock:
            if self._over:
                raise CourseError("This grading is over.")
            bench = self._benches.of(job)
            judge = next((judge for judge in self._free if judge.bench is bench), None)
            if judge is None:
                judge = self._benches.judge(job)
            else:
                self._free.remove(judge)
            self._busy.append(judge)
            return judge

    def _give_back(self, judge: Judge) -> None:
        with self._lock:
            self._busy.remove(judge)
            self._used = time.monotonic()
            if judge.is_spent or self._over:
                judge.end()
            else:
                self._free.append(judge)

    def _let_go(self) -> None:
        for judge in (*self._free, *self._busy):
            judge.end()
        self._free = []
        self._benches.end()


_judges: dict[str, Judges] = {}
_lock = threading.Lock()


def _judges_of(grading: str) -> Judges:
    with _lock:
        if grading not in _judges:
            _judges[grading] = Judges()
            threading.Thread(target=_judges[grading].let_go_when_idle, daemon=True).start()
        return _judges[grading]


def main() -> None:
    """Describe the course here as JSON, having tried the sandbox of the name that is given."""
    try:
        sandbox.require(sys.argv[1])
        told = {"course": course()}
    except CourseError as error:
        told = {"refused": str(error)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
