"""Trees that newfs copies into new file systems, and unions over them, looked at by the checkers of other systems."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import write_file
from tests.tools import need

CHECKERS = {"ext2fs": ("e2fsck", "-fn"), "msdos": ("fsck.fat", "-n")}


def checked(kind: str, image: Path) -> None:
    program, flag = CHECKERS[kind]
    result = subprocess.run([need(program), flag, str(image)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def a_tree(k: Any) -> None:
    k.sys.mkdir("/tree")
    k.sys.mkdir("/tree/dir")
    for number in range(100):
        write_file(k, f"/tree/dir/file{number}", bytes([number]) * 200 * number)


@pytest.mark.parametrize("kind", sorted(CHECKERS))
def test_filled(kind: str, tmp_path: Path) -> None:
    need(CHECKERS[kind][0])
    image = tmp_path / "image"
    image.write_bytes(bytes(16 << 20))
    with rump.Kernel(factions=("vfs",)) as k:
        a_tree(k)
        if kind == "ext2fs":
            k.sys.link("/tree/dir/file1", "/tree/hard")
            k.sys.symlink("dir/file1", "/tree/soft")
        k.pub.etfs_register("/dev/disk", str(image), type="blk")
        k.pub.newfs(kind, "/dev/disk", source="/tree")
        checked(kind, image)
        k.sys.mkdir("/mnt")
        k.sys.mount(kind, "/mnt", device="/dev/disk", readonly=True)
        assert k.open("/mnt/dir/file99", "rb").read() == bytes([99]) * 200 * 99


def test_the_upper_tree_of_a_union(tmp_path: Path) -> None:
    need("e2fsck")
    image = tmp_path / "image"
    image.write_bytes(bytes(16 << 20))
    with rump.Kernel(factions=("vfs",)) as k:
        a_tree(k)
        k.pub.etfs_register("/dev/disk", str(image), type="blk")
        k.pub.newfs("ext2fs", "/dev/disk")
        k.sys.mkdir("/mnt")
        k.sys.mount("ext2fs", "/mnt", device="/dev/disk")
        k.sys.mkdir("/mnt/up")
        k.sys.mount("union", "/tree", device="/mnt/up")
        for number in range(0, 100, 3):
            k.sys.unlink(f"/tree/dir/file{number}")
        for number in range(1, 100, 3):
            fd = k.sys.open(f"/tree/dir/file{number}", os.O_WRONLY | os.O_APPEND)
            k.sys.write(fd, b"more")
            k.sys.close(fd)
        k.sys.rename("/tree/dir/file1", "/tree/moved")
    checked("ext2fs", image)
    with rump.Kernel(factions=("vfs",)) as k:
        a_tree(k)
        k.pub.etfs_register("/dev/disk", str(image), type="blk")
        k.sys.mkdir("/mnt")
        k.sys.mount("ext2fs", "/mnt", device="/dev/disk", readonly=True)
        k.sys.mount("union", "/tree", device="/mnt/up")
        fd = k.sys.open("/tree/dir", os.O_RDONLY)
        found: list[bytes] = []
        while entries := k.sys.getdents(fd, 65536):
            found += [entry.d_name for entry in entries]
        wanted = {b"file%d" % number for number in range(2, 100) if number % 3}
        assert set(found) == wanted | {b".", b".."}
        assert len(found) == len(set(found))
        assert k.open("/tree/moved", "rb").read() == b"\1" * 200 + b"more"
