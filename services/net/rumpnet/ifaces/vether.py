"""An Ethernet with nothing behind it but the bridge that it is a member of (vether(4))."""

from __future__ import annotations

from rumpnet.core.iface import CSUM, TSO4, TSO6
from rumpnet.core.packet import Packet
from rumpnet.ifaces.ether import Ethernet


class Vether(Ethernet):
    """What the bridge sends through it arrives in our own stack."""

    kind = "vether"
    capabilities = CSUM | TSO4 | TSO6
    tagged_capabilities = CSUM | TSO4 | TSO6
    inward = True

    def transmit(self, frame: Packet) -> None:
        if self.owner is not None and self.up:
            self.accept(frame.arrived())
