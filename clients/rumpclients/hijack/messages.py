"""The trapped calls that carry an address beside their data: sendto, recvfrom, sendmsg, recvmsg, sendmmsg, recvmmsg.

Those of connections go on natively, and so do those that neither give nor want an address.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Any, NamedTuple

from rumpclients.hijack import sockaddr
from rumpclients.hijack.calls import Result
from rumpclients.hijack.datagram import Datagram, Received
from rumpclients.hijack.endpoint import Network
from rumpclients.hijack.task import Task
from rumpclients.hijack.trap import NATIVE, Call, fail, signed

_HEADER = struct.Struct("=QI4xQQQQi4x")
"""struct msghdr of machines of 64 bits."""
_VECTOR = struct.Struct("=QQ")
_ENTRY = _HEADER.size + 8
"""sizeof(struct mmsghdr): a header, and how long the message was."""
_LENGTH_AT, _CONTROL_LENGTH_AT, _FLAGS_AT = 8, 40, 48
_VECTORS_MOST, _MANY_MOST = 1024, 1024
_UINT = struct.Struct("I")


class Header(NamedTuple):
    name: int
    name_length: int
    vectors: int
    pieces: int
    control: int
    control_length: int
    flags: int

    @property
    def plain(self) -> bool:
        """Whether it says no more than a plain read or write."""
        return not self.name and not (self.control and self.control_length)


def _header(task: Task, address: int) -> Header:
    return Header(*_HEADER.unpack(task.read(address, _HEADER.size)))


def _headers(task: Task, address: int, many: int) -> list[Header]:
    """Those of an array of mmsghdr."""
    return [_header(task, address + n * _ENTRY) for n in range(min(many & 0xFFFFFFFF, _MANY_MOST))]


def _pieces(task: Task, header: Header) -> list[tuple[int, int]]:
    """Where the data are. EMSGSIZE."""
    if header.pieces > _VECTORS_MOST:
        raise fail(errno.EMSGSIZE)
    return list(_VECTOR.iter_unpack(task.read(header.vectors, header.pieces * _VECTOR.size)))


def _gather(task: Task, header: Header) -> bytes:
    pieces = _pieces(task, header)
    if sum(length for _, length in pieces) > 0xFFFF:
        raise fail(errno.EMSGSIZE)
    return b"".join(task.read(base, length) for base, length in pieces)


def _scatter(task: Task, header: Header, data: bytes) -> int:
    """How much there was room for."""
    done = 0
    for base, length in _pieces(task, header):
        piece = data[done : done + length]
        task.write(base, piece)
        done += len(piece)
    return done


class Messages:
    def __init__(self, net: Network) -> None:
        self._net = net

    def _found(self, call: Call) -> tuple[Datagram | None, int]:
        found, flags = self._net.find(call.task, signed(call.args[0]))
        return (found, flags) if isinstance(found, Datagram) else (None, flags)

    # -- sending

    async def sendto(self, call: Call) -> Result:
        found, _ = self._found(call)
        _, address, length, flags, name, name_length = call.args
        if found is None:
            return NATIVE
        if length > 0xFFFF:
            raise fail(errno.EMSGSIZE)
        to = sockaddr.parse(sockaddr.take(call.task, name, name_length))
        return await found.send(call.task.read(address, length), to, _sending(flags))

    async def sendmsg(self, call: Call) -> Result:
        found, _ = self._found(call)
        if found is None or (header := _header(call.task, call.args[1])).plain:
            return NATIVE
        return await self._send(call.task, found, header, call.args[2])

    async def sendmmsg(self, call: Call) -> Result:
        found, _ = self._found(call)
        if found is None:
            return NATIVE
        _, address, many, flags = call.args[:4]
        headers = _headers(call.task, address, many)
        if all(header.plain for header in headers):
            return NATIVE
        for done, header in enumerate(headers):
            try:
                sent = await self._send(call.task, found, header, flags)
            except OSError:
                if done:
                    return done
                raise
            call.task.write(address + done * _ENTRY + _HEADER.size, _UINT.pack(sent))
        return len(headers)

    async def _send(self, task: Task, found: Datagram, header: Header, flags: int) -> int:
        """Control data are left out: routes and the kernel's options say what they could."""
        to = sockaddr.parse(sockaddr.take(task, header.name, header.name_length)) if header.name else None
        return await found.send(_gather(task, header), to, _sending(flags))

    # -- receiving

    async def recvfrom(self, call: Call) -> Result:
        found, mode = self._found(call)
        if found is None:
            return NATIVE
        _, address, length, flags, name, name_length = call.args
        got = await self._receive(call, found, mode, flags)
        call.task.write(address, got.data[:length])
        sockaddr.give(call.task, name, name_length, sockaddr.emit(got.name))
        return len(got.data) if flags & socket.MSG_TRUNC else min(length, len(got.data))

    async def recvmsg(self, call: Call) -> Result:
        found, mode = self._found(call)
        if found is None or (header := _header(call.task, call.args[1])).plain:
            return NATIVE
        got = await self._receive(call, found, mode, call.args[2])
        return _put(call.task, call.args[1], header, got, call.args[2])

    async def recvmmsg(self, call: Call) -> Result:
        found, mode = self._found(call)
        if found is None:
            return NATIVE
        _, address, many, flags = call.args[:4]
        headers = _headers(call.task, address, many)
        if all(header.plain for header in headers):
            return NATIVE
        done = 0
        for header in headers:
            at = address + done * _ENTRY
            try:
                got = await self._receive(call, found, mode if not done else os.O_NONBLOCK, flags)
            except OSError:
                if done:
                    break
                raise
            call.task.write(at + _HEADER.size, _UINT.pack(_put(call.task, at, header, got, flags)))
            done += 1
        return done

    async def _receive(self, call: Call, found: Datagram, mode: int, flags: int) -> Received:
        fd = signed(call.args[0])
        while True:
            seen = found.delivered
            got = found.take(call.task, fd, flags)
            if got is not None:
                return got
            if mode & os.O_NONBLOCK or flags & socket.MSG_DONTWAIT:
                raise fail(errno.EAGAIN)
            await call.wait(found.wait(seen))


def _sending(flags: int) -> int:
    """Of the flags those that mean something to the kernel."""
    return flags & (socket.MSG_DONTROUTE | socket.MSG_DONTWAIT)


def _put(task: Task, at: int, header: Header, got: Received, flags: int) -> int:
    """Fills in the message and what its header says of it."""
    done = _scatter(task, header, got.data)
    name: Any = sockaddr.emit(got.name)
    if header.name:
        task.write(header.name, name[: header.name_length])
        task.write(at + _LENGTH_AT, _UINT.pack(len(name)))
    task.write(at + _CONTROL_LENGTH_AT, bytes(8))
    task.write(at + _FLAGS_AT, _UINT.pack(socket.MSG_TRUNC if done < len(got.data) else 0))
    return len(got.data) if flags & socket.MSG_TRUNC else done
