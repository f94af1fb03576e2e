"""Periodic write-back, with the clock turned by hand; and what reaches a driver of sync, fsync and remount."""

from __future__ import annotations

import pytest

from rumpvfs.core.vnode import FileSystem, FileSystemType
from rumpvfs.fs.tmpfs.nodes import Directory, File
from rumpvfs.fs.tmpfs.tmpfs import Tmpfs
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import SysctlValueInteger, TmpfsArgs
from tests.unit.vfs.kit import Kit, fails


class Keeping(Tmpfs):
    """A file system that counts how often it is written out."""

    syncs = 0
    failing = False

    def sync(self) -> None:
        if self.failing:
            raise KernelError(Errno.EIO, "the disk is gone")
        self.syncs += 1


@pytest.fixture
def made() -> list[Keeping]:
    return []


@pytest.fixture
def k(made: list[Keeping]) -> Kit:
    kit = Kit()

    def mount(request: object, env: object) -> FileSystem:
        made.append(Keeping(kit.vfs.environment, TmpfsArgs()))
        return made[-1]

    kit.component.add_filesystem(FileSystemType("keeping", mount, needs_device=False))
    kit.mkdir(b"/mnt", 0o755)
    kit.mount("keeping", b"/mnt", 0, None)
    return kit


def test_thirty_seconds_after_a_change(k: Kit, made: list[Keeping]) -> None:
    k.host.advance(100)
    assert made[0].syncs == 0
    k.put(b"/mnt/f", b"x")
    k.host.advance(15)
    k.put(b"/mnt/f", b"y")
    k.host.advance(14.9)
    assert made[0].syncs == 0
    k.host.advance(0.2)
    assert made[0].syncs == 1
    k.host.advance(1000)
    assert made[0].syncs == 1
    k.chmod(b"/mnt/f", 0o600)
    k.sync()
    assert made[0].syncs == 2
    k.host.advance(31)
    assert made[0].syncs == 2


def test_changes_of_every_kind_count(k: Kit, made: list[Keeping]) -> None:
    k.mkdir(b"/mnt/d", 0o755)
    fd = k.open(b"/mnt/f", const.O_CREAT | const.O_RDWR, 0o644)
    changes = [
        lambda: k.write(fd, b"x"),
        lambda: k.ftruncate(fd, 0),
        lambda: k.fchmod(fd, 0o600),
        lambda: k.chown(b"/mnt/f", 1, 1),
        lambda: k.utimes(b"/mnt/f", None, None),
        lambda: k.setxattr(b"/mnt/f", b"user.a", b"1", 0),
        lambda: k.posix_fallocate(fd, 0, 10),
        lambda: k.link(b"/mnt/f", b"/mnt/g"),
        lambda: k.rename(b"/mnt/g", b"/mnt/h"),
        lambda: k.symlink(b"x", b"/mnt/s"),
        lambda: k.unlink(b"/mnt/h"),
        lambda: k.rmdir(b"/mnt/d"),
        lambda: k.close(fd),
    ]
    for change in changes:
        k.host.advance(31)
        before = made[0].syncs
        change()
        k.host.advance(31)
        assert made[0].syncs == before + 1


def test_delay_is_a_sysctl(k: Kit, made: list[Keeping]) -> None:
    assert k.sysctl_value("vfs.sync.delay", SysctlValueInteger(5)) == SysctlValueInteger(30)
    k.put(b"/mnt/f", b"x")
    k.host.advance(5)
    assert made[0].syncs == 1
    with fails(Errno.EINVAL):
        k.sysctl_value("vfs.sync.delay", SysctlValueInteger(0))


def test_a_failure_is_told_and_tried_again(k: Kit, made: list[Keeping]) -> None:
    made[0].failing = True
    k.put(b"/mnt/f", b"x")
    k.host.advance(31)
    k.host.advance(31)
    assert sum("/mnt" in line and "disk is gone" in line for line in k.vfs.environment.lines) == 2
    made[0].failing = False
    k.host.advance(31)
    assert made[0].syncs == 1
    k.host.advance(31)
    assert made[0].syncs == 1


def test_an_unmounted_file_system_is_left_alone(k: Kit, made: list[Keeping]) -> None:
    k.put(b"/mnt/f", b"x")
    k.unmount(b"/mnt", 0)
    assert made[0].syncs == 1
    k.host.advance(100)
    assert made[0].syncs == 1
    k.mount("keeping", b"/mnt", 0, None)
    k.put(b"/mnt/f", b"x")
    k.component.stop()
    assert made[1].syncs == 1
    k.host.advance(100)
    assert made[1].syncs == 1


def test_synchronous_mounts(k: Kit, made: list[Keeping], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []
    monkeypatch.setattr(File, "fsync", lambda self, *, data_only: calls.append(data_only))
    k.mount("keeping", b"/mnt", const.MNT_UPDATE | const.MNT_SYNCHRONOUS, None)
    k.put(b"/mnt/f", b"x")
    assert calls == [True]
    assert made[0].syncs == 1  # the name, before open returned
    k.host.advance(0)
    assert made[0].syncs == 2  # what else the file system keeps of the written file
    for change in (lambda: k.chmod(b"/mnt/f", 0o600), lambda: k.unlink(b"/mnt/f")):
        before = made[0].syncs
        change()
        assert made[0].syncs == before + 1
    assert k.statvfs1(b"/mnt", 0).f_flag & const.MNT_SYNCHRONOUS


def test_sync_calls_reach_the_driver(k: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []
    monkeypatch.setattr(File, "fsync", lambda self, *, data_only: calls.append(data_only))
    fd = k.open(b"/mnt/f", const.O_CREAT | const.O_RDWR, 0o644)
    k.fsync(fd)
    k.fdatasync(fd)
    k.fsync_range(fd, const.FDATASYNC, 0, 0)
    k.fsync_range(fd, const.FFILESYNC | const.FDISKSYNC, 5, 10)
    assert calls == [False, True, True, False]
    for flags in (0, const.FDATASYNC | const.FFILESYNC, const.FDISKSYNC):
        with fails(Errno.EINVAL):
            k.fsync_range(fd, flags, 0, 0)


def test_read_only_while_files_are_open(k: Kit) -> None:
    readonly = const.MNT_UPDATE | const.MNT_RDONLY
    k.put(b"/mnt/f", b"x")
    reader = k.open(b"/mnt/f", const.O_RDONLY, None)
    k.mount("keeping", b"/mnt", readonly, None)
    k.mount("keeping", b"/mnt", const.MNT_UPDATE, None)
    writer = k.open(b"/mnt/f", const.O_RDWR, None)
    with fails(Errno.EBUSY):
        k.mount("keeping", b"/mnt", readonly, None)
    k.write(writer, b"y")
    k.close(writer)
    k.unlink(b"/mnt/f")
    with fails(Errno.EBUSY):  # the reader's file goes when it is closed
        k.mount("keeping", b"/mnt", readonly, None)
    k.close(reader)
    k.mount("keeping", b"/mnt", readonly, None)
    assert k.statvfs1(b"/mnt", 0).f_flag & const.MNT_RDONLY


def test_read_only_by_force(k: Kit, made: list[Keeping]) -> None:
    writer = k.open(b"/mnt/f", const.O_CREAT | const.O_RDWR, 0o644)
    k.mount("keeping", b"/mnt", const.MNT_UPDATE | const.MNT_RDONLY | const.MNT_FORCE, None)
    with fails(Errno.EIO):
        k.write(writer, b"x")
    k.close(writer)
    assert k.get(b"/mnt/f") == b""


def test_times_of_access(k: Kit) -> None:
    k.put(b"/mnt/f", b"x")
    for flags, moves in ((0, True), (const.MNT_NOATIME, False), (const.MNT_RDONLY, False)):
        k.mount("keeping", b"/mnt", const.MNT_UPDATE | flags, None)
        before = k.attributes(b"/mnt/f").st_atime_ns
        k.host.advance(5)
        k.get(b"/mnt/f")
        assert (k.attributes(b"/mnt/f").st_atime_ns > before) is moves
    assert isinstance(k.vfs.names.lookup(k.ctx, b"/mnt"), Directory)
