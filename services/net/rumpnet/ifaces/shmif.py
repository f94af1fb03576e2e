"""Ethernet over a bus in a file that kernels share (shmif): see rumpuser.devices.shmbus."""

from __future__ import annotations

from rumpnet.core.iface import CSUM, TSO4, TSO6
from rumpnet.core.net import Net
from rumpnet.ifaces.device import DeviceEthernet
from rumpuser.devices.port import FramePort, Receive


class Shmif(DeviceEthernet):
    """The linkstr is the path of the bus; who may write to the file may use it."""

    kind = "shmif"
    tagged_capabilities = CSUM | TSO4 | TSO6

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index)
        self.link_up = False

    def open_port(self, linkstr: str, receive: Receive) -> FramePort:
        return self.net.host.ports.open_bus(linkstr.encode("utf-8", "surrogateescape"), receive)
