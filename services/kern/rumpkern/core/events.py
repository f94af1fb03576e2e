"""Filters of kqueue(2) for what is no descriptor: EVFILT_TIMER, EVFILT_PROC, EVFILT_SIGNAL.

A timer that repeats fires at multiples of its period after it was set, and tells how often it has fired since that was
told last. A process is watched for its forks and its exit; with NOTE_TRACK its children are watched likewise.
"""

from __future__ import annotations

from collections.abc import Callable

from rumpkern.core.clock import NAP, Clocks
from rumpkern.core.proc import Process, ProcessTable
from rumpkern.core.signals import Signals, check
from rumpuser.component import Context
from rumpuser.host import Host
from rumpuser.kauth import Action
from rumpuser.kqueue import Filter, Knote
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import KnoteSpec

TIMERS_MAX = 4096
"""Timers of all kqueues together (kern.kq_calloutmax)."""
UNITS = {
    const.NOTE_MSECONDS: 1_000_000,
    const.NOTE_SECONDS: 1_000_000_000,
    const.NOTE_USECONDS: 1_000,
    const.NOTE_NSECONDS: 1,
}
"""Nanoseconds of the units in fflags."""


class TimerFilter(Filter):
    """EVFILT_TIMER: ident is any number, data the time in the units of fflags, a moment with NOTE_ABSTIME."""

    def __init__(self, host: Host, clocks: Clocks) -> None:
        self._host = host
        self._clocks = clocks
        self._disarm: dict[Knote, Callable[[], None]] = {}

    def attach(self, ctx: Context, knote: Knote, spec: KnoteSpec) -> Callable[[], None]:
        """EINVAL for a negative time or unknown units, ENOMEM."""
        if len(self._disarm) >= TIMERS_MAX:
            raise KernelError(Errno.ENOMEM, f"there are {TIMERS_MAX} timers")
        self._set(knote)
        return lambda: self._stop(knote)

    def touch(self, knote: Knote, spec: KnoteSpec) -> None:
        """A change sets the timer anew."""
        super().touch(knote, spec)
        self._stop(knote)
        knote.data = 0
        knote.active = False
        self._set(knote)

    def holds(self, knote: Knote, hint: int) -> bool:
        return knote.data > 0

    def _set(self, knote: Knote) -> None:
        unit = UNITS.get(knote.sfflags & ~const.NOTE_ABSTIME)
        if unit is None or knote.sdata < 0:
            raise KernelError(Errno.EINVAL, f"a timer of {knote.sdata} in units {knote.sfflags:#x}")
        period = max(1, knote.sdata * unit)
        if knote.sfflags & const.NOTE_ABSTIME:
            period = max(0, knote.sdata * unit - self._clocks.now(const.CLOCK_REALTIME))
            knote.flags |= const.EV_ONESHOT
        knote.flags |= const.EV_CLEAR
        self._arm(knote, self._host.monotonic_ns() + period, period)

    def _arm(self, knote: Knote, due: int, period: int) -> None:
        nap = min(due, self._host.monotonic_ns() + NAP)
        self._disarm[knote] = self._host.call_at(nap, lambda: self._fire(knote, due, period))

    def _fire(self, knote: Knote, due: int, period: int) -> None:
        late = self._host.monotonic_ns() - due
        if late < 0:
            self._arm(knote, due, period)
            return
        if knote.flags & const.EV_ONESHOT:
            knote.data = 1
        else:
            count = late // period + 1
            knote.data += count
            self._arm(knote, due + count * period, period)
        knote.look()

    def _stop(self, knote: Knote) -> None:
        self._disarm.pop(knote, lambda: None)()


class ProcessFilter(Filter):
    """EVFILT_PROC: ident is a pid, fflags what is to be told of."""

    def __init__(self, processes: ProcessTable) -> None:
        self._processes = processes
        self._watched: dict[int, dict[Knote, None]] = {}
        processes.when_forked.append(self._forked)
        processes.when_exited.append(self._exited)

    def attach(self, ctx: Context, knote: Knote, spec: KnoteSpec) -> Callable[[], None]:
        """ESRCH, EACCES for processes of other users."""
        process = self._processes.get(spec.ident)
        if process.cred.uid != self._processes.cred(ctx).uid and not self._processes.permitted(
            ctx, Action.PROCESS_KEVENT_FILTER
        ):
            raise KernelError(Errno.EACCES, f"process {spec.ident} is another user's")
        knote.flags |= const.EV_CLEAR
        return self._watch(knote)

    def holds(self, knote: Knote, hint: int) -> bool:
        return knote.fflags != 0

    def _watch(self, knote: Knote) -> Callable[[], None]:
        knotes = self._watched.setdefault(knote.ident, {})
        knotes[knote] = None

        def stop() -> None:
            knotes.pop(knote, None)
            if not knotes:
                self._watched.pop(knote.ident, None)

        return stop

    def _forked(self, parent: Process, child: Process) -> None:
        for knote in list(self._watched.get(parent.pid, ())):
            if knote.sfflags & const.NOTE_TRACK:
                self._track(knote, parent, child)
            if knote.sfflags & const.NOTE_FORK:
                knote.fflags |= const.NOTE_FORK
                knote.look()

    def _track(self, knote: Knote, parent: Process, child: Process) -> None:
        spec = KnoteSpec(child.pid, 0, 0, knote.filter, knote.flags, knote.sfflags, 0, knote.udata)
        new = Knote(knote.queue, spec, self)
        new.fflags, new.data = const.NOTE_CHILD, parent.pid
        new.detach = self._watch(new)
        knote.queue.insert(new)
        new.look()

    def _exited(self, process: Process, status: int) -> None:
        """The last that is told of a process: its knotes go when that was told."""
        for knote in list(self._watched.pop(process.pid, ())):
            if knote.sfflags & const.NOTE_EXIT:
                knote.fflags |= const.NOTE_EXIT
            knote.data = status
            knote.flags |= const.EV_EOF | const.EV_ONESHOT
            knote.look()


class SignalFilter(Filter):
    """EVFILT_SIGNAL: ident is a signal of the caller's; data counts how often it was sent, whatever became of it."""

    def __init__(self, processes: ProcessTable, signals: Signals) -> None:
        self._watched: dict[tuple[int, int], dict[Knote, None]] = {}
        signals.when_sent.append(self._sent)
        processes.when_exited.append(self._exited)

    def attach(self, ctx: Context, knote: Knote, spec: KnoteSpec) -> Callable[[], None]:
        """EINVAL for what is no signal."""
        check(spec.ident)
        knote.flags |= const.EV_CLEAR
        key = ctx.pid, spec.ident
        self._watched.setdefault(key, {})[knote] = None

        def stop() -> None:
            knotes = self._watched.get(key, {})
            knotes.pop(knote, None)
            if not knotes:
                self._watched.pop(key, None)

        return stop

    def holds(self, knote: Knote, hint: int) -> bool:
        return knote.data > 0

    def _sent(self, process: Process, signo: int) -> None:
        for knote in list(self._watched.get((process.pid, signo), ())):
            knote.data += 1
            knote.look()

    def _exited(self, process: Process, status: int) -> None:
        for key in [key for key in self._watched if key[0] == process.pid]:
            del self._watched[key]
