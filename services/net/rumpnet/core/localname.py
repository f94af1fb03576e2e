"""Names of local sockets: paths in the kernel's file system (unix(4))."""

from __future__ import annotations

from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr, SockaddrUn

PATH_MAX = 253
"""What fits into sockaddr_un, whose length is one byte."""


def path_of(name: Sockaddr | None) -> bytes:
    """EAFNOSUPPORT, EINVAL."""
    if not isinstance(name, SockaddrUn):
        raise KernelError(Errno.EAFNOSUPPORT, f"not a name of the local domain: {name}")
    if not name.sun_path or len(name.sun_path) > PATH_MAX or b"\0" in name.sun_path:
        raise KernelError(Errno.EINVAL, f"names have 1 to {PATH_MAX} bytes, none of them zero")
    return name.sun_path
