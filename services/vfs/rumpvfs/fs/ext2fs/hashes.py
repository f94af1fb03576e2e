"""The hashes of names in indexed directories: legacy, half MD4 and TEA, over signed or unsigned characters."""

from __future__ import annotations

import struct
from functools import lru_cache

LEGACY = 0
HALF_MD4 = 1
TEA = 2

_MASK = 0xFFFFFFFF
_DEFAULT_SEED = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
# The largest hash marks the end of a directory for readers, so no name has it.
_END = 0x7FFFFFFF << 1
_CONSTANTS = (0, 0x5A827999, 0x6ED9EBA1)
_ORDERS = ((0, 1, 2, 3, 4, 5, 6, 7), (1, 3, 5, 7, 0, 2, 4, 6), (3, 7, 2, 6, 1, 5, 0, 4))
_SHIFTS = ((3, 7, 11, 19), (3, 5, 9, 13), (3, 9, 11, 15))
_DELTA = 0x9E3779B9


@lru_cache(maxsize=4096)
def name_hash(name: bytes, version: int, seed: tuple[int, ...], *, unsigned: bool) -> int:
    """The 32-bit hash of a name, its lowest bit clear; ``version`` is one of the three above."""
    characters = list(name) if unsigned else list(struct.unpack(f"{len(name)}b", name))
    state = list(seed) if any(seed) else list(_DEFAULT_SEED)
    if version == LEGACY:
        found = _legacy(characters)
    elif version == HALF_MD4:
        found = _half_md4(characters, state)
    else:
        found = _tea(characters, state)
    found &= ~1
    return found if found != _END else (0x7FFFFFFF - 1) << 1


def _legacy(characters: list[int]) -> int:
    now, before = 0x12A3FE2D, 0x37ABE8F9
    for character in characters:
        value = (before + (now ^ (character * 7152373 & _MASK))) & _MASK
        if value & 0x80000000:
            value = (value - 0x7FFFFFFF) & _MASK
        now, before = value, now
    return now << 1 & _MASK


def _words(characters: list[int], count: int) -> list[int]:
    """``count`` words of four characters, the first one on top; padded with the length that is left."""
    length = len(characters)
    pad = (length | length << 8) & 0xFFFF
    pad |= pad << 16
    words = []
    for at in range(0, min(length, count * 4), 4):
        value = pad
        for character in characters[at : at + 4]:
            value = (character + (value << 8)) & _MASK
        words.append(value)
    return words + [pad] * (count - len(words))


def _half_md4(characters: list[int], state: list[int]) -> int:
    for at in range(0, len(characters), 32):
        _half_md4_step(state, _words(characters[at:], 8))
    return state[1]


def _half_md4_step(state: list[int], words: list[int]) -> None:
    a, b, c, d = state
    for number in range(3):
        constant, shifts = _CONSTANTS[number], _SHIFTS[number]
        for at, word in enumerate(_ORDERS[number]):
            if number == 0:
                mixed = d ^ (b & (c ^ d))
            elif number == 1:
                mixed = (b & c) + ((b ^ c) & d)
            else:
                mixed = b ^ c ^ d
            total = (a + mixed + words[word] + constant) & _MASK
            shift = shifts[at & 3]
            a, b, c, d = d, (total << shift | total >> (32 - shift)) & _MASK, b, c
    for at, value in enumerate((a, b, c, d)):
        state[at] = (state[at] + value) & _MASK


def _tea(characters: list[int], state: list[int]) -> int:
    for at in range(0, len(characters), 16):
        _tea_step(state, _words(characters[at:], 4))
    return state[0]


def _tea_step(state: list[int], words: list[int]) -> None:
    low, high = state[:2]
    a, b, c, d = words
    total = 0
    for _ in range(16):
        total = (total + _DELTA) & _MASK
        low = (low + (((high << 4) + a) ^ (high + total) ^ ((high >> 5) + b))) & _MASK
        high = (high + (((low << 4) + c) ^ (low + total) ^ ((low >> 5) + d))) & _MASK
    state[0] = (state[0] + low) & _MASK
    state[1] = (state[1] + high) & _MASK
