"""What all sockets have alike (socket(9)): state, buffers, options, waiting.

How waiting works: a call that cannot go on waits on ``readable`` or ``writable`` and then looks again, since others may
have been quicker. Whoever puts data into a socket wakes ``readable``, whoever makes room for its sender ``writable``; a
change of state (error, shutdown, end of the peer, close) wakes both. A call that does not have to wait returns its
value and never becomes a coroutine. Data go before errors, errors before the end: what has arrived can always be read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rumpnet.core.buffer import Record, RecordBuffer, StreamBuffer
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.pending import Channel
from rumpuser.readiness import IN, OUT, Measure, Selectable, SelectChannel, Selinfo
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Cmsg, IoctlArgs, IoctlResult, Linger, Sockaddr, Sockopt, Stat, Unpcbid

if TYPE_CHECKING:
    from rumpnet.core.net import Net

READ_MAX = 16 << 20
"""One call gives at most this much: it travels in one message."""
EMPTY = Record()
SND_LOWAT = 2048
"""Room from which on a socket counts as writable."""
READABLE = IN | const.POLLPRI | const.POLLRDBAND | const.POLLHUP | const.POLLERR
WRITABLE = OUT | const.POLLHUP | const.POLLERR

Received = Record | Coroutine[Any, Any, Record]
Sent = int | Coroutine[Any, Any, int]


def refuse_control(control: object) -> None:
    """EOPNOTSUPP."""
    if control:
        raise KernelError(Errno.EOPNOTSUPP, "this socket takes no control messages")


class Socket(Selectable):
    """A socket. The methods that stand for calls list their errnos in the order in which they are found."""

    listening = False
    own = False
    """Whether it is the kernel's own, which no program has."""
    connect_by: int | None = None
    """When the time of a connect that waits is over (SO_SNDTIMEO), also for a successor that goes on with it."""

    def __init__(self, net: Net, domain: int, kind: int, protocol: int, buffer: RecordBuffer | StreamBuffer) -> None:
        self.net = net
        self.domain = domain
        self.type = kind
        self.protocol = protocol
        self.handle = 0
        self.rcv: RecordBuffer | StreamBuffer = buffer
        self.snd_hiwat = buffer.hiwat
        self.rcv_lowat = 1
        self.snd_lowat = SND_LOWAT
        self._selinfo = Selinfo()
        self.readable: Channel = SelectChannel(net.host, self._selinfo, READABLE)
        self.writable: Channel = SelectChannel(net.host, self._selinfo, WRITABLE)
        self.nonblocking = False
        self.options = 0
        self.linger = Linger()
        self.rcvtimeo_ns = 0
        self.sndtimeo_ns = 0
        self.error = 0
        self.cant_send = False
        self.cant_receive = False
        self.closed = False
        self.uid = 0
        self.subject = ""
        """Whose account its buffers are on: a user, and an identity of a policy."""
        self.identity = Unpcbid()
        """Who made it, or has it listen: the peer's LOCAL_PEEREID."""
        self.overflowed = 0
        """Datagrams that were dropped for want of room (SO_OVERFLOWED)."""

    # -- names and connections: what the domains define

    def bind(self, ctx: Context, name: Sockaddr | None) -> Any:
        raise NotImplementedError

    def connect(self, ctx: Context, name: Sockaddr | None) -> Any:
        raise NotImplementedError

    async def connect_wait(self) -> None:
        """Until a connection that is being made is there, or has failed. EBADF, EAGAIN when the time is over."""
        while not self.poll() & WRITABLE:
            await self.wait(self.writable, self.connect_by)

    def listen(self, backlog: int) -> None:
        """EOPNOTSUPP for sockets that take no connections."""
        raise KernelError(Errno.EOPNOTSUPP, "this type of socket takes no connections")

    def accept(self) -> Socket | Coroutine[Any, Any, Socket]:
        """EOPNOTSUPP, EINVAL when it does not listen, ECONNABORTED, EAGAIN."""
        raise KernelError(Errno.EOPNOTSUPP, "this type of socket takes no connections")

    def accepted_name(self) -> Sockaddr:
        """Of one that was accepted: whom it was connected to then, who may be gone by now."""
        raise NotImplementedError

    def sockname(self) -> Sockaddr:
        raise NotImplementedError

    def peername(self) -> Sockaddr:
        """ENOTCONN."""
        raise NotImplementedError

    @property
    def connected(self) -> bool:
        raise NotImplementedError

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """EOPNOTSUPP for MSG_OOB, EPIPE, pending error, EISCONN, ENOTCONN or EDESTADDRREQ, EMSGSIZE, EAGAIN."""
        raise NotImplementedError

    def send_message(
        self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None, control: Sequence[Cmsg]
    ) -> Sent:
        """`send` with control data. EOPNOTSUPP for sockets that take none, after EINVAL and others of the data."""
        refuse_control(control)
        return self.send(ctx, data, flags, to)

    def shutdown(self, how: int) -> None:
        """EINVAL, ENOTCONN."""
        if how not in (const.SHUT_RD, const.SHUT_WR, const.SHUT_RDWR):
            raise KernelError(Errno.EINVAL, f"shutdown how {how}")
        if not self.connected:
            raise KernelError(Errno.ENOTCONN)
        if how != const.SHUT_WR:
            self.stop_receiving()
        if how != const.SHUT_RD:
            self.stop_sending()

    def close(self) -> Any:
        """Ends the socket; calls that wait on it end with EBADF. It may wait itself (SO_LINGER)."""
        self.closed = True
        self.discard()
        self.wake()

    def discard(self) -> None:
        """Forgets what has arrived, and the descriptors in it."""
        if any(True for _ in self.rcv.control()):
            self.net.rights.drop(list(self.rcv.control()))
        self.rcv.clear()

    def waiting_control(self) -> Iterable[Cmsg]:
        """The control data that nobody has received yet, here and in connections that wait to be accepted."""
        return self.rcv.control()

    def getopt(self, level: int, name: int) -> Sockopt:
        """Options of the protocol. ENOPROTOOPT."""
        raise KernelError(Errno.ENOPROTOOPT, f"option {name:#x} of level {level}")

    def setopt(self, level: int, name: int, value: Sockopt | None) -> None:
        """Options of the protocol. ENOPROTOOPT, EINVAL."""
        raise KernelError(Errno.ENOPROTOOPT, f"option {name:#x} of level {level}")

    def option_set(self, name: int) -> None:
        """An option of level SOL_SOCKET was set, which the protocol may want to know."""

    def keeps(self, name: int) -> bool:
        """Whether the protocol itself keeps an option of level SOL_SOCKET."""
        return False

    # -- receiving

    @property
    def reserved(self) -> int:
        """Bytes that its buffers may hold."""
        return self.rcv.hiwat + self.snd_hiwat

    def receive(self, length: int, flags: int) -> Received:
        """EOPNOTSUPP for MSG_OOB, pending error, ENOTCONN, EAGAIN; empty at the end of a stream."""
        if flags & const.MSG_OOB:
            raise KernelError(Errno.EOPNOTSUPP, "there are no out-of-band data")
        length = min(length, READ_MAX)
        record = self.try_receive(length, flags)
        if record is not None:
            return record
        self.may_wait(flags)
        if self.net.host.linger(self._receives):
            if self.closed:
                raise KernelError(Errno.EBADF, "the socket was closed")
            record = self.try_receive(length, flags)
            if record is not None:
                return record
        return self._receive(length, flags)

    def _receives(self) -> bool:
        """Whether a receive that waits goes on."""
        return bool(self.rcv) or self.cant_receive or self.closed or self.error != 0

    async def _receive(self, length: int, flags: int) -> Record:
        deadline = self.deadline(self.rcvtimeo_ns)
        while (record := self.try_receive(length, flags)) is None:
            await self.wait(self.readable, deadline)
        return record

    def try_receive(self, length: int, flags: int) -> Record | None:
        """None when it has to wait."""
        if self.rcv and (self.rcv.count >= min(self.rcv_lowat, length) or self.cant_receive or self.gives_less(flags)):
            return self.take(length, flags)
        self.raise_error()
        if self.cant_receive:
            return EMPTY
        self.check_receive()
        return None if length else EMPTY

    def gives_less(self, flags: int) -> bool:
        """Whether what is there is given although it is less than SO_RCVLOWAT: records always, streams at need."""
        return isinstance(self.rcv, RecordBuffer) or bool(flags & const.MSG_DONTWAIT or self.error)

    def check_receive(self) -> None:
        """ENOTCONN for types that need a connection to receive."""

    def take(self, length: int, flags: int) -> Record:
        """The next record, cut to ``length``; what does not fit is lost (MSG_TRUNC says so) unless it was a peek."""
        assert isinstance(self.rcv, RecordBuffer)
        record = self.rcv.take(peek=bool(flags & const.MSG_PEEK))
        if len(record.data) > length:
            cut = memoryview(record.data)[:length]
            return Record(bytes(cut), record.name, record.flags | const.MSG_TRUNC, record.control)
        return record

    # -- state

    def stop_receiving(self) -> None:
        """Nothing more arrives; what has arrived is dropped (sorflush)."""
        self.cant_receive = True
        self.discard()
        self.wake()

    def stop_sending(self) -> None:
        """Nothing more is sent; a connected peer sees the end."""
        self.cant_send = True
        self.writable.wake()

    def fail(self, errno: int) -> None:
        """The next call that looks gets the error."""
        self.error = errno
        self.wake()

    def raise_error(self) -> None:
        """Raises the pending error, once."""
        error, self.error = self.error, 0
        if error:
            raise KernelError(error, "pending error of the socket")

    def check_send(self, flags: int) -> None:
        """EOPNOTSUPP, EPIPE, pending error."""
        if flags & const.MSG_OOB:
            raise KernelError(Errno.EOPNOTSUPP, "there are no out-of-band data")
        if self.cant_send:
            raise KernelError(Errno.EPIPE, "the socket is shut down for writing")
        self.raise_error()

    # -- readiness

    @property
    def selinfo(self) -> Selinfo:
        return self._selinfo

    @property
    def can_send(self) -> bool:
        """Whether a send could do anything at all: not before a connection, for types that need one."""
        return True

    @property
    def urgent(self) -> bool:
        """Whether there are out-of-band data."""
        return False

    def incoming(self) -> int:
        """Bytes that can be read, or connections that can be accepted; never 0 when there is something."""
        return self.rcv.count or bool(self.rcv)

    def space(self) -> int:
        """Bytes that can be sent without waiting."""
        return self.snd_hiwat

    def measure(self, filter: int) -> Measure | None:
        if filter == const.EVFILT_READ:
            least = 1 if self.listening else self.rcv_lowat
            return Measure(self.incoming(), least, eof=self.cant_receive, error=self.error)
        if filter == const.EVFILT_WRITE:
            lowat = min(self.snd_lowat, self.snd_hiwat) if self.can_send else None
            return Measure(self.space() if self.can_send else 0, lowat, eof=self.cant_send, error=self.error)
        return None

    def poll(self) -> int:
        """POLLHUP when nothing can be sent or received any more, POLLERR for a pending error."""
        reading, writing = self.measure(const.EVFILT_READ), self.measure(const.EVFILT_WRITE)
        events = IN if reading is not None and reading.ready else 0
        if writing is not None and writing.ready:
            events |= OUT
        if self.urgent:
            events |= const.POLLPRI | const.POLLRDBAND
        if self.cant_send and self.cant_receive:
            events |= const.POLLHUP
        return events | const.POLLERR if self.error else events

    # -- waiting

    def wake(self) -> None:
        self.readable.wake()
        self.writable.wake()

    def may_wait(self, flags: int) -> None:
        """EAGAIN for non-blocking sockets and calls."""
        if self.nonblocking or flags & const.MSG_DONTWAIT:
            raise KernelError(Errno.EAGAIN)

    def deadline(self, timeout_ns: int) -> int | None:
        return self.net.host.monotonic_ns() + timeout_ns if timeout_ns else None

    async def wait(self, channel: Channel, deadline: int | None) -> None:
        """EBADF when the socket was closed meanwhile, EAGAIN when the time is over."""
        woken = await channel.wait(deadline)
        if self.closed:
            raise KernelError(Errno.EBADF, "the socket was closed")
        if not woken:
            raise KernelError(Errno.EAGAIN, "timed out")

    # -- control

    def at_urgent_mark(self) -> bool:
        """SIOCATMARK: whether urgent data begin where the next read does."""
        return False

    def stat(self) -> Stat:
        return Stat(st_mode=const.S_IFSOCK, st_nlink=1, st_blksize=self.snd_hiwat, st_ino=self.handle)

    def ioctl(self, ctx: Context, com: int, data: IoctlArgs | None) -> IoctlResult:
        """Requests of the protocol. ENOTTY."""
        raise KernelError(Errno.ENOTTY, f"ioctl {com:#x} on a socket")

    def available(self) -> int:
        """FIONREAD: bytes that one read gives at most."""
        return self.rcv.first


class Accepting(Socket):
    """A socket that can listen: connections wait in ``queue`` until they are accepted."""

    backlog = 0
    queue: deque[Any] | None

    def accept(self) -> Socket | Coroutine[Any, Any, Socket]:
        """EINVAL when it does not listen, ECONNABORTED for one that is over, EAGAIN."""
        if not self.listening:
            raise KernelError(Errno.EINVAL, "the socket does not listen")
        if self.queue:
            return self._next(self.queue)
        self.may_wait(0)
        return self._accept()

    async def _accept(self) -> Socket:
        deadline = self.deadline(self.rcvtimeo_ns)
        while not self.queue:
            await self.wait(self.readable, deadline)
        return self._next(self.queue)

    def _next(self, queue: deque[Any]) -> Socket:
        so: Accepting = queue.popleft()
        so.taken()
        so.nonblocking = self.nonblocking
        return so

    def taken(self) -> None:
        """It has been accepted. ECONNABORTED when it is over already."""
        raise NotImplementedError
