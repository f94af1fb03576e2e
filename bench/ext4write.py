"""Writing ext4 in placement local against fuse2fs on the same kind of image, images being in the page cache.

fuse2fs as of e2fsprogs 1.47 does not write the journal: an fsync is one flush of the disk, where ours are two, and a
power failure leaves an image that needs fsck. That is why the bound of the second row is what it is.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import rump
from bench.measure import Row

BIG = 512 << 20
FILES = 20_000
SYNCED = 2_000
ROUNDS = 3
_DATA = os.urandom(1 << 20)
_SMALL = os.urandom(3000)


def run() -> list[Row]:
    missing = [tool for tool in ("mke2fs", "fuse2fs", "fusermount") if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"rump bench ext4write: needs {', '.join(missing)}: apt-get install e2fsprogs fuse2fs fuse3")
    with tempfile.TemporaryDirectory(dir=os.environ.get("RUMP_BENCH_DIR")) as folder:
        image = Path(folder) / "image"
        ours_big, peer_big = _both(image, "1200M", _our_big, _host_big)
        ours_synced, peer_synced = _both(image, "200M", _our_synced, _host_synced)
        ours_remove, peer_remove = _both(image, "400M", _our_remove, _host_remove, filled=True)
    ours, peer = BIG / ours_big / 1e6, BIG / peer_big / 1e6
    synced, removed = peer_synced / ours_synced, peer_remove / ours_remove
    return [
        Row("write 512 MiB, 1 MiB a call", ours, "MB/s", "fuse2fs", peer, ours / peer, 1.0, "high"),
        Row("make, write, fsync 2,000 files", ours_synced, "s", "fuse2fs", peer_synced, synced, 1.0, "high"),
        Row("remove 20,000 files", ours_remove, "s", "fuse2fs", peer_remove, removed, 1.0, "high"),
    ]


def _both(
    image: Path, size: str, ours: Callable[[rump.Kernel], None], host: Callable[[Path], None], *, filled: bool = False
) -> tuple[float, float]:
    """Medians of seconds of ours and of the host's, taking turns, each on a new image, its unmount included."""
    first = image.with_suffix(".first")
    _make(first, size, filled=filled)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        times[0].append(_one(first, image, _mounted, ours))
        times[1].append(_one(first, image, _fuse2fs, host))
    return statistics.median(times[0]), statistics.median(times[1])


def _one(
    first: Path, image: Path, mounted: Callable[[Path], AbstractContextManager[Any]], work: Callable[[Any], None]
) -> float:
    """Seconds of one run; the image is checked afterwards."""
    image.unlink(missing_ok=True)
    subprocess.run(["cp", "--sparse=never", first, image], check=True)
    begun = time.perf_counter()
    with mounted(image) as where:
        work(where)
    passed = time.perf_counter() - begun
    subprocess.run(["e2fsck", "-fn", image], check=True, capture_output=True)
    return passed


def _make(image: Path, size: str, *, filled: bool) -> None:
    image.unlink(missing_ok=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", image, size], check=True, capture_output=True)
    if filled:
        with _mounted(image) as k:
            for d in range(FILES // 100):
                k.sys.mkdir(f"/mnt/d{d:03}", 0o755)
                for f in range(100):
                    _our_file(k, f"/mnt/d{d:03}/file{f:03}", synced=False)


@contextmanager
def _fuse2fs(image: Path) -> Iterator[Path]:
    """Mounted by fuse2fs; it is waited for until it has written and closed the image."""
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            ["fuse2fs", "-f", "-o", "fakeroot", image, folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not os.path.ismount(folder):
            time.sleep(0.005)
            if server.poll() is not None:
                raise SystemExit("fuse2fs ended at once")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["fusermount", "-u", folder], check=True)
            server.wait()


@contextmanager
def _mounted(image: Path) -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("vfs",)) as k:
        k.pub.module_init("ext2fs")
        k.pub.etfs_register("/dev/image", str(image), type="blk")
        k.sys.mkdir("/mnt", 0o755)
        k.sys.mount("ext2fs", "/mnt", device="/dev/image")
        yield k
        k.sys.unmount("/mnt")


def _our_big(k: rump.Kernel) -> None:
    fd = k.sys.open("/mnt/big", os.O_CREAT | os.O_WRONLY, 0o644)
    for _ in range(BIG >> 20):
        assert k.sys.write(fd, _DATA) == len(_DATA)
    k.sys.fsync(fd)
    k.sys.close(fd)


def _host_big(folder: Path) -> None:
    fd = os.open(folder / "big", os.O_CREAT | os.O_WRONLY, 0o644)
    for _ in range(BIG >> 20):
        assert os.write(fd, _DATA) == len(_DATA)
    os.fsync(fd)
    os.close(fd)


def _our_file(k: rump.Kernel, path: str, *, synced: bool) -> None:
    fd = k.sys.open(path, os.O_CREAT | os.O_WRONLY, 0o644)
    k.sys.write(fd, _SMALL)
    if synced:
        k.sys.fsync(fd)
    k.sys.close(fd)


def _our_synced(k: rump.Kernel) -> None:
    for number in range(SYNCED):
        _our_file(k, f"/mnt/file{number}", synced=True)


def _host_synced(folder: Path) -> None:
    for number in range(SYNCED):
        fd = os.open(folder / f"file{number}", os.O_CREAT | os.O_WRONLY, 0o644)
        os.write(fd, _SMALL)
        os.fsync(fd)
        os.close(fd)


def _our_remove(k: rump.Kernel) -> None:
    for d in range(FILES // 100):
        for f in range(100):
            k.sys.unlink(f"/mnt/d{d:03}/file{f:03}")
        k.sys.rmdir(f"/mnt/d{d:03}")


def _host_remove(folder: Path) -> None:
    for d in range(FILES // 100):
        for f in range(100):
            os.unlink(folder / f"d{d:03}" / f"file{f:03}")
        os.rmdir(folder / f"d{d:03}")
