"""rump.fsck: checks a file system on a disk of a kernel or, with -F, in an image (fsck(8)).

The checkers are those of this machine (e2fsck, fsck.fat, fsck.exfat, fsck_ffs). They work on a copy of the disk, which
has holes where the disk is all zeros; blocks that they changed are then written back.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import rump
from rump.fs import open_disk, probe
from rumpclients._command import CommandError, Parser, UsageError, connect, run
from rumpclients._disk import block_of, media_size
from rumpclients._image import on_host, split_name
from rumpuser.disk import BlockDevice

CHECKERS = {"ext2fs": ("e2fsck",), "msdos": ("fsck.fat",), "exfat": ("fsck.exfat",), "ffs": ("fsck_ffs", "fsck.ufs")}
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_CHUNK = 1 << 20
_BLOCK = 4096
ERROR, UNCORRECTED = 8, 4
"""Exit statuses of fsck(8)."""


def main(argv: Sequence[str] | None = None, prog: str = "rump.fsck", kind: str | None = None) -> int:
    p = Parser(
        prog,
        "Checks a file system with the checker that this machine has for it: on a disk of the kernel of RUMP_SERVER;"
        " with -F, and where no kernel is named, in an image of the host.",
    )
    p.add_argument("-F", dest="image", action="store_true", help="SPECIAL is an image, or a partition of one: image@p1")
    p.add_argument("-t", dest="kind", metavar="TYPE", default=kind, help="type; found out when left out")
    p.add_argument("-f", dest="force", action="store_true", help="even if it is clean")
    way = p.add_mutually_exclusive_group()
    way.add_argument("-n", dest="way", action="store_const", const="-n", help="only look")
    way.add_argument("-p", dest="way", action="store_const", const="-p", help="mend what is safe to mend")
    way.add_argument("-y", dest="way", action="store_const", const="-y", help="mend everything")
    p.add_argument("special", metavar="SPECIAL", help="disk of the kernel, or image, image@p1, image@a")
    options = p.parse_args(argv)
    if options.way is None:
        options.way = "-n" if not sys.stdin.isatty() else ""
    return run(prog, lambda: _fsck(prog, options))


class _Disk(Protocol):
    """What is checked."""

    size: int

    def read(self, size: int, at: int) -> bytes: ...

    def write(self, data: bytes, at: int) -> None: ...

    def sync(self) -> None: ...


class _KernelDisk:
    def __init__(self, k: rump.Client, fd: int) -> None:
        self.size = media_size(k, fd)
        self._sys = k.sys
        self._fd = fd

    def read(self, size: int, at: int) -> bytes:
        return bytes(self._sys.pread(self._fd, size, at))

    def write(self, data: bytes, at: int) -> None:
        self._sys.pwrite(self._fd, data, at)

    def sync(self) -> None:
        self._sys.fsync(self._fd)


class _ImageDisk:
    def __init__(self, disk: BlockDevice) -> None:
        self.size = disk.size
        self._disk = disk

    def read(self, size: int, at: int) -> bytes:
        return bytes(self._disk.view(at, size))

    def write(self, data: bytes, at: int) -> None:
        self._disk.write(at, data)

    def sync(self) -> None:
        self._disk.flush()


def _fsck(prog: str, options: argparse.Namespace) -> int:
    opened = _in_image if on_host(options.special, wanted=options.image) else _on_disk
    with opened(prog, options) as disk:
        return _checked(disk, options)


@contextlib.contextmanager
def _in_image(_: str, options: argparse.Namespace) -> Iterator[_Disk]:
    name, partition = split_name(options.special)
    with open_disk(name, partition, readonly=options.way == "-n") as disk:
        yield _ImageDisk(disk)


@contextlib.contextmanager
def _on_disk(prog: str, options: argparse.Namespace) -> Iterator[_Disk]:
    with connect(prog) as k:
        special = block_of(k, options.special)
        mounted = {os.fsdecode(s.f_mntfromname): s for s in k.sys.getvfsstat()}.get(special)
        if mounted is not None and options.way != "-n" and not mounted.f_flag & rump.MNT_RDONLY:
            raise CommandError(f"{options.special}: is mounted on {os.fsdecode(mounted.f_mntonname)}; -n only looks")
        fd = k.sys.open(special, os.O_RDONLY if options.way == "-n" else os.O_RDWR)
        try:
            yield _KernelDisk(k, fd)
        finally:
            k.sys.close(fd)


def _checked(disk: _Disk, options: argparse.Namespace) -> int:
    size = disk.size
    head = disk.read(min(128 << 10, size), 0)
    kind = options.kind or probe(lambda count, at: head[at : at + count])
    if kind not in CHECKERS:
        raise UsageError(
            f"{options.special}: no checker for {kind or 'what is there'}; there are {', '.join(CHECKERS)}"
        )
    command = _command(kind, options)
    with tempfile.NamedTemporaryFile(prefix="rump.fsck-") as copy:
        copy.truncate(size)
        for at in range(0, size, _CHUNK):
            data = disk.read(min(_CHUNK, size - at), at)
            if any(data):
                os.pwrite(copy.fileno(), data, at)
        before = _sums(copy.fileno(), size)
        sys.stdout.flush()
        status = subprocess.run([*command, copy.name], check=False).returncode
        if options.way != "-n":
            _write_back(disk, copy.fileno(), size, before)
    return status


def _command(kind: str, options: argparse.Namespace) -> list[str]:
    where = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SBIN])
    program = next((found for name in CHECKERS[kind] if (found := shutil.which(name, path=where))), None)
    if program is None:
        raise CommandError(f"{' or '.join(CHECKERS[kind])}: not installed on this machine")
    force = ["-f"] if options.force and kind in ("ext2fs", "ffs") else []
    return [program, *force, *([options.way] if options.way else [])]


def _sums(fd: int, size: int) -> Callable[[int], bytes]:
    """What blocks were, by their digests."""
    kept: dict[int, bytes] = {}
    at = 0
    while at < size:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        block = at // _BLOCK * _BLOCK
        data = os.pread(fd, _BLOCK, block)
        if any(data):
            kept[block] = hash_of(data)
        at = block + _BLOCK
    zeros = hash_of(bytes(_BLOCK))
    return lambda block: kept.get(block, zeros)


def hash_of(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _write_back(disk: _Disk, copy: int, size: int, before: Callable[[int], bytes]) -> None:
    for block in range(0, size, _BLOCK):
        data = os.pread(copy, min(_BLOCK, size - block), block)
        if hash_of(data.ljust(_BLOCK, b"\0")) != before(block):
            disk.write(data, block)
    disk.sync()


def ext2fs(argv: Sequence[str] | None = None) -> int:
    return main(argv, "rump.fsck_ext2fs", "ext2fs")


def msdos(argv: Sequence[str] | None = None) -> int:
    return main(argv, "rump.fsck_msdos", "msdos")


def ffs(argv: Sequence[str] | None = None) -> int:
    return main(argv, "rump.fsck_ffs", "ffs")


if __name__ == "__main__":
    sys.exit(main())
