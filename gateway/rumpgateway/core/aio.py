"""POSIX asynchronous I/O (aio(3)): reads, writes and syncs that go on while their process does something else.

A request is a call of its process that nobody waits for. It has a number of the client's choosing, in the place of the
address of its control block. Data to be written come with it, and stay here until they are written; data that were read
stay here until aio_return fetches them. So that a process cannot fill the gateway, its requests hold `HELD_MAX` bytes,
and there are limits to their number (kern.aio_listio_max for a process, kern.aio_max for all), for which a request
counts until aio_return.

The reads of a descriptor are done one after another, and so are its writes; both wait for nothing else. A request that
waits in the kernel can be cancelled like any call that waits. Requests end with the descriptor (ECANCELED), with exec,
and with their process.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rumpgateway.core.descriptors import Description
from rumpgateway.core.signals import post
from rumpgateway.core.waiting import timeout_ns
from rumpuser import quota
from rumpuser.component import Context, Entry
from rumpuser.host import Host
from rumpuser.pending import ENDED, Begun, Channel, start, value_of
from rumpuser.sigevent import signal_of
from rumpwire import calls, const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Aiocb, AioReturnResult, Sigevent, Siginfo, Timespec

if TYPE_CHECKING:
    from rumpgateway.core.gateway import Gateway
    from rumpgateway.core.process import Process

NBYTES_MAX = 4 << 20
"""Bytes of one request, which travel in one message."""
HELD_MAX = 32 << 20
"""Bytes of all requests of one process."""
_PRIO_MAX = 0
"""No request goes before another (AIO_PRIO_DELTA_MAX)."""
SYNCS = {const.O_SYNC: calls.FSYNC, const.O_DSYNC: calls.FDATASYNC}


class Request:
    """One request. ``error`` is EINPROGRESS until it is over."""

    __slots__ = (
        "begun", "block", "buf", "cancelled", "description", "error", "listed", "op", "process", "retval", "size",
    )  # fmt: skip

    def __init__(self, process: Process, block: Aiocb, op: calls.Op, description: Description | None) -> None:
        self.process = process
        self.block = block._replace(aio_buf=b"")
        self.op = op
        self.description = description
        self.size = {calls.READ: block.aio_nbytes, calls.WRITE: len(block.aio_buf)}.get(op, 0)
        self.buf: Any = block.aio_buf if op is calls.WRITE else b""
        self.error = int(Errno.EINPROGRESS)
        self.retval = -1
        self.begun: Begun[Any] | None = None
        self.cancelled = False
        self.listed: Listed | None = None

    @property
    def over(self) -> bool:
        return self.error != Errno.EINPROGRESS

    @property
    def queue(self) -> tuple[Description | None, calls.Op]:
        """Requests with the same one are done in order."""
        return self.description, self.op

    def finish(self, error: int, value: Any = -1) -> None:
        """What was read stays until it is fetched; what was written is not needed any more."""
        self.error, self.buf = error, b""
        if self.op is calls.READ and not error:
            self.buf, value = value, len(value)
        self.retval, self.size = -1 if error else value or 0, len(self.buf)


class Listed:
    """The requests of one lio_listio, and what happens when the last of them is over."""

    def __init__(self, sig: Sigevent | None) -> None:
        self.sig = sig
        self.left = 1  # the call itself
        self.failed = False


class Requests:
    """Those of one process, by number."""

    def __init__(self, host: Host) -> None:
        self.numbered: dict[int, Request] = {}
        self.changed = Channel(host)

    def find(self, number: int) -> Request:
        """EINVAL."""
        found = self.numbered.get(number)
        if found is None:
            raise KernelError(Errno.EINVAL, f"there is no request {number}")
        return found

    def under_way(self, fd: int) -> Iterator[Request]:
        return (r for r in self.numbered.values() if r.block.aio_fildes == fd and not r.over)

    @property
    def held(self) -> int:
        return sum(r.size for r in self.numbered.values())


class AsynchronousIO:
    """All requests of a kernel."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._count = 0
        self._queues: dict[tuple[Description | None, calls.Op], deque[Request]] = {}
        self._resting = False
        self.listio_max, self.most = const.AIO_LISTIO_MAX, const.AIO_MAX

    def set_limits(self, ctx: Context, listio_max: int, most: int) -> None:
        """kern says so. It is recorded, since kern does not say it again to a gateway that comes back."""
        self.listio_max, self.most = listio_max, most
        self._gateway.host.records.put("aio limits", 0, (listio_max, most))

    def restore(self) -> None:
        """What kern told the predecessor."""
        for _, (listio_max, most), _ in self._gateway.host.records.items("aio limits"):
            self.listio_max, self.most = listio_max, most

    def of(self, p: Process) -> Requests:
        if p.aio is None:
            p.aio = Requests(self._gateway.host)
        return p.aio

    # -- beginning

    def submit(self, p: Process, block: Aiocb, op: calls.Op, listed: Listed | None = None, memory: int = 0) -> None:
        """EINVAL, EAGAIN, EBADF, in this order. ``memory``: what its identity may hold here, if that is bounded."""
        mine = self.of(p)
        _check(mine, block, op)
        request = Request(p, block, op, None)
        self._room(mine, request, memory)
        request.description = p.fds.get(block.aio_fildes)
        if op not in (calls.READ, calls.WRITE) and request.description.owner != "vfs":
            raise KernelError(Errno.EINVAL, f"descriptor {block.aio_fildes} is no file, and cannot be synced")
        self._keep(mine, request, listed)
        if op in (calls.READ, calls.WRITE):
            queue = self._queues.setdefault(request.queue, deque())
            queue.append(request)
            if len(queue) == 1:
                self._begin(request, lambda: self._transfer(request))
        else:
            self._begin_sync(mine, request)

    def refuse(self, p: Process, block: Aiocb, op: calls.Op, error: KernelError) -> None:
        """Keeps a request of a list that could not be begun, for aio_error to tell why."""
        mine = self.of(p)
        found = mine.numbered.get(block.aiocbp)
        if block.aiocbp and len(mine.numbered) < self.listio_max and (found is None or found.over):
            request = Request(p, block, op, None)
            request.finish(error.errno)
            self._keep(mine, request, None)

    def _room(self, mine: Requests, request: Request, memory: int) -> None:
        again = request.block.aiocbp in mine.numbered  # which it takes the place of
        if self._count + 1 - again > self.most:
            raise KernelError(Errno.EAGAIN, f"there are {self._count} requests (kern.aio_max)")
        if len(mine.numbered) + 1 - again > self.listio_max:
            text = f"the process has {len(mine.numbered)} requests (kern.aio_listio_max) that were not fetched"
            raise KernelError(Errno.EAGAIN, text)
        self._quota(request, memory)
        if mine.held + request.size > HELD_MAX:
            raise KernelError(Errno.EAGAIN, f"the requests of the process hold {mine.held} of {HELD_MAX} bytes")

    def _quota(self, request: Request, memory: int) -> None:
        """EAGAIN."""
        if memory and request.size:
            whose = request.process.cred.subject
            held = sum(count for subject, count in self.held() if subject == whose)
            quota.check(whose, "requests", held, request.size, memory, Errno.EAGAIN)

    def held(self) -> Iterator[tuple[str, int]]:
        """Whose identity each process with requests is, and what they hold."""
        return ((p.cred.subject, p.aio.held) for p in self._gateway.processes.values() if p.aio is not None)

    def _keep(self, mine: Requests, request: Request, listed: Listed | None) -> None:
        self._count += request.block.aiocbp not in mine.numbered
        mine.numbered.pop(request.block.aiocbp, None)
        mine.numbered[request.block.aiocbp] = request
        request.listed = listed
        if listed is not None:
            listed.left += 1

    def forget(self, mine: Requests, request: Request) -> None:
        del mine.numbered[request.block.aiocbp]
        self._count -= 1

    # -- doing

    def _begin(self, request: Request, call: Callable[[], Any]) -> None:
        request.begun = begun = Begun(call)
        begun.outcome.when_done(lambda: self._finished(request, begun))

    def _begin_sync(self, mine: Requests, request: Request) -> None:
        before = itertools.takewhile(lambda r: r is not request, mine.numbered.values())
        earlier = [r for r in before if r.op is calls.WRITE and not r.over]
        self._begin(request, lambda: self._sync(request, earlier))

    async def _transfer(self, request: Request) -> Any:
        """At its offset, in what can seek."""
        p, fd, offset = request.process, request.block.aio_fildes, request.block.aio_offset
        description = request.description
        if p.fds.find(fd) is not description or description is None:
            raise KernelError(Errno.EBADF, f"descriptor {fd} was closed meanwhile")
        what = request.block.aio_nbytes if request.op is calls.READ else request.buf
        if description.owner == "vfs":
            op = calls.PREAD if request.op is calls.READ else calls.PWRITE
            try:
                return await value_of(self._gateway.route(p, op, (fd, what, offset)))
            except KernelError as error:
                if error.errno != Errno.ESPIPE:
                    raise
        return await value_of(self._gateway.route(p, request.op, (fd, what)))

    async def _sync(self, request: Request, earlier: Sequence[Request]) -> None:
        """Once the writes that were there before are over, by whatever descriptor they go to the same file."""
        mine = self.of(request.process)
        writes = [r for r in earlier if r.description is request.description]
        others = [r for r in earlier if r.description is not request.description]
        if others:
            file = await self._file(request)
            writes += [r for r in others if await self._file(r) == file]
        while not all(r.over for r in writes):
            await mine.changed.wait()
        await value_of(self._gateway.route(request.process, request.op, (request.block.aio_fildes,)))

    async def _file(self, request: Request) -> tuple[int, int] | None:
        description = request.description
        if description is None or description.owner != "vfs":
            return None
        try:
            call = self._gateway.peer("vfs").call(request.process.context, calls.FSTAT, (description.handle,))
            found = await value_of(call)
        except KernelError:
            return None
        return found.st_dev, found.st_ino

    def _finished(self, request: Request, begun: Begun[Any]) -> None:
        try:
            request.finish(0, begun.outcome.result())
        except KernelError as error:
            ended = request.cancelled and error.errno in ENDED
            if self._resting and not ended and error.errno in ENDED:
                request.begun = None
                return
            request.finish(Errno.ECANCELED if ended else error.errno)
        request.begun = None
        self._next(request)
        self._tell(request)

    def _next(self, request: Request) -> None:
        """Begins the next of its queue: from the loop, since a long queue would be a deep recursion."""
        queue = self._queues.get(request.queue)
        if queue is None:
            return
        if queue and queue[0] is request:
            queue.popleft()
        if not queue:
            del self._queues[request.queue]
        else:
            self._gateway.host.call_soon(lambda: self._go_on(request.queue))

    def _go_on(self, key: tuple[Description | None, calls.Op]) -> None:
        queue = self._queues.get(key)
        if not queue:
            self._queues.pop(key, None)
        elif queue[0].begun is None and not self._resting:
            following = queue[0]
            self._begin(following, lambda: self._transfer(following))

    def _tell(self, request: Request) -> None:
        p, listed = request.process, request.listed
        if p.exited:
            return
        if p.aio is not None:
            p.aio.changed.wake()
        self._signal(p, request.block.aio_sigevent)
        if listed is not None:
            listed.failed = listed.failed or request.error != 0
            self.leave_list(p, listed)

    def leave_list(self, p: Process, listed: Listed) -> None:
        listed.left -= 1
        if not listed.left:
            self._signal(p, listed.sig)

    def _signal(self, p: Process, event: Sigevent | None) -> None:
        signo = signal_of(event)
        if event is not None and signo:
            info = Siginfo(si_code=const.SI_ASYNCIO, si_value=event.sigev_value)
            posting: Any = post(self._gateway, p.pid, signo, info)
            start(posting)

    # -- resting, while all that there is goes to a successor

    def rest(self) -> None:
        """Ends what is under way, to be begun again."""
        self._resting = True
        for request in self._requests():
            if request.begun is not None:
                request.begun.cancel()

    def go_on(self) -> None:
        self._resting = False
        for key in list(self._queues):
            self._go_on(key)
        for request in self._requests():
            if request.queue not in self._queues and request.begun is None and not request.over:
                self._begin_sync(self.of(request.process), request)

    def _requests(self) -> list[Request]:
        return [r for p in self._gateway.processes.values() if p.aio is not None for r in p.aio.numbered.values()]

    # -- ending

    async def cancel(self, p: Process, requests: Iterable[Request]) -> int:
        """AIO_CANCELED when all were, AIO_NOTCANCELED when one got to its end all the same, AIO_ALLDONE for none."""
        ending = [r for r in requests if not r.over]
        for request in reversed(ending):  # so that none of those behind is begun
            self._end(request)
        while not all(r.over for r in ending):
            await self.of(p).changed.wait()
        if not ending:
            return const.AIO_ALLDONE
        all_were = all(r.error == Errno.ECANCELED for r in ending)
        return const.AIO_CANCELED if all_were else const.AIO_NOTCANCELED

    def _end(self, request: Request) -> None:
        request.cancelled = True
        if request.begun is not None:
            request.begun.cancel()
        elif not request.over:
            self._queues[request.queue].remove(request)
            request.finish(Errno.ECANCELED)
            self._tell(request)

    async def descriptor_closed(self, p: Process, fd: int) -> None:
        if p.aio is not None:
            await self.cancel(p, p.aio.under_way(fd))

    async def execed(self, p: Process) -> None:
        """The new program knows of none of them."""
        if p.aio is not None:
            await self.cancel(p, p.aio.numbered.values())
            self._count -= len(p.aio.numbered)
            p.aio = None

    def exited(self, p: Process) -> None:
        if p.aio is not None:
            requests = [r for r in p.aio.numbered.values() if not r.over]
            self._count -= len(p.aio.numbered)
            p.aio = None
            for request in reversed(requests):
                self._end(request)


def _check(mine: Requests, block: Aiocb, op: calls.Op) -> None:
    """EINVAL."""
    found = mine.numbered.get(block.aiocbp)
    if not block.aiocbp or (found is not None and not found.over):
        text = f"request {block.aiocbp} is under way" if found else "0 names no request"
        raise KernelError(Errno.EINVAL, text)
    signal_of(block.aio_sigevent)
    if not 0 <= block.aio_reqprio <= _PRIO_MAX:
        raise KernelError(Errno.EINVAL, f"request priority {block.aio_reqprio}: there is 0 alone")
    if op in (calls.READ, calls.WRITE) and max(block.aio_nbytes, len(block.aio_buf)) > NBYTES_MAX:
        raise KernelError(Errno.EINVAL, f"a request has at most {NBYTES_MAX} bytes")


# -- the calls


def aio_read(gateway: Gateway, p: Process, block: Aiocb | None) -> Any:
    return gateway.memory.bounded(
        p, "aio", lambda room: gateway.aio.submit(p, block or Aiocb(), calls.READ, memory=room)
    )


def aio_write(gateway: Gateway, p: Process, block: Aiocb | None) -> Any:
    return gateway.memory.bounded(
        p, "aio", lambda room: gateway.aio.submit(p, block or Aiocb(), calls.WRITE, memory=room)
    )


def aio_fsync(gateway: Gateway, p: Process, op: int, block: Aiocb | None) -> None:
    if op not in SYNCS:
        raise KernelError(Errno.EINVAL, f"aio_fsync {op:#x}: there are O_SYNC and O_DSYNC")
    gateway.aio.submit(p, block or Aiocb(), SYNCS[op])


def aio_error(gateway: Gateway, p: Process, number: int) -> int:
    return gateway.aio.of(p).find(number).error


def aio_return(gateway: Gateway, p: Process, number: int) -> AioReturnResult:
    mine = gateway.aio.of(p)
    request = mine.find(number)
    if not request.over:
        raise KernelError(Errno.EINVAL, f"request {number} is under way")
    gateway.aio.forget(mine, request)
    return AioReturnResult(request.retval, request.buf)


async def aio_suspend(gateway: Gateway, p: Process, numbers: Sequence[int], time: Timespec | None) -> None:
    """Zeroes in the list are passed over, as null pointers are."""
    if not 0 < len(numbers) <= gateway.aio.listio_max:
        raise KernelError(Errno.EAGAIN, f"1 to {gateway.aio.listio_max} requests (kern.aio_listio_max)")
    mine = gateway.aio.of(p)
    requests = [mine.find(number) for number in numbers if number]
    wait = timeout_ns(time)
    deadline = None if wait is None else gateway.host.monotonic_ns() + wait
    while not any(r.over for r in requests):
        if wait != 0 and await mine.changed.wait(deadline):
            continue
        raise KernelError(Errno.EAGAIN, "the time has passed, and no request is over")


async def aio_cancel(gateway: Gateway, p: Process, fd: int, number: int) -> int:
    p.fds.get(fd)
    mine = gateway.aio.of(p)
    if not number:
        return await gateway.aio.cancel(p, mine.under_way(fd))
    request = mine.numbered.get(number)
    if request is not None and request.block.aio_fildes != fd:
        raise KernelError(Errno.EBADF, f"request {number} is one of descriptor {request.block.aio_fildes}")
    return await gateway.aio.cancel(p, [request] if request else [])


async def lio_listio(gateway: Gateway, p: Process, mode: int, blocks: Sequence[Aiocb], sig: Sigevent | None) -> None:
    """EIO when a request could not be begun, or with LIO_WAIT failed: aio_error tells which."""
    aio = gateway.aio
    if mode not in (const.LIO_WAIT, const.LIO_NOWAIT):
        raise KernelError(Errno.EINVAL, f"mode {mode}: there are LIO_WAIT and LIO_NOWAIT")
    if not 0 < len(blocks) <= aio.listio_max:
        raise KernelError(Errno.EINVAL, f"a list has 1 to {aio.listio_max} requests (kern.aio_listio_max)")
    signal_of(sig)
    listed = Listed(sig if mode == const.LIO_NOWAIT else None)
    memory = await gateway.memory.here(p, "aio")
    refused = [block for block in blocks if not _submit(aio, p, block, listed, memory)]
    mine = aio.of(p)
    while mode == const.LIO_WAIT and listed.left > 1:
        await mine.changed.wait()
    aio.leave_list(p, listed)
    if refused or (mode == const.LIO_WAIT and listed.failed):
        raise KernelError(Errno.EIO, f"of {len(blocks)} requests {len(refused)} were refused; aio_error tells more")


_OPCODES = {const.LIO_READ: calls.READ, const.LIO_WRITE: calls.WRITE}


def _submit(aio: AsynchronousIO, p: Process, block: Aiocb, listed: Listed, memory: int) -> bool:
    """Begins one of a list; LIO_NOP is nothing."""
    if block.aio_lio_opcode == const.LIO_NOP:
        return True
    op = _OPCODES.get(block.aio_lio_opcode)
    try:
        if op is None:
            raise KernelError(Errno.EINVAL, f"there is no operation {block.aio_lio_opcode}")
        aio.submit(p, block, op, listed, memory)
    except KernelError as error:
        aio.refuse(p, block, op or calls.READ, error)
        return False
    return True


AIO_CALLS: dict[str, Entry] = {
    "aio_cancel": Entry(aio_cancel),
    "aio_error": Entry(aio_error),
    "aio_fsync": Entry(aio_fsync),
    "aio_read": Entry(aio_read),
    "aio_return": Entry(aio_return),
    "aio_suspend": Entry(aio_suspend),
    "aio_write": Entry(aio_write),
    "lio_listio": Entry(lio_listio),
}
