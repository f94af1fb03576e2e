"""Files of a kernel as io objects, against files of the host."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump


@pytest.fixture(scope="module")
def kernel() -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("vfs",)) as k:
        yield k


@pytest.fixture(params=["kernel", "host"])
def opened(request: pytest.FixtureRequest, kernel: rump.Kernel, tmp_path: Path) -> Any:
    """open of a fresh folder, on either side: what holds for one must hold for the other."""
    if request.param == "host":
        return lambda name, *args: on_host(tmp_path / name, *args)
    folder = f"/tmp/{os.path.basename(tmp_path)}-{request.node.name.split('[')[0]}"
    kernel.sys.mkdir(folder)
    return lambda name, *args: kernel.open(f"{folder}/{name}", *args)


def on_host(path: Path, mode: str = "r", buffering: int = -1) -> Any:
    return open(path, mode, buffering, encoding=None if "b" in mode else "utf-8")


def test_text(opened: Any) -> None:
    with opened("f", "w") as f:
        assert f.write("hällo\nline two\n") == 15
    with opened("f") as f:
        assert list(f) == ["hällo\n", "line two\n"]
    with opened("f", "a") as f:
        f.write("three")
    with opened("f") as f:
        assert f.read().endswith("two\nthree")


def test_binary(opened: Any) -> None:
    data = os.urandom(300_000)
    with opened("f", "wb") as f:
        f.write(data)
    with opened("f", "rb") as f:
        assert f.read(10) == data[:10]
        assert f.seek(-5, os.SEEK_END) == len(data) - 5
        assert f.read() == data[-5:]
        assert f.read() == b""
        assert f.tell() == len(data)
    with opened("f", "r+b") as f:
        f.seek(3)
        f.write(b"XX")
        f.seek(0)
        assert f.read(6) == data[:3] + b"XX" + data[5:6]
        f.truncate(4)
    with opened("f", "rb", 0) as f:
        assert f.read() == data[:3] + b"X"
        target = bytearray(2)
        f.seek(1)
        assert f.readinto(target) == 2
        assert bytes(target) == data[1:3]


def test_modes(opened: Any) -> None:
    with opened("new", "x") as f:
        assert f.writable()
    with pytest.raises(FileExistsError):
        opened("new", "x")
    with pytest.raises(FileNotFoundError):
        opened("none")
    for mode in ("", "q", "rw", "rr", "rbt", "b"):
        with pytest.raises(ValueError, match="mode"):
            opened("new", mode)
    with opened("new", "rb") as f, pytest.raises(io.UnsupportedOperation):
        f.write(b"x")
    with pytest.raises(ValueError, match="closed"):
        f.read()


def test_there_is_no_descriptor_on_the_host(kernel: rump.Kernel) -> None:
    with kernel.open("/tmp/nofd", "wb") as f:
        with pytest.raises(io.UnsupportedOperation):
            f.fileno()
        assert kernel.sys.fstat(f.raw.fd).st_size == 0


def test_directories(kernel: rump.Kernel) -> None:
    kernel.sys.mkdir("/tmp/dir")
    for n in range(300):
        kernel.sys.mkdir(f"/tmp/dir/{n}")
    assert sorted(kernel.listdir("/tmp/dir"), key=int) == [str(n) for n in range(300)]
    with pytest.raises(NotADirectoryError):
        kernel.listdir("/tmp/nofd")


def test_two_processes_of_a_kernel_in_this_process(kernel: rump.Kernel) -> None:
    with kernel.attach() as other, kernel.fork() as child:
        assert len({kernel.pid, other.pid, child.pid}) == 3
        assert child.sys.getppid() == kernel.pid
    with pytest.raises(ProcessLookupError):
        child.sys.geteuid()


def test_parameters_come_from_the_call_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUMP_NCPU", "7")
    monkeypatch.setenv("RUMP_HOSTNAME", "from-environment")
    with rump.Kernel(factions=(), ncpu=3) as k:
        assert k.sysctl("hw.ncpu") == 3
        assert k.sysctl("kern.hostname") == "from-environment"
        with pytest.raises(OSError, match="not running"):
            k.sys.open("/x")
    with rump.Kernel(factions=()) as k:
        assert k.sysctl("hw.ncpu") == 7
    for wrong in ({"colour": "red"}, {"ncpu": -1}, {"memlimit": "much"}):
        with pytest.raises(rump.RumpError):
            rump.Kernel(factions=(), **wrong)
