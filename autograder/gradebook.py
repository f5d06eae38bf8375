"""nbgrader's gradebook: grades are written through nbgrader's own API, so that its export and formgrader see them."""

from collections.abc import Iterable, Iterator, Mapping

from autograder.exercises import Exercise, exercise, grade_cell
from autograder.grades import Grade
from autograder.lateness import Lateness
from autograder.release import generate, nbgrader_tools, settings
from pneumonia.settings import CourseError


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


def enter_grades(url: str, grades: Iterable[Grade], late: Mapping | None = None) -> Iterator[Grade]:
    """Enter grades, and give back each that is in; learners and submissions are made where they are missing.

    A grade without a score takes the score away that stands there, since it was another submission's, and asks for a
    look. A score that a person gave by hand stays, and the cell is marked for a second look, as nbgrader does. The time
    of a hand-in and what its lateness costs (`late`, of lateness_of_class) go where nbgrader keeps them.
    Raises CourseError where the gradebook refuses.
    """
    with nbgrader_tools():
        from nbgrader.api import Gradebook
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with Gradebook(url, settings().CourseDirectory.course_id) as gradebook:
                for grade in grades:
                    _enter(gradebook, grade, (late or {}).get((grade.student, grade.assignment)))
                    yield grade
        except (SQLAlchemyError, ValueError) as error:
            raise CourseError(f"The gradebook {url} does not take the grades: {_first_line(error)}") from None


def _enter(gradebook, grade: Grade, late: Lateness | None) -> None:
    from nbgrader.api import MissingEntry

    name = exercise(grade.assignment).name
    if grade.score is None:
        try:
            gradebook.find_submission(name, grade.student)
        except MissingEntry:
            return
    gradebook.update_or_create_student(grade.student)
    about = {"timestamp": late.submitted.replace(tzinfo=None)} if late is not None and late.submitted else {}
    submission = gradebook.update_or_create_submission(name, grade.student, **about)
    for notebook in submission.notebooks:
        notebook.late_submission_penalty = None if late is None else late.penalty(grade.score, grade.max_score)
    for function, earned in grade.earned.items():
        entry = gradebook.find_grade(grade_cell(function), name, name, grade.student)
        entry.auto_score = None if grade.score is None else earned
        entry.needs_manual_grade = grade.score is None or entry.manual_score is not None
    gradebook.db.commit()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
