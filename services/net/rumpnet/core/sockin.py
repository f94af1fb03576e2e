"""sockin: AF_INET and AF_INET6 by the sockets of the host, one for one (sockin of rump(7)).

There are no interfaces, addresses or routes of the kernel's own: names are those of the host, and so are the rules of
binding, connecting and sending. Only waiting is ours: the host's sockets never block, and calls that wait do so as on
any other socket. The module stands in the place of the kernel's own stack, which has to be unloaded first.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from rumpnet.core.buffer import Record, RecordBuffer
from rumpnet.core.control import arrival
from rumpnet.core.net import Net, Node
from rumpnet.core.socket import EMPTY, READ_MAX, Received, Sent, Socket
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.kauth import Action, authorize
from rumpuser.readiness import IN, OUT, Measure
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr, SockaddrIn, SockaddrIn6, Sockopt

HIWAT = 65536
"""What stands for the buffer of a socket in kevent and fstat; the host's own is asked for with SO_SNDBUF."""

if TYPE_CHECKING:
    from rumpuser.devices.hostsocket import HostSocket

OURS = frozenset(
    {
        const.SO_NOSIGPIPE, const.SO_TIMESTAMP, const.SO_RCVTIMEO, const.SO_SNDTIMEO, const.SO_RCVLOWAT,
        const.SO_SNDLOWAT, const.SO_TYPE, const.SO_ACCEPTCONN, const.SO_OVERFLOWED,
    }
)  # fmt: skip
"""Options that have to do with waiting, with signals, or with what is known here; the host is not asked for them."""


class SockinDomain:
    """A family of the host."""

    def __init__(self, net: Net, family: int) -> None:
        self.net = net
        self.family = family
        self.name = "sockin" if family == const.AF_INET else "sockin6"

    def nodes(self) -> list[Node]:
        return []

    def stop(self) -> None:
        """Nothing is under way that no socket holds."""

    def socket(self, ctx: Context, kind: int, protocol: int) -> Socket:
        """EPERM for raw sockets of users, and what the host says."""
        if kind == const.SOCK_RAW:
            authorize(ctx, Action.NETWORK_SOCKET_RAWSOCK)
        return HostedSocket(self.net, self.net.host.sockets.open(self.family, kind, protocol), kind, protocol)

    def pair(self, ctx: Context, kind: int, protocol: int) -> tuple[Socket, Socket]:
        raise KernelError(Errno.EOPNOTSUPP, "there are no pairs of Internet sockets")


class HostedSocket(Socket):
    """A socket of the host."""

    def __init__(self, net: Net, made: HostSocket, kind: int, protocol: int, client: Sockaddr | None = None) -> None:
        super().__init__(net, made.family, kind, protocol, RecordBuffer(HIWAT))
        self.host = made
        self.connecting = False
        self.client = client
        made.changed = self._changed

    def _changed(self, events: int) -> None:
        if events & OUT or events & (const.POLLHUP | const.POLLERR):
            self.connecting = False
            self.writable.wake()
        if events & ~OUT:
            self.readable.wake()

    # -- names and connections

    def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        """EACCES below 1024 for users, and what the host says."""
        port = name.sin_port if isinstance(name, SockaddrIn) else getattr(name, "sin6_port", 0)
        if 0 < port < 1024:
            authorize(ctx, Action.NETWORK_BIND_PRIVPORT, Errno.EACCES)
        self.host.bind(name)

    def connect(self, ctx: Context, name: Sockaddr | None) -> Any:
        """EINPROGRESS without waiting, EALREADY, EISCONN, ECONNREFUSED and others of the host."""
        if self.connecting:
            raise KernelError(Errno.EALREADY, "a connection is being made")
        if self.type == const.SOCK_STREAM and self.connected:
            raise KernelError(Errno.EISCONN)
        if self.host.connect(name):
            self.wake()
            return None
        self.connecting = True
        if self.nonblocking:
            raise KernelError(Errno.EINPROGRESS, "the connection is being made")
        return self._connect()

    async def _connect(self) -> None:
        """Interrupted, the connection goes on being made."""
        self.connect_by = self.deadline(self.sndtimeo_ns)
        while self.connecting:
            await self.wait(self.writable, self.connect_by)
        error = self._error()
        if error:
            raise KernelError(error, "the host could not connect")

    def _error(self) -> int:
        found = self.host.getopt(const.SOL_SOCKET, const.SO_ERROR)
        return int(getattr(found, "integer", 0))

    def listen(self, backlog: int) -> None:
        self.host.listen(backlog)
        self.listening = True

    def accept(self) -> Socket | Coroutine[Any, Any, Socket]:
        found = self._next()
        if found is not None:
            return found
        self.may_wait(0)
        return self._accept()

    async def _accept(self) -> Socket:
        deadline = self.deadline(self.rcvtimeo_ns)
        while (found := self._next()) is None:
            await self.wait(self.readable, deadline)
        return found

    def _next(self) -> Socket | None:
        accepted = self.host.accept()
        if accepted is None:
            return None
        so = HostedSocket(self.net, accepted[0], self.type, self.protocol, accepted[1])
        so.nonblocking, so.options = self.nonblocking, self.options
        return so

    def accepted_name(self) -> Sockaddr:
        return self.client or self._nobody()

    def _nobody(self) -> Sockaddr:
        return SockaddrIn(bytes(4), 0) if self.domain == const.AF_INET else SockaddrIn6(bytes(16), 0)

    def sockname(self) -> Sockaddr:
        return self.host.sockname() or self._nobody()

    def peername(self) -> Sockaddr:
        return self.host.peername() or self._nobody()

    @property
    def connected(self) -> bool:
        try:
            self.host.peername()
        except KernelError:
            return False
        return True

    def shutdown(self, how: int) -> None:
        """EINVAL, ENOTCONN."""
        if how not in (const.SHUT_RD, const.SHUT_WR, const.SHUT_RDWR):
            raise KernelError(Errno.EINVAL, f"shutdown how {how}")
        self.host.shutdown(how)
        self.cant_receive = self.cant_receive or how != const.SHUT_WR
        self.cant_send = self.cant_send or how != const.SHUT_RD
        self.wake()

    def close(self) -> None:
        super().close()
        self.host.close()

    # -- data

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """What the host says; a stream waits until all is sent."""
        count = self._put(data, flags, to)
        if count == len(data):
            return count
        if self.nonblocking or flags & const.MSG_DONTWAIT:
            if count < 0 or (not count and len(data)):
                raise KernelError(Errno.EAGAIN)
            return count
        return self._send(data, flags, to, count)

    def _put(self, data: Buffer, flags: int, to: Sockaddr | None) -> int:
        """How much the host took; -1 when it would have to wait."""
        count = self.host.send(data, flags, to)
        return -1 if count is None else count

    async def _send(self, data: Buffer, flags: int, to: Sockaddr | None, count: int) -> int:
        deadline = self.deadline(self.sndtimeo_ns)
        done = max(count, 0)
        view = memoryview(data)
        try:
            while done < len(data) or count < 0:
                await self.wait(self.writable, deadline)
                count = self._put(view[done:], flags, to)
                done += max(count, 0)
        except KernelError:
            if not done:
                raise
        return done

    def receive(self, length: int, flags: int) -> Received:
        whole = flags & const.MSG_WAITALL and not flags & (const.MSG_PEEK | const.MSG_DONTWAIT)
        if whole and self.type == const.SOCK_STREAM and not self.nonblocking:
            return self._receive_all(min(length, READ_MAX), flags & ~const.MSG_WAITALL)
        record = self.try_receive(min(length, READ_MAX), flags & ~const.MSG_WAITALL)
        if record is not None:
            return record
        self.may_wait(flags)
        return self._receive(length, flags & ~const.MSG_WAITALL)

    async def _receive_all(self, length: int, flags: int) -> Record:
        """Less only at the end, at an error or a signal, or when the time is over."""
        parts: list[Buffer] = []
        left = length
        try:
            while left and (record := await self._receive(left, flags)).data:
                parts.append(record.data)
                left -= len(record.data)
        except KernelError:
            if not parts:
                raise
        return Record(b"".join(parts))

    def try_receive(self, length: int, flags: int) -> Record | None:
        if not length and self.type == const.SOCK_STREAM:
            return EMPTY
        found = self.host.receive(length, flags)
        if found is None:
            return None
        name = None if self.type == const.SOCK_STREAM else found.name
        return Record(found.data, name, found.flags, arrival(self))

    def available(self) -> int:
        return self.host.available()

    def at_urgent_mark(self) -> bool:
        return self.host.at_mark()

    # -- options

    def keeps(self, name: int) -> bool:
        return name not in OURS

    def getopt(self, level: int, name: int) -> Sockopt:
        return self.host.getopt(level, name)

    def setopt(self, level: int, name: int, value: Sockopt | None) -> None:
        self.host.setopt(level, name, value)

    # -- readiness

    def poll(self) -> int:
        """The host calls a stream that has no connection yet hung up and ready; here it is neither."""
        events, ended = self.host.poll()
        fresh = ended and not events & IN and self.type == const.SOCK_STREAM
        return 0 if fresh else events

    def measure(self, filter: int) -> Measure | None:
        _, ended = self.host.poll()
        events = self.poll()
        if filter == const.EVFILT_READ:
            count = 1 if self.listening and events & IN else self.available()
            return Measure(count, self.rcv_lowat if events & IN else None, eof=ended and bool(events & IN))
        if filter == const.EVFILT_WRITE:
            room = max(0, self.snd_hiwat - self.host.unsent())
            gone = bool(events & (const.POLLHUP | const.POLLERR))
            return Measure(room, 0 if events & OUT else None, eof=self.cant_send or gone)
        return None
