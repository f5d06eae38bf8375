"""Repairs of what the submission doctor finds, where that is safe: never of the learner's own code."""

import copy
import re
from collections.abc import Callable
from pathlib import Path

from autograder.exercises import Exercise, grade_cell
from autograder.hand_ins.doctor import Finding, examine
from autograder.hand_ins.matching import View, current_format, first_line, without_outputs
from autograder.hand_ins.notebooks import grading_metadata, source_of


def repair(notebook: dict, released: dict | None, exercise: Exercise) -> tuple[dict, list[str]]:
    """A repaired copy of the notebook, and what was done; the learner's code is never changed.

    Of an undamaged notebook, the copy is equal to it and nothing was done.
    """
    notebook, done = copy.deepcopy(notebook), []
    for _ in range(10 * len(current_format(notebook)["cells"]) + 20):
        finding = next((finding for finding in examine(notebook, released, exercise) if finding.repair), None)
        if finding is None:
            break
        view = View(current_format(notebook), released, exercise)
        notebook = REPAIRS[finding.code](view, finding)
        done.append(f"cell {finding.cell}: {finding.repair}" if finding.cell else finding.repair)
    return notebook, done


def keep_copy(path: Path) -> Path:
    """Copy a file to `NAME.before-fix.ipynb` beside it, or `NAME.before-fix-2.ipynb` and so on: never over a file."""
    number = 1
    while True:
        kept = path.with_name(f"{path.stem}.before-fix{f'-{number}' if number > 1 else ''}{path.suffix}")
        try:
            with kept.open("xb") as file:
                file.write(path.read_bytes())
            return kept
        except FileExistsError:
            number += 1


def is_kept_copy(path: Path) -> bool:
    """Whether a file is a copy that `keep_copy` made."""
    return re.search(r"\.before-fix(-\d+)?$", path.stem) is not None


def _clear_outputs(view: View, finding: Finding) -> dict:
    return without_outputs(view.notebook)


def _upgrade(view: View, finding: Finding) -> dict:
    notebook = view.notebook  # the view is of the upgraded one
    minor = notebook.get("nbformat_minor")
    kept = notebook.get("nbformat") == 4 and type(minor) is int
    for cell in notebook["cells"]:
        cell.setdefault("metadata", {})
        if cell["cell_type"] == "code":
            cell.setdefault("outputs", [])
            cell.setdefault("execution_count", None)
    return notebook | {"nbformat": 4, "nbformat_minor": minor if kept else 5 if _all_have_ids(notebook) else 4}


def _set_kernel(view: View, finding: Finding) -> dict:
    metadata = view.notebook.get("metadata")
    wanted = copy.deepcopy(view.released["metadata"])
    return view.notebook | {"metadata": (metadata if isinstance(metadata, dict) else {}) | wanted}


def _restore_solution(view: View, finding: Finding) -> dict:
    places = view.places(finding.role)
    if places:
        view.cells[places[-1]]["source"] = copy.deepcopy(view.originals[finding.role]["source"])
        return view.notebook
    checks = view.places(grade_cell(finding.role))
    return _insert(view, view.originals[finding.role], checks[0] if checks else _place_of(view, finding.role))


def _restore_check(view: View, finding: Finding) -> dict:
    solutions = view.places(finding.role.removeprefix("test_"))
    place = solutions[-1] + 1 if solutions else _place_of(view, finding.role)
    return _insert(view, view.originals[finding.role], place)


def _one_solution(view: View, finding: Finding) -> dict:
    """Leave one cell to count. A copy that is as released is nobody's work and goes; others become ordinary cells."""
    places = view.places(finding.role)
    written = [place for place in places if not view.is_stub(place)]
    counts = (written or places)[-1]
    for place in reversed([place for place in places if place != counts]):
        if view.is_stub(place):
            del view.cells[place]
        else:
            _make_ordinary(view.cells[place])
    return view.notebook


def _one_check(view: View, finding: Finding) -> dict:
    places, solutions = view.places(finding.role), view.places(finding.role.removeprefix("test_"))
    behind = [place for place in places if not solutions or place > solutions[-1]]
    kept = (behind or places)[0]
    for place in reversed([place for place in places if place != kept]):
        if view.holds_code(place):
            _make_ordinary(view.cells[place])
        else:
            del view.cells[place]
    return view.notebook


def _move_check(view: View, finding: Finding) -> dict:
    cell = view.cells.pop(finding.cell - 1)
    view.cells.insert(view.places(finding.role.removeprefix("test_"))[-1], cell)  # one place up: the check was above
    return view.notebook


def _restore_text(view: View, finding: Finding) -> dict:
    place = finding.cell - 1
    own = copy.deepcopy(view.cells[place])
    holds_code = view.holds_code(place)
    view.cells[place]["source"] = copy.deepcopy(view.originals[finding.role]["source"])
    if holds_code:
        _make_ordinary(own)
        return _insert(view, own, place)
    return view.notebook


def _restore_type(view: View, finding: Finding) -> dict:
    cell = view.cells[finding.cell - 1]
    cell |= {"cell_type": "code", "outputs": [], "execution_count": None}
    cell.pop("attachments", None)
    return view.notebook


def _restore_metadata(view: View, finding: Finding) -> dict:
    cell = view.cells[finding.cell - 1]
    metadata = cell.get("metadata")
    wanted = copy.deepcopy(view.originals[finding.role]["metadata"])
    cell["metadata"] = (metadata if isinstance(metadata, dict) else {}) | wanted
    return view.notebook


def _unclaim(view: View, finding: Finding) -> dict:
    _make_ordinary(view.cells[finding.cell - 1])
    return view.notebook


def _restore_course_cell(view: View, finding: Finding) -> dict:
    original = next(cell for cell in view.others if first_line(cell) == finding.role)
    place = min(_place_of_cell(view, original), finding.cell - 1)
    return _insert(view, original, place)


REPAIRS: dict[str, Callable[[View, Finding], dict]] = {
    "too-large": _clear_outputs,
    "format": _upgrade,
    "kernel": _set_kernel,
    "language": _set_kernel,
    "solution-missing": _restore_solution,
    "solution-empty": _restore_solution,
    "solution-twice": _one_solution,
    "check-missing": _restore_check,
    "check-twice": _one_check,
    "check-moved": _move_check,
    "check-edited": _restore_text,
    "cell-type": _restore_type,
    "metadata-lost": _restore_metadata,
    "metadata-changed": _restore_metadata,
    "foreign-cell": _unclaim,
    "course-cell-missing": _restore_course_cell,
}


def _all_have_ids(notebook: dict) -> bool:
    return all(isinstance(cell.get("id"), str) for cell in notebook["cells"])


def _make_ordinary(cell: dict) -> None:
    if isinstance(cell.get("metadata"), dict):
        cell["metadata"] = {
            key: value for key, value in cell["metadata"].items() if key not in ("nbgrader", "deletable", "editable")
        }


def _insert(view: View, cell: dict, place: int) -> dict:
    """Put a copy of a cell into the notebook, with an id that no other cell has, or none where the format has none."""
    cell, taken = copy.deepcopy(cell), {other.get("id") for other in view.cells}
    wanted, number = cell.get("id") or "cell", 2
    while cell.get("id", wanted) in taken:
        cell["id"], number = f"{wanted}-{number}"[-64:], number + 1
    if view.notebook.get("nbformat_minor", 0) < 5:
        cell.pop("id", None)
    view.cells.insert(place, cell)
    return view.notebook


def _place_of(view: View, role: str) -> int:
    return _place_of_cell(view, view.originals[role])


def _place_of_cell(view: View, original: dict) -> int:
    """Where a cell of the release belongs: behind the nearest cell of the release before it that is still there."""
    course = view.released["cells"]
    for before in reversed(course[: course.index(original)]):
        role = grading_metadata(before).get("grade_id")
        text = source_of(before).strip()
        places = view.places(role) if role else [i for i, source in enumerate(view.sources) if source.strip() == text]
        if places:
            return places[-1] + 1
    return 0
