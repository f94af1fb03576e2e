"""Links that are made worse: the figures are as they were set, and a seed repeats them."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest

from rumpnet.core.packet import Packet
from rumpnet.ifaces.impair import Impair
from rumpuser.host import ManualHost
from rumpwire.errno import KernelError
from rumpwire.values import Impairment, ImpairmentStat, SockaddrIn
from tests.unit.net.ifaces.common import ip, pings
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab

MS = 10**6


class Line:
    """An impaired link, and when what arrived at its end."""

    def __init__(self, **settings: Any) -> None:
        self.host = ManualHost()
        self.got: list[tuple[int, bytes]] = []
        self.link = Impair(self.host, Impairment(**settings), self._arrived)
        self.begun = self.host.now_ns

    def _arrived(self, frame: Packet) -> None:
        self.got.append((self.host.now_ns - self.begun, bytes(frame.view())))

    def send(self, count: int, size: int = 100, every_s: float = 0.001) -> list[int]:
        """Numbered frames; the numbers in the order in which they came."""
        for number in range(count):
            self.link(Packet(number.to_bytes(4, "big") + bytes(size - 4)))
            self.host.advance(every_s)
        self.host.advance(100)
        return [int.from_bytes(data[:4], "big") for _, data in self.got]


def test_delay_and_jitter_keep_the_order() -> None:
    line = Line(delay_ns=20 * MS, jitter_ns=5 * MS, seed=3)
    assert line.send(1000) == list(range(1000))
    delays = [(at - number * MS) / MS for number, (at, _) in enumerate(line.got)]
    assert 15 <= min(delays) < 17
    assert 23 < max(delays) <= 25.1
    assert len(set(delays)) > 100


def test_loss() -> None:
    line = Line(loss_ppm=100_000, seed=1)
    got = line.send(20_000, every_s=0)
    assert 0.09 < 1 - len(got) / 20_000 < 0.11
    assert line.link.stat() == ImpairmentStat(line.link.settings, len(got), 20_000 - len(got))
    assert Line(loss_ppm=10**6).send(10) == []


def test_bursts_of_loss() -> None:
    line = Line(loss_ppm=100_000, burst=8, seed=1)
    got = line.send(50_000, every_s=0)
    assert 0.08 < 1 - len(got) / 50_000 < 0.12
    gaps = [b - a - 1 for a, b in itertools.pairwise(got) if b - a > 1]
    assert 6.5 < sum(gaps) / len(gaps) < 9.5


def test_copies_damage_and_overtaking() -> None:
    line = Line(duplicate_ppm=50_000, seed=2)
    got = line.send(2000, every_s=0)
    assert 60 < len(got) - len(set(got)) < 140
    line = Line(corrupt_ppm=100_000, seed=2)
    line.send(1000, every_s=0)
    bad = sum(sum(map(int.bit_count, data)) != number.bit_count() for number, (_, data) in enumerate(line.got))
    assert bad == line.link.corrupted
    assert 70 < bad < 130
    line = Line(delay_ns=10 * MS, reorder_ppm=250_000, seed=2)
    got = line.send(1000)
    assert sorted(got) == list(range(1000))
    assert got != sorted(got)
    assert 200 < line.link.reordered < 300


def test_rate_and_queue() -> None:
    line = Line(rate_bps=8_000_000, limit=10)  # a megabyte a second
    line.send(5, size=1000, every_s=0)
    assert [at / MS for at, _ in line.got] == [1, 2, 3, 4, 5]
    line = Line(rate_bps=8_000_000, limit=10)
    assert line.send(50, size=1000, every_s=0) == list(range(10))
    assert line.link.dropped == 40
    line = Line(rate_bps=8_000_000, limit=10)
    assert len(line.send(2000, size=1000, every_s=0.0005)) == pytest.approx(1010, abs=5), "half of it fits"


def test_a_seed_repeats_all() -> None:
    def run(seed: int) -> list[tuple[int, bytes]]:
        line = Line(
            delay_ns=MS, jitter_ns=MS, loss_ppm=50_000, burst=3, duplicate_ppm=50_000, corrupt_ppm=50_000,
            reorder_ppm=50_000, rate_bps=10**7, seed=seed,
        )  # fmt: skip
        line.send(500)
        return line.got

    assert run(7) == run(7) != run(8)


def test_settings_that_cannot_be() -> None:
    for settings in ({"loss_ppm": 10**6 + 1}, {"jitter_ns": 1}, {"delay_ns": 10**14}, {"burst": 10**7}):
        with pytest.raises(KernelError) as caught:
            Line(**settings)
        assert caught.value.name == "EINVAL"


def test_on_an_interface_while_it_runs() -> None:
    lab = Lab()
    one, two, _ = lab.two()
    assert pings(one, "10.0.0.2")
    one("netconfig_ifimpair", "eth0", Impairment(delay_ns=30 * MS))
    assert not pings(one, "10.0.0.2")
    receiver, sender = two.udp(), one.udp()
    two.nonblocking(receiver)
    two("bind", receiver, SockaddrIn(ip("10.0.0.2"), 9))
    one("sendto", sender, b"late", None, SockaddrIn(ip("10.0.0.2"), 9))
    lab.host.advance(0.029)
    assert fails(two, "recvfrom", receiver, 9, None) == "EAGAIN"
    lab.host.advance(0.002)
    assert two("recvfrom", receiver, 9, None).data == b"late"
    assert one("netconfig_ifimpairstat", "eth0").passed == 2
    one("netconfig_ifimpair", "eth0", None)
    assert pings(one, "10.0.0.2", 3000)
    assert fails(one, "netconfig_ifimpairstat", "eth0") == "ENOENT"
    assert fails(one, "netconfig_ifimpair", "lo0", Impairment()) == "EINVAL"
    assert fails(one.user, "netconfig_ifimpair", "eth0", None) == "EPERM"


def test_damage_is_found_by_checksums() -> None:
    lab = Lab()
    one, two, _ = lab.two()
    assert pings(one, "10.0.0.2")
    one("netconfig_ifimpair", "eth0", Impairment(corrupt_ppm=10**6))
    receiver, sender = two.udp(), one.udp()
    two.nonblocking(receiver)
    two("bind", receiver, SockaddrIn(ip("10.0.0.2"), 9))
    for _ in range(200):
        one("sendto", sender, b"\x55" * 500, None, SockaddrIn(ip("10.0.0.2"), 9))
        with contextlib.suppress(KernelError):
            assert two("recvfrom", receiver, 600, None).data == b"\x55" * 500, "only the link header was hit"
