"""A gateway with a policy, TLS, traces and metrics is replaced, or killed: who is who stays as it was."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import grpc
import pytest

import rump
from rumpuser.authority import Authority
from rumpuser.url import parse
from rumpwire import rump_sp_pb2 as sp
from tests.integration.test_gateway_replacement import gateways, replace
from tests.integration.test_replacement import PATIENCE_S, begun, pid_of, waits
from tests.live import eventually, free_ports, start_kernel

POLICY = """
[jwt]
keys = "{keys}"
issuer = "rump ca"
audience = "rump"
algorithms = ["EdDSA"]
once = true

[[rule]]
match = "jwt:web"
uid = 1001

[[rule]]
match = "spiffe://example.org/user"
uid = 1000
gid = 100

[[rule]]
match = "spiffe://example.org/small"
uid = 1002
limits = {{ processes = 2, descriptors = 8, calls = 2 }}

[[rule]]
match = "unix"
uid = 0
"""


class Site:
    """A kernel, and an authority whose clients it takes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = folder / "ca"
        self.authority = Authority.create(self.ca)
        self.authority.server("server")
        for name in ("user", "small", "guest", "stranger"):
            self.authority.client(name, [f"spiffe://example.org/{name}"])
        self.policy = folder / "policy.toml"
        self.write_policy(POLICY)
        (port,) = free_ports(1)
        self.tls = f"tcp://localhost:{port}"
        self.kernel = start_kernel(
            folder, "--url", f"unix://{folder}/k.sock", "--url", self.tls, "--metrics", "127.0.0.1:0",
            "--tls-cert", f"{self.ca}/server.pem", "--tls-key", f"{self.ca}/server.key",
            "--tls-client-ca", f"{self.ca}/ca.pem", "--policy", str(self.policy),
            "--audit-log", f"{folder}/audit.log", "--trace", f"{folder}/trace", "--log-level", "info",
            env={"OTEL_BSP_SCHEDULE_DELAY": "3600000"},
        )  # fmt: skip

    def write_policy(self, text: str) -> None:
        new = self.folder / "policy.new"
        new.write_text(text.format(keys=self.ca / "keys.json"))
        new.replace(self.policy)

    def connect(self, name: str, token: str = "", **more: Any) -> rump.Client:
        names = {"RUMP_TLS_CA": "ca.pem", "RUMP_TLS_CERT": f"{name}.pem", "RUMP_TLS_KEY": f"{name}.key"}
        found = {variable: str(self.ca / file) for variable, file in names.items()}
        with mock.patch.dict(os.environ, {**found, "RUMP_TOKEN": token}):
            return rump.connect(self.tls, **more)

    def channel(self, name: str) -> grpc.Channel:
        ca, key, cert = ((self.ca / file).read_bytes() for file in ("ca.pem", f"{name}.key", f"{name}.pem"))
        return grpc.secure_channel(parse(self.tls).target, grpc.ssl_channel_credentials(ca, key, cert))

    def token(self) -> str:
        return self.authority.token("web", "rump ca", "rump", 600.0)

    def replace(self) -> None:
        replace(self.kernel)

    def kill(self) -> None:
        with rump.connect(self.kernel.url, retry=PATIENCE_S) as k:
            before = pid_of(k, "gateway")
            os.kill(before, signal.SIGKILL)
            eventually(lambda: pid_of(k, "gateway") != before, PATIENCE_S, "another gateway")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(tmp_path_factory.mktemp("guarded"))
    yield found
    assert "Traceback" not in found.kernel.log
    assert found.kernel.stop() == 0
    assert found.kernel.process.stdout is not None
    found.kernel.process.stdout.close()


CHANGES: dict[str, Callable[[Site], None]] = {"replaced": Site.replace, "killed": Site.kill}


@pytest.fixture(params=CHANGES)
def change(request: pytest.FixtureRequest, site: Site) -> Callable[[], None]:
    """Puts another gateway in the place of the one that serves."""
    return lambda: CHANGES[request.param](site)


def test_identities_stay(site: Site, change: Callable[[], None]) -> None:
    with site.connect("user", retry=PATIENCE_S) as k, site.connect("stranger", site.token(), retry=PATIENCE_S) as web:
        change()
        for each, uid in ((k, 1000), (web, 1001)):
            assert each.sys.getuid() == uid
            with pytest.raises(PermissionError, match=r"system\.chroot"):
                each.sys.chroot("/tmp")
            with each.fork() as child:
                assert child.sys.getuid() == uid
        with site.connect("user") as late, pytest.raises(PermissionError):
            late.sys.chroot("/tmp")
        with pytest.raises(PermissionError):
            site.connect("stranger")


def test_a_connection_goes_on_with_its_calls_by_themselves(site: Site) -> None:
    """What the predecessor passes on is done as who has made it, and for nobody else."""
    local = grpc.insecure_channel(parse(site.kernel.url).target)
    with site.channel("user") as channel, site.channel("small") as other, local, site.connect("user") as k:
        attach = channel.unary_unary("/rump.sp.v1.Session/Attach")
        session = sp.AttachResponse.FromString(attach(sp.AttachRequest(comm="c").SerializeToString())).session
        theirs = [("rump-session", session)]
        for _ in range(2):
            site.replace()
            assert channel.unary_unary("/rump.sp.v1.Kern/Getuid")(b"", metadata=theirs)
            assert k.sys.getuid() == 1000
            for stranger in (other, local):
                with pytest.raises(grpc.RpcError) as caught:
                    stranger.unary_unary("/rump.sp.v1.Kern/Getuid")(b"", metadata=theirs)
                assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
        channel.unary_unary("/rump.sp.v1.Session/Detach")(b"", metadata=theirs)


def test_a_token_for_one_use_stays_used(site: Site, change: Callable[[], None]) -> None:
    once = site.token()
    site.connect("stranger", once).close()
    change()
    with pytest.raises(PermissionError, match="used"):
        site.connect("stranger", once)


def test_limits_stay(site: Site) -> None:
    """Calls that wait are counted once, whoever began them."""
    with site.connect("small") as k:
        (r, w), child = k.sys.pipe(), k.fork()
        reads = [begun(lambda each=each: each.sys.read(r, 1)) for each in (k, child)]
        waits(site.kernel, 2)
        for attempt in range(3):
            if attempt:
                site.replace()
            with pytest.raises(BlockingIOError, match="calls wait"):
                k.sys.write(w, b"x")
            with pytest.raises(OSError, match="processes"):
                site.connect("small")
        child.close()
        with pytest.raises(OSError, match=r"."):
            reads[1]()
        k.sys.write(w, b"x")
        assert reads[0]() == b"x"


def test_a_policy_that_only_the_successor_has_seen(site: Site) -> None:
    """Whoever it gives nothing any more has nothing."""
    guest = 'match = "spiffe://example.org/guest"\nuid = 1004\n\n[[rule]]\n'
    site.write_policy(POLICY.replace('match = "unix"', guest + 'match = "unix"'))
    try:
        with site.connect("guest") as k, rump.connect(site.kernel.url) as root:
            assert k.sys.getuid() == 1004
            replaced = begun(lambda: root.pub.component_restart("gateway"))
            heir = site.folder / "run" / "gateway.heir"
            eventually(heir.exists, PATIENCE_S, "a successor starts")
            site.write_policy(POLICY)
            replaced()
            eventually(lambda: _gone(k), PATIENCE_S, "the session ends")
    finally:
        site.write_policy(POLICY)


def _gone(k: rump.Client) -> bool:
    try:
        k.sys.getuid()
    except OSError:
        return True
    return False


def test_metrics_and_traces(site: Site) -> None:
    with rump.connect(site.kernel.url) as k:
        k.sys.getpgrp()
        r, w = k.sys.pipe()
        reading = begun(lambda: k.sys.read(r, 1))
        waits(site.kernel, 1)
        site.replace()
        k.sys.write(w, b"x")
        assert reading() == b"x"
        k.sys.getppid()
    where = re.findall(r"http://[^\s\"]+/metrics", site.kernel.log)[-1]
    with urllib.request.urlopen(where, timeout=10) as reply:
        assert re.search(r'^rump_component_up\{component="gateway"\} 1\.0', reply.read().decode(), re.M)
    eventually(lambda: len(gateways(site.kernel)) == 2, PATIENCE_S, "the predecessors end")
    site.replace()
    names = [json.loads(line)["name"] for line in (site.folder / "trace").read_text().splitlines()]
    assert "rump.getpgrp" in names
    assert "rump.getppid" in names


def test_components_that_speak_tls(tmp_path: Path) -> None:
    """The successor has the keys that were made at start, and the port of the bus."""
    (port,) = free_ports(1)
    kernel = start_kernel(tmp_path, "--bus", f"tcp://localhost:{port}")
    try:
        with rump.connect(kernel.url, retry=PATIENCE_S) as k:
            fd = k.sys.open("/tmp/file", os.O_CREAT | os.O_RDWR, 0o600)
            replace(kernel)
            k.pub.component_restart("vfs")
            assert k.sys.pwrite(fd, b"y", 0) == 1
            before = pid_of(k, "gateway")
            os.kill(before, signal.SIGKILL)
            eventually(lambda: pid_of(k, "gateway") != before, PATIENCE_S, "another gateway")
            replace(kernel)
            k.pub.component_restart("vfs", crash=True)
            assert k.sys.getpid() == k.pid
            k.sys.stat("/tmp")
        assert "Traceback" not in kernel.log
    finally:
        assert kernel.stop() == 0
        assert kernel.process.stdout is not None
        kernel.process.stdout.close()
