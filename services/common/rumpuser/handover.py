"""What a process hands to the one that takes its place: objects as they are, in the middle of what they do.

A component that is replaced in an orderly way is more than its records say (`rumpuser.records`): data in buffers,
connections, files in memory. Its objects are plain Python, so they go over as a pickle. What both processes have, such
as the host, the tables of a component or its interfaces, is not in it: these *anchors* are named, and each process puts
its own in the place of a name. Whoever waits or listens is not in it either: calls that wait are made again at the
successor.

The bytes come from a process of the same kernel. Classes of the kernel alone are taken from them all the same.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any

from rumpuser.pending import Channel
from rumpuser.readiness import SelectChannel, Selinfo
from rumpwire.errno import Errno, KernelError

OURS = ("rumpuser.", "rumpwire.", "rumpkern.", "rumpvfs.", "rumpnet.", "rumpdev.")
PLAIN = {
    ("builtins", "bytearray"),
    ("builtins", "set"),
    ("builtins", "frozenset"),
    ("collections", "deque"),
    ("collections", "Counter"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
}


def dump(value: Any, anchors: Mapping[str, object]) -> bytes:
    """The bytes of a value. EOPNOTSUPP when something is in it that cannot go over, with what it is."""
    out = io.BytesIO()
    try:
        _Pickler(out, anchors).dump(value)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise KernelError(Errno.EOPNOTSUPP, f"this cannot be handed over: {error}") from error
    return out.getvalue()


def load(data: bytes, anchors: Mapping[str, object]) -> Any:
    """The value again. EFTYPE for bytes that are no such thing, or are of a version with other classes."""
    try:
        return _Unpickler(io.BytesIO(data), anchors).load()
    except (pickle.UnpicklingError, AttributeError, LookupError, TypeError, ValueError, EOFError, ImportError) as error:
        raise KernelError(Errno.EFTYPE, f"what was handed over cannot be read: {error}") from error


class _Pickler(pickle.Pickler):
    def __init__(self, out: io.BytesIO, anchors: Mapping[str, object]) -> None:
        super().__init__(out, protocol=5)
        self._names = {id(anchor): name for name, anchor in anchors.items()}
        self._anchors = anchors  # kept alive: their ids are the keys

    def persistent_id(self, value: Any) -> str | None:
        return self._names.get(id(value))

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind is memoryview:
            return bytes, (bytes(value),)
        if kind is SelectChannel:
            return SelectChannel, (value._timers, value._selinfo, value._events)
        if kind is Channel:
            return Channel, (value._timers,)
        if kind is Selinfo:
            return Selinfo, ()
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: io.BytesIO, anchors: Mapping[str, object]) -> None:
        super().__init__(data)
        self._anchors = anchors

    def persistent_load(self, name: Any) -> Any:
        if name not in self._anchors:
            raise pickle.UnpicklingError(f"there is no {name} here")
        return self._anchors[name]

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith(OURS) or (module, name) in PLAIN or (module, name) == ("builtins", "bytes"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is none of the kernel's")
