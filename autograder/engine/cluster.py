"""Grading on a Dask cluster: the same jobs as on one machine, done by judges in the workers of the cluster.

A worker is given jobs once it has shown that it holds the instructor's very course and can hold learners' code. A few
jobs a thread are under way at a time, since each carries its notebook; grades come back in the order in which they are
done. A worker that is lost costs nothing: Dask gives its jobs to another. What nobody survives is tried once more
alone, so that the one submission that kills workers is known from those that were near it.
"""

import contextlib
import math
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue

from autograder.engine import cluster_worker
from autograder.engine.grades import Grade
from autograder.engine.judges import Job, failed
from pneumonia.settings import CourseError

SLURM = "slurm"
AHEAD = 2  # jobs under way for each thread: the next one lies there when one is done
LOOK = 2  # seconds between two looks at which workers there are
CONNECT = 30  # seconds that the scheduler may take to answer
FETCH = 30  # seconds that a grade may take from the worker that has it


@contextlib.contextmanager
def client_of(address: str, slurm_jobs: int = 1):
    """Dask's client of a cluster.

    `address` is that of a Dask scheduler, `tcp://HOST:PORT` or `tls://HOST:PORT`, or the path of its scheduler file; or
    `slurm`, for a cluster of so many jobs that is begun through dask-jobqueue, and ends with the client.
    Raises CourseError where there is none.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise CourseError('A cluster needs Dask: `pip install -e ".[cluster]"` in the clone.') from None
    with contextlib.ExitStack() as stack:
        if address == SLURM:
            jobs = stack.enter_context(slurm_cluster())
            # Jobs come to the end of their time before a large class does: others take their place.
            jobs.adapt(minimum_jobs=slurm_jobs, maximum_jobs=slurm_jobs)
            settings = {"address": jobs}
        else:
            settings = _where(address)
        try:
            client = Client(**settings, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise CourseError(f"No Dask scheduler answers at {address}: {error}") from None
        yield stack.enter_context(client)


def slurm_cluster():
    """A cluster whose workers are Slurm jobs, described in Dask's own configuration; a context manager.

    Raises CourseError where Slurm, dask-jobqueue or the description is missing.
    """
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        from dask_jobqueue import SLURMCluster
    except ModuleNotFoundError:
        raise CourseError('Slurm needs dask-jobqueue: `pip install -e ".[cluster]"` in the clone.') from None
    finally:
        signal.signal(signal.SIGINT, on_interrupt)  # the import makes Ctrl-C end the process at once, grades or not
    if not shutil.which("sbatch"):
        raise CourseError("There is no sbatch here: `--cluster slurm` works where Slurm takes jobs.")
    try:
        return SLURMCluster()
    except ValueError as error:
        raise CourseError(
            f"Dask's configuration does not describe a job of yours ({error}): write jobqueue.slurm into "
            "~/.config/dask/jobqueue.yaml; the instructor's guide has an example."
        ) from None


def refusal(wanted: dict[str, list[str]], told: dict) -> str:
    """Why a worker that told this of itself (`cluster_worker.describe`) cannot grade; empty where it can."""
    if "refused" in told:
        return told["refused"]
    for name, (checks, environment) in wanted.items():
        there = told["course"].get(name)
        if there is None or there[0] != checks:
            return (
                f"Its checks of {name} are not the ones here: check out the same commit of the course there, without "
                "changes of its own."
            )
        if there[1] != environment:
            ours, theirs = environment.split(", "), there[1].split(", ")
            return (
                f"What is installed differs: {_listed(theirs, ours)} there, {_listed(ours, theirs)} here. Install "
                "requirements.txt in both places."
            )
    return ""


class ClusterTeam:
    """The workers of a cluster as a team of judges (`judges.Team`); a context manager that leaves nothing there."""

    def __init__(self, address: str, *, slurm_jobs: int = 1, say: Callable[[str], None] = print):
        """`address` and `slurm_jobs` as for `client_of`; `say` is told of workers that cannot grade."""
        self._address, self._slurm_jobs, self._say = address, slurm_jobs, say
        self._name = f"grading-{uuid.uuid4().hex}"  # of the resource that jobs ask for, and accepted workers have
        self._stack = contextlib.ExitStack()
        self._under_way: dict[str, tuple[Job, object]] = {}  # key -> the job, and Dask's future of its grade
        self._done: SimpleQueue = SimpleQueue()  # keys
        self._refused: dict[str, str] = {}  # worker's address -> why
        self._again: list[Job] = []  # to be done again
        self._suspects: list[Job] = []  # that too many workers were lost with
        self._workers: list[str] = []
        self._threads, self._count, self._told = 0, 0, False
        self._looked = -math.inf

    def __enter__(self) -> "ClusterTeam":
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def prepare(self, job: Job) -> None:
        """Connect, and see who can grade jobs like this one. Raises CourseError where there is no cluster."""
        self._held_by, self._wanted = job.sandbox, cluster_worker.course()
        self._client = self._stack.enter_context(client_of(self._address, self._slurm_jobs))
        self._stack.callback(self._leave)
        with self._errors():
            self._look()

    def grades(self, jobs: Iterator[Job]) -> Iterator[Grade]:
        """The grades of all jobs, as they are finished. Jobs are taken when there is room for them.

        Raises CourseError where the cluster is gone, or none of its workers can grade.
        """
        with self._errors():
            yield from self._grade(jobs)
            suspects, self._suspects = self._suspects, []
            for job in suspects:
                yield from self._grade(iter([job]))
                if self._suspects:
                    yield failed(self._suspects.pop(), "Each worker of the cluster that had this notebook died.")

    def _grade(self, jobs: Iterator[Job]) -> Iterator[Grade]:
        """The grades of jobs, but of those that too many workers were lost with: these are then suspects."""
        are_left = True
        while are_left or self._again or self._under_way:
            if time.monotonic() - self._looked > LOOK:
                self._look()
            while (are_left or self._again) and len(self._under_way) < AHEAD * self._threads:
                job = self._again.pop() if self._again else next(jobs, None)
                if job is None:
                    are_left = False
                else:
                    self._submit(job)
            for job, future in self._finished():
                if (grade := self._grade_of(job, future)) is not None:
                    yield grade

    def _submit(self, job: Job) -> None:
        self._count += 1
        key = f"{self._name}-{self._count}"
        future = self._client.submit(
            cluster_worker.grade, self._name, job, key=key, pure=False, resources={self._name: 1}
        )
        self._under_way[key] = job, future
        future.add_done_callback(lambda _: self._done.put(key))

    def _finished(self) -> Iterator[tuple[Job, object]]:
        """What is done, having waited for it a little."""
        with contextlib.suppress(Empty):
            key = self._done.get(timeout=LOOK / 4)
            while True:
                if key in self._under_way:  # or it was taken back
                    yield self._under_way.pop(key)
                key = self._done.get_nowait()

    def _grade_of(self, job: Job, future) -> Grade | None:
        """The grade that came; None where the job must be done again, or is a suspect now."""
        from distributed import CancelledError, KilledWorker

        try:
            if future.status != "lost":  # with the worker that had the grade
                return future.result(FETCH)
            self._again.append(job)
        except TimeoutError:
            self._again.append(job)
        except KilledWorker:
            self._suspects.append(job)
        except CancelledError as error:  # by nobody here: the scheduler is gone
            raise self._gone(error) from None
        except Exception as error:
            return failed(job, f"{type(error).__name__}: {error}")
        return None

    def _look(self) -> None:
        """See which workers there are, and let those take part that can grade."""
        there = self._client.scheduler_info(n_workers=-1)["workers"]
        self._workers = [address for address, about in there.items() if self._name in about["resources"]]
        if self._under_way and not self._workers:
            self._take_back()  # Dask would keep them for ever: a worker that comes later is not yet accepted
        strangers = [address for address in there if address not in {*self._workers, *self._refused}]
        if strangers:
            self._workers += self._accepted(strangers)
        self._threads = sum(there[address]["nthreads"] for address in self._workers)
        self._looked = time.monotonic()
        if self._workers:
            return
        if self._refused and set(there) <= set(self._refused):
            raise CourseError(f"No worker of the cluster can grade. {next(iter(self._refused.values()))}")
        if not self._told:
            self._say("The cluster has no workers yet: waiting for them.")
            self._told = True

    def _accepted(self, strangers: list[str]) -> list[str]:
        """Of these workers, those that can grade."""
        accepted = []
        told = self._client.run(cluster_worker.describe, self._held_by, workers=strangers, on_error="return")
        for address, about in told.items():
            if isinstance(about, Exception):
                about = {"refused": f"The course does not run there: {type(about).__name__}: {about}."}
            if why := refusal(self._wanted, about):
                self._refused[address] = why
                self._say(f"The worker at {address} is given nothing. {why}")
            else:
                accepted.append(address)
        if accepted:
            self._client.run(cluster_worker.accept, self._name, workers=accepted, on_error="ignore")
        return accepted

    def _take_back(self) -> None:
        """Take all back that is under way."""
        jobs, futures = zip(*self._under_way.values(), strict=True)
        self._under_way = {}
        self._client.cancel(futures, force=True)
        self._again += jobs

    def _leave(self) -> None:
        """Leave no job and no judge on the cluster."""
        with contextlib.suppress(OSError):  # there may be no cluster any more
            if self._under_way:
                self._take_back()
            there = self._client.scheduler_info(n_workers=-1)["workers"]
            if workers := [address for address in self._workers if address in there]:
                self._client.run(cluster_worker.dismiss, self._name, workers=workers, on_error="ignore")

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:  # Dask's own errors of connections among them
            raise self._gone(error) from None

    def _gone(self, why: BaseException) -> CourseError:
        return CourseError(
            f"The cluster does not answer any more ({why}). What was graded is kept: run it again to go on."
        )


def _where(address: str) -> dict:
    """The client's settings for an address, or for a scheduler file."""
    if "://" in address:
        return {"address": address}
    if Path(address).is_file():
        return {"scheduler_file": address}
    raise CourseError(
        f"{address} is no cluster: expected tcp://HOST:PORT or tls://HOST:PORT of a Dask scheduler, the file that it "
        f"was started with as --scheduler-file, or {SLURM}."
    )


def _listed(packages: list[str], others: list[str]) -> str:
    """The packages that are not among the others, for a sentence."""
    return ", ".join(package for package in packages if package not in others) or "nothing more"
