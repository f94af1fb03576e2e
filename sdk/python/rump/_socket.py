"""Sockets of a kernel, with the methods of `socket.socket`."""

from __future__ import annotations

import errno
import io
import os
import select
import socket as host
import struct
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rump import _host
from rump._arguments import Buffer, buffer, inet_address, timespec
from rump._errors import error_of
from rumpwire import const
from rumpwire.errno import KernelError
from rumpwire.values import (
    Cmsg,
    Linger,
    Msghdr,
    RecvfromResult,
    Sockaddr,
    SockaddrDl,
    SockaddrIn,
    SockaddrIn6,
    SockaddrUn,
    Sockcred,
    SockoptInteger,
    SockoptRaw,
    TcpInfo,
    Timespec,
    Unpcbid,
)

if TYPE_CHECKING:
    from rump._sys import Sys

_SEND = 1 << 18
"""sendall sends pieces of this size: larger ones would only wait in the kernel."""
_FILE_CHUNK = 1 << 16
T = TypeVar("T")


def python_address(address: Sockaddr | None) -> Any:
    """An address as `socket.socket` gives it: (host, port), (host, port, flow, scope), or a path."""
    if isinstance(address, SockaddrIn):
        return (host.inet_ntop(host.AF_INET, address.sin_addr), address.sin_port)
    if isinstance(address, SockaddrIn6):
        name = host.inet_ntop(host.AF_INET6, address.sin6_addr)
        return (name, address.sin6_port, address.sin6_flowinfo, address.sin6_scope_id)
    if isinstance(address, SockaddrUn):
        return os.fsdecode(address.sun_path)
    return (address.sdl_name, address.sdl_index, address.sdl_addr) if isinstance(address, SockaddrDl) else None


class Socket:
    """A socket of a kernel. `fileno` is its descriptor there, for ``k.sys``; select(2) of the host cannot wait for it."""

    def __init__(self, sys: Sys, family: int = -1, type: int = -1, proto: int = 0, fileno: int | None = None) -> None:
        self._sys = sys
        self.family = host.AF_INET if family == -1 else family
        kind = host.SOCK_STREAM if type == -1 else type
        self.type = kind & const.SOCK_TYPE_MASK
        self.proto = proto
        self._timeout: float | None = None
        self._io_refs = 0
        self._closed = False
        self._fd = -1
        self._fd = sys.socket(self.family, kind, proto) if fileno is None else fileno
        if fileno is None and kind & getattr(host, "SOCK_NONBLOCK", const.SOCK_NONBLOCK):
            self._timeout = 0.0

    @classmethod
    def pair(cls, sys: Sys, family: int, type: int, proto: int) -> tuple[Socket, Socket]:
        family = host.AF_UNIX if family == -1 else family
        type = host.SOCK_STREAM if type == -1 else type
        ends = sys.socketpair(family, type, proto)
        one, two = (cls(sys, family, type, proto, fd) for fd in ends)
        return one, two

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<rump socket fd={self._fd} family={self.family} type={self.type} proto={self.proto}>"

    # -- life

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        self._closed = True
        if self._io_refs <= 0:
            self._close_now()

    def detach(self) -> int:
        """Gives the descriptor away: the socket is closed without it."""
        fd, self._fd, self._closed = self._fd, -1, True
        return fd

    def dup(self) -> Socket:
        out = Socket(self._sys, self.family, self.type, self.proto, self._sys.dup(self._fd))
        out._timeout = self._timeout
        return out

    def _close_now(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            self._sys.close(fd)

    def _release(self) -> None:
        self._io_refs -= 1
        if self._closed and self._io_refs <= 0:
            self._close_now()

    # -- addresses

    def _address(self, address: Any) -> Sockaddr | None:
        """An address of this family. Names are looked up by the host's resolver."""
        if address is None or isinstance(address, (SockaddrUn, SockaddrIn, SockaddrIn6, SockaddrDl)):
            return address
        if self.family == host.AF_UNIX:
            return SockaddrUn(os.fsencode(address))
        name, port, *rest = address
        if name in ("", "<broadcast>"):
            empty = {"": "0.0.0.0" if self.family == host.AF_INET else "::", "<broadcast>": "255.255.255.255"}  # noqa: S104
            return self._inet(empty[name], port, rest)
        try:
            return self._inet(name, port, rest)
        except KernelError:
            found = host.getaddrinfo(name, port, self.family, self.type)
            return self._inet(str(found[0][4][0]), port, rest)

    def _inet(self, name: str, port: int, rest: Sequence[int]) -> Sockaddr:
        return inet_address(name, port, *rest)

    def _named(self, address: Any) -> Sockaddr | None:
        try:
            return self._address(address)
        except KernelError as error:
            raise error_of(error) from None

    def bind(self, address: Any) -> None:
        self._sys.bind(self._fd, self._named(address))

    def getsockname(self) -> Any:
        return python_address(self._sys.getsockname(self._fd))

    def getpeername(self) -> Any:
        return python_address(self._sys.getpeername(self._fd))

    def listen(self, backlog: int = const.SOMAXCONN) -> None:
        self._sys.listen(self._fd, backlog)

    def connect(self, address: Any) -> None:
        """Connects. With a timeout: TimeoutError when that is over first."""
        name = self._named(address)
        if not self._timeout:
            self._sys.connect(self._fd, name)
            return
        self._nonblocking(True)
        try:
            self._connect_in_time(name, self._timeout)
        finally:
            self._nonblocking(False)

    def _connect_in_time(self, name: Sockaddr | None, timeout: float) -> None:
        try:
            self._sys.connect(self._fd, name)
            return
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        if not self._sys.poll([(self._fd, select.POLLOUT)], round(timeout * 1000)).nready:
            raise TimeoutError(errno.ETIMEDOUT, "timed out")
        failed = self.getsockopt(host.SOL_SOCKET, host.SO_ERROR)
        if failed:
            raise OSError(failed, os.strerror(int(failed)))

    def connect_ex(self, address: Any) -> int:
        """connect that returns the errno."""
        try:
            self.connect(address)
        except OSError as error:
            return error.errno or errno.EIO
        return 0

    def accept(self) -> tuple[Socket, Any]:
        found = self._waiting(self._sys.accept, self._fd)
        new = Socket(self._sys, self.family, self.type, self.proto, found.s)
        default = host.getdefaulttimeout()
        if self._timeout is not None or default is not None:  # the kernel hands the listener's mode and times on
            new.settimeout(default)
        return new, python_address(found.name)

    def shutdown(self, how: int) -> None:
        self._sys.shutdown(self._fd, how)

    # -- data

    def _waiting(self, call: Callable[..., T], *args: Any) -> T:
        """A call that the kernel gives up with EAGAIN when the timeout of the socket is over."""
        try:
            return call(*args)
        except BlockingIOError:
            if self._timeout:
                raise TimeoutError(errno.ETIMEDOUT, "timed out") from None
            raise

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        return self._receive(bufsize, flags).data

    def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Any]:
        found = self._receive(bufsize, flags)
        return found.data, python_address(found.from_addr)

    def _receive(self, bufsize: int, flags: int) -> RecvfromResult:
        if bufsize < 0:
            raise ValueError("negative buffersize")
        return self._waiting(self._sys.recvfrom, self._fd, bufsize, flags)

    def recv_into(self, target: Any, nbytes: int = 0, flags: int = 0) -> int:
        return self.recvfrom_into(target, nbytes, flags)[0]

    def recvfrom_into(self, target: Any, nbytes: int = 0, flags: int = 0) -> tuple[int, Any]:
        view = memoryview(target).cast("B")
        data, address = self.recvfrom(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data), address

    def send(self, data: Buffer, flags: int = 0) -> int:
        return self._waiting(self._sys.sendto, self._fd, data, flags)

    def sendall(self, data: Buffer, flags: int = 0) -> None:
        view = memoryview(buffer(data))
        while view:
            view = view[self.send(view[:_SEND], flags) :]

    def sendto(self, data: Buffer, *rest: Any) -> int:
        """``sendto(data, address)`` or ``sendto(data, flags, address)``."""
        flags, address = rest if len(rest) == 2 else (0, *rest)
        to = self._named(address)
        return self._waiting(self._sys.sendto, self._fd, data, flags, to)

    def sendmsg(
        self, buffers: Iterable[Buffer], ancdata: Iterable[Any] = (), flags: int = 0, address: Any = None
    ) -> int:
        control = [_control(*item) for item in ancdata]
        msg = Msghdr(self._named(address), b"".join(buffers), control, 0)
        return self._waiting(self._sys.sendmsg, self._fd, msg, flags)

    def recvmsg(self, bufsize: int, ancbufsize: int = 0, flags: int = 0) -> tuple[bytes, list[Any], int, Any]:
        msg = self._waiting(self._sys.recvmsg, self._fd, bufsize, ancbufsize, flags)
        assert msg is not None
        return msg.data, [_ancillary(c) for c in msg.control], msg.msg_flags, python_address(msg.msg_name)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Sends a file, a piece at a time; the number of bytes sent."""
        if offset:
            file.seek(offset)
        sent = 0
        while count is None or sent < count:
            data = file.read(_FILE_CHUNK if count is None else min(_FILE_CHUNK, count - sent))
            if not data:
                break
            self.sendall(data)
            sent += len(data)
        return sent

    def makefile(
        self,
        mode: str = "r",
        buffering: int = -1,
        *,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> Any:
        """An io object on the socket; the socket stays open until both are closed."""
        if not set(mode) <= set("rwb") or not set(mode) & set("rw"):
            raise ValueError(f"invalid mode {mode!r} (only r, w, b allowed)")
        raw = _SocketFile(self, mode.replace("b", ""))
        if buffering == 0:
            if "b" not in mode:
                raise ValueError("unbuffered streams must be binary")
            return raw
        size = buffering if buffering > 1 else _FILE_CHUNK
        out: Any
        if raw.readable() and raw.writable():
            out = io.BufferedRWPair(raw, raw, size)
        else:
            out = io.BufferedReader(raw, size) if raw.readable() else io.BufferedWriter(raw, size)
        return out if "b" in mode else io.TextIOWrapper(out, encoding or "utf-8", errors, newline)

    # -- options

    def setsockopt(self, level: int, optname: int, value: int | Buffer | None, optlen: int = 0) -> None:
        """An option: a number, or bytes as C programs on this host have them."""
        if value is None:
            value = bytes(optlen)
        self._sys.setsockopt(
            self._fd, level, optname, value if isinstance(value, int) else sockopt_value(level, optname, bytes(value))
        )

    def getsockopt(self, level: int, optname: int, buflen: int = 0) -> Any:
        """An option as a number, or with a length as bytes as C programs on this host have them."""
        value = self._sys.getsockopt(self._fd, level, optname)
        if buflen:
            return sockopt_bytes(value)[:buflen]
        if isinstance(value, SockoptRaw):
            return int.from_bytes(value.raw[:4], "little", signed=True)
        return value.integer if isinstance(value, SockoptInteger) else value[0] if value else 0

    def settimeout(self, value: float | None) -> None:
        """None waits for ever, 0 not at all; else calls end with TimeoutError when the time is over."""
        if value is not None and value < 0:
            raise ValueError("Timeout value out of range")
        self._nonblocking(value == 0)
        for name in (host.SO_RCVTIMEO, host.SO_SNDTIMEO):
            self._sys.setsockopt(self._fd, host.SOL_SOCKET, name, timespec(value or 0.0) or Timespec())
        self._timeout = value

    def gettimeout(self) -> float | None:
        return self._timeout

    @property
    def timeout(self) -> float | None:
        return self._timeout

    def setblocking(self, flag: bool) -> None:
        self.settimeout(None if flag else 0.0)

    def getblocking(self) -> bool:
        return self._timeout != 0

    def _nonblocking(self, on: bool) -> None:
        flags = self._sys.fcntl(self._fd, _host.FCNTL.names["F_GETFL"]).value
        wanted = flags | os.O_NONBLOCK if on else flags & ~os.O_NONBLOCK
        if wanted != flags:
            self._sys.fcntl(self._fd, _host.FCNTL.names["F_SETFL"], wanted)

    def get_inheritable(self) -> bool:
        return not self._sys.fcntl(self._fd, _host.FCNTL.names["F_GETFD"]).value & const.FD_CLOEXEC

    def set_inheritable(self, inheritable: bool) -> None:
        self._sys.fcntl(self._fd, _host.FCNTL.names["F_SETFD"], 0 if inheritable else const.FD_CLOEXEC)


class _SocketFile(io.RawIOBase):
    """What makefile wraps."""

    def __init__(self, sock: Socket, mode: str) -> None:
        super().__init__()
        self._sock = sock
        self._mode = mode
        sock._io_refs += 1

    def readable(self) -> bool:
        return "r" in self._mode

    def writable(self) -> bool:
        return "w" in self._mode

    def readinto(self, target: Any) -> int | None:
        try:
            return self._sock.recv_into(target)
        except BlockingIOError:
            return None

    def write(self, data: Any) -> int | None:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return None

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._sock._release()


_TIMES = (host.SO_RCVTIMEO, host.SO_SNDTIMEO)


def sockopt_value(level: int, name: int, value: bytes) -> Any:
    """Bytes of this host's C structures as a value for setsockopt of the kernel."""
    if level == host.SOL_SOCKET and name == host.SO_LINGER and len(value) == 8:
        return Linger(*struct.unpack("ii", value))
    if level == host.SOL_SOCKET and name in _TIMES and len(value) == struct.calcsize("ll"):
        seconds, micros = struct.unpack("ll", value)
        return Timespec(seconds, micros * 1000)
    return struct.unpack("i", value)[0] if len(value) == 4 else value


def sockopt_bytes(value: Any) -> bytes:
    """What getsockopt of the kernel gives, as C programs on this host have it."""
    if isinstance(value, Linger):
        return struct.pack("ii", *value)
    if isinstance(value, Timespec):
        return struct.pack("ll", value.tv_sec, value.tv_nsec // 1000)
    if isinstance(value, Unpcbid):
        return struct.pack("iII", *value)
    if isinstance(value, TcpInfo):
        return _tcp_info(value)
    return value.raw if isinstance(value, SockoptRaw) else struct.pack("i", value.integer if value else 0)


_LINUX_STATES = (7, 10, 2, 3, 1, 8, 4, 11, 9, 5, 6)
"""What Linux calls the states of NetBSD's numbers."""


def _tcp_info(info: TcpInfo) -> bytes:
    """The beginning of struct tcp_info, as Linux has had it from the start: counts and windows in segments."""
    mss = info.tcpi_snd_mss or 1
    ssthresh = info.tcpi_snd_ssthresh // mss if info.tcpi_snd_ssthresh < 0xFFFFFFFF else 0x7FFFFFFF  # unset
    head = struct.pack(
        "8B", _LINUX_STATES[info.tcpi_state], info.tcpi_ca_state, info.tcpi_retransmits, info.tcpi_probes,
        info.tcpi_backoff, info.tcpi_options, info.tcpi_snd_wscale | info.tcpi_rcv_wscale << 4, 0,
    )  # fmt: skip
    return head + struct.pack(
        "24I", info.tcpi_rto, 0, info.tcpi_snd_mss, info.tcpi_rcv_mss, info.tcpi_unacked, info.tcpi_sacked,
        info.tcpi_lost, info.tcpi_retrans, 0, info.tcpi_last_data_sent // 1000, 0, info.tcpi_last_data_recv // 1000, 0,
        info.tcpi_pmtu, 0, info.tcpi_rtt, info.tcpi_rttvar, ssthresh,
        info.tcpi_snd_cwnd // mss, info.tcpi_advmss, info.tcpi_reordering, 0, info.tcpi_rcv_space,
        info.tcpi_total_retrans,
    )  # fmt: skip


def _control(level: int, kind: int, data: Buffer) -> Cmsg:
    """One item of ancillary data; the descriptors of SCM_RIGHTS are the kernel's, as an array of C ints."""
    raw = bytes(data)
    if level == host.SOL_SOCKET and kind == const.SCM_RIGHTS:
        return Cmsg(level, kind, b"", [fd for (fd,) in struct.iter_unpack("i", raw)])
    return Cmsg(level, kind, raw, [])


def _ancillary(c: Cmsg) -> tuple[int, int, bytes]:
    return c.cmsg_level, c.cmsg_type, _ancillary_data(c)


def _ancillary_data(c: Cmsg) -> bytes:
    """As C programs have it: an array of int, struct timeval, struct sockcred."""
    if c.rights:
        return struct.pack(f"{len(c.rights)}i", *c.rights)
    if isinstance(c.value, Timespec):
        return struct.pack("ll", c.value.tv_sec, c.value.tv_nsec // 1000)
    if isinstance(c.value, Sockcred):
        pid, uid, euid, gid, egid, groups = c.value
        return struct.pack(f"iIIIIi{len(groups)}I", pid, uid, euid, gid, egid, len(groups), *groups)
    return c.data
