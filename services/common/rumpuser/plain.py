"""Plain data out of bytes that nobody vouches for: what marshal(3) of version 2 writes, read without trusting it.

`marshal.dumps` is the quickest way to bytes that Python has, but `marshal.loads` must not see bytes that may be wrong.
Values of the contract (`rumpwire.values`) become plain data with `flat`, and values again with `whole`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from rumpwire import values

MAX_DEPTH = 32
MAX_DIGITS = 1024
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_F64 = struct.Struct("<d")
_SINGLE: dict[int, Any] = {ord("N"): None, ord("T"): True, ord("F"): False}
_NULL = object()
_VALUE = "\0value"
"""Begins a tuple that was a value of the contract; its name follows."""


def plain(data: bytes) -> Any:
    """The object that the bytes hold. ValueError when they hold something else, or more."""
    reader = _Reader(data)
    value = reader.value(MAX_DEPTH)
    if reader.at != len(data) or value is _NULL:
        raise ValueError("not one value")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def value(self, depth: int) -> Any:
        if depth == 0:
            raise ValueError("nested too deep")
        kind = self._take(1)[0]
        if kind in _SINGLE:
            return _SINGLE[kind]
        reader = _KINDS.get(kind)
        if reader is None:
            raise ValueError(f"type {kind:#x}")
        return reader(self, depth - 1)

    def _take(self, length: int) -> bytes:
        start, self.at = self.at, self.at + length
        if self.at > len(self._data):
            raise ValueError("cut short")
        return self._data[start : self.at]

    def _length(self) -> int:
        length: int = _U32.unpack(self._take(4))[0]
        if length > len(self._data) - self.at:
            raise ValueError("longer than what is there")
        return length

    def integer(self, depth: int) -> int:
        found: int = _I32.unpack(self._take(4))[0]
        return found

    def long(self, depth: int) -> int:
        """Digits of 15 bits, the lowest first; their number has the sign."""
        count: int = _I32.unpack(self._take(4))[0]
        if abs(count) > MAX_DIGITS:
            raise ValueError(f"a number of {count} digits")
        digits = self._take(2 * abs(count))
        found = 0
        for at in range(0, len(digits), 2):
            digit = int.from_bytes(digits[at : at + 2], "little")
            if digit >> 15:
                raise ValueError("not a digit")
            found |= digit << (15 * (at // 2))
        return -found if count < 0 else found

    def float(self, depth: int) -> float:
        found: float = _F64.unpack(self._take(8))[0]
        return found

    def bytes(self, depth: int) -> bytes:
        return self._take(self._length())

    def text(self, depth: int) -> str:
        return self._take(self._length()).decode("utf-8", "surrogatepass")

    def list(self, depth: int) -> list[Any]:
        found = [self.value(depth) for _ in range(self._length())]
        if any(each is _NULL for each in found):
            raise ValueError("an end where none can be")
        return found

    def tuple(self, depth: int) -> tuple[Any, ...]:
        return tuple(self.list(depth))

    def dict(self, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        while (key := self.value(depth)) is not _NULL:
            value = self.value(depth)
            if value is _NULL:
                raise ValueError("a key without a value")
            try:
                found[key] = value
            except TypeError:
                raise ValueError("not a key") from None
        return found


_KINDS: dict[int, Callable[[_Reader, int], Any]] = {
    ord("i"): _Reader.integer,
    ord("l"): _Reader.long,
    ord("g"): _Reader.float,
    ord("s"): _Reader.bytes,
    ord("u"): _Reader.text,
    ord("("): _Reader.tuple,
    ord("["): _Reader.list,
    ord("{"): _Reader.dict,
    ord("0"): lambda reader, depth: _NULL,
}


def flat(value: Any) -> Any:
    """A value of the contract, or data with some in it, as plain data."""
    if isinstance(value, tuple):
        fields = tuple(map(flat, value))
        return fields if type(value) is tuple else (_VALUE, type(value).__name__, *fields)
    if isinstance(value, list):
        return list(map(flat, value))
    if isinstance(value, dict):
        return {flat(key): flat(each) for key, each in value.items()}
    if isinstance(value, (memoryview, bytearray)):
        return bytes(value)
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def whole(value: Any) -> Any:
    """What `flat` was given. ValueError for a value that the contract has not, or not with so many fields."""
    if isinstance(value, tuple) and value[:1] == (_VALUE,):
        kind = getattr(values, str(value[1]), None) if len(value) > 1 else None
        if not (isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")):
            raise ValueError("not a value of the contract")
        if len(value) - 2 != len(kind._fields):
            raise ValueError(f"{kind.__name__} has no {len(value) - 2} fields")
        return kind(*map(whole, value[2:]))
    if isinstance(value, (tuple, list)):
        return type(value)(map(whole, value))
    if isinstance(value, dict):
        return {whole(key): whole(each) for key, each in value.items()}
    return value
