"""Names of terminals (ptm(4)): dev knows pairs by their numbers, here they get names, owners and modes.

A slave is ``N`` in the ptyfs that was mounted first of those that the caller can see, else one of the nodes ``ttyp0``
to ``ttypf``.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from rumpuser.component import KERNEL, Context
from rumpuser.pending import value_of
from rumpvfs.core.specfs import DeviceFile
from rumpvfs.core.state import BSD_PAIRS, Vfs, bsd_name
from rumpvfs.core.vnode import Changes, Vnode
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlResult, Ptmget

TERMINALS = (const.TIOCPTMGET, const.TIOCPTSNAME, const.TIOCGRANTPT)
TTY_GROUP = 4
"""The group that terminals belong to, so that its members can write messages there."""
TTY_MODE = 0o620


@runtime_checkable
class TerminalNames(Protocol):
    """A file system with terminals in it (ptyfs)."""

    def slave(self, unit: int) -> Vnode: ...

    def granted(self) -> tuple[int, int]:
        """Group and mode of a terminal that somebody takes."""
        ...


class Terminals:
    """The ioctls of ptm and of master sides that are about names."""

    def __init__(self, vfs: Vfs) -> None:
        self.vfs = vfs

    async def ioctl(self, ctx: Context, file: DeviceFile, com: int) -> IoctlResult:
        """ENOTTY, ENOENT when all terminals are in use, ENXIO when the slave has no name."""
        answer = (await file.ioctl(ctx, com, None)).data
        assert isinstance(answer, Ptmget)
        if com == const.TIOCPTMGET:
            return await self._opened(ctx, file, answer)
        path, slave, granted = self._slave(ctx, answer.unit)
        if com == const.TIOCGRANTPT:
            _grant(ctx, slave, *granted)
            return IoctlResult()
        return IoctlResult(0, answer._replace(cn=self._master(answer.unit), sn=path))

    async def _opened(self, ctx: Context, file: DeviceFile, answer: Ptmget) -> IoctlResult:
        """Both sides as open files; the handles of dev are exchanged for those of vfs."""
        bus = self.vfs.bus
        master = DeviceFile(file.vnode, const.O_RDWR, bus, answer.cfd)
        try:
            path, vnode, granted = self._slave(ctx, answer.unit)
        except BaseException:
            await value_of(DeviceFile(file.vnode, const.O_RDWR, bus, answer.sfd).close(KERNEL))
            await value_of(master.close(KERNEL))
            raise
        _grant(ctx, vnode, *granted)
        slave = DeviceFile(vnode, const.O_RDWR, bus, answer.sfd)
        cfd, sfd = self.vfs.install(master), self.vfs.install(slave)
        return IoctlResult(0, Ptmget(cfd, sfd, self._master(answer.unit), path, answer.unit))

    def _master(self, unit: int) -> bytes:
        """Masters in ptyfs have no name, as in the original."""
        return b"/dev/" + bsd_name(b"p", unit) if unit < BSD_PAIRS else b"/dev/null"

    def _slave(self, ctx: Context, unit: int) -> tuple[bytes, Vnode, tuple[int, int]]:
        """Path and node of a slave, and which group and mode it gets. ENXIO."""
        names = self.vfs.names
        for mount in self.vfs.mounts.list:
            fs: object = mount.fs
            if not isinstance(fs, TerminalNames):
                continue
            try:
                base = names.path_of(mount.root, names.root_of(ctx))
            except KernelError:
                continue  # outside of the caller's root directory
            return base.rstrip(b"/") + b"/%d" % unit, fs.slave(unit), fs.granted()
        if unit < BSD_PAIRS:
            path = b"/dev/" + bsd_name(b"t", unit)
            return path, names.lookup(Context(pid=0, root=ctx.root), path), (TTY_GROUP, TTY_MODE)
        raise KernelError(Errno.ENXIO, f"terminal {unit} has no name: mount ptyfs at /dev/pts")


def _grant(ctx: Context, slave: Vnode, gid: int, mode: int) -> None:
    """The terminal belongs to who made it."""
    slave.setattr(Changes(uid=ctx.cred.uid, gid=gid, mode=mode))
