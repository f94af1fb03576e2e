"""Timers of processes over all placements: what they send, and what is left of them."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

import rump


def test_a_timer_sends_its_signal(k: Any, got: Any) -> None:
    timer = k.sys.timer_create(time.CLOCK_MONOTONIC, rump.Sigevent(rump.SIGEV_SIGNAL, signal.SIGUSR2))
    assert k.sys.timer_settime(timer, 0, (0.05, 0.05)).it_value == rump.Timespec(0, 0)
    assert [got.get(timeout=20) for _ in range(3)] == [signal.SIGUSR2] * 3
    left = k.sys.timer_gettime(timer)
    assert left.it_interval == rump.Timespec(0, 50_000_000)
    assert k.sys.timer_getoverrun(timer) >= 0
    k.sys.timer_settime(timer, 0, 0)
    assert k.sys.timer_gettime(timer).it_value == rump.Timespec(0, 0)
    k.sys.timer_delete(timer)


def test_an_alarm(k: Any, got: Any) -> None:
    k.sys.setitimer(signal.ITIMER_REAL, 0.05)
    assert got.get(timeout=20) == signal.SIGALRM
    assert k.sys.getitimer(signal.ITIMER_REAL).it_value == rump.Timespec(0, 0)


def test_what_is_left(k: Any) -> None:
    k.sys.setitimer(signal.ITIMER_REAL, (1000, 7))
    left = k.sys.setitimer(signal.ITIMER_REAL, 0)
    assert 900 < left.it_value.tv_sec < 1000
    assert left.it_interval == rump.Timespec(7, 0)


def test_the_clock_gains(k: Any) -> None:
    assert k.sys.adjtime(0.001) == rump.Timespec(0, 0)
    left = k.sys.adjtime(None)
    assert 0 < left.tv_nsec <= 1_000_000
    k.sys.adjtime(0)
    assert k.sys.adjtime(None) == rump.Timespec(0, 0)


def test_only_root_may_adjust_it(connect: Any) -> None:
    k = connect()
    k.sys.setuid(1000)
    with pytest.raises(PermissionError):
        k.sys.adjtime(1)
    assert k.sys.adjtime(None).tv_sec == 0
