"""What TCP carries: between two stacks on a bus in shared memory, and to the kernel of Linux over a tap device.

On the bus the yardstick is the rump kernel of NetBSD, two of them on one cpu of the same kind of machine. Over the tap
device it is a bare forwarder: a Python process that copies frames between two such devices, with the kernel's TCP at
both ends; that is what this machine can do at all with Python in the way.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from tests.live import start_kernel
from tests.netns import Netns, cable, netns

import rump
from bench.measure import Row
from rumpwire.values import Impairment

Placed = Callable[[], AbstractContextManager[Any]]

MEMORY = 128 << 20
CABLE = 256 << 20
PIECE = 1 << 18
RUMP = 98.0
"""MB/s of two rump kernels on a shmif bus."""
RECEIVE = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while s.recv(1 << 20): pass
"""
SEND = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
b = bytes(1 << 18)
for _ in range(int(sys.argv[3]) >> 18): s.sendall(b)
"""
SINK = """
import socket, sys, time
s = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
c, _ = s.accept()
begin = time.monotonic()
n = 0
while d := c.recv(1 << 20): n += len(d)
print(n / (time.monotonic() - begin) / 1e6)
"""


def run() -> list[Row]:
    rows = []
    for name, cut, bound in (
        ("TCP over shmif, whole segments", False, 1.0),
        ("TCP over shmif, frames of 1,500", True, 0.15),
    ):
        value = _bus(cut=cut)
        rows.append(Row(name, value, "MB/s", "rump kernel, frames of 1,500", RUMP, value / RUMP, bound, "high"))
    base = _forwarder()
    for name, value, bound in (
        ("TCP to Linux, tap", _to_linux(_local), 0.2),
        ("TCP from Linux, tap", _from_linux(_local), 0.2),
        ("TCP to Linux, tap, split", _to_linux(_split), 0.1),
        ("TCP from Linux, tap, split", _from_linux(_split), 0.1),
    ):
        rows.append(Row(name, value, "MB/s", "bare frame forwarder", base, value / base, bound, "high"))
    return rows


# -- over a bus in shared memory


def _bus(*, cut: bool) -> float:
    """Two kernels in this process on one bus: MB of a stream in a second. With ``cut`` in frames of 1,500 bytes."""
    with (
        tempfile.TemporaryDirectory() as folder,
        rump.Kernel(factions=("net",)) as one,
        rump.Kernel(factions=("net",)) as two,
    ):
        for k, address in ((one, "10.0.0.1"), (two, "10.0.0.2")):
            k.pub.netconfig_ifcreate("shmif0")
            k.pub.netconfig_ifsetlinkstr("shmif0", f"{folder}/bus")
            k.pub.netconfig_ifup("shmif0")
            k.pub.netconfig_ipv4_ifaddr_cidr("shmif0", address, 24)
            if cut:
                k.pub.netconfig_ifimpair("shmif0", Impairment())  # whose only effect is that segments are cut
        length = MEMORY >> 3 if cut else MEMORY
        with two.socket(rump.AF_INET, rump.SOCK_STREAM) as s:
            s.bind(("", 80))
            s.listen(1)
            sender = threading.Thread(target=_send, args=(one, length))
            sender.start()
            c, _ = s.accept()
            begin, got = time.monotonic(), 0
            while data := c.recv(1 << 20):
                got += len(data)
            took = time.monotonic() - begin
            sender.join()
            c.close()
            assert got == length
        return length / took / 1e6


def _send(k: Any, length: int) -> None:
    with k.socket(rump.AF_INET, rump.SOCK_STREAM) as s:
        s.connect(("10.0.0.2", 80))
        piece = bytes(PIECE)
        for _ in range(length // PIECE):
            s.sendall(piece)


# -- over a tap device


def _local() -> Any:
    """A kernel in this process."""
    return rump.Kernel(factions=("net",))


@contextmanager
def _split() -> Iterator[Any]:
    """A kernel of several processes, which calls and data reach through the gateway."""
    with tempfile.TemporaryDirectory() as folder:
        kernel = start_kernel(Path(folder) / "kernel", "--factions", "net")
        try:
            with rump.connect(kernel.url) as k:
                yield k
        finally:
            kernel.stop()


@contextmanager
def _cable(placed: Placed) -> Iterator[tuple[Any, Netns]]:
    with netns() as ns, placed() as k:
        cable(k, ns, "10.81.0.1", "10.81.0.2")
        yield k, ns


@contextmanager
def _peer(ns: Netns, program: str, *arguments: str) -> Iterator[None]:
    with subprocess.Popen(ns.command(sys.executable, "-c", program, *arguments)) as process:
        yield
        process.wait(60)


def _to_linux(placed: Placed) -> float:
    with _cable(placed) as (k, ns), k.socket(rump.AF_INET, rump.SOCK_STREAM) as s:
        s.bind(("", 5000))
        s.listen(1)
        with _peer(ns, RECEIVE, "10.81.0.1", "5000"):
            c, _ = s.accept()
            begin, piece = time.monotonic(), bytes(PIECE)
            for _ in range(CABLE // PIECE):
                c.sendall(piece)
            c.shutdown(socket.SHUT_WR)
            c.recv(1)
            c.close()
        return CABLE / (time.monotonic() - begin) / 1e6


def _from_linux(placed: Placed) -> float:
    with _cable(placed) as (k, ns), k.socket(rump.AF_INET, rump.SOCK_STREAM) as s:
        s.bind(("", 5000))
        s.listen(1)
        with _peer(ns, SEND, "10.81.0.1", "5000", str(CABLE)):
            c, _ = s.accept()
            begin, got = time.monotonic(), 0
            while data := c.recv(1 << 20):
                got += len(data)
            took = time.monotonic() - begin
            c.close()
        return got / took / 1e6


# -- the yardstick


def _forwarder() -> float:
    """Linux to Linux through a process that copies frames: MB in a second."""
    with netns() as one, netns() as two:
        for ns in (one, two):
            ns.ip("tuntap", "add", "dev", "tap0", "mode", "tap", "vnet_hdr")
        command = [sys.executable, "-m", "bench.forward", one.path, two.path]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forwarder:
            try:
                assert forwarder.stdout is not None
                forwarder.stdout.readline()
                for ns, address in ((one, "10.81.0.1/24"), (two, "10.81.0.2/24")):
                    ns.ip("address", "add", address, "dev", "tap0")
                    ns.ip("link", "set", "tap0", "up")
                return _through(one, two)
            finally:
                forwarder.kill()


def _through(one: Netns, two: Netns) -> float:
    sink = subprocess.Popen(
        two.command(sys.executable, "-c", SINK, "10.81.0.2", "5000"), stdout=subprocess.PIPE, text=True
    )
    with sink:
        assert sink.stdout is not None
        sink.stdout.readline()
        with _peer(one, SEND, "10.81.0.2", "5000", str(CABLE)):
            return float(sink.stdout.readline())
