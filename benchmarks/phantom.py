"""Phantoms per second on one core and on two, with masks, drawn only and written as a set.

Run: python benchmarks/phantom.py [images]
"""

import sys
import tempfile
import time
from pathlib import Path

from pneumonia import phantom

IMAGES = 400


def drawn(images: int) -> float:
    """Images per second that one process draws, without saving them."""
    start = time.perf_counter()
    for patient in range(images):
        phantom.render(phantom.KINDS[patient % 3], patient)
    return images / (time.perf_counter() - start)


def written(images: int) -> float:
    """Images per second of `phantom.write`, which uses two processes for as many images as these."""
    counts = {"train": {"NORMAL": images // 4, "PNEUMONIA": images - images // 4}}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        phantom.write(Path(folder) / "set", counts=counts)
        return images / (time.perf_counter() - start)


if __name__ == "__main__":
    n = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    drawn(10)  # fill the caches
    print(f"drawn, 1 core:          {drawn(n):6.1f} images/s")
    print(f"written, up to 2 cores: {written(n):6.1f} images/s (with starting the processes)")
