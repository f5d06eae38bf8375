"""The forker: a process inside the sandbox that has imported what learners import, and forks for each submission.

    python -I -m autograder.judging.forker DESCRIPTOR UID MODULE...

TensorFlow takes seconds to import and a forked process has it at once. The forker itself never runs a learner's code,
and never an operation of TensorFlow's, whose threads would be missing in a child. On DESCRIPTOR, a socket that keeps
messages apart, a judge asks it: "fork", with the stream that the child is to answer on and the file that it prints to;
"how did it end?"; "how busy is it?"; "end it". More judges may "join", each on a socket of its own; each has one child
at a time. In between the forker watches how much memory the processes of each child take.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from autograder.judging.confinement import Allowance, confine, fork_apart
from autograder.judging.processes import processor_time

INTERVAL = 0.05  # seconds between two looks at the memory
PATIENCE = 1.0  # seconds that a child is given to end by itself when it is asked how it ended
MESSAGE = 2**17  # bytes; the configuration of VGG16 has 20,000


class Seat:
    """What one judge asks for, answered one at a time. `seats`: those of all judges, `uid`: its children's user."""

    def __init__(self, seats: list["Seat"], judge: socket.socket, uid: int | None):
        self.seats, self.judge, self.uid = seats, judge, uid
        self.child: int | None = None  # its pid, while it runs
        self.how: dict = {}  # how the last child ended
        self.allowance = Allowance()

    def answer(self) -> bool:
        """Answer one request; False where the judge is gone."""
        try:
            message, descriptors, _, _ = socket.recv_fds(self.judge, MESSAGE, 2)
            if not message:
                return False
            request = json.loads(message)
            self.judge.send(json.dumps(getattr(self, f"do_{request.pop('do')}")(*descriptors, **request)).encode())
        except ConnectionError:
            return False
        return True

    def do_join(self, judge: int) -> dict:
        """Take another judge in, on a socket of its own."""
        uid = None if self.uid is None else self.uid + len(self.seats)
        self.seats.append(Seat(self.seats, socket.socket(fileno=judge), uid))
        return {}

    def do_fork(self, stream: int, printed: int, allowance: dict) -> dict:
        """Fork a child that answers on `stream`; both descriptors are the child's from then on."""
        self.do_end()
        self.allowance = Allowance(**allowance)
        self.how = {}
        pid = fork_apart()
        if pid == 0:
            self._be_child(stream, printed)
        os.close(stream)
        os.close(printed)
        self.child = pid
        return {"pid": pid}

    def do_stock(self, config: str, count: int) -> dict:
        """Have so many Keras models of a configuration ready for each child to come."""
        from autograder.judging.keras_answers import put_in_stock

        put_in_stock(config, count)
        gc.freeze()
        return {}

    def do_how(self) -> dict:
        """How the child ended: `status` as os.waitstatus_to_exitcode gives it; `memory`, `files`: more than it may."""
        until = time.monotonic() + PATIENCE
        while self.child and time.monotonic() < until:
            if not self._reap(os.WNOHANG):
                time.sleep(0.01)
        return self.how

    def do_busy(self) -> dict:
        """How many seconds of processor time the child's processes have had, and whether one of them wants more."""
        used, wanting = 0.0, False
        for pid in _tree(self.child) if self.child else []:
            seconds, runnable = processor_time(pid)
            used, wanting = used + seconds, wanting or runnable
        return {"seconds": used, "wants": wanting}

    def do_end(self) -> dict:
        """End the child and, with it, all processes of its namespace."""
        if self.child:
            os.kill(self.child, signal.SIGKILL)
            self._reap(0)
        return self.how

    def watch(self) -> None:
        """Note it where the child has ended; end it where it takes too much memory."""
        if self._reap(os.WNOHANG):
            return
        if takes_more_than(self.allowance.memory, self.child):
            self.do_end()
            self.how = {"memory": self.allowance.memory}
        elif sum(map(_open_files, _tree(self.child))) > self.allowance.open_files_in_all:
            self.do_end()
            self.how = {"files": self.allowance.open_files_in_all}

    def _reap(self, options: int) -> bool:
        pid, status = os.waitpid(self.child, options)
        if not pid:
            return False
        self.child, self.how = None, {"status": os.waitstatus_to_exitcode(status)}
        return True

    def _be_child(self, stream: int, printed: int) -> None:
        """Become the worker. Never returns: a step that fails ends the process, and the judge is told nothing came."""
        try:
            os.dup2(stream, 0)
            os.dup2(stream, 1)
            os.dup2(printed, 2)
            os.closerange(3, 10_000)
            os.setsid()
            confine(self.allowance, self.uid)
            os.environ["HOME"] = os.environ["TMPDIR"] = "/tmp"
            os.chdir("/tmp")
            from autograder.judging import worker

            worker.main()
            status = 0
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
            status = 1
        os._exit(status)


def serve(first: socket.socket, uid: int | None) -> None:
    """Answer all judges until the first one is gone."""
    seats: list[Seat] = []
    seats.append(Seat(seats, first, uid))
    pause, watched = INTERVAL, 0.0
    while True:
        busy = [seat for seat in seats if seat.child]
        ready, _, _ = select.select([seat.judge for seat in seats], [], [], pause if busy else None)
        for seat in [seat for seat in seats if seat.judge in ready]:
            if not seat.answer():
                if seat.judge is first:
                    return
                seat.do_end()
                seats.remove(seat)
                seat.judge.close()
        start = time.monotonic()
        if start >= watched + pause:
            for seat in seats:
                if seat.child:
                    seat.watch()
            watched = time.monotonic()
            # A look at hundreds of processes takes long, and what a judge asks must not wait for many of them.
            pause = max(INTERVAL, 10 * (watched - start))


def takes_more_than(most: int, pid: int) -> bool:
    """Whether a process and its descendants take more than `most` bytes of memory.

    Pages that they share, as after a fork, are counted for each at first; a closer look, which takes longer, divides
    them among their users.
    """
    tree = _tree(pid)
    return sum(map(_resident, tree)) > most and sum(map(_proportional, tree)) > most


def _tree(pid: int) -> list[int]:
    members = [pid]
    for member in members:
        with suppress(OSError, ValueError):
            for task in os.listdir(f"/proc/{member}/task"):
                members += map(int, Path(f"/proc/{member}/task/{task}/children").read_text().split())
    return members


def _places(pid: int) -> list[str]:
    """Where /proc tells of a process, its threads' places behind its own, which is empty once the first has ended."""
    with suppress(OSError):
        return [f"/proc/{pid}", *(f"/proc/{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task"))]
    return []


def _open_files(pid: int) -> int:
    """How many files a process has open; its threads share them (`system_calls`)."""
    for place in _places(pid):
        with suppress(OSError):
            if count := len(os.listdir(f"{place}/fd")):
                return count
    return 0


def _resident(pid: int) -> int:
    for place in _places(pid):
        with suppress(OSError, ValueError, IndexError):
            if pages := int(Path(f"{place}/statm").read_text().split()[1]):
                return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def _proportional(pid: int) -> int:
    """A process's share of the memory in which it lives, pages that several use divided among them."""
    for place in _places(pid):
        with suppress(OSError, ValueError):
            for line in Path(f"{place}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    return _resident(pid)


def main() -> None:
    """Import, say that it is ready, and serve."""
    descriptor, uid, *modules = sys.argv[1:]
    judge = socket.socket(fileno=int(descriptor))
    os.set_inheritable(judge.fileno(), False)
    gc.disable()  # all that an import makes stays: to look through it again and again is a fifth of TensorFlow's import
    for name in modules:
        importlib.import_module(name)
    if "autograder.judging.keras_answers" in modules:
        from autograder.judging.keras_answers import prepare_to_fork

        prepare_to_fork()
    from autograder.judging import worker

    worker.prepare()
    gc.enable()
    gc.freeze()  # what is here by now stays shared with the children
    judge.send(json.dumps({"ready": True}).encode())
    serve(judge, int(uid) if uid != "-" else None)


if __name__ == "__main__":
    main()
