"""Chains of routers whose links are of any width: what is sent arrives whole, in both families, run after run alike."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rumpwire import const
from rumpwire.values import SockaddrIn, SockaddrIn6, SockoptInteger
from tests.unit.net.lab import Lab, Machine, Wire
from tests.unit.net.test_inet6 import a6, inet6

mtus = st.lists(st.integers(1280, 9000), min_size=1, max_size=5)


def chain(lab: Lab, widths: list[int]) -> list[Machine]:
    """Machine n and n + 1 are on 10.0.n.0/24 and fd00:0:0:n::/64, of the n-th width. All but the ends forward."""
    machines = [lab.machine() for _ in range(len(widths) + 1)]
    for number, mtu in enumerate(widths):
        wire = Wire()
        for end, machine in ((1, machines[number]), (2, machines[number + 1])):
            machine.net.nodes["net.inet6.ip6.dad_count"].put(0)  # type: ignore[misc]
            machine.plug(wire, f"10.0.{number}.{end}/24", f"fd00:0:0:{number}::{end}/64").set_mtu(mtu)
    for number, machine in enumerate(machines):
        if 0 < number < len(widths):
            machine.inet.ip.forwarding.put(1)
            inet6(machine).ip6.forwarding.put(1)
        for net in range(len(widths)):
            if net > number:
                _route(machine, net, number, 2)
            elif net < number - 1:
                _route(machine, net, number - 1, 1)
    return machines


def _route(machine: Machine, net: int, link: int, end: int) -> None:
    """To a network beyond the neighbour that is ``end`` of a link."""
    iface = machine.net.routes.lookup(bytes([10, 0, link, end])).iface
    machine.net.routes.add(bytes([10, 0, net, 0]), 24, iface, gateway=bytes([10, 0, link, end]))
    machine.net.routes.add(a6(f"fd00:0:0:{net}::"), 64, iface, gateway=a6(f"fd00:0:0:{link}::{end}"))


@settings(max_examples=25, deadline=None)
@given(mtus, st.lists(st.integers(0, 20_000), min_size=1, max_size=3))
def test_datagrams_arrive_whole(widths: list[int], sizes: list[int]) -> None:
    lab = Lab()
    machines = chain(lab, widths)
    first, last = machines[0], machines[-1]
    net = len(widths) - 1
    servers = {
        "4": (last.udp(), first.udp(), SockaddrIn(bytes([10, 0, net, 2]), 7)),
        "6": (_udp6(last), _udp6(first), SockaddrIn6(a6(f"fd00:0:0:{net}::2"), 7)),
    }
    for family, (server, client, to) in servers.items():
        last("bind", server, SockaddrIn(bytes(4), 7) if family == "4" else SockaddrIn6(bytes(16), 7))
        for so, machine in ((server, last), (client, first)):
            machine.nonblocking(so)
            machine.option(so, const.SO_SNDBUF, 70_000)
            machine.option(so, const.SO_RCVBUF, 70_000)
        for size in sizes:
            data = bytes(i * 7 & 0xFF for i in range(size))
            _send_until(first, client, data, to, lambda s=server: bool(last.net.socket(s).rcv), len(widths))  # type: ignore[misc]
            received = last("recvfrom", server, 70_000, None)
            assert received.data == data
            last("sendto", server, data[:1000], None, received.from_addr)
            assert first("recvfrom", client, 70_000, None).data == data[:1000]
    layer, dst = first.net.layers[16], a6(f"fd00:0:0:{net}::2")
    longest = max(sizes)
    if longest > max(widths):
        assert layer.path_mtu(layer.route(dst), dst) == min(widths)
    for machine in machines:
        assert not inet6(machine).ip6.reassembly or machine is last


def _udp6(machine: Machine) -> int:
    s: int = machine("socket", const.AF_INET6, const.SOCK_DGRAM, 0)
    return s


def _send_until(machine: Machine, s: int, data: bytes, to: object, there: object, tries: int) -> None:
    """IPv6 learns one narrow link with each packet that is lost."""
    for _ in range(tries + 1):
        machine("sendto", s, data, None, to)
        if there():  # type: ignore[operator]
            return
    raise AssertionError("it did not arrive")


def test_hops_are_counted() -> None:
    machines = chain(Lab(), [1500] * 5)
    first = machines[0]
    s = first.udp()
    first("setsockopt", s, const.IPPROTO_IP, const.IP_TTL, SockoptInteger(3))
    first("connect", s, SockaddrIn(bytes([10, 0, 4, 2]), 7))
    first("write", s, b"x")
    assert first.net.socket(s).error
    expired = [m.inet.icmp.stats["output type 11"] for m in machines]
    assert expired == [0, 0, 0, 1, 0, 0]
