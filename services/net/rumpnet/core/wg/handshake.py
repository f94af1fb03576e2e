"""The handshake of WireGuard: Noise_IKpsk2 with two messages (whitepaper, 5.4.2 and 5.4.3)."""

from __future__ import annotations

from typing import NamedTuple

from rumpnet.core.wg.crypto import digest, exchange, kdf, public_key, seal, unseal
from rumpnet.core.wire import wg

CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
_CHAIN = digest(CONSTRUCTION)
_HASH = digest(_CHAIN, IDENTIFIER)


class Keys(NamedTuple):
    """Of a session: for what is sent, and for what is received."""

    sending: bytes
    receiving: bytes


class Begun(NamedTuple):
    """What an initiator remembers until the response comes, or a responder has learned of an initiation."""

    chain: bytes
    hash: bytes
    ephemeral: bytes
    """The initiator's: private of one's own, public of another's."""
    peer: bytes
    """The peer's static public key."""


def initiate(private: bytes, peer: bytes, ephemeral: bytes, time: bytes, sender: int) -> tuple[wg.Initiation, Begun]:
    """The first message to a peer."""
    own = public_key(ephemeral)
    chain, hash_ = kdf(1, _CHAIN, own)[0], digest(digest(_HASH, peer), own)
    chain, key = kdf(2, chain, exchange(ephemeral, peer))
    static = seal(key, 0, public_key(private), hash_)
    hash_ = digest(hash_, static)
    chain, key = kdf(2, chain, exchange(private, peer))
    stamp = seal(key, 0, time, hash_)
    return wg.Initiation(sender, own, static, stamp), Begun(chain, digest(hash_, stamp), ephemeral, peer)


def initiated(private: bytes, message: wg.Initiation) -> tuple[Begun, bytes]:
    """What the first message says: who it is from, and its time. Malformed."""
    chain = kdf(1, _CHAIN, message.ephemeral)[0]
    hash_ = digest(digest(_HASH, public_key(private)), message.ephemeral)
    chain, key = kdf(2, chain, exchange(private, message.ephemeral))
    peer = unseal(key, 0, message.static, hash_)
    hash_ = digest(hash_, message.static)
    chain, key = kdf(2, chain, exchange(private, peer))
    time = unseal(key, 0, message.time, hash_)
    return Begun(chain, digest(hash_, message.time), message.ephemeral, peer), time


def respond(begun: Begun, ephemeral: bytes, psk: bytes, sender: int, receiver: int) -> tuple[wg.Response, Keys]:
    own = public_key(ephemeral)
    chain = kdf(1, begun.chain, own)[0]
    chain = kdf(1, chain, exchange(ephemeral, begun.ephemeral))[0]
    chain = kdf(1, chain, exchange(ephemeral, begun.peer))[0]
    chain, mixed, key = kdf(3, chain, psk)
    nothing = seal(key, 0, b"", digest(digest(begun.hash, own), mixed))
    receiving, sending = kdf(2, chain, b"")
    return wg.Response(sender, receiver, own, nothing), Keys(sending, receiving)


def responded(begun: Begun, private: bytes, psk: bytes, message: wg.Response) -> Keys:
    """Malformed."""
    chain = kdf(1, begun.chain, message.ephemeral)[0]
    chain = kdf(1, chain, exchange(begun.ephemeral, message.ephemeral))[0]
    chain = kdf(1, chain, exchange(private, message.ephemeral))[0]
    chain, mixed, key = kdf(3, chain, psk)
    unseal(key, 0, message.nothing, digest(digest(begun.hash, message.ephemeral), mixed))
    return Keys(*kdf(2, chain, b""))
