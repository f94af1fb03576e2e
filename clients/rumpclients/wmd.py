"""rump_wmd: which components something needs (rump_wmd(1)), out of the manifests of what is installed.

A wish is a component (``ext2fs``, ``rumpnet_npf``), a faction, a system call (``socket``), an image of this machine, or
a device, an interface or a socket family by its name (``/dev/cgd0``, ``shmif0``, ``inet6``).
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import NamedTuple

import rump
from rumpclients import _image, _manifests
from rumpclients._command import CommandError, Parser, print_json, run
from rumpclients._manifests import Component

PROG = "rump_wmd"
FACTIONS = ("vfs", "net", "dev")
_LIBRARY = re.compile(r"(lib)?rump(?P<faction>kern|vfs|fs|net|dev)(_(?P<module>\w+))?(\.so[.0-9]*)?")
_DEVICE = re.compile(r"/dev/r?(?P<driver>[a-z]+)[0-9]*[a-p]?")
_FAMILIES = {"local": "local", "unix": "local", "inet": "netinet", "inet6": "netinet6"}
_INTERFACES = ("bridge", "gif", "lagg", "lo", "npflog", "shmif", "tap", "tun", "vether", "virt", "vlan", "wg")
_OF_DEV = ("null", "zero", "full", "random", "urandom")


class Needs(NamedTuple):
    """What a wish needs, and why."""

    factions: tuple[str, ...]
    modules: tuple[str, ...]
    why: str


def main(argv: Sequence[str] | None = None, prog: str = PROG) -> int:
    p = Parser(prog, "Tells which components of a kernel something needs.")
    p.add_argument("-l", dest="wishes", action="append", default=[], metavar="COMPONENT", help="the same as a wish")
    p.add_argument("-v", dest="verbose", action="store_true", help="say why")
    p.add_argument("--json", action="store_true", help="as a JSON object")
    p.add_argument("more", metavar="WISH", nargs="*", help="a component, a system call, an image, /dev/NAME, shmif0")
    options = p.parse_args(argv)
    return run(prog, lambda: _wmd(options))


def _wmd(options: argparse.Namespace) -> int:
    wishes = [*options.wishes, *options.more]
    if not wishes:
        raise CommandError("what is wished for? Components that are installed: " + " ".join(sorted(_manifests.names())))
    found = _manifests.installed()
    needs = [look(wish, found) for wish in wishes]
    modules = list(_manifests.closure([name for need in needs for name in need.modules], found))
    factions = sorted({f for need in needs for f in need.factions} | {m.faction for m in modules} - {"kern"})
    if options.json:
        print_json({"factions": factions, "modules": [module._asdict() for module in modules]})
        return 0
    if options.verbose:
        for wish, need in zip(wishes, needs, strict=True):
            print(f"{wish}: {need.why}", file=sys.stderr)
        for module in modules:
            if module.requires:
                print(f"{module.name}: requires {', '.join(module.requires)}", file=sys.stderr)
    print(
        " ".join(f"-l {name}" for name in [*(f"rump{f}" for f in factions), *(m.library for m in modules)])
        or "rumpkern"
    )
    return 0


def look(wish: str, found: dict[str, Component]) -> Needs:
    """CommandError for what nobody provides."""
    library = _LIBRARY.fullmatch(os.path.basename(wish))
    name = library["module"] or library["faction"] if library else wish
    if name in found:
        return Needs((), (name,), f"a module of {found[name].faction}")
    if name in FACTIONS:
        return Needs((name,), (), "a faction")
    if name == "kern":
        return Needs((), (), "is there always")
    for guess in (_device, _network, _call, _file):
        if (need := guess(wish, found)) is not None:
            return need
    raise CommandError(f"{wish}: nothing that is installed provides it")


def _device(wish: str, found: dict[str, Component]) -> Needs | None:
    match = _DEVICE.fullmatch(wish)
    if match is None:
        return None
    driver = "pty" if match["driver"] in ("ptm", "ptmx", "tty", "ttyp", "ptyp") else match["driver"]
    if driver in _OF_DEV:
        return Needs(("dev", "vfs"), (), "a device that dev has without modules")
    return Needs(("vfs",), (driver,), f"a device of {driver}") if driver in found else None


def _network(wish: str, found: dict[str, Component]) -> Needs | None:
    family = _FAMILIES.get(wish.lower().removeprefix("af_").removeprefix("pf_"))
    if family is not None:
        return Needs(("net",), (family,), "a family of sockets")
    if re.fullmatch(rf"({'|'.join(_INTERFACES)})[0-9]*", wish):
        return Needs(("net",), (), "an interface that net has without modules")
    return None


def _call(wish: str, found: dict[str, Component]) -> Needs | None:
    faction = rump.faction_of(wish.removeprefix("rump_sys_").removeprefix("rump_pub_"))
    if faction is None:
        return None
    return Needs(() if faction == "kern" else (faction,), (), f"a call of {faction}")


def _file(wish: str, found: dict[str, Component]) -> Needs | None:
    """An image, with or without a partition."""
    name, partition = _image.split_name(wish)
    if not name or not os.path.isfile(name):
        return None
    if partition is None and (there := rump.fs.partitions(name)):
        raise CommandError(f"{wish}: has partitions: name one, as {wish}@p{there[0].name}")
    kind = rump.fs.type_of(name, partition)
    if kind is None or kind not in found:
        raise CommandError(f"{wish}: no known file system")
    return Needs(("vfs",), (kind,), f"an image of {kind}")


if __name__ == "__main__":
    sys.exit(main())
