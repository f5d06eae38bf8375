"""Public checks of exercise 03-transfer-head: small bases with VGG16's layer names, and weights that the checks set."""

from functools import partial

import numpy as np
import pytest

from autograder.checks import function
from autograder.checks.models import expect_refusal_of_layer, small_base
from autograder.checks.transfer import (
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

# Those that are the same for each learner: a grader makes them once.
MODELS = (
    small_base,
    partial(small_base, (3, 4, 5)),
    partial(small_base, (3, 4, 5), blocks=(2, 1, 3)),
    nested_base,
    vgg16,
    *(partial(small_head, shape) for shape in ((2, 2, 5), (8, 8, 8), (16, 16, 6))),
)


@pytest.fixture
def models(learner):
    """The learner, whose functions take and give Keras models."""
    return ModelLearner(learner)


@function("preprocess")
def test_preprocess_two_images(models):
    """Two images of two pixels, the first with red 200, green 100, blue 50."""
    images = [[[200.0, 100.0, 50.0], [10.0, 20.0, 30.0]]], [[[0.0, 255.0, 90.0], [70.0, 80.0, 60.0]]]
    expect_preprocessed(models, np.array(images))


@function("preprocess")
def test_preprocess_drawn_images(models, rng):
    """Drawn images as float64 and as float32, which must not be changed."""
    expect_preprocessed(models, draw_images(rng, np.float64))
    expect_preprocessed(models, draw_images(rng, np.float32))


@function("preprocess")
def test_preprocess_whole_numbers(models, rng):
    """Images as whole numbers, uint8 as a file holds them among them."""
    expect_preprocessed(models, draw_images(rng, np.uint8))
    expect_preprocessed(models, draw_images(rng, np.int64))


@function("freeze")
def test_freeze_a_base(models):
    """A small base, all of it trainable."""
    expect_frozen(models, small_base())


@function("freeze")
def test_freeze_a_base_with_a_model_inside(models):
    """A base that holds a model, and ends with a convolution; one that is frozen already."""
    expect_frozen(models, nested_base())
    expect_frozen(models, nested_base(), "frozen")


@function("build_head")
def test_head_by_default(models):
    """The default: 128 hidden units, Dropout 0.2, L2 1e-4."""
    expect_head(models, (4, 4, 8), 1)


@function("build_head")
def test_head_with_other_settings(models):
    """Another number of hidden units, rate and penalty; features that are not square."""
    expect_head(models, (3, 2, 5), 2, hidden=4, dropout=0.5, l2=0.01)


@function("build_classifier")
def test_classifier_of_a_small_base(models):
    """A small base, all of it trainable, and a head."""
    expect_classifier(models, small_base(), 1)


@function("build_classifier")
def test_classifier_of_a_frozen_base(models):
    """A base that is frozen already; one that holds a model."""
    expect_classifier(models, small_base(), 2, "frozen")
    expect_classifier(models, nested_base(), 3)


@function("trainable_parameters")
def test_parameters_of_a_head(models):
    """A head, all of it trainable; all of it frozen."""
    head = small_head((2, 2, 5))
    expect_parameters(models, head, label="head")
    expect_parameters(models, head, [False] * (1 + len(layers_below(head))), label="frozen_head")


@function("trainable_parameters")
def test_parameters_of_a_partly_frozen_model(models):
    """A base whose first layers are frozen; a base of which a model inside is frozen in part."""
    base = small_base()
    flags = [True] + [place > 2 for place in range(len(layers_below(base)))]
    expect_parameters(models, base, flags, label="base")
    base = nested_base()
    flags = [True] + [layer.name not in ("block1_conv1", "block2_conv1") for layer in layers_below(base)]
    expect_parameters(models, base, flags, label="nested_base")


@function("unfreeze_from")
def test_unfreeze_the_last_block(models):
    """From the second block on, where all was trainable, and where all layers were frozen."""
    expect_unfrozen(models, small_base((3, 4, 5)), "block2_conv1", "trainable")
    expect_unfrozen(models, small_base((3, 4, 5)), "block2_conv2", "layers frozen")


@function("unfreeze_from")
def test_unfreeze_a_frozen_base(models):
    """Where the base itself was frozen (`base.trainable = False`)."""
    expect_unfrozen(models, small_base((3, 4, 5)), "block3_conv1", "frozen")
    expect_unfrozen(models, small_base((3, 4, 5)), "block1_pool", "frozen")


@function("unfreeze_from")
def test_unfreeze_a_base_whose_names_are_not_sorted(models):
    """A base of which the second block comes before the first."""
    expect_unfrozen(models, small_base((3, 4, 5), blocks=(2, 1, 3)), "block1_conv2", "trainable")


@function("unfreeze_from")
def test_unfreeze_refuses_an_unknown_layer(models):
    """A ValueError that names layer_name where the base has no such layer."""
    expect_refusal_of_layer(models, "unfreeze_from", "block9_conv1")
