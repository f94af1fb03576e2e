"""rump.wg-keygen: keys for WireGuard (wg-keygen(8))."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence

from rumpclients._command import Parser, run
from rumpclients.wgconfig import KEY_LEN, parse_key, shown

PROG = "rump.wg-keygen"


def parser() -> Parser:
    p = Parser(PROG, "Prints a new private key, in base64.")
    how = p.add_mutually_exclusive_group()
    how.add_argument("--pub", action="store_true", help="the public key of the private one on standard input")
    how.add_argument("--psk", action="store_true", help="a key that two peers share beforehand")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return run(PROG, lambda: print(shown(_key(pub=options.pub, psk=options.psk))))


def _key(*, pub: bool, psk: bool) -> bytes:
    if pub:
        return _public(parse_key(sys.stdin.read(200)))
    key = secrets.token_bytes(KEY_LEN)
    return key if psk else clamped(key)


def clamped(key: bytes) -> bytes:
    """As X25519 uses it anyhow (RFC 7748, 5)."""
    return bytes([key[0] & 248]) + key[1:31] + bytes([key[31] & 127 | 64])


def _public(private: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


if __name__ == "__main__":
    sys.exit(main())
