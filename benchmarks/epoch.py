"""What caching features gives: an epoch of the head on cached features against an epoch through the frozen base.

Both train the reference head for one epoch on the same images; the second sends every batch through VGG16, as a
notebook does that puts the frozen base and the head into one model. Prints seconds and their ratio, round by round.
"""

import tempfile
import time

import numpy as np


def main(images: int = 256, size: int = 150, rounds: int = 3) -> None:
    from pneumonia import data, phantom, vgg16
    from pneumonia.features import extract
    from pneumonia.training import build_head, complete_model

    with tempfile.TemporaryDirectory() as scratch:
        counts = {"train": {"NORMAL": images // 2, "PNEUMONIA": images // 2}, "test": {"NORMAL": 1, "PNEUMONIA": 1}}
        dataset = data.read_folder(phantom.write(scratch + "/phantom", counts=counts)).split("train")
        base = vgg16.load_base((size, size, 3))
        base.trainable = False
        cached = np.array(extract(dataset, base, "block5_pool", size, progress=False))
        pixels = dataset.load(size).astype(np.float32)
        print(f"{'round':<7}{'cached s':>10}{'through base s':>16}{'ratio':>8}")
        for number in range(1, rounds + 1):
            fast = epoch_seconds(build_head(cached.shape[1:]), cached, dataset.labels)
            slow = epoch_seconds(complete_model(base, build_head(cached.shape[1:])), pixels, dataset.labels)
            print(f"{number:<7}{fast:>10.3f}{slow:>16.1f}{slow / fast:>8.0f}")


def epoch_seconds(model, inputs: np.ndarray, labels: np.ndarray) -> float:
    """Seconds of the second epoch: the first also traces the graph."""
    from pneumonia.training import batches

    model.compile(optimizer="adam", loss="binary_crossentropy")
    rows = np.arange(len(labels))
    model.fit(batches(inputs, labels, rows, 32, seed=0), epochs=1, shuffle=False, verbose=0)
    start = time.perf_counter()
    model.fit(batches(inputs, labels, rows, 32, seed=0), epochs=1, shuffle=False, verbose=0)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
