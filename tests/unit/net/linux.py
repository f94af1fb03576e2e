"""A Linux kernel as the peer on the wire: a TAP in a network namespace of its own."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from rumpnet.core.packet import Packet
from rumpuser.host import ManualHost
from tests.tools import need
from tests.unit.net.kit import Kit
from tests.unit.net.lab import Machine, Port, Wire
from tests.unit.net.test_inet6 import a6, ping6

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP = 0x2
IFF_NO_PI = 0x1000


def _libc(name: str, *args: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*args):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Linux:
    """The namespace, with ``tap0`` in it. Real time turns the clock of our kernels while `pump` runs."""

    def __init__(self, host: ManualHost) -> None:
        self.host = host
        self.wire = Wire()
        self.end = _TapEnd(self.wire, self)
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _libc("unshare", CLONE_NEWNET)
            try:
                self.ns = os.open("/proc/self/ns/net", os.O_RDONLY)
                self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
                fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", b"tap0", IFF_TAP | IFF_NO_PI))
            finally:
                _libc("setns", own, CLONE_NEWNET)
        finally:
            os.close(own)
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "link", "set", "tap0", "up")

    def close(self) -> None:
        os.close(self.fd)
        os.close(self.ns)

    # -- programs and sockets there

    def run(self, *command: str) -> str:
        """The output of a program that does not need us to answer."""
        return self._start(command).communicate(timeout=20)[0]

    def talk(self, *command: str) -> str:
        """The output of a program that talks with us."""
        process = self._start(command)
        self.pump(lambda: process.poll() is not None, 20)
        return process.communicate()[0]

    def _start(self, command: tuple[str, ...]) -> subprocess.Popen[str]:
        enter = [need("nsenter"), f"--net=/proc/{os.getpid()}/fd/{self.ns}", need(command[0]), *command[1:]]
        return subprocess.Popen(enter, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A socket of that kernel."""
        own = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _libc("setns", self.ns, CLONE_NEWNET)
            try:
                so = socket.socket(family, kind, protocol)
            finally:
                _libc("setns", own, CLONE_NEWNET)
        finally:
            os.close(own)
        so.settimeout(5)
        return so

    # -- the wire

    def pump(self, until: Callable[[], bool], seconds: float = 5) -> None:
        """Carries frames and lets time go by until something is so."""
        end = time.monotonic() + seconds
        last = time.monotonic()
        while not until():
            assert time.monotonic() < end, "it did not come to that"
            select.select([self.fd], [], [], 0.005)
            with suppress(BlockingIOError):
                while True:
                    frame = os.read(self.fd, 65536)
                    self.wire.carry(self.end, frame, Packet(frame))
            now = time.monotonic()
            self.host.advance(now - last)
            last = now

    def send(self, frame: bytes) -> None:
        with suppress(OSError):
            os.write(self.fd, frame)


def decoded(frames: list[bytes], path: Path) -> str:
    """What tcpdump reads in frames; nothing in them may be wrong."""
    rows = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1)]
    for number, frame in enumerate(frames):
        rows.append(struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame)
    path.write_bytes(b"".join(rows))
    command = [need("tcpdump"), "-n", "-vv", "-r", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for wrong in ("bad cksum", "incorrect", "malformed", "truncated", "invalid", "[|", "bad-"):
        assert wrong not in text, text
    return text


class _TapEnd(Port):
    """Their end of the wire."""

    def __init__(self, wire: Wire, linux: Linux) -> None:
        super().__init__(Kit().component.net, "tap0", 99)
        self.linux = linux
        self.plug(wire)

    def receive(self, frame: Packet) -> None:
        self.linux.send(bytes(frame.view()))


@contextmanager
def linux() -> Iterator[tuple[Linux, Machine]]:
    """Linux at 10.0.0.1 and fd00::1, and a kernel of ours at 10.0.0.2 and fd00::2 on the same wire."""
    need("ip")
    if not Path("/dev/net/tun").exists() or os.geteuid() != 0:
        pytest.skip("needs /dev/net/tun and the right to make network namespaces")
    host = ManualHost(seed=3)
    try:
        peer = Linux(host)
    except OSError as error:
        pytest.skip(f"no network namespace, or no TAP in it: {error}")
    try:
        peer.run("ip", "addr", "add", "10.0.0.1/24", "dev", "tap0")
        peer.run("ip", "-6", "addr", "add", "fd00::1/64", "dev", "tap0", "nodad")
        ours = Machine(host)
        dad_count = next(node for node in ours.net.nodes.values() if node.path == "net.inet6.ip6.dad_count")
        assert dad_count.put is not None
        dad_count.put(0)
        ours.plug(peer.wire, "10.0.0.2/24", "fd00::2/64")
        s = ping6(ours, a6("fd00::1"))
        peer.pump(lambda: bool(ours.net.socket(s).rcv))  # Linux takes its time with a new interface
        ours("close", s)
        yield peer, ours
    finally:
        peer.close()
