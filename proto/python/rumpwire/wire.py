"""Between steps and outcomes on one side and the messages Call, Result, BusCall and BusResult on the other.

An outcome is the value of a response, the `KernelError` a call failed with, or `NOT_TRIED`. Everything here raises
`KernelError` and nothing else: EINVAL for what does not fit the contract, ENOSYS for a call it does not know, EBADRPC
for an answer that makes no sense.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.unknown_fields import UnknownFieldSet

from rumpwire import rump_bus_pb2 as bus_pb
from rumpwire import rump_sp_pb2 as sp_pb
from rumpwire.calls import OPS, Op
from rumpwire.codec import REQUEST, RESPONSE
from rumpwire.errno import Errno, KernelError, name_of
from rumpwire.step import Reference, Step

T = TypeVar("T")


class NotTried(enum.Enum):
    """The outcome of a call that was left out after a failure."""

    NOT_TRIED = "not tried"


NOT_TRIED: Final = NotTried.NOT_TRIED

_MISFIT = (TypeError, ValueError, AttributeError, LookupError, RecursionError)
"""What the encoders end in when a value does not fit its field."""
_REFERENCES: Final[Sequence[Reference]] = ()
_DECODE_CALL = {name: (op, REQUEST[name][1]) for name, op in OPS.items()}
_ENCODE_RESULT = {name: RESPONSE[name][0] for name in OPS}
_DECODE_RESULT = {name: RESPONSE[name][1] for name in OPS}
_ENCODE_CALL = {name: REQUEST[name][0] for name in OPS}
_new: Callable[..., Any] = tuple.__new__
_KEPT = 256
"""Paths into results that are remembered: programs use a few again and again."""


def encode_call(step: Step, message: Any, earlier: Sequence[Step] = ()) -> None:
    """Into an empty ``Call``. ``earlier`` are the steps of the batch so far, which references may name."""
    op = step.op
    if op.internal:
        raise KernelError(Errno.EINVAL, f"{op.name} is a call between components")
    _encode_request(op, step.args, getattr(message, op.name))
    if step.references:
        _encode_references(step, message.references, earlier)


def encode_one(op: Op, args: tuple[Any, ...], message: Any) -> None:
    """The same without references, and without its layers."""
    if op.internal:
        raise KernelError(Errno.EINVAL, f"{op.name} is a call between components")
    name = op.name
    try:
        _ENCODE_CALL[name](args, getattr(message, name))
    except _MISFIT as error:
        raise KernelError(Errno.EINVAL, f"{op.cname}: {error}") from error


def decode_call(message: Any, earlier: Sequence[Step] = ()) -> Step:
    """Out of a ``Call``. EINVAL when there is none in it, ENOSYS when it is one that is not in the contract."""
    name = message.WhichOneof("call")
    if name is None:
        raise _nothing(message)
    op, decode = _DECODE_CALL[name]
    found = message.references
    references = _decode_references(op, found, earlier) if found else _REFERENCES
    step: Step = _new(Step, (op, decode(getattr(message, name)), references))
    return step


def encode_result(op: Op, outcome: Any, message: Any) -> None:
    """Into an empty ``Result``; nothing for `NOT_TRIED`. A value that does not fit ``op`` is EIO."""
    if isinstance(outcome, KernelError):
        encode_error(outcome, message.error)
    elif outcome is not NOT_TRIED:
        _encode_response(op, outcome, getattr(message, op.name))


def decode_result(op: Op, message: Any) -> Any:
    """The outcome in a ``Result``."""
    name = message.WhichOneof("result")
    if name == op.name:
        return _DECODE_RESULT[name](getattr(message, name))
    if name == "error":
        return decode_error(message.error)
    return NOT_TRIED if name is None else _other(op, name)


def encode_bus_call(step: Step, message: Any, earlier: Sequence[Step] = ()) -> None:
    """Into an empty ``BusCall``. References stand in the ``Call`` where there is one."""
    op = step.op
    if not op.internal:
        encode_call(step, message.sys, earlier)
        return
    _encode_request(op, step.args, getattr(message, op.name))
    if step.references:
        _encode_references(step, message.references, earlier)


def decode_bus_call(message: Any, earlier: Sequence[Step] = ()) -> Step:
    """Out of a ``BusCall``. EINVAL, ENOSYS as `decode_call`."""
    name = message.WhichOneof("call")
    if name == "sys":
        message = message.sys
        name = message.WhichOneof("call")
    if name is None:
        raise _nothing(message)
    op, decode = _DECODE_CALL[name]
    found = message.references
    references = _decode_references(op, found, earlier) if found else _REFERENCES
    step: Step = _new(Step, (op, decode(getattr(message, name)), references))
    return step


def encode_bus_result(op: Op, outcome: Any, message: Any) -> None:
    """Into an empty ``BusResult``; errors, also those of calls between components, go where those of ``Call`` go."""
    if not op.internal:
        encode_result(op, outcome, message.sys)
    elif isinstance(outcome, KernelError):
        encode_error(outcome, message.sys.error)
    elif outcome is not NOT_TRIED:
        _encode_response(op, outcome, getattr(message, op.name))


def encode_one_result(op: Op, outcome: Any, message: Any) -> None:
    """What `encode_bus_result` does, without its layers."""
    if isinstance(outcome, KernelError):
        encode_error(outcome, message.sys.error)
        return
    name = op.name
    try:
        _ENCODE_RESULT[name](outcome, getattr(message if op.internal else message.sys, name))
    except _MISFIT as error:
        raise KernelError(Errno.EIO, f"internal error: result of {op.cname}: {error}") from error


def decode_bus_result(op: Op, message: Any) -> Any:
    """The outcome in a ``BusResult``."""
    name = message.WhichOneof("result")
    if name is None:
        return NOT_TRIED
    if name == "sys":
        return decode_result(op, message.sys)
    return _DECODE_RESULT[name](getattr(message, name)) if name == op.name else _other(op, name)


def encode_steps(steps: Sequence[Step], messages: Any) -> None:
    """All calls of a batch into an empty list of ``Call``; what `encode_call` does, without its layers."""
    add = messages.add
    for index, step in enumerate(steps):
        op, args, references = step
        if op.internal:
            raise KernelError(Errno.EINVAL, f"{op.name} is a call between components")
        message = add()
        try:
            _ENCODE_CALL[op.name](args, getattr(message, op.name))
        except _MISFIT as error:
            raise KernelError(Errno.EINVAL, f"{op.cname}: {error}") from error
        if references:
            _encode_references(step, message.references, steps[:index])


def decode_steps(messages: Any, decode: Callable[[Any, Sequence[Step]], Step]) -> list[Step]:
    """All calls of a batch with `decode_call` or `decode_bus_call`. The first bad one makes the whole batch fail."""
    steps: list[Step] = []
    append, plain = steps.append, decode is decode_call
    for message in messages:
        name = message.WhichOneof("call") if plain else None
        if name is None or message.references:
            append(decode(message, steps))
        else:
            op, arguments = _DECODE_CALL[name]
            append(_new(Step, (op, arguments(getattr(message, name)) if op.args else (), _REFERENCES)))
    return steps


def decode_results(steps: Sequence[Step], messages: Any) -> list[Any]:
    """The outcomes of a batch, without those of calls that were left out."""
    outcomes: list[Any] = []
    for step, message in zip(steps, messages, strict=False):
        name = message.WhichOneof("result")
        if name == step.op.name:
            outcomes.append(_DECODE_RESULT[name](getattr(message, name)))
        elif name is None:
            break
        else:
            outcomes.append(decode_result(step.op, message))
    return outcomes


def encode_error(error: KernelError, message: Any) -> None:
    """Into a ``SyscallError``."""
    message.errno = error.errno if error.errno > 0 else Errno.EIO
    message.name = name_of(message.errno)
    message.text = plain(error.text)
    message.origin = plain(error.origin)


def decode_error(message: Any) -> KernelError:
    """Out of a ``SyscallError``; an errno that is missing counts as EIO."""
    number = message.errno or Errno.EIO
    return KernelError(_ERRNO.get(number, number), message.text, message.origin)


_ERRNO = {int(member): member for member in Errno}


def plain(text: str) -> str:
    """Text that can be sent: lone surrogates, as in names of files that are no UTF-8, are written out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _encode_request(op: Op, args: tuple[Any, ...], target: Any) -> None:
    try:
        _ENCODE_CALL[op.name](args, target)
    except _MISFIT as error:
        raise KernelError(Errno.EINVAL, f"{op.cname}: {error}") from error


def _encode_response(op: Op, value: Any, target: Any) -> None:
    try:
        _ENCODE_RESULT[op.name](value, target)
    except _MISFIT as error:
        raise KernelError(Errno.EIO, f"internal error: result of {op.cname}: {error}") from error


def _nothing(message: Any) -> KernelError:
    """Why no alternative is set: one that this side does not know looks like none."""
    unknown = [field.field_number for field in cast(Any, UnknownFieldSet(message))]
    if unknown:
        return KernelError(Errno.ENOSYS, f"call {unknown[0]} is not in the contract")
    return KernelError(Errno.EINVAL, "no call in the message")


def _other(op: Op, name: str) -> KernelError:
    return KernelError(Errno.EBADRPC, f"the answer to {op.cname} is one to {name}")


def _response(op: Op) -> Descriptor:
    parent = cast(Any, bus_pb.BusResult.DESCRIPTOR if op.internal else sp_pb.Result.DESCRIPTOR)
    return cast(Descriptor, parent.fields_by_name[op.name].message_type)


def _earlier(reference: Any, earlier: Sequence[Step]) -> Op:
    if not 0 <= reference.call < len(earlier):
        raise KernelError(Errno.EINVAL, f"reference to call {reference.call}, which is not an earlier one")
    op: Op = earlier[reference.call].op
    return op


def _encode_references(step: Step, messages: Any, earlier: Sequence[Step]) -> None:
    for reference in step.references:
        op = _earlier(reference, earlier)
        if not 0 <= reference.arg < len(step.op.args):
            raise KernelError(Errno.EINVAL, f"{step.op.cname} has no argument {reference.arg}")
        messages.add(call=reference.call, field=reference.arg + 1, path=_numbers(op, tuple(reference.path)))


def _decode_references(op: Op, messages: Any, earlier: Sequence[Step]) -> Sequence[Reference]:
    return tuple(_decode_reference(op, message, earlier) for message in messages)


def _decode_reference(op: Op, message: Any, earlier: Sequence[Step]) -> Reference:
    if not 1 <= message.field <= len(op.args):
        raise KernelError(Errno.EINVAL, f"{op.cname} has no field {message.field}")
    return Reference(message.call, message.field - 1, _names(_earlier(message, earlier), tuple(message.path)))


@functools.lru_cache(_KEPT)
def _numbers(op: Op, path: tuple[str, ...]) -> list[int]:
    """Field numbers for the names of a path into the response of ``op``."""
    return _walk(op, path, lambda at, name: at.fields_by_name[name], lambda field: int(field.number))


@functools.lru_cache(_KEPT)
def _names(op: Op, path: tuple[int, ...]) -> tuple[str, ...]:
    """Names for the field numbers of a path into the response of ``op``."""
    return tuple(_walk(op, path, lambda at, number: at.fields_by_number[number], lambda field: str(field.name)))


def _walk(op: Op, path: Sequence[Any], find: Callable[[Any, Any], Any], give: Callable[[Any], T]) -> list[T]:
    at: Any = _response(op)
    out: list[T] = []
    for part in path:
        try:
            field = find(at, part)
        except (KeyError, AttributeError):  # no such field, or no structure to look into
            raise KernelError(Errno.EINVAL, f"the response of {op.cname} has no field {part} there") from None
        if field.is_repeated:
            raise KernelError(Errno.EINVAL, f"{field.name} of {op.cname} is a list; references do not lead into lists")
        out.append(give(field))
        at = field.message_type
    return out
