"""The tests that fsspec has for every file system: copy, get, put, open, pipe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from rump.fs import open_image

fsspec = pytest.importorskip("fsspec")
abstract = pytest.importorskip("fsspec.tests.abstract")


@pytest.fixture(scope="module")
def filesystem() -> Iterator[Any]:
    with open_image(None, "tmpfs") as image:
        yield fsspec.filesystem("rump", tree=image, auto_mkdir=True)


class Fixtures(abstract.AbstractFixtures):  # type: ignore[misc, name-defined]
    """On a file system in memory."""

    @pytest.fixture
    def fs(self, filesystem: Any) -> Any:
        return filesystem

    @pytest.fixture
    def fs_path(self) -> str:
        return "/fs"


class TestCopy(abstract.AbstractCopyTests, Fixtures):  # type: ignore[misc, name-defined]
    pass


class TestGet(abstract.AbstractGetTests, Fixtures):  # type: ignore[misc, name-defined]
    pass


class TestPut(abstract.AbstractPutTests, Fixtures):  # type: ignore[misc, name-defined]
    pass


class TestOpen(abstract.AbstractOpenTests, Fixtures):  # type: ignore[misc, name-defined]
    pass


class TestPipe(abstract.AbstractPipeTests, Fixtures):  # type: ignore[misc, name-defined]
    pass


def test_urls_name_images(tmp_path: Path) -> None:
    """With the image in front of ``::``, as fsspec chains them, and as an argument."""
    rump.newfs(tmp_path / "disk", "ffs", 2 << 20)
    with fsspec.open("rump://dir/file", "w", image=str(tmp_path / "disk"), auto_mkdir=True) as file:
        file.write("text")
    with fsspec.open("rump://dir/file", image=str(tmp_path / "disk"), readonly=True) as file:
        assert file.read() == b"text"
    fs, path = fsspec.core.url_to_fs("rump://dir", image=str(tmp_path / "disk"), readonly=True)
    assert fs.ls(path, detail=False) == ["/dir/file"]
    fs.close()
