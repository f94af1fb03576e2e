"""docs/session.md, run as it stands there: what users of the tools of BSD do with a kernel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import eventually
from tests.unit.clients.test_images_doc import BLOCK, commands, run_here

PAGE = Path(__file__).parents[3] / "docs" / "session.md"
_APART = re.compile(r"rump(_server|\.ktrace)\b")
"""Programs that start others."""


def matches(wanted: list[str], said: list[str]) -> bool:
    """Dots alone stand for any lines, dots in a line for anything in it; blanks for any number of them."""
    if not wanted:
        return not said
    if wanted[0] == "...":
        return any(matches(wanted[1:], said[skipped:]) for skipped in range(len(said) + 1))
    return bool(said) and _line(wanted[0], said[0]) and matches(wanted[1:], said[1:])


def _line(wanted: str, said: str) -> bool:
    pattern = ".*".join(map(re.escape, wanted.split("..."))).replace(r"\ ", r"\s+")
    return re.fullmatch(pattern, said.rstrip()) is not None


def run_apart(command: str) -> tuple[str, str]:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout, done.stderr


def test_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}:/usr/sbin:/sbin")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("RUMP_SERVER", raising=False)
    monkeypatch.chdir(tmp_path)
    wrong: list[str] = []
    try:
        for _, _, _, text in BLOCK.findall(PAGE.read_text()):
            for command, lines in commands(text):
                if command.startswith("export "):
                    monkeypatch.setenv(*command.removeprefix("export ").split("=", 1))
                    continue
                apart = _APART.match(command) or any(sign in command for sign in ("|", ">", "EDITOR="))
                out, err = (None if apart else run_here(command, capfd)) or run_apart(command)
                said = (err + out).splitlines()
                if not (matches(lines, said) or matches(lines, (out + err).splitlines())):
                    wrong.append(f"$ {command}\n" + "\n".join(said))
        assert not wrong, "\n".join(wrong)
        eventually(lambda: not (tmp_path / "kernel.sock").exists(), 20, "the kernel has ended")
    finally:
        if (tmp_path / "kernel.sock").exists():
            run_apart(f"RUMP_SERVER=unix://{tmp_path}/kernel.sock rump.halt")
