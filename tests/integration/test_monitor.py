"""What a running kernel tells of itself: statistics over the SDK, Prometheus and channelz, slow calls in its log."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc

import rump
from tests.live import LiveKernel, eventually, live_kernel


@pytest.fixture(scope="module", params=["server", "split"])
def kernel(request: pytest.FixtureRequest) -> Iterator[LiveKernel]:
    flags = ("--metrics", "127.0.0.1:0", "--channelz", "--slow-calls", "0.0001", "--log-level", "info")
    with live_kernel("--placement", request.param, *flags) as live:
        yield live


def counts(k: rump.Client) -> dict[str, rump.CallStatistics]:
    return {c["call"]: c for c in k.statistics()["calls"]}


def test_calls_are_counted_and_timed(kernel: LiveKernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUMP_LEASES", "0")  # what a client knows itself is not counted
    with rump.connect(kernel.url) as k:
        before = counts(k).get("open", {"count": 0, "errors": {}, "buckets": [0]})
        for _ in range(20):
            k.sys.close(k.sys.open("/dev/null", 0))
        for _ in range(3):
            with pytest.raises(FileNotFoundError):
                k.sys.open("/none", 0)
        after = counts(k)["open"]
        assert after["count"] - before["count"] == 23
        assert after["errors"]["ENOENT"] - before["errors"].get("ENOENT", 0) == 3
        assert sum(after["buckets"]) - sum(before["buckets"]) == 23
        with k.batch() as batch:
            for _ in range(7):
                batch.getppid()
        assert counts(k)["getppid"]["count"] == 7
        assert counts(k)["batch"]["count"] >= 1


def test_what_components_use(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        found = k.statistics()
        usage = {u["name"]: u for u in found["usage"]}
        processes = {c["pid"]: c["name"] for c in found["components"]}
        assert len(usage) == len(processes), "one for each process"
        for use in usage.values():
            assert 10 << 20 < use["resident_bytes"] < 1 << 30
            assert use["cpu_nanoseconds"] > 0
        assert found["sessions"] >= 1
        assert found["descriptors"] >= 3


def test_what_waits_is_in_flight(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k, rump.connect(kernel.url) as other:
        reader, writer = k.sys.pipe()
        waiting = k.batch()
        read = waiting.read(reader, 1)
        waiting.post()
        eventually(lambda: other.statistics()["in_flight"] == 1, 20, "the call waits")
        k.sys.write(writer, b"x")
        waiting.run()
        assert read.result() == b"x"
        assert other.statistics()["in_flight"] == 0


def test_prometheus(kernel: LiveKernel) -> None:
    (where,) = re.findall(r"http://[^\s\"]+/metrics", kernel.log)
    with rump.connect(kernel.url) as k:
        k.sys.getgid()
        with urllib.request.urlopen(where, timeout=10) as reply:
            text = reply.read().decode()
    assert re.search(r'^rump_calls_total\{call="getgid",faction="kern"\} [1-9]', text, re.M)
    assert re.search(r'^rump_component_up\{component="vfs"\} 1\.0', text, re.M)
    assert re.search(r"^rump_sessions 1\.0", text, re.M)


def test_slow_calls_are_in_the_log(kernel: LiveKernel) -> None:
    with rump.connect(kernel.url) as k:
        k.sys.stat("/")
        assert k.statistics()["slow"] > 0
    assert re.search(r'component=gateway msg="slow: .* took \d+ ms" call=', kernel.log)


def test_channelz(kernel: LiveKernel) -> None:
    with grpc.insecure_channel(kernel.url.replace("unix://", "unix:")) as channel:
        stub: Any = channelz_pb2_grpc.ChannelzStub(channel)
        assert stub.GetServers(channelz_pb2.GetServersRequest()).server


def test_the_tool(kernel: LiveKernel) -> None:
    command = [sys.executable, "-m", "rumpclients.cli", "status", "--url", kernel.url, "--calls"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert re.search(r"^CALL +COUNT +ERRORS", shown, re.M)
    found = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
    assert {"calls", "usage", "components", "uptime_ms"} <= set(found)


def test_a_kernel_in_this_process_keeps_none() -> None:
    with rump.Kernel() as k, pytest.raises(rump.RumpError) as caught:
        k.statistics()
    assert caught.value.name == "EOPNOTSUPP"
