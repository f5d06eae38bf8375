"""Measured results: JSON files under `results/`, the only source of numbers in the text."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

from pneumonia.settings import CourseError

FOLDER = Path(__file__).resolve().parent.parent / "results"


def load(name: str) -> dict:
    """The result `results/NAME.json`. CourseError with the names that exist where there is none."""
    path = FOLDER / f"{name}.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.json"))) or "none yet"
        raise CourseError(f"{path}: no such result; known are: {known}") from None


def environment() -> dict:
    """Versions and machine that a result was measured with."""
    packages = ("keras", "numpy", "scipy", "scikit-learn", "scikit-image", "pillow")
    versions = {name: version(name) for name in packages}
    from pneumonia.backend import tf

    machine = {"cpu": platform.machine(), "cores": os.cpu_count()}
    return {"python": platform.python_version(), "tensorflow": tf.__version__, **versions, **machine}
