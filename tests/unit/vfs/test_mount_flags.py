"""MNT_RELOAD, MNT_UNION and MNT_SYNCHRONOUS; the other flags are in test_mounts.py."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rumpuser.component import Context
from rumpuser.hostfiles import SystemFiles
from rumpvfs.core.namei import AT_FDCWD
from rumpvfs.fs.ext2fs.module import MODULE as EXT2FS
from rumpvfs.fs.ffs.module import MODULE as FFS
from rumpvfs.fs.msdosfs.module import MODULE as MSDOS
from rumpvfs.fs.nullfs import FILE_SYSTEM as NULLFS
from rumpwire import const
from rumpwire.errno import Errno
from rumpwire.values import DiskArgs, OptionArgs
from tests.ext4_images import make_image, run
from tests.unit.vfs.kit import Kit, fails, user

RELOAD = const.MNT_UPDATE | const.MNT_RELOAD | const.MNT_RDONLY
SIZE = 8 << 20


def kit_on(image: Path) -> Kit:
    k = Kit(SystemFiles())  # type: ignore[arg-type]
    for module in (EXT2FS, FFS, MSDOS):
        module.init(k.component, {})
    k.component.add_filesystem(NULLFS)
    k.etfs_register(b"/dev/disk", os.fsencode(image), const.RUMP_ETFS_BLK)
    k.mkdir(b"/mnt", 0o755)
    return k


@pytest.fixture(params=["ext2fs", "ffs", "msdos"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def image(kind: str, tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.touch()
    os.truncate(path, SIZE)
    k = kit_on(path)
    k.newfs(kind, b"/dev/disk", {}, b"")
    k.mount(kind, b"/mnt", 0, DiskArgs(b"/dev/disk"))
    k.mkdir(b"/mnt/dir", 0o755)
    for name in (b"kept", b"gone", b"dir/deep"):
        k.put(b"/mnt/" + name, name)
    k.unmount(b"/mnt", 0)
    k.component.stop()
    return path


def change(kind: str, image: Path) -> None:
    """What somebody else does meanwhile."""
    k = kit_on(image)
    k.mount(kind, b"/mnt", 0, DiskArgs(b"/dev/disk"))
    k.put(b"/mnt/new", b"fresh")
    fd = k.open(b"/mnt/kept", const.O_WRONLY, None)
    k.write(fd, b"CHANGED!")
    k.close(fd)
    k.unlink(b"/mnt/gone")
    k.unmount(b"/mnt", 0)
    k.component.stop()


def test_reading_again(kind: str, image: Path) -> None:
    k = kit_on(image)
    k.mount(kind, b"/mnt", const.MNT_RDONLY, DiskArgs(b"/dev/disk"))
    assert sorted(k.ls(b"/mnt/")) == [b".", b"..", b"dir", b"gone", b"kept"] or kind == "ext2fs"
    change(kind, image)
    k.mount("", b"/mnt", RELOAD, None)
    assert {b"new", b"kept", b"dir"} <= set(k.ls(b"/mnt"))
    assert k.get(b"/mnt/new") + k.get(b"/mnt/kept") == b"freshCHANGED!"
    with fails(Errno.ENOENT):
        k.stat(b"/mnt/gone")
    k.mount("", b"/mnt", const.MNT_UPDATE, None)
    k.put(b"/mnt/written", b"x")
    with fails(Errno.EOPNOTSUPP):
        k.mount("", b"/mnt", RELOAD, None)
    k.unmount(b"/mnt", 0)


@pytest.mark.parametrize("kind", ["ext2fs", "ffs"], indirect=True)
def test_what_is_open_goes_on(kind: str, image: Path) -> None:
    k = kit_on(image)
    k.mount(kind, b"/mnt", const.MNT_RDONLY, DiskArgs(b"/dev/disk"))
    kept, gone = (k.open(b"/mnt/" + name, const.O_RDONLY, None) for name in (b"kept", b"gone"))
    k.flock(kept, const.LOCK_SH)
    cwd = k.dir_hold(AT_FDCWD, b"/mnt/dir")
    k.mount("tmpfs", b"/mnt/dir", 0, None)
    change(kind, image)
    k.mount("", b"/mnt", RELOAD, None)
    assert bytes(k.read(kept, 100)) == b"CHANGED!"
    with fails(Errno.EIO):
        k.read(gone, 1)
    with k.as_(Context(cwd=cwd)):
        assert k.getcwd(100) == b"/mnt/dir"
        assert k.get(b"deep") == b"dir/deep"
    k.put(b"/mnt/dir/in-memory")
    again = k.open(b"/mnt/kept", const.O_RDONLY, None)
    with fails(Errno.EAGAIN):
        k.flock(again, const.LOCK_EX | const.LOCK_NB)
    k.close(kept)
    k.flock(again, const.LOCK_EX | const.LOCK_NB)
    for fd in (again, gone):
        k.close(fd)
    k.dir_release(cwd)
    k.unmount(b"/mnt/dir", 0)
    k.mkdir(b"/over", 0o755)
    k.mount("nullfs", b"/over", 0, DiskArgs(b"/mnt"))
    with fails(Errno.EBUSY):
        k.mount("", b"/mnt", RELOAD, None)
    k.unmount(b"/over", 0)
    with fails(Errno.EINVAL):
        k.mount("", b"/mnt", RELOAD & ~const.MNT_UPDATE, None)
    (image.parent / "broken").write_bytes(image.read_bytes())
    with image.open("r+b") as file:
        file.write(bytes(1 << 17))
    with fails(Errno.EINVAL):
        k.mount("", b"/mnt", RELOAD, None)
    assert k.mount("", b"/mnt", const.MNT_GETARGS, None) == DiskArgs(b"/dev/disk")
    k.unmount(b"/mnt", 0)


def test_after_fsck(tmp_path: Path) -> None:
    """A file system that fsck repairs while it is mounted read-only: nothing of before is left."""
    image = make_image(tmp_path / "image", "4M", "-t", "ext4", "-b", "1024")
    with (tmp_path / "f").open("wb") as file:
        file.write(b"contents")
    run("debugfs", "-w", "-R", f"write {tmp_path / 'f'} lost", image)
    run("debugfs", "-w", "-R", "set_inode_field lost links_count 5", image)
    run("debugfs", "-w", "-R", "unlink lost", image)
    k = kit_on(image)
    k.mount("ext2fs", b"/mnt", const.MNT_RDONLY, DiskArgs(b"/dev/disk"))
    assert sorted(k.ls(b"/mnt")) == [b".", b"..", b"lost+found"]
    assert k.ls(b"/mnt/lost+found") == [b".", b".."]
    run("e2fsck", "-fy", image, check=False)
    k.mount("", b"/mnt", RELOAD, None)
    (found,) = set(k.ls(b"/mnt/lost+found")) - {b".", b".."}
    assert k.get(b"/mnt/lost+found/" + found) == b"contents"
    k.mount("", b"/mnt", const.MNT_UPDATE, None)
    k.put(b"/mnt/new", b"x")
    k.unmount(b"/mnt", 0)
    run("e2fsck", "-fn", image)


# -- MNT_UNION


@pytest.fixture
def k() -> Kit:
    kit = Kit()
    kit.mkdir(b"/d", 0o755)
    kit.mkdir(b"/d/sub", 0o755)
    for name in (b"both", b"low", b"sub/deep"):
        kit.put(b"/d/" + name, b"below")
    kit.mount("tmpfs", b"/d", const.MNT_UNION, None)
    return kit


def test_lookups_fall_through(k: Kit) -> None:
    assert k.statvfs1(b"/d", 0).f_flag & const.MNT_UNION
    assert k.get(b"/d/low") == b"below"
    k.put(b"/d/up", b"above")
    assert k.get(b"/d/up") + k.get(b"/d/sub/deep") == b"abovebelow"
    k.put(b"/d/sub/made", b"below too")
    with k.as_(Context(cwd=k.dir_hold(AT_FDCWD, b"/d/sub"))):
        assert k.getcwd(100) == b"/d/sub"
        assert k.get(b"../up") + k.get(b"../low") == b"abovebelow"
    k.unlink(b"/d/up")
    with fails(Errno.ENOENT):
        k.get(b"/d/up")
    for taken in (b"low", b"sub"):
        with fails(Errno.EEXIST):
            k.mkdir(b"/d/" + taken, 0o755)
    k.unlink(b"/d/low")
    with fails(Errno.ENOENT):
        k.stat(b"/d/low")
    with fails(Errno.EXDEV):
        k.put(b"/d/up2")
        k.rename(b"/d/up2", b"/d/sub/up2")
    k.unmount(b"/d", const.MNT_FORCE)
    assert set(k.ls(b"/d")) == {b".", b"..", b"both", b"sub"}
    assert k.get(b"/d/sub/made") == b"below too"


def test_the_upper_one_hides_and_makes(k: Kit) -> None:
    k.mkdir(b"/d/new", 0o755)
    assert k.stat(b"/d/new").st_dev == k.stat(b"/d").st_dev != k.stat(b"/d/sub").st_dev
    k.unlink(b"/d/both")
    k.put(b"/d/both", b"above")
    assert k.get(b"/d/both") == b"above"
    assert sorted(k.ls(b"/d")) == [b".", b"..", b"both", b"low", b"new", b"sub"]
    fd = k.open(b"/d", const.O_RDONLY, None)
    small = []
    while entries := k.getdents(fd, 64):
        small += [entry.d_name for entry in entries]
    assert sorted(small) == sorted(k.ls(b"/d"))
    k.lseek(fd, 0, const.SEEK_SET)
    assert k.getdents(fd, 4096)
    k.close(fd)
    k.unlink(b"/d/both")
    with fails(Errno.ENOENT):
        k.get(b"/d/both")


def test_permissions_of_the_lower_directory(k: Kit) -> None:
    k.unmount(b"/d", 0)
    k.chmod(b"/d", 0o700)
    k.mount("tmpfs", b"/d", const.MNT_UNION, None)
    k.chmod(b"/d", 0o777)
    with k.as_(user(5)):
        k.put(b"/d/mine")
        with fails(Errno.EACCES):
            k.get(b"/d/low")


def test_changed_by_an_update(k: Kit) -> None:
    k.mount("", b"/d", const.MNT_UPDATE, None)
    with fails(Errno.ENOENT):
        k.stat(b"/d/low")
    k.mount("", b"/d", const.MNT_UPDATE | const.MNT_UNION, None)
    assert k.get(b"/d/low") == b"below"


# -- MNT_SYNCHRONOUS


def test_changes_are_on_the_disk_when_the_call_returns(tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "4M", "-t", "ext2", "-b", "1024")
    k = kit_on(image)
    k.mount("ext2fs", b"/mnt", const.MNT_SYNCHRONOUS, OptionArgs(b"/dev/disk", {}))

    def on_disk(path: str) -> str:
        return run("debugfs", "-R", f"stat {path}", image)

    k.mkdir(b"/mnt/d", 0o755)
    k.put(b"/mnt/d/f", b"x")
    assert "Type: regular" in on_disk("/d/f")
    k.chmod(b"/mnt/d/f", 0o601)
    assert "0601" in on_disk("/d/f")
    k.rename(b"/mnt/d/f", b"/mnt/g")
    k.rmdir(b"/mnt/d")
    assert "Type: regular" in on_disk("/g")
    k.symlink(b"g", b"/mnt/l")
    k.link(b"/mnt/g", b"/mnt/h")
    assert "Links: 2" in on_disk("/h")
    k.unlink(b"/mnt/g")
    assert "Links: 1" in on_disk("/h")
    assert "symlink" in on_disk("/l")
