"""The formats of stat(1): ``%z``, ``%Sp``, ``%Sm``, ``%N``."""

from __future__ import annotations

import re
import stat as modes
import time
from collections.abc import Callable

import rump
from rumpclients._command import UsageError
from rumpclients._modes import flag_names

TIMES = "%b %e %H:%M:%S %Y"
_SPEC = re.compile(r"%(?P<flags>[#+ 0-]*)(?P<width>\d+)?(?:\.(?P<precision>\d+))?(?P<form>[DOUXFS]?)"
                   r"(?P<part>[HML]?)(?P<datum>[diplugramcBzbkfvTYNZ])|%(?P<other>[%nt@])", re.DOTALL)  # fmt: skip
_STRINGS = "pugamcBfdrTYN"
"""Data that are text where nothing else is asked for, or may be."""
_TYPES = {
    modes.S_IFREG: "Regular File", modes.S_IFDIR: "Directory", modes.S_IFLNK: "Symbolic Link",
    modes.S_IFIFO: "Fifo File", modes.S_IFCHR: "Character Device", modes.S_IFBLK: "Block Device",
    modes.S_IFSOCK: "Socket",
}  # fmt: skip
_MARKS = {modes.S_IFDIR: "/", modes.S_IFLNK: "@", modes.S_IFSOCK: "=", modes.S_IFIFO: "|"}
_NUMBERS: dict[str, Callable[[rump.Stat], int]] = {
    "d": lambda st: st.st_dev, "i": lambda st: st.st_ino, "p": lambda st: st.st_mode, "l": lambda st: st.st_nlink,
    "u": lambda st: st.st_uid, "g": lambda st: st.st_gid, "r": lambda st: st.st_rdev,
    "a": lambda st: st.st_atime_ns, "m": lambda st: st.st_mtime_ns, "c": lambda st: st.st_ctime_ns,
    "B": lambda st: st.st_birthtime_ns, "z": lambda st: st.st_size, "b": lambda st: st.st_blocks,
    "k": lambda st: st.st_blksize, "f": lambda st: st.st_flags, "v": lambda st: st.st_gen,
}  # fmt: skip
_PARTS: dict[str, dict[str, Callable[[int], int]]] = {
    "p": {"H": lambda n: n >> 12, "M": lambda n: n >> 9 & 7, "L": lambda n: n & 0o777},
    "d": {"H": rump.major, "L": rump.minor},
    "r": {"H": rump.major, "L": rump.minor},
}


def mark(mode: int) -> str:
    """What ls -F puts behind a name."""
    return _MARKS.get(modes.S_IFMT(mode), "*" if mode & 0o111 else "")


def kind(mode: int) -> str:
    return _TYPES.get(modes.S_IFMT(mode), "?")


def formatter(text: str, times: str = TIMES) -> Callable[[str, str, rump.Stat], str]:
    """What makes a line of a name, the target of a link, and attributes. UsageError for what is no format."""
    left = _SPEC.sub("", text)
    if "%" in left:
        raise UsageError(f"-f {text}: {left[left.index('%') :][:2]} is no datum of stat(1)")

    def line(name: str, target: str, st: rump.Stat) -> str:
        return _SPEC.sub(lambda match: _field(match, name, target, st, times), text)

    return line


def _field(match: re.Match[str], name: str, target: str, st: rump.Stat, times: str) -> str:
    if match["other"]:
        return {"%": "%", "n": "\n", "t": "\t", "@": "1"}[match["other"]]
    datum, form, part = match["datum"], match["form"], match["part"]
    if datum in "TYN":
        value = _text(datum, part, name, target, st, arrow=form == "S")
    elif form == "S" and datum in _STRINGS:
        value = _string(datum, part, st, times)
    elif datum == "Z":
        device = modes.S_ISCHR(st.st_mode) or modes.S_ISBLK(st.st_mode)
        value = f"{rump.major(st.st_rdev)},{rump.minor(st.st_rdev)}" if device else str(st.st_size)
    else:
        value = _number(datum, form, part, st, match["precision"], alternate="#" in match["flags"])
    return _set(value, match["flags"], int(match["width"] or 0))


def _text(datum: str, part: str, name: str, target: str, st: rump.Stat, *, arrow: bool) -> str:
    if datum == "N":
        return name
    if datum == "Y":
        return f" -> {target}" if arrow and target else target
    return kind(st.st_mode) if part == "H" else mark(st.st_mode)


def _string(datum: str, part: str, st: rump.Stat, times: str) -> str:
    number = _NUMBERS[datum](st)
    if datum == "p":
        whole = modes.filemode(number)
        return {"H": whole[:4], "M": whole[4:7], "L": whole[7:]}.get(part, whole)
    if datum in "amcB":
        return clock(number / 1e9, times)
    if datum == "f":
        return flag_names(number)
    if datum in "dr":
        return f"{rump.major(number)},{rump.minor(number)}"
    return str(number)  # no names of users: the kernel has numbers


def _number(datum: str, form: str, part: str, st: rump.Stat, precision: str | None, *, alternate: bool) -> str:
    number = _NUMBERS[datum](st)
    if datum in "amcB":
        if form == "F":
            return f"{number / 1e9:.{int(precision or 9)}f}"
        number //= 10**9
    elif part:
        number = _part(datum, part, number)
    form = form or ("O" if datum == "p" else "D")
    prefix = {"O": "0", "X": "0x"}.get(form, "") if alternate and number else ""
    return prefix + format(number, {"O": "o", "X": "x"}.get(form, "d"))


def _part(datum: str, part: str, number: int) -> int:
    parts = _PARTS.get(datum, {})
    return parts[part](number) if part in parts else number


def _set(value: str, flags: str, width: int) -> str:
    if "-" in flags:
        return value.ljust(width)
    return value.rjust(width, "0" if "0" in flags and value.isalnum() else " ")


def clock(seconds: float, form: str) -> str:
    """A time; a number for times of a hostile image that no calendar has."""
    try:
        return time.strftime(form, time.localtime(seconds))
    except (OverflowError, OSError, ValueError):
        return str(int(seconds))
