"""Volume descriptors (ECMA-119 section 8): which trees a session has.

They are in sectors of 2048 bytes from the 16th of the session on, and end with a terminator.
"""

from __future__ import annotations

from typing import NamedTuple

from rumpvfs.core.vnode import BlockDevice
from rumpwire.errno import Errno, KernelError

from . import records
from .records import SECTOR, Record

FIRST = 16
ID = b"CD001"
PRIMARY, SUPPLEMENTARY, TERMINATOR = 1, 2, 255
MAX_DESCRIPTORS = 64
BLOCK_SIZES = (512, 1024, 2048)
JOLIET = {b"%/@": 1, b"%/C": 2, b"%/E": 3}
_HIGH_SIERRA = b"CDROM"


class Descriptor(NamedTuple):
    """A primary or supplementary descriptor. ``joliet`` is the level of UCS-2, 0 for none."""

    joliet: int
    block_size: int
    blocks: int
    label: bytes
    root: Record


def is_volume(device: BlockDevice, sector: int = 0) -> bool:
    at = (sector + FIRST) * SECTOR
    return at + SECTOR <= device.size and bytes(device.view(at + 1, 5)) == ID


def read(device: BlockDevice, sector: int) -> tuple[Descriptor | None, Descriptor | None]:
    """The primary descriptor and the Joliet one with the highest level. EINVAL for another image, EIO."""
    if not is_volume(device, sector):
        raise KernelError(Errno.EINVAL, _why(device, sector), "cd9660")
    primary: Descriptor | None = None
    joliet: Descriptor | None = None
    for number in range(MAX_DESCRIPTORS):
        at = (sector + FIRST + number) * SECTOR
        if at + SECTOR > device.size:
            break
        raw = device.view(at, SECTOR)
        if bytes(raw[1:6]) != ID or raw[0] == TERMINATOR:
            break
        if raw[0] == PRIMARY and primary is None:
            primary = _parse(raw, at, 0)
        elif raw[0] == SUPPLEMENTARY and (level := JOLIET.get(bytes(raw[88:91]), 0)):
            joliet = _better(joliet, _parse(raw, at, level))
    return primary, joliet


def _better(one: Descriptor | None, other: Descriptor) -> Descriptor:
    return other if one is None or other.joliet > one.joliet else one


def _why(device: BlockDevice, sector: int) -> str:
    at = (sector + FIRST) * SECTOR
    if at + SECTOR <= device.size and bytes(device.view(at + 9, 5)) == _HIGH_SIERRA:
        return "a High Sierra volume, older than ISO 9660"
    return "not an ISO 9660 volume"


def _parse(raw: memoryview, at: int, joliet: int) -> Descriptor:
    block_size = int.from_bytes(raw[128:130], "little")
    if block_size not in BLOCK_SIZES:
        raise KernelError(Errno.EINVAL, f"logical blocks of {block_size} bytes", "cd9660")
    blocks = int.from_bytes(raw[80:84], "little")
    root = records.parse(raw[156:190], at + 156)
    return Descriptor(joliet, block_size, blocks, bytes(raw[40:72]), root)
