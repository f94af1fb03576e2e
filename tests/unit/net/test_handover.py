"""A stack is replaced by another process's: sockets and connections go on as if nothing had been."""

from __future__ import annotations

import random
from typing import Any

import pytest

from rumpnet.core import handover
from rumpuser import handover as generic
from rumpuser.host import ManualHost
from rumpuser.pending import Channel
from rumpuser.readiness import SelectChannel, Selinfo
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import SockaddrIn, SockaddrIn6, SockoptInteger
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab, Machine, Port, Wire

HERE, THERE = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
HERE6 = bytes.fromhex("fd000000000000000000000000000001")


class Site:
    """10.0.0.1, which is replaced, and 10.0.0.2."""

    def __init__(self, seed: int = 1) -> None:
        self.lab = Lab(seed)
        self.wire = Wire()
        self.one = self.new()
        self.two = self.lab.machine()
        self.two.plug(self.wire, "10.0.0.2/24", "fd00::2/64")
        self.lab.host.advance(3)

    def new(self) -> Machine:
        machine = self.lab.machine()
        machine.plug(self.wire, "10.0.0.1/24", "fd00::1/64")
        return machine

    def replace(self, *, after: float = 0.0) -> None:
        """The successor has the same interfaces and addresses, as records say; the sockets come over."""
        state = handover.give(self.one.net)
        gone = next(port for port in self.wire.ports if port.net is self.one.net)
        lladdr = gone.lladdr
        self.wire.ports.remove(gone)
        gone.wire = None
        self.lab.host.advance(after)
        self.one = self.lab.machine()
        self.one("netconfig_ifcreate", "eth0")
        port = self.one.net.interfaces.by_name["eth0"]
        assert isinstance(port, Port)
        port.lladdr = lladdr
        port.plug(self.wire)
        self.one("netconfig_ifup", "eth0")
        self.one("netconfig_ipv4_ifaddr_cidr", "eth0", "10.0.0.1", 24)
        self.one("netconfig_ipv6_ifaddr", "eth0", "fd00::1", 64)
        handover.take(self.one.net, state)


@pytest.fixture
def site() -> Site:
    return Site()


def socket(machine: Machine, kind: int = const.SOCK_STREAM, family: int = const.AF_INET) -> int:
    s: int = machine("socket", family, kind | const.SOCK_NONBLOCK, 0)
    return s


def listening(machine: Machine, port: int) -> int:
    s = socket(machine)
    machine("bind", s, SockaddrIn(bytes(4), port))
    machine("listen", s, 5)
    return s


def connected(site: Site) -> tuple[int, int, int]:
    """The listener of one, its end of a connection, and two's."""
    listener, client = listening(site.one, 80), socket(site.two)
    _try(site.two, "connect", client, SockaddrIn(HERE, 80))
    site.lab.host.advance(1)
    return listener, site.one("accept", listener).s, client


def test_a_connection_goes_on(site: Site) -> None:
    listener, server, client = connected(site)
    site.two("sendto", client, b"before", 0, None)
    site.replace()
    assert bytes(site.one("recvfrom", server, 100, 0).data) == b"before"
    site.one("sendto", server, b"answer", 0, None)
    assert bytes(site.two("recvfrom", client, 100, 0).data) == b"answer"
    again = socket(site.two)
    _try(site.two, "connect", again, SockaddrIn(HERE, 80))
    site.lab.host.advance(1)
    assert site.one("accept", listener).name.sin_addr == THERE
    site.two("close", client)
    assert bytes(site.one("recvfrom", server, 100, 0).data) == b""
    site.one("close", server)
    site.lab.host.advance(300)
    assert len(site.one.net.domains[const.AF_INET].tcp.connections) == 1  # type: ignore[attr-defined]


def test_what_the_kernel_itself_serves_begins_anew(site: Site) -> None:
    """The forwarder of DNS has connections that are no program's."""
    site.one("dns_forward", [THERE])
    client = socket(site.two)
    _try(site.two, "connect", client, SockaddrIn(HERE, 53))
    site.lab.host.advance(1)
    site.two("write", client, b"\0")
    site.replace()
    site.one("dns_forward", [THERE])
    site.two("write", client, b"\x0c")
    site.lab.host.advance(1)
    assert fails(site.two, "read", client, 10) == "ECONNRESET"
    again = socket(site.two)
    _try(site.two, "connect", again, SockaddrIn(HERE, 53))
    site.lab.host.advance(1)
    site.two("write", again, b"\0\1x")
    assert bytes(site.two("read", again, 10)) == b"", "it was read, and was nonsense"


@pytest.mark.parametrize("seed", range(6))
def test_every_byte_arrives_whenever_it_is_replaced(seed: int) -> None:
    """Both ways at once, with losses, replaced again and again at odd moments, also for longer than a timeout."""
    chosen, site = random.Random(seed), Site(seed)
    _, server, client = connected(site)
    site.wire.lose = lambda frame: chosen.random() < 0.03
    data = {name: chosen.randbytes(400_000) for name in ("up", "down")}
    sent, got = dict.fromkeys(data, 0), {name: bytearray() for name in data}
    for turn in range(20_000):
        for name, source, s, sink, r in (
            ("up", site.two, client, site.one, server), ("down", site.one, server, site.two, client)
        ):  # fmt: skip
            rest = memoryview(data[name])[sent[name] : sent[name] + 20_000]
            sent[name] += (_try(source, "sendto", s, rest, 0, None) or 0) if rest else 0
            part = _try(sink, "recvfrom", r, 30_000, 0)
            got[name] += part.data if part else b""
        if all(len(got[name]) == len(data[name]) for name in data):
            break
        site.lab.host.advance(chosen.choice((0.0005, 0.01, 0.2)))
        if turn % 40 == 20:
            site.replace(after=chosen.choice((0.0, 0.05, 2.5)))
    assert {name: bytes(value) for name, value in got.items()} == data


def _try(machine: Machine, name: str, *args: object) -> Any:
    try:
        return machine(name, *args)
    except KernelError as error:
        if error.errno not in (Errno.EAGAIN, Errno.EINPROGRESS):
            raise
        return None


def test_sockets_of_other_kinds(site: Site) -> None:
    plain, bound6 = socket(site.one, const.SOCK_DGRAM), socket(site.one, const.SOCK_DGRAM, const.AF_INET6)
    site.one("bind", plain, SockaddrIn(bytes(4), 53))
    site.one("setsockopt", plain, const.SOL_SOCKET, const.SO_RCVBUF, SockoptInteger(12345))
    site.one("bind", bound6, SockaddrIn6(HERE6, 99))
    pair = site.one("socketpair", const.AF_LOCAL, const.SOCK_STREAM | const.SOCK_NONBLOCK, 0)
    site.one("sendto", pair.s1, b"kept", 0, None)
    asker = socket(site.two, const.SOCK_DGRAM)
    site.two("sendto", asker, b"early", 0, SockaddrIn(HERE, 53))
    site.replace()
    site.two("sendto", asker, b"late", 0, SockaddrIn(HERE, 53))
    got = [site.one("recvfrom", plain, 100, 0) for _ in range(2)]
    assert [bytes(g.data) for g in got] == [b"early", b"late"]
    assert site.one("getsockopt", plain, const.SOL_SOCKET, const.SO_RCVBUF).integer == 12345
    assert site.one("getsockname", bound6).sin6_port == 99
    assert fails(site.one, "bind", socket(site.one, const.SOCK_DGRAM), SockaddrIn(bytes(4), 53)) == "EADDRINUSE"
    assert bytes(site.one("recvfrom", pair.s2, 100, 0).data) == b"kept"
    site.one("sendto", pair.s2, b"and back", 0, None)
    assert bytes(site.one("recvfrom", pair.s1, 100, 0).data) == b"and back"


def test_handles_are_not_given_out_again(site: Site) -> None:
    first = socket(site.one)
    site.replace()
    assert socket(site.one) > first
    site.one("close", first)


def test_a_half_open_connection_and_one_that_waits(site: Site) -> None:
    listener, server, client = connected(site)
    site.one("close", server)
    site.two("close", client)  # TIME_WAIT is at one, which closed first
    late = socket(site.two)
    site.wire.lose = lambda frame: frame[12:14] == b"\x08\0" and frame[30:34] == THERE  # SYN|ACK does not arrive
    _try(site.two, "connect", late, SockaddrIn(HERE, 80))
    site.replace()
    site.wire.lose = lambda frame: False
    site.lab.host.advance(4)
    assert site.one("accept", listener).name.sin_addr == THERE
    tcp = site.one.net.domains[const.AF_INET].tcp  # type: ignore[attr-defined]
    assert len(tcp.connections) == 2
    site.lab.host.advance(130)
    assert len(tcp.connections) == 1, "the one that waited is gone in its time"


def test_nobody_takes_his_waiters_along() -> None:
    host, other = ManualHost(), ManualHost()
    info = Selinfo()
    channel = SelectChannel(host, info, 1)
    channel.wait()
    info.listen("key", print)
    data = generic.dump([channel, info, Channel(host), memoryview(b"view")], {"host": host})
    got, its, plain, view = generic.load(data, {"host": other})
    assert (bool(got), bool(its), bool(plain), view) == (False, False, False, b"view")
    assert got._selinfo is its
    assert got._timers is other


@pytest.mark.parametrize("data", [b"", b"x", b"\x80\x05.", b"cos\nsystem\n(S'true'\ntR.", b"cbuiltins\neval\n."])
def test_rubbish(data: bytes) -> None:
    with pytest.raises(KernelError) as caught:
        generic.load(data, {})
    assert caught.value.errno == Errno.EFTYPE


def test_what_cannot_go_over() -> None:
    with pytest.raises(KernelError) as caught:
        generic.dump(lambda: None, {})
    assert caught.value.errno == Errno.EOPNOTSUPP
    with pytest.raises(KernelError) as caught:
        generic.load(generic.dump(Errno.EIO, {"x": Errno.EIO}), {})
    assert caught.value.errno == Errno.EFTYPE
