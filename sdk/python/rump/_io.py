"""Files of a kernel as io objects."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

from rump._arguments import PathArg

if TYPE_CHECKING:
    from rump._sys import Sys

BUFFER = 1 << 16
"""Size of buffers: each fill is a call, so they are larger than those of files of the host."""

_CREATE = {"r": 0, "w": os.O_CREAT | os.O_TRUNC, "a": os.O_CREAT | os.O_APPEND, "x": os.O_CREAT | os.O_EXCL}


class KernelFile(io.RawIOBase):
    """An open file of a kernel. ``fd`` is its descriptor there; it has none here, so that `fileno` is refused."""

    def __init__(self, sys: Sys, file: PathArg, mode: str) -> None:
        super().__init__()
        self._sys = sys
        self._reads = "r" in mode or "+" in mode
        self._writes = mode[0] in "wax" or "+" in mode
        self.mode = mode
        self.name = file
        access = os.O_RDWR if self._reads and self._writes else os.O_WRONLY if self._writes else os.O_RDONLY
        self.fd = -1
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


def open_file(
    sys: Sys, file: PathArg, mode: str, buffering: int, encoding: str | None, errors: str | None, newline: str | None
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
    raw = KernelFile(sys, file, kind + "+" * ("+" in mode))
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
