"""What WireGuard builds on: X25519, ChaCha20-Poly1305, XChaCha20-Poly1305, and BLAKE2s as hash, MAC and KDF."""

from __future__ import annotations

import hashlib
import hmac
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rumpnet.core.wire import Malformed
from rumpuser.host import Buffer

KEY_LEN = 32
_SIGMA = struct.unpack("<4I", b"expand 32-byte k")
_MASK = 0xFFFFFFFF
_ROUNDS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
           (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))  # fmt: skip


def public_key(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def exchange(private: bytes, public: bytes) -> bytes:
    """The shared secret. Malformed for a public key that has none (of low order)."""
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise Malformed("a public key without a shared secret") from error


def digest(*parts: bytes) -> bytes:
    return hashlib.blake2s(b"".join(parts)).digest()


def mac(key: bytes, data: Buffer) -> bytes:
    """The keyed hash, of 16 bytes."""
    return hashlib.blake2s(data, digest_size=16, key=key).digest()


def kdf(count: int, key: bytes, data: bytes) -> list[bytes]:
    """HKDF with HMAC of BLAKE2s: so many keys."""
    secret = hmac.digest(key, data, "blake2s")
    found, last = [], b""
    for number in range(1, count + 1):
        last = hmac.digest(secret, last + bytes([number]), "blake2s")
        found.append(last)
    return found


def nonce(counter: int) -> bytes:
    return bytes(4) + counter.to_bytes(8, "little")


def seal(key: bytes, counter: int, data: Buffer, associated: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(nonce(counter), data, associated)


def unseal(key: bytes, counter: int, data: Buffer, associated: bytes) -> bytes:
    """Malformed for what was not sealed with this key."""
    try:
        return ChaCha20Poly1305(key).decrypt(nonce(counter), data, associated)
    except InvalidTag as error:
        raise Malformed("sealed with another key") from error


def xseal(key: bytes, nonce24: bytes, data: bytes, associated: bytes) -> bytes:
    return ChaCha20Poly1305(hchacha(key, nonce24[:16])).encrypt(bytes(4) + nonce24[16:], data, associated)


def xunseal(key: bytes, nonce24: bytes, data: bytes, associated: bytes) -> bytes:
    """Malformed."""
    try:
        return ChaCha20Poly1305(hchacha(key, nonce24[:16])).decrypt(bytes(4) + nonce24[16:], data, associated)
    except InvalidTag as error:
        raise Malformed("sealed with another key") from error


def hchacha(key: bytes, nonce16: bytes) -> bytes:
    """HChaCha20 (draft-irtf-cfrg-xchacha, 2.2), which makes a key for each long nonce."""
    x = [*_SIGMA, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce16)]
    for _ in range(10):
        for a, b, c, d in _ROUNDS:
            for one, two, three, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[one] = x[one] + x[two] & _MASK
                mixed = x[three] ^ x[one]
                x[three] = (mixed << bits | mixed >> 32 - bits) & _MASK
    return struct.pack("<8I", *x[:4], *x[12:])
