"""Two busses that a relay joins: both ends may die and come back; strangers and liars are sent away."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rumpuser.devices.port import FRAME_MAX, PLAIN, Offload
from rumpuser.devices.shmbus import ShmBus
from rumpuser.relay import HEADER, MAGIC
from tests import pki

Start = Callable[..., "subprocess.Popen[str]"]
LEFT, RIGHT = b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        with (tmp_path / "log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "rumpuser.relay", *arguments], stdout=subprocess.PIPE, stderr=log, text=True
            )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready "), (tmp_path / "log").read_text()
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


class Member:
    def __init__(self, path: Path, lladdr: bytes) -> None:
        self.got: list[tuple[bytes, Offload]] = []
        self.bus = ShmBus(os.fsencode(path), lambda frame, offload: self.got.append((bytes(frame), offload)))
        self.bus.set_filter(lladdr)

    def send(self, dst: bytes, data: bytes, offload: Offload = PLAIN) -> bytes:
        frame = dst + b"\2\0\0\0\0\3\x88\xb5" + data
        self.bus.send((frame,), len(frame), offload)
        return frame


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[Member, Member]]:
    left, right = Member(tmp_path / "left", LEFT), Member(tmp_path / "right", RIGHT)
    yield left, right
    left.bus.close()
    right.bus.close()


def crosses(sender: Member, receiver: Member, dst: bytes, data: bytes, offload: Offload = PLAIN) -> None:
    """Sends a frame until it arrives."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        frame = sender.send(dst, data, offload)
        wait = time.monotonic() + 0.1
        while time.monotonic() < wait:
            receiver.bus.take()
            if (frame, offload) in receiver.got:
                receiver.got.clear()
                return
            time.sleep(0.001)
    raise AssertionError("the frame did not arrive")


def test_frames_cross_whole_and_the_ends_may_die(start: Start, ends: tuple[Member, Member], tmp_path: Path) -> None:
    left, right = ends
    url = f"unix://{tmp_path}/relay"
    connecting = start("--connect", url, str(tmp_path / "right"))  # nobody listens yet
    listening = start("--listen", url, str(tmp_path / "left"))
    crosses(left, right, RIGHT, b"there")
    crosses(right, left, LEFT, b"and back")
    crosses(left, right, RIGHT, bytes(FRAME_MAX - 14), Offload(1448, 34, 16, csum_valid=True))
    listening.kill()
    listening.wait()
    start("--listen", url, str(tmp_path / "left"))
    crosses(left, right, RIGHT, b"again")
    connecting.kill()
    connecting.wait()
    again = start("--connect", url, str(tmp_path / "right"))
    crosses(right, left, LEFT, b"and again")
    again.send_signal(signal.SIGTERM)
    assert again.wait(10) == 0


def test_tls_asks_both_sides_for_certificates(start: Start, ends: tuple[Member, Member], tmp_path: Path) -> None:
    left, right = ends
    pki.make(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    certificates = [f"--tls-{name}={tmp_path / name}.pem" for name in ("cert", "key", "ca")]
    start("--listen", f"tcp://127.0.0.1:{port}", *certificates, str(tmp_path / "left"))
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.settimeout(10)
        stranger.sendall(MAGIC)
        assert MAGIC not in _all(stranger)
    start("--connect", f"tcp://localhost:{port}", *certificates, str(tmp_path / "right"))
    crosses(left, right, RIGHT, b"through TLS")
    missing = subprocess.run(
        [sys.executable, "-m", "rumpuser.relay", "--listen", "tcp://*:0", str(tmp_path / "left")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert missing.returncode == 1
    assert "--tls-cert" in missing.stderr


def _all(sock: socket.socket) -> bytes:
    data = b""
    try:
        while more := sock.recv(4096):
            data += more
    except OSError:
        pass
    return data


def test_liars_are_sent_away(start: Start, ends: tuple[Member, Member], tmp_path: Path) -> None:
    left, _ = ends
    path = str(tmp_path / "relay")
    start("--listen", f"unix://{path}", str(tmp_path / "left"))
    frame = LEFT + bytes(50)
    lies = [
        b"GET / HTTP/1.0\r\n\r\n", MAGIC + HEADER.pack(FRAME_MAX + 1, 0, 0, 0, 0), MAGIC + HEADER.pack(13, 0, 0, 0, 0),
        MAGIC + HEADER.pack(56, 1, 34, 16, 0) + frame, MAGIC + HEADER.pack(56, 1000, 50, 16, 0) + frame,
        MAGIC + struct.pack("!I", 0xFFFFFFFF) + bytes(7),
    ]  # fmt: skip
    for lie in lies:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(10)
            peer.connect(path)
            peer.sendall(lie)
            assert _all(peer) in (MAGIC, b"")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(path)
        peer.sendall(MAGIC + HEADER.pack(56, 0, 0, 0, 0) + frame)
        end = time.monotonic() + 10
        while not left.got and time.monotonic() < end:
            left.bus.take()
            time.sleep(0.001)
    assert [data for data, _ in left.got] == [frame]
