"""The routing socket, the dumps of the tables, and what netstat shows."""

from __future__ import annotations

from typing import Any

import pytest

from rumpwire import const
from rumpwire.values import Rtmsg, SockaddrDl, SockaddrIn, SockaddrIn6, SockoptInteger
from tests.unit.net.kit import fails, waits
from tests.unit.net.lab import Lab, Machine
from tests.unit.net.test_ether import TWO, answer, ping

NET = SockaddrIn(bytes([99, 0, 0, 0]))
GATEWAY = SockaddrIn(TWO)
MAC = b"\2\0\0\0\0\x09"


@pytest.fixture
def lab() -> Lab:
    return Lab(linklocal=False)


class Listening:
    """A machine with a routing socket."""

    def __init__(self, machine: Machine, family: int = 0) -> None:
        self.machine = machine
        self.s = machine.nonblocking(machine("socket", const.AF_ROUTE, const.SOCK_RAW, family))

    def send(self, kind: int, **fields: Any) -> Rtmsg:
        answer: Rtmsg = self.machine("route_send", self.s, Rtmsg(rtm_type=kind, **fields))
        return answer

    def refused(self, kind: int, **fields: Any) -> str:
        return fails(self.machine, "route_send", self.s, Rtmsg(rtm_type=kind, **fields))

    def heard(self) -> list[Rtmsg]:
        found = []
        while self.machine.net.socket(self.s).rcv:
            found.append(self.machine("route_recv", self.s, 0))
        return found


@pytest.fixture
def r(lab: Lab) -> Listening:
    one, _, _ = lab.two()
    return Listening(one)


def test_routes_come_and_go(r: Listening) -> None:
    added = r.send(const.RTM_ADD, dst=NET, prefixlen=8, gateway=GATEWAY, rtm_seq=7)
    flags = const.RTF_UP | const.RTF_GATEWAY | const.RTF_STATIC | const.RTF_DONE
    assert (added.rtm_flags, added.ifname, added.rtm_seq) == (flags, "eth0", 7)
    assert r.heard() == [added]
    found = r.send(const.RTM_GET, dst=SockaddrIn(bytes([99, 1, 2, 3])), prefixlen=32)
    assert (found.dst, found.prefixlen, found.gateway) == (NET, 8, GATEWAY)
    assert r.refused(const.RTM_ADD, dst=NET, prefixlen=8, gateway=GATEWAY) == "EEXIST"
    changed = r.send(const.RTM_CHANGE, dst=NET, prefixlen=8, rtm_flags=const.RTF_REJECT)
    assert changed.rtm_flags & const.RTF_REJECT
    changed = r.send(const.RTM_CHANGE, dst=NET, prefixlen=8, rtm_flags=const.RTF_BLACKHOLE, rmx_mtu=1000)
    assert changed.rtm_flags & (const.RTF_REJECT | const.RTF_BLACKHOLE) == const.RTF_BLACKHOLE
    assert changed.rmx_mtu == 1000
    r.send(const.RTM_DELETE, dst=NET, prefixlen=8)
    assert r.refused(const.RTM_DELETE, dst=NET, prefixlen=8) == "ESRCH"
    errnos = [m.rtm_errno for m in r.heard()]
    assert errnos == [0, 17, 0, 0, 0, 3]


def test_refusals(r: Listening) -> None:
    far = SockaddrIn(bytes([98, 0, 0, 1]))
    assert r.refused(const.RTM_ADD, dst=NET, prefixlen=8, gateway=far) == "ENETUNREACH"
    assert r.refused(const.RTM_ADD, dst=NET, prefixlen=33, gateway=GATEWAY) == "EINVAL"
    assert r.refused(const.RTM_ADD, dst=None, prefixlen=8, gateway=GATEWAY) == "EAFNOSUPPORT"
    assert r.refused(const.RTM_ADD, dst=NET, prefixlen=8, ifname="nope0") == "ENXIO"
    assert r.refused(const.RTM_ADD, dst=NET, prefixlen=8, gateway=GATEWAY, ifa=far) == "EADDRNOTAVAIL"
    assert r.refused(const.RTM_IFINFO, dst=NET) == "EOPNOTSUPP"
    assert r.refused(const.RTM_GET, dst=far, prefixlen=32) == "ESRCH"
    user = r.machine.user
    assert fails(user, "route_send", r.s, Rtmsg(const.RTM_DELETE, dst=NET, prefixlen=8)) == "EACCES"
    assert fails(r.machine, "route_send", r.machine.udp(), Rtmsg()) == "EOPNOTSUPP"
    assert fails(r.machine, "write", r.s, b"x") == "EOPNOTSUPP"
    assert fails(r.machine, "read", r.s, 10) == "EOPNOTSUPP"
    assert fails(r.machine, "socket", const.AF_ROUTE, const.SOCK_DGRAM, 0) == "EPROTOTYPE"


def test_gateways_that_are_on_the_link_by_a_route_alone(r: Listening) -> None:
    gateway = SockaddrIn(bytes([10, 77, 0, 1]))
    assert r.refused(const.RTM_ADD, dst=NET, prefixlen=8, gateway=gateway) == "ENETUNREACH"
    r.send(const.RTM_ADD, dst=gateway, prefixlen=32, gateway=SockaddrDl(sdl_name="eth0"))
    assert r.send(const.RTM_ADD, dst=NET, prefixlen=8, gateway=gateway).ifname == "eth0"
    far = SockaddrIn(bytes([99, 1, 1, 1]))
    assert r.refused(const.RTM_ADD, dst=SockaddrIn(bytes([98, 0, 0, 0])), prefixlen=8, gateway=far) == "ENETUNREACH"
    r.send(const.RTM_CHANGE, dst=NET, prefixlen=8, gateway=GATEWAY)
    assert r.send(const.RTM_GET, dst=far, prefixlen=32).gateway == GATEWAY


def test_reject_stands_before_the_default(r: Listening) -> None:
    r.send(const.RTM_ADD, dst=SockaddrIn(bytes(4)), prefixlen=0, gateway=GATEWAY)
    r.send(const.RTM_ADD, dst=NET, prefixlen=8, rtm_flags=const.RTF_REJECT)
    s = r.machine.udp()
    assert fails(r.machine, "sendto", s, b"x", None, SockaddrIn(bytes([99, 0, 0, 1]), 5)) == "ENETUNREACH"
    r.machine("sendto", s, b"x", None, SockaddrIn(bytes([97, 0, 0, 1]), 5))


def test_what_is_told_without_being_asked(lab: Lab, r: Listening) -> None:
    machine = r.machine
    fails(machine, "sendto", machine.udp(), b"x", None, SockaddrIn(bytes([98, 0, 0, 1]), 5))
    assert [m.rtm_type for m in r.heard()] == [const.RTM_MISS]
    machine("netconfig_ifcreate", "lo7")
    machine("netconfig_ipv4_ifaddr_cidr", "lo7", "10.7.0.1", 24)
    kinds = [m.rtm_type for m in r.heard()]
    assert kinds == [const.RTM_IFANNOUNCE, const.RTM_IFINFO, const.RTM_NEWADDR, const.RTM_ADD, const.RTM_ADD]
    machine("netconfig_ifdestroy", "lo7")
    heard = r.heard()
    assert {const.RTM_IFINFO, const.RTM_DELADDR, const.RTM_DELETE} <= {m.rtm_type for m in heard}
    assert (heard[-1].rtm_type, heard[-1].what) == (const.RTM_IFANNOUNCE, const.IFAN_DEPARTURE)
    answer(machine, ping(machine, TWO))
    (learned,) = r.heard()
    assert (learned.rtm_type, learned.dst) == (const.RTM_ADD, GATEWAY)
    machine.inet.arp.keep.put(5)
    answer(machine, ping(machine, TWO))
    lab.host.advance(2000)
    assert [m.rtm_type for m in r.heard()] == [const.RTM_DELETE]


def test_a_reader_waits(r: Listening) -> None:
    s = r.machine("socket", const.AF_ROUTE, const.SOCK_RAW, 0)
    pending = waits(r.machine("route_recv", s, 0))
    r.machine("netconfig_ifdown", "eth0")
    assert pending.outcome.result().rtm_type in (const.RTM_IFINFO, const.RTM_DELETE)
    assert fails(r.machine, "route_recv", Listening(r.machine).s, 0) == "EAGAIN"


def test_who_does_not_read_loses(r: Listening) -> None:
    for _ in range(600):
        r.machine("netconfig_ifdown", "eth0")
        r.machine("netconfig_ifup", "eth0")
    assert fails(r.machine, "route_recv", r.s, 0) == "ENOBUFS"
    assert len(r.heard()) == 1024


def test_sockets_of_one_family(r: Listening) -> None:
    six = Listening(r.machine, const.AF_INET6)
    r.machine("setsockopt", r.s, const.SOL_SOCKET, const.SO_USELOOPBACK, SockoptInteger(0))
    r.send(const.RTM_ADD, dst=NET, prefixlen=8, gateway=GATEWAY)
    assert six.heard() == []
    assert r.heard() == []
    six.send(const.RTM_ADD, dst=SockaddrIn6(b"\xfd" + bytes(15)), prefixlen=8, ifname="lo0")
    assert len(six.heard()) == 1


def test_neighbours(r: Listening) -> None:
    machine, nine = r.machine, SockaddrIn(bytes([10, 0, 0, 9]))
    lldata = const.RTF_LLDATA
    link = SockaddrDl(sdl_addr=MAC)
    r.send(const.RTM_ADD, dst=nine, prefixlen=32, gateway=link, rtm_flags=lldata)
    assert r.refused(const.RTM_ADD, dst=nine, prefixlen=32, gateway=link, rtm_flags=lldata) == "EEXIST"
    (entry,) = machine("route_dump", const.AF_INET, const.NET_RT_FLAGS, lldata)
    assert (entry.dst, entry.gateway.sdl_addr, entry.rmx_expire) == (nine, MAC, 0)
    assert r.send(const.RTM_GET, dst=nine, prefixlen=32, rtm_flags=lldata).gateway == entry.gateway
    r.send(const.RTM_DELETE, dst=nine, prefixlen=32, rtm_flags=lldata)
    assert r.refused(const.RTM_GET, dst=nine, prefixlen=32, rtm_flags=lldata) == "ESRCH"
    assert machine("route_dump", 0, const.NET_RT_FLAGS, lldata) == []
    proxy = r.send(
        const.RTM_ADD, dst=nine, prefixlen=32, gateway=link, rtm_flags=lldata | const.RTF_ANNOUNCE, rmx_expire=9
    )
    assert proxy.rtm_flags & const.RTF_ANNOUNCE
    assert proxy.rmx_expire > 0


def test_dumps(r: Listening) -> None:
    machine = r.machine
    routes = machine("route_dump", const.AF_INET, const.NET_RT_DUMP, 0)
    assert {(m.dst.sin_addr, m.prefixlen) for m in routes} >= {(bytes([127, 0, 0, 0]), 8), (bytes([10, 0, 0, 0]), 24)}
    local = machine("route_dump", const.AF_INET, const.NET_RT_FLAGS, const.RTF_LOCAL)
    assert {m.dst.sin_addr for m in local} == {bytes([127, 0, 0, 1]), bytes([10, 0, 0, 1])}
    interfaces = machine("route_dump", 0, const.NET_RT_IFLIST, 0)
    assert [m.interface.name for m in interfaces if m.rtm_type == const.RTM_IFINFO] == ["lo0", "eth0"]
    assert fails(machine, "route_dump", 99, const.NET_RT_DUMP, 0) == "EINVAL"
    assert fails(machine, "route_dump", 0, 77, 0) == "EINVAL"


def test_netstat(r: Listening) -> None:
    machine = r.machine
    machine.udp(53)
    (pcb,) = machine("net_pcblist")
    assert (pcb.protocol, pcb.local.sin_port) == ("udp", 53)
    answer(machine, ping(machine, TWO))
    counted = {(c.protocol, c.name): c.value for c in machine("net_counters")}
    assert counted["icmp", "input type 0"] == 1
    assert machine("nd_list").routers == []
