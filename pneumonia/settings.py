"""Where the course keeps things on a user's machine: its cache, and which data set is in use."""

import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import platformdirs

APP = "pneumonia-course"


# What np.load raises on a file that is empty, cut off, or no NumPy file at all.
DAMAGED_NUMPY_FILE = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile)


class CourseError(Exception):
    """A user's mistake or a missing thing, told in a sentence that says what to do; never shown with a traceback."""


def cache_dir(*parts: str) -> Path:
    """Folder for what can be computed or downloaded again; `PNEUMONIA_CACHE` moves it. Made if missing."""
    root = os.environ.get("PNEUMONIA_CACHE") or platformdirs.user_cache_dir(APP)
    folder = Path(root).expanduser().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def config_file() -> Path:
    """The file that remembers `course data use`; `PNEUMONIA_CONFIG` names another folder for it."""
    root = os.environ.get("PNEUMONIA_CONFIG") or platformdirs.user_config_dir(APP)
    return Path(root).expanduser() / "data.json"


def write_atomically(path: Path, content: str | bytes | Iterable[str]) -> None:
    """Write a file so that a reader, or a run killed half-way, sees the old content or the new, never a part.

    Content that is large may come in pieces.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pieces = [content] if isinstance(content, str | bytes) else content
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                file.write(piece.encode() if isinstance(piece, str) else piece)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value) -> None:
    """Write `value` as indented JSON, a list of numbers on one line, atomically; NaN is refused: JSON has none."""
    text = json.dumps(value, indent=1, allow_nan=False)
    text = re.sub(r"\[[^\[\]{}\"]+\]", lambda numbers: re.sub(r"\s+", " ", numbers[0]), text)
    write_atomically(path, text + "\n")
