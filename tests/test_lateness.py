"""Late hand-ins: whole days begun, penalties that never take more than there is, times as nbgrader writes them."""

import os
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.engine.grades import Handin
from autograder.engine.lateness import (
    TIMESTAMP,
    Terms,
    days_late,
    lateness,
    lateness_of_class,
    parse_due,
    parse_timestamp,
    submitted_at,
    write_timestamp,
)
from pneumonia.settings import CourseError

DUE = datetime(2026, 11, 30, 23, 59, tzinfo=timezone(timedelta(hours=1)))
SECOND = timedelta(seconds=1)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.timezones())
terms = st.builds(
    Terms, percent=st.floats(0, 100), accepted_days=st.none() | st.integers(0, 30), due=st.just({"": DUE})
)


@given(moments, st.integers(0, 400))
def test_a_day_begun_counts_and_the_last_second_is_in_time(due, day):
    due = due.astimezone(UTC)
    assert days_late(due - SECOND, due) == 0
    assert days_late(due + timedelta(days=day), due) == day
    assert days_late(due + timedelta(days=day) + SECOND, due) == day + 1


@given(moments, moments, st.timezones())
def test_lateness_is_the_same_in_every_time_zone(submitted, due, zone):
    assert days_late(submitted.astimezone(zone), due.astimezone(zone)) == days_late(submitted, due)


def test_an_hour_that_the_clock_shows_twice_is_two_hours():
    berlin = ZoneInfo("Europe/Berlin")  # 25 October 2026: 3:00 becomes 2:00, so that this day has 25 hours
    due, submitted = datetime(2026, 10, 25, 0, 30, tzinfo=berlin), datetime(2026, 10, 26, 0, 15, tzinfo=berlin)
    assert days_late(submitted, due) == 2


@given(terms, st.integers(0, 60), st.integers(0, 20))
def test_a_penalty_is_never_more_than_the_score_and_never_falls_with_time(terms, days, score):
    lost = terms.penalty(days, score, 20)
    assert 0 <= lost <= score
    assert terms.penalty(days + 1, score, 20) >= lost
    assert terms.penalty(0, score, 20) == 0


def test_penalties_by_hand():
    assert Terms(percent=10).penalty(3, 18, 20) == 6
    assert Terms(percent=10).penalty(3, 4, 20) == 4
    assert Terms(percent=12.5).penalty(1, 15, 15) == 1.88
    assert Terms(percent=10, accepted_days=2).penalty(2, 20, 20) == 4
    assert Terms(percent=10, accepted_days=2).penalty(3, 20, 20) == 20
    assert Terms(accepted_days=0).penalty(1, 20, 20) == 20


@pytest.mark.parametrize(
    "fields", [{"percent": -1}, {"percent": 101}, {"accepted_days": -1}, {"due": {"": datetime(2026, 1, 1)}}]
)
def test_impossible_terms_are_refused(fields):
    with pytest.raises(ValueError, match=f"^{next(iter(fields))}: expected"):
        Terms(**fields)


@settings(max_examples=25)
@given(moments)
def test_what_is_written_is_read_as_nbgrader_reads_it(tmp_path_factory, moment):
    from nbgrader.utils import parse_utc

    folder = tmp_path_factory.mktemp("hand-in")
    write_timestamp(folder, moment)
    text = (folder / TIMESTAMP).read_text()
    assert parse_timestamp(text) == moment.astimezone(UTC)
    assert parse_utc(text) == moment.astimezone(UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2015-02-02 15:58:23.948203 America/Los_Angeles\n", "2015-02-02T23:58:23.948203+00:00"),
        ("2015-02-02 15:58:23.948203 UTC", "2015-02-02T15:58:23.948203+00:00"),
        ("2015-02-02 15:58:23.948203 +0100", "2015-02-02T14:58:23.948203+00:00"),
        ("2015-02-02 15:58:23", "2015-02-02T15:58:23+00:00"),
        ("2015-02-02T15:58:23-05:00", "2015-02-02T20:58:23+00:00"),
        ("2015-07-02 15:58:23 Europe/Berlin", "2015-07-02T13:58:23+00:00"),
    ],
)
def test_times_in_nbgraders_forms(text, utc):
    assert parse_timestamp(text).isoformat() == utc


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2015-02-30 10:00:00 UTC", "2015-02-02 10:00:00 Mars/Olympus", "\0", "1 2 ../../etc/passwd"],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_timestamp(text)


def handin(folder, student="ada", content="{}"):
    path = folder / student / "02-metrics" / "02-metrics.ipynb"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    return Handin(student, "02-metrics", path)


def test_the_timestamp_goes_before_the_files_date(tmp_path):
    late = handin(tmp_path)
    os.utime(late.path, (0, 0))
    assert submitted_at(late.path) == (datetime(1970, 1, 1, tzinfo=UTC), "the file's date")
    write_timestamp(late.path.parent, DUE + timedelta(hours=25))
    assert submitted_at(late.path) == ((DUE + timedelta(hours=25)).astimezone(UTC), TIMESTAMP)
    found = lateness(late, Terms({"": DUE}, percent=10))
    assert (found.days, found.penalty(20, 20), found.penalty(None, 20), found.note) == (2, 4, 0, "")


def test_a_date_that_copying_changes_is_named(tmp_path):
    found = lateness(handin(tmp_path), Terms({"": datetime(2020, 1, 1, tzinfo=UTC)}, percent=1))
    assert found.days > 0
    assert "copying" in found.note


@pytest.mark.parametrize("make", ["garbage", "long", "link", "folder", "binary"])
def test_a_timestamp_that_is_none_costs_nothing_and_is_said(tmp_path, make):
    late = handin(tmp_path)
    stamp = late.path.with_name(TIMESTAMP)
    if make == "link":
        stamp.symlink_to("/dev/zero")
    elif make == "folder":
        stamp.mkdir()
    else:
        stamp.write_bytes({"garbage": b"soon", "long": b"2" * 10_000, "binary": b"\xff\xfe"}[make])
    found = lateness(late, Terms({"": DUE}, percent=100))
    assert (found.submitted, found.days, found.penalty(20, 20)) == (None, 0, 0)
    assert "no time" in found.note


def test_of_a_class_only_what_was_handed_in_and_is_due_counts(tmp_path):
    handins = [handin(tmp_path, "ada"), Handin("ben", "02-metrics", tmp_path / "none.ipynb", "There is no notebook.")]
    assert set(lateness_of_class(handins, Terms({"": DUE}))) == {("ada", "02-metrics")}
    assert lateness_of_class(handins, Terms({"01-convolution": DUE})) == {}


def test_due_dates_as_they_are_typed():
    due = parse_due(["2026-11-30T23:59+01:00", "02-metrics=2026-12-07 12:00+00:00"])
    assert due[""] == DUE
    both = Terms(due)
    assert both.due_of("02-metrics") == datetime(2026, 12, 7, 12, tzinfo=UTC)
    assert both.due_of("05-overfitting") == DUE
    assert parse_due(["2026-11-30"])[""].tzinfo is not None
    assert Terms().due_of("02-metrics") is None


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (["soon"], "no date"),
        (["2026-13-01"], "no date"),
        (["09-nothing=2026-11-30"], "no exercise '09-nothing'"),
        (["2026-11-30", "2026-12-01"], "two due dates"),
        ([""], "no date"),
    ],
)
def test_what_is_no_due_date_is_refused(values, says):
    with pytest.raises(CourseError, match=says):
        parse_due(values)
