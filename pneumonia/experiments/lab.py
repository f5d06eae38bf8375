"""What every protocol works with: data split by patient, cached features, stages that resume, and judged settings."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pneumonia import splitting, vgg16
from pneumonia.data import Dataset
from pneumonia.evaluation import METRICS, bootstrap, confusion_counts, metrics, spread
from pneumonia.features import extract_layers
from pneumonia.settings import cache_dir, write_json
from pneumonia.training import Stopwatch


@dataclass(frozen=True)
class Scale:
    """How much is computed. The same protocols run in full on real images and small on phantoms.

    size: side of the images in pixels
    seeds: one split by patient, and one training, for each
    epochs: the most that a network trains
    training_sizes: numbers of training images that are tried
    replicates: of a bootstrap
    images: how many of train and val together, and of test, are drawn by patient; None takes all
    """

    size: int = 150
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    epochs: int = 30
    training_sizes: tuple[int, ...] = (50, 100, 200, 500, 1000, 2000)
    replicates: int = 1000
    images: tuple[int, int] | None = None


FULL = Scale()
QUICK = Scale(size=64, seeds=(0, 1), epochs=3, training_sizes=(20,), replicates=50, images=(240, 120))

# Features by name: outputs of VGG16, averaged over all places unless it says "map".
FEATURES = {
    "block1": ("block1_pool:mean",),
    "block2": ("block2_pool:mean",),
    "block3": ("block3_pool:mean",),
    "block4": ("block4_pool:mean",),
    "block5": ("block5_pool:mean",),
    "block3+4+5": ("block3_pool:mean", "block4_pool:mean", "block5_pool:mean"),
    "block3 map": ("block3_pool:half",),
    "block4 map": ("block4_pool:half",),
    "block5 map": ("block5_pool",),
}
RESERVE = 2000
RECALL = 0.95  # that a threshold is to keep, where a protocol sets one by recall
EVERYTHING = tuple(f"block{block}_pool:mean" for block in range(1, 6))


@dataclass
class Lab:
    """A data set and a scale, for one protocol. Rows are numbers of images in the whole data set."""

    name: str
    version: int
    dataset: Dataset
    scale: Scale
    progress: bool = True
    seconds: dict[str, float] = field(default_factory=dict)
    _bases: dict = field(default_factory=dict)

    @cached_property
    def labels(self) -> np.ndarray:
        """0 NORMAL, 1 PNEUMONIA, (n,)."""
        return self.dataset.labels

    @cached_property
    def pool(self) -> np.ndarray:
        """Rows of the splits train and val; the 16 images of val are too few to judge by."""
        return np.flatnonzero(self.dataset.splits != "test")

    @cached_property
    def test(self) -> np.ndarray:
        """Rows of the test images."""
        return np.flatnonzero(self.dataset.splits == "test")

    @cached_property
    def reserve(self) -> np.ndarray:
        """RESERVE rows of the pool, drawn by patient, for what would take too long on all of it.

        By the diagnosis, a head learns hardly anything more from more of them.
        """
        return by_patient(self, self.pool, RESERVE, 0)

    @property
    def names(self) -> np.ndarray:
        """Each image's patient; where the data names none, the image's own digest."""
        return self.dataset.patients if self.dataset.has_patients else self.dataset.digests

    def split_reserve(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """As `split`, with the rows of the reserve alone."""
        training, validation = (part[np.isin(part, self.reserve)] for part in self.split(seed))
        return training, validation

    def split(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows (training, validation) of the pool: a fifth of it for validation, by patient."""
        training, validation = splitting.split(self.dataset.take(self.pool), 0.2, seed)
        return self.pool[training], self.pool[validation]

    def base(self, weights: str = "imagenet", size: int | None = None, draw: int = 0):
        """VGG16, loaded once.

        size: side of its images in pixels; the scale's without
        draw: of random weights
        """
        size = size or self.scale.size
        key = (weights, size, draw)
        if key not in self._bases:
            self._bases[key] = vgg16.load_base((size, size, 3), weights=weights, seed=draw)
        return self._bases[key]

    def features(
        self,
        name: str,
        preprocessing: str = "vgg16",
        weights: str = "imagenet",
        variant: str = "plain",
        rows: np.ndarray | None = None,
        size: int | None = None,
        draw: int = 0,
    ) -> np.ndarray:
        """Features by their name in FEATURES: of all images, or with only those of `rows` filled in and the rest zero.

        size: side of the images in pixels; the scale's without
        draw: of random weights

        Pooled features of all blocks come from one pass over the images, whichever is asked for first.
        """
        outputs = FEATURES[name]
        found = self.compute((name,), preprocessing, weights, variant, rows, size, draw)
        pooled = outputs[0].endswith(":mean")
        values = np.concatenate([found[output] for output in outputs], axis=1) if pooled else found[outputs[0]]
        if rows is None or len(rows) == len(self.dataset):
            return values
        filled = np.zeros((len(self.dataset), *values.shape[1:]), values.dtype)
        filled[rows] = values
        return filled

    def compute(
        self,
        names: Sequence[str],
        preprocessing: str = "vgg16",
        weights: str = "imagenet",
        variant: str = "plain",
        rows: np.ndarray | None = None,
        size: int | None = None,
        draw: int = 0,
    ) -> dict[str, np.ndarray]:
        """Outputs of VGG16 for all features of `names`, in one pass over the images of `rows`; all images without.

        `features` takes one name. Asked before, for several, this spares it a pass for each.
        """
        outputs = dict.fromkeys(output for name in names for output in FEATURES[name])
        if any(output.endswith(":mean") for output in outputs):
            outputs |= dict.fromkeys(EVERYTHING)
        return extract_layers(
            self.dataset if rows is None or len(rows) == len(self.dataset) else self.dataset.take(rows),
            self.base(weights, size, draw),
            tuple(outputs),
            size or self.scale.size,
            preprocessing,
            variant=variant,
            progress=self.progress,
        )

    def stage(self, name: str, compute: Callable[[], object], dataset: Dataset | None = None):
        """The value of `compute()`, plain for JSON; kept, so that a run which was stopped goes on after it.

        dataset: what it is computed from, where that is not the lab's own
        """
        key = [self.name, self.version, name, (dataset or self.dataset).fingerprint, asdict(self.scale)]
        digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]
        path = cache_dir("experiments") / f"{self.name}-{name}-{digest}.json"
        if path.is_file():
            kept = json.loads(path.read_text())
        else:
            watch = Stopwatch()
            value = compute()
            kept = {"value": value, "seconds": watch.seconds}
            write_json(path, kept)
        self.seconds[name] = kept["seconds"]
        if self.progress:
            print(f"{self.name}: {name}, {kept['seconds']:.0f} s", flush=True)
        return kept["value"]

    # --- judging ------------------------------------------------------------------------------------------------------

    def judge(self, rows: np.ndarray, logits: np.ndarray, labels=None, threshold: float = 0.5) -> dict[str, float]:
        """METRICS of log-odds (n,) for the images of `rows`."""
        labels = self.labels[rows] if labels is None else labels
        return {name: round(value, 5) for name, value in metrics(labels, expit(logits), threshold).items()}

    def setting(
        self,
        name: str,
        train: Callable[[int], dict[str, tuple]],
        seeds: Sequence[int] | None = None,
        *,
        keep_scores: bool = False,
    ) -> dict:
        """One setting over the seeds.

        train: seed to `{"training": (rows, logits), "validation": ..., "test": ...}`; other names are allowed
        keep_scores: keep each run's log-odds of the test images, `test_logits` beside its metrics

        Returns `{"setting", "runs", <split>: spread over the seeds, "first": scores and interval of the first seed}`.
        """
        runs, first = [], None
        for seed in self.scale.seeds if seeds is None else seeds:
            scored = {
                split: (rows, np.asarray(logits, float).round(3)) for split, (rows, logits) in train(seed).items()
            }
            run = {"seed": int(seed)} | {split: self.judge(*case) for split, case in scored.items()}
            runs.append(run | ({"test_logits": scored["test"][1].tolist()} if keep_scores else {}))
            first = first or scored
        row = {"setting": name, "runs": runs}
        for split in first:
            row[split] = rounded(spread([run[split] for run in runs]))
        if "test" in first:
            row["first"] = self.first(*first["test"])
        return row

    def first(self, rows: np.ndarray, logits: np.ndarray, threshold: float = 0.5) -> dict:
        """Log-odds of one run, with what follows from them: counts, and 95% intervals with patients drawn."""
        return {
            "threshold": threshold,
            "confusion": confusion_counts(self.labels[rows], expit(logits), threshold),
            "interval_95": self.intervals(rows, logits, threshold),
            "labels": self.labels[rows].tolist(),
            "logits": logits.tolist(),
        }

    def intervals(self, rows: np.ndarray, logits: np.ndarray, threshold: float = 0.5) -> dict[str, list[float]]:
        """95% intervals of METRICS, with patients drawn: `{name: [low, high]}`."""
        groups = self.dataset.patients[rows] if self.dataset.has_patients else None
        found = bootstrap(self.labels[rows], expit(logits), threshold, groups, replicates=self.scale.replicates)
        return {name: [round(v, 4) for v in found[name]] for name in METRICS}

    def look(self, name: str, held: tuple, test_scores: np.ndarray, thresholds: dict[str, float]) -> dict:
        """One setting's one look at test, at thresholds that were fixed before.

        held: (rows, log-odds) of held-out patients; test_scores: log-odds of the test images; thresholds: log-odds by
        the rule that fixed them

        Returns `{"setting", "thresholds": {rule: {"log_odds", "validation", "test", "interval_95"}}, "test": scores and
        interval}`; the intervals are of test.
        """
        rows, scores = held
        # As they are kept, in double precision, so that what is judged follows from them.
        test_scores = np.asarray(test_scores, float).round(3)
        row = {"setting": name, "thresholds": {}}
        for rule, threshold in thresholds.items():
            threshold = float(np.floor(threshold * 1000) / 1000)  # down, so that the case that set it stays called
            row["thresholds"][rule] = {
                "log_odds": threshold,
                "validation": self.judge(rows, scores - threshold),
                "test": self.judge(self.test, test_scores - threshold),
                "interval_95": self.intervals(self.test, test_scores - threshold),
            }
        return row | {"test": self.first(self.test, test_scores)}


def ranked(runs: dict[str, list[dict[str, float]]]) -> list[dict]:
    """Candidates by the mean of their lowest AUC, best first.

    runs: by candidate, for each seed `{domain: AUC}`

    Returns `[{"candidate", "auc": {domain: mean}, "lowest": {"mean", "sd"}}]`.
    """
    rows = [
        {
            "candidate": name,
            "auc": {domain: round(float(np.mean([run[domain] for run in aucs])), 5) for domain in aucs[0]},
            "lowest": mean_and_sd([min(run.values()) for run in aucs]),
        }
        for name, aucs in runs.items()
    ]
    return sorted(rows, key=lambda row: -row["lowest"]["mean"])


def mean_and_sd(values: Sequence[float]) -> dict[str, float]:
    """Mean and sample standard deviation over seeds, 0 for one: `{"mean", "sd"}`."""
    sd = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return {"mean": round(float(np.mean(values)), 5), "sd": round(float(sd), 5)}


def rounded(values: dict) -> dict:
    """Nested floats to 5 digits."""
    return {k: rounded(v) if isinstance(v, dict) else round(v, 5) for k, v in values.items()}


def linear(C: float = 0.01, **options):
    """Standardised features into a logistic regression; its `decision_function` gives log-odds.

    C: inverse strength of the L2 penalty. Classes weigh the same unless `class_weight` says otherwise.
    """
    options = {"class_weight": "balanced", "max_iter": 200, "tol": 1e-3} | options
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, **options))


def as_one_layer(head) -> tuple[np.ndarray, float]:
    """Kernel (d,) and bias of a fitted `linear()` with its standardisation: log-odds are features @ kernel + bias."""
    scaler, regression = head[0], head[1]
    kernel = regression.coef_[0] / scaler.scale_
    return kernel, float(regression.intercept_[0] - kernel @ scaler.mean_)


def fit_linear(
    lab: Lab,
    features: np.ndarray,
    training: np.ndarray,
    parts: dict[str, np.ndarray],
    *,
    features_there=None,
    **options,
) -> dict:
    """A logistic regression on the rows `training`, and its log-odds for each of `parts`: `{name: (rows, logits)}`.

    features_there: of the images that are judged, where these are not as those that were trained on
    """
    model = linear(**options).fit(features[training], lab.labels[training])
    there = features if features_there is None else features_there
    return {name: (rows, model.decision_function(there[rows])) for name, rows in parts.items()}


def by_patient(lab: Lab, rows: np.ndarray, n: int, seed: int) -> np.ndarray:
    """`n` of `rows`, from as few patients as that takes, with the classes' shares kept; all of them where n is as many.

    Some of the patients that are drawn lose images, so that the number comes out right.
    """
    if n >= len(rows):
        return rows
    rng, chosen = np.random.default_rng(seed), []
    for label in (0, 1):
        of_class = rows[lab.labels[rows] == label]
        wanted = max(2, round(n * len(of_class) / len(rows)))
        patients, member = np.unique(lab.names[of_class], return_inverse=True)
        order = rng.permutation(len(patients))
        counts = np.bincount(member)[order].cumsum()
        kept = order[: np.searchsorted(counts, wanted) + 1]
        chosen.append(rng.permutation(of_class[np.isin(member, kept)])[:wanted])
    return np.sort(np.concatenate(chosen))
