"""Ethernet over a tap device of the host (virtif): ``virt0`` is ``tap0`` unless its linkstr says otherwise."""

from __future__ import annotations

from rumpnet.core.net import Net
from rumpnet.ifaces.device import DeviceEthernet
from rumpuser.devices.port import FramePort, Receive
from rumpwire.errno import Errno, KernelError


class Virt(DeviceEthernet):
    """The linkstr is the name of a device, after ``/path/of/a/namespace:`` if it is in another network namespace."""

    kind = "virt"

    def __init__(self, net: Net, name: str, index: int) -> None:
        unit = int(name[len(self.kind) :])
        lladdr = b"\xb2\x0a" + net.host.entropy(1) + b"\x0b\x0e" + bytes([unit & 0xFF])
        super().__init__(net, name, index, lladdr)
        self._own = f"tap{unit}"

    def open_port(self, linkstr: str, receive: Receive) -> FramePort:
        netns, _, device = linkstr.rpartition(":")
        return self.net.host.ports.open_tap(device, receive, netns)

    def set_up(self, up: bool) -> None:
        """Attaches to the device of the same number when there was no linkstr. Errors of the device."""
        if up and self._port is None:
            self.attach(self._own)
        super().set_up(up)

    def check_destroy(self) -> None:
        """EBUSY while it is up."""
        if self.up:
            raise KernelError(Errno.EBUSY, f"{self.name} is up")
