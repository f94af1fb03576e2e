"""The same kernels and calls for asyncio.

async with rump.aio.connect(url) as k:
    fd = await k.sys.open("/etc/motd", os.O_RDONLY)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator, Iterable, Iterator
from types import TracebackType
from typing import Any, Self

from rump import _sysctl
from rump._aio_remote import RemoteConnection
from rump._arguments import PathArg, sysctl_value
from rump._base import Future
from rump._calls import BatchCalls
from rump._connection import (
    AsyncConnection,
    Prepared,
    ProcessStatus,
    Statistics,
    Status,
    cookie_of,
    default_comm,
)  # fmt: skip
from rump._errors import error_of
from rump._grpc import Credentials, server_url
from rump._modules import load_wheel
from rump._requests import AsyncRequests
from rump._retry import Policy, Retry
from rump._select import AsyncPoll, FileLike, chosen, sets
from rump._signals import Handler
from rump._sys import AsyncPub, AsyncSys
from rumpwire import calls
from rumpwire.errno import KernelError
from rumpwire.values import ModuleStat


@contextlib.contextmanager
def _errors(filename: Any = None) -> Iterator[None]:
    try:
        yield
    except KernelError as error:
        raise error_of(error, filename) from None


class Batch(BatchCalls):
    """Calls that go in one message when the ``async with`` block ends; otherwise as `rump.Batch`."""

    def __init__(self, connection: AsyncConnection, *, keep_going: bool = False) -> None:
        super().__init__()
        self._connection = connection
        self._keep_going = keep_going

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if kind is None:
            await self.run()

    async def run(self) -> None:
        """Does the calls. What keeps the whole batch from being done is raised."""
        try:
            outcomes = await self._connection.run(self._steps, self._keep_going)
        except KernelError as error:
            self._settle([error])
            raise error_of(error) from None
        self._settle(outcomes)


class Modules:
    """The modules of a kernel."""

    def __init__(self, connection: AsyncConnection, sys: AsyncSys) -> None:
        self._connection = connection
        self._sys = sys

    async def list(self) -> list[ModuleStat]:
        """The table of modules."""
        return await self._sys.modctl_stat()

    async def upload(self, wheel: PathArg, *, key: PathArg | None = None) -> ModuleStat:
        """Sends a wheel and loads its module, as `rump.Modules.upload`."""
        loaded = await asyncio.to_thread(load_wheel, wheel, key)
        with _errors(loaded.filename):
            return await self._connection.upload_module(loaded)


class Client:
    """One process of a kernel. Any number of tasks of one loop may use it."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self.sys = AsyncSys(connection)
        self.pub = AsyncPub(connection)
        self.modules = Modules(connection, self.sys)
        self.aio = AsyncRequests(self.sys)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def pid(self) -> int:
        """Process id in the kernel."""
        return self._connection.pid

    async def close(self) -> None:
        """Ends the process."""
        await self._connection.close()

    async def fork(self, flags: int = 0) -> Client:
        """A child process with a connection of its own, as `rump.Client.fork`."""
        with _errors():
            return Client(await self._connection.fork(flags))

    async def exec(self, comm: str) -> None:
        """The process has a new program of that name, as `rump.Client.exec`."""
        with _errors():
            await self._connection.execute(comm)

    def on_signal(self, handler: Handler | None, signo: int | None = None) -> None:
        """Has signals of this process go to ``handler(signo)``, in the loop, instead of being raised here.

        ``signo`` is one signal, None all that have no handler of their own; None as handler: raised again.
        """
        self._connection.signals.take(signo, handler and _soon(handler))

    def batch(self, *, keep_going: bool = False) -> Batch:
        """Collects calls and does them in one message."""
        return Batch(self._connection, keep_going=keep_going)

    async def select(
        self,
        rlist: Iterable[FileLike],
        wlist: Iterable[FileLike],
        xlist: Iterable[FileLike],
        timeout: float | None = None,  # noqa: ASYNC109  as the host's
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """Those of the descriptors that are ready, as `select.select` has it."""
        nd, (r, w, x) = sets(rlist, wlist, xlist)
        return chosen([r, w, x], await self.sys.select(nd, list(r), list(w), list(x), timeout))

    def poll(self) -> AsyncPoll:
        """An object with the methods of `select.poll`."""
        return AsyncPoll(self.sys)

    async def status(self) -> Status:
        """Components of the kernel and how they are."""
        with _errors():
            return await self._connection.status()

    async def processes(self) -> list[ProcessStatus]:
        """Processes of the kernel."""
        with _errors():
            return await self._connection.processes()

    async def statistics(self) -> Statistics:
        """What calls have cost, and what components use."""
        with _errors():
            return await self._connection.statistics()

    async def sysctl(self, name: str, value: _sysctl.Value | None = None) -> _sysctl.Value:
        """The value of a node; with a value, which must be of the node's type, sets it and gives the old one."""
        with _errors(name):
            result = await self._connection.call(calls.SYSCTL, ([], name, sysctl_value(value), None))
            return _sysctl.python_value(result.oldv)


def _soon(handler: Handler) -> Handler:
    """Later, so that what goes wrong in it is the loop's to tell, and no matter of who reads the connection."""
    return lambda signo: asyncio.get_running_loop().call_soon(handler, signo)


class _Connecting:
    """What `connect` gives: to be awaited, or entered with ``async with``."""

    def __init__(self, url: str | None, comm: str | None, retry: Retry | None, fork: Prepared | bytes | None) -> None:
        self._url = url
        self._fork = fork
        self._comm = comm
        with _errors():
            self._policy = Policy.parse(retry)
        self._client: Client | None = None

    async def _connect(self) -> Client:
        with _errors():
            connection = RemoteConnection(
                server_url(self._url),
                Credentials.from_environment(),
                self._comm or default_comm(),
                self._policy,
                cookie_of(self._fork),
            )
            return Client(await connection.open())

    def __await__(self) -> Generator[Any, None, Client]:
        return self._connect().__await__()

    async def __aenter__(self) -> Client:
        self._client = await self._connect()
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()


def connect(
    url: str | None = None,
    *,
    comm: str | None = None,
    retry: Retry | None = None,
    fork: Prepared | bytes | None = None,
) -> _Connecting:
    """Becomes a process of the kernel at a URL, or at RUMP_SERVER; ``retry``, ``fork`` and errors as `rump.connect`."""
    return _Connecting(url, comm, retry, fork)


__all__ = ["Batch", "Client", "Future", "Modules", "connect"]
