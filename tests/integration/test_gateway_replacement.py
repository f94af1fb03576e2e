"""The gateway is replaced while programs use it: they notice a pause at most, and none of their connections ends."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

import rump
from rumpwire import rump_kern_pb2, rump_sp_pb2
from tests.conformance.test_aio import block, finish
from tests.integration.test_replacement import PATIENCE_S, begun, pid_of, read_all, waits
from tests.integration.test_replacement_devices import connections, counters, files, pipes
from tests.live import LiveKernel, eventually, free_ports, start_kernel

sp: Any = rump_sp_pb2
kern: Any = rump_kern_pb2


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKernel]:
    folder = tmp_path_factory.mktemp("gateway")
    tcp = f"tcp+plain://127.0.0.1:{free_ports(1)[0]}"
    live = start_kernel(folder, "--url", f"unix://{folder}/k.sock", "--url", tcp)
    live.tcp = tcp  # type: ignore[attr-defined]
    yield live
    assert "Traceback" not in live.log
    assert live.stop() == 0
    assert live.process.stdout is not None
    live.process.stdout.close()
    eventually(lambda: not gateways(live), 20, "those before it have gone too")


@pytest.fixture(params=["frames", "grpc"])
def k(request: pytest.FixtureRequest, kernel: LiveKernel) -> Iterator[Any]:
    """A client that does not connect again."""
    with rump.connect(kernel.url if request.param == "frames" else kernel.tcp) as client:  # type: ignore[attr-defined]
        yield client


def gateways(kernel: LiveKernel) -> list[int]:
    """The processes of gateways, those that only pass on and the keeper among them."""
    folder, found = str(kernel.folder / "run").encode(), []
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (path / "cmdline").read_bytes().split(b"\0")
            if b"rumpgateway" in words and folder in words:
                found.append(int(path.name))
    return found


def replace(kernel: LiveKernel) -> None:
    """By a client of its own, who is told when it is done."""
    with rump.connect(kernel.url) as k:
        before = pid_of(k, "gateway")
        k.pub.component_restart("gateway")
        status = next(c for c in k.status()["components"] if c["name"] == "gateway")
        assert status["pid"] != before
        assert status["recovery_ms"] > 0


def test_processes_are_as_they_were(kernel: LiveKernel, k: Any) -> None:
    k.sys.chdir("/tmp")
    k.sys.umask(0o27)
    fd = k.sys.open("file", os.O_CREAT | os.O_RDWR, 0o666)
    k.sys.write(fd, b"before")
    copy = k.sys.dup2(fd, 40)
    a, b = k.socketpair(rump.AF_UNIX, rump.SOCK_STREAM)
    r, w = k.sys.pipe()
    rights = rump.Cmsg(rump.SOL_SOCKET, rump.SCM_RIGHTS, rights=[w])
    k.sys.sendmsg(a.fileno(), rump.Msghdr(data=b"x", control=[rights]))
    k.sys.close(w)
    child = k.fork()
    k.sys.setrlimit(rump.RLIMIT_NOFILE, (50, 400))
    pids = k.pid, child.pid
    for _ in range(3):
        replace(kernel)
    assert (k.sys.getpid(), child.sys.getpid()) == pids
    assert child.sys.getppid() == k.pid
    assert k.sys.write(copy, b" and after") == 10
    assert k.sys.pread(fd, 99, 0) == b"before and after"
    assert k.sys.umask(0o22) == 0o27
    message = k.sys.recvmsg(b.fileno(), 9, 99)
    (sent,) = message.control[0].rights
    k.sys.write(sent, b"by a descriptor that was under way")
    assert child.sys.read(r, 99) == b"by a descriptor that was under way"
    with pytest.raises(OSError, match="descriptor") as caught:
        k.sys.dup2(fd, 60)
    assert caught.value.errno in (errno.EBADF, errno.EMFILE)
    for each in (fd, copy, sent, r):
        k.sys.close(each)
    child.close()
    with k.fork() as another:
        assert another.sys.getpid() > max(pids)


def test_calls_that_wait(kernel: LiveKernel, k: Any) -> None:
    r, w = k.sys.pipe()
    polled, push = k.sys.socketpair(rump.AF_LOCAL, rump.SOCK_STREAM, 0)
    listener = k.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0)
    k.sys.bind(listener, ("127.0.0.1", 0))
    k.sys.listen(listener, 5)
    full, drain = k.sys.pipe()[::-1]
    data = os.urandom(300_000)
    with rump.connect(kernel.url) as other:
        waiting = [
            begun(lambda: k.sys.read(r, 100)),
            begun(lambda: k.sys.poll([(polled, rump.POLLIN)], -1)),
            begun(lambda: k.sys.accept(listener)),
            begun(lambda: k.sys.write(full, data)),
        ]
        waits(kernel, 4)
        waiting.append(begun(lambda: other.sys.nanosleep(0.5)))
        for _ in range(2):
            replace(kernel)
        got = read_all(k, drain, 50_000)
        replace(kernel)
        got += read_all(k, drain, len(data) - len(got))
        k.sys.write(w, b"came")
        k.sys.write(push, b"x")
        caller = k.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0)
        k.sys.connect(caller, k.sys.getsockname(listener))
        read, poll, accept, write, sleep = (each() for each in waiting)
    assert read == b"came"
    assert poll.fds[0].revents & rump.POLLIN
    assert write == len(data)
    assert got == data
    assert sleep.tv_sec == 0
    for fd in (r, w, polled, push, listener, full, drain, caller, accept[0]):
        k.sys.close(fd)


def test_kqueues_and_aio_and_signals(kernel: LiveKernel, k: Any) -> None:
    r, w = k.sys.pipe()
    kq = k.sys.kqueue()
    changes = [
        rump.Kevent(r, rump.EVFILT_READ, rump.EV_ADD | rump.EV_CLEAR, 0, 0, 0),
        rump.Kevent(7, rump.EVFILT_USER, rump.EV_ADD | rump.EV_CLEAR, 0, 0, 0),
    ]
    k.sys.kevent(kq, changes, 0, None)
    source, sink = k.sys.pipe()
    requests = [block(source, nbytes=4) for _ in range(3)]
    for request in requests:
        k.sys.aio_read(request)
    came: list[int] = []
    k.on_signal(lambda number, *_: came.append(number), rump.SIGIO)
    one, two = k.sys.socketpair(rump.AF_LOCAL, rump.SOCK_STREAM, 0)
    k.sys.fcntl(one, rump.F_SETOWN, k.pid)
    k.sys.ioctl(one, rump.FIOASYNC, 1)
    waiting = begun(lambda: k.sys.kevent(kq, [], 4, 60))
    waits(kernel, 1)
    for _ in range(2):
        replace(kernel)
    k.sys.write(w, b"news")
    assert [event.ident for event in waiting()] == [r]
    assert k.sys.kevent(kq, [], 4, 0) == []
    k.sys.kevent(kq, [rump.Kevent(7, rump.EVFILT_USER, 0, rump.NOTE_TRIGGER, 0, 0)], 0, None)
    assert [event.ident for event in k.sys.kevent(kq, [], 4, 20)] == [7]
    k.sys.write(sink, b"one.two.")
    assert finish(k, requests[0]) == (0, 4, b"one.")
    replace(kernel)
    k.sys.write(sink, b"six.")
    assert [finish(k, request) for request in requests[1:]] == [(0, 4, b"two."), (0, 4, b"six.")]
    k.sys.write(two, b"x")
    eventually(lambda: came, PATIENCE_S, "the signal of an object that was made asynchronous")
    for fd in (r, w, kq, source, sink, one, two):
        k.sys.close(fd)


def test_calls_by_themselves(kernel: LiveKernel) -> None:
    """Without a stream, one that waits and those that come at any moment."""
    over = threading.Event()

    def attach() -> int:
        count = 0
        while not over.is_set():
            with rump.connect(kernel.tcp) as k:  # type: ignore[attr-defined]
                assert k.sys.getpid() == k.pid
            count += 1
        return count

    with grpc.insecure_channel(kernel.tcp.removeprefix("tcp+plain://")) as channel:  # type: ignore[attr-defined]

        def ask(name: str, request: Any, response: Any) -> Any:
            call = channel.unary_unary(f"/rump.sp.v1.{name}", type(request).SerializeToString, response.FromString)
            return call(request, metadata=metadata, timeout=PATIENCE_S)

        metadata: list[tuple[str, str]] = []
        session = ask("Session/Attach", sp.AttachRequest(comm="alone"), sp.AttachResponse)
        metadata = [("rump-session", session.session)]
        pipe = ask("Kern/Pipe", kern.PipeRequest(), kern.PipeResponse)
        reading = begun(lambda: ask("Kern/Read", kern.ReadRequest(fd=pipe.rfd, nbyte=9), kern.ReadResponse))
        attaching = begun(attach)
        waits(kernel, 1)
        for _ in range(3):
            replace(kernel)
            ask("Kern/Getpid", kern.GetpidRequest(), kern.GetpidResponse)
        ask("Kern/Write", kern.WriteRequest(fd=pipe.wfd, data=b"by itself"), kern.WriteResponse)
        assert reading().data == b"by itself"
        over.set()
        assert attaching() > 3
        ask("Session/Detach", sp.DetachRequest(), sp.DetachResponse)


def test_a_load_on_everything(kernel: LiveKernel) -> None:
    over = threading.Event()
    loads = [begun(lambda load=load: load(kernel.url, over)) for load in (files, counters, connections, pipes)]
    for _ in range(3):
        replace(kernel)
    with rump.connect(kernel.url) as k:
        for name in ("vfs", "gateway", "kern", "gateway", "net"):
            k.pub.component_restart(name)
    over.set()
    assert all(load() > 3 for load in loads)


def test_a_successor_that_dies(kernel: LiveKernel, k: Any) -> None:
    """The gateway goes on, and says so; who waits waits."""
    r, w = k.sys.pipe()
    reading = begun(lambda: k.sys.read(r, 100))
    waits(kernel, 1)
    for _ in range(20):
        with rump.connect(kernel.url) as other:
            pid, known = pid_of(other, "gateway"), set(gateways(kernel))
            asked = begun(lambda other=other: other.pub.component_restart("gateway"))
            if not ended_in_time(kernel, known):
                asked()
                continue
            with pytest.raises(OSError, match="successor"):
                asked()
            assert pid_of(other, "gateway") == pid
        break
    else:
        pytest.fail("each successor was quicker than the test")
    k.sys.write(w, b"all along")
    assert reading() == b"all along"
    replace(kernel)
    for fd in (r, w):
        k.sys.close(fd)


def ended_in_time(kernel: LiveKernel, known: set[int]) -> bool:
    """Kills a successor that starts, unless it is so far that it may be the gateway already."""
    listens, taken = kernel.folder / "run" / "gateway.heir", "is another process"
    before = kernel.log.count(taken)

    def started() -> list[int]:
        return [pid for pid in gateways(kernel) if pid not in known]

    eventually(lambda: started() or kernel.log.count(taken) > before, PATIENCE_S, "a successor starts")
    for heir in started():
        os.kill(heir, signal.SIGSTOP)
        early = not listens.exists() and kernel.log.count(taken) == before
        os.kill(heir, signal.SIGKILL if early else signal.SIGCONT)
        return early
    return False


def test_a_call_that_cannot_be_broken_off(kernel: LiveKernel, k: Any) -> None:
    """The gateway cannot be replaced, says why, and all goes on."""
    r, w = k.sys.pipe()
    reading = begun(lambda: k.sys.read(r, 100))
    over = threading.Event()

    def chunks() -> Iterator[Any]:
        yield sp.UploadModuleRequest(filename="slow.whl", chunk=b"PK")
        over.wait(PATIENCE_S)

    with grpc.insecure_channel(kernel.tcp.removeprefix("tcp+plain://")) as channel:  # type: ignore[attr-defined]
        attach = channel.unary_unary("/rump.sp.v1.Session/Attach", sp.AttachRequest.SerializeToString, bytes)
        session = sp.AttachResponse.FromString(attach(sp.AttachRequest(comm="slow")))
        upload = channel.stream_unary(
            "/rump.sp.v1.Session/UploadModule", sp.UploadModuleRequest.SerializeToString, bytes
        )
        uploading = begun(lambda: upload(chunks(), metadata=[("rump-session", session.session)]))
        waits(kernel, 1)
        with rump.connect(kernel.url) as other:
            pid = pid_of(other, "gateway")
            refused = busy(other)
            if refused is None:  # the upload had not begun yet
                pid, refused = pid_of(other, "gateway"), busy(other)
            assert refused is not None
            assert "did not end within" in str(refused)
            assert refused.errno == errno.EBUSY
            assert pid_of(other, "gateway") == pid
        over.set()
        with pytest.raises(grpc.RpcError):  # it is no wheel
            uploading()
    k.sys.write(w, b"all along")
    assert reading() == b"all along"
    replace(kernel)
    for fd in (r, w):
        k.sys.close(fd)


def busy(k: Any) -> OSError | None:
    """Why the gateway cannot be replaced, None when it was."""
    try:
        k.pub.component_restart("gateway")
    except OSError as error:
        return error
    return None


def test_the_successor_is_killed_later(kernel: LiveKernel) -> None:
    """The next one has what that one had recorded; those who can connect again do."""
    with rump.connect(kernel.url, retry=60) as k:
        fd = k.sys.open("/tmp/recorded", os.O_CREAT | os.O_RDWR, 0o644)
        replace(kernel)
        r, w = k.sys.pipe()
        pid = pid_of(k, "gateway")
        os.kill(pid, signal.SIGKILL)
        assert k.sys.write(fd, b"here") == 4
        assert pid_of(k, "gateway") != pid
        k.sys.write(w, b"x")
        assert k.sys.read(r, 9) == b"x"
        replace(kernel)
        assert k.sys.pread(fd, 9, 0) == b"here"


def test_by_the_command(kernel: LiveKernel) -> None:
    def rump_command(*words: str) -> str:
        command = [sys.executable, "-m", "rumpclients.cli", *words, "--url", kernel.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "gateway: process" in rump_command("restart", "gateway")
    said = rump_command("upgrade")
    *components, last = [line.partition(":")[0] for line in said.splitlines()]
    assert sorted(components) == ["dev", "kern", "net", "vfs"]
    assert last == "gateway"
