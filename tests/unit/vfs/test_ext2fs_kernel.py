"""Images that the kernel of the host filled, compared with what it shows of them. Needs root and loop mounts."""

from __future__ import annotations

import os
import shutil
import socket
import struct
from pathlib import Path

import pytest

from rumpvfs.core.vnode import VType
from rumpwire import const
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import (
    Environment,
    Facts,
    compare,
    facts_of_host,
    facts_of_image,
    fill,
    loop_mount,
    make_image,
    mount,
    run,
)

VARIANTS = {
    "ext4": ("-t", "ext4", "-b", "4096"),
    "ext4-1k": ("-t", "ext4", "-b", "1024"),
    "ext3": ("-t", "ext3", "-b", "1024"),
    "ext2": ("-t", "ext2", "-b", "2048"),
    "inline": ("-t", "ext4", "-b", "4096", "-I", "512", "-O", "inline_data"),
    "ea_inode": ("-t", "ext4", "-b", "4096", "-O", "ea_inode,metadata_csum_seed"),
    "gdt_csum": ("-t", "ext4", "-b", "1024", "-O", "^metadata_csum,uninit_bg,^64bit"),
    "bigalloc": ("-t", "ext4", "-b", "4096", "-O", "bigalloc", "-C", "16384"),
    "meta_bg": ("-t", "ext4", "-b", "1024", "-O", "meta_bg,^resize_inode,dir_nlink"),
}
_ACL = struct.pack(
    "<I" + "HHI" * 5, 2, 1, 6, 0xFFFFFFFF, 2, 4, 1234, 4, 4, 0xFFFFFFFF, 16, 6, 0xFFFFFFFF, 32, 0, 0xFFFFFFFF
)


def populate(top: Path, variant: str) -> None:
    """What only a kernel makes."""
    fill(top, many=1200)
    os.mknod(top / "null", 0o20666, os.makedev(1, 3))
    os.mknod(top / "large device", 0o60600, os.makedev(300, 70000))
    os.mkfifo(top / "fifo")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(top / "socket"))
    os.chown(top / "tiny", 70000, 100000)
    for name in ("tiny", "large", "very"):
        os.setxattr(top / name, "user.short", b"value")
        os.setxattr(top / name, "user.empty", b"")
        os.setxattr(top / name, "trusted.longer", os.urandom(500))
        os.setxattr(top / name, "security.x", b"\0\1\2")
    os.setxattr(top / "small", "system.posix_acl_access", _ACL)
    os.setxattr(top / "very", "system.posix_acl_default", _ACL)
    if variant == "ea_inode":
        os.setxattr(top / "large", "user.huge", os.urandom(30_000))
    (top / "inline").mkdir()
    for number in range(8):
        (top / "inline" / f"f{number}").touch()
    with (top / "many extents").open("wb") as file:
        for number in range(800):
            file.seek(number * 9000)
            file.write(number.to_bytes(4, "little"))
        file.truncate(20_000_000)
    for number in range(0, 1200, 3):
        (top / "many" / f"file number {number:06}").unlink()
    if variant not in ("ext2", "ext3"):
        descriptor = os.open(top / "allocated", os.O_CREAT | os.O_RDWR)
        os.posix_fallocate(descriptor, 0, 1_000_000)
        os.pwrite(descriptor, b"in the middle", 500_000)
        os.close(descriptor)


@pytest.fixture(params=VARIANTS)
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path, dict[str, Facts], os.statvfs_result]:
    image = make_image(tmp_path / "image", "64M", *VARIANTS[request.param])
    with loop_mount(image, tmp_path / "mnt") as top:
        populate(top, request.param)
        os.sync()
    with loop_mount(image, tmp_path / "mnt", "loop,ro") as top:
        return request.param, image, facts_of_host(top), os.statvfs(top)


def test_everything_is_as_the_kernel_shows_it(
    filled: tuple[str, Path, dict[str, Facts], os.statvfs_result],
) -> None:
    _, image, expected, space = filled
    fs = mount(image)
    compare(facts_of_image(fs), expected)
    found = fs.statvfs()
    assert (found.f_blocks, found.f_bfree) == (space.f_blocks, space.f_bfree)
    assert (found.f_files, found.f_ffree, found.f_bsize) == (space.f_files, space.f_ffree, space.f_bsize)


@pytest.mark.parametrize(
    ("levels", "count", "features"), [(1, 8000, "metadata_csum"), (1, 8000, "^metadata_csum"), (2, 45_000, "large_dir")]
)
def test_an_index_of_several_levels(levels: int, count: int, features: str, tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "64M", "-t", "ext4", "-b", "1024", "-O", features)
    names = [f"{number:0250}" for number in range(count)]
    with loop_mount(image, tmp_path / "mnt") as top:
        (top / "large").mkdir()
        (top / "large" / "first").touch()
        for name in names:
            os.link(top / "large" / "first", top / "large" / name)
    large = mount(image).root().lookup(b"large")
    assert f"Indirect levels: {levels}" in run("debugfs", "-R", "htree_dump /large", image)[:400]
    number = large.lookup(b"first").fileno
    for name in names[::97]:
        assert large.lookup(name.encode()).fileno == number
    assert not large._open()._linear  # type: ignore[attr-defined]
    with pytest.raises(KernelError) as caught:
        large.lookup(b"missing")
    assert caught.value.errno == Errno.ENOENT
    assert len(list(large.readdir(0))) == len(names) + 3
    assert large.parent().fileno == large.fs.root().fileno


def test_data_and_holes_are_where_the_kernel_says(tmp_path: Path) -> None:
    for kind in ("ext4", "ext2"):
        image = make_image(tmp_path / "image", "64M", "-t", kind, "-b", "1024")
        expected: dict[tuple[int, int], int] = {}
        with loop_mount(image, tmp_path / "mnt") as top, (top / "file").open("w+b") as file:
            for at in (0, 1000, 5000, 12 * 1024, 270 * 1024, 3_000_000, 40_000_000, 900_000_000):
                file.seek(at)
                file.write(b"x" * 3000)
            file.truncate(2_000_000_000)
            os.fsync(file.fileno())
            for at in (0, 1, 3999, 8200, 200_000, 290_000, 3_000_000, 41_000_000, 900_000_000, 1_999_999_999):
                for whence in (os.SEEK_DATA, os.SEEK_HOLE):
                    try:
                        expected[at, whence] = os.lseek(file.fileno(), at, whence)
                    except OSError:
                        expected[at, whence] = -1
        node = mount(image).root().lookup(b"file")
        for (at, whence), place in expected.items():
            if place >= 0:
                assert node.seek(at, hole=whence == os.SEEK_HOLE) == place, (kind, at, whence)
            else:
                with pytest.raises(KernelError) as caught:
                    node.seek(at, hole=whence == os.SEEK_HOLE)
                assert caught.value.errno == Errno.ENXIO


def test_a_map_of_three_levels(tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "64M", "-t", "ext4", "-b", "1024", "-O", "^has_journal")
    with loop_mount(image, tmp_path / "mnt") as top, (top / "file").open("wb") as file:
        for number in range(12_000):
            file.seek(number * 4096)
            file.write(number.to_bytes(4, "little"))
    assert "2/ 2" in run("debugfs", "-R", "ex /file", image)
    node = mount(image).root().lookup(b"file")
    contents = bytes(node.read(0, 12 << 20))
    assert [int.from_bytes(contents[at : at + 4], "little") for at in range(0, len(contents), 4096)] == list(
        range(len(contents) // 4096)
    )
    assert contents.count(0) > len(contents) - 12_000


JOURNALS = {
    "ext4": ("-t", "ext4", "-b", "4096"),
    "ext4-1k": ("-t", "ext4", "-b", "1024"),
    "ext3": ("-t", "ext3", "-b", "1024"),
    "no checksums": ("-t", "ext4", "-b", "1024", "-O", "^metadata_csum"),
    "32 bits": ("-t", "ext4", "-b", "1024", "-O", "^64bit"),
}


@pytest.mark.parametrize("mode", ["ordered", "journal", "writeback,journal_checksum", "writeback,journal_async_commit"])
@pytest.mark.parametrize("variant", JOURNALS)
def test_a_dirty_journal_is_read_as_the_kernel_replays_it(variant: str, mode: str, tmp_path: Path) -> None:
    if variant == "ext3" and "," in mode:
        mode = "writeback"  # Such options are for ext4.
    option = f"data={mode}"
    image = make_image(tmp_path / "image", "48M", *JOURNALS[variant], "-J", "size=4")
    dirty, replayed = tmp_path / "dirty", tmp_path / "replayed"
    with loop_mount(image, tmp_path / "mnt", f"loop,{option},commit=1000") as top:
        fill(top, many=150)
        os.sync()
        # Blocks of directories that go and come back as data are revoked; data may look like the journal's own blocks.
        shutil.rmtree(top / "many")
        (top / "again").write_bytes((0xC03B3998).to_bytes(4, "big") * 100_000)
        (top / "other").mkdir()
        for number in range(100):
            (top / "other" / f"{number}").write_text("x")
        descriptor = os.open(top / "other", os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        with (top / "again").open("r+b") as file:
            os.fsync(file.fileno())
        shutil.copyfile(image, dirty)
    assert "needs_recovery" in run("dumpe2fs", "-h", dirty)
    before = dirty.read_bytes()
    env = Environment()
    found = facts_of_image(mount(dirty, env))
    assert "recovered from the journal" in env.lines[0]
    assert dirty.read_bytes() == before
    shutil.copyfile(dirty, replayed)
    with loop_mount(replayed, tmp_path / "mnt"):
        pass
    with loop_mount(replayed, tmp_path / "mnt", "loop,ro") as top:
        compare(found, facts_of_host(top))
    assert "/other/99" in found
    assert "/many" not in found


def test_fast_commits_are_not_passed_over(tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "64M", "-t", "ext4", "-b", "4096", "-O", "fast_commit", "-J", "size=8")
    with loop_mount(image, tmp_path / "mnt", "loop,commit=1000") as top:
        (top / "first").write_text("one")
        os.sync()
        for number in range(4):
            with (top / f"f{number}").open("w") as file:
                file.write("more")
                file.flush()
                os.fsync(file.fileno())
        dirty = tmp_path / "dirty"
        shutil.copyfile(image, dirty)
    with pytest.raises(KernelError, match="fast commits") as caught:
        mount(dirty)
    assert caught.value.errno == Errno.EOPNOTSUPP


def test_device_numbers(tmp_path: Path) -> None:
    image = make_image(tmp_path / "image", "8M", "-t", "ext4")
    numbers = [(0, 0), (1, 3), (255, 255), (256, 0), (0, 256), (4095, 1048575)]
    with loop_mount(image, tmp_path / "mnt") as top:
        for major, minor in numbers:
            os.mknod(top / f"{major} {minor}", 0o20600, os.makedev(major, minor))
    fs = mount(image)
    for major, minor in numbers:
        node = fs.root().lookup(f"{major} {minor}".encode())
        assert node.vtype is VType.CHR
        assert node.getattr().st_rdev == const.makedev(major, minor)
