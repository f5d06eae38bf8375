"""nbgrader's gradebook: grades are written through nbgrader's own API, so that its export and formgrader see them."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice

from autograder.engine.grades import Grade
from autograder.exercises import Exercise, grade_cell
from autograder.release import generate, nbgrader_tools, settings
from pneumonia.settings import CourseError

AT_ONCE = 200  # grades entered in one transaction: each one waits for the disk


def enter_assignment(url: str, task: Exercise) -> None:
    """Enter an assignment with its cells and points, as `nbgrader generate_assignment` does.

    Raises CourseError where the gradebook cannot be opened, or holds submissions of another version of the assignment.
    """
    from sqlalchemy.exc import SQLAlchemyError

    with nbgrader_tools():
        try:
            generate(task, gradebook_url=url)
        except (SQLAlchemyError, CourseError) as error:
            raise CourseError(f"The gradebook {url} does not take {task.name}: {_first_line(error)}") from None


def enter_grades(url: str, grades: Iterable[Grade], late: Mapping | None = None) -> Iterator[list[Grade]]:
    """Enter grades, and give back those that are in, some at a time.

    Learners and submissions are made where they are missing. A grade without a score takes the score away that stands
    there, since it was another submission's, and asks for a look. A score that a person gave by hand stays, and the
    cell is marked for a second look, as nbgrader does. The time of a hand-in and what its lateness costs (`late`, of
    lateness_of_class) go where nbgrader keeps them.
    Raises CourseError where the gradebook refuses.
    """
    with nbgrader_tools():
        from nbgrader.api import Gradebook
        from sqlalchemy.exc import SQLAlchemyError

        grades = iter(grades)
        try:
            with Gradebook(url, settings().CourseDirectory.course_id) as gradebook:
                while batch := list(islice(grades, AT_ONCE)):
                    with _one_transaction(gradebook):
                        for assignment, of_one in groupby(batch, key=lambda grade: grade.assignment):
                            _enter(gradebook, assignment, list(of_one), late or {})
                    yield batch
        except (SQLAlchemyError, ValueError) as error:
            raise CourseError(f"The gradebook {url} does not take the grades: {_first_line(error)}") from None


@contextlib.contextmanager
def _one_transaction(gradebook) -> Iterator[None]:
    """Whatever nbgrader commits in here is written at the end, together, or not at all."""
    with gradebook.engine.begin() as connection:
        gradebook.db.remove()
        gradebook.db.configure(bind=connection, join_transaction_mode="rollback_only", expire_on_commit=False)
        yield
        gradebook.db.remove()


def _enter(gradebook, assignment: str, grades: list[Grade], late: Mapping) -> None:
    """Enter grades of one assignment."""
    from nbgrader.api import MissingEntry

    entered = {}
    for grade in grades:
        if grade.score is None:
            try:
                gradebook.find_submission(assignment, grade.student)
            except MissingEntry:
                continue
        gradebook.update_or_create_student(grade.student)
        lateness = late.get((grade.student, assignment))
        time = {"timestamp": lateness.submitted.replace(tzinfo=None)} if lateness and lateness.submitted else {}
        submission = gradebook.update_or_create_submission(assignment, grade.student, **time)
        if late:
            for notebook in submission.notebooks:
                notebook.late_submission_penalty = lateness and lateness.penalty(grade.score, grade.max_score)
        entered[grade.student] = grade
    for student, cell, entry in _entries(gradebook, assignment, list(entered)):
        grade = entered[student]
        points = {grade_cell(function): earned for function, earned in grade.earned.items()}
        if cell not in points:  # a cell that the course no longer grades
            continue
        entry.auto_score = None if grade.score is None else points[cell]
        entry.needs_manual_grade = grade.score is None or entry.manual_score is not None
    gradebook.db.commit()


def _entries(gradebook, assignment: str, students: list[str]) -> list[tuple]:
    """(student, name of the grade cell, nbgrader's own entry) for all cells of some students.

    Asked for at once, along the database's indexes: one by one, each costs more the larger the class is.
    """
    from nbgrader.api import Assignment, GradeCell, Notebook, SubmittedAssignment, SubmittedNotebook
    from nbgrader.api import Grade as Entry

    query = gradebook.db.query(SubmittedAssignment.student_id, GradeCell.name, Entry)
    query = query.select_from(Assignment)
    query = query.join(Notebook, Notebook.assignment_id == Assignment.id)
    query = query.join(GradeCell, GradeCell.notebook_id == Notebook.id)
    query = query.join(SubmittedAssignment, SubmittedAssignment.assignment_id == Assignment.id)
    query = query.join(
        SubmittedNotebook,
        (SubmittedNotebook.notebook_id == Notebook.id) & (SubmittedNotebook.assignment_id == SubmittedAssignment.id),
    )
    query = query.join(Entry, (Entry.notebook_id == SubmittedNotebook.id) & (Entry.cell_id == GradeCell.id))
    return query.filter(Assignment.name == assignment, SubmittedAssignment.student_id.in_(students)).all()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
