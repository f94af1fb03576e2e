"""TCP sockets: what programs see of connections.

A socket has at most one connection. Both know of one another until the socket is closed or the connection is over,
whichever is first: a closed socket leaves the connection to bring its data over by itself, a connection that is over
leaves behind what has arrived and the reason.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from rumpnet.core.pcb import is_group
from rumpnet.core.socket import Accepting, Sent
from rumpnet.core.tcp import options, output, timers
from rumpnet.core.tcp.ends import Tcp
from rumpnet.core.tcp.input import QUICK_ACKS, wait_for_fin
from rumpnet.core.tcp.state import State
from rumpnet.core.tcp.stream import CONNECTING, TcpStream
from rumpnet.core.tcp.tcb import NOBODY, Connection, Key, Options
from rumpnet.core.tcp.wheel import NEVER, SECOND
from rumpnet.core.zone import sockaddr
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr, Sockopt


class TcpSocket(Accepting, TcpStream):
    """A stream socket of either Internet domain."""

    def __init__(self, tcp: Tcp, domain: int = const.AF_INET, opt: Options | None = None) -> None:
        super().__init__(tcp, domain, opt)
        self.half_open = 0
        self.queue: deque[TcpSocket] | None = None

    # -- connections

    def bind(self, ctx: Context, name: Sockaddr | None) -> None:
        """EAFNOSUPPORT, EINVAL when it has a port or is connected, EADDRNOTAVAIL, EACCES, EADDRINUSE, EAGAIN."""
        addr, port = self.endpoint(name)
        if self.lport or self.used:
            raise KernelError(Errno.EINVAL, f"the socket has port {self.lport}")
        if is_group(addr):
            raise KernelError(Errno.EADDRNOTAVAIL, "a stream cannot come from a group")
        self.tcp.ends.bind(ctx, self, self.local_address(addr), port)

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
        c = self.c
        assert c is not None
        if self.opt.fastopen or self.opt.fastopen_connect:
            room = self.tcp.fastopen.prepare(c, self.net.host.monotonic_ns())
            if room and self.opt.fastopen_connect:
                self.deferred = room
                return None
        self.tcp.start(c)
        self.tcp.flush()
        self._check_first()
        return self._outcome()

    def _check_first(self) -> None:
        """What keeps the first segment from leaving is told at once. EHOSTDOWN, ENETDOWN and others of the route."""
        c = self.c
        if c is not None and c.state == State.SYN_SENT and c.softerror not in (0, Errno.ENOBUFS):
            self.tcp.drop(c, c.softerror)

    def _open(self, name: Sockaddr | None) -> None:
        if self.listening:
            raise KernelError(Errno.EOPNOTSUPP, "a socket that listens cannot connect")
        if self.connected or self.deferred:
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
        self.connect_by = self.deadline(self.sndtimeo_ns)
        while self.connecting:
            await self.wait(self.writable, self.connect_by)
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

    def incoming(self) -> int:
        return len(self.queue or ()) if self.listening else super().incoming()

    def full(self) -> bool:
        return len(self.queue or ()) > 3 * self.backlog // 2

    def receive_space(self) -> int:
        return self.rcv.hiwat

    def new_connection(self, ip: Any, key: Key) -> Connection:
        so = TcpSocket(self.tcp, self.domain, self.opt.copy())
        so.own = self.own
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

    def taken(self) -> None:
        if self.c is None and self.error and not self.rcv.count:
            raise KernelError(Errno.ECONNABORTED, "the connection was gone before it was accepted")

    def accepted_name(self) -> Sockaddr:
        return sockaddr(self.faddr, self.fport, domain=self.domain)

    def peername(self) -> Sockaddr:
        if not self.connected:
            raise KernelError(Errno.ENOTCONN)
        return self.accepted_name()

    # -- sending

    def send(self, ctx: Context, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """As a stream; with TCP_FASTOPEN or MSG_FASTOPEN a name makes the connection (RFC 7413), with the errnos of
        connect. EOPNOTSUPP for MSG_FASTOPEN while a sysctl forbids it. With a connection MSG_FASTOPEN says nothing."""
        first = bool(self.deferred) and self.c is not None
        if flags & const.MSG_FASTOPEN and not first:
            if not self.tcp.sysctl.fastopen_client.value:
                raise KernelError(Errno.EOPNOTSUPP, "net.inet.tcp.fastopen.client_enable is off")
            if self.connected:
                to = None
        fast = bool(self.opt.fastopen or flags & const.MSG_FASTOPEN) and to is not None
        if first or (fast and not self.used and not self.listening and not self.connected):
            return self._send_first(data, flags, None if first else to)
        return super().send(ctx, data, flags, to)

    def _send_first(self, data: Buffer, flags: int, to: Sockaddr | None) -> Sent:
        """Fast Open: the data go with the SYN if there is a cookie, else as soon as there is a connection.

        Who may not wait sends what fits into the SYN. EINPROGRESS when that is nothing.
        """
        if to is not None:
            self._open(to)
        c = self.c
        assert c is not None
        room, self.deferred = self.deferred or self.tcp.fastopen.prepare(c, self.net.host.monotonic_ns()), 0
        wait = not self.nonblocking and not flags & const.MSG_DONTWAIT
        c.syn_data = min(len(data), room)
        count = min(len(data), self.snd_hiwat) if wait else c.syn_data
        if count:
            c.snd.append(memoryview(data)[:count])
            c.push_seq = c.snd.end
        self.tcp.start(c)
        self.tcp.flush()
        if not wait and not c.syn_data and self.connecting:
            raise KernelError(Errno.EINPROGRESS)
        if not wait or not self.connecting:
            self.raise_error()
            return count
        return self._first_sent(data, flags, count)

    async def _first_sent(self, data: Buffer, flags: int, count: int) -> int:
        await self._connected()
        return count if count == len(data) else await self._send(data, flags, count)

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
