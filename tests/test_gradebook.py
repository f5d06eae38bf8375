"""Grades in nbgrader's gradebook: many in one transaction, each as if it had been entered alone."""

import shutil
from pathlib import Path

import pytest

from autograder.engine import gradebook
from autograder.engine.gradebook import enter_assignment, enter_grades
from autograder.engine.grades import Grade
from autograder.engine.journal import Journal
from autograder.exercises import exercise, points_of
from autograder.running import Outcome
from pneumonia.settings import CourseError

EXERCISE = exercise("02-metrics")
FULL = sum(points_of(EXERCISE).values())


@pytest.fixture(scope="module")
def empty(tmp_path_factory) -> Path:
    """A gradebook with the assignment and nobody in it."""
    path = tmp_path_factory.mktemp("gradebook") / "gradebook.db"
    enter_assignment(f"sqlite:///{path}", EXERCISE)
    return path


@pytest.fixture
def url(empty, tmp_path) -> str:
    return f"sqlite:///{shutil.copy(empty, tmp_path)}"


def grade(student: str, *, right: bool = True, error: str = "") -> Grade:
    outcomes = tuple(Outcome(function, 1, 0.0, None) for function in EXERCISE.functions) if right else ()
    return Grade(student, EXERCISE.name, points_of(EXERCISE), outcomes, error=error)


def scores(url: str) -> dict[str, tuple[float, bool]]:
    """Student -> score, and whether somebody should look."""
    from nbgrader.api import Gradebook

    with Gradebook(url, "pneumonia") as book:
        entries = book.assignment_submissions(EXERCISE.name)
        return {entry.student_id: (entry.score, entry.needs_manual_grade) for entry in entries}


def test_a_class_in_several_transactions(url, monkeypatch):
    monkeypatch.setattr(gradebook, "AT_ONCE", 2)
    grades = [grade("ada"), grade("bruno", right=False), grade("carmen"), grade("deniz", error="lost"), grade("emeka")]
    assert [len(entered) for entered in enter_grades(url, grades)] == [2, 2, 1]
    assert scores(url) == {"ada": (FULL, False), "bruno": (0, False), "carmen": (FULL, False), "emeka": (FULL, False)}


def test_a_later_grade_takes_the_place_of_an_earlier_one(url):
    list(enter_grades(url, [grade("ada"), grade("bruno"), grade("carmen")]))
    list(enter_grades(url, [grade("ada", right=False), grade("bruno", error="lost")]))
    assert scores(url) == {"ada": (0, False), "bruno": (0, True), "carmen": (FULL, False)}


def test_what_is_refused_leaves_nothing_of_its_transaction(url, monkeypatch):
    monkeypatch.setattr(gradebook, "AT_ONCE", 2)
    entering = enter_grades(url, [grade("ada"), grade("bruno"), grade("carmen"), grade(None)])
    assert [row.student for row in next(entering)] == ["ada", "bruno"]
    with pytest.raises(CourseError, match="does not take the grades"):
        next(entering)
    assert set(scores(url)) == {"ada", "bruno"}


def test_the_journal_knows_what_was_entered_last(tmp_path):
    with Journal(tmp_path) as journal:
        journal.note_entered("book", [(grade("ada"), 1), (grade("bruno"), 2)])
        journal.note_entered("book", [(grade("ada"), 3)])
        found = [
            journal.entered(book, grade(name)) for book, name in (("book", "ada"), ("book", "bruno"), ("b", "ada"))
        ]
    assert found == [3, 2, None]
