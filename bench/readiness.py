"""poll and kevent (placement split) against the plainest call of the same way: fstat of a pipe. All on one cpu."""

from __future__ import annotations

import os
import select
import tempfile
from pathlib import Path

from tests.live import start_kernel

import rump
from bench.measure import Row, alternate, pin, unpin
from rump import Kevent


def run() -> list[Row]:
    pin()
    try:
        with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder:
            kernel = start_kernel(Path(folder) / "kernel")
            try:
                with rump.connect(kernel.url) as k:
                    return _rows(k)
            finally:
                kernel.stop()
    finally:
        unpin()


def _rows(k: rump.Client) -> list[Row]:
    """1,000 descriptors are as many objects: 330 of kern, 330 of net, 340 of vfs; none is ready for what is asked."""
    pipes = [fd for _ in range(165) for fd in k.sys.pipe()]
    sockets = [fd for _ in range(165) for fd in k.sys.socketpair(rump.AF_UNIX, rump.SOCK_STREAM, 0)]
    files = [k.sys.open(f"/tmp/bench{i}", os.O_RDWR | os.O_CREAT, 0o644) for i in range(340)]
    entries = [(fd, select.POLLIN) for fd in pipes + sockets] + [(fd, select.POLLPRI) for fd in files]
    queue = k.sys.kqueue()
    k.sys.kevent(queue, [Kevent(fd, rump.EVFILT_READ, rump.EV_ADD) for fd in pipes[::2] + sockets])
    one = [(sockets[0], select.POLLIN)]
    rows = []
    for name, call, each, bound in (
        ("poll of 1 descriptor", lambda: k.sys.poll(one, 0), 50, 1.5),
        ("poll of 1,000 descriptors, 3 owners", lambda: k.sys.poll(entries, 0), 5, 20.0),
        ("kevent, 495 knotes, 2 owners", lambda: k.sys.kevent(queue, [], 16, 0), 50, 3.0),
    ):
        ours, base = alternate(call, lambda: k.sys.fstat(pipes[0]), rounds=10, each=each)
        rows.append(Row(name, ours, "us", "fstat of a pipe", base, ours / base, bound))
    return rows
