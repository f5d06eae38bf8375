"""The table that reads the diagnosis: for each symptom overfitting, leakage, shift or none, by rules stated here.

A rule sees the measured numbers only, so the same table can be made of other data and may come to other verdicts.
"""

from scipy.stats import t

LOWEST = "lowest study numbers of training against its others"  # a control of the adversarial validation
HELD_BACK = "as many NORMAL of training held back"  # a control of the lending
OVERFITTING, LEAKAGE, SHIFT, SHORTCUT, NONE = "overfitting", "leakage", "shift", "shortcut", "none of them"


def symptoms(parts: dict) -> list[dict]:
    """Rows `{"symptom", "verdict", "why", "evidence": {name: number}}` from the parts of the diagnosis."""
    rows = [
        _training_to_validation(parts),
        _validation_to_test(parts),
        _one_class(parts),
        _more_data(parts),
        _held_back(parts),
        *(
            _random_split(parts, task, head)
            for task in ("pneumonia or not", "bacteria or virus")
            for head in ("linear, strong L2", "linear, weak L2", "nearest neighbours")
        ),
        *(_siblings_lent(row) for row in parts["siblings_lent"]),
        _shared_files(parts),
        *(_told_apart(parts, kind) for kind in ("NORMAL", "PNEUMONIA")),
        _lent(parts),
        _test_alone(parts),
        _intervened(parts),
        _statistics(parts),
    ]
    return [row | {"evidence": {name: round(v, 4) for name, v in row["evidence"].items()}} for row in rows]


def _row(symptom: str, verdict: str, why: str, **evidence: float) -> dict:
    return {"symptom": symptom, "verdict": verdict, "why": why, "evidence": evidence}


def _named(rows: list[dict], name: str) -> dict:
    return next(row for row in rows if row["setting"] == name)


def _mean(row: dict, split: str, metric: str = "auc") -> float:
    return row[split][metric]["mean"]


def _block5(parts: dict) -> dict:
    return _named(parts["capacity"], "block5")


def _training_to_validation(parts):
    row = _block5(parts)
    gap = _mean(row, "training", "balanced_accuracy") - _mean(row, "validation", "balanced_accuracy")
    return _row(
        "Training is better than validation, on patients that were not trained on",
        OVERFITTING if gap > 0.005 else NONE,
        "What was learned of single patients is of use for them only; the size of the step is the size of the problem.",
        training=_mean(row, "training", "balanced_accuracy"),
        validation=_mean(row, "validation", "balanced_accuracy"),
        step=gap,
    )


def _validation_to_test(parts):
    row = _block5(parts)
    first, second = (_mean(row, split, "balanced_accuracy") for split in ("validation", "test"))
    step = _mean(row, "training", "balanced_accuracy") - first
    return _row(
        "Validation is better than test, and neither was trained on",
        SHIFT if first - second > 2 * max(step, 0.005) else NONE,
        "Overfitting shows from training to validation already; a larger step that comes after it has another cause.",
        validation=first,
        test=second,
        step=first - second,
    )


def _one_class(parts):
    row = _block5(parts)
    falls = {m: _mean(row, "validation", m) - _mean(row, "test", m) for m in ("recall", "specificity")}
    return _row(
        "Only one class is judged worse on test",
        SHIFT if falls["specificity"] > 0.05 and falls["specificity"] > 4 * abs(falls["recall"]) else NONE,
        "What was learned by heart would fail for both classes. Here only the scores of one class have moved.",
        fall_of_specificity=falls["specificity"],
        fall_of_recall=falls["recall"],
    )


def _more_data(parts):
    few, every = parts["learning_curve"][0], parts["learning_curve"][-1]
    before, after = (
        (_mean(r, "training") - _mean(r, "validation"), _mean(r, "validation") - _mean(r, "test")) for r in (few, every)
    )
    return _row(
        "With all images, the step from training to validation is almost gone, and the step to test is not",
        SHIFT if after[0] < before[0] / 2 and after[1] > 3 * max(after[0], 0) else OVERFITTING,
        "More data of the same kind heals overfitting. It helps on test, too, and leaves a much larger step there.",
        training_to_validation_few=before[0],
        training_to_validation_all=after[0],
        validation_to_test_few=before[1],
        validation_to_test_all=after[1],
    )


def _held_back(parts):
    rows = [*parts["l2"], *parts["regularisation"]]
    best = max(_mean(row, "validation") for row in rows)
    near = [row for row in rows if _mean(row, "validation") > best - 0.005]
    gaps = [_mean(row, "validation") - _mean(row, "test") for row in near]
    return _row(
        "L2, dropout, early stopping, augmentation: settings alike on validation all fall on test",
        SHIFT if min(gaps) > 0.01 else OVERFITTING,
        "Each holds the head back from learning by heart. They differ in how far they fall, and none closes the gap.",
        settings=float(len(near)),
        smallest_fall_of_auc=min(gaps),
        largest_fall_of_auc=max(gaps),
    )


def _random_split(parts, task: str, head: str):
    found = {row["split"]: row for row in parts["splits"] if row["task"] == task and row["head"] == head}
    random, apart = (found[name]["validation_auc"] for name in ("random", "by patient"))
    gain = random["mean"] - apart["mean"]
    noise = (random["sd"] ** 2 + apart["sd"] ** 2) ** 0.5
    return _row(
        f"Validation by image is better than by patient: {task}, {head}",
        LEAKAGE if gain > max(noise, 0.002) else NONE,
        "Under a random split a patient's other image may be in training, of use to a head that recognises patients.",
        random=random["mean"],
        by_patient=apart["mean"],
        gain=gain,
        noise=noise,
        shared_patients=found["random"]["shared_patients"]["mean"],
    )


def _siblings_lent(row: dict):
    gain = row["gain"]
    n = len(gain["values"])
    # Splits overlap, so they say less than n independent ones would: Nadeau and Bengio 2003, a fifth held out.
    error = gain["sd"] * (1 / n + 0.25) ** 0.5
    return _row(
        f"Other images of the same patients, put into training, raise their score: {row['task']}, {row['head']}",
        LEAKAGE if gain["mean"] > max(t.ppf(0.975, n - 1) * error, 0.002) else NONE,
        "The same images are judged with and without the leak, in place of which as many others were trained on.",
        without=row["auc_without"]["mean"],
        with_siblings=row["auc_with"]["mean"],
        gain=gain["mean"],
        standard_error=error,
    )


def _shared_files(parts):
    overlap = parts["overlap"]
    return _row(
        "Do training and test share images or patients?",
        LEAKAGE if overlap["duplicates_across"] or overlap["names_in_both_with_the_same_kind"] else NONE,
        "No file is in both. Numbers of persons recur, never with the same kind, so they need not be the same child. "
        "Sharing would in any case flatter test, and test is the one that is bad.",
        duplicates_across=float(overlap["duplicates_across"]),
        names_in_both=float(overlap["names_in_both"]),
        with_the_same_kind=float(overlap["names_in_both_with_the_same_kind"]),
    )


def _told_apart(parts, kind: str):
    found = {
        row["question"]: row["auc"]
        for row in parts["adversarial"]
        if row["class"] == kind and row["look"] == "block3+4+5"
    }
    real, chance = found["training against test"], found["two parts of training"]
    drift = found.get(LOWEST, chance)  # along the study numbers, where there are some
    return _row(
        f"A classifier tells {kind} of training from {kind} of test",
        SHIFT if real["mean"] > max(chance["mean"], drift["mean"]) + max(0.1, 3 * chance["sd"]) else NONE,
        "Images drawn from one source cannot be told apart, as two parts of training show.",
        training_against_test=real["mean"],
        two_parts_of_training=chance["mean"],
        **({"lowest_numbers_of_training": drift["mean"]} if LOWEST in found else {}),
    )


def _lent(parts):
    none, half = parts["borrowing"][0], _named(parts["borrowing"], "50% of test NORMAL lent")
    fewer = _named(parts["borrowing"], HELD_BACK)
    gain = _mean(half, "test", "specificity") - _mean(none, "test", "specificity")
    usual = _mean(none, "test", "specificity") - _mean(fewer, "test", "specificity")
    return _row(
        "A few healthy images of the test's source, lent to training, raise specificity on its other images",
        SHIFT if gain > max(0.05, 2 * usual) else NONE,
        "What is missing is not more data but data from there: as many of training bring far less.",
        without=_mean(none, "test", "specificity"),
        with_half=_mean(half, "test", "specificity"),
        by_as_many_of_training=usual,
        recall_without=_mean(none, "test", "recall"),
        recall_with_half=_mean(half, "test", "recall"),
    )


def _test_alone(parts):
    alone, across = _named(parts["borrowing"], "trained on test alone, cross-validated"), _block5(parts)
    return _row(
        "A head that is trained on a few hundred test images alone does better on the others",
        SHIFT if _mean(alone, "test") > _mean(across, "test") else NONE,
        "The test images are not harder than those of training; they are different.",
        trained_on_test=_mean(alone, "test"),
        trained_on_training=_mean(across, "test"),
        specificity_trained_on_test=_mean(alone, "test", "specificity"),
        specificity_trained_on_training=_mean(across, "test", "specificity"),
    )


def _intervened(parts):
    rows = {row["setting"]: row for row in parts["intervention"]}
    plain, soft, hard = (rows[n] for n in ("as they are", "healthy softened, blacks raised", "sharpened, blacks cut"))
    healthy, elsewhere = (_mean(plain, split, "specificity") for split in ("validation", "test"))
    fall, rise = healthy - _mean(soft, "validation", "specificity"), _mean(hard, "test", "specificity") - elsewhere
    step = max(healthy - elsewhere, 1e-9)
    part = min(fall, rise)
    return _row(
        "Softened, healthy validation images look ill to the head; sharpened, healthy test images look healthy",
        SHIFT if part > step / 2 else f"{SHIFT}, in part" if part > 0.03 else NONE,
        "Changing one thing on purpose shows a cause, where comparing shows a difference only. Were softness and "
        "raised blacks the cause, softening would do to validation what test does.",
        step=step,
        fall_as_soft_as_test=healthy - _mean(rows["healthy as soft as on test"], "validation", "specificity"),
        fall_softened_further=fall,
        rise_on_test_by_sharpening=rise,
        test_auc_as_it_is=_mean(plain, "test"),
        test_auc_sharpened=_mean(hard, "test"),
    )


def _statistics(parts):
    row = parts["statistics"]["together"]
    return _row(
        "Fourteen numbers about a whole image, none of which knows where a lung is, tell ill from healthy",
        SHORTCUT if _mean(row, "validation") > 0.75 else NONE,
        "Exposure and sharpness go with the diagnosis in this collection, be it by the illness or by the machine, so a "
        "network may use them. Where they shift, that fails: shortcut and shift are two sides of one thing.",
        validation=_mean(row, "validation"),
        test=_mean(row, "test"),
    )
