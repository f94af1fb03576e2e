"""Damaged and made-up images: everything ends in an answer or a KernelError, and soon."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path

import pytest

from rumpvfs.core.vnode import FileSystem, VType
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import fill, make_image, mount, run

# No metadata checksums: they would hide everything behind the first changed bit.
VARIANTS = {
    "ext4": ("-t", "ext4", "-O", "^metadata_csum", "-b", "1024"),
    "inline": ("-t", "ext4", "-O", "^metadata_csum,inline_data", "-b", "1024"),
    "ext2": ("-t", "ext2", "-b", "1024"),
    "checksums": ("-t", "ext4", "-b", "1024"),
}
ROUNDS = 150
ALLOWED = {Errno.EIO, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.ENOENT, Errno.ENOATTR, Errno.ENXIO}
# One image of 4 MiB, all of it looked at.
SECONDS = 5.0
_VALUES = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0xF30A, 0x8000, 0xFFFFFFFF, 0x7FFFFFFF, 0x10000)


def attempt(action: object, *args: object, **named: object) -> object:
    """The answer, or None for a refusal that is allowed."""
    try:
        return action(*args, **named)  # type: ignore[operator]
    except KernelError as error:
        if error.errno not in ALLOWED:
            raise
        return None


def look_at_everything(fs: FileSystem) -> int:
    """Walks, reads, asks for all attributes. A directory is entered once, a walk is not endless."""
    seen: set[int] = set()
    stack = [fs.root()]
    visited = 0
    while stack and visited < 3000:
        node = stack.pop()
        visited += 1
        attempt(node.getattr)
        for name in attempt(node.listxattr) or ():  # type: ignore[attr-defined]
            attempt(node.getxattr, name)
        if node.vtype is VType.REG:
            size = node.getattr().st_size
            for offset in (0, 5000, 70_000, size - 100):
                data = attempt(node.read, max(offset, 0), 300_000)
                assert data is None or len(data) <= 300_000  # type: ignore[arg-type]
            attempt(node.seek, 0, hole=True)
            attempt(node.seek, 0, hole=False)
        elif node.vtype is VType.LNK:
            attempt(node.readlink)
        elif node.vtype is VType.DIR and node.fileno not in seen:
            seen.add(node.fileno)
            attempt(node.parent)
            attempt(node.lookup, b"no such name")
            entries = attempt(lambda node=node: list(node.readdir(0))) or []
            children = [attempt(node.lookup, e.name) for e in entries if e.name not in (b".", b"..")]  # type: ignore[attr-defined]
            stack += [child for child in children if child is not None]  # type: ignore[misc]
    attempt(fs.statvfs)
    return visited


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("source")
    fill(top, many=250)
    (top / "large").write_bytes(b"y" * 200_000)
    return top


def metadata_blocks(image: Path) -> list[int]:
    """The blocks that are not free and not the inside of a file: the first ones, tables, directories, maps."""
    blocks = set(range(1, 80))
    for path in ("/", "/many", "/very", "/a few", "/lost+found"):
        blocks |= {int(word) for word in run("debugfs", "-R", f'blocks "{path}"', image).split()}
    for path in ("/sparse", "/large", "/block"):
        lines = run("debugfs", "-R", f"stat {path}", image)
        blocks |= {int(part.split(":")[1]) for part in lines.replace("\n", ", ").split(", ") if "IND)" in part}
        blocks |= {int(part.split(":")[1]) for part in lines.replace("\n", ", ").split(", ") if "ETB" in part}
    for line in run("dumpe2fs", image).splitlines():
        if "Inode table at" in line:
            first = int(line.split("Inode table at ")[1].split("-")[0])
            blocks |= set(range(first, first + 100))
    return sorted(blocks)


@pytest.mark.parametrize("variant", VARIANTS)
def test_changed_metadata_never_does_more_than_fail(variant: str, source: Path, tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "8M", *VARIANTS[variant], source=source)
    if variant != "inline":
        run("e2fsck", "-fyD", image, check=False)
    places = metadata_blocks(image)
    clean = image.read_bytes()
    assert look_at_everything(mount(image)) > 250
    generator = random.Random(variant)
    mounted = 0
    for number in range(ROUNDS):
        data = bytearray(clean)
        for _ in range(generator.choice((1, 3, 20, 200))):
            at = generator.choice(places) * 1024 + generator.randrange(256) * 4
            change(data, at, generator)
        begun = time.process_time()
        fs = attempt(mount, data)
        if isinstance(fs, FileSystem):
            mounted += 1
            look_at_everything(fs)
        assert time.process_time() - begun < SECONDS, f"round {number}"
    assert mounted > ROUNDS // 4


def change(data: bytearray, at: int, generator: random.Random) -> None:
    kind = generator.randrange(4)
    if kind == 0:
        data[at + generator.randrange(4)] ^= 1 << generator.randrange(8)
    elif kind == 1:
        data[at : at + 4] = generator.randbytes(4)
    elif kind == 2:
        struct.pack_into("<I", data, at, generator.choice(_VALUES))
    else:
        # Metadata from elsewhere: what a pointer that went astray would find.
        other = generator.randrange(1, 2000) * 1024 + generator.randrange(64) * 16
        data[at : at + 64] = data[other : other + 64]


def test_changed_superblocks(source: Path, tmp_path: Path) -> None:
    clean = make_image(tmp_path / "image", "8M", *VARIANTS["ext4"], source=source).read_bytes()
    generator = random.Random(3)
    for at in range(1024, 2048, 2):
        data = bytearray(clean)
        struct.pack_into("<H", data, at, generator.choice((0, 1, 0xFFFF, 0x8000, generator.randrange(65536))))
        fs = attempt(mount, data)
        if isinstance(fs, FileSystem):
            attempt(fs.statvfs)
            attempt(lambda fs=fs: list(fs.root().readdir(0)))


@pytest.mark.parametrize("options", [("-t", "ext4"), ("-t", "ext4", "-O", "^metadata_csum"), ("-t", "ext3")])
def test_changed_journals(options: tuple[str, ...], tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "8M", "-b", "1024", "-J", "size=1", *options)
    blocks = tmp_path / "blocks"
    blocks.write_bytes(random.Random(1).randbytes(30 * 1024))
    script = tmp_path / "script"
    numbers = ",".join(str(6000 + n) for n in range(30))
    script.write_text(f"jo\njw -b {numbers} {blocks}\njw -r 6001,6002\njw -b 6003 {blocks}\njc\n")
    run("debugfs", "-w", "-f", script, image)
    clean = image.read_bytes()
    log = [int(run("debugfs", "-R", f"bmap <8> {n}", image)) * 1024 for n in (0, 1, 32, 33, 34, 35, 36, 37)]
    generator = random.Random(4)
    for _ in range(300):
        data = bytearray(clean)
        for _ in range(generator.choice((1, 2, 10))):
            change(data, generator.choice(log) + generator.choice((0, 4, 8, *range(12, 260, 4))), generator)
        begun = time.process_time()
        attempt(mount, data)
        assert time.process_time() - begun < SECONDS


def test_one_block_used_as_every_subtree_costs_little(tmp_path: Path) -> None:
    """Indirect blocks that name themselves: 2^24 blocks of the file in one of the image."""
    image = make_image(tmp_path / "image", "4M", "-t", "ext2", "-b", "1024", "-O", "^dir_index")
    (tmp_path / "x").write_bytes(b"x" * 2000)
    run("debugfs", "-w", "-R", f"write {tmp_path / 'x'} file", image)
    for field, value in (("block[12]", "3000"), ("block[13]", "3000"), ("block[14]", "3000"), ("size", str(1 << 33))):
        run("debugfs", "-w", "-R", f"sif file {field} {value}", image)
    data = bytearray(image.read_bytes())
    data[3000 * 1024 : 3001 * 1024] = (3000).to_bytes(4, "little") * 256
    begun = time.process_time()
    node = mount(data).root().lookup(b"file")
    assert len(node.read(1 << 32, 1 << 20)) == 1 << 20
    data[3000 * 1024 : 3001 * 1024] = bytes(1020) + (3000).to_bytes(4, "little")
    node = mount(data).root().lookup(b"file")
    attempt(node.seek, 20_000, hole=False)
    attempt(node.seek, 20_000, hole=True)
    assert time.process_time() - begun < SECONDS


def test_a_directory_larger_than_the_image_is_refused(tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "4M", "-t", "ext2", "-b", "1024")
    run("debugfs", "-w", "-R", "sif <2> size 0x7ffffc00", image)
    root = mount(image).root()
    for action in (lambda: root.lookup(b"x"), lambda: list(root.readdir(0))):
        with pytest.raises(KernelError) as caught:
            action()
        assert caught.value.errno == Errno.EIO
