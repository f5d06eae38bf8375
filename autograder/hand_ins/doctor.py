"""The submission doctor: what is wrong with a notebook before it is handed in, and what of it can be repaired.

It looks at the notebook, not at the answers: cells that are lost, doubled, moved, renamed or changed, a function that
cannot be called as its contract says, code that works only in the order in which it was run, kernel, format, size.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.exercises import Exercise, grade_cell
from autograder.hand_ins import contracts
from autograder.hand_ins.matching import View, as_bytes, current_format, first_line, without_outputs
from autograder.hand_ins.names import Need, names_of, needs, parse
from autograder.hand_ins.notebooks import SIZE_LIMIT, grading_metadata, source_of

# problem: handed in like this, the notebook loses points, with `course grade` or with nbgrader's own `autograde`, of
# which release 0.9.6 was tried on 24 of the damages in tests/test_doctor.py. warning: it loses none, and is not as it
# should be. hint: it may be as it should be.
SEVERITIES = ("problem", "warning", "hint")
FLAGS = ("schema_version", "grade", "solution", "locked", "task", "points", "cell_type")  # what must be as released
HIDDEN_TESTS = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[ \t]*\n?", re.DOTALL | re.MULTILINE)

_NAME_ERROR = re.compile(r"NameError: name '(\w+)' is not defined")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: `sentence` says what was expected, what came, and what to do.

    `cell` is the place of the cell, from 1, or 0 for the notebook as a whole; `role` is the grade_id that it concerns.
    `repair` says what `course check --fix` does about it; empty where that would not be safe.
    """

    code: str
    severity: str
    sentence: str
    cell: int = 0
    role: str = ""
    repair: str = ""


def examine(notebook: dict, released: dict | None, exercise: Exercise, path: Path | None = None) -> list[Finding]:
    """All that is wrong with a notebook, the notebook as a whole first, then by cell.

    `released` is the notebook that learners start from: without it, cells are not compared. `path` is the notebook's
    file, for its name.
    """
    findings = list(_of_the_file(notebook, exercise, path))
    view = View(current_format(notebook), released, exercise)
    findings += _of_the_kernel(view)
    if released:
        by_cell = [*_of_roles(view), *_of_functions(view), *_of_order(view)]
        findings += sorted(by_cell, key=lambda finding: finding.cell)
    return findings + list(_of_execution_counts(view))


def not_defined(
    notebook: dict, released: dict | None, exercise: Exercise, failures: Iterable[str], notes: Iterable[str]
) -> list[Finding]:
    """Findings from a run of the notebook: names that no cell defines, by the NameErrors that it met.

    `failures` are texts of functions that failed, `notes` of cells that stopped, which cost no points.
    """
    view = View(current_format(notebook), released, exercise)
    # `examine` has told of the course's own cells that are gone.
    defined = [*view.names, *(names_of(source_of(cell)) for cell in view.others)]
    if any(names.opaque for names in defined):
        return []
    severities = {name: "warning" for text in notes for name in _NAME_ERROR.findall(text)}
    severities |= {name: "problem" for text in failures for name in _NAME_ERROR.findall(text)}
    findings = []
    for name in sorted(set(severities) - set().union(*(names.bound for names in defined))):
        users = [i + 1 for i, names in enumerate(view.names) if name in names.used.union(*names.functions.values())]
        findings.append(
            Finding(
                "name-nowhere",
                severities[name],
                f"Expected every name to be defined in the notebook, but no cell defines `{name}`"
                + (f", which {_cells(users)} {_verb('use', users)}" if users else "")
                + ": it is misspelt, or its cell was deleted or changed and only your kernel remembers it. Define it "
                "in a cell above its first use.",
                users[0] if users else 0,
            )
        )
    return findings


def _of_the_file(notebook: dict, exercise: Exercise, path: Path | None) -> Iterator[Finding]:
    wanted = f"{exercise.name}.ipynb"
    if path is not None and path.name != wanted:
        yield Finding(
            "file-name",
            "problem",
            f"Expected the name {wanted}, the file is {path.name}: it would not be found. Rename it before you hand "
            "it in.",
        )
    size = len(as_bytes(notebook))
    if size > SIZE_LIMIT:
        without = len(as_bytes(without_outputs(current_format(notebook))))
        limit = f"Expected at most {SIZE_LIMIT // 2**20} MB, the notebook has {size / 2**20:.0f} MB"
        if without <= SIZE_LIMIT:
            mend = "clear all outputs and save it"
            yield Finding("too-large", "problem", f"{limit}, most of it outputs: {mend}.", repair="cleared all outputs")
        else:
            mend = "it is in its text, perhaps in a picture that was pasted: remove that and save it"
            yield Finding("too-large", "problem", f"{limit}, also without outputs: {mend}.")
    version = notebook.get("nbformat")
    if "worksheets" in notebook or version != 4:
        newer = type(version) is int and version > 4
        yield Finding(
            "format",
            "problem",
            f"Expected notebook format 4, it says {version!r}. Open it in JupyterLab and save it again.",
            repair="" if newer else "upgraded the notebook to format 4",
        )


def _of_the_kernel(view: View) -> Iterator[Finding]:
    metadata = view.notebook.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    spec, info = (
        value if isinstance(value := metadata.get(key), dict) else {} for key in ("kernelspec", "language_info")
    )
    name, language = spec.get("name"), spec.get("language") or info.get("name")
    repaired = "set the kernel to Python 3" if view.released else ""
    if not isinstance(name, str) or not name:
        sentence = (
            "Expected a Python 3 kernel, the notebook names none: choose Python 3 (Kernel, Change Kernel) and save."
        )
        yield Finding("kernel", "warning", sentence, repair=repaired)
        return
    known = language if isinstance(language, str) else "python" if name.startswith("python") else "unknown"
    if known.lower() not in ("python", "ipython") or name == "python2":
        sentence = (
            f"Expected a Python 3 kernel, the notebook names {name!r} (language: {known}): choose Python 3 (Kernel, "
            "Change Kernel), run all cells again and save: nbgrader would give no points."
        )
        readable = all(parse(view.sources[i]) for function in view.functions for i in view.places(function))
        yield Finding("language", "problem", sentence, repair=repaired if readable else "")


def _of_roles(view: View) -> Iterator[Finding]:
    """Cells of the course that are lost, doubled, moved or changed, and cells that claim to be one."""
    for function in view.functions:
        yield from _of_the_solution_cell(view, function)
        yield from _of_the_check_cell(view, function)
    for place, cell in enumerate(view.cells):
        role = view.roles[place]
        if role is not None:
            yield from _of_metadata(view, place, role)
        elif (found := grading_metadata(cell)) and (found.get("grade") is True or found.get("solution") is True):
            yield Finding(
                "foreign-cell",
                "problem",
                f"Expected the course's cells only, this one claims to be graded as {found['grade_id']!r}: its code "
                "is not run, and nbgrader refuses the notebook. Copy its text into a new cell and delete it.",
                place + 1,
                repair="made it an ordinary cell",
            )


def _of_the_solution_cell(view: View, function: str) -> Iterator[Finding]:
    places, elsewhere = view.places(function), view.defines(function)
    empty = not any(view.sources[place].strip() for place in places)
    if empty and elsewhere:
        yield Finding(
            "solution-missing",
            "warning",
            f"Expected `{function}` in a cell of its own, there is none. The definition in this cell counts.",
            elsewhere[-1] + 1,
            function,
        )
    elif empty:
        gone = "is gone" if not places else "is empty"
        yield Finding(
            "solution-missing" if not places else "solution-empty",
            "problem",
            f"Expected the cell of `{function}`, it {gone}: without it the function gets no points. Copy it from the "
            "released notebook and write your code in it.",
            places[-1] + 1 if places else 0,
            function,
            f"put the released cell of `{function}` back, for you to write",
        )
    above = [place + 1 for place in elsewhere if places and place < places[-1] and place not in places]
    if above and view.is_stub(places[-1]):
        yield Finding(
            "solution-shadowed",
            "problem",
            f"Expected your code for `{function}` in this cell, it stands in {_cells(above)}, and this cell, which is "
            "not written yet, takes its place. Move your code here.",
            places[-1] + 1,
            function,
        )
    if len(places) > 1:
        numbers = _listed([place + 1 for place in places])
        stub = view.is_stub(places[-1]) and not all(view.is_stub(place) for place in places)
        unwritten = " That one is not written yet: delete it, so that the one that you wrote counts." if stub else ""
        yield Finding(
            "solution-twice",
            "problem",
            f"Expected one cell of `{function}`, found {len(places)} (cells {numbers}): the last one counts, and "
            f"nbgrader refuses the notebook.{unwritten or ' Delete those that you do not want to count.'}",
            places[-1] + 1,
            function,
            f"left one cell of `{function}` to count"
            + (" (the one that you wrote)" if stub else " (the last), the other is an ordinary cell now"),
        )


def _of_the_check_cell(view: View, function: str) -> Iterator[Finding]:
    role = grade_cell(function)
    places, solutions = view.places(role), view.places(function)
    if not places:
        yield Finding(
            "check-missing",
            "problem",
            f"Expected a check cell after `{function}`, it is gone: nbgrader would give no points for it. Copy it from "
            "the released notebook.",
            solutions[-1] + 1 if solutions else 0,
            role,
            f"put the check cell of `{function}` back",
        )
        return
    if len(places) > 1:
        yield Finding(
            "check-twice",
            "problem",
            f"Expected one check cell of `{function}`, found {len(places)} (cells "
            f"{_listed([place + 1 for place in places])}): nbgrader refuses the notebook. Delete all but one.",
            places[-1] + 1,
            role,
            f"left one check cell of `{function}`",
        )
    elif solutions and places[0] < solutions[0]:
        yield Finding(
            "check-moved",
            "problem",
            f"Expected the check of `{function}` after the function (cell {solutions[-1] + 1}), it stands before it, "
            "where there is nothing to check. Move it down.",
            places[0] + 1,
            role,
            f"moved the check of `{function}` behind the function",
        )
    for place in places:
        if _checked_text(view.sources[place]) != _checked_text(source_of(view.originals[role])):
            yield Finding(
                "check-edited",
                "warning",
                f"Expected the check of `{function}` as released, its text was changed: at grading it is replaced. "
                "Put code of your own into a cell of your own.",
                place + 1,
                role,
                f"restored the check of `{function}`"
                + (" (your code stands in a cell of its own before it)" if view.holds_code(place) else ""),
            )


def _of_metadata(view: View, place: int, role: str) -> Iterator[Finding]:
    cell, original = view.cells[place], view.originals[role]
    name = f"the cell of `{role}`" if role in view.functions else f"the check of `{role.removeprefix('test_')}`"
    if cell["cell_type"] != original["cell_type"]:
        yield Finding(
            "cell-type",
            "warning",
            f"Expected {name} to be code, it is {cell['cell_type']}: its code does not run in Jupyter. Change its type "
            "(select it, press Esc, then Y).",
            place + 1,
            role,
            f"made {name} a code cell",
        )
    found, wanted = grading_metadata(cell), grading_metadata(original)
    if not found or found["grade_id"] != role:
        came = f"named {found['grade_id']!r}" if found else "missing"
        # A function counts wherever it stands. A check that nbgrader cannot name is not graded, and a name that it does
        # not know stops it.
        yield Finding(
            "metadata-lost",
            "warning" if role in view.functions and not found else "problem",
            f"Expected grading metadata that names it {role!r} on this cell, it is {came}. Copy the cell's text into "
            "the cell of a fresh released notebook.",
            place + 1,
            role,
            f"restored the grading metadata of {name}",
        )
        return
    changed = [key for key in FLAGS if _differs(found, wanted, key)]
    if changed:
        values = ", ".join(f"{key} is {found.get(key)!r}, not {wanted.get(key)!r}" for key in changed)
        # nbgrader sets right what it knows of; these stop it, or keep the function from being run.
        fatal = {"schema_version", "grade", "solution", "task"} & set(changed)
        fatal = fatal or ("points" in changed and type(found.get("points")) not in (int, float))
        yield Finding(
            "metadata-changed",
            "problem" if fatal else "warning",
            f"Expected the grading metadata of {name} as released, but {values}. Restore it from the release.",
            place + 1,
            role,
            f"restored the grading metadata of {name}",
        )


def _of_functions(view: View) -> Iterator[Finding]:
    """Functions under another name, and functions that cannot be called as the contract says."""
    for function in view.functions:
        places = view.places(function)
        if not places or not view.sources[places[-1]].strip():
            continue
        place = places[-1]
        tree = parse(view.sources[place])
        if tree is None:
            continue  # the checks say so, with the line
        contract = contracts.definition(parse(source_of(view.originals[function])), function)
        # The last definition is the one that is called.
        elsewhere = view.defines(function)
        if contract is None:
            continue  # no release is at hand: what it is compared with was written by a learner
        if not elsewhere and not view.names[place].opaque:
            other = contracts.likely(tree, contract)
            if other:
                sentence = (
                    f"Expected a function `{function}` in this cell, found `{other}`: it is looked for by its name. "
                    f"Call it `{function}` again."
                )
            else:
                sentence = (
                    f"Expected a function `{function}` in this cell, it defines none. Begin your code with the line "
                    f"`def {contracts.shown(contract)}:` of the released cell."
                )
            code = "function-renamed" if other else "function-missing"
            yield Finding(code, "problem", sentence, place + 1, function)
        elif elsewhere:
            last = parse(view.sources[elsewhere[-1]])
            came = contracts.definition(last, function)
            if came is not None and (problem := contracts.mismatch(came, contract)):
                yield Finding(
                    "signature",
                    "warning" if contracts.is_harmless(came, contract) else "problem",
                    f"Expected `{contracts.shown(contract)}`, found `{contracts.shown(came)}`: {problem}. Write the "
                    "first line as it was released; what is inside is yours.",
                    elsewhere[-1] + 1,
                    function,
                )


def _of_order(view: View) -> Iterator[Finding]:
    """Hidden state: what is used above the cell that defines it, or is defined by a course's cell that is gone."""
    checked = {place: {role.removeprefix("test_")} for place, role in enumerate(view.roles) if view.is_check(place)}
    found = needs(view.names, checked)
    # That a check stands above its own function is told where the check is looked at.
    found = [need for need in found if need.name not in checked.get(need.user, ())]
    for definer in sorted({need.definer for need in found if need.definer is not None}):
        group = [need for need in found if need.definer == definer]
        users = sorted({need.user + 1 for need in group})
        those = "it works" if len(users) == 1 else "they work"
        yield Finding(
            "order",
            _worst(view, group),
            f"Expected cells that run from the top, but {_cells(users)} {_verb('use', users)} "
            f"{_some(need.name for need in group)} before cell {definer + 1} defines {_it(group)}: {those} only in the "
            f"order in which you ran them. Move cell {definer + 1} above cell {users[0]}, then restart the kernel and "
            "run all.",
            users[0],
        )
    nowhere = {need.name: need for need in reversed(found) if need.definer is None}
    for original in view.others:
        group = [need for name, need in nowhere.items() if name in names_of(source_of(original)).bound]
        if group:
            users = sorted({need.user + 1 for need in found if need.name in {lost.name for lost in group}})
            first = first_line(original)
            yield Finding(
                "course-cell-missing",
                _worst(view, [need for need in found if need.user + 1 in users]),
                f"Expected the course's cell that begins with `{first}`, it is gone or changed: {_cells(users)} "
                f"{_verb('need', users)} {_some(need.name for need in group)}, which only your "
                "kernel remembers. Copy it from the released notebook.",
                users[0],
                first,
                f"put the course's cell back that begins with `{first}`",
            )


def _of_execution_counts(view: View) -> Iterator[Finding]:
    counts = [
        (place + 1, cell["execution_count"])
        for place, cell in enumerate(view.cells)
        if type(cell.get("execution_count")) is int and cell.get("outputs")
    ]
    for (above, first), (below, second) in zip(counts, counts[1:], strict=False):
        if second < first:
            yield Finding(
                "run-order",
                "hint",
                f"The outputs may be old: cell {below} was run before cell {above}, which stands above it. Restart the "
                "kernel, run all cells and save.",
                below,
            )
            return


def _checked_text(source: str) -> str:
    """A check cell's text without what only the course's own copy has, and without spaces that do not matter."""
    return "\n".join(line.rstrip() for line in HIDDEN_TESTS.sub("", source).strip().splitlines())


def _differs(found: dict, wanted: dict, key: str) -> bool:
    # repr, because True is 1 and is not the same here
    return (key in found) != (key in wanted) or repr(found.get(key)) != repr(wanted.get(key))


def _worst(view: View, group: list[Need]) -> str:
    """A problem where a function's cell or its check is concerned; a cell that only shows something costs no points."""
    return "problem" if any(view.roles[need.user] for need in group) else "warning"


def _listed(items: Iterable) -> str:
    *most, last = map(str, items)
    return f"{', '.join(most)} and {last}" if most else last


def _cells(numbers: list[int]) -> str:
    return f"cell{'s' * (len(numbers) > 1)} {_some(numbers, quote='')}"


def _some(items: Iterable, quote: str = "`", limit: int = 4) -> str:
    shown = [f"{quote}{item}{quote}" for item in dict.fromkeys(items)]
    return _listed(shown if len(shown) <= limit else [*shown[:limit], f"{len(shown) - limit} more"])


def _it(group: list[Need]) -> str:
    return "it" if len({need.name for need in group}) == 1 else "them"


def _verb(verb: str, numbers: list[int]) -> str:
    return verb + "s" * (len(numbers) == 1)
