"""newfs of ext2, ext3 and ext4, judged by e2fsck and by the kernel of the host."""

from __future__ import annotations

import os
import random
import subprocess
from pathlib import Path

import pytest

import rump
from rumpvfs.core.vnode import NewfsRequest
from rumpvfs.fs.ext2fs import FILE_SYSTEM
from tests.crash.disk import MemoryDisk
from tests.ext4_images import Environment
from tests.ext4_workload import Workload, contents_of, mount_disk
from tests.tools import need

MB = 1 << 20


def fsck(image: Path) -> str:
    need("e2fsck")
    done = subprocess.run(["e2fsck", "-fn", str(image)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def described(image: Path) -> dict[str, str]:
    """The superblock in the words of dumpe2fs."""
    need("dumpe2fs")
    text = subprocess.run(["dumpe2fs", "-h", str(image)], capture_output=True, text=True, check=True).stdout
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


@pytest.mark.parametrize(
    ("size", "options"),
    [
        (100 << 10, {}),
        (2 * MB, {}),
        (8 * MB, {"type": "ext2"}),
        (8 * MB + 77, {"type": "ext3"}),
        (64 * MB, {}),
        (64 * MB, {"type": "ext3", "bsize": "2k"}),
        (64 * MB, {"type": "ext2", "isize": "128"}),
        (64 * MB, {"journal": "none"}),
        (64 * MB, {"journal": "8m", "isize": "512"}),
        (129 * MB, {"bsize": "4096"}),
        (600 * MB, {"type": "ext3"}),
        (5 << 30, {}),
        (300 * MB, {"bsize": "1024", "density": "2048", "minfree": "0"}),
    ],
)
def test_fsck_says_clean(tmp_path: Path, size: int, options: dict[str, str]) -> None:
    image = tmp_path / "image"
    used = rump.newfs(image, "ext2fs", size, None, options)
    assert 0 < used <= size
    fsck(image)
    assert image.stat().st_blocks * 512 < MB, "images stay sparse"


def test_what_was_asked_for(tmp_path: Path) -> None:
    image = tmp_path / "image"
    uuid = "12345678-1234-4234-8234-123456789abc"
    options = {"label": "hello", "uuid": uuid, "inodes": "5000", "minfree": "10", "journal": "4m"}
    rump.newfs(image, "ext2fs", 64 * MB, None, options)
    found = described(image)
    assert (found["Filesystem volume name"], found["Filesystem UUID"]) == ("hello", uuid)
    assert 5000 <= int(found["Inode count"]) < 5600
    assert int(found["Reserved block count"]) == 6553
    assert found["Total journal size"] == "4096k"
    assert {"has_journal", "extent", "64bit", "metadata_csum", "dir_index"} <= set(found["Filesystem features"].split())
    assert (found["Filesystem state"], found["Mount count"]) == ("clean", "0")


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
def test_a_disk_that_was_used_before(tmp_path: Path, kind: str) -> None:
    """What is on the disk already is not taken for inodes, names or a journal."""
    image = tmp_path / "image"
    image.write_bytes(random.Random(4).randbytes(16 * MB))
    assert rump.newfs(image, "ext2fs", None, None, {"type": kind}) == 16 * MB
    fsck(image)
    with rump.fs.open_image(image) as opened:
        for number in range(300):
            opened.write_bytes(f"/{number}", b"x" * number)
        opened.rmtree("/lost+found")
    fsck(image)


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
def test_linux_takes_it_and_so_do_we_again(tmp_path: Path, kind: str) -> None:
    need("mount")
    if os.geteuid() != 0:
        pytest.skip("mounting by the kernel needs root")
    image, folder = tmp_path / "image", tmp_path / "mnt"
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").write_bytes(b"from a tree" * 1000)
    rump.newfs(image, "ext2fs", 32 * MB, tree, {"type": kind})
    fsck(image)
    folder.mkdir()
    if subprocess.run(["mount", "-o", "loop", str(image), str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts no loop devices")
    try:
        assert (folder / "sub" / "file").read_bytes() == b"from a tree" * 1000
        assert (folder / "lost+found").stat().st_mode & 0o7777 == 0o700
        (folder / "by-linux").write_bytes(bytes(3 * MB))
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    with rump.fs.open_image(image) as opened:
        assert opened.read_bytes("/by-linux") == bytes(3 * MB)
        opened.remove("/by-linux")
    fsck(image)


CASES = {
    "default": (64, {}),
    "small": (2, {"journal": "none"}),
    "1k": (40, {"bsize": "1024", "label": "a label"}),
    "2k": (40, {"bsize": "2048", "isize": "512", "density": "4096"}),
    "odd size": (33, {"size": "33000123", "journal": "4m"}),
    "large blocks": (100, {"bsize": "65536", "journal": "none"}),
    "large blocks before ext4": (100, {"bsize": "16384", "type": "ext3"}),
    "many groups": (70, {"bsize": "1024", "inodes": "3000"}),
    "large journal": (70, {"bsize": "1024", "journal": "30m"}),
}


@pytest.mark.parametrize("case", CASES)
def test_it_works(case: str, tmp_path: Path) -> None:
    size, options = CASES[case]
    disk = MemoryDisk(b"\xa5" * (size << 20))
    assert FILE_SYSTEM.newfs is not None
    taken = FILE_SYSTEM.newfs(NewfsRequest(disk, options), Environment())
    assert disk.size // 2 < taken <= disk.size
    image = tmp_path / "image"
    image.write_bytes(disk.contents)
    fsck(image)
    fs = mount_disk(disk)
    assert [entry.name for entry in fs.root().readdir(0)] == [b".", b"..", b"lost+found"]
    workload = Workload(fs, case)
    workload.run(150)
    assert contents_of(fs) == workload.now
    fs.unmount(force=False)
    image.write_bytes(disk.contents)
    fsck(image)


@pytest.mark.parametrize(
    ("size", "options"),
    [(20 << 10, {}), (8 * MB, {"size": "100"}), (8 * MB, {"inodes": "8100", "isize": "1024", "bsize": "1024"})],
)
def test_what_has_no_room(tmp_path: Path, size: int, options: dict[str, str]) -> None:
    with pytest.raises(rump.RumpError) as caught:
        rump.newfs(tmp_path / "image", "ext2fs", size, None, options)
    assert caught.value.name == "ENOSPC"


@pytest.mark.parametrize(
    ("size", "options"),
    [
        (8 * MB, {"type": "ext5"}),
        (8 * MB, {"bsize": "3000"}),
        (8 * MB, {"bsize": "131072"}),
        (8 * MB, {"size": "9m"}),
        (8 * MB, {"bsize": "much"}),
        (8 * MB, {"isize": "128"}),
        (8 * MB, {"label": "x" * 17}),
        (8 * MB, {"uuid": "none"}),
        (8 * MB, {"minfree": "80"}),
        (8 * MB, {"density": "1"}),
        (8 * MB, {"journal": "8m"}),
        (8 * MB, {"colour": "red"}),
    ],
)
def test_what_makes_no_file_system(tmp_path: Path, size: int, options: dict[str, str]) -> None:
    with pytest.raises(rump.RumpError) as caught:
        rump.newfs(tmp_path / "image", "ext2fs", size, None, options)
    assert caught.value.name == "EINVAL"
