"""Between runs of calls and the messages RunRequest and RunResponse, as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rumpuser.component import Context
from rumpuser.transport.memory import Pool, lent, put, taken
from rumpwire import const
from rumpwire import rump_bus_pb2 as pb
from rumpwire.calls import Op
from rumpwire.codec import _dec_Credentials, _enc_Credentials
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.wire import (
    NOT_TRIED,
    decode_bus_call,
    decode_bus_result,
    decode_steps,
    encode_bus_call,
    encode_bus_result,
    encode_one_result,
)

_KEPT = 512
"""Contexts that are remembered in each direction; a kernel has about as many as it has processes at work."""


PASSED_ON = frozenset(("getdents_stat", "getdents_packed"))
"""Calls whose results are long lists that nobody who asks a component looks at: they are for a client."""


_CONTEXT, _SHORT = 0x12, 0x80
"""The tag of a context in RunRequest, and from when on a length has more than one byte."""


class Unread(NamedTuple):
    """A result as it came, to be put into another message."""

    message: Any


class ContextCache:
    """Contexts as bytes and back. They repeat from call to call, so both directions are remembered."""

    def __init__(self) -> None:
        self._encoded: dict[int, tuple[Context, bytes]] = {}
        self._decoded: dict[bytes, Context] = {}
        self._prefixes: dict[bytes, Context] = {}

    def encode(self, ctx: Context) -> bytes:
        """A RunRequest that holds nothing but the context: bytes to put in front of those of the rest."""
        found = self._encoded.get(id(ctx))
        if found is not None:
            return found[1]
        request = pb.RunRequest()
        message = request.context
        message.pid, message.cwd, message.root, message.umask = ctx.pid, ctx.cwd, ctx.root, ctx.umask
        if ctx.fsize != const.RLIM_INFINITY:
            message.fsize = ctx.fsize
        if ctx.sbsize != const.RLIM_INFINITY:
            message.sbsize = ctx.sbsize
        message.memory = ctx.memory
        _enc_Credentials(ctx.cred, message.cred)
        if len(self._encoded) >= _KEPT:
            self._encoded.clear()
        data = request.SerializeToString()
        self._encoded[id(ctx)] = (ctx, data)  # holding ctx keeps its id from being given to another
        return data

    def decode(self, message: Any) -> Context:
        key = message.SerializeToString()
        ctx = self._decoded.get(key)
        if ctx is None:
            ctx = _context(message)
            if len(self._decoded) >= _KEPT:
                self._decoded.clear()
            self._decoded[key] = ctx
        return ctx

    def split(self, data: bytes) -> tuple[Context | None, bytes]:
        """A RunRequest that begins with a context that is known: that, and the rest. Else None, and all of it."""
        if len(data) > 1 and data[0] == _CONTEXT and data[1] < _SHORT:
            end = 2 + data[1]
            ctx = self._prefixes.get(data[:end])
            if ctx is not None:
                return ctx, data[end:]
        return None, data

    def learn(self, data: bytes, message: Any) -> Context:
        """The context of a RunRequest, for `split` to know it."""
        if len(data) > 1 and data[0] == _CONTEXT and data[1] < _SHORT:
            if len(self._prefixes) >= _KEPT:
                self._prefixes.clear()
            prefix = data[: 2 + data[1]]
            self._prefixes[prefix] = self.decode(pb.RunRequest.FromString(prefix).context)
        return self.decode(message)


def _context(message: Any) -> Context:
    fsize = message.fsize if message.HasField("fsize") else const.RLIM_INFINITY
    sbsize = message.sbsize if message.HasField("sbsize") else const.RLIM_INFINITY
    cred = _dec_Credentials(message.cred)
    return Context(message.pid, cred, message.cwd, message.root, message.umask, fsize, sbsize, message.memory)


def encode_run(
    id: int, context: bytes, steps: Sequence[Step], keep_going: bool, pool: Pool | None = None, number: int = 0
) -> bytes:
    """A RunRequest; ``context`` is what `ContextCache.encode` gave. EINVAL for arguments that do not fit.

    What is in ``pool``, which the other side knows by ``number``, is named and not sent.
    """
    request = pb.RunRequest()
    request.id = id
    if pool is not None:
        request.memory = number
        steps = lent(pool, steps, request.shared)
    if keep_going:
        request.keep_going = True
    calls = request.calls
    for step in steps:
        encode_bus_call(step, calls.add(), steps[: len(calls) - 1] if step.references else ())
    return context + request.SerializeToString()


_ID, _CALLS, _SYS = b"\x08", b"\x1a", b"\x12"
"""Tags: of RunRequest the id and the calls, of BusCall the call of a client."""


_BYTES = [bytes((number,)) for number in range(_SHORT)]


def varint(number: int) -> bytes:
    """A number from 0 on, as protobuf writes it."""
    if number < _SHORT:
        return _BYTES[number]
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode_passed(id: int, context: bytes, call: bytes) -> bytes:
    """A RunRequest of one call that is a message already, ``Call``; what `encode_run` makes of its step."""
    length = len(call)
    if length + 2 < _SHORT:
        return context + _ID + varint(id) + _CALLS + _BYTES[length + 2] + _SYS + _BYTES[length] + call
    call = _SYS + varint(length) + call
    return context + _ID + varint(id) + _CALLS + varint(len(call)) + call


def encode_cancel(id: int, errno: int = Errno.EINTR) -> bytes:
    """Ends a run that waits with EINTR, or what else is said (ETIMEDOUT)."""
    data: bytes = pb.RunRequest(id=id, cancel=True, cancel_errno=errno).SerializeToString()
    return data


def cancellation(request: Any) -> KernelError:
    """What a run that is cancelled ends with."""
    if request.cancel_errno == Errno.ETIMEDOUT:
        return KernelError(Errno.ETIMEDOUT, "not done in time")
    return KernelError(Errno.EINTR, "cancelled")


def decode_calls(request: Any) -> list[Step]:
    """The steps of a RunRequest. EINVAL, ENOSYS."""
    calls = request.calls
    if len(calls) == 1:
        return [decode_bus_call(calls[0])]
    return decode_steps(calls, decode_bus_call)


def encode_outcomes(
    id: int, steps: Sequence[Step], outcomes: Sequence[Any], limit: int, *, moved: bool = False
) -> bytes:
    """A RunResponse. Results after the one that makes it longer than ``limit`` bytes are EMSGSIZE."""
    response = pb.RunResponse()
    response.id = id
    if moved:
        response.moved = True
    outcomes = put(steps, outcomes, response.shared)
    results = response.results
    for step, outcome in zip(steps, outcomes, strict=False):
        message = results.add()
        try:
            encode_bus_result(step.op, outcome, message)
        except KernelError as error:
            message.Clear()
            encode_bus_result(step.op, error, message)
    data = response.SerializeToString()
    if len(data) > limit:
        return encode_outcomes(id, steps, _cut(results, outcomes, limit), limit, moved=moved)
    return data


def encode_outcome(id: int, step: Step, outcome: Any, limit: int) -> bytes:
    """The RunResponse to a run of one call, without contents in memory."""
    response = pb.RunResponse()
    response.id = id
    message = response.results.add()
    try:
        encode_one_result(step.op, outcome, message)
    except KernelError:
        return encode_outcomes(id, (step,), (outcome,), limit)
    data = response.SerializeToString()
    return data if len(data) <= limit else encode_outcomes(id, (step,), (outcome,), limit)


def encode_failure(id: int, error: KernelError) -> bytes:
    """The RunResponse to a run that could not be begun."""
    response = pb.RunResponse(id=id)
    error_message = response.results.add().sys.error
    error_message.errno, error_message.text, error_message.origin = error.errno, error.text, error.origin
    error_message.name = error.name
    return response.SerializeToString()


def decode_outcomes(steps: Sequence[Step], response: Any) -> list[Any]:
    """The outcomes in a RunResponse, without those of calls that were left out."""
    outcomes = [_outcome(step.op, message) for step, message in zip(steps, response.results, strict=False)]
    while outcomes and outcomes[-1] is NOT_TRIED:
        outcomes.pop()
    return taken(steps, outcomes, response.shared) if response.shared else outcomes


def _outcome(op: Op, message: Any) -> Any:
    if op.name in PASSED_ON and message.sys.WhichOneof("result") == op.name:
        return Unread(getattr(message.sys, op.name))
    return decode_bus_result(op, message)


def decode_outcome(step: Step, response: Any) -> Any:
    """The value in the RunResponse to a run of one call; raises the error."""
    results = response.results
    outcome = _outcome(step.op, results[0]) if results else NOT_TRIED
    if response.shared:
        return taken((step,), [outcome], response.shared)[0]
    if isinstance(outcome, KernelError):
        raise outcome
    if outcome is NOT_TRIED:
        raise KernelError(Errno.EBADRPC, f"no answer to {step.op.cname}")
    return outcome


def _cut(results: Any, outcomes: Sequence[Any], limit: int) -> list[Any]:
    """The outcomes with those replaced that do not fit into a message."""
    room = limit - 64 - 256 * len(outcomes)
    out = []
    for message, outcome in zip(results, outcomes, strict=False):
        size = message.ByteSize()
        if size > room and not isinstance(outcome, KernelError):
            outcome = KernelError(Errno.EMSGSIZE, f"the result has {size} bytes; a message holds {limit}")
        else:
            room -= size
        out.append(outcome)
    return out
