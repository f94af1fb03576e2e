"""The local domain (unix(4)): sockets within one kernel, with names in its file system.

A connected pair has no wire between: sending puts the data into the peer's receive buffer at once, bounded by what the
sender may have under way (SO_SNDBUF) and what the receiver takes (SO_RCVBUF). Streams and sequenced packets wait while
there is no room; a datagram for a full socket is refused with ENOBUFS, as in the original.

Names are nodes that vfs keeps. A bound socket's node holds the socket's id; who connects asks vfs for the id behind a
path, and vfs checks permissions. The node outlives the socket: connecting to it is then ECONNREFUSED.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from rumpnet.core.buffer import Record, RecordBuffer, StreamBuffer, owned
from rumpnet.core.control import arrival, check_local, credentials, peer_id, tokens_of
from rumpnet.core.localname import path_of
from rumpnet.core.net import Knob, Net, Node, table
from rumpnet.core.options import SB_MAX, integer
from rumpnet.core.socket import EMPTY, READ_MAX, Accepting, Received, Sent, Socket
from rumpnet.core.tables import PCBLIST, local_pcb
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.pending import EndedError, value_of
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Cmsg, Sockaddr, SockaddrUn, Sockopt, SockoptInteger, SysctlPcbs, Unpcbid

NODE_MODE = 0o777
STREAM_SPACE = 65536
"""Above the original's 8 KiB: a change of turns costs more here than memory does."""
TYPES = {
    const.SOCK_STREAM: ("stream", STREAM_SPACE, STREAM_SPACE),
    const.SOCK_SEQPACKET: ("seqpacket", STREAM_SPACE, STREAM_SPACE),
    const.SOCK_DGRAM: ("dgram", 9216, 65536),
}
"""Name, send and receive space at boot."""
_FLAGS = (const.LOCAL_CREDS, const.LOCAL_CONNWAIT)
_WANT_CREDS = 1 << const.LOCAL_CREDS
_BIND, _LOOKUP = OPS["socket_bind"], OPS["socket_lookup"]


class LocalDomain:
    """AF_LOCAL."""

    family = const.AF_LOCAL
    name = "local"

    def __init__(self, net: Net) -> None:
        self.net = net
        self.send_space = {kind: Knob(send, 1, SB_MAX) for kind, (_, send, _) in TYPES.items()}
        self.recv_space = {kind: Knob(recv, 1, SB_MAX) for kind, (_, _, recv) in TYPES.items()}

    def nodes(self) -> list[Node]:
        found = []
        for kind, (name, _, _) in TYPES.items():
            number = [const.CTL_NET, const.AF_LOCAL, kind]
            send, recv = self.send_space[kind], self.recv_space[kind]
            found += [
                send.node(f"net.local.{name}.sendspace", [*number, 1024], f"Send buffer of a new {name} socket"),
                recv.node(f"net.local.{name}.recvspace", [*number, 1025], f"Receive buffer of a new {name} socket"),
                self._pcblist(name, kind),
            ]
        inflight = "Descriptors that were sent and not yet received"
        return [*found, Node("net.local.inflight", [const.CTL_NET, const.AF_LOCAL, 1100], inflight, self._inflight)]

    def _pcblist(self, name: str, kind: int) -> Node:
        def get() -> SysctlPcbs:
            sockets = (so for so in self.net.sockets.values() if isinstance(so, LocalSocket) and so.type == kind)
            return SysctlPcbs([local_pcb(so, name) for so in sockets])

        number = [const.CTL_NET, const.AF_LOCAL, kind, PCBLIST]
        return table(f"net.local.{name}.pcblist", number, f"Sockets of type {name}", get)

    def _inflight(self) -> int:
        return sum(len(tokens_of(so.waiting_control())) for so in self.net.sockets.values())

    def stop(self) -> None:
        """Nothing is under way that no socket holds."""

    def socket(self, ctx: Context, kind: int, protocol: int) -> LocalSocket:
        """EPROTONOSUPPORT, EPROTOTYPE."""
        if protocol:
            raise KernelError(Errno.EPROTONOSUPPORT, f"the local domain has no protocol {protocol}")
        if kind == const.SOCK_DGRAM:
            return LocalDatagram(self, kind)
        if kind in (const.SOCK_STREAM, const.SOCK_SEQPACKET):
            return LocalStream(self, kind)
        raise KernelError(Errno.EPROTOTYPE, f"the local domain has no socket type {kind}")

    def pair(self, ctx: Context, kind: int, protocol: int) -> tuple[Socket, Socket]:
        one, two = self.socket(ctx, kind, protocol), self.socket(ctx, kind, protocol)
        one.peer, two.peer = two, one
        one.peer_id = two.peer_id = peer_id(ctx)
        if isinstance(two, LocalDatagram) and isinstance(one, LocalDatagram):
            one.senders.add(two)
            two.senders.add(one)
        return one, two

    async def find(self, ctx: Context, path: bytes, kind: int) -> LocalSocket:
        """The socket behind a name. What vfs says (ENOENT, EACCES, ENOTSOCK), ECONNREFUSED, EPROTOTYPE."""
        so = self.net.by_id(await value_of(self._vfs().call(ctx, _LOOKUP, (path,))))
        if not isinstance(so, LocalSocket):
            raise KernelError(Errno.ECONNREFUSED, "the socket of that name is closed")
        if so.type != kind:
            raise KernelError(Errno.EPROTOTYPE, f"the socket of that name is of type {so.type}, not {kind}")
        return so

    async def enter(self, ctx: Context, path: bytes, so: LocalSocket) -> None:
        """Gives a socket a name. What vfs says (EADDRINUSE, EACCES, ENOENT, EROFS)."""
        await value_of(self._vfs().call(ctx, _BIND, (path, NODE_MODE, self.net.id_of(so))))

    def _vfs(self) -> Any:
        try:
            return self.net.bus.peer("vfs")
        except KernelError as error:
            text = "names of local sockets are in the file system, and the vfs faction is not running"
            raise KernelError(Errno.ENOSYS, text, "net") from error


class LocalSocket(Socket):
    """What the types have alike. ``peer`` is whom the data go to."""

    def __init__(self, domain: LocalDomain, kind: int, buffer: RecordBuffer | StreamBuffer) -> None:
        super().__init__(domain.net, const.AF_LOCAL, kind, 0, buffer)
        self.snd_hiwat = domain.send_space[kind].value
        self.local = domain
        self.name = SockaddrUn()
        self.binding = False
        self.peer: LocalSocket | None = None
        self.peer_id: Unpcbid | None = None
        self.flags = 0
        """LOCAL_CREDS and LOCAL_CONNWAIT, a bit each."""

    @property
    def connected(self) -> bool:
        return self.peer is not None

    async def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        """EAFNOSUPPORT, EINVAL when it has a name or that is no name, EADDRINUSE, what vfs says, EBADF."""
        path = path_of(name)
        if self.name.sun_path or self.binding:
            raise KernelError(Errno.EINVAL, "the socket has a name")
        self.binding = True
        try:
            await self.local.enter(ctx, path, self)
        finally:
            self.binding = False
        if self.closed:
            raise KernelError(Errno.EBADF, "the socket was closed")
        self.name = SockaddrUn(path)

    def sockname(self) -> Sockaddr:
        return self.name

    def getopt(self, level: int, name: int) -> Sockopt:
        """LOCAL_CREDS, LOCAL_CONNWAIT; LOCAL_PEEREID of one that was connected (EINVAL). ENOPROTOOPT."""
        if level == const.SOL_LOCAL and name in _FLAGS:
            return SockoptInteger(int(bool(self.flags & 1 << name)))
        if level == const.SOL_LOCAL and name == const.LOCAL_PEEREID:
            if self.peer_id is None:
                raise KernelError(Errno.EINVAL, "the socket has not been connected")
            return self.peer_id
        return super().getopt(level, name)

    def setopt(self, level: int, name: int, value: Sockopt | None) -> None:
        if level != const.SOL_LOCAL or name not in _FLAGS:
            super().setopt(level, name, value)
        self.flags = self.flags | 1 << name if integer(value) else self.flags & ~(1 << name)

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        return self.send_message(ctx, data, flags, to, ())

    def accompanied(self, ctx: Context, control: Sequence[Cmsg], target: LocalSocket) -> Sequence[Cmsg]:
        """The control data of a message to another socket, with the sender's credentials where that wants them."""
        if not target.flags & _WANT_CREDS:
            return control
        if target.type != const.SOCK_DGRAM:
            target.flags &= ~_WANT_CREDS  # a stream tells them once
        return (credentials(ctx), *control)

    def peername(self) -> Sockaddr:
        if self.peer is None:
            raise KernelError(Errno.ENOTCONN)
        return self.peer.name


class LocalStream(Accepting, LocalSocket):
    """Streams and sequenced packets, which differ in whether the bounds of what was sent are kept."""

    def __init__(self, domain: LocalDomain, kind: int) -> None:
        space = domain.recv_space[kind].value
        super().__init__(domain, kind, StreamBuffer(space) if kind == const.SOCK_STREAM else RecordBuffer(space))
        self.atomic = kind == const.SOCK_SEQPACKET
        self.sending = False
        self.ended = False
        self.queue: deque[LocalStream] = deque()
        self.client_name = SockaddrUn()
        self.accepted = False

    @property
    def can_send(self) -> bool:
        return self.peer is not None

    def incoming(self) -> int:
        return len(self.queue) if self.listening else super().incoming()

    def waiting_control(self) -> Iterable[Cmsg]:
        return itertools.chain(self.rcv.control(), *(server.rcv.control() for server in self.queue))

    def space(self) -> int:
        rcv = self.peer.rcv if self.peer is not None else self.rcv
        return max(0, min(rcv.space, self.snd_hiwat - rcv.count))

    # -- connections

    def listen(self, backlog: int) -> None:
        """EINVAL without a name or with a connection."""
        if not self.name.sun_path or self.peer is not None or self.ended:
            raise KernelError(Errno.EINVAL, "only a socket with a name and without a peer can listen")
        self.listening = True
        self.backlog = min(max(backlog, 0), const.SOMAXCONN)

    async def connect(self, ctx: Context, name: Sockaddr | None) -> None:
        """EAFNOSUPPORT, EINVAL, EOPNOTSUPP when it listens, EISCONN, what vfs says, EPROTOTYPE, ECONNREFUSED."""
        path = path_of(name)
        self._check_connect()
        target = await self.local.find(ctx, path, self.type)
        self._check_connect()
        assert isinstance(target, LocalStream)
        if not target.listening:
            raise KernelError(Errno.ECONNREFUSED, "nobody listens there")
        if len(target.queue) > 3 * target.backlog // 2:
            raise KernelError(Errno.ECONNREFUSED, f"{len(target.queue)} connections wait there already")
        server = LocalStream(self.local, self.type)
        server.name, server.options = target.name, target.options
        server.snd_hiwat, server.rcv.hiwat = target.snd_hiwat, target.rcv.hiwat
        self.peer, server.peer = server, self
        server.client_name = self.name
        server.flags, self.peer_id, server.peer_id = target.flags, target.identity, peer_id(ctx)
        target.queue.append(server)
        target.readable.wake()
        self.wake()
        if self.flags & 1 << const.LOCAL_CONNWAIT:
            await self._accepted_by(server)

    async def _accepted_by(self, server: LocalStream) -> None:
        """LOCAL_CONNWAIT: until somebody has accepted, or the connection is gone. ECONNRESET, EBADF, EINTR."""
        while not server.accepted and self.peer is server:
            await self.wait(self.writable, None)
        self.raise_error()

    def _check_connect(self) -> None:
        if self.closed:
            raise KernelError(Errno.EBADF, "the socket was closed")
        if self.listening:
            raise KernelError(Errno.EOPNOTSUPP, "a socket that listens cannot connect")
        if self.peer is not None or self.ended:
            raise KernelError(Errno.EISCONN)

    def taken(self) -> None:
        self.accepted = True
        if self.peer is not None:
            self.peer.writable.wake()

    def accepted_name(self) -> Sockaddr:
        return self.client_name

    def close(self) -> None:
        """The peer reads what is left and then the end; those who were not accepted get ECONNRESET."""
        queue, self.queue = self.queue, deque()
        self.listening = False
        for server in queue:
            client = server.peer
            server.close()
            if client is not None:
                client.fail(Errno.ECONNRESET)
        peer, self.peer = self.peer, None
        if isinstance(peer, LocalStream):
            peer.peer = None
            peer.ended = peer.cant_send = peer.cant_receive = True
            peer.wake()
        super().close()

    def stop_sending(self) -> None:
        super().stop_sending()
        if self.peer is not None:
            self.peer.cant_receive = True
            self.peer.wake()

    def stop_receiving(self) -> None:
        super().stop_receiving()
        if self.peer is not None:
            self.peer.cant_send = True
            self.peer.wake()

    # -- data

    def check_receive(self) -> None:
        if self.peer is None:
            raise KernelError(Errno.ENOTCONN)

    def receive(self, length: int, flags: int) -> Received:
        if flags & const.MSG_WAITALL and not flags & (const.MSG_PEEK | const.MSG_DONTWAIT) and not self.atomic:
            return self._receive_all(min(length, READ_MAX))
        return super().receive(length, flags)

    async def _receive_all(self, length: int) -> Record:
        """Less than asked for only at the end, at an error or a signal, or when the time is over."""
        parts: list[Buffer] = []
        control: list[Cmsg] = []
        left, deadline = length, self.deadline(self.rcvtimeo_ns)
        try:
            while left and (record := await self._next_part(left, deadline)).data:
                parts.append(record.data)
                control += record.control
                left -= len(record.data)
                if isinstance(self.rcv, StreamBuffer) and self.rcv.at_mark:
                    break
        except KernelError:
            if not parts:
                raise
        return Record(b"".join(parts), control=control)

    async def _next_part(self, length: int, deadline: int | None) -> Record:
        while (record := self.try_receive(length, 0)) is None:
            self.may_wait(0)
            await self.wait(self.readable, deadline)
        return record

    def take(self, length: int, flags: int) -> Record:
        if isinstance(self.rcv, StreamBuffer):
            record = self._take_bytes(length, peek=bool(flags & const.MSG_PEEK)) if length else EMPTY
        else:
            record = super().take(length, flags)
        if self.peer is not None:
            self.peer.writable.wake()
        return record

    def _take_bytes(self, length: int, *, peek: bool) -> Record:
        assert isinstance(self.rcv, StreamBuffer)
        control = self.rcv.take_mark(peek=peek)
        return Record(self.rcv.take(length, peek=peek), control=control)

    def send_message(
        self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None, control: Sequence[Cmsg]
    ) -> Sent:
        """Streams: how much was sent, less than all when it may not wait; records are sent whole."""
        self._check_send(flags, to)
        limit = self._limit()
        if self.atomic and len(data) > limit:
            raise KernelError(Errno.EMSGSIZE, f"a record of {len(data)} bytes; {limit} is the most")
        if control:
            check_local(control)
            if not len(data) and not self.atomic:
                raise KernelError(Errno.EINVAL, "in a stream control data go with at least one byte")
        count = self._put(ctx, data, flags, control) if not self.sending else -1 if self.atomic else 0
        if count == len(data):
            return count
        if self.nonblocking or flags & const.MSG_DONTWAIT:
            if count <= 0:
                raise KernelError(Errno.EAGAIN)
            return count
        return self._send(ctx, data, flags, count, control)

    async def _send(self, ctx: Context, data: Buffer, flags: int, count: int, control: Sequence[Cmsg]) -> int:
        """Goes on with a send that does not fit; others that send meanwhile wait, so that data stay together."""
        deadline = self.deadline(self.sndtimeo_ns)
        mine = count > 0
        self.sending = self.sending or mine
        try:
            while max(count, 0) < len(data) or count < 0:
                await self.wait(self.writable, deadline)
                if self.sending and not mine:
                    continue
                self._check_send(flags, None)
                self.sending = mine = True
                done = self._put(ctx, memoryview(data)[max(count, 0) :], flags, () if count > 0 else control)
                count = done if count < 0 else count + max(done, 0)
        except KernelError as error:
            if count > 0 and (isinstance(error, EndedError) or error.errno == Errno.EAGAIN):
                return count
            raise
        finally:
            if mine:
                self.sending = False
                self.writable.wake()
        return count

    def _check_send(self, flags: int, to: Sockaddr | None) -> None:
        self.check_send(flags)
        if self.peer is None:
            raise KernelError(Errno.ENOTCONN)
        if to is not None:
            raise KernelError(Errno.EISCONN)

    def _limit(self) -> int:
        """How much may be under way."""
        assert self.peer is not None
        return min(self.snd_hiwat, self.peer.rcv.hiwat)

    def _put(self, ctx: Context, data: Buffer, flags: int, control: Sequence[Cmsg]) -> int:
        """How much went into the peer's buffer; -1 when a record, which may be empty, did not fit."""
        peer = self.peer
        assert peer is not None
        rcv = peer.rcv
        if isinstance(rcv, RecordBuffer):
            if not rcv.fits(len(data)) or rcv.count + len(data) > self.snd_hiwat:
                return -1
            control = self.accompanied(ctx, control, peer)
            rcv.append(Record(owned(data), self.name, flags & const.MSG_EOR, control))
            count = len(data)
        else:
            count = min(rcv.space, max(0, self.snd_hiwat - rcv.count), len(data))
            if not count:
                return 0
            if control := self.accompanied(ctx, control, peer):
                rcv.mark(control)
            rcv.append(data if count == len(data) else memoryview(data)[:count])
        peer.readable.wake()
        return count


class LocalDatagram(LocalSocket):
    """Datagrams. ``senders`` are those that are connected to this socket."""

    def __init__(self, domain: LocalDomain, kind: int) -> None:
        super().__init__(domain, kind, RecordBuffer(domain.recv_space[kind].value))
        self.senders: set[LocalDatagram] = set()

    async def connect(self, ctx: Context, name: Sockaddr | None) -> None:
        """No name dissolves the connection. EAFNOSUPPORT, EINVAL, what vfs says, ECONNREFUSED, EPROTOTYPE."""
        if name is None:
            self._disconnect()
            return
        target = await self.local.find(ctx, path_of(name), self.type)
        assert isinstance(target, LocalDatagram)
        if self.closed:
            raise KernelError(Errno.EBADF, "the socket was closed")
        self._disconnect()
        self.peer = target
        target.senders.add(self)

    def _disconnect(self) -> None:
        if isinstance(self.peer, LocalDatagram):
            self.peer.senders.discard(self)
        self.peer = None

    def send_message(
        self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None, control: Sequence[Cmsg]
    ) -> Sent:
        """EOPNOTSUPP, EPIPE, pending error, EISCONN, EDESTADDRREQ, EMSGSIZE, EINVAL, those of the name, ENOBUFS."""
        self.check_send(flags)
        if to is not None and self.peer is not None:
            raise KernelError(Errno.EISCONN)
        if to is None and self.peer is None:
            raise KernelError(Errno.EDESTADDRREQ, "not connected, and no address given")
        if len(data) > self.snd_hiwat:
            raise KernelError(Errno.EMSGSIZE, f"a datagram of {len(data)} bytes; {self.snd_hiwat} is the most")
        check_local(control)
        if to is not None:
            return self._send_to(ctx, data, path_of(to), control)
        assert self.peer is not None
        return self._put(ctx, self.peer, data, control)

    async def _send_to(self, ctx: Context, data: Buffer, path: bytes, control: Sequence[Cmsg]) -> int:
        return self._put(ctx, await self.local.find(ctx, path, self.type), data, control)

    def _put(self, ctx: Context, target: LocalSocket, data: Buffer, control: Sequence[Cmsg]) -> int:
        rcv = target.rcv
        assert isinstance(rcv, RecordBuffer)
        if target.cant_receive or not rcv.fits(len(data)):
            target.overflowed += not target.cant_receive
            raise KernelError(Errno.ENOBUFS, "the receiver has no room")
        control = (*self.accompanied(ctx, control, target), *arrival(target))
        rcv.append(Record(owned(data), self.name, 0, control))
        target.readable.wake()
        return len(data)

    def close(self) -> None:
        """Those that are connected to it get ECONNRESET."""
        self._disconnect()
        senders, self.senders = self.senders, set()
        for sender in senders:
            sender.peer = None
            sender.fail(Errno.ECONNRESET)
        super().close()
