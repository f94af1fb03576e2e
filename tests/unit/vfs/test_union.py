"""union: copy-up, whiteouts, opaque directories, and that the lower tree is never changed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpvfs.fs import unionfs
from rumpvfs.fs.tmpfs.nodes import Node
from rumpvfs.fs.tmpfs.tmpfs import Tmpfs
from rumpvfs.fs.unionfs.marks import OPAQUE
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskArgs, OptionArgs
from tests.unit.vfs.kit import Kit, fails


def make_kit() -> Kit:
    """/low (read-only) with a file, a link, a directory; /up; both seen at /low when the union is mounted."""
    k = Kit()
    k.component.add_filesystem(unionfs.FILE_SYSTEM)
    for name in (b"/low", b"/up", b"/peek"):
        k.mkdir(name, 0o755)
    k.mount("tmpfs", b"/low", 0, None)
    k.put(b"/low/f", b"lower", 0o640)
    k.chown(b"/low/f", 10, 20)
    k.utimes(b"/low/f", None, None)
    k.symlink(b"f", b"/low/s")
    k.mkdir(b"/low/d", 0o700)
    k.mkdir(b"/low/d/dd", 0o755)
    k.put(b"/low/d/a", b"a")
    k.put(b"/low/d/dd/b", b"b")
    k.setxattr(b"/low/f", b"user.x", b"1", 0)
    k.mount("tmpfs", b"/low", const.MNT_UPDATE | const.MNT_RDONLY, None)
    k.mount("tmpfs", b"/up", 0, None)
    k.mkdir(b"/up/tree", 0o755)
    return k


@pytest.fixture
def k() -> Kit:
    kit = make_kit()
    kit.mount("union", b"/low", 0, DiskArgs(b"/up/tree"))
    return kit


def below(k: Kit) -> dict[bytes, Any]:
    """All that the lower tree holds."""
    root = k.vfs.mounts.list[1].root
    out: dict[bytes, Any] = {}

    def walk(directory: Any, path: bytes) -> None:
        for name, node in directory.entries.items():
            out[path + name] = bytes(node.read(0, 999)) if node.vtype == const.S_IFREG else node.vtype
            if node.vtype == const.S_IFDIR:
                walk(node, path + name + b"/")

    walk(root, b"/")
    return out


def test_both_trees_are_seen(k: Kit) -> None:
    k.put(b"/up/tree/u", b"upper")
    assert k.ls(b"/low") == [b".", b"..", b"u", b"f", b"s", b"d"]
    assert (k.get(b"/low/u"), k.get(b"/low/f"), k.get(b"/low/s")) == (b"upper", b"lower", b"lower")
    numbers = {k.stat(b"/low/" + name).st_ino for name in (b".", b"u", b"f", b"d", b"d/a", b"d/dd")}
    assert len(numbers) == 6
    assert k.stat(b"/low/d/..").st_ino == k.stat(b"/low").st_ino


def test_copy_up(k: Kit) -> None:
    before, number = below(k), k.stat(b"/low/f").st_ino
    old = k.stat(b"/low/f")
    fd = k.open(b"/low/f", const.O_RDWR, None)
    reader = k.open(b"/low/f", const.O_RDONLY, None)
    assert k.ls(b"/up/tree") == [b".", b".."]
    k.pwrite(fd, b"L", 0)
    assert bytes(k.pread(reader, 10, 0)) == b"Lower"
    assert k.get(b"/up/tree/f") == b"Lower"
    st = k.stat(b"/low/f")
    assert (st.st_ino, st.st_mode, st.st_uid, st.st_gid) == (number, old.st_mode, 10, 20)
    assert k.getxattr(b"/up/tree/f", b"user.x", 0) == b"1"
    assert below(k) == before
    k.close(fd)
    k.close(reader)
    assert k.stat(b"/low/f").st_ino == number
    with fails(Errno.EBUSY):
        k.unmount(b"/up", const.MNT_FORCE)


def test_directories_are_copied_on_the_way(k: Kit) -> None:
    k.put(b"/low/d/dd/new", b"n")
    assert (k.ls(b"/up/tree"), k.ls(b"/up/tree/d/dd")) == ([b".", b"..", b"d"], [b".", b"..", b"new"])
    assert k.stat(b"/up/tree/d").st_mode & 0o777 == 0o700
    assert k.ls(b"/low/d/dd") == [b".", b"..", b"new", b"b"]
    k.chmod(b"/low/d/dd/b", 0o600)
    assert k.get(b"/up/tree/d/dd/b") == b"b"


def test_holes_and_lengths(k: Kit) -> None:
    k.mount("tmpfs", b"/peek", 0, None)
    k.mkdir(b"/peek/up", 0o755)
    k.mkdir(b"/peek/low", 0o755)
    k.put(b"/peek/low/f")
    fd = k.open(b"/peek/low/f", const.O_RDWR, None)
    k.pwrite(fd, b"x", 3 << 20)
    k.ftruncate(fd, 9 << 20)
    k.mount("union", b"/peek/low", 0, DiskArgs(b"/peek/up"))
    k.chmod(b"/peek/low/f", 0o600)
    st = k.stat(b"/peek/up/f")
    assert st.st_size == 9 << 20
    assert st.st_blocks < 512
    copy = k.open(b"/peek/up/f", const.O_RDONLY, None)
    assert bytes(k.pread(copy, 3, (3 << 20) - 1)) == b"\0x\0"


def test_truncation_copies_no_more_than_is_left(k: Kit) -> None:
    k.truncate(b"/low/f", 2)
    assert k.get(b"/up/tree/f") == b"lo"
    k.open(b"/low/d/a", const.O_WRONLY | const.O_TRUNC, None)
    assert k.get(b"/low/d/a") == b""


def test_whiteouts(k: Kit) -> None:
    before = below(k)
    k.unlink(b"/low/f")
    with fails(Errno.ENOENT):
        k.stat(b"/low/f")
    assert k.ls(b"/low") == [b".", b"..", b"s", b"d"]
    st = k.attributes(b"/up/tree/f")
    assert (st.st_mode & const.S_IFMT, st.st_rdev) == (const.S_IFCHR, 0)
    with fails(Errno.ENOTEMPTY):
        k.rmdir(b"/low/d")
    k.put(b"/low/f", b"again")
    assert k.get(b"/low/f") == b"again"
    k.unlink(b"/low/f")
    with fails(Errno.ENOENT):
        k.get(b"/low/f")
    k.mkdir(b"/low/f", 0o755)
    assert k.ls(b"/low/f") == [b".", b".."]
    assert below(k) == before
    with fails(Errno.EPERM):
        k.mknod(b"/low/w", const.S_IFCHR | 0o600, 0)


@pytest.mark.parametrize("attributes", [True, False])
def test_opaque_directories(k: Kit, monkeypatch: pytest.MonkeyPatch, attributes: bool) -> None:
    if not attributes:

        def refuse(self: Node, name: bytes, value: bytes) -> None:
            raise KernelError(Errno.EOPNOTSUPP)

        monkeypatch.setattr(Node, "setxattr", refuse)
    k.unlink(b"/low/d/a")
    k.unlink(b"/low/d/dd/b")
    k.rmdir(b"/low/d/dd")
    k.rmdir(b"/low/d")
    with fails(Errno.ENOENT):
        k.stat(b"/low/d")
    k.mkdir(b"/low/d", 0o755)
    assert k.ls(b"/low/d") == [b".", b".."]
    assert (OPAQUE in k.listxattr(b"/up/tree/d", 0)) is attributes
    k.put(b"/low/d/a", b"mine")
    assert k.ls(b"/low/d") == [b".", b"..", b"a"]
    k.unlink(b"/low/d/a")
    k.rmdir(b"/low/d")
    assert k.ls(b"/low") == [b".", b"..", b"f", b"s"]


def test_renaming(k: Kit) -> None:
    before = below(k)
    k.rename(b"/low/f", b"/low/g")
    assert (k.get(b"/low/g"), k.ls(b"/low")) == (b"lower", [b".", b"..", b"g", b"s", b"d"])
    k.rename(b"/low/g", b"/low/d/a")
    assert k.get(b"/low/d/a") == b"lower"
    with fails(Errno.EXDEV):
        k.rename(b"/low/d", b"/low/e")
    k.mkdir(b"/low/new", 0o755)
    k.put(b"/low/new/x", b"x")
    k.unlink(b"/low/d/dd/b")
    k.rename(b"/low/new", b"/low/d/dd")
    assert k.ls(b"/low/d/dd") == [b".", b"..", b"x"]
    k.put(b"/low/f", b"new one")
    k.rename(b"/low/s", b"/low/f")
    assert k.readlink(b"/low/f", 99) == b"f"
    assert k.ls(b"/low") == [b".", b"..", b"d", b"f"]
    assert below(k) == before


def test_links(k: Kit) -> None:
    k.link(b"/low/f", b"/low/h")
    k.put(b"/low/h", b"both")
    assert k.get(b"/low/f") == b"both"
    assert k.stat(b"/low/f").st_nlink == 2
    k.unlink(b"/low/f")
    assert k.get(b"/low/h") == b"both"


def test_open_without_a_name(k: Kit) -> None:
    fd = k.open(b"/low/f", const.O_RDWR, None)
    k.unlink(b"/low/f")
    assert k.fstat(fd).st_nlink == 0
    k.pwrite(fd, b"L", 0)
    assert bytes(k.pread(fd, 10, 0)) == b"Lower"
    assert k.ls(b"/up/tree") == [b".", b"..", b"f"]
    used = k.vfs.environment.used
    k.close(fd)
    assert k.vfs.environment.used < used


def test_a_full_upper_tree(k: Kit) -> None:
    k.unmount(b"/low", 0)
    k.mount("tmpfs", b"/peek", 0, None)
    k.unmount(b"/up", 0)
    k.mount("tmpfs", b"/up", 0, k.vfs.root_mount.args._replace(nodes_max=3))
    k.mount("union", b"/low", 0, DiskArgs(b"/up"))
    k.put(b"/low/one")
    k.unlink(b"/low/f")
    with fails(Errno.ENOSPC):
        k.chmod(b"/low/d/dd/b", 0o600)
    with fails(Errno.ENOSPC):
        k.unlink(b"/low/s")
    assert k.readlink(b"/low/s", 9) == b"f"
    assert k.get(b"/low/d/dd/b") == b"b"


def test_read_only_and_below(k: Kit) -> None:
    k.unmount(b"/low", 0)
    k.mount("union", b"/low", const.MNT_RDONLY, DiskArgs(b"/up/tree"))
    for call in (lambda: k.unlink(b"/low/f"), lambda: k.put(b"/low/new"), lambda: k.chmod(b"/low/f", 0)):
        with fails(Errno.EROFS):
            call()
    k.unmount(b"/low", 0)
    k.mount("union", b"/up/tree", 0, OptionArgs(b"/low", {"below": "1"}))
    k.put(b"/up/tree/f", b"changed")
    assert k.get(b"/low/f") == b"lower"
    fd = k.open(b"/up/tree/f", const.O_RDWR, None)
    with fails(Errno.EBUSY):
        k.mount("tmpfs", b"/up", const.MNT_UPDATE | const.MNT_RDONLY, None)
    k.close(fd)
    k.component.stop()


def test_one_on_the_other_and_back(k: Kit) -> None:
    k.mkdir(b"/a", 0o755)
    k.mkdir(b"/b", 0o755)
    k.put(b"/a/x", b"a")
    k.mount("union", b"/b", 0, DiskArgs(b"/a"))
    k.mount("union", b"/a", 0, DiskArgs(b"/b"))
    k.put(b"/a/y", b"y")
    assert k.ls(b"/a") == [b".", b"..", b"x", b"y"]
    k.unlink(b"/a/x")
    assert k.ls(b"/b") == [b".", b"..", b"y"]
    k.component.stop()


NAMES = [b"f", b"s", b"d", b"d/a", b"d/dd", b"d/dd/b", b"n", b"d/n"]
steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "unlink", "mkdir", "rmdir", "rename", "link", "chmod", "truncate"]),
        st.sampled_from(NAMES),
        st.sampled_from(NAMES),
    ),
    max_size=25,
)


def do(k: Kit, root: bytes, step: tuple[str, bytes, bytes]) -> str:
    kind, one, two = step
    a, b = root + one, root + two
    calls: dict[str, Any] = {
        "put": lambda: k.put(a, one + two),
        "unlink": lambda: k.unlink(a),
        "mkdir": lambda: k.mkdir(a, 0o755),
        "rmdir": lambda: k.rmdir(a),
        "rename": lambda: k.rename(a, b),
        "link": lambda: k.link(a, b),
        "chmod": lambda: k.chmod(a, 0o600),
        "truncate": lambda: k.truncate(a, 1),
    }
    try:
        calls[kind]()
    except KernelError as error:
        return error.name
    return ""


def tree(k: Kit, root: bytes) -> dict[bytes, Any]:
    out: dict[bytes, Any] = {}
    for name in k.ls(root)[2:]:
        path = root + b"/" + name
        st = k.attributes(path)
        if st.st_mode & const.S_IFMT == const.S_IFDIR:
            out[name] = (st.st_mode, tree(k, path))
        elif st.st_mode & const.S_IFMT == const.S_IFREG:
            out[name] = (st.st_mode, k.get(path))
        else:
            out[name] = k.readlink(path, 99)
    return dict(sorted(out.items()))


def reachable(node: Any) -> set[int]:
    """The numbers of a file and of all that is below it."""
    return {node.fileno}.union(*(reachable(child) for child in getattr(node, "entries", {}).values()))


@settings(max_examples=60, deadline=None)
@given(steps)
def test_as_one_tree(todo: list[tuple[str, bytes, bytes]]) -> None:
    """A union does what a plain copy of both trees does, but for directories of below, which are not renamed."""
    k = make_kit()
    k.mkdir(b"/plain", 0o755)
    for name in (b"d", b"d/dd"):
        k.mkdir(b"/plain/" + name, k.stat(b"/low/" + name).st_mode & 0o777)
    for name in (b"f", b"d/a", b"d/dd/b"):
        k.put(b"/plain/" + name, k.get(b"/low/" + name), k.stat(b"/low/" + name).st_mode & 0o777)
    k.symlink(b"f", b"/plain/s")
    before = below(k)
    k.mount("union", b"/low", 0, DiskArgs(b"/up/tree"))
    for step in todo:
        result = do(k, b"/low/", step)
        if result != "EXDEV":
            assert do(k, b"/plain/", step) == result, step
        assert tree(k, b"/low") == tree(k, b"/plain"), step
    assert below(k) == before
    k.unmount(b"/low", 0)
    upper = k.vfs.mounts.list[2].fs
    assert isinstance(upper, Tmpfs)
    assert upper.nodes == len(reachable(upper.root()))
    k.mount("union", b"/low", 0, DiskArgs(b"/up/tree"))
    assert tree(k, b"/low") == tree(k, b"/plain")
