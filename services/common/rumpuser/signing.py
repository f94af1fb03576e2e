"""Signatures of module wheels: ed25519 (RFC 8032) over the SHA-256 digest of the file.

The signature of ``x.whl`` travels with it in an upload, and stands beside it as ``x.whl.sig``: a JSON object with the
members ``sha256``, ``public_key`` and ``signature``, all in hexadecimal. Keys are kept as PEM files (PKCS #8), as
``openssl genpkey -algorithm ed25519`` writes them; a kernel is told the raw 32 bytes of the public keys it trusts.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from rumpuser.host import Buffer
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_LENGTH = 32
MAX_FILE = 4096
"""Longest signature file that is read."""
SUFFIX = ".sig"


class Signature(NamedTuple):
    """What vouches for a wheel: its digest, who signed it, and the signature of the digest; raw bytes."""

    sha256: bytes
    public_key: bytes
    signature: bytes

    def emit(self) -> bytes:
        """The contents of a signature file."""
        return json.dumps({name: value.hex() for name, value in self._asdict().items()}, indent=1).encode() + b"\n"

    @classmethod
    def parse(cls, data: Buffer) -> Signature:
        """EBADMSG for what is not a signature file."""
        if len(data) > MAX_FILE:
            raise KernelError(Errno.EBADMSG, f"a signature file has at most {MAX_FILE} bytes, not {len(data)}")
        try:
            members = json.loads(bytes(data))
            return cls(*(bytes.fromhex(members[name]) for name in cls._fields))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            text = "not a signature file, which is JSON with sha256, public_key and signature in hexadecimal"
            raise KernelError(Errno.EBADMSG, f"{text}: {error}") from error


def digest(wheel: Buffer) -> bytes:
    return hashlib.sha256(wheel).digest()


def sign(private_key: bytes, wheel: Buffer) -> Signature:
    """The signature of a wheel by a raw private key."""
    key = _private(private_key)
    sha256 = digest(wheel)
    return Signature(sha256, key.public_key().public_bytes_raw(), key.sign(sha256))


def verify(wheel: Buffer, signature: Signature, trusted: Collection[bytes]) -> None:
    """EBADMSG when the wheel is not the one that was signed, EAUTH when nobody who is trusted signed it."""
    found = digest(wheel)
    if signature.sha256 != found:
        told = signature.sha256.hex() or "none"
        raise KernelError(Errno.EBADMSG, f"the wheel has the SHA-256 digest {found.hex()}, the signature is for {told}")
    if signature.public_key not in trusted:
        keys = ", ".join(key.hex() for key in trusted) or "none: set RUMP_MODULE_KEYS"
        name = signature.public_key.hex() or "nobody"
        raise KernelError(Errno.EAUTH, f"signed by {name}, whom this kernel does not trust; trusted keys: {keys}")
    _check(signature)


def _check(signature: Signature) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(signature.public_key).verify(signature.signature, signature.sha256)
    except (InvalidSignature, ValueError) as error:
        name = signature.public_key.hex()
        raise KernelError(
            Errno.EAUTH, f"not a signature of the digest {signature.sha256.hex()} by the key {name}"
        ) from error


# -- keys


def generate() -> bytes:
    """A new private key, raw."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key(private_key: bytes) -> bytes:
    """The raw public key of a raw private key."""
    return _private(private_key).public_key().public_bytes_raw()


def save_key(path: str, private_key: bytes) -> None:
    """Writes a private key to a new file that only its owner can read. OSError."""
    from cryptography.hazmat.primitives import serialization as s

    pem = _private(private_key).private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption())
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
        f.write(pem)


def load_key(path: str) -> bytes:
    """The raw private key out of a file. EINVAL for anything but an ed25519 key; OSError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as s
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    with open(path, "rb") as f:
        data = f.read(MAX_FILE + 1)
    try:
        key: Any = s.load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KernelError(Errno.EINVAL, f"{path}: not a private key in PEM: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KernelError(Errno.EINVAL, f"{path}: not an ed25519 key")
    return key.private_bytes_raw()


def _private(raw: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if len(raw) != KEY_LENGTH:
        raise KernelError(Errno.EINVAL, f"a private key has {KEY_LENGTH} bytes, not {len(raw)}")
    return Ed25519PrivateKey.from_private_bytes(raw)
