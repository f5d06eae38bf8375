"""Closing the gap by bringing every image to a common look first: CLAHE, histogram matching, band-limiting, or the
lungs cut out.

Candidates are ranked on domains that the training folder gives, by cross-validation with patients apart, on so few
images that they are not yet perfect. Each is judged four times: on images as they are, softened, with the healthy alone
softened, and on the healthy of the lowest study numbers, which its head has not seen. Its worth is its lowest AUC of
the four, averaged over the seeds. The best one and the baseline, trained on four fifths of the reserve, look at test
once, at thresholds that the last fifth has fixed before. The ranking has seen images of that fifth as well, so what the
chosen one scores on it is a little flattered.

In hindsight, after that, all candidates are judged on test: not to choose one, but to see whether the ranking had meant
anything, and whether a classifier tells a candidate's healthy test images from its healthy training images.

The protocol `closing` came before: it had no normalised images, and domains in which healthy and ill move together.
That the healthy alone move is what the diagnosis has found, which had looked at test. A first version of this protocol
ranked without histogram matching and band-limiting.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from pneumonia import shift, splitting
from pneumonia.calibration import balanced_threshold, threshold_for_recall
from pneumonia.experiments.closing import drop_patients
from pneumonia.experiments.diagnosis import unseen_healthy
from pneumonia.experiments.lab import RECALL, Lab, by_patient, linear, mean_and_sd, ranked

RANKED = 800  # images of the reserve, drawn by patient, that the ranking works with
FOLDS = 4


@dataclass(frozen=True)
class Candidate:
    """A way to a classifier; all end in a linear head.

    features: by their name in FEATURES
    normalise: one of pneumonia.variants.NORMALISED, done to every image; empty for none
    scanners: train with a copy as of another scanner of each of the ranking's images as well
    """

    features: str
    normalise: str = ""
    scanners: bool = False


BASELINE = "block5"
CANDIDATES = {
    "block5": Candidate("block5"),
    "block3+4+5": Candidate("block3+4+5"),
    "block3+4+5, scanners": Candidate("block3+4+5", scanners=True),
    "block3+4+5, CLAHE": Candidate("block3+4+5", normalise="clahe"),
    "block3+4+5, histogram matched": Candidate("block3+4+5", normalise="matched"),
    "block3+4+5, band-limited": Candidate("block3+4+5", normalise="band_limited"),
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
        self.copies = self._features("scanner", self.ranked) if self.how.scanners else None

    def _features(self, variant: str, rows: np.ndarray) -> np.ndarray:
        return self.lab.features(self.how.features, variant=variant, rows=rows)

    def fit(self, training: np.ndarray):
        """A head on the rows `training`, with their changed copies where the candidate has them."""
        features, labels = self.plain[training], self.lab.labels[training]
        if self.how.scanners:
            copied = training[np.isin(training, self.ranked)]
            features = np.concatenate([features, self.copies[copied]])
            labels = np.concatenate([labels, self.lab.labels[copied]])
        return linear().fit(features, labels)


def rank(lab: Lab) -> list[dict]:
    """All candidates, best first: AUC by domain, over cross-validations that part the patients differently."""
    runs = {}
    for name in CANDIDATES:
        views = Views(lab, name, images(lab))
        runs[name] = [domain_aucs(lab, views, seed) for seed in lab.scale.seeds]
    return ranked(runs)


def domain_aucs(lab: Lab, views: Views, seed: int) -> dict[str, float]:
    """AUC by domain of one cross-validation over the ranking's images: `{domain: 0..1}`."""
    rows = views.ranked
    labels = lab.labels[rows]
    unseen = unseen_healthy(lab).get("the lowest numbers")
    plain, soft, blind = np.empty(len(rows)), np.empty(len(rows)), np.empty(len(rows))
    for seen, held in splitting.folds(lab.dataset.take(rows), FOLDS, seed):
        head = views.fit(rows[seen])
        plain[held] = head.decision_function(views.plain[rows[held]])
        soft[held] = head.decision_function(views.soft[rows[held]])
        if unseen is not None:
            training = rows[seen][~unseen[rows[seen]]]
            blind[held] = views.fit(training).decision_function(views.plain[rows[held]])
    found = {
        "as it is": roc_auc_score(labels, plain),
        "softened": roc_auc_score(labels, soft),
        "healthy softened": roc_auc_score(labels, np.where(labels == 0, soft, plain)),
    }
    if unseen is not None:
        judged = (labels == 1) | unseen[rows]
        if len(set(labels[judged])) == 2:
            found["unseen healthy"] = roc_auc_score(labels[judged], blind[judged])
    return {domain: float(auc) for domain, auc in found.items()}


def look(lab: Lab, name: str) -> dict:
    """A candidate's one look at test: the mean of its heads, at thresholds that held-out patients have fixed."""
    rest, held = lab.split_reserve(lab.scale.seeds[0])
    views = Views(lab, name, np.concatenate([rest, held, lab.test]))
    heads = [views.fit(drop_patients(lab, rest, seed)) for seed in lab.scale.seeds]
    held_scores, test_scores = (
        np.mean([head.decision_function(views.plain[rows]) for head in heads], axis=0) for rows in (held, lab.test)
    )
    labels = lab.labels[held]
    thresholds = {
        "zero": 0.0,
        "best balanced accuracy on held-out patients": balanced_threshold(labels, held_scores),
        f"recall {RECALL} on held-out patients": threshold_for_recall(labels, held_scores, RECALL),
    }
    return lab.look(name, (held, held_scores), test_scores, thresholds)


def hindsight(lab: Lab) -> list[dict]:
    """All candidates on test, over the seeds: heads on the ranking's images, without a fifth of its patients each time.

    told_apart: AUC with which a classifier tells their healthy test images from their healthy training images
    """
    kept, rows = images(lab), []
    for name in CANDIDATES:
        views = Views(lab, name, np.concatenate([kept, lab.test]))

        def train(seed, views=views):
            head = views.fit(drop_patients(lab, kept, seed))
            return {"test": (lab.test, head.decision_function(views.plain[lab.test]))}

        rows.append(lab.setting(name, train) | {"told_apart": told_apart(lab, views)})
    return rows


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
