"""Addresses of sockets: struct sockaddr_* of Linux, and the kernel's values."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import TypeAlias

import rump
from rumpclients.hijack.task import Task

Address: TypeAlias = rump.SockaddrIn | rump.SockaddrIn6 | rump.SockaddrUn
_FAMILY = struct.Struct("=H")
_IN = struct.Struct("!H4s")
_IN6 = struct.Struct("!HI16s")
_SCOPE = struct.Struct("=I")
LONGEST = 128
"""sizeof(struct sockaddr_storage)."""


def family_of(data: bytes) -> int:
    """EINVAL when it is too short to have one."""
    if len(data) < 2:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    number: int = _FAMILY.unpack_from(data)[0]
    return number


def parse(data: bytes) -> Address | bytes | None:
    """None for AF_UNSPEC. EINVAL, EAFNOSUPPORT."""
    family, rest = family_of(data), data[2:]
    if family == socket.AF_UNSPEC:
        return None
    if family == socket.AF_NETLINK:
        return data
    if family == socket.AF_UNIX:
        return rump.SockaddrUn(rest.partition(b"\0")[0])
    if family == socket.AF_INET and len(rest) >= 14:
        port, host = _IN.unpack_from(rest)
        return rump.SockaddrIn(host, port)
    if family == socket.AF_INET6 and len(rest) >= 22:
        port, flow, host = _IN6.unpack_from(rest)
        scope = _SCOPE.unpack_from(rest, 22)[0] if len(rest) >= 26 else 0
        return rump.SockaddrIn6(host, port, flow, scope)
    number = errno.EINVAL if family in (socket.AF_INET, socket.AF_INET6) else errno.EAFNOSUPPORT
    raise OSError(number, os.strerror(number))


def emit(address: object) -> bytes:
    """Empty when there is none that Linux knows. Bytes are one already."""
    if isinstance(address, rump.SockaddrIn):
        return _FAMILY.pack(socket.AF_INET) + _IN.pack(address.sin_port, address.sin_addr) + bytes(8)
    if isinstance(address, rump.SockaddrIn6):
        middle = _IN6.pack(address.sin6_port, address.sin6_flowinfo, address.sin6_addr)
        return _FAMILY.pack(socket.AF_INET6) + middle + _SCOPE.pack(address.sin6_scope_id)
    if isinstance(address, rump.SockaddrUn):
        return _FAMILY.pack(socket.AF_UNIX) + (address.sun_path + b"\0" if address.sun_path else b"")
    return address if isinstance(address, bytes) else b""


def take(task: Task, address: int, length: int) -> bytes:
    """An address out of a call's arguments. EINVAL, EFAULT."""
    if length > LONGEST or length >> 31:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    return task.read(address, length)


def give(task: Task, address: int, length_at: int, data: bytes) -> None:
    """Puts an address where a call wants it: as much as there is room for, and how long it is. EINVAL, EFAULT."""
    if not address or not length_at:
        return
    room = task.integer(length_at)
    if room < 0:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    task.write(address, data[:room])
    task.write(length_at, struct.pack("i", len(data)))
