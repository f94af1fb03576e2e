"""How another process takes the place of a gateway while it serves: what both of them do.

As with a component (`rumpuser.replacement`): calls that wait are ended, to go on later; when nothing is under way all
that the gateway is goes over as objects, with the sockets at which it listens, and a pair of sockets for each stream.
The keeper starts the successor, and is told when that one has taken over; then the predecessor only passes on what
comes by the connections that are there (`rumpgateway.relay`), and ends with the last of them. Until then nothing is
lost: when the successor cannot take over, the gateway goes on as if nothing had been.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rumpgateway.keeper import HEIR, TAKEN
from rumpgateway.relay import MovedError, Relay
from rumpgateway.streams import Stream
from rumpgateway.waiting import Call, Moved
from rumpuser import handover
from rumpuser.descriptor import Descriptor
from rumpuser.replacement import Heir, anchors, send
from rumpuser.transport import channel
from rumpuser.transport.names import Tls
from rumpuser.url import Url
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpgateway.kernel import Kernel

log = logging.getLogger("rump.replacement")

START_S = 60.0
"""How long a successor may take to start; nobody waits meanwhile."""
QUIET_S = 5.0
"""How long calls that cannot be broken off may take to end."""
UNDECIDED_S = 1.0
"""How long those who have just connected may take to say who they are."""
AGAIN_S = 1.0
"""After so long the keeper is asked once more; while it has a successor that changes nothing."""
DISMISS_S = 1.0
"""How long a successor that is not needed may take to end."""
LOOK_S = 0.001
LAST_S = 1.0
"""Between looks whether a client is left."""


def _anchors(kernel: Kernel) -> dict[str, object]:
    """What each of the two has of its own."""
    return anchors(kernel.host, kernel.registry) | {"kernel": kernel, "supervisor": kernel.supervisor}


class Predecessor:
    """The gateway that is replaced."""

    def __init__(self, kernel: Kernel, folder: str, keeper: int, max_message: int) -> None:
        self._kernel = kernel
        self._folder = folder
        self._path = f"{folder}/gateway.heir"
        self._keeper = keeper
        self._max_message = max_message
        self._failed = asyncio.Event()
        self._pairs: list[tuple[Stream, socket.socket]] = []
        self._theirs: list[socket.socket] = []
        self.began = 0.0
        self.busy = False
        asyncio.get_running_loop().add_signal_handler(HEIR, self._failed.set)

    @property
    def resting(self) -> bool:
        """Whether calls end to go on later."""
        return self._kernel.sessions.resting

    async def replace(self) -> None:
        """Until there is another gateway. EBUSY, EOPNOTSUPP, EIO, ETIMEDOUT: then this one goes on."""
        unsettled = self._kernel.supervisor.unsettled
        if self.busy or unsettled:
            raise KernelError(Errno.EBUSY, f"{', '.join(unsettled) or 'the gateway'} is being replaced already")
        self.busy = True
        try:
            await self._find()
            self.began = time.monotonic()
            await asyncio.to_thread(self._kernel.monitor.stop_prometheus)
            try:
                kept = self._rest()
                await self._quiet()
                await self._give(kept)
            except KernelError as error:
                await self._go_on(error)
                raise
            except BaseException as error:
                await self._go_on(KernelError(Errno.EIO, f"the gateway was not replaced: {error}"))
                raise
        finally:
            self.busy = False
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)
        try:
            await self._leave()
        except BaseException:
            log.exception("the gateway that was replaced ended")
        finally:
            logging.shutdown()
            os._exit(0)

    async def _find(self) -> None:
        """A successor, which waits for what it is to be."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        self._failed.clear()
        begun = asked = time.monotonic()
        os.kill(self._keeper, HEIR)
        while not Path(self._path).exists():  # noqa: ASYNC240  in a folder of its own
            if self._failed.is_set():
                raise KernelError(Errno.EIO, "the successor ended while it started; its log says why")
            if time.monotonic() > asked + AGAIN_S:  # it may not have heard yet that this is the gateway
                asked = time.monotonic()
                os.kill(self._keeper, HEIR)
            if time.monotonic() > begun + START_S:
                raise KernelError(
                    Errno.ETIMEDOUT, f"there was no successor within {START_S:.0f} s; the gateway goes on"
                )
            await asyncio.sleep(LOOK_S)

    def _rest(self) -> dict[str, Any]:
        kernel = self._kernel
        kernel.carrier.hold()
        if kernel.door is not None:
            kernel.door.rest()
        kernel.bus_service.move()
        kept = kernel.supervisor.rest()
        kernel.gateway.rest()
        kernel.sessions.rest()
        return kept

    async def _quiet(self) -> None:
        """Waits until nothing is under way."""
        begun = time.monotonic()
        while under_way := self._under_way():
            waited = time.monotonic() - begun
            if waited > QUIET_S:
                raise KernelError(Errno.EBUSY, f"this did not end within {QUIET_S:.0f} s: {under_way}")
            if waited > UNDECIDED_S and self._kernel.door is not None:
                self._kernel.door.drop_undecided()
            await asyncio.sleep(LOOK_S)
        self._kernel.sessions.rest()  # those too that were on their way
        self._kernel.host.rest()

    def _under_way(self) -> str:
        kernel = self._kernel
        if kernel.sessions.busy or kernel.carrier.active > kernel.sessions.parked:
            return "calls of clients"
        if asked := kernel.registry.asked:
            return f"calls of {', '.join(asked)}"
        if waiting := kernel.bus_service.waiting():
            return ", ".join(waiting)
        if kernel.door is not None and kernel.door.undecided:
            return "somebody connects"
        return "work in the background" if kernel.host.busy else ""

    async def _give(self, kept: dict[str, Any]) -> None:
        descriptors: list[int] = []
        data = handover.dump(self._state(kept), _anchors(self._kernel), descriptors)
        records = self._kernel.records
        records.lend()
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            why = await asyncio.to_thread(send, link, self._path, data, descriptors)
        except OSError as error:
            raise KernelError(Errno.EIO, f"the successor did not take over: {error.strerror or error}") from None
        finally:
            link.close()
        if why:
            raise KernelError(Errno.EIO, f"the successor cannot take over: {why}")

    def _state(self, kept: dict[str, Any]) -> Any:
        kernel = self._kernel
        streams = []
        for session in kernel.sessions:
            if isinstance(session.stream, Stream):
                ours, theirs = socket.socketpair()
                self._pairs.append((session.stream, ours))
                self._theirs.append(theirs)
                streams.append((session.token, Descriptor(theirs.fileno())))
        listening = kernel.door.listening if kernel.door is not None else {}
        return kernel.gateway, kernel.host.handed(), {
            "sessions": kernel.sessions.handed(),
            "streams": streams,
            "listening": {path: Descriptor(fd) for path, fd in listening.items()},
            "members": [(m.name, m.url, m.pid, m.instance) for m in kernel.registry.members.values()],
            "children": kept,
            "urls": kernel.urls,
            "metrics": kernel.metrics,
            "began": (kernel.started, self.began),
            "rows": kernel.statistics.rows if kernel.statistics is not None else {},
        }  # fmt: skip

    async def _dismiss(self) -> None:
        """Ends a successor that waits to hear what it is to be; the keeper tells when it has ended."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.connect(self._path)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._failed.wait(), DISMISS_S)

    async def _go_on(self, error: KernelError) -> None:
        """There is no successor."""
        kernel = self._kernel
        log.warning("the gateway goes on: %s", error)
        self._drop_pairs()
        await self._dismiss()
        if kernel.records.lent:
            try:
                kernel.records.reclaim()
            except KernelError as lost:
                log.error("what comes now would be lost with this process: %s", lost)
        kernel.host.wake()
        kernel.bus_service.stay()
        kernel.supervisor.go_on()
        kernel.gateway.go_on()
        for moved, before in kernel.sessions.go_on():
            _tell(moved, error)
            call = kernel.service.go_on(moved)
            if call is not None:
                call.answer.when_done(partial(_answer_too, call, before))
        for session in kernel.sessions:
            if isinstance(session.stream, Stream):
                session.stream.passes_on(None)
        if kernel.door is not None:
            await kernel.door.go_on()
        if kernel.metrics is not None:
            try:
                kernel.monitor.serve_prometheus(*kernel.metrics)
            except OSError as taken:
                log.error("no metrics any more: %s", taken)
        kernel.carrier.go_on()

    def _drop_pairs(self) -> None:
        for each in (*(ours for _, ours in self._pairs), *self._theirs):
            each.close()
        self._pairs.clear()
        self._theirs.clear()

    async def _leave(self) -> None:
        """The successor is the gateway; this one passes on what comes by old connections."""
        kernel, loop = self._kernel, asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, os._exit, 0)
        for each in self._theirs:
            each.close()
        for stream, ours in self._pairs:
            ours.setblocking(False)
            _, relay = await loop.connect_accepted_socket(partial(Relay, stream), ours)
            stream.passes_on(relay)
        successor = channel.connect(Url("unix", path=carrying(self._folder)), Tls(), self._max_message)
        for moved, call in kernel.sessions.moved.values():
            call.answer.fail(MovedError(moved.id))  # who asks for it by itself asks there
        for session in kernel.sessions:
            if session.carrier is not None:
                session.carrier.move()
        kernel.carrier.go_on(successor)
        await kernel.leave()
        while kernel.connections:  # noqa: ASYNC110  the last thing that it does
            await asyncio.sleep(LAST_S)


def _tell(moved: Moved, error: KernelError) -> None:
    """Who has asked for this gateway to be replaced is told that it was not."""
    if moved.work.asked_for_it(moved.outcomes):
        moved.outcomes[-1] = error


def _answer_too(call: Call, before: Call) -> None:
    before.answer.resolve(call.answer.result())


def carrying(folder: str) -> str:
    """Where a successor takes the calls that its predecessor passes on."""
    return f"{folder}/calls.sock"


class Successor(Heir):
    """The gateway that takes the place of another one."""

    def load(self, kernel: Kernel) -> tuple[Any, dict[str, Any]]:
        """The gateway as it was, its host resting, and what there is besides."""
        gateway, _, rest = handover.load(self._data, _anchors(kernel), self._descriptors)
        self._data = b""
        return gateway, rest

    def taken(self, keeper: int) -> None:
        """From now on this process is the gateway."""
        os.kill(keeper, TAKEN)
        self._answer("")

    def fail(self, error: BaseException) -> None:
        """The predecessor is to go on."""
        with contextlib.suppress(OSError, AssertionError):
            self._answer(str(error))
