"""The grading side: checks (pytest), the judge and its worker, the grading engine, reports."""

from autograder.in_place import check

__all__ = ["check"]
