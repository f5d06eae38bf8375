"""The leaderboard: published figures on the same 624 test images, and this course's protocols.

It is not a contest. A row says what its choices were made on and how often its protocol looked at test; a number that
was chosen by test is not comparable with one that was not, and for published ones nobody can say.
"""

import itertools
from pathlib import Path

from pneumonia import experiments, results
from pneumonia.settings import CourseError, write_json

NAME = "leaderboard"
TITLES = {
    "recipe": "Recipe",
    "imbalance": "Imbalance, natural ratio",
    "transfer": "Transfer",
    "closing": "Closing the gap",
    "normalising": "A common look",
    "finetuning": "Fine-tuning",
}
METRICS = ("accuracy", "recall", "specificity", "precision", "auc")
FIRST_LOOK = 40  # settings, about, that were scored on test before any protocol was written

PUBLISHED = (
    {
        "name": "The notebook that this course began from",
        "source": "reported by its author; frozen VGG16, random split; its own validation AUC was 0.993",
        "accuracy": 0.928,
        "recall": 0.982,
        "precision": 0.910,
        "auc": 0.9716,
    },
    {
        "name": "Kermany et al. 2018, InceptionV3",
        "source": "doi:10.1016/j.cell.2018.02.010",
        "accuracy": 0.928,
        "recall": 0.932,
        "specificity": 0.901,
        "auc": 0.968,
    },
    {
        "name": "MedMNIST v2, ResNet-50 (224)",
        "source": "doi:10.1038/s41597-022-01721-8",
        "accuracy": 0.884,
        "auc": 0.962,
    },
    {"name": "MedMNIST v2, AutoKeras", "source": "doi:10.1038/s41597-022-01721-8", "accuracy": 0.878, "auc": 0.947},
    {
        "name": "MedMNIST v2, Google AutoML Vision",
        "source": "doi:10.1038/s41597-022-01721-8",
        "accuracy": 0.946,
        "auc": 0.991,
    },
)


def build() -> dict:
    """All rows, published ones first, then ours by protocol. CourseError where no result of ours is there."""
    ours = [row for protocol in experiments.PROTOCOLS.values() if protocol.path.is_file() for row in rows_of(protocol)]
    if not ours:
        raise CourseError("no results to put on the leaderboard: run `course reproduce NAME` first")
    published = [
        {"name": row["name"], "source": row["source"], "chosen_on": "not stated", "looks_at_test": None}
        | {metric: row.get(metric) for metric in METRICS}
        for row in PUBLISHED
    ]
    return {"test_images": 624, "published": published, "ours": ours, "looks": looks()}


def looks() -> list[dict]:
    """How often the test images were looked at, a row for each protocol, and the sum so far, in their order."""
    first = {"source": "a first look, before any protocol", "chosen_on": "what to ask", "looks_at_test": FIRST_LOOK}
    rows = [first, *(_about(protocol) for protocol in experiments.PROTOCOLS.values() if protocol.path.is_file())]
    sums = itertools.accumulate(row["looks_at_test"] for row in rows)
    return [row | {"so_far": so_far} for row, so_far in zip(rows, sums, strict=True)]


def record() -> Path:
    """Write `results/leaderboard.json` anew from the results that are there, and return its path."""
    path = results.FOLDER / f"{NAME}.json"
    write_json(path, build())
    return path


def rows_of(protocol: experiments.Protocol) -> list[dict]:
    """The rows of one protocol: those settings that could be used, none that had seen test images.

    Each has METRICS, and how sure they are: `sd` over the seeds, or `interval_95` with patients drawn.
    """
    result = results.load(protocol.name)
    return [{"name": name} | _about(protocol) | values for name, values in _settings(protocol.name, result)]


def _about(protocol: experiments.Protocol) -> dict:
    """A protocol's command, what it chose on, and its looks at test, those of earlier versions included."""
    return {
        "source": f"course reproduce {protocol.name}",
        "chosen_on": protocol.chosen_on,
        "looks_at_test": protocol.looks + protocol.earlier_looks,
    }


def _settings(name: str, result: dict):
    if name == "reference-head":
        yield "Reference head", _means(result["test"])
    elif name == "diagnosis":
        for row in result["capacity"]:
            yield f"Linear head on {row['setting']}", _means(row["test"])
    elif name in ("closing", "normalising"):
        for row in result["settings"]:
            for rule, found in row["thresholds"].items():
                intervals = {metric: found["interval_95"][metric] for metric in METRICS}
                values = {metric: found["test"][metric] for metric in METRICS} | {"interval_95": intervals}
                yield f"{TITLES[name]}: {row['setting']}; threshold: {rule}", values
    elif name in TITLES:
        settings = result["settings"] if "settings" in result else result["ratios"]["natural"]["settings"]
        for row in settings:
            if name != "transfer" or row["setting"].endswith(", all"):
                yield f"{TITLES[name]}: {row['setting']}", _means(row["test"])


def _means(spread: dict) -> dict:
    means = {metric: round(spread[metric]["mean"], 4) for metric in METRICS}
    return means | {"sd": {metric: round(spread[metric]["sd"], 4) for metric in METRICS}}
