"""Hostile frames out of real ones: fields are known by their places, and checksums are made right again in most."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from typing import NamedTuple

from rumpnet.core.tcp.tcb import Connection
from rumpnet.core.wire import tcp
from rumpnet.core.wire.checksum import checksum
from tests.unit.net.npf_packets import ip

LINK = 14
TAGS = (0x8100, 0x88A8)
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
EXTENSIONS = (0, 43, 60)
FRAGMENT = 44
SUMS = {1: 2, 2: 2, 58: 2, 6: 16, 17: 6}
"""Where the checksum stands in protocols that have one."""
FIELDS = {
    ARP: [(0, 2), (2, 2), (4, 1), (5, 1), (6, 2), (8, 6), (14, 4), (18, 6), (24, 4)],
    IPV4: [(0, 1), (1, 1), (2, 2), (4, 2), (6, 2), (8, 1), (9, 1), (12, 4), (16, 4)],
    IPV6: [(0, 1), (1, 3), (4, 2), (6, 1), (7, 1), (8, 16), (24, 16)],
}
UPPER_FIELDS = {
    1: [(0, 1), (1, 1), (4, 2), (6, 2), (4, 4)],
    2: [(0, 1), (1, 1), (4, 4)],
    58: [(0, 1), (1, 1), (4, 4), (8, 16), (24, 1), (25, 1)],
    6: [(0, 2), (2, 2), (4, 4), (8, 4), (12, 1), (13, 1), (14, 2), (18, 2), (20, 1), (21, 1), (22, 2)],
    17: [(0, 2), (2, 2), (4, 2), (8, 1), (9, 1), (10, 2), (12, 4), (24, 4)],
}
ADDRESSES4 = [ip(a) for a in (
    "10.0.0.1", "10.0.0.2", "10.0.0.9", "10.0.0.255", "10.0.0.0", "192.0.2.1", "192.0.2.9", "10.1.0.1", "10.0.5.100",
    "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.2.3", "127.0.0.1", "169.254.1.1", "203.0.113.5",
)]  # fmt: skip
ADDRESSES6 = [ip(a) for a in (
    "fd00::1", "fd00::2", "fd01::1", "fd01::9", "fe80::9", "ff02::1", "ff02::2", "ff02::1:ff00:1", "ff02::16", "::",
    "::1", "::ffff:10.0.0.1", "fd07::5", "2002:a00:1::1",
)]  # fmt: skip
OPTIONS4 = [
    b"\x83\7\4\x0a\0\0\2\0", b"\x89\7\4\x0a\0\0\2\0", b"\7\7\4\0\0\0\0\0", b"\x44\x08\5\1\0\0\0\0", b"\x94\4\0\0",
    bytes([1] * 40), b"\x82\xff\0\0",
]  # fmt: skip
TCP_OPTIONS = [
    b"", tcp.timestamps(1, 1), tcp.sack([(1, 2), (3, 4)]), tcp.syn_options(1460, wscale=14, sack_permitted=True),
    bytes([tcp.SACK, 255, 0, 0]), bytes([tcp.TIMESTAMPS, 1, 1, 1]), bytes([tcp.MSS, 4, 0, 0]), bytes([1] * 39 + [3]),
    bytes([tcp.FASTOPEN, 6, 1, 2, 3, 4, 0, 0]),
]  # fmt: skip


class Place(NamedTuple):
    """Where things are in a frame: -1 for what is not there."""

    kind: int
    net: int
    upper: int
    protocol: int
    whole: bool
    """It is no fragment."""


def place(frame: bytes | bytearray) -> Place:
    at, kind = 12, 0x10000
    while len(frame) >= at + 2:
        kind = frame[at] << 8 | frame[at + 1]
        at += 2
        if kind not in TAGS:
            break
        at += 2
    if kind == IPV4 and len(frame) >= at + 20:
        whole = not (frame[at + 6] << 8 | frame[at + 7]) & 0x3FFF
        return Place(kind, at, at + (frame[at] & 15) * 4, frame[at + 9], whole)
    if kind == IPV6 and len(frame) >= at + 40:
        return _place6(frame, at)
    return Place(kind, at, -1, -1, False)


def _place6(frame: bytes | bytearray, at: int) -> Place:
    protocol, upper, whole = frame[at + 6], at + 40, True
    while (protocol in EXTENSIONS or protocol == FRAGMENT) and upper + 8 <= len(frame):
        length = 8
        if protocol == FRAGMENT:
            whole = whole and not (frame[upper + 2] << 8 | frame[upper + 3]) & 0xFFF9
        else:
            length += frame[upper + 1] * 8
        protocol, upper = frame[upper], upper + length
    return Place(IPV6, at, upper, protocol, whole)


def mended(frame: bytearray, *, lengths: bool = True) -> bytearray:
    """The same with lengths and checksums that are right."""
    p = place(frame)
    if p.upper < 0:
        return frame
    if p.kind == IPV4:
        if lengths:
            struct.pack_into("!H", frame, p.net + 2, min(len(frame) - p.net, 0xFFFF))
        if LINK < p.upper <= len(frame):
            frame[p.net + 10 : p.net + 12] = b"\0\0"
            struct.pack_into("!H", frame, p.net + 10, checksum(frame[p.net : p.upper]))
    elif lengths:
        struct.pack_into("!H", frame, p.net + 4, min(len(frame) - p.net - 40, 0xFFFF))
    _sum_upper(frame, p, lengths=lengths)
    return frame


def _sum_upper(frame: bytearray, p: Place, *, lengths: bool) -> None:
    at = SUMS.get(p.protocol, -1)
    if at < 0 or not p.whole or p.upper + at + 2 > len(frame):
        return
    if p.protocol == 17 and lengths:
        struct.pack_into("!H", frame, p.upper + 4, min(len(frame) - p.upper, 0xFFFF))
    frame[p.upper + at : p.upper + at + 2] = b"\0\0"
    pseudo = b""
    if p.protocol not in (1, 2):
        ends = frame[p.net + 12 : p.net + 20] if p.kind == IPV4 else frame[p.net + 8 : p.net + 40]
        pseudo = bytes(ends) + struct.pack("!II", len(frame) - p.upper, p.protocol)
    struct.pack_into("!H", frame, p.upper + at, checksum(pseudo, frame[p.upper :]))


# -- mutations: each changes a frame in place


def field(rng: random.Random, frame: bytearray) -> None:
    p = place(frame)
    places = [(p.net + at, size) for at, size in FIELDS.get(p.kind, [(0, 2)])]
    if p.upper >= 0 and rng.random() < 0.7:
        places = [(p.upper + at, size) for at, size in UPPER_FIELDS.get(p.protocol, [(0, 4)])]
    at, size = rng.choice(places)
    if at + size > len(frame):
        return
    old, top = int.from_bytes(frame[at : at + size], "big"), (1 << size * 8) - 1
    new = rng.choice(
        (0, 1, top, top >> 1, top - 1, old + 1, old - 1, old ^ 1 << rng.randrange(size * 8), rng.getrandbits(size * 8))
    )
    frame[at : at + size] = (new & top).to_bytes(size, "big")


def noise(rng: random.Random, frame: bytearray | memoryview) -> None:
    for _ in range(rng.randrange(1, 6)):
        frame[rng.randrange(len(frame))] = rng.randrange(256)


def cut(rng: random.Random, frame: bytearray) -> None:
    del frame[rng.randrange(LINK, len(frame) + 1) :]


def grow(rng: random.Random, frame: bytearray) -> None:
    frame += rng.randbytes(rng.choice((1, 4, 8, 60, 1400, 9000)))


def address(rng: random.Random, frame: bytearray) -> None:
    p = place(frame)
    if p.kind == IPV4:
        at = p.net + rng.choice((12, 16))
        frame[at : at + 4] = rng.choice([*ADDRESSES4, rng.randbytes(4)])
    elif p.kind == IPV6 and p.upper >= 0:
        at = p.net + rng.choice((8, 24))
        frame[at : at + 16] = rng.choice([*ADDRESSES6, rng.randbytes(16)])
    elif p.kind == ARP:
        at = p.net + rng.choice((14, 24))
        frame[at : at + 4] = rng.choice(ADDRESSES4)


def options(rng: random.Random, frame: bytearray) -> None:
    """Options of IPv4, extension headers of IPv6."""
    p = place(frame)
    if p.kind == IPV4 and p.upper == p.net + 20:
        added = rng.choice([*OPTIONS4, rng.randbytes(rng.choice((4, 8, 40)))])
        frame[p.upper : p.upper] = added
        frame[p.net] = 0x40 | 5 + len(added) // 4
    elif p.kind == IPV6 and p.upper >= 0:
        for _ in range(rng.choice((1, 1, 2, 9))):
            kind = rng.choice((*EXTENSIONS, FRAGMENT, 51, 135))
            body = rng.choice((rng.randbytes(6), b"\1\4\0\0\0\0", b"\5\2\0\0\1\0", b"\xc2\4\0\1\0\0", b"\0\0\0\0\0\1"))
            frame[p.net + 40 : p.net + 40] = bytes([frame[p.net + 6], rng.choice((0, 0, 0, 1, 255))]) + body
            frame[p.net + 6] = kind


def segment(rng: random.Random, frame: bytearray) -> None:
    """Other options of TCP, flags and payload."""
    p = place(frame)
    if p.protocol != 6 or p.upper + 20 > len(frame):
        return
    added = rng.choice([*TCP_OPTIONS, rng.randbytes(rng.choice((4, 40)))])
    del frame[p.upper + 20 :]
    frame[p.upper + 12] = 5 + len(added) // 4 << 4
    frame[p.upper + 13] = rng.choice([16] * 4 + [17, 24, 2, 4, 18, 20, 32 | 16, rng.getrandbits(8)])
    frame += added[: len(added) & ~3] + bytes(rng.choice((0, 0, 1, 10, 1400)))


def piece(rng: random.Random, frame: bytearray) -> None:
    """A fragment, of a few datagrams, so that they meet."""
    p = place(frame)
    part, more = rng.choice((0, 0, 1, 2, 185, 8000, 0x1FFF)), rng.random() < 0.6
    if p.kind == IPV4 and p.upper >= 0:
        struct.pack_into("!HH", frame, p.net + 4, rng.randrange(4), more << 13 | part)
    elif p.kind == IPV6 and p.upper >= 0:
        head = struct.pack("!BBHI", frame[p.net + 6], 0, part << 3 | more, rng.randrange(4))
        frame[p.net + 40 : p.net + 40] = head
        frame[p.net + 6] = FRAGMENT


def pieces(rng: random.Random, frame: bytearray) -> list[bytearray]:
    """The whole of a packet in fragments, in any order, some of them twice, some missing, some over others."""
    p = place(frame)
    at = p.net + (20 if p.kind == IPV4 else 40)
    if p.upper < at or len(frame) < at + 16 or (p.kind == IPV4 and p.upper != at):
        return [frame]
    ident, made, begin = rng.randrange(1 << 16), [], at
    while begin < len(frame):
        end = min(len(frame), begin + rng.choice((8, 16, 64, 512)))
        word = (begin - at) // 8 + rng.choice((0,) * 40 + (1, -1, 8000))
        more, body = end < len(frame), frame[begin:end]
        part = bytearray(frame[:at])
        if p.kind == IPV4:
            struct.pack_into("!HH", part, p.net + 4, ident, max(word, 0) & 0x1FFF | more << 13)
        else:
            part += struct.pack("!BBHI", frame[p.net + 6], 0, max(word, 0) << 3 & 0xFFF8 | more, ident)
            part[p.net + 6] = FRAGMENT
        made.append(mended(part + body))
        begin = end
    made = [part for part in made for _ in range(rng.choice((1,) * 60 + (0, 2)))]
    if rng.random() < 0.3:
        rng.shuffle(made)
    return made


def wrap(rng: random.Random, frame: bytearray) -> None:
    """Tags of VLANs, or a tunnel."""
    p = place(frame)
    if rng.random() < 0.5 or p.kind not in (IPV4, IPV6):
        for _ in range(rng.choice((1, 2, 9))):
            frame[12:12] = b"\x81\0" + rng.choice((b"\0\x0a", b"\0\x14", b"\0\0", rng.randbytes(2)))
        return
    protocol = 4 if p.kind == IPV4 else 41
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 1, 0, 30, protocol, 0, ip("192.0.2.9"), ip("192.0.2.1"))
    frame[p.net : p.net] = head
    frame[p.net - 2 : p.net] = b"\x08\0"


def quote(rng: random.Random, frame: bytearray) -> None:
    """An ICMP error about it, as the one it was sent to would send it."""
    p = place(frame)
    if p.upper < 0 or p.kind not in (IPV4, IPV6):
        return
    about = bytes(frame[p.net : p.net + rng.choice((28, 48, 576))])
    rest = rng.choice((0, 68, 296, 1280, 65535))
    if p.kind == IPV4:
        dst, src = about[12:16], about[16:20]
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 1, 0, 64, 1, 0, src, dst)
        kind = rng.choice(((3, rng.randrange(16)), (3, 4), (11, 0), (12, 0), (4, 0), (5, 1)))
    else:
        dst, src = about[8:24], about[24:40]
        head = struct.pack("!IHBB16s16s", 6 << 28, 0, 58, 64, src, dst)
        kind = rng.choice(((1, rng.randrange(8)), (2, 0), (3, 0), (4, 0), (137, 0)))
    frame[p.net :] = head + struct.pack("!BBHI", *kind, 0, rest) + about


MUTATIONS: list[Callable[[random.Random, bytearray], None]] = [
    field, field, field, noise, cut, grow, address, options, segment, piece, wrap, quote,
]  # fmt: skip


def aimed(rng: random.Random, frame: bytearray, victims: list[Connection]) -> None:
    """Makes a segment one of a connection that lives, with numbers near its windows."""
    p = place(frame)
    fitting = [c for c in victims if len(c.laddr) == (4 if p.kind == IPV4 else 16)]
    if p.protocol != 6 or p.upper + 20 > len(frame) or not fitting:
        return
    c = rng.choice(fitting)
    at = p.net + (12 if p.kind == IPV4 else 8)
    frame[at : at + 2 * len(c.laddr)] = c.faddr + c.laddr
    numbers = (_near(rng, c.rcv_nxt), _near(rng, rng.choice((c.snd_una, c.snd_nxt))))
    struct.pack_into("!HHII", frame, p.upper, c.fport, c.lport, *numbers)
    if rng.random() < 0.6:
        del frame[p.upper + 20 :]
        frame[p.upper + 12] = 8 << 4
        stamps = (_near(rng, c.ts_recent), _near(rng, c.stamp(c.layer.host.monotonic_ns())))
        frame += tcp.timestamps(*stamps) + bytes(rng.choice((0, 1, 1000)))


def _near(rng: random.Random, number: int) -> int:
    far = rng.choice((0, 0, 0, 1, -1, 2, 100, -100, 1448, 70_000, 1 << 20, 1 << 31, rng.getrandbits(32)))
    return (number + far) & 0xFFFFFFFF


def blind(rng: random.Random, ends: tuple[bytes, int, bytes, int]) -> bytearray:
    """A segment, or an error, of somebody who knows the ends of a connection and nothing else."""
    src, sport, dst, dport = ends
    kind, head = (IPV4, bytearray(20)) if len(src) == 4 else (IPV6, bytearray(40))
    if kind == IPV4:
        struct.pack_into("!BBHHHBBH4s4s", head, 0, 0x45, 0, 0, 1, 0, 64, 6, 0, src, dst)
    else:
        struct.pack_into("!IHBB16s16s", head, 0, 6 << 28, 0, 6, 64, src, dst)
    flags = rng.choice((tcp.RST, tcp.RST | tcp.ACK, tcp.SYN, tcp.SYN | tcp.ACK, tcp.ACK, tcp.ACK | tcp.FIN))
    payload = bytes(rng.choice((0, 0, 1, 100)))
    upper = struct.pack("!HHIIBBHHH", sport, dport, rng.getrandbits(32), rng.getrandbits(32), 5 << 4, flags, 5000, 0, 0)
    frame = bytearray(12) + kind.to_bytes(2, "big") + head + upper + payload
    return frame
