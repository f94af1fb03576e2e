"""The expressions of find(1), as far as they make sense on an image."""

from __future__ import annotations

import fnmatch
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import rump
from rump.fs import Tree
from rumpclients import _image
from rumpclients._command import UsageError, reason, tell
from rumpclients._modes import flags_change
from rumpclients._statformat import clock

HELP = (
    "primaries: -name -iname -path -type -size -newer -perm -uid -gid -links -inum -atime -ctime -mtime -amin -cmin"
    " -mmin -flags -empty -print -print0 -ls -delete -prune -depth -x -xdev -maxdepth -mindepth -true -false;"
    " operators: ( ) ! -not -a -and -o -or"
)
MAX_DEPTH = 1024
"""Directories of a damaged image may hold one another."""
_DAY_S = 86400
_TYPES = {
    "b": stat.S_IFBLK, "c": stat.S_IFCHR, "d": stat.S_IFDIR, "f": stat.S_IFREG, "l": stat.S_IFLNK, "p": stat.S_IFIFO,
    "s": stat.S_IFSOCK,
}  # fmt: skip
_SIZES = {"": 512, "c": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class Item(NamedTuple):
    """What an expression is asked about."""

    path: str
    name: str
    st: rump.Stat
    depth: int


Test = Callable[[Item], bool]


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Paths, and the expression behind them."""
    if words and words[0] in ("-x", "-d"):
        paths, expression = split(words[1:])
        return paths, [words[0], *expression]
    for index, word in enumerate(words):
        if word.startswith("-") or word in ("(", ")", "!"):
            return list(words[:index]), list(words[index:])
    return list(words), []


class Finder:
    """Walks with one expression."""

    def __init__(self, prog: str, tree: Tree, expression: Sequence[str]) -> None:
        self._prog = prog
        self._tree = tree
        self._words = list(expression)
        self._at = 0
        self._acts = False
        self._pruned = self._deep = self._stays = False
        self._status = 0
        self._low, self._high = 0, MAX_DEPTH
        self._now = time.time()
        self._test: Test = self._parse() if self._words else lambda item: True

    # -- walking

    def walk(self, path: str) -> int:
        """The exit status."""
        try:
            st = self._tree.lstat(path)
        except OSError as error:
            return tell(self._prog, reason(error))
        self._status = 0
        device = st.st_dev
        todo = [(Item(path, os.path.basename(path.rstrip("/")) or "/", st, 0), False)]
        while todo:
            item, seen = todo.pop()
            if self._deep and not seen and self._inside(item, device):
                todo.append((item, True))
            elif not self._look(item) or seen:
                continue
            if self._inside(item, device):
                todo += [(below, False) for below in self._below(item)]
        return self._status

    def _inside(self, item: Item, device: int) -> bool:
        same = not self._stays or item.st.st_dev == device
        return stat.S_ISDIR(item.st.st_mode) and item.depth < self._high and same

    def _below(self, item: Item) -> list[Item]:
        """What is in a directory, the last one first."""
        try:
            found = _image.entries(self._tree, os.fsencode(item.path))
        except OSError as error:
            self._status = tell(self._prog, reason(error))
            return []
        below = [(os.fsdecode(name), st) for name, st in reversed(found)]
        return [Item(os.path.join(item.path, name), name, st, item.depth + 1) for name, st in below]

    def _look(self, item: Item) -> bool:
        """Asks the expression; whether to go below."""
        self._pruned = False
        if item.depth >= self._low and self._test(item) and not self._acts:
            self._print(item, "\n")
        return not self._pruned

    def _print(self, item: Item, end: str) -> None:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(item.path + end))
        sys.stdout.buffer.flush()

    # -- parsing: or-lists of and-lists of factors

    def _parse(self) -> Test:
        test = self._or()
        if self._at < len(self._words):
            raise UsageError(f"{self._words[self._at]}: not expected there")
        return test

    def _next(self) -> str | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def _take(self, after: str) -> str:
        word = self._next()
        if word is None:
            raise UsageError(f"{after}: something is missing behind it")
        self._at += 1
        return word

    def _or(self) -> Test:
        tests = [self._and()]
        while self._next() in ("-o", "-or"):
            self._at += 1
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else lambda item: any(test(item) for test in tests)

    def _and(self) -> Test:
        tests = [self._factor()]
        while self._next() not in (None, "-o", "-or", ")"):
            if self._next() in ("-a", "-and"):
                self._at += 1
            tests.append(self._factor())
        return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)

    def _factor(self) -> Test:
        word = self._take("the expression")
        if word in ("!", "-not"):
            inner = self._factor()
            return lambda item: not inner(item)
        if word == "(":
            inner = self._or()
            if self._take("(") != ")":
                raise UsageError("(: its ) is missing")
            return inner
        make = self._primaries().get(word)
        if make is None:
            raise UsageError(f"{word}: no such primary")
        return make(word)

    def _primaries(self) -> dict[str, Callable[[str], Test]]:
        return {
            "-name": self._name,
            "-iname": self._iname,
            "-path": self._path,
            "-type": self._type,
            "-size": self._size,
            "-newer": self._newer,
            "-perm": self._perm,
            "-uid": lambda word: self._number(word, lambda item: item.st.st_uid),
            "-gid": lambda word: self._number(word, lambda item: item.st.st_gid),
            "-links": lambda word: self._number(word, lambda item: item.st.st_nlink),
            "-inum": lambda word: self._number(word, lambda item: item.st.st_ino),
            **self._clocks(),
            "-flags": self._flags,
            "-ls": lambda word: self._act(lambda item: print(self._list(item))),
            "-delete": lambda word: self._act(self._delete, deep=True),
            **dict.fromkeys(("-x", "-xdev", "-mount"), self._one_device),
            **dict.fromkeys(("-d", "-depth"), self._contents_first),
            "-empty": lambda word: self._is_empty,
            "-print": lambda word: self._act(lambda item: self._print(item, "\n")),
            "-print0": lambda word: self._act(lambda item: self._print(item, "\0")),
            "-prune": lambda word: self._prune,
            "-maxdepth": self._depth,
            "-mindepth": self._depth,
            "-true": lambda word: lambda item: True,
            "-false": lambda word: lambda item: False,
        }

    # -- primaries

    def _name(self, word: str) -> Test:
        pattern = self._take(word)
        return lambda item: fnmatch.fnmatchcase(item.name, pattern)

    def _iname(self, word: str) -> Test:
        pattern = self._take(word).lower()
        return lambda item: fnmatch.fnmatchcase(item.name.lower(), pattern)

    def _path(self, word: str) -> Test:
        pattern = self._take(word)
        return lambda item: fnmatch.fnmatchcase(item.path, pattern)

    def _type(self, word: str) -> Test:
        letter = self._take(word)
        if letter not in _TYPES:
            raise UsageError(f"-type {letter}: there are {', '.join(_TYPES)}")
        return lambda item: stat.S_IFMT(item.st.st_mode) == _TYPES[letter]

    def _size(self, word: str) -> Test:
        match = re.fullmatch(r"([+-]?)([0-9]{1,18})([ckMGT]?)", text := self._take(word))
        if match is None:
            raise UsageError(f"-size {text}: not a size")
        unit = _SIZES[match[3]]
        return _compare(match[1], int(match[2]), lambda item: -(-item.st.st_size // unit))

    def _newer(self, word: str) -> Test:
        than = self._tree.stat(_image.absolute(self._take(word))).st_mtime_ns
        return lambda item: item.st.st_mtime_ns > than

    def _perm(self, word: str) -> Test:
        match = re.fullmatch(r"(-?)([0-7]{1,5})", text := self._take(word))
        if match is None:
            raise UsageError(f"-perm {text}: not an octal mode")
        bits = int(match[2], 8)
        if match[1]:
            return lambda item: item.st.st_mode & bits == bits
        return lambda item: item.st.st_mode & 0o7777 == bits

    def _number(self, word: str, value: Callable[[Item], int]) -> Test:
        match = re.fullmatch(r"([+-]?)([0-9]{1,18})", text := self._take(word))
        if match is None:
            raise UsageError(f"{word} {text}: not a number")
        return _compare(match[1], int(match[2]), value)

    def _is_empty(self, item: Item) -> bool:
        if stat.S_ISDIR(item.st.st_mode):
            return not self._tree.scandir(item.path)
        return stat.S_ISREG(item.st.st_mode) and item.st.st_size == 0

    def _clocks(self) -> dict[str, Callable[[str], Test]]:
        """``-mtime`` and its kin: age in days or minutes."""
        out: dict[str, Callable[[str], Test]] = {}
        for letter in "acm":
            for name, unit in (("time", _DAY_S), ("min", 60)):
                out[f"-{letter}{name}"] = lambda word, letter=letter, unit=unit: self._number(  # type: ignore[misc]
                    word, lambda item: int((self._now - getattr(item.st, f"st_{letter}time")) // unit)
                )
        return out

    def _flags(self, word: str) -> Test:
        text = self._take(word)
        bits = flags_change(text.lstrip("-"))(0)
        if text.startswith("-"):
            return lambda item: item.st.st_flags & bits == bits
        return lambda item: item.st.st_flags == bits

    def _act(self, what: Callable[[Item], object], *, deep: bool = False) -> Test:
        self._acts = True
        self._deep |= deep

        def act(item: Item) -> bool:
            what(item)
            return True

        return act

    def _list(self, item: Item) -> str:
        """As ls -dgils."""
        st = item.st
        size = f"{rump.major(st.st_rdev)}, {rump.minor(st.st_rdev)}" if st.st_rdev else str(st.st_size)
        owner = f"{stat.filemode(st.st_mode)} {st.st_nlink:>3} {st.st_uid:<8} {st.st_gid:<8}"
        when = clock(st.st_mtime, "%b %e %H:%M %Y")
        target = f" -> {self._tree.readlink(item.path)}" if stat.S_ISLNK(st.st_mode) else ""
        return f"{st.st_ino:>8} {st.st_blocks:>6} {owner} {size:>10} {when} {item.path}{target}"

    def _delete(self, item: Item) -> None:
        """What is below goes first; the directory that the walk began at stays where it is the root."""
        if item.path == "/":
            return
        try:
            (self._tree.rmdir if stat.S_ISDIR(item.st.st_mode) else self._tree.remove)(item.path)
        except OSError as error:
            self._status = tell(self._prog, reason(error))

    def _contents_first(self, word: str) -> Test:
        self._deep = True
        return lambda item: True

    def _one_device(self, word: str) -> Test:
        self._stays = True
        return lambda item: True

    def _prune(self, item: Item) -> bool:
        self._pruned = True
        return True

    def _depth(self, word: str) -> Test:
        text = self._take(word)
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise UsageError(f"{word} {text}: not a number")
        if word == "-maxdepth":
            self._high = min(int(text), MAX_DEPTH)
        else:
            self._low = int(text)
        return lambda item: True


def _compare(sign: str, number: int, value: Callable[[Item], int]) -> Test:
    """``+n`` is more than n, ``-n`` less."""
    if sign == "+":
        return lambda item: value(item) > number
    return (lambda item: value(item) < number) if sign == "-" else (lambda item: value(item) == number)
