"""How ephemeral ports are chosen, and other nodes of IP that act."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from rumpnet.core.portalgo import BITMAP, PortAlgorithms, Wanted
from rumpnet.core.reassembly import Reassembly
from rumpnet.core.wire import Malformed, arp, ethernet, icmp6
from rumpuser.host import ManualHost
from rumpwire import const
from rumpwire.values import SockaddrIn, SysctlValueInteger, SysctlValueRaw, SysctlValueText
from tests.unit.net.kit import Kit, fails
from tests.unit.net.lab import Lab, Machine, Wire

ALL = ("bsd", "random_start", "random_pick", "hash", "doublehash", "randinc")
ONE, TWO = Wanted(50000, 40, b"a", b"b", 1), Wanted(50000, 40, b"a", b"c", 1)


@pytest.fixture
def algorithms() -> PortAlgorithms:
    return PortAlgorithms(ManualHost(seed=3))


@pytest.mark.parametrize("name", ALL)
def test_all_ports_are_tried(algorithms: PortAlgorithms, name: str) -> None:
    algorithms.selected = name
    for port in (50003, 50039):
        reserve = bytearray(algorithms.reserve)
        reserve[port // 8] |= 1 << port % 8
        algorithms.reserve = bytes(reserve)
    found = list(algorithms.ports(ONE))
    wanted = set(range(50000, 50040)) - {50003, 50039}
    assert set(found) == wanted if name != "randinc" else set(found) >= wanted


def test_bsd_goes_down(algorithms: PortAlgorithms) -> None:
    algorithms.selected = "bsd"
    assert [next(algorithms.ports(ONE)) for _ in range(3)] == [50039, 50038, 50037]


def test_hashes_go_up_from_a_place_of_each_end(algorithms: PortAlgorithms) -> None:
    def steps(name: str) -> set[int]:
        algorithms.selected = name
        found = []
        for _ in range(5):
            found.append(next(algorithms.ports(ONE)))
            next(algorithms.ports(TWO))
        return {(after - before) % 40 for before, after in pairwise(found)}

    assert steps("hash") == {2}  # the other end moved it too
    assert steps("doublehash") == {1}


def test_random_ones_differ(algorithms: PortAlgorithms) -> None:
    for name in ("random_start", "random_pick", "randinc"):
        algorithms.selected = name
        assert len({next(algorithms.ports(ONE)) for _ in range(10)}) > 3


@pytest.fixture
def n() -> Kit:
    return Kit()


def test_the_algorithm_is_selected_for_all_protocols(n: Kit) -> None:
    path = "net.inet.ip.anonportalgo."
    assert n("sysctl_value", path + "available", None) == SysctlValueText(" ".join(ALL))
    assert n("sysctl_value", path + "selected", SysctlValueText("bsd")) == SysctlValueText("random_start")
    assert n("sysctl_value", "net.inet6.ip6.anonportalgo.selected", None) == SysctlValueText("bsd")
    assert fails(n, "sysctl_value", path + "selected", SysctlValueText("x")) == "EINVAL"
    reserve = bytearray(BITMAP)
    reserve[65535 // 8] |= 1 << 65535 % 8
    n("sysctl_value", path + "reserve", SysctlValueRaw(bytes(reserve)))
    assert fails(n, "sysctl_value", path + "reserve", SysctlValueRaw(b"short")) == "EINVAL"
    ports = []
    for _ in range(2):
        s = n.udp()
        n("bind", s, SockaddrIn(bytes(4), 0))
        ports.append(n("getsockname", s).sin_port)
    assert ports == [65534, 65533]


def test_fragments_are_bounded() -> None:
    def piece(ident: int, offset: int) -> Any:
        return SimpleNamespace(key=ident, offset=offset, payload=memoryview(bytes(8)), more=True, header_len=40)

    reassembly = Reassembly(ManualHost())
    reassembly.most_pieces = 3
    for ident in range(3):
        reassembly.add(piece(ident, 0))
    reassembly.add(piece(2, 8))
    assert (len(reassembly), reassembly.expired) == (2, 1)
    reassembly.most_pieces = 0
    with pytest.raises(Malformed):
        reassembly.add(piece(9, 0))
    assert len(reassembly) == 0


def arp_from(machine: Machine, wire: Wire, sender: bytes, lladdr: bytes) -> None:
    port = next(iter(machine.net.interfaces.by_name[name] for name in machine.net.interfaces.by_name if name != "lo0"))
    target = port.ipv4()[0].addr
    message = arp.Arp(arp.REQUEST, lladdr, sender, bytes(6), target).emit()
    wire.inject(ethernet.HEADER.pack(ethernet.BROADCAST, lladdr, 0x0806) + message)


def test_arp_logs_what_it_is_asked_to(caplog: pytest.LogCaptureFixture) -> None:
    lab = Lab()
    one, _, wire = lab.two()
    network = next(a for i in one.net.interfaces.by_name.values() if i.name != "lo0" for a in i.ipv4()).addr[:3]
    host, first, second = network + bytes([77]), bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2])

    def logged(sender: bytes, lladdr: bytes) -> str:
        caplog.clear()
        arp_from(one, wire, sender, lladdr)
        return caplog.text

    assert not logged(host, first) + logged(host, second) + logged(bytes([192, 0, 2, 1]), first)
    for name in ("movements", "unknown_network"):
        one("sysctl_value", f"net.inet.arp.log_{name}", SysctlValueInteger(1))
    assert "moves from" in logged(host, first)
    assert "unknown network" in logged(bytes([192, 0, 2, 1]), first)


def test_neighbour_discovery_logs_what_it_ignores(caplog: pytest.LogCaptureFixture) -> None:
    n = Lab().machine()
    domain = n.net.domain(const.AF_INET6)
    lo0 = n.net.interfaces.by_name["lo0"]
    header: Any = SimpleNamespace(src=bytes(15) + b"\1", hop_limit=1)
    message: Any = SimpleNamespace(type=icmp6.ROUTER_ADVERT, code=0, payload=b"")
    layer = domain.icmp6  # type: ignore[attr-defined]
    for knob in (0, 1):
        n("sysctl_value", "net.inet6.icmp6.nd6_debug", SysctlValueInteger(knob))
        with pytest.raises(Malformed):
            layer._handle(layer.handlers[icmp6.ROUTER_ADVERT], lo0, header, message)
        assert ("type 134 from ::1 is ignored" in caplog.text) == bool(knob)


def test_send_buffers_grow_by_an_increment() -> None:
    n = Lab().machine()
    n("sysctl_value", "net.inet.tcp.sendbuf_inc", SysctlValueInteger(1000))
    so: Any = n.net.socket(n("socket", const.AF_INET, const.SOCK_STREAM, 0))
    before = so.snd_hiwat
    c = SimpleNamespace(opt=SimpleNamespace(snd_fixed=False), cwnd=1 << 20, snd_wnd=1 << 20)
    so._tune_send(c)
    assert so.snd_hiwat == before + 1000


def test_redirects_make_so_many_routes() -> None:
    n = Lab().machine()
    n.plug(Wire(), "10.0.0.1/24")
    router, better = bytes([10, 0, 0, 8]), bytes([10, 0, 0, 9])
    n("netconfig_ipv4_gw", "10.0.0.8")

    def made(limit: int) -> bool:
        n("sysctl_value", "net.inet6.ip6.maxdynroutes", SysctlValueInteger(limit))
        n.net.routes.redirect(bytes([192, 0, 2, limit]), better, router, 1 << 40)
        return n.net.routes.dynamic > 0

    assert not made(0)
    assert made(1)
