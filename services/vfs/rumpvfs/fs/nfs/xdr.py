"""XDR: External Data Representation (RFC 4506), as far as ONC RPC and NFS need it."""

from __future__ import annotations

import struct

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

_UINT, _HYPER = struct.Struct(">I"), struct.Struct(">Q")
_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


class Packer:
    """Builds a message. Payload is kept as it came; only `data` puts the pieces together."""

    def __init__(self) -> None:
        self._parts: list[Buffer] = []

    def uint(self, *values: int) -> Packer:
        self._parts += [_UINT.pack(value & 0xFFFFFFFF) for value in values]
        return self

    def hyper(self, value: int) -> Packer:
        self._parts.append(_HYPER.pack(value & 0xFFFFFFFFFFFFFFFF))
        return self

    def fixed(self, value: Buffer) -> Packer:
        self._parts += [value, _PADDING[len(value) & 3]]
        return self

    def opaque(self, value: Buffer) -> Packer:
        return self.uint(len(value)).fixed(value)

    def data(self) -> bytes:
        return b"".join(self._parts)


class Unpacker:
    """Reads a message. What it does not hold is EBADRPC; payload comes out as views."""

    def __init__(self, data: Buffer) -> None:
        self._view = memoryview(data)
        self._at = 0

    def _take(self, length: int) -> memoryview:
        begin, self._at = self._at, self._at + length
        if self._at > len(self._view):
            raise KernelError(Errno.EBADRPC, "the server's answer is cut short")
        return self._view[begin : self._at]

    def uint(self) -> int:
        return int(_UINT.unpack(self._take(4))[0])

    def hyper(self) -> int:
        return int(_HYPER.unpack(self._take(8))[0])

    def fixed(self, length: int) -> memoryview:
        value = self._take(length)
        self._take(-length & 3)
        return value

    def opaque(self, most: int) -> memoryview:
        """EBADRPC for one that is longer than ``most``."""
        length = self.uint()
        if length > most:
            raise KernelError(Errno.EBADRPC, f"{length} bytes in the server's answer; {most} are possible")
        return self.fixed(length)

    def boolean(self) -> bool:
        return self.uint() != 0
