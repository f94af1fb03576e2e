"""A session: keys that two handshakes' messages have agreed on, with the counters that go with them."""

from __future__ import annotations

from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from rumpnet.core.wg.crypto import nonce
from rumpnet.core.wg.handshake import Keys
from rumpnet.core.wire import Malformed, wg
from rumpuser.host import Buffer

SECOND = 10**9
REKEY_AFTER = 120 * SECOND
REJECT_AFTER = 180 * SECOND
REKEY_MESSAGES = 1 << 60
REJECT_MESSAGES = (1 << 64) - (1 << 13) - 1
WINDOW = 8192
"""By how many messages others may be overtaken (RFC 6479)."""


class Session:
    def __init__(self, keys: Keys, own: int, peer: int, begun_ns: int, *, initiator: bool) -> None:
        self.keys = keys
        self.own, self.peer = own, peer
        """The numbers by which the two sides call it."""
        self.begun_ns = begun_ns
        self.initiator = initiator
        self.sent = 0
        self._highest = -1
        self._seen = 0
        """Bit N: whether the message N before the highest has come."""
        self._rekeying = False
        self._ciphers()

    def _ciphers(self) -> None:
        self._sealing, self._opening = ChaCha20Poly1305(self.keys.sending), ChaCha20Poly1305(self.keys.receiving)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_sealing", "_opening")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._ciphers()

    def good(self, now: int) -> bool:
        """Whether it may still be used."""
        return now - self.begun_ns < REJECT_AFTER and self.sent < REJECT_MESSAGES

    def stale(self, now: int, left: int = 0) -> bool:
        """Whether its initiator should begin another; once, unless it is asked about what is ``left`` of its time."""
        if self.sent > REKEY_MESSAGES:
            return True
        if not self.initiator:
            return False
        if not left:
            return now - self.begun_ns >= REKEY_AFTER
        if self._rekeying or now - self.begun_ns < REJECT_AFTER - left:
            return False
        self._rekeying = True
        return True

    def seal(self, packet: Buffer) -> bytes:
        counter, self.sent = self.sent, self.sent + 1
        padded = bytes(packet) + bytes(-len(packet) % wg.PADDING)
        head = wg.DATA_HEADER.pack(wg.DATA, self.peer, counter)
        return head + self._sealing.encrypt(nonce(counter), padded, None)

    def open(self, message: wg.Data) -> bytes:
        """The packet with its padding. Malformed for a forgery, or what has come before."""
        counter = message.counter
        if counter >= REJECT_MESSAGES or self._replayed(counter):
            raise Malformed(f"message {counter} was there before, or is too old")
        try:
            packet = self._opening.decrypt(nonce(counter), message.packet, None)
        except InvalidTag as error:
            raise Malformed("sealed with another key") from error
        self._mark(counter)
        return packet

    def _replayed(self, counter: int) -> bool:
        behind = self._highest - counter
        return behind >= 0 and (behind >= WINDOW or bool(self._seen >> behind & 1))

    def _mark(self, counter: int) -> None:
        ahead = counter - self._highest
        if ahead <= 0:
            self._seen |= 1 << -ahead
        else:
            self._seen = (self._seen << ahead | 1) & (1 << WINDOW) - 1 if ahead < WINDOW else 1
            self._highest = counter
