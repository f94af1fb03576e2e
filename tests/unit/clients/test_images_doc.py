"""The examples of docs/images.md, run as they stand there."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
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


def run_here(command: str, capfd: pytest.CaptureFixture[str]) -> tuple[str, str] | None:
    """A program of ours without a shell, in this process, which is quicker. None for other commands."""
    words = shlex.split(command)
    if "|" in words or words[0] == "rump_fuse":
        return None
    for point in importlib.metadata.entry_points(group="console_scripts", name=words[0]):
        point.load()(words[1:])
        return capfd.readouterr()
    return None


def run_apart(command: str) -> tuple[str, str]:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("RUMP_SERVER", raising=False)
    monkeypatch.chdir(tmp_path)
    os.umask(0o022)
    seen = left_out = 0
    for needs, what, kind, text in BLOCK.findall(PAGE.read_text()):
        if needs and what == "/dev/fuse" and may_mount():
            left_out += len(commands(text))
            continue
        if kind == "python":
            subprocess.run([sys.executable, "-c", text], check=True)
            continue
        for command, lines in commands(text):
            out, err = run_here(command, capfd) or run_apart(command)
            said = "".join(sorted((out + err).splitlines(keepends=True))) if err else out
            wanted = sorted(lines) if err else lines
            assert expected(wanted).fullmatch(said), f"{command}: {out}{err}"
            seen += 1
    assert seen + left_out > 40
