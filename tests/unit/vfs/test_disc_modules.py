"""The modules cd9660 and udf in a kernel: loaded, mounted with options, read through system calls, unloaded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import rump
from tests.ext4_images import run

MOUNTS: list[tuple[str, dict[str, bool], str]] = [
    ("cd9660", {}, "Folder/File"),
    ("cd9660", {"norrip": True, "nojoliet": True}, "folder/file"),
    ("udf", {}, "Folder/File"),
]


def test_a_bridge_is_mounted_as_both(tmp_path: Path) -> None:
    (tmp_path / "source" / "Folder").mkdir(parents=True)
    (tmp_path / "source" / "Folder" / "File").write_bytes(b"contents")
    image = tmp_path / "image"
    run("genisoimage", "-quiet", "-R", "-J", "-udf", "-o", image, tmp_path / "source")
    with rump.Kernel(factions=("vfs",)) as k:
        for number, (kind, options, name) in enumerate(
            (
                ("cd9660", {}, "Folder/File"),
                ("cd9660", {"norrip": "", "nojoliet": ""}, "folder/file"),
                ("udf", {}, "Folder/File"),
            )
        ):
            if number != 1:
                k.pub.module_init(kind)
            k.pub.etfs_register(f"/dev/disk{number}", str(image), type="blk")
            k.sys.mkdir(f"/mnt{number}", 0o755)
            k.sys.mount(kind, f"/mnt{number}", device=f"/dev/disk{number}", readonly=True, **options)
            fd = k.sys.open(f"/mnt{number}/{name}", os.O_RDONLY)
            assert bytes(k.sys.read(fd, 100)) == b"contents"
            k.sys.close(fd)
            with pytest.raises(OSError, match="Read-only"):
                k.sys.mkdir(f"/mnt{number}/new", 0o755)
        with pytest.raises(OSError, match="busy"):
            k.pub.module_fini("udf")
        for number in range(3):
            k.sys.unmount(f"/mnt{number}", 0)
        for kind in ("cd9660", "udf"):
            k.pub.module_fini(kind)
