"""`check("precision")` in a notebook: one line or one message, nothing on stderr, nothing of pytest."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from autograder import check
from autograder.exercises import exercise
from autograder.in_place import CheckFailed
from autograder.learner import in_place
from autograder.running import run_checks
from pneumonia.settings import CourseError
from tests.conftest import run_environment

EXERCISE = exercise("02-metrics")


def good_recall(tp, fn):
    return tp / (tp + fn) if tp + fn else 0.0


def bad_recall(tp, fn):
    wrong = {}
    return wrong[tp]


def test_a_right_function_prints_one_line_and_gives_nothing_back(capsys):
    assert check("recall", namespace={"recall": good_recall}) is None
    assert capsys.readouterr().out == "recall: right, 2 checks passed.\n"


def test_a_failure_says_what_was_expected_what_came_why_and_where_to_read():
    with pytest.raises(CheckFailed) as caught:
        check("recall", namespace={"recall": lambda tp, fn: tp / (tp + fn + 1)})
    message = str(caught.value)
    for text in ("recall(6, 3)", "expected  0.666666666667", "came      0.6", "one too many", "Measuring a classifier"):
        assert text in message
    assert caught.value._render_traceback_() == message.splitlines()


def test_the_traceback_ends_at_the_learners_line():
    with pytest.raises(CheckFailed) as caught:
        check("recall", namespace={"recall": bad_recall})
    message = str(caught.value)
    assert "in bad_recall: return wrong[tp]" in message
    assert "KeyError: 6" in message
    for ours in ("autograder", "pytest", "calls.py", "lib/python"):
        assert ours not in message


def test_the_traceback_leaves_compiled_libraries_out():
    def draw(tp, fn):
        return np.random.default_rng(tp).choice(3, size=-1)

    with pytest.raises(CheckFailed) as caught:
        check("recall", namespace={"recall": draw})
    message = str(caught.value)
    assert "in draw: return np.random" in message
    assert message.count("your code") == 1


def test_the_callers_own_namespace_is_found(capsys):
    exec('from autograder import check\nrecall = good\ncheck("recall")', {"good": good_recall})
    assert "recall: right" in capsys.readouterr().out


def test_what_the_function_prints_goes_to_stdout(capfd):
    def noisy(tp, fn):
        print("to stdout")
        print("to stderr", file=sys.stderr)
        os.write(2, b"below Python\n")
        return good_recall(tp, fn)

    check("recall", namespace={"recall": noisy})
    out, err = capfd.readouterr()
    assert err == ""
    for text in ("to stdout", "to stderr", "below Python", "recall: right"):
        assert text in out


def test_a_flood_of_output_is_cut(capsys):
    def flood(tp, fn):
        print("x" * 10**6)
        return good_recall(tp, fn)

    check("recall", namespace={"recall": flood})
    assert len(capsys.readouterr().out) < 5000


def test_a_hidden_check_does_not_show_its_input_or_its_answer():
    with pytest.raises(CheckFailed) as caught:
        check("recall", hidden=True, namespace={"recall": lambda tp, fn: tp / fn if fn else 0.0})
    message = str(caught.value)
    assert "That is tp / fn" in message
    assert "(hidden check)" in message
    assert "expected" not in message
    assert "recall(" not in message


def test_interrupting_is_not_a_wrong_answer():
    def interrupted(tp, fn):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("recall", namespace={"recall": interrupted})


def test_leaving_the_program_is_a_wrong_answer():
    with pytest.raises(CheckFailed, match="use `return` to leave a function"):
        check("recall", namespace={"recall": lambda tp, fn: sys.exit(0)})


def test_an_object_that_equals_everything_is_refused():
    class Everything(float):
        def __eq__(self, other):
            return True

        def __sub__(self, other):
            return 0.0

        __hash__ = None

    with pytest.raises(CheckFailed, match="Give back plain numbers"):
        check("recall", namespace={"recall": lambda tp, fn: Everything(1)})


def test_unknown_functions_are_named():
    with pytest.raises(CheckFailed, match="No exercise asks for a function named 'recal'"):
        check("recal", namespace={})


def test_missing_hidden_checks_are_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr("autograder.exercises.PACKAGE", tmp_path)
    with pytest.raises(CheckFailed, match="hidden checks of 02-metrics are not at"):
        check("recall", hidden=True, namespace={"recall": good_recall})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_of_that_name\n", "cannot be loaded"),
        ("", "no check in"),
        (
            "from autograder.checks import function\n"
            "@function('recall')\n"
            "def test_x(learner):\n"
            "    raise RuntimeError('our own mistake')\n",
            "our own mistake",
        ),
        (
            "from autograder.checks import function\n"
            "@function('recall')\n"
            "def test_x(learner, no_such_fixture):\n"
            "    pass\n",
            "cannot be run",
        ),
    ],
    ids=["import", "empty", "raises", "fixture"],
)
def test_a_broken_check_is_an_error_and_never_a_pass(monkeypatch, tmp_path, text, reason):
    (tmp_path / "hidden").mkdir()
    # a name of its own: pytest keeps modules that it has imported
    name = f"test_broken_{abs(hash(text))}.py"
    (tmp_path / "hidden" / name).write_text(text)
    broken = type(EXERCISE)("02-metrics", ("recall",), EXERCISE.checks.with_name(name))
    monkeypatch.setattr("autograder.exercises.PACKAGE", tmp_path)
    with pytest.raises(CourseError, match=reason):
        run_checks(broken, in_place({"recall": good_recall}), public=False, hidden=True)


def test_importing_check_is_quick_and_light():
    program = (
        "import sys, time; start = time.perf_counter(); from autograder import check; "
        "assert time.perf_counter() - start < 1; "
        "heavy = {'tensorflow', 'keras', 'pytest', 'sklearn', 'numpy', 'nbgrader'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


STOPPED_CELLS = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(history_manager=None)
shell.showtraceback = shell.showsyntaxerror = lambda *_, **__: None
def run(*cells):
    for cell in cells:
        result = shell.run_cell(cell, store_history=True)
    print(result.error_in_exec)
syntax, late = "def recall(tp, fn)\\n    return 1", "!:\\nn = int(input())\\ndef recall(tp, fn):\\n    return 1\\n"
check = "from autograder import check\\ncheck('recall')"
run("%pylab_is_no_magic", check)
run(syntax, check)
run(check)
run(syntax, late, check)
run("1 / 0", check)
run(syntax, "def recall(tp, fn):\\n    return tp / (tp + fn) if tp + fn else 0.0", check)
"""


def test_the_error_of_a_cell_is_told_in_the_notebook(tmp_path):
    """As long as it is known: one of syntax always, another one until the next cell is run."""
    run = subprocess.run(
        [sys.executable, "-c", STOPPED_CELLS],
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=run_environment(IPYTHONDIR=str(tmp_path)),
    )
    came = re.findall(r"came +(.*)|^(None)$", run.stdout, re.M)
    assert [first or second for first, second in came] == [
        "no function of that name",
        "its cell stopped with SyntaxError: expected ':', line 1",
        "its cell stopped with SyntaxError: expected ':', line 1",
        "its cell stopped with EOFError: EOF when reading a line (line 2, in <module>: n = int(input()))",
        "no function of that name",
        "None",
    ]
    assert run.stdout.count("Python cannot read the cell") == 2
    assert "`input()` cannot be answered here: delete it" in run.stdout
