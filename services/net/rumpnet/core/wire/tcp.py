"""TCP segments (RFC 9293, 3.1) and their options (RFC 2018, 7323, 7413)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from rumpnet.core.wire import Malformed
from rumpuser.host import Buffer

# Offsets: source port 0, destination port 2, sequence number 4, acknowledgment number 8, data offset and flags 12,
# window 14, checksum 16, urgent pointer 18, options 20.
HEADER = struct.Struct("!HHIIHHHH")
HEADER_LEN = HEADER.size
CHECKSUM_OFFSET = 16
PROTOCOL = 6
OPTIONS_MAX = 40

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128

EOL, NOP, MSS, WSCALE, SACK_PERMITTED, SACK, TIMESTAMPS, FASTOPEN = 0, 1, 2, 3, 4, 5, 8, 34
EXPERIMENT, FASTOPEN_MAGIC = 254, 0xF989
"""The option that Fast Open had before it got a number of its own (RFC 7413, 4.1.1); still met."""
WSCALE_MAX = 14
SACK_BLOCKS_MAX = 4
COOKIE_MIN, COOKIE_MAX = 4, 16

_TIMESTAMPS = struct.Struct("!BBBBII")
_TIMESTAMPS_PREFIX = bytes((NOP, NOP, TIMESTAMPS, 10))
TIMESTAMPS_LEN = _TIMESTAMPS.size
_BLOCK = struct.Struct("!II")
_WORD = struct.Struct("!I")


class Segment:
    """A checked view of a segment: the header is whole, the options are read.

    ``seq`` and ``ack`` are as on the wire until a connection, which knows what is near, makes them numbers that do not
    wrap (`rumpnet.core.tcp.tcb.near`). Options that are cut short or have a wrong length end the list, as in BSD.
    """

    __slots__ = (
        "ack", "ce", "cookie", "dst_port", "experimental", "flags", "header_len", "mss", "payload", "sack",
        "sack_permitted", "seq", "src_port", "tsecr", "tsval", "urgent", "window", "wscale",
    )  # fmt: skip

    def __init__(self, data: Buffer) -> None:
        """Malformed."""
        view = memoryview(data)
        if len(view) < HEADER_LEN:
            raise Malformed(f"{len(view)} bytes are no TCP header")
        self.src_port, self.dst_port, self.seq, self.ack, word, self.window, _, self.urgent = HEADER.unpack_from(view)
        self.flags = word & 0xFF
        self.header_len = length = word >> 12 << 2
        if not HEADER_LEN <= length <= len(view):
            raise Malformed(f"data offset {length} of {len(view)} bytes")
        self.payload = view[length:]
        self.ce = False
        self.mss = 0
        self.wscale = -1
        self.sack_permitted = False
        self.tsval = -1
        self.tsecr = 0
        self.sack: Sequence[tuple[int, int]] = ()
        self.cookie: bytes | None = None
        self.experimental = False
        if length == HEADER_LEN + TIMESTAMPS_LEN and view[HEADER_LEN : HEADER_LEN + 4] == _TIMESTAMPS_PREFIX:
            self.tsval, self.tsecr = _BLOCK.unpack_from(view, HEADER_LEN + 4)
        elif length > HEADER_LEN:
            self._parse_options(bytes(view[HEADER_LEN:length]))

    def _parse_options(self, options: bytes) -> None:
        at = 0
        while at < len(options) and (kind := options[at]) != EOL:
            if kind == NOP:
                at += 1
                continue
            size = options[at + 1] if at + 1 < len(options) else 0
            if size < 2 or at + size > len(options):
                return
            self._option(kind, options[at + 2 : at + size])
            at += size

    def _option(self, kind: int, value: bytes) -> None:
        size = len(value)
        if kind == TIMESTAMPS and size == 8:
            self.tsval, self.tsecr = _BLOCK.unpack(value)
        elif kind == SACK and size and size % 8 == 0:
            self.sack = tuple(_BLOCK.iter_unpack(value))
        elif not self.flags & SYN:
            return
        elif kind == MSS and size == 2:
            self.mss = int.from_bytes(value, "big")
        elif kind == WSCALE and size == 1:
            self.wscale = min(value[0], WSCALE_MAX)
        elif kind == SACK_PERMITTED and size == 0:
            self.sack_permitted = True
        elif kind == FASTOPEN and _is_cookie(size):
            self.cookie = value
        elif kind == EXPERIMENT and value[:2] == FASTOPEN_MAGIC.to_bytes(2, "big") and _is_cookie(size - 2):
            self.cookie, self.experimental = value[2:], True

    @property
    def length(self) -> int:
        """What it takes of the sequence space: data, SYN and FIN."""
        return len(self.payload) + (1 if self.flags & FIN else 0) + (1 if self.flags & SYN else 0)


def _is_cookie(size: int) -> bool:
    return size == 0 or (COOKIE_MIN <= size <= COOKIE_MAX and size % 2 == 0)


def emit(
    ports: tuple[int, int],
    seq: int,
    ack: int,
    flags: int,
    window: int,
    pseudo: int,
    urgent: int = 0,
    options: bytes = b"",
) -> bytes:
    """A header. Numbers are cut to 32 bits; ``pseudo``, a sum, stands where the checksum will."""
    word = (HEADER_LEN + len(options)) << 10 | flags
    header = HEADER.pack(*ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, word, window, pseudo, urgent)
    return header + options if options else header


def timestamps(value: int, echo: int) -> bytes:
    return _TIMESTAMPS.pack(NOP, NOP, TIMESTAMPS, 10, value & 0xFFFFFFFF, echo & 0xFFFFFFFF)


def sack(blocks: Sequence[tuple[int, int]]) -> bytes:
    parts = [_BLOCK.pack(begin & 0xFFFFFFFF, end & 0xFFFFFFFF) for begin, end in blocks]
    return bytes((NOP, NOP, SACK, 2 + 8 * len(parts))) + b"".join(parts)


def syn_options(
    mss: int, *, wscale: int = -1, sack_permitted: bool = False, stamps: tuple[int, int] | None = None,
    cookie: bytes | None = None, experimental: bool = False,
) -> bytes:  # fmt: skip
    """The options of a SYN in the order in which Linux sends them, padded to whole words.

    ``experimental``: the cookie's option has the number that it had before RFC 7413.
    """
    options = struct.pack("!BBH", MSS, 4, mss)
    permitted = bytes((SACK_PERMITTED, 2)) if sack_permitted else b""
    if stamps is not None:
        filler = permitted or bytes((NOP, NOP))
        options += filler + bytes((TIMESTAMPS, 10)) + _BLOCK.pack(stamps[0] & 0xFFFFFFFF, stamps[1] & 0xFFFFFFFF)
    elif permitted:
        options += bytes((NOP, NOP)) + permitted
    if wscale >= 0:
        options += bytes((NOP, WSCALE, 3, wscale))
    if cookie is not None:
        magic = FASTOPEN_MAGIC.to_bytes(2, "big") if experimental else b""
        option = bytes((EXPERIMENT if experimental else FASTOPEN, 2 + len(magic + cookie))) + magic + cookie
        options += option if len(options) + len(option) <= OPTIONS_MAX else b""
    return options + bytes((NOP,)) * (-len(options) % 4)
