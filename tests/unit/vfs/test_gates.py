"""Mounts on disks that have to be waited for: one call at a time for each, and nothing else waits."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import rump
from rumpuser.aio import settle
from rumpuser.component import Component, Context, Entry, Parameters
from rumpuser.pending import Pending, Running, start
from rumpuser.systemhost import SystemHost
from rumpuser.transport.inprocess import LocalBus
from rumpvfs.component import VfsComponent
from rumpvfs.core.gates import Gates
from rumpvfs.core.vnode import Entry as DirEntry
from rumpvfs.core.vnode import FileSystem, FileSystemType, MountRequest, NewNode, Vnode, VType
from rumpvfs.fs.nullfs import FILE_SYSTEM as NULLFS
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import OptionArgs, Stat, Statvfs, TmpfsArgs
from tests.unit.vfs.kit import user


class Server(Component):
    """A dev that answers when it is told to, or at once. What it is asked is the name of the mount that asks."""

    name = "dev"

    def __init__(self) -> None:
        super().__init__()
        self.table["pread"] = Entry(self.pread)
        self.held: set[str] = set()
        self.waiting: deque[tuple[str, Pending[bytes]]] = deque()
        self.at_work: set[str] = set()
        self.most = 0

    def pread(self, ctx: Context, name: Any, nbyte: int, offset: int) -> Any:
        return self._later(name) if name in self.held or "*" in self.held else b"now"

    async def _later(self, name: str) -> bytes:
        assert name not in self.at_work, "two calls are in one mount"
        self.at_work.add(name)
        self.most = max(self.most, len(self.at_work))
        pending: Pending[bytes] = Pending()
        self.waiting.append((name, pending))
        try:
            return await pending
        finally:
            self.at_work.discard(name)

    def answer(self, error: Errno | None = None) -> None:
        _, pending = self.waiting.popleft()
        if error is None:
            pending.resolve(b"later")
        else:
            pending.fail(KernelError(error))


class File(Vnode):
    """Its contents are what the server says; names that begin with d are directories. Writes are noted."""

    __slots__ = ("name",)
    fs: Remote

    def __init__(self, fs: Remote, name: bytes, vtype: VType) -> None:
        super().__init__(fs, hash(name) & 0xFFFF, vtype)
        self.name = name

    def getattr(self) -> Stat:
        return Stat(self.fs.dev, self.vtype | 0o777, self.fileno, 1, st_size=5)

    def lookup(self, name: bytes) -> Vnode:
        if name.startswith(b"no"):
            raise KernelError(Errno.ENOENT)
        return File(self.fs, name, VType.DIR if name.startswith(b"d") else VType.REG)

    def parent(self) -> Vnode:
        return self.fs.root()

    def readdir(self, cookie: int) -> Iterator[DirEntry]:
        yield from ()

    def create(self, name: bytes, new: NewNode) -> Vnode:
        self.fs.ask()
        return File(self.fs, name, new.vtype)

    def read(self, offset: int, length: int) -> bytes:
        return self.fs.ask()

    def write(self, offset: int, data: Any) -> int:
        self.fs.ask()
        self.fs.written.append(bytes(data))
        return len(data)

    def rename(self, name: bytes, node: Vnode, to: Vnode, new: bytes, replaced: Vnode | None) -> None:
        self.fs.ask()


class Remote(FileSystem):
    """A file system of a server, as one of the network would be."""

    type_name = "remotefs"
    cache_names = False

    def __init__(self, gates: Gates, name: str) -> None:
        self.gates_ = gates
        self.name = name
        self.written: list[bytes] = []
        self._root = File(self, b"", VType.DIR)

    def root(self) -> Vnode:
        return self._root

    def ask(self) -> bytes:
        answer: bytes = self.gates_.ask("dev", OPS["pread"], self.name, 1, 0)
        return answer

    def statvfs(self) -> Statvfs:
        self.ask()
        return Statvfs()

    def sync(self) -> None:
        self.ask()


class Kernel:
    """A vfs on the loop of a test."""

    def __init__(self) -> None:
        self.server = Server()
        self.vfs = VfsComponent(SystemHost(asyncio.get_running_loop()), LocalBus({"dev": self.server}), Parameters())
        self.systems: dict[str, Remote] = {}

        def mount(request: MountRequest, env: Any) -> FileSystem:
            name = request.args.fspec.decode()  # type: ignore[union-attr]
            self.systems[name] = Remote(self.vfs.vfs.gates, name)
            return self.systems[name]

        self.vfs.add_filesystem(FileSystemType("remotefs", mount, needs_device=False, slow=True))

    def begin(self, name: str, *args: Any) -> Any:
        """A value, a call on its way, or the error that it failed with."""
        try:
            return start(self.vfs.call(Context(), OPS[name], args))
        except KernelError as error:
            return error

    async def call(self, name: str, *args: Any) -> Any:
        return await settle(self.vfs.call(Context(), OPS[name], args))

    async def mount(self, name: str) -> str:
        path = f"/{name}"
        await self.call("mkdir", path.encode(), 0o777)
        await self.call("mount", "remotefs", path.encode(), 0, OptionArgs(name.encode(), {}))
        return path

    async def open(self, path: str, flags: int = const.O_RDWR) -> int:
        fd: int = await self.call("open", path.encode(), flags, 0)
        return fd


def in_loop(test: Callable[[Kernel], Awaitable[None]]) -> Callable[[], None]:
    async def main() -> None:
        await test(Kernel())

    def run() -> None:
        asyncio.run(main())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@contextmanager
def held(server: Server, *names: str) -> Iterator[None]:
    server.held.update(names)
    yield
    server.held.difference_update(names)


def refused(running: Any) -> Errno:
    with pytest.raises(KernelError) as caught:
        running.outcome.result()
    return Errno(caught.value.errno)


async def turns() -> None:
    """Lets the loop do what is due."""
    for _ in range(20):
        await asyncio.sleep(0)


@in_loop
async def test_the_others_go_on(k: Kernel) -> None:
    slow, other = await k.mount("slow"), await k.mount("other")
    fd, fd2 = await k.open(f"{slow}/f"), await k.open(f"{other}/f")
    with held(k.server, "slow"):
        reading = k.begin("read", fd, 100)
        assert isinstance(reading, Running)
        assert not isinstance(k.begin("stat", b"/tmp"), Running)
        await k.call("mkdir", b"/tmp/new", 0o755)
        assert bytes(await k.call("read", fd2, 3)) == b"now"
        assert not reading.outcome.done
    k.server.answer()
    await turns()
    assert bytes(reading.outcome.result()) == b"later"


@in_loop
async def test_calls_of_one_mount_are_done_in_their_order(k: Kernel) -> None:
    fd = await k.open(await k.mount("slow") + "/f")
    with held(k.server, "slow"):
        calls = [k.begin("write", fd, bytes([65 + number])) for number in range(5)]
        stat = k.begin("stat", b"/slow/other")
        for _ in range(5):
            assert len(k.server.waiting) == 1
            k.server.answer()
            await turns()
    assert [call.outcome.result() for call in calls] == [1] * 5
    assert b"".join(k.systems["slow"].written) == b"ABCDE"
    assert stat.outcome.result().st_size == 5


@in_loop
async def test_each_call_of_a_run_is_in_the_gate_on_its_own(k: Kernel) -> None:
    path = await k.mount("slow") + "/f"
    fd = await k.open(path)
    reads = [Step(OPS["read"], (fd, 9)), Step(OPS["read"], (fd, 9))]
    with held(k.server, "slow"):
        first = k.begin("read", fd, 9)
        run = start(k.vfs.run(Context(), reads, False))
        for _ in range(3):
            k.server.answer()
            await turns()
    assert [bytes(value) for value in run.outcome.result()] == [b"later"] * 2
    assert bytes(first.outcome.result()) == b"later"
    assert all(gate.owner is None for gate in k.systems["slow"].gates)
    assert (await k.call("stat", path.encode())).st_size == 5


@in_loop
async def test_who_waits_for_its_turn_can_be_cancelled_who_is_in_a_driver_cannot(k: Kernel) -> None:
    fd = await k.open(await k.mount("slow") + "/f")
    with held(k.server, "slow"):
        first, second, third = (k.begin("write", fd, data) for data in (b"1", b"2", b"3"))
        second.cancel()
        await turns()
        assert refused(second) == Errno.EINTR
        first.cancel()
        await turns()
        assert not first.outcome.done
        k.server.answer()
        await turns()
        assert first.outcome.result() == 1
        k.server.answer()
        await turns()
        assert third.outcome.result() == 1
    assert k.systems["slow"].written == [b"1", b"3"]
    assert await k.call("write", fd, b"4") == 1


@in_loop
async def test_a_driver_goes_on_for_whom_it_began(k: Kernel) -> None:
    fd = await k.open(await k.mount("slow") + "/f")
    seen: list[int] = []
    ask = k.systems["slow"].ask

    def noted() -> bytes:
        answer = ask()
        seen.append(k.vfs.vfs.environment.cred.euid)
        return answer

    k.systems["slow"].ask = noted  # type: ignore[method-assign]
    with held(k.server, "slow"):
        for uid in (1, 2):
            start(k.vfs.call(user(uid), OPS["read"], (fd, 9)))
        await k.call("stat", b"/tmp")
        k.server.answer()
        await turns()
        await k.call("stat", b"/tmp")
        k.server.answer()
        await turns()
    assert seen == [1, 2]


@in_loop
async def test_errors_of_the_other_side_reach_the_caller(k: Kernel) -> None:
    fd = await k.open(await k.mount("slow") + "/f")
    with held(k.server, "slow"):
        reading = k.begin("read", fd, 9)
        k.server.answer(Errno.EIO)
        await turns()
    assert refused(reading) == Errno.EIO
    assert bytes(await k.call("read", fd, 9)) == b"now"
    assert (await k.call("stat", b"/slow/f")).st_size == 5
    with pytest.raises(KernelError, match="ENOENT"):
        await k.call("stat", b"/slow/nothing")


@in_loop
async def test_a_handler_that_awaits_is_outside_meanwhile(k: Kernel) -> None:
    """Whoever holds the lock of a file must be able to give it back."""
    path = await k.mount("slow") + "/f"
    fd, fd2 = await k.open(path), await k.open(path)
    vnode = k.vfs.vfs.files[fd].vnode
    k.vfs.vfs.files[fd2].vnode = vnode
    await k.call("flock", fd, const.LOCK_EX)
    waiting = k.begin("flock", fd2, const.LOCK_EX)
    assert bytes(await k.call("read", fd, 3)) == b"now"
    await k.call("flock", fd, const.LOCK_UN)
    await turns()
    assert waiting.outcome.result() is None


@in_loop
async def test_unmount_waits_and_what_waits_behind_it_finds_nothing(k: Kernel) -> None:
    fd = await k.open(await k.mount("slow") + "/f")
    with held(k.server, "slow"):
        reading = k.begin("read", fd, 9)
        unmount = k.begin("unmount", b"/slow", const.MNT_FORCE)
        late, stat = k.begin("read", fd, 9), k.begin("stat", b"/slow/f")
        await turns()
        assert not unmount.outcome.done
        while k.server.waiting:
            k.server.answer()
            await turns()
    assert bytes(reading.outcome.result()) == b"later"
    assert unmount.outcome.result() is None
    assert refused(late) == Errno.EIO
    assert refused(stat) == Errno.ENOENT
    await k.call("close", fd)
    assert await k.call("mount", "tmpfs", b"/slow", 0, TmpfsArgs()) is None


@in_loop
async def test_layers_stand_in_the_gate_of_what_is_below(k: Kernel) -> None:
    k.vfs.add_filesystem(NULLFS)
    await k.mount("slow")
    await k.call("mkdir", b"/over", 0o777)
    await k.call("mount", "nullfs", b"/over", 0, OptionArgs(b"/slow", {}))
    fd, fd2 = await k.open("/slow/f"), await k.open("/over/f")
    with held(k.server, "slow"):
        calls = [k.begin("read", handle, 9) for handle in (fd, fd2, fd)]
        for _ in calls:
            assert len(k.server.waiting) == 1
            k.server.answer()
            await turns()
    assert [bytes(call.outcome.result()) for call in calls] == [b"later"] * 3


@pytest.mark.parametrize("seed", range(3))
def test_many_calls_on_many_mounts_all_end(seed: int) -> None:
    """Paths from mount to mount, in both orders, cancelled now and then; the server checks that no mount has two."""

    async def main() -> None:
        generator = random.Random(seed)
        k = Kernel()
        await k.call("mkdir", b"/top", 0o777)
        names = [f"m{number}" for number in range(6)]
        for name in names:
            await k.mount(name)
        fds = {name: await k.open(f"/{name}/f") for name in names}
        k.server.held.add("*")
        calls = []
        for _ in range(400):
            one, two = generator.sample(names, 2)
            calls.append(generator.choice((
                lambda: k.begin("read", fds[one], 9),  # noqa: B023  called at once
                lambda: k.begin("write", fds[two], b"x"),  # noqa: B023
                lambda: k.begin("rename", f"/{one}/a".encode(), f"/{two}/b".encode()),  # noqa: B023
                lambda: k.begin("rename", f"/{one}/a".encode(), f"/{one}/b".encode()),  # noqa: B023
                lambda: k.begin("link", f"/{one}/a".encode(), f"/{two}/b".encode()),  # noqa: B023
                lambda: k.begin("stat", f"/{one}/../{two}/../{one}/d/../f".encode()),  # noqa: B023
                lambda: k.begin("mkdir", f"/{one}/no{generator.random()}".encode(), 0o777),  # noqa: B023
                lambda: k.begin("sync"),
                lambda: k.begin("getvfsstat", 0),
            ))())  # fmt: skip
            if generator.random() < 0.1 and isinstance(calls[-1], Running):
                calls[-1].cancel()
            for _ in range(generator.randrange(4)):
                if k.server.waiting:
                    k.server.waiting.rotate(generator.randrange(3))
                    k.server.answer(Errno.EIO if generator.random() < 0.1 else None)
                await asyncio.sleep(0)
        running = [call for call in calls if isinstance(call, Running)]
        for _ in range(20_000):
            if all(call.outcome.done for call in running):
                break
            if k.server.waiting:
                k.server.answer()
            await asyncio.sleep(0)
        assert all(call.outcome.done for call in running)
        assert k.server.most > 1
        failed = [call for call in calls if isinstance(call, KernelError)]
        for call in running:
            try:
                call.outcome.result()
            except KernelError as error:
                failed.append(error)
        assert {error.errno for error in failed} <= {Errno.EINTR, Errno.EXDEV, Errno.EIO, Errno.EEXIST}
        k.server.held.clear()
        await settle(k.vfs.stop())

    asyncio.run(main())


def test_threads_of_a_kernel_in_this_process() -> None:
    """The thread of the caller waits itself, and lets go of the kernel."""
    goes, asked = threading.Event(), threading.Semaphore(0)

    class Blocking(Remote):
        def ask(self) -> bytes:
            def work() -> bytes:
                asked.release()
                assert goes.wait(30)
                return b"later"

            answer: bytes = self.gates_.aside(work)
            return answer

    with rump.Kernel(factions=("vfs",)) as kernel:
        vfs: Any = kernel._kernel._components["vfs"]
        blocking = Blocking(vfs.vfs.gates, "slow")
        vfs.add_filesystem(FileSystemType("remotefs", lambda request, env: blocking, needs_device=False, slow=True))
        kernel.sys.mkdir("/slow", 0o755)
        kernel.sys.mount("remotefs", "/slow", device="slow")
        got: list[bytes] = []
        others = [kernel.attach() for _ in range(3)]
        threads = [threading.Thread(target=lambda k=k: got.append(_all_of(k))) for k in others]
        for thread in threads:
            thread.start()
        assert asked.acquire(timeout=30)
        assert kernel.sys.stat("/tmp").st_nlink >= 2
        assert got == []
        assert not asked.acquire(blocking=False)
        goes.set()
        for thread in threads:
            thread.join(30)
        assert got == [b"later"] * 3
        for k in others:
            k.close()


def _all_of(k: Any) -> bytes:
    found: bytes = k.sys.pread(k.sys.open("/slow/f", os.O_RDONLY), 9, 0)
    return found
