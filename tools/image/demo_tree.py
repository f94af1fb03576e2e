"""The files of the demo image, written into a folder: ``python demo_tree.py FOLDER``.

They are made so that a reader of ext4 meets what such images have: files inside their inode and in many extents, holes,
directories with an index, short and long symbolic links, hard links, long and non-ASCII names, an empty file.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
from pathlib import Path

WHEN = 1_750_000_000
"""Time of everything in the image, 2025-06-15."""
MOTD = "Welcome. This file system was made by mke2fs and is read by a kernel made of Python processes.\n"


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)


def tree(root: Path) -> None:
    random_bytes = random.Random(8).randbytes
    write(root / "etc/motd", MOTD.encode())
    write(root / "etc/hostname", b"demo\n")
    write(root / "etc/secret", b"mode 0600\n", 0o600)
    write(root / "bin/hello", b"#!/bin/sh\necho hello\n", 0o755)
    write(root / "data/empty", b"")
    write(root / "data/random", random_bytes(100_000))
    write(root / "data/text", b"".join(b"%05d the quick brown fox jumps over the lazy dog\n" % n for n in range(2000)))
    sparse(root / "data/sparse", random_bytes)
    os.link(root / "data/text", root / "data/text-again")
    for number in range(120):
        write(root / f"many/{number:03d}-{'name' * 8}", b"%d\n" % number)
    write(root / f"names/{'n' * 255}", b"as long as a name can be\n")
    write(root / "names/grüße-世界", b"UTF-8\n")
    write(root / "names/with spaces and 'quotes'", b"quotes\n")
    write(root / "deep/a/b/c/d/e/f/g/bottom", b"deep down\n")
    links = {"etc/motd.link": "motd", "absolute": "/etc/motd", "dangling": "nowhere"}
    links["long.link"] = "./" * 40 + "etc/motd"
    for name, target in links.items():
        (root / name).symlink_to(target)


def sparse(path: Path, random_bytes: object) -> None:
    """Eight blocks far apart, so eight extents and a tree to find them. (mke2fs 1.47 loses a hole at the end.)"""
    assert callable(random_bytes)
    with path.open("wb") as file:
        for number in range(8):
            file.seek(number * 131_072)
            file.write(random_bytes(1024))


def sums(root: Path) -> bytes:
    """As sha256sum writes it, of all regular files."""
    files = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return b"".join(
        b"%s  %s\n" % (hashlib.sha256(path.read_bytes()).hexdigest().encode(), os.fsencode(path.relative_to(root)))
        for path in files
    )


def main(root: Path) -> None:
    os.umask(0o022)
    tree(root)
    write(root / "SHA256SUMS", sums(root))
    for path in sorted(root.rglob("*"), reverse=True):
        os.utime(path, (WHEN, WHEN), follow_symlinks=False)
    os.utime(root, (WHEN, WHEN))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
