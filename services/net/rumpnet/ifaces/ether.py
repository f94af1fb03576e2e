"""What kinds of Ethernet have alike (ether(4)): addresses, headers, the filter, neighbours.

A kind defines `transmit`, which gets whole frames, and calls `receive` with those that came.
"""

from __future__ import annotations

from collections.abc import Callable

from rumpnet.core.iface import CSUM, DLT_EN10MB, TSO4, Iface
from rumpnet.core.neighbour import Neighbours, State
from rumpnet.core.net import Net
from rumpnet.core.offload import segments
from rumpnet.core.packet import Packet
from rumpnet.core.wire import ethernet
from rumpwire import const
from rumpwire.errno import Errno, KernelError

MTU = 1500
IFT_ETHER = 6
_FLAGS = const.IFF_BROADCAST | const.IFF_SIMPLEX | const.IFF_MULTICAST
_REACHABLE = State.REACHABLE
_BROADCAST_HOP = b"\xff\xff\xff\xff"

Upper = Callable[[Packet], bool]
"""Gets a frame, received, or sent by the stack; True when it keeps it (bridge, lagg)."""


class Ethernet(Iface):
    """An interface of Ethernet."""

    if_type = IFT_ETHER
    dlt = DLT_EN10MB
    inward = False
    """Whether the wire of it is our own stack."""
    tagged_capabilities = 0
    """What may be left to do in a frame with a tag."""

    def __init__(self, net: Net, name: str, index: int, lladdr: bytes = b"", mtu: int = MTU) -> None:
        super().__init__(net, name, index, mtu, _FLAGS)
        self.lladdr = lladdr or b"\xb2\xa0" + net.host.entropy(4)
        self.neighbours = Neighbours(self)
        self.upper: Upper | None = None
        """Of received frames, before the stack."""
        self.relay: Upper | None = None
        """Of frames that the stack sends here, before the wire."""
        self.impairment: Callable[[Packet], None] | None = None
        """Stands between us and the wire, and calls `transmit` when it likes."""
        self.tagged: dict[int, Callable[[Packet], None]] = {}
        """Who takes frames with a tag of IEEE 802.1Q, by its VLAN."""
        self.owner: Iface | None = None
        """The bridge or lagg that it is a member of."""
        self.multicasts: dict[bytes, int] = {}
        """Link-level groups that pass the filter, counted."""
        self._promiscuous = 0

    # -- out

    def transmit(self, frame: Packet) -> None:
        """Puts a frame on the wire, which may drop it: a kind's own."""
        raise NotImplementedError

    def output(self, packet: Packet, hop: bytes) -> None:
        if not self.flags & const.IFF_UP:
            self.check_up()
        entry = self.neighbours.entries.get(hop)
        if entry is not None and entry.state is _REACHABLE and entry.header:
            header = entry.header
        elif hop[0] == 0xFF or (len(hop) == 4 and 224 <= hop[0] < 240):
            lladdr = ethernet.BROADCAST if hop == _BROADCAST_HOP else ethernet.group_address(hop)
            header = self.header(lladdr, 0x0800 if len(hop) == 4 else 0x86DD)
        else:
            header = self.neighbours.resolve(hop, packet)
            if not header:
                return
        packet.prepend(header)
        self.send_frame(packet)

    def header(self, dst: bytes, ethertype: int) -> bytes:
        return ethernet.HEADER.pack(dst, self.lladdr, ethertype)

    def send(self, packet: Packet, header: bytes) -> None:
        """Sends a packet behind an Ethernet header, if the interface is up."""
        if self.up:
            packet.prepend(header)
            self.send_frame(packet)

    def send_frame(self, frame: Packet) -> None:
        """Sends a whole frame: what bpf and the stack itself call."""
        if self.relay is None or not self.relay(frame):
            self.egress(frame)

    def egress(self, frame: Packet) -> None:
        """Sends a whole frame here, whatever the interface is a member of."""
        self.opackets += 1
        self.obytes += frame.length
        if frame.parts[0][0] & 1:
            self.omcasts += 1
        for tap in self.taps:
            tap(frame, True)
        (self.impairment or self.transmit)(frame)

    def forward(self, frame: Packet) -> None:
        """Sends a frame that was made for another interface: what is left to do and this one cannot, is done first."""
        if (frame.csum_offset and not self.capabilities & CSUM) or (frame.gso_size and not self.capabilities & TSO4):
            link = ethernet.HEADER_LEN + (4 if frame.view()[12:14] == ethernet.VLAN else 0)
            for cut in segments(frame, link=link):
                self.egress(cut)
        else:
            self.egress(frame)

    # -- in

    def receive(self, frame: Packet) -> None:
        """Takes a frame from the wire. Whatever is in it, nothing is raised."""
        if not self.flags & const.IFF_UP:
            self.iqdrops += 1
            return
        view = frame.view()
        if len(view) < ethernet.HEADER_LEN:
            self.ierrors += 1
            return
        for tap in self.taps:
            tap(frame, False)
        if self.upper is not None and self.upper(frame):
            self.ipackets += 1
            self.ibytes += frame.length
            return
        self.accept(frame)

    def accept(self, frame: Packet) -> None:
        """A frame for the stack, if it is for us. VLANs filter for themselves."""
        view = frame.view()
        dst, _, ethertype = ethernet.HEADER.unpack_from(view)
        tag = 0
        if ethertype == ethernet.TYPE_VLAN and len(view) >= ethernet.HEADER_LEN + ethernet.TAG_LEN:
            tag, ethertype = ethernet.TAG.unpack_from(view, ethernet.HEADER_LEN)
            taker = self.tagged.get(tag & 0xFFF)
            if taker is not None:
                self.ipackets += 1
                self.ibytes += frame.length
                taker(frame)
                return
        if dst != self.lladdr:
            if not dst[0] & 1:
                return
            if dst != ethernet.BROADCAST and dst not in self.multicasts and not self.flags & const.IFF_ALLMULTI:
                return
            self.imcasts += 1
            frame.link_cast = True
        self.ipackets += 1
        self.ibytes += frame.length
        if ethertype < ethernet.TYPE_MIN or tag & 0xFFF:
            self.noproto += 1
            return
        # What has a tag all the same has a priority only (IEEE 802.1Q, 9.6).
        frame.strip(ethernet.HEADER_LEN + (ethernet.TAG_LEN if view[12:14] == ethernet.VLAN else 0))
        self.net.queue.put(self, frame, ethertype)

    # -- control

    def set_up(self, up: bool) -> None:
        if not up:
            self.neighbours.purge()
        super().set_up(up)

    def set_lladdr(self, lladdr: bytes) -> None:
        """Becomes the active address. EINVAL. Neighbours are told as of a new address (RFC 5227, 2.3)."""
        if len(lladdr) != ethernet.ADDR_LEN or lladdr[0] & 1:
            raise KernelError(Errno.EINVAL, "an Ethernet address has 6 bytes and is not a group's")
        self.lladdr = lladdr
        for entry in self.neighbours:
            if entry.header:
                entry.header = self.header(entry.lladdr, entry.header[12] << 8 | entry.header[13])
        self.net.interfaces.changed_lladdr(self)

    def set_promiscuous(self, on: bool) -> None:
        self._promiscuous = max(0, self._promiscuous + (1 if on else -1))
        flag = const.IFF_PROMISC
        self.flags = self.flags | flag if self._promiscuous else self.flags & ~flag
        self.net.interfaces.changed(self)

    def join(self, group: bytes) -> None:
        if group not in self.groups:
            lladdr = ethernet.group_address(group)
            self.multicasts[lladdr] = self.multicasts.get(lladdr, 0) + 1
        super().join(group)

    def leave(self, group: bytes) -> None:
        super().leave(group)
        lladdr = ethernet.group_address(group)
        if group not in self.groups and lladdr in self.multicasts:
            self.multicasts[lladdr] -= 1
            if not self.multicasts[lladdr]:
                del self.multicasts[lladdr]

    def closed(self) -> None:
        self.neighbours.purge(permanent=True)
