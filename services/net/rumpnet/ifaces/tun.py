"""A point-to-point link whose other end is a device that programs read and write packets of (tun(4))."""

from __future__ import annotations

from rumpnet.core.iface import CSUM, IPV4, IPV6, TSO4, TSO6
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.ifaces.packetdev import PacketIface
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgs, IoctlArgsInteger, IoctlResult

MTU = 1500
HEAD_LEN = 4
"""Of the family in front of each packet (TUNSIFHEAD), in network order."""
_LINKS = const.IFF_POINTOPOINT | const.IFF_BROADCAST
_FAMILIES = {const.AF_INET: (IPV4, 4), const.AF_INET6: (IPV6, 6)}


class Tun(PacketIface):
    """When its descriptor is closed it goes down and loses its addresses."""

    kind = "tun"
    capabilities = CSUM | TSO4 | TSO6
    if_type = 131  # IFT_TUNNEL
    major = const.MAJOR_TUN

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index, MTU, const.IFF_POINTOPOINT | const.IFF_MULTICAST)
        self.link_up = False
        self.head = False

    @property
    def overhead(self) -> int:  # type: ignore[override]
        return HEAD_LEN if self.head else 0

    # -- packets

    def output(self, packet: Packet, hop: bytes) -> None:
        self.check_up()
        self.sent(packet.length)
        self.tap_family(packet, out=True)
        self.taken(packet)

    def wrapped(self, packet: Packet) -> Packet:
        if self.head:
            family = const.AF_INET6 if packet.view()[0] >> 4 == 6 else const.AF_INET
            return Packet(family.to_bytes(HEAD_LEN, "big"), *packet.parts)
        return packet

    def injected(self, data: Buffer) -> None:
        """Without a head its first nibble says which family a packet is of."""
        view = memoryview(data)
        if len(view) <= self.overhead:
            raise KernelError(Errno.EINVAL, f"{len(view)} bytes are no packet")
        version = view[self.overhead] >> 4
        family = int.from_bytes(view[:HEAD_LEN], "big") if self.head else _family(version)
        if _FAMILIES.get(family, (0, 0))[1] != version:
            raise KernelError(Errno.EAFNOSUPPORT, f"a packet of family {family} and version {version}")
        packet = Packet(view[self.overhead :])
        self.tap_family(packet, out=False)
        self.input(packet, _FAMILIES[family][0])

    # -- control

    def control(self, com: int, data: IoctlArgs | None) -> IoctlResult:
        match com:
            case const.TUNSIFHEAD:
                self.head = bool(_integer(data))
            case const.TUNGIFHEAD:
                return IoctlResult(0, IoctlArgsInteger(int(self.head)))
            case const.TUNSIFMODE:
                self._set_mode(_integer(data))
            case _:
                return super().control(com, data)
        return IoctlResult()

    def _set_mode(self, mode: int) -> None:
        """IFF_POINTOPOINT or IFF_BROADCAST, with IFF_MULTICAST or without. EBUSY while it is up, EINVAL."""
        if self.up:
            raise KernelError(Errno.EBUSY, f"{self.name} is up")
        if mode & ~const.IFF_MULTICAST not in (const.IFF_POINTOPOINT, const.IFF_BROADCAST):
            raise KernelError(Errno.EINVAL, f"mode {mode:#x} is neither IFF_POINTOPOINT nor IFF_BROADCAST")
        self.flags = self.flags & ~(_LINKS | const.IFF_MULTICAST) | mode
        self.net.interfaces.changed(self)

    def released(self) -> None:
        super().released()
        self.head = False
        self.set_up(False)
        for address in list(self.addresses):
            self.net.layers[len(address.addr)].remove_address(self, address)


def _family(version: int) -> int:
    return {4: const.AF_INET, 6: const.AF_INET6}.get(version, const.AF_UNSPEC)


def _integer(data: IoctlArgs | None) -> int:
    if isinstance(data, IoctlArgsInteger):
        return data.integer
    raise KernelError(Errno.EINVAL, f"the request takes a number, not {data}")
