"""rump_fuse against fuse2fs, as mounts of one ext4 image that take turns: what programs of the host see."""

from __future__ import annotations

import ctypes
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.images import BIG, CACHE, FILES, make_image
from bench.measure import Row

TURNS = 3
WRITE = 256 << 20
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE = 0x20000, 1 << 14, 1 << 18
Work = Callable[[Path], object]


def run() -> list[Row]:
    missing = [tool for tool in ("mke2fs", "fuse2fs", "fusermount3", "tar", "e2fsck") if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"rump bench p2k: needs {', '.join(missing)}: apt-get install e2fsprogs fuse2fs fuse3 tar")
    _own_namespace()
    with tempfile.TemporaryDirectory(prefix="rump-bench-", dir=_memory()) as folder:
        image = Path(folder) / "image"
        subprocess.run(["cp", "--sparse=always", make_image(CACHE), image], check=True)
        read = _compare(image, _read)
        find = _compare(image, _find)
        tar = _compare(image, _tar)
        write = _compare(image, _write)
        subprocess.run(["e2fsck", "-fn", image], check=True, capture_output=True)
    return [
        _speed("read 512 MiB, 1 MiB a call", BIG, read, 2.0),
        _times("find over 20,000 files, cold", find, 2.0),
        _times("tar of 20,000 files, cold", tar, 1.0),
        _speed("write 256 MiB and fsync", WRITE, write, 1.0),
    ]


def _own_namespace() -> None:
    """Mounts of others' namespaces that were made meanwhile would hold ours: nobody else is to see them."""
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() == 0 and libc.unshare(_CLONE_NEWNS) == 0:
        libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)


def _speed(name: str, size: int, seconds: tuple[float, float], bound: float) -> Row:
    ours, peer = size / seconds[0] / 1e6, size / seconds[1] / 1e6
    return Row(name, ours, "MB/s", "fuse2fs", peer, ours / peer, bound, "high")


def _times(name: str, seconds: tuple[float, float], bound: float) -> Row:
    return Row(name, seconds[0], "s", "fuse2fs", seconds[1], seconds[1] / seconds[0], bound, "high")


def _memory() -> str | None:
    return "/dev/shm" if os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 3 << 30 else None


def _compare(image: Path, work: Work) -> tuple[float, float]:
    """Medians of seconds, ours and fuse2fs's."""
    ours, peer = [], []
    for _ in range(TURNS):
        ours.append(_timed(_rump_fuse, image, work))
        peer.append(_timed(_fuse2fs, image, work))
    return statistics.median(ours), statistics.median(peer)


def _timed(mount: Callable[[Path, Path], AbstractContextManager[Path]], image: Path, work: Work) -> float:
    with mount(image, image.parent / "mnt") as folder:
        begun = time.perf_counter()
        work(folder)
        return time.perf_counter() - begun


@contextmanager
def _rump_fuse(image: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "rumpclients.fuse.main"]
    subprocess.run([*command, image, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*command, "-u", folder], check=True)


@contextmanager
def _fuse2fs(image: Path, folder: Path) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    command = ["fuse2fs", "-f", "-o", "fakeroot", image, folder]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not os.path.ismount(folder):
            assert process.poll() is None
            time.sleep(0.01)
        yield folder
    finally:
        subprocess.run(["fusermount3", "-u", folder], check=True)
        process.wait()


def _read(folder: Path) -> None:
    fd = os.open(folder / "big", os.O_RDONLY)
    total = 0
    while data := os.read(fd, 1 << 20):
        total += len(data)
    os.close(fd)
    assert total == BIG


def _find(folder: Path) -> None:
    found = subprocess.run(["find", folder, "-type", "f"], check=True, capture_output=True).stdout
    assert found.count(b"\n") >= FILES + 1


def _tar(folder: Path) -> None:
    command = ["tar", "-C", folder, "--exclude=big", "--exclude=lost+found", "-cf", "-", "."]
    packed = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert packed.stdout is not None
    while packed.stdout.read(1 << 20):
        pass
    assert packed.wait() == 0


def _write(folder: Path) -> None:
    block = os.urandom(1 << 20)
    fd = os.open(folder / "new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for _ in range(WRITE >> 20):
        os.write(fd, block)
    os.fsync(fd)
    os.close(fd)
