"""The instructor's page of a graded class: everyone's points, and what the class as a whole found hard."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import mean, median

from autograder.engine.grades import Grade
from autograder.engine.lateness import Lateness
from autograder.reporting.items import FEWEST, Item, analysable, analyse, distribution
from autograder.reporting.pages import bullets, definitions, note, page, safe, table

Late = Mapping[tuple[str, str], Lateness]  # (student, assignment) -> lateness, of those that have a due date

LOW = 0.2  # a corrected item-total correlation below it deserves a look (Ebel and Frisbie 1991, chapter 13)
SHOWN = 100  # rows of the table of learners at a time
STYLE = """
nav ul { padding-left: 1.2rem; }
.items { width: 100%; } .items td, .items code { white-space: nowrap; } .items svg { max-width: none; }
.learners { width: 100%; }
.learners td:not(:first-child):not(:last-child), .learners th:not(:first-child):not(:last-child) {
  text-align: right; font-variant-numeric: tabular-nums; }
.learners th { position: sticky; top: 0; background: var(--paper); }
.learners td:last-child { min-width: 14rem; }
.learners td:first-child { min-width: 9rem; max-width: 20rem; }
.learners th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: .2rem 0;
  cursor: pointer; text-align: inherit; }
.learners th button::after { content: " ↕"; color: var(--faint); }
.learners th[aria-sort=ascending] button::after { content: " ↑"; color: inherit; }
.learners th[aria-sort=descending] button::after { content: " ↓"; color: inherit; }
.controls { display: flex; flex-wrap: wrap; gap: .6rem 1.2rem; align-items: center; margin: .8rem 0; }
.controls[hidden] { display: none; }
.controls input[type=search] { font: inherit; padding: .3rem .5rem; width: 16rem; max-width: 100%; color: inherit;
  background: var(--paper); border: 1px solid var(--faint); border-radius: 4px; }
.controls button { font: inherit; padding: .25rem .8rem; color: inherit; background: var(--soft);
  border: 1px solid var(--faint); border-radius: 4px; cursor: pointer; }
.controls button:disabled { opacity: .5; cursor: default; }
svg { max-width: 100%; height: auto; display: block; }
.histogram { min-width: 34rem; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.bar { fill: var(--good); } .axis { stroke: var(--faint); }
.full { fill: var(--good); } .part { fill: var(--part); } .none { fill: var(--none); }
.key { display: inline-block; width: .9em; height: .9em; border-radius: 2px; vertical-align: -.1em;
  margin-right: .3em; }
.key.full { background: var(--good); } .key.part { background: var(--part); } .key.none { background: var(--none); }
details > summary { cursor: pointer; padding: .3rem 0; }
"""
# Sorting, filtering and paging of the tables. Rows leave the document and come back: with thousands of them in it, each
# change would lay out all. Without a script the whole table is there, and the controls are not.
SCRIPT = """
"use strict";
for (const section of document.querySelectorAll(".class")) {
  const table = section.querySelector(".learners"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const controls = section.querySelector(".controls"), status = controls.querySelector("output");
  const search = controls.querySelector("input[type=search]"), only = controls.querySelector("input[type=checkbox]");
  const [back, on] = controls.querySelectorAll("button");
  const last = heads.length - 1;
  const all = [...body.rows].map((row, place) => ({ row, place, remark: row.cells[last].textContent,
    text: (row.cells[0].textContent + " " + row.cells[last].textContent).toLowerCase() }));
  let shown = all, first = 0;
  const value = (entry, column) => {
    const text = entry.row.cells[column].textContent;
    if (column === 0 || column === last) return text;
    const number = parseFloat(text);
    return Number.isNaN(number) ? null : number;
  };
  const compare = (a, b, sign) => {
    if (a === b) return 0;
    if (a === null || a === "") return 1;
    if (b === null || b === "") return -1;
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  };
  const render = () => {
    body.replaceChildren(...shown.slice(first, first + SHOWN).map(entry => entry.row));
    const to = Math.min(first + SHOWN, shown.length);
    status.textContent = shown.length ? `${first + 1} to ${to} of ${shown.length}` : "none of " + all.length;
    back.disabled = first === 0;
    on.disabled = to >= shown.length;
  };
  const filter = () => {
    const wanted = search.value.toLowerCase();
    shown = all.filter(entry => entry.text.includes(wanted) && (!only.checked || entry.remark));
    first = 0;
    render();
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const keys = new Map(all.map(entry => [entry, value(entry, column)]));
      all.sort((a, b) => compare(keys.get(a), keys.get(b), rising ? 1 : -1) || a.place - b.place);
      filter();
    });
  });
  search.addEventListener("input", filter);
  only.addEventListener("change", filter);
  back.addEventListener("click", () => { first -= SHOWN; render(); });
  on.addEventListener("click", () => { first += SHOWN; render(); });
  controls.hidden = false;
  render();
}
""".replace("SHOWN", str(SHOWN))


def class_page(
    grades: Sequence[Grade],
    about: Mapping,
    warning: str,
    ignored: Sequence[str],
    link: Callable[[Grade], str],
    late: Late,
) -> str:
    """The page: `about` says how it was graded, `warning` what to know first, `link` leads to a learner's feedback."""
    by_exercise: dict[str, list[Grade]] = {}
    for grade in grades:
        by_exercise.setdefault(grade.assignment, []).append(grade)
    parts = ["<h1>Grading report</h1>", note(warning)]
    if len(by_exercise) > 1:
        places = "".join(f'<li><a href="#{safe(name)}">{safe(name)}</a></li>' for name in by_exercise)
        parts.append(f'<nav aria-label="Exercises"><ul>{places}</ul></nav>')
    for name, rows in by_exercise.items():
        parts += _exercise(name, rows, link, late)
    parts.append("<h2>How this was graded</h2>")
    parts.append(definitions((key.replace("_", " "), str(value)) for key, value in about.items()))
    if ignored:
        parts.append("<h2>Ignored</h2>" + bullets(ignored))
    return page("Grading report", parts, style=STYLE, script=SCRIPT)


def _exercise(name: str, grades: list[Grade], link: Callable[[Grade], str], late: Late) -> Iterator[str]:
    yield f'<section class="class" aria-labelledby="{safe(name)}"><h2 id="{safe(name)}">{safe(name)}</h2>'
    yield f"<p>{safe(_summary(grades))}</p>"
    items = analyse(grades)
    if items:
        yield "<h3>Distribution of the scores</h3>" + _histogram(grades)
        yield "<h3>Functions</h3>" + _items(items, len(analysable(grades)))
        yield _mistakes(items)
    yield "<h3>Learners</h3>" + _controls(name)
    yield from _learners(grades, link, late)
    yield "</section>"


def _summary(grades: Sequence[Grade]) -> str:
    scores = [grade.score for grade in grades if grade.score is not None]
    problems, errors = sum(bool(grade.problem) for grade in grades), sum(bool(grade.error) for grade in grades)
    text = f"{_count(len(grades), 'learner')}. "
    if scores:
        text += f"Mean score {mean(scores):.1f} of {grades[0].max_score}, median {median(scores):g}. "
    if problems:
        text += f"{_count(problems, 'hand-in')} with nothing that could be graded: 0 points, counted above. "
    if errors:
        text += f"{errors} without a score, because the grader failed: counted nowhere. "
    return text.strip()


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _histogram(grades: Sequence[Grade]) -> str:
    """Bars of how many learners have which score, each with its number, and a sentence that reads them."""
    bars = distribution(grades)
    top = max(count for _, count in bars)
    total = sum(count for _, count in bars)
    width, height, step = 700, 170, 680 / len(bars)
    shapes = []
    for place, (label, count) in enumerate(bars):
        x, tall = 10 + place * step, 120 * count / top
        shapes.append(
            f'<rect class="bar" x="{x + 1:.1f}" y="{140 - tall:.1f}" width="{step - 2:.1f}" height="{tall:.1f}"/>'
        )
        if count:
            shapes.append(f'<text x="{x + step / 2:.1f}" y="{135 - tall:.1f}" text-anchor="middle">{count}</text>')
        shapes.append(f'<text x="{x + step / 2:.1f}" y="156" text-anchor="middle">{safe(label)}</text>')
    peak = max(bars, key=lambda bar: bar[1])
    best, worst = bars[-1][1], bars[0][1]
    text = (
        f"The most frequent score is {peak[0]} ({_count(peak[1], 'learner')} of {total}); {best} have "
        f"{bars[-1][0]} points, {worst} have {bars[0][0]}."
    )
    return (
        f'<div class="wide"><svg class="histogram" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="Bars: learners by score. {safe(text)}">{"".join(shapes)}'
        '<line class="axis" x1="10" x2="690" y1="140.5" y2="140.5"/></svg></div>'
        f'<p>{safe(text)} <span class="faint">Bars: number of learners; below: points.</span></p>'
    )


def _items(items: Sequence[Item], notebooks: int) -> str:
    """Points by function with difficulty and discrimination, and sentences that read them."""
    heads = ["function", "points", "all, some, none of them", "all", "some", "none", "difficulty", "discrimination"]
    rows = [
        [
            f"<code>{safe(item.function)}</code>",
            str(item.worth),
            _shares(item),
            *map(str, (item.full, item.part, item.none)),
            f"{item.difficulty:.2f}",
            "–" if item.discrimination is None else f"{item.discrimination:.2f}",
        ]
        for item in items
    ]
    keys = "".join(f'<span class="key {kind}"></span>{text} &nbsp; ' for kind, text in KEYS)
    shown = table(heads, rows, numbers=(1, 3, 4, 5, 6, 7), kind="items")
    return shown + f"<p>{keys}</p><p>{safe(_reading(items, notebooks))}</p>"


KEYS = (("full", "all points"), ("part", "some"), ("none", "none"))


def _reading(items: Sequence[Item], notebooks: int) -> str:
    difficulties = [item.difficulty for item in items]
    easy, hard = (
        f"{', '.join(item.function for item in items if item.difficulty == end)} ({end:.2f})"
        for end in (max(difficulties), min(difficulties))
    )
    low = [item.function for item in items if item.discrimination is not None and item.discrimination < LOW]
    text = (
        f"Of {_count(notebooks, 'notebook')} that ran. Difficulty is the mean share of the points. Easiest: {easy}; "
        f"hardest: {hard}. Discrimination is the correlation between the points of a function and those of all others "
        "(corrected item-total correlation). "
    )
    if notebooks < FEWEST:
        return text + f"With fewer than {FEWEST} notebooks it is not computed."
    if not low:
        return text + f"It is {LOW} or more wherever it is defined."
    return text + (
        f"Below {LOW}: {', '.join(low)}. There the learners who are good at the rest do hardly better: it may be very "
        "easy or very hard, or a check or its text may mislead."
    )


def _shares(item: Item) -> str:
    """A bar in three parts; the numbers stand beside it."""
    total, x, parts = item.full + item.part + item.none, 0.0, []
    for kind, count in (("full", item.full), ("part", item.part), ("none", item.none)):
        wide = 160 * count / total
        parts.append(f'<rect class="{kind}" x="{x:.1f}" y="3" width="{wide:.1f}" height="14"/>')
        x += wide
    return f'<svg viewBox="0 0 160 20" width="160" height="20" aria-hidden="true">{"".join(parts)}</svg>'


def _mistakes(items: Sequence[Item]) -> str:
    """The commonest mistakes of each function that has any, behind a fold."""
    parts = []
    for item in items:
        if item.mistakes:
            rows = [[safe(sentence), str(count)] for sentence, count in item.mistakes]
            wrong = item.part + item.none
            parts.append(
                f"<details><summary><code>{safe(item.function)}</code>: {wrong} not right</summary>"
                f"{table(['commonest mistakes', 'learners'], rows, numbers=(1,))}</details>"
            )
    return "<h3>Commonest mistakes</h3>" + "\n".join(parts) if parts else ""


def _controls(name: str) -> str:
    return (
        f'<div class="controls" hidden><label>Find <input type="search" aria-label="Find in the learners of '
        f'{safe(name)}" placeholder="name or remark" autocomplete="off"></label>'
        '<label><input type="checkbox"> with a remark only</label>'
        '<span><button type="button">Previous</button> <button type="button">Next</button></span>'
        '<output aria-live="polite"></output></div>'
    )


def _learners(grades: Sequence[Grade], link: Callable[[Grade], str], late: Late) -> Iterator[str]:
    """The table of learners, in pieces: with thousands of rows it is the page's bulk."""
    has_due = any((grade.student, grade.assignment) in late for grade in grades)
    heads = ["student", f"points of {grades[0].max_score}"] + ["days late", "penalty"] * has_due
    heads += [f"{function} ({points})" for function, points in grades[0].worth.items()] + ["seconds", "remarks"]
    # A long name may break after its underscores, so that the numbers below it stay close together.
    head = "".join(f'<th scope="col">{safe(text).replace("_", "_<wbr>")}</th>' for text in heads)
    yield f'<div class="wide"><table class="learners"><thead><tr>{head}</tr></thead><tbody>'
    for grade in grades:
        entry = late.get((grade.student, grade.assignment))
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in _row(grade, link(grade), has_due, entry)) + "</tr>"
    yield "</tbody></table></div>"


def _row(grade: Grade, link: str, has_due: bool, late: Lateness | None) -> list[str]:
    score = "no score" if grade.score is None else str(grade.score)
    lateness = ["", ""] if late is None else [str(late.days), f"{late.penalty(grade.score, grade.max_score):g}"]
    earned = grade.earned
    marks = [str(earned[function]) if grade.outcomes else "" for function in grade.worth]
    name = f'<a class="plain" href="{safe(link)}">{safe(grade.student)}</a>'
    remarks = "<br>".join(map(safe, _remarks(grade, late)))
    return [name, score, *(lateness if has_due else []), *marks, f"{grade.seconds:.1f}", remarks]


def _remarks(grade: Grade, late: Lateness | None) -> Iterable[str]:
    error = f"grader error: {grade.error}" if grade.error else ""
    return [text for text in (error, grade.problem, late.note if late else "", *grade.notes) if text]
