"""Putting fragments together, of either family (RFC 791, 3.2; RFC 815; RFC 8200, 4.5).

Hostile by nature, so bounded all over: so many datagrams under way, so many pieces and bytes of each, so many seconds.
Pieces that overlap end the datagram (RFC 5722), and so does one that reaches beyond 65535 bytes (the ping of death). Of
IPv6, whose identifications do not soon come again, pieces that are yet to come are then refused as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from rumpnet.core.wire import Malformed

DATAGRAMS_MAX = 16
"""Datagrams under way (maxfragpackets); the oldest one goes for a new one."""
PIECES_MAX = 128
TIMEOUT_NS = 30 * 10**9
"""IPFRAGTTL."""
MAX_LEN = 0xFFFF
UNIT = 8

Key = tuple[bytes, bytes, int, int]


class Timers(Protocol):
    """What is needed of `rumpuser.host.Host`."""

    def monotonic_ns(self) -> int: ...

    def call_at(self, deadline_ns: int, callback: Callable[[], None]) -> Callable[[], None]: ...


class Fragment(Protocol):
    """A piece, as the wire formats have it."""

    @property
    def key(self) -> Key: ...

    @property
    def offset(self) -> int: ...

    @property
    def payload(self) -> memoryview: ...

    @property
    def more(self) -> bool: ...

    @property
    def header_len(self) -> int:
        """What counts beside the payload against the longest packet there may be."""
        ...

    def whole(self, payload: bytes) -> bytes:
        """The packet with all of its payload. ValueError when it is too long."""
        ...


@dataclass(slots=True)
class Datagram:
    """Pieces of payload by where they begin. ``total`` is known once the last one has come."""

    disarm: Callable[[], None]
    first: Fragment | None = None
    pieces: dict[int, bytes] = field(default_factory=dict)
    held: int = 0
    total: int | None = None
    longest: int = 0
    dead: bool = False

    def add(self, fragment: Fragment) -> None:
        """Malformed for pieces that contradict others or make too much, and for all after them."""
        if self.dead:
            raise Malformed("a fragment of what had pieces that were wrong")
        begin, data = fragment.offset, bytes(fragment.payload)
        end = begin + len(data)
        if not data or (fragment.more and len(data) % UNIT) or end + fragment.header_len > MAX_LEN:
            raise Malformed(f"fragment of {len(data)} bytes at {begin}")
        if self.pieces.get(begin) == data:
            return
        if any(begin < at + len(piece) and at < end for at, piece in self.pieces.items()):
            raise Malformed("fragments overlap")
        if not fragment.more:
            if self.total is not None:
                raise Malformed("two last fragments")
            self.total = end
        if len(self.pieces) >= PIECES_MAX or (self.total is not None and self._end(end) > self.total):
            raise Malformed("too many fragments, or one behind the last")
        self.pieces[begin] = data
        self.held += len(data)
        self.longest = max(self.longest, len(data))
        if not begin:
            self.first = fragment

    @property
    def complete(self) -> bool:
        return self.held == self.total

    def emit(self) -> bytes:
        """The whole packet."""
        assert self.first is not None
        return self.first.whole(b"".join(self.pieces[at] for at in sorted(self.pieces)))

    def kill(self) -> None:
        """Takes no more pieces."""
        self.dead, self.first = True, None
        self.pieces.clear()

    def _end(self, end: int) -> int:
        return max(end, *(at + len(piece) for at, piece in self.pieces.items()), 0)


class Reassembly:
    """The datagrams under way. ``expired`` counts those that were given up; who sent one whose beginning has come is
    told through ``on_expire``. With ``shuns`` a datagram with wrong pieces is refused until its time is over."""

    def __init__(self, host: Timers, timeout_ns: int = TIMEOUT_NS, *, shuns: bool = False) -> None:
        self._host = host
        self._timeout_ns = timeout_ns
        self._shuns = shuns
        self.most = DATAGRAMS_MAX
        self.most_pieces = DATAGRAMS_MAX * PIECES_MAX
        self.longest = 0
        """Payload of the longest piece of what was made whole last."""
        self._datagrams: dict[Key, Datagram] = {}
        self.expired = 0
        self.on_expire: Callable[[Fragment], None] = lambda fragment: None

    def __len__(self) -> int:
        return len(self._datagrams)

    def add(self, fragment: Fragment) -> bytes | None:
        """The whole packet once its last piece has come. Malformed; then all pieces of it are gone."""
        key = fragment.key
        datagram = self._datagrams.get(key) or self._begin(key)
        self._make_room(key)
        try:
            datagram.add(fragment)
            if not datagram.complete:
                return None
            whole = datagram.emit()
        except (Malformed, ValueError) as error:
            if self._shuns:
                datagram.kill()
            else:
                self._end(key)
            raise Malformed(str(error)) from error
        self.longest = datagram.longest
        self._end(key)
        return whole

    def clear(self) -> None:
        for key in list(self._datagrams):
            self._end(key)

    def _begin(self, key: Key) -> Datagram:
        while len(self._datagrams) >= self.most:
            self.expired += 1
            self._end(next(iter(self._datagrams)))
        disarm = self._host.call_at(self._host.monotonic_ns() + self._timeout_ns, lambda: self._expire(key))
        datagram = self._datagrams[key] = Datagram(disarm)
        return datagram

    def _make_room(self, key: Key) -> None:
        """For another piece: the oldest other datagrams go. Malformed when there are none."""
        while sum(len(datagram.pieces) for datagram in self._datagrams.values()) >= self.most_pieces:
            oldest = next((other for other in self._datagrams if other != key), key)
            self.expired += 1
            self._end(oldest)
            if oldest == key:
                raise Malformed("more fragments than may be kept")

    def _expire(self, key: Key) -> None:
        self.expired += 1
        first = self._datagrams[key].first
        self._end(key)
        if first is not None:
            self.on_expire(first)

    def _end(self, key: Key) -> None:
        self._datagrams.pop(key).disarm()
