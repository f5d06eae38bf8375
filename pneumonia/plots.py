"""Every figure of the course is drawn here, in one style and one palette that is safe for colour blindness."""

import functools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy.special import expit, logit
from scipy.stats import binom
from sklearn.metrics import precision_recall_curve, roc_curve

from pneumonia.calibration import adjust_prior
from pneumonia.data import CLASSES, Dataset
from pneumonia.evaluation import confusion_counts

# Okabe and Ito's palette (2008): NORMAL is always blue, PNEUMONIA always vermilion.
NORMAL, PNEUMONIA = "#0072B2", "#D55E00"
TRAIN, VALIDATION, TEST = "#56B4E9", "#009E73", "#CC79A7"
INK = "#333333"
COLORS = (NORMAL, PNEUMONIA)

STYLE = {
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "savefig.bbox": "tight",
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": "#e5e5e5",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "image.cmap": "gray",
    "axes.prop_cycle": mpl.cycler(color=[NORMAL, PNEUMONIA, VALIDATION, TEST, "#E69F00", TRAIN]),
}


def use_style() -> None:
    """Make the course's style matplotlib's default; every lesson calls it once."""
    mpl.rcParams.update(STYLE)


def _styled(draw):
    """Draw in the course's style, whatever the caller's is, and do not let pyplot keep the figure.

    A notebook then shows it once, as the value of the cell.
    """

    @functools.wraps(draw)
    def styled(*args, **kwargs) -> Figure:
        with mpl.rc_context(STYLE):
            figure = draw(*args, **kwargs)
        plt.close(figure)
        return figure

    return styled


def sample(dataset: Dataset, n: int, seed: int = 0) -> np.ndarray:
    """Row numbers of `n` images: as many of each kind as possible, in turn, drawn with a seed."""
    rng = np.random.default_rng(seed)
    queues = [rng.permutation(np.flatnonzero(dataset.kinds == kind)).tolist() for kind in sorted(set(dataset.kinds))]
    chosen = []
    while len(chosen) < n and any(queues):
        chosen += [queue.pop() for queue in queues if queue]
    return np.array(chosen[:n], int)


@_styled
def image_grid(images, titles=(), *, columns: int = 6, width: float = 9.0, title: str = "") -> Figure:
    """Grey images (n, h, w) or (n, h, w, 3) in 0..255, side by side, each under its title."""
    rows = -(-len(images) // columns)
    side = width / columns
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, rows * side * (1.15 if len(titles) else 1.02)), squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for i, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image, vmin=0, vmax=255, cmap="gray")
        if len(titles):
            axis.set_title(titles[i], fontsize=9, loc="center", fontweight="normal")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


@_styled
def contact_sheet(dataset: Dataset, n: int = 12, *, seed: int = 0, columns: int = 6, size: int = 224) -> Figure:
    """`n` images of the data set with their kind and patient; says "phantom" where they are drawn."""
    rows = sample(dataset, n, seed)
    names = [f"{dataset.kinds[i]}\n{dataset.patients[i]}" for i in rows]
    title = "Phantom X-rays: drawn by code, no real child" if dataset.source.synthetic else dataset.source.title
    return image_grid(dataset.load(size, rows), names, columns=columns, title=title)


@_styled
def class_counts(dataset: Dataset) -> Figure:
    """Bars: images by split and class, each bar with its number."""
    figure, axis = plt.subplots(figsize=(7, 3))
    counts = dataset.counts()
    positions = np.arange(len(counts))
    for label, name in enumerate(CLASSES):
        heights = [counts[split][name] for split in counts]
        bars = axis.bar(positions + (label - 0.5) * 0.4, heights, 0.38, color=COLORS[label], label=name)
        axis.bar_label(bars, padding=2)
    axis.set_xticks(positions, list(counts))
    axis.set_ylabel("images")
    axis.grid(axis="x", visible=False)
    axis.margins(y=0.12)
    axis.legend(ncols=2, loc="upper right")
    return figure


@_styled
def learning_curves(history: dict[str, list[float]], metrics=("loss", "auc")) -> Figure:
    """Training and validation by epoch, one panel a metric; a line marks the epoch of the lowest validation loss."""
    figure, axes = plt.subplots(1, len(metrics), figsize=(4.5 * len(metrics), 3.2), squeeze=False)
    best = int(np.argmin(history["val_loss"])) + 1
    for axis, metric in zip(axes.flat, metrics, strict=True):
        epochs = np.arange(1, len(history[metric]) + 1)
        axis.plot(epochs, history[metric], color=TRAIN, marker="o", markersize=3, label="training")
        axis.plot(epochs, history[f"val_{metric}"], color=VALIDATION, marker="s", markersize=3, label="validation")
        axis.axvline(best, color=INK, linewidth=1, linestyle=":")
        axis.set(xlabel="epoch", title={"auc": "ROC AUC"}.get(metric, metric.capitalize()))
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes.flat[0].legend()
    return figure


@_styled
def confusion(counts: dict[str, int], title: str = "") -> Figure:
    """The four counts as a table of rows (true class) and columns (predicted class), shaded by share of the row."""
    figure, axis = plt.subplots(figsize=(4.2, 3.4))
    _draw_confusion(axis, counts, title)
    return figure


def _draw_confusion(axis, counts: dict[str, int], title: str = "") -> None:
    table = np.array([[counts["tn"], counts["fp"]], [counts["fn"], counts["tp"]]])
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(table):
        color = "white" if shares[row, column] > 0.5 else INK
        text = f"{count}\n{shares[row, column]:.0%}"
        axis.text(column, row, text, ha="center", va="center", color=color, fontsize=13)
    axis.set(xticks=[0, 1], yticks=[0, 1], xlabel="predicted", ylabel="true", title=title)
    axis.set_xticklabels(CLASSES)
    axis.set_yticklabels(CLASSES, rotation=90, va="center")
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)


@_styled
def roc(curves: dict[str, tuple], threshold: float = 0.5) -> Figure:
    """ROC curves of `{name: (labels, probabilities)}`, each with a dot at the threshold."""
    figure, axis = plt.subplots(figsize=(4.6, 4.2))
    for color, (name, (labels, probabilities)) in zip(
        (VALIDATION, TEST, NORMAL, PNEUMONIA), curves.items(), strict=False
    ):
        _draw_roc(axis, labels, probabilities, threshold, color, name)
    axis.legend(loc="lower right")
    return figure


def _draw_roc(axis, labels, probabilities, threshold: float, color: str, name: str = "") -> None:
    """One ROC curve with a dot at the threshold, and the diagonal of chance."""
    labels, positive = np.asarray(labels), np.asarray(probabilities) >= threshold
    false_positive, true_positive, _ = roc_curve(labels, probabilities)
    axis.plot(false_positive, true_positive, color=color, label=name)
    axis.plot(positive[labels == 0].mean(), positive[labels == 1].mean(), "o", color=color, markersize=8)
    axis.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":")
    axis.set(
        xlabel="1 - specificity", ylabel="recall", title="ROC", aspect="equal", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02)
    )


@_styled
def precision_recall(curves: dict[str, tuple]) -> Figure:
    """Precision against recall of `{name: (labels, probabilities)}`; dotted: the share of positives."""
    figure, axis = plt.subplots(figsize=(4.6, 4.2))
    for color, (name, (labels, probabilities)) in zip(
        (VALIDATION, TEST, NORMAL, PNEUMONIA), curves.items(), strict=False
    ):
        precision, recall, _ = precision_recall_curve(labels, probabilities)
        axis.plot(recall, precision, color=color, label=name, drawstyle="steps-post")
        axis.axhline(np.mean(labels), color=color, linewidth=1, linestyle=":")
    axis.set(xlabel="recall", ylabel="precision", title="Precision and recall", xlim=(-0.02, 1.02), ylim=(0, 1.02))
    axis.legend(loc="lower left")
    return figure


@_styled
def rates_by_threshold(labels, probabilities) -> Figure:
    """Recall, specificity and precision over the threshold, on the scale of log-odds, with 0.5 dotted."""
    steps = np.linspace(-10, 20, 301)
    counts = [confusion_counts(labels, probabilities, expit(step)) for step in steps]
    tn, fp, fn, tp = (np.array([c[name] for c in counts]) for name in ("tn", "fp", "fn", "tp"))
    figure, axis = plt.subplots(figsize=(7, 3.2))
    axis.plot(steps, tp / (tp + fn), color=PNEUMONIA, label="recall")
    axis.plot(steps, tn / (tn + fp), color=NORMAL, label="specificity", linestyle="--")
    axis.plot(steps, tp / np.maximum(tp + fp, 1), color=INK, label="precision", linestyle="-.", linewidth=1.5)
    axis.axvline(0, color=INK, linewidth=1, linestyle=":")
    _log_odds_axis(axis)
    axis.set(xlabel="threshold (a probability, scaled by log-odds)", ylim=(0, 1.03))
    axis.legend(loc="lower left")
    return figure


def _log_odds_axis(axis) -> None:
    """Ticks of an axis in log-odds, written as the probabilities that they are."""
    shown = (0.0001, 0.01, 0.5, 0.99, 0.9999, 0.999999)
    axis.set_xticks(logit(shown), [f"{p:g}" for p in shown])


@_styled
def operating_point(labels, probabilities, threshold: float = 0.5, title: str = "") -> Figure:
    """One threshold seen three ways: on the scores, in the confusion matrix, on the ROC curve."""
    labels = np.asarray(labels)
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.1), width_ratios=(1.5, 1, 1.1))
    scores = np.clip(logit(probabilities), -10, 20)
    for label, name in enumerate(CLASSES):
        shares = np.full((labels == label).sum(), 1 / (labels == label).sum())
        axes[0].hist(
            scores[labels == label], np.arange(-10, 21), weights=shares, color=COLORS[label], alpha=0.75, label=name
        )
    axes[0].axvline(logit(threshold), color=INK, linewidth=1.5, linestyle=":")
    _log_odds_axis(axes[0])
    axes[0].tick_params(axis="x", labelsize=8)
    axes[0].set(xlabel="probability of PNEUMONIA", ylabel="share of the class", title=title)
    axes[0].legend(loc="upper center")
    _draw_confusion(axes[1], confusion_counts(labels, probabilities, threshold))
    _draw_roc(axes[2], labels, probabilities, threshold, VALIDATION)
    return figure


@_styled
def predictive_values(recall: float, specificity: float) -> Figure:
    """Positive and negative predictive value of one classifier over the prevalence, by Bayes' rule."""
    prevalence = np.linspace(0.001, 0.999, 500)
    found, alarmed = prevalence * recall, (1 - prevalence) * (1 - specificity)
    cleared, missed = (1 - prevalence) * specificity, prevalence * (1 - recall)
    figure, axis = plt.subplots(figsize=(7, 3))
    axis.plot(prevalence, found / (found + alarmed), color=PNEUMONIA, label="positive predictive value")
    axis.plot(prevalence, cleared / (cleared + missed), color=NORMAL, linestyle="--", label="negative predictive value")
    axis.set(xlabel="prevalence: share of the ill among those examined", ylim=(0, 1.03), xlim=(0, 1))
    axis.legend(loc="lower center")
    return figure


@_styled
def calibration(curves: dict[str, tuple], bins: int = 5) -> Figure:
    """Observed share of PNEUMONIA in each bin of the predicted probability, of `{name: (labels, probabilities)}`.

    The area of a dot grows with the number of cases in its bin.
    """
    figure, axis = plt.subplots(figsize=(4.8, 4.2))
    for color, marker, (name, (labels, probabilities)) in zip((VALIDATION, TEST), "so", curves.items(), strict=False):
        which = np.minimum((np.asarray(probabilities) * bins).astype(int), bins - 1)
        filled = [b for b in range(bins) if np.any(which == b)]
        predicted = [np.mean(np.asarray(probabilities)[which == b]) for b in filled]
        observed = [np.mean(np.asarray(labels)[which == b]) for b in filled]
        sizes = [20 + 300 * np.mean(which == b) for b in filled]
        axis.scatter(predicted, observed, sizes, color=color, marker=marker, alpha=0.85, label=name)
    axis.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":")
    axis.set(
        xlabel="predicted probability",
        ylabel="observed share",
        title="Calibration",
        xlim=(-0.04, 1.06),
        ylim=(-0.04, 1.06),
    )
    handles, names = axis.get_legend_handles_labels()
    axis.legend(handles, names, loc="upper left", markerscale=0.5)
    return figure


@_styled
def intervals(estimates: dict[str, tuple[float, float, float]], xlabel: str, xlim=(0, 1.02)) -> Figure:
    """A row for each `{name: (low, value, high)}`: a dot and its interval."""
    figure, axis = plt.subplots(figsize=(7, 0.7 + 0.42 * len(estimates)))
    for row, (low, value, high) in enumerate(estimates.values()):
        axis.plot([low, high], [row, row], color=INK, linewidth=1.5)
        axis.plot(value, row, "o", color=NORMAL, markersize=8)
    axis.set(yticks=range(len(estimates)), yticklabels=list(estimates), xlabel=xlabel, xlim=xlim)
    axis.set_ylim(len(estimates) - 0.5, -0.5)
    axis.grid(axis="y", visible=False)
    return figure


@_styled
def score_histogram(panels: dict[str, tuple], threshold: float = 0.5) -> Figure:
    """Histograms of the probability by class, one panel for each of `{name: (labels, probabilities)}`."""
    figure, axes = plt.subplots(1, len(panels), figsize=(4.5 * len(panels), 3.0), squeeze=False, sharey=True)
    edges = np.linspace(0, 1, 21)
    for axis, (name, (labels, probabilities)) in zip(axes.flat, panels.items(), strict=True):
        for label, title in enumerate(CLASSES):
            of_class = np.asarray(probabilities)[np.asarray(labels) == label]
            shares = np.full(len(of_class), 1 / max(len(of_class), 1))
            axis.hist(of_class, edges, weights=shares, color=COLORS[label], alpha=0.75, label=title)
        axis.axvline(threshold, color=INK, linewidth=1, linestyle=":")
        axis.set(xlabel="probability of PNEUMONIA", title=name)
    axes.flat[0].set_ylabel("share of the class")
    axes.flat[0].legend(loc="upper center", frameon=True, framealpha=1, edgecolor="none")  # over the threshold's line
    return figure


def scores_of(run: dict) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """`{"validation": (labels, probabilities), "test": ...}` of one run of a result."""
    return {name: (np.array(run[name]["labels"]), expit(run[name]["logits"])) for name in ("validation", "test")}


def result_figures(result: dict) -> dict[str, Figure]:
    """The figures of a result in the reference protocol's form, drawn for its first seed."""
    run = result["runs"][0]
    curves = scores_of(run)
    return {
        "learning_curves": learning_curves(run["history"]),
        "confusion_matrix": confusion(run["test"]["confusion"], "Test images"),
        "roc": roc(curves),
        "precision_recall": precision_recall(curves),
        "scores": score_histogram(curves),
    }


@_styled
def marked_grid(images, masks, titles=(), *, width: float = 9.0, title: str = "") -> Figure:
    """Grey images (n, h, w) in one row, and below them the same with the outline of their masks (n, h, w), bool."""
    n = len(images)
    figure = image_grid([*images, *images], [*titles, *[""] * n] if len(titles) else (), columns=n, width=width)
    for axis, mask in zip(figure.axes[n:], masks, strict=True):
        if np.any(mask):
            axis.contour(mask, [0.5], colors=[PNEUMONIA], linewidths=1.5)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


@_styled
def heat_maps(images, maps, titles=(), masks=None, *, columns: int = 3, width: float = 0) -> Figure:
    """Grey images (n, h, w) or (n, h, w, 3) in 0..255, and over each a map (n, h, w) of the evidence for PNEUMONIA.

    Orange spoke for it, blue against it, each map on a scale of its own; what is near zero stays transparent. The
    outline of a mask (n, h, w), bool, is drawn where one is given. The width is 3 inches a column unless given.
    """
    figure = image_grid(images, titles, columns=columns, width=width or 3 * columns)
    for i, (axis, evidence) in enumerate(zip(figure.axes, maps, strict=False)):
        share = np.asarray(evidence, float) / max(np.abs(evidence).max(), 1e-12)
        axis.imshow(share, cmap="PuOr_r", vmin=-1, vmax=1, alpha=np.clip(np.abs(share) * 1.2, 0, 0.75))
        if masks is not None and np.any(masks[i]):
            axis.contour(masks[i], [0.5], colors=["white"], linewidths=1.5)
    return figure


@_styled
def best_of_many(looks: list[int], highest: dict[str, list[float]], truth: float) -> Figure:
    """The best score found on one test set, over the number of settings that were tried on it; the truth is dotted."""
    figure, axis = plt.subplots(figsize=(6, 3.2))
    for (name, values), line, marker in zip(highest.items(), ("-", "--", "-."), "os^", strict=False):
        axis.plot(looks, values, line, marker=marker, markersize=5, label=name)
    axis.axhline(truth, color=INK, linewidth=1.5, linestyle=":")
    axis.set_xscale("log")
    axis.set_xticks(looks, [str(n) for n in looks])
    axis.minorticks_off()
    axis.set(xlabel="settings tried on test", ylabel="best accuracy among them")
    axis.legend(loc="upper left")
    return figure


@_styled
def before_and_after(frozen: dict, tuned: dict, metrics=("auc", "specificity")) -> Figure:
    """Two settings of a result, one panel a metric: validation and test before and after, thin lines are the seeds."""
    figure, axes = plt.subplots(1, len(metrics), figsize=(4.5 * len(metrics), 3.3), squeeze=False)
    for axis, metric in zip(axes.flat, metrics, strict=True):
        for place, (split, color, marker) in enumerate((("validation", VALIDATION, "s"), ("test", TEST, "o"))):
            where = [2.4 * place, 2.4 * place + 1]
            pairs = [
                (old[split][metric], new[split][metric]) for old, new in zip(frozen["runs"], tuned["runs"], strict=True)
            ]
            axis.plot(where, np.transpose(pairs), color="#999999", linewidth=1)
            axis.plot(where, np.mean(pairs, axis=0), color=color, marker=marker, markersize=7, label=split)
        axis.set_xticks([0, 1, 2.4, 3.4], ["frozen", "fine-tuned"] * 2)
        axis.set_title({"auc": "ROC AUC"}.get(metric, metric.capitalize()))
        axis.grid(axis="x", visible=False)
    axes.flat[0].legend()
    return figure


@_styled
def trials(histories: dict[str, dict[str, list[float]]], metric: str = "val_loss", ylabel: str = "") -> Figure:
    """One metric by epoch of several trainings, a line each, logarithmic; epoch 0 is before the first."""
    figure, axis = plt.subplots(figsize=(6.4, 3.3))
    for (name, history), line, marker in zip(histories.items(), ("-", "--", "-.", ":"), "os^D", strict=False):
        axis.plot(range(len(history[metric])), history[metric], line, marker=marker, markersize=5, label=name)
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.set(xlabel="epoch", ylabel=ylabel or metric)
    axis.set_yscale("log")
    axis.legend()
    return figure


@_styled
def accuracy_by_chance(accuracy: float, cases: tuple[int, ...]) -> Figure:
    """How likely each share of right answers is at a known accuracy, one panel for each number of cases."""
    figure, axes = plt.subplots(1, len(cases), figsize=(4.5 * len(cases), 2.8), squeeze=False)
    for axis, n in zip(axes.flat, cases, strict=True):
        right = np.arange(n + 1)
        width = 0.8 if n < 100 else 1.2  # many thin bars flicker unless they touch
        axis.bar(right / n, binom.pmf(right, n, accuracy), width / n, color=VALIDATION)
        axis.axvline(accuracy, color=INK, linewidth=1, linestyle=":")
        axis.set(xlabel="share of right answers", title=f"{n:,} images", xlim=(0.6, 1.02))
    axes.flat[0].set_ylabel("probability")
    return figure


@_styled
def imbalance_effect(healthy: list[int], panels: dict[str, list[dict]]) -> Figure:
    """Recall, specificity and AUC over the number of healthy training images, one panel for each way to train.

    `panels` holds for each way a list of metrics, `[{"recall": ..., "specificity": ..., "auc": ...}, ...]`.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(4.5 * len(panels), 3.2), squeeze=False, sharey=True)
    looks = {"recall": (PNEUMONIA, "-", "o"), "specificity": (NORMAL, "--", "s"), "auc": (INK, ":", "^")}
    for axis, (title, rows) in zip(axes.flat, panels.items(), strict=True):
        for metric, (color, line, marker) in looks.items():
            values = [row[metric] for row in rows]
            axis.plot(healthy, values, line, marker=marker, color=color, label={"auc": "ROC AUC"}.get(metric, metric))
        axis.set_xscale("log")
        axis.set_xticks(healthy, [str(n) for n in healthy])
        axis.minorticks_off()
        axis.set(xlabel="healthy training images", title=title, ylim=(-0.03, 1.03))
    axes.flat[-1].legend(loc="lower right")
    return figure


@_styled
def prior_shift(train_prior: float, target_priors: tuple[float, ...]) -> Figure:
    """Probability of PNEUMONIA after a change of prior against that before, a line for each new prior."""
    before = np.linspace(0.001, 0.999, 400)
    figure, axis = plt.subplots(figsize=(4.8, 4.2))
    colors, lines = (INK, VALIDATION, NORMAL, PNEUMONIA), ("-", "--", "-.", ":")
    for target, color, line in zip(target_priors, colors, lines, strict=False):
        after = expit(adjust_prior(logit(before), train_prior, target))
        axis.plot(before, after, line, color=color, label=f"{100 * target:.0f} of 100 ill")
    axis.set(xlabel="probability, as trained", ylabel="probability, there", aspect="equal")
    axis.legend(loc="upper left")
    return figure


@_styled
def history_gallery(histories: dict[str, dict[str, list[float]]]) -> Figure:
    """Loss by epoch of several trainings, training and validation, a small panel each under its name."""
    columns = 3
    rows = -(-len(histories) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(9, 2.4 * rows), squeeze=False)
    for axis, (name, history) in zip(axes.flat, histories.items(), strict=False):
        epochs = np.arange(1, len(history["loss"]) + 1)
        axis.plot(epochs, history["loss"], color=TRAIN, label="training")
        axis.plot(epochs, history["val_loss"], color=VALIDATION, linestyle="--", label="validation")
        axis.set(title=name, ylim=(0, 1.05), xlabel="epoch")
    for axis in axes[:, 0]:
        axis.set_ylabel("loss")
    for axis in axes.flat[len(histories) :]:
        axis.axis("off")
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="lower right")
    return figure


@_styled
def scores_by_size(sizes: list[int], scores: dict[str, list[float]], ylabel: str = "ROC AUC") -> Figure:
    """A score over the number of training images, a line for each of "training", "validation" and "test" given."""
    looks = {"training": (TRAIN, "^", ":"), "validation": (VALIDATION, "s", "-"), "test": (TEST, "o", "--")}
    figure, axis = plt.subplots(figsize=(6, 3.2))
    for name, values in scores.items():
        color, marker, line = looks[name]
        axis.plot(sizes, values, line, marker=marker, color=color, label=name)
    axis.set_xscale("log")
    axis.set_xticks(sizes, [str(n) for n in sizes])
    axis.minorticks_off()
    axis.set(xlabel="training images", ylabel=ylabel, ylim=(0.48, 1.02))
    axis.legend(loc="lower right")
    return figure


@_styled
def statistic_by_group(groups: dict[str, np.ndarray], xlabel: str) -> Figure:
    """One number of each image, by group: a box for the middle half, whiskers for the middle 90%, the median a line."""
    figure, axis = plt.subplots(figsize=(7, 0.8 + 0.5 * len(groups)))
    colors = [COLORS["PNEUMONIA" in name] for name in groups]
    boxes = axis.boxplot(groups.values(), orientation="horizontal", whis=(5, 95), showfliers=False, patch_artist=True)
    for box, median, color in zip(boxes["boxes"], boxes["medians"], colors, strict=True):
        box.set(facecolor=color, alpha=0.75)
        median.set(color="white", linewidth=2)
    axis.set_yticks(range(1, len(groups) + 1), groups)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(xlabel)
    return figure


@_styled
def patient_counts(dataset: Dataset) -> Figure:
    """Bars: how many patients have 1, 2, 3, ... images, by class."""
    figure, axis = plt.subplots(figsize=(7, 3))
    for label, name in enumerate(CLASSES):
        _, images = np.unique(dataset.patients[dataset.labels == label], return_counts=True)
        sizes, patients = np.unique(images, return_counts=True)
        bars = axis.bar(sizes + (label - 0.5) * 0.4, patients, 0.38, color=COLORS[label], label=name)
        axis.bar_label(bars, padding=2, fontsize=9)
    axis.set(xlabel="images of one patient", ylabel="patients")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(axis="x", visible=False)
    axis.margins(y=0.12)
    axis.legend()
    return figure


@_styled
def convolution_place(image, kernel, output, row: int, column: int) -> Figure:
    """One step of a convolution with stride 1 and no padding: the window on the image, its products, and the output.

    image (h, w), kernel (k, k), output (h - k + 1, w - k + 1); row and column are those of the output.
    """
    image, k = np.asarray(image), len(kernel)
    products = image[row : row + k, column : column + k] * np.asarray(kernel)
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.1), width_ratios=(1, 0.8, 1))
    axes[0].imshow(image, vmin=0, vmax=255)
    axes[1].imshow(products, cmap="PuOr_r", vmin=-np.abs(products).max() * 1.5, vmax=np.abs(products).max() * 1.5)
    axes[2].imshow(output)
    for (r, c), value in np.ndenumerate(products):
        axes[1].text(c, r, f"{value:g}", ha="center", va="center")
    for axis, corner, side in ((axes[0], (column, row), k), (axes[2], (column, row), 1)):
        axis.add_patch(
            plt.Rectangle(np.subtract(corner, 0.5), side, side, fill=False, edgecolor="#E69F00", linewidth=2.5)
        )
    for axis, title in zip(axes, ("image, window", f"products, sum {products.sum():g}", "output"), strict=True):
        axis.set(xticks=[], yticks=[], title=title)
        axis.grid(visible=False)
    return figure


@_styled
def first_kernels(weights, columns: int = 16) -> Figure:
    """The kernels (k, k, 3, n) of a first layer as small colour pictures, each scaled to its own range; grey is 0."""
    n = weights.shape[-1]
    figure, axes = plt.subplots(-(-n // columns), columns, figsize=(9, 9 / columns * -(-n // columns)))
    for axis, kernel in zip(axes.flat, np.moveaxis(weights, -1, 0), strict=False):
        axis.imshow(0.5 + kernel / (2 * np.abs(kernel).max()))
    for axis in axes.flat:
        axis.axis("off")
    return figure


@_styled
def receptive_fields(fields: dict[str, int], image) -> Figure:
    """What one unit sees, `{layer: side in pixels}`, as squares around the middle of a grey image (h, w)."""
    figure, axis = plt.subplots(figsize=(6.6, 4.6))
    height, width = np.shape(image)
    axis.imshow(image, vmin=0, vmax=255)
    colors = ("#F0E442", "#E69F00", "#56B4E9", "#CC79A7", "#FFFFFF")
    for (name, side), color in zip(fields.items(), colors, strict=False):
        corner = (width / 2 - side / 2, height / 2 - side / 2)
        square = plt.Rectangle(corner, side, side, fill=False, edgecolor=color, linewidth=2, label=f"{name}: {side} px")
        axis.add_patch(square)
    legend = figure.legend(loc="outside right upper", labelcolor="white")
    legend.set(frame_on=True)
    legend.get_frame().set(facecolor=INK, edgecolor=INK)
    axis.axis("off")
    return figure


@_styled
def feature_maps(layers: dict[str, np.ndarray], n: int = 6) -> Figure:
    """For each layer's output (h, w, c), a row with its `n` channels of the largest variance; bright is large."""
    figure, axes = plt.subplots(len(layers), n, figsize=(9, 1.6 * len(layers)), squeeze=False)
    for row, (name, maps) in zip(axes, layers.items(), strict=True):
        channels = np.argsort(maps.var(axis=(0, 1)))[::-1][:n]
        for axis, channel in zip(row, channels, strict=True):
            axis.imshow(maps[..., channel], cmap="magma")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(f"{name}\n{maps.shape[0]} x {maps.shape[1]}", fontsize=9)
    return figure


@_styled
def validation_to_test(result: dict, metrics=("auc", "recall", "specificity")) -> Figure:
    """A result of the reference protocol: each metric on validation and on test, a thin line for each seed."""
    figure, axes = plt.subplots(1, len(metrics), figsize=(3 * len(metrics), 3.2), squeeze=False, sharey=True)
    for axis, metric in zip(axes.flat, metrics, strict=True):
        for run in result["runs"]:
            axis.plot([0, 1], [run["validation"][metric], run["test"][metric]], color="#999999", linewidth=1)
        for place, (split, color) in enumerate((("validation", VALIDATION), ("test", TEST))):
            mean, side = result[split][metric]["mean"], ("right", "left")[place]
            axis.plot(place, mean, "o", color=color, markersize=9)
            axis.annotate(f"{mean:.3f}", (place, mean), (16 * place - 8, -4), textcoords="offset points", ha=side)
        axis.set(xticks=[0, 1], xticklabels=["validation", "test"], xlim=(-0.6, 1.6), ylim=(0, 1.05))
        axis.set_title({"auc": "ROC AUC"}.get(metric, metric.capitalize()))
        axis.grid(axis="x", visible=False)
    return figure


@_styled
def film_strip(images, titles) -> Figure:
    """Grey images (n, h, w) in one row on black, as films hang on a light box, each over its title."""
    figure, axes = plt.subplots(1, len(images), figsize=(3 * len(images), 3.5), facecolor="#0d1117")
    for axis, image, title in zip(axes, images, titles, strict=True):
        axis.imshow(image, vmin=0, vmax=255, cmap="gray")
        axis.axis("off")
        axis.text(0.5, -0.04, title, color="#e6edf3", fontsize=18, ha="center", va="top", transform=axis.transAxes)
    return figure
