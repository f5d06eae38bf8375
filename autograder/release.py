"""Releases: `solutions/` with its solutions and hidden tests taken out, by nbgrader's own converter.

The same bytes come out on every machine: nothing in a release depends on where or when it was made.
"""

import contextlib
import importlib.util
import logging
import shutil
import sys
import tempfile
import types
import warnings
from pathlib import Path

from autograder.exercises import CLONE, Exercise, exercises
from pneumonia.settings import CourseError, write_atomically

CONFIG = CLONE / "nbgrader_config.py"


def generate(exercise: Exercise, gradebook_url: str | None = None) -> dict[Path, bytes]:
    """Release an exercise: its files, by their path below `exercises/`.

    With `gradebook_url` the assignment and its cells are entered into that nbgrader gradebook, too.
    Raises CourseError where nbgrader or the source is missing, or nbgrader refuses.
    """
    if not exercise.source.is_file():
        raise CourseError(f"{exercise.source} does not exist: releases and grades are made in a clone of the course.")
    with nbgrader_tools(), tempfile.TemporaryDirectory(prefix="course-release-") as folder:
        root = Path(folder).resolve()
        source = root / "solutions" / exercise.name
        shutil.copytree(exercise.source.parent, source, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        _convert(exercise, root, gradebook_url)
        released = root / "exercises"
        files = sorted(path for path in released.rglob("*") if path.is_file())
        return {path.relative_to(released): path.read_bytes() for path in files}


def differences(folder: Path) -> list[str]:
    """What in `folder` (the clone's `exercises/`) is not what the sources release, one line for each file."""
    wanted = _all_files()
    there = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and not _is_litter(path)}
    lines = [f"{path} is missing" for path in wanted if path not in there]
    lines += [f"{path} has no source in solutions/" for path in sorted(there - set(wanted))]
    changed = [path for path in wanted if path in there and (folder / path).read_bytes() != wanted[path]]
    return lines + [f"{path} differs from its source in solutions/" for path in changed]


def write(folder: Path) -> list[Path]:
    """Write the release of every exercise below `folder`; gives the paths of the files that changed."""
    changed = []
    for path, content in _all_files().items():
        target = folder / path
        if not target.is_file() or target.read_bytes() != content:
            write_atomically(target, content)
            changed.append(target)
    return changed


@contextlib.contextmanager
def nbgrader_tools():
    """nbgrader, ready to use, and what it says about SQLAlchemy left out. Raises CourseError where it is missing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _import_nbgrader()
        yield


def _import_nbgrader() -> None:
    """Import what is used of nbgrader here, in a third of the time that it takes by itself.

    Its package imports a Jupyter server; jsonschema, a grammar of addresses that no notebook's schema asks for; and for
    each new gradebook it runs a program to learn one number.
    """
    spec = importlib.util.find_spec("nbgrader")
    if spec is None:
        raise CourseError("This needs nbgrader: `pip install -r requirements.txt` in the clone.")
    bare = types.ModuleType("nbgrader")
    bare.__path__, bare.__spec__ = spec.submodule_search_locations, spec
    absent = {"nbgrader": bare, "rfc3987_syntax": None}
    stand_ins = {name: module for name, module in absent.items() if name not in sys.modules}
    sys.modules |= stand_ins
    try:
        from alembic.script import ScriptDirectory
        from nbgrader import api, converters, dbutil  # noqa: F401
    finally:
        for name in stand_ins:
            del sys.modules[name]  # who asks for these has the real ones
    api.get_alembic_version = lambda: ScriptDirectory(dbutil.ALEMBIC_DIR).get_current_head()


def settings():
    """The clone's nbgrader configuration, as traitlets' Config."""
    from traitlets.config import PyFileConfigLoader

    return PyFileConfigLoader(CONFIG.name, path=str(CONFIG.parent)).load_config()


def _all_files() -> dict[Path, bytes]:
    return {path: content for exercise in exercises().values() for path, content in generate(exercise).items()}


def _is_litter(path: Path) -> bool:
    return ".ipynb_checkpoints" in path.parts


def _convert(exercise: Exercise, root: Path, gradebook_url: str | None) -> None:
    """Run nbgrader's converter from `root`/solutions to `root`/exercises, with the clone's configuration."""
    from nbgrader.converters import GenerateAssignment, NbGraderException
    from nbgrader.coursedir import CourseDirectory

    config = settings()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.assignment_id = exercise.name
    if gradebook_url is None:
        config.SaveCells.enabled = False
        config.GenerateAssignment.no_database = True
    else:
        config.CourseDirectory.db_url = gradebook_url
    said = _Said()
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config)
    converter.log = said.logger
    try:
        converter.start()
    except NbGraderException as error:
        reason = said.last_line() or str(error)
        raise CourseError(f"nbgrader could not release {exercise.name}: {reason}") from None


class _Said(logging.Handler):
    """Keeps nbgrader's errors off the screen, for the message of the one that is raised."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.logger = logging.Logger("nbgrader of course release")
        self.logger.addHandler(self)
        self.messages: list[str] = []

    def emit(self, record):
        self.messages.append(record.getMessage())

    def last_line(self) -> str:
        """The exception that nbgrader caught and logged: the last line of its traceback."""
        tracebacks = [message for message in self.messages if message.startswith("Traceback")]
        return tracebacks[-1].strip().splitlines()[-1] if tracebacks else ""
