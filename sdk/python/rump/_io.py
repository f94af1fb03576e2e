"""Files of a kernel as io objects."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from rump import _host
from rump._arguments import PathArg
from rump._errors import RumpError
from rump._leases import Counts, Leases, contents_of
from rumpuser.host import Buffer
from rumpuser.leases import OTHERS
from rumpwire.values import Stat

if TYPE_CHECKING:
    from rump._client import Batch, Client
    from rump._sys import Sys

_O_REGULAR = _host.OPEN.names["O_REGULAR"]

FIRST = 32 << 10
"""Bytes that come with the answer to open, where the file is read only."""
AHEAD = 1 << 20
"""Most that is read ahead."""
BUFFER = 1 << 16
"""Size of buffers: each fill is a call, so they are larger than those of files of the host."""

_CREATE = {"r": 0, "w": os.O_CREAT | os.O_TRUNC, "a": os.O_CREAT | os.O_APPEND, "x": os.O_CREAT | os.O_EXCL}


class KernelFile(io.RawIOBase):
    """An open file of a kernel. ``fd`` is its descriptor there; it has none here, so that `fileno` is refused."""

    def __init__(self, sys: Sys, file: PathArg, mode: str, fd: int = -1) -> None:
        super().__init__()
        self._sys = sys
        self._reads = "r" in mode or "+" in mode
        self._writes = mode[0] in "wax" or "+" in mode
        self.mode = mode
        self.name = file
        access = os.O_RDWR if self._reads and self._writes else os.O_WRONLY if self._writes else os.O_RDONLY
        self.fd = fd
        if fd < 0:
            self.fd = sys.open(file, access | _CREATE[mode[0]] | os.O_CLOEXEC, 0o666)

    def readable(self) -> bool:
        return self._reads

    def writable(self) -> bool:
        return self._writes

    def seekable(self) -> bool:
        try:
            self._sys.lseek(self._open(), 0, os.SEEK_CUR)
        except OSError:
            return False
        return True

    def fileno(self) -> int:
        raise io.UnsupportedOperation("a file of a kernel has no descriptor on the host; its own is .fd")

    def isatty(self) -> bool:
        return False

    def readinto(self, target: Any) -> int:
        view = memoryview(target).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        if not self._reads:
            raise io.UnsupportedOperation("not open for reading")
        return self.readall() if size < 0 else self._sys.read(self._open(), size)

    def readall(self) -> bytes:
        pieces: list[bytes] = []
        while piece := self.read(io.DEFAULT_BUFFER_SIZE * 128):
            pieces.append(piece)
        return b"".join(pieces)

    def write(self, data: Any) -> int:
        if not self._writes:
            raise io.UnsupportedOperation("not open for writing")
        return self._sys.write(self._open(), data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._sys.lseek(self._open(), offset, whence)

    def tell(self) -> int:
        return self.seek(0, os.SEEK_CUR)

    def truncate(self, size: int | None = None) -> int:
        length = self.tell() if size is None else size
        self._sys.ftruncate(self._open(), length)
        return length

    def close(self) -> None:
        if self.closed:
            return
        try:
            super().close()
        finally:
            if self.fd >= 0:
                self._sys.close(self.fd)

    def _open(self) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return self.fd


class _Block(NamedTuple):
    """A piece of a file, as it was when the page of leases was that."""

    at: int
    data: bytes
    counts: Counts
    last: bool
    """Whether the file ended with it."""


class AheadFile(KernelFile):
    """A regular file that is only read, in pieces that grow while it is read in order.

    What was read ahead is given as long as nobody has changed the file. Where the next read begins is kept here; the
    offset of the descriptor stays at 0.
    """

    def __init__(self, sys: Sys, file: PathArg, fd: int, leases: Leases, st: Stat) -> None:
        super().__init__(sys, file, "r", fd)
        self._leases = leases
        self._word = contents_of(st.st_dev, st.st_ino)
        self._at = 0
        self._next = FIRST
        self._end = FIRST
        """Where what was read last has ended: who goes on from there reads in order."""
        self.block: _Block | None = None

    def seekable(self) -> bool:
        self._open()
        return True

    def readinto(self, target: Any) -> int:
        view = memoryview(target).cast("B")
        data = self._piece(len(view))
        view[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        return self.readall() if size < 0 else bytes(self._piece(size))

    def readall(self) -> bytes:
        pieces: list[bytes] = []
        while piece := self._piece(AHEAD):
            pieces.append(bytes(piece))
        return b"".join(pieces)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        fd = self._open()
        if whence == os.SEEK_CUR:
            offset, whence = self._at + offset, os.SEEK_SET
        if whence != os.SEEK_SET:
            self._at = self._sys.lseek(fd, offset, whence)
        elif offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        else:
            self._at = offset
        return self._at

    def tell(self) -> int:
        return self.seek(0, os.SEEK_CUR)

    def _piece(self, size: int) -> Buffer:
        """What is at the offset, at most that much, and goes there."""
        fd = self._open()
        block = self.block
        if block is not None and self._leases.same(block.counts, self._word):
            start = self._at - block.at
            if 0 <= start < len(block.data) or (block.last and start == len(block.data)):
                found = memoryview(block.data)[start : start + size]
                self._at += len(found)
                return found
        data = self._fetch(fd, size)[:size]
        self._at += len(data)
        return data

    def _fetch(self, fd: int, size: int) -> bytes:
        """Reads at the offset, and further when all before it was read as well."""
        in_order = self._at == self._end
        self._next = min(2 * self._next, AHEAD) if in_order else FIRST
        counts = self._leases.counts()
        length = max(size, self._next) if in_order and counts is not None else size
        data = self._sys.pread(fd, length, self._at)
        self._end = self._at + len(data)
        self.block = None if counts is None else _Block(self._at, data, counts, len(data) < length)
        return data


def _open_ahead(sys: Sys, file: PathArg, batch: Callable[[], Batch], leases: Leases) -> KernelFile:
    """A file that is only read: the beginning of a regular one comes with the answer to open."""
    counts = leases.counts()
    if counts is None:
        return KernelFile(sys, file, "r")
    with batch() as b:
        opened = b.open(file, os.O_RDONLY | os.O_CLOEXEC | _O_REGULAR, 0o666)
        attributes = b.fstat(opened)
        first = b.pread(opened, FIRST, 0)
    try:
        fd = opened.result()
    except RumpError as error:
        if error.name != "EFTYPE":
            raise
        return KernelFile(sys, file, "r")
    if first.exception() is not None or not leases.same(counts, OTHERS):  # it is one that may change unseen
        return KernelFile(sys, file, "r", fd)
    raw = AheadFile(sys, file, fd, leases, attributes.result())
    data = first.result()
    raw.block = _Block(0, data, counts, len(data) < FIRST)
    return raw


def open_file(
    k: Client, file: PathArg, mode: str, buffering: int, encoding: str | None, errors: str | None, newline: str | None
) -> Any:
    """As the builtin open."""
    kind = mode.replace("t", "").replace("b", "").replace("+", "")
    if (
        kind not in _CREATE
        or set(mode) - set("rwaxbt+")
        or len(set(mode)) != len(mode)
        or ("b" in mode and "t" in mode)
    ):
        raise ValueError(f"invalid mode: {mode!r}")
    text = "b" not in mode
    if not text and (encoding or errors or newline):
        raise ValueError("binary mode takes no encoding, errors or newline")
    if buffering == 0 and text:
        raise ValueError("text files are buffered always")
    if kind == "r" and "+" not in mode and buffering != 0 and k.leases is not None:
        raw = _open_ahead(k.sys, file, k.batch, k.leases)
    else:
        raw = KernelFile(k.sys, file, kind + "+" * ("+" in mode))
    try:
        return _wrap(raw, text, buffering, encoding, errors, newline)
    except BaseException:
        raw.close()
        raise


def _wrap(
    raw: KernelFile, text: bool, buffering: int, encoding: str | None, errors: str | None, newline: str | None
) -> Any:
    if buffering == 0:
        return raw
    size = buffering if buffering > 1 else BUFFER
    buffered: Any
    if "+" in raw.mode:
        buffered = io.BufferedRandom(raw, size)
    elif raw.mode == "r":
        buffered = io.BufferedReader(raw, size)
    else:
        buffered = io.BufferedWriter(raw, size)
    if not text:
        return buffered
    # Files of a kernel are not those of the host's locale: text is UTF-8 unless said otherwise.
    return io.TextIOWrapper(buffered, encoding or "utf-8", errors, newline, line_buffering=buffering == 1)
