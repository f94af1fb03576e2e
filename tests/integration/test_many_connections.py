"""Connections by the thousand with the kernel of Linux, in both directions, and nothing of them left behind.

RUMP_CONNECTIONS says how many each way, 1000 if it does not; `make connections` does 10,000.
"""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import rump
from tests.live import eventually
from tests.netns import Netns, cable, netns

OURS, THEIRS = "10.84.0.1", "10.84.0.2"
COUNT = int(os.environ.get("RUMP_CONNECTIONS", "1000"))

CLIENT = """
import socket, sys
from concurrent.futures import ThreadPoolExecutor
def one(i):
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as s:
        s.sendall(b"%d" % i)
        return s.recv(100) == b"%d" % i and s.recv(100) == b""
with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(one, range(int(sys.argv[3])))))
"""
SERVER = """
import socket, sys
s = socket.create_server((sys.argv[1], 7001), backlog=128)
print("ready", flush=True)
while True:
    c, _ = s.accept()
    c.sendall(c.recv(100))
    c.close()
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[tuple[rump.Kernel, Netns]]:
    """TIME_WAIT lasts for two seconds, so that its end is seen too."""
    with netns() as ns, rump.Kernel(factions=("net",)) as k:
        cable(k, ns, OURS, THEIRS)
        k.sysctl("net.inet.tcp.msl", 2)
        yield k, ns


def connections(k: rump.Kernel) -> int:
    return len([row for row in k.pub.net_pcblist() if row.protocol == "tcp" and row.state != "LISTEN"])


def memory() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def to_us(k: rump.Kernel, ns: Netns, count: int) -> None:
    """We are the server, and close first."""
    with k.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
        s.bind((OURS, 0))
        s.listen(128)

        def serve() -> None:
            for _ in range(count):
                fd = k.sys.accept(s.fileno()).s
                k.sys.write(fd, k.sys.read(fd, 100))
                k.sys.close(fd)

        thread = threading.Thread(target=serve)
        thread.start()
        command = ns.command(sys.executable, "-c", CLIENT, OURS, str(s.getsockname()[1]), str(count))
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
        assert done.stdout == f"{count}\n", done.stderr
        thread.join(20)


def from_us(k: rump.Kernel, ns: Netns, count: int) -> None:
    """Linux is the server, and closes first."""
    command = ns.command(sys.executable, "-c", SERVER, THEIRS)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
            name = rump.SockaddrIn(socket.inet_aton(THEIRS), 7001)
            for number in range(count):
                fd = k.sys.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
                k.sys.connect(fd, name)
                k.sys.write(fd, b"%d" % number)
                assert (k.sys.read(fd, 100), k.sys.read(fd, 100)) == (b"%d" % number, b"")
                k.sys.close(fd)
        finally:
            server.kill()


@pytest.mark.parametrize("direction", [to_us, from_us])
def test_nothing_is_left(lab: tuple[rump.Kernel, Netns], direction: object) -> None:
    assert callable(direction)
    k, ns = lab
    direction(k, ns, 200)  # what is made once is made
    eventually(lambda: connections(k) == 0, 20, "the first connections are gone")
    before = memory()
    direction(k, ns, COUNT)
    eventually(lambda: connections(k) == 0, 20, "all connections are gone")
    assert memory() - before < 16 << 20
    assert ns.run("ss", "-Htn", "state", "established").stdout == ""
