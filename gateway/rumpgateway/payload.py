"""Long contents of unary calls past protobuf, which would copy them twice on each way: requests are cut, answers put
together, as bytes of the wire format (protobuf.dev, Encoding)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rumpuser.transport.memory import LONG, READS, WRITES
from rumpuser.transport.wire import varint
from rumpwire.calls import Op

CONTENTS = 2
"""The field of contents in requests of calls that write; they are the second argument."""
_RESULT = b"\x0a"
"""Tag of the field of contents, 1, in answers of calls that read: all that is in them."""
_LENGTH, _WIDE, _SHORT = 2, 1, 5
"""Kinds of fields that are no varint: so many bytes, 8, 4."""


@dataclass(frozen=True, slots=True)
class Ready:
    """An answer as bytes, in the place of a message."""

    data: bytes

    def ByteSize(self) -> int:  # noqa: N802  the name that messages have
        return len(self.data)

    def SerializeToString(self) -> bytes:  # noqa: N802
        return self.data


def serialize(answer: Any) -> bytes:
    data: bytes = answer.SerializeToString()
    return data


def cut(op: Op, data: bytes) -> tuple[bytes, memoryview | None]:
    """A request without its contents, and those; nothing where they are short, or it is no such message."""
    if op.name not in WRITES or len(data) < LONG:
        return data, None
    try:
        return _cut(memoryview(data))
    except (IndexError, KeyError, ValueError):
        return data, None


def ready(op: Op, outcome: Any) -> Ready | None:
    """The answer with long contents; None for other answers."""
    if op.name not in READS or not isinstance(outcome, (bytes, memoryview)) or len(outcome) < LONG:
        return None
    return Ready(b"".join((_RESULT, varint(len(outcome)), outcome)))


def _cut(data: memoryview) -> tuple[bytes, memoryview | None]:
    rest, found = bytearray(), None
    at = 0
    while at < len(data):
        begin = at
        tag, at = _number(data, at)
        kind = tag & 7
        if kind == _LENGTH:
            length, at = _number(data, at)
            if at + length > len(data):
                raise ValueError("cut off")
            at += length
            if tag >> 3 == CONTENTS:
                found = data[at - length : at]
                continue
        elif kind:
            at += {_WIDE: 8, _SHORT: 4}[kind]
        else:
            _, at = _number(data, at)
        rest += data[begin:at]
    return bytes(rest), found


def _number(data: memoryview, at: int) -> tuple[int, int]:
    """A varint, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at
        if shift >= 64:
            raise ValueError("no varint")
