"""Tunnels of WireGuard between whole kernels on one wire."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from rumpnet.core.wg.crypto import public_key
from rumpnet.ifaces.wg import Wg
from rumpuser import handover
from rumpwire import const
from rumpwire.errno import KernelError
from rumpwire.values import SockaddrIn, SockaddrIn6, SockaddrUn, WgAllowedIp, WgPeer, WgReq
from tests.unit.net.ifaces.common import ioctl, ip, pings
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine
from tests.unit.net.test_replacement import Site

KEYS = b"\1" * 32, b"\2" * 32
PORT = 51820
Ends = tuple[Machine, Machine]


def asks(machine: Machine, com: int, *args: Any, **fields: Any) -> Any:
    return ioctl(machine, com, WgReq("wg0", *args, **fields))


def tunnel(one: Machine, two: Machine, ends: tuple[Any, Any], inner: tuple[str, str], length: int = 24) -> None:
    """wg0 in both kernels, the second of which has to be found by the first."""
    for number, machine in enumerate((one, two)):
        machine("netconfig_ifcreate", "wg0")
        asks(machine, const.SIOCSDRVSPEC, const.WG_IOCTL_SET_PRIVATE_KEY, KEYS[number])
        asks(machine, const.SIOCSDRVSPEC, const.WG_IOCTL_SET_LISTEN_PORT, listen_port=PORT)
        other = inner[1 - number]
        allowed = (
            WgAllowedIp(ip(other), 32)
            if ":" not in other
            else WgAllowedIp(bytes.fromhex("fd07" + 13 * "00" + f"0{2 - number}"), 128)
        )
        peer = WgPeer("other", public_key(KEYS[1 - number]), b"", ends[1 - number] if not number else None, [allowed])
        asks(machine, const.SIOCSDRVSPEC, const.WG_IOCTL_ADD_PEER, peers=[peer])
        call = "netconfig_ipv6_ifaddr" if ":" in inner[0] else "netconfig_ipv4_ifaddr_cidr"
        machine(call, "wg0", inner[number], length)
        machine("netconfig_ifup", "wg0")


V4 = SockaddrIn(ip("10.0.0.1"), PORT), SockaddrIn(ip("10.0.0.2"), PORT)
INNER = "192.168.7.1", "192.168.7.2"


@pytest.fixture
def ends() -> Ends:
    one, two, _ = Lab().two()
    tunnel(one, two, V4, INNER)
    return one, two


def test_pings_both_ways(ends: Ends) -> None:
    one, two = ends
    assert fails(lambda: one("netconfig_ifcreate", "wg0")) == "EEXIST"
    assert not pings(two, INNER[0]), "nobody has told it where the other end is"
    assert pings(one, INNER[1])
    assert pings(two, INNER[0])
    assert pings(one, INNER[1], 1392)
    assert pings(one, INNER[1], 4000), "in fragments"
    shown = asks(two, const.SIOCGDRVSPEC, const.WG_IOCTL_GET)
    [peer] = shown.peers
    assert (shown.listen_port, shown.private_key) == (PORT, KEYS[1])
    assert (peer.endpoint, peer.allowed_ips) == (V4[0], [WgAllowedIp(ip(INNER[0]), 32)])
    assert peer.last_handshake_sec
    assert peer.rx_bytes > 4000 < peer.tx_bytes


def test_over_ipv6() -> None:
    lab = Lab()
    one, two, _ = lab.two()
    for number, machine in enumerate((one, two), 1):
        machine("netconfig_ipv6_ifaddr", "eth0", f"fd00::{number}", 64)
    lab.host.advance(3)
    outer = [SockaddrIn6(bytes.fromhex("fd00" + 13 * "00" + f"0{n}"), PORT) for n in (1, 2)]
    tunnel(one, two, (outer[0], outer[1]), INNER)
    assert pings(one, INNER[1])
    assert pings(two, INNER[0])


def test_a_stream_through_it(ends: Ends) -> None:
    one, two = ends
    server, client = (m("socket", const.AF_INET, const.SOCK_STREAM, 0) for m in (two, one))
    two("bind", server, SockaddrIn(ip(INNER[1]), 80))
    two("listen", server, 5)
    for machine, s in ((one, client), (two, server)):
        machine.nonblocking(s)
    try:
        one("connect", client, SockaddrIn(ip(INNER[1]), 80))
    except KernelError:
        one.host.advance(1)
    peer = two("accept", server).s
    two.nonblocking(peer)
    data = bytes(range(256)) * 200
    sent, got = 0, b""
    while len(got) < len(data):
        with contextlib.suppress(KernelError):
            sent += one("write", client, data[sent:]) if sent < len(data) else 0
        one.host.advance(0.1)
        got += bytes(two("read", peer, 1 << 20))
    assert got == data


def test_what_cannot_be(ends: Ends) -> None:
    one, _ = ends
    s = one("socket", const.AF_INET, const.SOCK_DGRAM, 0)
    one("bind", s, SockaddrIn(bytes(4), 9999))
    key = public_key(b"\3" * 32)

    def set_(command: int, **fields: Any) -> str:
        return fails(lambda: asks(one, const.SIOCSDRVSPEC, command, **fields))

    add, get = const.WG_IOCTL_ADD_PEER, const.WG_IOCTL_GET
    assert set_(const.WG_IOCTL_SET_LISTEN_PORT, listen_port=9999) == "EADDRINUSE"
    assert set_(const.WG_IOCTL_SET_PRIVATE_KEY, private_key=b"short") == "EINVAL"
    assert set_(add, peers=[WgPeer("other", key)]) == "EEXIST"
    assert set_(add, peers=[WgPeer("more", b"short")]) == "EINVAL"
    assert set_(add, peers=[WgPeer("more", key, allowed_ips=[WgAllowedIp(bytes(4), 33)])]) == "EINVAL"
    assert set_(add, peers=[WgPeer("more", key, endpoint=SockaddrUn(b"/x"))]) == "EAFNOSUPPORT"
    assert set_(add) == "EINVAL"
    assert set_(get) == "EINVAL"
    assert set_(const.WG_IOCTL_DELETE_PEER, peers=[WgPeer("nobody")]) == "ENOENT"
    asks(one, const.SIOCSDRVSPEC, const.WG_IOCTL_DELETE_PEER, peers=[WgPeer("other")])
    assert not pings(one, INNER[1])


def test_a_way_to_the_peer_that_leads_through_the_tunnel(ends: Ends) -> None:
    one, _ = ends
    inside = WgPeer("inside", public_key(b"\3" * 32), endpoint=SockaddrIn(ip("192.168.7.9"), PORT),
                    allowed_ips=[WgAllowedIp(ip("192.168.7.9"), 32)])  # fmt: skip
    asks(one, const.SIOCSDRVSPEC, const.WG_IOCTL_ADD_PEER, peers=[inside])
    assert not pings(one, "192.168.7.9")
    assert one.net.interfaces.by_name["wg0"].oerrors


def test_down_it_has_no_port_and_no_sessions(ends: Ends) -> None:
    one, two = ends
    assert pings(one, INNER[1])
    two("netconfig_ifdown", "wg0")
    assert not pings(one, INNER[1])
    s = two("socket", const.AF_INET, const.SOCK_DGRAM, 0)
    two("bind", s, SockaddrIn(bytes(4), PORT))
    assert fails(lambda: two("netconfig_ifup", "wg0")) == "EADDRINUSE"
    two("close", s)
    two("netconfig_ifup", "wg0")
    one.host.advance(20)
    assert pings(two, INNER[0]) or (one.host.advance(6) is None and pings(one, INNER[1]))
    two("netconfig_ifdown", "wg0")
    two("netconfig_ifdestroy", "wg0")


def test_a_tunnel_goes_on_at_a_successor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "_ours", {*handover.OURS, "tests"})
    site = Site()
    tunnel(site.one, site.two, V4, INNER)
    assert pings(site.one, INNER[1])
    site.one.replace()
    wg0 = site.one.net.interfaces.by_name["wg0"]
    assert isinstance(wg0, Wg)
    [peer] = wg0.device.peers.values()
    before = peer.current
    assert pings(site.one, INNER[1])
    assert pings(site.two, INNER[0])
    assert peer.current is before is not None, "with the same session"
    site.lab.host.advance(130)
    assert pings(site.one, INNER[1])
    assert peer.current is not before, "and its timers"
