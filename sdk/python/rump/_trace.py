"""The trace context that goes with requests, for kernels that write traces (``rump up --trace``)."""

from __future__ import annotations

from collections.abc import Callable

from rumpwire.errno import Errno, KernelError

current: Callable[[], str] | None = None
"""Gives the traceparent of what the program does now; None while nobody asked for it."""


def trace_requests(*, on: bool = True) -> None:
    """Sends OpenTelemetry's current trace context with each request of this program, so that the kernel's spans are below
    the program's own. EOPNOTSUPP where OpenTelemetry is not installed."""
    global current
    if not on:
        current = None
        return
    try:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError as error:
        from rump._errors import error_of

        text = "traces need OpenTelemetry: pip install anykernel[trace]"
        raise error_of(KernelError(Errno.EOPNOTSUPP, text)) from error
    propagator = TraceContextTextMapPropagator()

    def traceparent() -> str:
        carrier: dict[str, str] = {}
        propagator.inject(carrier)
        return carrier.get("traceparent", "")

    current = traceparent
