"""fsu_ls, fsu_cat, fsu_stat, fsu_find: reading an image without mounting it (fs-utils)."""

from __future__ import annotations

import argparse
import os
import stat as modes
import sys
import time
from collections.abc import Callable, Sequence

import rump
from rump.fs import Tree
from rumpclients import _find, _image
from rumpclients._command import human, print_json, reason, tell
from rumpclients._modes import flag_names
from rumpclients._statformat import TIMES, clock, formatter, kind, mark

_CHUNK = 1 << 20
_HALF_YEAR_S = 182 * 86400


# -- fsu_ls


def ls(argv: Sequence[str] | None = None, prog: str = "fsu_ls") -> int:
    p = _image.parser(prog, "Lists files of {place}.", add_help=False)
    p.add_argument("--help", action="help", help="show this and exit")
    for letter, text in (
        ("1", "one name to a line, which is so anyway"),
        ("a", "names that begin with a dot too"),
        ("A", "those but not . and .."),
        ("d", "directories themselves, not what is in them"),
        ("F", "marks behind names: / directory, * program, @ link, = socket, | fifo"),
        ("h", "sizes that are easy to read"),
        ("i", "inode numbers"),
        ("l", "attributes"),
        ("n", "owners as numbers, which is so anyway"),
        ("R", "directories below too"),
        ("r", "backwards"),
        ("S", "by size"),
        ("T", "times in full"),
        ("s", "blocks of 512 bytes"),
    ):
        p.add_argument(f"-{letter}", dest=f"flag_{letter}", action="store_true", help=text)
    p.add_argument("-c", dest="by_time", action="store_true", help="newest first")
    p.add_argument("-C", "-q", dest="ignored", action="store_true", help="nothing: for old scripts")
    p.add_argument("-f", dest="flag_f", action="store_true", help="as they stand in the directory")
    p.add_argument("-p", dest="flag_p", action="store_true", help="a slash behind names of directories")
    p.add_argument("-u", dest="accessed", action="store_true", help="times are those of the last access")
    if not prog.startswith("fsu_"):
        p.add_argument("-t", dest="by_time", action="store_true", help="newest first")
    p.add_argument("-o" if not prog.startswith("fsu_") else "--flags", dest="flag_o", action="store_true",
                   help="file flags too")  # fmt: skip
    p.add_argument("--json", action="store_true", help="as a JSON array")
    p.add_argument("paths", metavar="PATH", nargs="*", default=["."])
    return _image.program(p.parse_args(argv), _ls)


def _ls(tree: Tree, options: argparse.Namespace) -> int:
    status = 0
    files: list[tuple[bytes, rump.Stat]] = []
    folders: list[tuple[bytes, rump.Stat]] = []
    for path in _image.names(tree, options.paths):
        try:
            st = tree.stat(path, follow_symlinks=not (options.flag_d or options.flag_l))
        except OSError as error:
            status = tell(options.prog, reason(error))
            continue
        into = folders if modes.S_ISDIR(st.st_mode) and not options.flag_d else files
        into.append((os.fsencode(path), st))
    lister = _Lister(tree, options)
    lister.show(b"", files)
    titles = len(options.paths) > 1 or options.flag_R
    for folder, _ in folders:
        status |= lister.folder(folder, title=titles)
    if options.json:
        print_json(lister.records)
    return status


class _Lister:
    """Prints listings, or gathers them as records."""

    def __init__(self, tree: Tree, options: argparse.Namespace) -> None:
        self._tree = tree
        self._options = options
        self._first = True
        self.records: list[dict[str, object]] = []

    def folder(self, path: bytes, *, title: bool) -> int:
        """What is in a directory, with -R in those below too; the exit status."""
        options = self._options
        try:
            found = _image.entries(self._tree, path)
        except OSError as error:
            return tell(options.prog, reason(error))
        below = [name for name, st in found if modes.S_ISDIR(st.st_mode)]
        if options.flag_a:
            dots = [(name, self._tree.lstat(os.path.join(path, name))) for name in (b".", b"..")]
            found = [*dots, *found]
        if not (options.flag_a or options.flag_A or options.flag_f):
            found = [(name, st) for name, st in found if not name.startswith(b".")]
            below = [name for name in below if not name.startswith(b".")]
        if title and not options.json:
            print(("" if self._first else "\n") + f"{os.fsdecode(path)}:")
        if options.flag_l and not options.json:
            print(f"total {sum(st.st_blocks for _, st in found)}")
        self.show(path, found)
        status = 0
        for name in below if options.flag_R else ():
            status |= self.folder(os.path.join(path, name), title=True)
        return status

    def show(self, folder: bytes, found: list[tuple[bytes, rump.Stat]]) -> None:
        options = self._options
        if options.flag_S:
            found = sorted(found, key=lambda item: -item[1].st_size)
        if options.by_time:
            found = sorted(found, key=lambda item: -self._when(item[1]))
        if options.flag_r:
            found = found[::-1]
        if found:
            self._first = False
        if options.json:
            self.records += [_record(os.path.join(folder, name), st) for name, st in found]
        elif options.flag_l:
            self._long(folder, found)
        else:
            for name, st in found:
                print(self._prefix(st) + self._name(name, st))

    def _prefix(self, st: rump.Stat) -> str:
        inode = f"{st.st_ino} " if self._options.flag_i else ""
        return inode + (f"{st.st_blocks} " if self._options.flag_s else "")

    def _name(self, name: bytes, st: rump.Stat) -> str:
        if self._options.flag_F:
            return printable(name) + mark(st.st_mode)
        return printable(name) + ("/" if self._options.flag_p and modes.S_ISDIR(st.st_mode) else "")

    def _when(self, st: rump.Stat) -> int:
        return st.st_atime_ns if self._options.accessed else st.st_mtime_ns

    def _long(self, folder: bytes, found: list[tuple[bytes, rump.Stat]]) -> None:
        rows = []
        for name, st in found:
            target = ""
            if modes.S_ISLNK(st.st_mode):
                target = f" -> {printable(self._tree.readlink(os.path.join(folder, name)))}"
            rows.append([self._prefix(st) + modes.filemode(st.st_mode), st.st_nlink, self._owner(st),
                         self._size(st), self._time(st), self._name(name, st) + target])  # fmt: skip
        widths = [max((len(str(row[i])) for row in rows), default=0) for i in range(4)]
        for mode, links, owner, size, changed, text in rows:
            line = f"{mode:<{widths[0]}} {links:>{widths[1]}} {owner:<{widths[2]}} {size:>{widths[3]}}"
            print(f"{line} {changed} {text}")

    def _owner(self, st: rump.Stat) -> str:
        flags = f" {flag_names(st.st_flags)}" if self._options.flag_o else ""
        return f"{st.st_uid} {st.st_gid}{flags}"

    def _size(self, st: rump.Stat) -> str:
        if modes.S_ISBLK(st.st_mode) or modes.S_ISCHR(st.st_mode):
            return f"{rump.major(st.st_rdev)}, {rump.minor(st.st_rdev)}"
        return human(st.st_size) if self._options.flag_h else str(st.st_size)

    def _time(self, st: rump.Stat) -> str:
        return when(self._when(st) / 1e9, full=self._options.flag_T)


def when(seconds: float, *, full: bool = False) -> str:
    """A time as ls(1) prints it: with the year when it is far away."""
    near = abs(time.time() - seconds) < _HALF_YEAR_S
    return clock(seconds, TIMES if full else "%b %e %H:%M" if near else "%b %e  %Y")


def printable(name: bytes) -> str:
    """A name for a terminal: control characters and bytes that are no UTF-8 as \\ooo."""
    text = name.decode("utf-8", "surrogateescape")
    return "".join(c if c.isprintable() else "".join(f"\\{byte:03o}" for byte in os.fsencode(c)) for c in text)


def _record(path: bytes, st: rump.Stat) -> dict[str, object]:
    return {"path": os.fsdecode(path), "mode": modes.filemode(st.st_mode), **st._asdict()}


# -- fsu_cat


def cat(argv: Sequence[str] | None = None, prog: str = "fsu_cat") -> int:
    p = _image.parser(prog, "Writes files of {place} to standard output.")
    p.add_argument("paths", metavar="PATH", nargs="+")
    return _image.program(p.parse_args(argv), _cat)


def _cat(tree: Tree, options: argparse.Namespace) -> int:
    status = _image.each(options.prog, _image.names(tree, options.paths), lambda path: _pour(tree, path))
    sys.stdout.buffer.flush()
    return status


def _pour(tree: Tree, path: str) -> None:
    with tree.open(path, "rb", buffering=0) as file:
        while data := file.read(_CHUNK):
            sys.stdout.buffer.write(data)


# -- fsu_stat


def stat(argv: Sequence[str] | None = None, prog: str = "fsu_stat") -> int:
    p = _image.parser(prog, "Shows the attributes of files of {place}.")
    p.add_argument("-L", dest="follow", action="store_true", help="of what a symbolic link leads to")
    form = p.add_mutually_exclusive_group()
    form.add_argument("-x", dest="form", action="store_const", const="verbose", help="in words")
    form.add_argument("-s", dest="form", action="store_const", const="shell", help="as assignments of a shell")
    form.add_argument("-r", dest="form", action="store_const", const="raw", help="numbers only")
    form.add_argument("-l", dest="form", action="store_const", const="list", help="as ls -lT")
    form.add_argument("-f", dest="format", metavar="FORMAT", help="these data: %%N %%z %%Sp %%u %%m, see stat(1)")
    form.add_argument("--json", dest="form", action="store_const", const="json", help="as a JSON array")
    p.add_argument("-n", dest="open_end", action="store_true", help="no newline behind the last one")
    if not prog.startswith("fsu_"):
        p.add_argument("-t", dest="times", metavar="FORMAT", help="times, as strftime(3) takes it")
    p.add_argument("-q", dest="quiet", action="store_true", help="say nothing of files that are not there")
    p.add_argument("paths", metavar="PATH", nargs="+")
    p.set_defaults(times=TIMES)
    return _image.program(p.parse_args(argv), _stat)


_LIST = "%Sp %l %Su %Sg %Z %Sm %N%SY"


def _stat(tree: Tree, options: argparse.Namespace) -> int:
    found: list[tuple[str, rump.Stat]] = []
    paths = _image.names(tree, options.paths)
    show = _shower(tree, options)

    def look(path: str) -> None:
        try:
            found.append((path, tree.stat(path, follow_symlinks=options.follow)))
        except OSError as error:
            if not options.quiet:
                raise
            failed.append(error)

    failed: list[OSError] = []
    status = _image.each(options.prog, paths, look) | bool(failed)
    if options.form == "json":
        print_json([_record(os.fsencode(path), st) for path, st in found])
        return status
    text = "\n".join(show(path, st) for path, st in found)
    print(text, end="" if options.open_end or not found else "\n")
    return status


def _shower(tree: Tree, options: argparse.Namespace) -> Callable[[str, rump.Stat], str]:
    form = options.format if options.format is not None else _LIST if options.form == "list" else None
    if form is None:
        show = {"verbose": _verbose, "shell": _shell, "raw": _raw}.get(options.form, _plain)
        return lambda path, st: show(printable(os.fsencode(path)), st)
    line = formatter(form, options.times)

    def formatted(path: str, st: rump.Stat) -> str:
        target = printable(os.fsencode(tree.readlink(path))) if modes.S_ISLNK(st.st_mode) else ""
        return line(printable(os.fsencode(path)), target, st)

    return formatted


def _plain(path: str, st: rump.Stat) -> str:
    """The line of BSD's stat(1)."""
    times = " ".join(f'"{when(t, full=True)}"' for t in (st.st_atime, st.st_mtime, st.st_ctime, st.st_birthtime))
    owner = f"{modes.filemode(st.st_mode)} {st.st_nlink} {st.st_uid} {st.st_gid} {st.st_rdev}"
    blocks = f"{st.st_blksize} {st.st_blocks} {st.st_flags:#x}"
    return f"{st.st_dev} {st.st_ino} {owner} {st.st_size} {times} {blocks} {path}"


def _raw(path: str, st: rump.Stat) -> str:
    times = " ".join(str(ns // 10**9) for ns in (st.st_atime_ns, st.st_mtime_ns, st.st_ctime_ns, st.st_birthtime_ns))
    owner = f"{st.st_mode:#o} {st.st_nlink} {st.st_uid} {st.st_gid} {st.st_rdev}"
    return f"{st.st_dev} {st.st_ino} {owner} {st.st_size} {times} {st.st_blksize} {st.st_blocks} {st.st_flags} {path}"


def _shell(path: str, st: rump.Stat) -> str:
    values = {name.removesuffix("_ns"): value // 10**9 if name.endswith("_ns") else value
              for name, value in st._asdict().items()}  # fmt: skip
    values["st_mode"] = f"0{st.st_mode:o}"
    return " ".join(f"{name}={value}" for name, value in values.items())


def _verbose(path: str, st: rump.Stat) -> str:
    mode = f"({st.st_mode & 0o7777:04o}/{modes.filemode(st.st_mode)})"
    lines = [
        f'  File: "{path}"',
        f"  Size: {st.st_size:<12} FileType: {kind(st.st_mode)}",
        f"  Mode: {mode}         Uid: ({st.st_uid})  Gid: ({st.st_gid})",
        f"Device: {rump.major(st.st_dev)},{rump.minor(st.st_dev)}   Inode: {st.st_ino}    Links: {st.st_nlink}",
    ]
    times = {"Access": st.st_atime, "Modify": st.st_mtime, "Change": st.st_ctime, "Birth": st.st_birthtime}
    return "\n".join([*lines, *(f"{name:>6}: {when(seconds, full=True)}" for name, seconds in times.items())])


# -- fsu_find


def find(argv: Sequence[str] | None = None, prog: str = "fsu_find") -> int:
    p = _image.parser(prog, "Walks the directories of {place}.", epilog=_find.HELP)
    p.add_argument("rest", metavar="[PATH...] [EXPRESSION]", nargs=argparse.REMAINDER)
    words = sys.argv[1:] if argv is None else list(argv)
    own = prog.startswith("fsu_") or words[:1] in (["--help"], ["-h"], ["--version"])
    options = p.parse_args(words if own else [])
    if not own:
        options.rest = words  # the expression may come first
    return _image.program(options, _do_find, readonly="-delete" not in options.rest)


def _do_find(tree: Tree, options: argparse.Namespace) -> int:
    paths, expression = _find.split(options.rest)
    finder = _find.Finder(options.prog, tree, expression)
    status = 0
    for path in _image.names(tree, paths or [_image.Session.folder]):
        status |= finder.walk(path)
    return status


if __name__ == "__main__":
    sys.exit(ls())
