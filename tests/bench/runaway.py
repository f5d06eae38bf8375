"""Group 6: submissions that take all they can get: time, processor, memory, disk, output. They cost themselves only."""

from bench import MARK, Draft, case

LOOP = "look for an endless loop"


@case(lost=("recall",), says=(LOOP,))
def endless_loop(draft: Draft):
    """A loop that never ends."""
    draft.inside("recall", "while True:\n    pass")


@case(lost=("recall",), says=(LOOP,))
def endless_loop_that_catches_everything(draft: Draft):
    """A loop that catches every exception and every signal that can be caught."""
    draft.above(
        "recall",
        """
        import signal
        for number in signal.valid_signals():
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        """,
    )
    draft.inside(
        "recall",
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        continue",
    )


@case(says=("It is left out",))
def endless_cell(draft: Draft):
    """A cell of its own that never ends."""
    draft.last("while True:\n    pass")


@case(lost=("recall",), says=("`input()` cannot be answered here",))
def asks_for_input(draft: Draft):
    """Waits for somebody to type something."""
    draft.inside("recall", "input('tp? ')")


@case(lost=("recall",), says=(LOOP,))
def deadlock(draft: Draft):
    """Waits for a lock that it holds itself."""
    draft.inside("recall", "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()")


@case(lost=("recall",))
def stops_itself(draft: Draft):
    """Sends itself SIGSTOP, and stops all of its children."""
    draft.inside(
        "recall",
        "import os, signal\npid = os.fork()\nos.kill(pid or os.getpid(), signal.SIGSTOP)\nos.waitpid(pid, 0)",
    )


@case(lost=("recall",), says=(LOOP,))
def sleeps(draft: Draft):
    """Sleeps for a day."""
    draft.inside("recall", "import time\ntime.sleep(86_400)")


@case(lost=("recall",), says=("MemoryError",))
def hundred_gigabytes(draft: Draft):
    """Asks for 100 GB at once."""
    draft.inside("recall", "np.ones(100 * 2**27)")


@case(lost=("recall",))
def memory_bit_by_bit(draft: Draft):
    """Takes memory bit by bit, in several processes, and touches all of it."""
    draft.inside(
        "recall",
        "import os\nfor _ in range(3):\n    os.fork()\nhoard = []\nwhile True:\n    hoard.append(bytearray(2**26))",
    )


@case(lost=("recall",))
def memory_without_a_process(draft: Draft):
    """Takes memory that belongs to no process: files in memory and System V segments."""
    draft.inside(
        "recall",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        kept = 0
        for place in range(200):
            segment = libc.shmget(0, 2**26, 0o1600)
            if segment >= 0:
                address = libc.shmat(segment, None, 0)
                ctypes.memset(address, 1, 2**26)
                libc.shmdt(ctypes.c_void_p(address))
                kept += 1
            try:
                descriptor = os.memfd_create("hoard")
                os.write(descriptor, b"x" * 2**25)
                kept += 1
            except OSError:
                pass
        if kept:
            return 1 / 0
        raise PermissionError("no memory outside of processes")
        """,
    )


@case(lost=("recall",))
def fork_bomb(draft: Draft):
    """Every process makes two more."""
    draft.inside("recall", "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass")


@case(lost=("recall",))
def threads_without_end(draft: Draft):
    """Ten thousand threads, each in a loop."""
    draft.inside(
        "recall",
        """
        import threading
        def spin():
            while True:
                pass
        for _ in range(10_000):
            threading.Thread(target=spin).start()
        """,
    )


@case()
def detached_daemon(draft: Draft):
    """Leaves a process behind that has cut all ties, and is right otherwise."""
    draft.first(
        f"""
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                import ctypes
                ctypes.CDLL(None).prctl(15, b"{MARK[:15]}", 0, 0, 0)
                while True:
                    time.sleep(1)
                    open("/tmp/{MARK}-daemon", "w").close()
            os._exit(0)
        """
    )


@case(lost=("recall",), says=("Errno 27",))
def gigabyte_of_output(draft: Draft):
    """Prints a gigabyte, in lines."""
    draft.inside("recall", "for _ in range(10**6):\n    print('x' * 1000)")


@case(lost=("recall",), says=("Errno 27",))
def output_of_one_line(draft: Draft):
    """Prints 200 MB without the end of a line."""
    draft.inside("recall", "import sys\nfor _ in range(200):\n    sys.stdout.write('x' * 2**20)")


@case()
def output_of_html(draft: Draft):
    """Shows 20 MB of HTML, JavaScript in it, and is right."""
    draft.first("from IPython.display import HTML, display\ndisplay(HTML('<script>while(1);</script>' * 10**6))")


@case(lost=("recall", "precision"), says=("may be sent",))
def huge_results(draft: Draft):
    """Gives back a text of 1 GB, and an array of as much."""
    draft.inside("recall", "return 'x' * 10**9")
    draft.inside("precision", "return np.zeros(2**27)")


@case(lost=("recall", "roc_auc"), says=("may be sent", LOOP))
def results_of_many_items(draft: Draft):
    """Gives back ten million empty lists, and a list that holds itself twice over, thirty deep."""
    draft.inside("recall", "return [[]] * 10**7")
    draft.inside("roc_auc", "value = []\nfor _ in range(30):\n    value = [value, value]\nreturn value")


@case(lost=("recall",), says=("a dict of 5000 keys",))
def results_that_collide(draft: Draft):
    """Gives back a dict of keys that all have the same hash, which takes long to read."""
    draft.inside("recall", "return {key * (2**61 - 1): 0 for key in range(5000)}")


@case(lost=("recall",))
def answer_in_drops(draft: Draft):
    """Forges an answer of which one byte comes each second."""
    draft.inside(
        "recall",
        """
        import os, struct, time
        for descriptor in [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2]:
            try:
                os.write(descriptor, struct.pack("<QQ", 1000, 0))
            except OSError:
                continue
        while True:
            time.sleep(0.5)
            for descriptor in range(3, 10):
                try:
                    os.write(descriptor, b"[")
                except OSError:
                    pass
        """,
    )


@case(lost=("recall",), says=("Errno 28",))
def disk_filled(draft: Draft):
    """Fills the disk, file after file."""
    draft.inside(
        "recall",
        f"for place in range(10**6):\n    open(f'{MARK}-{{place}}', 'wb').write(b'x' * 2**24)",
    )


@case(lost=("recall",), says=("Errno 28",))
def files_without_end(draft: Draft):
    """A million empty files."""
    draft.inside("recall", f"for place in range(10**6):\n    open(f'{MARK}-{{place}}', 'w').close()")


@case(lost=("recall",), says=("calls itself without an end",))
def recursion(draft: Draft):
    """Calls itself without an end."""
    draft.inside("recall", "return recall(tp, fn)")


@case(lost=("recall",), says=(LOOP,))
def exception_that_never_ends(draft: Draft):
    """Raises an exception whose text never comes to an end."""
    draft.above(
        "recall",
        """
        class Endless(Exception):
            def __str__(self):
                while True:
                    pass
            __repr__ = __str__
        """,
    )
    draft.inside("recall", "raise Endless")


@case(written=("precision",), earned=("precision",))
def source_that_is_hard_to_read(draft: Draft):
    """Cells on which a reader of Python can choke: nested brackets, long sums, long numbers, signs, comparisons."""
    draft.last("(" * 5000 + ")" * 5000)
    draft.last("x = " + "+".join(["1"] * 20_000))
    draft.last("x = " + "-" * 30_000 + "1")
    draft.last("x = " + "1" * 20_000)
    draft.last("x = a" + ".b" * 20_000)
    draft.last("def f():\n" + "".join(f"{' ' * depth}if 1:\n" for depth in range(1, 99)) + " " * 99 + "pass")


@case(written=("precision",), earned=("precision",))
def cell_of_megabytes(draft: Draft):
    """A cell of 3 MB."""
    draft.last("x = [\n" + "    'a fairly long line of text, of which there are many',\n" * 60_000 + "]")


@case(exercise="03-transfer-head", lost=("build_head", "preprocess"), says=(LOOP,))
def keras_layer_that_never_ends(draft: Draft):
    """A layer that never answers, and a function that sleeps."""
    draft.write(
        "build_head",
        """
        class Stall(keras.layers.Layer):
            def call(self, features):
                while True:
                    pass

        def build_head(feature_shape, hidden=128, dropout=0.2, l2=1e-4):
            return keras.Sequential([keras.layers.Input(feature_shape), Stall()])
        """,
    )
    draft.inside("preprocess", "import time\ntime.sleep(1000)")
