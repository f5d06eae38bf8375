"""Answers to exercise 04-class-imbalance. Each stands alone: its imports are inside it, as one cell of a notebook."""

import numpy as np

from submissions import right, wrong

# --- class_weights ---------------------------------------------------------------------------------------------------


@right("class_weights")
def weights_by_counting(labels):
    from collections import Counter

    counts = Counter(int(label) for label in labels)
    if not counts:
        raise ValueError("labels is empty")
    return {label: sum(counts.values()) / (len(counts) * count) for label, count in counts.items()}


@right("class_weights")
def weights_with_numpy_keys(labels):
    classes, counts = np.unique(labels, return_counts=True)
    if classes.size == 0:
        raise ValueError("there are no labels")
    return dict(zip(classes, counts.sum() / (classes.size * counts), strict=True))


@right("class_weights")
def weights_by_scikit_learn(labels):
    from sklearn.utils.class_weight import compute_class_weight

    if len(labels) < 1:
        raise ValueError("labels must not be empty")
    classes = np.unique(labels)
    weights = compute_class_weight("balanced", classes=classes, y=np.asarray(labels))
    return {int(label): weight for label, weight in zip(classes, weights, strict=True)}


@right("class_weights")
def weights_by_loop(labels):
    labels = list(labels)
    if labels == []:
        raise ValueError("labels: nothing to weigh")
    weights = {}
    for label in set(labels):
        weights[int(label)] = len(labels) / len(set(labels)) / labels.count(label)
    return weights


@right("class_weights")
def weights_with_methods_of_arrays(labels):
    if not labels.size:
        raise ValueError("labels: there is none")
    sizes = {int(label): int((labels == label).sum()) for label in set(labels.tolist())}
    return {label: labels.size / (len(sizes) * size) for label, size in sizes.items()}


@right("class_weights")
def weights_refused_by_what_came(labels):
    if len(labels) == 0:
        raise ValueError(f"nothing to weigh in {labels}")
    return weights_by_loop(labels)


@wrong("class_weights", says="The number of classes is missing")
def weights_without_k(labels):
    classes, counts = np.unique(labels, return_counts=True)
    n = len(labels)
    return dict(zip(classes.tolist(), (n / counts).tolist(), strict=True))


@wrong("class_weights", says="The weights are upside down")
def weights_upside_down(labels):
    classes, counts = np.unique(labels, return_counts=True)
    n, k = len(labels), len(classes)
    return dict(zip(classes.tolist(), (k * counts / n).tolist(), strict=True))


@wrong("class_weights", says="Those are the classes' shares")
def weights_that_are_shares(labels):
    classes, counts = np.unique(labels, return_counts=True)
    n = len(labels)
    return dict(zip(classes.tolist(), (counts / n).tolist(), strict=True))


@wrong("class_weights", says="made to sum to one")
def weights_that_sum_to_one(labels):
    classes, counts = np.unique(labels, return_counts=True)
    return dict(zip(classes.tolist(), (1 / counts / np.sum(1 / counts)).tolist(), strict=True))


@wrong("class_weights", says="made to sum to the number of classes")
def weights_that_sum_to_k(labels):
    classes, counts = np.unique(labels, return_counts=True)
    k = len(classes)
    return dict(zip(classes.tolist(), (k / counts / np.sum(1 / counts)).tolist(), strict=True))


@wrong("class_weights", says="The most frequent class was given 1")
def weights_against_the_largest(labels):
    classes, counts = np.unique(labels, return_counts=True)
    return dict(zip(classes.tolist(), (counts.max() / counts).tolist(), strict=True))


@wrong("class_weights", says="Two classes were assumed")
def weights_of_two_classes_always(labels):
    classes, counts = np.unique(labels, return_counts=True)
    n = len(labels)
    return dict(zip(classes.tolist(), (n / (2 * counts)).tolist(), strict=True))


@wrong("class_weights", says="`//` cuts the fraction off")
def weights_cut_off(labels):
    classes, counts = np.unique(labels, return_counts=True)
    n, k = len(labels), len(classes)
    return dict(zip(classes.tolist(), (n // (k * counts)).tolist(), strict=True))


@wrong("class_weights", says="Parentheses are missing")
def weights_without_parentheses(labels):
    classes, counts = np.unique(labels, return_counts=True)
    n, k = len(labels), len(classes)
    return dict(zip(classes.tolist(), (n / k * counts).tolist(), strict=True))


@wrong("class_weights", says="Only the classes 0 and 1 have a weight")
def weights_of_zero_and_one(labels):
    counts = [np.sum(np.asarray(labels) == label) for label in (0, 1)]
    return {label: len(labels) / (2 * counts[label]) for label in (0, 1)}


@wrong("class_weights", says="The keys count the classes")
def weights_by_place(labels):
    classes, counts = np.unique(labels, return_counts=True)
    return {place: float(len(labels) / (len(classes) * count)) for place, count in enumerate(counts)}


@wrong("class_weights", says="k counts the numbers from 0 to the largest label")
def weights_by_bincount(labels):
    counts = np.bincount(labels)
    return {label: len(labels) / (len(counts) * count) for label, count in enumerate(counts) if count}


@wrong("class_weights", says="A class was counted 0 times")
def weights_up_to_the_largest_label(labels):
    k = len(set(labels))
    return {label: len(labels) / (k * np.sum(labels == label)) for label in range(labels.max(initial=-1) + 1)}


@wrong("class_weights", says="A dict was asked for, {class: weight}, and an array of shape (2,) came")
def weights_as_an_array(labels):
    _, counts = np.unique(labels, return_counts=True)
    return len(labels) / (len(counts) * counts)


@wrong("class_weights", says="and a str is a key")
def weights_by_name(labels):
    classes, counts = np.unique(labels, return_counts=True)
    names = ["NORMAL", "PNEUMONIA", "else"]
    weights = len(labels) / (len(classes) * counts)
    return {names[label]: float(weight) for label, weight in zip(classes, weights, strict=True)}


@wrong("class_weights", says="Bad input went through (labels is empty)")
def weights_of_nothing(labels):
    classes, counts = np.unique(labels, return_counts=True)
    weights = len(labels) / (len(classes) * counts)
    return {int(label): float(weight) for label, weight in zip(classes, weights, strict=True)}


@wrong("class_weights", says="Your function changes its arguments")
def weights_by_using_the_labels_up(labels):
    labels.sort()
    classes, counts = np.unique(labels, return_counts=True)
    return {int(label): len(labels) / (len(classes) * count) for label, count in zip(classes, counts, strict=True)}


@wrong("class_weights", says="That is 1 / n_class")
def weights_that_are_inverse_counts(labels):
    classes, counts = np.unique(labels, return_counts=True)
    return dict(zip(classes.tolist(), (1 / counts).tolist(), strict=True))


# --- initial_bias ----------------------------------------------------------------------------------------------------


@right("initial_bias")
def bias_by_loop(labels):
    import math

    positives = sum(1 for label in labels if label == 1)
    if positives in (0, len(labels)):
        raise ValueError("labels: a class is missing")
    return math.log(positives) - math.log(len(labels) - positives)


@right("initial_bias")
def bias_by_logit(labels):
    from scipy.special import logit

    if len(set(labels.tolist())) < 2:
        raise ValueError("labels holds one class only")
    return logit(labels.mean())


@right("initial_bias")
def bias_by_bincount(labels):
    negatives, positives = np.bincount(labels, minlength=2)
    if negatives * positives == 0:
        raise ValueError("labels must hold 0 and 1")
    return -np.log(negatives / positives)


@wrong("initial_bias", says="The sign is wrong")
def bias_upside_down(labels):
    positives, negatives = np.sum(labels == 1), np.sum(labels == 0)
    return float(np.log(negatives / positives))


@wrong("initial_bias", says="That is the logarithm of the share of positives")
def bias_of_the_share(labels):
    positives, negatives = np.sum(labels == 1), np.sum(labels == 0)
    return float(np.log(positives / (positives + negatives)))


@wrong("initial_bias", says="That is the share of positives")
def bias_that_is_the_share(labels):
    positives, negatives = np.sum(labels == 1), np.sum(labels == 0)
    return float(positives / (positives + negatives))


@wrong("initial_bias", says="Those are the odds")
def bias_without_logarithm(labels):
    positives, negatives = np.sum(labels == 1), np.sum(labels == 0)
    return float(positives / negatives)


@wrong("initial_bias", says="That is the logarithm to base 10")
def bias_to_base_ten(labels):
    positives, negatives = np.sum(labels == 1), np.sum(labels == 0)
    return float(np.log10(positives / negatives))


@wrong("initial_bias", says="That is the logarithm to base 2")
def bias_to_base_two(labels):
    positives, negatives = np.sum(labels == 1), np.sum(labels == 0)
    return float(np.log2(positives / negatives))


@wrong("initial_bias", says="as `np.log1p` gives it")
def bias_by_log1p(labels):
    positives, negatives = np.sum(labels == 1), np.sum(labels == 0)
    return float(np.log1p(positives / negatives))


@wrong("initial_bias", says="or all cases divided by the negatives")
def bias_of_all_cases(labels):
    return float(np.log(len(labels) / (len(labels) - np.sum(labels))))


@wrong("initial_bias", says="The sigmoid was applied")
def bias_through_the_sigmoid(labels):
    positives, negatives = np.sum(labels == 1), np.sum(labels == 0)
    return float(1 / (1 + np.exp(-positives / (positives + negatives))))


@wrong("initial_bias", says="Bad input went through (no label is 1)")
def bias_that_refuses_nothing(labels):
    positives, negatives = np.sum(labels == 1), np.sum(labels == 0)
    return float(np.log(positives / negatives))


@wrong("initial_bias", says="ZeroDivisionError came by accident (no label is 0)")
def bias_that_refuses_one_class_only(labels):
    import math

    if sum(labels) == 0:
        raise ValueError("labels has no 1")
    return math.log(int(np.sum(labels)) / int(np.sum(1 - labels)))


@wrong("initial_bias", says="One number was asked for, and an array of shape (1,) came")
def bias_as_an_array(labels):
    return np.log([np.sum(labels == 1) / np.sum(labels == 0)])


# --- weighted_binary_crossentropy ------------------------------------------------------------------------------------


@right("weighted_binary_crossentropy")
def loss_by_loop(y_true, y_prob, weights):
    import math

    total = 0.0
    for label, p in zip(y_true, y_prob, strict=True):
        p = min(max(p, 1e-7), 1 - 1e-7)
        total -= weights[int(label)] * (math.log(p) if label == 1 else math.log(1 - p))
    return total / len(y_true)


@right("weighted_binary_crossentropy")
def loss_by_formula(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.array([weights[label] for label in y_true])
    return np.mean(w * -(y_true * np.log(p) + (1 - y_true) * np.log1p(-p)))


@right("weighted_binary_crossentropy")
def loss_by_scikit_learn(y_true, y_prob, weights):
    from sklearn.metrics import log_loss

    w = np.where(y_true == 1, weights[1], weights[0])
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    return log_loss(y_true, p, sample_weight=w, normalize=True, labels=[0, 1]) * w.mean()


@right("weighted_binary_crossentropy")
def loss_by_class(y_true, y_prob, weights):
    p = np.maximum(np.minimum(y_prob, 1 - 1e-7), 1e-7)
    ill, healthy = p[y_true == 1], p[y_true == 0]
    return (-weights[1] * np.log(ill).sum() - weights[0] * np.log(1 - healthy).sum()) / len(p)


@wrong("weighted_binary_crossentropy", says="divided by the sum of the weights")
def loss_by_the_sum_of_weights(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.average(loss, weights=w)


@wrong("weighted_binary_crossentropy", says="The losses were added up")
def loss_added_up(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.sum(w * loss)


@wrong("weighted_binary_crossentropy", says="`weights` is not used")
def loss_without_weights(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return float(np.mean(loss) + 0 * w[0])


@wrong("weighted_binary_crossentropy", says="in the order in which the dict holds them")
def loss_with_weights_as_they_come(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w0, w1 = weights.values()
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.mean(np.where(y_true == 1, w1, w0) * loss)


@wrong("weighted_binary_crossentropy", says="The losses were divided by the weights")
def loss_divided_by_weights(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.mean(loss / w)


@wrong("weighted_binary_crossentropy", says="The minus sign is missing")
def loss_without_minus(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return -np.mean(w * loss)


@wrong("weighted_binary_crossentropy", says="The mean weight was multiplied with the mean loss")
def loss_of_mean_weights(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.mean(w) * np.mean(loss)


@wrong("weighted_binary_crossentropy", says="The mean of each class was taken first")
def loss_by_the_mean_of_each_class(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return ((w * loss)[y_true == 1].mean() + (w * loss)[y_true == 0].mean()) / 2


@wrong("weighted_binary_crossentropy", says="The logarithm has the wrong base")
def loss_to_base_two(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.mean(w * loss) / np.log(2)


@wrong("weighted_binary_crossentropy", says="The weights stand inside the logarithm")
def loss_with_weights_inside(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.mean(loss - np.log(w))


@wrong("weighted_binary_crossentropy", says="One number was asked for, and an array of shape (5,) came")
def loss_of_each_case(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return w * loss


@wrong("weighted_binary_crossentropy", says="log(0) is -inf")
def loss_not_clipped(y_true, y_prob, weights):
    p = y_prob
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.mean(w * loss)


@wrong("weighted_binary_crossentropy", says="The probabilities were clipped elsewhere")
def loss_clipped_at_another_place(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-15, 1 - 1e-15)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.mean(w * loss)


@wrong("weighted_binary_crossentropy", says="Your function changes its arguments")
def loss_changed_in_place(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7, out=y_prob)
    w = np.where(y_true == 1, weights[1], weights[0])
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))
    return np.mean(w * loss)


@wrong("weighted_binary_crossentropy", says="The weights of the two classes are swapped")
def loss_with_weights_swapped(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    return np.mean(-weights[0] * y_true * np.log(p) - weights[1] * (1 - y_true) * np.log(1 - p))


@wrong("weighted_binary_crossentropy", says="The two terms are swapped")
def loss_with_terms_swapped(y_true, y_prob, weights):
    p = np.clip(y_prob, 1e-7, 1 - 1e-7)
    w = np.where(y_true == 1, weights[1], weights[0])
    return np.mean(w * np.where(y_true == 1, -np.log(1 - p), -np.log(p)))


@wrong("weighted_binary_crossentropy", says="Only the cases with label 1 count")
def loss_of_the_ill(y_true, y_prob, weights):
    w = np.where(y_true == 1, weights[1], weights[0])
    return -np.mean(w * y_true * np.log(np.clip(y_prob, 1e-7, 1 - 1e-7)))


@wrong("weighted_binary_crossentropy", says="That is the squared error")
def loss_by_squares(y_true, y_prob, weights):
    return np.mean(np.where(y_true == 1, weights[1], weights[0]) * (y_true - y_prob) ** 2)


@wrong("weighted_binary_crossentropy", says="1e-07 was added to the probabilities")
def loss_with_a_number_added(y_true, y_prob, weights):
    w = np.where(y_true == 1, weights[1], weights[0])
    return -np.mean(w * np.where(y_true == 1, np.log(y_prob + 1e-7), np.log(1 - y_prob + 1e-7)))


@wrong("weighted_binary_crossentropy", says="The probabilities were clipped below only")
def loss_clipped_below(y_true, y_prob, weights):
    p = np.maximum(y_prob, 1e-7)
    q = np.maximum(1 - y_prob, 1e-16)
    return np.mean(np.where(y_true == 1, -weights[1] * np.log(p), -weights[0] * np.log(q)))


# --- oversample ------------------------------------------------------------------------------------------------------


@right("oversample")
def oversampled_by_loop(labels, rng):
    by_class = {}
    for place, label in enumerate(labels.tolist()):
        by_class.setdefault(label, []).append(place)
    most = max(len(places) for places in by_class.values())
    chosen = []
    for places in by_class.values():
        chosen += places
        for _ in range(most - len(places)):
            chosen.append(places[rng.integers(len(places))])
    return chosen


@right("oversample")
def oversampled_and_shuffled(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    parts = []
    for label, size in zip(classes, sizes, strict=True):
        places = np.where(labels == label)[0]
        parts.append(np.append(places, places[rng.integers(0, size, sizes.max() - size)]))
    return rng.permutation(np.concatenate(parts))


@right("oversample")
def oversampled_all_in_turn(labels, rng):
    """Repeats all cases of a class before any of them a second time."""
    most = np.bincount(labels).max()
    parts = []
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        rounds = [places] + [rng.permutation(places) for _ in range(most // len(places))]
        parts.append(np.concatenate(rounds)[:most])
    return np.concatenate(parts)


@right("oversample")
def oversampled_by_scikit_learn(labels, rng):
    from sklearn.utils import resample

    most = max(np.sum(labels == label) for label in set(labels.tolist()))
    chosen = np.arange(len(labels), dtype=np.int32)
    for label in sorted(set(labels.tolist())):
        places = chosen[: len(labels)][labels == label]
        if len(places) < most:
            seed = int(rng.integers(2**31))
            chosen = np.append(chosen, resample(places, n_samples=most - len(places), random_state=seed))
    return chosen


@wrong("oversample", says="`rng` makes no difference to what is repeated")
def oversampled_with_a_generator_of_its_own(labels, rng):
    rng = np.random.default_rng(0)
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = [np.arange(len(labels))]
    for label, size in zip(classes, sizes, strict=True):
        cases = np.flatnonzero(labels == label)
        chosen.append(rng.choice(cases, size=sizes.max() - size))
    return np.concatenate(chosen)


@wrong("oversample", says="The draws do not come from `rng` alone")
def oversampled_with_the_global_generator(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = [np.arange(len(labels))]
    for label, size in zip(classes, sizes, strict=True):
        cases = np.flatnonzero(labels == label)
        chosen.append(np.random.choice(cases, size=sizes.max() - size))  # noqa: NPY002  the mistake itself
    return np.concatenate(chosen)


@wrong("oversample", says="the first ones of the class in turn")
def oversampled_in_turn(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = [np.arange(len(labels))]
    for label, size in zip(classes, sizes, strict=True):
        cases = np.flatnonzero(labels == label)
        chosen.append(np.resize(cases, sizes.max() - size))
    return np.concatenate(chosen)


@wrong("oversample", says="Each class was drawn anew")
def oversampled_anew(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = []
    for label in classes:
        cases = np.flatnonzero(labels == label)
        chosen.append(rng.choice(cases, size=sizes.max()))
    return np.concatenate(chosen)


@wrong("oversample", says="that is undersampling")
def oversampled_by_throwing_away(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = []
    for label in classes:
        cases = np.flatnonzero(labels == label)
        chosen.append(rng.choice(cases, size=sizes.min(), replace=False))
    return np.concatenate(chosen)


@wrong("oversample", says="Only the repeats came")
def oversampled_with_repeats_only(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = []
    for label, size in zip(classes, sizes, strict=True):
        cases = np.flatnonzero(labels == label)
        chosen.append(rng.choice(cases, size=sizes.max() - size))
    return np.concatenate(chosen)


@wrong("oversample", says="A class needs as many repeats as it lacks")
def oversampled_with_too_many_repeats(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = [np.arange(len(labels))]
    for label in classes:
        cases = np.flatnonzero(labels == label)
        chosen.append(rng.choice(cases, size=sizes.max()))
    return np.concatenate(chosen)


@wrong("oversample", says="The repeats were drawn from all cases")
def oversampled_from_all_cases(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = [np.arange(len(labels))]
    for label, size in zip(classes, sizes, strict=True):
        cases = np.flatnonzero(labels == label)
        chosen.append(rng.choice(len(labels) + 0 * cases[0], size=sizes.max() - size))
    return np.concatenate(chosen)


@wrong("oversample", says="The repeats are places within their class")
def oversampled_by_places_in_the_class(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = [np.arange(len(labels))]
    for label, size in zip(classes, sizes, strict=True):
        cases = np.flatnonzero(labels == label)
        chosen.append(rng.choice(len(cases), size=sizes.max() - size))
    return np.concatenate(chosen)


@wrong("oversample", says="One case of class")
def oversampled_with_one_case(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = [np.arange(len(labels))]
    for label, size in zip(classes, sizes, strict=True):
        cases = np.flatnonzero(labels == label)
        chosen.append(np.full(sizes.max() - size, rng.choice(cases)))
    return np.concatenate(chosen)


@wrong("oversample", says="Those are labels")
def oversampled_to_labels(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = [np.arange(len(labels))]
    for label, size in zip(classes, sizes, strict=True):
        cases = np.flatnonzero(labels == label)
        chosen.append(rng.choice(cases, size=sizes.max() - size))
    return labels[np.concatenate(chosen)]


@wrong("oversample", says="Indices are whole numbers, and floats came")
def oversampled_to_floats(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = [np.arange(len(labels))]
    for label, size in zip(classes, sizes, strict=True):
        cases = np.flatnonzero(labels == label)
        chosen.append([rng.choice(cases) for _ in range(sizes.max() - size)])
    return np.concatenate(chosen)


@wrong("oversample", says="shape (n,), and shape (2, 8) came")
def oversampled_to_two_rows(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    chosen = []
    for label, size in zip(classes, sizes, strict=True):
        cases = np.flatnonzero(labels == label)
        chosen.append(np.append(cases, rng.choice(cases, size=sizes.max() - size)))
    return np.array(chosen)


@wrong("oversample", says="Nothing was repeated")
def oversampled_not_at_all(labels, rng):
    return rng.permutation(len(labels))


@wrong("oversample", says="Not every class was filled up")
def oversampled_zero_and_one(labels, rng):
    lacking = np.sum(labels == 1) - np.sum(labels == 0)
    rare = np.flatnonzero(labels == (0 if lacking > 0 else 1))
    repeats = rng.choice(rare, size=abs(lacking)) if len(rare) else rare
    return np.concatenate([np.arange(len(labels)), repeats])


@wrong("oversample", says="Each case of a class was repeated equally often")
def oversampled_by_whole_numbers(labels, rng):
    classes, sizes = np.unique(labels, return_counts=True)
    repeated = [
        np.repeat(np.flatnonzero(labels == label), sizes.max() // size)
        for label, size in zip(classes, sizes, strict=True)
    ]
    return np.concatenate(repeated)


@wrong("oversample", says="Valid input was refused")
def oversampled_where_zero_is_rare(labels, rng):
    healthy = np.flatnonzero(labels == 0)
    lacking = np.sum(labels == 1) - len(healthy)
    return np.append(np.arange(len(labels)), rng.choice(healthy, size=lacking))


@wrong("oversample", says="A mask of True and False cannot repeat a case")
def oversampled_to_a_mask(labels, rng):
    return labels == 0


@wrong("oversample", says="One row of indices was asked for")
def oversampled_to_columns(labels, rng):
    return np.arange(len(labels))[:, None]


# --- adjust_to_prior -------------------------------------------------------------------------------------------------


@right("adjust_to_prior")
def adjusted_by_weights(y_prob, train_prior, target_prior):
    if not 0 < train_prior < 1:
        raise ValueError("train_prior")
    if not 0 < target_prior < 1:
        raise ValueError("target_prior")
    ill = y_prob * target_prior / train_prior
    healthy = (1 - y_prob) * (1 - target_prior) / (1 - train_prior)
    return ill / (ill + healthy)


@right("adjust_to_prior")
def adjusted_by_log_odds(y_prob, train_prior, target_prior):
    from scipy.special import expit, logit

    for prior in (train_prior, target_prior):
        if prior <= 0 or prior >= 1 or np.isnan(prior):
            raise ValueError("train_prior and target_prior must lie in (0, 1)")
    return expit(logit(y_prob) + logit(target_prior) - logit(train_prior))


@right("adjust_to_prior")
def adjusted_by_loop(y_prob, train_prior, target_prior):
    def odds(p):
        return p / (1 - p)

    if not (0 < train_prior < 1 and 0 < target_prior < 1):
        raise ValueError(f"train_prior {train_prior} or target_prior {target_prior} is not in (0, 1)")
    factor = odds(target_prior) / odds(train_prior)
    return [float(1 - 1 / (1 + factor * odds(p))) for p in y_prob]


@wrong("adjust_to_prior", says="The two priors are swapped")
def adjusted_with_priors_swapped(y_prob, train_prior, target_prior):
    odds = y_prob / (1 - y_prob)
    train, target = train_prior / (1 - train_prior), target_prior / (1 - target_prior)
    return 1 / (1 + 1 / (odds * train / target))


@wrong("adjust_to_prior", says="Those are the odds")
def adjusted_to_odds(y_prob, train_prior, target_prior):
    odds = y_prob / (1 - y_prob)
    train, target = train_prior / (1 - train_prior), target_prior / (1 - target_prior)
    return odds * target / train


@wrong("adjust_to_prior", says="Those are the log-odds")
def adjusted_to_log_odds(y_prob, train_prior, target_prior):
    odds = y_prob / (1 - y_prob)
    train, target = train_prior / (1 - train_prior), target_prior / (1 - target_prior)
    return np.log(odds) + np.log(target) - np.log(train)


@wrong("adjust_to_prior", says="train_prior is not used")
def adjusted_without_train_prior(y_prob, train_prior, target_prior):
    odds = y_prob / (1 - y_prob)
    train, target = train_prior / (1 - train_prior), target_prior / (1 - target_prior)
    return odds * target / (1 + odds * target + 0 * train)


@wrong("adjust_to_prior", says="target_prior is not used")
def adjusted_without_target_prior(y_prob, train_prior, target_prior):
    odds = y_prob / (1 - y_prob)
    train, target = train_prior / (1 - train_prior), target_prior / (1 - target_prior)
    return odds / train / (1 + odds / train + 0 * target)


@wrong("adjust_to_prior", says="That is one minus the answer")
def adjusted_to_the_complement(y_prob, train_prior, target_prior):
    odds = y_prob / (1 - y_prob)
    train, target = train_prior / (1 - train_prior), target_prior / (1 - target_prior)
    return 1 / (1 + odds * target / train)


@wrong("adjust_to_prior", says="Bad input went through (1.5 is not in (0, 1))")
def adjusted_that_refuse_nothing(y_prob, train_prior, target_prior):
    odds = y_prob / (1 - y_prob)
    train, target = train_prior / (1 - train_prior), target_prior / (1 - target_prior)
    return 1 - 1 / (1 + odds * target / train)


@wrong("adjust_to_prior", says="The probabilities were multiplied by the ratio of the priors: ")
def adjusted_by_the_ratio_of_priors(y_prob, train_prior, target_prior):
    return y_prob * target_prior / train_prior


@wrong("adjust_to_prior", says="and cut off at 1")
def adjusted_and_cut_off(y_prob, train_prior, target_prior):
    return np.clip(y_prob * target_prior / train_prior, 0, 1)


@wrong("adjust_to_prior", says="The odds were multiplied by the ratio of the priors")
def adjusted_odds_by_the_ratio_of_priors(y_prob, train_prior, target_prior):
    odds = y_prob / (1 - y_prob) * target_prior / train_prior
    return odds / (1 + odds)


@wrong("adjust_to_prior", says="The difference of the priors was added")
def adjusted_by_the_difference(y_prob, train_prior, target_prior):
    return y_prob + (target_prior - train_prior)


@wrong("adjust_to_prior", says="The probabilities came back as they were")
def adjusted_not_at_all(y_prob, train_prior, target_prior):
    return y_prob


@wrong("adjust_to_prior", says="Bad input went through (nan is not in (0, 1))")
def adjusted_to_nan(y_prob, train_prior, target_prior):
    for name, prior in (("train_prior", train_prior), ("target_prior", target_prior)):
        if prior <= 0 or prior >= 1:
            raise ValueError(f"{name} is {prior}")
    odds = y_prob / (1 - y_prob) * target_prior / (1 - target_prior) / (train_prior / (1 - train_prior))
    return odds / (1 + odds)


@wrong("adjust_to_prior", says="Bad input went through (0 is not in (0, 1))")
def adjusted_at_the_ends(y_prob, train_prior, target_prior):
    for name, prior in (("train_prior", train_prior), ("target_prior", target_prior)):
        if not 0 <= prior <= 1:
            raise ValueError(f"{name} is {prior}")
    ill, healthy = y_prob * target_prior * (1 - train_prior), (1 - y_prob) * (1 - target_prior) * train_prior
    return ill / (ill + healthy)


@wrong("adjust_to_prior", says="Probabilities near 0 or 1 were clipped")
def adjusted_and_clipped(y_prob, train_prior, target_prior):
    p = np.clip(y_prob, 1e-3, 0.999)
    return adjusted_by_weights(p, train_prior, target_prior)


@wrong("adjust_to_prior", says="Your function changes its arguments")
def adjusted_in_place(y_prob, train_prior, target_prior):
    y_prob /= 1 - y_prob
    y_prob *= target_prior / (1 - target_prior) * (1 - train_prior) / train_prior
    return y_prob / (1 + y_prob)
