"""Checksums and hashes, against the definitions and against debugfs."""

from __future__ import annotations

import random
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpvfs.fs.ext2fs import hashes
from rumpvfs.fs.ext2fs.checksum import FOLDINGS, crc16, crc32_forward, crc32c, crc32c_integer
from tests.ext4_images import run


def by_bits(polynomial: int, width: int, crc: int, data: bytes) -> int:
    """The definition of a reflected CRC."""
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (polynomial if crc & 1 else 0)
    return crc & ((1 << width) - 1)


def test_the_check_values_of_the_catalogue() -> None:
    assert crc32c(0xFFFFFFFF, b"123456789") ^ 0xFFFFFFFF == 0xE3069283
    assert crc16(0, b"123456789") == 0xBB3D
    assert crc16(0xFFFF, b"123456789") == 0x4B37


@given(st.binary(max_size=600), st.integers(0, 0xFFFFFFFF))
def test_foldings_give_what_the_definition_gives(data: bytes, seed: int) -> None:
    expected = by_bits(0x82F63B78, 32, seed, data)
    assert crc32c(seed, data) == expected
    assert crc32c(seed, memoryview(data)) == expected
    if len(data) >= 4:
        assert crc32c_integer(seed, int.from_bytes(data, "little"), len(data)) == expected


@pytest.mark.parametrize("length", [1020, 1024, 4084, 4096, 65536, 65540, 150_001])
def test_long_messages(length: int) -> None:
    data = random.Random(length).randbytes(length)
    assert crc32c(0x12345678, data) == by_bits(0x82F63B78, 32, 0x12345678, data)


def test_parts_make_the_whole() -> None:
    data = random.Random(1).randbytes(5000)
    for cut in (0, 1, 3, 4, 1000, 4999):
        assert crc32c(crc32c(7, data[:cut]), data[cut:]) == crc32c(7, data)


@pytest.mark.parametrize(("degree", "powers"), FOLDINGS)
def test_each_folding_holds(degree: int, powers: tuple[int, ...]) -> None:
    def power(exponent: int) -> int:
        value = 1
        for _ in range(exponent):
            value = value << 1 ^ (0x11EDC6F41 if value >> 31 else 0)
        return value

    total = 1
    for exponent in powers:
        total ^= power(exponent)
    assert power(degree) == total


def test_the_forward_crc_of_old_journals() -> None:
    mirror = {byte: int(f"{byte:08b}"[::-1], 2) for byte in range(256)}
    crc = 0xFFFFFFFF
    data = b"some block" * 10
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1) ^ 0x104C11DB7 if crc & 0x80000000 else crc << 1
    assert crc32_forward(0xFFFFFFFF, memoryview(data)) == crc
    assert zlib.crc32(bytes(mirror[b] for b in data)) ^ 0xFFFFFFFF == int(f"{crc:032b}"[::-1], 2)


@pytest.mark.parametrize("version", ["legacy", "half_md4", "tea"])
def test_hashes_are_those_of_debugfs(version: str) -> None:
    number = ("legacy", "half_md4", "tea").index(version)
    for uuid in ("00000000-0000-0000-0000-000000000000", "01234567-89ab-cdef-0123-456789abcdef"):
        seed = struct.unpack("<4I", bytes.fromhex(uuid.replace("-", "")))
        for name in ("a", "abc", "é" * 9, "x" * 31, "y" * 32, "z" * 33, "ä" * 100):
            text = run("debugfs", "-R", f"dx_hash -h {version} -s {uuid} {name}")
            expected = int(text.split(" is ")[1].split()[0], 16)
            assert hashes.name_hash(name.encode(), number, seed, unsigned=False) == expected, name
            assert (hashes.name_hash(name.encode(), number, seed, unsigned=True) == expected) == name.isascii()
