"""Timers of processes (timer_create(2), setitimer(2)): each a clock, a moment, a period, and what it does then.

A relative time counts on the monotonic clock, whatever happens to the real one; an absolute one on CLOCK_REALTIME comes
when that clock shows it, so it moves when the clock is set. A timer that repeats keeps to multiples of its period;
expirations that came too late to be told one by one are its overrun. The clocks of a program's processor time are not
known here, since programs are clients: ENOTSUP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rumpkern.core.clock import Clocks, nanoseconds, timespec
from rumpkern.core.proc import Process, ProcessTable
from rumpuser.component import Context
from rumpuser.host import Host
from rumpuser.sigevent import signal_of
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Itimerspec, Sigevent

FIRST = 4
"""The numbers below are those of the interval timers."""
TIMERS_MAX = 32
"""That one process may make (_POSIX_TIMER_MAX)."""
DELAYTIMER_MAX = (1 << 31) - 1
ITIMERS = {const.ITIMER_REAL: const.CLOCK_REALTIME, const.ITIMER_MONOTONIC: const.CLOCK_MONOTONIC}
UNKNOWN = (const.ITIMER_VIRTUAL, const.ITIMER_PROF)
_THEIRS = "the processor time of a client is counted by its own host, whose setitimer(2) sends the same signal"
Post = Callable[[int, int, int], None]
"""Sends a process a signal with a value."""


@dataclass(slots=True, eq=False)
class Timer:
    """One timer. ``due`` is 0 while it is not set, else a moment of ``counts_on``; ``signo`` 0 tells nobody."""

    clock: int
    signo: int
    due: int = 0
    counts_on: int = const.CLOCK_MONOTONIC
    period: int = 0
    overrun: int = 0
    disarm: Callable[[], None] | None = None
    value: int = 0


class Timers:
    """All timers of the kernel, by process and number."""

    def __init__(self, host: Host, clocks: Clocks, processes: ProcessTable, post: Post) -> None:
        self._host = host
        self._clocks = clocks
        self._processes = processes
        self._post = post
        self._timers: dict[int, dict[int, Timer]] = {}
        clocks.when_set.append(self._clock_was_set)
        processes.when_exited.append(lambda process, status: self._drop(process, 0))
        processes.when_execed.append(lambda process: self._drop(process, FIRST))

    def __len__(self) -> int:
        return sum(map(len, self._timers.values()))

    # -- POSIX timers

    def timer_create(self, ctx: Context, clock_id: int, evp: Sigevent | None) -> int:
        """EINVAL for unknown clocks, notifications and signals, ENOTSUP for those of processor time, EAGAIN."""
        if clock_id in (const.CLOCK_VIRTUAL, const.CLOCK_PROF):
            raise KernelError(Errno.ENOTSUP, _THEIRS)
        self._clocks.now(clock_id)
        signo = const.SIGALRM if evp is None else signal_of(evp)
        if not signo and evp is not None and evp.sigev_notify == const.SIGEV_SIGNAL:
            raise KernelError(Errno.EINVAL, "there is no signal 0")
        mine = self._timers.setdefault(self._processes.of(ctx).pid, {})
        number = next((n for n in range(FIRST, FIRST + TIMERS_MAX) if n not in mine), None)
        if number is None:
            raise KernelError(Errno.EAGAIN, f"a process has at most {TIMERS_MAX} timers")
        value = evp.sigev_value if evp is not None else number
        mine[number] = Timer(clock_id, signo, value=value)
        self._record(ctx.pid, number, mine[number])
        return number

    def timer_delete(self, ctx: Context, timerid: int) -> None:
        """EINVAL."""
        self._stop(self._find(ctx, timerid))
        del self._timers[ctx.pid][timerid]
        self._host.records.delete("timers", (ctx.pid, timerid))

    def timer_settime(self, ctx: Context, timerid: int, flags: int, value: Itimerspec | None) -> Itimerspec:
        """What was left of it before. EINVAL."""
        timer = self._find(ctx, timerid)
        if flags & ~const.TIMER_ABSTIME:
            raise KernelError(Errno.EINVAL, f"flags {flags:#x}: TIMER_ABSTIME is the only one")
        before = self._set(ctx.pid, timer, value, absolute=bool(flags & const.TIMER_ABSTIME))
        self._record(ctx.pid, timerid, timer)
        return before

    def timer_gettime(self, ctx: Context, timerid: int) -> Itimerspec:
        """EINVAL."""
        return self._left(self._find(ctx, timerid))

    def timer_getoverrun(self, ctx: Context, timerid: int) -> int:
        """Expirations beside the one that was told last. EINVAL."""
        return min(self._find(ctx, timerid).overrun, DELAYTIMER_MAX)

    def _find(self, ctx: Context, timerid: int) -> Timer:
        timer = self._timers.get(ctx.pid, {}).get(timerid) if timerid >= FIRST else None
        if timer is None:
            raise KernelError(Errno.EINVAL, f"process {ctx.pid} has no timer {timerid}")
        return timer

    # -- interval timers

    def setitimer(self, ctx: Context, which: int, itv: Itimerspec | None) -> Itimerspec:
        """What was left of it before; no value leaves it as it is. EINVAL, ENOTSUP."""
        clock = _itimer_clock(which)
        mine = self._timers.setdefault(self._processes.of(ctx).pid, {})
        timer = mine.get(which)
        if timer is None:
            timer = mine[which] = Timer(clock, const.SIGALRM)
        if itv is None:
            return self._left(timer)
        before = self._set(ctx.pid, timer, itv, absolute=False)
        self._record(ctx.pid, which, timer)
        return before

    def getitimer(self, ctx: Context, which: int) -> Itimerspec:
        """EINVAL, ENOTSUP."""
        _itimer_clock(which)
        timer = self._timers.get(ctx.pid, {}).get(which)
        return self._left(timer) if timer is not None else Itimerspec(timespec(0), timespec(0))

    # -- what outlives kern

    def _record(self, pid: int, number: int, timer: Timer) -> None:
        """When it is set and how; a successor finds out by itself how often it should have expired since."""
        value = (timer.clock, timer.signo, timer.due, timer.counts_on, timer.period, timer.value)
        self._host.records.put("timers", (pid, number), value)

    def restore(self) -> None:
        """For the successor of a kern, when processes and clocks are back."""
        for (pid, number), (clock, signo, due, counts_on, period, event), _ in self._host.records.items("timers"):
            timer = Timer(clock, signo, due, counts_on, period, value=event)
            self._timers.setdefault(pid, {})[number] = timer
            if due:
                self._arm(pid, timer)

    # -- what they do

    def _set(self, pid: int, timer: Timer, value: Itimerspec | None, *, absolute: bool) -> Itimerspec:
        if value is None:
            raise KernelError(Errno.EINVAL, "no time is given")
        first, period = nanoseconds(value.it_value or timespec(0)), nanoseconds(value.it_interval or timespec(0))
        before = self._left(timer)
        self._stop(timer)
        timer.overrun = 0
        timer.period = period
        if first:
            timer.counts_on = timer.clock if absolute else const.CLOCK_MONOTONIC
            timer.due = first if absolute else self._clocks.now(const.CLOCK_MONOTONIC) + first
            self._arm(pid, timer)
        return before

    def _left(self, timer: Timer) -> Itimerspec:
        """Never nothing while it is set."""
        left = max(timer.due - self._clocks.now(timer.counts_on), 1) if timer.due else 0
        return Itimerspec(timespec(timer.period), timespec(left))

    def _arm(self, pid: int, timer: Timer) -> None:
        wait = self._clocks.until(timer.counts_on, timer.due)
        timer.disarm = self._host.call_at(self._host.monotonic_ns() + wait, lambda: self._look(pid, timer))

    def _look(self, pid: int, timer: Timer) -> None:
        """Its time may have come."""
        timer.disarm = None
        late = self._clocks.now(timer.counts_on) - timer.due
        if late < 0:
            self._arm(pid, timer)
            return
        if timer.period:
            timer.overrun = late // timer.period
            timer.due += (timer.overrun + 1) * timer.period
            self._arm(pid, timer)
        else:
            timer.overrun = timer.due = 0
        if timer.signo:
            self._post(pid, timer.signo, timer.value)

    def _stop(self, timer: Timer) -> None:
        timer.due = 0
        if timer.disarm is not None:
            timer.disarm()
            timer.disarm = None

    def _clock_was_set(self) -> None:
        for pid, timers in self._timers.items():
            for timer in timers.values():
                if timer.disarm is not None and timer.counts_on == const.CLOCK_REALTIME:
                    timer.disarm()
                    self._arm(pid, timer)

    def _drop(self, process: Process, first: int) -> None:
        """A process is over, or has a new program, which keeps the interval timers alone."""
        mine = self._timers.pop(process.pid, {})
        for number, timer in mine.items():
            if number >= first:
                self._stop(timer)
                self._host.records.delete("timers", (process.pid, number))
        kept = {number: timer for number, timer in mine.items() if number < first}
        if kept:
            self._timers[process.pid] = kept


def _itimer_clock(which: int) -> int:
    if which in UNKNOWN:
        raise KernelError(Errno.ENOTSUP, _THEIRS)
    if which not in ITIMERS:
        raise KernelError(Errno.EINVAL, f"there is no interval timer {which}")
    return ITIMERS[which]
