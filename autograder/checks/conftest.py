"""Plain pytest on the public checks, for whoever prefers it to `course check`:

    pytest autograder/checks/test_02_metrics.py --notebook 02-metrics.ipynb

Without `--notebook`, the notebook under exercises/ is checked. The grading engine does not read this file.
"""

from pathlib import Path

import pytest

from autograder.checking import Wrong
from autograder.exercises import Exercise, exercises
from autograder.hand_ins.notebooks import learner_cells, read_notebook
from autograder.judging.judge import Limits, Submission
from autograder.learner import Learner
from autograder.running import FUNCTION_MARK, LEARNERS_SEED, failure_of, generator_for
from pneumonia.settings import CourseError


def pytest_addoption(parser):
    parser.addoption("--notebook", type=Path, help="the notebook to check (default: the one under exercises/)")


def pytest_configure(config):
    config.addinivalue_line("markers", FUNCTION_MARK)


def _exercise_of(path: Path) -> Exercise:
    return next(exercise for exercise in exercises().values() if exercise.checks.name == path.name)


@pytest.fixture(scope="module")
def learner(request):
    """The functions of the notebook, which runs once for a module's checks in a worker process."""
    exercise = _exercise_of(request.path)
    try:
        notebook = read_notebook(request.config.getoption("notebook") or exercise.release)
    except CourseError as error:
        pytest.fail(str(error), pytrace=False)
    with Submission(learner_cells(notebook, exercise, exercise.released), Limits().of(exercise)) as submission:
        submission.start()
        yield Learner(submission.exchange, stopped=submission.stopped)


@pytest.fixture
def rng(request):
    return generator_for(request.node, LEARNERS_SEED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed check shows its message, and no frame of the checks."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, Wrong):
        report.longrepr = failure_of(_exercise_of(item.path), item, call.excinfo.value).text()
    return report
