"""How long a kernel takes to come up, and what a further one in the same process costs."""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from pathlib import Path

from tests.live import start_kernel

import rump
from bench.measure import Row


def run() -> list[Row]:
    return [_split(), *_local()]


def _split() -> Row:
    times = []
    for _ in range(5):
        with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder:
            start = time.perf_counter()
            kernel = start_kernel(Path(folder) / "kernel")
            times.append(time.perf_counter() - start)
            kernel.stop()
    seconds = statistics.median(times)
    return Row("rump up ready, five processes", seconds, "s", "1 s", 1.0, seconds, 2.5)


def _local() -> list[Row]:
    first = rump.Kernel()
    gc.collect()
    before, count = _resident(), 20
    kernels, times = [], []
    for _ in range(count):
        start = time.perf_counter()
        kernels.append(rump.Kernel())
        times.append(time.perf_counter() - start)
    gc.collect()
    size = (_resident() - before) / count / (1 << 20)
    for kernel in [*kernels, first]:
        kernel.close()
    ms = statistics.median(times) * 1e3
    return [
        Row("further local kernel", ms, "ms", "1 ms", 1.0, ms, 20.0),
        Row("further local kernel, memory", size, "MiB", "1 MiB", 1.0, size, 2.0),
    ]


def _resident() -> int:
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Private_Dirty in smaps_rollup")
