"""Taps against the host's kernel, in a network namespace of their own."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from rumpuser.devices.port import PLAIN, Offload
from rumpuser.devices.tap import Tap
from rumpwire.errno import KernelError
from tests.netns import Netns, netns
from tests.tools import need

OURS = bytes.fromhex("020000000063")
ARP = struct.Struct("!HHBBH6s4s6s4s")


@pytest.fixture
def space() -> Iterator[Netns]:
    with netns() as made:
        yield made


class Peer:
    """Answers ARP for 10.5.0.2 behind a tap whose other end is the host's 10.5.0.1."""

    def __init__(self, space: Netns, name: str = "tap7") -> None:
        self.frames: list[tuple[bytes, Offload]] = []
        self.tap = Tap(name, lambda frame, offload: self.frames.append((bytes(frame), offload)), space.path)
        space.ip("addr", "add", "10.5.0.1/24", "dev", name)
        space.ip("link", "set", name, "up")
        self.host = bytes.fromhex(space.ip("link", "show", name).split("link/ether ")[1][:17].replace(":", ""))

    def wait(self, ethertype: int, protocol: int = 0) -> tuple[bytes, Offload]:
        """The next frame of a type."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            self.tap.take()
            while self.frames:
                frame, offload = self.frames.pop(0)
                if frame[12:14] == b"\x08\x06" and frame[38:42] == b"\x0a\x05\0\2":
                    reply = ARP.pack(1, 0x0800, 6, 4, 2, OURS, b"\x0a\x05\0\2", frame[6:12], b"\x0a\x05\0\1")
                    self.tap.send((frame[6:12] + OURS + b"\x08\x06", reply), 42)
                elif int.from_bytes(frame[12:14], "big") == ethertype and frame[23] == protocol:
                    return frame, offload
            time.sleep(0.001)
        raise AssertionError("nothing came")


def test_the_host_leaves_checksums_to_us_and_we_to_it(space: Netns) -> None:
    peer = Peer(space)
    listener = _in(space, lambda: socket.create_server(("10.5.0.1", 7), family=socket.AF_INET))
    listener.close()
    with _in(space, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
        udp.settimeout(10)
        udp.bind(("10.5.0.1", 7777))
        udp.sendto(b"hello, tap", ("10.5.0.2", 9))
        frame, offload = peer.wait(0x0800, 17)
        assert offload == Offload(0, 34, 6, csum_valid=True)
        assert frame[42:] == b"hello, tap"
        # Back, with the sum of the pseudo header in the field: the host's kernel accepts what it need not verify.
        header = bytearray(frame[14:34])
        header[12:16], header[16:20] = frame[30:34], frame[26:30]
        pseudo = sum(struct.unpack("!6H", bytes(header[12:20]) + b"\0\x11\0\x12"))
        datagram = struct.pack("!4H", 9, 7777, 18, pseudo % 0xFFFF) + b"hello, net"
        parts = (peer.host + OURS + b"\x08\0", bytes(header), datagram)
        assert peer.tap.send(parts, 52, Offload(0, 34, 6))
        assert udp.recvfrom(100) == (b"hello, net", ("10.5.0.2", 9))
        assert peer.tap.send((parts[0], parts[1], datagram[:6] + b"\xba\xad" + datagram[8:]), 52, PLAIN)
        udp.setblocking(False)
        with pytest.raises(BlockingIOError):
            udp.recvfrom(100)  # without the promise its wrong sum is found
    peer.tap.close()


def _in(space: Netns, make: object) -> socket.socket:
    """A socket of the namespace: one belongs to where it was made, so its maker is a thread that goes there."""
    made: list[socket.socket] = []

    def run() -> None:
        import ctypes

        with open(space.path, "rb") as namespace:
            assert ctypes.CDLL(None).setns(namespace.fileno(), 0x40000000) == 0
        made.append(make())  # type: ignore[operator]

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return made[0]


def test_names_and_namespaces_that_cannot_be(space: Netns) -> None:
    def fails(*arguments: str) -> str:
        with pytest.raises(KernelError) as caught:
            Tap(arguments[0], lambda frame, offload: None, *arguments[1:])
        return caught.value.name

    assert fails("") == fails("n" * 16) == "EINVAL"
    assert fails("tap0", "/no/such") == "ENOENT"
    first = Tap("tap0", lambda frame, offload: None, space.path)
    assert fails("tap0", space.path) == "EBUSY"
    first.close()
    Tap("tap0", lambda frame, offload: None, space.path).close()


def test_a_user_may_open_the_device_that_was_made_for_him(space: Netns) -> None:
    need("setpriv")
    space.ip("tuntap", "add", "dev", "tap1", "mode", "tap", "user", "65534", "vnet_hdr")
    program = (
        "import sys; from rumpuser.devices.tap import Tap; from rumpwire.errno import KernelError\n"
        "Tap('tap1', lambda f, o: None).close()\n"
        "try:\n    Tap('tap2', lambda f, o: None)\nexcept KernelError as e:\n    print(e.name)\n"
    )
    path = os.pathsep.join(p for p in sys.path if p)
    node = "mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200"  # as most hosts have it
    script = f'{node} && exec setpriv --reuid 65534 --clear-groups "$0" -c "$1"'
    done = subprocess.run(
        space.command("sh", "-c", script, sys.executable, program),
        check=False, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=60,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("EPERM\n", "")


def test_a_device_that_is_removed_is_not_looked_at_for_ever(space: Netns) -> None:
    peer = Peer(space)
    ended: list[int] = []
    peer.tap.on_close = lambda: ended.append(1)
    space.ip("link", "del", "tap7")
    peer.tap.take()
    assert not peer.tap.send((OURS + OURS + b"\x08\0",), 14)
    assert ended == [1]
    peer.tap.close()
