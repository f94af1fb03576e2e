"""``python -m tests.crash.ext4 --cuts 10000``: power failures at every point of a random workload on ext4.

While the workload runs it is noted which names there are after each operation and what every file has when it is
fsynced. Then the disk is cut: what is left must be mounted (which replays the journal), must have the names that there
were after some operation not older than the last fsync, all that was fsynced and not touched since, and as many blocks
and inodes in use as its files have. A sample is given to e2fsck, which may replay the journal and find nothing else.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rumpvfs.core.vnode import Changes, FileSystem, MountRequest, NewNode, Vnode, VType
from rumpvfs.fs.ext2fs import FILE_SYSTEM
from rumpwire.errno import Errno, KernelError
from tests.crash.disk import Cuts, MemoryDisk, RecordingDisk
from tests.ext4_images import Environment, make_image, walk
from tests.tools import need

VARIANTS = {
    "ext4": ("-t", "ext4", "-b", "1024", "-J", "size=1"),
    "ext4-4k": ("-t", "ext4", "-b", "4096", "-J", "size=4"),
    "ext3": ("-t", "ext3", "-b", "1024", "-J", "size=1"),
    "inline": ("-t", "ext4", "-b", "1024", "-I", "256", "-O", "inline_data", "-J", "size=1"),
}
SIZES = {"ext4-4k": "12M"}
State = dict[str, bytes | None]


def mount(disk: MemoryDisk, *, readonly: bool = False) -> FileSystem:
    return FILE_SYSTEM.mount(MountRequest(disk, readonly), Environment())


class Workload:
    """Random operations on a mounted file system, and what they leave. None in a state is no regular file."""

    def __init__(self, fs: FileSystem, disk: RecordingDisk, seed: str) -> None:
        self.fs = fs
        self.disk = disk
        self.random = random.Random(seed)
        self.nodes: dict[str, Vnode] = {"": fs.root()}
        self.now: State = {}
        # (length of the disk's log, names) after each operation; the same with contents at each fsync.
        self.names: list[tuple[int, frozenset[str]]] = [(0, frozenset())]
        self.stable: list[tuple[int, int, State]] = [(0, 0, {})]
        self.touched: list[tuple[int, str]] = []

    def run(self, count: int) -> None:
        for number in range(count):
            action = self.random.choice(self.ACTIONS)
            self.touched_now: list[str] = []
            begun = len(self.disk.log)
            try:
                action(self, f"{action.__name__[1:]}{number}" + "n" * self.random.choice((0, 0, 30, 120)))
            except KernelError as error:
                if error.errno != Errno.ENOSPC:
                    raise
            self.touched += [(begun, path) for path in self.touched_now]
            self.names.append((len(self.disk.log), frozenset(self.now)))

    # -- what is chosen

    def _folder(self) -> str:
        return self.random.choice([path for path, node in self.nodes.items() if node.vtype is VType.DIR])

    def _file(self) -> str | None:
        found = [path for path, contents in self.now.items() if contents is not None]
        return self.random.choice(found) if found else None

    def _new(self, name: str, vtype: VType, target: bytes = b"") -> str:
        folder = self._folder()
        path = f"{folder}/{name}"
        self.touched_now.append(path)
        mode = 0o755 if vtype is VType.DIR else 0o644
        self.nodes[path] = self.nodes[folder].create(name.encode(), NewNode(vtype, mode, 0, 0, 0, target))
        self.now[path] = b"" if vtype is VType.REG else None
        return path

    # -- operations

    def _create(self, name: str) -> None:
        path = self._new(name, VType.REG)
        self._put(path, 0, self.random.randbytes(self.random.choice((10, 700, 5000))))

    def _put(self, path: str, offset: int, data: bytes) -> None:
        self.touched_now.append(path)
        old = self.now[path]
        assert old is not None
        count = self.nodes[path].write(offset, data)
        self.now[path] = old[:offset].ljust(offset, b"\0") + data[:count] + old[offset + count :]

    def _mkdir(self, name: str) -> None:
        self._new(name, VType.DIR)

    def _symlink(self, name: str) -> None:
        self._new(name, VType.LNK, b"x" * self.random.choice((10, 59, 60, 500)))

    def _write(self, name: str) -> None:
        path = self._file()
        if path:
            size = len(self.now[path] or b"")
            offset = self.random.choice((0, size, self.random.randrange(60_000)))
            self._put(path, offset, self.random.randbytes(self.random.choice((1, 3000, 40_000))))

    def _truncate(self, name: str) -> None:
        path = self._file()
        if path:
            self.touched_now.append(path)
            old = self.now[path] or b""
            size = self.random.choice((0, len(old) // 2, len(old) + 3000))
            self.nodes[path].setattr(Changes(size=size))
            self.now[path] = old[:size].ljust(size, b"\0")

    def _attribute(self, name: str) -> None:
        path = self._file()
        if path:
            value = self.random.randbytes(self.random.choice((5, 60, 400)))
            self.nodes[path].setxattr(b"user.x%d" % self.random.randrange(3), value)

    def _unlink(self, name: str) -> None:
        path = self._file()
        if path:
            self.touched_now.append(path)
            folder, _, last = path.rpartition("/")
            node = self.nodes[path]
            self.nodes[folder].unlink(last.encode(), node)
            del self.nodes[path], self.now[path]
            self.names.append((len(self.disk.log), frozenset(self.now)))
            node.inactive()

    def _rmdir(self, name: str) -> None:
        empty = [p for p, n in self.nodes.items() if p and n.vtype is VType.DIR and not self._below(p)]
        if empty:
            path = self.random.choice(empty)
            self.touched_now.append(path)
            folder, _, last = path.rpartition("/")
            node = self.nodes[path]
            self.nodes[folder].rmdir(last.encode(), node)
            del self.nodes[path], self.now[path]
            self.names.append((len(self.disk.log), frozenset(self.now)))
            node.inactive()

    def _below(self, path: str) -> list[str]:
        return [other for other in self.now if other.startswith(path + "/")]

    def _rename(self, name: str) -> None:
        path, folder = self._file(), self._folder()
        if not path:
            return
        over = [other for other, contents in self.now.items() if contents is not None and other != path]
        target = self.random.choice(over) if over and self.random.random() < 0.4 else f"{folder}/{name}"
        self.touched_now += [path, target]
        (old_folder, _, old), (new_folder, _, new) = path.rpartition("/"), target.rpartition("/")
        replaced = self.nodes.get(target)
        node = self.nodes[path]
        self.nodes[old_folder].rename(old.encode(), node, self.nodes[new_folder], new.encode(), replaced)
        del self.nodes[path]
        self.nodes[target] = node
        self.now[target] = self.now.pop(path)
        if replaced is not None:
            self.names.append((len(self.disk.log), frozenset(self.now)))
            replaced.inactive()

    def _rename_folder(self, name: str) -> None:
        path, folder = self._folder(), self._folder()
        if not path or folder == path or folder.startswith(path + "/"):
            return
        target = f"{folder}/{name}"
        (old_folder, _, old), (new_folder, _, new) = path.rpartition("/"), target.rpartition("/")
        self.nodes[old_folder].rename(old.encode(), self.nodes[path], self.nodes[new_folder], new.encode(), None)
        for other in [path, *self._below(path)]:
            self.touched_now += [other, target + other[len(path) :]]
            self.nodes[target + other[len(path) :]] = self.nodes.pop(other)
            self.now[target + other[len(path) :]] = self.now.pop(other)

    def _fsync(self, name: str) -> None:
        self.nodes[self._file() or ""].fsync(data_only=False)
        self.stable.append((len(self.disk.log), len(self.names), dict(self.now)))

    ACTIONS = (
        *[_create] * 4, *[_write] * 4, *[_unlink] * 2, *[_fsync] * 3,
        _mkdir, _symlink, _truncate, _attribute, _rmdir, _rename, _rename, _rename_folder,
    )  # fmt: skip


class Usage:
    """Blocks and inodes in use beyond what the files that can be seen have; no operation changes these numbers."""

    def __init__(self, fs: FileSystem) -> None:
        found = {node.fileno: node.getattr() for _, node in walk(fs)}
        space = fs.statvfs()
        size = space.f_bsize >> 9
        self.blocks = space.f_blocks - space.f_bfree - sum(st.st_blocks for st in found.values()) // size
        self.inodes = space.f_files - space.f_ffree - len(found)


def contents_of(fs: FileSystem) -> State:
    found: State = {}
    for path, node in walk(fs):
        if path != "/" and not path.startswith("/lost+found"):
            regular = node.vtype is VType.REG
            found[path] = bytes(node.read(0, 1 << 24)) if regular else None
            assert not regular or len(found[path] or b"") == node.getattr().st_size
    return found


def verify(workload: Workload, usage: Usage, end: int, fs: FileSystem) -> None:
    """A mounted cut against what the workload noted."""
    found = contents_of(fs)
    at, first, stable = [entry for entry in workload.stable if entry[0] <= end][-1]
    last = sum(length <= end for length, _ in workload.names)
    allowed = [names for _, names in workload.names[max(first - 1, 0) : last + 1]]
    assert frozenset(found) in allowed, f"names of no moment: {sorted(set(found) ^ set(allowed[0]))[:5]}"
    touched = {path for begun, path in workload.touched if at <= begun <= end}
    for path, contents in stable.items():
        if path not in touched:
            assert path in found, f"{path} was fsynced and is gone"
            assert found[path] == contents, f"{path} was fsynced and is another"
    now = Usage(fs)
    assert (now.blocks, now.inodes) == (usage.blocks, usage.inodes), "blocks or inodes are lost or used twice"


def fsck(image: bytes | bytearray, path: Path) -> None:
    """e2fsck may replay the journal (exit status 1) and finds nothing then."""
    path.write_bytes(image)
    e2fsck = need("e2fsck")
    done = subprocess.run([e2fsck, "-fy", path], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, 1), done.stdout
    assert "Fix? yes" not in done.stdout, done.stdout
    assert "Clear? yes" not in done.stdout, done.stdout
    done = subprocess.run([e2fsck, "-fn", path], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout


def filled(image: bytes, left: int) -> bytearray:
    """The image with a file that leaves so many bytes free: blocks have to be used again soon, and there may be none."""
    disk = MemoryDisk(image)
    fs = mount(disk)
    space = fs.statvfs()
    ballast = fs.root().create(b"lost+found.ballast", NewNode(VType.REG, 0o600, 0, 0))
    ballast.write(0, bytes(space.f_bfree * space.f_bsize - left))
    fs.unmount(force=False)
    return disk.contents


def crash(variant: str, folder: Path, *, seed: int, operations: int, cuts: int, every_fsck: int) -> int:
    """One workload and ``cuts`` cuts of it (or as many as there are places); how many there were."""
    clean = make_image(folder / "clean", SIZES.get(variant, "8M"), *VARIANTS[variant]).read_bytes()
    disk = RecordingDisk(filled(clean, 1 << 20) if seed % 2 else clean)
    usage = Usage(mount(disk, readonly=True))
    fs = mount(disk)
    workload = Workload(fs, disk, f"{variant} {seed}")
    workload.run(operations)
    fs.unmount(force=False)
    generator = random.Random(seed)
    ends = sorted(generator.choices(range(len(disk.log) + 1), k=cuts))
    states = Cuts(disk, 1024)
    for number, end in enumerate(ends):
        image = states.state(end, generator)
        try:
            if number % every_fsck == 0:
                fsck(image, folder / "cut")
            again = MemoryDisk(image)
            found = mount(again)
            verify(workload, usage, end, found)
            found.unmount(force=False)
            if number % every_fsck == 1:
                fsck(again.contents, folder / "cut")
        except Exception:
            (folder / "failed.img").write_bytes(image)
            print(f"{variant}, seed {seed}: cut {number} after {end} of {len(disk.log)} writes", file=sys.stderr)
            raise
    return len(ends)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    done, seed = 0, arguments.seed
    with tempfile.TemporaryDirectory() as folder:
        while done < arguments.cuts:
            for variant in VARIANTS:
                done += crash(variant, Path(folder), seed=seed, operations=150, cuts=250, every_fsck=20)
            seed += 1
            print(f"{done} cuts, seeds {arguments.seed} to {seed - 1}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
