"""An ext4 image on the host, written through system calls."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import rump
from tests.ext4_images import make_image, run


def test_a_kernel_writes_an_image(tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "16M", "-t", "ext4")
    with rump.Kernel(factions=("vfs",)) as k:
        k.pub.module_init("ext2fs")
        k.pub.etfs_register("/dev/disk0", str(image), type="blk")
        k.sys.mkdir("/mnt", 0o755)
        k.sys.mount("ext2fs", "/mnt", device="/dev/disk0")
        k.sys.mkdir("/mnt/etc", 0o755)
        fd = k.sys.open("/mnt/etc/motd", os.O_CREAT | os.O_RDWR, 0o644)
        k.sys.write(fd, b"welcome\n")
        k.sys.fsync(fd)
        k.sys.rename("/mnt/etc/motd", "/mnt/etc/issue")
        k.sys.symlink("issue", "/mnt/etc/motd")
        assert k.open("/mnt/etc/motd").read() == "welcome\n"
        k.sys.unlink("/mnt/etc/issue")
        assert k.sys.pread(fd, 100, 0) == b"welcome\n"
        with pytest.raises(OSError, match="busy"):
            k.sys.unmount("/mnt")
        k.sys.close(fd)
        for number in range(50):
            new = k.sys.open(f"/mnt/etc/file{number}", os.O_CREAT | os.O_WRONLY, 0o600)
            k.sys.write(new, b"x" * number * 1000)
            k.sys.close(new)
        k.sys.chflags("/mnt/etc/file1", rump.SF_IMMUTABLE)
        with pytest.raises(PermissionError):
            k.sys.unlink("/mnt/etc/file1")
        k.sys.unmount("/mnt")
        run("e2fsck", "-fn", image)
        k.sys.mount("ext2fs", "/mnt", device="/dev/disk0", readonly=True)
        assert k.sys.stat("/mnt/etc/file49").st_size == 49_000
        with pytest.raises(FileNotFoundError):
            k.sys.stat("/mnt/etc/issue")
        k.sys.unmount("/mnt")
    assert "Flags: 0x80010" in run("debugfs", "-R", "stat /etc/file1", image)
