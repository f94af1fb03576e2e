"""Starts, watches and stops the processes of the factions (placement ``split``)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import grpc

from rumpgateway.registry import FACTIONS, Registry
from rumpwire.errno import Errno, KernelError

START_S = 20.0
"""A component that has not joined by then has failed."""
STOP_S = 5.0
"""How long an orderly stop may take before the process is killed."""
STOP_ORDER = (("vfs",), ("net", "dev"), ("kern",))
"""vfs writes to disks of dev and reaches servers through net; all ask kern."""
BACKOFF_S = (0.1, 0.5, 2.0, 5.0)
"""Waits before restarts of a component that died; the last one is repeated."""

log = logging.getLogger("rump.supervisor")


@dataclass(slots=True)
class Child:
    """A component's process. ``state``: starting, serving, failed, stopped."""

    name: str
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    state: str = "starting"
    watcher: asyncio.Task[None] | None = None


class Supervisor:
    """The processes of one kernel's components."""

    def __init__(
        self, registry: Registry, folder: str, bus_url: str, flags: Sequence[str], environment: dict[str, str]
    ) -> None:
        self._registry = registry
        self._folder = folder
        self._bus_url = bus_url
        self._flags = list(flags)
        self._environment = {**os.environ, **environment}
        self._stopping = False
        self._changed = asyncio.Event()
        self.children: dict[str, Child] = {}

    async def start(self, names: Sequence[str]) -> None:
        """Starts components side by side and waits until all have joined. ETIMEDOUT, EIO."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._records(name))  # of a kernel before this one
            await self._launch(name)
        await asyncio.gather(*(self._joined(name) for name in names))

    async def start_faction(self, name: str) -> None:
        """For kern: a faction that is not running. EINVAL."""
        if name not in FACTIONS:
            raise KernelError(Errno.EINVAL, f"there is no faction {name!r}")
        if name not in self.children:
            await self.start([name])

    def notice(self, name: str) -> None:
        """The registry has a new member, or lost one."""
        child = self.children.get(name)
        if child is not None and name in self._registry.members:
            child.state = "serving"
        self._changed.set()

    async def stop(self) -> None:
        """Orderly: asks all to leave, those first that stand on others; kills who does not in time."""
        self._stopping = True
        for names in STOP_ORDER:
            self._registry.drain(names)
            await asyncio.gather(*(self._stop_child(self.children[name]) for name in names if name in self.children))

    def _records(self, name: str) -> str:
        return f"{self._folder}/{name}.records"

    async def _launch(self, name: str) -> None:
        child = self.children.setdefault(name, Child(name))
        child.state = "starting"
        socket = f"unix://{self._folder}/{name}.sock"
        child.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"rump{name}", "--listen", socket, "--gateway", self._bus_url,
            "--records", self._records(name), *self._flags,
            env=self._environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        if child.watcher is None:
            child.watcher = asyncio.get_running_loop().create_task(self._watch(child))

    async def _joined(self, name: str) -> None:
        try:
            async with asyncio.timeout(START_S):
                while name not in self._registry.members:
                    if self.children[name].state == "failed":
                        raise KernelError(Errno.EIO, f"{name} ended while it started; its log says why")
                    self._changed.clear()
                    await self._changed.wait()
                await self._registry.members[name].peer.started()
        except TimeoutError:
            raise KernelError(Errno.ETIMEDOUT, f"{name} did not join within {START_S:.0f} s") from None
        except (grpc.RpcError, KeyError):
            raise KernelError(Errno.EIO, f"{name} ended while it started; its log says why") from None

    async def _watch(self, child: Child) -> None:
        """Waits for the process to end and starts it again, slower each time."""
        while True:
            assert child.process is not None
            status = await child.process.wait()
            if self._stopping:
                child.state = "stopped"
                return
            if child.state == "starting" and not child.restarts:
                child.state = "failed"
                self._changed.set()
                return
            log.error("%s ended with status %d; starting it again", child.name, status)
            await asyncio.sleep(BACKOFF_S[min(child.restarts, len(BACKOFF_S) - 1)])
            child.restarts += 1
            await self._launch(child.name)

    async def _stop_child(self, child: Child) -> None:
        if child.process is None or child.process.returncode is not None:
            return
        try:
            async with asyncio.timeout(STOP_S):
                await child.process.wait()
        except TimeoutError:
            log.warning("%s does not end; killing it", child.name)
            child.process.kill()
            await child.process.wait()
        child.state = "stopped"
