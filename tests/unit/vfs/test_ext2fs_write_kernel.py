"""What we write, as the kernel of the host reads it, and the other way round. Needs root and loop mounts."""

from __future__ import annotations

import os
import random
import struct
from pathlib import Path

import pytest

from rumpvfs.core.vnode import Changes, Vnode, VType
from rumpwire import const
from tests.crash.disk import Cuts, MemoryDisk, RecordingDisk
from tests.ext4_images import Environment, compare, facts_of_host, facts_of_image, loop_mount, make_image, run
from tests.ext4_workload import Workload, make, mount_disk, remove

VARIANTS = {
    "ext4": ("-t", "ext4", "-b", "4096"),
    "ext4-1k": ("-t", "ext4", "-b", "1024"),
    "ext3": ("-t", "ext3", "-b", "1024"),
    "ext2": ("-t", "ext2", "-b", "2048"),
    "inline": ("-t", "ext4", "-b", "1024", "-I", "512", "-O", "inline_data"),
    "gdt_csum": ("-t", "ext4", "-b", "1024", "-O", "^metadata_csum,uninit_bg,^64bit"),
    "csum_seed": ("-t", "ext4", "-b", "1024", "-O", "metadata_csum_seed"),
}
_ACL = struct.pack(
    "<I" + "HHI" * 5, 2, 1, 6, 0xFFFFFFFF, 2, 4, 1234, 4, 4, 0xFFFFFFFF, 16, 6, 0xFFFFFFFF, 32, 0, 0xFFFFFFFF
)


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def populate(root: Vnode, variant: str) -> None:
    """A bit of everything."""
    for kind in (VType.CHR, VType.BLK, VType.FIFO, VType.SOCK):
        make(root, kind.name, kind, rdev=const.makedev(300, 70000))
    for length in (1, 59, 60, 500):
        make(root, f"l{length}", VType.LNK, b"y" * length)
    node = make(root, "attributes")
    node.write(0, b"x" * 20_000)
    node.setxattr(b"user.short", b"value")
    node.setxattr(b"user.empty", b"")
    node.setxattr(b"trusted.longer", os.urandom(400))
    node.setxattr(b"security.x", b"\0\1\2")
    node.setxattr(b"system.posix_acl_access", _ACL)
    node.setattr(
        Changes(uid=70000, gid=100_000, atime_ns=1_234_567_890_123_456_789, mtime_ns=5_000_000_000_987_654_321)
    )
    many = make(root, "many", VType.DIR)
    many.setxattr(b"system.posix_acl_default", _ACL)
    for number in range(600):
        make(many, f"file number {number:06}").write(0, b"%d" % number)
    for number in range(0, 600, 3):
        remove(many, f"file number {number:06}", many.lookup(b"file number %06d" % number))
    sparse = make(root, "sparse")
    for at in (0, 100_000, 1_000_000, 30_000_000):
        sparse.write(at, b"data" * 1000)
    sparse.setattr(Changes(size=40_000_000))
    sparse.discard(1_000_500, 2000)
    allocated = make(root, "allocated")
    allocated.allocate(0, 200_000)
    allocated.write(50_000, b"in the middle")


def test_the_kernel_reads_what_we_wrote(variant: str, tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "64M", *VARIANTS[variant])
    disk = MemoryDisk(image.read_bytes())
    fs = mount_disk(disk)
    populate(fs.root(), variant)
    Workload(fs, variant).run(300)
    ours = facts_of_image(fs)
    space = fs.statvfs()
    fs.unmount(force=False)
    image.write_bytes(disk.contents)
    run("e2fsck", "-fn", image)
    with loop_mount(image, tmp_path / "mnt", "loop,ro") as top:
        compare(ours, facts_of_host(top))
        theirs = os.statvfs(top)
    assert (space.f_bfree, space.f_ffree) == (theirs.f_bfree, theirs.f_ffree)


def test_the_kernel_goes_on_where_we_ended_and_we_where_it_did(variant: str, tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "64M", *VARIANTS[variant])
    for number in range(2):
        disk = MemoryDisk(image.read_bytes())
        fs = mount_disk(disk)
        Workload(fs, f"{variant} {number}", top=make(fs.root(), f"random{number}", VType.DIR)).run(150)
        directory = make(fs.root(), f"ours{number}", VType.DIR)
        for name in range(200):
            make(directory, f"file {name}" * 4)
        ours = facts_of_image(fs)
        fs.unmount(force=False)
        image.write_bytes(disk.contents)
        with loop_mount(image, tmp_path / "mnt") as top:
            compare(ours, facts_of_host(top))
            for where in (top / f"ours{number}", top / f"theirs{number}"):
                where.mkdir(exist_ok=True)
                for name in range(300):
                    (where / f"again {name}").write_bytes(b"z" * (name * 37))
                for name in range(0, 300, 2):
                    (where / f"again {name}").unlink()
            for path in list(top.glob("*/file*"))[::2]:
                path.unlink()
            for path in list(top.rglob("create*"))[::3]:
                with path.open("ab") as file:
                    file.write(os.urandom(5000))
            os.sync()
            theirs = facts_of_host(top)
        run("e2fsck", "-fn", image)
        compare(facts_of_image(mount_disk(MemoryDisk(image.read_bytes()), readonly=True)), theirs)
        for path in list(tmp_path.glob("mnt/*")):
            assert not path.exists()


def empty(directory: Vnode) -> None:
    for entry in list(directory.readdir(0)):
        if entry.name not in (b".", b".."):
            node = directory.lookup(entry.name)
            if node.vtype is VType.DIR:
                empty(node)
            remove(directory, entry.name.decode(), node)


def test_the_kernel_replays_our_journal(variant: str, tmp_path: Path) -> None:
    if variant == "ext2":
        pytest.skip("ext2 has no journal")
    image = make_image(tmp_path / "image", "32M", *VARIANTS[variant], "-J", "size=4")
    disk = MemoryDisk(image.read_bytes())
    fs = mount_disk(disk)
    for number in range(12):
        folder = make(fs.root(), f"folder{number}", VType.DIR)
        Workload(fs, f"{variant} {number}", top=folder).run(30)
        if number % 3 == 0:
            fs.sync()
        if number % 2:
            empty(fs.root().lookup(b"folder%d" % (number - 1)))
        # Data that look like the journal's own blocks, where directories were.
        make(fs.root(), f"magic{number}").write(0, (0xC03B3998).to_bytes(4, "big") * 2000)
    fs.sync()
    ours = facts_of_image(fs)
    image.write_bytes(disk.contents)
    assert "needs_recovery" in run("dumpe2fs", "-h", image)
    with loop_mount(image, tmp_path / "mnt") as top:
        compare(ours, facts_of_host(top))
    run("e2fsck", "-fn", image)


@pytest.mark.parametrize("kind", ["ext4", "ext4-1k", "gdt_csum"])
def test_the_kernel_and_we_leave_out_the_same_of_what_the_power_cut_short(kind: str, tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "16M", *VARIANTS[kind], "-J", "size=4")
    disk = RecordingDisk(image.read_bytes())
    fs = mount_disk(disk)
    workload = Workload(fs, kind, writes=disk.log)
    workload.run(200)
    generator, states = random.Random(kind), Cuts(disk, 512)
    for end in sorted(generator.choices(range(4, len(disk.log)), k=12)):
        image.write_bytes(states.state(end, generator))
        ours = facts_of_image(mount_disk(MemoryDisk(image.read_bytes())))
        with loop_mount(image, tmp_path / "mnt") as top:
            compare(ours, facts_of_host(top))
        run("e2fsck", "-fn", image)


def test_we_replay_the_journal_of_the_kernel_for_good(tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "48M", "-t", "ext4", "-b", "1024", "-J", "size=4")
    dirty = tmp_path / "dirty"
    with loop_mount(image, tmp_path / "mnt", "loop,commit=1000") as top:
        for number in range(300):
            (top / f"file{number}").write_bytes(b"x" * number * 10)
        held = (top / "held").open("wb+")
        held.write(b"without a name")
        held.flush()
        (top / "held").unlink()
        os.sync()
        for number in range(0, 300, 2):
            (top / f"file{number}").unlink()
        descriptor = os.open(top, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        dirty.write_bytes(image.read_bytes())
        theirs = facts_of_host(top)
        held.close()
    env = Environment()
    disk = MemoryDisk(dirty.read_bytes())
    fs = mount_disk(disk, env)
    assert any("recovered from the journal" in line for line in env.lines)
    assert any("1 orphans finished" in line for line in env.lines)
    compare(facts_of_image(fs), theirs)
    make(fs.root(), "new").write(0, b"new")
    fs.unmount(force=False)
    dirty.write_bytes(disk.contents)
    run("e2fsck", "-fn", dirty)
    with loop_mount(dirty, tmp_path / "mnt", "loop,ro") as top:
        assert (top / "new").read_bytes() == b"new"


def test_holes_are_where_the_kernel_sees_them(tmp_path: Path) -> None:
    for kind in ("ext4", "ext2"):
        image = make_image(tmp_path / "image", "32M", "-t", kind, "-b", "1024")
        disk = MemoryDisk(image.read_bytes())
        fs = mount_disk(disk)
        node = make(fs.root(), "file")
        for at in (0, 5000, 12 * 1024, 270 * 1024, 3_000_000, 900_000_000):
            node.write(at, b"x" * 3000)
        node.discard(271 * 1024, 1024)
        node.setattr(Changes(size=1_000_000_000))
        places = [(at, hole) for at in (0, 1, 3999, 8200, 277_504, 3_000_000, 900_000_000) for hole in (False, True)]
        ours = {place: node.seek(place[0], hole=place[1]) for place in places}
        start = bytes(node.read(0, 4_000_000))
        fs.unmount(force=False)
        image.write_bytes(disk.contents)
        with loop_mount(image, tmp_path / "mnt", "loop,ro") as top, (top / "file").open("rb") as file:
            for (at, hole), place in ours.items():
                assert os.lseek(file.fileno(), at, os.SEEK_HOLE if hole else os.SEEK_DATA) == place, (kind, at, hole)
            file.seek(0)
            assert file.read(4_000_000) == start
