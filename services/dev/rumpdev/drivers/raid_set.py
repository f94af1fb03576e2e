"""RAID sets (raid(4)): how data and parity lie on the components, and what to do without one of them.

The data are cut into stripe units. A stripe is one unit of each component. Unit u of the data is in stripe u // d, d
being how many units of a stripe hold data, and

- level 0: on component u % n, n being the components;
- level 1: on both components, d = 1;
- level 5: on component u % n; the parity of stripe s is on component n - 1 - s % n (left symmetric), d = n - 1.

A component that fails is left out from then on, as long as the others suffice. One that is rebuilt counts for the
stripes that are done: those are read and written like any other, the rest as if it were not there. Until the parity of
a whole set is known to be right (`clean`) the set works as well, but must not lose a component.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from rumpdev.core.storage import Storage
from rumpdev.drivers.raid_label import DATA
from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

LEVELS = (0, 1, 5)
T = TypeVar("T")


@dataclass(slots=True)
class Component:
    """A column. ``storage`` None: it failed. ``done``: stripes that are good on it; all, but while it is rebuilt."""

    name: bytes
    storage: Storage | None
    done: int
    spare: bool = False


@dataclass(slots=True)
class Geometry:
    """The shape of a set; ``unit`` is the length of a stripe unit in bytes."""

    level: int
    columns: int
    unit: int
    stripes: int

    @property
    def data_columns(self) -> int:
        return {0: self.columns, 1: 1, 5: self.columns - 1}[self.level]

    @property
    def size(self) -> int:
        return self.stripes * self.data_columns * self.unit

    @property
    def spares_one(self) -> bool:
        """Whether a component may be missing."""
        return self.level != 0

    def check(self) -> None:
        """EINVAL."""
        least = {0: 2, 1: 2, 5: 3}.get(self.level)
        if least is None:
            raise KernelError(Errno.EINVAL, f"level {self.level}; there are {', '.join(map(str, LEVELS))}")
        if self.columns < least or (self.level == 1 and self.columns != 2):
            raise KernelError(Errno.EINVAL, f"{self.columns} components are not what level {self.level} has")

    def parity(self, stripe: int) -> int:
        """The component with the parity of a stripe of level 5."""
        return self.columns - 1 - stripe % self.columns

    def column(self, unit: int) -> int:
        """The component with a unit of the data; of level 1 the first of both."""
        return 0 if self.level == 1 else unit % self.columns


class Lost(Exception):  # noqa: N818  nothing that a caller sees
    """A component failed under an access, which is to be tried again without it."""


class RaidSet(Storage):
    """The data of a set. ``failed`` is told of a component that has just been left out."""

    def __init__(self, geometry: Geometry, components: list[Component], *, align: int, clean: bool) -> None:
        self.geometry = geometry
        self.components = components
        self.size = geometry.size
        self.align = align
        self.clean = clean
        self.readonly = any(c.storage is not None and c.storage.readonly for c in components)
        self.failed: Callable[[int], None] = lambda column: None
        self.before_write: Callable[[], None] = lambda: None

    # -- Storage

    def read(self, offset: int, length: int) -> Buffer:
        """EIO when too many components are gone."""
        pieces = list(self._units(offset, length))
        if len(pieces) == 1:
            return self._retried(partial(self._read_unit, *pieces[0]))
        return b"".join([self._retried(partial(self._read_unit, *piece)) for piece in pieces])

    def write(self, offset: int, data: Buffer) -> None:
        """EIO."""
        self.before_write()
        view, g = memoryview(data).cast("B"), self.geometry
        stripe_bytes = g.unit * g.data_columns
        while view:
            stripe, at = divmod(offset, stripe_bytes)
            part = view[: stripe_bytes - at]
            self._retried(partial(self._write_stripe, stripe, at, part))
            offset, view = offset + len(part), view[len(part) :]

    def flush(self) -> None:
        """EIO."""
        for column, component in enumerate(self.components):
            if component.storage is not None and not self.readonly:
                self._retried(partial(self._flush, column))

    # -- components

    def alive(self, column: int, stripe: int) -> bool:
        component = self.components[column]
        return component.storage is not None and stripe < component.done

    def fail(self, column: int) -> bool:
        """Leaves a component out; False when the set cannot do without it."""
        if not self.geometry.spares_one or any(
            c.storage is None or c.done < self.geometry.stripes
            for number, c in enumerate(self.components)
            if number != column
        ):
            return False
        component = self.components[column]
        if component.storage is not None:
            component.storage, component.done = None, 0
            self.failed(column)
        return True

    def _retried(self, access: Callable[[], T]) -> T:
        """An access that is done again for each component that it loses."""
        for _ in range(len(self.components)):
            try:
                return access()
            except Lost:
                continue
        raise KernelError(Errno.EIO, "too many components of the set are gone")

    def _lost(self, column: int, error: KernelError) -> Exception:
        """What to raise for a component that did not do as it was told."""
        return (
            Lost() if self.fail(column) else KernelError(Errno.EIO, f"component {column}: {error.text or error.name}")
        )

    def _get(self, column: int, stripe: int, at: int, length: int) -> Buffer:
        storage = self.components[column].storage
        if storage is None or not self.alive(column, stripe):
            raise KernelError(Errno.EIO, f"component {column} of the set is gone")
        try:
            data: Buffer = storage.read(DATA + stripe * self.geometry.unit + at, length)
        except KernelError as error:
            raise self._lost(column, error) from None
        return data

    def _put(self, column: int, stripe: int, at: int, data: Buffer) -> None:
        storage = self.components[column].storage
        if storage is None or not self.alive(column, stripe):
            return
        try:
            storage.write(DATA + stripe * self.geometry.unit + at, data)
        except KernelError as error:
            raise self._lost(column, error) from None

    def _flush(self, column: int) -> None:
        storage = self.components[column].storage
        try:
            if storage is not None:
                storage.flush()
        except KernelError as error:
            raise self._lost(column, error) from None

    # -- units and stripes

    def _units(self, offset: int, length: int) -> Iterator[tuple[int, int, int]]:
        """The ranges of the units that a range of the data touches: unit, offset in it, length."""
        while length:
            unit, at = divmod(offset, self.geometry.unit)
            part = min(length, self.geometry.unit - at)
            yield unit, at, part
            offset, length = offset + part, length - part

    def _read_unit(self, unit: int, at: int, length: int) -> Buffer:
        g = self.geometry
        stripe, column = unit // g.data_columns, g.column(unit)
        if self.alive(column, stripe) or not g.spares_one:
            return self._get(column, stripe, at, length)
        return self._others(column, stripe, at, length)

    def _others(self, column: int, stripe: int, at: int, length: int) -> Buffer:
        """What a component holds, or should hold, according to the others."""
        others = [other for other in range(self.geometry.columns) if other != column]
        if len(others) == 1:
            return self._get(others[0], stripe, at, length)
        return xor([self._get(other, stripe, at, length) for other in others])

    def _write_stripe(self, stripe: int, at: int, data: memoryview) -> None:
        g = self.geometry
        if g.level == 5:
            self._write_parity_stripe(stripe, at, data)
            return
        for unit, begin, length in self._units(stripe * g.data_columns * g.unit + at, len(data)):
            part, data = data[:length], data[length:]
            columns = (0, 1) if g.level == 1 else (g.column(unit),)
            if not any(self.alive(column, stripe) for column in columns):
                raise KernelError(Errno.EIO, "the components of this stripe are gone")
            for column in columns:
                self._put(column, stripe, begin, part)

    def _write_parity_stripe(self, stripe: int, at: int, data: memoryview) -> None:
        g = self.geometry
        parity = g.parity(stripe)
        first = stripe * g.data_columns
        if len(data) == g.unit * g.data_columns:
            parts = [data[i * g.unit : (i + 1) * g.unit] for i in range(g.data_columns)]
            for number, part in enumerate(parts):
                self._put(g.column(first + number), stripe, 0, part)
            self._put(parity, stripe, 0, xor(parts))
            return
        for unit, begin, length in self._units(first * g.unit + at, len(data)):
            part, data = data[:length], data[length:]
            self._write_part(stripe, g.column(unit), parity, begin, part)

    def _write_part(self, stripe: int, column: int, parity: int, at: int, data: memoryview) -> None:
        """A part of one unit, and the parity that follows from it."""
        if not self.alive(parity, stripe):
            if not self.alive(column, stripe):
                raise KernelError(Errno.EIO, "two components of this stripe are gone")
            self._put(column, stripe, at, data)
            return
        length = len(data)
        if self.alive(column, stripe):
            old = self._get(column, stripe, at, length)
            new = xor([old, self._get(parity, stripe, at, length), data])
        else:
            rest = [other for other in range(self.geometry.columns) if other not in (column, parity)]
            new = xor([data, *(self._get(other, stripe, at, length) for other in rest)])
        self._put(column, stripe, at, data)
        self._put(parity, stripe, at, new)

    # -- repair

    def rebuild_stripe(self, column: int, stripe: int) -> None:
        """The next stripe of a component that is rebuilt. EIO."""
        unit, component = self.geometry.unit, self.components[column]
        data = self._retried(lambda: self._others(column, stripe, 0, unit))
        if component.storage is None:
            raise KernelError(Errno.EIO, f"component {column} failed while it was rebuilt")
        component.storage.write(DATA + stripe * unit, data)
        component.done = stripe + 1

    def parity_right(self, stripe: int, *, repair: bool) -> bool:
        """Whether the redundant part of a stripe fits the rest; it does afterwards with ``repair``. EIO."""
        column = 1 if self.geometry.level == 1 else self.geometry.parity(stripe)
        unit = self.geometry.unit
        wanted = self._retried(lambda: self._others(column, stripe, 0, unit))
        right = self._retried(lambda: self._get(column, stripe, 0, unit)) == wanted
        if not right and repair:
            self._retried(lambda: self._put(column, stripe, 0, wanted))
        return right


def xor(parts: list[Buffer] | list[memoryview]) -> bytes:
    """The parity of pieces of one length."""
    mixed = 0
    for part in parts:
        mixed ^= int.from_bytes(part, "little")
    return mixed.to_bytes(len(parts[0]), "little")
