"""Rings between clients and the gateway, and between components (docs/transport.md): hostile and dying peers, many
callers, and a kernel that nobody calls."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
import rump.aio
from rumpuser.transport.framing import Cutter as FrameCutter
from rumpuser.transport.framing import framed
from rumpuser.transport.offer import hello, read_offer
from rumpuser.transport.ring import PAGE, SIZE, Ring
from rumpwire import rump_kern_pb2, rump_sp_pb2, rump_vfs_pb2
from rumpwire.errno import Errno
from tests.cutter import Cutter
from tests.integration.test_door import attach, request
from tests.live import LiveKernel, eventually, live_kernel

sp: Any = rump_sp_pb2
kern: Any = rump_kern_pb2
vfs: Any = rump_vfs_pb2
WAIT_S = 20


@pytest.fixture(scope="module", params=["server", "split"])
def kernel(request: pytest.FixtureRequest) -> Iterator[LiveKernel]:
    with live_kernel("--placement", request.param) as live:
        yield live


class RawRing:
    """The protocol by hand."""

    def __init__(self, kernel: LiveKernel, token: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(kernel.url.removeprefix("unix://") + ".frames")
        self.socket.sendall(framed(hello(token, ring=True)))
        ring, early = read_offer(self.socket)
        assert ring is not None, early
        self.ring: Ring = ring
        self.memory = ring.outgoing._memory
        self._frames = FrameCutter(1 << 30)

    def __del__(self) -> None:
        self.socket.close()

    def write(self, data: bytes) -> None:
        """Into the ring, as far as there is room, and a bell."""
        self.ring.outgoing.write(data)
        self.bell()

    def bell(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.send(b"!", socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def receive(self) -> Any:
        deadline = time.monotonic() + WAIT_S
        while (frame := self._frames.frame()) is None:
            assert time.monotonic() < deadline
            data = self.ring.incoming.read()
            if not data and self.ring.incoming.arm():
                time.sleep(0.001)
            self._frames.feed(data)
            if self.ring.incoming.rings:
                self.ring.incoming.rings = False
                self.bell()
        return sp.StreamResponse.FromString(frame)

    def zeros(self) -> int:
        """A descriptor to read from; its call has the id 1."""
        self.write(
            framed(sp.StreamRequest(id=1, calls=[sp.Call(open=vfs.OpenRequest(path=b"/dev/zero"))]).SerializeToString())
        )
        fd: int = self.receive().results[0].open.fd
        return fd

    def ended(self) -> bool:
        """Whether the gateway ends the connection."""
        ended = select.poll()
        ended.register(self.socket, select.POLLRDHUP)
        return bool(ended.poll(WAIT_S * 1000))

    def poke(self, at: int, word: int) -> None:
        struct.pack_into("<Q", self.memory, at, word)
        self.bell()


def long_call(number: int, fd: int, size: int) -> bytes:
    """A request whose answer has so many bytes."""
    read = kern.ReadRequest(fd=fd, nbyte=size)
    data: bytes = sp.StreamRequest(id=number, calls=[sp.Call(read=read)]).SerializeToString()
    return data


def test_by_hand(kernel: LiveKernel) -> None:
    raw = RawRing(kernel, attach(kernel).session)
    fd = raw.zeros()
    for number in range(2, 40):  # several times around, and longer than the ring
        raw.write(framed(long_call(number, fd, 7777 * number)))
        reply = raw.receive()
        assert (reply.id, len(reply.results[0].read.data)) == (number, 7777 * number)
    raw.socket.close()


@pytest.mark.parametrize(
    ("at", "word"),
    [(128, 1 << 20), (128, (1 << 64) - 1), (512, 1 << 20), (512, (1 << 64) - 1)],
    ids=["too much", "tail behind", "head ahead", "head behind"],
)
def test_a_garbled_index_ends_its_own_connection(kernel: LiveKernel, at: int, word: int) -> None:
    with rump.connect(kernel.url) as k:
        raw = RawRing(kernel, attach(kernel).session)
        fd = raw.zeros()
        raw.poke(at, word)
        if at == 512:  # the gateway looks when it needs room
            for number in range(2, 6):
                raw.write(framed(long_call(number, fd, 1 << 16)))
        assert raw.ended()
        assert k.sys.getpid() == k.pid


@pytest.mark.parametrize(
    "sent",
    [b"\xff\xff\xff\xff", (1 << 25).to_bytes(4, "little"), b"\x03\0\0\0\xff\xff\xff", b"\xff" * SIZE, os.urandom(SIZE)],
    ids=["longest", "too long", "no message", "full", "noise"],
)
def test_garbled_frames_end_their_own_connection(kernel: LiveKernel, sent: bytes) -> None:
    with rump.connect(kernel.url) as k:
        raw = RawRing(kernel, attach(kernel).session)
        raw.write(sent)
        assert raw.receive().end.errno in (Errno.EMSGSIZE, Errno.EINVAL)
        assert raw.ended()
        assert k.sys.getpid() == k.pid


def test_memory_that_changes_all_the_time(kernel: LiveKernel) -> None:
    """Whatever a client writes while the gateway reads, it harms itself alone."""
    with rump.connect(kernel.url) as k:
        for _ in range(20):
            raw = RawRing(kernel, attach(kernel).session)
            raw.write(framed(request(1)))
            for _ in range(50):
                raw.memory[128:PAGE] = os.urandom(PAGE - 128)
                raw.memory[PAGE : PAGE + 4096] = os.urandom(4096)
                raw.bell()
            raw.socket.close()
            assert k.sys.getpid() == k.pid


def test_who_dies_in_the_middle_of_a_frame_has_not_sent_it(kernel: LiveKernel) -> None:
    token = attach(kernel).session
    raw = RawRing(kernel, token)
    pipe = sp.StreamRequest(id=1, acked=1, calls=[sp.Call(pipe=kern.PipeRequest())]).SerializeToString()
    raw.write(framed(pipe)[:-1])
    raw.socket.close()
    again = RawRing(kernel, token)
    again.write(framed(sp.StreamRequest(resume=True, acked=1, waiting=[1]).SerializeToString()))
    assert again.receive().id == 0
    again.write(framed(pipe))
    assert again.receive().results[0].pipe.rfd == 3, "nothing has been opened before"
    again.socket.close()


def test_what_was_sent_before_the_end_is_done(kernel: LiveKernel) -> None:
    """As with a socket: a program need not wait for the answer to its last call."""
    raw = RawRing(kernel, attach(kernel).session)
    mkdir = sp.StreamRequest(id=1, acked=1, calls=[sp.Call(mkdir=vfs.MkdirRequest(path=b"/tmp/last", mode=0o755))])
    with rump.connect(kernel.url) as k:
        raw.ring.outgoing.write(framed(mkdir.SerializeToString()))
        raw.socket.close()
        eventually(lambda: "last" in k.listdir("/tmp"), WAIT_S, "the directory was made")
        k.sys.rmdir("/tmp/last")


def test_who_never_reads_holds_up_nobody(kernel: LiveKernel) -> None:
    raw = RawRing(kernel, attach(kernel).session)
    with rump.connect(kernel.url) as k:
        fd, sent, full = raw.zeros(), 1, 0.0
        rest = b""
        while not full or time.monotonic() < full + 1:
            rest = rest or framed(long_call(sent + 1, fd, 1 << 14))
            done = raw.ring.outgoing.write(rest)
            raw.bell()
            rest = rest[done:]
            sent += not rest
            full = 0.0 if done else full or time.monotonic()
            if not done:
                time.sleep(0.01)
            assert sent < 50_000, "it is not read from any more"
            if sent % 100 == 0:
                assert k.sys.getpid() == k.pid
        answered = {raw.receive().id for _ in range(2, sent + 1)}  # it reads after all
        assert answered == set(range(2, sent + 1)), "nothing is lost"
    raw.socket.close()


def test_a_proxy_that_passes_no_descriptors(kernel: LiveKernel, tmp_path: Path) -> None:
    proxies = [Cutter(tmp_path, kernel.url), Cutter(tmp_path, kernel.url, suffix=".frames")]
    with rump.connect(proxies[0].url) as k:
        assert type(k._connection._stream._wire).__name__ == "FrameWire"  # type: ignore[attr-defined]
        assert k.sys.getpid() == k.pid

    async def use() -> None:
        async with rump.aio.connect(proxies[0].url) as a:
            assert await a.sys.getpid() == a.pid

    asyncio.run(use())
    for proxy in proxies:
        proxy.close()


def test_many_threads(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        r, w = k.sys.pipe()
        wrong: list[object] = []

        def work(index: int) -> None:
            for turn in range(40):
                path = f"/tmp/thread{index}-{turn % 3}"
                with k.open(path, "wb") as file:
                    file.write(b"%d" % turn)
                with k.open(path, "rb") as file:
                    if (found := file.read()) != b"%d" % turn:
                        wrong.append((index, turn, found))

        sleeper = threading.Thread(target=lambda: wrong.append(k.sys.read(r, 9) != b"wake"))
        threads = [threading.Thread(target=work, args=(index,)) for index in range(12)]
        for thread in (sleeper, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        k.sys.write(w, b"wake")
        sleeper.join()
        assert wrong == [False]


def test_long_messages_both_ways_at_once(kernel: LiveKernel) -> None:
    """Longer than the ring, from several callers, so that both directions are full."""
    with rump.connect(kernel.url) as k:
        fd = k.sys.open("/tmp/both", os.O_CREAT | os.O_RDWR, 0o644)
        data = os.urandom(1 << 20)
        wrong: list[int] = []

        def work(index: int) -> None:
            for _ in range(4):
                k.sys.pwrite(fd, data, index << 20)
                if k.sys.pread(fd, 1 << 20, index << 20) != data:
                    wrong.append(index)

        threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        k.sys.close(fd)
        k.sys.unlink("/tmp/both")
        assert not wrong


def test_many_tasks(kernel: LiveKernel) -> None:
    async def use() -> None:
        async with rump.aio.connect(kernel.url) as a:
            r, w = await a.sys.pipe()
            reads = asyncio.create_task(a.sys.read(r, 9))

            async def work(index: int) -> None:
                fd = await a.sys.open(f"/tmp/task{index}", os.O_CREAT | os.O_RDWR, 0o644)
                data = os.urandom(200_000)
                await a.sys.pwrite(fd, data, 0)
                assert await a.sys.pread(fd, len(data), 0) == data
                await a.sys.close(fd)

            await asyncio.gather(*map(work, range(30)))
            await a.sys.write(w, b"done")
            assert await reads == b"done"

    asyncio.run(use())


def test_an_end_while_a_call_waits(kernel: LiveKernel) -> None:
    """The reader sleeps by then: the end of the socket wakes it."""
    with rump.connect(kernel.url) as k:
        r, _ = k.sys.pipe()
        found: list[BaseException] = []

        def read() -> None:
            try:
                k.sys.read(r, 1)
            except OSError as error:
                found.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        eventually(lambda: k._connection._stream._reading, WAIT_S, "it waits")  # type: ignore[attr-defined]
        k._connection._stream._wire._socket.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
        thread.join(WAIT_S)
        assert [error.errno for error in found if isinstance(error, OSError)] == [Errno.ENOTCONN.value] or found


def ticks(root: int) -> int:
    """Processor time of a process and of those below it."""
    found = 0
    children: dict[int, list[int]] = {}
    spent: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(name))
                spent[int(name)] = int(fields[11]) + int(fields[12])
    todo = [root]
    while todo:
        pid = todo.pop()
        found += spent.get(pid, 0)
        todo += children.get(pid, [])
    return found


def test_a_kernel_that_nobody_calls_sleeps(kernel: LiveKernel) -> None:
    """With a client there, and a call that waits: 2 % of a processor at most over two seconds."""
    with rump.connect(kernel.url) as k:
        r, w = k.sys.pipe()
        thread = threading.Thread(target=lambda: k.sys.read(r, 1))
        thread.start()
        k.sys.stat("/tmp")

        def quiet() -> bool:
            before = ticks(kernel.process.pid)
            time.sleep(2)
            return ticks(kernel.process.pid) - before <= 4

        eventually(quiet, 60, "nobody looks")
        k.sys.write(w, b"x")
        thread.join()


def test_a_component_that_is_killed() -> None:
    with live_kernel() as live, rump.connect(live.url) as k:
        pid = next(c["pid"] for c in k.status()["components"] if c["name"] == "vfs")
        assert k.sys.stat("/tmp").st_mode
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: stat_works(k), WAIT_S, "its successor answers")


def stat_works(k: rump.Client) -> bool:
    with contextlib.suppress(OSError):
        return bool(k.sys.stat("/").st_mode)
    return False
