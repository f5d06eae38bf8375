"""The capstone: data that can be made again, a scale that is what the notebook says, the same points everywhere."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import submissions
from submissions.capstone import (
    CHOICE,
    PARTS,
    a_constant,
    a_plain_logistic_regression,
    calls_only,
    standardised_and_unweighted,
)

from autograder import capstone_data
from autograder.checking import Partly
from autograder.checks.capstone import GUESSING, POINTS, needed_score, points_for, scale
from autograder.engine.gradebook import enter_assignment
from autograder.engine.grades import Grade
from autograder.exercises import CLONE, exercise
from autograder.hand_ins.notebooks import CodeCell, grading_metadata, learner_cells
from autograder.hidden.capstone_data import GRADING
from autograder.hidden.capstone_data import SEED as SEED_OF_GRADING
from autograder.judging.judge import Limits, Submission, judge
from autograder.learner import Learner, in_place
from autograder.running import Failure, Outcome, run_checks
from pneumonia import phantom

TASK = exercise("06-capstone")
COURSE = Path(sys.executable).with_name("course")

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")
SETS = {capstone_data.PRACTICE: capstone_data.SEED, GRADING: SEED_OF_GRADING}
each_set = pytest.mark.parametrize("path", SETS, ids=["practice", "grading"])


# --- the data --------------------------------------------------------------------------------------------------------


@each_set
def test_a_set_is_plain_small_and_as_agreed(path):
    assert path.stat().st_size < 800_000
    train, test = capstone_data.load(path)
    for cases, split in ((train, "train"), (test, "test")):
        counts = capstone_data.COUNTS[split]
        assert np.bincount(cases.labels).tolist() == [counts["NORMAL"], counts["PNEUMONIA"]]
        assert cases.features.shape == (sum(counts.values()), 512)
        assert cases.features.dtype == np.float32
    assert not set(train.patients) & set(test.patients)
    assert len(set(train.patients)) < len(train.patients)


def test_the_two_sets_have_no_image_in_common():
    practice, grading = (np.concatenate([c.features for c in capstone_data.load(p)]) for p in SETS)
    assert not {row.tobytes() for row in practice} & {row.tobytes() for row in grading}


def test_the_set_for_grading_cannot_be_drawn_from_what_learners_receive():
    """Its labels could be made at home, and handed in with its features: all points with nothing trained."""
    assert SEED_OF_GRADING.bit_length() > 100, "fewer can be tried out"
    received = [path for folder in ("autograder", "pneumonia", "course") for path in (CLONE / folder).rglob("*.py")]
    received += [CLONE / "pyproject.toml", *(CLONE / "exercises").rglob("*.ipynb")]
    received = [path for path in received if GRADING.parent not in path.parents]
    assert CLONE / "autograder" / "capstone_data.py" in received
    for path in received:
        text = path.read_text(encoding="utf-8").replace("_", "")
        assert not any(form in text for form in (str(SEED_OF_GRADING), f"{SEED_OF_GRADING:x}")), path
    with np.load(GRADING, allow_pickle=False) as arrays:
        images = set(arrays["images"])
    assert images == {job.stem for job in phantom._plan(SEED_OF_GRADING, capstone_data.COUNTS)}
    released_once = 60_602
    assert images != {job.stem for job in phantom._plan(released_once, capstone_data.COUNTS)}


@each_set
def test_rows_computed_again_are_the_same(path, tmp_path):
    """Two images of each class and split, drawn and computed anew."""
    from pneumonia import data

    with np.load(path, allow_pickle=False) as arrays:
        kept = dict(arrays)
    rows = [
        np.flatnonzero((kept["splits"] == s) & (kept["labels"] == y))[:2] for s in ("train", "test") for y in (0, 1)
    ]
    wanted = set(kept["images"][np.concatenate(rows)])
    seed = SETS[path]
    for job in phantom._plan(seed, capstone_data.COUNTS):
        if job.stem in wanted:
            for folder in (tmp_path, tmp_path / "masks"):
                (folder / job.split / job.label).mkdir(parents=True, exist_ok=True)
            phantom._write_image(tmp_path, seed, job)
    shutil.rmtree(tmp_path / "masks")
    dataset = data.read_folder(tmp_path)
    features = capstone_data.features_of(dataset)
    assert len(features) == 8
    place = {name: row for row, name in enumerate(kept["images"])}
    for image, patient, label, row in zip(dataset.images, dataset.patients, dataset.labels, features, strict=True):
        known = place[image.stem]
        assert (kept["patients"][known], kept["labels"][known]) == (patient, label)
        # A grey level's difference between versions of libjpeg moves a feature by far less than it differs by.
        assert np.abs(kept["features"][known].astype(float) - row).max() < 0.02 * np.abs(row).max()


@each_set
def test_the_reference_is_what_the_solution_scores(path):
    assert capstone_data.measured_reference(path) == pytest.approx(capstone_data.reference(path), abs=0.005)


def test_the_score_is_scikit_learns():
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 2, 200), rng.integers(0, 11, 200) / 10
    auc, balanced, mean = capstone_data.score(labels, probabilities)
    assert auc == pytest.approx(roc_auc_score(labels, probabilities))
    assert balanced == pytest.approx(balanced_accuracy_score(labels, probabilities >= 0.5))
    assert mean == pytest.approx((auc + balanced) / 2)


# --- the scale and the points ----------------------------------------------------------------------------------------


def test_points_grow_with_the_score():
    reference = capstone_data.reference()
    assert points_for(GUESSING, reference) == 0
    assert points_for(reference - 0.015, reference) == points_for(1.0, reference) == POINTS
    points = [points_for(value, reference) for value in np.linspace(0, 1, 1001)]
    assert points == sorted(points)
    assert set(points) == set(range(POINTS + 1))
    for row in scale(reference).splitlines()[1:]:
        earned, needed = row.split()
        assert float(needed) == pytest.approx(needed_score(int(earned), reference), abs=0.0005)


@pytest.mark.parametrize("program", PARTS, ids=lambda program: program.__name__)
def test_right_in_part_earns_a_part_in_place_and_apart(program, monkeypatch):
    monkeypatch.setattr("autograder.checks.capstone.QUICK", np.inf)  # whatever else this machine does
    earned = []
    cells = [CodeCell("imports", "import numpy as np"), CodeCell("answer", submissions.Answer("", program, "").source)]
    with Submission(cells, Limits().of(TASK)) as running:
        for learner in (
            in_place({"train_classifier": program}),
            Learner(running.exchange, {"train_classifier": program.__name__}),
        ):
            outcome = run_checks(TASK, learner)["train_classifier"]
            assert [words for words in set(PARTS.values()) if words in outcome.failure.mistake] == [PARTS[program]]
            earned.append(outcome.earned(POINTS))
            assert f"{earned[-1]} of 10 points" in outcome.failure.mistake
    assert earned[0] == earned[1]
    assert 0 < earned[0] < POINTS


def a_cut_where_the_first_cases_asked_about_need_it(features, labels, patients, seed):
    """Sets its cut by the share of the healthy among the test cases, and remembers it, so that each answer stays."""
    honest, found = standardised_and_unweighted(features, labels, patients, seed), []

    def predict(features):
        p = honest(features)
        found.append(np.quantile(p, 0.38))
        return np.clip(p - found[0] + 0.5, 0, 1)

    return predict


def test_a_cut_that_is_set_by_the_test_cases_is_worth_nothing():
    earned = {}
    for program in (standardised_and_unweighted, a_cut_where_the_first_cases_asked_about_need_it):
        learner = in_place({"train_classifier": program})
        outcome = run_checks(TASK, learner, hidden=True, public=False, seed=1)["train_classifier"]
        earned[program.__name__] = outcome.earned(POINTS)
    honest, cheat = earned.values()
    assert cheat == 0 < honest < POINTS


def discriminant_analysis(features, labels, patients, seed):
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=[0.5, 0.5]).fit(features, labels)
    return lambda features: model.predict_proba(features)[:, 1]


def test_who_weighs_the_classes_alike_is_not_told_to(monkeypatch):
    """Right in part on the practice set, and with nothing to be blamed for that the training patients show."""
    monkeypatch.setattr("autograder.checks.capstone.QUICK", np.inf)
    outcome = run_checks(TASK, in_place({"train_classifier": discriminant_analysis}))["train_classifier"]
    assert 0 < outcome.earned(POINTS) < POINTS
    assert CHOICE in outcome.failure.mistake
    assert "weigh" not in outcome.failure.mistake
    assert "threshold" not in outcome.failure.mistake


def test_no_share_is_negative_or_all():
    failure = Failure("", False, "", "", "", "", (), "")
    for part in (-0.1, 1.0, 2, float("nan")):
        with pytest.raises(ValueError, match="part"):
            Outcome("f", 1, 0.0, failure, part)
        with pytest.raises(ValueError, match="share"):
            Partly(part)
    with pytest.raises(ValueError, match="part"):
        Outcome("f", 1, 0.0, None, 0.5)
    assert Outcome("f", 1, 0.0, failure, 0.999).earned(10) == 9
    assert Outcome("f", 1, 0.0, failure, 0.7).earned(10) == 7
    assert Outcome("f", 1, 0.0, failure).earned(10) == 0
    grade = Grade("zoe", TASK.name, {"f": 10, "g": 5}, (Outcome("f", 1, 0.0, failure, 0.3),))
    assert (grade.earned, grade.score) == ({"f": 3, "g": 0}, 3)


# --- the limit of time -----------------------------------------------------------------------------------------------


def slow(features, labels, patients, seed):
    import time

    time.sleep(1.5)
    return lambda features: features[:, 0] * 0


def test_too_slow_is_refused_in_place_and_stopped_apart(monkeypatch):
    monkeypatch.setattr("autograder.checks.capstone.SECONDS", 1)
    cells = [CodeCell("answer", submissions.Answer("", slow, "").source)]
    for call in (10, 1.2):  # measured after the fact; stopped by the judge
        with Submission(cells, Limits(call=call)) as running:
            running.start()
            for learner in (
                in_place({"train_classifier": slow}),
                Learner(running.exchange, {"train_classifier": "slow"}),
            ):
                failure = run_checks(TASK, learner)["train_classifier"].failure
                assert "Training takes too long" in failure.mistake
                assert failure.expected == "training in 1 seconds at most"


def test_the_limit_that_the_notebook_names_is_the_one_that_holds():
    from autograder.checks.capstone import SECONDS

    text = TASK.release.read_text()
    assert f"Training may take {SECONDS} seconds" in text
    assert Limits().of(TASK).call > SECONDS
    assert Limits().of(TASK).submission > 6 * SECONDS


# --- graded ----------------------------------------------------------------------------------------------------------


def answered(program) -> dict:
    """The released notebook's graded cells, with an answer under the contract's name."""
    notebook = json.loads(TASK.release.read_bytes())
    notebook["cells"] = [cell for cell in notebook["cells"] if grading_metadata(cell)]
    source = submissions.Answer("", program, "").source
    name = f"train_classifier = {program.__name__}"
    notebook["cells"][0]["source"] = f"import numpy as np\n\n\n{source}\n\n\n{name}"
    return notebook


def test_stock_nbgrader_and_course_grade_give_the_same_points(tmp_path):
    """All, a part and nothing: in nbgrader's gradebook and in the course's own files."""
    programs = {
        "ada": a_plain_logistic_regression,
        "bea": calls_only,
        "dan": a_constant,
    }
    shutil.copy(CLONE / "nbgrader_config.py", tmp_path)
    shutil.copytree(TASK.source.parent, tmp_path / "solutions" / TASK.name)
    for student, program in programs.items():
        path = tmp_path / "submitted" / student / TASK.name / f"{TASK.name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(answered(program)))
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    enter_assignment(f"sqlite:///{tmp_path / 'gradebook.db'}", TASK)
    command = [sys.executable, "-m", "nbgrader", "autograde", TASK.name]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    command = [str(COURSE), "grade", "submitted", "--output", "graded", "--seed", "4"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr

    stock, ours = scores(tmp_path / "gradebook.db"), scores(tmp_path / "graded" / "gradebook.db")
    assert stock == ours
    assert (ours["ada"], ours["dan"]) == (10, 0)
    assert 0 < ours["bea"] < 10
    rows = (tmp_path / "graded" / "grades.csv").read_text().splitlines()
    assert f"bea,{TASK.name},{ours['bea']:.0f},10" in rows
    page = (tmp_path / "graded" / "feedback" / "bea" / f"{TASK.name}.html").read_text()
    assert "right in part" in page
    assert f"{ours['bea']:.0f} of 10 points" in page
    marked = (tmp_path / "autograded" / "bea" / TASK.name / f"{TASK.name}.ipynb").read_text()
    assert f"{ours['bea']:.0f} of 10 points. Only 0 and 1 came" in marked, "nbgrader shows the message, too"


def scores(gradebook: Path) -> dict[str, float]:
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{gradebook}", "pneumonia") as book:
        return {entry.student_id: entry.score for entry in book.assignment_submissions(TASK.name)}


def test_course_check_shows_a_part(tmp_path):
    (tmp_path / "06-capstone.ipynb").write_text(json.dumps(answered(calls_only)))
    result = subprocess.run([str(COURSE), "check", str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert result.returncode == 1
    assert "in part" in result.stdout
    assert "Only 0 and 1 came" in result.stdout


def test_a_grade_does_not_hang_on_the_seed():
    cells = learner_cells(answered(standardised_and_unweighted), TASK)
    parts = [judge(cells, TASK, hidden=True, seed=seed).outcomes[0].part for seed in (1, 2)]
    assert parts[0] == parts[1] > 0
