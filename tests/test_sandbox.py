"""The sandbox: what is seen inside it, what engines are asked for, and what a fork has ready."""

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autograder.checking import Wrong
from autograder.engine.grades import Grade
from autograder.engine.journal import Journal
from autograder.engine.judges import Job, do
from autograder.exercises import CLONE, PACKAGE, exercise, exercises
from autograder.hand_ins.notebooks import CodeCell
from autograder.judging import imports, sandbox, workers
from autograder.judging.confinement import Allowance
from autograder.judging.judge import Limits, Submission, judge, without_spared
from autograder.learner import Learner
from pneumonia.settings import CourseError

PRECISION = "def precision(tp, fp):\n    return tp / (tp + fp) if tp + fp else 0.0"
SECRETS = [
    CLONE / "solutions",
    CLONE / "results",
    CLONE / "tests",
    PACKAGE / "hidden",
    PACKAGE / "judging" / "judge.py",
]
# A program in an engine's place: it keeps what it was asked, and runs a container's program as it is.
ENGINE = """#!{python}
import os, sys
with open({log!r}, "a") as log:
    log.write(repr(sys.argv[1:]) + "\\n")
if sys.argv[1] == "run":
    program = sys.argv[sys.argv.index("pneumonia-course-empty") + 1 :]
    os.execv(program[0], program)
"""


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_a_course_in_a_folder_that_workers_get_empty_is_refused(monkeypatch, folder):
    """Else every answer would fail for want of a module, and cost its points."""
    python = f"{folder}/course/.venv"
    monkeypatch.setattr(sandbox, "visible", lambda: ((Path(python), python),))
    with pytest.raises(CourseError, match=rf"an empty {folder}, and {python}.* Move the clone"):
        sandbox.require("bubblewrap")


def test_nothing_is_seen_that_would_tell_an_answer():
    seen = [Path(target) for _, target in sandbox.visible()]
    for task in exercises().values():
        for secret in (*SECRETS, task.checks, task.hidden_checks, task.source, task.release):
            assert not any(secret.is_relative_to(path) or path.is_relative_to(secret) for path in seen), secret


def test_what_the_worker_imports_is_seen():
    seen = {target for _, target in sandbox.visible()}
    for module in ("__init__", "worker", "forker", "confinement", "calls", "plain", "handles", "keras_answers"):
        assert str(PACKAGE / "judging" / f"{module}.py") in seen
    assert str(PACKAGE / "__init__.py") in seen


def test_imports_are_followed_and_other_packages_are_not():
    files = imports.files_imported(["autograder.checks.test_02_metrics"])
    assert {PACKAGE / "checks" / "metrics.py", PACKAGE / "checks" / "__init__.py", PACKAGE / "checking.py"} <= set(
        files
    )
    assert PACKAGE / "checks" / "transfer.py" not in files
    assert all(file.is_relative_to(CLONE) for file in files)
    assert PACKAGE / "exercises.py" not in imports.files_imported(["autograder.in_place"], later=False)


def test_where_the_sandbox_is_not_there_it_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    for name, says in (("bubblewrap", "apt-get install bubblewrap"), ("podman", "apt-get install podman")):
        with pytest.raises(CourseError, match=says):
            sandbox.require(name)
    sandbox.require("none")


def test_a_container_holds_a_worker(tmp_path, monkeypatch):
    """An engine is asked for no network, no writing, no privileges, limits, and nothing but read-only files."""
    log, engine = tmp_path / "log", tmp_path / "docker"
    engine.write_text(ENGINE.format(python=sys.executable, log=str(log)))
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    sandbox.require("docker")
    cells = [CodeCell("precision", PRECISION), CodeCell("recall", "def recall(tp, fn):\n    import os; os._exit(3)")]
    outcomes = {o.function: o for o in judge(cells, exercise("02-metrics"), hidden=True, sandbox="docker").outcomes}
    assert outcomes["precision"].passed
    assert "exit status 3" in outcomes["recall"].failure.mistake
    asked = [eval(line) for line in log.read_text().splitlines()]
    runs = [words for words in asked if words[0] == "run"]
    removed = [words[2] for words in asked if words[0] == "rm"]
    assert {next(word for word in words if word.startswith("--name=")) for words in runs[1:]} == {
        f"--name={name}" for name in removed
    }
    for words in runs:
        assert {"--network=none", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"} <= set(words)
        assert {word.split("=")[0] for word in words} >= {"--memory", "--pids-limit", "--user", "--tmpfs", "--ulimit"}
        assert all(word.endswith(":ro") for word in words if word.startswith("--volume="))


FIGURES = "import numpy as np\nlabels = np.array([0, 1])"
SHOWN = "print(labels)"


@pytest.mark.parametrize(
    ("learners", "kept"),
    [
        (PRECISION, set()),
        ("def precision(tp, fp):\n    return np.divide(tp, tp + fp)", {"figures"}),
        ("def precision(tp, fp):\n    return helper(tp, fp)", {"helper"}),
        ("def precision(tp, fp):\n    return tp + 0 * labels[0]", {"figures", "shown"}),
        ("exec('x = 1')", {"figures", "shown", "helper"}),
        ("%time x = 1", {"figures", "shown", "helper"}),
        ("def precision(tp, fp:", {"figures", "shown", "helper"}),
    ],
)
def test_cells_of_the_course_run_where_a_learners_code_depends_on_them(learners, kept):
    """What may change something that is used counts as used: `shown` could change `labels`."""
    helper = "def helper(a, b):\n    return a / (a + b)"
    cells = [CodeCell("figures", FIGURES, own=False), CodeCell("shown", SHOWN, own=False)]
    cells += [CodeCell("helper", helper, own=False), CodeCell("precision", learners)]
    assert {cell.name for cell in without_spared(cells, exercise("02-metrics"))} - {"precision"} == kept


STOCK = """
import json, os
from autograder.checks.transfer import batch_normalized, nested_base, small_head
from autograder.checks.models import small_base
from autograder.judging.keras_models import configurations
from tensorflow.python.eager import context
makers = [small_base, nested_base, lambda: small_head((4, 4, 3)), lambda: batch_normalized(3)]
print(json.dumps(list(configurations(makers))))
assert context.context()._context_handle is None, "an operation has run"
"""
FORKS = """
import json, os, sys
import numpy as np
from tensorflow.python.eager import context
from autograder.judging import keras_answers
configurations = json.load(sys.stdin)
keras_answers.prepare_to_fork()
for config in configurations:
    keras_answers.put_in_stock(config, 2)
    keras_answers.put_in_stock(config, 1)
assert context.context()._context_handle is None, "an operation has run before the fork"
assert all(len(models) == 2 for models in keras_answers._stock.values())
if os.fork() == 0:
    for config in configurations:
        drawn = [keras_answers.build(config) for _ in range(3)]  # two from stock, one anew
        assert not any(np.any(weight) for model in drawn for weight in model.weights if "norm" not in weight.path)
        for model in drawn:
            keras_answers.draw_weights(model, 6)
            keras_answers.draw_weights(model, 7)
        assert not keras_answers._stock[config]
        inputs = np.random.default_rng(1).random((2, *drawn[0].input_shape[1:]), np.float32)
        first, second, third = (np.asarray(model(inputs)) for model in drawn)
        # Drawn statistics of BatchNormalization can be below 0, and its output then no number.
        assert np.array_equal(first, third, equal_nan=True) and np.array_equal(second, third, equal_nan=True)
        assert all(np.any(weight) for weight in drawn[0].weights)
        assert len({id(weight) for model in drawn for weight in model.weights}) == 3 * len(drawn[0].weights)
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_models_in_stock_are_made_without_an_operation_and_are_as_good_as_new():
    made = subprocess.run([sys.executable, "-c", STOCK], capture_output=True, text=True, check=True)
    forked = subprocess.run([sys.executable, "-c", FORKS], input=made.stdout, capture_output=True, text=True)
    assert forked.returncode == 0, forked.stderr


@pytest.mark.parametrize(
    ("status", "how"),
    [(0, "with exit status 0"), (1, "with exit status 1"), (137, "by signal 9"), (255, "with exit status 255")],
)
def test_how_a_container_ended_is_told_from_its_engines_exit_status(status, how):
    assert how in workers._ended(workers._as_python_counts(status))


OPERATIONS = """
import json, sys
import numpy as np
from autograder.judging import keras_answers
from autograder.judging.keras_answers import keras
from tensorflow.python.eager import context
if sys.argv[1] == "directly":
    keras_answers.run_operations_directly()
made = [keras.layers.Conv2D(4, 3), keras.layers.MaxPooling2D(), keras.layers.Flatten(), keras.layers.Dense(5)]
model = keras.Sequential([keras.layers.Input((9, 9, 2)), *made])
keras_answers.draw_weights(model, 1)
outputs = np.asarray(model(np.random.default_rng(0).random((3, 9, 9, 2), np.float32)))
functions = [name for name in context.context().list_function_names() if "__wrapped__" in name]
print(json.dumps([outputs.tolist(), functions]))
"""


def test_operations_run_directly_give_the_same_and_no_function_is_made_of_them():
    def run(how: str) -> list:
        done = subprocess.run([sys.executable, "-c", OPERATIONS, how], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    (outputs, functions), (usual_outputs, usual_functions) = run("directly"), run("as usual")
    assert np.allclose(outputs, usual_outputs, atol=1e-6)
    assert usual_functions
    assert not functions


def test_the_journal_only_grows_and_has_one_grader_at_a_time(tmp_path):
    grade = Grade("zoe", "02-metrics", {"recall": 1}, key="k", problem="nothing there")
    with Journal(tmp_path) as journal:
        entry = journal.append(grade)
        assert journal.find("02-metrics", "zoe", "k") == (entry, grade)
        assert journal.find("02-metrics", "zoe", "another key") is None
        with pytest.raises(CourseError, match="Another `course grade` is at work"), Journal(tmp_path):
            pass
    database = sqlite3.connect(tmp_path / "journal.db")
    for statement in ("UPDATE grades SET grade = ''", "DELETE FROM grades"):
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            database.execute(statement)
    database.close()
    with Journal(tmp_path) as journal:
        assert journal.find("02-metrics", "zoe", "k") == (entry, grade)


def test_a_file_that_is_no_journal_is_an_error_and_stays_as_it_is(tmp_path):
    (tmp_path / "journal.db").write_text(json.dumps({"not": "a database"}) * 100)
    before = (tmp_path / "journal.db").read_bytes()
    with pytest.raises(CourseError, match="cannot be used"), Journal(tmp_path):
        pass
    assert (tmp_path / "journal.db").read_bytes() == before


def test_a_judge_with_other_checks_than_the_graders_gives_no_score():
    """Whoever changes a check while a class is graded gets no grade that is half one, half the other."""
    task = exercise("02-metrics")
    content = task.release.read_bytes()
    job = Job("zoe", task.name, content, "", "key", "another fingerprint", 1, "none", Limits())
    grade = do(job)
    assert grade.score is None
    assert "changed while it graded" in grade.error


def answered(code: str, modules: tuple[str, ...] = ()):
    """What `f()` gives, as a cell defines it in the sandbox."""
    with Submission([CodeCell("f", code)], Limits(call=30), "bubblewrap", modules) as running:
        return Learner(running.exchange).f()


ASYNCHRONOUS = """
import ctypes, platform
libc = ctypes.CDLL(None, use_errno=True)
def f():
    arm, errors = platform.machine() == "aarch64", []
    for number in (0 if arm else 206, 425):
        context = (ctypes.c_ulong * 16)()
        errors.append(ctypes.get_errno() if libc.syscall(number, 8, context) < 0 else 0)
    return errors
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")
def test_requests_that_the_whole_machine_shares_are_refused():
    """One submission could take all that there are, of io_setup's, and fail a database of the machine's."""
    assert answered(ASYNCHRONOUS) == [1, 1], "EPERM"


TERMINALS = """
import ctypes, mmap, os, threading
libc = ctypes.CDLL(None, use_errno=True)
pause = ctypes.cast(libc.pause, ctypes.c_void_p).value
kept = []
def leave():
    '''A thread that keeps a table of open files of its own: no CLONE_FILES.'''
    kept.append(mmap.mmap(-1, 65536))
    top = ctypes.addressof(ctypes.c_char.from_buffer(kept[-1])) + 65536 - 64
    return libc.clone(ctypes.c_void_p(pause), ctypes.c_void_p(top), 0x100 | 0x800 | 0x10000, None)
def f():
    had = []
    try:
        while len(had) < 200:
            had.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        pass
    threading.Thread(target=print).start()  # a thread as others begin it
    return [len(had), leave(), libc.syscall(436, 500, 600, 2), libc.syscall(436, 500, 600, 0)]
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")
def test_terminals_are_a_submissions_own_and_no_open_file_can_be_hidden():
    """Else one submission takes all of the machine's, and the others' `!` commands fail."""
    before = len(os.listdir("/dev/pts")) if os.path.isdir("/dev/pts") else 0
    assert answered(TERMINALS) == [32, -1, -1, 0]
    assert len(os.listdir("/dev/pts")) == before
    assert answered("files = !echo here\ndef f():\n    return list(files)") == ["here"]


LEADERLESS = """
import ctypes, os, threading, time
def hoard():
    time.sleep(0.5)
    {hoard}
    time.sleep(60)
def f():
    if os.fork() == 0:
        threading.Thread(target=hoard).start()
        ctypes.CDLL(None).syscall(93 if os.uname().machine == "aarch64" else 60, 0)  # ends this thread alone
    time.sleep(10)
    return "not seen"
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")
def test_files_are_counted_of_all_processes_together(monkeypatch):
    allowance = replace(Allowance(), open_files_in_all=150)
    monkeypatch.setattr("autograder.judging.confinement.Allowance", lambda: allowance)
    code = (
        "import os, time\ndef f():\n    kept = [os.pipe() for _ in range({})]\n    time.sleep(1)\n    return len(kept)"
    )
    assert answered(code.format(20)) == 20
    with pytest.raises(Wrong) as lost:
        answered(code.format(100))
    assert "opened more than the 150 files" in lost.value.mistake


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is Linux's")
@pytest.mark.parametrize(
    ("hoard", "says"),
    [
        ("kept = b'x' * 2**29", "GiB of memory"),
        ("kept = [os.pipe() for _ in range(100)]", "opened"),
    ],
)
def test_what_threads_have_is_seen_where_the_first_one_has_ended(hoard, says, monkeypatch):
    allowance = replace(Allowance(), memory=2**29, open_files_in_all=150)
    monkeypatch.setattr("autograder.judging.confinement.Allowance", lambda: allowance)
    with pytest.raises(Wrong) as lost:
        answered(LEADERLESS.format(hoard=hoard))
    assert says in lost.value.mistake
