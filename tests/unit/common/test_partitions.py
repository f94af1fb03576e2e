"""Partition tables against sfdisk, sgdisk and fdisk, and labels put together here."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
from functools import reduce
from operator import xor
from pathlib import Path

import pytest

from rumpuser.disk import FileDevice, Slice
from rumpuser.disk.disklabel import MAGIC
from rumpuser.disk.disklabel import find as find_label
from rumpuser.disk.partitions import Partition, find, open_partition
from rumpuser.hostfiles import SystemFiles
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import MappedDevice, run
from tests.iso_images import damage
from tests.tools import need

MEGA = 1 << 20


def disk(path: Path, size: int = 64 * MEGA) -> Path:
    path.touch()
    os.truncate(path, size)
    return path


def tool(words: list[str | Path], script: str) -> None:
    subprocess.run(
        [need(str(words[0])), *map(str, words[1:])], input=script, text=True, check=True, capture_output=True
    )


def of_sfdisk(path: Path) -> list[tuple[str, int, int, str]]:
    """Name, first byte, bytes and type of each partition, as sfdisk says."""
    table = json.loads(run("sfdisk", "--json", path))["partitiontable"]
    sector = table.get("sectorsize", 512)
    found = []
    for entry in table["partitions"]:
        kind = entry["type"] if table["label"] == "gpt" else f"{int(entry['type'], 16):#04x}"
        name = entry["node"].removeprefix(str(path))
        found.append((name.removeprefix("p"), entry["start"] * sector, entry["size"] * sector, kind))
    return sorted(found)


def ours(path: Path) -> list[tuple[str, int, int, str]]:
    return sorted(partition[:4] for partition in find(MappedDevice(path)))


MBR = """label: dos
start=2048, size=10000, type=83, bootable
start=20480, size=60000, type=5
start=22528, size=4096, type=82
start=28672, size=4096, type=83
start=34816, size=4096, type=7
start=90000, size=5000, type=c
"""


@pytest.fixture(scope="module")
def mbr_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = disk(tmp_path_factory.mktemp("mbr") / "disk")
    tool(["sfdisk", "-q", path], MBR)
    return path


@pytest.fixture(scope="module")
def gpt_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = disk(tmp_path_factory.mktemp("gpt") / "disk", 20 * MEGA)
    run("sgdisk", "-n", "1:2048:+4M", "-t", "1:ef00", "-c", "1:EFI \u00e9", "-n", "3:0:+8M", "-n", "128:0:0", path)
    return path


def test_mbr_with_logical_partitions(mbr_disk: Path) -> None:
    assert ours(mbr_disk) == of_sfdisk(mbr_disk)
    assert [name for name, *_ in ours(mbr_disk)] == ["1", "2", "3", "5", "6", "7"]


def test_gpt(gpt_disk: Path) -> None:
    assert ours(gpt_disk) == of_sfdisk(gpt_disk)
    first = find(MappedDevice(gpt_disk))[0]
    assert (first.label, first.type) == ("EFI \u00e9", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B")


@pytest.mark.parametrize("lost", [[512], [1024], [512, 1024], [0, 512]])
def test_the_backup_of_a_gpt(lost: list[int], gpt_disk: Path) -> None:
    expected = ours(gpt_disk)
    data = bytearray(gpt_disk.read_bytes())
    for at in lost:
        data[at : at + 440] = b"\xee" * 440
    assert sorted(partition[:4] for partition in find(MappedDevice(data))) == expected
    data = data.copy()
    data[-512:] = bytes(512)
    with pytest.raises(KernelError) as caught:
        find(MappedDevice(data))
    assert caught.value.errno == Errno.EIO


def test_a_disklabel_of_fdisk(tmp_path: Path) -> None:
    path = disk(tmp_path / "disk")
    tool(["sfdisk", "-q", path], "label: dos\nstart=2048,size=40000,type=a9\nstart=43008,type=83\n")
    tool(["fdisk", path], "b\ny\nn\na\n\n+4M\nn\n\n\n+2M\nw\nr\nw\n")
    found = {name: (start // 512, size // 512) for name, start, size, _ in ours(path)}
    assert found["1a"] == (2048, 8193)
    assert found["1b"] == (2048, 4097)
    assert found["1c"] == (2048, 40000)
    assert found["1d"][0] == 0
    assert found["2"] == (43008, 64 * 2048 - 43008)


def label(order: str, partitions: list[tuple[int, int, int]], sector: int = 512) -> bytes:
    raw = bytearray(148 + 16 * len(partitions))
    struct.pack_into(order + "IHH16s16sI", raw, 0, MAGIC, 4, 0, b"ESDI", b"mydisk", sector)
    struct.pack_into(order + "IHH", raw, 132, MAGIC, 0, len(partitions))
    for number, (offset, size, kind) in enumerate(partitions):
        struct.pack_into(order + "IIIBBH", raw, 148 + 16 * number, size, offset, 1024, kind, 8, 16)
    checksum = reduce(xor, struct.unpack(f"{order}{len(raw) // 2}H", raw))
    struct.pack_into(order + "H", raw, 136, checksum)
    return bytes(raw)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("at", [0, 64, 512, 4096, 65536 - 148 - 48])
def test_a_disklabel_alone(order: str, at: int) -> None:
    data = bytearray(MEGA)
    data[at : at + 196] = label(order, [(16, 100, 7), (0, 0, 0), (0, 2048, 0)])
    assert find(MappedDevice(data)) == [
        Partition("a", 16 * 512, 100 * 512, "4.2BSD"),
        Partition("c", 0, MEGA, "unused"),
    ]
    found = find_label(MappedDevice(data))
    assert found is not None
    assert (found.at, found.name, found.sector) == (at, "mydisk", 512)


def test_labels_that_are_not_sound() -> None:
    good = label("<", [(16, 100, 7)] * 22)
    for at in (2, 40, 133, 136, 138, 150, 400):
        data = bytearray(MEGA)
        data[512 : 512 + len(good)] = good
        data[512 + at] ^= 1
        assert find(MappedDevice(data)) == []
    assert len(find(MappedDevice(bytes(512) + good + bytes(1000)))) == 22
    assert find(MappedDevice(bytes(512) + label("<", [(0, 1, 0)] * 23))) == []


def test_freebsd_counts_from_its_partition(tmp_path: Path) -> None:
    path = disk(tmp_path / "disk")
    tool(["sfdisk", "-q", path], "label: dos\nstart=2048,size=40000,type=a5\n")
    data = bytearray(path.read_bytes())
    data[2049 * 512 : 2049 * 512 + 196] = label("<", [(16, 100, 7), (0, 0, 0), (0, 40000, 0)])
    assert Partition("1a", 2064 * 512, 100 * 512, "4.2BSD") in find(MappedDevice(data))


def test_no_table_at_all(tmp_path: Path) -> None:
    assert find(MappedDevice(bytes(100))) == []
    assert find(MappedDevice(bytes(MEGA))) == []
    fat = bytearray(os.urandom(512))
    fat[446] = 0x63  # code of a boot sector where the table would be
    fat[510:512] = b"\x55\xaa"
    assert find(MappedDevice(bytes(fat) + bytes(MEGA))) == []


def test_a_chain_of_logical_partitions_without_end(mbr_disk: Path) -> None:
    data = bytearray(mbr_disk.read_bytes())
    second = 20480 * 512
    struct.pack_into("<I", data, second + 446 + 16 + 8, 0)
    with pytest.raises(KernelError) as caught:
        find(MappedDevice(data))
    assert caught.value.errno == Errno.EIO


def test_a_partition_as_a_device(mbr_disk: Path, tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.write_bytes(mbr_disk.read_bytes())
    device = FileDevice(SystemFiles().open(os.fsencode(path), write=True), "disk")
    part = open_partition(device, "5")
    assert (part.size, part.name) == (4096 * 512, "disk5")
    part.write(10, b"hello")
    part.flush()
    assert bytes(part.view(10, 5)) == b"hello"
    assert bytes(device.view(22528 * 512 + 10, 5)) == b"hello"
    for act in (lambda: part.view(part.size - 1, 2), lambda: part.write(part.size, b"x"), lambda: part.view(-1, 1)):
        with pytest.raises(KernelError) as caught:
            act()
        assert caught.value.errno == Errno.EIO
    with pytest.raises(KernelError) as caught:
        open_partition(device, "9")
    assert caught.value.errno == Errno.ENXIO
    with pytest.raises(KernelError) as caught:
        Slice(device, 64 * MEGA - 5, 6)
    assert caught.value.errno == Errno.EINVAL
    with pytest.raises(KernelError) as caught:
        Slice(MappedDevice(path), 0, 5).write(0, b"x")
    assert caught.value.errno == Errno.EROFS
    part.close()
    assert device.size == 64 * MEGA


@pytest.mark.parametrize("kind", ["mbr", "gpt", "label"])
def test_damaged_tables_never_do_more_than_fail(kind: str, mbr_disk: Path, gpt_disk: Path) -> None:
    clean = bytearray((gpt_disk if kind == "gpt" else mbr_disk).read_bytes()[: 20 * MEGA])
    places = [*range(432, 512, 8), *range(512, 2048, 8)]
    if kind == "label":
        clean = bytearray(512) + label("<", [(16, 100, 7)] * 3) + bytes(MEGA)
    elif kind == "mbr":
        places = [sector * 512 + at for sector in (0, 20480, 26624) for at in range(440, 512, 4)]
    generator = random.Random(kind)
    for _ in range(200):
        saved = [(at, clean[at : at + 512]) for at in generator.choices(places, k=3)]
        for at, _ in saved:
            damage(clean, at, generator)
        try:
            for partition in find(MappedDevice(clean)):
                assert partition.start >= 0
                assert partition.size > 0
        except KernelError as error:
            if error.errno != Errno.EIO:
                raise
        for at, before in reversed(saved):
            clean[at : at + 512] = before
