"""What all tests share: a configuration of their own, small phantoms, and the real images where they are at hand."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "data" / "chest_xray"

# Two patients an image kind would be too few for five folds; these are as few as every test can do with.
SMALL_COUNTS = {
    "train": {"NORMAL": 12, "PNEUMONIA": 28},
    "val": {"NORMAL": 2, "PNEUMONIA": 2},
    "test": {"NORMAL": 8, "PNEUMONIA": 12},
}


@pytest.fixture(autouse=True)
def own_configuration(tmp_path_factory, monkeypatch):
    """No test sees or changes which data the developer has in use."""
    monkeypatch.setenv("PNEUMONIA_CONFIG", str(tmp_path_factory.mktemp("config")))
    monkeypatch.delenv("PNEUMONIA_DATA", raising=False)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache, for tests of what is kept in it."""
    monkeypatch.setenv("PNEUMONIA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory):
    """A small set of phantoms in the real set's layout; tests must not change it."""
    from pneumonia import phantom

    return phantom.write(tmp_path_factory.mktemp("data") / "phantom", counts=SMALL_COUNTS)


@pytest.fixture(scope="session")
def real_folder():
    """The real images. They are never part of the repository; CI has them beside it."""
    if not REAL.is_dir():
        pytest.skip(f"the real images are not at {REAL}")
    return REAL


@pytest.fixture(scope="session")
def tiny_base():
    """A convolutional base with one layer and fixed weights: what `extract` takes, without VGG16's cost."""
    from pneumonia.backend import keras

    base = keras.Sequential(
        [keras.layers.Input((32, 32, 3)), keras.layers.Conv2D(4, 3, strides=8, name="conv"), keras.layers.ReLU()],
        name="tiny",
    )
    rng = np.random.default_rng(0)
    base.get_layer("conv").set_weights([rng.normal(size=(3, 3, 3, 4)), rng.normal(size=4)])
    return base


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, one for all tests: Playwright runs once in a process."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert program, "the browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def run_environment(**changes: str) -> dict[str, str]:
    """The environment for a process that a test starts."""
    return os.environ | changes


# A shared machine can take seconds over a case that needs milliseconds: time is measured in benchmarks/, not here.
# In CI the examples are the same each time, so that a change is judged by itself; on a desk they are new each time.
settings.register_profile(
    "course", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("course")
