"""The Internet checksum (RFC 1071): the complement of the ones' complement sum of 16-bit words."""

from __future__ import annotations

from rumpuser.host import Buffer


def ones_sum(*parts: Buffer) -> int:
    """The sum over all parts, each padded to whole words with a zero byte.

    A number in base 65536 is congruent to the sum of its digits modulo 65535, and the ones' complement sum is that
    residue, written as 65535 instead of 0 unless all digits are 0.
    """
    total = 0
    for part in parts:
        number = int.from_bytes(part, "big")
        if len(part) & 1:
            number <<= 8
        total += number % 0xFFFF or (0xFFFF if number else 0)
    return total % 0xFFFF or (0xFFFF if total else 0)


def checksum(*parts: Buffer) -> int:
    """What goes into the checksum field, given the rest with zeros in that field."""
    return ~ones_sum(*parts) & 0xFFFF


def verifies(*parts: Buffer) -> bool:
    """Whether a packet with its checksum in place is intact."""
    return ones_sum(*parts) == 0xFFFF
