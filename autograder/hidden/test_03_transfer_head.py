"""Hidden checks of exercise 03-transfer-head: inputs, sizes and weights drawn afresh for each grading.

They ask for nothing that the public checks and the notebook's text do not ask for.
"""

import numpy as np
import pytest

from autograder.checking import expect_refusal
from autograder.checks import function
from autograder.checks.models import small_base
from autograder.checks.transfer import (
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
from autograder.keras_answers import layers_below
from autograder.keras_models import ModelLearner

STATES = ("trainable", "layers frozen", "frozen")


@pytest.fixture
def models(learner):
    """The learner, whose functions take and give Keras models."""
    return ModelLearner(learner)


def _seed(rng) -> int:
    return int(rng.integers(1, 10**6))


def _base(rng):
    return small_base(tuple(rng.integers(3, 8, 3).tolist()))


@function("preprocess")
def test_preprocess_many_images(models, rng):
    """Drawn images of several numeric types and sizes."""
    for dtype in (np.uint8, np.int16, np.int32, np.float32, np.float64):
        n, side = rng.integers(1, 9, 2).tolist()
        expect_preprocessed(models, draw_images(rng, dtype, n, side))


@function("freeze")
def test_freeze_drawn_bases(models, rng):
    """Drawn bases, whatever was frozen before."""
    expect_frozen(models, _base(rng), _seed(rng), str(rng.choice(STATES)))
    expect_frozen(models, nested_base(), _seed(rng))


@function("build_head")
def test_heads_with_drawn_settings(models, rng):
    """Drawn shapes and settings."""
    for few in (True, False):
        hidden = int(rng.integers(3, 5)) if few else int(rng.integers(10, 100))
        expect_head(
            models,
            (*rng.integers(2, 6, 2).tolist(), int(rng.integers(3, 20))),
            _seed(rng),
            hidden=hidden,
            dropout=float(rng.choice([0.3, 0.4, 0.5])),
            l2=float(rng.choice([0.1, 0.02, 0.001])),
        )


@function("build_head")
def test_head_of_vgg16s_features(models, rng):
    """The shape of VGG16's features, settings as they are."""
    expect_head(models, (4, 4, 512), _seed(rng))


@function("build_classifier")
def test_classifiers_of_drawn_bases(models, rng):
    """A drawn base, whatever was frozen before."""
    base = _base(rng)
    for state in STATES:
        expect_classifier(models, base, _seed(rng), state)


@function("trainable_parameters")
def test_parameters_of_drawn_models(models, rng):
    """Drawn models, frozen in part."""
    expect_parameters(models, small_head((3, 3, int(rng.integers(4, 40))), int(rng.integers(4, 40))), label="head")
    for base in (_base(rng), nested_base()):
        flags = [True, *(rng.random(len(layers_below(base))) < 0.6).tolist()]
        expect_parameters(models, base, flags, label="base")


@function("trainable_parameters")
def test_parameters_with_batch_normalization(models, rng):
    """A model of which a layer holds statistics that never learn."""
    expect_parameters(models, batch_normalized(int(rng.integers(3, 30))))


@function("unfreeze_from")
def test_unfreeze_drawn_bases(models, rng):
    """A drawn base, drawn layers, whatever was frozen before."""
    base = _base(rng)
    for state in STATES:
        names = [layer.name for layer in base.layers if layer.name.startswith("block")]
        expect_unfrozen(models, base, str(rng.choice(names[1:-1])), _seed(rng), state)


@function("unfreeze_from")
def test_unfreeze_vgg16(models, rng):
    """VGG16 itself."""
    name = str(rng.choice(["block4_conv1", "block5_conv1", "block5_conv3"]))
    expect_unfrozen(models, vgg16(), name, _seed(rng), str(rng.choice(STATES)))


@function("unfreeze_from")
def test_unfreeze_refuses_a_drawn_name(models, rng):
    """A ValueError that names layer_name where the base has no such layer."""
    name = f"block{rng.integers(4, 9)}_conv{rng.integers(1, 4)}"
    base = models.build(small_base(), 3)
    expect_refusal(models, "unfreeze_from", base, name, naming=("layer_name",), because=f"the base has no layer {name}")
