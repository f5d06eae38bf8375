"""Remedies for imbalance: which only move the operating point, and which learn something else.

A head with one hidden layer on block3+4+5, trained at the natural ratio of ill to healthy, and at 20:1 either way. The
validation images by which training stops are thinned out like those of training: stopped by others, it would be
adjusted to their ratio. Validation is then judged whole.

A first version stopped by the loss on all validation images, and looked at test as well.
"""

import numpy as np
from scipy.stats import spearmanr

from pneumonia.backend import keras
from pneumonia.calibration import adjust_prior, balanced_threshold, threshold_for_recall
from pneumonia.evaluation import spread
from pneumonia.experiments.heads import small_head
from pneumonia.experiments.lab import RECALL, Lab, rounded
from pneumonia.training import class_weights

RATIO = 20
REMEDIES = ("none", "class weights", "oversampling", "focal loss", "initial bias")


def run(lab: Lab) -> dict:
    """For each ratio the remedies, on validation and on test."""
    ratios = {"natural": None, f"{RATIO} ill : 1 healthy": 0, f"1 ill : {RATIO} healthy": 1}
    return {
        "ratios": {
            name: lab.stage(name.replace(" ", ""), lambda r=rare: one_ratio(lab, r)) for name, rare in ratios.items()
        }
    }


def one_ratio(lab: Lab, rare: int | None) -> dict:
    """All remedies at one ratio; `rare` is the class that is thinned out, None for neither."""
    features = lab.features("block3+4+5")
    scores, cases = {}, []
    for seed in lab.scale.seeds:
        training, validation = lab.split(seed)
        training = thin(lab, training, rare, seed)
        cases.append({"training": training, "validation": validation})
        stopping = thin(lab, validation, rare, seed)
        for remedy in REMEDIES:
            score = _train(lab, features, training, stopping, remedy, seed)
            scores[remedy, seed] = {"validation": score(features[validation]), "test": score(features[lab.test])}
    for i, seed in enumerate(lab.scale.seeds):
        validation, labels = cases[i]["validation"], lab.labels
        none = scores["none", seed]
        threshold = balanced_threshold(labels[validation], none["validation"])
        scores["threshold moving", seed] = {split: logits - threshold for split, logits in none.items()}
        prior = labels[cases[i]["training"]].mean()
        scores["prior correction", seed] = {
            split: adjust_prior(logits, prior, labels[validation].mean()) for split, logits in none.items()
        }
    settings = []
    for remedy in (*REMEDIES, "threshold moving", "prior correction"):

        def train(seed, remedy=remedy):
            found = scores[remedy, seed]
            validation = cases[lab.scale.seeds.index(seed)]["validation"]
            return {"validation": (validation, found["validation"]), "test": (lab.test, found["test"])}

        row = lab.setting(remedy, train)
        settings.append(row | _compared(lab, scores, cases, remedy))
    counts = np.mean([[np.sum(lab.labels[c["training"]] == k) for k in (0, 1)] for c in cases], axis=0)
    return {"training_images": {"NORMAL": round(counts[0]), "PNEUMONIA": round(counts[1])}, "settings": settings}


def thin(lab: Lab, rows: np.ndarray, rare: int | None, seed: int) -> np.ndarray:
    """Rows with the class `rare` thinned out to a twentieth of the other, by patient."""
    if rare is None:
        return rows
    kept, other = rows[lab.labels[rows] == rare], rows[lab.labels[rows] != rare]
    wanted = max(4, len(other) // RATIO)
    rng = np.random.default_rng(seed)
    names = lab.names
    patients = rng.permutation(np.unique(names[kept]))
    order = {name: i for i, name in enumerate(patients)}
    return np.concatenate([other, sorted(kept, key=lambda row: order[names[row]])[:wanted]])


def _train(lab: Lab, features, training, stopping, remedy: str, seed: int):
    labels, options = lab.labels[training], {}
    if remedy == "class weights":
        options["weights"] = class_weights(labels)
    elif remedy == "focal loss":
        options["loss"] = keras.losses.BinaryFocalCrossentropy(gamma=2.0, from_logits=True)  # Lin et al., ICCV 2017
    elif remedy == "initial bias":
        options["bias"] = float(np.log(labels.mean() / (1 - labels.mean())))
    elif remedy == "oversampling":
        rng = np.random.default_rng(seed)
        groups = [training[labels == label] for label in (0, 1)]
        largest = max(len(group) for group in groups)
        training = np.concatenate([g if len(g) == largest else rng.choice(g, largest) for g in groups])
    return small_head(
        features[training],
        lab.labels[training],
        (features[stopping], lab.labels[stopping]),
        seed=seed,
        hidden=64,
        epochs=min(lab.scale.epochs, 12),
        patience=3,
        **options,
    )


def _compared(lab: Lab, scores, cases, remedy: str) -> dict:
    """Against no remedy on the same split: is the order of the cases another, and specificity at the same recall?"""
    rank, matched = [], []
    for i, seed in enumerate(lab.scale.seeds):
        found, none = scores[remedy, seed], scores["none", seed]
        validation = cases[i]["validation"]
        rank.append(float(spearmanr(found["validation"], none["validation"]).statistic))
        threshold = threshold_for_recall(lab.labels[validation], found["validation"], RECALL)
        matched.append(
            {
                split: lab.judge(rows, found[split] - threshold)
                for split, rows in (("validation", validation), ("test", lab.test))
            }
        )
    return {
        "rank_correlation_with_none": round(float(np.mean(rank)), 4),
        f"at_validation_recall_{RECALL}": {
            split: {
                metric: rounded(spread([m[split] for m in matched])[metric])
                for metric in ("recall", "specificity", "balanced_accuracy")
            }
            for split in ("validation", "test")
        },
    }
