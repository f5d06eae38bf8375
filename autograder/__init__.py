"""The grading side: checks (pytest), the judge and its worker, the grading engine, reports."""
