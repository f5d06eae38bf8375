"""A notebook that its outputs have made too large, read without them: they are no part of what is graded.

    python -I -m autograder.hand_ins.outputs FILE

A process of its own reads it, which may take little memory and time: a file can be made to cost a reader much.
"""

import gc
import json
import subprocess
import sys
from pathlib import Path

from autograder.hand_ins.notebooks import SIZE_LIMIT, NotebookError, parse_json, require_cells

LARGEST = 2**28  # bytes of a file that is read at all
MEMORY = 5 * 2**28  # bytes
SECONDS = 30


def read_without_outputs(path: Path) -> bytes:
    """The content of a large notebook's file without its outputs. Raises NotebookError where it stays too large."""
    try:
        command = [sys.executable, "-I", "-m", "autograder.hand_ins.outputs", str(path)]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
        if run.returncode == 0:
            return run.stdout
    except subprocess.TimeoutExpired:
        pass
    raise NotebookError(
        f"The file has {path.stat().st_size / 2**20:.0f} MB, and cannot be read without its outputs: clear them "
        "(Kernel, Restart and Clear Outputs) and save it again."
    )


def main() -> None:
    """Write the notebook to stdout; exit status 1 where it is none, or too large without its outputs."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    gc.disable()  # there is nothing to collect, and much to look through
    path = Path(sys.argv[1])
    if path.stat().st_size > LARGEST:
        sys.exit(1)
    notebook = parse_json(path.read_bytes())
    require_cells(notebook)
    for cell in notebook["cells"]:
        cell.pop("outputs", None)
        cell.pop("attachments", None)
    content = json.dumps(notebook).encode()
    if len(content) > SIZE_LIMIT:
        sys.exit(1)
    sys.stdout.buffer.write(content)


if __name__ == "__main__":
    main()
