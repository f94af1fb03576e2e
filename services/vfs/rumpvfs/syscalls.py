"""Which handler serves which call. A call that is not here is answered with ENOSYS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rumpuser.component import Entry, Support
from rumpvfs.core.attributes import Attributes
from rumpvfs.core.control import Control
from rumpvfs.core.descriptors import Descriptors
from rumpvfs.core.disks import Disks
from rumpvfs.core.handles import FileHandles
from rumpvfs.core.listing import Listing
from rumpvfs.core.locking import Locking
from rumpvfs.core.mounting import Mounting
from rumpvfs.core.newfs import Newfs
from rumpvfs.core.opening import Opening
from rumpvfs.core.paths import Paths
from rumpvfs.core.quotactl import Quotactl
from rumpvfs.core.restoring import Restoring
from rumpvfs.core.xattrs import ExtendedAttributes

if TYPE_CHECKING:
    from rumpvfs.component import VfsComponent


def syscalls(component: VfsComponent) -> dict[str, Entry]:
    vfs = component.vfs
    locking = Locking(vfs)
    opening = Opening(vfs, locking)
    paths, attrs = Paths(vfs, opening), Attributes(vfs)
    files, extended, control = Descriptors(vfs, locking), ExtendedAttributes(vfs), Control(vfs)
    disks, handles = Disks(vfs), FileHandles(vfs, opening)
    mounts, listing = Mounting(vfs, disks), Listing(files, attrs)
    component.restoring = Restoring(vfs, component.call, locking, disks)
    partial = Support.PARTIAL
    return {
        # opening
        "open": Entry(opening.open),
        "openat": Entry(opening.openat),
        # names
        "mkdir": Entry(paths.mkdir),
        "mkdirat": Entry(paths.mkdirat),
        "mknod": Entry(paths.mknod),
        "mknodat": Entry(paths.mknodat),
        "mkfifo": Entry(paths.mkfifo),
        "mkfifoat": Entry(paths.mkfifoat),
        "symlink": Entry(paths.symlink),
        "symlinkat": Entry(paths.symlinkat),
        "readlink": Entry(paths.readlink),
        "readlinkat": Entry(paths.readlinkat),
        "link": Entry(paths.link),
        "linkat": Entry(paths.linkat),
        "unlink": Entry(paths.unlink),
        "unlinkat": Entry(paths.unlinkat),
        "rmdir": Entry(paths.rmdir),
        "rename": Entry(paths.rename),
        "renameat": Entry(paths.renameat),
        "posix_rename": Entry(paths.posix_rename),
        # attributes
        "stat": Entry(attrs.stat),
        "lstat": Entry(attrs.lstat),
        "fstat": Entry(attrs.fstat),
        "fstatat": Entry(attrs.fstatat),
        "access": Entry(attrs.access),
        "faccessat": Entry(attrs.faccessat),
        "pathconf": Entry(attrs.pathconf),
        "fpathconf": Entry(attrs.fpathconf),
        "chmod": Entry(attrs.chmod),
        "lchmod": Entry(attrs.lchmod),
        "fchmod": Entry(attrs.fchmod),
        "fchmodat": Entry(attrs.fchmodat),
        "chown": Entry(attrs.chown),
        "lchown": Entry(attrs.lchown),
        "fchown": Entry(attrs.fchown),
        "fchownat": Entry(attrs.fchownat),
        "posix_chown": Entry(attrs.posix_chown),
        "posix_lchown": Entry(attrs.posix_lchown),
        "posix_fchown": Entry(attrs.posix_fchown),
        "chflags": Entry(attrs.chflags),
        "lchflags": Entry(attrs.lchflags),
        "fchflags": Entry(attrs.fchflags),
        "utimes": Entry(attrs.utimes),
        "lutimes": Entry(attrs.lutimes),
        "futimes": Entry(attrs.futimes),
        "futimens": Entry(attrs.futimes),
        "utimensat": Entry(attrs.utimensat),
        "truncate": Entry(attrs.truncate),
        # open files
        "read": Entry(files.read),
        "write": Entry(files.write),
        "readv": Entry(files.readv),
        "writev": Entry(files.writev),
        "pread": Entry(files.pread),
        "pwrite": Entry(files.pwrite),
        "preadv": Entry(files.preadv),
        "pwritev": Entry(files.pwritev),
        "lseek": Entry(files.lseek),
        "getdents": Entry(files.getdents),
        "getdents_stat": Entry(listing.getdents_stat),
        "getdents_packed": Entry(listing.getdents_packed),
        "close": Entry(files.close),
        "fcntl": Entry(files.fcntl),
        "flock": Entry(locking.flock),
        "ioctl": Entry(files.ioctl, partial, "FIONREAD, FIONBIO, FIOASYNC; disks: DIOCGMEDIASIZE, DIOCGSECTORSIZE"),
        "ftruncate": Entry(files.ftruncate),
        "fsync": Entry(files.fsync),
        "fdatasync": Entry(files.fdatasync),
        "fsync_range": Entry(files.fsync_range),
        "posix_fallocate": Entry(files.posix_fallocate),
        "fdiscard": Entry(files.fdiscard),
        "getcwd": Entry(files.getcwd),
        "revoke": Entry(files.revoke),
        # mounts
        "mount": Entry(mounts.mount),
        "unmount": Entry(mounts.unmount),
        "sync": Entry(mounts.sync),
        "getvfsstat": Entry(mounts.getvfsstat),
        "statvfs1": Entry(mounts.statvfs1),
        "fstatvfs1": Entry(mounts.fstatvfs1),
        "getfh": Entry(handles.getfh),
        "fhopen": Entry(handles.fhopen),
        "fhstat": Entry(handles.fhstat),
        "fhstatvfs1": Entry(handles.fhstatvfs1),
        "etfs_register": Entry(mounts.etfs_register),
        "etfs_register_withsize": Entry(mounts.etfs_register_withsize),
        "etfs_remove": Entry(mounts.etfs_remove),
        "newfs": Entry(Newfs(vfs, disks).newfs),
        "quotactl": Entry(Quotactl(vfs).quotactl),
        # extended attributes
        **{name: Entry(getattr(extended, name)) for name in dir(extended) if "xattr" in name or "extattr" in name},
        # between components
        **vfs.watching.table(),
        "device_of": Entry(vfs.device_of),
        "dir_hold": Entry(vfs.dir_hold),
        "dir_dup": Entry(vfs.dir_dup),
        "dir_release": Entry(vfs.dir_release),
        "socket_bind": Entry(paths.bind_socket),
        "socket_lookup": Entry(paths.find_socket),
        "lock_release": Entry(locking.release),
        "file_read": Entry(files.file_read),
        "disk_take": Entry(disks.disk_take),
        "disk_give": Entry(disks.disk_give),
        "sysctl_export": Entry(control.sysctl_export),
        "sysctl_value": Entry(control.sysctl_value),
    }
