"""rump.ktrace and rump.kdump: what they print, and what they refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from rump import _kdump, ktrace
from rumpclients import ktrace as program
from tests.live import LiveKernel, live_kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "vfs", "--placement", "server") as made:
        yield made


@pytest.fixture
def k(kernel: LiveKernel, monkeypatch: pytest.MonkeyPatch) -> Iterator[rump.Client]:
    monkeypatch.setenv("RUMP_SERVER", kernel.url)
    with rump.connect(kernel.url, comm="traced") as client:
        yield client


def ended(work: Callable[[], int]) -> int:
    try:
        return work()
    except SystemExit as error:
        return int(str(error.code))


def reading_along(url: str, *arguments: str) -> Any:
    """The program, once it traces."""
    command = [sys.executable, "-m", "rumpclients.ktrace", *arguments]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = subprocess.Popen(command, env={**os.environ, "RUMP_SERVER": url}, **pipes)
    assert started.stderr is not None
    assert started.stderr.readline().startswith("tracing process")
    return started


def test_lines_of_a_process_until_it_ends(kernel: LiveKernel) -> None:
    k = rump.connect(kernel.url, comm="traced")
    tracer = reading_along(kernel.url, "-p", str(k.pid), "-m", "8")
    fd = k.sys.open("/tmp/x", os.O_CREAT | os.O_RDWR, 0o600)
    k.sys.write(fd, b"two\nlines here")
    k.close()
    out, err = tracer.communicate(timeout=30)
    head = f"{k.pid:6d}      1 traced  "
    assert out.splitlines() == [
        f'{head} CALL  open("/tmp/x",O_RDWR|O_CREAT,0o600)',
        f"{head} RET   open {fd}",
        f'{head} CALL  write({fd},"two\\nlines here")',
        f"{head} GIO   fd {fd} wrote 14 bytes",
        '       "two\\n',
        '        line"...',
        f"{head} RET   write 14/0xe",
    ]
    assert (tracer.returncode, err) == (0, "")


def test_lines_of_json(kernel: LiveKernel) -> None:
    k = rump.connect(kernel.url, comm="traced")
    tracer = reading_along(kernel.url, "-p", str(k.pid), "--json", "-t", "c")
    with pytest.raises(FileNotFoundError):
        k.sys.stat("/none")
    k.close()
    out, _ = tracer.communicate(timeout=30)
    call, result = map(json.loads, out.splitlines())
    assert (call["type"], call["call"], call["args"]) == ("CALL", "stat", {"path": "/none"})
    assert (result["type"], result["error"], result["errno"]) == ("RET", "ENOENT", 2)
    assert result["time_ns"] >= call["time_ns"]


def test_a_file_of_the_kernel_and_one_of_this_machine(
    k: rump.Client, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert program.main(["-f", "/trace", "-p", str(k.pid)]) == 0
    k.sys.umask(0o077)
    assert program.main(["-c", "-f", "/trace"]) == 0
    capsys.readouterr()
    assert program.kdump(["-f", "/trace"]) == 0
    lines = [line[23:] for line in capsys.readouterr().out.splitlines()]
    assert lines == ['EMUL  "netbsd"', "CALL  umask(0x3f)", "RET   umask 18/0x12"]
    with k.open("/trace", "rb") as f:
        (tmp_path / "trace").write_bytes(f.read())
    assert program.kdump(["-H", str(tmp_path / "trace"), "-t", "c", "-T"]) == 0
    first = capsys.readouterr().out.splitlines()[0][23:].split()
    assert first[1:] == ["CALL", "umask(0x3f)"]
    assert first[0].count(".") == 1
    assert program.kdump(["-H", str(tmp_path / "trace"), "-p", "1"]) == 0
    assert capsys.readouterr().out == ""


PROGRAM = "import rump, sys; k = rump.connect(comm='prog'); k.fork().sys.getpgrp(); sys.exit(k.sys.umask(7) - 15)"


def test_a_command_and_what_it_starts(k: rump.Client, capfd: pytest.CaptureFixture[str]) -> None:
    assert program.main([sys.executable, "-c", PROGRAM]) == 3
    out, err = capfd.readouterr()
    lines = [line.split(None, 3) for line in out.splitlines()]
    assert [line[2] for line in lines] == ["prog"] * 4
    assert [line[3].split(None, 1)[1] for line in lines[2:]] == ["umask(0o7)", "umask 18/0x12"]
    assert len({line[0] for line in lines}) == 2
    assert err == ""


def test_a_command_to_a_file(k: rump.Client, capfd: pytest.CaptureFixture[str]) -> None:
    assert program.main(["-c", "-f", "/t2", "-t", "c", sys.executable, "-c", PROGRAM]) == 3
    assert program.kdump(["-f", "/t2"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 4
    assert program.main(["/none/such"]) == 127
    assert "/none/such: No such file" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("main", "arguments", "status", "text"),
    [
        (program.main, [], 2, "whom"),
        (program.main, ["-p", "1", "-t", "x"], 2, "none of"),
        (program.main, ["-c"], 2, "what to clear"),
        (program.main, ["-p", "29999"], 1, "29999"),
        (program.main, ["-p", "1", "ls"], 2, "either"),
        (program.kdump, [], 2, "which file"),
        (program.kdump, ["-H", "/none"], 1, "No such file"),
        (program.kdump, ["-H", "/etc/passwd"], 1, "no trace"),
    ],
)
def test_what_is_refused(
    k: rump.Client, capsys: pytest.CaptureFixture[str], main: Any, arguments: list[str], status: int, text: str
) -> None:
    assert ended(lambda: main(arguments)) == status
    err = capsys.readouterr().err
    assert text in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("call", "args", "text"),
    [
        ("socket", {"domain": 24, "type": 0x20000001, "protocol": 0}, "socket(AF_INET6,SOCK_STREAM|SOCK_NONBLOCK,0)"),
        ("lseek", {"fd": 3, "offset": 4096, "whence": 2}, "lseek(3,0x1000,SEEK_END)"),
        ("ioctl", {"fd": 3, "com": 0x4004667F, "data": None}, "ioctl(3,FIONREAD,NULL)"),
        ("fcntl", {"fd": 3, "cmd": 12, "arg": None, "lock": None}, "fcntl(3,F_DUPFD_CLOEXEC,NULL,NULL)"),
        ("x", {"a": True, "b": [1, "q\udcff"], "c": {"d": -20}}, 'x(1,[1, "q\\377"],{d=-0x14})'),
        ("x", {"a": {"start": "abc", "length": 999}}, 'x("abc"...(999))'),
    ],
)
def test_arguments_are_decoded(call: str, args: dict[str, Any], text: str) -> None:
    assert _kdump.line(rump.KTR_CALL, {"call": call, "args": args}) == text


def test_records_in_any_pieces() -> None:
    record = bytes.fromhex("05000000030002002a000000") + b"name".ljust(20, b"\0") + bytes(24) + b"/etc/"
    whole = record * 3
    for size in (1, 7, 61, 200):
        pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
        found = list(ktrace.records(pieces))
        assert [(r.pid, r.comm, r.fields["text"]) for r in found] == [(42, "name", "/etc/")] * 3
    assert len(list(ktrace.records([whole[:-1]]))) == 2
