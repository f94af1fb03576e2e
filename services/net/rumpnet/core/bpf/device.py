"""A descriptor of the packet filter (/dev/bpf).

Packets that the filter takes are gathered in a *store* buffer. When it is full, or a reader may not wait for that
(immediate mode, the end of its time), it becomes the *hold* buffer, which a read takes whole. While both are full,
packets are dropped and counted.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from rumpnet.core.bpf.program import Filter, accept_all, compiled
from rumpnet.core.buffer import Record, RecordBuffer
from rumpnet.core.chardev import CharDevice
from rumpnet.core.iface import DLT_NULL, LINK_LEN, Iface, Listener
from rumpnet.core.net import Knob, Net, Node
from rumpnet.core.packet import Packet
from rumpnet.core.socket import Received, Sent
from rumpnet.core.tables import bpf_peers
from rumpnet.ifaces.capture import as_on_the_wire
from rumpnet.ifaces.ether import Ethernet
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.kauth import Action, authorize
from rumpuser.readiness import Measure
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    BpfDltlist,
    BpfProgram,
    BpfStat,
    IoctlArgs,
    IoctlArgsInteger,
    IoctlArgsText,
    IoctlResult,
    Sockaddr,
    Stat,
)

BUFSIZE = 32768
"""net.bpf's default (BPF_BUFSIZE) and bounds of BIOCSBLEN."""
BUFSIZE_MIN, BUFSIZE_MAX = 32, 1 << 20
_NUMBER = [4, 1040]
"""net.bpf"""
DEVICES_MAX = 256
_HEADER = struct.Struct("<qqIIH")  # seconds, microseconds, caplen, datalen, hdrlen (net/bpf.h of LP64)
_ALIGN = 8


def _aligned(length: int) -> int:
    return (length + _ALIGN - 1) & -_ALIGN


class Bpf(CharDevice, Listener):
    """An open descriptor; most of a socket's calls it does not know."""

    def __init__(self, devices: BpfDevices) -> None:
        net = devices.net
        super().__init__(net, const.AF_UNSPEC, const.SOCK_RAW, 0, RecordBuffer(BUFSIZE))
        self.iface: Iface | None = None
        self.seesent: int = 1
        self.immediate: int = 0
        self.hdrcmplt: int = 0
        self.feedback: int = 0
        self.received = self.dropped = self.captured = 0
        self._devices = devices
        self._size: int = BUFSIZE
        self._filter: Filter = accept_all
        self._store = bytearray()
        self._hold = b""
        self._promiscuous = False
        self._was_attached = False
        net.interfaces.listeners.append(self)

    @property
    def counters(self) -> dict[str, int]:
        return {"recv": self.received, "drop": self.dropped, "capt": self.captured}

    # -- packets

    def _tap(self, packet: Packet, out: bool) -> None:
        if out and not self.seesent:
            return
        assert self.iface is not None
        for one in as_on_the_wire(self.iface, packet):
            self._see(one.view())

    def _see(self, data: memoryview) -> None:
        self.received += 1
        wanted = self._filter(data, len(data))
        if not wanted:
            return
        self.captured += 1
        link = LINK_LEN[self.iface.dlt if self.iface else DLT_NULL]
        hdrlen = _aligned(_HEADER.size + link) - link
        begin = _aligned(len(self._store))
        caplen = min(wanted, len(data), self._size - hdrlen)
        if begin + hdrlen + caplen > self._size:
            if self._hold:
                self.dropped += 1
                return
            self._rotate()
            begin = 0
        seconds, ns = divmod(self.net.host.realtime_ns(), 10**9)
        header = _HEADER.pack(seconds, ns // 1000, caplen, len(data), hdrlen)
        self._store += bytes(begin - len(self._store)) + header + bytes(hdrlen - len(header))
        self._store += data[:caplen]
        if self.immediate and not self._hold:
            self._rotate()

    def _rotate(self) -> None:
        self._hold, self._store = bytes(self._store), bytearray()
        self.readable.wake()

    def _reset(self) -> None:
        self._store, self._hold = bytearray(), b""
        self._devices.keep(self)
        self.received = self.dropped = self.captured = 0

    # -- reading and writing

    def receive(self, length: int, flags: int) -> Received:
        """A whole buffer. EINVAL unless as much as a buffer is asked for, ENXIO without an interface, EAGAIN."""
        if length != self._size:
            raise KernelError(Errno.EINVAL, f"reads are of {self._size} bytes (BIOCGBLEN), not {length}")
        record = self._take()
        if record is not None:
            return record
        if self.nonblocking and self._store:
            self._rotate()
            return self._take() or Record()
        self.may_wait(flags)
        return self._later()

    def _take(self) -> Record | None:
        if self.iface is None:
            raise KernelError(Errno.ENXIO, "no interface is attached (BIOCSETIF), or it is gone")
        if not self._hold:
            if not (self.immediate and self._store):
                return None
            self._rotate()
        data, self._hold = self._hold, b""
        return Record(data)

    async def _later(self) -> Record:
        deadline = self.deadline(self.rcvtimeo_ns)
        while (record := self._take()) is None:
            try:
                await self.wait(self.readable, deadline)
            except KernelError as error:
                if error.errno != Errno.EAGAIN:
                    raise
                data, self._store = bytes(self._store), bytearray()
                return Record(data)  # the time is over: what there is, maybe nothing
        return record

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """A frame. ENXIO, ENETDOWN, EMSGSIZE, EINVAL for an interface that has no frames."""
        iface = self.iface
        if iface is None:
            raise KernelError(Errno.ENXIO, "no interface is attached (BIOCSETIF), or it is gone")
        iface.check_up()
        if not isinstance(iface, Ethernet):
            raise KernelError(Errno.EINVAL, f"{iface.name} has no frames of Ethernet")
        length = len(data)
        if not 14 <= length <= iface.mtu + 14:
            raise KernelError(Errno.EMSGSIZE, f"a frame of {length} bytes; {iface.name} takes 14 to {iface.mtu + 14}")
        frame = bytearray(data)
        if not self.hdrcmplt:
            frame[6:12] = iface.lladdr
        iface.send_frame(Packet(bytes(frame)))
        if self.feedback:
            iface.receive(Packet(bytes(frame)))
        return length

    def measure(self, filter: int) -> Measure | None:
        if filter == const.EVFILT_READ:
            waiting = len(self._hold) or (len(self._store) if self.immediate or self.rcvtimeo_ns else 0)
            return Measure(waiting, 1, eof=self.iface is None and self._was_attached)
        return super().measure(filter)

    # -- control

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> IoctlResult:
        """ENOTTY for what bpf does not know, EINVAL, ENXIO."""
        if com in _NUMBERS:
            return IoctlResult(0, IoctlArgsInteger(_NUMBERS[com](self)))
        if com in _FLAGS:
            setattr(self, _FLAGS[com], int(bool(_integer(data))))
            return IoctlResult()
        match com:
            case const.BIOCSETIF:
                self._attach(_text(data))
            case const.BIOCGETIF:
                return IoctlResult(0, IoctlArgsText(self._attached().name))
            case const.BIOCSETF:
                self._set_filter(data)
            case const.BIOCSBLEN:
                return IoctlResult(0, IoctlArgsInteger(self._set_size(_integer(data))))
            case const.BIOCFLUSH:
                self._reset()
            case const.BIOCPROMISC:
                self._set_promiscuous()
            case const.BIOCSDLT:
                if _integer(data) != self._attached().dlt:
                    raise KernelError(Errno.EINVAL, f"{self._attached().name} has link type {self._attached().dlt}")
            case const.BIOCGDLTLIST:
                return IoctlResult(0, BpfDltlist([self._attached().dlt]))
            case const.BIOCSRTIMEOUT:
                self.rcvtimeo_ns = max(0, _integer(data))
            case const.BIOCGSTATS:
                return IoctlResult(0, BpfStat(self.received, self.dropped, self.captured))
            case const.BIOCVERSION:
                return IoctlResult(0, IoctlArgsInteger(1 << 16 | 1))
            case _:
                raise KernelError(Errno.ENOTTY, f"ioctl {com:#x} on bpf")
        return IoctlResult()

    def _attached(self) -> Iface:
        """EINVAL."""
        if self.iface is None:
            raise KernelError(Errno.EINVAL, "no interface is attached (BIOCSETIF)")
        return self.iface

    def _attach(self, name: str) -> None:
        iface = self.net.interfaces.get(name)
        self._detach()
        self.iface = iface
        self._was_attached = True
        iface.taps.append(self._tap)
        self._reset()

    def _detach(self) -> None:
        iface, self.iface = self.iface, None
        if iface is not None:
            iface.taps.remove(self._tap)
            if self._promiscuous:
                self._promiscuous = False
                iface.set_promiscuous(False)

    def _set_filter(self, data: IoctlArgs | None) -> None:
        if not isinstance(data, BpfProgram):
            raise KernelError(Errno.EINVAL, "BIOCSETF takes a program")
        self._filter = compiled(data.insns)
        self._reset()

    def _set_size(self, size: int) -> int:
        """The nearest that can be. EINVAL when an interface is attached."""
        if self.iface is not None:
            raise KernelError(Errno.EINVAL, "the size of the buffers is set before BIOCSETIF")
        self._size = min(max(size, BUFSIZE_MIN), self._devices.maxbufsize.value)
        return self._size

    def _set_promiscuous(self) -> None:
        iface = self._attached()
        if not self._promiscuous:
            self._promiscuous = True
            iface.set_promiscuous(True)

    def iface_gone(self, iface: Iface) -> None:
        if iface is self.iface:
            self.iface = None
            self._promiscuous = False
            self.wake()

    def stat(self) -> Stat:
        return Stat(st_mode=const.S_IFCHR | 0o600, st_nlink=1, st_blksize=self._size, st_rdev=23 << 8)

    def available(self) -> int:
        return len(self._hold) or len(self._store)

    def close(self) -> None:
        self._detach()
        self.net.interfaces.listeners.remove(self)
        self._devices.closed(self)
        super().close()


def _integer(data: IoctlArgs | None) -> int:
    if isinstance(data, IoctlArgsInteger):
        return data.integer
    raise KernelError(Errno.EINVAL, f"the request takes a number, not {data}")


def _text(data: IoctlArgs | None) -> str:
    if isinstance(data, IoctlArgsText):
        return data.text
    raise KernelError(Errno.EINVAL, f"the request takes the name of an interface, not {data}")


_FLAGS = {
    const.BIOCIMMEDIATE: "immediate",
    const.BIOCSHDRCMPLT: "hdrcmplt",
    const.BIOCSSEESENT: "seesent",
    const.BIOCSFEEDBACK: "feedback",
}
_NUMBERS: dict[int, Callable[[Bpf], int]] = {
    const.BIOCGBLEN: lambda bpf: bpf._size,
    const.BIOCGDLT: lambda bpf: bpf._attached().dlt,
    const.BIOCGHDRCMPLT: lambda bpf: bpf.hdrcmplt,
    const.BIOCGSEESENT: lambda bpf: bpf.seesent,
    const.BIOCGFEEDBACK: lambda bpf: bpf.feedback,
    const.BIOCGRTIMEOUT: lambda bpf: bpf.rcvtimeo_ns,
}


class BpfDevices:
    """The device: opens descriptors."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.open: set[Bpf] = set()
        self.maxbufsize = Knob(BUFSIZE_MAX, BUFSIZE_MIN, 16 << 20)
        nodes = [
            self.maxbufsize.node("net.bpf.maxbufsize", [*_NUMBER, 1024], "Largest buffer of a descriptor"),
            self._counter("recv", 1, "Packets that descriptors have seen"),
            self._counter("drop", 2, "Packets that did not fit"),
            self._counter("capt", 3, "Packets that filters took"),
            bpf_peers(self),
        ]
        net.add_nodes(nodes)
        self._past = {"recv": 0, "drop": 0, "capt": 0}

    def _counter(self, name: str, number: int, description: str) -> Node:
        return Node(f"net.bpf.stats.{name}", [*_NUMBER, 1025, 1024 + number], description, lambda: self._count(name))

    def _count(self, name: str) -> int:
        """Of all descriptors, also of those that are closed."""
        return self._past[name] + sum(bpf.counters[name] for bpf in self.open)

    def closed(self, bpf: Bpf) -> None:
        self.open.discard(bpf)
        self.keep(bpf)

    def keep(self, bpf: Bpf) -> None:
        """Adds what a descriptor has counted, which it forgets."""
        for name, count in bpf.counters.items():
            self._past[name] += count

    def bpf_open(self, ctx: Context) -> int:
        """EPERM, ENFILE."""
        authorize(ctx, Action.NETWORK_BPF)
        if len(self.open) >= DEVICES_MAX:
            raise KernelError(Errno.ENFILE, f"{DEVICES_MAX} descriptors of bpf are open")
        bpf = Bpf(self)
        self.open.add(bpf)
        return self.net.install(bpf)
