"""Clients that die in the middle of something: their process and descriptors are gone within two seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import grpc
import pytest

import rump
from rumpwire import rump_sp_pb2
from tests.live import LiveKernel, eventually, live_kernel

sp: Any = rump_sp_pb2

VICTIMS = {
    "idle": "sys.stdin.read()",
    "waiting in a read": "k.sys.read(k.sys.pipe()[0], 1)",
    "waiting in accept": "s = k.socket(rump.AF_UNIX, rump.SOCK_STREAM); s.bind(PATH); s.listen(1); s.accept()",
    "asleep": "k.sys.nanosleep(1000)",
    "opening a fifo": "k.sys.mkfifo(PATH, 0o600); k.sys.open(PATH, os.O_RDONLY)",
    "writing": textwrap.dedent("""
        fd = k.sys.open(PATH, os.O_CREAT | os.O_WRONLY, 0o644)
        while True:
            k.sys.pwrite(fd, bytes(1 << 20), 0)
    """),
    "in a large batch": textwrap.dedent("""
        while True:
            with k.batch(keep_going=True) as b:
                for _ in range(1000):
                    b.open('/tmp', os.O_RDONLY)
    """),
}


@pytest.fixture(scope="module", params=["server", "split"])
def kernel(request: pytest.FixtureRequest) -> Iterator[LiveKernel]:
    with live_kernel("--placement", request.param) as live:
        yield live


def victim(url: str, code: str, path: str) -> subprocess.Popen[str]:
    """A client in a process of its own, which has said that it is attached."""
    start = f"import os, sys, rump\nPATH = {path!r}\nk = rump.connect({url!r})\n"
    program = f"{start}print(k.sys.getpid(), flush=True)\n{code}\n"
    return subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("what", VICTIMS)
def test_a_killed_client_leaves_nothing(kernel: LiveKernel, what: str) -> None:
    with rump.connect(kernel.url) as k:
        k.sys.mkdir(f"/tmp/{abs(hash(what))}", 0o755)
        process = victim(kernel.url, VICTIMS[what], f"/tmp/{abs(hash(what))}/x")
        assert process.stdout is not None
        assert process.stdin is not None
        pid = int(process.stdout.readline())
        assert pid in {p["pid"] for p in k.processes()}
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stdin.close()
        eventually(lambda: pid not in {p["pid"] for p in k.processes()}, 2.0, f"process {pid} freed")
        assert k.sys.getpid() != pid


def test_the_other_end_of_a_dead_clients_pipe_sees_its_end(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        k.sys.mkfifo("/tmp/deadpipe", 0o600)
        process = victim(
            kernel.url,
            "fd = k.sys.open(PATH, os.O_WRONLY); k.sys.write(fd, b'last words'); sys.stdin.read()",
            "/tmp/deadpipe",
        )
        fd = k.sys.open("/tmp/deadpipe", 0)
        assert k.sys.read(fd, 100) == b"last words"
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()
        assert k.sys.read(fd, 100) == b""
        k.sys.close(fd)
        k.sys.unlink("/tmp/deadpipe")


def test_a_client_without_a_stream_has_a_lease(kernel: LiveKernel) -> None:
    import grpc

    from rumpwire import rump_sp_pb2

    with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel:
        attach: Any = channel.unary_unary(
            "/rump.sp.v1.Session/Attach",
            rump_sp_pb2.AttachRequest.SerializeToString,
            rump_sp_pb2.AttachResponse.FromString,
        )
        reply = attach(rump_sp_pb2.AttachRequest(comm="unary"))
        assert reply.lease_ms == 60_000
        detach: Any = channel.unary_unary(
            "/rump.sp.v1.Session/Detach",
            rump_sp_pb2.DetachRequest.SerializeToString,
            rump_sp_pb2.DetachResponse.FromString,
        )
        detach(rump_sp_pb2.DetachRequest(), metadata=(("rump-session", reply.session),))
    with rump.connect(kernel.url) as k:
        assert reply.pid not in {p["pid"] for p in k.processes()}


def test_clients_that_die_while_they_attach_leave_nothing() -> None:
    """No kern answers them: when it does nobody is there."""
    with live_kernel("--health", "60") as live, rump.connect(live.url) as k:
        kern = next(c["pid"] for c in k.status()["components"] if c["name"] == "kern")
        method: Any = grpc.insecure_channel(live.url.replace("unix://", "unix:")).unary_unary(
            "/rump.sp.v1.Session/Attach", sp.AttachRequest.SerializeToString, sp.AttachResponse.FromString
        )
        os.kill(kern, signal.SIGSTOP)
        attaching = [method.future(sp.AttachRequest(nonce=nonce, streams=True)) for nonce in (b"", b"", bytes(16))]
        with pytest.raises(grpc.FutureTimeoutError):
            attaching[0].result(1)  # they have arrived; the answer of none can have
        for each in attaching:
            each.cancel()
        os.kill(kern, signal.SIGCONT)
        eventually(lambda: k.statistics()["sessions"] == 1 == len(k.processes()), 30, "nothing of them is left")
