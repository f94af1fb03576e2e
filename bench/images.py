"""Reading ext4 in placement local against fuse2fs on the same image, both with the image in the page cache.

The last row is a tree copied out of a kernel of several processes, against the same out of a local one.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live import start_kernel

import rump
from bench.measure import Row, timed

BIG = 512 << 20
FILES = 20_000
CACHE = Path(os.environ.get("RUMP_BENCH_DIR", tempfile.gettempdir())) / "rump-bench-ext4.img"


def run() -> list[Row]:
    need()
    image = make_image(CACHE)
    subprocess.run(["cat", str(image)], stdout=subprocess.DEVNULL, check=True)
    with fuse2fs(image) as (folder, _):
        peer_read = timed(lambda: host_read(folder / "big"))
    with fuse2fs(image) as (folder, _):
        peer_find = timed(lambda: _host_find(folder), repeats=1)
    ours_read = timed(lambda: _our_read(image))
    ours_find = timed(lambda: _our_find(image))
    split, local = _copies(image)
    ours, peer = BIG / ours_read / 1e6, BIG / peer_read / 1e6
    return [
        Row("read 512 MiB, 1 MiB a call", ours, "MB/s", "fuse2fs", peer, ours / peer, 2.0, "high"),
        Row("find over 20,000 files, cold", ours_find, "s", "fuse2fs", peer_find, peer_find / ours_find, 4.0, "high"),
        Row("copy 20,000 files out, split", split, "s", "local", local, local / split, 0.5, "high"),
    ]


def need() -> None:
    """What is wanted for the image and for the peer."""
    missing = [tool for tool in ("mke2fs", "fuse2fs", "fusermount") if shutil.which(tool) is None]
    if missing:
        raise SystemExit(f"rump bench: needs {', '.join(missing)}: apt-get install e2fsprogs fuse2fs fuse3")


def make_image(image: Path) -> Path:
    """An ext4 image with 20,000 files in 200 directories and one file of 512 MiB; kept for the next run."""
    if image.exists():
        return image
    with tempfile.TemporaryDirectory() as tree:
        root = Path(tree)
        for d in range(200):
            (root / f"d{d:03}").mkdir()
            for f in range(FILES // 200):
                (root / f"d{d:03}" / f"file{f:03}").write_bytes(os.urandom(200 + 61 * f))
        with (root / "big").open("wb") as big:
            for _ in range(BIG >> 20):
                big.write(os.urandom(1 << 20))
        partial = image.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", tree, str(partial), "1200M"], check=True)
        partial.rename(image)
    return image


@contextmanager
def fuse2fs(image: Path) -> Iterator[tuple[Path, list[int]]]:
    """The image, mounted afresh by fuse2fs, and its processes."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(["fuse2fs", "-f", "-o", "ro", str(image), folder], stdout=subprocess.DEVNULL)
        try:
            while not os.path.ismount(folder):
                assert process.poll() is None, "fuse2fs has ended"
                time.sleep(0.01)
            yield Path(folder), [process.pid]
        finally:
            subprocess.run(["fusermount", "-u", folder], check=True)
            process.wait()


def host_read(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    while os.read(fd, 1 << 20):
        pass
    os.close(fd)


def _host_find(folder: Path) -> None:
    found = subprocess.run(["find", str(folder), "-type", "f"], check=True, capture_output=True).stdout
    assert found.count(b"\n") == FILES + 1


@contextmanager
def _mounted(image: Path) -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("vfs",)) as k:
        mount(k, image)
        yield k


def mount(k: rump.Client, image: Path) -> None:
    k.pub.module_init("ext2fs")
    k.pub.etfs_register("/dev/image", str(image), type="blk")
    k.sys.mkdir("/mnt", 0o755)
    k.sys.mount("ext2fs", "/mnt", device="/dev/image", readonly=True)


def _our_read(image: Path) -> None:
    with _mounted(image) as k:
        fd = k.sys.open("/mnt/big", os.O_RDONLY)
        total = 0
        while data := k.sys.read(fd, 1 << 20):
            total += len(data)
        assert total == BIG


def _our_find(image: Path) -> None:
    with _mounted(image) as k:
        assert _count(k, "/mnt") == FILES + 1


def _copies(image: Path) -> tuple[float, float]:
    """Medians of seconds out of a split and out of a local kernel, taking turns."""
    times: tuple[list[float], list[float]] = ([], [])
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="rump-bench-", dir=memory) as folder:
        out = Path(folder) / "out"
        with _split(image, Path(folder)) as remote, _mounted(image) as local:
            for _ in range(3):
                times[0].append(_copied_out(remote, out))
                times[1].append(_copied_out(local, out))
    return statistics.median(times[0]), statistics.median(times[1])


@contextmanager
def _split(image: Path, folder: Path) -> Iterator[rump.Client]:
    kernel = start_kernel(folder / "kernel", "--factions", "vfs")
    try:
        with rump.connect(kernel.url) as k:
            mount(k, image)
            yield k
    finally:
        kernel.stop()


def _copied_out(k: rump.Client, out: Path) -> float:
    tree = rump.fs.Tree(k, "/mnt")
    out.mkdir()
    begun = time.perf_counter()
    found = sum(tree.copy_out(f"/d{d:03}", out / f"d{d:03}").files for d in range(200))
    passed = time.perf_counter() - begun
    assert found == FILES
    shutil.rmtree(out)
    return passed


def _count(k: rump.Kernel, path: str) -> int:
    fd = k.sys.open(path, os.O_RDONLY)
    files, folders = 0, []
    while entries := k.sys.getdents(fd, 1 << 16):
        for entry in entries:
            if entry.d_type == rump.DT_DIR and entry.d_name not in (b".", b".."):
                folders.append(f"{path}/{os.fsdecode(entry.d_name)}")
            elif entry.d_type == rump.DT_REG:
                files += 1
    k.sys.close(fd)
    return files + sum(_count(k, folder) for folder in folders)
