"""Why validation is better than test: each suspect alone, on frozen VGG16 with a linear head."""

import re

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pneumonia import shift
from pneumonia.experiments.heads import small_head
from pneumonia.experiments.lab import Lab, by_patient, fit_linear, linear, mean_and_sd
from pneumonia.experiments.symptoms import HELD_BACK, LOWEST, symptoms
from pneumonia.settings import CourseError
from pneumonia.variants import VARIANTS

PENALTIES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
SMALL = 8  # fewer images than this are not judged
SIBLING_DRAWS = 4  # splits for each seed: what the leak brings is small against what a split does


def run(lab: Lab) -> dict:
    """All parts of the diagnosis, and the table that reads them.

    CourseError where the data does not say which images are of one patient, and which of bacteria or virus.
    """
    if not lab.dataset.has_patients or len(set(lab.dataset.kinds)) < 3:
        raise CourseError(
            f"the diagnosis splits by patient, and bacteria from virus; {lab.dataset.source.title} names neither. "
            "Choose a folder whose file names do, as those of the original: `course data use folder PATH`"
        )
    parts = {
        "learning_curve": lab.stage("learning-curve", lambda: learning_curve(lab)),
        "capacity": lab.stage("capacity", lambda: capacity(lab)),
        "l2": lab.stage("l2", lambda: l2(lab)),
        "splits": lab.stage("splits", lambda: splits(lab)),
        "overlap": lab.stage("overlap", lambda: overlap(lab)),
        "siblings_lent": lab.stage("siblings-lent", lambda: siblings_lent(lab)),
        "statistics": lab.stage("statistics", lambda: statistics(lab)),
        "borrowing": lab.stage("borrowing", lambda: borrowing(lab)),
        "series": lab.stage("series", lambda: series(lab)),
        "regularisation": lab.stage("regularisation", lambda: regularisation(lab)),
        "intervention": lab.stage("intervention", lambda: intervention(lab)),
        "adversarial": lab.stage("adversarial", lambda: adversarial(lab)),
    }
    return parts | {"symptoms": symptoms(parts)}


def parts_of(lab: Lab, training, validation) -> dict[str, np.ndarray]:
    return {"training": training, "validation": validation, "test": lab.test}


# --- overfitting ------------------------------------------------------------------------------------------------------


def learning_curve(lab: Lab) -> list[dict]:
    """Number of training images: does more of the same data close the gap?"""
    features = lab.features("block5")

    def train(size):
        def with_seed(seed):
            training, validation = lab.split(seed)
            some = by_patient(lab, training, size, seed)
            return fit_linear(lab, features, some, parts_of(lab, some, validation))

        return with_seed

    sizes = [n for n in lab.scale.training_sizes if n < 0.75 * len(lab.pool)]
    rows = [lab.setting(str(n), train(n)) | {"images": n} for n in sizes]
    return [*rows, lab.setting("all", train(len(lab.pool))) | {"images": len(lab.split(0)[0])}]


def capacity(lab: Lab) -> list[dict]:
    """How much of VGG16 is kept, and how many features the head gets."""
    rows = []
    for name in ("block1", "block2", "block3", "block4", "block5", "block3+4+5"):
        features = lab.features(name)
        rows.append(lab.setting(name, _split_and_fit(lab, features)) | {"features": features.shape[1]})
    return rows


def _split_and_fit(lab: Lab, features, **options):
    def train(seed):
        training, validation = lab.split(seed)
        return fit_linear(lab, features, training, parts_of(lab, training, validation), **options)

    return train


def l2(lab: Lab) -> list[dict]:
    """L2 penalty on the head: C is its inverse, so small means strong."""
    features = lab.features("block3+4+5")
    return [lab.setting(f"C={C:g}", _split_and_fit(lab, features, C=C)) | {"C": C} for C in PENALTIES]


def regularisation(lab: Lab) -> list[dict]:
    """A head with one hidden layer on block5: nothing held back, then each remedy alone."""
    plain = lab.features("block5")
    changed = lab.features("block5", variant="scanner", rows=lab.pool)
    settings = {
        "nothing": {},
        "dropout 0.5": {"dropout": 0.5},
        "early stopping": {"patience": 3},
        "L2 0.001": {"l2": 1e-3},
        "augmentation": {"augmented": True},
    }

    def train(options):
        def with_seed(seed):
            training, validation = lab.split(seed)
            copies = [plain[training], changed[training]] if options.get("augmented") else [plain[training]]
            own = {name: value for name, value in options.items() if name != "augmented"}
            score = small_head(
                np.concatenate(copies),
                np.tile(lab.labels[training], len(copies)),
                (plain[validation], lab.labels[validation]),
                seed=seed,
                epochs=min(lab.scale.epochs, 15),
                **own,
            )
            parts = parts_of(lab, training, validation)
            return {name: (rows, score(plain[rows])) for name, rows in parts.items()}

        return with_seed

    return [lab.setting(name, train(options)) for name, options in settings.items()]


# --- leakage ----------------------------------------------------------------------------------------------------------


# Heads that can recognise a patient to different degrees.
HEADS = {
    "linear, strong L2": lambda: linear(C=0.01),
    "linear, weak L2": lambda: linear(C=1.0, max_iter=100),
    "nearest neighbours": lambda: make_pipeline(
        StandardScaler(), KNeighborsClassifier(5, metric="cosine", weights="distance")
    ),
}


def splits(lab: Lab) -> list[dict]:
    """The same head, validated on a random fifth and on a fifth of the patients, for two tasks.

    Where a patient's other image is of use to a head, the random split looks better than new patients will.
    """
    features = lab.features("block3+4+5")
    rows = []
    for task, of_task, target in (
        ("pneumonia or not", lab.labels >= 0, lab.labels),
        ("bacteria or virus", lab.labels == 1, (lab.dataset.kinds == "virus").astype(int)),
    ):
        for head, build in HEADS.items():
            for split in ("random", "by patient"):
                runs = [_one_split(lab, features, of_task, target, build(), split, seed) for seed in lab.scale.seeds]
                rows.append({"task": task, "head": head, "split": split} | _spread(runs))
    return rows


def _one_split(lab: Lab, features, of_task, target, head, split: str, seed: int) -> dict[str, float]:
    pool, test = lab.pool[of_task[lab.pool]], lab.test[of_task[lab.test]]
    if split == "random":
        training, validation = train_test_split(pool, test_size=0.2, random_state=seed, stratify=target[pool])
    else:
        training, validation = (part[of_task[part]] for part in lab.split(seed))
    head.fit(features[training], target[training])

    def auc(rows):
        scores = head.predict_proba(features[rows])[:, 1]
        return float(roc_auc_score(target[rows], scores))

    known = np.isin(lab.dataset.patients[validation], lab.dataset.patients[training])
    return {"validation_auc": auc(validation), "test_auc": auc(test), "shared_patients": float(known.mean())}


def _spread(runs: list[dict]) -> dict:
    """`{"name": {"mean", "sd", "values"}}` of numbers that every run has."""
    columns = {name: np.array([run[name] for run in runs], float) for name in runs[0]}
    return {name: mean_and_sd(values) | {"values": values.round(5).tolist()} for name, values in columns.items()}


def siblings_lent(lab: Lab) -> list[dict]:
    """The same validation images, judged by heads that have seen other images of their patients, and that have not.

    Comparing two splits compares other patients as well, which is most of the noise. Here only the leak differs: one
    image of each patient with several is judged; training has the others, or as many images of new patients instead.
    More splits are drawn than there are seeds.
    """
    features = lab.features("block3+4+5")
    rows = []
    for task, of_task, target in (
        ("pneumonia or not", lab.labels >= 0, lab.labels),
        ("bacteria or virus", lab.labels == 1, (lab.dataset.kinds == "virus").astype(int)),
    ):
        pool = lab.pool[of_task[lab.pool]]
        for head in ("linear, strong L2", "nearest neighbours"):
            draws = range(SIBLING_DRAWS * len(lab.scale.seeds))
            runs = [_with_and_without(lab, features, pool, target, head, seed) for seed in draws]
            rows.append({"task": task, "head": head} | _spread(runs))
    return rows


def _with_and_without(lab: Lab, features, pool, target, head: str, seed: int) -> dict[str, float]:
    """A fifth of the patients is held out; of those with several images of one kind, the first image is judged."""
    _, held = lab.split(seed)
    rng = np.random.default_rng(seed)
    own = np.char.add(lab.dataset.patients.astype(str), lab.dataset.kinds.astype(str))
    held = rng.permutation(held[np.isin(held, pool)])
    _, first, count = np.unique(own[held], return_index=True, return_counts=True)
    judged = held[first[count > 1]]
    single = held[first[count == 1]]  # judged as well, so that all kinds of patients are among the images
    siblings = held[~np.isin(held, held[first])]
    rest = rng.permutation(pool[~np.isin(lab.dataset.patients[pool], lab.dataset.patients[held])])
    instead, seen = rest[: len(siblings)], rest[len(siblings) :]
    aucs = {}
    for name, extra in (("without", instead), ("with", siblings)):
        training = np.concatenate([seen, extra])
        model = HEADS[head]().fit(features[training], target[training])
        cases = np.concatenate([judged, single])
        aucs[name] = float(roc_auc_score(target[cases], model.predict_proba(features[cases])[:, 1]))
    share = len(judged) / (len(judged) + len(single))
    return {"auc_without": aucs["without"], "auc_with": aucs["with"], "gain": aucs["with"] - aucs["without"]} | {
        "images_with_siblings": share
    }


def overlap(lab: Lab) -> dict:
    """What training and test share: files, patients' names, and images that are much alike to VGG16.

    Alike is the cosine of standardised block3+4+5 to the nearest image of training: of validation images under either
    split, and of test images. Were test leaked into training, its images would have nearer ones than validation by
    patient has.
    """
    dataset, pool, test = lab.dataset, lab.pool, lab.test
    features = lab.features("block3+4+5")
    scaled = (features - features[pool].mean(axis=0)) / (features[pool].std(axis=0) + 1e-6)

    def repeated(rows):
        return int(len(rows) - len(np.unique(dataset.digests[rows])))

    seed = lab.scale.seeds[0]
    training, validation = lab.split(seed)
    random_training, random_validation = train_test_split(pool, test_size=0.2, random_state=seed)
    names = sorted(set(dataset.patients[pool]) & set(dataset.patients[test])) if dataset.has_patients else []

    def kinds(rows, name):
        return set(dataset.kinds[rows][dataset.patients[rows] == name])

    return {
        "duplicates_in_pool": repeated(pool),
        "duplicates_in_test": repeated(test),
        "duplicates_across": int(len(set(dataset.digests[pool]) & set(dataset.digests[test]))),
        "names_in_both": len(names),
        "names_in_both_with_the_same_kind": sum(bool(kinds(pool, n) & kinds(test, n)) for n in names),
        "nearest": {
            "validation by image": _nearest(scaled, random_validation, random_training),
            "validation by patient": _nearest(scaled, validation, training),
            "test": _nearest(scaled, test, training),
        },
        "siblings": _siblings(lab, scaled),
    }


def _nearest(scaled, queries, others) -> dict[str, float]:
    """How near the nearest image of training is: median and 95th percentile of the cosine, and the share above 0.9."""
    _, similarity = shift.nearest_neighbours(scaled[queries], scaled[others])
    median, high = np.percentile(similarity, [50, 95])
    return {
        "median": round(float(median), 4),
        "percentile_95": round(float(high), 4),
        "share_over_0.9": round(float(np.mean(similarity > 0.9)), 4),
    }


def _siblings(lab: Lab, scaled) -> dict | None:
    """Of images whose patient has others of that kind in the pool: how often the nearest image is one of those."""
    names = np.char.add(lab.dataset.patients[lab.pool].astype(str), lab.dataset.kinds[lab.pool].astype(str))
    unique, member, counts = np.unique(names, return_inverse=True, return_counts=True)
    queries = np.flatnonzero(counts[member] > 1)
    if not lab.dataset.has_patients or len(queries) == 0:
        return None
    values = scaled[lab.pool] / np.linalg.norm(scaled[lab.pool], axis=1, keepdims=True)
    similarity = values[queries] @ values.T
    similarity[np.arange(len(queries)), queries] = -np.inf
    hit = member[similarity.argmax(axis=1)] == member[queries]
    by_chance = np.mean((counts[member[queries]] - 1) / (len(names) - 1))
    return {
        "images": len(queries),
        "nearest_is_a_sibling": round(float(hit.mean()), 4),
        "by_chance": round(float(by_chance), 5),
    }


# --- shift ------------------------------------------------------------------------------------------------------------


def adversarial(lab: Lab) -> list[dict]:
    """Can a classifier tell training images from test images of the same class? For comparison, two parts of training.

    One of them is as large as the test images are among all; whole patients, drawn at random. The healthy of test have
    lower study numbers than those of training, so there is a second comparison for them: the lowest fifth of the
    numbers in training against the rest. It says how far images drift along the numbers anyway.
    """
    statistics_of_all, _ = _statistics(lab)
    looks = {
        "block3+4+5": lab.features("block3+4+5"),
        "image statistics": statistics_of_all,
    }
    names = lab.names
    rows = []
    for label, kind in enumerate(("NORMAL", "PNEUMONIA")):
        of_class = np.flatnonzero(lab.labels == label)
        for look, features in looks.items():
            aucs = {"training against test": [], "two parts of training": []}
            for seed in lab.scale.seeds:
                is_test = np.isin(of_class, lab.test)
                aucs["training against test"].append(_tell_apart(features, of_class, is_test, names, seed))
                pool = of_class[~is_test]
                half = _random_patients(names[pool], seed, is_test.mean())
                aucs["two parts of training"].append(_tell_apart(features, pool, half, names, seed))
            lowest = unseen_healthy(lab).get("the lowest numbers")
            if kind == "NORMAL" and lowest is not None:
                pool = of_class[np.isin(of_class, lab.pool)]
                aucs[LOWEST] = [_tell_apart(features, pool, lowest[pool], names, seed) for seed in lab.scale.seeds]
            for question, values in aucs.items():
                rows.append({"class": kind, "look": look, "question": question} | _spread([{"auc": v} for v in values]))
    return rows


def _tell_apart(features, rows, first, names, seed) -> float:
    groups = np.char.add(names[rows].astype(str), np.where(first, "t", ""))  # a shared number is not a shared child
    return shift.adversarial_auc(linear(C=0.01), features[rows], first, groups, seed)[0]


def _random_patients(names: np.ndarray, seed: int, share: float) -> np.ndarray:
    """True for the images of a random share of the patients: the comparison in which nothing is shifted."""
    unique, member = np.unique(names, return_inverse=True)
    return (np.random.default_rng(seed).random(len(unique)) < share)[member]


_KEPT = {}


def _statistics(lab: Lab) -> tuple[np.ndarray, np.ndarray]:
    key = lab.dataset.fingerprint
    if key not in _KEPT:
        _KEPT[key] = shift.statistics_of(lab.dataset)
    return _KEPT[key]


def statistics(lab: Lab) -> dict:
    """Which nameable things differ between the healthy of training and of test, and how well each tells illness."""
    values, spectra = _statistics(lab)
    groups = {
        "training NORMAL": lab.pool[lab.labels[lab.pool] == 0],
        "test NORMAL": lab.test[lab.labels[lab.test] == 0],
        "training PNEUMONIA": lab.pool[lab.labels[lab.pool] == 1],
        "test PNEUMONIA": lab.test[lab.labels[lab.test] == 1],
    }
    table = []
    for i, (name, meaning) in enumerate(shift.STATISTICS.items()):
        row = {"statistic": name, "meaning": meaning}
        row["median"] = {group: round(float(np.median(values[rows, i])), 4) for group, rows in groups.items()}
        for label, kind in enumerate(("NORMAL", "PNEUMONIA")):
            of_class = lab.labels == label
            is_test = np.isin(np.flatnonzero(of_class), lab.test)
            row[f"auc_test_against_training_{kind}"] = round(float(roc_auc_score(is_test, values[of_class, i])), 4)
        row["auc_pneumonia_in_training"] = round(float(roc_auc_score(lab.labels[lab.pool], values[lab.pool, i])), 4)
        table.append(row)
    together = lab.setting("image statistics alone", _split_and_fit(lab, values, C=1.0))
    return {
        "table": table,
        "together": together,
        "spectra": {
            group: [round(float(v), 3) for v in np.log10(np.median(spectra[rows], axis=0) + 1e-6)]
            for group, rows in groups.items()
        },
        "densities": {
            name: _densities(values, list(shift.STATISTICS).index(name), groups) for name in ("sharpness", "black")
        },
        "file_size": _file_size(lab),
    }


def _densities(values, column: int, groups) -> dict:
    """Histograms of one statistic by group, on common bins: shares of the group."""
    low, high = np.percentile(values[:, column], [0.5, 99.5])
    edges = np.linspace(low, high, 31)
    shares = {
        group: (np.histogram(values[rows, column], edges)[0] / len(rows)).round(4).tolist()
        for group, rows in groups.items()
    }
    return {"edges": edges.round(3).tolist(), "shares": shares}


def _file_size(lab: Lab) -> dict | None:
    """AUC of the bytes of a file alone: no classifier should get far by it."""
    if isinstance(lab.dataset.images, np.ndarray):
        return None
    sizes = np.array([path.stat().st_size for path in lab.dataset.images])

    def auc(rows):
        return round(float(roc_auc_score(lab.labels[rows], -sizes[rows])), 4)

    return {"pool_auc": auc(lab.pool), "test_auc": auc(lab.test)}


def borrowing(lab: Lab) -> list[dict]:
    """Some test images are lent to training; the rest of test judges. The images lent are never judged on.

    For comparison with half of the healthy ones lent, as many healthy training images are held back in one setting:
    what they bring is the step from there to "nothing lent". "trained on test alone" trains on four fifths of the test
    images and judges the last fifth, for each fifth in turn: how hard the test images are for a head that has seen
    their like.
    """
    features = lab.features("block5")
    rows = []
    for label, kind in ((0, "NORMAL"), (1, "PNEUMONIA")):
        for share in (0.1, 0.25, 0.5):
            rows.append(lab.setting(f"{share:.0%} of test {kind} lent", _lend(lab, features, label, share)))
    rows.insert(0, lab.setting("nothing lent", _lend(lab, features, 0, 0.0)))
    rows.insert(1, lab.setting(HELD_BACK, _lend(lab, features, 0, 0.0, held_back=True)))
    rows.append(lab.setting("trained on test alone, cross-validated", lambda seed: _test_alone(lab, features, seed)))
    return rows


def _lend(lab: Lab, features, label: int, share: float, held_back: bool = False):
    """Half of the test patients lend, the other half judges, whatever the share: all settings judge the same images.

    held_back: train without as many healthy images of training as the half of test has
    """

    def train(seed):
        training, validation = lab.split(seed)
        half = by_patient(lab, lab.test, len(lab.test) // 2, seed)
        names = lab.dataset.patients
        judged = lab.test[~np.isin(lab.test, half)]
        if lab.dataset.has_patients:
            judged = judged[~np.isin(names[judged], names[half])]
        lenders = half[lab.labels[half] == label]
        lent = np.random.default_rng(seed).permutation(lenders)[: round(2 * share * len(lenders))]
        if held_back:
            healthy = np.random.default_rng(seed).permutation(training[lab.labels[training] == 0])
            training = training[~np.isin(training, healthy[: len(lenders)])]
        parts = {"validation": validation, "test": judged}
        return fit_linear(lab, features, np.concatenate([training, lent]), parts)

    return train


def _test_alone(lab: Lab, features, seed: int) -> dict:
    test, scores = lab.test, np.empty(len(lab.test))
    splitter = StratifiedKFold(5, shuffle=True, random_state=seed)
    if lab.dataset.has_patients:
        from sklearn.model_selection import StratifiedGroupKFold

        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
    for seen, unseen in splitter.split(test, lab.labels[test], lab.dataset.patients[test]):
        scores[unseen] = (
            linear(C=0.01).fit(features[test[seen]], lab.labels[test[seen]]).decision_function(features[test[unseen]])
        )
    return {"test": (test, scores)}


def intervention(lab: Lab) -> list[dict]:
    """A head that was trained on the images as they are, judged on images that were changed on purpose.

    If softness and raised blacks make healthy validation images look ill, and sharpening helps the healthy of test, the
    shift is of that kind. The healthy of validation are changed as far as those of test are away, and much further; the
    dose, medians of sharpness and black of the healthy that are judged, says how far.
    """
    plain = lab.features("block5")
    healthy = lab.pool[lab.labels[lab.pool] == 0]
    changes = {
        "as they are": ("plain", ("validation", "test")),
        "healthy as soft as on test": ("soft as test", ("validation",)),
        "healthy softened, blacks raised": ("soft", ("validation",)),
        "sharpened, blacks cut": ("hard", ("test",)),
    }
    rows = []
    for name, (variant, judged) in changes.items():
        features = plain.copy()
        if variant != "plain":
            changed = lab.test if judged == ("test",) else healthy
            features[changed] = lab.features("block5", variant=variant, rows=changed)[changed]

        def train(seed, features=features, judged=judged):
            training, validation = lab.split(seed)
            parts = {"validation": validation, "test": lab.test}
            return fit_linear(lab, plain, training, {split: parts[split] for split in judged}, features_there=features)

        rows.append(lab.setting(name, train) | {"dose": _dose(lab, variant, judged)})
    return rows


def _dose(lab: Lab, variant: str, judged) -> dict[str, dict[str, float]]:
    """Medians of sharpness and black of the healthy as they were changed, of test or of the first seed's validation."""
    _, validation = lab.split(lab.scale.seeds[0])
    names, doses = list(shift.STATISTICS), {}
    for split in judged:
        rows = {"validation": validation, "test": lab.test}[split]
        rows = rows[lab.labels[rows] == 0]
        images = VARIANTS[variant](lab.dataset.load(lab.scale.size, rows), lab.dataset.digests[rows])
        values = np.median([shift.image_statistics(image) for image in images[..., 0]], axis=0)
        doses[split] = {name: round(float(values[names.index(name)]), 2) for name in ("sharpness", "black")}
    return doses


def series(lab: Lab) -> list[dict]:
    """Shift within the training folder: healthy images come in two series of names, each with running study numbers.

    A head that has not seen some of the healthy, one series or the lowest fifth of the numbers in each (the test
    images have lower ones still), is judged on those, with new ill patients; beside it, on healthy that it has seen
    the like of.
    """
    features = lab.features("block5")
    rows = []
    for name, unseen in unseen_healthy(lab).items():

        def train(seed, unseen=unseen):
            training, validation = lab.split(seed)
            seen = training[(lab.labels[training] == 1) | ~unseen[training]]
            ill = validation[lab.labels[validation] == 1]
            own = validation[(lab.labels[validation] == 0) & ~unseen[validation]]
            other = validation[(lab.labels[validation] == 0) & unseen[validation]]
            parts = {"seen_series": np.concatenate([own, ill]), "unseen_series": np.concatenate([other, ill])}
            return fit_linear(lab, features, seen, parts)

        rows.append(lab.setting(f"without {name}", train))
    return rows


def unseen_healthy(lab: Lab) -> dict[str, np.ndarray]:
    """Held-out domains that names alone give: bool (n,) for each; none where the names have no study numbers."""
    names = lab.dataset.patients.astype(str)
    numbers = np.array([int(re.sub(r"\D", "", name.rpartition("-")[2]) or -1) for name in names])
    second = np.char.startswith(names, "NORMAL2")
    healthy = np.isin(np.arange(len(names)), lab.pool) & (lab.labels == 0) & np.char.count(names, "IM-").astype(bool)
    lowest = np.zeros(len(names), bool)
    for of_series in (healthy & second, healthy & ~second):
        if of_series.any():
            lowest |= of_series & (numbers <= np.percentile(numbers[of_series], 20))
    domains = {"the series NORMAL2-IM": second, "the series IM": ~second, "the lowest numbers": lowest}
    return {
        name: unseen
        for name, unseen in domains.items()
        if min(np.sum(unseen & healthy), np.sum(~unseen & healthy)) >= 5 * SMALL
    }
