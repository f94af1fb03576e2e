"""rump.sysctl: reads and sets the kernel's state (sysctl(8))."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import rump
from rumpclients._command import FAILED, Parser, UsageError, connect, print_json, reason, run, tell
from rumpclients._net import endpoint

PROG = "rump.sysctl"


def parser() -> Parser:
    p = Parser(PROG, "Reads and sets the state of the kernel that RUMP_SERVER names.")
    p.add_argument("-a", action="store_true", help="all that can be read")
    p.add_argument("-d", action="store_true", help="what nodes are for")
    p.add_argument("-e", action="store_true", help='no spaces around "=", so that the output can be read back')
    p.add_argument("-n", action="store_true", help="values only")
    p.add_argument("-q", action="store_true", help="no output where values are set, no complaints about unknown names")
    p.add_argument("-w", action="store_true", help="set values (name=value does so anyway)")
    p.add_argument("-x", action="store_true", help="numbers in hexadecimal")
    p.add_argument("--json", action="store_true", help="as a JSON object")
    p.add_argument("names", nargs="*", metavar="name[=value]")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    p = parser()
    return run(PROG, lambda: _main(p.parse_args(argv)))


def _main(options: argparse.Namespace) -> int:
    if not options.names and not options.a:
        raise UsageError("a name is needed, or -a for all")
    bare = [name for name in options.names if "=" not in name]
    if options.w and bare:
        raise UsageError(f"{bare[0]}: -w needs name=value")
    found: dict[str, Any] = {}
    with connect(PROG) as k:
        status = _each(k, options, found)
    if options.json:
        print_json({name: _plain(value) for name, value in found.items()})
    return status


def _each(k: rump.Client, options: argparse.Namespace, found: dict[str, Any]) -> int:
    status = 0
    for name in [*([""] if options.a else []), *options.names]:
        try:
            _set(k, options, name) if "=" in name else _show(k, options, name, found)
        except rump.RumpError as error:
            if error.origin == "connection":
                raise
            if not (options.q and error.name == "ENOENT"):
                status = tell(PROG, reason(error), FAILED)
    return status


def _set(k: rump.Client, options: argparse.Namespace, text: str) -> None:
    name, _, value = text.partition("=")
    old = k.sysctl(name, value)
    if options.q:
        return
    new = k.sysctl(name)
    print(_text(new, options) if options.n else f"{name}: {_text(old, options)} -> {_text(new, options)}")


def _show(k: rump.Client, options: argparse.Namespace, name: str, found: dict[str, Any]) -> None:
    nodes = k.sysctl_nodes(name)
    if name and not nodes:
        raise UsageError(f"{name}: nothing there that can be read")
    if options.json:
        found.update((n, node.description if options.d else value) for n, node, value in nodes)
    else:
        _print(nodes, options)


def _print(nodes: Iterable[tuple[str, rump.SysctlNode, Any]], options: argparse.Namespace) -> None:
    for name, node, value in nodes:
        if options.d:
            print(node.description if options.n else f"{name}: {node.description or '(no description)'}")
        elif options.n:
            print(_text(value, options))
        else:
            print(f"{name}{'=' if options.e else ' = '}{_text(value, options)}")


def _plain(value: Any) -> Any:
    """A value as JSON has it; bytes of a table that are text are text."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, list):
        return [each.decode(errors="replace") if isinstance(each, bytes) else _plain(each) for each in value]
    return value.hex() if isinstance(value, bytes) else value


def _row(row: Any, options: argparse.Namespace) -> str:
    """One row of a table; of counters what was counted, of others the fields that say something."""
    if isinstance(row, bytes):
        return row.decode(errors="replace")
    if isinstance(row, rump.NetCounter):
        return f"{row.protocol}: {row.name} = {_text(row.value, options)}"
    fields = ((name, value) for name, value in row._asdict().items() if value not in (None, "", b"", []))
    return " ".join(f"{name}={_field(value, options)}" for name, value in fields)


def _field(value: Any, options: argparse.Namespace) -> str:
    if isinstance(value, (rump.SockaddrIn, rump.SockaddrIn6)):
        return endpoint(value)
    if isinstance(value, tuple):
        return "{" + _row(value, options) + "}"
    if isinstance(value, list):
        return ",".join(_field(each, options) for each in value)
    return _text(value, options)


def _text(value: Any, options: argparse.Namespace) -> str:
    if isinstance(value, list):
        return "".join(f"\n\t{_row(row, options)}" for row in value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int):
        return f"{int(value):#x}" if options.x else str(int(value))
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
