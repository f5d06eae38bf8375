"""What a large class costs after grading: reports and the comparison of hand-ins, for classes of growing size.

The class is invented: grades drawn by skill, and code of statements drawn at random, with three copies planted in it. A
cost that grows with the class stays flat per learner; one that grows with its pairs would not. Prints seconds in all,
milliseconds per learner, the report's size, and how many of the copies were found.
"""

import json
import random
import re
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

STATEMENTS = (
    "{a} = {b} {o} {n}",
    "{a} = sorted({b})[{m}:{n}]",
    "for {a} in range({n}):\n        {b} = {a} {o} {c}",
    "if {a} > {n}:\n        {b} = max({c}, {m})",
    "{a} = [{b} ** {m} for {b} in {c} if {b} != {n}]",
)


def main(sizes: tuple[int, ...] = (100, 1000, 10_000)) -> None:
    from autograder.reporting.similarity import similar_pairs

    print(
        f"{'learners':>8}{'reports s':>11}{'ms each':>9}{'report MB':>11}{'similar s':>11}{'ms each':>9}{'copies':>8}"
    )
    for size in sizes:
        rng = random.Random(size)
        with tempfile.TemporaryDirectory() as folder:
            reports = seconds_of_reports(size, rng, Path(folder))
            megabytes = Path(folder, "report.html").stat().st_size / 1e6
        start = time.perf_counter()
        pairs = similar_pairs(class_code(size, rng))
        found = sum(pair.one.student.removeprefix("copy of ") == pair.other.student for pair in pairs)
        similar = time.perf_counter() - start
        each = 1000 * reports / size, 1000 * similar / size
        print(f"{size:>8}{reports:>11.1f}{each[0]:>9.2f}{megabytes:>9.2f}{similar:>11.1f}{each[1]:>9.2f}{found:>6}/3")


def seconds_of_reports(size: int, rng: random.Random, output: Path) -> float:
    """Seconds for all reports of a class of 02-metrics."""
    from autograder.engine.grades import Grade, Grading
    from autograder.exercises import exercise, points
    from autograder.reporting.reports import write_reports
    from autograder.running import Failure, Outcome

    task = exercise("02-metrics")
    worth = points(json.loads(task.source.read_bytes()), task)
    wrong = Failure("Ten cases.", True, "f(1)", "0.5", "0.25", "`beta` is not used: that is F1 for every beta.", (), "")
    grades = []
    for number in range(size):
        skill = rng.random()
        outcomes = [Outcome(name, 5, 0.01, None if rng.random() < skill else wrong) for name in worth]
        grades.append(Grade(f"learner-{number}", task.name, worth, tuple(outcomes)))
    start = time.perf_counter()
    write_reports(Grading(tuple(grades), 0, "none", datetime.now(UTC), 0.0), output)
    return time.perf_counter() - start


def class_code(size: int, rng: random.Random) -> list:
    """The code of a class, the last three learners' that of the first three with other names."""
    from autograder.reporting.similarity import read_code

    texts = [code(rng) for _ in range(size)]
    codes = [read_code(f"learner-{number}", [text]) for number, text in enumerate(texts)]
    copies = [read_code(f"copy of learner-{number}", [re.sub(r"\ba\b", "x", texts[number])]) for number in range(3)]
    return copies + codes[:-3]


def code(rng: random.Random) -> str:
    """A function of 40 statements."""

    def statement() -> str:
        names = dict(zip("abc", rng.choices("abcdefgh", k=3), strict=True))
        return rng.choice(STATEMENTS).format(**names, o=rng.choice("+-*/%"), n=rng.randrange(1000), m=rng.randrange(9))

    return "def f(a, b):\n    " + "\n    ".join(statement() for _ in range(40))


if __name__ == "__main__":
    main()
