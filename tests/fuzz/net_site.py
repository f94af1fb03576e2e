"""A small internet whose router is attacked: what it has open, what its wires carried, and what must still hold after.

The router is at 10.0.0.1 and fd00::1 (eth0, a client at .2) and at 192.0.2.1 and fd01::1 (eth1, a server at .9). It
forwards, and by number it also filters and translates, has interfaces of every kind, and asks for a lease on eth2;
one in five is no router but a host that believes routers.
Two kinds of connections end in it: those under attack by somebody who sees them, who may end or change them as he
likes, and those of `Guarded`, which nobody sees and which no frame may hurt.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from rumpclients import _npf_conf
from rumpnet.core import neighbour, reassembly, route
from rumpnet.core.dns import forwarder, stream
from rumpnet.core.ip6 import Ip6
from rumpnet.core.tcp.tcb import Connection
from rumpnet.core.wg.crypto import public_key
from rumpnet.core.wire import icmp, icmp6
from rumpnet.ifaces import bridge
from rumpnet.ifaces.ether import Ethernet
from rumpwire import const
from rumpwire.errno import KernelError
from rumpwire.values import (
    DhcpPool,
    IfPhyAddr,
    IoctlArgsText,
    LaggReq,
    Mreq,
    Sockaddr,
    SockaddrIn,
    SockaddrIn6,
    SockoptInteger,
    VlanReq,
    WgAllowedIp,
    WgPeer,
    WgReq,
)
from tests.unit.net.ifaces.common import ioctl, pings
from tests.unit.net.kit import finished
from tests.unit.net.lab import Lab, Machine, Port, Wire
from tests.unit.net.npf_packets import internet, ip, udp
from tests.unit.net.test_dns import query, reply
from tests.unit.net.test_inet6 import inet6

RULES = """
map eth1 dynamic 10.0.0.0/24 -> inet4(eth1)
map eth1 dynamic proto udp 10.0.0.2 port 53 <- inet4(eth1) port 5353
group "public" on eth1 {
  pass stateful out final all
  pass stateful in final proto udp to inet4(eth1) port 5353
  pass in final from any to any
}
group default { pass all }
"""
POOL = DhcpPool(ip("10.0.5.100"), ip("10.0.5.110"), 600, dns=[ip("10.0.5.1")], domain=b"lab")
DGRAM, STREAM, RAW = const.SOCK_DGRAM, const.SOCK_STREAM, const.SOCK_RAW
Seen = tuple[Port, bytes]
"""A frame, and where it went by."""
SERVED = 80
"""The port of the connections under attack."""
TIMERS_MAX = 3000


def name(addr: str, port: int) -> Sockaddr:
    return SockaddrIn6(ip(addr), port) if ":" in addr else SockaddrIn(ip(addr), port)


def ends(addr: SockaddrIn | SockaddrIn6) -> tuple[bytes, int]:
    return (addr.sin6_addr, addr.sin6_port) if isinstance(addr, SockaddrIn6) else (addr.sin_addr, addr.sin_port)


def opened(machine: Machine, addr: str, kind: int, protocol: int = 0) -> int:
    family = const.AF_INET6 if ":" in addr else const.AF_INET
    return machine.nonblocking(machine("socket", family, kind, protocol))


def bound(machine: Machine, addr: str, kind: int, port: int) -> int:
    s = opened(machine, addr, kind)
    machine("bind", s, name(addr, port))
    if kind == STREAM:
        machine("listen", s, 50)
    return s


def tried(machine: Machine, call: str, *args: Any) -> Any:
    """A call that may well fail, as those of programs do."""
    try:
        return finished(machine(call, *args))
    except KernelError:
        return None


class Guarded:
    """A connection that nobody on the wires of the attack has seen. ``carries`` is whether it still does its work."""

    def __init__(self, site: Site, client: Machine, server: Machine, to: str, port: int) -> None:
        self.site = site
        self.client, self.server = client, server
        listening = bound(server, "::" if ":" in to else "0.0.0.0", STREAM, port)
        self.one = opened(client, to, STREAM)
        tried(client, "connect", self.one, name(to, port))
        site.lab.host.advance(1)
        accepted = finished(server("accept", listening))
        self.two = server.nonblocking(accepted.s)
        own, peer = client("getsockname", self.one), client("getpeername", self.one)
        self.ends = (*ends(own), *ends(peer))
        """As segments of the client's have them."""

    def carries(self, rng: random.Random) -> bool:
        return self._one_way(self.client, self.one, self.server, self.two, rng) and self._one_way(
            self.server, self.two, self.client, self.one, rng
        )

    def _one_way(self, sender: Machine, out: int, receiver: Machine, into: int, rng: random.Random) -> bool:
        data, got = rng.randbytes(5000), b""
        tried(sender, "write", out, data)
        for _ in range(40):
            got += bytes(tried(receiver, "read", into, 65536) or b"")
            if len(got) >= len(data):
                break
            self.site.lab.host.advance(1)
        return got == data


class Site:
    """All of it. What its set-up put on the wires is the corpus."""

    def __init__(self, number: int) -> None:
        self.rng = random.Random(number)
        self.lab = Lab(number)
        self.filtering, self.crowded, self.believing = number % 3 == 0, number % 2 == 0, number % 5 == 4
        self.router, self.client, self.server, self.leaser = (self.lab.machine() for _ in range(4))
        self.inner, self.outer, self.third = Wire(), Wire(), Wire()
        self.client.plug(self.inner, "10.0.0.2/24", "fd00::2/64")
        self.server.plug(self.outer, "192.0.2.9/24", "fd01::9/64")
        self.leaser.plug(self.third, "10.0.5.1/24")
        self.ports = [
            self.router.plug(self.inner, "10.0.0.1/24", "fd00::1/64"),
            self.router.plug(self.outer, "192.0.2.1/24", "fd01::1/64"),
            self.router.plug(self.third),
        ]
        self._routes()
        if self.crowded:
            self._crowd()
        self.lab.host.advance(3)
        self._tunnel()
        self.kept: list[int] = []
        self._traffic()
        self.corpus = [(port, frame) for port in self.ports for frame in port.wire.frames[-400:]]  # type: ignore[union-attr]
        self.corpus += [(port, frame) for port in self.ports[:2] for frame in strangers()]
        near = (("10.0.0.1", self.router, 7001), ("fd00::1", self.router, 7002))
        behind = () if self.believing else (("192.0.2.9", self.server, 7003), ("fd01::9", self.server, 7004))
        within = () if self.believing else (("10.7.0.1", self.router, 7005),)
        self.guarded = [Guarded(self, self.client, machine, to, port) for to, machine, port in (*near, *behind)]
        self.guarded += [Guarded(self, self.server, machine, to, port) for to, machine, port in within]
        for wire in (self.inner, self.outer, self.third):
            wire.frames = _Nothing()
        self.third.lose = lambda frame: True  # the server is gone, and liars answer in its place

    # -- set-up

    def _routes(self) -> None:
        for host, near4, near6 in ((self.client, "10.0.0.1", "fd00::1"), (self.server, "192.0.2.1", "fd01::1")):
            for gateway in (near4, near6):
                addr = ip(gateway)
                host.net.routes.add(bytes(len(addr)), 0, host.net.interfaces.get("eth0"), gateway=addr)
        self.router.inet.ip.forwarding.value = self._ip6().forwarding.value = int(not self.believing)
        if self.believing:
            inet6(self.router).slaac.accept_rtadv.put(1)
            inet6(self.client).ip6.forwarding.value = 1
            inet6(self.client).rtadv.put(1)
        self.router("dns_forward", [ip("192.0.2.9")])
        self.leaser("dhcpd_start", "eth0", POOL)
        self.router("dhcpd_start", "eth0", DhcpPool(ip("10.0.0.100"), ip("10.0.0.120"), 600))
        self.router("dhcp_start", "eth2", "router")
        if self.filtering:
            self.router("npf_load", _npf_conf.parse(RULES))
            self.router("npf_switch", True)

    def _ip6(self) -> Ip6:
        return inet6(self.router).ip6

    def _crowd(self) -> None:
        """Interfaces on interfaces, and a program that sees everything."""
        router = self.router
        self.ports += [router.plug(Wire()) for _ in range(3)]
        for kind in ("bridge0", "vether0", "vlan0", "vlan1", "gif0", "lagg0"):
            router("netconfig_ifcreate", kind)
        router("netconfig_ifup", "bridge0")
        for member in (self.ports[3].name, "vether0"):
            router("netconfig_bradd", "bridge0", member)
        ioctl(router, const.SIOCSETVLAN, VlanReq("vlan0", 10, self.ports[4].name))
        ioctl(router, const.SIOCSETVLAN, VlanReq("vlan1", 20, "vlan0"))
        ioctl(router, const.SIOCSLAGG, LaggReq("lagg0", const.LAGG_PROTO_LOADBALANCE, [self.ports[5].name]))
        tunnel = IfPhyAddr("gif0", SockaddrIn(ip("192.0.2.1")), SockaddrIn(ip("192.0.2.9")))
        ioctl(router, const.SIOCSLIFPHYADDR, tunnel)
        for unit, ifname in enumerate(("vether0", "vlan0", "vlan1", "gif0", "lagg0")):
            router("netconfig_ipv4_ifaddr_cidr", ifname, f"10.1.{unit}.1", 24)
            router("netconfig_ifup", ifname)
        router("ioctl", router("bpf_open"), const.BIOCSETIF, IoctlArgsText("eth0"))
        tap = router("dev_open", False, const.makedev(const.MAJOR_TAP, 0xFFFFF), const.O_RDWR)
        name = router("ioctl", tap, const.TAPGIFNAME, None).data.text  # nobody reads there what the bridge floods
        router("netconfig_bradd", "bridge0", name)
        router("netconfig_ifup", name)

    def _tunnel(self) -> None:
        """WireGuard between the router and the server, over a wire that is attacked."""
        ends = (self.router, "192.0.2.1", "10.7.0.1"), (self.server, "192.0.2.9", "10.7.0.9")
        keys = b"\1" * 32, b"\2" * 32
        for own, other in ((0, 1), (1, 0)):
            machine, (_, at, inner) = ends[own][0], ends[other]
            peer = WgPeer("it", public_key(keys[other]), b"", SockaddrIn(ip(at), 51820), [WgAllowedIp(ip(inner), 32)])
            machine("netconfig_ifcreate", "wg0")
            for req in (
                WgReq("wg0", const.WG_IOCTL_SET_PRIVATE_KEY, keys[own]),
                WgReq("wg0", const.WG_IOCTL_SET_LISTEN_PORT, listen_port=51820),
                WgReq("wg0", const.WG_IOCTL_ADD_PEER, peers=[peer]),
            ):
                ioctl(machine, const.SIOCSDRVSPEC, req)
            machine("netconfig_ipv4_ifaddr_cidr", "wg0", ends[own][2], 24)
            machine("netconfig_ifup", "wg0")
        pings(self.server, "10.7.0.1")

    def _traffic(self) -> None:
        """Real runs of everything, and connections in several states."""
        router, client, server = self.router, self.client, self.server
        for addr in ("0.0.0.0", "::"):
            for port in (9, 5353):
                self.kept.append(bound(router, addr, DGRAM, port))
            self.kept.append(bound(router, addr, STREAM, SERVED))
            router("setsockopt", self.kept[-1], const.IPPROTO_TCP, const.TCP_FASTOPEN, SockoptInteger(5))
        listening = {4: self.kept[2], 16: self.kept[5]}
        self.kept += [
            opened(router, "0.0.0.0", RAW, 1),
            opened(router, "::", RAW, 58),
            opened(router, "0.0.0.0", RAW, 99),
        ]
        for s, level, option, group in (
            (self.kept[0], const.IPPROTO_IP, const.IP_ADD_MEMBERSHIP, Mreq(ip("239.1.2.3"), ip("10.0.0.1"))),
            (self.kept[3], const.IPPROTO_IPV6, const.IPV6_JOIN_GROUP, Mreq(ip("ff05::1234"), b"", 2)),
        ):
            router("setsockopt", s, level, option, group)
        for near4, near6 in (("10.0.0.1", "fd00::1"), ("192.0.2.9", "fd01::9")):
            for to in (near4, near6):
                self._datagrams(to)
        tried(client, "sendto", bound(client, "0.0.0.0", DGRAM, 4000), query("a.example"), 0, name("10.0.0.1", 53))
        for to in ("10.0.0.1", "fd00::1"):
            for state in range(6):
                self._connection(listening[len(ip(to))], to, state)
        bound(server, "0.0.0.0", STREAM, SERVED)
        through = opened(client, "0.0.0.0", STREAM)
        tried(client, "connect", through, name("192.0.2.9", SERVED))
        tried(client, "write", through, b"through the router")
        for to in ("10.0.0.77", "fd00::77"):
            tried(router, "connect", opened(router, to, STREAM), name(to, 80))
        self.lab.host.advance(2)

    def _datagrams(self, to: str) -> None:
        client = self.client
        s = opened(client, to, DGRAM)
        for size in (10, 1400, 4000):
            tried(client, "sendto", s, bytes(size), 0, name(to, 9))
        tried(client, "sendto", s, b"nobody", 0, name(to, 10))
        raw = opened(client, to, RAW, 58 if ":" in to else 1)
        if ":" in to:
            echo = icmp6.Icmp6(icmp6.ECHO, 0, 1 << 16, bytes(56)).emit(0)
        else:
            echo = icmp.Icmp(icmp.ECHO, 0, 1 << 16, bytes(56)).emit()
        tried(client, "sendto", raw, echo, 0, name(to, 0))

    def _connection(self, listening: int, to: str, state: int) -> None:
        """Established, half closed by either side, in TIME_WAIT, with a full buffer, in recovery."""
        client, router, host = self.client, self.router, self.lab.host
        s = opened(client, to, STREAM)
        tried(client, "connect", s, name(to, SERVED))
        host.advance(0.1)
        accepted = tried(router, "accept", listening)
        if accepted is None:
            return
        far = router.nonblocking(accepted.s)
        tried(client, "write", s, bytes(3000))
        tried(router, "write", far, bytes(3000))
        if state in (1, 3):
            tried(client, "shutdown", s, const.SHUT_WR)
        if state in (2, 3):
            tried(router, "shutdown", far, const.SHUT_WR)
        if state == 4:
            tried(client, "write", s, bytes(200_000))
        if state == 5:
            self.inner.lose = lambda frame: True
            tried(router, "write", far, bytes(60_000))
            host.advance(0.3)
            self.inner.lose = lambda frame: False
        host.advance(0.1)

    # -- what hostile frames are made from

    def victims(self) -> list[Connection]:
        """Connections that the attack may see."""
        return [
            c for c in self.router.inet.tcp.connections.values()
            if type(c) is Connection and not 7001 <= c.lport <= 7005
        ]  # fmt: skip

    def exchange(self) -> int:
        """The number of the DHCP exchange that is under way."""
        kept = self._behind("dhcp_start")._clients.get("eth2")
        return kept.client._xid if kept is not None else 0

    def _behind(self, call: str) -> Any:
        """The object that a call of the router belongs to."""
        return getattr(self.router.component.table[call].handler, "__self__")  # noqa: B009

    def answer(self) -> bytes:
        """What the forwarder waits for, as a packet from its server; empty when it waits for nothing."""
        waiting = list(self._behind("dns_forward")._queries.values())
        if not waiting:
            return b""
        asked = self.rng.choice(waiting)
        if asked.socket is None:
            return b""
        question = asked.ident.to_bytes(2, "big") + bytes(asked.data[2:])
        data = reply(question, self.rng.randbytes(4), self.rng.choice((0, 300, 1 << 31)), self.rng.choice((0, 0, 3)))
        if self.rng.random() < 0.2:  # truncated: it is to be asked for by TCP
            data = data[:2] + bytes((data[2] | 2,)) + data[3:]
        return udp("192.0.2.9", 53, "192.0.2.1", asked.socket.lport, data)

    def serve(self) -> None:
        """Programs go on reading, accepting, and ask for leases."""
        for s in self.kept:
            if tried(self.router, "accept", s) is None:
                tried(self.router, "recvfrom", s, 65536, None)
        if self.rng.random() < 0.3:
            tried(self.router, "dhcp_renew", "eth2")
        to = self.rng.choice(("10.0.0.1", "fd00::1", "192.0.2.9"))
        s = opened(self.client, to, STREAM)
        tried(self.client, "connect", s, name(to, SERVED))
        tried(self.client, "write", s, bytes(3000))

    # -- what must hold

    def check(self) -> None:
        router = self.router
        assert not len(router.net.queue)
        for what, count, most in self.sizes():
            assert count <= most, f"{what}: {count} > {most}"
        for c in self.victims():
            assert c.rcv.count <= c.rcv.hiwat + 5000
            assert c.reassembly.kept <= 2 * c.rcv.hiwat

    def sizes(self) -> Iterator[tuple[str, int, int]]:
        """Tables, how full they are, and how full they may be."""
        net, tcp = self.router.net, self.router.inet.tcp
        yield "timers", len(self.lab.host._heap), TIMERS_MAX
        yield "routes", sum(1 for _ in net.routes), 200 + route.DYNAMIC_MAX
        yield "connections", len(tcp.connections), 1000
        yield "half-open connections", len(tcp.syncache.entries), tcp.sysctl.syn_cache_limit.value
        yield "sockets", len(net.sockets), 2000
        for iface in net.interfaces.by_name.values():
            yield f"addresses of {iface.name}", len(iface.addresses), 40
            if isinstance(iface, Ethernet):
                yield f"neighbours of {iface.name}", len(iface.neighbours), neighbour.NEIGHBOURS_MAX
                yield f"bytes that wait on {iface.name}", iface.neighbours.held, neighbour.WAITING_BYTES_MAX
            if isinstance(iface, bridge.Bridge):
                yield "bridge", len(iface.entries), bridge.CACHE_MAX
        for held in self.held():
            yield "datagrams in pieces", held, reassembly.DATAGRAMS_MAX
        for what, few in (
            ("routers", inet6(self.router).slaac.routers),
            ("prefixes", inet6(self.router).slaac.prefixes),
        ):
            yield what, len(few), 16
        dns = self._behind("dns_forward")
        yield "questions", len(dns._queries), forwarder.IN_FLIGHT_MAX
        yield "answers", len(dns._cache), forwarder.CACHE_MAX
        yield "hosts that ask over TCP", len(dns.streams.clients), stream.CLIENTS_MAX

    def held(self) -> list[int]:
        """Datagrams that wait for their other pieces, in IPv4, IPv6, and the filter."""
        found = self.router.component.filter
        filtering = (found._reassembly, found._reassembly6) if found is not None else ()
        return [len(self.router.inet.ip.reassembly), len(self._ip6().reassembly), *map(len, filtering)]

    def recover(self) -> None:
        """Neighbours may have been lied to, and leases and routers may be liars': all are found out anew."""
        tried(self.router, "dhcp_stop", "eth2", False)
        inet6(self.router).slaac.accept_rtadv.put(0)
        for port in self.ports:
            inet6(self.router).slaac.iface_gone(port)
        self.lab.host.advance(70)
        for machine in (self.router, self.client, self.server):
            for iface in machine.net.interfaces.by_name.values():
                if isinstance(iface, Ethernet):
                    iface.neighbours.purge()
            machine.net.routes.remove_where(lambda r: bool(r.flags & const.RTF_DYNAMIC))
        self.lab.host.advance(3)
        assert not any(self.held())

    def stop(self) -> None:
        for machine in (self.router, self.client, self.server, self.leaser):
            machine.net.stop()


def strangers() -> list[bytes]:
    """What nobody in the lab says, but others may: queries of groups, advertisements with all options, requests."""
    both = ip("239.1.2.3"), ip("ff05::1234")
    group4 = [kind + both[0] for kind in (b"\x11\x64\0\0", b"\x12\0\0\0", b"\x17\0\0\0")]
    group4 += [b"\x11\0\0\0" + bytes(4), b"\x22\0\0\0\0\0\0\1\2\0\0\1" + both[0] * 2]
    group4 += [b"\x11\x18\0\0" + both[0] + b"\2\x14\0\2" + ip("10.0.0.2") * 2]
    four = [internet("10.0.0.2", "224.0.0.1", 2, group, ttl=1) for group in group4]
    four += [
        internet("10.0.0.2", "10.0.0.1", 1, kind + bytes(10) + bytes(56)) for kind in (b"\x0d\0", b"\x11\0", b"\x0a\0")
    ]
    router = b"\x86\0\0\0\x40\0\x07\x08" + bytes(8)
    prefix = icmp6.option(icmp6.PREFIX, icmp6.PREFIX_INFORMATION.pack(64, 0xC0, 7200, 3600, 0, ip("fd0a::")))
    options = [b"\5\1\0\0" + (1280).to_bytes(4, "big"), b"\1\1\2\0\0\0\0\x77", prefix,
               b"\x18\3\x40\0\0\0\x0e\x10" + ip("fd0b::"), b"\x19\3\0\0\0\0\x0e\x10" + ip("fd00::9")]  # fmt: skip
    six = [router + b"".join(options[: count + 1]) for count in range(5)]
    six += [kind + bytes(6) + both[1] for kind in (b"\x82\0", b"\x83\0", b"\x84\0")]
    six += [b"\x82\0\0\0\x03\xe8\0\0" + both[1] + b"\2\x14\0\1" + ip("fd00::2"), b"\x85\0" + bytes(6) + options[1]]
    sent = [internet("fe80::9", "ff02::1", 58, message, ttl=255) for message in six]
    frames = [b"\1\0\x5e\0\0\1" + bytes(6) + b"\x08\0" + packet for packet in four]
    return frames + [b"\x33\x33\0\0\0\1" + bytes(6) + b"\x86\xdd" + packet for packet in sent]


class _Nothing(list[bytes]):
    """Frames are not kept any more."""

    def append(self, frame: bytes) -> None:
        pass
