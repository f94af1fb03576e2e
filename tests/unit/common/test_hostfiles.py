"""Files of the host, against the host itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rumpuser.hostfiles import SystemFiles
from rumpwire.errno import Errno, KernelError

FILES = SystemFiles()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(range(256)) * 64)
    return path


def fails(errno: Errno) -> pytest.RaisesExc[KernelError]:
    return pytest.RaisesExc(KernelError, check=lambda error: error.errno == errno)


def test_views_are_of_the_file(image: Path) -> None:
    f = FILES.open(bytes(image), write=True)
    assert (f.size, f.readonly) == (16384, False)
    view = f.view(3, 5)
    assert isinstance(view, memoryview)
    assert bytes(view) == bytes(range(3, 8))
    assert f.write(4, b"new") == 3
    assert bytes(view) == b"\x03new\x07"
    assert len(f.view(16380, 100)) == 4
    assert bytes(f.view(16384, 1)) == bytes(f.view(1 << 60, 1)) == bytes(f.view(0, 0)) == b""
    f.sync()
    f.close()
    f.close()
    assert bytes(view) == b"\x03new\x07"
    assert image.read_bytes()[4:7] == b"new"
    with fails(Errno.EBADF):
        f.write(0, b"x")
    with fails(Errno.EBADF):
        f.view(0, 1)


def test_growing_and_shrinking(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.touch()
    f = FILES.open(bytes(path), write=True)
    assert bytes(f.view(0, 10)) == b""
    f.write(8192, memoryview(b"end"))
    old = f.view(8190, 5)
    assert bytes(old) == b"\0\0end"
    f.truncate(1 << 20)
    assert (f.size, path.stat().st_size) == (1 << 20, 1 << 20)
    assert bytes(f.view((1 << 20) - 2, 9)) == b"\0\0"
    assert bytes(old) == b"\0\0end"
    del old
    f.truncate(100)
    assert len(f.view(0, 1 << 20)) == 100
    with fails(Errno.EINVAL):
        f.truncate(-1)
    with fails(Errno.EINVAL):
        f.view(-1, 5)
    with fails(Errno.EINVAL):
        f.write(-1, b"")
    with fails(Errno.EFBIG):
        f.truncate(1 << 64)
    f.close()


def test_cut_short_by_somebody_else(image: Path) -> None:
    """Which would be SIGBUS."""
    f = FILES.open(bytes(image), write=False)
    assert len(f.view(8192, 4096)) == 4096
    os.truncate(image, 8192)
    with fails(Errno.EIO):
        f.view(8192, 4096)
    with fails(Errno.EIO):
        f.view(8191, 2)
    assert len(f.view(0, 8192)) == 8192
    f.close()


def test_reading_alone(image: Path) -> None:
    f = FILES.open(bytes(image), write=False)
    assert f.readonly
    for change in (lambda: f.write(0, b"x"), lambda: f.truncate(0)):
        with fails(Errno.EROFS):
            change()
    f.sync()
    f.close()


def test_falls_back_to_reading(tmp_path: Path) -> None:
    """A program that runs cannot be written, not even by root (ETXTBSY)."""
    program = tmp_path / "program"
    shutil.copy(shutil.which("cat") or "cat", program)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        f = FILES.open(bytes(program), write=True)
        assert f.readonly
        assert bytes(f.view(0, 4)) == b"\x7fELF"
        f.close()
        assert process.stdin is not None
        process.stdin.close()


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    os.symlink("loop", tmp_path / "loop")
    for name, errno in (("no", Errno.ENOENT), ("loop", Errno.ELOOP), (".", Errno.EISDIR), ("fifo", Errno.EOPNOTSUPP)):
        for write in (False, True):
            with fails(errno):
                FILES.open(os.fsencode(tmp_path / name), write=write)
    with fails(Errno.ENOENT):
        FILES.open(b"a\0b", write=False)
    with fails(Errno.EOPNOTSUPP):
        FILES.open(b"/dev/null", write=False)
    with fails(Errno.ENAMETOOLONG):
        FILES.open(b"/" + b"x" * 300, write=False)


def test_kinds_and_listings(tmp_path: Path) -> None:
    (tmp_path / "b").touch()
    os.mkfifo(tmp_path / "a")
    root = os.fsencode(tmp_path)
    assert [FILES.kind(root + name) for name in (b"", b"/b", b"/a")] == ["dir", "reg", "other"]
    assert FILES.kind(b"/dev/null") == "chr"
    assert FILES.listdir(root) == [b"a", b"b"]
    with fails(Errno.ENOENT):
        FILES.kind(root + b"/no")
    with fails(Errno.ENOTDIR):
        FILES.listdir(root + b"/b")


def test_descriptors_are_given_back(image: Path, tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        f = FILES.open(bytes(image), write=True)
        f.view(0, 100)
        f.close()
        with pytest.raises(KernelError):
            FILES.open(bytes(tmp_path), write=False)
    assert len(os.listdir("/proc/self/fd")) <= before + 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20000), st.binary(max_size=3000)), max_size=12))
def test_as_a_plain_file(tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, bytes]]) -> None:
    path = tmp_path_factory.mktemp("f") / "f"
    path.touch()
    f = FILES.open(bytes(path), write=True)
    model = bytearray()
    for offset, data in writes:
        f.write(offset, data)
        if data:
            model.extend(bytes(max(0, offset - len(model))))
            model[offset : offset + len(data)] = data
        assert bytes(f.view(0, 1 << 20)) == model
    assert f.size == path.stat().st_size == len(model)
    f.close()
