"""Messages on a stream of bytes, each after its length (u32, little endian). No I/O here; see docs/transport.md."""

from __future__ import annotations

from rumpwire.errno import Errno, KernelError

SUFFIX = ".frames"
"""What serves gRPC on the socket ``x`` serves frames on ``x.frames``."""
HEADER = 4
MAX_HELLO = 256
"""Bytes of the first frame of a connection, which says who connects."""
ATTACH = b"attach\n"
"""What a first frame begins with that is no token but an AttachRequest."""
ATTACHED = b"attached\n"
"""What the answer begins with: an AttachResponse."""
MAX_ATTACH = 1 << 14
"""Bytes of a first frame where clients attach: room for a token of an identity provider."""
APART = 1 << 14
"""Longer frames are written after their header instead of being joined with it."""


def header(data: bytes) -> bytes:
    """What goes before a message."""
    return len(data).to_bytes(HEADER, "little")


def framed(data: bytes) -> bytes:
    return len(data).to_bytes(HEADER, "little") + data


class Cutter:
    """Bytes in, frames out. ``limit``: the longest frame that is taken; it may be changed between frames.

    Most of what comes is whole frames, which are taken out of what came; the rest of it is gathered.
    """

    __slots__ = ("_data", "_next", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._data: bytes | bytearray = b""
        self._next = 0

    @property
    def more(self) -> bool:
        """Whether something is left over."""
        return self._next != len(self._data)

    def alone(self, data: bytes) -> bytes | None:
        """The frame, where nothing is left over from before and what came is one and no more. EMSGSIZE as `frame`."""
        length = len(data) - HEADER
        if self._next != len(self._data) or length != int.from_bytes(data[:HEADER], "little"):
            return None
        if length > self.limit:
            raise KernelError(Errno.EMSGSIZE, f"a frame of {length} bytes; {self.limit} are allowed")
        return data[HEADER:]

    def feed(self, data: bytes) -> None:
        if self._next == len(self._data):
            self._data, self._next = data, 0
            return
        if not isinstance(self._data, bytearray):
            self._data = bytearray(self._data)
        self._data += data

    def frame(self) -> bytes | None:
        """The next frame that is whole. EMSGSIZE for one that is too long: nothing can be read after it."""
        data, start = self._data, self._next
        if len(data) - start >= HEADER:
            length = int.from_bytes(data[start : start + HEADER], "little")
            if length > self.limit:
                raise KernelError(Errno.EMSGSIZE, f"a frame of {length} bytes; {self.limit} are allowed")
            end = start + HEADER + length
            if len(data) >= end:
                self._next = end
                if isinstance(data, bytes):
                    return data[start + HEADER : end]
                with memoryview(data) as view:
                    return bytes(view[start + HEADER : end])
        if start and isinstance(data, bytearray):
            del data[:start]
            self._next = 0
        return None
