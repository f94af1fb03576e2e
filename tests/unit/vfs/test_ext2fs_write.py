"""Writing ext2, ext3 and ext4: against a model, with e2fsck as the judge of every image."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from rumpvfs.core.vnode import Changes, FileSystem, Vnode, VType
from rumpvfs.fs.ext2fs.driver import Ext2FileSystem
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from tests.crash.disk import MemoryDisk, RecordingDisk
from tests.ext4_images import facts_of_image, fill, make_image, run
from tests.ext4_workload import Workload, contents, contents_of, make, mount_disk, remove

VARIANTS = {
    "ext4": ("-t", "ext4", "-b", "4096"),
    "ext4-1k": ("-t", "ext4", "-b", "1024"),
    "ext3": ("-t", "ext3", "-b", "1024"),
    "ext2": ("-t", "ext2", "-b", "2048"),
    "inline": ("-t", "ext4", "-b", "1024", "-I", "512", "-O", "inline_data"),
    "gdt_csum": ("-t", "ext4", "-b", "1024", "-O", "^metadata_csum,uninit_bg,^64bit"),
    "meta_bg": ("-t", "ext4", "-b", "1024", "-O", "meta_bg,^resize_inode"),
    "old": ("-t", "ext3", "-b", "4096", "-I", "128", "-O", "^dir_index,^filetype"),
    "no journal": ("-t", "ext4", "-b", "1024", "-O", "^has_journal,large_dir"),
}


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def new_disk(folder: Path, size: str, *options: str, source: Path | None = None) -> RecordingDisk:
    return RecordingDisk(make_image(folder / "image", size, *options, source=source).read_bytes())


def checked(fs: FileSystem, disk: MemoryDisk, folder: Path) -> Path:
    """Unmounts; the image after e2fsck found nothing."""
    fs.unmount(force=False)
    image = folder / "written"
    image.write_bytes(disk.contents)
    text = run("e2fsck", "-fn", image)
    assert "clean" in run("dumpe2fs", "-h", image), text
    assert "needs_recovery" not in run("dumpe2fs", "-h", image)
    return image


def attempt(action: Callable[..., None], *args: object) -> Errno | None:
    """None, or with which errno it was refused."""
    try:
        action(*args)
    except KernelError as error:
        return error.errno
    return None


def refusal(action: object, *args: object, **named: object) -> Errno:
    with pytest.raises(KernelError) as caught:
        action(*args, **named)  # type: ignore[operator]
    return caught.value.errno


@pytest.mark.parametrize("seed", [1, 2])
def test_a_random_workload(variant: str, seed: int, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "16M", *VARIANTS[variant])
    fs = mount_disk(disk)
    workload = Workload(fs, f"{variant} {seed}")
    for _ in range(3):
        workload.run(250)
        assert contents_of(fs) == workload.now
        fs.remount(readonly=True)
        assert contents_of(fs) == workload.now
        fs.remount(readonly=False)
    before = facts_of_image(fs)
    checked(fs, disk, tmp_path)
    assert facts_of_image(mount_disk(disk, readonly=True)) == before


def test_what_mke2fs_copied_in_is_changed(variant: str, tmp_path: Path) -> None:
    fill(tmp_path / "source", many=150)
    disk = new_disk(tmp_path, "24M", *VARIANTS[variant], source=tmp_path / "source")
    fs = mount_disk(disk)
    root = fs.root()
    many = root.lookup(b"many")
    for number in range(0, 150, 2):
        name = f"file number {number:06}"
        remove(many, name, many.lookup(name.encode()))
    for number in range(200):
        make(many, f"another {number}" * 3).write(0, b"%d" % number)
    for name in (b"tiny", b"small", b"sparse", b"large"):
        node = root.lookup(name)
        old = contents(node)
        node.write(len(old) // 2, b"middle")
        assert contents(node) == old[: len(old) // 2] + b"middle" + old[len(old) // 2 + 6 :]
    very = root.lookup(b"very")
    root.rename(b"a few", root.lookup(b"a few"), very, b"a few", None)
    assert very.lookup(b"a few").parent() is very
    before = facts_of_image(fs)
    checked(fs, disk, tmp_path)
    assert facts_of_image(mount_disk(disk, readonly=True)) == before


def test_all_kinds_of_files(variant: str, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", *VARIANTS[variant])
    fs = mount_disk(disk)
    root = fs.root()
    for kind in VType:
        make(root, kind.name, kind, b"target" if kind is VType.LNK else b"", const.makedev(300, 70000))
    for length in (1, 59, 60, 61, 1000):
        make(root, f"l{length}", VType.LNK, b"y" * length)
    assert refusal(make, root, "l", VType.LNK, b"y" * 5000) == Errno.ENAMETOOLONG
    assert refusal(make, root, "REG") == Errno.EEXIST
    root.link(b"second", root.lookup(b"REG"))
    checked(fs, disk, tmp_path)
    root = mount_disk(disk, readonly=True).root()
    for kind in VType:
        node = root.lookup(kind.name.encode())
        assert node.vtype is kind
        wanted = const.makedev(300, 70000) if kind in (VType.BLK, VType.CHR) else 0
        assert node.getattr().st_rdev == wanted
    assert [len(root.lookup(b"l%d" % n).readlink()) for n in (1, 59, 60, 61, 1000)] == [1, 59, 60, 61, 1000]
    assert root.lookup(b"second").getattr().st_nlink == 2


def test_attributes(variant: str, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", *VARIANTS[variant])
    fs = mount_disk(disk)
    node = make(fs.root(), "file")
    flags = const.SF_APPEND | const.UF_NODUMP
    times = (5_000_000_000_123_456_789, -1_000_000_001)
    node.setattr(Changes(mode=0o4751, uid=70000, gid=1 << 31, flags=flags, atime_ns=times[0], mtime_ns=times[1]))
    assert refusal(node.setattr, Changes(flags=const.UF_IMMUTABLE)) == Errno.EOPNOTSUPP
    image = checked(fs, disk, tmp_path)
    st = mount_disk(disk, readonly=True).root().lookup(b"file").getattr()
    assert (st.st_mode, st.st_uid, st.st_gid, st.st_flags) == (const.S_IFREG | 0o4751, 70000, 1 << 31, flags)
    if variant == "old":
        assert (st.st_atime_ns, st.st_mtime_ns) == (2147483647 * 10**9, -2 * 10**9)
    else:
        assert (st.st_atime_ns, st.st_mtime_ns) == times
    text = run("debugfs", "-R", "stat /file", image)
    assert "Mode:  04751" in text
    assert "User: 70000" in text


def test_holes_tails_and_sizes(variant: str, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "16M", *VARIANTS[variant])
    fs = mount_disk(disk)
    node = make(fs.root(), "file")
    node.write(0, b"a" * 5000)
    node.setattr(Changes(size=10))
    node.setattr(Changes(size=6000))
    assert contents(node) == b"a" * 10 + bytes(5990)
    node.write(20_000, b"b" * 10)
    assert contents(node) == b"a" * 10 + bytes(19_990) + b"b" * 10
    node.setattr(Changes(size=1 << 31))
    node.write((1 << 31) - 3, b"end")
    assert bytes(node.read((1 << 31) - 5, 100)) == b"\0\0end"
    assert node.seek(100_000, hole=False) // 4096 == (1 << 31) // 4096 - 1
    node.discard(0, 15)
    assert bytes(node.read(0, 20)) == bytes(20)
    assert refusal(node.write, 1 << 62, b"x") == Errno.EFBIG
    assert refusal(node.setattr, Changes(size=(1 << 63) - 1)) == Errno.EFBIG
    image = checked(fs, disk, tmp_path)
    assert "large_file" in run("dumpe2fs", "-h", image)


@pytest.mark.parametrize("kind", ["ext4", "ext3"])
def test_a_fragmented_file(kind: str, tmp_path: Path) -> None:
    """Maps of several levels grow, are made holes in, and shrink."""
    disk = new_disk(tmp_path, "48M", "-t", kind, "-b", "1024")
    fs = mount_disk(disk)
    free = fs.statvfs().f_bfree
    node = make(fs.root(), "file")
    order = list(range(4000))
    random.Random(1).shuffle(order)
    for number in order:
        node.write(number * 8192, b"%d" % number)
    fs.sync()
    for number in range(0, 4000, 2):
        node.discard(number * 8192, 8192)
    for number in range(4000):
        assert bytes(node.read(number * 8192, 10)).rstrip(b"\0") == (b"%d" % number if number % 2 else b"")
    if kind == "ext4":
        node.allocate(0, 4000 * 8192)
        assert bytes(node.read(8192 * 7, 10)).rstrip(b"\0") == b"7"
        for number in range(0, 4000, 8):
            node.write(number * 8192 + 100, b"into allocated")
        assert bytes(node.read(8192 * 8 + 90, 30)) == bytes(10) + b"into allocated" + bytes(6)
    node.setattr(Changes(size=3_000_000))
    image = checked(fs, disk, tmp_path)
    assert image.stat().st_size
    fs = mount_disk(disk)
    remove(fs.root(), "file", fs.root().lookup(b"file"))
    fs.sync()
    assert fs.statvfs().f_bfree == free
    checked(fs, disk, tmp_path)


def test_a_large_file_is_in_few_pieces(tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "200M", "-t", "ext4", "-b", "4096")
    fs = mount_disk(disk)
    node = make(fs.root(), "file")
    data = bytes(1 << 20)
    for number in range(128):
        node.write(number << 20, data)
    image = checked(fs, disk, tmp_path)
    assert run("debugfs", "-R", "ex /file", image).count("\n") <= 6


@pytest.mark.parametrize(
    ("count", "length", "options", "levels"),
    [
        (2500, 200, ("-b", "1024"), 1),
        (1500, 200, ("-b", "1024", "-O", "^metadata_csum,^filetype"), 1),
        (4000, 30, ("-b", "4096"), 0),
        (2000, 250, ("-b", "1024", "-O", "large_dir", "-N", "200"), 1),
    ],
)
def test_the_index_of_a_directory_grows(
    count: int, length: int, options: tuple[str, ...], levels: int, tmp_path: Path
) -> None:
    disk = new_disk(tmp_path, "32M", "-t", "ext4", *options)
    fs = mount_disk(disk)
    directory = make(fs.root(), "d", VType.DIR)
    node = make(directory, "first")
    names = [(b"%d" % number).ljust(length, b"x") for number in range(count)]
    for name in names:
        directory.link(name, node)
    assert len({entry.name for entry in directory.readdir(0)}) == count + 3
    image = checked(fs, disk, tmp_path)
    assert f"Indirect levels: {levels}" in run("debugfs", "-R", "htree_dump /d", image)[:400]
    fs = mount_disk(disk)
    directory = fs.root().lookup(b"d")
    assert directory.lookup(b"..") is directory.parent() is fs.root()
    assert directory.lookup(b".") is directory
    node = directory.lookup(b"first")
    assert all(directory.lookup(name) is node for name in names[::7])
    assert refusal(directory.lookup, b"missing") == Errno.ENOENT
    assert refusal(fs.root().rmdir, b"d", directory) == Errno.ENOTEMPTY
    for name in names:
        directory.unlink(name, node)
    remove(directory, "first", node)
    remove(fs.root(), "d", directory)
    checked(fs, disk, tmp_path)


def test_a_reader_of_a_directory_misses_nothing_that_stays(tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "16M", "-t", "ext4", "-b", "1024")
    fs = mount_disk(disk)
    root = fs.root()
    node = make(root, "first")
    for number in range(300):
        root.link(b"stays%d" % number, node)
    seen, cookie = set(), 0
    while True:
        entries = [entry for _, entry in zip(range(7), root.readdir(cookie), strict=False)]
        if not entries:
            break
        cookie = entries[-1].cookie
        seen |= {entry.name for entry in entries}
        if len(seen) < 1000:
            root.link(b"new%d" % cookie, node)
    assert {b"stays%d" % number for number in range(300)} <= seen


def test_many_directories_in_one(tmp_path: Path) -> None:
    """More than 65,000 links are not counted (dir_nlink); here the number is set near to it."""
    disk = new_disk(tmp_path, "16M", "-t", "ext4", "-b", "1024")
    fs = mount_disk(disk)
    top = make(fs.root(), "top", VType.DIR)
    for number in range(60):
        make(top, f"some{number}" * 10, VType.DIR)
    inode = top.inode  # type: ignore[attr-defined]
    inode.links = 65_000
    last = make(top, "one more", VType.DIR)
    assert top.getattr().st_nlink == 1
    remove(top, "one more", last)
    make(top, "and another", VType.DIR)
    assert top.getattr().st_nlink == 1
    flat = make(fs.root(), "flat", VType.DIR)
    flat.inode.links = 65_000  # type: ignore[attr-defined]
    assert refusal(make, flat, "x", VType.DIR) == Errno.EMLINK
    flat.inode.links = 2  # type: ignore[attr-defined]
    file = make(flat, "file")
    file.inode.links = 65_000  # type: ignore[attr-defined]
    assert refusal(flat.link, b"again", file) == Errno.EMLINK
    file.inode.links = 1  # type: ignore[attr-defined]
    checked(fs, disk, tmp_path)


def test_extended_attributes(variant: str, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", *VARIANTS[variant])
    fs = mount_disk(disk)
    node = make(fs.root(), "file")
    generator = random.Random(1)
    model: dict[bytes, bytes] = {}
    for _ in range(300):
        space = generator.choice((b"user.", b"trusted.", b"security."))
        name = space + b"n" * generator.randrange(1, 40)
        if generator.random() < 0.3 and model:
            name = generator.choice(list(model))
            node.removexattr(name)
            del model[name]
            continue
        value = generator.randbytes(generator.choice((0, 3, 40, 200)))
        if attempt(node.setxattr, name, value) is None:
            model[name] = value
    assert refusal(node.setxattr, b"user.x", bytes(60_000)) == Errno.ENOSPC
    assert refusal(node.setxattr, b"other.x", b"") == Errno.EOPNOTSUPP
    assert refusal(node.removexattr, b"user.none") == Errno.ENOATTR
    assert refusal(node.setxattr, b"system.data", b"") == Errno.EPERM
    assert {name: node.getxattr(name) for name in node.listxattr()} == model
    checked(fs, disk, tmp_path)
    fs = mount_disk(disk)
    node = fs.root().lookup(b"file")
    assert {name: node.getxattr(name) for name in node.listxattr()} == model
    remove(fs.root(), "file", node)
    checked(fs, disk, tmp_path)


def acl(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_access_lists_and_modes_go_together(tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", "-t", "ext4")
    fs = mount_disk(disk)
    none = 0xFFFFFFFF
    node = make(fs.root(), "file")
    name = b"system.posix_acl_access"
    node.setxattr(name, acl((1, 7, none), (2, 4, 1234), (4, 5, none), (16, 6, none), (32, 1, none)))
    assert node.getattr().st_mode & 0o777 == 0o761
    node.setattr(Changes(mode=0o640))
    assert node.getxattr(name) == acl((1, 6, none), (2, 4, 1234), (4, 5, none), (16, 4, none), (32, 0, none))
    node.setxattr(name, acl((1, 6, none), (4, 4, none), (32, 4, none)))
    assert node.getattr().st_mode & 0o777 == 0o644
    assert name not in node.listxattr()
    assert refusal(node.setxattr, name, b"\2\0\0\0x") == Errno.EINVAL
    assert refusal(node.setxattr, name, acl((1, 6, none))) == Errno.EINVAL
    assert refusal(node.setxattr, b"system.posix_acl_default", acl()) == Errno.EACCES
    checked(fs, disk, tmp_path)


def test_a_full_disk(variant: str, tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "6M", *VARIANTS[variant], "-N", "256")
    fs = mount_disk(disk)
    root = fs.root()
    start = fs.statvfs()
    made: dict[str, tuple[Vnode, int]] = {}
    generator = random.Random(5)

    def make_more() -> None:
        for number in range(1000):
            node = make(root, f"file{number}")
            made[f"file{number}"] = (node, 0)
            size = generator.choice((0, 100, 3000, 100_000))
            made[f"file{number}"] = (node, node.write(0, b"z" * size) if size else 0)

    assert refusal(make_more) == Errno.ENOSPC
    for node, size in made.values():
        assert node.getattr().st_size == size
    one = next(node for node, size in made.values() if size)
    assert refusal(lambda: [one.write((n + 200) * 9000, b"y" * 9000) for n in range(10_000)]) == Errno.ENOSPC
    assert refusal(one.setxattr, b"user.large", bytes(3500)) == Errno.ENOSPC
    for name, (node, _) in made.items():
        remove(root, name, node)
    # Freed blocks are not free before the commit, but nobody has to know.
    again = make(root, "again")
    half = start.f_bfree * start.f_bsize // 2
    assert again.write(0, bytes(half)) == half
    remove(root, "again", again)
    fs.sync()
    assert fs.statvfs().f_ffree == start.f_ffree
    checked(fs, disk, tmp_path)


def test_a_directory_that_finds_no_room_for_an_index_stays_as_it_was(variant: str, tmp_path: Path) -> None:
    """What was done in vain must not leave the seal of an index behind, which a plain block of names is not given."""
    disk = new_disk(tmp_path, "6M", *VARIANTS[variant])
    fs = mount_disk(disk)
    directory = make(fs.root(), "d", VType.DIR)
    whole = make(fs.root(), "whole")
    refusal(lambda: [whole.write(n * 1024, b"y" * 1024) for n in range(10_000)])

    def fill_up() -> None:
        for number in range(1000):
            make(directory, f"{number:0100}")

    assert refusal(fill_up) == Errno.ENOSPC
    names = {e.name for e in directory.readdir(0)}
    fs.sync()
    found = mount_disk(MemoryDisk(disk.contents), readonly=True).root().lookup(b"d")
    assert {e.name for e in found.readdir(0)} == names
    assert all(found.lookup(name) for name in names)
    remove(fs.root(), "whole", whole)
    make(directory, "more")
    checked(fs, disk, tmp_path)


def test_no_more_inodes(tmp_path: Path) -> None:
    disk = new_disk(tmp_path, "8M", "-t", "ext4", "-N", "64")
    fs = mount_disk(disk)
    assert refusal(lambda: [make(fs.root(), f"file{number}") for number in range(100)]) == Errno.ENOSPC
    checked(fs, disk, tmp_path)


def test_a_directory_with_the_number_of_an_earlier_one(tmp_path: Path) -> None:
    """What was known of the blocks of the earlier one, which had an index, is not taken for theirs."""
    disk = new_disk(tmp_path, "8M", "-t", "ext4", "-b", "1024")
    fs = mount_disk(disk)
    earlier = make(fs.root(), "earlier", VType.DIR)
    names = [f"{number}" + "n" * 90 for number in range(60)]
    for name in names:
        make(earlier, name)
    for name in names:
        remove(earlier, name, earlier.lookup(name.encode()))
    remove(fs.root(), "earlier", earlier)
    again = make(fs.root(), "again", VType.DIR)
    assert again.fileno == earlier.fileno
    for name in names:
        make(again, name)
    assert {entry.name for entry in again.readdir(0)} == {b".", b"..", *(name.encode() for name in names)}
    checked(fs, disk, tmp_path)


def test_an_operation_that_is_undone_takes_its_seals_with_it(tmp_path: Path) -> None:
    """Else a block of names is given the checksum of an index node, which stands elsewhere and may make it longer."""
    fs = mount_disk(new_disk(tmp_path, "8M", "-t", "ext4"))
    assert isinstance(fs, Ext2FileSystem)
    assert fs.writer is not None
    transaction = fs.writer.transaction
    seals = [lambda raw: None, lambda raw: None]
    with transaction:
        transaction.modify(1000)
        transaction.seals[1000] = seals[0]

    def fail() -> None:
        with transaction:
            transaction.modify(1000)
            transaction.seals[1000] = seals[1]
            raise KernelError(Errno.ENOSPC)

    assert refusal(fail) == Errno.ENOSPC
    assert transaction.seals[1000] is seals[0]
