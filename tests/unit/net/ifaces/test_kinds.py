"""VLANs, tunnels, aggregates."""

from __future__ import annotations

import ipaddress

import pytest

from rumpnet.core.wire import ethernet
from rumpnet.ifaces.vlan import NEST_MAX
from rumpwire import const
from rumpwire.errno import KernelError
from rumpwire.values import IfPhyAddr, LaggReq, SockaddrIn, SockaddrIn6, VlanReq
from tests.unit.net.ifaces.common import ether, ioctl, ip, pings
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Wire


@pytest.fixture
def lab() -> Lab:
    return Lab(linklocal=False)


def vlan(machine: Machine, name: str, parent: str, tag: int, address: str = "") -> None:
    machine("netconfig_ifcreate", name)
    ioctl(machine, const.SIOCSETVLAN, VlanReq(name, tag, parent))
    machine("netconfig_ifup", name)
    if address:
        machine("netconfig_ipv4_ifaddr_cidr", name, address, 24)


def test_vlans_of_one_wire_are_apart(lab: Lab) -> None:
    one, two, wire = lab.two()
    for number, machine in enumerate((one, two), 1):
        vlan(machine, "vlan0", "eth0", 10, f"10.10.0.{number}")
        vlan(machine, "vlan1", "eth0", 10 + number, f"10.11.0.{number}")
    assert pings(one, "10.10.0.2", 4000)
    tagged = [frame for frame in wire.frames if frame[12:14] == ethernet.VLAN and frame[16:18] == b"\x08\0"]
    assert {frame[14:16] for frame in tagged} == {b"\0\x0a"}
    assert max(map(len, wire.frames)) == 1518
    assert pings(one, "10.0.0.2"), "what has no tag is the parent's"
    assert not pings(one, "10.11.0.2"), "VLAN 11 is not VLAN 12"
    assert ioctl(one, const.SIOCGETVLAN, VlanReq("vlan1")) == VlanReq("vlan1", 11, "eth0")


def test_vlans_in_vlans(lab: Lab) -> None:
    one, two, wire = lab.two()
    for number, machine in enumerate((one, two), 1):
        vlan(machine, "vlan0", "eth0", 10)
        vlan(machine, "vlan1", "vlan0", 20, f"10.20.0.{number}")
    assert pings(one, "10.20.0.2", 4000)
    assert any(frame[12:20] == b"\x81\0\0\x0a\x81\0\0\x14" for frame in wire.frames)
    for depth in range(2, NEST_MAX):
        vlan(one, f"vlan{depth}", f"vlan{depth - 1}", 5)
    one("netconfig_ifcreate", f"vlan{NEST_MAX}")
    deep = VlanReq(f"vlan{NEST_MAX}", 5, f"vlan{NEST_MAX - 1}")
    assert fails(ioctl, one, const.SIOCSETVLAN, deep) == "ELOOP"


def test_a_vlan_follows_its_parent(lab: Lab) -> None:
    one, two, wire = lab.two()
    for number, machine in enumerate((one, two), 1):
        vlan(machine, "vlan0", "eth0", 10, f"10.10.0.{number}")
    two("netconfig_ifdown", "eth0")
    assert not two.net.interfaces.get("vlan0").link_up
    assert not pings(one, "10.10.0.2")
    two("netconfig_ifup", "eth0")
    lab.host.advance(60)
    assert pings(one, "10.10.0.2")
    priority = ether(two, "eth0").lladdr + ether(one, "eth0").lladdr
    before = two.inet.ip.stats["total packets received"]
    wire.inject(priority + b"\x81\0\xe0\0\x08\0" + bytes(46))
    assert two.inet.ip.stats["total packets received"] == before + 1, "VLAN 0 is a priority"
    wire.inject(priority + b"\x81\0\xe0")
    wire.inject(priority + b"\x81\0\0\x63\x08\0" + bytes(46))
    two("netconfig_ifdestroy", "eth0")
    assert ioctl(two, const.SIOCGETVLAN, VlanReq("vlan0")) == VlanReq("vlan0", 0, "")
    assert fails(two, "netconfig_ifup", "vlan0") == "ENXIO"


def test_refusals_of_vlan(lab: Lab) -> None:
    one, _, _ = lab.two()
    one("netconfig_ifcreate", "vlan0")
    one("netconfig_ifcreate", "vlan1")

    def refused(*fields: object) -> str:
        return fails(ioctl, one, const.SIOCSETVLAN, VlanReq(*fields))  # type: ignore[arg-type]

    assert fails(one, "netconfig_ifup", "vlan0") == "ENXIO"
    assert refused("vlan0", 0, "eth0") == refused("vlan0", 4095, "eth0") == refused("vlan0", 5, "lo0") == "EINVAL"
    assert refused("vlan0", 5, "eth9") == "ENXIO"
    assert refused("vlan0", 5, "vlan0") == "ELOOP"
    assert refused("eth0", 5, "eth0") == "EINVAL"
    assert refused("vlan0", 0, "") == "ENXIO"
    ioctl(one, const.SIOCSETVLAN, VlanReq("vlan0", 5, "eth0"))
    assert refused("vlan0", 6, "eth0") == "EBUSY"
    assert refused("vlan1", 5, "eth0") == "EEXIST"


def tunnel(machine: Machine, name: str, src: str, dst: str, inner: str) -> None:
    machine("netconfig_ifcreate", name)
    ioctl(machine, const.SIOCSLIFPHYADDR, IfPhyAddr(name, SockaddrIn(ip(src)), SockaddrIn(ip(dst))))
    machine("netconfig_ipv4_ifaddr_cidr", name, inner, 24)


def test_a_tunnel(lab: Lab) -> None:
    one, two, wire = lab.two()
    tunnel(one, "gif0", "10.0.0.1", "10.0.0.2", "10.9.0.1")
    tunnel(two, "gif0", "10.0.0.2", "10.0.0.1", "10.9.0.2")
    assert pings(one, "10.9.0.2", 3000)
    inside = [frame for frame in wire.frames if frame[12:14] == b"\x08\0" and frame[23] == 4]
    assert inside
    assert {frame[22] for frame in inside} == {30}
    assert one.net.interfaces.get("gif0").opackets
    assert ioctl(one, const.SIOCGLIFPHYADDR, IfPhyAddr("gif0")).dstaddr == SockaddrIn(ip("10.0.0.2"))
    ioctl(two, const.SIOCDIFPHYADDR, IfPhyAddr("gif0"))
    assert not pings(one, "10.9.0.2")
    assert fails(ioctl, two, const.SIOCGLIFPHYADDR, IfPhyAddr("gif0")) == "EADDRNOTAVAIL"


def test_a_tunnel_whose_end_lies_in_itself_carries_nothing(lab: Lab) -> None:
    one, _, _ = lab.two()
    tunnel(one, "gif0", "10.0.0.1", "10.9.0.2", "10.9.0.1")
    assert not pings(one, "10.9.0.2")
    tunnel(one, "gif1", "10.0.0.1", "10.8.0.2", "10.7.0.1")
    one.net.routes.add(ip("10.8.0.0"), 24, one.net.interfaces.get("gif0"), gateway=ip("10.9.0.9"))
    assert not pings(one, "10.7.0.2"), "each is in the other"


def test_refusals_of_gif(lab: Lab) -> None:
    one, _, _ = lab.two()
    one("netconfig_ifcreate", "gif0")
    one("netconfig_ifcreate", "gif1")

    def refused(name: str, src: object, dst: object) -> str:
        return fails(ioctl, one, const.SIOCSLIFPHYADDR, IfPhyAddr(name, src, dst))  # type: ignore[arg-type]

    here, there = SockaddrIn(ip("10.0.0.1")), SockaddrIn(ip("10.0.0.2"))
    assert refused("gif0", here, None) == refused("gif0", None, there) == "EINVAL"
    assert refused("gif0", here, SockaddrIn(bytes(4))) == "EINVAL"
    assert refused("eth0", here, there) == "EINVAL"
    ioctl(one, const.SIOCSLIFPHYADDR, IfPhyAddr("gif0", here, there))
    assert refused("gif1", here, there) == "EADDRNOTAVAIL"


def test_an_aggregate_goes_on_with_the_next_port(lab: Lab) -> None:
    one, two = lab.machine(), lab.machine()
    wires = Wire(), Wire()
    for number, machine in enumerate((one, two), 1):
        for wire in wires:
            machine.plug(wire)
        machine("netconfig_ifcreate", "lagg0")
        ioctl(machine, const.SIOCSLAGG, LaggReq("lagg0", const.LAGG_PROTO_FAILOVER, ["eth0", "eth1"]))
        machine("netconfig_ipv4_ifaddr_cidr", "lagg0", f"10.0.0.{number}", 24)
    assert pings(one, "10.0.0.2", 4000)
    assert wires[0].frames
    assert not wires[1].frames
    for machine in (one, two):
        machine("netconfig_ifdown", "eth0")
    before = len(wires[0].frames)
    assert pings(one, "10.0.0.2")
    assert len(wires[0].frames) == before
    answer = ioctl(one, const.SIOCGLAGG, LaggReq("lagg0"))
    assert (list(answer.ports), list(answer.active)) == (["eth0", "eth1"], ["eth1"])
    one("netconfig_ifdown", "eth1")
    assert not one.net.interfaces.get("lagg0").link_up
    one("netconfig_ifdestroy", "lagg0")
    assert ether(one, "eth0").lladdr != ether(one, "eth1").lladdr


def test_flows_are_spread(lab: Lab) -> None:
    one, two = lab.machine(), lab.machine()
    wires = Wire(), Wire()
    for number, machine in enumerate((one, two), 1):
        for wire in wires:
            machine.plug(wire)
        machine("netconfig_ifcreate", "lagg0")
        ioctl(machine, const.SIOCSLAGG, LaggReq("lagg0", const.LAGG_PROTO_LOADBALANCE, ["eth0", "eth1"]))
        machine("netconfig_ipv4_ifaddr_cidr", "lagg0", f"10.0.0.{number}", 24)
    assert pings(one, "10.0.0.2")
    for wire in wires:
        wire.frames.clear()
    for port in range(20):
        s = one.udp()
        for _ in range(5):
            one("sendto", s, b"x", None, SockaddrIn(ip("10.0.0.2"), 1000 + port))
    ways: dict[bytes, set[int]] = {}
    for number, wire in enumerate(wires):
        for frame in wire.frames:
            if frame[23] == 17:
                ways.setdefault(frame[34:38], set()).add(number)
    assert len(ways) == 20
    assert all(len(way) == 1 for way in ways.values()), "a flow keeps its way"
    assert {number for way in ways.values() for number in way} == {0, 1}


def test_refusals_of_lagg(lab: Lab) -> None:
    one, _, _ = lab.two()
    one("netconfig_ifcreate", "lagg0")
    one("netconfig_ifcreate", "lagg1")

    def refused(*fields: object) -> str:
        return fails(ioctl, one, const.SIOCSLAGG, LaggReq(*fields))  # type: ignore[arg-type]

    assert refused("lagg0", 7, ["eth0"]) == "EPROTONOSUPPORT"
    assert refused("lagg0", 2, ["lo0"]) == refused("lagg0", 2, ["lagg0"]) == "EINVAL"
    assert refused("lagg0", 2, ["eth9"]) == "ENXIO"
    ioctl(one, const.SIOCSLAGG, LaggReq("lagg0", 2, ["eth0"]))
    assert refused("lagg1", 2, ["eth0"]) == "EBUSY"


def _says(one: Machine, two: Machine, address: str) -> bool:
    """Whether a datagram reaches an address of the second machine, in either family."""
    six = ":" in address
    family = const.AF_INET6 if six else const.AF_INET
    addr = ipaddress.ip_address(address).packed
    name = SockaddrIn6(addr, 99) if six else SockaddrIn(addr, 99)
    server, client = two("socket", family, const.SOCK_DGRAM, 0), one("socket", family, const.SOCK_DGRAM, 0)
    two.nonblocking(server)
    two("bind", server, name)
    one("sendto", client, b"x" * 3000, None, name)
    try:
        return bool(two("recvfrom", server, 5000, None).data == b"x" * 3000)
    except KernelError:
        return False
    finally:
        two("close", server)
        one("close", client)


def test_tunnels_carry_both_families_in_both(lab: Lab) -> None:
    one, two, wire = lab.two()
    for number, machine in enumerate((one, two), 1):
        machine("netconfig_ipv6_ifaddr", "eth0", f"2001:db8::{number}", 64)
        for name, ends in (("gif0", ("10.0.0.1", "10.0.0.2")), ("gif1", ("2001:db8::1", "2001:db8::2"))):
            mine, other = ends if number == 1 else ends[::-1]
            machine("netconfig_ifcreate", name)
            ioctl(machine, const.SIOCSLIFPHYADDR, IfPhyAddr(name, _end(mine), _end(other)))
            unit = name[-1]
            machine("netconfig_ipv4_ifaddr_cidr", name, f"10.9{unit}.0.{number}", 24)
            machine("netconfig_ipv6_ifaddr", name, f"2001:db8:{unit}9::{number}", 64)
    lab.host.advance(5)  # addresses are not tentative any more
    for address in ("10.90.0.2", "10.91.0.2", "2001:db8:9::2", "2001:db8:19::2"):
        wire.frames.clear()
        assert _says(one, two, address), address
        assert wire.frames


def _end(text: str) -> SockaddrIn | SockaddrIn6:
    addr = ipaddress.ip_address(text).packed
    return SockaddrIn(addr) if len(addr) == 4 else SockaddrIn6(addr)


def test_ipv6_over_vlans(lab: Lab) -> None:
    one, two, _ = lab.two()
    for number, machine in enumerate((one, two), 1):
        vlan(machine, "vlan0", "eth0", 10)
        machine("netconfig_ipv6_ifaddr", "vlan0", f"2001:db8::{number}", 64)
    lab.host.advance(5)
    assert _says(one, two, "2001:db8::2")


@pytest.mark.parametrize("kind", ["vlan", "lagg"])
def test_bridges_over_vlans_and_aggregates(lab: Lab, kind: str) -> None:
    """What is for others comes through, since the interface below listens to all."""
    one, two, hub = (lab.machine() for _ in range(3))
    left, right = Wire(), Wire()
    one.plug(left)
    two.plug(right, "10.10.0.2/24")
    hub.plug(left)
    hub.plug(right)
    name = f"{kind}0"
    if kind == "vlan":
        vlan(one, name, "eth0", 10, "10.10.0.1")
        vlan(hub, name, "eth0", 10)
    else:
        one("netconfig_ipv4_ifaddr_cidr", "eth0", "10.10.0.1", 24)
        hub("netconfig_ifcreate", name)
        ioctl(hub, const.SIOCSLAGG, LaggReq(name, const.LAGG_PROTO_FAILOVER, ["eth0"]))
        hub("netconfig_ifup", name)
    hub("netconfig_ifcreate", "bridge0")
    hub("netconfig_ifup", "bridge0")
    for member in (name, "eth1"):
        hub("netconfig_bradd", "bridge0", member)
    assert ether(hub, "eth0").flags & const.IFF_PROMISC
    assert pings(one, "10.10.0.2", 1000)
    assert pings(two, "10.10.0.1", 1000)
    hub("netconfig_ifdestroy", name)
    assert not ether(hub, "eth0").flags & const.IFF_PROMISC
