"""The examples of docs/images.md, run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.clients.test_fuse import may_mount

PAGE = Path(__file__).parents[3] / "docs" / "images.md"
BLOCK = re.compile(r"(<!-- needs (\S+) -->\n)?```(console|python)\n(.*?)```", re.DOTALL)


def expected(lines: list[str]) -> re.Pattern[str]:
    """What a command prints; dots stand for anything within a line."""
    return re.compile("".join(".*".join(map(re.escape, line.split("..."))) + "\n" for line in lines))


def commands(text: str) -> list[tuple[str, list[str]]]:
    out: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            out.append((line[2:], []))
        else:
            out[-1][1].append(line)
    return out


def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("RUMP_SERVER", raising=False)
    os.umask(0o022)
    seen = 0
    for needs, what, kind, text in BLOCK.findall(PAGE.read_text()):
        if needs and what == "/dev/fuse" and may_mount():
            continue
        if kind == "python":
            subprocess.run([sys.executable, "-c", text], cwd=tmp_path, check=True)
            continue
        for command, lines in commands(text):
            words = ["bash", "-c", command]
            done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
            said = done.stdout + done.stderr
            said = "".join(sorted(said.splitlines(keepends=True))) if done.stderr else said
            wanted = sorted(lines) if done.stderr else lines
            assert expected(wanted).fullmatch(said), f"{command}: {done}"
            seen += 1
    assert seen > 40
