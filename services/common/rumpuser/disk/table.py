"""What the tables have in common."""

from __future__ import annotations

from typing import NamedTuple

from rumpwire.errno import Errno, KernelError

SECTOR = 512


class Partition(NamedTuple):
    """``start`` and ``size`` are bytes; ``type`` is as the table has it: 0x83, a GUID, or a name of disklabel(5)."""

    name: str
    start: int
    size: int
    type: str
    label: str = ""


def damaged(text: str) -> KernelError:
    return KernelError(Errno.EIO, f"partition table: {text}")
