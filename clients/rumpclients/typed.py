"""rump.mount_TYPE and rump.newfs_TYPE: the programs of single file systems (mount_tmpfs(8), newfs_msdos(8), ...)."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Sequence

from rumpclients import newfs
from rumpclients._command import Parser, connect, run
from rumpclients.mount import WITHOUT_DEVICE, mount_file_system, mount_options

Main = Callable[..., int]
_OWNERS = (("-u", "uid", "USER", "owner"), ("-g", "gid", "GROUP", "group"))
OWN = {
    "tmpfs": (*_OWNERS, ("-m", "mode", "MODE", "mode of the root"), ("-s", "size", "SIZE", "most bytes"),
              ("-n", "nodes", "N", "most files")),
    "msdos": (*_OWNERS, ("-m", "mask", "MASK", "mode bits of files"), ("-M", "dirmask", "MASK", "and of directories")),
}  # fmt: skip
"""Flags that stand for options of the file system."""


def _mount(kind: str, argv: Sequence[str] | None = None) -> int:
    prog = f"rump.mount_{kind}"
    p = Parser(prog, f"Mounts {kind} in the kernel.")
    p.add_argument("-o", dest="options", metavar="OPTIONS", action="append", default=[], help="flags and options")
    for flag, name, value, text in OWN.get(kind, ()):
        p.add_argument(flag, dest=f"own_{name}", metavar=value, help=text)
    what = kind if kind in WITHOUT_DEVICE else "special"
    p.add_argument("special", metavar=what, help="the device" if what == "special" else "any word")
    p.add_argument("node", help="where to")
    options = p.parse_args(argv)
    return run(prog, lambda: _do_mount(prog, kind, options))


def _do_mount(prog: str, kind: str, options: argparse.Namespace) -> None:
    flags, rest = mount_options(",".join(options.options))
    for _, name, _, _ in OWN.get(kind, ()):
        value = getattr(options, f"own_{name}")
        if value is not None:
            rest[name] = value
    with connect(prog) as k:
        mount_file_system(k, kind, options.special, options.node, flags, rest)


def _newfs(kind: str, argv: Sequence[str] | None = None) -> int:
    return newfs.main(argv, f"rump.newfs_{kind}", kind)


mount_cd9660: Main = functools.partial(_mount, "cd9660")
mount_exfat: Main = functools.partial(_mount, "exfat")
mount_ext2fs: Main = functools.partial(_mount, "ext2fs")
mount_ffs: Main = functools.partial(_mount, "ffs")
mount_kernfs: Main = functools.partial(_mount, "kernfs")
mount_msdos: Main = functools.partial(_mount, "msdos")
mount_nfs: Main = functools.partial(_mount, "nfs")
mount_procfs: Main = functools.partial(_mount, "procfs")
mount_ptyfs: Main = functools.partial(_mount, "ptyfs")
mount_tmpfs: Main = functools.partial(_mount, "tmpfs")
mount_udf: Main = functools.partial(_mount, "udf")
mount_union: Main = functools.partial(_mount, "union")
newfs_exfat: Main = functools.partial(_newfs, "exfat")
newfs_ext2fs: Main = functools.partial(_newfs, "ext2fs")
newfs_ffs: Main = functools.partial(_newfs, "ffs")
newfs_msdos: Main = functools.partial(_newfs, "msdos")


if __name__ == "__main__":
    sys.exit(mount_tmpfs())
