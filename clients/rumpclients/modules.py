"""rump.modload, rump.modunload, rump.modstat: the module table of a kernel (modload(8), modstat(8))."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import rump
from rumpclients._command import CommandError, Parser, UsageError, connect, print_json, print_table, run

_TRUTHS = {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}


def modload(argv: Sequence[str] | None = None) -> int:
    p = Parser("rump.modload", "Loads a module: an installed one by name, or a wheel in the kernel by its path.")
    p.add_argument("-f", action="store_true", help="force: any version, and builtin modules that were disabled")
    p.add_argument("-P", action="store_true", help="do not read the module's property list")
    p.add_argument("-p", action="store_true", help="print the properties instead of loading")
    for letter, kind in (("b", "boolean"), ("i", "integer"), ("s", "string")):
        p.add_argument(f"-{letter}", action="append", default=[], metavar="var=value", help=f"{kind} property")
    p.add_argument("--upload", action="store_true", help="the wheel is a file of this machine: send it")
    p.add_argument("--key", metavar="FILE", help="private key to sign an uploaded wheel with")
    p.add_argument("module", help="name or path")
    options = p.parse_args(argv)
    return run("rump.modload", lambda: _modload(options))


def _modload(options: argparse.Namespace) -> None:
    props = _properties(options)
    if options.p:
        print_json(props)
        return
    if options.upload and (props or options.f):
        raise UsageError("--upload takes no properties and no -f")
    flags = rump.MODCTL_LOAD_FORCE * options.f | rump.MODCTL_NO_PROP * options.P
    with connect("rump.modload") as k:
        if options.upload:
            k.modules.upload(options.module, key=options.key)
            return
        _named(lambda: k.sys.modctl_load(options.module, flags, props), options.module)


def _properties(options: argparse.Namespace) -> dict[str, str]:
    out: dict[str, str] = {}
    for letter in "bis":
        for text in getattr(options, letter):
            name, equals, value = text.partition("=")
            if not equals or not name:
                raise UsageError(f"-{letter} {text}: not var=value")
            out[name] = _property(letter, text, value)
    return out


def _property(letter: str, text: str, value: str) -> str:
    if letter == "s":
        return value
    try:
        return _TRUTHS[value.lower()] if letter == "b" else str(int(value, 0))
    except (KeyError, ValueError):
        raise UsageError(f"-{letter} {text}: not {'a boolean' if letter == 'b' else 'an integer'}") from None


def _named(call: Callable[[], None], name: str) -> None:
    """A call whose error is about a module."""
    try:
        call()
    except rump.RumpError as error:
        if error.origin == "connection":
            raise
        raise CommandError(f"{name}: {error.why}") from None


def modunload(argv: Sequence[str] | None = None) -> int:
    p = Parser("rump.modunload", "Unloads a module.")
    p.add_argument("name")
    options = p.parse_args(argv)

    def unload() -> None:
        with connect("rump.modunload") as k:
            _named(lambda: k.sys.modctl_unload(options.name), options.name)

    return run("rump.modunload", unload)


def modstat(argv: Sequence[str] | None = None) -> int:
    p = Parser("rump.modstat", "Lists the modules of the kernel.")
    p.add_argument("-A", action="store_true", help="whether modules are loaded on demand now")
    p.add_argument("-a", action="store_true", help="the same, whatever kern.module.autoload says")
    p.add_argument("-e", action="store_true", help="whether modules may be loaded by name")
    p.add_argument("-k", action="store_true", help="addresses too; there are none, as nothing is mapped")
    p.add_argument("-n", dest="only", metavar="name", help="this module only")
    p.add_argument("--json", action="store_true", help="as a JSON array")
    p.add_argument("name", nargs="?")
    options = p.parse_args(argv)
    return run("rump.modstat", lambda: _modstat(options))


def _modstat(options: argparse.Namespace) -> int:
    with connect("rump.modstat") as k:
        if options.A or options.a or options.e:
            return _loadable(k, options)
        name = options.only or options.name
        found = [m for m in k.modules.list() if name in (None, m.name)]
    if name is not None and not found:
        raise CommandError(f"{name}: no such module")
    if options.json:
        print_json([{**m._asdict(), "flags": flag_letters(m.flags)} for m in found])
        return 0
    header = ["NAME", "CLASS", "SOURCE", "FLAG", "REFS", *(["ADDRESS"] if options.k else []), "SIZE", "REQUIRES"]
    print_table(header, [_row(m, addresses=options.k) for m in sorted(found)], right=(4, len(header) - 2))
    return 0


def _loadable(k: rump.Client, options: argparse.Namespace) -> int:
    allowed = k.sys.modctl_exists(autoload=not options.e)
    if options.A:
        allowed = allowed and bool(k.sysctl("kern.module.autoload"))
    print("yes" if allowed else "no")
    return 0 if allowed else 1


def _row(m: rump.ModuleStat, *, addresses: bool) -> list[str]:
    requires = ",".join(m.requires) or "-"
    where = ["-"] if addresses else []
    size = str(m.size) if m.size else "-"
    return [m.name, m.class_name, m.source, flag_letters(m.flags), str(m.refcnt), *where, size, requires]


def flag_letters(flags: int) -> str:
    """``-``, ``f``, ``a`` or ``af``, as modstat(8) prints them."""
    auto = "a" if flags & rump.MODFLG_AUTO_LOADED else ""
    return auto + ("f" if flags & rump.MODFLG_MUST_FORCE else "") or "-"


if __name__ == "__main__":
    sys.exit(modstat())
