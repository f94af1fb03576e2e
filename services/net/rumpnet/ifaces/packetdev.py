"""The character devices of tap(4) and tun(4): what the stack sends is read, what is written it receives.

A device of a number is that interface's, which one descriptor at a time may have open. Opening ``/dev/tap`` makes an
interface that nobody has, for as long as the descriptor is open; opening ``/dev/tunN`` makes tunN if it is not there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rumpnet.core.buffer import Record, RecordBuffer
from rumpnet.core.chardev import CharDevice
from rumpnet.core.iface import QUEUE_MAX, Iface, Listener
from rumpnet.core.net import Net
from rumpnet.core.packet import Packet
from rumpnet.core.socket import Received, Sent
from rumpnet.ifaces.capture import as_on_the_wire
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.kauth import Action, authorize
from rumpuser.readiness import Measure
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import IoctlArgs, IoctlResult, Sockaddr, Stat

if TYPE_CHECKING:
    from rumpnet.core.bpf.device import BpfDevices

CLONE = 0xFFFFF
"""The minor of /dev/tap."""


class PacketIface(Iface):
    """An interface with a descriptor in the place of a wire."""

    major = 0
    overhead = 0
    """Bytes of a packet beside its MTU."""
    device: PacketDevice | None = None

    def taken(self, frame: Packet) -> None:
        """What the stack has sent: queued for whoever has the device open, else dropped."""
        device = self.device
        if device is None:
            self.oerrors += 1
            return
        for one in as_on_the_wire(self, frame):
            if not device.put(bytes(self.wrapped(one).view())):
                self.oerrors += 1

    def wrapped(self, packet: Packet) -> Packet:
        """As it is read."""
        return packet

    def injected(self, data: Buffer) -> None:
        """What was written is received. EINVAL, EAFNOSUPPORT for what cannot be a packet."""
        raise NotImplementedError

    def control(self, com: int, data: IoctlArgs | None) -> IoctlResult:
        """ENOTTY, EINVAL, EBUSY."""
        raise KernelError(Errno.ENOTTY, f"ioctl {com:#x} on a device of {self.name}")

    def opened(self, device: PacketDevice) -> None:
        """EBUSY."""
        if self.device is not None:
            raise KernelError(Errno.EBUSY, f"the device of {self.name} is open already")
        self.device = device
        self.set_link(True)

    def released(self) -> None:
        """The descriptor was closed."""
        self.device = None
        self.set_link(False)


class PacketDevice(CharDevice, Listener):
    """An open descriptor of an interface, which is None when that was destroyed."""

    def __init__(self, net: Net, iface: PacketIface, flags: int, *, cloned: bool) -> None:
        super().__init__(net, const.AF_UNSPEC, const.SOCK_RAW, 0, RecordBuffer(0))
        self.iface: PacketIface | None = iface
        self.cloned = cloned
        self.mode = flags & const.O_ACCMODE
        self.nonblocking = bool(flags & const.O_NONBLOCK)
        self.packets: deque[bytes] = deque()
        iface.opened(self)
        net.interfaces.listeners.append(self)

    def put(self, data: bytes) -> bool:
        """False when there is no room."""
        if len(self.packets) >= QUEUE_MAX:
            return False
        self.packets.append(data)
        self.readable.wake()
        return True

    def _ready(self, mode: int) -> PacketIface:
        """EBADF for a descriptor that is not open for this, ENXIO, EHOSTDOWN."""
        if self.mode not in (const.O_RDWR, mode):
            raise KernelError(Errno.EBADF, "the device is not open for that")
        if self.iface is None:
            raise KernelError(Errno.ENXIO, "the interface was destroyed")
        if not self.iface.up:
            raise KernelError(Errno.EHOSTDOWN, f"interface {self.iface.name} is down")
        return self.iface

    # -- reading and writing

    def receive(self, length: int, flags: int) -> Received:
        """One packet; what does not fit is lost. EBADF, ENXIO, EHOSTDOWN while the interface is down, EAGAIN."""
        self._ready(const.O_RDONLY)
        if self.packets:
            return self._take(length)
        self.may_wait(flags)
        return self._later(length)

    def _take(self, length: int) -> Record:
        return Record(self.packets.popleft()[:length])

    async def _later(self, length: int) -> Record:
        while not self.packets:
            await self.wait(self.readable, None)
            self._ready(const.O_RDONLY)
        return self._take(length)

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """One packet. EBADF, ENXIO, EHOSTDOWN, EMSGSIZE, EINVAL, EAFNOSUPPORT."""
        iface = self._ready(const.O_WRONLY)
        length = len(data)
        if length > iface.mtu + iface.overhead:
            raise KernelError(Errno.EMSGSIZE, f"{length} bytes; {iface.name} takes {iface.mtu + iface.overhead}")
        iface.injected(bytes(data))
        return length

    def measure(self, filter: int) -> Measure | None:
        gone = self.iface is None
        if filter == const.EVFILT_READ:
            return Measure(self.available(), 1, eof=gone)
        if filter == const.EVFILT_WRITE:
            return Measure(self.iface.mtu if self.iface is not None else 0, 1, eof=gone)
        return None

    def poll(self) -> int:
        return super().poll() | (const.POLLHUP if self.iface is None else 0)

    def available(self) -> int:
        """Bytes of the next packet."""
        return len(self.packets[0]) if self.packets else 0

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> IoctlResult:
        """ENXIO, and what the kind of interface says."""
        if self.iface is None:
            raise KernelError(Errno.ENXIO, "the interface was destroyed")
        return self.iface.control(com, data)

    def stat(self) -> Stat:
        rdev = const.makedev(self.iface.major, unit(self.iface.name)) if self.iface is not None else 0
        return Stat(st_mode=const.S_IFCHR | 0o600, st_nlink=1, st_blksize=512, st_rdev=rdev)

    # -- the end

    def close(self) -> None:
        iface, self.iface = self.iface, None
        self.net.interfaces.listeners.remove(self)
        self.packets.clear()
        if iface is not None:
            iface.released()
            if self.cloned:
                self.net.interfaces.destroy(iface.name)
        super().close()

    def iface_changed(self, iface: Iface) -> None:
        """Who waits for packets of an interface that goes down is told."""
        if iface is self.iface and not iface.up:
            self.packets.clear()
            self.wake()

    def iface_gone(self, iface: Iface) -> None:
        if iface is self.iface:
            self.iface = None
            self.wake()


def unit(name: str) -> int:
    return int(name.lstrip("abcdefghijklmnopqrstuvwxyz"))


class NetDevices:
    """The devices of net by their majors: what opens them."""

    def __init__(self, net: Net, bpf: BpfDevices) -> None:
        self.net = net
        self._openers: dict[int, Callable[[Context, int, int], int]] = {
            const.MAJOR_BPF: lambda ctx, minor, flags: bpf.bpf_open(ctx),
            const.MAJOR_TAP: self._tap,
            const.MAJOR_TUN: self._tun,
        }

    def dev_open(self, ctx: Context, block: bool, rdev: int, flags: int) -> Any:
        """ENXIO, EPERM, EBUSY, ENFILE."""
        opener = self._openers.get(const.major(rdev))
        if opener is None or block:
            raise KernelError(Errno.ENXIO, f"net has no device {const.major(rdev)}, {const.minor(rdev)}")
        return opener(ctx, const.minor(rdev), flags)

    def _tap(self, ctx: Context, minor: int, flags: int) -> int:
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        if minor != CLONE:
            return self._open(self.net.interfaces.get(f"tap{minor}"), flags)
        interfaces = self.net.interfaces
        free = next(n for n in range(len(interfaces.by_name) + 1) if f"tap{n}" not in interfaces.by_name)
        return self._open(interfaces.create(f"tap{free}"), flags, cloned=True)

    def _tun(self, ctx: Context, minor: int, flags: int) -> int:
        authorize(ctx, Action.NETWORK_INTERFACE_SETPRIV)
        name = f"tun{minor}"
        return self._open(self.net.interfaces.by_name.get(name) or self.net.interfaces.create(name), flags)

    def _open(self, iface: Iface, flags: int, *, cloned: bool = False) -> int:
        if not isinstance(iface, PacketIface):
            raise KernelError(Errno.ENXIO, f"{iface.name} has no device")
        return self.net.install(PacketDevice(self.net, iface, flags, cloned=cloned))
