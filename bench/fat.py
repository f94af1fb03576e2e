"""Copying 1,000 small files into a FAT image in placement local, mount and unmount included, against mtools' mcopy."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import rump
from bench.measure import Row, timed

FILES = 1000
SIZE = "64M"
# Directories that the files are in. mcopy reads a directory anew for each name, so many names in one are slow for it.
CASES = (1, 20)


def run() -> list[Row]:
    missing = [tool for tool in ("mkfs.fat", "mcopy", "fsck.fat") if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"rump bench fat: needs {', '.join(missing)}: apt-get install dosfstools mtools")
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image"
        subprocess.run(["truncate", "-s", SIZE, str(image)], check=True)
        with rump.Kernel(factions=("vfs",)) as k:
            k.pub.module_init("msdos")
            k.pub.etfs_register("/dev/image", str(image), type="blk")
            k.sys.mkdir("/mnt", 0o755)
            return [_row(k, image, Path(folder) / str(folders), folders) for folders in CASES]


def _row(k: rump.Kernel, image: Path, tree: Path, folders: int) -> Row:
    _make_tree(tree, folders)
    ours, peer = _race(k, image, tree)
    where = "one directory" if folders == 1 else f"{folders} directories"
    return Row(f"copy 1,000 small files, {where}", ours * 1e3, "ms", "mcopy", peer * 1e3, ours / peer, 1.0)


def _race(k: rump.Kernel, image: Path, tree: Path) -> tuple[float, float]:
    """Medians of the two, each on a fresh file system."""
    ours, peer = [], []
    for _ in range(3):
        _fresh(image)
        ours.append(timed(lambda: _our_copy(k, tree), repeats=1))
        _check(image)
        _fresh(image)
        peer.append(timed(lambda: _mcopy(image, tree), repeats=1))
    return sorted(ours)[1], sorted(peer)[1]


def _make_tree(tree: Path, folders: int) -> None:
    for number in range(FILES):
        folder = tree / f"directory {number % folders:02}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file number {number:04}.data").write_bytes(os.urandom(100 + number * 7 % 4000))


def _fresh(image: Path) -> None:
    subprocess.run(["mkfs.fat", "-F", "16", str(image)], check=True, stdout=subprocess.DEVNULL)


def _check(image: Path) -> None:
    subprocess.run(["fsck.fat", "-n", str(image)], check=True, stdout=subprocess.DEVNULL)


def _mcopy(image: Path, tree: Path) -> None:
    sources = [str(path) for path in sorted(tree.iterdir())]
    subprocess.run(["mcopy", "-s", "-i", str(image), *sources, "::"], check=True)


def _our_copy(k: rump.Kernel, tree: Path) -> None:
    k.sys.mount("msdos", "/mnt", device="/dev/image")
    for folder in sorted(os.listdir(tree)):
        k.sys.mkdir(f"/mnt/{folder}", 0o755)
        for name in sorted(os.listdir(tree / folder)):
            host = os.open(f"{tree}/{folder}/{name}", os.O_RDONLY)
            data = os.read(host, 8192)
            os.close(host)
            fd = k.sys.open(f"/mnt/{folder}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            k.sys.write(fd, data)
            k.sys.close(fd)
    k.sys.unmount("/mnt")
