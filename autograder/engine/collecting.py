"""Collecting: notebooks out of a zip that a learning management system made, into the folders that grading reads.

An archive is a stranger's. Nothing is extracted by the names in it: of each entry the learner and the exercise are
worked out, the bytes are read within limits, and a file is written at a path that is made here. An entry that is not
what it should be is refused by itself; an archive that is made to harm is refused whole, before anything is written.
"""

import contextlib
import csv
import io
import json
import re
import stat
import struct
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

from autograder.engine.lateness import TIMESTAMP, submitted_at, write_timestamp
from autograder.exercises import Exercise, exercise, exercises
from autograder.hand_ins.notebooks import SIZE_LIMIT, NotebookError, exercise_in, require_cells
from pneumonia.settings import CourseError, write_atomically

ENTRIES = 100_000  # files of an archive
TOTAL = 20 * 2**30  # bytes of all entries together
RATIO = 200  # bytes out for each byte in: JSON with its outputs reaches 20, a bomb a thousand
NAME_LIMIT = 120  # bytes of a learner's folder: file systems take 255
MODIFIED = "Last modified (submission)"
MOODLE_EXAMPLE = "Monday, 30 November 2026, 11:59 PM"
CLOCKS = ("%I:%M %p", "%H:%M", "%I:%M:%S %p", "%H:%M:%S")
MOODLE_TIMES = [f"%A, {day}, {clock}" for day in ("%d %B %Y", "%B %d, %Y") for clock in CLOCKS]
LITTER = ("__MACOSX", ".ipynb_checkpoints", ".DS_Store")

# Moodle: `Ada Lovelace_123456_assignsubmission_file_/x.ipynb`, or with all in one folder `..._file_x.ipynb`.
MOODLE = re.compile(r"(?P<student>.+?)_(?P<id>\d+)_assignsubmission_file(?:_(?P<file>.*))?", re.DOTALL)
# Canvas (lib/content_zipper.rb): `lovelaceada_LATE_12345_67890_x-1.ipynb`; anonymous: `anon_a1B2c_67890_x.ipynb`.
CANVAS = re.compile(
    r"(?P<student>[^\W_]\w*?)(?P<late>_LATE)?_(?P<id>\d+)_(?P<attachment>\d+)_(?P<file>.+)"
    r"|(?P<late_anon>LATE_)?(?P<anon>anon_\w{5})_(?P<attachment_anon>\d+)_(?P<file_anon>.+)",
    re.DOTALL,
)
RESUBMITTED = re.compile(r"-(\d{1,3})(?=\.ipynb$)")  # Canvas counts the hand-ins of a file's name
DOWNLOADED_TWICE = re.compile(r" ?\(\d{1,3}\)(?=\.ipynb$)")  # browsers count, too: `x (1).ipynb`


@dataclass(frozen=True)
class Found:
    """What an entry's name says: whose it is, where it came from, which hand-in of how many, and whether it was late.

    `student` is a name for a folder: never empty, no separators, not hidden.
    """

    student: str
    file: str
    system: str  # moodle, canvas, folders
    id: str = ""  # Moodle's number of a hand-in: it tells two of one name apart, and finds its time
    attempt: int = 0
    late: bool = False
    folder: str = ""  # the exercise that a folder names, where one does


@dataclass(frozen=True)
class Placed:
    """One hand-in; `outcome` is `placed`, `same` (nothing to do), `replaced`, or `kept` (a different one stays)."""

    name: str
    student: str
    exercise: str
    outcome: str
    late: bool = False
    timed: bool = True


@dataclass(frozen=True)
class Collected:
    """The result: hand-ins, and (name, reason) of each entry that could not be placed."""

    placed: tuple[Placed, ...]
    refused: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Entry:
    """A notebook in the archive: what its name says, its exercise, and where it lies."""

    found: Found
    exercise: str
    info: zipfile.ZipInfo

    @property
    def rank(self) -> tuple:
        """The later of two hand-ins has the greater one: by Canvas's count, its name, its time."""
        return self.found.attempt, self.found.file == f"{self.exercise}.ipynb", self.info.date_time


class Refused(Exception):
    """An entry that cannot be placed; the message says why."""


def collect(
    archive: Path,
    submitted: Path,
    *,
    assignment: str | None = None,
    replace: bool = False,
    due: datetime | None = None,
    times: Mapping[str, datetime] | None = None,
) -> Collected:
    """Place the notebooks of a zip as `submitted/<student>/<exercise>/<exercise>.ipynb`, with their `timestamp.txt`.

    A different notebook that is there already stays, unless `replace`. `assignment` names the exercise of all of them.
    In archives of folders the time of a hand-in is that of the entry. Moodle and Canvas write the time of the download
    there (files/classes/local/archive_writer/zip_writer.php, lib/content_zipper.rb). For Moodle `times` has it, by the
    number of the hand-in (`read_worksheet`). For Canvas `due` (a date with a time zone) makes one: the due date for
    what is not marked LATE, the entry's time for what is. Where neither does, the timestamp is empty: not known.
    Raises CourseError where the archive is no zip, is encrypted, holds an entry twice, or is a bomb.
    """
    task = exercise(assignment) if assignment else None
    refused: list[tuple[str, str]] = []
    entries: list[Entry] = []
    try:
        with zipfile.ZipFile(archive) as opened:
            for info in _files(opened):
                try:
                    entries.append(_look(opened, info, task))
                except Refused as reason:
                    refused.append((_shown(info.filename), str(reason)))
            chosen, others = _latest(_told_apart(entries))
            refused += [
                (_shown(other.info.filename), f"another one of this learner counts for {other.exercise}")
                for other in others
            ]
            # Read a second time, so that one notebook at a time is in memory, however many there are.
            placed = [
                _place(submitted, entry, _bytes(opened, entry.info), replace, _time(entry, due, times))
                for entry in chosen
            ]
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise CourseError(f"{archive} cannot be read as a zip archive: {error}") from None
    return Collected(tuple(placed), tuple(refused))


def read_worksheet(text: str) -> dict[str, datetime]:
    """Number of a hand-in -> when it was handed in, from Moodle's grading worksheet (CSV, in English).

    Moodle writes the time as it shows it, without a zone: this machine's is taken. Raises CourseError for another file,
    or a time of another form.
    """
    table = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    if not {"Identifier", MODIFIED} <= set(table.fieldnames or ()):
        raise CourseError(
            f"The worksheet has no columns Identifier and {MODIFIED}: download it from Moodle in English."
        )
    times = {}
    for row in table:
        number, written = re.search(r"\d+", row["Identifier"] or ""), (row[MODIFIED] or "").strip()
        if number and written not in ("", "-"):
            times[number[0]] = _moodle_time(written)
    return times


def _moodle_time(text: str) -> datetime:
    for form in MOODLE_TIMES:
        with contextlib.suppress(ValueError, OverflowError):
            return datetime.strptime(" ".join(text.split()), form).astimezone()
    raise CourseError(f"The worksheet's time {_shown(text)!r} is of no known form, as for instance {MOODLE_EXAMPLE}.")


def read_name(name: str) -> Found:
    """What the name of an entry says. Raises Refused where it names no learner, or leads out of its folder."""
    path = _inside(name)
    *folders, file = path.parts
    for depth, folder in enumerate(folders):
        if match := MOODLE.fullmatch(folder):
            named = _known(folders[depth + 1 :])
            return Found(folder_name(match["student"]), file, "moodle", match["id"], folder=named)
    for depth, folder in enumerate(folders[1:]):
        if folder in exercises():
            return Found(folder_name(folders[depth]), file, "folders", folder=folder)
    # Whose a file is stands before the name that the learner gave it: where both patterns fit, the first number says.
    moodle, canvas = MOODLE.fullmatch(file), CANVAS.fullmatch(file)
    if moodle and moodle["file"] and not (canvas and canvas["id"] and canvas.start("id") < moodle.start("id")):
        return Found(folder_name(moodle["student"]), moodle["file"], "moodle", moodle["id"])
    if canvas:
        return _canvas(canvas)
    if folders and folders[-1] not in exercises():
        return Found(folder_name(folders[-1]), file, "folders")
    raise Refused("its name says of no learner: expected Moodle's or Canvas's names, or <student>/<exercise>/")


def _canvas(match: re.Match) -> Found:
    # The user's number stays in the name: it is the same in each archive, and the gradebook has it, too.
    student = f"{match['student']}_{match['id']}" if match["student"] else match["anon"]
    own = match["file"] or match["file_anon"]
    count = RESUBMITTED.search(own)
    attempt, late = int(count[1]) if count else 0, bool(match["late"] or match["late_anon"])
    return Found(folder_name(student), RESUBMITTED.sub("", own), "canvas", attempt=attempt, late=late)


def folder_name(text: str) -> str:
    """A learner's name as the name of a folder: the letters as they are, what a file system may not take replaced.

    Raises Refused where nothing is left of it.
    """
    text = unicodedata.normalize("NFC", text)
    kept = "".join(letter if _harmless(letter) else "_" for letter in text)
    kept = " ".join(kept.split()).strip(". ")
    kept = kept.encode("utf-8", "replace")[:NAME_LIMIT].decode("utf-8", "ignore").strip(". ")
    if not kept.strip("_ "):
        raise Refused(f"{_shown(text)!r} is no name for a learner's folder")
    return kept


def _harmless(letter: str) -> bool:
    return letter not in '/\\:*?"<>|' and _printable(letter)


def _inside(name: str) -> PurePosixPath:
    """The path of an entry. Raises Refused for one that is absolute or climbs."""
    if "\0" in name or "\\" in name or name.startswith("/") or re.match(r"[A-Za-z]:", name):
        raise Refused("its path is absolute, or has separators that a zip may not have")
    path = PurePosixPath(name)
    if not path.parts or ".." in path.parts:
        raise Refused("its path leads out of the archive's own folder")
    return path


def _known(folders: list[str]) -> str:
    return next((folder for folder in reversed(folders) if folder in exercises()), "")


def _files(opened: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """The archive's files, litter left out. Raises CourseError for an archive that is made to harm."""
    infos = opened.infolist()
    if len(infos) > ENTRIES:
        raise CourseError(f"The archive holds {len(infos)} entries, of which {ENTRIES} are allowed: split it.")
    if (total := sum(info.file_size for info in infos)) > TOTAL:
        raise CourseError(f"The archive would unpack to {total / 2**30:.0f} GB, of which {TOTAL >> 30} are allowed.")
    twice = [name for name, count in Counter(info.filename for info in infos).items() if count > 1]
    if twice:
        raise CourseError(f"The archive holds {_shown(twice[0])} twice: which of them counts cannot be known.")
    if any(info.flag_bits & 0x1 for info in infos):
        raise CourseError("The archive is encrypted: unpack it with its password, and zip the files anew.")
    for info in infos:
        if not info.is_dir() and not any(part in LITTER for part in PurePosixPath(info.filename).parts):
            yield info


def _look(opened: zipfile.ZipFile, info: zipfile.ZipInfo, task: Exercise | None) -> Entry:
    """An entry, looked at. Raises Refused where it cannot be placed."""
    mode = info.external_attr >> 16
    if info.create_system == 3 and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise Refused("it is a link or a special file, not a file")
    found = read_name(info.filename)
    if found.file.lower().endswith((".zip", ".tar", ".gz", ".7z", ".rar")):
        raise Refused("it is an archive in the archive: unpack it, and look what it holds")
    if not found.file.lower().endswith(".ipynb"):
        raise Refused("it is no notebook (.ipynb)")
    if PurePosixPath(found.file).name.startswith("."):
        raise Refused("it is a hidden file")
    return Entry(found, _exercise(found, _bytes(opened, info), task).name, info)


def _bytes(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """An entry's bytes, never more than a notebook may have, whatever size the archive declares."""
    if info.file_size > SIZE_LIMIT:
        raise Refused(f"it has {info.file_size / 2**20:.0f} MB, of which {SIZE_LIMIT >> 20} are allowed")
    if info.file_size > RATIO * max(info.compress_size, 1) and info.file_size > 2**20:
        raise Refused(f"it unpacks to more than {RATIO} times its size, as a bomb does")
    try:
        with opened.open(info) as stream:
            data = stream.read(SIZE_LIMIT + 1)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError, RuntimeError) as error:
        raise Refused(f"it is damaged ({error})") from None
    except Exception as error:  # zlib, lzma and bz2 each raise their own
        raise Refused(f"it is damaged ({type(error).__name__})") from None
    if len(data) != info.file_size:
        raise Refused("it is not as long as the archive says")
    return data


def _exercise(found: Found, data: bytes, task: Exercise | None) -> Exercise:
    """The exercise of a notebook: by its cells or its file's name, else by its folder, else the one that is given."""
    name = PurePosixPath(DOWNLOADED_TWICE.sub("", RESUBMITTED.sub("", found.file)))
    of = exercises().get(found.folder) or exercises().get(name.stem)
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
        require_cells(notebook)
        of = exercise_in(Path(name), notebook) or of
    except (NotebookError, ValueError, RecursionError):
        pass  # a damaged notebook is a hand-in, too: grading says what is wrong with it
    if task is not None:
        if of is not None and of != task:
            raise Refused(f"it is of {of.name}, not of {task.name}")
        return task
    if of is None:
        raise Refused("it is of no exercise that can be told by its cells or its name: name one with --assignment")
    return of


def _told_apart(entries: list[Entry]) -> list[Entry]:
    """The entries, learners of one name with their numbers in it.

    Names that differ in case only are one name: on some file systems their folders are one. Raises CourseError where
    such learners have no numbers.
    """
    people: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for entry in entries:
        people.setdefault((entry.found.student.casefold(), entry.exercise), set()).add(
            (entry.found.student, entry.found.id)
        )
    shared = {name: who for (name, _), who in people.items() if len(who) > 1}
    for who in shared.values():
        if any(not number for _, number in who):
            (one, _), (other, _) = sorted(who)[:2]
            raise CourseError(f"The learners {one!r} and {other!r} cannot be told apart: rename one of their folders.")
    return [
        replace_fields(entry, found=replace_fields(entry.found, student=f"{entry.found.student}_{entry.found.id}"))
        if entry.found.student.casefold() in shared
        else entry
        for entry in entries
    ]


def _latest(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """The last hand-in of each learner and exercise, in their order, and the others."""
    chosen: dict[tuple[str, str], Entry] = {}
    others = []
    for entry in sorted(entries, key=lambda entry: entry.rank):
        key = entry.found.student, entry.exercise
        if key in chosen:
            others.append(chosen[key])
        chosen[key] = entry
    return [chosen[key] for key in sorted(chosen)], others


def _place(submitted: Path, entry: Entry, data: bytes, replace: bool, moment: datetime | None) -> Placed:
    """Write a hand-in where it belongs, and its time beside it. Raises CourseError where a link stands in the way."""
    found, name = entry.found, entry.exercise
    folder = submitted / found.student / name
    target = folder / f"{name}.ipynb"
    for part in (folder.parent, folder, target, folder / TIMESTAMP):
        if part.is_symlink():
            raise CourseError(f"{part} is a symbolic link: nothing is written through links. Remove it first.")
    outcome = "placed"
    if target.exists():
        outcome = "same" if target.read_bytes() == data else "replaced" if replace else "kept"
    if outcome in ("placed", "replaced"):
        write_atomically(target, data)
        write_timestamp(folder, moment)
    elif outcome == "same" and moment is not None and submitted_at(target)[1] != TIMESTAMP:
        write_timestamp(folder, moment)  # not known when it was placed
    return Placed(_shown(entry.info.filename), found.student, name, outcome, found.late, moment is not None)


def _time(entry: Entry, due: datetime | None, times: Mapping[str, datetime] | None) -> datetime | None:
    """When it was handed in, as far as anything says; None where nothing does."""
    if entry.found.system == "moodle":
        return (times or {}).get(entry.found.id)
    archived = _entry_time(entry.info)
    if entry.found.system == "folders":
        return archived
    if due is None or not entry.found.late:
        return due
    just_late = due + timedelta(seconds=1)
    return max(just_late, archived) if archived else just_late


def _entry_time(info: zipfile.ZipInfo) -> datetime | None:
    """The time of an entry: UTC where the archive has it so, else this machine's local time, to two seconds."""
    seconds = _unix_time(info.extra)
    try:
        if seconds is not None:
            return datetime.fromtimestamp(seconds, UTC)
        # 1980 is the year zero of zip: no time was given.
        return datetime(*info.date_time).astimezone(UTC) if info.date_time[:3] > (1980, 1, 1) else None
    except (ValueError, OverflowError, OSError):
        return None


def _unix_time(extra: bytes) -> int | None:
    """The modification time in the extended timestamp field (0x5455, Info-ZIP's `extrafld.txt`)."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == 0x5455 and len(field) >= 5 and field[0] & 1:
            return struct.unpack_from("<i", field, 1)[0]
    return None


def _shown(name: str) -> str:
    """A file's name as text that can be written anywhere: control characters and bare surrogates as escapes."""
    return "".join(letter if _printable(letter) else letter.encode("unicode_escape").decode() for letter in name)


def _printable(letter: str) -> bool:
    return unicodedata.category(letter)[0] != "C"
