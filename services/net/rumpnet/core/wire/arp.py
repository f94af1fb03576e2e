"""ARP for IPv4 over Ethernet (RFC 826)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rumpnet.core.wire import Malformed
from rumpuser.host import Buffer

# Offsets: hardware type 0, protocol type 2, their address lengths 4 and 5, operation 6, sender's addresses 8 and 14,
# target's addresses 18 and 24.
FORMAT = struct.Struct("!HHBBH6s4s6s4s")
LEN = FORMAT.size
ETHERTYPE = 0x0806
REQUEST = 1
REPLY = 2
_KIND = (1, 0x0800, 6, 4)


class Packet:
    """A checked view: Ethernet and IPv4, whole."""

    __slots__ = ("operation", "sender", "sender_lladdr", "target", "target_lladdr")

    def __init__(self, data: Buffer) -> None:
        """Malformed."""
        if len(data) < LEN:
            raise Malformed(f"{len(data)} bytes are no ARP packet")
        (
            hardware,
            protocol,
            hlen,
            plen,
            self.operation,
            self.sender_lladdr,
            self.sender,
            self.target_lladdr,
            self.target,
        ) = FORMAT.unpack_from(data)
        if (hardware, protocol, hlen, plen) != _KIND:
            raise Malformed("not IPv4 over Ethernet")
        if self.operation not in (REQUEST, REPLY):
            raise Malformed(f"operation {self.operation}")

    def parse(self) -> Arp:
        return Arp(self.operation, self.sender_lladdr, self.sender, self.target_lladdr, self.target)


@dataclass(frozen=True, slots=True)
class Arp:
    """A question or an answer."""

    operation: int
    sender_lladdr: bytes
    sender: bytes
    target_lladdr: bytes
    target: bytes

    def emit(self) -> bytes:
        return FORMAT.pack(*_KIND, self.operation, self.sender_lladdr, self.sender, self.target_lladdr, self.target)
