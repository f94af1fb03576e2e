"""A VLAN of another Ethernet (vlan(4), IEEE 802.1Q); VLANs of VLANs too."""

from __future__ import annotations

from rumpnet.core.iface import Iface, Listener
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.wire import ethernet
from rumpnet.ifaces.ether import MTU, Ethernet
from rumpwire import const
from rumpwire.errno import Errno, KernelError

NEST_MAX = 8


class Vlan(Ethernet, Listener):
    """Its frames are its parent's, with a tag of four bytes behind the addresses."""

    kind = "vlan"
    if_type = 135

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index, bytes(ethernet.ADDR_LEN))
        self.parent: Ethernet | None = None
        self.tag = 0
        self.link_up = False
        self._claimed = False
        net.interfaces.listeners.append(self)

    def attach(self, parent: str, tag: int) -> None:
        """EINVAL, ENXIO, EBUSY when it is attached elsewhere, EEXIST when the parent has that VLAN, ELOOP."""
        iface = self.net.interfaces.get(parent)
        if not isinstance(iface, Ethernet):
            raise KernelError(Errno.EINVAL, f"{parent} is no Ethernet")
        if not 0 < tag < 0xFFF:
            raise KernelError(Errno.EINVAL, f"VLAN {tag} is not in 1..4094")
        if self.parent is not None:
            raise KernelError(Errno.EBUSY, f"{self.name} is VLAN {self.tag} of {self.parent.name}")
        if tag in iface.tagged:
            raise KernelError(Errno.EEXIST, f"{parent} has VLAN {tag} already")
        self._check_nesting(iface)
        self.parent, self.tag = iface, tag
        iface.tagged[tag] = self._arrived
        if not any(self.lladdr):
            self.set_lladdr(iface.lladdr)
        self._claim(iface, on=True)
        self.capabilities = self.tagged_capabilities = iface.tagged_capabilities
        self.mtu = min(MTU, iface.mtu) if iface.mtu >= MTU else iface.mtu - ethernet.TAG_LEN
        self.set_link(iface.link_up)

    def _check_nesting(self, iface: Ethernet | None) -> None:
        depth = 0
        while isinstance(iface, Vlan):
            depth += 1
            if iface is self or depth >= NEST_MAX:
                raise KernelError(Errno.ELOOP, f"{self.name} would be its own parent, or {NEST_MAX} deep")
            iface = iface.parent

    def detach(self) -> None:
        """ENXIO."""
        parent, self.parent = self.parent, None
        if parent is None:
            raise KernelError(Errno.ENXIO, f"{self.name} has no parent")
        parent.tagged.pop(self.tag, None)
        self._claim(parent, on=False)
        if self.up:
            self.set_up(False)
        self.set_link(False)

    def _claim(self, parent: Ethernet, *, on: bool) -> None:
        """The parent must not filter what is for us."""
        wanted = on and (parent.lladdr != self.lladdr or bool(self.flags & const.IFF_PROMISC))
        if wanted != self._claimed:
            self._claimed = wanted
            parent.set_promiscuous(wanted)

    def set_promiscuous(self, on: bool) -> None:
        super().set_promiscuous(on)
        if self.parent is not None:
            self._claim(self.parent, on=True)

    def set_lladdr(self, lladdr: bytes) -> None:
        super().set_lladdr(lladdr)
        if self.parent is not None:
            self._claim(self.parent, on=True)

    # -- frames

    def transmit(self, frame: Packet) -> None:
        parent = self.parent
        if parent is None or not parent.up:
            self.oerrors += 1
            return
        first = frame.parts[0] if len(frame.parts[0]) >= ethernet.HEADER_LEN else frame.view()
        tagged = bytes(first[:12]) + ethernet.VLAN + self.tag.to_bytes(2, "big") + bytes(first[12:14])
        out = frame.like(tagged, memoryview(first)[14:], *frame.parts[1:])
        out.csum_start += ethernet.TAG_LEN
        parent.send_frame(out)

    def _arrived(self, frame: Packet) -> None:
        """The parent's frame with its tag; ours is without."""
        view = frame.view()
        inner = frame.like(bytes(view[:12]) + view[16:])
        inner.csum_start -= ethernet.TAG_LEN
        self.receive(inner)

    # -- what happens to the parent

    def set_up(self, up: bool) -> None:
        """ENXIO without a parent."""
        if up and self.parent is None:
            raise KernelError(Errno.ENXIO, f"{self.name} has no parent")
        super().set_up(up)

    def iface_changed(self, iface: Iface) -> None:
        if iface is self.parent:
            self.set_link(iface.link_up and bool(iface.flags & const.IFF_UP))

    def iface_gone(self, iface: Iface) -> None:
        if iface is self.parent:
            self.detach()

    def closed(self) -> None:
        super().closed()
        if self.parent is not None:
            self.detach()
        self.net.interfaces.listeners.remove(self)
