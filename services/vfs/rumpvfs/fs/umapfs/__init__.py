"""umapfs (mount_umap(8)): a tree shown at a second place, with other owners.

``uids`` and ``gids`` are lists of ``LOWER:UPPER``: what belongs to LOWER below is shown as UPPER's, and what is given
to UPPER here belongs to LOWER below. Ids that are in no pair are shown as nobody's; nothing can be given to them
(EINVAL).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from rumpvfs.core.acl import GROUP, USER, Acl, Entry
from rumpvfs.core.vnode import Changes, Environment, FileSystem, FileSystemType, MountRequest, NewNode, Vnode
from rumpvfs.fs.layerfs.layer import LayerFileSystem, LayerNode, accepts
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat

NOBODY = 32767
NULLGROUP = 65534
ENTRIES_MAX = 64
"""Pairs of one map, as MAPFILEENTRIES of the original."""


class IdMap:
    """Ids there and back."""

    def __init__(self, text: str, nobody: int) -> None:
        """EINVAL for a malformed list, an id that is in two pairs, or too many pairs."""
        self.nobody = nobody
        pairs = [_pair(part) for part in text.split(",") if part]
        self.up = dict(pairs)
        self.down = {upper: lower for lower, upper in pairs}
        if len(pairs) > ENTRIES_MAX or not len(pairs) == len(self.up) == len(self.down):
            raise KernelError(Errno.EINVAL, f"a map has at most {ENTRIES_MAX} pairs of different ids")

    def shown(self, lower: int) -> int:
        return self.up.get(lower, self.nobody)

    def stored(self, upper: int) -> int:
        """EINVAL."""
        if upper not in self.down:
            raise KernelError(Errno.EINVAL, f"id {upper} is not in the map")
        return self.down[upper]


def _pair(text: str) -> tuple[int, int]:
    lower, _, upper = text.partition(":")
    if not (lower.isascii() and lower.isdigit() and upper.isascii() and upper.isdigit()):
        raise KernelError(Errno.EINVAL, f"{text!r} is no pair of ids")
    if max(len(lower), len(upper)) > 10 or max(int(lower), int(upper)) >= 0xFFFFFFFF:
        raise KernelError(Errno.EINVAL, f"{text!r}: an id has 32 bits")
    return int(lower), int(upper)


class UmapNode(LayerNode):
    __slots__ = ()

    @property
    def maps(self) -> UmapFileSystem:
        return cast("UmapFileSystem", self.fs)

    def getattr(self) -> Stat:
        st = self.lower.getattr()
        return st._replace(st_uid=self.maps.uids.shown(st.st_uid), st_gid=self.maps.gids.shown(st.st_gid))

    def owner(self) -> tuple[int, int, int]:
        mode, uid, gid = self.lower.owner()
        return mode, self.maps.uids.shown(uid), self.maps.gids.shown(gid)

    def acl(self, *, default: bool = False) -> Acl | None:
        found = self.lower.acl(default=default)
        return _mapped(found, self.maps.uids.shown, self.maps.gids.shown)

    def setattr(self, changes: Changes) -> None:
        _, uid, gid = self.owner()
        if changes.uid is not None:
            changes.uid = None if changes.uid == uid else self.maps.uids.stored(changes.uid)
        if changes.gid is not None:
            changes.gid = None if changes.gid == gid else self.maps.gids.stored(changes.gid)
        super().setattr(changes)

    def create(self, name: bytes, new: NewNode) -> Vnode:
        """EACCES for who is nobody below; the group, which comes from the directory, stays what it is there."""
        if new.uid not in self.maps.uids.down:
            raise KernelError(Errno.EACCES, f"user {new.uid} is not in the map")
        new.uid = self.maps.uids.stored(new.uid)
        new.gid = self.lower.owner()[2] if new.gid == self.owner()[2] else self.maps.gids.stored(new.gid)
        new.acl = _mapped(new.acl, self.maps.uids.stored, self.maps.gids.stored)
        new.default_acl = _mapped(new.default_acl, self.maps.uids.stored, self.maps.gids.stored)
        return super().create(name, new)


def _mapped(acl: Acl | None, users: Callable[[int], int], groups: Callable[[int], int]) -> Acl | None:
    """An access list that names others."""
    if acl is None:
        return None
    maps = {USER: users, GROUP: groups}
    return [Entry(tag, perm, maps[tag](who) if tag in maps else who) for tag, perm, who in acl]


class UmapFileSystem(LayerFileSystem):
    type_name = "umapfs"
    node_type = UmapNode

    def __init__(self, request: MountRequest) -> None:
        self.uids = IdMap(request.options.get("uids", ""), NOBODY)
        self.gids = IdMap(request.options.get("gids", ""), NULLGROUP)
        super().__init__(request)


def mount(request: MountRequest, environment: Environment) -> FileSystem:
    """EINVAL."""
    if set(request.options) - {"uids", "gids"} or not accepts(request.args):
        raise KernelError(Errno.EINVAL, "umapfs takes a directory, and the options uids and gids")
    return UmapFileSystem(request)


FILE_SYSTEM = FileSystemType("umapfs", mount, needs_device=False, needs_directory=True)
