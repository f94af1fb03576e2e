"""Faults on purpose: as many as asked for, the same for the same seed, and told of clearly."""

from __future__ import annotations

import errno
import lzma
import os
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

import rump
from rumpvfs.core.blkfail import Faults
from rumpwire.errno import Errno, KernelError


def struck(faults: Faults, count: int) -> list[int]:
    """Which of so many accesses fail."""
    out = []
    for number in range(count):
        try:
            faults.strike("disk")
        except KernelError as error:
            out.append((number, error.errno))
    assert {errno for _, errno in out} <= {Errno.EIO}
    return [number for number, _ in out]


def entropy(length: int) -> bytes:
    return b"\x05" * length


def faults(**extra: str) -> Faults | None:
    return Faults.from_parameters(extra, entropy)


def test_as_many_as_asked_for() -> None:
    few = faults(blkfail="300", blkfail_seed="7")
    assert few is not None
    assert 250 < len(struck(few, 10_000)) < 350
    always = faults(blkfail="10000")
    assert always is not None
    assert len(struck(always, 100)) == 100


def test_the_same_for_the_same_seed() -> None:
    one, two, other = (faults(blkfail="500", blkfail_seed=seed) for seed in ("1", "1", "2"))
    assert one is not None
    assert two is not None
    assert other is not None
    first = struck(one, 2000)
    assert first == struck(two, 2000)
    assert first != struck(other, 2000)


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"blkfail": "x"}, Errno.EINVAL),
        ({"blkfail": "10001"}, Errno.ERANGE),
        ({"blkfail": "-1"}, Errno.ERANGE),
        ({"blkfail": "5", "blkfail_seed": "y"}, Errno.EINVAL),
    ],
)
def test_wrong_settings(extra: dict[str, str], expected: Errno) -> None:
    with pytest.raises(KernelError) as caught:
        faults(**extra)
    assert caught.value.errno == expected
    assert faults() is None
    assert faults(blkfail="0") is None


def test_callers_see_eio_and_the_kernel_goes_on(monkeypatch: Any, tmp_path: Path) -> None:
    packed = resources.files("rumpclients").joinpath("data/demo.ext4.xz").read_bytes()
    (tmp_path / "disk").write_bytes(lzma.decompress(packed))
    monkeypatch.setenv("RUMP_BLKFAIL", "500")
    monkeypatch.setenv("RUMP_BLKFAIL_SEED", "11")
    seen = set()
    with rump.Kernel(factions=("vfs",)) as k:
        k.pub.module_init("ext2fs")
        k.pub.etfs_register("/dev/disk", str(tmp_path / "disk"), type="blk")
        k.sys.mkdir("/mnt", 0o755)
        for _ in range(200):
            try:
                k.sys.mount("ext2fs", "/mnt", device="/dev/disk", readonly=True)
                k.sys.close(k.sys.open("/mnt/etc/motd", os.O_RDONLY))
                with k.open("/mnt/data/random", "rb") as file:
                    assert len(file.read()) == 100_000
                seen.add(0)
            except OSError as error:
                seen.add(error.errno)
            if k.sys.stat("/mnt").st_dev != k.sys.stat("/").st_dev:
                k.sys.unmount("/mnt", 0)
    assert seen == {0, errno.EIO}
