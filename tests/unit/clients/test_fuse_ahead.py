"""Which files a mount reads before the host asks for them."""

from __future__ import annotations

import os
import stat

import pytest

import rump
from rumpclients.fuse.ahead import FILES, LIMIT, Ahead
from rumpclients.fuse.nodes import Node, Nodes
from rumpclients.fuse.server import Patience


class Kept:
    """Files that contain their names."""

    def __init__(self) -> None:
        self.read_of: list[bytes] = []

    def read(self, node: Node, size: int, offset: int) -> bytes:
        (_, name), *_ = node.names
        self.read_of.append(name)
        if name == b"broken":
            raise OSError(5, os.strerror(5))
        return name


def _stat(ino: int, kind: int, size: int) -> rump.Stat:
    return rump.Stat(st_ino=ino, st_mode=kind, st_nlink=1, st_size=size, st_gen=ino)


class Folder:
    """A directory, listed: names and sizes of files; numbers run against the order of the list."""

    def __init__(self, files: dict[str, int]) -> None:
        self.kept = Kept()
        self.ahead = Ahead(self.kept)  # type: ignore[arg-type]
        nodes = Nodes(_stat(2, stat.S_IFDIR, 0))
        self.nodes = {
            name: nodes.found(nodes.root, name.encode(), _stat(1000 - at, stat.S_IFREG, size))
            for at, (name, size) in enumerate(files.items())
        }
        self.ahead.listed(nodes.root, list(self.nodes.values()), first=True)

    def read(self, *names: str) -> list[bytes | None]:
        """What was ready of files that the host reads."""
        found = []
        for name in names:
            node = self.nodes[name]
            self.ahead.read(node)
            found.append(self.ahead.take(node, 4096))
            while self.ahead.step():
                pass
        return found


@pytest.fixture
def folder() -> Folder:
    return Folder({f"{(7 * n) % 30:02}": 100 for n in range(30)})


def test_as_listed(folder: Folder) -> None:
    assert folder.read("00", "07", "14", "21", "28") == [None, None, b"14", b"21", b"28"]


def test_by_name(folder: Folder) -> None:
    assert folder.read("03", "04", "05", "06") == [None, None, b"05", b"06"]


def test_by_number(folder: Folder) -> None:
    assert folder.read("28", "21", "14") == [None, None, b"14"]


def test_in_no_order(folder: Folder) -> None:
    assert folder.read("03", "25", "11", "11", "29") == [None] * 5
    assert folder.kept.read_of == []


def test_no_more_than_a_few_are_read_for_nothing(folder: Folder) -> None:
    folder.read("03", "04")
    assert len(folder.kept.read_of) == FILES


def test_one_that_was_changed(folder: Folder) -> None:
    folder.read("03", "04")
    folder.ahead.changed(folder.nodes["05"].nodeid)
    assert folder.read("05", "06") == [None, b"06"]
    folder.ahead.changed_any()
    assert folder.read("07") == [None]


def test_one_is_told_once(folder: Folder) -> None:
    assert folder.read("03", "04", "05") == [None, None, b"05"]
    assert folder.ahead.take(folder.nodes["05"], 4096) is None


def test_empty_large_and_broken_files_do_not_end_it() -> None:
    folder = Folder({"a": 1, "b": 1, "empty": 0, "large": LIMIT + 1, "broken": 1, "c": 1})
    assert folder.read("a", "b", "large", "broken", "c") == [None, None, None, None, b"c"]
    assert folder.kept.read_of == [b"broken", b"c"]


def test_one_that_was_removed_meanwhile(folder: Folder) -> None:
    folder.read("03", "04")
    gone = folder.nodes["14"]
    gone.names.clear()
    assert folder.read("05", "06", "07") == [b"05", b"06", b"07"]
    assert b"14" not in folder.kept.read_of


def test_patience_ends_where_nobody_asks() -> None:
    patience = Patience()
    tries = 0

    def nothing() -> None:
        nonlocal tries
        tries += 1

    assert patience.wait(nothing) is None
    assert tries
    tries = 0
    assert [patience.wait(nothing) for _ in range(2)] == [None, None]
    assert tries == 0
    assert patience.wait(nothing) is None
    assert tries
