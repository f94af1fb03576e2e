"""Programs as processes of a kernel: signals that end them, exec over exec, models of signals, many that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code
from tests.live import LiveKernel, eventually, live_kernel
from tests.soak.clients import stress


@pytest.fixture(scope="module", params=["server", "split"])
def kernel(request: pytest.FixtureRequest) -> Iterator[LiveKernel]:
    with live_kernel("--placement", request.param) as live:
        yield live


def program(url: str, text: str) -> subprocess.Popen[str]:
    start = "import os, signal, sys, threading, time, rump\n"
    return subprocess.Popen(
        [sys.executable, "-c", start + textwrap.dedent(text)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "RUMP_SERVER": url},
    )


def test_a_client_in_a_call_dies_from_exactly_that_signal(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        client = program(kernel.url, "k = rump.connect(); print(k.pid, flush=True); k.sys.nanosleep(1000)")
        assert client.stdout is not None
        pid = int(client.stdout.readline())
        k.pub.kill(pid, signal.SIGPROF)  # 27, here and there
        with client:
            assert client.wait(20) == -signal.SIGPROF
        eventually(lambda: pid not in {p["pid"] for p in k.processes()}, 10.0, "its process is freed")


def test_handlers_run_and_calls_go_on(kernel: LiveKernel) -> None:
    text = """
        seen = []
        signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
        k = rump.connect()
        r, w = k.sys.pipe()
        print(k.pid, flush=True)
        for _ in range(200):
            k.sys.getppid()
            os.kill(os.getpid(), signal.SIGUSR1)  # of the host, in the middle of it all
        print(k.sys.nanosleep(0.2) is not None, len(seen) > 0, flush=True)
    """
    client = program(kernel.url, text)
    with client, rump.connect(kernel.url) as k:
        assert client.stdout is not None
        pid = int(client.stdout.readline())
        k.pub.kill(pid, signal.SIGUSR1)
        assert client.stdout.readline() == "True True\n"
        assert client.wait(20) == 0


def test_exec_over_exec(kernel: LiveKernel) -> None:
    text = """
        k = rump.connect()
        r, w = k.sys.pipe()
        marked = k.sys.fcntl(w, rump.F_DUPFD_CLOEXEC, 10).value
        k.sys.write(w, b"of the program before")
        after = '''
        import os, sys, rump
        assert len(sys.argv) == 3 and "RUMP__EXECFD" in os.environ
        k = rump.connect(comm="after")
        assert "RUMP__EXECFD" not in os.environ
        print(k.pid, k.sys.read(int(sys.argv[1]), 100).decode(), flush=True)
        try:
            k.sys.write(int(sys.argv[2]), b"x")
        except OSError as error:
            print(error.name, flush=True)
        sys.stdin.read()
        '''
        import textwrap
        print(k.pid, flush=True)
        k.execve(sys.executable, [sys.executable, "-c", textwrap.dedent(after), str(r), str(marked)])
    """
    client = program(kernel.url, text)
    with client, rump.connect(kernel.url) as k:
        assert client.stdout is not None
        pid = client.stdout.readline().strip()
        assert client.stdout.readline() == f"{pid} of the program before\n"
        assert client.stdout.readline() == "EBADF\n"
        assert {p["pid"]: p["comm"] for p in k.processes()}[int(pid)] == "after"
        assert client.stdin is not None
        client.stdin.close()
        client.wait(20)


def test_a_child_in_another_program(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        r, w = k.sys.pipe()
        prepared = k.prefork()
        client = program(
            kernel.url,
            "cookie = bytes.fromhex(sys.stdin.readline()); fd = int(sys.stdin.readline())\n"
            "k = rump.connect(fork=cookie); k.sys.write(fd, str(k.pid).encode())",
        )
        client.communicate(f"{prepared.cookie.hex()}\n{w}\n", timeout=30)
        assert k.sys.read(r, 100) == str(prepared.pid).encode()


@pytest.mark.parametrize("model", ["ignore", "record"])
def test_models(model: str) -> None:
    env = {"RUMP_SIGMODEL": model}
    with (
        live_kernel("--placement", "server", env=env) as live,
        rump.connect(live.url) as k,
        rump.connect(live.url) as other,
    ):
        assert k.sysctl("kern.sigmodel") == model
        r, w = k.sys.pipe()
        ends: list[Any] = []
        reader = threading.Thread(target=lambda: ends.append(reads(k, r)))
        keeps = threading.Thread(target=lambda: reads(k, r))
        reader.start()
        keeps.start()
        eventually(lambda: waiting(other, k.pid) == 2, 20, "both calls wait")
        other.pub.kill(k.pid, signal.SIGKILL)
        if model == "record":
            reader.join(20)
            assert ends == ["EINTR"]
            assert k.pub.sigpending(take=True) == 1 << 8
        else:
            assert reader.is_alive()
        assert k.pub.sigpending() == 0
        k.sys.close(w)
        reader.join(20)
        keeps.join(20)
        assert code(k.sysctl, "kern.sigmodel", "none") == "EINVAL"


def reads(k: Any, fd: int) -> Any:
    try:
        return k.sys.read(fd, 1)
    except OSError as error:
        return getattr(error, "name", "")


def waiting(k: Any, pid: int) -> int:
    return next(p["nlwps"] for p in k.processes() if p["pid"] == pid)


def test_the_model_panic_ends_the_kernel() -> None:
    text = """
        k = rump.Kernel(factions=(), sigmodel="panic")
        k.pub.kill(k.pid, signal.SIGPIPE)
        print("alive", flush=True)
        k.pub.kill(k.pid, signal.SIGCONT)
        time.sleep(30)
    """
    with program("", text) as client:
        out, _ = client.communicate(timeout=60)
        assert (out, client.returncode) == ("alive\n", -signal.SIGABRT)


def test_many_clients_and_a_killer(kernel: LiveKernel) -> None:
    """Clients of eight threads are killed in the middle and leave nothing; one that is let alone goes on."""
    report = stress(kernel.url, clients=4, threads=8, seconds=2)
    assert report.findings == []
    assert report.killed >= 2
    assert report.calls


def test_after_a_fork_of_the_host_the_connection_is_the_parents(kernel: LiveKernel) -> None:
    text = """
        k = rump.connect()
        pid = os.fork()
        if not pid:
            try:
                k.sys.getppid()
            except ConnectionError as error:
                k.close()
                os._exit("prefork" in str(error))
            os._exit(2)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), k.sys.getppid(), flush=True)
    """
    with program(kernel.url, text) as client:
        out, _ = client.communicate(timeout=30)
        assert (out, client.returncode) == ("1 1\n", 0)
