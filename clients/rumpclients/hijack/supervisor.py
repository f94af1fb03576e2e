"""Answers the traps of a program, and of all it starts, until none of them is left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import tempfile
from collections.abc import Awaitable, Callable
from typing import Any

import rump
import rump.aio
from rumpclients._command import CommandError, reason
from rumpclients._ends import kernel_lost
from rumpclients.hijack import files, names
from rumpclients.hijack.calls import Calls
from rumpclients.hijack.endpoint import Network, complain
from rumpclients.hijack.files import Mount
from rumpclients.hijack.interfaces import Interfaces
from rumpclients.hijack.messages import Messages
from rumpclients.hijack.numbers import machine
from rumpclients.hijack.opens import Opens
from rumpclients.hijack.options import Options
from rumpclients.hijack.paths import usable
from rumpclients.hijack.seccomp import Listener, libc
from rumpclients.hijack.task import duplicate_file
from rumpclients.hijack.trap import ANSWERED, NATIVE, Call, Died, Interrupted

_SUBREAPER = 36
_TRAPS = 16
"""How many are taken before the loop sees to sockets again."""
Tell = Callable[..., None]


class Supervisor:
    """``tell`` reports to whoever waits for the program: ``pid``, ``status``, ``error``."""

    def __init__(self, pid: int, control: socket.socket, tell: Tell) -> None:
        self._pid = pid
        self._control = control
        self._tell = tell
        self._started = False
        self._ended = asyncio.Event()
        self._reaped = asyncio.Event()
        self._handlers: dict[int, Callable[[Call], Awaitable[Any]]] = {}

    async def run(self, options: Options, url: str | None, comm: str, retry: Any) -> None:
        """Raises what keeps the program from being started."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        async with rump.aio.connect(url, comm=comm, retry=retry) as k:
            await _more_descriptors(k)
            paths = await _paths(k, options)
            self._net = Network(k)
            self._listener = await self._start([path for path, _ in paths], await names.files(k))
            self._mounts = [Mount(fd, paths[n][1], url) for n, fd in enumerate(self._fds)]
            for mount in self._mounts:
                loop.add_reader(mount.fd, self._looked_at, mount)
            loop.add_reader(self._listener.fd, self._ready)
            self._tell(pid=self._pid)
            self._started = True
            self._control.send(b"!")
            loop.add_reader(self._control, self._heard)
            await self._until_over()

    async def _start(self, paths: list[str], copied: dict[bytes, bytes]) -> Listener:
        """Has the process filter itself: where its traps arrive."""
        with tempfile.TemporaryDirectory(prefix="rumphijack-") as folder:
            copies = {os.fsdecode(path): _copy(folder, path, data) for path, data in copied.items()}
            root = os.path.join(folder, "root")
            os.mkdir(root)
            os.chmod(folder, 0o711)  # noqa: S103  programs of other users read the copies
            wishes = {"files": copies, "paths": paths, "folder": root}
            self._control.send(json.dumps(wishes).encode())
            answer = await asyncio.to_thread(self._answer)
        fd, *self._fds = (self._descriptor(number) for number in (answer["listener"], *answer["mounts"]))
        calls, messages, interfaces = Calls(self._net), Messages(self._net), Interfaces(self._net)
        opens = Opens(copied)
        numbers = machine()[1]
        for name, number in numbers.items():
            handler = getattr(calls, name, None) or getattr(messages, name, None) or getattr(interfaces, name, None)
            if handler is not None:
                self._handlers[number] = handler
        self._handlers |= {numbers[name]: opens.open for name in ("open", "openat") if name in numbers}
        return Listener(fd)

    def _descriptor(self, number: int) -> int:
        fd = duplicate_file(self._pid, number)
        if fd is None:
            raise CommandError("the process that is to be hijacked cannot be looked into (ptrace is not allowed)")
        return fd

    def _looked_at(self, mount: Mount) -> None:
        fd = mount.fd
        try:
            if mount.ready():
                self._net.loop.remove_reader(fd)
        except OSError as error:
            self._net.loop.remove_reader(fd)
            complain(f"files of the kernel: {reason(error)}")

    def _answer(self) -> dict[str, Any]:
        said = self._control.recv(1 << 16)
        if not said:
            raise CommandError("the process that was to be hijacked has ended")
        answer: dict[str, Any] = json.loads(said)
        if "error" in answer:
            raise CommandError(answer["error"])
        return answer

    def _heard(self) -> None:
        """The socket ends when the process has become the program; before that it tells why it has not."""
        if self._control.fileno() < 0:
            return
        self._net.loop.remove_reader(self._control)
        said = self._control.recv(1 << 16)
        if said:
            self._tell(error=json.loads(said)["error"])
        self._control.close()

    # -- traps

    def _ready(self) -> None:
        if self._listener.over():
            self._net.loop.remove_reader(self._listener.fd)
            self._ended.set()
            return
        for _ in range(_TRAPS):
            trap = self._listener.receive()
            if trap is None:
                break
            self._net.spawn(self._serve(Call(self._listener, trap)))

    async def _serve(self, call: Call) -> None:
        try:
            result = await self._handlers[call.trap.number](call)
        except Died:
            return
        except (OSError, Interrupted) as error:
            if kernel_lost(error):
                raise
            self._listener.answer(call.trap, 0, error.errno or 5)
        except Exception as error:  # noqa: BLE001  one call fails, the others are served
            complain(f"call {call.trap.number}: {error!r}")
            self._listener.answer(call.trap, 0, 5)
        else:
            if result is NATIVE:
                self._listener.go_on(call.trap)
            elif result is not ANSWERED:
                self._listener.answer(call.trap, result)

    # -- ending

    def _reap(self) -> None:
        """The program, and those that are orphans, which come to us."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self._pid and self._started:  # before, there is an error to be told
                    self._heard()
                    self._tell(status=os.waitstatus_to_exitcode(status))
                    quiet()
                    self._reaped.set()

    async def _until_over(self) -> None:
        await self._carry()
        await self._reaped.wait()

    async def _carry(self) -> None:
        ended = asyncio.ensure_future(self._ended.wait())
        await asyncio.wait((ended, self._net.lost), return_when=asyncio.FIRST_COMPLETED)
        if not self._net.lost.done():
            await self._net.idle()
            return
        error = self._net.lost.result()
        complain(reason(error) if isinstance(error, OSError) else repr(error))
        self._net.loop.remove_reader(self._listener.fd)
        self._net.drop()
        os.close(self._listener.fd)  # from now on trapped calls fail with ENOSYS


async def _paths(k: rump.aio.Client, options: Options) -> list[tuple[str, str]]:
    """The paths that are to be seen; of those by default the ones that can be. CommandError."""
    if options.asked:
        await files.check(k, options.paths)
        return list(options.paths)
    try:
        await files.check(k, options.paths)
    except CommandError:
        return []
    return [pair for pair in options.paths if usable(pair[0])]


async def _more_descriptors(k: rump.aio.Client) -> None:
    """As many as may be, here and in the kernel."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.suppress(OSError):
        limit = await k.sys.getrlimit(rump.RLIMIT_NOFILE)
        await k.sys.setrlimit(rump.RLIMIT_NOFILE, (limit.rlim_max, limit.rlim_max))


def _copy(folder: str, path: bytes, data: bytes) -> str:
    name = os.path.join(folder, os.path.basename(os.fsdecode(path)))
    with open(name, "wb") as file:
        file.write(data)
    os.chmod(name, 0o644)
    return name


def become() -> None:
    """This process is to be the parent of orphans, and no concern of the terminal's signals."""
    libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)


def quiet() -> None:
    """Lets go of the program's files: whoever reads the other end sees an end."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
