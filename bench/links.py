"""Links between kernels: pings and other requests over a bus, frames over the bus alone, frames through a router.

The bounds of pings are the original's: 67 us on one processor and 160 us on an idle machine, where a message over a
local socket and back took 10.6 us and 61 us (two stacks local to their programs, one bus). Requests of UDP and TCP have
no such original: their yardstick is what any two processes in Python take for the same frame through a ring in shared
memory, with nothing else done.
"""

from __future__ import annotations

import mmap
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import rump
from bench.measure import Row, pin, unpin

PINGS = 3000
TURNS = 5
"""Ours and the yardstick take turns, and the best of each counts."""
ORIGINAL = 100
"""MB/s of TCP between two of the original's stacks on one processor: it is C, so its figure is a fixed one."""
STREAM = 64 << 20
FRAMES = 200
ROUNDS = 100
"""The best of so many short ones: other work on the machine only ever slows them down."""
_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
"""A bus on a disk costs page faults, and is written out now and then."""
_PEER = """
import sys, rump
with rump.Kernel(factions=("net",)) as k:
    k.pub.netconfig_ifcreate("shmif0")
    k.pub.netconfig_ifsetlinkstr("shmif0", sys.argv[1])
    k.pub.netconfig_ipv4_ifaddr_cidr("shmif0", "10.0.0.2", 24)
    k.pub.netconfig_ifup("shmif0")
    print("ready", flush=True)
    sys.stdin.read()
"""
_ECHO = """
import socket, sys
s = socket.socket(fileno=int(sys.argv[1]))
while data := s.recv(100):
    s.send(data)
"""


def run() -> list[Row]:
    pin()
    try:
        one_cpu = _best(_ping, _message, _udp, _tcp, _ring)
        stream = max(_stream() for _ in range(3))
    finally:
        unpin()
    idle = _best(_ping, _message)
    ring = one_cpu[4]
    bus, copies, router = (max(once() for _ in range(ROUNDS)) for once in (_bus, _copies, _router))
    return [
        Row("ping over a bus, one cpu", one_cpu[0], "us", "socketpair", one_cpu[1], one_cpu[0] / one_cpu[1], 6.3),
        Row("ping over a bus, idle machine", idle[0], "us", "socketpair", idle[1], idle[0] / idle[1], 2.7),
        Row("1 B there and back, UDP, one cpu", one_cpu[2], "us", "bare ring", ring, one_cpu[2] / ring, 45),
        Row("1 B there and back, TCP, one cpu", one_cpu[3], "us", "bare ring", ring, one_cpu[3] / ring, 70),
        Row("TCP over a bus, one cpu", stream, "MB/s", "the original", ORIGINAL, stream / ORIGINAL, 1.0, "high"),
        Row("frames of 1514 B over a bus", bus, "/s", "bare copies", copies, bus / copies, 0.1, "high"),
        Row("frames through a router", router, "/s", "bus", bus, router / bus, 0.05, "high"),
    ]


# -- round trips


def _best(*measures: Callable[[], float]) -> list[float]:
    rounds = [[measure() for measure in measures] for _ in range(TURNS)]
    return [min(found) for found in zip(*rounds, strict=True)]


def _ping() -> float:
    """Median microseconds of an echo of ICMP between kernels local to two processes."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        bus = str(Path(folder) / "bus")
        with _child("-c", _PEER, bus), rump.Kernel(factions=("net",)) as k:
            k.pub.netconfig_ifcreate("shmif0")
            k.pub.netconfig_ifsetlinkstr("shmif0", bus)
            k.pub.netconfig_ipv4_ifaddr_cidr("shmif0", "10.0.0.1", 24)
            k.pub.netconfig_ifup("shmif0")
            with k.socket(rump.AF_INET, rump.SOCK_RAW, 1) as s:
                return _median(lambda number: (s.sendto(_echo(number), ("10.0.0.2", 0)), s.recv(2000)))


_ANSWERS = """
import sys, rump
with rump.Kernel(factions=("net",)) as k:
    k.pub.netconfig_ifcreate("shmif0")
    k.pub.netconfig_ifsetlinkstr("shmif0", sys.argv[1])
    k.pub.netconfig_ipv4_ifaddr_cidr("shmif0", "10.0.0.2", 24)
    k.pub.netconfig_ifup("shmif0")
    with k.socket(rump.AF_INET, int(sys.argv[2])) as s:
        s.bind(("10.0.0.2", 7))
        if int(sys.argv[2]) == rump.SOCK_DGRAM:
            print("ready", flush=True)
            while (message := s.recvfrom(100))[0] != b"end":
                s.sendto(*message)
        else:
            s.listen(1)
            print("ready", flush=True)
            connection, _ = s.accept()
            with connection:
                while data := connection.recv(100):
                    connection.send(data)
"""


def _udp() -> float:
    """Median microseconds of a datagram of 1 byte that a program on the other kernel sends back."""
    return _answered(rump.SOCK_DGRAM)


def _tcp() -> float:
    """The same over a connection of TCP."""
    return _answered(rump.SOCK_STREAM)


def _answered(kind: int) -> float:
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        bus = str(Path(folder) / "bus")
        with _child("-c", _ANSWERS, bus, str(int(kind))), rump.Kernel(factions=("net",)) as k:
            k.pub.netconfig_ifcreate("shmif0")
            k.pub.netconfig_ifsetlinkstr("shmif0", bus)
            k.pub.netconfig_ipv4_ifaddr_cidr("shmif0", "10.0.0.1", 24)
            k.pub.netconfig_ifup("shmif0")
            with k.socket(rump.AF_INET, kind) as s:
                s.connect(("10.0.0.2", 7))
                found = _median(lambda _: (s.send(b"x"), s.recv(100)))
                if kind == rump.SOCK_DGRAM:
                    s.send(b"end")
    return found


_MIRROR = """
import mmap, os, sys
ring = mmap.mmap(int(sys.argv[1]), 1 << 16)
words = memoryview(ring).cast("Q")
seen = 0
while seen != (1 << 64) - 1:
    while words[0] == seen:
        os.sched_yield()
    seen = words[0]
    ring[8192:8290] = ring[4096:4194]
    words[8] = seen
"""


def _ring() -> float:
    """Median microseconds of a frame of 98 bytes, as long as that of a ping, through bare shared memory and back."""
    with tempfile.TemporaryFile(dir=_MEMORY) as file:
        file.truncate(1 << 16)
        ring = mmap.mmap(file.fileno(), 1 << 16)
        words = memoryview(ring).cast("Q")
        frame = bytes(98)

        def exchange(number: int) -> None:
            ring[4096:4194] = frame
            words[0] = number + 1
            while words[8] != number + 1:
                os.sched_yield()
            ring[8192:8290]

        command = [sys.executable, "-c", _MIRROR, str(file.fileno())]
        with subprocess.Popen(command, pass_fds=[file.fileno()]):
            found = _median(exchange)
            words[0] = (1 << 64) - 1
    return found


_SINK = """
import sys, rump
with rump.Kernel(factions=("net",)) as k:
    k.pub.netconfig_ifcreate("shmif0")
    k.pub.netconfig_ifsetlinkstr("shmif0", sys.argv[1])
    k.pub.netconfig_ipv4_ifaddr_cidr("shmif0", "10.0.0.2", 24)
    k.pub.netconfig_ifup("shmif0")
    with k.socket(rump.AF_INET, rump.SOCK_STREAM) as server:
        server.bind(("10.0.0.2", 9))
        server.listen(1)
        print("ready", flush=True)
        connection, _ = server.accept()
        with connection:
            rest = int(sys.argv[2])
            while rest:
                rest -= len(connection.recv(1 << 18))
            connection.send(b"x")
            sys.stdin.read()
"""


def _stream() -> float:
    """MB/s of one TCP connection between kernels local to two processes."""
    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        bus = str(Path(folder) / "bus")
        with _child("-c", _SINK, bus, str(STREAM)), rump.Kernel(factions=("net",)) as k:
            k.pub.netconfig_ifcreate("shmif0")
            k.pub.netconfig_ifsetlinkstr("shmif0", bus)
            k.pub.netconfig_ipv4_ifaddr_cidr("shmif0", "10.0.0.1", 24)
            k.pub.netconfig_ifup("shmif0")
            with k.socket(rump.AF_INET, rump.SOCK_STREAM) as s:
                s.connect(("10.0.0.2", 9))
                data = bytes(1 << 18)
                begun = time.perf_counter()
                for _ in range(STREAM // len(data)):
                    s.sendall(data)
                s.recv(1)
                return STREAM / (time.perf_counter() - begun) / 1e6


def _echo(number: int) -> bytes:
    total = 0x0800 + 7 + number
    return struct.pack("!BBHHH", 8, 0, ~(total + (total >> 16)) & 0xFFFF, 7, number) + bytes(56)


def _message() -> float:
    """The same of a message of 64 bytes over a pair of sockets."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-c", _ECHO, str(theirs.fileno())]
        with subprocess.Popen(command, pass_fds=[theirs.fileno()]) as process:
            theirs.close()
            found = _median(lambda number: (ours.send(bytes(64)), ours.recv(100)))
            ours.close()
            process.wait()
    return found


def _median(once: Callable[[int], object]) -> float:
    times = []
    for number in range(PINGS):
        begun = time.perf_counter()
        once(number)
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e6


@contextmanager
def _child(*arguments: str) -> Iterator[None]:
    with subprocess.Popen([sys.executable, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            assert process.stdin is not None
            process.stdin.close()


# -- frames


def _bus() -> float:
    """Frames per second that one member sends and another takes, in one process."""
    from rumpuser.devices.shmbus import ShmBus

    with tempfile.TemporaryDirectory(dir=_MEMORY) as folder:
        path = os.fsencode(Path(folder) / "bus")
        got = [0]

        def receive(frame: memoryview, offload: object) -> None:
            got[0] += 1

        sender, receiver = ShmBus(path, receive), ShmBus(path, receive)
        header, payload = b"\xff" * 12 + b"\x88\xb5", bytes(1500)
        begun = time.perf_counter()
        for _ in range(FRAMES):
            sender.send((header, payload), 1514)
            receiver.take()
        passed = time.perf_counter() - begun
        assert got[0] == FRAMES
        sender.close()
        receiver.close()
    return FRAMES / passed


def _copies() -> float:
    """The same as nothing but copies, into a mapping and out of it."""
    ring, header, payload = mmap.mmap(-1, 1 << 20), b"\xff" * 12 + b"\x88\xb5", bytes(1500)
    begun = time.perf_counter()
    for number in range(FRAMES):
        at = number * 1536 % ((1 << 20) - 1536)
        ring[at : at + 14] = header
        ring[at + 14 : at + 1514] = payload
        ring[at : at + 1514]
    return FRAMES / (time.perf_counter() - begun)


def _router() -> float:
    """Datagrams per second through a stack that forwards between two Ethernets."""
    from rumpnet.component import NetComponent
    from rumpnet.core.packet import Packet
    from rumpnet.ifaces.ether import Ethernet
    from rumpuser.component import Context, Parameters
    from rumpuser.host import ManualHost
    from rumpwire.calls import OPS

    class Port(Ethernet):
        sent = 0

        def transmit(self, frame: Packet) -> None:
            self.sent += 1

    router = NetComponent(ManualHost(), None, Parameters())  # type: ignore[arg-type]
    router.net.interfaces.kinds["eth"] = Port
    for number in range(2):
        for call, *args in (("ifcreate",), ("ipv4_ifaddr_cidr", f"10.{number}.0.1", 24), ("ifup",)):
            router.call(Context(), OPS[f"netconfig_{call}"], (f"eth{number}", *args))
    router.net.layers[4].forwarding.put(1)  # type: ignore[attr-defined]
    left, right = router.net.interfaces.by_name["eth0"], router.net.interfaces.by_name["eth1"]
    assert isinstance(left, Port)
    assert isinstance(right, Port)
    _introduce(right)
    frame = left.lladdr + b"\2\0\0\0\0\1\x08\0" + bytes.fromhex("4500001c0000000040116400") + bytes([10, 0, 0, 2])
    frame = _summed(frame + bytes([10, 1, 0, 2]) + bytes.fromhex("0001000200080000") + bytes(18))
    left.receive(Packet(frame))
    before = right.sent
    begun = time.perf_counter()
    for _ in range(FRAMES):
        left.receive(Packet(frame))
    passed = time.perf_counter() - begun
    assert right.sent - before == FRAMES
    return FRAMES / passed


def _introduce(port: object) -> None:
    """Tells it by ARP where 10.1.0.2 is."""
    from rumpnet.core.packet import Packet
    from rumpnet.ifaces.ether import Ethernet

    assert isinstance(port, Ethernet)
    body = bytes.fromhex("0001080006040001") + b"\2\0\0\0\0\2" + bytes([10, 1, 0, 2]) + bytes(6) + bytes([10, 1, 0, 1])
    port.receive(Packet(b"\xff" * 6 + b"\2\0\0\0\0\2\x08\x06" + body + bytes(18)))


def _summed(frame: bytes) -> bytes:
    """With the checksum of its IPv4 header."""
    header = frame[14:24] + b"\0\0" + frame[26:34]
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return frame[:24] + struct.pack("!H", ~total & 0xFFFF) + frame[26:]
