"""Timers against a model, under a clock that is turned by hand."""

from __future__ import annotations

import heapq
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpkern.core.clock import Clocks
from rumpkern.core.proc import ProcessTable
from rumpkern.core.timers import FIRST, TIMERS_MAX, Timers
from rumpuser.component import KERNEL, Context
from rumpuser.host import ManualHost
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Itimerspec, Sigevent, Timespec

MS = 1_000_000
SECOND = 1000 * MS


class Site:
    def __init__(self) -> None:
        self.host = ManualHost()
        self.processes = ProcessTable()
        self.clocks = Clocks(self.host, self.processes)
        self.sent: list[tuple[int, int, int]] = []
        self.timers = Timers(self.host, self.clocks, self.processes, self._post)
        self.ctx = self.process()

    def _post(self, pid: int, signo: int, value: int) -> None:
        self.sent.append((self.host.now_ns, pid, signo))

    def process(self) -> Context:
        return Context(self.processes.create(KERNEL, "p").pid)

    def late(self, until: int) -> None:
        """The host is busy until then, and runs the timers that are due after that."""
        self.host.now_ns = until
        while self.host._heap and self.host._heap[0][0] <= until:
            heapq.heappop(self.host._heap)[2]()

    def set(self, timer: int, first: int, period: int = 0, *, at: bool = False) -> Itimerspec:
        flags = const.TIMER_ABSTIME if at else 0
        return self.timers.timer_settime(self.ctx, timer, flags, spec(first, period))


def spec(first: int, period: int = 0) -> Itimerspec:
    return Itimerspec(Timespec(*divmod(period, SECOND)), Timespec(*divmod(first, SECOND)))


def fails(number: int, function: Any, *args: Any) -> None:
    with pytest.raises(KernelError) as caught:
        function(*args)
    assert caught.value.errno == number


@pytest.fixture
def site() -> Site:
    return Site()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["set", "off", "wait", "late"]),
            st.integers(0, 2),
            st.integers(1, 300),
            st.integers(0, 100),
        ),
        max_size=30,
    )
)
def test_each_expires_when_it_should(actions: list[tuple[str, int, int, int]]) -> None:
    """The model: a list of moments for each timer, counted from the last time it was set."""
    site = Site()
    numbers = [site.timers.timer_create(site.ctx, const.CLOCK_MONOTONIC, Sigevent(1, s)) for s in (30, 31, 40)]
    model: dict[int, tuple[int, int]] = {}
    for action, which, first, period in actions:
        number, now = numbers[which], site.host.now_ns
        if action == "set":
            site.set(number, first * MS, period * MS)
            model[which] = (now + first * MS, period * MS)
        elif action == "off":
            site.set(number, 0)
            model.pop(which, None)
        else:
            until = now + first * MS
            site.sent.clear()
            if action == "late":  # the host does not come to it in time
                site.late(until)
            else:
                site.host.advance(first / 1000)
            for index, (due, step) in list(model.items()):
                moments = [due] if due <= until else []
                while step and moments and moments[-1] + step <= until:
                    moments.append(moments[-1] + step)
                got = [at for at, _, signo in site.sent if signo == (30, 31, 40)[index]]
                if action == "wait":
                    assert got == moments
                elif moments:
                    assert len(got) == 1
                    assert site.timers.timer_getoverrun(site.ctx, numbers[index]) == len(moments) - 1
                if moments:
                    if step:
                        model[index] = (moments[-1] + step, step)
                    else:
                        del model[index]
        for index, timer in enumerate(numbers):
            left = site.timers.timer_gettime(site.ctx, timer).it_value
            due, _ = model.get(index, (site.host.now_ns, 0))
            assert left is not None
            assert left.tv_sec * SECOND + left.tv_nsec == due - site.host.now_ns


def test_what_was_left_comes_back(site: Site) -> None:
    timer = site.timers.timer_create(site.ctx, const.CLOCK_REALTIME, None)
    assert site.set(timer, 5 * SECOND, SECOND) == spec(0)
    site.host.advance(2)
    assert site.set(timer, 0) == spec(3 * SECOND, SECOND)
    site.host.advance(10)
    assert not site.sent


def test_an_absolute_time_follows_the_clock_that_is_set(site: Site) -> None:
    absolute, relative = (site.timers.timer_create(site.ctx, const.CLOCK_REALTIME, None) for _ in range(2))
    now = site.clocks.now(const.CLOCK_REALTIME)
    site.set(absolute, now + 100 * SECOND, at=True)
    site.set(relative, 100 * SECOND)
    site.clocks.clock_settime(KERNEL, const.CLOCK_REALTIME, Timespec(*divmod(now + 99 * SECOND, SECOND)))
    site.host.advance(2)
    assert len(site.sent) == 1
    assert site.timers.timer_gettime(site.ctx, absolute) == spec(0)
    assert site.timers.timer_gettime(site.ctx, relative) == spec(98 * SECOND)
    site.clocks.clock_settime(KERNEL, const.CLOCK_REALTIME, Timespec(*divmod(now, SECOND)))
    site.set(absolute, now + 10 * SECOND, at=True)
    site.clocks.clock_settime(KERNEL, const.CLOCK_REALTIME, Timespec(*divmod(now - 100 * SECOND, SECOND)))
    site.host.advance(20)
    assert len(site.sent) == 1, "the clock went back, and shows the time later"


def test_a_time_that_has_passed_comes_at_once(site: Site) -> None:
    timer = site.timers.timer_create(site.ctx, const.CLOCK_MONOTONIC, None)
    site.host.advance(5)
    site.set(timer, SECOND, at=True)
    site.host.advance(0)
    assert len(site.sent) == 1


def test_sigev_none_tells_nobody(site: Site) -> None:
    timer = site.timers.timer_create(site.ctx, const.CLOCK_MONOTONIC, Sigevent(const.SIGEV_NONE, 0))
    site.set(timer, SECOND, SECOND)
    site.host.advance(3.5)
    assert not site.sent
    assert site.timers.timer_gettime(site.ctx, timer) == spec(SECOND // 2, SECOND)


def test_errors(site: Site) -> None:
    create, settime = site.timers.timer_create, site.timers.timer_settime
    fails(Errno.EINVAL, create, site.ctx, 99, None)
    for clock in (const.CLOCK_VIRTUAL, const.CLOCK_PROF):
        fails(Errno.ENOTSUP, create, site.ctx, clock, None)
    fails(Errno.EINVAL, create, site.ctx, 0, Sigevent(7, 14))
    fails(Errno.EINVAL, create, site.ctx, 0, Sigevent(const.SIGEV_SIGNAL, 64))
    timer = create(site.ctx, 0, None)
    fails(Errno.EINVAL, settime, site.ctx, timer, 2, spec(1))
    fails(Errno.EINVAL, settime, site.ctx, timer, 0, None)
    fails(Errno.EINVAL, settime, site.ctx, timer, 0, Itimerspec(Timespec(0, 0), Timespec(0, SECOND)))
    fails(Errno.EINVAL, settime, site.ctx, timer, 0, Itimerspec(Timespec(-1, 0), Timespec(1, 0)))
    fails(Errno.EINVAL, settime, site.ctx, timer + 1, 0, spec(1))
    fails(Errno.EINVAL, site.timers.timer_gettime, site.process(), timer)
    site.timers.setitimer(site.ctx, const.ITIMER_REAL, spec(1))
    fails(Errno.EINVAL, site.timers.timer_delete, site.ctx, const.ITIMER_REAL)
    for which, number in ((const.ITIMER_VIRTUAL, Errno.ENOTSUP), (const.ITIMER_PROF, Errno.ENOTSUP), (9, Errno.EINVAL)):
        fails(number, site.timers.getitimer, site.ctx, which)
        fails(number, site.timers.setitimer, site.ctx, which, spec(1))


def test_there_are_not_more_than_may_be(site: Site) -> None:
    numbers = [site.timers.timer_create(site.ctx, 0, None) for _ in range(TIMERS_MAX)]
    assert numbers == list(range(FIRST, FIRST + TIMERS_MAX))
    fails(Errno.EAGAIN, site.timers.timer_create, site.ctx, 0, None)
    site.timers.timer_delete(site.ctx, numbers[5])
    assert site.timers.timer_create(site.ctx, 0, None) == numbers[5]


def test_interval_timers(site: Site) -> None:
    assert site.timers.getitimer(site.ctx, const.ITIMER_REAL) == spec(0)
    assert site.timers.setitimer(site.ctx, const.ITIMER_REAL, spec(SECOND, SECOND)) == spec(0)
    site.host.advance(2.25)
    assert [signo for _, _, signo in site.sent] == [const.SIGALRM] * 2
    assert site.timers.setitimer(site.ctx, const.ITIMER_REAL, None) == spec(3 * SECOND // 4, SECOND)
    assert site.timers.setitimer(site.ctx, const.ITIMER_REAL, spec(0)) == spec(3 * SECOND // 4, SECOND)
    site.host.advance(9)
    assert len(site.sent) == 2


def test_fork_exec_and_exit(site: Site) -> None:
    timer = site.timers.timer_create(site.ctx, 0, None)
    site.set(timer, SECOND, SECOND)
    site.timers.setitimer(site.ctx, const.ITIMER_REAL, spec(SECOND, SECOND))
    child = Context(site.processes.fork(site.ctx).pid)
    assert site.timers.getitimer(child, const.ITIMER_REAL) == spec(0)
    fails(Errno.EINVAL, site.timers.timer_gettime, child, timer)
    site.processes.exec(site.ctx, "new")
    site.host.advance(1.5)
    assert len(site.sent) == 1, "the interval timer alone outlives exec"
    site.processes.exit(KERNEL, site.ctx.pid, 0)
    site.host.advance(5)
    assert len(site.sent) == 1
    assert not site.host._heap


def test_adjtime(site: Site) -> None:
    def ahead() -> int:
        return site.clocks.now(const.CLOCK_REALTIME) - site.host.realtime_ns()

    assert site.clocks.adjtime(KERNEL, Timespec(0, 100 * MS)) == Timespec(0, 0)
    site.host.advance(100)
    assert ahead() == 50 * MS, "half a millisecond each second"
    assert site.clocks.adjtime(KERNEL, None) == Timespec(0, 50 * MS)
    site.host.advance(1000)
    assert ahead() == 100 * MS
    assert site.clocks.adjtime(KERNEL, Timespec(-2, 0)) == Timespec(0, 0)
    site.host.advance(200)
    assert ahead() == -900 * MS, "five milliseconds each second for what is more than a second"
    assert site.clocks.adjtime(KERNEL, Timespec(0, 0)) == Timespec(-1, 0)
    site.host.advance(5000)
    assert ahead() == -900 * MS
    fails(Errno.EINVAL, site.clocks.adjtime, KERNEL, Timespec(0, SECOND))


@pytest.mark.parametrize("delta", [1, -1])
def test_a_moment_of_a_clock_that_is_being_adjusted_is_met(site: Site, delta: int) -> None:
    timer = site.timers.timer_create(site.ctx, const.CLOCK_REALTIME, None)
    site.clocks.adjtime(KERNEL, Timespec(5 * delta, 0))
    begun = site.host.now_ns
    site.set(timer, site.clocks.now(const.CLOCK_REALTIME) + 100 * SECOND, at=True)
    site.host.advance(200)
    (met, _, _) = site.sent[0]
    assert abs((met - begun) * (1 + delta / 200) - 100 * SECOND) < 1000


@given(st.integers(-10 * SECOND, 10 * SECOND), st.lists(st.floats(0, 500), max_size=20))
def test_the_clock_never_runs_backwards_for_it(delta: int, steps: list[float]) -> None:
    site = Site()
    site.clocks.adjtime(KERNEL, Timespec(*divmod(delta, SECOND)))
    before = site.clocks.now(const.CLOCK_REALTIME)
    for step in steps:
        site.host.advance(step)
        now = site.clocks.now(const.CLOCK_REALTIME)
        assert now >= before
        before = now
    site.host.advance(100_000)
    assert site.clocks.now(const.CLOCK_REALTIME) - site.host.realtime_ns() == delta
