"""What a client says it has got, and what it sends again (docs/sessions.md)."""

from __future__ import annotations

from typing import Any

import pytest

from rump._ledger import Ledger, cancellation
from rumpwire import rump_sp_pb2 as sp
from rumpwire.errno import Errno, KernelError


def entered(ledger: Ledger[str], waiter: str) -> Any:
    _, payload = ledger.enter(sp.StreamRequest(), waiter)
    return sp.StreamRequest.FromString(payload)


def test_what_has_arrived_is_said_once_with_the_next_request() -> None:
    ledger: Ledger[str] = Ledger(1 << 20)
    first, second, third = (entered(ledger, name) for name in "abc")
    assert [(r.id, r.acked, list(r.answered)) for r in (first, second, third)] == [(1, 1, []), (2, 1, []), (3, 1, [])]
    assert ledger.settle(2) == "b"
    fourth = entered(ledger, "d")
    assert (fourth.id, fourth.acked, list(fourth.answered)) == (4, 1, [2])
    assert ledger.settle(1) == "a"
    fifth = entered(ledger, "e")
    assert (fifth.id, fifth.acked, list(fifth.answered)) == (5, 3, [])


def test_what_is_refused_here_leaves_no_trace() -> None:
    ledger: Ledger[str] = Ledger(16)
    entered(ledger, "a")
    ledger.settle(1)
    with pytest.raises(KernelError) as caught:
        ledger.enter(sp.StreamRequest(traceparent="x" * 17), "b")
    assert caught.value.errno == Errno.EMSGSIZE
    assert (entered(ledger, "c").id, list(ledger.waiting)) == (2, [2])


def test_a_cut() -> None:
    """What goes by other ways than the stream is waited for, and not sent again on it."""
    ledger: Ledger[str] = Ledger(1 << 20)
    entered(ledger, "a")
    number, metadata = ledger.reserve("b")
    third = entered(ledger, "c")
    assert (number, dict(metadata)) == (2, {"rump-call": "2", "rump-acked": "1"})
    assert ledger.settle(1) == "a"
    first, told = ledger.resumption()
    assert sp.StreamRequest.FromString(first) == sp.StreamRequest(resume=True, acked=2, waiting=[2, 3])
    assert told == [2, 3]
    assert ledger.unanswered() == [third.SerializeToString()]
    assert ledger.forget(3)
    assert not ledger.forget(3)
    assert sp.StreamRequest.FromString(cancellation(3)) == sp.StreamRequest(id=3, cancel=True)
    assert ledger.clear() == ["b"]


def test_a_gateway_that_holds_too_many_answers() -> None:
    ledger: Ledger[str] = Ledger(1 << 20)
    entered(ledger, "a")
    second = entered(ledger, "b")
    assert ledger.again(7) == ()
    only, again = ledger.again(2)
    assert sp.StreamRequest.FromString(only) == sp.StreamRequest(acked=1)
    assert again == second.SerializeToString()
