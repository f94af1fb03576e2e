"""tap(4), tun(4) and bpf(4) as devices: what programs read and write there is what interfaces send and receive."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import rump
from rump import Kevent
from tests.conformance.test_descriptors import code

OURS, THEIRS = bytes([10, 9, 0, 1]), bytes([10, 9, 0, 2])
RDWR = os.O_RDWR | os.O_NONBLOCK
IN, OUT, HUP = 1, 4, 16


def checksum(data: bytes) -> bytes:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return (~(total + (total >> 16)) & 0xFFFF).to_bytes(2, "big")


def echo(number: int) -> bytes:
    """An echo request to us in IPv4."""
    message = struct.pack("!BBHHH", 8, 0, 0, 7, number) + b"there and back"
    message = message[:2] + checksum(message) + message[4:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(message), number, 0, 64, 1, 0) + THEIRS + OURS
    return header[:10] + checksum(header) + header[12:] + message


@pytest.fixture
def opened(k: Any) -> Iterator[Callable[[str], int]]:
    """Opens devices; what is left open is closed, and interfaces that it made are destroyed."""
    fds: list[int] = []
    before = {row.name for row in k.pub.netconfig_ifaddrs()}

    def opens(path: str, flags: int = RDWR) -> int:
        fds.append(k.sys.open(path, flags))
        return fds[-1]

    yield opens
    for fd in fds:
        try:
            k.sys.close(fd)
        except OSError:
            continue
    for name in {row.name for row in k.pub.netconfig_ifaddrs()} - before:
        k.pub.netconfig_ifdown(name)
        k.pub.netconfig_ifdestroy(name)


def row(k: Any, name: str) -> Any:
    return next((row for row in k.pub.netconfig_ifaddrs() if row.name == name), None)


def polled(k: Any, fd: int, events: int, timeout: int = 0) -> int:
    return int(k.sys.poll([(fd, events)], timeout).fds[0].revents)


def answer(k: Any, fd: int, length: int = 2000, head: int = 0) -> bytes:
    """The next packet of ICMP: the stack has things of its own to say, too."""
    while True:
        assert polled(k, fd, IN, 20_000) & IN
        waiting = k.sys.ioctl(fd, rump.FIONREAD).data.integer
        data = bytes(k.sys.read(fd, length))
        assert len(data) == min(waiting, length)
        if data[head] >> 4 == 4 and data[head + 9] == 1:
            return data


def test_an_echo_through_tun(k: Any, opened: Any) -> None:
    tun = opened("/dev/tun2")
    assert code(k.sys.read, tun, 2000) == "EHOSTDOWN"
    assert code(k.sys.open, "/dev/tun2", RDWR) == "EBUSY"
    k.pub.netconfig_ipv4_ifaddr_cidr("tun2", "10.9.0.1", 24)
    k.pub.netconfig_ifup("tun2")
    k.sys.write(tun, echo(1))
    found = answer(k, tun)
    assert (found[12:20], found[20], found[28:]) == (OURS + THEIRS, 0, echo(1)[28:])
    assert code(k.sys.read, tun, 2000) == "EAGAIN"
    k.sys.ioctl(tun, rump.TUNSIFHEAD, 1)
    k.sys.write(tun, rump.AF_INET.to_bytes(4, "big") + echo(2))
    assert answer(k, tun, 30, 4)[:5] == rump.AF_INET.to_bytes(4, "big") + b"\x45"
    assert code(k.sys.read, tun, 2000) == "EAGAIN", "what did not fit is gone"
    assert code(k.sys.write, tun, b"\0\0\0\x63" + echo(3)) == "EAFNOSUPPORT"
    assert code(k.sys.write, tun, bytes(1600)) == "EMSGSIZE"
    assert code(k.sys.ioctl, tun, rump.TUNSIFMODE, rump.IFF_BROADCAST) == "EBUSY"
    k.sys.close(tun)
    assert (row(k, "tun2").flags & rump.IFF_UP, row(k, "tun2").addresses) == (0, [])


def test_a_bridge_of_two_taps(k: Any, opened: Any) -> None:
    """/dev/tap gives interfaces that are there as long as they are open."""
    one, two = opened("/dev/tap"), opened("/dev/tap")
    names = [k.sys.ioctl(fd, rump.TAPGIFNAME).data.text for fd in (one, two)]
    assert len(set(names)) == 2
    k.pub.netconfig_ifcreate("bridge7")
    for name in names:
        k.pub.netconfig_bradd("bridge7", name)
        k.pub.netconfig_ifup(name)
    k.pub.netconfig_ifup("bridge7")
    frame = b"\xff" * 6 + b"\2\0\0\0\0\x63\x88\xb5" + b"across" * 10
    kq = k.sys.kqueue()
    k.sys.kevent(kq, [Kevent(two, rump.EVFILT_READ, rump.EV_ADD)])
    k.sys.write(one, frame)
    while True:
        [event] = k.sys.kevent(kq, [], 1, rump.Timespec(20))
        assert event.ident == two
        if (data := k.sys.read(two, 2000)) == frame:  # else the stack's own
            assert event.data == len(frame)
            break
        assert data[12:14] in (b"\x86\xdd", b"\x08\x06")
    k.pub.netconfig_brdel("bridge7", names[0])
    k.sys.close(one)
    assert row(k, names[0]) is None
    assert row(k, names[1]) is not None
    k.sys.close(kq)


def test_an_interface_that_is_destroyed(k: Any, opened: Any) -> None:
    assert code(k.sys.open, "/dev/tap3", RDWR) == "ENXIO"
    k.pub.netconfig_ifcreate("tap3")
    tap = opened("/dev/tap3")
    assert code(k.sys.write, tap, bytes(60)) == "EHOSTDOWN"
    k.pub.netconfig_ifup("tap3")
    assert code(k.sys.write, tap, bytes(13)) == "EINVAL"
    assert polled(k, tap, OUT) == OUT
    k.pub.netconfig_ifdown("tap3")
    k.pub.netconfig_ifdestroy("tap3")
    assert code(k.sys.write, tap, bytes(60)) == "ENXIO"
    assert polled(k, tap, IN) & HUP


def test_who_may_open_them_and_for_what(k: Any, connect: Any, opened: Any) -> None:
    other = connect()
    other.sys.setuid(1000)
    for path in ("/dev/tap", "/dev/tun0", "/dev/bpf"):
        assert code(other.sys.open, path, os.O_RDWR) == "EACCES"
    k.sys.chmod("/dev/tap", 0o666)
    assert code(other.sys.open, "/dev/tap", os.O_RDWR) == "EPERM"
    k.sys.chmod("/dev/tap", 0o600)
    reader = opened("/dev/tun0", os.O_RDONLY)
    assert code(k.sys.write, reader, echo(1)) == "EBADF"
    assert code(k.sys.bind, reader, rump.SockaddrIn()) == "ENOTSOCK"
    assert k.sys.fstat(reader).st_rdev == k.sys.stat("/dev/tun0").st_rdev


def test_bpf_is_a_device_too(k: Any, opened: Any) -> None:
    bpf, other = opened("/dev/bpf"), opened("/dev/bpf")
    assert bpf != other
    k.sys.ioctl(bpf, rump.BIOCSETIF, "lo0")
    assert k.sys.ioctl(bpf, rump.BIOCGETIF).data.text == "lo0"
