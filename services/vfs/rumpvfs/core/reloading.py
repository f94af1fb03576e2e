"""MNT_RELOAD: a read-only file system is read again from its disk, which something else has changed (fsck).

It is mounted once more beside the old one, with the same arguments. What is open goes on with the files that have the
same number and generation in the new one; what has gone is dead. The new one then takes the place of the old.
"""

from __future__ import annotations

import contextlib

from rumpvfs.core.disk import changed_behind
from rumpvfs.core.file import OpenFile
from rumpvfs.core.mount import Mount, hold, release
from rumpvfs.core.state import Held, Vfs
from rumpvfs.core.vnode import FileSystem, MountRequest, Vnode
from rumpwire.errno import Errno, KernelError
from rumpwire.values import OptionArgs

Holder = OpenFile | Held | Mount


def reload(vfs: Vfs, mount: Mount) -> None:
    """EOPNOTSUPP when it is not read-only or has no disk, EBUSY for uses that cannot go on, what mounting raises."""
    if not mount.readonly or mount.device is None:
        raise KernelError(Errno.EOPNOTSUPP, "MNT_RELOAD is for file systems on disks that are mounted read-only")
    if any(mount.fs in other.fs.below() for other in vfs.mounts.list):
        raise KernelError(Errno.EBUSY, "another file system stands on it")
    holders = _holders(vfs, mount.fs)
    if len(holders) != mount.uses:
        raise KernelError(Errno.EBUSY, "a file of it is used as a disk, or opened right now")
    changed_behind(mount.device)
    fresh = _mounted_again(vfs, mount)
    found = [_same(fresh, _vnode_of(holder), mount) for holder in holders]
    if any(isinstance(h, Mount) and new is None for h, new in zip(holders, found, strict=True)):
        raise KernelError(Errno.EBUSY, "a directory that is mounted on has gone")
    _replace(vfs, mount, fresh)
    for holder, new in zip(holders, found, strict=True):
        _move(vfs, holder, new)


def _holders(vfs: Vfs, fs: FileSystem) -> list[Holder]:
    """Who uses vnodes of the file system: open files, held directories, mounts on its directories."""
    everybody: list[Holder] = [*vfs.files.values(), *vfs.directories.values(), *vfs.mounts.list]
    return [h for h in everybody if (covered := _vnode_or_none(h)) is not None and covered.fs is fs]


def _vnode_or_none(holder: Holder) -> Vnode | None:
    return holder.covered if isinstance(holder, Mount) else holder.vnode


def _vnode_of(holder: Holder) -> Vnode:
    vnode = _vnode_or_none(holder)
    assert vnode is not None
    return vnode


def _mounted_again(vfs: Vfs, mount: Mount) -> FileSystem:
    options = dict(mount.args.options) if isinstance(mount.args, OptionArgs) else {}
    request = MountRequest(mount.device, readonly=True, options=options, args=mount.args)
    fresh = mount.type.mount(request, vfs.environment)
    fresh.dev, fresh.mount, fresh.noatime = mount.dev, mount, mount.fs.noatime
    return fresh


def _same(fresh: FileSystem, old: Vnode, mount: Mount) -> Vnode | None:
    """The file in the new file system; None when it is not there."""
    if old is mount.root:
        return fresh.root()
    try:
        found = fresh.vget(old.fileno, old.getattr().st_gen)
    except KernelError:
        return None
    return found if found.vtype is old.vtype else None


def _replace(vfs: Vfs, mount: Mount, fresh: FileSystem) -> None:
    vfs.names.cache.purge(mount.fs)
    with contextlib.suppress(KernelError):  # it has nothing to write
        mount.fs.unmount(force=True)
    mount.root.uses -= 1
    mount.fs, mount.root = fresh, fresh.root()
    mount.root.uses += 1


def _move(vfs: Vfs, holder: Holder, new: Vnode | None) -> None:
    """Has a holder hold the new vnode; who watches the file, and its locks, come along."""
    old = _vnode_of(holder)
    if new is None:
        assert not isinstance(holder, Mount)
        vfs.kill([holder])
        return
    hold(new)
    new.notes = new.notes or old.notes
    for told in vfs.when_moved:
        told(old, new)
    if isinstance(holder, Mount):
        old.mounted, new.mounted = None, holder
        holder.covered = new
    else:
        holder.vnode = new
    release(old)
