"""Remote calls through the gateway (placement split) against a bare grpcio echo, all on one cpu."""

from __future__ import annotations

import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import grpc
from tests.cutter import Cutter
from tests.live import start_kernel

import rump
from bench.measure import Row, alternate, pin, unpin
from bench.yardstick import echo, frames, stream, unary
from rumpwire import rump_kern_pb2, rump_sp_pb2

RESUMES = 20
RESUME_MS = 100.0


def run() -> list[Row]:
    pin()
    try:
        with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder, echo(f"{folder}/echo.sock") as channel:
            kernel = start_kernel(Path(folder) / "kernel")
            try:
                return [
                    *_calls(kernel.url, channel),
                    *_sdk(kernel.url),
                    *_batches(kernel.url, channel),
                    _resume(kernel.url, Path(folder)),
                ]
            finally:
                kernel.stop()
    finally:
        unpin()


def _calls(url: str, bare: grpc.Channel) -> list[Row]:
    """Unary and Stream with the messages as they are, without the SDK on our side: the same work on both."""
    rows = []
    with grpc.insecure_channel(url.replace("unix://", "unix:")) as channel:
        attach = channel.unary_unary(
            "/rump.sp.v1.Session/Attach",
            rump_sp_pb2.AttachRequest.SerializeToString,
            rump_sp_pb2.AttachResponse.FromString,
        )
        metadata = (("rump-session", attach(rump_sp_pb2.AttachRequest(comm="bench")).session),)
        getpid = channel.unary_unary("/rump.sp.v1.Kern/Getpid")
        payload = rump_kern_pb2.GetpidRequest().SerializeToString()
        size = getpid(payload, metadata=metadata)
        ours, base = alternate(lambda: getpid(payload, metadata=metadata), unary(bare, size))
        rows.append(Row("unary getpid", ours, "us", "bare unary echo", base, ours / base, 1.3))

        request = rump_sp_pb2.StreamRequest(id=1, calls=[rump_sp_pb2.Call(getpid=rump_kern_pb2.GetpidRequest())])
        message = request.SerializeToString()
        with stream(channel, "/rump.sp.v1.Session/Stream", metadata=metadata) as exchange, stream(bare) as back:
            ours, base = alternate(lambda: exchange(message), lambda: back(message))
        rows.append(Row("Stream getpid", ours, "us", "bare bidi echo", base, ours / base, 1.3))
    return rows


def _sdk(url: str) -> list[Row]:
    """Calls of a program in Python on the gateway's host."""
    with rump.connect(url) as k, frames() as back:
        k.sys.close(k.sys.open("/tmp/there", os.O_CREAT | os.O_RDWR, 0o644))
        return [
            _against(back, "getpid of the SDK", k.sys.getpid, 5.0),
            _against(back, "stat of the SDK", lambda: k.sys.stat("/tmp/there"), 15.0),
            _against(back, "open and close of the SDK", lambda: k.sys.close(k.sys.open("/tmp/there", 0)), 30.0),
        ]


def _against(back: Callable[[], object], name: str, call: Callable[[], object], bound: float) -> Row:
    ours, base = alternate(call, back)
    return Row(name, ours, "us", "bare frames", base, ours / base, bound)


def _resume(url: str, folder: Path) -> Row:
    """A call right after the connection was cut: another connection, the session taken up, and the answer."""
    logging.getLogger("rump.connection").setLevel(logging.ERROR)
    cutter = Cutter(folder, url)
    times = []
    try:
        with rump.connect(cutter.url, retry=30) as k:
            for _ in range(RESUMES):
                k.sys.getpid()
                cutter.cut_all()
                began = time.perf_counter()
                k.sys.getpid()
                times.append((time.perf_counter() - began) * 1e3)
    finally:
        cutter.close()
    found = statistics.median(times)
    return Row("reconnect and resume", found, "ms", "100 ms", RESUME_MS, found / RESUME_MS, 1.0)


def _batches(url: str, bare: grpc.Channel) -> list[Row]:
    """Through the SDK, as a user would."""
    with rump.connect(url) as k:
        k.sys.mkdir("/tmp/bench", 0o755)
        with k.batch() as b:
            f = b.open("/tmp/bench/f", os.O_WRONLY | os.O_CREAT, 0o644)
            b.write(f, os.urandom(65536))
            b.close(f)

        def getpids() -> None:
            with k.batch() as b:
                for _ in range(256):
                    b.getpid()

        def read_file() -> None:
            with k.batch() as b:
                f = b.open("/tmp/bench/f", os.O_RDONLY)
                b.fstat(f)
                data = b.read(f, 65536)
                b.close(f)
            assert len(data.result()) == 65536

        echo_once = unary(bare, b"x" * 16)
        many, base = alternate(getpids, echo_once, rounds=10, each=30)
        one, base2 = alternate(read_file, echo_once, rounds=10, each=50)
    return [
        Row("Batch of 256 getpid", many, "us", "bare unary echo", base, many / base, 5.0),
        Row("Batch open+fstat+read 64 KiB+close", one, "us", "bare unary echo", base2, one / base2, 2.5),
    ]
