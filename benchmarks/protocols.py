"""How long all experiments take on phantoms, from an empty cache and again, beside the course's own bound.

Only VGG16's weights are there already. On real images each experiment's result says how long it took.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from website import ROOT, with_weights

BOUND = 300  # seconds, on two cores


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        environment = os.environ | {"PNEUMONIA_CACHE": str(with_weights(Path(scratch, "cache")))}
        output = Path(scratch, "results")
        command = [sys.executable, "-c", "from course.cli import main; main()", "reproduce", "all", "--data", "phantom"]
        print(f"{'run':<8}{'seconds':>9}{'bound':>7}")
        for name in ("first", "again"):
            start = time.perf_counter()
            subprocess.run(
                [*command, "--output", str(output)], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
            )
            print(f"{name:<8}{time.perf_counter() - start:>9.1f}{BOUND:>7}")


if __name__ == "__main__":
    main()
