"""Network interfaces (ifnet(9)).

Output to an interface and input from it never call one another: packets stand in the input queue of the stack
(netisr(9)), and whoever put the first one there works the queue off. What the handling of a packet sends in turn goes
to the end of the queue, so that no chain of answers deepens the stack.

Each kind of interface is a file in ``rumpnet.ifaces`` and a row of `Interfaces.kinds`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from rumpnet.core.packet import Packet
from rumpuser.autoload import MissingModuleError
from rumpwire import const
from rumpwire.errno import Errno, KernelError

if TYPE_CHECKING:
    from rumpnet.core.net import Net

QUEUE_MAX = 256
"""Packets that may wait for the stack; more are dropped and counted (net.inet.ip.ifq.maxlen)."""
INTERFACES_MAX = 1024
MTU_MAX = 65535
IPV4 = 0x0800
ARP = 0x0806
IPV6 = 0x86DD
"""Ethertypes, which name the protocols of the network layer here too."""

# Capabilities: what an interface does by itself.
CSUM = 1
"""Transport checksums, in both families."""
TSO4 = 2
TSO6 = 4
"""Cuts TCP segments and UDP datagrams (core.offload)."""

# Flags of addresses (netinet6/in6_var.h).
ANYCAST = 0x01
TENTATIVE = 0x02
DUPLICATED = 0x04
DETACHED = 0x08
DEPRECATED = 0x10
NODAD = 0x20
AUTOCONF = 0x40
TEMPORARY = 0x80
UNUSABLE = TENTATIVE | DUPLICATED

Deliver = Callable[["Iface", Packet], None]
Tap = Callable[[Packet, bool], None]
"""Sees a packet as it is on the wire; True for one that is sent. It must not change it."""

# Link types of captures (net/dlt.h).
DLT_NULL = 0
"""The address family, in the host's byte order, and a packet of that family."""
DLT_EN10MB = 1
DLT_PFLOG = 117
LINK_LEN = {DLT_NULL: 4, DLT_EN10MB: 14, DLT_PFLOG: 64}
"""Bytes that stand in front of the packet."""


class InterfaceAddr:
    """An address of an interface, and how many bits of it are the network's."""

    __slots__ = (
        "addr",
        "broadcast",
        "destination",
        "flags",
        "mask",
        "network",
        "preferred_ns",
        "prefixlen",
        "valid_ns",
    )

    def __init__(self, addr: bytes, prefixlen: int, broadcast: bytes = b"", *, flags: int = 0) -> None:
        self.addr = addr
        self.prefixlen = prefixlen
        self.broadcast = broadcast
        """IPv4: the address of all hosts of the network, or none."""
        self.destination = b""
        """Of a point-to-point link: the other end."""
        self.flags = flags
        bits = len(addr) * 8
        self.mask = (1 << bits) - (1 << bits - prefixlen)
        self.network = int.from_bytes(addr, "big") & self.mask
        self.preferred_ns: int | None = None
        self.valid_ns: int | None = None
        """IPv6: until when (monotonic), or None for ever."""

    def __repr__(self) -> str:
        return f"{self.addr.hex(':')}/{self.prefixlen}"

    def holds(self, addr: bytes) -> bool:
        """Whether an address is of the same network."""
        return len(addr) == len(self.addr) and int.from_bytes(addr, "big") & self.mask == self.network

    @property
    def usable(self) -> bool:
        """Not while it is tentative, nor when it turned out to be another's."""
        return not self.flags & UNUSABLE


class InputQueue:
    """Packets that have come in, and the one who works them off. ``protocols`` takes them, by ethertype."""

    def __init__(self, limit: int = QUEUE_MAX) -> None:
        self.limit = limit
        self.drops = 0
        self.protocols: dict[int, Deliver] = {}
        self._packets: deque[tuple[Iface, Packet, int]] = deque()
        self._running = False

    def __len__(self) -> int:
        return len(self._packets)

    def put(self, iface: Iface, packet: Packet, ethertype: int = 0) -> None:
        """Takes a packet, or drops it when too many wait. Without ethertype the version of IP in it decides."""
        if len(self._packets) >= self.limit:
            self.drops += 1
            return
        self._packets.append((iface, packet, ethertype))
        if not self._running:
            self._run()

    def _run(self) -> None:
        self._running = True
        packets, protocols = self._packets, self.protocols
        try:
            while packets:
                iface, packet, ethertype = packets.popleft()
                if not ethertype:
                    ethertype = _ethertype(packet)
                deliver = protocols.get(ethertype)
                if deliver is not None:
                    deliver(iface, packet)
                else:
                    iface.noproto += 1
        finally:
            self._running = False


def _ethertype(packet: Packet) -> int:
    version = packet.parts[0][0] >> 4 if packet.length and len(packet.parts[0]) else 0
    return IPV4 if version == 4 else IPV6 if version == 6 else 0


class Iface:
    """An interface. What kind it is, ``output`` decides (or ``transmit`` in kinds of Ethernet)."""

    kind = ""
    capabilities = 0
    if_type = 1
    """IFT_OTHER and its kin (net/if_types.h)."""
    dlt = DLT_NULL

    def __init__(self, net: Net, name: str, index: int, mtu: int, flags: int) -> None:
        self.net = net
        self.name = name
        self.index = index
        self.mtu = mtu
        self.flags = flags
        self.lladdr = b""
        self.metric = 0
        self.link_up = True
        self.addresses: list[InterfaceAddr] = []
        self.taps: list[Tap] = []
        self.groups: dict[bytes, int] = {}
        """Multicast groups of the network layer that are received here, with how many want each."""
        self.ipackets = self.ibytes = self.opackets = self.obytes = 0
        self.ierrors = self.oerrors = self.imcasts = self.omcasts = self.iqdrops = self.noproto = self.collisions = 0

    @property
    def up(self) -> bool:
        return bool(self.flags & const.IFF_UP)

    @property
    def loopback(self) -> bool:
        return bool(self.flags & const.IFF_LOOPBACK)

    def ipv4(self) -> list[InterfaceAddr]:
        return [a for a in self.addresses if len(a.addr) == 4]

    def ipv6(self) -> list[InterfaceAddr]:
        return [a for a in self.addresses if len(a.addr) == 16]

    # -- packets

    def output(self, packet: Packet, hop: bytes) -> None:
        """Sends a packet of IP to a next hop, whose address also tells the family.

        At most ``mtu`` bytes, or with ``gso_size`` where the interface is capable. ENETDOWN, EHOSTDOWN, ENOBUFS.
        """
        raise NotImplementedError

    def check_up(self) -> None:
        """ENETDOWN."""
        if not self.flags & const.IFF_UP:
            raise KernelError(Errno.ENETDOWN, f"interface {self.name} is down")

    def sent(self, length: int) -> None:
        """Counts what went out."""
        self.opackets += 1
        self.obytes += length

    def tap_family(self, packet: Packet, *, out: bool) -> None:
        """Shows a packet of IP to the taps, of kinds that have no link header."""
        if self.taps:
            version = packet.view()[0] >> 4 if packet.length else 0
            family = const.AF_INET6 if version == 6 else const.AF_INET
            for tap in self.taps:
                tap(Packet(family.to_bytes(4, "little"), *packet.parts), out)

    def input(self, packet: Packet, ethertype: int = 0) -> None:
        """Hands what came in to the stack, network header first; dropped when the interface is down."""
        if not self.flags & const.IFF_UP:
            self.iqdrops += 1
            return
        self.ipackets += 1
        self.ibytes += packet.length
        self.net.queue.put(self, packet, ethertype)

    # -- control: what kinds may refine

    def set_up(self, up: bool) -> None:
        """Brings it up or takes it down. ENXIO and others from kinds that need something first."""
        running = const.IFF_UP | const.IFF_RUNNING
        before = self.flags
        self.flags = self.flags | running if up else self.flags & ~running
        if before != self.flags:
            self.net.interfaces.changed(self)

    def set_link(self, up: bool) -> None:
        """The carrier came or went."""
        if self.link_up != up:
            self.link_up = up
            self.net.interfaces.changed(self)

    def set_mtu(self, mtu: int) -> None:
        """EINVAL."""
        if not 72 <= mtu <= MTU_MAX:
            raise KernelError(Errno.EINVAL, f"an MTU of {mtu} is not in 72..{MTU_MAX}")
        self.mtu = mtu
        self.net.interfaces.changed(self)

    def set_lladdr(self, lladdr: bytes) -> None:
        """EINVAL."""
        raise KernelError(Errno.EINVAL, f"{self.name} has no link-level address")

    def set_promiscuous(self, on: bool) -> None:
        """Counted: as many have to let go as have asked."""

    def set_linkstr(self, linkstr: str) -> None:
        """What the interface is attached to (SIOCSLINKSTR); empty detaches. ENOTTY for kinds without."""
        raise KernelError(Errno.ENOTTY, f"{self.name} is not attached to anything by name")

    def linkstr(self) -> str:
        """ENOTTY, ENOENT when there is none."""
        raise KernelError(Errno.ENOTTY, f"{self.name} is not attached to anything by name")

    def join(self, group: bytes) -> None:
        """Receives a multicast group, once more."""
        self.groups[group] = self.groups.get(group, 0) + 1

    def leave(self, group: bytes) -> None:
        count = self.groups.get(group, 0)
        if count > 1:
            self.groups[group] = count - 1
        else:
            self.groups.pop(group, None)

    def check_destroy(self) -> None:
        """EBUSY while it cannot be destroyed."""

    def closed(self) -> None:
        """It is being destroyed."""


class Listener:
    """Who wants to know of interfaces: the routing socket, the network layers, drivers on top of others."""

    def iface_changed(self, iface: Iface) -> None:
        """Flags, link or MTU."""

    def iface_gone(self, iface: Iface) -> None:
        """It is no longer in the tables."""

    def iface_new(self, iface: Iface) -> None:
        """It has just been created."""

    def lladdr_changed(self, iface: Iface) -> None: ...

    def address_new(self, iface: Iface, address: InterfaceAddr) -> None: ...

    def address_gone(self, iface: Iface, address: InterfaceAddr) -> None: ...


class Interfaces:
    """The interfaces by name, their addresses, and the kinds that can be created."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.by_name: dict[str, Iface] = {}
        self.by_index: dict[int, Iface] = {}
        self.kinds: dict[str, Callable[[Net, str, int], Iface]] = {}
        self.listeners: list[Listener] = []
        self.owners: dict[bytes, Iface] = {}
        """Own addresses of both families."""
        self.broadcasts: set[bytes] = set()
        self._index = 0

    # -- interfaces

    def create(self, name: str) -> Iface:
        """EINVAL for a name of no known kind, EEXIST, ENFILE."""
        kind = name.rstrip("0123456789")
        unit = name[len(kind) :]
        if kind not in self.kinds or not unit or len(unit) > 5 or str(int(unit)) != unit:
            known = ", ".join(f"{k}<number>" for k in self.kinds)
            text = f"cannot create an interface {name[:32]!r}; there are {known}"
            if kind.isalpha() and unit:
                raise MissingModuleError(Errno.EINVAL, text, f"if_{kind[:16]}")
            raise KernelError(Errno.EINVAL, text)
        if name in self.by_name:
            raise KernelError(Errno.EEXIST, f"interface {name} is there already")
        if len(self.by_name) >= INTERFACES_MAX:
            raise KernelError(Errno.ENFILE, f"there are {INTERFACES_MAX} interfaces")
        return self.add(self.kinds[kind](self.net, name, self._index + 1))

    def add(self, iface: Iface) -> Iface:
        """Takes one that was made elsewhere."""
        self._index = max(self._index, iface.index)
        self.by_name[iface.name] = self.by_index[iface.index] = iface
        for listener in list(self.listeners):
            listener.iface_new(iface)
        return iface

    def destroy(self, name: str) -> None:
        """ENXIO, EPERM for lo0, EBUSY."""
        iface = self.get(name)
        if name == "lo0":
            raise KernelError(Errno.EPERM, "lo0 stays")
        iface.check_destroy()
        iface.set_up(False)
        for address in list(iface.addresses):
            self.remove_address(iface, address)
        iface.closed()
        del self.by_name[name], self.by_index[iface.index]
        self.net.routes.remove_iface(iface)
        for listener in list(self.listeners):
            listener.iface_gone(iface)

    def get(self, name: str) -> Iface:
        """ENXIO."""
        iface = self.by_name.get(name)
        if iface is None:
            raise KernelError(Errno.ENXIO, f"there is no interface {name[:32]!r}")
        return iface

    def changed(self, iface: Iface) -> None:
        """Tells of changed flags, link or MTU."""
        self.net.routes.touch()
        for listener in list(self.listeners):
            listener.iface_changed(iface)

    def changed_lladdr(self, iface: Iface) -> None:
        """Tells of a new link-level address."""
        for listener in list(self.listeners):
            listener.lladdr_changed(iface)

    def changed_address(self, iface: Iface, address: InterfaceAddr) -> None:
        """Tells of an address whose flags have changed."""
        for listener in list(self.listeners):
            listener.address_new(iface, address)

    # -- addresses

    def owner(self, addr: bytes) -> Iface | None:
        """The interface that has this address."""
        return self.owners.get(addr)

    def address(self, addr: bytes) -> InterfaceAddr | None:
        iface = self.owners.get(addr)
        return next((a for a in iface.addresses if a.addr == addr), None) if iface is not None else None

    def add_address(self, iface: Iface, address: InterfaceAddr) -> None:
        """Enters an address in the tables, in place of the same one. Routes are the network layers' business."""
        iface.addresses[:] = [*(a for a in iface.addresses if a.addr != address.addr), address]
        self.owners[address.addr] = iface
        if address.broadcast:
            self.broadcasts.add(address.broadcast)
        for listener in list(self.listeners):
            listener.address_new(iface, address)

    def remove_address(self, iface: Iface, address: InterfaceAddr) -> None:
        """Takes it out again, with what the listeners hang on it."""
        iface.addresses.remove(address)
        others = [(i, a) for i in self.by_name.values() for a in i.addresses]
        self.owners = {a.addr: i for i, a in others}
        self.broadcasts = {a.broadcast for _, a in others if a.broadcast}
        for listener in list(self.listeners):
            listener.address_gone(iface, address)
        self.net.routes.touch()
