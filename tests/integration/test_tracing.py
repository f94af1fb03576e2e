"""Traces: what a kernel writes of requests, read as a collector would."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.trace import TracerProvider

import rump
from rumpwire import rump_kern_pb2, rump_sp_pb2, rump_vfs_pb2
from tests.live import live_kernel

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.mark.parametrize("placement", ["server", "split"])
def test_spans_of_requests_and_of_components(placement: str, tmp_path: Path) -> None:
    where = tmp_path / "trace"
    with live_kernel("--placement", placement, "--trace", str(where)) as kernel:
        channel = grpc.insecure_channel(kernel.url.replace("unix://", "unix:"))
        attach: Any = channel.unary_unary("/rump.sp.v1.Session/Attach")
        session = rump_sp_pb2.AttachResponse.FromString(attach(rump_sp_pb2.AttachRequest(comm="c").SerializeToString()))
        metadata = [("rump-session", session.session)]
        request = rump_sp_pb2.BatchRequest(traceparent=f"00-{TRACE}-{PARENT}-01", keep_going=True)
        request.calls.add(open=rump_vfs_pb2.OpenRequest(path=b"/none"))
        request.calls.add(getpid=rump_kern_pb2.GetpidRequest())
        batch: Any = channel.unary_unary("/rump.sp.v1.Session/Batch")
        batch(request.SerializeToString(), metadata=metadata)
        getgid: Any = channel.unary_unary("/rump.sp.v1.Kern/Getgid")
        getgid(b"", metadata=[*metadata, ("traceparent", "rubbish")])
        channel.close()
    spans = {span["name"]: span for span in map(json.loads, where.read_text().splitlines())}
    root, hop = spans["rump.batch"], spans["vfs.open"]
    assert root["context"]["trace_id"] == hop["context"]["trace_id"] == f"0x{TRACE}"
    assert (root["parent_id"], hop["parent_id"]) == (f"0x{PARENT}", root["context"]["span_id"])
    assert root["attributes"]["rump.calls"] == ["open", "getpid"]
    for span in (root, hop):
        assert (span["attributes"]["rump.errno"], span["status"]["status_code"]) == ("ENOENT", "ERROR")
    assert spans["rump.getgid"]["parent_id"] is None
    assert spans["rump.getgid"]["context"]["trace_id"] != f"0x{TRACE}"
    assert spans["rump.getgid"]["status"]["status_code"] == "UNSET"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self) -> None:
        self.names: list[str] = []
        self.came = threading.Event()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802  the name in the protocol
        self.names += [s.name for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
        self.came.set()
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    found = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(found, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield found, f"http://127.0.0.1:{port}"
    server.stop(0).wait()


def test_a_collector_gets_them(collector: tuple[Collector, str]) -> None:
    found, url = collector
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with live_kernel("--placement", "server", "--trace", "otlp", env=env) as kernel, rump.connect(kernel.url) as k:
        k.sys.stat("/")
        assert found.came.wait(20)
    assert {"rump.stat", "vfs.stat"} <= set(found.names)


@pytest.fixture
def tracing() -> Iterator[None]:
    rump.trace_requests()
    yield
    rump.trace_requests(on=False)


@pytest.mark.usefixtures("tracing")
def test_spans_of_the_kernel_are_below_those_of_the_program(tmp_path: Path) -> None:
    where, mine = tmp_path / "trace", TracerProvider().get_tracer("program")

    async def ask(url: str) -> None:
        async with await rump.aio.connect(url) as k:
            with mine.start_as_current_span("asks"):
                await k.sys.getegid()

    with live_kernel("--placement", "server", "--trace", str(where)) as kernel:
        with rump.connect(kernel.url) as k:
            with mine.start_as_current_span("works") as span:
                k.sys.stat("/")
                with k.batch() as batch:
                    batch.getgid()
                    batch.getuid()
            k.sys.getppid()
        asyncio.run(ask(kernel.url))
    spans = {span["name"]: span for span in map(json.loads, where.read_text().splitlines())}
    trace = f"0x{span.get_span_context().trace_id:032x}"
    for name in ("rump.stat", "rump.batch"):
        assert spans[name]["context"]["trace_id"] == trace
        assert spans[name]["parent_id"] == f"0x{span.get_span_context().span_id:016x}"
    assert spans["rump.getppid"]["context"]["trace_id"] != trace
    assert spans["rump.getegid"]["parent_id"] is not None
