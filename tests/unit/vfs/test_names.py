"""namei: links, ``..``, roots, lengths, handles, and the calls that make and take away names."""

from __future__ import annotations

import pytest

from rumpuser.component import Context
from rumpwire import const
from rumpwire.const import AT_FDCWD
from rumpwire.errno import Errno
from tests.unit.vfs.kit import Kit, MemoryFiles, fails, user


@pytest.fixture
def k() -> Kit:
    kit = Kit()
    kit.mkdir(b"/a", 0o755)
    kit.mkdir(b"/a/b", 0o755)
    kit.put(b"/a/f", b"data")
    return kit


def test_boot_leaves_dev_and_tmp(k: Kit) -> None:
    assert k.attributes(b"/dev").st_mode == const.S_IFDIR | 0o755
    assert k.attributes(b"/tmp").st_mode == const.S_IFDIR | 0o1777
    null = k.attributes(b"/dev/null")
    assert (null.st_mode & const.S_IFMT, null.st_rdev) == (const.S_IFCHR, const.makedev(2, 2))
    assert {b"null", b"zero", b"full", b"random", b"urandom"} <= set(k.ls(b"/dev"))


@pytest.mark.parametrize(
    ("path", "errno"),
    [
        (b"", Errno.ENOENT),
        (b"/missing", Errno.ENOENT),
        (b"/missing/x", Errno.ENOENT),
        (b"/a/f/x", Errno.ENOTDIR),
        (b"/a/f/", Errno.ENOTDIR),
        (b"/a/f/.", Errno.ENOTDIR),
        (b"/" + b"n" * 256, Errno.ENAMETOOLONG),
        (b"/" * 1024, Errno.ENAMETOOLONG),
        (b"/a\0b", Errno.EINVAL),
    ],
)
def test_a_path_that_leads_nowhere(k: Kit, path: bytes, errno: Errno) -> None:
    with fails(errno):
        k.stat(path)


@pytest.mark.parametrize("path", [b"/a/f", b"//a///f", b"/a/./f", b"/a/b/../f", b"/../a/f", b"/a/b/../../../a/f"])
def test_ways_to_a_file(k: Kit, path: bytes) -> None:
    assert k.stat(path) == k.stat(b"/a/f")


def test_links_are_followed_in_the_middle_and_at_the_end_where_asked(k: Kit) -> None:
    k.symlink(b"b/../f", b"/a/relative")
    k.symlink(b"/a", b"/a/b/absolute")
    assert k.get(b"/a/relative") == b"data"
    assert k.get(b"/a/b/absolute/relative") == b"data"
    assert k.attributes(b"/a/relative").st_mode & const.S_IFMT == const.S_IFLNK
    assert k.attributes(b"/a/b/absolute/").st_mode & const.S_IFMT == const.S_IFDIR
    assert k.readlink(b"/a/relative", 3) == b"b/."
    with fails(Errno.EINVAL):
        k.readlink(b"/a/f", 10)


def test_too_many_links(k: Kit) -> None:
    k.symlink(b"loop", b"/loop")
    for call in (lambda: k.stat(b"/loop"), lambda: k.stat(b"/loop/x"), lambda: k.open(b"/loop", const.O_CREAT, 0)):
        with fails(Errno.ELOOP):
            call()
    k.symlink(b"/a/f", b"/l0")
    for i in range(1, 33):
        k.symlink(b"l%d" % (i - 1), b"/l%d" % i)
    assert k.stat(b"/l31") == k.stat(b"/a/f")
    with fails(Errno.ELOOP):
        k.stat(b"/l32")


def test_links_that_make_a_path_too_long(k: Kit) -> None:
    k.symlink(b"x/" * 2030 + b"x", b"/long")
    with fails(Errno.ENAMETOOLONG):
        k.stat(b"/long/" + b"y/" * 40)


def test_dangling_link_and_create(k: Kit) -> None:
    k.symlink(b"new", b"/a/dangling")
    with fails(Errno.ENOENT):
        k.stat(b"/a/dangling")
    with fails(Errno.EEXIST):
        k.open(b"/a/dangling", const.O_CREAT | const.O_EXCL, 0o600)
    k.close(k.open(b"/a/dangling", const.O_CREAT, 0o600))
    assert k.attributes(b"/a/new").st_mode & 0o777 == 0o600


def test_nofollow(k: Kit) -> None:
    k.symlink(b"f", b"/a/l")
    with fails(Errno.EFTYPE):
        k.open(b"/a/l", const.O_NOFOLLOW, None)


def test_root_directory_of_a_process_holds(k: Kit) -> None:
    jail = k.dir_hold(AT_FDCWD, b"/a")
    k.symlink(b"/f", b"/a/b/out")
    with k.as_(Context(root=jail, cwd=jail)):
        assert k.get(b"/f") == b"data"
        assert k.get(b"/../../f") == b"data"
        assert k.get(b"../f") == b"data"
        assert k.get(b"b/out") == b"data"
        with fails(Errno.ENOENT):
            k.stat(b"/dev")
        assert k.getcwd(100) == b"/"


def test_working_directory(k: Kit) -> None:
    cwd = k.dir_hold(AT_FDCWD, b"/a/b")
    with k.as_(Context(cwd=cwd)):
        assert k.getcwd(100) == b"/a/b"
        assert k.get(b"../f") == b"data"
        with fails(Errno.ERANGE):
            k.getcwd(4)
        with fails(Errno.EINVAL):
            k.getcwd(0)
        k.rename(b"/a", b"/c")
        assert k.getcwd(100) == b"/c/b"
        k.rmdir(b"/c/b")
        with fails(Errno.ENOENT):
            k.getcwd(100)
        with fails(Errno.ENOENT):
            k.mkdir(b"x", 0)
    k.dir_dup(cwd)
    k.dir_release(cwd)
    k.dir_release(cwd)
    with k.as_(Context(cwd=cwd)), fails(Errno.EBADF):
        k.stat(b".")


def test_held_directory_must_be_one_to_search(k: Kit) -> None:
    with fails(Errno.ENOTDIR):
        k.dir_hold(AT_FDCWD, b"/a/f")
    with fails(Errno.ENOENT):
        k.dir_hold(AT_FDCWD, b"/x")
    k.chmod(b"/a", 0o600)
    with k.as_(user(5)), fails(Errno.EACCES):
        k.dir_hold(AT_FDCWD, b"/a")


def test_at_calls(k: Kit) -> None:
    d = k.open(b"/a", const.O_RDONLY, None)
    f = k.open(b"/a/f", const.O_RDONLY, None)
    k.mkdirat(d, b"x", 0o700)
    k.symlinkat(b"f", d, b"l")
    k.linkat(d, b"l", d, b"hard", const.AT_SYMLINK_FOLLOW)
    k.linkat(d, b"l", d, b"soft", 0)
    assert k.fstatat(d, b"hard", 0).st_nlink == 2
    assert k.readlinkat(d, b"soft", 10) == b"f"
    k.renameat(d, b"x", AT_FDCWD, b"/y")
    k.unlinkat(d, b"hard", 0)
    k.unlinkat(AT_FDCWD, b"/y", const.AT_REMOVEDIR)
    k.mkfifoat(d, b"fifo", 0o600)
    k.mknodat(d, b"null", const.S_IFCHR | 0o600, const.makedev(2, 2))
    k.close(k.openat(d, b"new", const.O_CREAT, 0o600))
    assert k.fstatat(d, b"/tmp", 0) == k.stat(b"/tmp")
    for handle, errno in ((f, Errno.ENOTDIR), (9999, Errno.EBADF)):
        with fails(errno):
            k.fstatat(handle, b"x", 0)
    for call in (lambda: k.fstatat(d, b"f", 1), lambda: k.unlinkat(d, b"f", 1), lambda: k.linkat(d, b"f", d, b"g", 1)):
        with fails(Errno.EINVAL):
            call()


def test_what_stands_in_the_way(k: Kit) -> None:
    for call in (
        k.mkdir,
        k.mkfifo,
        lambda p, m: k.symlink(b"x", p),
        lambda p, m: k.link(b"/a/f", p),
    ):
        with fails(Errno.EEXIST):
            call(b"/a/f", 0)
        with fails(Errno.ENOENT):
            call(b"/missing/x", 0)
        with fails(Errno.ENOTDIR):
            call(b"/a/f/x", 0)
        with fails(Errno.ENAMETOOLONG):
            call(b"/a/" + b"n" * 256, 0)


def test_taking_away(k: Kit) -> None:
    with fails(Errno.EPERM):
        k.unlink(b"/a/b")
    with fails(Errno.ENOTDIR):
        k.rmdir(b"/a/f")
    with fails(Errno.ENOTEMPTY):
        k.rmdir(b"/a")
    with fails(Errno.EINVAL):
        k.rmdir(b"/a/.")
    with fails(Errno.ENOTEMPTY):
        k.rmdir(b"/a/b/..")
    with fails(Errno.EBUSY):
        k.rmdir(b"/")
    with fails(Errno.ENOENT):
        k.unlink(b"/x")
    with fails(Errno.EPERM):
        k.link(b"/a", b"/x")


def test_renaming(k: Kit) -> None:
    k.mkdir(b"/d", 0o755)
    k.put(b"/g", b"g")
    for old, new, errno in [
        (b"/x", b"/y", Errno.ENOENT),
        (b"/a", b"/a/b/c", Errno.EINVAL),
        (b"/a/.", b"/x", Errno.EINVAL),
        (b"/a/b", b"/a/b/..", Errno.EINVAL),
        (b"/a/f", b"/d", Errno.EISDIR),
        (b"/d", b"/a/f", Errno.ENOTDIR),
        (b"/d", b"/a", Errno.ENOTEMPTY),
        (b"/a/b", b"/a", Errno.ENOTEMPTY),
        (b"/g/", b"/x", Errno.ENOTDIR),
        (b"/", b"/x", Errno.EBUSY),
        (b"/g", b"/" + b"n" * 256, Errno.ENAMETOOLONG),
    ]:
        with fails(errno):
            k.rename(old, new)
    k.rename(b"/a/b", b"/d")
    assert k.ls(b"/a") == [b".", b"..", b"f"]
    k.rename(b"/d", b"/a/e")
    assert (k.attributes(b"/a").st_nlink, k.stat(b"/a/e/..").st_ino) == (3, k.attributes(b"/a").st_ino)
    k.rename(b"/g", b"/a/f")
    assert k.get(b"/a/f") == b"g"


def test_two_names_of_one_file(k: Kit) -> None:
    k.link(b"/a/f", b"/g")
    k.posix_rename(b"/a/f", b"/g")
    assert k.attributes(b"/g").st_nlink == 2
    k.rename(b"/g", b"/g")
    assert k.attributes(b"/g").st_nlink == 2
    k.rename(b"/a/f", b"/g")
    assert k.attributes(b"/g").st_nlink == 1
    with fails(Errno.ENOENT):
        k.stat(b"/a/f")


def test_device_nodes_are_for_the_superuser(k: Kit) -> None:
    k.chmod(b"/a", 0o777)
    with k.as_(user(5)):
        with fails(Errno.EPERM):
            k.mknod(b"/a/dev", const.S_IFBLK | 0o600, 0)
        k.mknod(b"/a/fifo", const.S_IFIFO | 0o600, 0)
        k.mknod(b"/a/sock", const.S_IFSOCK | 0o600, 0)
        with fails(Errno.EINVAL):
            k.mknod(b"/a/dir", const.S_IFDIR | 0o600, 0)
    k.mknod(b"/a/dev", const.S_IFBLK | 0o600, const.makedev(17, 5))
    assert k.attributes(b"/a/dev").st_rdev == const.makedev(17, 5)


def test_sockets_have_names(k: Kit) -> None:
    k.socket_bind(b"/tmp/s", 0o666, 77)
    assert k.socket_lookup(b"/tmp/s") == 77
    assert k.attributes(b"/tmp/s").st_mode == const.S_IFSOCK | 0o644
    with fails(Errno.EADDRINUSE):
        k.socket_bind(b"/tmp/s", 0o666, 78)
    with fails(Errno.ENOTSOCK):
        k.socket_lookup(b"/a/f")
    with fails(Errno.ENOENT):
        k.socket_lookup(b"/tmp/none")
    with k.as_(user(5)), fails(Errno.EACCES):
        k.socket_lookup(b"/tmp/s")
    with fails(Errno.EOPNOTSUPP):
        k.open(b"/tmp/s", 0, None)
    k.unlink(b"/tmp/s")
    assert not k.vfs.sockets
    k.socket_bind(b"/tmp/s", 0o666, 79)
    assert k.socket_lookup(b"/tmp/s") == 79


def test_names_of_a_disk_are_cached_and_bounded() -> None:
    from rumpvfs.core.vnode import FileSystemType
    from rumpvfs.fs.tmpfs.nodes import Directory
    from rumpvfs.fs.tmpfs.tmpfs import Tmpfs
    from rumpwire.values import TmpfsArgs

    asked: list[bytes] = []

    class Asked(Directory):
        __slots__ = ()

        def lookup(self, name: bytes):  # type: ignore[no-untyped-def]
            asked.append(name)
            return super().lookup(name)

    class SlowFs(Tmpfs):
        cache_names = True

        def make(self, new, parent):  # type: ignore[no-untyped-def]
            node = super().make(new, parent)
            if isinstance(node, Directory):
                node.__class__ = Asked
                node.names = None
            return node

    k = Kit(nvnodes=8)
    k.component.add_filesystem(FileSystemType("slow", lambda r, e: SlowFs(e, TmpfsArgs()), needs_device=False))
    k.mkdir(b"/m", 0o755)
    k.mount("slow", b"/m", 0, None)
    k.mkdir(b"/m/d", 0o755)
    for _ in range(3):
        k.stat(b"/m/d")
        with fails(Errno.ENOENT):
            k.stat(b"/m/d/none")
    assert asked == [b"d", b"d", b"none"]  # once before it was made
    k.put(b"/m/d/none")
    k.rename(b"/m/d", b"/m/e")
    assert k.stat(b"/m/e/none").st_size == 0
    with fails(Errno.ENOENT):
        k.stat(b"/m/d")
    for i in range(50):
        k.put(b"/m/e/%d" % i)
        k.stat(b"/m/e/%d" % i)
        assert k.vfs.names.cache.count <= 8
    assert k.sysctl_value("kern.maxvnodes", None).integer == 8
    k.unmount(b"/m", 0)
    assert k.vfs.names.cache.count == 0


def test_host_files_in_the_name_space() -> None:
    files = MemoryFiles(disk=b"0123456789", ro=b"xyz")
    files.readonly.add(b"ro")
    k = Kit(files)
    k.etfs_register(b"//dev/disk", b"disk", const.RUMP_ETFS_REG)
    k.etfs_register_withsize(b"/part", b"disk", const.RUMP_ETFS_BLK, 2, 4)
    k.etfs_register(b"/dev/null", b"ro", const.RUMP_ETFS_REG)
    assert k.get(b"/dev/disk") == b"0123456789"
    assert k.get(b"dev/disk") == b"0123456789"
    assert k.get(b"/part") == b"2345"
    assert k.get(b"/dev/null") == b"xyz"
    k.put(b"/dev/disk", b"shorter")
    assert bytes(files.files[b"disk"]) == b"shorter"
    with fails(Errno.EINVAL):
        k.truncate(b"/part", 1)
    with fails(Errno.EOPNOTSUPP):
        k.chmod(b"/dev/disk", 0)
    k.truncate(b"/dev/disk", 0)
    k.put(b"/dev/disk", b"0123456789")
    assert b"disk" not in k.ls(b"/dev")
    assert b"part" not in k.ls(b"/")
    part = k.attributes(b"/part")
    assert (const.major(part.st_rdev), part.st_size, part.st_mode & const.S_IFMT) == (197, 4, const.S_IFBLK)
    fd = k.open(b"/part", const.O_RDWR, None)
    assert k.ioctl(fd, const.DIOCGMEDIASIZE, None).data.integer == 4
    assert k.pwrite(fd, b"abcdef", 2) == 2
    with fails(Errno.ENOSPC):
        k.pwrite(fd, b"x", 4)
    with fails(Errno.ENOTTY):
        k.ioctl(fd, 1, None)
    assert bytes(files.files[b"disk"]) == b"0123ab6789"
    with fails(Errno.EBUSY):
        k.etfs_remove(b"/part")
    k.close(fd)
    k.etfs_remove(b"/part")
    with fails(Errno.ENOENT):
        k.stat(b"/part")
    fd = k.open(b"/dev/null", const.O_RDWR, None)
    with fails(Errno.EROFS):
        k.write(fd, b"x")
    with fails(Errno.EOPNOTSUPP):
        k.unlink(b"/dev/disk")
    with fails(Errno.EOPNOTSUPP):
        k.rename(b"/tmp", b"/dev/disk")
    with fails(Errno.EEXIST):
        k.mkdir(b"/dev/disk", 0)
    k.component.stop()
    assert all(file.closed for file in files.opened)


@pytest.mark.parametrize(
    ("key", "path", "kind", "begin", "size", "errno"),
    [
        (b"relative", b"disk", 0, 0, None, Errno.EINVAL),
        (b"/", b"disk", 0, 0, None, Errno.EINVAL),
        (b"/k", b"disk", 9, 0, None, Errno.EINVAL),
        (b"/k", b"none", 0, 0, None, Errno.ENOENT),
        (b"/k", b"disk", 1, 11, None, Errno.EINVAL),
        (b"/k", b"disk", 1, 5, 6, Errno.EINVAL),
        (b"/k", b"disk", 3, 0, None, Errno.ENOTDIR),
        (b"/k", b"dir", 3, 1, None, Errno.EISDIR),
        (b"/k", b"dir", 0, 0, None, Errno.EISDIR),
        (b"/k", b"pipe", 1, 0, None, Errno.EINVAL),
        (b"/taken", b"disk", 0, 0, None, Errno.EEXIST),
        (b"/" + b"k" * 1024, b"disk", 0, 0, None, Errno.ENAMETOOLONG),
    ],
)
def test_host_files_refused(key: bytes, path: bytes, kind: int, begin: int, size: int | None, errno: Errno) -> None:
    files = MemoryFiles(disk=b"0123456789", pipe=b"")
    files.files[b"dir/x"] = bytearray()
    files.kinds[b"pipe"] = "other"
    k = Kit(files)
    k.etfs_register(b"/taken", b"disk", 0)
    with fails(errno):
        k.etfs_register_withsize(key, path, kind, begin, size)
    with k.as_(user(5)), fails(Errno.EPERM):
        k.etfs_register(b"/x", b"disk", 0)
    with fails(Errno.ENOENT):
        k.etfs_remove(b"/none")


def test_sixteen_block_devices_and_no_more() -> None:
    k = Kit(MemoryFiles(disk=b"0123456789"))
    for i in range(16):
        k.etfs_register(b"/b%d" % i, b"disk", const.RUMP_ETFS_BLK)
    with fails(Errno.EBUSY):
        k.etfs_register(b"/b16", b"disk", const.RUMP_ETFS_BLK)
    k.etfs_remove(b"/b3")
    k.etfs_register(b"/b16", b"disk", const.RUMP_ETFS_BLK)
    assert len({k.attributes(b"/b%d" % i).st_rdev for i in (*range(3), *range(4, 17))}) == 16


def test_directories_in_a_ring_on_a_damaged_disk(k: Kit) -> None:
    k.mkdir(b"/a/b/c", 0o755)
    k.mkdir(b"/x", 0o755)
    names = k.vfs.names
    b, c = (names.lookup(k.ctx, path) for path in (b"/a/b", b"/a/b/c"))
    b.up = c  # type: ignore[attr-defined]
    with fails(Errno.EIO):
        k.rename(b"/x", b"/a/b/c/x")
    with k.as_(Context(cwd=k.dir_hold(AT_FDCWD, b"/a/b/c"))), fails(Errno.ENOENT):
        k.getcwd(1000)


def test_links_lead_as_far_as_those_of_linux(k: Kit) -> None:
    target = b"/" + b"d/" * 2046 + b"f"
    k.symlink(target + b"x", b"/long")
    assert k.readlink(b"/long", 8192) == target + b"x"
    with fails(Errno.ENAMETOOLONG):
        k.symlink(target + b"xx", b"/longer")
