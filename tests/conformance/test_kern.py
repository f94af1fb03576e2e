"""kern: identities, pipes, clocks, sysctl, over all placements."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code


def test_a_guest_is_root_and_child_of_init(k: Any) -> None:
    assert k.sys.getppid() == 1
    assert k.sys.getpid() > 1
    assert (k.sys.getuid(), k.sys.geteuid(), k.sys.getgid(), k.sys.getegid()) == (0, 0, 0, 0)


def test_setuid_is_for_ever(connect: Any) -> None:
    k = connect()
    k.sys.setgid(100)
    k.sys.setgroups([100, 200])
    k.sys.setuid(1000)
    assert (k.sys.getuid(), k.sys.geteuid(), k.sys.getegid()) == (1000, 1000, 100)
    assert k.sys.getgroups(16).gidset == [100, 200]
    assert code(k.sys.setuid, 0) == "EPERM"
    assert code(k.sys.setgroups, [0]) == "EPERM"
    assert code(k.sys.chroot, "/tmp") == "EPERM"
    assert code(k.sys.mount, "tmpfs", "/tmp") == "EPERM"
    assert code(k.pub.module_init, "ext2fs") == "EPERM"


def test_seteuid_can_be_taken_back(connect: Any) -> None:
    k = connect()
    k.sys.seteuid(500)
    assert (k.sys.getuid(), k.sys.geteuid()) == (0, 500)
    k.sys.seteuid(0)
    assert (k.sys.getuid(), k.sys.geteuid()) == (0, 0)


def test_one_process_does_not_change_another(connect: Any) -> None:
    one, two = connect(), connect()
    one.sys.setuid(7)
    one.sys.umask(0o077)
    one.sys.chdir("/tmp")
    assert two.sys.geteuid() == 0
    assert two.sys.umask(0o022) == 0o022
    assert two.sys.getcwd() == b"/"


def test_pipe_end_of_file_and_epipe(k: Any) -> None:
    r, w = k.sys.pipe()
    assert k.sys.write(w, b"abc") == 3
    assert k.sys.read(r, 10) == b"abc"
    k.sys.close(w)
    assert k.sys.read(r, 10) == b""
    r, w = k.sys.pipe2(os.O_NONBLOCK)
    assert code(k.sys.read, r, 1) == "EAGAIN"
    k.sys.close(r)
    assert code(k.sys.write, w, b"x") == "EPIPE"


def test_a_read_waits_for_a_write(k: Any) -> None:
    r, w = k.sys.pipe()
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(k.sys.read(r, 100)))
    reader.start()
    k.sys.getpid()
    assert not got
    k.sys.write(w, b"woken")
    reader.join(10)
    assert got == [b"woken"]


def test_much_data_through_a_pipe(k: Any) -> None:
    r, w = k.sys.pipe()
    data = os.urandom(1 << 20)
    sent: list[int] = []

    def send() -> None:
        rest = data
        while rest:
            n = k.sys.write(w, rest)
            sent.append(n)
            rest = rest[n:]
        k.sys.close(w)

    writer = threading.Thread(target=send)
    writer.start()
    received = b""
    while piece := k.sys.read(r, 70000):
        received += piece
    writer.join(10)
    assert received == data


def test_closing_ends_a_waiting_read_of_the_other_side(k: Any) -> None:
    r, w = k.sys.pipe()
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(k.sys.read(r, 100)))
    reader.start()
    k.sys.close(w)
    reader.join(10)
    assert got == [b""]


def test_clocks(k: Any) -> None:
    wall = k.sys.clock_gettime(rump.CLOCK_REALTIME)
    assert abs(wall.tv_sec - time.time()) < 5
    first = k.sys.clock_gettime(rump.CLOCK_MONOTONIC)
    k.sys.nanosleep(0.02)
    second = k.sys.clock_gettime(rump.CLOCK_MONOTONIC)
    passed = (second.tv_sec - first.tv_sec) * 10**9 + second.tv_nsec - first.tv_nsec
    assert passed >= 20_000_000
    assert code(k.sys.clock_gettime, 999) == "EINVAL"


def test_sysctl_read_write_and_old_value(k: Any) -> None:
    old = k.sysctl("kern.hostname")
    assert k.sysctl("kern.hostname", "anvil") == old
    assert k.sysctl("kern.hostname") == "anvil"
    assert k.sysctl("kern.hostname", old) == "anvil"
    assert isinstance(k.sysctl("hw.ncpu"), int)
    assert k.sysctl("security.models.suser.name")


def test_sysctl_by_number_and_query(k: Any) -> None:
    by_number = k.sys.sysctl(name=[1, 10]).oldv
    assert by_number.text == k.sysctl("kern.hostname")
    names = {node.name for node in k.sys.sysctl(name=[rump.CTL_QUERY]).nodes}
    assert {"kern", "hw", "vfs", "security"} <= names
    kern = {node.name: node.number for node in k.sys.sysctl(name=[1, rump.CTL_QUERY]).nodes}
    assert (kern["ostype"], kern["osrelease"], kern["hostname"]) == (1, 2, 10)


def test_sysctl_refusals(k: Any, connect: Any) -> None:
    assert code(k.sysctl, "kern.nothing") == "ENOENT"
    assert code(k.sysctl, "kern.ostype", "Linux") == "EPERM"
    assert code(k.sysctl, "kern.hostname", 5) == "EINVAL"
    user = connect()
    user.sys.setuid(10)
    assert code(user.sysctl, "kern.hostname", "mine") == "EPERM"


def test_file_systems_are_listed(k: Any) -> None:
    assert "tmpfs" in k.sysctl("vfs.generic.fstypes").split()


@pytest.mark.parametrize("count", [0, 1, 100])
def test_getgroups_bounds(connect: Any, count: int) -> None:
    k = connect()
    k.sys.setgroups([1, 2, 3])
    if count == 1:
        assert code(k.sys.getgroups, count) == "EINVAL"
    else:
        assert k.sys.getgroups(count).ngroups == 3
