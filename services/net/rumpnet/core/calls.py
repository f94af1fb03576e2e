"""The calls on sockets: from handles and fields of requests to methods of sockets, and back."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from rumpnet.core import options
from rumpnet.core.buffer import Record, owned
from rumpnet.core.control import fit, is_rights, peer_id
from rumpnet.core.net import Net
from rumpnet.core.socket import Received, Sent, Socket
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.kauth import Action, authorize
from rumpuser.pending import EndedError, value_of
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import (
    AcceptResult,
    FcntlResult,
    Flock,
    IoctlArgs,
    IoctlArgsInteger,
    IoctlResult,
    Msghdr,
    PacceptResult,
    RecvfromResult,
    Sockaddr,
    SocketpairResult,
    Sockopt,
    Stat,
    Timespec,
)

T = TypeVar("T")

_TYPE_FLAGS = const.SOCK_CLOEXEC | const.SOCK_NONBLOCK | const.SOCK_NOSIGPIPE
_ACCESS = const.O_RDWR
MMSG_MAX = 1024
"""Messages that one call of sendmmsg or recvmmsg handles."""
CONTROL_MAX = 65536
"""Room for control data where a call names none."""


def then(result: Received, shape: Callable[[Record], T]) -> T | Coroutine[Any, Any, T]:
    """What was received in the shape of a call's answer, also when it has to be waited for."""
    return shape(result) if type(result) is Record else _later(result, shape)  # type: ignore[arg-type]


async def _later(coming: Coroutine[Any, Any, Record], shape: Callable[[Record], T]) -> T:
    return shape(await coming)


class Calls:
    """Handlers; the errnos are those of the methods of `Socket`, after EBADF."""

    def __init__(self, net: Net) -> None:
        self.net = net

    # -- making sockets

    def socket(self, ctx: Context, domain: int, type: int, protocol: int) -> int:
        """EAFNOSUPPORT, EINVAL for unknown flags, EPROTONOSUPPORT, EPROTOTYPE, EPERM, ENOBUFS."""
        authorize(ctx, Action.NETWORK_SOCKET_OPEN)
        so = self.net.domain(domain).socket(ctx, _kind(type), protocol)
        so.nonblocking = bool(type & const.SOCK_NONBLOCK)
        self._own(ctx, so)
        return self.net.install(so)

    def socketpair(self, ctx: Context, domain: int, type: int, protocol: int) -> SocketpairResult:
        """EAFNOSUPPORT, EINVAL, EPROTONOSUPPORT, EPROTOTYPE, EOPNOTSUPP, ENOBUFS."""
        authorize(ctx, Action.NETWORK_SOCKET_OPEN)
        pair = self.net.domain(domain).pair(ctx, _kind(type), protocol)
        self._own(ctx, *pair)
        for so in pair:
            so.nonblocking = bool(type & const.SOCK_NONBLOCK)
        return SocketpairResult(self.net.install(pair[0]), self.net.install(pair[1]))

    def _own(self, ctx: Context, *made: Socket) -> None:
        """Whose they are. ENOBUFS."""
        try:
            self.net.reserve(ctx, sum(so.reserved for so in made), ctx.cred.euid, ctx.cred.subject)
        except KernelError:
            for so in made:
                so.close()
            raise
        for so in made:
            so.identity, so.uid, so.subject = peer_id(ctx), ctx.cred.euid, ctx.cred.subject

    def close(self, ctx: Context, fd: int) -> Any:
        return self.net.forget(fd).close()

    # -- names and connections

    def bind(self, ctx: Context, s: int, name: Sockaddr | None) -> Any:
        return self.net.socket(s).bind(ctx, name)

    def connect(self, ctx: Context, s: int, name: Sockaddr | None) -> Any:
        return self.net.socket(s).connect(ctx, name)

    def connect_wait(self, ctx: Context, s: int) -> Any:
        """EBADF, EAGAIN."""
        return self.net.socket(s).connect_wait()

    def listen(self, ctx: Context, s: int, backlog: int) -> None:
        so = self.net.socket(s)
        so.listen(backlog)
        so.identity = peer_id(ctx)

    def accept(self, ctx: Context, s: int) -> Any:
        """The new socket keeps the listener's O_NONBLOCK. ENOBUFS when its buffers would be too many."""
        so = self._accepting(ctx, s).accept()
        return self._accepted(ctx, so) if isinstance(so, Socket) else self._accept_later(ctx, so, None)

    def _accepting(self, ctx: Context, s: int) -> Socket:
        """A socket, before it gives a connection: those that wait are on nobody's account. ENOBUFS."""
        so = self.net.socket(s)
        if ctx.memory:
            self.net.reserve(ctx, so.reserved, ctx.cred.euid, ctx.cred.subject)
        return so

    def paccept(self, ctx: Context, s: int, mask: int | None, flags: int) -> Any:
        """The flags decide on O_NONBLOCK. The mask is the gateway's business."""
        if flags & ~_TYPE_FLAGS:
            raise KernelError(Errno.EINVAL, f"paccept flags {flags:#x}")
        so = self._accepting(ctx, s).accept()
        if isinstance(so, Socket):
            return PacceptResult(*self._accepted(ctx, so, flags))
        return self._accept_later(ctx, so, flags)

    def _accepted(self, ctx: Context, so: Socket, flags: int | None = None) -> AcceptResult:
        so.uid, so.subject = ctx.cred.euid, ctx.cred.subject
        if flags is not None:
            so.nonblocking = bool(flags & const.SOCK_NONBLOCK)
        return AcceptResult(self.net.install(so), so.accepted_name())

    async def _accept_later(self, ctx: Context, coming: Coroutine[Any, Any, Socket], flags: int | None) -> Any:
        accepted = self._accepted(ctx, await coming, flags)
        return accepted if flags is None else PacceptResult(*accepted)

    def getsockname(self, ctx: Context, s: int) -> Sockaddr:
        return self.net.socket(s).sockname()

    def getpeername(self, ctx: Context, s: int) -> Sockaddr:
        return self.net.socket(s).peername()

    def shutdown(self, ctx: Context, s: int, how: int) -> None:
        self.net.socket(s).shutdown(how)

    # -- data

    def read(self, ctx: Context, fd: int, nbyte: int) -> Any:
        return then(self.net.socket(fd).receive(nbyte, 0), self._data)

    def readv(self, ctx: Context, fd: int, iov: Sequence[int]) -> Any:
        if len(iov) > const.IOV_MAX:
            raise KernelError(Errno.EINVAL, f"{len(iov)} buffers")
        return self.read(ctx, fd, sum(iov))

    def recvfrom(self, ctx: Context, s: int, len: int, flags: int | None) -> Any:
        peek = bool((flags or 0) & const.MSG_PEEK)
        return then(self.net.socket(s).receive(len, flags or 0), self._peeked_from if peek else self._from)

    def recvmsg(self, ctx: Context, s: int, len: int, controllen: int, flags: int) -> Any:
        """Control data as far as there is room; MSG_PEEK shows no descriptors."""
        return then(self.net.socket(s).receive(len, flags), self._message(controllen, flags))

    async def recvmmsg(
        self,
        ctx: Context,
        s: int,
        vlen: int,
        len: int,
        flags: int,
        timeout: Timespec | None,  # noqa: ASYNC109
    ) -> list[Msghdr]:
        """Up to `MMSG_MAX` messages; waits for the first, for the others unless MSG_WAITFORONE. The time is looked at
        after each message. An error after the first message is left for the next call."""
        so = self.net.socket(s)
        deadline = so.deadline(_nanoseconds(timeout)) if timeout is not None else None
        messages: list[Msghdr] = []
        for _ in range(min(vlen, MMSG_MAX)):
            try:
                found = self.recvmsg(ctx, s, len, CONTROL_MAX, flags & ~const.MSG_WAITFORONE)
                messages.append(await value_of(found))
            except KernelError as error:
                if not messages:
                    raise
                if not isinstance(error, EndedError) and error.errno != Errno.EAGAIN:
                    so.error = so.error or error.errno
                break
            if flags & const.MSG_WAITFORONE:
                flags |= const.MSG_DONTWAIT
            if deadline is not None and self.net.host.monotonic_ns() >= deadline:
                break
        return messages

    def _data(self, record: Record) -> Buffer:
        self.net.rights.drop(record.control)
        return record.data

    def _from(self, record: Record) -> RecvfromResult:
        self.net.rights.drop(record.control)
        return self._peeked_from(record)

    def _peeked_from(self, record: Record) -> RecvfromResult:
        return RecvfromResult(owned(record.data), record.name)

    def _message(self, controllen: int, flags: int) -> Callable[[Record], Msghdr]:
        def shape(record: Record) -> Msghdr:
            if not record.control:
                return Msghdr(record.name, owned(record.data), [], record.flags)
            shown = [c for c in record.control if not (flags & const.MSG_PEEK and is_rights(c))]
            control, lost = fit(shown, controllen)
            self.net.rights.drop_tokens(lost)
            truncated = const.MSG_CTRUNC if lost or len(control) < len(shown) else 0
            return Msghdr(record.name, owned(record.data), control, record.flags | truncated)

        return shape

    def write(self, ctx: Context, fd: int, data: Buffer) -> Sent:
        return self.net.socket(fd).send(ctx, data, 0, None)

    def writev(self, ctx: Context, fd: int, iov: Sequence[Buffer]) -> Sent:
        if len(iov) > const.IOV_MAX:
            raise KernelError(Errno.EINVAL, f"{len(iov)} buffers")
        return self.net.socket(fd).send(ctx, iov[0] if len(iov) == 1 else b"".join(iov), 0, None)

    def sendto(self, ctx: Context, s: int, data: Buffer, flags: int | None, to: Sockaddr | None) -> Sent:
        return self.net.socket(s).send(ctx, data, flags or 0, to)

    def sendmsg(self, ctx: Context, s: int, msg: Msghdr | None, flags: int) -> Sent:
        """EOPNOTSUPP for control data where the socket takes none."""
        so = self.net.socket(s)
        message = msg or Msghdr()
        if message.control:
            return so.send_message(ctx, message.data, flags, message.msg_name, message.control)
        return so.send(ctx, message.data, flags, message.msg_name)

    async def sendmmsg(self, ctx: Context, s: int, msgs: Sequence[Msghdr], flags: int) -> int:
        """How many of up to `MMSG_MAX` messages were sent; an error only when it is the first that fails."""
        count = 0
        for message in msgs[:MMSG_MAX]:
            try:
                await value_of(self.sendmsg(ctx, s, message, flags))
            except KernelError:
                if not count:
                    raise
                break
            count += 1
        return count

    # -- options and control

    def getsockopt(self, ctx: Context, s: int, level: int, name: int) -> Sockopt:
        return options.getsockopt(self.net.socket(s), level, name)

    def setsockopt(self, ctx: Context, s: int, level: int, name: int, val: Sockopt | None) -> None:
        so = self.net.socket(s)
        more = options.growth(so, level, name, val)
        if more > 0:
            self.net.reserve(ctx, more, so.uid, so.subject)
        options.setsockopt(so, level, name, val)

    def fstat(self, ctx: Context, fd: int) -> Stat:
        return self.net.socket(fd).stat()

    def fcntl(self, ctx: Context, fd: int, cmd: int, arg: int | None, lock: Flock | None) -> FcntlResult:
        """F_GETFL, F_SETFL, F_GETNOSIGPIPE, F_SETNOSIGPIPE. EINVAL."""
        so = self.net.socket(fd)
        if cmd == const.F_GETFL:
            return FcntlResult(_ACCESS | (const.O_NONBLOCK if so.nonblocking else 0))
        if cmd == const.F_SETFL:
            so.nonblocking = bool((arg or 0) & const.O_NONBLOCK)
            return FcntlResult()
        if cmd == const.F_GETNOSIGPIPE:
            return FcntlResult(int(bool(so.options & const.SO_NOSIGPIPE)))
        if cmd == const.F_SETNOSIGPIPE:
            so.options = so.options | const.SO_NOSIGPIPE if arg else so.options & ~const.SO_NOSIGPIPE
            return FcntlResult()
        raise KernelError(Errno.EINVAL, f"fcntl command {cmd} on a socket")

    def ioctl(self, ctx: Context, fd: int, com: int, data: IoctlArgs | None) -> IoctlResult:
        """FIONREAD, FIONBIO, FIOASYNC, SIOCATMARK. ENOTTY."""
        so = self.net.socket(fd)
        if com == const.FIONREAD:
            return IoctlResult(0, IoctlArgsInteger(so.available()))
        if com == const.FIONBIO:
            so.nonblocking = isinstance(data, IoctlArgsInteger) and bool(data.integer)
            return IoctlResult()
        if com == const.FIOASYNC:
            return IoctlResult()
        if com == const.SIOCATMARK:
            return IoctlResult(0, IoctlArgsInteger(int(so.at_urgent_mark())))
        answer = self.net.ioctl(ctx, com, data)
        return IoctlResult(0, answer) if answer is not None else so.ioctl(ctx, com, data)


def _nanoseconds(time: Timespec) -> int:
    """At least one: 0 would mean for ever. EINVAL."""
    if time.tv_sec < 0 or not 0 <= time.tv_nsec < 10**9:
        raise KernelError(Errno.EINVAL, f"not a time: {time}")
    return max(1, time.tv_sec * 10**9 + time.tv_nsec)


def _kind(type: int) -> int:
    """The type without its flags. EINVAL."""
    if type & ~(const.SOCK_TYPE_MASK | _TYPE_FLAGS):
        raise KernelError(Errno.EINVAL, f"socket type {type:#x}")
    return type & const.SOCK_TYPE_MASK
