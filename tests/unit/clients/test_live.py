"""The programs as processes, against kernels that they started themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import pki
from tests.live import eventually

BIN = Path(sys.executable).parent
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Runs a program of the distribution. Kernels that are left are halted."""
    env = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    env.pop("RUMP_SERVER", None)

    def program(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [str(BIN / words[0]), *words[1:]]
        return subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=60, env={**env, **more}, cwd=tmp_path
        )

    yield program
    for socket in tmp_path.glob("**/kernel.sock"):
        program("rump.halt", RUMP_SERVER=f"unix://{socket}")


def test_from_up_to_halt(run: Run, tmp_path: Path) -> None:
    up = run("rump", "up", "--detach", "--factions", "vfs", "--placement", "server")
    url = f"unix://{tmp_path}/rump/kernel.sock"
    assert (up.returncode, up.stdout) == (0, f"ready {url}\n"), up.stderr
    status = json.loads(run("rump", "status", "--json").stdout)
    assert status["url"] == url
    assert [c["name"] for c in status["components"]] == ["gateway", "kern", "vfs"]
    pid = status["components"][0]["pid"]
    assert [set(p) for p in json.loads(run("rump", "ps", "--json").stdout)] == [
        {"pid", "ppid", "comm", "uid", "nfd", "nlwps"}
    ]
    server = {"RUMP_SERVER": url}
    assert run("rump.sysctl", "-w", "kern.hostname=here", **server).returncode == 0
    assert run("rump.sysctl", "-n", "kern.hostname", **server).stdout == "here\n"
    assert run("rump.mount", "-t", "tmpfs", "tmpfs", "/tmp", **server).returncode == 0
    assert "tmpfs on /tmp type tmpfs" in run("rump.mount", **server).stdout
    again = run("rump", "up", "--detach")
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1, "somebody listens there already"
    assert run("rump.halt", **server).returncode == 0
    eventually(lambda: not os.path.exists(f"/proc/{pid}"), 20, "the kernel has ended")
    assert run("rump.halt", **server).stderr.startswith("rump.halt: no kernel at ")


def test_tls_asks_for_certificates_on_both_sides(run: Run, tmp_path: Path) -> None:
    pki.make(tmp_path)
    flags = (
        "--tls-cert",
        "cert.pem",
        "--tls-key",
        "key.pem",
        "--tls-client-ca",
        "ca.pem",
        "--dir",
        str(tmp_path / "k"),
    )
    up = run("rump", "up", "--detach", "--factions", "", "--placement", "server", "--url", "tcp://127.0.0.1:0", *flags)
    assert up.returncode == 0, up.stderr
    url = up.stdout.split()[1].replace("127.0.0.1", "localhost")
    known = {"RUMP_SERVER": url, "RUMP_TLS_CA": "ca.pem", "RUMP_TLS_CERT": "cert.pem", "RUMP_TLS_KEY": "key.pem"}
    assert run("rump.sysctl", "-n", "kern.ostype", **known).stdout == "Rump\n"
    for wrong in ({"RUMP_TLS_CERT": "", "RUMP_TLS_KEY": ""}, {"RUMP_TLS_CERT": "other.pem"}, {"RUMP_TLS_CA": ""}):
        refused = run("rump.sysctl", "kern.ostype", **{**known, **wrong})
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr
    assert run("rump.halt", **known).returncode == 0


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        (("--url", "tcp://127.0.0.1:0"), "TLS needs --tls-cert and --tls-key"),
        (("--url", "tcp+plain://192.0.2.1:7000"), "--plain-ok"),
        (("--policy", "x"), "policy /"),
        (("--socket-mode", "0666"), "others would be root"),
        (("--socket-mode", "rw"), "three octal digits"),
        (("--factions", "vfs,nfs"), "no faction nfs"),
    ],
)
def test_a_kernel_that_cannot_start_says_why(run: Run, flags: tuple[str, ...], why: str) -> None:
    failed = run("rump", "up", "--detach", *flags)
    assert failed.returncode in (1, 2)
    assert failed.stderr.startswith("rump up: ")
    assert failed.stderr.count("\n") == 1
    assert why in failed.stderr


def test_rump_server_with_a_drive(run: Run, tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"on the disk".ljust(4096, b"\0"))
    started = run("rump_server", "-l", "rumpvfs", "-d", "key=/drive,hostpath=disk,size=host,type=reg", "unix://s.sock")
    assert started.returncode == 0, started.stderr
    assert started.stdout == ""
    import rump

    with rump.connect(f"unix://{tmp_path}/s.sock") as k:
        with k.open("/drive", "rb") as f:
            assert f.read(11) == b"on the disk"
        pid = k.status()["components"][0]["pid"]
    assert run("rump.halt", RUMP_SERVER="unix://s.sock").returncode == 0
    eventually(lambda: not os.path.exists(f"/proc/{pid}"), 20, "the kernel has ended")


def test_a_server_that_cannot_be_prepared_leaves_nothing_behind(run: Run, tmp_path: Path) -> None:
    failed = run("rump_server", "-d", "key=/drive,hostpath=none,size=host", "unix://s.sock")
    assert failed.returncode == 1
    assert failed.stderr.startswith("rump_server: ")
    assert failed.stderr.count("\n") == 1
    assert not (tmp_path / "s.sock").exists()
