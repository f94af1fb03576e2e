"""What all programs have in common, each as a user starts it."""

from __future__ import annotations

import re
import sys
from importlib.metadata import EntryPoint, entry_points

import pytest

import rump

PROGRAMS = [p for p in entry_points(group="console_scripts") if re.match(r"(rump|fsu_)", p.name) and "rump" in p.value]


def ids(program: EntryPoint) -> str:
    return program.name


def started(program: EntryPoint, *words: str) -> object:
    sys.argv = [program.name, *words]
    try:
        return program.load()() or 0
    except SystemExit as end:
        return end.code or 0


@pytest.mark.parametrize("program", PROGRAMS, ids=ids)
def test_help_version_and_wrong_arguments(
    program: EntryPoint, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setenv("RUMP_SERVER", "unix:///none/such")
    assert started(program, "--help") == 0
    assert program.name in capfd.readouterr().out
    assert started(program, "--version") == 0
    assert capfd.readouterr() == (f"{program.name} {rump.__version__}\n", "")
    wrong = started(program, "--no-such-flag")
    said, err = capfd.readouterr()
    assert (wrong, said) == (1 if program.name == "rump.find" else 2, "")  # find asks the kernel first
    assert err.startswith(f"{program.name}: ")
    assert err.count("\n") == 1
