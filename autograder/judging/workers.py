"""Worker processes as the judge holds them: begun in a sandbox, asked, ended, and how they ended.

Here alone are processes started that a learner's code runs in. `start` gives a `Worker` in the sandbox of a name
(`autograder.judging.sandbox`): forked from a warm process where the sandbox is bubblewrap, begun anew elsewhere.
"""

import contextlib
import json
import os
import queue
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, Protocol

from autograder.judging import plain, sandbox
from autograder.judging.processes import processor_time
from autograder.judging.worker import HEAD, read_message, write_message
from pneumonia.settings import CourseError

FORKER_SECONDS = 30  # that a forker may take for one request; it needs milliseconds
SHOWN = 300  # bytes of what was printed last
PATIENCE = 5  # times its seconds that a worker has which others keep from the processor
WINDOW, SHARE = 0.5, 0.25  # seconds that are looked at; kept from it is who wants it and has less than this share


class WorkerLost(Exception):
    """The worker ended, stalled, or broke the rules; the message says which, from the learner's side."""


class Process(Protocol):
    """A process that a worker runs in."""

    talk: "Talk"  # what it is asked and what it answers
    printed: BinaryIO  # the file that it prints to

    def how(self) -> str:
        """How it ended, ` with exit status 1` for instance; empty where it has not, or nobody knows."""

    def busy(self) -> tuple[float, bool]:
        """Seconds of processor time that it has had, and whether it wants more; (0, False) where nobody knows."""

    def end(self) -> None:
        """End it and all processes that it started, at once."""


def start(held_by: str, modules: tuple[str, ...], seconds: float) -> "Worker":
    """A worker in the sandbox of that name, with `modules` imported beforehand where it is forked.

    Raises CourseError where it is not ready within `seconds`.
    """
    if held_by == "bubblewrap":
        return Worker(_forker(modules, seconds).fork(), seconds)
    return Worker(Container(held_by) if held_by in sandbox.ENGINES else Plain(), seconds)


class Worker:
    """One worker: questions and answers take turns, each within a time."""

    def __init__(self, process: Process, seconds: float):
        """Raises CourseError where the worker is not ready within `seconds`."""
        self._process = process
        self.granted = 0.0  # seconds that it was given beyond its limits, because others kept it from the processor
        try:
            self._next_reply(seconds)
        except WorkerLost as lost:
            said = self._printed() or str(lost)
            self.end()
            raise CourseError(f"The worker process does not start: {said[-500:]}") from None

    def ask(self, question: bytes, seconds: float) -> bytes:
        """Send a question and wait for the reply. Raises WorkerLost where none comes in time."""
        self._process.talk.ask(question)
        return self._next_reply(seconds)

    def end(self) -> None:
        """End the worker and whatever it started; what it wrote is gone with it."""
        self._process.talk.end()
        self._process.end()
        self._process.printed.close()

    def _next_reply(self, seconds: float) -> bytes:
        try:
            return self._reply_within(seconds)
        except TimeoutError:
            raise WorkerLost(f"There was no answer within {seconds:.3g} seconds: look for an endless loop.") from None
        except plain.Garbage as garbage:
            raise WorkerLost(f"The answer could not be read: {garbage}.") from None
        except (OSError, EOFError):
            printed = self._printed()
            last = f" (it printed last: {printed.splitlines()[-1]})" if printed else ""
            raise WorkerLost(f"The process ended{self._process.how()}{last} in the middle of this.") from None

    def _reply_within(self, seconds: float) -> bytes:
        """The reply; raises TimeoutError where none comes. Nobody loses points because a machine is busy.

        Time is the wall's, so that who sleeps is found out, but a worker that waits for its turn has `PATIENCE`.
        """
        start = time.monotonic()
        with contextlib.suppress(TimeoutError):
            return self._process.talk.reply(seconds)
        try:
            while time.monotonic() < start + PATIENCE * seconds:
                before, _ = self._process.busy()
                with contextlib.suppress(TimeoutError):
                    return self._process.talk.reply(WINDOW)
                after, wants = self._process.busy()
                if not wants or after - before >= WINDOW * SHARE:
                    break
        finally:
            self.granted += time.monotonic() - start - seconds
        raise TimeoutError

    def _printed(self) -> str:
        """The end of what the worker printed."""
        with contextlib.suppress(OSError, ValueError):
            length = self._process.printed.seek(0, os.SEEK_END)
            self._process.printed.seek(max(0, length - SHOWN))
            return self._process.printed.read(SHOWN).decode("utf-8", "replace").strip()
        return ""


class Talk(Protocol):
    """Questions to a worker and its replies, which take turns. A first reply, to no question, says that it is ready.

    Only a reply that bears its question's number is one: what was written ahead of the question does not.
    """

    def ask(self, question: bytes) -> None:
        """Send a question; it may still be under way when this returns."""

    def reply(self, seconds: float) -> bytes:
        """The reply. Raises TimeoutError where it has not come yet, and may be asked for again.

        Raises plain.Garbage where what came is none, EOFError or OSError where nothing comes any more.
        """

    def end(self) -> None:
        """Let go of it."""


class StreamTalk:
    """Over two streams, on any system.

    Reading and writing stand in a thread that may be left behind: a process that the learner's code started can hold a
    stream open for ever.
    """

    def __init__(self, reader: BinaryIO, writer: BinaryIO):
        self._reader, self._writer = reader, writer
        self._questions: queue.SimpleQueue = queue.SimpleQueue()
        self._replies: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self._talk, daemon=True).start()

    def ask(self, question: bytes) -> None:
        self._questions.put(question)

    def reply(self, seconds: float) -> bytes:
        try:
            reply = self._replies.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(reply, Exception):
            raise reply
        return reply

    def end(self) -> None:
        self._questions.put(None)

    def _talk(self) -> None:
        number = 0
        try:
            while True:
                self._replies.put(_numbered(read_message(self._reader), number))
                question = self._questions.get()
                if question is None:
                    return
                number = secrets.randbits(64)
                write_message(self._writer, number, question)
        except (OSError, EOFError, ValueError) as error:
            self._replies.put(error)
        finally:
            with contextlib.suppress(OSError):
                self._writer.close()
            self._reader.close()


class SocketTalk:
    """Over a socket, without a thread: to hand each of a hundred questions to one would take as long as to ask them."""

    def __init__(self, stream: socket.socket):
        stream.setblocking(False)
        self._socket, self._number = stream, 0
        self._out, self._in = memoryview(b""), bytearray()

    def ask(self, question: bytes) -> None:
        self._number = secrets.randbits(64)
        self._out = memoryview(HEAD.pack(len(question), self._number) + question)

    def reply(self, seconds: float) -> bytes:
        end = time.monotonic() + seconds
        while (message := self._message()) is None:
            waits_for = select.POLLIN | (select.POLLOUT if self._out else 0)
            poll = select.poll()  # not select.select, which takes no descriptor above 1023
            poll.register(self._socket, waits_for)
            if not poll.poll(max(0, end - time.monotonic()) * 1000):
                raise TimeoutError
            with contextlib.suppress(BlockingIOError):
                self._out = self._out[self._socket.send(self._out) :] if self._out else self._out
            with contextlib.suppress(BlockingIOError):
                if not (data := self._socket.recv(2**20)):
                    raise EOFError
                self._in += data
        return _numbered(message, self._number)

    def end(self) -> None:
        self._socket.close()

    def _message(self) -> tuple[int, bytes] | None:
        """The number and the content of a message that has come; None while it has not."""
        if len(self._in) < HEAD.size:
            return None
        length, number = HEAD.unpack_from(self._in)
        if length > plain.LIMIT:
            raise plain.Garbage(f"a message of {length} bytes, of which {plain.LIMIT} are allowed")
        if len(self._in) < HEAD.size + length:
            return None
        message = bytes(self._in[HEAD.size : HEAD.size + length])
        del self._in[: HEAD.size + length]
        return number, message


def _numbered(message: tuple[int, bytes], number: int) -> bytes:
    """The content of a message. Raises plain.Garbage where it does not bear this number."""
    replied, reply = message
    if replied != number:
        raise plain.Garbage("it came without its question, as a forged one does")
    return reply


class Plain:
    """A process of this user, with this user's files and network, in a folder of its own: no sandbox."""

    def __init__(self):
        self.printed = _file()
        self._folder = Path(tempfile.mkdtemp(prefix="course-worker-"))
        command = [sys.executable, "-I", "-m", "autograder.judging.worker"]
        environment = sandbox.environment(str(self._folder))
        self._popen = _popen(command, self.printed, cwd=self._folder, env=environment)
        self.talk = StreamTalk(self._popen.stdout, self._popen.stdin)

    def how(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return _ended(self._popen.wait(timeout=1))
        return ""

    def busy(self) -> tuple[float, bool]:
        return processor_time(self._popen.pid)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._popen.pid, signal.SIGKILL)
            else:
                self._popen.kill()
        self._popen.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class Container:
    """A container of Docker's or Podman's, with one worker in it."""

    def __init__(self, engine: str):
        self.printed = _file()
        self._engine, self._name = engine, f"course-{uuid.uuid4().hex}"
        command = sandbox.container(engine, ["-I", "-m", "autograder.judging.worker"], self._name)
        # Podman leaves a file, `oom`, in the folder that it is called in where a container took too much memory.
        self._popen = _popen(command, self.printed, cwd=tempfile.gettempdir())
        self.talk = StreamTalk(self._popen.stdout, self._popen.stdin)

    def how(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return _ended(_as_python_counts(self._popen.wait(timeout=5)))
        return ""

    def busy(self) -> tuple[float, bool]:
        return 0.0, False

    def end(self) -> None:
        # The engine's client is no parent of the container: killing it would leave the container running.
        subprocess.run([self._engine, "rm", "--force", self._name], capture_output=True)
        self._popen.kill()
        self._popen.wait()


class Forked:
    """A process that the forker forked; all processes of its namespace end with it."""

    def __init__(self, forker: "Seat", stream: socket.socket, printed: BinaryIO):
        self._forker, self.printed, self.talk = forker, printed, SocketTalk(stream)

    def how(self) -> str:
        try:
            how = self._forker.ask({"do": "how"})
        except CourseError:
            return ""
        if "memory" in how:
            return f", having taken more than the {how['memory'] / 2**30:.3g} GiB of memory that it may,"
        if "files" in how:
            return f", having opened more than the {how['files']} files that it may,"
        return _ended(how["status"]) if "status" in how else ""

    def busy(self) -> tuple[float, bool]:
        with contextlib.suppress(CourseError):
            busy = self._forker.ask({"do": "busy"})
            return busy["seconds"], busy["wants"]
        return 0.0, False

    def end(self) -> None:
        with contextlib.suppress(CourseError):  # a forker that is gone has taken its children with it
            self._forker.ask({"do": "end"})


class Seat:
    """A judge's place at `autograder.judging.forker`, a warm process in a bubblewrap sandbox."""

    def __init__(self, modules: tuple[str, ...], connection: socket.socket):
        self.modules = modules  # that the forker has imported
        self.stocked: Counter[str] = Counter()  # configurations of Keras models that it has ready
        self._socket = connection

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._socket.fileno() >= 0

    def fork(self) -> Forked:
        """A new child, in place of the last one. Raises CourseError where the forker is gone."""
        from autograder.judging.confinement import Allowance

        ours, theirs = socket.socketpair()
        printed = _file()
        with theirs:
            self.ask({"do": "fork", "allowance": asdict(Allowance())}, [theirs.fileno(), printed.fileno()])
        return Forked(self, ours, printed)

    def join(self) -> "Seat":
        """A place for one more judge at the same forker. Raises CourseError where it is gone."""
        ours, theirs = _sockets()
        with theirs:
            self.ask({"do": "join"}, [theirs.fileno()])
        return Seat(self.modules, ours)

    def stock(self, models: Counter[str]) -> None:
        """Have it make the models of these configurations beforehand, as many as it has not made yet."""
        for config in models - self.stocked:
            self.ask({"do": "stock", "config": config, "count": models[config]})
        self.stocked |= models

    def ask(self, request: dict, descriptors: list[int] | None = None) -> dict:
        """Send a request and wait for the reply. Raises CourseError, and leaves the place, where none comes."""
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], descriptors or [])
        except OSError as error:
            self.end()
            raise CourseError(f"The sandbox is gone: {error}") from None
        return self._receive(FORKER_SECONDS)

    def end(self) -> None:
        """Leave the place; the forker ends what it forked for it."""
        self._socket.close()

    def _receive(self, seconds: float) -> dict:
        self._socket.settimeout(seconds)
        try:
            message = self._socket.recv(2**16)
        except OSError as error:
            message, why = b"", str(error)
        else:
            why = "it ended"
        if not message:
            self.end()
            raise CourseError(f"The sandbox does not answer: {why}.")
        return json.loads(message)


class Forker(Seat):
    """The forker itself, and the first place at it."""

    def __init__(self, modules: tuple[str, ...]):
        """Begin it; it can be asked when it is `ready`."""
        ours, theirs = _sockets()
        super().__init__(modules, ours)
        self._is_ready = False
        uid = sandbox.learners_uid()
        program = [sys.executable, "-I", "-m", "autograder.judging.forker"]
        program += [str(theirs.fileno()), str(uid or "-"), *modules]
        self._said = _file()
        self._popen = subprocess.Popen(
            [*sandbox.bubblewrap(), "--", *program],
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def ready(self, seconds: float) -> "Forker":
        """Wait until it is ready. Raises CourseError where it is not within `seconds`."""
        if self._is_ready:
            return self
        try:
            self._is_ready = bool(self._receive(seconds))
        except CourseError as error:
            self._said.seek(0)
            said = self._said.read().decode("utf-8", "replace").strip()
            raise CourseError(f"The sandbox does not start: {said[-500:] or error}") from None
        return self

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return super().alive and self._popen.poll() is None

    def end(self) -> None:
        """End it and all that it forked, for whomever."""
        self._popen.kill()  # bubblewrap ends what it holds with itself
        self._popen.wait()
        super().end()


_warm: Seat | None = None


def _forker(modules: tuple[str, ...], seconds: float) -> Seat:
    """This process's place at a forker, a new one where that is gone or has imported other modules."""
    if _warm is None or not _warm.alive or _warm.modules != modules:
        take(Forker(modules).ready(seconds))
    return _warm


def take(seat: Seat) -> None:
    """Make a place at a forker this process's own, instead of what it had."""
    global _warm
    close()
    _warm = seat


def stock(models: Counter[str]) -> None:
    """Have this process's forker, if there is one, make Keras models of these configurations beforehand."""
    if _warm is not None and _warm.alive:
        _warm.stock(models)


def close() -> None:
    """End this process's forker, if there is one."""
    global _warm
    if _warm is not None:
        _warm.end()
        _warm = None


def _sockets() -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection that keeps messages apart."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def _file() -> BinaryIO:
    """A file without a name, gone when it is closed."""
    return tempfile.TemporaryFile()  # noqa: SIM115  it stays open as long as the process that prints to it


def _popen(command: list[str], printed: BinaryIO, **settings) -> subprocess.Popen:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=printed,
        start_new_session=True,  # a process group of its own, ended as a whole
        **settings,
    )


def _as_python_counts(status: int) -> int:
    """An engine's exit status, 137 for signal 9 as shells have it, as Python has it; 255 is an exit status."""
    return 128 - status if status - 128 in signal.valid_signals() else status


def _ended(status: int) -> str:
    return f" with exit status {status}" if status >= 0 else f" by signal {-status} ({signal.strsignal(-status)})"
