"""One call of a learner's function: the question, the answer, and what each side makes of them.

`answer` runs where the learner's code lives (the notebook itself, or the worker process). `ask` and `read` run where
the checks live. Between them are bytes of `autograder.judging.plain`, in place too, so that both ways see the same
values and an object that lies about being equal never reaches a check.
"""

import ast
import linecache
import os
import re
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from traceback import FrameSummary, extract_tb
from types import FunctionType
from typing import Any

from numpy.random import Generator

from autograder.judging import handles, plain

TEXT_LIMIT = 2000  # characters of a learner's exception message
LINES_LIMIT = 5  # lines of a learner's traceback
CALL_LIMIT = 60  # characters of the call that an exception came from
CALL = re.compile(rf"[\w.()\[\]]{{0,{CALL_LIMIT}}}")
LINE_LIMIT = 300  # characters of one
NAME_LIMIT = 100  # characters of a type's name


@dataclass(frozen=True)
class Answer:
    """What came back: `kind` is one of KINDS; the other fields belong to the kinds named beside them."""

    kind: str
    value: Any = None  # value
    changed: tuple[str, ...] = ()  # value: the arguments that the function changed
    type: str = ""  # raised, not plain: the name of the type
    bases: tuple[str, ...] = ()  # raised: names of the exception's classes
    message: str = ""  # raised, not plain; missing: the name that was probably meant
    lines: tuple[str, ...] = ()  # raised: the learner's own lines, outermost first
    own: bool = False  # raised: by a `raise` on the last of these lines
    call: str = ""  # raised: else the call on that line that it came from


KINDS = ("value", "raised", "missing", "not plain")


def ask(function: str | plain.Handle, args: tuple, kwargs: Mapping, *, keep: bool = False) -> bytes:
    """The question: call `function`, by its name or its handle, with these arguments.

    `keep`: where the answer is a function itself, it stays where it is, and its handle comes.
    """
    return plain.dumps({"call": function, "args": args, "kwargs": dict(kwargs)} | ({"keep": True} if keep else {}))


def answer(namespace: Mapping, question: dict) -> bytes:
    """Call the learner's function in `namespace`; whatever it does short of ending the process becomes an answer.

    KeyboardInterrupt passes: it is the person at the keyboard, not the function.
    """
    if "keras" in question:
        # Here, so that TensorFlow is imported where an exercise needs it only.
        from autograder.judging import keras_answers

        return keras_answers.answer(namespace, question)
    if "forget" in question:
        handles.forget()
        return plain.dumps({"kind": "value", "value": None})
    name, args, kwargs = question["call"], question["args"], question["kwargs"]
    function = handles.behind(name) if type(name) is plain.Handle else namespace.get(name)
    if not callable(function):
        return plain.dumps({"kind": "missing", "message": _likely_name(name, namespace)})
    before = _fingerprints(args, kwargs)
    try:
        value = function(*args, **kwargs)
        if "keep" in question and callable(value):
            value = handles.hold(value)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: it must not end the checks
        return raised(error)
    after = _fingerprints(args, kwargs)
    changed = [name for name in before if before[name] != after[name]]
    try:
        return plain.dumps({"kind": "value", "value": value, "changed": changed})
    except plain.NotPlain as problem:
        return plain.dumps({"kind": "not plain", "type": _name(type(value)), "message": _writable(str(problem))})


def _likely_name(name: str | plain.Handle, namespace: Mapping) -> str:
    """The name under which a function that is not there was probably written; empty where there is none."""
    if type(name) is plain.Handle:
        return ""
    functions = [key for key, value in list(namespace.items()) if type(value) is FunctionType and type(key) is str]
    names = {key.lower(): key for key in functions if key.isidentifier()}
    return next((names[close] for close in get_close_matches(name, names, n=1, cutoff=0.8)), "")


def raised(error: BaseException) -> bytes:
    """The answer for an exception: its type, its message and the learner's own lines of the traceback."""
    try:
        # A SyntaxError's own text names a file that nobody sees in a notebook.
        message = f"{error.msg}, line {error.lineno}" if isinstance(error, SyntaxError) else str(error)
    except Exception:
        message = "(its message cannot be shown)"
    frames = extract_tb(error.__traceback__)
    own, call = _origin(frames)
    return plain.dumps(
        {
            "kind": "raised",
            "type": _name(type(error)),
            "bases": [_name(base) for base in type(error).__mro__],
            "message": _writable(message[:TEXT_LIMIT]),
            "lines": _learner_lines(frames),
            "own": own,
            "call": _writable(call[:CALL_LIMIT]),
        }
    )


def _name(kind: type) -> str:
    return _writable(kind.__name__[:NAME_LIMIT])


def _writable(text: str) -> str:
    """A text without halves of characters, which no file takes."""
    return text.encode("utf-8", "backslashreplace").decode()


def read(reply: bytes) -> Answer:
    """The answer in a reply. Raises plain.Garbage where it is none: the sender is not trusted."""
    fields = plain.loads(reply)
    if not isinstance(fields, dict) or fields.get("kind") not in KINDS:
        raise plain.Garbage("a reply of no known kind")
    kind = fields["kind"]
    if kind == "value":
        return Answer(kind, value=fields.get("value"), changed=_texts(fields, "changed", NAME_LIMIT))
    return Answer(
        kind,
        type=named(_text(fields, "type", NAME_LIMIT)),
        bases=_texts(fields, "bases", NAME_LIMIT),
        message=_text(fields, "message", TEXT_LIMIT),
        lines=_texts(fields, "lines", LINE_LIMIT)[-LINES_LIMIT:],
        own=fields.get("own") is True,
        call=call if CALL.fullmatch(call := _text(fields, "call", CALL_LIMIT + 1)) else "",
    )


def named(text: str) -> str:
    """A type's name; one with spaces in it, which could be a message, is none."""
    return text if text.isidentifier() else "unnamed"


def _text(fields: dict, key: str, limit: int) -> str:
    value = fields.get(key, "")
    if not isinstance(value, str):
        raise plain.Garbage(f"a reply whose {key} is no text")
    return value[:limit]


def _texts(fields: dict, key: str, limit: int) -> tuple[str, ...]:
    values = fields.get(key, [])
    if not isinstance(values, list) or len(values) > 100 or not all(isinstance(value, str) for value in values):
        raise plain.Garbage(f"a reply whose {key} is no list of texts")
    return tuple(value[:limit] for value in values)


def _fingerprints(args, kwargs) -> dict[str, bytes]:
    """Each argument's bytes, by a name for it; a function that changes its arguments changes these.

    A random generator is left out: to draw from it is to change it.
    """
    named = {f"argument {place}": value for place, value in enumerate(args, 1)} | dict(kwargs)
    return {name: _bytes(value) for name, value in named.items() if type(value) is not Generator}


def _bytes(value) -> bytes:
    try:
        return plain.dumps(value)
    except plain.NotPlain:  # only a changed argument can be: what was sent was plain
        return b"no longer plain"


COURSE = Path(__file__).parents[2]
LIBRARY = f"{COURSE / 'pneumonia'}{os.sep}"
_NOT_THE_LEARNERS = tuple(
    {str(Path(sysconfig.get_path(name))) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {f"{COURSE / name}{os.sep}" for name in ("autograder", "course")}
    | {LIBRARY, str(Path(sys.prefix) / "lib")}
)


def _origin(frames: list[FrameSummary]) -> tuple[bool, str]:
    """What raised an exception: whether a `raise` of the learner's, or else the call, on the learner's last line.

    Where no line is the learner's, it is the function of the course's library that stands in the place of theirs.
    """
    places = [place for place, frame in enumerate(frames) if _is_learners(frame.filename)]
    if not places:
        first = next((frame for frame in frames if frame.filename.startswith(LIBRARY)), None)
        return False, f"pneumonia.{Path(first.filename).stem}.{first.name}" if first else ""
    code = _code_of(frames[places[-1]])
    if places[-1] == len(frames) - 1 and code.startswith("raise"):
        return True, ""
    try:
        node = ast.parse(code.strip(), mode="eval").body
        return False, _name_of(node.func) if isinstance(node, ast.Call) else ""
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False, ""


def _code_of(frame: FrameSummary) -> str:
    """What of a frame's line, or lines, was running, which may be a part of it."""
    if None in (frame.lineno, frame.colno, frame.end_colno):
        return frame.line or ""  # Python was told not to keep places, or the code was made without any
    lines = linecache.getlines(frame.filename)[frame.lineno - 1 : frame.end_lineno]
    if not lines:
        return ""
    lines = [line.encode(errors="replace") for line in lines]
    lines[-1] = lines[-1][: frame.end_colno]
    lines[0] = lines[0][frame.colno :]
    return b"".join(lines).decode(errors="replace")


def _name_of(function: ast.expr) -> str:
    """How a function is called in the code: `np.sum`, `GridSearchCV(...).fit`."""
    if isinstance(function, ast.Attribute):
        return f"{_name_of(function.value)}.{function.attr}"
    if isinstance(function, ast.Call):
        return f"{_name_of(function.func)}(...)"
    return function.id if isinstance(function, ast.Name) else "(...)"


def _learner_lines(frames: list[FrameSummary]) -> list[str]:
    """The traceback's frames that are the learner's own, as `line 3, in precision: return tp / (tp + fp)`.

    A line that is there once more, in a comprehension or in a function that calls itself, is told once.
    """
    own = {(frame.filename, frame.lineno): frame for frame in reversed(frames) if _is_learners(frame.filename)}
    innermost_last = reversed(own.values())
    lines = [f"line {frame.lineno}, in {frame.name}: {frame.line or ''}".rstrip(": ") for frame in innermost_last]
    return [_writable(line[:LINE_LIMIT]) for line in lines[-LINES_LIMIT:]]


def _is_learners(filename: str) -> bool:
    if filename.startswith("<"):
        return filename.startswith(("<ipython-input", "<string>"))
    # Compiled libraries name their source, `numpy/random/_generator.pyx`, wherever they are installed.
    return not filename.startswith(_NOT_THE_LEARNERS) and not filename.endswith(".pyx")
