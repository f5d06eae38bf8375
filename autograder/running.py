"""Runs an exercise's checks for one learner: pytest in this process, quiet, and a verdict for each function.

A function passes when all of its checks pass; its first failure ends its checks, so that an endless loop is waited for
once. A check that cannot run is never a pass: it is an error, and the error is not the learner's.

A check may give a share of the points (`checking.Partly`): the others run then, and the least share counts. Where the
hidden checks run, shares are theirs to give: a public one is a forecast on inputs that learners have.
"""

import os
import threading
import time
import zlib
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import pytest

from autograder.checking import Wrong
from autograder.discretion import told, told_lines
from autograder.exercises import Exercise
from autograder.judging import plain
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
    shared: int | None = None,
    again: bool = False,
) -> dict[str, Outcome]:
    """Run the public and (or) hidden checks of an exercise's functions; all of them where `functions` is not given.

    `seed` draws the inputs; `shared`, the same one where it is not given, what takes long to make and is a whole
    class's, such as a base's layers. `again` says that this process will be asked for the same checks again: pytest
    then stays, in a thread of its own. Raises CourseError where a function has no check or a check is itself broken.
    """
    wanted = tuple(functions or exercise.functions)
    seeds = seed, seed if shared is None else shared
    files = [exercise.checks] * public + ([exercise.hidden_checks] if hidden else [])
    if again:
        key = exercise.name, *files
        if key not in _staying or _staying[key].has_ended:
            _staying[key] = _StayingRun(exercise, hidden, files)
        run = _staying[key]
        run.run_for(learner, wanted, seeds)
    else:
        run = _Run(exercise, hidden)
        run.begin(learner, wanted, seeds)
        with _no_settings_from_outside():
            status = _pytest(files, run)
        if status == pytest.ExitCode.INTERRUPTED and not run.not_loaded:
            raise KeyboardInterrupt
    broken = [*run.not_loaded, *run.broken]
    for function in wanted:
        counts = {path: run.found[path.parent.name, function] for path in files}
        broken += [f"no check in {path} is marked with {function}" for path in files if not counts[path]]
        outcome = run.outcomes[function]
        if (outcome.passed or outcome.part) and outcome.checks != sum(counts.values()):
            broken.append(f"{outcome.checks} of {sum(counts.values())} checks of {function} were run")
    if broken:
        raise CourseError(f"The checks of {exercise.name} are broken, not the answers: {'; '.join(broken)}")
    return {function: run.outcomes[function] for function in wanted}


def _pytest(files: list[Path], run: "_Run") -> int:
    """Run pytest on files with nothing but our plugin; its exit status."""
    arguments = [str(path) for path in files]
    arguments += ["-c", os.devnull, f"--rootdir={files[0].parent}", "--noconftest", "--assert=plain"]
    arguments += ["--import-mode=importlib", "--capture=no"]
    for plugin in _WITHOUT.split():
        arguments += ["-p", f"no:{plugin}"]
    return pytest.main(arguments, plugins=[run])


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

    def __init__(self, exercise: Exercise, hidden: bool):
        self._exercise, self._hidden = exercise, hidden
        self.found: Counter[tuple[str, str]] = Counter()  # checks by (their folder, function)
        self.not_loaded: list[str] = []  # files, and why

    def begin(self, learner: Learner, functions: tuple[str, ...], seeds: tuple[int, int]) -> None:
        """Be about this learner, and these functions, from here on."""
        self._learner, (self._seed, self._shared) = learner, seeds
        self.broken: list[str] = []  # what went wrong that is not this learner's fault
        self.outcomes = {function: Outcome(function, 0, 0.0, None) for function in functions}

    @pytest.fixture
    def learner(self) -> Learner:
        return self._learner

    @pytest.fixture
    def seed(self) -> int:
        """That of the grading, for what several of its checks share, and a class."""
        return self._shared

    @pytest.fixture
    def rng(self, request) -> np.random.Generator:
        return generator_for(request.node, self._seed)

    def pytest_configure(self, config):
        config.addinivalue_line("markers", FUNCTION_MARK)

    def pytest_collectreport(self, report):
        if report.failed:
            self.not_loaded.append(f"{report.nodeid} cannot be loaded: {str(report.longrepr).strip().splitlines()[-1]}")

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if self.wants(item)]
        self.found = Counter((item.path.parent.name, _function(item)) for item in items)

    def wants(self, item) -> bool:
        """Whether a check belongs to a function that is checked."""
        return _function(item) in self.outcomes

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


class _StayingRun(_Run):
    """A run that stays: pytest waits, in a thread, with the checks that it has read, for the next learner to check.

    To begin pytest and to read the checks takes it as long as running them.
    """

    def __init__(self, exercise: Exercise, hidden: bool, files: list[Path]):
        super().__init__(exercise, hidden)
        self.begin(None, exercise.functions, (LEARNERS_SEED, LEARNERS_SEED))
        self._learners: SimpleQueue = SimpleQueue()
        self._done: SimpleQueue = SimpleQueue()  # True after each learner, False at the end
        self.has_ended = False
        with _no_settings_from_outside():  # pytest looks at them before it reads the checks
            threading.Thread(target=self._stay, args=(files,), daemon=True).start()
            self._wait()

    def run_for(self, learner: Learner, functions: tuple[str, ...], seeds: tuple[int, int]) -> None:
        """Run the checks of these functions for a learner."""
        self.begin(learner, functions, seeds)
        self._learners.put(learner)
        self._wait()
        self._learner = None

    def _stay(self, files: list[Path]) -> None:
        try:
            _pytest(files, self)
        finally:
            self._done.put(False)

    def _wait(self) -> None:
        self.has_ended = self.has_ended or not self._done.get()
        if self.has_ended:
            self.broken.append("pytest ended while it ran them")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session) -> bool:
        self._done.put(True)
        while self._learners.get():
            items = [item for item in session.items if self.wants(item)]
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            self._done.put(True)
        return True


_staying: dict[tuple, _StayingRun] = {}


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
