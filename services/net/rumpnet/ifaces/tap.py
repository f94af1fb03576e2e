"""An Ethernet whose wire is a device that programs read and write frames of (tap(4))."""

from __future__ import annotations

from rumpnet.core.iface import CSUM, TSO4, TSO6
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.wire import ethernet
from rumpnet.ifaces.ether import Ethernet
from rumpnet.ifaces.packetdev import PacketIface
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgs, IoctlArgsText, IoctlResult


class Tap(Ethernet, PacketIface):
    """Frames that nobody reads are dropped. What is written passes the filter as from any wire."""

    kind = "tap"
    capabilities = CSUM | TSO4 | TSO6
    tagged_capabilities = CSUM | TSO4 | TSO6
    major = const.MAJOR_TAP
    overhead = ethernet.HEADER_LEN + ethernet.TAG_LEN

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index, b"\xf2\x0b\xa4" + net.host.entropy(3))
        self.link_up = False

    def transmit(self, frame: Packet) -> None:
        self.taken(frame)

    def injected(self, data: Buffer) -> None:
        if len(data) < ethernet.HEADER_LEN:
            raise KernelError(Errno.EINVAL, f"{len(data)} bytes are no frame")
        self.receive(Packet(data))

    def control(self, com: int, data: IoctlArgs | None) -> IoctlResult:
        if com == const.TAPGIFNAME:
            return IoctlResult(0, IoctlArgsText(self.name))
        return super().control(com, data)
