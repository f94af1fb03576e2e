"""rump.drvctl: devices of a kernel (drvctl(8))."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import Any

import rump
from rumpclients._command import Parser, UsageError, connect, print_json, run

PROG = "rump.drvctl"
_DEVICE = "/dev/drvctl"


def main(argv: Sequence[str] | None = None) -> int:
    p = Parser(PROG, "Lists, detaches and tells of devices of the kernel that RUMP_SERVER names.")
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("-l", dest="what", action="store_const", const="list", help="list what is attached to DEVICE")
    what.add_argument("-d", dest="what", action="store_const", const="detach", help="detach DEVICE")
    what.add_argument("-p", dest="what", action="store_const", const="properties", help="show properties of DEVICE")
    what.add_argument("-r", dest="what", action="store_const", const="rescan", help="look for new devices on DEVICE")
    p.add_argument("-n", dest="bare", action="store_true", help="with -l: without the first column")
    p.add_argument("-t", dest="tree", action="store_true", help="with -l: what is attached to those as well")
    p.add_argument("--json", action="store_true", help="with -l and -p: print JSON")
    p.add_argument("device", metavar="DEVICE", nargs="?", default="", help="its name; the root when it is left out")
    p.add_argument("property", metavar="PROPERTY", nargs="?", help="with -p: this one alone")
    options = p.parse_args(argv)
    return run(PROG, lambda: _main(options))


def _main(options: argparse.Namespace) -> int:
    if not options.device and options.what != "list":
        raise UsageError("which device?")
    with connect(PROG) as k:
        fd = k.sys.open(_DEVICE, os.O_RDWR)
        act = {"list": _list, "detach": _detach, "properties": _properties, "rescan": _rescan}[options.what]
        return act(lambda com, args: k.sys.ioctl(fd, com, args).data, options)


def _list(ask: Any, options: argparse.Namespace) -> int:
    rows = list(_below(ask, options.device, 0, tree=options.tree))
    if options.json:
        print_json([{"parent": parent or None, "device": child} for _, parent, child in rows])
        return 0
    for depth, parent, child in rows:
        indent = "  " * depth if options.tree else ""
        print(f"{indent}{child}" if options.bare or not parent else f"{indent}{parent} {child}")
    return 0


def _below(ask: Any, parent: str, depth: int, *, tree: bool) -> Iterator[tuple[int, str, str]]:
    for child in ask(rump.DRVLISTDEV, rump.DevListArgs(parent)).childname:
        yield depth, parent, child
        if tree:
            yield from _below(ask, child, depth + 1, tree=True)


def _detach(ask: Any, options: argparse.Namespace) -> int:
    ask(rump.DRVDETACHDEV, rump.DevDetachArgs(options.device))
    return 0


def _rescan(ask: Any, options: argparse.Namespace) -> int:
    ask(rump.DRVRESCANBUS, rump.DevRescanArgs(options.device))
    return 0


def _properties(ask: Any, options: argparse.Namespace) -> int:
    found = ask(rump.DRVCTLCOMMAND, rump.DevCommand("get-properties", options.device)).properties
    if options.property is not None:
        if options.property not in found:
            raise UsageError(f"{options.device}: no property {options.property}; there are {', '.join(sorted(found))}")
        found = {options.property: found[options.property]}
    if options.json:
        print_json(dict(found))
        return 0
    for name, value in sorted(found.items()):
        print(value if options.property is not None else f"{name} = {value}")
    return 0
