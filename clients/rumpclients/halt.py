"""rump.halt: ends a kernel (rump.halt(1))."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

import rump
from rumpclients._command import Parser, connect, run


def main(argv: Sequence[str] | None = None, prog: str = "rump.halt") -> int:
    p = Parser(prog, "Halts the kernel that RUMP_SERVER names.", add_help=False)
    p.add_argument("--help", action="help", help="show this and exit")
    p.add_argument("-d", action="append_const", dest="flags", const=rump.RB_DUMP, help="dump core")
    p.add_argument("-h", action="append_const", dest="flags", const=rump.RB_HALT, help="halt, but keep the process")
    p.add_argument("-n", action="append_const", dest="flags", const=rump.RB_NOSYNC, help="do not flush file systems")
    arguments = p.parse_args(argv)

    def halt() -> None:
        with contextlib.suppress(ConnectionError), connect(prog) as k:  # closing may meet a kernel that has gone
            k.halt(sum(arguments.flags or ()))

    return run(prog, halt)


def reboot(argv: Sequence[str] | None = None) -> int:
    """A kernel that is halted is started anew by whoever started it."""
    return main(argv, "rump.reboot")


if __name__ == "__main__":
    sys.exit(main())
