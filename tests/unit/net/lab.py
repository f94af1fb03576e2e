"""Several kernels in one process, connected by wires in memory, under one clock that is turned by hand."""

from __future__ import annotations

from collections.abc import Callable

from rumpnet.core.inet6domain import Inet6Domain
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.ifaces.ether import Ethernet
from rumpuser.host import ManualHost
from rumpwire import const
from tests.unit.net.kit import Kit


class Wire:
    """A segment of Ethernet: what one sends, all others receive, at once. ``lose`` says which frames get lost."""

    def __init__(self) -> None:
        self.ports: list[Port] = []
        self.frames: list[bytes] = []
        self.lose: Callable[[bytes], bool] = lambda frame: False

    def carry(self, sender: Port | None, frame: bytes, template: Packet) -> None:
        self.frames.append(frame)
        if self.lose(frame):
            return
        for port in self.ports:
            if port is not sender:
                received = template.copy().arrived()
                received.parts[:] = [frame]
                port.receive(received)

    def inject(self, frame: bytes) -> None:
        """A frame of somebody who is no kernel of ours."""
        self.carry(None, frame, Packet(frame))


class Port(Ethernet):
    """The end of a wire in a kernel."""

    kind = "eth"
    wire: Wire | None = None

    def transmit(self, frame: Packet) -> None:
        if self.wire is not None:
            self.wire.carry(self, bytes(frame.view()), frame)

    def plug(self, wire: Wire) -> None:
        self.wire = wire
        wire.ports.append(self)


class Machine(Kit):
    """A kernel whose interfaces are ends of wires."""

    def __init__(self, host: ManualHost) -> None:
        super().__init__(host=host)
        self.net: Net = self.component.net
        self.net.interfaces.kinds["eth"] = Port

    @property
    def inet6(self) -> Inet6Domain:
        domain = self.net.domains[const.AF_INET6]
        assert isinstance(domain, Inet6Domain)
        return domain

    def plug(self, wire: Wire, *addresses: str) -> Port:
        """A new interface on a wire, with addresses as ``10.0.0.1/24``."""
        name = f"eth{len(self.net.interfaces.by_name) - 1}"
        self("netconfig_ifcreate", name)
        port = self.net.interfaces.by_name[name]
        assert isinstance(port, Port)
        port.plug(wire)
        self("netconfig_ifup", name)
        for address in addresses:
            addr, prefixlen = address.split("/")
            family = "ipv6_ifaddr" if ":" in addr else "ipv4_ifaddr_cidr"
            self(f"netconfig_{family}", name, addr, int(prefixlen))
        return port


class Lab:
    """The clock, and machines made under it. Without ``linklocal`` they say nothing of IPv6 unless they are told to."""

    def __init__(self, seed: int = 1, *, linklocal: bool = True) -> None:
        self.host = ManualHost(seed)
        self._linklocal = linklocal

    def machine(self) -> Machine:
        machine = Machine(self.host)
        machine.inet6.ip6.nd.auto_linklocal.put(int(self._linklocal))
        return machine

    def two(self) -> tuple[Machine, Machine, Wire]:
        """10.0.0.1 and 10.0.0.2 on one wire."""
        one, two, wire = self.machine(), self.machine(), Wire()
        one.plug(wire, "10.0.0.1/24")
        two.plug(wire, "10.0.0.2/24")
        return one, two, wire
