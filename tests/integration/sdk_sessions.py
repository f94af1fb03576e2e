"""What an SDK does with sessions, whatever its language, while its connections are cut or the gateway is killed.

sdk/go/internal/sessions and sdk/typescript/examples/sessions.ts print the same.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import rump
from tests.cutter import DOWN, UP, Cutter
from tests.live import LiveKernel, eventually, live_kernel

SCRIPT = "true\n3 6 7\n4 5 10\n0123 4567\n6 6 7\nfirst,second,third,\n"
CUTS = 15


class Program:
    """The program of one language."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        self._command = command

    def start(self, url: str, *arguments: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._command, *arguments],
            env={**os.environ, "RUMP_SERVER": url, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextlib.contextmanager
    def started(self, url: str, *arguments: str, **env: str) -> Iterator[subprocess.Popen[str]]:
        """It is killed where the test fails before its end."""
        with self.start(url, *arguments, **env) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, url: str, *arguments: str) -> str:
        with self.started(url, *arguments) as process:
            return finish(process)


def finish(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate("\n", timeout=60)
    assert process.returncode == 0, out + err
    return out


class Sessions:
    """The tests, for a module that has a fixture ``program``."""

    language: str
    step = 1
    """At every so many frames the connection is cut."""

    @pytest.fixture(scope="class")
    @classmethod
    def kernel(cls) -> Iterator[LiveKernel]:
        with live_kernel("--factions", "vfs") as live:
            yield live

    @pytest.fixture
    def cutter(self, kernel: LiveKernel, tmp_path: Path) -> Iterator[Cutter]:
        made = Cutter(tmp_path, kernel.url)
        yield made
        made.close()

    @pytest.mark.timeout(300)
    def test_cuts_at_frames(self, program: Program, kernel: LiveKernel, cutter: Cutter) -> None:
        cuts_at_frames(program, kernel, cutter, self.language, self.step)

    def test_works_while_it_is_cut(self, program: Program, kernel: LiveKernel, cutter: Cutter, tmp_path: Path) -> None:
        works_while_cut(program, kernel, cutter, tmp_path)

    def test_works_while_the_gateway_is_killed(self, program: Program, kernel: LiveKernel, tmp_path: Path) -> None:
        works_while_killed(program, kernel, tmp_path)

    def test_works_while_the_gateway_is_replaced(self, program: Program, kernel: LiveKernel, tmp_path: Path) -> None:
        works_while_replaced(program, kernel, tmp_path)

    def test_takes_signals(self, program: Program, kernel: LiveKernel, cutter: Cutter) -> None:
        takes_signals(program, kernel, cutter)

    def test_the_user_of_the_host_decides(self, program: Program, tmp_path: Path) -> None:
        is_the_user_of_the_host(program, tmp_path)

    def test_the_end_of_a_lease_is_told_once(self, program: Program, kernel: LiveKernel, cutter: Cutter) -> None:
        is_told_of_the_end(program, kernel, cutter)


def cuts_at_frames(program: Program, kernel: LiveKernel, cutter: Cutter, language: str, step: int) -> None:
    """Each call is done once, at whatever frame the connection is cut; every ``step``-th is tried."""
    assert program.run(cutter.url, "script", f"/tmp/{language}") == SCRIPT
    frames = cutter.seen[0]
    with rump.connect(kernel.url) as watcher:
        before = len(watcher.processes())
        for direction in (UP, DOWN):
            for wanted in range(0, frames[direction], step):
                first, part = len(cutter.seen), (0.0, 0.5, 1.0)[wanted // step % 3]

                def decide(connection: int, way: str, index: int) -> float | None:
                    return part if (connection, way, index) == (first, direction, wanted) else None  # noqa: B023

                cutter.decide = decide
                path = f"/tmp/{language}-{direction}{wanted}"
                assert program.run(cutter.url, "script", path) == SCRIPT, (direction, wanted)
                assert watcher.listdir(path + ".d") == ["made here"]
        assert cutter.cuts >= 10
        eventually(lambda: len(watcher.processes()) == before, 20, "what was attached is gone")


def takes_signals(program: Program, kernel: LiveKernel, cutter: Cutter) -> None:
    """With who sent them, also those that came while the connection was cut."""
    with program.started(cutter.url, "signals") as process, rump.connect(kernel.url) as k:
        assert process.stdout is not None
        pid = int(process.stdout.readline().split()[1])
        k.pub.sigqueue(pid, signal.SIGUSR2, 1 << 40)
        assert process.stdout.readline() == f"31 -1 {k.pid} 0 {1 << 40}\n"
        cutter.shut = True
        cutter.cut_all()
        for _ in range(50):  # by the last the gateway has noticed
            k.pub.kill(pid, signal.SIGUSR1)
        cutter.shut = False
        assert process.stdout.readline() == f"30 0 {k.pid} 0 0\n"


BY_USER = f"""
[[rule]]
match = "uid:{os.geteuid()}"
uid = 1000

[[rule]]
match = "unix"
uid = 9000
"""


def is_the_user_of_the_host(program: Program, folder: Path) -> None:
    """The policy knows it by its uid, in frames; over gRPC, which does not tell that, it is nobody."""
    (folder / "policy.toml").write_text(BY_USER)
    with live_kernel("--placement", "server", "--factions", "", "--policy", str(folder / "policy.toml")) as kernel:
        with program.started(kernel.url, "signals") as process, rump.connect(kernel.url) as k:
            assert process.stdout is not None
            pid = int(process.stdout.readline().split()[1])
            assert [p["uid"] for p in k.processes() if p["pid"] == pid] == [1000]
        with program.started(kernel.url, "signals", RUMP_TRANSPORT="grpc") as process:
            out, err = process.communicate(timeout=60)
            assert process.returncode == 1
            assert "attach through that of frames" in out + err


def works_while_cut(program: Program, kernel: LiveKernel, cutter: Cutter, folder: Path) -> None:
    with program.started(cutter.url, "workers", "/tmp/cut", str(folder / "stop")) as process:
        with rump.connect(kernel.url) as k:
            for _ in range(CUTS):
                _grows(k, "/tmp/cut")
                cutter.cut_all()
        (folder / "stop").touch()
        out = finish(process)
    assert "doubt" not in out
    _each_once(kernel.url, "/tmp/cut", out)
    with rump.connect(kernel.url) as k:
        eventually(lambda: k.statistics()["in_flight"] == 0, 20, "no call is left in the kernel")


def works_while_killed(program: Program, kernel: LiveKernel, folder: Path) -> None:
    """The gateway is killed; what had begun and may not be done again is told to be in doubt."""
    with program.started(kernel.url, "workers", "/tmp/killed", str(folder / "stop")) as process:
        _kill_twice(kernel)
        (folder / "stop").touch()
        _each_once(kernel.url, "/tmp/killed", finish(process))


def works_while_replaced(program: Program, kernel: LiveKernel, folder: Path) -> None:
    """Another gateway takes the place of the one that serves: nothing is in doubt, and no connection ends."""
    with program.started(kernel.url, "workers", "/tmp/replaced", str(folder / "stop")) as process:
        with rump.connect(kernel.url) as k:
            for _ in range(2):
                _grows(k, "/tmp/replaced")
                k.pub.component_restart("gateway")
            _grows(k, "/tmp/replaced")
        (folder / "stop").touch()
        out, err = process.communicate("\n", timeout=60)
    assert process.returncode == 0, out + err
    assert "doubt" not in out
    assert "connection" not in err, err
    _each_once(kernel.url, "/tmp/replaced", out)


def _kill_twice(kernel: LiveKernel) -> None:
    for _ in range(2):
        with rump.connect(kernel.url, retry=30) as k:
            _grows(k, "/tmp/killed")
            (pid,) = (c["pid"] for c in k.status()["components"] if c["name"] == "gateway")
            os.kill(pid, signal.SIGKILL)
            _grows(k, "/tmp/killed")
            assert [c["pid"] for c in k.status()["components"] if c["name"] == "gateway"] != [pid]


def _grows(k: rump.Client, path: str) -> None:
    """Waits until something has been written."""
    before = _size(k, path)
    eventually(lambda: _size(k, path) > before, 20, "it works")


def _size(k: rump.Client, path: str) -> int:
    try:
        return k.sys.stat(path).st_size
    except FileNotFoundError:
        return 0


def _each_once(url: str, path: str, out: str) -> None:
    """What was written is there once, and in order; what is in doubt at most once."""
    for line in ("waited at last", "given up true", "same true 7"):
        assert line in out.splitlines()
    wrote, doubt = (re.findall(rf"^{word} (\S+)$", out, re.MULTILINE) for word in ("wrote", "doubt"))
    with rump.connect(url) as k:
        fd = k.sys.open(path, os.O_RDONLY)
        lines = k.sys.pread(fd, 1 << 22, 0).decode().split()
    assert len(set(lines)) == len(lines)
    assert set(lines) - set(doubt) == set(wrote)
    for number in "0123":
        counts = [int(line[2:]) for line in lines if line[0] == number]
        assert counts == sorted(counts)
        assert counts
    assert len(doubt) <= 2 * 4


def is_told_of_the_end(program: Program, kernel: LiveKernel, cutter: Cutter) -> None:
    with program.started(cutter.url, "stale") as process:
        assert process.stdout is not None
        word, number = process.stdout.readline().split()
        assert word == "pid"
        _end_its_session(int(number), kernel, cutter)
        stale, again, bad = finish(process).splitlines()
    assert (stale, bad) == ("ESTALE", "EBADF")
    assert re.fullmatch(r"pid \d+ true", again)
    assert again.split()[1] != number


def _end_its_session(pid: int, kernel: LiveKernel, cutter: Cutter) -> None:
    with rump.connect(kernel.url) as k:
        eventually(lambda: k.statistics()["in_flight"] == 1, 20, "its call waits")
        cutter.shut = True
        cutter.cut_all()
        eventually(lambda: pid not in {p["pid"] for p in k.processes()}, 20, "its process is gone")
        cutter.shut = False
