"""The submission doctor: it finds each damage, and nothing in a sound notebook; its repairs keep the learner's code."""

import copy
import json
import re
import shutil

import nbformat
import pytest
import submissions
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.exercises import CLONE, exercise, exercises, grade_cell
from autograder.hand_ins import contracts
from autograder.hand_ins.doctor import SEVERITIES, examine, not_defined
from autograder.hand_ins.matching import as_bytes, current_format, load
from autograder.hand_ins.names import names_of, needs, parse
from autograder.hand_ins.notebooks import SIZE_LIMIT, NotebookError, grading_metadata, source_of
from autograder.hand_ins.repairs import REPAIRS, keep_copy, repair
from course.cli import main

TASK = exercise("02-metrics")
RELEASED = json.loads(TASK.release.read_bytes())
OWN = "def own_helper(x):\n    return x + 1"


def place(notebook: dict, role: str) -> int:
    return next(i for i, cell in enumerate(notebook["cells"]) if grading_metadata(cell).get("grade_id") == role)


def cell(notebook: dict, role: str) -> dict:
    return notebook["cells"][place(notebook, role)]


def by_id(notebook: dict, name: str) -> dict:
    return next(cell for cell in notebook["cells"] if cell.get("id") == name)


def code(source: str, **metadata) -> dict:
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": [], "execution_count": None} | {
        "id": f"own-{abs(hash(source)) % 10**8}"
    }


def written() -> dict:
    """The released notebook as a learner hands it in who has written every function."""
    notebook, solved = copy.deepcopy(RELEASED), json.loads(TASK.source.read_bytes())
    for function in TASK.functions:
        text = source_of(cell(solved, function))
        cell(notebook, function)["source"] = re.sub(r" *### (BEGIN|END) SOLUTION\n?", "", text)
    return notebook


def codes(notebook: dict, path=None) -> list[str]:
    return [finding.code for finding in examine(notebook, RELEASED, TASK, path)]


# --- the ways to damage a notebook: each is given one and returns it damaged ------------------------------------------


def lose(role):
    def damage(notebook):
        del notebook["cells"][place(notebook, role)]
        return notebook

    return damage


def twice(role, source=None):
    def damage(notebook):
        again = copy.deepcopy(cell(notebook, role))
        again["id"] = "again"
        again["source"] = again["source"] if source is None else source
        notebook["cells"].insert(place(notebook, role) + 2, again)
        return notebook

    return damage


def text(role, change):
    def damage(notebook):
        found = cell(notebook, role)
        found["source"] = change(source_of(found))
        return notebook

    return damage


def metadata(role, **changes):
    def damage(notebook):
        cell(notebook, role)["metadata"]["nbgrader"].update(changes)
        return notebook

    return damage


def without_metadata(role):
    def damage(notebook):
        cell(notebook, role)["metadata"] = {}
        return notebook

    return damage


def kind(role, cell_type):
    def damage(notebook):
        found = cell(notebook, role)
        found["cell_type"] = cell_type
        del found["outputs"], found["execution_count"]
        return notebook

    return damage


def move(role, to):
    def damage(notebook):
        found = notebook["cells"].pop(place(notebook, role))
        notebook["cells"].insert(to, found)
        return notebook

    return damage


def add(at, source, **extra):
    def damage(notebook):
        notebook["cells"].insert(at if at >= 0 else len(notebook["cells"]), code(source) | extra)
        return notebook

    return damage


def kernel(**metadata):
    return lambda notebook: notebook | {"metadata": metadata}


def setup_gone(notebook):
    notebook["cells"].remove(by_id(notebook, "setup"))
    return notebook


def setup_last(notebook):
    notebook["cells"].append(notebook["cells"].pop(notebook["cells"].index(by_id(notebook, "setup"))))
    return notebook


def run_backwards(notebook):
    for count, found in enumerate(reversed([cell for cell in notebook["cells"] if cell["cell_type"] == "code"]), 1):
        output = {"output_type": "stream", "name": "stdout", "text": "old"}
        found.update(execution_count=count, outputs=[output])
    return notebook


def huge(notebook):
    output = {"output_type": "stream", "name": "stdout", "text": "x" * SIZE_LIMIT}
    by_id(notebook, "histogram")["outputs"] = [output]
    return notebook


def huge_text(notebook):
    notebook["cells"][0]["source"] = "x" * SIZE_LIMIT
    return notebook


def no_format(notebook):
    del notebook["nbformat"]
    return notebook


def format_3(notebook):
    """The same notebook as before 2014, with nbformat's own converter."""
    return json.loads(nbformat.writes(nbformat.reads(json.dumps(notebook), as_version=3), version=3))


def helper_below(notebook):
    """`recall` calls a function that stands below its check: all is there in the end, but not when the check runs."""
    cell(notebook, "recall")["source"] = "def recall(tp, fn):\n    return share(tp, tp + fn)"
    return add(-1, "def share(a, b):\n    return a / b if b else 0.0")(notebook)


def in_another_cell(notebook):
    """The learner wrote above the cell that is meant for it, and left that as it was."""
    own = code(source_of(cell(notebook, "f_beta")))
    cell(notebook, "f_beta")["source"] = source_of(cell(RELEASED, "f_beta"))
    notebook["cells"].insert(3, own)
    return notebook


def signature(line):
    return text("f_beta", lambda source: re.sub(r"def .*:\n", line + "\n", source, count=1))


# name: (damage, code, severity, whether --fix mends it)
DAMAGES = {
    "solution lost": (lose("roc_auc"), "solution-missing", "problem", True),
    "solution emptied": (text("roc_auc", lambda _: " \n"), "solution-empty", "problem", True),
    "solution merged into another": (
        lambda notebook: lose("recall")(
            text("precision", lambda source: source + "\n\ndef recall(tp, fn): ...")(notebook)
        ),
        "solution-missing",
        "warning",
        False,
    ),
    "solution in another cell": (in_another_cell, "solution-shadowed", "problem", False),
    "solution twice": (twice("recall", "def recall(tp, fn):\n    return 1"), "solution-twice", "problem", True),
    "stub below the solution": (twice("recall", cell(RELEASED, "recall")["source"]), "solution-twice", "problem", True),
    "function renamed": (
        text("f_beta", lambda s: s.replace("def f_beta", "def fbeta")),
        "function-renamed",
        "problem",
        False,
    ),
    "function gone": (text("f_beta", lambda _: "answer = 42"), "function-missing", "problem", False),
    "argument renamed": (signature("def f_beta(tp, fp, fn, b=1.0):"), "signature", "problem", False),
    "argument without default renamed": (signature("def f_beta(a, fp, fn, beta=1.0):"), "signature", "warning", False),
    "arguments swapped": (signature("def f_beta(tp, fn, fp, beta=1.0):"), "signature", "problem", False),
    "argument missing": (signature("def f_beta(tp, fp, fn):"), "signature", "problem", False),
    "argument more": (signature("def f_beta(tp, fp, fn, beta, more):"), "signature", "problem", False),
    "default lost": (signature("def f_beta(tp, fp, fn, beta):"), "signature", "problem", False),
    "default changed": (signature("def f_beta(tp, fp, fn, beta=2):"), "signature", "problem", False),
    "name only": (signature("def f_beta(tp, fp, fn, *, beta=1.0):"), "signature", "problem", False),
    "place only": (signature("def f_beta(tp, fp, /, fn, beta=1.0):"), "signature", "warning", False),
    "check lost": (lose("test_recall"), "check-missing", "problem", True),
    "check edited": (text("test_recall", lambda _: "assert True"), "check-edited", "warning", True),
    "code in a check": (text("test_recall", lambda s: f"{OWN}\n{s}"), "check-edited", "warning", True),
    "check twice": (twice("test_recall"), "check-twice", "problem", True),
    "check above": (move("test_recall", 2), "check-moved", "problem", True),
    "solution without metadata": (without_metadata("recall"), "metadata-lost", "warning", True),
    "check without metadata": (without_metadata("test_recall"), "metadata-lost", "problem", True),
    "solution's name changed": (metadata("recall", grade_id="recall2"), "metadata-lost", "problem", True),
    "points changed": (metadata("test_recall", points=100), "metadata-changed", "warning", True),
    "points no number": (metadata("test_recall", points="all"), "metadata-changed", "problem", True),
    "schema unknown": (metadata("test_recall", schema_version=99), "metadata-changed", "problem", True),
    "solution as a check": (metadata("recall", grade=True), "metadata-changed", "problem", True),
    "true for one": (metadata("recall", solution=1), "metadata-changed", "problem", True),
    "unlocked": (metadata("test_recall", locked=False), "metadata-changed", "warning", True),
    "solution as text": (kind("recall", "markdown"), "cell-type", "warning", True),
    "check as raw": (kind("test_recall", "raw"), "cell-type", "warning", True),
    "bonus": (
        add(5, "1", metadata={"nbgrader": {"grade_id": "bonus", "grade": True, "points": 99}}),
        "foreign-cell",
        "problem",
        True,
    ),
    "no kernel": (kernel(), "kernel", "warning", True),
    "R": (kernel(kernelspec={"name": "ir", "language": "R"}), "language", "problem", True),
    "Python 2": (kernel(kernelspec={"name": "python2", "language": "python"}), "language", "problem", True),
    "unknown kernel": (kernel(kernelspec={"name": "x"}), "language", "problem", True),
    "setup gone": (setup_gone, "course-cell-missing", "problem", True),
    "setup last": (setup_last, "order", "problem", False),
    "helper below its check": (helper_below, "order", "problem", False),
    "own cells out of order": (
        lambda notebook: add(-1, "mine = 1")(add(3, "print(mine)")(notebook)),
        "order",
        "warning",
        False,
    ),
    "run backwards": (run_backwards, "run-order", "hint", False),
    "large outputs": (huge, "too-large", "problem", True),
    "large text": (huge_text, "too-large", "problem", False),
    "no format": (no_format, "format", "problem", True),
    "format 3": (format_3, "format", "problem", True),
    "format 5": (lambda notebook: notebook | {"nbformat": 5}, "format", "problem", False),
}
CHEAP = sorted(set(DAMAGES) - {"large outputs", "large text", "format 3"})
each_damage = pytest.mark.parametrize("name", DAMAGES)


def own_code(notebook: dict) -> list[str]:
    """What a learner wrote, whatever its cell has become: all that is not the course's, empty checks left out."""
    course = {source_of(cell).strip() for cell in RELEASED["cells"]} | {"", "assert True"}
    cells = current_format(notebook)["cells"]
    return sorted(source for source in map(source_of, cells) if source.strip() not in course)


@pytest.mark.parametrize("name", exercises())
def test_nothing_is_found_in_a_release_or_a_solution(name):
    task = exercise(name)
    released = json.loads(task.release.read_bytes())
    for path in (task.release, task.source):
        notebook = json.loads(path.read_bytes())
        assert examine(notebook, released, task, path) == []
        assert repair(notebook, released, task) == (notebook, [])


def test_nothing_is_found_in_honest_work():
    """Helper cells, magics, other styles, executed from the top."""
    notebook = written()
    for count, found in enumerate([found for found in notebook["cells"] if found["cell_type"] == "code"], 1):
        found.update(execution_count=count, outputs=[{"output_type": "stream", "name": "stdout", "text": "a"}])
    cell(notebook, "recall")["source"] = "recall = lambda tp, fn: ratio(tp, tp + fn)"
    cell(notebook, "precision")["source"] = (
        "def precision(tp: int, fp: int = 0, **more) -> float:\n    return ratio(tp, tp + fp)"
    )
    notebook["cells"].insert(3, code("%matplotlib inline\n!ls\ndef ratio(a, b):\n    return a / b if b else 0.0"))
    notebook["cells"].append(code("try:\n    mine\nexcept NameError:\n    pass\n[row for row in range(3)]"))
    notebook["cells"].append(code("mine = 1\nclass Late:\n    def method(self):\n        return later\nlater = 2"))
    assert examine(notebook, RELEASED, TASK) == []


@pytest.mark.parametrize("name", submissions.MODULES)
def test_no_right_answer_in_the_catalogue_is_a_problem(name):
    task = exercise(name)
    released = json.loads(task.release.read_bytes())
    right = [answer for answer in submissions.answers(name) if answer.says is None]
    assert len(right) >= 2 * len(task.functions)
    for answer in right:
        notebook = copy.deepcopy(released)
        source = answer.source.replace(f"def {answer.name}(", f"def {answer.function}(", 1)
        cell(notebook, answer.function)["source"] = source
        found = examine(notebook, released, task)
        assert [f for f in found if f.severity != "warning"] == [], answer.name
        assert {f.code for f in found} <= {"signature"}


@each_damage
def test_a_damage_is_found_and_named(name):
    damage, expected, severity, mended = DAMAGES[name]
    notebook = damage(written())
    (finding, *_) = [finding for finding in examine(notebook, RELEASED, TASK) if finding.code == expected]
    assert finding.severity == severity
    assert bool(finding.repair) == mended
    assert finding.severity in SEVERITIES
    assert len(finding.sentence) > 60
    # What a lost or renamed function breaks further down is found, too.
    assert set(codes(notebook)) <= {expected, "order"}


@each_damage
def test_a_repair_mends_and_keeps_the_learners_code(name):
    damage, expected, _, mended = DAMAGES[name]
    damaged = damage(written())
    before = copy.deepcopy(damaged)
    repaired, done = repair(damaged, RELEASED, TASK)
    assert damaged == before, "the notebook that was given is left alone"
    left = examine(repaired, RELEASED, TASK)
    assert not [finding for finding in left if finding.repair]
    assert (expected not in [finding.code for finding in left]) == mended
    assert bool(done) == mended
    assert own_code(repaired) == own_code(damaged)
    assert repair(repaired, RELEASED, TASK) == (repaired, [])
    if mended:
        nbformat.validate(nbformat.from_dict(repaired))


@settings(max_examples=25)
@given(st.lists(st.sampled_from(CHEAP), min_size=2, max_size=5))
def test_damages_together_are_mended_too(names):
    notebook = written()
    for name in names:
        try:
            notebook = DAMAGES[name][0](notebook)
        except (StopIteration, KeyError):
            continue  # the cell that it damages is gone already
    repaired, _ = repair(notebook, RELEASED, TASK)
    assert not [finding for finding in examine(repaired, RELEASED, TASK) if finding.repair]
    assert own_code(repaired) == own_code(notebook)
    assert repair(repaired, RELEASED, TASK) == (repaired, [])


def test_a_lost_cell_comes_back_where_it_was():
    for role in ("roc_auc", "test_roc_auc"):
        repaired, done = repair(lose(role)(written()), RELEASED, TASK)
        assert [c.get("id") for c in repaired["cells"]] == [c["id"] for c in RELEASED["cells"]]
        assert "put the" in done[0]
    assert repair(setup_gone(written()), RELEASED, TASK)[0] == written()
    assert repair(move("test_recall", 2)(written()), RELEASED, TASK)[0] == written()


def test_the_last_of_two_solutions_counts_unless_nobody_wrote_it():
    other = "def recall(tp, fn):\n    return 1"
    repaired, _ = repair(twice("recall", other)(written()), RELEASED, TASK)
    assert source_of(cell(repaired, "recall")) == other
    repaired, _ = repair(twice("recall", cell(RELEASED, "recall")["source"])(written()), RELEASED, TASK)
    assert repaired == written()


def test_code_in_a_check_is_kept_in_a_cell_before_it():
    repaired, _ = repair(DAMAGES["code in a check"][0](written()), RELEASED, TASK)
    at = place(repaired, "test_recall")
    assert source_of(repaired["cells"][at - 1]).startswith(OWN)
    assert not grading_metadata(repaired["cells"][at - 1])


def test_what_a_sentence_names():
    (found,) = [f for f in examine(helper_below(written()), RELEASED, TASK) if f.code == "order"]
    last, check = len(RELEASED["cells"]) + 1, place(RELEASED, "test_recall") + 1
    assert f"`share` before cell {last} defines it" in found.sentence
    assert found.cell == check
    (found,) = examine(DAMAGES["function renamed"][0](written()), RELEASED, TASK)
    assert "`f_beta`" in found.sentence
    assert "`fbeta`" in found.sentence
    found, hidden = examine(DAMAGES["argument renamed"][0](written()), RELEASED, TASK)
    assert hidden.code == "order", "the body still uses `beta`, which is a variable of a later cell"
    assert "`f_beta(tp, fp, fn, beta=1.0)`" in found.sentence
    assert "`beta` is called `b`" in found.sentence


def test_a_name_that_no_cell_defines():
    notebook = add(-1, "print(ghost)")(
        text("recall", lambda _: "def recall(tp, fn):\n    return phantom(tp)")(written())
    )
    came = ["NameError: name 'phantom' is not defined", "3"]
    notes = [
        "cell 40 stopped with NameError: name 'ghost' is not defined (line 1)",
        "x: NameError: name 'plt' is not defined",
    ]
    ghost, phantom = not_defined(notebook, RELEASED, TASK, came, notes)
    assert (ghost.severity, ghost.cell) == ("warning", len(notebook["cells"]))
    assert (phantom.severity, phantom.cell) == ("problem", place(notebook, "recall") + 1)
    assert "`phantom`" in phantom.sentence


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["a = 1", "a"], []),
        (["a", "a = 1"], [("a", 0, 1)]),
        (["f()", "def f(): pass"], [("f", 0, 1)]),
        (["def f():\n    return a", "f()", "a = 1"], [("a", 1, 2)]),
        (["def f():\n    return a", "a = 1", "f()"], []),
        (["def f():\n    return a", "def f():\n    return 1", "f()", "a = 1"], []),
        (["[a for b in c]", "a = c = 1"], [("a", 0, 1), ("c", 0, 1)]),
        (["class A:\n    x = a", "a = 1"], [("a", 0, 1)]),
        (["class A:\n    def m(self):\n        return a", "a = 1", "A()"], []),
        (["def f(x=a): pass", "a = 1"], [("a", 0, 1)]),
        (["@a\ndef f(): pass", "a = 1"], [("a", 0, 1)]),
        (["lambda: a", "a = 1"], []),
        (["from x import *", "a", "a = 1"], []),
        (["%run other.py", "a", "a = 1"], []),
        (["def f(:", "a", "a = 1"], []),
        (["a", "b = 1"], [("a", 0, None)]),
        (["import a.b", "a", "with open('x') as c:\n    c", "for d in []:\n    d"], []),
    ],
)
def test_needs(cells, expected):
    assert [(need.name, need.user, need.definer) for need in needs([names_of(source) for source in cells])] == expected


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("def f(a, b, c=1): pass", ""),
        ("def f(a, b, c=1.0, d=2, *, e=3): pass", ""),
        ("def f(*args, **kwargs): pass", ""),
        ("def f(a, **rest): pass", "the argument `b` is missing"),
        ("def f(a, b, d, c=1): pass", "the argument `c` stands elsewhere"),
        ("def f(a, b, c=1, *, e): pass", "the argument `e` is not in the contract and has no default"),
        ("def f(a, b, c=DEFAULT): pass", ""),
        ("def f(a, b): pass", "the argument `c` is missing"),
        ("def f(a, b, c): pass", "`c` has lost its default, 1"),
        ("def f(x, b, c=1): pass", "the argument `a` is called `x`"),
        ("def f(x, y, d=1): pass", "the argument `a` is called `x`"),
        ("def f(b, a, c=1): pass", "the argument `a` stands elsewhere"),
        ("def f(a, b, /, c=1): pass", "`a` cannot be given by its name"),
        ("def f(a, b, c=1, /): pass", "`a` cannot be given by its name"),
    ],
)
def test_contract(line, problem):
    contract = contracts.definition(parse("def f(a, b, c=1): pass"), "f")
    came = contracts.definition(parse(line), "f")
    assert contracts.mismatch(came, contract) == problem
    # Checks give what has no default by its place, so its name alone costs nothing.
    assert contracts.is_harmless(came, contract) == (problem == "" or "(x, b" in line or "(a, b, /" in line)


def test_every_repair_is_of_a_finding_that_is_tested():
    tested = {code for _, code, _, mended in DAMAGES.values() if mended}
    assert set(REPAIRS) == tested


def test_a_copy_is_kept_and_never_overwritten(tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_bytes(b"1")
    first = keep_copy(path)
    path.write_bytes(b"2")
    second = keep_copy(path)
    assert (first.name, second.name) == ("a.before-fix.ipynb", "a.before-fix-2.ipynb")
    assert (first.read_bytes(), second.read_bytes()) == (b"1", b"2")


def test_load_reads_what_can_be_repaired_and_refuses_the_rest(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_bytes(as_bytes(huge(written())))
    assert codes(load(path)) == ["too-large"]
    path.write_bytes(as_bytes(format_3(written())))
    assert codes(load(path)) == ["format"]
    for content in (
        b"[]",
        b"{}",
        b'{"cells": [1]}',
        b'{"worksheets": 1, "nbformat": 3}',
        b"\xff",
        b'{"worksheets": [1]}',
    ):
        path.write_bytes(content)
        with pytest.raises(NotebookError):
            load(path)


# --- the command ------------------------------------------------------------------------------------------------------


def check(*arguments) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["check", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_fix_repairs_the_file_once_and_keeps_what_was(tmp_path):
    path = tmp_path / "02-metrics.ipynb"
    damaged = as_bytes(DAMAGES["points changed"][0](twice("test_recall")(lose("test_precision")(written()))))
    path.write_bytes(damaged)
    status, printed = check(path)
    assert status == 1, "all functions are right, and points would be lost"
    assert "20 / 20" in printed
    assert "check --fix" in printed
    assert path.read_bytes() == damaged

    status, printed = check(tmp_path, "--fix", "--json")
    (result,) = json.loads(printed)
    assert status == 0
    assert result["findings"] == []
    assert len(result["fixed"]["done"]) == 3
    assert (tmp_path / "02-metrics.before-fix.ipynb").read_bytes() == damaged
    assert path.read_bytes() == as_bytes(written())

    status, printed = check(tmp_path, "--fix")
    assert status == 0
    assert "nothing to repair" in printed
    assert path.read_bytes() == as_bytes(written())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["02-metrics.before-fix.ipynb", "02-metrics.ipynb"]


def test_warnings_leave_the_exit_status_and_a_wrong_name_does_not(tmp_path):
    path = tmp_path / "02-metrics.ipynb"
    path.write_bytes(as_bytes(DAMAGES["points changed"][0](written())))
    status, printed = check(path)
    assert status == 0
    assert "points is 100, not 1" in printed
    path = path.rename(tmp_path / "02-metrics (1).ipynb")
    status, printed = check(path)
    assert status == 1
    assert "Expected the name 02-metrics.ipynb" in printed
    assert codes(written(), path) == ["file-name"]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone's notebooks, for a learner who works in `exercises/` itself; the path of the exercise's notebook."""
    for path in (TASK.source, TASK.release):
        (tmp_path / path.relative_to(CLONE).parent).mkdir(parents=True)
        shutil.copy(path, tmp_path / path.relative_to(CLONE))
    monkeypatch.setattr("autograder.exercises.CLONE", tmp_path)
    return TASK.release


@pytest.mark.parametrize("with_source", [True, False])
def test_a_function_that_was_renamed_in_the_clone_itself(clone, with_source):
    notebook = written()
    found = cell(notebook, "precision")
    found["source"] = source_of(found).replace("def precision", "def Precision")
    clone.write_bytes(as_bytes(notebook))
    if not with_source:
        TASK.source.unlink()
    status, printed = check(clone, "--json")
    (result,) = json.loads(printed)
    failure = next(row["failure"] for row in result["functions"] if row["function"] == "precision")
    assert status == 1
    assert failure["came"] == "no function of that name, but `Precision`"
    assert "call it `precision` again" in failure["mistake"]
    assert [finding["code"] for finding in result["findings"]] == ["function-renamed"] * with_source


def test_what_only_the_kernel_remembers_is_told_from_the_run(tmp_path):
    path = tmp_path / "02-metrics.ipynb"
    notebook = written()
    cell(notebook, "recall")["source"] = "def recall(tp, fn):\n    return forgotten(tp, fn)"
    path.write_bytes(as_bytes(notebook))
    status, printed = check(path, "--json")
    (finding,) = json.loads(printed)[0]["findings"]
    assert status == 1
    assert (finding["code"], finding["cell"]) == ("name-nowhere", place(notebook, "recall") + 1)


def test_each_role_is_a_name_of_the_course():
    assert {grading_metadata(cell).get("grade_id") for cell in RELEASED["cells"]} - {None} == {
        role for function in TASK.functions for role in (function, grade_cell(function))
    }
