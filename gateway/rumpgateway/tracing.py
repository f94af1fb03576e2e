"""Traces of calls for OpenTelemetry: a span for each request, and one for the component that it goes to first.

Off unless asked for. A client that has a trace of its own sends the W3C trace context (traceparent) with a request, and
the kernel's spans are children of its span.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from rumpgateway.core.process import Process
from rumpuser.component import Context
from rumpuser.pending import Pending, Running, start
from rumpwire.calls import Op
from rumpwire.errno import Errno, KernelError, name_of
from rumpwire.step import Step

OTLP = "otlp"
_PARENT = "traceparent"


class Tracer:
    """Makes spans and sends them away, in a thread of the library."""

    def __init__(self, destination: str) -> None:
        """``otlp``: to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names; else the name of a file for lines of JSON.

        EOPNOTSUPP without the libraries; ENOENT and its kin for the file.
        """
        try:
            from opentelemetry import trace
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise KernelError(Errno.EOPNOTSUPP, "traces need pip install anykernel[trace]") from error
        self._file: TextIO | None = None
        self._api = trace
        self._propagator = TraceContextTextMapPropagator()
        self._provider = TracerProvider(resource=Resource.create({"service.name": "rump"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter(destination)))
        self._tracer = self._provider.get_tracer("rump.gateway")

    def _exporter(self, destination: str) -> Any:
        if destination == OTLP:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

            return OTLPSpanExporter()
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        self._file = open(destination, "a")  # noqa: SIM115  open for as long as the kernel is up
        return ConsoleSpanExporter(out=self._file, formatter=lambda span: json.dumps(json.loads(span.to_json())) + "\n")

    def start(self, parent: str, p: Process, steps: Sequence[Any], begin: Callable[[], Any]) -> Any:
        """Runs a request as `rumpuser.pending.start` does, in a span. ``parent``: a traceparent, or empty."""
        ops = [step.op.name for step in steps]
        attributes: dict[str, Any] = {"rump.pid": p.pid, "rump.comm": p.comm}
        if len(ops) != 1:
            attributes["rump.calls"] = ops[:100]
        context = self._propagator.extract({_PARENT: parent}) if parent else None
        name = f"rump.{ops[0]}" if len(ops) == 1 else "rump.batch"
        span = self._tracer.start_span(name, context, self._api.SpanKind.SERVER, attributes)
        try:
            with self._api.use_span(span, record_exception=False, set_status_on_exception=False):
                value = start(begin())
        except KernelError as error:
            self.done(span, [error])
            raise
        if isinstance(value, Running):
            value.outcome.when_done(lambda: self._over(span, value.outcome))
        else:
            self.done(span, value if isinstance(value, list) else [])
        return value

    def _over(self, span: Any, outcome: Pending[Any]) -> None:
        try:
            value = outcome.result()
        except KernelError as error:
            value = [error]
        except Exception:  # noqa: BLE001  whoever awaits the request tells of it
            value = []
        self.done(span, value if isinstance(value, list) else [])

    def done(self, span: Any, outcomes: Sequence[Any]) -> None:
        for outcome in outcomes:
            if isinstance(outcome, KernelError):
                self._failed(span, outcome)
                break
        span.end()

    def _failed(self, span: Any, error: KernelError) -> None:
        span.set_attribute("rump.errno", name_of(error.errno))
        span.set_attribute("rump.origin", error.origin)
        span.set_status(self._api.Status(self._api.StatusCode.ERROR, error.text))

    def peer(self, name: str, peer: Any) -> Any:
        """A component whose calls are spans of their own."""
        return _TracedPeer(self, name, peer)

    def hop(self, name: str, ops: Sequence[Op]) -> Any:
        """The span of a run at a component, None when nobody traces the request that it is for."""
        if not self._api.get_current_span().is_recording():
            return None
        attributes = {"rump.calls": [op.name for op in ops[:100]]}
        return self._tracer.start_span(f"{name}.{ops[0].name}", kind=self._api.SpanKind.CLIENT, attributes=attributes)

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()
        if self._file is not None:
            self._file.close()


class _TracedPeer:
    def __init__(self, tracer: Tracer, name: str, peer: Any) -> None:
        self._tracer = tracer
        self._name = name
        self._peer = peer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._peer, name)

    def call(self, ctx: Context, op: Op, args: tuple[Any, ...]) -> Any:
        return self._traced([op], lambda: self._peer.call(ctx, op, args))

    def run(self, ctx: Context, steps: Sequence[Step], keep_going: bool) -> Any:
        return self._traced([step.op for step in steps], lambda: self._peer.run(ctx, steps, keep_going))

    def _traced(self, ops: Sequence[Op], begin: Callable[[], Any]) -> Any:
        span = self._tracer.hop(self._name, ops) if ops else None
        if span is None:
            return begin()
        try:
            value = begin()
        except KernelError as error:
            self._tracer.done(span, [error])
            raise
        if hasattr(value, "__await__"):
            return self._finish(span, value)
        self._tracer.done(span, [])
        return value

    async def _finish(self, span: Any, value: Any) -> Any:
        try:
            value = await value
        except KernelError as error:
            self._tracer.done(span, [error])
            raise
        except BaseException:
            self._tracer.done(span, [])
            raise
        self._tracer.done(span, value if isinstance(value, list) else [])
        return value
