"""Messages to steps and outcomes, and back."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from rumpwire import rump_bus_pb2 as bus_pb
from rumpwire import rump_sp_pb2 as pb
from rumpwire import wire
from rumpwire.calls import OPS, Op
from rumpwire.codec import REQUEST
from rumpwire.errno import Errno, KernelError
from rumpwire.rump_types_pb2 import SyscallError
from rumpwire.step import Reference, Step
from rumpwire.values import SockaddrIn, Stat, Timespec

PUBLIC = (pb.Call, wire.encode_call, wire.decode_call, pb.Result, wire.encode_result, wire.decode_result)
BUS = (bus_pb.BusCall, wire.encode_bus_call, wire.decode_bus_call)
BUS_BACK = (bus_pb.BusResult, wire.encode_bus_result, wire.decode_bus_result)
KINDS: list[tuple[Any, Any, Any, Any, Any, Any]] = [PUBLIC, (*BUS, *BUS_BACK)]


def public(name: str) -> bool:
    return not OPS[name].internal


def through(message_class: Any, encode: Any, *args: Any) -> Any:
    message = message_class()
    encode(*args, message)
    return message_class.FromString(message.SerializeToString())


@pytest.mark.parametrize("op", OPS.values(), ids=lambda op: op.name)
def test_every_call_survives_with_default_arguments(op: Op) -> None:
    """Also that the numbers of request fields are positions of arguments, which references rely on."""
    parent = bus_pb.BusCall if op.internal else pb.Call
    descriptor = parent.DESCRIPTOR.fields_by_name[op.name].message_type
    assert [f.number for f in descriptor.fields] == list(range(1, len(op.args) + 1))
    message = parent()
    getattr(message, op.name).SetInParent()
    args = REQUEST[op.name][1](getattr(message, op.name))
    step = Step(op, args)
    for kind in KINDS if not op.internal else KINDS[1:]:
        assert kind[2](through(kind[0], kind[1], step)) == step


@pytest.mark.parametrize("op", OPS.values(), ids=lambda op: op.name)
def test_every_call_can_fail_or_be_left_out(op: Op) -> None:
    error = KernelError(Errno.ENOENT, "not \N{GREEK SMALL LETTER ALPHA} there", "vfs")
    for kind in KINDS if not op.internal else KINDS[1:]:
        back = kind[5](op, through(kind[3], kind[4], op, error))
        assert isinstance(back, KernelError)
        assert (back.errno, back.text, back.origin) == (Errno.ENOENT, error.text, "vfs")
        assert kind[5](op, through(kind[3], kind[4], op, wire.NOT_TRIED)) is wire.NOT_TRIED


@pytest.mark.parametrize("kind", KINDS, ids=["public", "bus"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("read", b""), ("read", b"x" * 70000), ("open", 0), ("close", None), ("fstat", Stat(st_size=-1)), ("sync", None)],
)
def test_values(kind: Any, name: str, value: Any) -> None:
    assert kind[5](OPS[name], through(kind[3], kind[4], OPS[name], value)) == value


def test_bus_answers_of_bus_calls() -> None:
    for name, value in (("dir_hold", 5), ("proc_list", []), ("file_read", (b"abc", 3)), ("halt", None)):
        message = through(bus_pb.BusResult, wire.encode_bus_result, OPS[name], value)
        assert wire.decode_bus_result(OPS[name], message) == value


def test_references_by_name_and_number() -> None:
    steps = [
        Step(OPS["pipe"], ()),
        Step(OPS["fstat"], (0,), (Reference(0, 0, ("wfd",)),)),
        Step(OPS["getrlimit"], (3,)),
        Step(OPS["ftruncate"], (0, 0), (Reference(0, 0), Reference(1, 1, ("sb", "st_size")))),
        Step(OPS["lseek"], (0, 0, 0), (Reference(0, 0, ("rfd",)), Reference(2, 1, ("rlp", "rlim_cur")))),
    ]
    request = pb.BatchRequest()
    for n, step in enumerate(steps):
        wire.encode_call(step, request.calls.add(), steps[:n])
    assert list(request.calls[3].references[1].path) == [1, 12]
    request = pb.BatchRequest.FromString(request.SerializeToString())
    assert wire.decode_steps(request.calls, wire.decode_call) == steps


@pytest.mark.parametrize(
    "reference",
    [
        pb.Reference(call=1, field=1),  # itself
        pb.Reference(call=9, field=1),
        pb.Reference(call=0, field=0),
        pb.Reference(call=0, field=2),
        pb.Reference(call=0, field=1, path=[3]),
        pb.Reference(call=0, field=1, path=[1, 1]),
        pb.Reference(call=0xFFFFFFFF, field=0xFFFFFFFF, path=[0xFFFFFFFF]),
    ],
)
def test_references_that_lead_nowhere(reference: pb.Reference) -> None:
    calls = [pb.Call(), pb.Call()]
    calls[0].pipe.SetInParent()
    calls[1].fstat.fd = 0
    calls[1].references.append(reference)
    with pytest.raises(KernelError) as caught:
        wire.decode_steps(calls, wire.decode_call)
    assert caught.value.errno == Errno.EINVAL


def test_references_do_not_lead_into_lists() -> None:
    step = Step(OPS["getgroups"], (16,))
    with pytest.raises(KernelError, match="list"):
        wire.encode_call(Step(OPS["setgid"], (0,), (Reference(0, 0, ("gidset",)),)), pb.Call(), [step])


def test_empty_and_unknown_calls() -> None:
    for decode, message in ((wire.decode_call, pb.Call()), (wire.decode_bus_call, bus_pb.BusCall())):
        with pytest.raises(KernelError) as caught:
            decode(message)
        assert caught.value.errno == Errno.EINVAL
        message.MergeFromString(b"\xfa\xff\x03\x00")  # field 8191, which is none of ours
        with pytest.raises(KernelError, match="8191") as caught:
            decode(message)
        assert caught.value.errno == Errno.ENOSYS
    with pytest.raises(KernelError) as caught:
        wire.decode_bus_call(bus_pb.BusCall(sys=pb.Call()))
    assert caught.value.errno == Errno.EINVAL


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("read", (1 << 40, 1)),
        ("read", ("x", 1)),
        ("read", (1,)),
        ("read", ()),
        ("connect", (3, b"no address")),
        ("setlogin", ("\udc80",)),
        ("nanosleep", (5,)),
        ("setgroups", (7,)),
    ],
)
def test_arguments_that_do_not_fit(name: str, args: tuple[Any, ...]) -> None:
    with pytest.raises(KernelError) as caught:
        wire.encode_call(Step(OPS[name], args), pb.Call())
    assert caught.value.errno == Errno.EINVAL
    assert OPS[name].cname in caught.value.text


@pytest.mark.parametrize(
    ("name", "value"), [("open", None), ("pipe", 5), ("fstat", (1,)), ("recvfrom", (b"", 1)), ("read", 1.5)]
)
def test_results_that_do_not_fit(name: str, value: Any) -> None:
    with pytest.raises(KernelError) as caught:
        wire.encode_result(OPS[name], value, pb.Result())
    assert caught.value.errno == Errno.EIO


def test_answer_to_another_call() -> None:
    message = through(pb.Result, wire.encode_result, OPS["open"], 5)
    assert wire.decode_result(OPS["close"], message).errno == Errno.EBADRPC
    message = through(bus_pb.BusResult, wire.encode_bus_result, OPS["dir_hold"], 5)
    assert wire.decode_bus_result(OPS["close"], message).errno == Errno.EBADRPC


def test_calls_between_components_are_not_for_clients() -> None:
    with pytest.raises(KernelError):
        wire.encode_call(Step(OPS["halt"], (0,)), pb.Call())


def test_errors_with_odd_contents() -> None:
    assert wire.decode_error(SyscallError()).errno == Errno.EIO
    assert wire.decode_error(through(SyscallError, wire.encode_error, KernelError(4000))).errno == 4000
    odd = wire.decode_error(through(SyscallError, wire.encode_error, KernelError(-5, "a\udcff")))
    assert (odd.errno, odd.text) == (Errno.EIO, "a\\udcff")


def test_nested_values() -> None:
    step = Step(OPS["connect"], (3, SockaddrIn(b"\x7f\0\0\1", 80)))
    assert wire.decode_call(through(pb.Call, wire.encode_call, step)) == step
    step = Step(OPS["nanosleep"], (Timespec(1, 5),))
    assert wire.decode_call(through(pb.Call, wire.encode_call, step)) == step


@given(st.binary(max_size=200))
def test_whatever_parses_is_a_call_or_a_kernel_error(data: bytes) -> None:
    for kind in KINDS:
        try:
            message = kind[0].FromString(data)
        except DecodeError:
            continue
        try:
            step = kind[2](message)
        except KernelError:
            continue
        assert kind[2](through(kind[0], kind[1], step)) == step


@given(st.sampled_from([name for name in OPS if public(name)]), st.binary(max_size=60))
def test_hostile_requests_of_every_call(name: str, body: bytes) -> None:
    """The body of a request is any bytes that parse."""
    message = pb.Call()
    try:
        getattr(message, name).MergeFromString(body)
    except DecodeError:
        return
    getattr(message, name).SetInParent()
    assert wire.decode_call(message).op is OPS[name]
