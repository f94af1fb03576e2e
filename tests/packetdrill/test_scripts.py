"""The scripts of `scripts.list`, each against a fresh stack in virtual time (see runner.py for what it needs)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.packetdrill.runner import HERE, build, play

LINES = (HERE / "scripts.list").read_text().splitlines()
SCRIPTS = [line[2:] for line in LINES if line and not line.startswith("#")]
WHERE = os.environ.get("PACKETDRILL", "")

pytestmark = [
    pytest.mark.skipif(not WHERE, reason="PACKETDRILL does not name the folder gtests/net of a built packetdrill"),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing"),
]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(Path(WHERE), tmp_path_factory.mktemp("packetdrill"))


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("script", SCRIPTS)
def test_script(script: str, version: int, shim: Path) -> None:
    verdict = play(Path(WHERE), script, shim, shim.parent, version)
    assert verdict.passed, verdict.text
