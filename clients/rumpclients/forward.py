"""rump.forward: ports of this machine that lead into the network of the kernel, and ports of the kernel that lead here.

A connection is two copies, one for each direction, which end apart, as half-closed connections do. A copy has one piece
under way: the next is read when this one was taken, so back-pressure is that of TCP, and memory is bounded. Connections
are made in the order in which they were accepted, which servers that want several of one client count on. Reads wait
in the kernel: a piece is one call, and nothing is polled. Datagrams go many in a call; each of their senders is a flow
with a socket of its own, and goes when it was idle for a while.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import signal
import socket
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import rump
import rump.aio
from rumpclients._command import CommandError, Parser, UsageError, print_json, reason, run
from rumpclients._ends import (
    Datagram,
    Flow,
    HostPort,
    HostStream,
    KernelPort,
    KernelStream,
    Port,
    Stream,
    end_if_lost,
    gone,
)
from rumpclients._forwards import Endpoint, Forward, parse
from rumpclients._net import parse_address

BUFFER = 1 << 17
"""Buffers of sockets for datagrams in the kernel: the largest fit, and some."""
_BUFFERS = (socket.SO_SNDBUF, socket.SO_RCVBUF)
CONNECTIONS, CONNECTIONS_MAX = 400, 480
"""A gateway has at most 1024 calls of a client waiting; a connection has one or two."""
ACCEPTS = 4
"""How many calls wait for connections of one port of the kernel."""
PAUSE_S = 0.1
_NO_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
Work = Coroutine[Any, Any, None]


def parser() -> Parser:
    p = Parser(
        "rump.forward",
        "Forwards ports between this machine and the network of the kernel that RUMP_SERVER names, as ssh -L and -R.",
        epilog="An empty ADDRESS or * is all addresses. Without one, -L listens on 127.0.0.1, -R on all of the kernel. "
        "Port 0 takes one that is free. SIGUSR1 prints what was forwarded; SIGTERM ends.",
    )
    spec = "[ADDRESS:]PORT:ADDRESS:PORT[/udp]"
    p.add_argument("-L", dest="local", action="append", default=[], metavar=spec, help="from here into the kernel")
    p.add_argument("-R", dest="reverse", action="append", default=[], metavar=spec, help="from the kernel to here")
    p.add_argument("-m", "--max-connections", type=int, default=CONNECTIONS, metavar="N",
                   help=f"connections and flows at a time ({CONNECTIONS}); others wait")  # fmt: skip
    p.add_argument("--udp-timeout", type=float, default=60.0, metavar="SECONDS", help="end of a flow that is idle (60)")
    p.add_argument("--json", action="store_true", help="print what is forwarded as JSON")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    return run("rump.forward", lambda: _forward(parser().parse_args(argv)))


def _forward(options: argparse.Namespace) -> int:
    forwards = [parse(text, reverse=False) for text in options.local]
    forwards += [parse(text, reverse=True) for text in options.reverse]
    if not forwards:
        raise UsageError("nothing to forward: give -L or -R")
    if not 0 < options.max_connections <= CONNECTIONS_MAX or options.udp_timeout <= 0:
        raise UsageError(f"-m is 1 to {CONNECTIONS_MAX}, --udp-timeout above 0")
    try:
        asyncio.run(_serve(forwards, options))
    except BaseExceptionGroup as group:
        raise _first(group) from None
    except asyncio.CancelledError:
        pass
    return 0


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _serve(forwards: list[Forward], options: argparse.Namespace) -> None:
    """Until a signal ends it, or the kernel goes away."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    async with rump.aio.connect(comm="rump.forward") as k:
        room = Room(k, options.max_connections, options.udp_timeout)
        async with asyncio.TaskGroup() as group:
            for forward in forwards:
                for work in await opened(room, forward):
                    group.create_task(work)
            loop.add_signal_handler(signal.SIGUSR1, _tell, forwards, options.json, True)
            _tell(forwards, options.json)


def _tell(forwards: list[Forward], as_json: bool, totals: bool = False) -> None:
    if as_json:
        print_json([f.row() for f in forwards])
    for f in forwards if not as_json else ():
        many = f"  {f.connections} connections, {f.to_target} bytes there, {f.from_target} bytes back"
        print(f"{f}{many if totals else ''}{f', {f.dropped} dropped' if totals and f.dropped else ''}")
    sys.stdout.flush()


class Room:
    """The process of the kernel, and room for so many connections."""

    def __init__(self, k: rump.aio.Client, most: int, idle_s: float) -> None:
        self.k = k
        self.idle_s = idle_s
        self.free = asyncio.Semaphore(most)

    async def name(self, end: Endpoint) -> Any:
        """The address of an end in the kernel. CommandError."""
        rows = await self.k.pub.netconfig_ifaddrs() if "%" in end.host else []
        links = {row.name: row.ifindex for row in rows}
        name = parse_address(end.host, index=links.get)
        if isinstance(name, rump.SockaddrIn):
            return name._replace(sin_port=end.port)
        if "%" in end.host and not name.sin6_scope_id:
            raise CommandError(f"{end}: the kernel has no such interface")
        return name._replace(sin6_port=end.port)


# -- listening and connecting


async def opened(room: Room, forward: Forward) -> list[Work]:
    """Listens; what is to be run then. ``*`` is two sockets with one port. CommandError."""
    hosts = ["0.0.0.0", "::"] if forward.listen.host == "*" else [forward.listen.host]  # noqa: S104
    open_side, works = (_in_kernel if forward.reverse else _on_host), []
    if not forward.reverse:
        await room.name(forward.target)
    for number, host in enumerate(hosts):
        try:
            port, work = await open_side(room, forward, forward.listen._replace(host=host))
        except OSError as error:
            if number and error.errno in _NO_FAMILY:
                continue
            raise CommandError(f"{forward}: {reason(error)}") from error
        forward.listen = forward.listen._replace(port=port)
        works.append(work)
    return works


async def _in_kernel(room: Room, forward: Forward, end: Endpoint) -> tuple[int, Work]:
    name = await room.name(end)
    family = _family(name)
    sys = room.k.sys
    if forward.protocol == "udp":
        fd = await sys.socket(family, socket.SOCK_DGRAM, 0)
        for option in _BUFFERS:
            await sys.setsockopt(fd, socket.SOL_SOCKET, option, BUFFER)
        await sys.bind(fd, name)
        port = KernelPort(room.k, fd, connected=False)
        work: Work = Flows(room, forward, port, lambda: _host_flow(forward)).run()
    else:
        fd = await sys.socket(family, socket.SOCK_STREAM, 0)
        await sys.setsockopt(fd, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        await sys.setsockopt(fd, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await sys.bind(fd, name)
        await sys.listen(fd, 128)
        work = Links(room, forward, lambda: _kernel_accept(room, fd), lambda: _host_link(forward)).run(ACCEPTS)
    bound: Any = await sys.getsockname(fd)
    return bound[1], work


async def _on_host(room: Room, forward: Forward, end: Endpoint) -> tuple[int, Work]:
    udp = forward.protocol == "udp"
    s, name = await _host_socket(end, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    try:
        _bound(s, name)
    except OSError:
        s.close()
        raise
    work: Work
    if udp:
        work = Flows(room, forward, HostPort(s, connected=False), lambda: _kernel_flow(room, forward)).run()
    else:
        work = Links(room, forward, lambda: _host_accept(s), lambda: _kernel_link(room, forward)).run(1)
    return s.getsockname()[1], work


def _bound(s: socket.socket, name: Any) -> None:
    if s.family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if s.type == socket.SOCK_STREAM:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(name)
    if s.type == socket.SOCK_STREAM:
        s.listen(128)


def _family(name: Any) -> int:
    return socket.AF_INET6 if isinstance(name, rump.SockaddrIn6) else socket.AF_INET


async def _host_socket(end: Endpoint, kind: socket.SocketKind) -> tuple[socket.socket, Any]:
    """A socket for an end of this machine, and its address. For numbers nothing waits: connections keep their order."""
    try:
        found = socket.getaddrinfo(end.host, end.port, type=kind, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await asyncio.get_running_loop().getaddrinfo(end.host, end.port, type=kind)
    family, _, _, _, name = found[0]
    s = socket.socket(family, kind)
    s.setblocking(False)
    return s, name


async def _connected(end: Endpoint, kind: socket.SocketKind) -> socket.socket:
    s, name = await _host_socket(end, kind)
    try:
        await asyncio.get_running_loop().sock_connect(s, name)
    except BaseException:
        s.close()
        raise
    return s


async def _host_accept(s: socket.socket) -> Stream:
    new, _ = await asyncio.get_running_loop().sock_accept(s)
    return _tuned(new)


def _tuned(s: socket.socket) -> HostStream:
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return HostStream(s)


async def _host_link(forward: Forward) -> Stream:
    return _tuned(await _connected(forward.target, socket.SOCK_STREAM))


async def _host_flow(forward: Forward) -> Port:
    return HostPort(await _connected(forward.target, socket.SOCK_DGRAM), connected=True)


async def _kernel_accept(room: Room, fd: int) -> Stream:
    b = room.k.batch()
    new = b.accept(fd)
    b.setsockopt(new.s, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await b.run()
    return KernelStream(room.k, new.result().s)


async def _kernel_socket(room: Room, forward: Forward, kind: int) -> int:
    """A socket that is connected to the target: one message."""
    name = await room.name(forward.target)
    b = room.k.batch()
    fd = b.socket(_family(name), kind, 0)
    if kind == socket.SOCK_STREAM:
        b.setsockopt(fd, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        b.setsockopt(fd, socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    else:
        for option in _BUFFERS:
            b.setsockopt(fd, socket.SOL_SOCKET, option, BUFFER)
    done = b.connect(fd, name)
    try:
        await b.run()
        done.result()
    except BaseException:
        if fd.done() and fd.exception() is None:
            await room.k.sys.close(fd.result())
        raise
    return fd.result()


async def _kernel_link(room: Room, forward: Forward) -> Stream:
    return KernelStream(room.k, await _kernel_socket(room, forward, socket.SOCK_STREAM))


async def _kernel_flow(room: Room, forward: Forward) -> Port:
    return KernelPort(room.k, await _kernel_socket(room, forward, socket.SOCK_DGRAM), connected=True)


# -- carrying


class Links:
    """Connections of one forwarded port. ``accept`` waits for one, ``dial`` makes its other half."""

    def __init__(
        self,
        room: Room,
        forward: Forward,
        accept: Callable[[], Awaitable[Stream]],
        dial: Callable[[], Awaitable[Stream]],
    ) -> None:
        self._room = room
        self._forward = forward
        self._accept = accept
        self._dial = dial

    async def run(self, acceptors: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(acceptors):
                group.create_task(self._take(group))

    async def _take(self, group: asyncio.TaskGroup) -> None:
        while True:
            try:
                near = await self._accept()
            except OSError as error:
                end_if_lost(error)
                if error.errno != errno.ECONNABORTED:
                    self._forward.complain(error)
                    await asyncio.sleep(PAUSE_S)
                continue
            await self._room.free.acquire()
            group.create_task(self._carry(near))

    async def _carry(self, near: Stream) -> None:
        """One connection, to its end. One that cannot be made, or breaks, is a reset on the other side too."""
        reset, far = True, None
        try:
            far = await self._dial()
            self._forward.connections += 1
            reset = not await self._both(near, far)
        except OSError as error:
            end_if_lost(error)
            self._forward.complain(error)
        finally:
            self._room.free.release()
            for stream in (near, far):
                if stream is not None:
                    await stream.close(reset=reset)

    async def _both(self, near: Stream, far: Stream) -> bool:
        """Copies both ways: whether both came to their ends."""
        whole = True
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._copy(near, far, 1))
                both.create_task(self._copy(far, near, 0))
        except* OSError as group:
            end_if_lost(_first(group))
            whole = False
        return whole

    async def _copy(self, source: Stream, sink: Stream, there: int) -> None:
        while data := await source.read():
            await sink.write(data)
            self._forward.count(len(data), there)
        await sink.end()


class Flows:
    """Flows of one forwarded port. When there is no room the one that was idle for longest goes."""

    def __init__(self, room: Room, forward: Forward, port: Port, dial: Callable[[], Awaitable[Port]]) -> None:
        self._room = room
        self._forward = forward
        self._port = port
        self._dial = dial
        self._flows: OrderedDict[Any, tuple[Flow, asyncio.Task[None]]] = OrderedDict()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                for data, name in await _received(self._port):
                    if name not in self._flows:
                        await self._begin(group, name)
                    if name not in self._flows or not self._flows[name][0].put(data):
                        self._forward.dropped += 1
                    else:
                        self._flows.move_to_end(name)

    async def _begin(self, group: asyncio.TaskGroup, name: Any) -> None:
        if self._room.free.locked():
            if self._flows:
                _, (_, oldest) = self._flows.popitem(last=False)
                oldest.cancel()
            return
        await self._room.free.acquire()
        flow = Flow()
        self._flows[name] = flow, group.create_task(self._carry(name, flow))

    async def _carry(self, name: Any, flow: Flow) -> None:
        far = None
        try:
            far = await self._dialled()
            self._forward.connections += 1
            async with asyncio.timeout(self._room.idle_s) as clock:
                await self._both(name, flow, far, clock)
        except TimeoutError:
            pass
        except OSError as error:
            end_if_lost(error)
            self._forward.complain(error)
        finally:
            self._room.free.release()
            if name in self._flows and self._flows[name][0] is flow:
                del self._flows[name]
            if far is not None:
                await far.close()

    async def _dialled(self) -> Port:
        """The other half. A call that is broken off would leave its descriptor behind, so it is waited for."""
        dialling = asyncio.ensure_future(self._dial())
        try:
            return await asyncio.shield(dialling)
        except asyncio.CancelledError:
            with gone():
                await (await dialling).close()
            raise

    async def _both(self, name: Any, flow: Flow, far: Port, clock: asyncio.Timeout) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(self._there(flow, far, clock))
            both.create_task(self._back(name, far, clock))

    async def _there(self, flow: Flow, far: Port, clock: asyncio.Timeout) -> None:
        while True:
            await self._send(far, [(data, None) for data in await flow.take()], clock, 1)

    async def _back(self, name: Any, far: Port, clock: asyncio.Timeout) -> None:
        while True:
            await self._send(self._port, [(data, name) for data, _ in await _received(far)], clock, 0)

    async def _send(self, port: Port, datagrams: list[Datagram], clock: asyncio.Timeout, there: int) -> None:
        clock.reschedule(asyncio.get_running_loop().time() + self._room.idle_s)
        taken = await port.send(datagrams)
        self._forward.dropped += len(datagrams) - taken
        self._forward.count(sum(len(data) for data, _ in datagrams), there)


async def _received(port: Port) -> list[Datagram]:
    """What has come. Errors about datagrams that were sent before are none of receiving."""
    while True:
        try:
            return await port.receive()
        except OSError as error:
            end_if_lost(error)
            await asyncio.sleep(PAUSE_S)


if __name__ == "__main__":
    sys.exit(main())
