"""What tests of interfaces share."""

from __future__ import annotations

from typing import Any

from rumpnet.core.wire import icmp, ipv4
from rumpnet.ifaces.ether import Ethernet
from rumpuser.pending import Running
from rumpwire import const
from rumpwire.errno import KernelError
from rumpwire.values import IoctlArgs, SockaddrIn
from tests.unit.net.lab import Machine


def ip(text: str) -> bytes:
    return bytes(map(int, text.split(".")))


def pings(machine: Machine, dst: str, size: int = 56) -> bool:
    """Whether an echo comes back at once."""
    s = machine("socket", const.AF_INET, const.SOCK_RAW, 1)
    machine.nonblocking(s)
    request = icmp.Icmp(icmp.ECHO, 0, s << 16, bytes(size)).emit()
    try:
        machine("sendto", s, request, None, SockaddrIn(ip(dst)))
        data = machine("recvfrom", s, 70_000, None).data
        return icmp.Packet(ipv4.Packet(data).payload).parse() == icmp.Icmp(icmp.ECHO_REPLY, 0, s << 16, bytes(size))
    except KernelError:
        return False
    finally:
        machine("close", s)


def ioctl(machine: Machine, com: int, data: IoctlArgs) -> Any:
    """An ioctl on a socket of its own."""
    s = machine("socket", const.AF_INET, const.SOCK_DGRAM, 0)
    try:
        result = machine("ioctl", s, com, data)
        assert not isinstance(result, Running)
        return result.data
    finally:
        machine("close", s)


def ether(machine: Machine, name: str) -> Ethernet:
    iface = machine.net.interfaces.get(name)
    assert isinstance(iface, Ethernet)
    return iface
