"""`course collect`: the notebooks of a downloaded archive, into the folders that `course grade` reads."""

import sys
from collections import Counter
from pathlib import Path

import click

from course.grading import reporting

WORDS = {
    "placed": "placed",
    "same": "there already, the same",
    "replaced": "placed over an earlier one",
    "kept": "not placed: another one is there (--replace takes the archive's)",
}


@click.command()
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="submitted",
    show_default=True,
    help="The folder that is graded.",
)
@click.option("--assignment", help="The exercise of all notebooks, for instance 02-metrics; else each one's cells say.")
@click.option("--replace", is_flag=True, help="Put the archive's notebook over a different one that is there.")
@click.option(
    "--worksheet",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Moodle only: its grading worksheet (CSV, in English), which has the times that its archive lacks.",
)
@click.option("--due", help="Canvas only, which records LATE and no times: the due date, as for `course grade`.")
@reporting
def collect(
    archive: Path, output: Path, assignment: str | None, replace: bool, worksheet: Path | None, due: str | None
):
    """Place the notebooks of ARCHIVE, a zip from Moodle or Canvas, or of folders <student>/<exercise>/.

    Writes OUTPUT/<student>/<exercise>/<exercise>.ipynb and the time of each hand-in, timestamp.txt, beside it. Says
    which files it could not place, and why. Exit status: 0 where each notebook is in its place, 1 where one is not.
    """
    from autograder.engine.collecting import collect as collect_archive
    from autograder.engine.collecting import read_worksheet
    from autograder.engine.lateness import parse_due

    date = parse_due([due])[""] if due else None
    times = read_worksheet(worksheet.read_text(encoding="utf-8", errors="replace")) if worksheet else None
    collected = collect_archive(archive, output, assignment=assignment, replace=replace, due=date, times=times)
    for hand_in in collected.placed:
        if hand_in.outcome in ("kept", "replaced"):
            click.echo(f"{hand_in.student}, {hand_in.exercise}: {WORDS[hand_in.outcome]}", err=True)
    for name, reason in collected.refused:
        click.echo(f"{name}: not placed, {reason}", err=True)
    counts = Counter(hand_in.outcome for hand_in in collected.placed)
    said = [f"{counts[outcome]} {words.partition(':')[0]}" for outcome, words in WORDS.items() if counts[outcome]]
    click.echo(f"{output}: {', '.join(said) or 'nothing to place'}; {len(collected.refused)} other files.")
    for line in _warnings(collected.placed):
        click.secho(line, fg="yellow", err=True)
    missing = counts["kept"] or any(name.lower().endswith(".ipynb") for name, _ in collected.refused)
    sys.exit(1 if missing or not collected.placed else 0)


def _warnings(placed) -> list[str]:
    """What an instructor should know of the hand-ins' times."""
    lines = []
    late = [f"{hand_in.student} ({hand_in.exercise})" for hand_in in placed if hand_in.late]
    if late:
        lines.append(f"Marked LATE by Canvas: {', '.join(late)}.")
    if any(not hand_in.timed for hand_in in placed):
        lines.append(
            "Of some hand-ins the time is not known, because archives of Moodle and Canvas hold that of the download: "
            "give Moodle's grading worksheet by --worksheet, or Canvas's due date by --due. As it is they count as in "
            "time, and the report names them."
        )
    elif late:
        lines.append(
            "How late those are Canvas does not say: their timestamp.txt holds the time of the download, an upper "
            "bound that you can correct."
        )
    return lines
