"""`course data`, `course train`, `course predict`: what a user sees, and that mistakes end in a sentence."""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from course.cli import main
from pneumonia import data, download
from pneumonia.settings import CourseError
from tests.conftest import ROOT, run_environment


def course(*arguments, code=0):
    """Run the command and return what it printed; it must end with `code` and never with a traceback."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.output


def test_help_is_there_without_importing_tensorflow():
    code = "import sys; from course.cli import main\ntry: main(['-h'])\nfinally: assert 'tensorflow' not in sys.modules"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=run_environment())
    assert run.returncode == 0, run.stderr
    assert all(name in run.stdout for name in ("data", "train", "predict", "check", "grade", "release", "site"))


def test_the_card_says_what_is_in_use(phantom_folder, tmp_path):
    sheet = tmp_path / "sheet.png"
    course("data", "use", "folder", phantom_folder)
    card = course("data", "--sheet", sheet)
    assert "drawn by code, no real child" in card
    assert "12 NORMAL, 28 PNEUMONIA" in card
    assert str(phantom_folder) in card
    with Image.open(sheet) as image:
        assert image.width > 800


def test_the_environment_overrides_the_choice(phantom_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMONIA_DATA", str(tmp_path / "gone"))
    course("data", "use", "folder", phantom_folder)
    assert "no such folder" in course("data", code=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("data", "use", "folder", "/nowhere"), "/nowhere: no such folder"),
        (("data", "use", "medmnist", "/nowhere.npz"), "expected MedMNIST's"),
        (("data", "download", "--medmnist", "30"), "size: expected one of"),
        (("predict", "x.jpeg", "--model", "/nowhere.keras"), "run `course train` first"),
    ],
)
def test_a_mistake_ends_in_a_sentence(arguments, message):
    assert message in course(*arguments, code=1)


def test_a_damaged_choice_says_how_to_choose_again(phantom_folder):
    from pneumonia.settings import config_file

    course("data", "use", "folder", phantom_folder)
    config_file().write_text("{")
    assert "run `course data use ...`" in course("data", code=1)


@pytest.fixture
def kagglehub_gives(monkeypatch):
    import kagglehub

    def set_answer(answer):
        def dataset_download(handle):
            assert handle == "paultimothymooney/chest-xray-pneumonia"
            if isinstance(answer, Exception):
                raise answer
            return str(answer)

        monkeypatch.setattr(kagglehub, "dataset_download", dataset_download)

    return set_answer


def test_a_download_without_internet_is_one_sentence_with_other_ways(kagglehub_gives):
    import requests

    kagglehub_gives(requests.ConnectionError("HTTPSConnectionPool(host='x'):\n Max retries exceeded"))
    output = course("data", "download", code=1)
    assert "The download failed: the server could not be reached" in output
    assert "course data use folder" in output
    assert "Max retries" not in output


def test_a_download_with_other_counts_is_not_used(kagglehub_gives, phantom_folder):
    kagglehub_gives(phantom_folder)
    output = course("data", "download", code=1)
    assert "train/NORMAL: expected 1341, got 12" in output
    assert data.current_choice() == "phantom"


def test_a_download_with_the_published_counts_is_used(kagglehub_gives, real_folder):
    kagglehub_gives(real_folder)
    assert "1,341 NORMAL, 3,875 PNEUMONIA" in course("data", "download")
    assert data.current_choice() == str(real_folder.resolve())


def test_medmnist_needs_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "medmnist", None)
    with pytest.raises(CourseError, match="medmnist is not installed, because it brings PyTorch"):
        download.medmnist(28)


def test_train_and_predict(phantom_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PNEUMONIA_DATA", str(phantom_folder))
    output = course("train", "--seeds", 1, "--output", tmp_path / "run")
    assert "Phantom" in output
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["data"]["source"] == "phantom"
    assert f"auc {metrics['test']['auc']['mean']:.3f}" in output

    ill = next((phantom_folder / "test" / "PNEUMONIA").glob("*.jpeg"))
    model = tmp_path / "run" / "model.keras"
    answer = course("predict", ill, "--model", model)
    assert "not a diagnosis" in answer
    assert 0 <= float(answer.split("PNEUMONIA ")[1].split()[0]) <= 1

    broken = tmp_path / "broken.jpeg"
    broken.write_bytes(b"no image")
    answer = course("predict", broken, ill, "--model", model, code=1)
    assert "broken.jpeg: expected an image" in answer
    assert f"{ill}: probability" in answer
    assert "1 of 2 file(s) could not be read" in answer

    np.save(tmp_path / "other.npy", np.zeros(3))
    assert "expected a model that `course train` wrote" in course(
        "predict", ill, "--model", tmp_path / "other.npy", code=1
    )
