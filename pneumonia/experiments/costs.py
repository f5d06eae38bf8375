"""Calibration before and after temperature scaling, and what a threshold costs by prevalence.

Half of the validation patients set the temperature and the prior; the other half, and test, judge. Thresholds follow
from what a miss costs. The heads have no class weights: with them, the prior that their probabilities stand for is not
that of the images. (A first version had them, and looked at test as well.)
"""

import numpy as np
from scipy.special import expit

from pneumonia import calibration
from pneumonia.evaluation import calibration_error
from pneumonia.experiments.heads import small_head
from pneumonia.experiments.lab import Lab, by_patient, linear, mean_and_sd

PREVALENCES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.625)
MISS_COSTS = (1, 5, 20)


def run(lab: Lab) -> dict:
    """Two heads on the same features: a linear one, and one with a hidden layer that trains on until it is too sure."""
    return {
        head: lab.stage(head.replace(" ", "-"), lambda head=head: one_head(lab, head))
        for head in ("linear head", "hidden layer")
    }


def one_head(lab: Lab, head: str) -> dict:
    """Calibration over the seeds, with the curves and the costs of the first."""
    features = lab.features("block3+4+5")
    runs = [_one_seed(lab, features, head, seed) for seed in lab.scale.seeds]
    first = runs[0]
    names = [key for key in first if key not in ("curves", "costs", "scores")]
    table = {name: {key: mean_and_sd([run[name][key] for run in runs]) for key in first[name]} for name in names}
    return {"calibration": table, "curves": first["curves"], "costs": costs(runs), "scores": first["scores"]}


def _one_seed(lab: Lab, features, head: str, seed: int) -> dict:
    training, held = lab.split(seed)
    setting = by_patient(lab, held, len(held) // 2, seed)
    judged = held[~np.isin(held, setting)]
    if lab.dataset.has_patients:
        judged = judged[~np.isin(lab.dataset.patients[judged], lab.dataset.patients[setting])]
    if head == "linear head":
        score = linear(class_weight=None).fit(features[training], lab.labels[training]).decision_function
    else:
        score = small_head(
            features[training],
            lab.labels[training],
            (features[setting], lab.labels[setting]),
            seed=seed,
            epochs=lab.scale.epochs,
        )
    labels, logits = lab.labels[setting], np.asarray(score(features[setting]), float)
    temperature, prior = calibration.fit_temperature(labels, logits), labels.mean()
    result = {"temperature": {"value": temperature}, "curves": {}, "scores": {}, "costs": {}}
    for name, rows in (("validation", judged), ("test", lab.test)):
        before = np.asarray(score(features[rows]), float).round(3)
        for when, scaled in (("before", before), ("after", before / temperature)):
            result[f"{name} {when}"] = _measures(lab.labels[rows], scaled)
            result["curves"][f"{name} {when}"] = [
                {k: round(v, 4) for k, v in b.items()} for b in calibration.reliability(lab.labels[rows], expit(scaled))
            ]
        result["costs"][name] = _costs(lab.labels[rows], before / temperature, prior)
        result["scores"][name] = {"labels": lab.labels[rows].tolist(), "logits": before.tolist()}
    return result


def _measures(labels, logits) -> dict[str, float]:
    probabilities = expit(logits)
    return {
        "calibration_error": calibration_error(labels, probabilities),
        "log_loss": calibration.log_loss(labels, logits),
        "brier": calibration.brier_score(labels, probabilities),
    }


def _costs(labels, logits, prior: float) -> dict[tuple[float, int], dict[str, float]]:
    """Expected cost of a case at three thresholds: one half, Bayes's after moving the prior, the best in hindsight."""
    table = {}
    candidates = np.concatenate([[-np.inf], np.sort(logits), [np.inf]])
    recalls = np.array([np.mean(logits[labels == 1] >= t) for t in candidates])
    specificities = np.array([np.mean(logits[labels == 0] < t) for t in candidates])
    for prevalence in PREVALENCES:
        moved = calibration.adjust_prior(logits, prior, prevalence)
        for miss in MISS_COSTS:
            chosen = np.log(calibration.bayes_threshold(miss) / (1 - calibration.bayes_threshold(miss)))

            def cost(scores, threshold, prevalence=prevalence, miss=miss):
                rates = np.mean(scores[labels == 1] >= threshold), np.mean(scores[labels == 0] < threshold)
                return float(calibration.expected_cost(*rates, prevalence, miss))

            table[prevalence, miss] = {
                "one_half": cost(logits, 0.0),
                "bayes": cost(moved, chosen),
                "hindsight": float(np.min(prevalence * (1 - recalls) * miss + (1 - prevalence) * (1 - specificities))),
                "call_nobody_ill": prevalence * miss,
                "call_everybody_ill": 1 - prevalence,
            }
    return table


def costs(runs: list[dict]) -> list[dict]:
    """Means and deviations over the seeds, a row for each prevalence, cost of a miss, and set of images."""
    rows = []
    for name in ("validation", "test"):
        for prevalence, miss in runs[0]["costs"][name]:
            found = [run["costs"][name][prevalence, miss] for run in runs]
            over_seeds = {key: mean_and_sd([f[key] for f in found]) for key in found[0]}
            rows.append({"images": name, "prevalence": prevalence, "cost_of_a_miss": miss} | over_seeds)
    return rows
