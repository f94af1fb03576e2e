"""Floods: however many come, tables stay as small as they are said to be, and those who were there are served on."""

from __future__ import annotations

import gc
import resource
import time
import traceback
from collections.abc import Callable

from rumpnet.core.neighbour import NEIGHBOURS_MAX
from rumpnet.core.npf.conn import CONNECTIONS_MAX
from rumpnet.core.packet import Packet
from rumpnet.core.reassembly import DATAGRAMS_MAX
from rumpnet.core.wire import dhcp
from rumpnet.ifaces.bridge import CACHE_MAX, Bridge
from tests.fuzz import net_mutation as mutation
from tests.fuzz.net_site import SERVED, STREAM, Site, name, opened, tried
from tests.unit.net.ifaces.common import pings
from tests.unit.net.kit import finished
from tests.unit.net.lab import Port
from tests.unit.net.npf_packets import SYN, internet, ip, tcp, udp
from tests.unit.net.test_dns import query

GROWTH_MAX = 8 << 20
"""Bytes of memory that a flood may take."""
STATES_MAX = 96 << 20
"""Likewise, where the table of the filter is full."""
STRANGER = b"\2\0\0\0\0\x77"
Flood = Callable[[Site, int], None]


def arrive(port: Port, packet: bytes) -> None:
    """A packet of IP, from a stranger on the wire."""
    port.receive(Packet(port.lladdr + STRANGER + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0") + packet))


def v4(number: int) -> str:
    return ".".join(map(str, number.to_bytes(4, "big")))


def some4(site: Site) -> str:
    """Of 11.0.0.0/8, which is not to be found anywhere."""
    return v4(11 << 24 | site.rng.getrandbits(24))


def some6(site: Site) -> str:
    return f"fd00::{site.rng.getrandbits(16):x}:{site.rng.getrandbits(16):x}"


def syns(site: Site, count: int) -> None:
    """Cookies are sent, and a client that means it is served."""
    router, rng, stack = site.router, site.rng, site.router.inet.tcp
    router.net.routes.add(ip("11.0.0.0"), 8, site.ports[0], gateway=ip("10.0.0.2"))
    for number in range(count):
        arrive(site.ports[0], tcp(some4(site), 1024 + number % 60000, "10.0.0.1", SERVED, SYN, rng.getrandbits(32)))
    assert len(stack.syncache.entries) <= 50, "as many as the listener's backlog"
    assert stack.stats["SYN cookies sent"] >= count - 50
    s = opened(site.client, "10.0.0.1", STREAM)
    tried(site.client, "connect", s, name("10.0.0.1", SERVED))
    tried(site.client, "write", s, b"in spite of all")
    assert stack.stats["SYN cookies received"] == 1
    while (accepted := tried(router, "accept", site.kept[2])) is not None:
        last = accepted.s
    assert bytes(finished(router("read", last, 100))) == b"in spite of all"


def pieces4(site: Site, count: int) -> None:
    for number in range(count):
        word = site.rng.choice((0x2000, 0x2000 | site.rng.randrange(0x1FFF), site.rng.randrange(0x1FFF)))
        packet = bytearray(internet(some4(site), "10.0.0.1", 17, bytes(1400), ident=number & 0xFFFF))
        packet[6:8] = word.to_bytes(2, "big")
        arrive(site.ports[0], bytes(mutation.mended(bytearray(12) + b"\x08\0" + packet)[14:]))
        if not number % 1000:
            site.check()
    assert DATAGRAMS_MAX in site.held(), site.held()


def pieces6(site: Site, count: int) -> None:
    for number in range(count):
        word = site.rng.choice((1, site.rng.randrange(0x1FFF) << 3 | 1, site.rng.randrange(0x1FFF) << 3))
        head = bytes([17, 0]) + word.to_bytes(2, "big") + number.to_bytes(4, "big")
        arrive(site.ports[0], internet(some6(site), "fd00::1", 44, head + bytes(1400)))
        if not number % 1000:
            site.check()
    assert DATAGRAMS_MAX in site.held(), site.held()


def neighbours(site: Site, count: int) -> None:
    """Many who say that they are there, and packets for many who are not."""
    router, port, rng = site.router, site.ports[0], site.rng
    router("netconfig_ipv4_ifaddr_cidr", "eth0", "10.64.0.1", 10)
    for number in range(count // 4):
        sender = ip(v4(10 << 24 | 1 << 22 | rng.getrandbits(22)))
        asked = b"\0\1\x08\0\6\4\0\1" + STRANGER + sender + bytes(6) + ip("10.64.0.1")
        port.receive(Packet(b"\xff" * 6 + STRANGER + b"\x08\x06" + asked))
        src = some6(site)
        solicit = bytearray(14) + internet(src, "fd00::1", 58, b"\x87\0\0\0" + bytes(4) + ip("fd00::1") + b"\1\1" + STRANGER, ttl=255)  # fmt: skip  # noqa: E501
        solicit[12:14] = b"\x86\xdd"
        arrive(port, bytes(mutation.mended(solicit)[14:]))
        arrive(site.ports[1], udp("192.0.2.9", 1, v4(10 << 24 | 1 << 22 | rng.getrandbits(22)), 9, bytes(1000)))
        arrive(site.ports[1], udp("fd01::9", 1, some6(site), 9, bytes(1000)))
        if not number % 1000:
            site.check()
            assert len(port.neighbours) <= NEIGHBOURS_MAX
    assert len(port.neighbours) >= min(count // 2, NEIGHBOURS_MAX // 2), len(port.neighbours)
    site.recover()


def blind(site: Site, count: int) -> None:
    """Resets, SYNs, data and errors of somebody who knows the ends of the connections and no numbers."""
    for _ in range(count):
        guarded = site.rng.choice(site.guarded)
        src, sport, dst, dport = guarded.ends
        frame = mutation.blind(site.rng, site.rng.choice((guarded.ends, (dst, dport, src, sport))))
        if site.rng.random() < 0.4:
            mutation.quote(site.rng, frame)
        arrive(site.ports[0], bytes(mutation.mended(frame)[14:]))
    heard = site.router.inet.tcp.stats
    assert heard["challenge ACKs"]
    assert heard["ICMP errors about numbers that are not under way"]


def closed(site: Site, count: int) -> None:
    """Of what goes to closed ports, senders are told a hundred times a second."""
    for number in range(count // 2):
        arrive(site.ports[0], udp("10.0.0.2", 1, "10.0.0.1", 20_000 + number % 20_000))
        arrive(site.ports[0], udp("fd00::2", 1, "fd00::1", 20_000 + number % 20_000))
    counters = site.router.net.counters
    told = counters["icmp"]["output type 3"], counters["icmp6"]["output type 1"]
    assert 50 <= min(told) <= max(told) <= 250, told


def macs(site: Site, count: int) -> None:
    """A bridge learns some of the addresses, and goes on carrying frames."""
    port = site.ports[3]
    for _ in range(count):
        port.receive(Packet(site.rng.choice((b"\xff" * 6, site.rng.randbytes(6))) + b"\2" + site.rng.randbytes(5) + b"\x88\xb5" + bytes(46)))  # fmt: skip  # noqa: E501
    switch = site.router.net.interfaces.get("bridge0")
    assert isinstance(switch, Bridge)
    assert len(switch.entries) == CACHE_MAX
    honest = site.lab.machine()
    assert port.wire is not None
    honest.plug(port.wire, "10.1.0.2/24")
    site.lab.host.advance(3)
    assert pings(honest, "10.1.0.1")


def questions(site: Site, count: int) -> None:
    """More than the forwarder has places for, and answers that nobody asked for."""
    for number in range(count):
        asked = query(f"n{site.rng.getrandbits(40)}.example", number & 0xFFFF)
        arrive(site.ports[0], udp("10.0.0.2", 1024 + number % 60_000, "10.0.0.1", 53, asked))
        arrive(site.ports[1], udp("192.0.2.9", 53, "192.0.2.1", site.rng.randrange(1024, 65536), asked[:2] + b"\x81\x80" + asked[4:]))  # fmt: skip  # noqa: E501
        if not number % 1000:
            site.check()
    assert any(what == "questions" and full == most for what, full, most in site.sizes())


def leases(site: Site, count: int) -> None:
    """More clients than a pool has addresses."""
    for _ in range(count):
        asked = dhcp.Dhcp(dhcp.REQUEST, site.rng.getrandbits(32), b"\2" + site.rng.randbytes(5), {dhcp.TYPE: bytes((site.rng.choice((1, 3, 8)),))})  # fmt: skip  # noqa: E501
        packet = udp("0.0.0.0", 68, "255.255.255.255", 67, asked.emit())
        site.ports[0].receive(Packet(b"\xff" * 6 + STRANGER + b"\x08\0" + packet))
    assert len(site.router("dhcpd_bindings", "eth0")) <= 21


def states(site: Site, count: int) -> None:
    """More connections than the filter and its translation have places for: those that are there go on."""
    for number in range(count):
        arrive(
            site.ports[0],
            udp(
                "10.0.0.3", 1024 + number % 60_000, v4((192 << 24) + 0x209 + (number & 1) * 32), 1000 + number // 60_000
            ),
        )
    kept = site.router("npf_connections")
    assert min(count, 50_000) // 2 <= len(kept) <= CONNECTIONS_MAX, len(kept)


FLOODS: dict[str, tuple[Flood, int, int]] = {
    flood.__name__: (flood, 0, GROWTH_MAX)
    for flood in (syns, pieces6, neighbours, blind, closed, macs, questions, leases)
} | {
    "pieces4": (pieces4, 2, GROWTH_MAX),
    "pieces4 through the filter": (pieces4, 0, GROWTH_MAX),
    "states": (states, 0, STATES_MAX),
}
"""By name, with the number of its site, and the memory that it may take."""


def run(which: str, count: int) -> int:
    """One flood, and the memory that it took, in bytes. AssertionError where it did harm.

    What it filled is still full when it ends, so that the memory which is resident then shows what it takes.
    """
    flood, number, most = FLOODS[which]
    site = Site(number)
    gc.collect()
    before = resident()
    flood(site, count)
    taken = max(0, resident() - before)
    site.check()
    assert taken < most, f"{which} took {taken} bytes"
    for guarded in site.guarded:
        assert guarded.carries(site.rng), f"{guarded.ends} carries no more"
    site.stop()
    return taken


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


class Campaign:
    """All floods, one after another."""

    def __init__(self) -> None:
        self.tried = self.found = 0
        self._begun = time.monotonic()

    def run(self, first: int, count: int) -> None:
        """A tenth of ``count`` in each, from the flood on that ``first`` falls into."""
        size = max(count // 10, 1000)
        for which in list(FLOODS)[first // size :]:
            begun = time.monotonic()
            try:
                taken = run(which, size)
                rate = size / (time.monotonic() - begun)
                print(f"{which}: {size} frames, {rate:.0f}/s, {taken / 2**20:.1f} MiB", flush=True)
            except Exception:  # noqa: BLE001 - any accident is a finding
                self.found += 1
                print(f"{which}: {traceback.format_exc()}", flush=True)
            self.tried += size

    def __str__(self) -> str:
        rate = self.tried / max(time.monotonic() - self._begun, 0.001)
        return f"floods: {self.tried} frames tried, {rate:.0f}/s, {self.found} findings"
