"""HTML of the pages that grading writes: whole files that fetch nothing; what people wrote is escaped on its way in.

A page runs no script but its own, which the policy in its head names by hash, and takes no style but its own.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from html import escape

# Okabe and Ito's palette (2008), which colour blindness does not confuse: blue for what was earned, vermilion for a
# warning. The texts' and lines' contrast holds in both schemes (WCAG 2.2 AA).
STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --paper: #fff; --line: #d0d7de; --soft: #f3f5f7; --faint: #57606a;
  --good: #0072b2; --part: #56b4e9; --none: #c9d1d9; --warn: #d55e00; --link: #0063a3; --mark: #fff3c4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #14181d; --line: #3a424c; --soft: #1e242b;
  --faint: #a3adb8; --good: #56b4e9; --part: #2f7fb3; --none: #4a535e; --warn: #ff9a4d; --link: #79c0ff;
  --mark: #4d3f00; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: var(--ink);
  background: var(--paper); }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1.2rem; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
code, pre { font: 14px/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
h2 code, h3 code { font-size: inherit; }
.note { border-left: .3rem solid var(--warn); padding-left: .8rem; }
.faint { color: var(--faint); }
td, li, h1, strong { overflow-wrap: break-word; }
h1, strong { overflow-wrap: anywhere; }
.plain { unicode-bidi: isolate; }
"""
# A text's own control characters: what a browser does with them is not what is meant, so that they are shown.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def safe(text: str) -> str:
    """Text of anyone's as HTML: escaped, and its control characters (those that turn the direction, too) made visible.

    A name that holds a right-to-left override would otherwise change how the rest of its row reads.
    """
    return escape(CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", str(text)))


def note(text: str) -> str:
    return f'<p class="note">{safe(text)}</p>'


def bullets(texts: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{safe(text)}</li>" for text in texts) + "</ul>"


def table(heads: list[str], rows: Iterable[list[str]], numbers: Iterable[int] = (), kind: str = "") -> str:
    """A table, of class `kind`, of cells that are HTML already; `numbers` are the columns that are right-aligned."""
    aligned = dict.fromkeys(numbers, ' class="number"')
    head = "".join(f'<th scope="col"{aligned.get(place, "")}>{safe(text)}</th>' for place, text in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f"<td{aligned.get(place, '')}>{cell}</td>" for place, cell in enumerate(row)) + "</tr>\n"
        for row in rows
    )
    named = f' class="{kind}"' if kind else ""
    return f'<div class="wide"><table{named}><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>'


def definitions(rows: Iterable[tuple[str, str]]) -> str:
    """Label and text, row by row."""
    cells = [[safe(label), f"<code>{safe(text)}</code>"] for label, text in rows]
    body = "".join(f'<tr><th scope="row">{label}</th><td>{text}</td></tr>\n' for label, text in cells)
    return f'<div class="wide"><table><tbody>{body}</tbody></table></div>'


def page(title: str, parts: Iterable[str], style: str = "", script: str = "") -> str:
    """A whole page of parts that are HTML already. `style` comes after STYLE; `script` runs when the page is there."""
    style = STYLE + style
    policy = ["default-src 'none'", f"style-src {_hash(style)}", "base-uri 'none'", "form-action 'none'"]
    if script:
        policy.append(f"script-src {_hash(script)}")
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{safe(title)}</title><style>{style}</style></head><body>",
            *parts,
            *([f"<script>{script}</script>"] if script else []),
            "</body></html>",
            "",
        ]
    )


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
