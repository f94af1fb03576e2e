"""CRC-32C, CRC-32 and CRC-16 as ext4 and jbd2 compute them.

CRC-32C (Castagnoli, reflected) is needed for every inode and directory block, so a loop over bytes would cost more than
all the rest. A message is a polynomial over GF(2), and Python's integers shift and xor thousands of bits at once: as
x^d = 1 + x^a + x^b modulo the CRC polynomial for well chosen d, a, b, the first half of a message can be folded onto
the second by three shifts. Some ten foldings bring a block down to 288 bits, tables do the rest (4 KiB in some 20 us).

The message is read as a little-endian integer, so its bit 0 is the highest power of x, and appended zeros cost nothing.
"""

from __future__ import annotations

import zlib
from functools import lru_cache, reduce
from operator import getitem, xor
from typing import NamedTuple

from rumpuser.host import Buffer

_POLYNOMIAL = 0x82F63B78

# x^d is congruent to 1 plus the sum of the given powers, modulo the polynomial; descending d.
FOLDINGS = (
    (57173, (414, 737)),
    (23055, (374, 419)),
    (17201, (304, 316)),
    (6777, (100, 484)),
    (4395, (16, 36, 59, 73)),
    (2277, (34, 60, 96, 101)),
    (1059, (4, 43, 85, 88)),
    (680, (3, 19, 80, 122)),
    (468, (17, 18, 20, 41, 43, 48)),
    (247, (3, 15, 38, 40, 47, 49)),
)
# What is left to the tables, one for each of 32 bytes; the 32 bits behind them are the result.
_TABLE_BYTES = 32
_TABLE_BITS = _TABLE_BYTES * 8 + 32
# Messages are led by zeros up to a multiple of this many bytes, so that there are few plans.
_PADDING = 32
_CHUNK = 65536
_SHORT = 4096


def _make_tables() -> list[list[int]]:
    """What a byte leaves behind the 32 bytes, by its place among them."""
    first = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)
        first.append(byte)
    tables = [first]
    for _ in range(_TABLE_BYTES - 1):
        tables.append([(v >> 8) ^ first[v & 0xFF] for v in tables[-1]])
    return tables[::-1]


_TABLES = _make_tables()


class _Plan(NamedTuple):
    """Steps (taken off, mask, shifts) that bring a message down to `_TABLE_BITS`, and what they cost."""

    cost: int
    steps: tuple[tuple[int, int, tuple[int, ...]], ...]


@lru_cache(maxsize=4096)
def _plan(bits: int) -> _Plan:
    """The cheapest way to fold a message of ``bits``; a shift costs a constant and a little for each bit."""
    if bits <= _TABLE_BITS:
        return _Plan(0, ())
    fitting = [(degree, powers) for degree, powers in FOLDINGS if max(degree, _TABLE_BITS) < bits]
    plans = []
    # For a long message the largest folding is best; for a short one a smaller one may be enough.
    for degree, powers in fitting[: 3 if bits < _SHORT else 1]:
        taken = min(degree - powers[-1], bits - max(degree, _TABLE_BITS))
        rest = _plan(bits - taken)
        shifts = tuple(degree - taken - power for power in (0, *powers))
        cost = len(shifts) * (2000 + taken) + bits
        plans.append(_Plan(cost + rest.cost, ((taken, (1 << taken) - 1, shifts), *rest.steps)))
    return min(plans)


def _remainder(message: int, length: int) -> int:
    """The CRC of ``length`` <= `_CHUNK` bytes given as an integer, the initial value already in its lowest 32 bits."""
    padding = -length % _PADDING
    message <<= padding * 8
    bits = (length + padding) * 8 + 32
    for taken, mask, shifts in _plan(bits).steps:
        head = message & mask
        message >>= taken
        for shift in shifts:
            message ^= head << shift
    left = message.to_bytes(_TABLE_BYTES + 4, "little")
    return reduce(xor, map(getitem, _TABLES, left), message >> _TABLE_BYTES * 8)


def crc32c(seed: int, data: Buffer) -> int:
    """CRC-32C of ``data`` going on from ``seed`` (all ones at first), not inverted at the end."""
    length = len(data)
    if length <= _CHUNK:
        return _remainder(int.from_bytes(data, "little") ^ seed, length) if length >= 4 else _bytewise(seed, data)
    view = memoryview(data)
    for at in range(0, length, _CHUNK):
        seed = crc32c(seed, view[at : at + _CHUNK])
    return seed


def crc32c_integer(seed: int, message: int, length: int) -> int:
    """The same for 4 <= ``length`` <= 64 Ki bytes that are at hand as a little-endian integer."""
    return _remainder(message ^ seed, length)


def _bytewise(crc: int, data: Buffer) -> int:
    for byte in bytes(data):
        crc = (crc >> 8) ^ _TABLES[-1][(crc ^ byte) & 0xFF]
    return crc


# A byte with its bits in reverse order.
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def crc32_forward(crc: int, data: Buffer) -> int:
    """CRC-32 with the highest bit first, by way of zlib's, which has the lowest first and inverts both ends."""
    mirrored = int(f"{crc:032b}"[::-1], 2) ^ 0xFFFFFFFF
    found = zlib.crc32(bytes(data).translate(_REVERSED), mirrored) ^ 0xFFFFFFFF
    return int(f"{found:032b}"[::-1], 2)


def _make_crc16() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0xA001 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC16 = _make_crc16()


def crc16(seed: int, data: Buffer) -> int:
    """CRC-16 (polynomial 0x8005, reflected), the checksum of group descriptors before metadata_csum."""
    for byte in bytes(data):
        seed = (seed >> 8) ^ _CRC16[(seed ^ byte) & 0xFF]
    return seed
