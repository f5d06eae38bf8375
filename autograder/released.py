"""What a source in `solutions/` releases, without nbgrader, which takes seconds: for whoever compares with the release.

A learner of a clone works in `exercises/` itself, so that the file there is no longer what was released.
`autograder.release` makes that file, with nbgrader's own converter; the tests hold the two to the same result.
"""

import hashlib
import re

STUB = "raise NotImplementedError"
SOLUTION = re.compile(r"^([ \t]*)### BEGIN SOLUTION.*?### END SOLUTION", re.DOTALL | re.MULTILINE)
HIDDEN_TESTS = re.compile(r"\n[ \t]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[ \t]*", re.DOTALL)


def released_from(source: dict) -> dict:
    """The notebook that learners start from, of the content of one with solutions and hidden tests."""
    return source | {"cells": [_released_cell(cell) for cell in source["cells"]]}


def _released_cell(cell: dict) -> dict:
    metadata = cell["metadata"].get("nbgrader")
    if not metadata:
        return cell
    text = SOLUTION.sub(rf"\1{STUB}", "".join(cell["source"]))
    text = HIDDEN_TESTS.sub("", text)
    fixed = {"deletable": False} | ({} if metadata["solution"] else {"editable": False})
    fixed["nbgrader"] = _sorted(metadata | {"checksum": _checksum(cell["cell_type"], text, metadata)})
    return cell | {"source": text.splitlines(keepends=True), "metadata": _sorted(cell["metadata"] | fixed)}


def _sorted(fields: dict) -> dict:
    """In the order in which notebooks are written."""
    return dict(sorted(fields.items()))


def _checksum(cell_type: str, text: str, metadata: dict) -> str:
    """nbgrader's, by which it knows whether a cell was changed."""
    parts = [text, cell_type, *(str(metadata[key]) for key in ("grade", "solution", "locked")), metadata["grade_id"]]
    parts += [str(float(metadata["points"]))] if metadata["grade"] else []
    return hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
