"""NetBSD's error numbers, the kernel's one error type, and translation to the numbers of the host by name."""

from __future__ import annotations

import enum
import errno as host_errno


class Errno(enum.IntEnum):
    """errno(2) of NetBSD."""

    EPERM = 1
    ENOENT = 2
    ESRCH = 3
    EINTR = 4
    EIO = 5
    ENXIO = 6
    E2BIG = 7
    ENOEXEC = 8
    EBADF = 9
    ECHILD = 10
    EDEADLK = 11
    ENOMEM = 12
    EACCES = 13
    EFAULT = 14
    ENOTBLK = 15
    EBUSY = 16
    EEXIST = 17
    EXDEV = 18
    ENODEV = 19
    ENOTDIR = 20
    EISDIR = 21
    EINVAL = 22
    ENFILE = 23
    EMFILE = 24
    ENOTTY = 25
    ETXTBSY = 26
    EFBIG = 27
    ENOSPC = 28
    ESPIPE = 29
    EROFS = 30
    EMLINK = 31
    EPIPE = 32
    EDOM = 33
    ERANGE = 34
    EAGAIN = 35
    EINPROGRESS = 36
    EALREADY = 37
    ENOTSOCK = 38
    EDESTADDRREQ = 39
    EMSGSIZE = 40
    EPROTOTYPE = 41
    ENOPROTOOPT = 42
    EPROTONOSUPPORT = 43
    ESOCKTNOSUPPORT = 44
    EOPNOTSUPP = 45
    EPFNOSUPPORT = 46
    EAFNOSUPPORT = 47
    EADDRINUSE = 48
    EADDRNOTAVAIL = 49
    ENETDOWN = 50
    ENETUNREACH = 51
    ENETRESET = 52
    ECONNABORTED = 53
    ECONNRESET = 54
    ENOBUFS = 55
    EISCONN = 56
    ENOTCONN = 57
    ESHUTDOWN = 58
    ETOOMANYREFS = 59
    ETIMEDOUT = 60
    ECONNREFUSED = 61
    ELOOP = 62
    ENAMETOOLONG = 63
    EHOSTDOWN = 64
    EHOSTUNREACH = 65
    ENOTEMPTY = 66
    EPROCLIM = 67
    EUSERS = 68
    EDQUOT = 69
    ESTALE = 70
    EREMOTE = 71
    EBADRPC = 72
    ERPCMISMATCH = 73
    EPROGUNAVAIL = 74
    EPROGMISMATCH = 75
    EPROCUNAVAIL = 76
    ENOLCK = 77
    ENOSYS = 78
    EFTYPE = 79
    EAUTH = 80
    ENEEDAUTH = 81
    EIDRM = 82
    ENOMSG = 83
    EOVERFLOW = 84
    EILSEQ = 85
    ENOTSUP = 86
    ECANCELED = 87
    EBADMSG = 88
    ENODATA = 89
    ENOSR = 90
    ENOSTR = 91
    ETIME = 92
    ENOATTR = 93
    EMULTIHOP = 94
    ENOLINK = 95
    EPROTO = 96


class KernelError(Exception):
    """What a call fails with. ``errno`` is NetBSD's number, ``origin`` the component that refused."""

    def __init__(self, errno: int, text: str = "", origin: str = "") -> None:
        super().__init__(errno, text, origin)
        self.errno = errno
        self.text = text
        self.origin = origin

    @property
    def name(self) -> str:
        return name_of(self.errno)

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.text else self.name


# Names that the host may lack, and what a program of the host would look for instead.
_STAND_INS = {"ENOATTR": "ENODATA", "EFTYPE": "EINVAL", "EPROCLIM": "EAGAIN", "EAUTH": "EACCES", "ENEEDAUTH": "EACCES"}


def name_of(errno: int) -> str:
    """The symbolic name, such as ``ENOENT``."""
    try:
        return Errno(errno).name
    except ValueError:
        return f"errno {errno}"


def to_host(errno: int) -> int:
    """The host's number for a NetBSD number; EIO for what the host does not know."""
    return _TO_HOST.get(errno, host_errno.EIO)


def from_host(errno: int) -> Errno:
    """NetBSD's number for a number of the host; EIO for what NetBSD does not know."""
    name = host_errno.errorcode.get(errno, "EIO")
    return Errno.__members__.get(_HOST_NAMES.get(name, name), Errno.EIO)


_HOST_NAMES = {"ENODATA": "ENOATTR", "EDEADLOCK": "EDEADLK", "EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP"}


def _host_number(name: str) -> int:
    stand_in: int = getattr(host_errno, _STAND_INS.get(name, "EIO"), host_errno.EIO)
    found: int = getattr(host_errno, name, stand_in)
    return found


_TO_HOST = {member.value: _host_number(member.name) for member in Errno}
