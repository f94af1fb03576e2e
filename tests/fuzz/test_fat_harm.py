"""Changing one file of a damaged FAT or exFAT changes no other that was looked at: what it held, it holds."""

from __future__ import annotations

import random

import pytest

from rumpvfs.core.vnode import Changes, FileSystem, NewNode, Vnode, VType
from rumpvfs.fs import exfatfs, msdosfs
from tests.fuzz.bounds import bounded_time
from tests.fuzz.exercise import READING, WRITING, attempt, mounted, read_everything
from tests.fuzz.targets import image

IMAGES = 250
KINDS = {"msdosfs": msdosfs.FILE_SYSTEM, "exfatfs": exfatfs.FILE_SYSTEM}


def held(node: Vnode) -> bytes | list[bytes] | None:
    """What a file or a directory holds; None for what cannot be read."""
    if node.vtype is VType.DIR:
        entries = attempt(READING, lambda: list(node.readdir(0)))
        return None if entries is None else [entry.name for entry in entries]
    size = attempt(READING, lambda: node.getattr().st_size)
    data = None if size is None else attempt(READING, node.read, 0, min(size, 100_000))
    return None if data is None else bytes(data)


def change(directory: Vnode, name: bytes, node: Vnode, generator: random.Random) -> None:
    size = min(node.getattr().st_size, 1 << 20)
    kind = generator.randrange(5)
    if kind < 2:
        attempt(WRITING, node.write, generator.choice((0, size, size // 2)), b"changed" * 300)
    elif kind == 2:
        attempt(WRITING, node.setattr, Changes(size=generator.choice((0, size // 2, size + 3000))))
    elif attempt(WRITING, directory.lookup, name) is node:
        attempt(WRITING, directory.unlink, name, node)
        attempt(WRITING, node.inactive)
        # What was let go of is used again.
        attempt(WRITING, directory.fs.sync)
        made = attempt(WRITING, directory.create, b"new one", NewNode(VType.REG, 0o644, 0, 0))
        if made is not None:
            attempt(WRITING, made.write, 0, b"n" * 30_000)
            attempt(WRITING, directory.unlink, b"new one", made)
            attempt(WRITING, made.inactive)


def harmed(fs: FileSystem, generator: random.Random) -> list[str]:
    """Changes some files one after another; what else has changed then."""
    found = read_everything(fs)
    files = [entry for entry in found if entry[2].vtype is VType.REG]
    harm = []
    for directory, name, node in generator.sample(files, min(len(files), 5)):
        others = [other for _, _, other in found if other is not node and other is not directory and other.record]
        before = [held(other) for other in others]
        change(directory, name, node, generator)
        harm += [
            f"{other.record.name!r} by {name!r}"
            for other, was in zip(others, before, strict=True)
            if was is not None and held(other) != was
        ]
    return harm


@pytest.mark.parametrize("target", KINDS)
def test_no_other_file_changes(target: str) -> None:
    tried = 0
    for number in range(IMAGES):
        _, data = image(target, number)
        with bounded_time():
            fs = mounted(KINDS[target], data, readonly=False)
            if fs is not None:
                tried += 1
                assert harmed(fs, random.Random(number)) == [], number
    assert tried > IMAGES // 2
