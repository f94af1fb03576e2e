"""The stream of a TCP socket: what its program writes and reads, and what the connection tells of it.

A send is taken as far as SO_SNDBUF goes, and waits for more room while others that send wait behind it, so that data
stay together. A read stops at the mark of urgent data.
"""

from __future__ import annotations

from rumpnet.core.buffer import Record, StreamBuffer
from rumpnet.core.inet import InetSocket
from rumpnet.core.socket import EMPTY, READ_MAX, Received, Sent
from rumpnet.core.tcp import options, output
from rumpnet.core.tcp.ends import Tcp
from rumpnet.core.tcp.state import CAN_SEND, State
from rumpnet.core.tcp.tcb import Connection, Options
from rumpuser.component import Context
from rumpuser.host import Buffer
from rumpuser.pending import EndedError
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Cmsg, Sockaddr, TcpInfo

CONNECTING = (State.SYN_SENT, State.SYN_RECEIVED)


class TcpStream(InetSocket):
    """A socket with perhaps a connection."""

    def __init__(self, tcp: Tcp, domain: int, opt: Options | None) -> None:
        self.opt = opt or Options()
        recv_space = tcp.sysctl.recvspace.value
        super().__init__(tcp.net, domain, const.SOCK_STREAM, const.IPPROTO_TCP, tcp.sysctl.sendspace.value, recv_space)
        self.rcv: StreamBuffer = StreamBuffer(recv_space)
        self.tcp = tcp
        self.c: Connection | None = None
        self.used = False
        """Whether there was a connection, which cannot be made anew."""
        self.sending = False
        self.deferred = 0
        """TCP_FASTOPEN_CONNECT: the most that goes with the SYN, which waits for the first send."""
        self.last_info: TcpInfo | None = None
        """What TCP_INFO tells of a connection that has failed."""
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
        return self.connected or self.cant_send or self.deferred > 0

    def poll(self) -> int:
        """An attempt to connect that has failed is a hang-up, too, until its error was read."""
        return super().poll() | (const.POLLHUP if self.error and not self.used else 0)

    @property
    def urgent(self) -> bool:
        return bool(self.oob) or self.oob_due or self.at_mark

    def incoming(self) -> int:
        return self.rcv.count

    def space(self) -> int:
        """For poll. With TCP_NOTSENT_LOWAT there is some when half of what may wait unsent has been sent."""
        c = self.c
        if c is None or (self.tcp.sysctl.send_records.value and not self._roomy(c)):
            return 0
        lowat = self.tcp.notsent_lowat(c)
        return max(0, self.snd_hiwat - len(c.snd)) if not lowat or 2 * c.unsent < lowat else 0

    def _roomy(self, c: Connection) -> bool:
        """Whether it is worth to wake who waits for room: for SO_SNDLOWAT, or as Linux for a third of the buffer."""
        if self.tcp.sysctl.send_records.value:
            return 3 * len(c.snd) <= 2 * self.snd_hiwat
        return len(c.snd) + min(self.snd_lowat, self.snd_hiwat) <= self.snd_hiwat

    def _room(self, c: Connection) -> int:
        """Bytes that a send may add. With send_records whoever has begun a packet below the bound may fill it."""
        if self.tcp.sysctl.send_records.value:
            whole = output.record_size(c)
            if begun := c.unsent % whole:
                return whole - begun
            return whole if self._below(c) > 0 else 0
        return self._below(c)

    def _below(self, c: Connection) -> int:
        room = self.snd_hiwat - len(c.snd)
        if lowat := self.tcp.notsent_lowat(c):
            room = min(room, lowat - c.unsent)
        return max(0, room)

    # -- what the connection tells (`rumpnet.core.tcp.tcb.User`)

    def established(self) -> None:
        self.used = True
        self.wake()

    def arrived(self) -> None:
        c = self.c
        if self.cant_receive and self.rcv and not self.tcp.sysctl.read_after_shutdown.value:
            self.rcv.clear()
        if c is not None and 0 <= c.rcv_fin < c.rcv_nxt:
            self.cant_receive = True
        self.readable.wake()

    def room(self) -> None:
        c = self.c
        if c is None:
            return
        self._tune_send(c)
        if self._roomy(c):
            self.writable.wake()

    def _tune_send(self, c: Connection) -> None:
        """The buffer grows with the window that it has to fill, unless SO_SNDBUF was set."""
        sysctl = self.tcp.sysctl
        most = sysctl.sendbuf_max.value
        if not c.opt.snd_fixed and self.snd_hiwat < most and sysctl.sendbuf_auto.value:
            want = 2 * min(c.cwnd, c.snd_wnd)
            if want > self.snd_hiwat:
                self.snd_hiwat = min(want, most, self.snd_hiwat + sysctl.sendbuf_inc.value)

    def urgent_mark(self, distance: int) -> None:
        self.mark = self.rcv.count + distance
        self.at_mark = self.mark == 0
        self.oob, self.oob_due = b"", True
        self.wake()
        self.net.urgent(self)

    def urgent_byte(self, byte: bytes) -> None:
        self.oob_due = False
        if not self.opt.oobinline:
            self.oob = byte
        self.readable.wake()

    def failed(self, errno: int) -> None:
        passive = self.used and errno == Errno.ECONNREFUSED  # it was there already, by Fast Open
        self.error = Errno.ECONNRESET if passive else errno
        if self.c is not None:
            self.last_info = options.info_of(self.c, self.net.host.monotonic_ns())
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
        """How much was sent; not all only when it may not wait. EPIPE, pending error, ENOTCONN, EISCONN, EAGAIN."""
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
            if count and (isinstance(error, EndedError) or error.errno == Errno.EAGAIN):
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
        if not self.connected and not (self.connecting and self.tcp.sysctl.send_early.value):
            raise KernelError(Errno.ENOTCONN)
        if to is not None:
            raise KernelError(Errno.EISCONN)

    def _write(self, data: Buffer, flags: int) -> int:
        """As much as there is room for, and as comes to be while it is sent: over lo0 the peer has it at once."""
        done, view = 0, memoryview(data)
        while done < len(data) and (c := self.c) is not None and c.state in CAN_SEND:
            count = min(len(data) - done, self._room(c))
            if not count:
                break
            c.snd.append(data if count == len(data) else view[done : done + count])
            done += count
            self._mark_end(c, flags, last=done == len(data))
            cork, self.opt.cork = self.opt.cork, self.opt.cork or bool(flags & const.MSG_MORE)
            output.output(c, self.net.host.monotonic_ns())
            self.opt.cork = cork
            self.tcp.flush()
        return done

    @staticmethod
    def _mark_end(c: Connection, flags: int, *, last: bool) -> None:
        """What the flags say of the data that were just appended."""
        if not flags & const.MSG_MORE:
            c.push_seq = c.snd.end
        if last and flags & const.MSG_OOB:
            c.snd_up = c.snd.end
        if last and flags & const.MSG_EOR:
            c.eor.append(c.snd.end)

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
        return Record(b"".join(parts), control=self._inq() if self.opt.inq else ())

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
        return Record(data, control=self._inq()) if self.opt.inq else Record(data)

    def _inq(self) -> list[Cmsg]:
        """TCP_INQ: how much is left to read, at least 1 when the end is next, so that nobody waits to learn of it."""
        left = self.rcv.count or int(self.cant_receive)
        return [Cmsg(const.IPPROTO_TCP, const.TCP_INQ, left.to_bytes(4, "little"))]

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
