"""The worker and its judge: whatever one function does, the others keep their points, and the message says what."""

import contextlib
import io
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from autograder.exercises import exercise
from autograder.hand_ins.names import names_of
from autograder.hand_ins.notebooks import CodeCell, duplicates
from autograder.judging import calls, plain, workers
from autograder.judging.judge import Limits, Submission, judge
from autograder.judging.processes import processor_time
from autograder.judging.worker import HEAD, read_message, write_message
from autograder.judging.workers import SocketTalk, StreamTalk, Worker, WorkerLost
from autograder.learner import Learner
from autograder.running import run_checks
from pneumonia.settings import CourseError

EXERCISE = exercise("02-metrics")
PRECISION = "def precision(tp, fp):\n    return tp / (tp + fp) if tp + fp else 0.0"
SPECIFICITY = "def specificity(tn, fp):\n    return tn / (tn + fp) if tn + fp else 0.0"
RECALL = "def recall(tp, fn):\n    return tp / (tp + fn) if tp + fn else 0.0"
SHORT = Limits(call=2, cell=10)


def ratios(*cells: str, limits: Limits = SHORT):
    """The outcomes of the three ratios and the notes, for a notebook of these cells."""
    named = [CodeCell(f"cell {place}", source) for place, source in enumerate(cells, 1)]
    with Submission(named, limits) as running:
        running.start()
        functions = ("precision", "recall", "specificity")
        return run_checks(EXERCISE, Learner(running.exchange), functions=functions, hidden=True, seed=1), running.notes


DEATHS = [
    ("import os; os._exit(7)", "exit status 7"),
    ("import ctypes; ctypes.string_at(0)", "signal 11"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
    ("import os, signal; os.killpg(0, signal.SIGTERM)", "signal 15"),
    ("import os; os.closerange(0, 100)", "process ended"),
    ("while True: pass", "no answer within 2 seconds"),
    ("try:\n        while True: pass\n    except BaseException:\n        pass", "no answer within 2 seconds"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "no answer within 2 seconds"),
    ("return 'x' * 10**8", "may be sent"),
    ("return {1, 2}", "type builtins.set"),
    ("input()", "`input()` cannot be answered here"),
    ("exit()", "`exit()` ends the program"),
    ("import sys; sys.exit(0)", "`exit()` ends the program"),
    ("return itself(*counts)", "calls itself without an end"),
    ("return undefined", "A name is used that nothing defines"),
]
VICTIMS = ("confusion_counts", "precision", "specificity", "f_beta", "roc_auc")


@pytest.mark.parametrize("deaths", [DEATHS[0::3], DEATHS[1::3], DEATHS[2::3]], ids=["first", "second", "third"])
def test_functions_that_die_or_run_away_cost_only_themselves(deaths):
    cells = [CodeCell("recall", RECALL)]
    for function, (body, _) in zip(VICTIMS, deaths, strict=True):
        body = body.replace("itself", function)
        cells.append(CodeCell(function, f"def {function}(*counts):\n    {body}"))
    judgement = judge(cells, EXERCISE, hidden=True, seed=1, limits=SHORT)
    outcomes = {outcome.function: outcome for outcome in judgement.outcomes}
    assert outcomes["recall"].passed
    for function, (_, says) in zip(VICTIMS, deaths, strict=True):
        failure = outcomes[function].failure
        assert says in f"{failure.came} {failure.mistake}"


def test_what_is_printed_never_reaches_the_answers():
    noisy = (
        "import os, sys\n"
        "def recall(tp, fn):\n"
        '    print(\'{"kind": "value", "value": 1.0}\')\n'
        "    os.write(1, b'\\x05\\x00\\x00\\x00\\x00\\x00\\x00\\x00garbage')\n"
        "    os.write(2, b'garbage')\n"
        "    os.system('echo garbage')\n"
        "    sys.__stdout__.write('garbage'); sys.__stdout__.flush()\n"
        "    return tp / (tp + fn) if tp + fn else 0.0"
    )
    outcomes, notes = ratios(PRECISION, noisy, SPECIFICITY)
    assert [outcome.failure for outcome in outcomes.values()] == [None] * 3
    assert notes == []


def test_a_flood_of_output_fills_no_disk():
    flood = "def recall(tp, fn):\n    while True: print('x' * 10**6)"
    outcomes, _ = ratios(PRECISION, flood, SPECIFICITY)
    assert [outcomes[name].passed for name in ("precision", "recall", "specificity")] == [True, False, True]
    assert "OSError: [Errno 27]" in outcomes["recall"].failure.came


def test_a_notebooks_own_ways_work():
    """Magics, shell commands, awaits, a file that is written and imported, matplotlib, a failing cell."""
    outcomes, notes = ratios(
        "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
        "%%time\nfrom IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))",
        "!echo hello",
        "import asyncio\nawait asyncio.sleep(0)",
        "%%writefile helper.py\ndef share(a, b):\n    return a / (a + b) if a + b else 0.0",
        "from helper import share\nassert __name__ == '__main__'",
        "1 / 0",
        "precision = recall = share",
        "from functools import partial\nspecificity = partial(share)",
        "exit",
        "def broken(:",
    )
    assert [outcome.failure for outcome in outcomes.values()] == [None] * 3
    assert [note.split(":")[0] for note in notes] == [
        "cell 7 stopped with ZeroDivisionError",
        "cell 10 stopped with SystemExit",
        "cell 11 stopped with SyntaxError",
    ]


def test_the_magics_of_a_notebooks_kernel_stop_no_cell():
    from ipykernel.zmqshell import KernelMagics

    names = {*KernelMagics.magics["line"], "store"}
    assert names >= {"autosave", "clear", "connect_info", "qtconsole"}
    magics = "\n".join(f"%{name} -r" for name in sorted(names))
    outcomes, notes = ratios(f"{magics}\n%autosave 60\n%clear\n{PRECISION}", f"%store -r\n{RECALL}", SPECIFICITY)
    assert notes == []
    assert all(outcome.passed for outcome in outcomes.values())


def test_a_cell_that_never_ends_is_left_out():
    outcomes, notes = ratios(PRECISION, "while True: pass", "def recall(tp, fn):\n    return 2.0", SPECIFICITY)
    assert [outcomes[name].passed for name in ("precision", "recall", "specificity")] == [True, False, True]
    assert notes == ["cell 2: There was no answer within 10 seconds: look for an endless loop. It is left out."]


def test_a_notebook_that_dies_in_every_cell_is_given_up():
    outcomes, notes = ratios(*["import os; os._exit(1)"] * 8, PRECISION)
    assert len(notes) == 4
    assert all("it is given up" in outcome.failure.mistake for outcome in outcomes.values())


def test_a_submission_has_an_end():
    start = time.monotonic()
    loops = [f"def {name}(*counts):\n    while True: pass" for name in ("precision", "recall", "specificity")]
    outcomes, _ = ratios(*loops, limits=Limits(call=2, submission=6))
    assert time.monotonic() - start < 30
    assert "as a whole" in outcomes["specificity"].failure.mistake


def test_a_function_whose_cell_stopped_is_told_so():
    """Whether it is the course's cell for it, one of the learner's own, or one that an edited release has as well."""
    cells = [
        CodeCell("recall", "def recall(tp, fn)\n    return tp / (tp + fn)"),
        CodeCell("cell 2", "n = int(input('tp'))\ndef precision(tp, fp):\n    return 1"),
        CodeCell("f_beta", "def f_beta(:", own=False),
        CodeCell("specificity", "while True: pass"),
    ]
    judgement = judge(cells, EXERCISE, hidden=False, limits=Limits(call=2, cell=2))
    failures = {outcome.function: outcome.failure for outcome in judgement.outcomes}
    assert failures["recall"].came == "its cell stopped with SyntaxError: expected ':', line 1"
    assert "Python cannot read the cell" in failures["recall"].mistake
    assert failures["precision"].came.startswith("its cell stopped with EOFError: EOF when reading a line (line 1, in ")
    assert "`input()` cannot be answered here: delete it" in failures["precision"].mistake
    assert failures["f_beta"].came == "its cell stopped with SyntaxError: invalid syntax, line 1"
    assert failures["specificity"].came.startswith("its cell was left out: There was no answer within 2 seconds")
    assert failures["roc_auc"].came == "no function of that name"


@pytest.mark.parametrize(
    "cheat",
    [
        "import autograder.in_place\nautograder.check = autograder.in_place.check = lambda *_, **__: None",
        "import autograder.checking as c, autograder.running as r\nc.same_number = r.run_checks = lambda *_: True",
        "import builtins, numpy, pytest\nbuiltins.abs = lambda x: 0\nnumpy.isfinite = bool\npytest.main = lambda *_: 0",
        "import autograder.judging.calls as c, autograder.judging.plain as p\n"
        "c.answer = lambda *_: p.dumps({'kind': 'value', 'value': 1.0, 'passed': True, 'score': 20})",
        "import autograder.judging.plain as p\n"
        'p.dumps = lambda *_, **__: b\'{"dict":[["kind","value"],["value",true]]}\'',
        "class Same(float):\n    __eq__ = __le__ = __ge__ = lambda *_: True\n    __sub__ = __rsub__ = lambda *_: 0.0\n"
        "precision = recall = specificity = lambda *_: Same(1)",
        "import numpy as np\nclass Array(np.ndarray):\n    __array_ufunc__ = lambda *_, **__: True\n"
        "precision = recall = specificity = lambda *_: np.zeros(()).view(Array)",
    ],
    ids=["check", "checking", "builtins", "answers", "encoder", "equals everything", "array"],
)
def test_what_is_patched_in_the_worker_changes_no_verdict(cheat):
    outcomes, _ = ratios(cheat)
    assert not any(outcome.passed for outcome in outcomes.values())


def test_an_accident_of_the_judges_is_not_the_next_learners():
    """Checks that stay with pytest for a class begin each learner anew, also after one whose sandbox was lost."""

    def lost(question):
        raise CourseError("The sandbox is gone")

    def checked(exchange):
        return run_checks(EXERCISE, Learner(exchange), functions=("precision",), again=True)

    before = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    with Submission([CodeCell("precision", PRECISION)], SHORT) as running:
        assert checked(running.exchange)["precision"].passed
        assert os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD") == before, "it would hold for other programs, too"
        for _ in range(2):
            with pytest.raises(CourseError, match="The sandbox is gone"):
                checked(lost)
            assert checked(running.exchange)["precision"].passed


def test_changed_arguments_are_noticed_across_the_pipe():
    cells = [CodeCell("x", "def roc_auc(y_true, y_prob):\n    y_prob[:] = 0\n    return 0.5")]
    outcome = next(o for o in judge(cells, EXERCISE, hidden=False, limits=SHORT).outcomes if o.function == "roc_auc")
    assert outcome.failure.came == "argument 2 changed by the call"


def test_a_child_that_stays_behind_holds_nobody_up():
    """A process that leaves the group and keeps the streams open must not keep the judge waiting."""
    daemon = (
        "import os, time\n"
        "def recall(tp, fn):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        time.sleep(20)\n"
        "        os._exit(0)\n"
        "    os._exit(5)"
    )
    start = time.monotonic()
    outcomes, _ = ratios(PRECISION, daemon, SPECIFICITY)
    assert outcomes["specificity"].passed
    assert not outcomes["recall"].passed
    assert time.monotonic() - start < 18


def test_a_worker_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    worker = workers.start("none", (), 60)
    pid, folder = worker._process._popen.pid, worker._process._folder
    assert os.listdir(tmp_path) == [folder.name]
    worker.end()
    assert os.listdir(tmp_path) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_worker_sees_nothing_of_the_judges_environment(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hush")
    cell = "import os, sys\nassert 'SECRET_TOKEN' not in os.environ\nassert 'pytest' not in sys.modules"
    _, notes = ratios(cell, "import os\nassert os.listdir() == ['printed.txt'] or '.ipython' in os.listdir()")
    assert notes == []


@pytest.mark.parametrize("forged", ["b'not a message'", 'b\'{"kind": "value"}\'', "b''"])
def test_forged_answers_are_wrong_answers_and_no_fault_of_the_grader(forged):
    outcomes, _ = ratios(f"from autograder.judging import calls\ncalls.answer = lambda *_: {forged}")
    assert all("could not be read" in outcome.failure.mistake for outcome in outcomes.values())


class Late:
    """A process whose answer to the first question comes after a while, and which says how busy it is."""

    def __init__(self, seconds: float, wants: bool):
        ours, theirs = socket.socketpair()
        self.talk, self.printed = SocketTalk(ours), io.BytesIO()
        self._stream, self._seconds, self._wants = theirs.makefile("rwb"), seconds, wants
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self):
        write_message(self._stream, 0, b"ready")
        number, question = read_message(self._stream)
        time.sleep(self._seconds)
        with contextlib.suppress(OSError):  # nobody waited
            write_message(self._stream, number, question)

    def busy(self):
        return 0.0, self._wants

    def how(self):
        return ""

    def end(self):
        pass


def test_who_waits_for_the_processor_has_more_time_and_who_sleeps_has_not():
    waiting, sleeping, endless = (Worker(Late(*how), 5) for how in ((1.5, True), (1.5, False), (60, True)))
    assert waiting.ask(b"question", 0.5) == b"question"
    assert 0.5 < waiting.granted < 3
    for worker in (sleeping, endless):
        with pytest.raises(WorkerLost, match="no answer within 0.5 seconds"):
            worker.ask(b"question", 0.5)
    for worker in (waiting, sleeping, endless):
        worker.end()


@pytest.mark.parametrize("over", ["socket", "streams"])
def test_questions_and_replies_of_any_length_take_turns(over):
    ours, theirs = socket.socketpair()
    talk = SocketTalk(ours) if over == "socket" else StreamTalk(ours.makefile("rb"), ours.makefile("wb"))
    stream = theirs.makefile("rwb")

    def answer():
        write_message(stream, 0, b"ready")
        for _ in range(4):
            number, question = read_message(stream)
            write_message(stream, number, question[::-1])
        write_message(stream, number, b"said before it was asked")

    threading.Thread(target=answer, daemon=True).start()
    assert talk.reply(5) == b"ready"
    with pytest.raises(TimeoutError):
        talk.reply(0.05)
    for question in (b"", b"one", bytes(range(256)) * 2**14, b"last"):  # 4 MiB do not fit into a socket's buffer
        talk.ask(question)
        assert talk.reply(20) == question[::-1]
    talk.ask(b"")
    with pytest.raises(plain.Garbage, match="without its question"):
        talk.reply(5)
    talk.end()


def test_a_message_that_announces_too_much_is_refused_before_it_comes():
    ours, theirs = socket.socketpair()
    theirs.sendall(HEAD.pack(plain.LIMIT + 1, 0))
    with pytest.raises(plain.Garbage, match="bytes, of which"):
        SocketTalk(ours).reply(5)


@pytest.mark.parametrize("large", ["tp ** 64 // (tp + fn or 1)", "-2 ** 63 - 1", "[2 ** 70]", "(1, 2 ** 1023)"])
def test_a_number_beyond_64_bits_is_wrong_and_no_more(large):
    """NumPy has no room for it: in a check it would raise, and the notebook would have no score."""
    big = f"def recall(tp, fn):\n    return {large}"
    outcomes, _ = ratios(PRECISION, big, SPECIFICITY)
    assert [outcomes[name].passed for name in ("precision", "recall", "specificity")] == [True, False, True]
    failure = outcomes["recall"].failure
    assert "bits, of which 63 may be sent" in failure.came


@pytest.mark.parametrize("deep", ["f = " + "lambda: " * depth + "0" for depth in (300, 600, 900)])
def test_functions_hundreds_deep_in_functions_stop_no_grading(deep):
    """Python runs them; what reads them, to see which names they use, must not end for want of stack."""
    names_of.cache_clear()
    cells = [CodeCell("recall", RECALL), CodeCell("cell 2", deep), CodeCell("precision", PRECISION)]
    outcomes = {o.function: o for o in judge(cells, EXERCISE, hidden=True, seed=1, limits=SHORT).outcomes}
    assert outcomes["recall"].passed
    assert outcomes["precision"].passed


def test_a_notebook_of_200_000_cells_is_looked_through_once():
    cells = [CodeCell(f"cell {place}", "") for place in range(200_000)]
    start = time.monotonic()
    assert duplicates([*cells, CodeCell("recall", RECALL), CodeCell("recall", RECALL)]) == ["recall"]
    assert time.monotonic() - start < 5


LONG = """
def f():
    raise type("E" * 2000, (Exception,), {})("m" * 5000)
exec(compile("def " + "g" * 2000 + "(): f()", "<string>", "exec"))
g = globals()["g" * 2000]
"""


def test_what_is_said_of_cells_that_stop_is_bounded():
    """Thousands of cells with long names in what they raise made reports of 25 MB each."""
    recall = "def recall(tp, fn): g()"
    outcomes, notes = ratios(LONG, *["g()"] * 100, PRECISION, recall)
    assert outcomes["precision"].passed
    assert len(notes) == 21
    assert notes[-1] == "80 more cells stopped or had to be left out."
    assert notes[0].startswith("cell 2 stopped with EEE")
    assert max(map(len, notes)) <= 600
    assert len(outcomes["recall"].failure.text()) < 6000


SPELLED = """
def recall(tp, fn):
    if tp > 6:
        words = "a is the of and to in that for not".split()
        raise type(" ".join(words[int(digit)] for digit in f"{tp}{fn}"), (Exception,), {})
    return tp / (tp + fn) if tp + fn else 0.0
def specificity(tn, fp):
    if tn > 6:
        raise type("precision" if tn % 2 else "recall", (Exception,), {})
    return tn / (tn + fp) if tn + fp else 0.0
"""


def test_the_name_of_an_exception_spells_out_no_hidden_input():
    """A made name can consist of the course's own words, ten of which are enough for digits."""
    outcomes, _ = ratios(SPELLED, PRECISION)
    for name in ("recall", "specificity"):
        (said,) = [text for label, text in outcomes[name].failure.rows() if label == "likely"]
        assert said == "Valid input was refused: check the condition in front of your `raise`."
    assert outcomes["recall"].failure.came == "unnamed"
    assert outcomes["specificity"].failure.came in ("precision", "recall"), "for the instructor"


def test_a_forged_answer_says_no_more_than_an_honest_one():
    forged = {
        "kind": "raised",
        "type": "E" * 9000,
        "bases": ["E" * 9000] * 100,
        "lines": ["line 1"] + ["x" * 9000] * 99,
    }
    answer = calls.read(plain.dumps(forged | {"message": "m" * 9000}))
    assert (len(answer.type), len(answer.message), max(map(len, answer.bases))) == (100, 2000, 100)
    assert [len(line) for line in answer.lines] == [300] * 5


CHILDREN = """
import os, time
while True:
    if os.fork() == 0:
        start = time.process_time()
        while time.process_time() < start + 0.1: pass
        os._exit(0)
    os.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
def test_the_time_of_children_that_have_ended_counts():
    """Who has one child after the other work would seem to be kept from the processor, and have five times as long."""
    with subprocess.Popen([sys.executable, "-c", CHILDREN]) as process:
        until = time.monotonic() + 60
        while (seconds := processor_time(process.pid)[0]) < 0.5 and time.monotonic() < until:
            time.sleep(0.1)
        process.kill()
    assert seconds >= 0.5
