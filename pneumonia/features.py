"""Features of a frozen base, computed once per image and kept on disk.

A frozen base gives the same output for the same image in every epoch, so training its head on stored outputs changes
nothing but the time. The store is content-addressed: one row per image, keyed by the image's digest, in a folder named
after everything else that determines the numbers (weights, layer, size, preprocessing, and what is done to an image
before).
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from filelock import FileLock

from pneumonia.backend import keras, tf
from pneumonia.data import Dataset
from pneumonia.progress import bar
from pneumonia.settings import CourseError, cache_dir, write_json
from pneumonia.training import inference
from pneumonia.variants import VARIANTS, behaviour
from pneumonia.vgg16 import preprocess, weights_digest

PREPROCESSING = {
    "vgg16": preprocess,  # BGR minus ImageNet's means, what the weights were trained on
    "rescale": lambda images: images.astype(np.float32) / 255,  # what many notebooks do instead
}
BATCH = 32


def extract(
    dataset: Dataset,
    base: keras.Model,
    layer: str = "block5_pool",
    size: int = 150,
    preprocessing: str = "vgg16",
    *,
    progress: bool = True,
) -> np.ndarray:
    """Outputs of `layer` of `base` for every image, float32 (n, h, w, c), read-only, memory-mapped from disk.

    size: side in pixels to which images are resized before the base
    preprocessing: "vgg16" or "rescale" (see PREPROCESSING)

    Only images whose content is not in the store are computed; killed half-way, the next call goes on where it
    stopped. Memory does not grow with the number of images.
    """
    return extract_layers(dataset, base, [layer], size, preprocessing, progress=progress)[layer]


def extract_layers(
    dataset: Dataset,
    base: keras.Model,
    outputs: Sequence[str],
    size: int = 150,
    preprocessing: str = "vgg16",
    *,
    variant: str = "plain",
    progress: bool = True,
) -> dict[str, np.ndarray]:
    """As `extract`, for several outputs of `base` in one pass over the images: `{output: features}`.

    outputs: a layer's name, "block5_pool", for its whole map, float32 (n, h, w, c); with ":mean" after it for the mean
        over all places, float32 (n, c); with ":half" for the map in half precision, float16 (n, h, w, c)
    variant: what is done to an image first, one of VARIANTS; an image always gets the same random change
    """
    if preprocessing not in PREPROCESSING:
        raise ValueError(f"preprocessing: expected one of {sorted(PREPROCESSING)}, got {preprocessing!r}")
    if variant not in VARIANTS:
        raise ValueError(f"variant: expected one of {sorted(VARIANTS)}, got {variant!r}")
    if base.input_shape[1:3] not in ((size, size), (None, None)):
        raise ValueError(f"size: the base takes images of {base.input_shape[1:3]}, got size {size}")
    tensors = [_output(base, name) for name in outputs]
    with ExitStack() as stack:
        stores = []
        for name, tensor in zip(outputs, tensors, strict=True):
            part = keras.Model(base.inputs[0], tensor)
            shape = part.compute_output_shape((1, size, size, 3))[1:]
            dtype = np.float16 if name.endswith(":half") else np.float32
            store = Store(weights_digest(part), name, size, preprocessing, shape, dtype=dtype, variant=variant)
            stores.append(stack.enter_context(store))
        missing = np.unique(np.concatenate([store.missing(dataset.digests) for store in stores]))
        if len(missing):
            model = keras.Model(base.inputs[0], tensors, name=base.name)
            _compute(stores, dataset, missing, model, size, PREPROCESSING[preprocessing], variant, progress)
        return {name: store.rows(dataset.digests) for name, store in zip(outputs, stores, strict=True)}


def _output(base: keras.Model, name: str):
    """The tensor that an output's name stands for."""
    layer, _, how = name.partition(":")
    names = [known.name for known in base.layers]
    if layer not in names:
        raise ValueError(f"layer: expected a layer of {base.name} ({', '.join(names)}), got {layer!r}")
    if how not in ("", "mean", "half"):
        raise ValueError(f"outputs: expected a layer's name, or with ':mean' or ':half' after it, got {name!r}")
    tensor = base.get_layer(layer).output
    return keras.layers.GlobalAveragePooling2D()(tensor) if how == "mean" else tensor


def _compute(stores, dataset, missing, model, size, prepare, variant, progress):
    run = inference(model)
    with bar(len(missing), f"{model.name} features at {size} px", show=progress) as advance:
        for rows, images in _prefetched(dataset, missing, size, variant):
            for store, values in zip(stores, tf.nest.flatten(run(prepare(images))), strict=True):
                store.append(dataset.digests[rows], values.numpy())
            advance.update(len(rows))


def _prefetched(dataset, missing: np.ndarray, size: int, variant: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of (row numbers, images); the next batch is made while the base computes the present one."""

    def load(rows):
        return VARIANTS[variant](dataset.load(size, rows), dataset.digests[rows])

    batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(load, batches[0])
        for i, rows in enumerate(batches):
            images = coming.result()
            if i + 1 < len(batches):
                coming = pool.submit(load, batches[i + 1])
            yield rows, images


class Store:
    """Rows of numbers in one growing file, and beside it a list of the digests that they belong to.

    A row is on disk before its digest is, so after a crash at any moment every listed row is whole; what is beyond the
    list is cut off. A lock file keeps a second process out while one writes.
    """

    def __init__(
        self,
        weights: str,
        layer: str,
        size: int,
        preprocessing: str,
        shape: tuple[int, ...],
        *,
        dtype=np.float32,
        variant: str = "plain",
    ):
        key = {"weights": weights, "layer": layer, "size": size, "preprocessing": preprocessing}
        if variant != "plain":
            key |= {"variant": variant, "behaviour": behaviour(variant)}
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
        self.folder = cache_dir("features", name)
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self.row_bytes = int(np.prod(shape)) * self.dtype.itemsize
        self.lock = FileLock(self.folder / "lock")
        self.key = key | {"shape": list(self.shape)}

    @property
    def _values(self) -> Path:
        return self.folder / f"rows.f{8 * self.dtype.itemsize}"

    @property
    def _list(self) -> Path:
        return self.folder / "digests.txt"

    def __enter__(self) -> "Store":
        self.lock.acquire()
        try:
            write_json(self.folder / "key.json", self.key)
            self._recover()
        except BaseException:
            self.lock.release()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.lock.release()

    def _recover(self) -> None:
        """Keep the rows that are listed and whole; cut off what a killed run left half-written."""
        self._list.touch()
        self._values.touch()
        lines = self._list.read_text().split("\n")[:-1]  # a last line without its newline is not complete
        whole = min(len(lines), self._values.stat().st_size // self.row_bytes)
        digests = lines[:whole]
        os.truncate(self._list, sum(len(line) + 1 for line in digests))
        os.truncate(self._values, whole * self.row_bytes)
        self.index = {digest: row for row, digest in enumerate(digests)}

    def missing(self, digests: np.ndarray) -> np.ndarray:
        """Positions of the first image of each content that is not in the store."""
        _, first = np.unique(digests, return_index=True)
        return np.array([i for i in np.sort(first) if digests[i] not in self.index], int)

    def append(self, digests: np.ndarray, values: np.ndarray) -> None:
        """Add rows `values` (n, *shape) for those of `digests` (n,) that are not there yet."""
        new = np.array([i for i, digest in enumerate(digests) if digest not in self.index], int)
        digests, values = np.asarray(digests)[new], values[new]
        try:
            with self._values.open("ab") as file:
                file.write(np.ascontiguousarray(values, self.dtype))
                file.flush()
                os.fsync(file.fileno())
            with self._list.open("a") as file:
                file.write("".join(f"{digest}\n" for digest in digests))
        except OSError as error:
            raise CourseError(
                f"{self.folder}: the features could not be written ({error.strerror}). Rows written so far are kept; "
                "free some space, or set PNEUMONIA_CACHE to a folder elsewhere, and start again"
            ) from None
        for digest in digests:
            self.index[digest] = len(self.index)

    def rows(self, digests: np.ndarray) -> np.ndarray:
        """The rows of these digests, in their order, as a read-only memory map."""
        wanted = np.array([self.index[digest] for digest in digests], int)
        if len(wanted) == 0:
            return np.empty((0, *self.shape), self.dtype)
        stored = np.memmap(self._values, self.dtype, "r", shape=(len(self.index), *self.shape))
        if np.array_equal(wanted, np.arange(wanted[0], wanted[0] + len(wanted))):
            return stored[wanted[0] : wanted[0] + len(wanted)]
        name = hashlib.blake2b("\n".join(digests).encode(), digest_size=8).hexdigest()
        return self._ordered_copy(stored, wanted, name)

    def _ordered_copy(self, stored: np.ndarray, wanted: np.ndarray, name: str) -> np.ndarray:
        """A file with the rows in another order than the store's (one image twice, say), copied in small pieces."""
        path = self.folder / f"order-{name}.f{8 * self.dtype.itemsize}"
        shape = (len(wanted), *self.shape)
        if not path.is_file():
            part = path.with_suffix(".part")
            with part.open("wb") as file:
                for start in range(0, len(wanted), BATCH):
                    file.write(stored[wanted[start : start + BATCH]])
            part.replace(path)
        return np.memmap(path, self.dtype, "r", shape=shape)
