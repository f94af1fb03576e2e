"""rump.edquota, rump.repquota and their kin, and rump.drvctl, on a kernel in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

import rump
from rumpclients import drvctl, quota
from tests.conformance.test_descriptors import code, write_file


@pytest.fixture
def k(monkeypatch: pytest.MonkeyPatch) -> Iterator[rump.Kernel]:
    with rump.Kernel(factions=("vfs", "dev")) as kernel:
        monkeypatch.setattr(rump, "connect", lambda *args, **kwargs: kernel.attach())
        kernel.sys.mkdir("/home", 0o777)
        kernel.sys.mount("tmpfs", "/home")
        kernel.sys.chmod("/home", 0o777)
        yield kernel


def test_limits_are_set_and_met_and_shown(k: rump.Kernel, capsys: pytest.CaptureFixture[str]) -> None:
    assert quota.on(["-v", "/home"]) == 0
    assert capsys.readouterr().out == "/home: user quotas turned on\n/home: group quotas turned on\n"
    assert quota.edit(["-f", "/home", "-s", "8/1", "-h", "16/2", "-t", "2D/3600", "54321"]) == 0
    somebody = k.attach()
    somebody.sys.setuid(54321)
    write_file(somebody, "/home/a", bytes(10_000))
    write_file(somebody, "/home/b", b"")
    assert code(write_file, somebody, "/home/c", b"") == "EDQUOT"
    fd = somebody.sys.open("/home/b", os.O_WRONLY)
    assert code(somebody.sys.write, fd, bytes(10_000)) == "EDQUOT"
    assert quota.report(["-v", "/home"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "*** Report for user quotas on /home"
    (line,) = [line.split() for line in lines if line.startswith("54321")]
    assert line[:2] + line[3:5] == ["54321", "++", "8", "16"]
    assert 12 <= int(line[2]) <= 16
    assert line[-4:-1] == ["2", "1", "2"]
    assert quota.report(["--json", "-a"]) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["id"] == 54321]
    assert (row["filesystem"], row["type"], row["name"]) == ("/home", "user", "54321")
    assert row["bytes"] == {"used": int(line[2]) << 10, "soft": 8192, "hard": 16384, "grace": 2 * 86400}
    assert row["files"] == {"used": 2, "soft": 1, "hard": 2, "grace": 3600}


def test_what_is_not_named_stays(k: rump.Kernel, capsys: pytest.CaptureFixture[str]) -> None:
    assert quota.on(["-g", "/home"]) == 0
    assert quota.edit(["-g", "-f", "/home", "-s", "1m/10", "-h", "2m/20", "54321"]) == 0
    assert quota.edit(["-g", "-f", "/home", "-s", "none/", "-h", "/30", "54321"]) == 0
    assert quota.report(["-g", "--json", "/home"]) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["id"] == 54321]
    assert (row["bytes"]["soft"], row["bytes"]["hard"]) == (None, 2 << 20)
    assert (row["files"]["soft"], row["files"]["hard"]) == (10, 30)
    assert quota.edit(["-g", "-f", "/home", "-c", "54321"]) == 0
    assert quota.report(["-g", "--json", "/home"]) == 0
    rows = [row for row in json.loads(capsys.readouterr().out) if row["id"] == 54321]
    assert all(row["bytes"]["hard"] is None for row in rows)
    assert quota.off(["-g", "/home"]) == 0


@pytest.mark.parametrize(
    ("main", "words", "status", "said"),
    [
        (quota.edit, ["-f", "/home", "1"], 2, "missing"),
        (quota.edit, ["-f", "/home", "-s", "1"], 2, "names"),
        (quota.edit, ["-f", "/home", "-s", "1", "1"], 2, "for blocks and for files"),
        (quota.edit, ["-f", "/home", "-s", "1x/1", "1"], 2, "1x"),
        (quota.edit, ["-f", "/home", "-t", "1Y/", "1"], 2, "1Y"),
        (quota.edit, ["-f", "/home", "-h", "1/1k", "1"], 2, "1k"),
        (quota.edit, ["-f", "/home", "-h", "1/1", "nobody-of-that-name"], 1, "nobody-of-that-name"),
        (quota.edit, ["-f", "/none", "-h", "1/1", "1"], 1, "/none"),
        (quota.report, [], 2, "-a"),
        (quota.report, ["/none"], 1, "/none"),
        (drvctl.main, ["-d"], 2, "which device"),
        (drvctl.main, ["-d", "none0"], 1, "none0"),
        (drvctl.main, [], 2, "-l"),
    ],
)
def test_wrong_words(
    k: rump.Kernel, capsys: pytest.CaptureFixture[str], main: object, words: list[str], status: int, said: str
) -> None:
    assert callable(main)
    try:
        found = main(words)
    except SystemExit as end:
        found = end.code
    err = capsys.readouterr().err
    assert (found, err.count("\n")) == (status, 1)
    assert said in err


def test_devices(k: rump.Kernel, capsys: pytest.CaptureFixture[str]) -> None:
    k.pub.md_create(7, 1 << 20)
    assert drvctl.main(["-l", "-n"]) == 0
    assert {"mainbus0", "md7"} <= set(capsys.readouterr().out.split())
    assert drvctl.main(["-l", "--json"]) == 0
    assert {"parent": None, "device": "md7"} in json.loads(capsys.readouterr().out)
    assert drvctl.main(["-l", "-t", "mainbus0"]) == 0
    capsys.readouterr()
    assert drvctl.main(["-p", "md7"]) == 0
    assert capsys.readouterr().out == "device-driver = md\ndevice-unit = 7\n"
    assert drvctl.main(["-p", "md7", "device-unit"]) == 0
    assert capsys.readouterr().out == "7\n"
    assert drvctl.main(["-d", "md7"]) == 0
    assert drvctl.main(["-l", "-n"]) == 0
    assert "md7" not in capsys.readouterr().out.split()
