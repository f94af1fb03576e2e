"""Nodes of the sysctl tree that programs make, describe and remove (CTL_CREATE and others of sysctl(3), sysctl(9))."""

from __future__ import annotations

import re
from typing import Any

from rumpkern.core.sysctl import MAXNAME, MAXNUMBER, NAMELEN, OWN, SIZES, Node, Tree, convert
from rumpuser.component import Context
from rumpuser.plain import flat, whole
from rumpuser.records import Records
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    SysctlNode,
    SysctlValue,
    SysctlValueBoolean,
    SysctlValueInteger,
    SysctlValueQuad,
    SysctlValueRaw,
    SysctlValueText,
)

MAX_NODES = 4096
"""Nodes that programs have made, all together."""
MAX_STRUCT = 65536
"""Bytes of a value."""
MAX_DESCRIPTION = 1024
FLAGS = const.CTLFLAG_READWRITE | const.CTLFLAG_ANYWRITE | const.CTLFLAG_PRIVATE | const.CTLFLAG_HIDDEN
"""What a program may ask for."""
_NAME = re.compile(r"[A-Za-z_-][A-Za-z0-9_-]*\Z")
_EMPTY: dict[int, SysctlValue] = {
    const.CTLTYPE_INT: SysctlValueInteger(0),
    const.CTLTYPE_QUAD: SysctlValueQuad(0),
    const.CTLTYPE_BOOL: SysctlValueBoolean(False),
    const.CTLTYPE_STRING: SysctlValueText(""),
}


class MadeNodes:
    """Makes them, at the root and below other nodes that were made writable."""

    def __init__(self, tree: Tree, records: Records) -> None:
        self._tree = tree
        self._records = records
        self._values: dict[Node, SysctlValue] = {}
        self._made: set[Node] = set()

    def create(self, parent: Node, wanted: SysctlNode, value: SysctlValue | None) -> Node:
        """EPERM where nothing may be added, EINVAL for what is no node, EEXIST for a name or number that is taken."""
        if parent is not self._tree.root and not (parent in self._made and parent.flags & const.CTLFLAG_READWRITE):
            raise KernelError(Errno.EPERM, f"nothing can be added below the sysctl node {parent.path}")
        if len(self._made) >= MAX_NODES:
            raise KernelError(Errno.ENOMEM, f"{MAX_NODES} sysctl nodes were made")
        node = _node(parent, wanted)
        initial = None if node.interior else convert(node, _initial(node, value))
        if node.interior and value is not None:
            raise KernelError(Errno.EINVAL, "an interior node has no value")
        number = _number(parent, wanted)
        self._tree.add(node, self._numbers(parent, number))
        self._take_in(node, initial)
        self._keep(node)
        return node

    def destroy(self, parent: Node, named: SysctlNode, value: SysctlValue | None) -> Node:
        """ENOENT; EINVAL where name and number disagree; EPERM for what is the kernel's own; ENOTEMPTY."""
        node = _named(parent, named)
        if node not in self._made:
            raise KernelError(Errno.EPERM, f"sysctl node {node.path} is the kernel's own")
        if node.children:
            raise KernelError(Errno.ENOTEMPTY, f"there are nodes below {node.path}")
        del parent.children[node.name], parent.numbered[node.name]
        self._made.discard(node)
        self._values.pop(node, None)
        self._records.delete("sysctl made", node.path)
        self._records.delete("sysctl", node.path)
        return node

    def describe(self, parent: Node, named: SysctlNode, value: SysctlValue | None) -> Node:
        """Gives a node that has none a description. ENOENT, EINVAL, EPERM."""
        node = _named(parent, named)
        if not named.description:
            return node
        if node not in self._made or node.description:
            raise KernelError(Errno.EPERM, f"the description of sysctl node {node.path} stays as it is")
        node.description = _description(named)
        self._keep(node)
        return node

    def _take_in(self, node: Node, value: SysctlValue | None) -> None:
        self._made.add(node)
        if value is not None:
            self._values[node] = value
            node.read, node.write = lambda ctx: self._values[node], lambda ctx, new: self._write(ctx, node, new)

    def _write(self, ctx: Context, node: Node, new: SysctlValue) -> None:
        self._values[node] = new

    @staticmethod
    def _numbers(parent: Node, number: int | None) -> list[int]:
        numbers, above = [number] if number is not None else [], parent
        if not numbers:
            return []
        while above.parent is not None:
            numbers.insert(0, above.number)
            above = above.parent
        return numbers

    # -- for a successor

    def _keep(self, node: Node) -> None:
        value = self._values.get(node)
        self._records.put("sysctl made", node.path, (flat(node.value()), None if value is None else flat(value)))

    def restore(self, path: str, state: Any) -> None:
        """A node of the kern before; those above it come first."""
        described, value = whole(state[0]), None if state[1] is None else whole(state[1])
        parent, _ = self._tree.find(path.split(".")[:-1])
        self.create(parent, described, value)


def _node(parent: Node, wanted: SysctlNode) -> Node:
    if not _NAME.match(wanted.name) or len(wanted.name) > NAMELEN:
        text = f"the name of a sysctl node has 1 to {NAMELEN} letters, digits, _ and -, not {wanted.name[:64]!r}"
        raise KernelError(Errno.EINVAL, text)
    path = f"{parent.path}.{wanted.name}" if parent.path else wanted.name
    if path.count(".") >= MAXNAME - 1:
        raise KernelError(Errno.EINVAL, f"a sysctl name has at most {MAXNAME} components, the special one included")
    if not const.CTLTYPE_NODE <= wanted.type <= const.CTLTYPE_BOOL or wanted.flags & ~FLAGS:
        raise KernelError(Errno.EINVAL, f"a sysctl node of type {wanted.type} with flags {wanted.flags:#x}")
    size = _size(wanted)
    return Node(path, 0, wanted.type, wanted.flags, _description(wanted), size, OWN)


def _size(wanted: SysctlNode) -> int:
    if wanted.type in (const.CTLTYPE_STRING, const.CTLTYPE_STRUCT):
        least = 1 if wanted.type == const.CTLTYPE_STRUCT else 0
        if not least <= wanted.size <= MAX_STRUCT:
            raise KernelError(Errno.EINVAL, f"a value of {wanted.size} bytes: there may be {least} to {MAX_STRUCT}")
        return wanted.size
    fixed = SIZES.get(wanted.type, 0)
    if wanted.size not in (0, fixed):
        raise KernelError(Errno.EINVAL, f"a value of this type has {fixed} bytes, not {wanted.size}")
    return fixed


def _description(wanted: SysctlNode) -> str:
    if len(wanted.description) > MAX_DESCRIPTION:
        raise KernelError(Errno.EINVAL, f"a description has at most {MAX_DESCRIPTION} characters")
    return wanted.description


def _initial(node: Node, value: SysctlValue | None) -> SysctlValue:
    if value is not None:
        return value
    return SysctlValueRaw(bytes(node.size)) if node.type == const.CTLTYPE_STRUCT else _EMPTY[node.type]


def _number(parent: Node, wanted: SysctlNode) -> int | None:
    """None where the kernel is to choose. EINVAL, EEXIST."""
    if wanted.name in parent.children:
        raise KernelError(Errno.EEXIST, f"sysctl node {parent.children[wanted.name].path} is there already")
    if wanted.number in (0, const.CTL_CREATE):
        return None
    if not 0 < wanted.number < MAXNUMBER:
        raise KernelError(Errno.EINVAL, f"sysctl number {wanted.number}: CTL_CREATE has one chosen")
    if wanted.number in parent.numbered.values() or parent.child(wanted.number):
        raise KernelError(Errno.EEXIST, f"sysctl number {wanted.number} is taken")
    return wanted.number


def _named(parent: Node, named: SysctlNode) -> Node:
    """The node that name, number or both tell. ENOENT, EINVAL."""
    by_name = parent.children.get(named.name) if named.name else None
    by_number = parent.child(named.number) if named.number > 0 else by_name
    node = by_name or by_number
    if node is None or (named.name and by_name is None):
        where = parent.path or "the root"
        raise KernelError(Errno.ENOENT, f"no sysctl node {named.name or named.number} below {where}")
    if by_number is not node:
        raise KernelError(Errno.EINVAL, f"{node.path} is number {node.number}, not {named.number}")
    return node
