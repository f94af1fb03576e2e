"""Putting fragments of IPv4 together (RFC 791, 3.2; RFC 815).

Hostile by nature, so bounded all over: so many datagrams under way, so many pieces and bytes of each, so many seconds.
Pieces that overlap end the datagram (RFC 5722 has the reasons), and so does one that reaches beyond 65535 bytes (the
ping of death).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rumpnet.core.wire import Malformed, ipv4

DATAGRAMS_MAX = 16
"""Datagrams under way; the oldest one goes for a new one."""
PIECES_MAX = 128
TIMEOUT_NS = 30 * 10**9
"""IPFRAGTTL."""

Key = tuple[bytes, bytes, int, int]


class Timers(Protocol):
    """What is needed of `rumpuser.host.Host`."""

    def monotonic_ns(self) -> int: ...

    def call_at(self, deadline_ns: int, callback: Callable[[], None]) -> Callable[[], None]: ...


@dataclass(slots=True)
class Datagram:
    """Pieces of payload by where they begin. ``total`` is known once the last one has come."""

    disarm: Callable[[], None]
    header: ipv4.Ipv4 | None = None
    pieces: dict[int, bytes] = field(default_factory=dict)
    held: int = 0
    total: int | None = None

    def add(self, packet: ipv4.Packet) -> None:
        """Malformed for pieces that contradict others or make too much."""
        begin, data = packet.offset, bytes(packet.payload)
        end = begin + len(data)
        if not data or (packet.more and len(data) % ipv4.UNIT) or end + packet.header_len > ipv4.MAX_LEN:
            raise Malformed(f"fragment of {len(data)} bytes at {begin}")
        if self.pieces.get(begin) == data:
            return
        if any(begin < at + len(piece) and at < end for at, piece in self.pieces.items()):
            raise Malformed("fragments overlap")
        if not packet.more:
            if self.total is not None:
                raise Malformed("two last fragments")
            self.total = end
        if len(self.pieces) >= PIECES_MAX or (self.total is not None and self._end(end) > self.total):
            raise Malformed("too many fragments, or one behind the last")
        self.pieces[begin] = data
        self.held += len(data)
        if not begin:
            self.header = packet.parse()

    @property
    def complete(self) -> bool:
        return self.held == self.total

    def emit(self) -> bytes:
        """The whole packet."""
        assert self.header is not None
        payload = b"".join(self.pieces[at] for at in sorted(self.pieces))
        h = self.header
        whole = ipv4.Ipv4(h.src, h.dst, h.protocol, h.ttl, h.tos, h.ident, 0, h.options)
        return whole.emit(len(payload)) + payload

    def _end(self, end: int) -> int:
        return max(end, *(at + len(piece) for at, piece in self.pieces.items()), 0)


class Reassembly:
    """The datagrams under way. ``expired`` counts those that were given up."""

    def __init__(self, host: Timers) -> None:
        self._host = host
        self._datagrams: dict[Key, Datagram] = {}
        self.expired = 0

    def __len__(self) -> int:
        return len(self._datagrams)

    def add(self, packet: ipv4.Packet) -> bytes | None:
        """The whole packet once its last piece has come. Malformed; then all pieces of it are gone."""
        key = self._key(packet)
        datagram = self._datagrams.get(key) or self._begin(key)
        try:
            datagram.add(packet)
            if not datagram.complete:
                return None
            whole = datagram.emit()
        except (Malformed, ValueError) as error:
            self._end(key)
            raise Malformed(str(error)) from error
        self._end(key)
        return whole

    def clear(self) -> None:
        for key in list(self._datagrams):
            self._end(key)

    def _key(self, packet: ipv4.Packet) -> Key:
        header = packet.parse()
        return header.src, header.dst, header.protocol, header.ident

    def _begin(self, key: Key) -> Datagram:
        if len(self._datagrams) >= DATAGRAMS_MAX:
            self._expire(next(iter(self._datagrams)))
        disarm = self._host.call_at(self._host.monotonic_ns() + TIMEOUT_NS, lambda: self._expire(key))
        datagram = self._datagrams[key] = Datagram(disarm)
        return datagram

    def _expire(self, key: Key) -> None:
        self.expired += 1
        self._end(key)

    def _end(self, key: Key) -> None:
        self._datagrams.pop(key).disarm()
