"""The same kernels and calls for asyncio.

async with rump.aio.connect(url) as k:
    fd = await k.sys.open("/etc/motd", os.O_RDONLY)
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Generator, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from rump import _sysctl
from rump._arguments import PathArg, sysctl_value
from rump._base import Future
from rump._calls import BatchCalls
from rump._connection import AsyncConnection, ProcessStatus, Statistics, Status, Wheel, default_comm
from rump._errors import CONNECTION, error_of
from rump._grpc import OPTIONS, Credentials, Method, channel_credentials, kernel_error, server_url, unreachable
from rump._modules import load_wheel
from rump._remote import ATTACH_S, PATIENCE_S, lost, processes_of, statistics_of, status_of, upload_requests
from rump._select import AsyncPoll, FileLike, chosen, sets
from rump._signals import Signals
from rump._sys import AsyncPub, AsyncSys
from rumpuser.url import Url
from rumpwire import calls
from rumpwire import rump_sp_pb2 as sp
from rumpwire.calls import Op
from rumpwire.codec import _dec_ModuleStat
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Step
from rumpwire.values import ModuleStat
from rumpwire.wire import NOT_TRIED, decode_results, encode_steps


class RemoteConnection:
    """A session of a gateway over one stream; a task reads the answers."""

    def __init__(self, url: Url, credentials: Credentials, comm: str) -> None:
        self._url = url
        self._credentials = credentials
        self._comm = comm
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._broken: KernelError | None = None
        self._sending = asyncio.Lock()
        self.signals = Signals()
        self._pid = 0
        self._max = 0
        if url.secure:
            self._channel = grpc.aio.secure_channel(url.target, channel_credentials(credentials), OPTIONS)
        else:
            self._channel = grpc.aio.insecure_channel(url.target, OPTIONS)

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def same_host(self) -> bool:
        return self._url.scheme == "unix"

    async def open(self, session: tuple[str, int, int] | None = None) -> Self:
        """Attaches, or takes a session that is there, and starts the stream."""
        try:
            token, self._pid, self._max = session or await self._attach()
        except BaseException:
            await self._channel.close()
            raise
        self._metadata = (("rump-session", token),)
        method: Any = self._channel.stream_stream(
            "/rump.sp.v1.Session/Stream", request_serializer=None, response_deserializer=sp.StreamResponse.FromString
        )
        self._call = method(metadata=self._metadata)
        self._reader = asyncio.get_running_loop().create_task(self._read())
        return self

    async def _attach(self) -> tuple[str, int, int]:
        request = sp.AttachRequest(comm=self._comm, token=self._credentials.token)
        try:
            reply = await Method(self._channel, "Attach")(request, timeout=ATTACH_S)
        except grpc.RpcError as error:
            found = kernel_error(error)
            raise unreachable(self._url, found) if found.errno == Errno.ENOTCONN else found from None
        return reply.session, reply.pid, reply.max_message

    async def _read(self) -> None:
        try:
            while (reply := await self._call.read()) is not grpc.aio.EOF:
                if reply.signal:
                    self.signals(reply.signal)
                    continue
                waiter = self._waiting.pop(reply.id, None)
                if waiter is not None and not waiter.done():
                    waiter.set_result(reply)
            self._break(lost(StopAsyncIteration()))
        except grpc.RpcError as error:
            self._break(lost(error))
        except asyncio.CancelledError:
            self._break(KernelError(Errno.ENOTCONN, "the connection is closed", CONNECTION))
            raise

    def _break(self, why: KernelError) -> None:
        self._broken = self._broken or why
        for waiter in self._waiting.values():
            if not waiter.done():
                waiter.set_exception(KernelError(why.errno, why.text, why.origin))
        self._waiting.clear()

    async def call(self, op: Op, args: tuple[Any, ...]) -> Any:
        (value,) = await self.run([Step(op, args)], keep_going=False) or [NOT_TRIED]
        if isinstance(value, KernelError):
            raise value
        if value is NOT_TRIED:
            raise KernelError(Errno.EBADRPC, f"the answer to {op.cname} is empty", CONNECTION)
        return value

    async def run(self, steps: Sequence[Step], keep_going: bool) -> list[Any]:
        if not steps:
            return []
        request = sp.StreamRequest(id=next(self._ids), keep_going=keep_going)
        encode_steps(steps, request.calls)
        return decode_results(steps, (await self._exchange(request)).results)

    async def _exchange(self, request: Any) -> Any:
        """The reply. When the task is cancelled the kernel ends the call."""
        payload = request.SerializeToString()
        if len(payload) > self._max:
            text = f"the message has {len(payload)} bytes, the kernel takes {self._max}"
            raise KernelError(Errno.EMSGSIZE, text, CONNECTION)
        if self._broken is not None:
            raise KernelError(self._broken.errno, self._broken.text, self._broken.origin)
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = waiter
        try:
            await self._send(payload)
            return await waiter
        except asyncio.CancelledError:
            if self._waiting.pop(request.id, None) is not None:
                await self._send(sp.StreamRequest(id=request.id, cancel=True).SerializeToString())
            raise

    async def _send(self, payload: bytes) -> None:
        """Sends, to the end also when the caller's task is cancelled: a write that is broken off ends the stream."""
        try:
            await asyncio.shield(self._write(payload))
        except (grpc.RpcError, asyncio.InvalidStateError):
            await self._reader  # it says why

    async def _write(self, payload: bytes) -> None:
        async with self._sending:  # a stream of grpc takes one write at a time
            await self._call.write(payload)

    async def _unary(self, name: str, request: Any) -> Any:
        try:
            return await Method(self._channel, name)(request, metadata=self._metadata)
        except grpc.RpcError as error:
            raise kernel_error(error) from None

    async def fork(self, flags: int) -> RemoteConnection:
        reply = await self._unary("Fork", sp.ForkRequest(flags=flags))
        child = RemoteConnection(self._url, self._credentials, self._comm)
        return await child.open((reply.session, reply.pid, self._max))

    async def status(self) -> Status:
        return status_of(await self._unary("Status", sp.StatusRequest()))

    async def processes(self) -> list[ProcessStatus]:
        return processes_of(await self._unary("Processes", sp.ProcessesRequest()))

    async def statistics(self) -> Statistics:
        return statistics_of(await self._unary("Statistics", sp.StatisticsRequest()))

    async def upload_module(self, wheel: Wheel) -> ModuleStat:
        method = self._channel.stream_unary(
            "/rump.sp.v1.Session/UploadModule",
            request_serializer=sp.UploadModuleRequest.SerializeToString,
            response_deserializer=sp.UploadModuleResponse.FromString,
        )
        try:
            reply: Any = await method(upload_requests(wheel), metadata=self._metadata)
        except grpc.RpcError as error:
            raise kernel_error(error) from None
        return _dec_ModuleStat(reply.module)

    async def close(self) -> None:
        if self._reader.done() and self._broken is not None:
            await self._channel.close()
            return
        with contextlib.suppress(grpc.RpcError):
            await Method(self._channel, "Detach")(sp.DetachRequest(), metadata=self._metadata, timeout=PATIENCE_S)
        self._call.cancel()
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError, grpc.RpcError):
            await self._reader
        await self._channel.close()


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
            result = await self._connection.call(calls.SYSCTL, ([], name, sysctl_value(value)))
            return _sysctl.python_value(result.oldv)


class _Connecting:
    """What `connect` gives: to be awaited, or entered with ``async with``."""

    def __init__(self, url: str | None, comm: str | None) -> None:
        self._url = url
        self._comm = comm
        self._client: Client | None = None

    async def _connect(self) -> Client:
        with _errors():
            connection = RemoteConnection(
                server_url(self._url), Credentials.from_environment(), self._comm or default_comm()
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


def connect(url: str | None = None, *, comm: str | None = None) -> _Connecting:
    """Becomes a process of the kernel at a URL, or at RUMP_SERVER; errors as `rump.connect`."""
    return _Connecting(url, comm)


__all__ = ["Batch", "Client", "Future", "Modules", "connect"]
