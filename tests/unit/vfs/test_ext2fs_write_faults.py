"""Writing ext2, ext3 and ext4: files without names, mounts, features, disks that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumpvfs.core.vnode import FileSystem, NewNode, VType
from rumpwire.errno import Errno, KernelError
from tests.crash.disk import MemoryDisk
from tests.ext4_images import Environment, facts_of_image, make_image, run
from tests.ext4_workload import Workload, contents, contents_of, make, mount_disk
from tests.unit.vfs.test_ext2fs_write import VARIANTS, attempt, checked, new_disk, refusal


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_unlinked_file_lives_while_it_is_used(variant: str, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", *VARIANTS[variant])
    fs = mount_disk(disk)
    root = fs.root()
    free = fs.statvfs().f_bfree
    nodes = [make(root, f"file{number}") for number in range(4)]
    for number, node in enumerate(nodes):
        node.uses = 1
        root.unlink(b"file%d" % number, node)
        node.write(0, b"still here" * 1000)
    fs.sync()
    cut = bytes(disk.contents)
    for number in (1, 3, 0, 2):
        assert contents(nodes[number]) == b"still here" * 1000
        nodes[number].inactive()
    fs.sync()
    assert fs.statvfs().f_bfree == free
    checked(fs, disk, tmp_path)
    # The same, found by the next mount.
    env = Environment()
    again = MemoryDisk(cut)
    fs = mount_disk(again, env)
    if variant != "ext2":
        assert any("4 orphans finished" in line for line in env.lines), env.lines
    fs.sync()
    assert fs.statvfs().f_bfree == free
    fs.unmount(force=False)
    (tmp_path / "cut").write_bytes(again.contents)
    run("e2fsck", "-fn", tmp_path / "cut", check=variant not in ("ext2", "no journal"))


def test_a_removed_directory(tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", "-t", "ext4")
    fs = mount_disk(disk)
    node = make(fs.root(), "d", VType.DIR)
    fs.root().rmdir(b"d", node)
    assert refusal(make, node, "x") == Errno.ENOENT
    assert list(node.readdir(0)) == []
    fileno, generation = node.fileno, node.getattr().st_gen
    node.inactive()
    assert refusal(fs.vget, fileno, generation) == Errno.ESTALE
    other = make(fs.root(), "other")
    assert fs.vget(other.fileno, other.getattr().st_gen) is other
    assert other.fileno == fileno
    assert refusal(fs.vget, fileno, generation) == Errno.ESTALE
    checked(fs, disk, tmp_path)


def test_names_are_replaced(variant: str, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", *VARIANTS[variant])
    fs = mount_disk(disk)
    root = fs.root()
    a, b = make(root, "a", VType.DIR), make(root, "b", VType.DIR)
    x, y = make(a, "x"), make(b, "y")
    x.write(0, b"x")
    a.rename(b"x", x, b, b"y", y)
    y.inactive()
    assert b.lookup(b"y") is x
    sub, empty = make(a, "sub", VType.DIR), make(b, "empty", VType.DIR)
    make(sub, "inside")
    assert refusal(b.rename, b"empty", empty, a, b"sub", sub) == Errno.ENOTEMPTY
    a.rename(b"sub", sub, b, b"empty", empty)
    empty.inactive()
    assert sub.parent() is b
    assert (a.getattr().st_nlink, b.getattr().st_nlink) == (2, 3)
    root.rename(b"a", a, root, b"c", None)
    checked(fs, disk, tmp_path)


# -- mounts


def test_while_it_is_mounted_the_disk_says_so(tmp_path: Path) -> None:
    for kind, words in (("ext4", "needs_recovery"), ("ext2", "not clean")):
        disk = new_disk(tmp_path, "8M", "-t", kind)
        fs = mount_disk(disk)
        assert not fs.readonly
        image = tmp_path / "mounted"
        image.write_bytes(disk.contents)
        assert words in run("dumpe2fs", "-h", image)
        fs.remount(readonly=True)
        assert fs.readonly
        image.write_bytes(disk.contents)
        assert words not in run("dumpe2fs", "-h", image)
        assert refusal(make, fs.root(), "x") == Errno.EROFS
        fs.remount(readonly=False)
        make(fs.root(), "x")
        checked(fs, disk, tmp_path)


def test_read_only_with_a_journal_to_replay_then_for_writing(tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", "-t", "ext4")
    fs = mount_disk(disk)
    make(fs.root(), "file").write(0, b"contents")
    fs.sync()
    cut = MemoryDisk(disk.contents)
    before = bytes(cut.contents)
    fs = mount_disk(cut, readonly=True)
    node = fs.root().lookup(b"file")
    assert contents(node) == b"contents"
    assert cut.contents == before
    fs.remount(readonly=False)
    node.write(8, b", more")
    assert contents(node) == b"contents, more"
    checked(fs, cut, tmp_path)


def test_the_end_of_a_mount_with_files_without_names(tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", "-t", "ext4")
    fs = mount_disk(disk)
    node = make(fs.root(), "file")
    node.write(0, b"x" * 100_000)
    node.uses = 1
    fs.root().unlink(b"file", node)
    assert refusal(fs.remount, readonly=True) == Errno.EBUSY
    checked(fs, disk, tmp_path)


@pytest.mark.parametrize("feature", ["bigalloc", "mmp", "ea_inode", "project,quota"])
def test_features_that_are_only_read(feature: str, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "64M", "-t", "ext4", "-O", feature)
    assert refusal(mount_disk, disk) == Errno.EROFS
    fs = mount_disk(disk, readonly=True)
    assert refusal(fs.remount, readonly=False) == Errno.EROFS
    assert not disk.log


def test_a_disk_that_cannot_be_written(tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", "-t", "ext4")
    disk.readonly = True
    assert refusal(mount_disk, disk) == Errno.EROFS


def test_old_transactions_are_committed_by_the_next_operation(tmp_path: Path) -> None:
    class Clock(Environment):
        now = 1_700_000_000_000_000_000

        def now_ns(self) -> int:
            return self.now

    disk, clock = new_disk(tmp_path, "8M", "-t", "ext4"), Clock()
    fs = mount_disk(disk, clock)
    make(fs.root(), "first")
    assert "first" not in contents_of(mount_disk(MemoryDisk(disk.contents)))
    clock.now += 6_000_000_000
    make(fs.root(), "second")
    assert set(contents_of(mount_disk(MemoryDisk(disk.contents)))) == {"/first"}
    fs.unmount(force=False)


# -- a disk that fails


def test_a_failing_disk(variant: str, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", *VARIANTS[variant])
    fs = mount_disk(disk)
    root = fs.root()
    node = make(root, "file")
    node.write(0, b"good" * 500)
    node.fsync(data_only=False)
    disk.fail = True
    assert refusal(node.write, 50_000, bytes(90_000)) == Errno.EIO
    assert contents(node) == b"good" * 500
    make(root, "never on the disk")
    assert refusal(node.fsync, data_only=False) == Errno.EIO
    assert refusal(fs.sync) in (Errno.EIO, Errno.EROFS)
    disk.fail = False
    if variant in ("ext2", "no journal"):
        make(root, "it works again")
        checked(fs, disk, tmp_path)
        return
    assert refusal(make, root, "more") == Errno.EROFS
    assert refusal(fs.sync) == Errno.EROFS
    assert contents(node) == b"good" * 500
    fs.unmount(force=True)
    again = MemoryDisk(disk.contents)
    fs = mount_disk(again)
    assert contents_of(fs) == {"/file": b"good" * 500}
    checked(fs, again, tmp_path)


def test_a_small_write_to_a_failing_disk(tmp_path: Path) -> None:
    """It waits for the commit in memory, which says that it cannot be kept."""
    disk = new_disk(tmp_path, "8M", "-t", "ext4")
    fs = mount_disk(disk)
    node = make(fs.root(), "file")
    node.write(0, b"good" * 500)
    node.fsync(data_only=False)
    disk.fail = True
    node.write(1000, b"lost" * 500)
    assert contents(node) == b"good" * 250 + b"lost" * 500
    assert refusal(node.fsync, data_only=False) == Errno.EIO
    assert refusal(node.fsync, data_only=False) == Errno.EROFS
    disk.fail = False
    fs.unmount(force=True)
    assert contents_of(mount_disk(disk)) == {"/file": b"good" * 500}


def make_and_sync(fs: FileSystem, count: int) -> None:
    for number in range(count):
        make(fs.root(), f"after{number}").write(0, b"y" * 3000)
        fs.sync()


@pytest.mark.parametrize("kind", ["ext4", "ext2"])
def test_a_disk_that_fails_at_any_point(kind: str, tmp_path: Path) -> None:
    """Some operation says so, and what was fsynced before is there afterwards."""

    class Failing(MemoryDisk):
        left = 1 << 30

        def write(self, offset: int, data: object) -> None:
            self._spend()
            super().write(offset, data)  # type: ignore[arg-type]

        def flush(self) -> None:
            self._spend()

        def _spend(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise KernelError(Errno.EIO, "the disk fails")

    clean = make_image(tmp_path / "image", "4M", "-t", kind, "-b", "1024").read_bytes()
    for left in range(0, 60, 3):
        disk = Failing(clean)
        fs = mount_disk(disk)
        for number in range(3):
            make(fs.root(), f"before{number}").write(0, b"x" * 3000)
        fs.sync()
        disk.left = left
        assert refusal(make_and_sync, fs, 100) in (Errno.EIO, Errno.EROFS)
        disk.left = 1 << 30
        attempt(fs.sync)
        fs.unmount(force=True)
        found = contents_of(mount_disk(disk))
        assert all(found[f"/before{number}"] == b"x" * 3000 for number in range(3))


def test_an_operation_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """In the middle of creating a directory there is no block any more."""
    disk = new_disk(tmp_path, "4M", "-t", "ext4", "-b", "1024")
    fs = mount_disk(disk)
    root = fs.root()
    ballast = make(root, "ballast")
    free = fs.statvfs().f_bfree
    ballast.write(0, bytes(free * 1024))
    fs.sync()
    before = (fs.statvfs(), facts_of_image(fs))
    for kind in (VType.DIR, VType.LNK):
        assert refusal(root.create, b"x", NewNode(kind, 0o755, 0, 0, 0, b"t" * 100)) == Errno.ENOSPC
        assert (fs.statvfs(), facts_of_image(fs)) == before
        assert refusal(root.lookup, b"x") == Errno.ENOENT
    checked(fs, disk, tmp_path)


@pytest.mark.parametrize(
    ("version", "features", "words"),
    [
        ("-c -v 2", "64bit", "journal_64bit journal_checksum_v2"),
        ("-c -v 2", "^64bit", "journal_checksum_v2"),
        ("-c -v 3", "64bit", "journal_64bit journal_checksum_v3"),
        ("", "^64bit", "journal_checksum_v3"),
        ("", "^metadata_csum", "journal_64bit"),
        ("", "^64bit,^metadata_csum", "journal_incompat_revoke"),
    ],
)
def test_journals_of_all_versions(version: str, features: str, words: str, tmp_path: Path) -> None:
    """In use it has the sum that asynchronous commits need, which e2fsck replays; at rest what it had before."""
    image = make_image(tmp_path / "image", "8M", "-t", "ext4", "-b", "1024", "-O", features, "-J", "size=1")
    (tmp_path / "block").write_bytes(b"\0" * 1024)
    (tmp_path / "script").write_text(f"jo {version}\njw -b 7000 {tmp_path / 'block'}\njc\n")
    run("debugfs", "-w", "-f", tmp_path / "script", image)
    disk = MemoryDisk(image.read_bytes())
    fs = mount_disk(disk)
    workload = Workload(fs, features + version)
    workload.run(200)
    fs.sync()
    image.write_bytes(disk.contents)
    features_in_use = run("dumpe2fs", "-h", image).partition("Journal features:")[2].partition("\n")[0].split()
    assert {"journal_checksum", "journal_async_commit"} <= set(features_in_use)
    fs.unmount(force=False)
    (tmp_path / "at rest").write_bytes(disk.contents)
    assert f"{words}\n" in run("dumpe2fs", "-h", tmp_path / "at rest")
    run("e2fsck", "-fn", tmp_path / "at rest")
    run("e2fsck", "-fy", image, check=False)
    run("e2fsck", "-fn", image)
    assert contents_of(mount_disk(MemoryDisk(image.read_bytes()), readonly=True)) == workload.now


@pytest.mark.parametrize("kind", ["ext4", "ext3", "ext2"])
def test_room_that_is_not_there_leaves_the_file_as_it_was(kind: str, tmp_path: Path) -> None:
    """Without extents there are no unwritten blocks, and none may be left behind the end."""
    disk = new_disk(tmp_path, "4M", "-t", kind, "-b", "1024")
    fs = mount_disk(disk)
    node = make(fs.root(), "file")
    node.write(0, b"x" * 10)
    before = node.getattr().st_blocks
    assert refusal(node.allocate, 0, 8 << 20) == Errno.ENOSPC
    assert contents(node) == b"x" * 10
    assert kind == "ext4" or node.getattr().st_blocks == before
    node.allocate(0, 100_000)
    assert contents(node) == (b"x" * 10).ljust(100_000, b"\0")
    checked(fs, disk, tmp_path)


@pytest.mark.parametrize("kind", ["ext4", "ext3"])
def test_a_write_that_finds_less_room_writes_up_to_it_and_nothing_behind(kind: str, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "4M", "-t", kind, "-b", "1024")
    fs = mount_disk(disk)
    node = make(fs.root(), "file")
    node.write(0, b"a" * 5000)
    node.write(200_000, b"b" * 5000)
    make(fs.root(), "ballast").write(0, bytes(fs.statvfs().f_bfree * 1024))
    assert fs.statvfs().f_bfree == 0
    assert node.write(405, b"c" * 300_000) == 5 * 1024 - 405
    assert contents(node) == b"a" * 405 + b"c" * (5120 - 405) + bytes(200_000 - 5120) + b"b" * 5000
    checked(fs, disk, tmp_path)
