"""Semaphores while somebody waits, under a clock that is turned by hand."""

from __future__ import annotations

from typing import Any

import pytest

from rumpkern.core.clock import Clocks
from rumpkern.core.ksem import Semaphores
from rumpkern.core.proc import ProcessTable
from rumpuser.component import Context
from rumpuser.host import ManualHost
from rumpuser.pending import Running, start
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Timespec

CTX = Context()


class Site:
    def __init__(self) -> None:
        self.host = ManualHost()
        processes = ProcessTable()
        self.clocks = Clocks(self.host, processes)
        self.sems = Semaphores(self.host, processes, self.clocks)

    def waits(self, *args: Any) -> Running[Any]:
        call = start(self.sems.timedwait(CTX, *args) if len(args) > 1 else self.sems.wait(CTX, *args))
        assert isinstance(call, Running)
        return call


@pytest.fixture
def site() -> Site:
    return Site()


def test_one_that_somebody_waits_for_is_busy(site: Site) -> None:
    sem = site.sems.init(CTX, 0)
    call = site.waits(sem)
    with pytest.raises(KernelError) as caught:
        site.sems.destroy(CTX, sem)
    assert caught.value.errno == Errno.EBUSY
    site.sems.post(CTX, sem)
    assert call.outcome.done
    site.sems.destroy(CTX, sem)


def test_each_post_lets_one_go(site: Site) -> None:
    sem = site.sems.init(CTX, 0)
    calls = [site.waits(sem) for _ in range(5)]
    for posted in range(1, 6):
        site.sems.post(CTX, sem)
        assert sum(call.outcome.done for call in calls) == posted
    assert site.sems.getvalue(CTX, sem) == 0


def test_a_wait_that_is_broken_off_takes_nothing(site: Site) -> None:
    sem = site.sems.init(CTX, 0)
    first, second = site.waits(sem), site.waits(sem)
    first.cancel()
    with pytest.raises(KernelError) as caught:
        first.outcome.result()
    assert caught.value.errno == Errno.EINTR
    site.sems.post(CTX, sem)
    assert second.outcome.done
    site.sems.destroy(CTX, sem)


def test_the_last_close_ends_the_waits(site: Site) -> None:
    sem = site.sems.init(CTX, 0)
    call = site.waits(sem)
    site.sems.close(CTX, sem)
    with pytest.raises(KernelError) as caught:
        call.outcome.result()
    assert caught.value.errno == Errno.EINVAL
    assert site.sems.count == 0


def test_a_moment_of_real_time(site: Site) -> None:
    sem = site.sems.init(CTX, 0)
    now = site.clocks.now(const.CLOCK_REALTIME)
    call = site.waits(sem, Timespec(*divmod(now + 10**9, 10**9)))
    site.host.advance(0.9)
    assert not call.outcome.done
    site.host.advance(0.2)
    with pytest.raises(KernelError) as caught:
        call.outcome.result()
    assert caught.value.errno == Errno.ETIMEDOUT


def test_a_clock_that_is_set_beyond_the_time_ends_the_wait(site: Site) -> None:
    sem = site.sems.init(CTX, 0)
    now = site.clocks.now(const.CLOCK_REALTIME) // 10**9
    waiting = site.waits(sem, Timespec(now + 1000, 0))
    forever = site.waits(sem, Timespec(1 << 40, 0))
    site.clocks.clock_settime(CTX, const.CLOCK_REALTIME, Timespec(now + 1001, 0))
    site.host.advance(0)
    with pytest.raises(KernelError) as ended:
        waiting.outcome.result()
    assert ended.value.errno == Errno.ETIMEDOUT
    assert not forever.outcome.done
