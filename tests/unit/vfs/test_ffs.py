"""ffs: images of makefs are read as what they were made from, and all changes leave an image that fsck finds sound."""

from __future__ import annotations

import os
import random
import struct
import subprocess
from pathlib import Path

import pytest

from rumpvfs.core.vnode import Changes, NewNode, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials
from tests.ext4_images import Facts, compare, digest, facts_of_host, facts_of_image, fill, run, walk
from tests.ffs_images import (
    GEOMETRIES,
    VARIANTS,
    Clock,
    Disk,
    contents,
    makefs,
    mkdir,
    mount,
    names,
    newfs,
    put,
    refused,
    remove,
    resize,
    sound,
    symlink,
    work,
)
from tests.tools import need
from tests.unit.vfs.ffs_check import check


@pytest.fixture(params=VARIANTS)
def options(request: pytest.FixtureRequest) -> dict[str, str]:
    return VARIANTS[request.param]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Facts]]:
    top = tmp_path_factory.mktemp("source")
    fill(top)
    os.mkfifo(top / "fifo")
    for length in (59, 60, 61, 119, 120, 121):
        (top / f"link {length}").symlink_to("x" * length)
    (top / "sparse").unlink()  # makefs makes no holes
    os.chown(top / "tiny", 70000, 100000) if os.geteuid() == 0 else None
    return top, facts_of_host(top, xattrs=False)


# -- reading what makefs made


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize(("bsize", "fsize"), [(4096, 512), (8192, 1024), (16384, 2048), (32768, 32768)])
def test_images_of_makefs(
    order: str, version: str, bsize: int, fsize: int, source: tuple[Path, dict[str, Facts]], tmp_path: Path
) -> None:
    more = f"version={version},bsize={bsize},fsize={fsize}"
    image = makefs(tmp_path / "image", source[0], "-B", order, "-o", more, "-f", "50", "-b", "10%")
    fs = mount(image.read_bytes(), readonly=True)
    compare(
        facts_of_image(fs, xattrs=False),
        source[1],
        ignore=lambda facts: facts._replace(mtime_ns=facts.mtime_ns // 10**9 & 0xFFFFFFFF),
    )
    assert check(image.read_bytes()) == []


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("version", ["1", "2"])
def test_images_of_makefs_are_written(order: str, version: str, tmp_path: Path) -> None:
    top = tmp_path / "source"
    fill(top, many=50)
    (top / "sparse").unlink()
    image = makefs(tmp_path / "image", top, "-B", order, "-o", f"version={version}", "-s", "12m", "-f", "500")
    disk = Disk(image.read_bytes())
    fs = mount(disk)
    work(fs, random.Random(7), 120)
    fs.unmount(force=False)
    sound(disk, tmp_path)
    assert contents(mount(disk, readonly=True).root().lookup(b"large")) == (top / "large").read_bytes()


# -- reading by others


def test_the_sleuth_kit_reads_what_was_written(options: dict[str, str], tmp_path: Path) -> None:
    disk = newfs(8 << 20, **options)
    fs = mount(disk)
    directory = mkdir(fs.root(), b"directory")
    files = {
        b"small": random.Random(1).randbytes(700),
        b"blocks": random.Random(2).randbytes(50_000),
        b"indirect": random.Random(3).randbytes(900_000),
    }
    numbers = {name: put(directory, name, data).fileno for name, data in files.items()}
    for number in range(100):
        put(directory, b"%d" % number)
    fs.unmount(force=False)
    image = tmp_path / "image"
    image.write_bytes(disk.data)
    listing = run("fls", "-r", "-p", "-f", "ufs", image)
    for name, number in numbers.items():
        assert f"{number}:\tdirectory/{name.decode()}\n" in listing
        found = subprocess.run([need("icat"), "-f", "ufs", image, str(number)], capture_output=True, check=True)
        assert found.stdout == files[name]
    assert listing.count("directory/") == 103


# -- changes


@pytest.mark.parametrize(("bsize", "fsize"), GEOMETRIES)
def test_work_in_all_geometries(bsize: int, fsize: int, options: dict[str, str], tmp_path: Path) -> None:
    disk = newfs((9 << 20) + 1536, bsize=str(bsize), fsize=str(fsize), **options)
    sound(disk, tmp_path)
    fs = mount(disk)
    model = work(fs, random.Random(bsize), 150)
    assert check(disk.data, clean=False, crashed=True) == []
    fs.sync()
    sound(disk, clean=False)
    fs.unmount(force=False)
    sound(disk, tmp_path)
    top = mount(disk, readonly=True).root().lookup(b"work")
    assert {name: contents(top.lookup(name)) for name in names(top)[2:]} == model


def test_everything_that_can_be_made(options: dict[str, str], tmp_path: Path) -> None:
    disk = newfs(4 << 20, **options)
    fs = mount(disk)
    root = fs.root()
    rdev = const.makedev(19, 7)
    made: dict[bytes, Vnode] = {}
    for vtype in (VType.REG, VType.DIR, VType.BLK, VType.CHR, VType.FIFO, VType.SOCK):
        made[vtype.name.encode()] = root.create(vtype.name.encode(), NewNode(vtype, 0o1751, 17, 18, rdev))
    for length in (1, 59, 60, 61, 119, 120, 121, 1000):
        symlink(root, b"link %d" % length, b"t" * length)
    root.link(b"REG again", made[b"REG"])
    made[b"REG"].setattr(Changes(mode=0o4711, uid=1, gid=2, flags=const.UF_NODUMP, atime_ns=-5, mtime_ns=10**18 + 7))
    generation = made[b"REG"].getattr().st_gen
    del made
    fs.unmount(force=False)
    sound(disk, tmp_path)
    fs = mount(disk)
    root = fs.root()
    for vtype in (VType.DIR, VType.BLK, VType.CHR, VType.FIFO, VType.SOCK):
        node = root.lookup(vtype.name.encode())
        st = node.getattr()
        assert (node.vtype, st.st_mode, st.st_uid, st.st_gid) == (vtype, vtype | 0o1751, 17, 18)
        assert st.st_rdev == (rdev if vtype in (VType.BLK, VType.CHR) else 0)
        assert st.st_nlink == (2 if vtype is VType.DIR else 1)
    for length in (1, 59, 60, 61, 119, 120, 121, 1000):
        assert root.lookup(b"link %d" % length).readlink() == b"t" * length
    node = root.lookup(b"REG again")
    st = node.getattr()
    assert (st.st_mode, st.st_uid, st.st_gid, st.st_nlink) == (const.S_IFREG | 0o4711, 1, 2, 2)
    assert (st.st_flags, st.st_atime_ns, st.st_mtime_ns) == (const.UF_NODUMP, -5, 10**18 + 7)
    assert (st.st_birthtime_ns > 0) == (options["version"] == "2")
    assert fs.vget(node.fileno, generation) is node
    refused(Errno.ESTALE, fs.vget, node.fileno, generation + 1)
    refused(Errno.ESTALE, fs.vget, 100, 0)
    assert root.getattr().st_nlink == 3


def test_large_files_reach_all_levels(options: dict[str, str], tmp_path: Path) -> None:
    disk = newfs(8 << 20, bsize="4096", fsize="512", **options)
    fs = mount(disk)
    node = put(fs.root(), b"file")
    per = 1024 if options["version"] == "1" else 512
    places = [0, 12 * 4096 - 3, (12 + per) * 4096 - 3, (12 + per + per**2) * 4096 - 3, (12 + per + per**2 + 9) * 4096]
    for place in places:
        assert node.write(place, b"abcdef") == 6
    assert [node.seek(place + 6, hole=True) % 4096 for place in places[:-1]] == [0] * 4
    assert node.seek(4096, hole=False) == 11 * 4096
    fs.unmount(force=False)
    sound(disk, tmp_path)
    fs = mount(disk)
    node = fs.root().lookup(b"file")
    assert all(bytes(node.read(place, 6)) == b"abcdef" for place in places)
    assert not any(node.read(20_000, 10_000))
    refused(Errno.EFBIG, node.write, 1 << 62, b"x")
    refused(Errno.EFBIG, resize, node, 1 << 60)
    free = fs.statvfs().f_bfree
    for size in (places[3] + 2, places[2] + 2, places[1] + 2, 5):
        resize(node, size)
        fs.sync()
        sound(disk, clean=False)
    assert contents(node) == b"abcde"
    assert fs.statvfs().f_bfree > free
    remove(fs.root(), b"file")
    del node
    fs.unmount(force=False)
    sound(disk, tmp_path)


def test_the_last_block_is_never_a_hole(options: dict[str, str]) -> None:
    disk = newfs(8 << 20, bsize="4096", fsize="512", **options)
    fs = mount(disk)
    node = put(fs.root(), b"file")
    for size in (600_000, 12 * 4096, 12 * 4096 - 1, 5 * 4096, 4096 + 100, 3 * 4096 + 600, 700):
        resize(node, size)
        fs.sync()
        sound(disk, clean=False)
        assert contents(node) == bytes(size)


def test_a_large_write_is_in_one_piece(options: dict[str, str]) -> None:
    """Blocks of one file lie behind one another and are written together."""
    disk = newfs(16 << 20, bsize="8192", fsize="1024", **options)
    fs = mount(disk)
    node = put(fs.root(), b"file")
    disk.writes = []
    data = random.Random(1).randbytes(80 * 1024)
    node.write(0, data)
    assert len(disk.writes) == 1
    assert bytes(node.read(0, 1 << 20)) == data


def test_directories(options: dict[str, str], tmp_path: Path) -> None:
    disk = newfs(16 << 20, bsize="4096", fsize="512", density="1024", **options)
    fs = mount(disk)
    top = mkdir(fs.root(), b"top")
    rng = random.Random(5)
    wanted = {b"%d" % n + b"n" * rng.randrange(200) for n in range(2500)}
    for name in sorted(wanted):
        put(top, name)
    assert top.getattr().st_size > 13 * 4096
    for name in sorted(wanted):
        if rng.random() < 0.5:
            remove(top, name)
            wanted.discard(name)
    for n in range(500):
        wanted.add(b"new %d" % n)
        put(top, b"new %d" % n)
    assert sorted(names(top)) == sorted([b".", b"..", *wanted])
    refused(Errno.EEXIST, put, top, b"new 1")
    refused(Errno.ENOTEMPTY, fs.root().rmdir, b"top", top)
    fs.unmount(force=False)
    sound(disk, tmp_path)
    fs = mount(disk)
    top = fs.root().lookup(b"top")
    assert sorted(names(top)) == sorted([b".", b"..", *wanted])
    for name in wanted:
        remove(top, name)
    assert names(top) == [b".", b".."]
    remove(fs.root(), b"top")
    del top
    assert fs.root().getattr().st_nlink == 2
    fs.unmount(force=False)
    sound(disk, tmp_path)


def test_a_reader_of_a_directory_goes_on_where_it_was(options: dict[str, str]) -> None:
    fs = mount(newfs(4 << 20, **options))
    root = fs.root()
    for n in range(100):
        put(root, b"f%02d" % n)
    seen = []
    cookie = 0
    for n in range(0, 100, 2):
        entry = next(iter(root.readdir(cookie)))
        cookie = entry.cookie
        seen.append(entry.name)
        remove(root, b"f%02d" % (n + 1)) if b"f%02d" % (n + 1) not in seen else None
        put(root, b"g%d" % n)
    seen += [entry.name for entry in root.readdir(cookie)]
    assert len(seen) == len(set(seen))
    assert {b"f%02d" % n for n in range(0, 100, 2)} <= set(seen)
    refused(Errno.EINVAL, root.readdir, -1)
    refused(Errno.EINVAL, root.readdir, 1 << 40)


def test_renames(options: dict[str, str], tmp_path: Path) -> None:
    disk = newfs(4 << 20, **options)
    fs = mount(disk)
    root = fs.root()
    a, b = mkdir(root, b"a"), mkdir(root, b"b")
    inner = mkdir(a, b"inner")
    put(inner, b"file", b"x")
    a.rename(b"inner", inner, b, b"moved", None)
    assert (a.getattr().st_nlink, b.getattr().st_nlink) == (2, 3)
    assert inner.parent() is b
    empty = mkdir(a, b"empty")
    refused(Errno.ENOTEMPTY, a.rename, b"empty", empty, b, b"moved", inner)
    b.rename(b"moved", inner, a, b"empty", empty)
    empty.inactive()
    assert names(a) == [b".", b"..", b"empty"]
    assert (a.getattr().st_nlink, b.getattr().st_nlink) == (3, 2)
    one, two = put(root, b"one", b"1" * 5000), put(root, b"two", b"2" * 9000)
    root.rename(b"one", one, root, b"two", two)
    assert contents(root.lookup(b"two")) == b"1" * 5000
    two.inactive()
    refused(Errno.ENOENT, root.lookup, b"one")
    del a, b, inner, empty, one, two
    fs.unmount(force=False)
    sound(disk, tmp_path)


def test_unlinked_but_open(options: dict[str, str], tmp_path: Path) -> None:
    disk = newfs(4 << 20, **options)
    fs = mount(disk)
    free = fs.statvfs()
    node, gone = put(fs.root(), b"file", b"x" * 100_000), mkdir(fs.root(), b"dir")
    node.uses = gone.uses = 1
    remove(fs.root(), b"file")
    remove(fs.root(), b"dir")
    assert node.write(100_000, b"more") == 4
    assert contents(node)[-5:] == b"xmore"
    assert names(gone) == []
    refused(Errno.ENOENT, mkdir, gone, b"x")
    refused(Errno.EBUSY, fs.remount, readonly=True)
    node.uses = gone.uses = 0
    node.inactive()
    assert fs.statvfs().f_ffree == free.f_ffree - 1
    fs.unmount(force=False)  # takes the directory, which is still open, with it
    sound(disk, tmp_path)
    after = mount(disk, readonly=True).statvfs()
    assert (after.f_bfree, after.f_ffree) == (free.f_bfree, free.f_ffree)


# -- limits


def test_full_disk(options: dict[str, str], tmp_path: Path) -> None:
    disk = newfs(2 << 20, bsize="8192", fsize="1024", **options)
    env = Clock()
    fs = mount(disk, env)
    root = fs.root()
    theirs = put(root, b"theirs", uid=5)
    data = random.Random(1).randbytes(4 << 20)
    env.cred = Credentials(uid=5, euid=5)
    count = theirs.write(0, data)
    env.cred = Credentials()
    left = fs.statvfs()
    assert left.f_bavail < 8
    assert left.f_bfree >= left.f_bresvd - 8
    ours = put(root, b"ours")
    assert ours.write(0, data) > 0
    refused(Errno.ENOSPC, ours.write, ours.getattr().st_size, data[:9000])
    assert fs.statvfs().f_bfree < 8
    assert contents(theirs) == data[:count]
    refused(Errno.ENOSPC, theirs.write, count, b"x" * 8192)
    for n in range(600):
        try:
            put(root, b"tiny %d" % n, b"x")
        except KernelError:
            break
    refused(Errno.ENOSPC, mkdir, root, b"directory")
    refused(Errno.ENOSPC, symlink, root, b"link", b"x" * 500)
    fs.sync()
    sound(disk, clean=False)
    remove(root, b"theirs")
    again = put(root, b"again" if b"again" not in names(root) else b"x", b"y" * 200_000)  # what was just freed is used
    assert contents(again) == b"y" * 200_000
    del ours, theirs, again
    fs.unmount(force=False)
    sound(disk, tmp_path)


def test_no_more_inodes(options: dict[str, str], tmp_path: Path) -> None:
    disk = newfs(4 << 20, density="262144", bsize="4096", fsize="512", **options)
    fs = mount(disk)
    total = fs.statvfs().f_ffree
    for n in range(total):
        put(fs.root(), b"%d" % n)
    refused(Errno.ENOSPC, put, fs.root(), b"one more")
    assert fs.statvfs().f_ffree == 0
    for n in range(0, total, 2):
        remove(fs.root(), b"%d" % n)
    put(fs.root(), b"one more")
    fs.unmount(force=False)
    sound(disk, tmp_path)


# -- extended attributes


@pytest.mark.parametrize("magic", [0x19540119, 0x19012038], ids=["UFS2", "UFS2ea"])
@pytest.mark.parametrize("order", ["le", "be"])
def test_extended_attributes(order: str, magic: int) -> None:
    disk = newfs(4 << 20, version="2", byteorder=order)
    struct.pack_into("<I" if order == "le" else ">I", disk.data, 65536 + 1372, magic)
    fs = mount(disk)
    node = put(fs.root(), b"file", b"contents")
    values = {b"user.a": b"", b"user.name": b"x" * 9, b"system.x": os.urandom(500), b"user.long": os.urandom(6000)}
    for name, value in values.items():
        node.setxattr(name, value)
    node.setxattr(b"user.name", b"y")
    node.removexattr(b"user.a")
    values = values | {b"user.name": b"y"}
    del values[b"user.a"]
    refused(Errno.ENOATTR, node.getxattr, b"user.a")
    refused(Errno.ENOATTR, node.removexattr, b"user.a")
    refused(Errno.EOPNOTSUPP, node.setxattr, b"trusted.x", b"")
    refused(Errno.ENOSPC, node.setxattr, b"user.huge", bytes(60_000))
    fs.unmount(force=False)
    sound(disk)
    fs = mount(disk)
    node = fs.root().lookup(b"file")
    assert {name: node.getxattr(name) for name in node.listxattr()} == values
    remove(fs.root(), b"file")
    del node
    fs.unmount(force=False)
    sound(disk)


def test_ufs1_has_no_extended_attributes() -> None:
    node = put(mount(newfs(4 << 20, version="1")).root(), b"file")
    refused(Errno.EOPNOTSUPP, node.setxattr, b"user.x", b"")
    refused(Errno.EOPNOTSUPP, node.listxattr)


def test_digest_and_walk_of_what_was_written(options: dict[str, str]) -> None:
    disk = newfs(8 << 20, **options)
    fs = mount(disk)
    put(mkdir(mkdir(fs.root(), b"a"), b"b"), b"c", b"deep" * 50_000)
    fs.unmount(force=False)
    found = dict(walk(mount(disk, readonly=True)))
    assert set(found) == {"/", "/a", "/a/b", "/a/b/c"}
    assert digest(found["/a/b/c"], 200_000)
