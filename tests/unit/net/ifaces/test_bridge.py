"""Bridges: learning, limits, protection, and loops."""

from __future__ import annotations

from typing import Any

import pytest

from rumpnet.ifaces.bridge import BLOCK_NS, CACHE_MAX, Bridge
from rumpwire import const
from rumpwire.values import BridgeReq
from tests.unit.net.ifaces.common import ether, ioctl, pings
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Wire

OTHER = b"\x02\0\0\0\0\x63"


class Bridged:
    """Two hosts on two wires, and a machine that bridges them."""

    def __init__(self) -> None:
        self.lab = Lab(linklocal=False)
        self.left, self.right = Wire(), Wire()
        self.one, self.two, self.hub = (self.lab.machine() for _ in range(3))
        self.one.plug(self.left, "10.0.0.1/24")
        self.two.plug(self.right, "10.0.0.2/24")
        self.hub.plug(self.left)
        self.hub.plug(self.right)
        self.hub("netconfig_ifcreate", "bridge0")
        self.hub("netconfig_ifup", "bridge0")
        for name in ("eth0", "eth1"):
            self.hub("netconfig_bradd", "bridge0", name)

    @property
    def bridge(self) -> Bridge:
        bridge = self.hub.net.interfaces.get("bridge0")
        assert isinstance(bridge, Bridge)
        return bridge

    def set(self, cmd: int, **fields: Any) -> Any:
        return ioctl(self.hub, const.SIOCSDRVSPEC, BridgeReq("bridge0", cmd)._replace(**fields))

    def get(self, cmd: int, **fields: Any) -> Any:
        return ioctl(self.hub, const.SIOCGDRVSPEC, BridgeReq("bridge0", cmd)._replace(**fields))

    def learn(self, count: int) -> None:
        for number in range(count):
            src = b"\x02\x01\0\0" + number.to_bytes(2, "big")
            self.left.inject(OTHER + src + b"\x08\0" + bytes(46))


@pytest.fixture
def b() -> Bridged:
    return Bridged()


def test_what_is_learned_goes_one_way_only(b: Bridged) -> None:
    assert pings(b.one, "10.0.0.2", 3000)
    rows = {row.addr: row.ifname for row in b.get(const.BRDGRTS).addrs}
    assert rows == {ether(b.one, "eth0").lladdr: "eth0", ether(b.two, "eth0").lladdr: "eth1"}
    before = len(b.right.frames)
    b.left.inject(ether(b.one, "eth0").lladdr + OTHER + b"\x08\0" + bytes(46))
    assert len(b.right.frames) == before, "its receiver is on the side that it came from"
    b.left.inject(b"\x02\0\0\0\0\x64" + OTHER + b"\x08\0" + bytes(46))
    assert len(b.right.frames) == before + 1, "nobody knows where this one is"


def test_the_stack_of_the_bridge_uses_all_members(b: Bridged) -> None:
    b.hub("netconfig_ipv4_ifaddr_cidr", "eth0", "10.0.0.3", 24)
    assert pings(b.one, "10.0.0.3")
    assert pings(b.hub, "10.0.0.2"), "sent through eth0, it leaves through eth1"
    assert pings(b.two, "10.0.0.3")


def test_a_vether_gives_the_bridge_an_address(b: Bridged) -> None:
    b.hub("netconfig_ifcreate", "vether0")
    b.hub("netconfig_ipv4_ifaddr_cidr", "vether0", "10.0.0.4", 24)
    b.hub("netconfig_bradd", "bridge0", "vether0")
    for machine, address in ((b.one, "10.0.0.4"), (b.hub, "10.0.0.1"), (b.hub, "10.0.0.2"), (b.two, "10.0.0.4")):
        assert pings(machine, address, 2000)


def test_entries_time_out_and_are_flushed(b: Bridged) -> None:
    assert b.get(const.BRDGGTO).value == 1200
    b.set(const.BRDGSTO, value=10)
    pings(b.one, "10.0.0.2")
    b.lab.host.advance(9)
    assert len(b.get(const.BRDGRTS).addrs) == 2
    b.lab.host.advance(2)
    assert b.get(const.BRDGRTS).addrs == []
    b.set(const.BRDGSADDR, addr=OTHER, member="eth1", flags=const.IFBAF_STATIC)
    pings(b.one, "10.0.0.2")
    b.set(const.BRDGFLUSH, flags=const.IFBF_FLUSHDYN)
    assert [(row.addr, row.ifname, row.flags) for row in b.get(const.BRDGRTS).addrs] == [(OTHER, "eth1", 1)]
    b.lab.host.advance(5000)
    assert len(b.get(const.BRDGRTS).addrs) == 1
    b.set(const.BRDGFLUSH, flags=const.IFBF_FLUSHALL)
    assert b.get(const.BRDGRTS).addrs == []


def test_a_limit_of_addresses(b: Bridged) -> None:
    assert b.get(const.BRDGGCACHE).value == CACHE_MAX == 100
    b.learn(150)
    assert len(b.bridge.entries) == 100
    b.set(const.BRDGSCACHE, value=10)
    assert len(b.bridge.entries) == 10
    b.set(const.BRDGFLUSH)
    for number in range(1024):
        b.set(
            const.BRDGSADDR, addr=b"\2\2\0\0" + number.to_bytes(2, "big"), member="eth0", flags=const.IFBAF_STATIC
        )  # fmt: skip
    assert len(b.get(const.BRDGRTS).addrs) == 1024, "static ones are not counted"
    b.set(const.BRDGDADDR, addr=b"\2\2\0\0\0\0")
    assert len(b.bridge.entries) == 1023


def test_members_that_are_protected_do_not_reach_one_another(b: Bridged) -> None:
    for name in ("eth0", "eth1"):
        flags = b.get(const.BRDGGIFFLGS, member=name).flags
        b.set(const.BRDGSIFFLGS, member=name, flags=flags | const.IFBIF_PROTECTED)
    b.hub("netconfig_ipv4_ifaddr_cidr", "eth0", "10.0.0.3", 24)
    assert not pings(b.one, "10.0.0.2")
    assert pings(b.one, "10.0.0.3")


def test_a_member_leaves_with_what_was_learned_of_it(b: Bridged) -> None:
    pings(b.one, "10.0.0.2")
    b.hub("netconfig_brdel", "bridge0", "eth1")
    assert {row.ifname for row in b.get(const.BRDGRTS).addrs} == {"eth0"}
    assert not pings(b.one, "10.0.0.2")
    b.hub("netconfig_bradd", "bridge0", "eth1")
    assert pings(b.one, "10.0.0.2")
    b.hub("netconfig_ifdestroy", "eth1")
    assert [row.ifname for row in b.get(const.BRDGGIFS).members] == ["eth0"]
    b.hub("netconfig_ifdestroy", "bridge0")
    assert ether(b.hub, "eth0").upper is None
    assert not ether(b.hub, "eth0").flags & const.IFF_PROMISC


def test_refusals(b: Bridged) -> None:
    hub = b.hub
    assert fails(hub, "netconfig_bradd", "bridge0", "eth0") == "EEXIST"
    assert fails(hub, "netconfig_bradd", "bridge0", "lo0") == "EINVAL"
    assert fails(hub, "netconfig_bradd", "bridge0", "eth7") == "ENXIO"
    assert fails(hub, "netconfig_bradd", "eth0", "eth1") == "EINVAL"
    assert fails(hub, "netconfig_brdel", "bridge0", "lo0") == "ENOENT"
    assert fails(hub.user, "netconfig_bradd", "bridge0", "eth0") == "EPERM"
    hub("netconfig_ifcreate", "bridge1")
    assert fails(hub, "netconfig_bradd", "bridge1", "eth0") == "EBUSY"
    assert fails(b.set, const.BRDGSCACHE) == "EINVAL"
    assert fails(b.set, 99) == fails(b.get, 99) == "EINVAL"
    assert fails(lambda: b.set(const.BRDGSADDR, addr=b"\1" * 6, member="eth0")) == "EINVAL"
    assert fails(lambda: b.set(const.BRDGSIFFLGS, member="eth0", flags=const.IFBIF_STP)) == "EINVAL"
    assert fails(lambda: b.set(const.BRDGDADDR, addr=OTHER)) == "ENOENT"


def second_bridge(b: Bridged) -> Machine:
    """Closes a loop."""
    other = b.lab.machine()
    other.plug(b.left)
    other.plug(b.right)
    other("netconfig_ifcreate", "bridge0")
    other("netconfig_ifup", "bridge0")
    for name in ("eth0", "eth1"):
        other("netconfig_bradd", "bridge0", name)
    return other


def test_a_loop_is_cut_and_the_log_tells(b: Bridged, caplog: pytest.LogCaptureFixture) -> None:
    other = second_bridge(b)
    b.left.inject(b"\xff" * 6 + OTHER + b"\x08\0" + bytes(46))
    assert len(b.left.frames) + len(b.right.frames) < 2000, "the storm ends"
    assert any("is left out for 10 s" in record.message for record in caplog.records)
    blocked = [
        row for m in (b.hub, other)
        for row in ioctl(m, const.SIOCGDRVSPEC, BridgeReq("bridge0", const.BRDGGIFS)).members if row.blocked
    ]  # fmt: skip
    assert blocked
    before = len(b.left.frames)
    other("netconfig_ifdestroy", "bridge0")
    b.lab.host.advance(BLOCK_NS // 10**9 + 1)
    b.left.inject(b"\xff" * 6 + OTHER + b"\x08\0" + bytes(46))
    assert len(b.left.frames) == before + 1
    assert pings(b.one, "10.0.0.2")


def test_one_wire_on_two_members(b: Bridged) -> None:
    b.hub("netconfig_ipv4_ifaddr_cidr", "eth0", "10.0.0.3", 24)
    b.hub("netconfig_bradd", "bridge0", b.hub.plug(b.left).name)
    for _ in range(50):
        pings(b.one, "10.0.0.2")
    assert len(b.left.frames) + len(b.right.frames) < 3000
    assert any(row.blocked for row in b.get(const.BRDGGIFS).members)
