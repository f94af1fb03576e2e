"""Where on an image a file system is: ranges, partitions, and images of virtual machines."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rump._arguments import PathArg
from rump._arguments import path as encoded
from rump._errors import error_of
from rump.fs._probe import probe
from rumpuser.disk import BlockDevice, FileDevice, Slice
from rumpuser.disk.layers import beside, close_layers, open_layers
from rumpuser.disk.partitions import Partition, find
from rumpuser.hostfiles import SystemFiles
from rumpwire.errno import Errno, KernelError

NOTHING_KNOWN = "no known file system"
QCOW2 = b".qcow2"
"""Names that end in it are those of qcow2 images; a disk may have anything at its beginning."""


class Place(NamedTuple):
    """A file system in a file: ``offset`` and ``size`` are bytes of the file, ``layers`` what lies over them."""

    type: str
    offset: int = 0
    size: int | None = None
    layers: tuple[str, ...] = ()


def partitions(image: PathArg) -> list[Partition]:
    """The partitions of an image, none where it has no table. FileNotFoundError, PermissionError, EIO."""
    with _errors(image), _disk(image, 0, None) as (disk, _):
        return find(disk)


def type_of(image: PathArg, partition: int | str | None = None) -> str | None:
    """The type of the file system of an image, or of one of its partitions; None where there is none that is known."""
    try:
        return look(image, None, partition, 0, None).type
    except OSError as error:
        if getattr(error, "text", "").startswith(NOTHING_KNOWN):
            return None
        raise


def look(path: PathArg, type: str | None, partition: int | str | None, offset: int, size: int | None) -> Place:
    """Finds out where and what the file system of an image is. EINVAL, FileNotFoundError, EIO."""
    with _errors(path), _part(path, partition, offset, size) as (disk, layers):
        kind = type or probe(lambda n, at: _read(disk, n, at))
        if kind is None:
            there = [] if partition is not None else find(disk)
            but = f", but partitions: {', '.join(p.name for p in there)}" if there else ""
            raise KernelError(Errno.EINVAL, NOTHING_KNOWN + but)
        return Place(kind, offset, size, layers)


def disk_of(path: PathArg, partition: int | str | None) -> tuple[int, tuple[str, ...]]:
    """How many bytes the disk in a file, or a partition of it, has, and the layers that make it. As `look`."""
    with _errors(path), _part(path, partition, 0, None) as (disk, layers):
        return disk.size, layers


@contextmanager
def open_disk(path: PathArg, partition: int | str | None = None, *, readonly: bool = False) -> Iterator[BlockDevice]:
    """The disk in an image, or a partition of it, as bytes: `view`, `write` and `flush` of a block device.

    FileNotFoundError, PermissionError; BlockingIOError when somebody else writes to the image; EINVAL, EIO.
    """
    fd = lock_image(path, readonly=readonly)
    try:
        with _errors(path), _part(path, partition, 0, None, write=not readonly) as (disk, _):
            yield disk
    finally:
        os.close(fd)


def lock_image(path: PathArg, *, readonly: bool) -> int:
    """Locks the image as long as it is open: two kernels that write to one image destroy it."""
    fd = os.open(path, (os.O_RDONLY if readonly else os.O_RDWR) | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if readonly else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise BlockingIOError(errno.EAGAIN, "the image is in use", os.fsdecode(path)) from None
    return fd


@contextmanager
def _errors(path: PathArg) -> Iterator[None]:
    try:
        yield
    except KernelError as error:
        raise error_of(error, path) from None


@contextmanager
def _disk(
    path: PathArg, offset: int, size: int | None, *, write: bool = False
) -> Iterator[tuple[BlockDevice, tuple[str, ...]]]:
    """The disk in a file, and the layers over the file that make it. EINVAL for a range it has not."""
    name, files = encoded(path), SystemFiles()
    file = FileDevice(files.open(name, write=write), os.fsdecode(name))
    opened: list[BlockDevice] = []
    try:
        if offset < 0 or offset > file.size or (size is not None and not 0 < size <= file.size - offset):
            raise KernelError(Errno.EINVAL, f"no range of an image of {file.size} bytes")
        if offset or size is not None:
            yield Slice(file, offset, file.size - offset if size is None else size), ()
        elif name.endswith(QCOW2):
            opened = open_layers(file, ("qcow2",), beside(files, name), readonly=not write)
            yield opened[-1], ("qcow2",)
        else:
            yield file, ()
    finally:
        close_layers(opened)
        file.close()


@contextmanager
def _part(
    path: PathArg, partition: int | str | None, offset: int, size: int | None, *, write: bool = False
) -> Iterator[tuple[BlockDevice, tuple[str, ...]]]:
    """The disk, or the partition of it that is wanted."""
    with _disk(path, offset, size, write=write) as (disk, layers):
        if partition is None:
            yield disk, layers
            return
        name = _partition(disk, str(partition).lower())
        yield open_layers(disk, (name,))[0], (*layers, name)


def _partition(disk: BlockDevice, name: str) -> str:
    """The name of a partition in its table; a letter may be that of a disklabel in a partition. ENOENT, EINVAL."""
    found = find(disk)
    wanted = [p for p in found if name in (p.name, p.name.lstrip("0123456789"))]
    if not wanted:
        there = f"there are {', '.join(p.name for p in found)}" if found else "there is no partition table"
        raise KernelError(Errno.ENOENT, f"no partition {name}; {there}")
    best = next((p for p in wanted if p.name == name), wanted[0])
    if best.start + best.size > disk.size:
        raise KernelError(Errno.EINVAL, f"partition {name} reaches beyond the image")
    return best.name


def _read(disk: BlockDevice, size: int, offset: int) -> bytes:
    """As pread: shorter at the end."""
    return bytes(disk.view(offset, max(0, min(size, disk.size - offset)))) if offset < disk.size else b""
