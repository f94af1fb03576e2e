"""Whole networks in one process, in virtual time: they work, and a seed repeats them to the byte."""

from __future__ import annotations

import os

from rumpnet.core.wire import icmp, ipv4
from rumpuser.hostfiles import SystemFiles
from rumpwire import const
from rumpwire.errno import KernelError
from rumpwire.values import Impairment, SockaddrIn, SockoptInteger
from tests.unit.net.ifaces.common import ip
from tests.unit.net.lab import Lab, Machine, Wire

MS = 10**6
BAD = (10, 5) if "RUMP_LAB" in os.environ else (3, 4)
"""Routers, and hosts behind each, of the network that is to be the same twice: all there are in `make labs`."""


class MemoryFile:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, offset: int, data: bytes) -> int:
        self.data[offset : offset + len(data)] = data
        return len(data)

    def close(self) -> None: ...


class Files(SystemFiles):
    """New files, kept in memory."""

    def __init__(self) -> None:
        self.made: dict[bytes, MemoryFile] = {}

    def create(self, path: bytes) -> MemoryFile:  # type: ignore[override]
        self.made[path] = MemoryFile()
        return self.made[path]


class Network:
    """Routers on a backbone 10.255.0.0/16, each with hosts in 10.<n>.0.0/24."""

    def __init__(self, routers: int, hosts: int, seed: int = 1) -> None:
        self.lab = Lab(seed)
        self.lab.host.files = self.files = Files()
        self.backbone = Wire()
        self.hosts: dict[str, Machine] = {}
        self.routers = [self._router(number, hosts) for number in range(1, routers + 1)]
        for number, router in enumerate(self.routers, 1):
            for other in range(1, routers + 1):
                if other != number:
                    backbone = router.net.interfaces.by_name["eth0"]
                    router.net.routes.add(ip(f"10.{other}.0.0"), 24, backbone, gateway=ip(f"10.255.0.{other}"))

    def _router(self, number: int, hosts: int) -> Machine:
        router, wire = self.lab.machine(), Wire()
        router.plug(self.backbone, f"10.255.0.{number}/16")
        router.plug(wire, f"10.{number}.0.254/24")
        router.inet.ip.forwarding.put(1)
        for host in range(1, hosts + 1):
            machine = self.lab.machine()
            iface = machine.plug(wire, f"10.{number}.0.{host}/24")
            machine.net.routes.add(bytes(4), 0, iface, gateway=ip(f"10.{number}.0.254"))
            self.hosts[f"10.{number}.0.{host}"] = machine
        return router

    def all_ping_all(self, patience_s: float = 0) -> int:
        """How many echoes come back, when each host asks each other, and waits as long for all of them."""
        raw = {address: self._socket(machine) for address, machine in self.hosts.items()}
        for source, machine in self.hosts.items():
            for number, target in enumerate(self.hosts):
                if target != source:
                    request = icmp.Icmp(icmp.ECHO, 0, number, b"lab").emit()
                    machine("sendto", raw[source], request, None, SockaddrIn(ip(target)))
                    self.lab.host.advance(0.001 if patience_s else 0)
        self.lab.host.advance(patience_s)
        return sum(self._answers(machine, raw[address]) for address, machine in self.hosts.items())

    def _socket(self, machine: Machine) -> int:
        s: int = machine("socket", const.AF_INET, const.SOCK_RAW, 1)
        machine("setsockopt", s, const.SOL_SOCKET, const.SO_RCVBUF, SockoptInteger(200_000))
        return machine.nonblocking(s)

    def _answers(self, machine: Machine, s: int) -> int:
        count = 0
        while True:
            try:
                data = machine("recvfrom", s, 1000, None).data
            except KernelError:
                return count
            count += icmp.Packet(ipv4.Packet(data).payload).parse().type == icmp.ECHO_REPLY


def test_fifty_hosts_and_ten_routers_reach_one_another() -> None:
    network = Network(10, 5)
    assert network.all_ping_all() == 50 * 49


def _captures(seed: int) -> tuple[int, dict[bytes, bytes]]:
    """A network whose backbone is bad, and what its routers saw."""
    network = Network(*BAD, seed)
    for number, router in enumerate(network.routers):
        router("netconfig_ifcapture", "eth0", b"/router%d" % number, None)
        bad = Impairment(
            delay_ns=20 * MS, jitter_ns=10 * MS, loss_ppm=50_000, duplicate_ppm=20_000, reorder_ppm=50_000,
            rate_bps=10_000_000, seed=seed * 10 + number,
        )  # fmt: skip
        router("netconfig_ifimpair", "eth0", bad)
    answers = network.all_ping_all(5)
    for router in network.routers:
        router("netconfig_ifcapture", "eth0", b"", None)
    return answers, {path: bytes(file.data) for path, file in network.files.made.items()}


def test_a_seed_repeats_a_bad_network_to_the_byte() -> None:
    answers, files = _captures(7)
    assert (answers, files) == _captures(7)
    assert files != _captures(8)[1]
    hosts = BAD[0] * BAD[1]
    assert hosts * 3 < answers < hosts * (hosts - 1) * 1.1
    assert all(len(data) > 5000 for data in files.values())
