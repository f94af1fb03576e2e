"""Calls of the SDK on the gateway's host, against bare protobuf over one and two hops of the same rings."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.live import LiveKernel

import rump
import rump.aio
from bench.measure import Row, Side, compare
from bench.processes import tree
from bench.yardstick import frames
from rumpuser.transport.framing import HEADER, framed
from rumpuser.transport.ring import PAGE, SIZE, Ring, attach, create
from rumpwire import rump_kern_pb2, rump_sp_pb2

SILENCE_S = 0.01
SILENCES = 100
CALLERS = 16
"""Calls in flight at a time."""
MANY = 20_000
BATCH = 256


def rows(kernel: LiveKernel) -> list[Row]:
    pids = tree(kernel.process.pid)
    with rump.connect(kernel.url) as k, hops(1) as one, hops(2) as two, frames() as bare:
        k.sys.close(k.sys.open("/tmp/there", os.O_CREAT | os.O_RDWR, 0o644))

        def against(name: str, call: Callable[[], object], yardstick: str, base: Side, bound: float) -> Row:
            return compare(name, Side(call, pids), yardstick, base, bound, each=200)

        return [
            against("getpid of the SDK, busy", k.sys.getpid, "ring, one hop", one, 4.0),
            against("stat of the SDK, busy", lambda: k.sys.stat("/tmp/there"), "ring, two hops", two, 2.5),
            against("open, close", lambda: k.sys.close(k.sys.open("/tmp/there", 0)), "ring, two hops", two, 4.5),
            against("open, close in one Batch", lambda: _open_close(k), "ring, two hops", two, 3.0),
            _after_silence(k, bare),
            _in_flight(kernel.url),
            _batch(k),
        ]


def _open_close(k: rump.Client) -> None:
    with k.batch() as b:
        b.close(b.open("/tmp/there", 0))


def _after_silence(k: rump.Client, bare: Side) -> Row:
    """When everybody sleeps, and has to be woken."""
    sides: list[tuple[Callable[[], object], list[float]]] = [(k.sys.getpid, []), (bare.call, [])]
    for _ in range(SILENCES):
        for call, times in sides:
            time.sleep(SILENCE_S)
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
    ours, base = (statistics.median(times) * 1e6 for _, times in sides)
    return Row("getpid after 10 ms of silence", ours, "us", "bare frames", base, ours / base, 1.5)


def _in_flight(url: str) -> Row:
    async def calls() -> float:
        async with rump.aio.connect(url) as a:

            async def caller(count: int) -> None:
                for _ in range(count):
                    await a.sys.getpid()

            await caller(100)
            began = time.perf_counter()
            await asyncio.gather(*(caller(MANY // CALLERS) for _ in range(CALLERS)))
            return MANY / (time.perf_counter() - began)

    found = statistics.median(asyncio.run(calls()) for _ in range(3))
    return Row("getpid, 16 calls in flight", found, "/s", "60,000/s", 60_000, found / 60_000, 1.0, "high")


def _batch(k: rump.Client) -> Row:
    def batch() -> None:
        with k.batch() as b:
            for _ in range(BATCH):
                b.getpid()

    times = []
    for _ in range(100):
        began = time.perf_counter()
        batch()
        times.append(time.perf_counter() - began)
    found = BATCH / statistics.median(times)
    return Row("getpid in Batches of 256", found, "/s", "200,000/s", 200_000, found / 200_000, 1.0, "high")


@contextmanager
def hops(count: int) -> Iterator[Side]:
    """Sends a call over a ring to another process, which answers, or sends it on over a second ring and waits.

    Parsed and built at every end; who waits looks, and lets others run at every turn.
    """
    with contextlib.ExitStack() as stack:
        pids = []
        rings = [create() for _ in range(count)]
        descriptors = [fd for fd, _ in rings]
        for index in range(count):
            passed = descriptors[index : index + 2]
            command = [sys.executable, "-m", "bench.hops", *map(str, passed)]
            process = stack.enter_context(subprocess.Popen(command, pass_fds=passed))
            stack.callback(process.kill)
            pids.append(process.pid)
        for fd in descriptors:
            os.close(fd)
        ring = rings[0][1]

        def exchange() -> object:
            request = rump_sp_pb2.StreamRequest(id=1, calls=[rump_sp_pb2.Call(getpid=rump_kern_pb2.GetpidRequest())])
            return rump_sp_pb2.StreamResponse.FromString(_ask(ring, request.SerializeToString()))

        exchange()
        yield Side(exchange, pids)


def _ask(ring: Ring, message: bytes) -> bytes:
    ring.outgoing.write(framed(message))
    return _wait(ring)


def _wait(ring: Ring) -> bytes:
    while not (data := ring.incoming.read()):
        os.sched_yield()
    return data[HEADER:]


def _serve(ring: Ring, onward: Ring | None) -> None:
    while True:
        request = rump_sp_pb2.StreamRequest.FromString(_wait(ring))
        if onward is None:
            response = rump_sp_pb2.StreamResponse(id=request.id)
            response.results.add().getpid.pid = 1
        else:
            response = rump_sp_pb2.StreamResponse.FromString(_ask(onward, request.SerializeToString()))
        ring.outgoing.write(framed(response.SerializeToString()))


def _server_of(fd: int) -> Ring:
    """The end that `create` gave to the process that has made the memory."""
    return Ring(mmap.mmap(fd, PAGE + 2 * SIZE), SIZE, server=True)


if __name__ == "__main__":
    numbers = [int(fd) for fd in sys.argv[1:]]
    _serve(attach(numbers[0]), _server_of(numbers[1]) if numbers[1:] else None)
