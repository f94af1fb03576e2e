"""Processes of components, forked from one that has imported all that they need.

Python takes half a second to import a component; a fork of a process that has done so takes milliseconds. The zygote
has one thread, talks to nobody but the `Spawner` of a gateway, and knows no state of the kernel: whoever is forked from
it is as new as a process of its own would be. ``python -m rumpgateway.zygote KEEPER LISTENER FACTION...`` listens at a
descriptor. A gateway that connects says what it is, and gets its pid when no gateway is served any more that came
before; then for each JSON list (name, arguments), a line each, the pid of a process. Where there is a keeper (its pid,
else 0) it outlives the gateway that has started it, and serves the next one. It ends with the keeper, and when a
gateway has said ``null`` and its children have ended.
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
import socket
import sys
import time
import traceback
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rumpuser.component import Component
from rumpuser.module import GROUP
from rumpuser.prctl import end_with_parent
from rumpwire.errno import Errno, KernelError

_MODULES = ("rumpuser.systemhost", "rumpuser.transport.grpc_server", "rumpuser.transport.frames", "rumpuser.records",
            "rumpuser.replacement",
            "grpc_health.v1.health", "grpc_reflection.v1alpha.reflection")  # fmt: skip


IDLE_S = 1.0
LOOK_S = 1.0
"""Between looks whether a child is left, where nobody is forked any more."""
HEARD_S = 10.0
"""How long a zygote that is there may take to answer another gateway."""
_STRANGERS = 64
"""Connections that have not said what they are, at most; the oldest has to go."""
_LONGEST = 1 << 20
"""What a gateway may have said that has not been done yet."""
_HELLO = b"rump gateway\n"
_LAST = b"null"
"""What a gateway says that has started another zygote."""


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


@dataclass(slots=True)
class Zygote:
    """One, as the gateway has it."""

    process: Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Spawner:
    """Starts processes of components. ``keeper``: with whose process they end, if not with this one.

    ``path``: where a zygote listens. ``inherits``: an earlier gateway of the same keeper may have started it.
    """

    def __init__(
        self,
        factions: Sequence[str],
        environment: Mapping[str, str],
        path: str,
        keeper: int = 0,
        *,
        inherits: bool = False,
    ) -> None:
        self._factions = tuple(factions)
        self._keeper = keeper
        self._environment = dict(environment)
        self._path = path
        self._inherits = inherits
        self._zygote: Zygote | None = None
        self._turn = asyncio.Lock()
        self._started: list[asyncio.subprocess.Process] = []
        self._before: list[Process] = []
        """Zygotes with older code, whose children go on."""
        self._renewed: set[str] = set()
        """The components that were begun anew from this zygote: it is older than what comes next."""

    async def spawn(self, name: str, arguments: Sequence[str], *, fresh: bool = False) -> Process:
        """EIO when that is not possible twice in a row. ``fresh``: with the code that is on disk now."""
        async with self._turn:
            if fresh:
                await self._renew(name)
            for _ in range(2):
                try:
                    return await self._ask(name, arguments)
                except (OSError, ValueError):
                    await self._bury()
        raise KernelError(Errno.EIO, f"the process of {name} cannot be started; the log says why")

    async def close(self) -> None:
        async with self._turn:
            if self._zygote is None:
                self._zygote = await self._inherited()
            await self._bury()
            for process in self._before:
                process.kill()
                await process.wait()
            for started in self._started:
                await started.wait()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)

    def leave(self) -> None:
        """Starts nothing any more; what was started goes on."""
        if self._zygote is not None:
            self._zygote.writer.close()

    async def _renew(self, name: str) -> None:
        """One zygote is new enough for each component once, so an upgrade of all starts one alone."""
        if not self._renewed or name in self._renewed:
            older, self._zygote = self._zygote or await self._inherited(), None
            if older is not None:
                older.writer.write(_LAST + b"\n")
                older.writer.close()
                self._before.append(older.process)
            self._renewed.clear()
        self._renewed.add(name)

    async def _ask(self, name: str, arguments: Sequence[str]) -> Process:
        if self._zygote is None:
            self._zygote = await self._inherited() or await self._start(name)
        zygote = self._zygote
        zygote.writer.write(json.dumps([name, *arguments]).encode() + b"\n")
        await zygote.writer.drain()
        return Process(int(await zygote.reader.readline()))

    async def _inherited(self) -> Zygote | None:
        """That of an earlier gateway, if it is there."""
        if not self._inherits:
            return None
        self._inherits = False
        try:
            async with asyncio.timeout(HEARD_S):
                return await self._connect()
        except (OSError, ValueError):
            return None

    async def _start(self, name: str) -> Zygote:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(self._path)
            listener.listen()
            started = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "rumpgateway.zygote", str(self._keeper), str(listener.fileno()),
                *dict.fromkeys((*self._factions, name)),
                env=self._environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                pass_fds=(listener.fileno(),), start_new_session=True,
            )  # fmt: skip
            self._started = [each for each in (*self._started, started) if each.returncode is None]
        return await self._connect()

    async def _connect(self) -> Zygote:
        reader, writer = await asyncio.open_unix_connection(self._path)
        writer.write(_HELLO)
        try:
            return Zygote(Process(int(await reader.readline())), reader, writer)
        except BaseException:
            writer.close()
            raise

    async def _bury(self) -> None:
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.writer.close()
            zygote.process.kill()
            await zygote.process.wait()


# -- in the zygote


def main(keeper: int, listening: int, factions: Sequence[str]) -> None:
    parent = _Parent(keeper)
    for module in (*_MODULES, *(f"rump{name}.component" for name in factions)):
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here: whoever is interested has a pidfd
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _settle()
    gateways = _Gateways(socket.socket(fileno=listening))
    idle = _Once(lambda: _preload(factions))
    while not (gateways.last or (gateways.left and not keeper)):
        found = parent.ready(gateways.sockets(), IDLE_S if idle else None)
        if not found:
            idle()
        for name, arguments in gateways.hear(found):
            pid = os.fork()
            if pid == 0:
                gateways.close()
                _become(name, arguments)
            gateways.answer(pid)
    gateways.close()
    if keeper:
        parent.wait_for_children()


class _Gateways:
    """Who is connected: the gateway that is served, those after it, and who has not said what it is.

    ``last``: nobody is to come after the one that is served; ``left``: one that was served has gone.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.last = self.left = False
        self._listener = listener
        self._served: socket.socket | None = None
        self._heirs: list[socket.socket] = []
        self._strangers: dict[socket.socket, bytes] = {}
        self._data = b""

    def sockets(self) -> list[socket.socket]:
        served = [] if self._served is None else [self._served]
        return [self._listener, *served, *self._strangers]

    def hear(self, found: Container[Any]) -> Iterator[tuple[str, list[str]]]:
        """What the gateway that is served asks for, out of what has come."""
        for stranger in [each for each in self._strangers if each in found]:
            self._introduced(stranger)
        if self._listener in found:
            self._strangers[self._listener.accept()[0]] = b""
            if len(self._strangers) > _STRANGERS:
                self._drop(next(iter(self._strangers)))
        if self._served is not None and self._served in found:
            self._read(self._served)
        if self._served is None and self._heirs:
            self._serve(self._heirs.pop())  # who came last knows of all before
        while self._served is not None and b"\n" in self._data:
            line, _, self._data = self._data.partition(b"\n")
            if line == _LAST:
                self.last = True
                return
            try:
                name, *arguments = map(str, json.loads(line))
            except (ValueError, TypeError, RecursionError):
                self._end()
            else:
                yield name, arguments

    def answer(self, pid: int) -> None:
        assert self._served is not None
        try:
            self._served.sendall(b"%d\n" % pid)
        except OSError:
            self._end()

    def close(self) -> None:
        for each in (*self.sockets(), *self._heirs):
            each.close()

    def _introduced(self, stranger: socket.socket) -> None:
        more = _received(stranger)
        said = self._strangers[stranger] + more
        self._strangers[stranger] = said
        if said == _HELLO:
            del self._strangers[stranger]
            self._heirs.append(stranger)
        elif not more or not _HELLO.startswith(said):
            self._drop(stranger)

    def _drop(self, stranger: socket.socket) -> None:
        del self._strangers[stranger]
        stranger.close()

    def _serve(self, gateway: socket.socket) -> None:
        self._served = gateway
        self.answer(os.getpid())

    def _read(self, gateway: socket.socket) -> None:
        more = _received(gateway)
        self._data += more
        if not more or len(self._data) > _LONGEST:
            self._end()

    def _end(self) -> None:
        if self._served is not None:
            self._served.close()
        self._served, self._data, self.left = None, b"", True


def _received(connection: socket.socket) -> bytes:
    """What has come; nothing where it has ended."""
    try:
        return connection.recv(1 << 16)
    except OSError:
        return b""


class _Parent:
    """The gateway that has started this process. When it ends the host makes this one the keeper's child."""

    def __init__(self, keeper: int) -> None:
        self._keeper = keeper
        self._pid = os.getppid()
        self._ended: int | None = None
        if keeper and self._pid != keeper:
            with contextlib.suppress(ProcessLookupError):
                self._ended = os.pidfd_open(self._pid)
        if keeper and self._ended is None:
            self._inherit()

    def ready(self, sockets: Sequence[socket.socket], seconds: float | None = None) -> list[Any]:
        """Waits until something can be read: what that is, nothing when it was not in time."""
        while True:
            watched: list[Any] = [*sockets, *([] if self._ended is None else [self._ended])]
            found = select.select(watched, [], [], seconds)[0]
            if self._ended is None or self._ended not in found:
                return found
            self._inherit()

    def _inherit(self) -> None:
        """From now on this process ends with the keeper."""
        while os.getppid() == self._pid != self._keeper:
            time.sleep(0.01)
        end_with_parent(self._keeper)
        if self._ended is not None:
            os.close(self._ended)
            self._ended = None

    def wait_for_children(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:  # SIGCHLD is ignored, so nothing tells of the end of the last one
                os.waitpid(-1, os.WNOHANG)
                self.ready([], LOOK_S)


class _Once:
    """Something that is done when there is time for it, once."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work: Callable[[], None] | None = work

    def __bool__(self) -> bool:
        return self._work is not None

    def __call__(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work()


def _settle() -> None:
    """What is there stays, and the pages with it are shared by all that are forked."""
    gc.collect()
    gc.freeze()


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
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
