"""A net component with a hand-turned clock, and a name space for its local sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rumpnet.component import NetComponent
from rumpnet.core.inetdomain import InetDomain
from rumpuser.component import Component, Context, Entry, Parameters
from rumpuser.host import ManualHost
from rumpuser.pending import Running, start
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials, SockaddrIn, SockaddrUn, SockoptInteger

USER = Credentials(uid=1000, euid=1000, svuid=1000, gid=1000, egid=1000, svgid=1000, groups=[])
LOCALHOST = bytes([127, 0, 0, 1])


def lo(port: int) -> SockaddrIn:
    return SockaddrIn(LOCALHOST, port)


def un(path: bytes) -> SockaddrUn:
    return SockaddrUn(path)


class Names(Component):
    """Stands for vfs: a table of names. With ``slow`` set, answers come when the test says so."""

    name = "vfs"

    def __init__(self) -> None:
        super().__init__()
        self.ids: dict[bytes, int] = {}
        self.slow: Any = None
        self.table["socket_bind"] = Entry(self.bind)
        self.table["socket_lookup"] = Entry(self.lookup)

    def bind(self, ctx: Context, path: bytes, mode: int, socket: int) -> Any:
        if path in self.ids:
            raise KernelError(Errno.EADDRINUSE)
        self.ids[path] = socket
        return self._later(None) if self.slow is not None else None

    def lookup(self, ctx: Context, path: bytes) -> Any:
        if path not in self.ids:
            raise KernelError(Errno.ENOENT)
        return self._later(self.ids[path]) if self.slow is not None else self.ids[path]

    async def _later(self, value: Any) -> Any:
        await self.slow
        return value


class Kit:
    """net, and its bus. ``n(name, *args)`` is a call of root, done as far as it goes without waiting."""

    def __init__(self, *, vfs: bool = True, host: ManualHost | None = None) -> None:
        self.host = host or ManualHost(seed=7)
        self.names = Names()
        self.vfs = vfs
        self.component = NetComponent(self.host, self, Parameters())

    def peer(self, name: str) -> Any:
        if name == "vfs" and self.vfs:
            return self.names
        raise KernelError(Errno.ENOSYS, f"the {name} faction is not running")

    def __call__(self, name: str, *args: Any) -> Any:
        return start(self.component.call(Context(), OPS[name], args))

    def user(self, name: str, *args: Any) -> Any:
        return start(self.component.call(Context(pid=5, cred=USER), OPS[name], args))

    @property
    def inet(self) -> InetDomain:
        domain = self.component.net.domains[const.AF_INET]
        assert isinstance(domain, InetDomain)
        return domain

    # -- shorthands

    def pair(self, kind: int = const.SOCK_STREAM) -> tuple[int, int]:
        one, two = self("socketpair", const.AF_LOCAL, kind, 0)
        return one, two

    def local(self, kind: int = const.SOCK_STREAM, path: bytes = b"") -> int:
        s: int = self("socket", const.AF_LOCAL, kind, 0)
        if path:
            self("bind", s, un(path))
        return s

    def udp(self, port: int | None = None) -> int:
        s: int = self("socket", const.AF_INET, const.SOCK_DGRAM, 0)
        if port is not None:
            self("bind", s, lo(port))
        return s

    def nonblocking(self, s: int) -> int:
        self("fcntl", s, const.F_SETFL, const.O_NONBLOCK, None)
        return s

    def option(self, s: int, name: int, number: int) -> None:
        self("setsockopt", s, const.SOL_SOCKET, name, SockoptInteger(number))


def fails(call: Callable[..., Any], *args: Any) -> str:
    """The name of the errno that a call fails with, at once or when it goes on."""
    with pytest.raises(KernelError) as caught:
        finished(call(*args))
    return caught.value.name


def finished(result: Any) -> Any:
    """The value of a call that does not wait any more."""
    if not isinstance(result, Running):
        return result
    assert result.outcome.done, "the call still waits"
    return result.outcome.result()


def waits(result: Any) -> Running[Any]:
    """The call, which must be waiting."""
    assert isinstance(result, Running)
    assert not result.outcome.done
    return result
