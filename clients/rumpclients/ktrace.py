"""rump.ktrace and rump.kdump: the system calls of processes of a kernel (ktrace(1), ktruss(1), kdump(1))."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import rump
from rump import ktrace
from rumpclients._command import CommandError, Parser, UsageError, connect, run

POINTS = {
    "c": rump.KTRFAC_SYSCALL | rump.KTRFAC_SYSRET,
    "e": rump.KTRFAC_EMUL,
    "i": rump.KTRFAC_GENIO,
    "l": rump.KTRFAC_MIB,
    "n": rump.KTRFAC_NAMEI,
    "s": rump.KTRFAC_PSIG,
    "u": rump.KTRFAC_USER,
}
"""Letters of -t, as those of ktrace(1)."""
LIVE_CALLS = rump.KTRFAC_CALL | rump.KTRFAC_RESULT
PIPE = 1 << 16
NOT_FOUND = 127
"""As a shell has it."""


def parser() -> Parser:
    p = Parser("rump.ktrace", "Shows the calls of processes of the kernel that RUMP_SERVER names, as they are made.")
    whom = p.add_mutually_exclusive_group()
    whom.add_argument("-p", dest="pid", type=int, metavar="PID", help="of a process")
    whom.add_argument("-g", dest="group", type=int, metavar="PGID", help="of a process group")
    p.add_argument("-d", dest="descend", action="store_true", help="of those that descend from it too")
    p.add_argument("-i", dest="inherit", action="store_true", help="of its children to come too")
    p.add_argument("-f", dest="file", metavar="FILE", help="write to a file of the kernel, for kdump, and show nothing")
    p.add_argument("-a", dest="append", action="store_true", help="with -f: add to what is in the file")
    p.add_argument(
        "-c",
        dest="clear",
        action="store_true",
        help="trace it no more; with -f alone nobody to the file; nothing before a command",
    )
    p.add_argument("-t", dest="points", default="", metavar="POINTS", help=f"what: some of {''.join(POINTS)}")
    p.add_argument("-m", dest="most", type=int, metavar="BYTES", help="of data to show at most; 0 for none")
    p.add_argument("-T", dest="times", action="store_true", help="with the time of each")
    p.add_argument("--json", action="store_true", help="a line of JSON for each")
    p.add_argument("command", nargs=argparse.REMAINDER, help="a command of this machine, whose calls to trace")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    return run("rump.ktrace", lambda: _ktrace(parser().parse_args(argv)))


def _ktrace(options: argparse.Namespace) -> int:
    pid = options.pid if options.group is None else -options.group
    if options.command and pid is not None:
        raise UsageError("either a command, or -p or -g")
    with connect("rump.ktrace") as k:
        if options.command:
            return _run(k, options)
        if options.clear:
            _clear(k, options, pid)
        elif pid is None:
            raise UsageError("say whom to trace: a command, -p or -g")
        elif options.file:
            _to_file(k, options, pid)
        else:
            with contextlib.suppress(KeyboardInterrupt):
                show(_live(k, options, pid), options)
    return 0


def _run(k: rump.Client, options: argparse.Namespace) -> int:
    """Runs a command; what it attaches is traced like a child of ours that does nothing itself. Its exit status."""
    options.inherit = True
    child = k.fork()
    try:
        if options.file:
            _to_file(k, options, child.pid)
            return _command(options, child)
        found, status = _live(k, options, child.pid), []
        waiting = threading.Thread(target=lambda: status.append(_command(options, child)))
        waiting.start()
        show(found, options)
        waiting.join()
        return status[0] if status else 1
    finally:
        child.close()


def _command(options: argparse.Namespace, child: rump.Client) -> int:
    """When it has ended, and all that it left behind, nobody is traced any more."""
    try:
        return subprocess.run(
            options.command, env={**os.environ, "RUMP_KTRACE": str(child.pid)}, check=False
        ).returncode
    except OSError as error:
        print(f"rump.ktrace: {options.command[0]}: {error.strerror}", file=sys.stderr)
        return NOT_FOUND
    finally:
        child.close()


def _ops(options: argparse.Namespace) -> int:
    return rump.KTROP_SET | rump.KTRFACV2 | (rump.KTRFLAG_DESCEND if options.descend else 0)


def _clear(k: rump.Client, options: argparse.Namespace, pid: int | None) -> None:
    if pid is None and not options.file:
        raise UsageError("say what to clear: -p, -g or -f")
    if pid is None:
        k.sys.ktrace(options.file, rump.KTROP_CLEARFILE, 0)
    else:
        descend = rump.KTRFLAG_DESCEND if options.descend else 0
        k.sys.ktrace("", rump.KTROP_CLEAR | descend, _points(options.points) or rump.KTRFAC_MASK, pid)


def _to_file(k: rump.Client, options: argparse.Namespace, pid: int) -> None:
    flags = os.O_CREAT | os.O_WRONLY | (0 if options.append else os.O_TRUNC)
    k.sys.close(k.sys.open(options.file, flags, 0o600))
    k.sys.ktrace(options.file, _ops(options), _facilities(options, ktrace.FILE), pid)


def _live(k: rump.Client, options: argparse.Namespace, pid: int) -> Iterator[ktrace.Record]:
    """Until nobody is left who is traced. We are not: each of our reads would be one more record."""
    if pid == k.pid:
        raise UsageError("that would be this program itself")
    facilities = _facilities(options, ktrace.LIVE)
    if facilities & rump.KTRFAC_SYSCALL:
        facilities = facilities & ~POINTS["c"] | LIVE_CALLS
    reading, writing = k.sys.pipe()
    k.sys.fktrace(writing, _ops(options), facilities, pid)
    k.sys.close(writing)
    if not options.command:
        print(f"tracing {'process' if pid > 0 else 'group'} {abs(pid)}", file=sys.stderr, flush=True)
    return ktrace.follow(k, reading)


def _facilities(options: argparse.Namespace, default: int) -> int:
    return (_points(options.points) or default) | (rump.KTRFAC_INHERIT if options.inherit else 0)


def _points(letters: str) -> int:
    found = 0
    for letter in letters:
        if letter not in POINTS:
            raise UsageError(f"-t {letters}: {letter} is none of {''.join(POINTS)}")
        found |= POINTS[letter]
    return found


# -- showing


def show(found: Iterable[ktrace.Record], options: argparse.Namespace) -> None:
    dropped = 0
    try:
        for record in found:
            dropped += record.fields.get("dropped", 0) if record.type == rump.KTR_USER else 0
            print(_json(record) if options.json else _line(record, options), flush=True)
    except ValueError as error:
        raise CommandError(str(error)) from None
    finally:
        if dropped:
            print(f"{dropped} records were dropped: they came faster than they were read", file=sys.stderr)


def _line(record: ktrace.Record, options: argparse.Namespace) -> str:
    line = ktrace.line(record, options.most)
    if not options.times:
        return line
    seconds, nanoseconds = divmod(record.time_ns, 10**9)
    return f"{line[:23]}{seconds}.{nanoseconds:09d} {line[23:]}"


def _json(record: ktrace.Record) -> str:
    head = {"pid": record.pid, "lid": record.lid, "comm": record.comm, "time_ns": record.time_ns}
    kind = ktrace.NAMES.get(record.type, str(record.type))
    return json.dumps({**head, "type": kind, **record.fields}, default=_plain)


def _plain(value: Any) -> str:
    return bytes(value).decode("utf-8", "surrogateescape")


# -- kdump


def _kdump_parser() -> Parser:
    p = Parser("rump.kdump", "Shows a file that a trace was written to.")
    p.add_argument("-f", dest="file", metavar="FILE", help="a file of the kernel that RUMP_SERVER names")
    p.add_argument("-H", dest="host", metavar="FILE", help="a file of this machine, - for what comes in")
    p.add_argument("-p", dest="pid", type=int, metavar="PID", help="one process alone")
    p.add_argument("-t", dest="points", default="", metavar="POINTS", help=f"what: some of {''.join(POINTS)}")
    p.add_argument("-m", dest="most", type=int, metavar="BYTES", help="of data to show at most; 0 for none")
    p.add_argument("-T", dest="times", action="store_true", help="with the time of each")
    p.add_argument("--json", action="store_true", help="a line of JSON for each")
    return p


def kdump(argv: Sequence[str] | None = None) -> int:
    return run("rump.kdump", lambda: _kdump(_kdump_parser().parse_args(argv)))


def _kdump(options: argparse.Namespace) -> None:
    if (options.file is None) == (options.host is None):
        raise UsageError("say which file: -f of the kernel, or -H of this machine")
    wanted = _points(options.points)
    with _bytes(options) as pieces:
        found = ktrace.records(pieces)
        show((r for r in found if options.pid in (None, r.pid) and (not wanted or wanted >> r.type & 1)), options)


@contextlib.contextmanager
def _bytes(options: argparse.Namespace) -> Iterator[Iterator[bytes]]:
    if options.host == "-":
        yield iter(lambda: os.read(sys.stdin.fileno(), PIPE), b"")
    elif options.host is not None:
        with open(options.host, "rb") as file:
            yield iter(lambda: file.read(PIPE), b"")
    else:
        with connect("rump.kdump") as k:
            fd = k.sys.open(options.file, os.O_RDONLY)
            yield iter(lambda: k.sys.read(fd, PIPE), b"")


if __name__ == "__main__":
    sys.exit(main())
