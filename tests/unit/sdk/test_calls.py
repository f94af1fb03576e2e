"""Calls as Python has them: names, defaults, conversions."""

from __future__ import annotations

import array
import fcntl
import inspect
import os
import resource
import socket
import sys
import time
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import rump
from rump._base import AsyncBase, BatchBase, SyncBase
from rump._calls import AsyncPubCalls, AsyncSysCalls, BatchCalls, PubCalls, SysCalls
from rumpwire import const, values
from rumpwire.calls import OPS
from rumpwire.errno import Errno
from tests.unit.sdk.fakes import fake

PUBLIC = [op for op in OPS.values() if not op.internal]


def test_generated_files_are_current() -> None:
    sys.path.insert(0, str(Path(__file__).parents[3] / "tools"))
    try:
        from codegen import model, sdk  # type: ignore[import-not-found]

        for name, text in sdk.emit(model.load()).items():
            assert (model.ROOT / name).read_text() == text, f"{name} is stale: run `python tools/codegen`"
    finally:
        sys.path.pop(0)


@pytest.mark.parametrize("op", PUBLIC, ids=lambda op: op.name)
def test_every_call_has_its_methods_with_the_arguments_of_the_contract(op: Any) -> None:
    for cls in (PubCalls, AsyncPubCalls, BatchCalls) if op.pub else (SysCalls, AsyncSysCalls, BatchCalls):
        method = getattr(cls, op.name)
        assert tuple(inspect.signature(method).parameters)[1:] == op.args
        assert inspect.iscoroutinefunction(method) == issubclass(cls, AsyncBase)
        assert method.__doc__


def test_no_methods_beside_the_contract() -> None:
    for cls, base in ((SysCalls, SyncBase), (PubCalls, SyncBase), (BatchCalls, BatchBase)):
        names = {name for name in vars(cls) if not name.startswith("_")} - set(vars(base))
        assert names <= {op.name for op in PUBLIC}


@pytest.mark.parametrize("path", ["/a/ä", b"/a/\xc3\xa4", PurePosixPath("/a/ä")])
def test_paths(path: Any) -> None:
    k, c = fake({"open": 3})
    assert k.sys.open(path) == 3
    assert c.last == ("open", ("/a/ä".encode(), 0, None))


def test_open_flags_are_the_hosts_here_and_netbsds_there() -> None:
    k, c = fake({"open": 3})
    k.sys.open("x", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    wanted = const.O_RDWR | const.O_CREAT | const.O_EXCL | const.O_TRUNC | const.O_CLOEXEC
    assert c.last == ("open", (b"x", wanted, 0o600))
    k.sys.open(path="x", flags=rump.O_SHLOCK | os.O_SYNC)
    assert c.last[1][1] == const.O_SHLOCK | const.O_SYNC
    with pytest.raises(rump.RumpError, match="no such flags") as caught:
        k.sys.open("x", 1 << 60)
    assert caught.value.name == "EINVAL"
    assert caught.value.filename == "x"


@pytest.mark.parametrize("data", [b"abcd", bytearray(b"abcd"), memoryview(b"abcd"), memoryview(b"aXbXcXdX")[::2]])
def test_buffers(data: Any) -> None:
    k, c = fake({"write": 4, "pwrite": 4})
    assert k.sys.write(3, data) == 4
    assert bytes(c.last[1][1]) == b"abcd"
    assert k.sys.pwrite(3, data, 9) == 4
    assert c.last[1][2] == 9


def test_a_buffer_of_numbers_counts_bytes() -> None:
    k, c = fake({"write": 8})
    assert k.sys.write(3, memoryview(array.array("i", [1, 2]))) == 8
    assert len(c.last[1][1]) == 8


def test_text_is_no_buffer() -> None:
    with pytest.raises(TypeError):
        fake()[0].sys.write(3, "text")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "seconds", "nanoseconds"),
    [(1.5, 1, 500_000_000), (2, 2, 0), (0.0, 0, 0), (-0.25, -1, 750_000_000), (rump.Timespec(3, 4), 3, 4)],
)
def test_times(given: Any, seconds: int, nanoseconds: int) -> None:
    k, c = fake()
    k.sys.nanosleep(given)
    assert c.last[1] == (rump.Timespec(seconds, nanoseconds),)


@pytest.mark.parametrize("given", [float("nan"), float("inf")])
def test_times_that_are_none(given: float) -> None:
    with pytest.raises(OSError, match="not a time"):
        fake()[0].sys.nanosleep(given)


def test_sockets_and_clocks_by_the_hosts_numbers() -> None:
    k, c = fake({"getsockopt": values.SockoptInteger(0)})
    k.sys.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    assert c.last[1] == (const.AF_INET6, const.SOCK_DGRAM | const.SOCK_NONBLOCK, 0)
    k.sys.setsockopt(3, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    assert c.last[1] == (3, const.SOL_SOCKET, const.SO_REUSEADDR, values.SockoptInteger(1))
    k.sys.setsockopt(3, socket.IPPROTO_IP, socket.IP_TTL, 9)
    assert c.last[1] == (3, const.IPPROTO_IP, const.IP_TTL, values.SockoptInteger(9))
    k.sys.setsockopt(3, socket.SOL_SOCKET, socket.SO_RCVTIMEO, 0.5)
    assert c.last[1][3] == rump.Timespec(0, 500_000_000)
    k.sys.sendto(3, b"x", socket.MSG_DONTWAIT, ("1.2.3.4", 5))
    assert c.last[1] == (3, b"x", const.MSG_DONTWAIT, rump.SockaddrIn(b"\1\2\3\4", 5))
    k.sys.clock_gettime(time.CLOCK_MONOTONIC)
    assert c.last[1] == (const.CLOCK_MONOTONIC,)


def test_socket_errors_come_back_as_the_hosts() -> None:
    k, _ = fake({"getsockopt": values.SockoptInteger(int(Errno.ECONNREFUSED))})
    value = k.sys.getsockopt(3, socket.SOL_SOCKET, socket.SO_ERROR)
    import errno

    assert value == values.SockoptInteger(errno.ECONNREFUSED)
    assert k.sys.getsockopt(3, socket.SOL_SOCKET, socket.SO_RCVBUF) == values.SockoptInteger(int(Errno.ECONNREFUSED))


def test_fcntl_both_ways() -> None:
    k, c = fake({"fcntl": values.FcntlResult(const.O_RDWR | const.O_NONBLOCK | const.O_APPEND)})
    assert k.sys.fcntl(3, fcntl.F_GETFL).value == os.O_RDWR | os.O_NONBLOCK | os.O_APPEND
    k.sys.fcntl(3, fcntl.F_SETFL, os.O_NONBLOCK)
    assert c.last[1] == (3, const.F_SETFL, const.O_NONBLOCK, None)
    k.sys.fcntl(3, fcntl.F_DUPFD_CLOEXEC, 10)
    assert c.last[1] == (3, const.F_DUPFD_CLOEXEC, 10, None)
    c.answers["fcntl"] = values.FcntlResult(0, rump.Flock(l_type=const.F_WRLCK, l_pid=4))
    found = k.sys.fcntl(3, fcntl.F_GETLK, None, rump.Flock(l_type=fcntl.F_RDLCK))
    assert c.last[1][3] == rump.Flock(l_type=const.F_RDLCK)
    assert found.lock == rump.Flock(l_type=fcntl.F_WRLCK, l_pid=4)


def test_limits() -> None:
    k, c = fake({"getrlimit": rump.Rlimit(64, const.RLIM_INFINITY)})
    assert k.sys.getrlimit(resource.RLIMIT_NOFILE) == (64, resource.RLIM_INFINITY)
    assert c.last[1] == (const.RLIMIT_NOFILE,)
    k.sys.setrlimit(resource.RLIMIT_NOFILE, (1, resource.RLIM_INFINITY))
    assert c.last[1][1] == rump.Rlimit(1, const.RLIM_INFINITY)


def test_poll_takes_pairs() -> None:
    k, c = fake({"poll": values.PollResult(1, [rump.Pollfd(3, 1, const.POLLIN | const.POLLHUP)])})
    import select

    found = k.sys.poll([(3, select.POLLIN | select.POLLWRNORM)], 10)
    assert c.last[1] == ([rump.Pollfd(3, const.POLLIN | const.POLLOUT)], 10)
    assert found.fds[0].revents & (select.POLLIN | select.POLLHUP) == select.POLLIN | select.POLLHUP


def test_long_reads_and_writes_go_in_pieces() -> None:
    data = os.urandom(3 << 20)
    k, c = fake(
        {
            "fstat": rump.Stat(st_mode=const.S_IFREG),
            "pread": lambda fd, n, at: data[at : at + n],
            "pwrite": lambda fd, piece, at: len(piece),
        }
    )
    assert k.sys.pread(3, 10 << 20, 0) == data
    assert max(args[1] for name, args in c.asked if name == "pread") <= 1 << 20
    assert k.sys.pwrite(3, data, 5) == len(data)
    assert [args[2] for name, args in c.asked if name == "pwrite"] == [5, 5 + (1 << 20), 5 + (2 << 20)]


def test_a_long_read_of_what_is_no_file_does_not_wait_for_more() -> None:
    k, c = fake({"fstat": rump.Stat(st_mode=const.S_IFIFO), "read": lambda fd, n: b"x" * n})
    assert len(k.sys.read(3, 10 << 20)) == 1 << 20
    assert [name for name, _ in c.asked] == ["fstat", "read"]


def test_a_long_write_that_is_cut_short_tells_how_much_was_taken() -> None:
    from tests.unit.sdk.fakes import failing

    sizes = iter([1 << 20, 1000])
    k, c = fake({"write": lambda fd, piece: next(sizes)})
    assert k.sys.write(3, bytes(4 << 20)) == (1 << 20) + 1000
    c.answers["write"] = failing(Errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        k.sys.write(3, bytes(4 << 20))


def test_mount_keywords() -> None:
    k, c = fake()
    k.sys.mount("ext2fs", "/mnt", device="/dev/d", readonly=True, noatime=True)
    assert c.last[1] == ("ext2fs", b"/mnt", const.MNT_RDONLY | const.MNT_NOATIME, rump.DiskArgs(b"/dev/d"))
    k.sys.mount("tmpfs", "/tmp", size_max=100)
    assert c.last[1] == ("tmpfs", b"/tmp", 0, rump.TmpfsArgs(size_max=100))
    k.sys.mount("nfs", "/n", device="h:/x", proto="udp")
    assert c.last[1][3] == rump.OptionArgs(b"h:/x", {"proto": "udp"})
    k.sys.mount("tmpfs", "/tmp", const.MNT_RDONLY, readonly=False)
    assert c.last[1] == ("tmpfs", b"/tmp", 0, None)


def test_modules() -> None:
    k, c = fake({"modctl": [rump.ModuleStat("a")]})
    k.sys.modctl_load("/modules/x.whl")
    assert c.last[1] == (const.MODCTL_LOAD, rump.ModctlLoad("/modules/x.whl"), None, None)
    k.sys.modctl_unload("x")
    assert c.last[1] == (const.MODCTL_UNLOAD, None, "x", None)
    assert k.modules.list() == [rump.ModuleStat("a")]
    k.pub.module_init("ext2fs")
    assert c.last[1] == (["ext2fs"],)
    k.pub.module_init(["a", "b"])
    assert c.last[1] == (["a", "b"],)


def test_etfs_paths_are_made_absolute_where_both_sides_see_the_same_files() -> None:
    k, c = fake()
    k.pub.etfs_register("/dev/d", "disk.img", type="blk")
    assert c.last[1] == (b"/dev/d", os.path.abspath(b"disk.img"), const.RUMP_ETFS_BLK)
    k, c = fake(same_host=False)
    k.pub.etfs_register_withsize("/dev/d", "disk.img", "chr", 512)
    assert c.last[1] == (b"/dev/d", b"disk.img", const.RUMP_ETFS_CHR, 512, None)
    with pytest.raises(OSError, match="no type"):
        k.pub.etfs_register("/d", "x", "floppy")


def test_names_in_c() -> None:
    import rump.syscalls as c_names

    k, c = fake({"open": 5, "getcwd": b"/"})
    rump.set_default(k)
    try:
        assert c_names.rump_sys_open("/x", os.O_CREAT, 0o644) == 5
        assert c.last[1] == (b"/x", const.O_CREAT, 0o644)
        assert c_names.rump_sys___getcwd() == b"/"
        assert c_names.rump_sys_getcwd is c_names.rump_sys___getcwd
        c_names.rump_pub_etfs_remove("/dev/d")
        assert c.last == ("etfs_remove", (b"/dev/d",))
    finally:
        rump.set_default(None)
    assert {f"rump_{'pub' if op.pub else 'sys'}_{op.cname}" for op in PUBLIC} <= set(c_names.__all__)


def test_without_a_server_there_is_no_default_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUMP_SERVER", raising=False)
    rump.set_default(None)
    with pytest.raises(FileNotFoundError, match="RUMP_SERVER is not set"):
        rump.default()


def test_the_surface() -> None:
    for name in rump.__all__:
        assert getattr(rump, name) is not None
    assert rump.AF_INET6 == socket.AF_INET6
    assert rump.SOCK_STREAM == socket.SOCK_STREAM
