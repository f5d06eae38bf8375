"""Notebooks that anyone may have written: read, or refused in a sentence."""

import json

import pytest

from autograder.exercises import exercise
from autograder.hand_ins.notebooks import (
    CodeCell,
    NotebookError,
    duplicates,
    exercise_in,
    grading_metadata,
    learner_cells,
    read_notebook,
)

EXERCISE = exercise("02-metrics")


@pytest.fixture
def released() -> dict:
    return json.loads(EXERCISE.release.read_bytes())


def test_all_but_the_check_cells_are_the_learners(released):
    names = [cell.name for cell in learner_cells(released, EXERCISE, released) if not cell.name.startswith("cell ")]
    assert names == list(EXERCISE.functions)
    assert not any("check(" in cell.source for cell in learner_cells(released, EXERCISE, released))


def test_a_notebook_without_metadata_has_the_same_cells(released):
    stripped = json.loads(json.dumps(released))
    for cell in stripped["cells"]:
        cell["metadata"] = {}
    with_metadata = [cell.source for cell in learner_cells(released, EXERCISE, released)]
    assert [cell.source for cell in learner_cells(stripped, EXERCISE, released)] == with_metadata


def test_a_function_whose_cell_became_markdown_still_counts(released):
    for cell in released["cells"]:
        if grading_metadata(cell).get("grade_id") == "recall":
            cell["cell_type"] = "markdown"
    assert "recall" in [cell.name for cell in learner_cells(released, EXERCISE)]


def test_duplicated_cells_are_named(released):
    released["cells"] += [cell for cell in released["cells"] if grading_metadata(cell).get("grade_id") == "f_beta"]
    cells = learner_cells(released, EXERCISE)
    assert duplicates(cells) == ["f_beta"]
    assert duplicates([CodeCell("a", "")]) == []


def test_own_cells_are_told_from_the_courses(released):
    changed = json.loads(json.dumps(released))
    changed["cells"].append({"cell_type": "code", "metadata": {}, "source": ["mine = 1"]})
    assert [cell.source for cell in learner_cells(changed, EXERCISE, released) if cell.own] == ["mine = 1"]


def test_the_exercise_is_known_by_its_cells_or_by_its_name(released, tmp_path):
    assert exercise_in(tmp_path / "renamed (1).ipynb", released) == EXERCISE
    assert exercise_in(tmp_path / "02-metrics.ipynb", {"cells": []}) == EXERCISE
    assert exercise_in(tmp_path / "other.ipynb", {"cells": []}) is None


CELL = {"cell_type": "code", "metadata": {}, "source": "x = 1"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is empty"),
        (b"null", "no notebook: it has no cells"),
        (b"[]", "no notebook: it has no cells"),
        (b'{"cells": 3}', "cells are damaged"),
        (b'{"cells": [3]}', "cells are damaged"),
        (b'{"cells": [{"cell_type": "code"}]}', "cells are damaged"),
        (b'{"cells": [{"cell_type": "code", "source": [1]}]}', "cells are damaged"),
        (b'{"worksheets": []}', "format of before 2014"),
        (b'{"cells": [', "not a notebook"),
        (b"[" * 100_000, "not a notebook"),
        (b"\xff\xfe\x00", "not a notebook"),
    ],
)
def test_what_is_no_notebook_is_refused_in_a_sentence(tmp_path, content, says):
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotebookError, match=says):
        read_notebook(path)


def test_a_huge_file_is_refused_unread(tmp_path):
    path = tmp_path / "x.ipynb"
    with path.open("wb") as file:
        file.truncate(300 * 2**20)
    with pytest.raises(NotebookError, match="300 MB"):
        read_notebook(path)


@pytest.mark.parametrize("metadata", [3, None, [], {"nbgrader": 3}, {"nbgrader": {"grade_id": [1]}}])
def test_damaged_metadata_is_no_metadata(metadata):
    cells = [CELL | {"metadata": metadata}]
    assert [cell.source for cell in learner_cells({"cells": cells}, EXERCISE)] == ["x = 1"]
    assert exercise_in(EXERCISE.source.with_name("y.ipynb"), {"cells": cells}) is None
