"""Kernels of several processes each, on one bus: all ping all. RUMP_LAB says how many, 2 if it does not
(`make labs`): eight take half a minute and more to start on two cpus that others use as well."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import rump
from tests.conformance.test_links import attach, ping
from tests.live import LiveKernel, start_kernel

KERNELS = int(os.environ.get("RUMP_LAB", "2"))


@pytest.fixture
def kernels(tmp_path: Path) -> Iterator[list[LiveKernel]]:
    with ThreadPoolExecutor(4) as pool:
        started = list(
            pool.map(lambda n: start_kernel(tmp_path / str(n), "--factions", "net"), range(KERNELS))
        )  # fmt: skip
        yield started
        for kernel in started:
            assert kernel.process.stdout is not None
            kernel.process.stdout.close()
        list(pool.map(LiveKernel.stop, started))


def test_all_ping_all(kernels: list[LiveKernel], tmp_path: Path) -> None:
    clients = [rump.connect(kernel.url) for kernel in kernels]
    for number, k in enumerate(clients, 1):
        attach(k, "shmif0", str(tmp_path / "bus"), f"10.90.0.{number}")
    reached = [
        (one, two)
        for one, k in enumerate(clients, 1)
        for two in range(1, KERNELS + 1)
        if one != two and ping(k, f"10.90.0.{two}")
    ]
    assert len(reached) == KERNELS * (KERNELS - 1)
    for k in clients:
        k.close()
