"""Connections to a gateway."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.live import eventually, live_kernel


def test_calls_errors_and_batches(url: str) -> None:
    with rump.connect(url, comm="tester") as k:
        assert (k.sys.getpid(), k.sys.getppid()) == (k.pid, 1)
        r, w = k.sys.pipe()
        assert k.sys.write(w, b"abc") == 3
        assert k.sys.read(r, 10) == b"abc"
        with k.batch() as b:
            p = b.pipe()
            b.write(p.wfd, b"xyz")
            got = b.read(p.rfd, 9)
        assert got.result() == b"xyz"
        with pytest.raises(rump.RumpError, match="Function not implemented") as caught:
            k.sys.open("/x")
        assert (caught.value.errno, caught.value.origin) == (errno.ENOSYS, "gateway")
        assert [p["comm"] for p in k.processes() if p["pid"] == k.pid] == ["tester"]
        names = [c["name"] for c in k.status()["components"]]
        assert names[:2] == ["gateway", "kern"]
    with pytest.raises(ConnectionError):
        k.sys.getpid()
    k.close()


def test_many_threads_share_a_connection(url: str) -> None:
    with rump.connect(url) as k:
        r, w = k.sys.pipe()
        got: list[bytes] = []
        waiting = threading.Thread(target=lambda: got.append(k.sys.read(r, 10)))
        waiting.start()
        wrong: list[object] = []

        def work(number: int) -> None:
            for _ in range(30):
                old = k.sys.fcntl(number, rump.F_DUPFD, 100 + 10 * number).value
                if old // 10 != 10 + number:
                    wrong.append((number, old))
                k.sys.close(old)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not wrong
        k.sys.write(w, b"done")
        waiting.join(10)
        assert got == [b"done"]


def test_batches_are_under_way_side_by_side(url: str) -> None:
    with rump.connect(url) as k:
        r, w = k.sys.pipe()
        waiting, quick = k.batch(), k.batch()
        read, pid = waiting.read(r, 10), quick.getpid()
        waiting.post()
        quick.post()
        with pytest.raises(RuntimeError):
            pid.result()
        got: list[int] = []
        other = threading.Thread(target=lambda: got.append(k.sys.getppid()))  # nobody reads, so it does
        other.start()
        other.join(30)
        quick.run()
        quick.run()
        assert (got, pid.result()) == ([1], k.pid)
        k.sys.write(w, b"abc")
        waiting.run()
        assert read.result() == b"abc"
        empty = k.batch()
        empty.post()
        empty.run()
        k.timeout = 30.0
        with k.batch() as late:
            pid = late.getpid()
            late.post()
        assert pid.result() == k.pid


def test_a_batch_under_way_when_the_connection_ends(url: str) -> None:
    with rump.connect(url) as k:
        r, _ = k.sys.pipe()
        waiting = k.batch()
        read = waiting.read(r, 10)
        waiting.post()
    with pytest.raises(ConnectionError):
        waiting.run()
    assert read.exception() is not None
    late = k.batch()
    late.getpid()
    with pytest.raises(ConnectionError):
        late.post()


def test_fork(url: str) -> None:
    with rump.connect(url) as k:
        r, w = k.sys.pipe()
        with k.fork() as child:
            assert child.pid != k.pid
            assert child.sys.getppid() == k.pid
            child.sys.write(w, b"from the child")
        assert k.sys.read(r, 99) == b"from the child"
        with k.fork(rump.RFCFDG) as bare, pytest.raises(OSError, match="Bad file descriptor"):
            bare.sys.write(w, b"x")


def test_a_timeout_ends_the_call_and_nothing_else(url: str) -> None:
    with rump.connect(url, timeout=0.1) as k:
        r, w = k.sys.pipe()
        with pytest.raises(TimeoutError):
            k.sys.read(r, 1)
        k.sys.write(w, b"x")
        k.timeout = None
        assert k.sys.read(r, 1) == b"x"


def interrupted(k: Any, fd: int, waiting: int) -> bool:
    """Reads in this thread, which gets SIGINT once that many calls wait."""

    def work() -> None:
        eventually(lambda: len(k._connection._stream._ledger.waiting) == waiting, 10, f"{waiting} calls wait")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=work)
    try:
        thread.start()
        k.sys.read(fd, 1)
    except KeyboardInterrupt:
        return True
    finally:
        thread.join()
    return False


def test_control_c_ends_a_call_that_waits(url: str) -> None:
    """As the only caller, who reads replies itself: the session lives on, with what it holds."""
    with rump.connect(url) as k:
        r, w = k.sys.pipe()
        assert interrupted(k, r, 1)
        k.sys.write(w, b"x")
        assert k.sys.read(r, 5) == b"x"


def test_control_c_leaves_another_thread_s_call_alone(url: str) -> None:
    with rump.connect(url) as k:
        r, _ = k.sys.pipe()
        r2, w2 = k.sys.pipe()
        got: list[bytes] = []
        reader = threading.Thread(target=lambda: got.append(k.sys.read(r2, 10)))
        reader.start()
        stream: Any = k._connection._stream  # type: ignore[attr-defined]
        eventually(lambda: stream._reading, 5, "the other thread reads replies")
        assert interrupted(k, r, 2)
        k.sys.write(w2, b"there")
        reader.join(10)
        assert got == [b"there"]


def test_messages_that_are_too_long_are_not_sent(url: str) -> None:
    with rump.connect(url) as k:
        with pytest.raises(OSError, match="the kernel takes") as caught:
            k.sys.writev(1, [bytes(20 << 20)])
        assert caught.value.errno == errno.EMSGSIZE
        assert k.sys.getpid() == k.pid


def test_a_kernel_that_goes_away() -> None:
    with live_kernel("--factions", "", "--placement", "server") as kernel, rump.connect(kernel.url) as k:
        r, _ = k.sys.pipe()
        errors: list[BaseException] = []

        def read() -> None:
            try:
                k.sys.read(r, 1)
            except OSError as error:
                errors.append(error)

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        kernel.process.kill()
        for thread in threads:
            thread.join(20)
        with pytest.raises(ConnectionError):
            k.sys.getpid()
        assert len(errors) == 3
        assert all(isinstance(error, ConnectionError) for error in errors), errors


# -- nobody there


def test_no_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUMP_SERVER", raising=False)
    with pytest.raises(FileNotFoundError, match="RUMP_SERVER is not set"):
        rump.connect()


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ("nonsense", "EINVAL"),
        ("http://x:1", "EINVAL"),
        ("unix://", "EINVAL"),
        ("tcp://host", "EINVAL"),
        ("tcp+plain://127.0.0.1:99999", "ERANGE"),
        ("tcp6://[::1]:1", "EOPNOTSUPP"),
        ("unix:///" + "x" * 200, "ENAMETOOLONG"),
    ],
)
def test_bad_urls(bad: str, name: str) -> None:
    with pytest.raises(rump.RumpError) as caught:
        rump.connect(bad)
    assert caught.value.name == name


def test_nothing_listens(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no kernel at"):
        rump.connect(f"unix://{tmp_path}/none")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead"))
    with pytest.raises(ConnectionRefusedError, match="no kernel at"):
        rump.connect(f"unix://{tmp_path}/dead")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        rump.connect(f"tcp+plain://127.0.0.1:{port}")


def test_bad_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RUMP_TLS_CERT", str(tmp_path / "cert"))
    with pytest.raises(rump.RumpError, match="need each other"):
        rump.connect("tcp://localhost:1")
    monkeypatch.setenv("RUMP_TLS_KEY", str(tmp_path / "key"))
    with pytest.raises(FileNotFoundError):
        rump.connect("tcp://localhost:1")
