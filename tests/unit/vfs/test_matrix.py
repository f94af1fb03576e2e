"""One body of tests over all writable file systems, after NetBSD's tests/fs/vfs: t_vnops, t_io, t_vfsops, t_ro,
t_rwtoro, t_unpriv, t_full, t_link, t_renamerace, t_rmdirrace and t_mtime.

What two threads do in the races of the original is done here in every order by one, since a call of vfs is atomic
between its waits. t_union is in test_union.py and test_mount_flags.py.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

import pytest

from rumpuser.component import Context
from rumpvfs.core.file import OFFSET_MAX
from rumpwire import const
from rumpwire.const import AT_FDCWD
from rumpwire.errno import Errno, KernelError
from rumpwire.values import DiskArgs, Flock, SysctlValueInteger, Timespec
from tests.unit.vfs.kit import Kit, fails, user
from tests.unit.vfs.matrix import ALL, DISKS, FAT, LAYERS, TYPED, mounted

RDWR = const.O_RDWR | const.O_CREAT
UPDATE_RO = const.MNT_UPDATE | const.MNT_RDONLY


@pytest.fixture(params=ALL)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def k(kind: str) -> Iterator[Kit]:
    with mounted(kind) as kit:
        yield kit


typed = pytest.mark.parametrize("kind", TYPED, indirect=True)
remountable = pytest.mark.parametrize("kind", [name for name in ALL if name != "rumpfs"], indirect=True)
on_disks = pytest.mark.parametrize("kind", list(DISKS), indirect=True)


def ino(k: Kit, path: bytes) -> int:
    return int(k.lstat(path).st_ino)


NAMES = (b"own", b"user", b"group")


def name_of_error(call: Callable[[], object]) -> str:
    try:
        call()
    except KernelError as error:
        return error.name
    return ""


def remount_ro(k: Kit, kind: str) -> None:
    k.mount("", b"/m", UPDATE_RO, None)


# -- t_vnops


def test_lookups(k: Kit) -> None:
    """lookup_simple, lookup_complex, dir_simple, dir_slash."""
    k.mkdir(b"/m/dir", 0o755)
    k.put(b"/m/dir/file", b"x")
    assert ino(k, b"/m/.") == ino(k, b"/m") == ino(k, b"/m/dir/..")
    assert ino(k, b"/m/dir/../dir/./file") == ino(k, b"/m/dir//file")
    assert ino(k, b"/m/..") == ino(k, b"/")
    for slashes in (b"/", b"//", b"///"):
        assert ino(k, b"/m/dir" + slashes) == ino(k, b"/m/dir")
        with fails(Errno.ENOTDIR):
            k.stat(b"/m/dir/file" + slashes)
        k.mkdir(b"/m/dir/new" + slashes, 0o755)
        k.rmdir(b"/m/dir/new" + slashes)
    with fails(Errno.ENOTDIR):
        k.stat(b"/m/dir/file/x")
    with fails(Errno.ENOENT):
        k.stat(b"/m/nothing/x")
    with fails(Errno.ENOTDIR):
        k.unlink(b"/m/dir/file/")
    assert {b".", b"..", b"file"} == set(k.ls(b"/m/dir"))


def test_removing_directories(k: Kit) -> None:
    """dir_notempty, dir_rmdirdotdot."""
    k.mkdir(b"/m/d", 0o755)
    k.mkdir(b"/m/d/e", 0o755)
    k.put(b"/m/d/f")
    for name in (b"f", b"e"):
        with fails(Errno.ENOTEMPTY):
            k.rmdir(b"/m/d")
        (k.unlink if name == b"f" else k.rmdir)(b"/m/d/" + name)
    cwd = k.dir_hold(AT_FDCWD, b"/m/d")
    with fails(Errno.EINVAL):
        k.rmdir(b"/m/d/.")
    with fails(Errno.EPERM):
        k.unlink(b"/m/d")
    with fails(Errno.ENOTDIR):
        k.put(b"/m/file")
        k.rmdir(b"/m/file")
    k.rmdir(b"/m/d")
    with k.as_(Context(cwd=cwd, umask=0o022)):
        with fails(Errno.ENOTEMPTY):
            k.mkdir(b"/m/d", 0o755)
            k.mkdir(b"/m/d/x", 0o755)
            k.rmdir(b"/m/d/x/..")
        for call in (lambda: k.put(b"new"), lambda: k.mkdir(b"new", 0o755), lambda: k.getcwd(100)):
            with pytest.raises(KernelError) as caught:
                call()
            assert caught.value.name in ("ENOENT", "ESTALE"), caught.value
    k.dir_release(cwd)


def test_renaming(k: Kit, kind: str) -> None:
    """rename_dir, rename_dotdot, rename_reg_nodir."""
    for name in (b"a", b"b", b"b/full"):
        k.mkdir(b"/m/" + name, 0o755)
    k.put(b"/m/file", b"contents")
    before = ino(k, b"/m/file")
    k.rename(b"/m/file", b"/m/file2")
    with fails(Errno.ENOENT):
        k.stat(b"/m/file")
    if kind not in FAT:
        assert ino(k, b"/m/file2") == before
    k.put(b"/m/replaced", b"old")
    k.rename(b"/m/file2", b"/m/replaced")
    assert k.get(b"/m/replaced") == b"contents"
    for old, new, errno in (
        (b"a", b"replaced", Errno.ENOTDIR),
        (b"replaced", b"a", Errno.EISDIR),
        (b"b", b"b/full/b", Errno.EINVAL),
        (b"a", b"b", Errno.ENOTEMPTY),
        (b"b/full/..", b"c", Errno.EINVAL),
        (b"a", b"b/full/..", Errno.EINVAL),
        (b"none", b"c", Errno.ENOENT),
        (b"a", b"none/c", Errno.ENOENT),
    ):
        with fails(errno):
            k.rename(b"/m/" + old, b"/m/" + new)
    links = k.stat(b"/m/b").st_nlink
    if kind not in LAYERS or not kind.startswith("union"):
        k.rename(b"/m/a", b"/m/b/a")
        assert k.stat(b"/m/b").st_nlink >= links
        assert ino(k, b"/m/b/a/..") == ino(k, b"/m/b")
        k.rename(b"/m/b/a", b"/m/a2")
        k.rename(b"/m/a2", b"/m/b/full")  # onto an empty one
    assert set(k.ls(b"/m/b")) == {b".", b"..", b"full"}
    k.rename(b"/m/replaced", b"/m/replaced")
    assert k.get(b"/m/replaced") == b"contents"


def test_large_directories(k: Kit) -> None:
    """Where names are found by an index, ``.`` and ``..`` are not in it."""
    k.mkdir(b"/m/up", 0o755)
    k.mkdir(b"/m/large", 0o755)
    names = [b"%0200d" % number for number in range(300)]
    for name in names:
        k.put(b"/m/large/" + name)
    assert ino(k, b"/m/large/..") == ino(k, b"/m")
    assert ino(k, b"/m/large/.") == ino(k, b"/m/large")
    k.mkdir(b"/m/large/below", 0o755)
    k.rename(b"/m/large/below", b"/m/large/under")
    k.rename(b"/m/large/under", b"/m/under")
    assert ino(k, b"/m/under/..") == ino(k, b"/m")
    k.rename(b"/m/under", b"/m/large/under")
    k.rename(b"/m/large", b"/m/up/large")
    assert ino(k, b"/m/up/large/under/..") == ino(k, b"/m/up/large")
    assert ino(k, b"/m/up/large/under/../..") == ino(k, b"/m/up")
    with fails(Errno.EINVAL):
        k.rename(b"/m/up", b"/m/up/large/under/up")
    with k.as_(Context(cwd=(cwd := k.dir_hold(AT_FDCWD, b"/m/up/large/under")), umask=0o022)):
        assert k.getcwd(100) == b"/m/up/large/under"
    k.dir_release(cwd)
    assert set(k.ls(b"/m/up/large")) == {b".", b"..", b"under", *names}


def test_names(k: Kit, kind: str) -> None:
    """create_nametoolong, rename_nametoolong, create_exist, create_many, create_nonalphanum."""
    longest = 255 if kind in FAT else k.pathconf(b"/m", const.PC_NAME_MAX)  # there it counts bytes of UTF-8
    k.put(b"/m/" + b"x" * longest, b"long")
    k.put(b"/m/short")
    for call in (
        lambda: k.put(b"/m/" + b"x" * (longest + 1)),
        lambda: k.mkdir(b"/m/" + b"y" * (longest + 1), 0o755),
        lambda: k.rename(b"/m/short", b"/m/" + b"z" * (longest + 1)),
        lambda: k.stat(b"/m/" + b"x" * (k.pathconf(b"/m", const.PC_NAME_MAX) + 1)),
    ):
        with fails(Errno.ENAMETOOLONG):
            call()
    assert k.get(b"/m/" + b"x" * longest) == b"long"
    with fails(Errno.EEXIST):
        k.open(b"/m/short", RDWR | const.O_EXCL, 0o644)
    k.mkdir(b"/m/many", 0o755)
    wanted = {b"file%d" % i for i in range(300)}
    for name in wanted:
        k.put(b"/m/many/" + name)
    assert set(k.ls(b"/m/many")) == wanted | {b".", b".."}
    for name in wanted:
        k.unlink(b"/m/many/" + name)
    k.rmdir(b"/m/many")
    odd = b"!#$%&'()-@^_`{}~ +,;=[]" if kind in FAT else bytes(c for c in range(1, 256) if c != 0x2F)
    for c in odd:
        name = b"odd" + bytes((c,)) + b"x"
        k.put(b"/m/" + name)
        assert name in k.ls(b"/m")
        k.unlink(b"/m/" + name)


@typed
def test_symbolic_links(k: Kit) -> None:
    """symlink_zerolen, symlink_long, symlink_root, lstat_symlink."""
    with fails(Errno.ENOENT):
        k.symlink(b"", b"/m/empty")
    for length in sorted({n + d for n in (16, 32, 60, 64, 120, 128, 256, 512, 1000) for d in (-1, 0, 1)}):
        target = b"/" + b"t" * (length - 1)
        k.symlink(target, b"/m/l")
        assert (k.lstat(b"/m/l").st_size, k.readlink(b"/m/l", 4096)) == (length, target)
        k.unlink(b"/m/l")
    with fails(Errno.ENAMETOOLONG):
        k.symlink(b"t" * 4096, b"/m/l")
    k.symlink(b"/", b"/m/root")
    assert ino(k, b"/m/root/m") == ino(k, b"/m")


@typed
def test_attributes(k: Kit) -> None:
    """attrs: mode, owner and times are read back."""
    k.put(b"/m/f", b"x")
    k.mkdir(b"/m/d", 0o755)
    for path in (b"/m/f", b"/m/d"):
        for mode in (0o0, 0o777, 0o640, 0o1755 if path == b"/m/d" else 0o755):
            k.chmod(path, mode)
            assert k.stat(path).st_mode & 0o7777 == mode
        k.chown(path, 1, 2)
        assert (k.stat(path).st_uid, k.stat(path).st_gid) == (1, 2)
        k.utimes(path, Timespec(1_000_000_001, 500_000_000), Timespec(1_100_000_000, 0))
        st = k.stat(path)
        assert (st.st_atime_ns // 10**9, st.st_mtime_ns) == (1_000_000_001, 1_100_000_000 * 10**9)


def test_locks(k: Kit) -> None:
    """fcntl_lock, fcntl_getlock_pids."""
    fd = k.open(b"/m/f", RDWR, 0o644)
    lock = Flock(0, 0, 0, const.F_WRLCK, const.SEEK_SET)
    for at in range(4):
        with k.as_(Context(pid=100 + at)):
            own = k.open(b"/m/f", const.O_RDWR, None)
            k.fcntl(own, const.F_SETLK, 0, lock._replace(l_start=at * 10, l_len=5))
    for at in range(4):
        found = k.fcntl(fd, const.F_GETLK, 0, lock._replace(l_start=at * 10, l_len=5)).lock
        assert (found.l_pid, found.l_start, found.l_len) == (100 + at, at * 10, 5)
        with fails(Errno.EAGAIN):
            k.fcntl(fd, const.F_SETLK, 0, lock._replace(l_start=at * 10 + 4, l_len=1))
    with k.as_(Context(pid=100)):
        k.fcntl(fd, const.F_SETLK, 0, lock._replace(l_type=const.F_UNLCK))
    k.fcntl(fd, const.F_SETLK, 0, lock._replace(l_len=5))


def test_access_and_reading_directories(k: Kit) -> None:
    """access_simple, read_directory."""
    k.put(b"/m/f")
    k.access(b"/m/f", const.R_OK | const.W_OK)
    with fails(Errno.EINVAL):
        k.access(b"/m/f", 0x80)
    with fails(Errno.ENOENT):
        k.access(b"/m/none", const.F_OK)
    fd = k.open(b"/m", const.O_RDONLY, None)
    with fails(Errno.EISDIR):
        k.read(fd, 1)
    with fails(Errno.EISDIR):
        k.open(b"/m", const.O_RDWR, None)
    k.close(fd)


# -- t_io


def test_writing_and_reading(k: Kit) -> None:
    """holywrite, extendfile, extendfile_append, overwrite512, overwrite64k, overwrite_trunc, shrinkfile."""
    fd = k.open(b"/m/f", RDWR, 0o644)
    k.pwrite(fd, b"end", 100_000)
    assert bytes(k.pread(fd, 200_000, 0)) == bytes(100_000) + b"end"
    k.ftruncate(fd, 150_000)
    assert bytes(k.pread(fd, 10, 149_995)) == bytes(5)
    k.close(fd)
    fd = k.open(b"/m/f", const.O_WRONLY | const.O_APPEND, None)
    k.write(fd, b"appended")
    assert k.fstat(fd).st_size == 150_008
    k.close(fd)
    for size in (512, 65536):
        fd = k.open(b"/m/over", RDWR, 0o644)
        for letter in (b"a", b"b"):
            k.pwrite(fd, letter * size, 0)
            assert bytes(k.pread(fd, 2 * size, 0)) == letter * size
        k.close(fd)
    k.put(b"/m/over", b"short")
    assert k.get(b"/m/over") == b"short"
    fd = k.open(b"/m/f", const.O_RDWR, None)
    for size in (70_000, 513, 1, 0):
        k.ftruncate(fd, size)
        assert len(k.pread(fd, 200_000, 0)) == k.fstat(fd).st_size == size
    k.ftruncate(fd, 1000)
    assert bytes(k.pread(fd, 2000, 0)) == bytes(1000)
    with fails(Errno.EINVAL):
        k.ftruncate(fd, -1)
    with pytest.raises(KernelError) as caught:
        k.pwrite(fd, b"xx", OFFSET_MAX - 1)
    assert caught.value.name in ("EFBIG", "ENOSPC", "EINVAL")
    k.close(fd)


def test_files_without_a_name(k: Kit, kind: str) -> None:
    """read_after_unlink, wrrd_after_unlink."""
    fd = k.open(b"/m/f", RDWR, 0o644)
    k.write(fd, b"still here")
    k.unlink(b"/m/f")
    assert bytes(k.pread(fd, 100, 0)) == b"still here"
    k.pwrite(fd, b"and more", 10)
    assert bytes(k.pread(fd, 100, 0)) == b"still hereand more"
    if kind not in FAT:
        assert k.fstat(fd).st_nlink == 0
    if kind not in ("rumpfs", "hostfs"):
        with fails(Errno.EBUSY):
            k.unmount(b"/m", 0)
    k.put(b"/m/f", b"another")
    assert bytes(k.pread(fd, 5, 0)) == b"still"
    k.close(fd)
    assert k.get(b"/m/f") == b"another"


# -- t_vfsops


@remountable
def test_file_systems(k: Kit, kind: str) -> None:
    """tmount, tstatvfs, tsync."""
    st = k.statvfs1(b"/m", 0)
    assert (st.f_mntonname, st.f_flag & const.MNT_RDONLY) == (b"/m", 0)
    assert st.f_namemax > 11
    assert st.f_frsize
    assert 0 <= st.f_bavail <= st.f_blocks
    assert k.fstatvfs1(k.open(b"/m", const.O_RDONLY, None), 0).f_fstypename == st.f_fstypename
    k.put(b"/m/f", b"x")
    k.sync()
    if kind != "hostfs":
        assert any(row.f_mntonname == b"/m" for row in k.getvfsstat(0))


def test_file_handles(k: Kit, kind: str) -> None:
    """tfilehandle, tfhremove, tfhinval."""
    k.put(b"/m/f", b"by handle")
    if kind in (*FAT, "hostfs") or kind.startswith("union"):
        with fails(Errno.EOPNOTSUPP):
            k.getfh(b"/m/f")
        return
    handle = k.getfh(b"/m/f")
    fd = k.fhopen(handle, const.O_RDONLY)
    assert (bytes(k.read(fd, 100)), k.fstat(fd).st_ino) == (b"by handle", ino(k, b"/m/f"))
    k.close(fd)
    k.unlink(b"/m/f")
    with fails(Errno.ESTALE):
        k.fhopen(handle, const.O_RDONLY)
    rng = random.Random(1)
    for length in (0, 8, 24, 28, 200):
        for _ in range(20):
            with pytest.raises(KernelError) as caught:
                k.fhopen(rng.randbytes(length), const.O_RDONLY)
            assert caught.value.name in ("EINVAL", "ESTALE"), caught.value
    garbled = handle[:8] + bytes(8) + handle[16:]
    with fails(Errno.ESTALE):
        k.fhopen(garbled, const.O_RDONLY)


# -- t_ro, t_rwtoro


@remountable
def test_read_only(k: Kit, kind: str) -> None:
    """create, rmfile, fileio, attrs on a read-only mount; and the way there: noneopen, readopen, writeopen."""
    k.put(b"/m/f", b"contents")
    k.mkdir(b"/m/d", 0o755)
    writer = k.open(b"/m/f", const.O_RDWR, None)
    with fails(Errno.EBUSY):
        remount_ro(k, kind)
    k.close(writer)
    reader = k.open(b"/m/f", const.O_RDONLY, None)
    remount_ro(k, kind)
    assert bytes(k.read(reader, 100)) == b"contents"
    for call in (
        lambda: k.put(b"/m/new"),
        lambda: k.mkdir(b"/m/new", 0o755),
        lambda: k.symlink(b"x", b"/m/new"),
        lambda: k.mkfifo(b"/m/new", 0o644),
        lambda: k.mknod(b"/m/new", const.S_IFCHR | 0o600, 0x202),
        lambda: k.link(b"/m/f", b"/m/new"),
        lambda: k.unlink(b"/m/f"),
        lambda: k.rmdir(b"/m/d"),
        lambda: k.rename(b"/m/f", b"/m/new"),
        lambda: k.open(b"/m/f", const.O_RDWR, None),
        lambda: k.open(b"/m/f", const.O_RDONLY | const.O_TRUNC, None),
        lambda: k.truncate(b"/m/f", 1),
        lambda: k.chmod(b"/m/f", 0o600),
        lambda: k.chown(b"/m/f", 1, 1),
        lambda: k.utimes(b"/m/f", None, None),
    ):
        with fails(Errno.EROFS):
            call()
    assert k.get(b"/m/f") == b"contents"
    k.access(b"/m/f", const.R_OK)
    with fails(Errno.EROFS):
        k.access(b"/m/f", const.W_OK)
    k.close(reader)
    k.mount("", b"/m", const.MNT_UPDATE, None)
    k.put(b"/m/f", b"written again")


@remountable
def test_read_only_with_a_file_without_a_name(k: Kit, kind: str) -> None:
    """read_unlinked: taken off the disk at the end, which must then be writable."""
    k.put(b"/m/f", b"contents")
    fd = k.open(b"/m/f", const.O_RDONLY, None)
    k.unlink(b"/m/f")
    if kind in FAT:
        with pytest.raises(KernelError):
            remount_ro(k, kind)
    else:
        with fails(Errno.EBUSY):
            remount_ro(k, kind)
    k.close(fd)
    remount_ro(k, kind)


@pytest.mark.parametrize("kind", [n for n in ALL if n in DISKS or n == "tmpfs"], indirect=True)
def test_read_only_below_a_layer(k: Kit, kind: str) -> None:
    """layer_*: the same through a null layer over it."""
    k.put(b"/m/f", b"contents")
    k.mkdir(b"/over", 0o755)
    k.mount("nullfs", b"/over", 0, DiskArgs(b"/m"))
    writer = k.open(b"/over/f", const.O_RDWR, None)
    with fails(Errno.EBUSY):
        k.mount("", b"/m", UPDATE_RO, None)
    k.close(writer)
    reader = k.open(b"/over/f", const.O_RDONLY, None)
    k.mount("", b"/m", UPDATE_RO, None)
    assert bytes(k.read(reader, 100)) == b"contents"
    with fails(Errno.EROFS):
        k.put(b"/over/new")
    k.mount("", b"/m", const.MNT_UPDATE, None)
    k.unlink(b"/over/f")
    with fails(Errno.EBUSY):
        k.mount("", b"/m", UPDATE_RO, None)
    k.close(reader)
    k.mount("", b"/m", UPDATE_RO, None)


# -- t_unpriv


@typed
def test_without_privileges(k: Kit) -> None:
    """owner, dirperms, times."""
    k.put(b"/m/f", b"x")
    k.mkdir(b"/m/closed", 0o755)
    k.put(b"/m/closed/f", b"x")
    with k.as_(user(1, 1)):
        for call in (lambda: k.chown(b"/m/f", 1, -1), lambda: k.chmod(b"/m/f", 0o777)):
            with fails(Errno.EPERM):
                call()
        for call in (
            lambda: k.put(b"/m/closed/new"),
            lambda: k.unlink(b"/m/closed/f"),
            lambda: k.mkdir(b"/m/closed/d", 0o755),
            lambda: k.rename(b"/m/closed/f", b"/m/closed/g"),
            lambda: k.utimes(b"/m/f", None, None),
        ):
            with fails(Errno.EACCES):
                call()
        with fails(Errno.EPERM):
            k.utimes(b"/m/f", Timespec(1, 0), Timespec(1, 0))
    k.chown(b"/m/f", 1, 1)
    with k.as_(user(1, 1)):
        k.chmod(b"/m/f", 0o640)
        k.chown(b"/m/f", -1, 1)
        k.utimes(b"/m/f", Timespec(1, 0), Timespec(1, 0))
        with fails(Errno.EPERM):
            k.chown(b"/m/f", 2, -1)
    with k.as_(user(2, 2)), fails(Errno.EACCES):
        k.get(b"/m/f")


# -- t_full


@on_disks
def test_full(k: Kit, kind: str) -> None:
    """fillfs: ENOSPC, and the file system lives on."""
    fd = k.open(b"/m/big", RDWR, 0o644)
    written = 0
    with fails(Errno.ENOSPC):
        while written < 8 << 20:
            written += k.write(fd, bytes(65536))
    assert 1 << 20 < written <= 4 << 20
    with fails(Errno.ENOSPC):
        for i in itertools.count():
            k.put(b"/m/small%d" % i, bytes(512))
    k.ftruncate(fd, 0)
    k.close(fd)
    k.put(b"/m/after", bytes(100_000))
    assert k.get(b"/m/after") == bytes(100_000)


# -- t_link, races, t_mtime


@typed
def test_links_to_files_of_others(k: Kit) -> None:
    """t_link: security.models.extensions.hardlink_check_uid and hardlink_check_gid."""
    checks = b"security.models.extensions.hardlink_check_"
    k.mkdir(b"/m/d", 0o755)
    k.chmod(b"/m/d", 0o777)
    for name, uid, gid in ((b"own", 1, 1), (b"user", 2, 1), (b"group", 1, 2)):
        k.put(b"/m/d/" + name)
        k.chown(b"/m/d/" + name, uid, gid)

    def outcomes() -> list[str]:
        with k.as_(user(1, 1)):
            return [try_link(b"/m/d/" + name) for name in NAMES]

    def try_link(path: bytes) -> str:
        error = name_of_error(lambda: k.link(path, b"/m/d/l"))
        if not error:
            k.unlink(b"/m/d/l")
        return error

    def check(which: str, value: int) -> None:
        k.sysctl_value(checks.decode() + which, SysctlValueInteger(value))

    assert outcomes() == ["", "", ""]
    check("uid", 1)
    assert outcomes() == ["", "EPERM", ""]
    check("gid", 1)
    assert outcomes() == ["", "EPERM", "EPERM"]
    k.link(b"/m/d/user", b"/m/d/roots")
    check("uid", 0)
    assert outcomes() == ["", "", "EPERM"]
    with fails(Errno.EINVAL):
        check("gid", 2)


@typed
def test_hard_links(k: Kit) -> None:
    """Names of one file."""
    k.put(b"/m/f", b"one file")
    k.link(b"/m/f", b"/m/g")
    assert ino(k, b"/m/f") == ino(k, b"/m/g")
    assert k.stat(b"/m/f").st_nlink == 2
    k.put(b"/m/g", b"changed")
    assert k.get(b"/m/f") == b"changed"
    for old, new, errno in ((b"f", b"g", Errno.EEXIST), (b"none", b"h", Errno.ENOENT), (b".", b"h", Errno.EPERM)):
        with fails(errno):
            k.link(b"/m/" + old, b"/m/" + new)
    with k.as_(user(1, 1)), fails(Errno.EACCES):
        k.link(b"/m/f", b"/m/mine")
    k.rename(b"/m/f", b"/m/g")  # two names of one file: the old one goes
    assert k.stat(b"/m/g").st_nlink == 1
    with fails(Errno.ENOENT):
        k.stat(b"/m/f")


def test_races(k: Kit, kind: str) -> None:
    """t_renamerace, renamerace_dirs, t_rmdirrace: whatever comes first, answers are sane and nothing is left."""
    rng = random.Random(7)
    allowed = {"", "ENOENT", "EEXIST", "ENOTEMPTY", "EINVAL", "EISDIR", "ENOTDIR", "EXDEV", "EPERM"}
    steps = [
        lambda: k.mkdir(b"/m/rename.test1", 0o777),
        lambda: k.mkdir(b"/m/rename.test1/sub", 0o777),
        lambda: k.put(b"/m/rename.test1"),
        lambda: k.put(b"/m/rename.test2"),
        lambda: k.rename(b"/m/rename.test1", b"/m/rename.test2"),
        lambda: k.rename(b"/m/rename.test2", b"/m/rename.test1"),
        lambda: k.rename(b"/m/rename.test1/sub", b"/m/rename.test2"),
        lambda: k.rename(b"/m/rename.test2", b"/m/rename.test1/sub"),
        lambda: k.unlink(b"/m/rename.test1"),
        lambda: k.unlink(b"/m/rename.test2"),
        lambda: k.rmdir(b"/m/rename.test1/sub"),
        lambda: k.rmdir(b"/m/rename.test1"),
        lambda: k.rmdir(b"/m/rename.test2"),
    ]
    for _ in range(400):
        outcome = name_of_error(rng.choice(steps))
        assert outcome in allowed, outcome
    for path in (b"/m/rename.test1/sub", b"/m/rename.test1", b"/m/rename.test2"):
        for call in (k.unlink, k.rmdir):
            try:
                call(path)
            except KernelError:
                continue
    assert not [name for name in k.ls(b"/m") if name.startswith(b"rename")]


def test_times_of_changes(k: Kit, kind: str) -> None:
    """t_mtime_otrunc, t_mtime_write."""
    if kind == "hostfs":
        pytest.skip("the host's clock cannot be turned")
    k.put(b"/m/f", b"contents")
    before = k.stat(b"/m/f").st_mtime_ns
    k.host.advance(10)
    k.close(k.open(b"/m/f", const.O_WRONLY | const.O_TRUNC, None))
    cut = k.stat(b"/m/f").st_mtime_ns
    k.host.advance(10)
    fd = k.open(b"/m/f", const.O_WRONLY, None)
    k.write(fd, b"x")
    k.close(fd)
    assert before < cut < k.stat(b"/m/f").st_mtime_ns
    k.host.advance(10)
    directory = k.stat(b"/m").st_mtime_ns
    k.put(b"/m/another")
    if kind not in FAT:
        assert k.stat(b"/m").st_mtime_ns > directory
