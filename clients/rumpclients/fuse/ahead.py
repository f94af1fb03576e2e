"""Small files that are likely to be read next, read while the host asks for nothing.

Who packs or copies a tree reads the files of a directory one after another, in an order of his own: as they were
listed, by name, or by number. When two files in turn were read so, those that follow are read while he is busy with
what he has. This is for files that nobody but the host changes: what was read is good until the host changes that file.
"""

from __future__ import annotations

import contextlib
import functools
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from rumpclients.fuse.kept import Kept
from rumpclients.fuse.nodes import Node

LIMIT = 1 << 16
"""Bytes of a file at most."""
FILES = 8
"""So many files wait to be asked for."""
_DIRECTORIES = 16


class Orders:
    """The files of a directory in each order that they may be read in."""

    def __init__(self) -> None:
        self.files: list[Node] = []

    @functools.cached_property
    def _orders(self) -> list[tuple[list[Node], dict[Node, int]]]:
        named = [node for node in self.files if node.names]
        by_name = sorted(named, key=lambda node: _name(node)[1])
        by_number = sorted(named, key=lambda node: node.key)
        orders = (self.files, by_name, by_number)
        return [(order, {node: at for at, node in enumerate(order)}) for order in orders]

    def behind(self, last: Node, node: Node) -> Iterator[Node]:
        """What follows, where one of these files came after the other; else nothing."""
        for order, places in self._orders:
            at = places.get(node, 0)
            if at and order[at - 1] is last:
                return iter(order[at + 1 :])
        return iter(())


class Ahead:
    """What was read ahead, and the course on which that goes on."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._listed: OrderedDict[Node, Orders] = OrderedDict()
        self._ready: dict[int, bytes] = {}
        self._last: Node | None = None
        self._course: Iterator[Node] = iter(())
        self._coming: dict[Node, None] = {}
        """Files on the course that were taken from it and not yet asked for."""

    def listed(self, folder: Node, files: Sequence[Node], *, first: bool) -> None:
        """The host was shown these files of a directory, with their attributes."""
        orders = Orders()
        if not first and folder in self._listed:
            orders.files = self._listed[folder].files
        orders.files += [node for node in files if node.st.st_size]
        self._listed[folder] = orders
        self._listed.move_to_end(folder)
        if len(self._listed) > _DIRECTORIES:
            self._listed.popitem(last=False)

    def take(self, node: Node, size: int) -> bytes | None:
        """What a file contains, when it was read ahead and is no longer than ``size``."""
        data = self._ready.pop(node.nodeid, None)
        return data if data is not None and len(data) <= size else None

    def changed(self, nodeid: int) -> None:
        self._ready.pop(nodeid, None)

    def changed_any(self) -> None:
        self._ready.clear()

    def read(self, node: Node) -> None:
        """The host has asked for the beginning of a file."""
        last, self._last = self._last, node
        if node in self._coming:
            del self._coming[node]
        elif last is not None and last is not node:
            self._begin(last, node)

    def _begin(self, last: Node, node: Node) -> None:
        """Looks for an order in which a file follows the last one."""
        self._ready.clear()
        self._coming.clear()
        orders = self._listed.get(_name(node)[0]) if node.names else None
        self._course = iter(()) if orders is None else orders.behind(last, node)

    def step(self) -> bool:
        """Reads one more file. False when there is nothing to do."""
        if len(self._coming) >= FILES:
            return False
        node = next(self._course, None)
        if node is None:
            return False
        self._coming[node] = None
        if node.names and node.lookups > 0 and node.st.st_size <= LIMIT:
            with contextlib.suppress(OSError):
                self._ready[node.nodeid] = bytes(self._kept.read(node, LIMIT + 1, 0))
        return True


def _name(node: Node) -> tuple[Node, bytes]:
    """One of its names, and the directory that it is in."""
    return next(iter(node.names))
