"""What vfs leaves to its successor, written as it changes (`rumpuser.records`); `restoring` reads it.

Mounts are known by the number of their device, files by mount, number and generation, as in file handles: names do not
matter. Directories of the root, whose contents are gone with the process, are known by their path. The number of an
open file's record is twice its offset, and one more while something was written to it that no fsync has made safe.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rumpuser.plain import flat
from rumpuser.records import Records
from rumpvfs.core.etfs import HostVnode
from rumpvfs.core.file import DataFile, OpenFile
from rumpvfs.core.specfs import DeviceFile
from rumpvfs.core.vnode import FileSystem, Vnode, VType
from rumpwire import const
from rumpwire.errno import KernelError

if TYPE_CHECKING:
    from rumpvfs.core.locks import Lock
    from rumpvfs.core.mount import Mount
    from rumpvfs.core.state import Vfs

PATH, HANDLE, HOST = "path", "handle", "host"
"""Ways to a file: by path (directories of the root), by file handle, by the key of a host file."""

Where = tuple[Any, ...]


OFFSET_MAX = (1 << 62) - 1
"""What fits beside the mark of unsafe data into the number of a record."""


class Recorder:
    """Writes it down. ``on`` is false where there will be no successor: then nothing is done on the way of data."""

    def __init__(self, vfs: Vfs, records: Records) -> None:
        self._vfs = vfs
        self._records = records
        self.on = records.on

    # -- mounts and host files

    def mounted(self, mount: Mount) -> None:
        if self.on and mount.covered is not None:
            value = (mount.type.name, mount.path, mount.flags, mount.source, flat(mount.args), mount.owner)
            self._records.put("mounts", const.minor(mount.dev), value)

    def unmounted(self, mount: Mount) -> None:
        self._records.delete("mounts", const.minor(mount.dev))

    def registered(self, key: bytes, hostpath: bytes, kind: int, begin: int, size: int | None) -> None:
        etfs = self._vfs.etfs
        if self.on:
            self._records.put("etfs", etfs.key(key), (hostpath, kind, begin, size, etfs.identity(key)))

    def removed(self, key: bytes) -> None:
        self._records.delete("etfs", self._vfs.etfs.key(key))

    # -- open files

    def numbered(self, handle: int) -> None:
        """The handle that was given out last."""
        self._records.last("last", handle)

    def opened(self, handle: int, file: OpenFile) -> None:
        if isinstance(file, DeviceFile):
            rdev = file.vnode.getattr().st_rdev
            self._records.put("devices", handle, (file.vnode.vtype is VType.BLK, rdev, file.flags, file.handle))
        elif isinstance(file, DataFile):
            where = self.where(file.vnode)
            if where is not None:
                self._records.put("files", handle, (where, file.flags, file.below, file.append_only), file.offset << 1)

    def closed(self, handle: int) -> None:
        self._records.delete("files", handle)
        self._records.delete("devices", handle)

    def flags(self, handle: int, file: OpenFile) -> None:
        self.opened(handle, file)
        self.moved(handle, file)

    def moved(self, handle: int, file: OpenFile) -> None:
        """The offset has changed, or it is known whether the data are safe."""
        if type(file) is DataFile:
            offset = min(file.offset, OFFSET_MAX)  # places in directories of servers may be any 64 bits
            self._records.count("files", handle, offset << 1 | file.unsafe)

    def held(self, handle: int, vnode: Vnode, count: int) -> None:
        where = self.where(vnode)
        if where is not None:
            self._records.put("directories", handle, where, count)

    def counted(self, handle: int, count: int) -> None:
        if count:
            self._records.count("directories", handle, count)
        else:
            self._records.delete("directories", handle)

    # -- disks that dev uses

    def taken(self, handle: int, path: bytes, readonly: bool, files: bool) -> None:
        self._records.delete("files", handle)
        self._records.put("taken", handle, (path, readonly, files))

    def given(self, handle: int) -> None:
        self._records.delete("taken", handle)

    # -- locks and sockets

    def locked(self, vnode: Vnode, locks: Iterable[Lock]) -> None:
        where = self.where(vnode) if self.on else None
        if where is None:
            return
        kept = [(self._owner(lock.owner), lock.start, lock.end, lock.exclusive, lock.pid, lock.uid) for lock in locks]
        if kept:
            self._records.put("locks", where, kept)
        else:
            self._records.delete("locks", where)

    def _owner(self, owner: Any) -> tuple[str, int]:
        if isinstance(owner, int):
            return "process", owner
        return "file", next((handle for handle, file in self._vfs.files.items() if file is owner), 0)

    def bound(self, key: tuple[int, int], socket: int) -> None:
        self._records.put("sockets", key, socket)  # its number has 64 bits, a counter of a record 63

    def unbound(self, key: tuple[int, int]) -> None:
        self._records.delete("sockets", key)

    # -- ways to files

    def where(self, vnode: Vnode) -> Where | None:
        """How the successor finds a file; None when it cannot."""
        fs = vnode.fs
        if isinstance(vnode, HostVnode):
            key = next((key for key, found in self._vfs.etfs.entries.items() if found is vnode), None)
            return (HOST, key) if key is not None else None
        with contextlib.suppress(KernelError):
            if fs is self._vfs.root_mount.fs:
                root = self._vfs.names.root
                return (PATH, self._vfs.names.path_of(vnode, root)) if vnode.vtype is VType.DIR else None
            if type(fs).vget is FileSystem.vget or fs.type_name == "tmpfs":
                at_root = vnode is fs.mount.root
                return (PATH, fs.mount.path) if at_root else None
            return HANDLE, const.minor(fs.dev), vnode.fileno, vnode.getattr().st_gen
        return None
