"""nullfs and umapfs: one tree seen at two places."""

from __future__ import annotations

import pytest

from rumpuser.component import Context
from rumpvfs.fs import nullfs, rumpfs, umapfs, unionfs
from rumpwire import const
from rumpwire.errno import Errno
from rumpwire.values import DiskArgs, Flock, OptionArgs, TmpfsArgs
from tests.unit.vfs.kit import Kit, fails, user


@pytest.fixture
def k() -> Kit:
    kit = Kit()
    for module in (nullfs, umapfs, unionfs, rumpfs):
        kit.component.add_filesystem(module.FILE_SYSTEM)
    for name in (b"/low", b"/mnt"):
        kit.mkdir(name, 0o755)
    kit.mount("rumpfs", b"/low", 0, TmpfsArgs())
    kit.mkdir(b"/low/tree", 0o755)
    kit.put(b"/low/tree/f", b"below")
    return kit


@pytest.fixture
def null(k: Kit) -> Kit:
    k.mount("nullfs", b"/mnt", 0, DiskArgs(b"/low/tree"))
    return k


def test_both_ways(null: Kit) -> None:
    k = null
    assert k.get(b"/mnt/f") == b"below"
    k.put(b"/mnt/f", b"above")
    k.put(b"/low/tree/g", b"new")
    assert (k.get(b"/low/tree/f"), k.get(b"/mnt/g")) == (b"above", b"new")
    assert k.ls(b"/mnt") == [b".", b"..", b"f", b"g"]
    k.mkdir(b"/mnt/d", 0o750)
    k.symlink(b"d", b"/mnt/s")
    k.link(b"/mnt/f", b"/mnt/s/h")
    k.rename(b"/mnt/g", b"/mnt/d/g2")
    assert k.ls(b"/low/tree/d") == [b".", b"..", b"h", b"g2"]
    k.unlink(b"/low/tree/d/h")
    with fails(Errno.ENOENT):
        k.stat(b"/mnt/d/h")
    with fails(Errno.ENOTEMPTY):
        k.rmdir(b"/mnt/d")
    k.unlink(b"/mnt/d/g2")
    k.rmdir(b"/mnt/d")
    with fails(Errno.ENOENT):
        k.stat(b"/low/tree/d")
    assert k.readlink(b"/mnt/s", 99) == b"d"
    assert k.stat(b"/mnt/f")[1:] == k.stat(b"/low/tree/f")[1:]
    assert k.stat(b"/mnt/f").st_dev != k.stat(b"/low/tree/f").st_dev
    k.setxattr(b"/mnt/f", b"user.a", b"1", 0)
    assert (k.listxattr(b"/mnt/f", 0), k.getxattr(b"/low/tree/f", b"user.a", 0)) == ([b"user.a"], b"1")
    k.removexattr(b"/mnt/f", b"user.a")
    k.chmod(b"/mnt/f", 0o600)
    k.truncate(b"/mnt/f", 3)
    assert k.get(b"/low/tree/f") == b"abo"
    assert k.getfh(b"/mnt/f")[8:] == k.getfh(b"/low/tree/f")[8:]
    assert k.fhstat(k.getfh(b"/mnt/f")) == k.stat(b"/mnt/f")
    with fails(Errno.EXDEV):
        k.rename(b"/mnt/f", b"/low/tree/x")


def test_what_stands_on_it_keeps_the_lower_one(null: Kit) -> None:
    k = null
    for flags in (0, const.MNT_FORCE):
        with fails(Errno.EBUSY):
            k.unmount(b"/low", flags)
    fd = k.open(b"/mnt/f", const.O_RDWR, None)
    with fails(Errno.EBUSY):
        k.unmount(b"/mnt", 0)
    k.close(fd)
    k.unmount(b"/mnt", 0)
    with fails(Errno.ENOENT):
        k.stat(b"/mnt/f")
    k.unmount(b"/low", 0)


def test_a_file_open_above_stays_when_it_is_unlinked_below(null: Kit) -> None:
    k = null
    fd = k.open(b"/mnt/f", const.O_RDWR, None)
    k.unlink(b"/low/tree/f")
    assert bytes(k.pread(fd, 10, 0)) == b"below"
    used = k.vfs.environment.used
    k.close(fd)
    assert k.vfs.environment.used < used
    below = k.open(b"/low/tree/g", const.O_CREAT | const.O_RDWR, 0o600)
    k.write(below, b"x")
    k.unlink(b"/mnt/g")
    assert bytes(k.pread(below, 10, 0)) == b"x"
    k.close(below)


def test_read_only(null: Kit) -> None:
    k = null
    readonly = const.MNT_UPDATE | const.MNT_RDONLY
    fd = k.open(b"/mnt/f", const.O_RDONLY, None)
    k.mount("rumpfs", b"/low", readonly, None)
    with fails(Errno.EROFS):
        k.mkdir(b"/mnt/d", 0o755)
    with fails(Errno.EROFS):
        k.truncate(b"/mnt/f", 0)
    k.mount("rumpfs", b"/low", const.MNT_UPDATE, None)
    k.unlink(b"/mnt/f")
    with fails(Errno.EBUSY):
        k.mount("rumpfs", b"/low", readonly, None)
    k.close(fd)
    writer = k.open(b"/mnt/g", const.O_CREAT | const.O_RDWR, 0o600)
    with fails(Errno.EBUSY):
        k.mount("rumpfs", b"/low", readonly, None)
    k.close(writer)
    k.mount("nullfs", b"/mnt", readonly, None)
    with fails(Errno.EROFS):
        k.unlink(b"/mnt/g")
    k.put(b"/low/tree/g", b"still writable")
    k.unmount(b"/mnt", 0)
    k.mount("rumpfs", b"/low", readonly, None)
    k.mount("nullfs", b"/mnt", 0, DiskArgs(b"/low/tree"))
    assert k.statvfs1(b"/mnt", 0).f_flag & const.MNT_RDONLY
    with fails(Errno.EROFS):
        k.mount("nullfs", b"/mnt", const.MNT_UPDATE, None)


def test_locks_and_fifos_are_those_of_below(null: Kit) -> None:
    k = null
    above, below = k.open(b"/mnt/f", const.O_RDWR, None), k.open(b"/low/tree/f", const.O_RDWR, None)
    k.fcntl(above, const.F_SETLK, 0, Flock(0, 0, 0, const.F_WRLCK, 0))
    with k.as_(Context(pid=9)), fails(Errno.EAGAIN):
        k.fcntl(below, const.F_SETLK, 0, Flock(0, 0, 0, const.F_WRLCK, 0))
    k.mkfifo(b"/mnt/p", 0o600)
    reader = k.open(b"/mnt/p", const.O_RDONLY | const.O_NONBLOCK, None)
    writer = k.open(b"/low/tree/p", const.O_WRONLY | const.O_NONBLOCK, None)
    k.write(writer, b"through")
    assert bytes(k.read(reader, 100)) == b"through"
    k.socket_bind(b"/mnt/sock", 0o600, 77)
    assert k.socket_lookup(b"/low/tree/sock") == 77
    k.unlink(b"/low/tree/sock")
    assert not k.vfs.sockets
    k.revoke(b"/mnt/f")
    for fd in (above, below):
        with fails(Errno.EIO):
            k.fstat(fd)


def test_moved_out_of_the_tree(null: Kit) -> None:
    k = null
    k.mkdir(b"/mnt/d", 0o755)
    cwd = k.dir_hold(const.AT_FDCWD, b"/mnt/d")
    k.rename(b"/low/tree/d", b"/low/d")
    with k.as_(Context(cwd=cwd)):
        with fails(Errno.ENOENT):
            k.getcwd(100)
        k.stat(b"../../..")


def test_nested(k: Kit) -> None:
    k.mkdir(b"/low/tree/in", 0o755)
    k.mount("nullfs", b"/low/tree/in", 0, DiskArgs(b"/low/tree"))
    assert k.ls(b"/low/tree/in") == [b".", b"..", b"f", b"in"]
    assert k.ls(b"/low/tree/in/in") == [b".", b".."]
    with fails(Errno.EBUSY):
        k.rmdir(b"/low/tree/in/in")
    k.mount("nullfs", b"/mnt", 0, DiskArgs(b"/low/tree/in"))
    assert k.get(b"/mnt/f") == b"below"
    k.component.stop()


@pytest.mark.parametrize(
    ("kind", "args", "errno"),
    [
        ("nullfs", None, Errno.EINVAL),
        ("nullfs", TmpfsArgs(), Errno.EINVAL),
        ("nullfs", DiskArgs(b"/none"), Errno.ENOENT),
        ("nullfs", DiskArgs(b"/low/tree/f"), Errno.ENOTDIR),
        ("nullfs", OptionArgs(b"/low/tree", {"x": "y"}), Errno.EINVAL),
        ("umapfs", OptionArgs(b"/low/tree", {"uids": "1"}), Errno.EINVAL),
        ("umapfs", OptionArgs(b"/low/tree", {"uids": "1:2,1:3"}), Errno.EINVAL),
        ("umapfs", OptionArgs(b"/low/tree", {"gids": "1:99999999999999"}), Errno.EINVAL),
        ("umapfs", OptionArgs(b"/low/tree", {"uids": ",".join(f"{i}:{i}" for i in range(65))}), Errno.EINVAL),
        ("umapfs", OptionArgs(b"/low/tree", {"x": ""}), Errno.EINVAL),
        ("union", OptionArgs(b"/low/tree", {"x": ""}), Errno.EINVAL),
        ("union", DiskArgs(b"/mnt"), Errno.EINVAL),
    ],
)
def test_refused(k: Kit, kind: str, args: object, errno: Errno) -> None:
    with fails(errno):
        k.mount(kind, b"/mnt", 0, args)
    k.unmount(b"/low", 0)


def test_other_owners(k: Kit) -> None:
    k.chown(b"/low/tree/f", 555, 666)
    k.chown(b"/low/tree", 555, 666)
    k.mount("umapfs", b"/mnt", 0, OptionArgs(b"/low/tree", {"uids": "555:1000,0:0", "gids": "666:50"}))
    st = k.stat(b"/mnt/f")
    assert (st.st_uid, st.st_gid) == (1000, 50)
    with k.as_(user(1000, 50)):
        k.put(b"/mnt/own", b"x")
        k.chmod(b"/mnt/f", 0o640)
    below = k.stat(b"/low/tree/own")
    assert (below.st_uid, below.st_gid) == (555, 666)
    with k.as_(user(555)), fails(Errno.EACCES):
        k.open(b"/mnt/f", const.O_RDWR, None)
    k.chmod(b"/mnt", 0o777)
    with k.as_(user(7)), fails(Errno.EACCES):
        k.put(b"/mnt/nobodys")
    k.chown(b"/mnt/f", 0, -1)
    assert k.stat(b"/low/tree/f").st_uid == 0
    with fails(Errno.EINVAL):
        k.chown(b"/mnt/f", 12, -1)
    k.chown(b"/low/tree/f", 12, 13)
    st = k.stat(b"/mnt/f")
    assert (st.st_uid, st.st_gid) == (umapfs.NOBODY, umapfs.NULLGROUP)
    k.chmod(b"/mnt/f", 0o600)
    assert k.stat(b"/low/tree/f").st_uid == 12
