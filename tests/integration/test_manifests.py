"""The commands of the Kubernetes manifests, on loopback: components that are started apart make one kernel."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rump
from tests.live import eventually, free_ports
from tests.unit.deploy.test_manifests import COMPONENTS, container


class Here:
    """What the manifests say, for this machine: other ports, loopback, and a folder in place of the volumes."""

    def __init__(self, folder: Path) -> None:
        wanted = sorted({port["containerPort"] for name in COMPONENTS for port in container(name)["ports"]})
        self.ports = dict(zip(wanted, free_ports(len(wanted)), strict=True))
        self.folder = folder
        (folder / "token").write_text("token-of-this-test\n")

    def text(self, text: str) -> str:
        text = re.sub(r"://[a-z0-9.-]+:(\d+)", lambda m: f"://127.0.0.1:{self.ports[int(m[1])]}", text)
        return text.replace("/run/rump", str(self.folder)).replace("/tmp/rump", str(self.folder / "run"))

    def start(self, name: str) -> subprocess.Popen[bytes]:
        only = container(name)
        command = [sys.executable, *only["command"][1:], *map(self.text, only["args"])]
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def probe(self, name: str) -> bool:
        command = [sys.executable, *map(self.text, container(name)["readinessProbe"]["exec"]["command"][1:])]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Here, dict[str, subprocess.Popen[bytes]]]]:
    made = Here(tmp_path)
    # Components first: they wait for the gateway, as in a cluster, where nothing comes in order.
    processes = {name: made.start(name) for name in reversed(COMPONENTS)}
    try:
        yield made, processes
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def test_components_apart_make_one_kernel(here: tuple[Here, dict[str, subprocess.Popen[bytes]]]) -> None:
    made, processes = here
    for name in COMPONENTS:
        eventually(lambda name=name: made.probe(name) or processes[name].poll() is not None, 60, f"{name} is ready")
        assert processes[name].poll() is None, made.log(name)
    with rump.connect(made.text("tcp+plain://rump-gateway:7100")) as k:
        fd = k.sys.open("/tmp/file", os.O_RDWR | os.O_CREAT, 0o644)
        assert k.sys.write(fd, b"across processes") == 16
        assert k.sys.pread(fd, 100, 0) == b"across processes"
        assert k.sysctl("kern.ostype")
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    assert {name: process.wait(15) for name, process in processes.items()} == dict.fromkeys(COMPONENTS, 0)
    assert not made.probe("gateway")
