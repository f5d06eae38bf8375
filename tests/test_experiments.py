"""`pneumonia.experiments`: every protocol runs on phantoms, resumes, and what is recorded follows from its scores."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.special import expit

from course.reproduce import listing, reproduce
from pneumonia import calibration, data, evaluation, experiments, leaderboard, results
from pneumonia.experiments import symptoms
from pneumonia.experiments.lab import QUICK, Lab, by_patient
from pneumonia.settings import CourseError

COUNTS = {
    "train": {"NORMAL": 30, "PNEUMONIA": 60},
    "val": {"NORMAL": 2, "PNEUMONIA": 2},
    "test": {"NORMAL": 24, "PNEUMONIA": 36},
}
RECORDED = [protocol for protocol in experiments.PROTOCOLS.values() if protocol.path.is_file()]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    from pneumonia import phantom

    return data.read_folder(phantom.write(tmp_path_factory.mktemp("experiments") / "phantom", counts=COUNTS))


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """An empty folder for kept stages, so that what is tested has run; features come from the usual one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pneumonia.experiments.lab.cache_dir", lambda *_: stages)
        stages = tmp_path_factory.mktemp("stages")
        yield stages


@pytest.fixture(scope="module", params=experiments.PROTOCOLS.values(), ids=lambda protocol: protocol.name)
def finished(request, dataset, stages):
    """A protocol and its result on small phantoms."""
    return request.param, experiments.run(request.param, dataset, progress=False)


def walk(value):
    """Every dictionary in a result, at any depth."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def scored(result):
    """Everything in a result that has labels and log-odds."""
    return [part for part in walk(result) if {"labels", "logits"} <= set(part)]


def check_schema(protocol, result):
    assert result["protocol"] == protocol.name
    assert {"data", "environment", "seconds", "command"} <= set(result)
    assert len(result["data"]["fingerprint"]) == 32
    json.dumps(result, allow_nan=False)
    assert scored(result) or protocol.name == "explain"
    for part in scored(result):
        assert len(part["labels"]) == len(part["logits"])
        if "confusion" in part:
            probabilities = expit(part["logits"])
            assert part["confusion"] == evaluation.confusion_counts(part["labels"], probabilities, part["threshold"])
    for row in walk(result):
        if {"setting", "runs"} <= set(row):
            check_spread(row)
        if {"setting", "thresholds"} <= set(row):
            check_thresholds(row)


def check_thresholds(row):
    """What a setting's look at test gave at each threshold follows from its scores."""
    labels, logits = np.array(row["test"]["labels"]), np.array(row["test"]["logits"])
    for rule, found in row["thresholds"].items():
        again = evaluation.metrics(labels, expit(logits - found["log_odds"]), 0.5)
        assert found["test"] == pytest.approx(again, abs=1e-4), rule
        for metric, (low, high) in found["interval_95"].items():
            if metric != "calibration_error":  # which is larger in most draws than in the cases themselves
                assert low - 1e-3 <= found["test"][metric] <= high + 1e-3, (rule, metric)


def check_spread(row):
    """Means and deviations follow from the runs, and the runs from the scores that are kept."""
    for run in row["runs"]:
        if "test_logits" in run:
            again = evaluation.metrics(row["first"]["labels"], expit(run["test_logits"]))
            assert run["test"] == pytest.approx(again, abs=2e-5)
    for split in set(row["runs"][0]) - {"seed", "test_logits"}:
        again = evaluation.spread([run[split] for run in row["runs"]])
        for metric, values in again.items():
            assert row[split][metric] == pytest.approx(values, abs=2e-5), (row["setting"], split, metric)
    if "first" in row:
        again = evaluation.metrics(row["first"]["labels"], expit(row["first"]["logits"]), row["first"]["threshold"])
        for metric, value in again.items():
            assert row["runs"][0]["test"][metric] == pytest.approx(value, abs=2e-5)
            low, high = row["first"]["interval_95"][metric]
            assert 0 <= low <= high <= 1


def test_a_protocol_runs_on_phantoms_and_says_what_it_did(finished):
    protocol, result = finished
    check_schema(protocol, result)
    assert result["data"]["synthetic"]
    assert result["question"] == protocol.question
    assert result["looks_at_test"] == protocol.looks


def test_measurements_on_phantoms_are_not_recorded(finished):
    with pytest.raises(CourseError, match="measured on the phantom"):
        experiments.record(*finished)


def test_a_second_run_computes_nothing(finished, dataset, monkeypatch):
    protocol, result = finished
    monkeypatch.setattr("pneumonia.experiments.lab.Stopwatch", None)  # every stage that computes begins with it
    again = experiments.run(protocol, dataset, progress=False)
    assert again == result | {"environment": again["environment"]}


def settings_judged_on_test(result):
    """How many settings of a result were scored on test images."""
    return sum(("setting" in row and "test" in row) or "test_auc" in row for row in walk(result))


# The others judge no settings of the usual form.
@pytest.mark.parametrize(
    "name", [p.name for p in RECORDED if p.name not in ("reference-head", "calibration", "explain")]
)
def test_the_looks_at_test_are_counted_right(name):
    assert settings_judged_on_test(results.load(name)) == experiments.PROTOCOLS[name].looks


def test_recorded_calibration_follows_from_recorded_scores():
    recorded = results.load("calibration")
    for head in ("linear head", "hidden layer"):
        for split in ("validation", "test"):
            scores = recorded[head]["scores"][split]
            again = calibration.reliability(np.array(scores["labels"]), expit(scores["logits"]))
            for found, expected in zip(recorded[head]["curves"][f"{split} before"], again, strict=True):
                assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("protocol", RECORDED, ids=lambda protocol: protocol.name)
def test_recorded_numbers_follow_from_recorded_scores(protocol):
    result = results.load(protocol.name)
    check_schema(protocol, result)
    assert not result["data"]["synthetic"]
    assert protocol.path.stat().st_size < 1_500_000
    assert protocol.state == "recorded"
    said = (result["question"], result["chosen_on"], result["threshold_rule"], result["looks_at_test"])
    assert said == (protocol.question, protocol.chosen_on, protocol.threshold, protocol.looks)
    assert result["seeds"] == list(experiments.FULL.seeds)
    assert result["seconds"]["total"] / 60 <= protocol.minutes + 1


def test_a_result_of_another_version_is_outdated():
    protocol = experiments.find("closing")
    assert protocol.state == "recorded"
    assert replace(protocol, version=protocol.version + 1).state == "outdated"


def test_a_changed_number_is_noticed():
    """The check above must be able to fail."""
    row = {
        "setting": "x",
        "runs": [{"seed": 0, "test": dict.fromkeys(evaluation.METRICS, 0.5)}],
        "test": {m: {"mean": 0.5, "sd": 0.0, "min": 0.5, "max": 0.5} for m in evaluation.METRICS},
    }
    check_spread(row)
    row["test"]["auc"] = {"mean": 0.6, "sd": 0.0, "min": 0.5, "max": 0.5}
    with pytest.raises(AssertionError):
        check_spread(row)


def test_the_leaderboard_is_what_the_results_give():
    assert results.load(leaderboard.NAME) == leaderboard.build()


def test_the_leaderboard_counts_the_looks_of_earlier_versions():
    protocol = replace(experiments.find("closing"), earlier_looks=3)
    counted = {row["looks_at_test"] for row in leaderboard.rows_of(protocol)}
    assert counted == {protocol.looks + 3}


def test_the_leaderboard_adds_up_all_looks():
    rows = leaderboard.looks()
    recorded = sum(protocol.looks + protocol.earlier_looks for protocol in RECORDED)
    assert rows[-1]["so_far"] == leaderboard.FIRST_LOOK + recorded
    assert {row["source"] for row in leaderboard.build()["ours"]} <= {row["source"] for row in rows}


def test_stages_are_kept_by_data_version_and_scale(dataset, own_cache):
    calls = []

    def compute():
        calls.append(1)
        return {"value": len(calls)}

    lab = Lab("test", 1, dataset, QUICK, progress=False)
    assert lab.stage("a", compute) == lab.stage("a", compute) == {"value": 1}
    assert Lab("test", 2, dataset, QUICK, progress=False).stage("a", compute) == {"value": 2}
    assert Lab("test", 1, dataset.take(slice(0, 50)), QUICK, progress=False).stage("a", compute) == {"value": 3}


def test_a_stage_that_fails_is_not_kept(dataset, own_cache):
    lab = Lab("test", 1, dataset, QUICK, progress=False)
    with pytest.raises(ZeroDivisionError):
        lab.stage("fails", lambda: 1 / 0)
    assert lab.stage("fails", lambda: 5) == 5


def counted(lab):
    """A protocol that says what it was given."""
    rows = {"pool": lab.pool, "test": lab.test}
    return {name: [len(part), float(lab.labels[part].mean())] for name, part in rows.items()}


def test_a_scale_draws_so_many_images_by_patient(dataset, own_cache):
    protocol = replace(experiments.find("closing"), where=f"{__name__}:counted")
    given = experiments.run(protocol, dataset, replace(QUICK, images=(40, 24)), progress=False)
    every = experiments.run(protocol, dataset, replace(QUICK, images=None), progress=False)
    for part, images in (("pool", 40), ("test", 24)):
        assert abs(given[part][0] - images) <= 2
        assert given[part][1] == pytest.approx(every[part][1], abs=0.1)


def test_whole_patients_are_drawn(dataset):
    lab = Lab("test", 1, dataset, QUICK, progress=False)
    rows = by_patient(lab, lab.pool, 30, 0)
    share = lab.labels[lab.pool].mean()
    assert abs(len(rows) - 30) <= 2
    assert math.isclose(lab.labels[rows].mean(), share, abs_tol=0.1)
    assert np.array_equal(by_patient(lab, lab.pool, 10**6, 0), lab.pool)


@pytest.mark.parametrize(
    ("random", "apart", "verdict"),
    [(0.80, 0.77, "leakage"), (0.80, 0.799, "none of them"), (0.77, 0.80, "none of them")],
)
def test_leakage_is_a_gain_beyond_noise(random, apart, verdict):
    def split(name, mean):
        validation = {"mean": mean, "sd": 0.004}
        shared = {"mean": 0.6, "sd": 0.0}
        return {"task": "t", "head": "h", "split": name, "validation_auc": validation, "shared_patients": shared}

    parts = {"splits": [split("random", random), split("by patient", apart)]}
    assert symptoms._random_split(parts, "t", "h")["verdict"] == verdict


@pytest.mark.parametrize(
    ("softened", "sharpened", "verdict"),
    [(0.5, 0.9, "shift"), (0.9, 0.6, "shift, in part"), (0.95, 0.6, "none of them"), (0.9, 0.49, "none of them")],
)
def test_an_intervention_shows_as_much_shift_as_it_makes(softened, sharpened, verdict):
    def row(name, **specificities):
        splits = {s: {"specificity": {"mean": v}, "auc": {"mean": 0.9}} for s, v in specificities.items()}
        return {"setting": name} | splits

    parts = {
        "intervention": [
            row("as they are", validation=0.97, test=0.47),
            row("healthy as soft as on test", validation=0.97),
            row("healthy softened, blacks raised", validation=softened),
            row("sharpened, blacks cut", test=sharpened),
        ]
    }
    assert symptoms._intervened(parts)["verdict"] == verdict


def test_the_list_names_every_protocol_and_what_is_missing(tmp_path, monkeypatch):
    text = "\n".join(listing())
    assert all(name in text for name in experiments.PROTOCOLS)
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    assert "\n".join(listing()).count("not yet run") == len(experiments.PROTOCOLS)
    assert sum(protocol.minutes for protocol in experiments.PROTOCOLS.values()) <= 180


def test_an_unknown_protocol_is_named():
    outcome = CliRunner().invoke(reproduce, ["nothing"])
    assert isinstance(outcome.exception, CourseError)
    assert "expected one of reference-head, diagnosis" in str(outcome.exception)
