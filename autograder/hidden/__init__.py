"""What learners do not receive: the checks that run at grading only, and the answers of the sample class.

This folder is left out of the installed package; an instructor grades from a clone.
"""
