"""Figures of the experiments under `results/`, in the style and palette of `pneumonia.plots`."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from pneumonia.experiments.symptoms import LOWEST
from pneumonia.plots import INK, NORMAL, PNEUMONIA, TEST, TRAIN, VALIDATION, _styled

SPLIT_COLORS = {"training": TRAIN, "validation": VALIDATION, "test": TEST}
SPLIT_MARKERS = {"training": "o", "validation": "s", "test": "D"}
# Dashes tell training from test where colour tells the class.
GROUPS = {
    "training NORMAL": (NORMAL, "-"),
    "test NORMAL": (NORMAL, "--"),
    "training PNEUMONIA": (PNEUMONIA, "-"),
    "test PNEUMONIA": (PNEUMONIA, "--"),
}


def _mean_and_sd(rows, split: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    values = [row[split][metric] for row in rows]
    return np.array([v["mean"] for v in values]), np.array([v["sd"] for v in values])


@_styled
def by_size(rows: list[dict], metrics=("auc", "specificity")) -> Figure:
    """Metrics on training, validation and test by number of training images; bars are the sd over the seeds."""
    figure, axes = plt.subplots(1, len(metrics), figsize=(4.5 * len(metrics), 3.3), squeeze=False)
    sizes = [row["images"] for row in rows]
    for axis, metric in zip(axes.flat, metrics, strict=True):
        for split, color in SPLIT_COLORS.items():
            mean, sd = _mean_and_sd(rows, split, metric)
            axis.errorbar(
                sizes, mean, sd, color=color, marker=SPLIT_MARKERS[split], markersize=5, capsize=2, label=split
            )
        axis.set(xscale="log", xlabel="training images", title={"auc": "ROC AUC"}.get(metric, metric.capitalize()))
    axes.flat[0].legend()
    return figure


@_styled
def distributions(statistics: dict) -> Figure:
    """The share of images below each sharpness and each black: class by colour, training solid, test dashed."""
    shown = statistics["densities"]
    figure, axes = plt.subplots(1, len(shown), figsize=(4.5 * len(shown), 3.3), squeeze=False, sharey=True)
    names = {"sharpness": "Sharpness (sd of the Laplacian)", "black": "Black (5th percentile of grey)"}
    for axis, (name, histogram) in zip(axes.flat, shown.items(), strict=True):
        for group, (color, dashes) in GROUPS.items():
            below = np.cumsum([0, *histogram["shares"][group]])
            axis.plot(histogram["edges"], below / below[-1], color=color, linestyle=dashes, label=group)
        axis.set(xlabel=names.get(name, name), ylim=(-0.02, 1.02))
    axes.flat[0].set_ylabel("share of images below")
    axes.flat[-1].legend(fontsize=9, loc="lower right")
    return figure


@_styled
def spectra(statistics: dict) -> Figure:
    """Power by spatial frequency, as a difference of log10 from the training images of NORMAL."""
    figure, axis = plt.subplots(figsize=(7, 3.4))
    reference = np.array(statistics["spectra"]["training NORMAL"])
    frequencies = np.arange(len(reference))[2:]
    for group, (color, dashes) in GROUPS.items():
        difference = np.array(statistics["spectra"][group]) - reference
        axis.plot(frequencies, difference[2:], color=color, linestyle=dashes, label=group)
    axis.set(xscale="log", xlabel="cycles per image", ylabel="log10 of power,\nagainst training NORMAL")
    axis.legend(fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


ASKED = {LOWEST: "lowest study numbers of training"}  # in fewer words


@_styled
def told_apart(rows: list[dict], look: str = "block3+4+5") -> Figure:
    """How well a classifier tells training from test, for each class, and two parts of training for comparison."""
    shown = [row for row in rows if row["look"] == look]
    figure, axis = plt.subplots(figsize=(8, 0.7 + 0.4 * len(shown)))
    places = np.arange(len(shown))[::-1]
    for place, row in zip(places, shown, strict=True):
        color = NORMAL if row["class"] == "NORMAL" else PNEUMONIA
        filled = color if row["question"] == "training against test" else "white"
        mean, sd = row["auc"]["mean"], row["auc"]["sd"]
        axis.errorbar(mean, place, xerr=sd, color=color, fmt="o", markersize=9, markerfacecolor=filled, capsize=2)
    axis.axvline(0.5, color=INK, linewidth=1, linestyle=":")
    axis.set(
        yticks=places, yticklabels=[f"{row['class']}: {ASKED.get(row['question'], row['question'])}" for row in shown]
    )
    axis.set(xlabel="AUC of telling the two sets apart", xlim=(0.4, 1.0), ylim=(-0.6, len(shown) - 0.4))
    return figure


@_styled
def operating_points(ratios: dict, split: str = "test") -> Figure:
    """Recall and specificity of each remedy, one panel for each ratio of the classes in training."""
    size = (3.4 * len(ratios), 3.6)
    figure, axes = plt.subplots(1, len(ratios), figsize=size, squeeze=False, sharex=True, sharey=True)
    markers = "oDsv^P*X"
    for axis, (ratio, found) in zip(axes.flat, ratios.items(), strict=True):
        for marker, row in zip(markers, found["settings"], strict=False):
            mean = row[split]["specificity"]["mean"], row[split]["recall"]["mean"]
            axis.plot(*mean, marker, markersize=8, alpha=0.85, label=row["setting"])
        axis.set(xlabel="specificity", title=ratio, xlim=(0, 1.03), ylim=(0.8, 1.01))
    axes.flat[0].set_ylabel("recall")
    axes.flat[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@_styled
def reliability(result: dict, head: str = "hidden layer") -> Figure:
    """Observed against predicted share of ill, before and after temperature scaling; larger dots hold more cases."""
    figure, axes = plt.subplots(1, 2, figsize=(8.4, 4), squeeze=False, sharey=True)
    for axis, split in zip(axes.flat, ("validation", "test"), strict=True):
        for when, color, marker in (("before", PNEUMONIA, "o"), ("after", NORMAL, "s")):
            bins = result[head]["curves"][f"{split} {when}"]
            x, y = ([b[key] for b in bins] for key in ("predicted", "observed"))
            axis.plot(x, y, color=color, linewidth=1)
            sizes = [12 + 0.6 * b["cases"] for b in bins]
            axis.scatter(x, y, sizes, color=color, marker=marker, alpha=0.8, label=f"{when} scaling")
        axis.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":")
        axis.set(xlabel="predicted", title=split.capitalize(), xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), aspect="equal")
    axes.flat[0].set_ylabel("observed share of PNEUMONIA")
    axes.flat[1].legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=0.5)
    return figure


@_styled
def models_by_size(rows: list[dict], metric: str = "auc") -> Figure:
    """One metric of each model by number of training images, on validation and on test."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), squeeze=False, sharey=True)
    models = dict.fromkeys(row["model"] for row in rows)
    styles = dict(zip(models, ((NORMAL, "o"), (TRAIN, "D"), (PNEUMONIA, "s"), (INK, "^")), strict=False))
    for axis, split in zip(axes.flat, ("validation", "test"), strict=True):
        for model, (color, marker) in styles.items():
            own = [row for row in rows if row["model"] == model]
            mean, sd = _mean_and_sd(own, split, metric)
            sizes = [row["images"] for row in own]
            axis.errorbar(sizes, mean, sd, color=color, marker=marker, markersize=5, capsize=2, label=model)
        axis.set(xscale="log", xlabel="training images", title=split.capitalize())
    axes.flat[0].set_ylabel({"auc": "ROC AUC"}.get(metric, metric))
    axes.flat[1].legend(fontsize=9)
    return figure


@_styled
def losses(result: dict) -> Figure:
    """Loss on training images by step of fine-tuning, a panel for each first block: the mean over the seeds, and from
    the lowest to the highest.
    """
    figure, axes = plt.subplots(1, len(result["losses"]), figsize=(9, 3), squeeze=False, sharey=True)
    for axis, (block, trainings) in zip(axes.flat, result["losses"].items(), strict=True):
        runs = np.array([run["loss"] for run in trainings])
        steps = (np.arange(runs.shape[1]) + 0.5) / runs.shape[1] * result["steps"]
        axis.fill_between(steps, runs.min(axis=0), runs.max(axis=0), color=TRAIN, alpha=0.2, linewidth=0)
        axis.plot(steps, runs.mean(axis=0), color=TRAIN, marker="o", markersize=4)
        axis.set(xlabel="step", ylim=(0, None), title=block.replace("block", "from block ") + " on")
    axes.flat[0].set_ylabel("loss on training")
    return figure


@_styled
def ranking_and_test(ranking: list[dict], afterwards: list[dict]) -> Figure:
    """What each candidate was worth by the training folder, and its AUC on test; bars are the sd over the seeds."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 0.6 + 0.36 * len(ranking)), squeeze=False, sharey=True)
    places = np.arange(len(ranking))[::-1]
    test = {row["setting"]: row["test"]["auc"] for row in afterwards}
    worth = [row["lowest"] for row in ranking]
    on_test = [test[row["candidate"]] for row in ranking]
    for axis, values, split in zip(axes.flat, (worth, on_test), ("validation", "test"), strict=True):
        axis.errorbar(
            [v["mean"] for v in values],
            places,
            xerr=[v["sd"] for v in values],
            fmt=SPLIT_MARKERS[split],
            color=SPLIT_COLORS[split],
            markersize=6,
            capsize=2,
        )
        axis.xaxis.get_major_locator().set_params(nbins=4)
    axes.flat[0].set(yticks=places, yticklabels=[row["candidate"] for row in ranking])
    axes.flat[0].set_xlabel("lowest AUC, training folder")
    axes.flat[1].set_xlabel("AUC, test")
    return figure
