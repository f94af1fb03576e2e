"""The trapped calls that make, name and connect sockets, each as its manual page has it."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Callable
from typing import Any

import rump
from rumpclients.hijack import sockaddr, sockopt
from rumpclients.hijack.backlog import Listening
from rumpclients.hijack.datagram import Datagram
from rumpclients.hijack.endpoint import Endpoint, Network, Shape
from rumpclients.hijack.names import CACHES
from rumpclients.hijack.netlink import Netlink
from rumpclients.hijack.stream import State, Stream
from rumpclients.hijack.trap import ANSWERED, NATIVE, Call, fail, signed

_TYPE = 0xF
_NONBLOCK, _CLOEXEC = socket.SOCK_NONBLOCK, socket.SOCK_CLOEXEC
_NETLINK_ROUTE = 0
_BUFFER = 1 << 17
_INT = struct.Struct("i")
Result = Any
"""A number, NATIVE or ANSWERED."""


class Calls:
    def __init__(self, net: Network) -> None:
        self._net = net
        self._answers: dict[int, Callable[[Any], int]] = {
            socket.SO_ERROR: Endpoint.take_error,
            socket.SO_TYPE: lambda e: e.shape.kind,
            socket.SO_DOMAIN: lambda e: e.shape.family,
            socket.SO_PROTOCOL: lambda e: e.shape.protocol or _protocol(e.shape.kind),
            socket.SO_ACCEPTCONN: lambda e: int(isinstance(e, Stream) and e.state == State.LISTENING),
        }

    async def _found(self, call: Call) -> tuple[Any, int]:
        return self._net.find(call.task, signed(call.args[0]))

    # -- making

    async def socket(self, call: Call) -> Result:
        family, kind, protocol = (signed(a) for a in call.args[:3])
        if family == socket.AF_NETLINK and protocol != _NETLINK_ROUTE:
            return NATIVE
        if family == socket.AF_PACKET:
            raise fail(errno.EAFNOSUPPORT)
        shape = Shape(family, kind & _TYPE, protocol)
        if family == socket.AF_NETLINK:
            asking = Netlink(self._net, shape)
            return _give(call, asking, asking.pair(blocking=not kind & _NONBLOCK), kind)
        made: Endpoint
        if shape.kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
            made = Listening(self._net, await self._net.sys.socket(*shape), shape)
        else:
            made = Datagram(self._net, await self._roomy(shape), shape)
        return _give(call, made, made.pair(blocking=not kind & _NONBLOCK), kind)

    async def _roomy(self, shape: Shape) -> int:
        """A socket for datagrams as large as they may be in Linux without being asked: one message."""
        b = self._net.k.batch(keep_going=True)
        fd = b.socket(*shape)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            b.setsockopt(fd, socket.SOL_SOCKET, option, _BUFFER)
        await b.run()
        return fd.result()

    async def accept(self, call: Call) -> Result:
        return await self._accept(call, 0)

    async def accept4(self, call: Call) -> Result:
        return await self._accept(call, signed(call.args[3]))

    async def _accept(self, call: Call, kind: int) -> Result:
        found, flags = await self._found(call)
        if found is None:
            return NATIVE
        if not isinstance(found, Listening):
            raise fail(errno.EOPNOTSUPP)
        if found.backlog is None or kind & ~(_NONBLOCK | _CLOEXEC):
            raise fail(errno.EINVAL)
        while not found.backlog:
            if flags & os.O_NONBLOCK:
                raise fail(errno.EAGAIN)
            await call.wait(found.backlog.wait())
        if not call.listener.valid(call.trap):
            return ANSWERED
        peer, theirs = taken = found.backlog.take(call.task, signed(call.args[0]))
        try:
            sockaddr.give(call.task, call.args[1], call.args[2], sockaddr.emit(peer.peer))
            theirs.setblocking(not kind & _NONBLOCK)
            return _give(call, peer, theirs, kind)
        except OSError:
            found.backlog.put_back(taken)
            raise

    # -- naming and connecting

    async def bind(self, call: Call) -> Result:
        found, _ = await self._found(call)
        if found is None:
            return NATIVE
        name = sockaddr.parse(sockaddr.take(call.task, *call.args[1:3]))
        await found.bind(name)
        return 0

    async def listen(self, call: Call) -> Result:
        found, _ = await self._found(call)
        if found is None:
            return NATIVE
        if not isinstance(found, Listening):
            raise fail(errno.EOPNOTSUPP)
        await found.listen(signed(call.args[1]) & 0xFFFF)
        return 0

    async def connect(self, call: Call) -> Result:
        found, flags = await self._found(call)
        data = sockaddr.take(call.task, *call.args[1:3])
        if found is None:
            if sockaddr.family_of(data) == socket.AF_UNIX and data[2:].partition(b"\0")[0] in CACHES:
                raise fail(errno.ECONNREFUSED)  # it would answer for the host's network
            return NATIVE
        name = sockaddr.parse(data)
        if isinstance(found, Datagram):
            await found.connect(name)
            return 0
        return await self._connect_stream(call, found, name, blocking=not flags & os.O_NONBLOCK)

    async def _connect_stream(self, call: Call, found: Stream, name: Any, *, blocking: bool) -> Result:
        fd = signed(call.args[0])
        if found.state == State.DEAD:
            theirs = await found.renew(blocking=blocking)
            with theirs:
                call.listener.hand_over(call.trap, theirs.fileno(), close_on_exec=False, number=fd)
        if found.state == State.CONNECTING:
            if not blocking or found.attempt is None:
                raise fail(errno.EALREADY)
        elif found.state != State.NEW:
            raise fail(errno.EISCONN)
        elif name is None:
            return 0
        else:
            found.connect(call.task, fd, name, blocking=blocking)
            if not blocking:
                raise fail(errno.EINPROGRESS)
        assert found.attempt is not None
        number = await call.wait(asyncio.shield(found.attempt))
        if number:
            raise fail(number)
        return 0

    async def shutdown(self, call: Call) -> Result:
        found, _ = await self._found(call)
        if found is None or (isinstance(found, Stream) and found.state == State.CONNECTED):
            return NATIVE
        await found.shut_down(signed(call.args[1]))
        return 0

    async def getsockname(self, call: Call) -> Result:
        found, _ = await self._found(call)
        if found is None:
            return NATIVE
        sockaddr.give(call.task, call.args[1], call.args[2], sockaddr.emit(await found.name()))
        return 0

    async def getpeername(self, call: Call) -> Result:
        found, _ = await self._found(call)
        if found is None:
            return NATIVE
        sockaddr.give(call.task, call.args[1], call.args[2], sockaddr.emit(await found.peer_name()))
        return 0

    # -- options

    async def setsockopt(self, call: Call) -> Result:
        found, _ = await self._found(call)
        level, name, address, length = signed(call.args[1]), signed(call.args[2]), call.args[3], signed(call.args[4])
        if found is None or (level, name) in sockopt.NATIVE:
            return NATIVE
        if sockopt.silent(level, name):
            return 0
        number = sockopt.kernel_number(level, name)
        if not 0 <= length <= 256:
            raise fail(errno.EINVAL)
        value = sockopt.value_of(level, name, call.task.read(address, length))
        if found.fd < 0:
            raise fail(errno.EINVAL)
        await self._net.sys.setsockopt(found.fd, level, number, value)
        if isinstance(found, Datagram) and (level, name) == (socket.SOL_SOCKET, socket.SO_REUSEADDR):
            # Of datagrams Linux means the whole name by it, where the kernel means the port alone.
            await self._net.sys.setsockopt(found.fd, level, rump.SO_REUSEPORT, value)
        return 0

    async def getsockopt(self, call: Call) -> Result:
        found, _ = await self._found(call)
        level, name, address, length_at = signed(call.args[1]), signed(call.args[2]), call.args[3], call.args[4]
        if found is None or (level, name) in sockopt.NATIVE:
            return NATIVE
        data = await self._option(found, level, name)
        room = call.task.integer(length_at)
        if room < 0:
            raise fail(errno.EINVAL)
        call.task.write(address, data[:room])
        call.task.write(length_at, _INT.pack(min(room, len(data))))
        return 0

    async def _option(self, found: Endpoint, level: int, name: int) -> bytes:
        if level == socket.SOL_SOCKET and name in self._answers:
            return _INT.pack(self._answers[name](found))
        if sockopt.silent(level, name):
            return bytes(_INT.size)
        number = sockopt.kernel_number(level, name)
        if found.fd < 0:
            raise fail(errno.EINVAL)
        return sockopt.bytes_of(level, name, await self._net.sys.getsockopt(found.fd, level, number))


def _give(call: Call, made: Endpoint, theirs: socket.socket, kind: int) -> Result:
    """Answers with the program's end as a new descriptor. EMFILE."""
    fd = call.listener.hand_over(call.trap, theirs.fileno(), close_on_exec=bool(kind & _CLOEXEC))
    theirs.close()
    made.holder = (call.task.tid, fd)
    return ANSWERED


def _protocol(kind: int) -> int:
    known: dict[int, int] = {socket.SOCK_STREAM: socket.IPPROTO_TCP, socket.SOCK_DGRAM: socket.IPPROTO_UDP}
    return known.get(kind, 0)
