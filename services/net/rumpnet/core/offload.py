"""What interfaces may leave to us: transport checksums, and cutting long segments (TSO, USO).

`segments` takes a TCP segment or UDP datagram that was built with ``gso_size`` and makes of it the packets that the
device would have made: sequence numbers and identifications count on, FIN and PSH are in the last one, CWR is in the
first.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from rumpnet.core.packet import Packet
from rumpnet.core.wire import ipv4
from rumpnet.core.wire.checksum import checksum, ones_sum

TCP = 6
UDP = 17
_FIN_PSH = 0x09
_CWR = 0x80
_WORD = struct.Struct("!H")
_LONG = struct.Struct("!I")
_IPV6_LEN = 40


def finish_checksum(packet: Packet) -> None:
    """Fills the transport checksum in; nothing when it is there."""
    if not packet.csum_offset:
        return
    start = packet.csum_start
    data = bytearray(b"".join(packet.parts))
    at = start + packet.csum_offset
    if start < 0 or at + 2 > len(data):  # whoever sent it lied, or it was cut
        packet.csum_offset = 0
        return
    found = checksum(memoryview(data)[start:])
    _WORD.pack_into(data, at, found or 0xFFFF)
    packet.parts[:] = [data]
    packet.csum_offset = 0


def segments(packet: Packet, *, link: int = 0) -> Iterator[Packet]:
    """The packets that ``packet`` stands for, their checksums in place. ``link`` bytes of link header stand in front.

    One that needs no cutting, or that is not understood, comes as it is, and nobody tries to cut it again.
    """
    view = packet.view()
    version = view[link] >> 4 if len(view) > link + ipv4.HEADER_LEN else 0
    transport = link + (_IPV6_LEN if version == 6 else max(5, view[link] & 0xF) * 4) if version in (4, 6) else 0
    protocol = view[link + (6 if version == 6 else 9)] if transport else 0
    if not packet.gso_size or protocol not in (TCP, UDP) or len(view) < transport + (20 if protocol == TCP else 8):
        finish_checksum(packet)
        packet.gso_size = 0
        yield packet
        return
    header = transport + (max(5, view[transport + 12] >> 4) * 4 if protocol == TCP else 8)
    for number, begin in enumerate(range(header, len(view), packet.gso_size)):
        payload = view[begin : begin + packet.gso_size]
        head = bytearray(view[:header])
        last = begin + packet.gso_size >= len(view)
        _ip_header(head, link, version, number, header - link + len(payload))
        _transport_header(head, transport, protocol, begin - header, len(payload), first=not number, last=last)
        _sum(head, payload, link, transport, protocol, version)
        cut = Packet(head, payload)
        cut.csum_valid = True
        yield cut


def _ip_header(head: bytearray, at: int, version: int, number: int, total: int) -> None:
    if version == 6:
        _WORD.pack_into(head, at + 4, total - _IPV6_LEN)
        return
    length = (head[at] & 0xF) * 4
    _WORD.pack_into(head, at + 2, total)
    _WORD.pack_into(head, at + 4, _WORD.unpack_from(head, at + 4)[0] + number & 0xFFFF)
    _WORD.pack_into(head, at + 10, 0)
    _WORD.pack_into(head, at + 10, checksum(head[at : at + length]))


def _transport_header(
    head: bytearray, at: int, protocol: int, offset: int, length: int, *, first: bool, last: bool
) -> None:
    if protocol == UDP:
        _WORD.pack_into(head, at + 4, 8 + length)
        return
    _LONG.pack_into(head, at + 4, _LONG.unpack_from(head, at + 4)[0] + offset & 0xFFFFFFFF)
    if not last:
        head[at + 13] &= ~_FIN_PSH & 0xFF
    if not first:
        head[at + 13] &= ~_CWR & 0xFF


def _sum(head: bytearray, payload: memoryview, link: int, at: int, protocol: int, version: int) -> None:
    field = at + (16 if protocol == TCP else 6)
    _WORD.pack_into(head, field, 0)
    addresses = head[link + 8 : link + 40] if version == 6 else head[link + 12 : link + 20]
    pseudo = _LONG.pack(protocol) + _LONG.pack(len(head) - at + len(payload))
    whole = ones_sum(addresses, pseudo, head[at:]) + ones_sum(payload)
    _WORD.pack_into(head, field, ~(whole % 0xFFFF or 0xFFFF) & 0xFFFF or 0xFFFF)
