"""nbgrader's settings for this course: run `nbgrader` from the top of the clone.

`nbgrader generate_assignment 02-metrics` gives the same release as `course release`, which is what the tests compare.
"""

c = get_config()  # noqa: F821  nbgrader gives this file its name

c.CourseDirectory.course_id = "pneumonia"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"

c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
