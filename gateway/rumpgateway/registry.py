"""Who is in the kernel: components join over gRPC, or are in this process; each learns where its peers are."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

import grpc

from rumpuser.aio import settle
from rumpuser.component import KERNEL, Component
from rumpuser.guard import Guarded
from rumpuser.transport.inprocess import blocking
from rumpuser.transport.succession import Succession
from rumpwire import calls, rump_bus_pb2
from rumpwire.errno import Errno, KernelError

log = logging.getLogger("rump.registry")

FACTIONS = ("kern", "vfs", "net", "dev")


@dataclass(slots=True)
class Member:
    """A component that has joined. ``peer`` is how the gateway calls it."""

    name: str
    url: str
    pid: int
    peer: Any
    instance: bytes = b""
    connection: Any = None
    told: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)


class Registry:
    """The members of a kernel, and the gateway's `Bus`. ``connect`` makes a peer of a URL.

    ``lost`` is called with the name of a member that went, ``joined`` with that of one that came.
    """

    def __init__(self, token: str, connect: Callable[[str, str], Any]) -> None:
        self._token = token
        self._connect = connect
        self.members: dict[str, Member] = {}
        self.gateway: Component | None = None
        self.gateway_url = ""
        self.joined: Callable[[str], None] = lambda name: None
        self.arrives: Callable[[Member], None] = lambda member: None
        """Called before anybody can call a new member."""
        self.lost: Callable[[str], None] = lambda name: None
        self.traced: Callable[[str, Any], Any] = lambda name, peer: peer
        """Puts what watches a component in front of it."""
        self._draining: set[str] = set()
        self.succession = Succession()
        self.restarted: Callable[[str], bool] = lambda name: False
        """Whether a component that went will be started again."""
        self.inherit: Callable[[str, Any], Any] = lambda name, peer: None
        """Has the successor of a component take over what it held."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.heirs: dict[str, int] = {}
        """Processes that may take a member's place while that one is still there."""
        self.replaced: Callable[[str, int], None] = lambda name, pid: None
        """Called when one does: from then on its predecessor must not do anything more."""
        self.expected: dict[str, str] = {}
        """Where components are that were in the kernel of the gateway before this one, until they have joined again."""

    # -- Bus

    def peer(self, name: str) -> Any:
        found = self.succession.peer(name)
        if found is not None:
            return found
        if name == "gateway" and self.gateway is not None:
            return self.gateway
        raise KernelError(Errno.ENOSYS, f"the {name} faction is not running in this kernel", "gateway")

    def blocking(self, name: str) -> Any:
        """For components in this process; what joined from elsewhere they call over the bus of their own."""
        return blocking(self.peer(name))

    # -- members

    def add_local(self, component: Component, pid: int) -> None:
        """A component in this process."""
        self._add(Member(component.name, "", pid, Guarded(component)))

    def _add(self, member: Member) -> None:
        self.arrives(member)
        member.connection, member.peer = member.peer, self.traced(member.name, member.peer)
        self.members[member.name] = member
        self.expected.pop(member.name, None)
        if self.succession.awaits(member.name):
            self._task(self._succeed(member))
        else:
            self.succession.serves(member.name, member.peer, member.connection)
        self._tell()
        self.joined(member.name)

    def adopt(self, name: str, url: str, pid: int, instance: bytes) -> None:
        """A component that serves, and was in the kernel of a gateway that this one takes the place of. It joins
        again soon, which changes nothing."""
        self._add(Member(name, url, pid, self._connect(name, url), instance))

    @property
    def asked(self) -> list[str]:
        """Components that owe the gateway an answer."""
        return [m.name for m in self.members.values() if getattr(m.connection, "in_flight", False)]

    async def leave(self) -> None:
        """Another gateway has taken over: the components are nothing to this one any more."""
        members, self.members = list(self.members.values()), {}
        for member in members:
            await member.connection.close()

    async def take_over(self, member: Member) -> None:
        """Waits until the successor of a component has started, and has it take over what the gateway holds.

        Errors are those of the component, ENOTCONN when it has ended again.
        """
        await settle(member.connection.call(KERNEL, calls.PING, ()))
        await settle(self.inherit(member.name, member.peer))

    async def _succeed(self, member: Member) -> None:
        """Has the successor of a component take calls when it has taken over."""
        try:
            await self.take_over(member)
        except KernelError as error:
            log.warning("%s cannot take over: %s", member.name, error)
            return
        if self.members.get(member.name) is member:
            self.succession.serves(member.name, member.peer, member.connection)
            self._tell()
            self.joined(member.name)

    def _replace(self, member: Member) -> None:
        """A member hands its place on, with all that it is: callers find the other one from now on."""
        self.arrives(member)
        del self.heirs[member.name]
        self.replaced(member.name, member.pid)
        member.connection, member.peer = member.peer, self.traced(member.name, member.peer)
        self.members[member.name] = member
        self.succession.serves(member.name, member.peer, member.connection)
        self._tell()
        self.joined(member.name)

    def _task(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _remove(self, member: Member) -> None:
        if self.members.get(member.name) is not member:
            return
        del self.members[member.name]
        if member.name not in self._draining and self.restarted(member.name):
            self.succession.restarts(member.name)
            self._tell()
        else:
            self.succession.ends(member.name)
            self._tell()
            self.lost(member.name)

    def ended(self, name: str, pid: int) -> None:
        """The process of a member has ended: it is out, before its connections tell."""
        member = self.members.get(name)
        if member is not None and member.pid == pid:
            self._remove(member)
            if member.connection is not None:
                self._task(member.connection.close())

    def expect(self, name: str) -> None:
        """A component that was given up is started after all: from now on calls wait for it."""
        self.succession.restarts(name)
        self._tell()

    def give_up(self, name: str, why: str) -> None:
        """A component will not be started again: calls that wait for it fail."""
        awaited = self.succession.awaits(name)
        self.succession.ends(name, why)
        self._tell()
        if awaited:
            self.lost(name)

    def serving(self, name: str) -> bool:
        return name in self.members and not self.succession.awaits(name)

    def _tell(self) -> None:
        waits = self.succession.awaits
        peers = [rump_bus_pb2.Peer(name=m.name, url=m.url, restarting=waits(m.name)) for m in self.members.values()]
        gone = [name for name in FACTIONS if waits(name) and name not in self.members]
        peers += [rump_bus_pb2.Peer(name=name, restarting=True) for name in gone]
        peers += [rump_bus_pb2.Peer(name=name, url=url) for name, url in self.expected.items()]
        peers.append(rump_bus_pb2.Peer(name="gateway", url=self.gateway_url))
        for member in self.members.values():
            member.told.put_nowait(rump_bus_pb2.JoinResponse(peers=peers, drain=member.name in self._draining))

    def drain(self, names: Iterable[str]) -> None:
        """Tells members to finish and leave."""
        self._draining |= set(names)
        self._tell()

    # -- gRPC

    def handler(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            "rump.sp.v1.Registry",
            {
                "Join": grpc.stream_stream_rpc_method_handler(
                    self.join,
                    rump_bus_pb2.JoinRequest.FromString,
                    rump_bus_pb2.JoinResponse.SerializeToString,
                )
            },
        )

    async def join(self, requests: Any, context: Any) -> None:
        """Keeps a component in the kernel for as long as its stream lives."""
        request = await context.read()
        if request is grpc.aio.EOF:
            return
        await self._check(request, context)
        known = self.members.get(request.name)
        if known is not None and known.instance == request.instance:
            member, peer = known, known.connection
            self._tell()
        else:
            peer = self._connect(request.name, request.url)
            member = Member(request.name, request.url, request.pid, peer, request.instance)
            log.info("%s joined from %s (pid %d)", member.name, member.url, member.pid)
            if known is not None:
                self._replace(member)
            else:
                self._add(member)
        telling = asyncio.get_running_loop().create_task(_forward(member.told, context))
        try:
            while await context.read() is not grpc.aio.EOF:
                pass
        finally:
            self._remove(member)
            telling.cancel()
            await asyncio.wait((telling,))  # gRPC takes no end of a stream while a message is being written to it
            await peer.retire()

    async def _check(self, request: Any, context: Any) -> None:
        if not hmac.compare_digest(request.token.encode(), self._token.encode()):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "wrong bus token")
        if request.name not in FACTIONS:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no component {request.name!r} belongs to a kernel")
        known = self.members.get(request.name)
        again = known is not None and request.instance and known.instance == request.instance
        if known is not None and not again and self.heirs.get(request.name) != request.pid:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, f"{request.name} is in the kernel already")


async def _forward(queue: asyncio.Queue[Any], context: Any) -> None:
    while True:
        await context.write(await queue.get())
