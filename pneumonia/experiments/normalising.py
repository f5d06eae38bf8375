"""Closing the gap by changing the images: brought to a common look first (CLAHE, histogram matching, band-limiting, the
lungs cut out), or joined in training by changed copies (as of other scanners; turned, moved and enlarged).

Candidates are ranked on domains that the training folder gives, by cross-validation with patients apart, on so few
images that they are not yet perfect. Each is judged five times: on images as they are, softened, with the healthy alone
softened, and on healthy images whose like its head has not seen, of the lowest study numbers, and of the series
NORMAL2-IM. Its worth is its lowest AUC of the five, averaged over the seeds. The best one and the baseline, trained on
four fifths of the reserve, look at test once, at thresholds that the last fifth has fixed before. The ranking has seen
images of that fifth as well, so what the chosen one scores on it is a little flattered.

In hindsight, after that, all candidates are judged on test: not to choose one, but to see whether the ranking had meant
anything, and whether a classifier tells a candidate's healthy test images from its healthy training images.

The domains are made of the training folder, but not in ignorance of test: that the healthy alone move, and which
series of theirs is unlike the others, the diagnosis had found, which had looked there. The protocol `closing` came
before, too; it had no normalised images, and domains in which healthy and ill move together. A first version of this
protocol ranked without histogram matching and band-limiting, a second one without `coarse`, geometric copies, the
ensemble, and the unseen series; both had scored all their candidates on test.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from pneumonia import shift, splitting
from pneumonia.calibration import balanced_threshold, threshold_for_recall
from pneumonia.experiments.closing import drop_patients, scaled
from pneumonia.experiments.diagnosis import unseen_healthy
from pneumonia.experiments.lab import RECALL, Lab, by_patient, linear, mean_and_sd, ranked
from pneumonia.variants import AUGMENTED

# Domains that names give, by what this protocol calls them.
UNSEEN = {"the lowest numbers": "unseen healthy", "the series NORMAL2-IM": "unseen series"}
RANKED = 800  # images of the reserve, drawn by patient, that the ranking works with
FOLDS = 4


@dataclass(frozen=True)
class Candidate:
    """A way to a classifier; all end in a linear head.

    features: by their name in FEATURES
    normalise: one of pneumonia.variants.NORMALISED, done to every image; empty for none
    copies: variants of each of the ranking's images that are trained on as well
    """

    features: str
    normalise: str = ""
    copies: tuple[str, ...] = ()


BASELINE = "block5"
ENSEMBLE = "mean of all"  # of their log-odds, each over its deviation, so that no surer member outvotes the others
CANDIDATES = {
    "block5": Candidate("block5"),
    "block3+4+5": Candidate("block3+4+5"),
    "block3+4+5, scanners": Candidate("block3+4+5", copies=("scanner",)),
    "block3+4+5, turned and moved": Candidate("block3+4+5", copies=AUGMENTED),
    "block3+4+5, CLAHE": Candidate("block3+4+5", normalise="clahe"),
    "block3+4+5, histogram matched": Candidate("block3+4+5", normalise="matched"),
    "block3+4+5, band-limited": Candidate("block3+4+5", normalise="band_limited"),
    "block3+4+5, coarse": Candidate("block3+4+5", normalise="coarse"),
    "block3+4+5, lungs cut out": Candidate("block3+4+5", normalise="lungs"),
}


def run(lab: Lab) -> dict:
    """The ranking, the choice, the thresholds and the look at test, and what hindsight says."""
    ranking = lab.stage("ranking", lambda: rank(lab))
    chosen = ranking[0]["candidate"]
    looks = [lab.stage(f"look-{i}", lambda name=name: look(lab, name)) for i, name in enumerate((chosen, BASELINE))]
    afterwards = lab.stage("hindsight", lambda: hindsight(lab))
    return {
        "images": {"ranking": len(images(lab)), "look": len(lab.split_reserve(lab.scale.seeds[0])[0])},
        "ranking": ranking,
        "chosen": chosen,
        "rule": "highest mean over the seeds of the lowest AUC of the domains",
        "settings": looks,
        "hindsight": afterwards,
        "rank_correlation_with_test": rank_correlation(ranking, afterwards),
    }


def images(lab: Lab) -> np.ndarray:
    """Rows of the reserve that the ranking works with."""
    return by_patient(lab, lab.reserve, RANKED, 0)


class Views:
    """Features of one candidate: of the images as they are, softened, and of their copies as of another scanner."""

    def __init__(self, lab: Lab, name: str, rows: np.ndarray):
        self.lab, self.how = lab, CANDIDATES[name]
        self.ranked = images(lab)
        normalise = self.how.normalise
        self.plain = self._features(normalise or "plain", rows)
        self.soft = self._features(f"soft, {normalise}" if normalise else "soft", self.ranked)
        # Copies belong to candidates without normalisation only; they are of the ranking's images.
        self.copies = [self._features(variant, self.ranked) for variant in self.how.copies]

    def _features(self, variant: str, rows: np.ndarray) -> np.ndarray:
        return self.lab.features(self.how.features, variant=variant, rows=rows)

    def fit(self, training: np.ndarray):
        """A head on the rows `training`, with their changed copies where the candidate has them."""
        features, labels = self.plain[training], self.lab.labels[training]
        copied = training[np.isin(training, self.ranked)]
        for copies in self.copies:
            features = np.concatenate([features, copies[copied]])
            labels = np.concatenate([labels, self.lab.labels[copied]])
        return linear().fit(features, labels)


def rank(lab: Lab) -> list[dict]:
    """All candidates and their ensemble, best first: AUC by domain, over cross-validations that part patients anew."""
    views = {name: Views(lab, name, images(lab)) for name in CANDIDATES}
    runs = {name: [] for name in (*CANDIDATES, ENSEMBLE)}
    for seed in lab.scale.seeds:
        scores = {name: domain_scores(lab, views[name], seed) for name in CANDIDATES}
        scores[ENSEMBLE] = {
            domain: (judged, ensemble([scores[name][domain][1] for name in CANDIDATES]))
            for domain, (judged, _) in scores[BASELINE].items()
        }
        for name, found in scores.items():
            runs[name].append({d: float(roc_auc_score(lab.labels[rows], s)) for d, (rows, s) in found.items()})
    return ranked(runs)


def ensemble(scores: list[np.ndarray]) -> np.ndarray:
    """The mean of several log-odds (n,), each over its own deviation."""
    return np.mean([scaled(one) for one in scores], axis=0)


def domain_scores(lab: Lab, views: Views, seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """`{domain: (rows, log-odds)}` of one cross-validation over the ranking's images."""
    rows = views.ranked
    labels = lab.labels[rows]
    unseen = {domain: healthy for domain, healthy in unseen_healthy(lab).items() if domain in UNSEEN}
    plain, soft = np.empty(len(rows)), np.empty(len(rows))
    blind = {domain: np.empty(len(rows)) for domain in unseen}
    for seen, held in splitting.folds(lab.dataset.take(rows), FOLDS, seed):
        head = views.fit(rows[seen])
        plain[held] = head.decision_function(views.plain[rows[held]])
        soft[held] = head.decision_function(views.soft[rows[held]])
        for domain, healthy in unseen.items():
            training = rows[seen][(lab.labels[rows[seen]] == 1) | ~healthy[rows[seen]]]
            blind[domain][held] = views.fit(training).decision_function(views.plain[rows[held]])
    found = {
        "as it is": (rows, plain),
        "softened": (rows, soft),
        "healthy softened": (rows, np.where(labels == 0, soft, plain)),
    }
    for domain, healthy in unseen.items():
        judged = (labels == 1) | healthy[rows]
        if len(set(labels[judged])) == 2:
            found[UNSEEN[domain]] = (rows[judged], blind[domain][judged])
    return found


def look(lab: Lab, name: str) -> dict:
    """A candidate's one look at test: the mean of its heads, at thresholds that held-out patients have fixed."""
    rest, held = lab.split_reserve(lab.scale.seeds[0])
    rows = np.concatenate([rest, held, lab.test])
    heads = []
    for member in CANDIDATES if name == ENSEMBLE else (name,):
        views = Views(lab, member, rows)
        heads.append([(views.fit(drop_patients(lab, rest, seed)), views) for seed in lab.scale.seeds])

    def score(judged):
        each = [
            np.mean([head.decision_function(views.plain[judged]) for head, views in member], axis=0) for member in heads
        ]
        return each[0] if len(each) == 1 else ensemble(each)

    held_scores, test_scores = score(held), score(lab.test)
    labels = lab.labels[held]
    thresholds = {
        "zero": 0.0,
        "best balanced accuracy on held-out patients": balanced_threshold(labels, held_scores),
        f"recall {RECALL} on held-out patients": threshold_for_recall(labels, held_scores, RECALL),
    }
    return lab.look(name, (held, held_scores), test_scores, thresholds)


def hindsight(lab: Lab) -> list[dict]:
    """All candidates on test, over the seeds: heads on the ranking's images, without a fifth of its patients each time.

    told_apart: AUC with which a classifier tells their healthy test images from their healthy training images; None
        for the ensemble, which has no features of its own
    """
    kept, rows, scores = images(lab), [], {}
    for name in CANDIDATES:
        views = Views(lab, name, np.concatenate([kept, lab.test]))
        for seed in lab.scale.seeds:
            scores[name, seed] = views.fit(drop_patients(lab, kept, seed)).decision_function(views.plain[lab.test])
        rows.append(
            _on_test(lab, name, lambda seed, name=name: scores[name, seed]) | {"told_apart": told_apart(lab, views)}
        )
    rows.append(_on_test(lab, ENSEMBLE, lambda seed: ensemble([scores[name, seed] for name in CANDIDATES])))
    return rows


def _on_test(lab: Lab, name: str, score) -> dict:
    return lab.setting(name, lambda seed: {"test": (lab.test, score(seed))}) | {"told_apart": None}


def told_apart(lab: Lab, views: Views) -> dict[str, float]:
    """AUC of healthy test images against healthy ones of the training folder, over the seeds: mean and sd."""
    healthy = np.concatenate([rows[lab.labels[rows] == 0] for rows in (views.ranked, lab.test)])
    is_test = np.isin(healthy, lab.test)
    found = [
        shift.adversarial_auc(linear(), views.plain[healthy], is_test, lab.names[healthy], seed, FOLDS)[0]
        for seed in lab.scale.seeds
    ]
    return mean_and_sd(found)


def rank_correlation(ranking: list[dict], afterwards: list[dict]) -> float:
    """Spearman's correlation of a candidate's worth in the ranking with its mean AUC on test, -1..1."""
    worth = {row["candidate"]: row["lowest"]["mean"] for row in ranking}
    on_test = [row["test"]["auc"]["mean"] for row in afterwards]
    return round(float(spearmanr([worth[row["setting"]] for row in afterwards], on_test).statistic), 3)
