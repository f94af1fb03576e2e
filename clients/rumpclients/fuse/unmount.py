"""rump_fuse -u: unmounts, and waits until the image is complete."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Sequence

from rumpclients._command import CommandError, Parser, run
from rumpclients.fuse.device import unmount

_MOUNTS = "/proc/self/mountinfo"


def main(prog: str, argv: Sequence[str]) -> int:
    p = Parser(f"{prog} -u", "Unmounts, and waits until the image is complete.")
    p.add_argument("-z", dest="lazy", action="store_true", help="even if it is in use: when the last file is closed")
    p.add_argument("mountpoint", metavar="MOUNTPOINT")
    options = p.parse_args(argv)
    return run(prog, lambda: _unmount(options.mountpoint, lazy=options.lazy))


def _unmount(mountpoint: str, *, lazy: bool) -> None:
    path = os.path.realpath(mountpoint)
    source = source_of(path)
    if source is None:
        raise CommandError(f"{mountpoint}: nothing of ours is mounted there")
    with contextlib.ExitStack() as stack:
        # Opened before: the image's name may be one that is hidden by the mount.
        image = stack.enter_context(open(source, "rb")) if os.path.isfile(source) else None
        unmount(path, lazy=lazy)
        if image is not None and not lazy:
            fcntl.flock(image, fcntl.LOCK_SH)  # whoever serves the mount holds it to the end


def source_of(path: str) -> str | None:
    """What is mounted there by rump_fuse, the newest of several; None: nothing is."""
    found = None
    with open(_MOUNTS) as mounts:
        for line in mounts:
            before, _, behind = line.partition(" - ")
            where, (kind, source) = before.split()[4], behind.split()[:2]
            if _plain(where) == path and kind.startswith("fuse.rump_"):
                found = _plain(source)
    return found


def _plain(text: str) -> str:
    """Blanks and their kin are in octal there."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
