"""The sources of the book: short cells, figures described and then read, no number typed by hand, live references."""

import ast
import builtins
import re
import sys
from pathlib import Path
from statistics import median

import nbformat
import numpy as np
import pytest
import yaml

from autograder.exercises import exercises
from course.cli import COMMANDS
from course.site import contents
from pneumonia.data import KERMANY_COUNTS
from pneumonia.settings import CourseError

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import exercise_links  # noqa: E402  they live beside the pages, not in a package
import lesson_notebooks  # noqa: E402
import quick_questions  # noqa: E402

PAGES = sorted((ROOT / "book").rglob("*.md"))
LESSONS = sorted((ROOT / "book" / "lessons").glob("*.md"))
MEASURED = [ROOT / "book" / "index.md", *LESSONS]  # pages that speak of measurements

CELL = re.compile(
    r"```\{code-cell\}[^\n]*\n(?P<options>---\n.*?\n---\n|(?::[^\n]*\n)*)\n?(?P<code>.*?)\n```", re.DOTALL
)
DRAWS_IMAGES = ("contact_sheet", "image_grid", "marked_grid", "film_strip", "feature_maps", "heat_maps")


def name(path):
    return str(path.relative_to(ROOT))


def body(path: Path) -> str:
    """A page without its front matter."""
    return re.sub(r"\A---\n.*?\n---\n", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def cells(path: Path) -> list[dict]:
    """The page's code cells: `code`, `options` as a dict, and `after`, the text that follows."""
    text = body(path)
    found = []
    for match in CELL.finditer(text):
        raw = match["options"]
        options = yaml.safe_load(raw.strip("-\n")) if raw.startswith("---") else {}
        if tags := re.search(r":tags: \[(.*?)\]", raw):
            options = {"tags": [tag.strip() for tag in tags[1].split(",")]}
        found.append({"code": match["code"], "options": options or {}, "after": text[match.end() :].lstrip()})
    return found


def visible(path: Path) -> list[dict]:
    return [cell for cell in cells(path) if not {"remove-cell", "remove-input"} & set(cell["options"].get("tags", []))]


def figures(path: Path) -> list[dict]:
    """The cells whose last statement draws."""
    return [cell for cell in cells(path) if re.match(r"(?:result_)?plots\.\w+\(", last_statement(cell["code"]))]


def last_statement(code: str) -> str:
    return re.findall(r"^(?=\S)(?![)\]}]).*", code, flags=re.MULTILINE)[-1]


def prose(path: Path) -> str:
    """What a reader reads: no code, formulas, addresses or glued values, but with the images' descriptions."""
    described = " ".join(alt(cell) for cell in figures(path))
    text = CELL.sub("", body(path))
    for pattern in (r"```.*?```", r"\$[^$]*\$", r"\{[\w:]+\}`[^`]*`", r"`[^`]*`", r"\]\([^)]*\)", r"CC BY 4\.0"):
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    return f"{text} {described}"


def alt(cell: dict) -> str:
    return cell["options"].get("mystnb", {}).get("image", {}).get("alt", "")


def test_the_contents_name_every_page_and_no_other():
    listed = [page for _, pages in contents(ROOT) for page in pages]
    assert listed.pop() == "genindex"  # Sphinx's own
    assert sorted(listed) == sorted(str(path.relative_to(ROOT).with_suffix("")) for path in PAGES)


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_cells_are_short(path):
    lines = [len([line for line in cell["code"].splitlines() if line.strip()]) for cell in visible(path)]
    assert median(lines) <= 5
    assert np.percentile(lines, 90) <= 15
    longest = max((line for cell in visible(path) for line in cell["code"].splitlines()), key=len)
    assert len(longest) <= 80, f"this line would be cut off beside both sidebars: {longest}"


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_a_lesson_runs_without_the_cells_that_only_glue(path):
    """The downloaded notebook leaves them out, so no other cell may use a name that only they bind."""
    kept = [cell["code"] for cell in cells(path) if "remove-cell" not in cell["options"].get("tags", [])]
    nodes = list(ast.walk(ast.parse("\n".join(kept))))
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    bound |= {n.name for n in nodes if isinstance(n, ast.FunctionDef)} | {
        n.arg for n in nodes if isinstance(n, ast.arg)
    }
    bound |= {(n.asname or n.name).split(".")[0] for n in nodes if isinstance(n, ast.alias)}
    used = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    assert used - bound - set(dir(builtins)) == set()


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_figure_is_described_and_then_read(path):
    for cell in figures(path):
        assert len(alt(cell)) >= 60, f"no description of the figure that {last_statement(cell['code'])} draws"
        if any(f"plots.{function}(" in cell["code"] for function in DRAWS_IMAGES):
            assert "phantom" in alt(cell).lower(), f"a drawn image must be called a phantom: {alt(cell)}"
        if "still" in cell["options"].get("tags", []):  # the picture of a figure that moves, which stands in its place
            assert cell["after"].startswith("```{moving-figure}")
            continue
        assert re.match(r"[A-Z*]", cell["after"]), f"no sentence reads the figure: {cell['after'][:60]!r}"
    for image in re.findall(r"!\[(.*?)\]\(", body(path)):
        assert image, "an image without a description"
    for figure in re.findall(r"\{(?:figure|image)\}.*?\n((?::.*\n)*)", body(path)):
        assert ":alt:" in figure


@pytest.mark.parametrize("path", MEASURED, ids=name)
def test_no_measurement_is_typed_by_hand(path):
    """Numbers come from results/, from the data set's published counts, or from a cell."""
    text = prose(path).replace("95%, patients drawn", "")  # the convention of all intervals, not a measurement
    assert not re.findall(r"\S*\d?\.\d+\S*|\d+(?:\.\d+)?\s?%", text)
    counts = {n for split in KERMANY_COUNTS.values() for n in split.values() if n > 10}
    sums = {sum(split.values()) for split in KERMANY_COUNTS.values()} - {16}
    typed = {int(number.replace(",", "")) for number in re.findall(r"\b\d[\d,]*\b", text)}
    assert not typed & (counts | sums | {sum(sums) + 16})


def test_every_citation_resolves_and_every_reference_is_cited():
    known = set(lesson_notebooks.references(ROOT / "book" / "references.bib"))
    cited = {
        key.strip()
        for path in PAGES
        for keys in re.findall(r"\{cite:[pt]\}`([^`]+)`", path.read_text())
        for key in keys.split(",")
    }
    assert cited == known


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_a_lesson_has_its_parts(path):
    text = body(path)
    for part in (":class: objectives", "**You need**", "## Main take-away", "## Where to go further"):
        assert part in text, f"missing: {part}"
    assert text.count(":::{quick-question}") >= 2
    assert "{cite:" in text.split("## Where to go further")[1]


def test_the_right_answers_do_not_all_stand_at_one_place():
    questions = [q for path in LESSONS for q in re.findall(r":::\{quick-question\}\n(.*?)\n:::", body(path), re.DOTALL)]
    right = [[c.right for c in quick_questions.choices(q.split("\n"))].index(True) for q in questions]
    assert max(right.count(place) for place in set(right)) <= 0.6 * len(right)


@pytest.mark.parametrize(
    "answers",
    ["- [x] Yes", "- [ ] Yes\n- [ ] No", "- [x] Yes\n- [x] No", "* [x] Yes\n* [ ] No", ""],
)
def test_a_question_needs_two_answers_and_one_right_one(answers):
    with pytest.raises(ValueError, match="expected two or more answers"):
        quick_questions.choices(["Is it?", "", *answers.split("\n")])


@pytest.mark.parametrize("path", LESSONS, ids=name)
def test_a_lesson_says_how_long_it_takes_to_practise(path):
    assert exercise_links.practice_minutes(body(path)) >= 15


def test_every_exercise_is_linked_from_a_lesson():
    linked = [name for path in LESSONS for name in exercise_links.USED.findall(body(path))]
    assert sorted(linked) == sorted(exercises())


def test_an_exercise_is_linked_by_its_name():
    assert exercise_links.card("02-metrics").title == "Exercise 2: Measuring a classifier"
    assert exercise_links.practice_minutes(":::{exercise} 02-metrics\nDo it.\n:::") == 60
    assert exercise_links.practice_minutes("No exercise here.") == 0
    assert exercise_links.practice_minutes(":::{practice} 20\nTry it.\n:::") == 20
    with pytest.raises(CourseError, match="no exercise '07-none'"):
        exercise_links.practice_minutes(":::{exercise} 07-none\n:::")


def symbols(text: str) -> set[str]:
    """The letters that stand for something in the formulas of a text: `p`, `\\pi`, but no words and no operators."""
    formulas = re.findall(r"\$\$(.*?)\$\$|\$([^$`]+)\$|```\{math\}(.*?)```", text, flags=re.DOTALL)
    formula = re.sub(r"\\(text|mathrm)\{.*?\}", " ", " ".join(part for parts in formulas for part in parts))
    greek = set(re.findall(r"\\(?:pi|alpha|beta|gamma|lambda|mu|sigma|tau|theta)\b", formula))
    return greek | set(re.findall(r"(?<![\\a-zA-Z])(?:[a-zA-Z]|[tf][pn])(?![a-zA-Z])", formula))


def test_every_symbol_of_the_lessons_and_exercises_is_explained():
    explained = symbols((ROOT / "book" / "notation.md").read_text())
    for path in LESSONS:
        assert symbols(body(path)) <= explained, name(path)
    for exercise in exercises().values():
        cells = nbformat.read(exercise.release, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        # Where a formula runs over all pairs or places, i, j, a and b count them, and x and y are input and output.
        assert symbols(text) - {"a", "b", "i", "j", "x", "e"} <= explained, exercise.name


def test_what_the_notation_calls_code_is_code():
    lines = (ROOT / "book" / "notation.md").read_text().splitlines()
    last_column = " ".join(line.split(" | ")[-1] for line in lines if line.startswith("| "))
    named = {word for code in re.findall(r"`([^`]+)`", last_column) for word in re.findall(r"[a-z_]\w+", code)}
    sources = [*(ROOT / "pneumonia").rglob("*.py"), *(ROOT / "solutions").rglob("*.ipynb")]
    known = set(re.findall(r"\w+", " ".join(path.read_text() for path in sources)))
    assert named - known == set()
    assert len(named) > 20


def test_commands_in_the_text_exist():
    text = "\n".join(path.read_text() for path in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "README.md"])
    used = set(re.findall(r"(?:^|`)(?:\w+=\S+ )?course ([a-z]+)", text, flags=re.MULTILINE))
    assert used <= set(COMMANDS)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, flags=re.MULTILINE)) <= targets


# --- lessons as notebooks ---------------------------------------------------------------------------------------------

PAGE = lesson_notebooks.Page("https://site/book/lessons/a.html", ROOT, {"k": ("Doe 2020", "https://doi.org/1")})


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        ("Of {glue:text}`n` images", "Of 5,856 images"),
        ("as {cite:t}`k` said", "as [Doe 2020](https://doi.org/1) said"),
        ("so {cite:p}`k,k`.", "so ([Doe 2020](https://doi.org/1); [Doe 2020](https://doi.org/1))."),
        ("the {term}`recall` of {term}`phantoms <phantom>`", "the recall of phantoms"),
        ("[up](../setup.md#real)", "[up](https://site/book/setup.html#real)"),
        ("[out](https://x.org/a.md)", "[out](https://x.org/a.md)"),
        (":::{tip}\n:class: x\n\nGo.\n:::", "> **Tip**\n>\n> Go."),
        (":::{admonition} Quick question\nWhy?\n:::", "> **Quick question**\n>\n> Why?"),
        (":::{dropdown} Answer\nSo.\n:::", "<details><summary><b>Answer</b></summary>\n\nSo.\n\n</details>"),
        (
            ":::{quick-question}\nIs\nit?\n\n- [ ] No,\n  not\n\n  Why.\n- [x] Yes\n\n  So.\n\n  Indeed.\n:::",
            "**Quick question**\n\nIs\nit?\n\n- **A.** No, not\n- **B.** Yes\n\n"
            "<details><summary><b>Answer</b></summary>\n\n"
            "**A.** Not right. Why.\n\n**B.** Right. So.\n\nIndeed.\n\n</details>",
        ),
        (":::{exercise} 02-metrics\nDo it.\n:::", "**Exercise** `exercises/02-metrics/02-metrics.ipynb`\n\nDo it."),
        (":::{practice} 20\nTry it.\n:::", "**Practise** (about 20 minutes)\n\nTry it."),
        ("::::{note}\n:::{tip}\nIn.\n:::\n::::", "> **Note**\n>\n> > **Tip**\n> >\n> > In."),
        ("(label)=\n## Title", "## Title"),
        ("```python\nx = {}\n```", "```python\nx = {}\n```"),
    ],
)
def test_myst_becomes_plain_markdown(myst, plain):
    assert lesson_notebooks.plain_markdown(myst, PAGE, {"n": "5,856"}) == plain


def test_an_unknown_glued_value_is_an_error():
    with pytest.raises(KeyError):
        lesson_notebooks.plain_markdown("{glue:text}`missing`", PAGE, {})


def test_glued_values_are_read_from_what_the_page_left(tmp_path):
    left = tmp_path / "page.glue.json"
    left.write_text('{"n": {"data": {"text/plain": "\'5,856\'"}}}')
    assert lesson_notebooks.glued_values(left) == {"n": "5,856"}
    assert lesson_notebooks.glued_values(tmp_path / "none.glue.json") == {}


def test_a_notebook_has_its_title_then_the_setup_and_no_outputs():
    executed = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# Title"),
            nbformat.v4.new_code_cell("glue('n', '1')", metadata={"tags": ["remove-cell"]}),
            nbformat.v4.new_code_cell("1 + 1", outputs=[nbformat.v4.new_output("stream", text="2")]),
        ]
    )
    made = lesson_notebooks.convert(executed, PAGE, "https://github.com/who/what", {})
    nbformat.validate(made)
    assert [cell.source.split("\n")[0] for cell in made.cells][::2] == ["# Title", "1 + 1"]
    assert "git clone --quiet --depth 1 https://github.com/who/what" in made.cells[1].source
    assert not any(cell.get("outputs") for cell in made.cells)
