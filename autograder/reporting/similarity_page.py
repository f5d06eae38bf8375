"""The page of similar hand-ins: pairs of a class, with the code that they share side by side."""

from collections.abc import Mapping, Sequence

from autograder.reporting.pages import note, page, safe, table
from autograder.reporting.similarity import Pair

SHOWN = 100  # pairs of an exercise whose code is shown
STYLE = """
.pairs { width: 100%; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; }
@media (max-width: 50rem) { .sides { grid-template-columns: 1fr; } }
.sides > div { min-width: 0; }
.sides pre { background: var(--soft); padding: .6rem; margin: .3rem 0; }
mark { background: var(--mark); color: inherit; display: inline-block; min-width: 100%; }
details > summary { cursor: pointer; padding: .4rem 0; }
"""
WHAT_IT_MEANS = (
    "A pair is a reason to look at two notebooks, never a proof: short functions are alike whoever writes them, and "
    "two who learnt from the same page write the same. Names, comments and layout make no difference here. What the "
    "release and the course's solution hold, and what many in the class share, is not counted; what is rarer weighs "
    "more."
)


def similarity_page(pairs: Mapping[str, Sequence[Pair]], read: Mapping[str, int], threshold: float) -> str:
    """`pairs` and the number of notebooks `read`, by exercise."""
    parts = ["<h1>Similar hand-ins</h1>", note(WHAT_IT_MEANS)]
    for exercise, found in pairs.items():
        parts.append(f"<h2>{safe(exercise)}</h2>")
        parts.append(
            f"<p>{len(found)} of {read[exercise] * (read[exercise] - 1) // 2} pairs of {read[exercise]} notebooks have "
            f"{threshold:.0%} or more of the smaller one's weight in common.</p>"
        )
        parts += [_pair(pair) for pair in found[:SHOWN]]
        if len(found) > SHOWN:
            rows = [[safe(pair.one.student), safe(pair.other.student), f"{pair.share:.0%}"] for pair in found[SHOWN:]]
            parts.append(f"<h3>{len(rows)} more</h3>" + table(["learner", "learner", "in common"], rows, (2,), "pairs"))
    return page("Similar hand-ins", parts, style=STYLE)


def _pair(pair: Pair) -> str:
    """One pair behind a fold: the cells that share code, the shared lines marked."""
    one, other = (f'<span class="plain">{safe(code.student)}</span>' for code in (pair.one, pair.other))
    weight = f'{pair.share:.0%} in common <span class="faint">(weight {pair.evidence:.0f})</span>'
    sides = []
    for fragment in pair.fragments:
        columns = [
            f"<div>{safe(code.student)}{_marked(code.cells[cell], lines)}</div>"
            for code, cell, lines in zip((pair.one, pair.other), fragment.cells, fragment.lines, strict=True)
        ]
        sides.append(f'<div class="sides">{"".join(columns)}</div>')
    return f"<details><summary>{one} and {other}: {weight}</summary>{''.join(sides)}</details>"


def _marked(source: str, lines: frozenset[int]) -> str:
    """A cell's text, its shared lines marked."""
    rows = [
        f"<mark>{safe(text)}</mark>" if number in lines else safe(text)
        for number, text in enumerate(source.splitlines(), 1)
    ]
    text = "\n".join(rows)
    return f"<pre>{text}</pre>"
