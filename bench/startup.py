"""What a kernel takes to come up, what it holds and does while nobody calls, and what a further one in a process costs.

Memory is given twice, since processes share the code of Python and of gRPC: a sum of PSS counts such a page once, a sum
of RSS as often as there are processes.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.live import start_kernel

import rump
from bench.measure import Row
from bench.processes import memory, processor_ns, tree

LIMIT_S = 1.2
LIMIT_MIB = 200
SETTLE_S = 4.0
"""Until what a successor may need has been loaded ahead, which is done once, when nobody has asked for a second."""
REST_S = 10.0


def run() -> list[Row]:
    return [_split(), *_at_rest(), *_local()]


def _split() -> Row:
    times = []
    for _ in range(5):
        with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder:
            start = time.perf_counter()
            kernel = start_kernel(Path(folder) / "kernel")
            times.append(time.perf_counter() - start)
            kernel.stop()
    seconds = statistics.median(times)
    return Row("rump up ready, five processes", seconds, "s", f"{LIMIT_S} s", LIMIT_S, seconds / LIMIT_S, 1.0)


def _at_rest() -> list[Row]:
    """A kernel of all factions that a client has used and is attached to."""
    with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder:
        kernel = start_kernel(Path(folder) / "kernel")
        try:
            with rump.connect(kernel.url) as k:
                k.sys.close(k.sys.open("/tmp/used", os.O_CREAT | os.O_RDWR, 0o644))
                time.sleep(SETTLE_S)
                pids = tree(kernel.process.pid)
                pss, rss = memory(pids)
                before = processor_ns(pids)
                time.sleep(REST_S)
                busy = (processor_ns(pids) - before) / REST_S / 1e7
        finally:
            kernel.stop()
    size = f"{LIMIT_MIB} MiB"
    return [
        Row("resident memory, sum of PSS", pss, "MiB", size, LIMIT_MIB, pss / LIMIT_MIB, 1.0),
        Row("resident memory, sum of RSS", rss, "MiB", size, LIMIT_MIB, rss / LIMIT_MIB, 1.0),
        Row("processor while nobody calls", busy, "%", "1 %", 1.0, busy, 1.0),
    ]


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
