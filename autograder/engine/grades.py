"""Hand-ins, their grades, and a graded class: plain records that can be written down and read again."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path

from autograder.running import Failure, Outcome

WAITING = "It was not graded yet."  # the error of a grade that is still to come


@dataclass(frozen=True)
class Handin:
    """What one learner handed in for one exercise: a notebook, or the reason why there is none to grade."""

    student: str
    exercise: str
    path: Path
    problem: str = ""
    note: str = ""  # on the file, where it is graded all the same


@dataclass(frozen=True)
class Grade:
    """One row of the result. `problem` says why nothing could be graded (score 0), `error` why there is no score."""

    student: str
    assignment: str
    worth: dict[str, int]  # points of each function
    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    error: str = ""
    seconds: float = 0.0
    key: str = ""  # fingerprint of the submission, the checks and the environment

    @property
    def earned(self) -> dict[str, int]:
        """Points that each function earned."""
        outcomes = {outcome.function: outcome for outcome in self.outcomes}
        return {name: outcomes[name].earned(worth) if name in outcomes else 0 for name, worth in self.worth.items()}

    @property
    def score(self) -> int | None:
        """Points in all; None where the grader itself failed."""
        return None if self.error else sum(self.earned.values())

    @property
    def max_score(self) -> int:
        """Points that can be had."""
        return sum(self.worth.values())

    @classmethod
    def from_dict(cls, record: dict) -> "Grade":
        """The grade of a record that `dataclasses.asdict` and JSON made of one."""
        outcomes = tuple(_outcome(outcome) for outcome in record["outcomes"])
        return cls(**record | {"outcomes": outcomes, "notes": tuple(record["notes"])})


@dataclass(frozen=True)
class Grading:
    """A graded class, with what is needed to grade it again in the same way."""

    grades: tuple[Grade, ...]
    seed: int
    sandbox: str
    started: datetime
    seconds: float
    ignored: tuple[str, ...] = field(default=())


def _outcome(record: dict) -> Outcome:
    failure = record["failure"] and Failure(**record["failure"] | {"lines": tuple(record["failure"]["lines"])})
    return Outcome(**{name.name: record[name.name] for name in fields(Outcome)} | {"failure": failure})
