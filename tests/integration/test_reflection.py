"""A client that has nothing of ours: it learns services and messages by reflection, attaches and calls Getpid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from tests.live import LiveKernel, live_kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--placement", "server") as live:
        yield live


def method(pool: descriptor_pool.DescriptorPool, channel: grpc.Channel, service: str, name: str) -> tuple[Any, Any]:
    """A function that calls a method, and its request class, made from what reflection said."""
    found = pool.FindServiceByName(service).FindMethodByName(name)  # type: ignore[no-untyped-call]
    request = message_factory.GetMessageClass(found.input_type)
    response = message_factory.GetMessageClass(found.output_type)
    return channel.unary_unary(f"/{service}/{name}", request.SerializeToString, response.FromString), request


def test_everything_is_found_by_reflection(kernel: LiveKernel) -> None:
    with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = set(database.get_services())
        assert {f"rump.sp.v1.{name}" for name in ("Session", "Kern", "Vfs", "Net", "Dev")} <= services
        assert "grpc.health.v1.Health" in services
        pool = descriptor_pool.DescriptorPool(database)  # type: ignore[no-untyped-call]
        attach, request = method(pool, channel, "rump.sp.v1.Session", "Attach")
        session = attach(request(comm="grpcurl"))
        getpid, request = method(pool, channel, "rump.sp.v1.Kern", "Getpid")
        reply = getpid(request(), metadata=(("rump-session", session.session),))
        assert (reply.pid, reply.ppid) == (session.pid, 1)


def test_an_error_is_a_status_with_the_record(kernel: LiveKernel) -> None:
    from rumpwire import rump_types_pb2, rump_vfs_pb2

    with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        pool = descriptor_pool.DescriptorPool(database)  # type: ignore[no-untyped-call]
        attach, request = method(pool, channel, "rump.sp.v1.Session", "Attach")
        session = attach(request(comm="grpcurl"))
        call: Any = channel.unary_unary("/rump.sp.v1.Vfs/Open")
        with pytest.raises(grpc.RpcError) as caught:
            call(
                rump_vfs_pb2.OpenRequest(path=b"/none").SerializeToString(),
                metadata=(("rump-session", session.session),),
            )
        error: Any = caught.value
        assert error.code() == grpc.StatusCode.NOT_FOUND
        details = dict(error.trailing_metadata())["grpc-status-details-bin"]
        assert b"type.googleapis.com/rump.sp.v1.SyscallError" in details
        record = details[details.index(b"SyscallError") + len(b"SyscallError") :]
        assert b"ENOENT" in record
        assert rump_types_pb2.SyscallError.DESCRIPTOR.full_name == "rump.sp.v1.SyscallError"


def test_health(kernel: LiveKernel) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", "rump.sp.v1.Vfs"):
            assert (
                stub.Check(health_pb2.HealthCheckRequest(service=service)).status
                == health_pb2.HealthCheckResponse.SERVING
            )
