"""The kernel's interfaces, as programs ask for them on Linux: SIOCGIF* and the dumps of rtnetlink(7)."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import rump
from rumpclients.hijack import sockaddr
from rumpclients.hijack.endpoint import Network
from rumpclients.hijack.trap import NATIVE, Call, fail, signed

_NAME = 16
_REQUEST = 40
_CONF = struct.Struct("=i4xQ")
_MULTICAST = 0x1000
_PASSING = 0x3FF
"""Flags of interfaces that have the same bits everywhere: UP to ALLMULTI."""
ETHER, LOOPBACK = 1, 772
_GETIFCONF, _GETIFNAME = 0x8912, 0x8910


def flags_of(row: rump.Interface) -> int:
    return row.flags & _PASSING | (_MULTICAST if row.flags & rump.IFF_MULTICAST else 0)


def hardware_of(row: rump.Interface) -> int:
    return LOOPBACK if row.flags & rump.IFF_LOOPBACK else ETHER


def _inet(row: rump.Interface) -> Any:
    """Its first IPv4 address. EADDRNOTAVAIL."""
    for one in row.addresses:
        if isinstance(one.addr, rump.SockaddrIn):
            return one
    raise fail(errno.EADDRNOTAVAIL)


def _mask(row: rump.Interface) -> bytes:
    bits = (0xFFFFFFFF << (32 - _inet(row).prefixlen)) & 0xFFFFFFFF
    return sockaddr.emit(rump.SockaddrIn(bits.to_bytes(4, "big"), 0))


_ANSWERS: dict[int, Callable[[rump.Interface], bytes]] = {
    0x8913: lambda row: struct.pack("H", flags_of(row)),
    0x8915: lambda row: sockaddr.emit(_inet(row).addr),
    0x8917: lambda row: sockaddr.emit(_inet(row).dstaddr or _inet(row).addr),
    0x8919: lambda row: sockaddr.emit(_inet(row).broadaddr or rump.SockaddrIn(bytes(4), 0)),
    0x891B: _mask,
    0x891D: lambda row: struct.pack("i", 0),
    0x8921: lambda row: struct.pack("i", row.mtu),
    0x8927: lambda row: struct.pack("H6s", hardware_of(row), row.lladdr),
    0x8933: lambda row: struct.pack("i", row.ifindex),
    0x8942: lambda row: struct.pack("i", 0),
}
"""FLAGS, ADDR, DSTADDR, BRDADDR, NETMASK, METRIC, MTU, HWADDR, INDEX, TXQLEN."""


class Interfaces:
    def __init__(self, net: Network) -> None:
        self._net = net

    async def ioctl(self, call: Call) -> Any:
        """EOPNOTSUPP for what would change something, or is asked of one interface in Linux only."""
        found, _ = self._net.find(call.task, signed(call.args[0]))
        if found is None:
            return NATIVE
        request, address = call.args[1] & 0xFFFFFFFF, call.args[2]
        rows = await self._net.k.pub.netconfig_ifaddrs()
        if request == _GETIFCONF:
            _configuration(call, address, rows)
            return 0
        if request not in _ANSWERS and request != _GETIFNAME:
            raise fail(errno.EOPNOTSUPP)
        data = call.task.read(address, _REQUEST)
        row = _chosen(rows, data, by_index=request == _GETIFNAME)
        if request == _GETIFNAME:
            call.task.write(address, row.name.encode().ljust(_NAME, b"\0"))
        else:
            call.task.write(address + _NAME, _ANSWERS[request](row)[: _REQUEST - _NAME])
        return 0


def _chosen(rows: list[rump.Interface], data: bytes, *, by_index: bool) -> rump.Interface:
    """The interface that a request is about. ENODEV."""
    name = data[:_NAME].partition(b"\0")[0].decode(errors="replace")
    index = struct.unpack_from("i", data, _NAME)[0]
    for row in rows:
        if row.ifindex == index if by_index else row.name == name:
            return row
    raise fail(errno.ENODEV)


def _configuration(call: Call, address: int, rows: list[rump.Interface]) -> None:
    """SIOCGIFCONF: names and IPv4 addresses of all; without a buffer, how long one has to be."""
    room, buffer = _CONF.unpack(call.task.read(address, _CONF.size))
    found = b"".join(_configured(rows))
    if buffer:
        found = found[: room // _REQUEST * _REQUEST]
        call.task.write(buffer, found)
    call.task.write(address, struct.pack("i", len(found)))


def _configured(rows: list[rump.Interface]) -> Iterator[bytes]:
    for row in rows:
        for one in row.addresses:
            if isinstance(one.addr, rump.SockaddrIn):
                yield (row.name.encode().ljust(_NAME, b"\0") + sockaddr.emit(one.addr)).ljust(_REQUEST, b"\0")


# -- rtnetlink

_MESSAGE = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ERROR, _DONE, _NEWLINK, _GETLINK, _NEWADDR, _GETADDR = 2, 3, 16, 18, 20, 22
_MULTI, _DUMP, _REQUESTED = 2, 0x300, 1
_SPECIAL = 16
"""Requests below this number are none."""


def answers(request: bytes, pid: int, rows: list[rump.Interface]) -> Iterator[bytes]:
    """Datagrams that answer one. EOPNOTSUPP, in a message, for what is no dump of links or addresses."""
    while len(request) >= _MESSAGE.size:
        length, kind, flags, sequence, _ = _MESSAGE.unpack_from(request)
        if not _MESSAGE.size <= length <= len(request):
            return
        if flags & _REQUESTED and kind >= _SPECIAL:
            yield from _answered(request[:length], kind, flags, (sequence, pid), rows)
        request = request[(length + 3) & ~3 :]


def _answered(
    request: bytes, kind: int, flags: int, who: tuple[int, int], rows: list[rump.Interface]
) -> Iterator[bytes]:
    family = request[_MESSAGE.size] if len(request) > _MESSAGE.size else 0
    if kind == _GETLINK and not flags & _DUMP:
        index = struct.unpack_from("=i", request, 20)[0] if len(request) >= 24 else 0
        found = [_message(_NEWLINK, 0, who, _link(row)) for row in rows if row.ifindex == index]
        yield from found or [_failure(request, who, errno.ENODEV)]
    elif kind == _GETLINK:
        yield from _dump(_NEWLINK, who, map(_link, rows))
    elif kind == _GETADDR and flags & _DUMP:
        yield from _dump(_NEWADDR, who, (data for row in rows for data in _addresses(row, family)))
    else:
        yield _failure(request, who, errno.EOPNOTSUPP)


def _dump(kind: int, who: tuple[int, int], bodies: Iterator[bytes]) -> Iterator[bytes]:
    for body in bodies:
        yield _message(kind, _MULTI, who, body)
    yield _message(_DONE, _MULTI, who, bytes(4))


def _message(kind: int, flags: int, who: tuple[int, int], body: bytes) -> bytes:
    return _MESSAGE.pack(_MESSAGE.size + len(body), kind, flags, *who) + body


def _failure(request: bytes, who: tuple[int, int], number: int) -> bytes:
    return _message(_ERROR, 0, who, struct.pack("=i", -number) + request[: _MESSAGE.size])


def _attribute(kind: int, data: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(data), kind) + data + bytes(-len(data) % 4)


def _link(row: rump.Interface) -> bytes:
    head = struct.pack("=BxHiII", socket.AF_UNSPEC, hardware_of(row), row.ifindex, flags_of(row), 0)
    lladdr = row.lladdr or bytes(6)
    return head + b"".join(
        (
            _attribute(3, row.name.encode() + b"\0"),
            _attribute(4, struct.pack("=I", row.mtu)),
            _attribute(1, lladdr),
            _attribute(2, bytes(6) if row.flags & rump.IFF_LOOPBACK else b"\xff" * 6),
            _attribute(13, struct.pack("=I", 1000)),
        )
    )


def _addresses(row: rump.Interface, wanted: int) -> Iterator[bytes]:
    """IFA_ADDRESS is the other end where there is one, IFA_LOCAL ours."""
    for one in row.addresses:
        if isinstance(one.addr, rump.SockaddrIn) and wanted in (0, socket.AF_INET):
            other = one.dstaddr or one.addr
            broadcast = _attribute(4, one.broadaddr.sin_addr) if isinstance(one.broadaddr, rump.SockaddrIn) else b""
            host = int(one.addr.sin_addr[0] == 127) * 254
            yield struct.pack("=BBBBI", socket.AF_INET, one.prefixlen, 0x80, host, row.ifindex) + b"".join(
                (_attribute(1, getattr(other, "sin_addr", b"")), _attribute(2, one.addr.sin_addr), broadcast,
                 _attribute(3, row.name.encode() + b"\0"))
            )  # fmt: skip
        elif isinstance(one.addr, rump.SockaddrIn6) and wanted in (0, socket.AF_INET6):
            local = one.addr.sin6_addr
            scope = 254 if local == b"\0" * 15 + b"\1" else 253 if local[0] == 0xFE and local[1] & 0xC0 == 0x80 else 0
            head = struct.pack("=BBBBI", socket.AF_INET6, one.prefixlen, 0x80, scope, row.ifindex)
            yield head + _attribute(1, local)
