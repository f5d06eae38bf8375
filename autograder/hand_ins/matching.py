"""Which cell of a learner's notebook is which cell of the released one, also where metadata or ids are gone."""

import json
import re
from pathlib import Path

from autograder.exercises import Exercise, grade_cell
from autograder.hand_ins.names import Names, names_of
from autograder.hand_ins.notebooks import NotebookError, grading_metadata, read_notebook, require_cells, source_of

LARGEST = 2**30  # bytes of a notebook that is read to be repaired


class View:
    """A notebook seen beside its release: which of its cells is which of the course's."""

    def __init__(self, notebook: dict, released: dict | None, exercise: Exercise | None):
        self.notebook, self.released, self.exercise = notebook, released, exercise
        self.cells = notebook["cells"]
        self.functions = exercise.functions if exercise else ()
        wanted = {*self.functions, *map(grade_cell, self.functions)}
        course = released["cells"] if released else []
        self.originals = {role: cell for cell in course if (role := grading_metadata(cell).get("grade_id")) in wanted}
        self.others = [cell for cell in course if cell["cell_type"] == "code" and not grading_metadata(cell)]
        self.sources = [source_of(cell) for cell in self.cells]
        self.roles = self._roles()
        # Names of the cells that are code, or are meant to be; text has none.
        self.names = [
            names_of(source) if cell["cell_type"] == "code" or role else Names()
            for cell, role, source in zip(self.cells, self.roles, self.sources, strict=True)
        ]

    def places(self, role: str) -> list[int]:
        """Where the cells with a role are, from 0."""
        return [place for place, found in enumerate(self.roles) if found == role]

    def defines(self, function: str) -> list[int]:
        """Where a function is defined, from 0, in the learner's cells."""
        return [i for i, names in enumerate(self.names) if function in names.bound and not self.is_check(i)]

    def is_stub(self, place: int) -> bool:
        """Whether a solution cell is as released: nothing was written in it."""
        return self.sources[place].strip() == source_of(self.originals[self.roles[place]]).strip()

    def holds_code(self, place: int) -> bool:
        """Whether a check cell holds more than checks: something that a learner wrote there and may need."""
        return bool(self.names[place].bound - {"check"}) or self.names[place].opaque

    def is_check(self, place: int) -> bool:
        """Whether the cell at a place is a function's check."""
        return self.roles[place] not in (None, *self.functions)

    def _roles(self) -> list[str | None]:
        """The role of each cell: by its metadata; for a role that has none so, by the cell's id, text or definition."""
        claimed = [grading_metadata(cell).get("grade_id") for cell in self.cells]
        roles = [role if role in self.originals else None for role in claimed]
        for role, original in self.originals.items():
            if role not in roles:
                candidates = (i for i, found in enumerate(roles) if found is None)
                place = self._like(role, original, list(candidates))
                if place is not None:
                    roles[place] = role
        return roles

    def _like(self, role: str, original: dict, candidates: list[int]) -> int | None:
        text = source_of(original).strip()
        same_text = [i for i in candidates if self.sources[i].strip() == text]
        same_id = [i for i in candidates if original.get("id") and self.cells[i].get("id") == original["id"]]
        code = [i for i in candidates if self.cells[i]["cell_type"] == "code"]
        if role in self.functions:
            told = [i for i in code if role in names_of(self.sources[i]).bound]
        else:
            function = role.removeprefix("test_")
            told = [i for i in code if re.search(rf"^check\(['\"]{function}['\"]", self.sources[i], re.MULTILINE)]
        return next(iter(same_text + same_id + told), None)


def load(path: Path) -> dict:
    """A notebook as its file has it, also one that is too large or in an old format, which can be repaired.

    Raises NotebookError for a file that is none.
    """
    try:
        return read_notebook(path)
    except NotebookError:
        try:
            if path.stat().st_size <= LARGEST:
                notebook = json.loads(path.read_bytes().decode("utf-8-sig"))
                require_cells(current_format(notebook))
                return notebook
        except (OSError, ValueError, RecursionError, NotebookError):
            pass
        raise


def current_format(notebook: dict) -> dict:
    """The notebook in the format of today, upgraded by nbformat where it is from before 2014."""
    if not isinstance(notebook, dict) or "worksheets" not in notebook or "cells" in notebook:
        return notebook
    import nbformat

    try:
        upgraded = nbformat.reads(json.dumps(notebook), as_version=4)
    except Exception as error:  # nbformat raises what a damaged file makes it raise
        raise NotebookError(f"The file is in an old format and cannot be upgraded ({error}).") from None
    return json.loads(json.dumps(upgraded))


def as_bytes(notebook: dict) -> bytes:
    """A notebook as the content of its file, laid out as Jupyter does it."""
    try:
        return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()
    except UnicodeEncodeError:  # half a character, as a broken emoji leaves it
        return (json.dumps(notebook, indent=1) + "\n").encode()


def without_outputs(notebook: dict) -> dict:
    """The notebook with the outputs of all cells cleared."""
    cleared = {"outputs": [], "execution_count": None}
    cells = [cell | cleared if cell["cell_type"] == "code" else cell for cell in notebook["cells"]]
    return notebook | {"cells": cells}


def first_line(cell: dict) -> str:
    """What a cell is called in a message: its first line."""
    return source_of(cell).strip().splitlines()[0][:60]
