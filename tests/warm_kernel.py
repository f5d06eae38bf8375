"""Kernels that start in a blink: each is forked from one process that has imported already what a notebook will.

Stock nbgrader starts a fresh kernel a notebook, which imports NumPy, scikit-learn, pytest and perhaps TensorFlow for
seconds. Here a kernel is just as fresh, a process of its own, and nothing of nbgrader is changed: it finds a kernel
named python3 (`write_kernelspec`) whose command asks the server (`serving`) for a fork, and lives as long as that.

    python warm_kernel.py serve SOCKET MODULE...
    python warm_kernel.py start SOCKET CONNECTION_FILE
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path


@contextlib.contextmanager
def serving(folder: Path, modules: Sequence[str]) -> Iterator[dict[str, str]]:
    """A server that has imported `modules`; gives what the environment of nbgrader needs to start its kernels there."""
    address = folder / "kernels.socket"
    specification = folder / "jupyter" / "kernels" / "python3"
    specification.mkdir(parents=True)
    command = [sys.executable, "-I", "-S", __file__, "start", str(address), "{connection_file}"]
    text = json.dumps({"argv": command, "display_name": "Python 3", "language": "python"})
    (specification / "kernel.json").write_text(text)
    command = [sys.executable, __file__, "serve", str(address), *modules]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert server.stdout.readline() == b"ready\n", "the server of kernels does not start"
        yield {"JUPYTER_PATH": str(folder / "jupyter")}
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def serve(address: str, *modules: str) -> None:
    """Import the modules, then fork a kernel for each that asks. Nothing is computed here, so that forks are sound."""
    for module in ("ipykernel.kernelapp", "matplotlib.pyplot", *modules):
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no ended kernel is waited for
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _be_a_kernel(client)
        client.close()


def _be_a_kernel(client: socket.socket) -> None:
    """Run a kernel in this process, with the client's streams, folder and environment; end with the client."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, streams, _, _ = socket.recv_fds(client, 2**20, 3)
    request = json.loads(message)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    os.environ["JPY_PARENT_PID"] = str(os.getppid())  # a kernel ends with its parent, which is the server here
    threading.Thread(target=lambda: (client.recv(1), os._exit(1)), daemon=True).start()
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(argv=["-f", *request["arguments"]])
    os._exit(0)


def start(address: str, *arguments: str) -> None:
    """Ask the server for a kernel, and wait for its end. `arguments`: its connection file, and what nbgrader adds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for a kernel that is being shut down
    server = socket.socket(socket.AF_UNIX)
    server.connect(address)
    request = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2])
    server.recv(1)


if __name__ == "__main__":
    {"serve": serve, "start": start}[sys.argv[1]](*sys.argv[2:])
