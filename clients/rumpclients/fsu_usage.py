"""fsu_du, fsu_df, fsu_diff: how much is in an image, and how it differs from a tree of the host (fs-utils)."""

from __future__ import annotations

import argparse
import difflib
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any

import rump
from rump.fs import Image, Tree
from rumpclients import _image
from rumpclients._command import human, print_json, print_table, reason, run, tell
from rumpclients._image import absolute
from rumpclients.mount import percent

TROUBLE = 2
_TEXT_MAX = 1 << 20
"""Longer files are not shown line by line."""

# -- fsu_du


def du(argv: Sequence[str] | None = None, prog: str = "fsu_du") -> int:
    p = _image.parser(prog, "Shows how many blocks files of {place} take.", add_help=False)
    p.add_argument("--help", action="help", help="show this and exit")
    p.add_argument("-a", dest="all", action="store_true", help="files too")
    p.add_argument("-s", dest="sums", action="store_true", help="only what is named")
    p.add_argument("-c", dest="total", action="store_true", help="a sum of all")
    p.add_argument("-d", dest="depth", metavar="N", type=int, default=1 << 20, help="at most this deep")
    p.add_argument("-n", dest="nodump", action="store_true", help="without files that are not to be dumped")
    for letter, size in (("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("h", 0)):
        text = f"in units of {size} bytes" if size else "in units that are easy to read"
        p.add_argument(f"-{letter}", dest="unit", action="store_const", const=size, help=text)
    p.add_argument("paths", metavar="PATH", nargs="*", default=["."])
    p.set_defaults(unit=512)
    return _image.program(p.parse_args(argv), _du)


def _du(tree: Tree, options: argparse.Namespace) -> int:
    usage = _Usage(tree, options)
    total = 0

    def one(path: str) -> None:
        nonlocal total
        total += usage.of(path)

    status = _image.each(options.prog, _image.names(tree, options.paths), one)
    if options.total:
        usage.show(total, "total")
    return status | usage.status


class _Usage:
    """Sums of blocks; a file with several names counts once."""

    def __init__(self, tree: Tree, options: argparse.Namespace) -> None:
        self._tree = tree
        self._options = options
        self._seen: set[tuple[int, int]] = set()
        self.status = 0

    def show(self, blocks: int, path: str) -> None:
        unit = self._options.unit
        size = human(blocks * 512) if not unit else str(-(-blocks * 512 // unit))
        print(f"{size}\t{path}".encode(errors="replace").decode())

    def of(self, path: str) -> int:
        """Blocks of a file, or of a directory and all below it. ENOENT."""
        st = self._tree.lstat(path)
        if not stat.S_ISDIR(st.st_mode):
            self.show(st.st_blocks, path)
            return self._count(st)
        return self._folder(path, st, 0)

    def _folder(self, path: str, st: rump.Stat, depth: int) -> int:
        """With a stack of its own: each directory is shown behind those below it."""
        stack: list[tuple[str, int, list[int], list[tuple[str, rump.Stat]]]] = []
        stack.append((path, depth, [self._count(st)], self._inside(path, depth)))
        while True:
            here, depth, blocks, below = stack[-1]
            if below:
                name, st = below.pop(0)
                if stat.S_ISDIR(st.st_mode):
                    stack.append((name, depth + 1, [self._count(st)], self._inside(name, depth + 1)))
                else:
                    blocks[0] += self._file(name, st, depth + 1)
                continue
            stack.pop()
            if depth <= (0 if self._options.sums else self._options.depth):
                self.show(blocks[0], here)
            if not stack:
                return blocks[0]
            stack[-1][2][0] += blocks[0]

    def _inside(self, path: str, depth: int) -> list[tuple[str, rump.Stat]]:
        try:
            found = _image.entries(self._tree, os.fsencode(path))
        except OSError as error:
            self.status = tell(self._options.prog, reason(error))
            return []
        return [(os.path.join(path, os.fsdecode(name)), st) for name, st in found]

    def _file(self, path: str, st: rump.Stat, depth: int) -> int:
        count = self._count(st)
        if self._options.all and not self._options.sums and depth <= self._options.depth:
            self.show(st.st_blocks, path)
        return count

    def _count(self, st: rump.Stat) -> int:
        if self._options.nodump and st.st_flags & rump.UF_NODUMP:
            return 0
        if st.st_nlink > 1 and not stat.S_ISDIR(st.st_mode):
            if (st.st_dev, st.st_ino) in self._seen:
                return 0
            self._seen.add((st.st_dev, st.st_ino))
        return st.st_blocks


# -- fsu_df


def df(argv: Sequence[str] | None = None, prog: str = "fsu_df") -> int:
    p = _image.parser(prog, "Shows how full {place} is.", add_help=False)
    p.add_argument("--help", action="help", help="show this and exit")
    for letter, size in (("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30), ("h", 0)):
        text = f"in units of {size} bytes" if size else "in units that are easy to read"
        p.add_argument(f"-{letter}", dest="unit", action="store_const", const=size, help=text)
    p.add_argument("-i", dest="inodes", action="store_true", help="files too")
    p.add_argument("--json", action="store_true", help="as a JSON object, in bytes")
    p.set_defaults(unit=512)
    return _image.program(p.parse_args(argv), _df)


def _df(tree: Tree, options: argparse.Namespace) -> int:
    usage = tree.df()
    mount = tree.statvfs()
    kind, name = mount.f_fstypename, options.image
    if name is None:  # within a console
        name = os.fsdecode(tree.name or kind) if isinstance(tree, Image) else mount.f_mntfromname
    if options.json:
        print_json({"filesystem": name, "type": kind, **usage})
        return 0
    unit = options.unit
    sizes = [usage["size"], usage["used"], usage["available"]]
    cells = [human(n) if not unit else str(-(-n // unit)) for n in sizes]
    used = usage["files"] - usage["files_free"]
    files = [str(used), str(usage["files_free"]), percent(used, usage["files"])] if options.inodes else []
    full = percent(usage["used"], usage["used"] + usage["available"])
    names = {0: "Size", 512: "512-blocks", 1 << 10: "1K-blocks", 1 << 20: "1M-blocks", 1 << 30: "1G-blocks"}
    more = ["iUsed", "iAvail", "%iCap"] if options.inodes else []
    header = ["Filesystem", names[unit], "Used", "Avail", "%Cap", *more, "Type"]
    print_table(header, [[name, *cells, full, *files, kind]], right=range(1, len(header) - 1))
    return 0


# -- fsu_diff


def diff(argv: Sequence[str] | None = None, prog: str = "fsu_diff") -> int:
    p = _image.parser(prog, "Compares files of {place} with files of the host. Status 1: they differ; 2: trouble.")
    p.add_argument("-r", "-R", dest="recursive", action="store_true", help="directories with all that is in them")
    p.add_argument("-q", dest="brief", action="store_true", help="only say that files differ")
    p.add_argument("-u", dest="unified", action="store_true", help="three lines of context, which is so anyway")
    p.add_argument("-i", "--inside", dest="inside", action="store_true", help="the second path is one of the image too")
    p.add_argument("path", metavar="PATH")
    p.add_argument("other", metavar="HOSTPATH")
    options = p.parse_args(argv)

    def inside() -> int:
        with _image.opened(options) as tree:
            return _Comparer(tree, options).run()

    status = run(options.prog, lambda: inside() + 10)
    return status - 10 if status >= 10 else TROUBLE


class _Host:
    """The host's files, with the few methods of a tree that comparing needs."""

    def lstat(self, path: str) -> Any:
        return os.lstat(path)

    def listdir(self, path: str) -> list[str]:
        return os.listdir(path)

    def readlink(self, path: str) -> str:
        return os.readlink(path)

    def open(self, path: str, mode: str) -> Any:
        return open(path, mode)

    def device(self, st: Any) -> tuple[int, int]:
        return os.major(st.st_rdev), os.minor(st.st_rdev)


class _Inside:
    def __init__(self, tree: Tree) -> None:
        self.lstat = tree.lstat
        self.listdir = tree.listdir
        self.readlink = tree.readlink
        self.open = tree.open

    def device(self, st: Any) -> tuple[int, int]:
        return rump.major(st.st_rdev), rump.minor(st.st_rdev)


class _Comparer:
    def __init__(self, tree: Tree, options: argparse.Namespace) -> None:
        self._options = options
        self._sides: tuple[Any, Any] = (_Inside(tree), _Inside(tree) if options.inside else _Host())
        self._status = 0

    def run(self) -> int:
        first = absolute(self._options.path)
        other = absolute(self._options.other) if self._options.inside else self._options.other
        todo = [(first, other)]
        while todo:
            a, b = todo.pop()
            try:
                todo += reversed(list(self._pair(a, b)))
            except OSError as error:
                tell(self._options.prog, reason(error))
                self._status = TROUBLE
        return self._status

    def _differ(self, text: str) -> None:
        self._status = max(self._status, 1)
        print(text.encode(errors="replace").decode())

    def _pair(self, a: str, b: str) -> Iterator[tuple[str, str]]:
        """Compares two files; pairs that are still to be compared."""
        one, two = self._sides
        st, other = one.lstat(a), two.lstat(b)
        kind, second = stat.S_IFMT(st.st_mode), stat.S_IFMT(other.st_mode)
        if kind != second:
            self._differ(f"{a} is a {_kind(kind)}, {b} is a {_kind(second)}")
        elif kind == stat.S_IFDIR:
            yield from self._folders(a, b)
        elif kind == stat.S_IFLNK:
            if one.readlink(a) != two.readlink(b):
                self._differ(f"Symbolic links {a} and {b} differ")
        elif kind == stat.S_IFREG:
            self._files(a, b, st.st_size, other.st_size)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK) and one.device(st) != two.device(other):
            self._differ(f"Devices {a} and {b} differ")

    def _folders(self, a: str, b: str) -> Iterator[tuple[str, str]]:
        one, two = self._sides
        mine, others = set(one.listdir(a)), set(two.listdir(b))
        for name in sorted(mine | others):
            if name not in others:
                self._differ(f"Only in {a}: {name}")
            elif name not in mine:
                self._differ(f"Only in {b}: {name}")
            elif self._options.recursive or not stat.S_ISDIR(one.lstat(os.path.join(a, name)).st_mode):
                yield os.path.join(a, name), os.path.join(b, name)
            else:
                print(f"Common subdirectories: {a}/{name} and {b}/{name}".encode(errors="replace").decode())

    def _files(self, a: str, b: str, size: int, other: int) -> None:
        with self._sides[0].open(a, "rb") as first, self._sides[1].open(b, "rb") as second:
            if size <= _TEXT_MAX and other <= _TEXT_MAX and not self._options.brief:
                self._texts(a, b, first.read(), second.read())
                return
            while True:
                one, two = first.read(_TEXT_MAX), second.read(_TEXT_MAX)
                if one != two:
                    self._differ(f"Files {a} and {b} differ")
                if one != two or not one:
                    return

    def _texts(self, a: str, b: str, one: bytes, two: bytes) -> None:
        if one == two:
            return
        if b"\0" in one or b"\0" in two:
            self._differ(f"Binary files {a} and {b} differ")
            return
        lines = [part.decode(errors="replace").splitlines(keepends=True) for part in (one, two)]
        for line in difflib.unified_diff(lines[0], lines[1], a, b):
            self._differ(line.removesuffix("\n") if line.endswith("\n") else line + "\n\\ No newline at end of file")


def _kind(kind: int) -> str:
    names = {
        stat.S_IFDIR: "directory",
        stat.S_IFREG: "regular file",
        stat.S_IFLNK: "symbolic link",
        stat.S_IFIFO: "fifo",
    }
    return names.get(kind, "special file")
