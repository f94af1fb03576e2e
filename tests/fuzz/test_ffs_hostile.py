"""Damaged and made-up images of ffs: everything ends in an answer or a KernelError, and soon; read and written."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path

import pytest

from rumpvfs.core.vnode import FileSystem, NewNode, Vnode, VType
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import run
from tests.ffs_images import VARIANTS, Disk, mkdir, mount, newfs, put, remove, resize, symlink
from tests.fuzz.test_ext2fs_hostile import attempt as attempt_reading
from tests.fuzz.test_ext2fs_hostile import look_at_everything

ROUNDS = 40
SECONDS = 5.0
_VALUES = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x1FF, 0x200, 0xFFFF, 0x8000, 0xFFFFFFFF, 0x7FFFFFFF, 0x10000)
ALLOWED = {
    Errno.EIO, Errno.EINVAL, Errno.EROFS, Errno.EOPNOTSUPP, Errno.ENOENT, Errno.ENOATTR, Errno.ENXIO, Errno.ENOSPC,
    Errno.EEXIST, Errno.ENOTEMPTY, Errno.EFBIG, Errno.EMLINK, Errno.ENOTDIR, Errno.ESTALE,
}  # fmt: skip


def attempt(action: object, *args: object, **named: object) -> object:
    try:
        return action(*args, **named)  # type: ignore[operator]
    except KernelError as error:
        if error.errno not in ALLOWED:
            raise
        return None


@pytest.fixture(scope="module", params=VARIANTS)
def clean(request: pytest.FixtureRequest) -> bytes:
    disk = newfs(3 << 20, bsize="4096", fsize="512", **VARIANTS[request.param])
    fs = mount(disk)
    root = fs.root()
    many = mkdir(root, b"many")
    for n in range(150):
        put(many, b"file %d" % n, b"x" * n)
    put(root, b"large", b"y" * 200_000)
    sparse = put(root, b"sparse")
    for at in (0, 100_000, 5_000_000, 1 << 31):
        sparse.write(at, b"z" * 100)
    symlink(root, b"short", b"many")
    symlink(root, b"long", b"l" * 300)
    if VARIANTS[request.param]["version"] == "2":
        root.lookup(b"large").setxattr(b"user.x", b"value" * 100)
    del many, sparse
    fs.unmount(force=False)
    return bytes(disk.data)


def metadata(image: bytes) -> list[int]:
    """Offsets of fragments that are neither free nor the inside of the large files."""
    return [at for at in range(0, len(image), 512) if image[at : at + 512].strip(b"\0xyz")]


def change(data: bytearray, at: int, generator: random.Random) -> None:
    kind = generator.randrange(4)
    if kind == 0:
        data[at] ^= 1 << generator.randrange(8)
    elif kind == 1:
        data[at : at + 4] = generator.randbytes(4)
    elif kind == 2:
        struct.pack_into(generator.choice("<>") + "I", data, at, generator.choice(_VALUES))
    else:
        other = generator.randrange(0, len(data) - 64, 16)
        data[at : at + 64] = data[other : other + 64]


def change_everything(fs: FileSystem) -> None:
    """All operations of writing, wherever they are possible."""
    root = fs.root()
    entries = attempt(lambda: list(root.readdir(0))) or []
    attempt(put, root, b"new", b"n" * 30_000)
    attempt(mkdir, root, b"new directory")
    attempt(lambda: root.create(b"fifo", NewNode(VType.FIFO, 0o600, 0, 0)))
    for name in [entry.name for entry in entries if entry.name not in (b".", b"..")][:40]:  # type: ignore[attr-defined]
        node = attempt(root.lookup, name)
        if isinstance(node, Vnode):
            change_one(root, name, node)
    attempt(fs.sync)
    attempt(fs.statvfs)
    attempt(fs.unmount, force=True)


def change_one(root: Vnode, name: bytes, node: Vnode) -> None:
    if node.vtype is VType.REG:
        size = node.getattr().st_size
        for at in (0, 50_000, size, size // 2):
            attempt(node.write, at, b"w" * 5000)
        attempt(resize, node, size // 2)
        attempt(resize, node, 100)
        attempt(node.setxattr, b"user.y", b"z")
    elif node.vtype is VType.DIR and node is not root:
        attempt(put, node, b"below", b"b")
        for entry in (attempt(lambda: list(node.readdir(0))) or [])[:60]:  # type: ignore[index]
            if entry.name not in (b".", b".."):
                attempt(remove, node, entry.name)
    attempt(lambda: root.rename(name, node, root, b"renamed", None))
    attempt(remove, root, b"renamed")
    attempt(remove, root, name)


@pytest.mark.parametrize("writing", [False, True], ids=["read", "written"])
def test_changed_metadata_never_does_more_than_fail(clean: bytes, writing: bool) -> None:
    places = metadata(clean)
    generator = random.Random(len(places) + writing)
    mounted = 0
    for number in range(ROUNDS):
        data = bytearray(clean)
        for _ in range(generator.choice((1, 3, 20, 200))):
            change(data, generator.choice(places) + generator.randrange(120) * 4, generator)
        begun = time.process_time()
        fs = attempt(mount, Disk(data), readonly=not writing)
        if isinstance(fs, FileSystem):
            mounted += 1
            if writing:
                change_everything(fs)
            else:
                look_at_everything(fs)
        assert time.process_time() - begun < SECONDS, f"round {number}"
    assert mounted > ROUNDS // 4


def test_changed_superblocks(clean: bytes) -> None:
    place = 65536 if clean[65536 + 1372 : 65536 + 1376].strip(b"\0") else 8192
    generator = random.Random(3)
    for at in range(place, place + 1380, 4):
        data = bytearray(clean)
        data[at : at + 2] = generator.choice(
            (b"\0\0", b"\0\1", b"\1\0", b"\xff\xff", b"\x80\0", generator.randbytes(2))
        )
        fs = attempt(mount, Disk(data))
        if isinstance(fs, FileSystem):
            attempt(fs.statvfs)
            attempt(lambda fs=fs: list(fs.root().readdir(0)))
            attempt(put, fs.root(), b"new", b"n" * 9000)
            attempt(fs.sync)


def test_changed_cylinder_groups(clean: bytes) -> None:
    """Only the groups are broken: they are found out before anything is written with them."""
    order = "<" if struct.pack("<I", 0x090255) in clean else ">"
    groups = [at for at in range(0, len(clean), 512) if clean[at + 4 : at + 8] == struct.pack(order + "I", 0x090255)]
    generator = random.Random(9)
    for _ in range(40):
        data = bytearray(clean)
        at = generator.choice(groups)
        for _ in range(generator.choice((1, 2))):
            change(data, at + generator.randrange(0, 400, 4), generator)
        fs = attempt(mount, Disk(data))
        if isinstance(fs, FileSystem):
            change_everything(fs)


@pytest.mark.parametrize("variant", VARIANTS)
def test_indirect_blocks_that_name_themselves_cost_little(variant: str) -> None:
    disk = newfs(3 << 20, bsize="4096", fsize="512", **VARIANTS[variant])
    fs = mount(disk)
    node = put(fs.root(), b"file", b"x" * 60_000)
    fs.sync()
    block = node.inode.pointers[12]  # type: ignore[attr-defined]
    fileno = node.fileno
    fs.unmount(force=False)
    del node
    version, order = (1 if "UFS1" in variant else 2), "<" if "le" in variant else ">"
    frag, at = fs.sb.inode_place(fileno)  # type: ignore[attr-defined]
    base = frag * 512 + at
    pointers, kind = (40, "i") if version == 1 else (112, "q")
    struct.pack_into(order + "3" + kind, disk.data, base + pointers + 12 * 4 * version, block, block, block)
    struct.pack_into(order + "Q", disk.data, base + 8 * version, 1 << 33)
    struct.pack_into(
        f"{order}{4096 // (4 * version)}{kind}", disk.data, block * 512, *[block] * (4096 // (4 * version))
    )
    begun = time.process_time()
    fs = mount(disk)
    node = fs.root().lookup(b"file")
    assert len(node.read(1 << 32, 1 << 20)) == 1 << 20
    attempt(node.seek, 20_000, hole=True)
    attempt(node.seek, 20_000, hole=False)
    attempt(resize, node, 100)
    attempt(remove, fs.root(), b"file")
    attempt(fs.unmount, force=True)
    assert time.process_time() - begun < SECONDS
    assert disk.data[(65536 if version == 2 else 8192) + 209] == 0, "not clean"


def test_a_directory_larger_than_the_image_is_refused(clean: bytes, tmp_path: Path) -> None:
    fs = mount(Disk(clean), readonly=True)
    root = fs.root()
    root.inode.size = 1 << 40  # type: ignore[attr-defined]
    for action in (lambda: root.lookup(b"x"), lambda: list(root.readdir(0))):
        with pytest.raises(KernelError) as caught:
            action()
        assert caught.value.errno == Errno.EIO


def test_truncated_images(clean: bytes) -> None:
    for length in (0, 100, 8192, 9000, 70_000, 80_000, 1 << 20, len(clean) - 512):
        fs = attempt_reading(mount, Disk(clean[:length]), readonly=True)
        assert not isinstance(fs, FileSystem)


def test_the_tools_agree_that_the_clean_image_is_one(clean: bytes, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(clean)
    assert "many" in run("fls", "-f", "ufs", image)
