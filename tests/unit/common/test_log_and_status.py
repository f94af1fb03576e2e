from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import grpc
import pytest

from rumpuser import log as logs
from rumpuser import tune
from rumpwire import status
from rumpwire.errno import Errno, KernelError


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], root.level = before


def test_one_line_of_pairs(stream: io.StringIO) -> None:
    logs.setup("vfs", "debug", stream=stream)
    logging.getLogger("x").warning('mounted "%s"\nand more', "/mnt", extra={"pid": 7})
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert line.rstrip().endswith(r'level=warning component=vfs msg="mounted \"/mnt\"\nand more" pid=7')


def test_json_with_a_traceback(stream: io.StringIO) -> None:
    logs.setup("net", "error", as_json=True, stream=stream)
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logging.getLogger("x").exception("odd")
    logging.getLogger("x").info("not shown")
    record = json.loads(stream.getvalue())
    assert (record["component"], record["level"], record["msg"]) == ("net", "error", "odd")
    assert "RuntimeError: boom" in record["trace"]


def test_unknown_level() -> None:
    with pytest.raises(KernelError):
        logs.setup("vfs", "loud")


def test_tune() -> None:
    assert tune.tune()


class Failed(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode, text: str, trailers: tuple[tuple[str, bytes], ...] = ()) -> None:
        self.code = lambda: code
        self.details = lambda: text
        self.trailing_metadata = lambda: trailers


@pytest.mark.parametrize("errno", Errno)
def test_every_errno_survives_a_status(errno: Errno) -> None:
    error = KernelError(errno, "why \N{SNOWMAN}", "vfs")
    back = status.error_of(Failed(status.code_of(errno), "", ((status.DETAILS_KEY, status.details_of(error)),)))
    assert (back.errno, back.text, back.origin) == (errno, error.text, "vfs")
    assert status.code_of(errno) is not grpc.StatusCode.OK


def test_codes() -> None:
    assert status.code_of(Errno.ENOENT) is grpc.StatusCode.NOT_FOUND
    assert status.code_of(Errno.EACCES) is grpc.StatusCode.PERMISSION_DENIED
    assert status.code_of(Errno.ENOTEMPTY) is grpc.StatusCode.FAILED_PRECONDITION
    assert status.code_of(4711) is grpc.StatusCode.FAILED_PRECONDITION


def test_statuses_that_are_not_ours() -> None:
    for trailers in ((), ((status.DETAILS_KEY, b"\xff\xff"),), ((status.DETAILS_KEY, b""),)):
        error = status.error_of(Failed(grpc.StatusCode.UNAVAILABLE, "gone", trailers))
        assert (error.errno, error.text) == (Errno.ENOTCONN, "gone")
    assert status.error_of(Failed(grpc.StatusCode.UNKNOWN, "")).errno == Errno.EIO


def test_the_bytes_are_those_of_google_rpc_status() -> None:
    """By hand, after google/rpc/status.proto and any.proto."""
    inner = b"\x08\x02\x12\x06ENOENT"
    url = status.TYPE_URL.encode()
    any_ = b"\n" + bytes([len(url)]) + url + b"\x12" + bytes([len(inner)]) + inner
    assert status.details_of(KernelError(2)) == b"\x08\x05\x12\x06ENOENT\x1a" + bytes([len(any_)]) + any_


def test_long_texts_stay_below_the_limit_of_headers() -> None:
    assert len(status.details_of(KernelError(2, "x" * 100_000, "y" * 100_000))) < 4096
