"""Advertising ourselves as a router (RFC 4861, 6.2): what rtadvd(8) does, as far as prefixes of our own addresses go.

With net.inet6.ip6.forwarding and net.inet6.ip6.rtadv on, every Ethernet interface is advertised on: now, when somebody
asks, and every ten minutes at most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rumpnet.core.iface import Iface
from rumpnet.core.neighbour import SECOND
from rumpnet.core.net import Node
from rumpnet.core.route import ANY6
from rumpnet.core.wire import Malformed, icmp6, ipv6
from rumpnet.core.zone import link_local, with_zone
from rumpnet.ifaces.ether import Ethernet
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpnet.core.nd import Nd

LIFETIME = 1800
VALID = 2592000
PREFERRED = 604800
INTERVAL_NS = 600 * SECOND
"""MaxRtrAdvInterval; the least is a third of it."""
INITIAL_NS = 16 * SECOND
INITIAL = 3
DELAY_NS = 3 * SECOND
"""Between two advertisements to all (MIN_DELAY_BETWEEN_RAS)."""
ALL_NODES = b"\xff\x02" + bytes(13) + b"\1"
ALL_ROUTERS = b"\xff\x02" + bytes(13) + b"\2"


class Advertiser:
    """The knob, and a timer for each interface."""

    def __init__(self, nd: Nd) -> None:
        self.nd = nd
        self.ip6 = nd.ip6
        self.host = nd.host
        self.on = 0
        self._timers: dict[Iface, Callable[[], None]] = {}
        self._last: dict[Iface, int] = {}
        nd.icmp.handlers[icmp6.ROUTER_SOLICIT] = self.asked

    def nodes(self) -> list[Node]:
        return [
            Node(
                "net.inet6.ip6.rtadv", [4, 24, 41, 1201], "Advertise our prefixes as a router", lambda: self.on,
                self.put,
            )
        ]  # fmt: skip

    def put(self, value: int) -> None:
        """EINVAL."""
        if value not in (0, 1):
            raise KernelError(Errno.EINVAL, f"{value} is not 0 or 1")
        if value and not self.on:
            self.on = value
            for iface in self._interfaces():
                self.begin(iface)
        elif not value and self.on:
            self.stop()
            self.on = value

    def _interfaces(self) -> list[Ethernet]:
        return [i for i in self.ip6.interfaces.by_name.values() if isinstance(i, Ethernet) and i.up]

    def begin(self, iface: Ethernet) -> None:
        group = with_zone(ALL_ROUTERS, iface.index)
        if group not in iface.groups:
            self.ip6.join(iface, group)
        self._tick(iface, INITIAL)

    def _tick(self, iface: Ethernet, initial: int) -> None:
        self.advertise(iface)
        spread = INITIAL_NS if initial else INTERVAL_NS
        after = spread // 3 + int.from_bytes(self.host.entropy(6), "big") % (spread * 2 // 3)
        now = self.host.monotonic_ns()
        self._timers[iface] = self.host.call_at(now + after, lambda: self._tick(iface, max(0, initial - 1)))

    def asked(self, iface: Iface, header: ipv6.Packet, message: icmp6.Packet) -> None:
        """A host looks for routers (RFC 4861, 6.2.6). Malformed."""
        if header.hop_limit != 255 or message.code:
            raise Malformed("a router solicitation from elsewhere")
        options = list(icmp6.options(message.payload))
        if not isinstance(iface, Ethernet) or not self._active(iface):
            return
        for kind, body in options:
            if kind == icmp6.SOURCE_LINK and header.src != ANY6 and not body[0] & 1:
                iface.neighbours.learn(header.src, bytes(body[:6]), confirmed=False)
        now = self.host.monotonic_ns()
        if now - self._last.get(iface, -DELAY_NS) >= DELAY_NS:
            self.advertise(iface)

    def _active(self, iface: Ethernet) -> bool:
        return bool(self.on and self.ip6.forwarding.value and iface.up)

    def advertise(self, iface: Ethernet, lifetime: int = LIFETIME) -> None:
        """To all nodes of the link."""
        own = next((a for a in iface.ipv6() if link_local(a.addr) and a.usable), None)
        if own is None or not self._active(iface):
            return
        self._last[iface] = self.host.monotonic_ns()
        rest = self.ip6.ttl.value << 24 | lifetime
        payload = bytes(8) + icmp6.link_option(icmp6.SOURCE_LINK, iface.lladdr)
        payload += icmp6.option(icmp6.MTU, bytes(2) + iface.mtu.to_bytes(4, "big"))
        seen = set()
        for address in iface.ipv6():
            network = address.network.to_bytes(16, "big")
            if not link_local(address.addr) and address.prefixlen < 128 and (network, address.prefixlen) not in seen:
                seen.add((network, address.prefixlen))
                flags = icmp6.ON_LINK | icmp6.AUTONOMOUS
                body = icmp6.PREFIX_INFORMATION.pack(address.prefixlen, flags, VALID, PREFERRED, 0, network)
                payload += icmp6.option(icmp6.PREFIX, body)
        dst = with_zone(ALL_NODES, iface.index)
        self.nd.send(iface, own.addr, dst, icmp6.ROUTER_ADVERT, rest, payload)

    def stop(self) -> None:
        """Hosts are told that we are no router any more (RFC 4861, 6.2.5)."""
        for iface, disarm in self._timers.items():
            disarm()
            if isinstance(iface, Ethernet):
                self.advertise(iface, lifetime=0)
        self._timers.clear()
