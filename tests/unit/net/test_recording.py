"""What net writes down for its successor, and what it forgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rumpclients import _npf_conf
from rumpnet.core.zone import without_zone, zone_of
from rumpuser.host import ManualHost
from rumpuser.pending import start
from rumpuser.records import RecordFile
from rumpwire import const
from rumpwire.values import (
    Ifaliasreq,
    Ifreq,
    NpfAddress,
    NpfConfig,
    Rtmsg,
    SockaddrDl,
    SockaddrIn,
    SockaddrIn6,
    WgAllowedIp,
    WgPeer,
    WgReq,
)
from tests.unit.net.kit import Kit, finished

GROUP = 'group default {\n ruleset "blocks"\n pass all\n}'


class Killed:
    """net, whose successors take over what it has written down."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self.net = self._begin()

    def _begin(self) -> Kit:
        host = ManualHost(seed=7)
        self._records = host.records = RecordFile(self._path)
        return Kit(host=host)

    def again(self) -> Kit:
        self._records.close()
        self.net = self._begin()
        finished(start(self.net.component.start()))
        return self.net


@pytest.fixture
def killed(tmp_path: Path) -> Killed:
    return Killed(tmp_path / "net.records")


def make(n: Kit, name: str, net: int) -> None:
    n("netconfig_ifcreate", name)
    n("netconfig_ipv4_ifaddr_cidr", name, f"10.{net}.0.1", 24)
    n("netconfig_ipv6_ifaddr", name, f"fd00:{net}::1", 64)


def routes(n: Kit) -> set[tuple[bytes, str]]:
    """Those by a gateway: their destination and interface."""
    flags = const.RTF_GATEWAY | const.RTF_STATIC
    return {(r.dst, r.iface.name) for r in n.component.net.routes if r.flags & flags == flags}


def by_hand(n: Kit) -> list[tuple[Any, ...]]:
    """All there is to the routes that were made by hand. Numbers of interfaces may be others afterwards."""
    found = [route for route in n.component.net.routes if route.flags & const.RTF_STATIC]
    assert all(zone_of(route.gateway) in (0, route.iface.index) for route in found)
    return [
        (r.dst, r.prefixlen, without_zone(r.gateway) if r.gateway else b"", r.iface.name, r.flags, r.mtu, r.expires_ns)
        for r in found
    ]


def route(n: Kit, kind: int, dst: bytes, gateway: bytes) -> None:
    s = n("socket", const.AF_ROUTE, const.SOCK_RAW, 0)
    n("route_send", s, Rtmsg(kind, dst=SockaddrIn(dst), prefixlen=24, gateway=SockaddrIn(gateway)))
    n("close", s)


def test_routes_come_back(killed: Killed) -> None:
    n = killed.net
    make(n, "lo1", 60)
    n("netconfig_ipv4_gw", "10.60.0.9")
    n("netconfig_ipv6_gw", "fd00:60::9")
    route(n, const.RTM_ADD, bytes([10, 70, 0, 0]), bytes([10, 60, 0, 8]))
    assert len(routes(n)) == 3
    assert routes(killed.again()) == routes(n)


def test_routes_are_forgotten_with_their_interface(killed: Killed) -> None:
    n = killed.net
    make(n, "lo1", 60)
    make(n, "lo2", 61)
    n("netconfig_ipv4_gw", "10.60.0.9")
    n("netconfig_ipv6_gw", "fd00:60::9")
    route(n, const.RTM_ADD, bytes([10, 70, 0, 0]), bytes([10, 60, 0, 8]))
    route(n, const.RTM_ADD, bytes([10, 71, 0, 0]), bytes([10, 61, 0, 8]))
    n("netconfig_ifdestroy", "lo1")
    make(n, "lo1", 60)
    left = {(bytes([10, 71, 0, 0]), "lo2")}
    assert routes(n) == left
    assert routes(killed.again()) == left
    assert routes(killed.again()) == left


def test_the_successor_forgets_them_too(killed: Killed) -> None:
    make(killed.net, "lo1", 60)
    killed.net("netconfig_ipv4_gw", "10.60.0.9")
    n = killed.again()
    assert routes(n) == {(bytes(4), "lo1")}
    n("netconfig_ifdestroy", "lo1")
    make(n, "lo1", 60)
    assert routes(killed.again()) == set()


def loaded(n: Kit) -> tuple[NpfConfig, bool]:
    config, active = n("npf_config_get")
    return config, active


def test_only_the_last_load_of_npf_counts(killed: Killed) -> None:
    n = killed.net
    n("npf_load", _npf_conf.parse(GROUP))
    n("npf_rule_add", "blocks", _npf_conf.parse_rule("block in from 10.9.0.0/16"))
    n("npf_switch", True)
    n("npf_load", _npf_conf.parse(GROUP))
    n("npf_rule_add", "blocks", _npf_conf.parse_rule("block in from 10.8.0.0/16"))
    before: Any = loaded(n)
    assert loaded(killed.again()) == before


def test_a_flush_of_npf_counts_as_a_load(killed: Killed) -> None:
    n = killed.net
    n("npf_load", _npf_conf.parse(GROUP))
    n("npf_rule_add", "blocks", _npf_conf.parse_rule("block in from 10.9.0.0/16"))
    n("npf_flush")
    before: Any = loaded(n)
    n = killed.again()
    assert loaded(n) == before
    n("npf_load", _npf_conf.parse(GROUP))
    before = loaded(n)
    assert loaded(killed.again()) == before


def shown(n: Kit) -> WgReq:
    """wg0 as it is."""
    s = n("socket", const.AF_INET, const.SOCK_DGRAM, 0)
    found: WgReq = n("ioctl", s, const.SIOCGDRVSPEC, WgReq("wg0", const.WG_IOCTL_GET)).data
    n("close", s)
    return found


def tell(n: Kit, command: int, *args: Any, **fields: Any) -> None:
    """Changes wg0."""
    s = n("socket", const.AF_INET, const.SOCK_DGRAM, 0)
    n("ioctl", s, const.SIOCSDRVSPEC, WgReq("wg0", command, *args, **fields))
    n("close", s)


KEY, PSK = bytes(range(32)), bytes(range(64, 96))
WHERE = SockaddrIn(bytes([10, 0, 0, 9]), 51820)


def test_keys_and_peers_of_tunnels_come_back(killed: Killed) -> None:
    n = killed.net
    n("netconfig_ifcreate", "wg0")
    tell(n, const.WG_IOCTL_SET_PRIVATE_KEY, KEY[::-1])
    tell(n, const.WG_IOCTL_SET_PRIVATE_KEY, KEY)
    tell(n, const.WG_IOCTL_SET_LISTEN_PORT, listen_port=51820)
    for number, name in enumerate(("one", "two", "three"), 1):
        allowed = [WgAllowedIp(bytes([10, 0, number, 0]), 24)]
        peer = WgPeer(name, bytes(range(number, number + 32)), PSK, WHERE, allowed, persistent_keepalive=25)
        tell(n, const.WG_IOCTL_ADD_PEER, peers=[peer])
    tell(n, const.WG_IOCTL_DELETE_PEER, peers=[WgPeer("two")])
    n("netconfig_ifup", "wg0")
    before = shown(n)
    assert [peer.name for peer in before.peers] == ["one", "three"]
    assert shown(killed.again()) == before
    assert shown(killed.again()) == before


def test_a_peer_that_was_deleted_stays_away(killed: Killed) -> None:
    """Its key is somebody else's by now, so the journal's calls would not all pass."""
    n, key = killed.net, bytes(range(1, 33))
    n("netconfig_ifcreate", "wg0")
    tell(n, const.WG_IOCTL_ADD_PEER, peers=[WgPeer("one", key)])
    tell(n, const.WG_IOCTL_DELETE_PEER, peers=[WgPeer("one")])
    tell(n, const.WG_IOCTL_ADD_PEER, peers=[WgPeer("other", key)])
    tell(n, const.WG_IOCTL_DELETE_PEER, peers=[WgPeer("other")])
    tell(n, const.WG_IOCTL_ADD_PEER, peers=[WgPeer("one", key)])
    assert [peer.name for peer in shown(killed.again()).peers] == ["one"]


def test_nobody_else_reads_the_keys_of_tunnels(killed: Killed, tmp_path: Path) -> None:
    n, file = killed.net, tmp_path / "net.records"
    n("netconfig_ifcreate", "wg0")
    tell(n, const.WG_IOCTL_SET_PRIVATE_KEY, KEY)
    tell(n, const.WG_IOCTL_ADD_PEER, peers=[WgPeer("one", bytes(range(1, 33)), PSK)])
    assert KEY in file.read_bytes()
    assert file.stat().st_mode & 0o7777 == 0o600
    s, ask = n.user("socket", const.AF_INET, const.SOCK_DGRAM, 0), WgReq("wg0", const.WG_IOCTL_GET)
    seen = n.user("ioctl", s, const.SIOCGDRVSPEC, ask).data
    assert not seen.private_key
    assert not seen.peers[0].preshared_key
    tell(n, const.WG_IOCTL_SET_PRIVATE_KEY, KEY[::-1])
    tell(n, const.WG_IOCTL_DELETE_PEER, peers=[WgPeer("one")])
    assert KEY not in file.read_bytes(), "what is replaced is wiped"
    assert PSK not in file.read_bytes()
    n("netconfig_ifdestroy", "wg0")
    assert KEY[::-1] not in file.read_bytes()


def test_a_route_comes_back_as_it_was_changed(killed: Killed) -> None:
    n, dst = killed.net, bytes([10, 70, 0, 0])
    make(n, "lo1", 60)
    make(n, "lo2", 61)
    route(n, const.RTM_ADD, dst, bytes([10, 60, 0, 8]))
    route(n, const.RTM_CHANGE, dst, bytes([10, 61, 0, 8]))
    assert routes(n) == {(dst, "lo2")}
    n("netconfig_ifdestroy", "lo1")
    assert routes(killed.again()) == {(dst, "lo2")}


def test_the_last_one_of_a_route_counts(killed: Killed) -> None:
    """It was changed, deleted, and added again: the change must not be made to what was added."""
    n, dst = killed.net, bytes([10, 70, 0, 0])
    make(n, "lo1", 60)
    for kind, hop in ((const.RTM_ADD, 7), (const.RTM_CHANGE, 8), (const.RTM_DELETE, 8), (const.RTM_ADD, 7)):
        route(n, kind, dst, bytes([10, 60, 0, hop]))
    [found] = [r for r in killed.again().component.net.routes if r.dst == dst]
    assert found.gateway == bytes([10, 60, 0, 7])


def test_a_route_that_was_deleted_stays_away(killed: Killed) -> None:
    """Its network is one that came after it, so it could not be added before, nor deleted."""
    n = killed.net
    make(n, "lo1", 60)
    route(n, const.RTM_ADD, bytes([10, 70, 0, 0]), bytes([10, 60, 0, 8]))
    n("netconfig_ipv4_gw", "10.60.0.9")
    route(n, const.RTM_DELETE, bytes([10, 70, 0, 0]), bytes([10, 60, 0, 8]))
    s = n("socket", const.AF_ROUTE, const.SOCK_RAW, 0)
    n("route_send", s, Rtmsg(const.RTM_DELETE, dst=SockaddrIn(bytes(4)), prefixlen=0))
    n("netconfig_ifaddrdel", "lo1", "10.60.0.1")
    n("netconfig_ipv4_ifaddr_cidr", "lo1", "10.60.0.1", 24)
    assert routes(n) == set() == routes(killed.again())


def test_routes_that_expire_and_those_of_links_come_back_right(killed: Killed) -> None:
    n, link = killed.net, bytes.fromhex("fe80" + "00" * 13 + "09")
    n("netconfig_ifcreate", "lo1")
    make(n, "vether0", 60)
    n("netconfig_ifdestroy", "lo1")  # so numbers of interfaces are others afterwards
    n("netconfig_ifup", "vether0")
    s = n("socket", const.AF_ROUTE, const.SOCK_RAW, 0)
    index = n.component.net.interfaces.by_name["vether0"].index
    n("route_send", s, Rtmsg(const.RTM_ADD, dst=SockaddrIn6(bytes.fromhex("fd99" + "00" * 14)), prefixlen=64,
                             gateway=SockaddrIn6(link, 0, 0, index)))  # fmt: skip
    n("route_send", s, Rtmsg(const.RTM_ADD, dst=SockaddrIn(bytes([10, 80, 0, 0])), prefixlen=24, rmx_mtu=1300,
                             gateway=SockaddrIn(bytes([10, 60, 0, 8])), rmx_expire=100))  # fmt: skip
    n("route_send", s, Rtmsg(const.RTM_ADD, const.RTF_REJECT, dst=SockaddrIn(bytes([10, 81, 0, 0])), prefixlen=24))
    before = by_hand(n)
    assert len(before) == 3
    assert by_hand(killed.again()) == before == by_hand(killed.again())
    killed.net.host.advance(200)
    assert len(by_hand(killed.again())) == 2


def test_a_connected_route_that_was_deleted_stays_away(killed: Killed) -> None:
    n, net = killed.net, bytes([10, 60, 0, 0])
    make(n, "lo1", 60)
    route(n, const.RTM_DELETE, net, bytes(4))
    assert killed.again().component.net.routes.find(net, 24) is None
    n = killed.again()
    assert n.component.net.routes.find(net, 24) is None
    n("netconfig_ifaddrdel", "lo1", "10.60.0.1")
    n("netconfig_ipv4_ifaddr_cidr", "lo1", "10.60.0.1", 24)
    assert killed.again().component.net.routes.find(net, 24) is not None


def test_rules_of_npf_that_are_alike_come_back_with_their_numbers(killed: Killed) -> None:
    n, rule = killed.net, _npf_conf.parse_rule("block in from 10.9.0.0/16")
    n("npf_load", _npf_conf.parse(GROUP))
    given = [n("npf_rule_add", "blocks", rule) for _ in range(3)]
    n("npf_rule_remove", "blocks", given[1])
    before: Any = loaded(n)
    n = killed.again()
    assert loaded(n) == before
    n("npf_rule_remove", "blocks", given[2])
    assert n("npf_rule_add", "blocks", rule) > given[0]
    before = loaded(n)
    assert loaded(killed.again()) == before


def test_tables_of_npf_come_back_as_they_were_left(killed: Killed) -> None:
    n = killed.net
    n("npf_load", _npf_conf.parse("table <t> type lpm\n" + GROUP))
    one, two = (NpfAddress(bytes([10, 9, number, 0]), 24) for number in range(2))
    for command, entry in (("add", one), ("remove", one), ("add", one), ("add", two), ("remove", two)):
        n("npf_table", "t", command, entry)
    assert killed.again()("npf_table", "t", "list", None) == [one]
    killed.net("npf_table", "t", "flush", None)
    killed.net("npf_table", "t", "add", two)
    assert killed.again()("npf_table", "t", "list", None) == [two]


def test_an_interface_that_is_down_stays_down(killed: Killed) -> None:
    n = killed.net
    make(n, "lo1", 60)
    s = n("socket", const.AF_INET, const.SOCK_DGRAM, 0)
    n("netconfig_ifup", "lo1")
    n("ioctl", s, const.SIOCSIFFLAGS, Ifreq("lo1", ifr_value=0))
    n("ioctl", s, const.SIOCSIFMTU, Ifreq("lo1", ifr_value=1400))
    n("ioctl", s, const.SIOCSIFMTU, Ifreq("lo1", ifr_value=1300))
    lo1 = killed.again().component.net.interfaces.by_name["lo1"]
    assert (lo1.up, lo1.mtu) == (False, 1300)
    killed.net("netconfig_ifup", "lo1")
    assert killed.again().component.net.interfaces.by_name["lo1"].up


def test_an_address_that_was_deleted_stays_away(killed: Killed) -> None:
    n = killed.net
    make(n, "lo1", 60)
    s = n("socket", const.AF_INET, const.SOCK_DGRAM, 0)
    addr = SockaddrIn(bytes([10, 61, 0, 1]))
    n("ioctl", s, const.SIOCAIFADDR, Ifaliasreq("lo1", addr, 24))
    n("netconfig_ifaddrdel", "lo1", "10.61.0.1")
    n("ioctl", s, const.SIOCDIFADDR, Ifreq("lo1", SockaddrIn(bytes([10, 60, 0, 1]))))
    n("netconfig_ifaddrdel", "lo0", "127.0.0.1")
    for _ in range(2):
        interfaces = killed.again().component.net.interfaces.by_name
        assert not [a for a in interfaces["lo1"].addresses if len(a.addr) == 4]
        assert not [a for a in interfaces["lo0"].addresses if len(a.addr) == 4]


def test_a_neighbour_that_was_deleted_stays_away(killed: Killed) -> None:
    n = killed.net
    n("netconfig_ifcreate", "vether0")
    n("netconfig_ipv4_ifaddr_cidr", "vether0", "10.60.0.1", 24)
    s = n("socket", const.AF_ROUTE, const.SOCK_RAW, 0)
    for kind, last in ((const.RTM_ADD, 2), (const.RTM_ADD, 3), (const.RTM_DELETE, 2)):
        n("route_send", s, Rtmsg(kind, const.RTF_LLDATA, dst=SockaddrIn(bytes([10, 60, 0, last])), prefixlen=32,
                                 gateway=SockaddrDl(sdl_addr=b"\2\0\0\0\0\1")))  # fmt: skip
    n("netconfig_ipv4_ifaddr_cidr", "vether0", "10.60.0.1", 24)
    left = killed.again()("route_dump", const.AF_INET, const.NET_RT_FLAGS, const.RTF_LLDATA)
    assert [message.dst for message in left] == [SockaddrIn(bytes([10, 60, 0, 3]))]
