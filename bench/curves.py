"""How latency and throughput go with the size of a call, the number of clients, the length of a batch, and the link."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.live import LiveKernel, free_ports, start_kernel

import rump
from bench.measure import pin, unpin
from bench.relay import link
from bench.svg import Curve, chart
from bench.yardstick import frames, transfer

SIZES = (1, 64, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20)
CLIENTS = (1, 2, 4, 8)
CALLS = 2000
LENGTHS = (1, 4, 16, 64, 256, 1024)
DELAYS_MS = (1, 2, 5, 10, 20, 50)
SMALL = 50
_CLIENT = """
import sys, rump
with rump.connect(sys.argv[1]) as k:
    k.sys.getpid()
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(int(sys.argv[2])):
        k.sys.getpid()
    print("done", flush=True)
    sys.stdin.readline()
"""


def draw(folder: Path) -> None:
    """Measures and writes the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    pin()
    try:
        with tempfile.TemporaryDirectory(prefix="rump-bench-") as scratch:
            (port,) = free_ports(1)
            urls = ["--url", f"unix://{scratch}/sock", "--url", f"tcp+plain://127.0.0.1:{port}"]
            kernel = start_kernel(Path(scratch) / "kernel", "--factions", "vfs", *urls)
            try:
                for name, text in _pictures(kernel, port):
                    (folder / f"{name}.svg").write_text(text)
            finally:
                kernel.stop()
    finally:
        unpin()


def _pictures(kernel: LiveKernel, port: int) -> Iterator[tuple[str, str]]:
    with rump.connect(kernel.url) as k:
        read, write, there, back = _over_size(k)
        lengths, bare = _over_length(k)
    latencies = {"read": read, "write": write, "bare frames, read": back, "bare frames, write": there}
    yield "latency-size", chart("A read or write of tmpfs, split", "bytes", "us", latencies)
    rates = {name: [(size, size / us) for size, us in curve] for name, curve in latencies.items()}
    yield "throughput-size", chart("Reads and writes of tmpfs, split", "bytes", "MB/s", rates)
    yield "batch", chart("getpid in batches", "calls in a Batch", "us a call", {"rump": lengths, "bare frames": bare})
    yield "clients", chart("getpid of several clients", "clients", "calls/s", {"rump": _over_clients(kernel)})
    together, single = _over_delay(port)
    copies = {"Tree.copy_in": together, "one call at a time": single}
    yield "link", chart(f"{SMALL} small files copied in", "ms there and back", "s", copies)


def _median(call: Callable[[], object], count: int) -> float:
    """Microseconds."""
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e6


def _over_size(k: rump.Client) -> tuple[Curve, Curve, Curve, Curve]:
    fd = k.sys.open("/tmp/sized", os.O_CREAT | os.O_RDWR, 0o644)
    k.sys.pwrite(fd, bytes(SIZES[-1]), 0)
    found: tuple[list[tuple[float, float]], ...] = ([], [], [], [])
    for size in SIZES:
        data, count = os.urandom(size), 200 if size <= 1 << 16 else 40
        with transfer(size, 0) as there, transfer(0, size) as back:
            calls = (lambda: k.sys.pread(fd, size, 0), lambda: k.sys.pwrite(fd, data, 0), there.call, back.call)  # noqa: B023
            for curve, call in zip(found, calls, strict=True):
                _median(call, 10)
                curve.append((size, _median(call, count)))
    k.sys.close(fd)
    read, write, out, back_curve = found
    return read, write, out, back_curve


def _over_length(k: rump.Client) -> tuple[Curve, Curve]:
    def batch(length: int) -> None:
        with k.batch() as b:
            for _ in range(length):
                b.getpid()

    with frames() as bare:
        one = _median(bare.call, 500)
        return [(n, _median(lambda: batch(n), 50) / n) for n in LENGTHS], [(n, one) for n in LENGTHS]  # noqa: B023


def _over_clients(kernel: LiveKernel) -> Curve:
    return [(count, _rate(kernel.url, count)) for count in CLIENTS]


def _rate(url: str, count: int) -> float:
    """Calls a second of so many processes together."""
    each = CALLS // count
    command = [sys.executable, "-c", _CLIENT, url, str(each)]
    clients = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    for client in clients:
        _heard(client)
    begun = time.perf_counter()
    for client in clients:
        _go_on(client)
    for client in clients:
        _heard(client)
    passed = time.perf_counter() - begun
    for client in clients:
        client.communicate("\n")
    return each * count / passed


def _heard(client: subprocess.Popen[str]) -> None:
    assert client.stdout is not None
    assert client.stdout.readline()


def _go_on(client: subprocess.Popen[str]) -> None:
    assert client.stdin is not None
    client.stdin.write("\n")
    client.stdin.flush()


def _over_delay(port: int) -> tuple[Curve, Curve]:
    together, single = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(SMALL):
            (Path(folder) / f"{number}").write_bytes(os.urandom(1000))
        for delay in DELAYS_MS:
            with link(delay, port) as near, rump.connect(f"tcp+plain://127.0.0.1:{near}") as k:
                begun = time.perf_counter()
                rump.fs.Tree(k).copy_in(folder, f"/tmp/{delay}")
                between = time.perf_counter()
                _one_by_one(k)
                together.append((delay, between - begun))
                single.append((delay, time.perf_counter() - between))
    return together, single


def _one_by_one(k: rump.Client) -> None:
    for number in range(SMALL):
        fd = k.sys.open(f"/tmp/single{number}", os.O_WRONLY | os.O_CREAT, 0o644)
        k.sys.write(fd, bytes(1000))
        k.sys.close(fd)
