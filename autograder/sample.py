"""A sample class: eight submissions made from the repository's own notebook, to see grading at work."""

import ast
import json
from pathlib import Path

from autograder.exercises import PACKAGE, Exercise, exercise
from autograder.hand_ins.notebooks import grading_metadata, source_of
from autograder.release import generate
from pneumonia.settings import CourseError, write_atomically

ANSWERS = PACKAGE / "hidden" / "samples"
EXERCISE = "02-metrics"
WITHOUT_NOTEBOOK = "hana"


def sample_class() -> dict[str, bytes | None]:
    """Learner -> the notebook handed in, None where there is none. The same bytes each time.

    Raises CourseError outside a clone of the course.
    """
    task = exercise(EXERCISE)
    if not ANSWERS.is_dir():
        raise CourseError(f"{ANSWERS} does not exist: the sample class is made in a clone of the course.")
    (released,) = generate(task).values()
    return {
        "ada": _answered(released, course_solution(task)),
        "bruno": _answered(released, answers_in("loops")),
        "carmen": _answered(released, answers_in("partly")),
        "deniz": _answered(released, answers_in("mistakes")),
        "emeka": _bytes(json.loads(released) | {"cells": []}),
        "fatima": released[: len(released) // 2],
        "goran": _answered(released, answers_in("runaway")),
        WITHOUT_NOTEBOOK: None,
    }


def write_sample_class(folder: Path) -> list[str]:
    """Write the sample class as `folder/<student>/<exercise>/<exercise>.ipynb`; gives the learners' names.

    Raises CourseError where the folder holds anything else, which could be a real class.
    """
    students = sample_class()
    strangers = sorted({path.name for path in folder.iterdir()} - set(students)) if folder.is_dir() else []
    if strangers:
        raise CourseError(f"{folder} holds more than the sample class ({strangers[0]}): name another folder.")
    for student, notebook in students.items():
        place = folder / student / EXERCISE
        place.mkdir(parents=True, exist_ok=True)
        if notebook is not None:
            write_atomically(place / f"{EXERCISE}.ipynb", notebook)
    return list(students)


def _answered(released: bytes, answers: dict[str, str]) -> bytes:
    """The released notebook with answers in the cells of their functions."""
    notebook = json.loads(released)
    for cell in notebook["cells"]:
        grade_id = grading_metadata(cell).get("grade_id")
        if grade_id in answers:
            cell["source"] = answers[grade_id].splitlines(keepends=True)
    return _bytes(notebook)


def answers_in(module: str) -> dict[str, str]:
    """Function -> its source in a module of answers, below the module's imports."""
    text = (ANSWERS / f"{module}.py").read_text(encoding="utf-8")
    body = ast.parse(text).body
    imports = [ast.get_source_segment(text, node) for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]
    above = "".join(f"{line}\n" for line in imports) + "\n" * bool(imports)
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    return {function.name: above + ast.get_source_segment(text, function) for function in functions}


def course_solution(task: Exercise) -> dict[str, str]:
    """Function -> the course's own solution, without the lines that mark it."""
    cells = json.loads(task.source.read_bytes())["cells"]
    texts = {grading_metadata(cell).get("grade_id"): source_of(cell) for cell in cells}
    return {
        function: "\n".join(line for line in texts[function].splitlines() if "### " not in line)
        for function in task.functions
    }


def _bytes(notebook: dict) -> bytes:
    return (json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode("utf-8")
