"""ffs: images of makefs are read as what they were made from, and all changes leave an image that fsck finds sound."""

from __future__ import annotations

import os
import random
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rumpvfs.core.vnode import Changes, FileSystem, NewNode, Vnode, VType
from rumpvfs.fs.ffs import newfs as newfs_module
from rumpwire import const
from rumpwire.errno import Errno, KernelError
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


def work(fs: FileSystem, rng: random.Random, steps: int) -> dict[bytes, bytes]:
    """A bit of everything in a directory of its own; gives what the files hold."""
    top = mkdir(fs.root(), b"work")
    model: dict[bytes, bytes] = {}
    sizes = (0, 1, 511, 512, 513, 4000, 8192, 12_000, 70_000, 120_000)
    for step in range(steps):
        name = b"file %d" % rng.randrange(20)
        action = rng.randrange(6)
        if name not in model:
            model[name] = rng.randbytes(rng.choice(sizes))
            put(top, name, model[name])
            continue
        node = top.lookup(name)
        if action == 0:
            remove(top, name)
            del model[name]
        elif action == 1:
            size = rng.choice(sizes)
            resize(node, size)
            model[name] = model[name][:size].ljust(size, b"\0")
        elif action == 2:
            new = b"file %d" % rng.randrange(20)
            replaced = top.lookup(new) if new in model else None
            if replaced is not node:
                top.rename(name, node, top, new, replaced)
                if replaced is not None:
                    replaced.inactive()
                model[new] = model.pop(name)
        else:
            data = rng.randbytes(rng.choice(sizes))
            at = rng.choice((0, len(model[name]), rng.randrange(60_000)))
            assert node.write(at, data) == len(data)
            if data:
                before = model[name].ljust(at, b"\0")
                model[name] = before[:at] + data + before[at + len(data) :]
        if step % 40 == 0:
            fs.sync()
    return model


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
    fs = mount(disk)
    root = fs.root()
    theirs = put(root, b"theirs", uid=5)
    data = random.Random(1).randbytes(4 << 20)
    count = theirs.write(0, data)
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


# -- mounting


def test_the_clean_flag(options: dict[str, str]) -> None:
    disk = newfs(4 << 20, **options)
    fs = mount(disk)
    text = refused(Errno.EROFS, mount, Disk(disk.data))
    assert "fsck" in text
    env = Clock()
    mount(Disk(disk.data), env, readonly=True)
    mount(Disk(disk.data), env, force="")
    assert len(env.lines) == 2
    fs.remount(readonly=True)
    sound(disk)
    fs.remount(readonly=False)
    put(fs.root(), b"x")
    fs.unmount(force=False)
    sound(disk)


@pytest.mark.parametrize(
    ("at", "kind", "value", "text"),
    [
        (1312, "I", 0x40, "gjournal"),
        (1116, "I", 7, "snapshots"),
        (904, "I", 0xF8AFD421, "quotas"),
        (1104, "q", 5, "fsck"),
    ],
)
def test_what_is_not_written(at: int, kind: str, value: int, text: str) -> None:
    disk = newfs(4 << 20)
    struct.pack_into("<" + kind, disk.data, 65536 + at, value)
    assert text in refused(Errno.EROFS, mount, disk)
    mount(disk, readonly=True)


def test_readonly_disks() -> None:
    disk = newfs(4 << 20)
    disk.readonly = True
    refused(Errno.EROFS, mount, disk)
    fs = mount(disk, readonly=True)
    fs.root().read  # noqa: B018
    refused(Errno.EROFS, fs.remount, readonly=False)
    fs.sync()
    fs.unmount(force=False)


def test_what_is_no_ffs() -> None:
    refused(Errno.EINVAL, mount, bytes(1 << 20))
    refused(Errno.EINVAL, mount, bytes(100))


# -- crashes and failing disks


def test_a_crash_at_any_time_leaves_nothing_that_fsck_cannot_repair(options: dict[str, str]) -> None:
    disk = newfs(3 << 20, bsize="4096", fsize="512", **options)
    fs = mount(disk)
    fs.root().create(b"old", NewNode(VType.DIR, 0o755, 0, 0))
    fs.sync()
    before = bytes(disk.data)
    disk.writes = []
    work(fs, random.Random(11), 200)
    old = fs.root().lookup(b"old")
    for n in range(120):
        put(old, b"name %d" % n)
    fs.sync()
    for n in range(120):
        remove(old, b"name %d" % n)
    fs.unmount(force=False)
    image = bytearray(before)
    writes = disk.writes
    assert len(writes) > 100
    for number, (offset, data) in enumerate(writes):
        image[offset : offset + len(data)] = data
        if number % 7 == 0 or number > len(writes) - 20:
            assert check(image, crashed=True) == [], f"after write {number} of {len(writes)}"
    sound(disk)


def test_failing_disks(options: dict[str, str], tmp_path: Path) -> None:
    """Whenever the disk begins to fail and is well again later, nothing is worse than what was not written."""
    for room in range(0, 60, 3):
        disk = newfs(2 << 20, bsize="4096", fsize="512", **options)
        fs = mount(disk)
        root = fs.root()
        put(root, b"before", b"b" * 30_000)
        fs.sync()
        disk.room = room
        errors = set()
        for n in range(30):
            calls = (
                lambda root=root, n=n: put(root, b"%d" % n).write(0, b"x" * 700 * n),
                lambda root=root, n=n: remove(root, b"%d" % (n - 3)),
                fs.sync,
            )
            for call in calls:
                try:
                    call()
                except KernelError as error:
                    errors.add(error.errno)
        assert Errno.EIO in errors
        assert errors <= {Errno.EIO, Errno.ENOENT, Errno.EEXIST}
        refused(Errno.EIO, fs.unmount, force=False)
        disk.room = None
        fs.unmount(force=False)
        sound(disk, tmp_path if room % 12 == 0 else None)
        assert contents(mount(disk, readonly=True).root().lookup(b"before")) == b"b" * 30_000


# -- newfs


@pytest.mark.parametrize("size", [1 << 20, 3_000_000, 60 << 20])
def test_newfs(size: int, options: dict[str, str], tmp_path: Path) -> None:
    disk = Disk(bytes(random.Random(1).randbytes(1 << 16)) * (size >> 16) + bytes(size & 0xFFFF))
    from rumpvfs.core.vnode import NewfsRequest
    from rumpvfs.fs.ffs import FILE_SYSTEM

    assert FILE_SYSTEM.newfs is not None
    assert FILE_SYSTEM.probe is not None
    used = FILE_SYSTEM.newfs(NewfsRequest(disk, {**options, "label": "a label", "density": "16k"}), Clock())
    assert size * 0.8 < used <= size
    assert FILE_SYSTEM.probe(disk)
    sound(disk, tmp_path)
    root = mount(disk, readonly=True).root()
    assert (root.getattr().st_mode, names(root)) == (const.S_IFDIR | 0o755, [b".", b".."])


@pytest.mark.parametrize(
    "options",
    [
        {"bsize": "3000"},
        {"bsize": "131072"},
        {"bsize": "8192", "fsize": "512"},
        {"fsize": "256"},
        {"version": "3"},
        {"byteorder": "pdp"},
        {"density": "x"},
        {"minfree": "100"},
        {"label": "x" * 32},
        {"nosuch": "1"},
    ],
)
def test_newfs_refuses(options: dict[str, Any]) -> None:
    refused(Errno.EINVAL, newfs, 4 << 20, **options)


def test_newfs_of_too_little() -> None:
    refused(Errno.ENOSPC, newfs, 60_000)
    disk = Disk(1 << 20, readonly=True)
    from rumpvfs.core.vnode import NewfsRequest
    from rumpvfs.fs.ffs import FILE_SYSTEM

    assert FILE_SYSTEM.newfs is not None
    refused(Errno.EROFS, FILE_SYSTEM.newfs, NewfsRequest(disk), Clock())


# -- extended attributes


@pytest.mark.parametrize("order", ["le", "be"])
def test_extended_attributes(order: str) -> None:
    disk = newfs(4 << 20, version="2", byteorder=order)
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


# -- older layouts


@pytest.mark.parametrize("order", ["le", "be"])
def test_staggered_groups(order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """UFS1 of old put the structures of each group on another platter."""
    geometry = newfs_module._geometry
    monkeypatch.setattr(newfs_module, "_geometry", lambda made: geometry(made) | {"cgoffset": 16, "cgmask": ~7})
    disk = newfs(24 << 20, version="1", byteorder=order, bsize="4096", fsize="512")
    sound(disk, tmp_path)
    fs = mount(disk)
    assert len({fs.sb.cgstart(n) % fs.sb.fpg for n in range(fs.sb.ncg)}) > 2  # type: ignore[attr-defined]
    model = work(fs, random.Random(1), 150)
    for n in range(30):
        put(mkdir(fs.root(), b"%d" % n), b"file", b"x" * 150_000)
    fs.unmount(force=False)
    sound(disk, tmp_path)
    top = mount(disk, readonly=True).root().lookup(b"work")
    assert {name: contents(top.lookup(name)) for name in names(top)[2:]} == model


@pytest.mark.parametrize("order", ["le", "be"])
def test_disks_of_4_2_bsd_are_read(order: str) -> None:
    """No kinds in directories, no short links, 16 bits for users, 32 for everything else."""
    disk = newfs(4 << 20, version="1", byteorder=order, bsize="4096", fsize="512")
    fs = mount(disk)
    directory = mkdir(fs.root(), b"directory")
    for n in range(60):
        put(directory, b"file %d" % n, b"%d" % n)
    target = b"t" * 70
    symlink(fs.root(), b"link", target)
    numbers = [fs.root().fileno, *(directory.lookup(name).fileno for name in names(directory))]
    places = [directory.inode.pointers[0], fs.root().inode.pointers[0]]  # type: ignore[attr-defined]
    inodes = [fs.sb.inode_place(number) for number in numbers]  # type: ignore[attr-defined]
    size = directory.getattr().st_size
    del directory
    fs.unmount(force=False)
    e = "<" if order == "le" else ">"
    for place, length in zip(places, (size, 512), strict=True):
        at = place * 512
        while at < place * 512 + length:
            record, name_length = struct.unpack_from(e + "4xHxB", disk.data, at)
            struct.pack_into(e + "H", disk.data, at + 6, name_length)
            at += record
    for frag, at in inodes:
        struct.pack_into(e + "2H", disk.data, frag * 512 + at + 4, 17, 18)
    for at, kind, value in ((1320, "i", 0), (1324, "i", -1), (211, "B", 0), (1080, "q", -1), (1096, "q", -1)):
        struct.pack_into(e + kind, disk.data, 8192 + at, value)
    fs = mount(disk, readonly=True)
    directory = fs.root().lookup(b"directory")
    assert sorted(names(directory)) == sorted([b".", b"..", *(b"file %d" % n for n in range(60))])
    assert all(entry.vtype is None for entry in directory.readdir(0))
    assert contents(directory.lookup(b"file 59")) == b"59"
    assert fs.root().lookup(b"link").readlink() == target
    assert directory.owner()[1:] == (17, 18)
    assert fs.statvfs().f_blocks > 7000
    assert "only read" in refused(Errno.EROFS, fs.remount, readonly=False)


# -- NetBSD's log

LOG = 1 << 20
RING = 1024


def with_log(disk: Disk, records: list[bytes], order: str, place: int, *, turn: int = 0) -> Disk:
    """The disk with a log behind it; ``turn`` lets the records begin so far in the ring."""
    ring = bytearray(LOG - RING)
    data = b"".join(records)
    for at in range(0, len(data), 512):
        where = (turn + at) % len(ring)
        ring[where : where + 512] = data[at : at + 512]
    tail, head = RING + turn, RING + (turn + len(data)) % len(ring)
    headers = b"".join(
        struct.pack(
            order + "IiII2iQ4I4q", 0x5741424C, 512, 0, generation, 0, 0, 0, 0, 1, 9, 9, *ends, RING, len(ring)
        ).ljust(512, b"\0")
        for generation, ends in ((8, (head, tail)), (7, (0, 0)))
    )
    whole = Disk(bytes(disk.data) + headers + bytes(ring))
    where = struct.pack(order + "BB2xI3Q", 1, 1, 0, disk.size // 512, LOG // 512, 512)
    whole.data[place + 864 : place + 864 + len(where)] = where
    struct.pack_into(order + "I", whole.data, place + 1312, 0x100)
    return whole


def records(order: str, writes: list[tuple[int, bytes]]) -> list[bytes]:
    """The writes as records of the log, a few in each."""
    found = []
    for first in range(0, len(writes), 20):
        some = writes[first : first + 20]
        data = b"".join(data for _, data in some)
        head = struct.pack(order + "IiiI", 0x5741424F, 512 + len(data), len(some), 0)
        entries = b"".join(struct.pack(order + "qii", at // 512, 0, len(data)) for at, data in some)
        found += [(head + entries).ljust(512, b"\0"), data]
    return found


@pytest.mark.parametrize("turn", [0, LOG - RING - 2048])
def test_a_log_is_replayed(options: dict[str, str], turn: int, tmp_path: Path) -> None:
    order, place = ("<" if options["byteorder"] == "le" else ">"), (8192 if options["version"] == "1" else 65536)
    disk = newfs(4 << 20, bsize="4096", fsize="512", **options)
    fs = mount(disk)
    fs.sync()
    before = Disk(disk.data)
    disk.writes = []
    top = mkdir(fs.root(), b"directory")
    for n in range(20):
        put(top, b"file %d" % n, b"x" * 500 * n)
    nameless = put(fs.root(), b"nameless", b"y" * 50_000)
    nameless.uses = 1
    remove(fs.root(), b"nameless")
    fs.sync()
    # Contents of files are not logged; superblocks are, and would take the place of the log with them.
    writes = [(at, data) for at, data in disk.writes if at != place and data.strip(b"xy\0")]
    for at, data in disk.writes:
        before.data[at : at + len(data)] = data if not data.strip(b"xy\0") else before.data[at : at + len(data)]
    superblock = bytes(disk.data[place : place + 1536])
    before.data[place : place + 1536] = superblock
    stale = [(writes[-1][0], b"stale" * 102 + b"12")]
    revoked = struct.pack(order + "IiiIqii", 0x5741424E, 512, 1, 0, stale[0][0] // 512, 0, 512).ljust(512, b"\0")
    inodes = struct.pack(order + "IiiI2I", 0x5741424D, 512, 1, 0, nameless.fileno, 0o100644).ljust(512, b"\0")
    log = [*records(order, stale), revoked, *records(order, writes), inodes]
    crashed = with_log(before, log, order, place, turn=turn)
    env = Clock()
    looked = mount(Disk(crashed.data), env, readonly=True)
    assert "replaying" in env.lines[0]
    assert len(names(looked.root().lookup(b"directory"))) == 22
    assert contents(looked.root().lookup(b"directory").lookup(b"file 19")) == b"x" * 9500
    refused(Errno.EROFS, looked.remount, readonly=False)
    refused(Errno.EROFS, mount, Disk(crashed.data, readonly=True))
    fs = mount(crashed)
    assert len(names(fs.root().lookup(b"directory"))) == 22
    put(fs.root(), b"more")
    fs.unmount(force=False)
    sound(crashed, tmp_path)
    assert not fs.sb.flags & 0x100  # type: ignore[attr-defined]


def test_broken_logs(options: dict[str, str]) -> None:
    order, place = ("<" if options["byteorder"] == "le" else ">"), (8192 if options["version"] == "1" else 65536)
    disk = newfs(2 << 20, bsize="4096", fsize="512", **options)
    writes = [(at * 512, bytes(disk.data[at * 512 : at * 512 + 1024])) for at in range(300, 330)]
    image = with_log(disk, records(order, writes), order, place).data
    rng = random.Random(order)
    starts = [disk.size, disk.size + 512, disk.size + RING, place + 864]
    for _ in range(80):
        data = bytearray(image)
        for _ in range(rng.choice((1, 2, 5))):
            struct.pack_into(
                order + "I",
                data,
                rng.choice(starts) + rng.randrange(0, 90, 4),
                rng.choice((0, 1, 7, 1 << 31, 0xFFFFFFFF, 512)),
            )
        for readonly in (True, False):
            try:
                fs = mount(Disk(data), readonly=readonly)
                names(fs.root())
            except KernelError as error:
                if error.errno not in (Errno.EIO, Errno.EINVAL, Errno.EROFS):
                    raise
