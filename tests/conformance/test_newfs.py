"""newfs, in every placement: refusals, file systems made from a tree, and unions over them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_descriptors import code, write_file
from tests.conformance.test_layers import read
from tests.conformance.test_vfs import names


def test_refusals(k: Any, folder: str) -> None:
    newfs = k.pub.newfs
    assert code(newfs, "tmpfs", "/dev/md0d", {"label": "x", "size": 12}) == "EOPNOTSUPP"
    assert code(newfs, "nosuchfs", "/dev/md0d", source=folder) == "ENODEV"
    assert code(newfs, "tmpfs", "/dev/md0d", source=f"{folder}/none") == "ENOENT"
    k.sys.setuid(100)
    assert code(newfs, "tmpfs", "/dev/md0d") == "EPERM"


@pytest.mark.parametrize("kind", ["ext2fs", "ffs", "msdos", "cd9660"])
def test_made_from_a_tree_and_changed_in_a_union(k: Any, folder: str, tmp_path: Path, kind: str) -> None:
    image, disk, mnt = tmp_path / "image", f"/dev/{os.path.basename(folder)}", f"{folder}/mnt"
    image.write_bytes(bytes(4 << 20))
    for name in ("tree", "tree/dir", "mnt", "up"):
        k.sys.mkdir(f"{folder}/{name}")
    write_file(k, f"{folder}/tree/dir/file", b"from the tree")
    k.pub.etfs_register(disk, str(image), type="blk")
    assert 0 < k.pub.newfs(kind, disk, source=f"{folder}/tree") <= 4 << 20
    k.sys.mount(kind, mnt, device=disk, readonly=True)
    assert code(k.pub.newfs, kind, disk) == "EBUSY"
    assert read(k, f"{mnt}/dir/file") == b"from the tree"
    k.sys.mount("union", mnt, device=f"{folder}/up")
    write_file(k, f"{mnt}/dir/file", b"changed")
    write_file(k, f"{mnt}/dir/new", b"new")
    assert names(k, f"{mnt}/dir") == {b"file", b"new"}
    k.sys.unlink(f"{mnt}/dir/file")
    assert names(k, f"{mnt}/dir") == {b"new"}
    k.sys.unmount(mnt)
    assert read(k, f"{mnt}/dir/file") == b"from the tree"
    k.sys.unmount(mnt)
    k.pub.etfs_remove(disk)
