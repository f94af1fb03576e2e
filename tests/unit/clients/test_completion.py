"""Completion in real shells, `rump top`, and which components something needs."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import rump
from rumpclients import _catalog, cli, completion, wmd
from rumpclients.server import components
from tests.live import LiveKernel, live_kernel
from tests.tools import need

BIN = str(Path(sys.executable).parent)


@pytest.fixture(scope="module")
def kernel() -> Iterator[LiveKernel]:
    with live_kernel("--placement", "server", "--factions", "vfs,net") as kernel:
        with rump.connect(kernel.url) as k:
            k.sys.mkdir("/folder", 0o755)
            k.sys.mkdir("/folder/below", 0o755)
            k.sys.mkdir("/folder/beside", 0o755)
        yield kernel


@pytest.fixture(scope="module")
def environment(kernel: LiveKernel) -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "RUMP_SERVER": kernel.url, "TERM": "dumb"}


def bash(script: Path, environment: dict[str, str], lines: list[str]) -> list[str]:
    asked = f"source {script}; "
    for line in lines:
        asked += (
            f'read -ra COMP_WORDS <<<"{line}"; [[ "{line}" != *" " ]] || COMP_WORDS+=(""); '
            "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _rump; echo ${COMPREPLY[@]}; "
        )
    done = subprocess.run(
        [need("bash"), "--norc", "-c", asked], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def fish(script: Path, environment: dict[str, str], lines: list[str]) -> list[str]:
    asked = f"source {script}; " + "".join(f"complete -C '{line}' | cut -f 1 | string join ' '; " for line in lines)
    env = {**environment, "HOME": str(script.parent), "XDG_CONFIG_HOME": str(script.parent)}
    done = subprocess.run([need("fish"), "-c", asked], env=env, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def zsh(script: Path, environment: dict[str, str], lines: list[str]) -> list[str]:
    """What stands there after a tab is pressed: the line, or the choices below it."""
    program = need("zsh")
    parent, child = pty.openpty()
    env = {**environment, "PS1": "READY", "HOME": str(script.parent)}
    process = subprocess.Popen([program, "-f", "-i"], stdin=child, stdout=child, stderr=child, env=env)
    os.close(child)
    try:
        _typed(parent, "READY", f"autoload -Uz compinit; compinit -u -D; source {script}; PS1=; print LOA''DED\n")
        _typed(parent, "LOADED\r\n", "")
        return [_asked(parent, line) for line in lines]
    finally:
        process.kill()
        process.wait()
        os.close(parent)


def _asked(fd: int, line: str) -> str:
    """The keys behind the tabs wait until those have been seen to; what stood in the line is then printed."""
    os.write(fd, line.encode() + b"\t\t\x01print -r -- '\x05' EN''DED\n")
    return _typed(fd, "ENDED\r\n", "")


def _typed(fd: int, until: str, text: str) -> str:
    said = b""
    deadline = time.monotonic() + 20
    while until.encode() not in said:
        ready, _, _ = select.select([fd], [], [], max(0, deadline - time.monotonic()))
        assert ready, said
        said += os.read(fd, 65536)
    os.write(fd, text.encode())
    return said.decode(errors="replace")


SHELLS = {"bash": bash, "fish": fish, "zsh": zsh}


@pytest.mark.parametrize("shell", SHELLS)
def test_in_a_shell(shell: str, environment: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "completion"
    script.write_text(completion.script(shell))
    lines = ["rump.ls --js", "rump up --placement ", "rump rest", "rump.ls /folder/b"]
    found = SHELLS[shell](script, environment, lines)
    assert len(found) == len(lines), found
    for words, said in zip((["--json"], ["split", "server"], ["restart"], ["/folder/be"]), found, strict=True):
        assert all(word in said for word in words), said


def test_what_the_kernel_is_asked(
    kernel: LiveKernel, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUMP_SERVER", kernel.url)
    for kind, prefix, found in (
        ("path", "/fol", "/folder/"), ("interface", "", "lo0"), ("mount", "", "/"), ("component", "v", "vfs"),
        ("module", "ext", "ext2fs"), ("loaded", "", "netinet"), ("pid", "", "1"), ("sysctl", "vfs.g", "vfs.generic"),
    ):  # fmt: skip
        assert cli.main(["complete", kind, prefix]) == 0
        assert any(line.startswith(found) for line in capsys.readouterr().out.split()), kind
    monkeypatch.setenv("RUMP_SERVER", "unix:///none.sock")
    assert cli.main(["complete", "path", "/"]) == 0
    assert capsys.readouterr() == ("", "")


def test_every_program_is_completed() -> None:
    known = {name for name, _ in completion._parts(_catalog.programs())}
    assert set(completion.KINDS) <= known
    assert {key.rsplit(" ", 1)[0] for key in completion.VALUES} <= known


# -- rump top


def test_top(kernel: LiveKernel, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["top", "--url", kernel.url, "--once", "-d", "0.1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("up ")
    heads = [line.split()[0] for line in lines if line.isupper() or line.startswith(("COMP", "CALL", "MOUNT", "INTER"))]
    assert heads == ["COMPONENT", "CALL", "MOUNT", "INTERFACE"]
    assert any(line.startswith("lo0 ") for line in lines)
    assert cli.main(["top", "--url", kernel.url, "--json", "-n", "2", "-d", "0.1"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [c["name"] for c in records[1]["components"]] == ["gateway", "kern", "vfs", "net"]
    assert records[1]["processes"] >= 1
    assert any(call["call"] == "getvfsstat" for call in records[1]["calls"]), "what top itself has asked before"
    assert cli.main(["top", "--url", kernel.url, "-d", "0"]) == 2


# -- rump_wmd


@pytest.mark.parametrize(
    ("wishes", "needed"),
    [
        ("ext2fs", ["rumpfs_ext2fs"]), ("librumpnet_netinet6.so", ["rumpnet_netinet", "rumpnet_netinet6"]),
        ("npf inet", ["rumpnet_netinet", "rumpnet_npf"]), ("socket", []), ("/dev/cgd0", ["rumpdev_cgd"]),
        ("getpid", []),
        ("shmif0 vlan1", []), ("/dev/null", []),
    ],
)  # fmt: skip
def test_components_that_are_needed(wishes: str, needed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert wmd.main([*wishes.split(), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert wmd.main(wishes.split()) == 0
    libraries = [word for word in capsys.readouterr().out.split() if word != "-l"]
    assert [library for library in libraries if "_" in library] == needed
    assert components(libraries)[0] == found["factions"]


def test_what_an_image_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rump.newfs(tmp_path / "disk", "msdos", 1 << 20)
    assert wmd.main(["-v", str(tmp_path / "disk")]) == 0
    assert capsys.readouterr() == ("-l rumpvfs -l rumpfs_msdos\n", f"{tmp_path}/disk: an image of msdos\n")
    (tmp_path / "none").write_bytes(bytes(4096))
    for wish in (str(tmp_path / "none"), "nothing", "/dev/nothing"):
        assert wmd.main([wish]) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_what_is_needed_is_enough() -> None:
    """A kernel with what was named does what was wished."""
    factions = tuple(components(["rumpfs_tmpfs"])[0])
    with rump.Kernel(factions=factions) as k:
        k.sys.mkdir("/t", 0o755)
        k.sys.mount("tmpfs", "/t")
