"""`course check`, `grade`, `release` and `sample`: the exercises on the command line."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from autograder.judging.sandbox import SANDBOXES

STAMP = ".published"  # in the output folder: what its reports were made of
LINES = 20  # that are printed of what is ignored, and of what has no score
SECONDS = click.FloatRange(min=0, min_open=True)


class UserError(click.ClickException):
    """A mistake at the command line, or in what was handed in: exit status 2, as for click's own usage errors."""

    exit_code = 2


def reporting(command):
    """Turn the course's own errors into one line on stderr: nobody wants a traceback for a mistyped path."""
    from functools import wraps

    @wraps(command)
    def run(*args, **kwargs):
        from pneumonia.settings import CourseError

        try:
            return command(*args, **kwargs)
        except CourseError as error:
            raise UserError(str(error)) from None
        except OSError as error:
            raise UserError(f"{error.filename or 'A file'}: {error.strerror or error}") from None

    return run


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--fix", is_flag=True, help="Repair what can be repaired safely, and keep a copy of what was.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@reporting
def check(path: Path, fix: bool, as_json: bool):
    """Check the exercise in PATH, a notebook or a folder of them (here, where none is given).

    Runs the notebook from the top in a process of its own, then the public checks, and looks for what would go wrong
    when it is handed in: cells that are lost, doubled or changed, code that works only out of order, a wrong kernel.
    --fix never changes your own code. Exit status: 0 where all is right, 1 where a function is not or points would be
    lost, 2 where there is nothing to check.
    """
    results = [_check_notebook(notebook, fix) for notebook in notebooks_at(path)]
    if as_json:
        click.echo(json.dumps(results, indent=1))
    else:
        for result in results:
            click.echo(_check_text(result))
    passed = all(function["passed"] for result in results for function in result["functions"])
    costs = any(finding["severity"] == "problem" for result in results for finding in result["findings"])
    sys.exit(0 if passed and not costs else 1)


@click.command()
@click.argument("submitted", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Default: `graded` beside SUBMITTED.")
@click.option("--assignment", help="Grade this exercise only, for instance 02-metrics.")
@click.option("--workers", type=click.IntRange(1, 256), help="Notebooks at a time. Default: one a core.")
@click.option("--seed", type=click.IntRange(min=0), help="Draw the checks' inputs as an earlier grading did.")
@click.option("--fresh", is_flag=True, help="Draw new inputs, and grade everything again with them.")
@click.option("--gradebook", help="nbgrader's database. Default: sqlite, gradebook.db in the output folder.")
@click.option(
    "--sandbox",
    type=click.Choice(SANDBOXES),
    default=SANDBOXES[0],
    show_default=True,
    help="What holds learners' code. `none`: nothing, it can do all that you can.",
)
@click.option("--due", multiple=True, help="Due date, 2026-11-30T23:59+01:00; of one exercise, 02-metrics=DATE.")
@click.option(
    "--late-penalty",
    type=click.FloatRange(0, 100),
    default=0.0,
    show_default=True,
    help="Percent of an exercise's points that each day begun after the due date costs.",
)
@click.option("--late-days", type=click.IntRange(min=0), help="Days after which a hand-in counts nothing.")
@click.option("--cell-seconds", type=SECONDS, help="How long a cell may take. Default: 30.")
@click.option("--call-seconds", type=SECONDS, help="How long one call of a function may take. Default: 10.")
@click.option("--submission-seconds", type=SECONDS, help="How long a notebook may take in all. Default: 180.")
@click.option("--cluster", help="Grade on a Dask cluster: tcp://HOST:PORT, a scheduler file, or `slurm` to begin one.")
@click.option("--jobs", type=click.IntRange(min=1), help="With `--cluster slurm`: Slurm jobs at a time. Default: 1.")
@reporting
def grade(submitted, output, assignment, workers, seed, fresh, gradebook, sandbox, cluster, jobs, **more):
    """Grade a class: SUBMITTED/<student>/<exercise>/<exercise>.ipynb.

    Writes grades.csv, grades.json, junit.xml, report.html and feedback/<student>/<exercise>.html below the output
    folder, and the scores into nbgrader's gradebook. What lateness costs stands beside a score, which it leaves as it
    is. What was graded and has not changed, nor its checks, is not graded again: stop it
    whenever you like, and run it again to go on. Exit status: 0 where every submission has a score (0 points is one),
    1 where the grader failed at one, 2 where there was nothing to grade, 130 where it was interrupted.

    Where models are made or trained, cells may take twice, calls three times, notebooks twice the seconds named here.
    """
    from autograder.engine.grading import Class, find_handins
    from autograder.engine.journal import Journal
    from autograder.engine.lateness import Terms, lateness_of_class, parse_due
    from autograder.reporting.reports import SANDBOX_NOTES

    _require_one_place(workers, cluster, jobs)
    find_handins(submitted, assignment)  # where there is nothing to grade, nothing is written
    output = output or submitted.resolve().parent / "graded"
    terms = Terms(parse_due(more.pop("due")), more.pop("late_penalty"), more.pop("late_days"))
    if sandbox == "none":
        click.secho(SANDBOX_NOTES[sandbox], fg="yellow", err=True)
    with Journal(output) as journal:
        how = {"seed": seed, "fresh": fresh, "held_by": sandbox, "limits": _limits(**more)}
        graded = Class(submitted, journal, assignment=assignment, **how)
        gradebook = gradebook or f"sqlite:///{(output / 'gradebook.db').resolve()}"
        publication = Publication(graded, output, gradebook, lateness_of_class(graded.handins, terms))
        with _team(workers, cluster, jobs) as team:
            graded.prepare(team)
            interrupted = _grade(graded, publication, team)
    _say_how_it_went(graded, output, gradebook)
    if interrupted:
        click.secho(f"Interrupted: {len(graded.todo)} are left. Run it again to go on.", fg="yellow", err=True)
        sys.exit(130)
    sys.exit(1 if graded.todo or any(grade.error for grade in graded.grades) else 0)


def _limits(**seconds: float | None):
    """The limits of a submission, those that were named in the place of the usual ones."""
    from autograder.judging.judge import Limits

    return Limits(**{name.removesuffix("_seconds"): most for name, most in seconds.items() if most is not None})


def _require_one_place(workers: int | None, cluster: str | None, slurm_jobs: int | None) -> None:
    if cluster and workers:
        raise click.UsageError("--workers is for this machine; a cluster grades as many at a time as it has threads.")
    if slurm_jobs and cluster != "slurm":
        raise click.UsageError("--jobs belongs to --cluster slurm.")


def _team(workers: int | None, cluster: str | None, slurm_jobs: int | None):
    """What grades: judges of this machine, or those of a cluster."""
    if cluster:
        from autograder.engine.cluster import ClusterTeam

        def say(line: str) -> None:
            click.secho(line, fg="yellow", err=True)

        return ClusterTeam(cluster, slurm_jobs=slurm_jobs or 1, say=say)

    from autograder.engine.judges import Team

    return Team(workers or os.cpu_count() or 1)


def _grade(graded, publication: "Publication", team) -> bool:
    """Grade what must be graded, and publish all grades; whether that was interrupted."""
    from tqdm import tqdm

    if not graded.todo and publication.is_up_to_date:
        return False
    # Before the work, not after it: a gradebook that cannot be written to is better known now.
    publication.enter_assignments()
    # What must be graded again has no score from here on, whatever happens: the old one was another submission's.
    publication.publish()
    interrupted, grades = False, graded.grade(team)
    try:
        for grade in tqdm(grades, total=len(graded.todo), unit="notebook", disable=None):
            publication.write_feedback(grade)
    except KeyboardInterrupt:
        grades.close()
        interrupted = True
    publication.publish()
    return interrupted


@dataclass
class Publication:
    """What is made of a class's grades: reports in a folder, and a gradebook."""

    graded: Any  # autograder.engine.grading.Class
    output: Path
    gradebook: str
    late: Mapping  # (student, exercise) -> autograder.engine.lateness.Lateness

    @property
    def is_up_to_date(self) -> bool:
        """Whether the reports and the gradebook hold the grades as they stand, and say the same of lateness."""
        return not self._not_entered() and self._published() == self._stamp()

    def enter_assignments(self) -> None:
        """Enter the class's assignments, with their cells and points, into the gradebook."""
        from autograder.engine.gradebook import enter_assignment
        from autograder.exercises import exercise

        for name in dict.fromkeys(handin.exercise for handin in self.graded.handins):
            enter_assignment(self.gradebook, exercise(name))

    def write_feedback(self, grade) -> None:
        """Write a learner's page."""
        from autograder.reporting.reports import write_feedback

        write_feedback(grade, self.output, self.late)

    def publish(self) -> None:
        """Write reports and gradebook as the class stands now."""
        from autograder.engine.gradebook import enter_grades
        from autograder.reporting.reports import write_reports
        from pneumonia.settings import write_atomically

        write_reports(self.graded.result(), self.output, self.late)
        same_lateness = self._published()[1:] == self._stamp()[1:]
        grades = self._not_entered() if same_lateness or not self.late else self.graded.grades
        for batch in enter_grades(self.gradebook, grades, self.late):
            entered = [(grade, self.graded.entry_of(grade)) for grade in batch]
            self.graded.journal.note_entered(self.gradebook, entered)
        write_atomically(self.output / STAMP, "\n".join(self._stamp()))

    def _not_entered(self) -> list:
        """The grades that the gradebook does not hold as they are, those among them that no longer stand."""
        entry_of, journal = self.graded.entry_of, self.graded.journal
        return [g for g in self.graded.grades if entry_of(g) != (journal.entered(self.gradebook, g) or 0)]

    def _stamp(self) -> list[str]:
        """The fingerprints of what the reports are made of: of the grades, and of what is said of lateness."""
        from autograder.engine.fingerprints import of_bytes

        grades = [(grade.student, grade.assignment, grade.key, grade.error) for grade in self.graded.grades]
        parts = (grades, self.graded.ignored), (self.gradebook, sorted(self.late.items()))
        return [of_bytes(repr(part).encode("utf-8", "backslashreplace")) for part in parts]

    def _published(self) -> list[str]:
        """The fingerprints of what the reports that are there were made of; none where there are none."""
        written = self.output / STAMP
        return written.read_text().split() if written.is_file() else []


def _say_how_it_went(graded, output: Path, gradebook: str) -> None:
    from autograder.engine.grades import WAITING

    grading = graded.result()
    failed = [row for row in grading.grades if row.error and row.error != WAITING]
    for line in grading.ignored[:LINES]:
        click.echo(f"Ignored: {_printable(line)}", err=True)
    for row in failed[:LINES]:
        click.secho(_printable(f"No score for {row.student}, {row.assignment}: {row.error}"), fg="red", err=True)
    if more := max(0, len(grading.ignored) - LINES) + max(0, len(failed) - LINES):
        click.echo(f"... and {more} more, all of them in the report.", err=True)
    scores = sum(row.score is not None for row in grading.grades)
    click.echo(
        f"{graded.done} graded in {grading.seconds:.1f} s; {scores} of {len(grading.grades)} have a score. "
        f"Seed {grading.seed}."
    )
    click.echo(f"Grades: {output / 'grades.csv'}\nReport: {output / 'report.html'}\nGradebook: {gradebook}")


def _printable(text: str) -> str:
    """A learner's text for a terminal: what could be a command to it is shown and not sent."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@click.command()
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit status 1 if out of date.")
@reporting
def release(only_check: bool):
    """Generate exercises/ from solutions/: without solutions, without hidden tests."""
    from autograder.exercises import CLONE
    from autograder.release import differences, write

    folder = CLONE / "exercises"
    if only_check:
        lines = differences(folder)
        for line in lines:
            click.echo(f"exercises/{line}", err=True)
        if lines:
            click.echo("Run `course release` and commit what it writes.", err=True)
        sys.exit(1 if lines else 0)
    changed = write(folder)
    click.echo("\n".join(f"wrote {path.relative_to(CLONE)}" for path in changed) or "exercises/ is up to date")


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@reporting
def sample(folder: Path):
    """Write a sample class of eight submissions into FOLDER, to try `course grade` on."""
    from autograder.sample import write_sample_class

    students = write_sample_class(folder)
    click.echo(f"{len(students)} learners in {folder}: {', '.join(students)}")


def notebooks_at(path: Path) -> list[tuple]:
    """(path, notebook, exercise) of each exercise's notebook at a path; in a folder, also one folder further down."""
    from autograder.exercises import exercises
    from autograder.hand_ins.matching import current_format, load
    from autograder.hand_ins.notebooks import NotebookError, exercise_in
    from autograder.hand_ins.repairs import is_kept_copy
    from pneumonia.settings import CourseError

    if path.is_file():
        found = [path]
    else:
        patterns = ("*.ipynb", "*/*.ipynb", "exercises/*/*.ipynb")
        found = sorted({notebook for pattern in patterns for notebook in path.glob(pattern)})
        found = [file for file in found if ".ipynb_checkpoints" not in file.parts and not is_kept_copy(file)]
    known = []
    for file in found:
        try:
            notebook = load(file)
        except NotebookError as error:
            raise CourseError(f"{file}: {error}") from None
        if (task := exercise_in(file, current_format(notebook))) is not None:
            known.append((file, notebook, task))
    if not known:
        raise CourseError(
            f"There is no exercise's notebook at {path}: expected a notebook that was copied from exercises/ "
            f"({', '.join(exercises())}), or a folder that holds one."
        )
    return known


def _check_notebook(entry: tuple, fix: bool = False) -> dict:
    """Repair a notebook if that is asked for, then examine it and run its public checks; the result as plain data."""
    from autograder.hand_ins.doctor import examine, not_defined
    from autograder.hand_ins.matching import current_format

    path, notebook, task = entry
    released = task.released
    notebook, fixed = _fix(path, notebook, released, task) if fix else (notebook, None)
    run = run_checks(current_format(notebook), task, released)
    failures = [row["failure"]["came"] for row in run["functions"] if row["failure"]]
    findings = examine(notebook, released, task, path)
    findings += not_defined(notebook, released, task, failures, run["notes"])
    return {
        "exercise": task.name,
        "path": str(path),
        **run,
        "findings": [asdict(finding) for finding in findings],
        "fixed": fixed,
    }


def _fix(path: Path, notebook: dict, released: dict | None, task) -> tuple[dict, dict]:
    """The notebook repaired, in its file too, and what was done; the file is left alone where nothing was to do."""
    from autograder.hand_ins.matching import as_bytes
    from autograder.hand_ins.repairs import keep_copy, repair
    from pneumonia.settings import write_atomically

    repaired, done = repair(notebook, released, task)
    if not done:
        return notebook, {"done": [], "copy": None}
    kept = keep_copy(path)
    write_atomically(path.resolve(), as_bytes(repaired))  # resolved: a symbolic link stays one
    return repaired, {"done": done, "copy": str(kept)}


def run_checks(notebook: dict, task, released: dict | None) -> dict:
    """What the public checks say of each function, and notes on cells that stopped, as plain data."""
    from autograder.exercises import points
    from autograder.hand_ins.notebooks import learner_cells
    from autograder.judging.judge import judge

    worth = points(released or notebook, task)
    judgement = judge(learner_cells(notebook, task, released), task, hidden=False)
    functions = [
        {
            "function": outcome.function,
            "points": outcome.earned(worth[outcome.function]),
            "max_points": worth[outcome.function],
            "passed": outcome.passed,
            "seconds": round(outcome.seconds, 3),
            "failure": asdict(outcome.failure) if outcome.failure else None,
            "message": outcome.failure.text() if outcome.failure else "",
        }
        for outcome in judgement.outcomes
    ]
    return {"functions": functions, "notes": list(judgement.notes)}


def _check_text(result: dict) -> str:
    """The result for a person: a table, then what failed."""
    functions = result["functions"]
    lines = [click.style(f"{result['exercise']}  {result['path']}", bold=True)]
    lines.append(f"  {'function':<24}{'points':>8}{'seconds':>9}")
    for row in functions:
        part = click.style("in part", fg="yellow") if row["points"] else click.style("not yet", fg="red")
        mark = click.style("right", fg="green") if row["passed"] else part
        points = f"{row['points']} / {row['max_points']}"
        lines.append(f"  {row['function']:<24}{points:>8}{row['seconds']:>9.2f}  {mark}")
    earned, total = sum(row["points"] for row in functions), sum(row["max_points"] for row in functions)
    lines.append(f"  {'in all':<24}{f'{earned} / {total}':>8}")
    for row in functions:
        if not row["passed"]:
            lines += ["", click.style(row["function"], bold=True), row["message"]]
    lines += [f"\nnote: {note}" for note in result["notes"]]
    return "\n".join(lines + _findings_text(result))


def _findings_text(result: dict) -> list[str]:
    """What the doctor repaired and what it found, as lines."""
    lines, colors = [], {"problem": "red", "warning": "yellow", "hint": "blue"}
    if result["fixed"] and result["fixed"]["done"]:
        lines += ["", click.style("Repaired", bold=True) + f" (as it was: {result['fixed']['copy']})"]
        lines += [f"  {done}" for done in result["fixed"]["done"]]
    elif result["fixed"]:
        lines += ["", "There was nothing to repair."]
    if result["findings"]:
        lines += ["", click.style("Before you hand it in", bold=True)]
    for finding in result["findings"]:
        where = f"cell {finding['cell']}: " if finding["cell"] else ""
        lines.append(
            f"  {click.style(finding['severity'], fg=colors[finding['severity']])}  {where}{finding['sentence']}"
        )
    if any(finding["repair"] for finding in result["findings"]):
        lines.append(f"  `course check --fix {_quoted(result['path'])}` repairs what can be repaired safely.")
    return lines


def _quoted(path: str) -> str:
    """A path as it is typed in a terminal."""
    return f'"{path}"' if any(character in path for character in " ()&'") else path
