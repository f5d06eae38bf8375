"""`course progress`: the points of each exercise by its public checks, and the next step."""

import hashlib
import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from course.grading import notebooks_at, reporting, run_checks

BAR = 20  # characters
KEPT = 50  # results that are remembered: more than one learner's notebooks have versions worth going back to
CODE = ("autograder", "pneumonia")  # packages whose code makes the result


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@reporting
def progress(folder: Path | None, as_json: bool):
    """Show the points of each exercise in FOLDER, and the next step.

    Where no folder is given: the exercises in the folder you are in or, where there are none, those of the clone. The
    points are those of the public checks. A notebook that has not changed since is not run again.
    """
    rows = []
    for row in _rows(_notebooks(folder)):
        rows.append(row)
        if not as_json:
            click.echo(_row_text(row))
    step = next_step(rows)
    if as_json:
        click.echo(json.dumps({"exercises": rows, "next": step}, indent=1))
        return
    earned, total = (sum(row[key] for row in rows) for key in ("points", "max_points"))
    click.echo(f"{'in all':<20}{f'{earned} / {total}':>9}  {_bar(earned, total)}")
    click.echo(f"\nNext: {step['text']}")


def next_step(rows: list[dict]) -> dict:
    """What to do next: the first function that is not right, of the exercises that are there; plain data."""
    for row in rows:
        for function in row["functions"]:
            if not function["passed"]:
                unwritten = is_unwritten(function)
                why = "not written yet." if unwritten else _why(function["failure"])
                return {
                    "exercise": row["exercise"],
                    "function": function["function"],
                    "text": f"`{function['function']}` of {row['exercise']} ({row['path']}): {why}",
                }
    for row in rows:
        if row["path"] is None:
            return {
                "exercise": row["exercise"],
                "function": None,
                "text": f"{row['exercise']}: its notebook is not here. Copy the folder exercises/{row['exercise']} of "
                "the course to here.",
            }
    text = "all functions are right. `course check` looks at the notebooks once more before you hand them in."
    return {"exercise": None, "function": None, "text": text}


def is_unwritten(function: dict) -> bool:
    """Whether a function's row says that nothing was written yet."""
    return bool(function["failure"]) and function["failure"]["mistake"].startswith("Not written yet")


def _why(failure: dict) -> str:
    return failure["mistake"] or f"expected {failure['expected']}, {failure['came']} came."


def _notebooks(folder: Path | None) -> dict[str, tuple]:
    """(path, notebook, exercise) by exercise: of several of one exercise the one with its name, else the latest."""
    from autograder.exercises import CLONE
    from pneumonia.settings import CourseError

    try:
        found = notebooks_at(folder or Path("."))
    except CourseError:
        if folder is not None or not (CLONE / "exercises").is_dir():
            raise
        found = notebooks_at(CLONE / "exercises")
    found.sort(key=lambda entry: (entry[0].stem == entry[2].name, entry[0].stat().st_mtime))
    return {entry[2].name: entry for entry in found}


def _rows(notebooks: dict[str, tuple]) -> Iterator[dict]:
    """The result of each exercise of the course, as plain data, as it is known."""
    from autograder.exercises import exercises, points

    for task in exercises().values():
        row = {"exercise": task.name, "path": None, "points": 0, "max_points": 0, "written": 0, "right": 0}
        row |= {"functions": [], "seconds": 0.0, "remembered": False}
        if task.name in notebooks:
            path, notebook, _ = notebooks[task.name]
            run, remembered = _result(notebook, task)
            functions = run["functions"]
            row |= {"path": str(path), "functions": functions, "remembered": remembered}
            row["points"] = sum(function["points"] for function in functions)
            row["max_points"] = sum(function["max_points"] for function in functions)
            row["written"] = sum(not is_unwritten(function) for function in functions)
            row["right"] = sum(function["passed"] for function in functions)
            row["seconds"] = round(sum(function["seconds"] for function in functions), 3)
        elif (released := task.released) is not None:
            row["max_points"] = sum(points(released, task).values())
        yield row


def _result(notebook: dict, task) -> tuple[dict, bool]:
    """What the public checks say of a notebook, and whether that was known already."""
    from autograder.hand_ins.matching import current_format
    from pneumonia.settings import cache_dir, write_atomically

    notebook, released = current_format(notebook), task.released
    folder = cache_dir("progress")
    path = folder / f"{_digest(notebook, task, released)}.json"
    try:
        return json.loads(path.read_bytes()), True
    except (OSError, ValueError):
        run = run_checks(notebook, task, released)
    # No answer in time may have been the machine's fault, so it is asked for again.
    if not any(row["failure"] and row["failure"]["came"] == "no answer" for row in run["functions"]):
        write_atomically(path, json.dumps(run))
        _forget(folder)
    return run, False


def _digest(notebook: dict, task, released: dict | None) -> str:
    """A digest of all that the result depends on: the learner's code, the checks and the library, what is installed."""
    from autograder.exercises import CLONE
    from autograder.hand_ins.notebooks import learner_cells

    cells = [[cell.name, cell.source, cell.own] for cell in learner_cells(notebook, task, released)]
    digest = hashlib.sha256(json.dumps([task.name, cells, released, sys.version, platform.platform()]).encode())
    for package in CODE:
        for path in sorted((CLONE / package).rglob("*.py")):
            digest.update(str(path).encode() + b"\0" + path.read_bytes())
    for folder in sys.path:
        if Path(folder).is_dir():
            installed = sorted(entry.name for entry in Path(folder).glob("*.dist-info"))
            digest.update("\n".join(installed).encode())
    return digest.hexdigest()


def _forget(folder: Path) -> None:
    """Remove the oldest results, so that the folder does not grow for ever."""
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        path.unlink(missing_ok=True)


def _row_text(row: dict) -> str:
    points = f"{row['points']} / {row['max_points']}"
    start = f"{row['exercise']:<20}{points:>9}  {_bar(row['points'], row['max_points'])}"
    if row["path"] is None:
        return f"{start}  not here"
    count = len(row["functions"])
    seconds = "unchanged" if row["remembered"] else f"{row['seconds']:.2f} s"
    return f"{start}  {row['written']} of {count} written, {row['right']} right  {seconds}"


def _bar(part: int, whole: int) -> str:
    """A bar of plain characters, which every terminal has."""
    filled = BAR * part // whole if whole else 0
    return f"[{'#' * filled}{'.' * (BAR - filled)}]"
