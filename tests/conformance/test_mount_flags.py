"""Flags of mount, in every placement: MNT_UNION with fdesc over /dev, MNT_RELOAD of a disk that others wrote."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import rump
import rump.fs
from tests.conformance.test_descriptors import code, write_file
from tests.conformance.test_layers import read
from tests.conformance.test_vfs import names


def test_fdesc_over_dev(k: Any) -> None:
    before = names(k, "/dev")
    k.sys.mount("fdesc", "/dev", union=True)
    fd = k.sys.open("/dev/null", os.O_RDWR)
    assert k.sys.stat("/dev/stdin").st_mode == k.sys.fstat(0).st_mode
    assert names(k, "/dev") == before | {b"fd", b"stdin", b"stdout", b"stderr", b"tty"}
    write_file(k, "/dev/made", b"below")  # nothing can be made in fdesc
    k.sys.close(fd)
    k.sys.unmount("/dev")
    assert read(k, "/dev/made") == b"below"
    k.sys.unlink("/dev/made")


def test_reading_a_disk_again(k: Any, folder: str, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.touch()
    os.truncate(image, 4 << 20)
    k.pub.etfs_register(f"{folder}-disk", image, "blk")
    k.pub.newfs("ext2fs", f"{folder}-disk")
    k.sys.mount("ext2fs", folder, device=f"{folder}-disk", readonly=True)
    fd = k.sys.open(folder, os.O_RDONLY)
    assert b"new" not in names(k, folder)
    with rump.fs.open_image(image) as fs:
        fs.write_text("/new", "written elsewhere")
    k.sys.mount("", folder, rump.MNT_UPDATE | rump.MNT_RELOAD | rump.MNT_RDONLY)
    assert read(k, f"{folder}/new") == b"written elsewhere"
    k.sys.close(fd)
    k.sys.mount("", folder, rump.MNT_UPDATE)
    assert code(k.sys.mount, "", folder, rump.MNT_UPDATE | rump.MNT_RELOAD) == "EOPNOTSUPP"
    k.sys.unmount(folder)
    k.pub.etfs_remove(f"{folder}-disk")


def test_what_is_only_ever_read_stays_so(k: Any, folder: str) -> None:
    k.sys.mount("procfs", folder)
    assert k.sys.statvfs1(folder, rump.ST_WAIT).f_flag & rump.MNT_RDONLY
    assert code(k.sys.mount, "procfs", folder, rump.MNT_UPDATE | rump.MNT_NOSUID) == "EROFS"
    k.sys.mount("procfs", folder, rump.MNT_UPDATE | rump.MNT_RDONLY | rump.MNT_NOSUID)
    assert k.sys.statvfs1(folder, rump.ST_WAIT).f_flag & (rump.MNT_RDONLY | rump.MNT_NOSUID) == (
        rump.MNT_RDONLY | rump.MNT_NOSUID
    )
    k.sys.unmount(folder)
