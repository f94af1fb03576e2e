"""Contents of long reads and writes in memory that clients share (docs/transport.md): right, bounded, hostile peers."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import mmap
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rump
from rumpuser.transport.memory import LONG, SLOT, SLOTS, create
from rumpuser.transport.sharing import SUFFIX, hand_over
from rumpwire import rump_kern_pb2, rump_sp_pb2, rump_vfs_pb2
from rumpwire.errno import Errno
from tests.cutter import DOWN, UP, Cutter
from tests.live import LiveKernel, eventually, live_kernel

sp: Any = rump_sp_pb2
kern: Any = rump_kern_pb2
vfs: Any = rump_vfs_pb2
WAIT_S = 20


@pytest.fixture(scope="module", params=["split", "server"])
def kernel(request: pytest.FixtureRequest) -> Iterator[LiveKernel]:
    with live_kernel("--factions", "vfs,net", "--placement", request.param) as live:
        yield live


@pytest.fixture(scope="module")
def split() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "vfs") as live:
        yield live


def shares(k: rump.Client) -> bool:
    """Whether a client has handed memory over, and it was taken."""
    memory = k._connection._memory  # type: ignore[attr-defined]  of a client of a kernel elsewhere
    return memory is not None and memory._link is not None


def free_slots(k: rump.Client) -> int:
    return len(k._connection._memory._lending._free)  # type: ignore[attr-defined]


def mappings(kernel: LiveKernel) -> int:
    """How often processes of a kernel map memory of clients."""
    total, pids = 0, [kernel.process.pid]
    for pid in pids:
        with contextlib.suppress(OSError):
            total += Path(f"/proc/{pid}/maps").read_text().count("rump-bulk")
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                pids += [int(child) for child in task.read_text().split()]
    return total


# -- contents


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.integers(0, 3 * SLOT),
            st.sampled_from([1, LONG - 1, LONG, LONG + 1, 5 * LONG + 17, SLOT - 1, SLOT, SLOT + 1, 2 * SLOT + 5]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_reads_and_writes_of_any_length_are_those_of_a_file(
    kernel: LiveKernel, steps: list[tuple[bool, int, int]]
) -> None:
    model = bytearray()
    with rump.connect(kernel.url) as k:
        fd = k.sys.open("/tmp/model", os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600)
        for number, (writes, offset, length) in enumerate(steps):
            if writes:
                data = bytes([number + 1]) * (length - 1) + b"!"
                assert k.sys.pwrite(fd, data, offset) == length
                model.extend(bytes(max(0, offset + length - len(model))))
                model[offset : offset + length] = data
            else:
                assert k.sys.pread(fd, length, offset) == bytes(model[offset : offset + length])
        assert k.sys.pread(fd, len(model) + SLOT, 0) == bytes(model)
        assert shares(k) or all(length < LONG for _, _, length in steps)


def test_holes_read_as_zeros_where_other_contents_were_before(split: LiveKernel) -> None:
    with rump.connect(split.url) as k:
        full = k.sys.open("/tmp/full", os.O_CREAT | os.O_RDWR, 0o600)
        k.sys.pwrite(full, b"\xff" * SLOT, 0)
        assert k.sys.pread(full, SLOT, 0) == b"\xff" * SLOT
        holes = k.sys.open("/tmp/holes", os.O_CREAT | os.O_RDWR, 0o600)
        k.sys.pwrite(holes, b"a", 3 * LONG + 5)
        k.sys.ftruncate(holes, SLOT)
        assert k.sys.pread(holes, SLOT, 0) == bytes(3 * LONG + 5) + b"a" + bytes(SLOT - 3 * LONG - 6)


def test_what_a_pipe_keeps_is_a_copy(kernel: LiveKernel) -> None:
    """The slot that the first write came in is lent to the second one, while the first still lies in the pipe."""
    with rump.connect(kernel.url) as k:
        ends = [k.sys.pipe() for _ in range(2)]
        wrote = [k.sys.write(end[1], letter * LONG) for end, letter in zip(ends, (b"a", b"b"), strict=True)]
        assert shares(k)
        for end, letter, count in zip(ends, (b"a", b"b"), wrote, strict=True):
            data = b""
            while len(data) < count:
                data += k.sys.read(end[0], LONG)
            assert data == letter * count


def test_batches_share_a_slot_and_refer_to_results(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        with k.batch() as b:
            fd = b.open("/tmp/batched", os.O_CREAT | os.O_RDWR, 0o600)
            b.write(fd, b"x" * (2 * LONG))
            b.write(fd, b"y" * (3 * LONG))
            first = b.pread(fd, LONG, LONG)
            second = b.pread(fd, 4 * LONG, LONG)
            b.close(fd)
        assert shares(k)
        assert first.result() == b"x" * LONG
        assert second.result() == b"x" * LONG + b"y" * (3 * LONG)
        assert free_slots(k) == SLOTS


def test_errors_come_back_and_give_the_slot_back(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        readonly = k.sys.open("/tmp", os.O_RDONLY)
        with pytest.raises(IsADirectoryError):
            k.sys.read(readonly, LONG)
        with pytest.raises(OSError, match="not open"):
            k.sys.write(99, bytes(LONG))
        assert free_slots(k) == SLOTS


def test_more_threads_than_slots(kernel: LiveKernel) -> None:
    failed: list[BaseException] = []

    def work(k: rump.Client, number: int) -> None:
        try:
            fd = k.sys.open(f"/tmp/thread{number}", os.O_CREAT | os.O_RDWR, 0o600)
            for turn in range(6):
                data = bytes([number, turn]) * (LONG + number)
                assert k.sys.pwrite(fd, data, 0) == len(data)
                assert k.sys.pread(fd, len(data), 0) == data
        except BaseException as error:  # noqa: BLE001  the test tells of it
            failed.append(error)

    with rump.connect(kernel.url) as k:
        threads = [threading.Thread(target=work, args=(k, number)) for number in range(2 * SLOTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed, failed
        assert free_slots(k) == SLOTS


# -- where there is none, or it ends


def test_without_a_socket_for_memory_contents_go_in_messages(split: LiveKernel, tmp_path: Path) -> None:
    cutter = Cutter(tmp_path, split.url, suffix=".frames")
    (tmp_path / "cutter.sock").symlink_to(split.url.removeprefix("unix://"))
    try:
        with rump.connect(cutter.url) as k:
            fd = k.sys.open("/tmp/plain", os.O_CREAT | os.O_RDWR, 0o600)
            assert k.sys.pwrite(fd, b"p" * SLOT, 0) == SLOT
            assert k.sys.pread(fd, SLOT, 0) == b"p" * SLOT
            assert not shares(k)
    finally:
        cutter.close()


@pytest.mark.parametrize("direction", [UP, DOWN])
def test_a_write_whose_stream_is_cut_is_done_once(split: LiveKernel, tmp_path: Path, direction: str) -> None:
    armed: list[int] = []

    def decide(connection: int, way: str, index: int) -> float | None:
        if way == direction and armed and armed.pop():
            return 0.0
        return None

    cutter = Cutter(tmp_path, split.url, decide, suffix=".frames")
    (tmp_path / "cutter.sock").symlink_to(split.url.removeprefix("unix://"))
    (tmp_path / f"cutter.sock{SUFFIX}").symlink_to(split.url.removeprefix("unix://") + SUFFIX)
    try:
        with rump.connect(cutter.url, retry=WAIT_S) as k:
            fd = k.sys.open("/tmp/once", os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_TRUNC, 0o600)
            k.sys.write(fd, b"a" * LONG)
            assert shares(k)
            armed.append(1)
            assert k.sys.write(fd, b"b" * LONG) == LONG
            assert not armed
            assert k.sys.pread(fd, 4 * LONG, 0) == b"a" * LONG + b"b" * LONG
    finally:
        cutter.close()


def test_what_was_shared_is_let_go_when_the_client_has_gone(split: LiveKernel) -> None:
    eventually(lambda: mappings(split) == 0, WAIT_S, "nothing is mapped")
    with rump.connect(split.url) as k:
        fd = k.sys.open("/tmp/gone", os.O_CREAT | os.O_RDWR, 0o600)
        eventually(lambda: k.sys.pwrite(fd, bytes(LONG), 0) and mappings(split) == 2, WAIT_S, "gateway and vfs map it")
    eventually(lambda: mappings(split) == 0, WAIT_S, "nothing is mapped any more")


def test_a_successor_of_vfs_is_handed_it_anew() -> None:
    with live_kernel("--factions", "vfs") as live, rump.connect(live.url) as k:
        fd = k.sys.open("/tmp/before", os.O_CREAT | os.O_RDWR, 0o600)
        eventually(lambda: k.sys.pwrite(fd, b"1" * LONG, 0) and mappings(live) == 2, WAIT_S, "gateway and vfs map it")
        k.pub.component_restart("vfs", False, False)
        assert k.sys.pread(fd, LONG, 0) == b"1" * LONG
        eventually(lambda: k.sys.pwrite(fd, b"2" * LONG, 0) and mappings(live) == 2, WAIT_S, "the successor maps it")
        assert k.sys.pread(fd, LONG, 0) == b"2" * LONG


# -- hostile


def attach(kernel: LiveKernel) -> Any:
    with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel:
        method: Any = channel.unary_unary(
            "/rump.sp.v1.Session/Attach", sp.AttachRequest.SerializeToString, sp.AttachResponse.FromString
        )
        return method(sp.AttachRequest(comm="raw", lease_ms=5000))


def memory_of(kernel: LiveKernel) -> str:
    return kernel.url.removeprefix("unix://") + SUFFIX


def refused(kernel: LiveKernel, token: bytes, *fds: int) -> bool:
    """Whether the connection is ended without an answer."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
        link.settimeout(WAIT_S)
        link.connect(memory_of(kernel))
        socket.send_fds(link, [token], list(fds))
        return link.recv(8) == b""


def works(kernel: LiveKernel) -> bool:
    with rump.connect(kernel.url) as k:
        fd = k.sys.open("/tmp/works", os.O_CREAT | os.O_RDWR, 0o600)
        return k.sys.pwrite(fd, b"w" * SLOT, 0) == SLOT and k.sys.pread(fd, SLOT, 0) == b"w" * SLOT


def test_what_is_no_sealed_memory_is_refused(split: LiveKernel, tmp_path: Path) -> None:
    token = attach(split).session.encode()
    (tmp_path / "file").write_bytes(bytes(SLOT))
    with (tmp_path / "file").open("r+b") as file:
        assert refused(split, token, file.fileno())
    unsealed = os.memfd_create("rump-bulk", os.MFD_ALLOW_SEALING)
    os.ftruncate(unsealed, SLOT)
    assert refused(split, token, unsealed)
    fcntl.fcntl(unsealed, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE)
    assert refused(split, token, unsealed), "it cannot be written to"
    os.close(unsealed)
    empty = os.memfd_create("rump-bulk", os.MFD_ALLOW_SEALING)
    fcntl.fcntl(empty, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    assert refused(split, token, empty)
    os.close(empty)
    huge = create(128 << 20)
    assert refused(split, token, huge.fd), "too long"
    assert refused(split, token), "nothing came with the token"
    pool = create()
    assert refused(split, b"no such session", pool.fd)
    assert refused(split, b"", pool.fd)
    assert works(split)


class Raw:
    """A client by hand, that may share memory."""

    def __init__(self, kernel: LiveKernel) -> None:
        self.token = attach(kernel).session.encode()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(kernel.url.removeprefix("unix://") + ".frames")
        self._send(self.token)
        self._next = 1

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def _send(self, data: bytes) -> None:
        self.socket.sendall(len(data).to_bytes(4, "little") + data)

    def ask(self, calls: list[Any], *places: tuple[int, int, int]) -> Any:
        shared = [sp.Shared(call=c, offset=o, length=n) for c, o, n in places]
        self._send(sp.StreamRequest(id=self._next, acked=1, calls=calls, shared=shared).SerializeToString())
        self._next += 1
        length = int.from_bytes(self.socket.recv(4, socket.MSG_WAITALL), "little")
        return sp.StreamResponse.FromString(self.socket.recv(length, socket.MSG_WAITALL))

    def error(self, calls: list[Any], *places: tuple[int, int, int]) -> Errno:
        return Errno(self.ask(calls, *places).results[0].error.errno)


@pytest.fixture
def raw(request: pytest.FixtureRequest) -> Iterator[Raw]:
    with Raw(request.getfixturevalue(request.param)) as client:
        yield client


@pytest.mark.parametrize("raw", ["kernel"], indirect=True)
def test_places_that_make_no_sense_fail_one_request(kernel: LiveKernel, raw: Raw) -> None:
    opened = raw.ask([sp.Call(open=vfs.OpenRequest(path=b"/tmp/raw", flags=0x202, mode=0o600))])
    fd = opened.results[0].open.fd
    write = [sp.Call(pwrite=vfs.PwriteRequest(fd=fd))]
    read = [sp.Call(pread=vfs.PreadRequest(fd=fd, nbyte=LONG))]
    assert raw.error(write, (0, 0, LONG)) == Errno.EFAULT, "nothing is shared"
    pool = create(SLOT)
    link, _ = hand_over(memory_of(kernel), raw.token, pool)
    far = (1 << 64) - 1
    for place in (
        (0, SLOT, 1),
        (0, SLOT - 1, 2),
        (0, far, 1),
        (0, 1, far),
        (0, far, far),
        (1, 0, 1),
        (0xFFFFFFFF, 0, 1),
    ):
        assert raw.error(write, place) == Errno.EINVAL, place
    for place in ((0, SLOT - 1, 2), (0, far, 1), (7, 0, 1)):
        assert raw.error(read, place) == Errno.EINVAL, place
    assert raw.error([sp.Call(getpid=kern.GetpidRequest())], (0, 0, 1)) == Errno.EINVAL
    assert raw.ask(write, (0, 0, 0)).results[0].pwrite.count == 0
    pool.view[:4] = b"real"
    assert raw.ask(write, (0, 0, 4)).results[0].pwrite.count == 4
    small = raw.ask([sp.Call(pread=vfs.PreadRequest(fd=fd, nbyte=100))], (0, 4096, 2))
    assert [(p.offset, p.length) for p in small.shared] == [(4096, 2)], "the room is the most that is read"
    assert bytes(pool.view[4096:4098]) == b"re"
    link.close()
    assert works(kernel)


@pytest.mark.parametrize("raw", ["split"], indirect=True)
def test_memory_that_changes_all_the_time_is_contents_and_nothing_else(split: LiveKernel, raw: Raw) -> None:
    """Another thread scribbles over it: what is read back is made of what was there, and the kernel goes on."""
    pool = create(SLOT)
    link, _ = hand_over(memory_of(split), raw.token, pool)
    stop = threading.Event()

    def scribble() -> None:
        scratch = mmap.mmap(pool.fd, SLOT)
        while not stop.is_set():
            scratch[:] = b"\x00" * SLOT
            scratch[:] = b"\xff" * SLOT

    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        opened = raw.ask([sp.Call(open=vfs.OpenRequest(path=b"/tmp/scribbled", flags=0x202, mode=0o600))])
        fd = opened.results[0].open.fd
        for _ in range(20):
            assert raw.ask([sp.Call(pwrite=vfs.PwriteRequest(fd=fd))], (0, 0, SLOT)).results[0].pwrite.count == SLOT
            assert raw.ask([sp.Call(pread=vfs.PreadRequest(fd=fd, nbyte=SLOT))], (0, 0, SLOT)).shared[0].length == SLOT
    finally:
        stop.set()
        thread.join()
    with rump.connect(split.url) as k:
        data = k.sys.pread(k.sys.open("/tmp/scribbled", os.O_RDONLY), SLOT, 0)
        assert len(data) == SLOT
        assert set(data) <= {0, 255}
    link.close()


def test_vectors_are_one_piece_in_memory(kernel: LiveKernel) -> None:
    pieces = [b"a" * LONG, b"", b"b" * 7, b"c" * (2 * LONG)]
    whole = b"".join(pieces)
    with rump.connect(kernel.url) as k:
        fd = k.sys.open("/tmp/vectors", os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600)
        assert k.sys.writev(fd, pieces) == len(whole)
        assert shares(k)
        assert k.sys.pwritev(fd, pieces, len(whole)) == len(whole)
        assert k.sys.readv(fd, [LONG, 5, LONG]) == whole[: 2 * LONG + 5]
        assert k.sys.preadv(fd, [len(whole)] * 2, 0) == whole * 2
        with k.batch() as b:
            opened = b.open("/tmp/vectors", os.O_RDONLY)
            read = b.preadv(opened, [LONG, LONG], 3)
            b.close(opened)
        assert read.result() == (whole * 2)[3 : 2 * LONG + 3]
        with pytest.raises(OSError, match="Invalid argument"):
            k.sys.writev(fd, [b"x" * 100] * 1025)
        with pytest.raises(OSError, match="Bad file"):
            k.sys.writev(99, pieces)
        assert free_slots(k) == SLOTS


def test_asyncio_shares_memory_too(kernel: LiveKernel) -> None:
    async def several() -> None:
        async with rump.aio.connect(kernel.url) as k:
            connection: Any = k._connection
            files = [await k.sys.open(f"/tmp/aio{n}", os.O_CREAT | os.O_RDWR, 0o600) for n in range(SLOTS + 4)]
            data = [bytes([n]) * (LONG + n) for n in range(len(files))]
            pairs = list(zip(files, data, strict=True))
            wrote = await asyncio.gather(*(k.sys.pwrite(fd, each, 0) for fd, each in pairs))
            assert wrote == [len(each) for each in data]
            assert await asyncio.gather(*(k.sys.pread(fd, SLOT, 0) for fd in files)) == data
            assert connection._memory._link is not None
            assert len(connection._memory._lending._free) == SLOTS
            r, w = await k.sys.pipe()
            reading = asyncio.create_task(k.sys.read(r, LONG))
            while not connection._ledger.waiting:
                await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await k.sys.write(w, b"kept")
            assert await k.sys.read(r, LONG) == b"kept"
            assert len(connection._memory._lending._free) == SLOTS - 1, "nobody knows whether it is still used"

    asyncio.run(several())


def test_asyncio_goes_on_after_a_cut(split: LiveKernel, tmp_path: Path) -> None:
    async def over(url: str, cut: Callable[[], None]) -> None:
        async with rump.aio.connect(url, retry=30) as k:
            fd = await k.sys.open("/tmp/aiocut", os.O_CREAT | os.O_RDWR, 0o600)
            for letter in (b"a", b"b"):
                await k.sys.pwrite(fd, letter * LONG, 0)
                assert await k.sys.pread(fd, LONG, 0) == letter * LONG
                cut()

    cutter = Cutter(tmp_path, split.url, suffix=".frames")
    (tmp_path / "cutter.sock").symlink_to(split.url.removeprefix("unix://"))
    (tmp_path / f"cutter.sock{SUFFIX}").symlink_to(split.url.removeprefix("unix://") + SUFFIX)
    try:
        asyncio.run(over(cutter.url, cutter.cut_all))
    finally:
        cutter.close()
