"""Fetching the public data sets: the full one through kagglehub, MedMNIST's reduced copy through medmnist."""

import warnings
from pathlib import Path

from pneumonia import data
from pneumonia.settings import CourseError, cache_dir

KAGGLE = "paultimothymooney/chest-xray-pneumonia"
MEDMNIST_SIZES = (28, 64, 128, 224)
OTHER_WAYS = (
    "Other ways: `course data use folder PATH` with a copy from a friend or a browser, or `course data phantom`, "
    "which needs no download"
)


def kaggle() -> Path:
    """Download the 5,856 images (2.3 GB; no account needed), or go on with a download that was cut off.

    Returns the folder. kagglehub shows the progress and keeps what has arrived. CourseError without internet, and where
    the counts are not those that were published.
    """
    try:
        import kagglehub
    except ImportError:
        raise CourseError("kagglehub is not installed: pip install kagglehub, then try again") from None
    try:
        folder = Path(kagglehub.dataset_download(KAGGLE))
    except Exception as error:  # kagglehub passes on whatever its HTTP library raises
        raise CourseError(f"The download failed: {_in_a_sentence(error)} {OTHER_WAYS}") from None
    verify_counts(data.read_folder(folder), folder)
    return folder


def verify_counts(dataset: data.Dataset, folder: Path) -> None:
    """CourseError where a split or a class has not the published number of images."""
    found = dataset.counts()
    wrong = [
        f"{split}/{name}: expected {expected}, got {found[split][name]}"
        for split, classes in data.KERMANY_COUNTS.items()
        for name, expected in classes.items()
        if found[split][name] != expected
    ]
    if wrong:
        raise CourseError(
            f"{folder}: the counts are not the published ones ({'; '.join(wrong)}). "
            "Delete the folder and download again; to use it as it is: `course data use folder PATH`"
        )


def medmnist(size: int = 224) -> Path:
    """Download PneumoniaMNIST at 28, 64, 128 or 224 pixels. Returns the .npz file. It has no patients."""
    if size not in MEDMNIST_SIZES:
        raise CourseError(f"size: expected one of {MEDMNIST_SIZES}, got {size}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from medmnist import PneumoniaMNIST
    except ImportError:
        raise CourseError(
            "medmnist is not installed, because it brings PyTorch with it (2 to 5 GB). To have it: "
            f"pip install medmnist. {OTHER_WAYS}"
        ) from None
    folder = cache_dir("medmnist")
    try:
        PneumoniaMNIST(split="train", download=True, size=size, root=str(folder))
    except Exception as error:  # torchvision and urllib raise many types
        raise CourseError(f"The download failed: {_in_a_sentence(error)} {OTHER_WAYS}") from None
    return folder / ("pneumoniamnist.npz" if size == 28 else f"pneumoniamnist_{size}.npz")


def _in_a_sentence(error: Exception) -> str:
    """Libraries' network errors run over several lines; what a user needs of them is one."""
    if any(kind.__name__ in ("ConnectionError", "ConnectTimeout", "URLError") for kind in type(error).__mro__):
        return "the server could not be reached; is this machine online?"
    return " ".join(str(error).split())[:200] or type(error).__name__
