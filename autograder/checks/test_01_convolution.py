"""Public checks of exercise 01-convolution: small inputs that can be followed by hand, then drawn ones."""

import numpy as np

from autograder.checking import expect_refusal
from autograder.checks import function
from autograder.checks.convolution import (
    BAD_SIZES,
    bad_convolutions,
    draw_layers,
    expect_convolution,
    expect_convolution_refused,
    expect_output_size,
    expect_parameters,
    expect_pooling,
    expect_receptive_field,
)

# The inputs of the first checks are chosen so that each known mistake gives an answer of its own, and is named.
IMAGE = np.array([[10.0, 20.0, 0.0, 50.0], [40.0, 0.0, 30.0, 10.0], [20.0, 60.0, 200.0, 70.0]])
KERNEL = np.array([[1.0, -2.0], [3.0, 0.5]])
WIDE = np.array([[1.0, 0.0, -3.0]])
TALL = np.array([[1.0], [2.0], [-4.0]])
SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
MAP = np.array([[1.0, 3.0, 2.0, 0.0], [4.0, 2.0, 0.0, 1.0], [7.0, 0.0, 5.0, 9.0], [1.0, 6.0, 8.0, 3.0]])


@function("conv_output_size")
def test_size_of_a_plain_convolution(learner):
    """A stride of 1 and no padding."""
    for size, kernel in ((7, 3), (224, 3), (5, 1), (4, 4)):
        expect_output_size(learner, size, kernel)


@function("conv_output_size")
def test_size_with_stride(learner):
    """Strides, also where the last step does not fit."""
    for arguments in ((11, 2, 4), (9, 2, 4), (224, 7, 2), (6, 2, 2), (11, 4, 5)):
        expect_output_size(learner, *arguments)


@function("conv_output_size")
def test_size_with_padding(learner):
    """Padding on both sides, also where the kernel is larger than the image alone."""
    for arguments in ((7, 3, 1, 2), (224, 3, 1, 1), (224, 7, 2, 3), (10, 3, 4, 2), (3, 5, 1, 1)):
        expect_output_size(learner, *arguments)


@function("conv_output_size")
def test_size_refuses_bad_input(learner):
    """Sizes that make no sense are refused with a ValueError that names the argument."""
    for arguments, naming, because in BAD_SIZES:
        expect_refusal(learner, "conv_output_size", *arguments, naming=naming, because=because)


@function("conv_output_size")
def test_sizes_drawn(learner, rng):
    """Drawn sizes."""
    for kernel, stride, padding in rng.integers([1, 1, 0], [8, 5, 4], size=(8, 3)).tolist():
        expect_output_size(learner, int(rng.integers(8, 60)), kernel, stride, padding)


@function("conv2d")
def test_convolution_of_a_small_image(learner):
    """A kernel of 2 x 2 on an image of 3 x 4."""
    expect_convolution(learner, IMAGE, KERNEL)


@function("conv2d")
def test_convolution_with_kernels_that_are_not_square(learner):
    """Kernels of one row, of one column, of the whole image."""
    for kernel in (WIDE, TALL, IMAGE):
        expect_convolution(learner, IMAGE, kernel)


@function("conv2d")
def test_convolution_with_stride(learner, rng):
    """Strides of 2 and 3."""
    expect_convolution(learner, IMAGE, KERNEL, 2)
    image = rng.integers(-9, 10, size=(8, 7)).astype(float)
    for stride in (2, 3):
        expect_convolution(learner, image, KERNEL, stride)


@function("conv2d")
def test_convolution_with_padding(learner):
    """Padding with zeros on all four sides, alone and with a stride."""
    for stride, padding in ((1, 1), (2, 1), (1, 2), (3, 2)):
        expect_convolution(learner, IMAGE, KERNEL, stride, padding)
    expect_convolution(learner, IMAGE, np.arange(1.0, 26.0).reshape(5, 5), 1, 1)


@function("conv2d")
def test_convolution_of_whole_numbers(learner):
    """Images and kernels of integers, uint8 included, give float64."""
    image = np.array([[10, 200, 30, 90], [0, 250, 20, 7], [5, 100, 0, 255]])
    expect_convolution(learner, image, SOBEL)
    expect_convolution(learner, image.astype(np.uint8), SOBEL)
    expect_convolution(learner, image.astype(np.uint8), KERNEL)
    expect_convolution(learner, image.astype(np.uint8), np.array([[1, 2], [3, 1]], np.uint8))


@function("conv2d")
def test_convolution_of_drawn_images(learner, rng):
    """Drawn images, kernels, strides and paddings."""
    for stride, padding in ((1, 0), (2, 1), (3, 2)):
        image, kernel = rng.normal(size=rng.integers(6, 12, size=2)), rng.normal(size=rng.integers(2, 5, size=2))
        expect_convolution(learner, image, kernel, stride, padding)


@function("conv2d")
def test_convolution_refuses_bad_input(learner):
    """Bad input is refused with a ValueError that names the argument."""
    for arguments, naming, because in bad_convolutions(IMAGE):
        expect_convolution_refused(learner, arguments, naming, because)


@function("max_pool2d")
def test_pooling_of_a_small_map(learner):
    """Windows of 2 x 2, side by side."""
    expect_pooling(learner, MAP)


@function("max_pool2d")
def test_pooling_of_negative_values(learner):
    """Windows whose values are all below 0."""
    expect_pooling(learner, MAP - 4)
    expect_pooling(learner, -1 - MAP)


@function("max_pool2d")
def test_pooling_drops_windows_that_do_not_fit(learner):
    """Rows and columns that are left over, on maps that are not square."""
    expect_pooling(learner, MAP[:, :3] - 10)
    expect_pooling(learner, MAP[:3])
    expect_pooling(learner, MAP, 3)


@function("max_pool2d")
def test_pooling_with_another_stride(learner, rng):
    """Windows that overlap, or lie apart."""
    expect_pooling(learner, MAP, 2, 1)
    expect_pooling(learner, MAP, 3, 1)
    feature_map = rng.integers(-20, 20, size=(7, 8)).astype(float)
    for size, stride in ((3, 2), (2, 3), (1, 2)):
        expect_pooling(learner, feature_map, size, stride)
    expect_pooling(learner, feature_map, size=4)


@function("max_pool2d")
def test_pooling_of_drawn_maps(learner, rng):
    """Drawn maps, sizes and strides."""
    for _ in range(4):
        feature_map = rng.normal(size=rng.integers(5, 12, size=2))
        expect_pooling(learner, feature_map, *rng.integers(1, 5, size=2).tolist())


@function("conv_parameters")
def test_parameters_of_a_layer(learner):
    """Weights and biases."""
    for kernel, in_channels, out_channels in ((5, 2, 7), (3, 3, 64), (1, 4, 6)):
        expect_parameters(learner, kernel, in_channels, out_channels)


@function("conv_parameters")
def test_parameters_without_bias(learner):
    """bias=False counts the weights only."""
    expect_parameters(learner, 3, 8, 5, bias=False)
    expect_parameters(learner, 4, 1, 3, False)
    expect_parameters(learner, 4, 2, 3, True)


@function("receptive_field")
def test_field_with_strides(learner):
    """Strides widen the steps of the layers after them."""
    for layers in ([(5, 3), (7, 2), (2, 1)], [(2, 2)], [(2, 2), (2, 2), (2, 2)], [(7, 2), (3, 2), (3, 1)]):
        expect_receptive_field(learner, layers)


@function("receptive_field")
def test_field_without_strides(learner):
    """Two and three layers that move by one pixel."""
    for layers in ([(3, 1), (3, 1)], [(5, 1), (1, 1), (3, 1)]):
        expect_receptive_field(learner, layers)


@function("receptive_field")
def test_field_of_no_layers(learner):
    """1 for no layers, and for kernels of 1 x 1."""
    expect_receptive_field(learner, [])
    expect_receptive_field(learner, [(1, 1)])


@function("receptive_field")
def test_field_of_drawn_layers(learner, rng):
    """Drawn networks."""
    for n in (3, 5, 8):
        expect_receptive_field(learner, draw_layers(rng, n))
