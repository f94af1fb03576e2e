"""rump.vnconfig: files as disks (vnconfig(8))."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import rump
from rumpclients._command import Parser, UsageError, connect, run
from rumpclients._disk import ioctl, raw, units

PROG = "rump.vnconfig"


def parser() -> Parser:
    p = Parser(PROG, "Makes a file of the kernel that RUMP_SERVER names a disk, or takes that back.")
    how = p.add_mutually_exclusive_group()
    how.add_argument("-c", action="store_true", help="configure (so it is without any of these flags)")
    how.add_argument("-u", action="store_true", help="unconfigure")
    how.add_argument("-l", action="store_true", help="list what is configured")
    p.add_argument("-F", action="store_true", help="with -u: although it is in use")
    p.add_argument("-r", action="store_true", help="read-only")
    p.add_argument("-v", action="store_true", help="tell what is done")
    p.add_argument("disk", nargs="?", metavar="vnode_disk")
    p.add_argument("file", nargs="?", metavar="regular-file")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> None:
    if not options.l and not options.disk:
        raise UsageError("a vnode_disk is needed (vnd0)")
    if bool(options.file) != (not options.l and not options.u):
        raise UsageError("a regular-file is needed to configure, and only then")
    with connect(PROG) as k:
        if options.l:
            _list(k, [options.disk] if options.disk else units(k, "vnd"))
        elif options.u:
            _unconfigure(k, options)
        else:
            _configure(k, options)


def _configure(k: rump.Client, options: argparse.Namespace) -> None:
    flags = rump.VNDIOF_READONLY if options.r else 0
    done = ioctl(k, raw(options.disk), rump.VNDIOCSET, rump.VndIoctl(os.fsencode(options.file), flags))
    if options.v:
        print(f"{raw(options.disk)}: {done.vnd_size} bytes on {options.file}")


def _unconfigure(k: rump.Client, options: argparse.Namespace) -> None:
    flags = rump.VNDIOF_FORCE if options.F else 0
    ioctl(k, raw(options.disk), rump.VNDIOCCLR, rump.VndIoctl(vnd_flags=flags))
    if options.v:
        print(f"{raw(options.disk)}: cleared")


def _list(k: rump.Client, names: Sequence[str]) -> None:
    for name in names:
        user = ioctl(k, raw(name), rump.VNDIOCGET, write=False)
        where = f"{os.fsdecode(user.vnu_file)} (dev {user.vnu_dev}) inode {user.vnu_ino}"
        print(f"{name}: {where if user.vnu_file else 'not in use'}")


if __name__ == "__main__":
    sys.exit(main())
