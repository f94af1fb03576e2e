"""A kernel under packetdrill's control: its calls, its packets and its clock (see shim.c).

Time is virtual. It stands still while a call runs, moves on when the script sleeps or waits for a packet, and a little
with each look at the clock, since packetdrill spins before an event. So nothing depends on how quick this machine is.
"""

from __future__ import annotations

import select
import socket
import struct
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rump import _host
from rump import _socket as sdk
from rumpnet.component import NetComponent
from rumpnet.core.iface import CSUM, IPV4, IPV6, TSO4, TSO6, Iface
from rumpnet.core.net import Net
from rumpnet.core.offload import finish_checksum, segments
from rumpnet.core.options import SB_MAX
from rumpnet.core.packet import Packet
from rumpnet.core.tcp.socket import TcpSocket
from rumpuser.component import Context, Parameters
from rumpuser.host import ManualHost
from rumpuser.pending import Running, start
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError, to_host
from rumpwire.values import IoctlArgsInteger, Msghdr, SockaddrIn, SockaddrIn6, SockoptInteger, SockoptRaw, TcpInfo

FIRST = 1000
(
    SOCKET, BIND, LISTEN, ACCEPT, CONNECT, RECV, SEND, FCNTL, IOCTL, CLOSE, SHUTDOWN, GETSOCKOPT, SETSOCKOPT, POLL,
    NETSEND, NETRECEIVE, USLEEP, NOW, RECVMSG,
) = range(19)  # fmt: skip
PATIENCE_US = 400_000_000
"""Virtual time without a packet after which none will come."""
GRACE = 0.25
"""Seconds for the thread of a call that has blocked to look at the clock before it moves on."""
NOTHING_TO_TELL = {(6, 26): b"", (1, 55): bytes(64)}
"""TCP_CC_INFO and SO_MEMINFO, which code in scripts asks for."""
MSG_FASTOPEN = 0x20000000
COOKIE = bytes.fromhex("3021b9d889017eeb")
"""What Linux gives to the scripts' peer, as some of them say literally."""
POLLRDHUP = 0x2000
SIOCINQ, SIOCOUTQ = 0x541B, 0x5411


class Tun(Iface):
    """What packetdrill has in its hand: packets go out whole, as Linux shows them to it."""

    kind = "tun"
    capabilities = CSUM | TSO4 | TSO6

    def __init__(self, net: Net, name: str, index: int) -> None:
        super().__init__(net, name, index, 1500, const.IFF_POINTOPOINT)
        self.out: deque[tuple[int, bytes]] = deque()
        self.full = False
        """Whether there is no room for packets, as with a queue of none (``tc qdisc ... pfifo limit 0``)."""

    def output(self, packet: Packet, hop: bytes) -> None:
        if self.full:
            raise KernelError(Errno.ENOBUFS, "the queue takes none")
        for part in [packet] if self.capabilities & TSO4 else segments(packet):
            finish_checksum(part)
            self.out.append((self.net.host.monotonic_ns() // 1000, bytes(part.view())))


class Clock(ManualHost):
    """What is to be done soon is done when the packet, the call or the timer is done with, as in a kernel."""

    def __init__(self) -> None:
        super().__init__(seed=11)
        self.soon: deque[Callable[[], None]] = deque()

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def settle(self) -> None:
        while self.soon:
            self.soon.popleft()()

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self.settle()


class Stack:
    """A kernel with one interface, 192.168.0.1/16 and fd3d:a0b:17d6::1/64, and routes to everywhere."""

    def __init__(self, sysctls: Path, mtu: int) -> None:
        self.host = Clock()
        self.component = NetComponent(self.host, self, Parameters())
        self.net = self.component.net
        self.sysctls, self.applied = sysctls, 0
        self.net.interfaces.kinds["tun"] = Tun
        self.call("netconfig_ifcreate", "tun0")
        tun = self.net.interfaces.by_name["tun0"]
        assert isinstance(tun, Tun)
        self.tun = tun
        self.call("netconfig_ifup", "tun0")
        self.call("netconfig_ipv4_ifaddr_cidr", "tun0", "192.168.0.1", 16)
        self.net.routes.add(bytes(4), 0, tun, gateway=b"", src=bytes([192, 168, 0, 1]))
        tun.mtu = mtu
        self.call("netconfig_ipv6_ifaddr", "tun0", "fd3d:a0b:17d6::1", 64)
        self.net.routes.add(bytes(16), 0, tun, gateway=b"", src=bytes.fromhex("fd3d0a0b17d600000000000000000001"))
        self.tun.out.clear()
        self.tcp = self.net.domains[const.AF_INET].tcp  # type: ignore[attr-defined]
        self.tcp.sysctl.tolerate_missing_ts.value = self.tcp.sysctl.read_after_shutdown.value = 1  # as Linux does
        self.tcp.sysctl.send_records.value = self.tcp.sysctl.send_early.value = 1
        self.tcp.fastopen.cookie_for = lambda faddr: COOKIE  # type: ignore[method-assign]

    def peer(self, name: str) -> Any:
        raise KernelError(Errno.ENOSYS, name)

    def call(self, name: str, *args: Any) -> Any:
        return start(self.component.call(Context(), OPS[name], args))

    def so(self, fd: int) -> TcpSocket:
        so = self.net.socket(fd - FIRST)
        assert isinstance(so, TcpSocket)
        return so

    # -- time and packets

    def now(self) -> int:
        self.host.advance(1e-6)
        return self.host.now_ns // 1000

    def sleep(self, usec: int) -> None:
        self.host.advance(usec / 1e6)

    def next_packet(self) -> tuple[int, bytes] | None:
        end = self.host.now_ns + PATIENCE_US * 1000
        self.ours()
        while not self.tun.out and self.host._heap and self.host.now_ns < end:
            self.host.advance(max(self.host._heap[0][0] - self.host.now_ns, 1) / 1e9)
            self.ours()
        return self.tun.out.popleft() if self.tun.out else None

    def ours(self) -> None:
        """Drops what is not TCP: groups are joined, routers are asked for."""
        while self.tun.out and (packet := self.tun.out[0][1])[6 if packet[0] >> 4 == 6 else 9] != 6:
            self.tun.out.popleft()

    def inject(self, data: bytes) -> None:
        self.tun.input(Packet(memoryview(data)), IPV6 if data[0] >> 4 == 6 else IPV4)
        self.host.settle()

    # -- what scripts set before they begin

    def apply(self) -> None:
        """sysctl as the scripts call it, with Linux's names."""
        lines = self.sysctls.read_text().splitlines() if self.sysctls.exists() else []
        for line in lines[self.applied :]:
            name, _, value = line.partition("=")
            self.set(name.strip().rpartition(".")[2], value.strip().strip('"'))
        self.applied = len(lines)

    def set(self, name: str, value: str) -> None:
        sysctl = self.tcp.sysctl
        if name in ("tcp_rmem", "tcp_wmem"):
            _, default, most = map(int, value.split())
            space, limit = ("recvspace", "recvbuf_max") if name == "tcp_rmem" else ("sendspace", "sendbuf_max")
            getattr(sysctl, space).value, getattr(sysctl, limit).value = default, most
        elif name == "tcp_congestion_control":
            self.tcp.selected = {"reno": "newreno"}.get(value, value)
        elif name == "tcp_fastopen_cookies":  # flushes them
            self.tcp.fastopen.cookies.clear()
        elif name == "tso":  # ethtool
            self.tun.capabilities = CSUM
        elif name == "qdisc":  # tc
            self.tun.full, sysctl.pacing.value = value == "none", value == "fq"
        elif name == "tcp_fastopen":
            bits = int(value, 0)
            sysctl.fastopen_client.value, sysctl.fastopen_server.value = bits & 1, bits >> 1 & 1
            sysctl.fastopen_bare.value, sysctl.fastopen_open.value = bits >> 2 & 1, bits >> 9 & 1
            sysctl.fastopen_all.value = bits >> 10 & 1
        else:
            known = {
                "tcp_timestamps": sysctl.timestamps, "tcp_sack": sysctl.sack, "tcp_window_scaling": sysctl.win_scale,
                "tcp_slow_start_after_idle": sysctl.slow_start_after_idle, "tcp_syncookies": sysctl.syn_cookies,
            }  # fmt: skip
            if name == "tcp_ecn":
                sysctl.ecn.value = int(value)
            elif name == "tcp_min_tso_segs":
                sysctl.tso_min.value = int(value)
            elif name == "tcp_notsent_lowat":
                sysctl.notsent_lowat.value = int(value) if int(value) < 1 << 31 else 0
            elif name in known:
                known[name].value = int(bool(int(value)))

    # -- calls

    def run(self, op: int, data: bytes) -> Any:
        """The result, and bytes with it; or a call that goes on."""
        self.apply()
        handler = HANDLERS[op]
        try:
            return handler(self, data)
        finally:
            self.host.settle()

    def socket(self, data: bytes) -> Any:
        domain, kind, protocol = struct.unpack("3i", data)
        flags = const.SOCK_NONBLOCK if kind & socket.SOCK_NONBLOCK else 0
        return self.call("socket", _host.FAMILY.wire(domain), kind & 0xF | flags, protocol) + FIRST

    def bind(self, data: bytes) -> Any:
        return self.call("bind", fd_of(data), name_of(data[4:])) or 0

    def listen(self, data: bytes) -> Any:
        return self.call("listen", fd_of(data), struct.unpack("2i", data)[1]) or 0

    def connect(self, data: bytes) -> Any:
        return self.call("connect", fd_of(data), name_of(data[4:]))

    def accept(self, data: bytes) -> Any:
        return self.call("accept", fd_of(data))

    def receive(self, data: bytes) -> Any:
        fd, length, flags = struct.unpack("3i", data)
        return self.call("recvfrom", fd - FIRST, length, _host.MESSAGE.wire(flags & ~socket.MSG_NOSIGNAL))

    def receive_message(self, data: bytes) -> Any:
        """What comes back is data, ints of level, kind and value for each piece of control data, and their count."""
        fd, length, flags, room = struct.unpack("4i", data)
        wire = _host.MESSAGE.wire(flags & ~socket.MSG_NOSIGNAL)
        return self.call("recvmsg", fd - FIRST, length, room, wire)

    def send(self, data: bytes) -> Any:
        fd, flags, named = struct.unpack_from("3i", data)
        to = name_of(data[12 : 12 + named]) if named and flags & MSG_FASTOPEN else None  # else Linux ignores it
        wire = _host.MESSAGE.wire(flags & ~socket.MSG_NOSIGNAL)
        return self.call("sendto", fd - FIRST, data[12 + named :], wire, to)

    def fcntl(self, data: bytes) -> Any:
        fd, command, arg = struct.unpack("3i", data)
        wire = _host.FCNTL.wire(command)
        arg = _host.OPEN.wire(arg) if command == 4 else 0
        return _host.OPEN.host(self.call("fcntl", fd - FIRST, wire, arg, None).value)

    def ioctl(self, data: bytes) -> Any:
        fd, request = struct.unpack("2i", data)
        if request == SIOCOUTQ:
            so = self.so(fd)
            return 0, struct.pack("i", len(so.c.snd) if so.c else 0)
        com = {SIOCINQ: const.FIONREAD}.get(request, request)
        found = self.call("ioctl", fd - FIRST, com, None).data
        assert isinstance(found, IoctlArgsInteger)
        return 0, struct.pack("i", found.integer)

    def close(self, data: bytes) -> Any:
        return self.call("close", fd_of(data))

    def shutdown(self, data: bytes) -> Any:
        fd, how = struct.unpack("2i", data)
        return self.call("shutdown", fd - FIRST, how) or 0

    def getsockopt(self, data: bytes) -> Any:
        fd, level, name, length = struct.unpack("4i", data)
        if (level, name) in NOTHING_TO_TELL:
            return 0, NOTHING_TO_TELL[level, name]
        value = self.call("getsockopt", fd - FIRST, _host.option_level(level), _host.option_name(level, name))
        if isinstance(value, TcpInfo):
            return 0, tcp_info(value)[:length]
        if level == socket.SOL_SOCKET and name == socket.SO_ERROR:
            value = SockoptInteger(to_host(value.integer) if value.integer else 0)
        if level == socket.SOL_SOCKET and name == socket.SO_RCVBUF:
            value = SockoptInteger(2 * value.integer)  # Linux counts its own records, too
        return 0, sdk.sockopt_bytes(value)[:length]

    def setsockopt(self, data: bytes) -> Any:
        fd, level, name = struct.unpack_from("3i", data)
        value: Any = sdk.sockopt_value(level, name, data[12:])
        if level == socket.IPPROTO_TCP and name == socket.TCP_SYNCNT:
            name, value = const.TCP_KEEPINIT, (2 << value) - 1  # the seconds that so many doublings last
        if level == socket.SOL_SOCKET and name == socket.SO_RCVBUF:
            value = min(value, SB_MAX)
        if level == socket.SOL_SOCKET and name == socket.SO_SNDBUF:
            value = min(2 * value, SB_MAX)  # as Linux, whose records are filled beyond it
        if isinstance(value, (int, bytes)):
            value = SockoptInteger(value) if isinstance(value, int) else SockoptRaw(value)
        wire = _host.option_name(level, name)
        return self.call("setsockopt", fd - FIRST, _host.option_level(level), wire, value) or 0

    def poll(self, data: bytes) -> Any:
        found = self.ready(data)
        return found if found[0] or struct.unpack_from("i", data)[0] == 0 else start(self.wait(data))

    async def wait(self, data: bytes) -> tuple[int, bytes]:
        """Scripts wait for one descriptor."""
        timeout, fd = struct.unpack_from("2i", data)
        so = self.so(fd)
        end = self.host.now_ns + timeout * 1_000_000
        while not (found := self.ready(data))[0]:
            if not await so.writable.wait(end):
                break
        return found

    def ready(self, data: bytes) -> tuple[int, bytes]:
        out, ready = b"", 0
        for fd, events, _ in struct.iter_unpack("ihh", data[4:]):
            so = self.so(fd)
            found = _host.POLL.host(so.poll()) | (POLLRDHUP if so.cant_receive else 0)
            found &= events | select.POLLHUP | select.POLLERR
            ready += bool(found)
            out += struct.pack("ihh", fd, events, found)
        return ready, out


def fd_of(data: bytes) -> int:
    fd: int = struct.unpack_from("i", data)[0]
    return fd - FIRST


def name_of(data: bytes) -> SockaddrIn | SockaddrIn6:
    port = int.from_bytes(data[2:4], "big")
    return SockaddrIn6(data[8:24], port) if data[0] == socket.AF_INET6 else SockaddrIn(data[4:8], port)


def sockaddr(name: Any) -> bytes:
    if isinstance(name, SockaddrIn6):
        return (
            struct.pack("=H", socket.AF_INET6)
            + name.sin6_port.to_bytes(2, "big")
            + bytes(4)
            + name.sin6_addr
            + bytes(4)
        )
    return struct.pack("=H", socket.AF_INET) + name.sin_port.to_bytes(2, "big") + name.sin_addr + bytes(8)


def tcp_info(info: TcpInfo) -> bytes:
    """struct tcp_info of Linux, as far as scripts look."""
    rest = struct.pack(
        "4Q6I4QIIQQ4I", 0, 0, info.tcpi_bytes_acked, info.tcpi_bytes_received, 0, 0, info.tcpi_notsent_bytes,
        info.tcpi_min_rtt, 0, 0, 0, 0, 0, 0, info.tcpi_delivered, 0, 0, 0, 0, 0, 0, info.tcpi_snd_wnd,
    )  # fmt: skip
    return sdk._tcp_info(info) + rest + bytes(128)


HANDLERS: dict[int, Any] = {
    SOCKET: Stack.socket, BIND: Stack.bind, LISTEN: Stack.listen, ACCEPT: Stack.accept, CONNECT: Stack.connect,
    RECV: Stack.receive, RECVMSG: Stack.receive_message, SEND: Stack.send, FCNTL: Stack.fcntl, IOCTL: Stack.ioctl,
    CLOSE: Stack.close, SHUTDOWN: Stack.shutdown, GETSOCKOPT: Stack.getsockopt,
    SETSOCKOPT: Stack.setsockopt, POLL: Stack.poll,
}  # fmt: skip


def answer(value: Any) -> tuple[int, bytes]:
    """A handler's value as a result and bytes."""
    if value is None:
        return 0, b""
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], int) and isinstance(value[1], bytes):
        return value
    if isinstance(value, int):
        return value, b""
    if hasattr(value, "from_addr"):
        return len(value.data), bytes(value.data)
    if isinstance(value, Msghdr):
        items = [struct.pack("2i", c.cmsg_level, c.cmsg_type) + c.data for c in value.control]
        return len(value.data), struct.pack("i", len(items)) + b"".join(items) + value.data
    return value.s + FIRST, sockaddr(value.name)


class Server:
    """Serves the connections of one packetdrill."""

    def __init__(self, listener: socket.socket, sysctls: Path, mtu: int = 1500) -> None:
        self.listener = listener
        self.stack = Stack(sysctls, mtu)
        self.clients: list[socket.socket] = []
        self.first: socket.socket | None = None
        self.stop = False

    def serve(self) -> None:
        while not self.stop:
            watched = [self.first] if self.first else [self.listener, *self.clients]
            ready, _, _ = select.select(watched, [], [], GRACE if self.first else 0.2)
            if self.first and not ready:
                self.first = None
            for s in ready:
                if s is self.listener:
                    self.clients.append(s.accept()[0])
                else:
                    self.request(s)
        for s in self.clients:
            s.close()
        self.stack.net.stop()

    def request(self, s: socket.socket) -> None:
        head = _exactly(s, 8)
        if not head:
            self.clients.remove(s)
            s.close()
            self.first = None
            return
        op, length = struct.unpack("2i", head)
        data = _exactly(s, length)
        if op == NOW:
            self.first = None
            self.reply(s, self.stack.now())
        elif op == USLEEP:
            self.stack.sleep(struct.unpack("i", data)[0])
            self.reply(s, 0)
        elif op == NETSEND:
            self.stack.inject(data)
            self.reply(s, 0)
        elif op == NETRECEIVE:
            found = self.stack.next_packet()
            self.reply(s, found[0] if found else -1, found[1] if found else b"")
        else:
            self.call(s, op, data)

    def call(self, s: socket.socket, op: int, data: bytes) -> None:
        try:
            result = self.stack.run(op, data)
        except KernelError as error:
            self.reply(s, -1, errno=to_host(error.errno))
            return
        if not isinstance(result, Running):
            self.reply(s, *answer(result))
            return
        result.outcome.when_done(lambda: self.later(s, result))

    def later(self, s: socket.socket, running: Running[Any]) -> None:
        self.first = s
        try:
            self.reply(s, *answer(running.outcome.result()))
        except KernelError as error:
            self.reply(s, -1, errno=to_host(error.errno))

    def reply(self, s: socket.socket, result: int, data: bytes = b"", errno: int = 0) -> None:
        if s.fileno() >= 0:
            s.sendall(struct.pack("qii", result, errno, len(data)) + data)


def _exactly(s: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = s.recv(length - len(data))
        if not part:
            return b""
        data += part
    return data
