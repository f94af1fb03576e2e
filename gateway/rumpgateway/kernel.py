"""One kernel behind a gateway: registry, gateway, services, supervisor and listeners, put together and taken down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import descriptor_pool

from rumpgateway import components, sockets
from rumpgateway.admission import Admission
from rumpgateway.core.gateway import Gateway
from rumpgateway.door import Door
from rumpgateway.leases import Leases
from rumpgateway.monitor import Monitor
from rumpgateway.recovery import Recovery
from rumpgateway.registry import Member, Registry
from rumpgateway.relay import Carrier
from rumpgateway.replacement import Predecessor, Successor, carrying
from rumpgateway.service import Service
from rumpgateway.sessions import Sessions
from rumpgateway.statistics import SLOW_NS, Statistics
from rumpgateway.supervisor import Care, Supervisor
from rumpgateway.tracing import Tracer
from rumpuser.aio import pending_of, settle
from rumpuser.component import KERNEL, Component, Parameters
from rumpuser.records import RecordFile
from rumpuser.systemhost import SystemHost
from rumpuser.transport.channel import bound_at, listen, options, unlink
from rumpuser.transport.frames import peer_at
from rumpuser.transport.grpc_server import ComponentService
from rumpuser.transport.names import Tls
from rumpuser.transport.peer import RemotePeer
from rumpuser.url import Url, parse
from rumpwire import calls, rump_sp_pb2
from rumpwire.errno import Errno, KernelError

log = logging.getLogger("rump.kernel")

MAX_BUS_MESSAGE = 64 << 20
"""Largest message between components: wheels of modules travel in one."""
IDLE_MS = 60_000
"""A connection without a call for so long is closed; the client connects again when it needs to."""
POLICY_S = 1.0
"""How often the policy is looked at; whoever attaches meets what it says now."""
STATUS_S = 1.0
"""How long a component may take to tell of its modules; kern asks the others, who may be restarting."""
DRAIN_S = 2.0
"""How long calls in flight may take to finish when the kernel halts."""


@dataclass(frozen=True, slots=True)
class KernelConfig:
    """How a kernel is brought up. ``spawn`` is off where the components start apart and join over the bus.

    ``outlived``: the components go on when the gateway is killed, and the next one takes over. Where it starts them
    itself the keeper (a pid) starts it; ``generation`` is how many that has started before.
    """

    urls: tuple[Url, ...]
    folder: str
    factions: tuple[str, ...] = ("vfs", "net", "dev")
    placement: str = "split"
    bus: Url | None = None
    token: str = ""
    spawn: bool = True
    outlived: bool = False
    keeper: int = 0
    generation: int = 0
    succeeds: bool = False
    """Whether this process takes the place of another one that serves."""
    max_message: int = 16 << 20
    parameters: Parameters = field(default_factory=Parameters)
    component_flags: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    tls: Tls = field(default_factory=Tls)
    bus_tls: Tls = field(default_factory=Tls)
    metrics: tuple[str, int] | None = None
    slow_ns: int = SLOW_NS
    channelz: bool = False
    trace: str = ""
    policy: str = ""
    socket_mode: int = 0o600
    care: Care = field(default_factory=Care)


class Kernel:
    """A kernel that serves clients; `run` it until it halts."""

    def __init__(self, config: KernelConfig, heir: Successor | None = None) -> None:
        self._config = config
        self._heir = heir
        self._token = config.token or secrets.token_hex(16)
        self._bus_url = config.bus or Url("unix", path=f"{config.folder}/bus.sock")
        self._halted = asyncio.Event()
        self.started = time.monotonic()
        self._servers: list[grpc.aio.Server] = []
        self.replaced_ms = 0
        """How long it took to take the place of a predecessor."""
        self.metrics: tuple[str, int] | None = None
        """Where Prometheus finds its figures."""
        self._served: list[Url] = []
        self.door: Door | None = None
        self.carrier = Carrier(self._token)
        self.statistics: Statistics | None = None
        self._modules: dict[str, list[str]] = {}
        self._local: list[Component] = []
        self._records = _open_records(config) if config.outlived else None
        self._host = SystemHost(asyncio.get_running_loop(), self._records, resting=heir is not None)
        self._tracer = Tracer(config.trace) if config.trace else None
        self.registry = Registry(self._token, self._connect)
        if self._tracer is not None:
            self.registry.traced = self._tracer.peer
        self.supervisor = self._supervisor()
        self._taken: dict[str, Any] = {}
        """What a predecessor has handed over, besides the gateway."""
        if heir is None:
            self.gateway = Gateway(self._host, self.registry, config.parameters, log.info)
        else:
            self.gateway, self._taken = heir.load(self)
        self.registry.gateway = self.gateway
        self.registry.gateway_url = str(self._bus_url)
        self.sessions = Sessions(self.gateway)
        self.admission = Admission(config.policy, self._host.records)
        self.admission.changed = lambda: self.sessions.review(self.admission.still)
        self.sessions.quota = self.admission.quota
        self.recovery = Recovery(self._host.records, self.registry, self.gateway, self.sessions)
        self.registry.restarted = self.supervisor.restarts
        self.registry.inherit = self.gateway.inherit
        self.gateway.restart = lambda name, crash, fresh: pending_of(self._restart(name, crash=crash, fresh=fresh))
        self.leases = Leases(self._token)
        self.registry.arrives = self._arrives
        self.registry.joined = self._joined
        self.registry.lost = self._lost
        self.gateway.halt = self._reboot
        self._predecessor: Predecessor | None = None
        self.howto = 0
        """How it was halted, RB_*."""
        self.gateway.panic = _panic
        self.gateway.start_faction = self._start_faction
        self.gateway.memory.shared = self._shared

    def _supervisor(self) -> Supervisor:
        config = self._config
        return Supervisor(
            self.registry,
            config.folder,
            str(self._bus_url),
            config.component_flags,
            {**dict(config.environment), "RUMP_BUS_TOKEN": self._token},
            config.care,
            config.keeper,
        )

    @property
    def host(self) -> SystemHost:
        return self._host

    @property
    def records(self) -> RecordFile:
        assert self._records is not None
        return self._records

    @property
    def urls(self) -> list[str]:
        return [str(url) for url in self._served]

    async def start(self) -> None:
        """Brings all components up, then opens the doors to clients. Raises KernelError."""
        names = ("kern", *self._config.factions)
        if self._heir is not None:
            await self._succeed(self._heir)
            return
        if self._config.placement == "server":
            await self._start_here(names)
        else:
            await self._listen_to_components()
            if self._config.spawn:
                await self.supervisor.adopt(self.recovery.pids)
                await self.supervisor.start([name for name in names if name not in self.supervisor.children])
        if self._host.records.inherited:
            await self.recovery.run()
            self.sessions.review(self.admission.still)
        await self._listen_to_clients()

    async def _succeed(self, heir: Successor) -> None:
        """Takes the place of a gateway that serves."""
        taken = self._taken
        self.recovery.succeed()
        for member in taken["members"]:
            self.registry.adopt(*member)
        self.supervisor.take(taken["children"])
        self.sessions.take(taken["sessions"])
        self.started, began = taken["began"]
        await self._listen_to_components(instead=True)
        await self._listen_to_clients(instead=True)
        assert self.door is not None
        for token, fd in taken["streams"]:
            session = self.sessions.find(token)
            assert session is not None
            await self.door.take(fd, session)
        heir.taken(self._config.keeper)
        self.replaced_ms = round((time.monotonic() - began) * 1e3)
        self._host.wake()
        self.gateway.go_on()
        for moved in taken["sessions"]["moved"]:
            call, session = self.service.go_on(moved), self.sessions.find(moved.token)
            if call is not None and session is not None and moved.work.kind != "stream":
                session.moved[moved.id] = call
        await self._servers[-1].start()
        self.sessions.review(self.admission.still)
        log.warning(
            "the gateway is another process after %d ms, with %d sessions", self.replaced_ms, len(self.sessions)
        )

    async def leave(self) -> None:
        """Another gateway has taken over."""
        if self.door is not None:
            self.door.refuse_more()
        self.supervisor.leave()
        sockets.refuse_more([url.port for url in self._served if url.scheme != "unix"])
        await asyncio.gather(self._servers[0].stop(0), self.registry.leave(), self._end_traces())

    @property
    def connections(self) -> int:
        """How many clients are still connected."""
        names = [bound_at(url.path) if url.scheme == "unix" else url.port for url in self._served]
        names.append(bound_at(carrying(self._config.folder)))
        return sockets.connections(names) + (self.door.guests if self.door is not None else 0)

    async def run(self) -> None:
        """Serves until the kernel is halted, then takes it down in order: clients, processes, components."""
        while not self._halted.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._halted.wait(), POLICY_S if self._config.policy else None)
            if not self.sessions.resting:
                self._look_at_policy()
        await self.stop()

    def _look_at_policy(self) -> None:
        try:
            self.admission.refresh()
        except Exception:
            log.exception("internal error: the policy stays as it was")

    def halt(self) -> None:
        self._halted.set()

    def _reboot(self, opt: int) -> None:
        """reboot(2): whoever called it is answered before the gateway goes."""
        self.howto = opt
        self.halt()

    async def _announce(self) -> None:
        """Tells the components how the kernel is halted; who does not answer is halted in the ordinary way."""
        for name, member in self.registry.members.items():
            try:
                async with asyncio.timeout(STATUS_S):
                    await settle(member.peer.call(KERNEL, calls.HALT, (self.howto,)))
            except (KernelError, TimeoutError) as error:
                log.warning("%s was not told how the kernel is halted: %s", name, error)

    async def stop(self) -> None:
        log.info("halting")
        self._halted.set()  # also where it never ran: what leaves from now on is no failure
        if self.howto:
            await self._announce()
        clients = self._servers[1:] if self._config.placement != "server" else self._servers
        doors = [self.door.close(DRAIN_S)] if self.door is not None else []
        await asyncio.gather(*(server.stop(DRAIN_S) for server in clients), *doors)
        await self.sessions.end_all()
        local = {component.name: component for component in self._local}
        for name in components.stop_order(local):
            await settle(local[name].stop())
        await self.supervisor.stop()
        await asyncio.gather(*(server.stop(0) for server in self._servers))
        for url in (*self._served, self._bus_url):
            unlink(url)
        if self._records is not None:
            self._records.remove()
        await self._end_traces()

    async def _end_traces(self) -> None:
        if self._tracer is not None:
            await asyncio.to_thread(self._tracer.close)

    # -- components

    async def _start_here(self, names: Sequence[str]) -> None:
        for name in names:
            component = components.make(name, self._host, self.registry, self._config.parameters)
            self._local.append(component)
            self.registry.add_local(component, os.getpid())
        for component in self._local:
            await settle(component.start())

    def _connect(self, name: str, url: str) -> RemotePeer:
        return peer_at(parse(url), name, token=self._token, tls=self._config.bus_tls, max_message=MAX_BUS_MESSAGE)

    async def _listen_to_components(self, *, instead: bool = False) -> None:
        server = grpc.aio.server(options=options(MAX_BUS_MESSAGE))
        self.bus_service = ComponentService(self.gateway, self._token, MAX_BUS_MESSAGE)
        self.bus_service.started.resolve(None)
        server.add_generic_rpc_handlers((self.registry.handler(), self.bus_service.handler()))
        listen(server, self._bus_url, self._config.bus_tls, instead=instead)
        await server.start()
        self._servers.append(server)

    def _shared(self) -> Iterable[tuple[str, str, int]]:
        return self.sessions.shared()

    async def _start_faction(self, name: str) -> None:
        """For a handler, which awaits `Pending` alone."""
        if name in self.registry.members:
            return
        here = self._config.placement == "server"
        await pending_of(self._start_here([name]) if here else self.supervisor.start_faction(name))

    async def _restart(self, name: str, *, crash: bool, fresh: bool) -> None:
        if self._config.placement == "server" or not self._config.spawn:
            raise KernelError(Errno.EOPNOTSUPP, "the components of this kernel are no processes of its own")
        if name == self.gateway.name:
            await self._replace(crash=crash)
            return
        await self.supervisor.restart(name, crash=crash, fresh=fresh)

    async def _replace(self, *, crash: bool) -> None:
        if self._predecessor is None:
            raise KernelError(Errno.EOPNOTSUPP, "this gateway has no keeper, which would start another one")
        if crash:
            os.kill(os.getpid(), signal.SIGKILL)
        await self._predecessor.replace()

    def _arrives(self, member: Member) -> None:
        if member.name == "vfs":
            self.leases.arrives(member)

    def _joined(self, name: str) -> None:
        if self.registry.serving(name):
            self.recovery.joined(self.registry.members[name])
        self.supervisor.notice(name)

    def _lost(self, name: str) -> None:
        if name == "vfs":
            self.leases.end()
        self.recovery.left(name)
        self.supervisor.notice(name)
        self.gateway.lost(name)
        if name == "kern" and not self._halted.is_set():
            log.error("kern ended: its processes are gone, and so are their sessions")
            why = "the session has ended: kern, which knew its process, has ended"
            asyncio.get_running_loop().create_task(self.sessions.end_all(why))

    # -- clients

    async def _listen_to_clients(self, *, instead: bool = False) -> None:
        self.statistics = statistics = Statistics(self._config.slow_ns)
        statistics.rows.update(self._taken.get("rows", {}))
        self.monitor = monitor = Monitor(self.gateway, self.registry, self.sessions, self._status, statistics)
        self.service = service = Service(
            self.gateway, self.sessions, self._status, self._config.max_message, monitor, self._tracer, self.admission
        )
        service.in_process = self._config.placement == "server"
        server = grpc.aio.server(
            options=[
                *options(self._config.max_message),
                ("grpc.keepalive_time_ms", 10_000),
                ("grpc.keepalive_timeout_ms", 5_000),
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
                ("grpc.max_connection_idle_ms", IDLE_MS),
                ("grpc.so_reuseport", 1),  # with a successor; `listen` sees to others
            ],
            interceptors=[self.carrier, *self.admission.interceptors()],
        )
        server.add_generic_rpc_handlers(service.handlers())
        await _add_introspection(server, channelz=self._config.channelz)
        before = [parse(url, server=True) for url in self.recovery.urls] or self._config.urls
        mode = self._config.socket_mode
        self._served = [listen(server, url, self._config.tls, mode, instead=instead) for url in before]
        if instead:
            listen(server, Url("unix", path=carrying(self._config.folder)), Tls(), instead=True)
        self.recovery.serves(self.urls)
        if self._config.metrics:
            self.metrics = monitor.serve_prometheus(*(self._taken.get("metrics") or self._config.metrics))
        most, page = self._config.max_message, self.leases.shown
        self.door = Door(service.begin, service.admit, service.passing, self.sessions, most, page)
        service.frames = await self.door.open(self._served, mode, self._taken.get("listening", {}))
        self._servers.append(server)
        if not instead:  # else the predecessor first has to be the one no more
            await server.start()
        if self._config.keeper:
            self._predecessor = Predecessor(self, self._config.folder, self._config.keeper, MAX_BUS_MESSAGE)

    async def _status(self) -> Any:
        url = self.registry.gateway_url
        here = rump_sp_pb2.ComponentStatus(
            name="gateway",
            pid=os.getpid(),
            url=url,
            state="serving",
            restarts=self._config.generation,
            recovery_ms=self.replaced_ms,
        )
        return rump_sp_pb2.StatusResponse(
            url=self.urls[0] if self.urls else "",
            components=[here, *[await self._component_status(name) for name in self._names()]],
            uptime_ms=int((time.monotonic() - self.started) * 1000),
            sessions=len(self.sessions),
        )

    def _names(self) -> list[str]:
        return list(dict.fromkeys([*self.supervisor.children, *self.registry.members]))

    async def _component_status(self, name: str) -> Any:
        member, child = self.registry.members.get(name), self.supervisor.children.get(name)
        modules: list[str] = []
        if member is not None and self.registry.serving(name):
            try:
                async with asyncio.timeout(STATUS_S):
                    listed = await settle(member.peer.call(KERNEL, calls.MODULE_LIST, ()))
                self._modules[name] = [m.name for m in listed if m.faction == name]
            except (KernelError, TimeoutError):
                pass  # what it had when it was asked last
            modules = self._modules.get(name, [])
        state = "serving" if self.registry.serving(name) else "stopped"
        return rump_sp_pb2.ComponentStatus(
            name=name,
            pid=member.pid if member else 0,
            url=member.url if member else "",
            state=child.state if child is not None and child.state != "serving" else state,
            restarts=child.restarts if child else 0,
            modules=modules,
            why=child.why if child else "",
            recovery_ms=round(child.recovery_s * 1e3) if child else 0,
        )


def _open_records(config: KernelConfig) -> RecordFile:
    """Those of the predecessor. The components of an earlier kernel, which nobody keeps, are gone. EBUSY."""
    path = f"{config.folder}/gateway.records"
    records = RecordFile(path)
    if config.spawn and not config.generation and records.inherited:
        records.remove()
        records = RecordFile(path)
    return records


def _panic(text: str) -> None:
    """Ends the kernel at once, as a panic does: nothing is synced, and SIGABRT says so."""
    log.critical("panic: %s", text)
    os.abort()


async def _add_introspection(server: grpc.aio.Server, *, channelz: bool) -> None:
    """Health and reflection, which clients without our SDK use; channelz, which shows connections, where asked for."""
    from grpc_health.v1 import health, health_pb2, health_pb2_grpc
    from grpc_reflection.v1alpha import reflection

    names = [f"rump.sp.v1.{name}" for name in ("Session", "Kern", "Vfs", "Net", "Dev")]
    more = ["grpc.health.v1.Health", reflection.SERVICE_NAME]
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    for name in ("", *names):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    if channelz:
        try:
            from grpc_channelz.v1 import channelz as grpc_channelz
        except ImportError as error:
            raise KernelError(
                Errno.EOPNOTSUPP, "channelz needs grpcio-channelz: pip install anykernel[metrics]"
            ) from error
        grpc_channelz.add_channelz_servicer(server)
        more.append("grpc.channelz.v1.Channelz")
    reflection.enable_server_reflection([*names, *more], server, _Symbols())


class _Symbols:
    """The descriptors, by the names of methods too, which tools ask reflection for and Python's pool does not know."""

    def __init__(self) -> None:
        self._pool: Any = descriptor_pool.Default()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> Any:  # noqa: N802  its name there
        """KeyError."""
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            found = self._pool.FindServiceByName(service)
            found.FindMethodByName(method)
            return found.file
