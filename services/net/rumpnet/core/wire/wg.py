"""Messages of WireGuard (whitepaper, 5.4): little-endian, the type in the first byte, three of zero after it.

| | |
|---|---|
| initiation, 148 bytes | sender 4, ephemeral 8, static 40 (48), time 88 (28), MACs 116 and 132 (16 each) |
| response, 92 | sender 4, receiver 8, ephemeral 12, nothing 44 (16), MACs 60 and 76 |
| cookie, 64 | receiver 4, nonce 8 (24), cookie 32 (32) |
| data | receiver 4, counter 8 (8 bytes), packet 16, with its tag of 16 |
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from rumpnet.core.wire import Malformed
from rumpuser.host import Buffer

INITIATION, RESPONSE, COOKIE, DATA = 1, 2, 3, 4
_INITIATION = struct.Struct("<II32s48s28s16s16s")
_RESPONSE = struct.Struct("<III32s16s16s16s")
_COOKIE = struct.Struct("<II24s32s")
DATA_HEADER = struct.Struct("<IIQ")
TAG_LEN = 16
MAC_LEN = 16
PADDING = 16
"""Packets are made a multiple of it, so that their lengths tell less."""
LENGTHS = {INITIATION: _INITIATION.size, RESPONSE: _RESPONSE.size, COOKIE: _COOKIE.size}


class Initiation(NamedTuple):
    sender: int
    ephemeral: bytes
    static: bytes
    time: bytes
    mac1: bytes = bytes(MAC_LEN)
    mac2: bytes = bytes(MAC_LEN)

    def emit(self) -> bytes:
        return _INITIATION.pack(INITIATION, *self)


class Response(NamedTuple):
    sender: int
    receiver: int
    ephemeral: bytes
    nothing: bytes
    mac1: bytes = bytes(MAC_LEN)
    mac2: bytes = bytes(MAC_LEN)

    def emit(self) -> bytes:
        return _RESPONSE.pack(RESPONSE, *self)


class Cookie(NamedTuple):
    receiver: int
    nonce: bytes
    cookie: bytes

    def emit(self) -> bytes:
        return _COOKIE.pack(COOKIE, *self)


class Data(NamedTuple):
    """``packet`` is still sealed."""

    receiver: int
    counter: int
    packet: memoryview


Message = Initiation | Response | Cookie | Data


def parse(data: Buffer) -> Message:
    """Malformed."""
    view = memoryview(data)
    kind = int.from_bytes(view[:4], "little")
    if kind == DATA and len(view) >= DATA_HEADER.size + TAG_LEN:
        _, receiver, counter = DATA_HEADER.unpack_from(view)
        return Data(receiver, counter, view[DATA_HEADER.size :])
    if len(view) != LENGTHS.get(kind):
        raise Malformed(f"{len(view)} bytes are no message of type {kind}")
    if kind == INITIATION:
        return Initiation(*_INITIATION.unpack(view)[1:])
    if kind == RESPONSE:
        return Response(*_RESPONSE.unpack(view)[1:])
    return Cookie(*_COOKIE.unpack(view)[1:])


def with_macs(message: bytes, mac1: bytes, mac2: bytes) -> bytes:
    return message[: -2 * MAC_LEN] + mac1 + mac2
