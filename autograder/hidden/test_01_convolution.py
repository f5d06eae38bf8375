"""Hidden checks of exercise 01-convolution, on inputs drawn afresh for each grading: no answer can be learnt by heart.

They ask for nothing that the public checks and the notebook's text do not ask for.
"""

import numpy as np

from autograder.checking import expect_refusal
from autograder.checks import function
from autograder.checks.convolution import (
    bad_convolutions,
    draw_layers,
    expect_convolution,
    expect_convolution_refused,
    expect_output_size,
    expect_parameters,
    expect_pooling,
    expect_receptive_field,
)


@function("conv_output_size")
def test_many_sizes(learner, rng):
    """Many drawn sizes, with and without stride and padding."""
    for kernel, stride, padding in rng.integers([1, 1, 0], [12, 7, 6], size=(25, 3)).tolist():
        size = int(rng.integers(max(1, kernel - 2 * padding), 300))
        expect_output_size(learner, size, kernel, stride, padding)
        expect_output_size(learner, size + kernel, kernel)


@function("conv_output_size")
def test_sizes_refuse_drawn_bad_input(learner, rng):
    """Drawn values that make no sense."""
    size, kernel = int(rng.integers(5, 50)), int(rng.integers(1, 5))
    low, padding = -int(rng.integers(0, 9)), int(rng.integers(0, 4))
    larger = size + 2 * padding + int(rng.integers(1, 9))
    for arguments, naming in (
        ((low, kernel, 1, 9), ("size",)),
        ((size, low), ("kernel",)),
        ((size, kernel, low), ("stride",)),
        ((size, kernel, 1, low - 1), ("padding",)),
        ((size, larger, 1, padding), ("kernel", "size", "padding")),
    ):
        because = f"conv_output_size{arguments} has no output"
        expect_refusal(learner, "conv_output_size", *arguments, naming=naming, because=because)


@function("conv2d")
def test_convolution_of_many_images(learner, rng):
    """Many drawn images, kernels, strides and paddings."""
    for _ in range(8):
        image, kernel = rng.normal(size=rng.integers(6, 20, size=2)), rng.normal(size=rng.integers(1, 6, size=2))
        expect_convolution(learner, image, kernel)
        expect_convolution(learner, image, kernel, int(rng.integers(1, 5)), int(rng.integers(0, 4)))


@function("conv2d")
def test_convolution_of_drawn_whole_numbers(learner, rng):
    """Drawn images and kernels of integers, uint8 included."""
    image = rng.integers(0, 256, size=rng.integers(6, 12, size=2), dtype=np.uint8)
    expect_convolution(learner, image, rng.integers(-3, 4, size=(3, 2)), 2, 1)
    expect_convolution(learner, image, rng.integers(1, 4, size=(2, 3), dtype=np.uint8), 1, 2)
    expect_convolution(learner, image.astype(int), rng.normal(size=(3, 3)))


@function("conv2d")
def test_convolution_refuses_drawn_bad_input(learner, rng):
    """Bad strides, paddings and kernels on a drawn image."""
    for arguments, naming, because in bad_convolutions(rng.normal(size=rng.integers(3, 8, size=2))):
        expect_convolution_refused(learner, arguments, naming, because)


@function("max_pool2d")
def test_pooling_of_many_maps(learner, rng):
    """Many drawn maps, sizes and strides; values above and below 0."""
    for offset in (-9, 0, 9):
        feature_map = rng.normal(loc=offset, size=rng.integers(6, 20, size=2))
        expect_pooling(learner, feature_map)
        expect_pooling(learner, feature_map, int(rng.integers(1, 6)))
        expect_pooling(learner, feature_map, *rng.integers(1, 6, size=2).tolist())


@function("conv_parameters")
def test_parameters_of_drawn_layers(learner, rng):
    """Drawn layers, with and without bias."""
    for kernel, in_channels, out_channels in rng.integers(1, [12, 600, 600], size=(10, 3)).tolist():
        expect_parameters(learner, kernel, in_channels, out_channels)
        expect_parameters(learner, kernel, in_channels, out_channels, bias=False)


@function("receptive_field")
def test_field_of_many_networks(learner, rng):
    """Many drawn networks."""
    for n in rng.integers(1, 15, size=12).tolist():
        expect_receptive_field(learner, draw_layers(rng, n))
