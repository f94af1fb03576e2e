"""What the sockets of the Internet domain have alike (inet(4)): addresses, and options of IP."""

from __future__ import annotations

from rumpnet.core import route
from rumpnet.core.buffer import Record, RecordBuffer
from rumpnet.core.ip import Ip
from rumpnet.core.net import Net
from rumpnet.core.options import integer
from rumpnet.core.socket import Socket
from rumpuser.host import Buffer
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr, SockaddrIn, Sockopt, SockoptInteger


def endpoint(name: Sockaddr | None) -> tuple[bytes, int]:
    """Address and port. EAFNOSUPPORT, EINVAL. An address of no bytes is 0.0.0.0."""
    if not isinstance(name, SockaddrIn):
        raise KernelError(Errno.EAFNOSUPPORT, f"not an IPv4 address: {name}")
    if len(name.sin_addr) not in (0, 4) or not 0 <= name.sin_port <= 0xFFFF:
        raise KernelError(Errno.EINVAL, f"not an IPv4 address: {name}")
    return bytes(name.sin_addr) or route.ANY, name.sin_port


class InetSocket(Socket):
    """A datagram or raw socket with a local and perhaps a foreign end."""

    def __init__(self, net: Net, ip: Ip, kind: int, protocol: int, send_space: int, recv_space: int) -> None:
        super().__init__(net, const.AF_INET, kind, protocol, RecordBuffer(recv_space))
        self.snd_hiwat = send_space
        self.ip = ip
        self.laddr = self.faddr = route.ANY
        self.lport = self.fport = 0
        self.ttl = 0
        self.tos = 0

    @property
    def connected(self) -> bool:
        return self.faddr != route.ANY

    def sockname(self) -> Sockaddr:
        return SockaddrIn(self.laddr, self.lport)

    def peername(self) -> Sockaddr:
        if not self.connected:
            raise KernelError(Errno.ENOTCONN)
        return SockaddrIn(self.faddr, self.fport)

    def getopt(self, level: int, name: int) -> Sockopt:
        """IP_TTL and IP_TOS. ENOPROTOOPT."""
        if (level, name) == (const.IPPROTO_IP, const.IP_TTL):
            return SockoptInteger(self.ttl or self.ip.ttl.value)
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
        """An address to bind to: one of ours, or any. EADDRNOTAVAIL."""
        if addr != route.ANY and self.ip.interfaces.owner(addr) is None:
            raise KernelError(Errno.EADDRNOTAVAIL, f"{route.text(addr)} is no address of this kernel")
        return addr

    def foreign_address(self, addr: bytes) -> bytes:
        """An address to send to; 0.0.0.0 stands for ourselves. EACCES for a broadcast that is not allowed."""
        if addr == route.ANY:
            for iface in self.ip.interfaces.by_name.values():
                if iface.addresses:
                    return iface.addresses[0].addr
        if addr == b"\xff\xff\xff\xff" and not self.options & const.SO_BROADCAST:
            raise KernelError(Errno.EACCES, "SO_BROADCAST is not set")
        return addr

    def source(self, dst: bytes) -> bytes:
        """The address to send from. ENETUNREACH, ENETDOWN."""
        return self.laddr if self.laddr != route.ANY else route.lookup(self.ip.interfaces, dst).src

    def check_destination(self, to: Sockaddr | None) -> None:
        """EISCONN, EDESTADDRREQ."""
        if to is not None and self.connected:
            raise KernelError(Errno.EISCONN)
        if to is None and not self.connected:
            raise KernelError(Errno.EDESTADDRREQ, "not connected, and no address given")

    def deliver(self, data: Buffer, name: SockaddrIn) -> bool:
        """Takes a datagram; False when there is no room."""
        assert isinstance(self.rcv, RecordBuffer)
        if self.cant_receive or not self.rcv.fits(len(data)):
            return False
        self.rcv.append(Record(data, name))
        self.readable.wake()
        return True
