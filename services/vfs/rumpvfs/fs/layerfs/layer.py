"""A file system that shows the tree of another one: every vnode stands for one below and hands everything on to it.

nullfs is this and nothing more; others override what they change. What is changed below goes past namei and the system
calls, so the layer does there what they do elsewhere: it asks whether the lower mount is writable, which also has it
written out later, tells the name cache, and holds the lower vnode as long as its own is in use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakValueDictionary

from rumpuser.host import Buffer
from rumpvfs.core.access import check_mount
from rumpvfs.core.acl import Acl
from rumpvfs.core.mount import hold, release
from rumpvfs.core.vnode import Changes, Entry, FileSystem, MountRequest, NewNode, Vnode, VType
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat, Statvfs

if TYPE_CHECKING:
    from rumpvfs.core.namecache import NameCache


def lower_lookup(directory: Vnode, name: bytes) -> Vnode:
    """A file below, by its name; what is mounted there is not looked at. ENOENT, ENOTDIR, EIO."""
    found = directory.names.get(name) if directory.names is not None else None
    return found if found is not None else directory.lookup(name)


class LayerNode(Vnode):
    """A file of the layer over one of the lower file system."""

    __slots__ = ("held", "lower")

    fs: LayerFileSystem

    def __init__(self, fs: LayerFileSystem, lower: Vnode) -> None:
        super().__init__(fs, lower.fileno, lower.vtype)
        self.lower = lower
        self.held = False

    # -- life

    def opening(self, *, write: bool) -> None:
        self.lower.opening(write=write)

    def active(self) -> None:
        if not self.held:
            self.held = True
            hold(self.lower)

    def inactive(self) -> None:
        if self.held:
            self.held = False
            release(self.lower)
        elif self.lower.uses == 0:
            self.lower.inactive()

    def base(self) -> Vnode:
        return self.lower.base()

    # -- attributes

    def getattr(self) -> Stat:
        return self.lower.getattr()

    def owner(self) -> tuple[int, int, int]:
        return self.lower.owner()

    def acl(self, *, default: bool = False) -> Acl | None:
        return self.lower.acl(default=default)

    def setattr(self, changes: Changes) -> None:
        self.change().setattr(changes)

    def change(self) -> Vnode:
        """The lower file, which is about to be changed. EROFS."""
        check_mount(self.lower)
        return self.lower

    # -- directories

    def lookup(self, name: bytes) -> Vnode:
        return self.fs.node(lower_lookup(self.lower, name))

    def parent(self) -> Vnode:
        if self.lower is self.lower.fs.mount.root:
            return self.fs.root()  # moved, below, out of the tree that is shown
        return self.fs.node(self.lower.parent())

    def readdir(self, cookie: int) -> Iterator[Entry]:
        return self.lower.readdir(cookie)

    def create(self, name: bytes, new: NewNode) -> Vnode:
        made = self.change().create(name, new)
        self.fs.forget(self.lower, name)
        return self.fs.node(made)

    def link(self, name: bytes, target: Vnode) -> None:
        self.change().link(name, lower_of(target))
        self.fs.forget(self.lower, name)

    def unlink(self, name: bytes, target: Vnode) -> None:
        lower = lower_of(target)
        self._removable(lower)
        self.change().unlink(name, lower)
        self.fs.forget(self.lower, name)

    def rmdir(self, name: bytes, target: Vnode) -> None:
        lower = lower_of(target)
        self._removable(lower)
        self.change().rmdir(name, lower)
        self.fs.forget(self.lower, name)
        self.fs.forget_directory(lower)

    def rename(self, name: bytes, target: Vnode, to: Vnode, to_name: bytes, replaced: Vnode | None) -> None:
        lower, there = lower_of(target), lower_of(to)
        self._removable(lower)
        if replaced is not None:
            self._removable(lower_of(replaced))
        victim = lower_of(replaced) if replaced is not None else None
        self.change().rename(name, lower, there, to_name, victim)
        self.fs.forget(self.lower, name)
        self.fs.forget(there, to_name)
        for moved in (lower, victim):
            if moved is not None and moved.vtype is VType.DIR:
                self.fs.forget_directory(moved)

    def _removable(self, lower: Vnode) -> None:
        if lower.mounted is not None or lower is lower.fs.mount.root:
            raise KernelError(Errno.EBUSY, "a file system is mounted there, below")

    # -- contents

    def read(self, offset: int, length: int) -> Buffer:
        return self.lower.read(offset, length)

    def write(self, offset: int, data: Buffer) -> int:
        return self.change().write(offset, data)

    def readlink(self) -> bytes:
        return self.lower.readlink()

    def seek(self, offset: int, *, hole: bool) -> int:
        return self.lower.seek(offset, hole=hole)

    def allocate(self, offset: int, length: int) -> None:
        self.change().allocate(offset, length)

    def discard(self, offset: int, length: int) -> None:
        self.change().discard(offset, length)

    def fsync(self, *, data_only: bool) -> None:
        self.lower.fsync(data_only=data_only)

    # -- extended attributes

    def getxattr(self, name: bytes) -> bytes:
        return self.lower.getxattr(name)

    def setxattr(self, name: bytes, value: bytes) -> None:
        self.change().setxattr(name, value)

    def removexattr(self, name: bytes) -> None:
        self.change().removexattr(name)

    def listxattr(self) -> list[bytes]:
        return self.lower.listxattr()


def lower_of(vnode: Vnode) -> Vnode:
    return cast("LayerNode", vnode).lower


class LayerFileSystem(FileSystem):
    """The tree below ``request.directory``, shown once more."""

    type_name = "layerfs"
    cache_names = False
    node_type: type[LayerNode] = LayerNode

    def __init__(self, request: MountRequest) -> None:
        """EINVAL without a directory."""
        if request.directory is None or request.names is None:
            raise KernelError(Errno.EINVAL, f"{self.type_name} needs a directory")
        self.lower_root = request.directory
        self.lower: FileSystem = self.lower_root.fs
        self.cache: NameCache = request.names
        self.name_max = self.lower.name_max
        self.flags_kept = self.lower.flags_kept
        self.readonly = self.lower.mount.readonly
        self._nodes: WeakValueDictionary[Vnode, LayerNode] = WeakValueDictionary()
        self._root = self.node(self.lower_root)
        hold(self.lower_root)

    def node(self, lower: Vnode) -> LayerNode:
        """The one vnode of the layer for one of below."""
        found = self._nodes.get(lower)
        if found is None:
            found = self._nodes[lower] = self.node_type(self, lower)
        return found

    def forget(self, directory: Vnode, name: bytes) -> None:
        if directory.fs.cache_names:
            self.cache.forget(directory, name)

    def forget_directory(self, directory: Vnode) -> None:
        if directory.fs.cache_names:
            self.cache.forget_directory(directory)

    # -- the file system

    def root(self) -> Vnode:
        return self._root

    def below(self) -> Sequence[FileSystem]:
        return (self.lower,)

    def statvfs(self) -> Statvfs:
        return self.lower.statvfs()

    def sync(self) -> None:
        self.lower.mount.flush()

    def remount(self, *, readonly: bool) -> None:
        if not readonly and self.lower.mount.readonly:
            raise KernelError(Errno.EROFS, "the file system below is read-only")

    def unmount(self, *, force: bool) -> None:
        release(self.lower_root)

    def pathconf(self, name: int) -> int | None:
        return self.lower.pathconf(name)

    def vget(self, fileno: int, generation: int) -> Vnode:
        return self.node(self.lower.vget(fileno, generation))


def no_options(request: MountRequest, name: str) -> None:
    """EINVAL for arguments and options that the file system does not have."""
    if request.options or not accepts(request.args):
        raise KernelError(Errno.EINVAL, f"{name} takes a directory and no options")


def accepts(args: Any) -> bool:
    """Whether the arguments of a mount are of the kind that names a path (fspec)."""
    return args is None or hasattr(args, "fspec")
