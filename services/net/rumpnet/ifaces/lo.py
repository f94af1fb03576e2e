"""The loopback interface (lo(4)): what goes out comes in."""

from __future__ import annotations

from rumpnet.core.iface import CSUM, TSO4, TSO6, Iface
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpwire import const

LO_MTU = 33624
"""As lo(4) has it: what carries 32 KiB of payload with headers."""


class Loopback(Iface):
    """Carries packets whole: nothing is summed or cut."""

    kind = "lo"
    capabilities = CSUM | TSO4 | TSO6
    if_type = 24

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index, LO_MTU, const.IFF_LOOPBACK | const.IFF_MULTICAST)

    def output(self, packet: Packet, hop: bytes) -> None:
        self.check_up()
        self.sent(packet.length)
        self.tap_family(packet, out=True)
        self.input(packet.arrived())
