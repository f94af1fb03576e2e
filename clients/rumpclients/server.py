"""rump_server and rump_allserver: a kernel in one process (rump_server(1))."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Sequence

import rump
from rumpclients import _drivespec, _manifests, _start
from rumpclients._command import Parser, run

FACTIONS = ("vfs", "net", "dev")
_PREFIX = re.compile(r"rump(?P<faction>kern|vfs|fs|net|dev)(_(?P<module>\w+))?")
_MODULE_KEY = "/dev/rump_server-module"


def parser(prog: str) -> Parser:
    p = Parser(prog, "A kernel in one process, which goes into the background when it is ready.")
    p.add_argument("-s", action="store_true", help="stay in the foreground")
    p.add_argument("-v", action="store_true", help="boot messages")
    p.add_argument("-c", metavar="ncpu", help="number of virtual cpus, or host")
    p.add_argument("-d", metavar="drivespec", action="append", default=[], help="key=,hostpath=,size=,offset=,type=")
    p.add_argument("-l", metavar="library", action="append", default=[], help="component: rumpvfs, rumpfs_ext2fs, ...")
    p.add_argument("-m", metavar="module", action="append", default=[], help="module: a wheel of this machine")
    p.add_argument("-r", metavar="size", help="limit of memory")
    p.add_argument("--dir", metavar="DIR", help="folder for sockets")
    p.add_argument("--module-key", action="append", default=[], metavar="FILE", help="public key trusted for modules")
    p.add_argument("url", metavar="URL", help="where to serve")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    options = parser("rump_server").parse_args(argv)
    return run("rump_server", lambda: serve(options, *components(options.l)))


def allserver(argv: Sequence[str] | None = None) -> int:
    options = parser("rump_allserver").parse_args(argv)
    return run(
        "rump_allserver", lambda: serve(options, list(FACTIONS), [*_manifests.names(), *components(options.l)[1]])
    )


def components(libraries: Sequence[str]) -> tuple[list[str], list[str]]:
    """Factions and modules of ``-l``: ``rumpvfs``, ``librumpfs_ext2fs.so``, or a name as it is."""
    factions: list[str] = []
    modules: list[str] = []
    for library in libraries:
        name = re.sub(r"\.so[.0-9]*$", "", os.path.basename(library)).removeprefix("lib")
        match = _PREFIX.fullmatch(name)
        faction, module = (match["faction"], match["module"]) if match else ("", name)
        faction = {"fs": "vfs", "kern": ""}.get(faction, faction) or (module if module in FACTIONS else "")
        faction = faction or _manifests.faction_of(module or "")
        factions += [faction] if faction in FACTIONS and faction not in factions else []
        modules += [module] if module and module not in (*FACTIONS, *modules) else []
    return factions, modules


def serve(options: argparse.Namespace, factions: Sequence[str], modules: Sequence[str]) -> int:
    drives = [_drivespec.parse(spec) for spec in options.d]
    environ = {"RUMP_VERBOSE": "1"} if options.v else {}
    if options.c:
        environ["RUMP_NCPU"] = options.c
    if options.r:
        environ["RUMP_MEMLIMIT"] = str(_drivespec.dd_size(options.r))
    flags = ["--placement", "server", "--url", options.url, "--factions", ",".join(factions)]
    flags += ["--dir", options.dir or _start.folder_for([options.url])]
    flags += ["--log-level", "info"] if options.v else []
    for key in options.module_key:
        flags += ["--module-key", key]

    def prepare(url: str) -> None:
        with rump.connect(url, comm="rump_server") as k:
            for name in modules:
                _init(k, name)
            for path in options.m:
                load(k, path)
            for drive in drives:
                _drivespec.register(k, drive)

    return _start.start(flags, environ, detach=not options.s, prepare=prepare)


def _init(k: rump.Client, name: str) -> None:
    """Starts an installed module, unless the kernel has it already."""
    with contextlib.suppress(FileExistsError):
        k.pub.module_init(name)


def load(k: rump.Client, path: str) -> None:
    """Loads a module out of a file of this machine: shown in the kernel, loaded, taken away."""
    k.pub.etfs_register(_MODULE_KEY, os.path.abspath(path), "reg")
    try:
        k.sys.modctl_load(_MODULE_KEY)
    finally:
        k.pub.etfs_remove(_MODULE_KEY)


if __name__ == "__main__":
    sys.exit(main())
