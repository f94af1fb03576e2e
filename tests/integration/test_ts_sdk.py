"""The TypeScript SDK: builds under strict settings, and its example runs against a live kernel."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.live import live_kernel
from tests.tools import need

SDK = Path(__file__).resolve().parents[2] / "sdk/typescript"
TSC = SDK / "node_modules/typescript/bin/tsc"


def run(*command: str | Path, **more: str) -> str:
    done = subprocess.run(command, cwd=SDK, env={**os.environ, **more}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_example_runs() -> None:
    node = need("node")
    if not TSC.exists():
        assert os.environ.get("CI") != "true", "the packages are not installed: npm ci in sdk/typescript"
        pytest.skip("the packages are not installed: npm ci in sdk/typescript")
    run(node, TSC)
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
