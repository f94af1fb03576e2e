"""The TypeScript SDK: builds under strict settings, its example runs against a live kernel, and its sessions last."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cutter import Cutter
from tests.integration import sdk_sessions
from tests.integration.sdk_sessions import Program
from tests.live import LiveKernel, live_kernel
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


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--factions", "vfs") as live:
        yield live


@pytest.fixture
def cutter(kernel: LiveKernel, tmp_path: Path) -> Iterator[Cutter]:
    made = Cutter(tmp_path, kernel.url)
    yield made
    made.close()


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


@pytest.mark.timeout(300)
def test_cuts_at_frames(program: Program, kernel: LiveKernel, cutter: Cutter) -> None:
    sdk_sessions.cuts_at_frames(program, kernel, cutter, "ts", step=6)


def test_works_while_it_is_cut(program: Program, kernel: LiveKernel, cutter: Cutter, tmp_path: Path) -> None:
    sdk_sessions.works_while_cut(program, kernel, cutter, tmp_path)


def test_works_while_the_gateway_is_killed(program: Program, kernel: LiveKernel, tmp_path: Path) -> None:
    sdk_sessions.works_while_killed(program, kernel, tmp_path)


def test_takes_signals(program: Program, kernel: LiveKernel, cutter: Cutter) -> None:
    sdk_sessions.takes_signals(program, kernel, cutter)


def test_the_end_of_a_lease_is_told_once(program: Program, kernel: LiveKernel, cutter: Cutter) -> None:
    sdk_sessions.is_told_of_the_end(program, kernel, cutter)


def test_without_a_kernel_it_says_so_at_once(program: Program, tmp_path: Path) -> None:
    with program.started(f"unix://{tmp_path}/none.sock", "script", "/tmp/x") as process:
        _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "ENOENT" in err
