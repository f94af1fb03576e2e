"""Disks of dev when dev dies, and when the kernel ends and another one begins."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rump
from tests.conformance.test_descriptors import code
from tests.conformance.test_disks import MIB, cgd_clear, cgd_set, fill, ioctl, raid, raid_set, statuses, vnd_set
from tests.ext4_images import make_image
from tests.live import LiveKernel, eventually, live_kernel


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("disks")
    (folder / "tree").mkdir()
    (folder / "tree" / "hello").write_bytes(b"hello, disk\n")
    (folder / "tree" / "big").write_bytes(os.urandom(3 * MIB))
    return make_image(folder / "image", "8M", source=folder / "tree")


@pytest.fixture
def kernel() -> Iterator[LiveKernel]:
    with live_kernel() as live:
        yield live


def dev_of(k: Any) -> tuple[int, str]:
    (status,) = [c for c in k.status()["components"] if c["name"] == "dev"]
    return status["pid"], status["state"]


def there(k: Any) -> bool:
    try:
        k.sys.close(k.sys.open("/dev/rcgd0d", os.O_RDONLY))
    except OSError:
        return False
    return True


def test_a_dev_that_dies_under_a_mount(kernel: LiveKernel, tmp_path: Path, image: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(9 * MIB))
    with rump.connect(kernel.url) as k:
        k.pub.etfs_register("/dev/disk", str(disk), type="blk")
        k.sys.mkdir("/mnt", 0o755)
        cgd_set(k, "/dev/disk")
        with k.open("/dev/rcgd0d", "r+b", buffering=0) as file:
            file.write(image.read_bytes())
        k.sys.mount("ext2fs", "/mnt", device="/dev/cgd0d", readonly=True)
        fd = k.sys.open("/mnt/big", os.O_RDONLY)
        k.sys.read(fd, 10)
        pid, _ = dev_of(k)
        os.kill(pid, signal.SIGKILL)
        assert code(k.sys.pread, fd, 4096, 2 * MIB) == "EIO"
        eventually(lambda: dev_of(k)[0] != pid and dev_of(k)[1] == "serving", 20, "dev is started again")
        eventually(lambda: there(k), 20, "vfs has heard of it")
        assert code(k.sys.pread, fd, 4096, 2 * MIB) == "EIO", "the new dev knows nothing of the old disk"
        k.sys.close(fd)
        k.sys.unmount("/mnt", 0)
        cgd_set(k, "/dev/disk")
        k.sys.mount("ext2fs", "/mnt", device="/dev/cgd0d", readonly=True)
        with k.open("/mnt/hello", "rb") as file:
            assert file.read() == b"hello, disk\n"
        k.sys.unmount("/mnt", 0)
        cgd_clear(k)
    assert "Traceback" not in kernel.log


@pytest.mark.parametrize("level", [1, 5])
def test_data_survive_a_restart(tmp_path: Path, image: Path, level: int) -> None:
    names = [f"disk{number}" for number in range(3 if level == 5 else 2)]
    for name in names:
        (tmp_path / name).write_bytes(bytes(9 * MIB))
    keys = [f"/dev/{name}" for name in names]

    def boot() -> rump.Kernel:
        k = rump.Kernel()
        for name in names:
            if (tmp_path / name).exists():
                k.pub.etfs_register(f"/dev/{name}", str(tmp_path / name), type="blk")
        k.sys.mkdir("/mnt", 0o755)
        return k

    with boot() as k:
        raid_set(k, level, keys, force=True)
        fill(k, image)
    (tmp_path / names[0]).unlink()
    with boot() as k:
        raid_set(k, level, keys)
        assert statuses(k) == ["failed", "optimal", "optimal"][: len(keys)]
        assert raid(k, rump.RAIDFRAME_CHECK_PARITY).integer == 1, "the kernel was halted in order"
        k.sys.mount("ext2fs", "/mnt", device="/dev/raid0d", readonly=True)
        with k.open("/mnt/hello", "rb") as file:
            assert file.read() == b"hello, disk\n"


def test_a_mount_is_taken_off_before_its_disk(tmp_path: Path, image: Path) -> None:
    """The end of a kernel with a mount on a disk of dev on a disk of dev."""
    (tmp_path / "disk").write_bytes(image.read_bytes())
    with rump.Kernel() as k:
        k.pub.etfs_register("/dev/disk", str(tmp_path / "disk"), type="blk")
        k.sys.mkdir("/mnt", 0o755)
        vnd_set(k, "/dev/disk")
        k.sys.mount("ext2fs", "/mnt", device="/dev/vnd0d", readonly=True)
        assert ioctl(k, "/dev/rvnd0d", rump.VNDIOCGET).data.vnu_file == b"/dev/disk"
