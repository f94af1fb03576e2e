"""File systems in partitions and in images of virtual machines, named by what lies over what, over all placements."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code
from tests.conformance.test_disks import cgd_clear, cgd_set
from tests.tools import need

MB = 1 << 20
_keys = itertools.count()


def run(*command: str | Path, **more: Any) -> str:
    need(str(command[0]))
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **more)
    return done.stdout


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk with a GPT: partition 1 is FAT, partition 2 ext4."""
    disk, inner = tmp_path / "disk", tmp_path / "inner"
    disk.write_bytes(bytes(40 * MB))
    run("sfdisk", "-q", disk, input="label: gpt\nstart=2048, size=16384\nstart=20480, size=40960\n")
    inner.write_bytes(bytes(20 * MB))
    run("mkfs.ext4", "-q", inner)
    with disk.open("r+b") as file:
        file.seek(20480 * 512)
        file.write(inner.read_bytes())
    return disk


def partition_is_clean(disk: Path) -> None:
    inner = disk.with_name("partition")
    inner.write_bytes(disk.read_bytes()[20480 * 512 : (20480 + 40960) * 512])
    run("e2fsck", "-fn", inner)


@pytest.fixture
def mount(k: Any, folder: str) -> Any:
    """Registers an image and mounts what its layers are; gives the directory."""

    def work(image: Path, layers: str, **options: Any) -> str:
        key = f"/dev/layers{next(_keys)}"
        k.pub.etfs_register(key, str(image), type="blk")
        k.sys.mount("ext2fs", folder, device=f"{key}{layers}", **options)
        return folder

    return work


def write(k: Any, path: str, data: bytes) -> None:
    with k.open(path, "wb") as file:
        file.write(data)


def test_a_partition(k: Any, mount: Any, disk: Path) -> None:
    where = mount(disk, "@p2")
    write(k, f"{where}/file", b"in a partition" * 1000)
    k.sys.unmount(where)
    partition_is_clean(disk)
    with rump.fs.open_image(disk, partition=2, readonly=True) as image:
        assert image.read_bytes("/file") == b"in a partition" * 1000


def test_partitions_side_by_side(k: Any, folder: str, disk: Path) -> None:
    key = f"/dev/layers{next(_keys)}"
    k.pub.etfs_register(key, str(disk), type="blk")
    k.pub.newfs("msdos", f"{key}@p1")
    for number, kind in ((1, "msdos"), (2, "ext2fs")):
        k.sys.mkdir(f"{folder}/{number}", 0o755)
        k.sys.mount(kind, f"{folder}/{number}", device=f"{key}@p{number}")
    for name in (key, f"{key}@p1", f"{key}@qcow2"):
        assert code(k.sys.mount, "ext2fs", folder, device=name) == "EBUSY"
    for number in (1, 2):
        write(k, f"{folder}/{number}/file", b"x" * 100_000)
        k.sys.unmount(f"{folder}/{number}")
    partition_is_clean(disk)
    inner = disk.with_name("fat")
    inner.write_bytes(disk.read_bytes()[2048 * 512 : (2048 + 16384) * 512])
    run("fsck.fat", "-n", inner)


def test_an_encrypted_disk_in_a_partition(k: Any, folder: str, disk: Path) -> None:
    key = f"/dev/layers{next(_keys)}"
    k.pub.etfs_register(key, str(disk), type="blk")
    before = disk.read_bytes()

    with pytest.raises(rump.RumpError, match="no other layers"):
        cgd_set(k, f"{key}@qcow2")
    cgd_set(k, f"{key}@p2")
    k.pub.newfs("ext2fs", "/dev/cgd0d")
    k.sys.mount("ext2fs", folder, device="/dev/cgd0d")
    write(k, f"{folder}/secret", b"nobody reads this " * 100)
    k.sys.unmount(folder)
    cgd_clear(k)
    after = disk.read_bytes()
    assert after[: 20480 * 512] == before[: 20480 * 512]
    assert b"nobody reads this" not in after
    assert after[20480 * 512 :] != before[20480 * 512 :]


def test_a_partition_of_a_qcow2_image(k: Any, mount: Any, disk: Path, tmp_path: Path) -> None:
    image, back = tmp_path / "image.qcow2", tmp_path / "back"
    run("qemu-img", "convert", "-O", "qcow2", disk, image)
    where = mount(image, "@qcow2@2")
    write(k, f"{where}/file", os.urandom(3 * MB))
    assert k.sys.statvfs1(where).f_mntfromname.endswith(b"@qcow2@2")
    k.sys.unmount(where)
    run("qemu-img", "check", image)
    run("qemu-img", "convert", "-O", "raw", image, back)
    partition_is_clean(back)


def test_an_image_over_another(k: Any, mount: Any, disk: Path, tmp_path: Path) -> None:
    """Changes go to the image above; the one below, found beside it, stays as it is."""
    image, before = tmp_path / "above.qcow2", disk.read_bytes()
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", "disk", "-F", "raw", image, cwd=tmp_path)
    where = mount(image, "@qcow2@p2")
    write(k, f"{where}/file", b"above")
    k.sys.unmount(where)
    assert disk.read_bytes() == before
    run("qemu-img", "check", image)
    with rump.fs.open_image(image, partition=2) as opened:
        assert opened.read_bytes("/file") == b"above"
        opened.write_bytes("/more", bytes(MB))
    run("qemu-img", "check", image)


@pytest.mark.parametrize(
    ("layers", "error"),
    [
        ("@p9", "ENXIO"),
        ("@qcow2", "EINVAL"),
        ("@zip", "EINVAL"),
        ("@", "EINVAL"),
        ("@p2@p1", "ENXIO"),
        ("@1@1@1@1@1", "EINVAL"),
    ],
)
def test_layers_that_are_not_there(k: Any, folder: str, disk: Path, layers: str, error: str) -> None:
    key = f"/dev/layers{next(_keys)}"
    k.pub.etfs_register(key, str(disk), type="blk")
    assert code(k.sys.mount, "ext2fs", folder, device=f"{key}{layers}") == error
    k.sys.mount("ext2fs", folder, device=f"{key}@p2")  # and the disk was given back
    assert code(k.sys.mount, "ext2fs", folder, device=f"{key}@p2") == "EBUSY"
    k.sys.unmount(folder)
    k.pub.etfs_remove(key)


def test_a_name_with_an_at_is_a_name(k: Any, folder: str, disk: Path) -> None:
    key = f"/dev/at{next(_keys)}@p2"
    k.pub.etfs_register_withsize(key, str(disk), "blk", 20480 * 512, 20 * MB)
    k.sys.mount("ext2fs", folder, device=key, readonly=True)
    assert "lost+found" in k.listdir(folder)
    k.sys.unmount(folder)
