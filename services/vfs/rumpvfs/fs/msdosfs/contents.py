"""Contents of files: bytes of a chain as ranges of the device. FAT and exFAT have it in common."""

from __future__ import annotations

from rumpuser.host import Buffer
from rumpvfs.core.vnode import BlockDevice
from rumpwire.errno import Errno, KernelError

from .bpb import Geometry
from .chain import Chain

PIECE = 1 << 20
_ZEROS = memoryview(bytes(PIECE))


class Contents:
    """The device, and where its clusters are."""

    __slots__ = ("device", "geometry")

    def __init__(self, device: BlockDevice, geometry: Geometry) -> None:
        self.device = device
        self.geometry = geometry

    def view(self, chain: Chain, offset: int, length: int) -> Buffer:
        """Bytes of a file: one view where they are adjacent. EIO when the chain is too short for them."""
        size = self.geometry.cluster
        if not chain.reach(-(-(offset + length) // size)):
            raise KernelError(Errno.EIO, f"the chain from cluster {chain.first} is shorter than its file", "fat")
        cluster, count = chain.run(offset // size)
        inside = offset % size
        if inside + length <= count * size:
            return self.device.view(self.geometry.offset(cluster) + inside, length)
        return b"".join(self.device.view(at, piece) for at, piece in chain.pieces(offset, length))

    def write(self, chain: Chain, offset: int, data: Buffer) -> None:
        """Bytes into clusters that are there. EIO, ENOSPC."""
        size = self.geometry.cluster
        cluster, count = chain.run(offset // size)
        if offset % size + len(data) <= count * size:
            self.device.write(self.geometry.offset(cluster) + offset % size, data)
            return
        view = memoryview(data)
        done = 0
        for at, piece in chain.pieces(offset, len(view)):
            self.device.write(at, view[done : done + piece])
            done += piece

    def clear(self, chain: Chain, offset: int, end: int) -> None:
        """Zeros."""
        while offset < end:
            piece = min(end - offset, PIECE)
            self.write(chain, offset, _ZEROS[:piece])
            offset += piece
