"""rumphijack: runs an unmodified program whose sockets, and files under a path, are those of a kernel.

Three processes: this one waits for the program and ends as it ends; its child, the supervisor, answers the program's
trapped calls, and stays for what the program leaves running; the supervisor's child becomes the program.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn

from rumpclients import _start
from rumpclients._command import FAILED, CommandError, Parser, UsageError, reason, run, tell
from rumpclients.hijack import numbers, options, program, supervisor

PROG = "rumphijack"
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT, signal.SIGWINCH)


def parser() -> Parser:
    p = Parser(
        PROG,
        "Runs a program whose sockets are those of the kernel that RUMP_SERVER names, and which sees its files.",
        usage="rumphijack [-h] [--version] [--url URL] [OPTION=VALUE[,OPTION=VALUE]...] PROGRAM [ARGUMENT...]",
        epilog="OPTION=VALUE as in RUMPHIJACK: path=/rump, blanket=/dir:/dir, socket=all:nolocal, vfs=, sysctl=, "
        f"fdoff=; without any: {options.DEFAULT}.",
    )
    p.add_argument("--url", metavar="URL", help="the kernel (default: that of RUMP_SERVER, or of `rump up`)")
    p.add_argument("words", nargs="...", metavar="PROGRAM")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    return run(PROG, lambda: _main(parser().parse_args(argv)))


def _main(arguments: Any) -> int:
    words = list(arguments.words)
    given = []
    while words and words[0].partition("=")[0] in options.NAMES and "=" in words[0]:
        given.append(words.pop(0))
    if words[:1] == ["--"]:
        words.pop(0)
    if not words:
        raise UsageError("no program is named")
    wishes = options.parse(",".join(given) if given else os.environ.get("RUMPHIJACK"))
    retry = options.retry(os.environ)
    numbers.machine()
    return _front(arguments.url or _default_url(), wishes, retry, words)


def _default_url() -> str | None:
    if os.environ.get("RUMP_SERVER") or not os.path.exists(_start.default_url().removeprefix("unix://")):
        return None
    return _start.default_url()


# -- the process that waits


def _front(url: str | None, wishes: options.Options, retry: Any, command: list[str]) -> int:
    reader, writer = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _supervise(writer, url, wishes, retry, command)
    os.close(writer)
    with os.fdopen(reader) as said:
        return _wait(said)


def _wait(said: Any) -> int:
    """Passes signals on, until the program has ended: its status. CommandError."""
    pid = 0
    early: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        if pid:
            _signal(pid, number)
        else:
            early.append(number)

    for one in _PASSED_ON:
        signal.signal(one, pass_on)
    for one in (signal.SIGINT, signal.SIGQUIT):  # the terminal sends them to the program as well
        signal.signal(one, signal.SIG_IGN)
    why = ""
    for line in said:
        words = json.loads(line)
        why = words.get("error", why)
        if "pid" in words:
            pid = words["pid"]
            for number in early:
                _signal(pid, number)
        if "status" in words:
            status = int(words["status"])
            if why:
                return tell(PROG, why, status)
            return status if status >= 0 else 128 - status
    raise CommandError(why or "the supervisor has ended; see above")


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


# -- the process that answers


def _supervise(writer: int, url: str | None, wishes: options.Options, retry: Any, command: list[str]) -> NoReturn:
    def say(**words: Any) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(writer, json.dumps(words).encode() + b"\n")

    status = FAILED
    try:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            os.close(writer)
            program.run(theirs, command, wishes.families)
        theirs.close()
        supervisor.become()
        _let_go({writer, ours.fileno()})
        try:
            asyncio.run(_answer(pid, ours, say, wishes, url, os.path.basename(command[0]), retry))
            status = 0
        finally:
            ours.close()
    except (CommandError, UsageError) as error:
        say(error=str(error))
    except OSError as error:
        say(error=reason(error))
    finally:
        os._exit(status)


async def _answer(pid: int, control: socket.socket, say: Any, wishes: Any, *where: Any) -> None:
    await supervisor.Supervisor(pid, control, say).run(wishes, *where)


def _let_go(kept: set[int]) -> None:
    """Of what was inherited, which is the program's: who reads the other ends sees them end. Errors are still told."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1):
        os.dup2(null, fd)
    os.close(null)
    for fd in sorted(int(name) for name in os.listdir("/proc/self/fd")):
        if fd > 2 and fd not in kept:
            with contextlib.suppress(OSError):
                os.close(fd)


if __name__ == "__main__":
    sys.exit(main())
