"""Clients that we did not write look at a kernel, as promtool and grpcurl do: all they know they have from it.

Metrics are read by the parsers of the Prometheus project, of which that for OpenMetrics refuses whatever the standard
does; services by the reflection client of gRPC, over a unix socket and TCP, without and with TLS.
"""

from __future__ import annotations

import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import status_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

import rump
from rumpuser.authority import Authority
from tests.live import LiveKernel, free_ports, start_kernel


@pytest.fixture(scope="module")
def ports() -> list[int]:
    return free_ports(3)


@pytest.fixture(scope="module")
def kernel(ports: list[int]) -> Iterator[LiveKernel]:
    with tempfile.TemporaryDirectory(prefix="rump-test-") as name:
        folder = Path(name)
        ca = Authority.create(folder / "ca")
        ca.server("server")
        ca.client("alice", ["spiffe://example.org/alice"])
        live = start_kernel(
            folder, "--placement", "server", "--url", f"unix://{folder}/k.sock",
            "--url", f"tcp+plain://localhost:{ports[0]}", "--url", f"tcp://localhost:{ports[1]}",
            "--tls-cert", str(folder / "ca/server.pem"), "--tls-key", str(folder / "ca/server.key"),
            "--tls-client-ca", str(folder / "ca/ca.pem"), "--channelz", "--metrics", f"127.0.0.1:{ports[2]}",
        )  # fmt: skip
        yield live
        assert live.stop() == 0
        assert live.process.stdout is not None
        live.process.stdout.close()


# -- Prometheus


def scraped(port: int, accept: str) -> tuple[str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


@pytest.fixture(scope="module")
def families(kernel: LiveKernel, ports: list[int]) -> dict[str, Any]:
    with rump.connect(kernel.url) as k, pytest.raises(FileNotFoundError):
        k.sys.open("/none", 0)
    kind, text = scraped(ports[2], "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    return {family.name: family for family in openmetrics.text_string_to_metric_families(text)}


def test_metrics_are_those_of_the_standard(families: dict[str, Any]) -> None:
    """The parser checks names, order, duplicates, buckets and counters; the rest is what promtool complains of."""
    (failed,) = (s for s in families["rump_call_errors"].samples if s.labels == {"call": "open", "errno": "ENOENT"})
    assert (failed.name, failed.value) == ("rump_call_errors_total", 1)
    for name, family in families.items():
        assert family.documentation, name
        assert not name.endswith(("_count", "_sum", "_bucket", "_ms", "_milliseconds", "_kb", "_counter", "_info")), (
            name
        )
        if family.type == "gauge":
            assert not name.endswith("_total"), name
    assert {"rump_call_seconds", "rump_component_cpu_seconds", "rump_uptime_seconds"} <= set(families)


def test_the_older_format_says_the_same(families: dict[str, Any], ports: list[int]) -> None:
    kind, text = scraped(ports[2], "text/plain")
    assert kind.startswith("text/plain")
    older = {family.name: family.type for family in parser.text_string_to_metric_families(text)}
    assert older == {name: family.type for name, family in families.items()}


# -- reflection


class Caller:
    """Knows an address. Messages go in and come out as JSON does."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self.database = ProtoReflectionDescriptorDatabase(channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)

    def __call__(self, method: str, request: dict[str, Any] | None = None, session: str = "") -> dict[str, Any]:
        service, _, name = method.partition("/")
        found = self.pool.FindServiceByName(service).FindMethodByName(name)
        message = json_format.ParseDict(request or {}, message_factory.GetMessageClass(found.input_type)())
        call: Any = self._channel.unary_unary(f"/{method}", response_deserializer=self._of(found.output_type))
        metadata = (("rump-session", session),) if session else ()
        return json_format.MessageToDict(
            call(message.SerializeToString(), metadata=metadata, timeout=20), preserving_proto_field_name=True
        )

    def _of(self, kind: Any) -> Any:
        return message_factory.GetMessageClass(kind).FromString

    def detail(self, error: grpc.RpcError) -> dict[str, Any]:
        """The record in the status of a call that failed."""
        (packed,) = (v for key, v in error.trailing_metadata() or () if key == "grpc-status-details-bin")
        (record,) = status_pb2.Status.FromString(packed).details
        kind = self.pool.FindMessageTypeByName(record.type_url.rpartition("/")[2])
        return json_format.MessageToDict(self._of(kind)(record.value))


@pytest.fixture(params=["unix", "plain", "tls"])
def ask(request: pytest.FixtureRequest, kernel: LiveKernel, ports: list[int]) -> Iterator[Caller]:
    channel = grpc.insecure_channel(f"unix:{kernel.folder}/k.sock")
    if request.param == "plain":
        channel = grpc.insecure_channel(f"localhost:{ports[0]}")
    elif request.param == "tls":
        files = [(kernel.folder / "ca" / name).read_bytes() for name in ("ca.pem", "alice.key", "alice.pem")]
        channel = grpc.secure_channel(f"localhost:{ports[1]}", grpc.ssl_channel_credentials(*files))
    with channel:
        yield Caller(channel)


def test_services_are_listed_described_and_called(ask: Caller) -> None:
    services = set(ask.database.get_services())
    assert {"rump.sp.v1.Session", "rump.sp.v1.Vfs", "grpc.health.v1.Health", "grpc.channelz.v1.Channelz"} <= services
    for service in services:
        assert ask.pool.FindServiceByName(service).methods
    opened = ask.pool.FindMessageTypeByName("rump.sp.v1.OpenRequest")
    assert opened.fields_by_name["path"].number == 1
    assert ask("rump.sp.v1.Session/Status")["components"]
    attached = ask("rump.sp.v1.Session/Attach", {"comm": "by hand"})
    session = attached["session"]
    assert ask("rump.sp.v1.Kern/Getpid", session=session)["pid"] == attached["pid"]
    with pytest.raises(grpc.RpcError) as failed:
        ask("rump.sp.v1.Vfs/Open", {"path": "L25vbmU="}, session)
    assert failed.value.code() == grpc.StatusCode.NOT_FOUND
    assert ask.detail(failed.value)["name"] == "ENOENT"
    ask("rump.sp.v1.Session/Detach", session=session)


def test_connections_and_health_are_seen(ask: Caller) -> None:
    for service in ("", "rump.sp.v1.Vfs"):
        assert ask("grpc.health.v1.Health/Check", {"service": service}) == {"status": "SERVING"}
    servers = ask("grpc.channelz.v1.Channelz/GetServers")["server"]
    found = [
        ask("grpc.channelz.v1.Channelz/GetServerSockets", {"server_id": server["ref"]["server_id"]})
        for server in servers
    ]
    assert any("socket_ref" in each for each in found)


def test_who_has_no_certificate_sees_nothing(kernel: LiveKernel, ports: list[int]) -> None:
    ca = (kernel.folder / "ca/ca.pem").read_bytes()
    with grpc.secure_channel(f"localhost:{ports[1]}", grpc.ssl_channel_credentials(ca)) as channel:
        with pytest.raises(grpc.RpcError) as refused:
            list(Caller(channel).database.get_services())
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE, "the handshake fails"
