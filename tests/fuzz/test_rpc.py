"""A short run of `tests.fuzz.rpc` in each placement; longer ones: ``python -m tests.fuzz rpc --calls 1000000``."""

from __future__ import annotations

import pytest

from tests.fuzz import rpc


@pytest.mark.parametrize(("placement", "seed"), [("server", 1), ("split", 2), ("split", 3)])
def test_random_requests(placement: str, seed: int) -> None:
    print(rpc.campaign(placement, seed, 4000))


def test_the_messages_of_a_seed_are_always_the_same() -> None:
    names = ["open", "mount", "sendmsg", "npf_load"]
    first, second = (rpc.Maker(5) for _ in range(2))
    assert [first.calls(names) for _ in range(50)] == [second.calls(names) for _ in range(50)]
