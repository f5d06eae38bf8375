"""Hidden checks of exercise 05-overfitting: inputs drawn afresh for each grading.

They ask for nothing that the public checks and the notebook's text do not ask for.
"""

import numpy as np
import pytest

from autograder.checks import function
from autograder.checks.models import expect_refusal_of_layer, small_base
from autograder.checks.overfitting import (
    FOLDERS,
    draw_losses,
    draw_name,
    draw_other_names,
    draw_patients,
    expect_diagnosis,
    expect_path_refused,
    expect_patient,
    expect_same_in_every_process,
    expect_seeds_to_matter,
    expect_split,
    expect_stop,
    expect_truncated,
)


@pytest.fixture
def models(learner):
    """The learner, whose functions take and give Keras models; TensorFlow is imported for these checks only."""
    from autograder.judging.keras_models import ModelLearner

    return ModelLearner(learner)


@function("patient_of")
def test_patients_of_many_names(learner, rng):
    """Many drawn names, below drawn folders."""
    for _ in range(40):
        name, patient = draw_name(rng)
        expect_patient(learner, str(rng.choice(FOLDERS)) + name, patient)


@function("patient_of")
def test_drawn_other_names_are_refused(learner, rng):
    """A ValueError that names path for any other name."""
    for name in draw_other_names(rng):
        expect_path_refused(learner, str(rng.choice(FOLDERS)) + name)


@function("patient_split")
def test_split_of_drawn_patients(learner, rng):
    """Drawn patients with few images and with many, drawn seeds and fractions."""
    for n_patients, most in ((200, 3), (100, 8), (300, 1)):
        patients, labels = draw_patients(rng, n_patients, most, positive=float(rng.uniform(0.4, 0.75)))
        for fraction in (0.2, float(rng.choice([0.1, 0.25, 0.5]))):
            expect_split(learner, patients, labels, fraction, int(rng.integers(1000)))


@function("patient_split")
def test_split_of_cases_in_order(learner, rng):
    """Cases sorted by patient and class, as a folder's listing gives them."""
    patients, labels = draw_patients(rng, 160, most=3)
    order = np.argsort(patients, kind="stable")
    expect_split(learner, patients[order], labels[order])


@function("patient_split")
def test_split_follows_drawn_seeds(learner, rng):
    """The same seed, the same split; another seed, another one."""
    expect_seeds_to_matter(learner, *draw_patients(rng, 200, most=3), rng.choice(1000, 3, replace=False).tolist())


@function("patient_split")
def test_split_of_drawn_patients_is_the_same_in_every_process(learner, rng):
    """The same seed, the same split, also when Python is started anew."""
    expect_same_in_every_process(learner, rng, int(rng.integers(160, 220)))


@function("stopping_epoch")
def test_stop_of_many_drawn_losses(learner, rng):
    """Many drawn losses, some with ties."""
    for steps in (8, 64, 1024):
        for _ in range(6):
            losses, patience = draw_losses(rng, int(rng.integers(5, 60)), steps), int(rng.integers(1, 8))
            expect_stop(learner, losses, patience)
            expect_stop(learner, losses, patience, float(rng.choice([1, 2, 4])) / steps)


@function("truncate")
def test_truncated_drawn_bases(models, rng):
    """Drawn bases, cut after drawn layers."""
    widths = tuple(rng.integers(3, 8, 3).tolist())
    names = [layer.name for layer in small_base(widths).layers if layer.name.startswith("block")]
    for name in rng.choice(names[:-1], 2, replace=False):
        expect_truncated(models, small_base(widths), str(name), int(rng.integers(1, 10**6)))


@function("truncate")
def test_truncated_vgg16(models, rng):
    """VGG16 itself, with drawn weights, at 32x32 pixels."""
    from pneumonia.backend import keras

    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    expect_truncated(models, base, str(rng.choice(["block3_pool", "block4_conv2"])), int(rng.integers(1, 10**6)))


@function("truncate")
def test_truncate_refuses_a_drawn_name(models, rng):
    """A ValueError that names layer_name where the base has no such layer."""
    name = f"block{rng.integers(4, 9)}_conv{rng.integers(1, 4)}"
    expect_refusal_of_layer(models, "truncate", name)


@function("diagnose")
def test_many_drawn_scores(learner, rng):
    """Many drawn scores, many of them exactly at a limit."""
    for steps in (16, 64, 1024):
        scores = rng.integers(int(0.6 * steps), steps, (15, 4), endpoint=True) / steps
        for row in scores.tolist():
            expect_diagnosis(learner, *row, float(rng.integers(1, steps // 8, endpoint=True)) / steps)
            expect_diagnosis(learner, *row)
