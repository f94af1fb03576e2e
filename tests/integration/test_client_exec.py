"""What programs do with their process of the kernel over execve, and with its connection: t_exec and t_fd of NetBSD."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

import rump
from tests.integration.test_client_programs import program
from tests.live import LiveKernel, live_kernel

SOCKETS = {3, 4}


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "net") as live:
        yield live


BEFORE = """
    import subprocess
    k = rump.connect(comm="t_exec")
    for _ in range(2):
        k.sys.bind(k.sys.socket(rump.AF_INET, rump.SOCK_STREAM, 0), ("127.0.0.1", 0))
    AFTER = "import sys, rump; k = rump.connect(comm='after'); print(k.pid, flush=True); sys.stdin.read()"
    def execute():
        k.execve(sys.executable, [sys.executable, "-c", AFTER])
"""
"""Two sockets, 3 and 4, and the next program."""


def sockets(k: rump.Client, pid: int) -> dict[str, set[int]]:
    """What sockstat tells of a process: its name, and its sockets."""
    bound = {pcb.handle for pcb in k.pub.net_pcblist() if getattr(pcb.local, "sin_port", 0)}
    found: dict[str, set[int]] = {}
    for row in k.pub.file_list():
        if row.ki_pid == pid:
            found.setdefault(row.comm, set())
            if row.component == "net" and row.handle in bound:
                found[row.comm].add(row.ki_fd)
    return found


def said(client: subprocess.Popen[str]) -> int:
    assert client.stdout is not None
    return int(client.stdout.readline())


def over(client: subprocess.Popen[str]) -> None:
    """It reads to the end of its input."""
    assert client.stdin is not None
    client.stdin.close()
    assert client.wait(20) == 0


def test_noexec(kernel: LiveKernel) -> None:
    client = program(kernel.url, BEFORE + "    print(k.pid, flush=True); sys.stdin.read()")
    with client, rump.connect(kernel.url) as k:
        assert sockets(k, said(client)) == {"t_exec": SOCKETS}
        over(client)


def test_exec(kernel: LiveKernel) -> None:
    client = program(kernel.url, BEFORE + "    print(k.pid, flush=True); execute()")
    with client, rump.connect(kernel.url) as k:
        assert (before := said(client)) == said(client)
        assert sockets(k, before) == {"after": SOCKETS}
        over(client)


def test_cloexec(kernel: LiveKernel) -> None:
    mark = "    k.sys.fcntl(3, rump.F_SETFD, rump.FD_CLOEXEC)\n"
    client = program(kernel.url, BEFORE + mark + "    execute()")
    with client, rump.connect(kernel.url) as k:
        assert sockets(k, said(client)) == {"after": {4}}
        over(client)


def test_vfork(kernel: LiveKernel) -> None:
    """The child executes another program with a copy of all, and the parent goes on with its own."""
    text = """
    prepared = k.prefork()
    code = f"import rump; rump.connect(fork=bytes.fromhex({prepared.cookie.hex()!r})).execve({sys.executable!r}, "
    code += f"[{sys.executable!r}, '-c', {AFTER!r}])"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    k.sys.getppid()
    print(k.pid, flush=True)
    sys.stdin.read()
    child.communicate()
    """
    client = program(kernel.url, BEFORE + text)
    with client, rump.connect(kernel.url) as k:
        numbers = {said(client), said(client)}
        (parent,) = (pid for pid in numbers if "t_exec" in sockets(k, pid))
        (child,) = numbers - {parent}
        assert sockets(k, parent) == {"t_exec": SOCKETS}
        assert sockets(k, child) == {"after": SOCKETS}
        assert {p["pid"]: p["ppid"] for p in k.processes()}[child] == parent
        over(client)


def test_threxec(kernel: LiveKernel) -> None:
    """Threads are in the middle of calls that wait, and of some that do not."""
    text = """
    r, w = k.sys.pipe2(os.O_CLOEXEC)
    def work():
        while True:
            k.sys.getppid()
    for does in (lambda: k.sys.read(r, 1), lambda: k.sys.nanosleep(1000), work, work):
        threading.Thread(target=does, daemon=True).start()
    while len(threading.enumerate()) < 5:
        time.sleep(0.01)
    execute()
    """
    client = program(kernel.url, BEFORE + text)
    with client, rump.connect(kernel.url) as k:
        pid = said(client)
        assert sockets(k, pid) == {"after": SOCKETS}
        assert next(p["nlwps"] for p in k.processes() if p["pid"] == pid) == 1
        over(client)


# -- t_fd


@pytest.mark.parametrize("transport", ["ring", "grpc"])
def test_bigenough(kernel: LiveKernel, transport: str) -> None:
    """Who has closed 0, 1 and 2 gets them back for what it opens next, and the connection is none of them."""
    text = f"""
        os.environ["RUMP_TRANSPORT"] = {transport!r}
        out = os.dup(1)
        os.set_inheritable(out, True)
        for fd in range(3):
            os.close(fd)
        k = rump.connect()
        k.sys.getppid()
        opened = [os.open("/dev/null", os.O_RDWR) for _ in range(3)]
        os.write(out, f"{{opened}} {{k.sys.getppid()}}".encode())
    """
    with program(kernel.url, text) as client:
        said, _ = client.communicate(timeout=60)
        assert said == "[0, 1, 2] 1"


def test_sigio(kernel: LiveKernel) -> None:
    """The handler of the program runs, by the signal of its own host."""
    text = """
        seen = []
        signal.signal(signal.SIGIO, lambda *_: seen.append(1))
        k = rump.connect()
        s = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
        k.sys.bind(s, ("127.0.0.1", 0))
        k.sys.fcntl(s, rump.F_SETOWN, k.pid)
        k.sys.ioctl(s, rump.FIOASYNC, 1)
        print(k.sys.getsockname(s).sin_port, flush=True)
        end = time.monotonic() + 60
        while not seen and time.monotonic() < end:
            k.sys.nanosleep(0.01)
        print(bytes(k.sys.recvfrom(s, 100, 0).data).decode(), len(seen) > 0)
    """
    with program(kernel.url, text) as client, rump.connect(kernel.url) as k:
        s = k.sys.socket(rump.AF_INET, rump.SOCK_DGRAM, 0)
        k.sys.sendto(s, b"here", 0, ("127.0.0.1", said(client)))
        assert client.stdout is not None
        assert client.stdout.readline() == "here True\n"
        assert client.wait(20) == 0
