"""The process of a component under a gateway that is a few lines of this test."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from rumpuser.aio import settle
from rumpuser.component import Component, Context, Entry
from rumpuser.transport import channel
from rumpuser.transport.grpc_client import GrpcPeer
from rumpuser.transport.grpc_server import ComponentService
from rumpuser.transport.names import TOKEN_KEY
from rumpuser.url import Url, parse
from rumpwire import rump_bus_pb2 as pb
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import GetpidResult

ROOT = Path(__file__).parents[2]
TOKEN = "of-this-kernel"


class Gateway(Component):
    """Takes components in and tells them of peers."""

    name = "gateway"

    def __init__(self) -> None:
        super().__init__()
        self.joined: asyncio.Queue[Any] = asyncio.Queue()
        self.left = asyncio.Event()
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.table["getpid"] = Entry(lambda ctx: GetpidResult(ctx.pid, 0))

    async def join(self, _: Any, context: Any) -> None:
        request = await context.read()
        if request.token != TOKEN:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "wrong token")
        await context.write(pb.JoinResponse())
        self.joined.put_nowait(request)
        teller = asyncio.ensure_future(self._tell(context))
        try:
            while await context.read() is not grpc.aio.EOF:
                pass
        finally:
            teller.cancel()
            self.left.set()

    async def _tell(self, context: Any) -> None:
        while True:
            await context.write(await self.told.get())


@asynccontextmanager
async def gateway_at(url: Url) -> AsyncIterator[Gateway]:
    gateway = Gateway()
    server = grpc.aio.server()
    join = grpc.stream_stream_rpc_method_handler(
        gateway.join, pb.JoinRequest.FromString, pb.JoinResponse.SerializeToString
    )
    handler = grpc.method_handlers_generic_handler("rump.sp.v1.Registry", {"Join": join})
    server.add_generic_rpc_handlers((handler, ComponentService(gateway, TOKEN).handler()))
    channel.listen(server, url, channel.Tls())
    await server.start()
    try:
        yield gateway
    finally:
        await server.stop(0)
        channel.unlink(url)


@asynccontextmanager
async def component(*flags: str, env: dict[str, str] | None = None) -> AsyncIterator[Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.unit.common.echo", *flags,
        cwd=ROOT, stderr=asyncio.subprocess.PIPE, env={**os.environ, "RUMP_BUS_TOKEN": TOKEN, **(env or {})},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(body(), 60))  # type: ignore[arg-type]


async def end(process: Any) -> tuple[int, str]:
    _, log = await process.communicate()
    return process.returncode, log.decode()


async def describe(url: str) -> Any:
    """Answered when the component has started."""
    async with grpc.aio.insecure_channel(parse(url).target) as link:
        metadata = ((TOKEN_KEY, TOKEN),)
        return pb.DescribeResponse.FromString(
            await link.unary_unary("/rump.sp.v1.Component/Describe")(b"", metadata=metadata)
        )


@pytest.mark.parametrize("stop", ["drain", "SIGTERM", "SIGINT"])
def test_life(tmp_path: Path, stop: str) -> None:
    async def body() -> None:
        url = parse(f"unix://{tmp_path}/gw")
        async with gateway_at(url) as gateway:
            serve = f"unix://{tmp_path}/vfs"
            async with component("--listen", serve, "--gateway", str(url), "--die-with-parent") as process:
                request = await gateway.joined.get()
                assert (request.name, request.url, request.pid) == ("vfs", serve, process.pid)
                description = await describe(request.url)
                assert (description.name, description.pid) == ("vfs", process.pid)
                peer = GrpcPeer(parse(request.url), "vfs", token=TOKEN)
                assert await settle(peer.call(Context(pid=9), OPS["getpid"], ())) == GetpidResult(9, 0)
                await peer.close()
                if stop == "drain":
                    gateway.told.put_nowait(pb.JoinResponse(drain=True))
                else:
                    process.send_signal(getattr(signal, stop))
                status, log = await end(process)
                assert status == 0, log
                assert "msg=stopping" in log
                assert gateway.left.is_set()
                assert not (tmp_path / "vfs").exists()

    run(body)


def test_it_ends_with_its_gateway(tmp_path: Path) -> None:
    async def body() -> None:
        url = parse(f"unix://{tmp_path}/gw")
        async with component("--gateway", str(url)) as process:
            async with gateway_at(url) as gateway:
                request = await gateway.joined.get()
                await describe(request.url)
            status, log = await end(process)
            assert status == 1
            assert "lost the gateway" in log
            assert not Path(parse(request.url).path).parent.exists()

    run(body)


def test_keep_joins_again(tmp_path: Path) -> None:
    async def body() -> None:
        url = parse(f"unix://{tmp_path}/gw")
        async with component("--gateway", str(url), "--keep") as process:
            for _ in range(2):
                async with gateway_at(url) as gateway:
                    assert (await gateway.joined.get()).pid == process.pid
            process.terminate()
            assert (await end(process))[0] == 0

    run(body)


def test_peers_come_and_go(tmp_path: Path) -> None:
    async def body() -> None:
        url = parse(f"unix://{tmp_path}/gw")
        async with gateway_at(url) as gateway, component("--gateway", str(url)) as process:
            request = await gateway.joined.get()
            peer = GrpcPeer(parse(request.url), "vfs", token=TOKEN)

            async def reach(name: bytes) -> Errno | None:
                try:
                    return await settle(peer.call(Context(), OPS["chdir"], (name,)))
                except KernelError as error:
                    return Errno(error.errno)

            assert await reach(b"gateway") is None
            assert await reach(b"net") == Errno.ENOSYS
            gateway.told.put_nowait(pb.JoinResponse(peers=[pb.Peer(name="net", url=str(url))]))
            while await reach(b"net") == Errno.ENOSYS:
                await asyncio.sleep(0.005)
            assert await reach(b"net") is None
            gateway.told.put_nowait(pb.JoinResponse())
            while await reach(b"net") is None:
                await asyncio.sleep(0.005)
            assert await reach(b"net") == Errno.ENOSYS
            await peer.close()
            process.terminate()
            assert (await end(process))[0] == 0

    run(body)


def test_wrong_token(tmp_path: Path) -> None:
    async def body() -> None:
        url = parse(f"unix://{tmp_path}/gw")
        async with gateway_at(url), component("--gateway", str(url), env={"RUMP_BUS_TOKEN": "x"}) as process:
            status, log = await end(process)
            assert status == 1
            assert "EAUTH" in log

    run(body)


@pytest.mark.parametrize(
    ("flags", "env", "text"),
    [
        (("--listen", "tcp://x"), {}, "port is missing"),
        (("--log-level", "loud"), {}, "--log-level"),
        ((), {"RUMP_NCPU": "many"}, "RUMP_NCPU"),
        (("--config", "/no/such/file"), {}, "ENOENT"),
    ],
)
def test_bad_settings(flags: tuple[str, ...], env: dict[str, str], text: str) -> None:
    async def body() -> None:
        async with component(*flags, env=env) as process:
            status, log = await end(process)
            assert status in (1, 2)
            assert text in log
            assert "Traceback" not in log

    run(body)


def test_logs_as_json_and_parameters(tmp_path: Path) -> None:
    async def body() -> None:
        url = parse(f"unix://{tmp_path}/gw")
        async with gateway_at(url) as gateway, component("--gateway", str(url), "--log-json") as process:
            await describe((await gateway.joined.get()).url)
            process.terminate()
            _, log = await end(process)
            records = [json.loads(line) for line in log.splitlines()]
            assert [record["component"] for record in records] == ["vfs"] * len(records)
            assert records[0]["msg"].startswith("ready at unix://")

    run(body)
