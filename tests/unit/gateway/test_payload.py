"""Long contents past protobuf: the same requests and answers as by it, and what is no message."""

from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from rumpgateway.payload import cut, ready, serialize
from rumpuser.transport.memory import LONG
from rumpwire import calls, rump_vfs_pb2

Request = rump_vfs_pb2.PwriteRequest
Response = rump_vfs_pb2.PreadResponse


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1), st.sampled_from([LONG, LONG + 1, 1 << 20]))
def test_a_request_is_cut(fd: int, offset: int, length: int) -> None:
    data = Request(fd=fd, data=b"x" * length, offset=offset).SerializeToString()
    rest, contents = cut(calls.PWRITE, data)
    assert contents == b"x" * length
    assert Request.FromString(rest) == Request(fd=fd, offset=offset)


def test_short_ones_and_other_calls_stay_whole() -> None:
    short = Request(fd=3, data=b"x" * 100).SerializeToString()
    assert cut(calls.PWRITE, short) == (short, None)
    long = rump_vfs_pb2.MkdirRequest(path=b"x" * LONG).SerializeToString()
    assert cut(calls.MKDIR, long) == (long, None)
    assert ready(calls.PREAD, b"x") is None
    assert ready(calls.FSTAT, b"x" * LONG) is None


def test_the_last_of_several_counts() -> None:
    first, last = (Request(fd=3, data=each * LONG).SerializeToString() for each in (b"a", b"b"))
    assert cut(calls.PWRITE, first + last)[1] == b"b" * LONG == Request.FromString(first + last).data


@given(st.binary(max_size=20), st.binary(max_size=20), st.integers(0, LONG + 20))
def test_what_is_no_message_is_for_protobuf(before: bytes, behind: bytes, end: int) -> None:
    data = (before + Request(fd=3, data=b"x" * LONG, offset=7).SerializeToString() + behind)[: LONG + end]
    rest, contents = cut(calls.PWRITE, data)
    try:
        expected = Request.FromString(data)
    except DecodeError:
        if contents is not None:
            with pytest.raises(DecodeError):
                Request.FromString(rest)
        return
    found = Request.FromString(rest)
    assert (found.fd, found.offset) == (expected.fd, expected.offset)
    assert expected.data == (found.data if contents is None else contents)


@pytest.mark.parametrize("length", [LONG, (1 << 20) + 3])
def test_an_answer_is_put_together(length: int) -> None:
    answer = ready(calls.PREAD, memoryview(bytes(length)))
    assert answer is not None
    assert serialize(answer) == Response(data=bytes(length)).SerializeToString()
    assert answer.ByteSize() == len(serialize(answer))
