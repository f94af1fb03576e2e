"""fsu_ programs that change a file system, on tmpfs, and rump.newfs."""

from __future__ import annotations

import importlib.metadata
import io
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import rump
from rump.fs import Image, open_image
from rumpclients import _image, _modes, fsu_attr, fsu_copy, fsu_make, fsu_usage, newfs
from rumpclients._command import UsageError
from tests.live import live_kernel

IMAGE = "disk.img"
ROOT = os.geteuid() == 0


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> Iterator[Image]:
    """What all programs of a test work on: a tmpfs is gone when it is unmounted."""
    with open_image(None, "tmpfs") as tree:

        @contextmanager
        def opened(options: Any, *, readonly: bool = True) -> Iterator[Image]:
            assert options.image == IMAGE
            yield tree

        monkeypatch.setattr(_image, "opened", opened)
        yield tree


def mode(tree: Image, path: str) -> str:
    return stat.filemode(tree.lstat(path).st_mode)


# -- carrying


def test_put_and_get(tree: Image, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a").write_text("a")
    (tmp_path / "in" / "sub" / "b").write_text("b" * 100_000)
    (tmp_path / "in" / "a").chmod(0o4711)
    os.utime(tmp_path / "in" / "a", ns=(1, 981_158_400_000_000_005))
    assert fsu_copy.put([IMAGE, "-R", str(tmp_path / "in"), "/"]) == 0
    assert tree.read_text("/in/sub/b") == "b" * 100_000
    assert mode(tree, "/in/a") == "-rwx--x--x"
    assert tree.stat("/in/a").st_mtime > 1_700_000_000
    assert fsu_copy.put(["-a", IMAGE, str(tmp_path / "in"), "/new"]) == 0
    assert mode(tree, "/new/a") == "-rws--x--x"
    assert tree.stat("/new/a").st_mtime_ns == 981_158_400_000_000_005
    assert fsu_copy.put([IMAGE, str(tmp_path / "in" / "a"), "/x"]) == 0
    assert fsu_copy.put([IMAGE, str(tmp_path / "in" / "a"), "/in"]) == 0
    assert fsu_copy.put([IMAGE, "-R", f"{tmp_path}/in/.", "/x2"]) == 0
    assert sorted(tree.listdir("/x2")) == ["a", "sub"]
    assert fsu_copy.get([IMAGE, "-Rp", "new", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "a").stat().st_mtime_ns == 981_158_400_000_000_005
    assert fsu_copy.get([IMAGE, "/in/a", "/in/sub/b", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "b").read_text() == "b" * 100_000
    assert capfd.readouterr() == ("", "")
    assert fsu_copy.get([IMAGE, "-v", "-R", "/in", str(tmp_path / "v")]) == 0
    assert f"/in/sub/b -> {tmp_path}/v/sub/b" in capfd.readouterr().out


def test_put_and_get_that_fail(tree: Image, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").write_text("a")
    assert fsu_copy.put([IMAGE, str(tmp_path), "/"]) == 1
    assert "a directory, and the copy is not recursive" in capfd.readouterr().err
    assert fsu_copy.put([IMAGE, str(tmp_path / "none"), str(tmp_path / "a"), "/"]) == 1
    assert capfd.readouterr().err == f"fsu_put: {tmp_path}/none: No such file or directory\n"
    assert tree.read_text("/a") == "a"
    assert fsu_copy.put([IMAGE, "a", "b", "/c"]) == 1
    assert capfd.readouterr().err == "fsu_put: /c: Not a directory\n"
    assert fsu_copy.get([IMAGE, "/none", str(tmp_path)]) == 1
    assert capfd.readouterr().err == "fsu_get: /none: No such file or directory\n"
    assert fsu_copy.get([IMAGE, "/a"]) == 2
    assert fsu_copy.get([IMAGE, "-n", "/a", str(tmp_path / "a")]) == 0


def test_ecp(tree: Image, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    assert fsu_copy.ecp(["-p", IMAGE, str(tmp_path / "a"), "/b"]) == 0
    assert fsu_copy.ecp(["-g", IMAGE, "/b", str(tmp_path / "c")]) == 0
    assert (tmp_path / "c").stat().st_mtime_ns == (tmp_path / "a").stat().st_mtime_ns
    with pytest.raises(SystemExit):
        fsu_copy.ecp([IMAGE, "/b", "c"])


def test_cp_and_mv(tree: Image, capfd: pytest.CaptureFixture[str]) -> None:
    tree.mkdir("/d")
    tree.write_text("/d/f", "text")
    tree.link("/d/f", "/d/g")
    tree.symlink("f", "/d/l")
    assert fsu_copy.cp([IMAGE, "-R", "/d", "/e"]) == 0
    assert tree.stat("/e/f").st_ino == tree.stat("/e/g").st_ino != tree.stat("/d/f").st_ino
    assert tree.readlink("/e/l") == "f"
    assert fsu_copy.cp([IMAGE, "/d/l", "/copy"]) == 0
    assert not tree.islink("/copy")
    assert fsu_copy.cp([IMAGE, "-R", "/d", "/d/inside"]) == 1
    assert capfd.readouterr().err == "fsu_cp: /d -> /d/inside: a tree does not go into itself\n"
    assert fsu_copy.mv([IMAGE, "-v", "/copy", "/e"]) == 0
    assert capfd.readouterr().out == "/copy -> /e/copy\n"
    assert fsu_copy.mv([IMAGE, "-n", "/d/f", "/e/copy"]) == 0
    assert tree.exists("/d/f")
    assert fsu_copy.mv([IMAGE, "/e", "/none", "/d"]) == 1
    assert "/none" in capfd.readouterr().err
    assert tree.exists("/d/e/copy")


def test_exec(tree: Image, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tree.write_text("/motd", "one\n")
    tree.chmod("/motd", 0o600)
    inode = tree.stat("/motd").st_ino
    assert fsu_copy.execute([IMAGE, "sed", "-i", "s/one/two/", "/motd"]) == 0
    assert (tree.read_text("/motd"), mode(tree, "/motd"), tree.stat("/motd").st_ino) == ("two\n", "-rw-------", inode)
    assert fsu_copy.execute([IMAGE, "grep", "-q", "three", "motd"]) == 1
    assert "ended with status 1" in capfd.readouterr().err
    assert fsu_copy.execute([IMAGE, "no-such-command", "motd"]) == 1
    assert fsu_copy.execute([IMAGE, "true"]) == 2


# -- names


def test_mkdir_and_rmdir(tree: Image, capfd: pytest.CaptureFixture[str]) -> None:
    assert fsu_make.mkdir([IMAGE, "-v", "a", "/b"]) == 0
    assert capfd.readouterr().out == "/a\n/b\n"
    assert fsu_make.mkdir([IMAGE, "a", "c/d"]) == 1
    assert capfd.readouterr().err == (
        "fsu_mkdir: /a: File exists\nfsu_mkdir: /c/d: No such file or directory\n"
    )  # fmt: skip
    assert fsu_make.mkdir([IMAGE, "-p", "-m", "u=rwx,go=", "a", "c/d/e"]) == 0
    assert (mode(tree, "/c/d/e"), mode(tree, "/c")) == ("drwx------", "drwxr-xr-x")
    assert fsu_make.rmdir([IMAGE, "c"]) == 1
    assert capfd.readouterr().err == "fsu_rmdir: /c: Directory not empty\n"
    assert fsu_make.rmdir([IMAGE, "-p", "c/d/e/", "b"]) == 0
    assert tree.listdir("/") == ["a"]


def test_rm(tree: Image, capfd: pytest.CaptureFixture[str]) -> None:
    tree.mkdir("/d/e", parents=True)
    tree.write_text("/d/e/f", "")
    tree.write_text("/g", "")
    assert fsu_make.rm([IMAGE, "/d", "/g", "/none"]) == 1
    assert capfd.readouterr().err == "fsu_rm: /d: Is a directory\nfsu_rm: /none: No such file or directory\n"
    assert fsu_make.rm([IMAGE, "-f", "/none"]) == 0
    assert fsu_make.rm([IMAGE, "-rf", "/"]) == 1
    assert fsu_make.rm([IMAGE, "-rf", "/d/.."]) == 1
    assert fsu_make.rm([IMAGE, "-rv", "/d"]) == 0
    assert fsu_make.rm([IMAGE]) == 2
    assert tree.listdir("/") == []


def test_ln(tree: Image, capfd: pytest.CaptureFixture[str]) -> None:
    tree.write_text("/a", "x")
    tree.mkdir("/d")
    assert fsu_make.ln([IMAGE, "a", "b"]) == 0
    assert tree.stat("/a").st_nlink == 2
    assert fsu_make.ln([IMAGE, "-s", "a", "b"]) == 1
    assert "File exists" in capfd.readouterr().err
    assert fsu_make.ln([IMAGE, "-sf", "../a", "b"]) == 0
    assert tree.readlink("/b") == "../a"
    assert fsu_make.ln([IMAGE, "-s", "/a", "/etc", "d"]) == 0
    assert tree.readlink("/d/etc") == "/etc"
    assert fsu_make.ln([IMAGE, "-s", "d", "e"]) == 0
    assert fsu_make.ln([IMAGE, "-sfh", "a", "e"]) == 0
    assert tree.readlink("/e") == "a"


def test_special_files(tree: Image, capfd: pytest.CaptureFixture[str]) -> None:
    assert fsu_make.mkfifo([IMAGE, "-m", "600", "p", "/q"]) == 0
    assert mode(tree, "/p") == "prw-------"
    assert fsu_make.mknod([IMAGE, "-m", "a=r", "/null", "c", "2", "2"]) == 0
    assert (mode(tree, "/null"), tree.stat("/null").st_rdev) == ("cr--r--r--", rump.makedev(2, 2))
    assert fsu_make.mknod([IMAGE, "/disk", "b", "4", "1"]) == 0
    assert fsu_make.mknod([IMAGE, "/disk", "p"]) == 1
    assert fsu_make.mknod([IMAGE, "-R", "/disk", "p"]) == 0
    assert mode(tree, "/disk") == "prw-r--r--"
    assert fsu_make.mknod([IMAGE, "/x", "b", "4"]) == 2
    assert fsu_make.mknod([IMAGE, "/x", "b", "4096", "1"]) == 2


def test_write(tree: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    def stdin(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    stdin(b"x" * 3_000_000)
    assert fsu_make.write([IMAGE, "/f"]) == 0
    stdin(b"end")
    assert fsu_make.write([IMAGE, "-a", "f"]) == 0
    assert tree.read_bytes("/f") == b"x" * 3_000_000 + b"end"
    stdin(b"")
    assert fsu_make.write([IMAGE, "/f"]) == 0
    assert tree.stat("/f").st_size == 0
    assert fsu_make.write([IMAGE, "-e", "/none"]) == 1


# -- attributes


def test_chmod(tree: Image, capfd: pytest.CaptureFixture[str]) -> None:
    tree.mkdir("/d/e", parents=True)
    tree.write_text("/d/f", "")
    tree.symlink("f", "/d/l")
    assert fsu_attr.chmod([IMAGE, "-R", "u=rwX,go=rX", "/d"]) == 0
    assert [mode(tree, f"/d{n}") for n in ("", "/e", "/f")] == ["drwxr-xr-x", "drwxr-xr-x", "-rw-r--r--"]
    assert fsu_attr.chmod([IMAGE, "4755", "/d/l", "/none"]) == 1
    assert capfd.readouterr().err == "fsu_chmod: /none: No such file or directory\n"
    assert mode(tree, "/d/f") == "-rwsr-xr-x"
    assert fsu_attr.chmod([IMAGE, "-w", "/d/f"]) == 0
    assert mode(tree, "/d/f") == "-r-sr-xr-x"
    assert fsu_attr.chmod([IMAGE, "-f", "0", "/none"]) == 0
    assert fsu_attr.chmod([IMAGE, "u=z", "/d"]) == 2
    assert fsu_attr.chmod([IMAGE, "-v", "1777", "/d"]) == 0
    assert capfd.readouterr().out == "/d\n"


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("644", 0o777, 0o644), ("u+x", 0o644, 0o744), ("a-w", 0o666, 0o444), ("+w", 0o444, 0o644),
        ("go=u", 0o700, 0o777), ("g=o", 0o704, 0o744), ("u+s,g+s", 0o755, 0o6755), ("+t", 0o755, 0o1755),
        ("a+X", 0o644, 0o644), ("a+X", 0o744, 0o755), ("u=rw,g=r,o=", 0o777, 0o640), ("-x", 0o777, 0o666),
        ("o+s", 0o755, 0o755), ("ug+s", 0o755, 0o6755), ("a=", 0o4755, 0o000), ("u-s", 0o4755, 0o755),
        ("u+x-w", 0o644, 0o544), ("a+st", 0o755, 0o7755),
    ],
)  # fmt: skip
def test_modes(text: str, old: int, new: int) -> None:
    assert oct(_modes.mode_change(text)(stat.S_IFREG | old)) == oct(new)


@pytest.mark.parametrize("text", ["", "888", "77777", "u", "x+u", "u+q", "u+x,", "=,=,"])
def test_what_is_no_mode(text: str) -> None:
    with pytest.raises(UsageError):
        _modes.mode_change(text)


def test_chown(tree: Image, capfd: pytest.CaptureFixture[str]) -> None:
    tree.mkdir("/etc")
    tree.write_text("/etc/passwd", "root:*:0:0\nuwe:*:1234:5678::/:/bin/sh\n")
    tree.write_text("/etc/group", "wheel:*:0:\nstaff:*:20:uwe\n")
    tree.symlink("passwd", "/etc/l")
    assert fsu_attr.chown([IMAGE, "uwe:staff", "/etc/group"]) == 0
    assert fsu_attr.chown([IMAGE, "-h", "7:8", "/etc/l"]) == 0
    assert fsu_attr.chgrp([IMAGE, "9", "/etc/l"]) == 0
    owners = {name: tree.lstat(f"/etc/{name}")[4:6] for name in ("group", "l", "passwd")}
    assert owners == {"group": (1234, 20), "l": (7, 8), "passwd": (0, 9)}
    assert fsu_attr.chown([IMAGE, "-R", ":5", "/etc"]) == 0
    assert tree.lstat("/etc/l").st_gid == 5
    assert fsu_attr.chown([IMAGE, "nobody-of-that-name", "/etc"]) == 2
    assert "no such user" in capfd.readouterr().err


def test_chflags(tree: Image, capfd: pytest.CaptureFixture[str]) -> None:
    tree.write_text("/f", "")
    assert fsu_attr.chflags([IMAGE, "uchg,nodump", "/f"]) == 0
    assert tree.stat("/f").st_flags == rump.UF_IMMUTABLE | rump.UF_NODUMP
    assert fsu_attr.chflags([IMAGE, "nouchg,dump", "/f"]) == 0
    assert tree.stat("/f").st_flags == 0
    assert fsu_attr.chflags([IMAGE, "red", "/f"]) == 2
    assert "no such flag" in capfd.readouterr().err


def test_touch(tree: Image) -> None:
    assert fsu_attr.touch([IMAGE, "/a", "b"]) == 0
    assert fsu_attr.touch([IMAGE, "-c", "/none"]) == 0
    assert not tree.exists("/none")
    assert fsu_attr.touch([IMAGE, "-d", "2001-02-03T00:00:00.25+00:00", "/a"]) == 0
    assert tree.stat("/a").st_mtime == 981_158_400.25
    assert fsu_attr.touch([IMAGE, "-m", "-d", "@5", "/a"]) == 0
    assert (tree.stat("/a").st_atime, tree.stat("/a").st_mtime) == (981_158_400.25, 5)
    assert fsu_attr.touch([IMAGE, "-r", "/a", "/b"]) == 0
    assert tree.stat("/b").st_mtime == 5
    assert fsu_attr.touch([IMAGE, "--stamp", "200102030405.06", "/b"]) == 0
    assert 981_100_000 < tree.stat("/b").st_mtime < 981_300_000
    assert fsu_attr.touch([IMAGE, "-d", "soon", "/b"]) == 2


# -- usage and differences


def test_du_and_df(tree: Image, capfd: pytest.CaptureFixture[str]) -> None:
    tree.mkdir("/d/e", parents=True)
    tree.write_bytes("/d/e/f", bytes(100_000))
    tree.link("/d/e/f", "/d/g")
    assert fsu_usage.du([IMAGE, "-k", "/d"]) == 0
    rows = dict(reversed(line.split("\t")) for line in capfd.readouterr().out.splitlines())  # type: ignore[arg-type]
    assert list(rows) == ["/d/e", "/d"]
    assert 98 <= int(rows["/d/e"]) <= int(rows["/d"]) <= 200
    assert fsu_usage.du([IMAGE, "-sch", "/d", "/none"]) == 1
    assert "total" in capfd.readouterr().out
    assert fsu_usage.du([IMAGE, "-a", "-d", "1", "/d"]) == 0
    assert "/d/g" in (out := capfd.readouterr().out)
    assert "/d/e/f" not in out
    assert fsu_usage.df([IMAGE, "-i", "-h"]) == 0
    assert "%iCap" in capfd.readouterr().out
    assert fsu_usage.df([IMAGE, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["type"] == "tmpfs"
    assert found["used"] >= 100_000


def test_diff(tree: Image, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for path in (tmp_path, None):
        for name, text in (("same", "x\n"), ("text", "a\nb\n"), ("bin", "\0x")):
            (path / name).write_text(text) if path else tree.write_text(f"/t/{name}", text) if tree.exists("/t") else (
                tree.mkdir("/t"),
                tree.write_text(f"/t/{name}", text),
            )
    tree.mkdir("/t/sub")
    (tmp_path / "sub").mkdir()
    tree.symlink("a", "/t/l")
    (tmp_path / "l").symlink_to("a")
    assert fsu_usage.diff([IMAGE, "-r", "/t", str(tmp_path)]) == 0
    assert capfd.readouterr().out == ""
    tree.write_text("/t/text", "a\nc\n")
    tree.write_text("/t/bin", "\0y")
    tree.write_text("/t/sub/more", "")
    tree.remove("/t/l")
    tree.symlink("b", "/t/l")
    (tmp_path / "host").touch()
    assert fsu_usage.diff([IMAGE, "-r", "/t", str(tmp_path)]) == 1
    out = capfd.readouterr().out
    for line in (
        f"Binary files /t/bin and {tmp_path}/bin differ", f"Only in {tmp_path}: host", "Only in /t/sub: more",
        "-c", "+b",        f"Symbolic links /t/l and {tmp_path}/l differ",
    ):  # fmt: skip
        assert line in out.splitlines()
    assert fsu_usage.diff([IMAGE, "-q", "/t/text", str(tmp_path / "text")]) == 1
    assert capfd.readouterr().out == f"Files /t/text and {tmp_path}/text differ\n"
    assert fsu_usage.diff([IMAGE, "-i", "/t/same", "/t/same"]) == 0
    assert fsu_usage.diff([IMAGE, "/t/none", str(tmp_path)]) == 2
    assert fsu_usage.diff([IMAGE, "/t", str(tmp_path / "host")]) == 1
    assert "is a directory" in capfd.readouterr().out


# -- rump.newfs


def test_newfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("RUMP_SERVER", raising=False)
    name = str(tmp_path / "new.img")
    assert newfs.main(["-t", "tmpfs", "-s", "1m", name]) == 1
    assert capfd.readouterr().err == f"rump.newfs: {name}: tmpfs cannot be made, only mounted\n"
    assert newfs.main(["-t", "zfs", "-s", "1m", name]) == 1
    assert capfd.readouterr().err.count("\n") == 1
    assert newfs.main(["-s", "many", name]) == 2
    assert newfs.main([name]) == 1
    assert capfd.readouterr().err.endswith("a size is needed\n")
    assert newfs.size_of("2048") == newfs.size_of("1m") == newfs.size_of("1048576b") == 1 << 20


def test_newfs_on_a_disk_of_a_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "disk").write_bytes(bytes(8 << 20))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_text("text")
    with live_kernel("--factions", "vfs", "--placement", "server") as kernel:
        monkeypatch.setenv("RUMP_SERVER", kernel.url)
        with rump.connect() as k:
            k.pub.etfs_register("/dev/disk0", tmp_path / "disk", "blk")
            assert newfs.main(["-t", "ffs", "-L", "name", "-S", str(tmp_path / "in"), "/dev/disk0"]) == 0
            assert capfd.readouterr().out.startswith("/dev/disk0: ffs, ")
            assert newfs.main(["-t", "ffs", "/dev/none"]) == 1
            assert capfd.readouterr().err == "rump.newfs: /dev/none: No such file or directory\n"
            assert newfs.main(["-t", "ffs", "-s", "1m", "/dev/disk0"]) == 2
            k.sys.mkdir("/mnt", 0o755)
            k.sys.mount("ffs", "/mnt", device="/dev/disk0")
            capfd.readouterr()
            assert fsu_usage.diff(["-r", f"{kernel.url}:/mnt", "/", str(tmp_path / "in")]) == 0
            assert fsu_make.mkdir([f"{kernel.url}:/mnt", "/new"]) == 0
            assert sorted(k.listdir("/mnt")) == ["file", "new"]
            assert fsu_make.mkdir(["unix:///none.sock:/mnt", "/new"]) == 1


@pytest.mark.parametrize(
    "point",
    [p for p in importlib.metadata.entry_points(group="console_scripts") if p.name.startswith(("fsu_", "rump_fuse"))],
    ids=lambda point: point.name,
)
def test_every_program_tells_of_itself(
    point: importlib.metadata.EntryPoint, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    main = point.load()
    for words, status, out in (
        (["--help"], 0, f"usage: {point.name}"),
        (["--version"], 0, rump.__version__),
        ([], 2, ""),
    ):
        with pytest.raises(SystemExit) as caught:
            main(words)
        said = capfd.readouterr()
        assert caught.value.code == status
        assert out in said.out
        assert said.err.count("\n") == (status == 2)
