"""Changing images where it matters: fields of the records that a format has, one by another's value."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

_TELLING = (0, 1, 2, 3, 5, 0x2E, 0x7F, 0x80, 0xE5, 0xF7, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFF7, 0xFFFF, 0x10000,
            0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40, 1 << 62, 1 << 63, (1 << 64) - 1)  # fmt: skip
_LIMITS = (4, 16, 64, 512, 4096, 1 << 16)
_COUNTS = (1, 1, 1, 2, 2, 3, 4, 6, 10, 30, 100)


class Area(NamedTuple):
    """Records of one kind: where they are, what fields (offset, width) they have, how long they are."""

    places: Sequence[int]
    fields: Sequence[tuple[int, int]]
    size: int
    order: Literal["little", "big"] = "little"


def fields(form: str) -> list[tuple[int, int]]:
    """The fields of a format of `struct`; pad bytes are none."""
    found, at = [], 0
    for count, kind in re.findall(r"(\d*)([a-zA-Z])", form):
        for _ in range(1 if kind == "s" else int(count or 1)):
            width = struct.calcsize(f"<{count if kind == 's' else ''}{kind}")
            if kind != "x":
                found.append((at, width))
            at += width
    return found


def record(form: str, places: Sequence[int], order: Literal["little", "big"] = "little") -> Area:
    return Area(places, fields(form), struct.calcsize("<" + form), order)


def numbers(places: Sequence[int], size: int, width: int = 4, order: Literal["little", "big"] = "little") -> Area:
    """Blocks of numbers of one width: maps, chains, and whatever there is no closer description of."""
    return Area(places, [(at, width) for at in range(0, size, width)], size, order)


def filled(image: bytes, size: int, begin: int = 0, end: int | None = None) -> list[int]:
    """Where the blocks are that are neither free nor of files, which have but these letters."""
    stop = len(image) if end is None else end
    return [at for at in range(begin, stop, size) if image[at : at + size].strip(b"\0xyz")]


class Seed(NamedTuple):
    """A sound image. ``vital`` are the areas that decide whether it can be mounted; most images leave them alone.

    ``seal`` makes checksums right again, so that what was changed is looked at; a part of the images goes without.
    """

    name: str
    clean: bytes
    areas: Sequence[Area]
    vital: Sequence[Area] = ()
    seal: Callable[[bytearray], None] | None = None


def mutated(seed: Seed, generator: random.Random) -> bytearray:
    data = bytearray(seed.clean)
    areas = [*seed.areas, *seed.vital] if generator.random() < 0.25 else seed.areas
    # Often everything happens in one kind of record.
    if generator.random() < 0.5:
        areas = [generator.choice(areas)]
    for _ in range(generator.choice(_COUNTS)):
        _change(data, generator.choice(areas), generator)
    if generator.random() < 0.02:
        del data[generator.randrange(len(data)) :]
    if seed.seal is not None and generator.random() < 0.9:
        seed.seal(data)
    return data


def _change(data: bytearray, area: Area, generator: random.Random) -> None:
    place = generator.choice(area.places)
    offset, width = generator.choice(area.fields)
    at = place + offset
    kind = generator.randrange(9)
    if kind < 6:
        before = int.from_bytes(data[at : at + width], area.order)
        value = _value(before, width, kind, generator)
        data[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, area.order)
    elif kind == 6:
        other = generator.choice(area.places) + offset
        data[at : at + width] = data[other : other + width]
    elif kind == 7:
        other = generator.choice(area.places)
        data[place : place + area.size] = data[other : other + area.size]
    else:
        data[at : at + width] = generator.randbytes(width)


def _value(before: int, width: int, kind: int, generator: random.Random) -> int:
    if kind == 0:
        return before ^ 1 << generator.randrange(8 * width)
    if kind == 1:
        return before + generator.choice((-1, 1, -2, 2, 8, -8, 256, -256, 4096))
    if kind == 2:
        return generator.randrange(generator.choice(_LIMITS))
    if kind == 3:
        return before * 2 if generator.random() < 0.5 else before // 2
    return generator.choice(_TELLING)
