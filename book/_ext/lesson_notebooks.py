"""A lesson's page as a notebook that Jupyter, Colab and Binder show as it is meant.

Notebooks know plain Markdown only. MyST's directives become block quotes, `<details>` and images, its roles links,
glued values text; cells tagged `remove-cell`, which only glue numbers into the page, stay out.
"""

import base64
import json
import re
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from urllib.parse import urljoin

import nbformat
import quick_questions
from pybtex.database import parse_file

FENCE = re.compile(r"(?P<fence>:{3,}|`{3,})\{(?P<name>[\w-]+)\}\s*(?P<argument>.*)")
OPTION = re.compile(r":(?P<key>[\w-]+):\s*(?P<value>.*)")
IMAGE_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
WORDS_A_MINUTE = 150  # prose about something new, with figures to look at
SECONDS_A_CELL = 20

SETUP = """\
# On Colab: fetch the course and install what Colab lacks, beside its own TensorFlow. Elsewhere: nothing.
import sys

if "google.colab" in sys.modules:
    !test -d /content/course || git clone --quiet --depth 1 {repository} /content/course
    %pip install --quiet --editable /content/course
    sys.path.insert(0, "/content/course")
"""


@dataclass(frozen=True)
class Page:
    """Where a page is published, the folder of its source, and the label and address of each reference."""

    url: str
    folder: Path
    references: dict[str, tuple[str, str]]


def convert(source: nbformat.NotebookNode, page: Page, repository: str, glued: dict[str, str]) -> nbformat.NotebookNode:
    """The notebook of a page: set-up first, no outputs, plain Markdown with the values that the page's cells glued."""
    cells = [nbformat.v4.new_code_cell(SETUP.format(repository=repository), metadata={"tags": ["setup"]})]
    for cell in source.cells:
        if cell.cell_type == "markdown":
            text = plain_markdown(cell.source, page, glued)
            if text.strip():
                cells.append(nbformat.v4.new_markdown_cell(text))
        elif "remove-cell" not in cell.metadata.get("tags", []):
            cells.append(nbformat.v4.new_code_cell(cell.source))
    title = next(i for i, cell in enumerate(cells) if cell.cell_type == "markdown")
    cells.insert(0, cells.pop(title))  # the title stands above the set-up
    for i, cell in enumerate(cells):
        cell["id"] = f"cell-{i}"  # by place, so that the same page gives the same file
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def glued_values(path: Path) -> dict[str, str]:
    """What a page's cells glued, by key, as the page shows it, from the file that MyST-NB leaves beside the page.

    Not from the page's own outputs: of a page whose cells were in the cache, MyST-NB writes none.
    """
    outputs = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {name: output["data"]["text/plain"].strip("'") for name, output in outputs.items()}


def plain_markdown(text: str, page: Page, glued: dict[str, str]) -> str:
    """MyST Markdown as plain Markdown."""
    lines = [line for line in text.split("\n") if not re.fullmatch(r"\([\w-]+\)=", line)]
    return _roles("\n".join(_directives(lines, page)), page, glued)


def _directives(lines: list[str], page: Page) -> list[str]:
    out, i = [], 0
    while i < len(lines):
        opening = FENCE.fullmatch(lines[i].strip())
        if not opening:
            out.append(lines[i])
            i += 1
            continue
        end = next(j for j in range(i + 1, len(lines)) if lines[j].strip() == opening["fence"])
        body = lines[i + 1 : end]
        options = {}
        while body and (option := OPTION.fullmatch(body[0].strip())):
            options[option["key"]] = option["value"]
            body = body[1:]
        out += _directive(opening["name"], opening["argument"], options, _directives(body, page), page)
        i = end + 1
    return out


def _directive(name: str, argument: str, options: dict, body: list[str], page: Page) -> list[str]:
    if name == "quick-question":
        return _quick_question(body)
    if name == "moving-figure":
        return [f"*Here the [page on the website]({page.url}) has a figure that moves.*"]
    if name == "exercise":
        return [f"**Exercise** `exercises/{argument}/{argument}.ipynb`", "", *body]
    if name == "practice":
        return [f"**Practise** (about {argument} minutes)", "", *body]
    if name == "dropdown":
        return [f"<details><summary><b>{argument}</b></summary>", "", *body, "", "</details>"]
    if name in ("figure", "image"):
        source = page.folder / argument
        content = base64.b64encode(source.read_bytes()).decode()
        return [f"![{options['alt']}](data:{IMAGE_TYPES[source.suffix]};base64,{content})", "", *body]
    while body and not body[0].strip():
        body = body[1:]
    return [f"> **{argument or name.capitalize()}**", ">", *(f"> {line}".rstrip() for line in body)]


def _quick_question(body: list[str]) -> list[str]:
    """The question with its answers A, B, C, and below them, folded away, why each is right or is not."""
    found = quick_questions.choices(body)
    asked, explained = body[: found[0].start], []
    for letter, choice in zip(ascii_uppercase, found, strict=False):
        lines = quick_questions.without_marker(body[choice.start : choice.end])
        gap = lines.index("")
        asked.append(f"- **{letter}.** {' '.join(lines[:gap])}")
        why = "\n".join(lines[gap:]).strip()
        explained += [f"**{letter}.** {quick_questions.VERDICTS[choice.right]} {why}", ""]
    return [
        "**Quick question**",
        "",
        *asked,
        "",
        "<details><summary><b>Answer</b></summary>",
        "",
        *explained,
        "</details>",
    ]


def _roles(text: str, page: Page, glued: dict[str, str]) -> str:
    def cite(match):
        labels = [page.references[key.strip()] for key in match[2].split(",")]
        linked = "; ".join(f"[{label}]({url})" if url else label for label, url in labels)
        return linked if match[1] == "t" else f"({linked})"

    def link(match):
        return f"]({urljoin(page.url, re.sub(r'[.]md(?=#|$)', '.html', match[1]))})"

    text = re.sub(r"\{glue:text\}`([^`]+)`", lambda match: glued[match[1]], text)
    text = re.sub(r"\{cite:([pt])\}`([^`]+)`", cite, text)
    text = re.sub(r"\{term\}`([^`<]+?)(?: <[^`]+>)?`", r"\1", text)
    return re.sub(r"\]\((?![a-z]+:|#)([^)\s]+)\)", link, text)


def references(path: Path) -> dict[str, tuple[str, str]]:
    """`{key: ("Simonyan & Zisserman 2015", "https://doi.org/...")}` of a BibTeX file."""
    found = {}
    for key, entry in parse_file(str(path)).entries.items():
        names = [" ".join(person.last_names) for person in entry.persons["author"]]
        who = names[0] + (" et al." if len(names) > 2 else f" & {names[1]}" if len(names) == 2 else "")
        doi = entry.fields.get("doi")
        url = f"https://doi.org/{doi}" if doi else entry.fields.get("url", "")
        found[key] = (f"{who} {entry.fields['year']}", url)
    return found


def minutes(source: str) -> int:
    """Minutes that a lesson's page takes to read, to the next 5, from its words and cells."""
    body = source.split("\n---\n", 1)[-1]
    prose, cells = re.subn(r"```\{code-cell\}.*?\n```", "", body, flags=re.DOTALL)
    exact = len(prose.split()) / WORDS_A_MINUTE + cells * SECONDS_A_CELL / 60
    return max(5, 5 * round(exact / 5))


def binder_files(repository: str, pins: list[str]) -> dict[str, str]:
    """What Binder installs before it opens a notebook of the published branch; `pins` are the course's requirements."""
    tensorflow = next(line.split(";")[0].strip() for line in pins if line.startswith("tensorflow-cpu=="))
    requirements = f"jupyterlab\n{tensorflow}\n--editable git+{repository}#egg=pneumonia-course\n"
    return {"requirements.txt": requirements, "runtime.txt": "python-3.11\n"}
