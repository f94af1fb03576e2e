"""What rumphijack traps, reads out of its options, and makes of structures."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rump
from rumpclients._command import UsageError
from rumpclients.hijack import bpf, interfaces, numbers, options, sockaddr, sockopt

ARCH, CALLS = numbers.machine()


def run(code: bytes, number: int, *args: int, arch: int = ARCH) -> int:
    """What a filter says, by an interpreter of the four instructions and jumps that it has."""
    data = struct.pack("=iIQ6Q", number, arch, 0, *args, *[0] * (6 - len(args)))
    at, value = 0, 0
    while True:
        kind, true, false, k = struct.unpack_from("=HBBI", code, 8 * at)
        at += 1
        if kind == 0x20:
            value = struct.unpack_from("=I", data, k)[0]
        elif kind == 0x06:
            return int(k)
        else:
            held = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[kind]
            at += true if held else false


FILTER = bpf.assemble(ARCH, CALLS, {socket.AF_INET, socket.AF_INET6}, opens=True)


@pytest.mark.parametrize(
    ("name", "args", "action"),
    [
        ("socket", (socket.AF_INET, 1), bpf.NOTIFY),
        ("socket", (socket.AF_INET6, 1), bpf.NOTIFY),
        ("socket", (socket.AF_UNIX, 1), bpf.ALLOW),
        ("connect", (3, 1, 16), bpf.NOTIFY),
        ("sendto", (3, 1, 1, 0, 0, 0), bpf.ALLOW),
        ("sendto", (3, 1, 1, 0, 0x7F00, 16), bpf.NOTIFY),
        ("recvfrom", (3, 1, 1, 0, 1 << 40, 16), bpf.NOTIFY),
        ("recvfrom", (3, 1, 1, 0, 0, 0), bpf.ALLOW),
        ("ioctl", (3, 0x541B), bpf.ALLOW),
        ("ioctl", (3, 0x8905), bpf.ALLOW),
        ("ioctl", (3, 0x8912), bpf.NOTIFY),
        ("ioctl", (3, 0x8A00), bpf.ALLOW),
        ("openat", (0, 0, os.O_RDONLY | os.O_CLOEXEC), bpf.NOTIFY),
        ("openat", (0, 0, os.O_WRONLY), bpf.ALLOW),
        ("openat", (0, 0, os.O_RDONLY | os.O_DIRECTORY), bpf.ALLOW),
        ("io_uring_setup", (), bpf.ENOSYS),
        ("pidfd_open", (), bpf.ALLOW),
    ],
)
def test_what_is_trapped(name: str, args: tuple[int, ...], action: int) -> None:
    assert run(FILTER, CALLS[name], *args) == action


def test_other_machines_are_not_let_through() -> None:
    assert run(FILTER, 0, arch=0x40000003) == bpf.KILL
    assert run(FILTER, 0x40000000 | CALLS["socket"]) == bpf.KILL


def test_without_opens() -> None:
    code = bpf.assemble(ARCH, CALLS, {socket.AF_INET}, opens=False)
    assert run(code, CALLS["openat"]) == bpf.ALLOW
    assert run(code, CALLS["socket"], socket.AF_INET6) == bpf.ALLOW


# -- options

ALL = frozenset({socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET})


@pytest.mark.parametrize(
    ("text", "families", "paths"),
    [
        (None, ALL - {socket.AF_UNIX}, {"/rump": "/"}),
        ("", frozenset(), {}),
        ("socket=all", ALL, {}),
        ("sock=inet:inet6", frozenset({socket.AF_INET, socket.AF_INET6}), {}),
        ("socket=all:nolocal:noroute:nolink", frozenset({socket.AF_INET, socket.AF_INET6}), {}),
        ("path=/a/b,blanket=/c:/d,vfs=all:nonfssvc,sysctl,fdoff=4", frozenset(), {"/a/b": "/", "/c": "/c", "/d": "/d"}),
    ],
)
def test_options(text: str | None, families: frozenset[int], paths: dict[str, str]) -> None:
    found = options.parse(text)
    assert (found.families, dict(found.paths), found.asked) == (families, paths, text is not None)


@pytest.mark.parametrize(
    "text",
    [
        "nothing=1", "s=inet", "=x", "path=", "path=/", "path=rump", "path=/rump/", "path=/a/../b",
        "path=/a,blanket=/a/b", "socket=", "socket=inet:all", "socket=ipx", "socket=noipx", "vfs=some",
        "sysctl=maybe", "fdoff=2", "fdoff=x", "fdoff=2147483647",
    ],
)  # fmt: skip
def test_options_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match=r"."):
        options.parse(text)


def test_retries() -> None:
    values = {None: None, "once": "once", "inftime": "inftime", "die": "die", "30": 30.0}
    for text, value in values.items():
        assert options.retry({} if text is None else {"RUMPHIJACK_RETRYCONNECT": text}) == value
    with pytest.raises(UsageError):
        options.retry({"RUMPHIJACK_RETRYCONNECT": "often"})


# -- structures


def outcome(work: Callable[[], object]) -> int:
    """Its errno, or 0."""
    try:
        work()
    except OSError as error:
        return error.errno or -1
    return 0


inet = st.builds(rump.SockaddrIn, st.binary(min_size=4, max_size=4), st.integers(0, 65535))
inet6 = st.builds(
    rump.SockaddrIn6, st.binary(min_size=16, max_size=16), st.integers(0, 65535), st.integers(0, 2**20),
    st.integers(0, 2**31),
)  # fmt: skip
local = st.builds(rump.SockaddrUn, st.binary(min_size=1, max_size=100).filter(lambda b: 0 not in b))


@given(st.one_of(inet, inet6, local))
def test_addresses_come_back(address: sockaddr.Address) -> None:
    assert sockaddr.parse(sockaddr.emit(address)) == address


def test_addresses_are_linuxs() -> None:
    assert sockaddr.emit(rump.SockaddrIn(bytes([127, 0, 0, 1]), 80)) == b"\x02\x00\x00\x50\x7f\x00\x00\x01" + bytes(8)
    assert sockaddr.parse(bytes(16)) is None


@given(st.binary(max_size=40))
def test_hostile_addresses(data: bytes) -> None:
    assert outcome(lambda: sockaddr.parse(data)) in (0, errno.EINVAL, errno.EAFNOSUPPORT)


@given(st.sampled_from([0, 1, 6, 41]), st.integers(0, 80), st.binary(max_size=64))
def test_hostile_options(level: int, name: int, data: bytes) -> None:
    asked = (outcome(lambda: sockopt.kernel_number(level, name)), outcome(lambda: sockopt.value_of(level, name, data)))
    assert set(asked) <= {0, errno.EINVAL, errno.ENOPROTOOPT}


def test_numbers_that_mean_other_things_in_netbsd_are_not_let_through() -> None:
    for name in (10, 11, 8):  # IP_MTU_DISCOVER, IP_RECVERR, IP_PKTINFO
        with pytest.raises(OSError, match="Protocol not available"):
            sockopt.kernel_number(socket.IPPROTO_IP, name)


@given(st.binary(max_size=200))
def test_hostile_requests_of_netlink(data: bytes) -> None:
    row = rump.Interface("lo0", 1, 0x8049, 1500)
    assert all(len(answer) >= 16 for answer in interfaces.answers(data, 1, [row]))
