"""Descriptors of bpf: buffers, filters, what they read and write."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from rumpnet.core.bpf.device import BUFSIZE, DEVICES_MAX
from rumpwire import const
from rumpwire.values import BpfInsn, BpfProgram, BpfStat, IoctlArgsInteger, IoctlArgsText, SysctlValueInteger
from tests.unit.net.ifaces.common import pings
from tests.unit.net.kit import fails, finished, waits
from tests.unit.net.lab import Lab, Machine, Wire

ARP_ONLY = [BpfInsn(0x28, 0, 0, 12), BpfInsn(0x15, 0, 1, 0x806), BpfInsn(0x06, 0, 0, 20), BpfInsn(0x06)]
FRAME = b"\xff" * 6 + b"\2\0\0\0\0\x63" + b"\x08\0" + bytes(46)


class Opened:
    """A descriptor on an interface."""

    def __init__(self, machine: Machine, name: str = "eth0", **options: int) -> None:
        self.machine = machine
        self.fd = machine("bpf_open")
        if "size" in options:
            self.control("BIOCSBLEN", options["size"])
        self.control("BIOCSETIF", name)
        self.control("BIOCIMMEDIATE", options.get("immediate", 1))
        machine.nonblocking(self.fd)

    def control(self, name: str, value: Any = None) -> Any:
        data = IoctlArgsInteger(value) if isinstance(value, int) else IoctlArgsText(value) if value else None
        answer = self.machine("ioctl", self.fd, getattr(const, name), data).data
        return getattr(answer, "integer", getattr(answer, "text", answer))

    def set_filter(self, insns: list[BpfInsn]) -> None:
        self.machine("ioctl", self.fd, const.BIOCSETF, BpfProgram(insns))

    def read(self) -> list[tuple[bytes, int]]:
        """Packets, with the lengths that they had."""
        return split(finished(self.machine("read", self.fd, self.control("BIOCGBLEN"))))


def split(data: bytes) -> list[tuple[bytes, int]]:
    rows, at = [], 0
    while at < len(data):
        _, usec, caplen, datalen, hdrlen = struct.unpack_from("<qqIIH", data, at)
        assert 0 <= usec < 10**6
        assert (at + hdrlen + 14) % 8 == 0
        rows.append((data[at + hdrlen : at + hdrlen + caplen], datalen))
        at = (at + hdrlen + caplen + 7) & -8
    return rows


@pytest.fixture
def pair() -> tuple[Machine, Machine, Wire]:
    return Lab(linklocal=False).two()


def test_frames_in_and_out_are_read(pair: tuple[Machine, Machine, Wire]) -> None:
    one, _, wire = pair
    bpf = Opened(one, immediate=0)
    wire.frames.clear()
    pings(one, "10.0.0.2", 3000)
    bpf.control("BIOCIMMEDIATE", 1)
    assert [frame for frame, _ in bpf.read()] == wire.frames
    bpf.control("BIOCSSEESENT", 0)
    pings(one, "10.0.0.2")
    assert [frame[26:30] for frame, _ in bpf.read()] == [bytes([10, 0, 0, 2])], "only what came"
    assert fails(one, "read", bpf.fd, BUFSIZE) == "EAGAIN"
    assert fails(one, "read", bpf.fd, 100) == "EINVAL"


def test_a_filter_takes_and_cuts(pair: tuple[Machine, Machine, Wire]) -> None:
    one, _, _ = pair
    bpf = Opened(one, immediate=0)
    bpf.set_filter(ARP_ONLY)
    pings(one, "10.0.0.2")
    bpf.control("BIOCIMMEDIATE", 1)
    rows = bpf.read()
    assert [(len(frame), length) for frame, length in rows] == [(20, 42), (20, 42)]
    assert one("ioctl", bpf.fd, const.BIOCGSTATS, None).data == BpfStat(4, 0, 2)
    bad = BpfProgram([BpfInsn(0x05, 0, 0, 99)])
    assert fails(one, "ioctl", bpf.fd, const.BIOCSETF, bad) == "EINVAL"
    bpf.control("BIOCFLUSH")
    assert one("ioctl", bpf.fd, const.BIOCGSTATS, None).data == BpfStat()


def test_two_buffers_then_packets_are_dropped(pair: tuple[Machine, Machine, Wire]) -> None:
    one, _, wire = pair
    bpf = Opened(one, size=1024, immediate=0)
    for _ in range(40):
        wire.inject(FRAME)
    first, second = bpf.read(), bpf.read()
    stat = one("ioctl", bpf.fd, const.BIOCGSTATS, None).data
    assert (stat.bs_recv, stat.bs_drop) == (40, 40 - len(first) - len(second))
    assert len(first) == len(second) == 1024 // 88
    assert fails(one, "read", bpf.fd, 1024) == "EAGAIN"


def test_a_reader_waits_for_a_full_buffer_or_its_time(pair: tuple[Machine, Machine, Wire]) -> None:
    one, _, wire = pair
    bpf = Opened(one, size=1024, immediate=0)
    one("fcntl", bpf.fd, const.F_SETFL, 0, None)
    reading = waits(one("read", bpf.fd, 1024))
    for _ in range(11):
        wire.inject(FRAME)
        waits(reading)
    wire.inject(FRAME)
    assert len(split(finished(reading))) == 11
    bpf.control("BIOCSRTIMEOUT", 2 * 10**9)
    assert bpf.control("BIOCGRTIMEOUT") == 2 * 10**9
    reading = waits(one("read", bpf.fd, 1024))
    one.host.advance(1)
    waits(reading)
    one.host.advance(1.1)
    assert len(split(finished(reading))) == 1
    reading = waits(one("read", bpf.fd, 1024))
    one.host.advance(2.1)
    assert finished(reading) == b""
    reading = waits(one("read", bpf.fd, 1024))
    one("netconfig_ifdestroy", "eth0")
    assert fails(lambda: reading) == "ENXIO"


def test_frames_are_written(pair: tuple[Machine, Machine, Wire]) -> None:
    one, _, wire = pair
    bpf = Opened(one)
    assert one("write", bpf.fd, FRAME) == len(FRAME)
    assert wire.frames[-1] == FRAME[:6] + one.net.interfaces.get("eth0").lladdr + FRAME[12:]
    bpf.control("BIOCSHDRCMPLT", 1)
    one("write", bpf.fd, FRAME)
    assert wire.frames[-1] == FRAME
    before = one.inet.ip.stats["total packets received"]
    bpf.control("BIOCSFEEDBACK", 1)
    one("write", bpf.fd, FRAME)
    assert one.inet.ip.stats["total packets received"] == before + 1
    assert fails(one, "write", bpf.fd, FRAME + bytes(1500)) == "EMSGSIZE"
    assert fails(one, "write", bpf.fd, b"short") == "EMSGSIZE"
    one("netconfig_ifdown", "eth0")
    assert fails(one, "write", bpf.fd, FRAME) == "ENETDOWN"


def test_promiscuity_ends_with_the_descriptor(pair: tuple[Machine, Machine, Wire]) -> None:
    one, _, _ = pair
    eth0 = one.net.interfaces.get("eth0")
    bpf = Opened(one)
    bpf.control("BIOCPROMISC")
    bpf.control("BIOCPROMISC")
    assert eth0.flags & const.IFF_PROMISC
    one("close", bpf.fd)
    assert not eth0.flags & const.IFF_PROMISC
    assert not eth0.taps
    bpf = Opened(one)
    one("netconfig_ifdestroy", "eth0")
    assert fails(one, "read", bpf.fd, BUFSIZE) == "ENXIO"
    assert fails(one, "write", bpf.fd, FRAME) == "ENXIO"
    one("close", bpf.fd)


def test_the_loopback_has_families_for_headers() -> None:
    one = Lab().machine()
    bpf = Opened(one, "lo0", immediate=0)
    assert bpf.control("BIOCGDLT") == 0
    pings(one, "127.0.0.1")
    bpf.control("BIOCIMMEDIATE", 1)
    data = finished(one("read", bpf.fd, BUFSIZE))
    _, _, caplen, _, hdrlen = struct.unpack_from("<qqIIH", data)
    assert (hdrlen + 4) % 8 == 0
    assert data[hdrlen : hdrlen + 5] == struct.pack("<I", const.AF_INET) + b"\x45"
    assert caplen == 4 + 84
    assert fails(one, "write", bpf.fd, FRAME) == "EINVAL"


def test_refusals(pair: tuple[Machine, Machine, Wire]) -> None:
    one, _, _ = pair
    assert fails(one.user, "bpf_open") == "EPERM"
    fd = one("bpf_open")
    assert fails(one, "read", fd, BUFSIZE) == "ENXIO"
    assert fails(one, "ioctl", fd, const.BIOCGDLT, None) == "EINVAL"
    assert fails(one, "ioctl", fd, const.BIOCSETIF, IoctlArgsText("eth9")) == "ENXIO"
    assert fails(one, "ioctl", fd, const.BIOCSETIF, None) == "EINVAL"
    assert fails(one, "ioctl", fd, 0x1234, None) == "ENOTTY"
    assert fails(one, "listen", fd, 1) == "ENOTSOCK"
    one("ioctl", fd, const.BIOCSETIF, IoctlArgsText("eth0"))
    assert fails(one, "ioctl", fd, const.BIOCSBLEN, IoctlArgsInteger(1)) == "EINVAL"
    assert fails(one, "ioctl", fd, const.BIOCSDLT, IoctlArgsInteger(12)) == "EINVAL"
    assert one("fstat", fd).st_mode & 0o170000 == const.S_IFCHR
    opened = [one("bpf_open") for _ in range(DEVICES_MAX - 1)]
    assert fails(one, "bpf_open") == "ENFILE"
    one("close", opened[0])
    one("bpf_open")


@pytest.mark.parametrize(("asked", "given"), [(1, 32), (4096, 4096), (1 << 30, 1 << 20)])
def test_sizes_of_buffers(pair: tuple[Machine, Machine, Wire], asked: int, given: int) -> None:
    one, _, _ = pair
    fd = one("bpf_open")
    assert one("ioctl", fd, const.BIOCSBLEN, IoctlArgsInteger(asked)).data == IoctlArgsInteger(given)
    assert one("ioctl", fd, const.BIOCGBLEN, None).data == IoctlArgsInteger(given)


def test_what_sysctl_tells(pair: tuple[Machine, Machine, Wire]) -> None:
    one, _, _ = pair
    bpf = Opened(one)
    bpf.set_filter(ARP_ONLY)
    pings(one, "10.0.0.2")
    one("close", bpf.fd)

    def value(path: str, new: int | None = None) -> int:
        found: int = one("sysctl_value", path, SysctlValueInteger(new) if new is not None else None).integer
        return found

    assert [value(f"net.bpf.stats.{name}") for name in ("recv", "drop", "capt")] == [4, 0, 2]
    value("net.bpf.maxbufsize", 65536)
    fd = one("bpf_open")
    assert one("ioctl", fd, const.BIOCSBLEN, IoctlArgsInteger(1 << 30)).data == IoctlArgsInteger(65536)
