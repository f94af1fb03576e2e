"""A disk of many groups, most of which were never used: sparse on the host."""

from __future__ import annotations

import os
from pathlib import Path

import rump
from tests.ext4_images import make_image, run


def test_a_large_disk(tmp_path: Path) -> None:
    for size, options in (("40G", ()), ("3G", ("-b", "1024")), ("20G", ("-O", "^flex_bg,^metadata_csum,uninit_bg"))):
        image = make_image(tmp_path / "image", size, "-t", "ext4", "-E", "lazy_itable_init=1", *options)
        with rump.Kernel(factions=("vfs",)) as k:
            k.pub.module_init("ext2fs")
            k.pub.etfs_register("/dev/disk0", str(image), type="blk")
            k.sys.mkdir("/mnt", 0o755)
            k.sys.mount("ext2fs", "/mnt", device="/dev/disk0")
            free = k.sys.statvfs1("/mnt").f_bfree
            total = k.sys.statvfs1("/mnt").f_bfree * k.sys.statvfs1("/mnt").f_bsize
            for number in range(4):
                k.sys.mkdir(f"/mnt/d{number}", 0o755)
                fd = k.sys.open(f"/mnt/d{number}/large", os.O_CREAT | os.O_RDWR, 0o644)
                k.sys.posix_fallocate(fd, 0, total // 5)
                k.sys.pwrite(fd, b"in the middle", total // 10)
                k.sys.close(fd)
            k.sys.sync()
            k.sys.unmount("/mnt")
            run("e2fsck", "-fn", image)
            k.sys.mount("ext2fs", "/mnt", device="/dev/disk0")
            fd = k.sys.open("/mnt/d3/large", os.O_RDONLY)
            assert k.sys.pread(fd, 15, total // 10 - 1) == b"\0in the middle\0"
            k.sys.close(fd)
            for number in range(4):
                k.sys.unlink(f"/mnt/d{number}/large")
                k.sys.rmdir(f"/mnt/d{number}")
            k.sys.sync()
            assert k.sys.statvfs1("/mnt").f_bfree == free
            k.sys.unmount("/mnt")
        run("e2fsck", "-fn", image)
        image.unlink()
