"""Answers to exercise 01-convolution. Each stands alone: its imports are inside it, as one cell of a notebook."""

import numpy as np

from submissions import right, wrong

# --- conv_output_size ------------------------------------------------------------------------------------------------


@right("conv_output_size")
def size_by_formula(size, kernel, stride=1, padding=0):
    if min(size, kernel, stride) < 1:
        raise ValueError("size, kernel and stride must be 1 or more")
    if padding < 0 or kernel > size + 2 * padding:
        raise ValueError("padding is negative, or kernel too large")
    return (size + 2 * padding - kernel) // stride + 1


@right("conv_output_size")
def size_by_numpy(size, kernel, stride=1, padding=0):
    for name, value, least in (
        ("size", size, 1),
        ("kernel", kernel, 1),
        ("stride", stride, 1),
        ("padding", padding, 0),
    ):
        if value < least:
            raise ValueError(f"{name}={value}")
    places = np.floor((size + 2 * padding - kernel) / stride).astype(np.int64) + 1
    if places < 1:
        raise ValueError("kernel does not fit")
    return places


@right("conv_output_size")
def size_by_loop(size, kernel, stride=1, padding=0):
    if size < 1:
        raise ValueError("size")
    if kernel < 1:
        raise ValueError("kernel")
    if stride < 1:
        raise ValueError("stride")
    if padding < 0:
        raise ValueError("padding")
    count, start = 0, -padding
    while start + kernel <= size + padding:
        count += 1
        start += stride
    if count == 0:
        raise ValueError("the kernel is too large")
    return count


@right("conv_output_size")
def size_by_math(size, kernel, stride=1, padding=0):
    import math

    if not (size >= 1 and 1 <= kernel <= size + 2 * padding and stride >= 1 and padding >= 0):
        raise ValueError(f"size {size}, kernel {kernel}, stride {stride} and padding {padding} do not go together")
    return math.floor((size + 2 * padding - kernel) / stride) + 1


@right("conv_output_size")
def size_refused_with_capitals(size, kernel, stride=1, padding=0):
    if size < 1 or padding < 0:
        raise ValueError("Size or Padding is too small")
    if stride < 1:
        raise ValueError("Stride must be at least 1")
    if kernel < 1 or kernel > size + 2 * padding:
        raise ValueError("KERNEL too small or too large")
    return (size + 2 * padding - kernel) // stride + 1


@wrong("conv_output_size", says="The `+ 1` is missing")
def size_without_one(size, kernel, stride=1, padding=0):
    return (size + 2 * padding - kernel) // stride


@wrong("conv_output_size", says="`padding` is not used")
def size_without_padding(size, kernel, stride=1, padding=0):
    return (size - kernel) // stride + 1


@wrong("conv_output_size", says="`stride` is not used")
def size_without_stride(size, kernel, stride=1, padding=0):
    return size + 2 * padding - kernel + 1


@wrong("conv_output_size", says="The padding was counted once")
def size_with_padding_once(size, kernel, stride=1, padding=0):
    return (size + padding - kernel) // stride + 1


@wrong("conv_output_size", says="The last window hangs over the edge")
def size_rounded_up(size, kernel, stride=1, padding=0):
    return int(np.ceil((size + 2 * padding - kernel) / stride)) + 1


@wrong("conv_output_size", says="`round` goes to the nearest number")
def size_rounded_to_the_nearest(size, kernel, stride=1, padding=0):
    return round((size + 2 * padding - kernel) / stride) + 1


@wrong("conv_output_size", says="The `+ 1` was divided, too")
def size_with_one_divided(size, kernel, stride=1, padding=0):
    return (size + 2 * padding - kernel + 1) // stride


@wrong("conv_output_size", says="Only the kernel was divided")
def size_without_parentheses(size, kernel, stride=1, padding=0):
    return size + 2 * padding - kernel // stride + 1


@wrong("conv_output_size", says='padding="same"')
def size_of_padding_same(size, kernel, stride=1, padding=0):
    return -(-size // stride)


@wrong("conv_output_size", says="The padding was taken away")
def size_with_padding_taken_away(size, kernel, stride=1, padding=0):
    return (size - 2 * padding - kernel) // stride + 1


@wrong("conv_output_size", says="A whole number (int) was asked for, and a float came")
def size_as_a_float(size, kernel, stride=1, padding=0):
    return (size + 2 * padding - kernel) / stride + 1


@wrong("conv_output_size", says="Valid input was refused")
def size_that_refuses_a_padded_image(size, kernel, stride=1, padding=0):
    if kernel > size:
        raise ValueError("kernel is larger than size")
    return (size + 2 * padding - kernel) // stride + 1


@wrong("conv_output_size", says="ZeroDivisionError came by accident (stride is 0")
def size_that_refuses_nothing(size, kernel, stride=1, padding=0):
    return (size + 2 * padding - kernel) // stride + 1


@wrong("conv_output_size", says="Bad input went through (the kernel is larger (6)")
def size_that_refuses_no_large_kernel(size, kernel, stride=1, padding=0):
    if size < 1 or kernel < 1 or stride < 1 or padding < 0:
        raise ValueError("size, kernel, stride or padding is too small")
    return (size + 2 * padding - kernel) // stride + 1


@wrong("conv_output_size", says="does not say which argument is wrong")
def size_that_refuses_without_a_name(size, kernel, stride=1, padding=0):
    if size < 1 or kernel < 1 or stride < 1 or padding < 0 or kernel > size + 2 * padding:
        raise ValueError("bad input")
    return (size + 2 * padding - kernel) // stride + 1


# --- conv2d ----------------------------------------------------------------------------------------------------------


@right("conv2d")
def convolution_by_loops(image, kernel, stride=1, padding=0):
    if stride < 1 or padding < 0:
        raise ValueError(f"stride {stride} or padding {padding}")
    h, w = image.shape[0] + 2 * padding, image.shape[1] + 2 * padding
    kh, kw = kernel.shape
    if not (1 <= kh <= h and 1 <= kw <= w):
        raise ValueError("kernel does not fit")
    padded = np.zeros((h, w))
    padded[padding : h - padding, padding : w - padding] = image
    out = np.empty(((h - kh) // stride + 1, (w - kw) // stride + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            total = 0.0
            for a in range(kh):
                for b in range(kw):
                    total += padded[i * stride + a, j * stride + b] * kernel[a, b]
            out[i, j] = total
    return out


@right("conv2d")
def convolution_by_scipy(image, kernel, stride=1, padding=0):
    from scipy.signal import correlate

    if stride < 1 or padding < 0:
        raise ValueError("stride below 1 or padding below 0")
    padded = np.pad(image.astype(np.float64), padding)
    if 0 in kernel.shape or any(k > n for k, n in zip(kernel.shape, padded.shape, strict=True)):
        raise ValueError("kernel is empty or larger than the image")
    return correlate(padded, kernel.astype(np.float64), mode="valid", method="fft")[::stride, ::stride]


@right("conv2d")
def convolution_by_einsum(image, kernel, stride=1, padding=0):
    if stride < 1 or padding < 0:
        raise ValueError("stride, padding")
    padded = np.pad(image, padding).astype(float)
    if kernel.size == 0 or kernel.shape[0] > padded.shape[0] or kernel.shape[1] > padded.shape[1]:
        raise ValueError("image smaller than the kernel")
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
    return np.einsum("ijab,ab->ij", windows[::stride, ::stride], kernel.astype(float))


@right("conv2d")
def convolution_by_shifting_the_image(image, kernel, stride=1, padding=0):
    if stride < 1:
        raise ValueError("stride")
    if padding < 0:
        raise ValueError("padding")
    padded = np.pad(np.asarray(image, dtype=float), padding)
    rows, columns = (n - k + 1 for n, k in zip(padded.shape, kernel.shape, strict=True))
    if min(kernel.shape) < 1 or min(rows, columns) < 1:
        raise ValueError("the kernel does not fit")
    total = np.zeros((rows, columns))
    for (a, b), weight in np.ndenumerate(kernel):
        total += weight * padded[a : a + rows, b : b + columns]
    return total[::stride, ::stride]


@right("conv2d")
def convolution_that_names_what_conv_output_size_names(image, kernel, stride=1, padding=0):
    from scipy.signal import correlate2d

    for size, k in zip(image.shape, kernel.shape, strict=True):
        if k < 1 or stride < 1 or padding < 0:
            raise ValueError("Kernel, Stride or Padding is too small")
        if size + 2 * padding < k:
            raise ValueError(f"size {size} is too small")
    return correlate2d(np.pad(image.astype(float), padding), kernel.astype(float), mode="valid")[::stride, ::stride]


@wrong("conv2d", says="The kernel was flipped")
def convolution_with_the_kernel_flipped(image, kernel, stride=1, padding=0):
    from scipy.signal import convolve2d

    return convolve2d(np.pad(image, padding), kernel, mode="valid")[::stride, ::stride]


@wrong("conv2d", says="The kernel was transposed")
def convolution_with_the_kernel_transposed(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return np.sum(windows * kernel.T, axis=(2, 3))


@wrong("conv2d", says="`stride` is not used")
def convolution_without_stride(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)
    return (windows * kernel).sum(axis=(2, 3))


@wrong("conv2d", says="its windows stand too close")
def convolution_with_the_stride_in_the_shape_only(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    kh, kw = kernel.shape
    out = np.zeros(((padded.shape[0] - kh) // stride + 1, (padded.shape[1] - kw) // stride + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.sum(padded[i : i + kh, j : j + kw] * kernel)
    return out


@wrong("conv2d", says="`padding` is not used")
def convolution_without_padding(image, kernel, stride=1, padding=0):
    padded = image.astype(float)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3))


@wrong("conv2d", says="before the image only")
def convolution_with_padding_before(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), ((padding, 0), (padding, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3))


@wrong("conv2d", says="after the image only")
def convolution_with_padding_after(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), ((0, padding), (0, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3))


@wrong("conv2d", says="repeats the image's edge")
def convolution_with_the_edge_repeated(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3))


@wrong("conv2d", says="mirrors the image")
def convolution_with_the_image_mirrored(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3))


@wrong("conv2d", says="The products were averaged")
def convolution_averaged(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).mean(axis=(2, 3))


@wrong("conv2d", says="that is a ReLU")
def convolution_with_relu(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return np.maximum((windows * kernel).sum(axis=(2, 3)), 0)


@wrong("conv2d", says="The sign was lost")
def convolution_without_sign(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return np.abs((windows * kernel).sum(axis=(2, 3)))


@wrong("conv2d", says="a feature map is no picture")
def convolution_cut_to_grey_values(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return np.clip((windows * kernel).sum(axis=(2, 3)), 0, 255)


@wrong("conv2d", says="Small integers wrapped around")
def convolution_in_small_integers(image, kernel, stride=1, padding=0):
    padded = np.pad(image, padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3)).astype(float)


@wrong("conv2d", says="kept in an array of the image's dtype")
def convolution_kept_as_an_image(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    out = np.zeros(windows.shape[:2], dtype=image.dtype)
    for place in np.ndindex(out.shape):
        out[place] = int(np.sum(windows[place] * kernel)) if image.dtype == int else np.sum(windows[place] * kernel)
    return out.astype(float)


@wrong("conv2d", says="The result's dtype is int64")
def convolution_of_whole_numbers_only(image, kernel, stride=1, padding=0):
    padded = np.pad(image, padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3))


@wrong("conv2d", says="The result's dtype is float32")
def convolution_in_float32(image, kernel, stride=1, padding=0):
    padded = np.pad(image, padding).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3), dtype=np.float32)


@wrong("conv2d", says="as float32 holds it")
def convolution_in_float32_for_a_while(image, kernel, stride=1, padding=0):
    padded = np.pad(image, padding).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel.astype(np.float32)).sum(axis=(2, 3)).astype(float)


@wrong("conv2d", says="the result was transposed")
def convolution_transposed(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3)).T


@wrong("conv2d", says="write `kh, kw = kernel.shape`")
def convolution_with_height_and_width_exchanged(image, kernel, stride=1, padding=0):
    kw, kh = kernel.shape
    padded = np.pad(image.astype(float), padding)
    out = np.zeros(((padded.shape[0] - kh) // stride + 1, (padded.shape[1] - kw) // stride + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            window = padded[i * stride : i * stride + kh, j * stride : j * stride + kw]
            out[i, j] = np.sum(window * kernel)
    return out


@wrong("conv2d", says="The last row and column of windows are missing")
def convolution_without_the_last_windows(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    kh, kw = kernel.shape
    rows, columns = range(0, len(padded) - kh, stride), range(0, len(padded[0]) - kw, stride)
    return np.array([[np.sum(padded[i : i + kh, j : j + kw] * kernel) for j in columns] for i in rows])


@wrong("conv2d", says="The output is as large as the image")
def convolution_of_the_same_size(image, kernel, stride=1, padding=0):
    from scipy.signal import correlate2d

    return correlate2d(image.astype(float), kernel, mode="same")


@wrong("conv2d", says="The matrix product (`@`)")
def convolution_by_a_matrix_product(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows @ kernel).sum(axis=(2, 3))


@wrong("conv2d", says="The kernel was taken for square")
def convolution_of_square_kernels(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    k = kernel.shape[0]
    out = np.zeros(((padded.shape[0] - k) // stride + 1, (padded.shape[1] - k) // stride + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for a in range(k):
                for b in range(k):
                    out[i, j] += padded[i * stride + a, j * stride + b] * kernel[a, b]
    return out


@wrong("conv2d", says="The windows were taken for square")
def convolution_of_square_windows(image, kernel, stride=1, padding=0):
    k = len(kernel)
    padded = np.pad(image.astype(float), padding)
    rows, columns = ((length - k) // stride + 1 for length in padded.shape)
    out = np.zeros((rows, columns))
    for i in range(rows):
        for j in range(columns):
            out[i, j] = np.sum(padded[i * stride : i * stride + k, j * stride : j * stride + k] * kernel)
    return out


@wrong("conv2d", says="A NumPy array was asked for, and a list of 2 came")
def convolution_as_lists(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return (windows * kernel).sum(axis=(2, 3)).tolist()


@wrong("conv2d", says="Only the middle of each window was used")
def convolution_of_the_middle(image, kernel, stride=1, padding=0):
    kh, kw = kernel.shape
    padded = np.pad(image.astype(float), padding)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape)[::stride, ::stride]
    return windows[:, :, kh // 2, kw // 2] * kernel[kh // 2, kw // 2]


@wrong("conv2d", says="Your function changes its arguments")
def convolution_that_turns_the_kernel_round(image, kernel, stride=1, padding=0):
    from scipy.signal import convolve2d

    kernel[:] = kernel[::-1, ::-1].copy()
    return convolve2d(np.pad(image.astype(float), padding), kernel, mode="valid")[::stride, ::stride]


@wrong("conv2d", says="does not say which argument is wrong")
def convolution_that_leaves_refusing_to_numpy(image, kernel, stride=1, padding=0):
    padded = np.pad(image.astype(float), padding)
    kh, kw = kernel.shape
    out = np.zeros((len(range(0, padded.shape[0] - kh + 1, stride)), len(range(0, padded.shape[1] - kw + 1, stride))))
    for i, j in np.ndindex(out.shape):
        out[i, j] = np.sum(padded[i * stride :, j * stride :][:kh, :kw] * kernel)
    return out


@wrong("conv2d", says="Bad input went through (the kernel has 4 rows")
def convolution_that_refuses_no_large_kernel(image, kernel, stride=1, padding=0):
    if stride < 1 or padding < 0:
        raise ValueError("stride or padding")
    padded = np.pad(image.astype(float), padding)
    kh, kw = kernel.shape
    rows, columns = range(0, len(padded) - kh + 1, stride), range(0, len(padded[0]) - kw + 1, stride)
    out = np.zeros((len(rows), len(columns)))
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            out[i, j] = np.sum(padded[top : top + kh, left : left + kw] * kernel)
    return out


@wrong("conv2d", says="Not written yet")
def convolution_not_written(image, kernel, stride=1, padding=0):
    raise NotImplementedError


# --- max_pool2d ------------------------------------------------------------------------------------------------------


@right("max_pool2d")
def pooling_by_loops(feature_map, size=2, stride=None):
    stride = stride or size
    height, width = feature_map.shape
    pooled = []
    for top in range(0, height - size + 1, stride):
        row = []
        for left in range(0, width - size + 1, stride):
            largest = -float("inf")
            for i in range(size):
                for j in range(size):
                    largest = max(largest, feature_map[top + i, left + j])
            row.append(float(largest))
        pooled.append(row)
    return pooled


@right("max_pool2d")
def pooling_by_windows(feature_map, size=2, stride=None):
    if stride is None:
        stride = size
    return np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride].max(axis=(-1, -2))


@right("max_pool2d")
def pooling_by_shifting(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    rows, columns = feature_map.shape[0] - size + 1, feature_map.shape[1] - size + 1
    shifted = [feature_map[a : a + rows, b : b + columns] for a in range(size) for b in range(size)]
    return np.maximum.reduce(shifted)[::stride, ::stride]


@right("max_pool2d")
def pooling_by_scipy(feature_map, size=2, stride=None):
    from scipy.ndimage import maximum_filter

    stride = size if stride is None else stride
    rows, columns = feature_map.shape[0] - size + 1, feature_map.shape[1] - size + 1
    return maximum_filter(feature_map, size, origin=-(size // 2))[:rows:stride, :columns:stride]


@wrong("max_pool2d", says="Negative maxima became 0")
def pooling_from_zero(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    rows = range(0, feature_map.shape[0] - size + 1, stride)
    columns = range(0, feature_map.shape[1] - size + 1, stride)
    pooled = np.zeros((len(rows), len(columns)))
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            for value in feature_map[top : top + size, left : left + size].ravel():
                if value > pooled[i, j]:
                    pooled[i, j] = value
    return pooled


@wrong("max_pool2d", says="Too much was cut off")
def pooling_of_whole_windows_only(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    rows, columns = (length // size * size for length in feature_map.shape)
    windows = np.lib.stride_tricks.sliding_window_view(feature_map[:rows, :columns], (size, size))
    return windows[::stride, ::stride].max(axis=(2, 3))


@wrong("max_pool2d", says="The fractions were cut off")
def pooling_to_whole_numbers(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    rows, columns = (range(0, length - size + 1, stride) for length in feature_map.shape)
    pooled = np.zeros((len(rows), len(columns)), dtype=int)
    for i, top in enumerate(rows):
        for j, left in enumerate(columns):
            pooled[i, j] = feature_map[top : top + size, left : left + size].max()
    return pooled


@wrong("max_pool2d", says="as float32 holds it")
def pooling_in_float32(feature_map, size=2, stride=None):
    return pooling_by_windows(feature_map.astype("float32"), size, stride)


@wrong("max_pool2d", says="The mean of each window was taken")
def pooling_by_the_mean(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    windows = np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride]
    return windows.mean(axis=(2, 3))


@wrong("max_pool2d", says="The smallest value of each window")
def pooling_by_the_smallest(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    windows = np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride]
    return windows.min(axis=(2, 3))


@wrong("max_pool2d", says="The largest distance from 0 was taken")
def pooling_by_the_largest_distance(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    windows = np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride]
    flat = windows.reshape(*windows.shape[:2], size * size)
    return np.take_along_axis(flat, np.abs(flat).argmax(axis=2)[..., None], axis=2)[..., 0]


@wrong("max_pool2d", says="Windows that hang over the edge were pooled, too")
def pooling_beyond_the_edge(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    rows, columns = range(0, feature_map.shape[0], stride), range(0, feature_map.shape[1], stride)
    return np.array([[feature_map[i : i + size, j : j + size].max() for j in columns] for i in rows])


@wrong("max_pool2d", says="The map was padded with zeros")
def pooling_padded_with_zeros(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    beyond = [-(length - size) % stride for length in feature_map.shape]
    padded = np.pad(feature_map, [(0, more) for more in beyond])
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size))[::stride, ::stride].max(axis=(2, 3))


@wrong("max_pool2d", says="`stride` is not used")
def pooling_without_stride(feature_map, size=2, stride=None):
    stride = size
    windows = np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride]
    return windows.max(axis=(2, 3))


@wrong("max_pool2d", says="Without a stride the windows move one by one")
def pooling_one_by_one(feature_map, size=2, stride=None):
    stride = stride or 1
    windows = np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride]
    return windows.max(axis=(2, 3))


@wrong("max_pool2d", says="Without a stride the windows move by 2")
def pooling_two_by_two(feature_map, size=2, stride=None):
    stride = stride or 2
    windows = np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride]
    return windows.max(axis=(2, 3))


@wrong("max_pool2d", says="`size` is not used")
def pooling_with_windows_of_two(feature_map, size=2, stride=None):
    stride = stride or size
    size = 2
    windows = np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride]
    return windows.max(axis=(2, 3))


@wrong("max_pool2d", says="The windows are as large as the stride")
def pooling_with_windows_as_large_as_the_stride(feature_map, size=2, stride=None):
    size = stride = stride or size
    windows = np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride]
    return windows.max(axis=(2, 3))


@wrong("max_pool2d", says="Rows and columns are exchanged")
def pooling_transposed(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    windows = np.lib.stride_tricks.sliding_window_view(feature_map, (size, size))[::stride, ::stride]
    return windows.max(axis=(2, 3)).T


@wrong("max_pool2d", says="The last window is missing")
def pooling_without_the_last_window(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    rows, columns = (range(0, length - size, stride) for length in feature_map.shape)
    return np.array([[feature_map[i : i + size, j : j + size].max() for j in columns] for i in rows])


@wrong("max_pool2d", says="One number came for the whole map")
def pooling_of_everything(feature_map, size=2, stride=None):
    return feature_map.max(keepdims=True)


@wrong("max_pool2d", says="An array of numbers was asked for, and a float64 came")
def pooling_to_a_number(feature_map, size=2, stride=None):
    return feature_map.max()


@wrong("max_pool2d", says="Valid input was refused")
def pooling_by_reshape(feature_map, size=2, stride=None):
    height, width = feature_map.shape
    return feature_map.reshape(height // size, size, width // size, size).max(axis=(1, 3))


@wrong("max_pool2d", says="A value of one type is used as another")
def pooling_without_a_default_stride(feature_map, size=2, stride=None):
    rows, columns = (range(0, length - size + 1, stride) for length in feature_map.shape)
    return np.array([[feature_map[i : i + size, j : j + size].max() for j in columns] for i in rows])


@wrong("max_pool2d", says="Your function changes its arguments")
def pooling_in_place(feature_map, size=2, stride=None):
    stride = size if stride is None else stride
    rows, columns = (len(range(0, length - size + 1, stride)) for length in feature_map.shape)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            feature_map[i, j] = feature_map[top : top + size, left : left + size].max()
    return feature_map[:rows, :columns]


# --- conv_parameters -------------------------------------------------------------------------------------------------


@right("conv_parameters")
def parameters_by_formula(kernel, in_channels, out_channels, bias=True):
    return (kernel**2 * in_channels + bias) * out_channels


@right("conv_parameters")
def parameters_by_shapes(kernel, in_channels, out_channels, bias=True):
    shapes = [(kernel, kernel, in_channels, out_channels)] + [(out_channels,)] * bool(bias)
    return sum(np.prod(shape) for shape in shapes)


@right("conv_parameters")
def parameters_by_adding_filters(kernel, in_channels, out_channels, bias=True):
    total = 0
    for _ in range(out_channels):
        total += kernel * kernel * in_channels
        if bias:
            total += 1
    return total


@wrong("conv_parameters", says="The kernel is square")
def parameters_of_a_row(kernel, in_channels, out_channels, bias=True):
    return kernel * in_channels * out_channels + (out_channels if bias else 0)


@wrong("conv_parameters", says="`bias` is not used")
def parameters_always_with_bias(kernel, in_channels, out_channels, bias=True):
    return kernel**2 * in_channels * out_channels + out_channels


@wrong("conv_parameters", says="The biases are missing")
def parameters_never_with_bias(kernel, in_channels, out_channels, bias=True):
    return kernel**2 * in_channels * out_channels


@wrong("conv_parameters", says="One bias was counted for the whole layer")
def parameters_with_one_bias(kernel, in_channels, out_channels, bias=True):
    return kernel**2 * in_channels * out_channels + int(bias)


@wrong("conv_parameters", says="A bias was counted for each input channel")
def parameters_with_biases_of_the_input(kernel, in_channels, out_channels, bias=True):
    return kernel**2 * in_channels * out_channels + bias * in_channels


@wrong("conv_parameters", says="A bias was counted for each pair of channels")
def parameters_with_biases_of_pairs(kernel, in_channels, out_channels, bias=True):
    return (kernel**2 + bias) * in_channels * out_channels


@wrong("conv_parameters", says="The input channels are missing")
def parameters_without_input_channels(kernel, in_channels, out_channels, bias=True):
    return (kernel**2 + bias) * out_channels


@wrong("conv_parameters", says="The output channels are missing")
def parameters_of_one_filter(kernel, in_channels, out_channels, bias=True):
    return kernel**2 * in_channels + bias


@wrong("conv_parameters", says="The channels were added")
def parameters_with_channels_added(kernel, in_channels, out_channels, bias=True):
    return kernel**2 * (in_channels + out_channels) + bias * out_channels


@wrong("conv_parameters", says="A whole number (int) was asked for")
def parameters_as_a_float(kernel, in_channels, out_channels, bias=True):
    return float(kernel**2 * in_channels * out_channels + bias * out_channels)


# --- receptive_field -------------------------------------------------------------------------------------------------


@right("receptive_field")
def field_from_the_input(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field, step = field + (kernel - 1) * step, step * stride
    return field


@right("receptive_field")
def field_from_the_output(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


@right("receptive_field")
def field_by_recursion(layers):
    if not layers:
        return 1
    (kernel, stride), *rest = layers
    return kernel + (field_by_recursion(rest) - 1) * stride


@right("receptive_field")
def field_by_numpy(layers):
    if len(layers) == 0:
        return 1
    kernels, strides = np.array(layers).T
    steps = np.concatenate([[1], np.cumprod(strides)[:-1]])
    return 1 + np.sum((kernels - 1) * steps)


@right("receptive_field")
def field_by_pixels(layers):
    seen = {0}
    for kernel, stride in layers[::-1]:
        seen = {unit * stride + offset for unit in seen for offset in range(kernel)}
    return max(seen) - min(seen) + 1


@right("receptive_field")
def field_without_skipped_pixels(layers):  # another number than the span only where a stride is above its kernel
    seen = {0}
    for kernel, stride in layers[::-1]:
        seen = {unit * stride + offset for unit in seen for offset in range(kernel)}
    return len(seen)


@wrong("receptive_field", says="The strides are not used")
def field_without_strides(layers):
    return 1 + sum(kernel - 1 for kernel, stride in layers)


@wrong("receptive_field", says="With no layers a unit is a pixel")
def field_of_nothing_is_zero(layers):
    return field_from_the_input(layers) if layers else 0


@wrong("receptive_field", says="The strides, less one, were added")
def field_with_strides_less_one_added(layers):
    field = step = 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step += stride - 1
    return field


@wrong("receptive_field", says="A layer's own stride was counted too early")
def field_with_the_stride_too_early(layers):
    field = step = 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


@wrong("receptive_field", says="Only one stride was used for each layer")
def field_with_the_last_stride_only(layers):
    field, before = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * before
        before = stride
    return field


@wrong("receptive_field", says="Each layer's own stride was used")
def field_with_own_strides(layers):
    return 1 + sum((kernel - 1) * stride for kernel, stride in layers)


@wrong("receptive_field", says="The strides were added")
def field_with_strides_added(layers):
    field = step = 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step += stride
    return field


@wrong("receptive_field", says="The layers were read in the wrong order")
def field_read_backwards(layers):
    field = 1
    for kernel, stride in layers:
        field = (field - 1) * stride + kernel
    return field


@wrong("receptive_field", says="The kernels were added up")
def field_of_kernels_added(layers):
    return sum(kernel for kernel, stride in layers)


@wrong("receptive_field", says="Each layer adds kernel steps")
def field_with_kernels_too_large(layers):
    field = step = 1
    for kernel, stride in layers:
        field += kernel * step
        step *= stride
    return field


@wrong("receptive_field", says="One is missing")
def field_from_zero(layers):
    field, step = 0, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


@wrong("receptive_field", says="The kernels were multiplied")
def field_of_kernels_multiplied(layers):
    field = 1
    for kernel, _ in layers:
        field *= kernel
    return field


@wrong("receptive_field", says="not r * stride + kernel.")
def field_of_units_that_do_not_overlap(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = field * stride + kernel
    return field


@wrong("receptive_field", says="not r * stride + kernel - 1")
def field_of_one_unit_too_many(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = field * stride + kernel - 1
    return field


@wrong("receptive_field", says="What is seen so far was multiplied by the stride")
def field_times_stride(layers):
    field = 1
    for kernel, stride in layers:
        field = field * stride + kernel - 1
    return field


@wrong("receptive_field", says="An index is beyond the end")
def field_of_at_least_one_layer(layers):
    field, step = layers[0]
    for kernel, stride in layers[1:]:
        field += (kernel - 1) * step
        step *= stride
    return field


@wrong("receptive_field", says="Your function changes its arguments")
def field_that_uses_the_list_up(layers):
    field = 1
    while layers:
        kernel, stride = layers.pop()
        field = (field - 1) * stride + kernel
    return field
