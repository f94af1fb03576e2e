"""What net writes down for its successor, and what it forgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rumpclients import _npf_conf
from rumpuser.host import ManualHost
from rumpuser.pending import start
from rumpuser.records import RecordFile
from rumpwire import const
from rumpwire.values import NpfConfig, Rtmsg, SockaddrIn, WgPeer, WgReq
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


def test_keys_of_tunnels_are_not_written_down(killed: Killed, tmp_path: Path) -> None:
    n, key = killed.net, bytes(range(32))
    n("netconfig_ifcreate", "wg0")
    s = n("socket", const.AF_INET, const.SOCK_DGRAM, 0)
    peer = WgPeer("other", bytes(range(1, 33)), key)
    for req in (
        WgReq("wg0", const.WG_IOCTL_SET_PRIVATE_KEY, key),
        WgReq("wg0", const.WG_IOCTL_ADD_PEER, peers=[peer]),
    ):
        n("ioctl", s, const.SIOCSDRVSPEC, req)
    again = killed.again()
    assert "wg0" in again.component.net.interfaces.by_name
    assert key[:16] not in (tmp_path / "net.records").read_bytes()
