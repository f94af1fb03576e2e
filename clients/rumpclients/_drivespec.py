"""The argument of rump_server -d: a host file for the kernel (rump_server(1))."""

from __future__ import annotations

import os
import re
import stat
from typing import NamedTuple

import rump
from rumpclients._command import CommandError, UsageError

TOKENS = ("key", "hostpath", "size", "offset", "disklabel", "type")
TYPES = ("blk", "chr", "reg")
_UNITS = {"": 1, "b": 512, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40, "w": 4}
_MAX = (1 << 63) - 1


class Drive(NamedTuple):
    """A parsed drivespec. ``size`` is None for the whole file, ``from_host`` says that it is that of the host file.

    ``label`` is the letter of a partition of the file's disklabel, which has size and offset then.
    """

    key: str
    hostpath: str
    kind: str = "blk"
    size: int | None = None
    offset: int = 0
    from_host: bool = False
    label: str = ""


def dd_size(text: str) -> int:
    """A number as dd(1) takes it: with b, k, m, g, t or w behind it, and products with x."""
    out = 1
    for factor in text.lower().split("x"):
        match = re.fullmatch(r"([0-9]{1,19})([bkmgtw]?)", factor)
        if match is None:
            raise UsageError(f"not a size: {text}")
        out *= int(match[1]) * _UNITS[match[2]]
    if out > _MAX:
        raise UsageError(f"too large: {text}")
    return out


def parse(spec: str) -> Drive:
    """A drivespec. UsageError for tokens that are unknown, come twice, are missing or exclude each other."""
    found: dict[str, str] = {}
    for token in spec.split(","):
        name, equals, value = token.partition("=")
        if not equals or name not in TOKENS:
            raise UsageError(f"-d {spec}: unknown token {token!r}; there are {', '.join(TOKENS)}")
        if name in found:
            raise UsageError(f"-d {spec}: {name} is given twice")
        found[name] = value
    _check(spec, found)
    size = found.get("size")
    return Drive(
        found["key"],
        found["hostpath"],
        found.get("type", "blk"),
        None if size in (None, "host") else dd_size(str(size)),
        dd_size(found.get("offset", "0")),
        size == "host",
        found.get("disklabel", ""),
    )


def _check(spec: str, found: dict[str, str]) -> None:
    kind = found.get("type", "blk")
    for needed in ("key", "hostpath"):
        if not found.get(needed):
            raise UsageError(f"-d {spec}: {needed}= is missing")
    if kind not in TYPES:
        raise UsageError(f"-d {spec}: no type {kind}; there are {', '.join(TYPES)}")
    if "disklabel" in found:
        if "size" in found or "offset" in found:
            raise UsageError(f"-d {spec}: disklabel excludes size and offset")
        if re.fullmatch("[a-v]", found["disklabel"]) is None:
            raise UsageError(f"-d {spec}: disklabel={found['disklabel']} is no partition: a to v are")
    elif "size" not in found and kind != "reg":
        raise UsageError(f"-d {spec}: {kind} needs size= (size=host: that of the file)")
    if not found["key"].startswith("/"):
        raise UsageError(f"-d {spec}: key is not an absolute path")


def provide(drive: Drive) -> Drive:
    """Makes the host file when it is not there, and extends one that is too short. The drive with its size known.

    CommandError: size=host needs a regular file that is there and not empty, disklabel= one that has such a partition.
    """
    if drive.label:
        return _labelled(drive)
    try:
        fd = os.open(drive.hostpath, os.O_RDWR | (0 if drive.from_host else os.O_CREAT), 0o644)
    except (PermissionError, OSError) as error:
        if not drive.from_host or not isinstance(error, PermissionError):
            raise
        fd = os.open(drive.hostpath, os.O_RDONLY)
    try:
        found = os.fstat(fd)
        if drive.from_host:
            if not stat.S_ISREG(found.st_mode) or found.st_size <= drive.offset:
                raise CommandError(f"{drive.hostpath}: size=host needs a regular file that is not empty")
            return drive._replace(size=found.st_size - drive.offset)
        if drive.size is not None and stat.S_ISREG(found.st_mode) and found.st_size < drive.offset + drive.size:
            os.ftruncate(fd, drive.offset + drive.size)
    finally:
        os.close(fd)
    return drive


def _labelled(drive: Drive) -> Drive:
    found = {p.name.lstrip("0123456789"): p for p in rump.fs.partitions(drive.hostpath)}.get(drive.label)
    if found is None:
        raise CommandError(f"{drive.hostpath}: its disklabel has no partition {drive.label}")
    return drive._replace(offset=found.start, size=found.size)


def register(k: rump.Client, drive: Drive) -> None:
    """Shows the file in the kernel."""
    drive = provide(drive)
    hostpath = os.path.abspath(drive.hostpath)
    if drive.size is None and not drive.offset:
        k.pub.etfs_register(drive.key, hostpath, drive.kind)
    else:
        k.pub.etfs_register_withsize(drive.key, hostpath, drive.kind, drive.offset, drive.size)
