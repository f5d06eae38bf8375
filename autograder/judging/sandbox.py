"""What stands around a learner's code when strangers are graded: which files it sees, and by which program it is held.

bubblewrap is the default: small, in every distribution, and it works for root and for everyone else. In its sandbox a
forker (`autograder.judging.forker`) makes a worker for each submission in milliseconds. Docker and Podman hold one
worker a container, begun anew each time, which costs seconds. With "none" nothing is held: for your own notebooks only.

Seen inside, read-only: the system's programs and libraries, this Python with its packages, the course's library, and of
the autograder the modules that answer questions. Not there: checks, hidden or public, solutions, other submissions, the
gradebook, anybody's home, the environment, a network.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from autograder.exercises import CLONE, PACKAGE
from autograder.judging.confinement import EMPTIED, Allowance
from autograder.judging.imports import files_imported
from pneumonia.settings import CourseError

ENGINES = ("docker", "podman")
SANDBOXES = ("bubblewrap", *ENGINES, "none")
LABEL = "course-bench"
LIBRARY = CLONE / "pneumonia"
# Beside what the worker imports: what the capstone's notebook reads, of which learners have the same copy.
LEARNERS_OWN = (PACKAGE / "capstone_data.py", PACKAGE / "checks" / "capstone.npz")
INSIDE = ("autograder.judging.worker", "autograder.judging.forker", "autograder.judging.keras_answers")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/fonts")
# What the forker does that others may not: begin namespaces and mounts, become the learner's user, end its processes.
CAPABILITIES = (
    *("CAP_SYS_ADMIN", "CAP_SETUID", "CAP_SETGID", "CAP_SETFCAP", "CAP_KILL", "CAP_SYS_PTRACE"),
    "CAP_DAC_OVERRIDE",  # to count the files that another user's process has open
)
# How a process that grades, or is graded, uses its libraries. Several submissions at a time, each on one core, get
# through more than one after the other on all of them. A submission's process lives for less than a second: of that,
# oneDNN would spend a tenth on what it needs to know of all of TensorFlow's operations, and to write machine code, that
# of one matrix product included, 9 ms.
LEAN = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL": "false",
}
FIRST_UID = 61_184  # of the users that learners' code runs as where root grades; systemd calls these free for such use
UIDS = 4_000
EMPTY_IMAGE = "pneumonia-course-empty"

INSTALL = {
    "bubblewrap": "On Debian and Ubuntu: apt-get install bubblewrap",
    "docker": "See https://docs.docker.com/engine/install/",
    "podman": "On Debian and Ubuntu: apt-get install podman",
}
COMMANDS = {"bubblewrap": "bwrap", "docker": "docker", "podman": "podman"}


def require(sandbox: str) -> None:
    """Try the sandbox on nothing. Raises CourseError, with what to install, where it cannot be had."""
    if sandbox == "none":
        return
    if not shutil.which(COMMANDS[sandbox]):
        raise CourseError(
            f"Learners' code is graded in a sandbox, and {COMMANDS[sandbox]} is not there. {INSTALL[sandbox]}. Where "
            "you trust every learner with this machine, `--sandbox none` grades without; the report then says so."
        )
    if sandbox == "bubblewrap":
        _require_a_place_of_its_own()
        command = [*bubblewrap(), "--", sys.executable, "-I", "-c", _TRIAL % learners_uid()]
    else:
        _make_empty_image(sandbox)
        command = container(sandbox, ["-I", "-c", "pass"], f"course-trial-{os.getpid()}")
    tried = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if tried.returncode:
        said = (tried.stderr.strip().splitlines() or [f"exit status {tried.returncode}"])[-1]
        raise CourseError(
            f"The sandbox does not start: {COMMANDS[sandbox]} says {said!r}. In a container it needs permission to "
            "make namespaces; on Ubuntu 24.04 and later, AppArmor must permit bwrap to make them."
        )


def _require_a_place_of_its_own() -> None:
    """Raise CourseError where a folder that each submission gets empty would hide the course or its Python from it."""
    for _, target in visible():
        for folder in filter(Path(target).is_relative_to, EMPTIED):
            raise CourseError(
                f"The sandbox gives each submission an empty {folder}, and {target}, which graded code needs, lies "
                "there: every answer would fail. Move the clone, and the Python that it is installed in, to another "
                "folder."
            )


# The steps that the forker will take for each submission, taken once.
_TRIAL = """
import os
from autograder.judging.confinement import Allowance, confine, fork_apart
pid = fork_apart()
if pid == 0:
    confine(Allowance(), %s)
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def bubblewrap() -> list[str]:
    """The command that holds a forker, up to the program."""
    # Who is no root gets a user namespace, and is its root: for any other id bubblewrap makes a second one, from which
    # the forker could not come back to its pid namespace.
    own_user = ["--unshare-all", "--uid", "0", "--gid", "0"]
    unshare = own_user if os.getuid() else [f"--unshare-{name}" for name in ("ipc", "pid", "net", "uts")]
    command = ["bwrap", *unshare, "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    for capability in CAPABILITIES:
        command += ["--cap-add", capability]
    for name, value in (environment("/tmp") | LEAN).items():
        command += ["--setenv", name, value]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    # A clone of the course below /usr, as in many containers, must not be seen with it: an empty folder covers it.
    around = [(source, target) for source, target in visible() if CLONE.is_relative_to(target)]
    command += _seen(around)
    if around:
        command += ["--perms", "0755", "--tmpfs", str(CLONE)]
    command += _seen([entry for entry in visible() if entry not in around])
    # Devices stay usable; nothing can be made or changed beside them, nor anywhere else.
    return [*command, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]


def container(engine: str, arguments: list[str], name: str) -> list[str]:
    """The command that runs this Python with `arguments` in a container of that name."""
    most = Allowance()
    command = [
        engine,
        "run",
        f"--name={name}",
        f"--label={LABEL}={os.getppid()}",  # a judge's parent is its bench, which removes what is left
        "--rm",
        "--interactive",
        "--network=none",
        "--read-only",
        "--cap-drop=all",
    ]
    command += [
        "--security-opt=no-new-privileges",
        f"--user={FIRST_UID}:{FIRST_UID}",
        "--workdir=/tmp",
        "--ipc=private",
    ]
    command += [f"--memory={most.memory}", f"--memory-swap={most.memory}", f"--pids-limit={most.processes}"]
    command += [f"--shm-size={most.shared_memory}", f"--tmpfs=/tmp:rw,nosuid,nodev,size={most.scratch},mode=1777"]
    limits = {"fsize": most.file_size, "nofile": most.open_files, "nproc": most.processes, "core": 0}
    command += [f"--ulimit={name}={value}:{value}" for name, value in limits.items()]
    for name, value in (environment("/tmp") | LEAN).items():
        command.append(f"--env={name}={value}")
    # A container's own /bin is a folder: a link's place is taken by what it leads to.
    if any(CLONE.is_relative_to(target) for _, target in visible()):
        command.append(f"--tmpfs={CLONE}:ro")
    for source, target in visible():
        command.append(f"--volume={source.resolve()}:{target}:ro")
    return [*command, EMPTY_IMAGE, sys.executable, *arguments]


def remove_containers(engine: str, bench: int) -> None:
    """Remove the containers that the judges of a bench, by its pid, have left."""
    command = [engine, "ps", "--all", "--quiet", f"--filter=label={LABEL}={bench}"]
    left = subprocess.run(command, capture_output=True, text=True).stdout.split()
    if left:
        subprocess.run([engine, "rm", "--force", *left], capture_output=True)


def environment(home: str) -> dict[str, str]:
    """The environment of a learner's code: nothing of ours that it does not need to run."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "LD_LIBRARY_PATH") if name in os.environ}
    here = str(Path(sys.executable).parent)
    return kept | {
        "PATH": os.pathsep.join([here, os.defpath]),
        "HOME": home,
        "USER": "learner",
        "TMPDIR": home,
        "IPYTHONDIR": str(Path(home, ".ipython")),
        "LC_ALL": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def learners_uid() -> int | None:
    """The user id that learners' code runs as; None where this user is no root, and can only stay who it is."""
    return None if os.getuid() else FIRST_UID + os.getpid() % UIDS


@cache
def visible() -> tuple[tuple[Path, str], ...]:
    """(what is seen inside, where) for all that is."""
    paths = [Path(path) for path in (*SYSTEM, *SETTINGS)]
    paths += [Path(path) for path in (sys.base_prefix, sys.prefix) if not path.startswith("/usr/")]
    paths.append(LIBRARY)
    paths += [*files_imported(INSIDE, later=False, packages=("autograder",)), *LEARNERS_OWN]
    return tuple((path, str(path)) for path in dict.fromkeys(paths) if path.is_symlink() or path.exists())


def _seen(entries: list[tuple[Path, str]]) -> list[str]:
    """bubblewrap's arguments that show each (what, where), read-only."""
    arguments = []
    # Left to itself, bubblewrap makes the folders on the way for its own user alone.
    for folder in sorted({parent for _, target in entries for parent in Path(target).parents} - {Path("/")}):
        arguments += ["--perms", "0755", "--dir", str(folder)]
    for source, target in entries:
        link = source.is_symlink()
        arguments += ["--symlink", os.readlink(source), target] if link else ["--ro-bind", str(source), target]
    return arguments


def _make_empty_image(engine: str) -> None:
    """An image without a file: all that a worker sees is mounted into it, so that nothing need be downloaded."""
    known = subprocess.run([engine, "image", "inspect", EMPTY_IMAGE], capture_output=True)
    if known.returncode:
        empty = b"\0" * 1024  # a tar archive of no files
        made = subprocess.run([engine, "import", "-", EMPTY_IMAGE], input=empty, capture_output=True)
        if made.returncode:
            said = made.stderr.decode("utf-8", "replace").strip()[-300:]
            raise CourseError(f"{engine} does not work here: {said}")
