"""System calls that a learner's code has no need for, refused by a seccomp filter, which binds all that it starts, too.

Some of them take memory that belongs to no process, so that nobody's account shows it (memfd_create, System V's shared
memory, queues and semaphores), or of what the whole machine has a fixed number of (io_setup). Some reach into other
processes, keyrings and the kernel. All of them have been ways out of sandboxes. Refused is EPERM, so that a library
which only tries goes on.
"""

import ctypes
import errno
import os
import platform
import struct

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
LOAD_WORD, JUMP_IF_EQUAL, JUMP_IF_GREATER_OR_EQUAL, RETURN = 0x20, 0x15, 0x35, 0x06  # linux/bpf_common.h
JUMP_IF_ANY_BIT = 0x45
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # places in struct seccomp_data, whose words are little-endian
X32 = 0x40000000  # a second table of system calls on x86-64

# Name: its number on x86-64, on AArch64 (asm/unistd_64.h, asm-generic/unistd.h).
REFUSED = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "bpf": (321, 280),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_setup": (206, 0),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "setns": (308, 268),
    "shmget": (29, 194),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
# A thread that leaves its process's table of open files takes a copy along, which nobody sees in the process's list.
# That is refused; clone3, whose flags a filter cannot read, is said not to exist: the C library then calls clone.
CLONE, CLONE3, CLOSE_RANGE = (56, 220), (435, 435), (436, 436)
CLONE_FILES, CLONE_THREAD, CLOSE_RANGE_UNSHARE = 0x400, 0x10000, 2  # linux/sched.h, linux/close_range.h
# What the kernel calls the architecture, and its column above.
ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}


def refuse(libc: ctypes.CDLL) -> None:
    """Refuse the system calls above to this process and all that it starts, for good; it must have no_new_privs.

    On a machine whose numbers are not known here, nothing is refused. Raises OSError where the kernel has no seccomp.
    """
    if platform.machine() not in ARCHITECTURES:
        return
    program = _program(*ARCHITECTURES[platform.machine()])
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: a length, and a pointer behind padding
    program_of = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code)))
    zero = ctypes.c_ulong(0)
    if libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER), program_of, zero, zero):
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")


def _program(architecture: int, column: int) -> bytes:
    """The filter, as a program of the kernel's packet filter: eight bytes a step."""
    refused = [call[column] for call in REFUSED.values()]
    clone, clone3, close_range = (call[column] for call in (CLONE, CLONE3, CLOSE_RANGE))
    # (label, instruction, where to go if so, and if not, value); without a label, on to the next step
    steps = [
        ("", LOAD_WORD, "", "", ARCHITECTURE),
        ("", JUMP_IF_EQUAL, "", "kill", architecture),  # else another table of numbers, 32-bit for instance
        ("", LOAD_WORD, "", "", NUMBER),
        ("", JUMP_IF_GREATER_OR_EQUAL, "refuse", "", X32),
        *(("", JUMP_IF_EQUAL, "refuse", "", number) for number in sorted(refused)),
        ("", JUMP_IF_EQUAL, "not known", "", clone3),
        ("", JUMP_IF_EQUAL, "clone", "", clone),
        ("", JUMP_IF_EQUAL, "", "allow", close_range),
        ("", LOAD_WORD, "", "", ARGUMENTS + 2 * 8),
        ("", JUMP_IF_ANY_BIT, "refuse", "allow", CLOSE_RANGE_UNSHARE),
        ("clone", LOAD_WORD, "", "", ARGUMENTS),
        ("", JUMP_IF_ANY_BIT, "", "allow", CLONE_THREAD),
        ("", JUMP_IF_ANY_BIT, "allow", "refuse", CLONE_FILES),
        ("allow", RETURN, "", "", SECCOMP_RET_ALLOW),
        ("refuse", RETURN, "", "", SECCOMP_RET_ERRNO | errno.EPERM),
        ("not known", RETURN, "", "", SECCOMP_RET_ERRNO | errno.ENOSYS),
        ("kill", RETURN, "", "", SECCOMP_RET_KILL_PROCESS),
    ]
    places = {label: place for place, (label, *_) in enumerate(steps) if label}
    return b"".join(
        struct.pack("HBBI", instruction, *(places.get(to, place + 1) - place - 1 for to in (so, not_so)), value)
        for place, (_, instruction, so, not_so, value) in enumerate(steps)
    )
