"""`check("precision")`: the checks of one function, in the notebook in which it is written.

The message is all that a failure shows: no frame of pytest or of this package. Nothing is written to stderr, because
nbgrader scores 0 for that. It takes a cell's last value for its points, so a value is given back for one thing only:
the points of what the hidden checks found right in part. The message is printed then, so that a learner has both.
"""

import ast
import contextlib
import io
import os
import re
import secrets
import sys
import tempfile

PRINTED_LIMIT = 2000  # characters of what the learner's code printed that are shown


class CheckFailed(AssertionError):
    """A function that does not pass yet; str() is the whole message."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in the place of a traceback."""
        return str(self).splitlines()


def check(function: str, *, hidden: bool = False, namespace: dict | None = None) -> int | None:
    """Run the checks of a function of this notebook; print one line if it passes, raise CheckFailed if it does not.

    What is right in part prints its message; the points for it are given back where `hidden` checks ran.

    `hidden` runs the hidden checks, on inputs drawn afresh, in the place of the public ones (at grading).
    `namespace` is where the function lives: the notebook's, or the caller's, where it is not given.
    """
    from autograder.exercises import exercise_of
    from autograder.learner import in_place
    from autograder.running import LEARNERS_SEED, run_checks
    from pneumonia.settings import CourseError

    shell = _notebook_shell() if namespace is None else None
    if namespace is None:
        namespace = shell.user_ns if shell else sys._getframe(1).f_globals
    seed = secrets.randbits(32) if hidden else LEARNERS_SEED
    try:
        exercise = exercise_of(function)
        with _printed() as printed:
            outcome = run_checks(
                exercise,
                in_place(namespace, stopped=_stopped(shell, function) if shell else None),
                functions=(function,),
                public=not hidden,
                hidden=hidden,
                seed=seed,
            )[function]
    except CourseError as error:
        raise CheckFailed(str(error)) from None
    if printed:
        print(f"Your code printed:\n{printed[0]}")
    drawn = f", inputs drawn with seed {seed}" if hidden else ""
    earned = _points_in_part(exercise, outcome) if hidden else None
    if not outcome.passed and (not outcome.part or earned == 0):
        raise CheckFailed(f"{function} is not right yet{drawn}.\n{outcome.failure.text()}")
    kind = "hidden checks" if hidden else "checks"
    if outcome.part:
        print(f"{function}: right in part, {outcome.checks} {kind} run{drawn}.\n{outcome.failure.text()}")
        return earned
    print(f"{function}: right, {outcome.checks} {kind} passed{drawn}.")
    return None


def _points_in_part(exercise, outcome) -> int | None:
    """The points for a function that is right in part; None where it is not, and nbgrader gives all or none."""
    from autograder.exercises import points_of

    return outcome.earned(points_of(exercise)[outcome.function]) if outcome.part else None


def _notebook_shell():
    """IPython's shell, whose namespace is that of the notebook that is running, if one is."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def _stopped(shell, function: str) -> dict[str, str]:
    """How the cell stopped that was run last of those that define a function; empty where it is not known to have."""
    from autograder.judging import calls
    from autograder.learner import stopped_with

    defines = re.compile(rf"^def {function}\(", re.MULTILINE)
    sources = [source for source in shell.history_manager.input_hist_raw if defines.search(source)]
    error = _error_of(shell, sources[-1]) if sources else None
    return {function: stopped_with(calls.read(calls.raised(error)))} if error else {}


def _error_of(shell, source: str) -> BaseException | None:
    """The error that a cell stopped with: one of syntax, or any if no other cell was run since."""
    result = getattr(shell, "last_execution_result", None)
    if result is not None and result.info is not None and result.info.raw_cell.rstrip("\n") == source:
        return result.error_before_exec or result.error_in_exec
    try:
        compile(shell.transform_cell(source), "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return error
    return None


@contextlib.contextmanager
def _printed():
    """Keep what is printed, to stdout or stderr, by Python or below it; at the end it is the list's only element."""
    printed: list[str] = []
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text), _descriptor_kept(2) as kept:
        yield printed
        below = kept()
    everything = (text.getvalue() + below).strip()
    if len(everything) > PRINTED_LIMIT:
        everything = f"{everything[:PRINTED_LIMIT]}\n... ({len(everything)} characters in all)"
    if everything:
        printed.append(everything)


@contextlib.contextmanager
def _descriptor_kept(descriptor: int):
    """Send what is written to a file descriptor to a file; gives a function that reads it."""
    saved = os.dup(descriptor)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), descriptor)

        def kept() -> str:
            file.seek(0)
            return file.read(PRINTED_LIMIT + 1).decode("utf-8", "replace")

        try:
            yield kept
        finally:
            os.dup2(saved, descriptor)
            os.close(saved)
