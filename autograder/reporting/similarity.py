"""Similar hand-ins: which pairs of a class share more code than the exercise explains.

Each learner's code becomes a row of tokens in which layout, comments and the names that the learner chose make no
difference. Winnowing picks fingerprints of it: a common run of at least RUN + WINDOW - 1 tokens shares at least one. An
inverted index gives the pairs that share any, so that the work grows with the class and not with its pairs. Source:
Schleimer, Wilkerson and Aiken, Winnowing: local algorithms for document fingerprinting, SIGMOD 2003.

Short functions are alike whoever writes them: there are few ways to write `precision`. So what the release and the
course's solution hold does not count, nor what many in the class share, and what is rarer weighs more (by the logarithm
of its inverse share, as in text retrieval). A pair is a reason to look at two notebooks, never a proof.
"""

import ast
import builtins
import contextlib
import io
import keyword
import math
import re
import sys
import tokenize
import warnings
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from autograder.hand_ins.names import plain_code

RUN = 10  # tokens of one fingerprint: shorter matches are chance
WINDOW = 6  # of so many neighbours one fingerprint is kept
COMMON = (10, 40)  # learners who share a fingerprint before it is the class's: a fifth of the class, between these
EVIDENCE = 8.0  # sum of the shared fingerprints' weights below which a pair is not named
THRESHOLD = 0.4  # share of the smaller one's weight that both have
BASE = np.uint64(1_000_003)

# Lines that IPython's transformer rewrites, for each of which it reads the whole cell again; and how many characters it
# may read for one notebook: about ten seconds' worth.
MAGIC = re.compile(r"^[ \t]*[%!?,;/]|=[ \t]*[%!]|\?[ \t]*$", re.MULTILINE)
MAGIC_WORK = 4_000_000

_LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENCODING}
_KEPT = frozenset(keyword.kwlist) | frozenset(vars(builtins))


@dataclass(frozen=True)
class Code:
    """One learner's code: the texts of the cells, and each token with its cell and its line in it (from 1)."""

    student: str
    cells: tuple[str, ...]
    tokens: tuple[str, ...]
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Fragment:
    """Two cells that share code: their places among each one's cells, and the lines of each that are shared."""

    cells: tuple[int, int]
    lines: tuple[frozenset[int], frozenset[int]]


@dataclass(frozen=True)
class Pair:
    """Two learners' hand-ins: `share` of the smaller one's weight is in both; `evidence` is the weight itself."""

    one: Code
    other: Code
    share: float
    evidence: float
    fragments: tuple[Fragment, ...] = field(compare=False)


def read_code(student: str, cells: Iterable[str], kept_names: Iterable[str] = ()) -> Code:
    """A learner's cells as tokens. `kept_names` are names that the exercise gives and that stay as they are."""
    cells, kept = tuple(cells), frozenset(kept_names) | _KEPT
    tokens, places, left = [], [], MAGIC_WORK
    for number, cell in enumerate(cells):
        work = len(cell) * len(MAGIC.findall(cell))
        within = work <= left
        left -= work if within else 0
        for text, line in _tokens(cell, kept, with_magics=within):
            tokens.append(sys.intern(text))  # the same few of them again and again, in thousands of notebooks
            places.append(_place(number, line))
        # Nothing is shared across the end of a cell: no other cell ends with this token.
        tokens.append(f"end of cell {number} of {student}")
        places.append(_place(number, cell.count("\n") + 1))
    return Code(student, cells, tuple(tokens), tuple(places))


def similar_pairs(
    codes: Sequence[Code],
    given: Iterable[str] = (),
    *,
    threshold: float = THRESHOLD,
    kept_names: Iterable[str] = (),
    progress: Callable[[Iterable, int], Iterable] = lambda items, total: items,
) -> list[Pair]:
    """The pairs of a class (of one exercise) above the threshold, the most similar first.

    `given` are texts that everyone has or may have: the released cells, the course's solution. `progress` is handed the
    hand-ins and their number, and may show how the reading of their fingerprints advances.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold: expected a number above 0, 1 at most, got {threshold}")
    known = _all_runs(read_code("", given, kept_names))
    prints = [_fingerprints(code) for code in progress(codes, len(codes))]
    index: dict[int, list[int]] = defaultdict(list)
    for number, found in enumerate(prints):
        for value in found:
            if value not in known:
                index[value].append(number)
    low, high = COMMON
    most = min(max(len(codes) // 5, low), high)
    weights = {value: _weight(len(who), len(codes)) for value, who in index.items() if len(who) <= most}
    totals = [sum(weights.get(value, 0.0) for value in found) for found in prints]
    shared: Counter = Counter()
    for value, weight in weights.items():
        for pair in combinations(index[value], 2):
            shared[pair] += weight
    pairs = []
    for (a, b), evidence in shared.items():
        share = evidence / min(totals[a], totals[b])
        if share >= threshold and evidence >= EVIDENCE:
            both = [value for value in prints[a].keys() & prints[b].keys() if value in weights]
            fragments = _fragments(codes[a], codes[b], [(prints[a][value], prints[b][value]) for value in both])
            pairs.append(Pair(codes[a], codes[b], min(share, 1.0), evidence, fragments))
    return sorted(pairs, key=lambda pair: (-pair.share * pair.evidence, pair.one.student, pair.other.student))


@cache
def _place(cell: int, line: int) -> tuple[int, int]:
    """One object for each place, however many notebooks have it."""
    return cell, line


def _weight(learners: int, size: int) -> float:
    """How much a fingerprint says that so many learners of the class have."""
    return math.log((size + 1) / learners)


def _tokens(cell: str, kept: frozenset[str], with_magics: bool = True) -> list[tuple[str, int]]:
    """(token, line) of a cell: own names as `v`, texts as `s`, imported names by what they stand for.

    Without `with_magics`, a cell that is no plain Python is read like unfinished code.
    """
    if cell.startswith("%%"):  # the magic would make one text of all that is below it
        cell = "\n" + cell.partition("\n")[2]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Python or IPython thinks of a learner's style
            code = plain_code(cell) if with_magics else None
            names = None if code is None else _own_names(ast.parse(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        code = names = None
    found = []
    # Unfinished code is code, too: it is read as far as it goes, and each name in it may be the learner's own.
    with contextlib.suppress(tokenize.TokenError, SyntaxError, ValueError):
        for token in _lexed(cell if code is None else code):
            text = token.string
            if token.type == tokenize.STRING:
                text = "s"
            elif token.type == tokenize.NAME and text not in kept:
                own, imported = names or ({text}, {})
                text = imported.get(text) or ("v" if text in own else text)
            if text:
                found.append((text, token.start[0]))
    return found


def _lexed(code: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of code without its layout, comments and docstrings. Raises what `tokenize` raises."""
    begins = True
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type in _LAYOUT:
            begins = begins or token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        elif token.type != tokenize.STRING or not begins:  # a docstring, or a text on a line of its own, is none
            begins = False
            yield token


def _own_names(tree: ast.Module) -> tuple[frozenset[str], dict[str, str]]:
    """The names that code gives to variables, arguments and functions; and name -> what it was imported as."""
    own, imported = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            own.add(node.id)
        elif isinstance(node, ast.arg):
            own.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler):
            own.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {name.asname: name.name for name in node.names if name.asname}
    return frozenset(own), imported


def _run_hashes(code: Code) -> np.ndarray:
    """A number (uint64) for each run of RUN tokens, by its first token's place: equal runs have equal numbers."""
    values = np.array([_token_hash(token) for token in code.tokens], np.uint64)
    if len(values) < RUN:
        return np.empty(0, np.uint64)
    hashes = np.zeros(len(values) - RUN + 1, np.uint64)
    with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is what is meant
        for place in range(RUN):
            hashes = hashes * BASE + values[place : place + len(hashes)]
        return hashes ^ (hashes >> np.uint64(29))


@cache
def _token_hash(token: str) -> int:
    data = token.encode("utf-8", "surrogatepass")
    return zlib.crc32(data) << 32 | zlib.crc32(data, 0x5BD1E995)


def _fingerprints(code: Code) -> dict[int, int]:
    """Fingerprint -> place of its first token: of each window the smallest number, of equal ones the rightmost."""
    hashes = _run_hashes(code)
    if not len(hashes):
        return {}
    width = min(WINDOW, len(hashes))
    windows = sliding_window_view(hashes, width)[:, ::-1]
    chosen = np.unique(np.arange(len(windows)) + width - 1 - np.argmin(windows, axis=1))
    found: dict[int, int] = {}
    for place in chosen.tolist():
        found.setdefault(int(hashes[place]), place)
    return found


def _all_runs(code: Code) -> frozenset[int]:
    return frozenset(_run_hashes(code).tolist())


def _fragments(one: Code, other: Code, matches: Iterable[tuple[int, int]]) -> tuple[Fragment, ...]:
    """The matching runs' lines, by the two cells that they are in, the cells with the most of them first."""
    lines: dict[tuple[int, int], tuple[set, set]] = defaultdict(lambda: (set(), set()))
    for a, b in matches:
        cells = one.places[a][0], other.places[b][0]
        lines[cells][0].update(line for _, line in one.places[a : a + RUN])
        lines[cells][1].update(line for _, line in other.places[b : b + RUN])
    fragments = [Fragment(cells, (frozenset(a), frozenset(b))) for cells, (a, b) in lines.items()]
    return tuple(sorted(fragments, key=lambda fragment: (-len(fragment.lines[0]), fragment.cells)))
