"""`course doctor`: what it says of a machine on which something is missing, and of one on which all is there."""

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from course import doctor
from course.cli import main
from course.doctor import GB, Line, Probe
from pneumonia.settings import CourseError
from tests.conftest import ROOT, run_environment

FINE = {
    "tensorflow": {"tensorflow": "2.21.0", "keras": "3", "backend": "tensorflow", "weights": "/w.npz", "damaged": []},
    "data": {"found": "Phantom: 1010 images"},
}
Version = namedtuple("Version", "major minor micro")


@pytest.fixture
def machine(monkeypatch, own_cache):
    """A machine on which all is well, whatever the one is like that the test runs on; answers of probes by name."""
    answers = {name: answer | {"seconds": 3.0} for name, answer in FINE.items()}

    class Answered:
        def __init__(self, name, seconds):
            self.name = name

        def result(self):
            return answers[self.name]

    monkeypatch.setattr(doctor, "Probe", Answered)
    monkeypatch.setattr(doctor, "available_memory", lambda: (8 * GB, 16 * GB))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(9 * GB))
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(doctor, "kernel_specs", lambda: {"python3": [sys.executable, "-m", "ipykernel_launcher"]})
    monkeypatch.setattr(sys, "prefix", str(ROOT / ".venv"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    return answers


def examined(code: int) -> dict[str, Line]:
    """The lines by name, from the command's JSON; it must end with `code`."""
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == code, result.output
    found = json.loads(result.output)
    lines = {line["name"]: Line(**line) for line in found["lines"]}
    assert found["problems"] == sum(line.status == "problem" for line in lines.values())
    assert all(bool(line.mend) == (line.status != "ok") for line in lines.values())
    return lines


def faults(lines: dict[str, Line]) -> dict[str, str]:
    return {name: line.status for name, line in lines.items() if line.status != "ok"}


def test_all_good(machine):
    lines = examined(0)
    assert faults(lines) == {}
    assert {"Python", "environment", "numpy", "pillow", "TensorFlow", "Jupyter", "memory", "disk"} <= set(lines)
    assert {"cache", "configuration", "processor", "weights", "data", "Chromium", "bubblewrap"} <= set(lines)
    assert lines["numpy"].expected == f"=={metadata.version('numpy')}"
    printed = CliRunner().invoke(main, ["doctor"]).output
    packages = sum(line.package for line in lines.values())
    assert f"{packages} of {packages} as they should be" in printed
    assert "0 problems, 0 warnings. The course works here." in printed
    assert "mend:" not in printed


def test_an_instructor_is_told_of_bubblewrap_and_nobody_fails_without(machine, monkeypatch):
    from autograder.judging import sandbox

    here = shutil.which("bwrap")
    assert here, "the tests need bubblewrap: apt-get install bubblewrap"
    assert examined(0)["bubblewrap"].found == here

    def broken(_):
        raise CourseError("The sandbox does not start: bwrap says 'no namespaces'.")

    monkeypatch.setattr(sandbox, "require", broken)
    assert "bwrap says 'no namespaces'" in examined(0)["bubblewrap"].found
    monkeypatch.setenv("PATH", "")
    assert "apt-get install bubblewrap" in examined(0)["bubblewrap"].found


def test_every_package_of_requirements_is_looked_at(machine):
    asked = [line.split("=")[0].split(";")[0].strip() for line in (ROOT / "requirements.in").read_text().splitlines()]
    asked = {name for name in asked if name and not name.startswith(("#", "tensorflow"))}
    looked = {name for name, line in examined(0).items() if line.package}
    assert {name for name in looked if not name.startswith("tensorflow")} == asked
    assert len(looked) == len(asked) + 1


@pytest.mark.parametrize(
    ("version", "fine"), [((3, 10, 9), False), ((3, 11, 0), True), ((3, 13, 9), True), ((3, 14, 0), False)]
)
def test_python(machine, monkeypatch, version, fine):
    monkeypatch.setattr(doctor.sys, "version_info", Version(*version))
    line = doctor.python_line()
    assert (line.status, line.found) == ("ok" if fine else "problem", ".".join(map(str, version)))
    assert fine or "python3.13 -m venv" in line.mend


def test_a_missing_package_is_a_problem_if_learners_need_it(machine, monkeypatch):
    real = metadata.version

    def version(name):
        if name in ("scikit-learn", "sphinx-book-theme"):
            raise metadata.PackageNotFoundError(name)
        return "0.1" if name == "tqdm" else real(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    lines = examined(1)
    assert faults(lines) == {"scikit-learn": "problem", "sphinx-book-theme": "warning", "tqdm": "warning"}
    assert lines["scikit-learn"].found == "missing"
    assert f'pip install "scikit-learn=={real("scikit-learn")}"' in lines["scikit-learn"].mend
    assert lines["tqdm"].found == "0.1"
    printed = CliRunner().invoke(main, ["doctor"])
    assert printed.exit_code == 1
    assert lines["scikit-learn"].mend in printed.output
    assert "1 problem, 2 warnings. Mend" in printed.output


def test_a_package_whose_files_are_gone(machine, monkeypatch):
    real = doctor.util.find_spec
    monkeypatch.setattr(doctor.util, "find_spec", lambda name: None if name == "PIL" else real(name))
    lines = examined(1)
    assert faults(lines) == {"pillow": "problem"}
    assert "--force-reinstall" in lines["pillow"].mend


def test_without_a_clone_the_lower_bounds_count(machine, monkeypatch):
    monkeypatch.setattr(doctor, "clone_folder", lambda: None)
    lines = {line.name: line for line in doctor.package_lines()}
    assert lines["numpy"].expected == ">=1.26"
    assert {line.status for line in lines.values()} == {"ok"}
    assert not {"nbgrader", "kagglehub"} & set(lines)


def test_another_environment_than_the_clones_is_a_warning(machine, monkeypatch):
    monkeypatch.setattr(sys, "prefix", "/usr")
    lines = examined(0)
    assert faults(lines) == {"environment": "warning"}
    assert "activate" in lines["environment"].mend


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        ({"error": "No module named 'tensorflow'"}, "problem", "-r requirements.txt"),
        ({"error": "the process ended by signal 4", "signal": 4}, "problem", "AVX"),
        ({"error": "no answer within 60 seconds", "slow": True}, "warning", "less busy"),
        (FINE["tensorflow"] | {"backend": "jax", "seconds": 1.0}, "problem", "KERAS_BACKEND"),
    ],
)
def test_tensorflow(machine, answer, status, says):
    machine["tensorflow"] = answer
    line = examined(status == "problem")["TensorFlow"]
    assert line.status == status
    assert says in line.mend


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"weights": None}, "not here yet"),
        ({"weights": None, "damaged": ["/w.npz"]}, "damaged: /w.npz"),
        ({"weights": None, "unreadable": "no permission"}, "no permission"),
    ],
)
def test_missing_weights_are_no_problem_and_are_told(machine, changes, found):
    machine["tensorflow"] |= changes
    lines = examined(0)
    assert faults(lines) == {"weights": "warning"}
    assert lines["weights"].found == found
    assert "course train" in lines["weights"].mend


@pytest.mark.parametrize(
    ("memory", "status"),
    [((4 * GB, 8 * GB), "ok"), ((4 * GB - 1, 8 * GB), "warning"), ((GB, GB), "problem"), (None, "warning")],
)
def test_memory(machine, monkeypatch, memory, status):
    monkeypatch.setattr(doctor, "available_memory", lambda: memory)
    lines = examined(status == "problem")
    assert lines["memory"].status == status
    assert memory is None or f"of {memory[1] // GB}.0 GB" in lines["memory"].found


def test_memory_is_measured_and_a_container_has_no_more_than_its_limit(monkeypatch):
    available, total = doctor.available_memory()
    assert 0 < available <= total
    limits = {"/sys/fs/cgroup/memory.max": str(GB), "/sys/fs/cgroup/memory.current": str(GB // 4)}
    real = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, *a, **k: limits.get(str(path)) or real(path, *a, **k))
    assert doctor.available_memory() == (GB * 3 // 4, GB)


@pytest.mark.parametrize(("free", "status"), [(2 * GB, "ok"), (GB, "warning"), (GB // 10, "problem")])
def test_disk(machine, monkeypatch, free, status):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(free))
    lines = examined(status == "problem")
    assert lines["disk"].status == status
    assert status == "ok" or "PNEUMONIA_CACHE" in lines["disk"].mend


@pytest.mark.parametrize(("variable", "name"), [("PNEUMONIA_CACHE", "cache"), ("PNEUMONIA_CONFIG", "configuration")])
def test_a_folder_that_cannot_be_written(machine, monkeypatch, tmp_path, variable, name):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(variable, str(tmp_path / "file" / "below"))
    lines = examined(1)
    assert lines[name].status == "problem"
    assert variable in lines[name].mend


@pytest.mark.parametrize(
    ("specs", "status"),
    [
        ({"python3": ["python", "-m", "x"]}, "ok"),
        ({"mine": [sys.executable]}, "warning"),
        ({"python3": ["/usr/bin/other/python"], "ir": ["R"]}, "problem"),
        ({}, "problem"),
    ],
)
def test_kernel(machine, monkeypatch, specs, status):
    monkeypatch.setattr(doctor, "kernel_specs", lambda: specs)
    line = examined(status == "problem")["Jupyter"]
    assert line.status == status
    assert status == "ok" or "ipykernel install" in line.mend


def test_one_core_is_a_warning(machine, monkeypatch):
    monkeypatch.setattr(doctor.os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert faults(examined(0)) == {"processor": "warning"}


def test_data_that_takes_long_is_no_problem(machine):
    machine["data"] = {"error": "no answer within 12 seconds", "slow": True}
    assert faults(examined(0)) == {"data": "warning"}


# --- the real probes --------------------------------------------------------------------------------------------------


def test_a_broken_choice_of_data_is_read_and_told(machine, monkeypatch):
    monkeypatch.setenv("PNEUMONIA_DATA", "/nowhere")
    machine["data"] = Probe("data", 60).result()
    lines = examined(1)
    assert faults(lines) == {"data": "problem"}
    assert "/nowhere: no such folder" in lines["data"].found
    assert "unset PNEUMONIA_DATA" in lines["data"].mend


def test_data_are_read_and_phantoms_are_not_drawn(phantom_folder, own_cache, monkeypatch):
    assert "drawn when they are first used" in Probe("data", 60).result()["found"]
    assert not (own_cache / "phantom").is_dir() or not list((own_cache / "phantom").iterdir())
    monkeypatch.setenv("PNEUMONIA_DATA", str(phantom_folder))
    assert Probe("data", 60).result()["found"].endswith("no real child: 64 images")


def test_a_probe_that_hangs_dies_or_talks(monkeypatch):
    def answered(code, seconds=20):
        real = subprocess.Popen
        monkeypatch.setattr(doctor.subprocess, "Popen", lambda command, **k: real([command[0], "-c", code], **k))
        answer = Probe("x", seconds).result()
        monkeypatch.setattr(doctor.subprocess, "Popen", real)
        return answer

    assert answered("import time; time.sleep(60)", 0.5)["slow"]
    assert answered("import os; os.kill(os.getpid(), 4)")["signal"] == 4
    assert answered("import nowhere")["error"] == "ModuleNotFoundError: No module named 'nowhere'"
    assert "exit status 3" in answered("raise SystemExit(3)")["error"]
    assert answered("print('noise'); print('{\"found\": 1}')")["found"] == 1


def test_this_machine_end_to_end(tmp_path):
    """The command with nothing replaced, and neither weights nor phantoms at hand: it says so and fetches nothing."""
    environment = run_environment(PNEUMONIA_CACHE=str(tmp_path / "cache"), KERAS_HOME=str(tmp_path / "keras"))
    course = Path(sys.executable).with_name("course")
    run = subprocess.run([course, "doctor", "--json"], capture_output=True, text=True, env=environment, timeout=120)
    assert run.stderr == ""
    lines = {line["name"]: line for line in json.loads(run.stdout)["lines"]}
    assert lines["TensorFlow"]["status"] == "ok"
    assert f"Keras {metadata.version('keras')}, imported in" in lines["TensorFlow"]["found"]
    assert (lines["weights"]["status"], lines["weights"]["found"]) == ("warning", "not here yet")
    assert "drawn when they are first used" in lines["data"]["found"]
    assert lines["Jupyter"]["status"] == "ok"
    written = [name for _, _, files in os.walk(tmp_path) for name in files]
    assert written == ["keras.json"], "Keras writes its settings when it is imported"
