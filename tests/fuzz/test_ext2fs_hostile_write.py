"""Damaged images that are written to: everything ends in an answer or a KernelError, and soon."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from rumpvfs.core.vnode import Changes, FileSystem, NewNode, Vnode, VType
from rumpwire.errno import Errno, KernelError
from tests.crash.disk import MemoryDisk
from tests.ext4_images import fill, make_image, run
from tests.ext4_workload import mount_disk
from tests.fuzz.test_ext2fs_hostile import change, metadata_blocks

# No metadata checksums: they would hide everything behind the first changed bit.
VARIANTS = {
    "ext4": ("-t", "ext4", "-O", "^metadata_csum", "-b", "1024", "-J", "size=1"),
    "inline": ("-t", "ext4", "-O", "^metadata_csum,inline_data", "-b", "1024", "-J", "size=1"),
    "ext2": ("-t", "ext2", "-b", "1024"),
    "checksums": ("-t", "ext4", "-b", "1024", "-J", "size=1"),
}
ROUNDS = 60
SECONDS = 5.0
ALLOWED = {
    Errno.EIO, Errno.EINVAL, Errno.EOPNOTSUPP, Errno.ENOENT, Errno.ENOATTR, Errno.ENXIO, Errno.EROFS, Errno.ENOSPC,
    Errno.EEXIST, Errno.ENOTEMPTY, Errno.EMLINK, Errno.EFBIG, Errno.ENOTDIR, Errno.EPERM,
}  # fmt: skip


def attempt(action: object, *args: object, **named: object) -> object:
    """The answer, or None for a refusal that is allowed."""
    try:
        return action(*args, **named)  # type: ignore[operator]
    except KernelError as error:
        if error.errno not in ALLOWED:
            raise
        return None


def children(directory: Vnode) -> list[tuple[bytes, Vnode]]:
    entries = attempt(lambda: list(directory.readdir(0))) or []
    names = [entry.name for entry in entries if entry.name not in (b".", b"..")]  # type: ignore[attr-defined]
    found = [(name, attempt(directory.lookup, name)) for name in names[:60]]
    return [(name, node) for name, node in found if isinstance(node, Vnode)]


def write_to_everything(fs: FileSystem, generator: random.Random) -> None:
    """Changes files and directories, makes some and takes some away."""
    root = fs.root()
    directories = [root] + [node for _, node in children(root) if node.vtype is VType.DIR]
    for directory in directories:
        for number in range(8):
            kind = (VType.REG, VType.DIR, VType.LNK)[number % 3]
            name = b"new %d" % number + b"n" * generator.randrange(200)
            attempt(directory.create, name, NewNode(kind, 0o755, 0, 0, 0, b"t" * 200))
        for name, node in children(directory):
            change_file(directory, name, node, generator)
    attempt(fs.sync)


def change_file(directory: Vnode, name: bytes, node: Vnode, generator: random.Random) -> None:
    what = generator.randrange(7)
    attempt(node.setxattr, b"user.x%d" % what, b"v" * generator.randrange(300))
    if node.vtype is VType.REG:
        size = node.getattr().st_size
        attempt(node.write, generator.choice((0, size, size // 2, 300_000)), b"w" * 3000)
        attempt(node.allocate, generator.randrange(100_000), 30_000)
        attempt(node.discard, generator.randrange(100_000), 30_000)
        if what < 3:
            attempt(node.setattr, Changes(size=generator.choice((0, size // 2, size + 5000))))
    attempt(node.setattr, Changes(mode=0o600, uid=what))
    if what == 3:
        attempt(directory.rename, name, node, directory, b"renamed " + name[:200], None)
    elif what > 3 and attempt(directory.rmdir if node.vtype is VType.DIR else directory.unlink, name, node) is None:
        attempt(node.inactive)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("source")
    fill(top, many=250)
    return top


@pytest.mark.parametrize("kind", [VType.REG, VType.DIR])
def test_more_names_than_are_counted(kind: VType, tmp_path: Path) -> None:
    """The file goes with the last name that is counted; names that are left are refused, and nothing else breaks."""
    image = make_image(tmp_path / "image", "8M", *VARIANTS["ext4"])
    run("debugfs", "-w", "-R", "mkdir one" if kind is VType.DIR else f"write {__file__} one", image)
    run("debugfs", "-w", "-R", "ln one two", image)
    fs = mount_disk(MemoryDisk(image.read_bytes()))
    root = fs.root()
    node = root.lookup(b"one")
    assert node is root.lookup(b"two")
    node.uses += 1
    remove = root.rmdir if kind is VType.DIR else root.unlink
    remove(b"one", node)
    for _ in range(2):
        with pytest.raises(KernelError) as caught:
            remove(b"two", node)
        assert caught.value.errno == (Errno.ENOENT if kind is VType.DIR else Errno.EIO)
    made = root.create(b"three", NewNode(kind, 0o644, 0, 0))
    with pytest.raises(KernelError) as caught:
        root.rename(b"three", made, root, b"two", node)
    assert caught.value.errno == (Errno.ENOENT if kind is VType.DIR else Errno.EIO)
    fs.sync()
    node.uses -= 1
    node.inactive()
    fs.unmount(force=False)


@pytest.mark.parametrize("count", [0, 0xFFFFFFFF])
def test_free_counts_that_lie(count: int, tmp_path: Path) -> None:
    """Those of the superblock are a summary: files come and go all the same."""
    data = bytearray(make_image(tmp_path / "image", "8M", *VARIANTS["ext4"]).read_bytes())
    data[1024 + 0xC : 1024 + 0x14] = count.to_bytes(4, "little") * 2
    fs = mount_disk(MemoryDisk(data))
    assert 0 <= fs.statvfs().f_bfree <= 8192
    for name in (b"one", b"two"):
        fs.root().create(name, NewNode(VType.REG, 0o644, 0, 0)).write(0, bytes(5000))
    fs.sync()
    root = fs.root()
    for name in (b"one", b"two", b"lost+found"):
        node = root.lookup(name)
        (root.rmdir if node.vtype is VType.DIR else root.unlink)(name, node)
    fs.unmount(force=False)


@pytest.mark.parametrize("variant", VARIANTS)
def test_writing_to_a_damaged_image_never_does_more_than_fail(variant: str, source: Path, tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "8M", *VARIANTS[variant], source=source)
    if variant != "inline":
        run("e2fsck", "-fyD", image, check=False)
    places = metadata_blocks(image)
    clean = image.read_bytes()
    generator = random.Random(variant)
    mounted = 0
    for number in range(ROUNDS):
        data = bytearray(clean)
        for _ in range(generator.choice((0, 1, 3, 20, 200))):
            change(data, generator.choice(places) * 1024 + generator.randrange(256) * 4, generator)
        begun = time.process_time()
        fs = attempt(mount_disk, MemoryDisk(data))
        if isinstance(fs, FileSystem):
            mounted += 1
            write_to_everything(fs, generator)
            attempt(fs.unmount, force=True)
        assert time.process_time() - begun < SECONDS, f"round {number}"
    assert mounted > ROUNDS // 5
