"""What gRPC reaches by itself, without frames: unary calls with the messages as they are, against bare grpcio."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from tests.live import LiveKernel, start_kernel

from bench.measure import Row, Side, compare, faster, pin, unpin
from bench.processes import tree
from bench.yardstick import Echo, echo
from rumpwire import rump_kern_pb2 as kern
from rumpwire import rump_sp_pb2 as sp
from rumpwire import rump_vfs_pb2 as vfs

SIZE = 1 << 20


def run() -> list[Row]:
    pin()
    try:
        with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder, echo(f"{folder}/echo.sock") as bare:
            kernel = start_kernel(Path(folder) / "kernel", "--factions", "vfs")
            try:
                with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel:
                    return _rows(_calls(channel), bare, kernel)
            finally:
                kernel.stop()
    finally:
        unpin()


def _calls(channel: grpc.Channel) -> Callable[[str, bytes], bytes]:
    """Unary calls of one session: method and message to answer, both as bytes."""
    attach: Any = channel.unary_unary("/rump.sp.v1.Session/Attach", sp.AttachRequest.SerializeToString)
    session = sp.AttachResponse.FromString(attach(sp.AttachRequest(comm="bench"))).session
    metadata = (("rump-session", session),)
    methods: dict[str, Any] = {}

    def call(method: str, message: bytes) -> bytes:
        found = methods.get(method) or methods.setdefault(method, channel.unary_unary(f"/rump.sp.v1.{method}"))
        answer: bytes = found(message, metadata=metadata)
        return answer

    return call


def _rows(call: Callable[[str, bytes], bytes], bare: Echo, kernel: LiveKernel) -> list[Row]:
    flags = os.O_RDWR | 0x200  # O_CREAT of NetBSD
    opened = call("Vfs/Open", vfs.OpenRequest(path=b"/tmp/f", flags=flags, mode=0o644).SerializeToString())
    fd = vfs.OpenResponse.FromString(opened).fd
    getpid = kern.GetpidRequest().SerializeToString()
    write = vfs.PwriteRequest(fd=fd, data=os.urandom(SIZE)).SerializeToString()
    read = vfs.PreadRequest(fd=fd, nbyte=SIZE).SerializeToString()
    pids = tree(kernel.process.pid)

    def row(name: str, method: str, message: bytes, bound: float, each: int) -> Row:
        size = len(call(method, message))
        ours = Side(lambda: call(method, message), pids)
        return compare(name, ours, "bare grpcio", bare.sized(len(message), size), bound, each=each)

    return [
        row("unary getpid of gRPC", "Kern/Getpid", getpid, 1.25, 100),
        faster(row("unary write of 1 MiB, gRPC", "Vfs/Pwrite", write, 0, 20), 0.9),
        faster(row("unary read of 1 MiB, gRPC", "Vfs/Pread", read, 0, 20), 0.9),
    ]
