"""Tools that we did not write look at a kernel: promtool and grpcurl. Without them the tests are skipped."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from rumpuser.authority import Authority
from tests.live import LiveKernel, free_ports, start_kernel


def tool(name: str) -> str:
    """Debian has no grpcurl: without it the test is skipped everywhere, CI too."""
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


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


@pytest.fixture(params=["plain", "tls"])
def grpcurl(request: pytest.FixtureRequest, kernel: LiveKernel, ports: list[int]) -> Any:
    program, ca = tool("grpcurl"), kernel.folder / "ca"
    way = ["-plaintext"]
    if request.param == "tls":
        way = ["-cacert", f"{ca}/ca.pem", "-cert", f"{ca}/alice.pem", "-key", f"{ca}/alice.key"]
    where = f"localhost:{ports[request.param == 'tls']}"

    def run(*what: str, session: str = "", data: str = "", status: int = 0) -> str:
        flags = [*way, *(("-H", f"rump-session: {session}") if session else ()), *(("-d", data) if data else ())]
        done = subprocess.run([program, *flags, where, *what], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    return run


def test_metrics_are_clean(kernel: LiveKernel, ports: list[int]) -> None:
    promtool = tool("promtool")
    with rump.connect(kernel.url) as k, pytest.raises(FileNotFoundError):
        k.sys.open("/none", 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{ports[2]}/metrics", timeout=20) as answer:
        found = answer.read()
    assert b'rump_call_errors_total{call="open",errno="ENOENT"} 1' in found
    done = subprocess.run([promtool, "check", "metrics"], input=found, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_grpcurl_lists_describes_and_calls(grpcurl: Any) -> None:
    services = grpcurl("list").split()
    assert {"rump.sp.v1.Session", "rump.sp.v1.Vfs", "grpc.health.v1.Health", "grpc.channelz.v1.Channelz"} <= set(
        services
    )
    for service in services:
        assert f"{service} is a service" in grpcurl("describe", service)
    assert "rpc Status" in grpcurl("describe", "rump.sp.v1.Session.Status")
    assert "bytes path = 1;" in grpcurl("describe", "rump.sp.v1.OpenRequest")
    assert json.loads(grpcurl("rump.sp.v1.Session/Status"))["components"]
    attached = json.loads(grpcurl("rump.sp.v1.Session/Attach", data='{"comm": "grpcurl"}'))
    session = attached["session"]
    assert json.loads(grpcurl("rump.sp.v1.Kern/Getpid", session=session))["pid"] == attached["pid"]
    failed = grpcurl("rump.sp.v1.Vfs/Open", session=session, data='{"path": "L25vbmU="}', status=64 + 5)  # NOT_FOUND
    assert '"name": "ENOENT"' in failed
    grpcurl("rump.sp.v1.Session/Detach", session=session)


def test_grpcurl_sees_connections_and_health(grpcurl: Any) -> None:
    assert json.loads(grpcurl("grpc.health.v1.Health/Check")) == {"status": "SERVING"}
    servers = json.loads(grpcurl("grpc.channelz.v1.Channelz/GetServers"))["server"]
    number = servers[0]["ref"]["server_id" if "server_id" in servers[0]["ref"] else "serverId"]
    calls = "grpc.channelz.v1.Channelz/GetServerSockets"
    assert json.loads(grpcurl(calls, data=json.dumps({"server_id": number})))["socket_ref"]


def test_who_has_no_certificate_sees_nothing(kernel: LiveKernel, ports: list[int]) -> None:
    command = [tool("grpcurl"), "-cacert", f"{kernel.folder}/ca/ca.pem", f"localhost:{ports[1]}", "list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "rump" not in done.stdout
