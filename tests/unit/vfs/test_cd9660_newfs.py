"""Volumes that newfs makes, read back by xorriso, isoinfo, bsdtar and our own driver."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpvfs.core.vnode import NewfsRequest, Vnode
from rumpvfs.fs.cd9660 import FILE_SYSTEM
from rumpvfs.fs.cd9660.mastering import encode, layout
from rumpvfs.fs.cd9660.records import long_date, short_date
from rumpwire.errno import Errno, KernelError
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
