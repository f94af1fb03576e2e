"""TCP sockets: what programs see of connections.

A socket has at most one connection. Both know of one another until the socket is closed or the connection is over,
whichever is first: a closed socket leaves the connection to bring its data over by itself, a connection that is over
leaves behind what has arrived and the reason.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Coroutine
from typing import Any

from rumpnet.core.buffer import Record, StreamBuffer
from rumpnet.core.inet import InetSocket
from rumpnet.core.pcb import is_group
from rumpnet.core.socket import EMPTY, READ_MAX, Received, Sent, Socket
from rumpnet.core.tcp import options, output, timers
from rumpnet.core.tcp.ends import Tcp
from rumpnet.core.tcp.input import QUICK_ACKS, wait_for_fin
from rumpnet.core.tcp.state import CAN_SEND, State
from rumpnet.core.tcp.tcb import NOBODY, Connection, Key, Options
from rumpnet.core.tcp.wheel import NEVER, SECOND
from rumpnet.core.zone import sockaddr
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr, Sockopt

CONNECTING = (State.SYN_SENT, State.SYN_RECEIVED)


class TcpSocket(InetSocket):
    """A stream socket of either Internet domain."""

    def __init__(self, tcp: Tcp, domain: int = const.AF_INET, opt: Options | None = None) -> None:
        self.opt = opt or Options()
        recv_space = tcp.sysctl.recvspace.value
        super().__init__(tcp.net, domain, const.SOCK_STREAM, const.IPPROTO_TCP, tcp.sysctl.sendspace.value, recv_space)
        self.rcv: StreamBuffer = StreamBuffer(recv_space)
        self.tcp = tcp
        self.c: Connection | None = None
        self.used = False
        """Whether there was a connection, which cannot be made anew."""
        self.sending = False
        # listening
        self.backlog = 0
        self.half_open = 0
        self.queue: deque[TcpSocket] | None = None
        # urgent data
        self.mark = -1
        self.at_mark = False
        self.oob = b""
        self.oob_due = False

    # -- state

    @property
    def ttl(self) -> int:
        return self.opt.ttl

    @ttl.setter
    def ttl(self, value: int) -> None:
        self.opt.ttl = value

    @property
    def tos(self) -> int:
        return self.opt.tos

    @tos.setter
    def tos(self, value: int) -> None:
        self.opt.tos = value

    @property
    def connected(self) -> bool:
        c = self.c
        return c is not None and (c.state >= State.ESTABLISHED or (c.state == State.SYN_RECEIVED and self.used))

    @property
    def connecting(self) -> bool:
        return self.c is not None and self.c.state in CONNECTING and not self.connected

    @property
    def can_send(self) -> bool:
        """For poll: whether a send would not be told that there is no connection yet."""
        return self.connected or self.cant_send

    @property
    def urgent(self) -> bool:
        return bool(self.oob) or self.oob_due or self.at_mark

    def incoming(self) -> int:
        return len(self.queue or ()) if self.listening else self.rcv.count

    def space(self) -> int:
        c = self.c
        return max(0, self.snd_hiwat - len(c.snd)) if c is not None else 0

    # -- connections

    def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        """EAFNOSUPPORT, EINVAL when it has a port or is connected, EADDRNOTAVAIL, EACCES, EADDRINUSE, EAGAIN."""
        addr, port = self.endpoint(name)
        if self.lport or self.used:
            raise KernelError(Errno.EINVAL, f"the socket has port {self.lport}")
        if is_group(addr):
            raise KernelError(Errno.EADDRNOTAVAIL, "a stream cannot come from a group")
        self.tcp.ends.bind(self, self.local_address(addr), port, root=ctx.cred.euid == 0)

    def listen(self, backlog: int) -> None:
        """EINVAL when it is connected or connecting. One without a port gets an ephemeral one."""
        if self.c is not None or self.used:
            raise KernelError(Errno.EINVAL, "the socket is or was connected")
        if not self.lport:
            self.tcp.ends.enter(self, self.laddr, self.tcp.ends.free_port(self.laddr))
        self.listening = True
        self.backlog = min(max(backlog, 0), const.SOMAXCONN)
        if self.queue is None:
            self.queue = deque()

    def connect(self, ctx: Context, name: Sockaddr | None) -> Any:
        """EOPNOTSUPP, EISCONN, EALREADY, EINVAL, those of the name, EADDRNOTAVAIL for port 0, EADDRINUSE, of routing.

        Then what comes of it: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH; EINPROGRESS when it may not wait.
        """
        self._open(name)
        assert self.c is not None
        self.tcp.start(self.c)
        self.tcp.flush()
        return self._outcome()

    def _open(self, name: Sockaddr | None) -> None:
        if self.listening:
            raise KernelError(Errno.EOPNOTSUPP, "a socket that listens cannot connect")
        if self.connected:
            raise KernelError(Errno.EISCONN)
        if self.connecting:
            raise KernelError(Errno.EALREADY)
        self.raise_error()
        if self.used:
            raise KernelError(Errno.EINVAL, "the connection of this socket is over")
        addr, port = self._peer(name)
        src = self.source(addr)
        lport = self.lport or self.tcp.port_for(src, addr, port)
        key = (src, lport, addr, port)
        if key in self.tcp.connections:
            raise KernelError(Errno.EADDRINUSE, "there is such a connection")
        c = self._connection(self.net.layers[len(addr)], key)
        if self.lport:
            self.tcp.ends.remove(self)
        c.user = self
        self.c = c
        self.laddr, self.lport, self.faddr, self.fport = key
        try:
            self.tcp.open(c)
        except KernelError:
            self.c = None
            self._disconnected()
            raise

    def _peer(self, name: Sockaddr | None) -> tuple[bytes, int]:
        addr, port = self.endpoint(name)
        if not port:
            raise KernelError(Errno.EADDRNOTAVAIL, "port 0 is nobody's")
        if is_group(addr) or addr == b"\xff\xff\xff\xff" or addr in self.net.interfaces.broadcasts:
            raise KernelError(Errno.EAFNOSUPPORT, "streams go to one host")
        return self.foreign_address(addr), port

    def _outcome(self) -> Any:
        """Of a connect, which may be there already: everything runs at once over lo0."""
        if not self.connecting:
            self.raise_error()
            return None
        if self.nonblocking:
            raise KernelError(Errno.EINPROGRESS)
        return self._connected()

    async def _connected(self) -> None:
        deadline = self.deadline(self.sndtimeo_ns)
        while self.connecting:
            await self.wait(self.writable, deadline)
        self.raise_error()

    def _connection(self, ip: Any, key: Key) -> Connection:
        c = Connection(self.tcp, ip, key, self.rcv, self.opt)
        c.domain, c.options, c.v6only = self.domain, self.options, self.v6only
        c.snd_hiwat = self.snd_hiwat
        self.opt.keepalive = bool(self.options & const.SO_KEEPALIVE)
        self.opt.oobinline = bool(self.options & const.SO_OOBINLINE)
        c.rcv_scale = self.tcp.scale_for(self.rcv.hiwat)
        return c

    # -- as a listener (`rumpnet.core.tcp.listen.Listener`)

    def full(self) -> bool:
        return len(self.queue or ()) > 3 * self.backlog // 2

    def receive_space(self) -> int:
        return self.rcv.hiwat

    def new_connection(self, ip: Any, key: Key) -> Connection:
        so = TcpSocket(self.tcp, self.domain, self.opt.copy())
        so.options, so.linger = self.options, self.linger
        so.rcvtimeo_ns, so.sndtimeo_ns = self.rcvtimeo_ns, self.sndtimeo_ns
        so.rcv.hiwat, so.snd_hiwat, so.v6only = self.rcv.hiwat, self.snd_hiwat, self.v6only
        c = so.c = so._connection(ip, key)
        c.user = so
        so.used = True
        so.laddr, so.lport, so.faddr, so.fport = key
        return c

    def adopt(self, c: Connection) -> None:
        assert self.queue is not None
        assert isinstance(c.user, TcpSocket)
        self.queue.append(c.user)
        self.readable.wake()

    def accept(self) -> Socket | Coroutine[Any, Any, Socket]:
        """EINVAL when it does not listen, ECONNABORTED for one that is over, EAGAIN."""
        if not self.listening:
            raise KernelError(Errno.EINVAL, "the socket does not listen")
        if self.queue:
            return self._next()
        self.may_wait(0)
        return self._accept()

    async def _accept(self) -> Socket:
        deadline = self.deadline(self.rcvtimeo_ns)
        while not self.queue:
            await self.wait(self.readable, deadline)
        return self._next()

    def _next(self) -> Socket:
        assert self.queue
        so = self.queue.popleft()
        if so.c is None and so.error:
            raise KernelError(Errno.ECONNABORTED, "the connection was gone before it was accepted")
        so.nonblocking = self.nonblocking
        return so

    def accepted_name(self) -> Sockaddr:
        return sockaddr(self.faddr, self.fport, domain=self.domain)

    def peername(self) -> Sockaddr:
        if not self.connected:
            raise KernelError(Errno.ENOTCONN)
        return self.accepted_name()

    # -- what the connection tells (`rumpnet.core.tcp.tcb.User`)

    def established(self) -> None:
        self.used = True
        self.wake()

    def arrived(self) -> None:
        c = self.c
        if self.cant_receive and self.rcv:
            self.rcv.clear()
        if c is not None and 0 <= c.rcv_fin < c.rcv_nxt:
            self.cant_receive = True
        self.readable.wake()

    def room(self) -> None:
        c = self.c
        if c is None:
            return
        self._tune_send(c)
        if len(c.snd) + min(self.snd_lowat, self.snd_hiwat) <= self.snd_hiwat:
            self.writable.wake()

    def _tune_send(self, c: Connection) -> None:
        """The buffer grows with the window that it has to fill, unless SO_SNDBUF was set."""
        sysctl = self.tcp.sysctl
        most = sysctl.sendbuf_max.value
        if not c.opt.snd_fixed and self.snd_hiwat < most and sysctl.sendbuf_auto.value:
            want = 2 * min(c.cwnd, c.snd_wnd)
            if want > self.snd_hiwat:
                self.snd_hiwat = min(want, most)

    def urgent_mark(self, distance: int) -> None:
        self.mark = self.rcv.count + distance
        self.at_mark = self.mark == 0
        self.oob, self.oob_due = b"", True
        self.wake()

    def urgent_byte(self, byte: bytes) -> None:
        self.oob_due = False
        if not self.opt.oobinline:
            self.oob = byte
        self.readable.wake()

    def failed(self, errno: int) -> None:
        self.error = errno
        self.ended()

    def ended(self) -> None:
        """The connection is over; what has arrived can still be read."""
        self.c = None
        self.cant_send = self.cant_receive = True
        if not self.used:  # an attempt that failed: another one may be made
            self.cant_send = self.cant_receive = False
            self._disconnected()
        self.wake()

    def _disconnected(self) -> None:
        self.laddr = self.faddr = self.any
        self.lport = self.fport = 0

    # -- sending

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """How much was sent: less than all only when it may not wait.

        EPIPE, pending error, ENOTCONN, EISCONN, EAGAIN. With TCP_FASTOPEN a name makes the connection (RFC 7413).
        """
        if to is not None and self.opt.fastopen and self.c is None and not self.used and not self.listening:
            return self._send_first(data, to)
        self._check_send(to)
        count = 0 if self.sending else self._write(data, flags)
        if count == len(data):
            return count
        if self.nonblocking or flags & const.MSG_DONTWAIT:
            if not count:
                raise KernelError(Errno.EAGAIN)
            return count
        return self._send(data, flags, count)

    async def _send(self, data: Buffer, flags: int, count: int) -> int:
        """Goes on with a send that does not fit; others that send meanwhile wait, so that data stay together."""
        deadline = self.deadline(self.sndtimeo_ns)
        mine = count > 0
        self.sending = self.sending or mine
        view = memoryview(data)
        try:
            while count < len(data):
                self._check_send(None)
                await self.wait(self.writable, deadline)
                if self.sending and not mine:
                    continue
                self._check_send(None)
                self.sending = mine = True
                count += self._write(view[count:], flags)
        except KernelError as error:
            if count and error.errno in (Errno.EINTR, Errno.EAGAIN):
                return count
            raise
        finally:
            if mine:
                self.sending = False
                self.writable.wake()
        return count

    def _check_send(self, to: Sockaddr | None) -> None:
        if self.cant_send and not self.error:
            raise KernelError(Errno.EPIPE, "the socket is shut down for writing")
        self.raise_error()
        if not self.connected:
            raise KernelError(Errno.ENOTCONN)
        if to is not None:
            raise KernelError(Errno.EISCONN)

    def _write(self, data: Buffer, flags: int) -> int:
        """As much as there is room for, and as comes to be while it is sent: over lo0 the peer has it at once."""
        done, view = 0, memoryview(data)
        while done < len(data) and (c := self.c) is not None and c.state in CAN_SEND:
            count = min(len(data) - done, max(0, self.snd_hiwat - len(c.snd)))
            if not count:
                break
            c.snd.append(data if count == len(data) else view[done : done + count])
            done += count
            if flags & const.MSG_OOB and done == len(data):
                c.snd_up = c.snd.end
            output.output(c, self.net.host.monotonic_ns())
            self.tcp.flush()
        return done

    def _send_first(self, data: Buffer, to: Sockaddr) -> Sent:
        """Fast Open: the data go with the SYN if there is a cookie, else as soon as there is a connection."""
        self._open(to)
        c = self.c
        assert c is not None
        count = min(len(data), self.snd_hiwat)
        c.snd.append(memoryview(data)[:count])
        self.tcp.start(c)
        self.tcp.flush()
        if self.nonblocking and not c.syn_data and self.connecting:
            c.snd.clear()
            c.snd.begin = c.snd.end = c.iss + 1
            raise KernelError(Errno.EINPROGRESS)
        if self.nonblocking or not self.connecting:
            self.raise_error()
            return count
        return self._first_sent(count)

    async def _first_sent(self, count: int) -> int:
        await self._connected()
        return count

    def shutdown(self, how: int) -> None:
        """EINVAL, ENOTCONN."""
        if self.listening and how in (const.SHUT_RD, const.SHUT_RDWR):
            self._stop_listening()
            return
        super().shutdown(how)

    def stop_sending(self) -> None:
        super().stop_sending()
        if self.c is not None:
            self.tcp.shut(self.c)
            self.tcp.flush()

    def stop_receiving(self) -> None:
        """What arrives from now on is acknowledged, and thrown away."""
        super().stop_receiving()

    # -- receiving

    def check_receive(self) -> None:
        if not self.connected and not self.connecting:
            raise KernelError(Errno.ENOTCONN)

    def receive(self, length: int, flags: int) -> Received:
        """ENOTCONN, EAGAIN; for MSG_OOB EINVAL when there is none, and EAGAIN while it is under way."""
        if flags & const.MSG_OOB:
            return self._urgent(flags)
        if flags & const.MSG_WAITALL and not flags & (const.MSG_PEEK | const.MSG_DONTWAIT):
            return self._receive_all(min(length, READ_MAX))
        return super().receive(length, flags)

    def try_receive(self, length: int, flags: int) -> Record | None:
        if 0 < self.rcv.count < min(self.rcv_lowat, length) and not self.cant_receive and not self.error:
            return None
        return super().try_receive(length, flags)

    def _urgent(self, flags: int) -> Record:
        if self.opt.oobinline or not (self.oob or self.oob_due):
            raise KernelError(Errno.EINVAL, "there are no urgent data")
        if not self.oob:
            raise KernelError(Errno.EAGAIN, "the urgent byte is not there yet")
        byte = self.oob
        if not flags & const.MSG_PEEK:
            self.oob = b""
        return Record(byte, None, const.MSG_OOB)

    async def _receive_all(self, length: int) -> Record:
        """Less than asked for only at the end, a mark or an error, by a signal, or when the time is over."""
        parts: list[Buffer] = []
        left, deadline = length, self.deadline(self.rcvtimeo_ns)
        try:
            while left and (record := await self._next_part(left, deadline)).data:
                parts.append(record.data)
                left -= len(record.data)
                if self.at_mark:
                    break
        except KernelError:
            if not parts:
                raise
        return Record(b"".join(parts))

    async def _next_part(self, length: int, deadline: int | None) -> Record:
        while (record := self.try_receive(length, 0)) is None:
            self.may_wait(0)
            await self.wait(self.readable, deadline)
        return record

    def take(self, length: int, flags: int) -> Record:
        if not length:
            return EMPTY
        if self.mark > 0:
            length = min(length, self.mark)
        data = self.rcv.take(length, peek=bool(flags & const.MSG_PEEK))
        if not flags & const.MSG_PEEK:
            self._taken(len(data))
        return Record(data)

    def _taken(self, count: int) -> None:
        if self.mark >= 0:
            self.at_mark = False
            self.mark -= count
            if self.mark == 0:
                self.at_mark = True
            elif self.mark < 0:
                self.mark = -1
        if self.c is not None:
            output.window_update(self.c, self.net.host.monotonic_ns())
            self.tcp.flush()

    def at_urgent_mark(self) -> bool:
        """SIOCATMARK."""
        return self.at_mark

    # -- options

    def getopt(self, level: int, name: int) -> Sockopt:
        if level == const.IPPROTO_TCP:
            return options.get(self, name)
        return super().getopt(level, name)

    def setopt(self, level: int, name: int, value: Sockopt | None) -> None:
        if level == const.IPPROTO_TCP:
            options.put(self, name, value)
        else:
            super().setopt(level, name, value)

    def option_set(self, name: int) -> None:
        """An option of SOL_SOCKET was set."""
        if name == const.SO_RCVBUF:
            self.opt.rcv_fixed = True
        elif name == const.SO_SNDBUF:
            self.opt.snd_fixed = True
        elif name == const.SO_KEEPALIVE:
            self.opt.keepalive = bool(self.options & const.SO_KEEPALIVE)
            self.timers_changed()
        elif name == const.SO_OOBINLINE:
            self.opt.oobinline = bool(self.options & const.SO_OOBINLINE)

    def go_on(self, *, push: bool) -> None:
        """What held data back may be gone. With ``push`` they go although TCP_NOPUSH still says otherwise."""
        c = self.c
        if c is not None and c.state >= State.ESTABLISHED and c.unsent:
            cork, self.opt.cork = self.opt.cork, self.opt.cork and not push
            output.output(c, self.net.host.monotonic_ns())
            self.opt.cork = cork
            self.tcp.flush()

    def timers_changed(self) -> None:
        c = self.c
        if c is not None and c.state >= State.ESTABLISHED:
            c.wait_at = NEVER
            timers.start_keepalive(c, self.net.host.monotonic_ns())

    def quick_ack(self, *, on: bool) -> None:
        c = self.c
        if c is None:
            return
        c.quick = QUICK_ACKS if on else 0
        if on and c.delack_at != NEVER:
            output.send_ack(c, self.net.host.monotonic_ns())
            self.tcp.flush()

    # -- the end

    def close(self) -> Any:
        """With SO_LINGER and a time it waits for the data to be taken; with none the connection is reset."""
        if self.closed:
            return None
        c, now = self.c, self.net.host.monotonic_ns()
        unread = self.rcv.count
        super().close()
        if self.listening:
            self._stop_listening()
        if c is None:
            self.tcp.ends.remove(self)
            return None
        linger = self.linger.l_onoff
        if c.state in CONNECTING and not self.connected:
            self._forget(c)
            self.tcp.release(c)
        elif (linger and not self.linger.l_linger) or unread:
            self._forget(c)
            self.tcp.abort(c, now)
            self.tcp.flush()
        elif linger and not self.nonblocking:
            self.tcp.shut(c)
            self.tcp.flush()
            return self._linger(c)
        else:
            self._leave(c, now)
        return None

    def _leave(self, c: Connection, now: int) -> None:
        """The connection goes on alone."""
        self._forget(c)
        self.tcp.shut(c)
        if c.state == State.FIN_WAIT_2:
            wait_for_fin(c, now)
        self.tcp.flush()

    def _forget(self, c: Connection) -> None:
        c.user = NOBODY
        self.c = None

    async def _linger(self, c: Connection) -> None:
        deadline = self.net.host.monotonic_ns() + self.linger.l_linger * SECOND
        while self.c is c and c.snd_una < c.snd_nxt:
            if not await self.writable.wait(deadline):
                break
        if self.c is c:
            self._leave(c, self.net.host.monotonic_ns())

    def _stop_listening(self) -> None:
        """Who waits in the queue is reset."""
        self.listening = False
        self.tcp.syncache.closed(self)
        queue, self.queue = self.queue, None
        for so in queue or ():
            if so.c is not None:
                c = so.c
                so._forget(c)
                self.tcp.abort(c, self.net.host.monotonic_ns())
        self.tcp.ends.remove(self)
        self.tcp.flush()
