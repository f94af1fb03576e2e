"""rump.ping and rump.traceroute on a kernel in this process."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator

import pytest

import rump
from rumpclients import _icmp, ping, traceroute
from rumpnet.core.wire.checksum import verifies


@pytest.fixture
def k(monkeypatch: pytest.MonkeyPatch) -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("net",)) as kernel:
        for tool in (ping, traceroute):
            monkeypatch.setattr(tool, "connect", lambda prog: contextlib.nullcontext(kernel))
        yield kernel


def test_ping(k: rump.Kernel, capsys: pytest.CaptureFixture[str]) -> None:
    assert ping.main(["-c", "3", "-i", "0.01", "127.0.0.1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "PING 127.0.0.1 (127.0.0.1): 56 data bytes"
    assert lines[3].startswith("64 bytes from 127.0.0.1: icmp_seq=2 ttl=255 time=")
    assert "3 packets transmitted, 3 packets received, 0.0% packet loss" in lines
    assert lines[-1].startswith("round-trip min/avg/max/stddev = ")


@pytest.mark.parametrize("size", [0, 1, 7, 8, 1473, 40000, 65507])
def test_sizes(k: rump.Kernel, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert ping.main(["-o", "-s", str(size), "127.0.0.1"]) == 0
    assert f"{size + 8} bytes from" in capsys.readouterr().out


def test_flood(k: rump.Kernel, capsys: pytest.CaptureFixture[str]) -> None:
    assert ping.main(["-f", "-q", "-c", "200", "127.0.0.1"]) == 0
    assert "200 packets transmitted, 200 packets received" in capsys.readouterr().out


def test_nobody_answers(k: rump.Kernel, capsys: pytest.CaptureFixture[str]) -> None:
    assert ping.main(["-c", "1", "-w", "0.1", "10.9.9.9"]) == 1
    said = capsys.readouterr()
    assert "100.0% packet loss" in said.out
    assert "Network is unreachable" in said.err


@pytest.mark.parametrize("args", [["-s", "65508", "x"], ["-p", "xyz", "x"], ["-T", "256", "x"]])
def test_wrong_arguments(k: rump.Kernel, args: list[str]) -> None:
    assert ping.main(args) == 2


@pytest.mark.parametrize("flags", [[], ["-I"]])
def test_traceroute(k: rump.Kernel, flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert traceroute.main([*flags, "-q", "2", "127.0.0.1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "traceroute to 127.0.0.1 (127.0.0.1), 30 hops max, 40 byte packets"
    assert lines[1].startswith(" 1  127.0.0.1  ")
    assert lines[1].count("ms") == 2
    assert len(lines) == 2


@pytest.mark.parametrize("length", [0, 1, 40])
def test_checksums(length: int) -> None:
    assert verifies(_icmp.echo(7, 65535, b"\xff" * length, v6=False))


def test_what_is_too_short_is_nothing() -> None:
    assert _icmp.parse(b"\x45" + bytes(26), "x", v6=False) is None
    assert _icmp.parse(bytes(7), "x", v6=True) is None
    error = _icmp.parse(b"\x45" + bytes(19) + struct.pack("!BBHHH", 3, 3, 0, 0, 0) + b"\x45", "x", v6=False)
    assert error is not None
    assert error.quoted == (-1, b"")
