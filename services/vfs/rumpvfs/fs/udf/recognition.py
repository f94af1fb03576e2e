"""Finding the volume: recognition sequence, anchors, volume descriptors (ECMA-167 parts 2 and 3).

The sector size is not recorded: it is the one with which an anchor is where it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rumpvfs.core.vnode import BlockDevice
from rumpwire.errno import Errno, KernelError

from . import tags

SECTOR_SIZES = (2048, 512, 4096, 1024)
_RECOGNITION, _STEP, _STEPS = 32768, 2048, 64
_ANCHOR = 256
_MAX_SECTORS = 4096
_MAX_POINTERS = 16


@dataclass(slots=True)
class Descriptors:
    """What a volume descriptor sequence has: the prevailing logical volume, and partitions by number."""

    sector: int
    logical: memoryview | None = None
    partitions: dict[int, memoryview] = field(default_factory=dict)
    rank: dict[object, int] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        return self.logical is not None and bool(self.partitions)


def is_volume(device: BlockDevice) -> bool:
    """Whether the recognition sequence has NSR02 or NSR03."""
    for number in range(_STEPS):
        at = _RECOGNITION + number * _STEP
        if at + 7 > device.size:
            return False
        if bytes(device.view(at + 1, 5)) in (b"NSR02", b"NSR03"):
            return True
    return False


def read(device: BlockDevice) -> Descriptors:
    """The volume descriptors, from the main or else the reserve sequence. EINVAL without anchor, EIO."""
    found = False
    for sector in SECTOR_SIZES:
        for anchor in _anchors(device, sector):
            found = True
            for at in (16, 24):
                length = int.from_bytes(anchor[at : at + 4], "little")
                place = int.from_bytes(anchor[at + 4 : at + 8], "little")
                descriptors = _sequence(device, sector, place, length)
                if descriptors.complete:
                    return descriptors
    if found:
        raise tags.bad("neither sequence of volume descriptors is sound")
    raise KernelError(Errno.EINVAL, "no UDF anchor", "udf")


def _anchors(device: BlockDevice, sector: int) -> Iterator[memoryview]:
    last = device.size // sector - 1
    for place in (_ANCHOR, last, last - _ANCHOR, 512):
        if 0 < place <= last:
            raw = device.view(place * sector, 512)
            if tags.identify(raw, place) == tags.ANCHOR:
                yield raw


def _sequence(device: BlockDevice, sector: int, place: int, length: int) -> Descriptors:
    """Later descriptors of one kind count when their sequence number is higher."""
    found = Descriptors(sector)
    pointers = 0
    end = place + min(length // sector, _MAX_SECTORS)
    while place < end and (place + 1) * sector <= device.size:
        raw = device.view(place * sector, sector)
        kind = tags.identify(raw, place)
        if kind == tags.TERMINATING:
            break
        if kind == tags.POINTER and pointers < _MAX_POINTERS:
            pointers += 1
            place = int.from_bytes(raw[24:28], "little")
            end = place + min(int.from_bytes(raw[20:24], "little") // sector, _MAX_SECTORS)
            continue
        _take(found, kind, raw)
        place += 1
    return found


def _take(found: Descriptors, kind: int, raw: memoryview) -> None:
    if kind not in (tags.LOGICAL_VOLUME, tags.PARTITION):
        return
    number = int.from_bytes(raw[22:24], "little") if kind == tags.PARTITION else None
    rank = int.from_bytes(raw[16:20], "little")
    if rank < found.rank.get(number, 0):
        return
    found.rank[number] = rank
    if number is None:
        found.logical = raw
    else:
        found.partitions[number] = raw
