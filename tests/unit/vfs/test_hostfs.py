"""Directories of the host, against the host itself."""

from __future__ import annotations

import os
import socket
import stat
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rumpuser.component import Context
from rumpuser.hostfiles import SystemFiles
from rumpvfs.fs.nullfs import FILE_SYSTEM as NULLFS
from rumpwire import const
from rumpwire.const import AT_FDCWD
from rumpwire.errno import Errno
from rumpwire.values import DiskArgs
from tests.unit.vfs.kit import Kit, fails, user

NOBODY = 65534


@pytest.fixture
def top(tmp_path: Path) -> Path:
    folder = tmp_path / "top"
    (folder / "sub").mkdir(parents=True)
    (folder / "one").write_bytes(b"1")
    (folder / "sub/two").write_bytes(b"2")
    return folder


@pytest.fixture
def k(top: Path) -> Kit:
    return kit_of(top)


def kit_of(top: Path) -> Kit:
    kit = Kit(SystemFiles())  # type: ignore[arg-type]
    kit.etfs_register(b"/host", os.fsencode(top), const.RUMP_ETFS_DIR_SUBDIRS)
    return kit


def test_names_are_made_moved_and_taken_away(k: Kit, top: Path) -> None:
    assert sorted(k.ls(b"/host")) == [b".", b"..", b"one", b"sub"]
    k.mkdir(b"/host/d", 0o750)
    k.put(b"/host/d/f", b"contents")
    assert (top / "d/f").read_bytes() == b"contents"
    assert stat.S_IMODE((top / "d").stat().st_mode) == 0o750
    k.symlink(b"f", b"/host/d/l")
    assert (os.readlink(top / "d/l"), k.get(b"/host/d/l")) == ("f", b"contents")
    k.link(b"/host/d/f", b"/host/sub/g")
    assert (top / "sub/g").samefile(top / "d/f")
    assert k.stat(b"/host/sub/g").st_nlink == 2
    k.rename(b"/host/d", b"/host/sub/e")
    with fails(Errno.EINVAL):
        k.rename(b"/host/sub", b"/host/sub/e/x")
    with fails(Errno.ENOTEMPTY):
        k.rmdir(b"/host/sub/e")
    with fails(Errno.EEXIST):
        k.mkdir(b"/host/one", 0o755)
    with fails(Errno.EXDEV):
        k.rename(b"/host/one", b"/tmp/one")
    with k.as_(Context(cwd=k.dir_hold(AT_FDCWD, b"/host/sub/e"))):
        assert k.getcwd(100) == b"/host/sub/e"
        assert k.get(b"../two") + k.get(b"../../one") == b"21"
        k.mkdir(b"../../../tmp/outside", 0o755)
    for name in (b"e/f", b"e/l", b"g", b"two"):
        k.unlink(b"/host/sub/" + name)
    k.rmdir(b"/host/sub/e")
    k.rmdir(b"/host/sub")
    assert os.listdir(top) == ["one"]
    k.mknod(b"/host/fifo", const.S_IFIFO | 0o600, 0)
    assert stat.S_ISFIFO((top / "fifo").stat().st_mode)
    with fails(Errno.EOPNOTSUPP):
        k.mknod(b"/host/null", const.S_IFCHR | 0o600, const.makedev(2, 2))


def test_contents_and_attributes(k: Kit, top: Path) -> None:
    fd = k.open(b"/host/one", const.O_RDWR, None)
    assert k.pwrite(fd, b"abc", 10) == 3
    assert (top / "one").read_bytes() == b"1" + bytes(9) + b"abc"
    k.ftruncate(fd, 2)
    with (top / "one").open("ab") as host:
        host.write(b"more")
    assert bytes(k.pread(fd, 100, 0)) == b"1\0more"
    assert k.fstat(fd).st_size == 6
    os.truncate(top / "one", 1)
    assert bytes(k.pread(fd, 100, 0)) == b"1"
    k.fsync(fd)
    k.unlink(b"/host/one")
    (top / "one").write_bytes(b"another")
    assert bytes(k.pread(fd, 100, 0)) + k.get(b"/host/one") == b"1another"
    k.close(fd)
    k.chmod(b"/host/one", 0o640)
    k.utimensat(AT_FDCWD, b"/host/one", _at(5), _at(7), 0)
    st = (top / "one").stat()
    assert (stat.S_IMODE(st.st_mode), st.st_atime, st.st_mtime) == (0o640, 5, 7)
    ours = k.attributes(b"/host/one")
    assert (ours.st_mode, ours.st_mtime_ns, ours.st_uid) == (st.st_mode, st.st_mtime_ns, st.st_uid)
    with fails(Errno.EOPNOTSUPP):
        k.chflags(b"/host/one", const.UF_IMMUTABLE)
    space = k.statvfs1(b"/host/sub", 0)
    assert (space.f_fstypename, space.f_mntonname, space.f_blocks) == ("hostfs", b"/host", os.statvfs(top).f_blocks)
    k.truncate(b"/host/one", 3)
    assert (top / "one").read_bytes() == b"ano"


def _at(seconds: int) -> Any:
    from rumpwire.values import Timespec

    return Timespec(seconds, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owners_are_those_of_the_host(k: Kit, top: Path) -> None:
    k.chown(b"/host/one", 5, 6)
    assert ((top / "one").stat().st_uid, (top / "one").stat().st_gid) == (5, 6)
    os.chmod(top / "sub", 0o777)
    with k.as_(user(7, 8)):
        k.put(b"/host/sub/mine", b"x")
        with fails(Errno.EACCES):
            k.put(b"/host/two", b"")
        with fails(Errno.EPERM):
            k.chmod(b"/host/sub/mine", 0o4755)  # on the host it would be one of user 7 there
    st = (top / "sub/mine").stat()
    assert (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)) == (7, (top / "sub").stat().st_gid, 0o644)
    k.chmod(b"/host/sub", 0o2755)
    assert stat.S_IMODE((top / "sub").stat().st_mode) == 0o2755
    k.symlink(b"x", b"/host/l")
    k.lchown(b"/host/l", 5, 6)
    assert os.lstat(top / "l").st_uid == 5


def as_nobody(check: Callable[[], None]) -> None:
    """Runs a check in a process of another host user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the child makes only what it uses itself
        child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            check()
        except BaseException:  # noqa: BLE001  whatever it is, the parent is told
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_the_host_refuses_comes_through(top: Path, tmp_path: Path) -> None:
    """vfs as another user than the owner of some of the files. In the kernel root may do anything."""
    os.chmod(top / "one", 0o600)
    os.chmod(top, 0o777)
    above = tmp_path
    while (found := above.stat()).st_uid == os.geteuid() and above != above.parent:
        if found.st_mode & 0o005 != 0o005:
            os.chmod(above, stat.S_IMODE(found.st_mode) | 0o055)
        above = above.parent
    os.chmod(top, 0o777)

    def check() -> None:
        k = kit_of(top)
        k.put(b"/host/new", b"x")
        assert k.attributes(b"/host/new").st_uid == os.geteuid()
        if top.stat().st_uid == os.geteuid():
            return
        with fails(Errno.EACCES):
            k.get(b"/host/one")
        with fails(Errno.EACCES):
            k.open(b"/host/sub/two", const.O_RDWR, None)
        assert k.get(b"/host/sub/two") == b"2"
        with fails(Errno.EACCES):
            k.put(b"/host/sub/new", b"")
        for change in (k.chmod, lambda path, mode: k.chown(path, mode, -1)):
            with fails(Errno.EPERM):
                change(b"/host/sub/two", 0o600)
        with fails(Errno.EPERM):
            k.chown(b"/host/new", 5, 5)
        k.chmod(b"/host/new", 0o600)
        with fails(Errno.EACCES):
            k.rename(b"/host/sub/two", b"/host/two")
        with k.as_(user(os.geteuid())):
            k.unlink(b"/host/new")

    as_nobody(check)


def test_nothing_leads_out(k: Kit, top: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"of the host")
    k.put(b"/tmp/inside", b"of the kernel")
    os.symlink(secret, top / "absolute")
    os.symlink("../secret", top / "relative")
    os.symlink("/tmp/inside", top / "kernel")
    os.symlink(tmp_path, top / "folder")
    for name in (b"absolute", b"relative", b"folder/secret", b"../secret", b"sub/../../secret"):
        with fails(Errno.ENOENT):
            k.get(b"/host/" + name)
    assert k.get(b"/host/kernel") == b"of the kernel"
    with fails(Errno.ENOENT):
        k.put(b"/host/absolute/x", b"")
    for name in (b"absolute", b"relative"):
        k.put(b"/host/" + name + b"x", b"")
        k.unlink(b"/host/" + name)
    assert secret.read_bytes() == b"of the host"
    k.dir_hold(AT_FDCWD, b"/host/sub")
    with k.as_(Context(cwd=k.dir_hold(AT_FDCWD, b"/host/sub"))):
        os.rename(top / "sub", tmp_path / "moved")
        os.symlink(tmp_path, top / "sub")
        assert k.get(b"two") == b"2"
        with fails(Errno.ENOENT):
            k.get(b"../secret")
        with fails(Errno.ENOENT):
            k.getcwd(100)
    node = SystemFiles().node(os.fsencode(top))
    for name in (b"", b".", b"..", b"../secret", b"a/b", b"a\0"):
        with fails(Errno.EINVAL):
            node.child(name)
        with fails(Errno.EINVAL):
            node.create(name, stat.S_IFREG | 0o600, 0, 0)


def test_listing_a_directory_that_is_being_emptied(k: Kit, top: Path) -> None:
    for i in range(500):
        (top / f"sub/a-name-of-some-length-{i}").touch()
    fd = k.open(b"/host/sub", const.O_RDONLY, None)
    seen = []
    while entries := k.getdents(fd, 2048):
        for entry in entries:
            if entry.d_name not in (b".", b".."):
                seen.append(entry.d_name)
                k.unlink(b"/host/sub/" + entry.d_name)
    assert len(seen) == len(set(seen)) == 501
    k.close(fd)
    k.rmdir(b"/host/sub")


def test_other_kinds_of_files(k: Kit, top: Path) -> None:
    os.mkfifo(top / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.relpath(top / "socket"))
    listener.close()
    assert stat.S_ISSOCK(k.attributes(b"/host/socket").st_mode)
    with fails(Errno.ENXIO):
        k.open(b"/host/fifo", const.O_WRONLY | const.O_NONBLOCK, None)  # nobody in the kernel reads it
    if os.geteuid() == 0:
        os.mknod(top / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
        with fails(Errno.ENXIO):
            k.open(b"/host/zero", const.O_RDONLY, None)


def test_without_the_directories_below(k: Kit, top: Path) -> None:
    k.etfs_register(b"/deep/er/flat", os.fsencode(top), const.RUMP_ETFS_DIR)
    assert sorted(k.ls(b"/deep/er/flat")) == [b".", b"..", b"one"]
    for path in (b"/deep/er/flat/sub", b"/deep/er/flat/sub/two"):
        with fails(Errno.ENOENT):
            k.stat(path)
    with fails(Errno.EOPNOTSUPP):
        k.mkdir(b"/deep/er/flat/new", 0o755)
    k.put(b"/deep/er/flat/three", b"3")
    assert k.get(b"/host/three") == b"3"
    with fails(Errno.EXDEV):
        k.rename(b"/deep/er/flat/three", b"/host/four")


def test_registering_and_removing(k: Kit, top: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with fails(Errno.EEXIST):
        k.etfs_register(b"/host", os.fsencode(top), const.RUMP_ETFS_DIR)
    for call in (k.unlink, k.rmdir):
        with fails(Errno.EOPNOTSUPP):
            call(b"/host")
    with fails(Errno.EINVAL):
        k.unmount(b"/host", 0)
    fd = k.open(b"/host/one", const.O_RDWR, None)
    with fails(Errno.EBUSY):
        k.etfs_remove(b"/host")
    with fails(Errno.EBUSY):
        k.mount("", b"/host", const.MNT_UPDATE | const.MNT_RDONLY, None)
    k.close(fd)
    k.mount("", b"/host", const.MNT_UPDATE | const.MNT_RDONLY, None)
    with fails(Errno.EROFS):
        k.unlink(b"/host/one")
    k.component.add_filesystem(NULLFS)
    k.mkdir(b"/n", 0o755)
    k.mount("nullfs", b"/n", 0, DiskArgs(b"/host/sub"))
    assert k.get(b"/n/two") == b"2"
    with fails(Errno.EBUSY):
        k.etfs_remove(b"/host")
    k.unmount(b"/n", 0)
    k.mount("tmpfs", b"/host/sub", 0, None)
    k.put(b"/host/sub/over", b"")
    assert k.ls(b"/host/sub") == [b".", b"..", b"over"]
    k.unmount(b"/host/sub", 0)
    k.etfs_remove(b"/host")
    with fails(Errno.ENOENT):
        k.stat(b"/host")
    assert len(os.listdir("/proc/self/fd")) < before
    (top / "sub/two").unlink()
    with fails(Errno.ENOTDIR):
        k.etfs_register(b"/host", os.fsencode(top / "one"), const.RUMP_ETFS_DIR)
