"""The console: descriptors 0, 1 and 2 of a new process. What is written goes to the log; there is nothing to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpgateway.core.descriptors import Description, DescriptorTable
from rumpuser.component import Entry
from rumpuser.host import Buffer
from rumpuser.readiness import Selectable
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import FcntlResult, Stat

MAX_LINE = 4096
"""Longer writes are cut in the log: a client must not be able to flood it with one call."""


class _Console(Selectable):
    def descriptors(self) -> DescriptorTable:
        """A table whose descriptors 0, 1 and 2 share one description of the console."""
        table = DescriptorTable()
        description = Description("gateway", 0)
        for _ in range(3):
            table.install(description)
        return table

    def table(self, log: Callable[[str], None]) -> dict[str, Entry]:
        def write(ctx: Any, handle: int, data: Buffer) -> int:
            text = bytes(data[:MAX_LINE]).decode("utf-8", "backslashreplace").rstrip("\n")
            if text:
                log(f"console pid={ctx.pid}: {text}")
            return len(data)

        return {
            "read": Entry(lambda ctx, handle, nbyte: b""),
            "readv": Entry(lambda ctx, handle, iov: b""),
            "write": Entry(write),
            "writev": Entry(lambda ctx, handle, iov: write(ctx, handle, b"".join(iov))),
            "fstat": Entry(lambda ctx, handle: Stat(st_mode=const.S_IFCHR | 0o600, st_nlink=1, st_blksize=512)),
            "close": Entry(lambda ctx, handle: None),
            "fcntl": Entry(_fcntl),
        }


def _fcntl(ctx: Any, handle: int, cmd: int, arg: int | None, lock: Any) -> FcntlResult:
    if cmd == const.F_GETFL:
        return FcntlResult(const.O_RDWR)
    if cmd == const.F_SETFL:
        return FcntlResult()
    raise KernelError(Errno.EINVAL, f"fcntl command {cmd} is not for the console")


CONSOLE = _Console()
