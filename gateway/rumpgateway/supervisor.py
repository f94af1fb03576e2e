"""Starts, watches and stops the processes of the factions (placement ``split``).

A component is asked at short intervals whether it answers; one that does not within a bound is killed, however it hangs
(stopped, in a loop, waiting for itself). One that has ended is started again, and gets back what it had recorded
(`rumpuser.records`): at once the first time, then after growing pauses, until it has served well for a while. One that
ends again and again is given up, and can be started by hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rumpgateway.registry import FACTIONS, Registry
from rumpgateway.zygote import Process, Spawner, running
from rumpuser.aio import settle
from rumpuser.component import KERNEL
from rumpwire import calls
from rumpwire.errno import Errno, KernelError

LOOK_S = 0.002
"""Between looks whether a successor listens: it is no component yet, and has no other way to tell."""
START_S = 20.0
"""A component that has not joined by then has failed."""
SLICES = 10
"""In so many parts the time passes in which a component is to answer."""
STOP_S = 5.0
"""How long an orderly stop may take before the process is killed."""
STOP_ORDER = (("vfs",), ("net", "dev"), ("kern",))
"""vfs writes to disks of dev and reaches servers through net; all ask kern."""
BACKOFF_S = (0.0, 0.1, 0.5, 2.0, 5.0)
"""Waits before a component that ended is started again; the last one is repeated."""

log = logging.getLogger("rump.supervisor")


@dataclass(frozen=True, slots=True)
class Care:
    """How components are watched: seconds, and how many ends in a row without ``steady_s`` of service are too many."""

    answer_s: float = 5.0
    steady_s: float = 10.0
    give_up: int = 8


@dataclass(slots=True)
class Child:
    """A component's process. ``state``: starting, serving, restarting, failed, stopped. ``why`` it is not as it was."""

    name: str
    process: Process | None = None
    restarts: int = 0
    state: str = "starting"
    why: str = ""
    failures: int = 0
    began: float = 0.0
    ended: float = 0.0
    recovery_s: float = 0.0
    """How long the last restart took, from the end of the process to the first call."""
    watcher: asyncio.Task[None] | None = None


class Supervisor:
    """The processes of one kernel's components."""

    def __init__(
        self,
        registry: Registry,
        folder: str,
        bus_url: str,
        flags: Sequence[str],
        environment: dict[str, str],
        care: Care | None = None,
        keeper: int = 0,
    ) -> None:
        self._registry = registry
        self._folder = folder
        self._bus_url = bus_url
        self._flags = list(flags)
        self._environment = {**os.environ, **environment}
        self._care = care or Care()
        self._keeper = keeper
        self._spawner: Spawner | None = None
        self._stopping = False
        self._changed = asyncio.Event()
        self._replacements = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._coming: dict[str, Process] = {}
        """Successors that do not serve yet."""
        registry.replaced = self._replaced
        self.children: dict[str, Child] = {}

    async def start(self, names: Sequence[str]) -> None:
        """Starts components side by side and waits until all have joined. ETIMEDOUT, EIO."""
        self._prepare(names)
        for name in names:
            self._unlink_records(name)  # of a kernel before this one
            await self._launch(self.children.setdefault(name, Child(name)))
        await asyncio.gather(*(self._joined(name) for name in names))

    def _prepare(self, names: Sequence[str], *, inherits: bool = False) -> None:
        if self._spawner is None:
            path = f"{self._folder}/zygote.sock"
            self._spawner = Spawner(names, self._environment, path, self._keeper, inherits=inherits)

    async def adopt(self, pids: dict[str, int]) -> None:
        """Takes over the components of a gateway that was killed; those that have ended are started again."""
        if not pids:
            return
        self._prepare(list(pids), inherits=True)
        for name in pids:  # all at once: they may join from now on
            self.children[name] = Child(name, state="restarting", why="the gateway was killed")
            self.notice(name)
        for name, pid in pids.items():
            child = self.children[name]
            child.process = running(name, pid)
            if child.process is None:
                child.restarts, child.failures = 1, 1
                await self._launch(child)
            else:
                child.watcher = asyncio.get_running_loop().create_task(self._watch(child, child.process))

    # -- when another gateway takes the place of this one

    def rest(self) -> dict[str, tuple[Any, ...]]:
        """Looks at nobody until it goes on, here or at a successor: what that needs to know."""
        for child in self.children.values():
            if child.watcher is not None:
                child.watcher.cancel()
        kept = {}
        for name, child in self.children.items():
            pid = child.process.pid if child.process is not None else 0
            kept[name] = (pid, child.state, child.why, child.restarts, child.recovery_s)
        return kept

    def go_on(self) -> None:
        for child in self.children.values():
            if child.watcher is not None:
                child.watcher.cancel()
            if child.process is not None and child.state not in ("failed", "stopped"):
                child.watcher = asyncio.get_running_loop().create_task(self._watch(child, child.process))

    def take(self, kept: dict[str, tuple[Any, ...]]) -> None:
        """The components of a predecessor."""
        self._prepare(list(kept), inherits=True)
        now = asyncio.get_running_loop().time()
        for name, (pid, state, why, restarts, recovery_s) in kept.items():
            child = Child(name, running(name, pid), restarts, state, why, began=now, recovery_s=recovery_s)
            self.children[name] = child
        self.go_on()
        for child in self.children.values():
            if child.process is None and child.state == "serving":  # it ended on the way
                child.state, child.restarts = "restarting", child.restarts + 1
                self._registry.ended(child.name, self._registry.members[child.name].pid)
                self._tasks.add(asyncio.get_running_loop().create_task(self._launch(child)))

    def leave(self) -> None:
        """Another gateway has them."""
        if self._spawner is not None:
            self._spawner.leave()

    @property
    def unsettled(self) -> list[str]:
        """Components that neither serve nor were given up."""
        changing = {*self._registry.heirs, *(c.name for c in self.children.values() if c.state == "restarting")}
        return sorted(changing)

    async def start_faction(self, name: str) -> None:
        """For kern: a faction that is not running, or is being started. EINVAL, EIO, ETIMEDOUT."""
        if name not in FACTIONS:
            raise KernelError(Errno.EINVAL, f"there is no faction {name!r}")
        if name not in self.children:
            await self.start([name])
        else:
            await self._joined(name)

    async def restart(self, name: str, *, crash: bool = False, fresh: bool = False) -> None:
        """Puts another process in the place of a component's, which hands over all that it is.

        ``crash``, and where the component does not serve: it is ended, and the next one has what was recorded.
        ``fresh``: the next one has the code that is on disk now. ENOENT, EBUSY, EOPNOTSUPP, EIO, ETIMEDOUT.
        """
        child = self.children.get(name)
        if child is None:
            raise KernelError(Errno.ENOENT, f"no process of this kernel is called {name}; see rump status")
        if not crash and child.state == "serving" and self._registry.serving(name):
            await self._replace(child, fresh=fresh)
        else:
            await self._end_and_start(child, name)

    async def _replace(self, child: Child, *, fresh: bool) -> None:
        """Until the successor serves. When that fails the component goes on, and the error says why."""
        assert self._spawner is not None
        name, loop, before = child.name, asyncio.get_running_loop(), child.process
        if name in self._registry.heirs:
            raise KernelError(Errno.EBUSY, f"{name} is being replaced already")
        self._replacements += 1
        path = f"{self._folder}/{name}.heir"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        url = f"unix://{self._folder}/{name}.{self._replacements}.{os.getpid()}.sock"
        self._registry.heirs[name] = 0
        process = None
        try:
            async with asyncio.timeout(START_S):
                process = await self._spawner.spawn(name, [*self._arguments(name, url), "--heir", path], fresh=fresh)
                self._registry.heirs[name], self._coming[name] = process.pid, process
                while not _is_there(path):
                    _check(process, "ended while it started; its log says why")
                    await asyncio.sleep(LOOK_S)
                began = loop.time()
                await self._hand_over(child, process, path)
                await self._taken_over(child, process, before)
                await settle(self._registry.members[name].connection.call(KERNEL, calls.PING, ()))
                child.recovery_s = loop.time() - began
                log.info("%s is another process after %.0f ms", name, child.recovery_s * 1e3)
        except TimeoutError:
            raise KernelError(Errno.ETIMEDOUT, f"{name} was not replaced within {START_S:.0f} s; it goes on") from None
        except KeyError:
            raise KernelError(Errno.EIO, f"{name} ended while it was replaced") from None
        finally:
            self._registry.heirs.pop(name, None)
            self._coming.pop(name, None)
            if process is not None and child.process is not process:
                process.kill()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    async def _taken_over(self, child: Child, process: Process, before: Process | None) -> None:
        """Waits until it is in the place of the one before. EIO when one of both ends instead."""
        ended = asyncio.get_running_loop().create_task(process.wait())
        ended.add_done_callback(lambda _: self._changed.set())
        try:
            while child.process is not process:
                _check(process, "ended before it had taken over; its log says why")
                if child.process is not before or child.state != "serving":
                    raise KernelError(Errno.EIO, f"{child.name} ended while it was replaced")
                self._changed.clear()
                await self._changed.wait()
        finally:
            ended.cancel()

    async def _hand_over(self, child: Child, process: Process, path: str) -> None:
        """Its answer may come too late: whoever has taken over has ended the one that is asked."""
        try:
            await settle(self._registry.members[child.name].connection.call(KERNEL, calls.HAND_OVER, (path,)))
        except KernelError:
            if child.process is not process:
                raise

    def _replaced(self, name: str, pid: int) -> None:
        """The successor takes calls now. The process before it, which has given all away, ends."""
        child = self.children[name]
        process, before = self._coming.get(name), child.process
        if process is None or process.ended or process.pid != pid or before is None:
            raise KernelError(Errno.ENOTCONN, f"the successor of {name} has ended")
        if child.watcher is not None:
            child.watcher.cancel()
        before.kill()
        child.process, child.restarts, child.began = process, child.restarts + 1, asyncio.get_running_loop().time()
        child.watcher = asyncio.get_running_loop().create_task(self._watch(child, process))
        url = self._registry.members[name].url.removeprefix("unix://")
        for left in (url, f"{url}.frames"):
            with contextlib.suppress(OSError):
                os.unlink(left)

    async def _end_and_start(self, child: Child, name: str) -> None:
        child.failures, child.why = 0, "restarted by hand"
        if child.process is not None and not child.process.ended:
            if name == "vfs":
                with contextlib.suppress(KernelError):
                    await settle(self._registry.peer(name).call(KERNEL, calls.SYNC, ()))
            child.process.kill()
            await child.process.wait()
        else:
            self._registry.expect(name)
            child.state = "restarting"
            await self._launch(child)
        await self._joined(name)

    def notice(self, name: str) -> None:
        """The registry has a new member, one that serves, or lost one."""
        child = self.children.get(name)
        if child is not None and self._registry.serving(name) and child.state != "serving":
            child.state, child.why = "serving", ""
            child.began = asyncio.get_running_loop().time()
            if child.ended:
                child.recovery_s, child.ended = child.began - child.ended, 0.0
                log.info("%s serves again after %.0f ms", name, child.recovery_s * 1e3)
        self._changed.set()

    def restarts(self, name: str) -> bool:
        """Whether a component that is gone will come back."""
        child = self.children.get(name)
        return not self._stopping and child is not None and child.state in ("serving", "restarting")

    async def stop(self) -> None:
        """Orderly: asks all to leave, those first that stand on others; kills who does not in time."""
        self._stopping = True
        for names in STOP_ORDER:
            self._registry.drain(names)
            await asyncio.gather(*(self._stop_child(self.children[name]) for name in names if name in self.children))
        if self._spawner is not None:
            await self._spawner.close()

    # -- one process

    async def _launch(self, child: Child) -> None:
        assert self._spawner is not None
        name = child.name
        child.process = await self._spawner.spawn(name, self._arguments(name, f"unix://{self._folder}/{name}.sock"))
        child.watcher = asyncio.get_running_loop().create_task(self._watch(child, child.process))

    def _arguments(self, name: str, url: str) -> list[str]:
        return ["--listen", url, "--gateway", self._bus_url, "--records", self._records(name), *self._flags]

    async def _joined(self, name: str) -> None:
        child = self.children[name]
        try:
            async with asyncio.timeout(START_S):
                while not self._registry.serving(name):
                    if child.state == "failed":
                        raise KernelError(Errno.EIO, f"{name} ended while it started; its log says why")
                    self._changed.clear()
                    await self._changed.wait()
                await settle(self._registry.members[name].connection.call(KERNEL, calls.PING, ()))
        except TimeoutError:
            raise KernelError(Errno.ETIMEDOUT, f"{name} did not join within {START_S:.0f} s") from None
        except KeyError:
            raise KernelError(Errno.EIO, f"{name} ended while it started; its log says why") from None

    async def _watch(self, child: Child, process: Process) -> None:
        """Until the process ends, by itself or since it does not answer; then starts the next one."""
        asking = asyncio.get_running_loop().create_task(self._ask(child, process))
        try:
            await process.wait()
        finally:
            asking.cancel()
        now = asyncio.get_running_loop().time()
        if self._stopping:
            child.state = "stopped"
            return
        if child.state == "starting":
            self._fail(child, "it ended while it started; its log says why")
            return
        steady = child.state == "serving" and now - child.began >= self._care.steady_s
        child.failures = 1 if steady else child.failures + 1
        child.why = child.why or "its process ended"
        log.error("%s: %s; starting it again", child.name, child.why)
        child.ended, child.state = child.ended or now, "restarting"
        self._changed.set()
        self._registry.ended(child.name, process.pid)
        await self._again(child)

    async def _again(self, child: Child) -> None:
        if child.failures > self._care.give_up:
            self._fail(child, f"it ended {child.failures} times in a row; rump restart {child.name} starts it again")
            return
        await asyncio.sleep(BACKOFF_S[min(child.failures, len(BACKOFF_S)) - 1])
        child.restarts += 1
        try:
            await self._launch(child)
        except KernelError as error:
            self._fail(child, error.text)

    def _fail(self, child: Child, why: str) -> None:
        log.error("%s is given up: %s", child.name, why)
        child.state, child.why = "failed", why
        self._registry.give_up(child.name, why)
        self._changed.set()

    async def _ask(self, child: Child, process: Process) -> None:
        """Whether it answers. While it starts it may take longer: what it has recorded has to come back first."""
        loop = asyncio.get_running_loop()
        launched = loop.time()
        while True:
            await asyncio.sleep(self._care.answer_s / 3)
            member = self._registry.members.get(child.name)
            patience = self._care.answer_s if child.state == "serving" else START_S
            joined = member is not None and member.pid == process.pid
            if joined and not await _answers(member, patience):
                child.why = f"it did not answer for {patience:.1f} s"
            elif child.state != "serving" and loop.time() > launched + START_S:
                child.why = f"it {'could not take over' if joined else 'did not join'} within {START_S:.0f} s"
            else:
                continue
            process.kill()
            return

    async def _stop_child(self, child: Child) -> None:
        if child.process is not None and not child.process.ended:
            try:
                async with asyncio.timeout(STOP_S):
                    await child.process.wait()
            except TimeoutError:
                log.warning("%s does not end; killing it", child.name)
                child.process.kill()
                await child.process.wait()
        child.state = "stopped"
        self._unlink_records(child.name)

    # -- records

    def _records(self, name: str) -> str:
        return f"{self._folder}/{name}.records"

    def _unlink_records(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._records(name))


def _is_there(path: str) -> bool:
    return os.path.exists(path)


def _check(process: Process, what: str) -> None:
    if process.ended:
        raise KernelError(Errno.EIO, f"the successor {what}")


async def _answers(member: Any, patience: float) -> bool:
    """Whether it does in time. What this process itself has slept through (it was stopped, or busy) does not count."""
    asking = asyncio.ensure_future(settle(member.connection.call(KERNEL, calls.PING, ())))
    try:
        for _ in range(SLICES):
            if (await asyncio.wait((asking,), timeout=patience / SLICES))[0]:
                with contextlib.suppress(KernelError):  # it is about to go, as its end will tell
                    asking.result()
                return True
        return False
    finally:
        asking.cancel()
