"""What a process does to itself before a learner's code runs in it: namespaces, scratch space, user, limits.

Linux only.

The sandbox (`autograder.judging.sandbox`) stands around all of this and decides which files can be seen. These steps
come after a fork inside it (`autograder.judging.forker`), and give each submission what it shares with no other:
processes, network, IPC, `/tmp`, `/dev/shm`, terminals, and a user namespace of its own, in which process limits are
counted for it alone. They cannot be undone from within: the capabilities that undoing needs are dropped, no program
regains any (no_new_privs), and the system calls that few programs need are refused (`autograder.judging.system_calls`).
"""

import contextlib
import ctypes
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

from autograder.judging import system_calls

# From the kernel's headers: linux/sched.h, sys/mount.h, linux/prctl.h, linux/capability.h
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 2, 4, 8, 16384, 1 << 18
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 24, 38
CAPABILITY_VERSION = 0x20080522
LAST_CAPABILITY = 63
SOMEBODY = 1000  # who a learner is where the sandbox's root is nobody special outside

EMPTIED = ("/tmp", "/dev/shm")  # folders that each submission gets anew: what else lies there is not seen

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Allowance:
    """What one submission may use, all of its processes together where nothing else is said."""

    memory: int = 2 * 2**30  # bytes, watched by the forker
    address_space: int = 8 * 2**30  # bytes a process, on top of what it begins with: TensorFlow reserves much
    scratch: int = 256 * 2**20  # bytes in /tmp
    shared_memory: int = 64 * 2**20  # bytes in /dev/shm
    files: int = 10_000  # in /tmp
    file_size: int = 64 * 2**20  # bytes of one file, of what it prints, too
    open_files: int = 256  # a process
    open_files_in_all: int = 2048  # watched by the forker: what waits in sockets and pipes is no process's memory
    processes: int = 128  # and threads
    terminals: int = 32  # of which the machine has a few thousand; each `!` command takes one
    seconds: int = 900  # of processor time, a process; the judge's clock is the nearer limit


def fork_apart() -> int:
    """Fork like os.fork; the child is the first process of a new pid namespace, all of which ends with it.

    Raises OSError where the kernel does not permit it.
    """
    with open("/proc/self/ns/pid") as ours:
        _unshare(CLONE_NEWPID)
        pid = os.fork()
        if pid:
            # Later children are ours again, until the next one that is to be apart.
            _check(_libc.setns(ours.fileno(), CLONE_NEWPID), "setns")
        return pid


def confine(allowance: Allowance, uid: int | None) -> None:
    """Take all the steps, in the child of `fork_apart`; `uid` is the user to become, where it is root that calls.

    Raises OSError where a step fails: nothing of a learner's may run then.
    """
    _unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    sizes = ((allowance.scratch, allowance.files), (allowance.shared_memory, 1000))
    for folder, (size, files) in zip(EMPTIED, sizes, strict=True):
        _mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},nr_inodes={files},mode=1777")
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    terminals = f"newinstance,ptmxmode=0666,mode=620,max={allowance.terminals}"
    _mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, terminals)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        _prctl(PR_SET_DUMPABLE, 1)  # or its own files under /proc, which come next, would be root's
    _own_user_namespace()
    _limit(allowance)
    _drop_capabilities()
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    system_calls.refuse(_libc)


def _own_user_namespace() -> None:
    """A user namespace with this user alone, in which no further one can be made."""
    uid, gid = os.getuid(), os.getgid()
    _unshare(CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid or SOMEBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid or SOMEBODY} {gid} 1")
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def _limit(allowance: Allowance) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = {
        resource.RLIMIT_AS: pages * resource.getpagesize() + allowance.address_space,
        resource.RLIMIT_FSIZE: allowance.file_size,
        resource.RLIMIT_NOFILE: allowance.open_files,
        resource.RLIMIT_NPROC: allowance.processes,
        resource.RLIMIT_CPU: allowance.seconds,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))


def _drop_capabilities() -> None:
    for capability in range(LAST_CAPABILITY + 1):
        with contextlib.suppress(OSError):  # a kernel knows fewer of them
            _prctl(PR_CAPBSET_DROP, capability)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable, 32 of them at a time
    _check(_libc.capset(header, none), "capset")


def _unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())
    _check(result, f"mount of {target}")


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero), "prctl")


def _check(result: int, step: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{step}: {os.strerror(number)}")


if not sys.platform.startswith("linux"):
    raise ImportError("namespaces are Linux's: on other systems learners' code runs in a container or in none")
