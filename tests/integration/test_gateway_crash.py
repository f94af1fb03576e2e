"""The gateway is killed: the components go on, the next one takes over, and clients find what they had."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.live import eventually, start_kernel

COMPONENTS = ("kern", "vfs", "net", "dev")


class Apart:
    """Components by themselves, and a gateway that may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/kernel.sock"
        self._env = {**os.environ, "RUMP_BUS_TOKEN": secrets.token_hex(16)}
        self.components = {name: self.component(name) for name in COMPONENTS}
        self.gateway = self.start()

    def _run(self, module: str, *flags: str) -> subprocess.Popen[str]:
        with (self.folder / "log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *flags], env=self._env, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def component(self, name: str) -> subprocess.Popen[str]:
        bus = f"unix://{self.folder}/bus.sock"
        return self._run(f"rump{name}", "--listen", f"unix://{self.folder}/{name}.sock", "--gateway", bus, "--keep")

    def start(self) -> subprocess.Popen[str]:
        gateway = self._run("rumpgateway", "--dir", str(self.folder), "--no-spawn", "--log-level", "info")
        assert gateway.stdout is not None
        assert gateway.stdout.readline().startswith("ready"), (self.folder / "log").read_text()
        eventually(self.whole, 20, "all components have joined")
        return gateway

    def whole(self) -> bool:
        try:
            with rump.connect(self.url) as k:
                return {c["name"] for c in k.status()["components"] if c["state"] == "serving"} >= set(COMPONENTS)
        except OSError:  # kern has not joined yet
            return False

    def kill(self) -> None:
        self.gateway.kill()
        self.gateway.wait()
        assert self.gateway.stdout is not None
        self.gateway.stdout.close()

    def crash(self) -> None:
        self.kill()
        self.gateway = self.start()

    def stop(self) -> None:
        for process in (self.gateway, *self.components.values()):
            process.terminate()
            process.wait(20)
            assert process.stdout is not None
            process.stdout.close()


class Kept:
    """A kernel as `rump up` has it."""

    def __init__(self, folder: Path) -> None:
        self.kernel = start_kernel(folder, "--give-up", "1000")
        self.url = self.kernel.url

    def components(self) -> dict[str, tuple[int, str]]:
        with rump.connect(self.url) as k:
            return {c["name"]: (c["pid"], c["state"]) for c in k.status()["components"]}

    def crash(self) -> None:
        before = self.components()
        os.kill(before["gateway"][0], signal.SIGKILL)
        eventually(lambda: self.is_back(before), 20, "there is a gateway again")

    def is_back(self, before: dict[str, tuple[int, str]]) -> bool:
        try:
            found = self.components()
        except OSError:
            return False
        assert {name: pid for name, (pid, _) in found.items() if name != "gateway"} == {
            name: pid for name, (pid, _) in before.items() if name != "gateway"
        }
        return found["gateway"][0] != before["gateway"][0]

    def stop(self) -> None:
        assert self.kernel.stop() == 0
        assert self.kernel.process.stdout is not None
        self.kernel.process.stdout.close()


@pytest.fixture(scope="module", params=[Kept, Apart])
def apart(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = request.param(tmp_path_factory.mktemp("crash"))
    yield made
    made.stop()


@pytest.fixture
def k(apart: Any) -> Iterator[Any]:
    with rump.connect(apart.url, retry=60) as client:
        yield client


def test_a_process_is_the_same(apart: Any, k: Any) -> None:
    k.sys.mkdir("/tmp/here", 0o755)
    k.sys.chdir("/tmp/here")
    k.sys.umask(0o27)
    fd = k.sys.open("file", os.O_CREAT | os.O_RDWR, 0o666)
    k.sys.write(fd, b"before")
    copy = k.sys.dup2(fd, 40)
    k.sys.fcntl(fd, rump.F_SETFD, rump.FD_CLOEXEC)
    r, w = k.sys.pipe()
    k.sys.write(w, b"waits")
    a, b = k.socketpair(rump.AF_UNIX, rump.SOCK_DGRAM)
    a.send(b"too")
    k.sys.setuid(7)
    child = k.fork()
    pids = k.pid, child.pid
    closed = k.sys.dup(fd)
    k.sys.close(closed)
    apart.crash()
    assert (k.sys.getpid(), child.sys.getpid()) == pids
    assert (k.sys.getuid(), child.sys.getppid()) == (7, k.pid)
    assert k.sys.write(copy, b" and after") == 10
    assert k.sys.lseek(fd, 0, os.SEEK_CUR) == 16  # still one open file
    assert k.sys.pread(fd, 99, 0) == b"before and after"
    assert (k.sys.fcntl(fd, rump.F_GETFD).value, k.sys.fcntl(copy, rump.F_GETFD).value) == (rump.FD_CLOEXEC, 0)
    assert k.sys.umask(0o27) == 0o27
    assert k.listdir(".") == ["file"]
    assert child.sys.read(r, 9) == b"waits"
    assert b.recv(9) == b"too"
    assert k.sys.dup(r) == closed
    with pytest.raises(OSError, match="Bad file descriptor"):
        k.sys.close(39)
    child.close()


def test_limits_are_the_same(apart: Any, k: Any) -> None:
    high = k.sys.dup2(0, 300)
    k.sys.setrlimit(rump.RLIMIT_NOFILE, (5, 400))
    k.sys.setrlimit(rump.RLIMIT_FSIZE, (3, 3))
    fd = k.sys.open("/tmp/limited", os.O_CREAT | os.O_RDWR, 0o600)
    child = k.fork()
    apart.crash()
    assert k.sys.fstat(high).st_mode
    for process in (k, child):
        with pytest.raises(OSError, match="RLIMIT_FSIZE") as caught:
            process.sys.write(fd, b"four")
        assert caught.value.errno == errno.EFBIG
    assert k.sys.dup(fd) == 4
    with pytest.raises(OSError, match="descriptor") as caught:
        k.sys.dup(fd)
    assert caught.value.errno == errno.EMFILE
    k.sys.setrlimit(rump.RLIMIT_NOFILE, (8, 400))
    assert k.sys.dup(fd) == 5
    child.close()


def test_limits_of_asynchronous_io_are_the_same(apart: Any, k: Any) -> None:
    before = k.sysctl("kern.aio_listio_max")

    def takes(count: int) -> bool:
        try:
            k.sys.lio_listio(rump.LIO_WAIT, [rump.Aiocb(aio_lio_opcode=rump.LIO_NOP)] * count)
        except OSError as error:
            expect(error, errno.EINVAL)
            return False
        return True

    k.sysctl("kern.aio_listio_max", 2)
    eventually(lambda: not takes(3), 20, "kern has told the gateway")
    apart.crash()
    assert not takes(3)
    assert takes(2)
    k.sysctl("kern.aio_listio_max", before)
    eventually(lambda: takes(3), 20, "it may be more again")


def test_what_is_in_messages_arrives(apart: Any, k: Any) -> None:
    a, b = k.socketpair(rump.AF_UNIX, rump.SOCK_STREAM)
    r, w = k.sys.pipe()
    rights = rump.Cmsg(rump.SOL_SOCKET, rump.SCM_RIGHTS, rights=[w])
    k.sys.sendmsg(a.fileno(), rump.Msghdr(data=b"x", control=[rights]))
    k.sys.close(w)
    apart.crash()
    message = k.sys.recvmsg(b.fileno(), 9, 99)
    (fd,) = message.control[0].rights
    k.sys.write(fd, b"by a descriptor that was under way")
    k.sys.close(fd)
    assert k.sys.read(r, 99) == b"by a descriptor that was under way"
    assert k.sys.read(r, 99) == b""


def test_a_kqueue_is_lost(apart: Any, k: Any) -> None:
    kq = k.sys.kqueue()
    apart.crash()
    with pytest.raises(OSError, match="Bad file descriptor"):
        k.sys.kevent(kq, [], 1, 0)
    with pytest.raises(OSError, match="Input/output error"):
        k.sys.fstat(kq)
    k.sys.close(kq)


def test_calls_that_wait(apart: Any, k: Any) -> None:
    """What may be done again goes on; what may not be says that it is not known to have been done."""
    r, w = k.sys.pipe()
    found: dict[str, Any] = {}

    def ask(name: str, call: Any) -> threading.Thread:
        def run() -> None:
            try:
                found[name] = call()
            except OSError as error:
                found[name] = error.errno

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    threads = [ask("poll", lambda: k.sys.poll([(r, 1)], -1)), ask("read", lambda: k.sys.read(r, 9))]
    eventually(lambda: len(k._connection._stream._ledger.waiting) == 2, 5, "both wait")
    with rump.connect(apart.url) as other:
        eventually(lambda: other.statistics()["in_flight"] == 2, 5, "both wait in the kernel")
    apart.crash()
    k.sys.write(w, b"x")
    for thread in threads:
        thread.join(20)
    assert found["read"] == errno.ENOLINK
    assert found["poll"].fds[0].revents & 1
    assert k.sys.read(r, 9) == b"x"


def test_sessions_that_nobody_takes_up_end(apart: Any) -> None:
    k = rump.connect(apart.url)
    pid = k.sys.getpid()  # by its stream, which the gateway knows of from here on
    apart.crash()
    with pytest.raises(ConnectionError):
        k.sys.getpid()
    with rump.connect(apart.url) as other:
        eventually(lambda: pid not in {p["pid"] for p in other.processes()}, 5, "its process has ended")


def test_what_a_component_that_went_too_had_held_is_lost(apart: Any, k: Any) -> None:
    if isinstance(apart, Kept):
        pytest.skip("there it gets back what it had: tests/integration/test_faults.py")
    fd = k.sys.open("/tmp/gone", os.O_CREAT | os.O_RDWR, 0o644)
    r, _ = k.sys.pipe()
    apart.kill()
    vfs = apart.components["vfs"]
    vfs.kill()
    vfs.wait()
    assert vfs.stdout is not None
    vfs.stdout.close()
    apart.components["vfs"] = apart.component("vfs")
    apart.gateway = apart.start()
    with pytest.raises(OSError) as caught:  # noqa: PT011
        k.sys.fstat(fd)
    assert caught.value.errno == errno.EIO
    assert k.sys.fstat(r).st_mode


def test_the_gateway_and_a_component_are_killed(apart: Any, k: Any) -> None:
    """Both come back, the component with what it had recorded."""
    if isinstance(apart, Apart):
        pytest.skip("there nobody starts components again")
    k.sys.mkdir("/tmp/both", 0o755)
    fd = k.sys.open("/tmp/both", os.O_RDONLY)
    r, w = k.sys.pipe()
    pids = apart.components()
    for name in ("gateway", "net"):
        os.kill(pids[name][0], signal.SIGKILL)
    eventually(lambda: serving(apart), 20, "all serve")
    assert k.sys.fstat(fd).st_mode & 0o777 == 0o755
    k.sys.write(w, b"x")
    assert k.sys.read(r, 1) == b"x"
    s = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
    k.sys.close(s)


def serving(apart: Kept) -> bool:
    try:
        return all(state == "serving" for _, state in apart.components().values())
    except OSError:
        return False


def test_what_started_components_ends_with_them(tmp_path: Path) -> None:
    """A zygote is the parent of what all gateways start, until an upgrade: it goes when the last of those has gone."""
    kept = Kept(tmp_path)

    def ended(name: str) -> None:
        before = kept.components()[name][0]
        os.kill(before, signal.SIGKILL)
        eventually(lambda: serving(name) not in (0, before), 20, f"there is another {name}")

    def serving(name: str) -> int:
        with contextlib.suppress(OSError):
            pid, state = kept.components()[name]
            return pid if state == "serving" else 0
        return 0

    def parents() -> set[int]:
        return {int(parent_of(pid)) for name, (pid, _) in kept.components().items() if name != "gateway"}

    try:
        first = zygotes(kept.kernel.process.pid)
        assert len(first) == 1
        ended("gateway")
        ended("vfs")
        with rump.connect(kept.kernel.url, retry=20) as k:
            k.pub.component_restart("gateway")
        ended("net")
        assert parents() == zygotes(kept.kernel.process.pid) == first
        with rump.connect(kept.kernel.url, retry=20) as k:
            for name in ("kern", "vfs", "net", "dev"):
                k.pub.component_restart(name, fresh=True)
        assert len(parents()) == 1
        eventually(lambda: zygotes(kept.kernel.process.pid) == parents() != first, 20, "no others are left")
        ended("gateway")
        (newest,) = parents()
        os.kill(newest, signal.SIGKILL)
        ended("dev")
        eventually(lambda: zygotes(kept.kernel.process.pid) != {newest}, 20, "one that was killed is started again")
    finally:
        kept.stop()


def zygotes(keeper: int) -> set[int]:
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            ours = words[2:4] == [b"rumpgateway.zygote", str(keeper).encode()]
            if ours and not (process / "comm").read_text().startswith("rump"):
                found.add(int(process.name))
    return found


def parent_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]


def test_with_the_keeper_all_ends(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    pids = [pid for pid, _ in kept.components().values()]
    kept.crash()
    pids += [pid for pid, _ in kept.components().values()]
    kept.kernel.process.kill()
    kept.kernel.process.wait()
    assert kept.kernel.process.stdout is not None
    kept.kernel.process.stdout.close()
    eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 20, "no process is left")


def test_killed_under_load(apart: Any) -> None:
    """Each client knows what it has written; what it does not know, it is told that it does not."""
    crashes, over = 3, threading.Event()
    wrong: list[object] = []
    doubts = [0]

    def work(number: int) -> None:
        try:
            with rump.connect(apart.url, retry=60) as k:
                model(k, number)
        except BaseException as error:  # noqa: BLE001  the test shows it
            wrong.append(error)

    def model(k: rump.Client, number: int) -> None:
        pid, path = k.pid, f"/tmp/load{number}"
        fd = k.sys.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o644)
        written, open_fds, count = [], {fd}, 0
        while not over.is_set():
            line = b"%d\n" % count
            count += 1
            try:
                k.sys.write(fd, line)
                written.append((line, True))
            except OSError as error:
                expect(error, errno.ENOLINK)
                doubts[0] += 1
                written.append((line, False))
            try:
                extra = k.sys.dup(fd)
                assert extra not in open_fds, (extra, open_fds)
                k.sys.close(extra)
            except OSError as error:
                expect(error, errno.ENOLINK, errno.EBADF)
                doubts[0] += 1
                open_fds = {n for n in range(64) if is_open(k, n)}
            assert k.sys.getpid() == pid
        lines = k.sys.pread(fd, 1 << 22, 0).splitlines(keepends=True)
        assert [line for line, sure in written if sure] == [line for line in lines if (line, False) not in written]
        assert len(set(lines)) == len(lines)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    chance = random.Random(3)
    for _ in range(crashes):
        time.sleep(chance.uniform(0.1, 0.4))
        apart.crash()
    over.set()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert doubts[0] <= 2 * crashes * len(threads)


def expect(error: OSError, *errnos: int) -> None:
    if error.errno not in errnos:
        raise error


def is_open(k: rump.Client, fd: int) -> bool:
    try:
        k.sys.fcntl(fd, rump.F_GETFD)
    except OSError:
        return False
    return True
