"""Modes, owners and flags as the commands take them (chmod(1), chown(8), chflags(1))."""

from __future__ import annotations

import grp
import os
import pwd
import re
import stat
import sys
from collections.abc import Callable, Sequence

import rump
from rump.fs import Tree
from rumpclients._command import UsageError

_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)")
_ACTION = re.compile(r"([-+=])([ugo]|[rwxXst]*)")
_MINUS = re.compile(r"-(?!t$)[rwxXst]+([-+=,].*)?")
_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o1007, "a": 0o7777}
_BITS = {"r": 0o444, "w": 0o222, "x": 0o111, "s": 0o6000, "t": 0o1000}
_SHIFT = {"u": 6, "g": 3, "o": 0}
Change = Callable[[int], int]


def shield(argv: Sequence[str] | None) -> list[str]:
    """Arguments in which a mode such as ``-w`` is not taken for an option: it gets a blank before it."""
    words = sys.argv[1:] if argv is None else list(argv)
    out: list[str] = []
    for word in words:
        value = bool(out) and out[-1] in ("-t", "-o")
        out.append(f" {word}" if _MINUS.fullmatch(word) and not value else word)
    return out


def mode_change(text: str, umask: int = 0o022) -> Change:
    """What makes the new mode out of the old one, file type included. UsageError."""
    text = text.strip()
    if re.fullmatch(r"[0-7]{1,5}", text) and int(text, 8) <= 0o7777:
        value = int(text, 8)
        return lambda mode: value
    clauses = [_CLAUSE.fullmatch(clause) for clause in text.split(",")]
    if not all(clauses):
        raise UsageError(f"{text}: not a mode")
    found = [(clause[1], _ACTION.findall(clause[2])) for clause in clauses if clause is not None]

    def change(mode: int) -> int:
        for who, actions in found:
            for sign, what in actions:
                mode = _act(mode, who, sign, what, umask)
        return stat.S_IMODE(mode)

    return change


def _act(mode: int, who: str, sign: str, what: str, umask: int) -> int:
    reach = 0
    for letter in who or "a":
        reach |= _WHO[letter]
    bits = _bits(mode, what) & reach
    if not who:
        bits &= ~umask
        reach &= ~umask
    if sign == "+":
        return mode | bits
    if sign == "-":
        return mode & ~bits
    kept = mode & (0o6000 if stat.S_ISDIR(mode) and "s" not in what else 0)
    return mode & ~(reach & 0o7777) | bits | kept


def _bits(mode: int, what: str) -> int:
    if what in _SHIFT and what:
        return (mode >> _SHIFT[what] & 7) * 0o111
    bits = 0
    for letter in what:
        if letter == "X":
            bits |= 0o111 if stat.S_ISDIR(mode) or mode & 0o111 else 0
        else:
            bits |= _BITS[letter]
    return bits


# -- owners


def owner(tree: Tree, text: str) -> tuple[int, int]:
    """``user``, ``user:group`` or ``:group``; -1 for what is not said. Names are the image's, else the host's."""
    user, _, group = text.partition(":")
    return (_user(tree, user) if user else -1), (_group(tree, group) if group else -1)


def group(tree: Tree, text: str) -> tuple[int, int]:
    return -1, _group(tree, text)


def _user(tree: Tree, name: str) -> int:
    def host(name: str) -> int:
        return pwd.getpwnam(name).pw_uid

    return _number(tree, name, "/etc/passwd", host, "user")


def _group(tree: Tree, name: str) -> int:
    def host(name: str) -> int:
        return grp.getgrnam(name).gr_gid

    return _number(tree, name, "/etc/group", host, "group")


def _number(tree: Tree, name: str, file: str, host: Callable[[str], int], what: str) -> int:
    if name.isascii() and name.isdigit():
        return int(name)
    try:
        lines = tree.read_bytes(file).split(b"\n")
    except OSError:
        lines = []
    for line in lines:
        fields = line.split(b":")
        if fields[0] == os.fsencode(name) and len(fields) > 2 and fields[2].isdigit():
            return int(fields[2])
    try:
        return host(name)
    except KeyError:
        raise UsageError(f"{name}: no such {what}") from None


# -- flags

FLAGS = {
    "arch": rump.SF_ARCHIVED, "archived": rump.SF_ARCHIVED, "nodump": rump.UF_NODUMP, "opaque": rump.UF_OPAQUE,
    "sappnd": rump.SF_APPEND, "sappend": rump.SF_APPEND, "schg": rump.SF_IMMUTABLE, "schange": rump.SF_IMMUTABLE,
    "simmutable": rump.SF_IMMUTABLE, "uappnd": rump.UF_APPEND, "uappend": rump.UF_APPEND, "uchg": rump.UF_IMMUTABLE,
    "uchange": rump.UF_IMMUTABLE, "uimmutable": rump.UF_IMMUTABLE,
}  # fmt: skip


def flag_names(flags: int) -> str:
    """Flags as ls -o shows them: the first name of each, ``-`` for none."""
    found = {bit: name for name, bit in reversed(FLAGS.items()) if flags & bit}
    return ",".join(sorted(found.values())) or "-"


def flags_change(text: str) -> Change:
    """What makes the new flags out of the old ones: an octal number, or names; ``no`` in front takes one away."""
    if re.fullmatch(r"[0-7]{1,11}", text):
        value = int(text, 8)
        return lambda flags: value
    on = off = 0
    for word in text.split(","):
        if word in FLAGS:
            on |= FLAGS[word]
        elif word == "dump":
            off |= rump.UF_NODUMP
        elif word.startswith("no") and word[2:] in FLAGS:
            off |= FLAGS[word[2:]]
        else:
            raise UsageError(f"{word}: no such flag; there are {', '.join(FLAGS)}")
    return lambda flags: flags & ~off | on
