"""IPv4 (ip(4)): out through a route, in from the input queue, to a protocol or on to another network."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from rumpnet.core import route
from rumpnet.core.iface import Iface, InputQueue, Interfaces
from rumpnet.core.net import Knob, Node
from rumpnet.core.reassembly import Reassembly
from rumpnet.core.wire import Malformed, icmp, ipv4
from rumpuser.host import Buffer, Host
from rumpwire.errno import Errno, KernelError

BROADCAST = b"\xff\xff\xff\xff"
NUMBER = [4, 2, 0]
"""net.inet.ip"""


class Upper(Protocol):
    """A protocol over IP."""

    def input(self, iface: Iface, header: ipv4.Ipv4, packet: ipv4.Packet) -> None:
        """Takes a whole packet for us. Malformed."""
        ...


class Errors(Protocol):
    """Who tells senders what became of their packets (ICMP)."""

    def send_error(self, about: ipv4.Packet, kind: int, code: int, mtu: int = 0) -> None: ...


class Ip:
    """The layer. ``stats`` counts what happened to packets, by names as ``netstat -s`` has them."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.queue = InputQueue()
        self.queue.deliver = self.input
        self.interfaces = Interfaces(self.queue)
        self.reassembly = Reassembly(host)
        self.protocols: dict[int, Upper] = {}
        self.errors: Errors | None = None
        self.stats: Counter[str] = Counter()
        self.ttl = Knob(64, 1, 255)
        self.forwarding = Knob(0, 0, 1)
        self._ident = int.from_bytes(host.entropy(2), "big")

    def nodes(self) -> list[Node]:
        return [
            self.forwarding.node("net.inet.ip.forwarding", [*NUMBER, 1], "Enable forwarding of INET datagrams"),
            self.ttl.node("net.inet.ip.ttl", [*NUMBER, 3], "Default TTL for an INET datagram"),
            Node("net.inet.ip.ifq.drops", [*NUMBER, 1024, 1026], "Packets dropped", lambda: self.queue.drops),
            Node("net.inet.ip.ifq.len", [*NUMBER, 1024, 1024], "Current queue length", lambda: len(self.queue)),
            Node("net.inet.ip.ifq.maxlen", [*NUMBER, 1024, 1025], "Maximum queue length", lambda: self.queue.limit),
        ]

    # -- out

    def output(self, header: ipv4.Ipv4, *payload: Buffer) -> None:
        """Sends a packet, in fragments when it is longer than the interface takes.

        ENETDOWN, ENETUNREACH, EMSGSIZE when it is too long for IP or must not be fragmented.
        """
        self._transmit(route.lookup(self.interfaces, header.dst).iface, header, payload)

    def header(self, src: bytes, dst: bytes, protocol: int, *, ttl: int = 0, tos: int = 0) -> ipv4.Ipv4:
        """A header with the next identification."""
        self._ident = self._ident + 1 & 0xFFFF
        return ipv4.Ipv4(src, dst, protocol, ttl or self.ttl.value, tos, self._ident)

    def _transmit(self, iface: Iface, header: ipv4.Ipv4, payload: tuple[Buffer, ...]) -> None:
        length = sum(map(len, payload))
        if header.header_len + length > ipv4.MAX_LEN:
            raise KernelError(Errno.EMSGSIZE, f"{length} bytes are too long for a packet")
        self.stats["packets sent from this host"] += 1
        if header.header_len + length <= iface.mtu:
            iface.output(b"".join((header.emit(length), *payload)))
        elif header.fragment & ipv4.DONT_FRAGMENT:
            raise KernelError(Errno.EMSGSIZE, f"{length} bytes do not go through {iface.name} in one piece")
        else:
            self._fragment(iface, header, memoryview(b"".join(payload)))

    def _fragment(self, iface: Iface, header: ipv4.Ipv4, payload: memoryview) -> None:
        """Options stay in the first fragment: we send none that must be copied. Forwarded fragments are cut further."""
        step = (iface.mtu - header.header_len) // ipv4.UNIT * ipv4.UNIT
        if step <= 0:
            raise KernelError(Errno.EMSGSIZE, f"interface {iface.name} takes packets of {iface.mtu} bytes at most")
        self.stats["output datagrams fragmented"] += 1
        first, more = header.fragment & ipv4.OFFSET_MASK, header.fragment & ipv4.MORE_FRAGMENTS
        for begin in range(0, len(payload), step):
            part = payload[begin : begin + step]
            rest = ipv4.MORE_FRAGMENTS if begin + len(part) < len(payload) else more
            fragment = ipv4.Ipv4(
                header.src, header.dst, header.protocol, header.ttl, header.tos, header.ident,
                rest | first + begin // ipv4.UNIT, b"" if begin else header.options,
            )  # fmt: skip
            iface.output(fragment.emit(len(part)) + part)
            self.stats["fragments created"] += 1

    # -- in

    def input(self, iface: Iface, data: bytes) -> None:
        """Takes a packet from an interface. Whatever is in it, nothing is raised: bad packets are dropped, counted."""
        self.stats["total packets received"] += 1
        try:
            self._input(iface, ipv4.Packet(data))
        except Malformed as error:
            self.stats[f"dropped: {type(error).__name__.lower()}"] += 1

    def _input(self, iface: Iface, packet: ipv4.Packet) -> None:
        header = packet.parse()
        if not self.is_ours(header.dst):
            self._forward(packet, header)
            return
        if packet.is_fragment:
            self.stats["fragments received"] += 1
            whole = self.reassembly.add(packet)
            if whole is None:
                return
            self.stats["packets reassembled ok"] += 1
            packet = ipv4.Packet(whole)
            header = packet.parse()
        upper = self.protocols.get(header.protocol)
        if upper is None:
            self.stats["packets for unknown/unsupported protocol"] += 1
            self.send_error(packet, icmp.UNREACHABLE, icmp.PROTOCOL_UNREACHABLE)
        else:
            upper.input(iface, header, packet)

    def is_ours(self, dst: bytes) -> bool:
        return dst == BROADCAST or self.interfaces.owner(dst) is not None

    def _forward(self, packet: ipv4.Packet, header: ipv4.Ipv4) -> None:
        """Sends a packet on that is not for us, if we are a router. Packets of 127/8 and multicast ones stay here."""
        if not self.forwarding.value or 127 in (header.src[0], header.dst[0]) or header.dst[0] >= 224:
            self.stats["packets not forwardable"] += 1
            return
        if header.ttl <= 1:
            self.send_error(packet, icmp.TIME_EXCEEDED, icmp.TTL_IN_TRANSIT)
            return
        on = ipv4.Ipv4(
            header.src, header.dst, header.protocol, header.ttl - 1, header.tos, header.ident, header.fragment,
            header.options,
        )  # fmt: skip
        self.stats["packets forwarded"] += 1
        try:
            self.output(on, packet.payload)
        except KernelError as error:
            fits_not = error.errno == Errno.EMSGSIZE
            self.send_error(packet, icmp.UNREACHABLE, icmp.NEEDS_FRAGMENTATION if fits_not else icmp.HOST_UNREACHABLE)

    def send_error(self, packet: ipv4.Packet, kind: int, code: int) -> None:
        """Tells the sender of a packet what became of it."""
        if self.errors is not None:
            self.errors.send_error(packet, kind, code)
