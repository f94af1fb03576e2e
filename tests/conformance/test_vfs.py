"""vfs: names, files and mounts, over all placements. Every rule in depth is tested in tests/unit/vfs."""

from __future__ import annotations

import os
import stat
import threading
from typing import Any

import rump
from rumpwire.packed import attributes
from rumpwire.packed import records as packed_records
from tests.conformance.test_descriptors import code, write_file


def names(k: Any, path: str) -> set[bytes]:
    fd = k.sys.open(path, os.O_RDONLY)
    found: set[bytes] = set()
    while entries := k.sys.getdents(fd, 4096):
        found |= {e.d_name for e in entries}
    k.sys.close(fd)
    return found - {b".", b".."}


def test_files_and_directories(k: Any, folder: str) -> None:
    k.sys.mkdir(f"{folder}/d", 0o750)
    write_file(k, f"{folder}/d/f", b"hello")
    st = k.sys.stat(f"{folder}/d/f")
    assert (st.st_size, stat.S_IFMT(st.st_mode), stat.S_IMODE(st.st_mode), st.st_nlink) == (5, stat.S_IFREG, 0o644, 1)
    assert names(k, f"{folder}/d") == {b"f"}
    k.sys.link(f"{folder}/d/f", f"{folder}/g")
    k.sys.rename(f"{folder}/g", f"{folder}/h")
    assert k.sys.stat(f"{folder}/h").st_nlink == 2
    k.sys.unlink(f"{folder}/d/f")
    assert code(k.sys.rmdir, folder) == "ENOTEMPTY"
    k.sys.rmdir(f"{folder}/d")
    assert names(k, folder) == {b"h"}


def test_symbolic_links(k: Any, folder: str) -> None:
    write_file(k, f"{folder}/f", b"x")
    k.sys.symlink("f", f"{folder}/l")
    k.sys.symlink(f"{folder}/l", f"{folder}/ll")
    k.sys.symlink("loop", f"{folder}/loop")
    assert k.sys.readlink(f"{folder}/l", 100) == b"f"
    assert k.sys.stat(f"{folder}/ll").st_ino == k.sys.stat(f"{folder}/f").st_ino
    assert stat.S_ISLNK(k.sys.lstat(f"{folder}/ll").st_mode)
    assert code(k.sys.stat, f"{folder}/loop") == "ELOOP"
    assert code(k.sys.open, f"{folder}/l", os.O_RDONLY | os.O_NOFOLLOW) in ("ELOOP", "EMLINK", "EFTYPE", "EINVAL")


def test_sparse_files(k: Any, folder: str) -> None:
    fd = k.sys.open(f"{folder}/s", os.O_RDWR | os.O_CREAT, 0o644)
    k.sys.pwrite(fd, b"end", 1 << 30)
    assert k.sys.fstat(fd).st_size == (1 << 30) + 3
    assert k.sys.fstat(fd).st_blocks * 512 < 1 << 20
    assert k.sys.pread(fd, 4, 1 << 20) == b"\0\0\0\0"
    assert k.sys.lseek(fd, 0, os.SEEK_DATA) > (1 << 30) - (1 << 20)
    k.sys.ftruncate(fd, 5)
    assert k.sys.pread(fd, 100, 0) == b"\0" * 5


def test_unlinked_files_live_while_they_are_open(k: Any, folder: str) -> None:
    fd = k.sys.open(f"{folder}/f", os.O_RDWR | os.O_CREAT, 0o644)
    k.sys.write(fd, b"still here")
    k.sys.unlink(f"{folder}/f")
    assert k.sys.pread(fd, 100, 0) == b"still here"
    assert k.sys.fstat(fd).st_nlink == 0


def test_permissions(k: Any, connect: Any, folder: str) -> None:
    write_file(k, f"{folder}/secret", b"s")
    k.sys.chmod(f"{folder}/secret", 0o600)
    k.sys.mkdir(f"{folder}/closed", 0o700)
    user = connect()
    user.sys.setgid(20)
    user.sys.setgroups([20])
    user.sys.setuid(1000)
    assert code(user.sys.open, f"{folder}/secret", os.O_RDONLY) == "EACCES"
    assert code(user.sys.stat, f"{folder}/closed/x") == "EACCES"
    assert code(user.sys.unlink, f"{folder}/secret") == "EACCES"
    assert code(user.sys.chmod, f"{folder}/secret", 0o777) == "EPERM"
    assert code(user.sys.mkdir, f"{folder}/mine", 0o755) == "EACCES"
    k.sys.chown(f"{folder}/secret", 1000, 20)
    assert user.sys.read(user.sys.open(f"{folder}/secret", os.O_RDONLY), 10) == b"s"


def test_umask(connect: Any, folder: str) -> None:
    k = connect()
    assert k.sys.umask(0o027) == 0o022
    fd = k.sys.open(f"{folder}/u", os.O_WRONLY | os.O_CREAT, 0o666)
    assert stat.S_IMODE(k.sys.fstat(fd).st_mode) == 0o640


def test_working_directory(connect: Any, folder: str) -> None:
    k = connect()
    k.sys.mkdir(f"{folder}/w", 0o755)
    k.sys.chdir(f"{folder}/w")
    assert k.sys.getcwd() == f"{folder}/w".encode()
    write_file(k, "rel", b"1")
    assert k.sys.stat(f"{folder}/w/rel").st_size == 1
    assert k.sys.stat("../w/./rel").st_size == 1
    up = k.sys.open("..", os.O_RDONLY)
    k.sys.fchdir(up)
    assert k.sys.getcwd() == folder.encode()
    assert code(k.sys.chdir, "w/rel") == "ENOTDIR"
    assert code(k.sys.chdir, "none") == "ENOENT"


def test_chroot_has_no_way_out(connect: Any, folder: str) -> None:
    k = connect()
    k.sys.mkdir(f"{folder}/jail", 0o755)
    k.sys.mkdir(f"{folder}/jail/in", 0o755)
    write_file(k, f"{folder}/outside", b"o")
    k.sys.symlink("/outside", f"{folder}/jail/out")
    k.sys.chroot(f"{folder}/jail")
    assert k.sys.stat("/in").st_nlink >= 2
    assert code(k.sys.stat, "/../outside") == "ENOENT"
    assert code(k.sys.stat, "/in/../../outside") == "ENOENT"
    assert code(k.sys.stat, "/out") == "ENOENT"
    assert code(k.sys.stat, "../outside") == "ENOENT"
    assert k.sys.getcwd() == b"/"


def test_at_calls(k: Any, folder: str) -> None:
    d = k.sys.open(folder, os.O_RDONLY)
    k.sys.mkdirat(d, "sub", 0o755)
    fd = k.sys.openat(d, "sub/f", os.O_WRONLY | os.O_CREAT, 0o644)
    k.sys.close(fd)
    assert k.sys.fstatat(d, "sub/f", 0).st_size == 0
    k.sys.renameat(d, "sub/f", d, "g")
    k.sys.linkat(d, "g", d, "h", 0)
    k.sys.symlinkat("g", d, "s")
    assert k.sys.readlinkat(d, "s", 10) == b"g"
    k.sys.unlinkat(d, "sub", rump.AT_REMOVEDIR)
    assert names(k, folder) == {b"g", b"h", b"s"}
    assert k.sys.fstatat(rump.AT_FDCWD, folder, 0).st_ino == k.sys.fstat(d).st_ino


def test_times(k: Any, folder: str) -> None:
    write_file(k, f"{folder}/t", b"")
    k.sys.utimes(f"{folder}/t", rump.Timespec(100, 500000000), rump.Timespec(200, 250000000))
    st = k.sys.stat(f"{folder}/t")
    assert (st.st_atime_ns, st.st_mtime_ns) == (100_500_000_000, 200_250_000_000)
    assert st.st_mtime == 200.25


def test_tmpfs_mounts(k: Any, folder: str) -> None:
    k.sys.mkdir(f"{folder}/m", 0o755)
    write_file(k, f"{folder}/m/below", b"")
    k.sys.mount("tmpfs", f"{folder}/m")
    assert names(k, f"{folder}/m") == set()
    write_file(k, f"{folder}/m/inside", b"x")
    assert any(s.f_mntonname == f"{folder}/m".encode() for s in k.sys.getvfsstat(0))
    assert code(k.sys.rename, f"{folder}/m/inside", f"{folder}/x") == "EXDEV"
    fd = k.sys.open(f"{folder}/m/inside", os.O_RDONLY)
    assert code(k.sys.unmount, f"{folder}/m", 0) == "EBUSY"
    k.sys.close(fd)
    k.sys.unmount(f"{folder}/m", 0)
    assert names(k, f"{folder}/m") == {b"below"}
    assert code(k.sys.mount, "nosuchfs", f"{folder}/m") == "ENODEV"


def test_devices(k: Any) -> None:
    null = k.sys.open("/dev/null", os.O_RDWR)
    assert k.sys.read(null, 100) == b""
    assert k.sys.write(null, b"gone") == 4
    zero = k.sys.open("/dev/zero", os.O_RDONLY)
    assert k.sys.read(zero, 1000) == bytes(1000)
    full = k.sys.open("/dev/full", os.O_WRONLY)
    assert code(k.sys.write, full, b"x") == "ENOSPC"
    random = k.sys.open("/dev/urandom", os.O_RDONLY)
    assert k.sys.read(random, 32) != k.sys.read(random, 32)
    assert stat.S_ISCHR(k.sys.fstat(null).st_mode)


def test_a_memory_disk(k: Any) -> None:
    k.pub.md_create(0, 1 << 20)
    fd = k.sys.open("/dev/md0d", os.O_RDWR)
    k.sys.pwrite(fd, b"sector", 512)
    assert k.sys.pread(fd, 6, 512) == b"sector"
    assert code(k.pub.md_destroy, 0) == "EBUSY"
    k.sys.close(fd)
    k.pub.md_destroy(0)
    assert code(k.sys.open, "/dev/md0d", os.O_RDWR) == "ENXIO"


def test_fifos(k: Any, connect: Any, folder: str) -> None:
    other = connect()
    k.sys.mkfifo(f"{folder}/p", 0o600)
    assert code(k.sys.open, f"{folder}/p", os.O_WRONLY | os.O_NONBLOCK) == "ENXIO"
    got: list[bytes] = []

    def read() -> None:
        fd = other.sys.open(f"{folder}/p", os.O_RDONLY)
        got.append(other.sys.read(fd, 100))
        got.append(other.sys.read(fd, 100))

    reader = threading.Thread(target=read)
    reader.start()
    fd = k.sys.open(f"{folder}/p", os.O_WRONLY)
    k.sys.write(fd, b"through")
    k.sys.close(fd)
    reader.join(10)
    assert got == [b"through", b""]


def test_host_files_by_etfs(k: Any, tmp_path: Any) -> None:
    host = tmp_path / "host.bin"
    host.write_bytes(b"from the host" + bytes(1000))
    k.pub.etfs_register("/hostfile", str(host), type="reg")
    fd = k.sys.open("/hostfile", os.O_RDWR)
    assert k.sys.read(fd, 13) == b"from the host"
    k.sys.pwrite(fd, b"TO", 5)
    k.sys.fsync(fd)
    assert host.read_bytes()[:13] == b"from TOe host"
    assert code(k.pub.etfs_remove, "/hostfile") == "EBUSY"
    k.sys.close(fd)
    k.pub.etfs_remove("/hostfile")
    assert code(k.sys.open, "/hostfile", os.O_RDONLY) == "ENOENT"
    assert code(k.pub.etfs_register, "/nohost", str(tmp_path / "none"), type="reg") == "ENOENT"
    assert code(k.pub.etfs_register, "relative", str(host), type="reg") == "EINVAL"


def test_too_long_names(k: Any, folder: str) -> None:
    assert code(k.sys.mkdir, f"{folder}/{'x' * 600}", 0o755) == "ENAMETOOLONG"
    assert code(k.sys.stat, "/" + "a/" * 1000) == "ENAMETOOLONG"
    assert code(k.sys.stat, "") == "ENOENT"


def plain(st: Any) -> Any:
    """Without the time of access, which reading a directory changes."""
    return st._replace(st_atime_ns=0)


def test_entries_with_attributes_are_what_fstatat_gives(k: Any, folder: str) -> None:
    write_file(k, f"{folder}/f", b"hello")
    k.sys.link(f"{folder}/f", f"{folder}/hard")
    k.sys.symlink("nowhere", f"{folder}/dangling")
    k.sys.mkfifo(f"{folder}/fifo", 0o600)
    for name in ("d", "mnt"):
        k.sys.mkdir(f"{folder}/{name}", 0o700)
    k.sys.mount("tmpfs", f"{folder}/mnt")
    fd = k.sys.open(folder, os.O_RDONLY)
    try:
        expected = []
        while entries := k.sys.getdents(fd, 4096):
            expected += [(e, k.sys.fstatat(fd, e.d_name, rump.AT_SYMLINK_NOFOLLOW)) for e in entries]
        k.sys.lseek(fd, 0, os.SEEK_SET)
        found = []
        while some := k.pub.getdents_stat(fd, 100):
            assert len(some) < len(expected), "about as many bytes as are asked for"
            found += [(e.entry, e.st) for e in some]
        assert [(e, plain(st)) for e, st in found] == [(e, plain(st)) for e, st in expected]
        k.sys.lseek(fd, 0, os.SEEK_SET)
        data = b"".join(iter(lambda: k.pub.getdents_packed(fd, 100), b""))
        records = [(r.fileno, r.dtype, r.name, plain(attributes(data, r.at))) for r in packed_records(data)]
        assert records == [(e.d_fileno, e.d_type, e.d_name, plain(st)) for e, st in expected]
        k.sys.lseek(fd, 0, os.SEEK_SET)
        assert code(k.pub.getdents_packed, fd, 1) == "EINVAL"
        assert code(k.pub.getdents_stat, fd, 1) == "EINVAL"
    finally:
        k.sys.unmount(f"{folder}/mnt", 0)
        k.sys.close(fd)
    file = k.sys.open(f"{folder}/f", os.O_RDONLY)
    assert code(k.pub.getdents_stat, file) == "ENOTDIR"
    assert code(k.pub.getdents_stat, 99) == "EBADF"
    k.sys.close(file)


def test_a_directory_that_may_be_read_and_not_searched_has_no_attributes(k: Any, folder: str) -> None:
    k.sys.mkdir(f"{folder}/d", 0o755)
    write_file(k, f"{folder}/d/f", b"x")
    k.sys.chmod(f"{folder}/d", 0o744)
    with k.fork() as user:
        user.sys.setuid(1000)
        fd = user.sys.open(f"{folder}/d", os.O_RDONLY)
        assert {e.entry.d_name: e.st for e in user.pub.getdents_stat(fd)}[b"f"] is None
        user.sys.lseek(fd, 0, os.SEEK_SET)
        assert {r.name: r.at for r in packed_records(user.pub.getdents_packed(fd))}[b"f"] == -1
        (entry,) = rump.fs.Tree(user, folder).scandir("d")
        assert code(entry.stat) == "EACCES"


def test_attributes_of_a_directory_longer_than_a_message(k: Any, folder: str) -> None:
    for at in range(0, 2500, 250):
        with k.batch() as b:
            for number in range(at, at + 250):
                b.close(b.open(f"{folder}/{number}", os.O_CREAT | os.O_WRONLY, 0o600 + number % 8))
    entries = rump.fs.Tree(k, folder).scandir("/")
    assert len(entries) == 2500
    assert all(entry.stat().st_mode & 5 == int(entry.name) & 5 for entry in entries)
    k.sys.unlink(f"{folder}/7")
    k.sys.rename(f"{folder}/9", f"{folder}/8")
    later = {entry.name: entry for entry in rump.fs.Tree(k, folder).scandir("/", attributes=True)}
    assert len(later) == 2498
    assert later["8"].stat().st_mode & 5 == 1
    assert "7" not in later
