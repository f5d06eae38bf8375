"""How close feature extraction comes to what this machine can compute at all.

Prints images a second of `pneumonia.features.extract` on phantoms (empty cache, decoding and writing included), the
floating-point rate that this means, and that of a plain float32 matrix product, measured in turn on the same cores.
"""

import os
import tempfile
import time

import numpy as np


def main(images: int = 400, size: int = 150, rounds: int = 3) -> None:
    from pneumonia import phantom

    with tempfile.TemporaryDirectory() as scratch:
        counts = {"train": {"NORMAL": images // 4, "PNEUMONIA": images // 2}, "test": {"NORMAL": 8, "PNEUMONIA": 8}}
        folder = phantom.write(f"{scratch}/phantom", counts=counts)
        print(f"{'round':<7}{'images/s':>10}{'GFLOP/s':>10}{'GEMM GFLOP/s':>14}{'share':>8}")
        for number in range(1, rounds + 1):
            rate, work = extraction_rate(folder, f"{scratch}/cache{number}", size)
            gemm = gemm_rate()
            print(f"{number:<7}{rate:>10.1f}{rate * work / 1e9:>10.0f}{gemm / 1e9:>14.0f}{rate * work / gemm:>8.0%}")


def extraction_rate(folder, cache: str, size: int) -> tuple[float, float]:
    """Images a second with an empty feature cache, and floating-point operations an image."""
    from pneumonia import data, features, vgg16

    base = vgg16.load_base((size, size, 3))
    dataset = data.read_folder(folder)
    before = os.environ.get("PNEUMONIA_CACHE")
    os.environ["PNEUMONIA_CACHE"] = cache
    try:
        start = time.perf_counter()
        features.extract(dataset, base, "block5_pool", size, progress=False)
        seconds = time.perf_counter() - start
    finally:
        os.environ.pop("PNEUMONIA_CACHE")
        if before:
            os.environ["PNEUMONIA_CACHE"] = before
    return len(dataset) / seconds, operations(base)


def operations(base) -> float:
    """Floating-point operations of all convolutions for one image: two for each weight at each output position."""
    kernels = [layer for layer in base.layers if "conv" in layer.name]
    return float(sum(2 * np.prod(layer.kernel.shape) * np.prod(layer.output.shape[1:3]) for layer in kernels))


def gemm_rate(side: int = 2048, repeats: int = 20) -> float:
    """Floating-point operations a second of TensorFlow's float32 matrix product."""
    from pneumonia.backend import tf

    matrix = tf.random.uniform((side, side))
    (matrix @ matrix).numpy()
    start = time.perf_counter()
    for _ in range(repeats):
        (matrix @ matrix).numpy()
    return repeats * 2 * side**3 / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
