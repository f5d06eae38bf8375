"""Exercise 05-overfitting: what is true (Keras itself, the properties of a right split) and what learners get wrong.

Keras is imported where it is needed: the functions that have nothing to do with it are checked in a blink.
"""

import re
from collections.abc import Callable

import numpy as np

from autograder.checking import (
    Mistake,
    Wrong,
    WrongType,
    as_numbers,
    expect,
    expect_refusal,
    expect_such,
    kind_of,
    require_answer,
    show,
    show_call,
)
from autograder.checks.models import close, fairly, output_at, require_model

# --- patient_of ------------------------------------------------------------------------------------------------------

FOLDERS = ("", "train/PNEUMONIA/", "/data/chest_xray/test/NORMAL/", "val/person7_virus_12/", "IM-0001-0001/old_images/")


def draw_name(rng) -> tuple[str, str]:
    """The name of an image file, of one of the four kinds, and its patient."""
    person, image, kind = int(rng.integers(1, 2000)), int(rng.integers(1, 5000)), int(rng.integers(4))
    if kind < 2:
        return f"person{person}_{('bacteria', 'virus')[kind]}_{image}.jpeg", f"person{person}"
    patient = f"{('IM', 'NORMAL2-IM')[kind - 2]}-{person:04d}"
    return f"{patient}-{image % 10:04d}.jpeg", patient


def expect_patient(learner, path: str, patient: str) -> None:
    """The learner's patient of a path is `patient`."""
    expect(
        learner,
        "patient_of",
        path,
        expected=patient,
        same=same_text,
        mistakes=PATIENT_MISTAKES,
        otherwise="Take the file's name first, without its folders, and then what stands before the image's "
        "number (and before the kind, bacteria or virus).",
    )


def draw_other_names(rng) -> list[str]:
    """Names that are none of the four kinds, most of them nearly."""
    k, image = int(rng.integers(1, 2000)), int(rng.integers(1, 5000))
    ill, healthy = f"person{k}_virus_{image}", f"IM-{k:04d}-{image % 10:04d}"
    names = [f"scan{k}.jpeg", f"person{k}.jpeg", f"IM-{k:04d}.jpeg", f"person_bacteria_{k}.jpeg", "README.md", f"{k}"]
    names += [f"{name}{end}" for name in (ill, healthy) for end in (".png", ".jpg", "_jpeg", ".jpeg.txt")]
    return [*names, f"person{k}_scan_{image}.jpeg", f"IM-{k:04d}-notes.jpeg", f"x{ill}.jpeg", f"NORMAL3-{healthy}.jpeg"]


def expect_path_refused(learner, path: str) -> None:
    """A path to a file of another kind of name is refused, by the argument's name or the file's."""
    because = f"{_name(path)} as a whole is none of the four kinds of names"
    expect_refusal(learner, "patient_of", path, naming=("path",), because=because, showing=(_name(path),))


def same_text(came, expected: str) -> bool:
    """Whether the same text came. Raises WrongType where something else came."""
    require_answer(came)
    if not isinstance(came, str):
        raise WrongType(f"A text (str) was asked for, and {kind_of(came)} came.")
    return came == expected


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _found(match: re.Match | None) -> str:
    if match is None:
        raise LookupError("no match")
    return match.group()


PATIENT_MISTAKES = [
    Mistake(
        "The name was cut at its first `_`, which only the names of the ill have: the others are cut at the last `-`.",
        lambda path: _name(path).split("_")[0],
    ),
    Mistake("That is the file's name: the patient is what stands before the image's own number.", _name),
    Mistake(
        "That is the file's name without its ending: the patient is what stands before the image's own number.",
        lambda path: _name(path).rsplit(".", 1)[0],
    ),
    Mistake(
        "The kind (bacteria or virus) is no part of the patient: one person can have images of both kinds.",
        lambda path: _found(re.match(r"person\d+_[a-z]+", _name(path))),
    ),
    Mistake(
        "The number alone came: `person12` and `IM-0012` would be one patient.",
        lambda path: _found(re.search(r"\d+", _name(path).removeprefix("NORMAL2-"))),
    ),
    Mistake(
        "`NORMAL2-` belongs to the patient: `NORMAL2-IM-0383` and `IM-0383` are two children.",
        lambda path: _found(re.search(r"IM-\d+", _name(path))),
    ),
    Mistake(
        "The name was cut at its first `-`: all healthy children would become one patient. The patient is "
        "all before the image's number, the last part.",
        lambda path: re.split("[-_]", _name(path))[0],
    ),
    Mistake(
        "The name was cut at its second `-`, and `NORMAL2-IM-0383` holds two itself: cut at the last one.",
        lambda path: _name(path).split("_")[0] if "_" in _name(path) else "-".join(_name(path).split("-")[:2]),
    ),
    Mistake(
        "The folders belong to the path, not to the patient: take the file's name first.",
        lambda path: path.split("_")[0] if "person" in path else path.rsplit("-", 1)[0],
    ),
    Mistake(
        "The patient was looked for in the whole path: a folder's name can look like an image's. Take the file's name "
        "first.",
        lambda path: _found(re.search(r"(person\d+)|((NORMAL2-)?IM-\d{4})", path)),
    ),
]

# --- patient_split ---------------------------------------------------------------------------------------------------

SHARE, POSITIVES = 0.05, 0.1  # how far the shares may be off


def draw_patients(rng, n_patients: int, most: int, positive: float = 0.7, least: int = 1):
    """Patients `(n,)` as text and labels `(n,)`, images of one patient not side by side; 1 to `most` images each.

    `least` is the least number that a patient's name may hold.
    """
    ill = rng.permutation(n_patients) < round(positive * n_patients)
    numbers = rng.choice(np.arange(least, 2000), n_patients, replace=False)
    names = np.array([f"person{k}" if sick else f"IM-{k:04d}" for k, sick in zip(numbers, ill, strict=True)])
    images = rng.integers(1, most, n_patients, endpoint=True)
    order = rng.permutation(int(images.sum()))
    return np.repeat(names, images)[order], np.repeat(ill, images).astype(int)[order]


def expect_split(learner, patients, labels, fraction: float | None = None, seed: int | None = None) -> tuple:
    """The learner's split has all that a right one has; gives it back as two arrays."""
    settings = {"validation_fraction": fraction, "seed": seed}
    settings = {name: value for name, value in settings.items() if value is not None}
    wanted = 0.2 if fraction is None else fraction
    came = expect_such(
        learner,
        "patient_split",
        patients,
        labels,
        expected=f"index arrays (train, validation): each case once, no patient in both, {wanted - SHARE:.2f} to "
        f"{wanted + SHARE:.2f} of the cases for validation, of which {labels.mean() - POSITIVES:.2f} to "
        f"{labels.mean() + POSITIVES:.2f} are positive",
        mistake=lambda came: _split_mistake(came, patients, labels, wanted),
        **settings,
    )
    return tuple(np.asarray(part, dtype=int) for part in came)


def _split_mistake(came, patients, labels, fraction: float) -> str:
    train, validation = _two_index_arrays(came, patients, labels)
    n = len(labels)
    both = np.concatenate([train, validation])
    if len(both) and (both.min() < 0 or both.max() >= n):
        return (
            f"Index {both[np.argmax(np.abs(both))]} is beyond the {n} cases: the two arrays hold cases' places, 0 to "
            "n - 1. Did you give patients' places?"
        )
    if len(train) + len(validation) != n or len(set(both.tolist())) != n:
        missing, twice = n - len(set(both.tolist())), len(both) - len(set(both.tolist()))
        return (
            f"Each case must be in one of the two arrays, once: {missing} of {n} are missing, {twice} are there twice."
        )
    on_both_sides = set(patients[train].tolist()) & set(patients[validation].tolist())
    if on_both_sides:
        return (
            f"{len(on_both_sides)} patients are on both sides, {sorted(on_both_sides)[0]} for one: draw patients, not "
            "images."
        )
    share = len(validation) / n
    if abs(share - fraction) > SHARE:
        if abs(1 - share - fraction) <= SHARE and len(validation) > len(train):
            return "The two arrays are in the wrong order: training comes first, then validation."
        if abs(share - 0.2) <= SHARE:
            return f"`validation_fraction` is not used: {share:.2f} of the cases are for validation, whatever is asked."
        return (
            f"{share:.3f} of the cases are for validation, and {fraction} were asked for: count images, not patients, "
            "when you decide how many patients are enough."
        )
    positives = labels[validation].mean()
    if abs(positives - labels.mean()) > POSITIVES:
        drawn, there = (
            [len(set(patients[part][labels[part] == label].tolist())) for label in (0, 1)]
            for part in (validation, np.arange(n))
        )
        if abs(drawn[0] - drawn[1]) <= 1 and abs(there[0] - there[1]) > 1:
            return (
                f"As many patients of one class as of the other were drawn, {drawn[1]} each, of {there[0]} healthy and "
                f"{there[1]} ill ones: draw the share `validation_fraction` of each class."
            )
        return (
            f"The share of positives is {positives:.2f} in validation and {labels.mean():.2f} in all: draw the "
            "patients of each class on their own (stratify)."
        )
    return ""


def _two_index_arrays(came, patients, labels) -> tuple[np.ndarray, np.ndarray]:
    require_answer(came)
    if not isinstance(came, (tuple, list)) or len(came) != 2:
        raise WrongType(f"Two index arrays (train, validation) were asked for, and {kind_of(came)} came.")
    parts = []
    for part in came:
        if isinstance(part, np.ndarray) and part.dtype == bool:
            raise WrongType("A mask of True and False came: `np.flatnonzero(mask)` gives the indices.")
        if isinstance(part, tuple) and len(part) == 1:
            raise WrongType("`np.where` gives a tuple, with the indices as its first element: take `np.flatnonzero`.")
        if isinstance(part, np.ndarray) and part.dtype.kind == "U":
            raise WrongType("Patients' names came, not indices: give the places of their cases in `patients`.")
        numbers = as_numbers(part)
        if numbers is None or numbers.ndim != 1:
            raise WrongType(f"Each of the two must be an array of indices (n,), and {kind_of(part)} is among them.")
        if numbers.size and numbers.dtype.kind not in "iu":
            raise WrongType("Indices are whole numbers (int), and floats came.")
        parts.append(numbers.astype(int))
    return tuple(parts)


def expect_seeds_to_matter(learner, patients, labels, seeds: list[int]) -> None:
    """The same seed gives the same split each time; of several seeds, not all give the same."""
    first = [expect_split(learner, patients, labels, seed=seed) for seed in seeds]
    again = expect_split(learner, patients, labels, seed=seeds[0])
    call = show_call("patient_split", (patients, labels), {"seed": seeds[0]})
    if _validation(again) != _validation(first[0]):
        raise Wrong(
            call=call,
            expected="the same split each time that the same seed is given",
            came="another split at the second call",
            mistake="`seed` is not used, or not by all that is drawn: make one generator, `np.random."
            "default_rng(seed)`, inside the function, and draw everything with it.",
        )
    if all(_validation(split) == _validation(first[0]) for split in first):
        raise Wrong(
            call=call,
            expected=f"other splits for other seeds ({', '.join(map(str, seeds))})",
            came="the same split for each seed",
            mistake="`seed` changes nothing: the patients must be drawn (or shuffled) with it before they are taken.",
        )


def expect_same_in_every_process(learner, rng, n_patients: int = 160) -> None:
    """The learner's split does not hang on the order of a set of texts, which is another one in each process.

    Within one process, such an order shows twice: it is another one for other names, though these are sorted alike, and
    for the same names in another order of cases. A right program shows one of these at most: one that takes the
    patients as they come, the second; one that sorts them by a digest of their names, the first.
    """
    patients, labels = draw_patients(rng, n_patients, most=3, least=1000)
    chosen = _validation(expect_split(learner, patients, labels))
    if chosen == _validation(expect_split(learner, _renamed(patients, rng), labels)):
        return
    for _ in range(4):
        order = rng.permutation(len(labels))
        again = _validation(expect_split(learner, patients[order], labels[order]))
        if set(patients[order][again].tolist()) != set(patients[chosen].tolist()):
            raise Wrong(
                call=show_call("patient_split", (patients, labels), {}),
                expected="the same split in each process that is given the same patients, labels and seed",
                came="a split that hangs on the patients' names and on the order of the cases, as a set's order does",
                mistake="A set of texts has another order each time that Python starts, and with it the same seed "
                "gives another split: sort the patients, with `sorted(set(...))` or `np.unique`, before you draw.",
            )


def _renamed(patients, rng) -> np.ndarray:
    """The patients under other names, of the same length and in the same order, by letters and by numbers."""
    numbers = np.array([int(name[-4:]) for name in patients])
    before = np.unique(numbers)
    after = np.sort(rng.choice(np.arange(1000, 2000), len(before), replace=False))[np.searchsorted(before, numbers)]
    return np.array([f"{name[:-4]}{number}" for name, number in zip(patients, after, strict=True)])


def _validation(split) -> list[int]:
    return sorted(split[1].tolist())


# --- stopping_epoch --------------------------------------------------------------------------------------------------


def expect_stop(learner, val_losses: list[float], patience: int, *min_delta: float) -> None:
    """The learner's last and best epoch are those of Keras's EarlyStopping."""
    expect(
        learner,
        "stopping_epoch",
        val_losses,
        patience,
        *min_delta,
        expected=keras_stop(val_losses, patience, *min_delta),
        same=same_epochs,
        mistakes=STOP_MISTAKES,
        otherwise="Go through the epochs with a counter: back to 0 where the loss is below best - min_delta, else one "
        "more; training ends where the counter reaches `patience`.",
    )


def keras_stop(val_losses, patience: int, min_delta: float = 0.0) -> tuple[int, int]:
    """Last and best epoch as Keras's own callback has them, fed the losses one by one."""
    from pneumonia.backend import keras

    class Training:
        stop_training = False

    callback = keras.callbacks.EarlyStopping("val_loss", min_delta=min_delta, patience=patience, mode="min")
    training = Training()
    callback.set_model(training)
    callback.on_train_begin()
    for epoch, loss in enumerate(val_losses):
        callback.on_epoch_end(epoch, {"val_loss": float(loss)})
        if training.stop_training:
            break
    return epoch, int(callback.best_epoch)


def same_epochs(came, expected: tuple[int, int]) -> bool:
    """Whether the same two epochs came. Raises WrongType where something else came."""
    require_answer(came)
    if isinstance(came, (int, np.integer)):
        raise WrongType("One number came: give both, (last_epoch, best_epoch).")
    numbers = as_numbers(came)
    if numbers is None or numbers.shape != (2,):
        raise WrongType(f"A tuple (last_epoch, best_epoch) was asked for, and {kind_of(came)} came.")
    if numbers.dtype.kind not in "iu":
        raise WrongType("Epochs are whole numbers (int): give their places, not losses.")
    return numbers.tolist() == list(expected)


def draw_losses(rng, n: int, steps: int = 64) -> list[float]:
    """Validation losses that fall and then rise, with noise: multiples of 1/steps, exact for a power of two."""
    epochs = np.arange(n)
    curve = 1 + 0.8 * (epochs / n - rng.uniform(0.3, 0.9)) ** 2 + rng.normal(scale=0.06, size=n)
    return (np.round(curve * steps) / steps).tolist()


def _stop(improves: Callable, ends: Callable, best_of: Callable | None = None, restart: bool = True):
    """A program like the right one; `improves(loss, best, min_delta)` and `ends(wait, patience)` are what is wrong."""

    def program(val_losses, patience, min_delta=0.0):
        best, best_epoch, wait = np.inf, 0, 0
        for epoch, loss in enumerate(val_losses):
            wait += 1
            if improves(loss, best, min_delta):
                best, best_epoch, wait = loss, epoch, 0 if restart else wait - 1
            elif best_of is not None:
                best = best_of(loss, best)
            if wait and ends(wait, patience):
                break
        return epoch, best_epoch

    return program


def _below(loss, best, min_delta):
    return loss < best - min_delta


def _is_enough(wait, patience):
    return wait >= patience


def _against_the_epoch_before(val_losses, patience, min_delta=0.0):
    wait, best_epoch = 0, 0
    for epoch in range(1, len(val_losses)):
        better = val_losses[epoch] < val_losses[epoch - 1] - min_delta
        wait = 0 if better else wait + 1
        best_epoch = epoch if better else best_epoch
        if wait >= patience:
            return epoch, best_epoch
    return len(val_losses) - 1, best_epoch


def _looked_at_the_top(val_losses, patience, min_delta=0.0):
    """A program that asks whether the count has reached `patience` before it looks at an epoch's loss."""
    best, best_epoch, wait = np.inf, 0, 0
    for epoch, loss in enumerate(val_losses):
        if wait >= patience:
            break
        wait += 1
        if loss < best - min_delta:
            best, best_epoch, wait = loss, epoch, 0
    return epoch, best_epoch


def _by_windows(val_losses, patience, min_delta=0.0):
    """A program that compares the lowest of the last `patience` losses with the lowest of all before them."""
    for epoch in range(patience, len(val_losses)):
        start = epoch - patience + 1
        if min(val_losses[start : epoch + 1]) >= min(val_losses[:start]) - min_delta:
            break
    else:
        epoch = len(val_losses) - 1
    return epoch, int(np.argmin(val_losses[: epoch + 1]))


def _changed(change: Callable):
    right = _stop(_below, _is_enough)
    return lambda val_losses, patience, min_delta=0.0: change(*right(val_losses, patience, min_delta), val_losses)


STOP_MISTAKES = [
    Mistake(
        "The two are swapped: (last_epoch, best_epoch) was asked for.", _changed(lambda last, best, _: (best, last))
    ),
    Mistake("The epochs are counted from 1: count them from 0.", _changed(lambda last, best, _: (last + 1, best + 1))),
    Mistake(
        "The count was looked at too late, at the top of the loop: training ends with the epoch that brings it to "
        "`patience`, not with the next.",
        _looked_at_the_top,
    ),
    Mistake(
        "Training went one epoch too far: it ends where the count reaches `patience` (`>=`, not `>`).",
        _stop(_below, lambda wait, patience: wait > patience),
    ),
    Mistake(
        "Training ended one epoch too early: the epoch that improves counts 0, the first that does not counts 1.",
        _stop(_below, lambda wait, patience: wait + 1 >= patience),
    ),
    Mistake("`min_delta` is not used.", _stop(lambda loss, best, delta: loss < best, _is_enough)),
    Mistake(
        "An equal loss was taken for an improvement: only a loss below (`<`) is one.",
        _stop(lambda loss, best, delta: loss <= best - delta, _is_enough),
    ),
    Mistake(
        "`min_delta` is added where it is taken off: an epoch improves where its loss is below best - min_delta.",
        _stop(lambda loss, best, delta: loss < best + delta, _is_enough),
    ),
    Mistake(
        "The best loss was lowered by an epoch that did not improve: it stays until a loss is below best - min_delta.",
        _stop(_below, _is_enough, best_of=min),
    ),
    Mistake(
        "The last `patience` losses were compared with the lowest loss before them: with `min_delta`, a loss can be "
        "the lowest and no improvement, and `best` stays. Keep `best` and a counter.",
        _by_windows,
    ),
    Mistake("Each loss was compared with the one before: compare it with the best so far.", _against_the_epoch_before),
    Mistake(
        "The count is never set back: only epochs in a row count, so that it begins anew after an improvement.",
        _stop(_below, _is_enough, restart=False),
    ),
    *(
        Mistake(
            "The epochs are counted from -1: `enumerate(val_losses[1:])` calls epoch 1 epoch 0; `start=1` mends it.",
            _changed(change),
        )
        for change in (lambda last, best, _: (last - 1, best), lambda last, best, _: (last - 1, max(best - 1, 0)))
    ),
    Mistake(
        "Training does not end: `patience` epochs without improvement in a row end it.",
        _stop(_below, lambda wait, patience: False),
    ),
    Mistake(
        "The best epoch was looked for among all epochs, and `patience` after it the end: training can end before it.",
        lambda val_losses, patience, min_delta=0.0: (int(np.argmin(val_losses)) + patience, int(np.argmin(val_losses))),
    ),
    Mistake(
        "The best epoch was looked for among all epochs, also those after the end.",
        _changed(lambda last, best, losses: (last, int(np.argmin(losses)))),
    ),
    Mistake(
        "Higher was taken for better: this is a loss.",
        lambda val_losses, patience, min_delta=0.0: _stop(_below, _is_enough)(
            [-loss for loss in val_losses], patience, min_delta
        ),
    ),
]

# --- truncate --------------------------------------------------------------------------------------------------------


@fairly
def expect_truncated(models, base, layer_name: str, seed: int) -> None:
    """The learner's model gives what the layer gives in our copy of the base, also after the weights have changed.

    models: autograder.judging.keras_models.ModelLearner
    """
    from autograder.judging.keras_answers import draw_weights

    held = models.build(base)
    images = np.random.default_rng(seed).uniform(-120, 130, (2, *base.input_shape[1:])).astype(np.float32)
    expected = f"a Keras model that gives the output of {layer_name}, {_shape_after(base, layer_name)}"
    names = [layer.name for layer in base.layers]

    def mistake(came) -> str:
        require_model(came)
        draw_weights(base, held.seed)
        return _output_mistake(came.output(images), base, layer_name, images)

    came = expect_such(models, "truncate", held, layer_name, expected=expected, mistake=mistake)
    draw_weights(base, seed + 1)
    if not close(came.output(images, draw={held: seed + 1}), output_at(base, layer_name, images)):
        sentence = (
            "The model has weights of its own: use the base's layers themselves (`keras.Model(base.input, "
            "layer.output)`), no copies, so that both share what they have learned."
        )
    elif not close(held.output(images), np.asarray(base(images))):
        sentence = f"`base` was changed: it must still give the output of {names[-1]}. Make a new model beside it."
    elif not all(held.about().learned):
        sentence = "`base` was changed: it could learn before, and now it is frozen. Leave `trainable` as it is."
    else:
        return
    call = show_call("truncate", (held, layer_name), {})
    raise Wrong(call=call, expected=expected + ", with the weights of the base", came=show(came), mistake=sentence)


def _shape_after(base, layer_name: str) -> tuple:
    return tuple(base.get_layer(layer_name).output.shape)


def _output_mistake(came: np.ndarray, base, layer_name: str, images: np.ndarray) -> str:
    if close(came, output_at(base, layer_name, images)):
        return ""
    names = [layer.name for layer in base.layers]
    place = names.index(layer_name)
    for name in names:
        if close(came, output_at(base, name, images)):
            if name == names[-1]:
                return (
                    f"The model still ends with the base's last layer, {name}: end it with the output of {layer_name}."
                )
            off = names.index(name) - place
            if abs(off) == 1:
                side = "before" if off < 0 else "after"
                return f"The model ends one layer {side} {layer_name}, with {name}: {layer_name} itself is the last."
            return f"The model ends with {name}, and {layer_name} was asked for."
    if came.shape[1:] == _shape_after(base, layer_name)[1:]:
        return (
            "The shape is right and the numbers are not: the layers' weights are not the base's. Use the base's own "
            "layers, not new ones or copies made by `clone_model`."
        )
    return f"The output's shape is {came.shape}, and {(len(came), *_shape_after(base, layer_name)[1:])} was expected."


# --- diagnose --------------------------------------------------------------------------------------------------------

WORDS = ("underfitting", "overfitting", "distribution shift", "healthy")


def diagnosis(train, validation, test, target, tolerance=0.03) -> str:
    """The contract, in its order."""
    found = (train < target, train - validation > tolerance, validation - test > tolerance, True)
    return WORDS[found.index(True)]


def expect_diagnosis(learner, *scores: float) -> None:
    """The learner's diagnosis is the first that holds."""
    expect(
        learner,
        "diagnose",
        *scores,
        expected=diagnosis(*scores),
        same=_same_word,
        mistakes=DIAGNOSIS_MISTAKES,
        otherwise="Ask the questions one after the other, and return at the first yes: is train below target? Is "
        "train - validation above tolerance? Is validation - test above tolerance?",
    )


def _same_word(came, expected: str) -> bool:
    same = same_text(came, expected)
    if came not in WORDS:
        raise WrongType(f"{came!r} is none of the four answers: {', '.join(map(repr, WORDS))}.")
    return same


def _first(*found: bool) -> str:
    return WORDS[[*found, True].index(True)]


DIAGNOSIS_MISTAKES = [
    Mistake(
        "Train equal to target is enough: underfitting is a train score below it (`<`, not `<=`).",
        lambda tr, va, te, goal, tol=0.03: _first(tr <= goal, tr - va > tol, va - te > tol),
    ),
    Mistake(
        "A difference equal to the tolerance is still within it: only above (`>`, not `>=`) counts.",
        lambda tr, va, te, goal, tol=0.03: _first(tr < goal, tr - va >= tol, va - te >= tol),
    ),
    Mistake(
        "`tolerance` is not used: 0.03 is only its default.",
        lambda tr, va, te, goal, tol=0.03: _first(tr < goal, tr - va > 0.03, va - te > 0.03),
    ),
    Mistake(
        "Test was taken for validation: overfitting shows between train and validation.",
        lambda tr, va, te, goal, tol=0.03: _first(tr < goal, tr - te > tol, va - te > tol),
    ),
    Mistake(
        "`tolerance` is not used: a small difference is no finding.",
        lambda tr, va, te, goal, tol=0.03: _first(tr < goal, tr > va, va > te),
    ),
    Mistake(
        "The order matters: underfitting is asked for first, for a gap says little of a model that has not learned.",
        lambda tr, va, te, goal, tol=0.03: (
            WORDS[1] if tr - va > tol else WORDS[0] if tr < goal else WORDS[2] if va - te > tol else WORDS[3]
        ),
    ),
    Mistake(
        "The order matters: overfitting comes before distribution shift, which is asked for last.",
        lambda tr, va, te, goal, tol=0.03: (
            WORDS[0] if tr < goal else WORDS[2] if va - te > tol else WORDS[1] if tr - va > tol else WORDS[3]
        ),
    ),
    Mistake(
        "Test was compared with train: a distribution shift shows between validation and test.",
        lambda tr, va, te, goal, tol=0.03: _first(tr < goal, tr - va > tol, tr - te > tol),
    ),
    Mistake(
        "The sign of the differences was dropped (`abs`): a validation or test score that is higher is no fault.",
        lambda tr, va, te, goal, tol=0.03: _first(tr < goal, abs(tr - va) > tol, abs(va - te) > tol),
    ),
    Mistake(
        "The differences have the wrong sign: overfitting is a train score above validation.",
        lambda tr, va, te, goal, tol=0.03: _first(tr < goal, va - tr > tol, te - va > tol),
    ),
    Mistake(
        "Validation was compared with the target: underfitting is a matter of the train score.",
        lambda tr, va, te, goal, tol=0.03: _first(va < goal, tr - va > tol, va - te > tol),
    ),
    Mistake(
        "The target was lowered by the tolerance: the train score must reach the target itself.",
        lambda tr, va, te, goal, tol=0.03: _first(goal - tr > tol, tr - va > tol, va - te > tol),
    ),
]
