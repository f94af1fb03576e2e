"""Tunnels of IP in IP (gif(4), RFC 2003, RFC 2473, RFC 4213): either family in either family."""

from __future__ import annotations

from typing import Any

from rumpnet.core.iface import Iface
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpwire import const
from rumpwire.errno import Errno, KernelError

MTU = 1280
HOP_LIMIT = 30
"""Of packets of tunnels (net.inet.ip.gifttl), so that those that lead into themselves end."""
IPIP, IPV6 = 4, 41
"""Protocol numbers of packets inside."""


class Gif(Iface):
    """A tunnel between two addresses, which both ends must have set."""

    kind = "gif"
    if_type = 240

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index, MTU, const.IFF_POINTOPOINT | const.IFF_MULTICAST)
        self.src = self.dst = b""
        self._inside = False

    # -- configuration

    def set_tunnel(self, src: bytes, dst: bytes) -> None:
        """EINVAL, EAFNOSUPPORT, EADDRNOTAVAIL when another tunnel has the same ends."""
        if len(src) != len(dst) or not any(src) or not any(dst):
            raise KernelError(Errno.EINVAL, "the ends of a tunnel are two addresses of one family")
        layer = self.net.layers.get(len(src))
        if layer is None:
            raise KernelError(Errno.EAFNOSUPPORT, "this kernel has no such protocol family")
        decap = layer.protocols.get(IPIP)
        if not isinstance(decap, Decapsulation):
            decap = Decapsulation()
            layer.protocols[IPIP] = layer.protocols[IPV6] = decap
        if decap.tunnels.get((src, dst), self) is not self:
            raise KernelError(Errno.EADDRNOTAVAIL, f"{decap.tunnels[src, dst].name} has these ends already")
        self.delete_tunnel()
        self.src, self.dst = src, dst
        decap.tunnels[src, dst] = self

    def delete_tunnel(self) -> None:
        if self.src:
            layer = self.net.layers.get(len(self.src))
            decap = layer.protocols.get(IPIP) if layer is not None else None
            if isinstance(decap, Decapsulation):
                decap.tunnels.pop((self.src, self.dst), None)
        self.src = self.dst = b""

    def closed(self) -> None:
        self.delete_tunnel()

    # -- packets

    def output(self, packet: Packet, hop: bytes) -> None:
        """ENETDOWN, also without ends; EIO when the way to the other end leads through the tunnel itself."""
        self.check_up()
        layer = self.net.layers.get(len(self.src))
        if layer is None:
            raise KernelError(Errno.ENETDOWN, f"{self.name} has no ends")
        if self._inside:
            self.oerrors += 1
            raise KernelError(Errno.EIO, f"the way to the other end of {self.name} leads through it")
        self.sent(packet.length)
        self.tap_family(packet, out=True)
        protocol = IPV6 if len(hop) == 16 else IPIP
        self._inside = True
        try:
            route = layer.route(self.dst)
            layer.send(route, self.src, self.dst, protocol, packet, hop_limit=HOP_LIMIT)
        finally:
            self._inside = False

    def input(self, packet: Packet, ethertype: int = 0) -> None:
        self.tap_family(packet, out=False)
        super().input(packet, ethertype)


class Decapsulation:
    """Where packets of tunnels come out; a `rumpnet.core.ip.Upper`."""

    def __init__(self) -> None:
        self.tunnels: dict[tuple[bytes, bytes], Gif] = {}
        """By own and other end."""

    def input(self, layer: Any, iface: Iface, src: bytes, dst: bytes, packet: Packet, header: Any) -> None:
        gif = self.tunnels.get((dst, src))
        view = packet.view()
        if gif is not None and view and view[0] >> 4 in (4, 6):
            gif.input(packet)

    def notify(self, layer: Any, src: bytes, dst: bytes, quoted: memoryview, errno: int, mtu: int) -> None:
        """The tunnel is no connection: what was in it, its sender finds out."""
