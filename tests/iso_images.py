"""ISO 9660 and UDF images: writable devices, what a mounted volume holds, and the folder that it was made from."""

from __future__ import annotations

import mmap
import os
import random
import stat
from collections.abc import Callable
from pathlib import Path

from rumpuser.host import Buffer
from rumpvfs.core.vnode import FileSystem, FileSystemType, MountRequest, VType
from rumpwire.errno import Errno, KernelError
from tests import ext4_images
from tests.ext4_images import Environment, Facts, MappedDevice, walk

_TELLING = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF)


class FileDevice:
    """A writable device: a mapped file of a given size, sparse to begin with."""

    readonly = False

    def __init__(self, path: Path, size: int) -> None:
        self.name = str(path)
        self.size = size
        with path.open("w+b") as file:
            file.truncate(size)
            self._view = memoryview(mmap.mmap(file.fileno(), size))

    def view(self, offset: int, length: int) -> memoryview:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise KernelError(Errno.EIO, f"{length} bytes at {offset} of {self.size}")
        return self._view[offset : offset + length]

    def write(self, offset: int, data: Buffer) -> None:
        if offset < 0 or offset + len(data) > self.size:
            raise KernelError(Errno.EIO, f"{len(data)} bytes at {offset} of {self.size}")
        self._view[offset : offset + len(data)] = data

    def flush(self) -> None: ...

    def close(self) -> None: ...


def mount(kind: FileSystemType, image: Path | Buffer, **options: str) -> FileSystem:
    return kind.mount(MountRequest(MappedDevice(image), readonly=True, options=options), Environment())


def whole_seconds(facts: Facts) -> Facts:
    """What a volume can say of a file: times in seconds, and of a directory not how many links it has."""
    links = 0 if stat.S_ISDIR(facts.mode) else facts.links
    return facts._replace(mtime_ns=facts.mtime_ns // 10**9, links=links)


def facts_of_volume(fs: FileSystem, change: Callable[[Facts], Facts] = whole_seconds) -> dict[str, Facts]:
    found = ext4_images.facts_of_image(fs, xattrs=False)
    return {path: change(facts) for path, facts in found.items()}


def facts_of_folder(top: Path, change: Callable[[Facts], Facts] = whole_seconds) -> dict[str, Facts]:
    found = ext4_images.facts_of_host(top, xattrs=False)
    return {path: change(facts) for path, facts in found.items()}


def names_of(fs: FileSystem) -> set[str]:
    return {path for path, _ in walk(fs)}


def read_all(fs: FileSystem, path: str) -> bytes:
    node = fs.root()
    for name in path.encode().split(b"/"):
        node = node.lookup(name)
    assert node.vtype is VType.REG
    size, data = node.getattr().st_size, b""
    while len(data) < size:
        piece = bytes(node.read(len(data), size))
        assert piece
        data += piece
    return data


def fill(top: Path, *, genisoimage: bool = False) -> None:
    """A folder with a bit of everything; without what genisoimage reads for ever or writes damaged."""
    ext4_images.fill(top, many=120)
    os.unlink(top / "long link")
    os.unlink(top / "sparse")
    (top / "long link").symlink_to(
        "/" + "some/where/../" * (10 if genisoimage else 40) + "x" * (40 if genisoimage else 240)
    )
    (top / "root link").symlink_to("/")
    (top / "dot.in.name.tar.gz").write_text("a")
    (top / "DOT.in.name.tar.gz").write_text("b")
    os.utime(top / "block", ns=(1_234_567_890_123_456_789, 1_000_000_000_987_654_321))
    deep = top / "a"
    for name in "bcdefghijklm":
        deep = deep / name
    deep.mkdir(parents=True)
    (deep / "at the bottom").write_bytes(os.urandom(3000))
    (deep / "back").symlink_to("../../..")
    if not genisoimage:
        os.mkfifo(top / "fifo", 0o622)
    if os.geteuid() == 0:
        os.mknod(top / "null", stat.S_IFCHR | 0o640, os.makedev(1, 3))
        os.mknod(top / "large numbers", stat.S_IFBLK | 0o600, os.makedev(259, 70_000))
        os.chown(top / "tiny", 1234, 70_000)
        os.chmod(top / "tiny", 0o4755)


def damage(data: bytearray, at: int, generator: random.Random) -> None:
    """One change near a byte: a bit, a number, a telling number, or what is somewhere else."""
    kind = generator.randrange(4)
    at = min(at, len(data) - 64)
    if kind == 0:
        data[at] ^= 1 << generator.randrange(8)
    elif kind == 1:
        data[at : at + 4] = generator.randbytes(4)
    elif kind == 2:
        data[at : at + 4] = generator.choice((0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF)).to_bytes(
            4, "little"
        )
    else:
        other = generator.randrange(len(data) - 64)
        data[at : at + 64] = data[other : other + 64]
