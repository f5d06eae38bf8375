"""What the experiments are made of: variants of images, shift, calibration, thresholds, Grad-CAM, fine-tuning."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from pneumonia import calibration, data, gradcam, preparations, shift, variants
from pneumonia.evaluation import metrics
from pneumonia.experiments import normalising, transfer
from pneumonia.experiments.lab import QUICK, Lab, linear


@pytest.fixture(scope="module")
def dataset(phantom_folder):
    return data.read_folder(phantom_folder)


@pytest.fixture(scope="module")
def images(dataset):
    return dataset.load(96, np.arange(6))


# --- variants ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", variants.VARIANTS)
def test_a_variant_is_an_image_and_the_same_each_time(name, images, dataset):
    change, digests = variants.VARIANTS[name], dataset.digests[:6]
    before = images.copy()
    changed = change(images, digests)
    assert changed.shape == images.shape
    assert changed.dtype == np.uint8
    assert np.array_equal(changed[..., 0], changed[..., 2])
    assert np.array_equal(images, before), "the images given were changed in place"
    assert np.array_equal(changed, change(images, digests))
    alone = change(images[3:4], digests[3:4])
    assert np.array_equal(alone[0], changed[3]), "an image's variant depends on its neighbours"


def test_soft_and_hard_move_to_opposite_sides(images, dataset):
    def sharpness(name):
        changed = variants.VARIANTS[name](images, dataset.digests[:6])[..., 0]
        return np.median([shift.image_statistics(image)[4] for image in changed])

    def black(name):
        return np.median(np.percentile(variants.VARIANTS[name](images, dataset.digests[:6]), 5, axis=(1, 2, 3)))

    assert sharpness("soft") < sharpness("plain") < sharpness("hard")
    assert black("soft") > black("plain") >= black("hard")


def test_clahe_raises_contrast_where_it_is_low(dataset):
    """Contrast within 16 by 16 pixels, left under a veil: CLAHE must bring it nearer to that on the right."""
    images = dataset.load(128, np.arange(4))
    veiled = images.copy()
    veiled[:, :, :64] = veiled[:, :, :64] // 4 + 150

    def left_to_right(batch):
        tiles = batch[..., 0].reshape(len(batch), 8, 16, 8, 16).astype(float).std(axis=(2, 4))
        return np.median(tiles[:, :, :4]) / np.median(tiles[:, :, 4:])

    assert left_to_right(veiled) < 0.4
    assert left_to_right(variants.clahe(veiled, dataset.digests[:4])) > 1.3 * left_to_right(veiled)


def test_matched_images_have_the_same_histogram_and_keep_their_order(dataset):
    images = dataset.load(96, np.arange(4))
    darker = (images.astype(float) ** 1.3 / 255**0.3 / 2).astype(np.uint8)
    for batch in (images, darker):
        matched = variants.matched(batch, dataset.digests[:4])[..., 0]
        for before, after in zip(batch[..., 0], matched, strict=True):
            order = np.argsort(before, axis=None, kind="stable")
            assert (np.diff(after.ravel()[order].astype(int)) >= 0).all()
            largest_share = np.bincount(before.ravel()).max() / before.size  # equal pixels cannot be told apart
            distance = stats.kstest(after.ravel(), stats.norm(*variants.MATCHED).cdf).statistic
            assert distance < largest_share / 2 + 0.02
            assert stats.kstest(before.ravel(), stats.norm(*variants.MATCHED).cdf).statistic > 2 * distance


def test_band_limited_images_have_slow_waves_and_no_fast_ones():
    x = np.arange(96)
    slow, fast = (np.tile(40 * np.sin(2 * np.pi * cycles * x / 96), (96, 1)) for cycles in (5, 30))
    images = np.repeat((127 + slow + fast).round().astype(np.uint8)[None, ..., None], 3, axis=-1)
    power = shift.spectrum(variants.band_limited(images, ["0"])[0, ..., 0].astype(float))
    before = shift.spectrum(images[0, ..., 0].astype(float))
    assert power[5] > 0.9 * before[5]
    assert power[30] < 0.05 * before[30]


@pytest.mark.parametrize(("before", "other"), [("augmented 1", "augmented 2"), ("plain", "augmented 1")])
def test_augmented_copies_differ_in_place_and_not_in_grey(before, other, images, dataset):
    digests = dataset.digests[:6]
    first, second = (variants.VARIANTS[name](images, digests) for name in (before, other))
    assert all((a != b).mean() > 0.5 for a, b in zip(first, second, strict=True))
    assert abs(first.mean(axis=(1, 2, 3)) - second.mean(axis=(1, 2, 3))).max() < 35
    assert second.max() <= images.max()
    assert second.min() >= images.min()


@pytest.mark.parametrize(("row", "column"), [(40, 60), (50, 50), (60, 45)])
def test_the_lung_window_follows_the_dark(row, column):
    y, x = np.mgrid[:100, :100]
    grey = np.where((np.abs(y - row) < 12) & (np.abs(x - column) < 12), 20.0, 200.0)
    grey += np.random.default_rng(0).normal(size=grey.shape)
    left, upper, right, lower = variants.lung_window(grey)
    assert (right - left, lower - upper) == (75, 75)
    assert 0 <= left <= 25 >= upper >= 0
    assert np.sign((left + right) / 2 - 50) == np.sign(column - 50) or column == 50
    assert np.sign((upper + lower) / 2 - 50) == np.sign(row - 50) or row == 50


def test_a_normalised_shift_is_the_shift_and_then_the_norm(images, dataset):
    digests = dataset.digests[:6]
    expected = variants.clahe(variants.soft(images, digests), digests)
    assert np.array_equal(variants.VARIANTS["soft, clahe"](images, digests), expected)
    assert not np.array_equal(expected, variants.clahe(images, digests))


# --- shift ------------------------------------------------------------------------------------------------------------


def test_the_spectrum_finds_a_wave_and_keeps_the_power():
    x = np.arange(64)
    wave = 127 + 50 * np.sin(2 * np.pi * 9 * x / 64)[None, :] * np.ones((64, 1))
    power = shift.spectrum(wave)
    assert power.argmax() == 9
    assert power[7:12].sum() > 0.99 * power.sum()


def test_two_sets_are_told_apart_only_where_they_differ():
    rng = np.random.default_rng(0)
    features, patients = rng.normal(size=(400, 5)), np.repeat(np.arange(200), 2)
    first = patients % 2 == 0
    alike, _ = shift.adversarial_auc(linear(), features, first, patients)
    features[first, 0] += 2
    apart, scores = shift.adversarial_auc(linear(), features, first, patients)
    assert abs(alike - 0.5) < 0.1
    assert apart > 0.85
    assert scores.shape == (400,)


def test_patients_do_not_give_the_sets_away():
    """Each patient has a mark of his own. By image it tells the sets apart, by patient it must not."""
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(60), 5)
    features = rng.normal(size=(60, 60))[patients]
    first = rng.random(60)[patients] < 0.5
    by_patient, _ = shift.adversarial_auc(linear(C=1.0), features, first, patients)
    by_image, _ = shift.adversarial_auc(linear(C=1.0), features, first, np.arange(300))
    assert by_image > 0.99
    assert by_patient < 0.75


# --- calibration ------------------------------------------------------------------------------------------------------


@given(st.floats(0.3, 4), st.integers(0, 50))
def test_temperature_undoes_a_known_one(temperature, seed):
    rng = np.random.default_rng(seed)
    true = rng.normal(size=4000) * 2
    labels = (rng.random(4000) < expit(true)).astype(int)
    found = calibration.fit_temperature(labels, true * temperature)
    assert found == pytest.approx(temperature, rel=0.2)
    before, after = (calibration.log_loss(labels, true * temperature / t) for t in (1, found))
    assert after <= before + 1e-9


def test_log_loss_is_finite_where_a_probability_would_be_rounded():
    assert calibration.log_loss([0, 1], [50, -800]) == pytest.approx(425)
    assert calibration.log_loss([1, 0], [1.0, 1.0]) == pytest.approx(-np.log(expit(1.0)) / 2 - np.log(expit(-1.0)) / 2)


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.floats(-5, 5))
def test_moving_the_prior_there_and_back_changes_nothing(prior, new, logit):
    there = calibration.adjust_prior(logit, prior, new)
    assert calibration.adjust_prior(there, new, prior) == pytest.approx(logit)
    # Bayes: odds are prior odds times the likelihood ratio, which does not move.
    assert np.exp(there - logit) == pytest.approx((new / (1 - new)) / (prior / (1 - prior)))


@pytest.mark.parametrize("prior", [0, 1, -0.1, 1.5])
def test_a_senseless_prior_is_refused(prior):
    with pytest.raises(ValueError, match="prior: expected a share"):
        calibration.adjust_prior([0.0], prior, 0.5)


@st.composite
def cases(draw):
    labels = draw(st.lists(st.integers(0, 1), min_size=2, max_size=40).filter(lambda y: 0 < sum(y) < len(y)))
    steps = draw(st.lists(st.integers(-6, 6), min_size=len(labels), max_size=len(labels)))
    return np.array(labels), np.array(steps) / 2


@given(cases(), st.floats(0.05, 1))
def test_the_threshold_for_a_recall_is_the_highest_that_reaches_it(case, recall):
    labels, logits = case
    threshold = calibration.threshold_for_recall(labels, logits, recall)
    assert np.mean(logits[labels == 1] >= threshold) >= recall - 1e-9
    assert np.mean(logits[labels == 1] > threshold) < recall


@given(cases())
def test_no_threshold_has_a_better_balanced_accuracy(case):
    labels, logits = case
    assume(len(set(logits)) > 1)

    def balanced(threshold):
        return np.mean(logits[labels == 1] >= threshold) + np.mean(logits[labels == 0] < threshold)

    best = max(balanced(t) for t in [*(logits - 0.1), *(logits + 0.1)])
    assert balanced(calibration.balanced_threshold(labels, logits)) >= best - 1e-9


def test_bayes_threshold_costs_least_for_calibrated_probabilities():
    rng = np.random.default_rng(0)
    probabilities = rng.random(20000)
    labels = (rng.random(20000) < probabilities).astype(int)

    def cost(threshold):
        called = probabilities >= threshold
        rates = called[labels == 1].mean(), (~called)[labels == 0].mean()
        return calibration.expected_cost(*rates, labels.mean(), miss=4)

    assert calibration.bayes_threshold(4) == pytest.approx(0.2)
    assert cost(0.2) < min(cost(0.1), cost(0.3), cost(0.5))


def test_reliability_counts_every_case_once():
    probabilities = np.linspace(0, 1, 101)
    bins = calibration.reliability((probabilities > 0.5).astype(int), probabilities)
    assert sum(b["cases"] for b in bins) == 101
    assert all(b["low"] <= b["predicted"] <= b["high"] for b in bins)


# --- preparations -----------------------------------------------------------------------------------------------------


def test_preparations_are_what_their_names_say(images):
    grey = images[0, ..., 0]
    before, ways = grey.copy(), preparations.ways(grey)
    assert np.array_equal(grey, before), "the image given was changed in place"
    assert all(way.values.shape == (96, 96, 3) and way.picture.dtype == np.uint8 for way in ways.values())
    assert np.array_equal(ways["plain"].values[..., 1], grey)
    assert np.array_equal(ways["plain"].picture[..., 1], grey)
    np.testing.assert_allclose(ways["rescaled"].values * 255, ways["plain"].values)
    assert np.array_equal(ways["rescaled"].picture, ways["plain"].picture)
    np.testing.assert_allclose(ways["vgg16"].values[..., 0], grey - 103.939, atol=1e-4)
    sharpness = {name: way.numbers()["sharpness"] for name, way in ways.items()}
    assert sharpness["blurred"] < sharpness["plain"] < sharpness["sharpened"]
    shares = np.histogram(ways["equalised"].values, 4, (0, 256))[0] / (96 * 96 * 3)
    assert np.abs(shares - 0.25).max() < 0.1
    for name in variants.NORMALISED.keys() - {"coarse"}:  # the figure has one band limit
        expected = variants.VARIANTS[name](images[:1], ["f" * 16])[0]
        assert np.array_equal(ways[name].values, expected), name


# --- Grad-CAM and fine-tuning -----------------------------------------------------------------------------------------


def test_grad_cam_is_the_channel_that_the_head_looks_at(tiny_base):
    images = np.random.default_rng(0).normal(size=(3, 32, 32, 3)).astype(np.float32)
    kernel = np.array([[1.0], [0], [0], [0]], np.float32)
    maps = gradcam.grad_cam(tiny_base, "conv", lambda values: values @ kernel, images, batch=2)
    found = tiny_base.get_layer("conv")(images).numpy()[..., 0]
    # The gradient is 1 where the ReLU after the layer lets it through, else 0; Grad-CAM weighs by its mean.
    importance = np.mean(found > 0, axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(maps, np.maximum(importance * found, 0), rtol=1e-4, atol=1e-6)
    assert maps.max() > 0


def test_grad_cam_is_dark_where_pooling_reads_nothing():
    """Nine rows are pooled to four: the ninth row and column are brightest, and the answer does not depend on them."""
    from pneumonia.backend import keras

    inputs = keras.Input((9, 9, 1))
    x = keras.layers.Conv2D(1, 1, kernel_initializer="ones", activation="relu", name="conv")(inputs)
    base = keras.Model(inputs, keras.layers.MaxPooling2D(2)(x))
    image = np.random.default_rng(0).uniform(1, 2, (1, 9, 9, 1)).astype(np.float32)
    image[:, 8, :], image[:, :, 8] = 100, 100
    found = gradcam.grad_cam(base, "conv", lambda values: values[:, 0, 0] + values[:, 3, 3], image)
    assert found[0, 8].max() == found[0, :, 8].max() == 0
    assert (found[0, :2, :2] > 0).sum() == (found[0, 6:8, 6:8] > 0).sum() == 1  # the highest of the four that were read
    assert (found > 0).sum() == 2


def test_occlusion_finds_the_square_that_the_score_depends_on():
    image = np.full((20, 24, 3), 60, np.uint8)
    image[4:8, 12:16] = 250

    def brightness_of_a_square(images):
        return images[:, 4:8, 12:16, 0].mean(axis=(1, 2)) / 10

    evidence = gradcam.occlusion(brightness_of_a_square, image, window=4, step=4, batch=5)
    assert evidence.shape == (20, 24)
    assert evidence[4:8, 12:16] == pytest.approx((250 - image.mean().round()) / 10)
    evidence[4:8, 12:16] = 0
    assert np.all(evidence == 0)
    overlapping = gradcam.occlusion(
        brightness_of_a_square, image, window=8, step=5
    )  # the last squares reach the border
    assert overlapping.max() == overlapping[4:8, 12:16].max() > 0
    for window, step in ((21, 1), (4, 5), (4, 0)):
        with pytest.raises(ValueError, match="expected 1 <= step <= window <= 20"):
            gradcam.occlusion(brightness_of_a_square, image, window, step)


def test_pointing_game_and_overlap_of_known_maps():
    mask = np.zeros((3, 4, 4), bool)
    mask[:, :2, :2] = True
    maps = np.zeros((3, 4, 4))
    maps[0, :2, :2] = 1  # the mask itself
    maps[1, 2:, 2:] = 1  # the other corner
    assert gradcam.pointing_game(maps, mask).tolist() == [True, False, False]  # a flat map points nowhere
    assert gradcam.intersection_over_union(maps, mask)[:2].tolist() == [1.0, 0.0]


def test_features_asked_for_together_are_one_pass(dataset, own_cache, monkeypatch):
    from pneumonia import features

    lab = Lab("test", 1, dataset, QUICK, progress=False)
    lab.compute(("block4 map", "block3+4+5"), rows=np.arange(8))
    monkeypatch.setattr(features, "_compute", None)
    assert lab.features("block4 map", rows=np.arange(8))[:8].any()
    pooled = lab.features("block3+4+5", rows=np.arange(8))
    assert pooled.shape == (len(dataset), 256 + 512 + 512)
    assert pooled[:8].any()
    assert not pooled[8:].any()


@pytest.mark.parametrize(("order", "expected"), [([3, 2, 1], 1.0), ([1, 2, 3], -1.0)])
def test_a_ranking_that_test_confirms_correlates_with_it(order, expected):
    names = "abc"
    ranking = [{"candidate": name, "lowest": {"mean": 0.9 - i / 10}} for i, name in enumerate(names)]
    on_test = zip(names, order, strict=True)
    afterwards = [{"setting": name, "test": {"auc": {"mean": auc / 10}}} for name, auc in on_test]
    assert normalising.rank_correlation(ranking, afterwards[::-1]) == expected


def test_the_small_cnn_knows_its_training_images_when_it_is_not_training(dataset):
    """Running statistics that lag behind let it call every image ill, while the loss of training looked good."""
    images = dataset.load(64)[..., :1]
    rows = np.arange(len(dataset))
    score = transfer.train_cnn(images, dataset.labels, rows, steps=80, seed=0)
    found = metrics(dataset.labels, expit(score(rows)))
    assert min(found["recall"], found["specificity"]) > 0.7


@pytest.mark.parametrize("first", [5, 4])
def test_fine_tuning_starts_from_the_frozen_answer_and_learns(dataset, first):
    from pneumonia.finetune import fine_tune, log_odds, tail

    lab = Lab("test", 1, dataset, QUICK, progress=False)
    maps, pooled = lab.features(f"block{first - 1} map"), lab.features("block5")
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=512).astype(np.float32) / 100
    model = tail(lab.base(), maps.shape[1:], kernel, 0.3, first)
    rows = np.arange(len(dataset))
    before = log_odds(model, lambda r: maps[r], rows)
    np.testing.assert_allclose(before, pooled @ kernel + 0.3, rtol=0.02, atol=0.02)  # half precision in between
    losses = fine_tune(
        model, lambda r: maps[r], lab.labels, rows, weights={0: 1.0, 1: 1.0}, epochs=8, learning_rate=1e-4, batch=8
    )
    assert len(losses) == 8 * len(rows) // 8
    assert np.mean(losses[-8:]) < 0.5 * np.mean(losses[:8])
    after = log_odds(model, lambda r: maps[r], rows)
    assert roc_auc_score(lab.labels, after) > max(0.9, roc_auc_score(lab.labels, before))
