"""Regular files."""

from __future__ import annotations

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

from . import dirent
from .chain import Chain
from .node import FILE_MAX, Node


class FileNode(Node):
    """A regular file. What is behind its size in its last cluster is nobody's."""

    __slots__ = ()

    def read(self, offset: int, length: int) -> Buffer:
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        if self.fs.keeps_atime():
            self.accessed_now()
        return self.fs.volume.view(self.chain(), offset, length)

    def accessed_now(self) -> None:
        date = self.fs.today().to_bytes(2, "little")
        if self.raw[18:20] != date:
            self.raw[18:20] = date
            self.store()

    def write(self, offset: int, data: Buffer) -> int:
        """All or nothing."""
        length = len(data)
        if length == 0:
            return 0
        end = offset + length
        if end > FILE_MAX:
            raise KernelError(Errno.EFBIG)
        volume = self.fs.volume
        volume.begin()
        chain = self._sound_chain() if self.size or self.first else self.chain()
        self._extend(chain, end, data if offset >= self.size else b"", offset)
        if offset < self.size:
            volume.write(chain, offset, data)
        self._written(chain, max(end, self.size))
        return length

    def _sound_chain(self) -> Chain:
        """EIO when there are fewer clusters than the size says, or when some are another's too."""
        chain = self.chain()
        if not chain.reach(-(-self.size // self.fs.volume.geometry.cluster)):
            raise KernelError(Errno.EIO, f"the chain from cluster {chain.first} is shorter than its file", "msdos")
        self.vet()
        return chain

    def _extend(self, chain: Chain, end: int, data: Buffer, offset: int) -> None:
        """Clusters up to ``end``, zeros from the size to ``offset``, ``data`` there. Or nothing: ENOSPC, EIO."""
        volume = self.fs.volume
        runs = volume.extend(chain, -(-end // volume.geometry.cluster))
        try:
            if offset > self.size:
                volume.clear(chain, self.size, offset)
            if data:
                volume.write(chain, offset, data)
        except KernelError:
            if runs:
                volume.undo(chain, chain.known - sum(count for _, count in runs))
            raise

    def _written(self, chain: Chain, size: int) -> None:
        """The entry after contents were changed."""
        if size != self.size:
            self.size = size
            self.raw[28:32] = size.to_bytes(4, "little")
        self.set_first(chain.first)
        self.raw[11] |= dirent.ARCHIVE
        self.changed_now()
        self.store()

    def resize(self, size: int) -> None:
        if size > FILE_MAX:
            raise KernelError(Errno.EFBIG)
        if size > self.size:
            chain = self._sound_chain()
            self._extend(chain, size, b"", size)
        else:
            chain = self.chain()
            keep = -(-size // self.fs.volume.geometry.cluster)
            if not chain.reach(keep):
                raise KernelError(Errno.EIO, f"the chain from cluster {chain.first} is shorter than its file", "msdos")
            if self.up is not None:
                self.up.directory().open()
            self.fs.volume.shorten(chain, keep)
        self._written(chain, size)

    def allocate(self, offset: int, length: int) -> None:
        """Files have no holes: only what is behind the size is to be filled. EFBIG, ENOSPC, EIO."""
        if offset + length > self.size:
            self.fs.volume.begin()
            self.resize(offset + length)
