"""`course collect`: archives as Moodle and Canvas make them, and archives that are made to harm."""

import io
import json
import re
import stat
import struct
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from autograder.engine.collecting import RATIO, Refused, collect, folder_name, read_name, read_worksheet
from autograder.engine.grading import find_handins
from autograder.engine.lateness import TIMESTAMP, Terms, lateness_of_class, parse_timestamp
from autograder.exercises import exercise
from autograder.hand_ins.notebooks import SIZE_LIMIT
from course.cli import main
from pneumonia.settings import CourseError

METRICS = exercise("02-metrics").release.read_bytes()
CONVOLUTION = exercise("01-convolution").release.read_bytes()
DATE = (2026, 11, 30, 12, 30, 58)
DUE = datetime(2026, 12, 1, tzinfo=UTC)
NAME = "02-metrics.ipynb"


def archive(path: Path, files: dict, *, date=DATE, mode=None) -> Path:
    """A zip of name -> content."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, date)
            info.compress_type = zipfile.ZIP_DEFLATED
            if mode:
                info.create_system, info.external_attr = 3, mode << 16
            opened.writestr(info, content)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """Path -> content of all notebooks below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.ipynb")}


@pytest.fixture
def zipped(tmp_path):
    return lambda files, **how: archive(tmp_path / "handed-in.zip", files, **how)


MOODLE = "Ada Lovelace_123456_assignsubmission_file_"
LAYOUTS = {
    "moodle folders": (f"{MOODLE}/{NAME}", "Ada Lovelace"),
    "moodle folders, old": (f"Ada Lovelace_123456_assignsubmission_file/{NAME}", "Ada Lovelace"),
    "moodle in one folder": (f"{MOODLE}{NAME}", "Ada Lovelace"),
    "moodle, file of another name": (f"{MOODLE}/my homework (final).ipynb", "Ada Lovelace"),
    "moodle, below an exercise": (f"02-metrics/{MOODLE}/x.ipynb", "Ada Lovelace"),
    "canvas": (f"lovelaceada_12345_67890_{NAME}", "lovelaceada_12345"),
    "canvas, late": (f"lovelaceada_LATE_12345_67890_{NAME}", "lovelaceada_12345"),
    "canvas, handed in again": ("lovelaceada_12345_67890_02-metrics-1.ipynb", "lovelaceada_12345"),
    "canvas, in a folder": (f"submissions/lovelaceada_12345_67890_{NAME}", "lovelaceada_12345"),
    "canvas, anonymous": (f"anon_a1B2c_67890_{NAME}", "anon_a1B2c"),
    "canvas, anonymous and late": (f"LATE_anon_a1B2c_67890_{NAME}", "anon_a1B2c"),
    "folders": (f"ada/02-metrics/{NAME}", "ada"),
    "folders in a folder": (f"submitted/ada/02-metrics/{NAME}", "ada"),
    "a folder for each learner": (f"ada/{NAME}", "ada"),
    "downloaded twice": ("ada/02-metrics (1).ipynb", "ada"),
}


@pytest.mark.parametrize(("name", "student"), LAYOUTS.values(), ids=LAYOUTS)
def test_each_layout_finds_its_place(zipped, tmp_path, name, student):
    collected = collect(zipped({name: METRICS}), tmp_path / "submitted")
    assert collected.refused == ()
    assert tree(tmp_path / "submitted") == {f"{student}/02-metrics/{NAME}": METRICS}
    (handin,), ignored = find_handins(tmp_path / "submitted")
    assert (handin.student, handin.problem, ignored) == (student, "", [])


def stamp_of(folder: Path, student: str) -> datetime | None:
    """What `timestamp.txt` says; None where it says that the time is not known."""
    text = (folder / student / "02-metrics" / TIMESTAMP).read_text()
    return parse_timestamp(text) if text else None


def test_the_time_of_an_archive_of_folders_is_the_time_of_the_hand_in(zipped, tmp_path):
    collect(zipped({f"ada/02-metrics/{NAME}": METRICS}), tmp_path / "s")
    assert stamp_of(tmp_path / "s", "ada") == datetime(*DATE).astimezone(UTC)


WORKSHEET = (
    "\ufeffIdentifier,Full name,Email address,Status,Grade,Last modified (submission),Feedback comments\n"
    'Participant 123456,Ada Lovelace,a@x.org,Submitted for grading,,"Monday, 30 November 2026, 11:58 PM",\n'
    'Participant 7,Bob B,b@x.org,Submitted for grading,,"Tuesday, December 1, 2026, 12:05\u202fAM",\n'
    "Participant 8,Cem C,c@x.org,No submission,,-,\n"
)


def test_moodles_times_come_from_its_worksheet(zipped, tmp_path):
    """Its archive has the time of the download: without the worksheet nobody's time is known, and nobody is late."""
    names = {"Ada Lovelace": 123456, "Bob B": 7, "Dan D": 9}
    made = zipped({f"{name}_{number}_assignsubmission_file_/{NAME}": METRICS for name, number in names.items()})
    assert not any(entry.timed for entry in collect(made, tmp_path / "s").placed)
    assert {stamp_of(tmp_path / "s", name) for name in names} == {None}
    due = Terms({"": datetime(2020, 1, 1, tzinfo=UTC)}, percent=100)
    found = lateness_of_class(find_handins(tmp_path / "s")[0], due)
    assert {(late.days, late.submitted) for late in found.values()} == {(0, None)}
    collect(made, tmp_path / "s", times=read_worksheet(WORKSHEET))
    assert stamp_of(tmp_path / "s", "Ada Lovelace") == datetime(2026, 11, 30, 23, 58).astimezone(UTC)
    assert stamp_of(tmp_path / "s", "Bob B") == datetime(2026, 12, 1, 0, 5).astimezone(UTC)
    assert stamp_of(tmp_path / "s", "Dan D") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no columns"),
        ("a,b\n1,2\n", "no columns"),
        (WORKSHEET.replace("Monday", "Montag"), "of no known form"),
    ],
)
def test_what_is_no_worksheet_is_refused(text, says):
    with pytest.raises(CourseError, match=says):
        read_worksheet(text)


def test_a_time_in_utc_goes_before_the_local_one(tmp_path):
    moment = datetime(2026, 11, 30, 11, 30, 59, tzinfo=UTC)
    info = zipfile.ZipInfo(f"ada/{NAME}", DATE)
    info.extra = struct.pack("<HHBi", 0x5455, 5, 1, int(moment.timestamp()))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        opened.writestr(info, METRICS)
    collect(tmp_path / "a.zip", tmp_path / "s")
    assert parse_timestamp((tmp_path / "s/ada/02-metrics" / TIMESTAMP).read_text()) == moment


def test_canvas_has_the_time_of_the_download_so_that_only_a_due_date_helps(zipped, tmp_path):
    """Nobody is late by our mistake: what is not marked LATE was in time, whatever date the archive holds."""
    files = {f"ontime_1_2_{NAME}": METRICS, f"behind_LATE_3_4_{NAME}": METRICS}
    made = zipped(files, date=(2026, 12, 20, 9, 0, 0))
    without = collect(made, tmp_path / "without")
    assert [hand_in.timed for hand_in in without.placed] == [False, False]
    assert {path.read_text() for path in (tmp_path / "without").rglob(TIMESTAMP)} == {""}
    collect(made, tmp_path / "with", due=DUE)
    times = {
        path.parent.parent.name: parse_timestamp(path.read_text()) for path in (tmp_path / "with").rglob(TIMESTAMP)
    }
    assert times == {"ontime_1": DUE, "behind_3": datetime(2026, 12, 20, 9).astimezone(UTC)}


def test_late_is_late_even_where_the_archive_says_otherwise(zipped, tmp_path):
    collect(zipped({f"behind_LATE_3_4_{NAME}": METRICS}, date=(2020, 1, 1, 0, 0, 0)), tmp_path / "s", due=DUE)
    stamp = parse_timestamp((tmp_path / "s/behind_3/02-metrics" / TIMESTAMP).read_text())
    assert DUE < stamp <= DUE + timedelta(seconds=1)


def test_the_exercise_is_told_by_the_cells_before_the_name(zipped, tmp_path):
    collect(zipped({f"ada/{NAME}": CONVOLUTION, "ben/whatever.ipynb": METRICS}), tmp_path / "s")
    assert set(tree(tmp_path / "s")) == {"ada/01-convolution/01-convolution.ipynb", f"ben/02-metrics/{NAME}"}


def test_a_damaged_notebook_is_a_hand_in_by_its_name(zipped, tmp_path):
    collected = collect(
        zipped({f"ada/{NAME}": b"{", "ben/x.ipynb": b"{", "cem/02-metrics/x.ipynb": b""}), tmp_path / "s"
    )
    assert set(tree(tmp_path / "s")) == {f"ada/02-metrics/{NAME}", f"cem/02-metrics/{NAME}"}
    ((name, reason),) = collected.refused
    assert name == "ben/x.ipynb"
    assert "--assignment" in reason


def test_a_named_assignment_takes_what_nothing_else_tells_and_refuses_another(zipped, tmp_path):
    made = zipped({"ada/x.ipynb": b"{}", f"ben/{NAME}": CONVOLUTION})
    collected = collect(made, tmp_path / "s", assignment="02-metrics")
    assert set(tree(tmp_path / "s")) == {f"ada/02-metrics/{NAME}"}
    assert collected.refused == ((f"ben/{NAME}", "it is of 01-convolution, not of 02-metrics"),)


def test_the_last_of_several_hand_ins_counts(zipped, tmp_path):
    older = {"ada_1_7_02-metrics.ipynb": b"{}", "ada_1_8_02-metrics-1.ipynb": b"[]"}
    collected = collect(zipped({"ada_1_9_02-metrics-2.ipynb": METRICS} | older), tmp_path / "s")
    assert tree(tmp_path / "s") == {f"ada_1/02-metrics/{NAME}": METRICS}
    assert {name for name, _ in collected.refused} == set(older)


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("eve_12345_67890_ada_1_2_x.ipynb", "eve_12345"),
        ("eve_12345_67890_Ada Lovelace_1_assignsubmission_file_x.ipynb", "eve_12345"),
        ("Eve_77_assignsubmission_file_ada_1_2_x.ipynb", "Eve"),
        ("Eve_77_assignsubmission_file_/Ada_1_assignsubmission_file_/x.ipynb", "Eve"),
        ("Eve_77_assignsubmission_file_/ada/02-metrics/02-metrics.ipynb", "Eve"),
        ("Eve_77_assignsubmission_file_/ada_1_2_x.ipynb", "Eve"),
        ("eve_1/02-metrics/ada_2_9_x.ipynb", "eve_1"),
        ("submitted/eve/02-metrics/ada/02-metrics/x.ipynb", "eve"),
    ],
)
def test_nobody_hands_in_for_another_by_the_name_of_a_file(name, student):
    assert read_name(name).student == student


def test_two_learners_of_one_name_stay_two(zipped, tmp_path):
    names = [f"Ann Lee_{number}_assignsubmission_file_/{NAME}" for number in (11, 22)]
    collect(
        zipped({names[0]: METRICS, names[1]: b"{}", f"ann lee_33_assignsubmission_file_/{NAME}": b"[]"}), tmp_path / "s"
    )
    assert tree(tmp_path / "s") == {
        f"Ann Lee_11/02-metrics/{NAME}": METRICS,
        f"Ann Lee_22/02-metrics/{NAME}": b"{}",
        f"ann lee_33/02-metrics/{NAME}": b"[]",
    }


def test_folders_that_differ_in_case_only_are_refused(zipped, tmp_path):
    with pytest.raises(CourseError, match="'Ada' and 'ada' cannot be told apart"):
        collect(zipped({f"Ada/{NAME}": METRICS, f"ada/{NAME}": METRICS}), tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_different_earlier_hand_in_stays_unless_it_is_to_be_replaced(zipped, tmp_path):
    made, place = zipped({f"ada/{NAME}": METRICS}), tmp_path / "s/ada/02-metrics" / NAME
    assert [entry.outcome for entry in collect(made, tmp_path / "s").placed] == ["placed"]
    assert [entry.outcome for entry in collect(made, tmp_path / "s").placed] == ["same"]
    place.write_bytes(b"an earlier one")
    assert [entry.outcome for entry in collect(made, tmp_path / "s").placed] == ["kept"]
    assert place.read_bytes() == b"an earlier one"
    assert [entry.outcome for entry in collect(made, tmp_path / "s", replace=True).placed] == ["replaced"]
    assert place.read_bytes() == METRICS


@pytest.mark.parametrize(
    "name",
    [
        f"../{NAME}",
        f"ada/../../{NAME}",
        f"/etc/ada/{NAME}",
        f"C:/ada/{NAME}",
        f"ada\\..\\..\\{NAME}",
        f"../../Ada_1_assignsubmission_file_/{NAME}",
        f"x/../../../Ada_1_assignsubmission_file_{NAME}",
    ],
)
def test_no_path_leads_out(zipped, tmp_path, name):
    collected = collect(zipped({name: METRICS, f"ben/{NAME}": METRICS}), tmp_path / "deep/er/s")
    assert [entry for entry, _ in collected.refused] == [name]
    assert set(tree(tmp_path)) == {f"deep/er/s/ben/02-metrics/{NAME}"}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_special_files_are_refused(zipped, tmp_path, kind):
    collected = collect(zipped({f"ada/{NAME}": b"/etc/passwd"}, mode=kind | 0o777), tmp_path / "s")
    assert "link or a special file" in collected.refused[0][1]
    assert tree(tmp_path / "s") == {}


@pytest.mark.parametrize("where", ["ada", "ada/02-metrics", f"ada/02-metrics/{NAME}", f"ada/02-metrics/{TIMESTAMP}"])
def test_nothing_is_written_through_a_link_that_is_there(zipped, tmp_path, where):
    outside = tmp_path / "outside"
    outside.mkdir()
    link = tmp_path / "s" / where
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(CourseError, match="symbolic link"):
        collect(zipped({f"ada/{NAME}": METRICS}), tmp_path / "s", replace=True)
    assert list(outside.iterdir()) == []


def test_a_bomb_is_refused_and_the_others_are_placed(zipped, tmp_path):
    bomb = b'{"cells": [' + b" " * (4 * 2**20)
    huge = b"0" * (SIZE_LIMIT + 1)
    collected = collect(zipped({f"ada/{NAME}": bomb, f"ben/{NAME}": huge, f"cem/{NAME}": METRICS}), tmp_path / "s")
    assert set(tree(tmp_path / "s")) == {f"cem/02-metrics/{NAME}"}
    reasons = dict(collected.refused)
    assert f"more than {RATIO} times" in reasons[f"ada/{NAME}"]
    assert "20 are allowed" in reasons[f"ben/{NAME}"]


def test_a_size_that_is_a_lie_is_refused(zipped, tmp_path):
    """The directory says 10 bytes, the data has thousands: no more than 10 are ever taken."""
    made = zipped({f"ada/{NAME}": METRICS})
    data = bytearray(made.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 10)
    made.write_bytes(data)
    collected = collect(made, tmp_path / "s")
    assert "damaged" in collected.refused[0][1]
    assert tree(tmp_path / "s") == {}


def test_archives_in_the_archive_are_not_opened(zipped, tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as opened:
        opened.writestr(NAME, METRICS)
    collected = collect(zipped({"ada/all.zip": inner.getvalue(), f"ben/{NAME}": METRICS}), tmp_path / "s")
    assert collected.refused == (("ada/all.zip", "it is an archive in the archive: unpack it, and look what it holds"),)


def doubled(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr(f"ada/{NAME}", METRICS)
        with pytest.warns(UserWarning, match="Duplicate"):
            opened.writestr(f"ada/{NAME}", b"{}")


def encrypted(path: Path) -> None:
    archive(path, {f"ada/{NAME}": METRICS})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)


def enormous(path: Path) -> None:
    archive(path, {f"s{number}/{NAME}": b"{}" for number in range(8)})
    data = bytearray(path.read_bytes())
    for found in re.finditer(b"PK\x01\x02", bytes(data)):
        data[found.start() + 24 : found.start() + 28] = struct.pack("<I", 2**32 - 2)
    path.write_bytes(data)


def cut_off(path: Path) -> None:
    archive(path, {f"ada/{NAME}": METRICS})
    path.write_bytes(path.read_bytes()[:-30])


HARMFUL = {
    doubled: "twice",
    encrypted: "encrypted",
    enormous: "20 are allowed",
    cut_off: "cannot be read as a zip",
    lambda path: path.write_bytes(b"no zip"): "cannot be read as a zip",
    lambda path: path.write_bytes(b""): "cannot be read as a zip",
}


@pytest.mark.parametrize(("make", "says"), HARMFUL.items())
def test_an_archive_that_is_made_to_harm_is_refused_as_a_whole(tmp_path, make, says):
    make(tmp_path / "a.zip")
    with pytest.raises(CourseError, match=says):
        collect(tmp_path / "a.zip", tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_too_many_entries_are_refused(zipped, tmp_path, monkeypatch):
    monkeypatch.setattr("autograder.engine.collecting.ENTRIES", 1)
    with pytest.raises(CourseError, match="2 entries, of which 1 are allowed"):
        collect(zipped({f"ada/{NAME}": METRICS, f"ben/{NAME}": METRICS}), tmp_path / "s")


def test_what_a_system_leaves_is_not_spoken_of(zipped, tmp_path):
    files = {"__MACOSX/ada/._02-metrics.ipynb": b"x", f"ada/{NAME}": METRICS, f"ada/.ipynb_checkpoints/{NAME}": b"x"}
    collected = collect(zipped(files), tmp_path / "s")
    assert collected.refused == ()
    assert set(tree(tmp_path / "s")) == {f"ada/02-metrics/{NAME}"}


@given(st.text())
def test_a_folders_name_is_one_name_that_every_file_system_takes(text):
    try:
        name = folder_name(text)
    except Refused:
        return
    assert 0 < len(name.encode()) <= 120
    assert name not in (".", "..")
    assert not name.startswith(".")
    assert not re.search(r'[/\\:*?"<>|\x00-\x1f\x7f]', name)
    assert name == name.strip()
    assert folder_name(name) == name


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=30))
def test_a_plain_name_stays_as_it_is(text):
    import unicodedata

    assert folder_name(text) == unicodedata.normalize("NFC", text)


pieces = st.sampled_from(
    ["..", ".", "", "ada", "02-metrics", MOODLE, "a_1_2_x.ipynb", NAME, "C:", "\\", "\0", "~", "-rf"]
)


@given(st.lists(pieces | st.text(max_size=8), min_size=1, max_size=6).map("/".join))
def test_whatever_an_entry_is_called_its_place_is_inside(tmp_path_factory, name):
    try:
        found = read_name(name)
    except Refused:
        return
    root = tmp_path_factory.getbasetemp() / "submitted"
    place = root / found.student / "02-metrics"
    assert place.resolve().parent.parent == root.resolve()
    assert found.student not in ("", ".", "..")


@given(
    st.from_regex(r"[a-z][a-z0-9]{0,20}", fullmatch=True),
    st.booleans(),
    st.integers(1, 10**9),
    st.integers(1, 10**9),
    st.from_regex(r"[A-Za-z0-9 ()_.]{1,20}", fullmatch=True),
    st.integers(0, 99),
)
def test_canvas_names_are_read_as_canvas_writes_them(user, late, number, attachment, title, attempt):
    """`lib/content_zipper.rb`: the user's name, LATE, the user's and the attachment's number, the file's name."""
    title = f"{title.strip('_') or 'x'}{f'-{attempt}' if attempt else ''}.ipynb"
    found = read_name("_".join([user, *["LATE"] * late, str(number), str(attachment), title]))
    assert (found.system, found.student, found.late) == ("canvas", f"{user}_{number}", late)
    assert found.attempt == attempt


def test_the_command_says_what_it_did(zipped, tmp_path):
    def run(*options):
        result = CliRunner().invoke(main, ["collect", str(made), "--output", str(tmp_path / "s"), *options])
        return result.exit_code, result.output

    made = zipped({f"ada/{NAME}": METRICS, "ada/readme.txt": b"hello", "ben/\x1b[31mred.txt": b"x"})
    status, said = run()
    assert (status, "1 placed; 2 other files." in said) == (0, True)
    assert "ada/readme.txt: not placed, it is no notebook" in said
    assert "\x1b" not in said.replace("\x1b[0m", "").replace("\x1b[33m", "")
    (tmp_path / "s/ada/02-metrics" / NAME).write_text(json.dumps({"cells": []}))
    status, said = run()
    assert (status, "another one is there (--replace takes the archive's)" in said) == (1, True)
    assert run("--replace")[0] == 0
    status, said = run("--assignment", "09-nothing")
    assert (status, "There is no exercise '09-nothing'" in said) == (2, True)
    assert "no date" in run("--due", "soon")[1]
    (tmp_path / "worksheet.csv").write_text("a,b\n")
    assert "The worksheet has no columns" in run("--worksheet", str(tmp_path / "worksheet.csv"))[1]


def test_the_command_warns_of_times_that_canvas_does_not_give(zipped, tmp_path):
    made = zipped({f"ontime_1_2_{NAME}": METRICS, f"behind_LATE_3_4_{NAME}": METRICS})
    command = ["collect", str(made), "--output", str(tmp_path / "s")]
    said = CliRunner().invoke(main, command).output
    assert "Marked LATE by Canvas: behind_3 (02-metrics)." in said
    assert "Canvas's due date by --due" in said
    said = CliRunner().invoke(main, [*command, "--replace", "--due", "2026-12-01T00:00+00:00"]).output
    assert "upper bound" in said or "the same" in said
