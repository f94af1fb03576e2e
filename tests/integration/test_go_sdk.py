"""The Go SDK: is formatted, passes vet, builds, and its example runs against a live kernel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

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
    assert run(Path(shutil.which(go) or go).resolve().with_name("gofmt"), "-l", "rump", "examples") == ""


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
