"""Two machines that have TCP and nothing else, and a link between them that does what a test wants."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from rumpnet.core.buffer import StreamBuffer
from rumpnet.core.packet import Packet
from rumpnet.core.tcp.layer import TcpLayer
from rumpnet.core.tcp.output import output, window_update
from rumpnet.core.tcp.tcb import NOBODY, Connection, Key, Options
from rumpnet.core.wire import tcp
from rumpnet.core.wire.checksum import checksum, ones_sum
from rumpuser.host import ManualHost
from rumpwire.errno import KernelError

A, B = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])


class Ip:
    """An internet layer of one neighbour. Segments are cut and summed here, as hardware would."""

    ADDR_LEN = 4

    def __init__(self, mtu: int, *, whole: bool = False) -> None:
        self.mtu = mtu
        self.whole = whole
        self.routes = SimpleNamespace(generation=0)
        self.carry: Callable[[bytes, bytes, bytes, int], None] = lambda src, dst, data, tclass: None
        self.error: KernelError | None = None

    def route(self, dst: bytes) -> str:
        return "route"

    def path_mtu(self, route: Any, dst: bytes) -> int:
        return self.mtu

    def pseudo(self, src: bytes, dst: bytes, protocol: int, length: int) -> int:
        return ones_sum(src + dst) + protocol + length

    def send(
        self, route: Any, src: bytes, dst: bytes, protocol: int, packet: Packet, *, hop_limit: int = 0, tclass: int = 0,
        dont_fragment: bool = False, options: bytes | None = None,
    ) -> None:  # fmt: skip
        if self.error is not None:
            raise self.error
        data = b"".join(packet.parts)
        assert len(data) == packet.length <= 65535 - 20
        if self.whole:
            self.carry(src, dst, data, tclass)
            return
        for segment in cut(data, packet.gso_size):
            assert len(segment) + 20 <= self.mtu
            self.carry(src, dst, self.summed(src, dst, segment), tclass)

    def summed(self, src: bytes, dst: bytes, data: bytes) -> bytes:
        bare = data[:16] + b"\0\0" + data[18:]
        pseudo = src + dst + bytes([0, 6]) + len(data).to_bytes(2, "big")
        found = checksum(pseudo, bare)
        if (
            len(data) == int.from_bytes(data[12:13], "big") >> 4 << 2
        ):  # what was summed for the hardware has to be right
            assert (int.from_bytes(data[16:18], "big") - ones_sum(pseudo)) % 0xFFFF == 0
        return data[:16] + found.to_bytes(2, "big") + data[18:]


def summed(src: bytes, dst: bytes, data: bytes) -> bytes:
    """The segment with its checksum."""
    bare = data[:16] + b"\0\0" + data[18:]
    found = checksum(src + dst + bytes([0, 6]) + len(data).to_bytes(2, "big"), bare)
    return data[:16] + found.to_bytes(2, "big") + data[18:]


def cut(data: bytes, size: int) -> list[bytes]:
    """What segmentation offload makes of a segment."""
    header = data[12] >> 4 << 2
    if not size or len(data) - header <= size:
        return [data]
    found = []
    for begin in range(header, len(data), size):
        head = bytearray(data[:header])
        seq = int.from_bytes(head[4:8], "big") + begin - header
        head[4:8] = (seq & 0xFFFFFFFF).to_bytes(4, "big")
        if begin + size < len(data):
            head[13] &= ~(tcp.FIN | tcp.PSH)
        if begin > header:
            head[13] &= ~tcp.CWR
        found.append(bytes(head) + data[begin : begin + size])
    return found


class User:
    """Somebody who uses a connection, and remembers what it was told."""

    def __init__(self, machine: Machine, c: Connection) -> None:
        self.machine = machine
        self.c = c
        self.events: list[str] = []
        self.errno = 0
        self.over = False
        self.got = bytearray()
        self.oob = b""
        self.outbox = b""
        self.reads = True
        c.user = self

    @property
    def eof(self) -> bool:
        return 0 <= self.c.rcv_fin < self.c.rcv_nxt

    def established(self) -> None:
        self.events.append("connected")
        self.push()

    def arrived(self) -> None:
        if self.reads:
            self.read()

    def room(self) -> None:
        self.push()

    def urgent_mark(self, distance: int) -> None:
        self.events.append(f"urgent {distance}")

    def urgent_byte(self, byte: bytes) -> None:
        self.oob += byte

    def failed(self, errno: int) -> None:
        self.errno = errno
        self.over = True

    def ended(self) -> None:
        self.over = True

    def read(self, length: int = 1 << 20) -> bytes:
        data = bytes(self.c.rcv.take(length)) if self.c.rcv.count else b""
        self.got += data
        if data:
            self.machine.later(lambda: window_update(self.c, self.machine.now))
        return data

    def write(self, data: bytes) -> None:
        self.outbox += data
        self.push()

    def push(self) -> None:
        """As much as the send buffer takes."""
        c = self.c
        room = c.snd_hiwat - len(c.snd)
        if self.outbox and room > 0 and c.state.name in ("ESTABLISHED", "CLOSE_WAIT") and not c.fin_queued:
            c.snd.append(self.outbox[:room])
            self.outbox = self.outbox[room:]
            self.machine.later(lambda: output(c, self.machine.now))
        if not self.outbox and "shut" in self.events:
            self.machine.later(lambda: self.machine.tcp.shut(c))

    def shut(self) -> None:
        """Closes for sending once all is written."""
        self.events.append("shut")
        self.push()

    def close(self) -> None:
        self.c.user = NOBODY
        self.machine.later(lambda: self.machine.tcp.shut(self.c))


class Listening:
    """A listener that accepts at once."""

    def __init__(self, machine: Machine, backlog: int = 128) -> None:
        self.machine = machine
        self.half_open = 0
        self.backlog = backlog
        self.opt = Options()
        self.opt.nodelay = False
        self.accepted: list[User] = []
        self.limit = 1 << 20

    def full(self) -> bool:
        return len(self.accepted) >= self.limit

    def receive_space(self) -> int:
        return self.machine.tcp.sysctl.recvspace.value

    def new_connection(self, ip: Any, key: Key) -> Connection:
        return self.machine.connection(key, self.opt.copy())

    def adopt(self, c: Connection) -> None:
        self.accepted.append(User(self.machine, c))


class Tcp(TcpLayer):
    def __init__(self, host: ManualHost) -> None:
        super().__init__(host)
        self.listeners: dict[int, Listening] = {}

    def listener(self, laddr: bytes, lport: int) -> Listening | None:
        return self.listeners.get(lport)


class Machine:
    """One of the two."""

    def __init__(self, host: ManualHost, addr: bytes, mtu: int, *, whole: bool = False) -> None:
        self.host = host
        self.addr = addr
        self.ip = Ip(mtu, whole=whole)
        self.tcp = Tcp(host)
        self.port = 40000

    @property
    def now(self) -> int:
        return self.host.monotonic_ns()

    def later(self, call: Callable[[], None]) -> None:
        """Once what runs has returned, as a user's process would."""
        self.host.call_at(self.host.now_ns, lambda: (call(), self.tcp.flush()))

    def connection(self, key: Key, opt: Options) -> Connection:
        c = Connection(self.tcp, self.ip, key, StreamBuffer(self.tcp.sysctl.recvspace.value), opt)
        c.snd_hiwat = self.tcp.sysctl.sendspace.value
        c.rcv_scale = self.tcp.scale_for(c.rcv.hiwat)
        return c

    def listen(self, port: int = 80, backlog: int = 128) -> Listening:
        self.tcp.listeners[port] = Listening(self, backlog)
        return self.tcp.listeners[port]

    def connect(self, to: bytes, port: int = 80, *, lport: int = 0, opt: Options | None = None) -> User:
        self.port += 1
        user = User(self, self.connection((self.addr, lport or self.port, to, port), opt or Options()))
        self.tcp.open(user.c)
        self.tcp.start(user.c)
        self.tcp.flush()
        return user

    def receive(self, src: bytes, data: bytes, tclass: int = 0) -> None:
        packet = Packet(memoryview(data))
        packet.csum_valid = self.ip.whole
        self.tcp.input(self.ip, None, src, self.addr, packet, SimpleNamespace(tclass=tclass))


class Link:
    """Carries segments with a delay. ``fate`` decides for each what becomes of it: extra delays, one for each copy."""

    def __init__(self, *, seed: int = 1, delay: float = 0.01, mtu: int = 1500, whole: bool = False) -> None:
        self.host = ManualHost(seed=seed)
        self.delay = delay
        self.a = Machine(self.host, A, mtu, whole=whole)
        self.b = Machine(self.host, B, mtu, whole=whole)
        self.log: list[tuple[int, bytes, tcp.Segment]] = []
        self.keep_log = True
        self.fate: Callable[[bytes, bytes], list[float]] = lambda src, data: [0.0]
        self.mark = False
        for machine in (self.a, self.b):
            machine.ip.carry = self.carry

    def carry(self, src: bytes, dst: bytes, data: bytes, tclass: int) -> None:
        if self.keep_log:
            self.log.append((self.host.now_ns, src, tcp.Segment(data)))
        if self.mark and tclass & 3:
            tclass |= 3
        if dst not in (A, B):
            return
        machine = self.a if dst == A else self.b
        for extra in self.fate(src, data):
            at = self.host.now_ns + int((self.delay + extra) * 1e9)
            self.host.call_at(at, lambda: machine.receive(src, data, tclass))

    def run(self, seconds: float) -> None:
        self.host.advance(seconds)

    def sent_by(self, addr: bytes) -> list[tcp.Segment]:
        return [seg for _, src, seg in self.log if src == addr]

    def pair(self, opt: Options | None = None) -> tuple[User, User]:
        """An established connection from a to b."""
        listening = self.b.tcp.listeners.get(80) or self.b.listen()
        client = self.a.connect(B, opt=opt)
        self.run(3 * self.delay + 0.001)
        return client, listening.accepted[-1]


class Trouble:
    """A link that loses, doubles, delays and reorders, from a seed; after ``losses`` losses it loses no more."""

    def __init__(
        self, seed: int, *, loss: float, duplicate: float = 0.0, reorder: float = 0.0, losses: int = 200
    ) -> None:
        self.random = random.Random(seed)
        self.loss, self.duplicate, self.reorder, self.losses = loss, duplicate, reorder, losses

    def __call__(self, src: bytes, data: bytes) -> list[float]:
        if self.losses and self.random.random() < self.loss:
            self.losses -= 1
            return []
        delays = [0.0]
        if self.random.random() < self.reorder:
            delays[0] = self.random.random() * 0.05
        if self.random.random() < self.duplicate:
            delays.append(self.random.random() * 0.1)
        return delays
