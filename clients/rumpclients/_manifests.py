"""What is installed of modules, and what their manifests say."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_GROUP = "rump.modules."


class Component(NamedTuple):
    """A module: its faction, and the modules that it requires."""

    name: str
    faction: str
    requires: tuple[str, ...] = ()

    @property
    def library(self) -> str:
        """As ``rump_server -l`` takes it."""
        return f"rump{'fs' if self.faction == 'vfs' else self.faction}_{self.name}"


def _points() -> list[importlib.metadata.EntryPoint]:
    points = importlib.metadata.entry_points()
    groups = sorted(group for group in points.groups if group.startswith(_GROUP))
    return [point for group in groups for point in points.select(group=group)]


def names() -> list[str]:
    """All modules that are installed."""
    return list(dict.fromkeys(point.name for point in _points()))


def faction_of(module: str) -> str:
    """Empty for a module that is not installed."""
    return next((point.group.removeprefix(_GROUP) for point in _points() if point.name == module), "")


def installed() -> dict[str, Component]:
    """By name, with what their manifests say."""
    out = {}
    for point in _points():
        manifest = point.load().manifest
        out[point.name] = Component(point.name, manifest.faction, tuple(manifest.requires))
    return out


def closure(wishes: Sequence[str], found: dict[str, Component]) -> Iterator[Component]:
    """The components, each after those that it requires. KeyError for one that is not installed."""
    seen: set[str] = set()

    def visit(name: str) -> Iterator[Component]:
        if name not in seen:
            seen.add(name)
            for needed in found[name].requires:
                yield from visit(needed)
            yield found[name]

    for wish in wishes:
        yield from visit(wish)
