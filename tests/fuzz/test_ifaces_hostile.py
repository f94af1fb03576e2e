"""Frames of anybody into every kind of interface: nothing is raised, and nothing goes on for ever.

RUMP_SEEDS=500 tries a hundred times as many as `make test` does.
"""

from __future__ import annotations

import os
import random

import pytest

from rumpnet.core.packet import Packet
from rumpnet.ifaces.bridge import CACHE_MAX, Bridge
from rumpuser.devices.port import Offload
from rumpwire import const
from rumpwire.values import IfPhyAddr, IoctlArgsText, LaggReq, SockaddrIn, VlanReq
from tests.unit.net.ifaces.common import ioctl, ip, pings
from tests.unit.net.lab import Lab, Machine, Port, Wire

OWN = "10.0.0.1"


def crowded(lab: Lab) -> tuple[Machine, list[Port], Port]:
    """A router with a bridge, VLANs in one another, a tunnel, an aggregate, bpf; and a wire to a good neighbour."""
    machine = lab.machine()
    ports = [machine.plug(Wire()) for _ in range(3)]
    for name in ("bridge0", "vether0", "vlan0", "vlan1", "gif0", "lagg0"):
        machine("netconfig_ifcreate", name)
    machine("netconfig_ifup", "bridge0")
    for name in (ports[0].name, "vether0"):
        machine("netconfig_bradd", "bridge0", name)
    ioctl(machine, const.SIOCSETVLAN, VlanReq("vlan0", 10, ports[1].name))
    ioctl(machine, const.SIOCSETVLAN, VlanReq("vlan1", 20, "vlan0"))
    ioctl(machine, const.SIOCSLAGG, LaggReq("lagg0", const.LAGG_PROTO_LOADBALANCE, [ports[2].name]))
    ioctl(machine, const.SIOCSLIFPHYADDR, IfPhyAddr("gif0", SockaddrIn(ip(OWN)), SockaddrIn(ip("10.0.0.2"))))
    addresses = {"vether0": OWN, "vlan0": "10.0.1.1", "vlan1": "10.0.2.1", "gif0": "10.0.3.1", "lagg0": "10.0.4.1"}
    for name, address in addresses.items():
        machine("netconfig_ipv4_ifaddr_cidr", name, address, 24)
        machine("netconfig_ifup", name)
    machine.inet.ip.forwarding.put(1)
    fd = machine("bpf_open")
    machine("ioctl", fd, const.BIOCSETIF, IoctlArgsText(ports[0].name))
    neighbour, wire = lab.machine(), Wire()
    neighbour.plug(wire, "10.0.9.2/24")
    return neighbour, ports, machine.plug(wire, "10.0.9.1/24")


def frame(rng: random.Random, port: Port) -> bytes:
    """Headers that fit one another more or less, then cut, stirred or left as they are."""
    dst = rng.choice([b"\xff" * 6, port.lladdr, b"\1\0\x5e\0\0\1", rng.randbytes(6)])
    made = dst + rng.choice([b"\2\0\0\0\0" + rng.randbytes(1), port.lladdr, rng.randbytes(6)])
    for _ in range(rng.choice((0, 0, 1, 1, 2, 9))):
        made += b"\x81\0" + rng.choice([b"\0\x0a", b"\0\x14", b"\0\0", rng.randbytes(2)])
    made += rng.choice([b"\x08\0", b"\x08\x06", b"\x86\xdd", b"\0\x20", rng.randbytes(2)])
    for protocol in rng.choice(((17,), (6,), (1,), (4, 17), (4, 4, 4, 6), (41, 17))):
        src, to = rng.choice((b"\x0a\0\0\2", rng.randbytes(4))), rng.choice((b"\x0a\0\0\1", b"\x0a\0\x09\2"))
        made += bytes([rng.choice((0x45, 0x45, 0x4F, 0x65)), 0]) + rng.choice((b"\0\x40", b"\0\x14", rng.randbytes(2)))
        made += b"\0\1" + rng.choice((b"\0\0", b"\x20\0", rng.randbytes(2))) + bytes([64, protocol, 0, 0]) + src + to
    made += rng.randbytes(rng.choice((0, 3, 8, 40, 1400, 1400, 66000)))
    if rng.random() < 0.3:
        stirred = bytearray(made)
        for _ in range(rng.randrange(1, 6)):
            stirred[rng.randrange(len(stirred))] = rng.randrange(256)
        made = bytes(stirred)
    return made[: rng.randrange(len(made) + 1)] if rng.random() < 0.2 else made


@pytest.mark.parametrize("seed", range(int(os.environ.get("RUMP_SEEDS", "5"))))
def test_frames_of_anybody(seed: int) -> None:
    rng = random.Random(seed)
    lab = Lab(seed)
    neighbour, ports, _ = crowded(lab)
    for _ in range(400):
        port = rng.choice(ports)
        packet = Packet(frame(rng, port))
        offload = Offload(
            rng.choice((0, 32, 1448, 65415, 65535)), rng.randrange(120), rng.choice((0, 6, 16)), rng.random() < 0.5
        )
        if offload.fits(packet.length):
            packet.gso_size, packet.csum_start, packet.csum_offset, packet.csum_valid = offload
        port.receive(packet)
    lab.host.advance(60)
    assert pings(neighbour, "10.0.9.1"), "the kernel is well"
    bridge = ports[0].net.interfaces.get("bridge0")
    assert isinstance(bridge, Bridge)
    assert len(bridge.entries) <= CACHE_MAX
