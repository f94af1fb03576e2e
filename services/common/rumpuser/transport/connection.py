"""A connection of frames under asyncio: on a unix socket, or on a ring beside it (`rumpuser.transport.ring`).

The server makes the memory of a ring and sends it over the socket, to clients that ask. From then on frames go through
the memory; the socket carries bells, one byte each, and tells by its end that the other side is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from rumpuser.transport.framing import APART, Cutter, framed, header
from rumpuser.transport.grpc_server import OUTBOX
from rumpuser.transport.linger import Linger
from rumpuser.transport.looking import Looker, looker
from rumpuser.transport.offer import HELLO_S, NO_OFFER, LostOfferError, read_offer, send_offer, wanted
from rumpuser.transport.ring import Ring, create
from rumpwire.errno import KernelError

log = logging.getLogger(__name__)

MOST_RINGS = 256
"""Of one process as a server; more clients use the socket."""
_ROUNDS = 4
"""How often a ring that is to sleep is looked at before the others have their turn."""
_ALL = 4096
"""So many bells are read at a time; more than a socket holds."""


class Frames(asyncio.Protocol):
    """One connection, cut into frames."""

    def __init__(self, limit: int) -> None:
        self.transport: asyncio.Transport | None = None
        self.cutter = Cutter(limit)
        self.linger = Linger()
        self._ring: Ring | None = None
        self._looker: Looker
        self._awake = False
        self._bell_fd = -1
        self._deaf = False
        self._closing = False
        self._outbox: deque[memoryview] = deque()
        self._backlog = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=OUTBOX)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self._ring is None:
            self._take(data)
        else:
            self._looker.gather(time.monotonic_ns())
            self._heard()

    def eof_received(self) -> None:
        """What the peer wrote before it ended counts."""
        self._drain()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:  # its end is an error where it had not read all bells
            self._drain()
        self.transport = None
        if self._awake:
            self._awake = False
            self._looker.drop(self)
        if self._bell_fd >= 0:
            self._looker.ignore(self._bell_fd)
            os.close(self._bell_fd)
            self._bell_fd = -1
        self._outbox.clear()

    @property
    def open(self) -> bool:
        """Whether anything is still read and sent."""
        return self.transport is not None and not self.transport.is_closing() and not self._closing

    def frame(self, data: bytes) -> None:
        """A frame has come. Whatever KernelError this raises ends the connection."""
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        if self._ring is not None:
            if self.transport is not None and not self._closing:
                self._send_ring(self._ring, data)
            return
        if not self.open:
            return
        assert self.transport is not None
        if len(data) < APART:
            self.transport.write(framed(data))
        else:
            self.transport.write(header(data))
            self.transport.write(data)

    def refuse(self, why: KernelError) -> None:
        log.warning("connection ended: %s", why.text)
        if self.transport is not None:
            self.transport.abort()

    def hold(self) -> None:
        """Reads nothing until `go_on`."""
        if self._ring is not None:
            self._deaf = True
        elif self.transport is not None:
            self.transport.pause_reading()

    def go_on(self) -> None:
        if self._ring is not None:
            self._deaf = False
            self._begin_looking()
        elif self.transport is not None:
            self.transport.resume_reading()

    def close(self) -> None:
        """Ends the connection when all is sent; reads nothing more."""
        if self.transport is None:
            return
        self._closing = self._ring is not None
        if self._outbox:
            asyncio.get_running_loop().call_later(HELLO_S, self.transport.abort)
        else:
            self.transport.close()

    def _take(self, data: bytes) -> None:
        cutter = self.cutter
        try:
            cutter.feed(data)
            while self.open and (frame := cutter.frame()) is not None:
                self.frame(frame)
        except KernelError as error:
            self.refuse(error)

    # -- with a ring

    def begin(self, ring: Ring) -> None:
        """Frames go through memory from now on."""
        self._ring = ring
        self._looker = looker()
        if self.transport is None:
            return
        self._bell_fd = os.dup(self.transport.get_extra_info("socket").fileno())
        if self._looker.listen(self._bell_fd, self):
            self.transport.pause_reading()
        self._begin_looking()

    def look(self) -> bool:
        """See `rumpuser.transport.looking.Looked`."""
        ring = self._ring
        assert ring is not None
        incoming = ring.incoming
        try:
            found = bool(self._outbox) and self._flush(ring)
            data = b"" if self._deaf else incoming.read()
        except KernelError as error:
            self._garbled(error)
            return True
        if not data:
            return found
        if not self._looker.crowded:
            self.linger.came(time.monotonic_ns())
        try:
            frame = self.cutter.alone(data)
            if frame is None or self._closing:
                self._take(data)
            else:
                self.frame(frame)
        except KernelError as error:
            self.refuse(error)
        except Exception:
            log.exception("internal error in what took a frame")
            self._abort()
        if incoming.rings:
            self._bell(ring)
        return True

    def arm(self) -> bool:
        ring = self._ring
        assert ring is not None
        try:
            if self._outbox and not ring.outgoing.starve():
                return False
        except KernelError as error:
            self._garbled(error)
        if not self._deaf and not ring.incoming.arm():
            return False
        if ring.incoming.rings:
            self._bell(ring)
        self._awake = False
        return True

    def rung(self, ended: int) -> None:
        """See `rumpuser.transport.looking.Heard`."""
        if ended:
            self._hear_the_end()
            return
        try:  # noqa: SIM105  once for each call
            os.read(self._bell_fd, _ALL)
        except OSError:  # it was heard in vain
            pass
        self._heard()

    def _heard(self) -> None:
        """The bell was rung, and read."""
        if not self._looker.crowded:
            self._wake()
            self.look()
            return
        self.look()
        for _ in range(_ROUNDS):
            if self._awake or self.transport is None or self.arm():
                return
            self.look()
        self._begin_looking()

    def _hear_the_end(self) -> None:
        self._looker.ignore(self._bell_fd)
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def _wake(self) -> None:
        """Looks for a while: something has come, or may come soon. Where others want the processor the bell will do."""
        if not self._looker.crowded:
            self.linger.sent(time.monotonic_ns())
            self._begin_looking()

    def _begin_looking(self) -> None:
        """Until it is armed: for what comes, and for room where something waits to be sent."""
        if not self._awake and self._ring is not None and self.transport is not None:
            self._awake = True
            self._ring.incoming.disarm()
            self._looker.wake(self)

    def _send_ring(self, ring: Ring, data: bytes) -> None:
        outgoing = ring.outgoing
        for part in (framed(data),) if len(data) < APART else (header(data), data):
            try:
                done = 0 if self._outbox else outgoing.write(part)
            except KernelError as error:
                self._garbled(error)
                return
            if done < len(part):
                self._keep(memoryview(part)[done:])
        if outgoing.rings():
            self._bell(ring)
        if not self._looker.crowded:
            self._wake()
        if self._outbox:
            self._begin_looking()

    def _keep(self, rest: memoryview) -> None:
        """What there is no room for."""
        self._outbox.append(rest)
        before, self._backlog = self._backlog, self._backlog + len(rest)
        if before <= OUTBOX < self._backlog:
            self.pause_writing()

    def _flush(self, ring: Ring) -> bool:
        """Sends what there is room for now; whether there was any."""
        outbox, before = self._outbox, self._backlog
        while outbox:
            rest = outbox.popleft()
            done = ring.outgoing.write(rest)
            self._backlog -= done
            if done < len(rest):
                outbox.appendleft(rest[done:])
                break
        if before == self._backlog:
            return False
        if ring.outgoing.rings():
            self._bell(ring)
        self.linger.sent(time.monotonic_ns())
        if self._backlog <= OUTBOX < before:
            self.resume_writing()
        if self._closing and not outbox and self.transport is not None:
            self.transport.close()
        return True

    def _bell(self, ring: Ring) -> None:
        """Wakes the peer. One who has not heard the bell before is not rung for again."""
        ring.incoming.rings = False
        try:  # noqa: SIM105  as above
            os.write(self._bell_fd, b"\0")
        except OSError:  # whose buffer is full has been rung for
            pass

    def _drain(self) -> None:
        """Takes what the peer had written before it ended."""
        if self._ring is None or self._deaf or self._closing:
            return
        try:
            self.cutter.feed(self._ring.incoming.read())
            while (frame := self.cutter.frame()) is not None:
                self.frame(frame)
        except KernelError as error:
            log.warning("connection ended: %s", error.text)

    def _garbled(self, why: KernelError) -> None:
        """The memory makes no sense: nothing more can be said through it."""
        log.warning("connection ended: %s", why.text)
        self._abort()

    def _abort(self) -> None:
        self._closing = True
        self._outbox.clear()
        if self.transport is not None:
            self.transport.abort()


class Offers:
    """The rings that a server has given away."""

    def __init__(self) -> None:
        self.count = 0

    def give(self, transport: asyncio.Transport) -> Ring | None:
        """Answers a client that asks for a ring: sends it, or says that there is none."""
        made: tuple[int, Ring] | None = None
        try:
            if wanted() == "ring" and self.count < MOST_RINGS and not transport.get_write_buffer_size():
                made = create()
        except OSError as error:
            log.warning("no memory for a ring: %s", error)
        if made is None:
            transport.write(NO_OFFER)
            return None
        fd, ring = made
        try:
            send_offer(transport.get_extra_info("socket").fileno(), fd)
        except OSError as error:
            log.debug("a ring that nobody takes: %s", error)
        finally:
            os.close(fd)
        self.count += 1
        return ring


F = TypeVar("F", bound=Frames)


async def dial(path: str, hello: Callable[[bool], bytes], make: Callable[[], F], *, ring: bool = True) -> F:
    """Connects to a socket. ``hello`` gives the first frame: with the wish for a ring or without.

    Raises OSError where nobody listens. A connection that is lost after that says so by its `connection_lost`.
    """
    loop = asyncio.get_running_loop()
    ring = ring and wanted() == "ring"
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        await loop.sock_connect(link, path)
        found, early = await _greet(loop, link, hello(ring), ring=ring)
        _, made = await loop.create_unix_connection(make, sock=link)
    except LostOfferError:
        link.close()
        return await dial(path, hello, make, ring=False)
    except BaseException:
        link.close()
        raise
    if found is not None:
        made.begin(found)
    elif early:
        made.data_received(early)
    return made


async def _greet(
    loop: asyncio.AbstractEventLoop, link: socket.socket, data: bytes, *, ring: bool
) -> tuple[Ring | None, bytes]:
    try:
        async with asyncio.timeout(HELLO_S):
            await loop.sock_sendall(link, framed(data))
            if ring:
                await _readable(loop, link)
                return read_offer(link)
    except (OSError, KernelError) as error:
        log.warning("connection to be ended: %s", error)
        with contextlib.suppress(OSError):
            link.shutdown(socket.SHUT_RDWR)
    return None, b""


async def _readable(loop: asyncio.AbstractEventLoop, link: socket.socket) -> None:
    there = asyncio.Event()
    loop.add_reader(link, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(link)
