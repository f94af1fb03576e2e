"""Our TCP against that of the Linux kernel, over a tap device in a network namespace of its own."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import rump
from rumpwire.values import Impairment
from tests.netns import Netns, cable, netns
from tests.tools import need

OURS, THEIRS = "10.81.0.1", "10.81.0.2"
DATA = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(100_000))
"""3.2 MB that tell their place."""


@pytest.fixture(scope="module")
def lab() -> Iterator[tuple[Any, Netns]]:
    """A kernel of ours, and a namespace of Linux with the other end of its cable."""
    with netns() as ns, rump.Kernel(factions=("net",)) as k:
        cable(k, ns, OURS, THEIRS)
        k.pub.netconfig_ipv6_ifaddr("virt0", "fd81::1", 64)
        ns.ip("address", "add", "fd81::2/64", "dev", "tap0", "nodad")
        yield k, ns


@contextmanager
def serving(k: Any, answer: Any, family: int = socket.AF_INET) -> Iterator[int]:
    """A server of ours; each connection is answered in a thread."""
    s = k.socket(family, rump.SOCK_STREAM)
    s.bind(("" if family == socket.AF_INET else "::", 0))
    s.listen(64)
    s.settimeout(0.2)
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = s.accept()
            except TimeoutError:
                continue
            threads.append(threading.Thread(target=answer, args=(connection,)))
            threads[-1].start()

    acceptor = threading.Thread(target=serve)
    acceptor.start()
    try:
        yield s.getsockname()[1]
    finally:
        stop.set()
        acceptor.join()
        for thread in threads:
            thread.join(20)
        s.close()


def http(connection: Any) -> None:
    """GET gets the data, what is sent otherwise is answered with its digest."""
    with connection, connection.makefile("rb") as f:
        request = f.readline()
        length = 0
        while (line := f.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        body = DATA if request.startswith(b"GET") else hashlib.sha256(f.read(length)).hexdigest().encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


def test_curl_gets_and_puts(lab: tuple[Any, Netns], tmp_path: Path) -> None:
    k, ns = lab
    curl = need("curl")
    with serving(k, http) as port:
        got = tmp_path / "got"
        done = ns.run(curl, "-sSf", "-o", str(got), f"http://{OURS}:{port}/")
        assert done.returncode == 0, done.stderr
        assert got.read_bytes() == DATA
        done = ns.run(curl, "-sSf", "-H", "Expect:", "-T", str(got), f"http://{OURS}:{port}/")
        assert done.stdout == hashlib.sha256(DATA).hexdigest(), done.stderr


def test_curl_over_ipv6(lab: tuple[Any, Netns]) -> None:
    k, ns = lab
    with serving(k, http, socket.AF_INET6) as port:
        done = ns.run("sh", "-c", f"curl -sSf -g 'http://[fd81::1]:{port}/' | sha256sum")
        assert done.stdout.split()[0] == hashlib.sha256(DATA).hexdigest(), done.stderr


@contextmanager
def their_server(ns: Netns, folder: Path) -> Iterator[None]:
    command = ns.command(sys.executable, "-m", "http.server", "--bind", THEIRS, "8000", "--directory", str(folder))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                if ns.run("sh", "-c", f"ss -Hltn | grep -q {THEIRS}:8000").returncode == 0:
                    break
                time.sleep(0.05)
            yield
        finally:
            process.terminate()


def get(k: Any) -> bytes:
    with k.socket(rump.AF_INET, rump.SOCK_STREAM) as s:
        s.connect((THEIRS, 8000))
        s.sendall(b"GET /data HTTP/1.0\r\n\r\n")
        with s.makefile("rb") as f:
            while f.readline() not in (b"\r\n", b""):
                pass
            return bytes(f.read())


def test_we_get_from_linux(lab: tuple[Any, Netns], tmp_path: Path) -> None:
    k, ns = lab
    (tmp_path / "data").write_bytes(DATA)
    with their_server(ns, tmp_path):
        assert get(k) == DATA
        k.pub.netconfig_ifimpair("virt0", Impairment(loss_ppm=10_000, reorder_ppm=20_000, delay_ns=1_000_000, seed=3))
        try:
            assert get(k) == DATA
        finally:
            k.pub.netconfig_ifimpair("virt0", None)


def test_a_bad_link(lab: tuple[Any, Netns], tmp_path: Path) -> None:
    """1 % of what we send is lost, some overtakes: every byte right, without waiting for timeouts."""
    k, ns = lab
    settings = Impairment(
        loss_ppm=10_000, reorder_ppm=20_000, duplicate_ppm=5_000, delay_ns=1_000_000, jitter_ns=500_000, seed=9
    )
    k.pub.netconfig_ifimpair("virt0", settings)
    try:
        with serving(k, http) as port:
            done = ns.run("sh", "-c", f"curl -sSf 'http://{OURS}:{port}/' | sha256sum")
            assert done.stdout.split()[0] == hashlib.sha256(DATA).hexdigest(), done.stderr
        stat = k.pub.netconfig_ifimpairstat("virt0")
        assert stat.lost
        assert stat.reordered
    finally:
        k.pub.netconfig_ifimpair("virt0", None)


def test_resets_and_refusals(lab: tuple[Any, Netns]) -> None:
    k, ns = lab
    s = k.socket(rump.AF_INET, rump.SOCK_STREAM)
    with pytest.raises(ConnectionRefusedError):
        s.connect((THEIRS, 9))
    s.close()
    program = (
        f"import socket\ntry: socket.create_connection(('{OURS}', 9))\nexcept ConnectionRefusedError: print('refused')"
    )
    assert ns.run(sys.executable, "-c", program).stdout == "refused\n"


def test_thousands_of_connections(lab: tuple[Any, Netns]) -> None:
    """Opened and closed one after the other by Linux, eight at a time; our ports and memory come back."""
    k, ns = lab

    def answer(connection: Any) -> None:
        connection.sendall(connection.recv(100))
        connection.close()

    program = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def one(i):
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as s:
        s.sendall(b"%d" % i)
        return s.recv(100) == b"%d" % i and s.recv(100) == b""
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(one, range(int(sys.argv[3])))))
"""
    with serving(k, answer) as port:
        done = ns.run(sys.executable, "-c", program, OURS, str(port), "1000")
    assert done.stdout == "1000\n", done.stderr
