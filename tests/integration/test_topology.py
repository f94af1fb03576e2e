"""rump.netconfig -f: a file that brings up a router, a server and two hosts, each a kernel of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rumpclients import _topology
from rumpclients._command import CommandError

TOPOLOGY = """
[bus.lan]
[bus.wan]
impair = { delay_ms = 2 }
[kernel.router]
forward = true
npf = "router.npf"
routes = ["203.0.113.0/24 via 192.0.2.9"]
[kernel.router.interface.shmif0]
bus = "lan"
addresses = ["10.0.0.1/24", "2001:db8:1::1/64"]
dhcpd = { first = "10.0.0.100", last = "10.0.0.199" }
[kernel.router.interface.shmif1]
bus = "wan"
addresses = ["192.0.2.1/24"]
[kernel.server]
[kernel.server.interface.shmif0]
bus = "wan"
addresses = ["192.0.2.9/24"]
[kernel.server.interface.lo0]
addresses = ["203.0.113.5/32"]
[kernel.pc]
count = 2
[kernel.pc.interface.shmif0]
bus = "lan"
dhcp = true
"""
NPF = """map shmif1 dynamic 10.0.0.0/24 -> inet4(shmif1)
group "out" on shmif1 {
  pass stateful out final all
  block return in final proto udp
}
group default { pass all }
"""


class Lab:
    """The command, on one file."""

    def __init__(self, folder: Path) -> None:
        (folder / "router.npf").write_text(NPF)
        self.file = folder / "topo.toml"
        self.file.write_text(TOPOLOGY)
        self._folder = folder / "run"

    def __call__(self, *words: str) -> str:
        command = [sys.executable, "-m", "rumpclients.netconfig", "-f", str(self.file), "-D", str(self._folder), *words]
        env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    found = Lab(tmp_path_factory.mktemp("lab"))
    found("up")
    yield found
    assert "4 kernels ended" in found("down")
    assert json.loads(found("--json", "status"))[0]["running"] is False


def test_hosts_get_addresses_and_reach_the_world_under_the_router_s(lab: Lab) -> None:
    said = lab("exec", "pc1", "rump.dhcpclient", "--json", "-l")
    (lease,) = json.loads(said)
    assert lease["state"] == "bound"
    assert lease["address"].startswith("10.0.0.1")
    assert "0.0% packet loss" in lab("exec", "pc1", "rump.ping", "-o", "203.0.113.5")
    assert "192.0.2.1" in lab("exec", "server", "rump.arp", "-a")
    assert "icmp 10.0.0.1" in lab("exec", "router", "rump.npfctl", "list")


def test_the_way_is_seen(lab: Lab) -> None:
    lines = lab("exec", "pc2", "rump.traceroute", "-q", "1", "203.0.113.5").splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["10.0.0.1", "203.0.113.5"]


def test_links_are_impaired(lab: Lab) -> None:
    line = lab("exec", "server", "rump.ping", "-c", "3", "-i", "0.1", "192.0.2.1").splitlines()[-1]
    assert float(line.split(" = ")[1].split("/")[0]) >= 4, line


def test_what_runs_is_not_started_twice(lab: Lab) -> None:
    assert all(row["running"] for row in json.loads(lab("--json", "status")))
    with pytest.raises(AssertionError, match="running already"):
        lab("up")
    assert lab("env", "pc1").startswith("export RUMP_SERVER=unix:///")


def test_drawings(lab: Lab) -> None:
    drawn = lab("draw")
    assert " ├── router (router) shmif0  10.0.0.1/24 2001:db8:1::1/64 dhcpd" in drawn
    assert " └── pc2 shmif0  dhcp" in drawn
    assert '"router" -- "bus wan"' in lab("--dot", "draw")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[kernel.a]\nplacement = 'cloud'", "server or split"),
        ("[kernel.a.interface.shmif0]\nbus = 'x'", "there is no bus x"),
        ("[kernel.a]\nspeed = 9", "not known: speed"),
        ("[kernel.a]\nroutes = ['default 10.0.0.1']", "NETWORK via GATEWAY"),
        ("[kernel.a.interface.shmif0]\naddresses = ['10.0.0.1/99']", "ADDRESS/PREFIXLEN"),
        (
            "[bus.b]\n[kernel.a]\ncount = 2\n[kernel.a.interface.shmif0]\nbus = 'b'\naddresses = ['10.0.0.1/8']",
            "is the address of",
        ),
        ("[kernel.a]\ncount = true", "expected int"),
        ("[kernel", "at end of document"),
    ],
)
def test_errors_say_where(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text(text)
    with pytest.raises(CommandError, match=r"t\.toml: ") as error:
        _topology.read(str(file))
    assert said in str(error.value)


def test_numbers_stand_in_texts(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    port = "[kernel.a.interface.shmif0]\nbus = 'b'\naddresses = ['10.0.0.{n}/24']"
    file.write_text(f"[bus.b]\n[kernel.a]\ncount = 3\ngateway = '10.0.0.254'\n{port}")
    nodes = _topology.read(str(file)).nodes
    assert [node.ports[0].addresses for node in nodes.values()] == [["10.0.0.1/24"], ["10.0.0.2/24"], ["10.0.0.3/24"]]
