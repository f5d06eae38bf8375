"""Image files, looked at once: their content's digest, their size in pixels, and whether they decode."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from pneumonia.settings import cache_dir, write_atomically


@dataclass(frozen=True)
class FileRecord:
    """What is known of one image file: `error` is empty where it decodes; `width`, `height` in pixels."""

    digest: str
    width: int
    height: int
    error: str = ""


def digest(data: bytes) -> str:
    """128-bit BLAKE2b of the bytes, in hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _look(path: Path) -> FileRecord:
    try:
        data = path.read_bytes()
    except OSError as error:
        return FileRecord("", 0, 0, error.strerror or str(error))
    try:
        with Image.open(path) as image:
            image.load()  # decodes every pixel: a header alone does not show that a file was cut off
            return FileRecord(digest(data), *image.size)
    except Exception as error:  # Pillow raises many types on damaged files
        return FileRecord(digest(data), 0, 0, f"{type(error).__name__}: {error}")


def inspect(folder: Path, paths: list[Path]) -> list[FileRecord]:
    """One record per path, in order. A file whose size and time of change are known is not read again."""
    memory = cache_dir("files") / f"{digest(os.fsencode(folder.resolve()))}.json"
    try:
        known = json.loads(memory.read_text())
    except (OSError, ValueError):
        known = {}

    def key(path: Path) -> str:
        stat = path.stat()
        return f"{path.relative_to(folder)}|{stat.st_size}|{stat.st_mtime_ns}"

    keys = [key(path) for path in paths]
    new = [i for i, k in enumerate(keys) if k not in known]
    if new:
        with ThreadPoolExecutor() as pool:
            records = pool.map(_look, (paths[i] for i in new))
            known |= {keys[i]: asdict(record) for i, record in zip(new, records, strict=True)}
        write_atomically(memory, json.dumps({k: known[k] for k in keys}))
    return [FileRecord(**known[k]) for k in keys]
