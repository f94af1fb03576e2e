"""rump.mount, rump.umount, rump.df: file systems of a kernel (mount(8), umount(8), df(1))."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, TypeAlias

import rump
from rump.fs import probe
from rumpclients._command import CommandError, Parser, UsageError, connect, human, print_json, print_table, run

WITHOUT_DEVICE = {"fdesc", "kernfs", "procfs", "ptyfs", "tmpfs"}
FLAGS = {
    "ro": rump.MNT_RDONLY, "rdonly": rump.MNT_RDONLY, "sync": rump.MNT_SYNCHRONOUS, "noexec": rump.MNT_NOEXEC,
    "nosuid": rump.MNT_NOSUID, "nodev": rump.MNT_NODEV, "union": rump.MNT_UNION, "async": rump.MNT_ASYNC,
    "noatime": rump.MNT_NOATIME, "update": rump.MNT_UPDATE, "force": rump.MNT_FORCE, "reload": rump.MNT_RELOAD,
}  # fmt: skip
SHOWN = {
    rump.MNT_RDONLY: "read-only", rump.MNT_SYNCHRONOUS: "synchronous", rump.MNT_NOEXEC: "noexec",
    rump.MNT_NOSUID: "nosuid", rump.MNT_NODEV: "nodev", rump.MNT_UNION: "union", rump.MNT_ASYNC: "asynchronous",
    rump.MNT_NOATIME: "noatime", rump.MNT_QUOTA: "with quotas", rump.MNT_LOCAL: "local",
}  # fmt: skip
KEPT = [flag for flag in SHOWN if flag not in (rump.MNT_QUOTA, rump.MNT_LOCAL)]
"""Flags that a change of others leaves alone."""
Arguments: TypeAlias = rump.TmpfsArgs | rump.DiskArgs | rump.OptionArgs | None
_TMPFS = {"size": "size_max", "nodes": "nodes_max", "uid": "root_uid", "gid": "root_gid", "mode": "root_mode"}
_SIZES = {0: "Size", 512: "512-blocks", 1 << 10: "1K-blocks", 1 << 20: "1M-blocks", 1 << 30: "1G-blocks"}
_UNITS = {"k": 10, "m": 20, "g": 30, "t": 40}


def mount_options(text: str, flags: int = 0) -> tuple[int, dict[str, str]]:
    """The argument of ``-o``: ``flags`` as it changes them, and options of the file system.

    ``no`` in front takes a flag away.
    """
    options = {}
    for word in [w for w in text.split(",") if w]:
        name, equals, value = word.partition("=")
        if equals:
            options[name] = value
        elif word in FLAGS:
            flags |= FLAGS[word]
        elif word == "rw" or (word.startswith("no") and word[2:] in FLAGS) or f"no{word}" in FLAGS:
            flags &= ~FLAGS.get({"rw": "ro"}.get(word, word[2:]), FLAGS.get(f"no{word}", 0))
        else:
            options[word] = "true"
    return flags, options


def mount_file_system(k: rump.Client, kind: str, special: str, node: str, flags: int, options: dict[str, str]) -> None:
    """Mounts; a type that the kernel does not have yet is looked for among the modules first."""
    data = _arguments(kind, special, options)
    try:
        k.sys.mount(kind, node, flags, data)
    except rump.RumpError as error:
        if error.name != "ENODEV":
            raise
        try:
            k.sys.modctl_load(kind)
        except OSError:
            raise error from None
        k.sys.mount(kind, node, flags, data)


def _arguments(kind: str, special: str, options: dict[str, str]) -> Arguments:
    if kind == "tmpfs":
        numbers = {_TMPFS.get(name, name): _number(name, value) for name, value in options.items()}
        unknown = set(numbers) - set(rump.TmpfsArgs._fields)
        if unknown:
            raise UsageError(f"-o {', '.join(sorted(unknown))}: no option of tmpfs")
        return rump.TmpfsArgs(**numbers) if numbers else None
    fspec = b"" if kind in WITHOUT_DEVICE else os.fsencode(special)
    if options:
        return rump.OptionArgs(fspec, options)
    return rump.DiskArgs(fspec) if fspec else None


def _number(name: str, value: str) -> int:
    try:
        if name == "mode":
            return int(value, 8)
        shift = _UNITS.get(value[-1:].lower(), 0)
        return int(value[:-1] if shift else value) << shift
    except ValueError:
        raise UsageError(f"-o {name}={value}: not a number") from None


# -- rump.mount


def mount(argv: Sequence[str] | None = None) -> int:
    p = Parser("rump.mount", "Mounts a file system, or lists those that are mounted.")
    p.add_argument("-t", dest="type", metavar="type", help="type of the file system; found out when left out")
    p.add_argument("-o", dest="options", metavar="options", action="append", default=[], help="flags and options")
    p.add_argument("-r", action="store_true", help="read-only")
    p.add_argument("-w", action="store_true", help="for reading and writing")
    p.add_argument("-u", action="store_true", help="change the flags of one that is mounted")
    p.add_argument("-f", action="store_true", help="force")
    p.add_argument("-v", action="store_true", help="say what is done")
    p.add_argument("--json", action="store_true", help="the list as a JSON array")
    p.add_argument("special", nargs="?")
    p.add_argument("node", nargs="?")
    options = p.parse_args(argv)
    return run("rump.mount", lambda: _mount(options))


def _mount(options: argparse.Namespace) -> None:
    update = options.u or "update" in ",".join(options.options).split(",")
    if options.special is not None and options.node is None and not update:
        raise UsageError("special and node are both needed")
    with connect("rump.mount") as k:
        if options.special is None:
            _list(k, options)
            return
        node = options.node or options.special
        if update:
            _update(k, options, node)
        else:
            flags, rest = _flags_wanted(options)
            kind = options.type or _guess(k, options.special)
            mount_file_system(k, kind, options.special, node, flags, rest)
        if options.v:
            print(mount_line(k.sys.statvfs1(node)))


def _flags_wanted(options: argparse.Namespace, flags: int = 0) -> tuple[int, dict[str, str]]:
    flags, rest = mount_options(",".join(options.options), flags)
    flags |= rump.MNT_RDONLY * options.r | rump.MNT_FORCE * options.f
    return flags & ~(rump.MNT_RDONLY * options.w), rest


def _update(k: rump.Client, options: argparse.Namespace, node: str) -> None:
    """New flags for what is mounted on ``node``; those that are not named stay."""
    mounted = next((s for s in k.sys.getvfsstat() if os.fsencode(node) in (s.f_mntonname, s.f_mntfromname)), None)
    if mounted is None:
        raise CommandError(f"{node}: nothing is mounted there")
    flags, rest = _flags_wanted(options, mounted.f_flag & sum(KEPT))
    if rest:
        raise UsageError(f"-o {', '.join(sorted(rest))}: only flags can be changed")
    k.sys.mount(mounted.f_fstypename, mounted.f_mntonname, flags | rump.MNT_UPDATE, None)


def _guess(k: rump.Client, special: str) -> str:
    if special in WITHOUT_DEVICE:
        return special
    fd = k.sys.open(special, os.O_RDONLY)
    try:
        # Devices may want whole sectors: one read has all marks.
        head = k.sys.pread(fd, 128 << 10, 0)
    finally:
        k.sys.close(fd)
    found = probe(lambda size, offset: head[offset : offset + size])
    if found is None:
        raise CommandError(f"{special}: no known file system; name one with -t")
    return found


def _list(k: rump.Client, options: argparse.Namespace) -> None:
    found = [s for s in k.sys.getvfsstat() if options.type in (None, s.f_fstypename)]
    if options.json:
        print_json([_record(s) for s in found])
        return
    for s in found:
        print(mount_line(s))


def _record(s: rump.Statvfs) -> dict[str, Any]:
    return {
        "device": os.fsdecode(s.f_mntfromname),
        "path": os.fsdecode(s.f_mntonname),
        "type": s.f_fstypename,
        "flags": _flags(s),
    }


def _flags(s: rump.Statvfs) -> list[str]:
    return [text for flag, text in SHOWN.items() if s.f_flag & flag]


def mount_line(s: rump.Statvfs) -> str:
    """A mount as mount(8) prints it."""
    shown = f" ({', '.join(_flags(s))})" if _flags(s) else ""
    return f"{os.fsdecode(s.f_mntfromname)} on {os.fsdecode(s.f_mntonname)} type {s.f_fstypename}{shown}"


# -- rump.umount


def umount(argv: Sequence[str] | None = None) -> int:
    p = Parser("rump.umount", "Unmounts file systems.")
    p.add_argument("-a", action="store_true", help="all but the root")
    p.add_argument("-f", action="store_true", help="force, even if it is busy")
    p.add_argument("-t", dest="type", metavar="type", help="with -a: those of this type only")
    p.add_argument("-v", action="store_true", help="say what is done")
    p.add_argument("nodes", nargs="*", metavar="node|special")
    options = p.parse_args(argv)
    return run("rump.umount", lambda: _umount(options))


def _umount(options: argparse.Namespace) -> None:
    if bool(options.nodes) == options.a:
        raise UsageError("name what to unmount, or all with -a")
    with connect("rump.umount") as k:
        mounts = k.sys.getvfsstat()[::-1]
        if options.a:
            wanted = [s for s in mounts if options.type in (None, s.f_fstypename)]
            nodes = [s.f_mntonname for s in wanted if s.f_mntonname != b"/"]
        else:
            devices = {s.f_mntfromname: s.f_mntonname for s in mounts if s.f_mntfromname.startswith(b"/")}
            nodes = [devices.get(os.fsencode(name), os.fsencode(name)) for name in options.nodes]
        for node in nodes:
            k.sys.unmount(node, rump.MNT_FORCE * options.f)
            if options.v:
                print(f"{os.fsdecode(node)}: unmounted")


# -- rump.df


def df(argv: Sequence[str] | None = None) -> int:
    p = Parser("rump.df", "Shows how full file systems are.", add_help=False)
    p.add_argument("--help", action="help", help="show this and exit")
    for letter, size in (("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30)):
        p.add_argument(f"-{letter}", dest="unit", action="store_const", const=size, help=f"in units of {size} bytes")
    p.add_argument("-h", dest="unit", action="store_const", const=0, help="in units that are easy to read")
    p.add_argument("-i", action="store_true", help="files too")
    p.add_argument("-l", action="store_true", help="local file systems only")
    p.add_argument("-n", action="store_true", help="what is known without asking the file systems")
    p.add_argument("-t", dest="type", metavar="type", help="file systems of this type only")
    p.add_argument("--json", action="store_true", help="as a JSON array, in bytes")
    p.add_argument("files", nargs="*", metavar="file")
    p.set_defaults(unit=512)
    options = p.parse_args(argv)
    return run("rump.df", lambda: _df(options))


def _df(options: argparse.Namespace) -> None:
    wait = rump.ST_NOWAIT if options.n else rump.ST_WAIT
    with connect("rump.df") as k:
        found = [k.sys.statvfs1(file, wait) for file in options.files] or k.sys.getvfsstat(wait)
    found = [s for s in found if options.type in (None, s.f_fstypename)]
    found = [s for s in found if s.f_flag & rump.MNT_LOCAL or not options.l]
    if options.json:
        print_json([_usage(s) for s in found])
        return
    files = ["iUsed", "iAvail", "%iCap"] if options.i else []
    header = ["Filesystem", _SIZES[options.unit], "Used", "Avail", "%Cap", *files, "Mounted on"]
    print_table(header, [_df_row(s, options) for s in found], right=range(1, len(header) - 1))


def _usage(s: rump.Statvfs) -> dict[str, Any]:
    return {
        "filesystem": os.fsdecode(s.f_mntfromname),
        "type": s.f_fstypename,
        "size": s.f_blocks * s.f_frsize,
        "used": (s.f_blocks - s.f_bfree) * s.f_frsize,
        "available": s.f_bavail * s.f_frsize,
        "files": s.f_files,
        "files_free": s.f_ffree,
        "mounted_on": os.fsdecode(s.f_mntonname),
    }


def _df_row(s: rump.Statvfs, options: argparse.Namespace) -> list[str]:
    usage = _usage(s)
    sizes = [usage["size"], usage["used"], usage["available"]]
    cells = [human(n) if not options.unit else str(-(-n // options.unit)) for n in sizes]
    used = s.f_files - s.f_ffree
    files = [str(used), str(s.f_ffree), percent(used, s.f_files)] if options.i else []
    full = percent(usage["used"], usage["used"] + usage["available"])
    return [usage["filesystem"], *cells, full, *files, usage["mounted_on"]]


def percent(part: int, whole: int) -> str:
    """As df(1) rounds it."""
    return f"{part * 100 // whole}%" if whole > 0 else "100%" if part else "0%"


if __name__ == "__main__":
    sys.exit(mount())
