"""rump file systems for fsspec."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from rump.fs import open_image

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def fs() -> Iterator[Any]:
    with open_image(None, "tmpfs") as image:
        yield fsspec.filesystem("rump", tree=image)


def test_files(fs: Any) -> None:
    fs.makedirs("/a/b", exist_ok=True)
    fs.pipe("/a/b/one", b"12345")
    with fs.open("rump:///a/two", "wb") as file:
        file.write(b"second")
    with fs.open("/a/two", "r") as file:
        assert file.read() == "second"
    assert fs.cat("/a/b/one") == b"12345"
    assert fs.cat_file("/a/b/one", 1, 3) == b"23"
    assert fs.ls("/a", detail=False) == ["/a/b", "/a/two"]
    assert (fs.isdir("/a"), fs.isfile("/a/two"), fs.exists("/none"), fs.size("/a/two")) == (True, True, False, 6)
    assert fs.find("/") == ["/a/b/one", "/a/two"]
    assert fs.glob("/a/**/o*") == ["/a/b/one"]
    fs.tree.symlink("two", "/a/link")
    assert (fs.info("/a/link")["type"], fs.info("/a/link")["islink"]) == ("file", True)
    fs.cp("/a", "/c", recursive=True)
    assert fs.cat("/c/a/b/one" if fs.exists("/c/a") else "/c/b/one") == b"12345"
    fs.mv("/a/two", "/three")
    fs.touch("/three")
    assert fs.du("/three") == 0
    assert fs.modified("/three").year > 2000
    fs.rm("/a", recursive=True)
    fs.rm("/three")
    assert fs.ls("/", detail=False) == ["/c"]
    with pytest.raises(FileNotFoundError):
        fs.info("/a")


def test_trees_of_the_host(fs: Any, tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "sub" / "file").write_text("text")
    fs.put(f"{tmp_path}/in/", "/in", recursive=True)
    fs.get("/in/", f"{tmp_path}/out", recursive=True)
    assert (tmp_path / "out" / "sub" / "file").read_text() == "text"


def test_images(tmp_path: Path) -> None:
    rump.newfs(tmp_path / "disk", "msdos", 1 << 20)
    fs = fsspec.filesystem("rump", image=str(tmp_path / "disk"))
    fs.pipe("/file", b"text")
    fs.close()
    with fsspec.open("rump://file", image=str(tmp_path / "disk"), readonly=True) as file:
        assert file.read() == b"text"
