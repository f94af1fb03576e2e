"""A packet on its way through the stack (mbuf(9)).

Headers are put in front as further parts, so payload is never copied: whoever needs one piece (a device without
gather, a receiver) asks for `view`. What has been received is one part, and is stripped from the front.

Work that a device or a peer in memory may spare us travels with the packet, in virtio-net's terms: a transport checksum
that is still to be filled in, and a segment that is longer than the path takes and is to be cut (core.offload).
"""

from __future__ import annotations

from rumpuser.host import Buffer


class Packet:
    """Bytes in parts. The fields about offload are relative to its beginning, and move with it."""

    __slots__ = ("csum_offset", "csum_start", "csum_valid", "gso_size", "length", "link_cast", "parts", "pieces")

    def __init__(self, *parts: Buffer) -> None:
        self.parts: list[Buffer] = list(parts)
        self.length = len(parts[0]) if len(parts) == 1 else sum(map(len, parts))
        self.gso_size = 0
        """Payload of a segment when it must be cut into several, else 0."""
        self.csum_start = 0
        self.csum_offset = 0
        """Where the checksum goes, from ``csum_start`` on, when it must be filled in; else 0. What it covers of the
        pseudo header is in the field already."""
        self.csum_valid = False
        """Received: whoever brought it vouches for the transport checksum."""
        self.pieces: tuple[int, int] | None = None
        """Of IPv6, put together on its way: the identification of its fragments, and the length of the longest."""
        self.link_cast = False
        """Received: it came to more than us alone, so nobody is told of errors (RFC 1122, 3.2.2)."""

    def __len__(self) -> int:
        return self.length

    def prepend(self, header: Buffer) -> None:
        """Puts a header in front."""
        length = len(header)
        self.parts.insert(0, header)
        self.length += length
        self.csum_start += length

    def view(self) -> memoryview:
        """All of it as one piece, which it is from then on."""
        parts = self.parts
        if len(parts) != 1:
            parts[:] = [b"".join(parts)]
        first = parts[0]
        if type(first) is not memoryview:
            first = parts[0] = memoryview(first)
        return first

    def strip(self, length: int) -> memoryview:
        """Takes ``length`` bytes from the front, which must be there. What is left."""
        first = self.parts[0]
        view = first[length:] if type(first) is memoryview and len(self.parts) == 1 else self.view()[length:]
        self.parts[0] = view
        self.length -= length
        self.csum_start -= length
        return view

    def trim(self, length: int) -> None:
        """Cuts what stands behind the first ``length`` bytes (link layers pad)."""
        if length < self.length:
            self.parts[0] = self.view()[:length]
            self.length = length

    def like(self, *parts: Buffer) -> Packet:
        """Other bytes, with the same to be done to them."""
        packet = Packet(*parts)
        packet.gso_size = self.gso_size
        packet.csum_start = self.csum_start
        packet.csum_offset = self.csum_offset
        packet.csum_valid = self.csum_valid
        packet.link_cast = self.link_cast
        packet.pieces = self.pieces
        return packet

    def copy(self) -> Packet:
        """The same bytes, which can go another way."""
        return self.like(*self.parts)

    def arrived(self) -> Packet:
        """What the far end of a link in memory receives: one piece, whose checksum nobody can have hurt."""
        packet = Packet(self.view() if len(self.parts) == 1 else b"".join(self.parts))
        packet.gso_size = self.gso_size
        packet.csum_start = self.csum_start
        packet.csum_offset = self.csum_offset
        packet.csum_valid = self.csum_valid or self.csum_offset > 0
        return packet
