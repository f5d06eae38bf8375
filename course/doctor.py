"""`course doctor`: whether this machine has what the course needs, and the command that mends what is missing.

Nothing is downloaded, drawn or installed. What is slow or may die (TensorFlow, reading the data) runs in processes of
its own, at the same time as the rest.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path

import click

from course.browser import BROWSERS

GB = 2**30
PYTHONS = ((3, 11), (3, 13))  # the oldest and the newest that the pinned packages support
MEMORY = (4 * GB, 2 * GB)  # available: what the course wants, and what it cannot do without
DISK = (2 * GB, GB // 4)  # free in the cache: phantoms, weights and features; the real images take 1.2 GB more
TENSORFLOWS = ("tensorflow-cpu", "tensorflow", "tensorflow-macos", "tensorflow-gpu", "tf-nightly")
# Distributions whose module has another name.
MODULES = {
    "axe-playwright-python": "axe_playwright_python",
    "beautifulsoup4": "bs4",
    "ipython": "IPython",
    "pillow": "PIL",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "sphinx-mathjax-offline": "sphinx-mathjax-offline",
    "sphinxcontrib-bibtex": "sphinxcontrib.bibtex",
} | dict.fromkeys(TENSORFLOWS, "tensorflow")
COLORS = {"ok": "green", "warning": "yellow", "problem": "red"}


@dataclass(frozen=True)
class Line:
    """One thing that was looked at: `status` is ok, warning or problem; `mend` is what to do, empty where it is ok."""

    name: str
    status: str
    expected: str
    found: str
    mend: str = ""
    package: bool = False


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def doctor(as_json: bool):
    """Test this machine: Python, packages, memory, disk, weights, data; and say how to mend what is missing.

    Exit status: 0 where the course works here, 1 where something keeps it from working.
    """
    lines = list(examine_machine())
    problems = sum(line.status == "problem" for line in lines)
    if as_json:
        click.echo(json.dumps({"problems": problems, "lines": [asdict(line) for line in lines]}, indent=1))
    else:
        click.echo("\n".join(_text(lines)))
    sys.exit(1 if problems else 0)


def examine_machine() -> Iterator[Line]:
    """Everything that was looked at, in the order in which it is best mended."""
    tensorflow, data = Probe("tensorflow", seconds=60), Probe("data", seconds=12)
    yield python_line()
    yield environment_line()
    yield from package_lines()
    yield tensorflow_line(tensorflow.result())
    yield kernel_line()
    yield memory_line(available_memory())
    yield from folder_lines()
    yield cores_line()
    yield weights_line(tensorflow.result())
    yield data_line(data.result())
    yield browser_line()
    yield sandbox_line()


# --- what runs in a process of its own ------------------------------------------------------------------------------


class Probe:
    """A process that finds one thing out: runs `probe_<name>` of this module, which prints its answer as JSON."""

    def __init__(self, name: str, seconds: float):
        self._seconds, self._started, self._answer = seconds, time.monotonic(), None
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from course import doctor; doctor.probe_{name}()"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def result(self) -> dict:
        """The answer; `{"error": ...}` where there is none, with the last line that the process said."""
        if self._answer is None:
            self._answer = self._wait()
        return self._answer

    def _wait(self) -> dict:
        try:
            said, complained = self._process.communicate(timeout=self._seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return {"error": f"no answer within {self._seconds:g} seconds", "slow": True}
        status, seconds = self._process.returncode, time.monotonic() - self._started
        if status < 0:
            return {"error": f"the process ended by signal {-status} ({signal.strsignal(-status)})", "signal": -status}
        try:
            return json.loads(said.strip().splitlines()[-1]) | {"seconds": round(seconds, 1)}
        except (IndexError, ValueError):
            last = complained.strip().splitlines()[-1:] or [f"exit status {status}"]
            return {"error": last[0][:300]}


def probe_tensorflow() -> None:
    """Import TensorFlow as the course does, and look for the weights without fetching them."""
    from pneumonia.settings import CourseError

    try:
        from pneumonia import vgg16
        from pneumonia.backend import keras, tf
    except CourseError as error:
        print(json.dumps({"error": str(error)}))
        return
    answer = {"tensorflow": tf.__version__, "keras": keras.__version__, "backend": keras.config.backend()}
    try:
        path = vgg16.weights_at_hand()
        answer["weights"] = str(path) if path else None
        answer["damaged"] = [str(path) for path in vgg16.weight_files() if path.is_file()]
    except OSError as error:
        answer |= {"weights": None, "damaged": [], "unreadable": str(error)}
    print(json.dumps(answer))


def probe_data() -> None:
    """Read the data in use, where that needs no drawing."""
    import warnings

    from pneumonia import data, phantom
    from pneumonia.settings import CourseError, cache_dir

    warnings.simplefilter("ignore")  # `course data` shows them; here they would only be the last line of stderr
    try:
        choice = data.current_choice()
        drawn = (cache_dir("phantom") / f"v{phantom.VERSION}" / "phantom.json").is_file()
        if choice == "phantom" and not drawn:
            print(json.dumps({"found": "phantoms, drawn when they are first used (under a minute)"}))
            return
        dataset = data.read(choice)
        print(json.dumps({"found": f"{dataset.source.title}: {len(dataset)} images"}))
    except (CourseError, OSError) as error:
        print(json.dumps({"error": str(error)}))


# --- the lines ------------------------------------------------------------------------------------------------------


def python_line() -> Line:
    """Python itself."""
    version = tuple(sys.version_info[:3])
    oldest, newest = (".".join(map(str, bound)) for bound in PYTHONS)
    fine = PYTHONS[0] <= version[:2] <= PYTHONS[1]
    mend = f"Install Python {newest} and set up anew: python{newest} -m venv .venv"
    return _line("Python", fine, f"{oldest} to {newest}", ".".join(map(str, version)), mend)


def environment_line() -> Line:
    """Whether the command runs in the clone's own environment."""
    own, clone = sys.prefix != sys.base_prefix, clone_folder()
    expected = "an environment of its own"
    if clone and (clone / ".venv").is_dir():
        venv = clone / ".venv"
        fine = Path(sys.prefix).resolve() == venv.resolve()
        mend = f"source {venv}/bin/activate" if os.name != "nt" else f"{venv}\\Scripts\\activate"
        return _line("environment", fine, str(venv), sys.prefix, mend, "warning")
    mend = "python3 -m venv .venv && source .venv/bin/activate, then install the course in it"
    return _line("environment", own, expected, sys.prefix, mend, "warning")


def package_lines() -> Iterator[Line]:
    """Each package: as pinned in a clone, else at least as new as the course's own metadata says."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        yield Line("packaging", "problem", "any version", "missing", _pip("packaging"), package=True)
        return
    for name, wanted, needed in _wanted_packages(Requirement):
        yield _package_line(name, wanted, needed)


def _package_line(name: str, wanted, needed: bool) -> Line:
    """One package; one that learners can do without is never a problem."""
    version = _installed(name)
    expected = (str(wanted) or "any version") + ("" if needed else ", for the site, grading and tests")
    found, status, mend = version, "warning", _pip(f'"{name}{wanted}"')
    if version is None:
        found, status = "missing", "problem"
    elif not _is_there(name):
        found, status = f"{version}, but it cannot be imported", "problem"
        mend = _pip(f'--force-reinstall --no-deps "{name}{wanted}"')
    elif wanted.contains(version, prereleases=True):
        status, mend = "ok", ""
    if status == "problem" and not needed:
        status = "warning"
    return Line(name, status, expected, found, mend, package=True)


def tensorflow_line(probe: dict) -> Line:
    """One real import of TensorFlow, with the time that it took."""
    expected = "TensorFlow can be imported, with Keras on top of it"
    backend = os.environ.get("KERAS_BACKEND") or probe.get("backend", "tensorflow")
    if backend != "tensorflow":
        mend = "unset KERAS_BACKEND, and take `backend` out of ~/.keras/keras.json if it stands there"
        return Line("TensorFlow", "problem", expected, f"Keras is set to run on {backend}", mend)
    if probe.get("slow"):
        return Line("TensorFlow", "warning", expected, probe["error"], "Run it again when the machine is less busy.")
    if "error" in probe:
        mend = _pip("-r requirements.txt") if clone_folder() else _pip('"tensorflow>=2.17"')
        if probe.get("signal"):
            mend = "This processor may lack what TensorFlow needs (AVX): take the course in the browser, on Colab."
        return Line("TensorFlow", "problem", expected, probe["error"], mend)
    found = f"TensorFlow {probe['tensorflow']}, Keras {probe['keras']}, imported in {probe['seconds']:.0f} s"
    return Line("TensorFlow", "ok", expected, found)


def kernel_line() -> Line:
    """Whether Jupyter offers a kernel that is this Python."""
    expected = "a Jupyter kernel of this environment"
    if util.find_spec("ipykernel") is None or util.find_spec("jupyter_client") is None:
        return Line("Jupyter", "problem", expected, "ipykernel is missing", _pip("ipykernel notebook"))
    specs = kernel_specs()
    here = [name for name, argv in specs.items() if _is_this_python(argv[0])]
    install = f"{sys.executable} -m ipykernel install --sys-prefix"
    if not here:
        return Line("Jupyter", "problem", expected, f"kernels of other environments: {', '.join(specs)}", install)
    # The exercises' notebooks ask for the one that is called python3.
    return _line("Jupyter", "python3" in here, expected, f"kernel {', '.join(here)}", install, "warning")


def kernel_specs() -> dict[str, list[str]]:
    """The command line of each kernel that Jupyter offers here, by name."""
    from jupyter_client.kernelspec import KernelSpecManager

    specs = KernelSpecManager().get_all_specs()
    return {name: spec["spec"]["argv"] for name, spec in specs.items() if spec["spec"].get("argv")}


def memory_line(memory: tuple[int, int] | None) -> Line:
    """How much memory is available now, of how much there is."""
    if memory is None:
        return Line("memory", "warning", "4 GB available", "not known", "Look at it in your system's monitor.")
    available, total = memory
    mend = "Close other programs and notebooks (each kernel with TensorFlow holds about 1 GB), or use Colab."
    return _enough("memory", available, MEMORY, f"{available / GB:.1f} GB available of {total / GB:.1f} GB", mend)


def available_memory() -> tuple[int, int] | None:
    """Bytes of memory: available and in all, of this container where it is one; None where that cannot be known."""
    try:
        import psutil

        memory = psutil.virtual_memory()
        available, total = memory.available, memory.total
    except Exception:  # not installed, or not for this system
        try:
            lines = Path("/proc/meminfo").read_text().splitlines()
            sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
            available, total = sizes["MemAvailable"], sizes["MemTotal"]
        except (OSError, KeyError, ValueError, IndexError):
            return None
    with contextlib.suppress(OSError, ValueError):  # no container, or no limit ("max")
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        available, total = min(available, limit - used), min(total, limit)
    return available, total


def folder_lines() -> Iterator[Line]:
    """The folders for what can be computed again and for the choice of data: can they be written, is there room?"""
    from pneumonia.settings import cache_dir, config_file

    mend = "PNEUMONIA_{}: set this variable to a folder of yours, for instance export PNEUMONIA_{}=~/course-{}"
    try:
        folder = cache_dir()
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        found = f"{error.filename or 'the folder'}: {error.strerror}"
        yield Line("cache", "problem", "a folder that can be written to", found, mend.format("CACHE", "CACHE", "cache"))
    else:
        yield Line("cache", "ok", "a folder that can be written to", str(folder))
        free = shutil.disk_usage(folder).free
        room = f"Free some, or move the cache to a larger disk. {mend.format('CACHE', 'CACHE', 'cache')}"
        yield _enough("disk", free, DISK, f"{free / GB:.1f} GB free at {folder}", room)
    folder = config_file().parent
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        again = mend.format("CONFIG", "CONFIG", "config")
        yield Line("configuration", "problem", "a folder that can be written to", f"{there}: {error.strerror}", again)
    else:
        yield Line("configuration", "ok", "a folder that can be written to", str(folder))


def cores_line() -> Line:
    """How many processor cores this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    mend = "It works, and what the lessons call a minute takes two."
    return _line("processor", count >= 2, "2 cores", f"{count} core{'s' * (count > 1)}", mend, "warning")


def weights_line(probe: dict) -> Line:
    """VGG16's ImageNet weights: present and verified, or how they come."""
    expected = "VGG16's ImageNet weights, verified"
    if "error" in probe:
        return Line(
            "weights", "warning", expected, "not looked for", "They can be read once TensorFlow can be imported."
        )
    if probe["weights"]:
        return Line("weights", "ok", expected, probe["weights"])
    found = "not here yet"
    if probe["damaged"]:
        found = f"damaged: {', '.join(probe['damaged'])}"
    if probe.get("unreadable"):
        found = probe["unreadable"]
    mend = "Connect to the internet and run `course train` once: it fetches them (58 MB) and checks them."
    return Line("weights", "warning", expected, found, mend)


def data_line(probe: dict) -> Line:
    """The data in use."""
    expected = "the data in use can be read"
    if probe.get("slow"):
        return Line(
            "data", "warning", expected, probe["error"], "`course data` reads it once in full, and remembers it."
        )
    if "error" in probe:
        mend = "`course data phantom`, `course data use folder PATH` or `course data download` chooses other data."
        if os.environ.get("PNEUMONIA_DATA"):
            mend = f"PNEUMONIA_DATA is set: unset PNEUMONIA_DATA, or set it to your folder. {mend}"
        return Line("data", "problem", expected, probe["error"], mend)
    return Line("data", "ok", expected, probe["found"])


def browser_line() -> Line:
    """Chromium, which only the tests of the website need: its lack is no fault."""
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    return Line("Chromium", "ok", "for contributors only", found or "not here; `make test` needs it, learners do not")


def sandbox_line() -> Line:
    """bubblewrap, which only those need who grade other people's notebooks: its lack is no fault."""
    from autograder.judging.sandbox import INSTALL, require
    from pneumonia.settings import CourseError

    found = shutil.which("bwrap")
    if not found:
        found = f"not here; `course grade` needs it, learners do not. {INSTALL['bubblewrap']}"
    else:
        try:
            require("bubblewrap")
        except CourseError as error:
            found = f"{found}, of no use yet to `course grade`; learners need none. {error}"
    return Line("bubblewrap", "ok", "for instructors only", found)


# --- small questions ------------------------------------------------------------------------------------------------


def clone_folder() -> Path | None:
    """The course's clone, where the command was installed from one."""
    folder = Path(__file__).resolve().parent.parent
    return folder if (folder / "requirements.in").is_file() else None


def _wanted_packages(requirement) -> Iterator[tuple]:
    """(name, versions, whether a learner needs it) of each package, in a clone of requirements.in as it is pinned."""
    learners = [requirement(text) for text in metadata.requires("pneumonia-course") or []]
    learners = [wanted for wanted in learners if "extra" not in str(wanted.marker or "")]
    clone = clone_folder()
    if clone is None:
        yield from ((wanted.name, wanted.specifier, True) for wanted in learners)
        return
    pins = {wanted.name: wanted.specifier for wanted in _requirements(requirement, clone / "requirements.txt")}
    needed = {wanted.name for wanted in learners} | set(TENSORFLOWS)
    for wanted in _requirements(requirement, clone / "requirements.in"):
        yield wanted.name, pins.get(wanted.name, wanted.specifier), wanted.name in needed


def _requirements(requirement, path: Path) -> Iterator:
    """What a requirements file asks for on this system."""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        wanted = requirement(text) if text else None
        if wanted and (wanted.marker is None or wanted.marker.evaluate()):
            yield wanted


def _installed(name: str) -> str | None:
    """The version of an installed distribution; of TensorFlow, whichever of its builds there is."""
    for candidate in TENSORFLOWS if name in TENSORFLOWS else (name,):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(candidate)
    return None


def _is_there(name: str) -> bool:
    """Whether a distribution's module can be found, without importing it."""
    try:
        return util.find_spec(MODULES.get(name, name.replace("-", "_"))) is not None
    except (ImportError, ValueError):
        return False


def _is_this_python(program: str) -> bool:
    # Jupyter itself runs a plain `python` as its own Python. No symbolic link is followed: environments share one.
    if os.sep not in program:
        return program.startswith("python")
    return Path(os.path.abspath(program)).parent == Path(os.path.abspath(sys.executable)).parent


def _line(name: str, fine: bool, expected: str, found: str, mend: str, otherwise: str = "problem") -> Line:
    return Line(name, "ok", expected, found) if fine else Line(name, otherwise, expected, found, mend)


def _enough(name: str, amount: int, wanted: tuple[int, int], found: str, mend: str) -> Line:
    status = "problem" if amount < wanted[1] else "warning"
    return _line(name, amount >= wanted[0], f"{wanted[0] / GB:g} GB", found, mend, status)


def _pip(what: str) -> str:
    return f"{sys.executable} -m pip install {what}"


def _text(lines: list[Line]) -> list[str]:
    """The lines for a person: the packages that are right in one line, all else in full."""
    packages = [line for line in lines if line.package]
    right = [line for line in packages if line.status == "ok"]
    text = []
    for line in lines:
        if packages and line is packages[0]:
            found = f"{len(right)} of {len(packages)} as they should be"
            text.append(f"{_status('ok' if len(right) == len(packages) else 'warning')}  {'packages':<15}{found}")
        if not (line.package and line.status == "ok"):
            text.append(f"{_status(line.status)}  {line.name:<15}{line.found}")
        if line.status != "ok":
            text += [f"{'':<11}expected: {line.expected}", f"{'':<11}mend:     {line.mend}"]
    counts = {status: sum(line.status == status for line in lines) for status in ("problem", "warning")}
    verdict = (
        "The course works here." if not counts["problem"] else "Mend the problems, from the top, and run it again."
    )
    numbers = ", ".join(f"{count} {status}{'s' * (count != 1)}" for status, count in counts.items())
    return [*text, f"\n{numbers}. {verdict}"]


def _status(status: str) -> str:
    return click.style(f"{status:<9}", fg=COLORS[status])
