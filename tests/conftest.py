"""What all tests share: a configuration of their own, small phantoms, and the real images where they are at hand."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from course.browser import chromium, served
from course.site import contents

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
    with chromium() as running:
        yield running


# --- the built site ---------------------------------------------------------------------------------------------------

BUILD = ROOT / "_build"
SITE = BUILD / "html"
PARTS = contents(ROOT)
PAGES = [page for _, pages in PARTS for page in pages]
LESSONS = [page for page in PAGES if page.startswith("book/lessons/")]
MOVING = [page for page in LESSONS if "{moving-figure}" in (ROOT / f"{page}.md").read_text()]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site's folder, built on the phantom as `course site` builds it, unless what is there is up to date."""
    if not up_to_date():
        environment = run_environment(
            PNEUMONIA_DATA="phantom",
            PNEUMONIA_CONFIG=str(tmp_path_factory.mktemp("config")),
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        )
        build = ["jupyter-book", "build", str(ROOT), "-W", "--keep-going", "-n"]
        done = subprocess.run(build, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return SITE


def up_to_date() -> bool:
    """Whether the last build had no warning, showed the phantom, and is newer than all that it was built from."""
    complete = BUILD / "site.complete"
    first = SITE / f"{LESSONS[0]}.html"
    if not complete.is_file() or not first.is_file() or "Phantom: chest X-rays drawn by code" not in first.read_text():
        return False
    patterns = ("book/**/*", "_*.yml", "pneumonia/*.py", "results/*.json", "exercises/*/*.ipynb", "requirements.txt")
    patterns += ("CONTRIBUTING.md", "genindex.md")
    sources = [path for pattern in patterns for path in ROOT.glob(pattern) if "__pycache__" not in path.parts]
    return complete.stat().st_mtime > max(path.stat().st_mtime for path in sources if path.is_file())


@pytest.fixture(scope="session")
def address(site):
    """The site's address, on this machine."""
    with served(site) as address:
        yield address


@pytest.fixture
def page(browser, address):
    """A page whose network ends at this machine; what it asks for outside, and what goes wrong, is in `page.faults`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page = context.new_page()
    page.faults = []

    def gate(route):
        if route.request.url.startswith((address, "data:")):
            route.continue_()
        else:
            page.faults.append(f"asked for {route.request.url}")
            route.abort()

    context.route("**/*", gate)
    page.on("console", lambda m: page.faults.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: page.faults.append(f"script: {error}"))
    # A request that the browser itself drops because the reader has gone on to the next page is no fault of the site.
    page.on(
        "requestfailed",
        lambda request: request.failure == "net::ERR_ABORTED" or page.faults.append(f"failed: {request.url}"),
    )
    page.on("response", lambda r: page.faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    yield page
    context.close()


def run_environment(**changes: str) -> dict[str, str]:
    """The environment for a process that a test starts."""
    return os.environ | changes


# A shared machine can take seconds over a case that needs milliseconds: time is measured in benchmarks/, not here.
# In CI the examples are the same each time, so that a change is judged by itself; on a desk they are new each time.
settings.register_profile(
    "course", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("course")
