"""rump.raidctl: RAID sets (raidctl(8)). Configuration files are files of this machine, the components the kernel's."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import rump
from rumpclients._command import Parser, UsageError, connect, human, print_json, run
from rumpclients._disk import ioctl, raw, read_host
from rumpclients._raid_conf import parse

PROG = "rump.raidctl"
LOOK_S = 0.2
"""How often the progress is looked at."""
WITH_NAME = {"a": "add a hot spare", "c": "configure from a file", "C": "make a new set from a file",
             "f": "fail a component", "F": "fail a component and rebuild it to a spare", "r": "remove a hot spare",
             "R": "fail a component and rebuild it in place"}  # fmt: skip
ALONE = {"i": "rewrite the parity", "p": "is the parity right?", "P": "the same; rewrite it if not",
         "s": "status of the components", "S": "how far repairs are", "u": "unconfigure"}  # fmt: skip


def parser() -> Parser:
    p = Parser(PROG, "Configures and repairs RAID sets of the kernel that RUMP_SERVER names.")
    what = p.add_mutually_exclusive_group(required=True)
    for flag, text in WITH_NAME.items():
        what.add_argument(f"-{flag}", metavar="config_file" if flag in "cC" else "component", help=text)
    for flag, text in ALONE.items():
        what.add_argument(f"-{flag}", action="store_true", help=text)
    p.add_argument("-v", action="store_true", help="wait for repairs, and tell how far they are")
    p.add_argument("--json", action="store_true", help="with -s: as a JSON object")
    p.add_argument("dev", help="raid0, ...")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> None:
    with connect(PROG) as k:
        Tool(k, options).work()


class Tool:
    """One call of the program."""

    def __init__(self, k: rump.Client, options: argparse.Namespace) -> None:
        self.k = k
        self.options = options
        self.device = raw(options.dev)

    def work(self) -> None:
        for flag in (*WITH_NAME, *ALONE):
            value = getattr(self.options, flag)
            if value:
                getattr(self, f"_{flag}")(value)

    def _do(self, com: int, data: Any = None) -> Any:
        return ioctl(self.k, self.device, com, data)

    # -- configuring

    def _c(self, path: str, *, force: bool = False) -> None:
        self._do(rump.RAIDFRAME_CONFIGURE, parse(read_host(path), force=force))

    def _C(self, path: str) -> None:  # noqa: N802  the flag
        self._c(path, force=True)

    def _u(self, _: bool) -> None:
        self._do(rump.RAIDFRAME_SHUTDOWN)

    # -- components

    def _a(self, name: str) -> None:
        self._do(rump.RAIDFRAME_ADD_HOT_SPARE, rump.RaidComponent(0, os.fsencode(name)))

    def _r(self, name: str) -> None:
        self._do(rump.RAIDFRAME_REMOVE_COMPONENT, rump.RaidComponent(0, os.fsencode(name)))

    def _f(self, name: str, flags: int = rump.RF_FDFLAGS_NONE) -> None:
        self._do(rump.RAIDFRAME_FAIL_DISK, rump.RaidReconReq(self._column(name), flags))

    def _F(self, name: str) -> None:  # noqa: N802
        self._f(name, rump.RF_FDFLAGS_RECON)
        self._wait(rump.RAIDFRAME_CHECK_RECON_STATUS_EXT, "Reconstruction")

    def _R(self, name: str) -> None:  # noqa: N802
        self._do(rump.RAIDFRAME_REBUILD_IN_PLACE, rump.RaidComponent(self._column(name)))
        self._wait(rump.RAIDFRAME_CHECK_RECON_STATUS_EXT, "Reconstruction")

    def _column(self, name: str) -> int:
        """By name, or ``component2`` for one that has none any more."""
        info = self._do(rump.RAIDFRAME_GET_INFO)
        for column, dev in enumerate(info.devs):
            if name in (os.fsdecode(dev.devname), f"component{column}"):
                return column
        raise UsageError(f"{name} is no component of {self.options.dev}")

    # -- parity

    def _i(self, _: bool) -> None:
        self._do(rump.RAIDFRAME_REWRITEPARITY)
        self._wait(rump.RAIDFRAME_CHECK_PARITYREWRITE_STATUS_EXT, "Parity re-write")

    def _p(self, _: bool) -> bool:
        clean = bool(self._do(rump.RAIDFRAME_CHECK_PARITY).integer)
        print(f"{self.device}: Parity status: {'clean' if clean else 'DIRTY'}")
        return clean

    def _P(self, _: bool) -> None:  # noqa: N802
        if not self._p(True):
            print(f"{self.device}: Initiating re-write of parity")
            self._i(True)

    # -- looking

    def _s(self, _: bool) -> None:
        info = self._do(rump.RAIDFRAME_GET_INFO)
        clean = "clean" if info.clean else "DIRTY"
        if self.options.json:
            rows = [
                [{"name": d.devname, "status": d.status, "size": d.size} for d in r] for r in (info.devs, info.spares)
            ]
            print_json(
                {"level": info.level, "size": info.size, "parity": clean, "components": rows[0], "spares": rows[1]}
            )
            return
        if not info.cols:
            print(f"{self.device}: not configured")
            return
        print(f"RAID level {info.level}, {human(info.size)}, stripe units of {info.sect_per_su} sectors")
        for title, devs in (("Components:", info.devs), ("Spares:", info.spares)):
            if devs:
                print(title)
            for column, dev in enumerate(devs):
                print(f"{os.fsdecode(dev.devname) or f'component{column}':>20}: {dev.status}")
        print(f"Parity status: {clean}")

    def _S(self, _: bool) -> None:  # noqa: N802
        for com, what in (
            (rump.RAIDFRAME_CHECK_RECON_STATUS_EXT, "Reconstruction"),
            (rump.RAIDFRAME_CHECK_PARITYREWRITE_STATUS_EXT, "Parity re-write"),
        ):
            progress = self._do(com)
            print(f"{what} is {_percent(progress)}% complete.")
            if progress.remaining:
                self._wait(com, what)

    def _wait(self, com: int, what: str) -> None:
        """With -v."""
        while self.options.v and (progress := self._do(com)).remaining:
            print(f"{what} is {_percent(progress)}% complete.")
            time.sleep(LOOK_S)


def _percent(progress: rump.RaidProgress) -> int:
    return 100 * progress.completed // progress.total if progress.total else 100


if __name__ == "__main__":
    sys.exit(main())
