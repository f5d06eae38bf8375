"""How long the website takes to build: cold, again with nothing changed, and after a word of one lesson was changed.

Cold means a fresh copy of the clone and an empty cache: phantoms are drawn, features extracted, all lessons executed.
Only VGG16's weights are there already. The course's own bounds are printed beside it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pneumonia.vgg16 import imagenet_weights

ROOT = Path(__file__).resolve().parent.parent
BOUNDS = {"cold": 360, "warm": 15, "a word": 30}  # seconds, on two cores


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch, "clone")
        for name in subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).strip("\0").split("\0"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
        cache = with_weights(Path(scratch, "cache"))
        environment = os.environ | {"PNEUMONIA_CACHE": str(cache), "PNEUMONIA_CONFIG": f"{scratch}/config"}
        print(f"{'build':<8}{'seconds':>9}{'bound':>7}")
        for name, bound in BOUNDS.items():
            if name == "a word":
                lesson = copy / "book/lessons/transfer.md"
                lesson.write_text(lesson.read_text(encoding="utf-8") + "\nOne word more.\n", encoding="utf-8")
            print(f"{name:<8}{seconds(copy, environment):>9.1f}{bound:>7}")


def with_weights(cache: Path) -> Path:
    """A new folder for the cache, with VGG16's weights in it and nothing else."""
    weights = imagenet_weights()
    (cache / "weights").mkdir(parents=True)
    if weights.suffix == ".npz":  # the course's own file; Keras's is found where it is
        shutil.copy2(weights, cache / "weights")
    return cache


def seconds(copy: Path, environment: dict[str, str]) -> float:
    """One build of the copy, by its own code."""
    start = time.perf_counter()
    command = [sys.executable, "-c", "from course.cli import main; main(['site'])"]
    subprocess.run(command, cwd=copy, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
