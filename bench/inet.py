"""The internet layers without a wire: a ping between two kernels in one process, and frames through a router, against a
ring in memory that the same bytes are only copied through."""

from __future__ import annotations

from collections.abc import Callable

from bench.measure import Row, alternate, pin, unpin
from rumpnet.component import NetComponent
from rumpnet.core.iface import InterfaceAddr
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.wire import ethernet, icmp, ipv4, udp
from rumpnet.ifaces.ether import Ethernet
from rumpuser.component import Context, Parameters
from rumpuser.host import ManualHost
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.values import SockaddrIn

ONE, TWO, FAR = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), bytes([10, 0, 1, 2])


class Link(Ethernet):
    """What goes out comes in at the other end, or nowhere."""

    peer: Link | None = None

    def transmit(self, frame: Packet) -> None:
        if self.peer is not None:
            self.peer.receive(frame.arrived())


class NoBus:
    def peer(self, name: str) -> NetComponent:
        raise LookupError(name)


def _kernel(seed: int) -> NetComponent:
    return NetComponent(ManualHost(seed), NoBus(), Parameters())


def _link(net: Net, addr: bytes) -> Link:
    link = Link(net, f"link{len(net.interfaces.by_name)}", len(net.interfaces.by_name) + 1)
    net.interfaces.add(link)
    net.layers[4].add_address(link, InterfaceAddr(addr, 24))
    return link


def _ring(length: int) -> Callable[[], object]:
    """Copies a frame into a ring and out of it."""
    ring, frame = memoryview(bytearray(2 * length)), bytes(length)

    def copy() -> None:
        ring[:length] = frame
        bytes(ring[:length])

    return copy


def run() -> list[Row]:
    pin()
    try:
        return [_ping(), _route(64), _route(1472)]
    finally:
        unpin()


def _ping() -> Row:
    one, two = _kernel(1), _kernel(2)
    here, there = _link(one.net, ONE), _link(two.net, TWO)
    here.peer, there.peer = there, here
    ctx, to = Context(), SockaddrIn(TWO)
    s = one.call(ctx, OPS["socket"], (const.AF_INET, const.SOCK_RAW, icmp.PROTOCOL))
    question = icmp.Icmp(icmp.ECHO, 0, 1, bytes(56)).emit()

    def ping() -> None:
        one.call(ctx, OPS["sendto"], (s, question, None, to))
        answer = one.call(ctx, OPS["recvfrom"], (s, 2000, None))
        assert len(answer.data) == 84

    ours, base = alternate(ping, _ring(98))
    return Row("ping of 56 bytes, two kernels, one process", ours, "us", "ring copy", base, ours / base, 150)


def _route(size: int) -> Row:
    router = _kernel(1)
    near, far = _link(router.net, TWO), _link(router.net, bytes([10, 0, 1, 254]))
    forwarding = router.net.nodes["net.inet.ip.forwarding"].put
    assert forwarding is not None
    forwarding(1)
    far.neighbours.set(FAR, b"\2\0\0\0\0\2", permanent=True)
    packet = udp.Udp(1, 9).emit(ONE, FAR, bytes(size)) + bytes(size)
    frame = (
        ethernet.HEADER.pack(near.lladdr, b"\2\0\0\0\0\1", 0x0800) + ipv4.Ipv4(ONE, FAR, 17).emit(len(packet)) + packet
    )

    def forward() -> None:
        near.receive(Packet(frame))

    before = far.opackets
    ours, base = alternate(forward, _ring(len(frame)))
    assert far.opackets - before == 21 * 100
    return Row(f"a frame of {len(frame)} bytes through a router", ours, "us", "ring copy", base, ours / base, 40)
