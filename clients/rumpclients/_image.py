"""Images for the fsu_ programs: a kernel inside this process with the image as its root."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import rump
from rumpclients._command import CommandError, Parser, run
from rumpclients._probe import probe
from rumpclients.mount import WITHOUT_DEVICE, mount_file_system, mount_options

_DEVICE = "/dev/image"
_ROOT = "/mnt"


def parser(prog: str, description: str, **options: Any) -> Parser:
    """A parser with what all fsu_ programs take."""
    p = Parser(prog, description, **options)
    p.add_argument("-t", dest="fs_type", metavar="TYPE", help="type of the file system; found out when left out")
    p.add_argument("-o", dest="fs_options", metavar="OPTS", action="append", default=[], help="mount options")
    p.add_argument("image", metavar="IMAGE")
    return p


@contextmanager
def opened(options: argparse.Namespace, *, readonly: bool = True) -> Iterator[rump.Client]:
    """A process whose root directory is that of the image. CommandError when no file system is found."""
    kind = options.fs_type or _probe(options.image)
    flags, rest = mount_options(",".join(options.fs_options))
    with rump.Kernel(factions=("vfs",)) as k:
        k.sys.mkdir(_ROOT, 0o755)
        if kind not in WITHOUT_DEVICE:
            k.pub.etfs_register(_DEVICE, options.image, "blk")
        try:
            mount_file_system(k, kind, _DEVICE, _ROOT, flags | rump.MNT_RDONLY * readonly, rest)
        except rump.RumpError as error:
            what = error.text or error.strerror
            unknown = error.name == "ENODEV"
            raise CommandError(f"{options.image}: {f'no file system {kind}' if unknown else what}") from None
        k.sys.chroot(_ROOT)
        k.sys.chdir("/")
        yield k


def _probe(image: str) -> str:
    with open(image, "rb") as file:

        def pread(size: int, offset: int) -> bytes:
            return os.pread(file.fileno(), size, offset)

        found = probe(pread)
    if found is None:
        raise CommandError(f"{image}: no known file system; name one with -t")
    return found


def program(prog: str, options: argparse.Namespace, work: Callable[[rump.Client, argparse.Namespace], int]) -> int:
    """Runs the work of an fsu_ program on its image."""

    def inside() -> int:
        with opened(options) as k:
            return work(k, options)

    return run(prog, inside)


def absolute(path: str) -> str:
    """A path of the image; there is no other working directory than its root."""
    return path if path.startswith("/") else f"/{path}"


def entries(k: rump.Client, path: bytes) -> list[tuple[bytes, rump.Stat]]:
    """Names and attributes of what is in a directory, sorted by name, in a few messages."""
    out: list[tuple[bytes, rump.Stat]] = []
    names = sorted(entry.d_name for entry in k.scandir(path))
    for at in range(0, len(names), 512):
        part = names[at : at + 512]
        with k.batch(keep_going=True) as b:
            found = [b.lstat(os.path.join(path, name)) for name in part]
        out += [(name, future.result()) for name, future in zip(part, found, strict=True)]
    return out
