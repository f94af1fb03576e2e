"""Our volumes as the Linux kernel sees them, and volumes of the tools as it and our reader see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumpvfs.core.vnode import FileSystem, NewfsRequest, VType
from rumpvfs.fs.cd9660 import FILE_SYSTEM
from tests import ext4_images
from tests.ext4_images import Environment, make_image, run, walk
from tests.iso_images import FileDevice, fill, mount
from tests.linux_kernel import run_in_linux

_VIEWS = {"": {}, "norock": {"norrip": ""}, "norock,nojoliet": {"norrip": "", "nojoliet": ""}}
_LIST = r"""
mount -t iso9660 -o ro,utf8,check=strict,mode=0555,dmode=0555,{options} {device} /mnt/image
cd /mnt/image
find . -printf '%p\t%m\t%U\t%G\t%Ts\t%y%s\t%l\0' >/mnt/work/{name}.list
find . -type f -print0 | xargs -0 sha256sum -z >/mnt/work/{name}.sums
cd /
umount /mnt/image
"""
_KINDS = {"f": VType.REG, "d": VType.DIR, "l": VType.LNK, "p": VType.FIFO, "c": VType.CHR, "b": VType.BLK}


def linux_view(folder: Path, name: str) -> tuple[dict[str, tuple[object, ...]], dict[str, str]]:
    rows = {}
    for line in (folder / f"{name}.list").read_bytes().decode().split("\0")[:-1]:
        path, mode, uid, gid, mtime, kind, target = line.split("\t")
        size = int(kind[1:]) if kind[0] in "fl" else 0
        rows[path[1:] or "/"] = (_KINDS[kind[0]] | int(mode, 8), int(uid), int(gid), int(mtime), size, target)
    sums = [line.split("  ", 1) for line in (folder / f"{name}.sums").read_text().split("\0")[:-1]]
    return rows, {path[1:]: value for value, path in sums}


def our_view(fs: FileSystem) -> tuple[dict[str, tuple[object, ...]], dict[str, str]]:
    rows: dict[str, tuple[object, ...]] = {}
    sums = {}
    for path, node in walk(fs):
        st = node.getattr()
        size = st.st_size if node.vtype in (VType.REG, VType.LNK) else 0
        target = node.readlink().decode() if node.vtype is VType.LNK else ""
        rows[path] = (st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns // 10**9, size, target)
        if node.vtype is VType.REG:
            sums[path] = ext4_images.digest(node, st.st_size)
    return rows, sums


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("linux")
    fill(top / "source")
    (top / "source" / "very" / ("n" * 255)).unlink()  # Linux cuts names off after 253 bytes
    root = ext4_images.mount(make_image(top / "ext4", "32M", "-t", "ext4", source=top / "source")).root()
    found = {"ours": top / "ours", "xorriso": top / "xorriso", "genisoimage": top / "genisoimage"}
    assert FILE_SYSTEM.newfs is not None
    FILE_SYSTEM.newfs(NewfsRequest(FileDevice(found["ours"], 8 << 20), {}, root), Environment())
    run("xorriso", "-as", "mkisofs", "-R", "-J", "-joliet-long", "-o", found["xorriso"], top / "source")
    fill(top / "other", genisoimage=True)
    (top / "other" / "very" / ("n" * 255)).unlink()
    run("genisoimage", "-quiet", "-R", "-J", "-joliet-long", "-o", found["genisoimage"], top / "other")
    return found


@pytest.fixture(scope="module")
def listings(images: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listings")
    script = ""
    for number, name in enumerate(images):
        for view, options in enumerate(_VIEWS):
            script += _LIST.format(options=options or "ro", device=f"/dev/ubd{'abc'[number]}", name=f"{name}{view}")
    run_in_linux(folder, "iso9660", script, *images.values())
    return folder


@pytest.mark.parametrize("view", range(len(_VIEWS)))
@pytest.mark.parametrize("name", ["ours", "xorriso", "genisoimage"])
def test_linux_sees_the_same(name: str, view: int, images: dict[str, Path], listings: Path) -> None:
    theirs, their_sums = linux_view(listings, f"{name}{view}")
    ours, our_sums = our_view(mount(FILE_SYSTEM, images[name], **list(_VIEWS.values())[view]))
    assert set(ours) == set(theirs)
    for path, row in theirs.items():
        assert ours[path] == row, path
    assert our_sums == their_sums
