"""The scripts of `scripts.list`, each against a fresh stack in virtual time (see runner.py for what it needs)."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.packetdrill.runner import HERE, build, play

LINES = (HERE / "scripts.list").read_text().splitlines()
SCRIPTS = [
    pytest.param(line[2:], version, id=f"{line[2:]}-{version}")
    for line in LINES
    if line and not line.startswith("#")
    for version in (4, 6)
    if line[1] in (" ", str(version))
]
WHERE = os.environ.get("PACKETDRILL", "")

pytestmark = [
    pytest.mark.skipif(not WHERE, reason="PACKETDRILL does not name the folder gtests/net of a built packetdrill"),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is missing"),
]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(Path(WHERE), tmp_path_factory.mktemp("packetdrill"))


@pytest.mark.parametrize(("script", "version"), SCRIPTS)
def test_script(script: str, version: int, shim: Path) -> None:
    verdict = play(Path(WHERE), script, shim, shim.parent, version)
    assert verdict.passed, verdict.text
