"""Quick questions: the reader picks an answer and is told whether it is right, and why.

    :::{quick-question}
    Which of them is a bird?

    - [ ] A bat

      It suckles its young.
    - [x] A penguin

      It has feathers, and lays eggs.
    :::

An answer is a `<details>` element: it works by mouse, by keyboard, from disk and without JavaScript, and print shows
all explanations. `quiz.js` adds the line that says how it went.
"""

import re
from dataclasses import dataclass

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

CHOICE = re.compile(r"- \[(?P<mark>[ x])\] +(?=\S)")
VERDICTS = {True: "Right.", False: "Not right."}


class question_node(nodes.container):
    """The whole question. A builder other than HTML shows it as a plain container, all explanations included."""


class choice_node(nodes.container):
    """One answer: the first child is what the reader picks, the rest explains it. Attribute `right`."""


@dataclass(frozen=True)
class Choice:
    """Lines `start` to `end` of a question's body (the marker's line first), and whether it is the right answer."""

    right: bool
    start: int
    end: int


def choices(lines) -> list[Choice]:
    """The answers of a question's body. ValueError unless there are two or more, and exactly one is right."""
    starts = [i for i, line in enumerate(lines) if CHOICE.match(line)]
    ends = [*starts[1:], len(lines)][: len(starts)]
    found = [
        Choice(CHOICE.match(lines[start])["mark"] == "x", start, end) for start, end in zip(starts, ends, strict=True)
    ]
    if len(found) < 2 or sum(choice.right for choice in found) != 1:
        raise ValueError(
            f"expected two or more answers, each after `- [ ]`, and one of them after `- [x]`; got {len(found)}, "
            f"of which {sum(choice.right for choice in found)} right"
        )
    return found


def without_marker(lines) -> list[str]:
    """An answer's lines as text of their own: no marker, no indentation."""
    return [CHOICE.sub("", lines[0], count=1), *(line.removeprefix("  ") for line in lines[1:])]


def setup(app):
    app.add_directive("quick-question", QuickQuestion)
    app.add_node(question_node, html=(visit_question, depart_question))
    app.add_node(choice_node, html=(visit_choice, depart_choice))
    app.add_js_file("quiz.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


class QuickQuestion(SphinxDirective):
    has_content = True

    def run(self):
        try:
            found = choices(self.content)
        except ValueError as error:
            raise self.error(f"quick-question: {error}") from None
        question = question_node(classes=["quick-question"])
        title = nodes.paragraph("", "Quick question", classes=["quick-question-title"])
        question += title
        self.state.nested_parse(self.content[: found[0].start], self.content_offset, question)
        for choice in found:
            question += self.choice(choice)
        return [question]

    def choice(self, choice: Choice) -> choice_node:
        part = self.content[choice.start : choice.end]
        part.data[:] = without_marker(part.data)
        node = choice_node(classes=["choice"], right=choice.right)
        self.state.nested_parse(part, self.content_offset + choice.start, node)
        explanation = node[1] if len(node) > 1 else None
        if not isinstance(node[0], nodes.paragraph) or not isinstance(explanation, nodes.paragraph):
            raise self.error(f"quick-question: expected a line and then a paragraph that explains it: {part[0]!r}")
        explanation[:0] = [nodes.strong("", VERDICTS[choice.right], classes=["verdict"]), nodes.Text(" ")]
        return node


def visit_question(self, node):
    self.body.append('<div class="quick-question" role="group" aria-label="Quick question">\n')


def depart_question(self, node):
    self.body.append('<p class="quick-question-status" role="status"></p>\n</div>\n')


def visit_choice(self, node):
    kind = "right" if node["right"] else "wrong"
    self.body.append(f'<details class="choice {kind}">\n<summary>')
    for child in node[0].children:
        child.walkabout(self)
    self.body.append('</summary>\n<div class="explanation">\n')
    for child in node.children[1:]:
        child.walkabout(self)
    self.body.append("</div>\n</details>\n")
    raise nodes.SkipNode


def depart_choice(self, node):
    """Never called: `visit_choice` has written the whole answer."""
