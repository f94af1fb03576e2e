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
from tests.live import LiveKernel, start_kernel

import rump
from bench import hops
from bench.measure import Row, Side, compare, pin, unpin
from bench.processes import tree
from bench.yardstick import Echo, echo, frames, stream
from rumpwire import rump_kern_pb2, rump_sp_pb2

RESUMES = 20
RESUME_MS = 100.0


def run() -> list[Row]:
    pin()
    try:
        with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder, echo(f"{folder}/echo.sock") as bare:
            kernel = start_kernel(Path(folder) / "kernel")
            try:
                return [
                    *_calls(kernel, bare),
                    *_sdk(kernel),
                    *hops.rows(kernel),
                    *_batches(kernel, bare),
                    _resume(kernel.url, Path(folder)),
                ]
            finally:
                kernel.stop()
    finally:
        unpin()


def _calls(kernel: LiveKernel, bare: Echo) -> list[Row]:
    """Unary and Stream with the messages as they are, without the SDK on our side: the same work on both."""
    pids = tree(kernel.process.pid)
    with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel:
        attach = channel.unary_unary(
            "/rump.sp.v1.Session/Attach",
            rump_sp_pb2.AttachRequest.SerializeToString,
            rump_sp_pb2.AttachResponse.FromString,
        )
        metadata = (("rump-session", attach(rump_sp_pb2.AttachRequest(comm="bench")).session),)
        getpid = channel.unary_unary("/rump.sp.v1.Kern/Getpid")
        payload = rump_kern_pb2.GetpidRequest().SerializeToString()
        size = getpid(payload, metadata=metadata)
        ours = Side(lambda: getpid(payload, metadata=metadata), pids)
        unary = compare("unary getpid", ours, "bare unary echo", bare.unary(size), 1.25)

        request = rump_sp_pb2.StreamRequest(id=1, calls=[rump_sp_pb2.Call(getpid=rump_kern_pb2.GetpidRequest())])
        message = request.SerializeToString()
        path = "/rump.sp.v1.Session/Stream"
        with stream(channel, path, metadata=metadata) as exchange, stream(bare.channel) as back:
            ours, base = Side(lambda: exchange(message), pids), Side(lambda: back(message), [bare.pid])
            return [unary, compare("Stream getpid", ours, "bare bidi echo", base, 1.3)]


def _sdk(kernel: LiveKernel) -> list[Row]:
    """Calls of a program in Python on the gateway's host."""
    pids = tree(kernel.process.pid)
    with rump.connect(kernel.url) as k, frames() as bare:
        k.sys.close(k.sys.open("/tmp/there", os.O_CREAT | os.O_RDWR, 0o644))
        calls: list[tuple[str, Callable[[], object], float]] = [
            ("getpid of the SDK", k.sys.getpid, 5.0),
            ("stat of the SDK", lambda: k.sys.stat("/tmp/there"), 15.0),
            ("open and close of the SDK", lambda: k.sys.close(k.sys.open("/tmp/there", 0)), 30.0),
            ("open and close in one Batch", lambda: _open_close(k), 15.0),
        ]
        return [compare(name, Side(call, pids), "bare frames", bare, bound) for name, call, bound in calls]


def _open_close(k: rump.Client) -> None:
    with k.batch() as b:
        b.close(b.open("/tmp/there", 0))


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


def _batches(kernel: LiveKernel, bare: Echo) -> list[Row]:
    """Through the SDK, as a user would."""
    pids = tree(kernel.process.pid)
    with rump.connect(kernel.url) as k:
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

        once, name = bare.unary(b"x" * 16), "bare unary echo"
        return [
            compare("Batch of 256 getpid", Side(getpids, pids), name, once, 5.0, rounds=10, each=30),
            compare("Batch open+fstat+read 64 KiB+close", Side(read_file, pids), name, once, 2.5, rounds=10, each=50),
        ]
