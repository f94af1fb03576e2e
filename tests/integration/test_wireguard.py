"""Tunnels to wireguard-go, another implementation in user space, over a tap device; set up with rump.wgconfig."""

from __future__ import annotations

import base64
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import rump
from rumpclients import wg_keygen, wgconfig
from tests.conformance.test_links import ping
from tests.live import live_kernel
from tests.netns import Netns, cable, netns
from tests.tools import need

OURS, THEIRS = "10.91.0.1", "10.91.0.2"
INNER, THEIR_INNER = "10.90.0.1", "10.90.0.2"
_SINK = f"""
import hashlib, socket
s = socket.create_server(("{THEIR_INNER}", 9))
print("ready", flush=True)
c, _ = s.accept()
h = hashlib.sha256()
while data := c.recv(1 << 16):
    h.update(data)
c.sendall(h.hexdigest().encode())
c.close()
"""


class Lab(NamedTuple):
    ns: Netns
    k: Any
    control: str
    url: str
    peer: tuple[str, ...]
    """What rump.wgconfig adds."""


def told(path: str, *lines: str) -> str:
    """An answer of wireguard-go (its cross-platform user-space interface)."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(path)
        s.sendall("\n".join([*lines, "", ""]).encode())
        answer = b""
        while not answer.endswith(b"\n\n"):
            answer += s.recv(1 << 16)
    assert "errno=0" in answer.decode()
    return answer.decode()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    program, name = need("wireguard-go"), f"wg{os.getpid() % 100000}"
    control = f"/var/run/wireguard/{name}.sock"
    folder = tmp_path_factory.mktemp("wg")
    private, theirs, psk = wg_keygen._key(pub=False, psk=False), os.urandom(32), os.urandom(32)
    for file, key in (("private", private), ("psk", psk)):
        (folder / file).write_text(wgconfig.shown(key))
    with netns() as ns, live_kernel("--factions", "net") as kernel, rump.connect(kernel.url) as k:
        cable(k, ns, OURS, THEIRS)
        command = ns.command(program, "-f", name)
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                end = time.monotonic() + 20
                while not Path(control).exists() and time.monotonic() < end:
                    time.sleep(0.01)
                key = wg_keygen._public(private)
                told(control, "set=1", f"private_key={theirs.hex()}", "listen_port=51821", f"public_key={key.hex()}",
                     f"preshared_key={psk.hex()}", f"allowed_ip={INNER}/32")  # fmt: skip
                ns.ip("address", "add", f"{THEIR_INNER}/24", "dev", name)
                ns.ip("link", "set", name, "up")
                k.pub.netconfig_ifcreate("wg0")
                peer = (base64.b64encode(wg_keygen._public(theirs)).decode(), f"--preshared-key={folder}/psk",
                        f"--endpoint={THEIRS}:51821", f"--allowed-ips={THEIR_INNER}/32")  # fmt: skip
                set_up(kernel.url, ["set", "private-key", str(folder / "private")], ["set", "listen-port", "51820"],
                       ["add", "peer", "them", *peer])  # fmt: skip
                k.pub.netconfig_ipv4_ifaddr_cidr("wg0", INNER, 24)
                k.pub.netconfig_ifup("wg0")
                yield Lab(ns, k, control, kernel.url, peer)
            finally:
                process.terminate()


def set_up(url: str, *commands: list[str]) -> str:
    """What the last command prints."""
    out = ""
    for words in commands:
        command = [sys.executable, "-m", "rumpclients.wgconfig", "wg0", *words]
        done = subprocess.run(
            command, env={**os.environ, "RUMP_SERVER": url}, check=True, capture_output=True, text=True
        )
        out = done.stdout
    return out


def test_pings_both_ways(lab: Lab) -> None:
    assert ping(lab.k, THEIR_INNER)
    assert ping(lab.k, THEIR_INNER, 1300)
    assert "3 received" in lab.ns.run("ping", "-c", "3", "-W", "10", INNER).stdout
    assert "last_handshake_time_sec=0" not in told(lab.control, "get=1")
    shown = set_up(lab.url, ["show", "peer", "them"])
    assert f"endpoint: {THEIRS}:51821" in shown
    assert "latest-handshake: 2" in shown


def test_a_stream(lab: Lab) -> None:
    data = os.urandom(1 << 20)
    with subprocess.Popen(lab.ns.command(sys.executable, "-c", _SINK), stdout=subprocess.PIPE) as sink:
        assert sink.stdout is not None
        sink.stdout.readline()
        with lab.k.socket(rump.AF_INET, rump.SOCK_STREAM) as s:
            s.settimeout(60)
            s.connect((THEIR_INNER, 9))
            s.sendall(data)
            s.shutdown(rump.SHUT_WR)
            found = b"".join(iter(lambda: s.recv(100), b""))
    assert found.decode() == hashlib.sha256(data).hexdigest()


def test_the_tunnel_comes_back_when_net_was_killed(lab: Lab) -> None:
    """With its keys and peers. We have no session, and begin one; they are told by the keepalive alone."""
    for change in (["delete", "peer", "them"], ["add", "peer", "them", *lab.peer, "--persistent-keepalive=1"]):
        set_up(lab.url, change)
    net = next(component for component in lab.k.status()["components"] if component["name"] == "net")
    os.kill(net["pid"], signal.SIGKILL)
    assert ping(lab.k, THEIR_INNER)
    os.kill(next(c for c in lab.k.status()["components"] if c["name"] == "net")["pid"], signal.SIGKILL)
    assert "persistent-keepalive: 1 s" in set_up(lab.url, ["show", "peer", "them"])
    assert "1 received" in lab.ns.run("ping", "-c", "1", "-W", "20", INNER).stdout


def test_they_begin_and_we_have_moved(lab: Lab) -> None:
    """wireguard-go follows us to another port, and we take the handshake that it begins after it was told all anew."""
    set_up(lab.url, ["set", "listen-port", "51999"])
    assert ping(lab.k, THEIR_INNER)
    assert f"endpoint={OURS}:51999" in told(lab.control, "get=1")
    key = next(line for line in told(lab.control, "get=1").splitlines() if line.startswith("public_key"))
    psk = next(line for line in told(lab.control, "get=1").splitlines() if line.startswith("preshared_key"))
    told(lab.control, "set=1", key, "remove=true")
    told(lab.control, "set=1", key, psk, f"allowed_ip={INNER}/32", f"endpoint={OURS}:51999")
    assert "1 received" in lab.ns.run("ping", "-c", "1", "-W", "10", INNER).stdout
