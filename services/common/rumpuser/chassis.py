"""The process of a component: joins a kernel through its gateway, serves, and leaves in order.

It serves first and then joins, since its peers may call as soon as they hear of it. The component's own `start` comes
after that, when the peers can be reached; ``Describe`` is answered, and health is SERVING, when `start` is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from typing import Any

from rumpuser import audit, config
from rumpuser import log as logs
from rumpuser.component import Bus, Component, Parameters, Peer
from rumpuser.host import Host
from rumpuser.prctl import end_with_parent
from rumpuser.records import RecordFile
from rumpuser.remember import bring_back, remember
from rumpuser.replacement import Heir, Predecessor
from rumpuser.transport.looking import new_loop
from rumpuser.transport.succession import Succession
from rumpuser.tune import tune
from rumpuser.url import Url, parse
from rumpwire import const
from rumpwire.errno import Errno, KernelError

log = logging.getLogger(__name__)

ComponentClass = Callable[[Host, Bus, Parameters], Component]

STOP_S = 1.0
"""How long calls that still wait may take to end."""
JOIN_S = 15.0
"""A gateway that does not answer by then is not there."""
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Waits before joining again, with ``--keep``; the last is repeated."""


def main(component_class: Any, argv: Sequence[str] | None = None) -> None:
    """Runs the process of a component. Exits with 0 after an orderly stop, 1 after a failure, 2 for bad settings."""
    name: str = component_class.name
    try:
        settings = config.load(sys.argv[1:] if argv is None else argv, prog=f"rump{name}")
        logs.setup(name, settings.log_level, as_json=settings.log_json)
        audit.setup(name, os.environ.get(audit.VARIABLE, ""), as_json=settings.log_json)
        if settings.die_with_parent:
            end_with_parent()
        tune()
        os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # its own lines on stderr are no records of ours
    except KernelError as error:
        print(f"rump{name}: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(Chassis(component_class, settings).run())
    except KernelError as error:
        log.error("%s", error)
        raise SystemExit(1) from None


class RemoteBus:
    """Leads to the peers that the gateway has told of."""

    def __init__(self, settings: config.ComponentConfig) -> None:
        self._settings = settings
        self._urls: dict[str, str] = {}
        self._peers: dict[str, Any] = {}
        self._blocking: Any = None
        self._closing: set[asyncio.Task[None]] = set()
        self._succession = Succession()
        self.set_peers({})

    def peer(self, name: str) -> Peer:
        found: Peer | None = self._peers.get(name) or self._succession.peer(name)
        if found is not None:
            return found
        url = self._urls.get(name)
        if not url:
            raise KernelError(Errno.ENOSYS, f"the {name} faction is not running")
        return self._connect(name, url)

    def blocking(self, name: str) -> Peer:
        from rumpuser.transport.blocking import BlockingPeer, BlockingPeers
        from rumpuser.workers import Waiting, waiter

        who = waiter()
        if who is not None:
            return Waiting(self.peer(name), who)
        url = self._urls.get(name)
        if not url:
            raise KernelError(Errno.ENOSYS, f"the {name} faction is not running")
        if self._blocking is None:
            self._blocking = BlockingPeers()
        s = self._settings
        peer: BlockingPeer = self._blocking.get(name, url, token=s.token, tls=s.tls, max_message=s.max_message)
        return peer

    def set_peers(self, urls: dict[str, str], restarting: Collection[str] = ()) -> None:
        """The kernel has changed. Connections to who is gone, or elsewhere now, are closed.

        What those who are ``restarting`` are asked meanwhile waits.
        """
        known = {*self._urls, *restarting, *self._succession.awaited} - {"gateway", *urls}
        for name in known:
            if name in restarting:
                self._succession.restarts(name)
            else:
                self._succession.ends(name)
        before, self._urls = self._urls, {"gateway": self._settings.gateway, **urls}
        if self._blocking is not None:
            for name in [name for name in before if before[name] != self._urls.get(name)]:
                self._blocking.forget(name)
        for name in [name for name in self._peers if before.get(name) != self._urls.get(name)]:
            task = asyncio.get_running_loop().create_task(self._peers.pop(name).retire())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            if name in urls:  # who waits for the one that was there before goes on with this one
                self._connect(name, urls[name])
        for name in [name for name in urls if self._succession.awaits(name)]:
            self._connect(name, urls[name])

    def gateway_is_back(self) -> None:
        """There may be another one at the same place, for those who wait for it."""
        if "gateway" in self._peers:
            task = asyncio.get_running_loop().create_task(self._peers.pop("gateway").retire())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            self._connect("gateway", self._urls["gateway"])

    async def close(self) -> None:
        peers, self._peers = self._peers, {}
        self._urls = {}
        for name in peers:
            self._succession.ends(name)
        if self._blocking is not None:
            self._blocking.close()
        await asyncio.gather(*(peer.close() for peer in peers.values()), *self._closing)

    def _connect(self, name: str, url: str) -> Peer:
        from rumpuser.transport.frames import peer_at

        s = self._settings
        peer = peer_at(parse(url), name, token=s.token, tls=s.tls, max_message=s.max_message)
        self._peers[name] = peer
        self._succession.serves(name, peer)
        return peer


class Chassis:
    """One component in this process, from its start to its end."""

    def __init__(self, component_class: ComponentClass, settings: config.ComponentConfig) -> None:
        self._class = component_class
        self._settings = settings
        self._ending = asyncio.Event()
        self._error: KernelError | None = None
        self._halting = False
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._heir: Heir | None = None

    async def run(self) -> None:
        """Serves until a signal, the gateway's word, or its end. Raises KernelError when something failed."""
        from rumpuser.systemhost import SystemHost
        from rumpuser.transport.grpc_server import ComponentServer

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        s = self._settings
        bus = RemoteBus(s)
        heir = Heir(s.heir) if s.heir else None
        if heir is not None:
            await heir.receive()
        records = RecordFile(s.records) if s.records else None
        host = SystemHost(loop, records, resting=heir is not None)
        if heir is not None:
            component: Component = await heir.take(host, bus)
        else:
            component = self._class(host, bus, s.parameters)
            if records is not None:
                remember(component, records)
        server = ComponentServer(
            component, self._listen_url(), token=s.token, tls=s.tls, max_message=s.max_message, records=records
        )
        if records is not None:
            Predecessor(component, host, bus, server.service, records)
        self._heir = heir
        server.service.waits = heir is not None
        await server.start()
        try:
            await self._serve(component, server, bus, records)
        finally:
            await server.stop(STOP_S)
            await bus.close()
            if records is not None:
                self._leave(records)
            if self._folder is not None:
                self._folder.cleanup()
        if component.howto & const.RB_DUMP:
            os.abort()
        if self._error is not None:
            raise self._error

    async def _serve(self, component: Component, server: Any, bus: RemoteBus, records: RecordFile | None) -> None:
        from rumpuser.aio import settle

        member = Membership(self._settings, component.name, self._advertised(server.url), bus, self._ending)
        joined = asyncio.get_running_loop().create_task(member.keep())
        try:
            await _first(member.ready.wait(), self._ending.wait())
            if not self._ending.is_set():
                if self._heir is not None:
                    self._heir.succeed()
                else:
                    await settle(bring_back(component, records) if records is not None else component.start())
                await server.set_serving(serving=True)
                server.service.started.resolve(None)
                log.info("ready at %s", server.url)
                await self._ending.wait()
            log.info("stopping")
            if records is not None and not member.halting:
                await server.stop(0)  # what comes now is for the successor
                records.freeze()
            await server.set_serving(serving=False)
            await settle(component.stop())
        finally:
            self._error, self._halting = member.error, member.halting
            joined.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await joined

    def _leave(self, records: RecordFile) -> None:
        """With the kernel go the records; else somebody will take over."""
        if self._halting:
            records.remove()
        else:
            records.close()

    def _listen_url(self) -> Url:
        if self._settings.listen:
            return parse(self._settings.listen, server=True)
        self._folder = tempfile.TemporaryDirectory(prefix="rump-")
        return Url("unix", path=f"{self._folder.name}/{os.getpid()}.sock")

    def _advertised(self, url: Url) -> str:
        given = self._settings.advertise
        if not given and url.scheme != "unix" and not url.host and self._settings.gateway:
            raise KernelError(Errno.EINVAL, f"others cannot reach {url}; --advertise says what they can")
        return str(parse(given)) if given else str(url)


class Membership:
    """The Join stream: this component is in the kernel for as long as it lives."""

    def __init__(
        self, settings: config.ComponentConfig, name: str, url: str, bus: RemoteBus, ending: asyncio.Event
    ) -> None:
        self._settings = settings
        self._name = name
        self._url = url
        self._bus = bus
        self._ending = ending
        self._tries = 0
        self._instance = secrets.token_bytes(16)
        self.ready = asyncio.Event()
        self.error: KernelError | None = None
        self.halting = False

    async def keep(self) -> None:
        """Stays joined; ends the process when that is over. Without a gateway there is nothing to join."""
        if not self._settings.gateway:
            self.ready.set()
            return
        try:
            while not self._ending.is_set():
                lost: KernelError | None = None
                try:
                    await self._join()
                except KernelError as error:
                    lost = error
                if not self._settings.keep:
                    self.error = lost
                    return
                log.warning("the gateway is gone (%s); joining again", lost or "it ended")
                await asyncio.sleep(BACKOFF_S[min(self._tries, len(BACKOFF_S) - 1)])
                self._tries += 1
        finally:
            self._ending.set()

    async def _join(self) -> None:
        import grpc

        from rumpuser.transport import channel, names
        from rumpwire import rump_bus_pb2 as pb

        s = self._settings
        link = channel.connect(parse(s.gateway), s.tls, s.max_message)
        try:
            method = link.stream_stream(
                "/rump.sp.v1.Registry/Join", pb.JoinRequest.SerializeToString, pb.JoinResponse.FromString
            )
            stream: Any = method(metadata=((names.TOKEN_KEY, s.token),), wait_for_ready=True)
            async with asyncio.timeout(JOIN_S):
                await stream.write(
                    pb.JoinRequest(
                        name=self._name, url=self._url, pid=os.getpid(), token=s.token, instance=self._instance
                    )
                )
                first = await stream.read()
            if self.ready.is_set():
                self._bus.gateway_is_back()
            await self._follow(stream, first)
        except TimeoutError:
            raise KernelError(Errno.ETIMEDOUT, f"no answer from the gateway at {s.gateway}") from None
        except grpc.aio.AioRpcError as failure:
            raise self._reason(failure) from None
        finally:
            await link.close()

    def _reason(self, failure: Any) -> KernelError:
        """Why the stream ended. A gateway that goes after all is no failure of ours."""
        import grpc

        refused = failure.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
        errno = Errno.EAUTH if failure.code() is grpc.StatusCode.UNAUTHENTICATED else Errno.ENOTCONN
        text = "the gateway refused this component" if refused else "lost the gateway"
        return KernelError(errno, f"{text}: {failure.details() or failure.code().name}")

    async def _follow(self, stream: Any, message: Any) -> None:
        import grpc

        while message is not grpc.aio.EOF:
            self._tries = 0
            others = [peer for peer in message.peers if peer.name != self._name]
            restarting = {peer.name for peer in others if peer.restarting}
            self._bus.set_peers({peer.name: peer.url for peer in others if not peer.restarting}, restarting)
            self.ready.set()
            if message.drain:
                log.info("the kernel halts")
                self.halting = True
                self._ending.set()
                await asyncio.Event().wait()  # the stream stays until the component has stopped
            message = await stream.read()


async def _first(*waits: Any) -> None:
    """Waits until one of them is over."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
