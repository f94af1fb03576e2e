"""fsu_chmod, fsu_chown, fsu_chgrp, fsu_chflags, fsu_touch: attributes of files of an image (fs-utils)."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import time
from collections.abc import Callable, Sequence
from functools import partial

import rump
from rump.fs import Tree
from rumpclients import _image, _modes
from rumpclients._command import Parser, UsageError, reason, tell
from rumpclients._image import absolute

Act = Callable[[bytes, rump.Stat, bool], None]
"""Path, its attributes, and whether a link is followed."""


class _Changer:
    """Does something with files, with -R with all below them too."""

    def __init__(self, tree: Tree, options: argparse.Namespace, act: Act) -> None:
        self._tree = tree
        self._options = options
        self._act = act
        self._status = 0

    def run(self) -> int:
        for path in _image.names(self._tree, self._options.paths):
            self._top(os.fsencode(path))
        return self._status

    def _top(self, path: bytes) -> None:
        options = self._options
        follow = not options.no_follow and not options.recursive
        try:
            st = self._tree.stat(path, follow_symlinks=follow)
            self._do(path, st, follow)
        except OSError as error:
            self._tell(error)
            return
        if options.recursive and self._tree.isdir(path) and not self._tree.islink(path):
            self._below(path)

    def _below(self, top: bytes) -> None:
        todo = [top]
        while todo:
            path = todo.pop()
            try:
                entries = self._tree.scandir(path)
            except OSError as error:
                self._tell(error)
                continue
            for entry in entries:
                try:
                    self._do(entry.path, entry.stat(follow_symlinks=False), False)
                except OSError as error:
                    self._tell(error)
            todo += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]

    def _do(self, path: bytes, st: rump.Stat, follow: bool) -> None:
        self._act(path, st, follow)
        if self._options.verbose:
            print(os.fsdecode(path).encode(errors="replace").decode())

    def _tell(self, error: OSError) -> None:
        if not self._options.force:
            self._status = tell(self._options.prog, reason(error))


def _parser(prog: str, description: str, what: str) -> Parser:
    p = _image.parser(prog, description, add_help=False)
    p.add_argument("--help", action="help", help="show this and exit")
    p.add_argument("-R", dest="recursive", action="store_true", help="directories with all that is in them")
    p.add_argument("-h", dest="no_follow", action="store_true", help="symbolic links themselves")
    p.add_argument("-f", dest="force", action="store_true", help="say nothing of what fails")
    p.add_argument("-v", dest="verbose", action="store_true", help="say what is changed")
    p.add_argument("what", metavar=what)
    p.add_argument("paths", metavar="PATH", nargs="+")
    return p


# -- fsu_chmod


def chmod(argv: Sequence[str] | None = None, prog: str = "fsu_chmod") -> int:
    p = _parser(prog, "Changes modes of files of {place}.", "MODE")
    options = p.parse_args(_modes.shield(argv))
    return _image.program(options, _chmod, readonly=False)


def _chmod(tree: Tree, options: argparse.Namespace) -> int:
    change = _modes.mode_change(options.what)

    def act(path: bytes, st: rump.Stat, follow: bool) -> None:
        if follow or options.no_follow or st.st_mode & 0o170000 != 0o120000:
            tree.chmod(path, change(st.st_mode), follow_symlinks=follow)

    return _Changer(tree, options, act).run()


# -- fsu_chown, fsu_chgrp


def chown(argv: Sequence[str] | None = None, prog: str = "fsu_chown") -> int:
    p = _parser(prog, "Changes owners of files of {place}.", "OWNER[:GROUP]|:GROUP")
    return _image.program(p.parse_args(argv), partial(_chown, _modes.owner), readonly=False)


def chgrp(argv: Sequence[str] | None = None, prog: str = "fsu_chgrp") -> int:
    p = _parser(prog, "Changes groups of files of {place}.", "GROUP")
    return _image.program(p.parse_args(argv), partial(_chown, _modes.group), readonly=False)


def _chown(
    parse: Callable[[Tree, str], tuple[int, int]], tree: Tree, options: argparse.Namespace
) -> int:  # fmt: skip
    uid, gid = parse(tree, options.what)

    def act(path: bytes, st: rump.Stat, follow: bool) -> None:
        tree.chown(path, uid, gid, follow_symlinks=follow)

    return _Changer(tree, options, act).run()


# -- fsu_chflags


def chflags(argv: Sequence[str] | None = None, prog: str = "fsu_chflags") -> int:
    p = _parser(prog, "Changes flags of files of {place}.", "FLAGS")
    return _image.program(p.parse_args(argv), _chflags, readonly=False)


def _chflags(tree: Tree, options: argparse.Namespace) -> int:
    change = _modes.flags_change(options.what)

    def act(path: bytes, st: rump.Stat, follow: bool) -> None:
        tree.chflags(path, change(st.st_flags), follow_symlinks=follow)

    return _Changer(tree, options, act).run()


# -- fsu_touch


def touch(argv: Sequence[str] | None = None, prog: str = "fsu_touch") -> int:
    p = _image.parser(prog, "Sets times of files of {place}, and makes those that are not there.", add_help=False)
    p.add_argument("--help", action="help", help="show this and exit")
    p.add_argument("-a", dest="access", action="store_true", help="the access time only")
    p.add_argument("-m", dest="modification", action="store_true", help="the modification time only")
    p.add_argument("-c", dest="existing", action="store_true", help="make no files")
    p.add_argument("-h", dest="no_follow", action="store_true", help="symbolic links themselves; makes no files")
    at = p.add_mutually_exclusive_group()
    at.add_argument("-d", dest="date", metavar="TIME", help="2026-01-31T12:00:00[.5][Z], or @SECONDS")
    at.add_argument(
        *["--stamp"] + ["-t"] * (not prog.startswith("fsu_")),
        dest="stamp",
        metavar="TIME",
        help="[[CC]YY]MMDDhhmm[.SS]",
    )
    at.add_argument("-r", dest="like", metavar="PATH", help="the times of this file")
    p.add_argument("paths", metavar="PATH", nargs="+")
    return _image.program(p.parse_args(argv), _touch, readonly=False)


def _touch(tree: Tree, options: argparse.Namespace) -> int:
    when = _times(tree, options)

    def one(path: str) -> None:
        if not tree.lexists(path) if options.no_follow else not tree.exists(path):
            if options.existing or options.no_follow:
                return
            tree.write_bytes(path, b"")
        st = tree.stat(path, follow_symlinks=not options.no_follow)
        now = time.time_ns()
        wanted = when or (now, now)
        one_only = options.access != options.modification
        atime = st.st_atime_ns if one_only and options.modification else wanted[0]
        mtime = st.st_mtime_ns if one_only and options.access else wanted[1]
        tree.utime(path, ns=(atime, mtime), follow_symlinks=not options.no_follow)

    return _image.each(options.prog, _image.names(tree, options.paths), one)


def _times(tree: Tree, options: argparse.Namespace) -> tuple[int, int] | None:
    if options.like is not None:
        st = tree.stat(absolute(options.like))
        return st.st_atime_ns, st.st_mtime_ns
    text = options.date or options.stamp
    if text is None:
        return None
    at = _date(text) if options.date else _stamp(text)
    return at, at


def _date(text: str) -> int:
    if re.fullmatch(r"@-?[0-9]{1,12}", text):
        return int(text[1:]) * 10**9
    try:
        found = dt.datetime.fromisoformat(text)
        return int(found.replace(microsecond=0).timestamp()) * 10**9 + found.microsecond * 1000
    except (ValueError, OverflowError):
        raise UsageError(f"{text}: not a time") from None


def _stamp(text: str) -> int:
    match = re.fullmatch(r"((?:[0-9]{2})?[0-9]{2})?([0-9]{8})(?:\.([0-9]{2}))?", text)
    if match is None:
        raise UsageError(f"{text}: not a time")
    year = match[1] or str(dt.date.today().year)
    if len(year) == 2:
        year = ("19" if int(year) >= 69 else "20") + year
    try:
        found = dt.datetime.strptime(f"{year}{match[2]}{match[3] or '00'}", "%Y%m%d%H%M%S")
    except ValueError:
        raise UsageError(f"{text}: not a time") from None
    return int(found.timestamp()) * 10**9
