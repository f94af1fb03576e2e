"""The sysctl tree (sysctl(9)): nodes by name and by number, kern's own and those that other factions offer.

A node of kern has functions that read and write it. A node of another faction (its ``owner``) stands here with name,
number and type alone; its value is asked for over the bus. Such nodes are grafted each time their faction is asked for
them, which is at every query of a level and when a name is not found; they go when the faction no longer offers them.
Numbers that nobody fixed are given out from 1024 upward, and a name keeps its number for the life of the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rumpuser.component import Context
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    SysctlExport,
    SysctlNode,
    SysctlPcbs,
    SysctlValue,
    SysctlValueBoolean,
    SysctlValueInteger,
    SysctlValueQuad,
    SysctlValueRaw,
    SysctlValueText,
)

MAXNAME = 12
"""Longest name, in components (CTL_MAXNAME)."""
NAMELEN = 31
"""Longest name of a node (SYSCTL_NAMELEN - 1)."""
DYNAMIC = 1024
"""First number for nodes without one of their own (CREATE_BASE)."""
MAXEXPORT = 4096
"""Nodes that one faction may offer."""
STRING_SIZE = 256
"""Room of a string, its NUL included, where the node does not say (MAXHOSTNAMELEN)."""
MAXNUMBER = 1 << 24
"""A faction's own numbers are below."""
OWN = "kern"
CURPROC = 0x7FFFFFFF
"""proc.curproc (PROC_CURPROC); any other number below proc is a process id."""

TOP = {
    "kern": 1, "vm": 2, "vfs": 3, "net": 4, "debug": 5, "hw": 6, "machdep": 7, "user": 8, "ddb": 9, "proc": 10,
    "vendor": 11, "emul": 12, "security": 13,
}  # fmt: skip
WELL_KNOWN = {**TOP, "vfs.generic": 0, "proc.curproc": CURPROC}
"""Numbers of interior nodes for which none is given."""

SIZES = {const.CTLTYPE_INT: 4, const.CTLTYPE_QUAD: 8, const.CTLTYPE_BOOL: 1, const.CTLTYPE_STRING: STRING_SIZE}

Reader = Callable[[Context], SysctlValue]
Selector = Callable[[Context, tuple[int, ...]], Any]
"""Gives a value, or what becomes one."""
Writer = Callable[[Context, SysctlValue], Any]
"""Gives what it has begun and not ended yet (`Running`): whoever writes waits for it."""
Component = str | int


@dataclass(slots=True, eq=False)
class Node:
    """One node. ``path`` is its full name; ``numbered`` remembers the numbers of children that are gone, too.

    A leaf with CTLFLAG_ANYNUMBER is followed by numbers of its own choice, which ``select`` gets.
    """

    path: str
    number: int
    type: int = const.CTLTYPE_NODE
    flags: int = const.CTLFLAG_READONLY
    description: str = ""
    size: int = 0
    owner: str = OWN
    read: Reader | None = None
    write: Writer | None = None
    select: Selector | None = None
    parent: Node | None = None
    children: dict[str, Node] = field(default_factory=dict)
    numbered: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def interior(self) -> bool:
        return self.type == const.CTLTYPE_NODE

    def child(self, component: Component) -> Node | None:
        if isinstance(component, str):
            return self.children.get(component)
        return next((child for child in self.children.values() if child.number == component), None)

    def value(self) -> SysctlNode:
        return SysctlNode(self.number, self.name, self.type, self.flags, self.size, self.description)

    def walk(self) -> Iterator[Node]:
        """The nodes below, deepest first."""
        for child in list(self.children.values()):
            yield from child.walk()
            yield child


class Tree:
    """All nodes of the kernel."""

    def __init__(self) -> None:
        self.root = Node("", 0)

    # -- finding

    def find(self, components: Sequence[Component]) -> tuple[Node, int | None]:
        """The node, and the process id on the way to it, if any. ENOENT, ENOTDIR."""
        node, pid = self.root, None
        for component in components:
            if node.flags & const.CTLFLAG_ANYNUMBER:
                break
            if not node.interior:
                raise KernelError(Errno.ENOTDIR, f"sysctl node {node.path} has nothing below it")
            child = node.child(component)
            if child is None and node.path == "proc" and str(component).isdecimal() and len(str(component)) < 10:
                child, pid = node.child("curproc"), int(component)
            if child is None:
                raise KernelError(Errno.ENOENT, f"no sysctl node {dotted(components)}")
            node = child
        return node, pid

    # -- growing

    def add(self, node: Node, numbers: Sequence[int] = ()) -> Node:
        """Puts a node where its path says, with the interior nodes that lead there.

        ``numbers`` are those of the path's components, from the top; what is missing is well known or given out.
        """
        parts = node.path.split(".")
        parent = self.root
        for depth, part in enumerate(parts[:-1]):
            path = ".".join(parts[: depth + 1])
            between = parent.children.get(part)
            if between is None:
                between = self._attach(parent, Node(path, 0, owner=node.owner), numbers[depth : depth + 1])
            if not between.interior:
                raise KernelError(Errno.ENOTDIR, f"sysctl node {between.path} has nothing below it")
            parent = between
        if parts[-1] in parent.children:
            raise KernelError(Errno.EEXIST, f"sysctl node {node.path} is there already")
        return self._attach(parent, node, numbers[len(parts) - 1 :])

    def _attach(self, parent: Node, node: Node, number: Sequence[int]) -> Node:
        node.parent = parent
        node.number = self._number(parent, node, number[0] if number else WELL_KNOWN.get(node.path))
        node.size = node.size or SIZES.get(node.type, 0)
        parent.numbered[node.name] = node.number
        parent.children[node.name] = node
        return node

    @staticmethod
    def _number(parent: Node, node: Node, wanted: int | None) -> int:
        if wanted is None:
            wanted = parent.numbered.get(node.name)
        others = {number for name, number in parent.numbered.items() if name != node.name}
        if wanted is not None and (0 <= wanted < MAXNUMBER or wanted == CURPROC) and wanted not in others:
            return wanted
        return max([DYNAMIC - 1, *(n for n in others if n != CURPROC)]) + 1

    # -- nodes of other factions

    def graft(self, owner: str, exports: Sequence[SysctlExport]) -> None:
        """Makes a faction's nodes what it offers now. What is malformed, or taken by others, is left out."""
        offered = {export.path: export for export in exports[:MAXEXPORT] if _well_formed(export)}
        self.prune(owner, keep=offered)
        for export in offered.values():
            try:
                node, _ = self.find(export.path.split("."))
            except KernelError:
                self._graft(owner, export)
            else:
                if node.owner == owner and not node.interior:
                    node.type, node.flags, node.description = export.type, export.flags, export.description

    def _graft(self, owner: str, export: SysctlExport) -> None:
        node = Node(export.path, 0, export.type, export.flags, export.description, owner=owner)
        try:
            self.add(node, export.number)
        except KernelError:
            return

    def prune(self, owner: str, keep: dict[str, SysctlExport] | None = None) -> None:
        """Takes away the nodes of a faction, but for some."""
        for node in list(self.root.walk()):
            gone = not node.children if node.interior else node.path not in (keep or {})
            if node.owner == owner and gone and node.parent is not None:
                del node.parent.children[node.name]


def arguments(node: Node, components: Sequence[Component]) -> tuple[int, ...]:
    """The numbers behind a node that takes any. EINVAL for what is no number."""
    behind = [str(component) for component in components[node.path.count(".") + 1 :]]
    if not all(each.lstrip("-").isdecimal() and len(each) < 12 for each in behind):
        raise KernelError(Errno.EINVAL, f"behind {node.path} stand numbers, not {'.'.join(behind)}")
    return tuple(map(int, behind))


def dotted(components: Sequence[Component]) -> str:
    return ".".join(map(str, components))


def _well_formed(export: SysctlExport) -> bool:
    parts = export.path.split(".")
    names = all(part.isprintable() and 0 < len(part) <= NAMELEN for part in parts)
    return names and 1 < len(parts) <= MAXNAME and const.CTLTYPE_NODE < export.type <= const.CTLTYPE_BOOL


def convert(node: Node, value: SysctlValue) -> SysctlValue:
    """A new value in the node's own type. EINVAL for one of another type, or that does not fit."""
    wanted, converter = _CONVERT[node.type]
    fitting = converter(node, value)
    if fitting is None:
        kind = type(value).__name__.removeprefix("SysctlValue").lower()
        text = f"sysctl node {node.path} takes {wanted} of at most {node.size} bytes, which this {kind} is not"
        raise KernelError(Errno.EINVAL, text)
    return fitting


def _number_of(value: SysctlValue, bits: int) -> int | None:
    match value:
        case SysctlValueInteger(number) | SysctlValueQuad(number) if -(1 << bits - 1) <= number < 1 << bits - 1:
            return number
    return None


def _to_int(node: Node, value: SysctlValue) -> SysctlValue | None:
    number = _number_of(value, 32)
    return None if number is None else SysctlValueInteger(number)


def _to_quad(node: Node, value: SysctlValue) -> SysctlValue | None:
    number = _number_of(value, 64)
    return None if number is None else SysctlValueQuad(number)


def _to_bool(node: Node, value: SysctlValue) -> SysctlValue | None:
    if isinstance(value, SysctlValueBoolean):
        return value
    number = _number_of(value, 32)
    return SysctlValueBoolean(bool(number)) if number in (0, 1) else None


def _to_text(node: Node, value: SysctlValue) -> SysctlValue | None:
    if not isinstance(value, SysctlValueText) or "\0" in value.text:
        return None
    return value if len(value.text.encode("utf-8", "surrogatepass")) < node.size else None


def _to_raw(node: Node, value: SysctlValue) -> SysctlValue | None:
    if isinstance(value, SysctlPcbs) and node.owner != OWN:
        return value
    return value if isinstance(value, SysctlValueRaw) and len(value.raw) == (node.size or len(value.raw)) else None


_CONVERT: dict[int, tuple[str, Callable[[Node, SysctlValue], SysctlValue | None]]] = {
    const.CTLTYPE_INT: ("an integer", _to_int),
    const.CTLTYPE_QUAD: ("a quad", _to_quad),
    const.CTLTYPE_BOOL: ("true or false, 0 or 1,", _to_bool),
    const.CTLTYPE_STRING: ("a text", _to_text),
    const.CTLTYPE_STRUCT: ("a structure", _to_raw),
}
