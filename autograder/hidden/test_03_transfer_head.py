"""Hidden checks of exercise 03-transfer-head: inputs, sizes and weights drawn afresh for each grading.

They ask for nothing that the public checks and the notebook's text do not ask for.
"""

import numpy as np
import pytest

from autograder.checks import function
from autograder.checks.models import expect_refusal_of_layer, small_base
from autograder.checks.transfer import (
    STATES,
    batch_normalized,
    draw_images,
    expect_classifier,
    expect_frozen,
    expect_head,
    expect_parameters,
    expect_preprocessed,
    expect_unfrozen,
    nested_base,
    small_head,
    vgg16,
)
from autograder.judging.keras_answers import layers_below
from autograder.judging.keras_models import ModelLearner


@pytest.fixture
def models(learner):
    """The learner, whose functions take and give Keras models."""
    return ModelLearner(learner)


def _seed(rng) -> int:
    return int(rng.integers(1, 10**6))


def _settings(rng) -> dict[str, float]:
    return {"dropout": float(rng.choice([0.3, 0.4, 0.5])), "l2": float(rng.choice([0.1, 0.02, 0.001]))}


@pytest.fixture
def base(seed):
    """A base drawn for this grading. One for all checks: a copy takes longer to make than all that is asked of it."""
    return small_base(tuple(np.random.default_rng(seed).integers(3, 8, 3).tolist()))


@function("preprocess")
def test_preprocess_many_images(models, rng):
    """Drawn images of several numeric types and sizes."""
    for dtype in (np.uint8, np.int16, np.int32, np.float32, np.float64):
        n, side = rng.integers(1, 9, 2).tolist()
        expect_preprocessed(models, draw_images(rng, dtype, n, side))


@function("freeze")
def test_freeze_drawn_bases(models, base, rng):
    """Drawn bases, whatever was frozen before."""
    expect_frozen(models, base, str(rng.choice(STATES)))
    expect_frozen(models, nested_base())


@function("build_head")
def test_heads_with_drawn_settings(models, rng):
    """Drawn shapes and settings."""
    shape = (*rng.integers(2, 6, 2).tolist(), int(rng.integers(3, 20)))
    expect_head(models, shape, _seed(rng), hidden=int(rng.integers(3, 5)), **_settings(rng))


@function("build_head")
def test_head_of_vgg16s_features(models, rng):
    """The shape of VGG16's features, with few hidden units: a million weights would take longer than all the rest."""
    expect_head(models, (4, 4, 512), _seed(rng), hidden=int(rng.integers(6, 16)), **_settings(rng))


@function("build_classifier")
def test_classifier_of_a_drawn_base(models, base, rng):
    """A drawn base, of which the layers are frozen already and the base itself is not."""
    expect_classifier(models, base, _seed(rng), "layers frozen")


@function("trainable_parameters")
def test_parameters_of_drawn_models(models, base, rng):
    """Drawn models, frozen in part."""
    expect_parameters(models, small_head((3, 3, int(rng.integers(4, 40))), int(rng.integers(4, 40))), label="head")
    for model in (base, nested_base()):
        flags = [True, *(rng.random(len(layers_below(model))) < 0.6).tolist()]
        expect_parameters(models, model, flags, label="base")


@function("trainable_parameters")
def test_parameters_with_batch_normalization(models, rng):
    """A model of which a layer holds statistics that never learn."""
    expect_parameters(models, batch_normalized(int(rng.integers(3, 30))))


@function("unfreeze_from")
def test_unfreeze_drawn_bases(models, base, rng):
    """A drawn base, drawn layers, whatever was frozen before."""
    for state in STATES:
        names = [layer.name for layer in base.layers if layer.name.startswith("block")]
        expect_unfrozen(models, base, str(rng.choice(names[1:-1])), state)


@function("unfreeze_from")
def test_unfreeze_vgg16(models, rng):
    """VGG16 itself."""
    name = str(rng.choice(["block4_conv1", "block5_conv1", "block5_conv3"]))
    expect_unfrozen(models, vgg16(), name, str(rng.choice(STATES)))


@function("unfreeze_from")
def test_unfreeze_refuses_a_drawn_name(models, rng):
    """A ValueError that names layer_name where the base has no such layer."""
    name = f"block{rng.integers(4, 9)}_conv{rng.integers(1, 4)}"
    expect_refusal_of_layer(models, "unfreeze_from", name)
