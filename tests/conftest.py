"""Fixtures of the behaviour tests: the same kernel in every placement."""

from __future__ import annotations

import itertools
import os
import queue
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

import rump
from tests.live import LiveKernel, start_kernel

# Tools of file systems are where users may not look: the tests run them by name.
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
# Whoever runs the tests in the background of a script has it ignored, and every program that they start with it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# No test is about time: a busy machine must not fail one.
settings.register_profile("rump", deadline=None)
settings.load_profile("rump")
PLACEMENTS = ("local", "server", "split")
_names = itertools.count()


@pytest.fixture(scope="session")
def running() -> Iterator[dict[str, Any]]:
    """Kernels that run already, by placement."""
    kernels: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="rump-test-") as folder:
        kernels["folder"] = Path(folder)
        yield kernels
        for kernel in kernels.values():
            if isinstance(kernel, LiveKernel):
                kernel.stop()
                assert kernel.process.stdout is not None
                kernel.process.stdout.close()
            elif isinstance(kernel, rump.Kernel):
                kernel.close()


@pytest.fixture(params=PLACEMENTS)
def placement(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def connect(placement: str, running: dict[str, Any]) -> Iterator[Any]:
    """A function that makes a further client, a process of its own, of the kernel of this placement."""
    opened: list[Any] = []
    if placement not in running:
        if placement == "local":
            running[placement] = rump.Kernel()
        else:
            running[placement] = start_kernel(running["folder"] / placement, "--placement", placement)

    def make() -> Any:
        kernel = running[placement]
        k = kernel.attach() if placement == "local" else rump.connect(kernel.url)
        opened.append(k)
        return k

    yield make
    for k in opened:
        k.close()


@pytest.fixture
def k(connect: Any) -> Any:
    """A client: one process of the kernel."""
    return connect()


@pytest.fixture
def folder(k: Any) -> str:
    """An empty directory in the kernel."""
    path = f"/tmp/test{next(_names)}"
    k.sys.mkdir(path, 0o755)
    return path


@pytest.fixture
def got(k: Any) -> Iterator[queue.SimpleQueue[int]]:
    """The signals that reach the client."""
    found: queue.SimpleQueue[int] = queue.SimpleQueue()
    k.on_signal(lambda number: found.put(int(number)))
    yield found
    k.on_signal(None)
