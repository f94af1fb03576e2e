"""rump.kill: signals for processes of a kernel (kill(1))."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import rump
from rumpclients._command import FAILED, Parser, UsageError, connect, reason, run, tell

PROG = "rump.kill"
SIGNALS = (
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "EMT", "FPE", "KILL", "BUS", "SEGV", "SYS", "PIPE", "ALRM", "TERM",
    "URG", "STOP", "TSTP", "CONT", "CHLD", "TTIN", "TTOU", "IO", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "INFO",
    "USR1", "USR2", "PWR",
)  # fmt: skip
"""NetBSD's signals from 1 on, without SIG."""
RTMIN, RTMAX = 33, 63
_TERM = 1 + SIGNALS.index("TERM")


def parser() -> Parser:
    return Parser(
        PROG,
        "Sends a signal to processes of the kernel that RUMP_SERVER names.",
        usage="%(prog)s [-s signal_name] pid ...\n       %(prog)s [-signal_name | -signal_number] pid ...\n"
        "       %(prog)s -l [exit_status]",
        epilog="Without a signal it is TERM; 0 only asks whether one may be sent. Numbers are those of the kernel, "
        "not of this machine. A negative pid is a process group and comes after a signal or --; -1 is all processes.",
    )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if words and (words[0].startswith("--") and words[0] != "--"):
        parser().parse_args(words)  # --help, --version, and what is wrong
    return run(PROG, lambda: _main(words))


def _main(words: list[str]) -> int:
    if not words:
        raise UsageError("a pid is needed")
    if words[0] == "-l":
        return _list(words[1:])
    signo, pids = _signal(words)
    if not pids:
        raise UsageError("a pid is needed")
    targets = [_pid(word) for word in pids]
    with connect(PROG) as k:
        return max([_kill(k, pid, signo) for pid in targets])


def _signal(words: list[str]) -> tuple[int, list[str]]:
    """The signal, by NetBSD's number, and the words behind it."""
    first, rest, signo = words[0], words[1:], _TERM
    if first == "-s":
        if not rest:
            raise UsageError("-s needs the name of a signal")
        signo, rest = signal_number(rest[0]), rest[1:]
    elif first == "--" or not first.startswith("-"):
        rest = words
    else:
        signo = signal_number(first[1:])
    return signo, rest[1:] if rest[:1] == ["--"] else rest


def signal_number(word: str) -> int:
    """A name with or without SIG, in either case, RTMIN+n and RTMAX-n; or a number."""
    name = word.upper().removeprefix("SIG")
    if name.isdecimal():
        number = int(name)
    elif name.startswith(("RTMIN", "RTMAX")):
        number = _realtime(name)
    else:
        number = 1 + SIGNALS.index(name) if name in SIGNALS else -1
    if not 0 <= number <= RTMAX:
        raise UsageError(f"there is no signal {word}; -l lists them")
    return number


def _realtime(name: str) -> int:
    base, away = (RTMIN, name[5:]) if name.startswith("RTMIN") else (RTMAX, name[5:])
    signed = away[:1] == ("+" if base == RTMIN else "-") and away[1:].isdecimal()
    if away and not signed:
        return -1
    number = base + int(away or 0)
    return number if RTMIN <= number <= RTMAX else -1


def _name(number: int) -> str:
    return SIGNALS[number - 1] if number < RTMIN else f"RTMIN+{number - RTMIN}".removesuffix("+0")


def _of_the_host(number: int) -> int:
    """The number that the SDK has for a signal of the kernel."""
    if not number:
        return 0
    return rump.SIGRTMIN + number - RTMIN if number >= RTMIN else int(getattr(rump, f"SIG{_name(number)}"))


def _pid(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise UsageError(f"{word!r} is no process id") from None


def _list(words: Sequence[str]) -> int:
    """All names, or the one of a number or of the exit status of a process that a signal ended."""
    if not words:
        print(" ".join(SIGNALS))
        return 0
    if len(words) > 1 or not words[0].isdecimal():
        raise UsageError("-l takes one number")
    number = int(words[0])
    number -= 128 if number > 128 else 0
    if not 0 < number <= RTMAX:
        raise UsageError(f"there is no signal {number}")
    print(_name(number))
    return 0


def _kill(k: rump.Client, pid: int, signo: int) -> int:
    try:
        k.pub.kill(pid, _of_the_host(signo))
    except OSError as error:
        return tell(PROG, f"{pid}: {reason(error)}", FAILED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
