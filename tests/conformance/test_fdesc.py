"""fdesc: descriptors by name (mount_fdesc(8)), in every placement; and ptyfs (mount_ptyfs(8))."""

from __future__ import annotations

import os
import stat
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code, write_file
from tests.conformance.test_pty import new
from tests.conformance.test_vfs import names


@pytest.fixture
def fdesc(k: Any, folder: str) -> Any:
    k.sys.mkdir(f"{folder}/dev")
    k.sys.mount("fdesc", f"{folder}/dev")
    yield f"{folder}/dev"
    k.sys.unmount(f"{folder}/dev")


def test_opening_duplicates(k: Any, folder: str, fdesc: str) -> None:
    write_file(k, f"{folder}/f", b"contents")
    fd = k.sys.open(f"{folder}/f", os.O_RDONLY)
    again = k.sys.open(f"{fdesc}/fd/{fd}", os.O_RDONLY)
    assert again != fd
    assert k.sys.read(fd, 3) + k.sys.read(again, 3) == b"content"[:6]  # one offset
    assert code(k.sys.open, f"{fdesc}/fd/{fd}", os.O_RDWR) == "EACCES"
    assert code(k.sys.open, f"{fdesc}/fd/{fd}", os.O_RDONLY | os.O_DIRECTORY) == "ENOTDIR"
    assert code(k.sys.open, f"{fdesc}/fd/999", os.O_RDONLY) == "EBADF"
    assert code(k.sys.open, f"{fdesc}/fd/x", os.O_RDONLY) == "ENOENT"
    st = k.sys.stat(f"{fdesc}/fd/{fd}")
    assert (st.st_size, stat.S_ISREG(st.st_mode)) == (8, True)
    k.sys.close(fd)
    assert k.sys.read(again, 9) == b"ts"
    assert code(k.sys.stat, f"{fdesc}/fd/{fd}") == "EBADF"
    kept = k.sys.open(f"{fdesc}/fd/{again}", os.O_RDONLY | os.O_CLOEXEC)
    assert k.sys.fcntl(kept, rump.F_GETFD).value == 1
    for number in (again, kept):
        k.sys.close(number)


def test_objects_of_every_owner(k: Any, fdesc: str) -> None:
    ends = k.sys.pipe()
    reader = k.sys.open(f"{fdesc}/fd/{ends.rfd}", os.O_RDONLY)
    k.sys.write(ends.wfd, b"through")
    assert k.sys.read(reader, 9) == b"through"
    assert code(k.sys.open, f"{fdesc}/fd/{ends.wfd}", os.O_RDONLY) == "EACCES"
    out = k.sys.open(f"{fdesc}/stdout", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    assert k.sys.write(out, b"to the console\n") == 15
    pair = k.sys.socketpair(rump.AF_LOCAL, rump.SOCK_STREAM, 0)
    assert stat.S_ISSOCK(k.sys.stat(f"{fdesc}/fd/{pair[0]}").st_mode)
    for fd in (*ends, reader, out, *pair):
        k.sys.close(fd)


def test_the_list_is_the_callers(connect: Any, fdesc: str) -> None:
    k, other = connect(), connect()
    assert names(k, fdesc) == {b"fd", b"stdin", b"stdout", b"stderr", b"tty"}
    fd = k.sys.open("/dev/null", os.O_RDONLY)
    listing = len(names(other, f"{fdesc}/fd")), len(names(k, f"{fdesc}/fd"))
    assert listing == (4, 5)  # and the directory that is read
    assert k.sys.readlink(f"{fdesc}/stderr") == b"fd/2"
    assert code(k.sys.open, f"{fdesc}/tty", os.O_RDONLY) == "ENXIO"
    assert code(k.sys.unlink, f"{fdesc}/fd/{fd}") == "EPERM"
    assert code(k.sys.chmod, f"{fdesc}/fd/{fd}", 0o600) == "EACCES"
    k.sys.close(fd)


def test_in_a_batch(k: Any, folder: str, fdesc: str) -> None:
    write_file(k, f"{folder}/f", b"contents")
    fd = k.sys.open(f"{folder}/f", os.O_RDWR)
    with k.batch() as b:
        dup = b.open(f"{fdesc}/fd/{fd}", os.O_RDWR)
        data = b.read(dup, 4)
        b.close(dup)
        size = b.fstat(fd)
    assert (data.result(), size.result().st_size) == (b"cont", 8)
    assert k.sys.read(fd, 9) == b"ents"
    with k.batch(keep_going=True) as b:
        bad = b.open(f"{fdesc}/fd/{fd}", os.O_RDWR | os.O_DIRECTORY)
        dup = b.open(f"{fdesc}/fd/{fd}", os.O_RDWR)
        written = b.pwrite(dup, b"C", 0)
        after = b.open(f"{folder}/f", os.O_RDONLY)
        read_back = b.read(after, 1)
        b.close(after)
        b.close(dup)
    assert code(bad.result) == "ENOTDIR"
    assert (written.result(), read_back.result()) == (1, b"C")
    k.sys.close(fd)
    assert code(k.sys.fstat, dup.result()) == "EBADF"


def test_ptyfs(k: Any, folder: str) -> None:
    pts = f"{folder}/pts"
    k.sys.mkdir(pts)
    k.sys.mount("ptyfs", pts, gid=7, mode="600")
    before = names(k, pts)
    pair = new(k)
    assert pair.sn == os.fsencode(f"{pts}/{pair.unit}")
    assert names(k, pts) - before == {b"%d" % pair.unit}
    st = k.sys.stat(pair.sn)
    assert (stat.S_ISCHR(st.st_mode), stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid) == (True, 0o600, 0, 7)
    assert k.sys.fstat(pair.sfd).st_ino == st.st_ino
    again = k.sys.open(pair.sn, os.O_RDWR)
    k.sys.write(again, b"x")
    assert k.sys.read(pair.cfd, 9) == b"x"
    k.sys.chmod(pair.sn, 0o622)
    k.sys.chown(pair.sn, 5, 6)
    st = k.sys.stat(pair.sn)
    assert (stat.S_IMODE(st.st_mode), st.st_uid, st.st_gid) == (0o622, 5, 6)
    assert code(k.sys.unlink, pair.sn) == "EPERM"
    assert code(k.sys.stat, f"{pts}/0{pair.unit}") == code(k.sys.stat, f"{pts}/987") == "ENOENT"
    for fd in (again, pair.cfd, pair.sfd):
        k.sys.close(fd)
    assert names(k, pts) == before
    assert code(k.sys.stat, pair.sn) == "ENOENT"
    k.sys.unmount(pts)
    assert code(k.sys.mount, "ptyfs", pts, mode="9") == "EINVAL"
    assert code(k.sys.mount, "ptyfs", pts, what="ever") == "EINVAL"


def test_revoking_through_a_layer(k: Any, folder: str) -> None:
    """fs/ptyfs nullrevoke."""
    for name in ("pts", "over"):
        k.sys.mkdir(f"{folder}/{name}")
    k.sys.mount("ptyfs", f"{folder}/pts")
    k.sys.mount("nullfs", f"{folder}/over", device=f"{folder}/pts")
    pair = new(k)
    above = k.sys.open(f"{folder}/over/{pair.unit}", os.O_RDWR)
    k.sys.revoke(f"{folder}/over/{pair.unit}")
    for fd in (above, pair.sfd):
        assert code(k.sys.write, fd, b"x") == "EIO"
    assert k.sys.read(pair.cfd, 9) == b""
    for fd in (above, pair.sfd, pair.cfd):
        k.sys.close(fd)
    k.sys.unmount(f"{folder}/over")
    k.sys.unmount(f"{folder}/pts")
