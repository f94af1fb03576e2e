"""The mount table, the file system types, and who holds a mount busy.

A `Mount` ties a file system to the directory that it covers. Every open file and every held directory is a *use* of
its vnode and of the vnode's mount (`hold`, `release`); a mount with uses is busy. A forced unmount turns what is open
into dead vnodes, which answer EIO.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rumpvfs.core.gates import Gate, Gates
from rumpvfs.core.namecache import NameCache
from rumpvfs.core.namei import Names
from rumpvfs.core.syncer import Syncer
from rumpvfs.core.vnode import BlockDevice, Environment, FileSystem, FileSystemType, MountRequest, Vnode, VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import MountArgs, OptionArgs, Statvfs

if TYPE_CHECKING:
    from rumpvfs.core.recording import Recorder

VISIBLE = (
    const.MNT_RDONLY
    | const.MNT_SYNCHRONOUS
    | const.MNT_NOEXEC
    | const.MNT_NOSUID
    | const.MNT_NODEV
    | const.MNT_UNION
    | const.MNT_ASYNC
    | const.MNT_NOATIME
)
MAX_MOUNTS = 1024
"""Each costs memory and a device; no kernel at work has as many."""


@dataclass(slots=True, eq=False)
class Mount:
    """A mounted file system."""

    fs: FileSystem
    type: FileSystemType
    root: Vnode
    covered: Vnode | None
    flags: int
    dev: int
    path: bytes
    source: bytes
    owner: int
    device: BlockDevice | None = None
    uses: int = 0
    dead: bool = False
    args: MountArgs | None = None
    dirty: bool = False
    on_change: Callable[[Mount], None] | None = None

    @property
    def readonly(self) -> bool:
        return bool(self.flags & const.MNT_RDONLY)

    def changed(self) -> None:
        """Something in the file system is about to change: it is to be written out some time."""
        if not self.dirty and self.on_change is not None:
            self.dirty = True
            self.on_change(self)

    def flush(self) -> None:
        """Writes everything out. EIO, ENOSPC: then there is still something to write."""
        if self.readonly:
            return
        self.dirty = False
        try:
            self.fs.sync()
        except KernelError:
            self.dirty = True
            raise

    def statvfs(self) -> Statvfs:
        stat = self.fs.statvfs()
        local = const.MNT_LOCAL if not self.fs.remote else 0
        return stat._replace(
            f_flag=self.flags & VISIBLE | local | (const.MNT_ROOTFS if self.covered is None else 0),
            f_fsid=self.dev,
            f_namemax=self.fs.name_max,
            f_owner=self.owner,
            f_fstypename=self.type.name,
            f_mntonname=self.path,
            f_mntfromname=self.source,
        )


def hold(vnode: Vnode) -> Vnode:
    if not vnode.uses:
        vnode.active()
    vnode.uses += 1
    vnode.fs.mount.uses += 1
    return vnode


def release(vnode: Vnode) -> None:
    mount = vnode.fs.mount
    vnode.uses -= 1
    mount.uses -= 1
    if vnode.uses == 0:
        if not mount.readonly:
            mount.changed()  # times of access, and files that have no name any more
        vnode.inactive()


def settle(fs: FileSystem) -> None:
    """After a change of names or attributes: on the disk when the call returns with MNT_SYNCHRONOUS. EIO."""
    if fs.mount.flags & const.MNT_SYNCHRONOUS:
        fs.mount.flush()


class Dead(Vnode):
    """What is left of a file whose mount was taken away by force."""

    __slots__ = ()


class DeadFileSystem(FileSystem):
    """The file system of the dead: every operation fails with EIO."""

    type_name = "dead"
    cache_names = False

    def statvfs(self) -> Statvfs:
        raise _dead()

    def bury(self, vnode: Vnode) -> Dead:
        return Dead(self, vnode.fileno, vnode.vtype)


def _dead() -> KernelError:
    return KernelError(Errno.EIO, "the file system was unmounted by force", "vfs")


def _refuse(*args: object, **options: object) -> None:
    raise _dead()


for _name in ("getattr", "setattr", "lookup", "parent", "readdir", "create", "read", "write", "readlink", "fsync"):
    setattr(Dead, _name, _refuse)


class Mounts:
    """All mounts of a kernel, the root first."""

    def __init__(self, environment: Environment, syncer: Syncer, gates: Gates) -> None:
        self.environment = environment
        self.gates = gates
        self.syncer = syncer
        self.types: dict[str, FileSystemType] = {}
        self.list: list[Mount] = []
        self._devices = 0
        self.recorder: Recorder | None = None
        dead = DeadFileSystem()
        kind = FileSystemType("dead", lambda request, environment: dead, needs_device=False)
        dead.mount = Mount(dead, kind, Vnode(dead, 0, VType.DIR), None, 0, 0, b"", b"", 0, dead=True)
        self.dead = dead

    # -- types

    def add_type(self, kind: FileSystemType) -> None:
        """EEXIST."""
        if kind.name in self.types:
            raise KernelError(Errno.EEXIST, f"file system {kind.name} is there already")
        self.types[kind.name] = kind

    def remove_type(self, name: str) -> None:
        """ENOENT, EBUSY while one is mounted."""
        if name not in self.types:
            raise KernelError(Errno.ENOENT, f"no file system {name}")
        if any(mount.type.name == name for mount in self.list):
            raise KernelError(Errno.EBUSY, f"a {name} is mounted")
        del self.types[name]

    # -- mounting

    def attach(
        self,
        kind: FileSystemType,
        covered: Vnode | None,
        path: bytes,
        flags: int,
        *,
        device: BlockDevice | None = None,
        source: bytes = b"",
        args: MountArgs | None = None,
        owner: int = 0,
        directory: Vnode | None = None,
        names: NameCache | None = None,
    ) -> Mount:
        """Mounts on a directory that may be mounted on. EBUSY, ENOMEM, and what the driver's ``mount`` raises."""
        if len(self.list) >= MAX_MOUNTS:
            raise KernelError(Errno.ENOMEM, f"more than {MAX_MOUNTS} mounts")
        options = dict(args.options) if isinstance(args, OptionArgs) else {}
        readonly = bool(flags & const.MNT_RDONLY)
        request = MountRequest(device, readonly, options, args, directory, covered, names)
        fs = kind.mount(request, self.environment)
        if covered is not None and covered.mounted is not None:  # that took a while
            fs.unmount(force=True)
            raise KernelError(Errno.EBUSY)
        fs.gates = self._gates_of(kind, fs, device)
        if fs.gates or fs.below():
            fs.leased = False
        if fs.readonly:
            flags |= const.MNT_RDONLY
        self._devices += 1
        fs.dev = const.makedev(255, self._devices)
        mount = Mount(fs, kind, fs.root(), covered, flags & VISIBLE, fs.dev, path, source, owner, device, args=args)
        fs.mount = mount
        fs.noatime = bool(flags & (const.MNT_NOATIME | const.MNT_RDONLY))
        mount.root.uses += 1
        self.syncer.watch(mount)
        if covered is not None:
            hold(covered).mounted = mount
        self.list.append(mount)
        if self.recorder is not None:
            self.recorder.mounted(mount)
        return mount

    def number_next(self, number: int) -> None:
        """Which number the next mount has: that of its predecessor, by which files are known."""
        self._devices = number - 1

    def _gates_of(self, kind: FileSystemType, fs: FileSystem, device: BlockDevice | None) -> tuple[Gate, ...]:
        """One of its own for a file system that may have to wait, and those of what it stands on."""
        below = [gate for other in fs.below() for gate in other.gates]
        below += getattr(device, "gates", ())
        own = [self.gates.new()] if kind.slow or getattr(device, "slow", False) or below else []
        return tuple(sorted({*below, *own}, key=lambda gate: gate.order))

    def aside(self, kind: FileSystemType, device: BlockDevice) -> Mount:
        """A mount in no place and in no list, for filling a new file system; what the driver's ``mount`` raises."""
        fs = kind.mount(MountRequest(device, readonly=False), self.environment)
        self._devices += 1
        fs.dev = const.makedev(255, self._devices)
        fs.mount = Mount(fs, kind, fs.root(), None, 0, fs.dev, b"", b"", 0, device)
        return fs.mount

    def update(self, mount: Mount, flags: int) -> None:
        """MNT_UPDATE: new flags, and read-write or read-only. EBUSY, and what the driver's ``remount`` raises."""
        readonly = bool(flags & const.MNT_RDONLY)
        if readonly != mount.readonly:
            if readonly:
                mount.flush()
            mount.fs.remount(readonly=readonly)
        mount.flags = flags & VISIBLE
        if self.recorder is not None:
            self.recorder.mounted(mount)
        mount.fs.noatime = bool(flags & (const.MNT_NOATIME | const.MNT_RDONLY))

    def detach(self, mount: Mount, names: Names, *, force: bool, bury: Callable[[FileSystem], None]) -> None:
        """Unmounts. EINVAL, EBUSY, EIO; ``bury`` makes dead what is open on the file system."""
        if mount not in self.list:
            raise KernelError(Errno.EINVAL, "host directories are taken away with etfs_remove")
        if mount.covered is None or any(
            other.covered is not None and other.covered.fs is mount.fs for other in self.list
        ):
            raise KernelError(Errno.EBUSY, "the root, or something is mounted below")
        if any(mount.fs in other.fs.below() for other in self.list):
            raise KernelError(Errno.EBUSY, "another file system stands on it")
        if mount.uses and not force:
            raise KernelError(Errno.EBUSY, f"{mount.uses} open files and held directories")
        names.cache.purge(mount.fs)
        try:
            mount.flush()
        except KernelError:
            if not force:
                raise
        bury(mount.fs)
        self._take_off(mount, force=force)

    def _take_off(self, mount: Mount, *, force: bool) -> None:
        mount.root.uses -= 1
        try:
            mount.fs.unmount(force=force)
        except KernelError:
            if not force:
                mount.root.uses += 1
                raise
        mount.dead = True
        if self.recorder is not None:
            self.recorder.unmounted(mount)
        self.syncer.forget(mount)
        self.list.remove(mount)
        if mount.covered is not None:
            mount.covered.mounted = None
            release(mount.covered)
        if mount.device is not None:
            mount.device.close()

    def sync(self) -> None:
        """sync(2): what fails is only reported."""
        for mount in self.list:
            try:
                mount.flush()
            except KernelError as error:
                self.environment.log(f"sync of {mount.path.decode(errors='replace')}: {error}")

    def stop(self) -> KernelError | None:
        """Writes out and takes off everything; the first failure is returned, the rest goes on."""
        failure: KernelError | None = None
        for mount in reversed(self.list.copy()):
            try:
                mount.flush()
            except KernelError as error:
                failure = failure or error
            self._take_off(mount, force=True)
        return failure
