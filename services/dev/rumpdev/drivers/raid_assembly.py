"""From disks to a RAID set: a new one, or one again by the labels on its components."""

from __future__ import annotations

from dataclasses import dataclass

from rumpdev.core.storage import SECTOR, Storage
from rumpdev.drivers.raid_label import CLEAN, DATA, SPARE, Label, read_label
from rumpdev.drivers.raid_set import Component, Geometry, RaidSet
from rumpwire.errno import Errno, KernelError

ABSENT = b"absent"
"""The name of a component that is not there."""
UNIT_MAX = 1 << 20
"""Bytes of a stripe unit: so much is held in memory for each component."""


@dataclass(slots=True)
class Member:
    """A disk that was named. ``storage`` None: it cannot be had."""

    name: bytes
    storage: Storage | None


class Assembly:
    """The disks of a set, as somebody has named them."""

    def __init__(self, level: int, sect_per_su: int, members: list[Member], spares: list[Member]) -> None:
        """EINVAL for a shape that there is not."""
        self.level = level
        self.sect_per_su = sect_per_su
        self.members = members
        self.spares = spares
        unit = sect_per_su * SECTOR
        self.align = max([SECTOR, *(m.storage.align for m in [*members, *spares] if m.storage is not None)])
        if not 0 < unit <= UNIT_MAX or unit % self.align:
            raise KernelError(Errno.EINVAL, f"stripe units of {sect_per_su} sectors")
        self.geometry = Geometry(level, len(members), unit, 0)
        self.geometry.check()

    def create(self, serial: int) -> tuple[RaidSet, Label]:
        """A new set of all its components; nothing is known of its parity. EINVAL, EROFS."""
        storages = [m.storage for m in self.members if m.storage is not None]
        if len(storages) < len(self.members):
            raise KernelError(Errno.EINVAL, "a new set needs all its components")
        if any(storage.readonly for storage in storages):
            raise KernelError(Errno.EROFS, "a component of a new set is read-only")
        self.geometry.stripes = max(0, (min(storage.size for storage in storages) - DATA) // self.geometry.unit)
        if not self.geometry.stripes:
            raise KernelError(Errno.EINVAL, "the smallest component holds no stripe")
        components = [Component(m.name, m.storage, self.geometry.stripes) for m in self.members]
        label = self._label(serial, 0)
        return RaidSet(self.geometry, components, align=self.align, clean=False), label

    def again(self) -> tuple[RaidSet, Label]:
        """The set as its labels have it. EINVAL without labels, or with those of several sets; EIO for too few."""
        found = [(member, label) for member in self.members if (label := _label_of(member))]
        if not found:
            raise KernelError(Errno.EINVAL, "no component has a label; -C makes a new set")
        spares = [(member, label) for member in self.spares if (label := _label_of(member))]
        found += [(member, label) for member, label in spares if label.same_set(found[0][1])]
        newest = max((label for _, label in found), key=lambda label: label.counter)
        self._check(newest, found)
        self.geometry.stripes = newest.stripes
        components = [Component(member.name, None, 0) for member in self.members]
        for member, label in found:
            if label.up_to_date(newest) and _large_enough(member, self.geometry):
                spare = bool(label.flags & SPARE)
                components[label.column] = Component(member.name, member.storage, newest.stripes, spare)
        missing = sum(component.storage is None for component in components)
        if missing > self.geometry.spares_one:
            raise KernelError(Errno.EIO, f"{missing} of {len(components)} components are missing or out of date")
        clean = bool(newest.flags & CLEAN)
        return RaidSet(self.geometry, components, align=self.align, clean=clean), self._label(
            newest.serial, newest.counter
        )

    def _check(self, newest: Label, found: list[tuple[Member, Label]]) -> None:
        shape = (newest.level, newest.columns, newest.sect_per_su)
        if shape != (self.level, len(self.members), self.sect_per_su):
            raise KernelError(Errno.EINVAL, f"the labels are of level {shape[0]}, {shape[1]} components, {shape[2]}")
        columns: set[int] = set()
        for member, label in found:
            name = member.name.decode(errors="replace")
            if not label.same_set(newest):
                raise KernelError(Errno.EINVAL, f"{name} belongs to another set")
            if label.up_to_date(newest) and label.column in columns:
                raise KernelError(Errno.EINVAL, f"{name} is component {label.column}, and so is another one")
            if label.up_to_date(newest):
                columns.add(label.column)

    def _label(self, serial: int, counter: int) -> Label:
        g = self.geometry
        return Label(serial, counter, g.level, g.columns, 0, self.sect_per_su, g.stripes)


def _label_of(member: Member) -> Label | None:
    """None for a disk that is not there, has no label, or cannot be read."""
    if member.storage is None:
        return None
    try:
        return read_label(member.storage)
    except KernelError:
        return None


def _large_enough(member: Member, geometry: Geometry) -> bool:
    return member.storage is not None and member.storage.size >= DATA + geometry.stripes * geometry.unit
