"""Unary calls: once each where they bear an id, and ended by their deadline.

The id is the metadata ``rump-call``, of the same row of numbers as those of the session's stream; ``rump-acked`` is the
lowest id that the client still waits for. A call with an id goes on when the connection is cut, and whoever sends it
again gets its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from rumpgateway.admission import metadata_of
from rumpgateway.session import Session
from rumpgateway.streams import MAX_IN_FLIGHT, doubt, failure
from rumpgateway.waiting import Call, Followed, Work
from rumpuser.aio import arrival
from rumpuser.pending import Running
from rumpwire.errno import Errno, KernelError
from rumpwire.status import abort

_EARLIER_S = 0.2
"""A client that gives a call up so shortly before the deadline has given it up for that: its clock began earlier."""


async def once(
    context: Any,
    session: Session,
    begin: Callable[[], Any],
    finish: Callable[[Any], Any],
    *,
    repeatable: bool = False,
    work: Callable[[], Work] | None = None,
) -> Any:
    """The answer to a unary call.

    ``begin`` starts it and gives its value, or the call on its way; ``finish`` makes the answer of the value, or of the
    KernelError that it ended with. An answer that is a KernelError ends the call with that status. ``repeatable``: it
    may be done again when nobody knows whether it was. ``work`` tells, once it has begun, how somebody else goes on
    with it where it waits.
    """
    with session:
        try:
            answer = await _answer(context, session, begin, finish, repeatable, work)
        except KernelError as error:
            answer = error
    if isinstance(answer, KernelError):
        await abort(context, answer)
    return answer


async def _answer(
    context: Any,
    session: Session,
    begin: Callable[[], Any],
    finish: Callable[[Any], Any],
    repeatable: bool,
    work: Callable[[], Work] | None,
) -> Any:
    carried = getattr(context, "moved", 0)
    if carried in session.moved:
        return _checked(await _arrived(context, session.moved.pop(carried), lasting=carried > 0))
    number = _call_id(context, session)
    if number:
        kept = session.replies.get(number)
        if kept is not None:
            return _checked(kept)
        _refuse(session, number)
        if number <= session.doubtful and not repeatable:
            raise doubt("a unary call")
        session.seen(number)
    call = session.calls.get(number) if number else None
    if call is None:
        begun = _start(session, number, begin, finish, work)
        if not isinstance(begun, Followed):
            return begun
        call = begun
    return _checked(await _arrived(context, call, lasting=bool(number)))


def _call_id(context: Any, session: Session) -> int:
    """The id of a call, 0 for none. EINVAL."""
    text = metadata_of(context, "rump-call")
    if not text:
        return 0
    acked = metadata_of(context, "rump-acked")
    if not (text.isdecimal() and acked.isdecimal() and 0 < int(text) < 1 << 64 and int(acked)):
        raise KernelError(Errno.EINVAL, f"rump-call {text}, rump-acked {acked}: both are numbers from 1 on", "gateway")
    session.replies.acknowledge(int(acked), ())
    return int(text)


def _refuse(session: Session, id: int) -> None:
    """EBADRPC, EAGAIN: nothing is done."""
    if id in session.calls:
        return
    if id < session.replies.floor:
        raise KernelError(Errno.EBADRPC, f"the id {id} is acknowledged already", "gateway")
    if session.replies.full or len(session.calls) >= MAX_IN_FLIGHT:
        raise KernelError(Errno.EAGAIN, "too many answers are not acknowledged, or too many calls wait", "gateway")


def _start(
    session: Session,
    id: int,
    begin: Callable[[], Any],
    finish: Callable[[Any], Any],
    work: Callable[[], Work] | None,
) -> Any:
    """The answer, or the call that waits."""
    try:
        if session.quota is not None:
            session.quota.check(1)
        value = begin()
    except Exception as error:  # noqa: BLE001  a defect fails one call
        value = failure(error)
    if not isinstance(value, Running):
        return finished(session, id, value, finish)
    return follow(session, id or session.unnamed(), value, finish, work() if work is not None else None)


def follow(
    session: Session, id: int, running: Running[Any], finish: Callable[[Any], Any], work: Work | None = None
) -> Call:
    """A call that waits, and whose answer ``finish`` makes."""

    def done(wanted: bool) -> Any:
        try:
            outcome = running.outcome.result()
        except Exception as error:  # noqa: BLE001  a defect fails one call
            outcome = failure(error)
        return finished(session, id, outcome, finish, wanted=wanted)

    return session.begun(id, running, done, None, work)


def finished(session: Session, id: int, outcome: Any, finish: Callable[[Any], Any], *, wanted: bool = True) -> Any:
    """The answer to a call, which is kept where it has an id of the client's."""
    try:
        answer = finish(outcome)
    except Exception as error:  # noqa: BLE001  a component gave something that is no response
        answer = failure(error)
    if id > 0 and wanted:
        session.replies.keep(id, answer, 0 if isinstance(answer, KernelError) else answer.ByteSize())
    return answer


async def _arrived(context: Any, call: Call, *, lasting: bool) -> Any:
    """The answer to a call that waits. The RPC's deadline ends the call; so does its end, but for a lasting one."""
    call.askers += 1
    try:
        return await arrival(call.answer)
    except asyncio.CancelledError:
        left = context.time_remaining()
        if left is not None and left <= _EARLIER_S:
            call.running.cancel(KernelError(Errno.ETIMEDOUT, "not done by the deadline", "gateway"))
        elif not lasting:
            call.running.cancel(KernelError(Errno.EINTR, "cancelled by the caller", "gateway"))
        elif left is not None and call.timer is None:
            call.end_after(left)
        raise
    finally:
        call.askers -= 1


def _checked(answer: Any) -> Any:
    if isinstance(answer, bytes):
        return KernelError(Errno.EBADRPC, "the id was that of a call on the stream", "gateway")
    return answer
