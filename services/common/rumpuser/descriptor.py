"""Descriptors and mappings of the host, as objects that hold some give them to a successor (`rumpuser.handover`)."""

from __future__ import annotations

import mmap
from typing import Any, TypeVar

T = TypeVar("T")


class Descriptor:
    """A descriptor in what ``__reduce__`` of an object gives; an int at the successor, for the same open file."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __reduce__(self) -> Any:
        raise TypeError("a descriptor goes beside a handover alone")


class Mapped(mmap.mmap):
    """A shared mapping of the whole of a file. Views of it are views of the same file at a successor."""

    fd: int
    prot: int

    @classmethod
    def of(cls, fd: int, size: int, prot: int = mmap.PROT_READ | mmap.PROT_WRITE) -> Mapped:
        """OSError, ValueError of mmap(2)."""
        made = cls(fd, size, flags=mmap.MAP_SHARED, prot=prot)
        made.fd, made.prot = fd, prot
        return made

    def __reduce__(self) -> Any:
        return Mapped.of, (Descriptor(self.fd), len(self), self.prot)


def blank(kind: type[T]) -> T:
    """An object with nothing in it yet."""
    return kind.__new__(kind)


def refilled(made: Any, state: Any) -> Any:
    """What ``__reduce__`` gives for an object that holds others that hold it: it is made blank, and then gets the state
    by its ``_fill``."""
    kind = type(made)
    return blank, (kind,), state, None, None, kind._fill
