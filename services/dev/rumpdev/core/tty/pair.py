"""A pseudo-terminal (pty(4)): a terminal whose other end is a program too.

What the master side writes is typed, what the slave side writes is printed and read by the master. The pair is hung up
when the master closes: then readers of the slave get the end of the file, and writers EIO, for ever; the number of the
pair belongs to a new one from then on. When the last slave closes, the master reads what is left and then the end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from rumpdev.core.tty.jobs import Jobs
from rumpdev.core.tty.ldisc import LineDiscipline
from rumpdev.core.tty.settings import DEFAULTS, Signal
from rumpuser.component import Context
from rumpuser.host import Buffer, Host
from rumpuser.kauth import Action, permitted
from rumpuser.pending import Channel, Pending
from rumpuser.readiness import ANY, IN, OUT, Measure, Selinfo
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Winsize

TENTH_NS = 100_000_000
_INTERRUPTING = (Signal.INT, Signal.QUIT, Signal.TSTP)


class Pair:
    """Both sides of a terminal. ``session`` and ``group`` are whose controlling terminal it is, 0 for nobody's."""

    def __init__(self, unit: int, host: Host, jobs: Jobs) -> None:
        self.unit = unit
        self.host = host
        self.jobs = jobs
        self.ldisc = LineDiscipline()
        self.changed = Channel(host)
        self.master_news = Selinfo()
        self.slave_news = Selinfo()
        self.master = False
        self.hung_up = False
        self.slaves = 0
        self.opened_once = False
        self.exclusive = False
        self.packets = False
        self.session = self.group = 0
        self.leavers: set[int] = set()
        """Processes of the session that gave the terminal up (TIOCNOTTY)."""
        self.size = Winsize()
        self.posted: list[tuple[int, Signal]] = []
        """The last signals: process group, and which."""
        self._readers: dict[Pending[bool], int] = {}
        self._interrupted: set[Pending[bool]] = set()

    def news(self, master: int = ANY, slave: int = ANY) -> None:
        """Something has changed, for those who wait and those who poll: what may hold now for each side."""
        self.changed.wake()
        if master:
            self.master_news.notify(master)
        if slave:
            self.slave_news.notify(slave)

    # -- opening and closing

    def open_master(self) -> None:
        """EIO when it is open."""
        if self.master:
            raise KernelError(Errno.EIO, f"somebody else has terminal {self.unit}")
        self.master = True
        self.news()

    def close_master(self) -> None:
        self.master = False
        self.hung_up = True
        self.packets = False
        self.ldisc.flush(const.FREAD | const.FWRITE)
        if self.session and not self.ldisc.termios.c_cflag & const.CLOCAL:
            self._post(self.session, Signal.HUP)
        self.news()

    def open_slave(self, ctx: Context, flags: int) -> Awaitable[None] | None:
        """EBUSY with TIOCEXCL; waits for the master unless O_NONBLOCK is given (EINTR)."""
        if self.exclusive and self.slaves and not permitted(ctx.cred, Action.DEVICE_TTY_OPEN):
            raise KernelError(Errno.EBUSY, "somebody has the terminal for himself (TIOCEXCL)")
        if not self.slaves:
            self.ldisc.flush(const.FREAD)
            self.ldisc.set(DEFAULTS)
        self.slaves += 1
        if self.master or flags & const.O_NONBLOCK:
            self._has_opened()
            return None
        return self._wait_for_master()

    async def _wait_for_master(self) -> None:
        try:
            while not self.master:
                await self.changed.wait()
        except BaseException:
            self.close_slave()
            raise
        self._has_opened()

    def _has_opened(self) -> None:
        self.opened_once = True
        self.news()

    def close_slave(self) -> None:
        self.slaves -= 1
        if self.slaves == 0:
            self.session = self.group = 0
            self.leavers.clear()
            self.exclusive = False
            self.ldisc.flush(const.FREAD)
            self.ldisc.go_on()
        self.news()

    @property
    def free(self) -> bool:
        return not self.master and not self.slaves

    # -- the master's side

    def master_read(self, flags: int, length: int) -> Any:
        """With TIOCPKT a byte before the data, or instead of it. EAGAIN, EINTR; empty when the slave was closed."""
        data = self._fetch(length)
        return self._fetch_later(flags, length) if data is None else data

    def _fetch(self, length: int) -> bytes | None:
        ldisc = self.ldisc
        if self.packets and ldisc.events:
            events, ldisc.events = ldisc.events, 0
            return bytes((events,))[:length]
        data = ldisc.transmit(length - 1 if self.packets else length)
        if data:
            self.news(0, OUT)
            return b"\0" + data if self.packets else data
        if not length or (self.opened_once and not self.slaves):
            return b""
        return None

    async def _fetch_later(self, flags: int, length: int) -> bytes:
        while True:
            if flags & const.O_NONBLOCK:
                raise KernelError(Errno.EAGAIN, "nothing was printed")
            await self.changed.wait()
            data = self._fetch(length)
            if data is not None:
                return data

    async def master_write(self, flags: int, data: Buffer) -> int:
        """How much was typed. EIO when the slave was closed, EAGAIN, EINTR."""

        def put(rest: memoryview) -> int:
            if not self.slaves:
                if self.opened_once:
                    raise KernelError(Errno.EIO, "nobody has the terminal open any more")
                return 0
            return self.ldisc.receive(rest)

        return await self._put_all(flags, data, put, slave=IN)

    # -- the slave's side

    def slave_read(self, ctx: Context, flags: int, length: int) -> Any:
        """A line with ICANON, else by VMIN and VTIME. EAGAIN, EINTR, EIO in the background."""
        if not self.session and not self.hung_up and self._line_ready():
            return self._taken(length)
        return self._slave_read(ctx, flags, length)

    def _line_ready(self) -> bool:
        return bool(self.ldisc.termios.c_lflag & const.ICANON) and self.ldisc.finished

    def _taken(self, length: int) -> bytes:
        data = self.ldisc.read(length)
        self.news(OUT, 0)
        return data

    async def _slave_read(self, ctx: Context, flags: int, length: int) -> bytes:
        await self._in_foreground(ctx)
        timer = Timer(self)
        while self.master:
            if self.ldisc.termios.c_lflag & const.ICANON:
                ready, deadline = self.ldisc.finished, None
            else:
                ready, deadline = timer.look(length)
            if ready:
                data = self._taken(length)
                await self.deliver()
                return data
            if flags & const.O_NONBLOCK:
                raise KernelError(Errno.EAGAIN, "nothing was typed")
            await self._sleep(ctx, deadline)
        return b""

    async def _sleep(self, ctx: Context, deadline: int | None) -> None:
        """Until something changes, the time is over, or a signal comes (EINTR)."""
        pending = self.changed.wait(deadline)
        self._readers[pending] = ctx.pid
        try:
            await pending
            if pending in self._interrupted:  # it had been woken, but not run
                raise KernelError(Errno.EINTR, "a signal of the terminal")
        finally:
            self._readers.pop(pending, None)
            self._interrupted.discard(pending)

    async def slave_write(self, ctx: Context, flags: int, data: Buffer) -> int:
        """How much was taken. EIO when the master is closed or, with TOSTOP, in the background; EAGAIN, EINTR."""
        if self.ldisc.termios.c_lflag & const.TOSTOP:
            await self._in_foreground(ctx)

        def put(rest: memoryview) -> int:
            if not self.master:
                raise KernelError(Errno.EIO, "the master of the terminal is closed")
            return self.ldisc.write(rest)

        return await self._put_all(flags, data, put, slave=0)

    async def _put_all(self, flags: int, data: Buffer, put: Callable[[memoryview], int], *, slave: int) -> int:
        """All of it, unless one may not wait; after an error or a signal what was done until then."""
        rest = memoryview(data).cast("B")
        done = 0
        try:
            while True:
                count = put(rest[done:])
                if count:
                    done += count
                    self.news(IN, slave)  # to the master it is an echo
                await self.deliver()
                if done == len(rest):
                    return done
                if flags & const.O_NONBLOCK:
                    raise KernelError(Errno.EAGAIN, "the terminal takes no more now")
                await self.changed.wait()
        except KernelError:
            if done:
                return done
            raise

    async def drain(self) -> None:
        """Waits until all is printed (TIOCDRAIN). EIO, EINTR."""
        while len(self.ldisc.output):
            if not self.master:
                raise KernelError(Errno.EIO, "the master of the terminal is closed")
            await self.changed.wait()

    # -- readiness

    def measure_master(self, filter: int) -> Measure:
        if filter == const.EVFILT_READ:
            ldisc = self.ldisc
            events = self.packets and bool(ldisc.events)
            there = 0 if ldisc.stopped else len(ldisc.output)
            return Measure(there + events, eof=self.opened_once and not self.slaves)
        return Measure(0 if self.ldisc.full or not self.slaves else 1, eof=self.opened_once and not self.slaves)

    def measure_slave(self, filter: int) -> Measure:
        if filter == const.EVFILT_READ:
            lines = self.ldisc.termios.c_lflag & const.ICANON
            ready = self.ldisc.finished if lines else self.ldisc.available >= max(1, self._least)
            return Measure(self.ldisc.available, 0 if ready else None, eof=not self.master)
        return Measure(self.ldisc.output.room, eof=not self.master)

    @property
    def _least(self) -> int:
        """VMIN, where no time goes with it."""
        cc = self.ldisc.termios.c_cc
        return cc[const.VMIN] if not cc[const.VTIME] else 1

    # -- whose it is

    async def _in_foreground(self, ctx: Context) -> None:
        """EIO for a process of the session that is not in the foreground: there is nothing that would stop it."""
        if not self.session or ctx.pid in self.leavers or await self.jobs.session(ctx.pid) != self.session:
            return
        if await self.jobs.group(ctx.pid) != self.group:
            raise KernelError(Errno.EIO, f"process {ctx.pid} is in the background of its terminal")

    async def deliver(self) -> None:
        """What was raised goes to the foreground: whoever of it waits for the terminal is interrupted."""
        signals, self.ldisc.signals = self.ldisc.signals, []
        if not self.group:
            return
        for signal in signals:
            self._post(self.group, signal)
        if any(signal in _INTERRUPTING for signal in signals) and self._readers:
            members = await self.jobs.members(self.group)
            for pending, pid in list(self._readers.items()):
                if pid in members and pending in self._readers:
                    self._interrupted.add(pending)
                    pending.fail(KernelError(Errno.EINTR, "a signal of the terminal"))

    def leader_left(self) -> None:
        """The leader of its session has ended: the terminal is nobody's, and who is in the foreground hears of it."""
        if self.group:
            self._post(self.group, Signal.HUP)
        self.session = self.group = 0
        self.leavers.clear()
        self.news()

    def resize(self, size: Winsize) -> None:
        if size != self.size:
            self.size = size
            if self.group:
                self._post(self.group, Signal.WINCH)

    def _post(self, group: int, signal: Signal) -> None:
        del self.posted[:-15]
        self.posted.append((group, signal))
        self.jobs.post(group, signal)


class Timer:
    """VMIN and VTIME of one read: how many characters it wants, and how long it waits for the first or the next."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._begun = pair.host.monotonic_ns()
        self._seen = 0

    def look(self, length: int) -> tuple[bool, int | None]:
        """Whether the read is over, else until when it waits (None: for ever)."""
        ldisc = self._pair.ldisc
        cc = ldisc.termios.c_cc
        least, limit = min(cc[const.VMIN], length), cc[const.VTIME] * TENTH_NS
        count, now = ldisc.available, self._pair.host.monotonic_ns()
        if count >= max(least, 1) or (not least and not limit) or not length:
            return True, None
        if count != self._seen:
            self._seen, self._begun = count, now
        if not limit or (least and not count):
            return False, None
        return now >= self._begun + limit, self._begun + limit
