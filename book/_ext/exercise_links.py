"""The box that leads from a lesson to its exercise: title, minutes and points are read from the exercise's notebook.

:::{exercise} 02-metrics
Write the counts, the rates and the area under the ROC curve yourself.
:::

A lesson to which no exercise belongs has a box of its own, with the minutes that it takes:

:::{practice} 20
Cover a healthy image. What falls?
:::
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from autograder.exercises import exercise, points
from pneumonia.settings import CourseError

USED = re.compile(r":::\{exercise\} (?P<name>[\w-]+)")
PRACTICE = re.compile(r":::\{practice\} (?P<minutes>\d+)")


@dataclass(frozen=True)
class Card:
    """What a notebook says of itself."""

    title: str
    minutes: int
    points: int


@cache
def card(name: str) -> Card:
    """The card of an exercise, from the top of its notebook. CourseError where there is no such exercise."""
    known = exercise(name)
    notebook = json.loads(known.release.read_text(encoding="utf-8"))
    top = "".join(notebook["cells"][0]["source"])
    title = re.search(r"^# (.+)$", top, flags=re.MULTILINE)[1]
    minutes = re.search(r"About (\d+) minutes", top)[1]
    return Card(title, int(minutes), sum(points(notebook, known).values()))


def practice_minutes(source: str) -> int:
    """Minutes of the exercises that a page's source leads to, and of its own practice; 0 where it has neither."""
    return sum(card(name).minutes for name in set(USED.findall(source))) + sum(map(int, PRACTICE.findall(source)))


def setup(app):
    app.add_directive("exercise", ExerciseLink)
    app.add_directive("practice", Practice)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class ExerciseLink(SphinxDirective):
    required_arguments = 1
    has_content = True

    def run(self):
        name = self.arguments[0]
        try:
            found = card(name)
        except CourseError as error:
            raise self.error(f"exercise: {error}") from None
        path = Path("exercises", name, f"{name}.ipynb")
        self.env.note_dependency(str(Path(self.env.srcdir, path)))
        box = nodes.admonition(classes=["exercise"])
        box += nodes.title("", found.title)
        self.state.nested_parse(self.content, self.content_offset, box)
        how = (
            f"About {found.minutes} minutes, {found.points} points. Open `{path}` in Jupyter "
            f"({{download}}`or download it </{path}>`); `course check {name}` in a terminal gives you the points."
        )
        self.state.nested_parse(StringList([how], self.env.docname), self.content_offset, box)
        return [box]


class Practice(SphinxDirective):
    required_arguments = 1
    has_content = True

    def run(self):
        box = nodes.admonition(classes=["exercise"])
        box += nodes.title("", "Practise on this lesson's notebook")
        self.state.nested_parse(self.content, self.content_offset, box)
        how = f"About {int(self.arguments[0])} minutes, no points. The buttons under the title open the notebook."
        self.state.nested_parse(StringList([how], self.env.docname), self.content_offset, box)
        return [box]
