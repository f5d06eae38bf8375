"""`course export`: grades for Canvas and Moodle, an autograder for Gradescope."""

from pathlib import Path

import click

from course.grading import reporting

GRADED = click.argument("graded", type=click.Path(exists=True, file_okay=False, path_type=Path))
ASSIGNMENT = click.option("--assignment", help="Export this exercise only, for instance 02-metrics.")
OUTPUT = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to write."
)


@click.group()
def export():
    """Write grades for a gradebook elsewhere, or an autograder for Gradescope.

    GRADED is the folder that `course grade` wrote. What lateness costs is taken off.
    """


@export.command()
@GRADED
@click.option(
    "--roster",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The CSV that Canvas exported: its ids and its assignments are used.",
)
@ASSIGNMENT
@OUTPUT
@reporting
def canvas(graded: Path, roster: Path | None, assignment: str | None, output: Path):
    """Write a CSV for Canvas: Grades, Import."""
    from autograder.reporting.exchange import canvas_csv, read_scores

    _write(canvas_csv(read_scores(graded, assignment), _text(roster)), output)


@export.command()
@GRADED
@click.option(
    "--identifier",
    type=click.Choice(["email", "idnumber", "username"]),
    default="email",
    show_default=True,
    help="What Moodle knows learners by.",
)
@click.option(
    "--roster",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV that Moodle exported, with that identifier and the names.",
)
@ASSIGNMENT
@OUTPUT
@reporting
def moodle(graded: Path, identifier: str, roster: Path | None, assignment: str | None, output: Path):
    """Write a CSV for Moodle: Grades, Import, CSV file."""
    from autograder.reporting.exchange import moodle_csv, read_scores

    _write(moodle_csv(read_scores(graded, assignment), identifier, _text(roster)), output)


@export.command()
@click.argument("exercise")
@click.option(
    "--sandbox", help="What holds a learner's code there, as for `course grade`; its default where not given."
)
@OUTPUT
@reporting
def gradescope(exercise: str, sandbox: str | None, output: Path):
    """Write the Gradescope autograder archive (zip) of EXERCISE, for instance 02-metrics."""
    from autograder.engine.gradescope import archive
    from autograder.exercises import exercise as exercise_named
    from pneumonia.settings import write_atomically

    content = archive(exercise_named(exercise), sandbox)
    write_atomically(output, content)
    click.echo(f"{output}: {len(content) / 2**20:.1f} MB. Upload it at Configure Autograder, Zip file upload.")


def _text(roster: Path | None) -> str | None:
    from pneumonia.settings import CourseError

    try:
        return None if roster is None else roster.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CourseError(f"{roster} is not UTF-8 text: expected the CSV as it was exported.") from None


def _write(exported, output: Path) -> None:
    from pneumonia.settings import write_atomically

    write_atomically(output, exported.text)
    for line in exported.left_out:
        click.secho(f"Left out: {line}", fg="yellow", err=True)
    click.echo(f"{output}: {exported.scores} scores, {len(exported.left_out)} learners left out.")
