"""What the programs share: arguments, errors in one line, exit statuses, tables."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import rump

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class UsageError(Exception):
    """Wrong arguments that argparse cannot know to be wrong. Exit status 2."""


class CommandError(Exception):
    """``what: why`` of a failure. Exit status 1."""


class Parser(argparse.ArgumentParser):
    """Errors in one line; ``--version``."""

    def __init__(self, prog: str, description: str = "", **options: Any) -> None:
        options.setdefault("allow_abbrev", False)
        super().__init__(prog=prog, description=description, **options)
        self.add_argument("--version", action="version", version=f"%(prog)s {rump.__version__}")

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message} (--help tells more)\n")


def run(prog: str, work: Callable[[], int | None]) -> int:
    """Does the work of a command: its exit status, with failures told on stderr."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what its lines would tell is in our one line
    try:
        status = work() or 0
        sys.stdout.flush()
    except UsageError as error:
        return tell(prog, str(error), USAGE)
    except CommandError as error:
        return tell(prog, str(error))
    except BrokenPipeError as error:
        if isinstance(error, rump.RumpError):
            return tell(prog, reason(error))
        # The reader of our output has gone: nothing more to say, and nothing may be said at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return tell(prog, reason(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def tell(prog: str, what: str, status: int = FAILED) -> int:
    """Says what went wrong; the exit status."""
    line = " ".join(what.split())
    print(f"{prog}: {line}".encode(errors="replace").decode(), file=sys.stderr)
    return status


def reason(error: OSError) -> str:
    """``what: why`` of an error."""
    both = (error.filename, error.filename2)
    names = " -> ".join(os.fsdecode(name) for name in both if isinstance(name, (str, bytes)) and name)
    if isinstance(error, rump.RumpError):
        return f"{names}: {error.why}" if names else f"{error.text or 'call'}: {error.strerror}"
    return f"{names}: {error.strerror}" if names else str(error.strerror or error)


def ask(question: str) -> bool:
    """Asks on stderr; whether the line of standard input begins with y, as BSD programs with -i."""
    print(f"{question}? ".encode(errors="replace").decode(), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()[:1] in ("y", "Y")


def connect(prog: str) -> rump.Client:
    """A process of the kernel that RUMP_SERVER names."""
    return rump.connect(comm=prog)


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> Any:
    return os.fsdecode(value) if isinstance(value, bytes) else str(value)


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[int] = ()) -> None:
    """Columns as wide as what is in them; those in ``right`` are set to the right."""
    table = [list(map(str, row)) for row in (header, *rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    for row in table:
        cells = [(cell.rjust if i in right else cell.ljust)(widths[i]) for i, cell in enumerate(row)]
        print(" ".join(cells).rstrip())


def human(size: float) -> str:
    """A size in at most four characters and a unit, as humanize_number(3)."""
    for unit in ("B", "K", "M", "G", "T", "P"):
        if abs(size) < 1000 or unit == "P":
            return f"{size:.1f}{unit}" if unit != "B" and abs(size) < 10 else f"{size:.0f}{unit}"
        size /= 1024
    return str(size)
