"""The TypeScript SDK: builds under strict settings, its example runs against a live kernel, and its sessions last."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.integration.sdk_sessions import Program, Sessions
from tests.live import live_kernel
from tests.tools import need

SDK = Path(__file__).resolve().parents[2] / "sdk/typescript"
TSC = SDK / "node_modules/typescript/bin/tsc"


def run(*command: str | Path, **more: str) -> str:
    done = subprocess.run(command, cwd=SDK, env={**os.environ, **more}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def node() -> str:
    """Node, once the SDK is built."""
    node = need("node")
    if not TSC.exists():
        assert os.environ.get("CI") != "true", "the packages are not installed: npm ci in sdk/typescript"
        pytest.skip("the packages are not installed: npm ci in sdk/typescript")
    run(node, TSC)
    return node


@pytest.fixture(scope="module")
def program(node: str) -> Program:
    return Program([node, SDK / "dist/examples/sessions.js"])


@pytest.mark.timeout(300)
def test_example_runs(node: str) -> None:
    with live_kernel("--factions", "vfs") as kernel:
        out = run(node, "dist/examples/readfile.js", RUMP_SERVER=kernel.url).splitlines()
    assert re.fullmatch(r"pid \d+", out[0])
    assert out[1:] == [
        r'read "hello from TypeScript\n"',
        "entry .",
        "entry ..",
        "entry greeting",
        "error ENOENT from vfs",
        "interrupted a read that waited",
    ]


class TestSessions(Sessions):
    language, step = "ts", 6


def test_without_a_kernel_it_says_so_at_once(program: Program, tmp_path: Path) -> None:
    with program.started(f"unix://{tmp_path}/none.sock", "script", "/tmp/x") as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "ENOENT" in err
