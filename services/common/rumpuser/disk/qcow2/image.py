"""A qcow2 image as a device.

The *L1 table* names *L2 tables*, whose entries say where each cluster of the disk is in the file. An entry or table
that is used once has the bit COPIED and is written in place; what is shared with a snapshot, compressed or not there
yet is written to a new cluster first. The order of writes is count, contents, table, so a kernel that ends at any
moment leaves clusters that are counted too often, never too seldom.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from rumpuser.disk.device import BlockDevice, check_range
from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

from .header import Header, unsupported
from .refcounts import Refcounts, broken

COPIED = 1 << 63
COMPRESSED = 1 << 62
ZERO = 1
OFFSET = 0x00FFFFFFFFFFFE00
_INFLATED = 8
"""Compressed clusters that are kept inflated; of the largest clusters that is 16 MiB."""


class Piece(NamedTuple):
    """A range within one cluster of the disk: the cluster, from where on in it, how many bytes."""

    cluster: int
    skip: int
    length: int


class Qcow2:
    """The disk in an image. ``backing`` (or None: zeros) is what shows where the image has nothing."""

    def __init__(self, device: BlockDevice, header: Header, backing: BlockDevice | None, *, readonly: bool) -> None:
        self.device = device
        self.header = header
        self.backing = backing
        self.size = header.size
        self.readonly = readonly
        self.name = device.name
        self.refcounts = Refcounts(device, header)
        self._inflated: OrderedDict[int, bytes] = OrderedDict()
        self._l2_bits = header.cluster_bits - 3

    # -- reading

    def view(self, offset: int, length: int) -> memoryview:
        check_range(self, offset, length)
        pieces = [self._read(piece) for piece in self._split(offset, length)]
        return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))

    def _split(self, offset: int, length: int) -> Iterator[Piece]:
        size, end = self.header.cluster_size, offset + length
        while offset < end:
            skip = offset % size
            take = min(size - skip, end - offset)
            yield Piece(offset // size, skip, take)
            offset += take

    def _read(self, piece: Piece) -> memoryview:
        entry = self._entry(piece.cluster)
        if entry & COMPRESSED:
            return memoryview(self._inflate(entry))[piece.skip : piece.skip + piece.length]
        if self._is_zero(entry):
            return memoryview(bytes(piece.length))
        offset = self._data(entry)
        if offset:
            return padded(self.device, offset + piece.skip, piece.length)
        if self.backing is None:
            return memoryview(bytes(piece.length))
        return padded(self.backing, piece.cluster * self.header.cluster_size + piece.skip, piece.length)

    def _is_zero(self, entry: int) -> bool:
        return bool(entry & ZERO) and self.header.version == 3

    def _data(self, entry: int) -> int:
        """Where an ordinary cluster is, 0 for nowhere. EIO."""
        offset = entry & OFFSET
        if offset & (self.header.cluster_size - 1):
            raise broken(f"a cluster at {offset}")
        return offset

    def _l1_place(self, cluster: int) -> int:
        return self.header.l1_offset + (cluster >> self._l2_bits) * 8

    def _word(self, place: int) -> int:
        return int.from_bytes(self.device.view(place, 8), "big")

    def _table(self, cluster: int) -> tuple[int, bool]:
        """Where the L2 table of a cluster is (0: nowhere), and whether it may be written in place. EIO."""
        entry = self._word(self._l1_place(cluster))
        offset = entry & OFFSET
        if offset & (self.header.cluster_size - 1):
            raise broken(f"an L2 table at {offset}")
        return offset, bool(entry & COPIED)

    def _place(self, table: int, cluster: int) -> int:
        return table + (cluster & ((1 << self._l2_bits) - 1)) * 8

    def _entry(self, cluster: int) -> int:
        table, _ = self._table(cluster)
        return self._word(self._place(table, cluster)) if table else 0

    def compressed_range(self, entry: int) -> tuple[int, int]:
        """Byte of the file and length of a compressed cluster."""
        bits = 62 - (self.header.cluster_bits - 8)
        offset = entry & ((1 << bits) - 1)
        sectors = (entry >> bits & ((1 << (62 - bits)) - 1)) + 1
        return offset, sectors * 512 - offset % 512

    def _inflate(self, entry: int) -> bytes:
        if self.header.zstd:
            raise unsupported("clusters compressed by zstd")
        offset, length = self.compressed_range(entry)
        found = self._inflated.get(entry)
        if found is None:
            length = min(length, max(self.device.size - offset, 0))
            found = inflate(self.device.view(offset, length), self.header.cluster_size)
            self._inflated[entry] = found
            if len(self._inflated) > _INFLATED:
                self._inflated.popitem(last=False)
        return found

    # -- writing

    def write(self, offset: int, data: Buffer) -> None:
        if self.readonly:
            raise KernelError(Errno.EROFS, f"{self.name} is read-only")
        check_range(self, offset, len(data))
        rest = memoryview(data)
        for piece in self._split(offset, len(data)):
            self._write(piece, rest[: piece.length])
            rest = rest[piece.length :]

    def _write(self, piece: Piece, data: memoryview) -> None:
        table = self._writable_table(piece.cluster)
        place = self._place(table, piece.cluster)
        entry = self._word(place)
        if entry & COPIED and not entry & COMPRESSED and not self._is_zero(entry) and self._data(entry):
            self.device.write(self._data(entry) + piece.skip, data)
            return
        whole = data if piece.length == self.header.cluster_size else self._merged(piece, data)
        if entry & COPIED and self._is_zero(entry) and self._data(entry):
            offset, entry = self._data(entry), 0  # a cluster that was set aside
        else:
            offset = self.refcounts.take()
        self.device.write(offset, whole)
        self.device.write(place, (offset | COPIED).to_bytes(8, "big"))
        self._let_go(entry)

    def _merged(self, piece: Piece, data: memoryview) -> bytearray:
        size = self.header.cluster_size
        whole = bytearray(self._read(Piece(piece.cluster, 0, size)))
        whole[piece.skip : piece.skip + piece.length] = data
        return whole

    def _let_go(self, entry: int) -> None:
        """One use less of what an entry named before."""
        if entry & COMPRESSED:
            self._inflated.pop(entry, None)
            self.refcounts.drop(*self.compressed_range(entry))
        elif self._data(entry):
            self.refcounts.drop(self._data(entry), self.header.cluster_size)

    def _writable_table(self, cluster: int) -> int:
        """The L2 table of a cluster, made or copied if need be."""
        table, copied = self._table(cluster)
        if table and copied:
            return table
        size = self.header.cluster_size
        contents = self.device.view(table, size) if table else bytes(size)
        offset = self.refcounts.take()
        self.device.write(offset, bytes(contents))
        self.device.write(self._l1_place(cluster), (offset | COPIED).to_bytes(8, "big"))
        if table:
            self.refcounts.drop(table, size)
        return offset

    def flush(self) -> None:
        if not self.readonly:
            self.device.flush()

    def close(self) -> None:
        if self.backing is not None:
            self.backing.close()
        self.device.close()


def padded(device: BlockDevice, offset: int, length: int) -> memoryview:
    """Bytes of a device; zeros behind its end."""
    there = max(min(length, device.size - offset), 0)
    if there == length:
        return device.view(offset, length)
    return memoryview((bytes(device.view(offset, there)) if there else b"") + bytes(length - there))


def inflate(raw: memoryview, size: int) -> bytes:
    """EIO."""
    try:
        found = zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, size)
    except zlib.error as error:
        raise broken(f"a compressed cluster is damaged: {error}") from None
    if len(found) != size:
        raise broken(f"a compressed cluster has {len(found)} bytes of {size}")
    return found
