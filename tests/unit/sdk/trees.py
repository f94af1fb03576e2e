"""Trees of the host, compared."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any


def look(folder: bytes) -> dict[bytes, tuple[Any, ...]]:
    """What a tree of the host is, as far as copies keep it. Inodes are numbered in order of appearance."""
    out: dict[bytes, tuple[Any, ...]] = {}
    inodes: dict[int, int] = {}
    todo = [(b"", os.open(folder, os.O_RDONLY | os.O_DIRECTORY))]
    while todo:
        below, fd = todo.pop()
        for name in sorted(map(os.fsencode, os.listdir(fd))):
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
            path = below + b"/" + name
            number = inodes.setdefault(found.st_ino, len(inodes)) if not stat.S_ISDIR(found.st_mode) else -1
            rest = _contents(fd, name, found)
            out[path] = (oct(found.st_mode), found.st_uid, found.st_gid, found.st_mtime_ns, number, *rest)
            if stat.S_ISDIR(found.st_mode):
                todo.append((path, os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)))
        os.close(fd)
    return out


def _contents(fd: int, name: bytes, found: os.stat_result) -> tuple[Any, ...]:
    if stat.S_ISLNK(found.st_mode):
        return (os.readlink(name, dir_fd=fd),)
    if stat.S_ISREG(found.st_mode):
        handle = os.open(name, os.O_RDONLY, dir_fd=fd)
        try:
            xattrs = {n: os.getxattr(handle, n) for n in os.listxattr(handle) if n.startswith("user.")}
            return os.read(handle, found.st_size), xattrs, found.st_blocks * 512 < found.st_size
        finally:
            os.close(handle)
    return (found.st_rdev,)


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}
