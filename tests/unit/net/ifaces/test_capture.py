"""Captures, read by tcpdump."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rumpnet.core.packet import Packet
from rumpnet.core.wire import pcapng
from rumpuser.hostfiles import SystemFiles
from rumpwire.values import SockaddrIn
from tests.tools import need
from tests.unit.net.ifaces.common import ip, pings
from tests.unit.net.kit import fails
from tests.unit.net.lab import Lab


def tcpdump(path: Path, *options: str) -> list[str]:
    done = subprocess.run(
        [need("tcpdump"), "-nr", str(path), *options], check=True, capture_output=True, text=True
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    lab.host.files = SystemFiles()
    return lab


def test_tcpdump_reads_what_we_write(lab: Lab, tmp_path: Path) -> None:
    one, _, _ = lab.two()
    path = tmp_path / "eth0.pcapng"
    one("netconfig_ifcapture", "eth0", bytes(path), None)
    pings(one, "10.0.0.2", 3000)
    s = one.udp()
    one("sendto", s, b"hello", None, SockaddrIn(ip("10.0.0.2"), 53))
    assert fails(one, "netconfig_ifcapture", "eth0", bytes(path), None) == "EBUSY"
    count = one("netconfig_ifcapture", "eth0", b"", None)
    lines = tcpdump(path, "-v", "-tttt", "-e")
    text = "\n".join(lines)
    assert sum(line.startswith("20") for line in lines) == count == 10
    assert text.count("ethertype ARP") == 2
    assert text.count("ICMP echo request") == 1
    assert "bad" not in text
    assert "2023-11-14 22:13:21" in text, "the clock of the host, to the nanosecond"
    assert [line.strip() for line in lines if "> 10.0.0.2.53" in line]


def test_the_loopback_and_short_snapshots(lab: Lab, tmp_path: Path) -> None:
    one = lab.machine()
    path = tmp_path / "lo0.pcapng"
    one("netconfig_ifcapture", "lo0", bytes(path), 60)
    pings(one, "127.0.0.1", 1000)
    one("netconfig_ifcapture", "lo0", b"", None)
    assert len(tcpdump(path)) == 2
    assert b"\0" * 100 not in path.read_bytes()
    assert fails(one, "netconfig_ifcapture", "lo0", b"", None) == "ENOENT"
    assert fails(one, "netconfig_ifcapture", "lo0", bytes(path), None) == "EEXIST"
    assert fails(one, "netconfig_ifcapture", "lo0", b"/no/such/dir", None) == "ENOENT"
    assert fails(one.user, "netconfig_ifcapture", "lo0", b"/x", None) == "EPERM"


def test_offloaded_packets_are_shown_as_on_the_wire(lab: Lab, tmp_path: Path) -> None:
    """A TCP segment of 4000 bytes, as a stack with offload sends it."""
    one, _, wire = lab.two()
    port = one.net.interfaces.by_name["eth0"]
    path = tmp_path / "gso.pcapng"
    one("netconfig_ifcapture", "eth0", bytes(path), None)
    header = bytes.fromhex("450000280000000040060000" + "0a000001" + "0a000002")
    tcp = bytes.fromhex("1234005000000001000000005018200000000000")
    packet = Packet(b"\2\0\0\0\0\2" + b"\2\0\0\0\0\1" + b"\x08\0", header, tcp, bytes(4000))
    packet.gso_size, packet.csum_start, packet.csum_offset = 1000, 34, 16
    port.send_frame(packet)  # type: ignore[attr-defined]
    one("netconfig_ifcapture", "eth0", b"", None)
    lines = tcpdump(path, "-vv")
    text = "\n".join(lines)
    assert text.count("(correct)") == 4
    assert "seq 3000:4000" in text
    assert "bad cksum" not in text
    assert len(wire.frames[-1]) == 4054, "the link itself carries it whole"


def test_a_full_disk_ends_a_capture_and_nothing_else(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    one, _, _ = lab.two()

    class Full:
        def write(self, offset: int, data: object) -> int:
            from rumpwire.errno import Errno, KernelError

            raise KernelError(Errno.ENOSPC, "full")

        def close(self) -> None: ...

    class Files(SystemFiles):
        def create(self, path: bytes) -> Full:  # type: ignore[override]
            return Full()

    lab.host.files = Files()
    one("netconfig_ifcapture", "eth0", b"/x", None)
    for _ in range(40):
        assert pings(one, "10.0.0.2", 3000)
    one("netconfig_ifcapture", "eth0", b"", None)
    assert sum("the capture of eth0 ends" in record.message for record in caplog.records) == 1


def test_blocks() -> None:
    data = pcapng.packet(0x123456789ABCDEF0, b"abcde", 9, out=True)
    assert data.hex() == (
        "06000000" "34000000" "00000000" "78563412" "f0debc9a" "05000000" "09000000" "6162636465000000"
        "0200040002000000" "00000000" "34000000"
    )  # fmt: skip
