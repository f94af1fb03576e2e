"""Damaged UDF volumes: everything ends in an answer or a KernelError, and soon."""

from __future__ import annotations

import binascii
import os
import random
import struct
import time
from pathlib import Path

import pytest

from rumpvfs.core.vnode import FileSystem
from rumpvfs.fs.udf import FILE_SYSTEM
from tests.ext4_images import run
from tests.fuzz.test_ext2fs_hostile import attempt, look_at_everything
from tests.iso_images import damage, fill, mount

ROUNDS = 100
SECONDS = 5.0
KINDS = {*range(1, 10), *range(256, 267)}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    top = tmp_path_factory.mktemp("hostile")
    fill(top / "source", genisoimage=True)
    (top / "source" / "large").write_bytes(b"y" * 20_000)
    run("genisoimage", "-quiet", "-R", "-udf", "-o", top / "image", top / "source")
    return (top / "image").read_bytes()


def repair(data: bytearray, at: int) -> None:
    """Makes tag and CRC of a descriptor right again, so that what was changed in it is looked at."""
    length = min(struct.unpack_from("<H", data, at + 10)[0], 2048 - 16)
    struct.pack_into("<HH", data, at + 8, binascii.crc_hqx(bytes(data[at + 16 : at + 16 + length]), 0), length)
    data[at + 4] = (sum(data[at : at + 4]) + sum(data[at + 5 : at + 16])) & 0xFF


def walk(data: bytes | bytearray) -> bool:
    begun = time.process_time()
    fs = attempt(mount, FILE_SYSTEM, data)
    if isinstance(fs, FileSystem):
        look_at_everything(fs)
    assert time.process_time() - begun < SECONDS
    return isinstance(fs, FileSystem)


def test_changed_descriptors(clean: bytes) -> None:
    tagged = [
        at
        for at in range(0, len(clean), 2048)
        if clean[at + 2 : at + 4] in (b"\2\0", b"\3\0")
        and struct.unpack_from("<H", clean, at)[0] in {*range(1, 10), *range(256, 267)}
    ]
    assert len(tagged) > 100
    generator = random.Random(7)
    mounted = 0
    for _ in range(ROUNDS):
        data = bytearray(clean)
        for _ in range(generator.choice((1, 3, 20))):
            at = generator.choice(tagged if generator.random() < 0.7 else tagged[:20])
            damage(data, at + 16 + generator.randrange(generator.choice((64, 480))), generator)
            repair(data, at)
        mounted += walk(data)
    assert mounted > ROUNDS // 5


def test_changed_bytes_and_cut_off_volumes(clean: bytes) -> None:
    generator = random.Random(8)
    for _ in range(60):
        data = bytearray(clean)
        for _ in range(50):
            damage(data, generator.randrange(32768, len(data)), generator)
        walk(data)
    for length in range(30_000, len(clean), len(clean) // 30):
        walk(clean[:length])


def test_fresh_volumes_of_all_media(tmp_path: Path) -> None:
    generator = random.Random(9)
    for media in ("hd", "cdrw", "cdr"):
        image = tmp_path / media
        image.touch()
        os.truncate(image, 3 << 20)
        run("mkudffs", f"--media-type={media}", image)
        fresh = image.read_bytes()
        if media == "cdr":
            fresh = fresh[: -(-len(fresh.rstrip(b"\0")) // 2048) * 2048]
        size = 512 if media == "hd" else 2048
        assert walk(fresh)
        places = [at for at in range(0, len(fresh), size) if any(fresh[at : at + 16])]
        for _ in range(60):
            data = bytearray(fresh)
            at = generator.choice(places)
            damage(data, at + generator.randrange(500), generator)
            repair(data, at)
            walk(data)
