"""The same component in this process and behind gRPC: same outcomes, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from rumpuser.aio import arrival, settle
from rumpuser.component import Context
from rumpuser.guard import Guarded
from rumpuser.pending import Running, start
from rumpuser.systemhost import SystemHost
from rumpuser.transport.channel import options
from rumpuser.transport.grpc_client import GrpcPeer
from rumpuser.transport.grpc_server import ComponentServer
from rumpuser.transport.inprocess import LocalBus
from rumpuser.transport.names import Tls
from rumpuser.url import Url, parse
from rumpwire import rump_bus_pb2 as pb
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.step import Reference, Step
from rumpwire.values import Credentials, GetpidResult, PipeResult, Stat, Timespec
from tests import pki
from tests.unit.common.echo import Echo

USER = Context(pid=77, cred=Credentials(5, 5, 5, 6, 6, 6, [6, 7]), cwd=3, root=0, umask=0o27)


@asynccontextmanager
async def over_grpc(url: Url, token: str = "", **options: Any) -> AsyncIterator[tuple[Echo, GrpcPeer, ComponentServer]]:
    component = Echo(SystemHost(asyncio.get_running_loop()))
    server = ComponentServer(component, url, token=token, **options)
    await server.start()
    peer = GrpcPeer(server.url, "vfs", token=token)
    try:
        yield component, peer, server
    finally:
        await peer.close()
        await server.stop(0)


@asynccontextmanager
async def in_process(url: Url) -> AsyncIterator[tuple[Echo, Any, None]]:
    component = Echo(SystemHost(asyncio.get_running_loop()))
    yield component, Guarded(component), None


@pytest.fixture
def url(tmp_path: Path) -> Url:
    return parse(f"unix://{tmp_path}/s")


@pytest.fixture(params=[in_process, over_grpc], ids=["in process", "grpc"])
def both(request: pytest.FixtureRequest, url: Url) -> Callable[[Callable[[Echo, Any], Awaitable[None]]], None]:
    """Runs a test's body with a component and a way to it."""

    def run(body: Callable[[Echo, Any], Awaitable[None]]) -> None:
        async def main() -> None:
            async with request.param(url) as (component, peer, _):
                await body(component, peer)

        asyncio.run(asyncio.wait_for(main(), 60))

    return run


def call(peer: Any, name: str, *args: Any) -> Awaitable[Any]:
    async def go() -> Any:
        return await settle(peer.call(USER, OPS[name], args))

    return go()


async def fails(awaitable: Awaitable[Any]) -> KernelError:
    with pytest.raises(KernelError) as caught:
        await awaitable
    return caught.value


async def outcome(awaitable: Awaitable[Any]) -> Any:
    """The value, or the errno."""
    try:
        return await awaitable
    except KernelError as error:
        return error.errno


Both = Callable[[Callable[[Echo, Any], Awaitable[None]]], None]


def test_values_and_contexts(both: Both) -> None:
    async def body(component: Echo, peer: Any) -> None:
        for _ in range(2):
            assert await call(peer, "getpid") == GetpidResult(77, 5)
        assert bytes(await call(peer, "read", 65, 3)) == b"AAA"
        assert await call(peer, "write", 1, memoryview(b"abc")) == 3
        assert await call(peer, "fstat", 4) == Stat(st_size=4, st_ino=9)
        assert await call(peer, "close", 4) is None
        assert len(await call(peer, "read", 1, 1 << 20)) == 1 << 20
        assert await call(peer, "module_list") == []

    both(body)


def test_errors_bear_their_origin(both: Both) -> None:
    async def body(component: Echo, peer: Any) -> None:
        error = await fails(call(peer, "unlink", b"/x"))
        assert (error.errno, error.text, error.origin) == (Errno.ENOENT, "no b'/x'", "vfs")
        assert (await fails(call(peer, "link", b"a", b"b"))).errno == Errno.ENOSYS
        component.bus = LocalBus({})
        assert (await fails(call(peer, "chdir", b"net"))).errno == Errno.ENOSYS

    both(body)


def test_a_defect_fails_one_call(both: Both, caplog: pytest.LogCaptureFixture) -> None:
    async def body(component: Echo, peer: Any) -> None:
        error = await fails(call(peer, "rmdir", b"/x"))
        assert (error.errno, error.origin) == (Errno.EIO, "vfs")
        waiting = asyncio.ensure_future(call(peer, "flock", 1, 99))
        while not component.gate:
            await asyncio.sleep(0.001)
        component.gate.wake()
        assert (await fails(waiting)).errno == Errno.EIO
        assert await call(peer, "close", 1) is None

    both(body)
    assert "RuntimeError: defect" in caplog.text


def test_runs_with_references(both: Both) -> None:
    steps = [
        Step(OPS["pipe"], ()),
        Step(OPS["fstat"], (0,), (Reference(0, 0, ("wfd",)),)),
        Step(OPS["read"], (3, 0), (Reference(1, 1, ("sb", "st_size")),)),
        Step(OPS["nanosleep"], (Timespec(0, 1),)),
    ]

    async def body(component: Echo, peer: Any) -> None:
        pipe, stat, data, rest = await settle(peer.run(USER, steps, False))
        assert (pipe, stat.st_size, len(data), rest) == (PipeResult(40, 41), 41, 41, Timespec(0, 0))

    both(body)


def test_runs_that_fail(both: Both) -> None:
    steps = [Step(OPS["close"], (1,)), Step(OPS["unlink"], (b"x",)), Step(OPS["getpid"], ())]

    async def body(component: Echo, peer: Any) -> None:
        stopped = await settle(peer.run(USER, steps, False))
        assert len(stopped) == 2
        assert stopped[1].errno == Errno.ENOENT
        went_on = await settle(peer.run(USER, steps, True))
        assert [type(outcome) for outcome in went_on] == [type(None), KernelError, GetpidResult]
        assert await settle(peer.run(USER, [], False)) == []

    both(body)


def test_timers_end_waits(both: Both) -> None:
    async def body(component: Echo, peer: Any) -> None:
        before = component.host.monotonic_ns()
        assert await call(peer, "nanosleep", Timespec(0, 20_000_000)) == Timespec(0, 0)
        assert component.host.monotonic_ns() - before >= 20_000_000

    both(body)


def test_cancelling_a_call(both: Both) -> None:
    async def body(component: Echo, peer: Any) -> None:
        running = start(peer.call(USER, OPS["flock"], (1, 0)))
        assert isinstance(running, Running)
        while not component.gate:
            await asyncio.sleep(0.001)
        running.cancel()
        assert (await fails(arrival(running.outcome))).errno == Errno.EINTR
        assert component.interrupted == 1
        assert await call(peer, "close", 1) is None

    both(body)


def test_cancelling_a_run(both: Both) -> None:
    steps = [Step(OPS["close"], (1,)), Step(OPS["flock"], (1, 0)), Step(OPS["close"], (1,))]

    async def body(component: Echo, peer: Any) -> None:
        running = start(peer.run(USER, steps, True))
        assert isinstance(running, Running)
        while not component.gate:
            await asyncio.sleep(0.001)
        running.cancel()
        outcomes = await arrival(running.outcome)
        assert outcomes[0] is None
        assert outcomes[1].errno == Errno.EINTR
        assert component.interrupted == 1

    both(body)


def test_an_abandoned_call_is_cancelled(both: Both) -> None:
    async def body(component: Echo, peer: Any) -> None:
        task = asyncio.ensure_future(call(peer, "flock", 1, 0))
        while not component.gate:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not component.interrupted:
            await asyncio.sleep(0.001)
        assert component.interrupted == 1

    both(body)


def test_a_thousand_in_flight(both: Both) -> None:
    async def body(component: Echo, peer: Any) -> None:
        waits = [asyncio.ensure_future(call(peer, "flock", n, 0)) for n in range(1000)]
        while len(component.gate._waiters) < 1000:
            await asyncio.sleep(0.005)
        assert bytes(await call(peer, "read", 66, 2)) == b"BB"  # overtakes them
        component.gate.wake()
        assert await asyncio.gather(*waits) == [None] * 1000

    both(body)


# -- gRPC alone


def run_grpc(url: Url, body: Callable[[Echo, GrpcPeer, ComponentServer], Awaitable[None]], **options: Any) -> None:
    async def main() -> None:
        async with over_grpc(url, **options) as (component, peer, server):
            await body(component, peer, server)

    asyncio.run(asyncio.wait_for(main(), 60))


def test_a_result_that_does_not_fit_its_type(url: Url) -> None:
    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        assert (await fails(call(peer, "umask", 0))).errno == Errno.EIO
        assert (await fails(call(peer, "read", "x", 0))).errno == Errno.EINVAL
        assert await call(peer, "close", 1) is None

    run_grpc(url, body)


def test_over_long_messages(url: Url) -> None:
    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        error = await fails(call(peer, "read", 1, 300_000))
        assert error.errno == Errno.EMSGSIZE
        steps = [Step(OPS["read"], (1, 60_000)), Step(OPS["read"], (1, 60_000)), Step(OPS["close"], (1,))]
        first, second, third = await settle(peer.run(USER, steps, False))
        assert len(first) == 60_000
        assert second.errno == Errno.EMSGSIZE
        assert third is None
        waiting = asyncio.ensure_future(call(peer, "flock", 1, 0))
        assert (await fails(call(peer, "write", 1, bytes(300_000)))).errno == Errno.EMSGSIZE  # refused by the receiver
        assert (await fails(waiting)).errno in (Errno.EMSGSIZE, Errno.ENOTCONN)  # it ends the stream
        assert await call(peer, "close", 1) is None  # the next one is opened by the next call
        peer._max_message = 1000
        assert (await fails(call(peer, "write", 1, bytes(2000)))).errno == Errno.EMSGSIZE

    run_grpc(url, body, max_message=100_000)


def test_token(url: Url) -> None:
    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        assert await call(peer, "close", 1) is None
        for wrong in ("", "secre", "secret2", "geh\\eim"):
            stranger = GrpcPeer(url, "vfs", token=wrong)
            assert (await fails(call(stranger, "close", 1))).errno == Errno.EAUTH
            await stranger.close()
        async with grpc.aio.insecure_channel(url.target) as channel:
            for method in ("Describe", "Run"):
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await channel.unary_unary(f"/rump.sp.v1.Component/{method}")(b"")
                assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED

    run_grpc(url, body, token="secret")


def test_describe_waits_for_the_start(url: Url) -> None:
    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        async with grpc.aio.insecure_channel(url.target) as channel:
            answer = asyncio.ensure_future(_unary(channel, "Describe", pb.DescribeRequest()))
            health = "/grpc.health.v1.Health/Check"
            assert await call(peer, "close", 1) is None
            assert not answer.done()
            await server.set_serving(serving=True)
            server.service.started.resolve(None)
            description = pb.DescribeResponse.FromString(await answer)
            assert await channel.unary_unary(health)(b"\n\x03vfs") == b"\x08\x01"
            await server.set_serving(serving=False)
            assert await channel.unary_unary(health)(b"") == b"\x08\x02"
        assert (description.name, description.pid) == ("vfs", os.getpid())
        assert "flock" in description.calls

    run_grpc(url, body)


async def _unary(channel: grpc.aio.Channel, method: str, message: Any) -> bytes:
    return bytes(await channel.unary_unary(f"/rump.sp.v1.Component/{method}")(message.SerializeToString()))


def test_unary_run(url: Url) -> None:
    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        async with grpc.aio.insecure_channel(url.target) as channel:
            request = pb.RunRequest(id=9)
            request.calls.add().sys.getpid.SetInParent()
            request.calls.add().sys.nanosleep.rqtp.tv_nsec = 10
            answer = pb.RunResponse.FromString(await _unary(channel, "Run", request))
            assert answer.id == 9
            assert [r.sys.WhichOneof("result") for r in answer.results] == ["getpid", "nanosleep"]
            request.calls.add()
            answer = pb.RunResponse.FromString(await _unary(channel, "Run", request))
            assert answer.results[0].sys.error.errno == Errno.EINVAL

    run_grpc(url, body)


def test_garbage_in_a_message(url: Url) -> None:
    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        async with grpc.aio.insecure_channel(url.target) as channel:
            stream: Any = channel.stream_stream("/rump.sp.v1.Component/Serve")()
            await stream.write(b"\xff" * 50)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stream.read()
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert await call(peer, "close", 1) is None

    run_grpc(url, body)


def test_one_id_twice(url: Url) -> None:
    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        request = pb.RunRequest(id=1)
        request.calls.add().sys.flock.SetInParent()
        async with grpc.aio.insecure_channel(url.target) as channel:
            stream: Any = channel.stream_stream("/rump.sp.v1.Component/Serve")()
            for message in (request, request, pb.RunRequest(id=5, cancel=True), pb.RunRequest(id=1, cancel=True)):
                await stream.write(message.SerializeToString())
            errors = [pb.RunResponse.FromString(await stream.read()).results[0].sys.error.errno for _ in range(2)]
            assert errors == [Errno.EBADRPC, Errno.EINTR]

    run_grpc(url, body)


def test_garbage_on_the_port(url: Url) -> None:
    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        for data in (b"GET / HTTP/1.1\r\n\r\n", bytes(4096), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 999):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(url.path)
                s.sendall(data)
        assert await call(peer, "close", 1) is None

    run_grpc(url, body)


def test_a_caller_that_breaks_off(url: Url) -> None:
    """Its calls are ended."""

    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        other = GrpcPeer(url, "vfs")
        waits = [asyncio.ensure_future(call(other, "flock", n, 0)) for n in range(5)]
        while len(component.gate._waiters) < 5:
            await asyncio.sleep(0.001)
        await other.close()
        for wait in waits:
            assert (await fails(wait)).errno == Errno.ENOTCONN
        while component.interrupted < 5:
            await asyncio.sleep(0.001)
        assert (await fails(call(other, "close", 1))).errno == Errno.ENOTCONN

    run_grpc(url, body)


def test_a_component_that_goes_and_comes_back(url: Url) -> None:
    async def body() -> None:
        async with over_grpc(url) as (component, _, server):
            peer = GrpcPeer(url, "vfs")
            wait = asyncio.ensure_future(call(peer, "flock", 1, 0))
            while not component.gate:
                await asyncio.sleep(0.001)
            await server.stop(0)
            error = await fails(wait)
            assert error.errno == Errno.ENOTCONN
            assert "vfs" in error.text
            assert (await fails(call(peer, "close", 1))).errno == Errno.ENOTCONN
        async with over_grpc(url):
            while await outcome(call(peer, "close", 1)) == Errno.ENOTCONN:  # attempts to connect are spaced out
                await asyncio.sleep(0.02)
            assert await call(peer, "getpid") == GetpidResult(77, 5)
            await peer.close()

    asyncio.run(asyncio.wait_for(body(), 60))


def test_a_call_that_was_never_sent_is_the_successors(url: Url) -> None:
    """Nobody listened: a write may be made again, since it cannot have been done."""

    async def body() -> None:
        peer = GrpcPeer(url, "vfs")
        async with over_grpc(parse("tcp+plain://127.0.0.1:0", server=True)) as (_, successor, _):

            async def next_one(_: Any) -> GrpcPeer:
                return successor

            peer.next = next_one
            assert await call(peer, "write", 1, b"abc") == 3
        await peer.close()

    asyncio.run(asyncio.wait_for(body(), 60))


def test_a_connection_may_take_its_time() -> None:
    """A far network, or a peer whose processors are busy: the first bytes are on their way for half a second."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def body() -> None:
        async with over_grpc(parse("tcp+plain://127.0.0.1:0", server=True)) as (_, direct, _):

            async def far(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await asyncio.sleep(0.5)
                there = await asyncio.open_connection("127.0.0.1", direct.url.port)
                await asyncio.gather(pipe(reader, there[1]), pipe(there[0], writer))

            async with await asyncio.start_server(far, "127.0.0.1", 0) as relay:
                peer = GrpcPeer(parse(f"tcp+plain://127.0.0.1:{relay.sockets[0].getsockname()[1]}"), "vfs")
                assert await call(peer, "write", 1, b"abc") == 3
                await peer.close()

    asyncio.run(asyncio.wait_for(body(), 60))


def test_a_component_that_answers_nonsense(url: Url) -> None:
    async def serve(_: Any, context: Any) -> None:
        await context.read()
        await context.write(b"\xff\xff\xff")

    async def body() -> None:
        server = grpc.aio.server()
        handlers: dict[str, Any] = {"Serve": grpc.stream_stream_rpc_method_handler(serve)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("rump.sp.v1.Component", handlers),))
        server.add_insecure_port(url.target)
        await server.start()
        peer = GrpcPeer(url, "vfs")
        assert (await fails(call(peer, "close", 1))).errno == Errno.EBADRPC
        await peer.close()
        await server.stop(0)

    asyncio.run(asyncio.wait_for(body(), 60))


def test_sockets_are_private_and_stale_ones_make_way(tmp_path: Path) -> None:
    url = parse(f"unix://{tmp_path}/new/s")

    async def body() -> None:
        async with over_grpc(url) as (_, peer, _):
            assert os.stat(url.path).st_mode & 0o777 == 0o600
            assert os.stat(os.path.dirname(url.path)).st_mode & 0o777 == 0o700
            second = ComponentServer(Echo(SystemHost(asyncio.get_running_loop())), url)
            assert (await fails(second.start())).errno == Errno.EADDRINUSE
            assert await call(peer, "close", 1) is None
        assert not os.path.exists(url.path)
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(url.path)
        async with over_grpc(url) as (_, peer, _):
            assert await call(peer, "close", 1) is None
        Path(url.path).write_text("not a socket")
        third = ComponentServer(Echo(SystemHost(asyncio.get_running_loop())), url)
        assert (await fails(third.start())).errno == Errno.EADDRINUSE
        assert Path(url.path).read_text() == "not a socket"

    asyncio.run(asyncio.wait_for(body(), 60))


def test_tcp() -> None:
    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        assert server.url.port > 0
        assert await call(peer, "close", 1) is None
        second = ComponentServer(Echo(SystemHost(asyncio.get_running_loop())), server.url)
        assert (await fails(second.start())).errno == Errno.EADDRINUSE

    run_grpc(parse("tcp+plain://127.0.0.1:0", server=True), body)


def test_reflection_names_the_service(url: Url) -> None:
    from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        async with grpc.aio.insecure_channel(url.target) as channel:
            method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
            stream: Any = channel.stream_stream(
                method, ServerReflectionRequest.SerializeToString, ServerReflectionResponse.FromString
            )()
            await stream.write(ServerReflectionRequest(list_services="*"))
            names = {service.name for service in (await stream.read()).list_services_response.service}
            assert {"rump.sp.v1.Component", "grpc.health.v1.Health"} <= names
            await stream.write(ServerReflectionRequest(file_containing_symbol="rump.sp.v1.Component"))
            assert (await stream.read()).file_descriptor_response.file_descriptor_proto

    run_grpc(url, body)


def test_a_slow_reader_holds_up_itself_alone(url: Url) -> None:
    """It is not read from while its answers pile up; the others are served, and nothing of its is lost."""

    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        request = pb.RunRequest()
        request.calls.add().sys.read.nbyte = 1 << 20
        async with grpc.aio.insecure_channel(url.target, options(4 << 20)) as channel:
            stream: Any = channel.stream_stream("/rump.sp.v1.Component/Serve")()

            async def ask() -> None:
                for n in range(40):
                    request.id = n
                    await stream.write(request.SerializeToString())

            asking = asyncio.ensure_future(ask())
            for _ in range(20):
                assert await call(peer, "close", 1) is None
            ids = [pb.RunResponse.FromString(await stream.read()).id for _ in range(40)]
            await asking
            assert sorted(ids) == list(range(40))

    run_grpc(url, body)


def test_tls_both_ways(tmp_path: Path) -> None:
    folder = pki.make(tmp_path)
    cert, key, ca = (str(folder / name) for name in ("cert.pem", "key.pem", "ca.pem"))

    async def body(component: Echo, peer: GrpcPeer, server: ComponentServer) -> None:
        for tls, errno in (
            (Tls(cert, key, ca), None),
            (Tls("", "", ca), Errno.ENOTCONN),
            (Tls(str(folder / "other.pem"), key, ca), Errno.ENOTCONN),
            (Tls(cert, "", ca), Errno.EINVAL),
            (Tls(cert, key, "/no/such"), Errno.ENOENT),
        ):
            other = GrpcPeer(server.url, "vfs", tls=tls)
            if errno is None:
                assert await call(other, "close", 1) is None
            else:
                assert (await fails(call(other, "close", 1))).errno == errno
            await other.close()
        plain = GrpcPeer(parse(f"tcp+plain://localhost:{server.url.port}"), "vfs")
        assert (await fails(call(plain, "close", 1))).errno == Errno.ENOTCONN
        await plain.close()

    run_grpc(parse("tcp://localhost:0", server=True), body, tls=Tls(cert, key, ca))


def test_tls_needs_a_certificate_with_its_key(tmp_path: Path) -> None:
    folder = pki.make(tmp_path)
    (folder / "none.pem").write_text("this is none")
    cert, none, strange = (str(folder / name) for name in ("cert.pem", "none.pem", "ca.pem"))

    async def body() -> None:
        for tls in (Tls(), Tls(none, none), Tls(cert, none), Tls(strange, str(folder / "key.pem"))):
            component = Echo(SystemHost(asyncio.get_running_loop()))
            server = ComponentServer(component, parse("tcp://*:0", server=True), tls=tls)
            assert (await fails(server.start())).errno == Errno.EINVAL

    asyncio.run(asyncio.wait_for(body(), 60))
