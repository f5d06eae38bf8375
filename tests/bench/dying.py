"""Group 7: submissions that end the process they run in, or any other that they can reach."""

from bench import EVERY, Draft, case


@case(lost=("recall",), says=("exit status 7",))
def exits_at_once(draft: Draft):
    """`os._exit` in a function."""
    draft.inside("recall", "import os\nos._exit(7)")


@case(says=("exit status 0", "It is left out"))
def exits_at_once_in_a_cell(draft: Draft):
    """`os._exit(0)` in a cell of its own, before any function."""
    draft.first("import os\nos._exit(0)")


@case(lost=("recall", "precision"), says=("`exit()` ends the program",))
def exits(draft: Draft):
    """`sys.exit(0)` and `exit()` in functions."""
    draft.inside("recall", "import sys\nsys.exit(0)")
    draft.inside("precision", "exit()")


@case()
def exits_in_a_cell(draft: Draft):
    """`exit` and `sys.exit()` at the top of cells."""
    draft.first("exit")
    draft.first("import sys\nsys.exit(0)")


@case(lost=("recall",), says=("signal 11",))
def segfault(draft: Draft):
    """Reads from address 0."""
    draft.inside("recall", "import ctypes\nctypes.string_at(0)")


@case(lost=("recall",), says=("signal",))
def aborts(draft: Draft):
    """`os.abort()`."""
    draft.inside("recall", "import os\nos.abort()")


@case(lost=("recall",))
def stack_overflow(draft: Draft):
    """Runs out of stack below Python."""
    draft.inside("recall", "import sys\nsys.setrecursionlimit(10**9)\nf = lambda x: f(x)\neval('f(1)')\nreturn f(1)")
    draft.above("recall", "import sys, threading\nthreading.stack_size(2**16)\nf = lambda x: [f(x) for _ in [1]]")


@case(lost=("recall",))
def kills_its_parent(draft: Draft):
    """SIGKILL to the process that began it, and to that process's group."""
    draft.inside("recall", "import os\nos.kill(os.getppid(), 9)\nos.killpg(os.getpgid(os.getppid()), 9)")


@case(lost=("recall",))
def kills_itself(draft: Draft):
    """SIGKILL to itself."""
    draft.inside("recall", "import os\nos.kill(os.getpid(), 9)\nreturn None")


@case(lost=("recall",))
def kills_all(draft: Draft):
    """SIGKILL to every process that it may send one to."""
    draft.inside(
        "recall",
        """
        import os
        for pid in range(2, 70_000):
            try:
                os.kill(pid, 9)
            except OSError:
                pass
        os.kill(-1, 9)
        return None
        """,
    )


@case(lost=("recall",))
def interrupts(draft: Draft):
    """Raises KeyboardInterrupt, GeneratorExit and SystemExit, in a cell and in a function."""
    draft.first("raise KeyboardInterrupt")
    draft.first("raise GeneratorExit")
    draft.inside("recall", "raise KeyboardInterrupt")


@case(lost=("recall",))
def closes_all_descriptors(draft: Draft):
    """Closes every descriptor, that of its answers, too."""
    draft.inside("recall", "import os\nos.closerange(0, 1000)")


@case(earned=(), says=("it is given up",))
def dies_in_every_cell(draft: Draft):
    """Every solution cell ends the process."""
    for function in draft.task.functions:
        draft.above(function, "import os\nos._exit(3)")


@case(lost=("recall",))
def memory_unmapped(draft: Draft):
    """Takes its own program out of memory."""
    draft.inside(
        "recall",
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.munmap(ctypes.c_void_p(id(libc) // 4096 * 4096), 2**24)",
    )


@case(exercise="03-transfer-head", written=EVERY, lost=("freeze",), says=("exit status 4",))
def keras_exits(draft: Draft):
    """Ends the process in which TensorFlow lives, in one function."""
    draft.inside("freeze", "import os\nos._exit(4)")
