"""What a successor does of calls that were begun before it was there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rumpuser.component import Context
from rumpuser.pending import at_once
from rumpuser.transport.halves import unfinished
from rumpuser.transport.peer import RemotePeer
from rumpuser.transport.wire import encode_outcomes
from rumpuser.url import parse
from rumpwire import calls
from rumpwire import rump_bus_pb2 as pb
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Reference, Step
from rumpwire.values import Cmsg, Msghdr, SockaddrIn

ENDED = KernelError(Errno.EINTR)
NAME = SockaddrIn(bytes(4), 80)


class Successor:
    """Answers as it is told to."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.heard: list[tuple[Op, tuple[Any, ...]]] = []

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        self.heard.append((op, args))
        answer = self.answers.pop(0)
        if isinstance(answer, Errno):
            raise KernelError(answer)
        return answer

    def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> list[Op]:
        return [step.op for step in steps]


def finish(step: Step, outcome: Any, *answers: Any, before: tuple[tuple[Step, Any], ...] = ()) -> tuple[Any, Successor]:
    steps, outcomes = [s for s, _ in before] + [step], [o for _, o in before] + [outcome]
    half, peer = unfinished(steps, outcomes), Successor(*answers)
    assert half is not None
    return at_once(half.finish(peer, Context(), outcome)), peer  # type: ignore[arg-type]  # it needs no run


@pytest.mark.parametrize(
    ("op", "data", "left"),
    [
        (calls.WRITE, b"abcdef", b"def"),
        (calls.WRITEV, [b"ab", b"", b"cd", b"ef"], [b"def"]),
        (calls.SENDMSG, Msghdr(data=b"abcdef", control=[Cmsg()]), Msghdr(data=b"def")),
    ],
)
def test_what_is_left_of_output(op: Op, data: Any, left: Any) -> None:
    got, peer = finish(Step(op, (5, data)), 3, 2)
    assert got == 5
    assert peer.heard == [(op, (5, left))]
    assert finish(Step(op, (5, data)), 3, Errno.EPIPE)[0] == 3, "the next call finds out"
    for outcome in (0, 6, ENDED, KernelError(Errno.EPIPE)):
        assert unfinished([Step(op, (5, data))], [outcome]) is None


def test_a_reference_to_an_earlier_call() -> None:
    step = Step(calls.WRITE, (0, b"abc"), [Reference(0, 0, ())])
    _, peer = finish(step, 1, 2, before=((Step(calls.OPEN, (b"/f", 0, 0)), 9),))
    assert peer.heard == [(calls.WRITE, (9, b"bc"))]


@pytest.mark.parametrize("answers", [(None,), (Errno.EISCONN,), (Errno.EALREADY, None, Errno.EISCONN)])
def test_a_connection_that_is_made(answers: tuple[Any, ...]) -> None:
    got, peer = finish(Step(calls.CONNECT, (5, NAME)), ENDED, *answers)
    assert got is None
    assert not peer.answers
    assert [op for op, _ in peer.heard][1:2] == [calls.CONNECT_WAIT][: len(answers) - 1]


@pytest.mark.parametrize("answers", [(Errno.ECONNREFUSED,), (Errno.EALREADY, None, Errno.ECONNREFUSED)])
def test_a_connection_that_fails(answers: tuple[Any, ...]) -> None:
    with pytest.raises(KernelError) as caught:
        finish(Step(calls.CONNECT, (5, NAME)), ENDED, *answers)
    assert caught.value.errno == Errno.ECONNREFUSED


def test_a_connection_whose_time_is_over() -> None:
    with pytest.raises(KernelError, match="EAGAIN"):
        finish(Step(calls.CONNECT, (5, NAME)), ENDED, Errno.EALREADY, Errno.EAGAIN)


def test_nothing_is_left() -> None:
    assert unfinished([Step(calls.CONNECT, (5, NAME))], []) is None
    assert unfinished([Step(calls.CONNECT, (5, NAME))], [KernelError(Errno.ECONNREFUSED)]) is None
    assert unfinished([Step(calls.READ, (5, 10))], [ENDED]) is None


@pytest.mark.parametrize("keep_going", [False, True])
def test_a_run_ends_where_a_connection_fails(keep_going: bool) -> None:
    """Unless it is to go on."""
    steps = [Step(calls.CONNECT, (5, NAME)), Step(calls.WRITE, (5, b"abc"))]
    answer = pb.RunResponse.FromString(encode_outcomes(1, steps, [ENDED], 1 << 20, moved=True))
    successor, peer = Successor(Errno.ECONNREFUSED), RemotePeer(parse("unix:///nowhere"), "net")

    async def its_successor(_: RemotePeer) -> Any:
        return successor

    peer.next = its_successor
    first, *rest = at_once(peer._rest(Context(), steps, answer, keep_going=keep_going))
    assert first.errno == Errno.ECONNREFUSED
    assert rest == ([calls.WRITE] if keep_going else [])
