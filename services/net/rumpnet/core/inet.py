"""What the sockets of both Internet domains have alike (inet(4), inet6(4)): addresses, and options of IP."""

from __future__ import annotations

from typing import Any

from rumpnet.core.buffer import Record, RecordBuffer
from rumpnet.core.net import Net
from rumpnet.core.options import integer
from rumpnet.core.pcb import is_group
from rumpnet.core.route import ANY, ANY6, text
from rumpnet.core.socket import Socket
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr, SockaddrIn, SockaddrIn6, Sockopt, SockoptInteger

MAPPED = bytes(10) + b"\xff\xff"
"""In front of an IPv4 address it makes an IPv6 one of it (RFC 4291, 2.5.5.2)."""


def endpoint(name: Sockaddr | None) -> tuple[bytes, int]:
    """IPv4 address and port. EAFNOSUPPORT, EINVAL. An address of no bytes is 0.0.0.0."""
    if not isinstance(name, SockaddrIn):
        raise KernelError(Errno.EAFNOSUPPORT, f"not an IPv4 address: {name}")
    if len(name.sin_addr) not in (0, 4) or not 0 <= name.sin_port <= 0xFFFF:
        raise KernelError(Errno.EINVAL, f"not an IPv4 address: {name}")
    return bytes(name.sin_addr) or ANY, name.sin_port


def endpoint6(name: Sockaddr | None) -> tuple[bytes, int]:
    """Address and port of an IPv6 one: with 4 bytes for a mapped one, else 16. EAFNOSUPPORT, EINVAL."""
    if not isinstance(name, SockaddrIn6):
        raise KernelError(Errno.EAFNOSUPPORT, f"not an IPv6 address: {name}")
    addr = bytes(name.sin6_addr) or ANY6
    if len(addr) != 16 or not 0 <= name.sin6_port <= 0xFFFF:
        raise KernelError(Errno.EINVAL, f"not an IPv6 address: {name}")
    if addr[:12] == MAPPED:
        return addr[12:], name.sin6_port
    return with_zone(addr, name.sin6_scope_id), name.sin6_port


def scoped(addr: bytes) -> bool:
    """Whether an IPv6 address means something on one link alone: link-local, or a group of interface or link."""
    if addr[0] == 0xFF:
        return addr[1] & 0xF in (1, 2)
    return addr[0] == 0xFE and addr[1] & 0xC0 == 0x80


def with_zone(addr: bytes, zone: int) -> bytes:
    """The address with the index of its interface within it."""
    if not zone or not scoped(addr):
        return addr
    return addr[:2] + (zone & 0xFFFF).to_bytes(2, "big") + addr[4:]


def without_zone(addr: bytes) -> bytes:
    """As it is on the wire."""
    return addr[:2] + b"\0\0" + addr[4:] if scoped(addr) else addr


def zone_of(addr: bytes) -> int:
    return addr[2] << 8 | addr[3] if scoped(addr) else 0


def sockaddr(addr: bytes, port: int = 0, *, domain: int = 0) -> Sockaddr:
    """An address as programs see it; ``domain`` AF_INET6 shows IPv4 ones mapped."""
    if len(addr) == 4:
        return SockaddrIn6(MAPPED + addr, port) if domain == const.AF_INET6 else SockaddrIn(addr, port)
    return SockaddrIn6(without_zone(addr), port, 0, zone_of(addr))


class InetSocket(Socket):
    """A socket with a local and perhaps a foreign end. Addresses are as in `rumpnet.core.pcb`."""

    def __init__(self, net: Net, domain: int, kind: int, protocol: int, send_space: int, recv_space: int) -> None:
        super().__init__(net, domain, kind, protocol, RecordBuffer(recv_space))
        self.snd_hiwat = send_space
        self.any = ANY6 if domain == const.AF_INET6 else ANY
        self.laddr = self.faddr = self.any
        self.lport = self.fport = 0
        self.v6only = False
        self.ttl = 0
        self.tos = 0

    @property
    def layer(self) -> Any:
        """The internet layer of its own family."""
        return self.net.layers[len(self.any)]

    @property
    def connected(self) -> bool:
        return self.faddr not in (ANY, ANY6)

    @property
    def bound(self) -> bool:
        """Whether it has an address of its own."""
        return self.laddr not in (ANY, ANY6)

    def sockname(self) -> Sockaddr:
        return sockaddr(self.laddr, self.lport, domain=self.domain)

    def peername(self) -> Sockaddr:
        if not self.connected:
            raise KernelError(Errno.ENOTCONN)
        return sockaddr(self.faddr, self.fport, domain=self.domain)

    def endpoint(self, name: Sockaddr | None) -> tuple[bytes, int]:
        """Address and port in a name of its family. EAFNOSUPPORT, EINVAL, EADDRNOTAVAIL: mapped, but IPv6 only."""
        if self.domain != const.AF_INET6:
            return endpoint(name)
        addr, port = endpoint6(name)
        if len(addr) == 4 and (self.v6only or 4 not in self.net.layers):
            raise KernelError(Errno.EADDRNOTAVAIL, "a mapped address, and the socket is for IPv6 only")
        return addr, port

    def getopt(self, level: int, name: int) -> Sockopt:
        """IP_TTL and IP_TOS. ENOPROTOOPT."""
        if (level, name) == (const.IPPROTO_IP, const.IP_TTL):
            return SockoptInteger(self.ttl or self.layer.ttl.value)
        if (level, name) == (const.IPPROTO_IP, const.IP_TOS):
            return SockoptInteger(self.tos)
        return super().getopt(level, name)

    def setopt(self, level: int, name: int, value: Sockopt | None) -> None:
        """IP_TTL and IP_TOS. ENOPROTOOPT, EINVAL."""
        if level != const.IPPROTO_IP or name not in (const.IP_TTL, const.IP_TOS):
            super().setopt(level, name, value)
        number = integer(value)
        lowest = 1 if name == const.IP_TTL else 0
        if not lowest <= number <= 255:
            raise KernelError(Errno.EINVAL, f"{number} is not in {lowest}..255")
        setattr(self, "ttl" if name == const.IP_TTL else "tos", number)

    def local_address(self, addr: bytes) -> bytes:
        """An address to bind to: one of ours, or any, or a group. EADDRNOTAVAIL."""
        if addr not in (ANY, ANY6) and not is_group(addr) and addr not in self.net.interfaces.owners:
            broadcast = addr in self.net.interfaces.broadcasts or addr == b"\xff\xff\xff\xff"
            if not broadcast or self.type == const.SOCK_STREAM:
                raise KernelError(Errno.EADDRNOTAVAIL, f"{text(addr)} is no address of this kernel")
        return addr

    def foreign_address(self, addr: bytes) -> bytes:
        """An address to send to; 0.0.0.0 stands for ourselves. EACCES for a broadcast that is not allowed."""
        if addr == ANY:
            own = next((a.addr for i in self.net.interfaces.by_name.values() for a in i.ipv4()), None)
            return own or addr
        if addr == ANY6:
            return bytes(15) + b"\1"
        broadcast = addr == b"\xff\xff\xff\xff" or addr in self.net.interfaces.broadcasts
        if broadcast and not self.options & const.SO_BROADCAST:
            raise KernelError(Errno.EACCES, "SO_BROADCAST is not set")
        return addr

    def source(self, dst: bytes) -> bytes:
        """The address to send from. ENETUNREACH, ENETDOWN."""
        if self.bound and len(self.laddr) == len(dst):
            return self.laddr
        return self.net.layers[len(dst)].source_for(dst)

    def check_destination(self, to: Sockaddr | None) -> None:
        """EISCONN, EDESTADDRREQ."""
        if to is not None and self.connected:
            raise KernelError(Errno.EISCONN)
        if to is None and not self.connected:
            raise KernelError(Errno.EDESTADDRREQ, "not connected, and no address given")

    def deliver(self, data: Buffer, name: Sockaddr) -> bool:
        """Takes a datagram; False when there is no room."""
        assert isinstance(self.rcv, RecordBuffer)
        if self.cant_receive or not self.rcv.fits(len(data)):
            return False
        self.rcv.append(Record(data, name))
        self.readable.wake()
        return True
