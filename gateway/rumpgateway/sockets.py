"""The sockets of gRPC's servers, of which gRPC itself tells nothing: those that listen, and the connections."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Collection, Iterator
from typing import Any

Names = Collection[Any]
"""Local addresses of sockets: paths, and ports."""


def refuse_more(names: Names) -> None:
    """Nobody can connect at these ports any more; who is connected stays."""
    for each in _at(names):
        if _listens(each):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def connections(names: Names) -> int:
    """How many there are."""
    return sum(map(_has_peer, _at(names)))


def _listens(each: socket.socket) -> bool:
    return bool(each.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _has_peer(each: socket.socket) -> bool:
    """One that listened until it was shut down has none, and is no connection."""
    try:
        each.getpeername()
    except OSError:
        return False
    return True


def _at(names: Names) -> Iterator[socket.socket]:
    """Copies of this process's sockets with one of these addresses."""
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError), _copy(int(name)) as each:  # it may be closed meanwhile, or be something else
            where = each.getsockname()
            if (where[1] if isinstance(where, tuple) else where) in names:
                yield each


def _copy(fd: int) -> socket.socket:
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    return socket.socket(fileno=os.dup(fd))
