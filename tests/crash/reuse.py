"""Power failures while blocks are freed and used again.

The blocks of what was removed belong to the state before, until the transaction is committed: whatever is found after a
cut must be whole. So a small file system is filled with files, directories, attributes and long maps, all of it stable;
then they are taken away and other files written, until all blocks have changed hands several times. After a cut every
old name that is there must have its old contents, and every directory its names.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

from rumpvfs.core.vnode import Changes, FileSystem, Vnode, VType
from rumpwire.errno import Errno, KernelError
from tests.crash.disk import Cuts, MemoryDisk, RecordingDisk
from tests.crash.ext4 import VARIANTS, fsck
from tests.ext4_images import make_image
from tests.ext4_workload import contents, make, mount_disk, remove

SIZES = {"ext4-4k": "12M"}
_ROUNDS = 4


class Old:
    """What was made stable: files and directories of the root, by name. None in ``data`` is a directory of names."""

    def __init__(self, fs: FileSystem, generator: random.Random) -> None:
        self.fs = fs
        self.random = generator
        self.data: dict[str, bytes | None] = {}
        self.attributes: dict[str, bytes] = {}
        self.names: dict[str, frozenset[bytes]] = {}
        self.left: set[str] = set()
        self.number = 0

    def fill(self) -> None:
        """Makes files until the space is used up, and makes them stable."""
        kinds: list[Callable[[str], None]] = [self._file, self._file, self._scattered, self._directory, self._attribute]
        while True:
            self.number += 1
            name = f"old{self.number}"
            try:
                self.random.choice(kinds)(name)
            except KernelError as error:
                if error.errno != Errno.ENOSPC:
                    raise
                break
        self.fs.sync()
        self.left = set(self.data)

    def _file(self, name: str) -> None:
        node, data = make(self.fs.root(), name), self.random.randbytes(self.random.randrange(1, 90_000))
        self.data[name] = data[: node.write(0, data)]

    def _scattered(self, name: str) -> None:
        """Many extents, or indirect blocks: the map has blocks of its own."""
        node, data = make(self.fs.root(), name), bytearray()
        for at in range(0, 400_000, 20_000):
            piece = self.random.randbytes(1000)
            self.data[name] = bytes(data)
            count = node.write(at, piece)
            data += bytes(at - len(data)) + piece[:count]
            self.data[name] = bytes(data)
            if count < len(piece):
                break

    def _directory(self, name: str) -> None:
        folder = make(self.fs.root(), name, VType.DIR)
        self.data[name], self.names[name] = None, frozenset()
        for number in range(self.random.randrange(20, 80)):
            make(folder, f"{number}" + "n" * 90)
            self.names[name] |= {b"%d" % number + b"n" * 90}

    def _attribute(self, name: str) -> None:
        node = make(self.fs.root(), name)
        self.data[name] = b""
        value = self.random.randbytes(700)
        node.setxattr(b"user.x", value)
        self.attributes[name] = value

    def clear(self, name: str) -> None:
        """Takes one away, or what it has."""
        node = self.fs.root().lookup(name.encode())
        if node.vtype is VType.DIR:
            for child in self.names[name]:
                found = node.lookup(child)
                node.unlink(child, found)
                found.inactive()
            remove(self.fs.root(), name, node)
        elif name in self.attributes:
            node.removexattr(b"user.x")
        elif self.random.random() < 0.3:
            node.setattr(Changes(size=0))
        else:
            remove(self.fs.root(), name, node)

    def turn_over(self) -> None:
        """Frees some, and writes others, of which nothing is expected."""
        for name in self.random.sample(sorted(self.left), min(len(self.left), 4)):
            self.clear(name)
            self.left.remove(name)
        for _ in range(8):
            self.number += 1
            try:
                node = make(self.fs.root(), f"new{self.number}")
                node.write(0, self.random.randbytes(self.random.randrange(1, 60_000)))
            except KernelError as error:
                if error.errno != Errno.ENOSPC:
                    raise

    # -- after a cut

    def verify(self, fs: FileSystem) -> None:
        root = fs.root()
        for entry in root.readdir(0):
            name = entry.name.decode()
            if name.startswith("new"):
                contents(root.lookup(entry.name))
            elif name in self.data:
                self._verify(name, root.lookup(entry.name))

    def _verify(self, name: str, node: Vnode) -> None:
        expected = self.data[name]
        if expected is None:
            names = {entry.name for entry in node.readdir(0)} - {b".", b".."}
            assert names <= self.names[name], f"{name} has strange names"
            for child in names:
                node.lookup(child).getattr()
            return
        found = contents(node)
        assert found in (expected, b""), f"{name} has the contents of another file"
        value = self.attributes.get(name)
        assert node.listxattr() == [] or node.getxattr(b"user.x") == value, f"{name} has a strange attribute"


def reuse(variant: str, folder: Path, *, seed: int, cuts: int, every_fsck: int) -> int:
    """Fills and turns over, several times; ``cuts`` cuts of each turn. How many there were."""
    generator = random.Random(f"{variant} {seed}")
    disk = RecordingDisk(make_image(folder / "small", SIZES.get(variant, "3M"), *VARIANTS[variant]).read_bytes())
    done = 0
    for _ in range(_ROUNDS):
        fs = mount_disk(disk)
        for entry in list(fs.root().readdir(0)):
            if entry.name.startswith((b"old", b"new")) and generator.random() < 0.7:
                _remove_tree(fs.root(), entry.name)
        fs.sync()
        old = Old(fs, generator)
        old.number = done * 1000
        old.fill()
        disk.first, disk.log[:] = bytes(disk.contents), []
        for _ in range(3):
            old.turn_over()
        states = Cuts(disk, fs.statvfs().f_bsize)  # jbd2 takes it that the block of a commit is written whole
        for number, end in enumerate(sorted(generator.choices(range(len(disk.log) + 1), k=cuts))):
            image = states.state(end, generator)
            try:
                if number % every_fsck == 0:
                    fsck(image, folder / "cut")
                old.verify(mount_disk(MemoryDisk(image), readonly=True))
            except Exception:
                (folder / "failed.img").write_bytes(image)
                print(f"reuse {variant}, seed {seed}: after {end} of {len(disk.log)} writes", file=sys.stderr)
                raise
            done += 1
        fs.unmount(force=False)
    return done


def _remove_tree(root: Vnode, name: bytes) -> None:
    node = root.lookup(name)
    if node.vtype is VType.DIR:
        for child in [entry.name for entry in node.readdir(0) if entry.name not in (b".", b"..")]:
            node.unlink(child, node.lookup(child))
    remove(root, name.decode(), node)
