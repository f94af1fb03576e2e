"""Sysctl nodes as Python values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, TypeVar

from rump._connection import Connection
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    SysctlNode,
    SysctlPcbs,
    SysctlValue,
    SysctlValueBoolean,
    SysctlValueInteger,
    SysctlValueQuad,
    SysctlValueRaw,
    SysctlValueText,
)

Value: TypeAlias = int | bool | str | bytes | list[Any]
"""A table is a list of its rows."""
MAX_DEPTH = 12
"""CTL_MAXNAME: a tree that is deeper is none."""


def _structure(value: Any) -> SysctlValue:
    """Bytes, or rows that name connections."""
    return SysctlPcbs(value) if isinstance(value, list) else SysctlValueRaw(_of(bytes, value))


_TYPES: dict[int, Callable[[Any], SysctlValue]] = {
    const.CTLTYPE_INT: lambda value: SysctlValueInteger(int(value)),
    const.CTLTYPE_QUAD: lambda value: SysctlValueQuad(int(value)),
    const.CTLTYPE_BOOL: lambda value: SysctlValueBoolean(_truth(value)),
    const.CTLTYPE_STRING: lambda value: SysctlValueText(_of(str, value)),
    const.CTLTYPE_STRUCT: _structure,
}
T = TypeVar("T")


def _of(kind: type[T], value: Any) -> T:
    if not isinstance(value, kind):
        raise TypeError(value)
    return value


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else bool(int(value))


def python_value(value: SysctlValue | None) -> Value:
    """A node's value; an interior node has none (EISDIR)."""
    if value is None:
        raise KernelError(Errno.EISDIR, "an interior node has no value")
    out: Value = value[0]
    return out


def read(connection: Connection, name: str) -> Value:
    """The value of a node. ENOENT, EISDIR, EPERM."""
    return python_value(connection.call(calls.SYSCTL, ([], name, None, None)).oldv)


def write(connection: Connection, name: str, value: Value) -> Value:
    """Sets a node; the old value. Text is turned into a number where the node has one. ENOENT, EPERM, EINVAL."""
    node = find(connection, name)
    try:
        new = _TYPES[node.type & 0xF](value)
    except KeyError:
        raise KernelError(Errno.EISDIR, f"{name} is an interior node") from None
    except (ValueError, TypeError):
        raise KernelError(Errno.EINVAL, f"{name} does not take {value!r}") from None
    return python_value(connection.call(calls.SYSCTL, ([], name, new, None)).oldv)


def children(connection: Connection, numbers: list[int]) -> list[SysctlNode]:
    """What CTL_QUERY lists below a node. ENOTDIR below a leaf."""
    nodes: list[SysctlNode] = connection.call(calls.SYSCTL, ([*numbers, const.CTL_QUERY], "", None, None)).nodes
    return nodes


def resolve(connection: Connection, name: str) -> tuple[list[int], SysctlNode | None]:
    """Numbers of a name, level by level as sysctl(8) does, and its node; no node for the root. ENOENT."""
    numbers: list[int] = []
    node: SysctlNode | None = None
    for part in [p for p in name.split(".") if p]:
        if node is not None and node.flags & const.CTLFLAG_ANYNUMBER:
            numbers.append(_number(name, part))
            continue
        node = next((n for n in children(connection, numbers) if part in (n.name, str(n.number))), None)
        if node is None:
            raise KernelError(Errno.ENOENT, f"no node {name}")
        numbers.append(node.number)
    return numbers, node


def _number(name: str, part: str) -> int:
    if not part.lstrip("-").isdecimal():
        raise KernelError(Errno.ENOENT, f"no node {name}: {part} is no number")
    return int(part)


def find(connection: Connection, name: str) -> SysctlNode:
    node = resolve(connection, name)[1]
    if node is None:
        raise KernelError(Errno.ENOENT, "no name")
    return node


def tree(connection: Connection, prefix: str) -> Iterator[tuple[str, SysctlNode, Value]]:
    """Name, node and value of all leaves below a name that can be read, in the order of the tree."""
    numbers, node = resolve(connection, prefix)
    yield from _below(connection, numbers, prefix.strip("."), node)


def _below(
    connection: Connection, numbers: list[int], name: str, node: SysctlNode | None
) -> Iterator[tuple[str, SysctlNode, Value]]:
    if node is None or node.type & 0xF == const.CTLTYPE_NODE:
        for child in children(connection, numbers) if len(numbers) < MAX_DEPTH else ():
            path = f"{name}.{child.name}" if name else child.name
            yield from _below(connection, [*numbers, child.number], path, child)
        return
    try:
        yield name, node, python_value(connection.call(calls.SYSCTL, (numbers, "", None, None)).oldv)
    except KernelError as error:
        if error.errno not in (Errno.EPERM, Errno.EOPNOTSUPP, Errno.ENOENT):
            raise
