"""Short forms of what ``python -m tests.fuzz frames floods`` does at length; and what a stack takes when idle."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from rumpnet.core.packet import Packet
from tests.fuzz.net_campaign import BATCH, Campaign
from tests.fuzz.net_floods import FLOODS, run
from tests.fuzz.net_site import Site
from tests.unit.net.lab import Lab, Wire
from tests.unit.net.npf_packets import internet

IDLE_MAX = 1 << 20
"""Bytes that an idle stack with an interface may take."""


@pytest.mark.parametrize("which", FLOODS)
def test_flood(which: str) -> None:
    run(which, 2000)


def test_mutated_frames(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a plain router, one that bridges, and one that filters and translates."""
    campaign = Campaign()
    campaign.run(0, 4 * BATCH)
    assert not campaign.found, capsys.readouterr().out


def test_an_idle_stack_is_small() -> None:
    lab, wire = Lab(), Wire()
    lab.machine().plug(wire, "10.0.0.1/24", "fd00::1/64")  # what is shared is there now
    gc.collect()
    tracemalloc.start()
    machines = []
    for number in range(2, 10):
        machines.append(lab.machine())
        machines[-1].plug(wire, f"10.0.0.{number}/24", f"fd00::{number}/64")
    wire.frames.clear()
    lab.host.advance(5)
    wire.frames.clear()
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] / len(machines)
    tracemalloc.stop()
    assert taken <= IDLE_MAX


@pytest.mark.parametrize("version", [4, 6])
def test_what_cannot_be_cut_is_not_cut_for_ever(version: int) -> None:
    """A peer in memory says that a packet is to be cut, whose headers nobody can take apart."""
    site = Site(1)
    if version == 4:
        packet = internet("10.0.0.2", "192.0.2.9", 99, bytes(1480), ttl=64)
    else:
        packet = internet("fd00::2", "fd01::9", 60, b"\x11\0\1\4\0\0\0\0" + bytes(1600))
    frame = Packet(site.ports[0].lladdr + bytes(6) + (b"\x86\xdd" if version == 6 else b"\x08\0") + packet + bytes(800))
    frame.gso_size, frame.csum_start, frame.csum_offset = 32, 74, 6
    site.ports[1].set_mtu(1280)
    site.ports[0].receive(frame)
    assert site.router.net.interfaces.get("eth0").ipackets
