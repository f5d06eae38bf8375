"""Group 4: the notebook's file is not what was handed out: cells, their marks, the file itself.

What can still be read is graded by the functions that are in it; the marks on the cells decide nothing.
"""

import copy
import json
from pathlib import Path

import nbformat

from autograder.exercises import grade_cell
from bench import Draft, case, new_cell

RAISES_NOTHING = "def check(*_, **__):\n    return None\n\ncheck('recall')"


@case(written=("precision",))
def test_cells_edited(draft: Draft):
    """The checks taken out of the test cells, so that they cannot fail."""
    for function in draft.task.functions:
        draft.cell(grade_cell(function))["source"] = "assert True"


@case(written=("precision",))
def test_cells_deleted(draft: Draft):
    """All test cells deleted."""
    tests = [draft.cell(grade_cell(function)) for function in draft.task.functions]
    draft.notebook["cells"] = [cell for cell in draft.cells if cell not in tests]


@case()
def test_cell_deleted_from_a_right_one(draft: Draft):
    """Everything right, one test cell lost."""
    draft.cells.remove(draft.cell("test_recall"))


@case(written=("precision",))
def test_cell_duplicated(draft: Draft):
    """The test cell that passes, copied ten times."""
    draft.cells.extend(copy.deepcopy(draft.cell("test_precision")) for _ in range(10))


@case()
def test_cells_moved(draft: Draft):
    """Test cells in front of the functions that they test."""
    tests = [draft.cell(grade_cell(function)) for function in draft.task.functions]
    draft.notebook["cells"] = tests + [cell for cell in draft.cells if cell not in tests]


@case(written=("precision",))
def flags_changed(draft: Draft):
    """`grade`, `solution` and `locked` turned round on every cell."""
    for function in draft.task.functions:
        for grade_id in (function, grade_cell(function)):
            marks = draft.cell(grade_id)["metadata"]["nbgrader"]
            marks |= {flag: not marks[flag] for flag in ("grade", "solution", "locked")}


@case(written=("precision",))
def points_changed(draft: Draft):
    """A thousand points for the function that is right, and negative ones for the others."""
    for function in draft.task.functions:
        worth = 1000 if function == "precision" else -5
        draft.cell(grade_cell(function))["metadata"]["nbgrader"]["points"] = worth


@case(written=("precision",))
def grade_ids_swapped(draft: Draft):
    """The test cell worth 6 points has the grade_id of the one that passes, and the other way round."""
    auc, passes = draft.cell("test_roc_auc"), draft.cell("test_precision")
    auc["metadata"]["nbgrader"]["grade_id"] = "test_precision"
    passes["metadata"]["nbgrader"]["grade_id"] = "test_roc_auc"


@case()
def grade_ids_changed_in_a_right_one(draft: Draft):
    """Everything right, the solution cells' grade_ids are others."""
    for function in draft.task.functions:
        draft.cell(function)["metadata"]["nbgrader"]["grade_id"] = f"my-{function}"


@case()
def solution_cell_became_text(draft: Draft):
    """Everything right, one solution cell was turned into markdown by a slip of the finger."""
    draft.cell("recall")["cell_type"] = "markdown"


@case(written=("precision",))
def test_cells_became_text(draft: Draft):
    """Test cells turned into markdown, so that nothing runs them."""
    for function in draft.task.functions:
        draft.cell(grade_cell(function))["cell_type"] = "markdown"


@case()
def schema_version_unknown(draft: Draft):
    """A schema version of nbgrader's that does not exist yet, on a right solution."""
    draft.cell("recall")["metadata"]["nbgrader"]["schema_version"] = 99


@case()
def schema_version_is_text(draft: Draft):
    """A schema version that is no number, on a test cell."""
    draft.cell("test_recall")["metadata"]["nbgrader"]["schema_version"] = "newest"


@case(says=("recall has more than one cell: the last one counts",))
def solution_cell_duplicated(draft: Draft):
    """A solution cell twice, as it was and right: Jupyter copies the marks with the cell."""
    first = copy.deepcopy(draft.cell("recall"))
    first["source"] = "def recall(tp, fn):\n    raise NotImplementedError"
    draft.cells.insert(draft.cells.index(draft.cell("recall")), first)


@case(lost=("recall",), says=("no function of that name",))
def solution_cell_lost(draft: Draft):
    """One solution cell is gone."""
    draft.cells.remove(draft.cell("recall"))


@case()
def metadata_stripped(draft: Draft):
    """All metadata of a right solution gone, as some converters and clouds leave it."""
    for cell in draft.cells:
        cell["metadata"] = {}
    draft.notebook["metadata"] = {}


@case(written=("precision",))
def bonus_cell(draft: Draft):
    """A grade cell of the learner's own, worth 100 points."""
    bonus = new_cell("assert True")
    bonus["metadata"]["nbgrader"] = {
        **draft.cell("test_precision")["metadata"]["nbgrader"],
        **{"grade_id": "bonus", "points": 100, "locked": False},
    }
    draft.cells.append(bonus)


@case(written=("precision",))
def answer_is_a_number(draft: Draft):
    """Test cells end with a number, which nbgrader takes for the points of a cell."""
    for function in draft.task.functions:
        draft.cell(grade_cell(function))["source"] = "1000"


@case()
def metadata_of_wrong_types(draft: Draft):
    """nbgrader's metadata is a list, a text, a grade_id that is a dict; the functions are right."""
    draft.cell("recall")["metadata"] = {"nbgrader": ["recall"]}
    draft.cell("precision")["metadata"] = {"nbgrader": "precision"}
    draft.cell("f_beta")["metadata"] = {"nbgrader": {"grade_id": {"f_beta": 1}, "solution": True}}


@case()
def nbformat_3(draft: Draft):
    """Right, saved in the format of before 2014."""
    notebook = nbformat.reads(draft.content.decode(), as_version=4)
    return nbformat.writes(nbformat.convert(notebook, 3), version=3).encode()


@case()
def nbformat_9(draft: Draft):
    """Right, in a format of the future."""
    draft.notebook |= {"nbformat": 9, "nbformat_minor": 9}


@case()
def no_kernel(draft: Draft):
    """Right, and names no kernel."""
    draft.notebook["metadata"] = {}


@case()
def unknown_kernel(draft: Draft):
    """Right, and names a kernel that nobody has."""
    draft.notebook["metadata"]["kernelspec"] = {"name": "julia-9.9", "display_name": "Julia", "language": "julia"}


@case(says=("graded all the same",))
def renamed_by_the_browser(draft: Draft):
    """Right, in a file named `02-metrics (1).ipynb`."""
    return {"02-metrics (1).ipynb": draft.content}


@case(earned=(), says=("There is no notebook", "a.ipynb", "b.ipynb"))
def two_files_of_other_names(draft: Draft):
    """Two notebooks of other names: which of them counts is for the learner to say."""
    return {"a.ipynb": draft.content, "b.ipynb": draft.content}


@case(earned=(), says=("There is no notebook", "nothing in its place"))
def missing(draft: Draft):
    """An empty folder."""
    return {}


@case(earned=(), says=("it is empty",))
def empty(draft: Draft):
    """A file of 0 bytes."""
    return b""


@case(earned=(), says=("no notebook: it has no cells",))
def null(draft: Draft):
    """The file holds `null`."""
    return b"null"


@case(earned=(), says=("not a notebook",))
def truncated(draft: Draft):
    """The file ends in the middle."""
    return draft.content[: len(draft.content) // 2]


@case(earned=(), says=("not a notebook", "RecursionError"))
def nested(draft: Draft):
    """Lists in lists, a hundred thousand deep."""
    return b"[" * 100_000 + b"]" * 100_000


@case()
def nested_metadata(draft: Draft):
    """Right, with metadata nested 900 deep."""
    deep: dict = {}
    for _ in range(900):
        deep = {"more": deep}
    draft.cell("recall")["metadata"]["deep"] = deep


@case()
def two_hundred_megabytes(draft: Draft):
    """Right, and 200 MB of output in the file."""
    draft.cell("recall")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "@"}]
    return draft.content.replace(b'"@"', b'"' + b"x" * (200 * 2**20) + b'"')


@case(earned=(), says=("215 MB", "cannot be read without its outputs"))
def hard_to_read_and_large(draft: Draft):
    """200 MB of empty lists in the metadata, which take ten times as much memory when they are read."""
    return draft.content.replace(b'"nbformat": 4', b'"more": [' + b"[]," * (75 * 10**6) + b'[]], "nbformat": 4')


@case(earned=(), says=("not a notebook", "UnicodeDecodeError"))
def not_utf_8(draft: Draft):
    """Saved as Latin-1, with an umlaut."""
    draft.first("# für später", kind="markdown")
    return json.dumps(draft.notebook, ensure_ascii=False).encode("latin-1", "replace")


@case(earned=(), says=("cells are damaged",))
def cells_are_no_cells(draft: Draft):
    """Cells that are numbers, texts and lists."""
    draft.notebook["cells"] = [1, "two", [3], None]


@case(earned=(), says=("not a notebook",))
def huge_number_in_the_file(draft: Draft):
    """A number of 100,000 digits in the file, which takes Python long to read."""
    return draft.content.replace(b'"nbformat_minor": 5', b'"nbformat_minor": ' + b"9" * 100_000)


@case(written=("precision",))
def keys_twice(draft: Draft):
    """`cells` and `source` more than once in the file, the last one is what counts for every reader."""
    return draft.content.replace(b'"source":', b'"source": "import os; os._exit(1)",\n   "source":')


@case(lost=("recall",))
def half_a_character(draft: Draft):
    """Half of an emoji in a cell and in a function's text, as a broken editor leaves it."""
    draft.write("recall", "def recall(tp, fn):\n    raise TypeError('\\ud83d')")
    draft.last("# \ud83d", kind="markdown")


@case(lost=("recall",))
def null_bytes_in_a_cell(draft: Draft):
    """A null byte in the source of a cell."""
    draft.write("recall", "def recall(tp, fn):\n    return '\0'")


@case(written=("precision",))
def check_patched_in_the_test_cells(draft: Draft):
    """Test cells define a `check` of their own."""
    for function in draft.task.functions:
        draft.cell(grade_cell(function))["source"] = RAISES_NOTHING


@case(earned=(), says=("symbolic link",))
def link_to_the_solutions(draft: Draft):
    """The notebook is a symbolic link to the course's own solution."""
    return {"02-metrics.ipynb": Path(draft.task.source)}


@case(earned=(), says=("There is no notebook",))
def folder_instead_of_a_file(draft: Draft):
    """A link that leads nowhere beside it, and no file of the notebook's name."""
    return {"notes.txt": b"see my other folder", "old": Path("/nowhere")}


@case(exercise="03-transfer-head", written=("preprocess",), earned=("preprocess",))
def keras_test_cells_edited(draft: Draft):
    """The checks of exercise 3 taken out of its test cells."""
    for function in draft.task.functions:
        draft.cell(grade_cell(function))["source"] = "assert True"
