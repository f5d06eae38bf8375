"""Runs an exercise's checks for one learner: pytest in this process, quiet, and a verdict for each function.

A function passes when all of its checks pass; its first failure ends its checks, so that an endless loop is waited for
once. A check that cannot run is never a pass: it is an error, and the error is not the learner's.

A check may give a share of the points (`checking.Partly`): the others run then, and the least share counts. Where the
hidden checks run, shares are theirs to give: a public one is a forecast on inputs that learners have.
"""

import os
import time
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pytest

from autograder import plain
from autograder.checking import Wrong
from autograder.discretion import told, told_lines
from autograder.exercises import Exercise
from autograder.learner import Learner
from autograder.lessons import lesson
from pneumonia.settings import CourseError

FUNCTION_MARK = "function(name): the learner's function that a check belongs to"
LEARNERS_SEED = 0  # the public checks' inputs: the same each time, so that a failure repeats

# Plugins that write files, print, or touch the process that a learner's kernel is.
_WITHOUT = (
    "terminal cacheprovider faulthandler warnings unraisableexception threadexception logging junitxml pastebin "
    "doctest unittest stepwise setuponly setupplan debugging"
)


@dataclass(frozen=True)
class Failure:
    """Why a function did not pass: the texts of autograder.checking.Wrong, and which check says so."""

    check: str
    hidden: bool
    call: str
    expected: str
    came: str
    mistake: str
    lines: tuple[str, ...]
    lesson: str

    def rows(self, instructor: bool = False) -> list[tuple[str, str]]:
        """The message as (label, text) rows.

        Of a hidden check, a learner sees what is wrong and not the input or its answer; an instructor sees all.
        """
        discreet = self.hidden and not instructor
        lines, mistake = (told_lines(self.lines), told(self.mistake)) if discreet else (self.lines, self.mistake)
        rows = [("check", self.check + (" (hidden check)" if self.hidden else ""))]
        if not discreet:
            rows += [("call", self.call), ("expected", self.expected), ("came", self.came)]
        rows += [("your code", line) for line in lines]
        rows += [("likely", mistake), ("lesson", self.lesson)]
        return [(label, text) for label, text in rows if text]

    def text(self) -> str:
        """The message for a terminal or a notebook."""
        return "\n".join(f"  {label:<10}{text}" for label, text in self.rows())


@dataclass(frozen=True)
class Outcome:
    """What the checks say of one function: `failure` is None where all passed; `checks` is how many ran.

    `part` is the share of the points that are earned in spite of a failure: 0 or more, below 1.
    """

    function: str
    checks: int
    seconds: float
    failure: Failure | None
    part: float = 0.0

    def __post_init__(self):
        if not 0 <= self.part < 1 or (self.part and self.failure is None):
            raise ValueError(f"part: expected 0 or, beside a failure, a number below 1, got {self.part}")

    @property
    def passed(self) -> bool:
        return self.failure is None

    def earned(self, worth: int) -> int:
        """Points, of `worth`: whole ones, rounded down, so that only what passed earns all."""
        return worth if self.passed else int(worth * self.part + 1e-9)


def run_checks(
    exercise: Exercise,
    learner: Learner,
    *,
    functions: tuple[str, ...] | None = None,
    public: bool = True,
    hidden: bool = False,
    seed: int = LEARNERS_SEED,
) -> dict[str, Outcome]:
    """Run the public and (or) hidden checks of an exercise's functions; all of them where `functions` is not given.

    `seed` draws the inputs. Raises CourseError where a function has no check or a check is itself broken.
    """
    wanted = tuple(functions or exercise.functions)
    files = [exercise.checks] * public + ([exercise.hidden_checks] if hidden else [])
    run = _Run(exercise, learner, wanted, seed, hidden)
    arguments = [str(path) for path in files]
    arguments += ["-c", os.devnull, f"--rootdir={exercise.checks.parent}", "--noconftest", "--assert=plain"]
    arguments += ["--import-mode=importlib", "--capture=no"]
    for plugin in _WITHOUT.split():
        arguments += ["-p", f"no:{plugin}"]
    with _no_settings_from_outside():
        status = pytest.main(arguments, plugins=[run])
    if status == pytest.ExitCode.INTERRUPTED and not run.broken:
        raise KeyboardInterrupt
    for function in wanted:
        counts = {path: run.found[path.parent.name, function] for path in files}
        run.broken += [f"no check in {path} is marked with {function}" for path in files if not counts[path]]
        outcome = run.outcomes[function]
        if (outcome.passed or outcome.part) and outcome.checks != sum(counts.values()):
            run.broken.append(f"{outcome.checks} of {sum(counts.values())} checks of {function} were run")
    if run.broken:
        raise CourseError(f"The checks of {exercise.name} are broken, not the answers: {'; '.join(run.broken)}")
    return {function: run.outcomes[function] for function in wanted}


@contextmanager
def _no_settings_from_outside():
    """pytest without the options and plugins that the environment asks for."""
    settings = {"PYTEST_ADDOPTS": None, "PYTEST_PLUGINS": None, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    before = {name: os.environ.get(name) for name in settings}
    _set_environment(settings)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(settings: dict) -> None:
    for name, value in settings.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


class _Run:
    """The pytest plugin of one run: gives the checks their fixtures and keeps the verdicts."""

    def __init__(self, exercise: Exercise, learner: Learner, functions: tuple[str, ...], seed: int, hidden: bool):
        self._exercise, self._learner, self._seed, self._hidden = exercise, learner, seed, hidden
        self.outcomes = {function: Outcome(function, 0, 0.0, None) for function in functions}
        self.found: Counter[tuple[str, str]] = Counter()  # checks by (their folder, function)
        self.broken: list[str] = []

    @pytest.fixture
    def learner(self) -> Learner:
        return self._learner

    @pytest.fixture
    def rng(self, request) -> np.random.Generator:
        return generator_for(request.node, self._seed)

    def pytest_configure(self, config):
        config.addinivalue_line("markers", FUNCTION_MARK)

    def pytest_collectreport(self, report):
        if report.failed:
            self.broken.append(f"{report.nodeid} cannot be loaded: {str(report.longrepr).strip().splitlines()[-1]}")

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if _function(item) in self.outcomes]
        self.found = Counter((item.path.parent.name, _function(item)) for item in items)

    def pytest_runtest_logreport(self, report):
        if report.when != "call" and report.failed:
            self.broken.append(f"{report.nodeid} cannot be run: {str(report.longrepr).strip().splitlines()[-1]}")

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        """Run a check, or leave it out where its function has failed already."""
        outcome = self.outcomes[_function(pyfuncitem)]
        if not outcome.passed and not outcome.part:
            pytest.skip("its function has failed already")
        start = time.perf_counter()
        failure, part = outcome.failure, outcome.part
        try:
            return (yield)
        except plain.Garbage as garbage:  # from a worker that a learner's code has taken over
            mistake = f"The answer could not be read ({garbage}): give back plain numbers, tuples, lists or arrays."
            failure, part = failure_of(self._exercise, pyfuncitem, Wrong(came="no answer", mistake=mistake)), 0.0
            raise
        except Wrong as wrong:
            forecast = wrong.share and self._hidden and pyfuncitem.path.parent.name != "hidden"
            if not forecast and (failure is None or wrong.share < part):
                failure, part = failure_of(self._exercise, pyfuncitem, wrong), wrong.share
            raise
        except Exception as error:
            self.broken.append(f"{pyfuncitem.nodeid}: {type(error).__name__}: {error}")
            raise
        finally:
            seconds = outcome.seconds + time.perf_counter() - start
            outcome = replace(outcome, checks=outcome.checks + 1, seconds=seconds, failure=failure, part=part)
            self.outcomes[outcome.function] = outcome


def failure_of(exercise: Exercise, item: pytest.Function, wrong: Wrong) -> Failure:
    """The message of a check (a pytest item) that found something wrong."""
    return Failure(
        check=(item.function.__doc__ or item.name).strip().splitlines()[0],
        hidden=item.path.parent.name == "hidden",
        call=wrong.call,
        expected=wrong.expected,
        came=wrong.came,
        mistake=wrong.mistake,
        lines=wrong.lines,
        lesson=lesson(exercise.name),
    )


def generator_for(item: pytest.Item, seed: int) -> np.random.Generator:
    """A generator of the check's own, so that its inputs do not hang on which checks ran before."""
    return np.random.default_rng([seed, zlib.crc32(item.name.encode())])


def _function(item) -> str:
    mark = item.get_closest_marker("function")
    return mark.args[0] if mark else ""
