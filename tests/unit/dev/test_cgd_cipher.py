"""The ciphers of cgd against the vectors of IEEE 1619 and against OpenSSL."""

from __future__ import annotations

import subprocess

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpdev.drivers.cgd_cipher import SectorCipher, XtsCipher, make_cipher
from rumpwire.errno import KernelError
from tests.tools import need

COUNTING = bytes(range(256)) * 2
EULER = "2718281828459045235360287471352662497757247093699959574966967627"
PI = "3141592653589793238462643383279502884197169399375105820974944592"
VECTORS = {
    "2": ("11" * 16 + "22" * 16, 0x3333333333, b"\x44" * 32,
          "c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0"),
    "3": ("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0" + "22" * 16, 0x3333333333, b"\x44" * 32,
          "af85336b597afc1a900b2eb21ec949d292df4c047e0b21532186a5971a227a89"),
    "4": ("27182818284590452353602874713526" + "31415926535897932384626433832795", 0, COUNTING,
          "27a7479befa1d476489f308cd4cfa6e2a96e4bbe3208ff25287dd3819616e89c"),
    "10": (EULER + PI, 0xFF, COUNTING,
           "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b"),
}  # fmt: skip
"""Key, number of the sector, plain text, and the beginning of the enciphered text."""


@pytest.mark.parametrize("name", VECTORS)
def test_ieee_1619(name: str) -> None:
    key, number, plain, expected = VECTORS[name]
    cipher = XtsCipher(bytes.fromhex(key), len(plain))
    enciphered = cipher.encrypt(number, plain)
    assert enciphered.hex().startswith(expected)
    assert cipher.decrypt(number, enciphered) == plain


@pytest.mark.parametrize(("method", "passes"), [("encblkno1", 1), ("encblkno8", 8), ("encblkno", 8)])
@pytest.mark.parametrize("bits", [128, 192, 256])
def test_cbc_is_that_of_openssl(method: str, passes: int, bits: int) -> None:
    key = bytes(range(bits // 8))
    iv = (7).to_bytes(16, "little")
    for _ in range(passes):
        iv = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(iv)
    command = [need("openssl"), "enc", f"-aes-{bits}-cbc", "-nopad", "-K", key.hex(), "-iv", iv.hex()]
    expected = subprocess.run(command, input=COUNTING, capture_output=True, check=True, timeout=20).stdout
    assert make_cipher("aes-cbc", method, key, bits, 512).encrypt(7, COUNTING) == expected


CIPHERS = [
    make_cipher("aes-cbc", "encblkno1", bytes(range(16)), 128, 512),
    make_cipher("aes-cbc", "encblkno8", bytes(range(32)), 256, 512),
    make_cipher("aes-xts", "encblkno1", bytes(range(32)), 256, 512),
    make_cipher("aes-xts", "encblkno1", bytes(range(64)), 512, 512),
]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(CIPHERS), st.integers(0, 1 << 50), st.lists(st.integers(0, 255), min_size=1, max_size=5))
def test_each_sector_stands_alone(cipher: SectorCipher, first: int, fill: list[int]) -> None:
    """Many at once are the same as one by one, and come back as they were."""
    plain = b"".join(bytes([value]) * 512 for value in fill)
    enciphered = cipher.encrypt(first, plain)
    singly = [cipher.encrypt(first + i, plain[i * 512 : i * 512 + 512]) for i in range(len(fill))]
    assert enciphered == b"".join(singly)
    assert cipher.decrypt(first, enciphered) == plain
    assert cipher.decrypt(first, memoryview(enciphered)) == plain


@pytest.mark.parametrize(
    ("algorithm", "method", "length", "bits"),
    [
        ("aes-cbc", "encblkno1", 16, 256),
        ("aes-cbc", "encblkno1", 15, 120),
        ("aes-xts", "encblkno8", 32, 256),
        ("aes-xts", "encblkno1", 16, 128),
        ("3des-cbc", "encblkno1", 24, 192),
        ("aes-cbc", "", 16, 128),
    ],
)
def test_refusals(algorithm: str, method: str, length: int, bits: int) -> None:
    with pytest.raises(KernelError) as caught:
        make_cipher(algorithm, method, bytes(length), bits, 512)
    assert caught.value.name == "EINVAL"


def test_equal_halves_of_a_key() -> None:
    with pytest.raises(KernelError) as caught:
        make_cipher("aes-xts", "encblkno1", bytes(32), 256, 512)
    assert caught.value.name == "EINVAL"
