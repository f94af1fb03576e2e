"""The formats that hostile images are made of: sound images of each, their records, and how they are used."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

from rumpuser.disk import partitions, qcow2
from rumpvfs.core.vnode import FileSystemType
from rumpvfs.fs import cd9660, exfatfs, ext2fs, ffs, msdosfs, udf
from rumpwire.errno import Errno
from tests.fuzz import seeds, seeds_discs, seeds_disks
from tests.fuzz.exercise import READING, WRITING, Device, Growing, attempt, mounted, read_everything, write_everything
from tests.fuzz.mutation import Seed, mutated


class Target(NamedTuple):
    seeds: Callable[[], list[Seed]]
    use: Callable[[str, bytearray, random.Random], bool]


def image(target: str, number: int) -> tuple[Seed, bytearray]:
    """The image of a number, always the same."""
    generator = random.Random(f"{target} {number}")
    seed = generator.choice(seeds_of(target))
    return seed, mutated(seed, generator)


@cache
def seeds_of(target: str) -> list[Seed]:
    return TARGETS[target].seeds()


def use(target: str, seed: str, number: int, data: bytearray) -> bool:
    """Reads and writes an image that came from a seed; False when it was refused as a whole. The number says how."""
    return TARGETS[target].use(seed, data, random.Random(number))


def _writable(kind: FileSystemType, seed: str, data: bytearray, generator: random.Random) -> bool:
    """A third of the images is mounted for reading only, which some checks depend on."""
    readonly = generator.random() < 0.33
    fs = mounted(kind, data, readonly=readonly)
    if fs is None:
        return False
    found = read_everything(fs)
    if not readonly:
        write_everything(fs, found, generator)
    return True


def _disc(kind: FileSystemType, seed: str, data: bytearray, generator: random.Random) -> bool:
    fs = mounted(kind, data, readonly=True, **seeds_discs.OPTIONS.get(seed, {}))
    if fs is None:
        return False
    read_everything(fs)
    return True


def _use_qcow2(seed: str, data: bytearray, generator: random.Random) -> bool:
    disk = attempt(READING | {Errno.EFBIG}, qcow2.open_image, Growing(data))
    if disk is None:
        return False
    size = min(disk.size, 1 << 20)
    for at in range(0, size, 50_000):
        attempt(READING, disk.view, at, min(50_000, disk.size - at))
    for _ in range(10):
        at = generator.randrange(max(size, 1))
        attempt(WRITING, disk.write, at, b"w" * min(3000, disk.size - at))
    attempt(WRITING, disk.flush)
    return True


def _use_table(seed: str, data: bytearray, generator: random.Random) -> bool:
    device = Device(data)
    found = attempt(READING, partitions.find, device)
    for partition in (found or ())[:300]:
        assert partition.start >= 0
        opened = attempt(READING, partitions.open_partition, device, partition.name)
        if opened is not None:
            attempt(READING, opened.view, 0, min(opened.size, 512))
    return bool(found)


TARGETS = {
    "msdosfs": Target(seeds.msdos, partial(_writable, msdosfs.FILE_SYSTEM)),
    "exfatfs": Target(seeds.exfat, partial(_writable, exfatfs.FILE_SYSTEM)),
    "ext2fs": Target(seeds.ext, partial(_writable, ext2fs.FILE_SYSTEM)),
    "ffs": Target(seeds.unix, partial(_writable, ffs.FILE_SYSTEM)),
    "cd9660": Target(seeds_discs.iso, partial(_disc, cd9660.FILE_SYSTEM)),
    "udf": Target(seeds_discs.universal, partial(_disc, udf.FILE_SYSTEM)),
    "qcow2": Target(seeds_disks.images, _use_qcow2),
    "partitions": Target(seeds_disks.tables, _use_table),
}
