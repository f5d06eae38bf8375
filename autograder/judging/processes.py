"""What the system knows of a process, read from /proc; where there is none, nothing is known."""

import os
from contextlib import suppress
from pathlib import Path


def processor_time(pid: int) -> tuple[float, bool]:
    """The seconds of processor time that a process has had, and whether one of its threads is running or would.

    Those of its children that have ended are with them: what they had is no process's any more.
    """
    with suppress(OSError, ValueError, IndexError):
        stats = [Path(f"/proc/{pid}/stat"), *Path(f"/proc/{pid}/task").glob("*/stat")]
        whole, *threads = [stat.read_text().rpartition(")")[2].split() for stat in stats]  # a name may hold anything
        ticks = sum(map(int, whole[11:15]))  # its own, in its code and in the kernel's; its ended children's
        return ticks / os.sysconf("SC_CLK_TCK"), any(thread[0] == "R" for thread in threads)
    return 0.0, False
