"""Block 5 fine-tuned from cached outputs of block 4, plain and with copies as of other scanners.

Before the convolutions move, a linear head is fitted on block 5 as it was, so that they start from a good answer. One
pass over the training images; nothing is chosen on validation.
"""

import numpy as np

from pneumonia.experiments.lab import Lab, linear
from pneumonia.finetune import fine_tune, log_odds, tail
from pneumonia.training import class_weights

EPOCHS = 1.0


def run(lab: Lab) -> dict:
    """Settings: frozen, fine-tuned, and fine-tuned with changed copies; and their ensemble over the seeds."""
    rows, scores = [], {}
    for name, scanners in (("fine-tuned", False), ("fine-tuned, scanners", True)):
        runs = [
            lab.stage(f"{'scanners' if scanners else 'plain'}-{seed}", lambda s=seed, c=scanners: one(lab, s, c))
            for seed in lab.scale.seeds
        ]
        scores[name] = runs
        rows.append(lab.setting(name, _stored(lab, runs)))
        rows.append(_ensemble(lab, f"{name}, mean of the seeds", runs))
    frozen = [{"validation": run["validation_before"], "test": run["test_before"]} for run in scores["fine-tuned"]]
    return {"settings": [lab.setting("frozen", _stored(lab, frozen)), *rows]}


def _stored(lab: Lab, runs: list[dict]):
    def train(seed):
        run = runs[lab.scale.seeds.index(seed)]
        return {"validation": (lab.split(seed)[1], run["validation"]), "test": (lab.test, run["test"])}

    return train


def _ensemble(lab: Lab, name: str, runs: list[dict]) -> dict:
    mean = np.mean([run["test"] for run in runs], axis=0)
    return lab.setting(name, lambda _: {"test": (lab.test, mean)}, seeds=lab.scale.seeds[:1])


def one(lab: Lab, seed: int, scanners: bool) -> dict[str, list[float]]:
    """One training; log-odds of validation and test, before and after."""
    plain = lab.features("block4 map")
    changed = lab.features("block4 map", variant="scanner", rows=lab.pool) if scanners else plain
    pooled = lab.features("block5")
    training, validation = lab.split(seed)
    head = linear(C=1e-2).fit(pooled[training], lab.labels[training])
    scaler, regression = head[0], head[1]
    kernel = regression.coef_[0] / scaler.scale_
    model = tail(lab.base(), plain.shape[1:], kernel, float(regression.intercept_[0] - kernel @ scaler.mean_))
    rng = np.random.default_rng(seed)

    def maps(rows):
        values = np.array(plain[rows])
        if scanners:
            some = rng.random(len(rows)) < 0.5
            values[some] = changed[rows[some]]
        return values

    result = {
        f"{name}_before": head.decision_function(pooled[rows]).round(3).tolist()
        for name, rows in (("validation", validation), ("test", lab.test))
    }
    epochs = EPOCHS if lab.scale.epochs > 5 else 0.2
    weights = class_weights(lab.labels[training])
    fine_tune(model, maps, lab.labels, training, weights=weights, epochs=epochs, seed=seed)
    for name, rows in (("validation", validation), ("test", lab.test)):
        result[name] = log_odds(model, lambda r: plain[r], rows).round(3).tolist()
    return result
