"""Images of mke2fs in many combinations of features, compared with the folder that they were made from."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from rumpvfs.core.vnode import MountRequest, VType
from rumpvfs.fs.ext2fs import FILE_SYSTEM
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import (
    Environment,
    Facts,
    MappedDevice,
    compare,
    facts_of_host,
    facts_of_image,
    fill,
    make_image,
    mount,
    run,
)

VARIANTS = {
    "ext4": ("-t", "ext4", "-b", "4096"),
    "ext3": ("-t", "ext3", "-b", "4096"),
    "ext2": ("-t", "ext2", "-b", "4096"),
    "ext4-1k": ("-t", "ext4", "-b", "1024"),
    "ext4-2k": ("-t", "ext4", "-b", "2048"),
    "ext4-64k": ("-t", "ext4", "-b", "65536"),
    "ext2-1k": ("-t", "ext2", "-b", "1024"),
    "revision 0": ("-t", "ext2", "-r", "0"),
    "inodes of 128": ("-t", "ext2", "-I", "128"),
    "inodes of 1024": ("-t", "ext4", "-b", "1024", "-I", "1024"),
    "no filetype": ("-t", "ext2", "-O", "^filetype"),
    "inline": ("-t", "ext4", "-b", "4096", "-O", "inline_data"),
    "inline 512": ("-t", "ext4", "-b", "1024", "-I", "512", "-O", "inline_data"),
    "no 64bit": ("-t", "ext4", "-O", "^64bit"),
    "gdt_csum": ("-t", "ext4", "-O", "^metadata_csum,uninit_bg"),
    "no extents": ("-t", "ext4", "-O", "^extents,^64bit"),
    "bigalloc": ("-t", "ext4", "-b", "4096", "-O", "bigalloc"),
    "bigalloc 1k": ("-t", "ext4", "-b", "1024", "-O", "bigalloc"),
    "meta_bg": ("-t", "ext4", "-b", "1024", "-O", "meta_bg,^resize_inode"),
    "sparse_super2": ("-t", "ext4", "-O", "sparse_super2"),
    "checksum seed": ("-t", "ext4", "-O", "metadata_csum_seed", "-U", "random"),
    "large_dir": ("-t", "ext4", "-O", "large_dir"),
    "ea_inode": ("-t", "ext4", "-O", "ea_inode"),
    "no flex_bg": ("-t", "ext4", "-O", "^flex_bg"),
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Facts]]:
    top = tmp_path_factory.mktemp("source")
    fill(top)
    return top, facts_of_host(top)


def refusal(image: Path | bytes | bytearray) -> KernelError:
    with pytest.raises(KernelError) as caught:
        mount(image)
    return caught.value


@pytest.mark.parametrize("variant", VARIANTS)
def test_everything_is_as_in_the_source(variant: str, source: tuple[Path, dict[str, Facts]], tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "64M", *VARIANTS[variant], source=source[0])
    # mke2fs takes over whole seconds only, and 32 bits of them.
    compare(facts_of_image(mount(image)), source[1], ignore=lambda facts: facts._replace(mtime_ns=0))


@pytest.mark.parametrize("version", ["legacy", "half_md4", "tea"])
@pytest.mark.parametrize("unsigned", [False, True])
def test_names_are_found_by_hash(version: str, unsigned: bool, tmp_path: Path) -> None:
    names = [f"name {number} {'é' * (number % 40)}".encode() for number in range(2000)]
    top = tmp_path / "source"
    (top / "large").mkdir(parents=True)
    for name in names:
        os.close(os.open(os.fsencode(top / "large") + b"/" + name, os.O_CREAT | os.O_WRONLY))
    image = make_image(tmp_path / "image", "64M", "-t", "ext4", "-b", "1024", source=top)
    flags = 2 if unsigned else 1
    run("debugfs", "-w", "-R", f"ssv def_hash_version {version}", image)
    run("debugfs", "-w", "-R", f"ssv flags {flags}", image)
    run("e2fsck", "-fyD", image, check=False)
    fs = mount(image)
    large = fs.root().lookup(b"large")
    tree = "htree_dump /large"
    assert "Indirect levels: 1" in run("debugfs", "-R", tree, image)
    inodes = {entry.name: entry.fileno for entry in large.readdir(0)}
    assert set(inodes) == {b".", b"..", *names}
    # A fresh mount has no blocks parsed: each name is looked for by its hash.
    again = mount(image)
    large = again.root().lookup(b"large")
    assert large.lookup(b"..") is large.parent() is again.root()
    leaves = 0
    for name in names[::3]:
        assert large.lookup(name).fileno == inodes[name]
        found = list(large._open()._leaves(name))  # type: ignore[attr-defined]
        assert not large._open()._linear  # type: ignore[attr-defined]
        leaves += len(found)
    assert leaves < 1.2 * len(names[::3])
    for missing in (b"name", b"x" * 255, "name 7 é".encode()):
        with pytest.raises(KernelError) as caught:
            large.lookup(missing)
        assert caught.value.errno == Errno.ENOENT


def test_a_broken_index_is_read_in_line(tmp_path: Path) -> None:
    top = tmp_path / "source"
    fill(top, many=2000)
    image = make_image(tmp_path / "image", "32M", "-t", "ext2", "-b", "1024", source=top)
    run("e2fsck", "-fyD", image, check=False)
    block = int(run("debugfs", "-R", "bmap /many 0", image))
    data = bytearray(image.read_bytes())
    data[block * 1024 + 28] = 77
    many = mount(data).root().lookup(b"many")
    assert many.lookup(b"file number 001234").vtype is VType.REG
    assert len(list(many.readdir(0))) == 2002


def test_a_listing_goes_on_from_any_cookie(tmp_path: Path) -> None:
    top = tmp_path / "source"
    fill(top, many=400)
    for options in (("-t", "ext4", "-b", "1024"), ("-t", "ext4", "-O", "inline_data")):
        fs = mount(make_image(tmp_path / "image", "32M", *options, source=top))
        for name in (b"many", b"a few"):
            node = fs.root().lookup(name)
            entries = list(node.readdir(0))
            cookies = [entry.cookie for entry in entries]
            assert cookies == sorted(set(cookies))
            assert cookies[0] > 0
            for at in range(0, len(entries), 17):
                assert list(node.readdir(cookies[at])) == entries[at + 1 :]
            with pytest.raises(KernelError) as caught:
                node.readdir(1 << 40)
            assert caught.value.errno == Errno.EINVAL


def test_reads_are_views_of_the_device(tmp_path: Path) -> None:
    top = tmp_path / "source"
    top.mkdir()
    contents = os.urandom(3_000_000)
    (top / "file").write_bytes(contents)
    device = MappedDevice(make_image(tmp_path / "image", "32M", "-t", "ext4", source=top))
    node = FILE_SYSTEM.mount(MountRequest(device, readonly=True), Environment()).root().lookup(b"file")
    view = node.read(1_000_001, 1_000_000)
    assert isinstance(view, memoryview)
    assert view.obj is device.view(0, 1).obj
    assert view == contents[1_000_001:2_000_001]
    assert node.read(2_999_999, 10) == contents[-1:]
    assert node.read(3_000_000, 10) == b""


def test_holes_are_zeros_and_found(tmp_path: Path) -> None:
    top = tmp_path / "source"
    top.mkdir()
    with (top / "file").open("wb") as file:
        file.seek(10 << 20)
        file.write(b"x" * 8192)
        file.seek(50 << 20)
        file.write(b"y")
    for options in (("-t", "ext4"), ("-t", "ext2")):
        node = mount(make_image(tmp_path / "image", "64M", "-b", "4096", *options, source=top)).root().lookup(b"file")
        assert bytes(node.read(5 << 20, 3 << 20)) == bytes(3 << 20)
        assert bytes(node.read((10 << 20) - 3, 6)) == b"\0\0\0xxx"
        assert len(node.read(0, 100 << 20)) <= 16 << 20
        assert node.seek(5, hole=False) == 10 << 20
        assert node.seek(5, hole=True) == 5
        assert node.seek((10 << 20) + 5, hole=False) == (10 << 20) + 5
        assert node.seek((10 << 20) + 5, hole=True) == (10 << 20) + 8192
        assert node.seek(50 << 20, hole=True) == (50 << 20) + 1
        with pytest.raises(KernelError) as caught:
            node.seek((50 << 20) + 1, hole=False)
        assert caught.value.errno == Errno.ENXIO


def test_devices_and_times(tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "8M", "-t", "ext4")
    for command in ("mknod old c 5 1", "mknod new b 8 1", "mknod pipe p"):
        run("debugfs", "-w", "-R", command, image)
    # Device 300, 70000 as Linux packs numbers that are too large for 16 bits.
    fields = [("new", "block[0]", "0"), ("new", "block[1]", str(0x70 | 300 << 8 | 0x111 << 20))]
    fields += [("old", "mtime", "@0x7fffffff"), ("old", "mtime_extra", "1"), ("old", "crtime", "@1000000000")]
    for name, field, value in [*fields, ("old", "generation", "77")]:
        run("debugfs", "-w", "-R", f"sif {name} {field} {value}", image)
    fs = mount(image)
    old, new = fs.root().lookup(b"old"), fs.root().lookup(b"new")
    assert old.vtype is VType.CHR
    assert old.getattr().st_rdev == const.makedev(5, 1)
    assert new.vtype is VType.BLK
    assert new.getattr().st_rdev == const.makedev(300, 70000)
    assert fs.root().lookup(b"pipe").vtype is VType.FIFO
    st = old.getattr()
    assert st.st_mtime_ns == (0x7FFFFFFF + (1 << 32)) * 1_000_000_000
    assert st.st_birthtime_ns == 1_000_000_000 * 1_000_000_000
    assert st.st_gen == 77
    assert fs.vget(old.fileno, 77) is old
    for number, generation in ((old.fileno, 78), (1 << 31, 0), (0, 0), (13, 5)):
        with pytest.raises(KernelError) as caught:
            fs.vget(number, generation)
        assert caught.value.errno == Errno.ESTALE


def test_one_file_is_one_vnode(tmp_path: Path) -> None:
    top = tmp_path / "source"
    fill(top, many=3)
    fs = mount(make_image(tmp_path / "image", "16M", "-t", "ext4", source=top))
    root = fs.root()
    assert root.lookup(b"hard") is root.lookup(b"small")
    deep = root.lookup(b"very").lookup(b"deep")
    assert deep.parent() is root.lookup(b"very")
    assert deep.parent().parent() is root


def test_what_is_not_ext_is_einval() -> None:
    for data in (bytes(1), bytes(2048), bytes(1 << 20), os.urandom(4096)):
        assert refusal(data).errno == Errno.EINVAL
        probe = FILE_SYSTEM.probe
        assert probe is not None
        assert not probe(MappedDevice(data))


def test_writing_is_refused(tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "8M", "-t", "ext4")
    with pytest.raises(KernelError, match="read-only") as caught:
        FILE_SYSTEM.mount(MountRequest(MappedDevice(image), readonly=False), Environment())
    assert caught.value.errno == Errno.EROFS
    fs = mount(image)
    fs.remount(readonly=True)
    with pytest.raises(KernelError) as caught:
        fs.remount(readonly=False)
    assert caught.value.errno == Errno.EROFS


@pytest.mark.parametrize(
    ("bit", "name"), [(0x1, "compression"), (0x8, "journal_dev"), (0x1000, "dirdata"), (1 << 30, "incompat bit 30")]
)
def test_unknown_features_are_named(bit: int, name: str, tmp_path: Path) -> None:
    data = bytearray(make_image(tmp_path / "image", "4M", "-t", "ext2").read_bytes())
    incompat = struct.unpack_from("<I", data, 1024 + 0x60)[0]
    struct.pack_into("<I", data, 1024 + 0x60, incompat | bit)
    error = refusal(data)
    assert error.errno == Errno.EOPNOTSUPP
    assert name in error.text


def test_casefold_is_refused(tmp_path: Path) -> None:
    error = refusal(make_image(tmp_path / "image", "8M", "-t", "ext4", "-O", "casefold"))
    assert (error.errno, "casefold" in error.text) == (Errno.EOPNOTSUPP, True)


def test_an_image_cut_short_is_refused(tmp_path: Path) -> None:
    data = make_image(tmp_path / "image", "8M", "-t", "ext4").read_bytes()
    assert refusal(data[: 4 << 20]).errno == Errno.EINVAL
    assert refusal(data[:1500]).errno == Errno.EINVAL


@pytest.mark.parametrize("what", ["superblock", "group", "inode", "directory", "index", "extent"])
def test_a_changed_bit_is_noticed(what: str, tmp_path: Path) -> None:
    top = tmp_path / "source"
    fill(top, many=500)
    image = make_image(tmp_path / "image", "32M", "-t", "ext4", "-b", "1024", source=top)
    run("e2fsck", "-fyD", image, check=False)
    # The map of a file of more than four extents.
    mapped = run("debugfs", "-R", "ex /sparse", image)
    node = next(int(line.split()[7]) for line in mapped.splitlines() if line.split()[:2] == ["0/", "1"])
    many = [int(run("debugfs", "-R", f"bmap /many {block}", image)) for block in (0, 3)]
    inode = run("debugfs", "-R", "imap /sparse", image).split("located at block ")[1].split(", offset ")
    place = {
        "superblock": 1024 + 0x78,
        "group": 2048 + 12,
        "inode": int(inode[0]) * 1024 + int(inode[1], 16) + 4,
        "directory": many[1] * 1024 + 9,
        "index": many[0] * 1024 + 41,
        "extent": node * 1024 + 13,
    }[what]
    data = bytearray(image.read_bytes())
    data[place] ^= 0x10
    with pytest.raises(KernelError, match="wrong checksum") as caught:
        facts_of_image(mount(data))
    assert caught.value.errno == Errno.EIO


def test_limits_of_the_file_system(tmp_path: Path) -> None:
    fs = mount(make_image(tmp_path / "image", "8M", "-t", "ext4"))
    assert fs.pathconf(const.PC_LINK_MAX) == 65000
    assert fs.pathconf(const.PC_NAME_MAX) == 255
    assert fs.pathconf(const.PC_PATH_MAX) is None
    fs.sync()
    fs.unmount(force=False)
