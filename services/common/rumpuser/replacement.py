"""How one process of a component takes the place of another while it serves: what both of them do.

The gateway starts the successor, which listens at a path, and asks the predecessor to hand over (``hand_over``). That
one sends calls on, ends those that wait, and when none is left its host rests: nothing in it changes any more. All that
it is goes through the path (`rumpuser.handover`), and descriptors of the host with it. The successor makes that its
own, its host resting too, says so, and joins the kernel. When the gateway lets it in, which ends the predecessor, it
begins. Until then the predecessor waits: when the successor goes, it goes on as if nothing had been.

The bytes: a length (u64) and a number of descriptors (u32), the descriptors, `BATCH` with a byte each time, the data;
back comes a length (u32) and the text of what failed, nothing when all is well.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

from rumpuser import handover
from rumpuser.aio import pending_of
from rumpuser.component import Component, Context, Entry
from rumpuser.module import Found
from rumpuser.records import RecordFile
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpuser.systemhost import SystemHost

log = logging.getLogger(__name__)

HEAD = struct.Struct("<QI")
ANSWER = struct.Struct("<I")
BATCH = 100
"""Descriptors in a message; the host takes 253 at most (SCM_MAX_FD)."""
QUIET_S = 5.0
"""How long calls that cannot be broken off may take to end."""
ANSWER_S = 15.0
"""How long a successor may take to read what it is."""
OWN = ("hand_over", "ping", "run_seen")
"""Calls of the process, not of the component."""


def anchors(host: SystemHost, bus: Any) -> dict[str, object]:
    """What each of the two processes has of its own, by name."""
    return {
        "host": host,
        "files": host.files,
        "ports": host.ports,
        "sockets": host.sockets,
        "records": host.records,
        "bus": bus,
    }


class Predecessor:
    """The process that is replaced: answers ``hand_over``."""

    def __init__(self, component: Component, host: SystemHost, bus: Any, service: Any, records: RecordFile) -> None:
        self._component = component
        self._host = host
        self._bus = bus
        self._service = service
        self._records = records
        self._link: socket.socket | None = None
        component.table["hand_over"] = Entry(self._hand_over)

    async def _hand_over(self, ctx: Context, path: str) -> None:
        await pending_of(self._work(path))

    async def _work(self, path: str) -> None:
        if self._service.moving:
            raise KernelError(Errno.EBUSY, "it is being replaced already")
        self._service.move()
        try:
            await self._quiet()
            self._host.rest()
            await self._give(path)
        except BaseException:
            self._go_on()
            raise

    async def _quiet(self) -> None:
        """Waits until nothing is under way."""
        until = time.monotonic() + QUIET_S
        while self._service.waiting() or self._host.busy:
            if time.monotonic() > until:
                calls = ", ".join(self._service.waiting()) or "work in the background"
                raise KernelError(Errno.EBUSY, f"this did not end within {QUIET_S:.0f} s: {calls}")
            await asyncio.sleep(0.001)

    async def _give(self, path: str) -> None:
        data, descriptors = self._state()
        self._records.lend()
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._link = link
        try:
            why = await asyncio.to_thread(send, link, path, data, descriptors)
        except OSError as error:
            raise KernelError(Errno.EIO, f"the successor did not take over: {error.strerror or error}") from None
        if why:
            raise KernelError(Errno.EIO, f"the successor cannot take over: {why}")
        link.setblocking(False)
        asyncio.get_running_loop().add_reader(link, self._left_alone)

    def _state(self) -> tuple[bytes, list[int]]:
        """EOPNOTSUPP, with what it is that cannot go over."""
        table, descriptors = self._component.table, list[int]()
        found = self._component.loader.found
        uploaded = {name: each for name, each in found.items() if each.folder is not None}
        known = anchors(self._host, self._bus) | {f"module {name}": each for name, each in uploaded.items()}
        own = {name: table.pop(name) for name in OWN if name in table}
        try:
            value = (self._component, self._host.handed())
            packages = _packages(self._component)
            data = handover.dump(value, known, descriptors, packages["names"])
        finally:
            table.update(own)
        head = handover.dump((packages, {n: (each.wheel, each.active) for n, each in uploaded.items()}), {})
        return len(head).to_bytes(8, "little") + head + data, descriptors

    def _left_alone(self) -> None:
        """The successor is gone, and this process was not ended: it is still the one that serves."""
        assert self._link is not None
        asyncio.get_running_loop().remove_reader(self._link)
        with contextlib.suppress(OSError):
            if self._link.recv(1):
                os._exit(0)
        log.warning("%s goes on: its successor ended before it had taken over", self._component.name)
        self._go_on()

    def _go_on(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        try:
            if self._records.lent:
                self._records.reclaim()
        except KernelError as error:
            log.error("what comes now would be lost with this process: %s", error)
        self._host.wake()
        self._service.stay()


class Heir:
    """The process that takes the place of another one."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._link: socket.socket | None = None
        self._data = b""
        self._descriptors: list[int] = []

    async def receive(self) -> None:
        """Waits for what this process is to be. EIO."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            before = os.umask(0o177)
            try:
                listener.bind(f"{self._path}.new")
            finally:
                os.umask(before)
            listener.listen(1)
            os.rename(f"{self._path}.new", self._path)  # who finds it can connect
            listener.settimeout(ANSWER_S)
            try:
                self._link = (await asyncio.to_thread(listener.accept))[0]
                self._data, self._descriptors = await asyncio.to_thread(_receive, self._link)
            except (OSError, ValueError) as error:
                raise KernelError(Errno.EIO, f"nobody handed over: {error}") from None

    async def take(self, host: SystemHost, bus: Any) -> Component:
        """The component, as it was; its host rests. The predecessor is told when that fails."""
        try:
            component = self._load(host, bus)
        except Exception as error:
            self._answer(str(error))
            raise
        self._answer("")
        return component

    def succeed(self) -> None:
        """The kernel has let it in: it begins."""
        assert self._link is not None
        with contextlib.suppress(OSError):
            self._link.send(b"1")
        self._link.close()
        self._host.wake()

    def _load(self, host: SystemHost, bus: Any) -> Component:
        self._host = host
        data = memoryview(self._data)
        length = int.from_bytes(data[:8], "little")
        packages, uploaded = handover.load(data[8 : 8 + length], {})
        known = anchors(host, bus)
        for name, (wheel, active) in uploaded.items():
            found = Found.in_wheel(packages["faction"], wheel)
            found.active = active
            known[f"module {name}"] = found
        component, _ = handover.load(data[8 + length :], known, self._descriptors, packages["names"])
        self._data = b""
        return component  # type: ignore[no-any-return]

    def _answer(self, text: str) -> None:
        assert self._link is not None
        data = text.encode()
        self._link.sendall(ANSWER.pack(len(data)) + data)


def _packages(component: Component) -> dict[str, Any]:
    """Where the code of a component's modules is; it has classes of its own."""
    names = {type(each.module).__module__.partition(".")[0] for each in component.loader.found.values()}
    return {"faction": component.name, "names": tuple(sorted(names))}


def send(link: socket.socket, path: str, data: bytes, descriptors: list[int]) -> str:
    """Why the successor cannot take that over, nothing when it can."""
    link.settimeout(ANSWER_S)
    link.connect(path)
    link.sendall(HEAD.pack(len(data), len(descriptors)))
    for at in range(0, len(descriptors), BATCH):
        socket.send_fds(link, [b"\0"], descriptors[at : at + BATCH])
    link.sendall(data)
    (length,) = ANSWER.unpack(_exactly(link, ANSWER.size))
    return bytes(_exactly(link, length)).decode()


def _receive(link: socket.socket) -> tuple[bytes, list[int]]:
    link.settimeout(ANSWER_S)
    length, count = HEAD.unpack(_exactly(link, HEAD.size))
    descriptors: list[int] = []
    while len(descriptors) < count:
        mark, found, _, _ = socket.recv_fds(link, 1, BATCH)
        if not mark or not found:
            raise ConnectionResetError(0, "descriptors are missing")
        descriptors += found
    for fd in descriptors:
        os.set_inheritable(fd, False)
    return bytes(_exactly(link, length)), descriptors


def _exactly(link: socket.socket, length: int) -> bytearray:
    data = bytearray(length)
    view, have = memoryview(data), 0
    while have < length:
        count = link.recv_into(view[have:])
        if not count:
            raise ConnectionResetError(0, "the other process ended")
        have += count
    return data
