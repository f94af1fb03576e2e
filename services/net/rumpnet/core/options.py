"""Options of level SOL_SOCKET (getsockopt(2))."""

from __future__ import annotations

from rumpnet.core.socket import Socket
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Linger, Sockopt, SockoptInteger, SockoptRaw, Timespec

SB_MAX = 1 << 20
"""Largest buffer that a socket may ask for, as long as kern.sbmax does not say otherwise."""
TIMEOUT_MAX = 21_474_836
"""Seconds; the original's ticks do not count further."""
FLAGS = frozenset(
    {
        const.SO_DEBUG, const.SO_REUSEADDR, const.SO_KEEPALIVE, const.SO_DONTROUTE, const.SO_BROADCAST,
        const.SO_USELOOPBACK, const.SO_OOBINLINE, const.SO_REUSEPORT, const.SO_NOSIGPIPE,
        const.SO_TIMESTAMP,
    }
)  # fmt: skip
"""Options that are on or off and have their own bit."""


def integer(value: Sockopt | None) -> int:
    """The number in an option, also one as raw bytes of the caller's int. EINVAL."""
    if isinstance(value, SockoptInteger):
        return value.integer
    if isinstance(value, SockoptRaw) and len(value.raw) in (1, 4, 8):
        return int.from_bytes(value.raw, "little", signed=True)
    raise KernelError(Errno.EINVAL, f"the option takes a number, not {value}")


def getsockopt(so: Socket, level: int, name: int) -> Sockopt:
    """ENOPROTOOPT."""
    if level != const.SOL_SOCKET or so.keeps(name):
        return so.getopt(level, name)
    if name in FLAGS:
        return SockoptInteger(so.options & name)
    if name == const.SO_LINGER:
        return so.linger
    if name in (const.SO_RCVTIMEO, const.SO_SNDTIMEO):
        return Timespec(*divmod(so.rcvtimeo_ns if name == const.SO_RCVTIMEO else so.sndtimeo_ns, 10**9))
    return SockoptInteger(_number(so, name))


def _number(so: Socket, name: int) -> int:
    if name == const.SO_ERROR:
        error, so.error = so.error, 0
        return error
    known = {
        const.SO_TYPE: so.type,
        const.SO_ACCEPTCONN: const.SO_ACCEPTCONN if so.listening else 0,
        const.SO_SNDBUF: so.snd_hiwat,
        const.SO_RCVBUF: so.rcv.hiwat,
        const.SO_SNDLOWAT: so.snd_lowat,
        const.SO_RCVLOWAT: so.rcv_lowat,
        const.SO_OVERFLOWED: so.overflowed,
    }
    if name not in known:
        raise KernelError(Errno.ENOPROTOOPT, f"socket option {name:#x}")
    return known[name]


def growth(so: Socket, level: int, name: int, value: Sockopt | None) -> int:
    """By how much an option makes the buffers of a socket larger. EINVAL."""
    if level != const.SOL_SOCKET or so.keeps(name) or name not in (const.SO_SNDBUF, const.SO_RCVBUF):
        return 0
    return integer(value) - (so.rcv.hiwat if name == const.SO_RCVBUF else so.snd_hiwat)


def setsockopt(so: Socket, level: int, name: int, value: Sockopt | None) -> None:
    """ENOPROTOOPT, EINVAL, EDOM for times, ENOBUFS for buffers above kern.sbmax."""
    if level != const.SOL_SOCKET or so.keeps(name):
        so.setopt(level, name, value)
    elif name in FLAGS:
        so.options = so.options | name if integer(value) else so.options & ~name
    elif name == const.SO_LINGER:
        so.linger = _linger(value)
    elif name in (const.SO_RCVTIMEO, const.SO_SNDTIMEO):
        setattr(so, "rcvtimeo_ns" if name == const.SO_RCVTIMEO else "sndtimeo_ns", _timeout(value))
    elif name in (const.SO_SNDLOWAT, const.SO_RCVLOWAT):
        _set_lowat(so, name, integer(value))
    elif name in (const.SO_SNDBUF, const.SO_RCVBUF):
        _set_buffer(so, name, integer(value))
    else:
        raise KernelError(Errno.ENOPROTOOPT, f"socket option {name:#x} is unknown or cannot be set")
    if level == const.SOL_SOCKET:
        so.option_set(name)


def _linger(value: Sockopt | None) -> Linger:
    if not isinstance(value, Linger) or value.l_linger < 0:
        raise KernelError(Errno.EINVAL, f"not a linger time: {value}")
    return value


def _timeout(value: Sockopt | None) -> int:
    if not isinstance(value, Timespec):
        raise KernelError(Errno.EINVAL, f"the option takes a time, not {value}")
    if not (0 <= value.tv_sec <= TIMEOUT_MAX and 0 <= value.tv_nsec < 10**9):
        raise KernelError(Errno.EDOM, f"not a timeout: {value}")
    return value.tv_sec * 10**9 + value.tv_nsec


def _set_lowat(so: Socket, name: int, size: int) -> None:
    """More than the buffer holds is what it holds. EINVAL."""
    if size <= 0:
        raise KernelError(Errno.EINVAL, f"a low-water mark of {size} bytes")
    if name == const.SO_RCVLOWAT:
        so.rcv_lowat = min(size, so.rcv.hiwat)
    else:
        so.snd_lowat = min(size, so.snd_hiwat)
    so.wake()


def _set_buffer(so: Socket, name: int, size: int) -> None:
    if size <= 0:
        raise KernelError(Errno.EINVAL, f"a buffer of {size} bytes")
    if size > (most := so.net.sb_max.value):
        raise KernelError(Errno.ENOBUFS, f"a buffer of {size} bytes; {most} is the most (kern.sbmax)")
    if name == const.SO_RCVBUF:
        so.rcv.hiwat = size
    else:
        so.snd_hiwat = size
    so.wake()
