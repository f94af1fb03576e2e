"""Interfaces between kernels and their hosts, in every placement."""

from __future__ import annotations

import itertools
import os
import select
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.netns import Netns, netns
from tests.tools import need

_numbers = itertools.count(10)


@pytest.fixture
def space() -> Iterator[Netns]:
    with netns() as made:
        yield made


@pytest.fixture
def k(k: Any) -> Iterator[Any]:
    """A client; the interfaces that it makes go with it."""
    before = {row.name for row in k.pub.netconfig_ifaddrs()}
    yield k
    for row in k.pub.netconfig_ifaddrs():
        if row.name not in before:
            k.pub.netconfig_ifdown(row.name)
            k.pub.netconfig_ifdestroy(row.name)


def ping(k: Any, address: str, size: int = 56) -> bool:
    """An echo, sent until it comes back, 20 seconds long."""
    with k.socket(rump.AF_INET, rump.SOCK_RAW, 1) as s:
        s.settimeout(0.5)
        for number in range(40):
            body = struct.pack("!HH", 77, number) + bytes(size)
            total = sum(struct.unpack(f"!{len(body) // 2}H", body)) + 0x0800
            total = (total & 0xFFFF) + (total >> 16)
            s.sendto(struct.pack("!BBH", 8, 0, ~total & 0xFFFF) + body, (address, 0))
            try:
                while True:
                    if s.recv(70_000)[20:21] == b"\0":
                        return True
            except TimeoutError:
                continue
    return False


def attach(k: Any, name: str, linkstr: str, address: str) -> None:
    k.pub.netconfig_ifcreate(name)
    k.pub.netconfig_ifsetlinkstr(name, linkstr)
    k.pub.netconfig_ipv4_ifaddr_cidr(name, address, 24)
    k.pub.netconfig_ifup(name)


def test_the_host_and_a_kernel_over_a_tap(k: Any, space: Netns, tmp_path: Path) -> None:
    attach(k, "virt7", f"{space.path}:tap7", "10.77.0.2")
    space.ip("addr", "add", "10.77.0.1/24", "dev", "tap7")
    space.ip("link", "set", "tap7", "up")
    capture = tmp_path / "host.pcap"
    command = space.command(
        need("tcpdump"), "-Z", "root", "--immediate-mode", "-U", "-i", "tap7", "-w", str(capture), "ip"
    )
    dump = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert dump.stderr is not None
        assert "listening" in dump.stderr.readline()
        assert ping(k, "10.77.0.1", 1400)
        for size in ("56", "8000"):
            there = space.run(need("ping"), "-c", "1", "-W", "5", "-s", size, "10.77.0.2")
            assert there.returncode == 0, there.stdout + there.stderr
    finally:
        dump.send_signal(signal.SIGINT)
        dump.communicate(timeout=20)
    text = subprocess.run([need("tcpdump"), "-vvnr", str(capture)], check=True, capture_output=True, text=True).stdout
    assert text.count("ICMP echo request") >= 2
    assert "wrong" not in text
    assert "bad" not in text


def test_two_kernels_on_a_bus(k: Any, tmp_path: Path) -> None:
    bus = str(tmp_path / "bus")
    attach(k, "shmif3", bus, "10.78.0.1")
    with rump.Kernel(factions=("net",)) as other:
        attach(other, "shmif0", bus, "10.78.0.2")
        assert ping(k, "10.78.0.2")
        assert ping(other, "10.78.0.1", 3000)
        with other.socket(rump.AF_INET, rump.SOCK_DGRAM) as server, k.socket(rump.AF_INET, rump.SOCK_DGRAM) as client:
            server.bind(("10.78.0.2", 9))
            threading.Thread(target=lambda: server.sendto(*server.recvfrom(100))).start()
            client.settimeout(10)
            client.sendto(b"over and back", ("10.78.0.2", 9))
            assert client.recv(100) == b"over and back"


_ECHO = """
import socket
with socket.create_server(("10.77.1.1", 7)) as server:
    print("ready", flush=True)
    connection, _ = server.accept()
    with connection:
        while data := connection.recv(1 << 20):
            connection.sendall(data)
"""


@pytest.mark.parametrize("offload", [True, False])
def test_tcp_with_the_host_over_a_tap(k: Any, space: Netns, tmp_path: Path, offload: bool) -> None:
    """With offload segments are longer than the MTU; without it the checksums that the host sees are ours."""
    k.pub.netconfig_ifcreate("virt8")
    k.pub.netconfig_ifsetlinkstr("virt8", f"{space.path}:tap8")
    k.pub.netconfig_ifup("virt8")
    name = "virt8"
    if not offload:
        name = "lagg8"
        k.pub.netconfig_ifcreate(name)
        with k.socket(rump.AF_INET, rump.SOCK_DGRAM) as s:
            k.sys.ioctl(s.fileno(), rump.SIOCSLAGG, rump.LaggReq(name, rump.LAGG_PROTO_FAILOVER, ["virt8"]))
    k.pub.netconfig_ipv4_ifaddr_cidr(name, "10.77.1.2", 24)
    k.pub.netconfig_ifup(name)
    space.ip("addr", "add", "10.77.1.1/24", "dev", "tap8")
    space.ip("link", "set", "tap8", "up")
    capture = tmp_path / "host.pcap"
    filters = [need("tcpdump"), "-Z", "root", "--immediate-mode", "-U", "-s", "2000", "-Q", "in"]
    dump = subprocess.Popen(
        space.command(*filters, "-i", "tap8", "-w", str(capture), "tcp"), stderr=subprocess.PIPE, text=True
    )
    server = subprocess.Popen(
        space.command(sys.executable, "-c", _ECHO), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert dump.stderr is not None
        assert server.stdout is not None
        assert "listening" in dump.stderr.readline()
        assert server.stdout.readline() == "ready\n"
        data = os.urandom(2 << 20)
        assert _echoed(k, ("10.77.1.1", 7), data) == data
    finally:
        server.kill()
        server.communicate()
        dump.send_signal(signal.SIGINT)
        dump.communicate(timeout=20)
    lines = subprocess.run(
        [need("tcpdump"), "-vvnr", str(capture), "src", "10.77.1.2"], check=True, capture_output=True, text=True
    ).stdout
    lengths = [int(line.rsplit("length ", 1)[1].split(":")[0]) for line in lines.splitlines() if "Flags" in line]
    assert (max(lengths) > 1460) is offload
    if not offload:
        assert "incorrect" not in lines


def _echoed(k: Any, address: tuple[str, int], data: bytes) -> bytes:
    """What comes back of it."""
    with k.socket(rump.AF_INET, rump.SOCK_STREAM) as s:
        s.settimeout(20)
        s.connect(address)
        sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(rump.SHUT_WR)))
        sender.start()
        got = bytearray()
        while part := s.recv(1 << 20):
            got += part
        sender.join()
    return bytes(got)


def test_the_rules_of_linkstr(k: Any, tmp_path: Path) -> None:
    bus = str(tmp_path / "bus")
    pub = k.pub

    def refused(call: Any, *args: Any) -> str:
        with pytest.raises(OSError) as caught:  # noqa: PT011  the errno is what is asserted
            call(*args)
        return str(caught.value.name)  # type: ignore[attr-defined]

    pub.netconfig_ifcreate("shmif4")
    assert refused(pub.netconfig_ifup, "shmif4") == "ENXIO"
    assert refused(pub.netconfig_ifsetlinkstr, "shmif4", "") == "EINVAL"
    assert refused(pub.netconfig_ifsetlinkstr, "shmif4", "/" * 5000) == "E2BIG"
    assert refused(pub.netconfig_ifsetlinkstr, "shmif4", str(tmp_path / "no" / "bus")) == "ENOENT"
    (tmp_path / "file").write_bytes(b"something else")
    assert refused(pub.netconfig_ifsetlinkstr, "shmif4", str(tmp_path / "file")) == "ENOEXEC"
    pub.netconfig_ifsetlinkstr("shmif4", bus)
    assert refused(pub.netconfig_ifsetlinkstr, "shmif4", bus) == "EBUSY"
    pub.netconfig_ifup("shmif4")
    assert refused(pub.netconfig_ifsetlinkstr, "shmif4", "") == "EBUSY"
    pub.netconfig_ifdown("shmif4")
    pub.netconfig_ifsetlinkstr("shmif4", "")
    pub.netconfig_ifsetlinkstr("shmif4", bus)
    assert refused(pub.netconfig_ifsetlinkstr, "lo0", bus) == "ENOTTY"
    pub.netconfig_ifdestroy("shmif4")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".bus")] == []


def test_a_capture_and_an_impaired_link(k: Any, tmp_path: Path) -> None:
    bus = str(tmp_path / "bus")
    attach(k, "shmif5", bus, "10.79.0.1")
    with rump.Kernel(factions=("net",)) as other:
        attach(other, "shmif0", bus, "10.79.0.2")
        file = tmp_path / "shmif5.pcapng"
        k.pub.netconfig_ifcapture("shmif5", str(file))
        assert ping(k, "10.79.0.2")
        k.pub.netconfig_ifimpair("shmif5", rump.Impairment(loss_ppm=1_000_000))
        k.pub.netconfig_ifimpair("shmif5", rump.Impairment(delay_ns=50_000_000))
        assert ping(k, "10.79.0.2")
        assert k.pub.netconfig_ifimpairstat("shmif5").passed >= 1
        k.pub.netconfig_ifimpair("shmif5", None)
        assert k.pub.netconfig_ifcapture("shmif5", b"") >= 6
    text = subprocess.run([need("tcpdump"), "-nr", str(file)], check=True, capture_output=True, text=True).stdout
    assert text.count("ICMP echo request") == text.count("ICMP echo reply") >= 2


def test_a_program_captures_and_sends_frames(k: Any, tmp_path: Path) -> None:
    bus = str(tmp_path / "bus")
    attach(k, "shmif6", bus, "10.80.0.1")
    fd = k.pub.bpf_open()
    k.sys.ioctl(fd, rump.BIOCSETIF, "shmif6")
    ours = [
        (0x28, 0, 0, 12),
        (0x15, 0, 1, 0x88B5),
        (0x06, 0, 0, 60),
        (0x06, 0, 0, 0),
    ]  # not those that IPv6 sends itself
    k.sys.ioctl(fd, rump.BIOCSETF, rump.BpfProgram([rump.BpfInsn(*words) for words in ours]))
    k.sys.ioctl(fd, rump.BIOCIMMEDIATE, 1)
    size = k.sys.ioctl(fd, rump.BIOCGBLEN).data.integer
    assert k.sys.ioctl(fd, rump.BIOCGETIF).data.text == "shmif6"
    frame = b"\xff" * 12 + b"\x88\xb5" + b"experimental" * 10
    assert k.sys.write(fd, frame) == len(frame)
    data = k.sys.read(fd, size)
    _, _, caplen, datalen, hdrlen = struct.unpack_from("<qqIIH", data)
    assert (caplen, datalen) == (60, len(frame))
    assert data[hdrlen + 12 : hdrlen + 60] == frame[12:60]
    if not isinstance(k, rump.Kernel):
        polled = k.sys.poll([(fd, select.POLLIN)], 0)
        assert polled.fds[0].revents == 0
    k.sys.close(fd)


_DUMP = "from rumpclients.tcpdump import main; raise SystemExit(main())"


def test_tcpdump_shows_packets_as_they_come(connect: Any, k: Any, placement: str, running: dict[str, Any]) -> None:
    if placement == "local":
        pytest.skip("the program is for kernels that have a URL")
    need("tcpdump")
    env = {**os.environ, "RUMP_SERVER": running[placement].url}
    command = [sys.executable, "-c", _DUMP, "-i", "lo0", "-c", "4", "-e", "icmp or udp"]
    dump = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        assert dump.stderr is not None
        assert dump.stderr.readline() == "listening on lo0, link-type NULL\n"
        assert ping(k, "127.0.0.1")
        with k.socket(rump.AF_INET, rump.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 7654))
            s.sendto(b"x", ("127.0.0.1", 7654))
            s.sendto(b"x", ("127.0.0.1", 7654))
        shown, rest = dump.communicate(timeout=20)
        lines = shown.splitlines()
    finally:
        dump.kill()
        dump.communicate()
    assert [("ICMP echo" in line, "127.0.0.1.7654: UDP" in line) for line in lines] == [
        (True, False), (True, False), (False, True), (False, True),
    ]  # fmt: skip
    assert rest.startswith("4 packets captured\n")


def test_interfaces_are_root_s(k: Any) -> None:
    k.sys.setuid(1000)
    for call, *args in (("ifcreate", "shmif9"), ("bradd", "bridge0", "lo0"), ("ifimpair", "lo0", None)):
        with pytest.raises(PermissionError):
            getattr(k.pub, f"netconfig_{call}")(*args)
    with pytest.raises(PermissionError):
        k.pub.bpf_open()
