"""Kernels to test against: started once per placement, in their own folder, gone at the end of the run."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

READY_S = 60
STOP_S = 60
"""The components may take 15 s, in three rows of 5, before they are killed; a busy machine makes it more."""


class LiveKernel:
    """A kernel in processes of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str, folder: Path) -> None:
        self.process = process
        self.url = url
        self.folder = folder

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> int:
        """Halts it in order; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


def start_kernel(
    folder: Path, *flags: str, env: dict[str, str] | None = None, prefix: Sequence[str] = ()
) -> LiveKernel:
    """Starts a kernel and waits until it is ready."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "rumpgateway", "--dir", str(folder / "run"), *flags],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, **(env or {})},
        )
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], READY_S)
    line = process.stdout.readline() if ready else ""
    if not line.startswith("ready "):
        process.kill()
        process.wait()
        raise AssertionError(f"kernel did not start: {line!r}\n{(folder / 'log').read_text()}")
    return LiveKernel(process, line.split()[1], folder)


@contextmanager
def live_kernel(*flags: str, env: dict[str, str] | None = None) -> Iterator[LiveKernel]:
    """A kernel of a test's own."""
    with tempfile.TemporaryDirectory(prefix="rump-test-") as folder:
        kernel = start_kernel(Path(folder), *flags, env=env)
        try:
            yield kernel
        finally:
            kernel.stop()
            assert kernel.process.stdout is not None
            kernel.process.stdout.close()


def free_ports(count: int) -> list[int]:
    """Ports of the host that nobody listens at, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def eventually(check: object, seconds: float, what: str) -> None:
    """Waits until a condition holds, and fails when it does not in time."""
    assert callable(check)
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
