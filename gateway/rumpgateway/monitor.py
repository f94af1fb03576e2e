"""How a kernel does, for those who look on: the answer of ``Statistics``, and the same for Prometheus over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import grpc

from rumpgateway.core.gateway import Gateway
from rumpgateway.registry import Registry
from rumpgateway.sessions import Sessions
from rumpgateway.statistics import BUCKETS, FIRST, Statistics
from rumpuser.aio import settle
from rumpuser.component import KERNEL, held
from rumpuser.usage import usage
from rumpwire import calls, rump_sp_pb2, rump_types_pb2
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError, name_of
from rumpwire.values import MemoryHeld

BOUNDS = [1 << FIRST + i for i in range(BUCKETS - 1)]
"""Of the buckets, in nanoseconds."""
PATIENCE_S = 2.0
"""A component that does not say by then what it uses is left out."""


class Monitor:
    """Of one kernel; ``status`` gives its StatusResponse."""

    def __init__(
        self,
        gateway: Gateway,
        registry: Registry,
        sessions: Sessions,
        status: Callable[[], Awaitable[Any]],
        statistics: Statistics,
    ) -> None:
        self.statistics = statistics
        self._gateway = gateway
        self._registry = registry
        self._sessions = sessions
        self._status = status
        self._loop = asyncio.get_running_loop()
        self._server: Any = None

    async def response(self) -> Any:
        status = await self._status()
        processes = list(self._gateway.processes.values())
        response = rump_sp_pb2.StatisticsResponse(
            uptime_ms=status.uptime_ms,
            sessions=len(self._sessions),
            processes=len(processes),
            descriptors=sum(len(p.fds) for p in processes),
            in_flight=sum(len(session.calls) for session in self._sessions),
            slow=self.statistics.slow,
            bounds=BOUNDS,
            components=status.components,
            usage=await self._usage(),
            held=await self._held(),
        )
        for name, row in sorted(self.statistics.rows.items()):
            response.calls.add(
                call=name, count=row.count, nanoseconds=row.nanoseconds, buckets=row.buckets, errors=dict(row.errors)
            )
        return response

    async def _usage(self) -> list[Any]:
        """Of the gateway, and of the components that are processes of their own."""
        resident, cpu = usage()
        here = rump_sp_pb2.ComponentUsage(name="gateway", resident_bytes=resident, cpu_nanoseconds=cpu)
        members = [m for m in self._registry.members.values() if m.url]
        return [here, *filter(None, await asyncio.gather(*(_usage_of(member) for member in members)))]

    async def _held(self) -> list[Any]:
        """What identities hold: here, and in every component that says so in time."""
        replies = ((s.identity.subject, "replies", s.replies.size) for s in self._sessions if s.identity is not None)
        here = held([*self._gateway.holding(), *replies])
        members = list(self._registry.members.values())
        found = [here, *await asyncio.gather(*(_held_of(member) for member in members))]
        return [
            rump_types_pb2.MemoryHeld(subject=h.subject, kind=h.kind, bytes=h.bytes) for part in found for h in part
        ]

    def serve_prometheus(self, host: str, port: int) -> tuple[str, int]:
        """Answers GET /metrics, from a thread of its own; where. EADDRINUSE, EOPNOTSUPP without the library."""
        try:
            from prometheus_client import start_http_server
            from prometheus_client.registry import Collector, CollectorRegistry
        except ImportError as error:
            raise KernelError(
                Errno.EOPNOTSUPP, "metrics need prometheus-client: pip install anykernel[metrics]"
            ) from error
        monitor = self

        class _Collector(Collector):
            def collect(self) -> Iterator[Any]:
                found = asyncio.run_coroutine_threadsafe(monitor.response(), monitor._loop).result(2 * PATIENCE_S)
                return metrics(found)

        found = CollectorRegistry()
        found.register(_Collector())
        self._server, _ = start_http_server(port, host, found)
        return str(self._server.server_address[0]), self._server.server_port

    def stop_prometheus(self) -> None:
        """Leaves the port to somebody else."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()


async def _usage_of(member: Any) -> Any:
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await member.peer.describe()
    except (TimeoutError, grpc.RpcError, KernelError):
        return None
    return rump_sp_pb2.ComponentUsage(
        name=member.name, resident_bytes=found.resident_bytes, cpu_nanoseconds=found.cpu_nanoseconds
    )


async def _held_of(member: Any) -> list[MemoryHeld]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            found: list[MemoryHeld] = await settle(member.peer.call(KERNEL, calls.MEMORY_HELD, ()))
    except (TimeoutError, KernelError):
        return []
    return found


def metrics(found: Any) -> Iterator[Any]:
    """A StatisticsResponse as families of Prometheus."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    for name, text in (
        ("sessions", "clients"),
        ("processes", "processes of the kernel"),
        ("descriptors", "open descriptors of all processes"),
        ("in_flight", "requests of clients that wait"),
    ):
        yield GaugeMetricFamily(f"rump_{name}", text, getattr(found, name))
    yield GaugeMetricFamily("rump_uptime_seconds", "since the kernel is up", found.uptime_ms / 1000)
    yield CounterMetricFamily("rump_slow_calls", "calls that took longer than --slow-calls", found.slow)
    count = CounterMetricFamily("rump_calls", "system calls", labels=("call", "faction"))
    errors = CounterMetricFamily("rump_call_errors", "system calls that failed", labels=("call", "errno"))
    seconds = HistogramMetricFamily("rump_call_seconds", "time of system calls by themselves", labels=("call",))
    for row in found.calls:
        op = OPS.get(row.call)
        count.add_metric((row.call, op.faction if op else ""), row.count)
        for errno, times in sorted(row.errors.items()):
            errors.add_metric((row.call, name_of(errno)), times)
        seconds.add_metric((row.call,), _cumulative(found.bounds, row.buckets), row.nanoseconds / 1e9)
    yield from (count, errors, seconds)
    up = GaugeMetricFamily("rump_component_up", "1 when it serves", labels=("component",))
    restarts = CounterMetricFamily("rump_component_restarts", "restarts by the supervisor", labels=("component",))
    for component in found.components:
        up.add_metric((component.name,), component.state == "serving")
        restarts.add_metric((component.name,), component.restarts)
    memory = GaugeMetricFamily("rump_component_resident_bytes", "memory of its process", labels=("component",))
    cpu = CounterMetricFamily("rump_component_cpu_seconds", "processor time of its process", labels=("component",))
    for use in found.usage:
        memory.add_metric((use.name,), use.resident_bytes)
        cpu.add_metric((use.name,), use.cpu_nanoseconds / 1e9)
    identities = GaugeMetricFamily(
        "rump_identity_held_bytes", "memory that an identity of the policy holds", labels=("subject", "kind")
    )
    for one in found.held:
        identities.add_metric((one.subject, one.kind), one.bytes)
    yield from (up, restarts, memory, cpu, identities)


def _cumulative(bounds: Any, buckets: Any) -> list[tuple[str, float]]:
    found, total = [], 0
    for bound, number in zip((*(b / 1e9 for b in bounds), float("inf")), buckets, strict=True):
        total += number
        found.append(("+Inf" if bound == float("inf") else repr(bound), float(total)))
    return found
