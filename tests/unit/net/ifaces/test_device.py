"""Interfaces over devices of the host, which are fakes here."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from rumpnet.core.wire import ethernet
from rumpnet.ifaces.shmif import Shmif
from rumpnet.ifaces.virt import Virt
from rumpuser.devices.port import PLAIN, Offload, Receive
from rumpuser.host import Buffer, ManualHost
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from tests.unit.net.kit import Kit, fails


class FakePort:
    offloads = True

    def __init__(self, name: str, receive: Receive) -> None:
        self.name = name
        self.receive = receive
        self.sent: list[tuple[bytes, Offload]] = []
        self.filter: bytes | None = b"?"
        self.full = self.closed = False

    def send(self, parts: Sequence[Buffer], length: int, offload: Offload = PLAIN) -> bool:
        data = b"".join(parts)
        assert len(data) == length
        self.sent.append((data, offload))
        return not self.full

    def set_filter(self, lladdr: bytes | None) -> None:
        self.filter = lladdr

    def close(self) -> None:
        self.closed = True


class FakePorts:
    def __init__(self) -> None:
        self.opened: list[FakePort] = []

    def open_bus(self, path: bytes, receive: Receive) -> FakePort:
        return self._open(path.decode(), receive)

    def open_tap(self, name: str, receive: Receive, netns: str = "") -> FakePort:
        return self._open(f"{name} in {netns}" if netns else name, receive)

    def _open(self, name: str, receive: Receive) -> FakePort:
        if "refused" in name:
            raise KernelError(Errno.EPERM, name)
        self.opened.append(FakePort(name, receive))
        return self.opened[-1]


@pytest.fixture
def ports() -> FakePorts:
    return FakePorts()


@pytest.fixture
def n(ports: FakePorts) -> Kit:
    return Kit(host=ManualHost(ports=ports))


def test_virt_is_the_tap_of_its_number_or_what_its_linkstr_says(n: Kit, ports: FakePorts) -> None:
    for name in ("virt0", "virt3"):
        n("netconfig_ifcreate", name)
    n("netconfig_ifup", "virt0")
    n("netconfig_ifsetlinkstr", "virt3", "/run/netns/a:b:tap9")
    assert [port.name for port in ports.opened] == ["tap0", "tap9 in /run/netns/a:b"]
    virt0 = n.component.net.interfaces.get("virt0")
    assert isinstance(virt0, Virt)
    assert virt0.lladdr[:2] + virt0.lladdr[3:] == bytes.fromhex("b20a0b0e00")
    assert virt0.linkstr() == "tap0"
    assert fails(n, "netconfig_ifdestroy", "virt0") == "EBUSY"
    n("netconfig_ifdown", "virt0")
    n("netconfig_ifdestroy", "virt0")
    assert ports.opened[0].closed
    n("netconfig_ifcreate", "virt0")
    assert fails(n, "netconfig_ifsetlinkstr", "virt0", "refused") == "EPERM"
    n("netconfig_ifup", "virt0")


def test_shmif_from_creation_to_its_end(n: Kit, ports: FakePorts) -> None:
    n("netconfig_ifcreate", "shmif0")
    shmif = n.component.net.interfaces.get("shmif0")
    assert isinstance(shmif, Shmif)
    assert shmif.lladdr[:2] == b"\xb2\xa0"
    assert not shmif.link_up
    with pytest.raises(KernelError) as caught:
        shmif.linkstr()
    assert caught.value.name == "ENOENT"
    assert fails(n, "netconfig_ifup", "shmif0") == "ENXIO"
    assert fails(n, "netconfig_ifsetlinkstr", "shmif0", "") == "EINVAL"
    assert fails(n, "netconfig_ifsetlinkstr", "shmif0", "é" * 2048) == "E2BIG", "bytes count"
    n("netconfig_ifsetlinkstr", "shmif0", "/bus")
    assert shmif.link_up
    assert fails(n, "netconfig_ifsetlinkstr", "shmif0", "/bus") == "EBUSY"
    n("netconfig_ifup", "shmif0")
    assert fails(n, "netconfig_ifsetlinkstr", "shmif0", "") == "EBUSY"
    n("netconfig_ifdown", "shmif0")
    assert shmif.link_up
    n("netconfig_ifsetlinkstr", "shmif0", "")
    assert ports.opened[0].closed
    assert not shmif.link_up
    n("netconfig_ifsetlinkstr", "shmif0", "/bus2")
    n("netconfig_ifdestroy", "shmif0")
    assert ports.opened[1].closed


def test_frames_go_down_and_come_up(n: Kit, ports: FakePorts) -> None:
    n("netconfig_ifcreate", "shmif0")
    n("netconfig_ifsetlinkstr", "shmif0", "/bus")
    n("netconfig_ipv4_ifaddr_cidr", "shmif0", "10.0.0.1", 24)
    n("netconfig_ifup", "shmif0")
    (port,) = ports.opened
    shmif = n.component.net.interfaces.get("shmif0")
    assert port.filter == shmif.lladdr
    shmif.set_promiscuous(True)
    assert port.filter is None
    shmif.set_promiscuous(False)
    shmif.set_lladdr(b"\2\0\0\0\0\1")
    assert port.filter == b"\2\0\0\0\0\1"
    peer = b"\2\0\0\0\0\2"
    request = bytes.fromhex("0001080006040001") + peer + bytes([10, 0, 0, 2]) + bytes(6) + bytes([10, 0, 0, 1])
    port.sent.clear()
    port.receive(memoryview(ethernet.BROADCAST + peer + b"\x08\x06" + request), PLAIN)
    answer, offload = port.sent.pop()
    assert (answer[:6], answer[20:22], offload) == (peer, b"\0\2", PLAIN)
    port.full = True
    before = shmif.oerrors
    port.receive(memoryview(ethernet.BROADCAST + peer + b"\x08\x06" + request), PLAIN)
    assert shmif.oerrors == before + 1
    n("netconfig_ifdown", "shmif0")
    port.sent.clear()
    port.receive(memoryview(ethernet.BROADCAST + peer + b"\x08\x06" + request), PLAIN)
    assert port.sent == []


def test_a_kernel_that_stops_lets_go_of_its_devices(n: Kit, ports: FakePorts) -> None:
    for number in range(3):
        n("netconfig_ifcreate", f"shmif{number}")
        n("netconfig_ifsetlinkstr", f"shmif{number}", "/bus")
    n.component.stop()
    assert all(port.closed for port in ports.opened)
    assert n.component.net.interfaces.get("shmif0").flags & const.IFF_UP == 0


def test_without_devices_there_is_an_error() -> None:
    n = Kit(host=ManualHost())
    for name in ("virt0", "shmif0"):
        n("netconfig_ifcreate", name)
    assert fails(n, "netconfig_ifup", "virt0") == "ENXIO"
    assert fails(n, "netconfig_ifsetlinkstr", "shmif0", "/bus") == "ENXIO"
