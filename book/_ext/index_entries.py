"""The index: where a word of the glossary is explained, set in bold, headed or linked, and a command is described.

Nothing is marked by hand. A word that a page uses by the way gets no entry; one that the page is about does. The page
itself, `genindex`, is Sphinx's; `book/_templates/genindex.html` shows for each entry the titles of the pages.
"""

import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

GLOSSARY = "book/glossary"
COMMAND = re.compile(r"^(?:\.venv/bin/)?course ([a-z]+)\b")


def setup(app):
    app.add_transform(IndexEntries)
    app.connect("html-page-context", name_the_places)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def words(path: Path) -> dict[str, str]:
    """The words of a glossary's page, by their folded form."""
    block = re.search(r"^```\{glossary\}\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]
    found = [line.strip() for line in block.splitlines() if line.strip() and not line[0].isspace()]
    return {folded(word): word for word in found}


def folded(text: str) -> str:
    """A word as it is looked up: in small letters, in the singular."""
    text = " ".join(text.lower().strip(" .,:;()").split())
    return text[:-1] if text.endswith("s") and not text.endswith(("ss", "us", "ias")) else text


class IndexEntries(SphinxTransform):
    """One entry for each word and place; of a command, the first place of each page."""

    default_priority = 820  # before Sphinx collects the entries of a page, at 850

    def apply(self, **kwargs):
        from course.cli import COMMANDS

        self.known = words(Path(self.env.doc2path(GLOSSARY)))
        self.env.note_dependency(self.env.doc2path(GLOSSARY))
        self.seen = set()
        if self.env.docname == GLOSSARY:  # its own entries are the glossary's
            return
        for node in list(self.document.findall(self.is_candidate)):
            if word := self.known.get(folded(node.get("reftarget") or node.astext())):
                self.add(word, node)
            elif isinstance(node, nodes.title):
                for key, word in self.known.items():
                    if re.search(rf"\b{re.escape(key)}s?\b", node.astext().lower()):
                        self.add(word, node)
        for node in list(self.document.findall(lambda n: isinstance(n, (nodes.literal, nodes.literal_block)))):
            for line in node.astext().splitlines():
                if (match := COMMAND.match(line)) and match[1] in COMMANDS:
                    self.add(f"course {match[1]} (command)", node)

    @staticmethod
    def is_candidate(node) -> bool:
        if isinstance(node, addnodes.pending_xref):
            return node.get("reftype") == "term"
        return isinstance(node, (nodes.strong, nodes.title))

    def add(self, word: str, node) -> None:
        """An entry for the block in which a node stands; one for a word and section."""
        section = node
        while section.parent is not None and not isinstance(section, nodes.section):
            section = section.parent
        if not isinstance(section, nodes.section) or (word, section["ids"][0]) in self.seen:
            return
        if word.endswith("(command)") and any(word == other for other, _ in self.seen):
            return
        self.seen.add((word, section["ids"][0]))
        if isinstance(node, nodes.title):
            block, marks, place = section, [], section["ids"][0]
        else:
            block = node
            while not isinstance(block.parent, (nodes.section, nodes.list_item, nodes.definition)):
                block = block.parent
            place = f"index-{nodes.make_id(word)}-{len(self.seen)}"
            marks = [nodes.target("", "", ids=[place])]
            self.document.note_explicit_target(marks[0])
        marks.insert(0, addnodes.index(entries=[("single", word, place, "", None)]))
        here = block.parent.index(block)
        block.parent[here:here] = marks


def name_the_places(app, pagename, templatename, context, doctree):
    """For the index's template: `places(links)`, (address, title of the page) of an entry, one for a page, in order.

    The order is the book's, after the place where the word is explained. And the link to the page before.
    """
    if pagename != "genindex":
        return
    order = [app.config.root_doc, *_in_reading_order(app.env, app.config.root_doc)]

    def places(links):
        found = {}
        for is_main, address in links:
            page = address.split(".html")[0]
            found.setdefault(page, (not is_main, order.index(page), address, app.env.titles[page].astext()))
        return [(address, title) for *_, address, title in sorted(found.values())]

    context["places"] = places
    before = order[order.index("genindex") - 1]  # Sphinx gives its own pages no neighbour
    title = app.env.titles[before].astext()
    context["prev"] = {"title": title, "link": app.builder.get_relative_uri("genindex", before)}


def _in_reading_order(env, page: str):
    for below in env.toctree_includes.get(page, ()):
        yield below
        yield from _in_reading_order(env, below)
