"""Files as the host numbers them.

The host names a file by a number that it got from a lookup, the kernel by a path. A node keeps the names under which
its file was looked up, each a directory's node and a name there: so renaming a directory moves all that is below it.
A file without a name may still be open; it is then reached by one of its descriptors.
"""

from __future__ import annotations

import stat
from collections.abc import Callable

import rump
from rumpclients.fuse.protocol import ROOT


class Node:
    """A file. ``handles`` are descriptors open on it: True where they may write. ``st`` are its attributes as they were
    at ``epoch``; a ``plain`` file is known to have no capabilities."""

    __slots__ = (
        "children",
        "epoch",
        "generation",
        "handles",
        "key",
        "kind",
        "lookups",
        "names",
        "nodeid",
        "plain",
        "st",
    )

    def __init__(self, nodeid: int, st: rump.Stat) -> None:
        self.nodeid = nodeid
        self.key = (st.st_dev, st.st_ino)
        self.kind = stat.S_IFMT(st.st_mode)
        self.generation = st.st_gen
        self.lookups = 0
        self.children = 0
        self.st = st
        self.epoch = -1
        self.plain = False
        self.names: dict[tuple[Node, bytes], None] = {}
        self.handles: dict[int, bool] = {}

    def handle(self, *, writable: bool = False) -> int | None:
        """A descriptor of the file, one that may write if need be."""
        return next((fd for fd, writes in self.handles.items() if writes or not writable), None)


class Nodes:
    """All nodes that the host knows."""

    def __init__(self, root: rump.Stat) -> None:
        self.root = Node(ROOT, root)
        self.root.lookups = 1
        self._by_id = {ROOT: self.root}
        self._by_key = {self.root.key: self.root}
        self._by_name: dict[tuple[Node, bytes], Node] = {}
        self._last = ROOT
        self.dropped: Callable[[Node], None] = _nothing
        """Called with each node that is forgotten."""

    def __len__(self) -> int:
        return len(self._by_id)

    def __getitem__(self, nodeid: int) -> Node:
        """KeyError."""
        return self._by_id[nodeid]

    def path(self, node: Node) -> bytes | None:
        """A path of the file, None when it has no name any more."""
        parts: list[bytes] = []
        while node is not self.root:
            name = next(iter(node.names), None)
            if name is None:
                return None
            node = name[0]
            parts.append(name[1])
        return b"/" + b"/".join(reversed(parts))

    def found(self, parent: Node, name: bytes, st: rump.Stat) -> Node:
        """The node of what a lookup found; the host knows it once more."""
        node = self._by_key.get((st.st_dev, st.st_ino))
        if node is None or not _same(node, st):
            self._last += 1
            node = Node(self._last, st)
            self._by_id[node.nodeid] = node
            self._by_key[node.key] = node
        if self._by_name.get((parent, name)) is not node:
            self.lost(parent, name)
            if node.kind == stat.S_IFDIR:
                self._unname(node)
            self._name(parent, name, node)
        node.lookups += 1
        return node

    def lost(self, parent: Node, name: bytes) -> None:
        """A name is gone."""
        node = self._by_name.pop((parent, name), None)
        if node is not None:
            del node.names[parent, name]
            parent.children -= 1
            self._drop(parent)

    def gone(self, node: Node) -> None:
        """The last name of a file was taken away: its number in the kernel may come to stand for another file."""
        if self._by_key.get(node.key) is node and node is not self.root:
            del self._by_key[node.key]

    def at(self, parent: Node, name: bytes) -> Node | None:
        return self._by_name.get((parent, name))

    def moved(self, parent: Node, name: bytes, to: Node, to_name: bytes) -> None:
        node = self._by_name.get((parent, name))
        self.lost(to, to_name)
        self.lost(parent, name)
        if node is not None:
            self._name(to, to_name, node)

    def forget(self, nodeid: int, lookups: int) -> None:
        node = self._by_id.get(nodeid)
        if node is not None and node is not self.root:
            node.lookups -= lookups
            self._drop(node)

    def _name(self, parent: Node, name: bytes, node: Node) -> None:
        self._by_name[parent, name] = node
        node.names[parent, name] = None
        parent.children += 1

    def _unname(self, node: Node) -> None:
        for parent, name in list(node.names):
            self.lost(parent, name)

    def _drop(self, node: Node) -> None:
        """Forgets a node that neither the host nor a node below needs."""
        if node.lookups > 0 or node.children or node is self.root or node.nodeid not in self._by_id:
            return
        del self._by_id[node.nodeid]
        self.gone(node)
        self._unname(node)
        self.dropped(node)


def _nothing(node: Node) -> None:
    """Who opens and closes files himself need not be told."""


def _same(node: Node, st: rump.Stat) -> bool:
    """Whether it is the same file still, and not one that got its number."""
    return node.kind == stat.S_IFMT(st.st_mode) and node.generation == st.st_gen
