"""Reports of a class: what people wrote stays text in every format, hidden checks stay hidden, the numbers hold."""

import base64
import csv
import hashlib
import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from statistics import mean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from autograder import discretion
from autograder.checks import convolution, imbalance, metrics, overfitting
from autograder.discretion import GAP, told
from autograder.engine.grades import Grade, Grading
from autograder.engine.grading import grade_class
from autograder.engine.lateness import Lateness, Terms
from autograder.exercises import exercise
from autograder.hand_ins.notebooks import grading_metadata
from autograder.reasons import why_raised
from autograder.reporting.items import FEWEST, analyse, distribution
from autograder.reporting.junit import junit_xml
from autograder.reporting.pages import page, safe
from autograder.reporting.reports import feedback_page, grades_csv, report_page, write_reports
from autograder.running import Failure, Outcome

SCRIPT = "<script>alert(1)</script>"
# Markup, a formula, a quote, control characters, half a surrogate pair, a right-to-left override.
HOSTILE = f"=1+1\"'&{SCRIPT}]]>\x00\x1b[31m\ud800\u202e"
WORTH = {"precision": 1, "recall": 1, "roc_auc": 6}
DUE = datetime(2026, 11, 30, tzinfo=UTC)


def failure(hidden=False, **texts) -> Failure:
    plain = {"check": "Ten cases.", "call": "f(1)", "expected": "1", "came": "2", "mistake": "Wrong.", "lesson": "“L”"}
    return Failure(hidden=hidden, lines=("line 2, in f: return 2",), **plain | texts)


def outcome(function: str, wrong: Failure | None = None, part: float = 0.0) -> Outcome:
    return Outcome(function, 3, 0.01, wrong, part)


def grading(*grades: Grade, ignored=()) -> Grading:
    return Grading(grades, 1, "none", datetime(2026, 12, 1, tzinfo=UTC), 2.0, ignored)


def hostile_class() -> Grading:
    """Every text that a learner has a hand in, hostile."""
    texts = {field.name: HOSTILE for field in fields(Failure) if field.name not in ("hidden", "lines")}
    wrong = tuple(outcome(name, Failure(hidden=hidden, lines=(HOSTILE,), **texts)) for name, hidden in HIDDEN)
    rows = (
        Grade(HOSTILE.replace("\x00", "").replace("\ud800", ""), "02-metrics", WORTH, wrong, (HOSTILE,)),
        Grade("problem", "02-metrics", WORTH, problem=HOSTILE),
        Grade("error", "02-metrics", WORTH, error=HOSTILE),
    )
    return grading(*rows, ignored=(HOSTILE,))


HIDDEN = (("precision", False), ("recall", True), ("roc_auc", True))


class Tags(HTMLParser):
    """A page's tags, attributes, and the text of its scripts and styles."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes, self.inside, self.texts, self.shown = [], [], "", {"script": [], "style": []}, ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside in self.texts:
            self.texts[self.inside].append(data)
        else:
            self.shown += data


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    output = tmp_path_factory.mktemp("graded")
    write_reports(hostile_class(), output)
    return output


def test_pages_run_their_own_script_only_and_fetch_nothing(hostile):
    pages = [*hostile.rglob("*.html")]
    assert len(pages) == 4
    for path in pages:
        text = path.read_text("utf-8")
        found = Tags(text)
        report = path.name == "report.html"
        assert found.tags.count("script") == (1 if report else 0)
        assert not set(found.tags) & {"img", "iframe", "link", "object", "embed", "form", "base"}
        for name, value in found.attributes:
            assert not name.startswith("on")
            assert name != "style"
            assert name not in ("href", "src") or not re.match(r"\s*(\w+:|//)", value)
        policy = next(value for name, value in found.attributes if name == "content" and "default-src" in value)
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for kind in ("script", "style"):
            for own in found.texts[kind]:
                digest = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
                assert f"{kind}-src 'sha256-{digest}'" in policy
        # Of the grader's own failure a learner sees no details.
        assert (SCRIPT in found.shown) is (path.parent.name != "error")
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)


def test_hostile_text_passes_through_json_and_xml_and_csv(hostile):
    graded = json.loads((hostile / "grades.json").read_text("utf-8"))
    assert graded["grades"][1]["problem"] == HOSTILE
    assert graded["ignored"] == [HOSTILE]
    (suite,) = ElementTree.parse(hostile / "junit.xml").getroot()
    assert [suite.get(key) for key in ("tests", "failures", "errors")] == ["9", "6", "3"]
    assert len(suite.findall("testcase")) == 9
    assert len(suite.findall("testcase/failure")) == 6
    assert len(suite.findall("testcase/error")) == 3
    assert SCRIPT in suite.find("testcase/failure").text
    for row in csv.reader((hostile / "grades.csv").read_text("utf-8").splitlines()):
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in row)


@given(st.text())
def test_any_text_is_one_text_in_a_page(text):
    found = Tags(page("t", [f"<p>{safe(text)}</p>"]))
    assert found.tags == ["html", "head", "meta", "meta", "meta", "title", "style", "body", "p"]
    kept = re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", "", text)
    assert "".join(kept.split()) in "".join(re.sub(r"\\u[0-9a-f]{4}", "", found.shown).split()) or "\\u" in text


@given(st.lists(st.text(max_size=20), min_size=2, max_size=2))
def test_any_text_is_a_text_in_junit(texts):
    student, message = texts
    wrong = failure(mistake=message, came=message)
    grade = Grade(student, "x", {"f": 1}, (outcome("f", wrong),))
    root = ElementTree.fromstring("".join(junit_xml(grading(grade))).encode())
    assert [case.tag for case in root.iter()] == ["testsuites", "testsuite", "testcase", "failure"]


# --- what a learner is told of a hidden check ------------------------------------------------------------------------


def test_no_field_of_a_hidden_failure_carries_what_the_code_has_seen():
    """A secret in every field that can hold something drawn, or something that a learner's code made of it."""
    secret = "S3CR3T_0.73519"
    texts = {
        "call": f"f({secret})",
        "expected": secret,
        "came": secret,
        "mistake": f"Your code stopped with {secret} on valid input (it printed last: {secret}) there, {secret}.",
    }
    for hidden in (True, False):
        wrong = replace(failure(hidden=hidden, **texts), lines=(f"line 3, in {secret}: raise {secret}",))
        shown = feedback_page(Grade("zoe", "02-metrics", WORTH, (outcome("recall", wrong),)))
        assert ("73519" in shown) is not hidden
        assert ("S3CR3T" in shown) is not hidden
        assert "line 3" in shown
        assert "Your code stopped with" in shown
        assert "73519" in "".join(text for _, text in wrong.rows(instructor=True))


OF_A_CALL = f"was refused by {GAP}: look at what this call is given on the line that is named."


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("Bad input went through (0.734 is not in (0, 1]).", f"Bad input went through ({GAP} is not in (0, 1])."),
        ("The shape is (28, 31), and (27, 30) was asked for.", f"The shape is {GAP}, and {GAP} was asked for."),
        ("The base has no layer block7_conv3", f"The base has no layer {GAP}"),
        ("There was no answer within 7.32 seconds: look for an endless loop.",) * 2,
        ("The shape is (0, 1, 1), and (1,) was asked for.",) * 2,
        ("The shape is (0, 1, 1, 0, 1), and (1,) was asked for.", f"The shape is {GAP}, and (1,) was asked for."),
        ("Your code stopped with ValueError on valid input.",) * 2,
        ("Your code stopped with E0_734 on valid input.", f"Your code stopped with {GAP} on valid input."),
        (why_raised("ValueError", ("ValueError",), "", ("line 1",), call="sum.max"), f"Valid input {OF_A_CALL}"),
        ("`sum.max` stopped with KeyError on valid input", f"{GAP} stopped with KeyError on valid input"),
        ("Your notebook imports `sum.max` under this name", f"Your notebook imports {GAP} under this name"),
    ],
)
def test_drawn_values_are_left_out_of_sentences(sentence, shown):
    assert told(sentence) == shown


def test_sentences_of_the_course_stay_whole():
    """What names a mistake is told, word for word."""
    lists = [
        value
        for module in (convolution, imbalance, metrics, overfitting)
        for name, value in vars(module).items()
        if name.endswith("MISTAKES") and isinstance(value, list)
    ]
    sentences = [mistake.sentence for mistakes in lists for mistake in mistakes]
    assert len(sentences) > 50
    assert [sentence for sentence in sentences if told(sentence) != sentence] == []


@given(st.text(), st.text())
def test_nothing_that_is_not_the_courses_own_passes(before, after):
    """Of any text, only words and numbers of the course's own texts are left."""
    known = discretion._words()
    left = told(f"{before} {after}").replace(GAP, " ")
    for word in re.findall(r"[^\W\d]\w{3,}", left):
        assert word in known or any(word in text for text in known) or "seconds" in left


SPY = {
    # Each fails on the hidden inputs only, and tries to carry what it was given into the learner's page.
    "roc_auc": "def roc_auc(y_true, y_prob):\n"
    "    if len(y_true) > 90:\n"
    "        raise type('E' + str(len(y_true)) + '_777', (Exception,), {})(str(len(y_true)))\n"
    "    from sklearn.metrics import roc_auc_score\n"
    "    if len(set(y_true)) < 2:\n        raise ValueError('y_true')\n"
    "    return float(roc_auc_score(y_true, y_prob))",
    "precision": "def precision(tp, fp):\n"
    "    if tp > 6:\n"
    "        space = {}\n"
    "        exec(f'def seen_777_{tp}_{fp}(): raise KeyError(777)', space)\n"
    "        space[f'seen_777_{tp}_{fp}']()\n"
    "    return tp / (tp + fp) if tp + fp else 0.0",
    "recall": "def recall(tp, fn):\n"
    "    import os\n"
    "    if tp > 6:\n"
    "        print('777', tp, fn, flush=True)\n"
    "        os._exit(1)\n"
    "    return tp / (tp + fn) if tp + fn else 0.0",
}


def test_code_that_saw_a_hidden_input_cannot_write_it_into_its_page(tmp_path):
    task = exercise("02-metrics")
    content = json.loads(task.release.read_bytes())
    content["cells"] = [cell for cell in content["cells"] if grading_metadata(cell)]
    for cell in content["cells"]:
        cell["source"] = SPY.get(grading_metadata(cell)["grade_id"], cell["source"])
    place = tmp_path / "submitted" / "spy" / task.name
    place.mkdir(parents=True)
    (place / f"{task.name}.ipynb").write_text(json.dumps(content))
    (grade,) = grade_class(tmp_path / "submitted", tmp_path / "graded", seed=1, held_by="none").grades
    failures = {entry.function: entry.failure for entry in grade.outcomes}
    assert all(failures[function].hidden for function in SPY)
    assert "777" in "".join(text for function in SPY for _, text in failures[function].rows(instructor=True))
    assert "777" not in feedback_page(grade)


# --- statistics ------------------------------------------------------------------------------------------------------


def scores(rows) -> list[Grade]:
    """Grades from rows of points of WORTH's functions."""
    made = []
    for number, row in enumerate(rows):
        outcomes = [
            outcome(name, None if points == worth else failure(mistake=f"mistake {points}"), points / worth % 1)
            for (name, worth), points in zip(WORTH.items(), row, strict=True)
        ]
        made.append(Grade(f"s{number}", "02-metrics", WORTH, tuple(outcomes)))
    return made


points = st.tuples(*(st.integers(0, worth) for worth in WORTH.values()))


@given(st.lists(points, min_size=1, max_size=40))
def test_items_are_what_scipy_says_of_them(rows):
    table = np.array(rows, float)
    for place, item in enumerate(analyse(scores(rows))):
        earned, rest = table[:, place], np.delete(table, place, axis=1).sum(axis=1)
        assert item.full + item.part + item.none == len(rows)
        assert item.difficulty == pytest.approx(earned.mean() / item.worth)
        assert sum(count for _, count in item.mistakes) <= item.part + item.none
        if len(rows) < FEWEST or np.ptp(earned) == 0 or np.ptp(rest) == 0:
            assert item.discrimination is None
        else:
            assert item.discrimination == pytest.approx(pearsonr(earned, rest).statistic)


def test_the_item_itself_is_not_in_its_total():
    """Two functions without any relation: an uncorrected total would correlate with its own part."""
    rows = [(a, 0, b) for a in (0, 1) for b in (0, 6)] * 5
    assert analyse(scores(rows))[0].discrimination == pytest.approx(0, abs=1e-12)


def test_who_could_not_be_graded_counts_in_no_item():
    others = [Grade("p", "02-metrics", WORTH, problem="x"), Grade("e", "02-metrics", WORTH, error="x")]
    rows = scores([(1, 1, 6)]) + others
    assert [(item.full, item.none) for item in analyse(rows)] == [(1, 0)] * 3
    assert sum(count for _, count in distribution(rows)) == 2
    assert analyse(others) == []


def test_one_mistake_with_other_values_is_one_mistake():
    failures = [failure(mistake=f"0.{digit}37 is not in (0, 1]") for digit in "123"]
    rows = [Grade(f"s{n}", "02-metrics", WORTH, (outcome("recall", wrong),)) for n, wrong in enumerate(failures)]
    (mistakes,) = [item.mistakes for item in analyse(rows) if item.function == "recall"]
    assert mistakes == ((f"{GAP} is not in (0, 1]", 3),)


@given(st.lists(points, max_size=30), st.integers(1, 30))
def test_a_distribution_holds_every_score_once(rows, bars):
    found = distribution(scores(rows), bars)
    assert len(found) <= bars
    assert sum(count for _, count in found) == len(rows)


def test_the_report_reads_its_numbers_aloud():
    rows = [(1, 1, 6)] * 6 + [(1, 0, 0)] * 5 + [(0, 0, 3)]
    text = Tags(report_page(grading(*scores(rows)))).shown
    assert f"Mean score {mean(map(sum, rows)):.1f} of 8, median 5.5." in text
    assert "The most frequent score is 8 (6 learners of 12); 6 have 8 points, 0 have 0." in text
    assert "Easiest: precision (0.92); hardest: recall (0.50)." in text
    assert "mistake 3" in text


# --- late days, and large classes ------------------------------------------------------------------------------------


def test_a_penalty_stands_beside_the_score_in_every_report(tmp_path):
    rows = scores([(1, 1, 6), (1, 0, 0), (1, 1, 6)])
    terms = Terms({"": DUE}, percent=10)
    late = {
        ("s0", "02-metrics"): Lateness(DUE + timedelta(hours=30), "timestamp.txt", 2, terms),
        ("s1", "02-metrics"): Lateness(None, "", 0, terms, "timestamp.txt is no time"),
    }
    write_reports(grading(*rows), tmp_path, late)
    table = list(csv.DictReader((tmp_path / "grades.csv").read_text().splitlines()))
    assert [(row["score"], row["days_late"], row["late_submission_penalty"]) for row in table] == [
        ("8", "2", "1.6"),
        ("1", "0", "0.0"),
        ("8", "", ""),
    ]
    graded = json.loads((tmp_path / "grades.json").read_text())["grades"]
    assert [(row["score"], row["late_submission_penalty"]) for row in graded] == [(8, 1.6), (1, 0.0), (8, "")]
    said = "Handed in 2026-12-01 06:00+00:00, 2 days late (a day begun counts): 1.6 less, so that 6.4 of 8 remain."
    assert said in (tmp_path / "feedback/s0/02-metrics.html").read_text()
    assert "late" not in Tags((tmp_path / "feedback/s2/02-metrics.html").read_text()).shown
    report = Tags((tmp_path / "report.html").read_text()).shown
    assert "days late" in report
    assert "timestamp.txt is no time" in report
    assert list(csv.reader(grades_csv(grading(*rows))))[0] == ["student", "assignment", "score", "max_score"]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_table_sorts_filters_and_pages_without_a_mouse(browser, tmp_path, width):
    rows = scores([(number % 2, 1, number % 7) for number in range(250)])
    rows[249] = replace(rows[249], notes=("cell 3 stopped",))
    (tmp_path / "report.html").write_text(report_page(grading(*rows)))
    page = browser.new_page(viewport={"width": width, "height": 900})
    faults = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((tmp_path / "report.html").as_uri())

    def names():
        return page.locator(".learners tbody tr td:first-child").all_text_contents()

    assert len(names()) == 100
    assert page.locator("output").text_content() == "1 to 100 of 250"
    page.get_by_role("button", name="Next").press("Enter")
    assert names()[0] == "s100"
    page.get_by_role("button", name="points of 8").press("Enter")
    assert page.locator("th[aria-sort=ascending]").count() == 1
    assert names()[:2] == ["s0", "s14"]
    page.get_by_role("button", name="points of 8").press("Enter")
    assert names()[0] == "s13"
    page.get_by_label("Find").fill("S24")
    assert sorted(names()) == ["s24", *(f"s24{digit}" for digit in range(10))]
    page.get_by_label("with a remark only").check()
    assert names() == ["s249"]
    page.get_by_label("Find").fill("nobody")
    assert page.locator("output").text_content() == "none of 250"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults == []
    page.close()


def test_without_a_script_the_whole_table_is_there(browser, tmp_path):
    (tmp_path / "report.html").write_text(report_page(grading(*scores([(1, 1, 6)] * 150))))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.locator(".learners tbody tr").count() == 150
    assert not page.locator(".controls").is_visible()
    context.close()


def test_a_script_in_a_name_does_not_run(browser, hostile):
    page = browser.new_page()
    ran = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    for path in hostile.rglob("*.html"):
        page.goto(path.as_uri())
    assert ran == []
    page.close()
