"""Kernels on a wire: ARP, the Ethernet filter, what happens when nobody answers."""

from __future__ import annotations

import pytest

from rumpnet.core.neighbour import WAITING_MAX, State
from rumpnet.core.wire import arp, ethernet, icmp, ipv4
from rumpwire import const
from rumpwire.values import SockaddrIn
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Wire

ONE, TWO = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])


@pytest.fixture
def lab() -> Lab:
    return Lab(linklocal=False)


def ping(machine: Machine, dst: bytes, size: int = 56, ident: int = 1) -> int:
    """Sends an echo request; the socket for the answer."""
    s: int = machine("socket", const.AF_INET, const.SOCK_RAW, 1)
    machine.nonblocking(s)
    machine("sendto", s, icmp.Icmp(icmp.ECHO, 0, ident << 16, bytes(size)).emit(), None, SockaddrIn(dst))
    return s


def answer(machine: Machine, s: int) -> icmp.Icmp:
    return icmp.Packet(ipv4.Packet(machine("recvfrom", s, 70_000, None).data).payload).parse()


@pytest.mark.parametrize("size", [0, 56, 1472, 1473, 9000, 65507])
def test_ping(lab: Lab, size: int) -> None:
    one, _, wire = lab.two()
    s = ping(one, TWO, size)
    assert answer(one, s) == icmp.Icmp(icmp.ECHO_REPLY, 0, 1 << 16, bytes(size))
    assert max(map(len, wire.frames)) <= 1514
    kinds = [ethernet.Packet(frame).type for frame in wire.frames]
    assert kinds.count(arp.ETHERTYPE) == 2 + 2


def test_who_does_not_answer_is_down(lab: Lab) -> None:
    one, _, wire = lab.two()
    s = one.udp()
    nobody = SockaddrIn(bytes([10, 0, 0, 9]), 7)
    wire.frames.clear()
    for _ in range(WAITING_MAX * 2):
        one("sendto", s, b"x", None, nobody)
    lab.host.advance(10)
    assert len(wire.frames) == 5
    assert fails(one, "sendto", s, b"x", None, nobody) == "EHOSTDOWN"
    lab.host.advance(20)
    one("sendto", s, b"x", None, nobody)


def test_entries_expire(lab: Lab) -> None:
    one, _, _ = lab.two()
    port = one.net.interfaces.by_name["eth0"]
    one.inet.arp.keep.put(5)
    answer(one, ping(one, TWO))
    (entry,) = port.neighbours
    assert (entry.addr, entry.state, len(entry.lladdr)) == (TWO, State.REACHABLE, 6)
    lab.host.advance(4)
    assert len(port.neighbours) == 1
    lab.host.advance(2)
    assert len(port.neighbours) == 0


def test_frames_for_others_are_not_taken(lab: Lab) -> None:
    _, two, wire = lab.two()
    port = two.net.interfaces.by_name["eth0"]
    before = two.inet.ip.stats["total packets received"]
    for dst in (b"\2\0\0\0\0\1", b"\1\0\x5e\0\0\x37"):
        wire.inject(ethernet.Ethernet(dst, b"\2\0\0\0\0\2", 0x0800).emit() + bytes(46))
    for cut in range(14):
        wire.inject(port.lladdr[:cut] + bytes(max(0, cut - 6)))
    assert two.inet.ip.stats["total packets received"] == before
    assert port.ierrors


def test_two_runs_are_alike() -> None:
    def run() -> list[bytes]:
        lab = Lab(seed=5)
        one, _, wire = lab.two()
        for size in (0, 100, 3000):
            ping(one, TWO, size)
        return wire.frames

    assert run() == run()


def test_a_router_between_wires(lab: Lab) -> None:
    one, router, two = lab.machine(), lab.machine(), lab.machine()
    left, right = Wire(), Wire()
    one.plug(left, "10.0.0.1/24")
    router.plug(left, "10.0.0.254/24")
    router.plug(right, "10.0.1.254/24")
    two.plug(right, "10.0.1.2/24")
    router.inet.ip.forwarding.put(1)
    one.net.routes.add(bytes(4), 0, one.net.interfaces.by_name["eth0"], gateway=bytes([10, 0, 0, 254]))
    two.net.routes.add(bytes(4), 0, two.net.interfaces.by_name["eth0"], gateway=bytes([10, 0, 1, 254]))
    assert answer(one, ping(one, bytes([10, 0, 1, 2]), 4000)).type == icmp.ECHO_REPLY
