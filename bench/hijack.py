"""What it costs a program to be hijacked: a download by curl and trapped calls, beside those of the SDK.

The kernel is of one process, and the server in its network another client. Calls are measured on one cpu.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live import start_kernel

import rump
from bench.measure import Row, pin, timed, unpin

LENGTH = 100 << 20
PORT = 8000
ROUNDS = 3
CALLS = 2000
SERVER = """
import sys, rump
length, port = map(int, sys.argv[1:])
piece = bytes(1 << 18)
with rump.connect() as k:
    server = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    server.bind(("127.0.0.1", port))
    server.listen(5)
    print("ready", flush=True)
    while True:
        one, _ = server.accept()
        with one:
            one.recv(65536)
            one.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % length)
            for _ in range(length // len(piece)):
                one.sendall(piece)
"""
TRAPPED = """
import socket, sys, time
s = socket.socket()
def took(call):
    call()
    start = time.perf_counter()
    for _ in range(int(sys.argv[1])): call()
    return (time.perf_counter() - start) / int(sys.argv[1]) * 1e6
print(took(lambda: s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)), took(s.getsockname))
"""


def run() -> list[Row]:
    with _kernel() as url:
        row = _download(url)
    pin()
    try:
        with _kernel() as url:
            return [row, *_calls(url)]
    finally:
        unpin()


@contextmanager
def _kernel() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        kernel = start_kernel(Path(folder) / "kernel", "--factions", "net", "--placement", "server")
        try:
            yield kernel.url
        finally:
            kernel.stop()


def _hijacked(url: str, *words: str) -> str:
    command = [sys.executable, "-m", "rumpclients.hijack.main", *words]
    return subprocess.run(command, env=_environment(url), stdout=subprocess.PIPE, text=True, check=True).stdout


def _environment(url: str) -> dict[str, str]:
    return {**os.environ, "RUMP_SERVER": url, "RUMPHIJACK": "socket=all:nolocal"}


# -- a download


@contextmanager
def _serving(url: str) -> Iterator[None]:
    words = [sys.executable, "-c", SERVER, str(LENGTH), str(PORT)]
    with subprocess.Popen(words, env=_environment(url), stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            yield
        finally:
            server.kill()


def _download(url: str) -> Row:
    with _serving(url), rump.connect(url) as k:
        mine, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(_by_sdk(k))
            mine.append(_by_curl(url))
    value, base = statistics.median(mine), statistics.median(theirs)
    return Row("hijacked curl, 100 MiB", value, "MB/s", "sockets of the SDK", base, value / base, 0.5, "high")


def _by_sdk(k: rump.Client) -> float:
    with k.socket(rump.AF_INET, rump.SOCK_STREAM) as s:
        s.connect(("127.0.0.1", PORT))
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        begin, got = time.monotonic(), 0
        while data := s.recv(1 << 18):
            got += len(data)
        took = time.monotonic() - begin
    assert got > LENGTH
    return got / took / 1e6


def _by_curl(url: str) -> float:
    """By curl's own clock, which does not count how long it took to start."""
    form = "%{size_download} %{speed_download}"
    size, speed = _hijacked(url, "curl", "-s", "-o", os.devnull, "-w", form, f"http://127.0.0.1:{PORT}/").split()
    assert int(size) == LENGTH
    return float(speed) / 1e6


# -- calls


def _calls(url: str) -> list[Row]:
    here, there = map(float, _hijacked(url, sys.executable, "-c", TRAPPED, str(CALLS)).split())
    with rump.connect(url) as k, k.socket(rump.AF_INET, rump.SOCK_STREAM) as s:
        base = timed(lambda: [s.getsockname() for _ in range(CALLS)]) / CALLS * 1e6
    return [
        Row("trapped call, answered at once", here, "us", "getsockname of the SDK", base, here / base, 3.0),
        Row("trapped call, answered by the kernel", there, "us", "getsockname of the SDK", base, there / base, 5.0),
    ]
