"""Where packets are seen that the packet filter logs (npflog(4)). Nothing is sent or received through it."""

from __future__ import annotations

from rumpnet.core.iface import CSUM, DLT_PFLOG, TSO4, TSO6, Iface
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpwire.errno import Errno, KernelError

MTU = 33196


class Npflog(Iface):
    """Who listens with bpf gets packets with a header that tells the rule (`rumpnet.core.wire.pflog`)."""

    kind = "npflog"
    capabilities = CSUM | TSO4 | TSO6
    if_type = 245
    dlt = DLT_PFLOG

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index, MTU, 0)

    def output(self, packet: Packet, hop: bytes) -> None:
        """ENETDOWN: a log leads nowhere."""
        raise KernelError(Errno.ENETDOWN, f"{self.name} shows what is logged, and sends nothing")

    def log(self, packet: Packet, *, out: bool) -> None:
        self.ipackets += 1
        self.ibytes += packet.length
        for tap in self.taps:
            tap(packet, out)
