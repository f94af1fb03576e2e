"""Ethernet over a device of the host (rumpuser.devices), to which the interface is attached by a text, its linkstr."""

from __future__ import annotations

from rumpnet.core.iface import CSUM, TSO4, TSO6
from rumpnet.core.packet import Packet
from rumpnet.ifaces.ether import Ethernet
from rumpuser.devices.port import PLAIN, FramePort, Offload, Receive
from rumpwire import const
from rumpwire.errno import Errno, KernelError

_VERIFIED = Offload(csum_valid=True)
LINKSTR_MAX = 4096
"""With the final null, as PATH_MAX."""


class DeviceEthernet(Ethernet):
    """A kind says in ``open_port`` how a linkstr leads to a device."""

    capabilities = CSUM | TSO4 | TSO6

    _port: FramePort | None = None
    _linkstr = ""

    def open_port(self, linkstr: str, receive: Receive) -> FramePort:
        raise NotImplementedError

    # -- frames

    def transmit(self, frame: Packet) -> None:
        port = self._port
        if frame.csum_offset:
            offload = Offload(frame.gso_size, frame.csum_start, frame.csum_offset, frame.csum_valid)
        else:
            offload = _VERIFIED if frame.csum_valid else PLAIN
        if port is None or not port.send(frame.parts, frame.length, offload):
            self.oerrors += 1

    def _arrived(self, data: memoryview, offload: Offload) -> None:
        frame = Packet(data)
        if offload is not PLAIN:
            frame.gso_size, frame.csum_start, frame.csum_offset, valid = offload
            frame.csum_valid = valid or frame.csum_offset > 0
        self.receive(frame)

    # -- attaching

    def set_linkstr(self, linkstr: str) -> None:
        """EBUSY while it is up or attached, E2BIG, EINVAL when there is nothing to detach; errors of the device."""
        if self.up:
            raise KernelError(Errno.EBUSY, f"{self.name} is up")
        if not linkstr:
            self._detach()
            return
        if self._port is not None:
            raise KernelError(Errno.EBUSY, f"{self.name} is attached to {self._linkstr} already")
        if len(linkstr.encode()) >= LINKSTR_MAX:
            raise KernelError(Errno.E2BIG, f"{len(linkstr)} characters are too long for a name")
        self.attach(linkstr)

    def attach(self, linkstr: str) -> None:
        """Opens the device. Errors of the device."""
        self._port = self.open_port(linkstr, self._arrived)
        self._linkstr = linkstr
        self._filter()
        self.set_link(True)

    def _detach(self) -> None:
        if self._port is None:
            raise KernelError(Errno.EINVAL, f"{self.name} is not attached, and the name is empty")
        self.detach()
        self.set_link(False)

    def detach(self) -> None:
        port, self._port, self._linkstr = self._port, None, ""
        if port is not None:
            port.close()

    def linkstr(self) -> str:
        """ENOENT."""
        if self._port is None:
            raise KernelError(Errno.ENOENT, f"{self.name} is not attached to anything")
        return self._linkstr

    # -- control

    def set_up(self, up: bool) -> None:
        """ENXIO when it is not attached."""
        if up and self._port is None:
            raise KernelError(Errno.ENXIO, f"{self.name} is not attached to anything: it has no linkstr")
        super().set_up(up)

    def set_lladdr(self, lladdr: bytes) -> None:
        super().set_lladdr(lladdr)
        self._filter()

    def set_promiscuous(self, on: bool) -> None:
        super().set_promiscuous(on)
        self._filter()

    def _filter(self) -> None:
        if self._port is not None:
            self._port.set_filter(None if self.flags & const.IFF_PROMISC else self.lladdr)

    def closed(self) -> None:
        super().closed()
        self.detach()
