"""Several Ethernets as one (lagg(4)): the first that works, or all of those by flow."""

from __future__ import annotations

from rumpnet.core.iface import Iface, Listener
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.wire import ethernet
from rumpnet.ifaces.ether import Ethernet
from rumpwire import const
from rumpwire.errno import Errno, KernelError

PORTS_MAX = 32
_PROTOCOLS = (const.LAGG_PROTO_FAILOVER, const.LAGG_PROTO_LOADBALANCE)


class Lagg(Ethernet, Listener):
    """Has the address of its first port, which all ports take for as long as they are in it."""

    kind = "lagg"
    if_type = 161

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index)
        self.protocol = const.LAGG_PROTO_FAILOVER
        self.ports: list[Ethernet] = []
        self._own: dict[str, bytes] = {}
        self._claimed: list[Ethernet] = []
        self.link_up = False
        net.interfaces.listeners.append(self)

    def configure(self, protocol: int, names: list[str]) -> None:
        """Sets the protocol and the ports, in the order in which they are preferred.

        EPROTONOSUPPORT, ENXIO, EINVAL, EBUSY, ENOSPC.
        """
        if protocol not in _PROTOCOLS:
            raise KernelError(Errno.EPROTONOSUPPORT, f"aggregation protocol {protocol}")
        if len(names) > PORTS_MAX:
            raise KernelError(Errno.ENOSPC, f"{len(names)} ports; {PORTS_MAX} is the most")
        ports = [self._candidate(name) for name in dict.fromkeys(names)]
        for port in [port for port in self.ports if port not in ports]:
            self._release(port)
        self.protocol = protocol
        if ports and not self.ports:
            self.set_lladdr(ports[0].lladdr)
        for port in ports:
            if port not in self.ports:
                self._take(port)
        self.ports = ports
        self._changed()

    def _candidate(self, name: str) -> Ethernet:
        iface = self.net.interfaces.get(name)
        if not isinstance(iface, Ethernet) or iface is self:
            raise KernelError(Errno.EINVAL, f"{name} cannot be a port of {self.name}")
        if iface.owner not in (None, self):
            raise KernelError(Errno.EBUSY, f"{name} is a member of {iface.owner.name}")
        return iface

    def _take(self, port: Ethernet) -> None:
        self._own[port.name] = port.lladdr
        port.owner = self
        port.set_lladdr(self.lladdr)
        port.upper = self._arrived
        self._claim(port, on=bool(self.flags & const.IFF_PROMISC))
        if not self.ports:
            self.mtu = port.mtu

    def _release(self, port: Ethernet) -> None:
        self.ports = [other for other in self.ports if other is not port]
        port.owner = port.upper = None
        self._claim(port, on=False)
        port.set_lladdr(self._own.pop(port.name))

    # -- frames

    @property
    def active(self) -> list[Ethernet]:
        """Ports that frames may go out through."""
        working = [port for port in self.ports if port.up and port.link_up]
        return working if self.protocol == const.LAGG_PROTO_LOADBALANCE else working[:1]

    def transmit(self, frame: Packet) -> None:
        active = self.active
        if not active:
            self.oerrors += 1
            return
        port = active[_flow(frame) % len(active)] if len(active) > 1 else active[0]
        port.forward(frame)

    def _arrived(self, frame: Packet) -> bool:
        self.receive(frame)
        return True

    # -- control

    def set_lladdr(self, lladdr: bytes) -> None:
        super().set_lladdr(lladdr)
        for port in self.ports:
            port.set_lladdr(lladdr)

    def set_promiscuous(self, on: bool) -> None:
        super().set_promiscuous(on)
        for port in self.ports:
            self._claim(port, on=bool(self.flags & const.IFF_PROMISC))

    def _claim(self, port: Ethernet, *, on: bool) -> None:
        """A port must not filter what is for us."""
        if on != (port in self._claimed):
            (self._claimed.append if on else self._claimed.remove)(port)
            port.set_promiscuous(on)

    def iface_changed(self, iface: Iface) -> None:
        if iface in self.ports:
            self._changed()

    def _changed(self) -> None:
        self.set_link(bool(self.active))

    def iface_gone(self, iface: Iface) -> None:
        if isinstance(iface, Ethernet) and iface in self.ports:
            self.ports.remove(iface)
            self._own.pop(iface.name)
            self._changed()

    def closed(self) -> None:
        super().closed()
        for port in list(self.ports):
            self._release(port)
        self.net.interfaces.listeners.remove(self)


def _flow(frame: Packet) -> int:
    """The same for all frames of a flow: from addresses, and ports of TCP and UDP over IP without options."""
    head = bytes(frame.view()[: ethernet.HEADER_LEN + 44])
    kind, key = head[12:14], head[:12]
    if kind == b"\x08\0" and head[14:15] == b"\x45":
        key = head[26:34] + (head[34:38] if head[23] in (6, 17) and not (head[20] & 0x3F or head[21]) else b"")
    elif kind == b"\x86\xdd":
        key = head[22:54] + (head[54:58] if head[20] in (6, 17) else b"")
    return sum(key[i] * (i * 31 + 7) for i in range(len(key)))
