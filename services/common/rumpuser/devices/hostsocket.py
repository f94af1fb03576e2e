"""Sockets of the host for the protocol family `sockin`: each socket of the kernel is one of the machine net runs on.

Numbers, names and errors are translated here, by name; nothing above knows what the host's look like. All sockets of a
host are in one epoll, edge-triggered, so that the host (`Host.watch`) has to wait for a single descriptor.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import select
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from rumpuser.descriptor import Descriptor, refilled
from rumpuser.readiness import IN, OUT
from rumpwire import const
from rumpwire.errno import Errno, KernelError, from_host
from rumpwire.values import Linger, Mreq, Sockaddr, SockaddrIn, SockaddrIn6, Sockopt, SockoptInteger, SockoptRaw

DATAGRAM_MAX = 65536
"""No datagram is longer."""
STREAM_MAX = 262144
"""One read of a stream gives at most this much."""
_FAMILIES = {const.AF_INET: socket.AF_INET, const.AF_INET6: socket.AF_INET6}
_SIOCATMARK = 0x8905


def _names(prefix: str) -> dict[int, int]:
    """Numbers of NetBSD and the host for what both have a name for."""
    names = [name for name in vars(const) if name.startswith(prefix)]
    return {getattr(const, name): getattr(socket, name) for name in names if hasattr(socket, name)}


_LEVELS = {
    const.SOL_SOCKET: (socket.SOL_SOCKET, _names("SO_")),
    const.IPPROTO_IP: (socket.IPPROTO_IP, _names("IP_")),
    const.IPPROTO_TCP: (socket.IPPROTO_TCP, _names("TCP_")),
    const.IPPROTO_IPV6: (socket.IPPROTO_IPV6, _names("IPV6_")),
}
_MESSAGE = _names("MSG_")
_BUFFERS = (const.SO_SNDBUF, const.SO_RCVBUF)
_MEMBERSHIPS = {
    (const.IPPROTO_IP, const.IP_ADD_MEMBERSHIP),
    (const.IPPROTO_IP, const.IP_DROP_MEMBERSHIP),
    (const.IPPROTO_IPV6, const.IPV6_JOIN_GROUP),
    (const.IPPROTO_IPV6, const.IPV6_LEAVE_GROUP),
}
_POLL = (
    (select.POLLIN, IN),
    (select.POLLOUT, OUT),
    (select.POLLPRI, const.POLLPRI | const.POLLRDBAND),
    (select.POLLHUP, const.POLLHUP),
    (select.POLLERR, const.POLLERR),
)
_ASKED = select.POLLIN | select.POLLOUT | select.POLLPRI | select.POLLRDHUP
_EDGES = select.EPOLLIN | select.EPOLLOUT | select.EPOLLPRI | select.EPOLLRDHUP | select.EPOLLET


class Watcher(Protocol):
    """Of `rumpuser.host.Host`, what is needed here."""

    def watch(self, fd: int, callback: Callable[[], None]) -> Callable[[], None]: ...


class Arrived(NamedTuple):
    """What one read gave. ``flags`` are NetBSD's MSG_*."""

    data: bytes
    name: Sockaddr | None
    flags: int


def _failure(error: OSError) -> KernelError:
    return KernelError(from_host(error.errno or 0), f"the host says: {error.strerror or error}")


def _message_flags(flags: int) -> int:
    return sum(host for wire, host in _MESSAGE.items() if flags & wire) | socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


class HostSocket:
    """One socket. Nothing here waits: what would have to gives None."""

    def __init__(self, owner: HostSockets, made: socket.socket, family: int) -> None:
        self._owner = owner
        self._socket = made
        self.family = family
        self.changed: Callable[[int], None] = lambda events: None
        """Called with POLL* events that may hold from now on."""
        made.setblocking(False)
        owner.add(self, made.fileno())

    def __reduce__(self) -> Any:
        state = (self._owner, Descriptor(self._socket.fileno()), self.family, self.changed)
        return refilled(self, state)

    def _fill(self, state: tuple[Any, ...]) -> None:
        self._owner, fd, self.family, self.changed = state
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)
        self._owner.add(self, fd)

    def _do(self, call: Callable[..., Any], *args: Any) -> Any:
        try:
            return call(*args)
        except BlockingIOError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise _failure(error) from None
        except OSError as error:
            raise _failure(error) from None
        except (OverflowError, ValueError, TypeError) as error:
            raise KernelError(Errno.EINVAL, str(error)) from None

    # -- names

    def _host_name(self, name: Sockaddr | None) -> Any:
        """EAFNOSUPPORT, EINVAL."""
        if self.family == const.AF_INET and isinstance(name, SockaddrIn):
            address = bytes(name.sin_addr) or bytes(4)
            return (self._text(socket.AF_INET, address), name.sin_port)
        if self.family == const.AF_INET6 and isinstance(name, SockaddrIn6):
            address = bytes(name.sin6_addr) or bytes(16)
            return (self._text(socket.AF_INET6, address), name.sin6_port, name.sin6_flowinfo, name.sin6_scope_id)
        raise KernelError(Errno.EAFNOSUPPORT, f"not an address of this family: {name}")

    @staticmethod
    def _text(family: int, address: bytes) -> str:
        try:
            return socket.inet_ntop(family, address)
        except ValueError:
            raise KernelError(Errno.EINVAL, f"an address of {len(address)} bytes") from None

    def _name(self, name: Any) -> Sockaddr | None:
        if not name:
            return None
        if self.family == const.AF_INET:
            return SockaddrIn(socket.inet_aton(name[0]), name[1])
        address = socket.inet_pton(socket.AF_INET6, name[0].partition("%")[0])
        return SockaddrIn6(address, name[1], name[2], name[3])

    def bind(self, name: Sockaddr | None) -> None:
        self._do(self._socket.bind, self._host_name(name))

    def connect(self, name: Sockaddr | None) -> bool:
        """False when it is under way (EINPROGRESS). No name dissolves a datagram socket's connection."""
        if name is None:
            return bool(self._do(self._dissolve))
        number = self._do(self._socket.connect_ex, self._host_name(name))
        if not number:
            return True
        found = from_host(number)
        if found == Errno.EINPROGRESS:
            return False
        raise KernelError(found, "the host says so")

    def _dissolve(self) -> bool:
        """connect(2) to AF_UNSPEC, which Python's socket cannot."""
        libc = ctypes.CDLL(None, use_errno=True)
        unspec = struct.pack("H14x", socket.AF_UNSPEC)
        if libc.connect(self._socket.fileno(), unspec, len(unspec)):
            raise OSError(ctypes.get_errno(), "connect")
        return True

    def sockname(self) -> Sockaddr | None:
        return self._name(self._do(self._socket.getsockname))

    def peername(self) -> Sockaddr | None:
        """ENOTCONN."""
        return self._name(self._do(self._socket.getpeername))

    # -- connections

    def listen(self, backlog: int) -> None:
        self._do(self._socket.listen, backlog)

    def accept(self) -> tuple[HostSocket, Sockaddr | None] | None:
        found = self._do(self._socket.accept)
        if found is None:
            return None
        made, name = found
        return HostSocket(self._owner, made, self.family), self._name(name)

    def shutdown(self, how: int) -> None:
        self._do(self._socket.shutdown, how)

    def close(self) -> None:
        self._owner.remove(self, self._socket.fileno())
        self._socket.close()

    # -- data

    def send(self, data: Any, flags: int, to: Sockaddr | None) -> int | None:
        name = () if to is None else (self._host_name(to),)
        count: int | None = self._do(self._socket.sendmsg, [data], [], _message_flags(flags), *name)
        return count

    def receive(self, length: int, flags: int) -> Arrived | None:
        most = STREAM_MAX if self._socket.type == socket.SOCK_STREAM else DATAGRAM_MAX
        found = self._do(self._socket.recvmsg, min(length, most), 0, _message_flags(flags))
        if found is None:
            return None
        data, _, host_flags, name = found
        told = sum(wire for wire, host in _MESSAGE.items() if host_flags & host)
        return Arrived(data, self._name(name), told & (const.MSG_TRUNC | const.MSG_OOB | const.MSG_EOR))

    def available(self) -> int:
        """Bytes that can be read."""
        return self._number(termios.FIONREAD)

    def unsent(self) -> int:
        """Bytes that the peer has not taken yet."""
        return self._number(termios.TIOCOUTQ)

    def at_mark(self) -> bool:
        return bool(self._number(_SIOCATMARK))

    def _number(self, request: int) -> int:
        try:
            return int(struct.unpack("i", fcntl.ioctl(self._socket.fileno(), request, bytes(4)))[0])
        except OSError:
            return 0

    def poll(self) -> tuple[int, bool]:
        """The POLL* events that hold, and whether nothing more will arrive."""
        poller = select.poll()
        poller.register(self._socket.fileno(), _ASKED)
        host = dict(poller.poll(0)).get(self._socket.fileno(), 0)
        return sum(wire for event, wire in _POLL if host & event), bool(host & (select.POLLRDHUP | select.POLLHUP))

    # -- options

    def getopt(self, level: int, name: int) -> Sockopt:
        """ENOPROTOOPT for what the host does not have under this name."""
        host_level, host_name = self._option(level, name)
        if (level, name) == (const.SOL_SOCKET, const.SO_LINGER):
            return Linger(*struct.unpack("ii", self._do(self._socket.getsockopt, host_level, host_name, 8)))
        value = self._do(self._socket.getsockopt, host_level, host_name)
        if (level, name) == (const.SOL_SOCKET, const.SO_ERROR):
            return SockoptInteger(from_host(value) if value else 0)
        if level == const.SOL_SOCKET and name in _BUFFERS:
            value //= 2  # the host shows what it keeps for its own use as well
        return SockoptInteger(value)

    def setopt(self, level: int, name: int, value: Sockopt | None) -> None:
        """ENOPROTOOPT, EINVAL."""
        host_level, host_name = self._option(level, name)
        self._do(self._socket.setsockopt, host_level, host_name, self._host_value(level, name, value))

    @staticmethod
    def _option(level: int, name: int) -> tuple[int, int]:
        host_level, names = _LEVELS.get(level, (0, {}))
        if name not in names:
            raise KernelError(Errno.ENOPROTOOPT, f"option {name:#x} of level {level} is not one of the host's")
        return host_level, names[name]

    @staticmethod
    def _host_value(level: int, name: int, value: Sockopt | None) -> Any:
        if isinstance(value, Linger):
            # Closing must not wait here: what is unsent is sent in the background, unless it is to be thrown away.
            return struct.pack("ii", int(bool(value.l_onoff) and value.l_linger == 0), 0)
        if isinstance(value, Mreq) and (level, name) in _MEMBERSHIPS:
            index = struct.pack("I", value.ifindex)
            if level == const.IPPROTO_IPV6:
                return bytes(value.multiaddr) + index
            return bytes(value.multiaddr) + (bytes(value.interface) or bytes(4)) + index
        if isinstance(value, SockoptInteger):
            return value.integer
        if isinstance(value, SockoptRaw):
            return bytes(value.raw)
        raise KernelError(Errno.EINVAL, f"the option does not take {value}")


class HostSockets:
    """All sockets of the host that a component has."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._epoll: select.epoll | None = None
        self._unwatch: Callable[[], None] = lambda: None
        self._open: dict[int, HostSocket] = {}

    def open(self, family: int, kind: int, protocol: int) -> HostSocket:
        """EAFNOSUPPORT, EPROTONOSUPPORT, EPERM, EMFILE, ..."""
        try:
            return HostSocket(self, socket.socket(_FAMILIES[family], kind, protocol), family)
        except OSError as error:
            raise _failure(error) from None

    def __len__(self) -> int:
        return len(self._open)

    def add(self, made: HostSocket, fd: int) -> None:
        if self._epoll is None:
            self._epoll = select.epoll()
            self._unwatch = self._watcher.watch(self._epoll.fileno(), self.look)
        self._open[fd] = made
        self._epoll.register(fd, _EDGES)

    def remove(self, gone: HostSocket, fd: int) -> None:
        assert self._epoll is not None
        self._epoll.unregister(fd)
        del self._open[fd]
        if not self._open:
            self._unwatch()
            self._epoll.close()
            self._epoll = None

    def look(self) -> None:
        """Something has happened to some sockets."""
        if self._epoll is None:
            return
        for fd, host in self._epoll.poll(0):
            found = self._open.get(fd)
            if found is not None:
                events = sum(wire for event, wire in _POLL if host & event)
                found.changed(events | (IN if host & select.EPOLLRDHUP else 0))
