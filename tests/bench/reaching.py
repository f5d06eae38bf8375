"""Group 8: submissions that reach for the network, for other people's files and for the learner after them."""

from pathlib import Path

from bench import HERE, MARK, PORT, Draft, case

REACHED = f"assert not reached, f'{MARK}: {{reached}}'"


@case(says=("OSError",), lost=("recall",))
def network(draft: Draft):
    """Connects to an address on the internet, by number and by name."""
    draft.inside(
        "recall",
        """
        import socket
        try:
            socket.getaddrinfo("example.org", 80)
        except OSError:
            socket.create_connection(("192.0.2.1", 80), timeout=2)
        """,
    )


@case(says=("ConnectionRefusedError", "or none"), lost=("recall",))
def loopback_service(draft: Draft):
    """Connects to a service on this machine, and raises what it gets."""
    draft.inside(
        "recall",
        f"""
        import socket
        for host in ("127.0.0.1", "::1", "localhost"):
            try:
                socket.create_connection((host, {PORT}), timeout=2).sendall(b"{MARK}")
                return 1.0
            except OSError:
                pass
        raise ConnectionRefusedError("or none at all")
        """,
    )


@case()
def unix_sockets(draft: Draft):
    """Looks for abstract and other Unix sockets of this machine, Docker's, D-Bus's and X's among them."""
    draft.first(
        f"""
        import os, socket
        reached = [line.split()[-1] for line in open("/proc/net/unix").read().splitlines()[1:] if "/" in line]
        for path in ("/run/docker.sock", "/run/dbus/system_bus_socket", "/tmp/.X11-unix/X0", "\\0/tmp/.X11-unix/X0"):
            try:
                socket.socket(socket.AF_UNIX).connect(path)
                reached.append(path)
            except OSError:
                pass
        {REACHED}
        """
    )


@case(lost=("recall",), says=("nothing of anybody",))
def other_peoples_files(draft: Draft):
    """Reads home folders, keys, passwords, mail and what programs left in /tmp."""
    draft.inside(
        "recall",
        f"""
        import glob
        wanted = ("/root/.ssh/*", "/root/.*rc", "/home/*", "/etc/shadow", "/etc/passwd", "/var/mail/*", "/tmp/*",
                  "/run/*", "/var/lib/*", "{HERE}/.git/*", "{HERE}/solutions/*", "{HERE}/autograder/hidden/*")
        found = [file for pattern in wanted for file in glob.glob(pattern) if not file.startswith("/tmp/")]
        if found:
            return found
        raise FileNotFoundError("nothing of anybody's")
        """,
    )


@case()
def writes_everywhere(draft: Draft):
    """Tries to leave a file in every folder that it knows of."""
    draft.first(
        f"""
        import os, site, sys
        folders = ["/", "/usr", "/usr/local/lib", "/etc", "/root", "/home", "/var/tmp", "/dev", "/run", "{HERE}",
                   "{HERE}/pneumonia", sys.prefix, *site.getsitepackages(), os.path.dirname(sys.executable)]
        reached = []
        for folder in folders:
            try:
                open(f"{{folder}}/{MARK}", "w").close()
                reached.append(folder)
            except OSError:
                pass
        {REACHED}
        """
    )


@case(written=("precision", "recall"))
def startup_files_for_the_next(draft: Draft):
    """Leaves start-up files for the next learner's IPython, Python, shell and matplotlib."""
    draft.first(
        f"""
        import os
        home = os.path.expanduser("~")
        code = "import builtins\\nbuiltins.{MARK.replace("-", "_")} = True\\nraise SystemExit"
        for path in (".ipython/profile_default/startup/00-first.py", ".local/lib/python3.11/site-packages/x.pth",
                     ".local/lib/python3.11/site-packages/usercustomize.py", ".bashrc",
                     ".config/matplotlib/matplotlibrc", "{MARK}-startup"):
            os.makedirs(os.path.dirname(f"{{home}}/{{path}}"), exist_ok=True)
            open(f"{{home}}/{{path}}", "w").write(code)
        """
    )


@case(student="startup-files-hit-the-next")
def startup_files_are_gone(draft: Draft):
    """The next learner after the one with the start-up files: right, and must not meet any of them."""
    draft.first(f"import os\nassert not os.path.exists(os.path.expanduser('~/{MARK}-startup'))")
    draft.first(f"import builtins\nassert not hasattr(builtins, '{MARK.replace('-', '_')}')")


@case()
def modules_beside_the_notebook(draft: Draft):
    """Files named numpy.py, autograder.py, sitecustomize.py and conftest.py handed in beside a right notebook."""
    code = f"open('/tmp/{MARK}-module', 'w').close()\nraise SystemExit('taken over')".encode()
    names = ("numpy.py", "autograder.py", "sitecustomize.py", "conftest.py", "pytest.ini", "nbgrader_config.py")
    return {"02-metrics.ipynb": draft.content} | dict.fromkeys(names, code)


@case()
def modules_written_by_a_cell(draft: Draft):
    """A cell writes numpy.py, autograder.py and json.py into its folder, and goes on."""
    draft.first(
        f"""
        for name in ("numpy", "autograder", "json", "struct", "keras", "socket"):
            open(f"{{name}}.py", "w").write("open('/tmp/{MARK}-module', 'w').close(); raise SystemExit")
        """
    )


@case(earned=(), says=("symbolic link",))
def folder_is_a_link(draft: Draft):
    """The notebook is a link to that of another learner."""
    return {"02-metrics.ipynb": Path("../../an-honest-learner-01/02-metrics/02-metrics.ipynb")}


@case()
def links_beside_the_notebook(draft: Draft):
    """Links to /etc, to the course and to itself beside a right notebook."""
    return {"02-metrics.ipynb": draft.content, "etc": Path("/etc"), "self": Path("self"), "up": Path("../../..")}


@case()
def namespaces_again(draft: Draft):
    """Tries to make namespaces, mounts and devices of its own, and to get rights back."""
    draft.first(
        f"""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        reached = [name for name, flag in dict(user=0x10000000, mount=0x20000, pid=0x20000000, net=0x40000000).items()
                   if libc.unshare(flag) == 0]
        for name, attempt in {{
            "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
            "umount": lambda: libc.umount2(b"/proc", 2),
            "chroot": lambda: libc.chroot(b"/tmp"),
            "root": lambda: libc.setuid(0),
            "device": lambda: libc.mknod(b"/tmp/sda", 0o60666, 0x800),
            "clock": lambda: libc.sethostname(b"mine", 4),
            "privileges": lambda: libc.prctl(38, 0, 0, 0, 0),
            "reboot": lambda: libc.reboot(0),
        }}.items():
            if attempt() == 0:
                reached.append(name)
        {REACHED}
        """
    )


@case()
def system_calls_of_the_sly(draft: Draft):
    """System calls that few programs need and many break-ins use: ptrace, keyrings, io_uring, bpf, userfaultfd."""
    draft.first(
        f"""
        import ctypes, os, platform
        libc = ctypes.CDLL(None, use_errno=True)
        arm = platform.machine() == "aarch64"
        numbers = dict(ptrace=117 if arm else 101, add_key=217 if arm else 248, keyctl=219 if arm else 250,
                       io_uring_setup=425, bpf=280 if arm else 321, userfaultfd=282 if arm else 323,
                       perf_event_open=241 if arm else 298, memfd_create=279 if arm else 319,
                       io_setup=0 if arm else 206)
        reached = [name for name, number in numbers.items() if libc.syscall(number, 0, 0, 0, 0, 0) >= 0
                   or ctypes.get_errno() not in (1, 38)]
        {REACHED}
        """
    )


@case()
def priorities(draft: Draft):
    """Tries to be scheduled before everyone else, and to raise its own limits."""
    draft.first(
        f"""
        import os, resource
        reached = []
        attempts = dict(nice=lambda: os.nice(-5),
                        realtime=lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
        for kind in (resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU):
            attempts[f"limit {{kind}}"] = lambda kind=kind: resource.setrlimit(kind, (resource.RLIM_INFINITY,) * 2)
        for name, attempt in attempts.items():
            try:
                attempt()
                reached.append(name)
            except (OSError, ValueError):
                pass
        {REACHED}
        """
    )


@case()
def descriptors_inherited(draft: Draft):
    """Looks at every descriptor that it was given, for files and sockets that are not its own."""
    draft.first(
        f"""
        import os
        reached = []
        for name in os.listdir("/proc/self/fd"):
            try:
                target = os.readlink(f"/proc/self/fd/{{name}}")
            except OSError:
                continue
            if any(word in target for word in ("journal", "gradebook", "submitted", "solutions", "hidden")):
                reached.append(target)
        {REACHED}
        """
    )
