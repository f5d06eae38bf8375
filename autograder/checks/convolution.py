"""Exercise 01-convolution: what is true (SciPy and bare definitions) and what learners get wrong.

Nothing here is the course's own solution: windows are counted one by one, weights are laid out and counted, receptive
fields are followed from the output back to the pixels, and SciPy convolves.
"""

import numpy as np
from scipy.signal import convolve2d, correlate2d

from autograder.checking import (
    Mistake,
    Raised,
    Wrong,
    WrongType,
    expect,
    expect_refusal,
    kind_of,
    require_answer,
    same_array,
    same_whole_number,
)

FLOAT32 = "That is nearly the number, as float32 holds it: compute in float64, which keeps 16 digits and not 7."

# --- conv_output_size ------------------------------------------------------------------------------------------------


def expect_output_size(learner, size: int, kernel: int, *stride_and_padding: int) -> None:
    """The learner's output size is the number of places at which the kernel fits, counted one by one."""
    stride, padding = (*stride_and_padding, *(1, 0)[len(stride_and_padding) :])
    expect(
        learner,
        "conv_output_size",
        size,
        kernel,
        *stride_and_padding,
        expected=len(range(0, size + 2 * padding - kernel + 1, stride)),
        same=same_whole_number,
        mistakes=SIZE_MISTAKES,
        otherwise="Compare with the formula: floor((size + 2 * padding - kernel) / stride) + 1.",
    )


def _size_mistake(program):
    """A wrong program whose stride and padding may be left out."""
    return lambda size, kernel, stride=1, padding=0: int(program(size, kernel, stride, padding))


SIZE_MISTAKES = [
    Mistake(
        "`round` goes to the nearest number: round down, with `//`.",
        _size_mistake(lambda n, k, s, p: round((n + 2 * p - k) / s) + 1),
    ),
    Mistake(
        "The `+ 1` was divided, too: divide first, (size + 2 * padding - kernel) // stride, and add 1 to that.",
        _size_mistake(lambda n, k, s, p: (n + 2 * p - k + 1) // s),
    ),
    Mistake(
        "The `+ 1` is missing: a kernel as large as the input fits in one place, not in none.",
        _size_mistake(lambda n, k, s, p: (n + 2 * p - k) // s),
    ),
    Mistake("`padding` is not used.", _size_mistake(lambda n, k, s, p: (n - k) // s + 1)),
    Mistake("`stride` is not used.", _size_mistake(lambda n, k, s, p: n + 2 * p - k + 1)),
    Mistake(
        "The padding was counted once: it stands on both sides, 2 * padding.",
        _size_mistake(lambda n, k, s, p: (n + p - k) // s + 1),
    ),
    Mistake(
        "The last window hangs over the edge: a place at which the kernel does not fit is left out, so round down.",
        _size_mistake(lambda n, k, s, p: -((n + 2 * p - k) // -s) + 1),
    ),
    Mistake(
        "Only the kernel was divided: put size + 2 * padding - kernel into parentheses.",
        _size_mistake(lambda n, k, s, p: n + 2 * p - k // s + 1),
    ),
    Mistake(
        'That is the size for padding="same": here the output is as large as padding and kernel make it.',
        _size_mistake(lambda n, k, s, p: -(n // -s)),
    ),
    Mistake(
        "The padding was taken away: it makes the input larger.",
        _size_mistake(lambda n, k, s, p: (n - 2 * p - k) // s + 1),
    ),
]

# What must be refused, as (arguments, the arguments that a message may name, because).
BAD_SIZES = [
    ((5, 3, 0), ("stride",), "stride is 0, and a step must be at least 1"),
    ((5, 0), ("kernel",), "kernel is 0"),
    ((0, 3, 1, 2), ("size",), "size is 0, even if there is padding around it"),
    ((5, 3, 1, -1), ("padding",), "padding is -1"),
    ((5, 3, -2), ("stride",), "stride is -2"),
    ((3, 6, 1, 1), ("kernel", "size", "padding"), "the kernel is larger (6) than the padded input (3 + 1 + 1)"),
]

# --- conv2d ----------------------------------------------------------------------------------------------------------


def expect_convolution(learner, image, kernel, *stride_and_padding: int) -> None:
    """The learner's feature map equals SciPy's cross-correlation of the padded image, every `stride`-th value of it."""
    shapes = []

    def same(came, expected) -> bool:
        shapes.append(getattr(came, "shape", ()))
        return _same_float64_array(came, expected)

    right = _correlate(image, kernel, *stride_and_padding)
    try:
        expect(
            learner,
            "conv2d",
            image,
            kernel,
            *stride_and_padding,
            expected=right,
            same=same,
            mistakes=CONVOLUTION_MISTAKES,
            otherwise="Compute one output by hand: multiply the kernel with the window below it, element by element, "
            "and add up; output (i, j) belongs to the window that begins at (i * stride, j * stride) of the padded "
            "image.",
        )
    except Wrong as wrong:
        failed = isinstance(wrong, Raised) and wrong.type not in ("NotImplementedError", "NameError")
        if failed or (shapes and shapes[0] != right.shape):
            wrong.mistake = _wrong_size(learner, image, kernel, stride_and_padding) + wrong.mistake
        raise


def _wrong_size(learner, image, kernel, stride_and_padding) -> str:
    """A sentence where the learner's `conv_output_size`, which conv2d may call, is wrong for these sizes."""
    for size, k in zip(image.shape, kernel.shape, strict=True):
        try:
            expect_output_size(learner, size, k, *stride_and_padding)
        except Wrong as wrong:
            if wrong.call and wrong.came != "no function of that name":
                return f"`{wrong.call}` is wrong itself: if `conv2d` calls it, mend it first. "
    return ""


def expect_convolution_refused(learner, arguments: tuple, naming: tuple[str, ...], because: str) -> None:
    """Bad input for the learner's conv2d is refused."""
    try:
        expect_refusal(learner, "conv2d", *arguments, naming=naming, because=because)
    except Wrong as wrong:
        image, kernel, *stride_and_padding = arguments
        if not isinstance(wrong, Raised) or "ValueError" in wrong.bases:
            wrong.mistake = _missing_refusal(learner, image, kernel, stride_and_padding, because) + wrong.mistake
        raise


def _missing_refusal(learner, image, kernel, stride_and_padding, because: str) -> str:
    """A sentence where the learner's `conv_output_size`, which conv2d may call, does not refuse these sizes either."""
    stride, padding = (*stride_and_padding, *(1, 0)[len(stride_and_padding) :])
    for size, k in zip(image.shape, kernel.shape, strict=True):
        if k >= 1 and stride >= 1 and padding >= 0 and k <= size + 2 * padding:
            continue
        naming = ("size", "kernel", "stride", "padding")
        try:
            expect_refusal(learner, "conv_output_size", size, k, stride, padding, naming=naming, because=because)
        except Wrong as wrong:
            if wrong.call and wrong.came != "no function of that name":
                return f"`{wrong.call}` does not refuse it either: if `conv2d` calls that, mend it first. "
    return ""


def _same_float64_array(came, expected) -> bool:
    require_answer(came)
    if not isinstance(came, np.ndarray):
        raise WrongType(f"A NumPy array was asked for, and {kind_of(came)} came.")
    if came.dtype != np.float64:
        raise WrongType(
            f"The result's dtype is {came.dtype}, and float64 was asked for: `np.zeros(shape)` is float64 by itself, "
            "`np.zeros_like(image)` takes the image's dtype."
        )
    same = same_array(came, expected)
    if not same and same_array(came, expected, tolerance=1e-5):
        raise WrongType(FLOAT32)
    return same


def _padded(image, padding: int, mode: str = "constant") -> np.ndarray:
    return np.pad(image.astype(float), padding, mode=mode)


def _correlate(image, kernel, stride: int = 1, padding: int = 0) -> np.ndarray:
    return correlate2d(_padded(image, padding), kernel.astype(float), mode="valid")[::stride, ::stride]


def _changed(change):
    """A program that does something to the right answer."""
    return lambda image, kernel, stride=1, padding=0: change(_correlate(image, kernel, stride, padding))


def _with_kernel(change):
    """A program that does something to the kernel first."""
    return lambda image, kernel, stride=1, padding=0: _correlate(image, change(kernel), stride, padding)


def _with_image(change):
    """A program that pads in a way of its own: `change` takes image and padding and gives the padded image."""
    return lambda image, kernel, stride=1, padding=0: _correlate(change(image.astype(float), padding), kernel, stride)


def _without_stride_in_place(image, kernel, stride=1, padding=0) -> np.ndarray:
    """As many outputs as there should be, of windows that begin at (i, j)."""
    rows, columns = _correlate(image, kernel, stride, padding).shape
    return _correlate(image, kernel, 1, padding)[:rows, :columns]


def _in_the_images_dtype(image, kernel, stride=1, padding=0) -> np.ndarray:
    """Products in the dtype that image and kernel have together; it wraps around where that is a small one."""
    padded = np.pad(image, padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3)).astype(float)


def _in_the_images_dtype_once(image, kernel, stride=1, padding=0) -> np.ndarray:
    """Right sums, kept in an array of the image's dtype and made float64 at the end."""
    with np.errstate(invalid="ignore"):
        return _correlate(image, kernel, stride, padding).astype(int).astype(image.dtype).astype(float)


def _with_square_windows(image, kernel, stride=1, padding=0) -> np.ndarray:
    """Windows as wide as the kernel is high, which NumPy stretches over a kernel of one row."""
    windows = np.lib.stride_tricks.sliding_window_view(_padded(image, padding), (len(kernel), len(kernel)))
    return (windows[::stride, ::stride] * kernel).sum(axis=(2, 3))


def _with_sides_exchanged(image, kernel, stride=1, padding=0) -> np.ndarray:
    """Windows as high as the kernel is wide, which NumPy stretches over a kernel of one row or one column."""
    windows = np.lib.stride_tricks.sliding_window_view(_padded(image, padding), kernel.shape[::-1])
    return (windows[::stride, ::stride] * kernel).sum(axis=(2, 3))


CONVOLUTION_MISTAKES = [
    Mistake("Rows and columns are exchanged: the result was transposed.", _changed(np.transpose)),
    Mistake(
        "`kernel.shape` is (rows, columns): write `kh, kw = kernel.shape`; height comes first.",
        _with_sides_exchanged,
    ),
    Mistake(
        "The kernel was flipped: that is a convolution as mathematicians mean it; Keras, and this course, lay the "
        "kernel on the image as it is.",
        lambda image, kernel, stride=1, padding=0: convolve2d(
            _padded(image, padding), kernel.astype(float), mode="valid"
        )[::stride, ::stride],
    ),
    Mistake("The kernel was transposed: rows of the kernel lie on rows of the image.", _with_kernel(np.transpose)),
    Mistake(
        "`stride` is not used.",
        lambda image, kernel, stride=1, padding=0: _correlate(image, kernel, 1, padding),
    ),
    Mistake(
        "The output has the right shape, and its windows stand too close: output (i, j) belongs to the window that "
        "begins at (i * stride, j * stride).",
        _without_stride_in_place,
    ),
    Mistake("`padding` is not used.", lambda image, kernel, stride=1, padding=0: _correlate(image, kernel, stride)),
    Mistake(
        "The padding stands before the image only: it belongs on all four sides.",
        _with_image(lambda image, padding: np.pad(image, ((padding, 0), (padding, 0)))),
    ),
    Mistake(
        "The padding stands after the image only: it belongs on all four sides.",
        _with_image(lambda image, padding: np.pad(image, ((0, padding), (0, padding)))),
    ),
    Mistake(
        "The padding repeats the image's edge: it was asked to be zeros.",
        _with_image(lambda image, padding: np.pad(image, padding, mode="edge")),
    ),
    Mistake(
        "The padding mirrors the image: it was asked to be zeros.",
        _with_image(lambda image, padding: np.pad(image, padding, mode="reflect")),
    ),
    Mistake(
        "The products were averaged: they are added up.",
        lambda image, kernel, stride=1, padding=0: _correlate(image, kernel, stride, padding) / kernel.size,
    ),
    Mistake("Negative values became 0: that is a ReLU, a layer of its own.", _changed(lambda out: np.maximum(out, 0))),
    Mistake("The sign was lost: give the sums as they are.", _changed(np.abs)),
    Mistake("Values were cut to 0..255: a feature map is no picture.", _changed(lambda out: np.clip(out, 0, 255))),
    Mistake(
        "Small integers wrapped around (in uint8, 200 * 2 is 144): make image and kernel float64 before you multiply.",
        _in_the_images_dtype,
    ),
    Mistake(
        "The sums were kept in an array of the image's dtype, which holds neither fractions nor all negative numbers.",
        _in_the_images_dtype_once,
    ),
    Mistake(
        "The last row and column of windows are missing: (H - kh) // stride + 1 windows fit, not (H - kh) // stride.",
        _changed(lambda out: out[:-1, :-1]),
    ),
    Mistake(
        "The output is as large as the image: without padding it is smaller, by what the kernel hangs over.",
        lambda image, kernel, stride=1, padding=0: correlate2d(image.astype(float), kernel.astype(float), mode="same"),
    ),
    Mistake(
        "The matrix product (`@`) of window and kernel was taken: multiply element by element, with `*`.",
        lambda image, kernel, stride=1, padding=0: (
            np.lib.stride_tricks.sliding_window_view(_padded(image, padding), kernel.shape)[::stride, ::stride] @ kernel
        ).sum(axis=(2, 3)),
    ),
    Mistake(
        "The kernel was taken for square: it has kernel.shape[0] rows and kernel.shape[1] columns.",
        _with_kernel(lambda kernel: kernel[:, : len(kernel)]),
    ),
    Mistake(
        "The windows were taken for square: they are as high and as wide as the kernel, kernel.shape[0] by "
        "kernel.shape[1]; NumPy stretched them to fit.",
        _with_square_windows,
    ),
    Mistake(
        "Only the middle of each window was used: the whole kernel counts.",
        _with_kernel(lambda kernel: kernel * (np.indices(kernel.shape) == _middle(kernel)).all(axis=0)),
    ),
]


def _middle(kernel) -> np.ndarray:
    return (np.array(kernel.shape) // 2)[:, None, None]


def bad_convolutions(image) -> list[tuple]:
    """What must be refused, as (arguments, the arguments that a message may name, because), made of an image."""
    height, width = image.shape
    kernel = np.ones((2, 2))
    too_large = ("kernel", "image", "size", "padding")  # size: what conv_output_size calls the image's
    return [
        ((image, kernel, 0), ("stride",), "stride is 0, and a step must be at least 1"),
        ((image, kernel, 1, -1), ("padding",), "padding is -1"),
        ((image, kernel, -2), ("stride",), "stride is -2"),
        ((image, np.ones((height + 1, 1))), too_large, f"the kernel has {height + 1} rows and the image {height}"),
        ((image, np.ones((1, width + 3)), 1, 1), too_large, "the kernel is wider than the padded image"),
        ((image, np.ones((0, 2))), ("kernel",), "the kernel has no row"),
    ]


# --- max_pool2d ------------------------------------------------------------------------------------------------------


def expect_pooling(learner, feature_map, *size_and_stride, **kwargs) -> None:
    """The learner's pooled map holds the largest value of each window that fits."""
    expect(
        learner,
        "max_pool2d",
        feature_map,
        *size_and_stride,
        expected=_windows(feature_map, *size_and_stride, **kwargs).max(axis=(2, 3)),
        same=same_array,
        mistakes=POOLING_MISTAKES,
        otherwise="Look at one window: output (i, j) is the largest value of rows i * stride to i * stride + size - 1, "
        "and of the same columns with j.",
        **kwargs,
    )


def _windows(feature_map, size: int = 2, stride: int | None = None) -> np.ndarray:
    """All windows that fit, `(H', W', size, size)`."""
    stride = size if stride is None else stride
    return np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride]


def _pooled(summary):
    """A program that summarises each window in another way."""
    return lambda feature_map, size=2, stride=None: summary(_windows(feature_map, size, stride), axis=(2, 3))


def _pooled_largest_absolute(windows, axis) -> np.ndarray:
    low, high = windows.min(axis=axis), windows.max(axis=axis)
    return np.where(-low > high, low, high)


def _pooled_padded(fill):
    """A program that also pools the windows which hang over the edge, as if `fill` stood there."""

    def program(feature_map, size=2, stride=None):
        step = size if stride is None else stride
        beyond = [-(length - size) % step for length in feature_map.shape]
        wider = np.pad(feature_map.astype(float), [(0, more) for more in beyond], constant_values=fill)
        return _windows(wider, size, stride).max(axis=(2, 3))

    return program


def _pooled_as(size_of, stride_of):
    """A program that takes the wrong size or stride, given as functions of the two."""
    return lambda feature_map, size=2, stride=None: _windows(
        feature_map, size_of(size, stride), stride_of(size, stride)
    ).max(axis=(2, 3))


def _pooled_one_less(feature_map, size=2, stride=None) -> np.ndarray:
    """A program whose ranges stop before the last window."""
    step = size if stride is None else stride
    pooled = _windows(feature_map, size, stride).max(axis=(2, 3))
    rows, columns = (len(range(0, length - size, step)) for length in feature_map.shape)
    return pooled[:rows, :columns]


def _cropped_to_whole_windows(feature_map, size=2, stride=None) -> np.ndarray:
    """A program that first cuts off what is left over of windows side by side, whatever the stride."""
    rows, columns = (length // size * size for length in feature_map.shape)
    return _windows(feature_map[:rows, :columns], size, stride).max(axis=(2, 3))


POOLING_MISTAKES = [
    Mistake(
        "Too much was cut off: H // size * size rows hold all windows only where these lie side by side; with a "
        "smaller stride, windows also begin in between.",
        _cropped_to_whole_windows,
    ),
    Mistake(
        "The fractions were cut off: the results were kept in an array of whole numbers, or made `int`.",
        _pooled(lambda windows, axis: np.trunc(windows.max(axis=axis))),
    ),
    Mistake(FLOAT32, _pooled(lambda windows, axis: windows.max(axis=axis).astype(np.float32))),
    Mistake(
        "Negative maxima became 0: start from the window's own values (or -inf), never from 0.",
        _pooled(lambda windows, axis: np.maximum(windows.max(axis=axis), 0)),
    ),
    Mistake("The mean of each window was taken: the largest value was asked for.", _pooled(np.mean)),
    Mistake("The smallest value of each window was taken: the largest was asked for.", _pooled(np.min)),
    Mistake("The largest distance from 0 was taken: -9 is smaller than 1.", _pooled(_pooled_largest_absolute)),
    Mistake(
        "Windows that hang over the edge were pooled, too: they are dropped.",
        _pooled_padded(-np.inf),
    ),
    Mistake(
        "The map was padded with zeros: windows that do not fit are dropped.",
        _pooled_padded(0),
    ),
    Mistake(
        "`stride` is not used: the windows lie side by side, whatever the caller asks for.",
        _pooled_as(lambda size, stride: size, lambda size, stride: size),
    ),
    Mistake(
        "Without a stride the windows move one by one: `stride` defaults to `size`.",
        _pooled_as(lambda size, stride: size, lambda size, stride: 1 if stride is None else stride),
    ),
    Mistake(
        "Without a stride the windows move by 2: `stride` defaults to `size`, which is not always 2.",
        _pooled_as(lambda size, stride: size, lambda size, stride: 2 if stride is None else stride),
    ),
    Mistake(
        "`size` is not used: the windows are 2 x 2 whatever the caller asks for.",
        _pooled_as(lambda size, stride: 2, lambda size, stride: size if stride is None else stride),
    ),
    Mistake(
        "The windows are as large as the stride: `size` says how large they are, `stride` how far apart.",
        _pooled_as(lambda size, stride: stride or size, lambda size, stride: stride or size),
    ),
    Mistake(
        "The last window is missing: `range(0, H - size + 1, stride)` holds it, `range(0, H - size, stride)` may not.",
        _pooled_one_less,
    ),
    Mistake(
        "Rows and columns are exchanged: the result was transposed.",
        lambda feature_map, size=2, stride=None: _windows(feature_map, size, stride).max(axis=(2, 3)).T,
    ),
    Mistake(
        "One number came for the whole map: take the largest of each window.",
        lambda feature_map, size=2, stride=None: np.full((1, 1), feature_map.max()),
    ),
]

# --- conv_parameters -------------------------------------------------------------------------------------------------


def expect_parameters(learner, kernel: int, in_channels: int, out_channels: int, *bias, **kwargs) -> None:
    """The learner's number is that of the elements of the arrays that such a layer holds."""
    has_bias = (*bias, *kwargs.values(), True)[0]
    weights = np.broadcast_to(0.0, (kernel, kernel, in_channels, out_channels))
    expect(
        learner,
        "conv_parameters",
        kernel,
        in_channels,
        out_channels,
        *bias,
        expected=weights.size + (np.broadcast_to(0.0, out_channels).size if has_bias else 0),
        same=same_whole_number,
        mistakes=PARAMETER_MISTAKES,
        otherwise="Each of the out_channels filters has kernel * kernel * in_channels weights, and one bias.",
        **kwargs,
    )


PARAMETER_MISTAKES = [
    Mistake(
        "The kernel is square: it has kernel * kernel weights for each input channel.",
        lambda k, i, o, bias=True: k * i * o + o * bias,
    ),
    Mistake(
        "`bias` is not used: with bias=False no bias is counted.",
        lambda k, i, o, bias=True: k * k * i * o + o,
    ),
    Mistake("The biases are missing: one for each output channel.", lambda k, i, o, bias=True: k * k * i * o),
    Mistake(
        "One bias was counted for the whole layer: each output channel has its own.",
        lambda k, i, o, bias=True: k * k * i * o + bias,
    ),
    Mistake(
        "A bias was counted for each input channel: each output channel has one.",
        lambda k, i, o, bias=True: k * k * i * o + i * bias,
    ),
    Mistake(
        "A bias was counted for each pair of channels: a filter adds up over its input channels, then adds one bias.",
        lambda k, i, o, bias=True: (k * k + bias) * i * o,
    ),
    Mistake(
        "The input channels are missing: a filter looks at all of them.",
        lambda k, i, o, bias=True: (k * k + bias) * o,
    ),
    Mistake(
        "The output channels are missing: that is one filter, and there are out_channels of them.",
        lambda k, i, o, bias=True: k * k * i + bias,
    ),
    Mistake(
        "The channels were added: each filter has weights for each input channel, so they are multiplied.",
        lambda k, i, o, bias=True: k * k * (i + o) + o * bias,
    ),
]

# --- receptive_field -------------------------------------------------------------------------------------------------


def expect_receptive_field(learner, layers: list[tuple[int, int]]) -> None:
    """The learner's receptive field is the one found by following an output unit back to the pixels that it sees."""
    expect(
        learner,
        "receptive_field",
        layers,
        expected=_pixels_seen(layers),
        same=same_whole_number,
        mistakes=FIELD_MISTAKES,
        otherwise="Each layer adds (kernel - 1) steps; a step is as many pixels as the strides of the layers before "
        "it, multiplied.",
    )


def _pixels_seen(layers) -> int:
    """Pixels from the first to the last that one output unit depends on."""
    first = last = 0
    for kernel, stride in reversed(layers):
        first, last = first * stride, last * stride + kernel - 1
    return last - first + 1


def draw_layers(rng, n: int) -> list[tuple[int, int]]:
    """A network of `n` layers; no stride is larger than its kernel, so that no pixel in between is skipped."""
    kernels = rng.choice([1, 2, 3, 5, 7], size=n)
    return [(int(kernel), int(rng.integers(1, min(kernel, 3) + 1))) for kernel in kernels]


def _field(step_of, less: int = 1):
    """A program that adds (kernel - less) * step for each layer; `step_of` gives the steps from the list of strides."""
    return lambda layers: (
        1
        + sum(
            (kernel - less) * int(step)
            for (kernel, _), step in zip(layers, step_of([stride for _, stride in layers]), strict=True)
        )
    )


def _before(strides) -> list[int]:
    """The strides of all layers before each one, multiplied: the width of its steps."""
    return np.cumprod([1, *strides])[:-1].tolist()


def _field_layer_by_layer(layers, update) -> int:
    field = 1
    for kernel, stride in layers:
        field = update(field, kernel, stride)
    return field


def _none_for_no_layers(layers) -> int:
    if layers:
        raise LookupError("only a mistake where there are no layers")
    return 0


FIELD_MISTAKES = [
    Mistake("With no layers a unit is a pixel, and sees 1: the receptive field is not 0 then.", _none_for_no_layers),
    Mistake(
        "The strides are not used: after a stride of 2, one step of the next kernel is two pixels.",
        _field(lambda strides: [1] * len(strides)),
    ),
    Mistake(
        "A layer's own stride was counted too early: it widens the steps of the layers after it, not its own.",
        _field(np.cumprod),
    ),
    Mistake(
        "Only one stride was used for each layer: the strides of all layers before it are multiplied.",
        _field(lambda strides: [1, *strides[:-1]][: len(strides)]),
    ),
    Mistake(
        "Each layer's own stride was used: its steps are as wide as the strides before it, multiplied.",
        _field(lambda strides: strides),
    ),
    Mistake(
        "The strides, less one, were added: steps of 2 within steps of 2 are steps of 4, so multiply by each stride.",
        _field(lambda strides: 1 + np.concatenate([[0], np.cumsum(np.array(strides) - 1)[:-1]])),
    ),
    Mistake(
        "The strides were added: steps of 2 within steps of 2 are steps of 4, so they are multiplied.",
        _field(lambda strides: 1 + np.concatenate([[0], np.cumsum(strides)[:-1]])),
    ),
    Mistake(
        "The layers were read in the wrong order: they are listed from input to output.",
        lambda layers: _pixels_seen(layers[::-1]),
    ),
    Mistake(
        "The kernels were added up: neighbouring windows overlap, so that a layer adds kernel - 1, not kernel.",
        lambda layers: sum(kernel for kernel, _ in layers),
    ),
    Mistake(
        "Each layer adds kernel steps: neighbouring windows overlap, so that it adds kernel - 1.",
        _field(_before, less=0),
    ),
    Mistake(
        "One is missing: with no layers the unit is the pixel itself, and the receptive field is 1.",
        lambda layers: _pixels_seen(layers) - 1,
    ),
    Mistake(
        "The kernels were multiplied: a 3 x 3 after a 3 x 3 sees 5 pixels in a row, not 9.",
        lambda layers: int(np.prod([kernel for kernel, _ in layers])),
    ),
    Mistake(
        "What is seen so far was multiplied by the stride: a stride widens the steps of the layers that follow, so "
        "keep the step in a second variable.",
        lambda layers: _field_layer_by_layer(layers, lambda field, kernel, stride: field * stride + kernel - 1),
    ),
    Mistake(
        "Going back from the output, r units need (r - 1) * stride + kernel inputs, not r * stride + kernel.",
        lambda layers: _field_layer_by_layer(layers[::-1], lambda field, kernel, stride: field * stride + kernel),
    ),
    Mistake(
        "Going back from the output, r units need (r - 1) * stride + kernel inputs, not r * stride + kernel - 1.",
        lambda layers: _field_layer_by_layer(layers[::-1], lambda field, kernel, stride: field * stride + kernel - 1),
    ),
]
