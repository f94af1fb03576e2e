"""New file systems, judged by e2fsck and the kernel of the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from rumpvfs.core.vnode import NewfsRequest
from rumpvfs.fs.ext2fs import FILE_SYSTEM
from rumpwire.errno import Errno, KernelError
from tests.crash.disk import MemoryDisk
from tests.ext4_images import Environment, compare, facts_of_host, facts_of_image, loop_mount, run
from tests.ext4_workload import Workload, contents_of, mount_disk

CASES = {
    "default": (64, {}),
    "small": (2, {"journal": "0"}),
    "1k": (40, {"bsize": "1024", "label": "a label"}),
    "2k": (40, {"bsize": "2048", "inode": "512", "density": "4096"}),
    "odd size": (33, {"size": str(33_000_123), "journal": "4"}),
    "large blocks": (100, {"bsize": "65536", "journal": "0"}),
    "many groups": (70, {"bsize": "1024", "inodes": "3000"}),
    "large journal": (70, {"bsize": "1024", "journal": "30"}),
}


def make(size: int, options: dict[str, str]) -> MemoryDisk:
    assert FILE_SYSTEM.newfs is not None
    disk = MemoryDisk(b"\xa5" * (size << 20))
    taken = FILE_SYSTEM.newfs(NewfsRequest(disk, options), Environment())
    assert disk.size // 2 < taken <= disk.size
    return disk


@pytest.mark.parametrize("case", CASES)
def test_a_new_file_system_is_clean_and_works(case: str, tmp_path: Path) -> None:
    disk = make(*CASES[case])
    image = tmp_path / "image"
    image.write_bytes(disk.contents)
    run("e2fsck", "-fn", image)
    fs = mount_disk(disk)
    assert [entry.name for entry in fs.root().readdir(0)] == [b".", b"..", b"lost+found"]
    workload = Workload(fs, case)
    workload.run(150)
    assert contents_of(fs) == workload.now
    fs.unmount(force=False)
    image.write_bytes(disk.contents)
    run("e2fsck", "-fn", image)


@pytest.mark.parametrize("case", ["default", "1k", "many groups"])
def test_the_kernel_takes_it(case: str, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(make(*CASES[case]).contents)
    with loop_mount(image, tmp_path / "mnt") as top:
        for number in range(300):
            (top / f"file{number}").write_bytes(b"x" * number * 200)
        theirs = facts_of_host(top)
    run("e2fsck", "-fn", image)
    compare(facts_of_image(mount_disk(MemoryDisk(image.read_bytes()), readonly=True)), theirs)


def test_what_the_options_say(tmp_path: Path) -> None:
    options = {
        "label": "hello",
        "uuid": "01234567-89ab-cdef-0123-456789abcdef",
        "inodes": "777",
        "journal": "8",
        "minfree": "10",
    }
    image = tmp_path / "image"
    image.write_bytes(make(64, options).contents)
    text = run("dumpe2fs", "-h", image)
    assert "hello" in text
    assert "01234567-89ab-cdef-0123-456789abcdef" in text
    assert "metadata_csum" in text
    assert "Reserved block count:     1638" in text
    assert "Total journal size:       8M" in text


@pytest.mark.parametrize(
    ("size", "options", "errno"),
    [
        (8, {"bsize": "3000"}, Errno.EINVAL),
        (8, {"bsize": "x"}, Errno.EINVAL),
        (8, {"colour": "red"}, Errno.EINVAL),
        (8, {"label": "much longer than sixteen"}, Errno.EINVAL),
        (8, {"uuid": "12"}, Errno.EINVAL),
        (64, {"journal": "1"}, Errno.EINVAL),
        (8, {"journal": "8"}, Errno.ENOSPC),
        (8, {"size": "100"}, Errno.ENOSPC),
        (8, {"size": "30000", "bsize": "1024"}, Errno.ENOSPC),
        (8, {"inodes": "8100", "inode": "1024", "bsize": "1024"}, Errno.ENOSPC),
    ],
)
def test_refusals(size: int, options: dict[str, str], errno: Errno) -> None:
    with pytest.raises(KernelError) as caught:
        make(size, options)
    assert caught.value.errno == errno
