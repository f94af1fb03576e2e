"""rump_fuse -u: unmounts, and waits until the image is complete."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Sequence

from rumpclients._command import CommandError, Parser, run
from rumpclients.fuse.device import plain, unmount

_MOUNTS = "/proc/self/mountinfo"
_PATIENCE_S, _STEP_S = 2.0, 0.01


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
            _wait(image.fileno(), mountpoint, source)


def _wait(image: int, mountpoint: str, source: str) -> None:
    """Until whoever serves the mount lets go of the image. CommandError when another mount namespace keeps it alive."""
    begun = time.monotonic()
    while True:
        try:
            fcntl.flock(image, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() - begun > _PATIENCE_S and (holder := _elsewhere(source)) is not None:
                raise CommandError(
                    f"{mountpoint}: unmounted here, but not in the mount namespace of process {holder}: the image is"
                    " complete when that has unmounted it too, or has ended"
                ) from None
            time.sleep(_STEP_S)
        else:
            return


def _elsewhere(source: str) -> int | None:
    """A process in whose mount namespace it is still mounted."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/mountinfo") as mounts:
                for line in mounts:
                    kind, found = line.partition(" - ")[2].split()[:2]
                    if kind.startswith("fuse.rump_") and plain(found) == source:
                        return int(name)
    return None


def source_of(path: str) -> str | None:
    """What is mounted there by rump_fuse, the newest of several; None: nothing is."""
    found = None
    with open(_MOUNTS) as mounts:
        for line in mounts:
            before, _, behind = line.partition(" - ")
            where, (kind, source) = before.split()[4], behind.split()[:2]
            if plain(where) == path and kind.startswith("fuse.rump_"):
                found = plain(source)
    return found
