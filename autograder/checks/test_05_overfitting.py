"""Public checks of exercise 05-overfitting: small inputs that can be followed by hand, then drawn ones."""

import numpy as np
import pytest

from autograder.checks import function
from autograder.checks.models import expect_refusal_of_layer, small_base
from autograder.checks.overfitting import (
    draw_losses,
    draw_name,
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

MODELS = (small_base,)  # those that are the same for each learner: a grader makes them once


@pytest.fixture
def models(learner):
    """The learner, whose functions take and give Keras models; TensorFlow is imported for these checks only."""
    from autograder.judging.keras_models import ModelLearner

    return ModelLearner(learner)


@function("patient_of")
def test_patients_of_the_four_kinds_of_names(learner):
    """The four kinds of names."""
    expect_patient(learner, "person1000_bacteria_2931.jpeg", "person1000")
    expect_patient(learner, "IM-0115-0001.jpeg", "IM-0115")
    expect_patient(learner, "NORMAL2-IM-0383-0001.jpeg", "NORMAL2-IM-0383")
    expect_patient(learner, "person1000_virus_1681.jpeg", "person1000")


@function("patient_of")
def test_patient_below_folders(learner):
    """Whatever folder stands before the name."""
    expect_patient(learner, "chest_xray/train/PNEUMONIA/person12_virus_48.jpeg", "person12")
    expect_patient(learner, "/data/chest_xray/test/NORMAL/NORMAL2-IM-0383-0001.jpeg", "NORMAL2-IM-0383")
    expect_patient(learner, "copy_of_person7_bacteria_1/IM-0115-0001.jpeg", "IM-0115")


@function("patient_of")
def test_patients_of_drawn_names(learner, rng):
    """Drawn names."""
    for _ in range(8):
        expect_patient(learner, *draw_name(rng))


@function("patient_of")
def test_other_names_are_refused(learner):
    """A ValueError that names path for any other name."""
    for path in ("train/NORMAL/notes.txt", "person12.jpeg", "IM-0115.jpeg", "train/PNEUMONIA/person_virus_48.jpeg"):
        expect_path_refused(learner, path)
    for path in ("train/PNEUMONIA/person12_scan_3.png", "IM-0115-notes.txt", "person12_scan_3.jpeg"):
        expect_path_refused(learner, path)
    for path in ("person12_virus_48xjpeg", "person12_virus_48.jpg", "IM-0115-0001.JPEG", "IM-0115-0001.jpeg.txt"):
        expect_path_refused(learner, path)
    for path in ("train/PNEUMONIA/old_person12_virus_48.jpeg", "person12_virus_48.jpeg/scan.jpeg"):
        expect_path_refused(learner, path)


@function("patient_split")
def test_split_of_few_images_for_each_patient(learner, rng):
    """160 patients with 1 to 3 images each."""
    expect_split(learner, *draw_patients(rng, 160, most=3))


@function("patient_split")
def test_split_at_other_fractions(learner, rng):
    """Other validation fractions."""
    for fraction in (0.5, 0.25, 0.1):
        expect_split(learner, *draw_patients(rng, 160, most=3), fraction)


@function("patient_split")
def test_split_of_many_images_for_each_patient(learner, rng):
    """80 patients with 1 to 10 images each, a quarter of them healthy."""
    expect_split(learner, *draw_patients(rng, 80, most=10, positive=0.75), seed=3)


@function("patient_split")
def test_split_follows_the_seed(learner, rng):
    """The same seed, the same split; another seed, another one."""
    expect_seeds_to_matter(learner, *draw_patients(rng, 160, most=3), [0, 1, 2])


@function("patient_split")
def test_split_is_the_same_in_every_process(learner, rng):
    """The same seed, the same split, also when Python is started anew."""
    expect_same_in_every_process(learner, rng)


@function("stopping_epoch")
def test_stop_of_ten_epochs(learner):
    """Ten losses that fall and rise again."""
    losses = [0.5, 0.5, 0.4375, 0.5, 0.4375, 0.25, 0.5, 0.25, 0.8125, 0.375]
    for patience in (1, 2, 3):
        expect_stop(learner, losses, patience)


@function("stopping_epoch")
def test_stop_with_a_minimal_difference(learner):
    """A small improvement is none where min_delta asks for more."""
    expect_stop(learner, [0.5625, 0.5, 0.6875, 0.4375, 0.5625, 0.375, 0.5625, 0.375, 0.375, 0.8125], 3, 0.0625)
    losses = [1.0, 0.9375, 0.875, 0.8125, 0.75, 0.6875, 0.625]
    expect_stop(learner, losses, 2, 0.0625)
    expect_stop(learner, losses, 2, 0.125)
    expect_stop(learner, [0.5, 0.5625, 0.4375, 0.53125, 0.46875, 0.5], 3, 0.125)


@function("stopping_epoch")
def test_stop_that_does_not_come(learner):
    """Training runs to its last epoch; a single epoch."""
    expect_stop(learner, [0.75, 0.5, 0.625, 0.375, 0.5], 2)
    expect_stop(learner, [0.75, 0.5, 0.25], 1)
    expect_stop(learner, [0.5], 1)


@function("stopping_epoch")
def test_stop_after_equal_losses(learner):
    """An equal loss is no improvement, and does not become the best epoch."""
    expect_stop(learner, [0.5, 0.25, 0.25, 0.25, 0.125], 2)


@function("stopping_epoch")
def test_stop_of_drawn_losses(learner, rng):
    """Drawn losses."""
    for patience in (1, 3, 5):
        expect_stop(learner, draw_losses(rng, 30), patience)
        expect_stop(learner, draw_losses(rng, 30), patience, 0.0625)


@function("truncate")
def test_truncated_base(models):
    """A small base with VGG16's layer names, cut after a pooling and after a convolution."""
    expect_truncated(models, small_base(), "block1_pool", 1)
    expect_truncated(models, small_base(), "block2_conv1", 2)


@function("truncate")
def test_truncate_refuses_an_unknown_layer(models):
    """A ValueError that names layer_name where the base has no such layer."""
    expect_refusal_of_layer(models, "truncate", "block9_pool")


@function("diagnose")
def test_the_four_diagnoses(learner):
    """One case of each."""
    expect_diagnosis(learner, 0.97, 0.84, 0.83, 0.90)
    expect_diagnosis(learner, 0.80, 0.79, 0.78, 0.90)
    expect_diagnosis(learner, 0.97, 0.96, 0.95, 0.90)
    expect_diagnosis(learner, 0.97, 0.96, 0.85, 0.90)


@function("diagnose")
def test_the_first_that_holds(learner):
    """More than one holds: the first counts."""
    expect_diagnosis(learner, 0.80, 0.60, 0.70, 0.90)
    expect_diagnosis(learner, 0.97, 0.85, 0.60, 0.90)
    expect_diagnosis(learner, 0.80, 0.79, 0.50, 0.90)


@function("diagnose")
def test_higher_scores_are_no_fault(learner):
    """Validation above train, test above validation; validation below target; many small steps down."""
    expect_diagnosis(learner, 0.91, 0.98, 0.97, 0.90)
    expect_diagnosis(learner, 0.92, 0.91, 0.99, 0.90)
    expect_diagnosis(learner, 0.91, 0.89, 0.88, 0.90)
    expect_diagnosis(learner, 0.97, 0.95, 0.93, 0.90)


@function("diagnose")
def test_other_tolerances(learner):
    """A tolerance other than 0.03."""
    expect_diagnosis(learner, 0.97, 0.90, 0.85, 0.90, 0.1)
    expect_diagnosis(learner, 0.97, 0.955, 0.95, 0.90, 0.01)
    expect_diagnosis(learner, 0.97, 0.97, 0.955, 0.90, 0.01)


@function("diagnose")
def test_exactly_at_the_limits(learner):
    """Exactly at target is not below it, exactly at tolerance is not above it."""
    expect_diagnosis(learner, 0.875, 0.875, 0.875, 0.875)
    expect_diagnosis(learner, 0.875, 0.75, 0.625, 0.75, 0.125)
    expect_diagnosis(learner, 0.75, 0.6875, 0.6875, 0.765625, 0.0625)


def _scores(rng, n: int) -> np.ndarray:
    """Scores that are multiples of 1/64: their differences are exact."""
    return rng.integers(40, 65, n) / 64


@function("diagnose")
def test_drawn_scores(learner, rng):
    """Drawn scores."""
    for _ in range(10):
        expect_diagnosis(learner, *_scores(rng, 4).tolist(), float(rng.choice([0.0625, 0.125])))
