"""fsspecfs, in every placement: archives and folders of the host, mounted by URL."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_descriptors import code
from tests.conformance.test_layers import read
from tests.conformance.test_vfs import names

BIG = bytes(range(256)) * 5000


def make_zip(folder: Path) -> str:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("top.txt", "at the top")
        out.writestr("dir/big", BIG)
        out.writestr("../up", "no such name")
    return f"zip://::file://{folder}/a.zip"


def make_tar(folder: Path) -> str:
    with tarfile.open(folder / "a.tar.gz", "w:gz") as out:
        for name, data in (("top.txt", b"at the top"), ("dir/big", BIG)):
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(data), 1_000_000_000, 0o640
            out.addfile(info, io.BytesIO(data))
    return f"tar://::file://{folder}/a.tar.gz"


def make_folder(folder: Path) -> str:
    (folder / "tree" / "dir").mkdir(parents=True)
    (folder / "tree" / "top.txt").write_bytes(b"at the top")
    (folder / "tree" / "dir" / "big").write_bytes(BIG)
    return f"file://{folder}/tree"


@pytest.mark.parametrize("make", [make_zip, make_tar, make_folder])
def test_trees(k: Any, folder: str, tmp_path: Path, make: Any) -> None:
    url = make(tmp_path)
    assert code(k.sys.mount, "fsspecfs", folder, device=url) == "EROFS"
    k.sys.mount("fsspecfs", folder, device=url, readonly=True)
    assert {b"top.txt", b"dir"} <= names(k, folder)
    assert read(k, f"{folder}/top.txt") == b"at the top"
    fd = k.sys.open(f"{folder}/dir/big", os.O_RDONLY)
    assert k.sys.fstat(fd).st_size == len(BIG)
    assert k.sys.pread(fd, 100, 1_000_000) == BIG[1_000_000:1_000_100]
    assert k.sys.pread(fd, 100, 10) == BIG[10:110]
    k.sys.close(fd)
    if make is make_tar:
        st = k.sys.stat(f"{folder}/top.txt")
        assert (st.st_mtime, st.st_mode & 0o7777) == (1_000_000_000, 0o640)
    assert code(k.sys.open, f"{folder}/new", os.O_WRONLY | os.O_CREAT) == "EROFS"
    assert code(k.sys.stat, f"{folder}/none") == "ENOENT"
    assert k.sys.statvfs1(folder).f_fstypename == "fsspecfs"
    k.sys.unmount(folder)


@pytest.mark.parametrize(
    ("url", "errno"),
    [("nosuch://x", "EINVAL"), ("file:///none/such", "ENOENT"), ("", "EINVAL"), ("zip://::file:///none.zip", "ENOENT")],
)
def test_refused(k: Any, folder: str, url: str, errno: str) -> None:
    assert code(k.sys.mount, "fsspecfs", folder, device=url, readonly=True) == errno


def test_a_damaged_archive(k: Any, folder: str, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"PK\3\4" + bytes(200))
    assert code(k.sys.mount, "fsspecfs", folder, device=f"zip://::file://{tmp_path}/bad.zip", readonly=True) == "EIO"
    (tmp_path / "file").write_bytes(b"x")
    assert code(k.sys.mount, "fsspecfs", folder, device=f"file://{tmp_path}/file", readonly=True) == "ENOTDIR"
