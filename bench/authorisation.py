"""What identities cost: the same call of a client that a policy has mapped and bounded, and without a policy."""

from __future__ import annotations

import tempfile
import timeit
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
from tests.live import start_kernel

import rump
from bench.measure import Row, Side, compare, pin, unpin
from bench.processes import tree
from bench.yardstick import stream
from rumpuser import kauth
from rumpuser.component import Context
from rumpuser.kauth import Action, authorize
from rumpwire import rump_kern_pb2, rump_sp_pb2
from rumpwire.values import Credentials

POLICY = """
[[rule]]
match = "unix"
uid = 1000
limits = { processes = 100, descriptors = 100, calls = 100, rate = 1000000 }
"""
MESSAGE = rump_sp_pb2.StreamRequest(
    id=1, calls=[rump_sp_pb2.Call(getpid=rump_kern_pb2.GetpidRequest())]
).SerializeToString()


def run() -> list[Row]:
    pin()
    try:
        with tempfile.TemporaryDirectory(prefix="rump-bench-") as folder, ExitStack() as stack:
            policy = Path(folder) / "policy.toml"
            policy.write_text(POLICY)
            bounded = stack.enter_context(_caller(Path(folder) / "bounded", "--policy", str(policy)))
            free = stack.enter_context(_caller(Path(folder) / "free"))
            name, without = "Stream getpid, policy and limits", "without a policy"
            rows = [compare(name, bounded[0], without, free[0], 1.05)]
            rows.append(compare("the same over a ring, by the SDK", bounded[1], without, free[1], 1.05, rounds=60))
        asked, base = _asked(), rows[0].base
        return [*rows, Row("one question to kauth", asked, "us", "Stream getpid", base, asked / base, 0.05)]
    finally:
        unpin()


@contextmanager
def _caller(folder: Path, *flags: str) -> Iterator[tuple[Side, Side]]:
    """Two that make one call of a kernel of their own: on a stream of gRPC, and over a ring."""
    kernel = start_kernel(folder, *flags)
    try:
        with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel, rump.connect(kernel.url) as k:
            attach = channel.unary_unary(
                "/rump.sp.v1.Session/Attach",
                rump_sp_pb2.AttachRequest.SerializeToString,
                rump_sp_pb2.AttachResponse.FromString,
            )
            metadata = (("rump-session", attach(rump_sp_pb2.AttachRequest(comm="bench")).session),)
            with stream(channel, "/rump.sp.v1.Session/Stream", metadata=metadata) as exchange:
                pids = tree(kernel.process.pid)
                yield Side(lambda: exchange(MESSAGE), pids), Side(k.sys.getpid, pids)
    finally:
        kernel.stop()


def _asked() -> float:
    """Microseconds that `authorize` takes for limited credentials, the dearest case that is granted."""
    last = max(Action)
    ctx = Context(1, Credentials(uid=1000, euid=1000, limited=True, actions=kauth.bits([last])))
    count = 20_000
    return min(timeit.repeat(lambda: authorize(ctx, last), number=count, repeat=5)) / count * 1e6
