"""`pneumonia.features`: computed once, kept, resumed, and never mixed up."""

import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from pneumonia import data, features, variants
from tests.conftest import ROOT, run_environment


@pytest.fixture
def dataset(phantom_folder):
    return data.read_folder(phantom_folder)


@pytest.fixture
def computed(monkeypatch):
    """How many images the base has seen."""
    seen = []
    prefetched = features._prefetched

    def counting(dataset, missing, *how):
        for rows, images in prefetched(dataset, missing, *how):
            seen.extend(rows)
            yield rows, images

    monkeypatch.setattr(features, "_prefetched", counting)
    return seen


def extract(dataset, base, **options):
    return features.extract(dataset, base, "conv", 32, progress=False, **options)


def test_features_are_the_layers_outputs(dataset, tiny_base, own_cache):
    got = extract(dataset, tiny_base)
    expected = tiny_base.get_layer("conv")(features.preprocess(dataset.load(32))).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-4)
    assert got.dtype == np.float32


def test_a_second_call_computes_nothing(dataset, tiny_base, own_cache, computed):
    first = np.array(extract(dataset, tiny_base))
    assert len(computed) == len(dataset)
    second = extract(dataset, tiny_base)
    assert len(computed) == len(dataset)
    assert np.array_equal(first, second)


def test_order_subsets_and_repeats_are_respected(dataset, tiny_base, own_cache):
    everything = np.array(extract(dataset, tiny_base))
    rows = np.array([5, 3, 3, 60, 0])
    assert np.array_equal(extract(dataset.take(rows), tiny_base), everything[rows])


def test_a_changed_image_recomputes_only_itself(dataset, tiny_base, own_cache, computed):
    before = np.array(extract(dataset, tiny_base))
    computed.clear()
    changed = replace(dataset, images=[*dataset.images[1:2], *dataset.images[1:]], digests=dataset.digests.copy())
    changed.digests[0] = "0" * 32  # row 0 now shows what row 1 shows, under a digest of its own
    after = extract(changed, tiny_base)
    assert computed == [0]
    # Computed alone, not in a batch with others: some processors then round in another order.
    np.testing.assert_allclose(after[0], before[1], rtol=1e-5, atol=1e-3)
    assert np.array_equal(after[1:], before[1:])


@pytest.mark.parametrize("change", ["weights", "preprocessing"])
def test_other_weights_or_preprocessing_are_other_features(dataset, tiny_base, own_cache, computed, change):
    before = np.array(extract(dataset, tiny_base))
    if change == "weights":
        layer = tiny_base.get_layer("conv")
        kept = layer.get_weights()
        layer.set_weights([kept[0], kept[1] + 1])
        after = np.array(extract(dataset, tiny_base))
        layer.set_weights(kept)
    else:
        after = extract(dataset, tiny_base, preprocessing="rescale")
    assert len(computed) == 2 * len(dataset)
    assert not np.array_equal(before, after)
    assert np.array_equal(extract(dataset, tiny_base), before)


KILLED = """
import os, signal, sys
import numpy as np
from pneumonia import features
from tests.test_features import stored_base

append, calls = features.Store.append, 0

def append_and_die(self, digests, values):
    global calls
    calls += 1
    if calls == 2:  # the moment that hurts most: half of the rows written, none of them listed
        with self._values.open("ab") as file:
            file.write(np.ascontiguousarray(values[:3, :1]))
        os.kill(os.getpid(), signal.SIGKILL)
    append(self, digests, values)

features.Store.append = append_and_die
from pneumonia import data
features.extract(data.read_folder(sys.argv[1]), stored_base(sys.argv[2]), "conv", 32, progress=False)
"""


def stored_base(path):
    from pneumonia.backend import keras

    return keras.models.load_model(path)


def test_a_killed_run_is_resumed(dataset, phantom_folder, tiny_base, own_cache, computed, tmp_path):
    model = tmp_path / "tiny.keras"
    tiny_base.save(model)
    command = [sys.executable, "-c", KILLED, str(phantom_folder), str(model)]
    run = subprocess.run(command, env=run_environment(), cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    got = extract(dataset, tiny_base)
    assert len(computed) == len(dataset) - features.BATCH
    expected = tiny_base.get_layer("conv")(features.preprocess(dataset.load(32))).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "conv9"}, "layer: expected a layer of tiny"),
        ({"size": 64}, "size: the base takes images of"),
        ({"preprocessing": "none"}, "preprocessing: expected one of"),
    ],
)
def test_wrong_arguments_are_named(dataset, tiny_base, own_cache, options, message):
    arguments = {"layer": "conv", "size": 32, "preprocessing": "vgg16"} | options
    with pytest.raises(ValueError, match=message):
        features.extract(dataset, tiny_base, **arguments)


def test_several_outputs_come_from_one_pass(dataset, tiny_base, own_cache, computed):
    outputs = ["conv", "conv:mean", "conv:half"]
    found = features.extract_layers(dataset, tiny_base, outputs, 32, progress=False)
    assert len(computed) == len(dataset)
    assert np.array_equal(found["conv"], extract(dataset, tiny_base))  # the same store as `extract`
    np.testing.assert_allclose(found["conv:mean"], found["conv"].mean(axis=(1, 2)), rtol=1e-4, atol=1e-4)
    assert found["conv:half"].dtype == np.float16
    np.testing.assert_allclose(found["conv:half"], found["conv"], rtol=1e-3, atol=1e-2)
    assert len(computed) == len(dataset)


def test_a_store_that_lags_behind_is_filled_without_doubling_the_others(dataset, tiny_base, own_cache):
    features.extract_layers(dataset.take(slice(0, 20)), tiny_base, ["conv"], 32, progress=False)
    both = features.extract_layers(dataset, tiny_base, ["conv", "conv:mean"], 32, progress=False)
    assert both["conv"].shape[0] == both["conv:mean"].shape[0] == len(dataset)
    np.testing.assert_allclose(both["conv:mean"], np.mean(both["conv"], axis=(1, 2)), rtol=1e-4, atol=1e-4)


def test_a_variant_has_a_store_of_its_own(dataset, tiny_base, own_cache):
    plain, soft = (
        features.extract_layers(dataset, tiny_base, ["conv"], 32, variant=variant, progress=False)["conv"]
        for variant in ("plain", "soft")
    )
    assert not np.allclose(plain, soft)
    assert np.array_equal(plain, extract(dataset, tiny_base))


def test_a_variant_that_does_something_else_is_computed_anew(dataset, tiny_base, own_cache, monkeypatch):
    def matched():
        variants.behaviour.cache_clear()
        return features.extract_layers(dataset, tiny_base, ["conv"], 32, variant="matched", progress=False)["conv"]

    before = np.array(matched())
    monkeypatch.setattr(variants, "MATCHED", (120.0, 40.0))
    assert not np.allclose(before, matched())
    monkeypatch.undo()
    assert np.array_equal(before, matched())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": ["conv:median"]}, "outputs: expected"),
        ({"outputs": ["nowhere"]}, "layer: expected"),
        ({"outputs": ["conv"], "variant": "upside down"}, "variant: expected"),
    ],
)
def test_an_unknown_output_or_variant_is_refused(dataset, tiny_base, options, message):
    with pytest.raises(ValueError, match=message):
        features.extract_layers(dataset, tiny_base, size=32, progress=False, **options)
