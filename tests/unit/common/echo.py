"""A component for tests of transports: echoes, waits, fails."""

from __future__ import annotations

from typing import Any

from rumpuser.chassis import main
from rumpuser.component import Bus, Component, Context, Entry, Parameters
from rumpuser.host import Host
from rumpuser.pending import Channel, value_of
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import GetpidResult, PipeResult, Stat, Timespec


class Echo(Component):
    """``read`` gives as many bytes as asked, ``flock`` waits for `gate`, ``unlink`` fails, ``chdir`` asks a peer."""

    name = "vfs"

    def __init__(self, host: Host, bus: Bus | None = None, parameters: Parameters | None = None) -> None:
        super().__init__()
        self.host = host
        self.bus = bus
        self.parameters = parameters
        self.gate = Channel(host)
        self.interrupted = 0
        self.table.update(
            {
                "read": Entry(lambda ctx, fd, nbyte: memoryview(bytes([fd % 256]) * nbyte)),
                "write": Entry(lambda ctx, fd, data: len(data)),
                "open": Entry(lambda ctx, path, flags, mode: 7),
                "pipe": Entry(lambda ctx: PipeResult(40, 41)),
                "fstat": Entry(lambda ctx, fd: Stat(st_size=fd, st_ino=9)),
                "getpid": Entry(lambda ctx: GetpidResult(ctx.pid, ctx.cred.uid)),
                "close": Entry(lambda ctx, fd: None),
                "unlink": Entry(self.unlink),
                "rmdir": Entry(self.rmdir),
                "chdir": Entry(self.chdir),
                "umask": Entry(lambda ctx, newmask: "not a number"),
                "nanosleep": Entry(self.nanosleep),
                "flock": Entry(self.flock),
                "module_list": Entry(lambda ctx: []),
            }
        )

    def unlink(self, ctx: Context, path: bytes) -> None:
        raise KernelError(Errno.ENOENT, f"no {path!r}")

    def rmdir(self, ctx: Context, path: bytes) -> None:
        raise RuntimeError("defect")

    async def chdir(self, ctx: Context, path: bytes) -> None:
        assert self.bus is not None
        await value_of(self.bus.peer(path.decode()).call(ctx, OPS["getpid"], ()))

    async def nanosleep(self, ctx: Context, rqtp: Timespec) -> Timespec:
        due = self.host.monotonic_ns() + rqtp.tv_sec * 10**9 + rqtp.tv_nsec
        await self.gate.wait(due)
        return Timespec(0, 0)

    async def flock(self, ctx: Context, fd: int, how: int) -> Any:
        try:
            await self.gate.wait()
        except KernelError:
            self.interrupted += 1
            raise
        if how == 99:
            raise RuntimeError("defect after a wait")


if __name__ == "__main__":
    main(Echo)
