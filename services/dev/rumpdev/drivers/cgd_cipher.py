"""The ciphers of cgd(4): AES-CBC and AES-XTS over numbered sectors.

The number of a sector, little endian in a block of 16 bytes, is the tweak of XTS (IEEE 1619). For CBC it is enciphered
to be the initial value: once (encblkno1), or eight times over (encblkno8, what early disks have by mistake).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError

BLOCK = 16
"""Bytes of a block of AES."""
KEYS = {"aes-cbc": (128, 192, 256), "aes-xts": (256, 512)}
"""Bits of a key. XTS has two of them, one behind the other."""
IV_METHODS = {
    "encblkno1": const.CGD_CIPHER_CBC_ENCBLKNO1,
    "encblkno8": const.CGD_CIPHER_CBC_ENCBLKNO8,
    "encblkno": const.CGD_CIPHER_CBC_ENCBLKNO8,
}


class SectorCipher:
    """Enciphers and deciphers sectors of ``sector`` bytes. Ranges are whole sectors, ``first`` the number of one."""

    def __init__(self, key: bytes, sector: int, *others: int) -> None:
        self.sector = sector
        self._made_of = key, sector, *others

    def __reduce__(self) -> Any:
        """Objects of the library stay in their process; what takes the place of this one makes them of the same key."""
        return type(self), self._made_of

    def encrypt(self, first: int, data: Buffer) -> bytes:
        raise NotImplementedError

    def decrypt(self, first: int, data: Buffer) -> bytes:
        raise NotImplementedError

    def _numbers(self, first: int, length: int) -> bytes:
        """The numbers of the sectors of a range, each in a block."""
        return b"".join(number.to_bytes(BLOCK, "little") for number in range(first, first + length // self.sector))


class XtsCipher(SectorCipher):
    """AES-XTS."""

    def __init__(self, key: bytes, sector: int) -> None:
        """EINVAL when both halves of the key are the same."""
        super().__init__(key, sector)
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        if key[: len(key) // 2] == key[len(key) // 2 :]:
            raise KernelError(Errno.EINVAL, "the two keys of XTS must differ")
        algorithm = algorithms.AES(key)
        self._cipher: Callable[[bytes], Any] = lambda tweak: Cipher(algorithm, modes.XTS(tweak))

    def encrypt(self, first: int, data: Buffer) -> bytes:
        return self._each(first, data, lambda tweak: self._cipher(tweak).encryptor())

    def decrypt(self, first: int, data: Buffer) -> bytes:
        return self._each(first, data, lambda tweak: self._cipher(tweak).decryptor())

    def _each(self, first: int, data: Buffer, context: Callable[[bytes], Any]) -> bytes:
        view, size = memoryview(data), self.sector
        return b"".join(
            context((first + number).to_bytes(BLOCK, "little")).update(view[number * size : (number + 1) * size])
            for number in range(len(view) // size)
        )


class CbcCipher(SectorCipher):
    """AES-CBC with the enciphered number of the sector as initial value."""

    def __init__(self, key: bytes, sector: int, passes: int) -> None:
        super().__init__(key, sector, passes)
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        algorithm = algorithms.AES(key)
        self._passes = passes
        self._ecb = Cipher(algorithm, modes.ECB())  # noqa: S305  of single blocks, and under CBC
        self._cbc: Callable[[bytes], Any] = lambda iv: Cipher(algorithm, modes.CBC(iv))

    def encrypt(self, first: int, data: Buffer) -> bytes:
        view, size = memoryview(data), self.sector
        ivs = self._initial(first, len(view))
        return b"".join(
            self._cbc(ivs[number * BLOCK : (number + 1) * BLOCK])
            .encryptor()
            .update(view[number * size : (number + 1) * size])
            for number in range(len(view) // size)
        )

    def decrypt(self, first: int, data: Buffer) -> bytes:
        """All at once: the blocks are independent, and each is then combined with the one before it."""
        view = memoryview(data)
        before = bytearray(len(view))
        before[BLOCK:] = view[:-BLOCK]
        ivs = self._initial(first, len(view))
        for number in range(len(view) // self.sector):
            at = number * self.sector
            before[at : at + BLOCK] = ivs[number * BLOCK : (number + 1) * BLOCK]
        plain: bytes = self._ecb.decryptor().update(view)
        mixed = int.from_bytes(plain, "little") ^ int.from_bytes(before, "little")
        return mixed.to_bytes(len(view), "little")

    def _initial(self, first: int, length: int) -> bytes:
        values = self._numbers(first, length)
        for _ in range(self._passes):
            values = self._ecb.encryptor().update(values)
        return values


def make_cipher(algorithm: str, iv_method: str, key: bytes, key_bits: int, sector: int) -> SectorCipher:
    """EINVAL for an algorithm, method or length of key that there is not."""
    sizes = KEYS.get(algorithm)
    if sizes is None:
        raise KernelError(Errno.EINVAL, f"algorithm {algorithm!r}; there are {', '.join(KEYS)}")
    if key_bits not in sizes or len(key) * 8 != key_bits:
        raise KernelError(Errno.EINVAL, f"{algorithm} has keys of {', '.join(map(str, sizes))} bits, not {key_bits}")
    if iv_method not in IV_METHODS or (algorithm == "aes-xts" and iv_method != "encblkno1"):
        raise KernelError(Errno.EINVAL, f"{algorithm} knows no initial values of method {iv_method!r}")
    if algorithm == "aes-xts":
        return XtsCipher(key, sector)
    return CbcCipher(key, sector, 8 if IV_METHODS[iv_method] == const.CGD_CIPHER_CBC_ENCBLKNO8 else 1)
