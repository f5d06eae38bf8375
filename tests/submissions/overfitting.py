"""Answers to exercise 05-overfitting. A wrong one may be a right one with a fault: it calls that."""

import re

import numpy as np

from pneumonia.backend import keras
from submissions import right, wrong

# --- patient_of ------------------------------------------------------------------------------------------------------


@right("patient_of")
def patient_by_one_expression(path):
    match = re.search(r"(?:^|/)(?:(person\d+)_(?:bacteria|virus)_\d+|((?:NORMAL2-)?IM-\d+)-\d+)\.jpeg$", path)
    if not match:
        raise ValueError(f"path {path}")
    return match[1] or match[2]


@right("patient_of")
def patient_by_splitting(path):
    name = path.split("/")[-1].removesuffix(".jpeg")
    patient, *rest = name.split("_")
    if not path.endswith(".jpeg"):
        raise ValueError("path must end with .jpeg")
    if patient.startswith("person") and patient[6:].isdigit() and len(rest) == 2:
        if rest[0] not in ("bacteria", "virus") or not rest[1].isdigit():
            raise ValueError("path is no image of the data set")
        return patient
    parts = name.split("-")
    if parts[:-2] in (["IM"], ["NORMAL2", "IM"]) and parts[-2].isdigit() and parts[-1].isdigit():
        return "-".join(parts[:-1])
    raise ValueError("path is no image of the data set")


@right("patient_of")
def patient_by_pathlib(path):
    from pathlib import PurePosixPath

    stem, ending = PurePosixPath(path).stem, PurePosixPath(path).suffix
    if ending != ".jpeg":
        raise ValueError(f"path: {ending} is no image's ending")
    for pattern in (r"(person\d+)_(?:bacteria|virus)_\d+", r"(IM-\d+)-\d+", r"(NORMAL2-IM-\d+)-\d+"):
        found = re.fullmatch(pattern, stem)
        if found:
            return found.group(1)
    raise ValueError(f"path: cannot tell the patient of {stem}")


@right("patient_of")
def patient_of_odd_real_names_too(path):  # IM-0011-0001-0002.jpeg and person1_virus_6_7.jpeg are in the real data set
    name = path.split("/")[-1]
    match = re.fullmatch(r"(person\d+)_(bacteria|virus)(_\d+)+\.jpeg|((NORMAL2-)?IM-\d+)(-\d+)+\.jpeg", name)
    if match is None:
        raise ValueError(f"path is {name}")
    return match[1] or match[4]


@right("patient_of")
def patient_of_a_path_that_the_error_shows(path):
    name = path.split("/")[-1]
    match = re.fullmatch(r"(person\d+)_(?:bacteria|virus)_\d+[.]jpeg|((?:NORMAL2-)?IM-\d+)-\d+[.]jpeg", name)
    if not match:
        raise ValueError(f"unknown file name: {name}")
    return match[1] or match[2]


@wrong("patient_of", says="The folders belong to the path")
def patient_with_folders(path):
    return path.split("_")[0] if "person" in path else path.rsplit("-", 1)[0]


@wrong("patient_of", says="looked for in the whole path")
def patient_found_anywhere(path):
    match = re.search(r"person\d+|(NORMAL2-)?IM-\d+", path)
    if not match:
        raise ValueError("path")
    return match.group()


@wrong("patient_of", says="without its ending")
def patient_is_the_stem(path):
    return path.rsplit("/", 1)[-1].removesuffix(".jpeg")


@wrong("patient_of", says="The kind (bacteria or virus) is no part of the patient")
def patient_with_the_kind(path):
    return re.split(r"[_-]\d+\.jpeg", path.rsplit("/", 1)[-1])[0]


@wrong("patient_of", says="The number alone came")
def patient_is_a_number(path):
    return re.search(r"(?:person|IM-)(\d+)", path.rsplit("/", 1)[-1]).group(1)


@wrong("patient_of", says="`NORMAL2-` belongs to the patient")
def patient_without_normal2(path):
    match = re.search(r"(person|IM-)\d+", path.rsplit("/", 1)[-1])
    if not match:
        raise ValueError("path")
    return match.group()


@wrong("patient_of", says="cut at its first `-`")
def patient_before_the_first_hyphen(path):
    return re.split("[-_]", path.rsplit("/", 1)[-1])[0]


@wrong("patient_of", says="Bad input went through")
def patient_of_anything(path):
    name = path.rsplit("/", 1)[-1]
    return name.split("_")[0] if name.startswith("person") else name.rsplit("-", 1)[0]


@wrong("patient_of", says="AttributeError came by accident")
def patient_without_a_look_at_the_match(path):
    name = path.rsplit("/", 1)[-1]
    return re.match(r"(person\d+(?=_)|(NORMAL2-)?IM-\d+(?=-))", name).group()


@wrong("patient_of", says="Nothing came back")
def patient_of_the_ill_only(path):
    name = path.rsplit("/", 1)[-1]
    if name.startswith("person"):
        return name.split("_")[0]
    return None


@wrong("patient_of", says="A text (str) was asked for")
def patient_as_a_list(path):
    return re.findall(r"person\d+|(?:NORMAL2-)?IM-\d+", path)


@wrong("patient_of", says="cut at its second `-`")
def patient_before_the_second_hyphen(path):
    name = path.split("/")[-1]
    return name.split("_")[0] if name.startswith("person") else "-".join(name.split("-")[:2])


@wrong("patient_of", says="None is used as if it were something")
def patient_at_the_path_s_beginning(path):
    return re.match(r"person\d+|(NORMAL2-)?IM-\d+", path).group()


@wrong("patient_of", says="Bad input went through (person12_scan_3.png")
def patient_without_an_end(path):
    match = re.match(r"(person\d+)_|(IM-\d+)-|(NORMAL2-IM-\d+)-", path.rsplit("/", 1)[-1])
    if not match:
        raise ValueError(f"path {path}")
    return match[1] or match[2] or match[3]


@wrong("patient_of", says="Bad input went through (person12_virus_48xjpeg")
def patient_with_any_character_for_the_dot(path):
    pattern = r"(person\d+)_(bacteria|virus)_\d+.jpeg|((NORMAL2-)?IM-\d+)-\d+.jpeg"
    match = re.fullmatch(pattern, path.rsplit("/", 1)[-1])
    if not match:
        raise ValueError(f"path {path}")
    return match[1] or match[3]


@wrong("patient_of", says="Bad input went through (person12_virus_48.jpg")
def patient_with_other_endings(path):
    pattern = r"(person\d+)_(bacteria|virus)_\d+\.jpe?g|((NORMAL2-)?IM-\d+)-\d+\.jpe?g"
    match = re.fullmatch(pattern, path.rsplit("/", 1)[-1], re.IGNORECASE)
    if not match:
        raise ValueError(f"path {path}")
    return match[1] or match[3]


@wrong("patient_of", says="Bad input went through (IM-0115-0001.JPEG")
def patient_in_capitals(path):
    pattern = r"(person\d+)_(bacteria|virus)_\d+\.jpeg|((NORMAL2-)?IM-\d+)-\d+\.jpeg"
    match = re.fullmatch(pattern, path.rsplit("/", 1)[-1], re.IGNORECASE)
    if not match:
        raise ValueError(f"path {path}")
    return match[1] or match[3]


@wrong("patient_of", says="Bad input went through (IM-0115-0001.jpeg.txt")
def patient_searched_for_in_the_path(path):
    match = re.search(r"(person\d+)_(bacteria|virus)_\d+\.jpeg|((NORMAL2-)?IM-\d+)-\d+\.jpeg", path)
    if not match:
        raise ValueError(f"path {path}")
    return match[1] or match[3]


@wrong("patient_of", says="Bad input went through (old_person12_virus_48.jpeg")
def patient_without_a_beginning(path):
    match = re.search(r"(person\d+)_(bacteria|virus)_\d+\.jpeg$|((NORMAL2-)?IM-\d+)-\d+\.jpeg$", path)
    if not match:
        raise ValueError(f"path {path}")
    return match[1] or match[3]


# --- patient_split ---------------------------------------------------------------------------------------------------


@right("patient_split")
def split_by_scikit_learn(patients, labels, validation_fraction=0.2, seed=0):
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(round(1 / validation_fraction), shuffle=True, random_state=seed)
    return next(folds.split(labels, labels, patients))


@right("patient_split")
def split_by_random_module(patients, labels, validation_fraction=0.2, seed=0):
    import random

    draw = random.Random(seed)
    cases = {}
    for place, patient in enumerate(patients.tolist()):
        cases.setdefault(patient, []).append(place)
    train, validation = [], []
    for label in (0, 1):
        group = sorted(patient for patient, places in cases.items() if labels[places[0]] == label)
        draw.shuffle(group)
        total, taken = sum(len(cases[patient]) for patient in group), 0
        for patient in group:
            if taken < validation_fraction * total:
                validation += cases[patient]
                taken += len(cases[patient])
            else:
                train += cases[patient]
    return train, validation


@right("patient_split")
def split_by_cumulative_counts(patients, labels, validation_fraction=0.2, seed=0):
    rng = np.random.default_rng(seed)
    names, first, counts = np.unique(patients, return_index=True, return_counts=True)
    chosen = []
    for label in np.unique(labels):
        group = rng.permutation(np.flatnonzero(labels[first] == label))
        before = np.cumsum(counts[group]) - counts[group]
        chosen.extend(names[group[before < validation_fraction * counts[group].sum()]])
    inside = np.isin(patients, chosen)
    return [np.where(~inside)[0], np.where(inside)[0].astype(np.int32)]


@right("patient_split")
def split_of_a_global_seed(patients, labels, validation_fraction=0.2, seed=0):
    from sklearn.model_selection import train_test_split

    names, first = np.unique(patients, return_index=True)
    np.random.seed(seed)  # noqa: NPY002  the style of older books
    best = None
    for _ in range(50):
        _, chosen = train_test_split(names, test_size=validation_fraction, stratify=labels[first])
        inside = np.isin(patients, chosen)
        off = abs(inside.mean() - validation_fraction) + abs(labels[inside].mean() - labels.mean())
        if best is None or off < best[0]:
            best = off, inside
    return np.flatnonzero(~best[1]), np.flatnonzero(best[1])


@right("patient_split")
def split_by_digests_of_the_names(patients, labels, validation_fraction=0.2, seed=0):
    import hashlib

    train, validation = [], []
    for label in (0, 1):
        names = sorted(
            set(patients[labels == label].tolist()), key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest()
        )
        taken, wanted = 0, validation_fraction * np.sum(labels == label)
        for name in names:
            cases = np.flatnonzero(patients == name).tolist()
            (validation if taken < wanted else train).extend(cases)
            taken += len(cases)
    return train, validation


@right("patient_split")
def split_of_patients_as_they_come(patients, labels, validation_fraction=0.2, seed=0):
    rng = np.random.default_rng(seed)
    train, validation = [], []
    for label in (1, 0):
        names = rng.permutation(list(dict.fromkeys(patients[labels == label].tolist())))
        taken, wanted = 0, validation_fraction * np.sum(labels == label)
        for name in names:
            cases = np.flatnonzero(patients == name).tolist()
            (validation if taken < wanted else train).extend(cases)
            taken += len(cases)
    return train, validation


@wrong("patient_split", says="A set of texts has another order each time that Python starts")
def split_of_a_shuffled_set(patients, labels, validation_fraction=0.2, seed=0):
    import random

    random.seed(seed)
    train, validation = [], []
    for label in (0, 1):
        names = list(set(patients[labels == label]))
        random.shuffle(names)
        taken, wanted = 0, validation_fraction * np.sum(labels == label)
        for name in names:
            cases = np.flatnonzero(patients == name).tolist()
            (validation if taken < wanted else train).extend(cases)
            taken += len(cases)
    return train, validation


@wrong("patient_split", says="draw patients, not images")
def split_of_images(patients, labels, validation_fraction=0.2, seed=0):
    from sklearn.model_selection import train_test_split

    return train_test_split(np.arange(len(labels)), test_size=validation_fraction, stratify=labels, random_state=seed)


@wrong("patient_split", says="The two arrays are in the wrong order")
def split_swapped(patients, labels, validation_fraction=0.2, seed=0):
    return split_by_cumulative_counts(patients, labels, validation_fraction, seed)[::-1]


@wrong("patient_split", says="`validation_fraction` is not used")
def split_always_a_fifth(patients, labels, validation_fraction=0.2, seed=0):
    return split_by_cumulative_counts(patients, labels, 0.2, seed)


@wrong("patient_split", says="`seed` changes nothing")
def split_without_a_seed(patients, labels, validation_fraction=0.2, seed=0):
    return split_by_cumulative_counts(patients, labels, validation_fraction, 0)


@wrong("patient_split", says="`seed` is not used")
def split_otherwise_each_time(patients, labels, validation_fraction=0.2, seed=0):
    return split_by_cumulative_counts(patients, labels, validation_fraction, None)


@wrong("patient_split", says="draw the patients of each class on their own")
def split_of_sorted_patients(patients, labels, validation_fraction=0.2, seed=0):
    names, counts = np.unique(patients, return_counts=True)
    inside = np.isin(patients, names[np.cumsum(counts) <= validation_fraction * len(patients)])
    return np.flatnonzero(~inside), np.flatnonzero(inside)


@wrong("patient_split", says="As many patients of one class as of the other were drawn")
def split_of_as_many_patients_of_each_class(patients, labels, validation_fraction=0.2, seed=0):
    rng, chosen = np.random.default_rng(seed), []
    for label in (0, 1):
        names = np.unique(patients[labels == label])
        chosen.extend(rng.choice(names, int(validation_fraction * len(np.unique(patients)) / 2), replace=False))
    inside = np.isin(patients, chosen)
    return np.flatnonzero(~inside), np.flatnonzero(inside)


@wrong("patient_split", says="A mask of True and False came")
def split_as_masks(patients, labels, validation_fraction=0.2, seed=0):
    inside = np.isin(patients, np.random.default_rng(seed).choice(np.unique(patients), 30, replace=False))
    return ~inside, inside


@wrong("patient_split", says="Patients' names came, not indices")
def split_of_names(patients, labels, validation_fraction=0.2, seed=0):
    from sklearn.model_selection import train_test_split

    return train_test_split(np.unique(patients), test_size=validation_fraction, random_state=seed)


@wrong("patient_split", says="Each case must be in one of the two arrays, once")
def split_of_the_patients_places(patients, labels, validation_fraction=0.2, seed=0):
    from sklearn.model_selection import train_test_split

    names, first = np.unique(patients, return_index=True)
    return train_test_split(first, test_size=validation_fraction, stratify=labels[first], random_state=seed)


@wrong("patient_split", says="count images, not patients")
def split_half_of_it(patients, labels, validation_fraction=0.2, seed=0):
    return split_by_cumulative_counts(patients, labels, validation_fraction + 0.1, seed)


@wrong("patient_split", says="Two index arrays (train, validation) were asked for")
def split_without_training(patients, labels, validation_fraction=0.2, seed=0):
    return split_by_cumulative_counts(patients, labels, validation_fraction, seed)[1]


@wrong("patient_split", says="Your function changes its arguments")
def split_in_place(patients, labels, validation_fraction=0.2, seed=0):
    np.random.default_rng(seed).shuffle(patients)
    return split_by_cumulative_counts(patients, labels, validation_fraction, seed)


@wrong("patient_split", says="`np.where` gives a tuple")
def split_by_where(patients, labels, validation_fraction=0.2, seed=0):
    chosen = np.isin(patients, patients[split_by_scikit_learn(patients, labels, validation_fraction, seed)[1]])
    return np.where(~chosen), np.where(chosen)


# --- stopping_epoch --------------------------------------------------------------------------------------------------


@right("stopping_epoch")
def stop_by_loop(val_losses, patience, min_delta=0.0):
    best, best_epoch, wait = float("inf"), 0, 0
    for epoch, loss in enumerate(val_losses):
        if loss < best - min_delta:
            best, best_epoch, wait = loss, epoch, 0
            continue
        wait += 1
        if wait == patience:
            return epoch, best_epoch
    return len(val_losses) - 1, best_epoch


@right("stopping_epoch")
def stop_by_distance(val_losses, patience, min_delta=0.0):
    best_epoch = 0
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] < val_losses[best_epoch] - min_delta:
            best_epoch = epoch
        elif epoch - best_epoch >= patience:
            return [epoch, best_epoch]
    return [len(val_losses) - 1, best_epoch]


@right("stopping_epoch")
def stop_with_numpy(val_losses, patience, min_delta=0.0):
    losses, best, last = np.asarray(val_losses), 0, len(val_losses) - 1
    while True:
        better = np.flatnonzero(losses[best + 1 :] < losses[best] - min_delta)
        gap = better[0] + 1 if len(better) else np.inf
        if gap > patience:
            return np.array([min(last, best + patience), best])
        best += gap


@right("stopping_epoch")
def stop_by_keras(val_losses, patience, min_delta=0.0):
    from types import SimpleNamespace

    from pneumonia.backend import keras

    callback = keras.callbacks.EarlyStopping("val_loss", min_delta=min_delta, patience=patience, mode="min")
    model = SimpleNamespace(stop_training=False)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, loss in enumerate(val_losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    return epoch, callback.best_epoch


@wrong("stopping_epoch", says="The two are swapped")
def stop_swapped(val_losses, patience, min_delta=0.0):
    return stop_by_loop(val_losses, patience, min_delta)[::-1]


@wrong("stopping_epoch", says="The epochs are counted from 1")
def stop_counted_from_one(val_losses, patience, min_delta=0.0):
    last, best = stop_by_loop(val_losses, patience, min_delta)
    return last + 1, best + 1


@wrong("stopping_epoch", says="one epoch too far")
def stop_above_patience(val_losses, patience, min_delta=0.0):
    best, best_epoch, wait = float("inf"), 0, 0
    for epoch, loss in enumerate(val_losses):
        if loss < best - min_delta:
            best, best_epoch, wait = loss, epoch, 0
        else:
            wait += 1
        if wait > patience:
            break
    return epoch, best_epoch


@wrong("stopping_epoch", says="An equal loss was taken for an improvement")
def stop_with_ties(val_losses, patience, min_delta=0.0):
    best, best_epoch, wait = float("inf"), 0, 0
    for epoch, loss in enumerate(val_losses):
        if loss <= best - min_delta:
            best, best_epoch, wait = loss, epoch, 0
        else:
            wait += 1
        if wait >= patience:
            break
    return epoch, best_epoch


@wrong("stopping_epoch", says="`min_delta` is not used")
def stop_without_min_delta(val_losses, patience, min_delta=0.0):
    return stop_by_loop(val_losses, patience)


@wrong("stopping_epoch", says="`min_delta` is added where it is taken off")
def stop_with_min_delta_added(val_losses, patience, min_delta=0.0):
    return stop_by_loop(val_losses, patience, -min_delta)


@wrong("stopping_epoch", says="The best loss was lowered by an epoch that did not improve")
def stop_with_a_creeping_best(val_losses, patience, min_delta=0.0):
    best, best_epoch, wait = float("inf"), 0, 0
    for epoch, loss in enumerate(val_losses):
        if loss < best - min_delta:
            best_epoch, wait = epoch, 0
        else:
            wait += 1
        best = min(best, loss)
        if wait >= patience:
            break
    return epoch, best_epoch


@wrong("stopping_epoch", says="Each loss was compared with the one before")
def stop_by_the_one_before(val_losses, patience, min_delta=0.0):
    wait = best_epoch = 0
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] < val_losses[epoch - 1] - min_delta:
            wait, best_epoch = 0, epoch
        else:
            wait += 1
            if wait >= patience:
                return epoch, best_epoch
    return len(val_losses) - 1, best_epoch


@wrong("stopping_epoch", says="The count is never set back")
def stop_without_a_restart(val_losses, patience, min_delta=0.0):
    best, best_epoch, wait = float("inf"), 0, 0
    for epoch, loss in enumerate(val_losses):
        if loss < best - min_delta:
            best, best_epoch = loss, epoch
        else:
            wait += 1
            if wait >= patience:
                break
    return epoch, best_epoch


@wrong("stopping_epoch", says="The epochs are counted from -1")
def stop_counted_from_the_second_epoch(val_losses, patience, min_delta=0.0):
    best, best_epoch, wait, last = val_losses[0], 0, 0, 0
    for last, loss in enumerate(val_losses[1:]):  # noqa: B007  the mistake itself
        if loss < best - min_delta:
            best, best_epoch, wait = loss, last + 1, 0
        else:
            wait += 1
        if wait >= patience:
            break
    return last, best_epoch


@wrong("stopping_epoch", says="The last `patience` losses were compared")
def stop_by_windows(val_losses, patience, min_delta=0.0):
    for epoch in range(patience, len(val_losses)):
        start = epoch - patience + 1
        if min(val_losses[start : epoch + 1]) >= min(val_losses[:start]) - min_delta:
            return epoch, int(np.argmin(val_losses[: epoch + 1]))
    return len(val_losses) - 1, int(np.argmin(val_losses))


@wrong("stopping_epoch", says="The count was looked at too late")
def stop_at_the_top_of_the_loop(val_losses, patience, min_delta=0.0):
    best, best_epoch, wait = float("inf"), 0, 0
    for epoch, loss in enumerate(val_losses):
        if wait >= patience:
            break
        if loss < best - min_delta:
            best, best_epoch, wait = loss, epoch, 0
        else:
            wait += 1
    return epoch, best_epoch


@wrong("stopping_epoch", says="Training does not end")
def stop_never(val_losses, patience, min_delta=0.0):
    return len(val_losses) - 1, int(np.argmin(val_losses))


@wrong("stopping_epoch", says="looked for among all epochs")
def stop_with_a_best_after_the_end(val_losses, patience, min_delta=0.0):
    last, _ = stop_by_loop(val_losses, patience, min_delta)
    return last, int(np.argmin(val_losses))


@wrong("stopping_epoch", says="and `patience` after it the end")
def stop_after_the_best_of_all(val_losses, patience, min_delta=0.0):
    best = int(np.argmin(val_losses))
    return best + patience, best


@wrong("stopping_epoch", says="One number came: give both")
def stop_alone(val_losses, patience, min_delta=0.0):
    return stop_by_loop(val_losses, patience, min_delta)[0]


@wrong("stopping_epoch", says="Epochs are whole numbers")
def stop_with_the_best_loss(val_losses, patience, min_delta=0.0):
    last, best = stop_by_loop(val_losses, patience, min_delta)
    return last, val_losses[best]


# --- truncate --------------------------------------------------------------------------------------------------------


@right("truncate")
def truncate_functional(base, layer_name):
    if all(layer.name != layer_name for layer in base.layers):
        raise ValueError(f"layer_name: no {layer_name}")
    return keras.Model(inputs=base.inputs, outputs=base.get_layer(layer_name).output)


@right("truncate")
def truncate_sequential(base, layer_name):
    names = [layer.name for layer in base.layers]
    if layer_name not in names:
        raise ValueError(f"layer_name {layer_name} not in {names}")
    return keras.Sequential(base.layers[: names.index(layer_name) + 1])


@right("truncate")
def truncate_by_calling_layers(base, layer_name):
    inputs = keras.Input(base.input_shape[1:])
    outputs = inputs
    for layer in base.layers[1:]:
        outputs = layer(outputs)
        if layer.name == layer_name:
            return keras.Model(inputs, outputs)
    raise ValueError("layer_name is unknown")


@right("truncate")
def truncate_subclassed(base, layer_name):
    class Truncated(keras.Model):
        def __init__(self, layers):
            super().__init__()
            self.stages = layers

        def call(self, images):
            for stage in self.stages:
                images = stage(images)
            return images

    names = [layer.name for layer in base.layers]
    if layer_name not in names:
        raise ValueError("layer_name")
    return Truncated(base.layers[1 : names.index(layer_name) + 1])


@right("truncate")
def truncate_with_keras_own_error(base, layer_name):  # No such layer: block9_pool. Existing layers are: ...
    return keras.Model(base.input, base.get_layer(layer_name).output)


@wrong("truncate", says="still ends with the base's last layer")
def truncate_nothing(base, layer_name):
    base.get_layer(layer_name)
    return base


@wrong("truncate", says="ends one layer before block1_pool")
def truncate_one_too_early(base, layer_name):
    names = [layer.name for layer in base.layers]
    return keras.Model(base.input, base.layers[names.index(layer_name) - 1].output)


@wrong("truncate", says="ends one layer after block1_pool")
def truncate_one_too_late(base, layer_name):
    names = [layer.name for layer in base.layers]
    return keras.Model(base.input, base.layers[names.index(layer_name) + 1].output)


@wrong("truncate", says="no copies, so that both share")
def truncate_a_copy(base, layer_name):
    copy = keras.models.clone_model(base)
    copy.set_weights(base.get_weights())
    return keras.Model(copy.input, copy.get_layer(layer_name).output)


@wrong("truncate", says="the layers' weights are not the base's")
def truncate_a_fresh_copy(base, layer_name):
    copy = keras.models.clone_model(base)
    return keras.Model(copy.input, copy.get_layer(layer_name).output)


@wrong("truncate", says="does not say which argument is wrong")
def truncate_with_an_error_that_names_nothing(base, layer_name):
    if layer_name not in [layer.name for layer in base.layers]:
        raise ValueError("there is no such layer")
    return keras.Model(base.input, base.get_layer(layer_name).output)


@wrong("truncate", says="now it is frozen")
def truncate_and_freeze(base, layer_name):
    if layer_name not in [layer.name for layer in base.layers]:
        raise ValueError("layer_name")
    base.trainable = False
    return keras.Model(base.input, base.get_layer(layer_name).output)


@wrong("truncate", says="a layer (Conv2D) came")
def truncate_to_the_layer(base, layer_name):
    return base.get_layer("block1_conv1")


@wrong("truncate", says="A Keras model was asked for")
def truncate_to_a_number(base, layer_name):
    return len(base.layers)


@wrong("truncate", says="Nothing came back")
def truncate_without_a_return(base, layer_name):
    keras.Model(base.input, base.get_layer(layer_name).output)


@wrong("truncate", says="A tensor is no model")
def truncate_to_a_tensor(base, layer_name):
    return base.get_layer(layer_name).output


# --- diagnose --------------------------------------------------------------------------------------------------------


@right("diagnose")
def diagnosis_by_returns(train, validation, test, target, tolerance=0.03):
    if train < target:
        return "underfitting"
    if train - validation > tolerance:
        return "overfitting"
    if validation - test > tolerance:
        return "distribution shift"
    return "healthy"


@right("diagnose")
def diagnosis_by_a_dict(train, validation, test, target, tolerance=0.03):
    findings = {
        "underfitting": target > train,
        "overfitting": train - validation > tolerance,
        "distribution shift": validation - test > tolerance,
        "healthy": True,
    }
    return next(name for name, found in findings.items() if found)


@right("diagnose")
def diagnosis_by_numpy(train, validation, test, target, tolerance=0.03):
    found = np.array([train < target, train - validation > tolerance, validation - test > tolerance, True])
    return ["underfitting", "overfitting", "distribution shift", "healthy"][int(np.argmax(found))]


@wrong("diagnose", says="Train equal to target is enough")
def diagnosis_at_target(train, validation, test, target, tolerance=0.03):
    return "underfitting" if train <= target else diagnosis_by_returns(train, validation, test, target, tolerance)


@wrong("diagnose", says="A difference equal to the tolerance is still within it")
def diagnosis_at_tolerance(train, validation, test, target, tolerance=0.03):
    if train < target:
        return "underfitting"
    if train - validation >= tolerance:
        return "overfitting"
    return "distribution shift" if validation - test >= tolerance else "healthy"


@wrong("diagnose", says="0.03 is only its default")
def diagnosis_with_one_tolerance(train, validation, test, target, tolerance=0.03):
    return diagnosis_by_returns(train, validation, test, target)


@wrong("diagnose", says="a small difference is no finding")
def diagnosis_without_tolerance(train, validation, test, target, tolerance=0.03):
    return diagnosis_by_returns(train, validation, test, target, 0)


@wrong("diagnose", says="underfitting is asked for first")
def diagnosis_overfitting_first(train, validation, test, target, tolerance=0.03):
    if train - validation > tolerance:
        return "overfitting"
    return diagnosis_by_returns(train, validation, test, target, tolerance)


@wrong("diagnose", says="overfitting comes before distribution shift")
def diagnosis_shift_before_overfitting(train, validation, test, target, tolerance=0.03):
    if train >= target and validation - test > tolerance:
        return "distribution shift"
    return diagnosis_by_returns(train, validation, test, target, tolerance)


@wrong("diagnose", says="Test was compared with train")
def diagnosis_of_test_and_train(train, validation, test, target, tolerance=0.03):
    if train < target:
        return "underfitting"
    if train - validation > tolerance:
        return "overfitting"
    return "distribution shift" if train - test > tolerance else "healthy"


@wrong("diagnose", says="The sign of the differences was dropped")
def diagnosis_by_absolute_differences(train, validation, test, target, tolerance=0.03):
    if train < target:
        return "underfitting"
    if abs(train - validation) > tolerance:
        return "overfitting"
    return "distribution shift" if abs(validation - test) > tolerance else "healthy"


@wrong("diagnose", says="underfitting is a matter of the train score")
def diagnosis_of_validation(train, validation, test, target, tolerance=0.03):
    if validation < target:
        return "underfitting"
    return diagnosis_by_returns(train, validation, test, target, tolerance)


@wrong("diagnose", says="is none of the four answers")
def diagnosis_with_capitals(train, validation, test, target, tolerance=0.03):
    return diagnosis_by_returns(train, validation, test, target, tolerance).capitalize()


@wrong("diagnose", says="Nothing came back")
def diagnosis_printed(train, validation, test, target, tolerance=0.03):
    print(diagnosis_by_returns(train, validation, test, target, tolerance))
