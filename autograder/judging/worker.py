"""The worker: the process that a learner's code lives in. It holds no checks and no expected values.

    python -I -m autograder.judging.worker

It reads questions on stdin and answers on stdout, one at a time, each a message of `autograder.judging.plain` behind
its length and the question's number: "run this cell", "call this function". Before any learner's code runs, both
streams move to descriptors of the worker's own, so that whatever the code prints goes where stderr goes, to a file of
the judge's, and not among the answers.
"""

import gc
import math
import os
import struct
import sys
from typing import BinaryIO

import numpy as np

import autograder
from autograder.judging import calls, plain

HEAD = struct.Struct("<QQ")  # length, number
# Objects between two looks for garbage. Python's 700 are for processes that last; most workers are gone in a second.
GARBAGE = 50_000
FILE_LIMIT = 64 * 2**20  # bytes of any file that it may write
# What a notebook's kernel has beside IPython's own magics; here there is no page to clear and nothing to save.
KERNEL_MAGICS = ("autosave", "clear", "connect_info", "edit", "less", "man", "more", "qtconsole", "store", "subshell")

_shell = None


def write_message(stream: BinaryIO, number: int, message: bytes) -> None:
    """Write one message: a question with a number that nobody can foresee, or the answer to that question."""
    stream.write(HEAD.pack(len(message), number) + message)
    stream.flush()


def read_message(stream: BinaryIO) -> tuple[int, bytes]:
    """Read one message, (number, message). Raises EOFError at the end of the stream, plain.Garbage for a long one."""
    length, number = HEAD.unpack(_read_exactly(stream, HEAD.size))
    if length > plain.LIMIT:
        raise plain.Garbage(f"a message of {length} bytes, of which {plain.LIMIT} are allowed")
    return number, _read_exactly(stream, length)


def prepare() -> None:
    """Make the shell that cells run in. `main` does it where it was not done before a fork."""
    global _shell
    if _shell is None:
        _shell = _new_shell()


def main() -> None:
    """Answer questions until the judge closes the stream."""
    questions, answers = _take_over_streams()
    _limit_files()
    prepare()
    gc.set_threshold(GARBAGE)
    sys.path.append(os.getcwd())  # last: a file that a cell writes can be imported, and can hide nothing
    # After a fork, NumPy's old generator would draw the same for everyone; Python's sees to that by itself.
    np.random.seed()  # noqa: NPY002
    # A check that a learner calls has nothing to run here, and nothing to say.
    autograder.check = lambda *_, **__: None
    write_message(answers, 0, plain.dumps({"ready": True}))
    while True:
        try:
            number, message = read_message(questions)
        except EOFError:
            return
        question = plain.loads(message, items=math.inf)
        if "keras" in question:
            from autograder.judging import keras_answers  # here, so that TensorFlow is imported only where it is needed

            keras_answers.run_operations_directly()
        reply = _run_cell(_shell, question["cell"]) if "cell" in question else calls.answer(_shell.user_ns, question)
        write_message(answers, number, reply)


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _take_over_streams() -> tuple[BinaryIO, BinaryIO]:
    """Move the judge's streams to descriptors of our own, which no child process inherits.

    In their place there is nothing to read, and what is written joins stderr.
    """
    questions = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # what was printed last is known, also of a process that was ended
    return questions, answers


def _limit_files() -> None:
    try:
        import resource
    except ModuleNotFoundError:  # not on Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = FILE_LIMIT if most == resource.RLIM_INFINITY else min(FILE_LIMIT, most)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _new_shell():
    """An IPython shell as a notebook's kernel has it (magics, `!` commands), without history or start-up files.

    The magics that only a kernel has are there, and do nothing: a cell that begins with one goes on.
    """
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        def enable_gui(self, gui=None):
            """`%matplotlib inline` asks for this; there is no window here to enable."""

        def showtraceback(self, *_, **__):
            """Nobody reads it, and that of an endless recursion takes IPython many seconds."""

        def showsyntaxerror(self, *_, **__):
            """Nor this."""

        def ask_exit(self):
            """`exit` in a cell: a kernel would end; here the cell ends and the others still run."""
            raise SystemExit("exit")

    config = Config()
    config.HistoryAccessor.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = Shell.instance(config=config)
    for name in KERNEL_MAGICS:
        shell.register_magic_function(lambda line: None, "line", name)
    return shell


def _run_cell(shell, source: str) -> bytes:
    """Run a cell; the answer is None, or how it ended."""
    result = shell.run_cell(source, store_history=False)
    error = result.error_before_exec or result.error_in_exec
    return calls.raised(error) if error else plain.dumps({"kind": "value", "value": None})


if __name__ == "__main__":
    main()
