"""Directories of the host in the kernel's name space, in every placement."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.conformance.test_descriptors import code, write_file
from tests.conformance.test_layers import read
from tests.conformance.test_vfs import names


def test_a_directory_of_the_host(k: Any, folder: str, tmp_path: Path) -> None:
    key = f"{folder}-host/dir"
    (tmp_path / "there").write_bytes(b"of the host")
    os.symlink("/etc/passwd", tmp_path / "link")
    k.pub.etfs_register(key, tmp_path, "dir_subdirs")
    assert read(k, f"{key}/there") == b"of the host"
    k.sys.mkdir(f"{key}/d", 0o755)
    write_file(k, f"{key}/d/f", b"of the kernel")
    k.sys.rename(f"{key}/d/f", f"{key}/g")
    assert (tmp_path / "g").read_bytes() == b"of the kernel"
    assert names(k, key) == {b"there", b"link", b"d", b"g"}
    k.sys.chmod(f"{key}/g", 0o600)
    assert (tmp_path / "g").stat().st_mode & 0o777 == 0o600
    k.sys.chdir(f"{key}/d")
    assert k.sys.getcwd() == os.fsencode(f"{key}/d")
    assert read(k, "../there") == b"of the host"
    assert code(k.pub.etfs_remove, key) == "EBUSY"
    k.sys.chdir("/")
    assert code(k.sys.open, f"{key}/link", os.O_RDONLY) == "ENOENT"
    assert code(k.sys.rename, f"{key}/g", f"{folder}/g") == "EXDEV"
    k.sys.rmdir(f"{key}/d")
    k.sys.unlink(f"{key}/g")
    assert sorted(os.listdir(tmp_path)) == ["link", "there"]
    k.pub.etfs_remove(key)
    assert code(k.sys.stat, key) == "ENOENT"
