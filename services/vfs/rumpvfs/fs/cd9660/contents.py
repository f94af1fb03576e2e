"""The contents of files: sections of the volume, whole or as zisofs blocks.

zisofs (mkisofs -z) keeps a file as blocks that are deflated one by one, behind a header and a table of where they are.
"""

from __future__ import annotations

import zlib
from itertools import accumulate

from rumpuser.host import Buffer
from rumpvfs.core.vnode import BlockDevice

from .records import bad

_MAGIC = b"\x37\xe4\x53\x96\xc9\xdb\xd6\x07"
_BLOCK_SHIFTS = range(15, 18)


class Sections:
    """A file as ranges (byte of the volume, length) one behind the other."""

    __slots__ = ("_device", "_ends", "_sections", "size")

    def __init__(self, device: BlockDevice, sections: tuple[tuple[int, int], ...]) -> None:
        self._device = device
        self._sections = sections
        self._ends = list(accumulate(length for _, length in sections))
        self.size = self._ends[-1]

    def read(self, offset: int, length: int) -> Buffer:
        """A view but over the end of a section, every 4 GiB. EIO."""
        pieces: list[memoryview] = []
        for (begin, size), end in zip(self._sections, self._ends, strict=True):
            if offset < end and length > 0:
                take = min(length, end - offset)
                pieces.append(self._device.view(begin + size - (end - offset), take))
                offset, length = offset + take, length - take
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Deflated:
    """A zisofs file. EIO for what is none."""

    __slots__ = ("_header", "_last", "_shift", "_stored", "size")

    def __init__(self, stored: Sections, method: bytes, header_words: int, shift: int, size: int) -> None:
        self._stored = stored
        self._shift = shift
        self._header = header_words * 4
        self.size = size
        self._last: tuple[int, bytes] = (-1, b"")
        header = bytes(stored.read(0, 16))
        if method != b"pz" or shift not in _BLOCK_SHIFTS or header[:8] != _MAGIC or header_words < 4:
            raise bad("a compressed file of another kind than zisofs, or damaged")
        if int.from_bytes(header[8:12], "little") != size:
            raise bad("a compressed file whose header has another size")

    def read(self, offset: int, length: int) -> Buffer:
        """EIO."""
        pieces: list[memoryview] = []
        length = min(length, self.size - offset)
        while length > 0:
            number, skip = offset >> self._shift, offset & ((1 << self._shift) - 1)
            piece = memoryview(self._block(number))[skip : skip + length]
            pieces.append(piece)
            offset, length = offset + len(piece), length - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _block(self, number: int) -> bytes:
        if self._last[0] != number:
            self._last = number, self._inflate(number)
        return self._last[1]

    def _inflate(self, number: int) -> bytes:
        size = min(1 << self._shift, self.size - (number << self._shift))
        table = bytes(self._stored.read(self._header + number * 4, 8))
        begin, end = int.from_bytes(table[:4], "little"), int.from_bytes(table[4:], "little")
        if len(table) < 8 or not begin <= end <= begin + 2 * (1 << self._shift):
            raise bad("the table of a compressed file is damaged")
        if begin == end:
            return bytes(size)
        try:
            data = zlib.decompressobj().decompress(self._stored.read(begin, end - begin), size)
        except zlib.error as error:
            raise bad(f"a compressed file is damaged: {error}") from None
        if len(data) != size:
            raise bad("a block of a compressed file is too short")
        return data
