"""What NetBSD's tests ask of single file systems (tests/fs: ffs, nullfs, umapfs, union) and other files do not."""

from __future__ import annotations

import pytest

from rumpuser.pending import Running
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskArgs, OptionArgs
from tests.unit.vfs.kit import FakeDev, Kit, MemoryFiles, fails
from tests.unit.vfs.matrix import kit_with


@pytest.fixture
def k() -> Kit:
    kit = kit_with(MemoryFiles())
    for path in (b"/a", b"/b", b"/a/in", b"/b/in"):
        kit.mkdir(path, 0o755)
    return kit


def layer(k: Kit, kind: str, over: bytes, on: bytes) -> None:
    k.mount(kind, on, 0, DiskArgs(over))


def test_a_small_ffs() -> None:
    """ffs t_mount 48Kimage: the smallest that there is."""
    k = kit_with(MemoryFiles(disk=bytes(48 << 10)))
    k.etfs_register(b"/disk", b"disk", const.RUMP_ETFS_BLK)
    k.newfs("ffs", b"/disk", {"bsize": "4096", "fsize": "512", "version": "1"}, b"")
    k.mkdir(b"/mnt", 0o755)
    k.mount("ffs", b"/mnt", 0, DiskArgs(b"/disk"))
    k.put(b"/mnt/f", b"small")
    fd = k.open(b"/mnt/big", const.O_WRONLY | const.O_CREAT, 0o644)
    with fails(Errno.ENOSPC):
        for _ in range(12):
            k.write(fd, bytes(8192))
    k.close(fd)
    assert k.get(b"/mnt/f") == b"small"
    k.unmount(b"/mnt", 0)


def test_twisted_null_mounts(k: Kit) -> None:
    """nullfs twistymount: each shows the other, and no walk is without end."""
    layer(k, "nullfs", b"/a", b"/b/in")
    layer(k, "nullfs", b"/b", b"/a/in")
    k.put(b"/a/f", b"a")
    k.put(b"/b/g", b"b")
    assert k.get(b"/b/in/f") + k.get(b"/a/in/g") == b"ab"
    assert k.ls(b"/a/in/in") == [b".", b".."]  # mounts below are not shown
    for path in (b"/b/in", b"/a/in"):
        k.unmount(path, 0)


def test_ids_both_ways(k: Kit) -> None:
    """umapfs basic."""
    k.put(b"/a/f")
    k.chown(b"/a/f", 555, 666)
    k.mount("umapfs", b"/b", 0, OptionArgs(b"/a", {"uids": "555:1,0:0", "gids": "666:2,0:0"}))
    st = k.stat(b"/b/f")
    assert (st.st_uid, st.st_gid) == (1, 2)
    k.chown(b"/b/f", 0, 0)
    k.chown(b"/b/f", 1, 2)
    st = k.stat(b"/a/f")
    assert (st.st_uid, st.st_gid) == (555, 666)


def test_unions_over_unions(k: Kit) -> None:
    """union multilayer, multilayer2: all trees are seen, the topmost is written."""
    for at in range(4):
        k.mkdir(b"/t%d" % at, 0o755)
        k.put(b"/t%d/f%d" % (at, at), b"%d" % at)
        k.put(b"/t%d/all" % at, b"%d" % at)
    for at in (1, 2, 3):
        layer(k, "union", b"/t%d" % at, b"/t0")
    assert {b"f0", b"f1", b"f2", b"f3", b"all"} < set(k.ls(b"/t0"))
    assert k.get(b"/t0/all") == b"3"
    k.put(b"/t0/f0", b"changed")
    assert k.get(b"/t3/f0") == b"changed"
    k.unlink(b"/t0/f1")
    assert b"f1" not in k.ls(b"/t0")
    for _ in range(3):
        k.unmount(b"/t0", 0)
    assert k.get(b"/t0/f0") + k.get(b"/t1/f1") == b"01"


@pytest.mark.parametrize("orders", [((b"/a", b"/b"), (b"/b", b"/a")), ((b"/a", b"/a/in"), (b"/a/in", b"/a"))])
def test_unions_in_circles(k: Kit, orders: tuple[tuple[bytes, bytes], ...]) -> None:
    """union cyclic, cyclic2: refused or not, every call comes to an end and all can be taken off again."""
    done = []
    for over, on in orders:
        try:
            layer(k, "union", over, on)
        except KernelError:
            continue
        done.append(on)
    for path in (b"/a", b"/b", b"/a/in"):
        try:
            k.put(path + b"/made", b"x")
            assert k.get(path + b"/made") == b"x"
            k.ls(path)
            k.unlink(path + b"/made")
        except KernelError:
            continue
    for on in reversed(done):
        k.unmount(on, 0)
    assert b"in" in k.ls(b"/a")


def test_devices_in_a_union(k: Kit) -> None:
    """union devnull1, devnull2: a device of below is used without a copy, and copied when its attributes change."""
    k.bus.peers["dev"] = FakeDev()
    k.mknod(b"/a/null", const.S_IFCHR | 0o666, const.makedev(const.MAJOR_NULL, 2))
    layer(k, "union", b"/b", b"/a")
    fd = k.open(b"/a/null", const.O_RDWR | const.O_TRUNC, None)
    assert not isinstance(fd, Running)
    assert k.write(fd, b"gone") == 4
    k.close(fd)
    assert b"null" not in k.ls(b"/b")
    k.chmod(b"/a/null", 0o600)
    st = k.stat(b"/b/null")
    assert (st.st_mode, st.st_rdev) == (const.S_IFCHR | 0o600, const.makedev(const.MAJOR_NULL, 2))
