"""Network interfaces (ifnet(9)) and the loopback interface (lo(4)).

Output to an interface and input from it never call one another: packets stand in the input queue of the stack
(netisr(9)), and whoever put the first one there works the queue off. What the handling of a packet sends in turn goes
to the end of the queue, so that no chain of answers deepens the stack.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rumpwire import const
from rumpwire.errno import Errno, KernelError

LO_MTU = 33624
"""As lo(4) has it: what carries 32 KiB of payload with headers."""
QUEUE_MAX = 256
"""Packets that may wait for the stack; more are dropped and counted (net.inet.ip.ifq.maxlen)."""
INTERFACES_MAX = 1024


@dataclass(frozen=True, slots=True)
class InterfaceAddr:
    """An IPv4 address of an interface, and how many bits of it are the network's."""

    addr: bytes
    prefixlen: int

    @property
    def mask(self) -> int:
        return 0xFFFFFFFF << 32 - self.prefixlen & 0xFFFFFFFF

    def holds(self, addr: bytes) -> bool:
        """Whether an address is of the same network."""
        difference = int.from_bytes(self.addr, "big") ^ int.from_bytes(addr, "big")
        return not difference & self.mask


class InputQueue:
    """Packets that have come in, and the one who works them off."""

    def __init__(self, limit: int = QUEUE_MAX) -> None:
        self.limit = limit
        self.drops = 0
        self.deliver: Callable[[Iface, bytes], None] | None = None
        self._packets: deque[tuple[Iface, bytes]] = deque()
        self._running = False

    def __len__(self) -> int:
        return len(self._packets)

    def put(self, iface: Iface, packet: bytes) -> None:
        """Takes a packet, or drops it when too many wait."""
        if self.deliver is None or len(self._packets) >= self.limit:
            self.drops += 1
            return
        self._packets.append((iface, packet))
        if not self._running:
            self._run(self.deliver)

    def _run(self, deliver: Callable[[Iface, bytes], None]) -> None:
        self._running = True
        try:
            while self._packets:
                deliver(*self._packets.popleft())
        finally:
            self._running = False


class Iface:
    """An interface. What kind it is, ``transmit`` decides."""

    kind = ""

    def __init__(self, name: str, index: int, mtu: int, flags: int) -> None:
        self.name = name
        self.index = index
        self.mtu = mtu
        self.flags = flags
        self.lladdr = b""
        self.addresses: list[InterfaceAddr] = []
        self.ipackets = self.ibytes = self.opackets = self.obytes = 0

    @property
    def up(self) -> bool:
        return bool(self.flags & const.IFF_UP)

    @property
    def loopback(self) -> bool:
        return bool(self.flags & const.IFF_LOOPBACK)

    def output(self, packet: bytes) -> None:
        """Sends an IPv4 packet of at most ``mtu`` bytes. ENETDOWN."""
        if not self.up:
            raise KernelError(Errno.ENETDOWN, f"interface {self.name} is down")
        self.opackets += 1
        self.obytes += len(packet)
        self.transmit(packet)

    def transmit(self, packet: bytes) -> None:
        raise NotImplementedError


class Loopback(Iface):
    """What goes out comes in."""

    kind = "lo"

    def __init__(self, name: str, index: int, queue: InputQueue) -> None:
        super().__init__(name, index, LO_MTU, const.IFF_LOOPBACK | const.IFF_MULTICAST)
        self._queue = queue

    def transmit(self, packet: bytes) -> None:
        self.ipackets += 1
        self.ibytes += len(packet)
        self._queue.put(self, packet)


class Interfaces:
    """The interfaces by name, and the kinds that can be created."""

    def __init__(self, queue: InputQueue) -> None:
        self.queue = queue
        self.by_name: dict[str, Iface] = {}
        self.kinds: dict[str, Callable[[str, int], Iface]] = {"lo": lambda name, index: Loopback(name, index, queue)}
        self._index = 0

    def create(self, name: str) -> Iface:
        """EINVAL for a name of no known kind, EEXIST, ENFILE."""
        kind = name.rstrip("0123456789")
        unit = name[len(kind) :]
        if kind not in self.kinds or not unit or len(unit) > 5 or str(int(unit)) != unit:
            known = ", ".join(f"{k}<number>" for k in self.kinds)
            raise KernelError(Errno.EINVAL, f"cannot create an interface {name[:32]!r}; there are {known}")
        if name in self.by_name:
            raise KernelError(Errno.EEXIST, f"interface {name} is there already")
        if len(self.by_name) >= INTERFACES_MAX:
            raise KernelError(Errno.ENFILE, f"there are {INTERFACES_MAX} interfaces")
        self._index += 1
        iface = self.by_name[name] = self.kinds[kind](name, self._index)
        return iface

    def destroy(self, name: str) -> None:
        """ENXIO, EPERM for lo0."""
        self.get(name)
        if name == "lo0":
            raise KernelError(Errno.EPERM, "lo0 stays")
        del self.by_name[name]

    def get(self, name: str) -> Iface:
        """ENXIO."""
        iface = self.by_name.get(name)
        if iface is None:
            raise KernelError(Errno.ENXIO, f"there is no interface {name[:32]!r}")
        return iface

    def owner(self, addr: bytes) -> Iface | None:
        """The interface that has this address."""
        for iface in self.by_name.values():
            if any(a.addr == addr for a in iface.addresses):
                return iface
        return None
