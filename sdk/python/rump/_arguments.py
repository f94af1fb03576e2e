"""Between what callers pass and get, and the values of the contract."""

from __future__ import annotations

import ipaddress
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, Union

from rump import _host
from rumpwire import const
from rumpwire.errno import Errno, KernelError, to_host
from rumpwire.values import (
    Aiocb,
    Flock,
    IoctlArgs,
    IoctlArgsInteger,
    IoctlArgsRaw,
    IoctlArgsText,
    Itimerspec,
    Kevent,
    Linger,
    Mreq,
    Msghdr,
    Pollfd,
    Rlimit,
    Sigevent,
    Sockaddr,
    SockaddrDl,
    SockaddrIn,
    SockaddrIn6,
    SockaddrUn,
    Sockopt,
    SockoptInteger,
    SockoptRaw,
    SysctlPcbs,
    SysctlValue,
    SysctlValueBoolean,
    SysctlValueInteger,
    SysctlValueQuad,
    SysctlValueRaw,
    SysctlValueText,
    TcpInfo,
    Timespec,
    Unpcbid,
)

PathArg: TypeAlias = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
TextArg: TypeAlias = str | bytes
Buffer: TypeAlias = bytes | bytearray | memoryview
TimeArg: TypeAlias = Timespec | float | None
TimerArg: TypeAlias = Itimerspec | float | tuple[float, float]
AddressArg: TypeAlias = Sockaddr | tuple[Any, ...] | str | bytes | None
OptionArg: TypeAlias = Sockopt | float | Buffer
SysctlArg: TypeAlias = SysctlValue | bool | int | str | bytes | list[Any] | None
IoctlArg: TypeAlias = IoctlArgs | int | str | Buffer | None

path: Callable[[PathArg], bytes] = os.fsencode


def text(value: TextArg) -> bytes:
    return value if isinstance(value, bytes) else os.fsencode(value)


def buffer(value: Buffer) -> bytes | memoryview:
    """Bytes of any object with a buffer, without a copy where they lie in one piece."""
    if type(value) is bytes:
        return value
    view = memoryview(value)
    return view.cast("B") if view.contiguous else view.tobytes()


def buffers(values: Iterable[Buffer]) -> list[bytes | memoryview]:
    return [buffer(value) for value in values]


SignalSet = Iterable[int] | int | None
"""Signals of the host, or bits as the kernel has them (1 << signo - 1)."""


def signal_set(signals: SignalSet) -> int | None:
    if signals is None or isinstance(signals, int):
        return signals
    out = 0
    for number in signals:
        out |= 1 << _host.SIGNAL.wire(int(number)) - 1
    return out


def sigevent(value: Sigevent | None) -> Sigevent | None:
    """With the host's number of the signal."""
    return value and value._replace(sigev_signo=_host.SIGNAL.wire(int(value.sigev_signo)))


def aiocb(value: Aiocb) -> Aiocb:
    """With bytes to write, and the host's number of the signal."""
    data: Any = buffer(value.aio_buf)
    return value._replace(aio_buf=data, aio_sigevent=sigevent(value.aio_sigevent))


def aiocbs(values: Iterable[Aiocb]) -> list[Aiocb]:
    return [aiocb(value) for value in values]


def errno_result(args: Sequence[Any], value: int) -> int:
    """An errno, which the caller takes for one of the host."""
    return to_host(value) if value else 0


def itimerspec(value: TimerArg | None) -> Itimerspec | None:
    """Seconds, or the seconds until it expires first and those between all others."""
    if value is None or isinstance(value, Itimerspec):
        return value
    first, period = value if isinstance(value, tuple) else (value, 0)
    return Itimerspec(timespec(period), timespec(first))


def timespec(value: TimeArg) -> Timespec | None:
    """Seconds as a Timespec. EINVAL for what is not a number."""
    if value is None or isinstance(value, Timespec):
        return value
    if not math.isfinite(value):
        raise KernelError(Errno.EINVAL, f"not a time: {value}")
    ns = round(value * 1e9) if isinstance(value, float) else value * 1_000_000_000
    return Timespec(*divmod(ns, 1_000_000_000))


def address(value: AddressArg) -> Sockaddr | None:
    """A socket address: as it is, ``(host, port[, flow, scope])`` with a numeric host, or a path."""
    if value is None or isinstance(value, (SockaddrUn, SockaddrIn, SockaddrIn6, SockaddrDl)):
        return value
    if isinstance(value, (str, bytes)):
        return SockaddrUn(os.fsencode(value))
    return inet_address(*value)


def inet_address(host: str, port: int, flow: int = 0, scope: int = 0) -> SockaddrIn | SockaddrIn6:
    """An IPv4 or IPv6 address; "" is 0.0.0.0. EINVAL for a host that is not numeric."""
    if not 0 <= port <= 0xFFFF:
        raise KernelError(Errno.EINVAL, f"not a port: {port}")
    packed = _packed(host)
    return SockaddrIn(packed, port) if len(packed) == 4 else SockaddrIn6(packed, port, flow, scope)


@lru_cache(1024)
def _packed(host: str) -> bytes:
    """A numeric address in 4 or 16 bytes. Programs send to few addresses, again and again."""
    try:
        return ipaddress.ip_address((host or "0.0.0.0").partition("%")[0]).packed  # noqa: S104
    except ValueError as error:
        raise KernelError(Errno.EINVAL, f"not an address: {error}") from None


def option(value: OptionArg) -> Sockopt:
    """The value of a socket option: a number, seconds as a float, bytes."""
    if isinstance(value, (SockoptInteger, SockoptRaw, Linger, Timespec, Unpcbid, Mreq, TcpInfo)):
        return value
    if isinstance(value, int):
        return SockoptInteger(int(value))
    if isinstance(value, float):
        seconds = timespec(value)
        assert seconds is not None
        return seconds
    return SockoptRaw(bytes(value))


def option_result(args: Sequence[Any], value: Sockopt | None) -> Sockopt | None:
    """SO_ERROR holds an errno, which the caller takes for one of the host."""
    if args[1] == const.SOL_SOCKET and args[2] == const.SO_ERROR and isinstance(value, SockoptInteger):
        return SockoptInteger(to_host(value.integer) if value.integer else 0)
    return value


def sysctl_value(value: SysctlArg) -> SysctlValue | None:
    """A Python value for a node. Numbers that need more than 32 bits are quads."""
    if isinstance(value, bool):
        return SysctlValueBoolean(value)
    if isinstance(value, int):
        return SysctlValueInteger(value) if -(1 << 31) <= value < 1 << 31 else SysctlValueQuad(value)
    if isinstance(value, str):
        return SysctlValueText(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return SysctlValueRaw(bytes(value))
    return SysctlPcbs(value) if isinstance(value, list) else value


def ioctl_argument(value: IoctlArg) -> IoctlArgs | None:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return IoctlArgsRaw(bytes(value))
    if isinstance(value, int):
        return IoctlArgsInteger(int(value))
    return IoctlArgsText(value) if isinstance(value, str) else value


def pollfds(fds: Iterable[Pollfd | tuple[int, int]]) -> list[Pollfd]:
    """``(fd, events)`` or Pollfd, with the host's events."""
    return [Pollfd(fd[0], _host.poll_events(fd[1])) for fd in fds]


def poll_result(args: Sequence[Any], value: Any) -> Any:
    fds = [Pollfd(fd.fd, _host.POLL.host(fd.events), _host.POLL.host(fd.revents)) for fd in value.fds]
    return value._replace(fds=fds)


def kevents_result(args: Sequence[Any], value: list[Kevent]) -> list[Kevent]:
    """An errno is in data where a change failed, and in fflags at the end of a socket."""
    return [_kevent(event) for event in value]


def _kevent(event: Kevent) -> Kevent:
    if event.flags & const.EV_ERROR:
        return event._replace(data=to_host(event.data) if event.data else 0)
    if event.flags & const.EV_EOF and event.fflags and event.filter in (const.EVFILT_READ, const.EVFILT_WRITE):
        return event._replace(fflags=to_host(event.fflags))
    return event


def flock(lock: Flock | None) -> Flock | None:
    return None if lock is None else lock._replace(l_type=_host.LOCK_TYPE.wire(lock.l_type))


def fcntl_argument(cmd: int, arg: int | None) -> int | None:
    """F_SETFL takes open flags; the rest are numbers that are the same everywhere."""
    return arg if arg is None or cmd != const.F_SETFL else _host.OPEN.wire(arg)


def fcntl_result(args: Sequence[Any], value: Any) -> Any:
    if args[1] == const.F_GETFL:
        return value._replace(value=_host.OPEN.host(value.value))
    if value.lock is not None:
        return value._replace(lock=value.lock._replace(l_type=_host.LOCK_TYPE.host(value.lock.l_type)))
    return value


def rlimit(limit: Rlimit | tuple[int, int]) -> Rlimit:
    return Rlimit(*(const.RLIM_INFINITY if value == _host.RLIM_INFINITY else value for value in limit))


def rlimit_result(args: Sequence[Any], value: Rlimit) -> Rlimit:
    return Rlimit(*(_host.RLIM_INFINITY if v == const.RLIM_INFINITY else v for v in value))


def message(msg: Msghdr) -> Msghdr:
    """A message to send, with an address as `address` takes it and the host's levels of control data."""
    control = [c._replace(cmsg_level=_host.option_level(c.cmsg_level)) for c in msg.control]
    data: Any = buffer(msg.data)
    return Msghdr(address(msg.msg_name), data, control, _host.MESSAGE.wire(msg.msg_flags))


def messages(msgs: Iterable[Msghdr]) -> list[Msghdr]:
    return [message(msg) for msg in msgs]


def message_result(args: Sequence[Any], msg: Msghdr | None) -> Msghdr | None:
    if msg is None:
        return None
    control = [c._replace(cmsg_level=_host.SOL_SOCKET) if c.cmsg_level == const.SOL_SOCKET else c for c in msg.control]
    return msg._replace(control=control, msg_flags=_host.MESSAGE.host(msg.msg_flags))


def messages_result(args: Sequence[Any], msgs: list[Msghdr]) -> list[Msghdr | None]:
    return [message_result(args, msg) for msg in msgs]


def names(value: str | Iterable[str]) -> list[str]:
    """One name or several."""
    return [value] if isinstance(value, str) else list(value)


_ETFS = {
    "reg": const.RUMP_ETFS_REG,
    "blk": const.RUMP_ETFS_BLK,
    "chr": const.RUMP_ETFS_CHR,
    "dir": const.RUMP_ETFS_DIR,
    "dir_subdirs": const.RUMP_ETFS_DIR_SUBDIRS,
}


def etfs_type(value: int | str) -> int:
    """A kind of etfs entry, by number or as "reg", "blk", "chr", "dir", "dir_subdirs". EINVAL."""
    if isinstance(value, int):
        return value
    if value not in _ETFS:
        raise KernelError(Errno.EINVAL, f"etfs: no type {value!r}; there are {', '.join(_ETFS)}")
    return _ETFS[value]


def options(value: Mapping[str, object] | None) -> dict[str, str]:
    """Options by name, as text."""
    return {name: str(option) for name, option in (value or {}).items()}


def first_register(args: Sequence[Any], value: Any) -> int:
    """Of two registers the one that callers know; the second has a call of its own (getppid, geteuid, getegid)."""
    return int(value[0])


RESULTS: dict[str, Callable[[Sequence[Any], Any], Any]] = {
    "aio_error": errno_result,
    "fcntl": fcntl_result,
    "getgid": first_register,
    "getpid": first_register,
    "getrlimit": rlimit_result,
    "getsockopt": option_result,
    "getuid": first_register,
    "kevent": kevents_result,
    "poll": poll_result,
    "pollts": poll_result,
    "recvmmsg": messages_result,
    "recvmsg": message_result,
}
"""Calls whose results hold numbers of the host: what makes them out of (arguments, value)."""
