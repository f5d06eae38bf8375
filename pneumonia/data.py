"""One `Dataset` of labelled chest X-rays, whatever the source: a folder, a download, or the phantom."""

import hashlib
import json
import os
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from pneumonia import imagefiles
from pneumonia.progress import bar
from pneumonia.settings import DAMAGED_NUMPY_FILE, CourseError, cache_dir, config_file, write_json

CLASSES = ("NORMAL", "PNEUMONIA")  # label 0, label 1
SPLITS = ("train", "val", "test")
IMAGE_SUFFIXES = {".jpeg", ".jpg", ".png"}

# How many images the public data set has, by split and class (Kermany et al. 2018): the copy on Kaggle, and the
# original on Mendeley, of whose training images that copy has split off sixteen.
KERMANY_COUNTS = {
    "train": {"NORMAL": 1341, "PNEUMONIA": 3875},
    "val": {"NORMAL": 8, "PNEUMONIA": 8},
    "test": {"NORMAL": 234, "PNEUMONIA": 390},
}
MENDELEY_COUNTS = {
    "train": {"NORMAL": 1349, "PNEUMONIA": 3883},
    "val": {"NORMAL": 0, "PNEUMONIA": 0},
    "test": {"NORMAL": 234, "PNEUMONIA": 390},
}

_NAME = re.compile(
    r"""(?: (?P<person>person\d+)_(?P<kind>bacteria|virus)_\d+(?:_\d+)?
          | (?P<study>(?:NORMAL2-)?IM-\d+)-\d+(?:-\d+)? ) \.\w+""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Source:
    """Where a data set comes from. `synthetic` is True for images that were drawn and not taken of a child."""

    name: str
    title: str
    location: str
    licence: str
    attribution: str
    synthetic: bool = False


KERMANY = Source(
    name="kermany",
    title="Chest X-Ray Images (Pneumonia), Kermany et al. 2018",
    location="",
    licence="CC BY 4.0",
    attribution="D. Kermany, K. Zhang, M. Goldbaum: Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images "
    "for Classification, Mendeley Data (2018), doi:10.17632/rscbjbr9sj.2",
)
FOLDER = Source(
    name="folder",
    title="Images from a folder",
    location="",
    licence="as stated by whoever gave you the folder",
    attribution="unknown",
)
MEDMNIST = Source(
    name="medmnist",
    title="PneumoniaMNIST (MedMNIST v2), a reduced copy of Kermany et al. 2018; it carries no patients",
    location="",
    licence="CC BY 4.0",
    attribution="J. Yang et al.: MedMNIST v2, Scientific Data 10, 41 (2023), doi:10.1038/s41597-022-01721-8; "
    + KERMANY.attribution,
)
PHANTOM = Source(
    name="phantom",
    title="Phantom: chest X-rays drawn by code, no real child",
    location="",
    licence="CC BY 4.0",
    attribution="this course",
    synthetic=True,
)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images.

    images: n paths, or a uint8 array (n, height, width) of grey values in 0..255
    labels: int64 (n,), 0 NORMAL, 1 PNEUMONIA
    patients: str (n,), who is on the image; all empty where the source does not say
    kinds: str (n,), "normal", "bacteria", "virus", or "unknown"
    splits: str (n,), "train", "val" or "test"
    digests: str (n,), fingerprint of each image's content
    sizes: int (n, 2), width and height in pixels as stored
    """

    images: Sequence[Path] | np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    kinds: np.ndarray
    splits: np.ndarray
    digests: np.ndarray
    sizes: np.ndarray
    source: Source

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def has_patients(self) -> bool:
        """Whether every image says whose it is, so that a split by patient is possible."""
        return len(self) > 0 and bool(np.all(self.patients != ""))

    @property
    def fingerprint(self) -> str:
        """One digest of all images, labels, patients and splits, in order."""
        text = "\n".join(
            "|".join(row) for row in zip(self.digests, self.labels.astype(str), self.patients, self.splits, strict=True)
        )
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def take(self, indices) -> "Dataset":
        """The data set of these rows: an index array, a boolean mask or a slice."""
        rows = np.arange(len(self))[indices]
        images = self.images[rows] if isinstance(self.images, np.ndarray) else [self.images[i] for i in rows]
        columns = ("labels", "patients", "kinds", "splits", "digests", "sizes")
        return replace(self, images=images, **{name: getattr(self, name)[rows] for name in columns})

    def split(self, *names: str) -> "Dataset":
        """The images of one or several splits: `dataset.split("train", "val")`."""
        if unknown := set(names) - set(SPLITS):
            raise ValueError(f"names: expected splits out of {SPLITS}, got {sorted(unknown)}")
        return self.take(np.isin(self.splits, names))

    def load(self, size: int, indices=None) -> np.ndarray:
        """Decoded images, uint8 (n, size, size, 3), RGB in 0..255, the three channels equal; bilinear, antialiased."""
        rows = np.arange(len(self)) if indices is None else np.arange(len(self))[indices]
        with ThreadPoolExecutor(2) as pool:  # Pillow decodes without holding Python's lock
            grey = list(pool.map(lambda i: self._load_one(i, size), rows))
        stacked = np.stack(grey) if grey else np.empty((0, size, size), np.uint8)
        return np.repeat(stacked[..., None], 3, axis=-1)

    def _load_one(self, row: int, size: int) -> np.ndarray:
        if isinstance(self.images, np.ndarray):
            image = Image.fromarray(self.images[row])
        else:
            return load_image(self.images[row], size)
        return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))

    def counts(self) -> dict[str, dict[str, int]]:
        """Images by split and class: `{"train": {"NORMAL": 1341, ...}, ...}`."""
        return {
            split: {name: int(np.sum((self.splits == split) & (self.labels == i))) for i, name in enumerate(CLASSES)}
            for split in SPLITS
        }

    def card(self) -> dict:
        """What every result says of the data it was measured on; plain values, ready for JSON.

        `width` and `height` are the smallest, median and largest size in pixels as stored.
        """
        return {
            "source": self.source.name,
            "title": self.source.title,
            "synthetic": self.source.synthetic,
            "licence": self.source.licence,
            "attribution": self.source.attribution,
            "images": len(self),
            "counts": self.counts(),
            "kinds": dict(sorted(Counter(self.kinds.tolist()).items())),
            "width": [int(f(self.sizes[:, 0])) for f in (np.min, np.median, np.max)],
            "height": [int(f(self.sizes[:, 1])) for f in (np.min, np.median, np.max)],
            "patients": len(set(self.patients.tolist())) if self.has_patients else None,
            "fingerprint": self.fingerprint,
        }


def load_image(path: Path, size: int) -> np.ndarray:
    """One image file as grey values, uint8 (size, size). CourseError where it cannot be read."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("L").resize((size, size), Image.Resampling.BILINEAR))
    except Exception as error:  # Pillow raises many types on damaged files
        raise CourseError(f"{path}: expected an image (JPEG or PNG), but it cannot be read ({error})") from None


def patient_of(path: str | Path) -> str:
    """Patient of an image file, from its name as the public data set writes it. ValueError for any other name.

    `person1000_virus_1681.jpeg` gives `person1000`; `NORMAL2-IM-0383-0001.jpeg` gives `NORMAL2-IM-0383`. The real set
    also has names with one number more (`IM-0011-0001-0002.jpeg`), a further image of the same study.
    """
    match = _NAME.fullmatch(Path(path).name)
    if not match:
        raise ValueError(
            f"path: expected a name like person1000_bacteria_2931.jpeg or IM-0115-0001.jpeg, got {Path(path).name!r}"
        )
    return match["person"] or match["study"]


def kind_of(path: str | Path, label: int) -> str:
    """ "normal" for label 0; for label 1 "bacteria" or "virus" by the file's name, else "unknown"."""
    match = _NAME.fullmatch(Path(path).name)
    return "normal" if label == 0 else (match and match["kind"]) or "unknown"


def _find_root(folder: Path) -> Path:
    """The folder that holds train/ and test/: the one given, or one nested at most two deeper (`chest_xray/`)."""
    level = [folder]
    for _ in range(3):
        for candidate in level:
            if (candidate / "train").is_dir() or (candidate / "test").is_dir():
                return candidate
        level = [
            child
            for parent in level
            for child in sorted(parent.iterdir())
            if child.is_dir() and child.name != "__MACOSX" and not child.name.startswith(".")
        ]
    raise CourseError(
        f"{folder}: expected a folder with train/NORMAL, train/PNEUMONIA, test/NORMAL, ... in it, found none; "
        "give the folder that holds train/ and test/"
    )


def _named(paths: Sequence, limit: int = 5) -> str:
    shown = ", ".join(str(path) for path in paths[:limit])
    return shown + (f" and {len(paths) - limit} more" if len(paths) > limit else "")


def read_folder(folder: str | Path) -> Dataset:
    """The data set in `folder/{train,val,test}/{NORMAL,PNEUMONIA}/*.jpeg`.

    Also where that is nested one or two deeper, or lies beside `__MACOSX` and `.DS_Store`. Files that do not decode are
    left out with a warning that names and counts them. A name without a patient: a warning, and the image counts as a
    patient of its own (where no name has one, all patients are empty). CourseError where a class is missing.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise CourseError(f"{folder}: no such folder; expected one that holds train/NORMAL, train/PNEUMONIA, ...")
    root = _find_root(folder)
    paths, labels, splits = [], [], []
    for split in SPLITS:
        for label, name in enumerate(CLASSES):
            files = sorted(
                p
                for p in (root / split / name).glob("*")
                if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".") and p.is_file()
            )
            paths += files
            labels += [label] * len(files)
            splits += [split] * len(files)
    records = imagefiles.inspect(root, paths)
    if broken := [f"{p.relative_to(root)} ({r.error})" for p, r in zip(paths, records, strict=True) if r.error]:
        warnings.warn(f"{len(broken)} unreadable image(s) left out: {_named(broken)}", stacklevel=2)
    good = [i for i, record in enumerate(records) if not record.error]
    _refuse_missing_classes(root, [(splits[i], labels[i]) for i in good])
    dataset = _assemble(
        images=[paths[i] for i in good],
        labels=[labels[i] for i in good],
        splits=[splits[i] for i in good],
        digests=[records[i].digest for i in good],
        sizes=[(records[i].width, records[i].height) for i in good],
    )
    return replace(dataset, source=_recognise(root, dataset))


def _refuse_missing_classes(root: Path, present: list[tuple[str, int]]) -> None:
    """Training and testing need both classes; the small `val` may be absent, as in the original download."""
    have = Counter(present)
    missing = [f"{s}/{CLASSES[c]}" for s in ("train", "test") for c in (0, 1) if not have[s, c]]
    if missing:
        raise CourseError(
            f"{root}: expected images in train/ and test/, each with NORMAL/ and PNEUMONIA/; "
            f"found none (that can be read) in {', '.join(missing)}"
        )


def _assemble(images, labels, splits, digests, sizes) -> Dataset:
    patients, nameless = [], []
    for path in images:
        try:
            patients.append(patient_of(path))
        except ValueError:
            nameless.append(path.name)
            patients.append(f"unknown-{path.stem}")
    if nameless:
        if len(nameless) == len(images):
            patients = [""] * len(images)
            consequence = "a split by patient is not possible with this data"
        else:
            consequence = "each counts as a patient of its own"
        warnings.warn(
            f"{len(nameless)} of {len(images)} file names carry no patient: {_named(nameless)}; {consequence}",
            stacklevel=3,
        )
    return Dataset(
        images=images,
        labels=np.array(labels, np.int64),
        patients=np.array(patients, str),
        kinds=np.array([kind_of(path, label) for path, label in zip(images, labels, strict=True)], str),
        splits=np.array(splits, str),
        digests=np.array(digests, str),
        sizes=np.array(sizes, np.int64),
        source=FOLDER,
    )


def _recognise(root: Path, dataset: Dataset) -> Source:
    """The phantom says what it is in a file of its own; the public set is known by its counts."""
    if (root / "phantom.json").is_file():
        source = PHANTOM
    elif dataset.counts() in (KERMANY_COUNTS, MENDELEY_COUNTS) and dataset.has_patients:
        source = KERMANY
    else:
        source = FOLDER
    return replace(source, location=str(root))


def read_medmnist(path: str | Path) -> Dataset:
    """MedMNIST's `pneumoniamnist*.npz`, any size. It says neither patient nor kind of pneumonia."""
    path = Path(path).expanduser()
    try:
        with np.load(path, allow_pickle=False) as file:
            images = [file[f"{split}_images"] for split in SPLITS]
            labels = [file[f"{split}_labels"].ravel().astype(np.int64) for split in SPLITS]
    except DAMAGED_NUMPY_FILE as error:
        raise CourseError(
            f"{path}: expected MedMNIST's pneumoniamnist .npz file, could not read it ({error})"
        ) from None
    stacked = np.concatenate(images)
    if stacked.ndim != 3 or stacked.dtype != np.uint8:
        raise CourseError(f"{path}: expected grey images, uint8 (n, h, w), got {stacked.dtype} {stacked.shape}")
    joined = np.concatenate(labels)
    n = len(joined)
    return Dataset(
        images=stacked,
        labels=joined,
        patients=np.full(n, "", str),
        kinds=np.where(joined == 0, "normal", "unknown"),
        splits=np.repeat(SPLITS, [len(part) for part in labels]),
        digests=np.array([imagefiles.digest(image.tobytes()) for image in stacked]),
        sizes=np.tile(np.array(stacked.shape[:0:-1]), (n, 1)),
        source=replace(MEDMNIST, location=str(path)),
    )


def phantom(folder: str | Path | None = None) -> Dataset:
    """The embedded data set, drawn on first use (under 30 seconds) into the cache, or into `folder`."""
    from pneumonia import phantom as drawing

    target = Path(folder) if folder else cache_dir("phantom") / f"v{drawing.VERSION}"
    with bar(None, "drawing the phantom", delay=1) as advance:

        def show(done: int, total: int) -> None:
            advance.total = total
            advance.update(done - advance.n)

        return read_folder(drawing.write(target, progress=show))


def read(choice: str) -> Dataset:
    """The data set that a choice names: "phantom", a folder, or a `pneumoniamnist*.npz` file."""
    if choice == "phantom":
        return phantom()
    path = Path(choice).expanduser()
    return read_medmnist(path) if path.suffix == ".npz" else read_folder(path)


def current_choice() -> str:
    """What is in use: `PNEUMONIA_DATA` first, then what `course data use` stored, else "phantom"."""
    if chosen := os.environ.get("PNEUMONIA_DATA"):
        return chosen
    try:
        return json.loads(config_file().read_text())["data"]
    except FileNotFoundError:
        return "phantom"
    except (OSError, ValueError, KeyError, TypeError):
        raise CourseError(
            f"{config_file()}: expected the choice that `course data use` stores, but it cannot be read; "
            "run `course data use ...` or `course data phantom` again"
        ) from None


def current() -> Dataset:
    """The data set in use. Every lesson and every command starts from it."""
    return read(current_choice())


def use(choice: str) -> Dataset:
    """Read the data set, and only if that works remember it as the one in use."""
    dataset = read(choice)
    stored = choice if choice == "phantom" else str(Path(choice).expanduser().resolve())
    write_json(config_file(), {"data": stored})
    return dataset
