"""A packet as the filter sees it (npf_cache): where its headers are, and what rules ask about.

The filter reads and changes ``head`` alone: the headers of IP and of the transport, and of ICMP errors all that they
quote. What comes behind stays where it is.
"""

from __future__ import annotations

import struct

from rumpnet.core.wire import Malformed
from rumpnet.core.wire.checksum import ones_sum

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
HEAD_MAX = 256
"""Bytes at the beginning of a packet that hold all headers; one with longer ones is dropped."""
QUOTED_MAX = 576
"""The same of ICMP errors, with what they quote."""
EXTENSIONS = frozenset({0, 43, 60})
"""Extension headers of IPv6 that are stepped over: hop-by-hop, routing, destination options."""
FRAGMENT6 = 44
ICMP_ERRORS = frozenset({3, 4, 5, 11, 12})
ICMP6_ERRORS = frozenset({1, 2, 3, 4})
PORTS = struct.Struct("!HH")

# Offsets of checksums within the transport header.
CHECKSUM_AT = {TCP: 16, UDP: 6, ICMP: 2, ICMP6: 2}
HEADER_LEN = {TCP: 20, UDP: 8, ICMP: 8, ICMP6: 8}


class Flow:
    """The headers of one packet. ``at`` is where IP's header begins in ``head``, ``l4`` where the transport's does.

    ``partial`` says that the transport checksum is to be filled in by somebody behind us: its field holds the sum of
    the pseudo header, not the complement of the sum of everything.
    """

    __slots__ = (
        "at", "changed", "code", "dport", "dst", "flags", "fragment", "head", "icmp", "l4", "length",
        "partial", "protocol", "sport", "src", "version",
    )  # fmt: skip

    def __init__(
        self, head: bytearray, length: int, *, at: int = 0, partial: bool = False, quoted: bool = False
    ) -> None:
        """``length`` is that of the whole packet. Malformed."""
        self.head = head
        self.at = at
        self.length = length
        self.partial = partial
        self.changed = False
        self.sport = self.dport = self.flags = 0
        self.icmp = self.code = -1
        self.fragment = False
        if len(head) - at < 20:
            raise Malformed(f"{len(head) - at} bytes are no IP header")
        (self._ipv4 if head[at] >> 4 == 4 else self._ipv6)()
        if not self.fragment:
            self._transport(quoted=quoted)

    @property
    def is_error(self) -> bool:
        """Whether it is an ICMP error, which quotes a packet."""
        return (self.protocol == ICMP and self.icmp in ICMP_ERRORS) or (
            self.protocol == ICMP6 and self.icmp in ICMP6_ERRORS
        )

    def quoted(self) -> Flow:
        """The packet that an ICMP error quotes, in the same ``head``. Malformed."""
        return Flow(self.head, self.length - self.l4 - 8, at=self.l4 + 8, quoted=True)

    # -- taking apart

    def _ipv4(self) -> None:
        head, at = self.head, self.at
        header_len = (head[at] & 0xF) * 4
        if header_len < 20 or len(head) - at < header_len:
            raise Malformed("an IPv4 header that is cut off")
        self.version = 4
        self.src, self.dst = bytes(head[at + 12 : at + 16]), bytes(head[at + 16 : at + 20])
        self.protocol = head[at + 9]
        self.l4 = at + header_len
        self.fragment = bool((head[at + 6] << 8 | head[at + 7]) & 0x1FFF)

    def _ipv6(self) -> None:
        head, at = self.head, self.at
        if head[at] >> 4 != 6 or len(head) - at < 40:
            raise Malformed("neither IPv4 nor a whole IPv6 header")
        self.version = 6
        self.src, self.dst = bytes(head[at + 8 : at + 24]), bytes(head[at + 24 : at + 40])
        following, self.l4 = head[at + 6], at + 40
        while following in EXTENSIONS or following == FRAGMENT6:
            if self.l4 + 8 > len(head):
                raise Malformed("more extension headers than are looked at")
            if following == FRAGMENT6:
                self.fragment = bool((head[self.l4 + 2] << 8 | head[self.l4 + 3]) & 0xFFF8)
            size = 8 if following == FRAGMENT6 else 8 + head[self.l4 + 1] * 8
            following, self.l4 = head[self.l4], self.l4 + size
            if self.fragment:
                break
        self.protocol = following

    def _transport(self, *, quoted: bool) -> None:
        """An error quotes at least 8 bytes of the transport header, which hold the ports."""
        need = 8 if quoted else HEADER_LEN.get(self.protocol, 0)
        if self.protocol not in HEADER_LEN:
            return
        if self.l4 + need > len(self.head):
            raise Malformed("a transport header that is cut off")
        if self.protocol in (TCP, UDP):
            self.sport, self.dport = PORTS.unpack_from(self.head, self.l4)
            self.flags = self.head[self.l4 + 13] if self.protocol == TCP and not quoted else 0
        else:
            self.icmp, self.code = self.head[self.l4], self.head[self.l4 + 1]
            if self.icmp in (0, 8, 128, 129):
                self.sport = self.dport = int.from_bytes(self.head[self.l4 + 4 : self.l4 + 6], "big")

    # -- changing

    def set_source(self, addr: bytes, port: int) -> None:
        """Translates the source; checksums follow (RFC 1624). Port 0 leaves the port."""
        self._set(self.at + (12 if self.version == 4 else 8), self.src, addr)
        self._set_port(self.l4, self.sport, port)
        self.src, self.sport = addr, port or self.sport

    def set_destination(self, addr: bytes, port: int) -> None:
        """Translates the destination, as `set_source`."""
        self._set(self.at + (16 if self.version == 4 else 24), self.dst, addr)
        self._set_port(self.l4 + 2, self.dport, port)
        self.dst, self.dport = addr, port or self.dport

    def set_bytes(self, at: int, new: bytes) -> None:
        """Changes bytes at an even place of the IPv4 header; its checksum follows."""
        old = bytes(self.head[at : at + len(new)])
        self.head[at : at + len(new)] = new
        self._adjust(self.at + 10, old, new)

    def _set(self, at: int, old: bytes, new: bytes) -> None:
        self.head[at : at + len(new)] = new
        self.changed = True
        if self.version == 4:
            self._adjust(self.at + 10, old, new)
        if self.protocol != ICMP:
            self.adjust_transport(old, new, pseudo=True)

    def _set_port(self, at: int, old: int, port: int) -> None:
        """The identifier of an ICMP echo is in the place of both ports."""
        if not port or self.fragment:
            return
        if self.protocol in (ICMP, ICMP6):
            if self.is_error:
                return
            at = self.l4 + 4
        elif self.protocol not in (TCP, UDP):
            return
        new = port.to_bytes(2, "big")
        self.head[at : at + 2] = new
        self.changed = True
        self.adjust_transport(old.to_bytes(2, "big"), new, pseudo=False)

    def adjust_transport(self, old: bytes, new: bytes, *, pseudo: bool) -> None:
        """Makes the transport checksum follow a change. One to be filled in later depends on addresses alone."""
        at = self.l4 + CHECKSUM_AT.get(self.protocol, 0)
        if self.fragment or self.protocol not in CHECKSUM_AT or at + 2 > len(self.head):
            return
        if self.partial:
            if pseudo:
                self._adjust(at, new, old)
        elif self.protocol != UDP or self.head[at] or self.head[at + 1]:
            self._adjust(at, old, new, udp=self.protocol == UDP)

    def _adjust(self, at: int, old: bytes, new: bytes, *, udp: bool = False) -> None:
        """RFC 1624: HC' = ~(~HC + ~m + m'). With old and new exchanged it does the same to a sum without complement."""
        field = self.head[at] << 8 | self.head[at + 1]
        total = (field ^ 0xFFFF) + (ones_sum(old) ^ 0xFFFF) + ones_sum(new)
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        value = total ^ 0xFFFF
        self.head[at : at + 2] = (0xFFFF if udp and not value else value).to_bytes(2, "big")
        self.changed = True
