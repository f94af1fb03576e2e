"""rump.fs on images: real file systems, partition tables, newfs, and copies that are killed."""

from __future__ import annotations

import errno
import os
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

import rump
from rump.fs import Tree, open_image, partitions, type_of
from tests.live import live_kernel
from tests.tools import need
from tests.unit.sdk.trees import contents, look

ROOT = os.geteuid() == 0


# -- images


def ext4(path: Path, size: str = "8M", **files: str) -> Path:
    tree = path.parent / f"{path.name}-tree"
    tree.mkdir()
    for name, text in files.items():
        (tree / name).write_text(text)
    subprocess.run([need("mkfs.ext4"), "-q", "-d", str(tree), str(path), size], check=True, capture_output=True)
    return path


def test_images_of_ext4(tmp_path: Path) -> None:
    name = ext4(tmp_path / "disk", hello="hello")
    before = name.read_bytes()
    with open_image(name, readonly=True) as image:
        assert image.fstype == "ext2fs"
        assert image.read_text("/hello") == "hello"
        assert image.copy_out("/", tmp_path / "out").files == 1
        with pytest.raises(FileNotFoundError):
            image.read_bytes("/none")
        with pytest.raises(OSError, match="Read-only") as caught:
            image.write_text("/new", "")
        assert caught.value.errno == errno.EROFS
        with open_image(name, options="ro") as second:
            assert second.exists("/hello")
        with pytest.raises(BlockingIOError):
            open_image(name)
    image.close()
    assert name.read_bytes() == before


def test_images_of_fat_without_a_mark(tmp_path: Path) -> None:
    """DOS 2 and 3 had no names of types in the boot sector."""
    name = tmp_path / "disk"
    rump.newfs(name, "msdos", 1 << 20)
    with name.open("r+b") as file:
        file.seek(54)
        file.write(bytes(8))
    with open_image(name) as image:
        assert image.fstype == "msdos"
        image.write_text("file", "")


def test_what_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_image(tmp_path / "none")
    (tmp_path / "noise").write_bytes(bytes(8192))
    with pytest.raises(OSError, match="no known file system") as caught:
        open_image(tmp_path / "noise")
    assert (caught.value.errno, caught.value.filename) == (errno.EINVAL, tmp_path / "noise")
    with pytest.raises(OSError, match="not known"):
        open_image(tmp_path / "noise", "zfs")
    with pytest.raises(OSError, match="no range"):
        open_image(tmp_path / "noise", offset=9000)
    with pytest.raises(OSError, match="a type is needed"):
        open_image(None)


# -- partitions


def _mbr(disk: bytearray, at: int, *entries: tuple[int, int, int]) -> None:
    for index, (kind, start, count) in enumerate(entries):
        struct.pack_into("<B3sB3sII", disk, at + 446 + 16 * index, 0, b"", kind, b"", start, count)
    disk[at + 510 : at + 512] = b"\x55\xaa"


def test_partitions_of_an_mbr(tmp_path: Path) -> None:
    inner = ext4(tmp_path / "inner", "4M", hello="inside").read_bytes()
    disk = bytearray(1 << 20) + inner + bytes(1 << 20)
    sectors = len(inner) // 512
    _mbr(disk, 0, (0x83, 2048, sectors), (0x05, 100, 1000))
    _mbr(disk, 100 * 512, (0x83, 1, 50), (0x05, 200, 100))
    _mbr(disk, 300 * 512, (0x82, 2, 10))
    name = tmp_path / "disk"
    name.write_bytes(disk)
    assert [(p.name, p.start // 512, p.size // 512) for p in partitions(name)] == [
        ("1", 2048, sectors), ("2", 100, 1000), ("5", 101, 50), ("6", 302, 10),
    ]  # fmt: skip
    with open_image(name, partition=1, readonly=True) as image:
        assert image.read_text("hello") == "inside"
    with open_image(name, offset=1 << 20, size=len(inner), readonly=True) as image:
        assert image.read_text("hello") == "inside"
    with pytest.raises(FileNotFoundError, match="no partition 9; there are 1, 2, 5, 6"):
        open_image(name, partition=9)
    with pytest.raises(FileNotFoundError, match="no partition table"):
        open_image(tmp_path / "inner", partition=1)


# -- newfs


def test_newfs_refuses(tmp_path: Path) -> None:
    name = tmp_path / "new"
    with pytest.raises(OSError, match="size is needed"):
        rump.newfs(name, "tmpfs")
    with pytest.raises(OSError, match="not known"):
        rump.newfs(name, "zfs", 1 << 20)
    with pytest.raises(OSError, match="cannot be made"):
        rump.newfs(name, "tmpfs", 1 << 20)
    with pytest.raises(NotADirectoryError):
        rump.newfs(name, "ext2fs", 1 << 20, tmp_path / "none")
    assert list(tmp_path.iterdir()) == []
    name.write_text("keep me")
    with pytest.raises(OSError, match="cannot be made"):
        rump.newfs(name, "tmpfs", 1 << 20)
    assert name.read_text() == "keep me"


# -- real file systems


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("source")
    (top / "sub" / "deeper").mkdir(parents=True)
    for number in range(60):
        (top / "sub" / f"file{number}").write_bytes(os.urandom(number * 500))
    (top / "sub" / "deeper" / "large").write_bytes(os.urandom(2_500_000))
    (top / "sub" / "deeper" / "large").chmod(0o755)
    for folder in (top / "sub" / "deeper", top / "sub"):
        os.utime(folder, ns=(10**18, 10**18))
    return top


@pytest.mark.parametrize("kind", ["ext2fs", "ffs", "msdos", "exfat", "cd9660"])
def test_newfs_fills_images(kind: str, sources: Path, tmp_path: Path) -> None:
    name = tmp_path / "image"
    used = rump.newfs(name, kind, source=sources)
    size = name.stat().st_size
    assert size == used if kind == "cd9660" else used < size < 20 << 20
    with open_image(name, readonly=True) as image:
        assert image.fstype == kind
        image.copy_out("/", tmp_path / "out")
    found = contents(tmp_path / "out")
    assert found.pop("lost+found", None) is None
    assert found == contents(sources)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    checker = {"msdos": ["fsck.fat", "-n"], "ext2fs": ["e2fsck", "-fn"]}.get(kind)
    if checker:
        subprocess.run([need(checker[0]), checker[1], name], check=True, capture_output=True)


def test_newfs_keeps_the_old_image_until_the_new_one_is_complete(sources: Path, tmp_path: Path) -> None:
    name = tmp_path / "image"
    rump.newfs(name, "ffs", 4 << 20)
    with open_image(name) as image:
        image.write_text("old", "")
        with pytest.raises(BlockingIOError):
            rump.newfs(name, "ffs", 4 << 20)
    with pytest.raises(OSError, match="No space left"):
        rump.newfs(name, "ffs", 1 << 20, source=sources)
    with open_image(name) as image:
        assert image.listdir("/") == ["old"]
    name.chmod(0o640)
    rump.newfs(name, "msdos")
    assert (name.stat().st_size, stat.S_IMODE(name.stat().st_mode)) == (4 << 20, 0o640)
    assert [p.name for p in tmp_path.iterdir()] == ["image"]


def test_newfs_in_partitions(sources: Path, tmp_path: Path) -> None:
    """A disk is put together in one file: nothing but the partition is touched."""
    name = tmp_path / "disk"
    name.write_bytes(os.urandom(36 << 20))
    table = "label: gpt\nsize=16MiB\nsize=16MiB\n"
    subprocess.run([need("sfdisk"), "-q", "--wipe", "always", name], input=table.encode(), check=True)
    before, parts = name.read_bytes(), partitions(name)
    rump.newfs(name, "msdos", partition=1, source=sources)
    with open_image(name, partition=1), pytest.raises(BlockingIOError):
        rump.newfs(name, "ext2fs", partition=2)
    rump.newfs(name, "ext2fs", partition="2", source=sources)
    after = name.read_bytes()
    for part, checker in zip(parts, (["fsck.fat", "-n"], ["e2fsck", "-fn"]), strict=True):
        alone = tmp_path / "part"
        alone.write_bytes(after[part.start : part.start + part.size])
        subprocess.run([need(checker[0]), checker[1], alone], check=True, capture_output=True)
        with open_image(name, partition=part.name, readonly=True) as image:
            image.copy_out("/", tmp_path / part.name)
        assert contents(sources).items() <= contents(tmp_path / part.name).items()
    first, last = parts[0].start, parts[1].start + parts[1].size
    assert (before[:first], before[last:]) == (after[:first], after[last:])
    with pytest.raises(OSError, match="no known file system, but partitions: 1, 2"):
        open_image(name)
    assert type_of(name) is None
    with pytest.raises(FileNotFoundError, match="no partition 3; there are 1, 2"):
        rump.newfs(name, "msdos", partition=3)
    with pytest.raises(OSError, match="the size that it has"):
        rump.newfs(name, "msdos", 1 << 20, partition=1)
    assert name.read_bytes() == after


def test_newfs_in_qcow2(sources: Path, tmp_path: Path) -> None:
    name = tmp_path / "disk.qcow2"
    rump.newfs(name, "ext2fs", 64 << 20, sources)
    assert name.stat().st_size < 16 << 20, "what is empty takes no space"
    raw = tmp_path / "raw"

    def checked(checker: str, option: str) -> None:
        for words in (["qemu-img", "check", "-q", name], ["qemu-img", "convert", "-O", "raw", name, raw]):
            subprocess.run([need(words[0]), *words[1:]], check=True)
        assert raw.stat().st_size == 64 << 20
        subprocess.run([need(checker), option, raw], check=True, capture_output=True)

    checked("e2fsck", "-fn")
    with open_image(name, readonly=True) as image:
        assert image.fstype == "ext2fs"
        image.copy_out("/", tmp_path / "out")
    assert contents(sources).items() <= contents(tmp_path / "out").items()
    inode = name.stat().st_ino
    rump.newfs(name, "msdos")
    assert name.stat().st_ino == inode, "the image is written in place: it may have a backing file, and snapshots"
    checked("fsck.fat", "-n")
    with pytest.raises(OSError, match="too many for clusters"):
        rump.newfs(tmp_path / "large.qcow2", "ext2fs", 1 << 60)
    assert not (tmp_path / "large.qcow2").exists()


def test_what_a_file_system_cannot_keep(sources: Path, tmp_path: Path) -> None:
    """FAT has no owners, and no links."""
    name = tmp_path / "image"
    rump.newfs(name, "msdos", 8 << 20)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("text")
    (tmp_path / "in" / "link").symlink_to("file")
    if ROOT:
        os.chown(tmp_path / "in" / "file", 5, 6)
    told: list[OSError] = []
    with open_image(name) as image:
        copied = image.copy_in(tmp_path / "in", "/in", onerror=told.append)
        assert image.read_text("/in/file") == "text"
        assert image.listdir("/in") == ["file"]
    assert (copied.failed, [error.filename for error in told]) == (1, ["/in/link"])
    assert not ROOT or "owner" in copied.lost


def test_ext4_is_written(sources: Path, tmp_path: Path) -> None:
    name = ext4(tmp_path / "image", "32M")
    with open_image(name) as image:
        image.copy_in(sources, "/new")
        image.copytree("/new", "/again")
        image.rmtree("/new")
        image.rename("/again", "/new")
        image.copy_out("/new", tmp_path / "out")
    assert look(os.fsencode(tmp_path / "out")) == look(os.fsencode(sources))
    subprocess.run([need("e2fsck"), "-fn", name], check=True, capture_output=True)


# -- killed


def test_a_killed_copy_leaves_whole_files(sources: Path, tmp_path: Path) -> None:
    """Whoever copies to a running kernel is killed: what bears a name is complete."""
    code = """
import os, sys, rump
def progress(p):
    if p.size > 1_000_000:
        os.kill(os.getpid(), 9)
with rump.connect(sys.argv[1]) as k:
    rump.fs.Tree(k, "/tmp").copy_in(sys.argv[2], "copy", progress=progress)
"""
    with live_kernel("--factions", "vfs", "--placement", "server") as kernel:
        done = subprocess.run([sys.executable, "-c", code, kernel.url, str(sources)], check=False)
        assert done.returncode == -9
        with rump.connect(kernel.url) as k:
            tree = Tree(k, "/tmp")
            found = [os.path.join(top, name) for top, _, names in tree.walk("copy") for name in names]
            parts = [name for name in found if "/.rump-part-" in name]
            assert len(parts) <= 1
            for name in set(found) - set(parts):
                assert tree.read_bytes(name) == (sources / name.removeprefix("copy/")).read_bytes()
            tree.copy_in(sources, "copy")
            for name in parts:
                tree.remove(name)
            tree.copy_out("copy", tmp_path / "out")
    assert contents(tmp_path / "out") == contents(sources)


def test_where_there_are_no_hard_links_files_are_copied_once_more(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name, size in (("small", 10), ("large", 300_000)):
        (tree / name).write_bytes(os.urandom(size))
        (tree / f"{name} again").hardlink_to(tree / name)
    rump.newfs(tmp_path / "fat", "msdos", 16 << 20)
    with open_image(tmp_path / "fat") as image:
        copied = image.copy_in(tree, "/tree")
        assert (copied.files, copied.failed, "link" in copied.lost) == (4, 0, True)
        for path in tree.iterdir():
            assert image.read_bytes(f"/tree/{path.name}") == path.read_bytes()
