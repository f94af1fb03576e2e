"""Volumes that newfs makes, read back by xorriso, isoinfo, bsdtar and our own driver."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rumpvfs.core.vnode import Entry, FileSystem, NewfsRequest, Vnode, VType
from rumpvfs.fs.cd9660 import FILE_SYSTEM
from rumpvfs.fs.cd9660.mastering import encode, layout
from rumpvfs.fs.cd9660.records import long_date, short_date
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Stat
from tests import ext4_images
from tests.ext4_images import Environment, Facts, MappedDevice, make_image, run
from tests.iso_images import FileDevice, facts_of_folder, facts_of_volume, fill, mount, names_of, read_all

MEGA = 1 << 20


def newfs(image: Path, root: Vnode | None, size: int = 16 * MEGA, **options: str) -> int:
    assert FILE_SYSTEM.newfs is not None
    return FILE_SYSTEM.newfs(NewfsRequest(FileDevice(image, size), options, root), Environment())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Facts]]:
    """A folder, and the root of the same tree in a file system of ours."""
    top = tmp_path_factory.mktemp("newfs") / "source"
    fill(top)
    return top, {path: facts for path, facts in facts_of_folder(top).items() if path != "/"}


@pytest.fixture(scope="module")
def root(source: tuple[Path, dict[str, Facts]]) -> Vnode:
    image = make_image(source[0].parent / "ext4", "32M", "-t", "ext4", source=source[0])
    return ext4_images.mount(image).root()


def without_lost_found(found: dict[str, Facts]) -> dict[str, Facts]:
    return {path: facts for path, facts in found.items() if path != "/" and "lost+found" not in path}


@pytest.fixture(scope="module")
def made(root: Vnode, tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = tmp_path_factory.mktemp("made") / "image"
    used = newfs(image, root, label="A LABEL", publisher="nobody")
    os.truncate(image, used)
    return image


def test_our_own_reader_sees_the_source(made: Path, source: tuple[Path, dict[str, Facts]]) -> None:
    fs = mount(FILE_SYSTEM, made)
    assert without_lost_found(facts_of_volume(fs)) == source[1]
    assert fs.root().lookup(b"hard") is fs.root().lookup(b"small")
    assert (
        fs.root().getattr().st_nlink
        == 2 + sum(stat.S_ISDIR(facts.mode) for path, facts in source[1].items() if path.count("/") == 1) + 1
    )  # lost+found


def test_xorriso_extracts_the_source(made: Path, source: tuple[Path, dict[str, Facts]], tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("xorriso", "-osirrox", "on:o_excl_off", "-indev", made, "-extract", "/", out)
    found = without_lost_found(facts_of_folder(out))
    for path, facts in source[1].items():
        # It makes no devices and, unless told to, no hard links; links get today's date.
        if not (stat.S_ISBLK(facts.mode) or stat.S_ISCHR(facts.mode)):
            today = found[path].mtime_ns if stat.S_ISLNK(facts.mode) else facts.mtime_ns
            assert found[path] == facts._replace(links=found[path].links, mtime_ns=today), path


def test_xorriso_finds_nothing_wrong(made: Path) -> None:
    report = run("xorriso", "-indev", made, "-check_media", "--")
    assert "Media region" in report or "quality" in report
    label = run("xorriso", "-indev", made, "-pvd_info")
    assert "A LABEL" in label
    assert "nobody" in label


def test_bsdtar_reads_it(made: Path, source: tuple[Path, dict[str, Facts]]) -> None:
    lines = run("bsdtar", "-tvf", made).splitlines()
    assert len(lines) >= len(source[1])
    assert any(line.endswith((" link to small", " link to hard")) for line in lines)
    if os.geteuid() != 0:
        return  # nobody else makes devices and gives files away
    assert any(line.startswith("crw-r----- ") and " 1,3 " in line for line in lines)
    assert any(line.startswith("-rwsr-xr-x ") and " 1234 " in line and " 70000 " in line for line in lines)


def test_isoinfo_reads_both_trees(made: Path) -> None:
    rock = run("isoinfo", "-R", "-f", "-i", made).splitlines()
    assert "/a/b/c/d/e/f/g/h/i/j/k/l/m/at the bottom" in rock
    plain = run("isoinfo", "-f", "-i", made).splitlines()
    assert "/DOT_IN_NAME_TAR.GZ;1" in plain
    assert "/DOT_IN_NAME_TAR001.GZ;1" in plain
    joliet = run("sh", "-c", 'isoinfo -J -f -i "$0" | tr -dc "\\n -~"', made).splitlines()
    assert any("many/file number 000007" in line for line in joliet)
    assert not any("fifo" in line for line in joliet)
    assert "Joliet with UCS level 3" in run("isoinfo", "-d", "-i", made)


@pytest.mark.parametrize("options", [{}, {"joliet": "no"}, {"rockridge": "no"}, {"rockridge": "no", "joliet": "no"}])
def test_every_tree_holds_the_files(options: dict[str, str], root: Vnode, tmp_path: Path) -> None:
    newfs(tmp_path / "image", root, **options)
    contents = {b"a", b"b"}
    for view in ({}, {"norrip": ""}, {"norrip": "", "nojoliet": ""}):
        fs = mount(FILE_SYSTEM, tmp_path / "image", **view)
        names = names_of(fs)
        found = {read_all(fs, name[1:]) for name in names if name.lower().startswith("/dot") and "tar" in name.lower()}
        assert found == contents
        assert len(names) >= 140


def test_several_sections(root: Vnode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As files over 4 GiB have them, only smaller."""
    monkeypatch.setattr(layout, "SECTION_MAX", 1 << 18)
    newfs(tmp_path / "image", root)
    content = bytes(root.lookup(b"large").read(0, 2 * MEGA))
    fs = mount(FILE_SYSTEM, tmp_path / "image")
    assert read_all(fs, "large") == content
    node = fs.root().lookup(b"large")
    assert bytes(node.read((1 << 18) - 5, 10)) == content[(1 << 18) - 5 :][:10]
    run("xorriso", "-osirrox", "on", "-indev", tmp_path / "image", "-extract", "/large", tmp_path / "large")
    assert (tmp_path / "large").read_bytes() == content


def refusal(image: Path, root: Vnode | None, size: int = MEGA, **options: str) -> int:
    with pytest.raises(KernelError) as caught:
        newfs(image, root, size, **options)
    return caught.value.errno


def test_refusals(root: Vnode, tmp_path: Path) -> None:
    image = tmp_path / "image"
    assert refusal(image, root) == Errno.ENOSPC
    assert refusal(image, root, nonsense="") == Errno.EINVAL
    assert refusal(image, root, label="x" * 33) == Errno.EINVAL
    assert refusal(image, root, joliet="perhaps") == Errno.EINVAL
    assert refusal(image, None) == Errno.EINVAL
    assert FILE_SYSTEM.newfs is not None
    with pytest.raises(KernelError) as caught:
        FILE_SYSTEM.newfs(NewfsRequest(MappedDevice(image), {}, root), Environment())
    assert caught.value.errno == Errno.EROFS


@given(st.integers(-(2**31) * 10**9, 2**32 * 10**9))
@settings(max_examples=200, deadline=None)
def test_dates_survive(time_ns: int) -> None:
    second = time_ns // 10**9 * 10**9
    assert short_date(encode.short_date(time_ns)) == second
    assert long_date(encode.long_date(time_ns)) == second


class Memory(Vnode):
    """A tree in memory: directories with their children, files with their contents."""

    __slots__ = ("above", "children", "contents")

    def __init__(self, fs: FileSystem, number: int, content: bytes | None, above: Memory | None = None) -> None:
        super().__init__(fs, number, VType.DIR if content is None else VType.REG)
        self.children: dict[bytes, Memory] = {}
        self.contents = content or b""
        self.above = above

    def getattr(self) -> Stat:
        return Stat(0, self.vtype | 0o755, self.fileno, 1, 0, 0, 0, 0, 0, 0, 0, len(self.contents))

    def lookup(self, name: bytes) -> Memory:
        return self.children[name]

    def readdir(self, cookie: int) -> Iterator[Entry]:
        yield Entry(1, self.fileno, VType.DIR, b".")
        yield Entry(2, self.fileno, VType.DIR, b"..")
        for at, (name, child) in enumerate(self.children.items(), 3):
            yield Entry(at, child.fileno, child.vtype, name)

    def read(self, offset: int, length: int) -> bytes:
        return self.contents[offset : offset + length]


class Shorter(Memory):
    """A file that ends before it should."""

    __slots__ = ()

    def getattr(self) -> Stat:
        return Stat(st_mode=self.vtype | 0o644, st_size=10)


_names = st.binary(min_size=1, max_size=255).filter(lambda name: not {0, 47} & set(name) and name not in (b".", b".."))
_alike = st.text("aA.;_é\U0001f600", min_size=1, max_size=60).map(str.encode).filter(lambda n: n not in (b".", b".."))


@example({b"\x01\x01": False, b"...": True})
@given(st.dictionaries(_names | _alike, st.booleans(), max_size=25))
@settings(max_examples=60, deadline=None)
def test_any_names_come_back(names: dict[bytes, bool]) -> None:
    """Rock Ridge has every name as it is; in the other trees every file has a name of its own."""
    fs = FileSystem()
    root = Memory(fs, 1, None)
    for number, (name, is_file) in enumerate(names.items(), 2):
        root.children[name] = Memory(fs, number, str(number).encode() if is_file else None)
    with tempfile.NamedTemporaryFile() as file:
        newfs(Path(file.name), root, MEGA)
        found = mount(FILE_SYSTEM, Path(file.name)).root()
        assert {e.name for e in found.readdir(0)} == {b".", b"..", *names}
        for name, is_file in names.items():
            assert (found.lookup(name).vtype is VType.REG) == is_file
        for view in ({"norrip": ""}, {"norrip": "", "nojoliet": ""}):
            top = mount(FILE_SYSTEM, Path(file.name), **view).root()
            listed = [e.name for e in top.readdir(0) if e.name not in (b".", b"..")]
            assert len(set(listed)) == len(names)
            contents = {bytes(node.read(0, 9)) for node in map(top.lookup, listed) if node.vtype is VType.REG}
            assert contents == {child.contents for child in root.children.values() if child.vtype is VType.REG}


def test_trees_that_cannot_be_written(tmp_path: Path) -> None:
    fs = FileSystem()
    loop = Memory(fs, 1, None)
    loop.children[b"again"] = Memory(fs, 2, None)
    loop.children[b"again"].children[b"loop"] = loop
    assert refusal(tmp_path / "image", loop) == Errno.ELOOP
    top = node = Memory(fs, 1, None)
    for number in range(2, 1100):
        node.children[b"d"] = Memory(fs, number, None)
        node = node.children[b"d"]
    assert refusal(tmp_path / "image", top) == Errno.ELOOP
    short = Memory(fs, 1, None)
    short.children[b"f"] = Shorter(fs, 2, b"abc")
    assert refusal(tmp_path / "image", short) == Errno.EIO
