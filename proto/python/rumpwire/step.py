"""Steps of a batch: a call, its arguments, and which of them come out of earlier steps."""

from __future__ import annotations

import functools
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


@functools.cache
def same_type(maker: Op, path: tuple[str, ...], user: Op, arg: int) -> bool:
    """Whether a field of the response of ``maker`` is of the type of an argument of ``user``."""
    from rumpwire import rump_bus_pb2, rump_sp_pb2  # for the few batches that pass structures on

    def method(op: Op) -> Any:
        for file in (rump_sp_pb2.DESCRIPTOR, rump_bus_pb2.DESCRIPTOR):
            service = file.services_by_name.get(op.service)
            if service is not None:
                return service.methods_by_name[op.method]
        raise LookupError(op.name)

    wanted = method(user).input_type.fields_by_name[user.args[arg]]
    message, found = method(maker).output_type, None
    for name in path or maker.results[:1]:
        found = message.fields_by_name.get(name) if message is not None else None
        if found is None or (found.is_repeated and len(path) > 1):
            return False
        message = found.message_type
    return found is not None and (found.type, found.is_repeated, found.message_type) == (
        wanted.type, wanted.is_repeated, wanted.message_type
    )  # fmt: skip
