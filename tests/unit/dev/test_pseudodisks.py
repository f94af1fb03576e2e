"""vnd, cgd and raid with a vfs that only says where things are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rumpdev.component import DevComponent
from rumpuser.component import Component, Context, Entry, Parameters
from rumpuser.host import ManualHost
from rumpuser.hostfiles import SystemFiles
from rumpuser.pending import at_once
from rumpwire import const
from rumpwire.calls import OPS
from rumpwire.errno import Errno, KernelError
from rumpwire.values import CgdIoctl, DiskTakeResult, RaidConfig, VndIoctl

KIB = 1024


class Names(Component):
    """A vfs: what paths stand for, and what is taken."""

    name = "vfs"

    def __init__(self) -> None:
        super().__init__()
        self.disks: dict[bytes, DiskTakeResult] = {}
        self.taken: list[int] = []
        self.given: list[int] = []
        self.table.update({"disk_take": Entry(self.take), "disk_give": Entry(self.give)})

    def take(self, ctx: Context, path: bytes, readonly: bool, files: bool) -> DiskTakeResult:
        if path not in self.disks:
            raise KernelError(Errno.ENOENT)
        self.taken.append(self.disks[path].handle)
        return self.disks[path]

    def give(self, ctx: Context, handle: int) -> None:
        self.given.append(handle)


class Kit:
    """dev and that vfs."""

    def __init__(self, folder: Path) -> None:
        self.vfs = Names()
        self.folder = folder
        self.component = DevComponent(ManualHost(seed=3, files=SystemFiles()), self, Parameters())

    def peer(self, name: str) -> Component:
        return self.vfs

    blocking = peer

    def __call__(self, name: str, *args: Any) -> Any:
        return at_once(self.component.call(Context(), OPS[name], args))

    def disk(self, name: str, size: int, *, readonly: bool = False) -> bytes:
        path = self.folder / name
        path.write_bytes(bytes(size))
        handle = len(self.vfs.disks) + 1
        self.vfs.disks[name.encode()] = DiskTakeResult(handle, bytes(path), 0, size, readonly=readonly)
        return name.encode()

    def open(self, major: int, unit: int = 0) -> int:
        handle: int = self("dev_open", False, const.makedev(major, 16 * unit + 3), const.O_RDWR)
        return handle


@pytest.fixture
def d(tmp_path: Path) -> Kit:
    return Kit(tmp_path)


def code(d: Kit, *args: Any) -> str:
    with pytest.raises(KernelError) as caught:
        d(*args)
    return caught.value.name


CIPHER = CgdIoctl(ci_alg="aes-xts", ci_ivmethod="encblkno1", ci_key=bytes(range(32)))


def test_a_dev_that_begins_gives_back_what_the_one_before_had(d: Kit) -> None:
    at_once(d.component.start())
    assert d.vfs.given == [0]


def test_a_host_file_of_another_machine(d: Kit) -> None:
    d.vfs.disks[b"x"] = DiskTakeResult(9, b"/nowhere/at/all", 0, 4096)
    s = d.open(const.MAJOR_VND_CHR)
    assert code(d, "ioctl", s, const.VNDIOCSET, VndIoctl(b"x")) == "ENXIO"
    assert d.vfs.given == [9]
    name = d.disk("short", 1024)
    d.vfs.disks[name] = d.vfs.disks[name]._replace(size=4096)
    assert code(d, "ioctl", s, const.VNDIOCSET, VndIoctl(name)) == "ENXIO"


def test_sizes_are_whole_sectors(d: Kit) -> None:
    s = d.open(const.MAJOR_VND_CHR)
    assert d("ioctl", s, const.VNDIOCSET, VndIoctl(d.disk("odd", 1300))).data.vnd_size == 1024
    assert len(d("pread", s, 4096, 0)) == 1024
    assert d("pread", s, 512, 1024) == b""
    assert code(d, "pwrite", s, bytes(512), 1024) == "ENOSPC"
    assert code(d, "ioctl", d.open(const.MAJOR_VND_CHR, 1), const.VNDIOCSET, VndIoctl(d.disk("tiny", 100))) == "EINVAL"
    args = CIPHER._replace(ci_disk=d.disk("small", 2048), ci_secsize=4096)
    assert code(d, "ioctl", d.open(const.MAJOR_CGD_CHR), const.CGDIOCSET, args) == "EINVAL"
    assert sorted(d.vfs.taken)[1:] == sorted(d.vfs.given)


def test_read_only_disks(d: Kit) -> None:
    disk = d.disk("ro", 4096, readonly=True)
    for major, com, args in (
        (const.MAJOR_VND_CHR, const.VNDIOCSET, VndIoctl(disk)),
        (const.MAJOR_CGD_CHR, const.CGDIOCSET, CIPHER._replace(ci_disk=disk)),
    ):
        s = d.open(major)
        d("ioctl", s, com, args)
        assert code(d, "pwrite", s, bytes(512), 0) == "EROFS"
        assert len(d("pread", s, 512, 0)) == 512


def test_the_block_device_of_a_cgd_takes_any_range(d: Kit) -> None:
    d("ioctl", d.open(const.MAJOR_CGD_CHR), const.CGDIOCSET, CIPHER._replace(ci_disk=d.disk("x", 4096)))
    b = d("dev_open", True, const.makedev(const.MAJOR_CGD_BLK, 3), const.O_RDWR)
    d("pwrite", b, bytes(4096), 0)
    assert d("pwrite", b, b"across", 509) == 6
    assert bytes(d("pread", b, 10, 507)) == b"\0\0across\0\0"
    assert d("fsync", b) is None


def test_raid_refuses(d: Kit) -> None:
    s = d.open(const.MAJOR_RAID_CHR)
    disks = [d.disk(f"disk{number}", 128 * KIB) for number in range(3)]
    for wrong in (
        RaidConfig(5, 32, disks[:2], force=True),
        RaidConfig(6, 32, disks, force=True),
        RaidConfig(5, 0, disks, force=True),
        RaidConfig(5, 4096, disks, force=True),
        RaidConfig(5, 32, [disks[0], disks[0], disks[1]], force=True),
        RaidConfig(5, 32, [*disks[:2], b"absent"], force=True),
        RaidConfig(5, 256, disks, force=True),
        VndIoctl(b"x"),
    ):
        assert code(d, "ioctl", s, const.RAIDFRAME_CONFIGURE, wrong) == "EINVAL"
    assert code(d, "ioctl", s, const.RAIDFRAME_REWRITEPARITY, None) == "ENXIO"
    assert sorted(d.vfs.taken) == sorted(d.vfs.given), "nothing stays taken"


def test_as_modules(d: Kit) -> None:
    s = d.open(const.MAJOR_VND_CHR)
    d("ioctl", s, const.VNDIOCSET, VndIoctl(d.disk("x", 4096)))
    assert code(d, "module_unload", "vnd") == "EBUSY"
    d("ioctl", s, const.VNDIOCCLR, VndIoctl())
    assert code(d, "module_unload", "vnd") == "EBUSY"
    d("close", s)
    for name in ("vnd", "cgd", "raid"):
        d("module_unload", name)
        d("module_load", name, {})
    assert code(d, "dev_open", False, const.makedev(const.MAJOR_VND_CHR, 1), 0) == "ENXIO"
    assert code(d, "dev_open", False, const.makedev(const.MAJOR_VND_CHR, 16 * 32 + 3), 0) == "ENXIO"
