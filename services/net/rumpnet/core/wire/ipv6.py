"""IPv6 (RFC 8200): the header, extension headers, and fragments."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpnet.core.wire import Malformed
from rumpuser.host import Buffer

# Offsets: version, traffic class and flow label 0, payload length 4, next header 6, hop limit 7, source 8, destination
# 24.
HEADER = struct.Struct("!IHBB16s16s")
HEADER_LEN = HEADER.size
MAX_LEN = HEADER_LEN + 0xFFFF
MIN_MTU = 1280
"""Every link carries that much."""
HOP_BY_HOP = 0
ROUTING = 43
FRAGMENT = 44
AUTHENTICATION = 51
NO_NEXT = 59
DESTINATION = 60
EXTENSIONS = frozenset({HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION})
EXTENSIONS_MAX = 8
"""Extension headers of one packet; RFC 8504, 5.3 lets hosts set a limit."""
OPTIONS_MAX = 16
"""Options of one header, padding not counted."""
PAD1 = 0
PADN = 1
ROUTER_ALERT = 5

# The fragment header: next header 0, reserved 1, offset and flag 2, identification 4.
FRAGMENT_HEADER = struct.Struct("!BBHI")
FRAGMENT_LEN = FRAGMENT_HEADER.size
MORE_FRAGMENTS = 1
UNIT = 8

UPPER_LEN = {6: 20, 17: 8, 58: 8}
"""Headers of TCP, UDP and ICMPv6."""

# Codes of parameter problems (RFC 4443, 3.4; RFC 7112).
BAD_FIELD = 0
BAD_NEXT_HEADER = 1
BAD_OPTION = 2
INCOMPLETE_CHAIN = 3


class Problem(Malformed):
    """Malformed, and the sender is to be told where (RFC 4443, 3.4). ``always``: even when it was sent to a group."""

    def __init__(self, code: int, pointer: int, text: str, *, always: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.pointer = pointer
        self.always = always


class Packet:
    """A checked view: the header is whole and the length there. What follows the payload is cut off.

    ``protocol`` and ``header_len`` are those of the upper layer once `walk` has gone through extension headers; before
    that they are the first next header, and 40. ``next_at`` is where the number of that protocol stands.
    """

    __slots__ = (
        "dst", "extensions", "flow", "header_len", "hop_limit", "next_at", "next_header", "protocol", "src", "tclass",
        "view",
    )  # fmt: skip

    def __init__(self, data: Buffer) -> None:
        """Malformed."""
        view = data if type(data) is memoryview else memoryview(data)
        if len(view) < HEADER_LEN:
            raise Malformed(f"{len(view)} bytes are no IPv6 header")
        word, length, self.next_header, self.hop_limit, self.src, self.dst = HEADER.unpack_from(view)
        if word >> 28 != 6:
            raise Malformed(f"version {word >> 28}")
        total = HEADER_LEN + length
        if total > len(view):
            raise Malformed(f"total of {total}, {len(view)} bytes there")
        self.tclass = word >> 20 & 0xFF
        self.flow = word & 0xFFFFF
        self.view = view if total == len(view) else view[:total]
        self.protocol = self.next_header
        self.header_len = HEADER_LEN
        self.next_at = 6
        self.extensions: dict[int, bytes] = {}

    @property
    def payload(self) -> memoryview:
        return self.view[self.header_len :]

    def parse(self) -> Ipv6:
        return Ipv6(self.src, self.dst, self.next_header, self.hop_limit, self.tclass, self.flow)

    # -- extension headers

    def walk(self) -> Fragment | None:
        """Goes through the extension headers up to a fragment header, which is given back, or the upper layer.

        Problem. Each header is kept in ``extensions``, the last one of its kind.
        """
        for _ in range(EXTENSIONS_MAX + 1):
            kind, at = self.protocol, self.header_len
            if kind not in EXTENSIONS:
                return None
            if kind == HOP_BY_HOP and at != HEADER_LEN:
                raise Problem(BAD_NEXT_HEADER, self.next_at, "hop-by-hop options that are not first")
            if kind == FRAGMENT:
                return Fragment(self)
            length = self.extension_len(at)
            if kind == ROUTING:
                self._routing(at)
            else:
                self.options(at, length)
            self.extensions[kind] = bytes(self.view[at : at + length])
            self.protocol, self.next_at, self.header_len = self.view[at], at, at + length
        raise Problem(BAD_NEXT_HEADER, self.next_at, f"more than {EXTENSIONS_MAX} extension headers")

    def find_fragment(self) -> Fragment | None:
        """As `walk`, but looks into no header: for who only puts fragments together. Malformed."""
        for _ in range(EXTENSIONS_MAX + 1):
            if self.protocol == FRAGMENT:
                return Fragment(self)
            if self.protocol not in EXTENSIONS:
                return None
            at = self.header_len
            length = self.extension_len(at)
            self.protocol, self.next_at, self.header_len = self.view[at], at, at + length
        raise Malformed(f"more than {EXTENSIONS_MAX} extension headers")

    def pass_fragment(self) -> None:
        """Goes past the fragment header of a packet that is whole (RFC 6946)."""
        at = self.header_len
        self.protocol, self.next_at, self.header_len = self.view[at], at, at + FRAGMENT_LEN

    def extension_len(self, at: int) -> int:
        """Of the extension header there. Malformed."""
        if at + 8 > len(self.view):
            raise Malformed("an extension header that is cut off")
        length: int = (self.view[at + 1] + 1) * 8
        if at + length > len(self.view):
            raise Malformed("an extension header longer than the packet")
        return length

    def _routing(self, at: int) -> None:
        """None is followed (RFC 5095); one whose way is over is passed over."""
        if self.view[at + 3]:
            raise Problem(BAD_FIELD, at + 2, f"routing header of type {self.view[at + 2]}")

    def options(self, at: int, length: int) -> None:
        """Looks at options as hosts and routers do: unknown ones say themselves what is to become of the packet."""
        end, at, count = at + length, at + 2, 0
        while at < end:
            kind = self.view[at]
            if kind == PAD1:
                at += 1
                continue
            if at + 2 > end or at + 2 + self.view[at + 1] > end:
                raise Malformed("an option that is cut off")
            count += kind != PADN
            if count > OPTIONS_MAX:
                raise Malformed(f"more than {OPTIONS_MAX} options")
            if kind not in (PADN, ROUTER_ALERT) and kind >> 6:
                if kind >> 6 == 1:
                    raise Malformed(f"option {kind:#x}")
                raise Problem(BAD_OPTION, at, f"option {kind:#x}", always=kind >> 6 == 2)
            at += 2 + self.view[at + 1]


class Fragment:
    """A piece of a packet. ``packet`` ends where the fragment header begins."""

    __slots__ = ("ident", "more", "next_header", "offset", "packet")

    def __init__(self, packet: Packet) -> None:
        """Malformed."""
        at = packet.header_len
        if at + FRAGMENT_LEN > len(packet.view):
            raise Malformed("a fragment header that is cut off")
        self.next_header, _, word, self.ident = FRAGMENT_HEADER.unpack_from(packet.view, at)
        self.offset = word & ~7
        self.more = bool(word & MORE_FRAGMENTS)
        self.packet = packet

    @property
    def atomic(self) -> bool:
        """Whether it is all there is."""
        return not self.offset and not self.more

    def headers_complete(self) -> bool:
        """Whether a first piece has all headers up to that of the upper layer (RFC 7112)."""
        kind, at, view = self.next_header, 0, self.payload
        while kind in EXTENSIONS and kind != FRAGMENT:
            length = (view[at + 1] + 1) * 8 if at + 8 <= len(view) else 0
            if not length or at + length > len(view):
                return False
            kind, at = view[at], at + length
        return len(view) - at >= UPPER_LEN.get(kind, 0)

    @property
    def key(self) -> tuple[bytes, bytes, int, int]:
        return self.packet.src, self.packet.dst, 0, self.ident

    @property
    def header_len(self) -> int:
        """What does not count against the longest payload there may be: the header itself."""
        return 0

    @property
    def payload(self) -> memoryview:
        return self.packet.view[self.packet.header_len + FRAGMENT_LEN :]

    def whole(self, payload: bytes) -> bytes:
        """The packet with all of its payload in place of this piece. ValueError when it is too long."""
        at = self.packet.header_len
        head = bytearray(self.packet.view[:at])
        length = at - HEADER_LEN + len(payload)
        if length > 0xFFFF:
            raise ValueError(f"a payload of {length} bytes")
        head[4:6] = length.to_bytes(2, "big")
        head[self.packet.next_at] = self.next_header
        return bytes(head) + payload


def emit(
    src: bytes, dst: bytes, next_header: int, length: int, hop_limit: int, tclass: int = 0, flow: int = 0
) -> bytes:
    """A header in front of ``length`` bytes."""
    return HEADER.pack(6 << 28 | tclass << 20 | flow, length, next_header, hop_limit, src, dst)


def hop_by_hop(options: bytes) -> bytes:
    """A header of options, padded; its first byte, the next header, is left 0."""
    pad = -(len(options) + 2) % 8
    padding = b"\0" if pad == 1 else bytes([PADN, pad - 2]) + bytes(pad - 2) if pad else b""
    return bytes([0, (len(options) + 2 + pad) // 8 - 1]) + options + padding


@dataclass(frozen=True, slots=True)
class Ipv6:
    """A header without its length."""

    src: bytes
    dst: bytes
    next_header: int
    hop_limit: int = 64
    tclass: int = 0
    flow: int = 0

    def emit(self, length: int) -> bytes:
        """ValueError when that is too much for a packet."""
        if length > 0xFFFF:
            raise ValueError(f"a payload of {length} bytes")
        return emit(self.src, self.dst, self.next_header, length, self.hop_limit, self.tclass, self.flow)
