"""How soon vfs serves again, with 10 file systems mounted and 100 files open: killed, and replaced while it serves."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.live import start_kernel

import rump
from bench.measure import Row

MOUNTS, FILES = 10, 100
ROUNDS = 5
LIMIT_MS = 1000.0


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder:
        kernel = start_kernel(Path(folder) / "kernel", "--steady", "0", "--give-up", "1000")
        try:
            with rump.connect(kernel.url) as k:
                fds = _prepare(k, Path(folder))
                killed = statistics.median(_again(k, fds, lambda: _kill(k)) for _ in range(ROUNDS))
                replaced = statistics.median(_replaced(k, fds) for _ in range(ROUNDS))
        finally:
            kernel.stop()
    return [
        _row("vfs killed: until a call is served", killed),
        _row("vfs replaced: the pause", replaced),
    ]


def _row(name: str, ms: float) -> Row:
    return Row(name, ms, "ms", "1 s", LIMIT_MS, ms / LIMIT_MS, 1.0)


def _prepare(k: Any, folder: Path) -> list[int]:
    fds = []
    for number in range(MOUNTS):
        image, where = folder / f"image{number}", f"/mnt{number}"
        with image.open("wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", str(image)], check=True)
        k.pub.etfs_register(f"/dev/image{number}", str(image), type="blk")
        k.sys.mkdir(where, 0o755)
        k.sys.mount("ext2fs", where, device=f"/dev/image{number}")
        for each in range(FILES // MOUNTS):
            fd = k.sys.open(f"{where}/{each}", os.O_CREAT | os.O_RDWR, 0o644)
            k.sys.write(fd, b"%d" % each)
            fds.append(fd)
    k.sys.sync()
    return fds


def _again(k: Any, fds: list[int], fault: Callable[[], object]) -> float:
    """Milliseconds from a fault to the first call that is served; all files are looked at after it."""
    fault()
    begun = time.perf_counter()
    while True:
        with contextlib.suppress(OSError):
            k.sys.pread(fds[0], 9, 0)
            break
    ms = (time.perf_counter() - begun) * 1e3
    assert [k.sys.pread(fd, 9, 0) for fd in fds] == [b"%d" % (n % (FILES // MOUNTS)) for n in range(FILES)]
    return ms


def _vfs(k: Any) -> Any:
    return next(c for c in k.status()["components"] if c["name"] == "vfs")


def _kill(k: Any) -> None:
    os.kill(_vfs(k)["pid"], signal.SIGKILL)


def _replaced(k: Any, fds: list[int]) -> float:
    k.pub.component_restart("vfs")
    assert k.sys.pread(fds[0], 9, 0) == b"0"
    return float(_vfs(k)["recovery_ms"])
