"""Open files: offsets, flags, holes, directories, fifos, devices, permissions, attributes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpuser.component import Context
from rumpuser.pending import Running
from rumpvfs.fs.tmpfs.store import CHUNK, Store
from rumpwire import const
from rumpwire.const import AT_FDCWD, O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgsInteger, Timespec
from tests.unit.vfs.kit import FakeDev, Kit, fails, user


@pytest.fixture
def k() -> Kit:
    return Kit()


def opened(k: Kit, path: bytes = b"/f", flags: int = O_RDWR | O_CREAT, mode: int = 0o644) -> int:
    fd = k.open(path, flags, mode)
    assert isinstance(fd, int)
    return fd


# -- data


def test_offset_is_of_the_description(k: Kit) -> None:
    fd = opened(k)
    assert k.write(fd, b"hello world") == 11
    assert k.lseek(fd, 0, const.SEEK_SET) == 0
    assert (bytes(k.read(fd, 5)), bytes(k.read(fd, 100)), bytes(k.read(fd, 1))) == (b"hello", b" world", b"")
    assert bytes(k.pread(fd, 3, 6)) == b"wor"
    assert k.pwrite(fd, b"W", 6) == 1
    assert k.lseek(fd, -5, const.SEEK_CUR) == 6
    assert bytes(k.readv(fd, [1, 2])) == b"Wor"
    assert k.writev(fd, [b"LD", b"!"]) == 3
    assert bytes(k.preadv(fd, [4, 100], 0)) == b"hello WorLD!"
    assert k.pwritev(fd, [b"a", b"b"], 0) == 2
    assert k.ioctl(fd, const.FIONREAD, None).data == IoctlArgsInteger(0)
    assert k.lseek(fd, 2, const.SEEK_END) == 14
    k.write(fd, b"")
    assert k.fstat(fd).st_size == 12
    k.write(fd, b"x")
    assert k.get(b"/f") == b"abllo WorLD!\0\0x"


def test_a_handle_is_gone_after_close(k: Kit) -> None:
    fd = opened(k)
    k.close(fd)
    for call in (lambda: k.read(fd, 1), lambda: k.close(fd), lambda: k.fstat(fd), lambda: k.lseek(fd, 0, 0)):
        with fails(Errno.EBADF):
            call()
    assert opened(k) != fd


def test_reads_of_a_chunk_are_views(k: Kit) -> None:
    fd = opened(k)
    k.write(fd, bytes(range(256)) * 512)
    assert isinstance(k.pread(fd, CHUNK, CHUNK), memoryview)
    assert bytes(k.pread(fd, 1 << 40, 1)) == (bytes(range(256)) * 512)[1:]


def test_append(k: Kit) -> None:
    k.put(b"/f", b"abc")
    fd = k.open(b"/f", O_WRONLY | const.O_APPEND, None)
    k.write(fd, b"d")
    k.pwrite(fd, b"e", 0)
    assert k.get(b"/f") == b"abcde"
    assert k.fcntl(fd, const.F_GETFL, 0, None).value == O_WRONLY | const.O_APPEND
    k.fcntl(fd, const.F_SETFL, O_NONBLOCK, None)
    assert k.fcntl(fd, const.F_GETFL, 0, None).value == O_WRONLY | O_NONBLOCK
    k.pwrite(fd, b"A", 0)
    k.ioctl(fd, const.FIONBIO, IoctlArgsInteger(0))
    assert k.fcntl(fd, const.F_GETFL, 0, None).value == O_WRONLY
    assert k.get(b"/f") == b"Abcde"


def test_refusals_of_open_files(k: Kit) -> None:
    k.put(b"/f", b"abc")
    r, w = k.open(b"/f", O_RDONLY, None), k.open(b"/f", O_WRONLY, None)
    d = k.open(b"/tmp", O_RDONLY, None)
    for errno, call in [
        (Errno.EBADF, lambda: k.write(r, b"x")),
        (Errno.EBADF, lambda: k.pwrite(r, b"x", 0)),
        (Errno.EBADF, lambda: k.read(w, 1)),
        (Errno.EBADF, lambda: k.pread(w, 1, 0)),
        (Errno.EBADF, lambda: k.fdatasync(r)),
        (Errno.EBADF, lambda: k.posix_fallocate(r, 0, 1)),
        (Errno.EINVAL, lambda: k.ftruncate(r, 0)),
        (Errno.EINVAL, lambda: k.ftruncate(w, -1)),
        (Errno.EINVAL, lambda: k.truncate(b"/f", -1)),
        (Errno.EINVAL, lambda: k.pread(r, 1, -1)),
        (Errno.EINVAL, lambda: k.pwrite(w, b"x", -1)),
        (Errno.EINVAL, lambda: k.lseek(r, -1, const.SEEK_SET)),
        (Errno.EINVAL, lambda: k.lseek(r, 0, 9)),
        (Errno.EINVAL, lambda: k.readv(r, [1] * 1025)),
        (Errno.EINVAL, lambda: k.writev(w, [b""] * 1025)),
        (Errno.EINVAL, lambda: k.fcntl(r, 99, 0, None)),
        (Errno.EINVAL, lambda: k.fsync_range(w, 0, -1, 1)),
        (Errno.EINVAL, lambda: k.posix_fallocate(w, 0, 0)),
        (Errno.EOVERFLOW, lambda: k.lseek(r, (1 << 63) - 1, const.SEEK_END)),
        (Errno.EFBIG, lambda: k.pwrite(w, b"xy", (1 << 63) - 2)),
        (Errno.EFBIG, lambda: k.fdiscard(w, (1 << 63) - 1, 5)),
        (Errno.ENOTTY, lambda: k.ioctl(r, 12345, None)),
        (Errno.ENOTDIR, lambda: k.getdents(r, 4096)),
        (Errno.EINVAL, lambda: k.getdents(d, 15)),
        (Errno.EISDIR, lambda: k.read(d, 1)),
        (Errno.EISDIR, lambda: k.pread(d, 1, 0)),
        (Errno.EISDIR, lambda: k.open(b"/tmp", O_WRONLY, None)),
        (Errno.EISDIR, lambda: k.open(b"/tmp", O_TRUNC, None)),
        (Errno.EISDIR, lambda: k.open(b"/tmp", O_CREAT, 0)),
        (Errno.EISDIR, lambda: k.open(b"/new/", O_CREAT, 0)),
        (Errno.EISDIR, lambda: k.truncate(b"/tmp", 0)),
        (Errno.ENOTDIR, lambda: k.open(b"/f", const.O_DIRECTORY, None)),
        (Errno.EEXIST, lambda: k.open(b"/f", O_CREAT | const.O_EXCL, 0)),
        (Errno.EINVAL, lambda: k.open(b"/f", 3, None)),
        (Errno.EINVAL, lambda: k.open(b"/new", O_CREAT | const.O_DIRECTORY, 0)),
        (Errno.EINVAL, lambda: k.fcntl(r, const.F_SETLK, 0, None)),
        (Errno.ESPIPE, lambda: k.posix_fallocate(fifo_both(k), 0, 1)),
        (Errno.ENOENT, lambda: k.open(b"/none", 0, None)),
    ]:
        with fails(errno):
            call()


def test_unlinked_while_open(k: Kit) -> None:
    fd = opened(k)
    k.write(fd, b"x" * CHUNK * 2)
    used = k.vfs.environment.used
    k.unlink(b"/f")
    assert k.fstat(fd).st_nlink == 0
    assert bytes(k.pread(fd, 2, 0)) == b"xx"
    k.close(fd)
    assert k.vfs.environment.used <= used - 2 * CHUNK


def test_holes(k: Kit) -> None:
    fd = opened(k)
    k.pwrite(fd, b"end", 10 * CHUNK)
    st_ = k.fstat(fd)
    assert (st_.st_size, st_.st_blocks) == (10 * CHUNK + 3, 1)
    assert bytes(k.pread(fd, 4, 5 * CHUNK)) == bytes(4)
    assert k.lseek(fd, 0, const.SEEK_DATA) == 10 * CHUNK
    assert k.lseek(fd, 0, const.SEEK_HOLE) == 0
    assert k.lseek(fd, 10 * CHUNK, const.SEEK_HOLE) == 10 * CHUNK + 3
    for offset in (10 * CHUNK + 3, -1):
        with fails(Errno.ENXIO):
            k.lseek(fd, offset, const.SEEK_DATA)
    k.posix_fallocate(fd, 0, CHUNK)
    assert k.lseek(fd, 0, const.SEEK_DATA) == 0
    k.fdiscard(fd, 0, 1 << 40)
    with fails(Errno.ENXIO):
        k.lseek(fd, 0, const.SEEK_DATA)
    assert k.fstat(fd).st_size == 10 * CHUNK + 3
    k.ftruncate(fd, 1 << 50)
    assert bytes(k.pread(fd, 2, 1 << 49)) == bytes(2)
    assert len(k.pread(fd, 1 << 49, 0)) <= 64 << 20
    with fails(Errno.ENOSPC):
        k.posix_fallocate(fd, 0, 1 << 49)


kinds = st.sampled_from(["write", "truncate", "discard", "allocate"])


@given(st.lists(st.tuples(kinds, st.integers(0, 3 * CHUNK), st.integers(0, CHUNK + 100)), max_size=12))
def test_store_is_like_bytes(steps: list[tuple[str, int, int]]) -> None:
    memory = 0

    def reserve(size: int) -> bool:
        nonlocal memory
        memory += size
        assert memory >= 0
        return True

    store, model = Store(reserve), bytearray()
    for number, (what, at, length) in enumerate(steps, 1):
        if what == "write" and length:
            model += bytes(max(0, at - len(model)))
            model[at : at + length] = bytes([number]) * length
            store.write(at, bytes([number]) * length)
        elif what == "truncate":
            del model[at:]
            model += bytes(at - len(model))
            store.truncate(at)
        elif what == "discard" and at < len(model):
            end = min(at + length, len(model))
            model[at:end] = bytes(end - at)
            store.discard(at, end - at)
        elif what == "allocate" and length:
            model += bytes(max(0, at + length - len(model)))
            store.allocate(at, length, 1 << 30)
        assert store.size == len(model)
        assert bytes(store.read(0, 1 << 30)) == model
        assert bytes(store.read(at, length)) == model[at : at + length]
        assert memory == store.allocated == sum(map(len, store.chunks.values()))
    store.clear()
    assert memory == 0


def test_memory_is_bounded() -> None:
    k = Kit(memlimit=1 << 20)
    st = k.statvfs1(b"/", 0)
    assert 0 < st.f_bavail * st.f_frsize <= 1 << 20
    fd = opened(k)
    with fails(Errno.ENOSPC):
        k.write(fd, bytes(1 << 20))
    assert k.fstat(fd).st_size == 0
    assert k.write(fd, bytes(1 << 19)) == 1 << 19
    with fails(Errno.ENOSPC):
        for i in range(10000):
            k.mkdir(b"/tmp/%d" % i, 0o700)
    assert k.vfs.environment.used <= 1 << 20
    k.ftruncate(fd, 0)
    k.mkdir(b"/tmp/more", 0o700)


# -- directories


def test_reading_a_directory_in_pieces_while_it_changes(k: Kit) -> None:
    k.mkdir(b"/d", 0o755)
    for i in range(20):
        k.put(b"/d/%02d" % i)
    fd = k.open(b"/d", O_RDONLY, None)
    first = k.getdents(fd, 16 * 5)
    assert [e.d_name for e in first] == [b".", b"..", b"00", b"01", b"02"]
    k.unlink(b"/d/02")
    k.unlink(b"/d/03")
    k.put(b"/d/new")
    rest: list[bytes] = []
    while entries := k.getdents(fd, 16 * 3):
        assert len(entries) <= 3
        rest += [e.d_name for e in entries]
    assert rest == [b"%02d" % i for i in range(4, 20)] + [b"new"]
    k.lseek(fd, first[1].d_off, const.SEEK_SET)
    assert k.getdents(fd, 30)[0].d_name == b"00"
    k.lseek(fd, 0, const.SEEK_SET)
    assert k.getdents(fd, 30)[0].d_type == const.DT_DIR


# -- fifos


def fifo_both(k: Kit, path: bytes = b"/fifo") -> int:
    k.mkfifo(path, 0o600)
    fd = k.open(path, O_RDWR, None)
    assert isinstance(fd, int)
    return fd


def waits(call: Any) -> Running[Any]:
    assert isinstance(call, Running)
    assert not call.outcome.done
    return call


def test_fifo_opens_meet(k: Kit) -> None:
    k.mkfifo(b"/fifo", 0o600)
    reader = waits(k.start("open", b"/fifo", O_RDONLY, None))
    w = k.open(b"/fifo", O_WRONLY, None)
    r = reader.outcome.result()
    read = waits(k.start("read", r, 100))
    assert k.write(w, b"hello") == 5
    assert bytes(read.outcome.result()) == b"hello"
    last = waits(k.start("read", r, 100))
    k.close(w)
    assert last.outcome.result() == b""
    assert k.read(r, 1) == b""
    k.close(r)
    assert not k.vfs.fifos
    assert k.attributes(b"/fifo").st_size == 0


def test_fifo_without_waiting(k: Kit) -> None:
    k.mkfifo(b"/fifo", 0o600)
    with fails(Errno.ENXIO):
        k.open(b"/fifo", O_WRONLY | O_NONBLOCK, None)
    r = k.open(b"/fifo", O_RDONLY | O_NONBLOCK, None)
    assert k.read(r, 1) == b""
    w = k.open(b"/fifo", O_WRONLY | O_NONBLOCK, None)
    with fails(Errno.EAGAIN):
        k.read(r, 1)
    assert k.write(w, bytes(16384 - 100)) == 16384 - 100
    with fails(Errno.EAGAIN):
        k.write(w, bytes(101))  # all of it or nothing
    assert k.write(w, bytes(1000)) == 100
    assert k.ioctl(r, const.FIONREAD, None).data.integer == 16384
    for call in (lambda: k.lseek(r, 0, 0), lambda: k.pread(r, 1, 0), lambda: k.pwrite(w, b"x", 0)):
        with fails(Errno.ESPIPE):
            call()
    k.close(r)
    with fails(Errno.EPIPE):
        k.write(w, b"x")


def test_fifo_writer_waits_for_room_and_can_be_interrupted(k: Kit) -> None:
    r = fifo_both(k)
    w = k.open(b"/fifo", O_WRONLY, None)
    data = bytes(range(256)) * 100
    writing = waits(k.start("write", w, data))
    got = bytearray()
    while len(got) < len(data):
        got += k.read(r, 1000)
    assert writing.outcome.result() == len(data)
    assert got == data
    reading = waits(k.start("read", r, 1))
    reading.cancel()
    with fails(Errno.EINTR):
        reading.outcome.result()
    k.mkfifo(b"/other", 0o600)
    opening = waits(k.start("open", b"/other", O_WRONLY, None))
    opening.cancel()
    with fails(Errno.EINTR):
        opening.outcome.result()
    assert len(k.vfs.fifos) == 1


# -- devices


def test_devices_are_opened_over_the_bus(k: Kit) -> None:
    with fails(Errno.ENXIO):
        k.open(b"/dev/null", O_RDWR, None)
    dev = k.bus.peers["dev"] = FakeDev()
    fd = k.open(b"/dev/null", O_RDWR, None)
    assert dev.open == {1: (False, const.makedev(2, 2), O_RDWR)}
    assert k.write(fd, b"abc") == 3
    assert k.read(fd, 2) == b"ab"
    assert k.ioctl(fd, 5, None) == (5, None)
    assert k.fstat(fd).st_rdev == const.makedev(2, 2)
    with fails(Errno.ENOSYS):
        k.pread(fd, 1, 0)
    k.close(fd)
    assert not dev.open
    k.mknod(b"/dev/odd", const.S_IFCHR | 0o600, const.makedev(99, 0))
    with fails(Errno.ENXIO):
        k.open(b"/dev/odd", O_RDWR, None)
    assert not k.vfs.files


def test_no_devices_on_nodev_mounts(k: Kit) -> None:
    k.bus.peers["dev"] = FakeDev()
    k.mount("tmpfs", b"/tmp", const.MNT_NODEV, None)
    k.mknod(b"/tmp/null", const.S_IFCHR | 0o600, const.makedev(2, 2))
    with fails(Errno.ENXIO):
        k.open(b"/tmp/null", O_RDWR, None)


# -- permissions and attributes


def test_umask_owner_and_group_of_new_files(k: Kit) -> None:
    k.chown(b"/tmp", -1, 55)
    with k.as_(user(5, 100, umask=0o027)):
        k.put(b"/tmp/f", mode=0o6777)
        k.mkdir(b"/tmp/d", 0o777)
    f, d = k.attributes(b"/tmp/f"), k.attributes(b"/tmp/d")
    assert (f.st_uid, f.st_gid, f.st_mode & 0o7777) == (5, 55, 0o4750)  # no member of 55: no set-group-id
    assert (d.st_uid, d.st_gid, d.st_mode & 0o7777) == (5, 55, 0o750)


def test_permissions_of_others(k: Kit) -> None:
    k.mkdir(b"/d", 0o750)
    k.put(b"/d/f", b"x", 0o640)
    k.chown(b"/d", 5, 50)
    k.chown(b"/d/f", 5, 50)
    with k.as_(user(6, 100, 50)):
        assert k.get(b"/d/f") == b"x"
        for errno, call in [
            (Errno.EACCES, lambda: k.open(b"/d/f", O_WRONLY, None)),
            (Errno.EACCES, lambda: k.open(b"/d/new", O_CREAT, 0o600)),
            (Errno.EACCES, lambda: k.truncate(b"/d/f", 0)),
            (Errno.EACCES, lambda: k.unlink(b"/d/f")),
            (Errno.EACCES, lambda: k.rename(b"/d/f", b"/d/g")),
            (Errno.EACCES, lambda: k.utimes(b"/d/f", None, None)),
            (Errno.EPERM, lambda: k.utimes(b"/d/f", Timespec(1), Timespec(1))),
            (Errno.EPERM, lambda: k.chmod(b"/d/f", 0o777)),
            (Errno.EPERM, lambda: k.chown(b"/d/f", 6, -1)),
            (Errno.EPERM, lambda: k.chflags(b"/d/f", 1)),
            (Errno.EPERM, lambda: k.revoke(b"/d/f")),
            (Errno.EACCES, lambda: k.access(b"/d/f", const.W_OK)),
            (Errno.EPERM, lambda: k.mount("tmpfs", b"/d", 0, None)),
            (Errno.EPERM, lambda: k.unmount(b"/d", 0)),
        ]:
            with fails(errno):
                call()
        k.access(b"/d/f", const.R_OK)
    with k.as_(user(7)), fails(Errno.EACCES):
        k.stat(b"/d/f")
    with k.as_(user(5, 100)):
        with fails(Errno.EPERM):
            k.chown(b"/d/f", -1, 51)
        with fails(Errno.EPERM):
            k.chmod(b"/d/f", 0o2755)
        with fails(Errno.EFTYPE):
            k.chmod(b"/d/f", 0o1755)
        k.chown(b"/d/f", -1, 100)


def test_access_goes_by_the_real_ids(k: Kit) -> None:
    k.put(b"/f", mode=0o600)
    cred = user(5).cred._replace(euid=0)
    with k.as_(Context(cred=cred)):
        with fails(Errno.EACCES):
            k.access(b"/f", const.R_OK)
        k.faccessat(AT_FDCWD, b"/f", const.R_OK, const.AT_EACCESS)
        with fails(Errno.EINVAL):
            k.access(b"/f", 8)
    with fails(Errno.EACCES):
        k.access(b"/f", const.X_OK)  # nobody may execute it, not even the superuser


def test_sticky_directory(k: Kit) -> None:
    with k.as_(user(5)):
        k.put(b"/tmp/f")
    with k.as_(user(6)):
        with fails(Errno.EPERM):
            k.unlink(b"/tmp/f")
        with fails(Errno.EPERM):
            k.rename(b"/tmp/f", b"/tmp/g")
    with k.as_(user(5)):
        k.unlink(b"/tmp/f")


def test_set_id_bits_go_with_the_owner(k: Kit) -> None:
    k.put(b"/f", mode=0o777)
    for change, left in [
        (lambda: k.chown(b"/f", 5, -1), 0o2755),
        (lambda: k.chown(b"/f", -1, 5), 0o4755),
        (lambda: k.posix_chown(b"/f", 5, 5), 0o6755),
    ]:
        k.chmod(b"/f", 0o6755)
        change()
        assert k.attributes(b"/f").st_mode & 0o7777 == left
    k.chmod(b"/f", 0o6777)
    with k.as_(user(6)):
        k.put(b"/f", b"x")
    assert k.attributes(b"/f").st_mode & 0o7777 == 0o777


def test_times(k: Kit) -> None:
    k.put(b"/f", b"x")
    k.host.advance(10)
    k.utimensat(AT_FDCWD, b"/f", Timespec(5, 6), Timespec(0, const.UTIME_OMIT), 0)
    before = k.attributes(b"/f")
    assert (before.st_atime_ns, before.st_ctime_ns - before.st_mtime_ns) == (5_000_000_006, 10_000_000_000)
    k.utimes(b"/f", None, None)
    assert k.attributes(b"/f").st_mtime_ns == k.host.realtime_ns()
    k.symlink(b"f", b"/l")
    k.lutimes(b"/l", Timespec(7), Timespec(8))
    assert k.attributes(b"/l").st_mtime_ns == 8_000_000_000
    for bad in (Timespec(0, 1_000_000_000), Timespec(1 << 60)):
        with fails(Errno.EINVAL):
            k.utimes(b"/f", bad, bad)
    k.host.advance(1)
    k.get(b"/f")
    assert k.attributes(b"/f").st_atime_ns == k.host.realtime_ns()


def test_flags(k: Kit) -> None:
    k.put(b"/f", b"abc")
    k.chflags(b"/f", const.UF_APPEND)
    for call in (lambda: k.open(b"/f", O_WRONLY, None), lambda: k.truncate(b"/f", 0), lambda: k.unlink(b"/f")):
        with fails(Errno.EPERM):
            call()
    fd = k.open(b"/f", O_WRONLY | const.O_APPEND, None)
    k.write(fd, b"d")
    with fails(Errno.EPERM):
        k.ftruncate(fd, 0)
    k.fchflags(fd, const.UF_IMMUTABLE)
    for call in (
        lambda: k.open(b"/f", O_WRONLY | const.O_APPEND, None),
        lambda: k.rename(b"/f", b"/g"),
        lambda: k.link(b"/f", b"/g"),
        lambda: k.chmod(b"/f", 0),
        lambda: k.utimes(b"/f", None, None),
    ):
        with fails(Errno.EPERM):
            call()
    k.chflags(b"/f", 0)
    k.chown(b"/f", 5, 5)
    with k.as_(user(5)), fails(Errno.EPERM):
        k.chflags(b"/f", const.SF_IMMUTABLE)
    assert k.get(b"/f") == b"abcd"


def test_limits(k: Kit) -> None:
    assert k.pathconf(b"/tmp", const.PC_NAME_MAX) == 255
    assert k.fpathconf(opened(k), const.PC_PIPE_BUF) == const.PIPE_BUF
    with fails(Errno.EINVAL):
        k.pathconf(b"/tmp", 999)


def test_revoke(k: Kit) -> None:
    fd = opened(k)
    k.revoke(b"/f")
    with fails(Errno.EIO):
        k.write(fd, b"x")
    k.close(fd)
    assert k.get(b"/f") == b""


def test_extended_attributes(k: Kit) -> None:
    k.put(b"/f")
    k.setxattr(b"/f", b"user.a", b"1", 0)
    assert k.extattr_set_file(b"/f", 1, b"b", b"two") == 3
    k.setxattr(b"/f", b"system.c", b"3", 0)
    assert k.getxattr(b"/f", b"user.b", 0) == b"two"
    assert k.extattr_get_file(b"/f", 1, b"b", 2) == b"tw"
    assert k.listxattr(b"/f", 0) == [b"user.a", b"user.b", b"system.c"]
    assert k.extattr_list_file(b"/f", 1, 100) == [b"a", b"b"]
    k.symlink(b"f", b"/l")
    for errno, call in [
        (Errno.ENOATTR, lambda: k.getxattr(b"/f", b"user.x", 0)),
        (Errno.ENOATTR, lambda: k.removexattr(b"/f", b"user.x")),
        (Errno.ENOATTR, lambda: k.setxattr(b"/f", b"user.x", b"", 2)),
        (Errno.EEXIST, lambda: k.setxattr(b"/f", b"user.a", b"", 1)),
        (Errno.ERANGE, lambda: k.getxattr(b"/f", b"user.b", 2)),
        (Errno.ERANGE, lambda: k.listxattr(b"/f", 5)),
        (Errno.EINVAL, lambda: k.setxattr(b"/f", b"noname", b"", 0)),
        (Errno.EINVAL, lambda: k.setxattr(b"/f", b"user.", b"", 0)),
        (Errno.EINVAL, lambda: k.setxattr(b"/f", b"user.a", b"", 3)),
        (Errno.EINVAL, lambda: k.extattr_get_file(b"/f", 9, b"a", 1)),
        (Errno.ENAMETOOLONG, lambda: k.setxattr(b"/f", b"user." + b"n" * 255, b"", 0)),
        (Errno.E2BIG, lambda: k.setxattr(b"/f", b"user.a", bytes(65537), 0)),
        (Errno.ENOSPC, lambda: k.setxattr(b"/f", b"user.a", bytes(65536), 0)),
        (Errno.EPERM, lambda: k.lsetxattr(b"/l", b"user.a", b"", 0)),
        (Errno.ENOENT, lambda: k.getxattr(b"/none", b"user.a", 0)),
    ]:
        with fails(errno):
            call()
    with k.as_(user(5)), fails(Errno.EACCES):
        k.setxattr(b"/f", b"user.a", b"", 0)
    with k.as_(user(5)), fails(Errno.EPERM):
        k.setxattr(b"/f", b"system.c", b"", 0)
    k.removexattr(b"/f", b"user.a")
    used = k.vfs.environment.used
    k.unlink(b"/f")
    assert k.vfs.environment.used < used


def test_calls_that_are_not_there(k: Kit) -> None:
    for name, args in (("ktrace", (b"/", 0, 0, 0)),):
        with pytest.raises(KernelError) as caught:
            k.start(name, *args)
        assert caught.value.errno == Errno.ENOSYS
