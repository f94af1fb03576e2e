"""newfs over the contract, with a file system that is little more than its first bytes."""

from __future__ import annotations

from typing import Any

import pytest

from rumpuser.component import Component, Context, Entry
from rumpvfs.core.vnode import Environment, FileSystem, FileSystemType, MountRequest, NewfsRequest
from rumpvfs.fs.tmpfs.tmpfs import Tmpfs
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskArgs, ModctlLoad, TmpfsArgs
from tests.unit.vfs.kit import FakeDev, Kit, MemoryFiles, fails, user

MAGIC = b"MADE"


def mount_made(request: MountRequest, env: Environment) -> FileSystem:
    assert request.device is not None
    if bytes(request.device.view(0, 4)) != MAGIC:
        raise KernelError(Errno.EINVAL)
    return Tmpfs(env, TmpfsArgs())


def make(request: NewfsRequest, env: Environment) -> int:
    if set(request.options) - {"label"}:
        raise KernelError(Errno.EINVAL)
    text = MAGIC + request.options.get("label", "").encode()
    if request.source is not None:
        text += b",".join(entry.name for entry in request.source.readdir(0))
    request.device.write(0, text)
    return len(text)


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles(disk=bytes(1024), locked=bytes(1024), md0=bytes(4096))


@pytest.fixture
def k(files: MemoryFiles) -> Kit:
    kit = Kit(files)
    kit.component.add_filesystem(FileSystemType("made", mount_made, newfs=make, newfs_fills=True))
    kit.component.add_filesystem(FileSystemType("empty", mount_made, newfs=make))
    files.readonly.add(b"locked")
    kit.etfs_register(b"/dev/disk", b"disk", const.RUMP_ETFS_BLK)
    kit.etfs_register(b"/dev/locked", b"locked", const.RUMP_ETFS_BLK)
    kit.mkdir(b"/mnt", 0o755)
    return kit


def test_made_filled_and_mounted(k: Kit, files: MemoryFiles) -> None:
    k.put(b"/mnt/file")
    assert k.newfs("made", b"/dev/disk", {"label": "x"}, b"/mnt") == 4 + 1 + len(b".,..,file")
    assert files.files[b"disk"].startswith(b"MADEx.,..,file")
    assert files.opened[0].syncs == 1
    k.mount("made", b"/mnt", 0, DiskArgs(b"/dev/disk"))
    with fails(Errno.EBUSY):
        k.newfs("made", b"/dev/disk", {}, b"")
    k.unmount(b"/mnt", 0)
    assert k.newfs("made", b"/dev/disk", {}, b"") == 4
    assert k.ls(b"/mnt") == [b".", b"..", b"file"]


def test_on_a_memory_disk(k: Kit, files: MemoryFiles) -> None:
    k.bus.peers["dev"] = FakeDev()
    assert k.newfs("made", b"/dev/md0d", {}, b"") == 4
    assert files.files[b"md0"].startswith(MAGIC)
    assert files.opened[-1].closed


@pytest.mark.parametrize(
    ("kind", "fspec", "options", "source", "errno"),
    [
        ("none", b"/dev/disk", {}, b"", Errno.ENODEV),
        ("tmpfs", b"/dev/disk", {}, b"", Errno.EOPNOTSUPP),
        ("made", b"", {}, b"", Errno.EINVAL),
        ("made", b"/none", {}, b"", Errno.ENOENT),
        ("made", b"/dev/null", {}, b"", Errno.ENOTBLK),
        ("made", b"/dev/md0d", {}, b"", Errno.ENXIO),
        ("made", b"/dev/locked", {}, b"", Errno.EROFS),
        ("made", b"/dev/disk", {}, b"/none", Errno.ENOENT),
        ("made", b"/dev/disk", {}, b"/dev/null", Errno.ENOTDIR),
        ("made", b"/dev/disk", {"size": "1"}, b"", Errno.EINVAL),
        ("made", b"/dev/disk", {str(i): "" for i in range(65)}, b"", Errno.EINVAL),
        ("made", b"/dev/disk", {"label": "x" * 4096}, b"", Errno.EINVAL),
    ],
)
def test_refused(k: Kit, kind: str, fspec: bytes, options: dict[str, str], source: bytes, errno: Errno) -> None:
    with fails(errno):
        k.newfs(kind, fspec, options, source)
    assert k.newfs("made", b"/dev/disk", {}, b"/mnt")  # nothing was left in use


def test_for_the_superuser(k: Kit) -> None:
    with k.as_(user(100)), fails(Errno.EPERM):
        k.newfs("made", b"/dev/disk", {}, b"")


class Loader(Component):
    """A kern that has one module."""

    name = "kern"

    def __init__(self, k: Kit) -> None:
        super().__init__()
        self.k = k
        self.table["modctl"] = Entry(self.modctl)

    def modctl(self, ctx: Context, cmd: int, load: ModctlLoad, name: Any, autoload: Any) -> list[Any]:
        assert (ctx.pid, cmd) == (0, const.MODCTL_LOAD)
        if load.filename != "late":
            raise KernelError(Errno.ENOENT, "no such module")
        self.k.component.add_filesystem(FileSystemType("late", mount_made, newfs=make))
        return []


def test_the_module_is_loaded_on_demand(k: Kit) -> None:
    k.bus.peers["kern"] = Loader(k)
    assert k.newfs("late", b"/dev/disk", {}, b"") == 4
    k.component.remove_filesystem("late")
    k.mount("late", b"/mnt", 0, DiskArgs(b"/dev/disk"))
    with fails(Errno.ENODEV):
        k.mount("never", b"/mnt", 0, DiskArgs(b"/dev/disk"))


def test_a_tree_is_copied_in_where_the_driver_does_not(k: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    roots: list[Any] = []

    def mount(request: MountRequest, env: Environment) -> FileSystem:
        made = Tmpfs(env, TmpfsArgs())
        monkeypatch.setattr(made, "unmount", lambda *, force: roots.append(made.root()))
        return made

    k.component.add_filesystem(FileSystemType("copied", mount, newfs=make))
    k.mkdir(b"/mnt/d", 0o711)
    k.put(b"/mnt/d/f", b"contents", 0o604)
    k.link(b"/mnt/d/f", b"/mnt/g")
    k.symlink(b"d/f", b"/mnt/s")
    k.mkfifo(b"/mnt/p", 0o600)
    k.setxattr(b"/mnt/g", b"user.a", b"1", 0)
    k.chown(b"/mnt", 3, 4)
    before, mounts = k.stat(b"/mnt/d"), k.getvfsstat(0)
    k.host.advance(100)
    k.newfs("copied", b"/dev/disk", {}, b"/mnt")
    root = roots[0]
    assert list(root.entries) == [b"d", b"g", b"s", b"p"]
    assert root.owner() == (0o755, 3, 4)
    folder = root.lookup(b"d")
    assert (folder.mode, folder.mtime) == (0o711, before.st_mtime_ns)
    assert folder.lookup(b"f") is root.lookup(b"g")
    assert root.lookup(b"g").nlink == 2
    assert bytes(root.lookup(b"g").read(0, 99)) == b"contents"
    assert root.lookup(b"g").getxattr(b"user.a") == b"1"
    assert root.lookup(b"s").readlink() == b"d/f"
    assert len(k.getvfsstat(0)) == len(mounts)
    source = k.vfs.names.lookup(k.ctx, b"/mnt")
    monkeypatch.setitem(source.lookup(b"d").entries, b"again", source.lookup(b"d"))
    monkeypatch.setitem(source.lookup(b"d").cookies, b"again", 99)
    source.lookup(b"d").listing = None
    with fails(Errno.EIO):
        k.newfs("copied", b"/dev/disk", {}, b"/mnt")
    assert k.newfs("made", b"/dev/disk", {}, b"")
