"""rump.repquota, rump.edquota, rump.quotaon and rump.quotaoff: quotas of a kernel's file systems."""

from __future__ import annotations

import argparse
import grp
import pwd
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import rump
from rump import QuotactlArgs
from rumpclients._command import FAILED, CommandError, Parser, UsageError, connect, print_json, reason, run, tell

KINDS = {rump.QUOTA_IDTYPE_USER: "user", rump.QUOTA_IDTYPE_GROUP: "group"}
_BLOCKS, _FILES = rump.QUOTA_OBJTYPE_BLOCKS, rump.QUOTA_OBJTYPE_FILES
_BLOCK = 512
_MANY = 1000
_TIMES = {"": 1, "S": 1, "M": 60, "H": 3600, "D": 86400, "W": 7 * 86400}
_SIZES = {"": 1 << 10, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def _parser(prog: str, text: str) -> Parser:
    p = Parser(prog, f"{text} of the kernel that RUMP_SERVER names.", conflict_handler="resolve")
    p.add_argument("-u", dest="user", action="store_true", help="those of users, which is so without -g")
    p.add_argument("-g", dest="group", action="store_true", help="those of groups")
    return p


def _kinds(options: argparse.Namespace, *, both: bool = False) -> list[int]:
    wanted = [(options.user, rump.QUOTA_IDTYPE_USER), (options.group, rump.QUOTA_IDTYPE_GROUP)]
    return [kind for asked, kind in wanted if asked] or (list(KINDS) if both else [rump.QUOTA_IDTYPE_USER])


def _each(prog: str, paths: Sequence[str], act: Any) -> int:
    """Goes on with the other file systems when one fails."""
    status = 0
    with connect(prog) as k:
        for path in paths or list(_mounted(k)):
            try:
                act(k, path)
            except OSError as error:
                status = tell(prog, reason(error) if error.filename else f"{path}: {reason(error)}") or FAILED
    return status


def _mounted(k: rump.Client) -> Iterator[str]:
    """The file systems that have quotas."""
    for mount in k.sys.getvfsstat():
        path = mount.f_mntonname.decode(errors="surrogateescape")
        try:
            k.sys.quotactl(path, QuotactlArgs(rump.QUOTACTL_STAT))
        except OSError:
            continue
        yield path


# -- repquota


def report(argv: Sequence[str] | None = None) -> int:
    prog = "rump.repquota"
    p = _parser(prog, "Shows who has how much on file systems, and what the limits are,")
    p.add_argument("-a", dest="all", action="store_true", help="of all file systems that have quotas")
    p.add_argument("-v", dest="verbose", action="store_true", help="name each file system first")
    p.add_argument("--json", action="store_true", help="print JSON: bytes and files; no limit is null")
    p.add_argument("filesystem", metavar="FILESYSTEM", nargs="*", help="where it is mounted")
    options = p.parse_args(argv)
    return run(prog, lambda: _report(prog, options))


def _report(prog: str, options: argparse.Namespace) -> int:
    if bool(options.filesystem) == options.all:
        raise UsageError("either -a or file systems have to be named")
    rows: list[dict[str, Any]] = []

    def show(k: rump.Client, path: str) -> None:
        for kind in _kinds(options):
            found = _entries(k, path, kind)
            if options.json:
                rows.extend(_row(path, kind, ident, values) for ident, values in found.items())
            else:
                _table(path if options.verbose else "", kind, found)

    status = _each(prog, options.filesystem, show)
    if options.json:
        print_json(rows)
    return status


Values = dict[int, rump.QuotaValue]


def _entries(k: rump.Client, path: str, kind: int) -> dict[int, Values]:
    """Quotas of blocks and files by id."""
    out: dict[int, Values] = {}
    cursor = k.sys.quotactl(path, QuotactlArgs(rump.QUOTACTL_CURSOROPEN)).cursor
    while cursor is not None and not cursor.at_end:
        found = k.sys.quotactl(path, QuotactlArgs(rump.QUOTACTL_CURSORGET, cursor=cursor, maxnum=_MANY))
        for entry in found.entries:
            if entry.key is not None and entry.value is not None and entry.key.idtype == kind:
                out.setdefault(entry.key.id, {})[entry.key.objtype] = entry.value
        cursor = found.cursor
    return out


def name_of(kind: int, ident: int) -> str:
    """As this machine knows them."""
    if ident == rump.QUOTA_DEFAULTID:
        return "(default)"
    try:
        return pwd.getpwuid(ident).pw_name if kind == rump.QUOTA_IDTYPE_USER else grp.getgrgid(ident).gr_name
    except KeyError:
        return str(ident)


def _row(path: str, kind: int, ident: int, values: Values) -> dict[str, Any]:
    row: dict[str, Any] = {"filesystem": path, "type": KINDS[kind], "id": ident, "name": name_of(kind, ident)}
    if ident == rump.QUOTA_DEFAULTID:
        row["id"] = None
    for what, unit, value in (("bytes", _BLOCK, values.get(_BLOCKS)), ("files", 1, values.get(_FILES))):
        v = value or rump.QuotaValue(rump.QUOTA_NOLIMIT, rump.QUOTA_NOLIMIT)
        limits = {
            f: None if n == rump.QUOTA_NOLIMIT else n * unit for f, n in (("soft", v.softlimit), ("hard", v.hardlimit))
        }
        row[what] = {"used": v.usage * unit, **limits, "grace": v.grace}
    return row


def _table(path: str, kind: int, found: dict[int, Values]) -> None:
    if path:
        print(f"*** Report for {KINDS[kind]} quotas on {path}")
    print(f"{'':24}Block limits{'':24}File limits")
    columns = "".join(f"{name:>9}" for name in ("used", "soft", "hard"))
    print(f"{KINDS[kind].capitalize():<10}  {columns}  grace{columns}  grace")
    for ident, values in sorted(found.items(), key=lambda pair: (pair[0] == rump.QUOTA_DEFAULTID, pair[0])):
        blocks, files = (values.get(what, rump.QuotaValue()) for what in (_BLOCKS, _FILES))
        over = "".join("+" if _over(v) else "-" for v in (blocks, files))
        kilo = [_number(n, 2) for n in (blocks.usage, blocks.softlimit, blocks.hardlimit)]
        plain = [_number(n, 1) for n in (files.usage, files.softlimit, files.hardlimit)]
        line = f"{name_of(kind, ident):<10}{over}" + "".join(f"{n:>9}" for n in kilo) + f"{_left(blocks):>7}"
        print(f"{line}{''.join(f'{n:>9}' for n in plain)}{_left(files):>7}".rstrip())


def _number(value: int, divisor: int) -> str:
    return "-" if value == rump.QUOTA_NOLIMIT else str(-(-value // divisor))


def _over(v: rump.QuotaValue) -> bool:
    return v.softlimit != rump.QUOTA_NOLIMIT and v.usage > v.softlimit


def _left(v: rump.QuotaValue) -> str:
    """How long the soft limit may still be exceeded."""
    if not _over(v) or v.expiretime == rump.QUOTA_NOTIME:
        return ""
    seconds = v.expiretime - int(time.time())
    if seconds <= 0:
        return "none"
    return f"{-(-seconds // 86400)}days" if seconds > 86400 else f"{seconds // 3600}:{seconds // 60 % 60:02}"


# -- edquota


def edit(argv: Sequence[str] | None = None) -> int:
    prog = "rump.edquota"
    p = _parser(prog, "Sets limits of users or groups on file systems")
    p.add_argument("-f", dest="path", metavar="FILESYSTEM", help="on this one alone; else on all that have quotas")
    p.add_argument("-s", dest="soft", metavar="BLOCKS/FILES", help="soft limits: KiB, or with k, m, g, t; none")
    p.add_argument("-h", dest="hard", metavar="BLOCKS/FILES", help="hard limits")
    p.add_argument("-t", dest="grace", metavar="TIME/TIME", help="grace: seconds, or with M, H, D, W")
    p.add_argument("-c", dest="clear", action="store_true", help="takes the limits away: the default ones count again")
    p.add_argument("-d", dest="default", action="store_true", help="those of who has none of his own")
    p.add_argument("--help", action="help", help="show this help message and exit")
    p.add_argument("name", metavar="NAME", nargs="*", help="users or groups of this machine, or numbers")
    options = p.parse_args(argv)
    return run(prog, lambda: _edit(prog, options))


def _edit(prog: str, options: argparse.Namespace) -> int:
    if not (options.clear or options.soft or options.hard or options.grace):
        raise UsageError("what is to be set is missing: -s, -h, -t or -c")
    if bool(options.name) == options.default:
        raise UsageError("either -d or names have to be given")
    (kind,) = _kinds(options) if not (options.user and options.group) else (None,)
    if kind is None:
        raise UsageError("-u or -g, not both")
    ids = [rump.QUOTA_DEFAULTID] if options.default else [id_of(kind, name) for name in options.name]
    changes = _changes(options)

    def change(k: rump.Client, path: str) -> None:
        for ident in ids:
            for objtype in (_BLOCKS, _FILES):
                _put(k, path, (kind, ident, objtype), None if options.clear else changes[objtype])

    return _each(prog, [options.path] if options.path else [], change)


def id_of(kind: int, name: str) -> int:
    """CommandError."""
    if name.isdigit():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid if kind == rump.QUOTA_IDTYPE_USER else grp.getgrnam(name).gr_gid
    except KeyError:
        raise CommandError(f"{name}: this machine knows no {KINDS[kind]} of that name; a number will do") from None


def _changes(options: argparse.Namespace) -> dict[int, dict[str, int]]:
    """What is to be set, by objtype. UsageError."""
    out: dict[int, dict[str, int]] = {_BLOCKS: {}, _FILES: {}}
    for flag, field in (("-s", "softlimit"), ("-h", "hardlimit"), ("-t", "grace")):
        text = {"-s": options.soft, "-h": options.hard, "-t": options.grace}[flag]
        if not text:
            continue
        blocks, slash, files = text.partition("/")
        if not slash:
            raise UsageError(f"{flag} {text}: two of them, for blocks and for files, with a / between")
        for objtype, word in ((_BLOCKS, blocks), (_FILES, files)):
            if word:
                out[objtype][field] = _time(word) if field == "grace" else _limit(word, objtype)
    return out


def _limit(word: str, objtype: int) -> int:
    if word in ("none", "unlimited"):
        return int(rump.QUOTA_NOLIMIT)
    match = re.fullmatch(r"(\d{1,15})([kmgt]?)", word.lower())
    if match is None or (objtype == _FILES and match[2]):
        raise UsageError(f"{word}: not a limit")
    return int(match[1]) if objtype == _FILES else int(match[1]) * _SIZES[match[2]] // _BLOCK


def _time(word: str) -> int:
    match = re.fullmatch(r"(\d{1,9})([SMHDW]?)", word.upper())
    if match is None:
        raise UsageError(f"{word}: not a time")
    return int(match[1]) * _TIMES[match[2]]


def _put(k: rump.Client, path: str, key: tuple[int, int, int], change: dict[str, int] | None) -> None:
    """None clears. What is not named stays as it is."""
    idtype, ident, objtype = key
    args = QuotactlArgs(rump.QUOTACTL_GET, idtype=idtype, id=ident, objtype=objtype)
    if change is None:
        k.sys.quotactl(path, args._replace(op=rump.QUOTACTL_DEL))
    elif change:
        try:
            now = k.sys.quotactl(path, args)
        except FileNotFoundError:  # nothing is known of the id
            now = args._replace(hardlimit=rump.QUOTA_NOLIMIT, softlimit=rump.QUOTA_NOLIMIT)
        wanted = args._replace(
            op=rump.QUOTACTL_PUT,
            hardlimit=change.get("hardlimit", now.hardlimit),
            softlimit=change.get("softlimit", now.softlimit),
            grace=change.get("grace", rump.QUOTA_NOTIME),
        )
        k.sys.quotactl(path, wanted)


# -- quotaon, quotaoff


def on(argv: Sequence[str] | None = None) -> int:
    return _switch("rump.quotaon", "Has limits on file systems count", rump.QUOTACTL_QUOTAON, argv)


def off(argv: Sequence[str] | None = None) -> int:
    return _switch("rump.quotaoff", "Has limits on file systems not count any more", rump.QUOTACTL_QUOTAOFF, argv)


def _switch(prog: str, text: str, op: int, argv: Sequence[str] | None) -> int:
    p = _parser(prog, f"{text},")
    p.add_argument("-v", dest="verbose", action="store_true", help="tell what was done")
    p.add_argument("filesystem", metavar="FILESYSTEM", nargs="+", help="where it is mounted")
    options = p.parse_args(argv)

    def switch(k: rump.Client, path: str) -> None:
        for kind in _kinds(options, both=True):
            k.sys.quotactl(path, QuotactlArgs(op, idtype=kind))
            if options.verbose:
                print(f"{path}: {KINDS[kind]} quotas turned {'on' if op == rump.QUOTACTL_QUOTAON else 'off'}")

    return run(prog, lambda: _each(prog, options.filesystem, switch))
