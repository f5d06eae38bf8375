"""`course similar`: pairs of a class whose code is more alike than the exercise explains."""

import json
from pathlib import Path

import click

from course.grading import reporting


@click.command()
@click.argument("submitted", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--assignment", help="Compare this exercise only, for instance 02-metrics.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.4,
    show_default=True,
    help="Share of the smaller notebook's weight that a pair must have in common.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Default: `similar.html` beside SUBMITTED.",
)
@reporting
def similar(submitted: Path, assignment: str | None, threshold: float, output: Path | None):
    """Compare the notebooks in SUBMITTED, a class as `course grade` takes it, with each other.

    Writes a page with the pairs that have much in common, their code side by side. No learner's code is run.
    """
    from tqdm import tqdm

    from autograder.engine.grading import find_handins
    from autograder.reporting.similarity import similar_pairs
    from autograder.reporting.similarity_page import similarity_page
    from pneumonia.settings import write_atomically

    handins, _ = find_handins(submitted, assignment)
    pairs, read = {}, {}
    for name in dict.fromkeys(handin.exercise for handin in handins):
        codes, functions = _codes([handin for handin in handins if handin.exercise == name], name)
        pairs[name] = similar_pairs(
            codes,
            _given(name),
            threshold=threshold,
            kept_names=functions,
            progress=lambda items, total: tqdm(items, total=total, unit="notebook", disable=None),
        )
        read[name] = len(codes)
        click.echo(f"{name}: {len(pairs[name])} pairs of {len(codes)} notebooks.")
    output = output or submitted.resolve().parent / "similar.html"
    write_atomically(output, similarity_page(pairs, read, threshold))
    click.echo(f"Report: {output}")


def _codes(handins: list, name: str) -> tuple[list, tuple[str, ...]]:
    """The learners' own code, of the notebooks that can be read, and the names that the exercise gives."""
    from autograder.exercises import exercise
    from autograder.hand_ins.notebooks import NotebookError, learner_cells, read_notebook
    from autograder.reporting.similarity import read_code

    task = exercise(name)
    released = json.loads(task.release.read_bytes())
    codes = []
    for handin in handins:
        if handin.problem:
            continue
        try:
            cells = learner_cells(read_notebook(handin.path), task, released)
        except NotebookError:
            continue
        codes.append(read_code(handin.student, [cell.source for cell in cells if cell.own], task.functions))
    return codes, task.functions


def _given(name: str) -> list[str]:
    """The code that everyone has, or may have by the exercise itself: the release and the course's solution."""
    from autograder.exercises import exercise
    from autograder.hand_ins.notebooks import source_of

    task = exercise(name)
    notebooks = [json.loads(path.read_bytes()) for path in (task.release, task.source)]
    return [source_of(cell) for notebook in notebooks for cell in notebook["cells"] if cell["cell_type"] == "code"]
