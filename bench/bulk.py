"""Contents of files in and out of a kernel of several processes, from a client on its host.

Single reads and writes stand beside a bare exchange of as many bytes in frames over a pair of sockets, and beside the
limit that they are promised to keep. A long read and a walk over a tree stand beside fuse2fs on the same image, and
where root may mount beside Linux's own ext4 over a loop device.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tests.live import LiveKernel, start_kernel

import rump
from bench.images import BIG, CACHE, FILES, fuse2fs, host_read, make_image, mount, need
from bench.measure import Row, Side, compare, faster, pin, unpin, within
from bench.processes import tree
from bench.yardstick import transfer

PIECES = (64 << 20) // 4096
LIMITS_US = {("write", 64): 120, ("write", 1024): 800, ("read", 1024): 600}
"""What is promised, by KiB."""


def run() -> list[Row]:
    need()
    pin()
    try:
        with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder:
            kernel = start_kernel(Path(folder) / "kernel", "--factions", "vfs")
            try:
                with rump.connect(kernel.url) as k, _keeping(kernel) as keeper:
                    return [*_single(k, kernel), _again(k, keeper, kernel), *_long(k, keeper, kernel)]
            finally:
                kernel.stop()
    finally:
        unpin()


def _single(k: rump.Client, kernel: LiveKernel) -> list[Row]:
    """One call after another on a file of tmpfs."""
    fd = k.sys.open("/tmp/bulk", os.O_CREAT | os.O_RDWR, 0o644)
    k.sys.pwrite(fd, bytes(1 << 20), 0)
    pids = tree(kernel.process.pid)
    rows = []
    for (what, kib), limit in LIMITS_US.items():
        size = kib << 10
        with transfer(*((size, 0) if what == "write" else (0, size))) as base:
            name = f"{what} {kib} KiB, tmpfs, split" if kib < 1024 else f"{what} 1 MiB, tmpfs, split"
            each = 50 if kib < 1024 else 20
            ours = Side(_writer(k, fd, size) if what == "write" else _reader(k, fd, size), pids)
            row = compare(name, ours, "bare frames", base, 6.0, each=each)
        rows += [row, within(f"{name}, limit", row, limit, "us")]
    k.sys.close(fd)
    return rows


def _writer(k: rump.Client, fd: int, size: int) -> Callable[[], object]:
    data = os.urandom(size)
    return lambda: k.sys.pwrite(fd, data, 0)


def _reader(k: rump.Client, fd: int, size: int) -> Callable[[], object]:
    def read() -> None:
        assert len(k.sys.pread(fd, size, 0)) == size

    return read


@contextmanager
def _keeping(kernel: LiveKernel) -> Iterator[rump.Client]:
    """A client that keeps what it is told, as all do but those of the other rows."""
    before = os.environ.pop("RUMP_LEASES", None)
    try:
        with rump.connect(kernel.url) as k:
            yield k
    finally:
        if before is not None:
            os.environ["RUMP_LEASES"] = before


def _again(k: rump.Client, keeper: rump.Client, kernel: LiveKernel) -> Row:
    """A path that nobody has changed since it was asked the last time."""
    pids = tree(kernel.process.pid)
    ours, base = Side(lambda: keeper.sys.stat("/tmp/bulk"), pids), Side(lambda: k.sys.stat("/tmp/bulk"), pids)
    return faster(compare("stat again", ours, "asked each time", base, 0), 20)


def _long(k: rump.Client, keeper: rump.Client, kernel: LiveKernel) -> list[Row]:
    """A file of 512 MiB, and 20,000 files with their attributes, on an image of ext4."""
    image = make_image(CACHE)
    subprocess.run(["cat", str(image)], stdout=subprocess.DEVNULL, check=True)
    mount(k, image)
    pids = tree(kernel.process.pid)
    with fuse2fs(image) as (folder, peer):
        ours, base = Side(lambda: _read_all(k), pids), Side(lambda: host_read(folder / "big"), peer)
        read = faster(compare("read 512 MiB of ext4, split", ours, "fuse2fs", base, 0, unit="s", rounds=3, each=1), 2)
    with fuse2fs(image) as (folder, peer):
        ours, base = Side(lambda: _walk(k), pids), Side(lambda: _find(folder), peer)
        walk = compare("stat of 20,000 files, split", ours, "find of fuse2fs", base, 0, unit="s", rounds=3, each=1)
        ours = Side(lambda: _walk(keeper), pids)
        again = compare("the same again, unchanged", ours, "find of fuse2fs", base, 0, unit="s", rounds=3, each=1)
    with fuse2fs(image) as (folder, peer):
        ours = Side(lambda: _in_pieces(keeper.open("/mnt/big", "rb")), pids)
        base = Side(lambda: _in_pieces(_forgotten(folder / "big")), peer)
        pieces = compare("64 MiB in pieces of 4 KiB, split", ours, "fuse2fs", base, 0, unit="s", rounds=3, each=1)
    return [read, faster(walk, 2), faster(again, 2), faster(pieces, 1), *_loop(k, image, pids)]


def _loop(k: rump.Client, image: Path, pids: list[int]) -> list[Row]:
    """Linux's own ext4 on the same image: what no process is between."""
    with tempfile.TemporaryDirectory() as name:
        command = ["mount", "-o", "loop,ro,noload", str(image), name]
        made = subprocess.run(command, check=False, capture_output=True, text=True)
        if made.returncode:
            print(f"no rows against a loop mount: {made.stderr.strip()}", file=sys.stderr)
            return []
        folder = Path(name)
        try:
            ours, base = Side(lambda: _read_all(k), pids), Side(lambda: host_read(folder / "big"))
            read = compare("read 512 MiB of ext4, split", ours, "Linux, loop", base, 0, unit="s", rounds=3, each=1)
            ours, base = Side(lambda: _walk(k), pids), Side(lambda: _find(folder))
            walk = compare("stat of 20,000 files, split", ours, "Linux, loop", base, 0, unit="s", rounds=3, each=1)
        finally:
            subprocess.run(["umount", name], check=True)
    return [faster(read, 0.1), faster(walk, 0.1)]


def _forgotten(path: Path) -> BinaryIO:
    """A file of the host of which Linux keeps no page from the last time."""
    file = path.open("rb")
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return file


def _in_pieces(file: BinaryIO) -> None:
    with file:
        for _ in range(PIECES):
            assert len(file.read(4096)) == 4096


def _read_all(k: rump.Client) -> None:
    fd = k.sys.open("/mnt/big", os.O_RDONLY)
    total = 0
    while data := k.sys.read(fd, 1 << 20):
        total += len(data)
    k.sys.close(fd)
    assert total == BIG


def _walk(k: rump.Client) -> None:
    found = rump.fs.Tree(k, "/mnt")
    folders = [entry.path for entry in found.scandir("/") if entry.is_dir()]
    stats = [e.stat(follow_symlinks=False) for path in folders for e in found.scandir(path, attributes=True)]
    assert sum(st.st_size > 0 for st in stats) >= FILES


def _find(folder: Path) -> None:
    found = subprocess.run(["find", str(folder), "-printf", "%s\n"], check=True, capture_output=True).stdout
    assert found.count(b"\n") > FILES
