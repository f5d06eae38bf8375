"""Tables of results as Markdown, for pages and notebooks; every number comes from a results file."""


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; a `|` in a cell is kept out of the way."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def heading(name: str) -> str:
    """A name of a result as a table writes it: `test_auc` as `test AUC`."""
    return name.replace("_", " ").replace("auc", "AUC")


def number(value: dict | float | None, digits: int = 3) -> str:
    """`0.957 ± 0.003` of a spread, mean and standard deviation over the seeds; `0.957` of a number; a dash of None."""
    if value is None:
        return "-"
    if not isinstance(value, dict):
        return f"{value:.{digits}f}"
    mean = f"{value['mean']:.{digits}f}"
    # Where a column is narrow, the line is broken before the sign and not after it.
    return f"{mean} ±\u00a0{value['sd']:.{digits}f}" if value.get("sd") else mean


def ranking(rows: list[dict]) -> str:
    """A row for each candidate of a ranking (`experiments.lab.ranked`): AUC by domain, and the lowest."""
    domains = list(rows[0]["auc"])
    body = [[row["candidate"], *(number(row["auc"][d], 4) for d in domains), number(row["lowest"], 4)] for row in rows]
    return markdown(["candidate", *(f"AUC, {domain}" for domain in domains), "lowest"], body)


def with_interval(value: float, interval: list[float], digits: int = 3) -> str:
    """`0.957 (0.94 to 0.97)`: what is so uncertain needs no third digit."""
    low, high = (f"{limit:.{digits - 1}f}" for limit in interval)
    return f"{value:.{digits}f} ({low}\u00a0to\u00a0{high})"


def looks(rows: list[dict], metrics=("auc", "accuracy", "recall", "specificity")) -> str:
    """A row for each threshold of each setting that looked at test (`experiments.lab.Lab.look`), with 95% intervals."""
    body = [
        [row["setting"], rule, *(with_interval(found["test"][m], found["interval_95"][m]) for m in metrics)]
        for row in rows
        for rule, found in row["thresholds"].items()
    ]
    return markdown(["setting", "threshold", *(heading(f"test_{metric}") for metric in metrics)], body)


def settings(rows: list[dict], columns: list[tuple[str, str]], first: str = "setting") -> str:
    """A row for each setting; columns are pairs (split, metric)."""
    header = [first, *(heading(f"{split}_{metric}") for split, metric in columns)]
    body = [[row[first], *(number(row.get(s, {}).get(m)) for s, m in columns)] for row in rows]
    return markdown(header, body)


def symptoms(rows: list[dict]) -> str:
    """The table that reads the diagnosis."""
    body = [
        [row["symptom"], f"**{row['verdict']}**", ", ".join(_evidence(*item) for item in row["evidence"].items())]
        for row in rows
    ]
    return markdown(["symptom", "verdict", "evidence"], body)


def _evidence(name: str, value: float) -> str:
    count = float(value).is_integer() and value != 1  # a rate of exactly 1 is written as one
    return f"{heading(name)} {value:z.{0 if count else 3}f}"
