"""rump.newfs: makes a file system (newfs(8)), in an image of the host or on a disk of a kernel."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence

import rump
from rump.fs import Tree
from rumpclients import _image
from rumpclients._command import CommandError, Parser, UsageError, connect, human, reason, run, tell
from rumpclients._disk import block_of

_UNITS = {"": 512, "s": 512, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_MOUNTED = "/newfs"


def main(argv: Sequence[str] | None = None, prog: str = "rump.newfs", kind: str = "ext2fs") -> int:
    p = Parser(
        prog,
        "Makes a file system: on a disk of the kernel of RUMP_SERVER; with -F, and where no kernel is named, in an"
        " image of the host.",
    )
    p.add_argument("-t", dest="fs_type", metavar="TYPE", default=kind, help=f"type; {kind} when left out")
    p.add_argument(
        "-F",
        dest="image",
        action="store_true",
        help="SPECIAL is an image of the host, which is made, or a partition of one: image@p1",
    )
    p.add_argument(
        "-s", dest="size", metavar="SIZE", help="size of the image: sectors, or with k, m, g, t; b for bytes"
    )
    p.add_argument("-b", dest="bsize", metavar="BYTES", help="size of blocks")
    p.add_argument("-f", dest="fsize", metavar="BYTES", help="size of fragments")
    p.add_argument("-i", dest="density", metavar="BYTES", help="a file for so many bytes")
    p.add_argument("-m", dest="minfree", metavar="PERCENT", help="space that is kept free")
    p.add_argument("-L", dest="label", metavar="LABEL", help="name of the volume")
    p.add_argument(
        "-o", dest="options", metavar="OPTS", action="append", default=[], help="options of the type: a=b,c=d"
    )
    p.add_argument("-S", "--source", metavar="DIR", help="directory of the host whose tree is to be in it")
    p.add_argument("--owners", action="store_true", help="keep owners of the source, which is so anyway for root")
    p.add_argument("-q", "--quiet", action="store_true", help="say nothing of what was made")
    p.add_argument("special", metavar="SPECIAL|IMAGE", help="disk of the kernel, or image, image@p1, image@a")
    options = p.parse_args(argv)
    return run(prog, lambda: _newfs(options))


def _newfs(options: argparse.Namespace) -> int:
    wanted = _options(options)
    failed: list[OSError] = []
    in_image = _image.on_host(options.special, wanted=options.image)
    if not in_image and options.size is not None:
        raise UsageError("-s is for images (-F): a disk has the size that it has")
    try:
        used = _in_image(options, wanted, failed) if in_image else _on_disk(options, wanted, failed)
    except rump.RumpError as error:
        if error.filename is None or error.text:
            what = error.filename or options.special
            raise CommandError(f"{os.fsdecode(what)}: {error.text or error.strerror}") from None
        raise
    for failure in failed:
        tell("rump.newfs", reason(failure))
    if not options.quiet:
        print(f"{options.special}: {options.fs_type}, {human(used)} used")
    return 1 if failed else 0


def _options(options: argparse.Namespace) -> dict[str, str]:
    """Options of the type, under the names that drivers have for them."""
    out = {}
    for word in ",".join(options.options).split(","):
        name, equals, value = word.partition("=")
        if name:
            out[name] = value if equals else "true"
    for name in ("bsize", "fsize", "density", "minfree", "label"):
        value = getattr(options, name)
        if value is not None:
            out[name] = value
    return out


def _in_image(options: argparse.Namespace, wanted: dict[str, str], failed: list[OSError]) -> int:
    name, partition = _image.split_name(options.special)
    with _image.meter("rump.newfs") as meter:
        return rump.newfs(
            name,
            options.fs_type,
            None if options.size is None else size_of(options.size),
            options.source,
            wanted,
            partition=partition,
            progress=meter,
            onerror=failed.append,
            owners=True if options.owners else None,
        )


def _on_disk(options: argparse.Namespace, wanted: dict[str, str], failed: list[OSError]) -> int:
    """The source is carried over the connection, through a mount."""
    with connect("rump.newfs") as k:
        special = block_of(k, options.special)
        used = k.pub.newfs(options.fs_type, special, wanted)
        if options.source is None:
            return used
        node = f"{_MOUNTED}{k.pid}"
        k.sys.mkdir(node, 0o700)
        try:
            k.sys.mount(options.fs_type, node, device=special)
            try:
                tree = Tree(k, node)
                owners = True if options.owners else None
                with _image.meter("rump.newfs") as meter:
                    tree.copy_in(options.source, "/", progress=meter, onerror=failed.append, owners=owners)
                return tree.df()["used"]
            finally:
                k.sys.unmount(node)
        finally:
            k.sys.rmdir(node)


def size_of(text: str) -> int:
    """A size as newfs(8) takes it: a number is one of sectors. UsageError."""
    match = re.fullmatch(r"([0-9]{1,15})([sbkmgt]?)", text.lower())
    if match is None or not int(match[1]):
        raise UsageError(f"-s {text}: not a size")
    return int(match[1]) * _UNITS[match[2]]


if __name__ == "__main__":
    sys.exit(main())
