"""Mounts: types, devices, busy and forced, read-only, statistics, and the end of the component."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rumpuser.component import Context
from rumpvfs.core.vnode import Environment, FileSystem, FileSystemType, MountRequest
from rumpvfs.fs.tmpfs.module import MODULE
from rumpvfs.fs.tmpfs.tmpfs import Tmpfs
from rumpwire import const
from rumpwire.const import AT_FDCWD
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskArgs, OptionArgs, SysctlValueInteger, SysctlValueText, TmpfsArgs
from tests.unit.vfs.kit import FakeDev, Kit, MemoryFiles, fails

MAGIC = b"TESTDISK"


class DiskFs(Tmpfs):
    """A file system that wants a disk with the right first bytes."""

    def __init__(self, request: MountRequest, env: Environment) -> None:
        super().__init__(env, TmpfsArgs())
        self.request = request
        self.ended: list[str] = []

    def sync(self) -> None:
        self.ended.append("sync")

    def unmount(self, *, force: bool) -> None:
        self.ended.append("unmount")
        super().unmount(force=force)


mounted: list[DiskFs] = []


def mount_disk(request: MountRequest, env: Environment) -> FileSystem:
    assert request.device is not None
    if bytes(request.device.view(0, 8)) != MAGIC:
        raise KernelError(Errno.EINVAL, "bad magic")
    mounted.append(DiskFs(request, env))
    return mounted[-1]


DISKFS = FileSystemType("diskfs", mount_disk)


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles(disk=MAGIC + bytes(1016), bad=bytes(1024), md0=MAGIC + bytes(4088))


@pytest.fixture
def k(files: MemoryFiles) -> Kit:
    kit = Kit(files)
    kit.component.add_filesystem(DISKFS)
    kit.etfs_register(b"/dev/disk", b"disk", const.RUMP_ETFS_BLK)
    kit.etfs_register(b"/dev/bad", b"bad", const.RUMP_ETFS_BLK)
    kit.etfs_register(b"/dev/reg", b"disk", const.RUMP_ETFS_REG)
    kit.mkdir(b"/mnt", 0o755)
    mounted.clear()
    return kit


def test_types(k: Kit) -> None:
    assert k.sysctl_value("vfs.generic.fstypes", None) == SysctlValueText("diskfs tmpfs")
    with fails(Errno.EEXIST):
        k.component.add_filesystem(DISKFS)
    k.mount("diskfs", b"/mnt", 0, DiskArgs(b"/dev/disk"))
    with fails(Errno.EBUSY):
        k.component.remove_filesystem("diskfs")
    k.unmount(b"/mnt", 0)
    k.component.remove_filesystem("diskfs")
    with fails(Errno.ENOENT):
        k.component.remove_filesystem("diskfs")
    with fails(Errno.ENODEV):
        k.mount("diskfs", b"/mnt", 0, DiskArgs(b"/dev/disk"))
    with fails(Errno.EEXIST):
        MODULE.init(k.component, {})
    with fails(Errno.EBUSY):
        MODULE.fini(k.component)


def test_sysctl(k: Kit) -> None:
    names = [node.path for node in k.sysctl_export()]
    assert {"vfs.generic.fstypes", "kern.maxvnodes"} <= set(names)
    for name in names:
        k.sysctl_value(name, None)
    assert k.sysctl_value("kern.maxvnodes", SysctlValueInteger(50)) == SysctlValueInteger(1024)
    assert k.sysctl_value("kern.maxvnodes", None) == SysctlValueInteger(50)
    for name, new, errno in [
        ("vfs.generic.fstypes", SysctlValueText("x"), Errno.EPERM),
        ("kern.maxvnodes", SysctlValueInteger(0), Errno.EINVAL),
        ("kern.maxvnodes", SysctlValueText("1"), Errno.EINVAL),
        ("vfs.none", None, Errno.ENOENT),
    ]:
        with fails(errno):
            k.sysctl_value(name, new)


@pytest.mark.parametrize(
    ("kind", "path", "flags", "args", "errno"),
    [
        ("none", b"/mnt", 0, None, Errno.ENODEV),
        ("diskfs", b"/none", 0, DiskArgs(b"/dev/disk"), Errno.ENOENT),
        ("diskfs", b"/dev/null", 0, DiskArgs(b"/dev/disk"), Errno.ENOTDIR),
        ("diskfs", b"/", 0, DiskArgs(b"/dev/disk"), Errno.EBUSY),
        ("diskfs", b"/mnt", 0, None, Errno.EINVAL),
        ("diskfs", b"/mnt", 0, DiskArgs(b""), Errno.EINVAL),
        ("diskfs", b"/mnt", 0, DiskArgs(b"/none"), Errno.ENOENT),
        ("diskfs", b"/mnt", 0, DiskArgs(b"/dev/reg"), Errno.ENOTBLK),
        ("diskfs", b"/mnt", 0, DiskArgs(b"/dev/null"), Errno.ENOTBLK),
        ("diskfs", b"/mnt", 0, DiskArgs(b"/dev/bad"), Errno.EINVAL),
        ("diskfs", b"/mnt", 0, DiskArgs(b"/dev/md0d"), Errno.ENXIO),
        ("tmpfs", b"/mnt", 0, DiskArgs(b"/dev/disk"), Errno.EINVAL),
        ("tmpfs", b"/mnt", const.MNT_UPDATE, None, Errno.EINVAL),
        ("tmpfs", b"/mnt", const.MNT_GETARGS, None, Errno.EINVAL),
        ("tmpfs", b"/", const.MNT_GETARGS | const.MNT_RDONLY, None, Errno.EINVAL),
        ("tmpfs", b"/", const.MNT_UPDATE | const.MNT_RELOAD, None, Errno.EOPNOTSUPP),
    ],
)
def test_mount_refused(k: Kit, kind: str, path: bytes, flags: int, args: object, errno: Errno) -> None:
    with fails(errno):
        k.mount(kind, path, flags, args)
    assert len(k.getvfsstat(0)) == 1
    k.mount("diskfs", b"/mnt", 0, DiskArgs(b"/dev/disk"))
    k.unmount(b"/mnt", 0)


def test_a_disk_is_mounted_once(k: Kit) -> None:
    k.mount("diskfs", b"/mnt", const.MNT_RDONLY, OptionArgs(b"/dev/disk", {"o": "1"}))
    request = mounted[0].request
    assert (request.readonly, request.options) == (True, {"o": "1"})
    assert request.device is not None
    assert (request.device.size, request.device.readonly, request.device.name) == (1024, True, "/dev/disk")
    with fails(Errno.EBUSY):
        k.mount("diskfs", b"/tmp", 0, DiskArgs(b"/dev/disk"))
    with fails(Errno.EBUSY):
        k.etfs_remove(b"/dev/disk")
    with pytest.raises(KernelError):
        request.device.view(1020, 8)
    with fails(Errno.EROFS):
        request.device.write(0, b"x")
    k.unmount(b"/mnt", 0)
    k.etfs_remove(b"/dev/disk")


def test_a_memory_disk_is_mapped(k: Kit, files: MemoryFiles) -> None:
    k.bus.peers["dev"] = FakeDev()
    k.mount("diskfs", b"/mnt", 0, DiskArgs(b"/dev/md0d"))
    device = mounted[0].request.device
    assert device is not None
    device.write(8, b"written")
    device.flush()
    assert files.files[b"md0"][8:15] == b"written"
    k.unmount(b"/mnt", 0)
    assert files.opened[-1].closed
    assert files.opened[-1].syncs


def test_mounts_cover_and_are_left(k: Kit) -> None:
    k.put(b"/mnt/below")
    k.mount("tmpfs", b"/mnt", 0, TmpfsArgs(root_mode=0o700, root_uid=5))
    assert k.ls(b"/mnt") == [b".", b".."]
    k.mkdir(b"/mnt/d", 0o755)
    root = k.attributes(b"/mnt")
    assert (root.st_mode & 0o777, root.st_uid) == (0o700, 5)
    assert root.st_dev != k.stat(b"/").st_dev
    assert k.stat(b"/mnt/d/../..") == k.stat(b"/")
    with k.as_(Context(cwd=k.dir_hold(AT_FDCWD, b"/mnt/d"))):
        assert k.getcwd(100) == b"/mnt/d"
    for call in (k.rmdir, lambda p: k.rename(p, b"/x"), lambda p: k.rename(b"/tmp", p)):
        with fails(Errno.EBUSY):
            call(b"/mnt")
    for call in (lambda: k.rename(b"/mnt/d", b"/d"), lambda: k.rename(b"/tmp", b"/mnt/tmp")):
        with fails(Errno.EXDEV):
            call()
    k.put(b"/mnt/f")
    with fails(Errno.EXDEV):
        k.link(b"/mnt/f", b"/f")


def test_statistics(k: Kit) -> None:
    k.mount("tmpfs", b"/mnt", 0, TmpfsArgs(size_max=1 << 20, nodes_max=10))
    k.put(b"/mnt/f", bytes(100000))
    one = k.statvfs1(b"/mnt/f", 0)
    assert (one.f_blocks, one.f_files, one.f_ffree) == (256, 10, 8)
    assert one.f_bfree == 256 - 32  # two chunks
    assert (one.f_fstypename, one.f_mntonname, one.f_mntfromname) == ("tmpfs", b"/mnt", b"tmpfs")
    assert one.f_fsid == k.stat(b"/mnt").st_dev
    fd = k.open(b"/mnt/f", 0, None)
    assert k.fstatvfs1(fd, 0) == one
    assert [s.f_mntonname for s in k.getvfsstat(0)] == [b"/", b"/mnt"]
    with fails(Errno.ENOSPC):
        k.put(b"/mnt/g", bytes(1 << 20))
    with fails(Errno.ENOSPC):
        for i in range(10):
            k.mkdir(b"/mnt/%d" % i, 0o755)


def test_what_is_seen_in_a_root_directory_of_ones_own(k: Kit) -> None:
    for path in (b"/mnt/a", b"/mnt/b", b"/mnt/a/c"):
        k.mkdir(path, 0o755)
    for path in (b"/mnt/a", b"/mnt/b"):
        k.mount("tmpfs", path, 0, None)
    k.mkdir(b"/mnt/a/c", 0o755)
    k.mount("tmpfs", b"/mnt/a/c", 0, None)
    for root, seen in ((b"/mnt/a", [b"/", b"/c"]), (b"/mnt", [b"/a", b"/b", b"/a/c"]), (b"/tmp", [])):
        with k.as_(Context(root=k.dir_hold(AT_FDCWD, root))):
            assert [stat.f_mntonname for stat in k.getvfsstat(0)] == seen


def holding_a_file(k: Kit) -> Callable[[], None]:
    fd = k.open(b"/mnt/f", const.O_CREAT, 0o600)
    return lambda: k.close(fd)


def holding_a_directory(k: Kit) -> Callable[[], None]:
    held = k.dir_hold(AT_FDCWD, b"/mnt")
    return lambda: k.dir_release(held)


def holding_a_mount(k: Kit) -> Callable[[], None]:
    k.mkdir(b"/mnt/m", 0o755)
    k.mount("tmpfs", b"/mnt/m", 0, None)
    return lambda: k.unmount(b"/mnt/m", 0)


@pytest.mark.parametrize("hold", [holding_a_file, holding_a_directory, holding_a_mount])
def test_busy(k: Kit, hold: Callable[[Kit], Callable[[], None]]) -> None:
    k.mount("tmpfs", b"/mnt", 0, None)
    release = hold(k)
    with fails(Errno.EBUSY):
        k.unmount(b"/mnt", 0)
    release()
    k.unmount(b"/mnt", 0)
    with fails(Errno.EINVAL):
        k.unmount(b"/mnt", 0)


def test_the_root_stays(k: Kit) -> None:
    with fails(Errno.EBUSY):
        k.unmount(b"/", const.MNT_FORCE)


def test_forced(k: Kit) -> None:
    used = k.vfs.environment.used
    k.mount("tmpfs", b"/mnt", 0, None)
    fd = k.open(b"/mnt/f", const.O_CREAT | const.O_RDWR, 0o600)
    k.write(fd, bytes(1 << 20))
    cwd = k.dir_hold(AT_FDCWD, b"/mnt")
    k.unmount(b"/mnt", const.MNT_FORCE)
    for call in (lambda: k.write(fd, b"x"), lambda: k.pread(fd, 1, 0), lambda: k.fstat(fd), lambda: k.fsync(fd)):
        with fails(Errno.EIO):
            call()
    with k.as_(Context(cwd=cwd)), fails(Errno.EIO):
        k.stat(b"x")
    k.close(fd)
    k.dir_release(cwd)
    assert k.ls(b"/mnt") == [b".", b".."]
    assert k.vfs.environment.used == used


def test_readonly(k: Kit) -> None:
    k.mount("tmpfs", b"/mnt", 0, None)
    k.put(b"/mnt/f", b"x")
    fd = k.open(b"/mnt/f", const.O_RDONLY, None)
    k.mount("tmpfs", b"/mnt", const.MNT_UPDATE | const.MNT_RDONLY, None)
    for call in (
        lambda: k.open(b"/mnt/f", const.O_WRONLY, None),
        lambda: k.open(b"/mnt/g", const.O_CREAT, 0),
        lambda: k.mkdir(b"/mnt/d", 0),
        lambda: k.unlink(b"/mnt/f"),
        lambda: k.rename(b"/mnt/f", b"/mnt/g"),
        lambda: k.link(b"/mnt/f", b"/mnt/g"),
        lambda: k.chmod(b"/mnt/f", 0),
        lambda: k.chown(b"/mnt/f", 1, 1),
        lambda: k.utimes(b"/mnt/f", None, None),
        lambda: k.access(b"/mnt/f", const.W_OK),
        lambda: k.setxattr(b"/mnt/f", b"user.a", b"", 0),
    ):
        with fails(Errno.EROFS):
            call()
    assert k.get(b"/mnt/f") == b"x"
    k.close(fd)
    k.mount("tmpfs", b"/mnt", const.MNT_UPDATE, None)
    k.put(b"/mnt/f", b"y")
    assert k.get(b"/mnt/f") == b"y"


def test_reading_modules_out_of_files(k: Kit) -> None:
    k.put(b"/f", b"0123456789")
    data, size = k.file_read(b"/f", 3, 4)
    assert (bytes(data), size) == (b"3456", 10)
    with fails(Errno.EISDIR):
        k.file_read(b"/tmp", 0, 1)
    with fails(Errno.EINVAL):
        k.file_read(b"/dev/null", 0, 1)


def test_the_end(k: Kit, files: MemoryFiles) -> None:
    k.mount("diskfs", b"/mnt", 0, DiskArgs(b"/dev/disk"))
    k.open(b"/mnt/f", const.O_CREAT, 0o600)
    k.sync()
    k.component.stop()
    assert mounted[0].ended == ["sync", "sync", "unmount"]
    assert all(file.closed for file in files.opened)
