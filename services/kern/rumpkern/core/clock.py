"""Clocks and sleeping (clock_gettime(2), nanosleep(2), gettimeofday(2), adjtime(2)).

The kernel's real time is the host's plus an offset of its own: setting the clock moves the offset and never touches
the host. The monotonic clock counts from the start of the kernel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

from rumpkern.core.proc import ProcessTable
from rumpuser.component import Context
from rumpuser.host import Host
from rumpuser.kauth import Action
from rumpuser.pending import Channel
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Timespec

log = logging.getLogger(__name__)
SECOND = 1_000_000_000
RESOLUTION = 1
"""Nanoseconds; the host's clocks count them."""
FAST, SLOW = 200, 2000
"""Of adjtime: the time that one nanosecond takes to be brought in."""
NAP = 86_400 * SECOND
"""Longest single timer: hosts do not take timers of any length."""
LAST = 1 << 40
"""Seconds beyond which no time is set and no sleep ends (34 thousand years)."""


def timespec(ns: int) -> Timespec:
    return Timespec(*divmod(ns, SECOND))


def nanoseconds(tp: Timespec | None) -> int:
    """EINVAL for no time, a negative one, or a fraction out of range."""
    if tp is None or tp.tv_sec < 0 or not 0 <= tp.tv_nsec < SECOND:
        raise KernelError(Errno.EINVAL, f"not a time: {tp}")
    return tp.tv_sec * SECOND + tp.tv_nsec


class Slew(NamedTuple):
    """A change of real time that is brought in slowly: 5 ms a second while more than a second is left, then 0.5 ms."""

    begun: int
    total: int

    def done(self, now: int) -> int:
        """Nanoseconds, by a moment of the host's monotonic clock."""
        if not self.total:
            return 0
        size, elapsed = abs(self.total), now - self.begun
        fast = max(0, size - SECOND)
        hurry = min(elapsed, fast * FAST)
        gained = min(size, hurry // FAST + (elapsed - hurry) // SLOW)
        return gained if self.total > 0 else -gained


class Clocks:
    """The clocks of the kernel."""

    def __init__(self, host: Host, processes: ProcessTable) -> None:
        self._host = host
        self._processes = processes
        self._offset = 0
        self._start = host.monotonic_ns()
        self._slew = Slew(0, 0)
        self._sleepers: set[Channel] = set()
        self.warn = 0
        """Whether steps of real time are logged (kern.timecounter.timestepwarnings)."""
        self.when_set: list[Callable[[], None]] = []
        """Called when real time has jumped."""
        self.boottime = host.realtime_ns()

    def now(self, clock_id: int) -> int:
        """Nanoseconds. EINVAL for clocks that are not there."""
        if clock_id == const.CLOCK_REALTIME:
            return self._host.realtime_ns() + self._offset + self._slew.done(self._host.monotonic_ns())
        if clock_id == const.CLOCK_MONOTONIC:
            return self._host.monotonic_ns() - self._start
        raise KernelError(Errno.EINVAL, f"there is no clock {clock_id}; there are CLOCK_REALTIME and CLOCK_MONOTONIC")

    def until(self, clock_id: int, moment: int) -> int:
        """How long to wait before looking at a clock again, 0 when it shows the moment.

        While real time is being brought forward it gets there earlier than it seems.
        """
        left = min(max(moment - self.now(clock_id), 0), NAP)
        if clock_id == const.CLOCK_REALTIME and self._slew.total > 0:
            left -= left // FAST
        return left

    @property
    def slewing(self) -> int:
        """Nanoseconds that adjtime has not brought in yet."""
        return self._slew.total - self._slew.done(self._host.monotonic_ns())

    # -- for a successor

    def record(self) -> None:
        self._host.records.put("clocks", 0, (self._offset, self.boottime, *self._slew), self._start)

    def restore(self, offset: int, boottime: int, begun: int, slew: int, start: int) -> None:
        """The clocks of the kern before: the host's monotonic clock is the same for both."""
        self._offset, self.boottime, self._start = offset, boottime, start
        self._slew = Slew(begun, slew)

    # -- reading and setting

    def clock_gettime(self, ctx: Context, clock_id: int) -> Timespec:
        return timespec(self.now(clock_id))

    def clock_getres(self, ctx: Context, clock_id: int) -> Timespec:
        self.now(clock_id)
        return timespec(RESOLUTION)

    def clock_settime(self, ctx: Context, clock_id: int, tp: Timespec | None) -> None:
        """EINVAL for a clock that cannot be set or no time, EPERM."""
        if clock_id != const.CLOCK_REALTIME:
            self.now(clock_id)
            raise KernelError(Errno.EINVAL, f"clock {clock_id} cannot be set")
        self._settime(ctx, nanoseconds(tp))

    def gettimeofday(self, ctx: Context) -> Timespec:
        """Whole microseconds, as nanoseconds."""
        return timespec(self.now(const.CLOCK_REALTIME) // 1000 * 1000)

    def settimeofday(self, ctx: Context, tp: Timespec | None) -> None:
        if tp is not None:
            self._settime(ctx, nanoseconds(tp))

    def _settime(self, ctx: Context, ns: int) -> None:
        self._processes.authorize(ctx, Action.SYSTEM_TIME_SYSTEM)
        if ns > LAST * SECOND:
            raise KernelError(Errno.EINVAL, f"{ns // SECOND} s is beyond the end of time")
        step = ns - self.now(const.CLOCK_REALTIME)
        if self.warn:
            log.warning("time stepped by %+.9f s by process %d", step / SECOND, ctx.pid)
        self._offset += step
        self.boottime += step
        self.record()
        for sleeper in list(self._sleepers):
            sleeper.wake()
        for told in self.when_set:
            told()

    def adjtime(self, ctx: Context, delta: Timespec | None) -> Timespec:
        """Has the clock run faster or slower until it has gained ``delta``; the rest of the last. EPERM, EINVAL."""
        now = self._host.monotonic_ns()
        left = self.slewing
        if delta is not None:
            self._processes.authorize(ctx, Action.SYSTEM_TIME_ADJTIME)
            if not 0 <= delta.tv_nsec < SECOND or abs(delta.tv_sec) > LAST:
                raise KernelError(Errno.EINVAL, f"not a time: {delta}")
            self._offset += self._slew.done(now)
            self._slew = Slew(now, delta.tv_sec * SECOND + delta.tv_nsec)
            self.record()
        return timespec(left)

    # -- sleeping

    async def nanosleep(self, ctx: Context, rqtp: Timespec | None) -> Timespec:
        """The time that was left, which is none. EINVAL, EINTR."""
        return await self._sleep(const.CLOCK_MONOTONIC, self.now(const.CLOCK_MONOTONIC) + nanoseconds(rqtp))

    async def clock_nanosleep(self, ctx: Context, clock_id: int, flags: int, rqtp: Timespec | None) -> Timespec:
        """EINVAL, EINTR. A sleep until a real time ends when the clock is set beyond that time."""
        self.now(clock_id)  # EINVAL for one that is not there
        if flags & ~const.TIMER_ABSTIME:
            raise KernelError(Errno.EINVAL, f"flags {flags:#x}: TIMER_ABSTIME is the only one")
        if flags & const.TIMER_ABSTIME:
            return await self._sleep(clock_id, nanoseconds(rqtp))
        return await self._sleep(const.CLOCK_MONOTONIC, self.now(const.CLOCK_MONOTONIC) + nanoseconds(rqtp))

    async def _sleep(self, clock_id: int, end: int) -> Timespec:
        sleeper = Channel(self._host)
        self._sleepers.add(sleeper)
        try:
            while left := self.until(clock_id, end):
                await sleeper.wait(self._host.monotonic_ns() + left)
        finally:
            self._sleepers.remove(sleeper)
            sleeper.wake()  # an interrupted sleep leaves no timer behind
        return Timespec(0, 0)
