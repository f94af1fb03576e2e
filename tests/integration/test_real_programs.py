"""Programs of Linux that know nothing of us, through our stack: ssh, scp and iperf3.

The client is in a network namespace. It connects over a tap device to an address of our kernel, which accepts, and
rump.forward carries on to the server, on the loopback of this machine. And the other way round.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import rump
from tests.forwards import forwarding
from tests.live import LiveKernel, eventually, free_ports, live_kernel
from tests.netns import Netns, cable, netns
from tests.tools import need

OURS, THEIRS = "10.82.0.1", "10.82.0.2"
DATA = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(200_000))
"""6.4 MB that tell their place."""


class Lab(NamedTuple):
    kernel: LiveKernel
    ns: Netns


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with (
        netns() as ns,
        live_kernel("--factions", "net", "--placement", "split") as kernel,
        rump.connect(kernel.url) as k,
    ):
        cable(k, ns, OURS, THEIRS)
        k.pub.netconfig_ipv6_ifaddr("virt0", "fd82::1", 64)
        ns.ip("address", "add", "fd82::2/64", "dev", "tap0", "nodad")
        yield Lab(kernel, ns)


def listens(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


# -- ssh


@pytest.fixture(scope="module")
def ssh(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Options with which ssh and scp in the namespace reach an sshd behind port 22 of our kernel."""
    sshd, keygen = need("sshd"), need("ssh-keygen")
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (port,) = free_ports(1)
    if os.getuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # sshd of root will not start without
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
        "PasswordAuthentication no\nSubsystem sftp internal-sftp\n"
    )
    (folder / "known").write_text(" ".join(["*", *(folder / "host.pub").read_text().split()[:2]]))
    server = subprocess.Popen([sshd, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: listens(port), 20, "sshd listens")
        with forwarding(lab.kernel.url, "-R", f"22:127.0.0.1:{port}"):
            yield [
                "-F", "none", "-i", str(folder / "user"), "-o", f"UserKnownHostsFile={folder}/known",
                "-o", "BatchMode=yes", "-o", f"User={pwd.getpwuid(os.getuid()).pw_name}",
            ]  # fmt: skip
    finally:
        server.terminate()
        server.wait()


@pytest.mark.parametrize("host", [OURS, "fd82::1"])
def test_ssh_runs_commands(lab: Lab, ssh: list[str], host: str) -> None:
    done = lab.ns.run(need("ssh"), *ssh, host, "echo $((6 * 7)); echo no >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "42\n", "no\n")


def test_ssh_carries_input_and_output(lab: Lab, ssh: list[str], tmp_path: Path) -> None:
    """The whole of it in both directions at once, ended by the end of the input."""
    (tmp_path / "in").write_bytes(DATA)
    command = lab.ns.command(need("ssh"), *ssh, OURS, "cat")
    with (tmp_path / "in").open("rb") as given, (tmp_path / "out").open("wb") as got:
        subprocess.run(command, stdin=given, stdout=got, check=True, timeout=60)
    assert (tmp_path / "out").read_bytes() == DATA


def test_scp_copies_both_ways(lab: Lab, ssh: list[str], tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(DATA)
    scp = need("scp")
    for source, target in (
        (f"{tmp_path}/one", f"{OURS}:{tmp_path}/two"),
        (f"[fd82::1]:{tmp_path}/two", f"{tmp_path}/three"),
    ):
        done = lab.ns.run(scp, *ssh, source, target)
        assert done.returncode == 0, done.stderr
    digests = {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("one", "two", "three")}
    assert len(digests) == 1


# -- iperf3


@contextmanager
def iperf_server(prefix: list[str], *where: str) -> Iterator[None]:
    command = [*prefix, need("iperf3"), "-s", *where, "--forceflush"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert any("listening" in line for line in server.stdout)
            yield
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def behind_us(lab: Lab) -> Iterator[list[str]]:
    """How iperf3 in the namespace reaches a server on this machine's loopback."""
    (port,) = free_ports(1)
    specs = [f"5201:127.0.0.1:{port}", f"5201:127.0.0.1:{port}/udp"]
    with (
        iperf_server([], "-B", "127.0.0.1", "-p", str(port)),
        forwarding(lab.kernel.url, "-R", specs[0], "-R", specs[1]),
    ):
        yield lab.ns.command(need("iperf3"), "-c", OURS)


@pytest.fixture(scope="module")
def behind_linux(lab: Lab) -> Iterator[list[str]]:
    """How iperf3 on this machine reaches a server in the namespace, through our kernel."""
    (port,) = free_ports(1)
    specs = [f"{port}:{THEIRS}:5202", f"{port}:{THEIRS}:5202/udp"]
    with (
        iperf_server(lab.ns.command(), "-p", "5202"),
        forwarding(lab.kernel.url, "-L", specs[0], "-L", specs[1]),
    ):
        yield [need("iperf3"), "-c", "127.0.0.1", "-p", str(port)]


def iperf(client: list[str], *options: str) -> dict[str, Any]:
    for _ in range(50):
        done = subprocess.run([*client, "-J", *options], capture_output=True, text=True, timeout=60, check=False)
        result: dict[str, Any] = json.loads(done.stdout)
        if "busy" not in result.get("error", ""):  # with the end of the test before
            break
        time.sleep(0.05)
    assert "error" not in result, result["error"]
    end: dict[str, Any] = result["end"]
    return end


@pytest.mark.parametrize("side", ["behind_us", "behind_linux"])
@pytest.mark.parametrize("options", ["", "-R", "-P 4", "-P 4 -R", "--bidir"])
def test_iperf3(request: pytest.FixtureRequest, side: str, options: str) -> None:
    """With --bidir it ends when one of both directions has carried so much.

    What counts as sent is what buffers have taken, so it is more than the buffers of all streams hold.
    """
    size = 64 if "-P" in options else 16
    end = iperf(request.getfixturevalue(side), "-n", f"{size}M", *options.split())
    ways = ("", "_bidir_reverse") if options == "--bidir" else ("",)
    assert max(end[f"sum_sent{way}"]["bytes"] for way in ways) >= size << 20
    assert min(end[f"sum_received{way}"]["bytes"] for way in ways) > 1 << 20


@pytest.mark.parametrize("side", ["behind_us", "behind_linux"])
@pytest.mark.parametrize("options", ["", "-R"])
def test_iperf3_with_datagrams(request: pytest.FixtureRequest, side: str, options: str) -> None:
    """At a rate at which a process may have to wait for a quarter of a second before a buffer is full: iperf3 numbers
    its datagrams, and misses few."""
    end = iperf(request.getfixturevalue(side), "-u", "-b", "2M", "-l", "1200", "-n", "300K", *options.split())
    assert end["sum"]["packets"] >= 250
    assert end["sum"]["lost_percent"] < 5
