"""The open volume without vnodes: partitions, the file set, file entries and contents."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from rumpvfs.core.vnode import BlockDevice
from rumpwire.errno import Errno, KernelError

from . import allocation, entry, partitions, recognition, tags
from .allocation import Address
from .contents import Data, Extents, OnePartition, contents, joined
from .entry import Entry
from .partitions import Metadata, Partition, Physical, Sparable, Virtual
from .tags import bad

MAX_PARTITION_MAPS = 64
MAX_INDIRECTIONS = 1000
NEWEST = 0x0260
_STRATEGY_PLAIN, _STRATEGY_INDIRECT = 4, 4096
_VAT_SEARCH = 512
_VAT_MAX = 64 << 20


class Volume:
    """A logical volume. EINVAL for what is no UDF, EOPNOTSUPP for what is too new, EIO."""

    def __init__(self, device: BlockDevice) -> None:
        found = recognition.read(device)
        assert found.logical is not None
        logical = found.logical
        self.device = device
        self.block_size = int.from_bytes(logical[212:216], "little")
        if self.block_size != found.sector:
            raise KernelError(Errno.EINVAL, f"blocks of {self.block_size} in sectors of {found.sector}", "udf")
        self.revision = int.from_bytes(logical[240:242], "little")
        if tags.entity(logical, 216) != b"*OSTA UDF Compliant" or self.revision > NEWEST:
            raise KernelError(Errno.EOPNOTSUPP, f"UDF revision {self.revision:x}", "udf")
        self.partitions: list[Partition] = []
        self._map_partitions(logical, found.partitions)
        self.integrity = struct.unpack_from("<II", logical, 432)
        self.root = self._file_set(allocation.long_address(logical, 248))

    # -- partitions

    def _map_partitions(self, logical: memoryview, described: dict[int, memoryview]) -> None:
        physical = {number: self._physical(raw) for number, raw in described.items()}
        maps = list(self._maps(logical))
        # The others stand on physical ones, wherever those are in the table.
        below = {number: plain for _, number, plain in self._plain_maps(maps, physical)}
        for raw, number, kind in maps:
            plain = below.get(number)
            if plain is None:
                raise bad(f"a partition map of partition {number}, which there is not")
            self.partitions.append(self._upper(kind, raw, plain) or plain)

    def _maps(self, logical: memoryview) -> Iterator[tuple[memoryview, int, bytes]]:
        """Each map with the number of its partition and its kind, empty for a plain one."""
        length, count = struct.unpack_from("<II", logical, 264)
        at, end = 440, min(440 + length, len(logical))
        if not 0 < count <= MAX_PARTITION_MAPS:
            raise bad(f"{count} partition maps")
        for _ in range(count):
            if at + 6 > end or at + logical[at + 1] > end or (logical[at], logical[at + 1]) not in ((1, 6), (2, 64)):
                raise bad("the table of partition maps is damaged")
            raw = logical[at : at + logical[at + 1]]
            at += len(raw)
            if raw[0] == 1:
                yield raw, int.from_bytes(raw[4:6], "little"), b""
            else:
                yield raw, int.from_bytes(raw[38:40], "little"), tags.entity(raw, 4)

    def _physical(self, raw: memoryview) -> Physical:
        start, length = struct.unpack_from("<II", raw, 188)
        return Physical(start, length, self.block_size)

    def _plain_maps(
        self, maps: list[tuple[memoryview, int, bytes]], physical: dict[int, Physical]
    ) -> Iterator[tuple[bytes, int, Physical]]:
        for raw, number, kind in maps:
            plain = physical.get(number)
            if plain is None:
                continue
            if kind == b"*UDF Sparable Partition":
                plain = physical[number] = self._sparable(raw, plain)
            yield kind, number, plain

    def _sparable(self, raw: memoryview, plain: Physical) -> Sparable:
        packet, tables, size = struct.unpack_from("<HBxI", raw, 40)
        places = list(struct.unpack_from("<4I", raw, 48))[:tables]
        if not packet:
            raise bad("packets of 0 blocks")
        return Sparable(plain, packet, partitions.sparing_table(self.device, self.block_size, places, size))

    def _upper(self, kind: bytes, raw: memoryview, plain: Physical) -> Partition | None:
        if kind == b"*UDF Virtual Partition":
            return self._virtual(plain)
        if kind == b"*UDF Metadata Partition":
            return self._metadata(raw, plain)
        if kind not in (b"", b"*UDF Sparable Partition"):
            raise KernelError(Errno.EOPNOTSUPP, f"a partition map {kind!r}", "udf")
        return None

    def _virtual(self, plain: Physical) -> Virtual:
        """The VAT is in the last block that was written."""
        last = self.device.size // self.block_size - 1 - plain.start
        for block in range(last, max(last - _VAT_SEARCH, 0), -1):
            if block >= plain.length:
                continue
            raw = self.device.view((plain.start + block) * self.block_size, self.block_size)
            if tags.identify(raw, block) not in (tags.FILE_ENTRY, tags.EXTENDED_FILE_ENTRY):
                continue
            found = entry.parse(raw, block)
            if found.file_type in (0, entry.VAT_FILE) and found.size <= _VAT_MAX:
                return Virtual(plain, self._vat(found, plain), self.block_size)
        raise bad("no virtual allocation table at the end of the volume")

    def _vat(self, found: Entry, plain: Physical) -> memoryview:
        raw = bytes(contents(self._below(plain), found, 0).read(0, found.size))
        if found.file_type == entry.VAT_FILE:
            begin, end = int.from_bytes(raw[:2], "little"), len(raw)
        else:  # UDF 1.50 has what it is behind the table
            begin, end = 0, len(raw) - 36
            if end < 0 or tags.entity(memoryview(raw), end) != b"*UDF Virtual Alloc Tbl":
                raise bad("the last block is no virtual allocation table")
        if begin > end:
            raise bad("the virtual allocation table is shorter than its header")
        count = (end - begin) // 4
        return memoryview(struct.pack(f"={count}I", *struct.unpack_from(f"<{count}I", raw, begin))).cast("I")

    def _metadata(self, raw: memoryview, plain: Physical) -> Metadata:
        """From the metadata file or, when that is damaged, its mirror."""
        failure = bad("no metadata file")
        below = self._below(plain)
        for block in struct.unpack_from("<II", raw, 40):
            try:
                found = entry.parse(below.block(Address(self.block_size, block, 0)), block)
                data = contents(below, found, 0)
            except KernelError as error:
                failure = error
                continue
            if found.file_type in (entry.METADATA, entry.MIRROR) and isinstance(data, Extents):
                return Metadata(plain, data.extents, self.block_size)
        raise failure

    def _below(self, plain: Physical) -> OnePartition:
        return OnePartition(self.device, plain, self.block_size)

    # -- reading

    def pieces(self, partition: int, block: int, offset: int, length: int) -> Iterator[memoryview]:
        """The bytes of a range in a partition. EIO."""
        if partition >= len(self.partitions):
            raise bad(f"partition {partition} of {len(self.partitions)}")
        for at, take in self.partitions[partition].runs(block, offset, length):
            yield self.device.view(at, take)

    def block(self, address: Address) -> memoryview:
        """The first block at an address. EIO."""
        return joined(list(self.pieces(address.partition, address.block, 0, self.block_size)))

    def entry(self, partition: int, block: int) -> Entry:
        """The file entry at a block; with strategy 4096 the last one of its chain. EIO, EOPNOTSUPP."""
        address = Address(self.block_size, block, partition)
        found = entry.parse(self.block(address), block)
        for _ in range(MAX_INDIRECTIONS):
            if found.strategy == _STRATEGY_PLAIN:
                return found
            if found.strategy != _STRATEGY_INDIRECT:
                raise KernelError(Errno.EOPNOTSUPP, f"an ICB with strategy {found.strategy}", "udf")
            following = self._indirect(address)
            if following is None:
                return found
            address = following
            found = entry.parse(self.block(address), address.block)
        raise bad("file entries refer to one another in a circle")

    def _indirect(self, address: Address) -> Address | None:
        block = address.block + 1
        raw = self.block(address._replace(block=block))
        if tags.identify(raw, block) != tags.INDIRECT:
            return None
        found = allocation.long_address(raw, 36)
        return found if found.length else None

    def data(self, found: Entry, partition: int) -> Data:
        """The contents of a file whose entry is in a partition. EIO, EOPNOTSUPP."""
        return contents(self, found, partition)

    # -- the file set

    def _file_set(self, address: Address) -> Address:
        """Where the root directory is."""
        raw = self.block(address)
        tags.expect(raw, address.block, tags.FILE_SET)
        return allocation.long_address(raw, 400)

    def counts(self) -> tuple[int, int, int]:
        """Blocks, free blocks and files, as the last integrity descriptor says; 0 where it does not."""
        length, place = self.integrity
        blocks = sum(part.length for part in self.partitions if isinstance(part, Physical))
        if length < self.block_size or (place + 1) * self.block_size > self.device.size:
            return blocks, 0, 0
        raw = self.device.view(place * self.block_size, self.block_size)
        if tags.identify(raw, place) != tags.INTEGRITY:
            return blocks, 0, 0
        count, use = struct.unpack_from("<II", raw, 72)
        if count > MAX_PARTITION_MAPS or 80 + count * 8 + 40 > len(raw) or use < 46:
            return blocks, 0, 0
        free = [number for number in struct.unpack_from(f"<{count}I", raw, 80) if number != 0xFFFFFFFF]
        files, directories = struct.unpack_from("<II", raw, 80 + count * 8 + 32)
        return blocks, min(sum(free), blocks), files + directories
