"""A mounted union: which vnode stands for what of the two trees, under which number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from rumpvfs.core.mount import hold, release
from rumpvfs.core.vnode import FileSystem, Vnode
from rumpvfs.fs.unionfs.marks import is_opaque
from rumpvfs.fs.unionfs.node import UnionNode
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Statvfs

if TYPE_CHECKING:
    from rumpvfs.core.namecache import NameCache

NUMBERS = (1 << 64) - 1


class UnionFileSystem(FileSystem):
    """``upper`` over ``lower``, both directories.

    Files keep their number when they are copied up. Those of the upper tree have even numbers, those of the lower one
    odd ones; ``moved`` has the numbers of those that were copied, by the number of the copy.
    """

    type_name = "union"
    cache_names = False

    def __init__(self, upper: Vnode, lower: Vnode, cache: NameCache) -> None:
        self.upper = upper
        self.lower = lower
        self.cache = cache
        self.name_max = min(upper.fs.name_max, lower.fs.name_max)
        self.flags_kept = upper.fs.flags_kept
        self.readonly = upper.fs.mount.readonly
        self.moved: dict[int, int] = {}
        self._nodes: WeakValueDictionary[Vnode, UnionNode] = WeakValueDictionary()
        self._temporary = 0
        self._root = self.node(upper, lower, None, b"")
        hold(upper)
        hold(lower)

    def node(self, upper: Vnode | None, lower: Vnode | None, up: UnionNode | None, name: bytes) -> UnionNode:
        """The one vnode for what stands at a name in the two trees."""
        key = upper if upper is not None else lower
        assert key is not None
        found = self._nodes.get(key)
        if found is None:
            opaque = upper is not None and lower is not None and up is not None and is_opaque(upper)
            number = self.upper_number(upper.fileno) if upper is not None else self.lower_number(key.fileno)
            found = self._nodes[key] = UnionNode(self, number, upper, None if opaque else lower, up, name)
        elif up is not None:
            found.up, found.name, found.named = up, name, True
        return found

    def copied(self, node: UnionNode) -> None:
        """The node has got an upper file: from now on it is found by that."""
        assert node.upper is not None
        self.moved[node.upper.fileno] = node.fileno
        if node.lower is not None and self._nodes.get(node.lower) is node:
            del self._nodes[node.lower]
        self._nodes[node.upper] = node

    def gone(self, upper: Vnode) -> None:
        """A file of the upper tree has lost its last name."""
        self.moved.pop(upper.fileno, None)

    def upper_number(self, fileno: int) -> int:
        return self.moved.get(fileno, fileno << 1 & NUMBERS)

    def lower_number(self, fileno: int) -> int:
        return (fileno << 1 | 1) & NUMBERS

    def temporary(self) -> bytes:
        self._temporary += 1
        return b".union.%d" % self._temporary

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
        return self.upper.fs, self.lower.fs

    def statvfs(self) -> Statvfs:
        return self.upper.fs.statvfs()

    def sync(self) -> None:
        self.upper.fs.mount.flush()

    def remount(self, *, readonly: bool) -> None:
        if not readonly and self.upper.fs.mount.readonly:
            raise KernelError(Errno.EROFS, "the upper file system is read-only")

    def unmount(self, *, force: bool) -> None:
        release(self.upper)
        release(self.lower)

    def pathconf(self, name: int) -> int | None:
        return self.upper.fs.pathconf(name)
