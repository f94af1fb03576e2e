"""Numbers of the host against NetBSD's."""

from __future__ import annotations

import errno
import fcntl
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rump
from rump import _host
from rump._errors import CONNECTION, RumpError, error_of
from rumpwire import const
from rumpwire.errno import Errno, KernelError

_SAME = {"O_RDONLY", "O_RSYNC"} if os.O_RSYNC == os.O_SYNC else {"O_RDONLY"}
OPEN_NAMES = sorted(set(_host.OPEN.names) - _SAME)


@pytest.mark.parametrize("name", OPEN_NAMES)
def test_every_open_flag_both_ways(name: str) -> None:
    host = getattr(rump, name)
    assert host == getattr(os, name, host)
    wire = _host.OPEN.wire(host)
    assert wire & getattr(const, name) == getattr(const, name)
    assert _host.OPEN.host(wire) & host == host


def test_flags_that_the_host_lacks_get_bits_of_their_own() -> None:
    spare = [rump.O_SHLOCK, rump.O_EXLOCK, rump.O_SEARCH, rump.O_NOSIGPIPE]
    host = 0
    for name in dir(os):
        if name.startswith("O_"):
            host |= getattr(os, name)
    for flag in spare:
        assert not flag & host


@given(st.sets(st.sampled_from(sorted({"O_APPEND", "O_CREAT", "O_EXCL", "O_TRUNC", "O_NONBLOCK", "O_DIRECTORY"}))))
def test_sets_of_flags_come_back(names: set[str]) -> None:
    flags = sum(getattr(os, name) for name in names)
    assert _host.OPEN.wire(flags) == sum(getattr(const, name) for name in names)
    assert _host.OPEN.host(_host.OPEN.wire(flags)) == flags


@given(st.integers(0, 1 << 62))
def test_any_number_is_translated_or_refused(flags: int) -> None:
    known = 0
    for flag in _host.OPEN.names.values():
        known |= flag
    if flags & ~known:
        with pytest.raises(KernelError):
            _host.OPEN.wire(flags)


def test_families_types_and_options() -> None:
    assert _host.FAMILY.wire(socket.AF_INET6) == const.AF_INET6
    assert _host.FAMILY.host(const.AF_INET6) == socket.AF_INET6
    assert _host.socket_type(socket.SOCK_STREAM | socket.SOCK_CLOEXEC) == const.SOCK_STREAM | const.SOCK_CLOEXEC
    assert _host.option_level(socket.SOL_SOCKET) == const.SOL_SOCKET
    assert _host.option_name(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == const.SO_KEEPALIVE
    assert _host.option_name(socket.IPPROTO_TCP, socket.TCP_NODELAY) == socket.TCP_NODELAY
    assert _host.FCNTL.wire(fcntl.F_SETLK) == const.F_SETLK


def test_pathconf_by_name_and_by_the_hosts_number() -> None:
    assert _host.pathconf_name("PC_NAME_MAX") == const.PC_NAME_MAX
    assert _host.pathconf_name(os.pathconf_names["PC_NAME_MAX"]) == const.PC_NAME_MAX
    assert _host.pathconf_name(rump.PC_PATH_MAX) == const.PC_PATH_MAX
    with pytest.raises(KernelError):
        _host.pathconf_name("PC_NONE")


# -- errors


@pytest.mark.parametrize("member", list(Errno), ids=lambda m: m.name)
def test_every_error_is_a_rump_error_and_the_builtin_one(member: Errno) -> None:
    error = error_of(KernelError(member, "why", "vfs"), "/x")
    number = getattr(errno, member.name, None)
    assert isinstance(error, RumpError)
    assert error.name == member.name
    assert error.origin == "vfs"
    assert error.filename == "/x"
    assert "why" in str(error)
    if number is not None and member is not Errno.ENOTSUP:
        assert error.errno == number
        assert isinstance(error, type(OSError(number, "")))


@pytest.mark.parametrize(
    ("number", "builtin"),
    [
        (Errno.ENOENT, FileNotFoundError),
        (Errno.EEXIST, FileExistsError),
        (Errno.EACCES, PermissionError),
        (Errno.EPERM, PermissionError),
        (Errno.EAGAIN, BlockingIOError),
        (Errno.EINTR, InterruptedError),
        (Errno.ENOTDIR, NotADirectoryError),
        (Errno.EISDIR, IsADirectoryError),
        (Errno.EPIPE, BrokenPipeError),
        (Errno.ECONNREFUSED, ConnectionRefusedError),
        (Errno.ETIMEDOUT, TimeoutError),
        (Errno.ESRCH, ProcessLookupError),
    ],
)
def test_classes(number: Errno, builtin: type[OSError]) -> None:
    with pytest.raises(builtin) as caught:
        raise error_of(KernelError(number))
    assert isinstance(caught.value, RumpError)


def test_errors_that_the_host_lacks() -> None:
    assert error_of(KernelError(Errno.EFTYPE)).errno == errno.EINVAL
    assert error_of(KernelError(Errno.ENOATTR)).errno == errno.ENODATA
    strange = error_of(KernelError(4711))
    assert (strange.errno, strange.name) == (errno.EIO, "errno 4711")


def test_a_lost_connection_is_not_a_socket_that_is_not_connected() -> None:
    assert isinstance(error_of(KernelError(Errno.ENOTCONN, "gone", CONNECTION)), ConnectionError)
    assert not isinstance(error_of(KernelError(Errno.ENOTCONN, "", "net")), ConnectionError)


def test_errors_with_two_names() -> None:
    error = error_of(KernelError(Errno.EXDEV), "/a", "/b")
    assert (error.filename, error.filename2) == ("/a", "/b")
    assert "'/a' -> '/b'" in str(error)
