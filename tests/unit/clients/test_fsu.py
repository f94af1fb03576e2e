"""fsu_ programs on images that mkfs.ext4 made."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from rumpclients import fsu
from tests.tools import need

BIG = bytes(range(256)) * 8000


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("image")
    tree = folder / "tree"
    (tree / "dir" / "sub").mkdir(parents=True)
    (tree / "hello.txt").write_text("hello\n")
    (tree / ".hidden").write_text("")
    (tree / "dir" / "big").write_bytes(BIG)
    (tree / "dir" / "sub" / "empty").touch()
    os.utime(tree / "dir" / "sub" / "empty", (981_158_400, 981_158_400))
    (tree / "link").symlink_to("/dir/big")
    (tree / "up").symlink_to("../../hello.txt")
    (tree / "odd\x1bname").write_text("x")
    (tree / "hello.txt").chmod(0o640)
    name = str(folder / "disk.img")
    subprocess.run([need("mkfs.ext4"), "-q", "-d", str(tree), name, "8M"], check=True, capture_output=True)
    return name


def lines(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return capfd.readouterr().out.splitlines()


def test_ls(image: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert fsu.ls([image]) == 0
    assert lines(capfd) == ["dir", "hello.txt", "link", "lost+found", "odd\\033name", "up"]
    assert fsu.ls(["-A", image, "/"]) == 0
    assert ".hidden" in lines(capfd)
    assert fsu.ls(["-aF", image, "dir"]) == 0
    assert lines(capfd) == ["./", "../", "big", "sub/"]
    assert fsu.ls(["-d", image, "/dir", "/hello.txt"]) == 0
    assert lines(capfd) == ["/dir", "/hello.txt"]
    assert fsu.ls(["-S", image, "/dir"]) == 0
    assert lines(capfd) == ["big", "sub"]


def test_ls_long_and_recursive(image: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert fsu.ls(["-lR", image, "/"]) == 0
    found = lines(capfd)
    assert any(line.startswith("-rw-r-----") and line.endswith(" hello.txt") and " 6 " in line for line in found)
    assert any(line.startswith("lrwxrwxrwx") and line.endswith("link -> /dir/big") for line in found)
    assert [line for line in found if line.endswith(":")] == ["/:", "/dir:", "/dir/sub:", "/lost+found:"]
    assert any(line.endswith(" 2001 empty") for line in found)


def test_ls_json(image: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert fsu.ls(["--json", "-R", image, "/dir"]) == 0
    found = {record["path"]: record for record in json.loads(capfd.readouterr().out)}
    assert found["/dir/big"]["st_size"] == len(BIG)
    assert "/dir/sub/empty" in found


def test_cat(image: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert fsu.cat([image, "/hello.txt", "link", "/up"]) == 0
    assert (
        hashlib.sha256(capfdbinary.readouterr().out).digest() == hashlib.sha256(b"hello\n" + BIG + b"hello\n").digest()
    )


def test_stat(image: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert fsu.stat(["-s", image, "/hello.txt"]) == 0
    values = dict(word.split("=") for word in capfd.readouterr().out.split())
    assert (values["st_size"], values["st_mode"]) == ("6", "0100640")
    assert fsu.stat(["--json", image, "/link"]) == 0
    assert json.loads(capfd.readouterr().out)[0]["mode"] == "lrwxrwxrwx"
    assert fsu.stat(["-L", "--json", image, "/link"]) == 0
    assert json.loads(capfd.readouterr().out)[0]["st_size"] == len(BIG)
    for form in ("-x", "-r"):
        assert fsu.stat([form, image, "/dir/sub/empty"]) == 0
        assert "981158400" in (text := capfd.readouterr().out) or "2001" in text
    assert fsu.stat([image, "/hello.txt"]) == 0
    assert "-rw-r-----" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("/ -name *.txt", ["/hello.txt"]),
        ("-iname HELLO*", ["/hello.txt"]),
        ("/dir", ["/dir", "/dir/big", "/dir/sub", "/dir/sub/empty"]),
        ("/ -type l", ["/link", "/up"]),
        ("/dir -type d -o -size +1M", ["/dir", "/dir/big", "/dir/sub"]),
        ("/ -type f ! -newer /dir/sub/empty", ["/dir/sub/empty"]),
        ("/ -maxdepth 1 -mindepth 1 ( -name d* -o -name h* )", ["/dir", "/hello.txt"]),
        ("/ -name dir -prune -o -type f -name *e* -print", ["/.hidden", "/hello.txt", "/odd\x1bname"]),
        ("/dir -empty", ["/dir/sub/empty"]),
        ("/dir -path */sub/*", ["/dir/sub/empty"]),
        ("/ -type f -perm 640", ["/hello.txt"]),
        ("/dir -mtime +300 -links 1 -uid 0", ["/dir/sub/empty"]),
        ("/dir -not -type d -size 6c", []),
    ],
)
def test_find(expression: str, found: list[str], image: str, capfd: pytest.CaptureFixture[str]) -> None:
    if "-uid" in expression and os.getuid() != 0:
        expression = expression.replace("-uid 0", f"-uid {os.getuid()}")
    assert fsu.find([image, *expression.split()]) == 0
    assert lines(capfd) == found


def test_find_print0(image: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert fsu.find([image, "/dir", "-type", "f", "-print0"]) == 0
    assert capfd.readouterr().out == "/dir/big\0/dir/sub/empty\0"


@pytest.mark.parametrize(
    "expression", ["-colour red", "-type x", "-size big", "-name", "( -name x", "-name x )", "! ", "-perm rwx"]
)
def test_find_with_a_wrong_expression(expression: str, image: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert fsu.find([image, "/", *expression.split()]) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_what_is_not_there(image: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for tool in (fsu.ls, fsu.cat, fsu.stat, fsu.find):
        assert tool([image, "/none"]) == 1
        assert capfd.readouterr().err.split(": ")[1:] == ["/none", "No such file or directory\n"]
        assert tool([str(tmp_path / "none"), "/"]) == 1
        assert "No such file" in capfd.readouterr().err
    assert fsu.ls([image, "/none", "/dir"]) == 1
    assert lines(capfd) == ["/dir:", "big", "sub"]
    assert fsu.cat([image, "/dir"]) == 1
    assert capfd.readouterr().err == "fsu_cat: /dir: Is a directory\n"


def test_what_is_no_image(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name = tmp_path / "noise"
    name.write_bytes(b"\0" * 4096)
    assert fsu.ls([str(name)]) == 1
    assert (
        capfd.readouterr().err
        == f"fsu_ls: {name}: no known file system; name one with -t, or make one with rump.newfs\n"
    )
    assert fsu.ls(["-t", "zfs", str(name)]) == 1
    assert capfd.readouterr().err == f"fsu_ls: {name}: no file system zfs\n"
    data = bytearray(4096)
    data[1080:1082] = b"\x53\xef"
    name.write_bytes(data)
    assert fsu.ls([str(name)]) == 1
    assert capfd.readouterr().err.count("\n") == 1


def test_an_image_is_left_as_it_is(image: str) -> None:
    before = hashlib.sha256(Path(image).read_bytes()).digest()
    assert fsu.ls(["-lR", image, "/"]) == 0
    assert hashlib.sha256(Path(image).read_bytes()).digest() == before
