"""``k.sys`` and ``k.pub``: the generated calls, with what Python adds to some of them."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rump._arguments import Buffer, PathArg, buffer
from rump._arguments import path as encode_path
from rump._base import failure
from rump._calls import AsyncPubCalls, AsyncSysCalls, PubCalls, SysCalls
from rump._connection import CHUNK
from rumpwire import calls, const
from rumpwire.calls import Op
from rumpwire.errno import KernelError
from rumpwire.step import Step
from rumpwire.values import DiskArgs, ModctlLoad, ModuleStat, MountArgs, OptionArgs, TmpfsArgs

AHEAD = 4
"""Pieces of a long read that are under way at a time on a connection to another host."""


def mount_arguments(
    type: str,
    flags: int,
    data: MountArgs | None,
    device: PathArg | None,
    readonly: bool | None,
    options: Mapping[str, Any],
) -> tuple[int, MountArgs | None]:
    """Flags and arguments of mount out of its keywords.

    ``readonly`` and names such as ``noatime`` are flags; ``device`` and what else is given become typed arguments.
    """
    rest = dict(options)
    for name in [n for n in rest if f"MNT_{n.upper()}" in vars(const) and isinstance(rest[n], bool)]:
        if rest.pop(name):
            flags |= vars(const)[f"MNT_{name.upper()}"]
    if readonly is not None:
        flags = flags | const.MNT_RDONLY if readonly else flags & ~const.MNT_RDONLY
    if data is not None or (device is None and not rest):
        return flags, data
    if type == "tmpfs" and set(rest) <= set(TmpfsArgs._fields):
        return flags, TmpfsArgs(**{name: int(value) for name, value in rest.items()})
    fspec = b"" if device is None else encode_path(device)
    return flags, OptionArgs(fspec, {n: str(v) for n, v in rest.items()}) if rest else DiskArgs(fspec)


def _module_name(name: PathArg) -> str:
    return os.fsdecode(name)


class Sys(SysCalls):
    """System calls of a process."""

    __slots__ = ()

    def read(self, fd: int, nbyte: int) -> bytes:
        """Reads at most nbyte bytes; empty at end of file. EBADF, EISDIR, EAGAIN, EINTR, EIO, EINVAL."""
        if nbyte <= CHUNK:
            return super().read(fd, nbyte)
        return self._read_long(calls.READ, fd, nbyte)

    def pread(self, fd: int, nbyte: int, offset: int) -> bytes:
        """read at an offset. As read; ESPIPE, EINVAL."""
        if nbyte <= CHUNK:
            return super().pread(fd, nbyte, offset)
        return self._read_long(calls.PREAD, fd, nbyte, offset)

    def write(self, fd: int, data: Buffer) -> int:
        """Writes data and returns how many bytes were taken. EBADF, EPIPE, EAGAIN, EFBIG, ENOSPC, EDQUOT, EINTR, EIO, EROFS."""
        if type(data) is bytes and len(data) <= CHUNK:
            return super().write(fd, data)
        return self._write_long(calls.WRITE, fd, data)

    def pwrite(self, fd: int, data: Buffer, offset: int) -> int:
        """write at an offset. As write; ESPIPE, EINVAL."""
        if type(data) is bytes and len(data) <= CHUNK:
            return super().pwrite(fd, data, offset)
        return self._write_long(calls.PWRITE, fd, data, offset)

    def _read_long(self, op: Op, fd: int, nbyte: int, offset: int | None = None) -> bytes:
        """Piece by piece until one is short. Only files are read on: elsewhere the next piece could wait."""
        many = stat.S_IFMT(self.fstat(fd).st_mode) in (stat.S_IFREG, stat.S_IFBLK)
        pieces: list[bytes] = []
        for size, piece in self._pieces(op, fd, nbyte if many else CHUNK, offset):
            if isinstance(piece, OSError):
                if pieces:
                    break
                raise piece
            pieces.append(piece)
            if len(piece) < size and (offset is not None or not piece):
                break
        return b"".join(pieces)

    def _pieces(self, op: Op, fd: int, nbyte: int, offset: int | None) -> Iterator[tuple[int, bytes | OSError]]:
        """The pieces of a long read of a file, and how long each was to be. Elsewhere the next few are asked for ahead.

        They are read in this order, so those of ``read`` are in one row also where one is short. After a failure the
        offset of the file is anywhere, as read(2) has it.
        """
        ahead = 1 if self._connection.same_host else AHEAD
        asked = 0
        window: deque[tuple[Step, Callable[[], Any]]] = deque()
        while asked < nbyte or window:
            while asked < nbyte and len(window) < ahead:
                size = min(CHUNK, nbyte - asked)
                step = Step(op, (fd, size) if offset is None else (fd, size, offset + asked))
                window.append((step, self._asked(step)))
                asked += size
            step, answer = window.popleft()
            outcome = answer()
            yield step.args[1], failure(op, step.args, outcome) if isinstance(outcome, KernelError) else outcome

    def _asked(self, step: Step) -> Callable[[], Any]:
        """What gives the outcome of a call. On this host it is made then: `post` does not use shared memory."""
        connection = self._connection
        try:
            answer = (lambda: connection.run((step,), True)) if connection.same_host else connection.post((step,), True)
        except KernelError as error:
            lost = error
            return lambda: lost
        return lambda: _first(answer)

    def _write_long(self, op: Op, fd: int, data: Buffer, offset: int | None = None) -> int:
        """Piece by piece until one is taken in part only."""
        view = memoryview(buffer(data))
        done = 0
        while True:
            piece = view[done : done + CHUNK]
            try:
                count: int = self._do(op, (fd, piece) if offset is None else (fd, piece, offset + done))
            except OSError:
                if done:
                    return done
                raise
            done += count
            if count < len(piece) or done >= len(view):
                return done

    def mount(
        self,
        type: str,
        path: PathArg,
        flags: int = 0,
        data: MountArgs | None = None,
        *,
        device: PathArg | None = None,
        readonly: bool | None = None,
        **options: Any,
    ) -> MountArgs | None:
        """Mounts a file system: of a device, or with options of its own (``size_max`` of tmpfs, ...).

        With MNT_GETARGS: the arguments that the file system at the path was mounted with; else None.
        ENODEV, ENOENT, ENOTDIR, EBUSY, EINVAL, EPERM, ENOTBLK, ENXIO, EROFS.
        """
        return super().mount(type, path, *mount_arguments(type, flags, data, device, readonly, options))

    def modctl_load(self, filename: PathArg, flags: int = 0, props: Mapping[str, str] | None = None) -> None:
        """Loads a module: an installed one by name, or a wheel in the kernel's file system by its path. As modctl."""
        self.modctl(const.MODCTL_LOAD, ModctlLoad(_module_name(filename), flags, dict(props or {})))

    def modctl_unload(self, name: str) -> None:
        """Unloads a module. ENOENT, EBUSY, EPERM."""
        self.modctl(const.MODCTL_UNLOAD, None, name)

    def modctl_stat(self) -> list[ModuleStat]:
        """The table of modules."""
        return self.modctl(const.MODCTL_STAT)

    def modctl_exists(self, *, autoload: bool = False) -> bool:
        """Whether modules may be loaded: asked for by name, or on demand."""
        try:
            self.modctl(const.MODCTL_EXISTS, None, None, autoload)
        except PermissionError:
            return False
        return True


class Pub(PubCalls):
    """Exported kernel functions, the rump_pub calls."""

    __slots__ = ()

    def etfs_register(self, key: PathArg, hostpath: PathArg, type: int | str = "reg") -> None:
        """Shows a host file in the kernel: type "reg", "blk", "chr", "dir" or "dir_subdirs".

        The path is one of the machine where vfs runs; over a local socket it may be relative to the working directory here.
        EINVAL, EEXIST, EBUSY, ENOTDIR, EPERM, and what opening the host file gives.
        """
        super().etfs_register(key, _host_path(self._connection.same_host, hostpath), type)

    def etfs_register_withsize(
        self, key: PathArg, hostpath: PathArg, type: int | str, begin: int = 0, size: int | None = None
    ) -> None:
        """etfs_register of a part of a host file. EISDIR for a directory, EINVAL for a range that the file does not have."""
        super().etfs_register_withsize(key, _host_path(self._connection.same_host, hostpath), type, begin, size)


def _first(answer: Callable[[], list[Any]]) -> Any:
    """The outcome of a batch of one call, also where the way to the kernel is lost."""
    try:
        return answer()[0]
    except KernelError as error:
        return error


def _host_path(same_host: bool, hostpath: PathArg) -> bytes:
    name = encode_path(hostpath)
    return os.path.abspath(name) if same_host else name


class AsyncSys(AsyncSysCalls):
    """System calls of a process, for asyncio."""

    __slots__ = ()

    async def mount(
        self,
        type: str,
        path: PathArg,
        flags: int = 0,
        data: MountArgs | None = None,
        *,
        device: PathArg | None = None,
        readonly: bool | None = None,
        **options: Any,
    ) -> MountArgs | None:
        """Mounts a file system, as `Sys.mount`."""
        return await super().mount(type, path, *mount_arguments(type, flags, data, device, readonly, options))

    async def modctl_load(self, filename: PathArg, flags: int = 0, props: Mapping[str, str] | None = None) -> None:
        """Loads a module, as `Sys.modctl_load`."""
        await self.modctl(const.MODCTL_LOAD, ModctlLoad(_module_name(filename), flags, dict(props or {})))

    async def modctl_unload(self, name: str) -> None:
        """Unloads a module. ENOENT, EBUSY, EPERM."""
        await self.modctl(const.MODCTL_UNLOAD, None, name)

    async def modctl_stat(self) -> list[ModuleStat]:
        """The table of modules."""
        return await self.modctl(const.MODCTL_STAT)


class AsyncPub(AsyncPubCalls):
    """Exported kernel functions, for asyncio."""

    __slots__ = ()

    async def etfs_register(self, key: PathArg, hostpath: PathArg, type: int | str = "reg") -> None:
        """Shows a host file in the kernel, as `Pub.etfs_register`."""
        await super().etfs_register(key, _host_path(self._connection.same_host, hostpath), type)

    async def etfs_register_withsize(
        self, key: PathArg, hostpath: PathArg, type: int | str, begin: int = 0, size: int | None = None
    ) -> None:
        """etfs_register of a part of a host file, as `Pub.etfs_register_withsize`."""
        await super().etfs_register_withsize(key, _host_path(self._connection.same_host, hostpath), type, begin, size)
