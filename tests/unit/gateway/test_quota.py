"""Rates and waiting calls of identities, with a clock that is turned by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rumpgateway.admission import SLICE, Quota
from rumpuser.policy import Identity, Limits
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def quota(clock: Clock, **limits: int) -> Quota:
    return Quota(Identity("cn:x", Credentials(), Limits(**limits)), clock)


def taken(quota: Quota, count: int) -> bool:
    try:
        quota.check(count)
    except KernelError as error:
        if error.errno != Errno.EAGAIN:
            raise
        return False
    return True


@given(
    st.sampled_from([1, 50, 64, 1000, 100_000]),
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 400)), min_size=1, max_size=30),
)
def test_no_more_than_the_rate_and_a_second_s_worth_at_once(rate: int, steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    mine = quota(clock, rate=rate)
    begun, total = clock.now, 0
    for wait, count in steps:
        clock.now += wait
        count = min(count, rate)
        if wait >= 1:  # the bucket is full again, whatever was before
            assert taken(mine, count)
            begun, total = clock.now, count
            continue
        total += count if taken(mine, count) else 0
        assert total <= rate * (1 + 1 / SLICE + clock.now - begun) + 1


def test_all_of_a_second_s_worth_is_there_at_once() -> None:
    mine = quota(Clock(), rate=1000)
    assert sum(taken(mine, 1) for _ in range(2000)) == 1000


def test_without_a_rate_there_is_none_and_calls_that_wait_are_counted() -> None:
    mine = quota(Clock(), calls=2)
    assert all(taken(mine, 1000) for _ in range(1000))
    mine.waiting = 2
    with pytest.raises(KernelError, match="2 calls wait"):
        mine.check(1)
