"""qcow2 images against qemu-img and qemu-io: what one writes the other reads, and the check finds nothing."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from rumpuser.disk import BlockDevice, FileDevice
from rumpuser.disk.qcow2 import Qcow2, create, is_qcow2, open_image
from rumpuser.host import Buffer
from rumpuser.hostfiles import SystemFiles
from rumpwire.errno import Errno, KernelError
from tests.ext4_images import run

MEGA = 1 << 20
SIZE = 8 * MEGA


def device(path: Path, *, write: bool = True) -> FileDevice:
    if write and not path.exists():
        path.touch()
    return FileDevice(SystemFiles().open(os.fsencode(path), write=write), path.name, readonly=not write)


def beside(path: Path) -> object:
    """Opens backing files in the folder of the image."""
    return lambda name: device(path.parent / name, write=False)


def opened(path: Path, *, write: bool = True) -> Qcow2:
    return open_image(device(path, write=write), beside(path), readonly=not write)  # type: ignore[arg-type]


def clean(path: Path) -> None:
    report = run("qemu-img", "check", "-f", "qcow2", path)
    assert "No errors were found" in report, report
    assert "leaked" not in report


def raw_of(path: Path) -> bytes:
    out = path.with_suffix(".raw")
    run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, out)
    return out.read_bytes()


def scribble(disk: BlockDevice, model: bytearray, seed: int, rounds: int = 60) -> None:
    """Random writes to a disk and a copy of it, each read back."""
    generator = random.Random(seed)
    for _ in range(rounds):
        offset = generator.randrange(len(model))
        length = min(generator.choice((1, 512, 4096, 70_000, 200_000)), len(model) - offset)
        data = generator.randbytes(length)
        disk.write(offset, data)
        model[offset : offset + length] = data
        at = generator.randrange(len(model) - 1000)
        assert bytes(disk.view(at, 1000)) == model[at : at + 1000]
    assert bytes(disk.view(0, len(model))) == model


FORMATS = {
    "defaults": {},
    "small clusters": {"cluster_bits": 9},
    "large clusters": {"cluster_bits": 20},
    "version 2": {"version": 2, "cluster_bits": 12},
    "counts of 1 bit": {"refcount_bits": 1, "cluster_bits": 12},
    "counts of 64 bits": {"refcount_bits": 64, "cluster_bits": 10},
}


@pytest.mark.parametrize("name", FORMATS)
def test_what_we_make_and_write_qemu_reads(name: str, tmp_path: Path) -> None:
    path = tmp_path / "image"
    create(device(path), SIZE, **FORMATS[name])
    clean(path)
    model = bytearray(SIZE)
    disk = opened(path)
    scribble(disk, model, 1)
    disk.flush()
    disk.close()
    clean(path)
    assert raw_of(path) == model
    assert bytes(opened(path, write=False).view(0, SIZE)) == model


QEMU_OPTIONS = {
    "defaults": "",
    "compat 0.10": "compat=0.10",
    "metadata preallocated": "preallocation=metadata",
    "all preallocated": "preallocation=falloc",
    "lazy": "lazy_refcounts=on",
    "small": "cluster_size=512",
    "counts of 8 bits": "refcount_bits=8",
    "zstd, none compressed": "compression_type=zstd",
}


@pytest.mark.parametrize("name", QEMU_OPTIONS)
def test_what_qemu_makes_we_write(name: str, tmp_path: Path) -> None:
    path = tmp_path / "image"
    options = ["-o", QEMU_OPTIONS[name]] if QEMU_OPTIONS[name] else []
    run("qemu-img", "create", "-q", "-f", "qcow2", *options, path, str(SIZE))
    run(
        "qemu-io",
        "-f",
        "qcow2",
        "-c",
        "write -P 7 1000000 300000",
        "-c",
        "write -z 2M 1M",
        "-c",
        "discard 1M 64k",
        path,
    )
    model = bytearray(raw_of(path))
    disk = opened(path)
    assert bytes(disk.view(0, SIZE)) == model
    scribble(disk, model, 2)
    disk.close()
    clean(path)
    assert raw_of(path) == model


def test_compressed_clusters(tmp_path: Path) -> None:
    content = bytearray(b"".join(bytes((number % 256,)) * 3000 for number in range(2600)).ljust(SIZE, b"\0"))
    (tmp_path / "raw").write_bytes(content)
    path = tmp_path / "image"
    run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", tmp_path / "raw", path)
    disk = opened(path)
    assert path.stat().st_size < SIZE // 4
    assert bytes(disk.view(0, SIZE)) == content
    scribble(disk, content, 3)
    disk.close()
    clean(path)
    assert raw_of(path) == content


def test_zstd_is_refused_when_it_is_met(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"a" * MEGA)
    path = tmp_path / "image"
    command = ["qemu-img", "convert", "-c", "-O", "qcow2", "-f", "raw", "-o", "compression_type=zstd"]
    run(*command, tmp_path / "raw", path)
    with pytest.raises(KernelError) as caught:
        opened(path).view(0, 10)
    assert caught.value.errno == Errno.EOPNOTSUPP


def test_snapshots_keep_what_they_had(tmp_path: Path) -> None:
    path = tmp_path / "image"
    create(device(path), SIZE, cluster_bits=12)
    model = bytearray(SIZE)
    disk = opened(path)
    scribble(disk, model, 4)
    disk.close()
    run("qemu-img", "snapshot", "-c", "one", path)
    before = bytes(model)
    disk = opened(path)
    scribble(disk, model, 5)
    disk.close()
    clean(path)
    assert raw_of(path) == model
    run("qemu-img", "convert", "-l", "snapshot.name=one", "-f", "qcow2", "-O", "raw", path, tmp_path / "one.raw")
    assert (tmp_path / "one.raw").read_bytes() == before


def test_backing_files(tmp_path: Path) -> None:
    """A raw file, an image of qemu on it, an image of ours on that; each larger than the one below."""
    base = bytearray(os.urandom(MEGA - 512))
    (tmp_path / "base").write_bytes(base)
    run("qemu-img", "create", "-q", "-f", "qcow2", "-b", "base", "-F", "raw", tmp_path / "middle", "3M")
    run("qemu-io", "-f", "qcow2", "-c", "write -P 9 500000 100000", tmp_path / "middle")
    create(device(tmp_path / "top"), SIZE, backing="middle", backing_format="qcow2")
    model = bytearray(raw_of(tmp_path / "top"))
    assert model[:500_000] == base[:500_000]
    disk = opened(tmp_path / "top")
    assert bytes(disk.view(0, SIZE)) == model
    scribble(disk, model, 6)
    disk.close()
    clean(tmp_path / "top")
    assert raw_of(tmp_path / "top") == model
    assert (tmp_path / "base").read_bytes() == base


def test_a_chain_without_end(tmp_path: Path) -> None:
    path = tmp_path / "image"
    create(device(path), SIZE, backing="image", backing_format="qcow2")
    with pytest.raises(KernelError) as caught:
        opened(path, write=False)
    assert caught.value.errno == Errno.ELOOP


def test_a_backing_file_of_unknown_format_has_none_of_its_own(tmp_path: Path) -> None:
    create(device(tmp_path / "base"), SIZE, backing="secret", backing_format="raw")
    create(device(tmp_path / "top"), SIZE, backing="base")
    for path in (tmp_path / "top", tmp_path / "base"):
        with pytest.raises(KernelError) as caught:
            open_image(device(path, write=False), None if path.name == "base" else beside(path))  # type: ignore[arg-type]
        assert caught.value.errno == Errno.EOPNOTSUPP


def test_an_image_that_was_not_closed(tmp_path: Path) -> None:
    """Its counts are as good as lost: they are set to zero here, and the dirty bit is set."""
    path = tmp_path / "image"
    create(device(path), SIZE, cluster_bits=12)
    disk = opened(path)
    model = bytearray(SIZE)
    scribble(disk, model, 7)
    disk.close()
    run("qemu-img", "snapshot", "-c", "one", path)
    data = bytearray(path.read_bytes())
    table = int.from_bytes(data[48:56], "big")
    block = int.from_bytes(data[table : table + 8], "big")
    data[block : block + 4096] = bytes(4096)
    data[79] |= 1
    path.write_bytes(data)
    assert bytes(opened(path, write=False).view(0, SIZE)) == model
    disk = opened(path)
    scribble(disk, model, 8)
    disk.close()
    clean(path)
    assert raw_of(path) == model
    assert not path.read_bytes()[79] & 1


def test_the_table_of_counts_grows(tmp_path: Path) -> None:
    """With clusters of 512 bytes it is full after 8 MiB."""
    path = tmp_path / "image"
    create(device(path), 24 * MEGA, cluster_bits=9)
    disk = opened(path)
    content = os.urandom(20 * MEGA)
    disk.write(MEGA, content)
    assert disk.header.refcount_table_clusters > 1
    disk.close()
    clean(path)
    assert raw_of(path)[MEGA : 21 * MEGA] == content


@pytest.mark.parametrize("refcount_bits", [1, 16])
def test_what_is_free_is_used_again(refcount_bits: int, tmp_path: Path) -> None:
    path = tmp_path / "image"
    run("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"refcount_bits={refcount_bits}", path, str(SIZE))
    run("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 4M", path)
    length = path.stat().st_size
    run("qemu-io", "-f", "qcow2", "-c", "discard 0 2M", path)
    disk = opened(path)
    disk.write(5 * MEGA, b"new" * (MEGA // 2))
    disk.close()
    assert path.stat().st_size <= length + (65536 * 8 if refcount_bits == 1 else 0)
    clean(path)


class Recorder:
    """A device that remembers what was written."""

    readonly = False
    name = "recorder"

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.writes: list[tuple[int, bytes]] = []

    @property
    def size(self) -> int:
        return len(self.data)

    def view(self, offset: int, length: int) -> memoryview:
        assert offset + length <= len(self.data)
        return memoryview(bytes(self.data[offset : offset + length]))

    def write(self, offset: int, data: Buffer) -> None:
        self.writes.append((offset, bytes(data)))
        put(self.data, offset, data)

    def flush(self) -> None: ...

    def close(self) -> None: ...


def put(image: bytearray, offset: int, data: Buffer) -> None:
    image += bytes(max(offset + len(data) - len(image), 0))
    image[offset : offset + len(data)] = data


def test_a_kernel_may_end_at_any_write(tmp_path: Path) -> None:
    """Then some clusters are counted and not used; none is used and not counted."""
    path = tmp_path / "image"
    create(device(path), SIZE, cluster_bits=9, refcount_bits=64)
    disk = opened(path)
    scribble(disk, bytearray(SIZE), 9, rounds=3)
    disk.close()
    run("qemu-img", "snapshot", "-c", "one", path)
    before = path.read_bytes()
    recorder = Recorder(before)
    disk = open_image(recorder)
    generator = random.Random(10)
    for _ in range(40):
        disk.write(generator.randrange(SIZE - 200_000), generator.randbytes(generator.choice((100, 200_000))))
    assert disk.header.refcount_table_clusters > 1
    # The last ones of them, and those around the growth of the table, are the ones that matter.
    growth = next(number for number, (offset, _) in enumerate(recorder.writes) if offset == 48)
    points = {*generator.sample(range(len(recorder.writes)), 12), *range(growth - 6, growth + 4)}
    image, cut = bytearray(before), tmp_path / "cut"
    for number, (offset, data) in enumerate(recorder.writes):
        put(image, offset, data)
        if number in points:
            cut.write_bytes(image)
            report = run("qemu-img", "check", "-f", "qcow2", cut, check=False)
            assert "ERROR" not in report, (number, report)


def test_refusals(tmp_path: Path) -> None:
    path = tmp_path / "image"
    create(device(path), SIZE)
    assert is_qcow2(device(path))
    with pytest.raises(KernelError) as caught:
        opened(path, write=False).write(0, b"x")
    assert caught.value.errno == Errno.EROFS
    for offset in (SIZE, -1):
        with pytest.raises(KernelError) as caught:
            opened(path).write(offset, b"x")
        assert caught.value.errno == Errno.EIO
    for change, errno in (((0, 0), Errno.EINVAL), ((7, 9), Errno.EOPNOTSUPP), ((23, 40), Errno.EINVAL),
                          ((35, 1), Errno.EOPNOTSUPP), ((79, 4), Errno.EOPNOTSUPP), ((79, 16), Errno.EOPNOTSUPP),
                          ((78, 1), Errno.EOPNOTSUPP), ((79, 2), Errno.EIO), ((47, 1), Errno.EINVAL)):  # fmt: skip
        data = bytearray(path.read_bytes())
        data[change[0]] = change[1]
        (tmp_path / "bad").write_bytes(data)
        with pytest.raises(KernelError) as caught:
            opened(tmp_path / "bad")
        assert caught.value.errno == errno, change
    for size, options in ((100, {}), (SIZE, {"cluster_bits": 8}), (SIZE, {"version": 4}), (SIZE, {"refcount_bits": 3})):
        with pytest.raises(KernelError) as caught:
            create(device(tmp_path / "new"), size, **options)
        assert caught.value.errno == Errno.EINVAL
    with pytest.raises(KernelError) as caught:
        create(device(tmp_path / "new"), 1 << 50, cluster_bits=9)
    assert caught.value.errno == Errno.EFBIG
