"""Layered file systems, loaded on demand, in every placement."""

from __future__ import annotations

import os
from typing import Any

from tests.conformance.test_descriptors import code, write_file
from tests.conformance.test_vfs import names


def read(k: Any, path: str) -> bytes:
    fd = k.sys.open(path, os.O_RDONLY)
    data: bytes = k.sys.read(fd, 1 << 16)
    k.sys.close(fd)
    return data


def test_null(k: Any, folder: str) -> None:
    for name in ("low", "mnt"):
        k.sys.mkdir(f"{folder}/{name}")
    write_file(k, f"{folder}/low/f", b"below")
    k.sys.mount("nullfs", f"{folder}/mnt", device=f"{folder}/low")
    assert "nullfs" in k.sysctl("vfs.generic.fstypes").split()
    write_file(k, f"{folder}/mnt/g", b"above")
    assert read(k, f"{folder}/mnt/f") + read(k, f"{folder}/low/g") == b"belowabove"
    stat = k.sys.statvfs1(f"{folder}/mnt")
    assert (stat.f_fstypename, stat.f_mntfromname) == ("nullfs", os.fsencode(f"{folder}/low"))
    k.sys.unmount(f"{folder}/mnt")
    assert code(k.sys.stat, f"{folder}/mnt/f") == "ENOENT"


def test_umap(k: Any, folder: str) -> None:
    k.sys.mkdir(f"{folder}/low")
    k.sys.mkdir(f"{folder}/mnt")
    write_file(k, f"{folder}/low/f", b"")
    k.sys.chown(f"{folder}/low/f", 555, 666)
    k.sys.mount("umapfs", f"{folder}/mnt", device=f"{folder}/low", uids="555:100", gids="666:200")
    st = k.sys.stat(f"{folder}/mnt/f")
    assert (st.st_uid, st.st_gid) == (100, 200)
    k.sys.unmount(f"{folder}/mnt")


def test_union(k: Any, folder: str) -> None:
    for name in ("low", "up", "low/d"):
        k.sys.mkdir(f"{folder}/{name}")
    write_file(k, f"{folder}/low/d/f", b"below")
    k.sys.mount("union", f"{folder}/low", device=f"{folder}/up")
    fd = k.sys.open(f"{folder}/low/d/f", os.O_WRONLY | os.O_APPEND)
    k.sys.write(fd, b" and above")
    k.sys.close(fd)
    assert read(k, f"{folder}/up/d/f") == b"below and above"
    k.sys.unlink(f"{folder}/low/d/f")
    assert names(k, f"{folder}/low/d") == set()
    k.sys.unmount(f"{folder}/low")
    assert read(k, f"{folder}/low/d/f") == b"below"
