"""Reads notebooks that anyone may have written: what code a learner wrote, or in one sentence why it cannot be read."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.exercises import Exercise, exercises, grade_cell
from pneumonia.settings import CourseError

SIZE_LIMIT = 20 * 2**20  # bytes; an exercise with all its figures is far below 1 MB


class NotebookError(CourseError):
    """A notebook that cannot be read; the message is for the person who hands it in."""


class TooLarge(NotebookError):
    """A notebook that is larger than `SIZE_LIMIT`."""


@dataclass(frozen=True)
class CodeCell:
    """A code cell as a learner left it: `name` is its function, or its place; `own` is False for the course's text."""

    name: str
    source: str
    own: bool = True


def read_notebook(path: Path) -> dict:
    """The notebook at `path`, its cells checked to be cells. Raises NotebookError where it is none."""
    return parse_notebook(read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """The content of a notebook's file. Raises NotebookError where it cannot be read, TooLarge where it is that."""
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise TooLarge(
                f"The file has {path.stat().st_size / 2**20:.0f} MB, of which {SIZE_LIMIT // 2**20} are allowed: "
                "clear the outputs (Kernel, Restart and Clear Outputs) and save it again."
            )
        return path.read_bytes()
    except OSError as error:
        raise NotebookError(f"The file cannot be read: {error.strerror}.") from None


def parse_notebook(content: bytes) -> dict:
    """The notebook in a file's content, its cells checked to be cells. Raises NotebookError where it is none."""
    notebook = parse_json(content)
    require_cells(notebook)
    return notebook


def parse_json(content: bytes):
    """What a file's content holds, notebook or not. Raises NotebookError where it is no JSON."""
    try:
        return json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = f"{type(error).__name__}, {str(error)[:120]}" if content else "it is empty"
        raise NotebookError(f"The file is not a notebook ({reason}): save it again from Jupyter.") from None


def learner_cells(notebook: dict, exercise: Exercise, released: dict | None = None) -> list[CodeCell]:
    """The code cells of a learner, in their order. The check cells are the course's and are left out.

    A check cell is known by its metadata or its grade_id or, where the metadata is gone, by its text in the `released`
    notebook. A function's cell is known by its grade_id first, and counts as code even if its type was changed.
    """
    ours = {grade_cell(function) for function in exercise.functions}
    known = released["cells"] if released else []
    texts = {source_of(cell).strip(): grading_metadata(cell).get("grade_id") for cell in known}
    cells = []
    for place, cell in enumerate(notebook["cells"], 1):
        source = source_of(cell)
        grade_id = grading_metadata(cell).get("grade_id")
        marked = grading_metadata(cell).get("grade") is True and grade_id not in exercise.functions
        if marked or grade_id in ours or texts.get(source.strip()) in ours:
            continue
        if cell["cell_type"] == "code" or grade_id in exercise.functions:
            roles = (grade_id, texts.get(source.strip()))
            name = next((role for role in roles if role in exercise.functions), f"cell {place}")
            cells.append(CodeCell(name, source, own=source.strip() not in texts))
    return cells


def duplicates(cells: Iterable[CodeCell]) -> list[str]:
    """The functions that have more than one cell."""
    found = Counter(cell.name for cell in cells)
    return sorted(name for name, count in found.items() if count > 1)


def exercise_in(path: Path, notebook: dict) -> Exercise | None:
    """The exercise that a notebook is of: by its cells' grade_ids or, where they are gone, by its file's name."""
    grade_ids = {grading_metadata(cell).get("grade_id") for cell in notebook["cells"]}
    matches = {exercise: len(grade_ids & set(exercise.functions)) for exercise in exercises().values()}
    best = max(matches, key=matches.get)
    return best if matches[best] else exercises().get(path.stem)


def grading_metadata(cell: dict) -> dict:
    """The nbgrader metadata of a cell; empty where there is none, or it is none, or its grade_id is no text."""
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return nbgrader if isinstance(nbgrader, dict) and isinstance(nbgrader.get("grade_id"), str) else {}


def source_of(cell: dict) -> str:
    """The text of a cell, which a file may hold as one string or as lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def require_cells(notebook) -> None:
    """Raise NotebookError unless what was read from a file is a notebook of cells."""
    if not isinstance(notebook, dict) or "cells" not in notebook:
        old = isinstance(notebook, dict) and "worksheets" in notebook
        kind = "a notebook in the format of before 2014" if old else "JSON, but no notebook: it has no cells"
        raise NotebookError(f"The file is {kind}. Open it in Jupyter and save it again.")
    cells = notebook["cells"]
    if not isinstance(cells, list) or not all(_is_cell(cell) for cell in cells):
        raise NotebookError("The file's cells are damaged: open it in Jupyter and save it again.")


def _is_cell(cell) -> bool:
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
        return False
    source = cell.get("source")
    lines = source if isinstance(source, list) else [source]
    return all(isinstance(line, str) for line in lines)
