"""The judge: runs a notebook's code in a worker process and the checks in this one.

The worker stands in a sandbox where strangers are graded (`autograder.judging.workers`); it answers questions, and what
comes back is plain data. What is right is decided here.
"""

import contextlib
import math
import re
import time
from dataclasses import dataclass, field, replace

from autograder.checking import Wrong
from autograder.exercises import Exercise
from autograder.hand_ins.names import is_python, names_of, spared
from autograder.hand_ins.notebooks import CodeCell
from autograder.judging import calls, plain, workers
from autograder.judging.workers import Worker, WorkerLost
from autograder.learner import Learner, stopped_with
from autograder.running import LEARNERS_SEED, Outcome, run_checks

IMPORTED = (
    "matplotlib.pyplot",
    "numpy",
    "pneumonia.phantom",
    "pneumonia.plots",
    "scipy.signal",
    "scipy.special",
    "scipy.stats",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "sklearn.pipeline",
    "sklearn.preprocessing",
    "sklearn.utils.class_weight",
)
READ_LIMIT = 200_000  # characters of code that are read to see what depends on what; nobody writes more by hand
DEFINED = re.compile(r"^def (\w{1,100})\(", re.MULTILINE)
NOTES = 20  # on cells that went wrong: what more there are is counted
NOTE_LENGTH = 600  # characters
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
    shared: int | None = None,
    limits: Limits | None = None,
    sandbox: str = "none",
    again: bool = False,
) -> Judgement:
    """Run a notebook's code cells in a worker, then the checks of its exercise against that worker.

    `sandbox` names what holds the worker; the seeds and `again` are as for `run_checks`. Raises CourseError where it
    does not start, which is not the learner's fault.
    """
    with Submission(
        without_spared(cells, exercise), (limits or Limits()).of(exercise), sandbox, modules_for(exercise)
    ) as submission:
        submission.start()
        learner = Learner(submission.exchange, stopped=submission.stopped)
        outcomes = run_checks(exercise, learner, hidden=hidden, seed=seed, shared=shared, again=again)
        return Judgement(tuple(outcomes.values()), tuple(submission.notes))


def modules_for(exercise: Exercise) -> tuple[str, ...]:
    """What a warm worker has imported before it is forked, as far as learners of an exercise may use it."""
    return (*IMPORTED, "autograder.judging.keras_answers") if exercise.keras or exercise.trains else IMPORTED


def without_spared(cells: list[CodeCell], exercise: Exercise) -> list[CodeCell]:
    """The cells without those of the course, mostly figures, that nothing of the learner's depends on.

    A function that is not written yet stays: it is to say so when it is called.
    """
    if sum(len(cell.source) for cell in cells) > READ_LIMIT or not all(is_python(cell.source) for cell in cells):
        return cells
    left_out = spared(
        [names_of(cell.source) for cell in cells], [cell.own or cell.name in exercise.functions for cell in cells]
    )
    return [cell for place, cell in enumerate(cells) if place not in left_out]


def _more(count: int) -> str:
    return f"{count} more cell{'s' * (count > 1)} stopped or had to be left out."


@dataclass
class Submission:
    """A notebook's code, running: its worker, replaced by a new one each time that the code has ended or stalled it."""

    cells: list[CodeCell]
    limits: Limits
    sandbox: str = "none"
    modules: tuple[str, ...] = ()  # imported before the fork, where the sandbox has one
    notes: list[str] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)  # name of a cell or of its function -> how the cell stopped
    _worker: "Worker | None" = None
    _lost: set[int] = field(default_factory=set)  # places of the cells that cost a worker
    _noted: set[int] = field(default_factory=set)
    _started: float = 0.0
    _granted: float = 0.0  # seconds that its workers waited for the processor, which are not the submission's

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
        granted = self._granted + (self._worker.granted if self._worker else 0.0)
        return self._started + self.limits.submission + granted - time.monotonic()

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
            self._worker = workers.start(self.sandbox, self.modules, self.limits.start)
            for place, cell in enumerate(self.cells):
                if place not in self._lost and not self._run(place, cell):
                    break
        return self._worker

    def _run(self, place: int, cell: CodeCell) -> bool:
        """Run one cell; False where it cost the worker."""
        try:
            reply = self._worker.ask(
                plain.dumps({"cell": cell.source}, items=math.inf), self._seconds(self.limits.cell)
            )
            answer = calls.read(reply)
        except (WorkerLost, plain.Garbage) as lost:
            self._end_worker()
            self._lost.add(place)
            self._note(place, f"{cell.name}: {lost} It is left out.")
            self._remember(cell, f"was left out: {lost}")
            return False
        # A cell that uses a function not written yet is no news: the function's own result says so.
        if answer.kind == "raised" and answer.type != "NotImplementedError":
            self._remember(cell, stopped_with(answer))
            if cell.own:
                self._note(place, f"{cell.name} {stopped_with(answer)}")
        return True

    def _remember(self, cell: CodeCell, how: str) -> None:
        """Remember how a cell stopped, by its name and by those of the functions that it would have defined."""
        self.stopped |= dict.fromkeys([cell.name, *DEFINED.findall(cell.source)], how)

    def _note(self, place: int, text: str) -> None:
        if place not in self._noted:
            self._noted.add(place)
            more = len(self._noted) - NOTES
            self.notes[NOTES:] = [_more(more) if more > 0 else text[:NOTE_LENGTH]]

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._granted += self._worker.granted
            self._worker.end()
            self._worker = None
