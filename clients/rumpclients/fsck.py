"""rump.fsck: checks a file system on a disk of a kernel (fsck(8)).

The checkers are those of this machine (e2fsck, fsck.fat, fsck.exfat, fsck_ffs). They work on a copy of the disk, which
has holes where the disk is all zeros; blocks that they changed are then written back.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence

import rump
from rump.fs import probe
from rumpclients._command import CommandError, Parser, UsageError, connect, run
from rumpclients._disk import media_size

CHECKERS = {"ext2fs": ("e2fsck",), "msdos": ("fsck.fat",), "exfat": ("fsck.exfat",), "ffs": ("fsck_ffs", "fsck.ufs")}
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_CHUNK = 1 << 20
_BLOCK = 4096
ERROR, UNCORRECTED = 8, 4
"""Exit statuses of fsck(8)."""


def main(argv: Sequence[str] | None = None, prog: str = "rump.fsck", kind: str | None = None) -> int:
    p = Parser(prog, "Checks a file system on a disk of the kernel, with the checker that this machine has for it.")
    p.add_argument("-t", dest="kind", metavar="TYPE", default=kind, help="type; found out when left out")
    p.add_argument("-f", dest="force", action="store_true", help="even if it is clean")
    way = p.add_mutually_exclusive_group()
    way.add_argument("-n", dest="way", action="store_const", const="-n", help="only look")
    way.add_argument("-p", dest="way", action="store_const", const="-p", help="mend what is safe to mend")
    way.add_argument("-y", dest="way", action="store_const", const="-y", help="mend everything")
    p.add_argument("special", metavar="SPECIAL", help="the device")
    options = p.parse_args(argv)
    if options.way is None:
        options.way = "-n" if not sys.stdin.isatty() else ""
    return run(prog, lambda: _fsck(prog, options))


def _fsck(prog: str, options: argparse.Namespace) -> int:
    with connect(prog) as k:
        mounted = {os.fsdecode(s.f_mntfromname): s for s in k.sys.getvfsstat()}.get(options.special)
        if mounted is not None and options.way != "-n" and not mounted.f_flag & rump.MNT_RDONLY:
            raise CommandError(f"{options.special}: is mounted on {os.fsdecode(mounted.f_mntonname)}; -n only looks")
        fd = k.sys.open(options.special, os.O_RDONLY if options.way == "-n" else os.O_RDWR)
        try:
            return _checked(k, fd, options)
        finally:
            k.sys.close(fd)


def _checked(k: rump.Client, fd: int, options: argparse.Namespace) -> int:
    head = k.sys.pread(fd, 128 << 10, 0)
    kind = options.kind or probe(lambda size, at: head[at : at + size])
    if kind not in CHECKERS:
        raise UsageError(
            f"{options.special}: no checker for {kind or 'what is there'}; there are {', '.join(CHECKERS)}"
        )
    command = _command(kind, options)
    size = media_size(k, fd)
    with tempfile.NamedTemporaryFile(prefix="rump.fsck-") as copy:
        copy.truncate(size)
        for at, data in _chunks(k, fd, size):
            if any(data):
                os.pwrite(copy.fileno(), data, at)
        before = _sums(copy.fileno(), size)
        sys.stdout.flush()
        status = subprocess.run([*command, copy.name], check=False).returncode
        if options.way != "-n":
            _write_back(k, fd, copy.fileno(), size, before)
    return status


def _command(kind: str, options: argparse.Namespace) -> list[str]:
    where = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SBIN])
    program = next((found for name in CHECKERS[kind] if (found := shutil.which(name, path=where))), None)
    if program is None:
        raise CommandError(f"{' or '.join(CHECKERS[kind])}: not installed on this machine")
    force = ["-f"] if options.force and kind in ("ext2fs", "ffs") else []
    return [program, *force, *([options.way] if options.way else [])]


def _chunks(k: rump.Client, fd: int, size: int) -> Iterator[tuple[int, bytes]]:
    for at in range(0, size, _CHUNK):
        yield at, bytes(k.sys.pread(fd, min(_CHUNK, size - at), at))


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


def _write_back(k: rump.Client, fd: int, copy: int, size: int, before: Callable[[int], bytes]) -> None:
    for block in range(0, size, _BLOCK):
        data = os.pread(copy, min(_BLOCK, size - block), block)
        if hash_of(data.ljust(_BLOCK, b"\0")) != before(block):
            k.sys.pwrite(fd, data, block)
    k.sys.fsync(fd)


def ext2fs(argv: Sequence[str] | None = None) -> int:
    return main(argv, "rump.fsck_ext2fs", "ext2fs")


def msdos(argv: Sequence[str] | None = None) -> int:
    return main(argv, "rump.fsck_msdos", "msdos")


def ffs(argv: Sequence[str] | None = None) -> int:
    return main(argv, "rump.fsck_ffs", "ffs")


if __name__ == "__main__":
    sys.exit(main())
