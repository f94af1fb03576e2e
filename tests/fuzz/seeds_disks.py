"""Sound disks within files and partition tables that hostile ones are made of."""

from __future__ import annotations

import struct
import zlib
from functools import reduce
from operator import xor

from rumpuser.disk import disklabel, qcow2
from tests.fuzz.exercise import Growing
from tests.fuzz.mutation import Area, Seed, filled, numbers, record


def images() -> list[Seed]:
    return [
        _qcow2(f"version {version}, {bits} bits", version, bits)
        for version, bits in ((2, 16), (3, 16), (3, 1), (3, 64))
    ]


def _qcow2(name: str, version: int, bits: int) -> Seed:
    memory = Growing(bytearray())
    qcow2.create(memory, 1 << 19, cluster_bits=9, version=version, refcount_bits=bits)
    disk = qcow2.open_image(memory)
    for at in range(3000, 500_000, 26_000):
        disk.write(at, b"x" * 5000)
    disk.flush()
    clean = bytes(memory.data)
    blocks = filled(clean, 512, 512)
    return Seed(
        name,
        clean,
        [numbers(blocks, 512, 8, "big"), numbers(blocks, 512, 2, "big"), record("II", [104], "big")],
        [record("4sIQIIQIIQQIIQQQQII", [0], "big"), Area([0], [(75, 4), (76, 4), (79, 1)], 104, "big")],
    )


def tables() -> list[Seed]:
    return [_mbr(), _gpt(), _label("<"), _label(">")]


def _mbr() -> Seed:
    """Primary partitions, and a chain of logical ones."""
    data = bytearray(128 << 10)

    def entry_(sector: int, number: int, kind: int, start: int, length: int) -> None:
        struct.pack_into("<B3xB3xII", data, sector * 512 + 446 + number * 16, 0, kind, start, length)
        data[sector * 512 + 510 : sector * 512 + 512] = b"\x55\xaa"

    entry_(0, 0, 0x83, 8, 24)
    entry_(0, 1, 0xA9, 32, 32)
    entry_(0, 2, 0x05, 64, 128)
    for number in range(5):
        entry_(64 + number * 16, 0, 0x83, 1, 12)
        if number < 4:
            entry_(64 + number * 16, 1, 0x05, (number + 1) * 16, 16)
    data[33 * 512 : 33 * 512 + 196] = _bsd("<")
    records = [sector * 512 + 446 for sector in range(64, 144, 16)]
    parts = [at + 16 * number for at in [446, *records] for number in range(4)]
    return Seed(
        "mbr", bytes(data), [record("B3sB3sII", parts), numbers([33 * 512], 196, 2)], [Area([510], [(0, 2)], 2)]
    )


def _bsd(order: str) -> bytes:
    raw = bytearray(196)
    struct.pack_into(order + "IHH16s16sI", raw, 0, disklabel.MAGIC, 4, 0, b"ESDI", b"mydisk", 512)
    struct.pack_into(order + "I2xH", raw, 132, disklabel.MAGIC, 3)
    for number, (size, offset, kind) in enumerate(((16, 100, 7), (8, 10, 1), (200, 0, 0))):
        struct.pack_into(order + "IIIBBH", raw, 148 + 16 * number, size, offset, 0, kind, 8, 1)
    return _sealed_label(raw, order)


def _sealed_label(raw: bytearray, order: str) -> bytes:
    struct.pack_into(order + "H", raw, 136, 0)
    struct.pack_into(order + "H", raw, 136, reduce(xor, struct.unpack_from(f"{order}{len(raw) // 2}H", raw)))
    return bytes(raw)


def _label(order: str) -> Seed:
    clean = bytes(512) + _bsd(order) + bytes(128 << 10)

    def seal(data: bytearray) -> None:
        if len(data) >= 708:
            data[512:708] = _sealed_label(data[512:708], order)

    endian = "little" if order == "<" else "big"
    places = [512 + 148 + 16 * number for number in range(3)]
    areas = [record("IIIBBH", places, endian), numbers([512], 196, 4, endian)]  # type: ignore[arg-type]
    return Seed(f"label {order}", clean, areas, (), seal)


def _gpt() -> Seed:
    sectors = 256
    data = bytearray(sectors * 512)
    struct.pack_into("<B3xB3xII", data, 446, 0, 0xEE, 1, sectors - 1)
    data[510:512] = b"\x55\xaa"
    for at in (2 * 512, (sectors - 5) * 512):
        for number in range(6):
            name = f"part {number}".encode("utf-16-le").ljust(72, b"\0")
            place = 34 + 8 * number
            struct.pack_into("<16s16sQQQ72s", data, at + number * 128, b"k" * 16, b"u" * 16, place, place + 7, 0, name)
    for here, other, table in ((1, sectors - 1, 2), (sectors - 1, 1, sectors - 5)):
        struct.pack_into(
            "<8sIIIIQQQQ16sQIII",
            data,
            here * 512,
            b"EFI PART",
            0x10000,
            92,
            0,
            0,
            here,
            other,
            34,
            200,
            b"d" * 16,
            table,
            16,
            128,
            0,
        )
    _seal_gpt(data)
    parts = [at + number * 128 for at in (1024, (sectors - 5) * 512) for number in range(6)]
    heads = [512, (sectors - 1) * 512]
    areas = [record("16s16sQQQ72s", parts), record("8sIIIIQQQQ16sQIII", heads)]
    return Seed("gpt", bytes(data), areas, [record("B3sB3sII", [446])], _seal_gpt)


def _seal_gpt(data: bytearray) -> None:
    for at in (512, len(data) // 512 * 512 - 512):
        if at + 512 > len(data) or data[at : at + 8] != b"EFI PART":
            continue
        table, count, size = struct.unpack_from("<QII", data, at + 72)
        if table < 1 << 20 and count * size < 1 << 20:
            struct.pack_into("<I", data, at + 88, zlib.crc32(data[table * 512 : table * 512 + count * size]))
        length = min(int.from_bytes(data[at + 12 : at + 16], "little"), 512)
        struct.pack_into("<I", data, at + 16, 0)
        struct.pack_into("<I", data, at + 16, zlib.crc32(data[at : at + length]))
