"""What a learner is told of a hidden check that failed: what is wrong, and neither the input nor its answer.

The sentence that names a mistake is made of the course's own words, but drawn values stand in some ("0.734 is not in
(0, 1]"), and text of the learner's code in others: an exception's name, the last line that it printed. A learner's code
has seen the hidden input, and could carry it out in either. So only words and numbers that stand in the course's own
texts pass; anything else becomes an ellipsis. Of the learner's own lines the numbers remain.

What no such rule can close: which check failed, with which known mistake, and in which line, is itself told.
"""

import ast
import builtins
import re
from functools import cache

from autograder.exercises import PACKAGE, exercises

GAP = "…"
PRINTED = re.compile(r" ?\(it printed last: .*\)", re.DOTALL)
# A call in the learner's code: a chain of names, each of which could be one of ours and say something.
CALL = re.compile(r"(?<=refused by )`[^`]*`|(?<=imports )`[^`]*`(?= under)|^`[^`]*`(?= stopped with)")
LINE = re.compile(r"line (\d{1,4})\b")
# A group of numbers such as a shape, a word, a number: each passes where the course's own texts have it.
GROUP = r"[(\[][-+\d.,eEx ]*\d[-+\d.,eEx ]*[)\]]"
TOKEN = re.compile(rf"{GROUP}|[^\W\d]\w*(?:-\w+)*|[-+]?\d[\w.]*(?:[-+]\d+)?")
NUMBER = re.compile(r"\d[\d.]*(?:e[-+]?\d+)?")
# A limit, which is no secret, and points, which stand beside the sentence in any case.
OPEN = re.compile(r"\d[\d.]{0,4}(?= seconds)|^\d{1,2}(?= of \d{1,2} points)")
MOST_NUMBERS = 4  # of a group that is no literal: a shape of 32 lengths, 0 or 1 each, would say much
MODULES = ("checking.py", "learner.py", "reasons.py", "running.py")
JUDGING = ("calls", "functions", "judge", "keras_answers", "keras_models", "plain", "sandbox", "worker", "workers")


def told(sentence: str) -> str:
    """A sentence of a hidden check as a learner may see it."""
    sentence = CALL.sub(GAP, PRINTED.sub("", sentence))
    known = {match.span() for match in OPEN.finditer(sentence)}
    return TOKEN.sub(lambda match: match[0] if match.span() in known or _is_ours(match[0]) else GAP, sentence)


def told_lines(lines: tuple[str, ...]) -> list[str]:
    """The learner's own lines of a traceback by their numbers: names and code could have been made on the fly."""
    return [match[0] for line in lines if (match := LINE.match(line))]


def _is_ours(token: str) -> bool:
    """Whether a token stands in the course's texts; of a group of numbers, whether all are constants of the checks."""
    if token in _words():
        return True
    numbers = NUMBER.findall(token)
    return token[0] in "([" and len(numbers) <= MOST_NUMBERS and set(numbers) <= _constants()


@cache
def _constants() -> frozenset[str]:
    """0, 1 and the fractions that checks give a name to, such as 1e-07: the contract's own numbers."""
    found = {"0", "1"}
    for path in (PACKAGE / "checks").glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            value = node.value if isinstance(node, ast.Assign) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, float):
                found |= {str(value.value), f"{value.value:g}"}
    return frozenset(found)


@cache
def _words() -> frozenset[str]:
    """Every word, number and group of numbers in the texts of the checks and of what runs them."""
    paths = [*(PACKAGE / name for name in MODULES), *(PACKAGE / "judging" / f"{name}.py" for name in JUDGING)]
    paths += sorted((PACKAGE / "checks").glob("*.py")) + sorted((PACKAGE / "hidden").glob("*.py"))
    found = set(vars(builtins)) | {"array", "NoneType", "float32", "float64", "int32", "int64"}
    found |= {name for exercise in exercises().values() for name in exercise.functions} | _constants()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(TOKEN.findall(node.value))
    return frozenset(found)
