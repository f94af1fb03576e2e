"""The Go SDK: is formatted, passes vet, builds, its example runs against a live kernel, and its sessions last."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.sdk_sessions import Program, Sessions
from tests.live import live_kernel
from tests.tools import need

SDK = Path(__file__).resolve().parents[2] / "sdk/go"
FOLDER = "/usr/local/go/bin"


@pytest.fixture(scope="module")
def go() -> str:
    """The go command; also where its own installer puts it."""
    return shutil.which("go") or shutil.which("go", path=FOLDER) or need("go")


def run(*command: str | Path, **more: str) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", **more}
    done = subprocess.run(command, cwd=SDK, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_code_is_in_order(go: str) -> None:
    run(go, "vet", "./...")
    assert run(Path(shutil.which(go) or go).resolve().with_name("gofmt"), "-l", "rump", "examples", "internal") == ""


@pytest.mark.timeout(300)
def test_example_runs(go: str, tmp_path: Path) -> None:
    program = tmp_path / "readfile"
    run(go, "build", "-o", program, "./examples/readfile")
    with live_kernel("--factions", "vfs") as kernel:
        out = run(program, RUMP_SERVER=kernel.url).splitlines()
    assert re.fullmatch(r"pid \d+", out[0])
    assert out[1:] == [
        r'read "hello from Go\n"',
        "entry .",
        "entry ..",
        "entry greeting",
        "error ENOENT from vfs",
        "interrupted a read that waited",
    ]


@pytest.fixture(scope="module")
def program(go: str, tmp_path_factory: pytest.TempPathFactory) -> Program:
    made = tmp_path_factory.mktemp("go") / "sessions"
    run(go, "build", "-o", made, "./internal/sessions")
    return Program([made])


class TestSessions(Sessions):
    language, step = "go", 2


def test_without_a_kernel_it_says_so_at_once(program: Program, tmp_path: Path) -> None:
    with program.started(f"unix://{tmp_path}/none.sock", "script", "/tmp/x") as process:
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "no kernel at" in out
