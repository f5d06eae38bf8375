"""Fingerprints: what a grade depends on, as one short text that changes when any of it does."""

import hashlib
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from autograder.capstone_data import PRACTICE
from autograder.exercises import CLONE, Exercise
from autograder.judging.imports import files_imported

# What runs at every grading, whichever exercise it is.
GRADING = ("autograder.judging.judge", "autograder.judging.worker", "autograder.judging.forker")
PACKAGES = ("numpy", "scipy", "scikit-learn", "matplotlib", "ipython", "pytest")
KERAS_PACKAGES = ("keras", "tensorflow", "tensorflow-cpu")


def of_bytes(*parts: bytes) -> str:
    """The fingerprint of some bytes, each part by itself."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


@cache
def of_checks(exercise: Exercise) -> str:
    """The fingerprint of all that decides on the points of an exercise: checks, judge, notebooks, data.

    Checks of another exercise are no part of it. Raises CourseError where the hidden checks are missing.
    """
    checks = [f"autograder.{path.parent.name}.{path.stem}" for path in (exercise.checks, exercise.hidden_checks)]
    files = [*files_imported([*GRADING, *checks]), exercise.source, exercise.release]
    files += [PRACTICE, exercise.hidden_checks.with_name(PRACTICE.name)] if exercise.trains else []
    return of_bytes(*(part for file in files for part in (str(file.relative_to(CLONE)).encode(), file.read_bytes())))


@cache
def of_environment(exercise: Exercise) -> str:
    """What is installed that an answer may depend on, as text: `python 3.11.7, numpy 2.4.6, ...`."""
    packages = PACKAGES + (KERAS_PACKAGES if exercise.keras or exercise.trains else ())
    versions = [f"python {platform.python_version()}", platform.machine()]
    for package in packages:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:  # there are two names for TensorFlow
            continue
    return ", ".join(versions)
