"""Steps of a batch: a call, its arguments, and which of them come out of earlier steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rumpwire.calls import Op


class Reference(NamedTuple):
    """Takes the place of argument ``arg`` with the result of the earlier step ``call`` of the same batch.

    ``path`` names the attributes to follow in that result, the first one being a field of the response; empty: the
    response's first field.
    """

    call: int
    arg: int
    path: tuple[str, ...] = ()


class Step(NamedTuple):
    """One call of a batch."""

    op: Op
    args: tuple[Any, ...]
    references: Sequence[Reference] = ()


def follow(op: Op, value: Any, path: Sequence[str]) -> Any:
    """What a path leads to in the value that ``op`` gave; raises AttributeError where it leads nowhere."""
    if not op.results:
        raise AttributeError(f"{op.cname} gives nothing")
    if path and path[0] not in op.results:
        raise AttributeError(path[0])
    if len(op.results) > 1:
        value = value[op.results.index(path[0]) if path else 0]
    for name in path[1:]:
        value = getattr(value, name)
    return value
