"""Images of ext2, ext3 and ext4 made by the tools and the kernel of the host, and what they should look like."""

from __future__ import annotations

import hashlib
import mmap
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from rumpuser.host import Buffer
from rumpvfs.core.vnode import FileSystem, MountRequest, Vnode, VType
from rumpvfs.fs.ext2fs import FILE_SYSTEM
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from rumpwire.values import Credentials
from tests.tools import need


class MappedDevice:
    """A read-only block device over bytes or a mapped image."""

    readonly = True

    def __init__(self, storage: Buffer | Path, name: str = "image") -> None:
        self.name = name
        if isinstance(storage, Path):
            with storage.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            storage = memoryview(self._map)
        self._view = memoryview(storage)
        self.size = len(self._view)

    def view(self, offset: int, length: int) -> memoryview:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise KernelError(Errno.EIO, f"{length} bytes at {offset} of {self.size}")
        return self._view[offset : offset + length]

    def write(self, offset: int, data: Buffer) -> None:
        raise KernelError(Errno.EROFS)

    def flush(self) -> None: ...

    def close(self) -> None: ...


class Environment:
    """A clock that stands still, and a console."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.cred = Credentials()

    def now_ns(self) -> int:
        return 1_700_000_000_000_000_000

    def entropy(self, length: int) -> bytes:
        return bytes(length)

    def reserve_buffers(self, size: int) -> bool:
        return self.reserve(size)

    def reserve(self, size: int) -> bool:
        return True

    def log(self, text: str) -> None:
        self.lines.append(text)


def run(*command: str | Path, check: bool = True) -> str:
    """Runs a host program."""
    words = [need(str(command[0])), *map(str, command[1:])]
    # What debugfs gives to a pager it does not wait for.
    env = {**os.environ, "DEBUGFS_PAGER": "__none__"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=100, env=env)
    assert not check or done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def make_image(path: Path, size: str, *options: str, source: Path | None = None) -> Path:
    """An image of mke2fs, filled from a folder."""
    fill = ["-d", str(source)] if source else []
    run("mke2fs", "-q", "-F", *options, *fill, path, size)
    return path


def mount(image: Path | Buffer, env: Environment | None = None) -> FileSystem:
    return FILE_SYSTEM.mount(MountRequest(MappedDevice(image), readonly=True), env or Environment())


@contextmanager
def loop_mount(image: Path, where: Path, options: str = "loop") -> Iterator[Path]:
    """The image mounted by the kernel of the host; skips where that may not be done."""
    if os.geteuid() != 0:
        pytest.skip("mounting by the kernel needs root")
    where.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-o", options, image, where], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"the kernel does not mount this here: {done.stderr.strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", where], check=True)


class Facts(NamedTuple):
    """What is compared of a file. ``contents`` is a digest, the target of a link, or the sorted names."""

    mode: int
    uid: int
    gid: int
    links: int
    size: int
    rdev: tuple[int, int]
    mtime_ns: int
    contents: object
    xattrs: dict[str, bytes]


def walk(fs: FileSystem) -> Iterator[tuple[str, Vnode]]:
    """All files with their paths, the root first; a directory met twice is not entered again."""
    seen = set()
    stack = [("", fs.root())]
    while stack:
        path, node = stack.pop()
        yield path or "/", node
        if node.vtype is VType.DIR and node.fileno not in seen:
            seen.add(node.fileno)
            names = [entry.name for entry in node.readdir(0) if entry.name not in (b".", b"..")]
            stack += [(f"{path}/{os.fsdecode(name)}", node.lookup(name)) for name in names]


def digest(node: Vnode, size: int, chunk: int = 1 << 20) -> str:
    found = hashlib.sha256()
    at = 0
    while at < size:
        data = node.read(at, chunk)
        assert data, f"read ends at {at} of {size}"
        found.update(data)
        at += len(data)
    assert not node.read(size, 1)
    return found.hexdigest()


def _contents(node: Vnode, size: int) -> object:
    if node.vtype is VType.REG:
        return digest(node, size)
    if node.vtype is VType.LNK:
        return node.readlink()
    return sorted(entry.name for entry in node.readdir(0)) if node.vtype is VType.DIR else None


def facts_of_image(fs: FileSystem, *, xattrs: bool = True) -> dict[str, Facts]:
    """Everything in a mounted file system, by path."""
    found = {}
    for path, node in walk(fs):
        st = node.getattr()
        assert st.st_ino == node.fileno
        size = 0 if node.vtype is VType.DIR else st.st_size
        named = {os.fsdecode(name): node.getxattr(name) for name in node.listxattr()} if xattrs else {}
        rdev = (const.major(st.st_rdev), const.minor(st.st_rdev))
        found[path] = Facts(
            st.st_mode,
            st.st_uid,
            st.st_gid,
            st.st_nlink,
            size,
            rdev,
            st.st_mtime_ns,
            _contents(node, st.st_size),
            named,
        )
    return found


def _host_contents(path: str, st: os.stat_result) -> object:
    if stat.S_ISREG(st.st_mode):
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    if stat.S_ISLNK(st.st_mode):
        return os.fsencode(os.readlink(path))
    return sorted([b".", b"..", *map(os.fsencode, os.listdir(path))]) if stat.S_ISDIR(st.st_mode) else None


def facts_of_host(top: Path, *, xattrs: bool = True) -> dict[str, Facts]:
    """The same of a folder of the host."""
    found = {}
    paths = [str(top)]
    for where, folders, files in os.walk(top):
        paths += [os.path.join(where, name) for name in folders + files]
    for path in paths:
        st = os.lstat(path)
        names = os.listxattr(path, follow_symlinks=False) if xattrs else []
        named = {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
        size = 0 if stat.S_ISDIR(st.st_mode) else st.st_size
        rdev = (os.major(st.st_rdev), os.minor(st.st_rdev))
        found[path.removeprefix(str(top)) or "/"] = Facts(
            st.st_mode, st.st_uid, st.st_gid, st.st_nlink, size, rdev, st.st_mtime_ns, _host_contents(path, st), named
        )
    return found


def compare(
    found: dict[str, Facts], expected: dict[str, Facts], *, ignore: Callable[[Facts], Facts] | None = None
) -> None:
    """Asserts that both are the same but for lost+found."""
    change = ignore or (lambda facts: facts)
    names = {path for path in expected if "lost+found" not in path}
    others = {path for path in found if "lost+found" not in path}
    assert others == names, f"{len(others)} and {len(names)} files; not in both: {sorted(others ^ names)[:9]}"
    for path in sorted(names - {"/"}):
        assert change(found[path]) == change(expected[path]), path


def fill(top: Path, *, many: int = 300) -> None:
    """A folder with a bit of everything that an ordinary user may make."""
    top.mkdir(exist_ok=True)
    (top / "empty").touch()
    (top / "tiny").write_bytes(b"x" * 30)
    (top / "small").write_bytes(bytes(range(120)))
    (top / "block").write_bytes(os.urandom(4096))
    (top / "large").write_bytes(os.urandom(1_500_001))
    (top / "very").mkdir()
    (top / "very" / "deep").mkdir()
    (top / "very" / "deep" / "name with spaces \xe9\u20ac").write_text("hello")
    (top / "very" / ("n" * 255)).write_text("longest name")
    (top / "hard").hardlink_to(top / "small")
    (top / "short link").symlink_to("tiny")
    (top / "link of 59").symlink_to("a" * 59)
    (top / "link of 60").symlink_to("b" * 60)
    (top / "long link").symlink_to("c/" * 400)
    (top / "a few").mkdir()
    for number in range(3):
        (top / "a few" / f"f{number}").write_text(str(number))
    (top / "many").mkdir()
    for number in range(many):
        (top / "many" / f"file number {number:06}").write_text(str(number))
    with (top / "sparse").open("wb") as file:
        for at in (0, 100_000, 1_000_000, 5_000_000, 10_000_000, 30_000_000):
            file.seek(at)
            file.write(os.urandom(5000))
    os.chmod(top / "tiny", 0o4755)
    os.utime(top / "block", ns=(1_234_567_890_123_456_789, 5_000_000_000_987_654_321))
