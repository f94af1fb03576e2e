"""Regular files as vnodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpuser.host import Buffer
from rumpvfs.core.vnode import VType
from rumpwire.errno import Errno, KernelError

from . import inlinedata
from .content import Content
from .inode import Inode
from .nodes import Node
from .volume import FileData
from .writer import Writer

if TYPE_CHECKING:
    from .driver import Ext2FileSystem

# A call that writes more is done in several operations.
_CHUNK = 16 << 20
_FULL = (Errno.ENOSPC, Errno.EDQUOT)


def _less(offset: int, length: int, block: int) -> int:
    """About half of a write, up to a border of blocks: so all that an attempt overwrote is written in the end.

    0 for what lies in one block.
    """
    end = max((offset + length // 2) // block, offset // block + 1) * block
    return end - offset if end < offset + length else 0


class RegularFile(Node):
    """A file with contents in blocks or, small ones, in the inode."""

    __slots__ = ("_content", "_data", "_inline")

    def __init__(self, fs: Ext2FileSystem, inode: Inode, vtype: VType) -> None:
        super().__init__(fs, inode, vtype)
        self.forget()

    def forget(self) -> None:
        self._data: FileData | None = None
        self._inline: bytes | None = None
        self._content: Content | None = None

    def read(self, offset: int, length: int) -> Buffer:
        fs = self.fs
        if fs.writer is not None and not fs.noatime:
            fs.writer.accessed(self.inode)
        data = self._data
        if data is not None:
            return data.read(offset, length)
        self._open()
        if self._inline is not None:
            return memoryview(self._inline)[offset : offset + length]
        assert self._data is not None
        return self._data.read(offset, length)

    def seek(self, offset: int, *, hole: bool) -> int:
        self._open()
        if self._data is None or offset >= self._data.size:
            return super().seek(offset, hole=hole)
        return self._data.seek(offset, hole=hole)

    def _open(self) -> None:
        if self._data is not None or self._inline is not None:
            return
        self._refuse_encrypted()
        if self._volume.is_inline(self.inode):
            self._inline = self._volume.inline_contents(self.inode)
        else:
            self._data = self._volume.data(self.inode)

    # -- changing

    def _writable(self, writer: Writer) -> Content:
        """The contents in blocks, to be changed; what is inline moves to a block first."""
        self._refuse_encrypted()
        self._data = self._inline = None
        if self._volume.is_inline(self.inode):
            self._content = None
            contents = self._volume.inline_contents(self.inode)
            inlinedata.move_out(writer, self.inode)
            writer.resize(self.inode, 0)
            self._content = Content(writer, self.inode)
            self._content.write(0, contents)
        elif self._content is None:
            self._content = Content(writer, self.inode)
        return self._content

    def write(self, offset: int, data: Buffer) -> int:
        writer = self._writer()
        view = memoryview(data)
        end = offset + len(view)
        if end > (1 << 63) - 1:
            raise KernelError(Errno.EFBIG)
        at, size = offset, _CHUNK
        while at < end:
            part = view[at - offset : at - offset + size]
            error = self._try_write(writer, at, part)
            if error is None:
                at += len(part)
            elif error.errno in _FULL and (less := _less(at, len(part), writer.volume.sb.block_size)):
                size = less  # As much as there is room for.
            elif at == offset:
                raise error
            else:
                break
        return at - offset

    def _try_write(self, writer: Writer, at: int, part: memoryview) -> KernelError | None:
        try:
            writer.run(lambda: self._write(writer, at, part))
        except KernelError as error:
            return error
        return None

    def _write(self, writer: Writer, offset: int, data: memoryview) -> None:
        inode = self.inode
        if self._volume.is_inline(inode) and max(offset + len(data), inode.size) <= inlinedata.room(writer, inode):
            self._write_inline(writer, offset, data)
        else:
            content = self._writable(writer)
            if offset + len(data) > content.size_max:
                raise KernelError(Errno.EFBIG)
            content.write(offset, data)
        writer.transaction.touch(inode)
        inode.mtime_ns = inode.ctime_ns = writer.env.now_ns()

    def _write_inline(self, writer: Writer, offset: int, data: memoryview) -> None:
        old = self._volume.inline_contents(self.inode)
        new = old[:offset].ljust(offset, b"\0") + bytes(data) + old[offset + len(data) :]
        self._store_inline(writer, new)

    def _store_inline(self, writer: Writer, new: bytes) -> None:
        self.forget()
        inlinedata.store(writer, self.inode, new)
        writer.resize(self.inode, len(new))

    def truncate(self, writer: Writer, size: int) -> None:
        inode = self.inode
        if self._volume.is_inline(inode) and size <= inlinedata.room(writer, inode):
            self._refuse_encrypted()
            self._store_inline(writer, self._volume.inline_contents(inode)[:size].ljust(size, b"\0"))
            return
        content = self._writable(writer)
        if size > content.size_max:
            raise KernelError(Errno.EFBIG)
        content.truncate(size)

    def allocate(self, offset: int, length: int) -> None:
        writer = self._writer()

        def work() -> None:
            content = self._writable(writer)
            if offset + length > content.size_max:
                raise KernelError(Errno.EFBIG)
            content.allocate(offset, length)
            self._touched(writer)

        try:
            writer.run(work)
        except KernelError:
            if self.inode.links and self.inode.number in writer.orphans:
                writer.run(lambda: self._writable(writer).undo_allocate())
            raise

    def discard(self, offset: int, length: int) -> None:
        writer = self._writer()
        length = min(length, self.inode.size - offset)
        if length <= 0:
            return

        def work() -> None:
            if self._volume.is_inline(self.inode):
                self._write_inline(writer, offset, memoryview(bytes(length)))
            else:
                self._writable(writer).discard(offset, length)
            self._touched(writer)
            self.inode.mtime_ns = self.inode.ctime_ns

        writer.run(work)
