"""Clocks and sleeping, with the clock turned by hand."""

from __future__ import annotations

import pytest

from rumpuser.pending import Running
from rumpwire import const
from rumpwire.values import Timespec
from tests.unit.kern.kernel import Kern, fails

REAL, MONO, ABS = const.CLOCK_REALTIME, const.CLOCK_MONOTONIC, const.TIMER_ABSTIME


@pytest.fixture
def k() -> Kern:
    return Kern()


def test_clocks_go_with_the_host(k: Kern) -> None:
    assert k.call(1, "clock_gettime", MONO) == (0, 0)
    assert k.call(1, "clock_gettime", REAL).tv_sec == 1_700_000_001
    k.host.advance(2.5)
    assert k.call(1, "clock_gettime", MONO) == (2, 500_000_000)
    assert k.call(1, "clock_getres", REAL) == (0, 1)
    for call in ("clock_gettime", "clock_getres"):
        assert fails(k.call, 1, call, 999) == "EINVAL"


def test_setting_moves_the_kernels_clock_alone(k: Kern) -> None:
    k.call(1, "clock_settime", REAL, Timespec(1000, 5))
    assert k.call(1, "clock_gettime", REAL) == (1000, 5)
    assert k.host.realtime_ns() == 1_700_000_001_000_000_000
    k.call(1, "settimeofday", Timespec(2000, 1999))
    assert k.call(1, "gettimeofday") == (2000, 1000)


@pytest.mark.parametrize("bad", [Timespec(0, 10**9), Timespec(0, -1), Timespec(-1, 0), None, Timespec(1 << 62, 0)])
def test_times_out_of_range(k: Kern, bad: Timespec | None) -> None:
    assert fails(k.call, 1, "clock_settime", REAL, bad) == "EINVAL"


def test_setting_is_for_root(k: Kern) -> None:
    user = k.user()
    assert fails(k.call, user, "clock_settime", REAL, Timespec(5, 0)) == "EPERM"
    assert fails(k.call, user, "settimeofday", Timespec(5, 0)) == "EPERM"
    assert fails(k.call, 1, "clock_settime", MONO, Timespec(5, 0)) == "EINVAL"
    assert fails(k.call, 1, "clock_settime", 77, Timespec(5, 0)) == "EINVAL"


def test_nanosleep(k: Kern) -> None:
    sleep = k.call(1, "nanosleep", Timespec(1, 500_000_000))
    assert isinstance(sleep, Running)
    k.host.advance(1.4)
    assert not sleep.outcome.done
    k.host.advance(0.1)
    assert sleep.outcome.result() == (0, 0)
    assert k.call(1, "nanosleep", Timespec(0, 0)) == (0, 0)
    assert fails(k.call, 1, "nanosleep", Timespec(0, 10**9)) == "EINVAL"
    assert fails(k.call, 1, "nanosleep", Timespec(-1, 0)) == "EINVAL"
    assert fails(k.call, 1, "nanosleep", None) == "EINVAL"


def test_an_interrupted_sleep_leaves_no_timer(k: Kern) -> None:
    sleep = k.call(1, "nanosleep", Timespec(10**6, 0))
    assert len(k.host._heap) == 1
    sleep.cancel()
    assert fails(sleep.outcome.result) == "EINTR"
    assert not k.host._heap


def test_sleeping_for_ages_uses_timers_of_a_day(k: Kern) -> None:
    sleep = k.call(1, "nanosleep", Timespec((1 << 63) - 1, 0))
    assert k.host._heap[0][0] <= k.host.monotonic_ns() + 86_400 * 10**9
    k.host.advance(3 * 86_400)
    assert not sleep.outcome.done
    sleep.cancel()


def test_absolute_sleeps(k: Kern) -> None:
    k.host.advance(10)
    assert k.call(1, "clock_nanosleep", MONO, ABS, Timespec(5, 0)) == (0, 0)
    sleep = k.call(1, "clock_nanosleep", MONO, ABS, Timespec(12, 0))
    k.host.advance(2)
    assert sleep.outcome.done
    sleep = k.call(1, "clock_nanosleep", REAL, 0, Timespec(1, 0))
    k.host.advance(1)
    assert sleep.outcome.done
    assert fails(k.call, 1, "clock_nanosleep", REAL, 2, Timespec(1, 0)) == "EINVAL"
    assert fails(k.call, 1, "clock_nanosleep", 9, 0, Timespec(1, 0)) == "EINVAL"


def test_setting_the_clock_ends_a_sleep_until_a_time(k: Kern) -> None:
    until = k.call(1, "clock_nanosleep", REAL, ABS, Timespec(2_000_000_000, 0))
    interval = k.call(1, "clock_nanosleep", REAL, 0, Timespec(1_000, 0))
    k.call(1, "clock_settime", REAL, Timespec(1_999_999_999, 0))
    assert not until.outcome.done
    k.call(1, "clock_settime", REAL, Timespec(2_000_000_001, 0))
    assert until.outcome.done
    assert not interval.outcome.done
    interval.cancel()
