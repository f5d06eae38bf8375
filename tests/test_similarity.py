"""Similar hand-ins: copies are found however they are disguised, honest ones are not, and it scales by an index."""

import json
import random
import re
import textwrap
import time

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from autograder.exercises import exercise
from autograder.hand_ins.notebooks import grading_metadata, source_of
from autograder.reporting.similarity import RUN, WINDOW, _fingerprints, read_code, similar_pairs
from autograder.reporting.similarity_page import similarity_page
from course.cli import main
from course.similar import _given

TASK = exercise("02-metrics")
# An answer with a handwriting of its own: nobody writes this the same by chance.
OWN = textwrap.dedent(
    '''
    def roc_auc(y_true, y_prob):
        """Area under the curve."""
        positives = [p for p, label in zip(y_prob, y_true) if label == 1]
        negatives = [p for p, label in zip(y_prob, y_true) if label == 0]
        if len(positives) * len(negatives) == 0:
            raise ValueError("y_true needs both")
        won = 0
        for high in positives:
            for low in negatives:
                if high > low:
                    won += 2
                elif high == low:
                    won += 1
        return won / (2 * len(positives) * len(negatives))
    '''
)
DISGUISES = {
    "as it is": lambda code: code,
    "other names": lambda code: re.sub(r"\b(positives|negatives|won|high|low|label|p)\b", lambda m: f"x_{m[0]}", code),
    "comments, blank lines, no docstring": lambda code: re.sub(
        r"\n( +)(won|if|for)", r"\n\n\1# now the next step\n\1\2", code.replace('    """Area under the curve."""\n', "")
    ),
    "other texts": lambda code: code.replace("y_true needs both", "both classes must be in y_true, please"),
    "other indentation": lambda code: code.replace("    ", "\t"),
    "in a timed cell": lambda code: f"%%time\n{code}",
    "with a line that stops it": lambda code: f"{code}\nthis is no Python",
    "something in the middle": lambda code: code.replace(
        "    won = 0\n", "    print('counting')\n    total = 1 + 1\n    won = 0\n"
    ),
    "below other code": lambda code: f"def helper(a):\n    return [a ** 2 for _ in range(3)]\n{code}",
}


def class_of(count: int, seed: int = 0) -> list:
    """Learners whose code has nothing in common but short idioms."""
    rng = random.Random(seed)

    def statement():
        a, b, c = (rng.choice("abcdefgh") for _ in range(3))
        return rng.choice(
            [
                f"{a} = {b} {rng.choice('+-*/%')} {rng.randrange(1000)}",
                f"{a} = sorted({b})[{rng.randrange(50)}:{rng.randrange(1000)}]",
                f"for {a} in range({rng.randrange(1000)}):\n        {b} = {a} {rng.choice('+-*/')} {c}",
                f"if {a} > {rng.randrange(1000)}:\n        {b} = max({c}, {rng.randrange(1000)})",
                f"{a} = [{b} ** {rng.randrange(9)} for {b} in {c} if {b} != {rng.randrange(1000)}]",
            ]
        )

    def function(name):
        body = "\n    ".join(statement() for _ in range(8))
        return f"def {name}(y_true, y_prob):\n    {body}\n    return a"

    short = "def precision(tp, fp):\n    return tp / (tp + fp) if tp + fp else 0.0"
    return [read_code(f"s{n}", [short, function("roc_auc"), function("f_beta")], TASK.functions) for n in range(count)]


def pairs_of(codes, **options):
    return similar_pairs(codes, _given(TASK.name), kept_names=TASK.functions, **options)


@pytest.mark.parametrize("disguise", DISGUISES.values(), ids=DISGUISES)
def test_a_copy_is_found_in_any_disguise(disguise):
    copies = [read_code(name, [text], TASK.functions) for name, text in (("one", OWN), ("two", disguise(OWN)))]
    (pair,) = pairs_of([*class_of(30), *copies])
    assert (pair.one.student, pair.other.student) == ("one", "two")
    assert pair.share > 0.4
    assert pair.fragments[0].cells == (0, 0)
    assert len(pair.fragments[0].lines[0]) >= 6


def test_honest_hand_ins_are_no_pairs():
    assert pairs_of(class_of(40)) == []


def test_what_everyone_shares_is_no_pair():
    """A helper that the teacher showed: each of 60 has it, and much that is the learner's own."""
    shared = OWN.replace("roc_auc", "helper")
    own = class_of(60)
    with_it = [read_code(code.student, [shared, *code.cells], TASK.functions) for code in own]
    assert pairs_of(with_it, threshold=0.1) == []
    assert len(pairs_of([*with_it[:2], *own[2:]], threshold=0.1)) == 1


def test_the_release_and_the_solution_do_not_count():
    cells = json.loads(TASK.source.read_bytes())["cells"]
    solution = [source_of(cell) for cell in cells if grading_metadata(cell).get("grade_id") in TASK.functions]
    codes = [read_code(name, solution, TASK.functions) for name in ("one", "two")]
    assert pairs_of([*class_of(10), *codes]) == []
    assert len(similar_pairs([*class_of(10), *codes], [], kept_names=TASK.functions)) == 1


def test_short_functions_alone_are_no_evidence():
    share = "def recall(tp, fn):\n    return tp / (tp + fn) if tp + fn else 0.0"
    assert similar_pairs([read_code(name, [share], TASK.functions) for name in ("one", "two")]) == []


def test_a_class_of_two_and_a_ring_are_found():
    copies = [read_code(f"c{n}", [OWN], TASK.functions) for n in range(4)]
    assert len(pairs_of(copies[:2])) == 1
    assert len(pairs_of([*class_of(30), *copies])) == 6
    assert pairs_of([]) == pairs_of(copies[:1]) == []


tokens = st.lists(st.sampled_from(["a+1", "b*2", "f(x)", "[0]", "c-d", "7", "g.h", "not e"]), min_size=40, max_size=60)


@given(tokens, tokens, tokens, st.integers(0, 30))
def test_a_run_of_the_guaranteed_length_shares_a_fingerprint(before, shared, after, cut):
    """Winnowing's promise: what is RUN + WINDOW - 1 tokens long or longer is never missed."""

    def code(name, *parts):
        return read_code(name, [f"x = ({', '.join(part for piece in parts for part in piece)})"])

    one, two = code("one", before[:cut], shared, after[:3]), code("two", after, shared, before[:5])
    assert len(shared) >= RUN + WINDOW - 1
    assert _fingerprints(one).keys() & _fingerprints(two).keys()


@pytest.mark.filterwarnings("error")
@given(st.text())
def test_any_cell_can_be_read(text):
    code = read_code("ada", [text, "\x00", "(" * 500, "'\\d'", "%%bash\nls"])
    assert len(code.tokens) == len(code.places)


def test_a_threshold_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r"threshold: expected a number above 0, 1 at most, got 0"):
        similar_pairs([], threshold=0)


def test_the_page_shows_both_sides_as_text():
    script = "# <script>alert(1)</script>\n"
    codes = [read_code(name, [script + OWN], TASK.functions) for name in ("<b>one", "two")]
    page = similarity_page({TASK.name: pairs_of([*class_of(10), *codes])}, {TASK.name: 12}, 0.4)
    assert "1 of 66 pairs of 12 notebooks have 40% or more" in page
    assert "&lt;b&gt;one" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "<mark>        for low in negatives:</mark>" in page


def test_the_command_compares_a_class_and_runs_nothing(tmp_path):
    def hand_in(student, *cells):
        place = tmp_path / "submitted" / student / TASK.name
        place.mkdir(parents=True)
        notebook = json.loads(TASK.release.read_bytes())
        notebook["cells"] += [
            {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None}
            for cell in cells
        ]
        (place / f"{TASK.name}.ipynb").write_text(json.dumps(notebook))

    trap = f"open({str(tmp_path / 'ran')!r}, 'w')"
    hand_in("ada", OWN, trap)
    hand_in("ben", DISGUISES["other names"](OWN), trap)
    hand_in("cem")
    (tmp_path / "submitted" / "dan" / TASK.name).mkdir(parents=True)
    result = CliRunner().invoke(main, ["similar", str(tmp_path / "submitted")])
    assert result.exit_code == 0, result.output
    assert "02-metrics: 1 pairs of 3 notebooks." in result.output
    assert "won += 2" in (tmp_path / "similar.html").read_text()
    assert not (tmp_path / "ran").exists()


def test_magics_beside_a_long_line_take_no_minute():
    """For each magic, IPython reads the whole cell again."""
    cell = "x = !ls\n" * 500 + "y = [" + "1, " * 20_000 + "]\n"
    start = time.monotonic()
    code = read_code("ada", [cell, "%time z = f(1)"] * 5)
    assert time.monotonic() - start < 15
    assert code.tokens.count("!") == 2500
    assert "%" not in code.tokens, "what can be read in time still is"
