"""What a successor of vfs makes of the records of the one before (`recording`): mounts, then what is open on them.

Whatever cannot be had again is left out, with a line in the log; the gateway then tells whoever holds it (EIO). A file
that was written to and not made safe before the end tells so once: its next fsync or fdatasync fails with EIO, since
what was written may not be there.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rumpuser.component import KERNEL, ROOT_CRED, Context
from rumpuser.pending import value_of
from rumpuser.plain import whole
from rumpvfs.core.locks import Lock
from rumpvfs.core.mount import hold
from rumpvfs.core.recording import HANDLE, HOST
from rumpvfs.core.specfs import DeviceFile
from rumpvfs.core.state import Held
from rumpvfs.core.vnode import NewNode, Vnode, VType
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpvfs.core.disks import Disks
    from rumpvfs.core.locking import Locking
    from rumpvfs.core.state import Vfs

log = logging.getLogger(__name__)


class Restoring:
    """One successor at its start."""

    def __init__(self, vfs: Vfs, call: Callable[..., Any], locking: Locking, disks: Disks) -> None:
        self._vfs = vfs
        self._call = call
        self._locking = locking
        self._disks = disks
        self._records = vfs.host.records

    async def restore(self) -> None:
        """All of it. The order of mounts is that in which they were made."""
        for _, _, last in self._records.items("last"):
            self._vfs.restart_handles(last)
        for key, value, _ in self._records.items("etfs"):
            self._attempt(f"host file {key!r}", self._register, key, value)
        taken = {key: value for key, value, _ in self._records.items("taken")}
        self._take(taken)
        for number, value, _ in sorted(self._records.items("mounts"), key=lambda item: item[0]):
            try:
                await self._mount(number, *value)
            except (KernelError, ValueError) as error:
                log.error("%s is not mounted again on %r: %s", value[0], value[1], error)
                self._records.delete("mounts", number)
            self._take(taken)  # that may stand on a file in it
        for key, socket, _ in self._records.items("sockets"):
            self._vfs.sockets[key] = socket
        gates = self._vfs.gates
        if gates.used:
            await value_of(self._vfs.host.offload(lambda: gates.visit(self._open)))
        else:
            self._open()

    def _open(self) -> None:
        """What is open on the mounts."""
        for table, restore in (("files", self._file), ("directories", self._directory), ("devices", self._device)):
            for key, value, number in self._records.items(table):
                if not self._attempt(f"{table} {key}", restore, key, value, number):
                    self._records.delete(table, key)
        for where, locks, _ in self._records.items("locks"):
            self._attempt("locks", self._lock, where, locks)

    def _attempt(self, what: str, restore: Callable[..., None], *args: Any) -> bool:
        try:
            restore(*args)
        except (KernelError, ValueError, TypeError, LookupError) as error:
            log.warning("%s does not come back: %s", what, error)
            return False
        return True

    def _take(self, taken: dict[int, Sequence[Any]]) -> None:
        """The disks that dev uses, as far as they are there by now."""
        for handle, value in list(taken.items()):
            with contextlib.suppress(KernelError):
                self._disks.take_again(handle, *value)
                del taken[handle]

    # -- mounts

    def _register(self, key: bytes, value: Sequence[Any]) -> None:
        self._vfs.etfs.register_again(b"/" + key, *value)

    async def _mount(
        self, number: int, kind: str, path: bytes, flags: int, source: bytes, args: Any, owner: int
    ) -> None:
        vfs = self._vfs
        vfs.mounts.number_next(number)
        ctx = Context(0, ROOT_CRED._replace(uid=owner, euid=owner), umask=0)
        self._make(path)
        data = whole(args)
        try:
            await value_of(self._call(KERNEL, calls.MOUNT, (kind, path, flags, data)))
        except KernelError as error:
            if error.errno != Errno.EROFS or flags & const.MNT_RDONLY:
                raise
            log.error("%r is mounted read-only, since it cannot be written to as it was left: %s", path, error)
            await value_of(self._call(KERNEL, calls.MOUNT, (kind, path, flags | const.MNT_RDONLY, data)))
        vfs.mounts.list[-1].owner = ctx.cred.euid

    def _make(self, path: bytes) -> None:
        """The directories of a path that are not there, as those in the root are not."""
        names = self._vfs.names
        at = b""
        for part in path.strip(b"/").split(b"/"):
            at += b"/" + part
            try:
                names.lookup(KERNEL, at)
            except KernelError as error:
                if error.errno != Errno.ENOENT:
                    raise
                place = names.locate(KERNEL, at)
                place.directory.create(place.name, NewNode(VType.DIR, 0o755, 0, 0))
                names.cache.forget(place.directory, place.name)

    # -- what was open

    def _find(self, where: Sequence[Any]) -> Vnode:
        """ESTALE, ENOENT."""
        vfs = self._vfs
        if where[0] == HOST:
            return vfs.etfs.entries[where[1]]
        if where[0] != HANDLE:
            return vfs.names.lookup(KERNEL, where[1])
        _, number, fileno, generation = where
        mount = next((m for m in vfs.mounts.list if const.minor(m.dev) == number), None)
        if mount is None:
            raise KernelError(Errno.ESTALE, "its file system is not mounted any more")
        if mount.fs.gates:
            vfs.gates.enter(mount.fs.gates, interruptible=False)
        return mount.fs.vget(fileno, generation)

    def _file(self, handle: int, value: Sequence[Any], number: int) -> None:
        where, flags, below, append_only = value
        vnode = self._find(where)
        if flags & const.O_ACCMODE != const.O_RDONLY and vnode.fs.mount.readonly:
            raise KernelError(Errno.EROFS, "its file system is read-only now")
        vnode.opening(write=flags & const.O_ACCMODE != const.O_RDONLY)
        file = self._vfs.open_data(vnode, flags)
        file.offset, file.below, file.append_only = number >> 1, below, append_only
        file.unsafe = file.failed = bool(number & 1)
        self._vfs.files[handle] = file

    def _directory(self, handle: int, where: Sequence[Any], count: int) -> None:
        vnode = self._find(where)
        if vnode.vtype is not VType.DIR:
            raise KernelError(Errno.ENOTDIR, "it is no directory any more")
        held = Held(hold(vnode))
        held.count = count
        self._vfs.directories[handle] = held

    def _device(self, handle: int, value: Sequence[Any], number: int) -> None:
        block, rdev, flags, of_dev = value
        node = self._vfs.device_node(block, rdev)
        self._vfs.files[handle] = DeviceFile(node, flags, self._vfs.bus, of_dev)

    def _lock(self, where: Sequence[Any], locks: Sequence[Sequence[Any]]) -> None:
        vnode = self._find(where).base()
        for (kind, number), start, end, exclusive, pid, uid in locks:
            owner = number if kind == "process" else self._vfs.files[number]
            self._locking.table.set(vnode, Lock(owner, start, end, exclusive, pid, uid))


def keep(vfs: Vfs, handles: Sequence[int], directories: Sequence[int]) -> tuple[list[int], list[int]]:
    """Closes what neither the gateway nor dev holds; which of the gateway's handles there are."""
    of_dev = {key for key, _, _ in vfs.host.records.items("taken")}
    for handle in set(vfs.files) - set(handles) - of_dev:
        file = vfs.take_file(handle)
        if not isinstance(file, DeviceFile):  # dev goes through its own
            file.close(KERNEL)
    for handle in set(vfs.directories) - set(directories):
        vfs.directories[handle].count = 1
        vfs.dir_release(KERNEL, handle)
    return [h for h in handles if h in vfs.files], [h for h in directories if h in vfs.directories]
