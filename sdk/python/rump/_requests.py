"""Asynchronous I/O of the kernel (aio(3)) as objects: ``k.aio`` of both SDKs."""

from __future__ import annotations

import errno
import itertools
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any

from rump import _host
from rump._arguments import Buffer, TimeArg, buffer
from rump._errors import error_of
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Aiocb, Sigevent

if TYPE_CHECKING:
    from rump._sys import AsyncSys, Sys

_numbers = itertools.count(1 << 32)
"""Numbers of requests. Those below are left to callers of ``k.sys.aio_read`` and the others."""


def _block(fd: int, offset: int, data: Buffer, nbyte: int, signo: int | None) -> Aiocb:
    event = Sigevent() if signo is None else Sigevent(const.SIGEV_SIGNAL, signo)
    return Aiocb(next(_numbers), fd, offset, bytes(buffer(data)), nbyte, aio_sigevent=event)


def _outcome(reading: bool, error: int, result: Any) -> Any:
    """What the call would have given."""
    if error:
        raise error_of(KernelError(Errno[errno.errorcode[error]], "of a request of asynchronous I/O"))
    return bytes(result.buf) if reading else result.retval


def _in_progress(error: int) -> bool:
    return error == errno.EINPROGRESS


def _sync(datasync: bool) -> int:
    return _host.OPEN.names["O_DSYNC" if datasync else "O_SYNC"]


class Request:
    """A read, a write or a sync under way. Its result is to be asked for once, for the kernel keeps it until then."""

    def __init__(self, sys: Sys, block: Aiocb, *, reading: bool) -> None:
        self._sys = sys
        self._block = block
        self._reading = reading
        self._found: Callable[[], Any] | None = None

    @property
    def number(self) -> int:
        """For the calls of ``k.sys``."""
        return self._block.aiocbp

    def done(self) -> bool:
        """Whether it is over."""
        return self._found is not None or not _in_progress(self._sys.aio_error(self.number))

    def cancel(self) -> bool:
        """Ends it; whether it had not ended otherwise."""
        return self._found is None and (self._sys.aio_cancel(self._block.aio_fildes, self.number) == const.AIO_CANCELED)

    def result(self, timeout: TimeArg = None) -> Any:
        """What read, write or fsync would have given, once it is there.

        TimeoutError after so many seconds; after `cancel` ECANCELED; else the errors of the call.
        """
        if self._found is None:
            try:
                self._sys.aio_suspend([self.number], timeout)
            except BlockingIOError:
                raise TimeoutError("the request is not over") from None
            error = self._sys.aio_error(self.number)
            result = self._sys.aio_return(self.number)
            self._found = lambda: _outcome(self._reading, error, result)
        return self._found()


class Requests:
    """``k.aio``: begins reads, writes and syncs that go on meanwhile; each gives a `Request`.

    ``signo`` is a signal that the process gets when the request is over. EAGAIN, EBADF, EINVAL.
    """

    def __init__(self, sys: Sys) -> None:
        self._sys = sys

    def read(self, fd: int, nbyte: int, offset: int = 0, *, signo: int | None = None) -> Request:
        """Begins to read, at an offset where that means something; at most 4 MiB."""
        block = _block(fd, offset, b"", nbyte, signo)
        self._sys.aio_read(block)
        return Request(self._sys, block, reading=True)

    def write(self, fd: int, data: Buffer, offset: int = 0, *, signo: int | None = None) -> Request:
        """Begins to write, at an offset where that means something; at most 4 MiB."""
        block = _block(fd, offset, data, 0, signo)
        self._sys.aio_write(block)
        return Request(self._sys, block, reading=False)

    def fsync(self, fd: int, *, datasync: bool = False, signo: int | None = None) -> Request:
        """Begins to write to the disk what requests have written to the file so far."""
        block = _block(fd, 0, b"", 0, signo)
        self._sys.aio_fsync(_sync(datasync), block)
        return Request(self._sys, block, reading=False)

    def wait(self, requests: Iterable[Request], timeout: TimeArg = None) -> list[Request]:
        """Those that are over, once there is one; none when the time has passed."""
        asked = list(requests)
        if not any(request.done() for request in asked):
            try:
                self._sys.aio_suspend([request.number for request in asked], timeout)
            except BlockingIOError:
                return []
        return [request for request in asked if request.done()]


class AsyncRequest:
    """A read, a write or a sync under way: to be awaited for what the call would have given.

    A task that is cancelled while it awaits leaves the request as it is.
    """

    def __init__(self, sys: AsyncSys, block: Aiocb, *, reading: bool) -> None:
        self._sys = sys
        self._block = block
        self._reading = reading

    @property
    def number(self) -> int:
        """For the calls of ``k.sys``."""
        return self._block.aiocbp

    async def done(self) -> bool:
        """Whether it is over."""
        return not _in_progress(await self._sys.aio_error(self.number))

    async def cancel(self) -> bool:
        """Ends it; whether it had not ended otherwise."""
        return await self._sys.aio_cancel(self._block.aio_fildes, self.number) == const.AIO_CANCELED

    def __await__(self) -> Generator[Any, None, Any]:
        return self._result().__await__()

    async def _result(self) -> Any:
        await self._sys.aio_suspend([self.number])
        error = await self._sys.aio_error(self.number)
        return _outcome(self._reading, error, await self._sys.aio_return(self.number))


class AsyncRequests:
    """``k.aio`` of `rump.aio`, as `rump.Requests`: ``data = await (await k.aio.read(fd, 100))``."""

    def __init__(self, sys: AsyncSys) -> None:
        self._sys = sys

    async def read(self, fd: int, nbyte: int, offset: int = 0, *, signo: int | None = None) -> AsyncRequest:
        """Begins to read, at an offset where that means something; at most 4 MiB."""
        block = _block(fd, offset, b"", nbyte, signo)
        await self._sys.aio_read(block)
        return AsyncRequest(self._sys, block, reading=True)

    async def write(self, fd: int, data: Buffer, offset: int = 0, *, signo: int | None = None) -> AsyncRequest:
        """Begins to write, at an offset where that means something; at most 4 MiB."""
        block = _block(fd, offset, data, 0, signo)
        await self._sys.aio_write(block)
        return AsyncRequest(self._sys, block, reading=False)

    async def fsync(self, fd: int, *, datasync: bool = False, signo: int | None = None) -> AsyncRequest:
        """Begins to write to the disk what requests have written to the file so far."""
        block = _block(fd, 0, b"", 0, signo)
        await self._sys.aio_fsync(_sync(datasync), block)
        return AsyncRequest(self._sys, block, reading=False)
