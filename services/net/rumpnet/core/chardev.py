"""Descriptors of the character devices of net (bpf, tap, tun): sockets in all but what makes a socket one."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from rumpnet.core.socket import Socket
from rumpuser.component import Context
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Sockaddr


class CharDevice(Socket):
    """It is read and written, polled, and asked by ioctl; the calls of sockets are ENOTSOCK."""

    def bind(self, ctx: Context, name: Sockaddr | None) -> Any:
        raise _no_socket()

    def connect(self, ctx: Context, name: Sockaddr | None) -> Any:
        raise _no_socket()

    def listen(self, backlog: int) -> None:
        raise _no_socket()

    def accept(self) -> Socket | Coroutine[Any, Any, Socket]:
        raise _no_socket()

    def shutdown(self, how: int) -> None:
        raise _no_socket()

    def sockname(self) -> Sockaddr:
        raise _no_socket()

    def peername(self) -> Sockaddr:
        raise _no_socket()

    @property
    def connected(self) -> bool:
        return False


def _no_socket() -> KernelError:
    return KernelError(Errno.ENOTSOCK, "a descriptor of a device is no socket")
