"""What the system knows of a process, read from /proc; where there is none, nothing is known."""

import os
from contextlib import suppress
from pathlib import Path


def processor_time(pid: int) -> tuple[float, bool]:
    """The seconds of processor time that a process has had, and whether one of its threads is running or would."""
    with suppress(OSError, ValueError, IndexError):
        stats = [Path(f"/proc/{pid}/stat"), *Path(f"/proc/{pid}/task").glob("*/stat")]
        whole, *threads = [stat.read_text().rpartition(")")[2].split() for stat in stats]  # a name may hold anything
        ticks = int(whole[11]) + int(whole[12])
        return ticks / os.sysconf("SC_CLK_TCK"), any(thread[0] == "R" for thread in threads)
    return 0.0, False
