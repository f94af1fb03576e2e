"""A page of memory in which vfs counts changes, for clients of its host that keep answers (docs/transport.md).

The gateway makes one for each vfs that serves, vfs counts in it, clients can only read it. What a client keeps bears
the counts of before it asked: while they are the same nothing has changed since the call was made. So nobody is told
of anything, and nobody has to be waited for. Whatever changes names, or who may see them, counts one word, twice:
while it is odd a change is under way. What changes one file counts words of that file, which others share.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import socket

from rumpuser.transport.memory import Pool, create

MAGIC = int.from_bytes(b"rumplse1", "little")
WORDS = 1024
SIZE = 8 * WORDS
FILES = 496
"""Files have so many words among them, of each kind."""
OPEN, VOID, NAMES, OTHERS = 1, 2, 3, 4
"""Words: vfs counts here; nobody does any more; names; answers without a file that are not to be kept."""
ATTRIBUTES = 16
CONTENTS = ATTRIBUTES + FILES
WISH = b"\nleases"
"""Stands behind a token where the page is asked for, or handed over, in the place of memory for contents."""
_NUMBER = 8
_HELLO_S = 5.0


def attributes_of(dev: int, ino: int) -> int:
    """The word that counts changes of a file's attributes."""
    return ATTRIBUTES + (dev ^ ino) % FILES


def contents_of(dev: int, ino: int) -> int:
    """The word that counts changes of what is in a file."""
    return CONTENTS + (dev ^ ino) % FILES


class Page:
    """The page as vfs and the gateway have it. Each word is written by one process, save VOID: that is only set."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.words = pool.view.cast("Q")

    def void(self) -> None:
        """From now on nobody relies on it."""
        self.words[VOID] = 1

    def open(self) -> None:
        """All changes are counted from now on."""
        self.words[OPEN] = 1


def make() -> Page:
    """A new one, for a vfs that does not count yet. OSError."""
    page = Page(create(SIZE, "rump-leases"))
    page.words[0] = MAGIC
    return page


def read_only(page: Page) -> int:
    """A descriptor of the page for those who may not write it, nor make one with which they may. OSError."""
    os.fchmod(page.pool.fd, 0o400)
    return os.open(f"/proc/self/fd/{page.pool.fd}", os.O_RDONLY | os.O_CLOEXEC)


def take(path: str, token: bytes) -> mmap.mmap | None:
    """The page of a kernel that shares memory there; None where it has none. Blocks. Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
        link.settimeout(_HELLO_S)
        link.connect(path)
        link.send(token + WISH)
        _, fds, _, _ = socket.recv_fds(link, _NUMBER, 1)
    if not fds:
        return None
    try:
        seals = fcntl.fcntl(fds[0], fcntl.F_GET_SEALS)
        if not seals & fcntl.F_SEAL_SHRINK or os.fstat(fds[0]).st_size < SIZE:
            return None
        found = mmap.mmap(fds[0], SIZE, prot=mmap.PROT_READ)
    finally:
        os.close(fds[0])
    return found if found[:8] == MAGIC.to_bytes(8, "little") else None
