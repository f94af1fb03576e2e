"""Processes of components, forked from one that has imported all that they need.

Python takes half a second to import a component; a fork of a process that has done so takes milliseconds. The zygote
has one thread, talks to nobody but its `Spawner`, and knows no state of the kernel: whoever is forked from it is as
new as a process of its own would be. ``python -m rumpgateway.zygote KEEPER FACTION...`` reads a JSON list (name,
arguments) per line and answers with the pid, a line each; it ends with its input. Where the gateway has a keeper (its
pid, else 0) it goes on until its children have ended, the components, which are to outlive the gateway.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import importlib.metadata
import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence

from rumpuser.component import Component
from rumpuser.module import GROUP
from rumpuser.prctl import end_with_parent
from rumpwire.errno import Errno, KernelError

_MODULES = ("rumpuser.systemhost", "rumpuser.transport.grpc_server", "rumpuser.transport.frames", "rumpuser.records",
            "rumpuser.replacement",
            "grpc_health.v1.health", "grpc_reflection.v1alpha.reflection")  # fmt: skip


IDLE_S = 1.0


class Process:
    """A process of a component, and its end."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._fd = os.pidfd_open(pid)
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._end)

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    async def wait(self) -> None:
        await self._ended.wait()

    def kill(self) -> None:
        """SIGKILL, which a stopped process heeds as well. Nothing when it has ended."""
        if not self.ended:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, signal.SIGKILL)

    def _end(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        self._ended.set()


def running(name: str, pid: int) -> Process | None:
    """The process of a component that another gateway has started, None when it has ended."""
    try:
        process = Process(pid)
        with open(f"/proc/{pid}/comm") as comm:
            if comm.read().strip() == f"rump{name}":
                return process
    except (ProcessLookupError, FileNotFoundError):
        pass
    return None


class Spawner:
    """Starts processes of components. ``keeper``: with whose process they end, if not with this one."""

    def __init__(self, factions: Sequence[str], environment: Mapping[str, str], keeper: int = 0) -> None:
        self._factions = tuple(factions)
        self._keeper = keeper
        self._environment = dict(environment)
        self._zygote: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._before: list[asyncio.subprocess.Process] = []
        """Zygotes with older code, whose children go on."""
        self._renewed: set[str] = set()
        """The components that were begun anew from this zygote: it is older than what comes next."""

    async def spawn(self, name: str, arguments: Sequence[str], *, fresh: bool = False) -> Process:
        """EIO when that is not possible twice in a row. ``fresh``: with the code that is on disk now."""
        async with self._turn:
            if fresh:
                self._renew(name)
            for _ in range(2):
                try:
                    return await self._ask(name, arguments)
                except (OSError, ValueError):
                    await self._bury()
        raise KernelError(Errno.EIO, f"the process of {name} cannot be started; the log says why")

    async def close(self) -> None:
        async with self._turn:
            await self._bury()
            while self._before:
                self._zygote = self._before.pop()
                await self._bury()

    def leave(self) -> None:
        """Starts nothing any more; what was started goes on."""
        for zygote in (*self._before, *filter(None, [self._zygote])):
            assert zygote.stdin is not None
            zygote.stdin.close()

    def _renew(self, name: str) -> None:
        """One zygote is new enough for each component once, so an upgrade of all starts one alone."""
        if self._zygote is not None and (not self._renewed or name in self._renewed):
            self._before.append(self._zygote)
            self._zygote = None
            self._renewed.clear()
        self._renewed.add(name)

    async def _ask(self, name: str, arguments: Sequence[str]) -> Process:
        if self._zygote is None:
            self._zygote = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "rumpgateway.zygote", str(self._keeper),
                *dict.fromkeys((*self._factions, name)),
                env=self._environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
        zygote = self._zygote
        assert zygote.stdin is not None
        assert zygote.stdout is not None
        zygote.stdin.write(json.dumps([name, *arguments]).encode() + b"\n")
        await zygote.stdin.drain()
        return Process(int(await zygote.stdout.readline()))

    async def _bury(self) -> None:
        zygote, self._zygote = self._zygote, None
        if zygote is None:
            return
        if zygote.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                zygote.kill()
        await zygote.wait()


# -- in the zygote


def main(keeper: int, factions: Sequence[str]) -> None:
    gateway = os.getppid()
    for module in (*_MODULES, *(f"rump{name}.component" for name in factions)):
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here: whoever is interested has a pidfd
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _settle()
    for line in _lines(lambda: _preload(factions)):
        name, *arguments = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _become(name, arguments)
        print(pid, flush=True)
    if keeper:
        _wait(gateway, keeper)


def _wait(gateway: int, keeper: int) -> None:
    """For the end of the keeper, whose child the host makes of a process whose parent has ended."""
    while os.getppid() == gateway:
        time.sleep(0.01)
    end_with_parent(keeper)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-1, 0)  # SIGCHLD is ignored, so this returns when there is no child any more


def _settle() -> None:
    """What is there stays, and the pages with it are shared by all that are forked."""
    gc.collect()
    gc.freeze()


def _lines(when_idle: Callable[[], None]) -> Iterator[bytes]:
    """The lines of the input; once, when none has come for a while, there is time for something else."""
    data, idle = b"", False
    while True:
        line, found, rest = data.partition(b"\n")
        if found:
            data = rest
            yield line
            continue
        if not idle and not select.select([0], [], [], IDLE_S)[0]:
            idle = True
            when_idle()
        more = os.read(0, 1 << 16)
        if not more:
            return
        data += more


def _preload(factions: Sequence[str]) -> None:
    """Modules of the product, which a successor is likely to need again at once."""
    for faction in factions:
        for point in importlib.metadata.entry_points(group=GROUP + faction):
            if point.value.startswith(f"rump{faction}."):
                with contextlib.suppress(ImportError):
                    importlib.import_module(point.module)
    _settle()


def _become(name: str, arguments: Sequence[str]) -> None:
    """A component's process, in which nothing is left of the zygote."""
    from rumpuser.chassis import main as serve

    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1):
        os.dup2(null, fd)
    for number in (signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    random.seed()
    with contextlib.suppress(OSError), open("/proc/self/comm", "w") as comm:
        comm.write(f"rump{name}")
    status = 1
    try:
        serve(_component(name), arguments)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  nothing above this may go on in a second process
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _component(name: str) -> type[Component]:
    module = importlib.import_module(f"rump{name}.component")
    found: type[Component] = getattr(module, f"{name.capitalize()}Component")
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
